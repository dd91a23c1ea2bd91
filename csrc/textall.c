/* textall.c - read() of all that is left of a text file.
 *
 * Loop thread, with the GIL.  All of it is read into the buffer.  If it is
 * large it is measured, this thread makes the str, and that is filled: the two
 * goes of recode.h.  Each is a job, or is done here, part by part with the
 * loop's turns between, where that takes no longer than the trips would.  The
 * buffer is the file's until the end, so that an operation which is gone in
 * between has lost nothing.
 */
#include "recode.h"

#include "bulk.h"
#include "text.h"

/* Phases of read() beyond those of textread.c. */
enum { LARGE_MEASURE = 3, LARGE_WRITE };

/* Bytes from which on workers decode what is not ASCII. */
enum { WIDE_FOR_JOBS = 2 << 20 };

/* A byte counts as so many that are copied, so that the clock is looked at after
 * each part. */
enum { LARGE_COST = 4 };

static bool
large_is(const FileObject *file)
{
    const struct text *text = file->text;
    return text_is_contiguous(file)
           && file->rbuf.end - text->cur >= TEXT_LARGE;
}

void
text_drop_recode(struct text *text)
{
    if (text->recode != NULL) {
        recode_free(text->recode);
        PyMem_Free(text->recode);
        text->recode = NULL;
    }
}

static bool
large_is_for_jobs(const OpObject *op)
{
    const struct recode *r = op->file->text->recode;
    return !op->state->inline_io || r->n >= FILE_FOR_JOBS
           || (r->max > 0x7F && r->n >= WIDE_FOR_JOBS);
}

static enum step
large_submit(OpObject *op, unsigned steps)
{
    FileObject *file = op->file;
    file->io.recode = file->text->recode;
    Py_XSETREF(file->target, Py_XNewRef(op->acc)); /* as long as the job is */
    op->filling = true;
    enum step step = file_submit(op, steps);
    if (step == STEP_ERROR) {
        Py_CLEAR(file->target);
    }
    return step;
}

/* One of the two goes: as a job, with these steps, or here by next().  Measured
 * here to be no ASCII, all of it is by a job. */
static enum step
large_go(OpObject *op, unsigned steps, bool (*next)(struct recode *))
{
    FileObject *file = op->file;
    bool more = true;
    if (op->filling) {
        return file_returned(op);
    }
    while (more) {
        if (large_is_for_jobs(op)) {
            return large_submit(op, steps);
        }
        if (op_must_yield(op)) {
            return STEP_YIELD;
        }
        more = next(file->text->recode) && !file->text->recode->bad;
        op_charge(op, (size_t)LARGE_COST * RECODE_PART);
    }
    return STEP_DONE;
}

static int
large_begin(OpObject *op)
{
    static const enum recode_from from[] = {
        [CODEC_UTF8] = RECODE_UTF8,
        [CODEC_ASCII] = RECODE_ASCII,
        [CODEC_LATIN1] = RECODE_LATIN1,
    };
    FileObject *file = op->file;
    struct text *text = file->text;
    text_drop_recode(text); /* of an operation that is gone */
    struct recode *r = text->recode = PyMem_Calloc(1, sizeof(*r));
    if (r == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    r->src = file->rbuf.data + text->cur;
    r->n = file->rbuf.end - text->cur;
    r->from = from[text->codec];
    r->universal = text->universal;
    r->translate = text->translate;
    r->known = text->lim - text->cur;
    if (recode_plan(r) < 0) {
        PyErr_NoMemory();
        return -1;
    }
    op->phase = LARGE_MEASURE;
    return 0;
}

/* The str, which is to be filled. */
static int
large_make(OpObject *op)
{
    FileObject *file = op->file;
    struct recode *r = file->text->recode;
    if (r->chars > (size_t)PY_SSIZE_T_MAX / 4) {
        PyErr_NoMemory();
        return -1;
    }
    PyObject *str = PyUnicode_New((Py_ssize_t)r->chars, r->max);
    if (str == NULL && buffer_trim(&file->rbuf)) {
        PyErr_Clear();
        r->src = file->rbuf.data + file->text->cur;
        str = PyUnicode_New((Py_ssize_t)r->chars, r->max);
    }
    if (str == NULL) {
        return -1;
    }
    r->dst = PyUnicode_DATA(str);
    r->width = (int)PyUnicode_KIND(str);
    Py_XSETREF(op->acc, str);
    op->phase = LARGE_WRITE;
    return 0;
}

static enum step
large_take(OpObject *op, PyObject **result)
{
    FileObject *file = op->file;
    struct text *text = file->text;
    enum step step;
    if (op->phase < LARGE_MEASURE && large_begin(op) < 0) {
        return STEP_ERROR;
    }
    if (op->phase == LARGE_MEASURE) {
        step = large_go(op, IO_MEASURE, recode_measure_next);
        if (step != STEP_DONE) {
            return step;
        }
        if (text->recode->bad) { /* for the codec and its error handler */
            text_drop_recode(text);
            return text_take_all(op, result);
        }
        if (large_make(op) < 0) {
            return STEP_ERROR;
        }
    }
    step = large_go(op, IO_RECODE, recode_write_next);
    if (step != STEP_DONE) {
        return step;
    }
    if (text->universal) {
        text->seen |= text->recode->newlines;
    }
    text_drop_recode(text);
    text_taken_all(file);
    *result = op->acc;
    op->acc = NULL;
    return STEP_DONE;
}

/* More of all that is left.  Where that is known, op->taken is where it ends,
 * modulo what a size can be.  What will be decoded on this thread is read on it,
 * by pieces, as far as it is at hand; the rest, and more, by one job. */
static enum step
read_on(OpObject *op)
{
    FileObject *file = op->file;
    size_t want = TEXT_CHUNK;
    if (!op->keeps) {
        if (op->left >= TEXT_LARGE) {
            enum step step = bulk_begin(op, (size_t)op->left);
            if (step != STEP_DONE) {
                return step;
            }
        }
        op->keeps = true;
        op->taken = (Py_ssize_t)((size_t)file->raw + (size_t)op->left);
    }
    size_t left = (size_t)op->taken - (size_t)file->raw;
    bool known = op->sized && (op->left > 0 || file->raw > 0);
    if (known && left <= (size_t)op->left) {
        want = left + 1;
    }
    if (want > FILE_READ_INLINE && op->left < FILE_FOR_JOBS && !op->hopped
        && file_data_inline(file)) {
        want = FILE_PIECE;
    }
    /* As file_read_direct(). */
    bool one_step = known && op->left <= FILE_PIECE;
    if (!one_step && !op->filling && op_must_yield(op)) {
        return STEP_YIELD;
    }
    return file_fill(op, want);
}

enum step
text_read_all(OpObject *op, PyObject **result)
{
    FileObject *file = op->file;
    if (op->phase > 1) {
        return large_take(op, result);
    }
    text_keep(file);
    for (;;) {
        enum step step = file_left(op);
        if (step == STEP_DONE) {
            step = read_on(op);
        }
        if (step != STEP_DONE) {
            return step;
        }
        if (file->eof) {
            return large_is(file) ? large_take(op, result)
                                  : text_take_all(op, result);
        }
    }
}
