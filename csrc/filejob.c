/* filejob.c - the one job of a file: how it starts, and what it leaves.
 *
 * Loop thread, with the GIL.  A job is a part of its file, so the file's
 * memory outlives it: the operation that waits for it refers to the file, and
 * where none does any more the finalizer waits for the job, or makes the file
 * a ghost, which keeps itself until the job is back.  What a read has got goes into the file's
 * buffer, what a write could not write goes back to the front of the list, so
 * that an operation which is gone by then has lost nothing.
 */
#include "file.h"
#include "loop.h"
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

/* The chunks of a write that ended: what was not written comes back. */
static void
file_take_back(FileObject *file)
{
    struct io *io = &file->io;
    size_t left = file->wflight - io->done;
    struct chunk *written = io->chunks, **link = &written;
    while (*link != NULL && (*link)->done == (*link)->len) {
        link = &(*link)->next;
    }
    struct chunk *rest = *link;
    *link = NULL;
    io->chunks = NULL;
    file->wflight = 0;
    if (file->bufsize == 0) { /* a raw write may be short */
        chunk_free_all(rest);
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
    chunk_free_all(written);
}

static void
file_take_result(FileObject *file)
{
    struct io *io = &file->io;
    if (io->steps & (IO_OPEN | IO_ADOPT)) {
        file->fd = io->fd;
    }
    if (io->steps & IO_READ && file->target == NULL) {
        file->rbuf.end += io->done;
        file->raw += (off_t)io->done;
        file->eof = io->eof && io->done == 0;
    }
    if (io->steps & IO_REWIND) {
        file->rewind = 0;
    }
    if (io->steps & IO_WRITE) {
        file_take_back(file);
        if (!(io->steps & IO_CLOSE)) {
            file->werr = io->err; /* the next operation raises it */
        }
    }
    if (io->steps & IO_CLOSE) {
        file->fd = -1;
        file->closed = true;
        chunk_free_all(file->wfirst);
        file->wfirst = file->wlast = NULL;
        file->wlen = 0;
    }
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
}

static int file_start(FileObject *file, struct port *port, unsigned steps);

/* A file that nobody refers to any more is written out and closed: here and
 * now on a device that is known to be local, or at exit, when no worker can
 * be waited for; by a worker where this thread might hang. */
void
file_let_go(FileObject *file)
{
    if (file->text != NULL && text_pass_on(file) < 0) {
        PyErr_WriteUnraisable((PyObject *)file);
    }
    unsigned steps = file->closefd ? IO_CLOSE : IO_NOP;
    steps |= file->wlen > 0 ? IO_WRITE : IO_NOP;
    if (file->fd >= 0 && steps != IO_NOP) {
        if ((file->regular && file->device >= DEVICE_LOCAL)
            || compat_is_finalizing()) {
            (void)file_run_now(file, steps);
        }
        else {
            file_run_detached(file, steps);
        }
    }
    file_mark_closed(file);
}

/* Loop thread, for a job that a worker has done. */
static void
file_finish(struct job *job)
{
    FileObject *file = (FileObject *)((char *)job - offsetof(FileObject, io));
    if (!file->busy) {
        return; /* somebody who could not wait for the loop has taken it */
    }
    file_set_idle(file);
    file_take_result(file);
    Py_CLEAR(file->target);
    if (file->head != NULL) {
        op_wake(file->head);
    }
    else if (!file->ghost && file->io.err == 0 && file->wlen > file->threshold
             && job->port != NULL) {
        (void)file_start(file, job->port, IO_WRITE);
    }
    if (file->ghost) {
        file_let_go(file);
        Py_DECREF(file); /* the ghost's, taken in file_tp_finalize */
    }
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
    file->wlen = 0;
    if (file->shared || file->flags & MODE_APPEND) {
        io->off = SYS_OFF_CURRENT;
    }
    if (file->flags & MODE_APPEND && file->seekable
        && !(*steps & IO_LSEEK)) {
        *steps |= IO_LSEEK; /* where the kernel has put it */
        io->seek_off = 0;
        io->whence = SEEK_CUR;
    }
    if (file->rewind > 0) {
        *steps |= IO_REWIND;
        io->rewind = file->rewind;
    }
    io->once = file->bufsize == 0;
}

static void
file_load(FileObject *file, unsigned steps)
{
    struct io *io = &file->io;
    io->fd = file->fd;
    if (steps & IO_WRITE) {
        file_load_chunks(file, &steps);
    }
    io->steps = steps;
    io->job.run = io_run;
    io->job.finish = file_finish;
    /* While a file is being opened its device is not known: that job counts
     * as fast, or files that hang would keep every other from opening. */
    io->job.slow = file->device == DEVICE_SLOW;
}

/* 0 or -errno; the job reports to port. */
static int
file_start(FileObject *file, struct port *port, unsigned steps)
{
    assert(!file->busy);
    file_load(file, steps);
    int rc = pool_submit(file->state->pool, port, &file->io.job);
    if (rc < 0) {
        file->io.done = 0;
        file->io.err = -rc;
        if (steps & IO_WRITE) {
            file_take_back(file);
        }
        return rc;
    }
    file_set_busy(file);
    return 0;
}

int
file_launch(OpObject *op, unsigned steps)
{
    PyObject *loop = loop_running(op->state);
    if (loop == NULL) {
        return -1;
    }
    struct port *port = loop_port(op->state, loop);
    Py_DECREF(loop);
    if (port == NULL) {
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
    if (file->busy && !(file->io.steps & (IO_WRITE | IO_CLOSE))
        && pool_cancel(file->state->pool, &file->io.job)) {
        file_set_idle(file);
        Py_CLEAR(file->target);
    }
}

/* ---- where no loop can be waited for ---- */

void
file_settle(FileObject *file)
{
    if (!file->busy) {
        return;
    }
    if (pool_lost(file->state->pool, &file->io.job)) {
        /* A fork left the job to the parent, which does it. */
        file->io.done = 0;
        file->io.err = 0;
        if (file->io.steps & IO_WRITE) {
            file->io.done = file->wflight;
            for (struct chunk *c = file->io.chunks; c != NULL; c = c->next) {
                c->done = c->len;
            }
        }
        file->io.job.state = JOB_IDLE;
    }
    else {
        Py_BEGIN_ALLOW_THREADS
        pool_wait(file->state->pool, &file->io.job);
        Py_END_ALLOW_THREADS
    }
    file->io.job.port = NULL;
    file_finish(&file->io.job);
}

int
file_run_now(FileObject *file, unsigned steps)
{
    assert(!file->busy);
    file_load(file, steps);
    io_run(&file->io.job);
    file_take_result(file);
    return file->io.err;
}

/* The job of a file that is gone; the chunks' owners are let go of by
 * whichever loop comes by, or at exit. */
struct detached {
    struct io io;
    ModuleState *state;
    struct detached *next, **link;
};

static void
detached_finish(struct job *job)
{
    struct detached *gone = (struct detached *)job;
    *gone->link = gone->next;
    if (gone->next != NULL) {
        gone->next->link = gone->link;
    }
    chunk_free_all(gone->io.chunks);
    PyMem_Free(gone);
}

void
file_run_detached(FileObject *file, unsigned steps)
{
    ModuleState *state = file->state;
    struct detached *gone = PyMem_Calloc(1, sizeof(*gone));
    if (gone == NULL) {
        (void)file_run_now(file, steps);
        return;
    }
    file_load(file, steps);
    gone->io = file->io;
    gone->io.job.finish = detached_finish;
    gone->state = state;
    if (pool_submit(state->pool, NULL, &gone->io.job) < 0) {
        PyMem_Free(gone);
        io_run(&file->io.job);
        file_take_result(file);
        return;
    }
    gone->next = state->detached;
    gone->link = &state->detached;
    if (gone->next != NULL) {
        gone->next->link = &gone->next;
    }
    state->detached = gone;
    file->io.chunks = NULL; /* the detached job's now */
    file->wflight = 0;
    file->fd = -1;
    file->closed = true;
}

void
file_shutdown(ModuleState *state)
{
    FileObject *file = state->busy_files;
    while (file != NULL) {
        FileObject *next = file->busy_next;
        if (file->io.steps & IO_WRITE) {
            file_settle(file);
            file = state->busy_files; /* the list may have changed */
        }
        else {
            file = next;
        }
    }
    struct detached *gone = state->detached;
    while (gone != NULL) {
        struct detached *next = gone->next;
        if (gone->io.steps & IO_WRITE && gone->io.chunks != NULL) {
            pool_wait(state->pool, &gone->io.job);
            detached_finish(&gone->io.job);
        }
        gone = next;
    }
}
