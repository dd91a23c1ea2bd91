/* open.c - _core.open(), a native file for each call that is plainly valid,
 * and _core.create(), which makes temporary files.
 *
 * Whatever is not plainly valid goes to the delegate, whose built-in open()
 * raises the error or knows how to do it; or to the standard tempfile.
 */
#include "open.h"

#include <fcntl.h>

#include "exact.h"
#include "loop.h"
#include "request.h"
#include "text.h"

/* The modes that change nothing: only these are opened at once. */
enum { OPEN_INLINE = MODE_READ | MODE_TEXT };

/* ---- the file to be ---- */

static enum file_class
class_of(const struct request *r)
{
    if (r->flags & MODE_TEXT) {
        return CLASS_TEXT;
    }
    if (r->buffering == 0) {
        return CLASS_RAW;
    }
    return r->flags & MODE_READ ? CLASS_READER : CLASS_BUFFERED;
}

PyObject *
file_raw_mode(unsigned flags)
{
    const char *mode = flags & MODE_CREATE ? (flags & MODE_PLUS ? "xb+" : "xb")
                       : flags & MODE_APPEND
                           ? (flags & MODE_PLUS ? "ab+" : "ab")
                       : flags & MODE_PLUS ? "rb+"
                       : flags & MODE_READ ? "rb"
                                           : "wb";
    return PyUnicode_FromString(mode);
}

static int
file_set_text(FileObject *file, const struct request *r)
{
    struct text *text = text_new();
    if (text == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    file->text = text;
    text->codec = r->codec;
    file->mode = Py_NewRef(r->mode);
    file->encoding = Py_NewRef(r->encoding);
    file->errors = Py_NewRef(r->errors);
    file->newline = Py_NewRef(r->newline);
    text->line_buffering = r->buffering == 1;
    if (r->newline == Py_None) {
        text->translate = text->universal = true;
        return 0;
    }
    Py_ssize_t n = PyUnicode_GET_LENGTH(r->newline);
    text->universal = n == 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        text->readnl[i] = (char)PyUnicode_READ_CHAR(r->newline, i);
    }
    if (text->readnl[0] == '\r') {
        memcpy(text->writenl, text->readnl, sizeof(text->writenl));
    }
    return 0;
}

static void
file_set_target(FileObject *file, const struct request *r)
{
    static const int access[] = {O_RDONLY, O_WRONLY, O_RDWR};
    struct io *io = &file->io;
    io->append = r->flags & MODE_APPEND;
    io->devices = file->state->devices;
    if (r->classes != NULL) {
        io->flags = r->create_flags;
        io->mode = 0600;
        io->path = PyBytes_AS_STRING(file->path);
        io->doomed = file->temporary ? io->path : NULL;
        return;
    }
    io->mode = 0666;
    io->flags = access[(r->flags & MODE_WRITE ? 1 : 0)
                       + (r->flags & MODE_PLUS ? 1 : 0)];
    io->flags |= r->flags & MODE_CREATE ? O_EXCL | O_CREAT : 0;
    io->flags |= r->flags & MODE_TRUNCATE ? O_TRUNC | O_CREAT : 0;
    io->flags |= r->flags & MODE_APPEND ? O_APPEND | O_CREAT : 0;
    if (r->adopted) {
        io->fd = (int)PyLong_AsLong(r->file);
    }
    else {
        io->path = PyBytes_AS_STRING(file->path);
    }
}

static FileObject *
file_new(ModuleState *state, const struct request *r, PyObject *path)
{
    enum file_class which = class_of(r);
    PyObject *given = r->classes == NULL ? state->classes[which]
                                         : PyTuple_GET_ITEM(r->classes, which);
    PyTypeObject *cls = (PyTypeObject *)given;
    if (cls == NULL) {
        PyErr_SetString(PyExc_SystemError, "no classes were registered");
        return NULL;
    }
    FileObject *file = (FileObject *)cls->tp_alloc(cls, 0);
    if (file == NULL) {
        return NULL;
    }
    file->fd = file->io.held = -1;
    file->state = state;
    state->users++;
    file->flags = (unsigned char)r->flags;
    file->buffering = r->buffering;
    file->closefd = r->closefd;
    file->shared = r->adopted || r->opener != NULL;
    if (r->classes != NULL) {
        file->temporary = r->create_flags & O_CREAT;
        file->fate = (unsigned char)r->fate;
        /* The descriptor does not append by itself: the standard library opens
         * it for all modes alike. */
        file->shared = r->flags & MODE_APPEND;
    }
    file->path = Py_XNewRef(path);
    file->name = Py_NewRef(r->name);
    file->loop = Py_NewRef(r->loop);
    if (r->flags & MODE_TEXT && file_set_text(file, r) < 0) {
        Py_DECREF(file);
        return NULL;
    }
    file_set_target(file, r);
    return file;
}

