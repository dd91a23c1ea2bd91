/* pool.c - what any thread does with a pool: submit jobs, cancel them, wait.
 *
 * Always: no threads means an empty queue (pool_submit sees to it), and no
 * worker sleeps while there is a job that no other comes for (pool_check).
 */
#include "pool_int.h"
#include "processor.h"
#include "schedule.h"
#include "spin.h"
#include "sys.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* How long a worker waits for work before it ends. */
#define POOL_IDLE_MS 10000

/* How long jobs that work may hold others back and not come to an end. */
#define POOL_STUCK_MS 10

/* How long one who needs a job to be done looks for it before he sleeps. */
#define POOL_REAP_NS 30000

/* --- the lock --- */

void
pool_lock(struct pool *pool)
{
    int err = pthread_mutex_lock(&pool->lock);
    assert(err == 0);
    (void)err; /* NDEBUG */
}

void
pool_unlock(struct pool *pool)
{
    int err = pthread_mutex_unlock(&pool->lock);
    assert(err == 0);
    (void)err; /* NDEBUG */
}

bool
pool_held(struct pool *pool)
{
    return pthread_mutex_trylock(&pool->lock) == EBUSY;
}

void
pool_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
#ifndef __APPLE__
    pthread_condattr_setclock(&attr, POOL_CLOCK);
#endif
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
}

/* The lock is held for less than a thread needs to fall asleep, so who finds
 * it taken looks again for a while. */
static void
pool_lock_init(struct pool *pool)
{
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
#ifdef PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP);
#endif
    pthread_mutex_init(&pool->lock, &attr);
    pthread_mutexattr_destroy(&attr);
}

