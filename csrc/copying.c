/* copying.c - shutil.copyfile, as Python asks for it and is told of it.
 *
 * Loop thread, with the GIL.  What the workers do is in fscopy.c.
 */
#include "fsops.h"

#include <fcntl.h>

#include "op_int.h"

/* Bytes between two calls of a progress callback. */
#define PROGRESS_STEP ((size_t)8 << 20)

/* op->arg[0] is the callback, op->n what it was told last, and op->sum how
 * often it was.  0 or -1. */
static int
copying_tell(OpObject *op, off_t done, off_t total)
{
    if (op->arg[0] == NULL || (op->sum > 0 && op->n == (Py_ssize_t)done)) {
        return 0;
    }
    op->n = (Py_ssize_t)done;
    op->sum++;
    PyObject *progress = Py_NewRef(op->arg[0]);
    PyObject *result = PyObject_CallFunction(
        progress, "LL", (long long)done,
        (long long)(total > done ? total : done));
    Py_DECREF(progress);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

enum step
copying_go_on(OpObject *op)
{
    const struct fs *fs = &op->call->fs;
    const struct fs_copy *copy = fs->copy;
    off_t done = copy->done, total = copy->total;
    enum step step = STEP_DONE;
    if (fs->err != 0 || copy->declined) {
        return step;
    }
    if (copy->more) {
        step = call_submit(op); /* it goes on while the callback runs */
    }
    if (step != STEP_ERROR && copying_tell(op, done, total) < 0) {
        step = STEP_ERROR;
    }
    return step;
}

static const struct fs_op op_copyfile = {
    .kind = {"copyfile", fs_step, NULL, OP_HOPS, ""},
    .args = "ppf",
    .call = FS_COPY,
    .answer = ANSWER_COPIED,
};

/* The events of a copy: 0 or -1. */
static int
copying_audit(PyObject *const *args, const struct call *call)
{
    const int flags = O_RDONLY | O_CLOEXEC;
    if (PySys_Audit("shutil.copyfile", "OO", args[0], args[1]) < 0
        || PySys_Audit("open", "Osi", call->given[0], "r", flags) < 0) {
        return -1;
    }
    return PySys_Audit("open", "Osi", call->given[1], "w",
                       O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC);
}

/* shutil_copyfile(src, dst, follow_symlinks, progress) */
static PyObject *
ask_copyfile(PyObject *module, PyObject *const *args, Py_ssize_t nargs)
{
    PyObject *asked = fs_ask(module, &op_copyfile, args, nargs);
    if (asked == NULL || asked == Py_NotImplemented || nargs < 4) {
        return asked;
    }
    OpObject *op = (OpObject *)asked;
    if (copying_audit(args, op->call) < 0) {
        op_abandon(op);
        Py_CLEAR(asked);
    }
    else if (args[3] != Py_None) {
        op->given = true;
        op->arg[0] = Py_NewRef(args[3]);
        op->call->fs.copy->slice = PROGRESS_STEP;
    }
    return asked;
}

static PyMethodDef copying_functions[] = {
    {"shutil_copyfile", AIOF_METHOD(ask_copyfile), METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

int
copying_init(PyObject *module)
{
    return PyModule_AddFunctions(module, copying_functions);
}
