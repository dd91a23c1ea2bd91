/* text.c - the windows of the text layer: see text.h.
 *
 * Loop thread, with the GIL.
 */
#include "textcodec.h"

struct text *
text_new(void)
{
    return PyMem_Calloc(1, sizeof(struct text));
}

void
text_shift(struct text *text, size_t shift)
{
    text->cur -= shift;
    text->lim -= shift;
    text->pend -= shift;
    text->end -= shift;
    text->from -= shift < text->from ? shift : text->from;
    text->till -= shift < text->till ? shift : text->till;
    text->win -= shift;
    text->dec_start -= shift;
}

void
text_drop_owed(struct text *text)
{
    PyMem_Free(text->owed);
    text->owed = NULL;
}

void
text_forget(struct text *text)
{
    text->cur = text->lim = text->pend = text->end = 0;
    text->from = text->till = 0;
    text->win = text->dec_start = 0;
    text->held = text->has_snap = text->noted = false;
    text->lost = text->spent = false;
    text->tail_len = 0;
    text->chars = 0;
    text_drop_older(text);
    chars_free(&text->decoded);
    text_drop_owed(text);
}

void
text_free(struct text *text)
{
    if (text != NULL) {
        text_forget(text);
        text_drop_recode(text);
        PyMem_Free(text->bound);
        buffer_free(&text->out);
        PyMem_Free(text);
    }
}

int
text_pass_on(FileObject *file)
{
    struct buffer *out = &file->text->out;
    size_t n = buffer_avail(out);
    if (n > 0 && file_accept(file, out->data, n, NULL) < 0) {
        return -1;
    }
    buffer_reset(out);
    return 0;
}

/* ---- strings ---- */

/* n valid bytes that are so many characters, up to max.  The codec would look
 * for errors, and enlarge a str of ASCII at the first character that is none.
 */
static PyObject *
text_from_counted(const char *p, size_t n, size_t chars, unsigned max)
{
    PyObject *str = PyUnicode_New((Py_ssize_t)chars, max);
    if (str == NULL || n == 0) {
        return str;
    }
    void *to = PyUnicode_DATA(str);
    if (chars == n) {
        memcpy(to, p, n); /* each is one byte there, too */
    }
    else {
        scan_utf8_decode(to, (int)PyUnicode_KIND(str), 0, p, n);
    }
    return str;
}

PyObject *
text_from_wide(const struct text *text, const char *p, size_t n)
{
    if (text->codec == CODEC_LATIN1) {
        return PyUnicode_DecodeLatin1(p, (Py_ssize_t)n, NULL);
    }
    unsigned max;
    size_t chars = scan_utf8_count(p, n, &max);
    return text_from_counted(p, n, chars, max);
}

PyObject *
text_string(FileObject *file, size_t skip, size_t n)
{
    struct text *text = file->text;
    char *p = file->rbuf.data + text->cur + skip;
    if (!text->translate || !text->has_cr || n == 0) {
        return text_from_valid(text, p, n);
    }
    const char *cr = memchr(p, '\r', n);
    if (cr == NULL) {
        return text_from_valid(text, p, n);
    }
    if ((size_t)(cr - p) >= n - 2 + (n == 1)) {
        /* A line: its end is made '\n' in place for as long as it takes. */
        size_t len = (size_t)(cr - p) + 1;
        if (len == n || p[len] == '\n') {
            p[len - 1] = '\n';
            PyObject *str = text_from_valid(text, p, len);
            p[len - 1] = '\r';
            return str;
        }
    }
    char *copy = PyMem_Malloc(n);
    if (copy == NULL) {
        return PyErr_NoMemory();
    }
    size_t len = scan_translate(copy, p, n);
    PyObject *str = text_from_valid(text, copy, len);
    PyMem_Free(copy);
    return str;
}

PyObject *
text_rest(FileObject *file)
{
    struct text *text = file->text;
    if (text->decoded == NULL) {
        return text_string(file, 0, text->lim - text->cur);
    }
    return chars_string(text->decoded, 0, chars_left(text->decoded));
}

