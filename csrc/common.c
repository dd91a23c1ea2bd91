/* common.c - the operations that all kinds of files share: flush(), close(),
 * and what a file can do. */
#include "beside.h"
#include "exact.h"
#include "file.h"
#include "prefetch.h"
#include "stream.h"
#include "text.h"

/* ---- arguments and state ---- */

/* The operation of the class that comes behind ours: the delegate's. */
static PyObject *
delegate_call(OpObject *op)
{
    PyObject *result = NULL, *method = NULL, *args = NULL;
    PyObject *super = PyObject_CallFunctionObjArgs(
        (PyObject *)&PySuper_Type,
        (PyObject *)op->state->file_types[CLASS_COUNT], (PyObject *)op->file,
        NULL);
    if (super == NULL) {
        goto done;
    }
    method = PyObject_GetAttrString(super, op->kind->name);
    args = method == NULL ? NULL : op_args_tuple(op);
    if (args == NULL) {
        goto done;
    }
    result = PyObject_Call(method, args, op->kwargs);
done:
    Py_XDECREF(super);
    Py_XDECREF(method);
    Py_XDECREF(args);
    return result;
}

enum step
file_divert(OpObject *op)
{
    if (op->file->real != NULL) {
        /* Others may go on: what it calls may be operations of this file. */
        op_leave_queue(op);
        return op_delegate(op, delegate_call(op));
    }
    return file_reference_error(op);
}

/* ---- flush() ---- */

enum step
file_flush(OpObject *op)
{
    FileObject *file = op->file;
    if (file->text != NULL) {
        file->text->telling_off = false;
    }
    if (file->exact && file->flags & MODE_WRITE) {
        return exact_flush(op);
    }
    if (!op->filling) {
        enum step step = file_drain(op);
        if (step != STEP_DONE) {
            return step;
        }
    }
    if (file->flags & MODE_PLUS && !file->shared) {
        file_no_block(file);
        if (file->text != NULL) {
            file->text->till = 0;
        }
    }
    return file->flags & MODE_PLUS && file->shared && file->bufsize != 0
               ? file_rewind(op)
               : STEP_DONE;
}

static enum step
flush_step(OpObject *op, PyObject **result)
{
    enum step step = text_begin(op, 0);
    if (step != STEP_DONE) {
        return step;
    }
    if (op->given) {
        return file_reference_error(op);
    }
    step = file_flush(op);
    if (step == STEP_DONE) {
        *result = Py_NewRef(Py_None);
    }
    return step;
}

/* ---- sync() ---- */

/* Phase 1: the fsync has left the queue, so that writes go on beside it. */
static enum step
sync_step(OpObject *op, PyObject **result)
{
    FileObject *file = op->file;
    enum step step;
    if (op->phase == 0) {
        if (file->real != NULL) {
            return file_divert(op);
        }
        if (op->given) {
            PyErr_SetString(PyExc_TypeError, "sync() takes no arguments");
            return STEP_ERROR;
        }
        if (file->closed) {
            Py_XDECREF(file_refuse(file, "flush"));
            return STEP_ERROR;
        }
        step = file_flush(op);
        if (step != STEP_DONE) {
            return step;
        }
        op->phase = 1;
        return beside_submit(op, &(struct beside_work){.steps = IO_FSYNC});
    }
    size_t done;
    step = beside_returned(op, &done);
    if (step == STEP_DONE) {
        *result = Py_NewRef(Py_None);
    }
    return step;
}

/* ---- close() ---- */

void
file_mark_closed(FileObject *file)
{
    stream_unwatch(file);
    resident_end(&file->resident);
    file->closed = true;
    file->fd = -1;
    file->writing = file->exact = file->owes = false;
    buffer_free(&file->rbuf);
    prefetch_free(file);
    if (file->text != NULL) {
        text_forget(file->text);
    }
}

/* What is left to be done by a job before the file counts as closed: 0, or -1
 * with MemoryError. */
static int
close_steps(FileObject *file, unsigned *close)
{
    unsigned owed = 0, steps = file_is_doomed(file) ? IO_UNLINK : 0;
    if (file->closed) {
        *close = steps;
        return 0;
    }
    resident_end(&file->resident); /* the last close of a file frees it */
    steps |= file->closefd ? IO_CLOSE : 0;
    if (file->wlen > 0) {
        steps |= IO_WRITE;
    }
    else if (file->exact) {
        if (file->flags & MODE_WRITE
            && exact_load(file, file->rbuf.pos, &owed) < 0) {
            return -1;
        }
        steps |= owed;
    }
    else if (file->flags & MODE_PLUS && file->shared && file->bufsize != 0) {
        file_drop_ahead(file);
        if (file->rewind > 0) {
            file->io.rewind = file->rewind;
            steps |= IO_REWIND;
        }
    }
    *close = steps;
    return 0;
}

