/* fill.c - how bytes come from the file: into its buffer, or past it.
 *
 * Loop thread, with the GIL.  What is missing is fetched by file_fill() into
 * the buffer, or, where the descriptor's own offset is not used and so nothing
 * can be lost, by file_read_direct() straight into the caller's object.
 */
#include "exact.h"
#include "file.h"
#include "linger.h"
#include "stream.h"
#include "text.h"

enum {
    READ_DIRECT_LEAST = 16 << 10, /* below it, through the buffer */
    READ_ASK_MOST = 128 << 10,    /* more is better fetched by a worker */
    FILL_ROOM_MOST = 64 << 20,    /* what is not there yet */
    FILL_MORE_LEAST = 64 << 10,   /* smaller ones stay in the heap */
    FILL_MORE_MOST = 31 << 20,    /* larger ones do not count for glibc */
    AHEAD_LEAST = 32 << 10 /* the block of a reader that is sequential */
};

void
file_drop_ahead(FileObject *file)
{
    struct buffer *rbuf = &file->rbuf;
    /* Text keeps what it has decoded of the chunks that it has taken. */
    size_t at = file->text != NULL ? file->text->end : rbuf->pos;
    off_t ahead = (off_t)(rbuf->end - at);
    file->raw -= ahead;
    if (file->shared && file->seekable) {
        file->rewind += ahead;
    }
    rbuf->end = at;
    if (file->text == NULL) {
        buffer_reset(rbuf);
    }
    else {
        file->text->till = 0;
    }
}

/* ---- filling the buffer ---- */

/* Whether a read of n bytes more, of a private file, ends in a block of
 * built-in open that has the end of the file in it.  Then that end is to be
 * met: should the file grow, others are to see what was read, and no more. */
static bool
fill_is_last(const FileObject *file, size_t n)
{
    off_t block = (off_t)file->bufsize;
    if (file->text != NULL || file->shared || !file->regular || block == 0) {
        return false;
    }
    off_t far = file->raw + (off_t)n - file->base;
    return file->base + (far + block - 1) / block * block > file->extent;
}

/* As much as is known to be left, and one byte more: or as built-in open has in
 * its buffer if that is less. */
static size_t
fill_to_end(const FileObject *file, size_t want)
{
    off_t left = file->extent + 1 - file->raw, most = (off_t)file->bufsize;
    most = most < FILE_BLOCK_MOST ? most : FILE_BLOCK_MOST;
    left = left < most ? left : most;
    return (off_t)want < left ? (size_t)left : want;
}

/* How much to read where want bytes are missing.  A descriptor whose offset
 * others may see is read in the blocks of built-in open; a raw file is never
 * read ahead. */
static size_t
fill_size(FileObject *file, size_t want)
{
    if (file->bufsize == 0 || (file->shared && file->text != NULL)) {
        return want;
    }
    if (file->shared) {
        size_t blocks = (want + file->bufsize - 1) / file->bufsize;
        return blocks * file->bufsize;
    }
    if (file->block < FILE_BLOCK_LEAST) {
        file->block = FILE_BLOCK_LEAST;
    }
    else if (file->block < FILE_BLOCK_MOST) {
        file->block *= 2;
    }
    want = want > file->block ? want : file->block;
    return fill_is_last(file, want) ? fill_to_end(file, want) : want;
}

/* One read that cannot wait; as sys_read_nowait. */
static ssize_t
read_inline(OpObject *op, char *buf, size_t len, off_t off)
{
    FileObject *file = op->file;
    struct iovec iov = {buf, len};
    ssize_t n = -EAGAIN;
    if (file_touches(file)) {
        return n;
    }
    bool at_hand = file->device == DEVICE_MEMORY;
    if (!at_hand && file->nowait) {
        n = sys_read_nowait(file->fd, &iov, 1, off);
        file->nowait = n != -EOPNOTSUPP;
    }
    if (!at_hand && !file->nowait) {
        n = -EAGAIN;
        at_hand = file->mapped && off != SYS_OFF_CURRENT
                  && resident_has(&file->resident, file->fd, off, len,
                                  &file->mapped);
    }
    if (at_hand) {
        n = sys_readv(file->fd, &iov, 1, off);
    }
    if (n >= 0) {
        op_raise_route(op, ROUTE_KERNEL);
        op_charge(op, (size_t)n * 2);
        linger_answered(op);
    }
    if (n == 0 && file->device == DEVICE_LOCAL) {
        file->touchy = true; /* should it grow */
    }
    return n;
}