/* ---- the operation ---- */

/* The job has opened the descriptor: the rest of what a file needs. */
static void
file_set_opened(FileObject *file)
{
    const struct io *io = &file->io;
    file->device = (unsigned char)io->device;
    file->regular = S_ISREG(io->type);
    file->disk = file->regular && io->device >= DEVICE_LOCAL ? io->disk : 0;
    file->touchy = file->device == DEVICE_LOCAL && io->due;
    file->stream = S_ISFIFO(io->type) || S_ISSOCK(io->type)
                   || (S_ISCHR(io->type) && io->flag);
    file->seekable = io->seekable;
    file->nowait = file->state->has_nowait;
    file->raw = file->base = file->high = io->seekable ? io->off : 0;
    file->end = -1;
    file->extent = file->regular ? io->size : 0;
    file->shared = file->shared || !file->regular || !file->seekable;
    file->mapped = file->nowait && !file->shared;
    Py_ssize_t size = file->buffering;
    if (size < 0 || (size == 1)) {
        size = compat_buffer_size(io->blksize);
    }
    file->bufsize = (size_t)size;
    exact_begin(file);
    file->threshold = file->bufsize;
    if (file->buffering < 0 && !file->shared
        && file->threshold < FILE_WRITE_BLOCK) {
        file->threshold = FILE_WRITE_BLOCK;
    }
    if (file->text != NULL && file->buffering < 0 && io->flag) {
        file->text->line_buffering = true;
    }
    if (file->text != NULL && file->bufsize == 0) {
        file->bufsize = TEXT_CHUNK;
    }
}

/* The built-in open() refuses to read and write what cannot seek. */
static enum step
open_refuse_unseekable(OpObject *op)
{
    FileObject *file = op->file;
    PyErr_SetString(op->state->unsupported, "File or stream is not seekable.");
    if (!file->closefd) {
        file->fd = -1;
    }
    return STEP_ERROR;
}

/* What the user's opener has returned, as FileIO takes it: 0 or -1. */
static int
open_take_descriptor(FileObject *file, PyObject *number)
{
    if (!PyLong_Check(number)) {
        PyErr_SetString(PyExc_TypeError, "expected integer from opener");
        return -1;
    }
    int overflow;
    long fd = PyLong_AsLongAndOverflow(number, &overflow);
    if (overflow != 0 || fd > INT_MAX || fd < INT_MIN) {
        PyErr_SetString(PyExc_OverflowError,
                        "Python int too large to convert to C int");
        return -1;
    }
    if (fd < 0) {
        PyErr_Format(PyExc_ValueError, "opener returned %ld", fd);
        return -1;
    }
    (void)fcntl((int)fd, F_SETFD, FD_CLOEXEC); /* EBADF comes with fstat */
    file->io.fd = (int)fd;
    return 0;
}

/* The mode as built-in open() gives it to its raw file. */
static const char *
audit_mode(unsigned flags)
{
    bool plus = flags & MODE_PLUS;
    return flags & MODE_CREATE     ? (plus ? "x+" : "x")
           : flags & MODE_TRUNCATE ? (plus ? "w+" : "w")
           : flags & MODE_APPEND   ? (plus ? "a+" : "a")
                                   : (plus ? "r+" : "r");
}

/* What has no name is called by its descriptor, as in the standard library. */
static int
open_name_by_number(FileObject *file)
{
    PyObject *number = PyLong_FromLong(file->fd);
    if (number == NULL) {
        return -1;
    }
    Py_SETREF(file->name, number);
    file->temporary = false;
    return 0;
}

/* Open here and now what is there and can be read without waiting. */
static bool
open_inline(OpObject *op)
{
    FileObject *file = op->file;
    if (!op->state->inline_io || file->flags != (file->flags & OPEN_INLINE)
        || file->io.flags & O_EXCL || !io_open_inline(&file->io)) {
        return false;
    }
    if (file->io.err == 0) {
        file->fd = file->io.fd;
        file->nonblock = true;
    }
    op_raise_route(op, ROUTE_KERNEL);
    op_charge(op, 32 << 10);
    return true;
}

/* A name that nobody is to see goes in the trip that makes it. */
static unsigned
open_steps(const FileObject *file)
{
    return file->temporary && file->fate == FATE_UNNAMED ? IO_OPEN | IO_UNLINK
                                                         : IO_OPEN;
}

static enum step
open_submit(OpObject *op, unsigned steps)
{
    io_place(&op->file->io, steps);
    return file_submit(op, steps);
}

