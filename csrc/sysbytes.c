/* sysbytes.c - bytes: read, written, and copied within the kernel. */
#include "sys_int.h"

#include <errno.h>
#include <unistd.h>

#ifdef SYS_LINUX
#include <sys/sendfile.h>
#endif

/* Not RWF_NOWAIT from a header, nor preadv2() from the C library: both are
 * younger than the kernels that have the call.  (The arguments of x32 are of
 * another form.) */
#if defined(SYS_LINUX) && defined(SYS_preadv2)                                \
    && !(defined(__x86_64__) && defined(__ILP32__))
#define SYS_NOWAIT 0x8
#endif

/* More segments are an error, fewer a short result; Linux ends a call at so
 * many bytes, and others refuse more than INT_MAX. */
#define SYS_IOV_MAX   1024
#define SYS_BYTES_MAX ((size_t)0x7ffff000)

/* The first segment that is not empty, cut to limit: a legal, short call. */
static struct iovec
iov_first(const struct iovec *iov, int niov, size_t limit)
{
    struct iovec first = {0};
    for (int i = 0; i < niov && first.iov_len == 0; i++) {
        first = iov[i];
    }
    if (first.iov_len > limit) {
        first.iov_len = limit;
    }
    return first;
}

/* One try; -1 with errno set. */
static ssize_t
iov_move(enum sys_call call, int fd, const struct iovec *iov, int niov,
         off_t offset)
{
    bool reads = call != SYS_WRITEV && call != SYS_WRITE_NOWAIT;
    bool here = offset == SYS_OFF_CURRENT;

#ifdef SYS_NOWAIT
    if (call == SYS_READ_NOWAIT) {
        /* The kernel puts the offset together from two longs; where one is
         * enough it shifts the second out. */
        return syscall(SYS_preadv2, fd, iov, niov, (long)offset,
                       (long)(offset >> 32), SYS_NOWAIT);
    }
    if (call == SYS_WRITE_NOWAIT) {
        return syscall(SYS_pwritev2, fd, iov, niov, -1L, -1L, SYS_NOWAIT);
    }
#endif
#ifdef SYS_LINUX
    if (niov != 1 && here) {
        return reads ? readv(fd, iov, niov) : writev(fd, iov, niov);
    }
    if (niov != 1) {
        return reads ? preadv(fd, iov, niov, offset)
                     : pwritev(fd, iov, niov, offset);
    }
#endif
    struct iovec one = iov_first(iov, niov, SYS_BYTES_MAX);
    if (here) {
        return reads ? read(fd, one.iov_base, one.iov_len)
                     : write(fd, one.iov_base, one.iov_len);
    }
    return reads ? pread(fd, one.iov_base, one.iov_len, offset)
                 : pwrite(fd, one.iov_base, one.iov_len, offset);
}

static ssize_t
iov_call(enum sys_call call, int fd, const struct iovec *iov, int niov,
         off_t offset)
{
    struct iovec part;
    ssize_t n;

    if (niov > SYS_IOV_MAX) {
        niov = SYS_IOV_MAX;
    }
    do {
        size_t limit = SIZE_MAX;
        if (fault_next(call, &limit)) {
            n = -1;
        }
        else if (limit < SIZE_MAX) {
            part = iov_first(iov, niov, limit);
            n = iov_move(call, fd, &part, 1, offset);
        }
        else {
            n = iov_move(call, fd, iov, niov, offset);
        }
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

ssize_t
sys_readv(int fd, const struct iovec *iov, int niov, off_t offset)
{
    return iov_call(SYS_READV, fd, iov, niov, offset);
}

ssize_t
sys_writev(int fd, const struct iovec *iov, int niov, off_t offset)
{
    return iov_call(SYS_WRITEV, fd, iov, niov, offset);
}

/* A kernel that has no such call, or not for this file, says so in several
 * ways, and a sandbox in another. */
static ssize_t
iov_nowait(enum sys_call call, int fd, const struct iovec *iov, int niov,
           off_t offset)
{
#ifdef SYS_NOWAIT
    ssize_t n = iov_call(call, fd, iov, niov, offset);
    return n == -ENOSYS || n == -EPERM || n == -EINVAL ? -EOPNOTSUPP : n;
#else
    (void)call;
    (void)fd;
    (void)iov;
    (void)niov;
    (void)offset;
    return -EOPNOTSUPP;
#endif
}

ssize_t
sys_read_nowait(int fd, const struct iovec *iov, int niov, off_t offset)
{
    return iov_nowait(SYS_READ_NOWAIT, fd, iov, niov, offset);
}

ssize_t
sys_write_nowait(int fd, const struct iovec *iov, int niov)
{
    return iov_nowait(SYS_WRITE_NOWAIT, fd, iov, niov, SYS_OFF_CURRENT);
}

bool
sys_has_read_nowait(void)
{
#ifdef SYS_NOWAIT
    /* A kernel that has the call finds that the descriptor is none. */
    struct iovec none = {0};
    return iov_move(SYS_READ_NOWAIT, -1, &none, 1, 0) < 0 && errno == EBADF;
#else
    return false;
#endif
}

/* --- copying --- */

enum sys_copy_kind { KIND_CLONE, KIND_RANGE, KIND_SEND };

/* One try; -1 with errno set. */
static ssize_t
copy_call(enum sys_copy_kind kind, int to, int from, size_t len)
{
#ifdef SYS_LINUX
    switch (kind) {
#ifdef FICLONE
    case KIND_CLONE:
        return ioctl(to, FICLONE, from);
#endif
#ifdef SYS_copy_file_range /* the C library's is younger */
    case KIND_RANGE:
        return syscall(SYS_copy_file_range, from, NULL, to, NULL, len, 0);
#endif
    case KIND_SEND:
        return sendfile(to, from, NULL, len);
    default:
        break;
    }
#endif
    (void)kind;
    (void)to;
    (void)from;
    (void)len;
    errno = EOPNOTSUPP;
    return -1;
}

static ssize_t
copy_retry(enum sys_copy_kind kind, int to, int from, size_t len)
{
    ssize_t n;
    do {
        size_t limit = len;
        n = fault_next(SYS_COPY, &limit)
                ? -1
                : copy_call(kind, to, from, limit < len ? limit : len);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

int
sys_clone(int to, int from)
{
    return (int)copy_retry(KIND_CLONE, to, from, 0);
}

ssize_t
sys_copy_range(int to, int from, size_t len)
{
    return copy_retry(KIND_RANGE, to, from, len);
}

ssize_t
sys_sendfile(int to, int from, size_t len)
{
    return copy_retry(KIND_SEND, to, from, len);
}
