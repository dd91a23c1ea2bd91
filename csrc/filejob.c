/* filejob.c - the one job of a file: how it starts, and what it leaves.
 *
 * Loop thread, with the GIL.  A job is a part of its file, so the file's
 * memory outlives it: the operation that waits for it refers to the file, and
 * where none does any more the finalizer waits for the job, or makes the file
 * a ghost, which keeps itself until the job is back.  What a read has got
 * goes into the file's buffer, what a write could not write goes back to the
 * front of the list, so that an operation which is gone by then has lost
 * nothing.
 */
#include <fcntl.h>

#include "exact.h"
#include "filejob.h"
#include "loop.h"
#include "prefetch.h"
#include "stream.h"
#include "text.h"

enum step
file_oserror(FileObject *file, int err, bool named)
{
    errno = err;
    if (named) {
        PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, file->name);
    }
    else {
        PyErr_SetFromErrno(PyExc_OSError);
    }
    return STEP_ERROR;
}

/* ---- the end of a job ---- */

/* The chunks of a write that ended: what was not written comes back, the rest
 * is the caller's to free, once nothing of the file is looked at any more. */
static struct chunk *
file_take_back(FileObject *file)
{
    struct io *io = &file->io;
    if (file->owed_out) {
        exact_take_back(file);
        return NULL;
    }
    size_t left = file->wflight - io->done;
    struct chunk *written = io->chunks, **link = &written;
    while (*link != NULL && (*link)->done == (*link)->len) {
        link = &(*link)->next;
    }
    struct chunk *rest = *link;
    *link = NULL;
    io->chunks = NULL;
    file->wflight = file->wlook = 0;
    if (file->bufsize == 0 && !io->unready) { /* a raw write may be short */
        *link = rest;
        rest = NULL;
        file->woff -= (off_t)left;
        left = 0;
    }
    file->woff -= (off_t)left;
    file->wlen += left;
    if (rest != NULL) {
        struct chunk *last = rest;
        while (last->next != NULL) {
            last = last->next;
        }
        last->next = file->wfirst;
        if (file->wfirst == NULL) {
            file->wlast = last;
        }
        file->wfirst = rest;
    }
    if (io->steps & IO_LSEEK && io->err == 0 && file->flags & MODE_APPEND) {
        file->woff = io->seek_off;
    }
    return written;
}

/* Others see the offset that an lseek has moved: what was read ahead of the
 * old one is of no use, also if the operation is gone. */
static void
file_take_offset(FileObject *file)
{
    if (!file->shared || !file->io.moves || file->io.err != 0) {
        return;
    }
    buffer_reset(&file->rbuf);
    file->rewind = 0;
    file->raw = file->io.seek_off;
    file->from = 0;
    file->owes = false;
    if (file->text != NULL) {
        text_moved(file);
    }
}

struct chunk *
file_take_result(FileObject *file)
{
    struct io *io = &file->io;
    struct chunk *written = NULL;
    /* A number that somebody gave us is ours once it is known to be good. */
    if (io->steps & IO_OPEN
        || (io->steps & IO_ADOPT && (io->err == 0 || file->path != NULL))) {
        file->fd = io->fd;
    }
    if (io->steps & IO_OPEN && file->fd >= 0 && file->temporary
        && file->fate != FATE_UNNAMED) {
        file->doomed = Py_NewRef(file->path);
    }
    else if (io->steps & IO_UNLINK) {
        Py_CLEAR(file->doomed); /* one try, as the standard library's */
    }
    if (io->steps & IO_REWIND && io->err == 0) {
        file->rewind -= io->rewind;
    }
    if (io->steps & IO_READ && file->unwanted) {
        file->rewind += (off_t)io->done;
        file->unwanted = false;
    }
    else if (io->steps & IO_READ && prefetch_is_coming(file)) {
        prefetch_end(file, io->done);
    }
    else if (io->steps & IO_READ && file->target == NULL) {
        file->rbuf.end += io->done;
        file->raw += (off_t)io->done;
        file->eof = false; /* that is for who asked to say: file_returned */
        file->end = io->eof ? file->raw : file->end;
        if (io->done > 0) {
            file_reached(file, file->raw);
        }
    }
    if (io->steps & IO_LSEEK && !(io->steps & IO_WRITE)) {
        file_take_offset(file);
    }
    if (io->steps & IO_WRITE) {
        file->touchy = file->device == DEVICE_LOCAL;
        file->touches = 0;
        bool placed = !file->owed_out && io->done > 0 && io->err == 0;
        written = file_take_back(file);
        if (placed) {
            file_reached(file, file->woff);
        }
        file->werr = io->err; /* the next operation raises it */
    }
    if (file->exact && file->at != EXACT_STAY) {
        exact_placed(file);
    }
    if (io->steps & IO_CLOSE) {
        file->fd = -1;
        file->closed = true;
        if (io->err != 0) {
            file->werr = io->err;
        }
        struct chunk **end = &written;
        while (*end != NULL) {
            end = &(*end)->next;
        }
        *end = file->wfirst;
        file->wfirst = file->wlast = NULL;
        file->wlen = 0;
    }
    return written;
}

