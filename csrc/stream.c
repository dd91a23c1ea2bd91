/* stream.c - pipes, terminals and sockets: waiting until they are ready.
 *
 * Loop thread, with the GIL.  No worker ever waits for the other end: a stream
 * is waited for by the event loop, and then read or written by a call that
 * takes what there is.  A cancelled read has taken nothing, since nothing was
 * read, and bytes that were accepted go on by themselves.
 *
 * The loop does not get the file's descriptor, but a *poller*: an epoll of our
 * own with that one descriptor in it, or a duplicate where there is no epoll.
 * So the user's own add_reader() on the descriptor stays what it is, any
 * number of files can wait for one descriptor, and nobody, uvloop least of
 * all, changes its blocking mode.
 *
 * A WatchObject is callable and is what the loop calls.  It is there while a
 * file waits: to read, for the operation at the head of the queue; to write,
 * for what was accepted, whoever waits for that.
 */
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>

#include "loop.h"
#include "ready.h"

typedef struct WatchObject {
    PyObject_HEAD
    PyObject *loop;     /* owned */
    ModuleState *state; /* borrowed: the type holds the module */
    FileObject *file;   /* borrowed: its ->watch is us; NULL: called off */
    unsigned forks;     /* state->forks when it began */
    int fd;             /* owned: the poller; -1: the loop has it no more */
    bool writes;        /* what is waited for */
    bool duplicate;     /* fd is one, and is polled for that itself */
    vectorcallfunc vectorcall;
} WatchObject;

/* ---- the loop's part ---- */

static WatchObject *
stream_watch_of(const FileObject *file)
{
    return (WatchObject *)file->watch;
}

/* Have the loop forget the descriptor: true, or false without memory. */
static bool
watch_take_out(const WatchObject *watch)
{
    PyObject *fd = PyLong_FromLong(watch->fd);
    PyObject *name = watch->duplicate && watch->writes
                         ? watch->state->str_remove_writer
                         : watch->state->str_remove_reader;
    PyObject *result = fd == NULL
                           ? NULL
                           : PyObject_CallMethodOneArg(watch->loop, name, fd);
    bool failed = result == NULL && PyErr_ExceptionMatches(PyExc_MemoryError);
    PyErr_Clear(); /* the loop is closed */
    Py_XDECREF(fd);
    Py_XDECREF(result);
    return !failed;
}

/* The loop of a parent process shares its table with the child: there only
 * the child's copy of the descriptor goes.  A number that stays in the table
 * stays open: under its next owner the loop would not hear of it. */
static void
watch_remove(WatchObject *watch)
{
    if (watch->fd < 0) {
        return;
    }
    struct compat_exc exc;
    compat_exc_take(&exc); /* that it could not be added, perhaps */
    if (watch->forks != watch->state->forks || watch_take_out(watch)
        || watch_take_out(watch)) {
        (void)sys_close(watch->fd);
    }
    compat_exc_restore(&exc);
    watch->fd = -1;
}

/* The file lets go of its watch: borrowed by the caller's reference. */
static WatchObject *
watch_call_off(FileObject *file)
{
    WatchObject *watch = stream_watch_of(file);
    file->watch = NULL;
    watch->file = NULL;
    return watch;
}

void
stream_unwatch(FileObject *file)
{
    if (file->watch == NULL) {
        return;
    }
    struct compat_exc exc;
    compat_exc_take(&exc);
    WatchObject *watch = watch_call_off(file);
    PyObject *result = NULL;
    PyObject *running = PyObject_CallNoArgs(watch->state->get_loop);
    if (running != watch->loop && watch->forks == watch->state->forks) {
        /* Perhaps it runs in another thread: let it do so itself. */
        result = PyObject_CallMethodOneArg(
            watch->loop, watch->state->str_call_soon_threadsafe,
            (PyObject *)watch);
        PyErr_Clear();
    }
    if (result == NULL) {
        watch_remove(watch);
    }
    Py_XDECREF(result);
    Py_XDECREF(running);
    Py_DECREF(watch); /* the file's, given to it in watch_start */
    compat_exc_restore(&exc);
}

