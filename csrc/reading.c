/* reading.c - the reads of binary files.
 *
 * Loop thread, with the GIL.  A step looks at the bytes behind rbuf.pos and
 * moves pos only when it can say DONE; fill.c fetches what is missing.
 */
#include "reading_int.h"

#include "bulk.h"
#include "exact.h"
#include "prefetch.h"

int
op_size_given(OpObject *op, Py_ssize_t *n)
{
    PyObject *arg = op->arg[0];
    *n = -1;
    if (op->kwargs != NULL || op->rest != NULL || op->arg[1] != NULL) {
        return -1;
    }
    if (arg == NULL || arg == Py_None) {
        return 0;
    }
    if (!PyIndex_Check(arg)) {
        return -1;
    }
    *n = PyNumber_AsSsize_t(arg, PyExc_OverflowError);
    if (*n == -1 && PyErr_Occurred()) {
        file_forget_refusal();
        return -1;
    }
    return 0;
}

enum step
op_begin_lines(OpObject *op)
{
    FileObject *file = op->file;
    if (op->phase == 0) {
        if (op_size_arg(op, &op->n) < 0) {
            return file_reference_error(op);
        }
        op->keeps = op->n <= 0;
        op->phase = 1;
    }
    if (op->acc == NULL) {
        off_t left = file->extent - file->raw;
        if (op->keeps && left > FILE_BLOCK_MOST) {
            enum step step = bulk_begin(op, (size_t)left);
            if (step != STEP_DONE) {
                return step;
            }
        }
        op->acc = PyList_New(0);
    }
    return op->acc == NULL ? STEP_ERROR : STEP_DONE;
}

static inline void
read_advance(OpObject *op, size_t n, size_t past)
{
    FileObject *file = op->file;
    if (file->exact) {
        exact_take(op, n, past);
        return;
    }
    file->rbuf.pos += n;
    if (!file->shared) {
        if (file->eof) {
            file_no_block(file);
        }
        if (file->bufsize == 0) {
            file_drop_ahead(file); /* a raw file is read afresh each time */
        }
    }
}

void
file_advance(OpObject *op, size_t n, size_t past)
{
    read_advance(op, n, past);
}

/* As much is copied at once on the loop thread. */
enum { COPY_PIECE = 1 << 20 };

enum step
read_copy(OpObject *op, char *to, size_t n)
{
    const char *from = op->file->rbuf.data + op->file->rbuf.pos;
    while ((size_t)op->taken < n) {
        size_t at = (size_t)op->taken, part = n - at;
        if (at > 0 && op_must_yield(op)) {
            return STEP_YIELD;
        }
        part = part < COPY_PIECE ? part : COPY_PIECE;
        memcpy(to + at, from + at, part);
        op->taken += (Py_ssize_t)part;
        op_charge(op, part);
    }
    return STEP_DONE;
}

enum step
file_take_on(OpObject *op, PyObject **result)
{
    Py_ssize_t n = PyBytes_GET_SIZE(op->acc);
    enum step step = read_copy(op, PyBytes_AS_STRING(op->acc), (size_t)n);
    if (step != STEP_DONE) {
        return step;
    }
    *result = op->acc;
    op->acc = NULL;
    read_advance(op, (size_t)n, (size_t)op->left);
    file_read_ahead(op);
    return STEP_DONE;
}

/* More than one piece.  How much it is does not change any more, should the
 * file grow meanwhile. */
static enum step
take_large(OpObject *op, size_t n, size_t past, PyObject **result)
{
    op->acc = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)n);
    if (op->acc == NULL) {
        return STEP_ERROR;
    }
    op->left = (Py_ssize_t)past;
    op->phase = READ_TAKES;
    return file_take_on(op, result);
}

