/* function.c - coroutine functions of os that make no coroutine.
 *
 * Each is declared in Python, by `async def`, and its declaration can do all
 * that it promises.  The plain call, with as many arguments as it requires and
 * no names, is what nearly everybody makes, and a coroutine with its frame
 * takes a fifth of the time of a stat(): so this call gives an operation, which
 * asks the engine when it is awaited, and the declaration only where the engine
 * does not know.
 *
 * In all else it is that function: who looks at it, isinstance() included,
 * sees the declaration.
 *
 * Loop thread, with the GIL.
 */
#include "function.h"

#include "fsops.h"

typedef struct {
    PyObject_HEAD
    PyObject *declared;       /* owned: the function of Python */
    PyObject *weakrefs;       /* the list of weak references, or NULL */
    const struct fs_op *what; /* static */
    Py_ssize_t required;      /* arguments of a plain call */
    ModuleState *state;       /* borrowed: the type holds the module */
    vectorcallfunc vectorcall;
} FunctionObject;

static PyObject *
function_vectorcall(PyObject *self, PyObject *const *args, size_t nargsf,
                    PyObject *kwnames)
{
    FunctionObject *function = (FunctionObject *)self;
    Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
    if (kwnames != NULL || nargs != function->required) {
        return PyObject_Vectorcall(function->declared, args, nargsf, kwnames);
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
               ? ((FunctionObject *)self)->declared
               : NULL;
}

PyObject *
function_call_declared(const OpObject *op)
{
    const FunctionObject *function = (const FunctionObject *)
                                         op->arg[FUNCTION_SELF];
    return PyObject_Vectorcall(function->declared, &op->arg[FUNCTION_ARGS],
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
               : PyObject_GetAttr(((FunctionObject *)self)->declared, name);
}

static int
function_tp_setattro(PyObject *self, PyObject *name, PyObject *value)
{
    return PyObject_SetAttr(((FunctionObject *)self)->declared, name, value);
}

static PyObject *
function_tp_repr(PyObject *self)
{
    return PyObject_Repr(((FunctionObject *)self)->declared);
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
    return PyObject_GetAttrString(((FunctionObject *)self)->declared,
                                  "__qualname__");
}

/* ---- the type ---- */

static int
function_tp_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((FunctionObject *)self)->declared);
    return 0;
}

static int
function_tp_clear(PyObject *self)
{
    Py_CLEAR(((FunctionObject *)self)->declared);
    return 0;
}

static void
function_tp_dealloc(PyObject *self)
{
    FunctionObject *function = (FunctionObject *)self;
    PyTypeObject *tp = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (function->weakrefs != NULL) {
        PyObject_ClearWeakRefs(self);
    }
    (void)function_tp_clear(self);
    tp->tp_free(self);
    Py_DECREF(tp); /* the reference taken when it was allocated */
}

static PyMethodDef function_methods[] = {
    {"__reduce__", function_reduce, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef function_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET,
     (Py_ssize_t)offsetof(FunctionObject, vectorcall), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET,
     (Py_ssize_t)offsetof(FunctionObject, weakrefs), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot function_slots[] = {
    {Py_tp_dealloc, (void *)function_tp_dealloc},
    {Py_tp_traverse, (void *)function_tp_traverse},
    {Py_tp_clear, (void *)function_tp_clear},
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
    .name = "aiofiles_c._core.coroutine_function",
    .basicsize = sizeof(FunctionObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC
             | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_IMMUTABLETYPE
             | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = function_slots,
};

/* _core.coroutine_function(declared), for one of fs_find()'s names. */
static PyObject *
function_new(PyObject *module, PyObject *declared)
{
    ModuleState *state = state_of(module);
    PyObject *name = PyObject_GetAttrString(declared, "__name__");
    const char *text = name == NULL ? NULL : PyUnicode_AsUTF8(name);
    const struct fs_op *what = text == NULL ? NULL : fs_find(text);
    if (what == NULL && text != NULL) {
        PyErr_Format(PyExc_LookupError, "no function of the engine: %U", name);
    }
    Py_XDECREF(name);
    if (what == NULL) {
        return NULL;
    }
    FunctionObject *function = (FunctionObject *)state->function_type
                                   ->tp_alloc(state->function_type, 0);
    if (function != NULL) {
        function->declared = Py_NewRef(declared);
        function->what = what;
        function->required = fs_required(what);
        function->state = state;
        function->vectorcall = function_vectorcall;
    }
    return (PyObject *)function;
}

static PyMethodDef function_module_methods[] = {
    {"coroutine_function", function_new, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

int
function_init(PyObject *module, ModuleState *state)
{
    state->function_type = (PyTypeObject *)PyType_FromModuleAndSpec(
        module, &function_spec, NULL);
    return state->function_type == NULL
               ? -1
               : PyModule_AddFunctions(module, function_module_methods);
}
