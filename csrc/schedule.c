/* schedule.c - which job runs next: see schedule.h.
 *
 * Jobs are taken in the order of their submits, but only so many of a kind at
 * once: a mount that hangs must not keep a local file waiting, so what may hang
 * holds no more than half of the workers; nor must a local disk that hangs, so
 * that one leaves a quarter to the others; and copies on all processors at once
 * would only take these from the loop.  Hence a queue for each kind and lane,
 * and a sequence number that says which of their heads is the oldest.
 */
#include "schedule.h"

#include <assert.h>
#include <limits.h>

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

static bool
lane_is_empty(const struct pool *pool, unsigned lane)
{
    for (enum job_kind kind = 0; kind < JOB_KINDS; kind++) {
        if (pool->jobs[kind].queue[lane].count > 0) {
            return false;
        }
    }
    return pool->lanes[lane] == 0;
}

static unsigned char
lane_of_disk(struct pool *pool, unsigned disk)
{
    unsigned empty = 0;
    if (disk == 0) {
        return 0;
    }
    for (unsigned lane = 1; lane < JOB_LANES; lane++) {
        if (pool->disks[lane] == disk) {
            return (unsigned char)lane;
        }
        if (empty == 0 && lane_is_empty(pool, lane)) {
            empty = lane;
        }
    }
    if (empty == 0) {
        return (unsigned char)(1 + disk % (JOB_LANES - 1));
    }
    pool->disks[empty] = disk;
    return (unsigned char)empty;
}

void
queue_push(struct pool *pool, struct job *job)
{
    job->lane = lane_of_disk(pool, job->disk);
    pool->queued++;
    pool->jobs[job->kind].queued++;
    job_list_push(&pool->jobs[job->kind].queue[job->lane], job);
}

void
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
