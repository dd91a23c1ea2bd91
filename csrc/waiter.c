/* waiter.c - what an operation that cannot go on waits by: see waiter.h.
 *
 * Loop thread, with the GIL.  While an operation waits, its awaitable is in
 * op->sub, and every send() goes there: a future of its loop, which op_wake()
 * sets, or a coroutine that does the work instead.
 */
#include "waiter.h"

#include "bulk.h"
#include "call.h"
#include "linger.h"
#include "loop.h"

enum step
op_delegate(OpObject *op, PyObject *coroutine)
{
    if (coroutine == NULL) {
        return STEP_ERROR;
    }
    PyTypeObject *tp = Py_TYPE(coroutine);
    if (tp->tp_as_async == NULL || tp->tp_as_async->am_await == NULL) {
        PyErr_Format(PyExc_TypeError,
                     "object %.100s can't be used in 'await' expression",
                     tp->tp_name);
        Py_DECREF(coroutine);
        return STEP_ERROR;
    }
    PyObject *sub = tp->tp_as_async->am_await(coroutine);
    Py_DECREF(coroutine);
    if (sub == NULL) {
        return STEP_ERROR;
    }
    Py_XSETREF(op->sub, sub);
    return STEP_DELEGATE;
}

enum step
op_delegate_then(OpObject *op, PyObject *coroutine)
{
    op->resumes = true;
    return op_delegate(op, coroutine);
}

/* The job under way that op, whose turn it is, waits for; NULL: none is. */
static struct job *
op_job(const OpObject *op)
{
    if (op->file == NULL || op->call != NULL) {
        return call_job(op);
    }
    return op->file->busy ? &op->file->io.job : NULL;
}

bool
op_lingers(OpObject *op)
{
    struct job *job = op_is_head(op) && !op->held_up ? op_job(op) : NULL;
    /* The processor is for those who share the job. */
    if (job != NULL && !job->shared && linger_on(op, job->kind)) {
        return true;
    }
    linger_end(op);
    return false;
}

static bool
op_waits_for_jobs(const OpObject *op)
{
    return op_job(op) != NULL || op_is_held_up(op);
}

/* The jobs under way may be an earlier loop's: they report here now.  0, -1. */
static int
op_adopt_jobs(OpObject *op, PyObject *loop)
{
    struct port *port = loop_port(op->state, loop);
    if (port == NULL) {
        return -1;
    }
    struct job *job = op_job(op);
    if (job != NULL) {
        port_adopt(port, job);
    }
    if (op_is_held_up(op)) {
        beside_adopt(op->file, port);
    }
    return 0;
}

int
op_make_waiter(OpObject *op)
{
    int rc = -1;
    PyObject *future = NULL;
    PyObject *loop = loop_running(op->state);
    if (loop == NULL) {
        goto done;
    }
    if (op_is_head(op) && op_waits_for_jobs(op)
        && op_adopt_jobs(op, loop) < 0) {
        goto done;
    }
    future = PyObject_CallMethodNoArgs(loop, op->state->str_create_future);
    if (future == NULL
        || op_delegate(op, Py_NewRef(future)) != STEP_DELEGATE) {
        goto done;
    }
    Py_XSETREF(op->waiter, future);
    future = NULL;
    Py_XSETREF(op->loop, Py_NewRef(loop));
    rc = 0;
    /* Another thread may have had the GIL meanwhile: the job is finished, or
     * the operation has come to the head and the job reports elsewhere. */
    if (op_is_head(op)) {
        if (op_waits_for_jobs(op)) {
            rc = op_adopt_jobs(op, loop);
        }
        else if (op->bulk != BULK_WAITS
                 && (op->file == NULL || op->call != NULL
                     || op->file->watch == NULL)) {
            op_wake(op);
        }
    }
done:
    if (rc < 0) {
        Py_CLEAR(op->sub);
        Py_CLEAR(op->waiter);
    }
    Py_XDECREF(future);
    Py_XDECREF(loop);
    return rc;
}

/* 1 if nobody will ever go on with this operation: its loop is closed, or
 * belongs to the process that this one was forked off; 0, or -1. */
static int
op_is_dead(OpObject *op)
{
    if (op->status != OP_SUSPENDED) {
        return 0;
    }
    if (op->forks != op->state->forks) {
        return 1;
    }
    if (op->loop == NULL) {
        return 0;
    }
    PyObject *closed = PyObject_CallMethodNoArgs(op->loop,
                                                 op->state->str_is_closed);
    int dead = closed == NULL ? -1 : PyObject_IsTrue(closed);
    Py_XDECREF(closed);
    return dead;
}

int
op_evict_dead(OpObject *op)
{
    FileObject *file = op->file;
    while (file->head != NULL) {
        OpObject *head = file->head;
        Py_INCREF(head);
        int dead = op_is_dead(head);
        if (dead > 0) {
            op_abandon(head);
        }
        Py_DECREF(head);
        if (dead <= 0) {
            return dead;
        }
    }
    return 0;
}
