/* sys.c - the system calls, with -errno and retries, for any thread.
 *
 * Every call that a debug build can make fail asks fault_next() first, within
 * its loop over EINTR, so that retrying can be tested too.
 */
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__linux__) && !defined(AIOF_PORTABLE)
#define SYS_LINUX 1
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#include "linux.h"
#endif

/* Not RWF_NOWAIT from a header, nor preadv2() from the C library: both are
 * younger than the kernels that have the call.  (The arguments of x32 are of
 * another form.) */
#if defined(SYS_LINUX) && defined(SYS_preadv2)                                \
    && !(defined(__x86_64__) && defined(__ILP32__))
#define SYS_NOWAIT 0x8
#endif

_Static_assert(sizeof(off_t) == 8,
               "on 32 bits, build all files with -D_FILE_OFFSET_BITS=64");

/* More segments are an error, fewer a short result; Linux ends a call at so
 * many bytes, and others refuse more than INT_MAX. */
#define SYS_IOV_MAX   1024
#define SYS_BYTES_MAX ((size_t)0x7ffff000)

/* --- faults --- */

#ifdef AIOF_DEBUG

#include <stdatomic.h>

/* The one mutable table of this half: the calls have no object that it could
 * hang from, and it is not there in a release.  Atomics, not a mutex: a
 * worker that holds a mutex at a fork would leave it held in the child, and
 * a mutex in each call would hide races from ThreadSanitizer. */
static struct {
    atomic_ullong left; /* skip in the upper half, count in the lower */
    atomic_int err;
    atomic_size_t limit;
} fault_table[SYS_CALLS];

int
sys_inject(enum sys_call call, int skip, int count, int err, size_t limit)
{
    unsigned long long left = (unsigned long long)(unsigned)skip << 32;
    unsigned long long before = atomic_exchange(&fault_table[call].left, 0);

    atomic_store(&fault_table[call].err, err);
    atomic_store(&fault_table[call].limit, limit);
    if (count > 0) {
        left |= (unsigned)count;
        atomic_store(&fault_table[call].left, left);
    }
    return (int)(before & 0x7fffffff);
}

/* Whether this use is to fail, with errno set; or to move at most *limit. */
static bool
fault_next(enum sys_call call, size_t *limit)
{
    const unsigned long long one_skip = 1ULL << 32;
    atomic_ullong *counts = &fault_table[call].left;
    unsigned long long left = atomic_load(counts), next;

    do {
        if (left == 0) {
            return false;
        }
        next = left >= one_skip ? left - one_skip : left - 1;
    } while (!atomic_compare_exchange_weak(counts, &left, next));
    if (left >= one_skip) {
        return false;
    }
    int err = atomic_load(&fault_table[call].err);
    if (err > 0) {
        errno = err;
        return true;
    }
    *limit = atomic_load(&fault_table[call].limit);
    return false;
}

#else

static inline bool
fault_next(enum sys_call call, size_t *limit)
{
    (void)call;
    (void)limit;
    return false;
}

#endif

/* As fault_next, for a call that moves no bytes. */
static bool
fault_fails(enum sys_call call)
{
    size_t limit;
    return fault_next(call, &limit);
}

bool
sys_fault(enum sys_call call)
{
    return fault_fails(call);
}

/* --- files --- */

int
sys_open(const char *path, int flags, mode_t mode)
{
    int fd;
    do {
        fd = fault_fails(SYS_OPEN) ? -1 : open(path, flags | O_CLOEXEC, mode);
    } while (fd < 0 && errno == EINTR);
    return fd < 0 ? -errno : fd;
}

#if defined(SYS_LINUX) && defined(SYS_openat2) && defined(SYS_statx)

static int
openat_cached(int dir, const char *path, int flags)
{
    struct linux_open_how how = {
        .flags = (unsigned)flags | O_CLOEXEC,
        .resolve = 0x20, /* RESOLVE_CACHED: younger than some headers */
    };
    long fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));
    if (fd >= 0) {
        return (int)fd;
    }
    return errno == ENOSYS || errno == EPERM || errno == EINVAL ? -EOPNOTSUPP
                                                                : -errno;
}

static struct timespec
statx_time(const struct statx_timestamp *from)
{
    return (struct timespec){.tv_sec = (time_t)from->tv_sec,
                             .tv_nsec = (long)from->tv_nsec};
}

/* Younger than some headers: bits of the mask, and the field, which is behind
 * stx_dev_minor. */
#define SYS_MNT_ID        0x1000u
#define SYS_MNT_ID_UNIQUE 0x4000u