/* Phase 0: nothing done; 1: the opener runs; 2: the job is under way. */
static enum step
open_step(OpObject *op, PyObject **result)
{
    FileObject *file = op->file;
    PyObject *opener = op->arg[0];
    bool adopted = file->path == NULL || opener != NULL;
    if (op->phase == 0) {
        int flags = file->io.flags | O_CLOEXEC;
        PyObject *loop = loop_running(op->state);
        if (loop == NULL) {
            return STEP_ERROR;
        }
        Py_DECREF(loop);
        if (file->path != NULL
            && PySys_Audit("open", "Osi", file->name, audit_mode(file->flags),
                           flags)
                   < 0) {
            return STEP_ERROR;
        }
        if (opener != NULL) {
            op->phase = 1;
            return op_delegate_then(
                op,
                PyObject_CallFunction(op->state->call_opener, "OOiO", opener,
                                      file->name, flags, file->loop));
        }
        op->phase = 2;
        if (file->path == NULL) {
            return open_submit(op, IO_ADOPT);
        }
        if (!open_inline(op)) {
            return open_submit(op, open_steps(file));
        }
    }
    else if (op->phase == 1) {
        if (open_take_descriptor(file, op->acc) < 0) {
            return STEP_ERROR;
        }
        op->phase = 2;
        return open_submit(op, IO_ADOPT);
    }
    if (file->busy) {
        return file_wait(op);
    }
    if (file->io.again) {
        return file_submit(op, adopted ? IO_ADOPT : open_steps(file));
    }
    if (file->io.err != 0) {
        /* FileIO names the file, but for a number that is no descriptor. */
        return file_oserror(file, file->io.err,
                            !adopted || file->io.err != EBADF);
    }
    if (file->io.unlink_err != 0) {
        return file_oserror(file, file->io.unlink_err, true);
    }
    if (file->fate == FATE_UNNAMED && open_name_by_number(file) < 0) {
        return STEP_ERROR;
    }
    file_set_opened(file);
    if (file->flags & MODE_PLUS && file->bufsize != 0 && !file->seekable) {
        return open_refuse_unseekable(op);
    }
    file->io.path = file->io.doomed = NULL;
    Py_CLEAR(file->path);
    if (file->fate == FATE_STAYS) {
        Py_CLEAR(file->doomed); /* until here: had nobody been there for it */
    }
    file->handed = true;
    *result = Py_NewRef((PyObject *)file);
    return STEP_DONE;
}

static const struct op_kind open_kind = {"open", open_step, NULL, OP_HOPS,
                                         NULL};

/* ---- _core.open ---- */

enum {
    ARG_FILE,
    ARG_MODE,
    ARG_BUFFERING,
    ARG_ENCODING,
    ARG_ERRORS,
    ARG_NEWLINE,
    ARG_CLOSEFD,
    ARG_OPENER,
    ARG_LOOP
};

static PyObject *
open_by_delegate(ModuleState *state, PyObject *const *args)
{
    if (PyErr_Occurred()) {
        if (PyErr_ExceptionMatches(PyExc_MemoryError)) {
            return NULL;
        }
        PyErr_Clear(); /* it comes again, from the built-in open */
    }
    return PyObject_Vectorcall(state->delegate_open, args, OPEN_ARGS, NULL);
}

static int
warn_line_buffering(const struct request *r, int stacklevel)
{
    if (r->buffering != 1 || r->flags & MODE_TEXT) {
        return 0;
    }
    return PyErr_WarnEx(PyExc_RuntimeWarning,
                        "line buffering (buffering=1) isn't supported in "
                        "binary mode, the default buffer size will be used",
                        stacklevel);
}

static PyObject *
open_operation(ModuleState *state, struct request *r, PyObject *path)
{
    if (r->buffering == 1 && !(r->flags & MODE_TEXT)) {
        r->buffering = -1;
    }
    FileObject *file = file_new(state, r, path);
    if (file == NULL) {
        return NULL;
    }
    OpObject *op = op_new(state, &open_kind, (PyObject *)file);
    if (op != NULL) {
        op->arg[0] = Py_XNewRef(r->opener);
        op->given = r->opener != NULL;
        if (op_note_origin(op) < 0) {
            Py_CLEAR(op);
        }
    }
    Py_DECREF(file);
    return (PyObject *)op;
}

