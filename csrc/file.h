/* file.h - the native file: its struct, its queue of operations, its job.
 *
 * One owner: all of it belongs to the loop thread (the holder of the GIL),
 * but for what `io` points to while a job is under way (`busy`), which is the
 * worker's.  At most one job of a file is under way, besides those that have
 * left its queue (`beside`).
 *
 * Positions.  `raw` is the offset of the byte behind rbuf.end; the logical
 * position is what file_position() says.  A `shared` file uses and moves the
 * kernel's offset of its descriptor and reads by the block sizes of built-in
 * open, since others can see them; any other file is read and written at
 * explicit offsets.
 */
#ifndef AIOFILES_C_FILE_H
#define AIOFILES_C_FILE_H

#include "buffer.h"
#include "io.h"
#include "op.h"
#include "resident.h"

/* open()'s mode, as bits. */
enum {
    MODE_READ = 1 << 0,
    MODE_WRITE = 1 << 1,
    MODE_APPEND = 1 << 2,
    MODE_CREATE = 1 << 3,   /* "x" */
    MODE_TRUNCATE = 1 << 4, /* "w" */
    MODE_TEXT = 1 << 5,
    MODE_PLUS = 1 << 6
};

struct text;
struct prefetch;
struct beside;

/* What bars the operations of a file. */
enum {
    BAR_CONVERSION = 1 << 0, /* a real object is about to take over */
    /* all but OP_ANSWERS: the offset that others see is on its way to where a
     * seek() that is gone wanted it, and what is in the buffer will not be
     * there */
    BAR_SEEK = 1 << 1
};

/* What becomes of the name that a file was made under. */
enum fate {
    FATE_STAYS,   /* nothing: all that is not temporary */
    FATE_UNNAMED, /* it has none, or had none any more when it was opened */
    FATE_CLOSE,   /* it goes when the file is closed */
    FATE_END      /* it goes when its context ends, or with the object */
};

typedef struct FileObject {
    PyObject_HEAD
    /* owned, in the order of file_tp_traverse */
    PyObject *name;     /* what .name gives */
    PyObject *mode;     /* text: what .mode gives */
    PyObject *loop;     /* the loop of open() */
    PyObject *executor; /* set by the user on one with a real object */
    PyObject *encoding; /* text: what .encoding gives */
    PyObject *errors;   /* text: what .errors gives */
    PyObject *newline;  /* text: as open() got it */
    PyObject *real;     /* the io object that took over, or NULL */
    PyObject *target;   /* bytes or memoryview that the job reads into */
    PyObject *path;     /* bytes that io.path points into, while opening */
    PyObject *watch;    /* stream.c: what waits for readiness, or NULL */
    PyObject *doomed;   /* bytes: the name that is to go, once it is there */

    ModuleState *state;           /* one of its users */
    struct OpObject *head, *tail; /* borrowed: operations; head is on */
    struct FileObject *busy_next, **busy_link; /* state->busy_files */
    struct beside *beside; /* borrowed: jobs beside the queue, by ->next */

    struct io io;                 /* the one job */
    struct buffer rbuf;           /* read, not yet returned */
    struct chunk *wfirst, *wlast; /* accepted, not yet handed over */
    size_t wlen;                  /* bytes in wfirst..wlast */
    size_t wflight;               /* bytes in the write under way */
    size_t wlook; /* wlen from which to look whether it is done */
    off_t woff;   /* while writing: offset of the first of wlen */
    off_t base;   /* where reading began, after open or seek */
    off_t high;   /* how far it came, before a seek in the buffer */
    /* where a block read since base has met the end of the file, or -1 */
    off_t end;
    off_t extent; /* at least so long the file has been: see beside.h */
    off_t raw;    /* otherwise: offset of the byte behind rbuf.end */
    /* shared: what the descriptor's offset is ahead of raw, since bytes read
     * ahead were dropped */
    off_t rewind;
    /* private: see held.c; of wlen, what io's buffer would still have */
    size_t held;
    size_t held_at; /* and where in it they end */
    size_t from;    /* exact: see exact.c, as are the next three */
    size_t wfrom, wto;
    size_t at;                 /* index that the lseek of the job goes to */
    struct text *text;         /* NULL for binary files */
    struct prefetch *prefetch; /* prefetch.c: what it has fetched, or NULL */
    struct resident *resident; /* resident.c: what it knows, or NULL */
    size_t bufsize;            /* that of built-in open; 0: raw */
    size_t threshold;          /* accepted bytes beyond it are handed over */
    size_t again;              /* n of the last read(n) */
    /* size of the last block read; 0: none since the file was opened or moved
     * in, 1: read directly */
    size_t block;
    int fd;                /* -1: not open */
    int werr;              /* errno of a write-behind, not yet raised */
    int buffering;         /* as open() got it */
    unsigned char flags;   /* MODE_* */
    unsigned char barred;  /* BAR_*: for these no step begins */
    unsigned char device;  /* enum device_class */
    unsigned char fate;    /* enum fate */
    unsigned serial;       /* of the job */
    unsigned disk;         /* of the job: see job.h */
    unsigned char touches; /* reads that went to the pool for that reason */
    bool touchy;     /* the next read may have to note the time of access */
    bool busy;       /* a job is under way */
    bool drained;    /* it is done, and in a batch that is being finished */
    bool left_alone; /* at exit its write was waited for in vain */
    bool ghost;      /* nobody refers to it, but for itself: see filejob.c */
    bool writing;    /* the position is woff + wlen */
    bool shared;     /* see above */
    bool sharing;    /* it will be, when the job under way is back */
    bool exact;      /* shared, and the buffer is kept by exact.c */
    bool owes;       /* exact: [wfrom, wto) is not written yet */
    bool filled;     /* exact: reading has begun io's buffer, not a write */
    bool owed_out;   /* exact: the write under way is that of these */
    bool unwanted;   /* exact: what the read under way gets is dropped */
    bool seekable;
    bool regular; /* S_ISREG */
    bool stream;  /* pipe, terminal, socket: waited for by the loop */
    bool nowait;  /* RWF_NOWAIT reads are worth a try, */
    bool mapped;  /* or else resident_has() is */
    bool closed;
    bool closefd;
    bool handed;    /* open() has given it to the user */
    bool eof;       /* the last fill gave nothing */
    bool ahead;     /* the next block may be fetched while this is used */
    bool temporary; /* of create(), and it has, or had, a name */
    /* O_NONBLOCK is set, which says nothing of a regular file; taken off
     * before others see the descriptor */
    bool nonblock;
} FileObject;

