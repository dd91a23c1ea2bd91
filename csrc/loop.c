/* loop.c - one port per event loop, and how operations are woken.
 *
 * Loop threads only, with the GIL.  A PortObject is callable and is given to
 * loop.add_reader(): the reader table of the loop is its one owner, so it
 * goes when the loop is closed or collected.  The module keeps a borrowed
 * list of them and finds the port of a loop by the loop's address; a handle
 * in the reader table refers to its loop, so the address is the loop's as
 * long as the port lives.
 */
#include "loop.h"

#include "raised.h"
#include "sys.h"

typedef struct PortObject {
    PyObject_HEAD
    ModuleState *state;      /* one of its users */
    PyObject *loop;          /* borrowed, see above; compared, never used */
    struct port *port;       /* owned; NULL after a fork */
    struct PortObject *next; /* state->ports */
    long long looks_at;      /* ns: a timer is set for then; or 0 */
    vectorcallfunc vectorcall;
} PortObject;

static void
loop_finish_list(struct job *jobs, struct port *port)
{
    while (jobs != NULL) {
        struct job *job = jobs;
        jobs = job->next;
        job->next = NULL;
        job->port = port;
        job->finish(job);
    }
}

/* What finishes one job may run any code, which may do with the others what
 * the loop cannot be waited for: so they are noted down, and held, first. */
void
loop_finish_jobs(struct job *jobs, struct port *port)
{
    struct job *few[32], **batch = few;
    size_t n = 0, i = 0;
    for (struct job *job = jobs; job != NULL; job = job->next) {
        job->hold(job);
        n++;
    }
    if (n > sizeof(few) / sizeof(few[0])) {
        batch = PyMem_New(struct job *, n);
    }
    if (batch == NULL) { /* no memory: one after the other, as they come */
        loop_finish_list(jobs, port);
        return;
    }
    while (jobs != NULL) {
        batch[i++] = jobs;
        jobs = jobs->next;
    }
    for (i = 0; i < n; i++) {
        batch[i]->next = NULL;
        batch[i]->port = port;
    }
    for (i = 0; i < n; i++) {
        batch[i]->finish(batch[i]);
    }
    if (batch != few) {
        PyMem_Free(batch);
    }
}

static PyObject *
port_vectorcall(PyObject *self, PyObject *const *Py_UNUSED(args),
                size_t Py_UNUSED(nargsf), PyObject *Py_UNUSED(kwnames))
{
    PortObject *port = (PortObject *)self;
    Py_INCREF(self); /* a finish may close the loop */
    raised_begin();
    if (port->port != NULL) {
        loop_finish_jobs(port_drain(port->port), port->port);
        loop_finish_jobs(pool_orphans(port->state->pool), NULL);
    }
    int rc = raised_end_here(port->state);
    Py_DECREF(self);
    return rc < 0 ? NULL : Py_NewRef(Py_None);
}

static void
port_unlink(PortObject *port)
{
    PortObject **link = &port->state->ports;
    while (*link != NULL && *link != port) {
        link = &(*link)->next;
    }
    if (*link == port) {
        *link = port->next;
    }
}

/* By the type it refers to all that the module does: a loop that nobody has
 * closed is not to keep that. */
static int
port_tp_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    return 0;
}

static void
port_tp_dealloc(PyObject *self)
{
    PortObject *port = (PortObject *)self;
    PyTypeObject *tp = Py_TYPE(self);
    struct compat_exc exc;
    PyObject_GC_UnTrack(self);
    compat_exc_take(&exc);
    port_unlink(port);
    if (port->port != NULL) {
        struct port *gone = port->port;
        port->port = NULL;
        loop_finish_jobs(port_close(gone), NULL);
    }
    compat_exc_restore(&exc);
    state_release(port->state);
    tp->tp_free(self);
    Py_DECREF(tp); /* the reference taken when it was allocated */
}

