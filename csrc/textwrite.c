/* textwrite.c - write() and writelines() of text.
 *
 * A str is made bytes at once and the bytes are accepted by the file; an
 * ASCII str already is its bytes in each of the native codecs, and a large
 * one is referred to.  A large one that has to be encoded is so by pieces,
 * between which the loop has its turns.
 */
#include "exact.h"
#include "text.h"

/* Characters: of a large str at a time; of a str that is made bytes at hand. */
enum { ENCODE_PIECE = 256 << 10, ENCODE_AT_HAND = 256 };

/* The line ends of a str as the file has them: a new reference. */
static PyObject *
write_translate(const struct text *text, PyObject *str)
{
    Py_ssize_t n = PyUnicode_GET_LENGTH(str);
    if (text->writenl[0] == '\0'
        || PyUnicode_FindChar(str, '\n', 0, n, 1) < 0) {
        return Py_NewRef(str);
    }
    PyObject *nl = PyUnicode_FromString("\n");
    PyObject *to = PyUnicode_FromString(text->writenl);
    PyObject *translated = NULL;
    if (nl != NULL && to != NULL) {
        translated = PyUnicode_Replace(str, nl, to, -1);
    }
    Py_XDECREF(nl);
    Py_XDECREF(to);
    return translated;
}

/* The object that the bytes of a str live in, bytes or an ASCII str: new. */
static PyObject *
write_encode(FileObject *file, PyObject *data, const char *errors)
{
    static const char *const names[] = {
        [CODEC_UTF8] = "utf-8",
        [CODEC_ASCII] = "ascii",
        [CODEC_LATIN1] = "latin-1",
        [CODEC_OTHER] = "utf-8",
    };
    PyObject *str = write_translate(file->text, data);
    if (str == NULL || PyUnicode_IS_COMPACT_ASCII(str)) {
        return str;
    }
    const char *name = names[file->text->codec];
    PyObject *bytes = PyUnicode_AsEncodedString(str, name, errors);
    Py_DECREF(str);
    return bytes;
}

static const char *
encoded_data(PyObject *holder, size_t *n)
{
    if (PyBytes_Check(holder)) {
        *n = (size_t)PyBytes_GET_SIZE(holder);
        return PyBytes_AS_STRING(holder);
    }
    *n = (size_t)PyUnicode_GET_LENGTH(holder);
    return (const char *)PyUnicode_1BYTE_DATA(holder);
}

/* Room for n bytes behind the op->left that op->arg[2] has, and, if all is like
 * the characters before `to`, for the rest: 0 or -1. */
static int
pieces_reserve(OpObject *op, size_t n, Py_ssize_t to, Py_ssize_t count)
{
    size_t there = (size_t)op->left;
    if (there + n <= (size_t)PyBytes_GET_SIZE(op->arg[2])) {
        return 0;
    }
    double whole = (double)(there + n) * (double)count / (double)to;
    if (whole + (double)n > (double)(PY_SSIZE_T_MAX / 2)) {
        PyErr_NoMemory();
        return -1;
    }
    return _PyBytes_Resize(&op->arg[2], (Py_ssize_t)whole + (Py_ssize_t)n);
}

/* The next piece, up to character `to`: 0 or -1. */
static int
pieces_encode(OpObject *op, PyObject *data, Py_ssize_t to)
{
    PyObject *piece = PyUnicode_Substring(data, op->got, to);
    if (piece == NULL) {
        return -1;
    }
    PyObject *holder = write_encode(op->file, piece, "strict");
    Py_DECREF(piece);
    if (holder == NULL) {
        return -1;
    }
    size_t n;
    const char *p = encoded_data(holder, &n);
    int rc = pieces_reserve(op, n, to, PyUnicode_GET_LENGTH(data));
    if (rc == 0) {
        memcpy(PyBytes_AS_STRING(op->arg[2]) + op->left, p, n);
        op->got = to;
        op->left += (Py_ssize_t)n;
        op_charge(op, n);
    }
    Py_DECREF(holder);
    return rc;
}

/* A large str becomes op->arg[2], op->got characters of it are.  What cannot
 * be encoded is for the error handler, which is to see the whole. */
static enum step
write_encode_pieces(OpObject *op, PyObject *data, PyObject **holder)
{
    Py_ssize_t count = PyUnicode_GET_LENGTH(data);
    if (op->arg[2] == NULL) {
        op->got = op->left = 0;
        op->arg[2] = PyBytes_FromStringAndSize(NULL, ENCODE_PIECE);
        if (op->arg[2] == NULL) {
            return STEP_ERROR;
        }
    }
    while (op->got < count) {
        if (op_must_yield(op)) {
            return STEP_YIELD;
        }
        Py_ssize_t left = count - op->got;
        Py_ssize_t n = left < ENCODE_PIECE ? left : ENCODE_PIECE;
        if (pieces_encode(op, data, op->got + n) == 0) {
            continue;
        }
        Py_CLEAR(op->arg[2]);
        if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) {
            return STEP_ERROR;
        }
        PyErr_Clear();
        return STEP_DONE;
    }
    if (PyBytes_GET_SIZE(op->arg[2]) != op->left
        && _PyBytes_Resize(&op->arg[2], op->left) < 0) {
        return STEP_ERROR;
    }
    *holder = op->arg[2];
    op->arg[2] = NULL;
    return STEP_DONE;
}

