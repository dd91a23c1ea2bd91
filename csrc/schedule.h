/* schedule.h - lists of jobs, the queue, and which of its jobs may run next.
 *
 * Any thread, with pool->lock held.
 */
#ifndef AIOFILES_C_SCHEDULE_H
#define AIOFILES_C_SCHEDULE_H

#include "pool_int.h"

/* With the lock held, if the list belongs to the pool or a port. */
void job_move(struct job *job, enum job_state from, enum job_state to);
void job_list_push(struct job_list *list, struct job *job);
void job_list_remove(struct job_list *list, struct job *job);

/* Empty a list of DONE jobs: each IDLE, by ->next, without a port. */
struct job *job_list_collect(struct job_list *list);

/* With the lock held: into the queue, QUEUED; and out of it. */
void queue_push(struct pool *pool, struct job *job);
void queue_remove(struct pool *pool, struct job *job);

/* With the lock held: how many jobs a worker that came now could take; and
 * the oldest of them, RUNNING, or NULL. */
unsigned pool_ready(const struct pool *pool);
struct job *pool_take(struct pool *pool);

/* The same, and one more if a worker has to watch those held back. */
unsigned pool_wanted(const struct pool *pool);

/* One who watches: whether a job that was held back may run after all, as none
 * has begun or ended since there were so many moves. */
void pool_unstick(struct pool *pool, unsigned moves);

/* A job has run. */
void pool_ended(struct pool *pool, enum job_kind kind, unsigned lane);

/* Assert what holds whenever the lock is released. */
void pool_check(struct pool *pool);

#endif
