/* manager.c - open(), and what it returns: the context manager of a file that
 * is native.
 *
 * Loop thread, with the GIL.  Both are declared in Python, which does what is
 * not done here: a file that goes to an executor has a manager of the class in
 * Python.  This one is shown as of that class.
 */
#include "manager.h"

#include "file.h"
#include "function.h"
#include "op_int.h"
#include "open.h"

typedef struct {
    PyObject_HEAD
    OpObject *op;       /* owned: it opens the file, and has it till the end */
    PyObject *weakrefs; /* the list of weak references, or NULL */
} ManagerObject;

/* ---- the manager ---- */

static PyObject *
manager_new(ModuleState *state, PyObject *op)
{
    ManagerObject *manager = PyObject_GC_New(ManagerObject,
                                             state->manager_type);
    if (manager != NULL) {
        manager->op = (OpObject *)Py_NewRef(op);
        manager->weakrefs = NULL;
        PyObject_GC_Track(manager);
    }
    return (PyObject *)manager;
}

/* What was opened, until it is closed by this: borrowed, or NULL. */
static PyObject *
manager_file(const ManagerObject *manager)
{
    const OpObject *op = manager->op;
    bool opened = op->status == OP_FINISHED && op->file != NULL
                  && op->file->handed;
    return opened ? (PyObject *)op->file : NULL;
}

static void
manager_leave(ManagerObject *manager)
{
    if (manager_file(manager) != NULL) {
        Py_CLEAR(manager->op->file);
    }
}

/* The file, or the wait for it. */
static enum step
entering_step(OpObject *op, PyObject **result)
{
    ManagerObject *manager = (ManagerObject *)op->arg[0];
    PyObject *file = manager_file(manager);
    (void)result;
    op->started = 0; /* it was told of, and counted, as it was opened */
    if (file == NULL) {
        return op_delegate(op, Py_NewRef((PyObject *)manager->op));
    }
    op->acc = Py_NewRef(file);
    return STEP_ANSWERED;
}

static const struct op_kind entering_kind = {"__aenter__", entering_step, NULL,
                                             OP_HOPS, NULL};

/* As a coroutine of its own: who gives it up has not given up the opening. */
static PyObject *
manager_entering(ManagerObject *manager)
{
    OpObject *op = op_new(manager->op->state, &entering_kind, NULL);
    if (op != NULL) {
        op->arg[0] = Py_NewRef((PyObject *)manager);
        op->given = true;
    }
    return (PyObject *)op;
}

/* What is awaited for the file: new. */
static PyObject *
manager_opening(ManagerObject *manager)
{
    return manager_file(manager) == NULL ? Py_NewRef((PyObject *)manager->op)
                                         : manager_entering(manager);
}

static PyObject *
manager_am_await(PyObject *self)
{
    PyObject *opening = manager_opening((ManagerObject *)self);
    PyObject *steps = opening == NULL ? NULL : op_am_await(opening);
    Py_XDECREF(opening);
    return steps;
}

/* The `__await__` of Python, unlike the slot. */
static PyObject *
manager_await(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    ManagerObject *manager = (ManagerObject *)self;
    PyObject *opening = manager_opening(manager);
    PyObject *steps = opening == NULL
                          ? NULL
                          : op_iter_new(manager->op->state, opening);
    Py_XDECREF(opening);
    return steps;
}

/* ---- its methods that are declared in Python ---- */

static PyObject *
manager_enter(PyObject *self, PyObject *const *args, size_t nargsf,
              PyObject *kwnames)
{
    struct function *function = (struct function *)self;
    if (PyVectorcall_NARGS(nargsf) != 1 || kwnames != NULL
        || !Py_IS_TYPE(args[0], function->state->manager_type)) {
        return function_call(function, args, nargsf, kwnames);
    }
    return manager_entering((ManagerObject *)args[0]);
}

