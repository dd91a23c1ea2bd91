/* fscopy.c - the bytes of one regular file into another, in slices.
 *
 * A worker's.  One run of the job opens both files if they are not open yet,
 * copies for a while, and closes them when it is at the end, or fails, or is
 * told to stop; otherwise they stay open for the next run.  Between two runs
 * the loop is told how far it is, and other jobs have their turn.
 *
 * Files that are not plainly two regular ones are not touched: what to do, or
 * which error it is, is for shutil to say.
 */
#include "fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "team.h"

/* Bytes that one call copies: within the kernel, and by way of a buffer.
 * Between two calls there is a look at whether to stop. */
#define COPY_PIECE  ((size_t)4 << 20)
#define COPY_BUFFER ((size_t)1 << 20)

/* The buffer lies in one large page where the file is worth the page; then
 * there are workers to share the work, who take such parts of it. */
#define COPY_HUGE  ((size_t)2 << 20)
#define COPY_PART  (COPY_HUGE / 4)
#define COPY_LARGE (4 * (off_t)COPY_HUGE)

/* How long a run of the job takes, in ns, if it is not at the end before. */
#define COPY_TURN 50000000LL

struct fs_copy *
fs_copy_new(void)
{
    struct fs_copy *copy = sys_alloc_zero(1, sizeof(*copy));
    if (copy != NULL) {
        atomic_init(&copy->stop, false);
        copy->from = copy->to = -1;
        copy->slice = SIZE_MAX;
        copy->stands = true;
    }
    return copy;
}

/* 0, or the error of closing what was written. */
static int
copy_close(struct fs_copy *copy)
{
    int from = copy->from, to = copy->to;
    /* First, so that the child of a fork that comes in between does not close
     * what has these numbers by then. */
    copy->from = copy->to = -1;
    free(copy->buffer);
    copy->buffer = NULL;
    if (from >= 0) {
        (void)sys_close(from);
    }
    return to < 0 ? 0 : sys_close(to);
}

void
fs_copy_free(struct fs_copy *copy)
{
    if (copy != NULL) {
        (void)copy_close(copy);
        free(copy);
    }
}

bool
fs_copy_is_open(const struct fs_copy *copy)
{
    return copy != NULL && (copy->from >= 0 || copy->to >= 0);
}

void
fs_copy_stop(struct fs_copy *copy)
{
    if (copy != NULL) {
        /* Alone it says all there is to say: no other memory goes with it. */
        atomic_store_explicit(&copy->stop, true, memory_order_relaxed);
    }
}

/* ---- both files ---- */

/* Open a file if it is a regular one: 0, or -1 if it is not for us.  A name is
 * looked at before, so that no FIFO loses its writer and no device starts to
 * work; what counts is the file that was opened, which cannot wait. */
static int
open_regular(const char *name, int flags, bool follow, int *fd,
             struct stat *st)
{
    int rc = sys_fstatat(AT_FDCWD, name, follow, st);
    if (rc == 0 ? !S_ISREG(st->st_mode) : !(flags & O_CREAT)) {
        return -1;
    }
    *fd = sys_open(name, flags | O_NONBLOCK | (follow ? 0 : O_NOFOLLOW), 0666);
    return *fd >= 0 && sys_fstat(*fd, st) == 0 && S_ISREG(st->st_mode) ? 0
                                                                       : -1;
}

/* As O_TRUNC has it, but that comes before we know which file it is.  A file
 * that is empty is left alone, though not its times: of one that was made
 * empty ext4 begins to write the data when it is closed, and close() waits. */
static int
copy_truncate(const struct fs_copy *copy, const struct stat *from,
              const struct stat *to)
{
    return to->st_size > 0 || from->st_size == 0 ? sys_ftruncate(copy->to, 0)
                                                 : 0;
}

