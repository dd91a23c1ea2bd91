/* textpos.c - tell() and seek() of text.
 *
 * A cookie is io.TextIOWrapper's: the position of a safe point, and, where
 * the next character does not begin at one, how to get there: the newline
 * decoder's flag, the bytes to feed it and the characters to skip.  Nearly
 * always it is a byte offset; the search below, CPython's, is needed next to
 * a lone '\r' and among characters that an error handler has made.
 */
#include "textcodec.h"

struct cookie {
    long long start;
    int flags;
    int feed;
    int skip;
    int eof;
};

enum { COOKIE_SIZE = 21 }; /* 8 + 4 + 4 + 4 + 1 bytes, little end first */

static void
put_le(unsigned char *to, unsigned long long value, int size)
{
    for (int i = 0; i < size; i++) {
        to[i] = (unsigned char)(value >> (8 * i));
    }
}

static unsigned long long
get_le(const unsigned char *from, int size)
{
    unsigned long long value = 0;
    for (int i = 0; i < size; i++) {
        value |= (unsigned long long)from[i] << (8 * i);
    }
    return value;
}

static PyObject *
cookie_build(const struct cookie *c)
{
    unsigned char raw[COOKIE_SIZE];
    if (c->flags == 0 && c->feed == 0 && c->skip == 0 && c->eof == 0) {
        return PyLong_FromLongLong(c->start);
    }
    put_le(raw, (unsigned long long)c->start, 8);
    put_le(raw + 8, (unsigned)c->flags, 4);
    put_le(raw + 12, (unsigned)c->feed, 4);
    put_le(raw + 16, (unsigned)c->skip, 4);
    raw[20] = (unsigned char)c->eof;
    return PyObject_CallMethod((PyObject *)&PyLong_Type, "from_bytes", "y#s",
                               (const char *)raw, (Py_ssize_t)COOKIE_SIZE,
                               "little");
}

/* 0, or -1 without an exception for an int that is no cookie: its sign is
 * c->start then. */
static int
cookie_parse(PyObject *num, struct cookie *c)
{
    int overflow;
    memset(c, 0, sizeof(*c));
    c->start = PyLong_AsLongLongAndOverflow(num, &overflow);
    if (overflow == 0) {
        return c->start < 0 ? -1 : 0;
    }
    c->start = overflow;
    PyObject *raw = PyObject_CallMethod(num, "to_bytes", "is",
                                        (int)COOKIE_SIZE, "little");
    if (raw == NULL) {
        file_forget_refusal();
        return -1;
    }
    const unsigned char *p = (const unsigned char *)PyBytes_AS_STRING(raw);
    c->start = (long long)get_le(p, 8);
    c->flags = (int)get_le(p + 8, 4);
    c->feed = (int)get_le(p + 12, 4);
    c->skip = (int)get_le(p + 16, 4);
    c->eof = p[20];
    Py_DECREF(raw);
    return 0;
}

/* ---- the search for a safe point ---- */

struct search {
    PyObject *decoder;
    const char *input;
    Py_ssize_t size;
    Py_ssize_t buffered; /* bytes that the decoder keeps */
    int flags;
    /* begins where the file does: there the decoder is reset, and with it
     * `newlines` */
    bool afresh;
};

static int
search_reset(struct search *s, int flags)
{
    PyObject *none = s->afresh ? PyObject_CallMethod(s->decoder, "reset", NULL)
                               : PyObject_CallMethod(s->decoder, "setstate",
                                                     "((yi))", "", flags);
    Py_XDECREF(none);
    return none == NULL ? -1 : 0;
}

/* Characters that n bytes give, or -1; then the decoder's state is known. */
static Py_ssize_t
search_feed(struct search *s, Py_ssize_t at, Py_ssize_t n, bool last)
{
    Py_ssize_t chars = -1;
    const char *kept;
    int flags;
    PyObject *state = NULL;
    PyObject *str = PyObject_CallMethod(s->decoder, "decode", "y#i",
                                        s->input + at, n, (int)last);
    if (str == NULL) {
        goto done;
    }
    state = PyObject_CallMethod(s->decoder, "getstate", NULL);
    if (state == NULL
        || !PyArg_ParseTuple(state, "y#i", &kept, &s->buffered, &flags)) {
        goto done;
    }
    s->flags = flags;
    chars = PyUnicode_GET_LENGTH(str);
done:
    Py_XDECREF(str);
    Py_XDECREF(state);
    return chars;
}

