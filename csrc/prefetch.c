/* prefetch.c - the next results of read(n), read before they are asked for.
 *
 * Loop thread, with the GIL; a worker fills the blocks that are coming.  Where
 * data cannot be read at once, who reads block by block gets the very objects
 * that a worker has filled while he used the last ones: no copy out of a
 * buffer, and no waiting.  The blocks are a guess: the file's position and
 * buffer know nothing of them, and a read that is not the next of its size
 * has no use for them.
 */
#include "prefetch.h"

enum {
    PREFETCH_LEAST = 16 << 10, /* below it they go by the buffer */
    PREFETCH_MOST = 128 << 10,
    PREFETCH_JOB = 2, /* what one job reads */
    PREFETCH_LOW = 1  /* the next are sent for when so many are left */
};

struct prefetch {
    PyObject *ready[PREFETCH_LOW + PREFETCH_JOB]; /* bytes, in order */
    PyObject *coming[PREFETCH_JOB]; /* the job's, which is under way */
    unsigned ready_count, coming_count;
    size_t size; /* of each; 0: what is coming is not wanted any more */
    off_t off;   /* of the first that is ready, or coming */
};

static void
prefetch_clear(PyObject **blocks, unsigned *count)
{
    while (*count > 0) {
        --*count;
        Py_CLEAR(blocks[*count]);
    }
}

/* What was fetched is of no use any more. */
static void
prefetch_drop(struct prefetch *ahead)
{
    ahead->size = 0;
    prefetch_clear(ahead->ready, &ahead->ready_count);
}

void
prefetch_free(FileObject *file)
{
    struct prefetch *ahead = file->prefetch;
    if (ahead != NULL) {
        prefetch_clear(ahead->ready, &ahead->ready_count);
        prefetch_clear(ahead->coming, &ahead->coming_count);
        PyMem_Free(ahead);
        file->prefetch = NULL;
    }
}

bool
prefetch_is_coming(const FileObject *file)
{
    return file->prefetch != NULL && file->prefetch->coming_count > 0;
}

void
prefetch_end(FileObject *file, size_t done)
{
    struct prefetch *ahead = file->prefetch;
    unsigned whole = ahead->size == 0 ? 0 : (unsigned)(done / ahead->size);
    if (whole < ahead->coming_count) {
        /* The end, or an error: the read that comes meets it. */
        file->again = 0;
    }
    for (unsigned i = 0; i < whole; i++) {
        ahead->ready[ahead->ready_count++] = ahead->coming[i];
        ahead->coming[i] = NULL;
    }
    for (unsigned i = whole; i < ahead->coming_count; i++) {
        Py_CLEAR(ahead->coming[i]);
    }
    ahead->coming_count = 0;
}

bool
prefetch_is_wanted(const FileObject *file, size_t n)
{
    return n == file->again && n >= PREFETCH_LEAST && n <= PREFETCH_MOST
           && file->block != 0 && !(file->flags & MODE_WRITE)
           && file_ahead_helps(file);
}

/* New blocks for a job that begins at off: 0, or -1 with an exception. */
static int
prefetch_make(FileObject *file, size_t n, off_t off)
{
    struct prefetch *ahead = file->prefetch;
    if (ahead == NULL) {
        ahead = file->prefetch = PyMem_Calloc(1, sizeof(*ahead));
        if (ahead == NULL) {
            PyErr_NoMemory();
            return -1;
        }
    }
    if (ahead->size != n || ahead->off != off) {
        prefetch_drop(ahead);
        ahead->size = n;
        ahead->off = off;
    }
    while (ahead->coming_count < PREFETCH_JOB) {
        PyObject *block = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)n);
        if (block == NULL) {
            prefetch_clear(ahead->coming, &ahead->coming_count);
            return -1;
        }
        ahead->coming[ahead->coming_count++] = block;
    }
    return 0;
}

void
prefetch_start(OpObject *op, size_t n)
{
    FileObject *file = op->file;
    struct prefetch *ahead = file->prefetch;
    if (file->busy || !prefetch_is_wanted(file, n)
        || buffer_avail(&file->rbuf) > 0
        || (ahead != NULL && ahead->ready_count > PREFETCH_LOW)
        || prefetch_make(file, n, file->raw) < 0) {
        PyErr_Clear(); /* they are read when they are needed */
        return;
    }
    ahead = file->prefetch;
    file_aim_read(file, PyBytes_AS_STRING(ahead->coming[0]),
                  PyBytes_AS_STRING(ahead->coming[1]), PREFETCH_JOB * n,
                  ahead->off + (off_t)(ahead->ready_count * n));
    if (file_launch(op, IO_READ) < 0) {
        PyErr_Clear();
        prefetch_clear(ahead->coming, &ahead->coming_count);
    }
}

enum step
prefetch_take(OpObject *op, size_t n, PyObject **result)
{
    FileObject *file = op->file;
    struct prefetch *ahead = file->prefetch;
    if (ahead == NULL || ahead->size == 0) {
        return STEP_DONE;
    }
    if (ahead->size != n || ahead->off != file->raw
        || buffer_avail(&file->rbuf) > 0) {
        prefetch_drop(ahead);
        return STEP_DONE;
    }
    if (ahead->ready_count == 0 && prefetch_is_coming(file)) {
        file_reap(file, file->device >= DEVICE_LOCAL);
        if (prefetch_is_coming(file)) {
            return file_wait(op);
        }
    }
    if (ahead->ready_count == 0) {
        return STEP_DONE;
    }
    *result = ahead->ready[0];
    ahead->ready_count--;
    for (unsigned i = 0; i < ahead->ready_count; i++) {
        ahead->ready[i] = ahead->ready[i + 1];
    }
    ahead->ready[ahead->ready_count] = NULL;
    ahead->off += (off_t)n;
    op_charge(op, n);
    op->got = (Py_ssize_t)n;
    file_read_commit(op, false);
    prefetch_start(op, n);
    return STEP_DONE;
}
