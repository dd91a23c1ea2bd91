/* fs.c - calls of os, one function each, and what of them cannot wait.
 *
 * Any thread, no Python.  A worker calls fs_run(); the loop thread calls
 * fs_try_inline(), which makes no call that could wait for a disk or a
 * server: the name is looked up in the kernel's cache alone, and what it
 * stands for is asked for on a device that is known to be local.
 */
#include "fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "io.h"

#if defined(__linux__) && !defined(AIOF_PORTABLE)
#include <sys/sendfile.h>
#define FS_HAS_SENDFILE 1
#endif

#ifdef O_PATH
#define FS_O_PATH O_PATH
#else
#define FS_O_PATH O_RDONLY
#endif

/* ---- at once ---- */

/* Whether the kernel's word on a name is the last one, so that a call that
 * may wait would say the same. */
static bool
is_final(int err)
{
    return err == ENOENT || err == ENOTDIR || err == EACCES || err == ELOOP
           || err == ENAMETOOLONG || err == EBADF;
}

/* Find a file in the kernel's cache: true, and its descriptor, or err. */
static bool
find_inline(struct fs *fs, const struct fs_path *path, int *fd)
{
    *fd = sys_openat_cached(path->dir, path->name,
                            FS_O_PATH | (fs->follow ? 0 : O_NOFOLLOW));
    fs->err = *fd < 0 ? -*fd : 0;
    return fs->err == 0 || is_final(fs->err);
}

static bool
stat_inline(struct fs *fs, const struct fs_path *path, struct stat *st)
{
    int fd = path->fd;
    if (path->name != NULL) {
        bool found = find_inline(fs, path, &fd);
        if (fd < 0) {
            return found;
        }
    }
    uint64_t mount = 0;
    int rc = sys_stat_cached(fd, st, &mount);
    if (path->name != NULL) {
        (void)sys_close(fd);
    }
    if (rc < 0) {
        fs->err = -rc;
        return path->name == NULL && rc == -EBADF;
    }
    fs->device = device_lookup(fs->devices, device_key(st, mount));
    return fs->device >= DEVICE_LOCAL;
}

/* What has been found is there, whatever device it is on. */
static bool
exists_inline(struct fs *fs, const struct fs_path *path)
{
    int fd;
    if (path->name == NULL) {
        return stat_inline(fs, path, &fs->st[0]);
    }
    bool found = find_inline(fs, path, &fd);
    if (fd >= 0) {
        (void)sys_close(fd);
    }
    return found;
}

/* A lookup is made with the effective ids, access(2) asks for the real ones. */
static bool
ids_are_real(void)
{
    return getuid() == geteuid() && getgid() == getegid();
}

/* getcwd(2) asks no file system; POSIX does not promise that. */
static bool
cwd_inline(struct fs *fs)
{
#if defined(__linux__) && !defined(AIOF_PORTABLE)
    fs_run(&fs->job);
    return true;
#else
    (void)fs;
    return false;
#endif
}

bool
fs_try_inline(struct fs *fs)
{
    fs->err = 0;
    switch (fs->call) {
    case FS_STAT:
        return stat_inline(fs, &fs->path[0], &fs->st[0]);
    case FS_EXISTS:
        return exists_inline(fs, &fs->path[0]);
    case FS_SAME:
        for (unsigned char i = 0; i < 2; i++) {
            fs->bad = i;
            if (!stat_inline(fs, &fs->path[i], &fs->st[i])) {
                return false;
            }
            if (fs->err != 0) {
                return true;
            }
        }
        return true;
    case FS_ACCESS:
        fs->yes = true;
        return fs->mode == F_OK && (fs->effective || ids_are_real())
               && exists_inline(fs, &fs->path[0]);
    case FS_CWD:
        return cwd_inline(fs);
    default:
        return false;
    }
}

/* ---- by a worker ---- */

/* Now that it may take its time: what kind of device this is.  So that the
 * next question about it is answered at once. */
