/* opiter.c - what an awaitable's __await__() gives.
 *
 * The interpreter's own `await` takes the awaitable itself for an iterator and
 * does without this.  To Python it is not one: who has forgotten an `await`
 * shall be told that a coroutine is not iterable, and not find it empty.
 */
#include "op_int.h"

typedef struct {
    PyObject_HEAD
    PyObject *op; /* owned */
} OpIterObject;

PyObject *
op_iter_new(ModuleState *state, PyObject *op)
{
    OpIterObject *iter = PyObject_GC_New(OpIterObject, state->op_iter_type);
    if (iter != NULL) {
        iter->op = Py_NewRef(op);
        PyObject_GC_Track(iter);
    }
    return (PyObject *)iter;
}

static PyObject *
op_iter_tp_iternext(PyObject *self)
{
    return op_tp_iternext(((OpIterObject *)self)->op);
}

static PySendResult
op_iter_am_send(PyObject *self, PyObject *value, PyObject **result)
{
    return op_am_send(((OpIterObject *)self)->op, value, result);
}

static PyObject *
op_iter_send(PyObject *self, PyObject *value)
{
    return op_send(((OpIterObject *)self)->op, value);
}

static PyObject *
op_iter_throw(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    return op_throw(((OpIterObject *)self)->op, args, nargs);
}

static PyObject *
op_iter_close(PyObject *self, PyObject *ignored)
{
    return op_close(((OpIterObject *)self)->op, ignored);
}

static int
op_iter_tp_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((OpIterObject *)self)->op);
    return 0;
}

/* There is no tp_clear: a cycle through it is one through its operation. */
static void
op_iter_tp_dealloc(PyObject *self)
{
    PyTypeObject *tp = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_DECREF(((OpIterObject *)self)->op);
    PyObject_GC_Del(self);
    Py_DECREF(tp); /* the reference taken when it was allocated */
}

static PyMethodDef op_iter_methods[] = {
    {"send", op_iter_send, METH_O,
     PyDoc_STR("send($self, arg, /)\n--\n\n"
               "Resume the operation; arg must be None.")},
    {"throw", AIOF_METHOD(op_iter_throw), METH_FASTCALL,
     PyDoc_STR("throw(type[, value[, traceback]])\n\n"
               "Raise an exception where the operation waits.")},
    {"close", op_iter_close, METH_NOARGS,
     PyDoc_STR("close($self, /)\n--\n\nGive the operation up.")},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot op_iter_slots[] = {
    {Py_tp_doc, (void *)PyDoc_STR("The steps of an operation.")},
    {Py_tp_dealloc, (void *)op_iter_tp_dealloc},
    {Py_tp_traverse, (void *)op_iter_tp_traverse},
    {Py_tp_iter, (void *)PyObject_SelfIter},
    {Py_tp_iternext, (void *)op_iter_tp_iternext},
    {Py_am_send, (void *)op_iter_am_send},
    {Py_tp_methods, op_iter_methods},
    {0, NULL},
};

static PyType_Spec op_iter_spec = {
    .name = "aiofiles_c._core.operation_steps",
    .basicsize = sizeof(OpIterObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC
             | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = op_iter_slots,
};

int
op_iter_init(PyObject *module, ModuleState *state)
{
    state->op_iter_type = (PyTypeObject *)PyType_FromModuleAndSpec(
        module, &op_iter_spec, NULL);
    return state->op_iter_type == NULL ? -1 : 0;
}
