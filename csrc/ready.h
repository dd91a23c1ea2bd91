/* ready.h - reading and writing a stream without waiting for its other end. */
#ifndef AIOFILES_C_READY_H
#define AIOFILES_C_READY_H

#include <stdbool.h>

#include "sys.h"

/* Whether reading, or writing, would find the stream ready now; also where it
 * would fail. */
bool ready_now(int fd, bool writes);

/* Whether O_NONBLOCK is set. */
bool ready_is_nonblocking(int fd);

/* Until a FIFO that was opened with O_NONBLOCK for reading has a writer, or has
 * had one: what open() without it waits for. */
void ready_await_writer(int fd);

/* A new descriptor that is readable when fd is ready to be read, or written.
 * -EPERM: fd is always ready; -EOPNOTSUPP: not on this system. */
int ready_poller(int fd, bool writes);

/* Read what there is, write what there is room for: -EAGAIN where that is
 * nothing.  Where the kernel cannot be asked not to wait, whoever takes it
 * between the look and the call makes these wait: for workers, but for
 * sys_read_nowait's kinds. */
ssize_t ready_read(int fd, const struct iovec *iov);
ssize_t ready_write(int fd, const struct iovec *iov, int niov);

#endif
