/* test_pool.c - the queue and the workers; main() of all the C tests. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "check.h"
#include "pool_int.h"
#include "processor.h"

enum { MANY = 5000 }; /* slow jobs */

static void
test_order(void)
{
    static struct task tasks[100];
    struct pool *pool = pool_create(1);
    struct port *port;
    struct gate gate;
    atomic_int clock = 0;
    int err, n = 100;
    bool fifo = true;

    gate_init(&gate);
    port = port_create(pool, &err);
    task_init(&tasks[0], &gate, &clock);
    task_submit(pool, port, &tasks[0]);
    check(gate_await(&gate, 1), "order: the first job is held in the worker");
    for (int i = 1; i < n; i++) {
        task_init(&tasks[i], NULL, &clock);
        tasks[i].job.kind = i % 3 == 0 ? JOB_HANGS : JOB_WAITS;
        task_submit(pool, port, &tasks[i]);
    }
    gate_open(&gate);
    check(port_drain_n(port, n) == n, "order: all jobs come back");
    for (int i = 0; i < n; i++) {
        fifo = fifo && tasks[i].order == i + 1;
    }
    check(fifo, "order: local and slow jobs ran in the order of submits");
    check(port_close(port) == NULL, "order: nothing is left on the port");
    pool_destroy(pool);
}

static void
test_growth(void)
{
    struct task tasks[9];
    struct pool *pool = pool_create(4);
    struct pool_stats stats;
    struct gate gate, second;
    int before = atomic_load(&create_count);

    gate_init(&gate);
    gate_init(&second);
    pool_get_stats(pool, &stats);
    check(stats.threads == 0, "growth: a new pool has no threads");
    for (int i = 0; i < 8; i++) {
        task_init(&tasks[i], &gate, NULL);
        task_submit(pool, NULL, &tasks[i]);
    }
    check(gate_await(&gate, 4), "growth: four jobs run at once");
    pool_get_stats(pool, &stats);
    check(stats.threads == 4 && stats.running == 4 && stats.queued == 4
              && stats.idle == 0 && stats.jobs == 8,
          "growth: to the maximum and no further");
    pool_set_max_threads(pool, 6);
    check(gate_await(&gate, 6), "growth: a higher maximum starts more");
    gate_open(&gate);
    for (int i = 0; i < 8; i++) {
        pool_wait(pool, &tasks[i].job);
    }
    check(pool_await_threads(pool, 6, 6), "growth: all are idle afterwards");
    check(atomic_load(&create_count) - before == 6,
          "growth: one thread was made for each");

    task_submit(pool, NULL, &tasks[0]);
    pool_wait(pool, &tasks[0].job);
    pool_get_stats(pool, &stats);
    check(stats.threads == 6, "growth: idle workers are used before new ones");

    pool_set_max_threads(pool, 2);
    check(pool_await_threads(pool, 2, 2), "growth: a lower maximum ends some");
    for (int i = 0; i < 3; i++) {
        task_init(&tasks[i], &second, NULL);
        task_submit(pool, NULL, &tasks[i]);
    }
    check(gate_await(&second, 2), "growth: the rest still work");
    pool_get_stats(pool, &stats);
    check(stats.threads == 2 && stats.queued == 1, "growth: within the limit");
    gate_open(&second);
    for (int i = 0; i < 3; i++) {
        pool_wait(pool, &tasks[i].job);
    }
    pool_destroy(pool);
}

/* Idle workers end; 10 s would be long for a test. */
static void
test_shrink(void)
{
    struct task task;
    struct pool *pool = pool_create(4);

    pool->idle_ms = 20;
    task_init(&task, NULL, NULL);
    task_submit(pool, NULL, &task);
    pool_wait(pool, &task.job);
    check(pool_await_threads(pool, 0, 0), "shrink: an idle worker ends");
    task_submit(pool, NULL, &task);
    pool_wait(pool, &task.job);
    check(task.ran == 2, "shrink: a pool without threads starts again");
    pool_destroy(pool);

    /* Jobs that arrive just as workers end. */
    pool = pool_create(4);
    pool->idle_ms = 0;
    for (int i = 0; i < 500; i++) {
        task_submit(pool, NULL, &task);
        pool_wait(pool, &task.job);
    }
    check(task.ran == 502, "shrink: no job is lost to a worker that ends");
    pool_destroy(pool);
}

