/* function.c - functions that are declared in Python, and called in C.
 *
 * A declaration, by `def` or `async def`, can do all that it promises.  The
 * calls that nearly everybody makes are taken before it, as a frame of Python
 * costs as much as some of the answers.  In all else it is the declaration:
 * who looks at the function, isinstance() included, sees that.
 *
 * Those of os are here: their plain call, with as many arguments as it requires
 * and no names, gives an operation, which asks the engine when it is awaited,
 * and the declaration only where the engine does not know.
 *
 * Loop thread, with the GIL.
 */
#include "function.h"

#include "fsops.h"

/* ---- of os ---- */

static PyObject *
function_ask(PyObject *self, PyObject *const *args, size_t nargsf,
             PyObject *kwnames)
{
    struct function *function = (struct function *)self;
    Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
    if (kwnames != NULL || nargs != function->required) {
        return function_call(function, args, nargsf, kwnames);
    }
    OpObject *op = op_new(function->state, &function->what->kind, NULL);
    if (op == NULL) {
        return NULL;
    }
    op->given = true;
    op->arg[FUNCTION_SELF] = Py_NewRef(self);
    for (Py_ssize_t i = 0; i < nargs; i++) {
        op->arg[FUNCTION_ARGS + i] = Py_NewRef(args[i]);
    }
    if (op_note_origin(op) < 0) {
        Py_CLEAR(op);
    }
    return (PyObject *)op;
}

PyObject *
function_declared(const OpObject *op)
{
    PyObject *self = op->arg[FUNCTION_SELF];
    return self != NULL && Py_IS_TYPE(self, op->state->function_type)
               ? ((struct function *)self)->declared
               : NULL;
}

PyObject *
function_call_declared(const OpObject *op)
{
    const struct function *function = (const struct function *)
                                          op->arg[FUNCTION_SELF];
    return function_call(function, &op->arg[FUNCTION_ARGS],
                         (size_t)function->required, NULL);
}

/* ---- as the declaration ---- */

/* pickle and copy take it for what can be found by its name. */
static bool
is_of_pickle(PyObject *name)
{
    return PyUnicode_CompareWithASCIIString(name, "__reduce__") == 0
           || PyUnicode_CompareWithASCIIString(name, "__reduce_ex__") == 0;
}

static PyObject *
function_tp_getattro(PyObject *self, PyObject *name)
{
    return is_of_pickle(name)
               ? PyObject_GenericGetAttr(self, name)
               : PyObject_GetAttr(((struct function *)self)->declared, name);
}

static int
function_tp_setattro(PyObject *self, PyObject *name, PyObject *value)
{
    return PyObject_SetAttr(((struct function *)self)->declared, name, value);
}

static PyObject *
function_tp_repr(PyObject *self)
{
    return PyObject_Repr(((struct function *)self)->declared);
}

static PyObject *
function_tp_descr_get(PyObject *self, PyObject *obj, PyObject *Py_UNUSED(type))
{
    if (obj == NULL || obj == Py_None) {
        return Py_NewRef(self);
    }
    return PyMethod_New(self, obj);
}

static PyObject *
function_reduce(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return PyObject_GetAttrString(((struct function *)self)->declared,
                                  "__qualname__");
}

/* ---- the type ---- */

static int
function_tp_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((struct function *)self)->declared);
    Py_VISIT(((struct function *)self)->sync_open);
    return 0;
}

/* There is no tp_clear: a cycle through it is one through its declaration. */
static void
function_tp_dealloc(PyObject *self)
{
    struct function *function = (struct function *)self;
    PyTypeObject *tp = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (function->weakrefs != NULL) {
        PyObject_ClearWeakRefs(self);
    }
    Py_XDECREF(function->sync_open);
    Py_XDECREF(function->declared);
    tp->tp_free(self);
    Py_DECREF(tp); /* the reference taken when it was allocated */
}

static PyMethodDef function_methods[] = {
    {"__reduce__", function_reduce, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef function_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET,
     (Py_ssize_t)offsetof(struct function, vectorcall), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET,
     (Py_ssize_t)offsetof(struct function, weakrefs), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot function_slots[] = {
    {Py_tp_dealloc, (void *)function_tp_dealloc},
    {Py_tp_traverse, (void *)function_tp_traverse},
    {Py_tp_repr, (void *)function_tp_repr},
    {Py_tp_call, (void *)PyVectorcall_Call},
    {Py_tp_getattro, (void *)function_tp_getattro},
    {Py_tp_setattro, (void *)function_tp_setattro},
    {Py_tp_descr_get, (void *)function_tp_descr_get},
    {Py_tp_methods, function_methods},
    {Py_tp_members, function_members},
    {0, NULL},
};

static PyType_Spec function_spec = {
    .name = "aiofiles_c._core.function",
    .basicsize = sizeof(struct function),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC
             | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR
             | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = function_slots,
};

struct function *
function_new(ModuleState *state, PyObject *declared, vectorcallfunc call)
{
    struct function *function = (struct function *)state->function_type
                                    ->tp_alloc(state->function_type, 0);
    if (function != NULL) {
        function->declared = Py_NewRef(declared);
        function->state = state;
        function->vectorcall = call;
    }
    return function;
}

/* _core.coroutine_function(declared), for one of fs_find()'s names. */
static PyObject *
coroutine_function(PyObject *module, PyObject *declared)
{
    ModuleState *state = state_of(module);
    struct function *function = NULL;
    PyObject *name = PyObject_GetAttrString(declared, "__name__");
    const char *text = name == NULL ? NULL : PyUnicode_AsUTF8(name);
    const struct fs_op *what = text == NULL ? NULL : fs_find(text);
    if (what != NULL) {
        function = function_new(state, declared, function_ask);
    }
    else if (text != NULL) {
        PyErr_Format(PyExc_LookupError, "no function of the engine: %U", name);
    }
    if (function != NULL) {
        function->what = what;
        function->required = fs_required(what);
    }
    Py_XDECREF(name);
    return (PyObject *)function;
}

static PyMethodDef function_functions[] = {
    {"coroutine_function", coroutine_function, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

int
function_init(PyObject *module, ModuleState *state)
{
    state->function_type = (PyTypeObject *)PyType_FromModuleAndSpec(
        module, &function_spec, NULL);
    return state->function_type == NULL
               ? -1
               : PyModule_AddFunctions(module, function_functions);
}
