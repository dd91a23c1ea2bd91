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

#include "team.h"

/* Bytes that one call copies: within the kernel, and by way of a buffer.
 * Between two calls there is a look at whether to stop. */
#define COPY_PIECE  ((size_t)4 << 20)
#define COPY_BUFFER ((size_t)1 << 20)

/* Two buffers lie in one large page where the file is worth the page. */
#define COPY_HUGE  (2 * COPY_BUFFER)
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

/* After each way both descriptors stand where the copy ends, for the next to
 * go on; but for the last of all, which reads a buffer ahead. */

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

/* What was read, all of it: its number, or -errno. */
static ssize_t
copy_write(const struct fs_copy *copy, char *from, size_t len)
{
    for (size_t done = 0; done < len;) {
        struct iovec iov = {from + done, len - done};
        ssize_t n = sys_writev(copy->to, &iov, 1, SYS_OFF_CURRENT);
        if (n < 0) {
            return n;
        }
        done += (size_t)n;
    }
    return (ssize_t)len;
}

static ssize_t
copy_read(const struct fs_copy *copy, char *to)
{
    struct iovec iov = {to, copy->room};
    return sys_readv(copy->from, &iov, 1, SYS_OFF_CURRENT);
}

/* Two workers: one writes what was read, the other reads on meanwhile. */
struct relay {
    const struct fs_copy *copy;
    ssize_t written, got;
};

static void
relay_part(void *work, size_t part)
{
    struct relay *relay = work;
    const struct fs_copy *copy = relay->copy;
    char *halves[2] = {copy->buffer, copy->buffer + copy->room};
    if (part == 0) {
        relay->written = copy_write(copy, halves[copy->second], copy->have);
    }
    else {
        relay->got = copy_read(copy, halves[!copy->second]);
    }
}

static ssize_t
copy_relayed(struct fs_copy *copy, const struct job *job)
{
    struct relay relay = {.copy = copy};
    if (copy->have == 0) {
        ssize_t got = copy->ended ? copy->end : copy_read(copy, copy->buffer);
        if (got <= 0) {
            return got;
        }
        copy->have = (size_t)got;
        copy->second = false;
    }
    team_run(copy->pool, job, 2, relay_part, &relay);
    if (relay.written < 0) {
        return relay.written;
    }
    /* What the reader has met comes after what was read before. */
    copy->ended = relay.got <= 0;
    copy->end = relay.got;
    copy->have = relay.got > 0 ? (size_t)relay.got : 0;
    copy->second = !copy->second;
    return relay.written;
}

static ssize_t
copy_plain(struct fs_copy *copy, const struct job *job)
{
    if (copy->buffer == NULL && copy_allocate(copy) < 0) {
        return -ENOMEM;
    }
    if (copy->total >= COPY_LARGE && copy->pool != NULL) {
        return copy_relayed(copy, job);
    }
    ssize_t got = copy_read(copy, copy->buffer);
    return got > 0 ? copy_write(copy, copy->buffer, (size_t)got) : got;
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

/* 0, with copy->more if it is not at its end; or -errno. */
static int
copy_slice(struct fs_copy *copy, const struct job *job)
{
    long long end = sys_clock() + COPY_TURN;
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
        if ((size_t)n >= left || sys_clock() >= end) {
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
