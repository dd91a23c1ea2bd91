/* seeking.c - seek(), tell() and truncate() of binary files, and what those
 * of text share with them.
 *
 * A file whose descriptor's offset nobody else sees keeps its position here;
 * the kernel is asked only where it knows better: the end, holes, offsets so
 * large that the file system may refuse them.
 */
#include "file.h"

/* Above it the limit of a file system may be near. */
#define SEEK_CHECKED ((long long)1 << 40)

enum step
file_lseek(OpObject *op, off_t off, int whence, off_t *out)
{
    FileObject *file = op->file;
    if (op->filling) {
        enum step step = file_returned(op);
        *out = file->io.seek_off;
        return step;
    }
    if (file->busy) {
        return file_wait(op);
    }
    if (file_meta_inline(file)) {
        *out = sys_lseek(file->fd, off, whence);
        op_raise_route(op, ROUTE_KERNEL);
        return *out < 0 ? file_oserror(file, (int)-*out, false) : STEP_DONE;
    }
    file->io.seek_off = off;
    file->io.whence = whence;
    file->io.moves = whence != SEEK_CUR || off != 0;
    op->filling = true;
    return file_submit(op, IO_LSEEK);
}

enum step
file_true_position(OpObject *op, off_t *position)
{
    FileObject *file = op->file;
    if (file->shared && !file->writing) {
        off_t ahead = file->raw - file_position(file) + file->rewind, real;
        enum step step = file_lseek(op, 0, SEEK_CUR, &real);
        if (step != STEP_DONE) {
            return step;
        }
        file->raw += real - ahead - file_position(file);
    }
    *position = file_position(file);
    return STEP_DONE;
}

enum step
file_rewind(OpObject *op)
{
    FileObject *file = op->file;
    if (op->filling) {
        return file_returned(op);
    }
    file_drop_ahead(file);
    if (file->rewind == 0) {
        return STEP_DONE;
    }
    if (file->busy) {
        return file_wait(op);
    }
    if (file_meta_inline(file)) {
        off_t off = sys_lseek(file->fd, -file->rewind, SEEK_CUR);
        if (off < 0) {
            return file_oserror(file, (int)-off, false);
        }
        file->rewind = 0;
        return STEP_DONE;
    }
    file->io.rewind = file->rewind;
    op->filling = true;
    return file_submit(op, IO_REWIND);
}

/* Move the position without a system call, in what is buffered or not. */
static void
seek_private(FileObject *file, off_t target)
{
    off_t at = file_position(file), move = target - at;
    off_t back = (off_t)file->rbuf.pos, ahead = (off_t)buffer_avail(
        &file->rbuf);
    off_t near = (off_t)file->bufsize;
    /* As far as a buffer of built-in open may reach, and no farther: what is
     * read again shall be as fresh as there. */
    back = back < near ? back : near;
    ahead = ahead < near ? ahead : near;
    if (move >= -back && move <= ahead && !file->eof) {
        file->high = at > file->high ? at : file->high;
        file->rbuf.pos = (size_t)((off_t)file->rbuf.pos + move);
        return;
    }
    buffer_reset(&file->rbuf);
    file->raw = file->base = file->high = target;
    file->eof = false;
    file->block = 0; /* what comes may not be sequential */
}

/* A shared descriptor's offset stays where it is when the target is among the
 * buffered bytes. */
static bool
seek_in_buffer(FileObject *file, long long off, int whence)
{
    struct buffer *rbuf = &file->rbuf;
    if (whence > SEEK_CUR || !(file->flags & MODE_READ)
        || buffer_avail(rbuf) == 0 || file->bufsize == 0) {
        return false;
    }
    if (whence == SEEK_SET && __builtin_sub_overflow(
            off, (long long)file_position(file), &off)) {
        return false;
    }
    if (off < -(long long)rbuf->pos || off > (long long)buffer_avail(rbuf)) {
        return false;
    }
    rbuf->pos = (size_t)((long long)rbuf->pos + off);
    return true;
}

static int
seek_args(OpObject *op, long long *off, int *whence)
{
    PyObject *arg = op->arg[0], *how = op->arg[1];
    *whence = SEEK_SET;
    if (arg == NULL || op->arg[2] != NULL || op->rest != NULL
        || op->kwargs != NULL || !PyIndex_Check(arg)
        || (how != NULL && !PyIndex_Check(how))) {
        return -1;
    }
    PyObject *num = PyNumber_Index(arg);
    *off = num == NULL ? -1 : PyLong_AsLongLong(num);
    Py_XDECREF(num);
    if (how != NULL && !PyErr_Occurred()) {
        long w = PyNumber_AsSsize_t(how, PyExc_OverflowError);
        *whence = w >= SEEK_SET && w <= SEEK_HOLE ? (int)w : -1;
    }
    if (PyErr_Occurred()) {
        PyErr_Clear();
        return -1;
    }
    return *whence < 0 ? -1 : 0;
}

/* The target of a private seek that the kernel has to tell or to check. */
static enum step
seek_asks_kernel(OpObject *op, long long off, int whence, off_t *target)
{
    FileObject *file = op->file;
    *target = off;
    if (whence == SEEK_CUR) {
        if (__builtin_add_overflow((long long)file_position(file), off,
                                   &off)) {
            return file_oserror(file, EOVERFLOW, false);
        }
        *target = off;
        whence = SEEK_SET;
    }
    if (whence == SEEK_SET && off >= 0 && off < SEEK_CHECKED) {
        return STEP_DONE;
    }
    return file_lseek(op, off, whence, target);
}

