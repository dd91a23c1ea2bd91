/* scandir.c - the entries of a directory: their iterator, and each of them.
 *
 * Any thread, with the GIL.  The whole directory has been read by then; an
 * entry is made when it is asked for.  It is what os.DirEntry is: what the
 * listing has told it answers from memory, and the rest it asks the real
 * os.stat() for and remembers.
 */
#include "fsops.h"

#include <dirent.h>
#include <stdlib.h>

/* ---- an entry ---- */

typedef struct {
    PyObject_HEAD
    /* owned */
    PyObject *name;
    PyObject *path;
    PyObject *dir;      /* None, or the descriptor that was listed */
    PyObject *stat;     /* of what it leads to; NULL: not asked yet */
    PyObject *lstat;    /* its own */
    ModuleState *state; /* borrowed: the type holds the module */
    uint64_t ino;
    unsigned char type; /* DT_ */
} EntryObject;

static void
entry_tp_dealloc(PyObject *self)
{
    EntryObject *entry = (EntryObject *)self;
    PyTypeObject *tp = Py_TYPE(self);
    Py_XDECREF(entry->name);
    Py_XDECREF(entry->path);
    Py_XDECREF(entry->dir);
    Py_XDECREF(entry->stat);
    Py_XDECREF(entry->lstat);
    tp->tp_free(self);
    Py_DECREF(tp); /* the reference taken when it was allocated */
}

static PyObject *
entry_tp_repr(PyObject *self)
{
    return PyUnicode_FromFormat("<DirEntry %R>", ((EntryObject *)self)->name);
}

/* os.stat() of it; new. */
static PyObject *
entry_ask(EntryObject *entry, bool follow)
{
    PyObject *empty = NULL, *kwargs = NULL, *result = NULL;
    empty = PyTuple_Pack(1, entry->path);
    kwargs = Py_BuildValue("{sOsO}", "dir_fd", entry->dir, "follow_symlinks",
                           follow ? Py_True : Py_False);
    if (empty != NULL && kwargs != NULL) {
        result = PyObject_Call(entry->state->os_stat, empty, kwargs);
    }
    Py_XDECREF(empty);
    Py_XDECREF(kwargs);
    return result;
}

/* What os.stat() says, asked once; borrowed. */
static PyObject *
entry_get_stat(EntryObject *entry, bool follow)
{
    follow = follow && (entry->type == DT_LNK || entry->type == DT_UNKNOWN);
    PyObject **kept = follow ? &entry->stat : &entry->lstat;
    if (*kept == NULL) {
        PyObject *found = entry_ask(entry, follow);
        Py_XSETREF(*kept, found);
    }
    return *kept;
}

/* The one argument of these methods: 1, 0, or -1 with TypeError. */
static int
entry_follows(const char *method, PyObject *const *args, Py_ssize_t nargs,
              PyObject *kwnames)
{
    if (nargs > 0) {
        PyErr_Format(PyExc_TypeError,
                     "%s() takes 0 positional arguments but %zd %s given",
                     method, nargs, nargs == 1 ? "was" : "were");
        return -1;
    }
    if (kwnames == NULL || PyTuple_GET_SIZE(kwnames) == 0) {
        return 1;
    }
    PyObject *name = PyTuple_GET_ITEM(kwnames, 0);
    if (PyTuple_GET_SIZE(kwnames) == 1
        && PyUnicode_CompareWithASCIIString(name, "follow_symlinks") == 0) {
        return PyObject_IsTrue(args[0]);
    }
    PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument",
                 method);
    return -1;
}

static PyObject *
entry_stat(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
           PyObject *kwnames)
{
    int follow = entry_follows("stat", args, nargs, kwnames);
    if (follow < 0) {
        return NULL;
    }
    return Py_XNewRef(entry_get_stat((EntryObject *)self, follow));
}

