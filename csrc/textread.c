/* textread.c - read(), readline(), readlines() and `async for` of text.
 *
 * op->got and op->taken count what the operation has looked at from the
 * position on; the position moves at the end.  What is there to be returned is
 * valid bytes or decoded characters; but for the search in them all is one.
 */
#include "text.h"

enum { LINES_PER_LOOK = 256 };

/* ---- a line ---- */

/* The line that starts skip bytes behind cur, in bytes; 0 if it does not end
 * in the window, or not where a limit in characters would leave its end.
 * op->got bytes of it have no end in them: that is noted. */
static size_t
line_in_bytes(OpObject *op, size_t skip, Py_ssize_t limit)
{
    FileObject *file = op->file;
    struct text *text = file->text;
    const char *p = file->rbuf.data + text->cur + skip;
    size_t n = text->lim - text->cur - skip, seen = (size_t)op->got;
    size_t len = 0;
    const char *nl;
    if (limit >= 0 && (size_t)limit < n / 4) {
        n = (size_t)limit * 4 + 1; /* a character has four bytes at most */
    }
    if (n <= seen) {
        return 0;
    }
    if (text->universal && text->has_cr) {
        len = scan_line_universal(p + seen, n - seen);
    }
    else if (text->readnl[1] != '\0') {
        nl = memmem(p + seen, n - seen, text->readnl, 2);
        len = nl == NULL ? 0 : (size_t)(nl - (p + seen)) + 2;
    }
    else {
        char end = text->universal ? '\n' : text->readnl[0];
        nl = memchr(p + seen, end, n - seen);
        len = nl == NULL ? 0 : (size_t)(nl - (p + seen)) + 1;
    }
    if (len == 0) {
        op->got = (Py_ssize_t)(text->readnl[1] != '\0' ? n - 1 : n);
        return 0;
    }
    return seen + len;
}

/* Of n bytes of the window at p those of at most *chars characters; *chars
 * becomes their number. */
static size_t
text_forward(const struct text *text, const char *p, size_t n, size_t *chars)
{
    return scan_forward(p, n, !text->ascii && text->codec == CODEC_UTF8,
                        text->translate && text->has_cr, chars);
}

/* How much of n bytes at p a limit in characters leaves; *reached: there are
 * that many. */
static size_t
line_cut(const struct text *text, const char *p, size_t n, Py_ssize_t limit,
         bool *reached)
{
    size_t chars = (size_t)limit;
    *reached = false;
    if (limit < 0) {
        return n;
    }
    size_t len = text_forward(text, p, n, &chars);
    *reached = chars == (size_t)limit;
    return len;
}

/* The same in decoded characters, from start on. */
static Py_ssize_t
line_in_decoded(OpObject *op, Py_ssize_t start, Py_ssize_t limit)
{
    const struct text *text = op->file->text;
    const struct chars *chars = text->decoded;
    Py_UCS4 first = text->universal ? '\n' : (Py_UCS4)text->readnl[0];
    bool pair = text->readnl[1] != '\0';
    bool cr = text->universal && !text->translate;
    Py_ssize_t left = chars->end - start;
    Py_ssize_t n = limit >= 0 && limit < left ? limit : left;
    for (Py_ssize_t i = start + op->got; i < start + n; i++) {
        Py_UCS4 c = chars_get(chars, i);
        if (c != first && !(cr && c == '\r')) {
            continue;
        }
        Py_ssize_t len = i + 1 - start;
        bool lf = i + 1 < chars->end && chars_get(chars, i + 1) == '\n';
        if (!pair) {
            return len + (cr && c == '\r' && lf);
        }
        if (lf) {
            return len + 1;
        }
    }
    op->got = n > 0 ? n - pair : 0;
    return 0;
}

/* A line of valid bytes, if the window has it whole, or last is set: its
 * length in *span and true. */
static bool
line_from_bytes(OpObject *op, Py_ssize_t limit, bool last, size_t *span)
{
    struct text *text = op->file->text;
    size_t skip = (size_t)op->taken;
    const char *p = op->file->rbuf.data + text->cur + skip;
    size_t left = text->lim - text->cur - skip;
    size_t len = line_in_bytes(op, skip, limit);
    bool reached;
    *span = line_cut(text, p, len > 0 ? len : left, limit, &reached);
    return len > 0 || last || (reached && text->chars > 0);
}

