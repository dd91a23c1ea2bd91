/* method.c - the descriptor of an asynchronous method.
 *
 * As a function does in `async def`, a call makes the awaitable and keeps the
 * arguments; whatever is wrong with them is raised where it is awaited.
 *
 * To those who look at it, as inspect.iscoroutinefunction() does, it is like a
 * function: it shows what the delegate's method of the same name has, which is
 * declared in Python.
 */
#include "method.h"

#include "file.h"

typedef struct {
    PyObject_HEAD
    PyTypeObject *objclass;     /* owned */
    const struct op_kind *kind; /* static */
    ModuleState *state;         /* borrowed: the type holds the module */
    vectorcallfunc vectorcall;
} MethodObject;

/* Whether obj has the layout of cls; all our types are in one line of bases,
 * and so a subclass in Python has its own type's layout from the first. */
static bool
method_fits(PyObject *obj, const PyTypeObject *cls)
{
    const PyTypeObject *type = Py_TYPE(obj);
    while (type != NULL && type != cls) {
        type = type->tp_base;
    }
    return type != NULL;
}

static PyObject *
method_vectorcall(PyObject *self, PyObject *const *args, size_t nargsf,
                  PyObject *kwnames)
{
    MethodObject *method = (MethodObject *)self;
    Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
    if (nargs < 1 || !method_fits(args[0], method->objclass)) {
        PyErr_Format(PyExc_TypeError, "method '%s' requires a '%s' object",
                     method->kind->name, method->objclass->tp_name);
        return NULL;
    }
    OpObject *op = op_new(method->state, method->kind, args[0]);
    if (op == NULL) {
        return NULL;
    }
    if (nargs == 2 && kwnames == NULL) {
        op->arg[0] = Py_NewRef(args[1]);
        op->given = true;
    }
    else if ((nargs > 1 || kwnames != NULL)
             && op_set_args(op, args + 1, nargs - 1, kwnames) < 0) {
        Py_CLEAR(op);
    }
    if (op != NULL && op_note_origin(op) < 0) {
        Py_CLEAR(op);
    }
    return (PyObject *)op;
}

static PyObject *
method_tp_descr_get(PyObject *self, PyObject *obj, PyObject *Py_UNUSED(type))
{
    if (obj == NULL || obj == Py_None) {
        return Py_NewRef(self);
    }
    return PyMethod_New(self, obj);
}

static int
method_tp_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((MethodObject *)self)->objclass);
    return 0;
}

static int
method_tp_clear(PyObject *self)
{
    Py_CLEAR(((MethodObject *)self)->objclass);
    return 0;
}

static void
method_tp_dealloc(PyObject *self)
{
    PyTypeObject *tp = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    (void)method_tp_clear(self);
    tp->tp_free(self);
    Py_DECREF(tp); /* the reference taken when it was allocated */
}

static PyObject *
method_get_name(PyObject *self, void *Py_UNUSED(closure))
{
    return PyUnicode_FromString(((MethodObject *)self)->kind->name);
}

PyObject *
method_qualname(PyTypeObject *type, const struct op_kind *kind)
{
    PyObject *cls = PyObject_GetAttrString((PyObject *)type, "__name__");
    if (cls == NULL) {
        return NULL;
    }
    PyObject *name = PyUnicode_FromFormat("%U.%s", cls, kind->name);
    Py_DECREF(cls);
    return name;
}

static PyObject *
method_get_qualname(PyObject *self, void *Py_UNUSED(closure))
{
    MethodObject *method = (MethodObject *)self;
    return method_qualname(method->objclass, method->kind);
}

/* The doc of a kind is "name(signature)\n--\n\ntext". */
static const char *
method_doc_text(const struct op_kind *kind)
{
    const char *text = strstr(kind->doc, "\n--\n\n");
    return text == NULL ? kind->doc : text + 5;
}

PyObject *
method_declaration(ModuleState *state, PyTypeObject *type, const char *name)
{
    PyObject *method = NULL, *declared = NULL;
    PyObject *super = PyObject_CallFunctionObjArgs(
        (PyObject *)&PySuper_Type, (PyObject *)state->file_types[CLASS_COUNT],
        (PyObject *)type, NULL);
    if (super == NULL) {
        return NULL;
    }
    method = PyObject_GetAttrString(super, name);
    Py_DECREF(super);
    if (method == NULL) {
        return NULL;
    }
    declared = PyObject_GetAttrString(method, "__wrapped__");
    if (declared == NULL && PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear(); /* declared where it is defined */
        return method;
    }
    Py_DECREF(method);
    return declared;
}

/* A class of Python's that has the method; NULL before they are known. */
static PyTypeObject *
method_class(const MethodObject *method)
{
    ModuleState *state = method->state;
    for (int i = 0; i < CLASS_COUNT; i++) {
        if (state->file_types[i] != NULL
            && PyType_IsSubtype(state->file_types[i], method->objclass)) {
            return (PyTypeObject *)state->classes[i];
        }
    }
    return NULL;
}

/* An attribute of the declaration: the closure is its name. */
static PyObject *
method_get_declared(PyObject *self, void *closure)
{
    MethodObject *method = (MethodObject *)self;
    PyTypeObject *cls = method_class(method);
    if (cls == NULL) {
        PyErr_SetString(PyExc_AttributeError, closure);
        return NULL;
    }
    PyObject *declared = method_declaration(method->state, cls,
                                            method->kind->name);
    if (declared == NULL) {
        return NULL;
    }
    PyObject *value = PyObject_GetAttrString(declared, closure);
    Py_DECREF(declared);
    return value;
}