/* A worker that is called for a job, and leaves because the maximum was
 * lowered meanwhile, sends another one. */
static void
test_lowered(void)
{
    enum { ROUNDS = 100 };
    struct task tasks[3];
    struct pool *pool = pool_create(3);
    int err, came = 0;
    struct port *port = port_create(pool, &err);

    for (int round = 0; round < ROUNDS && came == round; round++) {
        struct gate gate;
        gate_init(&gate);
        pool_set_max_threads(pool, 3);
        for (int i = 0; i < 3; i++) {
            task_init(&tasks[i], &gate, NULL);
            task_submit(pool, port, &tasks[i]);
        }
        gate_await(&gate, 3);
        gate_open(&gate);
        port_drain_n(port, 3);
        pool_await_threads(pool, 3, 3);
        pool_set_max_threads(pool, 1);
        task_init(&tasks[0], NULL, NULL);
        task_submit(pool, port, &tasks[0]);
        came += port_drain_n(port, 1);
    }
    check(came == ROUNDS, "lowered: no job is left to a worker that leaves");
    port_close(port);
    pool_destroy(pool);
}

static void
test_slow(void)
{
    static struct task slow[MANY];
    struct task local;
    struct pool *pool = pool_create(5);
    struct port *port;
    struct pool_stats stats;
    struct gate gate;
    int err;

    gate_init(&gate);
    port = port_create(pool, &err);
    for (int i = 0; i < MANY; i++) {
        task_init(&slow[i], &gate, NULL);
        slow[i].job.kind = JOB_HANGS;
        task_submit(pool, NULL, &slow[i]);
    }
    check(gate_await(&gate, 2), "slow: two of five workers are held");
    task_init(&local, NULL, NULL);
    task_submit(pool, port, &local);
    check(port_drain_n(port, 1) == 1 && local.finished,
          "slow: a local job passes thousands of slow ones");
    pool_get_stats(pool, &stats);
    check(stats.running == 2 && stats.queued == MANY - 2
              && gate_arrived(&gate) == 2,
          "slow: no more than half of the workers");
    gate_open(&gate);
    for (int i = 0; i < MANY; i++) {
        pool_wait(pool, &slow[i].job);
    }
    check(gate_arrived(&gate) == MANY, "slow: all run in the end");
    port_close(port);
    pool_destroy(pool);

    pool = pool_create(1);
    task_init(&local, NULL, NULL);
    local.job.kind = JOB_HANGS;
    task_submit(pool, NULL, &local);
    pool_wait(pool, &local.job);
    check(local.ran == 1, "slow: a pool of one worker takes slow jobs");
    pool_destroy(pool);
}

/* A local disk that hangs, and whatever is done to it. */
static void
test_lanes(void)
{
    static const enum job_kind kinds[] = {JOB_WAITS, JOB_WORKS, JOB_HELPS};
    static struct task hung[MANY];
    struct task others[2], nobodys;
    struct pool *pool = pool_create(8);
    struct pool_stats stats;
    struct gate gate, second;

    pool->processors = 8;
    pool->stuck_ms = 1;
    gate_init(&gate);
    gate_init(&second);
    for (int i = 0; i < MANY; i++) {
        task_init(&hung[i], &gate, NULL);
        hung[i].job.kind = kinds[i % 3];
        hung[i].job.disk = 700;
        task_submit(pool, NULL, &hung[i]);
    }
    check(gate_await(&gate, 6), "lanes: one lane has six of eight workers");
    for (int i = 0; i < 2; i++) {
        task_init(&others[i], &second, NULL);
        others[i].job.disk = 1400;
        task_submit(pool, NULL, &others[i]);
    }
    check(gate_await(&second, 2), "lanes: another has those that are left");
    gate_open(&second);
    for (int i = 0; i < 2; i++) {
        pool_wait(pool, &others[i].job);
    }
    task_init(&nobodys, NULL, NULL);
    task_submit(pool, NULL, &nobodys);
    pool_wait(pool, &nobodys.job);
    pool_get_stats(pool, &stats);
    check(stats.running == 6 && gate_arrived(&gate) == 6,
          "lanes: it got no more in the meantime");
    gate_open(&gate);
    for (int i = 0; i < MANY; i++) {
        pool_wait(pool, &hung[i].job);
    }
    check(gate_arrived(&gate) == MANY, "lanes: all run in the end");
    pool_destroy(pool);
}