/* *holder: new, see write_encode.  DONE, ERROR or YIELD. */
static enum step
write_bytes(OpObject *op, PyObject *data, PyObject **holder)
{
    FileObject *file = op->file;
    Py_ssize_t count = PyUnicode_GET_LENGTH(data);
    bool as_it_is = PyUnicode_IS_COMPACT_ASCII(data)
                    && file->text->writenl[0] == '\0';
    *holder = NULL;
    if (op->arg[2] != NULL && op->got == count) {
        *holder = Py_NewRef(op->arg[2]); /* kept by write_keep_holder */
        return STEP_DONE;
    }
    if (count > ENCODE_PIECE && !as_it_is) {
        enum step step = write_encode_pieces(op, data, holder);
        if (step != STEP_DONE || *holder != NULL) {
            return step;
        }
    }
    const char *errors = PyUnicode_AsUTF8(file->errors);
    *holder = errors == NULL ? NULL : write_encode(file, data, errors);
    return *holder == NULL ? STEP_ERROR : STEP_DONE;
}

/* The bytes are not accepted yet: an error handler is not called again. */
static void
write_keep_holder(OpObject *op, PyObject *data, PyObject *holder)
{
    Py_XSETREF(op->arg[2], Py_NewRef(holder));
    op->got = PyUnicode_GET_LENGTH(data);
}

static bool
write_ends_line(const struct text *text, PyObject *data)
{
    Py_ssize_t n = PyUnicode_GET_LENGTH(data);
    return text->line_buffering
           && (PyUnicode_FindChar(data, '\n', 0, n, 1) >= 0
               || PyUnicode_FindChar(data, '\r', 0, n, 1) >= 0);
}

bool
text_goes_first(const FileObject *file, size_t pending, size_t n)
{
    return file->state->text_joins ? n >= TEXT_CHUNK
                                   : pending + n > TEXT_CHUNK;
}

enum step
text_hand_on(OpObject *op)
{
    FileObject *file = op->file;
    if (!file->shared) {
        held_hand_on(file);
        return STEP_DONE;
    }
    size_t n = buffer_avail(&file->text->out);
    if (n == 0) { /* what did not fit is on its way */
        return file->busy || file->werr != 0 ? file_drain(op) : STEP_DONE;
    }
    enum step step = file_make_room(op, (Py_ssize_t)n);
    if (step != STEP_DONE) {
        return step;
    }
    bool passes = file_write_passes(file, n);
    if ((passes && file_have_port(op) < 0) || text_pass_on(file) < 0) {
        return STEP_ERROR;
    }
    return passes ? file_drain(op) : STEP_DONE;
}

/* More than TextIOWrapper keeps: nothing is pending, and it goes on at once. */
static enum step
write_shared_large(OpObject *op, PyObject *holder)
{
    FileObject *file = op->file;
    size_t n;
    const char *p = encoded_data(holder, &n);
    enum step step = file_make_room(op, (Py_ssize_t)n);
    if (step != STEP_DONE) {
        return step;
    }
    bool passes = file_write_passes(file, n);
    if ((passes && file_have_port(op) < 0)
        || file_accept(file, p, n, holder) < 0) {
        return STEP_ERROR;
    }
    return passes ? write_wait(op) : STEP_DONE;
}

/* A write where others see the descriptor.  Phase 3: n bytes are pending. */
static enum step
write_shared(OpObject *op, PyObject *holder)
{
    struct buffer *out = &op->file->text->out;
    size_t n, shift, there = buffer_avail(out);
    const char *p = encoded_data(holder, &n);
    if (op->phase != 3) {
        enum step step = text_goes_first(op->file, there, n) ? text_hand_on(op)
                                                             : STEP_DONE;
        if (step != STEP_DONE) {
            return step;
        }
        if (n > TEXT_CHUNK) {
            return write_shared_large(op, holder);
        }
        if (file_accept(op->file, p, 0, NULL) < 0) {
            return STEP_ERROR;
        }
        if (buffer_reserve(out, n, &shift) < 0) {
            PyErr_NoMemory();
            return STEP_ERROR;
        }
        memcpy(out->data + out->end, p, n);
        out->end += n;
        op->phase = 3;
    }
    size_t pending = buffer_avail(out);
    if (pending > 0 && pending < TEXT_CHUNK) {
        return STEP_DONE;
    }
    enum step step = text_hand_on(op);
    if (step == STEP_ERROR && PyErr_ExceptionMatches(PyExc_MemoryError)
        && buffer_avail(out) == pending) {
        out->end -= n; /* it has not gone out, and is written again */
    }
    return step;
}