static PyObject *
manager_exit(PyObject *self, PyObject *const *args, size_t nargsf,
             PyObject *kwnames)
{
    struct function *function = (struct function *)self;
    ModuleState *state = function->state;
    if (PyVectorcall_NARGS(nargsf) != 4 || kwnames != NULL
        || !Py_IS_TYPE(args[0], state->manager_type)
        || manager_file((ManagerObject *)args[0]) == NULL) {
        return function_call(function, args, nargsf, kwnames);
    }
    ManagerObject *manager = (ManagerObject *)args[0];
    PyObject *file = Py_NewRef(manager_file(manager));
    manager_leave(manager);
    PyObject *closing = PyObject_CallMethodNoArgs(file, state->str_close);
    Py_DECREF(file);
    return closing;
}

/* The methods of the class in Python are those of the type too, but for two. */
int
manager_register(ModuleState *state, PyObject *cls)
{
    static const struct {
        const char *name;
        vectorcallfunc call;
    } methods[] = {{"__aenter__", manager_enter},
                   {"__aexit__", manager_exit},
                   {"_exit_file", NULL}};
    for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
        vectorcallfunc call = methods[i].call;
        PyObject *method = PyObject_GetAttrString(cls, methods[i].name);
        if (method != NULL && call != NULL) {
            Py_SETREF(method, (PyObject *)function_new(state, method, call));
        }
        if (method == NULL
            || PyDict_SetItemString(state->manager_type->tp_dict,
                                    methods[i].name, method)
                   < 0) {
            Py_XDECREF(method);
            return -1;
        }
        Py_DECREF(method);
    }
    PyType_Modified(state->manager_type);
    Py_XSETREF(state->manager_class, Py_NewRef(cls));
    return 0;
}

/* ---- the type ---- */

static PyObject *
manager_get_class(PyObject *self, void *Py_UNUSED(closure))
{
    PyObject *cls = ((ManagerObject *)self)->op->state->manager_class;
    return Py_NewRef(cls == NULL ? (PyObject *)Py_TYPE(self) : cls);
}

static PyObject *
manager_get_coro(PyObject *self, void *Py_UNUSED(closure))
{
    return Py_NewRef((PyObject *)((ManagerObject *)self)->op);
}

static PyObject *
manager_get_obj(PyObject *self, void *Py_UNUSED(closure))
{
    PyObject *file = manager_file((ManagerObject *)self);
    return Py_NewRef(file == NULL ? Py_None : file);
}

/* By the methods in Python, where they are called by hand. */
static int
manager_set_obj(PyObject *self, PyObject *file, void *Py_UNUSED(closure))
{
    ManagerObject *manager = (ManagerObject *)self;
    if (file == Py_None) {
        manager_leave(manager);
    }
    else if (file == NULL || file != manager_file(manager)) {
        PyErr_SetString(PyExc_AttributeError, "_obj is what was opened");
        return -1;
    }
    return 0;
}

static int
manager_tp_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT((PyObject *)((ManagerObject *)self)->op);
    return 0;
}

/* There is no tp_clear: a cycle through it is one through its operation. */
static void
manager_tp_dealloc(PyObject *self)
{
    ManagerObject *manager = (ManagerObject *)self;
    PyTypeObject *tp = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (manager->weakrefs != NULL) {
        PyObject_ClearWeakRefs(self);
    }
    Py_DECREF((PyObject *)manager->op);
    PyObject_GC_Del(self);
    Py_DECREF(tp); /* the reference taken when it was allocated */
}

