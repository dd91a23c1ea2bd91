/* test_threads.c - the pool among forks, and under many threads at once. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "check.h"

enum { MANY = 5000 }; /* jobs of one thread */

/* --- fork --- */

struct forked {
    struct pool *pool;
    struct port *port;
    struct task *running, *queued;
};

/* In the child: 0, or the number of what went wrong. */
static int
child_body(void *arg)
{
    struct forked *f = arg;
    struct pool_stats stats;
    struct task task;
    struct gate gate;
    int err;

    pool_after_fork(f->pool);
    pool_get_stats(f->pool, &stats);
    if (stats.threads != 0 || stats.queued != 0 || stats.running != 0) {
        return 1;
    }
    task_init(&task, NULL, NULL);
    if (!pool_lost(f->pool, &f->running->job)
        || !pool_lost(f->pool, &f->queued->job)
        || pool_lost(f->pool, &task.job)) {
        return 2;
    }
    if (pool_cancel(f->pool, &f->queued->job)
        || pool_reap(f->pool, &f->running->job)) {
        return 3;
    }
    pool_wait(f->pool, &f->running->job); /* or the alarm ends the child */
    if (port_drain(f->port) != NULL || port_close(f->port) != NULL) {
        return 4;
    }
    struct port *port = port_create(f->pool, &err);
    if (port == NULL) {
        return 5;
    }
    gate_init(&gate);
    gate_open(&gate);
    task_init(&task, &gate, NULL);
    f->queued->job.state = JOB_IDLE; /* lost, so the owner's */
    f->queued->gate = NULL;
    if (pool_submit(f->pool, port, &task.job) < 0
        || pool_submit(f->pool, port, &f->queued->job) < 0
        || port_drain_n(port, 2) != 2 || !task.finished || !f->queued->finished
        || pool_lost(f->pool, &task.job)) {
        return 6;
    }
    port_close(port);
    pool_destroy(f->pool);
    return 0;
}

static void
test_fork(void)
{
    struct task done, running, queued;
    struct pool *pool = pool_create(1);
    struct gate gate;
    int err;
    struct port *port = port_create(pool, &err);
    struct forked forked = {pool, port, &running, &queued};

    gate_init(&gate);
    task_init(&done, NULL, NULL);
    task_init(&running, &gate, NULL);
    task_init(&queued, NULL, NULL);
    task_submit(pool, port, &done);
    task_submit(pool, port, &running);
    task_submit(pool, port, &queued);
    gate_await(&gate, 1);
    check(child_succeeds(child_body, &forked), "fork: the child works afresh");
    check(fd_readable(port_fd(port), CHECK_MS),
          "fork: the child left the parent's wake-up alone");
    gate_open(&gate);
    check(port_drain_n(port, 3) == 3 && queued.ran == 1,
          "fork: the parent goes on");
    port_close(port);
    pool_destroy(pool);
}

/* A thread that keeps the pool busy while the process forks. */
struct busy {
    struct pool *pool;
    struct port *port;
    atomic_bool going, stop;
    int lost; /* the thread; the test when it is joined */
};

static void *
busy_main(void *arg)
{
    struct busy *busy = arg;
    struct task tasks[8];

    while (!atomic_load(&busy->stop)) {
        for (int i = 0; i < 8; i++) {
            task_init(&tasks[i], NULL, NULL);
            task_submit(busy->pool, busy->port, &tasks[i]);
        }
        busy->lost += 8 - port_drain_n(busy->port, 8);
        atomic_store(&busy->going, true);
    }
    return NULL;
}

static int
child_of_busy(void *arg)
{
    struct busy *busy = arg;
    struct task task;
    int err;

    pool_after_fork(busy->pool);
    port_close(busy->port);
    struct port *port = port_create(busy->pool, &err);
    task_init(&task, NULL, NULL);
    if (port == NULL || pool_submit(busy->pool, port, &task.job) < 0
        || port_drain_n(port, 1) != 1) {
        return 1;
    }
    port_close(port);
    pool_destroy(busy->pool);
    return 0;
}

