/* port.c - the finished jobs of one event loop, and what wakes it.
 *
 * A worker posts with pool->lock held; only the first of a batch finds that
 * no wake-up is under way, and sends one when it has released the lock.  The
 * loop thread resets the descriptor first and takes the list after: what is
 * posted in between either is in the list taken, or sends a wake-up itself.
 *
 * The descriptor is written without the lock, so the writer pins the port and
 * port_close waits until nobody does: a number closed too early might name
 * another file by the time it is written.
 */
#include "pool_int.h"
#include "schedule.h"
#include "sys.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#if defined(__linux__) && !defined(AIOF_PORTABLE)
#define PORT_EVENTFD 1
#include <sys/eventfd.h>
#endif

/* --- the descriptor --- */

#ifdef PORT_EVENTFD

static int
signal_open(struct port *port)
{
    int fd = sys_fault(SYS_NEW_FD) ? -1
                                   : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) {
        return -errno;
    }
    port->read_fd = port->write_fd = fd;
    return 0;
}

static void
signal_send(int fd)
{
    const uint64_t one = 1;
    /* Cannot wait, and fails only if the count is full: readable anyway. */
    ssize_t n = write(fd, &one, sizeof(one));
    (void)n;
}

static void
signal_reset(int fd)
{
    uint64_t count;
    /* EAGAIN: the wake-up is marked and not yet sent.  It comes for nothing
     * then, and finds an empty list. */
    ssize_t n = read(fd, &count, sizeof(count));
    (void)n;
}

#else /* a pipe */

static int
signal_open(struct port *port)
{
    int fds[2];
    if (sys_fault(SYS_NEW_FD) || pipe(fds) < 0) {
        return -errno;
    }
    for (int i = 0; i < 2; i++) {
        if (fcntl(fds[i], F_SETFD, FD_CLOEXEC) < 0
            || fcntl(fds[i], F_SETFL, O_NONBLOCK) < 0) {
            int err = -errno;
            close(fds[0]);
            close(fds[1]);
            return err;
        }
    }
    port->read_fd = fds[0];
    port->write_fd = fds[1];
    return 0;
}

static void
signal_send(int fd)
{
    /* Cannot wait, and fails only if the pipe is full: readable anyway. */
    ssize_t n = write(fd, "", 1);
    (void)n;
}

static void
signal_reset(int fd)
{
    char bytes[64];
    while (read(fd, bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes)) {
    }
}

#endif

static void
signal_close(const struct port *port)
{
    /* Never retried: after EINTR the number may already name another file. */
    close(port->read_fd);
    if (port->write_fd != port->read_fd) {
        close(port->write_fd);
    }
}

/* --- jobs that name a port --- */

static void
port_unref(struct port *port)
{
    assert(port->refs > 0);
    port->refs--;
    if (port->refs == 0) {
        assert(port->closed && port->pins == 0);
        free(port);
    }
}

void
port_attach(struct port *port, struct job *job)
{
    job->port = port;
    if (port != NULL) {
        assert(pool_held(port->pool));
        assert(!port->closed && port->generation == port->pool->generation);
        port->refs++;
    }
}

void
port_detach(struct job *job)
{
    struct port *port = job->port;
    job->port = NULL;
    if (port != NULL) {
        assert(pool_held(port->pool));
        port_unref(port);
    }
}

struct job_list *
port_list_of(struct pool *pool, const struct job *job)
{
    assert(job->state == JOB_DONE);
    return job->port != NULL ? &job->port->done
           : job->awaited    ? &pool->awaited
                             : &pool->orphans;
}

/* --- waking the loop --- */

struct port *
port_post(struct pool *pool, struct job *job)
{
    struct port *port = job->port;

    assert(pool_held(pool));
    assert(job->state == JOB_DONE);
    if (port == NULL || port->closed) {
        port_detach(job);
        job_list_push(port_list_of(pool, job), job);
        return NULL;
    }
    port_unref(port); /* not under way now; an open port keeps its own */
    job_list_push(&port->done, job);
    if (port->signalled) {
        return NULL;
    }
    port->signalled = true;
    port->pins++;
    return port;
}

void
port_wake(const struct port *port)
{
    signal_send(port->write_fd);
}

void
port_unpin(struct port *port)
{
    assert(pool_held(port->pool));
    port->pins--;
    if (port->closed && port->pins == 0) {
        pool_tell_settled(port->pool);
    }
}

/* --- the loop's side --- */

struct port *
port_create(struct pool *pool, int *err)
{
    struct port *port = sys_alloc_zero(1, sizeof(*port));
    if (port == NULL) {
        *err = -ENOMEM;
        return NULL;
    }
    *err = signal_open(port);
    if (*err < 0) {
        free(port);
        return NULL;
    }
    port->pool = pool;
    port->generation = pool->generation;
    port->refs = 1;
    pool_lock(pool);
    pool->ports++;
    pool_unlock(pool);
    return port;
}

struct job *
port_close(struct port *port)
{
    struct pool *pool = port->pool;
    struct job *jobs = NULL;

    pool_lock(pool);
    assert(!port->closed);
    port->closed = true;
    if (port->generation != pool->generation) {
        /* From before a fork: its jobs and pins are those of threads that
         * are not here, and will never give them back. */
        port->pins = 0;
        port->refs = 1;
    }
    else {
        jobs = job_list_collect(&port->done);
        while (port->pins > 0) {
            pool_wait_settled(pool);
        }
    }
    signal_close(port);
    port_unref(port);
    pool->ports--;
    pool_unlock_leave(pool);
    return jobs;
}

int
port_fd(const struct port *port)
{
    return port->read_fd;
}

struct job *
port_drain(struct port *port)
{
    struct pool *pool = port->pool;
    struct job *jobs = NULL;

    if (port->generation != pool->generation) {
        return NULL; /* the descriptor is shared with the parent's loop */
    }
    signal_reset(port->read_fd);
    pool_lock(pool);
    port->signalled = false;
    jobs = job_list_collect(&port->done);
    pool_unlock(pool);
    return jobs;
}

void
port_adopt(struct port *port, struct job *job)
{
    struct pool *pool = port->pool;
    struct port *woken = NULL;

    pool_lock(pool);
    if (!pool_lost(pool, job) && job->state == JOB_DONE) {
        job_list_remove(port_list_of(pool, job), job);
        port_attach(port, job);
        woken = port_post(pool, job);
    }
    else if (!pool_lost(pool, job) && job->state != JOB_IDLE) {
        port_detach(job);
        port_attach(port, job);
    }
    pool_unlock(pool);
    if (woken != NULL) {
        port_wake(woken);
        pool_lock(pool);
        port_unpin(woken);
        pool_unlock(pool);
    }
}