/* A start near the wanted character, guessed from the bytes per character:
 * its distance, or -1; *c and *chars are moved there. */
static Py_ssize_t
search_guess(struct search *s, struct cookie *c, Py_ssize_t *chars, double b2c)
{
    Py_ssize_t at = (Py_ssize_t)(b2c * (double)*chars), back = 1;
    at = at < s->size ? at : s->size;
    while (at > 0) {
        if (search_reset(s, c->flags) < 0) {
            return -1;
        }
        Py_ssize_t got = search_feed(s, 0, at, false);
        if (got < 0) {
            return -1;
        }
        if (got > *chars) {
            at -= back;
            back *= 2;
        }
        else if (s->buffered > 0) {
            at -= s->buffered;
            back = 1;
        }
        else {
            c->flags = s->flags;
            *chars -= got;
            return at;
        }
    }
    return search_reset(s, c->flags) < 0 ? -1 : 0;
}

/* From there byte by byte to the last safe point before the character. */
static int
search_walk(struct search *s, struct cookie *c, Py_ssize_t at,
            Py_ssize_t chars)
{
    Py_ssize_t got = 0;
    for (; at < s->size; at++) {
        Py_ssize_t n = search_feed(s, at, 1, false);
        if (n < 0) {
            return -1;
        }
        got += n;
        c->feed++;
        if (s->buffered == 0 && got <= chars) {
            c->start += c->feed;
            chars -= got;
            c->flags = s->flags;
            c->feed = 0;
            got = 0;
        }
        if (got >= chars) {
            break;
        }
    }
    if (at == s->size) {
        Py_ssize_t n = search_feed(s, 0, 0, true);
        if (n < 0) {
            return -1;
        }
        c->eof = 1;
        if (got + n < chars) {
            PyErr_SetString(PyExc_OSError,
                            "can't reconstruct logical file position");
            return -1;
        }
    }
    c->skip = (int)chars;
    return 0;
}

/* The safe point before that many characters of a chunk, and what is from
 * there to these; *c is its start.  0 or -1; steals input, NULL passes an error
 * on. */
static int
cookie_search(FileObject *file, struct cookie *c, PyObject *input,
              Py_ssize_t chars, double b2c)
{
    struct text *text = file->text;
    int rc = -1;
    struct search s = {.decoder = input == NULL ? NULL : text_decoder(file),
                       .afresh = c->start == 0 && c->flags == 0};
    if (s.decoder == NULL) {
        goto done;
    }
    s.input = PyBytes_AS_STRING(input);
    s.size = PyBytes_GET_SIZE(input);
    Py_ssize_t at = search_guess(&s, c, &chars, b2c);
    if (at < 0) {
        goto done;
    }
    c->start += at;
    rc = chars == 0 ? 0 : search_walk(&s, c, at, chars);
    if (rc == 0 && text->universal) {
        PyObject *newlines = PyObject_GetAttrString(s.decoder, "newlines");
        if (newlines == NULL) {
            rc = -1;
            goto done;
        }
        text->seen = (s.afresh ? 0 : text->seen)
                     | text_newline_kinds(newlines);
        Py_DECREF(newlines);
    }
done:
    Py_XDECREF(s.decoder);
    Py_XDECREF(input);
    return rc;
}

/* The position is in a chunk before the newest, which begins at c->start. */
static PyObject *
cookie_in_older(FileObject *file, struct cookie *c)
{
    struct text *text = file->text;
    const struct older_chunk *chunk = text->older;
    size_t back = (size_t)(text->carry - text->used);
    unsigned seen = text->seen;
    c->flags = text->snap_flags;
    for (; chunk != NULL; chunk = chunk->before) {
        c->start -= (long long)chunk->span;
        c->flags = chunk->flags;
        if (back <= chunk->chars) {
            break;
        }
        back -= chunk->chars;
    }
    if (chunk != NULL && chunk->chars > back) {
        size_t chars = chunk->chars - back;
        if (chunk->plain) {
            c->start += (long long)scan_forward(
                PyBytes_AS_STRING(chunk->input), chunk->span,
                text->codec == CODEC_UTF8, false, &chars);
            return cookie_build(c);
        }
        double b2c = (double)chunk->span / (double)chunk->chars;
        if (cookie_search(file, c, Py_NewRef(chunk->input), (Py_ssize_t)chars,
                          b2c)
            < 0) {
            return NULL;
        }
        text->seen = seen; /* what is ahead is not decoded again */
    }
    return cookie_build(c);
}

