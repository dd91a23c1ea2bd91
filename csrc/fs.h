/* fs.h - calls of os: what a worker does for one of them.
 *
 * A whole call is one trip: a directory is read to its end, a tree of
 * directories is made, and what is learnt of the device is kept.  The worker
 * sees this struct and the names that it points to, nothing else.
 */
#ifndef AIOFILES_C_FS_H
#define AIOFILES_C_FS_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/statvfs.h>
#include <time.h>

#include "device.h"
#include "job.h"
#include "place.h"
#include "sys.h"

enum fs_call {
    FS_STAT,    /* st[0] */
    FS_EXISTS,  /* whether there is such a file: no error */
    FS_SAME,    /* st[0], st[1]: two files */
    FS_MOUNT,   /* yes: path is where a file system is mounted */
    FS_STATVFS, /* vfs */
    FS_ACCESS,  /* yes */
    FS_RENAME,
    FS_UNLINK,
    FS_RMDIR,
    FS_MKDIR,
    FS_LINK, /* of a link itself, as link(2) has it, unless by linkat(2) */
    FS_LINKAT,
    FS_SYMLINK,
    FS_READLINK, /* data: the target, size bytes */
    FS_CWD,      /* data: the name, size bytes */
    FS_LIST,     /* data: entries, see fs_entry_next */
    /* the same, and what a link leads to; unless follow is set, yes: the path
     * is itself a link */
    FS_WALK,
    FS_MAKEDIRS, /* data: traces, as with the next two */
    FS_REMOVEDIRS,
    FS_RENAMES,
    FS_SENDFILE, /* moved */
    FS_CHMOD,
    FS_CHOWN,
    FS_UTIME,
    FS_TRUNCATE,
    FS_FSYNC,
    FS_FDATASYNC,
    FS_COPY, /* copy; again, if that has more */
    FS_IO,   /* io, for an open file */
    FS_CALLS
};

/* A file, by its name or by a descriptor. */
struct fs_path {
    const char *name; /* pinned by the owner; NULL: fd is the file */
    size_t len;
    int fd;
    int dir; /* where a relative name starts; AT_FDCWD */
};

/* A step of a tree: mkdir or rmdir of the first len bytes of a path. */
struct fs_trace {
    unsigned char path; /* index of fs.path */
    bool removes;
    size_t len;
};

/* How bytes are copied; each gives place to the next. */
enum copy_way {
    COPY_CLONE, /* the file system lets both share them (FICLONE) */
    COPY_RANGE, /* copy_file_range(2) */
    COPY_SEND,  /* sendfile(2) */
    COPY_PLAIN  /* read and write */
};

/* A copy under way, from one run of its job to the next. */
struct fs_copy {
    atomic_bool stop; /* loop thread, at any time; the worker looks */
    /* read-only once submitted: bytes after which a run ends, roughly;
     * SIZE_MAX: by time alone */
    size_t slice;
    struct pool *pool; /* read-only once submitted: it helps; or NULL */
    /* the worker's while RUNNING, the loop thread's after */
    int from, to; /* open between two runs; else -1 */
    enum copy_way way;
    enum copy_way unshared; /* the way that comes after COPY_CLONE */
    off_t done;             /* bytes */
    off_t total;            /* the size of the source, when it was opened */
    bool more;              /* not at the end: run the job again */
    bool declined;          /* not two regular files: nothing was done */
    char *buffer;           /* COPY_PLAIN; malloc'ed, or NULL */
    size_t room;            /* of it, or of each half of it */
    size_t have;            /* bytes read, and not written yet, */
    bool second;            /* in its second half */
    bool ended;             /* reading on has given end: 0 or -errno */
    ssize_t end;
};

struct io;

struct fs {
    struct job job; /* first: a job of ours is its struct fs */

    /* what is asked: read-only once submitted */
    enum fs_call call;
    bool follow;     /* links at the end of the path */
    bool exist_ok;   /* FS_MAKEDIRS */
    bool effective;  /* FS_ACCESS: by the effective ids */
    bool has_offset; /* FS_SENDFILE: else that of the descriptor */
    unsigned mode;   /* also what FS_ACCESS asks for */
    uid_t uid;       /* FS_CHOWN */
    gid_t gid;
    off_t offset;             /* FS_SENDFILE; FS_TRUNCATE: the size */
    size_t count;             /* FS_SENDFILE */
    struct timespec times[2]; /* FS_UTIME */
    struct device_table *devices;
    struct fs_path path[2];
    struct fs_copy *copy; /* FS_COPY: owned by the owner of this */
    struct io *io;        /* FS_IO: the same */
    bool works;           /* it moves many bytes */

    /* where it leads: fs_place(); the worker's while RUNNING */
    struct place place[2];
    bool hangs; /* perhaps */
    bool again; /* nothing was done: it may hang, and was not queued so */

    /* the answer: the worker's while RUNNING, the loop thread's after */
    int err;                  /* 0 or an errno */
    unsigned char bad;        /* index of the path that failed */
    size_t bad_len;           /* of the part of its name that did; 0: all */
    enum device_class device; /* as far as it is known */
    bool yes;
    bool early; /* FS_LIST: a descriptor that is no open file */
    ssize_t moved;
    char *data;     /* malloc'ed; the owner frees it */
    size_t size;    /* bytes of data */
    size_t room;    /* bytes allocated */
    size_t entries; /* FS_LIST */
    struct stat st[2];
    struct statvfs vfs;
};

/* What the loop thread can answer without waiting: true, and the answer or
 * err is there.  false: submit it; fs->device is what was learnt. */
bool fs_try_inline(struct fs *fs);

/* Find out, without waiting, whether it may hang: before the first submit. */
void fs_place(struct fs *fs);

/* Do it, or say that it has to be queued again: for a worker, or a caller that
 * may wait and has not asked for its place. */
void fs_run(struct job *job);

/* ---- fslist.c ---- */

/* An entry of a directory, as FS_LIST keeps it; type is a DT_ constant. */
struct fs_entry {
    uint64_t ino;
    const char *name; /* len bytes, and a zero; in fs.data */
    size_t len;
    unsigned char type;
    bool ascii;
    bool leads; /* a directory; for FS_WALK also a link to one */
};

/* The entry at offset *at of data, and *at moved behind it. */
struct fs_entry fs_entry_next(const char *data, size_t *at);

/* Room for n more bytes at the end of data: where they go, or NULL. */
char *fs_grow(struct fs *fs, size_t n);

/* FS_LIST, FS_WALK: 0 or -errno. */
int fs_list(struct fs *fs);

/* ---- fscopy.c ---- */

/* One that is not begun; NULL: no memory. */
struct fs_copy *fs_copy_new(void);

/* Free it, and close what it still has open, which may wait; NULL is fine.
 * No worker has it. */
void fs_copy_free(struct fs_copy *copy);

/* Whether it needs another run to be closed.  No worker has it. */
bool fs_copy_is_open(const struct fs_copy *copy);

/* Have the run under way, or the next one, do nothing more than close both
 * files.  Loop thread. */
void fs_copy_stop(struct fs_copy *copy);

/* FS_COPY: 0 or -errno. */
int fs_copy(struct fs *fs);

/* ---- fstree.c: 0 or -errno ---- */

int fs_makedirs(struct fs *fs);
int fs_removedirs(struct fs *fs);
int fs_renames(struct fs *fs);
int fs_is_mount(struct fs *fs);

#endif