int
text_to_decoded(FileObject *file, PyObject *more)
{
    struct text *text = file->text;
    struct chars *chars = text->decoded;
    int rc = 0;
    if (chars == NULL) {
        PyObject *rest = text_rest(file);
        chars = rest == NULL ? NULL : chars_new();
        rc = chars == NULL ? -1 : chars_append(chars, rest);
        Py_XDECREF(rest);
    }
    if (rc == 0 && more != NULL) {
        rc = chars_append(chars, more);
    }
    if (rc == 0) {
        text->decoded = chars;
    }
    else if (text->decoded == NULL) {
        chars_free(&chars);
    }
    return rc;
}

int
text_begin_write(FileObject *file)
{
    struct text *text = file->text;
    struct chars *kept = NULL;
    if (file->state->text_keeps && !text->noted) {
        if (text_to_decoded(file, NULL) < 0) {
            return -1;
        }
        kept = text->decoded;
        text->decoded = NULL;
    }
    text_forget(text);
    text->seen = 0; /* as the decoder's reset() does */
    if (kept != NULL && chars_left(kept) == 0) {
        chars_free(&kept);
    }
    text->decoded = kept;
    return 0;
}

/* ---- valid chunks ---- */

/* What the bytes [pend, stop) are, as far as they are whole characters. */
struct valid {
    size_t stop;  /* how far that is */
    size_t chars; /* how many they are */
    unsigned max; /* and the widest, as scan_utf8_measure() says it */
};

/* Whether they can stay bytes. */
static bool
chunk_is_valid(FileObject *file, size_t stop, bool last, struct valid *valid)
{
    struct text *text = file->text;
    const char *p = file->rbuf.data + text->pend;
    size_t n = stop - text->pend;
    size_t ascii = n == 0 ? 0 : scan_ascii(p, n);
    bool bad = false;
    *valid = (struct valid){.stop = stop, .chars = n, .max = 0x7F};
    if (ascii == n) {
        return true;
    }
    if (text->codec != CODEC_UTF8) {
        valid->max = 0xFF;
        return text->codec == CODEC_LATIN1;
    }
    size_t len = ascii
                 + scan_utf8_measure(p + ascii, n - ascii, &bad, &valid->chars,
                                     &valid->max);
    valid->stop = text->pend + len;
    valid->chars += ascii;
    return !bad && (!last || len == n);
}

size_t
text_count(FileObject *file, size_t at, size_t n)
{
    const struct text *text = file->text;
    const char *p = file->rbuf.data + at;
    size_t chars = n;
    unsigned max;
    if (n > 0 && !text->ascii && text->codec == CODEC_UTF8) {
        chars = scan_utf8_count(p, n, &max);
    }
    if (n > 0 && text->has_cr && text->translate) {
        chars -= scan_count_crlf(p, n);
    }
    return chars;
}

/* Take [end, stop) in as the newest chunk; what was decoded is used up. */
static void
chunk_take_valid(FileObject *file, size_t stop, const struct valid *valid,
                 bool last)
{
    struct text *text = file->text;
    const char *data = file->rbuf.data;
    size_t first = text->lim, bytes = stop - text->end;
    bool was_held = text->held, drained = text->cur == first;
    text_drop_older(text);
    chars_free(&text->decoded);
    text_note_chunk(text);
    text->snap_flags = was_held;
    text->snap_len = stop - text->pend;
    text->snap_tail_len = 0;
    text->win = text->pend;
    text->dec_start = first;
    text->pend = valid->stop;
    text->end = stop;
    text->lim = valid->stop;
    text->held = false;
    if (text->universal && !last && valid->stop > first
        && data[valid->stop - 1] == '\r') {
        text->held = true;
        text->lim = valid->stop - 1;
    }
    size_t n = text->lim - first;
    unsigned kinds = text->universal && n > 0 ? scan_newlines(data + first, n)
                                              : 0;
    bool has_cr = (kinds & (SCAN_CR | SCAN_CRLF)) != 0;
    text->seen |= kinds;
    text->ascii = valid->max <= 0x7F && (drained || text->ascii);
    text->has_cr = has_cr || (!drained && text->has_cr);
    text->plain = !has_cr && !text->held && !was_held;
    text->chars = valid->chars + was_held - text->held;
    if (has_cr && text->translate) {
        text->chars -= scan_count_crlf(data + first, n);
    }
    text->b2c = text->chars > 0 ? (double)bytes / (double)text->chars : 0.0;
}

