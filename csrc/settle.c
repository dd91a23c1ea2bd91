/* settle.c - the result of a file's job, taken without waiting for the loop.
 *
 * Loop thread, with the GIL.  It is given up while a worker is waited for, so
 * that another thread may be faster.
 */
#include "exact.h"
#include "filejob.h"

/* Have the job done: by this thread if no worker has it yet, since all of them
 * may hang; without the GIL. */
static void
job_settle(struct pool *pool, struct io *io)
{
    Py_BEGIN_ALLOW_THREADS
    if (pool_cancel(pool, &io->job)) {
        io_run(&io->job);
    }
    else {
        pool_wait(pool, &io->job);
    }
    Py_END_ALLOW_THREADS
}

/* A fork has left the job to the parent, which does it. */
static void
job_forget(FileObject *file)
{
    file->io.done = 0;
    file->io.err = 0;
    file->at = EXACT_STAY;
    file->io.steps &= ~(unsigned)IO_LSEEK; /* what it gave is not known here */
    if (file->io.steps & IO_WRITE) {
        file->io.done = file->wflight;
        for (struct chunk *c = file->io.chunks; c != NULL; c = c->next) {
            c->done = c->len;
        }
    }
    file->io.job.state = JOB_IDLE;
}

void
file_reap(FileObject *file, bool soon)
{
    struct pool *pool = file->state->pool;
    if (!file->drained
        && (soon ? pool_reap_soon(pool, &file->io.job)
                 : pool_reap(pool, &file->io.job))) {
        file_end_job(file, NULL);
    }
}

void
file_settle(FileObject *file)
{
    Py_INCREF(file);
    while (file->busy) {
        unsigned serial = file->serial;
        if (pool_lost(file->state->pool, &file->io.job)) {
            job_forget(file);
        }
        else if (!file->drained) {
            job_settle(file->state->pool, &file->io);
        }
        /* The loop may have been faster while the GIL was free. */
        if (file->busy && file->serial == serial) {
            file->drained = false;
            file_end_job(file, NULL);
        }
    }
    Py_DECREF(file);
}

int
file_run_now(FileObject *file, unsigned steps)
{
    assert(!file->busy);
    file_load(file, steps);
    io_run(&file->io.job);
    struct chunk *written = file_take_result(file);
    int err = file->io.err;
    chunk_free_all(file->state, written);
    return err;
}
