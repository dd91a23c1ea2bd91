/* linux.h - calls of Linux that the headers of some systems lack.
 *
 * What is built on an old system, as wheels are, has to find them on a new
 * one; musl knows statx() since 1.2.5, and kernel headers are not everywhere.
 */
#ifndef AIOFILES_C_LINUX_H
#define AIOFILES_C_LINUX_H

#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef FICLONE
#define FICLONE _IOW(0x94, 9, int)
#endif

/* The number is the same on all processors but these two. */
#if !defined(SYS_openat2) && !defined(__alpha__)                              \
    && !(defined(__x86_64__) && defined(__ILP32__))
#define SYS_openat2 437
#endif

struct linux_open_how {
    uint64_t flags;
    uint64_t mode;
    uint64_t resolve;
};

#if defined(SYS_statx) && !defined(STATX_BASIC_STATS)

#define STATX_BASIC_STATS 0x7ffu

#ifndef AT_STATX_DONT_SYNC
#define AT_STATX_DONT_SYNC 0x4000
#endif

struct statx_timestamp {
    int64_t tv_sec;
    uint32_t tv_nsec;
    int32_t reserved;
};

struct statx {
    uint32_t stx_mask, stx_blksize;
    uint64_t stx_attributes;
    uint32_t stx_nlink, stx_uid, stx_gid;
    uint16_t stx_mode, reserved_mode;
    uint64_t stx_ino, stx_size, stx_blocks, stx_attributes_mask;
    struct statx_timestamp stx_atime, stx_btime, stx_ctime, stx_mtime;
    uint32_t stx_rdev_major, stx_rdev_minor, stx_dev_major, stx_dev_minor;
    uint64_t reserved[14];
};

_Static_assert(sizeof(struct statx) == 256, "as the kernel has it");

static inline int
statx(int dir, const char *path, int flags, unsigned mask, struct statx *sx)
{
    return (int)syscall(SYS_statx, dir, path, flags, mask, sx);
}

#endif

#endif
