/* textwrite.c - write() and writelines() of text.
 *
 * A str is made bytes at once and the bytes are accepted by the file; an
 * ASCII str already is its bytes in each of the native codecs, and a large
 * one is referred to.
 */
#include "exact.h"
#include "text.h"

/* The characters of data as the file's bytes: *holder is a new reference to
 * the object that they live in. */
static int
write_encode(FileObject *file, PyObject *data, const char **p, size_t *n,
             PyObject **holder)
{
    struct text *text = file->text;
    PyObject *str = Py_NewRef(data);
    if (text->writenl[0] != '\0'
        && PyUnicode_FindChar(data, '\n', 0, PyUnicode_GET_LENGTH(data), 1)
               >= 0) {
        PyObject *nl = PyUnicode_FromString("\n");
        PyObject *to = PyUnicode_FromString(text->writenl);
        if (nl != NULL && to != NULL) {
            Py_SETREF(str, PyUnicode_Replace(data, nl, to, -1));
        }
        else {
            Py_CLEAR(str);
        }
        Py_XDECREF(nl);
        Py_XDECREF(to);
        if (str == NULL) {
            return -1;
        }
    }
    if (PyUnicode_IS_COMPACT_ASCII(str)) {
        *p = (const char *)PyUnicode_1BYTE_DATA(str);
        *n = (size_t)PyUnicode_GET_LENGTH(str);
        *holder = str;
        return 0;
    }
    static const char *const names[] = {
        [CODEC_UTF8] = "utf-8",
        [CODEC_ASCII] = "ascii",
        [CODEC_LATIN1] = "latin-1",
        [CODEC_OTHER] = "utf-8",
    };
    const char *errors = PyUnicode_AsUTF8(file->errors);
    *holder = errors == NULL
                  ? NULL
                  : PyUnicode_AsEncodedString(str, names[text->codec], errors);
    Py_DECREF(str);
    if (*holder == NULL) {
        return -1;
    }
    *p = PyBytes_AS_STRING(*holder);
    *n = (size_t)PyBytes_GET_SIZE(*holder);
    return 0;
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

/* A write where others see the descriptor.  Phase 3: n bytes are pending. */
static enum step
write_shared(OpObject *op, const char *p, size_t n)
{
    struct buffer *out = &op->file->text->out;
    size_t shift, there = buffer_avail(out);
    if (op->phase != 3) {
        enum step step = text_goes_first(op->file, there, n) ? text_hand_on(op)
                                                             : STEP_DONE;
        if (step != STEP_DONE) {
            return step;
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

/* Phase 2: accepted, and a line has to be flushed. */
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
    const char *p;
    size_t n;
    PyObject *holder;
    if (write_promise(op, *count) < 0
        || write_encode(file, data, &p, &n, &holder) < 0) {
        return STEP_ERROR;
    }
    if (file->shared) {
        step = write_shared(op, p, n);
    }
    else {
        step = file_accept(file, p, n, holder) < 0 ? STEP_ERROR : STEP_DONE;
        held_write_text(file, n);
    }
    Py_DECREF(holder);
    if (step != STEP_DONE) {
        return step;
    }
    op->phase = 1;
    op_charge(op, n);
    if (write_ends_line(file->text, data)) {
        return write_wait(op);
    }
    return file_write_behind(op);
}

static enum step
write_step(OpObject *op, PyObject **result)
{
    Py_ssize_t count = 0;
    enum step step = file_begin(op, MODE_WRITE);
    if (step != STEP_DONE) {
        return step;
    }
    if (op->arg[0] == NULL || op->arg[1] != NULL || op->rest != NULL
        || op->kwargs != NULL) {
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
    {"write", write_step, OP_WRITES,
     "write($self, text, /)\n--\n\n"
     "Write a str; returns the number of its characters.\n\n"
     "The file takes it and writes behind: an error of the device is raised\n"
     "by a later operation, by flush() or close() at the latest."},
    {"writelines", writelines_step, OP_WRITES,
     "writelines($self, lines, /)\n--\n\n"
     "Write each str of an iterable; no line ends are added."},
    {NULL, NULL, 0, NULL},
};
