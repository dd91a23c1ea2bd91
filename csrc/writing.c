/* writing.c - what is accepted for writing, and how it gets to the file.
 *
 * Loop thread, with the GIL.  Bytes that a write accepts go to a list of
 * chunks: few are copied, a large bytes object is referred to.  Once
 * they are more than a buffer's worth the list is handed to a worker and the
 * write is complete: what went wrong is raised by the next operation.  A file
 * owes the disk FILE_WRITE_BOUND bytes at most; then writes wait.
 */
#include "exact.h"
#include "file.h"
#include "processor.h"
#include "stream.h"
#include "text.h"

#include <stdlib.h>

enum {
    CHUNK_LEAST = 8 << 10,
    CHUNK_MOST = 64 << 10,
    CHUNKS_KEPT = 16,         /* of CHUNK_MOST: what one file may owe */
    OWN_AHEAD = 256,          /* bytes before they are written, */
    OWN_MOST = 1 << 10,       /* at a time: see chunk_own_ahead() */
    WRITE_COPY_MOST = 1 << 20 /* above, what may change is waited for */
};

/* Whole chunks are kept for the next file that writes much.  What a stream of
 * writes has in flight would else be given back to the kernel by free() and
 * faulted in again page by page, which costs more than the copy does. */
struct chunk *
chunk_new(ModuleState *state, size_t cap)
{
    struct chunk *chunk = cap == CHUNK_MOST ? state->free_chunks : NULL;
    if (chunk != NULL) {
        state->free_chunks = chunk->next;
        state->free_chunk_count--;
    }
    else if (cap <= (size_t)PY_SSIZE_T_MAX - sizeof(struct chunk)) {
        chunk = sys_alloc(sizeof(*chunk) + cap);
    }
    if (chunk != NULL) {
        chunk->next = NULL;
        chunk->data = chunk->room;
        chunk->len = chunk->done = 0;
        chunk->cap = cap;
        chunk->owner = NULL;
    }
    return chunk;
}

void
chunk_free_all(ModuleState *state, struct chunk *chunks)
{
    while (chunks != NULL) {
        struct chunk *chunk = chunks;
        chunks = chunk->next;
        PyObject *owner = chunk->owner;
        if (chunk->cap == CHUNK_MOST
            && state->free_chunk_count < CHUNKS_KEPT) {
            chunk->next = state->free_chunks;
            state->free_chunks = chunk;
            state->free_chunk_count++;
        }
        else {
            free(chunk);
        }
        Py_XDECREF(owner);
    }
}

void
chunk_clear_free_list(ModuleState *state)
{
    state->free_chunk_count = CHUNKS_KEPT; /* takes no more */
    chunk_free_all(state, state->free_chunks);
    state->free_chunks = NULL;
}

/* The file begins to owe bytes: its position is woff + wlen from now on. */
static void
write_begin(FileObject *file)
{
    if (!file->writing) {
        held_begin(file);
        file_drop_ahead(file);
        if (file->text != NULL) {
            if (text_begin_write(file) < 0) {
                PyErr_Clear(); /* no memory to keep what io may drop */
                text_forget(file->text);
            }
            buffer_reset(&file->rbuf);
        }
        file->writing = true;
        file->woff = file->raw;
        file->wlen = 0;
    }
}

static void
write_append(FileObject *file, struct chunk *chunk)
{
    if (file->wlast != NULL) {
        file->wlast->next = chunk;
    }
    else {
        file->wfirst = chunk;
    }
    file->wlast = chunk;
}

/* Small at first, so that a file which owes a line stays small. */
static size_t
chunk_next_size(const FileObject *file, size_t n)
{
    if (file->wlast != NULL || file->busy || n > CHUNK_MOST / 2) {
        return n > CHUNK_MOST ? n : CHUNK_MOST;
    }
    return n > CHUNK_LEAST ? n : CHUNK_LEAST;
}

/* A chunk that was used before has been read, on another processor, by the worker
 * that wrote it: each of its lines has to come back before it is written to, and
 * until then all other stores wait behind that one.  So they are asked for some
 * lines before, as many as n bytes take. */
static inline void
chunk_own_ahead(const struct chunk *chunk, size_t n)
{
    size_t at = chunk->len + OWN_AHEAD;
    size_t end = at + (n < OWN_MOST ? n : OWN_MOST);
    if (end <= chunk->cap) {
        for (; at < end; at += PROCESSOR_LINE) {
            processor_own(chunk->room + at);
        }
    }
}

