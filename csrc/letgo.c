/* letgo.c - a file that nobody refers to any more, and all of them at exit.
 *
 * Loop thread, with the GIL.  What was written is to be found on the disk, and
 * the name of a temporary file to be gone, as with open(); but a loop is not
 * to stand still for a disk that takes its time.
 */
#include <time.h>

#include "exact.h"
#include "filejob.h"
#include "loop.h"
#include "stream.h"
#include "text.h"

/* How long the thread of a loop waits for a disk, for a file that nobody
 * refers to any more: it is to find there what was written, as with open(),
 * but not if that takes its time. */
enum { LET_GO_MS = 20 };

bool
file_settle_soon(FileObject *file)
{
    struct pool *pool = file->state->pool;
    unsigned serial = file->serial;
    bool done = false;
    if (!loop_is_running(file->state) || pool_lost(pool, &file->io.job)) {
        file_settle(file);
        return true;
    }
    Py_INCREF(file);
    if (!file->drained) {
        Py_BEGIN_ALLOW_THREADS
        done = pool_wait_ms(pool, &file->io.job, LET_GO_MS);
        Py_END_ALLOW_THREADS
    }
    if (done && file->busy && file->serial == serial) {
        file_end_job(file, NULL);
    }
    Py_DECREF(file);
    return !file->busy;
}

/* ---- by a worker ---- */

/* The job of a file that is gone; the chunks' owners are let go of by
 * whichever loop comes by, or at exit. */
struct detached {
    struct io io;
    PyObject *doomed; /* what io.doomed points into, or NULL */
    ModuleState *state;
    struct detached *next, **link;
};

static void
detached_hold(struct job *Py_UNUSED(job))
{
}

static void
detached_finish(struct job *job)
{
    struct detached *gone = (struct detached *)job;
    *gone->link = gone->next;
    if (gone->next != NULL) {
        gone->next->link = gone->link;
    }
    chunk_free_all(gone->state, gone->io.chunks);
    Py_XDECREF(gone->doomed);
    PyMem_Free(gone);
}

static void
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
    gone->io.job.hold = detached_hold;
    gone->io.job.finish = detached_finish;
    gone->state = state;
    /* Where one has taken its time the next one need not be waited for. */
    bool waits = file->regular && file->device >= DEVICE_LOCAL
                 && state->detached == NULL;
    gone->io.job.awaited = waits;
    if (pool_submit(state->pool, NULL, &gone->io.job) < 0) {
        PyMem_Free(gone);
        io_run(&file->io.job);
        chunk_free_all(state, file_take_result(file));
        return;
    }
    gone->next = state->detached;
    gone->link = &state->detached;
    if (gone->next != NULL) {
        gone->next->link = &gone->next;
    }
    state->detached = gone;
    gone->doomed = file->doomed; /* the detached job's now, as the chunks */
    file->doomed = NULL;
    file->io.chunks = NULL;
    file->wflight = 0;
    file->fd = -1;
    file->closed = true;
    if (waits) {
        bool done;
        Py_BEGIN_ALLOW_THREADS
        done = pool_wait_ms(state->pool, &gone->io.job, LET_GO_MS);
        Py_END_ALLOW_THREADS
        if (done) {
            detached_finish(&gone->io.job);
        }
    }
}

/* ---- by whoever can ---- */

/* Whether to do it here and now takes no time; or it has to be done so. */
static bool
let_go_now(const FileObject *file, unsigned steps)
{
    if (compat_is_finalizing()) {
        return true; /* no worker can be waited for */
    }
    if (!file->regular || file->device < DEVICE_LOCAL) {
        return false;
    }
    if (steps == IO_CLOSE && !(file->flags & MODE_WRITE)
        && file_close_inline(file)) {
        return true;
    }
    return !loop_is_running(file->state);
}

/* A file that nobody refers to any more is written out and closed: here and
 * now, or by a worker where this thread might have to wait. */
void
file_let_go(FileObject *file)
{
    stream_unwatch(file);
    resident_end(&file->resident);
    if (file->io.held >= 0) {
        (void)sys_close(file->io.held);
        file->io.held = -1;
    }
    if (file->text != NULL && text_pass_on(file) < 0) {
        PyErr_WriteUnraisable((PyObject *)file);
    }
    /* A number that was given stays its owner's if open() went wrong. */
    bool ours = file->handed || file->path != NULL;
    unsigned owed, steps = IO_NOP;
    if (file->fd >= 0) {
        steps |= file->closefd && ours ? IO_CLOSE : IO_NOP;
        steps |= file->wlen > 0 ? IO_WRITE : IO_NOP;
    }
    if (file->fd >= 0 && file->exact && exact_owes(file)) {
        if (exact_load(file, file->rbuf.pos, &owed) < 0) {
            PyErr_WriteUnraisable((PyObject *)file);
            owed = IO_NOP;
        }
        steps |= owed;
    }
    steps |= file->doomed != NULL ? IO_UNLINK : IO_NOP;
    if (steps != IO_NOP) {
        if (let_go_now(file, steps)) {
            (void)file_run_now(file, steps);
        }
        else {
            file_run_detached(file, steps);
        }
    }
    file_mark_closed(file);
}

/* ---- at exit ---- */

/* What must not be left half done: data that is not written, a temporary file
 * that is made or removed.  On a device that may hang it is waited for at
 * exit, but not for ever. */
enum { SHUTDOWN_LOOKS = 2000, SHUTDOWN_LOOK_NS = 1000000 };

static bool
job_settle_soon(struct pool *pool, struct io *io)
{
    const struct timespec pause = {0, SHUTDOWN_LOOK_NS};
    bool done = false;
    Py_BEGIN_ALLOW_THREADS
    for (int i = 0; i < SHUTDOWN_LOOKS && !done; i++) {
        done = pool_reap(pool, &io->job);
        if (!done) {
            nanosleep(&pause, NULL);
        }
    }
    Py_END_ALLOW_THREADS
    return done;
}

static bool
shutdown_matters(const struct io *io)
{
    return (io->steps & IO_WRITE && io->chunks != NULL)
           || io->steps & IO_UNLINK
           || (io->steps & IO_OPEN && io->doomed != NULL);
}

static void
shutdown_file(FileObject *file)
{
    bool opening = file->io.steps & IO_OPEN;
    if (file->regular && file->device >= DEVICE_LOCAL) {
        file_settle(file);
    }
    else if ((file->regular || opening) && !file->drained
             && job_settle_soon(file->state->pool, &file->io) && file->busy) {
        file_end_job(file, NULL);
    }
}

void
file_shutdown(ModuleState *state)
{
    FileObject *file = state->busy_files;
    while (file != NULL) {
        FileObject *next = file->busy_next;
        if (shutdown_matters(&file->io) && !file->left_alone) {
            file->left_alone = true; /* one try each */
            Py_INCREF(file);
            shutdown_file(file);
            Py_DECREF(file);
            next = state->busy_files; /* the list may have changed */
        }
        file = next;
    }
    struct detached *gone = state->detached;
    while (gone != NULL) {
        struct detached *next = gone->next;
        if (shutdown_matters(&gone->io)
            && job_settle_soon(state->pool, &gone->io)) {
            detached_finish(&gone->io.job);
        }
        gone = next;
    }
}