/* What a str was made is the file's.  Phase 2: a line has to be flushed. */
static enum step
write_accepted(OpObject *op, PyObject *data, size_t n)
{
    op->phase = 1;
    op_charge(op, n);
    if (write_ends_line(op->file->text, data)) {
        return write_wait(op);
    }
    return file_write_behind(op);
}

/* Phase 2: accepted, and waited for. */
static enum step
write_text(OpObject *op, PyObject *data, Py_ssize_t *count)
{
    FileObject *file = op->file;
    if (!PyUnicode_Check(data)) {
        return write_refuse(file, data);
    }
    *count = PyUnicode_GET_LENGTH(data);
    if (op->phase == 2) {
        return write_wait(op);
    }
    enum step step = file_write_ready(op);
    if (step != STEP_DONE) {
        return step;
    }
    if (write_promise(op, *count) < 0) {
        return STEP_ERROR;
    }
    PyObject *holder;
    step = write_bytes(op, data, &holder);
    if (step != STEP_DONE) {
        return step;
    }
    size_t n;
    const char *p = encoded_data(holder, &n);
    if (file->shared) {
        step = write_shared(op, holder);
    }
    else {
        step = file_accept(file, p, n, holder) < 0 ? STEP_ERROR : STEP_DONE;
        held_write_text(file, n);
    }
    if (step == STEP_DONE) {
        step = write_accepted(op, data, n);
    }
    if (step == STEP_BLOCK && op->phase != 2) {
        write_keep_holder(op, data, holder);
    }
    else {
        Py_CLEAR(op->arg[2]); /* writelines() may have another one */
    }
    Py_DECREF(holder);
    return step;
}

/* The bytes of a str that are there or, of a short one, made in room. */
static const char *
write_bytes_at_hand(const FileObject *file, PyObject *data, char *room,
                    size_t *n)
{
    if (!PyUnicode_IS_COMPACT(data)) { /* a subclass's */
        return NULL;
    }
    size_t count = (size_t)PyUnicode_GET_LENGTH(data);
    *n = count;
    if (PyUnicode_IS_COMPACT_ASCII(data)) {
        return (const char *)PyUnicode_1BYTE_DATA(data);
    }
    if (file->text->codec != CODEC_UTF8 || count > ENCODE_AT_HAND
        || !file_write_at_hand(file, count)) {
        return NULL;
    }
    *n = scan_utf8_encode(room, PyUnicode_DATA(data),
                          (int)PyUnicode_KIND(data), count);
    return *n == SIZE_MAX ? NULL : room;
}

static PyObject *
write_at_hand(OpObject *op)
{
    FileObject *file = op->file;
    const struct text *text = file->text;
    PyObject *data = op_only_arg(op);
    char room[4 * ENCODE_AT_HAND];
    size_t n;
    if (data == NULL || !PyUnicode_Check(data) || text->writenl[0] != '\0'
        || text->line_buffering || text->owed != NULL
        || !file_is_native(file, MODE_WRITE)) {
        return NULL;
    }
    const char *p = write_bytes_at_hand(file, data, room, &n);
    PyObject *count = NULL;
    if (p != NULL) {
        count = file_accept_at_hand(op, p, n,
                                    (size_t)PyUnicode_GET_LENGTH(data));
    }
    if (count != NULL) {
        held_write_text(file, n);
    }
    return count;
}

static enum step
write_step(OpObject *op, PyObject **result)
{
    Py_ssize_t count = 0;
    enum step step = text_begin(op, MODE_WRITE);
    if (step != STEP_DONE) {
        return step;
    }
    if (op_only_arg(op) == NULL) {
        return file_reference_error(op);
    }
    step = write_text(op, op->arg[0], &count);
    if (step != STEP_DONE) {
        return step;
    }
    *result = write_count(op, count);
    return *result == NULL ? STEP_ERROR : STEP_DONE;
}

static enum step
writelines_step(OpObject *op, PyObject **result)
{
    return writelines_any(op, write_text, result);
}

const struct op_kind text_kinds_write[] = {
    {"write", write_step, write_at_hand, OP_WRITES,
     "write($self, text, /)\n--\n\n"
     "Write a str; returns the number of its characters.\n\n"
     "The file takes it and writes behind: an error of the device is raised\n"
     "by a later operation, by flush() or close() at the latest."},
    {"writelines", writelines_step, NULL, OP_WRITES,
     "writelines($self, lines, /)\n--\n\n"
     "Write each str of an iterable; no line ends are added."},
    {NULL, NULL, NULL, 0, NULL},
};
