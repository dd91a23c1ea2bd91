/* trace.h - a user's function that is told of operations that are over. */
#ifndef AIOFILES_C_TRACE_H
#define AIOFILES_C_TRACE_H

#include "op.h"

/* set_trace(callback or None, ns, /): from now on. */
PyObject *trace_set(PyObject *module, PyObject *const *args, Py_ssize_t nargs);

/* If somebody is told: note when op begins, and what it is about. */
void trace_begin(OpObject *op);

/* An operation that was begun is over.  It may run any Python code; a set
 * exception is left alone. */
void trace_end(OpObject *op);

/* The same for what never was an operation.  path: borrowed, or NULL. */
void trace_tell(ModuleState *state, const char *name, PyObject *path,
                enum route route, long long started);

#endif