static PyObject *
method_get_signature(PyObject *self, void *Py_UNUSED(closure))
{
    MethodObject *method = (MethodObject *)self;
    PyTypeObject *cls = method_class(method);
    if (cls == NULL) {
        PyErr_SetString(PyExc_AttributeError, "__signature__");
        return NULL;
    }
    PyObject *signature = NULL, *inspect = NULL;
    PyObject *declared = method_declaration(method->state, cls,
                                            method->kind->name);
    if (declared == NULL) {
        return NULL;
    }
    inspect = PyImport_ImportModule("inspect");
    if (inspect != NULL) {
        signature = PyObject_CallMethod(inspect, "signature", "O", declared);
    }
    Py_XDECREF(inspect);
    Py_DECREF(declared);
    return signature;
}

static PyObject *
method_get_doc(PyObject *self, void *Py_UNUSED(closure))
{
    return PyUnicode_FromString(method_doc_text(((MethodObject *)self)->kind));
}

static PyObject *
method_get_text_signature(PyObject *self, void *Py_UNUSED(closure))
{
    const struct op_kind *kind = ((MethodObject *)self)->kind;
    const char *start = strchr(kind->doc, '(');
    const char *end = strstr(kind->doc, "\n--\n\n");
    if (start == NULL || end == NULL) {
        Py_RETURN_NONE;
    }
    return PyUnicode_FromStringAndSize(start, end - start);
}

static PyObject *
method_tp_repr(PyObject *self)
{
    PyObject *name = method_get_qualname(self, NULL);
    if (name == NULL) {
        return NULL;
    }
    PyObject *repr = PyUnicode_FromFormat("<coroutine method %R>", name);
    Py_DECREF(name);
    return repr;
}

/* As of a function, a copy is the thing itself. */
static PyObject *
method_copy(PyObject *self, PyObject *Py_UNUSED(memo))
{
    return Py_NewRef(self);
}

static PyMethodDef method_methods[] = {
    {"__copy__", method_copy, METH_NOARGS, NULL},
    {"__deepcopy__", method_copy, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef method_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET,
     (Py_ssize_t)offsetof(MethodObject, vectorcall), READONLY, NULL},
    {"__objclass__", T_OBJECT, (Py_ssize_t)offsetof(MethodObject, objclass),
     READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef method_getset[] = {
    {"__name__", method_get_name, NULL, NULL, NULL},
    {"__qualname__", method_get_qualname, NULL, NULL, NULL},
    {"__doc__", method_get_doc, NULL, NULL, NULL},
    {"__text_signature__", method_get_text_signature, NULL, NULL, NULL},
    {"__signature__", method_get_signature, NULL, NULL, NULL},
    {"__annotations__", method_get_declared, NULL, NULL, "__annotations__"},
    {"__code__", method_get_declared, NULL, NULL, "__code__"},
    {"__defaults__", method_get_declared, NULL, NULL, "__defaults__"},
    {"__globals__", method_get_declared, NULL, NULL, "__globals__"},
    {"__kwdefaults__", method_get_declared, NULL, NULL, "__kwdefaults__"},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot method_slots[] = {
    {Py_tp_dealloc, (void *)method_tp_dealloc},
    {Py_tp_traverse, (void *)method_tp_traverse},
    {Py_tp_clear, (void *)method_tp_clear},
    {Py_tp_repr, (void *)method_tp_repr},
    {Py_tp_call, (void *)PyVectorcall_Call},
    {Py_tp_descr_get, (void *)method_tp_descr_get},
    {Py_tp_methods, method_methods},
    {Py_tp_members, method_members},
    {Py_tp_getset, method_getset},
    {0, NULL},
};

static PyType_Spec method_spec = {
    .name = "aiofiles_c._core.coroutine_method",
    .basicsize = sizeof(MethodObject),
    /* Immutable: or the interpreter would not specialize LOAD_ATTR for it. */
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC
             | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR
             | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = method_slots,
};

int
method_init(PyObject *module, ModuleState *state)
{
    state->method_type = (PyTypeObject *)PyType_FromModuleAndSpec(
        module, &method_spec, NULL);
    return state->method_type == NULL ? -1 : 0;
}

/* A new descriptor of a kind, for a method of type. */
static PyObject *
method_new(ModuleState *state, PyTypeObject *type, const struct op_kind *kind)
{
    MethodObject *method = (MethodObject *)state->method_type->tp_alloc(
        state->method_type, 0);
    if (method != NULL) {
        method->objclass = (PyTypeObject *)Py_NewRef((PyObject *)type);
        method->kind = kind;
        method->state = state;
        method->vectorcall = method_vectorcall;
    }
    return (PyObject *)method;
}

int
method_add_all(ModuleState *state, PyTypeObject *type,
               const struct op_kind *kinds)
{
    for (const struct op_kind *kind = kinds; kind->name != NULL; kind++) {
        PyObject *method = method_new(state, type, kind);
        if (method == NULL) {
            return -1;
        }
        int rc = PyObject_SetAttrString((PyObject *)type, kind->name, method);
        Py_DECREF(method);
        if (rc < 0) {
            return -1;
        }
    }
    return 0;
}

int
method_shadow_slot(ModuleState *state, PyTypeObject *cls, PyTypeObject *type,
                   const struct op_kind *kind)
{
    PyObject *method = method_new(state, type, kind);
    if (method == NULL) {
        return -1;
    }
    /* Not by setattr, after which the slot would look for this method. */
    int rc = PyDict_SetItemString(cls->tp_dict, kind->name, method);
    Py_DECREF(method);
    PyType_Modified(cls);
    return rc;
}