/* The same for decoded characters. */
static bool
line_from_decoded(OpObject *op, Py_ssize_t limit, bool last, size_t *span)
{
    const struct chars *chars = op->file->text->decoded;
    Py_ssize_t start = chars->pos + op->taken;
    Py_ssize_t left = chars->end - start;
    Py_ssize_t len = line_in_decoded(op, start, limit);
    Py_ssize_t n = len > 0 ? len : left;
    bool reached = limit >= 0 && limit <= n;
    *span = (size_t)(reached ? limit : n);
    return len > 0 || last || reached;
}

static PyObject *
line_string(OpObject *op, size_t span)
{
    struct text *text = op->file->text;
    if (text->decoded == NULL) {
        return text_string(op->file, (size_t)op->taken, span);
    }
    return chars_string(text->decoded, op->taken, (Py_ssize_t)span);
}

/* The next chunk; what was taken is counted in characters from then on, if
 * the codec is needed. */
static enum step
line_more(OpObject *op, bool *more)
{
    FileObject *file = op->file;
    struct text *text = file->text;
    bool bytes = text->decoded == NULL;
    enum step step = text_chunk(op, 0, more);
    if (step != STEP_DONE) {
        return step;
    }
    if (bytes && text->decoded != NULL) {
        op->taken = op->sum;
        op->got = 0;
    }
    op->ended = !*more;
    return step;
}

/* A line of text that starts op->taken behind the position, as a new str in
 * *line, and how far it reaches in *span; empty at the end of the file. */
static enum step
line_get(OpObject *op, Py_ssize_t limit, PyObject **line, size_t *span)
{
    struct text *text = op->file->text;
    bool more = true;
    for (;;) {
        bool there;
        if (text->decoded == NULL) {
            there = line_from_bytes(op, limit, !more, span);
        }
        else {
            there = line_from_decoded(op, limit, !more, span);
        }
        if (there && !op->filling) {
            *line = line_string(op, *span);
            return *line == NULL ? STEP_ERROR : STEP_DONE;
        }
        if (!op->filling && op_must_yield(op)) {
            return STEP_YIELD;
        }
        enum step step = line_more(op, &more);
        if (step != STEP_DONE) {
            return step;
        }
    }
}

/* What was written is in the file before more of that is read. */
static enum step
line_after_write(OpObject *op, Py_ssize_t limit)
{
    FileObject *file = op->file;
    size_t span;
    if (!file->writing) {
        return STEP_DONE;
    }
    bool kept = file->text->decoded != NULL && !op->filling
                && line_from_decoded(op, limit, false, &span);
    return kept ? text_hand_on(op) : file_drain(op);
}

static void
line_advance(OpObject *op, size_t span)
{
    struct text *text = op->file->text;
    if (op->ended) { /* io has no snapshot there */
        text->has_snap = text->noted = false;
        text->chars = 0;
    }
    if (text->decoded == NULL) {
        text->cur += span;
    }
    else {
        text_take_decoded(text, (Py_ssize_t)span);
    }
    op_charge(op, span);
}

/* Whether the next bytes of the window are the text, as it is. */
static inline bool
text_is_at_hand(const FileObject *file)
{
    const struct text *text = file->text;
    return text->lim > text->cur /* else there may be no buffer */
           && text->decoded == NULL && !text->has_cr && text->owed == NULL
           && !file->writing && file_is_native(file, MODE_READ);
}

/* n bytes of it. */
static inline PyObject *
text_take_at_hand(OpObject *op, size_t n)
{
    FileObject *file = op->file;
    struct text *text = file->text;
    PyObject *str = text_from_valid(text, file->rbuf.data + text->cur, n);
    if (str == NULL) {
        PyErr_Clear(); /* the step fails as well */
        return NULL;
    }
    text->cur += n;
    op_charge(op, n);
    return str;
}

/* Most lines are whole in the window, and end in one byte. */
static PyObject *
line_at_hand(OpObject *op)
{
    const FileObject *file = op->file;
    const struct text *text = file->text;
    if (op->given || text->readnl[1] != '\0' || !text_is_at_hand(file)) {
        return NULL;
    }
    size_t len = file_line_at_hand(file->rbuf.data + text->cur,
                                   text->lim - text->cur,
                                   text->universal ? '\n' : text->readnl[0]);
    return len == 0 ? NULL : text_take_at_hand(op, len);
}

/* Whether a call with a size is plainly wrong; none: it may be None. */
static bool
size_is_wrong(OpObject *op, bool none)
{
    Py_ssize_t size;
    return op_size_arg(op, &size) < 0 || (!none && op->arg[0] == Py_None);
}

/* What a line operation begins with.  A file that is not readable hands on
 * its pending bytes before that is found out, if the call is not wrong. */