static enum step
close_step(OpObject *op, PyObject **result)
{
    FileObject *file = op->file;
    if (file->real != NULL) {
        return file_begin(op, 0);
    }
    if (op->given) {
        return file_reference_error(op);
    }
    if (op->phase == 0 && (!file->closed || file_is_doomed(file))) {
        if (file->busy) {
            return file_wait(op);
        }
        if (!file->closed && file->text != NULL && text_pass_on(file) < 0) {
            return STEP_ERROR;
        }
        if (file->stream && file->wlen > 0 && file->werr == 0) {
            /* No worker waits for the other end, not even to close. */
            return file->watch != NULL ? stream_wait(op)
                                       : file_submit(op, IO_WRITE);
        }
        unsigned steps;
        bool owes = file->exact && exact_owes(file);
        if ((owes && file_have_port(op) < 0)
            || close_steps(file, &steps) < 0) {
            return STEP_ERROR;
        }
        if (steps == IO_CLOSE && !(file->flags & MODE_WRITE)
            && file_close_inline(file)) {
            file->io.err = -sys_close(file->fd);
            op_raise_route(op, ROUTE_KERNEL);
        }
        else if (steps != 0) {
            op->phase = 1;
            return file_submit(op, steps);
        }
        else {
            file->io.err = 0;
        }
        op->phase = 1;
    }
    if (op->phase == 1) {
        if (file->busy) {
            return file_wait(op);
        }
        int err = file->io.err != 0 ? file->io.err : file->werr;
        file->werr = 0;
        file_mark_closed(file);
        if (err != 0) {
            return file_oserror(file, err, false);
        }
        if (file->io.unlink_err != 0
            && !(file->io.unlink_err == ENOENT && AIOF_UNLINK_TWICE)) {
            return file_oserror(file, file->io.unlink_err, true);
        }
    }
    else if (file->werr != 0) { /* of a close() that was cancelled */
        int err = file->werr;
        file->werr = 0;
        return file_oserror(file, err, false);
    }
    *result = Py_NewRef(Py_None);
    return STEP_DONE;
}

/* ---- what a file can do ---- */

static enum step
answer(bool yes, PyObject **result)
{
    *result = PyBool_FromLong(yes);
    return STEP_DONE;
}

static enum step
isatty_step(OpObject *op, PyObject **result)
{
    FileObject *file = op->file;
    enum step step = file_begin(op, 0);
    if (step != STEP_DONE) {
        return step;
    }
    if (op->given) {
        return file_reference_error(op);
    }
    if (file->regular) {
        return answer(false, result);
    }
    if (!op->filling) {
        if (file->busy) {
            return file_wait(op);
        }
        op->filling = true;
        return file_submit(op, IO_ISATTY);
    }
    step = file_returned(op);
    return step == STEP_DONE ? answer(file->io.flag != 0, result) : step;
}

static enum step
seekable_step(OpObject *op, PyObject **result)
{
    enum step step = file_begin(op, 0);
    if (step != STEP_DONE) {
        return step;
    }
    return op->given ? file_reference_error(op)
                     : answer(op->file->seekable, result);
}

static enum step
writable_step(OpObject *op, PyObject **result)
{
    enum step step = file_begin(op, 0);
    if (step != STEP_DONE) {
        return step;
    }
    return op->given ? file_reference_error(op)
                     : answer(op->file->flags & MODE_WRITE, result);
}

const struct op_kind file_kinds_common[] = {
    {"close", close_step, NULL, OP_HOPS | OP_CLOSES,
     "close($self, /)\n--\n\n"
     "Write what is buffered and close the file; again, do nothing.\n\n"
     "The descriptor is free also when an error is raised."},
    {"flush", flush_step, NULL, 0,
     "flush($self, /)\n--\n\n"
     "Wait until all that was written is with the operating system."},
    {"sync", sync_step, NULL, OP_HOPS,
     "sync($self, /)\n--\n\n"
     "Wait until all that was written is on the device, by fsync(2).\n\n"
     "That covers what was accepted before; writes may go on meanwhile.\n"
     "Raises OSError if the device fails, or if the file has none (a pipe)."},
    {"isatty", isatty_step, NULL, OP_ANSWERS,
     "isatty($self, /)\n--\n\nWhether the file is a terminal."},
    {"seekable", seekable_step, NULL, OP_ANSWERS,
     "seekable($self, /)\n--\n\nWhether seek() and tell() work."},
    {"writable", writable_step, NULL, OP_ANSWERS,
     "writable($self, /)\n--\n\nWhether the file was opened for writing."},
    {NULL, NULL, NULL, 0, NULL},
};
