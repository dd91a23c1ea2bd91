/* check.c - the shared part of the C tests. */
#include "check.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int passed, failed; /* main thread */

atomic_bool create_fails;
atomic_int create_count;

int __real_pthread_create(pthread_t *, const pthread_attr_t *,
                          void *(*)(void *), void *);
int __wrap_pthread_create(pthread_t *, const pthread_attr_t *,
                          void *(*)(void *), void *);

int
__wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
                      void *(*fn)(void *), void *arg)
{
    if (atomic_load(&create_fails)) {
        return EAGAIN;
    }
    atomic_fetch_add(&create_count, 1);
    return __real_pthread_create(thread, attr, fn, arg);
}

void
check(bool ok, const char *what)
{
    printf("%s %s\n", ok ? "ok  " : "FAIL", what);
    fflush(stdout);
    passed += ok;
    failed += !ok;
}

int
check_summary(void)
{
    printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}

static void
on_alarm(int signo)
{
    static const char line[] = "FAIL a wait that does not end\n"
                               "0 passed, 1 failed\n";
    (void)signo;
    ssize_t n = write(STDOUT_FILENO, line, sizeof(line) - 1);
    (void)n;
    _exit(1);
}

void
check_watch(void)
{
    struct sigaction action = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &action, NULL);
    alarm(CHECK_ALL_S);
}

static struct timespec
deadline(int ms)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

static bool
past(const struct timespec *t)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec > t->tv_sec
           || (now.tv_sec == t->tv_sec && now.tv_nsec >= t->tv_nsec);
}

void
breathe(void)
{
    const struct timespec ms = {0, 1000000};
    nanosleep(&ms, NULL);
}

/* --- gates --- */

void
gate_init(struct gate *gate)
{
    *gate = (struct gate){.open = false};
    pthread_mutex_init(&gate->lock, NULL);
    pthread_cond_init(&gate->changed, NULL);
}

void
gate_open(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->open = true;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

void
gate_pass(struct gate *gate)
{
    struct timespec until = deadline(CHECK_MS);
    int err = 0;

    pthread_mutex_lock(&gate->lock);
    gate->arrived++;
    pthread_cond_broadcast(&gate->changed);
    while (!gate->open && err == 0) {
        err = pthread_cond_timedwait(&gate->changed, &gate->lock, &until);
    }
    gate->timed_out |= !gate->open;
    pthread_mutex_unlock(&gate->lock);
}

bool
gate_await(struct gate *gate, int n)
{
    struct timespec until = deadline(CHECK_MS);
    int err = 0;

    pthread_mutex_lock(&gate->lock);
    while (gate->arrived < n && err == 0) {
        err = pthread_cond_timedwait(&gate->changed, &gate->lock, &until);
    }
    bool ok = gate->arrived >= n && !gate->timed_out;
    pthread_mutex_unlock(&gate->lock);
    return ok;
}

int
gate_arrived(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    int n = gate->timed_out ? -1 : gate->arrived;
    pthread_mutex_unlock(&gate->lock);
    return n;
}

/* --- tasks --- */

static void
task_run(struct job *job)
{
    struct task *task = (struct task *)job;
    if (task->gate != NULL) {
        gate_pass(task->gate);
    }
    task->ran++;
    if (task->clock != NULL) {
        task->order = 1 + atomic_fetch_add(task->clock, 1);
    }
}

static void
task_finish(struct job *job)
{
    ((struct task *)job)->finished = true;
}

void
task_init(struct task *task, struct gate *gate, atomic_int *clock)
{
    *task = (struct task){
        .job = {.run = task_run, .finish = task_finish},
        .gate = gate,
        .clock = clock,
    };
}

void
task_submit(struct pool *pool, struct port *port, struct task *task)
{
    if (pool_submit(pool, port, &task->job) < 0) {
        check(false, "pool_submit");
    }
}

/* --- waits --- */

bool
fd_readable(int fd, int timeout_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int rc;
    do {
        rc = poll(&p, 1, timeout_ms);
    } while (rc < 0 && errno == EINTR);
    return rc == 1;
}

int
list_length(const struct job *job)
{
    int n = 0;
    for (; job != NULL; job = job->next) {
        n++;
    }
    return n;
}

int
port_drain_n(struct port *port, int n)
{
    int got = 0;
    while (got < n && fd_readable(port_fd(port), CHECK_MS)) {
        struct job *next;
        for (struct job *job = port_drain(port); job != NULL; job = next) {
            next = job->next; /* finish may re-use or free the job */
            job->finish(job);
            got++;
        }
    }
    return got;
}

bool
pool_await_threads(struct pool *pool, unsigned threads, unsigned idle)
{
    struct timespec until = deadline(CHECK_MS);
    struct pool_stats stats;
    for (;;) {
        pool_get_stats(pool, &stats);
        if (stats.threads == threads && stats.idle == idle) {
            return true;
        }
        if (past(&until)) {
            return false;
        }
        breathe();
    }
}

bool
child_succeeds(int (*fn)(void *), void *arg)
{
    struct timespec until = deadline(CHECK_MS);
    int status = 0;

    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGALRM, SIG_DFL);
        alarm(CHECK_MS / 1000);
        _exit(fn(arg)); /* no leak check of a half copied process */
    }
    if (pid < 0) {
        return false;
    }
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (past(&until)) {
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            return false;
        }
        breathe();
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
