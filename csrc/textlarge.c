/* textlarge.c - the rest of a large text file, decoded by workers.
 *
 * Loop thread, with the GIL.  All of the file is in the buffer.  One job
 * measures it, this thread makes the str, another job fills that: the two of
 * recode.h.  The buffer is the file's until the end, so that an operation that
 * is gone in between has lost nothing.
 */
#include "recode.h"
#include "text.h"

/* Phases of read() beyond those of textread.c. */
enum { LARGE_MEASURE = 3, LARGE_WRITE, LARGE_INVALID };

bool
text_is_large(const FileObject *file)
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

static enum step
large_submit(OpObject *op, int phase, unsigned steps)
{
    op->file->io.recode = op->file->text->recode;
    op->phase = (unsigned char)phase;
    op->filling = true;
    return file_submit(op, steps);
}

static enum step
large_measure(OpObject *op)
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
        return STEP_ERROR;
    }
    r->src = file->rbuf.data + text->cur;
    r->n = file->rbuf.end - text->cur;
    r->from = from[text->codec];
    r->translate = text->translate;
    if (recode_plan(r) < 0) {
        PyErr_NoMemory();
        return STEP_ERROR;
    }
    return large_submit(op, LARGE_MEASURE, IO_MEASURE);
}

static enum step
large_write(OpObject *op)
{
    FileObject *file = op->file;
    struct recode *r = file->text->recode;
    if (r->chars > (size_t)PY_SSIZE_T_MAX / 4) {
        PyErr_NoMemory();
        return STEP_ERROR;
    }
    PyObject *str = PyUnicode_New((Py_ssize_t)r->chars, r->max);
    if (str == NULL) {
        return STEP_ERROR;
    }
    r->dst = PyUnicode_DATA(str);
    r->width = (int)PyUnicode_KIND(str);
    Py_XSETREF(op->acc, str);
    Py_XSETREF(file->target, Py_NewRef(str)); /* for as long as the job is */
    enum step step = large_submit(op, LARGE_WRITE, IO_RECODE);
    if (step == STEP_ERROR) {
        Py_CLEAR(file->target);
    }
    return step;
}

enum step
text_take_large(OpObject *op, PyObject **result)
{
    FileObject *file = op->file;
    struct text *text = file->text;
    if (op->phase == LARGE_INVALID) {
        return text_take_all(op, result);
    }
    if (op->phase < LARGE_MEASURE) {
        return large_measure(op);
    }
    enum step step = file_returned(op);
    if (step != STEP_DONE) {
        return step;
    }
    if (op->phase == LARGE_MEASURE) {
        if (!text->recode->bad) {
            return large_write(op);
        }
        text_drop_recode(text);
        op->phase = LARGE_INVALID; /* for the codec and its error handler */
        return text_take_all(op, result);
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