enum step
file_take_bytes(OpObject *op, size_t n, size_t past, PyObject **result)
{
    FileObject *file = op->file;
    size_t avail = buffer_avail(&file->rbuf);
    n = n < avail ? n : avail;
    if (op->phase == READ_TAKES) {
        return file_take_on(op, result);
    }
    if (n > COPY_PIECE) {
        return take_large(op, n, past, result);
    }
    *result = PyBytes_FromStringAndSize(
        n == 0 ? NULL : file->rbuf.data + file->rbuf.pos, (Py_ssize_t)n);
    if (*result == NULL) {
        return STEP_ERROR;
    }
    op_charge(op, n);
    read_advance(op, n, past);
    file_read_ahead(op);
    return STEP_DONE;
}

/* A bytes object of op->n bytes in op->acc. */
static enum step
read_begin(OpObject *op)
{
    if (op->n > FILE_READ_INLINE) {
        enum step step = bulk_begin(op, (size_t)op->n);
        if (step != STEP_DONE) {
            return step;
        }
    }
    op->acc = PyBytes_FromStringAndSize(NULL, op->n);
    return op->acc == NULL ? STEP_ERROR : STEP_DONE;
}

/* file_read_direct into a new bytes object of op->n bytes. */
static enum step
read_new_bytes(OpObject *op, PyObject **result)
{
    enum step step = op->acc == NULL ? read_begin(op) : STEP_DONE;
    if (step != STEP_DONE) {
        return step;
    }
    step = file_read_direct(op, PyBytes_AS_STRING(op->acc), (size_t)op->n,
                            op->acc);
    if (step != STEP_DONE) {
        return step;
    }
    if (op->got < op->n && _PyBytes_Resize(&op->acc, op->got) < 0) {
        return STEP_ERROR;
    }
    file_read_commit(op, op->got < op->n);
    if (op->got == op->n) {
        prefetch_start(op, (size_t)op->n);
    }
    op->file->again = (size_t)op->n;
    *result = op->acc;
    op->acc = NULL;
    return STEP_DONE;
}

/* ---- read() ---- */

/* Grow op->acc, which is full, since the file goes on behind its size. */
static int
read_all_grow(OpObject *op)
{
    op->n += op->n / 2 + FILE_BLOCK_LEAST;
    return _PyBytes_Resize(&op->acc, op->n);
}

static enum step
read_all_regular(OpObject *op, PyObject **result)
{
    FileObject *file = op->file;
    enum step step = read_drain(op);
    if (step != STEP_DONE) {
        return step;
    }
    if (op->acc == NULL) {
        step = file_left(op);
        if (step != STEP_DONE) {
            return step;
        }
        /* One more, so that the end is seen without growing. */
        op->n = op->left + (Py_ssize_t)buffer_avail(&file->rbuf) + 1;
        step = read_begin(op);
        if (step != STEP_DONE) {
            return step;
        }
    }
    for (;;) {
        step = file_read_direct(op, PyBytes_AS_STRING(op->acc), (size_t)op->n,
                                op->acc);
        if (step != STEP_DONE) {
            return step;
        }
        if (op->got < op->n) {
            break;
        }
        if (read_all_grow(op) < 0) {
            return STEP_ERROR;
        }
    }
    if (_PyBytes_Resize(&op->acc, op->got) < 0) {
        return STEP_ERROR;
    }
    file_read_commit(op, true);
    *result = op->acc;
    op->acc = NULL;
    return STEP_DONE;
}

static enum step
read_all(OpObject *op, PyObject **result)
{
    FileObject *file = op->file;
    op->phase = READ_ALL;
    if (file->regular && !file->shared) {
        return read_all_regular(op, result);
    }
    do {
        if (!op->filling && op_must_yield(op)) {
            return STEP_YIELD;
        }
        enum step step = file_fill(op, FILE_BLOCK_LEAST);
        if (step != STEP_DONE) {
            return step;
        }
    } while (!file->eof);
    return file_take_bytes(op, buffer_avail(&file->rbuf), EXACT_ALL, result);
}

/* What a descriptor in non-blocking mode did not have is None, not empty. */
static enum step
read_or_none(OpObject *op, enum step step, PyObject **result)
{
    if (step == STEP_DONE && op->would_block
        && PyBytes_GET_SIZE(*result) == 0) {
        Py_SETREF(*result, Py_NewRef(Py_None));
    }
    return step;
}