static uint64_t
statx_mount(const struct statx *sx, unsigned bit)
{
    uint64_t mount = 0;
    if (sx->stx_mask & bit) {
        memcpy(&mount,
               (const char *)sx + offsetof(struct statx, stx_dev_minor) + 4,
               sizeof(mount));
    }
    return mount;
}

static uint64_t
sys_mount_by(int fd, unsigned bit)
{
    struct statx sx;
    if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, bit, &sx) < 0) {
        return 0;
    }
    return statx_mount(&sx, bit);
}

uint64_t
sys_mount(int fd)
{
    return sys_mount_by(fd, SYS_MNT_ID_UNIQUE);
}

uint64_t
sys_mount_line(int fd)
{
    return sys_mount_by(fd, SYS_MNT_ID);
}

int
sys_peek_open(int dir, const char *path, int flags)
{
    return openat_cached(dir, path, flags | O_PATH);
}

int
sys_peek_stat(int fd, struct stat *st, uint64_t *mount)
{
    struct statx sx;
    if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC,
              STATX_BASIC_STATS | SYS_MNT_ID_UNIQUE, &sx) < 0) {
        return -errno;
    }
    *mount = statx_mount(&sx, SYS_MNT_ID_UNIQUE);
    st->st_dev = makedev(sx.stx_dev_major, sx.stx_dev_minor);
    st->st_ino = sx.stx_ino;
    st->st_mode = sx.stx_mode;
    st->st_nlink = (nlink_t)sx.stx_nlink;
    st->st_uid = sx.stx_uid;
    st->st_gid = sx.stx_gid;
    st->st_rdev = makedev(sx.stx_rdev_major, sx.stx_rdev_minor);
    st->st_size = (off_t)sx.stx_size;
    st->st_blksize = (blksize_t)sx.stx_blksize;
    st->st_blocks = (blkcnt_t)sx.stx_blocks;
    st->st_atim = statx_time(&sx.stx_atime);
    st->st_mtim = statx_time(&sx.stx_mtime);
    st->st_ctim = statx_time(&sx.stx_ctime);
    return 0;
}

int
sys_openat_cached(int dir, const char *path, int flags)
{
    return fault_fails(SYS_OPEN) ? -errno : openat_cached(dir, path, flags);
}

int
sys_stat_cached(int fd, struct stat *st, uint64_t *mount)
{
    return fault_fails(SYS_FSTAT) ? -errno : sys_peek_stat(fd, st, mount);
}

#else

int
sys_peek_open(int dir, const char *path, int flags)
{
    return sys_openat_cached(dir, path, flags);
}

int
sys_peek_stat(int fd, struct stat *st, uint64_t *mount)
{
    return sys_stat_cached(fd, st, mount);
}

int
sys_openat_cached(int dir, const char *path, int flags)
{
    (void)dir;
    (void)path;
    (void)flags;
    return -EOPNOTSUPP;
}

int
sys_stat_cached(int fd, struct stat *st, uint64_t *mount)
{
    (void)fd;
    (void)st;
    (void)mount;
    return -EOPNOTSUPP;
}

uint64_t
sys_mount(int fd)
{
    (void)fd;
    return 0;
}

uint64_t
sys_mount_line(int fd)
{
    (void)fd;
    return 0;
}

#endif

int
sys_open_cached(const char *path, int flags)
{
    return sys_openat_cached(AT_FDCWD, path, flags);
}

int
sys_close(int fd)
{
    /* Never retried: after EINTR the number may already name another file.
     * A fault is reported after the fact, as the kernel does. */
    int rc = close(fd);
    int err = rc < 0 ? errno : 0;
    if (fault_fails(SYS_CLOSE)) {
        err = errno;
    }
    return err == EINTR ? 0 : -err;
}

int
sys_fstat(int fd, struct stat *st)
{
    int rc;
    do {
        rc = fault_fails(SYS_FSTAT) ? -1 : fstat(fd, st);
    } while (rc < 0 && errno == EINTR);
    return rc < 0 ? -errno : 0;
}

off_t
sys_lseek(int fd, off_t offset, int whence)
{
    off_t pos;
    do {
        pos = fault_fails(SYS_LSEEK) ? -1 : lseek(fd, offset, whence);
    } while (pos < 0 && errno == EINTR);
    return pos < 0 ? -errno : pos;
}

int
sys_ftruncate(int fd, off_t size)
{
    int rc;
    do {
        rc = fault_fails(SYS_FTRUNCATE) ? -1 : ftruncate(fd, size);
    } while (rc < 0 && errno == EINTR);
    return rc < 0 ? -errno : 0;
}