static int
copy_open(struct fs *fs, struct fs_copy *copy)
{
    struct stat from, to;
    const char *source = fs->path[0].name, *target = fs->path[1].name;
    const int create = O_WRONLY | O_CREAT;
    if (open_regular(source, O_RDONLY, fs->follow, &copy->from, &from) < 0
        || open_regular(target, create, true, &copy->to, &to) < 0
        || (from.st_dev == to.st_dev && from.st_ino == to.st_ino)
        || copy_truncate(copy, &from, &to) < 0) {
        return -1;
    }
    copy->total = from.st_size;
    /* A file without a size may have bytes all the same, as those of /proc
     * do, which only reading tells. */
    copy->way = from.st_size > 0 ? COPY_CLONE : COPY_PLAIN;
    fs->device = device_learn(fs->devices, copy->from, &from);
    if (fs->device != DEVICE_SLOW && to.st_dev != from.st_dev) {
        fs->device = device_learn(fs->devices, copy->to, &to);
    }
    /* A server copies by itself; for tmpfs the kernel's way is shorter.  On a
     * disk large pieces cost less than what goes through the kernel's pipe,
     * page by page. */
    copy->unshared = fs->device == DEVICE_LOCAL || fs->device == DEVICE_STILL
                         ? COPY_PLAIN
                         : COPY_RANGE;
    return 0;
}

/* ---- bytes ---- */

/* All of it at once, by reference. */
static ssize_t
copy_clone(const struct fs_copy *copy)
{
    int rc = sys_clone(copy->to, copy->from);
    off_t size = rc < 0 ? rc : sys_lseek(copy->to, 0, SEEK_END);
    if (size > 0) {
        size = sys_lseek(copy->from, size, SEEK_SET);
    }
    return (ssize_t)size;
}

static int
copy_allocate(struct fs_copy *copy)
{
    void *room = NULL;
    const off_t least = 1 << 16;
    copy->room = COPY_BUFFER;
    if (copy->total >= COPY_LARGE) {
        if (posix_memalign(&room, COPY_HUGE, COPY_HUGE) != 0) {
            return -ENOMEM;
        }
        sys_advise_huge(room, COPY_HUGE);
    }
    else {
        if (copy->total < (off_t)COPY_BUFFER) {
            copy->room = (size_t)(copy->total < least ? least : copy->total);
        }
        room = sys_alloc(copy->room);
    }
    copy->buffer = room;
    return room == NULL ? -ENOMEM : 0;
}

struct shared_copy {
    const struct fs_copy *copy;
    atomic_size_t end;  /* up to here, or less, all bytes are copied */
    atomic_size_t most; /* and behind this none */
};

static void
shared_copy_part(void *work, size_t part)
{
    struct shared_copy *all = work;
    const struct fs_copy *copy = all->copy;
    size_t at = part * COPY_PART, stop = at + COPY_PART;
    struct iovec iov = {copy->buffer + at, COPY_PART};
    ssize_t got = sys_readv(copy->from, &iov, 1, copy->done + (off_t)at);
    for (ssize_t left = got; left > 0;) {
        iov.iov_base = copy->buffer + at;
        iov.iov_len = (size_t)left;
        ssize_t n = sys_writev(copy->to, &iov, 1, copy->done + (off_t)at);
        if (n <= 0) {
            break;
        }
        at += (size_t)n;
        left -= n;
    }
    size_t seen = atomic_load(&all->most);
    while (at > seen && !atomic_compare_exchange_weak(&all->most, &seen, at)) {
    }
    seen = atomic_load(&all->end);
    while (at < stop && at < seen
           && !atomic_compare_exchange_weak(&all->end, &seen, at)) {
    }
}

/* A buffer full by several workers: how many bytes, or -errno.  Whatever ends
 * it early is met again by the copy that goes on behind it; what lies beyond
 * goes, so that a copy which fails has left a beginning of the file. */
static ssize_t
copy_shared(struct fs_copy *copy, const struct job *job)
{
    struct shared_copy all = {.copy = copy};
    atomic_init(&all.end, COPY_HUGE);
    atomic_init(&all.most, 0);
    team_run(copy->pool, job, COPY_HUGE / COPY_PART, shared_copy_part, &all);
    size_t end = atomic_load(&all.end);
    copy->stands = false;
    if (end == COPY_HUGE) {
        return (ssize_t)end;
    }
    copy->pool = NULL;
    int rc = atomic_load(&all.most) > end
                 ? sys_ftruncate(copy->to, copy->done + (off_t)end)
                 : 0;
    return rc < 0 ? rc : (ssize_t)end;
}

