/* sys.h - the system calls, as the jobs and the loop thread use them.
 *
 * Each returns what the kernel does, but -errno in the place of -1, and goes
 * through one place where a debug build can inject a fault.  Interrupted
 * calls are retried here, but for close (the number may be another file's by
 * then).  Any thread; none needs the GIL.
 */
#ifndef AIOFILES_C_SYS_H
#define AIOFILES_C_SYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Offset that stands for the descriptor's own. */
#define SYS_OFF_CURRENT ((off_t)-1)

/* Opening adds O_CLOEXEC; after closing the descriptor is gone, whatever is
 * returned; isatty is 1 or 0, an error being 0 as in os.isatty(). */
int sys_open(const char *path, int flags, mode_t mode);

/* Open an existing file if that can be done without waiting for a device:
 * -EAGAIN when its name is not cached, -EOPNOTSUPP when this kernel or build
 * cannot say (ENOSYS, EPERM or EINVAL from it are reported so too).  A name
 * is relative to the directory dir, or to the current one with AT_FDCWD. */
int sys_openat_cached(int dir, const char *path, int flags);
int sys_open_cached(const char *path, int flags);

/* The same for an absolute name, which may not leave the mount of "/": -EAGAIN
 * or -EXDEV if it does. */
int sys_open_on_root(const char *path, int flags);

/* What is known of an open descriptor, an O_PATH one too, without asking a
 * server; and a number of its mount that no other will ever have, or 0 where
 * this kernel or build has none. */
int sys_stat_cached(int fd, struct stat *st, uint64_t *mount);

/* The same two, for whoever wants to know where a name leads to and opens it
 * with O_PATH: no faults are injected. */
int sys_peek_open(int dir, const char *path, int flags);
int sys_peek_stat(int fd, struct stat *st, uint64_t *mount);

/* That number alone; and the number that /proc/self/mountinfo has, which may
 * come back after an unmount.  0: not known. */
uint64_t sys_mount(int fd);
uint64_t sys_mount_line(int fd);

int sys_close(int fd);
int sys_fstat(int fd, struct stat *st);
off_t sys_lseek(int fd, off_t offset, int whence);
int sys_ftruncate(int fd, off_t size);
int sys_fsync(int fd);
int sys_isatty(int fd);

/* By name, from the directory dir or AT_FDCWD; follow: also a link at its
 * end.  They may all wait. */
int sys_fstatat(int dir, const char *path, bool follow, struct stat *st);
int sys_mkdirat(int dir, const char *path, mode_t mode);
int sys_unlinkat(int dir, const char *path, int flags);
int sys_renameat(int from_dir, const char *from, int to_dir, const char *to);

/* A second descriptor of the same open file, O_CLOEXEC. */
int sys_dup(int fd);

/* At offset, or at the descriptor's own with SYS_OFF_CURRENT.  One call, so
 * the result may be short: signals, limits of the kernel, and in a portable
 * build the end of the first segment that is not empty. */
ssize_t sys_readv(int fd, const struct iovec *iov, int niov, off_t offset);
ssize_t sys_writev(int fd, const struct iovec *iov, int niov, off_t offset);

/* Read what can be had without waiting: -EAGAIN when nothing can, -EOPNOTSUPP
 * when this file system or kernel has no such read (ENOSYS, EPERM from a
 * seccomp filter and EINVAL are reported so too). */
ssize_t sys_read_nowait(int fd, const struct iovec *iov, int niov,
                        off_t offset);

/* The same for writing to a stream, which has no offset. */
ssize_t sys_write_nowait(int fd, const struct iovec *iov, int niov);

/* Addresses for the first len bytes of fd, and behind, which are not touched;
 * NULL: there are none.  Which of their pages the kernel has at hand: a byte
 * each, of which the lowest bit says so. */
void *sys_map_unread(int fd, size_t len);
void sys_unmap(void *map, size_t len);
int sys_resident(void *at, size_t len, unsigned char *pages);
size_t sys_page(void);

/* Copying within the kernel: the whole file, by reference; at most len bytes,
 * at the offsets of both descriptors.  -EOPNOTSUPP where this build has no
 * such call; any other error may mean that it is not for these files. */
int sys_clone(int to, int from);
ssize_t sys_copy_range(int to, int from, size_t len);
ssize_t sys_sendfile(int to, int from, size_t len);

/* Whether the kernel and this build have sys_read_nowait at all: asks the
 * kernel each time, so ask once and remember. */
bool sys_has_read_nowait(void);

/* ns, monotonic; never 0. */
long long sys_clock(void);

/* Memory of the C library, which needs no GIL; free() gives it back.  NULL if
 * there is none. */
void *sys_alloc(size_t size);
void *sys_alloc_zero(size_t count, size_t size);
void *sys_realloc(void *memory, size_t size);

/* Ask for large pages behind memory that is about to be filled. */
void sys_advise_huge(void *memory, size_t len);

/* The type (statfs f_type) of the file system that fd is on, and whether it is
 * mounted so that reading changes nothing; may block.  -EOPNOTSUPP where file
 * systems are not told apart by number. */
int sys_fs_type(int fd, unsigned long *type, bool *still);

/* The calls whose faults can be injected. */
enum sys_call {
    SYS_OPEN,
    SYS_CLOSE,
    SYS_FSTAT,
    SYS_LSEEK,
    SYS_FTRUNCATE,
    SYS_FSYNC,
    SYS_READV,
    SYS_WRITEV,
    SYS_READ_NOWAIT,
    SYS_NAMES, /* all that take names, but for opening; see sys_fault */
    SYS_WRITE_NOWAIT,
    SYS_COPY,   /* copying within the kernel */
    SYS_NEW_FD, /* descriptors that are no file's: eventfd, epoll, dup */
    SYS_THREAD, /* starting one */
    SYS_MEMORY, /* sys_alloc and its like */
    SYS_CALLS
};

/* Whether this use of a call, made elsewhere, is to fail, with errno set. */
bool sys_fault(enum sys_call call);

#ifdef AIOF_DEBUG
/* From its (skip + 1)-th use on, and for count uses, a call fails with err
 * (> 0), or, for err == 0, moves at most limit bytes.  A use is one try: an
 * injected EINTR is retried and counts again.  count 0 takes a fault back.
 * Returns how often the fault that was there before was still to come. */
int sys_inject(enum sys_call call, int skip, int count, int err, size_t limit);
#endif

#endif