PyObject *
open_native(ModuleState *state, PyObject *const args[OPEN_ARGS],
            int stacklevel)
{
    PyObject *result = NULL, *path = NULL;
    struct request r = {
        .file = args[ARG_FILE],
        .mode = args[ARG_MODE],
        .encoding = args[ARG_ENCODING],
        .errors = args[ARG_ERRORS],
        .newline = args[ARG_NEWLINE],
        .loop = args[ARG_LOOP],
        .closefd = args[ARG_CLOSEFD] == Py_True,
        .adopted = PyLong_CheckExact(args[ARG_FILE]),
    };
    if (args[ARG_OPENER] != Py_None && !r.adopted) {
        r.opener = args[ARG_OPENER];
    }
    if ((!r.closefd && args[ARG_CLOSEFD] != Py_False)
        || request_parse(state, &r, args[ARG_BUFFERING]) < 0) {
        return open_by_delegate(state, args);
    }
    if (r.adopted) {
        r.name = Py_NewRef(r.file);
    }
    else {
        r.name = PyOS_FSPath(r.file);
        if (r.name == NULL || !PyUnicode_FSConverter(r.name, &path)) {
            Py_XDECREF(r.name);
            return open_by_delegate(state, args);
        }
    }
    if (warn_line_buffering(&r, stacklevel) == 0) {
        result = open_operation(state, &r, path);
    }
    Py_DECREF(r.name);
    Py_XDECREF(path);
    return result;
}

PyObject *
core_open(PyObject *module, PyObject *const *args, Py_ssize_t nargs)
{
    if (nargs != OPEN_ARGS) {
        PyErr_Format(PyExc_TypeError, "open expected %d arguments, got %zd",
                     (int)OPEN_ARGS, nargs);
        return NULL;
    }
    return open_native(state_of(module), args, 2);
}

/* ---- _core.create ---- */

enum {
    CREATE_CLASSES,
    CREATE_PATH,
    CREATE_MODE,
    CREATE_BUFFERING,
    CREATE_ENCODING,
    CREATE_ERRORS,
    CREATE_NEWLINE,
    CREATE_LOOP,
    CREATE_FLAGS,
    CREATE_FATE,
    CREATE_COUNT
};

/* A tuple of the classes to make, in the order of enum file_class: 0 or -1. */
static int
check_classes(ModuleState *state, PyObject *classes)
{
    if (!PyTuple_Check(classes) || PyTuple_GET_SIZE(classes) != CLASS_COUNT) {
        PyErr_SetString(PyExc_TypeError, "four classes are expected");
        return -1;
    }
    for (int i = 0; i < CLASS_COUNT; i++) {
        PyObject *cls = PyTuple_GET_ITEM(classes, i);
        if (!PyType_Check(cls)
            || !PyType_IsSubtype((PyTypeObject *)cls, state->file_types[i])) {
            PyErr_Format(PyExc_TypeError, "%R has to be a subclass of %s", cls,
                         state->file_types[i]->tp_name);
            return -1;
        }
    }
    return 0;
}

/* The mode and the rest are those of a file that this can make: false, perhaps
 * with an exception, where the standard library has to be asked. */
static bool
create_is_plain(ModuleState *state, struct request *r, PyObject *const *args,
                PyObject **path)
{
    if (request_parse(state, r, args[CREATE_BUFFERING]) < 0) {
        return false;
    }
    if (r->buffering == 1 && !(r->flags & MODE_TEXT)) {
        return false; /* the standard library warns */
    }
    return (PyUnicode_CheckExact(r->name) || PyBytes_CheckExact(r->name))
           && PyUnicode_FSConverter(r->name, path);
}

PyObject *
core_create(PyObject *module, PyObject *const *args, Py_ssize_t nargs)
{
    ModuleState *state = state_of(module);
    PyObject *path = NULL;
    if (nargs != CREATE_COUNT) {
        PyErr_Format(PyExc_TypeError, "create expected %d arguments, got %zd",
                     (int)CREATE_COUNT, nargs);
        return NULL;
    }
    int flags = (int)PyLong_AsLong(args[CREATE_FLAGS]);
    int fate = (int)PyLong_AsLong(args[CREATE_FATE]);
    if (PyErr_Occurred() || check_classes(state, args[CREATE_CLASSES]) < 0) {
        return NULL;
    }
    if (fate < FATE_STAYS || fate > FATE_END) {
        PyErr_SetString(PyExc_ValueError, "no such fate");
        return NULL;
    }
    struct request r = {
        .file = args[CREATE_PATH],
        .name = args[CREATE_PATH],
        .mode = args[CREATE_MODE],
        .encoding = args[CREATE_ENCODING],
        .errors = args[CREATE_ERRORS],
        .newline = args[CREATE_NEWLINE],
        .loop = args[CREATE_LOOP],
        .closefd = true,
        .classes = args[CREATE_CLASSES],
        .create_flags = flags,
        .fate = (enum fate)fate,
    };
    if (!create_is_plain(state, &r, args, &path)) {
        if (PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_MemoryError)) {
            return NULL;
        }
        PyErr_Clear();
        Py_RETURN_NONE;
    }
    PyObject *result = open_operation(state, &r, path);
    Py_DECREF(path);
    return result;
}
