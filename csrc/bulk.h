/* bulk.h - reads of much, one after the other. */
#ifndef AIOFILES_C_BULK_H
#define AIOFILES_C_BULK_H

#include "op.h"

/* Asked by an operation that is about to take memory for size bytes, which it
 * is going to read in several turns of the loop or to have read by workers.
 * STEP_DONE: it may begin; STEP_BLOCK: it asks again when it is called again. */
enum step bulk_begin(OpObject *op, size_t size);

/* op waits in the line, by future, a new one: 0 or -1. */
int bulk_wait(OpObject *op, PyObject *loop, PyObject *future);

/* op is over: the next may begin. */
void bulk_leave(OpObject *op);

/* In the child of a fork: what was under way is the parent's. */
void bulk_after_fork(ModuleState *state);

#endif
