/* probe.c - when the running interpreter's io writes, and what it keeps.
 *
 * That differs between versions, and not by their numbers alone: it is found
 * out by trying, when the module is loaded.
 */
#include "state.h"
#include "text.h"

/* How many bytes a new object of io, over a BytesIO, has handed on after
 * write(one) and write(two); -1 with an exception. */
static long
probe_writes(PyObject *io, const char *cls, PyObject *arg, PyObject *one,
             PyObject *two)
{
    long at = -1;
    PyObject *file = NULL, *count = NULL, *tell = NULL;
    PyObject *raw = PyObject_CallMethod(io, "BytesIO", NULL);
    if (raw == NULL) {
        return -1;
    }
    file = PyObject_CallMethod(io, cls, "OO", raw, arg);
    count = file == NULL ? NULL : PyObject_CallMethod(file, "write", "O", one);
    if (count != NULL) {
        Py_SETREF(count, PyObject_CallMethod(file, "write", "O", two));
    }
    tell = count == NULL ? NULL : PyObject_CallMethod(raw, "tell", NULL);
    at = tell == NULL ? -1 : PyLong_AsLong(tell);
    Py_XDECREF(tell);
    Py_XDECREF(count);
    Py_XDECREF(file);
    Py_DECREF(raw);
    return at;
}

/* Whether text that was read in part, with tell() disabled, is still there
 * after a write: 1, 0, or -1 with an exception. */
static int
probe_text_keeps(PyObject *io)
{
    int keeps = -1;
    PyObject *file = NULL, *step = NULL;
    PyObject *raw = PyObject_CallMethod(io, "BytesIO", "y", "a\nb\n");
    PyObject *buffer = raw == NULL ? NULL
                                   : PyObject_CallMethod(io, "BufferedRandom",
                                                         "O", raw);
    file = buffer == NULL ? NULL
                          : PyObject_CallMethod(io, "TextIOWrapper", "Os",
                                                buffer, "utf-8");
    step = file == NULL ? NULL
                        : PyObject_CallMethod(file, "readlines", "i", 1);
    if (step != NULL) {
        Py_SETREF(step, PyObject_CallMethod(file, "write", "s", ""));
    }
    if (step != NULL) {
        Py_SETREF(step, PyObject_CallMethod(file, "read", "i", 1));
    }
    if (step != NULL) {
        keeps = PyUnicode_GET_LENGTH(step) == 1;
    }
    Py_XDECREF(step);
    Py_XDECREF(file);
    Py_XDECREF(buffer);
    Py_XDECREF(raw);
    return keeps;
}

int
probe_init(ModuleState *state)
{
    long full = -1, text = -1;
    PyObject *size = NULL, *empty = NULL, *byte = NULL, *most = NULL;
    PyObject *utf8 = NULL;
    PyObject *io = PyImport_ImportModule("io");
    if (io == NULL) {
        return -1;
    }
    size = PyLong_FromLong(1);
    empty = PyBytes_FromString("");
    byte = PyBytes_FromString("x");
    if (size != NULL && empty != NULL && byte != NULL) {
        full = probe_writes(io, "BufferedWriter", size, empty, byte);
    }
    utf8 = full < 0 ? NULL : PyUnicode_FromString("utf-8");
    most = PyUnicode_New(TEXT_CHUNK - 1, 127);
    if (utf8 != NULL && most != NULL) {
        memset(PyUnicode_1BYTE_DATA(most), 'x', TEXT_CHUNK - 1);
        text = probe_writes(io, "TextIOWrapper", utf8, most, utf8);
    }
    int keeps = text < 0 ? -1 : probe_text_keeps(io);
    state->text_keeps = keeps == 1;
    state->full_writes_pass = full == 1;
    state->text_joins = text > TEXT_CHUNK;
    Py_XDECREF(size);
    Py_XDECREF(empty);
    Py_XDECREF(byte);
    Py_XDECREF(utf8);
    Py_XDECREF(most);
    Py_DECREF(io);
    return keeps < 0 ? -1 : 0;
}