ssize_t
file_read_inline(OpObject *op, char *buf, size_t len, off_t off)
{
    return file_data_inline(op->file) && len <= FILE_READ_INLINE
               ? read_inline(op, buf, len, off)
               : -EAGAIN;
}

/* Whether to ask again for len bytes, of which a read at once has said n. */
static bool
read_asks_again(OpObject *op, ssize_t n, size_t len)
{
    FileObject *file = op->file;
    return n == -EAGAIN && !file->shared && len <= READ_ASK_MOST
           && !file->touchy && file->nowait && linger_ask(op);
}

static off_t
read_offset(const FileObject *file)
{
    return file->shared ? SYS_OFF_CURRENT : file->raw;
}

enum step
file_returned(OpObject *op)
{
    FileObject *file = op->file;
    if (file->busy) {
        return file_wait(op);
    }
    op->filling = false;
    op->saw_end = file->io.eof && file->io.steps & IO_READ;
    file->eof = op->saw_end && file->io.done == 0;
    if (file->io.err == EAGAIN && file->io.steps & IO_READ) {
        op->would_block = true; /* to read() that is None */
        file->eof = file->io.done == 0;
        return STEP_DONE;
    }
    if (file->io.err != 0) {
        return file_oserror(file, file->io.err, false);
    }
    return STEP_DONE;
}

bool
file_ahead_helps(const FileObject *file)
{
    return file->regular && !file->shared && file->bufsize != 0
           && file->state->inline_io
           && (resident_is_absent(file->resident) || !file_data_inline(file));
}

/* Whether the next block is worth a job of its own while this one is used. */
static bool
ahead_is_wanted(const FileObject *file)
{
    return file->block >= AHEAD_LEAST && file_ahead_helps(file);
}

static enum step
fill_by_pool(OpObject *op, char *buf, size_t len, off_t off)
{
    struct io *io = &op->file->io;
    unsigned steps = IO_READ;
    file_aim_read(op->file, buf, NULL, len, off);
    if (op->file->rewind > 0) {
        io->rewind = op->file->rewind;
        steps |= IO_REWIND;
    }
    op->filling = true;
    op->file->ahead = ahead_is_wanted(op->file);
    enum step step = file_submit(op, steps);
    if (step == STEP_ERROR) {
        Py_CLEAR(op->file->target);
    }
    return step;
}

/* ---- reading ahead ---- */

void
file_fetch_ahead(OpObject *op)
{
    FileObject *file = op->file;
    struct buffer *rbuf = &file->rbuf;
    size_t at = file->text != NULL ? file->text->end : rbuf->pos, shift;
    if (rbuf->end - at > file->block) {
        return;
    }
    if (file->busy) {
        file_reap(file, false);
    }
    file->ahead = ahead_is_wanted(file) && !file->io.eof && file->io.err == 0;
    if (!file->ahead || file->busy || file->writing
        || rbuf->end - at > file->block) {
        return;
    }
    size_t size = fill_size(file, 1);
    int rc = buffer_reserve(rbuf, size, &shift);
    if (file->text != NULL) {
        text_shift(file->text, shift);
    }
    if (rc < 0) {
        return;
    }
    file_aim_read(file, rbuf->data + rbuf->end, NULL, size, file->raw);
    if (file_launch(op, IO_READ) < 0) {
        PyErr_Clear(); /* it is read when it is needed */
    }
}

/* file_returned for a fill; what has to come before one in an exact file is
 * none, and DONE with op->filling set. */
static enum step
fill_returned(OpObject *op)
{
    struct io *io = &op->file->io;
    if (!op->file->exact || io->steps & IO_READ) {
        return file_returned(op);
    }
    enum step step = exact_before_fill(op);
    op->filling = step == STEP_DONE;
    return step;
}

/* What a fill waits for before it begins.  What was being read ahead may come
 * with it. */
static enum step
fill_begin(OpObject *op)
{
    FileObject *file = op->file;
    if (file->exact) {
        return exact_before_fill(op);
    }
    if (file->busy) {
        file_reap(file, file->ahead && file->device >= DEVICE_LOCAL);
        if (file->busy) {
            return file_wait(op);
        }
    }
    return file->writing ? file_drain(op) : STEP_DONE;
}

/* Room for a read of size bytes.  Who keeps all that it reads gets room for all
 * that is left: to grow again and again moves the bytes. */
