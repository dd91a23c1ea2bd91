/* method.h - methods whose calls give operations. */
#ifndef AIOFILES_C_METHOD_H
#define AIOFILES_C_METHOD_H

#include "op.h"

/* The Python function that the delegate of type, a class of Python's, has for
 * a method: the declaration, with its signature, docstring and code.  New;
 * NULL with AttributeError where there is none. */
PyObject *method_declaration(ModuleState *state, PyTypeObject *type,
                             const char *name);

/* "Class.method" for a method of the type: a new str, or NULL. */
PyObject *method_qualname(PyTypeObject *type, const struct op_kind *kind);

int method_init(PyObject *module, ModuleState *state);

/* Put a descriptor for each kind, up to one without a name, on type. */
int method_add_all(ModuleState *state, PyTypeObject *type,
                   const struct op_kind *kinds);

/* Give the class the method of a kind that has a slot too, and is called by
 * that slot: the slot stays as it is. */
int method_shadow_slot(ModuleState *state, PyTypeObject *cls,
                       PyTypeObject *type, const struct op_kind *kind);

#endif
