/* opinfo.c - what the awaitable tells of itself, as a coroutine does: names,
 * state, where it was created; and that nobody has awaited it.
 *
 * Loop thread, with the GIL; only the warning may come on another.
 */
#include "op_int.h"

#include "file.h"
#include "function.h"
#include "method.h"

/* ---- what was set or noted ---- */

/* Borrowed; NULL if there is none. */
static PyObject *
op_told(const OpObject *op, const char *key)
{
    return op->told == NULL ? NULL : PyDict_GetItemString(op->told, key);
}

static int
op_tell(OpObject *op, const char *key, PyObject *value)
{
    if (op->told == NULL) {
        op->told = PyDict_New();
        if (op->told == NULL) {
            return -1;
        }
    }
    return PyDict_SetItemString(op->told, key, value);
}

/* ---- names ---- */

static PyObject *
op_qualname(OpObject *op)
{
    PyObject *told = op_told(op, "__qualname__");
    if (told != NULL) {
        return Py_NewRef(told);
    }
    if (op->file == NULL || op->kind->doc == NULL) {
        return PyUnicode_FromString(op->kind->name);
    }
    return method_qualname(Py_TYPE(op->file), op->kind);
}

static PyObject *
op_get_qualname(PyObject *self, void *Py_UNUSED(closure))
{
    return op_qualname((OpObject *)self);
}

static PyObject *
op_get_name(PyObject *self, void *closure)
{
    OpObject *op = (OpObject *)self;
    PyObject *told = op_told(op, closure);
    return told != NULL ? Py_NewRef(told)
                        : PyUnicode_FromString(op->kind->name);
}

/* The closure is the attribute's name. */
static int
op_set_name(PyObject *self, PyObject *value, void *closure)
{
    if (value == NULL || !PyUnicode_Check(value)) {
        PyErr_Format(PyExc_TypeError, "%s must be set to a string object",
                     (const char *)closure);
        return -1;
    }
    return op_tell((OpObject *)self, closure, value);
}

PyObject *
op_tp_repr(PyObject *self)
{
    PyObject *name = op_qualname((OpObject *)self);
    if (name == NULL) {
        return NULL;
    }
    PyObject *repr = PyUnicode_FromFormat("<coroutine object %U at %p>", name,
                                          (void *)self);
    Py_DECREF(name);
    return repr;
}

/* inspect.iscoroutine() asks for this class, which has no subclasses:
 * isinstance() takes an object's word for it. */
static PyObject *
op_get_class(PyObject *Py_UNUSED(self), void *Py_UNUSED(closure))
{
    return Py_NewRef((PyObject *)&PyCoro_Type);
}

/* ---- state ---- */

static PyObject *
op_get_running(PyObject *self, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(((OpObject *)self)->status == OP_RUNNING);
}

static PyObject *
op_get_suspended(PyObject *self, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(((OpObject *)self)->status == OP_SUSPENDED);
}

static PyObject *
op_get_await(PyObject *self, void *Py_UNUSED(closure))
{
    OpObject *op = (OpObject *)self;
    return Py_NewRef(op->sub == NULL ? Py_None : op->sub);
}

/* The function of Python that declares it: new; NULL, perhaps without an
 * exception. */
static PyObject *
op_declared(const OpObject *op)
{
    if (op->file == NULL) {
        return Py_XNewRef(function_declared(op));
    }
    return op->kind->doc == NULL
               ? Py_NewRef(op->state->delegate_open)
               : method_declaration(op->state, Py_TYPE(op->file),
                                    op->kind->name);
}

/* Its code, which is not what runs. */
static PyObject *
op_get_code(PyObject *self, void *Py_UNUSED(closure))
{
    PyObject *declared = op_declared((OpObject *)self);
    if (declared == NULL) {
        return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
    }
    PyObject *code = PyObject_GetAttrString(declared, "__code__");
    Py_DECREF(declared);
    return code;
}

/* A frame at the start of that code, until the operation has ended: enough
 * for those who only ask whether it has, or where it is from. */