/* The greatest number of bytes that a file may owe the disk. */
enum { FILE_WRITE_BOUND = 1 << 20 };

/* How much is read in one copy where that is tried at once: a piece, and one
 * more to see the end.  A read that takes several pieces is tried, too, if it is
 * done before workers would be awake; what is not at hand goes to them. */
enum {
    FILE_PIECE = 1 << 20,
    FILE_READ_INLINE = FILE_PIECE + 1,
    FILE_FOR_JOBS = 8 << 20
};

/* Bytes that take a processor: what is written goes to the kernel's cache, and
 * a read may come from there if it is longer than one that is tried at once,
 * or, where none is tried, long enough to be worth the loop's waiting for it. */
enum {
    FILE_WRITE_WORKS = 16 << 10,
    FILE_READ_COPIES = 256 << 10,
    FILE_READ_WORKS = FILE_READ_INLINE + 1
};

/* How much is read at once where the reader is sequential. */
enum { FILE_BLOCK_LEAST = 8 << 10, FILE_BLOCK_MOST = 128 << 10 };

/* How far a line is looked for, in bytes, and how many characters are counted,
 * before the step does, which may give way. */
enum { FILE_TEXT_AT_HAND = 8 << 10 };

/* Length of the line at p, its end included, where that is among the first of n
 * bytes; else 0. */
static inline size_t
file_line_at_hand(const char *p, size_t n, char end)
{
    n = n < FILE_TEXT_AT_HAND ? n : FILE_TEXT_AT_HAND;
    const char *nl = memchr(p, end, n);
    return nl == NULL ? 0 : (size_t)(nl - p) + 1;
}

/* A buffer larger than this is not kept once it is empty. */
enum { FILE_KEEP_MOST = 32 << 10 };

/* From here on bytes are referred to, and not copied. */
enum { FILE_WRITE_REFERS = 16 << 10 };

/* What is gathered before it is handed over, where the user has not said. */
enum { FILE_WRITE_BLOCK = 64 << 10 };

int file_init(PyObject *module, ModuleState *state);

/* ---- filejob.c: the one job ---- */

/* Start the job of these steps; the caller has set their arguments in io, but
 * for IO_WRITE, which takes all that was accepted.  STEP_BLOCK or ERROR. */
enum step file_submit(OpObject *op, unsigned steps);

/* The same from outside of an operation, reporting to port: 0 or -errno.  The
 * file must not be busy. */
int file_start(FileObject *file, struct port *port, unsigned steps);

