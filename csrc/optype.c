/* optype.c - the awaitable as Python sees it: the coroutine protocol over
 * op_am_send(), and its type.  Its life is in oplife.c, what it tells of itself
 * in opinfo.c.
 *
 * Loop thread, with the GIL.
 */
#include "budget.h"
#include "op_int.h"

/* ---- a result ---- */

/* Raise StopIteration(value); steals value.  From 3.12 on each result of an
 * await travels in one, so one exception object is kept and used again as
 * long as nobody else holds it; op_tp_dealloc lets go of the value. */
static void
op_raise_stop(ModuleState *state, PyObject *value)
{
#if AIOF_ONE_EXCEPTION
    op_forget_value(
        state); /* what it runs may use the object: look after it */
    PyObject *stop = state->stop;
    PyBaseExceptionObject *seen = (PyBaseExceptionObject *)stop;
    if (stop == NULL || Py_REFCNT(stop) != 1 || seen->traceback != NULL
        || seen->context != NULL
        || ((PyStopIterationObject *)stop)->value != NULL) {
        stop = PyObject_CallNoArgs(PyExc_StopIteration);
        if (stop == NULL) {
            Py_DECREF(value);
            return;
        }
        Py_XSETREF(state->stop, stop);
    }
    Py_XSETREF(((PyStopIterationObject *)stop)->value, value);
    PyErr_SetRaisedException(compat_new_ref(stop));
#else
    /* An instance is made, since a tuple would be taken for arguments. */
    PyObject *stop = PyObject_CallOneArg(PyExc_StopIteration, value);
    (void)state;
    Py_DECREF(value);
    if (stop != NULL) {
        PyErr_SetObject(PyExc_StopIteration, stop);
        Py_DECREF(stop);
    }
#endif
}

static inline PyObject *
op_result(OpObject *op, PySendResult sent, PyObject *result)
{
    if (sent == PYGEN_RETURN) {
        op_raise_stop(op->state, result);
        return NULL;
    }
    return result;
}

PyObject *
op_tp_iternext(PyObject *self)
{
    PyObject *result = NULL;
    PySendResult sent = op_am_send(self, Py_None, &result);
    if (sent == PYGEN_RETURN && result == Py_None) {
        Py_DECREF(result); /* NULL without an exception says the same */
        return NULL;
    }
    return op_result((OpObject *)self, sent, result);
}

PyObject *
op_send(PyObject *self, PyObject *value)
{
    PyObject *result = NULL;
    PySendResult sent = op_am_send(self, value, &result);
    return op_result((OpObject *)self, sent, result);
}

/* ---- the methods ---- */

PyObject *
op_am_await(PyObject *self)
{
    OpObject *op = (OpObject *)self;
    if (op->status == OP_SUSPENDED) {
        PyErr_SetString(PyExc_RuntimeError,
                        "coroutine is being awaited already");
        return NULL;
    }
    return compat_new_ref(self);
}

/* The `__await__` of Python, unlike the slot. */
static PyObject *
op_await(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return op_iter_new(((OpObject *)self)->state, self);
}

/* Set the exception that throw(type[, value[, traceback]]) names: 0 or -1 if
 * that is not one (then the TypeError is set). */
static int
op_set_thrown(PyObject *type, PyObject *value, PyObject *traceback)
{
    if (value == Py_None) {
        value = NULL;
    }
    if (traceback == Py_None) {
        traceback = NULL;
    }
    if (traceback != NULL && !PyTraceBack_Check(traceback)) {
        PyErr_SetString(PyExc_TypeError,
                        "throw() third argument must be a traceback object");
        return -1;
    }
    if (PyExceptionInstance_Check(type)) {
        if (value != NULL) {
            PyErr_SetString(PyExc_TypeError, "instance exception may not "
                                             "have a separate value");
            return -1;
        }
        value = type;
        type = PyExceptionInstance_Class(type);
        Py_INCREF(type);
        Py_INCREF(value);
        if (traceback == NULL) {
            traceback = PyException_GetTraceback(value);
        }
        else {
            Py_INCREF(traceback);
        }
    }
    else if (PyExceptionClass_Check(type)) {
        Py_INCREF(type);
        Py_XINCREF(value);
        Py_XINCREF(traceback);
        PyErr_NormalizeException(&type, &value, &traceback);
    }
    else {
        PyErr_Format(PyExc_TypeError,
                     "exceptions must be classes or instances deriving from "
                     "BaseException, not %s",
                     Py_TYPE(type)->tp_name);
        return -1;
    }
    PyErr_Restore(type, value, traceback);
    return 0;
}

