/* pool.c - the queue of jobs: what any thread does with a pool.
 *
 * Jobs are taken in the order of their submits, but only so many of a kind at
 * once: a mount that hangs must not keep a local file waiting, so what may hang
 * holds no more than half of the workers; nor must a local disk that hangs, so
 * that one leaves a quarter to the others; and copies on all processors at once
 * would only take these from the loop.  Hence a queue for each kind and lane,
 * and a sequence number that says which of their heads is the oldest.
 *
 * Always: no threads means an empty queue (pool_submit sees to it), and no
 * worker sleeps while there is a job that no other comes for (pool_check).
 */
#include "pool_int.h"
#include "processor.h"
#include "spin.h"
#include "sys.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
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

/* --- lists of jobs --- */

void
job_move(struct job *job, enum job_state from, enum job_state to)
{
    assert(job->state == from);
    (void)from; /* NDEBUG */
    __atomic_store_n(&job->state, to, __ATOMIC_RELAXED);
}

void
job_list_push(struct job_list *list, struct job *job)
{
    job->next = NULL;
    job->prev = list->tail;
    if (list->tail != NULL) {
        list->tail->next = job;
    }
    else {
        list->head = job;
    }
    list->tail = job;
    list->count++;
}

void
job_list_remove(struct job_list *list, struct job *job)
{
    assert(list->count > 0);
    if (job->prev != NULL) {
        job->prev->next = job->next;
    }
    else {
        assert(list->head == job);
        list->head = job->next;
    }
    if (job->next != NULL) {
        job->next->prev = job->prev;
    }
    else {
        assert(list->tail == job);
        list->tail = job->prev;
    }
    job->next = job->prev = NULL;
    list->count--;
}

struct job *
job_list_collect(struct job_list *list)
{
    struct job *head = list->head;
    for (struct job *job = head; job != NULL; job = job->next) {
        job_move(job, JOB_DONE, JOB_IDLE);
        job->port = NULL;
        job->prev = NULL;
    }
    *list = (struct job_list){0};
    return head;
}

/* --- the queue --- */

static void
queue_push(struct pool *pool, struct job *job)
{
    assert(job->lane < JOB_LANES);
    pool->queued++;
    pool->jobs[job->kind].queued++;
    job_list_push(&pool->jobs[job->kind].queue[job->lane], job);
}

static void
queue_remove(struct pool *pool, struct job *job)
{
    pool->queued--;
    pool->jobs[job->kind].queued--;
    job_list_remove(&pool->jobs[job->kind].queue[job->lane], job);
}

/* How many jobs may work at once: one processor is left to the loop. */
static unsigned
pool_work_most(const struct pool *pool)
{
    return pool->processors > 1 ? pool->processors - 1 : 1;
}

/* How many more jobs of a kind may run. */
static unsigned
pool_room(const struct pool *pool, enum job_kind kind)
{
    unsigned most = UINT_MAX;
    if (kind == JOB_HELPS) {
        most = pool_work_most(pool);
    }
    else if (kind == JOB_WORKS) {
        most = pool_work_most(pool) + pool->extra;
    }
    else if (kind == JOB_HANGS) {
        most = pool->max_threads > 1 ? pool->max_threads / 2 : 1;
    }
    unsigned running = pool->jobs[kind].running;
    return most > running ? most - running : 0;
}

/* How many more jobs of a lane may run: where there are four workers or more,
 * some are left to the other lanes. */
static unsigned
pool_lane_room(const struct pool *pool, unsigned lane)
{
    unsigned most = pool->max_threads - pool->max_threads / 4;
    unsigned running = pool->lanes[lane];
    return lane == 0 ? UINT_MAX : most > running ? most - running : 0;
}

/* How many jobs of a kind their lanes leave room for, no more than most; taken
 * of that room. */
static unsigned
pool_fitting(const struct pool *pool, enum job_kind kind, unsigned most,
             unsigned room[JOB_LANES])
{
    const struct job_class *jobs = &pool->jobs[kind];
    unsigned fitting = 0;
    for (unsigned lane = 0; lane < JOB_LANES; lane++) {
        unsigned count = jobs->queue[lane].count, left = most - fitting;
        count = count < room[lane] ? count : room[lane];
        count = count < left ? count : left;
        room[lane] -= count;
        fitting += count;
    }
    return fitting;
}

static void
pool_lane_rooms(const struct pool *pool, unsigned room[JOB_LANES])
{
    for (unsigned lane = 0; lane < JOB_LANES; lane++) {
        room[lane] = pool_lane_room(pool, lane);
    }
}