static enum step
line_begin(OpObject *op, bool none)
{
    FileObject *file = op->file;
    if (file->writing && !file->closed && file->real == NULL
        && !(file->flags & MODE_READ) && !size_is_wrong(op, none)) {
        enum step step = text_hand_on(op);
        if (step != STEP_DONE) {
            return step;
        }
    }
    return text_begin(op, MODE_READ);
}

static enum step
readline_step(OpObject *op, PyObject **result)
{
    size_t span;
    enum step step = line_begin(op, false);
    if (step != STEP_DONE) {
        return step;
    }
    if (op->phase == 0) {
        if (op_size_arg(op, &op->n) < 0 || op->arg[0] == Py_None) {
            return file_reference_error(op);
        }
        op->phase = 1;
    }
    step = line_after_write(op, op->n);
    if (step != STEP_DONE) {
        return step;
    }
    step = line_get(op, op->n, result, &span);
    if (step == STEP_DONE) {
        line_advance(op, span);
    }
    return step;
}

static enum step
next_line_step(OpObject *op, PyObject **result)
{
    size_t span;
    enum step step = line_begin(op, true);
    if (step != STEP_DONE) {
        return step;
    }
    step = line_after_write(op, -1);
    if (step != STEP_DONE) {
        return step;
    }
    step = line_get(op, -1, result, &span);
    if (step != STEP_DONE) {
        return step;
    }
    line_advance(op, span);
    if (span == 0) {
        Py_CLEAR(*result);
        PyErr_SetNone(PyExc_StopAsyncIteration);
        return STEP_ERROR;
    }
    return STEP_DONE;
}

/* readlines(): op->n is the hint, op->taken reaches over op->acc's lines,
 * op->sum is their length in characters. */
static enum step
readlines_all(OpObject *op, PyObject **result)
{
    struct text *text = op->file->text;
    enum step step = line_begin(op, true);
    if (step != STEP_DONE) {
        return step;
    }
    step = op_begin_lines(op);
    if (step != STEP_DONE) {
        return step;
    }
    for (int i = 1;; i++) {
        PyObject *line;
        size_t span;
        if (i % LINES_PER_LOOK == 0 && op_must_yield(op)) {
            return STEP_YIELD;
        }
        step = line_after_write(op, -1);
        if (step != STEP_DONE) {
            return step;
        }
        step = line_get(op, -1, &line, &span);
        if (step != STEP_DONE) {
            return step;
        }
        if (span == 0) {
            Py_DECREF(line);
            text->telling_off = text->listing = false;
            break;
        }
        int rc = PyList_Append(op->acc, line);
        op->sum += PyUnicode_GET_LENGTH(line);
        Py_DECREF(line);
        if (rc < 0) {
            return STEP_ERROR;
        }
        op->got = 0;
        op->taken += (Py_ssize_t)span;
        op_charge(op, span);
        if (op->n > 0 && op->sum > op->n) {
            break;
        }
    }
    line_advance(op, (size_t)op->taken);
    *result = op->acc;
    op->acc = NULL;
    return STEP_DONE;
}

/* The built-in one is an iteration, which turns tell() off until it ends: it
 * stays off after a hint or an error has cut it short, and what was read
 * meanwhile is not noted.  One that is cancelled has done nothing. */
static enum step
readlines_step(OpObject *op, PyObject **result)
{
    FileObject *file = op->file;
    struct text *text = file->text;
    Py_ssize_t hint;
    text->listing = !file->closed && file->real == NULL
                    && op_size_arg(op, &hint) == 0;
    text->listed = text->listed && op->phase != 0;
    enum step step = readlines_all(op, result);
    if (text->listing && (step == STEP_DONE || step == STEP_ERROR)) {
        text->telling_off = true;
        text->has_snap = text->has_snap && !text->listed;
    }
    text->listing = false;
    return step;
}

/* ---- read() ---- */

/* n characters of the window, or all of it: in *result. */
static enum step
read_take(OpObject *op, PyObject **result)
{
    FileObject *file = op->file;
    struct text *text = file->text;
    if (text->decoded == NULL) {
        *result = text_string(file, 0, (size_t)op->taken);
        text->cur += *result == NULL ? 0 : (size_t)op->taken;
    }
    else {
        Py_ssize_t left = chars_left(text->decoded);
        Py_ssize_t n = op->n < left ? op->n : left;
        *result = chars_string(text->decoded, 0, n);
        text_take_decoded(text, *result == NULL ? 0 : n);
    }
    op_charge(op, (size_t)op->n);
    return *result == NULL ? STEP_ERROR : STEP_DONE;
}