/* Jobs that work: all processors but one, until they are stuck. */
static void
test_work(void)
{
    static struct task work[MANY];
    struct task local;
    struct pool *pool = pool_create(64);
    struct pool_stats stats;
    struct gate gate;

    pool->processors = 2;
    pool->stuck_ms = CHECK_MS * 10;
    gate_init(&gate);
    for (int i = 0; i < MANY; i++) {
        task_init(&work[i], &gate, NULL);
        work[i].job.kind = JOB_WORKS;
        task_submit(pool, NULL, &work[i]);
    }
    gate_await(&gate, 1);
    task_init(&local, NULL, NULL);
    task_submit(pool, NULL, &local);
    pool_wait(pool, &local.job);
    check(local.ran == 1, "work: one that waits passes thousands that work");
    pool_get_stats(pool, &stats);
    check(stats.queued == MANY - 1 && gate_arrived(&gate) == 1,
          "work: one processor of two is left to the loop");
    gate_open(&gate);
    for (int i = 0; i < MANY; i++) {
        pool_wait(pool, &work[i].job);
    }
    check(gate_arrived(&gate) == MANY, "work: all run in the end");
    pool_destroy(pool);
}

/* Those that work wait all the same: more come, one after the other. */
static void
test_stuck(void)
{
    struct task work[24], other;
    struct pool *pool = pool_create(32);
    struct gate gate;

    pool->processors = 2;
    pool->stuck_ms = 1;
    pool->idle_ms = 1;
    gate_init(&gate);
    for (int i = 0; i < 24; i++) {
        task_init(&work[i], &gate, NULL);
        work[i].job.kind = JOB_WORKS;
        task_submit(pool, NULL, &work[i]);
        task_init(&other, NULL, NULL); /* may take away who watches */
        task_submit(pool, NULL, &other);
        pool_wait(pool, &other.job);
    }
    check(gate_await(&gate, 24), "work: those that are stuck hold nobody up");
    gate_open(&gate);
    for (int i = 0; i < 24; i++) {
        pool_wait(pool, &work[i].job);
    }
    check(pool_await_threads(pool, 0, 0), "work: all workers leave");
    pool_destroy(pool);
}

static void
test_cancel(void)
{
    struct task first, queued[3], done;
    struct pool *pool = pool_create(1);
    struct pool_stats stats;
    struct gate gate;

    gate_init(&gate);
    task_init(&first, &gate, NULL);
    task_init(&done, NULL, NULL);
    task_submit(pool, NULL, &first);
    gate_await(&gate, 1);
    for (int i = 0; i < 3; i++) {
        task_init(&queued[i], NULL, NULL);
        task_submit(pool, NULL, &queued[i]);
    }
    check(!pool_cancel(pool, &first.job), "cancel: not a job that runs");
    check(!pool_cancel(pool, &done.job), "cancel: not a job never submitted");
    check(pool_cancel(pool, &queued[1].job) && queued[1].job.state == JOB_IDLE,
          "cancel: a job in the middle of the queue");
    check(pool_cancel(pool, &queued[0].job)
              && pool_cancel(pool, &queued[2].job),
          "cancel: the first and the last");
    task_submit(pool, NULL, &queued[0]);
    pool_get_stats(pool, &stats);
    check(stats.queued == 1, "cancel: a job can be submitted again");
    gate_open(&gate);
    pool_wait(pool, &queued[0].job);
    check(queued[0].ran == 1 && queued[1].ran == 0 && queued[2].ran == 0,
          "cancel: what was cancelled never ran");
    pool_wait(pool, &first.job);
    check(!pool_cancel(pool, &first.job), "cancel: not a job that is done");
    pool_destroy(pool);
}

