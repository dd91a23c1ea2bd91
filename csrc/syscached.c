/* syscached.c - what the kernel knows of a name or a descriptor without asking
 * a device: openat2() with RESOLVE_CACHED, statx() without a server, mincore().
 */
#include "sys_int.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(SYS_LINUX) && defined(SYS_openat2) && defined(SYS_statx)

#include <sys/sysmacros.h>

enum {
    SYS_NO_XDEV = 0x01, /* RESOLVE_NO_XDEV */
    SYS_CACHED = 0x20   /* RESOLVE_CACHED: younger than some headers */
};

static int
openat_cached(int dir, const char *path, int flags, unsigned resolve)
{
    struct linux_open_how how = {
        .flags = (unsigned)flags | O_CLOEXEC,
        .resolve = SYS_CACHED | resolve,
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
    return openat_cached(dir, path, flags | O_PATH, 0);
}

int
sys_peek_stat(int fd, struct stat *st, uint64_t *mount)
{
    struct statx sx;
    const unsigned mask = STATX_BASIC_STATS | SYS_MNT_ID_UNIQUE;
    if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, mask, &sx) < 0) {
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
    return fault_fails(SYS_OPEN) ? -errno : openat_cached(dir, path, flags, 0);
}

int
sys_open_on_root(const char *path, int flags)
{
    return fault_fails(SYS_OPEN)
               ? -errno
               : openat_cached(AT_FDCWD, path, flags, SYS_NO_XDEV);
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
sys_open_on_root(const char *path, int flags)
{
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

#ifdef SYS_LINUX

void *
sys_map_unread(int fd, size_t len)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) < 0 || limit.rlim_cur != RLIM_INFINITY) {
        return NULL; /* they are not to be had for nothing */
    }
    void *map = mmap(NULL, len, PROT_NONE, MAP_PRIVATE, fd, 0);
    return map == MAP_FAILED ? NULL : map;
}

void
sys_unmap(void *map, size_t len)
{
    (void)munmap(map, len);
}

int
sys_resident(void *at, size_t len, unsigned char *pages)
{
    return mincore(at, len, pages) < 0 ? -errno : 0;
}

#else

void *
sys_map_unread(int fd, size_t len)
{
    (void)fd;
    (void)len;
    return NULL;
}

void
sys_unmap(void *map, size_t len)
{
    (void)map;
    (void)len;
}

int
sys_resident(void *at, size_t len, unsigned char *pages)
{
    (void)at;
    (void)len;
    (void)pages;
    return -EOPNOTSUPP;
}

#endif

size_t
sys_page(void)
{
    static size_t page; /* whoever comes first finds the same */
    if (page == 0) {
        page = (size_t)sysconf(_SC_PAGESIZE);
    }
    return page;
}

int
sys_open_cached(const char *path, int flags)
{
    return sys_openat_cached(AT_FDCWD, path, flags);
}