static size_t
fill_room(const OpObject *op, size_t size)
{
    const FileObject *file = op->file;
    off_t left = file->extent - file->raw;
    if (!op->keeps || left <= (off_t)size) {
        return size;
    }
    left += FILE_BLOCK_MOST; /* to meet the end */
    size_t room = left < FILL_ROOM_MOST ? (size_t)left : FILL_ROOM_MOST;
    return room > size ? room : size;
}

/* Room for so much, and more, which is not touched.  What is free at the end of
 * the heap glibc gives back to the system, to be fetched and cleared anew the next
 * time, if it is twice as much as the largest block that was a mapping by itself
 * and was freed.  This one is to be that; free behind the read will be it and the
 * str, of two bytes a character at the most, as a rule. */
static size_t
fill_more(const OpObject *op, size_t room)
{
    size_t held = buffer_avail(&op->file->rbuf), all = held + room;
    bool is_str = op->keeps && op->acc == NULL; /* and no list of lines */
    if (!is_str || all < FILL_MORE_LEAST || all >= FILL_MORE_MOST) {
        return room;
    }
    all = all < FILL_MORE_MOST / 5 * 2 ? all / 2 * 5 : FILL_MORE_MOST;
    return all - held;
}

/* As buffer_reserve. */
static int
fill_reserve(OpObject *op, size_t size, size_t *shift)
{
    struct buffer *rbuf = &op->file->rbuf;
    size_t room = fill_room(op, size), again = 0;
    int rc = buffer_reserve(rbuf, fill_more(op, room), shift);
    if (rc < 0) {
        rc = buffer_reserve(rbuf, room, &again);
        *shift += again;
    }
    return rc;
}

/* A read at once has come to raw.  One that gave less than it was to met the
 * end of the file there, unless that is known to lie behind; then the kernel
 * had no more of it at hand. */
static void
fill_met_end(FileObject *file, bool is_short)
{
    if (file->eof || (is_short && file->raw >= file->extent)) {
        file->end = file->raw;
    }
    if (!file->eof) {
        file_reached(file, file->raw);
    }
}

static enum step
fill(OpObject *op, size_t size)
{
    FileObject *file = op->file;
    size_t shift = 0;
    int rc = file->exact ? exact_reserve(file, size)
                         : fill_reserve(op, size, &shift);
    if (file->text != NULL) {
        text_shift(file->text, shift);
    }
    if (rc < 0) {
        PyErr_NoMemory();
        return STEP_ERROR;
    }
    if (file->end == file->raw && !file->shared) {
        file->base = file->high = file->raw; /* built-in open's is used up */
        file->end = -1;
    }
    char *room = file->rbuf.data + file->rbuf.end;
    if (file_data_inline(file) && size <= FILE_READ_INLINE
        && file->rewind == 0) {
        ssize_t n = read_inline(op, room, size, read_offset(file));
        if (n >= 0) {
            file->rbuf.end += (size_t)n;
            file->raw += n;
            file->eof = n == 0;
            fill_met_end(file, (size_t)n < size);
            return STEP_DONE;
        }
        if (n != -EAGAIN && n != -EOPNOTSUPP) {
            return file_oserror(file, (int)-n, false);
        }
        if (read_asks_again(op, n, size)) {
            return STEP_AGAIN;
        }
    }
    enum step step;
    if (file->stream && stream_fill(op, room, size, &step)) {
        return step;
    }
    return fill_by_pool(op, room, size, read_offset(file));
}

static enum step
fill_any(OpObject *op, size_t want, bool just)
{
    FileObject *file = op->file;
    enum step step;
    if (op->filling && !stream_is_unready(op)) {
        step = fill_returned(op);
        if (step != STEP_DONE || !op->filling) {
            return step;
        }
        op->filling = false;
    }
    if (op->saw_end) {
        file->eof = true;
        return STEP_DONE;
    }
    size_t end = file->rbuf.end;
    step = fill_begin(op);
    if (step != STEP_DONE || file->rbuf.end > end) {
        return step;
    }
    size_t block = file->block;
    if (!just) {
        want = file->exact ? exact_fill_size(op, want) : fill_size(file, want);
    }
    step = fill(op, want);
    if (step == STEP_AGAIN) {
        file->block = block; /* and the same size */
    }
    return step;
}

enum step
file_fill(OpObject *op, size_t want)
{
    return fill_any(op, want, false);
}

enum step
file_fill_just(OpObject *op, size_t want)
{
    return fill_any(op, want, true);
}

/* ---- reading past the buffer ---- */