static enum step
read_take(OpObject *op, size_t n, PyObject **result)
{
    size_t past = op->file->exact ? exact_whole_blocks(op, n) : 0;
    op->file->again = n;
    return file_take_bytes(op, n, past, result);
}

static enum step
read_sized(OpObject *op, PyObject **result)
{
    FileObject *file = op->file;
    enum step step = file_begin(op, MODE_READ);
    if (step != STEP_DONE) {
        return step;
    }
    if (op->phase == 0) {
        if (op_size_arg(op, &op->n) < 0
            || (op->n < -1 && file->bufsize != 0)) {
            return file_reference_error(op);
        }
        op->phase = 1;
    }
    if (op->phase == READ_TAKES) {
        return file_take_on(op, result);
    }
    if (op->n < 0 || op->phase == READ_ALL) {
        return read_all(op, result);
    }
    step = op->n == 0 ? STEP_DONE : read_drain(op);
    if (step != STEP_DONE) {
        return step;
    }
    size_t n = (size_t)op->n;
    if (file->prefetch != NULL && op->acc == NULL && !op->filling) {
        step = prefetch_take(op, n, result);
        if (step != STEP_DONE || *result != NULL) {
            return step;
        }
    }
    for (;;) {
        size_t avail = buffer_avail(&file->rbuf);
        if (op->acc != NULL) {
            return read_new_bytes(op, result); /* its job may be under way */
        }
        if (avail >= n && !op->filling) {
            return read_take(op, n, result);
        }
        if (n > avail
            && (file_may_read_direct(file, n - avail)
                || prefetch_is_wanted(file, n))) {
            return read_new_bytes(op, result);
        }
        if (file->bufsize == 0 && avail > 0) {
            return read_take(op, n, result);
        }
        step = file_fill(op, n > avail ? n - avail : 1);
        if (step != STEP_DONE) {
            return step;
        }
        if (file->eof || file->bufsize == 0) {
            return read_take(op, n, result);
        }
    }
}

static enum step
read_step(OpObject *op, PyObject **result)
{
    return read_or_none(op, read_sized(op, result), result);
}

/* Most reads of less than the buffer. */
static PyObject *
read_at_hand(OpObject *op)
{
    FileObject *file = op->file;
    PyObject *size = op_only_arg(op);
    if (size == NULL || !PyLong_CheckExact(size) || !bytes_are_at_hand(file)
        || file->prefetch != NULL) {
        return NULL;
    }
    Py_ssize_t n = PyLong_AsSsize_t(size);
    if (n <= 0 || (size_t)n > buffer_avail(&file->rbuf) || n > COPY_PIECE) {
        PyErr_Clear(); /* it may be too large a number */
        return NULL;
    }
    file->again = (size_t)n;
    return bytes_take_at_hand(op, (size_t)n);
}

static enum step
readall_step(OpObject *op, PyObject **result)
{
    enum step step = file_begin(op, MODE_READ);
    if (step != STEP_DONE) {
        return step;
    }
    if (op->given) {
        return file_reference_error(op);
    }
    step = op->phase == READ_TAKES ? file_take_on(op, result)
                                   : read_all(op, result);
    return read_or_none(op, step, result);
}

/* At most one read of the file, and none if bytes are there. */
static enum step
read_some(OpObject *op, size_t want)
{
    FileObject *file = op->file;
    if (buffer_avail(&file->rbuf) > 0 && !op->filling) {
        return STEP_DONE;
    }
    return file->exact ? file_fill_just(op, want) : file_fill(op, 1);
}

void
read_past_block(FileObject *file, off_t at, size_t len, size_t most)
{
    off_t block = (off_t)file->bufsize, there = 0;
    off_t high = at > file->high ? at : file->high;
    if (file->shared || block == 0) {
        return;
    }
    if (high > file->base) {
        there = block - (high - file->base - 1) % block - 1 - (at - high);
    }
    if (there < (off_t)len && len - (size_t)there > most) {
        file_no_block(file);
    }
}

