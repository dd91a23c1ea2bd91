/* lines.c - lines of binary files.
 *
 * op->got counts, from rbuf.pos on, the bytes that are known to hold no line
 * end (readline) or that belong to lines already taken down (readlines): the
 * position itself moves only at the end.
 */
#include "exact.h"
#include "reading_int.h"

enum { LINES_PER_LOOK = 256 };

/* Look for the end of the line in what is buffered from rbuf.pos + start on.
 * True: *len is its length, cut by the limit. */
static inline bool
line_is_buffered(OpObject *op, size_t start, Py_ssize_t limit, size_t *len)
{
    const struct buffer *rbuf = &op->file->rbuf;
    size_t most = buffer_avail(rbuf) - start, seen = (size_t)op->got;
    bool cut = limit >= 0 && (size_t)limit <= most;
    if (cut) {
        most = (size_t)limit;
    }
    if (seen < most) {
        const char *from = rbuf->data + rbuf->pos + start;
        const char *nl = memchr(from + seen, '\n', most - seen);
        if (nl != NULL) {
            *len = (size_t)(nl - from) + 1;
            return true;
        }
        op->got = (Py_ssize_t)most;
    }
    *len = most;
    return cut;
}

/* The same, once it is there whole or the limit or the end of the file cuts
 * it; else BLOCK, YIELD or ERROR. */
static enum step
line_find(OpObject *op, size_t start, Py_ssize_t limit, size_t *len)
{
    for (;;) {
        if (!op->filling) {
            if (line_is_buffered(op, start, limit, len)) {
                return STEP_DONE;
            }
            if (op_must_yield(op)) {
                return STEP_YIELD;
            }
        }
        enum step step = file_fill(op, 1);
        if (step != STEP_DONE) {
            return step;
        }
        if (op->file->eof) {
            *len = buffer_avail(&op->file->rbuf) - start;
            return STEP_DONE;
        }
    }
}

static enum step
line_take(OpObject *op, size_t len, PyObject **result)
{
    size_t past = op->file->exact ? exact_blocks_of_lines(op, len) : 0;
    return file_take_bytes(op, len, past, result);
}

/* Most lines are whole in the buffer. */
static PyObject *
line_at_hand(OpObject *op)
{
    const struct buffer *rbuf = &op->file->rbuf;
    if (op->given || !bytes_are_at_hand(op->file)) {
        return NULL;
    }
    size_t len = file_line_at_hand(rbuf->data + rbuf->pos, buffer_avail(rbuf),
                                   '\n');
    return len == 0 ? NULL : bytes_take_at_hand(op, len);
}

static enum step
readline_step(OpObject *op, PyObject **result)
{
    size_t len;
    enum step step = file_begin(op, MODE_READ);
    if (step != STEP_DONE) {
        return step;
    }
    if (op->phase == 0) {
        if (op_size_arg(op, &op->n) < 0) {
            return file_reference_error(op);
        }
        op->phase = 1;
    }
    if (op->phase == READ_TAKES) {
        return file_take_on(op, result);
    }
    step = line_find(op, 0, op->n, &len);
    return step == STEP_DONE ? line_take(op, len, result) : step;
}

static enum step
next_line_step(OpObject *op, PyObject **result)
{
    size_t len;
    enum step step = file_begin(op, MODE_READ);
    if (step != STEP_DONE) {
        return step;
    }
    if (op->phase == READ_TAKES) {
        return file_take_on(op, result);
    }
    step = line_find(op, 0, -1, &len);
    if (step != STEP_DONE) {
        return step;
    }
    step = line_take(op, len, result);
    if (step == STEP_DONE && len == 0) {
        Py_CLEAR(*result);
        PyErr_SetNone(PyExc_StopAsyncIteration);
        return STEP_ERROR;
    }
    return step;
}

/* readlines(): op->n is the hint, op->taken the bytes of op->acc's lines. */
static enum step
readlines_step(OpObject *op, PyObject **result)
{
    FileObject *file = op->file;
    enum step step = file_begin(op, MODE_READ);
    if (step != STEP_DONE) {
        return step;
    }
    step = op_begin_lines(op);
    if (step != STEP_DONE) {
        return step;
    }
    for (int i = 1;; i++) {
        size_t len;
        if (i % LINES_PER_LOOK == 0 && op_must_yield(op)) {
            return STEP_YIELD;
        }
        step = line_find(op, (size_t)op->taken, -1, &len);
        if (step != STEP_DONE) {
            return step;
        }
        if (len == 0) {
            break;
        }
        PyObject *line = PyBytes_FromStringAndSize(
            file->rbuf.data + file->rbuf.pos + op->taken, (Py_ssize_t)len);
        if (line == NULL || PyList_Append(op->acc, line) < 0) {
            Py_XDECREF(line);
            return STEP_ERROR;
        }
        Py_DECREF(line);
        op_charge(op, len);
        op->got = 0;
        op->taken += (Py_ssize_t)len;
        if (op->n > 0 && op->taken > op->n) {
            break;
        }
    }
    file_advance(op, (size_t)op->taken,
                 file->exact ? exact_blocks_of_lines(op, (size_t)op->taken)
                             : 0);
    *result = op->acc;
    op->acc = NULL;
    return STEP_DONE;
}

const struct op_kind file_kinds_lines[] = {
    {"readline", readline_step, line_at_hand, OP_READS,
     "readline($self, size=-1, /)\n--\n\n"
     "Read a line, of at most size bytes if size is not negative.\n\n"
     "Returns bytes, empty at the end of the file."},
    {"readlines", readlines_step, NULL, OP_READS,
     "readlines($self, hint=-1, /)\n--\n\n"
     "Read lines to the end of the file, or until they make hint bytes.\n\n"
     "Returns a list of bytes."},
    {NULL, NULL, NULL, 0, NULL},
};

const struct op_kind file_kind_next_line = {
    "__anext__", next_line_step, line_at_hand, OP_READS,
    "__anext__($self, /)\n--\n\nThe next line."};