int
file_accept(FileObject *file, const char *data, size_t n, PyObject *owner)
{
    write_begin(file);
    struct chunk *last = file->wlast;
    if (owner == NULL || n < FILE_WRITE_REFERS) {
        if (last == NULL || last->len + n > last->cap) {
            last = chunk_new(file->state, chunk_next_size(file, n));
            if (last == NULL) {
                PyErr_NoMemory();
                return -1;
            }
            write_append(file, last);
        }
        memcpy(last->room + last->len, data, n);
        last->len += n;
        if (file->state->can_own) {
            chunk_own_ahead(last, n);
        }
    }
    else {
        last = chunk_new(file->state, 0);
        if (last == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        last->data = data;
        last->len = n;
        last->owner = Py_NewRef(owner);
        write_append(file, last);
    }
    file->wlen += n;
    return 0;
}

static enum step
write_raise(FileObject *file)
{
    int err = file->werr;
    file->werr = 0;
    return file_oserror(file, err, false);
}

/* Hand over what was accepted, or wait until the stream has room for it. */
static enum step
write_submit(OpObject *op)
{
    return op->file->watch != NULL ? stream_wait(op)
                                   : file_submit(op, IO_WRITE);
}

enum step
file_write_ready(OpObject *op)
{
    FileObject *file = op->file;
    if (file->werr != 0) {
        return write_raise(file);
    }
    if (file->busy && file->wflight == 0) {
        return file_wait(op); /* for the read of a cancelled operation */
    }
    if (file->wlen + file->wflight < FILE_WRITE_BOUND) {
        return STEP_DONE;
    }
    return file->busy ? file_wait(op) : write_submit(op);
}

enum step
file_write_behind(OpObject *op)
{
    FileObject *file = op->file;
    if (file->wlen <= file->threshold || file->wlen < file->wlook) {
        return STEP_DONE;
    }
    if (file->busy) {
        /* A writer that never waits gives the loop no turn to hear of the end
         * of the write before, and the worker nothing to do. */
        file->wlook = file->wlen + FILE_WRITE_BLOCK;
        file_reap(file, false);
    }
    if (!file->busy && file->werr == 0 && file->watch == NULL) {
        struct port *port = op_port(op);
        if (port == NULL || file_hand_over(file, port) < 0) {
            PyErr_Clear(); /* the bytes are ours; a later one tries again */
        }
    }
    return STEP_DONE;
}

/* Until the list is empty; what text has not handed on to it stays. */
static enum step
write_list(OpObject *op)
{
    FileObject *file = op->file;
    if (file->busy) {
        return file_wait(op);
    }
    if (file->werr != 0) {
        return write_raise(file);
    }
    return file->wlen > 0 ? write_submit(op) : STEP_DONE;
}

enum step
file_drain(OpObject *op)
{
    FileObject *file = op->file;
    if (!file->busy && file->werr == 0 && file->text != NULL
        && text_pass_on(file) < 0) {
        return STEP_ERROR;
    }
    enum step step = write_list(op);
    if (step != STEP_DONE) {
        return step;
    }
    if (file->writing) {
        file->writing = false;
        file->raw = file->woff;
        file_no_block(file);
        held_forget(file);
    }
    return STEP_DONE;
}

/* ---- write() ---- */

static int
write_keep(FileObject *file, const char *data, Py_ssize_t n, PyObject *owner)
{
    return file->exact ? exact_accept(file, data, (size_t)n, owner)
                       : file_accept(file, data, (size_t)n, owner);
}

/* Accept the bytes of data.  *count is their number; -1 means that they may
 * change after the call and have to be written before it ends. */
static int
write_accept(FileObject *file, PyObject *data, Py_ssize_t *count)
{
    if (PyBytes_Check(data)) {
        *count = PyBytes_GET_SIZE(data);
        return write_keep(file, PyBytes_AS_STRING(data), *count, data);
    }
    PyObject *view = PyMemoryView_FromObject(data);
    if (view == NULL) {
        return -1;
    }
    Py_buffer *buf = PyMemoryView_GET_BUFFER(view);
    *count = buf->len;
    bool refer = buf->len > WRITE_COPY_MOST || file->bufsize == 0;
    int rc = write_keep(file, buf->buf, buf->len, refer ? view : NULL);
    Py_DECREF(view);
    return rc;
}

/* The number of bytes of data; -1, without an exception, if the built-in write
 * would not take it for bytes. */
static Py_ssize_t
write_size(PyObject *data)
{
    if (PyBytes_Check(data)) {
        return PyBytes_GET_SIZE(data);
    }
    Py_buffer view;
    if (PyUnicode_Check(data)
        || PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) < 0) {
        if (PyErr_Occurred()) {
            file_forget_refusal();
        }
        return -1;
    }
    Py_ssize_t n = view.len;
    PyBuffer_Release(&view);
    return n;
}

