/* exact.c - the buffer of built-in open, kept as it would be.
 *
 * Loop thread, with the GIL.  Where others see the descriptor of a binary file
 * that is read, its offset and content have to be what they would be: so the
 * buffer begins and ends where built-in open's would, and what is written into
 * the middle of it stays there, to be read again, until it is flushed.
 *
 *           from      wfrom       wto     pos             end
 *   ---------|----------|==========|-------|---------------|
 *            |          | not written yet  | read ahead    |
 *            |<-- at most bufsize bytes, but for what a ---|
 *                 cancelled read of a file that is only
 *                 read has left
 *
 * All indices are into rbuf.data.  The descriptor's offset is raw + rewind;
 * it is moved by distances, as there, so that it goes along when others move
 * it, or when the kernel appends.
 */
#include "exact.h"
#include "file.h"

void
exact_begin(FileObject *file)
{
    file->exact = file->shared && file->regular && file->seekable
                  && file->bufsize != 0 && file->text == NULL
                  && file->flags & MODE_READ;
    file->from = file->rbuf.pos;
    file->at = EXACT_STAY;
}

static off_t
exact_offset(const FileObject *file, size_t index)
{
    return file->raw + (off_t)index - (off_t)file->rbuf.end;
}

void
exact_reset(FileObject *file)
{
    off_t ahead = (off_t)buffer_avail(&file->rbuf);
    file->raw -= ahead;
    file->rewind += ahead;
    buffer_reset(&file->rbuf);
    file->from = file->wfrom = file->wto = 0;
    file->owes = file->filled = false;
}

void
exact_written(FileObject *file)
{
    if (!file->filled && buffer_avail(&file->rbuf) == 0) {
        exact_reset(file);
    }
}

/* ---- a private file becomes exact ---- */

/* The block at start is in rbuf, n bytes of it. */
static void
exact_install(FileObject *file, off_t position, off_t start, size_t n)
{
    struct buffer *rbuf = &file->rbuf;
    file->rewind = 0;
    if (position > start + (off_t)n) { /* it has been left by a seek */
        buffer_reset(rbuf);
        file->raw = position;
        return;
    }
    rbuf->end = n;
    rbuf->pos = (size_t)(position - start);
    file->raw = start + (off_t)n;
    file->filled = n > 0;
}

/* How much of the block at start is in io's buffer: not what has come behind
 * the end that it has met. */
static size_t
exact_block_size(const FileObject *file, off_t start)
{
    off_t n = file->end - start;
    return n >= 0 && n < (off_t)file->bufsize ? (size_t)n : file->bufsize;
}

int
exact_share(FileObject *file)
{
    struct buffer *rbuf = &file->rbuf;
    off_t start, limit, at = file_position(file);
    size_t shift;
    if (!file_block(file, &start, &limit)) {
        exact_reset(file);
        file->rewind = 0;
        return 0;
    }
    if (file->device < DEVICE_LOCAL) { /* a read might hang: what is there */
        if (file->raw > limit) {
            rbuf->end -= (size_t)(file->raw - limit);
            file->raw = limit;
        }
        return 0;
    }
    size_t size = exact_block_size(file, start);
    if (buffer_reserve(rbuf, size, &shift) < 0) {
        return -1;
    }
    buffer_reset(rbuf);
    struct iovec iov = {rbuf->data, size};
    ssize_t n = sys_readv(file->fd, &iov, 1, start);
    exact_install(file, at, start, n > 0 ? (size_t)n : 0);
    return 0;
}

/* Whether io would have bytes of the file behind the position. */
static bool
exact_is_due(const FileObject *file)
{
    off_t start, limit;
    return !file->shared && !file->writing && file->text == NULL
           && file->regular && file->seekable && file->bufsize != 0
           && file->flags & MODE_READ && file_block(file, &start, &limit)
           && file_position(file) < limit;
}

