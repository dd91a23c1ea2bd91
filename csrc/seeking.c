/* seeking.c - seek(), tell() and truncate() of binary files, and what those
 * of text share with them.
 *
 * A file whose descriptor's offset nobody else sees keeps its position here;
 * the kernel is asked only where it knows better: the end, holes, offsets so
 * large that the file system may refuse them.
 */
#include "exact.h"
#include "file.h"
#include "text.h"

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

/* Whether a private file's position stays within the buffer that built-in open
 * would have.  Where its end is not known the file is asked, if it can be. */
static bool
seek_in_block(const FileObject *file, off_t target)
{
    off_t start, limit, at = file_position(file);
    struct stat st;
    if (!file_block(file, &start, &limit) || target < start || target > limit
        || at >= limit) {
        return false;
    }
    if (at < file->raw && target <= file->raw) {
        return true;
    }
    off_t end = file->end;
    if (end < 0 && file_meta_inline(file) && sys_fstat(file->fd, &st) == 0) {
        end = st.st_size;
    }
    return end < 0 || (at < end && target <= end);
}

/* Move the position without a system call, in what is buffered or not. */
static void
seek_private(FileObject *file, off_t target, int whence)
{
    off_t at = file_position(file), move = target - at;
    bool inside = whence <= SEEK_CUR && seek_in_block(file, target);
    if (inside) {
        /* No farther: what is read again shall be as fresh as there. */
        file->high = at > file->high ? at : file->high;
        if (move >= -(off_t)file->rbuf.pos
            && move <= (off_t)buffer_avail(&file->rbuf)) {
            file->rbuf.pos = (size_t)((off_t)file->rbuf.pos + move);
            return;
        }
    }
    buffer_reset(&file->rbuf);
    file->raw = target;
    file->eof = false;
    if (!inside) {
        file->base = file->high = target;
        file->end = -1;
        file->block = 0; /* what comes may not be sequential */
    }
}

/* A shared descriptor's offset stays where it is when the target is among the
 * bytes that built-in open has in its buffer. */
