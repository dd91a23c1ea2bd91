/* positional.c - pread() and pwrite(): at an offset, whatever the position.
 *
 * Loop thread, with the GIL.  Each takes its turn in the file's queue and sees
 * that what was accepted before is in the file; bytes that the kernel has at
 * hand are read there and then, all else is done by a job beside the queue.
 */
#include <limits.h>

#include "beside.h"

/* ARGS: nothing is known yet.  TURN: it is about op->n bytes at op->arg[1],
 * and what comes before is waited for.  JOB: beside the queue, with op->acc
 * for the bytes. */
enum { PHASE_ARGS, PHASE_TURN, PHASE_JOB };

static off_t
placed_offset(const OpObject *op)
{
    return (off_t)PyLong_AsLongLong(op->arg[1]); /* checked in placed_args */
}

bool
positional_range(const OpObject *op, off_t *from, off_t *to)
{
    if (op->phase == PHASE_ARGS) {
        return false;
    }
    *from = placed_offset(op);
    if (__builtin_add_overflow(*from, (off_t)op->n, to)) {
        *to = LLONG_MAX;
    }
    if (op->kind->flags & OP_CHANGES && op->file->flags & MODE_APPEND) {
        *from = 0; /* the kernel puts it at the end, wherever that is */
        *to = LLONG_MAX;
    }
    return true;
}

/* ---- arguments ---- */

/* What a built-in file of this mode says to a call that moves no byte. */
static enum step
placed_refuse_mode(FileObject *file)
{
    bool read = file->flags & MODE_WRITE;
    PyObject *none = read ? PyLong_FromLong(0)
                          : PyBytes_FromStringAndSize(NULL, 0);
    PyObject *args = none == NULL ? NULL : PyTuple_Pack(1, none);
    if (args != NULL) {
        Py_XDECREF(
            file_reference_raise(file, read ? "read" : "write", args, NULL));
    }
    Py_XDECREF(args);
    Py_XDECREF(none);
    return STEP_ERROR;
}

/* Two arguments, for a file that is open with this mode: DONE. */
static enum step
placed_begin(OpObject *op, unsigned need)
{
    FileObject *file = op->file;
    if (file->real != NULL) {
        return file_divert(op);
    }
    if (op->arg[1] == NULL || op->arg[2] != NULL || op->rest != NULL
        || op->kwargs != NULL) {
        PyErr_Format(PyExc_TypeError,
                     "%s() takes exactly two positional arguments",
                     op->kind->name);
        return STEP_ERROR;
    }
    if (file->closed) {
        Py_XDECREF(file_refuse(file, "fileno"));
        return STEP_ERROR;
    }
    return file->flags & need ? STEP_DONE : placed_refuse_mode(file);
}

/* op->arg[1] becomes an int of the kernel's range: DONE or ERROR. */
static enum step
placed_args(OpObject *op)
{
    PyObject *offset = PyNumber_Index(op->arg[1]);
    if (offset == NULL) {
        return STEP_ERROR;
    }
    Py_SETREF(op->arg[1], offset);
    if (PyLong_AsLongLong(offset) == -1 && PyErr_Occurred()) {
        return STEP_ERROR;
    }
    op->phase = PHASE_TURN;
    return STEP_DONE;
}

/* Until none is under way that it might meet, and what was accepted before is
 * in the file. */
static enum step
placed_turn(OpObject *op)
{
    FileObject *file = op->file;
    if (file->beside != NULL && beside_holds_up(op)) {
        return beside_wait(op);
    }
    if (op->kind->flags & OP_CHANGES && file->busy && !op->filling) {
        return file_wait(op); /* for a read, whose bytes may be old ones */
    }
    return file->flags & MODE_WRITE ? file_flush(op) : STEP_DONE;
}

/* What the kernel says before it looks at the file's bytes. */
static enum step
placed_check(OpObject *op)
{
    if (op->n < 0 || placed_offset(op) < 0) {
        return file_oserror(op->file, EINVAL, false);
    }
    return op->file->stream ? file_oserror(op->file, ESPIPE, false)
                            : STEP_DONE;
}

/* ---- pread() ---- */

static enum step
pread_args(OpObject *op)
{
    PyObject *n = PyNumber_Index(op->arg[0]);
    op->n = n == NULL ? -1 : PyLong_AsSsize_t(n);
    Py_XDECREF(n);
    return op->n == -1 && PyErr_Occurred() ? STEP_ERROR : placed_args(op);
}

static enum step
pread_done(OpObject *op, PyObject **result)
{
    if (op->got < op->n && _PyBytes_Resize(&op->acc, op->got) < 0) {
        return STEP_ERROR;
    }
    *result = op->acc;
    op->acc = NULL;
    return STEP_DONE;
}

