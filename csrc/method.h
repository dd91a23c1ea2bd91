/* method.h - methods whose calls give operations. */
#ifndef AIOFILES_C_METHOD_H
#define AIOFILES_C_METHOD_H

#include "op.h"

int method_init(PyObject *module, ModuleState *state);

/* Put a descriptor for each kind, up to one without a name, on type. */
int method_add_all(ModuleState *state, PyTypeObject *type,
                   const struct op_kind *kinds);

#endif
