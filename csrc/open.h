/* open.h - the operation that opens a file. */
#ifndef AIOFILES_C_OPEN_H
#define AIOFILES_C_OPEN_H

#include "state.h"

/* file, mode, buffering, encoding, errors, newline, closefd, opener, which have
 * names; and loop */
enum { OPEN_ARGS = OPEN_NAMES + 1 };

/* The operation that opens a native file, or the delegate's coroutine: new, or
 * NULL.  A warning is of the line stacklevel frames up. */
PyObject *open_native(ModuleState *state, PyObject *const args[OPEN_ARGS],
                      int stacklevel);

/* The same, for the declaration of open(). */
PyObject *core_open(PyObject *module, PyObject *const *args, Py_ssize_t nargs);

/* create(classes, path, mode, buffering, encoding, errors, newline, loop,
 * flags, fate): the operation that makes a temporary file, private to its
 * owner, with one of the four classes, by open(2) with these flags; path is
 * absolute (str or bytes), or a directory for O_TMPFILE; fate is enum fate.
 * None where the arguments are not plainly valid: the standard library has to
 * be asked. */
PyObject *core_create(PyObject *module, PyObject *const *args,
                      Py_ssize_t nargs);

#endif
