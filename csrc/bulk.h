/* bulk.h - reads of much, one after the other. */
#ifndef AIOFILES_C_BULK_H
#define AIOFILES_C_BULK_H

#include "op.h"

/*  NONE --bulk_begin--> BEGUN                        --bulk_leave--> NONE
 *           `---> WAITS --its turn--> CALLED --bulk_begin--^               */
enum bulk { BULK_NONE, BULK_WAITS, BULK_CALLED, BULK_BEGUN };

/* Asked by an operation that is about to take memory for size bytes, which it
 * is going to read in several turns of the loop or to have read by workers.
 * STEP_DONE: it may begin; STEP_BLOCK: it asks again when it is woken. */
enum step bulk_begin(OpObject *op, size_t size);

/* op, which is not NONE, is over: the next may begin. */
void bulk_leave(OpObject *op);

/* METH_NOARGS, by a timer: whoever has had its time is waited for no more. */
PyObject *bulk_look(PyObject *module, PyObject *ignored);

/* In the child of a fork: what was under way is the parent's. */
void bulk_after_fork(ModuleState *state);

#endif
