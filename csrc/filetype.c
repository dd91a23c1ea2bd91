/* filetype.c - the native file's types: attributes, iteration, destruction.
 *
 * Loop thread, with the GIL.  The four types differ in their methods only;
 * Python's classes of the same kind are derived from them (see
 * aiofiles_c/threadpool/_native.py).
 */
#include "file.h"

#include "method.h"
#include "prefetch.h"
#include "stream.h"
#include "text.h"

/* ---- attributes ---- */

static PyObject *
real_attr(FileObject *file, const char *name)
{
    return PyObject_GetAttrString(file->real, name);
}

static PyObject *
file_get_closed(PyObject *self, void *Py_UNUSED(closure))
{
    FileObject *file = (FileObject *)self;
    return file->real != NULL ? real_attr(file, "closed")
                              : PyBool_FromLong(file->closed);
}

/* A temporary file without a name has the descriptor's number for one: who
 * asks for it may use it. */
static PyObject *
file_get_name(PyObject *self, void *Py_UNUSED(closure))
{
    FileObject *file = (FileObject *)self;
    if (file->fate == FATE_UNNAMED && file->real == NULL && !file->closed
        && file_share(file) < 0) {
        return NULL;
    }
    return Py_NewRef(file->name);
}

/* The attributes that are kept as objects: the closure is their offset. */
static PyObject *
file_get_object(PyObject *self, void *closure)
{
    PyObject *value = *(PyObject **)((char *)self + (size_t)closure);
    return Py_NewRef(value == NULL ? Py_None : value);
}

static PyObject *
file_get_mode(PyObject *self, void *Py_UNUSED(closure))
{
    FileObject *file = (FileObject *)self;
    return file->mode != NULL ? Py_NewRef(file->mode)
                              : file_raw_mode(file->flags);
}

static PyObject *
file_get_newlines(PyObject *self, void *Py_UNUSED(closure))
{
    FileObject *file = (FileObject *)self;
    if (file->real != NULL) {
        return real_attr(file, "newlines");
    }
    unsigned seen = file->text->seen;
    const char *kinds[3];
    Py_ssize_t n = 0;
    if (seen & SCAN_CR) {
        kinds[n++] = "\r";
    }
    if (seen & SCAN_LF) {
        kinds[n++] = "\n";
    }
    if (seen & SCAN_CRLF) {
        kinds[n++] = "\r\n";
    }
    switch (n) {
    case 0:
        Py_RETURN_NONE;
    case 1:
        return PyUnicode_FromString(kinds[0]);
    case 2:
        return Py_BuildValue("(ss)", kinds[0], kinds[1]);
    default:
        return Py_BuildValue("(sss)", kinds[0], kinds[1], kinds[2]);
    }
}

static PyObject *
file_get_line_buffering(PyObject *self, void *Py_UNUSED(closure))
{
    FileObject *file = (FileObject *)self;
    return file->real != NULL ? real_attr(file, "line_buffering")
                              : PyBool_FromLong(file->text->line_buffering);
}

static PyObject *
file_get_loop(PyObject *self, void *Py_UNUSED(closure))
{
    FileObject *file = (FileObject *)self;
    if (file->loop != NULL && file->loop != Py_None) {
        return Py_NewRef(file->loop);
    }
    PyObject *asyncio = PyImport_ImportModule("asyncio");
    if (asyncio == NULL) {
        return NULL;
    }
    PyObject *loop = PyObject_CallMethod(asyncio, "get_running_loop", NULL);
    Py_DECREF(asyncio);
    return loop;
}

/* An attribute of the delegate is set, the closure is its offset: the real
 * object, made now, does the work from then on. */
static int
file_set_delegated(PyObject *self, PyObject *value, void *closure)
{
    if (value == NULL) {
        PyErr_SetString(PyExc_AttributeError,
                        "what a file works with cannot be deleted");
        return -1;
    }
    if (file_convert((FileObject *)self) == NULL) {
        return -1;
    }
    PyObject **field = (PyObject **)((char *)self + (size_t)closure);
    PyObject *old = *field;
    *field = Py_NewRef(value);
    Py_XDECREF(old);
    return 0;
}