static PyObject *
op_get_frame(PyObject *self, void *Py_UNUSED(closure))
{
    OpObject *op = (OpObject *)self;
    if (op->status == OP_FINISHED) {
        Py_RETURN_NONE;
    }
    PyObject *frame = NULL, *globals = NULL;
    PyObject *code = op_get_code(self, NULL);
    if (code == NULL || code == Py_None) {
        return code;
    }
    globals = PyDict_New();
    if (globals != NULL) {
        frame = compat_frame((PyCodeObject *)code, globals,
                             op->status != OP_NEW);
    }
    Py_XDECREF(globals);
    Py_DECREF(code);
    return frame;
}

/* ---- origin ---- */

static PyObject *
op_get_origin(PyObject *self, void *closure)
{
    PyObject *told = op_told((OpObject *)self, closure);
    return Py_NewRef(told == NULL ? Py_None : told);
}

/* (file name, line, function) of the frame. */
static PyObject *
origin_entry(PyFrameObject *frame)
{
    PyCodeObject *code = PyFrame_GetCode(frame);
    PyObject *entry = Py_BuildValue("(OiO)", code->co_filename,
                                    PyFrame_GetLineNumber(frame),
                                    code->co_name);
    Py_DECREF(code);
    return entry;
}

int
op_note_origin_of(OpObject *op, int depth)
{
    int rc = -1;
    PyObject *origin = NULL;
    PyFrameObject *frame = PyThreadState_GetFrame(PyThreadState_Get());
    PyObject *entries = PyList_New(0);
    while (entries != NULL && frame != NULL && depth-- > 0) {
        PyObject *entry = origin_entry(frame);
        if (entry == NULL || PyList_Append(entries, entry) < 0) {
            Py_XDECREF(entry);
            goto done;
        }
        Py_DECREF(entry);
        Py_SETREF(frame, PyFrame_GetBack(frame));
    }
    origin = entries == NULL ? NULL : PyList_AsTuple(entries);
    if (origin != NULL) {
        rc = op_tell(op, "cr_origin", origin);
    }
done:
    Py_XDECREF(frame);
    Py_XDECREF(entries);
    Py_XDECREF(origin);
    return rc;
}

/* ---- never awaited ---- */

/* Have the standard library say it, in the words that it has for coroutines:
 * false if it could not. */
static bool
warn_as_of_coroutine(PyObject *op)
{
    PyObject *warn = NULL, *result = NULL;
    PyObject *warnings = PyImport_ImportModule("warnings");
    if (warnings != NULL) {
        warn = PyObject_GetAttrString(warnings, "_warn_unawaited_coroutine");
        Py_DECREF(warnings);
    }
    if (warn == NULL) {
        PyErr_Clear(); /* at the end of the interpreter */
        return false;
    }
    result = PyObject_CallOneArg(warn, op);
    Py_DECREF(warn);
    if (result == NULL) {
        PyErr_WriteUnraisable(op);
        return true;
    }
    Py_DECREF(result);
    return true;
}

void
op_warn_never_awaited(OpObject *op)
{
    struct compat_exc exc;
    compat_exc_take(&exc);
    if (!warn_as_of_coroutine((PyObject *)op)) {
        PyObject *name = op_qualname(op);
        if (name == NULL
            || PyErr_WarnFormat(PyExc_RuntimeWarning, 1,
                                "coroutine '%U' was never awaited", name)
                   < 0) {
            PyErr_WriteUnraisable((PyObject *)op);
        }
        Py_XDECREF(name);
    }
    compat_exc_restore(&exc);
}

PyGetSetDef op_getset[] = {
    {"__class__", op_get_class, NULL, NULL, NULL},
    {"__name__", op_get_name, op_set_name, NULL, "__name__"},
    {"__qualname__", op_get_qualname, op_set_name, NULL, "__qualname__"},
    {"cr_running", op_get_running, NULL, NULL, NULL},
    {"cr_suspended", op_get_suspended, NULL, NULL, NULL},
    {"cr_await", op_get_await, NULL, NULL, NULL},
    {"cr_frame", op_get_frame, NULL, NULL, NULL},
    {"cr_code", op_get_code, NULL, NULL, NULL},
    {"cr_origin", op_get_origin, NULL, NULL, "cr_origin"},
    {NULL, NULL, NULL, NULL, NULL},
};
