/* worker.c - the threads of a pool.
 *
 * A thread starts when the jobs that may run outnumber the workers on their
 * way to the queue, and ends when nobody called it for a while.  A sleeper
 * has a condition variable of its own, so exactly one is woken, and the one
 * that slept last: its stack is warm, and the others get to end.
 *
 * Workers are detached; one that hangs in the kernel keeps nobody from exit.
 */
#include "pool_int.h"
#include "processor.h"
#include "schedule.h"
#include "spin.h"
#include "sys.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

/* Jobs make system calls and little else. */
#define WORKER_STACK ((size_t)256 * 1024)

/* As long as it takes a loop to be woken by the last job and to submit the
 * next.  With less, once both have slept, each is woken by the other for ever. */
#define WORKER_SPIN_NS 60000

/* How often that may be in vain before it is tried only once in as many. */
#define WORKER_SPIN_TRIES 8

/* How often it is not tried once it has lost the processor to others: who gives
 * way to them with sched_yield() may have to wait for milliseconds.  Twice as
 * often each time, and once less for each time that it has kept it. */
enum { WORKER_REFRAIN_LEAST = 8, WORKER_REFRAIN_MOST = 1024 };

struct worker *
worker_call(struct pool *pool)
{
    assert(pool_held(pool));
    struct worker *worker = pool->idle;
    if (worker != NULL) {
        pool->idle = worker->next;
        pool->idle_count--;
        pool->coming++;
        worker->called = true;
        if (worker->watches) {
            worker->watches = pool->watched = false;
        }
    }
    return worker;
}

/* Sleep until called, or until it is time to look after the jobs that are held
 * back; false when there was no need of this worker for idle_ms. */
static bool
worker_rest(struct worker *self)
{
    struct pool *pool = self->pool;
    unsigned moves = pool->work_moves, ms = pool->idle_ms;

    self->called = false;
    if (pool_wanted(pool) > pool->coming) {
        self->watches = pool->watched = true;
        ms = pool->stuck_ms;
    }
    self->next = pool->idle;
    pool->idle = self;
    pool->idle_count++;
    pool_check(pool);

    const struct timespec until = pool_time_after(ms);
    int err = 0;
    while (!self->called && err == 0) {
        err = pthread_cond_timedwait(&self->wake, &pool->lock, &until);
    }
    if (self->called) {
        return true;
    }
    struct worker **link = &pool->idle;
    while (*link != self) {
        link = &(*link)->next;
    }
    *link = self->next;
    pool->idle_count--;
    if (!self->watches) {
        return false;
    }
    self->watches = pool->watched = false;
    pool->coming++;
    pool_unstick(pool, moves);
    return true;
}

/* Look for another submit than the one seen, for as long as it pays.  Should
 * the loop have come to this processor, it goes first.  False: the processor is
 * wanted by others. */
static bool
worker_watch(struct pool *pool, unsigned seen)
{
    struct spin spin;

    bool on = true;
    spin_start(&spin, WORKER_SPIN_NS);
    while (on
           && atomic_load_explicit(&pool->news, memory_order_relaxed)
                  == seen) {
        sched_yield();
        on = spin_on(&spin);
    }
    return !spin.lost;
}

/* Whether the processor was lost so lately that it is not risked: counts down. */
static bool
worker_refrains(struct pool *pool)
{
    bool refrains = pool->refrain > 0;
    pool->refrain -= refrains;
    return refrains;
}

/* Whether to look for another job: one worker at a time does, where the loop,
 * those that run and this one have a processor each.  After some times in vain
 * it is only tried now and then. */
static bool
worker_may_spin(struct pool *pool)
{
    if (pool->running + 2 > pool->processors || pool->spinning || !pool->owned
        || pool_ready(pool) > 0) {
        return false;
    }
    if (worker_refrains(pool)) {
        return false;
    }
    return pool->spun_in_vain < WORKER_SPIN_TRIES
           || ++pool->spun_in_vain % WORKER_SPIN_TRIES == 0;
}

/* What is learnt from having tried: ours if the processor was not lost. */
static void
worker_spun(struct pool *pool, bool ours)
{
    unsigned next = pool->refrain_next;
    if (!ours) {
        pool->refrain = next > WORKER_REFRAIN_LEAST ? next
                                                    : WORKER_REFRAIN_LEAST;
        next = pool->refrain * 2;
        pool->refrain_next = next < WORKER_REFRAIN_MOST ? next
                                                        : WORKER_REFRAIN_MOST;
    }
    else if (next > 0) {
        pool->refrain_next--;
    }
}

/* A loop that awaits one operation after the other submits the next job soon
 * after this one, and to be woken costs more than to look for it meanwhile.
 * Who does counts as coming: nobody is woken for a job that it will see.  A
 * thread is often woken on the processor of the one that wakes it: to look there
 * would keep the loop from submitting.  With the lock held, but for the while. */
static void
worker_spin(struct pool *pool)
{
    unsigned long long seen = pool->submits;

    if (!worker_may_spin(pool)) {
        return;
    }
    pool->spinning = true;
    int submitter = pool->submitter;
    pool_check(pool);
    pool_unlock(pool);
    processor_leave(submitter);
    bool ours = worker_watch(pool, (unsigned)seen);
    pool_lock(pool);
    worker_spun(pool, ours);
    pool->spinning = false;
    pool->spun_in_vain = pool->submits != seen ? 0 : pool->spun_in_vain + 1;
}

void
pool_make_way(struct pool *pool)
{
    struct spin spin;

    pool_lock(pool);
    bool refrains = worker_refrains(pool);
    pool_unlock(pool);
    if (!refrains) {
        spin_start(&spin, 0);
        sched_yield();
        (void)spin_on(&spin);
        pool_lock(pool);
        worker_spun(pool, !spin.lost);
        pool_unlock(pool);
    }
}