static void
file_set_busy(FileObject *file)
{
    ModuleState *state = file->state;
    file->busy = true;
    file->busy_next = state->busy_files;
    file->busy_link = &state->busy_files;
    if (file->busy_next != NULL) {
        file->busy_next->busy_link = &file->busy_next;
    }
    state->busy_files = file;
}

static void
file_set_idle(FileObject *file)
{
    file->busy = false;
    *file->busy_link = file->busy_next;
    if (file->busy_next != NULL) {
        file->busy_next->busy_link = file->busy_link;
    }
    file->busy_next = NULL;
    file->busy_link = NULL;
    file->barred &= (unsigned char)~BAR_SEEK;
}

static FileObject *
file_of_job(struct job *job)
{
    return (FileObject *)((char *)job - offsetof(FileObject, io));
}

/* Loop thread, for each job of a batch before any of them is finished: what
 * runs then may drop or use the other files. */
static void
file_hold(struct job *job)
{
    FileObject *file = file_of_job(job);
    Py_INCREF(file); /* the batch's, given back in file_finish */
    file->drained = true;
}

void
file_end_job(FileObject *file, struct port *port)
{
    ModuleState *state = file->state;
    PyObject *target = file->target;
    file_set_idle(file);
    struct chunk *written = file_take_result(file);
    file->target = NULL;
    if (file->sharing && file->fd >= 0 && file_share_settled(file) < 0) {
        PyErr_Clear();
        file->sharing = true; /* once there is memory */
    }
    struct OpObject *head = file->head;
    bool full = file->io.unready && file->io.steps & IO_WRITE;
    if (full && port != NULL && !file->ghost) {
        stream_resume(file, port);
    }
    else if ((head == NULL || head->kind->flags & OP_WRITES) && !file->ghost
             && file->watch == NULL && file->io.err == 0 && port != NULL
             && file->wlen > file->threshold) {
        (void)file_hand_over(file, port);
    }
    head = file->head; /* a loop's add_reader() may run any code */
    if (head != NULL) {
        op_wake(head);
    }
    if (file->ghost && !file->busy) {
        file_let_go(file);
        Py_DECREF(file); /* the ghost's, taken in file_tp_finalize */
    }
    /* Destructors may run any code. */
    Py_XDECREF(target);
    chunk_free_all(state, written);
}

/* Loop thread, for a job of a batch; it may be done with already, when code
 * that an earlier one ran could not wait for the loop. */
static void
file_finish(struct job *job)
{
    FileObject *file = file_of_job(job);
    if (file->drained) {
        file->drained = false;
        file_end_job(file, job->port);
    }
    Py_DECREF(file); /* the batch's, taken in file_hold */
}

/* ---- the start of a job ---- */

/* Move what was accepted into io, with the offset to write it at. */
static void
file_load_chunks(FileObject *file, unsigned *steps)
{
    struct io *io = &file->io;
    io->chunks = file->wfirst;
    file->wfirst = file->wlast = NULL;
    file->wflight = file->wlen;
    io->off = file->woff;
    file->woff += (off_t)file->wlen;
    file->wlen = file->wlook = 0;
    if (file->shared || file->flags & MODE_APPEND) {
        io->off = SYS_OFF_CURRENT;
    }
    if (file->flags & MODE_APPEND && file->seekable && !(*steps & IO_LSEEK)) {
        *steps |= IO_LSEEK; /* where the kernel has put it */
        io->seek_off = 0;
        io->whence = SEEK_CUR;
        io->moves = false;
    }
    if (file->rewind > 0) {
        *steps |= IO_REWIND;
        io->rewind = file->rewind;
    }
    io->once = file->bufsize == 0;
}

