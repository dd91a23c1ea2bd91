/* function.h - functions of os whose plain calls give operations. */
#ifndef AIOFILES_C_FUNCTION_H
#define AIOFILES_C_FUNCTION_H

#include "op.h"

/* Where an operation keeps the function that was called, and what it was
 * called with. */
enum { FUNCTION_SELF, FUNCTION_ARGS };

/* The function of Python behind the operation's one; borrowed, or NULL for
 * another kind of operation. */
PyObject *function_declared(const OpObject *op);

/* Call that function with the operation's arguments: a coroutine, new, or
 * NULL. */
PyObject *function_call_declared(const OpObject *op);

int function_init(PyObject *module, ModuleState *state);

#endif