/* A job that takes a processor, and not for a moment: off the loop's, or that
 * of who is helped; and should the loop wake on this one, it comes first. */
static void
worker_work(struct pool *pool, struct job *job, int other)
{
    processor_leave(other);
    processor_set_slice(2 * pool->slice);
    job->run(job);
    processor_set_slice(pool->slice);
}

/* Run a job and post it.  Takes and returns with the lock, not in between. */
static void
worker_run(struct pool *pool, struct job *job)
{
    enum job_kind kind = job->kind; /* once posted the job may be gone */
    int other = kind == JOB_HELPS ? pool->helped : pool->submitter;
    unsigned lane = job->lane;

    pool_check(pool);
    pool_unlock(pool);
    if (kind == JOB_WORKS || kind == JOB_COPIES || kind == JOB_HELPS) {
        worker_work(pool, job, other);
    }
    else {
        job->run(job);
    }
    pool_lock(pool);

    pool_ended(pool, kind, lane);
    pool->coming++;
    worker_summon_more(pool); /* room of two sorts may be two jobs' */
    job_move(job, JOB_RUNNING, JOB_DONE);
    struct port *port = port_post(pool, job);
    pool_tell_settled(pool);
    if (port != NULL) {
        pool_check(pool);
        pool_unlock(pool);
        port_wake(port);
        pool_lock(pool);
        port_unpin(port);
    }
}

/* The end of a worker; unlocks. */
static void
worker_leave(struct worker *self)
{
    struct pool *pool = self->pool;

    self->next = pool->spare;
    pool->spare = self;
    pool->threads--;
    /* It may have been called for a job and leave for another reason.  The
     * signal is sent under the lock, as the pool may be gone after it. */
    worker_summon_more(pool);
    pool_check(pool);
    pool_unlock_leave(pool);
}

static void *
worker_main(void *arg)
{
    struct worker *self = arg;
    struct pool *pool = self->pool;

#ifdef __linux__
    pthread_setname_np(pthread_self(), "aiofiles_c");
#endif
    pool_lock(pool);
    for (;;) {
        pool->coming--;
        if (!pool->owned || pool->threads > pool->max_threads) {
            break;
        }
        struct job *job = pool_take(pool);
        if (job != NULL) {
            worker_summon_more(pool);
            worker_run(pool, job);
            worker_spin(pool);
        }
        else if (!worker_rest(self)) {
            break;
        }
    }
    worker_leave(self);
    return NULL;
}

/* Start a detached thread that no signal is delivered to: handlers are for
 * the program's threads, and its EINTR is not ours.  Faults stay unblocked,
 * or the kernel would kill the process past its handlers.  stack 0: default.
 * 0 or an errno. */
static int
worker_spawn(struct worker *worker, size_t stack)
{
    static const int faults[] = {SIGSEGV, SIGBUS,  SIGFPE,
                                 SIGILL,  SIGTRAP, SIGSYS};
    pthread_attr_t attr;
    sigset_t blocked, saved;
    pthread_t thread;

    int err = pthread_attr_init(&attr);
    if (err != 0) {
        return err;
    }
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    if (stack > 0) {
        size_t least = (size_t)PTHREAD_STACK_MIN;
        pthread_attr_setstacksize(&attr, stack > least ? stack : least);
    }
    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        sigdelset(&blocked, faults[i]);
    }
    pthread_sigmask(SIG_SETMASK, &blocked, &saved);
    err = sys_fault(SYS_THREAD)
              ? errno
              : pthread_create(&thread, &attr, worker_main, worker);
    pthread_sigmask(SIG_SETMASK, &saved, NULL);
    pthread_attr_destroy(&attr);
    return err;
}

static struct worker *
worker_new(struct pool *pool)
{
    struct worker *worker = sys_alloc_zero(1, sizeof(*worker));
    if (worker == NULL) {
        return NULL;
    }
    worker->pool = pool;
    pool_cond_init(&worker->wake);
    return worker;
}

/* One more thread: 0 or -errno. */
static int
worker_start(struct pool *pool)
{
    assert(pool_held(pool));
    struct worker *worker = pool->spare;
    if (worker != NULL) {
        pool->spare = worker->next;
    }
    else {
        worker = worker_new(pool);
        if (worker == NULL) {
            return -ENOMEM;
        }
    }
    int err = worker_spawn(worker, WORKER_STACK);
    if (err == EINVAL) { /* the thread-local data of the program is larger */
        err = worker_spawn(worker, 0);
    }
    if (err != 0) {
        worker->next = pool->spare;
        pool->spare = worker;
        return -err;
    }
    pool->threads++;
    pool->coming++;
    return 0;
}

int
worker_summon(struct pool *pool, struct worker **called)
{
    *called = NULL;
    if (pool_wanted(pool) <= pool->coming) {
        return 0;
    }
    *called = worker_call(pool);
    if (*called != NULL) {
        return 1;
    }
    if (pool->threads >= pool->max_threads) {
        return 0;
    }
    int err = worker_start(pool);
    return err < 0 ? err : 1;
}

void
worker_summon_more(struct pool *pool)
{
    struct worker *called;
    if (worker_summon(pool, &called) > 0 && called != NULL) {
        pthread_cond_signal(&called->wake);
    }
}

void
worker_free_spare(struct pool *pool)
{
    assert(pool->threads == 0);
    while (pool->spare != NULL) {
        struct worker *worker = pool->spare;
        pool->spare = worker->next;
        pthread_cond_destroy(&worker->wake);
        free(worker);
    }
}