static bool
seek_in_buffer(FileObject *file, long long off, int whence)
{
    struct buffer *rbuf = &file->rbuf;
    if (whence > SEEK_CUR || !(file->flags & MODE_READ)
        || buffer_avail(rbuf) == 0 || file->bufsize == 0) {
        return false;
    }
    if (whence == SEEK_SET
        && __builtin_sub_overflow(off, (long long)file_position(file), &off)) {
        return false;
    }
    size_t back = file->exact ? rbuf->pos - file->from : rbuf->pos;
    if (off < -(long long)back || off > (long long)buffer_avail(rbuf)) {
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
        file_forget_refusal();
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

/* seek() where the buffer is that of built-in open.  Phase 1: what it owed is
 * written. */
static enum step
seek_exact(OpObject *op, long long off, int whence, off_t *target)
{
    FileObject *file = op->file;
    enum step step;
    if (op->phase == 0) {
        if (!op->filling && file->busy) {
            return file_wait(op);
        }
        if (!op->filling && seek_in_buffer(file, off, whence)) {
            *target = file_position(file);
            return STEP_DONE;
        }
        step = exact_sync(op, EXACT_STAY);
        if (step != STEP_DONE) {
            return step;
        }
        exact_written(file);
        op->phase = 1;
    }
    if (whence == SEEK_CUR) {
        off -= (long long)(file->raw + file->rewind - file_position(file));
    }
    step = file_lseek(op, off, whence, target);
    if (step == STEP_DONE) {
        exact_reset(file);
        file->rewind = 0;
        file->raw = *target;
    }
    return step;
}

static enum step
seek_step(OpObject *op, PyObject **result)
{
    FileObject *file = op->file;
    long long off;
    int whence;
    off_t target = 0;
    enum step step = file_begin(op, 0);
    if (step != STEP_DONE) {
        return step;
    }
    if (!file->seekable || seek_args(op, &off, &whence) < 0) {
        return file_reference_error(op);
    }
    if (!op->filling && !file->exact) {
        step = file_drain(op);
        if (step != STEP_DONE) {
            return step;
        }
    }
    if (file->flags & MODE_APPEND && !op->filling) {
        /* Where the next write begins and where it goes are two things now:
         * from here on only the kernel and exact buffering tell. */
        if (file_share_now(file) < 0) {
            return STEP_ERROR;
        }
    }
    if (file->exact) {
        step = seek_exact(op, off, whence, &target);
    }
    else if (!file->shared) {
        step = seek_asks_kernel(op, off, whence, &target);
        if (step == STEP_DONE) {
            seek_private(file, target, whence);
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

/* What built-in truncate() does before it looks at its argument. */
static enum step
truncate_flush(OpObject *op)
{
    FileObject *file = op->file;
    if (!file->exact) {
        enum step step = op->filling ? STEP_DONE : file_drain(op);
        if (step == STEP_DONE && !file->shared && file->flags & MODE_PLUS) {
            file_no_block(file);
        }
        if (step == STEP_DONE && file->flags & MODE_APPEND && !op->filling
            && file->seekable) {
            step = file_share_now(file) < 0 ? STEP_ERROR : STEP_DONE;
            op->synced = true; /* as for seek() */
        }
        return step;
    }
    if (op->synced) {
        return STEP_DONE;
    }
    enum step step = exact_flush(op);
    op->synced = step == STEP_DONE;
    return step;
}

/* truncate(): op->sum is the size once op->phase is 1; 2: its job is out. */
static enum step
truncate_step(OpObject *op, PyObject **result)
{
    FileObject *file = op->file;
    if (file->text != NULL && !file->closed && op->arg[1] == NULL
        && op->rest == NULL && op->kwargs == NULL) {
        file->text->telling_off = false; /* it is flushed first */
    }
    enum step step = text_begin(op, MODE_WRITE);
    if (step != STEP_DONE) {
        return step;
    }
    if (op->phase == 0) {
        PyObject *arg = op->arg[0];
        off_t size = 0;
        if (op->arg[1] != NULL || op->rest != NULL || op->kwargs != NULL) {
            return file_reference_error(op);
        }
        step = truncate_flush(op);
        if (step != STEP_DONE) {
            return step;
        }
        if (arg != NULL && arg != Py_None && !PyIndex_Check(arg)) {
            return file_reference_error(op);
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
        if (file->bufsize != 0 && !file->exact) {
            step = file_rewind(op); /* what was read may be cut off */
            if (step != STEP_DONE) {
                return step;
            }
        }
        file->io.size = op->sum;
        file->extent = op->sum < file->extent ? op->sum : file->extent;
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
                  ? Py_NewRef(op->arg[0])
                  : PyLong_FromSsize_t(op->sum);
    return *result == NULL ? STEP_ERROR : STEP_DONE;
}

#define TRUNCATE_KIND                                                           \
    {                                                                           \
        "truncate", truncate_step, NULL, OP_CHANGES,                            \
            "truncate($self, size=None, /)\n--\n\n"                             \
            "Make the file size bytes long, by default up to the position.\n\n" \
            "Returns size; the position does not move."                         \
    }

const struct op_kind file_kinds_seek[] = {
    {"seek", seek_step, NULL, 0,
     "seek($self, offset, whence=0, /)\n--\n\n"
     "Move to offset, counted from the start (whence 0), the current\n"
     "position (1) or the end (2).\n\nReturns the new position."},
    {"tell", tell_step, NULL, 0,
     "tell($self, /)\n--\n\n"
     "The current position, in bytes from the start."},
    TRUNCATE_KIND,
    {NULL, NULL, NULL, 0, NULL},
};

const struct op_kind text_kinds_truncate[] = {
    TRUNCATE_KIND,
    {NULL, NULL, NULL, 0, NULL},
};
