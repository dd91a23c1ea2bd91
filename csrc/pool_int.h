/* pool_int.h - what pool.c, schedule.c, worker.c and port.c share.
 *
 * Rules:
 * 1. pool->lock is the only lock here, and guards every field marked "lock".
 * 2. It is not held while a job runs or a descriptor is written.  Starting a
 *    thread does happen under it, so that a failure to start can be answered
 *    before anybody relies on that thread; it is rare.
 * 3. A function that needs it held says so by its first assert.
 * 4. A worker is `coming` from the moment it is certain to look for a job
 *    until it looks: started, called from its sleep, or about to finish with
 *    the job before.  With as many workers coming as there are jobs that may
 *    be taken, nobody need be woken or started; see worker_summon().
 * 5. While jobs of JOB_WORKS are held back, since as many run as may, one
 *    worker sleeps for stuck_ms only.  If none of them has begun or ended
 *    meanwhile they wait for something after all, and it takes one more.
 * 6. Memory of the pool lives while it has an owner, a thread or an open port;
 *    that of a port while it is open or a job under way names it.
 */
#ifndef AIOFILES_C_POOL_INT_H
#define AIOFILES_C_POOL_INT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include "pool.h"

#ifdef __APPLE__ /* has no pthread_condattr_setclock */
#define POOL_CLOCK CLOCK_REALTIME
#else
#define POOL_CLOCK CLOCK_MONOTONIC
#endif

struct job_list {
    struct job *head;
    struct job *tail;
    unsigned count;
};

struct worker {
    struct pool *pool;   /* read-only once started */
    struct worker *next; /* lock: in pool->idle or pool->spare */
    pthread_cond_t wake; /* with lock: called was set */
    bool called;         /* lock: off the idle list, there is work */
    bool watches;        /* lock: it sleeps as the one of pool->watched */
};

/* The jobs of one kind. */
struct job_class {
    struct job_list queue[JOB_LANES]; /* lock: QUEUED */
    unsigned queued;                  /* lock: in all of them */
    unsigned running;                 /* lock */
};

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t settled; /* with lock: a job DONE, a port unpinned */
    unsigned waiters;       /* lock: threads that wait for settled */
    unsigned generation;    /* read-only between forks */
    unsigned idle_ms;       /* read-only once the first job is submitted */
    unsigned stuck_ms;      /* the same; see rule 5 */
    bool owned;             /* lock: false once destroyed */
    unsigned ports;         /* lock: open */

    struct job_class jobs[JOB_KINDS];
    unsigned lanes[JOB_LANES];  /* lock: how many run, of all kinds */
    unsigned disks[JOB_LANES];  /* lock: whose each lane is, or was */
    struct job_list orphans;    /* lock: DONE, without a port */
    struct job_list awaited;    /* lock: DONE, for one who waits for it */
    unsigned long long submits; /* lock */
    atomic_uint news;           /* set with lock, to submits; the worker that
                                 * spins looks without: only a hint */
    unsigned queued;            /* lock: of all kinds */
    unsigned running;           /* lock: of all kinds */
    unsigned extra;             /* lock: so many JOB_WORKS more may run, since
                                 * those that run got stuck; see rule 5 */
    unsigned work_moves;        /* lock: how many of these began or ended */
    bool watched;               /* lock: a sleeper looks after them */

    unsigned max_threads;  /* lock */
    unsigned threads;      /* lock: alive, those just started included */
    unsigned coming;       /* lock: see rule 4 */
    unsigned idle_count;   /* lock: length of idle */
    unsigned processors;   /* read-only once created */
    long long slice;       /* the same: ns that the one who created it has */
    int submitter;         /* lock: the processor of the latest loop that has
                            * submitted a job, or -1 */
    int helped;            /* lock: that of the latest who called for help */
    bool spinning;         /* lock: one worker does, and counts as coming */
    unsigned spun_in_vain; /* lock: how often, one after the other */
    unsigned refrain;      /* lock: not tried so many times, */
    unsigned refrain_next; /* and so many when the processor is lost again */
    struct worker *idle;   /* lock: asleep, the latest first */
    struct worker *spare;  /* lock: without a thread, for re-use */
};

struct port {
    struct pool *pool;    /* read-only once created */
    unsigned generation;  /* read-only once created: pool's at the time */
    int read_fd;          /* read-only once created: the loop watches it */
    int write_fd;         /* read-only once created; the same for an eventfd */
    struct job_list done; /* lock: DONE, not yet drained */
    bool signalled;       /* lock: a wake-up is sent or about to be */
    bool closed;          /* lock */
    unsigned pins;        /* lock: threads about to write to write_fd */
    unsigned refs;        /* lock: one while open, one per job under way */
};

void pool_lock(struct pool *pool);
void pool_unlock(struct pool *pool);
bool pool_held(struct pool *pool); /* for asserts: somebody holds the lock */

/* Wait, with the lock, for settled; and tell those who do. */
void pool_wait_settled(struct pool *pool);
bool pool_wait_settled_until(struct pool *pool, const struct timespec *until);
void pool_tell_settled(struct pool *pool);

/* A condition variable of POOL_CLOCK; and so many ms from now on it. */
void pool_cond_init(pthread_cond_t *cond);
struct timespec pool_time_after(unsigned ms);

/* Unlock, and free the pool if this was the last who had part in it. */
void pool_unlock_leave(struct pool *pool);

/* With the lock held: if more workers are wanted than are coming, get one
 * more to come: 1, with *called to be signalled if it is not NULL; 0 if there
 * is no need, or all are busy; -errno if a thread could not be started. */
int worker_summon(struct pool *pool, struct worker **called);

/* The same, and signal it at once: for what is rare. */
void worker_summon_more(struct pool *pool);

/* With the lock held: take the latest sleeper off its list, to be signalled
 * by the caller; NULL if none sleeps. */
struct worker *worker_call(struct pool *pool);

/* No threads are left: free what they leave for re-use. */
void worker_free_spare(struct pool *pool);

/* With the lock held: a job under way names this port, or no longer does. */
void port_attach(struct port *port, struct job *job);
void port_detach(struct job *job);

/* With the lock held: put a job that is DONE on its port's list, or on that
 * of the orphans or the awaited.  A port returned is pinned: call port_wake on it unlocked, then
 * port_unpin with the lock held again.  NULL: nobody to wake. */
struct port *port_post(struct pool *pool, struct job *job);
void port_wake(const struct port *port);
void port_unpin(struct port *port);

/* With the lock held: the list that a job that is DONE is on. */
struct job_list *port_list_of(struct pool *pool, const struct job *job);

#endif