static void
test_fork_busy(void)
{
    enum { THREADS = 3 };
    struct pool *pool = pool_create(THREADS);
    struct busy busy = {.pool = pool};
    struct task started[THREADS];
    struct gate gate;
    pthread_t thread;
    int err, good = 0;

    /* A thread that starts holds locks of the sanitizer's, which the child
     * would find locked for ever: all of them have started before. */
    gate_init(&gate);
    for (int i = 0; i < THREADS; i++) {
        task_init(&started[i], &gate, NULL);
        task_submit(pool, NULL, &started[i]);
    }
    check(gate_await(&gate, THREADS), "fork: the workers are there");
    gate_open(&gate);
    for (int i = 0; i < THREADS; i++) {
        pool_wait(pool, &started[i].job);
    }

    busy.port = port_create(pool, &err);
    pthread_create(&thread, NULL, busy_main, &busy);
    for (int i = 0; i < CHECK_MS && !atomic_load(&busy.going); i++) {
        breathe();
    }
    for (int i = 0; i < 30; i++) {
        good += child_succeeds(child_of_busy, &busy);
    }
    atomic_store(&busy.stop, true);
    pthread_join(thread, NULL);
    check(good == 30, "fork: at any moment of the others' work");
    check(busy.lost == 0, "fork: the parent loses nothing by it");
    port_close(busy.port);
    pool_destroy(pool);
}

/* --- many threads --- */

struct crowd {
    struct pool *pool;
    struct task *tasks;
    int drained;
    int cancelled;
    bool ok;
};

static void *
crowd_main(void *arg)
{
    struct crowd *crowd = arg;
    int err, submitted = 0;
    struct port *port = port_create(crowd->pool, &err);

    crowd->ok = port != NULL;
    while (crowd->ok && submitted < MANY) {
        for (int i = 0; i < 50; i++, submitted++) {
            struct task *task = &crowd->tasks[submitted];
            task_init(task, NULL, NULL);
            enum job_kind kind = submitted % 7 == 0   ? JOB_HANGS
                                 : submitted % 3 == 0 ? JOB_WORKS
                                                      : JOB_WAITS;
            task->job.kind = kind;
            crowd->ok &= pool_submit(crowd->pool, port, &task->job) == 0;
        }
        struct task *task = &crowd->tasks[submitted - 3];
        if (pool_cancel(crowd->pool, &task->job)) {
            crowd->cancelled++;
        }
        task = &crowd->tasks[submitted - 30];
        if (pool_reap(crowd->pool, &task->job)) {
            crowd->drained++;
        }
        if (submitted % 500 == 0) {
            crowd->drained += list_length(port_drain(port));
        }
    }
    if (crowd->ok) {
        int left = MANY - crowd->cancelled - crowd->drained;
        crowd->drained += port_drain_n(port, left);
    }
    if (port != NULL) {
        crowd->ok &= port_close(port) == NULL;
    }
    return NULL;
}

static void
test_crowd(void)
{
    enum { THREADS = 4 };
    struct pool *pool = pool_create(6);
    struct pool_stats stats;
    struct crowd crowd[THREADS];
    pthread_t threads[THREADS];
    bool ok = true;
    int ran = 0, cancelled = 0;

    for (int i = 0; i < THREADS; i++) {
        crowd[i] = (struct crowd){.pool = pool};
        crowd[i].tasks = calloc(MANY, sizeof(struct task));
        pthread_create(&threads[i], NULL, crowd_main, &crowd[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        ok &= crowd[i].ok;
        ok &= crowd[i].drained + crowd[i].cancelled == MANY;
        cancelled += crowd[i].cancelled;
        for (int j = 0; j < MANY; j++) {
            ran += crowd[i].tasks[j].ran;
        }
        free(crowd[i].tasks);
    }
    check(ok, "crowd: every job came back to its port or was cancelled");
    check(ran + cancelled == THREADS * MANY, "crowd: every job ran once");
    pool_get_stats(pool, &stats);
    check(stats.queued == 0 && stats.running == 0 && stats.threads <= 6
              && stats.jobs == THREADS * MANY,
          "crowd: the counts are right");
    pool_destroy(pool);
}

void
test_threads(void)
{
    test_fork();
    test_fork_busy();
    test_crowd();
}
