/* trace.c - a user's function that is told of operations that are over.
 *
 * Loop thread, with the GIL; an operation that is dropped may end on another.
 * Where nobody is told, state->in_short sends the operations of files a way that
 * does not come here.
 */
#include "trace.h"

#include "call.h"
#include "file.h"

/* Where an operation without a file, which has one argument at the most, keeps
 * what it is about: its call is gone when it is over. */
enum { ARG_PATH = 1 };

void
trace_begin(OpObject *op)
{
    if (op->state->trace == NULL) {
        return;
    }
    op->started = sys_clock();
    if (op->file == NULL && op->call != NULL && op->arg[ARG_PATH] == NULL) {
        op->arg[ARG_PATH] = Py_XNewRef(op->call->given[0]);
        op->given = true;
    }
}

void
trace_tell(ModuleState *state, const char *name, PyObject *path,
           enum route route, long long started)
{
    static const char *const routes[] = {"memory", "kernel", "pool"};
    long long ns = sys_clock() - started;
    if (state->trace == NULL || ns < state->trace_from
        || compat_is_finalizing()) {
        return;
    }
    struct compat_exc exc;
    compat_exc_take(&exc);
    PyObject *callback = Py_NewRef(state->trace);
    PyObject *told = PyObject_CallFunction(callback, "sOsd", name,
                                           path == NULL ? Py_None : path,
                                           routes[route], (double)ns / 1e9);
    if (told == NULL) {
        PyErr_WriteUnraisable(callback);
    }
    Py_XDECREF(told);
    Py_DECREF(callback);
    compat_exc_restore(&exc);
}

void
trace_end(OpObject *op)
{
    long long started = op->started;
    PyObject *path = Py_XNewRef(op->file == NULL ? op->arg[ARG_PATH]
                                                 : op->file->name);
    op->started = 0;
    trace_tell(op->state, op->kind->name, path, (enum route)op->route,
               started);
    Py_XDECREF(path);
}

PyObject *
trace_set(PyObject *module, PyObject *const *args, Py_ssize_t nargs)
{
    ModuleState *state = state_of(module);
    if (nargs != 2) {
        PyErr_Format(PyExc_TypeError,
                     "set_trace expected 2 arguments, got %zd", nargs);
        return NULL;
    }
    long long from = PyLong_AsLongLong(args[1]);
    if (from == -1 && PyErr_Occurred()) {
        return NULL;
    }
    state->trace_from = from;
    state->in_short = state->inline_io && args[0] == Py_None;
    Py_XSETREF(state->trace, args[0] == Py_None ? NULL : Py_NewRef(args[0]));
    Py_RETURN_NONE;
}