/* Whether it is of that type, where it takes a call to know: 1, 0 or -1. */
static int
entry_stat_is(EntryObject *entry, bool follow, mode_t type)
{
    PyObject *st = entry_get_stat(entry, follow);
    if (st == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_FileNotFoundError)) {
            return -1;
        }
        PyErr_Clear(); /* gone, or a link that leads nowhere */
        return 0;
    }
    PyObject *mode = PyObject_GetAttrString(st, "st_mode");
    long bits = mode == NULL ? -1 : PyLong_AsLong(mode);
    Py_XDECREF(mode);
    if (bits == -1 && PyErr_Occurred()) {
        return -1;
    }
    return ((mode_t)bits & S_IFMT) == type;
}

static PyObject *
entry_is(EntryObject *entry, int follow, unsigned char type, mode_t bits)
{
    int is = entry->type == type;
    if (follow < 0) {
        return NULL;
    }
    if (entry->type == DT_UNKNOWN || (follow && entry->type == DT_LNK)) {
        is = entry_stat_is(entry, follow, bits);
    }
    return is < 0 ? NULL : PyBool_FromLong(is);
}

static PyObject *
entry_is_dir(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
             PyObject *kwnames)
{
    return entry_is((EntryObject *)self,
                    entry_follows("is_dir", args, nargs, kwnames), DT_DIR,
                    S_IFDIR);
}

static PyObject *
entry_is_file(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
              PyObject *kwnames)
{
    return entry_is((EntryObject *)self,
                    entry_follows("is_file", args, nargs, kwnames), DT_REG,
                    S_IFREG);
}

static PyObject *
entry_is_symlink(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return entry_is((EntryObject *)self, 0, DT_LNK, S_IFLNK);
}

static PyObject *
entry_is_junction(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(ignored))
{
    Py_RETURN_FALSE; /* there are none but on Windows */
}

static PyObject *
entry_inode(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromUnsignedLongLong(((EntryObject *)self)->ino);
}

static PyObject *
entry_fspath(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return Py_NewRef(((EntryObject *)self)->path);
}