static enum job_kind
file_job_kind(const FileObject *file, unsigned steps)
{
    const struct io *io = &file->io;
    bool opening = steps & (IO_OPEN | IO_ADOPT);
    if (file->device == DEVICE_SLOW || file->stream
        || (opening && io->hangs)) {
        return JOB_HANGS;
    }
    bool works = steps & (IO_MEASURE | IO_RECODE)
                 || (steps & IO_READ && io->len >= FILE_READ_WORKS)
                 || (steps & IO_WRITE && file->wflight >= FILE_WRITE_WORKS)
                 || (steps & IO_OPEN && io->flags & O_TRUNC
                     && io->place.large);
    /* Where nothing is tried at once, what is read is often in the cache. */
    bool copies = steps & IO_READ && io->len >= FILE_READ_COPIES
                  && file_ahead_helps(file);
    return works ? JOB_WORKS : copies ? JOB_COPIES : JOB_WAITS;
}

void
file_load(FileObject *file, unsigned steps)
{
    struct io *io = &file->io;
    if (!(steps & IO_ADOPT)) {
        io->fd = file->fd;
    }
    if (steps & IO_WRITE && !file->owed_out) {
        file_load_chunks(file, &steps);
    }
    if (steps & IO_UNLINK && !(steps & IO_OPEN)) {
        io->doomed = PyBytes_AS_STRING(file->doomed);
    }
    io->steps = steps;
    io->patient = false;
    io->pool = file->state->pool;
    io->job.run = io_run;
    io->job.hold = file_hold;
    io->job.finish = file_finish;
    io->job.kind = file_job_kind(file, steps);
    io->job.shared = io_is_shared(io);
    bool opening = steps & (IO_OPEN | IO_ADOPT);
    io->job.disk = io->job.kind == JOB_HANGS ? 0
                   : opening                 ? io->place.disk
                                             : file->disk;
}

int
file_start(FileObject *file, struct port *port, unsigned steps)
{
    assert(!file->busy);
    file_load(file, steps);
    stream_prepare(file);
    int rc = pool_submit(file->state->pool, port, &file->io.job);
    if (rc < 0) {
        file->io.done = 0;
        file->io.err = -rc;
        file->at = EXACT_STAY;
        if (steps & IO_WRITE) {
            file_take_back(file);
        }
        return rc;
    }
    file->serial++;
    file_set_busy(file);
    return 0;
}

struct port *
op_port(OpObject *op)
{
    PyObject *loop = loop_running(op->state);
    if (loop == NULL) {
        return NULL;
    }
    struct port *port = loop_port(op->state, loop);
    Py_DECREF(loop);
    return port;
}

int
file_have_port(OpObject *op)
{
    return op_port(op) == NULL ? -1 : 0;
}

int
file_launch(OpObject *op, unsigned steps)
{
    struct port *port = op_port(op);
    if (port == NULL) {
        op->file->at = EXACT_STAY;
        return -1;
    }
    if (file_start(op->file, port, steps) < 0) {
        PyErr_SetString(PyExc_RuntimeError, "can't start new thread");
        return -1;
    }
    return 0;
}

enum step
file_submit(OpObject *op, unsigned steps)
{
    return file_launch(op, steps) < 0 ? STEP_ERROR : file_wait(op);
}

enum step
file_wait(OpObject *op)
{
    assert(op->file->busy);
    op_raise_route(op, ROUTE_POOL);
    op->hopped = true;
    return STEP_BLOCK;
}

enum step
file_hop(OpObject *op)
{
    if (op->file->busy) {
        return file_wait(op);
    }
    return file_submit(op, IO_NOP);
}

void
file_recall(FileObject *file)
{
    stream_recall(file);
    unsigned steps = file->io.steps;
    bool kept = steps & (IO_WRITE | IO_CLOSE)
                || (steps & IO_UNLINK && !(steps & IO_OPEN));
    if (file->busy && !kept && pool_cancel(file->state->pool, &file->io.job)) {
        file_set_idle(file);
        Py_CLEAR(file->target);
        if (prefetch_is_coming(file)) {
            prefetch_end(file, 0);
        }
        file->at = EXACT_STAY;
    }
    if (file->busy && file->shared && steps & IO_LSEEK && file->io.moves) {
        file->barred |= BAR_SEEK;
    }
}