/* What IO_READ is to read, and where: see struct io. */
static inline void
file_aim_read(FileObject *file, char *buf, char *then, size_t len, off_t off)
{
    file->io.buf = buf;
    file->io.then = then;
    file->io.len = len;
    file->io.off = off;
    file->io.once = !file->regular;
}

/* Start it and do not wait: 0, or -1 with an exception. */
int file_launch(OpObject *op, unsigned steps);

/* The port of the running loop, borrowed, or NULL with an exception. */
struct port *op_port(OpObject *op);

/* Whether a job could report to the running loop: 0, or -1. */
int file_have_port(OpObject *op);

/* Wait for the job under way: STEP_BLOCK. */
enum step file_wait(OpObject *op);

/* With routes 1 and 2 off, an operation that may not need a job goes by way
 * of a worker all the same: STEP_BLOCK or ERROR. */
enum step file_hop(OpObject *op);

/* The operation that the job is for is gone: if no worker has the job yet, it
 * is taken back.  What was accepted for writing stays on its way, and what
 * comes next waits for a seek. */
void file_recall(FileObject *file);

/* Set an OSError, with the file's name if named; STEP_ERROR. */
enum step file_oserror(FileObject *file, int err, bool named);

/* ---- settle.c: its result, without waiting for the loop ---- */

/* Take the result of the job under way if it is done, or will be soon, from
 * inside of a step. */
void file_reap(FileObject *file, bool soon);

/* Without a loop: wait for the job under way and take its result. */
void file_settle(FileObject *file);

/* Write all that was accepted, and close if that is asked, on this thread;
 * an errno, or 0. */
int file_run_now(FileObject *file, unsigned steps);

/* ---- letgo.c: where nobody refers to the file any more ---- */

/* As file_settle for a file that nobody refers to any more, but not for long
 * where this thread runs a loop: whether it is done. */
bool file_settle_soon(FileObject *file);

/* The end of a file that was not closed; it must not be busy. */
void file_let_go(FileObject *file);

/* At exit: no buffered byte may be left in a job of a loop that is gone. */
void file_shutdown(ModuleState *state);

/* ---- common.c ---- */

/* What flush() does: DONE, BLOCK or ERROR. */
enum step file_flush(OpObject *op);

/* The descriptor is gone: so is what was kept for it. */
void file_mark_closed(FileObject *file);

/* ---- file.c ---- */

/* Offset of the next byte to be read or written, as tell() sees it. */
off_t file_position(const FileObject *file);

/* Whether a system call on this file's metadata, or on its data, may be made
 * on the loop thread. */
bool file_meta_inline(const FileObject *file);
bool file_data_inline(const FileObject *file);

/* Whether the next read has to note the time of access.  That is a write, and
 * may wait for the journal of a local disk, so a worker does it. */
bool file_touches(FileObject *file);

/* Whether the descriptor can be closed without waiting: the last one of a file
 * without a name gives its blocks back. */
bool file_close_inline(const FileObject *file);

/* Where the buffer of built-in open would begin, and end in a file that goes
 * on; false if it would have none.  For private files that are read. */
bool file_block(const FileObject *file, off_t *start, off_t *limit);

/* It would have none from here on. */
void file_no_block(FileObject *file);

/* Whether a read finds nothing in memory. */
bool file_is_drained(const FileObject *file);

/* Undo O_NONBLOCK, which opening at once has set. */
void file_set_blocking(FileObject *file);

/* From now on others may see the descriptor's offset (fileno).  Waits for a
 * job under way.  -1 with MemoryError, and nothing has changed, or with
 * RuntimeError from inside of a step of the file. */
int file_share(FileObject *file);

/* The same for a file that has no job under way, from inside of a step. */
int file_share_now(FileObject *file);

/* The same where an operation may be waiting. */
int file_share_settled(FileObject *file);

/* Whether a step of the file is running, whose code has called us: true, with
 * RuntimeError, as built-in buffers say it. */
bool file_is_reentered(FileObject *file);

/* Whether closing it is to remove its name, at once or still. */
static inline bool
file_is_doomed(const FileObject *file)
{
    return file->doomed != NULL && file->fate == FATE_CLOSE;
}

/* The byte before this offset has been read or written. */
static inline void
file_reached(FileObject *file, off_t off)
{
    if (file->extent < off) {
        file->extent = off;
    }
}

/* ---- open.c ---- */

/* The mode that FileIO gives itself: a new str. */
PyObject *file_raw_mode(unsigned flags);

/* ---- reference.c ---- */

/* A closed real io object with the file's kind, name and mode: new. */
PyObject *file_reference_closed(FileObject *file);

/* The call is not one that can succeed: let a real io object of the running
 * interpreter, in the same state, raise the error.  STEP_ERROR, or, where that
 * has an answer after all, STEP_ANSWERED. */