static int watch_start(FileObject *file, bool writes);

/* There is room: what was accepted goes on.  False: nothing did. */
static bool
watch_write_on(FileObject *file, PyObject *loop)
{
    if (file->wlen == 0 || file->werr != 0) {
        return false;
    }
    int rc = -ENOMEM;
    if (file->busy) { /* with a job that is soon done: look again */
        if (watch_start(file, true) < 0) {
            PyErr_Clear(); /* the operation that the job is for goes on */
        }
        return true;
    }
    struct port *port = loop_port(file->state, loop);
    if (port != NULL) {
        rc = file_start(file, port, IO_WRITE);
    }
    if (rc < 0) {
        PyErr_Clear();
        file->werr = -rc; /* the next operation raises it */
    }
    return rc == 0;
}

static PyObject *
watch_vectorcall(PyObject *self, PyObject *const *Py_UNUSED(args),
                 size_t Py_UNUSED(nargsf), PyObject *Py_UNUSED(kwnames))
{
    WatchObject *watch = (WatchObject *)self;
    FileObject *file = watch->file;
    Py_INCREF(self); /* the loop's table is about to drop it */
    watch_remove(watch);
    if (file != NULL) {
        Py_INCREF(file);
        Py_DECREF(watch_call_off(file)); /* the file's */
        bool goes_on = watch->writes && watch_write_on(file, watch->loop);
        if (!goes_on && file->head != NULL) {
            op_wake(file->head);
        }
        Py_DECREF(file);
    }
    Py_DECREF(self);
    Py_RETURN_NONE;
}

/* ---- the file's part ---- */

/* A descriptor for the loop: 0, -EPERM where the file is always ready (it is
 * no stream, whatever it looked like), or another -errno. */
static int
watch_poller(WatchObject *watch, int fd)
{
    int poller = ready_poller(fd, watch->writes);
    if (poller == -EOPNOTSUPP) {
        watch->duplicate = true;
        poller = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        poller = poller < 0 ? -errno : poller;
    }
    watch->fd = poller < 0 ? -1 : poller;
    return poller < 0 ? poller : 0;
}

