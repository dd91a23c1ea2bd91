/* io.c - the steps of a file's job, as a worker runs them.
 *
 * Any thread, no Python.  A destructor or an exiting process may run them in
 * the place of a worker.
 */
#include "io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "known.h"
#include "ready.h"
#include "recode.h"
#include "team.h"

enum { IO_IOV = 64 };

/* Seconds after which the time of access is noted anyway. */
enum { DUE_EVERY = 24 * 3600 };

static bool
is_not_after(const struct timespec *access, const struct timespec *change)
{
    return access->tv_sec < change->tv_sec
           || (access->tv_sec == change->tv_sec
               && access->tv_nsec <= change->tv_nsec);
}

bool
io_is_due(const struct stat *st)
{
    return is_not_after(&st->st_atim, &st->st_mtim)
           || is_not_after(&st->st_atim, &st->st_ctim)
           || time(NULL) - st->st_atim.tv_sec >= DUE_EVERY;
}

static void
io_take_stat(struct io *io, const struct stat *st)
{
    io->type = st->st_mode;
    io->blksize = (unsigned)st->st_blksize;
    io->disk = device_disk(st);
    io->size = st->st_size;
    io->due = io_is_due(st);
}

/* What is to be known of a descriptor that becomes a file's: 0 or -errno. */
static int
io_inspect(struct io *io)
{
    struct stat st;
    int rc = sys_fstat(io->fd, &st);
    if (rc < 0) {
        return rc;
    }
    if (S_ISDIR(st.st_mode)) {
        return -EISDIR;
    }
    io_take_stat(io, &st);
    io->device = device_learn(io->devices, io->fd, &st);
    off_t off = sys_lseek(io->fd, 0, io->append ? SEEK_END : SEEK_CUR);
    io->seekable = off >= 0;
    io->off = off >= 0 ? off : SYS_OFF_CURRENT;
    io->flag = S_ISCHR(io->type) ? sys_isatty(io->fd) : 0;
    return 0;
}

/* Whether it may hang after all: by what the loop thread did not know. */
static bool
io_is_strange(struct io *io)
{
    if (io->hangs) {
        return false; /* or so it was queued */
    }
    if (io->place.kind == PLACE_STRANGE) {
        place_learn(&io->place, io->devices);
        io->hangs = io->place.kind == PLACE_HANGS;
    }
    if (!io->hangs && io->steps & IO_OPEN && !io->place.found
        && !(io->flags & O_EXCL)) {
        io->hangs = place_look(io->devices, io->path);
    }
    return io->hangs;
}

/* Where a FIFO has taken the name of a file, the loop thread has opened it with
 * O_NONBLOCK, as io->held.  That has let a writer go on which waited for a
 * reader, so the FIFO is not opened again but waited for here. */
static int
io_open_name(struct io *io)
{
    int held = io->held;
    if (held < 0) {
        return sys_open(io->path, io->flags, io->mode);
    }
    io->held = -1;
    ready_await_writer(held);
    (void)fcntl(held, F_SETFL, io->flags); /* without O_NONBLOCK */
    return held;
}

static int
io_open(struct io *io)
{
    io->again = io_is_strange(io);
    if (io->again) {
        return -EAGAIN;
    }
    if (io->steps & IO_OPEN) {
        int fd = io_open_name(io);
        if (fd < 0) {
            return fd;
        }
        io->fd = fd;
    }
    int rc = io_inspect(io);
    if (rc < 0 && (io->steps & IO_OPEN)) {
        (void)sys_close(io->fd);
        io->fd = -1;
        if (io->doomed != NULL) {
            (void)sys_unlinkat(AT_FDCWD, io->doomed, 0);
        }
    }
    return rc;
}

/* Look at the file by a descriptor that opens nothing.  Only a regular file
 * of a device known to be local goes on: to open any other may wait. */
static bool
io_probe(struct io *io, struct stat *st)
{
    uint64_t mount = 0;
    int fd = sys_open_cached(io->path, O_PATH);
    if (fd < 0) {
        io->err = fd == -EMFILE || fd == -ENFILE ? -fd : 0;
        return false;
    }
    int rc = sys_stat_cached(fd, st, &mount);
    (void)sys_close(fd);
    if (rc < 0 || !S_ISREG(st->st_mode)) {
        return false;
    }
    io->device = device_lookup(io->devices, device_key(st, mount));
    return io->device >= DEVICE_LOCAL;
}

