/* textpos.c - tell() and seek() of text; their positions are cookies. */
#include "textcodec.h"
#include "textcookie.h"

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
    PyObject *decoder = text_decoder(file);
    if (decoder == NULL || text_decoder_start(decoder, c->flags) < 0) {
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
    str = PyObject_CallMethod(decoder, "decode", "y#i",
                              n == 0 ? "" : file->rbuf.data + at,
                              (Py_ssize_t)n, c->eof);
    st = str == NULL ? NULL : PyObject_CallMethod(decoder, "getstate", NULL);
    if (st == NULL || !PyArg_ParseTuple(st, "y#i", &kept, &kept_len, &flags)) {
        goto done;
    }
    if (text->universal) {
        newlines = PyObject_GetAttrString(decoder, "newlines");
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
    if (text->chars > 0 && text_to_decoded(file, str) < 0) {
        goto done;
    }
    if (PyUnicode_GET_LENGTH(str) < c->skip) {
        PyErr_SetString(PyExc_OSError, "can't restore logical file position");
        goto done;
    }
    chars_take(text->decoded, c->skip);
    rc = STEP_DONE;
done:
    Py_XDECREF(decoder);
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

/* At the start of the cookie that it was bound for, nothing being decoded. */
static void
seek_arrived(FileObject *file)
{
    struct text *text = file->text;
    struct cookie *c = text->bound;
    text->bound = NULL;
    if (c->start <= 0 && c->flags == 0) {
        text->seen = 0; /* the decoder is reset */
    }
    if (c->skip > 0 && file->flags & MODE_READ) {
        text->owed = c;
        return;
    }
    if (c->start >= 0) {
        text->has_snap = text->noted = file->flags & MODE_READ;
        text->snap_len = 0;
        text->snap_tail_len = 0;
        text->snap_flags = c->flags;
        text->held = text->universal && c->flags & 1;
        text->plain = false;
    }
    PyMem_Free(c);
}

void
text_moved(FileObject *file)
{
    text_forget(file->text);
    if (file->text->bound != NULL) {
        seek_arrived(file);
    }
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
        if (step != STEP_DONE || file->text->bound == NULL) {
            return step; /* or it is there: text_moved() */
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
        || (w != SEEK_SET
            && (c->start != 0 || c->flags != 0 || c->feed != 0 || c->skip != 0
                || c->eof != 0))) {
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

enum step
text_settle(OpObject *op)
{
    struct text *text = op->file->text;
    enum step step = seek_fill(op, (size_t)text->owed->feed);
    if (step == STEP_DONE) {
        step = seek_skip(op->file, text->owed);
        if (step == STEP_DONE || !PyErr_ExceptionMatches(PyExc_MemoryError)) {
            text_drop_owed(text);
        }
    }
    return step;
}

/* Go to the start of the cookie: STEP_DONE, BLOCK or ERROR. */
static enum step
seek_start(OpObject *op, const struct cookie *c, int whence)
{
    FileObject *file = op->file;
    struct text *text = file->text;
    if (!op->filling) {
        PyMem_Free(text->bound); /* of one that was cancelled */
        text->bound = PyMem_Malloc(sizeof(*text->bound));
        if (text->bound == NULL) {
            PyErr_NoMemory();
            return STEP_ERROR;
        }
        *text->bound = *c;
        text->bound->start = whence == SEEK_END ? -1 : c->start;
    }
    enum step step = seek_bytes(op, c->start, whence);
    if (step == STEP_DONE && text->bound != NULL) {
        seek_arrived(file);
    }
    return step;
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
        step = seek_start(op, &c, whence);
        if (step != STEP_DONE) {
            return step;
        }
        op->phase = 1;
    }
    if (whence == SEEK_END) {
        *result = PyLong_FromLongLong(file->raw);
        return *result == NULL ? STEP_ERROR : STEP_DONE;
    }
    if (c.skip > 0 && !(file->flags & MODE_READ)) {
        PyErr_SetString(op->state->unsupported, "read"); /* the buffer's */
        step = STEP_ERROR;
    }
    else if (text->owed != NULL) {
        step = text_settle(op);
    }
    if (step == STEP_ERROR) {
        text_drop_owed(text); /* it stays at the start, as io does */
    }
    if (step != STEP_DONE) {
        return step;
    }
    *result = Py_NewRef(op->acc != NULL ? op->acc : op->arg[0]);
    return STEP_DONE;
}

const struct op_kind text_kinds_seek[] = {
    {"seek", seek_step, NULL, 0,
     "seek($self, offset, whence=0, /)\n--\n\n"
     "Move to a position that tell() gave, or to the start (0), stay (0, 1)\n"
     "or move to the end (0, 2).\n\nReturns the new position."},
    {"tell", tell_step, NULL, 0,
     "tell($self, /)\n--\n\n"
     "The current position, a number for seek(); as\n"
     "io.TextIOWrapper.tell."},
    {NULL, NULL, NULL, 0, NULL},
};
