/* ready.c - reading and writing a stream without waiting for its other end.
 *
 * Any thread, no Python.  The blocking mode of a stream belongs to all who
 * share it and is never changed: the kernel is asked not to wait for one
 * call, or, where it cannot be asked, whether the stream is ready before.
 */
#include "ready.h"
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#if defined(__linux__) && !defined(AIOF_PORTABLE)
#define READY_LINUX 1
#include <sys/epoll.h>
#endif

/* What is certain to fit where a stream says that there is room, and goes as
 * one piece through a pipe, whoever else writes to it.  A terminal may have
 * doubled it by then, if it is line ends. */
enum { PIECE_PIPE = PIPE_BUF, PIECE_TERMINAL = 128 };

/* poll() tells of a writer's bytes and of its end, not that it has come. */
enum { WRITER_LOOK_MS = 10 };

static bool
ready_soon(int fd, bool writes, int ms)
{
    struct pollfd one = {.fd = fd, .events = writes ? POLLOUT : POLLIN};
    return poll(&one, 1, ms) > 0;
}

bool
ready_now(int fd, bool writes)
{
    return ready_soon(fd, writes, 0);
}

#ifdef READY_LINUX
/* tee() takes nothing out; of an empty FIFO it gives 0 where there is no writer,
 * and EAGAIN where there is one.  Without it, or a pipe for it, the first bytes
 * are waited for. */
static bool
has_writer(int fd, int pipe)
{
    ssize_t n = tee(fd, pipe, 1, SPLICE_F_NONBLOCK);
    return n > 0 || (n < 0 && errno == EAGAIN);
}

void
ready_await_writer(int fd)
{
    int pipes[2] = {-1, -1};
    if (!sys_fault(SYS_NEW_FD)) {
        (void)!pipe2(pipes, O_CLOEXEC | O_NONBLOCK);
    }
    while (!ready_soon(fd, false, WRITER_LOOK_MS)
           && !has_writer(fd, pipes[1])) {
    }
    if (pipes[0] >= 0) {
        (void)close(pipes[0]);
        (void)close(pipes[1]);
    }
}
#else
void
ready_await_writer(int fd)
{
    (void)fd; /* nothing is opened with O_NONBLOCK there */
}
#endif

bool
ready_is_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && flags & O_NONBLOCK;
}

int
ready_poller(int fd, bool writes)
{
#ifdef READY_LINUX
    struct epoll_event event = {.events = writes ? EPOLLOUT : EPOLLIN};
    int poller = sys_fault(SYS_NEW_FD) ? -1 : epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0) {
        return -errno;
    }
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0) {
        int err = errno;
        (void)close(poller);
        return -err;
    }
    return poller;
#else
    (void)fd;
    (void)writes;
    return -EOPNOTSUPP;
#endif
}

ssize_t
ready_read(int fd, const struct iovec *iov)
{
    ssize_t n = sys_read_nowait(fd, iov, 1, SYS_OFF_CURRENT);
    if (n != -EOPNOTSUPP) {
        return n;
    }
    if (!ready_now(fd, false)) {
        return -EAGAIN;
    }
    return sys_readv(fd, iov, 1, SYS_OFF_CURRENT);
}

ssize_t
ready_write(int fd, const struct iovec *iov, int niov)
{
    ssize_t n = sys_write_nowait(fd, iov, niov);
    if (n != -EOPNOTSUPP) {
        return n;
    }
    if (!ready_now(fd, true)) {
        return -EAGAIN;
    }
    struct stat st;
    bool terminal = sys_fstat(fd, &st) == 0 && S_ISCHR(st.st_mode);
    size_t piece = terminal ? PIECE_TERMINAL : PIECE_PIPE;
    struct iovec first = *iov;
    first.iov_len = first.iov_len < piece ? first.iov_len : piece;
    return sys_writev(fd, &first, 1, SYS_OFF_CURRENT);
}
