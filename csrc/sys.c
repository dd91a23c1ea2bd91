/* sys.c - the system calls, with -errno and retries, for any thread.
 *
 * Those on descriptors and names, and memory; sysbytes.c has what moves bytes,
 * syscached.c what asks without waiting, sysfault.c the faults.
 */
#include "sys_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#ifdef SYS_LINUX
#include <sys/mman.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#endif

_Static_assert(sizeof(off_t) == 8,
               "on 32 bits, build all files with -D_FILE_OFFSET_BITS=64");

/* --- descriptors --- */

int
sys_open(const char *path, int flags, mode_t mode)
{
    int fd;
    do {
        fd = fault_fails(SYS_OPEN) ? -1 : open(path, flags | O_CLOEXEC, mode);
    } while (fd < 0 && errno == EINTR);
    return fd < 0 ? -errno : fd;
}

/* The wrapper of glibc prepares for a thread that is cancelled, which ours
 * never are: some 40 ns of 150. */
static int
close_fd(int fd)
{
#ifdef SYS_LINUX
    return (int)syscall(SYS_close, fd);
#else
    return close(fd);
#endif
}

int
sys_close(int fd)
{
    /* Never retried: after EINTR the number may already name another file.
     * A fault is reported after the fact, as the kernel does. */
    int rc = close_fd(fd);
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

/* --- time --- */

long long
sys_clock(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000000LL + ts.tv_nsec;
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