static void
test_wait_and_reap(void)
{
    struct task first, second;
    struct pool *pool = pool_create(1);
    struct port *port;
    struct gate gate;
    int err;

    gate_init(&gate);
    port = port_create(pool, &err);
    task_init(&first, &gate, NULL);
    task_init(&second, NULL, NULL);
    task_submit(pool, port, &first);
    task_submit(pool, port, &second);
    gate_await(&gate, 1);
    check(!pool_reap(pool, &first.job), "reap: not a job that runs");
    check(!pool_reap(pool, &second.job), "reap: not a job in the queue");
    gate_open(&gate);
    pool_wait(pool, &second.job);
    check(second.ran == 1 && second.job.state == JOB_IDLE,
          "wait: until the job is done");
    check(pool_reap(pool, &first.job) && first.job.state == JOB_IDLE,
          "reap: a job that is done");
    check(!pool_reap(pool, &first.job), "reap: once only");
    pool_wait(pool, &first.job);
    check(true, "wait: returns at once for a job that is idle");
    check(port_drain(port) == NULL, "wait, reap: taken off the port");
    port_close(port);
    pool_destroy(pool);
}

static void
test_no_thread(void)
{
    struct task first, second;
    struct pool *pool = pool_create(4);
    struct pool_stats stats;
    struct gate gate;

    gate_init(&gate);
    task_init(&first, &gate, NULL);
    task_init(&second, NULL, NULL);
    atomic_store(&create_fails, true);
    check(pool_submit(pool, NULL, &first.job) == -EAGAIN,
          "no thread: the errno when there is none at all");
    pool_get_stats(pool, &stats);
    check(first.job.state == JOB_IDLE && stats.queued == 0
              && stats.threads == 0 && stats.jobs == 0,
          "no thread: the job is taken back");
    atomic_store(&create_fails, false);
    task_submit(pool, NULL, &first);
    gate_await(&gate, 1);
    atomic_store(&create_fails, true);
    check(pool_submit(pool, NULL, &second.job) == 0,
          "no thread: fine while one lives");
    gate_open(&gate);
    pool_wait(pool, &second.job);
    check(second.ran == 1, "no thread: which then runs the job");
    atomic_store(&create_fails, false);
    pool_wait(pool, &first.job);
    pool_destroy(pool);
}

static void
test_destroy(void)
{
    static struct task last; /* its worker is not waited for */
    static struct gate last_gate;
    struct task running, queued;
    struct pool *pool = pool_create(1);
    struct port *port;
    struct gate gate;
    int err;

    gate_init(&gate);
    port = port_create(pool, &err);
    task_init(&running, &gate, NULL);
    task_init(&queued, NULL, NULL);
    task_submit(pool, port, &running);
    task_submit(pool, port, &queued);
    gate_await(&gate, 1);
    pool_destroy(pool);
    check(queued.job.state == JOB_IDLE, "destroy: queued jobs are taken back");
    gate_open(&gate);
    check(port_drain_n(port, 1) == 1 && running.finished && queued.ran == 0,
          "destroy: a running job still comes back");
    check(port_close(port) == NULL, "destroy: a port may outlive its pool");

    /* Nobody waits for this one: the worker frees the pool. */
    pool = pool_create(1);
    gate_init(&last_gate);
    task_init(&last, &last_gate, NULL);
    task_submit(pool, NULL, &last);
    gate_await(&last_gate, 1);
    pool_destroy(pool);
    gate_open(&last_gate);
    check(true, "destroy: does not wait for a worker");

    pool = pool_create(3);
    pool_destroy(pool);
    check(true, "destroy: a pool that was never used");
}

