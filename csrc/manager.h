/* manager.h - what open() returns: to be awaited, or entered. */
#ifndef AIOFILES_C_MANAGER_H
#define AIOFILES_C_MANAGER_H

#include "state.h"

/* cls is the class in Python for what the engine does not open, and declares
 * the methods: 0 or -1. */
int manager_register(ModuleState *state, PyObject *cls);

int manager_init(PyObject *module, ModuleState *state);

#endif