static PyObject *
file_get_file(PyObject *self, void *Py_UNUSED(closure))
{
    return Py_XNewRef(file_convert((FileObject *)self));
}

/* `buffer` and `raw`: the closure is the name. */
static PyObject *
file_get_below(PyObject *self, void *closure)
{
    PyObject *real = file_convert((FileObject *)self);
    return real == NULL ? NULL : PyObject_GetAttrString(real, closure);
}

/* ---- synchronous methods ---- */

static PyObject *
file_detach(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    PyObject *real = file_convert((FileObject *)self);
    return real == NULL ? NULL : PyObject_CallMethod(real, "detach", NULL);
}

static PyObject *
file_fileno(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    FileObject *file = (FileObject *)self;
    if (file->real != NULL) {
        return PyObject_CallMethod(file->real, "fileno", NULL);
    }
    if (file->closed) {
        return file_refuse(file, "fileno");
    }
    if (file_share(file) < 0) {
        return NULL;
    }
    if (file->fd < 0) {
        return file_refuse(file, "fileno");
    }
    return PyLong_FromLong(file->fd);
}

/* From now on close() removes the name also of a file that was to have it
 * until the end.  False: the real object is in charge. */
static PyObject *
file_end(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    FileObject *file = (FileObject *)self;
    if (file->fate == FATE_END) {
        file->fate = FATE_CLOSE;
    }
    return PyBool_FromLong(file->real == NULL);
}

/* Bytes for a new file, whatever its type: past the text layer.  What is next
 * done with the file waits for them, and has their errors. */
