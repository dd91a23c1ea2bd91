/* readinto.c - reads of binary files into memory of the caller.
 *
 * Loop thread, with the GIL.  The buffer is pinned by a memoryview until the
 * operation has its result.
 */
#include "reading_int.h"

#include "exact.h"

/* op->acc becomes a memoryview of the one argument: 0, or -1 without an
 * exception where that is no writable run of bytes. */
static int
readinto_pin(OpObject *op)
{
    PyObject *buffer = op_only_arg(op);
    if (buffer == NULL) {
        return -1;
    }
    op->acc = PyMemoryView_FromObject(buffer);
    if (op->acc == NULL) {
        file_forget_refusal();
        return -1;
    }
    Py_buffer *view = PyMemoryView_GET_BUFFER(op->acc);
    if (view->readonly || !PyBuffer_IsContiguous(view, 'C')) {
        Py_CLEAR(op->acc);
        return -1;
    }
    return 0;
}

/* The number in *result, before the position moves. */
static enum step
readinto_done(OpObject *op, PyObject **result)
{
    if (op->would_block && op->got == 0) {
        *result = Py_NewRef(Py_None);
    }
    else {
        *result = PyLong_FromSsize_t(op->got);
    }
    if (*result == NULL) {
        return STEP_ERROR;
    }
    Py_CLEAR(op->acc); /* the buffer may be resized again */
    return STEP_DONE;
}

static void
readinto_block(OpObject *op, size_t len)
{
    FileObject *file = op->file;
    read_past_block(file, file_position(file) - (off_t)op->got, len,
                    file->bufsize);
}

/* By way of the buffer.  Phase 3: all that is wanted is there. */
static enum step
readinto_buffered(OpObject *op, size_t len, bool once, PyObject **result)
{
    FileObject *file = op->file;
    Py_buffer *view = PyMemoryView_GET_BUFFER(op->acc);
    while (op->phase == 2) {
        size_t avail = buffer_avail(&file->rbuf);
        bool enough = avail >= len || (once && avail > 0);
        if (enough && !op->filling && (avail >= len || !file->exact)) {
            break;
        }
        size_t want = len > avail ? len - avail : 1;
        enum step step = file->exact ? exact_fill_into(op, len, once)
                                     : file_fill(op, want);
        if (step != STEP_DONE) {
            return step;
        }
        if (file->eof || once) {
            break;
        }
    }
    op->phase = 3;
    size_t avail = buffer_avail(&file->rbuf);
    op->got = (Py_ssize_t)(avail < len ? avail : len);
    enum step step = read_copy(op, view->buf, (size_t)op->got);
    if (step != STEP_DONE) {
        return step;
    }
    if (readinto_done(op, result) != STEP_DONE) {
        return STEP_ERROR;
    }
    file_advance(op, (size_t)op->got,
                 file->exact ? exact_past_into(op, len) : 0);
    readinto_block(op, len);
    return STEP_DONE;
}

static enum step
readinto_any(OpObject *op, bool once, PyObject **result)
{
    FileObject *file = op->file;
    enum step step = file_begin(op, MODE_READ);
    if (step != STEP_DONE) {
        return step;
    }
    if (op->acc == NULL && readinto_pin(op) < 0) {
        return file_reference_error(op);
    }
    Py_buffer *view = PyMemoryView_GET_BUFFER(op->acc);
    size_t len = (size_t)view->len;
    step = read_drain(op);
    if (step != STEP_DONE) {
        return step;
    }
    if (len == 0) {
        bool passes = file->exact && buffer_avail(&file->rbuf) == 0;
        step = passes ? exact_before_fill(op) : STEP_DONE;
        if (step == STEP_DONE && passes) {
            exact_take(op, 0, EXACT_ALL);
        }
        return step == STEP_DONE ? readinto_done(op, result) : step;
    }
    once = once || file->bufsize == 0;
    size_t avail = buffer_avail(&file->rbuf);
    if (op->phase == 0) {
        bool direct = avail < len && file_may_read_direct(file, len - avail)
                      && !(once && avail > 0);
        op->phase = direct ? 1 : 2;
    }
    if (op->phase >= 2) {
        return readinto_buffered(op, len, once, result);
    }
    step = file_read_direct(op, view->buf, len, op->acc);
    if (step == STEP_DONE) {
        step = readinto_done(op, result);
    }
    if (step != STEP_DONE) {
        return step;
    }
    file_read_commit(op, (size_t)op->got < len);
    readinto_block(op, len);
    return STEP_DONE;
}

enum step
readinto_step(OpObject *op, PyObject **result)
{
    return readinto_any(op, false, result);
}

enum step
readinto1_step(OpObject *op, PyObject **result)
{
    return readinto_any(op, true, result);
}