PyObject *
text_cookie(FileObject *file, off_t position)
{
    struct text *text = file->text;
    struct cookie c = {.start = position};
    if (!text->has_snap) {
        return cookie_build(&c);
    }
    c.start -= (long long)text->snap_len;
    if (text->decoded == NULL && text->cur < text->dec_start) {
        /* A cancelled read had looked ahead. */
        c.start = position - (long long)(text->end - text->cur);
        return cookie_build(&c);
    }
    if (text->plain && !text->lost && text->decoded == NULL) {
        if (c.start == 0 && text->universal && text->cur > text->win) {
            /* The search resets the decoder and feeds it up to here. */
            text->seen = scan_newlines(file->rbuf.data + text->win,
                                       text->cur - text->win);
        }
        c.start += (long long)text->cur - (long long)text->win;
        return cookie_build(&c);
    }
    if (text->decoded != NULL && text->used < text->carry) {
        return cookie_in_older(file, &c); /* as above */
    }
    Py_ssize_t chars = 0;
    if (text->decoded != NULL) {
        chars = text->used - text->carry;
    }
    else if (text->spent) {
        chars = (Py_ssize_t)text->chars;
    }
    else if (!text->lost) {
        chars = (Py_ssize_t)text_count(file, text->dec_start,
                                       text->cur - text->dec_start);
    }
    c.flags = text->snap_flags;
    if (chars > 0
        && cookie_search(file, &c, chunk_input(file), chars, text->b2c) < 0) {
        return NULL;
    }
    return cookie_build(&c);
}

/* ---- the operations ---- */

/* What flush() does, once an operation. */
static enum step
flush_once(OpObject *op)
{
    enum step step = op->synced ? STEP_DONE : file_flush(op);
    op->synced = step == STEP_DONE;
    return step;
}

/* The cookie of the position in *cookie, all that was written being out. */
static enum step
tell_here(OpObject *op, PyObject **cookie)
{
    off_t position;
    if (op->file->text->telling_off) {
        PyErr_SetString(PyExc_OSError,
                        "telling position disabled by next() call");
        return STEP_ERROR;
    }
    enum step step = flush_once(op);
    if (step != STEP_DONE) {
        return step;
    }
    step = file_true_position(op, &position);
    if (step != STEP_DONE) {
        return step;
    }
    *cookie = text_cookie(op->file, position);
    return *cookie == NULL ? STEP_ERROR : STEP_DONE;
}

static enum step
tell_step(OpObject *op, PyObject **result)
{
    enum step step = file_begin(op, 0);
    if (step != STEP_DONE) {
        return step;
    }
    if (!op->file->seekable || op->arg[0] != NULL || op->rest != NULL
        || op->kwargs != NULL) {
        return file_reference_error(op);
    }
    return tell_here(op, result);
}

/* The fed bytes are in the buffer: the characters that the cookie skips.  What
 * has been decoded stays, too, if they are too few. */