static PyMethodDef manager_methods[] = {
    {"__await__", manager_await, METH_NOARGS | METH_COEXIST, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef manager_members[] = {
    {"__weaklistoffset__", T_PYSSIZET,
     (Py_ssize_t)offsetof(ManagerObject, weakrefs), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef manager_getset[] = {
    {"__class__", manager_get_class, NULL, NULL, NULL},
    {"_coro", manager_get_coro, NULL, NULL, NULL},
    {"_obj", manager_get_obj, manager_set_obj, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot manager_slots[] = {
    {Py_tp_doc,
     (void *)PyDoc_STR(
         "What open() returns: to be awaited, or entered by `async with`.")},
    {Py_tp_dealloc, (void *)manager_tp_dealloc},
    {Py_tp_traverse, (void *)manager_tp_traverse},
    {Py_am_await, (void *)manager_am_await},
    {Py_tp_methods, manager_methods},
    {Py_tp_members, manager_members},
    {Py_tp_getset, manager_getset},
    {0, NULL},
};

static PyType_Spec manager_spec = {
    .name = "aiofiles_c.base.AiofilesContextManager",
    .basicsize = sizeof(ManagerObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC
             | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = manager_slots,
};

/* ---- open() ---- */

/* The arguments of the call as open_native() has them, with what is not given
 * as declared: false for a call that the declaration has to see. */
static bool
open_bind(const ModuleState *state, PyObject *const *args, Py_ssize_t nargs,
          PyObject *kwnames, PyObject *bound[OPEN_ARGS])
{
    PyObject *const defaults[OPEN_ARGS] = {
        NULL,    state->str_r, state->minus_one, Py_None, Py_None,
        Py_None, Py_True,      Py_None,          Py_None};
    if (nargs > OPEN_NAMES) {
        return false;
    }
    for (int i = 0; i < OPEN_ARGS; i++) {
        bound[i] = i < nargs ? args[i] : defaults[i];
    }
    Py_ssize_t count = kwnames == NULL ? 0 : PyTuple_GET_SIZE(kwnames);
    for (Py_ssize_t i = 0; i < count; i++) {
        int at = (int)nargs;
        while (at < OPEN_NAMES
               && PyTuple_GET_ITEM(kwnames, i) != state->open_names[at]) {
            at++;
        }
        if (at == OPEN_NAMES) {
            return false;
        }
        bound[at] = args[nargs + i];
    }
    return bound[0] != NULL;
}

static PyObject *
open_call(PyObject *self, PyObject *const *args, size_t nargsf,
          PyObject *kwnames)
{
    struct function *function = (struct function *)self;
    ModuleState *state = function->state;
    PyObject *bound[OPEN_ARGS];
    PyObject *globals = PyFunction_GET_GLOBALS(function->declared);
    if (PyDict_GetItem(globals, state->str_sync_open) != function->sync_open
        || !open_bind(state, args, PyVectorcall_NARGS(nargsf), kwnames,
                      bound)) {
        return function_call(function, args, nargsf, kwnames);
    }
    PyObject *opening = open_native(state, bound, 1), *manager = NULL;
    if (opening != NULL) {
        manager = Py_IS_TYPE(opening, state->op_type)
                      ? manager_new(state, opening)
                      : PyObject_CallOneArg(state->manager_class, opening);
        if (manager == NULL && Py_IS_TYPE(opening, state->op_type)) {
            op_abandon((OpObject *)opening); /* nobody could have awaited it */
        }
        Py_DECREF(opening);
    }
    return manager;
}

/* _core.open_function(declared): declared is in a module with `sync_open`. */
static PyObject *
open_function(PyObject *module, PyObject *declared)
{
    ModuleState *state = state_of(module);
    if (!PyFunction_Check(declared)) {
        PyErr_SetString(PyExc_TypeError, "a function is expected");
        return NULL;
    }
    PyObject *sync_open = PyDict_GetItem(PyFunction_GET_GLOBALS(declared),
                                         state->str_sync_open);
    struct function *function = function_new(state, declared, open_call);
    if (function != NULL) {
        function->sync_open = Py_XNewRef(sync_open);
    }
    return (PyObject *)function;
}

static PyMethodDef manager_functions[] = {
    {"open_function", open_function, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

int
manager_init(PyObject *module, ModuleState *state)
{
    static const char *const names[OPEN_NAMES] = {
        "file",   "mode",    "buffering", "encoding",
        "errors", "newline", "closefd",   "opener"};
    for (int i = 0; i < OPEN_NAMES; i++) {
        state->open_names[i] = PyUnicode_InternFromString(names[i]);
        if (state->open_names[i] == NULL) {
            return -1;
        }
    }
    state->minus_one = PyLong_FromLong(-1);
    state->manager_type = (PyTypeObject *)PyType_FromModuleAndSpec(
        module, &manager_spec, NULL);
    if (state->minus_one == NULL || state->manager_type == NULL) {
        return -1;
    }
    return PyModule_AddFunctions(module, manager_functions);
}