static PyMethodDef entry_methods[] = {
    {"is_dir", AIOF_METHOD(entry_is_dir), METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("is_dir($self, /, *, follow_symlinks=True)\n--\n\n"
               "Return True if the entry is a directory.")},
    {"is_file", AIOF_METHOD(entry_is_file), METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("is_file($self, /, *, follow_symlinks=True)\n--\n\n"
               "Return True if the entry is a regular file.")},
    {"is_symlink", entry_is_symlink, METH_NOARGS,
     PyDoc_STR("is_symlink($self, /)\n--\n\n"
               "Return True if the entry is a symbolic link.")},
    {"is_junction", entry_is_junction, METH_NOARGS,
     PyDoc_STR("is_junction($self, /)\n--\n\nReturn False.")},
    {"stat", AIOF_METHOD(entry_stat), METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("stat($self, /, *, follow_symlinks=True)\n--\n\n"
               "Return what os.stat() says, which may wait for the disk.\n\n"
               "`await aiofiles_c.os.stat(entry)` does not hold the loop.")},
    {"inode", entry_inode, METH_NOARGS,
     PyDoc_STR("inode($self, /)\n--\n\nReturn the entry's inode number.")},
    {"__fspath__", entry_fspath, METH_NOARGS,
     PyDoc_STR("__fspath__($self, /)\n--\n\nReturn the entry's path.")},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS,
     PyDoc_STR("Make an alias for annotations.")},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef entry_members[] = {
    {"name", T_OBJECT_EX, (Py_ssize_t)offsetof(EntryObject, name), READONLY,
     PyDoc_STR("the entry's name, without the directory")},
    {"path", T_OBJECT_EX, (Py_ssize_t)offsetof(EntryObject, path), READONLY,
     PyDoc_STR("the directory as it was given, and the name")},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot entry_slots[] = {
    {Py_tp_doc, (void *)PyDoc_STR("An entry of a directory, as os.DirEntry.")},
    {Py_tp_dealloc, (void *)entry_tp_dealloc},
    {Py_tp_repr, (void *)entry_tp_repr},
    {Py_tp_methods, entry_methods},
    {Py_tp_members, entry_members},
    {0, NULL},
};

static PyType_Spec entry_spec = {
    .name = "aiofiles_c._core.DirEntry",
    .basicsize = sizeof(EntryObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = entry_slots,
};

/* ---- the iterator ---- */

typedef struct {
    PyObject_HEAD
    /* owned */
    PyObject *prefix;   /* what paths begin with; NULL: they are names */
    PyObject *dir;      /* None, or the descriptor that was listed */
    char *data;         /* malloc'ed; NULL: at the end, or closed */
    ModuleState *state; /* borrowed: the type holds the module */
    size_t at;          /* where the next entry lies */
    size_t left;        /* how many there are */
    bool bytes;
} ScandirObject;

static void
scandir_end(ScandirObject *scan)
{
    free(scan->data);
    scan->data = NULL;
    scan->left = 0;
}

static void
scandir_tp_dealloc(PyObject *self)
{
    ScandirObject *scan = (ScandirObject *)self;
    PyTypeObject *tp = Py_TYPE(self);
    scandir_end(scan);
    Py_XDECREF(scan->prefix);
    Py_XDECREF(scan->dir);
    tp->tp_free(self);
    Py_DECREF(tp); /* the reference taken when it was allocated */
}

/* The directory with a slash at its end; new. */
static PyObject *
scandir_prefix(const struct call *call)
{
    const struct fs_path *path = &call->fs.path[0];
    bool bytes = fs_gives_bytes(call);
    PyObject *start = call->given[0] == NULL ? PyUnicode_FromString(".")
                                             : Py_NewRef(call->given[0]);
    if (start == NULL || path->name[path->len - 1] == '/') {
        return start;
    }
    PyObject *prefix = bytes ? PyBytes_FromFormat("%s/", path->name)
                             : PyUnicode_FromFormat("%U/", start);
    Py_DECREF(start);
    return prefix;
}

PyObject *
scandir_new(ModuleState *state, struct call *call)
{
    PyTypeObject *tp = state->scandir_type;
    ScandirObject *scan = (ScandirObject *)tp->tp_alloc(tp, 0);
    if (scan == NULL) {
        return NULL;
    }
    bool number = call->fs.path[0].name == NULL;
    scan->state = state;
    scan->dir = Py_NewRef(number ? call->given[0] : Py_None);
    scan->bytes = fs_gives_bytes(call);
    if (!number) {
        scan->prefix = scandir_prefix(call);
        if (scan->prefix == NULL) {
            Py_DECREF(scan);
            return NULL;
        }
    }
    scan->left = call->fs.entries;
    scan->data = call->fs.data;
    call->fs.data = NULL; /* the iterator's now */
    return (PyObject *)scan;
}

static PyObject *
entry_path(const ScandirObject *scan, PyObject *name)
{
    if (scan->prefix == NULL) {
        return Py_NewRef(name);
    }
    if (!scan->bytes) {
        return PyUnicode_Concat(scan->prefix, name);
    }
    PyObject *path = Py_NewRef(scan->prefix);
    PyBytes_Concat(&path, name);
    return path;
}

/* The next entry; NULL at the end, or with an exception. */
static PyObject *
scandir_tp_iternext(PyObject *self)
{
    ScandirObject *scan = (ScandirObject *)self;
    PyTypeObject *tp = scan->state->entry_type;
    if (scan->left == 0) {
        scandir_end(scan);
        return NULL;
    }
    EntryObject *entry = (EntryObject *)tp->tp_alloc(tp, 0);
    if (entry == NULL) {
        return NULL;
    }
    struct fs_entry found = fs_entry_next(scan->data, &scan->at);
    scan->left--;
    entry->state = scan->state;
    entry->ino = found.ino;
    entry->type = found.type;
    entry->dir = Py_NewRef(scan->dir);
    entry->name = fs_name(found.name, found.len, found.ascii, scan->bytes);
    if (entry->name != NULL) {
        entry->path = entry_path(scan, entry->name);
    }
    if (entry->path == NULL) {
        Py_CLEAR(entry);
    }
    return (PyObject *)entry;
}

static PyObject *
scandir_close(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    scandir_end((ScandirObject *)self);
    Py_RETURN_NONE;
}

static PyObject *
scandir_enter(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return Py_NewRef(self);
}

static PyObject *
scandir_exit(PyObject *self, PyObject *Py_UNUSED(args))
{
    return scandir_close(self, NULL);
}

/* ---- the same for async: all is there, so nothing waits ---- */

static enum step
anext_step(OpObject *op, PyObject **result)
{
    *result = scandir_tp_iternext(op->arg[0]);
    op_charge(op, 0);
    if (*result == NULL && !PyErr_Occurred()) {
        PyErr_SetNone(PyExc_StopAsyncIteration);
    }
    return *result == NULL ? STEP_ERROR : STEP_DONE;
}

static enum step
aenter_step(OpObject *op, PyObject **result)
{
    *result = Py_NewRef(op->arg[0]);
    return STEP_DONE;
}

static enum step
aexit_step(OpObject *op, PyObject **result)
{
    *result = scandir_close(op->arg[0], NULL);
    return STEP_DONE;
}

static const struct op_kind anext_kind = {"__anext__", anext_step, NULL,
                                          OP_HOPS, ""};
static const struct op_kind aenter_kind = {"__aenter__", aenter_step, NULL,
                                           OP_HOPS, ""};
static const struct op_kind aexit_kind = {"__aexit__", aexit_step, NULL,
                                          OP_HOPS, ""};

static PyObject *
scandir_operation(PyObject *self, const struct op_kind *kind)
{
    OpObject *op = op_new(((ScandirObject *)self)->state, kind, NULL);
    if (op != NULL) {
        op->arg[0] = Py_NewRef(self);
        op->given = true;
    }
    return (PyObject *)op;
}

static PyObject *
scandir_am_anext(PyObject *self)
{
    return scandir_operation(self, &anext_kind);
}

static PyObject *
scandir_aenter(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return scandir_operation(self, &aenter_kind);
}

static PyObject *
scandir_aexit(PyObject *self, PyObject *Py_UNUSED(args))
{
    return scandir_operation(self, &aexit_kind);
}

static PyMethodDef scandir_methods[] = {
    {"close", scandir_close, METH_NOARGS,
     PyDoc_STR("close($self, /)\n--\n\nForget the entries that are left.")},
    {"__enter__", scandir_enter, METH_NOARGS, NULL},
    {"__exit__", scandir_exit, METH_VARARGS, NULL},
    {"__aenter__", scandir_aenter, METH_NOARGS, NULL},
    {"__aexit__", scandir_aexit, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot scandir_slots[] = {
    {Py_tp_doc, (void *)PyDoc_STR("The entries of a directory, for `for`, "
                                  "`async for`, `with`, `async with`.")},
    {Py_tp_dealloc, (void *)scandir_tp_dealloc},
    {Py_tp_iter, (void *)PyObject_SelfIter},
    {Py_tp_iternext, (void *)scandir_tp_iternext},
    {Py_am_aiter, (void *)PyObject_SelfIter},
    {Py_am_anext, (void *)scandir_am_anext},
    {Py_tp_methods, scandir_methods},
    {0, NULL},
};

static PyType_Spec scandir_spec = {
    .name = "aiofiles_c._core.ScandirIterator",
    .basicsize = sizeof(ScandirObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = scandir_slots,
};

int
scandir_init(PyObject *module, ModuleState *state)
{
    state->entry_type = (PyTypeObject *)PyType_FromModuleAndSpec(
        module, &entry_spec, NULL);
    state->scandir_type = (PyTypeObject *)PyType_FromModuleAndSpec(
        module, &scandir_spec, NULL);
    PyObject *os = PyImport_ImportModule("os");
    if (os != NULL) {
        state->os_stat = PyObject_GetAttrString(os, "stat");
        Py_DECREF(os);
    }
    if (state->entry_type == NULL || state->scandir_type == NULL
        || state->os_stat == NULL) {
        return -1;
    }
    return PyModule_AddType(module, state->entry_type);
}