static enum step
seek_skip(FileObject *file, const struct cookie *c)
{
    struct text *text = file->text;
    enum step rc = STEP_ERROR;
    PyObject *str = NULL, *st = NULL, *newlines = NULL;
    const char *kept;
    Py_ssize_t kept_len;
    int flags;
    size_t n = buffer_avail(&file->rbuf), at = file->rbuf.pos;
    n = n < (size_t)c->feed ? n : (size_t)c->feed;
    struct search s = {.decoder = text_decoder(file)};
    if (s.decoder == NULL || search_reset(&s, c->flags) < 0) {
        goto done;
    }
    text->has_snap = text->noted = true;
    text->snap_flags = c->flags;
    text->snap_len = n;
    text->snap_tail_len = 0;
    text->win = at;
    text->cur = text->lim = text->pend = text->end = text->dec_start = at + n;
    text->plain = text->spent = false;
    text->lost = true; /* unless it can be decoded */
    str = PyObject_CallMethod(s.decoder, "decode", "y#i",
                              n == 0 ? "" : file->rbuf.data + at,
                              (Py_ssize_t)n, c->eof);
    st = str == NULL ? NULL : PyObject_CallMethod(s.decoder, "getstate", NULL);
    if (st == NULL || !PyArg_ParseTuple(st, "y#i", &kept, &kept_len, &flags)) {
        goto done;
    }
    if (text->universal) {
        newlines = PyObject_GetAttrString(s.decoder, "newlines");
        if (newlines == NULL) {
            goto done;
        }
        text->seen |= text_newline_kinds(newlines);
    }
    text->lost = false;
    text->pend = text->end - (size_t)kept_len;
    text->held = flags & 1 && text->universal;
    size_t given = text->pend - (text->held && text->pend > at);
    text->cur = text->lim = text->dec_start = given;
    text->chars = (size_t)PyUnicode_GET_LENGTH(str);
    text->decoded = text->chars > 0 ? Py_NewRef(str) : NULL;
    text->used = text->carry = 0;
    if (PyUnicode_GET_LENGTH(str) < c->skip) {
        PyErr_SetString(PyExc_OSError, "can't restore logical file position");
        goto done;
    }
    text->used = c->skip;
    rc = STEP_DONE;
done:
    Py_XDECREF(s.decoder);
    Py_XDECREF(str);
    Py_XDECREF(st);
    Py_XDECREF(newlines);
    return rc;
}

/* Among the bytes of io's buffer, if it has some behind the newest chunk, a
 * seek moves no descriptor, and what is in it stays. */
static bool
seek_in_buffer(FileObject *file, off_t target)
{
    struct text *text = file->text;
    struct buffer *rbuf = &file->rbuf;
    off_t back = file->raw - target;
    size_t from = text->from, till = text->till;
    if (till <= text->end || back < (off_t)(rbuf->end - till)
        || back > (off_t)(rbuf->end - from)) {
        return false;
    }
    text_forget(text);
    rbuf->pos = rbuf->end - (size_t)back;
    text->cur = text->lim = text->pend = text->end = rbuf->pos;
    text->win = text->dec_start = rbuf->pos;
    text->from = from;
    text->till = till;
    return true;
}

/* Be at byte target of the file with nothing decoded. */
static enum step
seek_bytes(OpObject *op, off_t target, int whence)
{
    FileObject *file = op->file;
    if (file->flags & MODE_APPEND && !op->filling
        && file_share_now(file) < 0) { /* as for binary files */
        return STEP_ERROR;
    }
    if (whence == SEEK_SET && !op->filling && seek_in_buffer(file, target)) {
        return STEP_DONE;
    }
    if (file->shared || whence == SEEK_END || target < 0
        || target >= (off_t)1 << 40) {
        enum step step = file_lseek(op, target, whence, &target);
        if (step != STEP_DONE) {
            return step;
        }
    }
    text_forget(file->text);
    buffer_reset(&file->rbuf);
    file->rewind = 0;
    file->raw = target;
    return STEP_DONE;
}

/* 0, or -1 without an exception; *flushed: it is flushed before that. */
static int
seek_args(OpObject *op, struct cookie *c, int *whence, bool *flushed)
{
    PyObject *arg = op->arg[0], *how = op->arg[1];
    *whence = SEEK_SET;
    *flushed = false;
    if (arg == NULL || op->arg[2] != NULL || op->rest != NULL
        || op->kwargs != NULL || !(PyLong_Check(arg) || PyFloat_Check(arg))
        || (how != NULL && !PyIndex_Check(how))) {
        return -1;
    }
    Py_ssize_t w = how == NULL ? 0 : PyNumber_AsSsize_t(how, NULL);
    PyObject *num = PyNumber_Long(arg); /* a float is taken, as there */
    int rc = num == NULL ? -1 : cookie_parse(num, c);
    *flushed = rc < 0 && num != NULL && w == SEEK_SET && c->start >= 0;
    Py_XDECREF(num);
    if (PyErr_Occurred()) {
        file_forget_refusal();
        *flushed = *flushed && !PyErr_Occurred();
        return -1;
    }
    if (rc < 0 || w < SEEK_SET || w > SEEK_END
        || (w != SEEK_SET && (c->start != 0 || c->skip != 0))) {
        return -1;
    }
    *whence = (int)w;
    return 0;
}