/* Raise what the built-in write says of an item it does not take. */
enum step
write_refuse(FileObject *file, PyObject *data)
{
    PyObject *args = PyErr_Occurred() ? NULL : PyTuple_Pack(1, data);
    if (args != NULL) {
        Py_XDECREF(file_reference_raise(file, "write", args, NULL));
        Py_DECREF(args);
    }
    return STEP_ERROR;
}

/* Whether what was accepted has to be in the file before the write ends:
 * since the caller may change it then, or since others see the descriptor and
 * built-in open has nothing left in its buffer after such a write. */
static bool
write_must_wait(const FileObject *file, PyObject *data, Py_ssize_t count)
{
    if (file->shared) {
        return file_write_passes(file, (size_t)count);
    }
    return !PyBytes_Check(data) && count > WRITE_COPY_MOST;
}

int
write_promise(OpObject *op, Py_ssize_t count)
{
    if (op->arg[1] != NULL) {
        return 0; /* writelines() returns none */
    }
    Py_XSETREF(op->acc, PyLong_FromSsize_t(count));
    op->taken = count;
    return op->acc == NULL ? -1 : 0;
}

PyObject *
write_count(OpObject *op, Py_ssize_t count)
{
    PyObject *made = op->acc;
    if (made == NULL || op->taken != count) {
        return PyLong_FromSsize_t(count); /* nothing was, or less */
    }
    op->acc = NULL;
    return made;
}

enum step
file_make_room(OpObject *op, Py_ssize_t count)
{
    FileObject *file = op->file;
    if (!file->shared || file->wlen == 0
        || file_write_fits(file, file->wlen, (size_t)count)) {
        return STEP_DONE;
    }
    return write_list(op);
}

enum step
write_wait(OpObject *op)
{
    enum step step = file_drain(op);
    op->phase = step == STEP_BLOCK ? 2 : 1;
    return step;
}

/* Before size bytes are accepted. */
static enum step
write_room(OpObject *op, Py_ssize_t size)
{
    FileObject *file = op->file;
    enum step step = file->writing ? STEP_DONE : exact_adopt(op);
    if (step != STEP_DONE) {
        return step;
    }
    if (file->exact) {
        return exact_make_room(op, (size_t)size);
    }
    step = file_write_ready(op);
    return step == STEP_DONE ? file_make_room(op, size) : step;
}

/* One write of a buffered file.  Phase 2: accepted, to be waited for. */
static enum step
write_buffered(OpObject *op, PyObject *data, Py_ssize_t *count)
{
    FileObject *file = op->file;
    if (op->phase == 2) {
        *count = op->n;
        return write_wait(op);
    }
    Py_ssize_t size = write_size(data);
    if (size < 0) {
        return write_refuse(file, data);
    }
    enum step step = write_room(op, size);
    if (step != STEP_DONE) {
        return step;
    }
    if (write_must_wait(file, data, size) && file_have_port(op) < 0) {
        return STEP_ERROR; /* before anything was accepted */
    }
    if (write_promise(op, size) < 0 || write_accept(file, data, count) < 0) {
        return STEP_ERROR;
    }
    op_charge(op, (size_t)*count);
    if (!file->shared) {
        held_write(file, (size_t)*count);
    }
    if (write_must_wait(file, data, *count)) {
        op->n = *count;
        return write_wait(op);
    }
    return file_write_behind(op);
}

