/* op_int.h - what op.c and optype.c share. */
#ifndef AIOFILES_C_OP_INT_H
#define AIOFILES_C_OP_INT_H

#include "op.h"

/* ---- op.c ---- */

void op_init_budget(ModuleState *state);

/* Py_am_send of the type. */
PySendResult op_am_send(PyObject *self, PyObject *value, PyObject **result);

/* It is over: the file's next operation may go on. */
void op_finish(OpObject *op);

/* Cancelled, closed or dropped in the middle; leaves a set exception alone. */
void op_abandon(OpObject *op);

/* The same with an exception set: PYGEN_ERROR. */
PySendResult op_fail(OpObject *op, PyObject **result);

/* ---- optype.c ---- */

/* Let go of arguments and partial results; not of the file, which the queue
 * needs. */
void op_drop_work(OpObject *op);

#endif