/* The bytes that the cookie feeds, and what else io's buffer takes in to give
 * them: what it has, whole blocks past it, and a block for what is missing
 * then.  DONE, BLOCK or ERROR. */
static enum step
seek_fill(OpObject *op, size_t feed)
{
    FileObject *file = op->file;
    struct text *text = file->text;
    struct buffer *rbuf = &file->rbuf;
    size_t have = text->till > rbuf->pos ? text->till - rbuf->pos : 0;
    if (have >= feed) {
        return STEP_DONE;
    }
    size_t past = have + (feed - have) / file->bufsize * file->bufsize;
    size_t want = past < feed ? past + file->bufsize : past;
    while (op->filling || buffer_avail(rbuf) < want) {
        enum step step = file_fill(op, want - buffer_avail(rbuf));
        if (step != STEP_DONE) {
            return step;
        }
        if (file->eof) {
            break;
        }
    }
    size_t avail = buffer_avail(rbuf);
    text->from = rbuf->pos + past;
    text->till = rbuf->pos + (avail < want ? avail : want);
    return STEP_DONE;
}

/* Phase 0: nothing done; 1: at the cookie's start; whence 1 becomes 0 by way
 * of tell(), whose cookie is kept in op->acc. */
static enum step
seek_step(OpObject *op, PyObject **result)
{
    FileObject *file = op->file;
    struct text *text = file->text;
    struct cookie c;
    int whence;
    enum step step = file_begin(op, 0);
    if (step != STEP_DONE) {
        return step;
    }
    bool flushed = false;
    if (!file->seekable || seek_args(op, &c, &whence, &flushed) < 0) {
        step = flushed ? flush_once(op) : STEP_DONE;
        return step == STEP_DONE ? file_reference_error(op) : step;
    }
    if (whence == SEEK_CUR) {
        if (op->acc == NULL) {
            step = tell_here(op, &op->acc);
            if (step != STEP_DONE) {
                return step;
            }
        }
        if (cookie_parse(op->acc, &c) < 0) {
            return file_reference_error(op);
        }
        whence = SEEK_SET;
    }
    step = flush_once(op);
    if (step != STEP_DONE) {
        return step;
    }
    if (op->phase == 0) {
        step = seek_bytes(op, whence == SEEK_END ? 0 : c.start, whence);
        if (step != STEP_DONE) {
            return step;
        }
        if (whence == SEEK_END || (c.start == 0 && c.flags == 0)) {
            text->seen = 0; /* the decoder is reset */
        }
        op->phase = 1;
    }
    if (whence == SEEK_END) {
        *result = PyLong_FromLongLong(file->raw);
        return *result == NULL ? STEP_ERROR : STEP_DONE;
    }
    if (c.skip > 0 && !(file->flags & MODE_READ)) {
        PyErr_SetString(op->state->unsupported, "read"); /* the buffer's */
        return STEP_ERROR;
    }
    if (c.skip > 0) {
        step = seek_fill(op, (size_t)c.feed);
        if (step != STEP_DONE) {
            return step;
        }
        step = seek_skip(file, &c);
        if (step != STEP_DONE) {
            return step;
        }
    }
    else {
        text->has_snap = text->noted = file->flags & MODE_READ;
        text->snap_len = text->snap_tail_len = 0;
        text->snap_flags = c.flags;
        text->held = text->universal && c.flags & 1;
        text->plain = false;
    }
    *result = Py_NewRef(op->acc != NULL ? op->acc : op->arg[0]);
    return STEP_DONE;
}

const struct op_kind text_kinds_seek[] = {
    {"seek", seek_step, 0,
     "seek($self, offset, whence=0, /)\n--\n\n"
     "Move to a position that tell() gave, or to the start (0), stay (0, 1)\n"
     "or move to the end (0, 2).\n\nReturns the new position."},
    {"tell", tell_step, 0,
     "tell($self, /)\n--\n\n"
     "The current position, a number for seek(); as\n"
     "io.TextIOWrapper.tell."},
    {NULL, NULL, 0, NULL},
};
