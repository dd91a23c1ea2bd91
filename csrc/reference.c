/* reference.c - errors as the running interpreter has them.
 *
 * A call that cannot succeed (a closed file, a mode that does not allow it,
 * arguments of the wrong kind) is made once more on a real io object of the
 * same kind and state over the null device, or over a pipe where the file
 * cannot seek.  That raises what built-in open's file would, in the words of
 * this Python, and cannot block.  Some of these calls do not fail there, such
 * as readline(0) of a file that is only written: then the answer is its.
 */
#include <fcntl.h>
#include <unistd.h>

#include "file.h"

/* The mode string for the reference: nothing is created anew. */
static PyObject *
reference_mode(const FileObject *file, bool plus)
{
    char mode[4], *p = mode;
    if (file->flags & MODE_APPEND) {
        *p++ = 'a';
    }
    else {
        *p++ = file->flags & (MODE_CREATE | MODE_TRUNCATE) ? 'w' : 'r';
    }
    if (plus && file->flags & MODE_PLUS) {
        *p++ = '+';
    }
    *p++ = file->flags & MODE_TEXT ? 't' : 'b';
    return PyUnicode_FromStringAndSize(mode, p - mode);
}

/* A descriptor that cannot seek, of the direction that the mode wants. */
static int
reference_pipe(const FileObject *file)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    bool reads = file->flags & MODE_READ;
    (void)close(fds[reads ? 1 : 0]);
    return fds[reads ? 0 : 1];
}

static PyObject *
reference_new(const FileObject *file)
{
    bool text = file->flags & MODE_TEXT;
    PyObject *ref = NULL, *where = NULL, *closed;
    PyObject *mode = reference_mode(file, file->seekable);
    if (mode == NULL) {
        return NULL;
    }
    if (file->seekable || file->closed) {
        where = PyUnicode_FromString("/dev/null");
    }
    else {
        int fd = reference_pipe(file);
        where = fd < 0 ? NULL : PyLong_FromLong(fd);
    }
    if (where == NULL) {
        goto done;
    }
    ref = PyObject_CallFunction(
        file->state->io_open, "OOiOOO", where, mode,
        file->bufsize == 0 ? 0 : -1, text ? file->encoding : Py_None,
        text ? file->errors : Py_None, text ? file->newline : Py_None);
    if (ref != NULL && file->closed) {
        closed = PyObject_CallMethodNoArgs(ref, file->state->str_close);
        if (closed == NULL) {
            Py_CLEAR(ref);
        }
        Py_XDECREF(closed);
    }
done:
    Py_DECREF(mode);
    Py_XDECREF(where);
    return ref;
}

/* The raw file below a real io object: new. */
static PyObject *
reference_raw(PyObject *ref, const FileObject *file)
{
    PyObject *raw = Py_NewRef(ref);
    if (file->flags & MODE_TEXT) {
        Py_SETREF(raw, PyObject_GetAttrString(raw, "buffer"));
    }
    if (raw != NULL && file->bufsize != 0) {
        Py_SETREF(raw, PyObject_GetAttrString(raw, "raw"));
    }
    return raw;
}

PyObject *
file_reference_closed(FileObject *file)
{
    assert(file->closed);
    PyObject *ref = reference_new(file);
    PyObject *raw = ref == NULL ? NULL : reference_raw(ref, file);
    if (raw == NULL || PyObject_SetAttrString(raw, "name", file->name) < 0
        || (file->flags & MODE_TEXT
            && PyObject_SetAttrString(ref, "mode", file->mode) < 0)) {
        Py_CLEAR(ref);
    }
    Py_XDECREF(raw);
    return ref;
}

void
file_forget_refusal(void)
{
    if (!PyErr_ExceptionMatches(PyExc_MemoryError)) {
        PyErr_Clear();
    }
}

PyObject *
file_reference_raise(FileObject *file, const char *name, PyObject *args,
                     PyObject *kwargs)
{
    PyObject *method = NULL, *result = NULL, *ref = NULL;
    if (!PyErr_Occurred()) {
        ref = reference_new(file);
    }
    if (ref == NULL) {
        return NULL;
    }
    method = PyObject_GetAttrString(ref, name);
    if (method != NULL) {
        result = PyObject_Call(method, args, kwargs);
    }
    Py_XDECREF(method);
    struct compat_exc exc;
    compat_exc_take(&exc);
    Py_XDECREF(PyObject_CallMethodNoArgs(ref, file->state->str_close));
    PyErr_Clear();
    Py_DECREF(ref);
    compat_exc_restore(&exc);
    return result;
}

PyObject *
file_refuse(FileObject *file, const char *name)
{
    PyObject *args = PyTuple_New(0);
    if (args == NULL) {
        return NULL;
    }
    PyObject *result = file_reference_raise(file, name, args, NULL);
    Py_DECREF(args);
    return result;
}

enum step
file_reference_error(OpObject *op)
{
    FileObject *file = op->file;
    PyObject *args = PyErr_Occurred() ? NULL : op_args_tuple(op);
    if (args == NULL) {
        return STEP_ERROR;
    }
    const char *name = op->kind->name;
    if (strcmp(name, "__anext__") == 0) {
        name = "readline"; /* what a step of the iteration is */
    }
    PyObject *result = file_reference_raise(file, name, args, op->kwargs);
    Py_DECREF(args);
    if (result == NULL) {
        return STEP_ERROR;
    }
    Py_XSETREF(op->acc, result);
    return STEP_ANSWERED;
}