/* ---- chunks ---- */

bool
text_is_contiguous(const FileObject *file)
{
    const struct text *text = file->text;
    bool decoded = text->decoded != NULL && chars_left(text->decoded) > 0;
    if (decoded || text->tail_len > 0
        || text->lim + text->held != text->pend) {
        return false;
    }
    return !text->held || file->rbuf.data[text->lim] == '\r';
}

static enum step
chunk_take(FileObject *file, size_t stop, bool last)
{
    struct valid valid;
    if (text_is_contiguous(file) && chunk_is_valid(file, stop, last, &valid)) {
        chunk_take_valid(file, stop, &valid, last);
        return STEP_DONE;
    }
    return chunk_take_decoded(file, stop, last);
}

void
text_keep(FileObject *file)
{
    const struct text *text = file->text;
    size_t keep = text->cur < text->win ? text->cur : text->win;
    keep = keep < text->dec_start ? keep : text->dec_start;
    if (text->till > text->end && text->from < keep) {
        keep = text->from; /* a seek may go back there */
    }
    file->rbuf.pos = keep;
}

enum step
text_chunk(OpObject *op, size_t hint, bool *more)
{
    FileObject *file = op->file;
    struct text *text = file->text;
    double scaled = (text->b2c > 1.0 ? text->b2c : 1.0) * (double)hint;
    size_t size = scaled > TEXT_CHUNK ? (size_t)scaled : TEXT_CHUNK;
    if (text->till > text->end && text->till - text->end < size) {
        size = text->till - text->end;
    }
    text_keep(file);
    while (op->filling || file->rbuf.end - text->end < size) {
        size_t avail = file->rbuf.end - text->end;
        if (avail > 0 && !op->filling && (!file->regular || file->shared)) {
            break; /* what one read has given */
        }
        enum step step = file_fill(op, size - avail);
        if (step != STEP_DONE) {
            return step;
        }
        if (file->eof) {
            break;
        }
    }
    size_t avail = file->rbuf.end - text->end;
    size_t n = avail < size ? avail : size;
    op_charge(op, n);
    enum step step = chunk_take(file, text->end + n, n == 0);
    *more = n > 0 || text->chars > 0;
    if (step == STEP_DONE) {
        file_read_ahead(op);
    }
    return step;
}

void
text_taken_all(FileObject *file)
{
    text_forget(file->text);
    if (file->rbuf.cap > FILE_KEEP_MOST) {
        buffer_free(&file->rbuf);
    }
    buffer_reset(&file->rbuf);
}

enum step
text_take_all(OpObject *op, PyObject **result)
{
    FileObject *file = op->file;
    struct text *text = file->text;
    size_t stop = file->rbuf.end;
    struct valid valid;
    op_charge(op, stop - text->end);
    if (text_is_contiguous(file) && chunk_is_valid(file, stop, true, &valid)) {
        bool drained = text->cur == text->lim;
        double b2c = text->b2c;
        chunk_take_valid(file, stop, &valid, true);
        text->b2c = b2c; /* it is no chunk of io's */
        size_t n = text->lim - text->cur;
        bool counted = drained && !(text->has_cr && text->translate);
        *result = counted ? text_from_counted(file->rbuf.data + text->cur, n,
                                              text->chars, valid.max)
                          : text_string(file, 0, n);
    }
    else {
        *result = chunk_take_rest(file, stop);
    }
    if (*result == NULL) {
        return STEP_ERROR;
    }
    text_taken_all(file);
    return STEP_DONE;
}