static void
learn_device(struct fs *fs, const struct fs_path *path, bool follow,
             const struct stat *st)
{
    struct stat seen;
    int fd = path->fd;
#ifdef O_PATH
    if (path->name != NULL) {
        fd = openat(path->dir, path->name,
                    O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
    }
    if (fd >= 0 && sys_fstat(fd, &seen) == 0 && seen.st_dev == st->st_dev) {
        fs->device = device_learn(fs->devices, fd, st);
    }
    if (path->name != NULL && fd >= 0) {
        (void)sys_close(fd);
    }
#else
    (void)seen;
    (void)fd;
    (void)follow;
#endif
}

static int
stat_path(struct fs *fs, unsigned char i)
{
    const struct fs_path *path = &fs->path[i];
    int rc = path->name == NULL
                 ? sys_fstat(path->fd, &fs->st[i])
                 : sys_fstatat(path->dir, path->name, fs->follow, &fs->st[i]);
    fs->bad = i;
    if (rc == 0) {
        learn_device(fs, path, fs->follow, &fs->st[i]);
    }
    return rc;
}

static int
run_stat(struct fs *fs)
{
    return stat_path(fs, 0);
}

static int
run_same(struct fs *fs)
{
    int rc = stat_path(fs, 0);
    return rc < 0 ? rc : stat_path(fs, 1);
}

static int
run_rename(struct fs *fs)
{
    return sys_renameat(fs->path[0].dir, fs->path[0].name, fs->path[1].dir,
                        fs->path[1].name);
}

static int
run_unlink(struct fs *fs)
{
    return sys_unlinkat(fs->path[0].dir, fs->path[0].name, 0);
}

static int
run_rmdir(struct fs *fs)
{
    return sys_unlinkat(fs->path[0].dir, fs->path[0].name, AT_REMOVEDIR);
}

static int
run_mkdir(struct fs *fs)
{
    return sys_mkdirat(fs->path[0].dir, fs->path[0].name, (mode_t)fs->mode);
}

static int
run_readlink(struct fs *fs)
{
    char *to = fs_grow(fs, PATH_MAX + 1);
    if (to == NULL) {
        return -ENOMEM;
    }
    ssize_t n;
    do {
        n = readlinkat(fs->path[0].dir, fs->path[0].name, to, PATH_MAX);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return -errno;
    }
    fs->size = (size_t)n;
    return 0;
}

static int
run_cwd(struct fs *fs)
{
    for (size_t room = 1024;; room *= 2) {
        char *to = fs_grow(fs, room);
        if (to == NULL) {
            return -ENOMEM;
        }
        if (getcwd(to, room) != NULL) {
            while (to[fs->size] != '\0') {
                fs->size++;
            }
            return 0;
        }
        if (errno != ERANGE) {
            return -errno;
        }
    }
}

static int
run_sendfile(struct fs *fs)
{
#ifdef FS_HAS_SENDFILE
    off_t offset = fs->offset;
    fs->moved = sendfile(fs->path[0].fd, fs->path[1].fd,
                         fs->has_offset ? &offset : NULL, fs->count);
    return fs->moved < 0 ? -1 : 0;
#else
    (void)fs;
    errno = ENOSYS;
    return -1;
#endif
}

static int
run_io(struct fs *fs)
{
    fs->io->job.kind = fs->job.kind; /* for those who help */
    fs->io->job.disk = fs->job.disk;
    io_run(&fs->io->job);
    return -fs->io->err;
}

/* Those that are one system call: -1 and errno, as that has it. */
static int
call_simple(struct fs *fs)
{
    const struct fs_path *path = &fs->path[0], *other = &fs->path[1];
    int nofollow = fs->follow ? 0 : AT_SYMLINK_NOFOLLOW;
    switch (fs->call) {
    case FS_STATVFS:
        return path->name != NULL ? statvfs(path->name, &fs->vfs)
                                  : fstatvfs(path->fd, &fs->vfs);
    case FS_ACCESS:
        return faccessat(path->dir, path->name, (int)fs->mode,
                         nofollow | (fs->effective ? AT_EACCESS : 0));
    case FS_LINK:
        if (path->dir == AT_FDCWD && other->dir == AT_FDCWD && fs->follow) {
            return link(path->name, other->name);
        }
        /* fall through */
    case FS_LINKAT:
        return linkat(path->dir, path->name, other->dir, other->name,
                      fs->follow ? AT_SYMLINK_FOLLOW : 0);
    case FS_SYMLINK:
        return symlinkat(path->name, other->dir, other->name);
    case FS_SENDFILE:
        return run_sendfile(fs);
    case FS_CHMOD:
        return fchmodat(path->dir, path->name, (mode_t)fs->mode, 0);
    case FS_CHOWN:
        return path->name != NULL ? fchownat(path->dir, path->name, fs->uid,
                                             fs->gid, nofollow)
                                  : fchown(path->fd, fs->uid, fs->gid);
    case FS_UTIME:
        return utimensat(path->dir, path->name, fs->times, nofollow);
    case FS_TRUNCATE:
        return path->name != NULL ? truncate(path->name, fs->offset)
                                  : ftruncate(path->fd, fs->offset);
    case FS_FSYNC:
        return fsync(path->fd);
    default: /* FS_FDATASYNC */
#ifdef __APPLE__
        return fsync(path->fd);
#else
        return fdatasync(path->fd);
#endif
    }
}

static int
run_simple(struct fs *fs)
{
    int rc;
    do {
        rc = sys_fault(SYS_NAMES) ? -1 : call_simple(fs);
    } while (rc < 0 && errno == EINTR);
    fs->yes = rc == 0;
    return rc < 0 ? -errno : 0;
}

/* Each: 0 or -errno. */
static int (*const fs_table[FS_CALLS])(struct fs *) = {
    [FS_STAT] = run_stat,
    [FS_EXISTS] = run_stat,
    [FS_SAME] = run_same,
    [FS_MOUNT] = fs_is_mount,
    [FS_STATVFS] = run_simple,
    [FS_ACCESS] = run_simple,
    [FS_RENAME] = run_rename,
    [FS_UNLINK] = run_unlink,
    [FS_RMDIR] = run_rmdir,
    [FS_MKDIR] = run_mkdir,
    [FS_LINK] = run_simple,
    [FS_LINKAT] = run_simple,
    [FS_SYMLINK] = run_simple,
    [FS_READLINK] = run_readlink,
    [FS_CWD] = run_cwd,
    [FS_LIST] = fs_list,
    [FS_WALK] = fs_list,
    [FS_MAKEDIRS] = fs_makedirs,
    [FS_REMOVEDIRS] = fs_removedirs,
    [FS_RENAMES] = fs_renames,
    [FS_SENDFILE] = run_simple,
    [FS_CHMOD] = run_simple,
    [FS_CHOWN] = run_simple,
    [FS_UTIME] = run_simple,
    [FS_TRUNCATE] = run_simple,
    [FS_FSYNC] = run_simple,
    [FS_FDATASYNC] = run_simple,
    [FS_COPY] = fs_copy,
    [FS_IO] = run_io,
};

/* Whether a call is about a name itself, not what a link of that name leads
 * to. */
static bool
names_entry(const struct fs *fs, int i)
{
    switch (fs->call) {
    case FS_RENAME:
    case FS_UNLINK:
    case FS_RMDIR:
    case FS_MKDIR:
    case FS_LINK:
    case FS_SYMLINK:
    case FS_READLINK:
    case FS_REMOVEDIRS:
    case FS_RENAMES:
        return true;
    case FS_LINKAT:
        return i == 1 || !fs->follow;
    default:
        return !fs->follow;
    }
}

/* Whether there is a path i, and a file system is asked about it. */
static bool
has_place(const struct fs *fs, int i)
{
    if (fs->call == FS_SYMLINK && i == 0) {
        return false; /* a text */
    }
    if (fs->path[i].name == NULL && fs->device != DEVICE_UNKNOWN) {
        return false; /* that of an open file, which is known */
    }
    return fs->path[i].name != NULL
           || (i == 0 ? fs->call != FS_CWD : fs->call == FS_SAME);
}

void
fs_place(struct fs *fs)
{
    /* The other end of a socket may take its time. */
    fs->hangs = fs->call == FS_SENDFILE;
    for (int i = 0; i < 2; i++) {
        const struct fs_path *path = &fs->path[i];
        if (has_place(fs, i)) {
            place_find(&fs->place[i], fs->devices,
                       path->name != NULL ? path->dir : path->fd, path->name,
                       !names_entry(fs, i));
            fs->hangs = fs->hangs || fs->place[i].kind == PLACE_HANGS;
        }
    }
    if (fs->call == FS_UNLINK || fs->call == FS_TRUNCATE) {
        fs->works = fs->place[0].large;
    }
}

/* A place that the loop thread did not know: whether it is one that may hang,
 * so that the job has to queue with its like. */
static bool
fs_is_strange(struct fs *fs)
{
    bool queued_so = fs->hangs;
    for (int i = 0; i < 2; i++) {
        if (fs->place[i].kind == PLACE_STRANGE) {
            place_learn(&fs->place[i], fs->devices);
            fs->hangs = fs->hangs || fs->place[i].kind == PLACE_HANGS;
        }
    }
    return fs->hangs && !queued_so;
}

void
fs_run(struct job *job)
{
    struct fs *fs = (struct fs *)job;
    fs->again = fs_is_strange(fs);
    if (fs->again) {
        return;
    }
    fs->size = fs->entries = 0;
    fs->bad = 0;
    fs->bad_len = 0;
    fs->yes = fs->early = false;
    fs->err = -fs_table[fs->call](fs);
}