static enum step
read1_step(OpObject *op, PyObject **result)
{
    FileObject *file = op->file;
    enum step step = file_begin(op, MODE_READ);
    if (step != STEP_DONE) {
        return step;
    }
    if (op_size_arg(op, &op->n) < 0 || op->arg[0] == Py_None) {
        return file_reference_error(op);
    }
    size_t n = op->n < 0 ? file->bufsize : (size_t)op->n;
    step = n == 0 ? STEP_DONE : read_some(op, n);
    if (step != STEP_DONE) {
        return step;
    }
    off_t at = file_position(file);
    step = file_take_bytes(op, n, EXACT_ALL, result);
    if (step == STEP_DONE && n > 0) {
        /* It takes what is there, or reads past it. */
        read_past_block(file, at, 1, 0);
    }
    return step;
}

/* After a peek() io's buffer is not empty; of a file that can be written it
 * begins at the position. */
static void
peek_block(FileObject *file)
{
    off_t at = file_position(file);
    if (file->flags & MODE_WRITE || file->high <= file->base) {
        file->base = at;
    }
    if (buffer_avail(&file->rbuf) > 0 && file->high <= at) {
        file->high = at + 1;
    }
}

static enum step
peek_step(OpObject *op, PyObject **result)
{
    FileObject *file = op->file;
    enum step step = file_begin(op, MODE_READ);
    if (step != STEP_DONE) {
        return step;
    }
    if (op_size_arg(op, &op->n) < 0 || op->arg[0] == Py_None) {
        return file_reference_error(op);
    }
    step = file->exact ? exact_peek(op) : read_some(op, 1);
    if (step != STEP_DONE) {
        return step;
    }
    if (!file->shared) {
        peek_block(file);
    }
    *result = PyBytes_FromStringAndSize(
        file->rbuf.data == NULL ? NULL : file->rbuf.data + file->rbuf.pos,
        (Py_ssize_t)buffer_avail(&file->rbuf));
    return *result == NULL ? STEP_ERROR : STEP_DONE;
}

const struct op_kind file_kinds_raw[] = {
    {"read", read_step, NULL, OP_READS,
     "read($self, size=-1, /)\n--\n\n"
     "Read at most size bytes with one system call; all, if negative.\n\n"
     "Returns bytes, empty at the end of the file; as io.FileIO.read."},
    {"readall", readall_step, NULL, OP_READS,
     "readall($self, /)\n--\n\n"
     "Read all the bytes to the end of the file."},
    {"readinto", readinto_step, NULL, OP_READS,
     "readinto($self, buffer, /)\n--\n\n"
     "Read into a writable buffer; returns the number of bytes."},
    {NULL, NULL, NULL, 0, NULL},
};

const struct op_kind file_kinds_buffered[] = {
    {"read", read_step, read_at_hand, OP_READS,
     "read($self, size=-1, /)\n--\n\n"
     "Read size bytes, fewer only at the end of the file; all, if negative.\n"
     "\nReturns bytes; as io.BufferedReader.read."},
    {"read1", read1_step, NULL, OP_READS,
     "read1($self, size=-1, /)\n--\n\n"
     "Read at most size bytes with at most one system call."},
    {"readinto", readinto_step, NULL, OP_READS,
     "readinto($self, buffer, /)\n--\n\n"
     "Fill a writable buffer; returns the number of bytes, fewer than its\n"
     "size only at the end of the file.\n\n"
     "What is not cached comes in one trip to a thread, straight into the\n"
     "buffer, which cannot be resized meanwhile, even if this is cancelled."},
    {"readinto1", readinto1_step, NULL, OP_READS,
     "readinto1($self, buffer, /)\n--\n\n"
     "Read into a writable buffer with at most one system call."},
    {NULL, NULL, NULL, 0, NULL},
};

const struct op_kind file_kinds_reader[] = {
    {"peek", peek_step, NULL, OP_READS,
     "peek($self, size=0, /)\n--\n\n"
     "Bytes that come next, without moving the position."},
    {NULL, NULL, NULL, 0, NULL},
};