/* One write of a raw file: a single system call, whose count is returned. */
static enum step
write_raw(OpObject *op, PyObject *data, Py_ssize_t *count)
{
    FileObject *file = op->file;
    if (op->phase == 2) {
        if (file->busy) {
            return file_wait(op);
        }
        if (file->wlen > 0 && file->werr == 0) { /* a stream was full */
            return write_submit(op);
        }
        op->phase = 1;
        if (file->werr != 0 && file->werr != EAGAIN) {
            return write_raise(file);
        }
        /* A descriptor in non-blocking mode may have no room: None. */
        *count = file->werr != 0    ? -1
                 : file->io.patient ? write_size(data)
                                    : (Py_ssize_t)file->io.done;
        file->werr = 0;
        return STEP_DONE;
    }
    if (write_size(data) < 0) {
        return write_refuse(file, data);
    }
    enum step step = file_drain(op);
    if (step != STEP_DONE) {
        return step;
    }
    Py_ssize_t size = write_size(data);
    if (size == 0) {
        *count = 0;
        return STEP_DONE;
    }
    if (file_have_port(op) < 0 || write_promise(op, size) < 0
        || write_accept(file, data, count) < 0) {
        return STEP_ERROR;
    }
    op->phase = 2;
    return file_submit(op, IO_WRITE);
}

static PyObject *
write_at_hand(OpObject *op)
{
    FileObject *file = op->file;
    PyObject *data = op_only_arg(op);
    if (data == NULL || !PyBytes_Check(data)
        || !file_is_native(file, MODE_WRITE)) {
        return NULL;
    }
    size_t n = (size_t)PyBytes_GET_SIZE(data);
    PyObject *count = file_accept_at_hand(op, PyBytes_AS_STRING(data), n, n);
    if (count != NULL) {
        held_write(file, n);
    }
    return count;
}

static enum step
write_step(OpObject *op, PyObject **result)
{
    FileObject *file = op->file;
    Py_ssize_t count = 0;
    enum step step = file_begin(op, MODE_WRITE);
    if (step != STEP_DONE) {
        return step;
    }
    if (op_only_arg(op) == NULL) {
        return file_reference_error(op);
    }
    step = file->bufsize == 0 ? write_raw(op, op->arg[0], &count)
                              : write_buffered(op, op->arg[0], &count);
    if (step != STEP_DONE) {
        return step;
    }
    *result = count < 0 ? Py_NewRef(Py_None) : write_count(op, count);
    return *result == NULL ? STEP_ERROR : STEP_DONE;
}

/* ---- writelines() ---- */

/* The next item in op->arg[1]; STEP_DONE with it NULL at the end. */
static enum step
writelines_next(OpObject *op)
{
    if (op->arg[1] == NULL) {
        op->arg[1] = PyIter_Next(op->acc);
        if (op->arg[1] == NULL && PyErr_Occurred()) {
            return STEP_ERROR;
        }
    }
    return STEP_DONE;
}

enum step
writelines_any(OpObject *op, write_fn write, PyObject **result)
{
    enum step step = text_begin(op, 0);
    if (step != STEP_DONE) {
        return step;
    }
    if (op->phase == 0) {
        PyObject *lines = op_only_arg(op);
        if (lines == NULL) {
            return file_reference_error(op);
        }
        op->acc = PyObject_GetIter(lines);
        if (op->acc == NULL) {
            return STEP_ERROR;
        }
        op->phase = 1;
    }
    for (;;) {
        Py_ssize_t count;
        step = writelines_next(op);
        if (step != STEP_DONE || op->arg[1] == NULL) {
            break;
        }
        if (!(op->file->flags & MODE_WRITE)) {
            return write_refuse(op->file, op->arg[1]);
        }
        step = write(op, op->arg[1], &count);
        if (step != STEP_DONE) {
            break;
        }
        Py_CLEAR(op->arg[1]);
        if (op_must_yield(op)) {
            return STEP_YIELD;
        }
    }
    if (step == STEP_DONE) {
        *result = Py_NewRef(Py_None);
    }
    return step;
}

static enum step
writelines_step(OpObject *op, PyObject **result)
{
    return writelines_any(
        op, op->file->bufsize == 0 ? write_raw : write_buffered, result);
}

const struct op_kind file_kinds_write[] = {
    {"write", write_step, write_at_hand, OP_WRITES | OP_CHANGES,
     "write($self, buffer, /)\n--\n\n"
     "Write the bytes of buffer; returns their number.\n\n"
     "A buffered file takes them and writes behind: an error of the device\n"
     "is raised by a later operation, by flush() or close() at the latest."},
    {"writelines", writelines_step, NULL, OP_WRITES | OP_CHANGES,
     "writelines($self, lines, /)\n--\n\n"
     "Write each item of an iterable; no line ends are added."},
    {"_room", stream_room_step, NULL, 0,
     "_room($self, /)\n--\n\n"
     "Wait until a write would find room, and write nothing."},
    {NULL, NULL, NULL, 0, NULL},
};
