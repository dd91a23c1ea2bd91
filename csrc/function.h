/* function.h - functions that are declared in Python, and called in C. */
#ifndef AIOFILES_C_FUNCTION_H
#define AIOFILES_C_FUNCTION_H

#include "op.h"

struct fs_op;

struct function {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *declared;  /* owned: the function of Python */
    PyObject *sync_open; /* of open(): owned; what its module had, or NULL */
    PyObject *weakrefs;  /* the list of weak references, or NULL */
    ModuleState *state;  /* borrowed: the type holds the module */
    /* of those of os: what the engine is asked for, and how many arguments a
     * plain call has */
    const struct fs_op *what;
    Py_ssize_t required;
};

/* One that is called by call, and seen as declared is; new, or NULL. */
struct function *function_new(ModuleState *state, PyObject *declared,
                              vectorcallfunc call);

/* Leave a call to the declaration. */
static inline PyObject *
function_call(const struct function *function, PyObject *const *args,
              size_t nargsf, PyObject *kwnames)
{
    return PyObject_Vectorcall(function->declared, args, nargsf, kwnames);
}

/* Where the operation of a function of os keeps the function, and what it was
 * called with. */
enum { FUNCTION_SELF, FUNCTION_ARGS };

/* The function of Python behind such an operation: borrowed, or NULL if it is
 * another one. */
PyObject *function_declared(const OpObject *op);

/* Call that function with the operation's arguments: a coroutine, new, or
 * NULL. */
PyObject *function_call_declared(const OpObject *op);

int function_init(PyObject *module, ModuleState *state);

#endif