/* Count on in the window: the characters that are there, up to op->n.  In
 * bytes op->taken of them hold op->got characters. */
static Py_ssize_t
read_count(OpObject *op)
{
    FileObject *file = op->file;
    struct text *text = file->text;
    if (text->decoded != NULL) {
        return chars_left(text->decoded);
    }
    size_t from = text->cur + (size_t)op->taken;
    size_t chars = (size_t)(op->n - op->got);
    if (from < text->lim && chars > 0) {
        op->taken += (Py_ssize_t)text_forward(text, file->rbuf.data + from,
                                              text->lim - from, &chars);
        op->got += (Py_ssize_t)chars;
    }
    return op->got;
}

/* Unlike a line, read() has taken the newest chunk before it fails. */
static void
read_spend(struct text *text)
{
    if (text->lost && text->lost_chars > 0) {
        text->chars = text->lost_chars;
        text->lost_chars = 0;
        text->spent = true;
    }
}

static enum step
readable_step(OpObject *op, PyObject **result)
{
    enum step step = file_begin(op, 0);
    if (step != STEP_DONE) {
        return step;
    }
    if (op->arg[0] != NULL || op->rest != NULL || op->kwargs != NULL) {
        return file_reference_error(op);
    }
    *result = PyBool_FromLong(op->file->flags & MODE_READ);
    return STEP_DONE;
}

static enum step
read_step(OpObject *op, PyObject **result)
{
    FileObject *file = op->file;
    bool more = true;
    enum step step = text_begin(op, MODE_READ);
    if (step != STEP_DONE) {
        return step;
    }
    if (op->phase == 0) {
        if (op_size_arg(op, &op->n) < 0) {
            return file_reference_error(op);
        }
        op->phase = 1;
    }
    if (file->writing) {
        bool enough = op->n == 0
                      || (op->n > 0 && file->text->decoded != NULL
                          && read_count(op) >= op->n);
        step = enough ? text_hand_on(op) : file_drain(op);
        if (step != STEP_DONE) {
            return step;
        }
    }
    if (op->n < 0) {
        return text_read_all(op, result);
    }
    for (;;) {
        Py_ssize_t there = read_count(op);
        if (!op->filling && (there >= op->n || !more)) {
            return read_take(op, result);
        }
        if (!op->filling && op_must_yield(op)) {
            return STEP_YIELD;
        }
        step = text_chunk(op, (size_t)(op->n - there), &more);
        if (step == STEP_ERROR) {
            read_spend(file->text);
        }
        if (step != STEP_DONE) {
            return step;
        }
    }
}

static PyObject *
read_at_hand(OpObject *op)
{
    const FileObject *file = op->file;
    const struct text *text = file->text;
    PyObject *size = op_only_arg(op);
    if (size == NULL || !PyLong_CheckExact(size) || !text_is_at_hand(file)) {
        return NULL;
    }
    size_t left = text->lim - text->cur;
    Py_ssize_t n = PyLong_AsSsize_t(size);
    if (n < 0 || (size_t)n > left || n > FILE_TEXT_AT_HAND) {
        PyErr_Clear(); /* it may be too large a number */
        return NULL;
    }
    size_t chars = (size_t)n;
    size_t span = text_forward(text, file->rbuf.data + text->cur, left,
                               &chars);
    return chars == (size_t)n ? text_take_at_hand(op, span) : NULL;
}

const struct op_kind text_kinds_read[] = {
    {"read", read_step, read_at_hand, OP_READS,
     "read($self, size=-1, /)\n--\n\n"
     "Read size characters, fewer only at the end of the file; all, if\n"
     "negative or None.\n\nReturns str; as io.TextIOWrapper.read."},
    {"readline", readline_step, line_at_hand, OP_READS,
     "readline($self, size=-1, /)\n--\n\n"
     "Read a line, of at most size characters if size is not negative.\n\n"
     "Returns str, empty at the end of the file."},
    {"readlines", readlines_step, NULL, OP_READS,
     "readlines($self, hint=-1, /)\n--\n\n"
     "Read lines to the end of the file, or until they make hint\n"
     "characters.\n\nReturns a list of str."},
    {"readable", readable_step, NULL, OP_ANSWERS,
     "readable($self, /)\n--\n\nWhether the file was opened for reading."},
    {NULL, NULL, NULL, 0, NULL},
};

const struct op_kind text_kind_next_line = {
    "__anext__", next_line_step, line_at_hand, OP_READS,
    "__anext__($self, /)\n--\n\nThe next line."};
