/* test_port.c - ports: batches, wake-ups, closing, orphans, adoption. */
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "check.h"

/* How many wake-ups were sent and not yet received; takes them. */
static int
take_wakeups(struct port *port)
{
#if defined(__linux__) && !defined(AIOF_PORTABLE)
    uint64_t count = 0;
    ssize_t n = read(port_fd(port), &count, sizeof(count));
    return n == sizeof(count) ? (int)count : 0;
#else
    char bytes[256];
    ssize_t n = read(port_fd(port), bytes, sizeof(bytes));
    return n > 0 ? (int)n : 0;
#endif
}

static void
test_batch(void)
{
    enum { N = 100 };
    static struct task tasks[N];
    struct task last;
    struct pool *pool = pool_create(1);
    struct gate gate;
    int err;
    struct port *port = port_create(pool, &err);
    struct port *other = port_create(pool, &err);

    int fd = port_fd(port);
    check((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0
              && (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0,
          "batch: the descriptor is non-blocking and close-on-exec");
    check(!fd_readable(fd, 0) && port_drain(port) == NULL,
          "batch: a new port is quiet");
    gate_init(&gate);
    for (int i = 0; i < N; i++) {
        task_init(&tasks[i], i == 0 ? &gate : NULL, NULL);
        task_submit(pool, port, &tasks[i]);
    }
    task_init(&last, NULL, NULL);
    task_submit(pool, other, &last);
    gate_open(&gate);
    /* One worker, so all the others are posted when the last is. */
    check(port_drain_n(other, 1) == 1 && last.finished,
          "batch: another port is woken for its own job");
    check(take_wakeups(port) == 1, "batch: a hundred jobs, one wake-up");
    struct job *jobs = port_drain(port);
    bool ordered = jobs == &tasks[0].job;
    for (struct job *job = jobs; ordered && job != NULL; job = job->next) {
        struct task *after = (struct task *)job + 1;
        ordered = (job->next == NULL || job->next == &after->job)
                  && job->state == JOB_IDLE;
    }
    check(list_length(jobs) == N, "batch: one drain takes them all");
    check(ordered, "batch: oldest first, each idle");
    task_submit(pool, port, &tasks[0]);
    check(port_drain_n(port, 1) == 1, "batch: the next job wakes it again");
    check(!fd_readable(fd, 0), "batch: quiet when drained");
    check(port_close(port) == NULL && port_close(other) == NULL,
          "batch: closed");
    pool_destroy(pool);
}

static void
test_close(void)
{
    struct task done, running, queued, marker;
    struct pool *pool = pool_create(1);
    struct gate gate;
    int err;
    struct port *port = port_create(pool, &err);

    gate_init(&gate);
    task_init(&done, NULL, NULL);
    task_init(&running, &gate, NULL);
    task_init(&queued, NULL, NULL);
    task_init(&marker, NULL, NULL);
    task_submit(pool, port, &done);
    task_submit(pool, port, &running);
    task_submit(pool, port, &queued);
    gate_await(&gate, 1);
    int fd = port_fd(port);
    struct job *jobs = port_close(port);
    check(jobs == &done.job && jobs->next == NULL && jobs->state == JOB_IDLE,
          "close: gives what was done");
    check(fcntl(fd, F_GETFD) < 0, "close: the descriptor is closed");
    check(pool_orphans(pool) == NULL, "close: no orphans yet");
    gate_open(&gate);
    pool_wait(pool, &queued.job);
    check(queued.ran == 1,
          "close: a queued job still runs, can be waited for");
    jobs = pool_orphans(pool);
    check(jobs == &running.job && jobs->next == NULL,
          "close: a running job becomes an orphan");
    task_submit(pool, NULL, &marker);
    pool_wait(pool, &marker.job);
    check(marker.ran == 1 && pool_orphans(pool) == NULL,
          "close: a job without a port can be waited for");

    /* The last name of a closed port is that of a job taken back. */
    port = port_create(pool, &err);
    gate_init(&gate);
    task_submit(pool, port, &running);
    task_submit(pool, port, &queued);
    gate_await(&gate, 1);
    port_close(port);
    check(pool_cancel(pool, &queued.job),
          "close: a job of a closed port can be cancelled");
    gate_open(&gate);
    pool_wait(pool, &running.job);
    pool_destroy(pool);
}

static void
test_adopt(void)
{
    struct task done, running, queued, orphan;
    struct pool *pool = pool_create(1);
    struct gate gate;
    int err;
    struct port *old = port_create(pool, &err);
    struct port *lost = port_create(pool, &err);
    struct port *port = port_create(pool, &err);

    gate_init(&gate);
    task_init(&orphan, NULL, NULL);
    task_init(&done, NULL, NULL);
    task_init(&running, &gate, NULL);
    task_init(&queued, NULL, NULL);
    task_submit(pool, NULL, &orphan);
    task_submit(pool, old, &done);
    task_submit(pool, lost, &running);
    task_submit(pool, lost, &queued);
    gate_await(&gate, 1);
    port_adopt(port, &done.job);
    check(fd_readable(port_fd(port), CHECK_MS) && port_drain(port) == &done.job
              && port_drain(old) == NULL,
          "adopt: a job that is done wakes the new port");
    port_adopt(port, &orphan.job);
    check(port_drain_n(port, 1) == 1 && orphan.finished
              && pool_orphans(pool) == NULL,
          "adopt: an orphan");
    port_adopt(port, &done.job);
    check(!fd_readable(port_fd(port), 0), "adopt: nothing for an idle job");
    check(port_close(lost) == NULL, "adopt: the old port may be closed");
    port_adopt(port, &running.job);
    port_adopt(port, &queued.job);
    gate_open(&gate);
    check(port_drain_n(port, 2) == 2 && running.finished && queued.finished,
          "adopt: a running and a queued job come to the new port");
    check(port_close(old) == NULL && port_close(port) == NULL
              && pool_orphans(pool) == NULL,
          "adopt: nothing is left");
    pool_destroy(pool);
}

/* Close while workers post and write: every job is in one place.  The maximum
 * changes on the way, so that workers are called and leave. */
static void
test_close_races(void)
{
    enum { ROUNDS = 1000, JOBS = 3 };
    struct task tasks[JOBS];
    struct pool *pool = pool_create(3);
    int err, ran = 0;

    for (int round = 0; round < ROUNDS; round++) {
        struct port *port = port_create(pool, &err);
        for (int i = 0; i < JOBS; i++) {
            task_init(&tasks[i], NULL, NULL);
            task_submit(pool, port, &tasks[i]);
        }
        if (round % 2 == 0) {
            pool_wait(pool, &tasks[0].job);
        }
        (void)port_close(port);
        pool_set_max_threads(pool, 1 + (unsigned)round % 3);
        for (int i = 0; i < JOBS; i++) {
            pool_wait(pool, &tasks[i].job);
            ran += tasks[i].ran;
        }
    }
    check(ran == ROUNDS * JOBS, "close races: every job ran once");
    check(pool_orphans(pool) == NULL, "close races: every job was found");
    pool_destroy(pool);
}

void
test_port(void)
{
    test_batch();
    test_close();
    test_adopt();
    test_close_races();
}
