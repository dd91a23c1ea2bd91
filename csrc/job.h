/* job.h - one piece of work for a pool thread.
 *
 * A job is embedded in whatever it works for (struct io, a C test's own
 * struct) and is never allocated by the pool.  Chart of its states, all moved
 * by job_move() under pool->lock:
 *
 *   IDLE --pool_submit--> QUEUED --worker--> RUNNING --worker--> DONE
 *     ^                      |                                     |
 *     +----- pool_cancel ----+        port_drain, pool_wait -------+
 */
#ifndef AIOFILES_C_JOB_H
#define AIOFILES_C_JOB_H

#include <stdbool.h>

struct job;
struct port;

typedef void (*job_fn)(struct job *);

/* What a job does, as far as that says how many of its kind may run. */
enum job_kind {
    JOB_WAITS = 0, /* for a local disk, if for anything */
    JOB_COPIES,    /* the same, or copies for a while what is cached */
    JOB_WORKS,     /* moves bytes: one processor is left to the loop */
    JOB_HELPS,     /* the same, and is part of one of these: as many more */
    JOB_HANGS,     /* perhaps, on a device not known as local: half of all */
    JOB_KINDS
};

/* Jobs that may wait for one local disk have a lane, for as long as there are
 * any; disks share some where there are too few.  Lane 0 is for jobs of no disk
 * that is known.  See pool_lane_room(). */
enum { JOB_LANES = 8 };

enum job_state { JOB_IDLE = 0, JOB_QUEUED, JOB_RUNNING, JOB_DONE };

struct job {
    job_fn run; /* read-only once submitted; a worker calls it */
    /* read-only once submitted; the loop thread's part, for a whole batch
     * before the first finish */
    job_fn hold;
    job_fn finish;          /* read-only once submitted; for the loop thread */
    struct port *port;      /* pool->lock: where the finished job is posted */
    struct job *next;       /* pool->lock; the caller's in a list returned */
    struct job *prev;       /* pool->lock */
    unsigned long long seq; /* pool->lock: place in the order of submits */
    enum job_state state;   /* pool->lock */
    unsigned generation;    /* read-only once submitted: pool's at submit */
    unsigned disk;          /* the same: which one it may wait for, or 0 */
    enum job_kind kind : 8; /* read-only once submitted */
    bool shared;            /* the same: by as many workers as processors */
    unsigned char lane;     /* pool->lock */
    /* pool->lock: without a port, for one who is sure to pool_wait, or
     * pool_wait_ms */
    bool awaited;
};

#endif