/* One who waits, but not for long. */
static void
test_wait_ms(void)
{
    struct gate gate;
    struct task quick, slow, queued;
    struct pool *pool = pool_create(1);
    struct job *orphans = NULL;

    gate_init(&gate);
    task_init(&quick, NULL, NULL);
    quick.job.awaited = true;
    task_submit(pool, NULL, &quick);
    check(pool_wait_ms(pool, &quick.job, CHECK_MS) && quick.ran == 1
              && quick.job.state == JOB_IDLE,
          "wait: done in time");
    task_init(&slow, &gate, NULL);
    task_init(&queued, NULL, NULL);
    slow.job.awaited = queued.job.awaited = true;
    task_submit(pool, NULL, &slow);
    task_submit(pool, NULL, &queued);
    gate_await(&gate, 1);
    check(!pool_wait_ms(pool, &slow.job, 1)
              && !pool_wait_ms(pool, &queued.job, 1)
              && pool_orphans(pool) == NULL,
          "wait: given up");
    gate_open(&gate);
    int came = 0;
    for (int i = 0; i < CHECK_MS && came < 2; i++) {
        for (orphans = pool_orphans(pool); orphans != NULL;
             orphans = orphans->next) {
            came++;
        }
        breathe();
    }
    check(came == 2 && slow.ran == 1 && queued.ran == 1
              && slow.job.state == JOB_IDLE,
          "wait: what was given up goes to the orphans");
    pool_destroy(pool);
}

static void
run_mask(struct job *job)
{
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    ((struct task *)job)->ran = sigismember(&mask, SIGINT) == 1
                                && sigismember(&mask, SIGUSR1) == 1
                                && sigismember(&mask, SIGALRM) == 1
                                && sigismember(&mask, SIGCHLD) == 1
                                && sigismember(&mask, SIGSEGV) == 0;
}

static void
test_signals(void)
{
    struct task task;
    sigset_t mask;
    struct pool *pool = pool_create(1);

    task_init(&task, NULL, NULL);
    task.job.run = run_mask;
    task_submit(pool, NULL, &task);
    pool_wait(pool, &task.job);
    check(task.ran == 1, "signals: blocked in a worker, but for faults");
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    check(sigismember(&mask, SIGINT) == 0, "signals: not in who submits");
    pool_destroy(pool);
}

struct slice_task {
    struct task task;
    long long slice;
};

static void
run_slice(struct job *job)
{
    ((struct slice_task *)job)->slice = processor_slice();
}

static long long
slice_of_job(struct pool *pool, enum job_kind kind)
{
    struct slice_task asked;
    task_init(&asked.task, NULL, NULL);
    asked.task.job.run = run_slice;
    asked.task.job.kind = kind;
    task_submit(pool, NULL, &asked.task);
    pool_wait(pool, &asked.task.job);
    return asked.slice;
}

static void
test_slice(void)
{
    struct pool *pool = pool_create(1);
    long long own = processor_slice();

    long long works = slice_of_job(pool, JOB_WORKS);
    check(own > 0 ? works > own : works == 0,
          "slice: who works lets the loop go first, where it can say so");
    check(slice_of_job(pool, JOB_WAITS) == own,
          "slice: who wakes for a short job is not behind others");
    check(processor_slice() == own, "slice: that of who submits is the same");
    pool_destroy(pool);
}

int
main(void)
{
    check_watch(); /* for pool_wait, which has no limit of its own */
    test_order();
    test_growth();
    test_shrink();
    test_lowered();
    test_slow();
    test_lanes();
    test_work();
    test_stuck();
    test_cancel();
    test_wait_and_reap();
    test_no_thread();
    test_destroy();
    test_signals();
    test_slice();
    test_port();
    test_wait_ms();
    test_device();
    test_place();
    test_sys();
    test_fs();
    test_threads();
    test_team();
    return check_summary();
}