PyObject *
loop_running(ModuleState *state)
{
    PyObject *loop = PyObject_CallNoArgs(state->get_loop);
    if (loop == Py_None) {
        Py_CLEAR(loop);
        PyErr_SetString(PyExc_RuntimeError, "no running event loop");
    }
    return loop;
}

static PortObject *
port_new(ModuleState *state, PyObject *loop)
{
    PyObject *result = NULL, *fd = NULL;
    PortObject *port = (PortObject *)state->port_type->tp_alloc(
        state->port_type, 0);
    if (port == NULL) {
        return NULL;
    }
    port->state = state;
    state->users++;
    port->loop = loop;
    port->vectorcall = port_vectorcall;
    int err = 0;
    port->port = port_create(state->pool, &err);
    if (port->port == NULL) {
        errno = -err;
        PyErr_SetFromErrno(PyExc_OSError);
        goto done;
    }
    fd = PyLong_FromLong(port_fd(port->port));
    if (fd == NULL) {
        goto done;
    }
    result = PyObject_CallMethodObjArgs(loop, state->str_add_reader, fd,
                                        (PyObject *)port, NULL);
    if (result != NULL) {
        port->next = state->ports;
        state->ports = port;
    }
done:
    Py_XDECREF(fd);
    Py_DECREF(port); /* the loop's reader table owns it now, or nobody */
    if (result == NULL) {
        return NULL;
    }
    Py_DECREF(result);
    return port;
}

bool
loop_is_running(ModuleState *state)
{
    PyObject *loop = PyObject_CallNoArgs(state->get_loop);
    if (loop == NULL) {
        PyErr_Clear();
    }
    Py_XDECREF(loop);
    return loop != NULL && loop != Py_None;
}

bool
loop_turns(ModuleState *state, PyObject *loop)
{
    struct compat_exc exc;
    compat_exc_take(&exc);
    PyObject *thread = PyObject_GetAttr(loop, state->str_thread_id);
    bool turns = thread != Py_None;
    Py_XDECREF(thread);
    PyErr_Clear();
    compat_exc_restore(&exc);
    return turns;
}

/* Borrowed, or NULL without an exception. */
static PortObject *
port_find(ModuleState *state, PyObject *loop)
{
    PortObject *port = state->ports;
    while (port != NULL && port->loop != loop) {
        port = port->next;
    }
    return port;
}

static PortObject *
port_of(ModuleState *state, PyObject *loop)
{
    PortObject *port = port_find(state, loop);
    return port != NULL ? port : port_new(state, loop);
}

struct port *
loop_port(ModuleState *state, PyObject *loop)
{
    PortObject *port = port_of(state, loop);
    return port == NULL ? NULL : port->port;
}

/* ns after which a timer has been lost, to an interrupt before its call. */
enum { LOOK_LOST = 1000000000 };

int
loop_look_later(ModuleState *state, PyObject *loop, long ns)
{
    long long now = sys_clock();
    PortObject *port = port_of(state, loop);
    if (port == NULL) {
        return -1;
    }
    if (port->looks_at != 0 && now - port->looks_at < LOOK_LOST) {
        return 1;
    }
    PyObject *timer = NULL, *delay = PyFloat_FromDouble((double)ns * 1e-9);
    if (delay != NULL) {
        timer = PyObject_CallMethodObjArgs(loop, state->str_call_later, delay,
                                           state->look, NULL);
        Py_DECREF(delay);
    }
    if (timer == NULL) {
        return -1;
    }
    Py_DECREF(timer);
    port = port_find(state, loop); /* the call may have closed it */
    if (port != NULL) {
        port->looks_at = now + ns;
    }
    return 1;
}

void
loop_has_looked(ModuleState *state, PyObject *loop)
{
    PortObject *port = port_find(state, loop);
    if (port != NULL) {
        port->looks_at = 0;
    }
}