int
sys_fsync(int fd)
{
    int rc;
    do {
        rc = fault_fails(SYS_FSYNC) ? -1 : fsync(fd);
    } while (rc < 0 && errno == EINTR);
    return rc < 0 ? -errno : 0;
}

int
sys_isatty(int fd)
{
    return isatty(fd);
}

/* --- names --- */

int
sys_fstatat(int dir, const char *path, bool follow, struct stat *st)
{
    int rc;
    do {
        rc = fault_fails(SYS_NAMES)
                 ? -1
                 : fstatat(dir, path, st, follow ? 0 : AT_SYMLINK_NOFOLLOW);
    } while (rc < 0 && errno == EINTR);
    return rc < 0 ? -errno : 0;
}

int
sys_mkdirat(int dir, const char *path, mode_t mode)
{
    int rc;
    do {
        rc = fault_fails(SYS_NAMES) ? -1 : mkdirat(dir, path, mode);
    } while (rc < 0 && errno == EINTR);
    return rc < 0 ? -errno : 0;
}

int
sys_unlinkat(int dir, const char *path, int flags)
{
    int rc;
    do {
        rc = fault_fails(SYS_NAMES) ? -1 : unlinkat(dir, path, flags);
    } while (rc < 0 && errno == EINTR);
    return rc < 0 ? -errno : 0;
}

int
sys_renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    int rc;
    do {
        rc = fault_fails(SYS_NAMES) ? -1
                                    : renameat(from_dir, from, to_dir, to);
    } while (rc < 0 && errno == EINTR);
    return rc < 0 ? -errno : 0;
}

int
sys_dup(int fd)
{
    int rc;
    do {
        rc = fault_fails(SYS_NEW_FD) ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
    } while (rc < 0 && errno == EINTR);
    return rc < 0 ? -errno : rc;
}

int
sys_fs_type(int fd, unsigned long *type, bool *still)
{
#ifdef SYS_LINUX
    struct statfs fs;
    int rc;
    do {
        rc = fstatfs(fd, &fs);
    } while (rc < 0 && errno == EINTR);
    if (rc < 0) {
        return -errno;
    }
    /* All types have 32 bits; the field is signed, and a long, on some. */
    *type = (uint32_t)fs.f_type;
    *still = fs.f_flags & (ST_RDONLY | ST_NOATIME);
    return 0;
#else
    (void)fd;
    (void)type;
    (void)still;
    return -EOPNOTSUPP;
#endif
}

/* --- memory --- */

void *
sys_alloc(size_t size)
{
    return fault_fails(SYS_MEMORY) ? NULL : malloc(size);
}

void *
sys_alloc_zero(size_t count, size_t size)
{
    return fault_fails(SYS_MEMORY) ? NULL : calloc(count, size);
}

void *
sys_realloc(void *memory, size_t size)
{
    return fault_fails(SYS_MEMORY) ? NULL : realloc(memory, size);
}

void
sys_advise_huge(void *memory, size_t len)
{
#if defined(SYS_LINUX) && defined(MADV_HUGEPAGE)
    const uintptr_t huge = (uintptr_t)2 << 20;
    uintptr_t from = ((uintptr_t)memory + huge - 1) & ~(huge - 1);
    uintptr_t to = ((uintptr_t)memory + len) & ~(huge - 1);
    if (from < to) {
        (void)madvise((void *)from, to - from, MADV_HUGEPAGE);
    }
#else
    (void)memory;
    (void)len;
#endif
}

/* --- bytes --- */

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

ssize_t
sys_read_nowait(int fd, const struct iovec *iov, int niov, off_t offset)
{
#ifdef SYS_NOWAIT
    ssize_t n = iov_call(SYS_READ_NOWAIT, fd, iov, niov, offset);
    if (n == -ENOSYS || n == -EPERM || n == -EINVAL) {
        n = -EOPNOTSUPP;
    }
    return n;
#else
    (void)fd;
    (void)iov;
    (void)niov;
    (void)offset;
    return -EOPNOTSUPP;
#endif
}

ssize_t
sys_write_nowait(int fd, const struct iovec *iov, int niov)
{
#ifdef SYS_NOWAIT
    ssize_t n = iov_call(SYS_WRITE_NOWAIT, fd, iov, niov, SYS_OFF_CURRENT);
    if (n == -ENOSYS || n == -EPERM || n == -EINVAL) {
        n = -EOPNOTSUPP;
    }
    return n;
#else
    (void)fd;
    (void)iov;
    (void)niov;
    return -EOPNOTSUPP;
#endif
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