enum step
exact_adopt(OpObject *op)
{
    FileObject *file = op->file;
    off_t start, limit, at = file_position(file), off;
    enum step step;
    if (!exact_is_due(file)) {
        return STEP_DONE;
    }
    (void)file_block(file, &start, &limit);
    size_t size = exact_block_size(file, start);
    /* Until it is there whole it is kept beside the buffer, in an argument
     * that no write has. */
    if (op->arg[2] == NULL) {
        op->arg[2] = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
        if (op->arg[2] == NULL) {
            return STEP_ERROR;
        }
    }
    char *data = PyBytes_AS_STRING(op->arg[2]);
    if (!op->sized) {
        size_t n;
        step = file_read_at(op, data, size, start, op->arg[2], &n);
        if (step != STEP_DONE) {
            return step;
        }
        op->sized = true;
        op->left = (Py_ssize_t)n;
    }
    size_t shift, n = (size_t)op->left;
    if (at >= start + (off_t)n) {
        Py_CLEAR(op->arg[2]);
        op->sized = false;
        return STEP_DONE; /* the end of the file: nothing lies behind */
    }
    step = file_lseek(op, start + (off_t)n, SEEK_SET, &off);
    if (step != STEP_DONE) {
        return step;
    }
    buffer_reset(&file->rbuf);
    if (buffer_reserve(&file->rbuf, n, &shift) < 0) {
        file->raw = at;
        PyErr_NoMemory();
        return STEP_ERROR;
    }
    memcpy(file->rbuf.data, data, n);
    exact_install(file, at, start, n);
    Py_CLEAR(op->arg[2]);
    op->sized = false;
    file_set_blocking(file);
    file->threshold = file->bufsize;
    file->shared = true;
    exact_begin(file);
    file->from = 0;
    return STEP_DONE;
}

int
exact_reserve(FileObject *file, size_t n)
{
    struct buffer *rbuf = &file->rbuf;
    size_t shift, before = rbuf->pos - file->from;
    rbuf->pos = file->from;
    int rc = buffer_reserve(rbuf, n, &shift);
    file->from = rbuf->pos;
    rbuf->pos += before;
    file->wfrom -= file->owes ? shift : file->wfrom;
    file->wto -= file->owes ? shift : file->wto;
    return rc;
}

/* ---- getting rid of what is owed ---- */

bool
exact_owes(const FileObject *file)
{
    return file->owes && file->wto > file->wfrom;
}