void
op_bar_stop(void)
{
    if (!PyErr_ExceptionMatches(PyExc_StopIteration)) {
        return;
    }
    struct compat_exc stop, error;
    compat_exc_take(&stop);
    PyErr_SetString(PyExc_RuntimeError, "coroutine raised StopIteration");
    compat_exc_take(&error);
#if !AIOF_ONE_EXCEPTION
    PyErr_NormalizeException(&stop.type, &stop.value, &stop.traceback);
    PyErr_NormalizeException(&error.type, &error.value, &error.traceback);
    if (stop.traceback != NULL) {
        (void)PyException_SetTraceback(stop.value, stop.traceback);
    }
    Py_XDECREF(stop.type);
    Py_XDECREF(stop.traceback);
#endif
    PyException_SetCause(error.value, Py_NewRef(stop.value));
    PyException_SetContext(error.value, stop.value); /* steals, both */
    compat_exc_restore(&error);
}

/* A method of what op waits for; NULL if it has none, or with an exception. */
static PyObject *
op_sub_method(OpObject *op, PyObject *name)
{
    PyObject *sub = Py_NewRef(op->sub);
    PyObject *method = PyObject_GetAttr(sub, name);
    Py_DECREF(sub);
    if (method == NULL && PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear();
    }
    return method;
}

/* Throw into what op waits for, by its method; the outcome is op's, as after
 * a send. */
static PySendResult
op_throw_sub(OpObject *op, PyObject *method, PyObject *const *args,
             Py_ssize_t nargs, PyObject **result)
{
    op->status = OP_RUNNING;
    *result = PyObject_Vectorcall(method, args, (size_t)nargs, NULL);
    if (*result != NULL) {
        op->status = OP_SUSPENDED;
        return PYGEN_NEXT;
    }
    if (op->waiter == NULL && !op->resumes
        && PyErr_ExceptionMatches(PyExc_StopIteration)) {
        struct compat_exc exc;
        compat_exc_take(&exc);
#if !AIOF_ONE_EXCEPTION
        PyErr_NormalizeException(&exc.type, &exc.value, &exc.traceback);
        Py_XDECREF(exc.type);
        Py_XDECREF(exc.traceback);
#endif
        *result = Py_NewRef(((PyStopIterationObject *)exc.value)->value);
        Py_DECREF(exc.value);
        op_finish(op);
        return PYGEN_RETURN;
    }
    return op_fail(op, result);
}