enum step file_reference_error(OpObject *op);

/* A check of the arguments has failed: the reference will say it.  That there
 * is no memory stays set, and is what the reference says then. */
void file_forget_refusal(void);
PyObject *file_reference_raise(FileObject *file, const char *name,
                               PyObject *args, PyObject *kwargs);

/* The same for a call without arguments, which only an open file answers. */
PyObject *file_refuse(FileObject *file, const char *name);

/* ---- convert.c ---- */

/* Turn the native file into one over a real io object, given back borrowed;
 * NULL with an exception. */
PyObject *file_convert(FileObject *file);

/* ---- fill.c ---- */

/* More bytes behind rbuf.end, want of them if they can be had in one go.
 * STEP_DONE: file->eof says whether nothing came.  Else BLOCK or ERROR. */
enum step file_fill(OpObject *op, size_t want);

/* The same in no larger blocks than that. */
enum step file_fill_just(OpObject *op, size_t want);

/* Whether to read ahead of one who is sequential: the kernel cannot say what
 * would not wait, so that each block costs a trip to a worker. */
bool file_ahead_helps(const FileObject *file);

/* Bytes have been taken: see whether to have the next ones fetched meanwhile.
 * At the end of a step: what is in the buffer may move. */
void file_fetch_ahead(OpObject *op);

static inline bool
file_is_to_read_ahead(const FileObject *file)
{
    return file->ahead && buffer_avail(&file->rbuf) <= file->block;
}

static inline void
file_read_ahead(OpObject *op)
{
    if (op->file->ahead) {
        file_fetch_ahead(op);
    }
}

/* How many bytes are behind raw, as far as fstat says: op->left.  Once an
 * operation. */
enum step file_left(OpObject *op);

/* The job that op submitted with op->filling set is back: STEP_DONE, or its
 * error. */
enum step file_returned(OpObject *op);

/* Forget the bytes read ahead: the position is the logical one. */
void file_drop_ahead(FileObject *file);

/* Whether the bytes may go straight into the caller's object: many, or those
 * of the first read after opening or seeking, which may be the only one, if
 * the next costs no trip to the pool. */
bool file_may_read_direct(const FileObject *file, size_t missing);

/* Fill dst, which holder keeps in place, from the buffered bytes and the file
 * until it is full or the file ends.  op->got counts; the file's position is
 * not moved: see file_read_commit. */
enum step file_read_direct(OpObject *op, char *dst, size_t len,
                           PyObject *holder);

/* Read what can be had at off without waiting; as sys_read_nowait, and -EAGAIN
 * also where this is not to be tried. */
ssize_t file_read_inline(OpObject *op, char *buf, size_t len, off_t off);

/* Read len bytes at off into memory that holder keeps, without moving the
 * position: DONE with their number in *n, BLOCK or ERROR. */
enum step file_read_at(OpObject *op, char *dst, size_t len, off_t off,
                       PyObject *holder, size_t *n);

/* The position moves behind the op->got bytes that file_read_direct gave; end:
 * there the file ends. */
void file_read_commit(OpObject *op, bool end);

/* ---- reading.c ---- */

/* The one optional size of a call; None is -1.  0, or -1 without an exception
 * for a call that the reference is to refuse. */
int op_size_given(OpObject *op, Py_ssize_t *n);

static inline int
op_size_arg(OpObject *op, Py_ssize_t *n)
{
    if (!op->given) {
        *n = -1;
        return 0;
    }
    return op_size_given(op, n);
}

/* Of readlines(), once: its hint is op->n, its list op->acc. */
enum step op_begin_lines(OpObject *op);

/* The position moves behind n of the buffered bytes; past as in exact_take. */
void file_advance(OpObject *op, size_t n, size_t past);

/* At most n of them, as the result; past as in exact_take.  DONE or ERROR; if
 * they are many also YIELD, and then op->phase is READ_TAKES and
 * file_take_on() takes the rest. */
enum step file_take_bytes(OpObject *op, size_t n, size_t past,
                          PyObject **result);
enum step file_take_on(OpObject *op, PyObject **result);

/* Phases of a read of bytes, besides its own. */
enum { READ_ALL = 2, READ_TAKES = 3 };

/* At the top of each step: a file that was converted, is closed or has not
 * the mode bits of need goes another way.  STEP_DONE: go on. */
enum step file_divert(OpObject *op);

static inline bool
file_is_native(const FileObject *file, unsigned need)
{
    return file->real == NULL && !file->closed && (file->flags & need) == need;
}