unsigned
pool_ready(const struct pool *pool)
{
    unsigned ready = 0, room[JOB_LANES];
    if (pool->queued == 0) {
        return 0;
    }
    pool_lane_rooms(pool, room);
    for (enum job_kind kind = 0; kind < JOB_KINDS; kind++) {
        if (pool->jobs[kind].queued > 0) {
            ready += pool_fitting(pool, kind, pool_room(pool, kind), room);
        }
    }
    return ready;
}

unsigned
pool_wanted(const struct pool *pool)
{
    unsigned room[JOB_LANES];
    if (pool->jobs[JOB_WORKS].queued == 0) {
        return pool_ready(pool);
    }
    pool_lane_rooms(pool, room);
    unsigned count = pool_fitting(pool, JOB_WORKS, UINT_MAX, room);
    bool held_back = count > pool_room(pool, JOB_WORKS);
    return pool_ready(pool) + (held_back && !pool->watched);
}

/* The oldest of a kind that may run, or NULL. */
static struct job *
pool_oldest(const struct pool *pool, enum job_kind kind)
{
    struct job *job = NULL;
    const struct job_class *jobs = &pool->jobs[kind];
    for (unsigned lane = 0; jobs->queued > 0 && lane < JOB_LANES; lane++) {
        struct job *head = jobs->queue[lane].head;
        if (head != NULL && (job == NULL || head->seq < job->seq)
            && pool_lane_room(pool, lane) > 0) {
            job = head;
        }
    }
    return job;
}

struct job *
pool_take(struct pool *pool)
{
    assert(pool_held(pool));
    struct job *job = NULL;
    for (enum job_kind kind = 0; kind < JOB_KINDS; kind++) {
        struct job *head = pool_oldest(pool, kind);
        if (head != NULL && (job == NULL || head->seq < job->seq)
            && pool_room(pool, kind) > 0) {
            job = head;
        }
    }
    if (job == NULL) {
        return NULL;
    }
    queue_remove(pool, job);
    job_move(job, JOB_QUEUED, JOB_RUNNING);
    pool->running++;
    pool->jobs[job->kind].running++;
    pool->lanes[job->lane]++;
    pool->work_moves += job->kind == JOB_WORKS;
    return job;
}

void
pool_ended(struct pool *pool, enum job_kind kind, unsigned lane)
{
    assert(pool_held(pool));
    pool->running--;
    pool->jobs[kind].running--;
    pool->lanes[lane]--;
    if (kind == JOB_WORKS) {
        pool->work_moves++;
        pool->extra = 0;
    }
}

void
pool_unstick(struct pool *pool, unsigned moves)
{
    assert(pool_held(pool));
    if (pool->work_moves == moves && pool_room(pool, JOB_WORKS) == 0) {
        pool->extra = pool->jobs[JOB_WORKS].running + 1 - pool_work_most(pool);
    }
}

void
pool_check(struct pool *pool)
{
    assert(pool_held(pool));
    unsigned all = 0;
    for (enum job_kind kind = 0; kind < JOB_KINDS; kind++) {
        const struct job_class *jobs = &pool->jobs[kind];
        unsigned queued = 0;
        for (unsigned lane = 0; lane < JOB_LANES; lane++) {
            const struct job_list *queue = &jobs->queue[lane];
            assert((queue->head == NULL) == (queue->count == 0));
            queued += queue->count;
        }
        all += queued;
        assert(queued == jobs->queued);
        assert(pool->threads > 0 || jobs->queued == 0);
        assert(jobs->running <= pool->running);
        (void)queued; /* NDEBUG */
    }
    assert(all == pool->queued);
    (void)all; /* NDEBUG */
    assert(pool->running + pool->coming + pool->idle_count == pool->threads);
    /* Nobody sleeps while there is a job that nobody comes for. */
    assert(pool->idle == NULL || pool_wanted(pool) <= pool->coming);
    (void)pool; /* NDEBUG */
}

/* --- create, destroy, fork --- */

struct pool *
pool_create(unsigned max_threads)
{
    struct pool *pool = sys_alloc_zero(1, sizeof(*pool));
    if (pool == NULL) {
        return NULL;
    }
    pthread_mutex_init(&pool->lock, NULL);
    pool_cond_init(&pool->settled);
    pool->idle_ms = POOL_IDLE_MS;
    pool->stuck_ms = POOL_STUCK_MS;
    pool->max_threads = max_threads > 0 ? max_threads : 1;
    pool->owned = true;
    pool->processors = processor_count();
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
    pthread_mutex_init(&pool->lock, NULL);
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
    pool->spun_in_vain = 0;
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
    pool->submitter = processor_current();
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