PyObject *
op_throw(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    OpObject *op = (OpObject *)self;
    PyObject *method = NULL, *result = NULL;
    if (nargs < 1 || nargs > 3) {
        PyErr_Format(PyExc_TypeError, "throw expected at %s, got %zd",
                     nargs < 1 ? "least 1 argument" : "most 3 arguments",
                     nargs);
        return NULL;
    }
#if AIOF_ONE_EXCEPTION
    if (nargs > 1
        && PyErr_WarnEx(PyExc_DeprecationWarning,
                        "the (type, exc, tb) signature of throw() is "
                        "deprecated, use the single-arg signature instead.",
                        1)
               < 0) {
        return NULL;
    }
#endif
    if (op->status == OP_SUSPENDED && op->sub != NULL) {
        method = op_sub_method(op, op->state->str_throw);
        if (method != NULL) {
            PySendResult sent = op_throw_sub(op, method, args, nargs, &result);
            Py_DECREF(method);
            return op_result(op, sent, result);
        }
        if (PyErr_Occurred()) {
            return NULL;
        }
    }
    PyObject *value = nargs > 1 ? args[1] : NULL;
    PyObject *traceback = nargs > 2 ? args[2] : NULL;
    if (op_set_thrown(args[0], value, traceback) < 0) {
        return NULL;
    }
    switch ((enum op_state)op->status) {
    case OP_RUNNING:
        PyErr_SetString(PyExc_ValueError, "coroutine already executing");
        break;
    case OP_FINISHED:
        PyErr_SetString(PyExc_RuntimeError,
                        "cannot reuse already awaited coroutine");
        break;
    case OP_SUSPENDED:
    case OP_NEW:
        op_abandon(op);
        break;
    }
    return NULL;
}

PyObject *
op_close(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    OpObject *op = (OpObject *)self;
    if (op->status == OP_RUNNING) {
        PyErr_SetString(PyExc_ValueError, "coroutine already executing");
        return NULL;
    }
    if (op->status == OP_SUSPENDED && op->sub != NULL) {
        op->status = OP_RUNNING;
        PyObject *close = op_sub_method(op, op->state->str_close);
        if (close != NULL) {
            Py_XDECREF(PyObject_CallNoArgs(close));
            Py_DECREF(close);
        }
    }
    if (op->status != OP_FINISHED) {
        op_abandon(op);
    }
    if (PyErr_Occurred()) {
        return NULL;
    }
    Py_RETURN_NONE;
}

/* ---- the type ---- */

static PyMethodDef op_methods[] = {
    /* METH_COEXIST: beside the slot, which makes no method then. */
    {"__await__", op_await, METH_NOARGS | METH_COEXIST,
     PyDoc_STR("__await__($self, /)\n--\n\n"
               "Return an iterator over the steps.")},
    {"send", op_send, METH_O,
     PyDoc_STR("send($self, arg, /)\n--\n\n"
               "Resume the operation; arg must be None.")},
    {"throw", AIOF_METHOD(op_throw), METH_FASTCALL,
     PyDoc_STR("throw(type[, value[, traceback]])\n\n"
               "Raise an exception where the operation waits.")},
    {"close", op_close, METH_NOARGS,
     PyDoc_STR("close($self, /)\n--\n\n"
               "Give the operation up; what it has read stays in the file.")},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef op_members[] = {
    {"__weaklistoffset__", T_PYSSIZET,
     (Py_ssize_t)offsetof(OpObject, weakrefs), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot op_slots[] = {
    {Py_tp_doc, (void *)PyDoc_STR("An operation on a file: a coroutine.")},
    {Py_tp_dealloc, (void *)op_tp_dealloc},
    {Py_tp_finalize, (void *)op_tp_finalize},
    {Py_tp_traverse, (void *)op_tp_traverse},
    {Py_tp_clear, (void *)op_tp_clear},
    {Py_tp_repr, (void *)op_tp_repr},
    {Py_tp_iternext, (void *)op_tp_iternext},
    {Py_am_await, (void *)op_am_await},
    {Py_am_send, (void *)op_am_send},
    {Py_tp_methods, op_methods},
    {Py_tp_members, op_members},
    {Py_tp_getset, (void *)op_getset},
    {0, NULL},
};

static PyType_Spec op_spec = {
    .name = "aiofiles_c._core.Operation",
    .basicsize = sizeof(OpObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC
             | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = op_slots,
};

int
op_init(PyObject *module, ModuleState *state)
{
    budget_init(state);
    if (op_iter_init(module, state) < 0) {
        return -1;
    }
    state->op_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &op_spec,
                                                              NULL);
    return state->op_type == NULL ? -1
                                  : PyModule_AddType(module, state->op_type);
}