/* Open what has been looked at: the descriptor, or -1. */
static int
io_open_probed(struct io *io, uint64_t name, struct stat *st)
{
    struct stat probed;
    uint64_t mount;
    if (!io_probe(io, &probed)) {
        return -1;
    }
    /* O_NONBLOCK: should a FIFO have taken the name meanwhile. */
    int fd = sys_open_cached(io->path, io->flags | O_NONBLOCK);
    if (fd < 0) {
        return -1;
    }
    if (sys_stat_cached(fd, st, &mount) < 0 || st->st_ino != probed.st_ino
        || st->st_dev != probed.st_dev) {
        (void)sys_close(fd);
        return -1;
    }
    known_note(name, mount);
    return fd;
}

/* Open a name that is known, and look at what that has opened: the descriptor,
 * or -errno. */
static int
io_open_known(struct io *io, uint64_t name, struct stat *st)
{
    uint64_t mount;
    int fd = sys_open_on_root(io->path, io->flags | O_NONBLOCK);
    if (fd < 0) {
        return fd;
    }
    int rc = sys_stat_cached(fd, st, &mount);
    if (rc == 0 && S_ISREG(st->st_mode)) {
        io->device = device_lookup(io->devices, device_key(st, mount));
        if (io->device >= DEVICE_LOCAL) {
            return fd;
        }
    }
    known_forget(name);
    if (rc == 0 && S_ISFIFO(st->st_mode)) {
        io->held = fd;
        return -EOPNOTSUPP;
    }
    (void)sys_close(fd);
    return -EAGAIN;
}

bool
io_open_inline(struct io *io)
{
    struct stat st;
    uint64_t name = known_name(io->path);
    io->device = DEVICE_UNKNOWN;
    io->err = 0;
    bool known = known_is(name);
    int fd = known ? io_open_known(io, name, &st) : -EAGAIN;
    if (fd < 0 && io->held < 0) {
        /* With RESOLVE_CACHED, to leave the mount is EAGAIN or EXDEV. */
        bool leaves = known && (fd == -EAGAIN || fd == -EXDEV);
        fd = io_open_probed(io, name, &st);
        if (fd >= 0 && leaves) {
            known_refuse(name);
        }
    }
    if (fd < 0) {
        return io->err != 0;
    }
    io_take_stat(io, &st);
    io->fd = fd;
    io->off = 0;
    io->seekable = true;
    io->flag = 0;
    return true;
}

void
io_place(struct io *io, unsigned steps)
{
    bool opens = steps & IO_OPEN;
    place_find(&io->place, io->devices, opens ? AT_FDCWD : io->fd,
               opens ? io->path : NULL, !(io->flags & O_NOFOLLOW));
    io->hangs = io->place.kind == PLACE_HANGS
                || (opens && (io->place.fifo || io->held >= 0));
}

/* The bytes of the chunks that are not written yet, as an iovec. */
static int
io_gather(const struct chunk *chunk, struct iovec *iov)
{
    int n = 0;
    for (; chunk != NULL && n < IO_IOV; chunk = chunk->next) {
        if (chunk->done < chunk->len) {
            iov[n].iov_base = (void *)(chunk->data + chunk->done);
            iov[n].iov_len = chunk->len - chunk->done;
            n++;
        }
    }
    return n;
}

static void
io_advance(struct chunk *chunk, size_t n)
{
    for (; n > 0; chunk = chunk->next) {
        size_t part = chunk->len - chunk->done;
        part = part < n ? part : n;
        chunk->done += part;
        n -= part;
    }
}

static int
io_write(struct io *io)
{
    struct iovec iov[IO_IOV];
    int rc = 0;
    for (;;) {
        int niov = io_gather(io->chunks, iov);
        if (niov == 0) {
            break;
        }
        ssize_t n = io->patient ? ready_write(io->fd, iov, niov)
                                : sys_writev(io->fd, iov, niov, io->off);
        if (n == -EAGAIN && io->patient) {
            io->unready = true;
            break;
        }
        if (n <= 0) {
            rc = n < 0 ? (int)n : -EIO; /* a write of nothing: no progress */
            break;
        }
        io_advance(io->chunks, (size_t)n);
        io->done += (size_t)n;
        if (io->off != SYS_OFF_CURRENT) {
            io->off += n;
        }
        if (io->once) {
            break;
        }
    }
    return rc;
}

/* From SHARE_LEAST on a read goes by parts, shared by workers: as many bytes
 * as a large page has, so that no two of them fault the same one in. */
enum { SHARE_PART = 2 << 20, SHARE_LEAST = 2 * SHARE_PART };

struct shared_read {
    struct io *io;
    atomic_size_t end; /* up to here, or less, all bytes may have been read */
};

static void
shared_read_part(void *work, size_t part)
{
    struct shared_read *all = work;
    const struct io *io = all->io;
    size_t at = part * SHARE_PART, stop = at + SHARE_PART;
    stop = stop < io->len ? stop : io->len;
    while (at < stop) {
        struct iovec iov = {io->buf + at, stop - at};
        ssize_t n = sys_readv(io->fd, &iov, 1, io->off + (off_t)at);
        if (n <= 0) {
            size_t end = atomic_load(&all->end);
            while (at < end
                   && !atomic_compare_exchange_weak(&all->end, &end, at)) {
            }
            break;
        }
        at += (size_t)n;
    }
}