static PyObject *
file_begin_with(PyObject *self, PyObject *content)
{
    FileObject *file = (FileObject *)self;
    if (!PyBytes_CheckExact(content)) {
        PyErr_SetString(PyExc_TypeError, "bytes are expected");
        return NULL;
    }
    if (file->closed || file->real != NULL || file->head != NULL
        || file->raw != 0 || file->writing) {
        PyErr_SetString(PyExc_ValueError, "the file is not new");
        return NULL;
    }
    size_t size = (size_t)PyBytes_GET_SIZE(content);
    if (file_accept(file, PyBytes_AS_STRING(content), size, content) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
file_readable(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    FileObject *file = (FileObject *)self;
    if (file->real != NULL) {
        return PyObject_CallMethod(file->real, "readable", NULL);
    }
    if (file->closed) {
        return file_refuse(file, "readable");
    }
    return PyBool_FromLong(file->flags & MODE_READ);
}

/* ---- repr ---- */

static PyObject *
file_repr_wrapped(FileObject *file)
{
    if (file->real != NULL) {
        return PyObject_Repr(file->real);
    }
    if (file->text != NULL) {
        return PyUnicode_FromFormat(
            "<_io.TextIOWrapper name=%R mode=%R encoding=%R>", file->name,
            file->mode, file->encoding);
    }
    if (file->bufsize == 0) {
        if (file->closed) {
            return PyUnicode_FromString("<_io.FileIO [closed]>");
        }
        PyObject *mode = file_raw_mode(file->flags);
        PyObject *repr = NULL;
        if (mode != NULL) {
            repr = PyUnicode_FromFormat(
                "<_io.FileIO name=%R mode=%R closefd=%s>", file->name, mode,
                file->closefd ? "True" : "False");
        }
        Py_XDECREF(mode);
        return repr;
    }
    const char *name = file->flags & MODE_PLUS   ? "BufferedRandom"
                       : file->flags & MODE_READ ? "BufferedReader"
                                                 : "BufferedWriter";
    return PyUnicode_FromFormat("<_io.%s name=%R>", name, file->name);
}

static PyObject *
file_tp_repr(PyObject *self)
{
    PyObject *module = NULL, *name = NULL, *repr = NULL;
    PyObject *wrapped = file_repr_wrapped((FileObject *)self);
    if (wrapped == NULL) {
        return NULL;
    }
    module = PyObject_GetAttrString((PyObject *)Py_TYPE(self), "__module__");
    name = PyObject_GetAttrString((PyObject *)Py_TYPE(self), "__qualname__");
    if (module != NULL && name != NULL) {
        repr = PyUnicode_FromFormat("<%U.%U object at %p> wrapping %U", module,
                                    name, (void *)self, wrapped);
    }
    Py_XDECREF(module);
    Py_XDECREF(name);
    Py_DECREF(wrapped);
    return repr;
}

/* ---- iteration ---- */

static PyObject *
file_am_anext(PyObject *self)
{
    FileObject *file = (FileObject *)self;
    const struct op_kind *kind = file->text != NULL ? &text_kind_next_line
                                                    : &file_kind_next_line;
    return (PyObject *)op_new(file->state, kind, self);
}

/* ---- the end ---- */

static int
file_tp_traverse(PyObject *self, visitproc visit, void *arg)
{
    FileObject *file = (FileObject *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(file->name);
    Py_VISIT(file->mode);
    Py_VISIT(file->loop);
    Py_VISIT(file->executor);
    Py_VISIT(file->encoding);
    Py_VISIT(file->errors);
    Py_VISIT(file->newline);
    Py_VISIT(file->real);
    Py_VISIT(file->target);
    Py_VISIT(file->path);
    Py_VISIT(file->watch);
    Py_VISIT(file->doomed);
    return 0;
}

static int
file_tp_clear(PyObject *self)
{
    FileObject *file = (FileObject *)self;
    /* name and the strings stay for repr(); they are in no cycle. */
    Py_CLEAR(file->loop);
    Py_CLEAR(file->executor);
    Py_CLEAR(file->real);
    return 0;
}

/* In the words of the raw file below built-in open's. */
static void
file_warn_unclosed(FileObject *file)
{
    if (!file->handed || !file->closefd || file->closed
        || (file->temporary && !AIOF_WARN_TEMPORARY)) {
        return;
    }
    PyObject *wrapped = file_repr_wrapped(file);
    const char *words = file->temporary ? "Implicitly cleaning up "
                                          "<_TemporaryFileWrapper file=%U>"
                                        : "unclosed file %U";
    if (wrapped == NULL
        || PyErr_ResourceWarning((PyObject *)file, 1, words, wrapped) < 0) {
        PyErr_WriteUnraisable((PyObject *)file);
    }
    Py_XDECREF(wrapped);
}

/* Dropped without close(): what was accepted is written, as by built-in
 * open. */
static void
file_tp_finalize(PyObject *self)
{
    FileObject *file = (FileObject *)self;
    if ((file->closed && file->doomed == NULL) || file->real != NULL) {
        return;
    }
    struct compat_exc exc;
    compat_exc_take(&exc);
    file_warn_unclosed(file);
    if (file->busy && compat_is_finalizing()
        && ((file->regular && file->device >= DEVICE_LOCAL)
            || file->io.steps & (IO_WRITE | IO_UNLINK))) {
        file_settle(file);
    }
    else if (file->busy && file->regular && file->device >= DEVICE_LOCAL) {
        (void)file_settle_soon(file);
    }
    if (file->busy) {
        file->ghost = true;
        Py_INCREF(self); /* the ghost's, given back in file_end_job */
    }
    else {
        file_let_go(file);
    }
    compat_exc_restore(&exc);
}

static void
file_tp_dealloc(PyObject *self)
{
    FileObject *file = (FileObject *)self;
    PyTypeObject *tp = Py_TYPE(self);
    if (PyObject_CallFinalizerFromDealloc(self) < 0) {
        return; /* resurrected by a warnings hook */
    }
    PyObject_GC_UnTrack(self);
    (void)file_tp_clear(self);
    stream_unwatch(file);
    Py_CLEAR(file->name);
    Py_CLEAR(file->mode);
    Py_CLEAR(file->encoding);
    Py_CLEAR(file->errors);
    Py_CLEAR(file->newline);
    Py_CLEAR(file->target);
    Py_CLEAR(file->path);
    Py_CLEAR(file->doomed);
    text_free(file->text);
    buffer_free(&file->rbuf);
    prefetch_free(file);
    resident_end(&file->resident);
    chunk_free_all(file->state, file->wfirst);
    state_release(file->state);
    tp->tp_free(self);
    Py_DECREF(tp); /* the reference taken when it was allocated */
}

/* ---- the types ---- */

static PyMethodDef file_methods[] = {
    {"fileno", file_fileno, METH_NOARGS,
     PyDoc_STR("fileno($self, /)\n--\n\n"
               "The descriptor.  From then on its offset is kept as built-in "
               "open would.")},
    {"_end", file_end, METH_NOARGS, NULL},
    {"_begin_with", file_begin_with, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

#define FILE_OBJECT(field) ((void *)offsetof(FileObject, field))

static PyGetSetDef file_getset[] = {
    {"closed", file_get_closed, NULL, PyDoc_STR("Whether it is closed."),
     NULL},
    {"name", file_get_name, NULL, PyDoc_STR("What was opened."), NULL},
    {"mode", file_get_mode, NULL, PyDoc_STR("The mode."), NULL},
    {"_file", file_get_file, file_set_delegated,
     PyDoc_STR("The real io object, which does the work from then on."),
     FILE_OBJECT(real)},
    {"_loop", file_get_loop, NULL,
     PyDoc_STR("The loop given to open(), or else the running one."), NULL},
    {"_ref_loop", file_get_object, file_set_delegated,
     PyDoc_STR("The loop given to open(), or None."), FILE_OBJECT(loop)},
    {"_executor", file_get_object, file_set_delegated,
     PyDoc_STR("None, until one is set for the real io object."),
     FILE_OBJECT(executor)},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot file_slots[] = {
    {Py_tp_doc, (void *)PyDoc_STR("A native file.")},
    {Py_tp_dealloc, (void *)file_tp_dealloc},
    {Py_tp_finalize, (void *)file_tp_finalize},
    {Py_tp_traverse, (void *)file_tp_traverse},
    {Py_tp_clear, (void *)file_tp_clear},
    {Py_tp_repr, (void *)file_tp_repr},
    {Py_am_aiter, (void *)PyObject_SelfIter},
    {Py_am_anext, (void *)file_am_anext},
    {Py_tp_methods, file_methods},
    {Py_tp_getset, file_getset},
    {0, NULL},
};

/* The derived types get their part in garbage collection from the base. */
#define FILE_FLAGS                                                            \
    (Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE                                 \
     | Py_TPFLAGS_DISALLOW_INSTANTIATION)

static PyType_Spec file_spec = {
    .name = "aiofiles_c._core.File",
    .basicsize = sizeof(FileObject),
    .flags = FILE_FLAGS | Py_TPFLAGS_HAVE_GC,
    .slots = file_slots,
};

static PyMethodDef raw_methods[] = {
    {"readable", file_readable, METH_NOARGS,
     PyDoc_STR("readable($self, /)\n--\n\nWhether it can be read.")},
    {NULL, NULL, 0, NULL},
};

static PyMethodDef buffered_methods[] = {
    {"readable", file_readable, METH_NOARGS,
     PyDoc_STR("readable($self, /)\n--\n\nWhether it can be read.")},
    {"detach", file_detach, METH_NOARGS,
     PyDoc_STR("detach($self, /)\n--\n\n"
               "Take the raw file out of the real io object.")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef buffered_getset[] = {
    {"raw", file_get_below, NULL, PyDoc_STR("The real raw file."), "raw"},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef text_methods[] = {
    {"detach", file_detach, METH_NOARGS,
     PyDoc_STR("detach($self, /)\n--\n\n"
               "Take the buffer out of the real io object.")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef text_getset[] = {
    {"buffer", file_get_below, NULL, PyDoc_STR("The real buffer."), "buffer"},
    {"encoding", file_get_object, NULL, PyDoc_STR("The codec's name."),
     FILE_OBJECT(encoding)},
    {"errors", file_get_object, NULL, PyDoc_STR("The error handler's name."),
     FILE_OBJECT(errors)},
    {"newlines", file_get_newlines, NULL,
     PyDoc_STR("The line ends seen so far: None, a str or a tuple."), NULL},
    {"line_buffering", file_get_line_buffering, NULL,
     PyDoc_STR("Whether each line is flushed."), NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

/* Tables of methods that a type has, at the most. */
enum { KINDS_MOST = 5 };

static int
file_add_type(PyObject *module, ModuleState *state, int which,
              PyType_Spec *spec)
{
    PyObject *base = (PyObject *)state->file_types[CLASS_COUNT];
    if (which == CLASS_READER) {
        base = (PyObject *)state->file_types[CLASS_BUFFERED];
    }
    state->file_types[which] = (PyTypeObject *)PyType_FromModuleAndSpec(
        module, spec, base);
    return state->file_types[which] == NULL
                   || PyModule_AddType(module, state->file_types[which]) < 0
               ? -1
               : 0;
}

int
file_init(PyObject *module, ModuleState *state)
{
    static PyType_Slot raw_slots[] = {
        {Py_tp_doc, (void *)PyDoc_STR("A native raw file.")},
        {Py_tp_methods, raw_methods},
        {0, NULL}};
    static PyType_Slot buffered_slots[] = {
        {Py_tp_doc, (void *)PyDoc_STR("A native buffered file.")},
        {Py_tp_methods, buffered_methods},
        {Py_tp_getset, buffered_getset},
        {0, NULL}};
    static PyType_Slot reader_slots[] = {
        {Py_tp_doc, (void *)PyDoc_STR("A native buffered file to read.")},
        {0, NULL}};
    static PyType_Slot text_slots[] = {
        {Py_tp_doc, (void *)PyDoc_STR("A native text file.")},
        {Py_tp_methods, text_methods},
        {Py_tp_getset, text_getset},
        {0, NULL}};
    static PyType_Spec specs[CLASS_COUNT] = {
        [CLASS_RAW] = {"aiofiles_c._core.RawFile", sizeof(FileObject), 0,
                       FILE_FLAGS, raw_slots},
        [CLASS_BUFFERED] = {"aiofiles_c._core.BufferedFile",
                            sizeof(FileObject), 0, FILE_FLAGS, buffered_slots},
        [CLASS_READER] = {"aiofiles_c._core.BufferedReaderFile",
                          sizeof(FileObject), 0, FILE_FLAGS, reader_slots},
        [CLASS_TEXT] = {"aiofiles_c._core.TextFile", sizeof(FileObject), 0,
                        FILE_FLAGS, text_slots},
    };
    /* The methods of each type, besides those that all have. */
    const struct op_kind *const kinds[CLASS_COUNT][KINDS_MOST] = {
        [CLASS_RAW] = {file_kinds_raw, file_kinds_lines, file_kinds_write,
                       file_kinds_seek, file_kinds_placed},
        [CLASS_BUFFERED] = {file_kinds_buffered, file_kinds_lines,
                            file_kinds_write, file_kinds_seek,
                            file_kinds_placed},
        [CLASS_READER] = {file_kinds_reader},
        [CLASS_TEXT] = {text_kinds_read, text_kinds_write, text_kinds_seek,
                        text_kinds_truncate},
    };
    PyTypeObject *base = (PyTypeObject *)PyType_FromModuleAndSpec(
        module, &file_spec, NULL);
    state->file_types[CLASS_COUNT] = base;
    if (base == NULL || PyModule_AddType(module, base) < 0
        || method_add_all(state, base, file_kinds_common) < 0) {
        return -1;
    }
    for (int which = 0; which < CLASS_COUNT; which++) {
        if (file_add_type(module, state, which, &specs[which]) < 0) {
            return -1;
        }
        for (int k = 0; k < KINDS_MOST && kinds[which][k] != NULL; k++) {
            PyTypeObject *type = state->file_types[which];
            if (method_add_all(state, type, kinds[which][k]) < 0) {
                return -1;
            }
        }
    }
    return 0;
}