static enum step
seek_step(OpObject *op, PyObject **result)
{
    FileObject *file = op->file;
    long long off;
    int whence;
    off_t target;
    enum step step = file_begin(op, 0);
    if (step != STEP_DONE) {
        return step;
    }
    if (!file->seekable || seek_args(op, &off, &whence) < 0) {
        return file_reference_error(op);
    }
    if (!op->filling) {
        step = file_drain(op);
        if (step != STEP_DONE) {
            return step;
        }
    }
    if (file->flags & MODE_APPEND && !op->filling) {
        /* Where the next write begins and where it goes are two things now:
         * from here on only the kernel and exact buffering tell. */
        file_share_now(file);
    }
    if (!file->shared) {
        step = seek_asks_kernel(op, off, whence, &target);
        if (step == STEP_DONE) {
            seek_private(file, target);
        }
    }
    else if (!op->filling && seek_in_buffer(file, off, whence)) {
        target = file_position(file);
    }
    else {
        if (whence == SEEK_CUR) {
            off -= (long long)buffer_avail(&file->rbuf) + file->rewind;
        }
        step = file_lseek(op, off, whence, &target);
        if (step == STEP_DONE) {
            buffer_reset(&file->rbuf);
            file->rewind = 0;
            file->raw = target;
        }
    }
    if (step != STEP_DONE) {
        return step;
    }
    *result = PyLong_FromLongLong(target);
    return *result == NULL ? STEP_ERROR : STEP_DONE;
}

static enum step
tell_step(OpObject *op, PyObject **result)
{
    FileObject *file = op->file;
    off_t position;
    enum step step = file_begin(op, 0);
    if (step != STEP_DONE) {
        return step;
    }
    if (!file->seekable || op->arg[0] != NULL || op->rest != NULL
        || op->kwargs != NULL) {
        return file_reference_error(op);
    }
    if (file->writing && file->flags & MODE_APPEND && file->busy) {
        return file_wait(op); /* the kernel says where it has appended */
    }
    step = file_true_position(op, &position);
    if (step != STEP_DONE) {
        return step;
    }
    *result = PyLong_FromLongLong(position);
    return *result == NULL ? STEP_ERROR : STEP_DONE;
}

/* truncate(): op->sum is the size once op->phase is 1; 2: its job is out. */
static enum step
truncate_step(OpObject *op, PyObject **result)
{
    FileObject *file = op->file;
    enum step step = file_begin(op, MODE_WRITE);
    if (step != STEP_DONE) {
        return step;
    }
    if (op->phase == 0) {
        PyObject *arg = op->arg[0];
        off_t size = 0;
        if (op->arg[1] != NULL || op->rest != NULL || op->kwargs != NULL
            || (arg != NULL && arg != Py_None && !PyIndex_Check(arg))) {
            return file_reference_error(op);
        }
        if (!op->filling) {
            step = file_drain(op);
            if (step != STEP_DONE) {
                return step;
            }
        }
        if (arg != NULL && arg != Py_None) {
            PyObject *num = PyNumber_Index(arg);
            size = num == NULL ? -1 : PyLong_AsLong(num);
            Py_XDECREF(num);
            if (size == -1 && PyErr_Occurred()) {
                return STEP_ERROR;
            }
        }
        else if (!file->seekable) {
            return file_reference_error(op);
        }
        else {
            step = file_true_position(op, &size);
            if (step != STEP_DONE) {
                return step;
            }
        }
        op->sum = size;
        op->phase = 1;
    }
    if (op->phase == 1) {
        if (file->busy) {
            return file_wait(op);
        }
        if (file->text == NULL && file->bufsize != 0) {
            step = file_rewind(op);
            if (step != STEP_DONE) {
                return step;
            }
        }
        file->io.size = op->sum;
        op->filling = true;
        op->phase = 2;
        return file_submit(op, IO_TRUNCATE);
    }
    step = file_returned(op);
    if (step != STEP_DONE) {
        return step;
    }
    /* The very object that was given, as there. */
    *result = op->arg[0] != NULL && op->arg[0] != Py_None
                  ? Py_NewRef(op->arg[0]) : PyLong_FromSsize_t(op->sum);
    return *result == NULL ? STEP_ERROR : STEP_DONE;
}

#define TRUNCATE_KIND                                                    \
    {"truncate", truncate_step, 0,                                       \
     "truncate($self, size=None, /)\n--\n\n"                             \
     "Make the file size bytes long, by default up to the position.\n\n" \
     "Returns size; the position does not move."}

const struct op_kind file_kinds_seek[] = {
    {"seek", seek_step, 0,
     "seek($self, offset, whence=0, /)\n--\n\n"
     "Move to offset, counted from the start (whence 0), the current\n"
     "position (1) or the end (2).\n\nReturns the new position."},
    {"tell", tell_step, 0,
     "tell($self, /)\n--\n\n"
     "The current position, in bytes from the start."},
    TRUNCATE_KIND,
    {NULL, NULL, 0, NULL},
};

const struct op_kind text_kinds_truncate[] = {
    TRUNCATE_KIND,
    {NULL, NULL, 0, NULL},
};