PyObject *
loop_wake_future(PyObject *module, PyObject *future)
{
    ModuleState *state = state_of(module);
    PyObject *done = PyObject_CallMethodNoArgs(future, state->str_done);
    if (done == NULL) {
        return NULL;
    }
    int is_done = PyObject_IsTrue(done);
    Py_DECREF(done);
    if (is_done != 0) {
        return is_done < 0 ? NULL : Py_NewRef(Py_None);
    }
    return PyObject_CallMethodOneArg(future, state->str_set_result, Py_None);
}

static PyObject *
loop_try_wake(ModuleState *state, PyObject *loop, PyObject *future)
{
    PyObject *result = NULL;
    PyObject *running = PyObject_CallNoArgs(state->get_loop);
    if (running == loop) {
        result = PyObject_CallOneArg(state->wake, future);
    }
    else if (running != NULL) {
        result = PyObject_CallMethodObjArgs(
            loop, state->str_call_soon_threadsafe, state->wake, future, NULL);
    }
    Py_XDECREF(running);
    return result;
}

/* Whether the loop is; what the question raises is held. */
static bool
loop_is_closed(ModuleState *state, PyObject *loop)
{
    struct compat_exc exc;
    compat_exc_take(&exc);
    PyObject *closed = PyObject_CallMethodNoArgs(loop, state->str_is_closed);
    int is_closed = closed == NULL ? -1 : PyObject_IsTrue(closed);
    Py_XDECREF(closed);
    raised_hold(state);
    compat_exc_restore(&exc);
    return is_closed > 0;
}

/* loop_wake(), whose exceptions are held.  What was raised by others may have
 * come before or after it was woken: the second try finds that out.  What comes
 * in between, while asyncio is about it, has its callbacks lost, as of any
 * future. */
static bool
loop_wake_held(ModuleState *state, PyObject *loop, PyObject *future)
{
    bool memory = true;
    for (int tries = 0; tries < 2; tries++) {
        PyObject *result = loop_try_wake(state, loop, future);
        if (result != NULL) {
            Py_DECREF(result);
            return true;
        }
        bool closed = loop_is_closed(state, loop);
        memory = !PyErr_ExceptionMatches(PyExc_MemoryError);
        if (!memory
            || (closed && PyErr_ExceptionMatches(PyExc_RuntimeError))) {
            PyErr_Clear(); /* tried again; the loop has said so */
        }
        raised_hold(state);
        if (closed) {
            return false; /* nobody is left to be woken */
        }
    }
    return memory; /* without, nobody could be */
}

bool
loop_wake(ModuleState *state, PyObject *loop, PyObject *future)
{
    struct compat_exc exc;
    compat_exc_take(&exc);
    raised_begin();
    /* Handlers run now, or they would in the midst of what asyncio does. */
    (void)PyErr_CheckSignals();
    raised_hold(state);
    bool woken = loop_wake_held(state, loop, future);
    raised_end(state);
    compat_exc_restore(&exc);
    return woken;
}

void
loop_after_fork(ModuleState *state)
{
    for (PortObject *port = state->ports; port != NULL; port = port->next) {
        port->loop = NULL;
    }
    raised_after_fork(state);
}

static PyMemberDef port_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET,
     (Py_ssize_t)offsetof(PortObject, vectorcall), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot port_slots[] = {
    {Py_tp_dealloc, (void *)port_tp_dealloc},
    {Py_tp_traverse, (void *)port_tp_traverse},
    {Py_tp_call, (void *)PyVectorcall_Call},
    {Py_tp_members, port_members},
    {0, NULL},
};

static PyType_Spec port_spec = {
    .name = "aiofiles_c._core.Port",
    .basicsize = sizeof(PortObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC
             | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = port_slots,
};

int
loop_init(PyObject *module, ModuleState *state)
{
    state->port_type = (PyTypeObject *)PyType_FromModuleAndSpec(
        module, &port_spec, NULL);
    return state->port_type == NULL ? -1 : 0;
}