static int
watch_add(WatchObject *watch)
{
    PyObject *fd = PyLong_FromLong(watch->fd);
    if (fd == NULL) {
        return -1;
    }
    int mode = watch->duplicate ? fcntl(watch->fd, F_GETFL) : 0;
    PyObject *result = PyObject_CallMethodObjArgs(
        watch->loop,
        watch->duplicate && watch->writes ? watch->state->str_add_writer
                                          : watch->state->str_add_reader,
        fd, (PyObject *)watch, NULL);
    if (watch->duplicate) { /* uvloop makes it non-blocking: not ours to do */
        (void)fcntl(watch->fd, F_SETFL, mode);
    }
    Py_DECREF(fd);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

/* Let the running loop wait for the file: 1, -1 with an exception, or 0 where
 * it is always ready: then it is no stream from now on. */
static int
watch_start(FileObject *file, bool writes)
{
    ModuleState *state = file->state;
    int rc = -1;
    assert(file->watch == NULL);
    PyObject *loop = loop_running(state);
    if (loop == NULL) {
        return -1;
    }
    WatchObject *watch = (WatchObject *)state->watch_type->tp_alloc(
        state->watch_type, 0);
    if (watch == NULL) {
        Py_DECREF(loop);
        return -1;
    }
    watch->loop = loop;
    watch->fd = -1;
    watch->state = state;
    watch->forks = state->forks;
    watch->writes = writes;
    watch->vectorcall = watch_vectorcall;
    int err = watch_poller(watch, file->fd);
    if (err == 0) {
        rc = watch_add(watch) < 0 ? -1 : 1;
        if (rc < 0 && PyErr_ExceptionMatches(PyExc_PermissionError)) {
            PyErr_Clear();
            err = -EPERM;
        }
    }
    else if (err != -EPERM) {
        errno = -err;
        PyErr_SetFromErrno(PyExc_OSError);
    }
    if (err == -EPERM) {
        file->stream = false;
        rc = 0;
    }
    if (rc == 1) {
        watch->file = file;
        /* the file's, given back when it is called off */
        file->watch = Py_NewRef(watch);
    }
    Py_DECREF(watch); /* the loop's table has it now, or nobody */
    return rc;
}

static enum step
stream_block(OpObject *op)
{
    op_raise_route(op, ROUTE_KERNEL);
    op->hopped = true; /* it has let others run, as if by a job */
    return STEP_BLOCK;
}

bool
stream_fill(OpObject *op, char *room, size_t len, enum step *step)
{
    FileObject *file = op->file;
    ssize_t n = -EOPNOTSUPP;
    stream_unwatch(file); /* of another loop, perhaps a closed one */
    if (file->nowait && op->state->inline_io) {
        struct iovec iov = {room, len};
        n = sys_read_nowait(file->fd, &iov, 1, SYS_OFF_CURRENT);
    }
    if (n >= 0) {
        op_raise_route(op, ROUTE_KERNEL);
        op_charge(op, (size_t)n * 2);
        file->rbuf.end += (size_t)n;
        file->raw += n;
        file->eof = n == 0;
        *step = STEP_DONE;
        return true;
    }
    if (n == -EOPNOTSUPP) {
        file->nowait = false;
        n = ready_now(file->fd, false) ? n : -EAGAIN;
    }
    if (n == -EOPNOTSUPP) {
        return false;
    }
    if (n != -EAGAIN) {
        *step = file_oserror(file, (int)-n, false);
        return true;
    }
    if (ready_is_nonblocking(file->fd)) {
        return false; /* the caller's wish: read() says that it has nothing */
    }
    int rc = watch_start(file, false);
    *step = rc < 0 ? STEP_ERROR : stream_block(op);
    return rc != 0;
}

bool
stream_is_unready(OpObject *op)
{
    const FileObject *file = op->file;
    if (file->busy || !file->io.unready || !(file->io.steps & IO_READ)) {
        return false;
    }
    op->filling = false;
    return true;
}

enum step
stream_wait(OpObject *op)
{
    FileObject *file = op->file;
    PyObject *loop = loop_running(op->state);
    if (loop == NULL) {
        return STEP_ERROR;
    }
    WatchObject *watch = stream_watch_of(file);
    bool here = watch->loop == loop && watch->writes;
    Py_DECREF(loop);
    if (!here) { /* that loop may be closed, or not run again */
        stream_unwatch(file);
        int rc = watch_start(file, true);
        if (rc <= 0) {
            return rc < 0 ? STEP_ERROR : file_submit(op, IO_WRITE);
        }
    }
    return stream_block(op);
}

void
stream_resume(FileObject *file, struct port *port)
{
    int rc = watch_start(file, true);
    if (rc == 0) {
        (void)file_start(file, port, IO_WRITE);
    }
    else if (rc < 0) {
        /* Not a worker instead, which might wait for ever. */
        file->werr = PyErr_ExceptionMatches(PyExc_OSError) ? EMFILE : ENOMEM;
        PyErr_Clear();
    }
}

void
stream_recall(FileObject *file)
{
    if (file->watch != NULL
        && !(stream_watch_of(file)->writes && file->wlen > 0)) {
        stream_unwatch(file);
    }
}

void
stream_prepare(FileObject *file)
{
    struct io *io = &file->io;
    io->patient = file->stream && io->steps & (IO_READ | IO_WRITE)
                  && !(io->steps & IO_CLOSE)
                  && !ready_is_nonblocking(file->fd);
    if (io->patient) {
        io->job.kind = JOB_WAITS; /* it does not hang */
        io->once = io->once && io->steps & IO_READ;
    }
}

/* ---- for the standard streams ---- */

enum step
stream_room_step(OpObject *op, PyObject **result)
{
    FileObject *file = op->file;
    enum step step = file_begin(op, MODE_WRITE);
    if (step != STEP_DONE) {
        return step;
    }
    if (file->busy) {
        return file_wait(op);
    }
    stream_unwatch(file); /* of another loop, perhaps a closed one */
    if (file->stream && !ready_now(file->fd, true)) {
        int rc = watch_start(file, true);
        if (rc != 0) {
            return rc < 0 ? STEP_ERROR : stream_block(op);
        }
    }
    *result = Py_NewRef(Py_None);
    return STEP_DONE;
}

/* A worker that reads what is there is back in no time, unless another process
 * has taken it; then its bytes stay in the file, for the next read. */
enum { RECLAIM_LOOKS = 200, RECLAIM_LOOK_NS = 100000 };

PyObject *
stream_reclaim(PyObject *module, PyObject *arg)
{
    const struct timespec pause = {0, RECLAIM_LOOK_NS};
    ModuleState *state = state_of(module);
    if (!PyObject_TypeCheck(arg, state->file_types[CLASS_COUNT])) {
        PyErr_SetString(PyExc_TypeError, "not a native file");
        return NULL;
    }
    FileObject *file = (FileObject *)arg;
    for (int i = 0; i < RECLAIM_LOOKS && file->busy && file->head == NULL;
         i++) {
        file_reap(file, false);
        if (file->busy) {
            Py_BEGIN_ALLOW_THREADS
            nanosleep(&pause, NULL);
            Py_END_ALLOW_THREADS
        }
    }
    if (file->busy || file->head != NULL) {
        return PyBytes_FromStringAndSize(NULL, 0);
    }
    struct buffer *rbuf = &file->rbuf;
    size_t n = buffer_avail(rbuf);
    PyObject *bytes = PyBytes_FromStringAndSize(
        n == 0 ? NULL : rbuf->data + rbuf->pos, (Py_ssize_t)n);
    if (bytes != NULL) {
        buffer_reset(rbuf);
    }
    return bytes;
}

PyObject *
stream_write_now(PyObject *Py_UNUSED(module), PyObject *args)
{
    int fd;
    Py_buffer data;
    if (!PyArg_ParseTuple(args, "iy*:_write_now", &fd, &data)) {
        return NULL;
    }
    struct iovec iov = {data.buf, (size_t)data.len};
    ssize_t n;
    Py_BEGIN_ALLOW_THREADS
    n = ready_write(fd, &iov, 1);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&data);
    if (n < 0 && n != -EAGAIN) {
        errno = (int)-n;
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    return PyLong_FromSsize_t(n < 0 ? 0 : n);
}

/* ---- the type ---- */

static int
watch_tp_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((WatchObject *)self)->loop);
    return 0;
}