/* Whatever ends it early, an error or the end of the file, is met again by
 * the read that goes on behind it. */
static void
io_read_shared(struct io *io)
{
    struct shared_read all = {.io = io};
    atomic_init(&all.end, io->len);
    sys_advise_huge(io->buf, io->len);
    team_run(io->pool, &io->job, (io->len + SHARE_PART - 1) / SHARE_PART,
             shared_read_part, &all);
    io->done = atomic_load(&all.end);
    io->off += (off_t)io->done;
}

/* Where the bytes that are still to be read go. */
static int
io_room(const struct io *io, struct iovec iov[2])
{
    size_t first = io->then != NULL ? io->len / 2 : io->len;
    int n = 0;
    if (io->done < first) {
        iov[n++] = (struct iovec){io->buf + io->done, first - io->done};
    }
    if (io->then != NULL) {
        size_t done = io->done > first ? io->done - first : 0;
        iov[n++] = (struct iovec){io->then + done, io->len - first - done};
    }
    return n;
}

static bool
io_reads_shared(const struct io *io)
{
    return io->len >= SHARE_LEAST && io->off != SYS_OFF_CURRENT && !io->once;
}

bool
io_is_shared(const struct io *io)
{
    return io->steps & (IO_MEASURE | IO_RECODE)
           || (io->steps & IO_READ && io_reads_shared(io));
}

static int
io_read(struct io *io)
{
    if (io_reads_shared(io)) {
        io_read_shared(io);
    }
    while (io->done < io->len) {
        struct iovec iov[2];
        int niov = io_room(io, iov);
        ssize_t n = io->patient ? ready_read(io->fd, iov)
                                : sys_readv(io->fd, iov, niov, io->off);
        if (n == -EAGAIN && io->patient) {
            io->unready = true;
            break;
        }
        if (n < 0) {
            return (int)n;
        }
        if (n == 0) {
            io->eof = true;
            break;
        }
        io->done += (size_t)n;
        if (io->off != SYS_OFF_CURRENT) {
            io->off += n;
        }
        if (io->once) {
            break;
        }
    }
    return 0;
}

static int
io_lseek(struct io *io)
{
    off_t off = sys_lseek(io->fd, io->seek_off, io->whence);
    if (off < 0) {
        return (int)off;
    }
    io->seek_off = off;
    return 0;
}

/* The steps between opening and closing: 0 or -errno of the first failure. */
static int
io_steps(struct io *io)
{
    int rc = 0;
    if (io->steps & (IO_OPEN | IO_ADOPT)) {
        rc = io_open(io);
    }
    if (rc == 0 && io->steps & IO_REWIND) {
        off_t off = sys_lseek(io->fd, -io->rewind, SEEK_CUR);
        rc = off < 0 ? (int)off : 0;
    }
    if (rc == 0 && io->steps & IO_WRITE) {
        rc = io_write(io);
    }
    if (rc == 0 && io->steps & IO_LSEEK) {
        rc = io_lseek(io);
    }
    if (rc == 0 && io->steps & IO_TRUNCATE) {
        rc = sys_ftruncate(io->fd, io->size);
    }
    if (rc == 0 && io->steps & IO_FSYNC) {
        rc = sys_fsync(io->fd);
    }
    if (rc == 0 && io->steps & IO_SIZE) {
        struct stat st;
        rc = sys_fstat(io->fd, &st);
        io->size = st.st_size;
    }
    if (rc == 0 && io->steps & IO_ISATTY) {
        io->flag = sys_isatty(io->fd);
    }
    if (rc == 0 && io->steps & IO_READ) {
        rc = io_read(io);
    }
    if (rc == 0 && io->steps & IO_MEASURE) {
        recode_measure(io->recode, io->pool, &io->job);
    }
    if (rc == 0 && io->steps & IO_RECODE) {
        recode_write(io->recode, io->pool, &io->job);
    }
    return rc;
}

void
io_run(struct job *job)
{
    struct io *io = (struct io *)job;
    io->done = 0;
    io->eof = io->unready = false;
    int rc = io_steps(io);
    if (io->steps & IO_CLOSE) {
        int closed = sys_close(io->fd);
        rc = rc < 0 ? rc : closed;
    }
    io->unlink_err = 0;
    if (io->steps & IO_UNLINK && (rc == 0 || !(io->steps & IO_OPEN))) {
        io->unlink_err = -sys_unlinkat(AT_FDCWD, io->doomed, 0);
    }
    io->err = -rc;
}
