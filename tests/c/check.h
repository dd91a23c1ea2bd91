/* check.h - what the C tests share: checks, gates, jobs, bounded waits.
 *
 * Nothing here waits longer than CHECK_MS; a test that runs into it fails.
 */
#ifndef AIOFILES_C_CHECK_H
#define AIOFILES_C_CHECK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "pool.h"

#define CHECK_MS    8000
#define CHECK_ALL_S 30

/* One line of the report.  From the main thread only. */
void check(bool ok, const char *what);
int check_summary(void); /* the last line, and the exit code */

/* Fail and end if the whole takes longer than CHECK_ALL_S. */
void check_watch(void);

/* A place where jobs are held, so that a test knows what is running. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open;      /* lock */
    int arrived;    /* lock: ever */
    bool timed_out; /* lock */
};

void gate_init(struct gate *gate);
void gate_open(struct gate *gate);
void gate_pass(struct gate *gate);         /* a job: arrive, wait till open */
bool gate_await(struct gate *gate, int n); /* until n have arrived */
int gate_arrived(struct gate *gate);

/* A job that passes a gate, if any, and notes when it ran. */
struct task {
    struct job job;
    struct gate *gate; /* read-only once submitted */
    atomic_int *clock; /* read-only once submitted; NULL: not noted */
    int order;         /* worker: the clock when it ran, from 1 */
    int ran;           /* worker: how many times */
    bool finished;     /* the test, after a drain */
};

void task_init(struct task *task, struct gate *gate, atomic_int *clock);
void task_submit(struct pool *pool, struct port *port, struct task *task);

/* A short pause between two looks at what tells nobody when it changes; a
 * loop over it is bounded, and nothing relies on its length. */
void breathe(void);

bool fd_readable(int fd, int timeout_ms);
int list_length(const struct job *job);

/* Drain until n jobs came (their tasks marked finished): how many did. */
int port_drain_n(struct port *port, int n);

/* Until the pool has that many threads and of them so many idle. */
bool pool_await_threads(struct pool *pool, unsigned threads, unsigned idle);

/* Run fn in a child and say whether it returned 0 in time. */
bool child_succeeds(int (*fn)(void *), void *arg);

/* While set, pthread_create fails (the program is linked with --wrap). */
extern atomic_bool create_fails;
extern atomic_int create_count;

void test_port(void);
void test_sys(void);
void test_fs(void);
void test_device(void);
void test_threads(void);
void test_team(void);
void test_place(void);

#endif
