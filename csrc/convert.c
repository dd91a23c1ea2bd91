/* convert.c - a native file becomes one over a real io object.
 *
 * For those who ask for `_file`, `buffer`, `raw` or `detach()`: the object is
 * made by built-in open over the same descriptor, with the same name and
 * mode, and put where the native file was.  This waits for what is under way
 * and for the flush: it is a synchronous call.
 */
#include <fcntl.h>

#include "beside.h"
#include "exact.h"
#include "file.h"
#include "stream.h"
#include "textcookie.h"

static PyObject *
convert_opener(PyObject *fd, PyObject *Py_UNUSED(args))
{
    return Py_NewRef(fd);
}

static PyMethodDef convert_opener_def = {"opener", convert_opener,
                                         METH_VARARGS, NULL};

static PyObject *
convert_open(FileObject *file)
{
    bool text = file->text != NULL;
    file_set_blocking(file);
    PyObject *opener = NULL, *mode = NULL, *real = NULL;
    PyObject *fd = PyLong_FromLong(file->fd);
    if (fd == NULL) {
        return NULL;
    }
    mode = text ? Py_NewRef(file->mode) : file_raw_mode(file->flags);
    opener = PyCFunction_New(&convert_opener_def, fd);
    if (mode == NULL || opener == NULL) {
        goto done;
    }
    bool named = !PyLong_Check(file->name);
    real = PyObject_CallFunction(
        file->state->io_open, "OOiOOOiO", named ? file->name : fd, mode,
        file->bufsize == 0 ? 0 : file->buffering,
        text ? file->encoding : Py_None, text ? file->errors : Py_None,
        text ? file->newline : Py_None, (int)file->closefd,
        named ? opener : Py_None);
done:
    Py_DECREF(fd);
    Py_XDECREF(mode);
    Py_XDECREF(opener);
    return real;
}

/* The real object is moved to the native file's position: 0 or -1. */
static int
convert_seek(FileObject *file, PyObject *real)
{
    PyObject *at = file->text != NULL
                       ? text_cookie(file, file_position(file))
                       : PyLong_FromLongLong(file_position(file));
    if (at == NULL) {
        return -1;
    }
    PyObject *result = PyObject_CallMethod(real, "seek", "O", at);
    Py_DECREF(at);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

static int
convert_check(FileObject *file)
{
    size_t unread = buffer_avail(&file->rbuf);
    if (file->text != NULL) {
        const struct text *text = file->text;
        unread = file->rbuf.end - text->cur;
        if (text->decoded != NULL) {
            unread += (size_t)chars_left(text->decoded);
        }
    }
    if (!file->seekable && unread > 0) {
        PyErr_SetString(file->state->unsupported,
                        "what was read ahead from a file that cannot seek "
                        "cannot be handed over");
        return -1;
    }
    return 0;
}

/* Not from inside of a step, nor while a write is on its way, which could not
 * tell later what of it is done; nor while a worker has the descriptor, which
 * the real object may close. */
static bool
convert_is_refused(FileObject *file)
{
    const OpObject *head = file->head;
    if (file_is_reentered(file)) {
        return true;
    }
    const char *beside = beside_name(file);
    if (beside != NULL) {
        PyErr_Format(PyExc_RuntimeError, "%s() is under way on %R", beside,
                     (PyObject *)file);
        return true;
    }
    if (head == NULL || head->phase == 0 || head->kind->flags & OP_READS) {
        return false;
    }
    PyErr_Format(PyExc_RuntimeError, "%s() is under way on %R",
                 head->kind->name, (PyObject *)file);
    return true;
}

static int
convert_flush(FileObject *file)
{
    unsigned steps = file->wlen > 0 ? IO_WRITE : IO_NOP;
    if (exact_owes(file) && exact_load(file, EXACT_STAY, &steps) < 0) {
        return -1;
    }
    if (steps != IO_NOP && file_run_now(file, steps) != 0) {
        int err = file->werr;
        file->werr = 0;
        (void)file_oserror(file, err, false);
        return -1;
    }
    return 0;
}

static PyObject *
convert_now(FileObject *file)
{
    file_settle(file);
    if (file->text != NULL && text_pass_on(file) < 0) {
        return NULL;
    }
    if (!file->closed && convert_flush(file) < 0) {
        return NULL;
    }
    if (file->writing && file->wlen == 0) {
        file->writing = false;
        file->raw = file->woff;
    }
    PyObject *real = NULL;
    if (file->closed) {
        real = file_reference_closed(file);
    }
    else if (convert_check(file) == 0) {
        real = convert_open(file);
    }
    if (real == NULL) {
        return NULL;
    }
    if (!file->closed && file->seekable && convert_seek(file, real) < 0) {
        Py_DECREF(real); /* and with it the descriptor */
        file_mark_closed(file);
        return NULL;
    }
    if (file->temporary) {
        PyObject *whole = PyObject_CallMethod(
            (PyObject *)file, "_adopt", "OO", real,
            file->doomed != NULL ? Py_True : Py_False);
        Py_SETREF(real, whole);
        if (real == NULL) {
            file_mark_closed(file); /* the real object has taken it along */
            return NULL;
        }
        Py_CLEAR(file->doomed); /* the real object's now */
    }
    file->real = real;
    if (!file->closed) {
        file_mark_closed(file); /* the descriptor is the real object's */
    }
    return real;
}

PyObject *
file_convert(FileObject *file)
{
    if (file->real != NULL) {
        return file->real;
    }
    if (convert_is_refused(file)) {
        return NULL;
    }
    if (file->watch != NULL) {
        stream_unwatch(file);
        if (file->head != NULL) {
            op_wake(file->head); /* it goes on with the real object */
        }
    }
    file->barred |= BAR_CONVERSION;
    PyObject *real = convert_now(file);
    file->barred &= (unsigned char)~BAR_CONVERSION;
    return real;
}