static inline enum step
file_begin(OpObject *op, unsigned need)
{
    return file_is_native(op->file, need) ? STEP_DONE : file_divert(op);
}

/* ---- seeking.c ---- */

/* lseek, inline or by a job: *out is the offset. */
enum step file_lseek(OpObject *op, off_t off, int whence, off_t *out);

/* Drop what was read ahead, and take the offset of a descriptor that others
 * see back to the position. */
enum step file_rewind(OpObject *op);

/* The position as tell() of the buffer gives it: a shared descriptor's offset
 * may have been moved by others. */
enum step file_true_position(OpObject *op, off_t *position);

/* ---- writing.c ---- */

struct chunk *chunk_new(ModuleState *state, size_t cap);
void chunk_free_all(ModuleState *state, struct chunk *chunks);
void chunk_clear_free_list(ModuleState *state);

/* Accept bytes for writing; owner, where given, is borrowed and holds them.
 * 0, or -1 with MemoryError. */
int file_accept(FileObject *file, const char *data, size_t n, PyObject *owner);

/* Whether as few as n bytes can be accepted in the middle of writing, and
 * nothing has to be looked at before and after: they are copied, and there is
 * room. */
static inline bool
file_write_at_hand(const FileObject *file, size_t n)
{
    const struct chunk *last = file->wlast;
    size_t then = file->wlen + n;
    return last != NULL && last->owner == NULL && n < FILE_WRITE_REFERS
           && last->len + n <= last->cap
           && (then <= file->threshold || then < file->wlook)
           && then + file->wflight < FILE_WRITE_BOUND && file->writing
           && (!file->busy || file->wflight > 0) && file->werr == 0
           && !file->shared && file->bufsize != 0;
}

/* Accept them then, as write() of count bytes or characters does: this number
 * as its result, or NULL, and no exception. */
static inline PyObject *
file_accept_at_hand(OpObject *op, const char *data, size_t n, size_t count)
{
    PyObject *result = NULL;
    if (file_write_at_hand(op->file, n)) {
        result = PyLong_FromSize_t(count);
    }
    if (result == NULL) {
        PyErr_Clear();
        return NULL;
    }
    int rc = file_accept(op->file, data, n, NULL);
    assert(rc == 0);
    (void)rc; /* NDEBUG */
    op_charge(op, n);
    return result;
}

/* The one argument of a call that has no other; else NULL. */
static inline PyObject *
op_only_arg(const OpObject *op)
{
    bool more = op->arg[1] != NULL || op->rest != NULL || op->kwargs != NULL;
    return more ? NULL : op->arg[0];
}

/* Hand over what was accepted once it is enough: STEP_DONE, or ERROR. */
enum step file_write_behind(OpObject *op);

/* Before bytes are accepted: earlier errors, the bound.  STEP_DONE: go on. */
enum step file_write_ready(OpObject *op);

/* Where others see the descriptor: a write of count bytes that does not fit
 * behind what the buffer holds finds that written before. */
enum step file_make_room(OpObject *op, Py_ssize_t count);

/* Until all that was accepted has been written.  STEP_DONE, BLOCK, ERROR. */
enum step file_drain(OpObject *op);

/* One item of writelines, or the argument of write. */
typedef enum step (*write_fn)(OpObject *op, PyObject *data, Py_ssize_t *count);

/* What was accepted cannot be given back, so the count that a write returns
 * is made before: 0, or -1.  And then given away; NULL with an exception. */
int write_promise(OpObject *op, Py_ssize_t count);
PyObject *write_count(OpObject *op, Py_ssize_t count);

/* Phase 2 of a write: what was accepted has to be in the file. */
enum step write_wait(OpObject *op);

/* Raise what the built-in write says of data it does not take: ERROR. */
enum step write_refuse(FileObject *file, PyObject *data);

/* writelines over any write function. */
enum step writelines_any(OpObject *op, write_fn write, PyObject **result);

/* ---- the methods ---- */

extern const struct op_kind file_kinds_common[];
extern const struct op_kind file_kinds_raw[];
extern const struct op_kind file_kinds_buffered[];
extern const struct op_kind file_kinds_reader[];
extern const struct op_kind file_kinds_lines[];
extern const struct op_kind file_kinds_seek[];
extern const struct op_kind file_kinds_placed[];
extern const struct op_kind file_kinds_write[];
extern const struct op_kind text_kinds_read[];
extern const struct op_kind text_kinds_write[];
extern const struct op_kind text_kinds_seek[];
extern const struct op_kind text_kinds_truncate[];
extern const struct op_kind file_kind_next_line;
extern const struct op_kind text_kind_next_line;

#endif
