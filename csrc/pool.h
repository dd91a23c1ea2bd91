/* pool.h - native worker threads and the ports they post to.
 *
 * One lock, pool->lock, guards the queue, the threads' counts and the done
 * lists of all ports.  It is never held across a job, a blocking call or
 * Python.  No function here needs the GIL.
 */
#ifndef AIOFILES_C_POOL_H
#define AIOFILES_C_POOL_H

#include "job.h"

struct pool;

struct pool_stats {
    unsigned threads; /* alive now */
    unsigned idle;    /* of these, waiting for work */
    unsigned max_threads;
    unsigned queued;         /* jobs waiting for a worker now */
    unsigned running;        /* jobs in a worker now */
    unsigned long long jobs; /* submitted since the start */
};

/* A pool without threads: they start with the first jobs.  NULL: no memory. */
struct pool *pool_create(unsigned max_threads);

/* Tell the workers to end and give the owner's reference back.  Does not
 * wait: a worker inside a call that hangs frees the pool when it returns.
 * Jobs still queued are taken back (IDLE, never run); jobs that are running
 * are posted as ever.  Ports may be closed later, and keep the pool's memory;
 * nothing else may be called any more. */
void pool_destroy(struct pool *pool);

void pool_set_max_threads(struct pool *pool, unsigned max_threads);
unsigned pool_processors(const struct pool *pool);
void pool_get_stats(struct pool *pool, struct pool_stats *stats);

/* Queue a job whose state is IDLE; it is posted to port when it is done, or
 * to the orphans if port is NULL and the job not awaited.  0, or -errno when
 * not one thread is there to run it and none can start, or the pool has no
 * owner any more. */
int pool_submit(struct pool *pool, struct port *port, struct job *job);

/* Who has submitted a job and works on: let the worker that was woken for it
 * leave this processor, if it was put here.  Not where the processor was lost
 * to other programs by that, some times. */
void pool_make_way(struct pool *pool);

/* Take a job out of the queue: true (its state is IDLE again), or false when
 * a worker has it already or has finished it. */
bool pool_cancel(struct pool *pool, struct job *job);

/* Block the calling thread until the job is done, and take it off its port:
 * IDLE again, the caller then does its finish.  For exit and destructors. */
void pool_wait(struct pool *pool, struct job *job);

/* The same for a job that is `awaited`, but not for longer than so many ms:
 * false, and from then on it goes to the orphans. */
bool pool_wait_ms(struct pool *pool, struct job *job, unsigned ms);

/* If the job is DONE take it off its port (IDLE) and say true. */
bool pool_reap(struct pool *pool, struct job *job);

/* The same, but look for as long as it takes a worker to copy some pages from
 * the kernel's cache; not where there is one processor. */
bool pool_reap_soon(struct pool *pool, struct job *job);

/* Jobs finished on behalf of ports that were closed meanwhile: a list by
 * ->next, each IDLE; the caller does their finish. */
struct job *pool_orphans(struct pool *pool);

/* In the child of a fork, before anything else: no threads, no jobs, a new
 * lock.  Jobs that were under way in the parent never finish here. */
void pool_after_fork(struct pool *pool);

/* True for a job that was under way, DONE included, when the process forked:
 * it belongs to the parent.  The calls above leave it alone (pool_wait returns
 * at once, the others say false); no thread of this process touches it, so
 * the owner may set its state to JOB_IDLE and use it anew. */
bool pool_lost(const struct pool *pool, const struct job *job);

/* A port: the done list of one event loop and the descriptor that wakes it.
 * NULL with *err = -errno on failure. */
struct port *port_create(struct pool *pool, int *err);

/* The loop takes its port with it.  Jobs still under way become orphans;
 * those already DONE are returned as a list by ->next, each IDLE, for the
 * caller to finish.  Take port_fd() out of the loop first.  In the child of a
 * fork it only closes the child's copy of the descriptor. */
struct job *port_close(struct port *port);

int port_fd(const struct port *port);

/* Loop thread, when port_fd() is readable: reset it and take all finished
 * jobs, oldest first, by ->next, each IDLE. */
struct job *port_drain(struct port *port);

/* Let a job under way, DONE included, be posted to this port instead: for an
 * operation that waits, on another loop, for an earlier loop's job.  Works
 * for an orphan too; does nothing for a job that is IDLE or lost. */
void port_adopt(struct port *port, struct job *job);

#endif