struct timespec
pool_time_after(unsigned ms)
{
    struct timespec at;
    clock_gettime(POOL_CLOCK, &at);
    at.tv_sec += (time_t)(ms / 1000);
    at.tv_nsec += (long)(ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

void
pool_wait_settled(struct pool *pool)
{
    assert(pool_held(pool));
    pool->waiters++;
    pthread_cond_wait(&pool->settled, &pool->lock);
    pool->waiters--;
}

bool
pool_wait_settled_until(struct pool *pool, const struct timespec *until)
{
    assert(pool_held(pool));
    pool->waiters++;
    int err = pthread_cond_timedwait(&pool->settled, &pool->lock, until);
    pool->waiters--;
    return err == 0;
}

void
pool_tell_settled(struct pool *pool)
{
    assert(pool_held(pool));
    if (pool->waiters > 0) {
        pthread_cond_broadcast(&pool->settled);
    }
}

/* --- create, destroy, fork --- */

struct pool *
pool_create(unsigned max_threads)
{
    struct pool *pool = sys_alloc_zero(1, sizeof(*pool));
    if (pool == NULL) {
        return NULL;
    }
    pool_lock_init(pool);
    pool_cond_init(&pool->settled);
    pool->idle_ms = POOL_IDLE_MS;
    pool->stuck_ms = POOL_STUCK_MS;
    pool->max_threads = max_threads > 0 ? max_threads : 1;
    pool->owned = true;
    pool->processors = processor_count();
    pool->slice = processor_slice();
    return pool;
}

void
pool_unlock_leave(struct pool *pool)
{
    assert(pool_held(pool));
    bool last = !pool->owned && pool->threads == 0 && pool->ports == 0;
    pool_unlock(pool);
    if (!last) {
        return;
    }
    worker_free_spare(pool);
    pthread_cond_destroy(&pool->settled);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

static void
queue_give_back(struct pool *pool, const struct job_list *queue)
{
    while (queue->head != NULL) {
        struct job *job = queue->head;
        queue_remove(pool, job);
        port_detach(job);
        job_move(job, JOB_QUEUED, JOB_IDLE);
    }
}

void
pool_destroy(struct pool *pool)
{
    struct worker *worker;

    pool_lock(pool);
    pool->owned = false;
    for (enum job_kind kind = 0; kind < JOB_KINDS; kind++) {
        for (unsigned lane = 0; lane < JOB_LANES; lane++) {
            queue_give_back(pool, &pool->jobs[kind].queue[lane]);
        }
    }
    while ((worker = worker_call(pool)) != NULL) {
        pthread_cond_signal(&worker->wake);
    }
    pool_unlock_leave(pool);
}

/* The threads are gone, and may have been anywhere when the process was
 * copied: the lock held, a list half linked.  So nothing that another thread
 * writes is read here, and what hung from it is left where it is. */
void
pool_after_fork(struct pool *pool)
{
    pool_lock_init(pool);
    pool_cond_init(&pool->settled);
    pool->waiters = 0;
    pool->generation++;
    memset(pool->jobs, 0, sizeof(pool->jobs));
    memset(pool->lanes, 0, sizeof(pool->lanes));
    pool->orphans = pool->awaited = (struct job_list){0};
    pool->queued = pool->running = pool->extra = 0;
    pool->watched = false;
    pool->threads = pool->coming = pool->idle_count = 0;
    pool->idle = pool->spare = NULL;
    pool->spinning = false;
    pool->spun_in_vain = pool->refrain = pool->refrain_next = 0;
}

bool
pool_lost(const struct pool *pool, const struct job *job)
{
    /* No lock: without a fork in between the answer is in read-only fields,
     * and after one no other thread knows the job. */
    return job->generation != pool->generation && job->state != JOB_IDLE;
}

/* --- settings and counts --- */

void
pool_set_max_threads(struct pool *pool, unsigned max_threads)
{
    struct worker *called;

    pool_lock(pool);
    pool->max_threads = max_threads > 0 ? max_threads : 1;
    /* Those above the new maximum leave: sleepers now, others by and by. */
    for (unsigned n = pool->max_threads; n < pool->threads; n++) {
        called = worker_call(pool);
        if (called == NULL) {
            break;
        }
        pthread_cond_signal(&called->wake);
    }
    while (worker_summon(pool, &called) > 0) {
        if (called != NULL) {
            pthread_cond_signal(&called->wake);
        }
    }
    pool_check(pool);
    pool_unlock(pool);
}

unsigned
pool_processors(const struct pool *pool)
{
    return pool->processors;
}

void
pool_get_stats(struct pool *pool, struct pool_stats *stats)
{
    pool_lock(pool);
    stats->threads = pool->threads;
    stats->idle = pool->idle_count;
    stats->max_threads = pool->max_threads;
    stats->queued = pool->queued;
    stats->running = pool->running;
    stats->jobs = pool->submits;
    pool_unlock(pool);
}

/* --- jobs --- */

int
pool_submit(struct pool *pool, struct port *port, struct job *job)
{
    struct worker *called = NULL;

    pool_lock(pool);
    if (!pool->owned) {
        pool_unlock(pool);
        return -ECANCELED;
    }
    job_move(job, JOB_IDLE, JOB_QUEUED);
    job->generation = pool->generation;
    job->seq = pool->submits++;
    int *of = job->kind == JOB_HELPS ? &pool->helped : &pool->submitter;
    *of = processor_current();
    atomic_store_explicit(&pool->news, (unsigned)pool->submits,
                          memory_order_relaxed); /* pairs with worker_spin */
    port_attach(port, job);
    queue_push(pool, job);
    int err = worker_summon(pool, &called);
    if (err < 0 && pool->threads == 0) {
        queue_remove(pool, job);
        port_detach(job);
        job_move(job, JOB_QUEUED, JOB_IDLE);
        pool->submits--;
    }
    else {
        err = 0; /* those who live will come to it */
        worker_summon_more(pool);
    }
    pool_check(pool);
    pool_unlock(pool);
    /* Not under the lock, which the woken would run into.  A worker is not
     * freed before the pool, so the signal may come late: then it is one too
     * many, and whoever gets it looks at called and sleeps on. */
    if (called != NULL) {
        pthread_cond_signal(&called->wake);
    }
    return err;
}

bool
pool_cancel(struct pool *pool, struct job *job)
{
    bool found = false;

    pool_lock(pool);
    if (!pool_lost(pool, job) && job->state == JOB_QUEUED) {
        queue_remove(pool, job);
        port_detach(job);
        job_move(job, JOB_QUEUED, JOB_IDLE);
        found = true;
    }
    pool_check(pool);
    pool_unlock(pool);
    return found;
}

/* Take a job that is DONE off its port or the orphans. */
static bool
job_collect(struct pool *pool, struct job *job)
{
    assert(pool_held(pool));
    if (pool_lost(pool, job) || job->state != JOB_DONE) {
        return false;
    }
    job_list_remove(port_list_of(pool, job), job);
    job->port = NULL;
    job_move(job, JOB_DONE, JOB_IDLE);
    return true;
}

void
pool_wait(struct pool *pool, struct job *job)
{
    pool_lock(pool);
    while (!pool_lost(pool, job)
           && (job->state == JOB_QUEUED || job->state == JOB_RUNNING)) {
        pool_wait_settled(pool);
    }
    (void)job_collect(pool, job);
    pool_unlock(pool);
}

bool
pool_wait_ms(struct pool *pool, struct job *job, unsigned ms)
{
    const struct timespec until = pool_time_after(ms);
    bool in_time = true;
    pool_lock(pool);
    while (in_time && !pool_lost(pool, job)
           && (job->state == JOB_QUEUED || job->state == JOB_RUNNING)) {
        in_time = pool_wait_settled_until(pool, &until);
    }
    bool done = job_collect(pool, job);
    if (!done) {
        job->awaited = false;
    }
    pool_unlock(pool);
    return done;
}

bool
pool_reap(struct pool *pool, struct job *job)
{
    pool_lock(pool);
    bool done = job_collect(pool, job);
    pool_unlock(pool);
    return done;
}

/* The state is looked at without the lock, which the worker needs: a hint. */
bool
pool_reap_soon(struct pool *pool, struct job *job)
{
    struct spin spin;

    spin_start(&spin, POOL_REAP_NS);
    while (pool->processors > 1
           && __atomic_load_n(&job->state, __ATOMIC_RELAXED) != JOB_DONE
           && spin_on(&spin)) {
    }
    return pool_reap(pool, job);
}

struct job *
pool_orphans(struct pool *pool)
{
    pool_lock(pool);
    struct job *jobs = job_list_collect(&pool->orphans);
    pool_unlock(pool);
    return jobs;
}