/* Take the offsets to where the copy has come: 0 or -errno. */
static int
copy_stand(struct fs_copy *copy)
{
    off_t from = sys_lseek(copy->from, copy->done, SEEK_SET);
    off_t to = from < 0 ? from : sys_lseek(copy->to, copy->done, SEEK_SET);
    copy->stands = to >= 0;
    return to < 0 ? (int)to : 0;
}

static ssize_t
copy_plain(struct fs_copy *copy, const struct job *job)
{
    if (copy->buffer == NULL && copy_allocate(copy) < 0) {
        return -ENOMEM;
    }
    if (copy->pool != NULL && pool_processors(copy->pool) > 1
        && copy->total >= COPY_LARGE
        && copy->total - copy->done >= (off_t)COPY_HUGE) {
        ssize_t n = copy_shared(copy, job);
        if (n != 0) {
            return n;
        }
    }
    int rc = copy->stands ? 0 : copy_stand(copy);
    if (rc < 0) {
        return rc;
    }
    struct iovec iov = {copy->buffer, copy->room};
    ssize_t got = sys_readv(copy->from, &iov, 1, SYS_OFF_CURRENT);
    for (ssize_t left = got; left > 0;) {
        iov.iov_base = copy->buffer + (got - left);
        iov.iov_len = (size_t)left;
        ssize_t n = sys_writev(copy->to, &iov, 1, SYS_OFF_CURRENT);
        if (n < 0) {
            return n;
        }
        left -= n;
    }
    return got;
}

/* Some bytes more, 0 at the end, or -errno.  A way that fails, or comes to an
 * end, gives place to the next: reading and writing have the last word on
 * both, as not every file system is honest about the others. */
static ssize_t
copy_piece(struct fs_copy *copy, const struct job *job)
{
    for (;;) {
        enum copy_way next = COPY_PLAIN;
        ssize_t n;
        switch (copy->way) {
        case COPY_CLONE:
            n = copy_clone(copy);
            copy->way = next = n > 0 ? COPY_PLAIN : copy->unshared;
            break;
        case COPY_RANGE:
            n = sys_copy_range(copy->to, copy->from, COPY_PIECE);
            next = COPY_SEND;
            break;
        case COPY_SEND:
            n = sys_sendfile(copy->to, copy->from, COPY_PIECE);
            break;
        default:
            return copy_plain(copy, job);
        }
        if (n > 0) {
            return n;
        }
        copy->way = next;
    }
}

static long long
clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* 0, with copy->more if it is not at its end; or -errno. */
static int
copy_slice(struct fs_copy *copy, const struct job *job)
{
    long long end = clock_ns() + COPY_TURN;
    size_t left = copy->slice;
    for (;;) {
        if (atomic_load_explicit(&copy->stop, memory_order_relaxed)) {
            return -ECANCELED;
        }
        ssize_t n = copy_piece(copy, job);
        if (n <= 0) {
            return (int)n;
        }
        copy->done += n;
        if ((size_t)n >= left || clock_ns() >= end) {
            copy->more = true;
            return 0;
        }
        left -= (size_t)n;
    }
}

int
fs_copy(struct fs *fs)
{
    struct fs_copy *copy = fs->copy;
    bool stopped = atomic_load_explicit(&copy->stop, memory_order_relaxed);
    copy->more = false;
    if (!stopped && !fs_copy_is_open(copy) && copy_open(fs, copy) < 0) {
        copy->declined = true;
        (void)copy_close(copy);
        return 0;
    }
    int rc = copy_slice(copy, &fs->job);
    if (!copy->more) {
        int err = copy_close(copy);
        rc = rc < 0 ? rc : err;
    }
    return rc;
}