int
exact_load(FileObject *file, size_t at, unsigned *steps)
{
    struct io *io = &file->io;
    off_t off = file->raw + file->rewind;
    *steps = IO_NOP;
    file->owes = exact_owes(file);
    if (file->owes) {
        size_t n = file->wto - file->wfrom;
        struct chunk *chunk = chunk_new(file->state, n);
        if (chunk == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        memcpy(chunk->room, file->rbuf.data + file->wfrom, n);
        chunk->len = n;
        io->chunks = chunk;
        io->off = SYS_OFF_CURRENT;
        io->once = false;
        io->rewind = off - exact_offset(file, file->wfrom);
        file->wflight = n;
        file->owed_out = true;
        *steps = io->rewind != 0 ? IO_WRITE | IO_REWIND : IO_WRITE;
        off = exact_offset(file, file->wto);
    }
    file->at = at;
    if (at != EXACT_STAY) {
        io->seek_off = exact_offset(file, at) - off;
        io->whence = SEEK_CUR;
        io->moves = false;
        *steps |= IO_LSEEK;
    }
    return 0;
}

void
exact_take_back(FileObject *file)
{
    size_t left = file->wflight - file->io.done;
    chunk_free_all(file->state, file->io.chunks); /* a copy: no Python runs */
    file->io.chunks = NULL;
    file->wflight = 0;
    file->owed_out = false;
    file->wfrom = file->wto - left;
    file->owes = left > 0;
    file->rewind = exact_offset(file, file->wfrom) - file->raw;
}

void
exact_placed(FileObject *file)
{
    if (file->io.err == 0) {
        off_t ahead = (off_t)(file->rbuf.end - file->at);
        file->raw = file->io.seek_off + ahead;
        file->rewind = -ahead;
    }
    file->at = EXACT_STAY;
}

/* Until no job is under way, nor what was written past the buffer. */
static enum step
exact_ready(OpObject *op)
{
    FileObject *file = op->file;
    if (file->busy) {
        return file_wait(op);
    }
    if (file->writing || file->wlen > 0 || file->werr != 0) {
        return file_drain(op);
    }
    return STEP_DONE;
}

enum step
exact_returned(OpObject *op)
{
    FileObject *file = op->file;
    enum step step = file_returned(op);
    if (step != STEP_BLOCK && file->io.steps & IO_WRITE) {
        file->werr = 0; /* it is raised here */
    }
    return step;
}

enum step
exact_sync(OpObject *op, size_t at)
{
    FileObject *file = op->file;
    unsigned steps;
    if (op->filling) {
        return exact_returned(op);
    }
    enum step step = exact_ready(op);
    if (step != STEP_DONE) {
        return step;
    }
    bool owes = exact_owes(file);
    if (!owes && at == EXACT_STAY) {
        return STEP_DONE;
    }
    if (owes && file_have_port(op) < 0) {
        return STEP_ERROR; /* before it is on its way */
    }
    if (exact_load(file, at, &steps) < 0) {
        return STEP_ERROR;
    }
    if (steps != IO_LSEEK || !file_meta_inline(file)) {
        op->filling = true;
        return file_submit(op, steps);
    }
    off_t off = sys_lseek(file->fd, file->io.seek_off, SEEK_CUR);
    if (off < 0) {
        file->at = EXACT_STAY;
        return file_oserror(file, (int)-off, false);
    }
    file->io.seek_off = off;
    file->io.err = 0;
    exact_placed(file);
    return STEP_DONE;
}

enum step
exact_flush(OpObject *op)
{
    enum step step = exact_sync(op, op->file->rbuf.pos);
    if (step == STEP_DONE) {
        exact_reset(op->file);
    }
    return step;
}

/* ---- reading ---- */

/* The operation goes past the buffer.  Where that can be written it stays as it
 * is until the operation takes, since a write after one that is cancelled goes
 * on in it; elsewhere what is before the position is gone. */
static void
exact_pass(OpObject *op)
{
    FileObject *file = op->file;
    op->synced = true;
    op->sum = (Py_ssize_t)buffer_avail(&file->rbuf);
    if (!(file->flags & MODE_WRITE)) {
        file->from = file->rbuf.pos;
    }
}

void
exact_give_up(OpObject *op)
{
    FileObject *file = op->file;
    if (!file->exact || !op->synced || !(op->kind->flags & OP_READS)
        || !(file->flags & MODE_WRITE)) {
        return;
    }
    off_t more = (off_t)(buffer_avail(&file->rbuf) - (size_t)op->sum);
    file->rbuf.end -= (size_t)more;
    file->raw -= more;
    file->rewind += more;
    file->unwanted = file->busy;
}

enum step
exact_before_fill(OpObject *op)
{
    FileObject *file = op->file;
    if (op->synced) {
        return exact_ready(op);
    }
    enum step step = file->flags & MODE_WRITE ? exact_sync(op, file->rbuf.end)
                                              : exact_ready(op);
    if (step == STEP_DONE) {
        exact_pass(op);
    }
    return step;
}

size_t
exact_whole_blocks(const OpObject *op, size_t n)
{
    size_t bufsize = op->file->bufsize, sum = (size_t)op->sum;
    return n <= sum ? 0 : (n - sum) / bufsize * bufsize;
}

size_t
exact_blocks_of_lines(const OpObject *op, size_t n)
{
    bool past = op->synced && !op->file->eof && n > (size_t)op->sum;
    return past ? exact_whole_blocks(op, n - 1) : EXACT_ALL;
}

size_t
exact_fill_size(const OpObject *op, size_t want)
{
    size_t block = op->file->bufsize;
    size_t got = buffer_avail(&op->file->rbuf) - (size_t)op->sum;
    size_t begun = got % block; /* where a read at once gave less */
    return (want + begun + block - 1) / block * block - begun;
}

enum step
exact_fill_into(OpObject *op, size_t len, bool once)
{
    const FileObject *file = op->file;
    size_t avail = buffer_avail(&file->rbuf);
    size_t sum = op->synced ? (size_t)op->sum : avail;
    if (len - sum > file->bufsize) {
        return file_fill_just(op, len > avail ? len - avail : 1);
    }
    if (once && sum > 0) {
        return exact_before_fill(op);
    }
    return file_fill(op, len > avail ? len - avail : 1);
}

size_t
exact_past_into(const OpObject *op, size_t len)
{
    size_t sum = (size_t)op->sum;
    bool direct = len - sum > op->file->bufsize;
    return direct || buffer_avail(&op->file->rbuf) == sum ? EXACT_ALL : 0;
}

void
exact_take(OpObject *op, size_t n, size_t past)
{
    FileObject *file = op->file;
    struct buffer *rbuf = &file->rbuf;
    size_t got = buffer_avail(rbuf) - (size_t)op->sum;
    size_t from = rbuf->pos + (size_t)op->sum + past;
    rbuf->pos += n;
    if (!op->synced) {
        file->filled |= n > 0; /* by peek() */
        return;
    }
    op->synced = false; /* nothing is left to be given up */
    file->filled = past != EXACT_ALL && got >= past;
    file->from = got > past ? from : rbuf->pos;
    assert(file->from <= rbuf->pos);
    if (rbuf->pos == rbuf->end && file->from == rbuf->pos) {
        buffer_reset(rbuf);
        file->from = 0;
    }
}

enum step
exact_peek(OpObject *op)
{
    FileObject *file = op->file;
    if (file->flags & MODE_WRITE && !op->synced) {
        enum step step = exact_flush(op);
        if (step != STEP_DONE) {
            return step;
        }
        exact_pass(op);
    }
    if (buffer_avail(&file->rbuf) > 0 && !op->filling) {
        return STEP_DONE;
    }
    return file_fill(op, 1);
}

/* ---- writing ---- */

static int
exact_put(FileObject *file, const char *data, size_t n)
{
    struct buffer *rbuf = &file->rbuf;
    size_t ahead = buffer_avail(rbuf);
    if (exact_reserve(file, n > ahead ? n - ahead : 0) < 0) {
        PyErr_NoMemory();
        return -1;
    }
    if (n > 0) {
        memcpy(rbuf->data + rbuf->pos, data, n);
    }
    if (!file->owes || file->wfrom > rbuf->pos) {
        file->wfrom = rbuf->pos;
    }
    rbuf->pos += n;
    if (!file->owes || file->wto < rbuf->pos) {
        file->wto = rbuf->pos;
    }
    file->owes = true;
    if (rbuf->pos > rbuf->end) {
        off_t more = (off_t)(rbuf->pos - rbuf->end);
        rbuf->end = rbuf->pos;
        file->raw += more;
        file->rewind -= more;
    }
    return 0;
}

enum step
exact_make_room(OpObject *op, size_t n)
{
    FileObject *file = op->file;
    if (!op->filling) {
        enum step step = exact_ready(op);
        if (step != STEP_DONE) {
            return step;
        }
        if (file_write_fits(file, file->rbuf.pos - file->from, n)) {
            return STEP_DONE;
        }
    }
    enum step step = exact_sync(op, EXACT_STAY);
    if (step != STEP_DONE) {
        return step;
    }
    if (exact_offset(file, file->rbuf.pos) != file->raw + file->rewind) {
        step = exact_sync(op, file->rbuf.pos);
    }
    if (step == STEP_DONE) {
        exact_reset(file);
    }
    return step;
}

int
exact_accept(FileObject *file, const char *data, size_t n, PyObject *owner)
{
    if (file_write_passes(file, n)) {
        return file_accept(file, data, n, owner);
    }
    return exact_put(file, data, n);
}
