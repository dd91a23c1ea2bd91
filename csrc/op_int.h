/* op_int.h - what the files of the awaitable share. */
#ifndef AIOFILES_C_OP_INT_H
#define AIOFILES_C_OP_INT_H

#include "op.h"

/* ---- op.c ---- */

/* Py_am_send of the type. */
PySendResult op_am_send(PyObject *self, PyObject *value, PyObject **result);

/* It is over: the file's next operation may go on. */
void op_finish(OpObject *op);

/* Cancelled, closed or dropped in the middle; leaves a set exception alone. */
void op_abandon(OpObject *op);

/* The same with an exception set: PYGEN_ERROR. */
PySendResult op_fail(OpObject *op, PyObject **result);

/* ---- optype.c ---- */

/* The methods of the coroutine protocol. */
PyObject *op_am_await(PyObject *self);
PyObject *op_tp_iternext(PyObject *self);
PyObject *op_send(PyObject *self, PyObject *value);
PyObject *op_throw(PyObject *self, PyObject *const *args, Py_ssize_t nargs);
PyObject *op_close(PyObject *self, PyObject *ignored);

/* What a coroutine raises is no StopIteration: one that is set becomes the
 * cause of a RuntimeError. */
void op_bar_stop(void);

/* ---- oplife.c ---- */

int op_tp_traverse(PyObject *self, visitproc visit, void *arg);
int op_tp_clear(PyObject *self);
void op_tp_finalize(PyObject *self);
void op_tp_dealloc(PyObject *self);

/* Let go of arguments and partial results; not of the file, which the queue
 * needs. */
void op_drop_work(OpObject *op);

/* The value of the last result, once it has been taken. */
static inline void
op_forget_value(ModuleState *state)
{
#if AIOF_ONE_EXCEPTION
    if (state->stop != NULL && Py_REFCNT(state->stop) == 1) {
        Py_CLEAR(((PyStopIterationObject *)state->stop)->value);
    }
#else
    (void)state;
#endif
}

/* ---- opinfo.c ---- */

extern PyGetSetDef op_getset[];

PyObject *op_tp_repr(PyObject *self);

/* Leaves a set exception alone. */
void op_warn_never_awaited(OpObject *op);

/* ---- opiter.c ---- */

int op_iter_init(PyObject *module, ModuleState *state);

/* The iterator that __await__() gives: new, or NULL. */
PyObject *op_iter_new(ModuleState *state, PyObject *op);

#endif