static int
watch_tp_clear(PyObject *self)
{
    Py_CLEAR(((WatchObject *)self)->loop);
    return 0;
}

static void
watch_tp_dealloc(PyObject *self)
{
    WatchObject *watch = (WatchObject *)self;
    PyTypeObject *tp = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (watch->fd >= 0) { /* the loop was closed, and has dropped it */
        (void)sys_close(watch->fd);
    }
    (void)watch_tp_clear(self);
    tp->tp_free(self);
    Py_DECREF(tp); /* the reference taken when it was allocated */
}

static PyMemberDef watch_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET,
     (Py_ssize_t)offsetof(WatchObject, vectorcall), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot watch_slots[] = {
    {Py_tp_dealloc, (void *)watch_tp_dealloc},
    {Py_tp_traverse, (void *)watch_tp_traverse},
    {Py_tp_clear, (void *)watch_tp_clear},
    {Py_tp_call, (void *)PyVectorcall_Call},
    {Py_tp_members, watch_members},
    {0, NULL},
};

static PyType_Spec watch_spec = {
    .name = "aiofiles_c._core.Watch",
    .basicsize = sizeof(WatchObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC
             | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = watch_slots,
};

int
stream_init(PyObject *module, ModuleState *state)
{
    state->watch_type = (PyTypeObject *)PyType_FromModuleAndSpec(
        module, &watch_spec, NULL);
    return state->watch_type == NULL ? -1 : 0;
}