static enum step
pread_bytes(OpObject *op, PyObject **result)
{
    off_t off = placed_offset(op);
    op->acc = PyBytes_FromStringAndSize(NULL, op->n);
    if (op->acc == NULL) {
        return STEP_ERROR;
    }
    char *buf = PyBytes_AS_STRING(op->acc);
    /* What the kernel would call invalid says nothing of other reads. */
    while (op->got < op->n && off <= LLONG_MAX - (off_t)op->n) {
        ssize_t n = file_read_inline(op, buf + op->got,
                                     (size_t)(op->n - op->got),
                                     off + (off_t)op->got);
        if (n == 0) {
            return pread_done(op, result);
        }
        if (n < 0 && n != -EAGAIN && n != -EOPNOTSUPP) {
            return file_oserror(op->file, (int)-n, false);
        }
        if (n < 0) {
            break;
        }
        op->got += n;
    }
    if (op->got == op->n) {
        return pread_done(op, result);
    }
    op->phase = PHASE_JOB;
    const struct beside_work work = {
        .steps = IO_READ,
        .off = off + (off_t)op->got,
        .buf = buf + op->got,
        .len = (size_t)(op->n - op->got),
        .holder = op->acc,
    };
    return beside_submit(op, &work);
}

static enum step
pread_step(OpObject *op, PyObject **result)
{
    enum step step = STEP_DONE;
    if (op->phase == PHASE_JOB) {
        size_t done;
        step = beside_returned(op, &done);
        if (step == STEP_DONE) {
            op->got += (Py_ssize_t)done;
            step = pread_done(op, result);
        }
        return step;
    }
    step = placed_begin(op, MODE_READ);
    if (step == STEP_DONE && op->phase == PHASE_ARGS) {
        step = pread_args(op);
    }
    if (step == STEP_DONE) {
        step = placed_turn(op);
    }
    if (step == STEP_DONE) {
        step = placed_check(op);
    }
    return step == STEP_DONE ? pread_bytes(op, result) : step;
}

/* ---- pwrite() ---- */

/* op->acc holds the bytes of the first argument, of any type, in place. */
static enum step
pwrite_args(OpObject *op)
{
    PyObject *data = op->arg[0];
    Py_buffer view;
    if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) < 0) {
        return STEP_ERROR;
    }
    op->n = view.len;
    PyBuffer_Release(&view);
    op->acc = PyBytes_Check(data) ? Py_NewRef(data)
                                  : PyMemoryView_FromObject(data);
    return op->acc == NULL ? STEP_ERROR : placed_args(op);
}

/* Bytes read ahead that will not be those of the file any more are dropped,
 * and with them those before the position, to which a seek may go back. */
static void
pwrite_forget(OpObject *op)
{
    FileObject *file = op->file;
    off_t from = 0, to = 0;
    (void)positional_range(op, &from, &to);
    if (from < file->raw && file->raw - (off_t)file->rbuf.end < to) {
        file_drop_ahead(file);
    }
}

static enum step
pwrite_bytes(OpObject *op)
{
    bool bytes = PyBytes_Check(op->acc);
    pwrite_forget(op);
    if (op->file->flags & MODE_APPEND && op->file->seekable
        && file_share_now(op->file) < 0) {
        return STEP_ERROR; /* as for seek(): it moves where others go */
    }
    op->phase = PHASE_JOB;
    const struct beside_work work = {
        .steps = IO_WRITE,
        .off = placed_offset(op),
        .buf = bytes ? PyBytes_AS_STRING(op->acc)
                     : PyMemoryView_GET_BUFFER(op->acc)->buf,
        .len = (size_t)op->n,
        .holder = op->acc,
    };
    return beside_submit(op, &work);
}

static enum step
pwrite_step(OpObject *op, PyObject **result)
{
    enum step step;
    if (op->phase == PHASE_JOB) {
        size_t done;
        step = beside_returned(op, &done);
        if (step == STEP_DONE) {
            *result = PyLong_FromSize_t(done);
        }
        return step == STEP_DONE && *result == NULL ? STEP_ERROR : step;
    }
    step = placed_begin(op, MODE_WRITE);
    if (step == STEP_DONE && op->phase == PHASE_ARGS) {
        step = pwrite_args(op);
    }
    if (step == STEP_DONE) {
        step = placed_turn(op);
    }
    if (step == STEP_DONE) {
        step = placed_check(op);
    }
    return step == STEP_DONE ? pwrite_bytes(op) : step;
}

const struct op_kind file_kinds_placed[] = {
    {"pread", pread_step, NULL, OP_HOPS | OP_PLACED,
     "pread($self, n, offset, /)\n--\n\n"
     "Read n bytes at offset, in bytes from the start of the file.\n\n"
     "Returns bytes, fewer than n only at the end of the file.  What the\n"
     "file has accepted before is seen; the position is not used and does\n"
     "not move, and any number of calls may be under way at once.  Raises\n"
     "OSError as os.pread(): EINVAL if n or offset is negative, ESPIPE if\n"
     "the file is a pipe, a terminal or a socket."},
    {"pwrite", pwrite_step, NULL, OP_HOPS | OP_PLACED | OP_CHANGES,
     "pwrite($self, data, offset, /)\n--\n\n"
     "Write the bytes of data at offset, counted from the file's start.\n\n"
     "Returns their number, once all are with the operating system.  The\n"
     "position is not used and does not move, and any number of calls may\n"
     "be under way at once; those that overlap are done in order.  data is\n"
     "not to be changed meanwhile.  Once a thread has begun, what is\n"
     "cancelled is written all the same.  Raises OSError as os.pwrite(),\n"
     "after which a part may be written.  In a file opened for appending\n"
     "Linux writes at the end, whatever offset says."},
    {NULL, NULL, NULL, 0, NULL},
};