bool
file_may_read_direct(const FileObject *file, size_t missing)
{
    size_t least = READ_DIRECT_LEAST;
    if (!file->regular || file->shared) {
        return false;
    }
    if (file->bufsize == 0) {
        return true;
    }
    if (missing < least && fill_is_last(file, missing)) {
        return false;
    }
    if (file->block == 0 && file_data_inline(file)) {
        return true;
    }
    if (file->block != 0 && file_ahead_helps(file)) {
        /* What is read ahead goes by the buffer. */
        least = FILE_BLOCK_MOST + 1;
    }
    return missing >= least;
}

enum step
file_read_direct(OpObject *op, char *dst, size_t len, PyObject *holder)
{
    FileObject *file = op->file;
    size_t avail = buffer_avail(&file->rbuf);
    if (op->filling) {
        enum step step = file_returned(op);
        if (step == STEP_BLOCK) {
            return step;
        }
        op->got += (Py_ssize_t)file->io.done;
        if (step != STEP_DONE || file->io.eof) {
            return step;
        }
    }
    if (file->busy) {
        return file_wait(op);
    }
    assert(!file->writing); /* read_drain() */
    if (op->got == 0 && avail > 0) {
        op->got = (Py_ssize_t)(avail < len ? avail : len);
        memcpy(dst, file->rbuf.data + file->rbuf.pos, (size_t)op->got);
        op_charge(op, (size_t)op->got);
    }
    /* One piece is read, and its end seen, in one step: many tasks that do so
     * at once do not all have their memory at the same time. */
    bool pieces = len > FILE_READ_INLINE && len < FILE_FOR_JOBS;
    while ((size_t)op->got < len) {
        size_t got = (size_t)op->got, piece = len - got;
        off_t off = file->raw + (off_t)(got - avail);
        if (pieces && piece > FILE_READ_INLINE) {
            piece = FILE_PIECE;
        }
        if (pieces && got > 0 && op_must_yield(op)) {
            return STEP_YIELD;
        }
        ssize_t n = file_read_inline(op, dst + got, piece, off);
        if (n == 0) {
            break;
        }
        if (n > 0) {
            op->got += n;
            continue;
        }
        if (n != -EAGAIN && n != -EOPNOTSUPP) {
            return file_oserror(file, (int)-n, false);
        }
        if (file_data_inline(file) && read_asks_again(op, n, len - got)) {
            return STEP_AGAIN;
        }
        Py_XSETREF(file->target, Py_NewRef(holder));
        return fill_by_pool(op, dst + got, len - got, off);
    }
    return STEP_DONE;
}

enum step
file_read_at(OpObject *op, char *dst, size_t len, off_t off, PyObject *holder,
             size_t *n)
{
    FileObject *file = op->file;
    if (op->filling) {
        *n = file->io.done;
        return file_returned(op);
    }
    if (file->busy) {
        return file_wait(op);
    }
    ssize_t got = file_read_inline(op, dst, len, off);
    *n = got < 0 ? 0 : (size_t)got;
    if (got >= 0) {
        return STEP_DONE;
    }
    if (got != -EAGAIN && got != -EOPNOTSUPP) {
        return file_oserror(file, (int)-got, false);
    }
    Py_XSETREF(file->target, Py_NewRef(holder));
    return fill_by_pool(op, dst, len, off);
}

void
file_read_commit(OpObject *op, bool end)
{
    FileObject *file = op->file;
    size_t avail = buffer_avail(&file->rbuf);
    size_t got = (size_t)op->got;
    if (file->block == 0) {
        file->block = 1; /* the next read is sequential */
    }
    if (got <= avail) {
        file->rbuf.pos += got;
    }
    else {
        file->raw += (off_t)(got - avail);
        buffer_reset(&file->rbuf);
    }
    if (end) {
        file_no_block(file);
    }
}

/* ---- what is left of the file ---- */

enum step
file_left(OpObject *op)
{
    FileObject *file = op->file;
    if (op->sized || !file->regular) {
        return STEP_DONE;
    }
    if (op->filling) {
        enum step step = file_returned(op);
        if (step != STEP_DONE) {
            return step;
        }
    }
    else if (file->busy) {
        return file_wait(op);
    }
    else if (file_meta_inline(file)) {
        struct stat st;
        int rc = sys_fstat(file->fd, &st);
        if (rc < 0) {
            return file_oserror(file, -rc, false);
        }
        file->io.size = st.st_size;
    }
    else {
        op->filling = true;
        return file_submit(op, IO_SIZE);
    }
    op->sized = true;
    if (file->io.size > file->raw && file->io.size < PY_SSIZE_T_MAX) {
        op->left = (Py_ssize_t)(file->io.size - file->raw);
    }
    return STEP_DONE;
}
