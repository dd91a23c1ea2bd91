/* io.h - the jobs of a file: what a worker does for one trip.
 *
 * One trip does everything that is already known to be needed, in the order
 * of the bits of enum io_step, and stops at the first error.  The worker sees
 * this struct and the memory it points to, nothing else of the file.
 */
#ifndef AIOFILES_C_IO_H
#define AIOFILES_C_IO_H

#include <limits.h>
#include <stdint.h>

#include "device.h"
#include "job.h"
#include "place.h"
#include "sys.h"

enum io_step {
    IO_NOP = 0,
    IO_OPEN = 1 << 0,     /* path, flags, mode -> fd */
    IO_ADOPT = 1 << 1,    /* fd is given: a directory is an error */
    IO_REWIND = 1 << 2,   /* take rewind off the descriptor's offset */
    IO_WRITE = 1 << 3,    /* chunks, at off */
    IO_LSEEK = 1 << 4,    /* the descriptor's offset: seek_off, whence */
    IO_TRUNCATE = 1 << 5, /* to size */
    IO_FSYNC = 1 << 6,
    IO_SIZE = 1 << 7,     /* fstat -> size */
    IO_ISATTY = 1 << 8,   /* -> flag */
    IO_READ = 1 << 9,     /* into buf, at off */
    IO_MEASURE = 1 << 10, /* recode */
    IO_RECODE = 1 << 11,  /* recode */
    IO_CLOSE = 1 << 12,   /* also after an error */
    IO_UNLINK = 1 << 13   /* doomed; not after IO_OPEN has failed */
};

/* A run of bytes to be written: memory of our own, or another owner's. */
struct chunk {
    struct chunk *next;
    const char *data; /* room, or the owner's memory */
    size_t len;       /* bytes to write */
    size_t done;      /* of these, written */
    size_t cap;       /* size of room; 0 where owner is set */
    void *owner;      /* the object that data belongs to, or NULL */
    char room[];
};

struct io {
    struct job job; /* first: a job of ours is its struct io */
    unsigned steps;
    int fd;
    int err;   /* 0, or the errno of the step that failed */
    off_t off; /* SYS_OFF_CURRENT: the descriptor's own offset */

    const char *path; /* IO_OPEN; pinned by the owner */
    int flags;
    mode_t mode;
    /* a name that goes: by IO_UNLINK, or when what was opened turns out not to
     * be usable; or NULL */
    const char *doomed;
    int unlink_err;               /* IO_UNLINK: its errno, or 0; not in err */
    bool append;                  /* O_APPEND: the start offset is the end */
    struct device_table *devices; /* IO_OPEN, IO_ADOPT */
    struct place place;           /* the same: io_place() */
    bool hangs;                   /* the same: perhaps */
    /* out: nothing was done, but hangs is true; the job has to be queued with
     * its like */
    bool again;
    mode_t type;      /* out, of IO_OPEN and IO_ADOPT: st_mode, */
    unsigned blksize; /* st_blksize, */
    unsigned disk;    /* and device_disk() */
    bool due;         /* out: reading it has to note the time of access */
    bool seekable;
    enum device_class device;

    struct pool *pool;     /* whose workers may share what is large */
    struct recode *recode; /* IO_MEASURE, IO_RECODE */
    char *buf;             /* IO_READ */
    char *then; /* IO_READ: where its second half goes, or NULL: behind */
    size_t len;
    bool once;    /* one call is enough, be it short (pipes, raw files) */
    bool patient; /* IO_READ, IO_WRITE: move what can be moved at once */
    bool unready; /* out: that was not all, or nothing */
    bool eof;     /* out: a call returned 0 */

    struct chunk *chunks; /* IO_WRITE; advanced by the worker */

    off_t rewind;
    off_t seek_off; /* IO_LSEEK: in and out */
    bool moves;     /* IO_LSEEK: not just asking */
    int whence;
    off_t size;  /* IO_TRUNCATE in; IO_SIZE, IO_OPEN and IO_ADOPT out */
    int flag;    /* IO_ISATTY out */
    int held;    /* IO_OPEN: see io_open_name(), or -1 */
    size_t done; /* bytes moved by IO_READ or IO_WRITE */
};

/* Open, for reading, on the loop thread, if that cannot wait: IO_OPEN done,
 * or failed for want of descriptors (err), true.  Else false, and io->device
 * says what was learnt on the way, perhaps that the file is slow; or io->held
 * is what has opened a FIFO. */
bool io_open_inline(struct io *io);

/* Whether a read would note the time of access, going by the stat of a file:
 * as the kernel decides for relatime, the usual way to mount. */
bool io_is_due(const struct stat *st);

/* Find out, without waiting, whether IO_OPEN or IO_ADOPT may hang. */
void io_place(struct io *io, unsigned steps);

/* Whether workers would share it. */
bool io_is_shared(const struct io *io);

/* Run all the steps; what a worker does, or the caller where it may wait. */
void io_run(struct job *job);

#endif
