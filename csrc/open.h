/* open.h - _core.open(). */
#ifndef AIOFILES_C_OPEN_H
#define AIOFILES_C_OPEN_H

#include "state.h"

/* open(file, mode, buffering, encoding, errors, newline, closefd, opener,
 * loop): the operation that opens a native file, or the delegate's. */
PyObject *core_open(PyObject *module, PyObject *const *args,
                    Py_ssize_t nargs);

#endif
