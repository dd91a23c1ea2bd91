/* op.c - how the awaitable behind every method runs: step by step.
 *
 * Loop thread, with the GIL.  An operation is lazy: its first send() puts it
 * in its file's queue, and while it is the head its step function is called
 * until it says DONE or ERROR.  A step takes from the file only when it can
 * say DONE, so an operation that is thrown away in between loses nothing.
 * Operations of one file run in the order of their first steps.
 */
#include "budget.h"
#include "waiter.h"

#include "bulk.h"
#include "call.h"
#include "exact.h"
#include "linger.h"
#include "loop.h"
#include "text.h"
#include "trace.h"

/* Estimated ns of an operation, what awaits it included, besides its work. */
enum { OP_COST = 60 };

/* ---- the file's queue ---- */

bool
op_try_wake(OpObject *op)
{
    if (op->lingered > 0) {
        linger_succeed(op); /* it is called anyway, in the next turn */
    }
    if (op->waiter == NULL) {
        return true;
    }
    PyObject *loop = Py_NewRef(op->loop), *waiter = Py_NewRef(op->waiter);
    bool woken = loop_wake(op->state, loop, waiter) || op->waiter != waiter;
    Py_DECREF(loop);
    Py_DECREF(waiter);
    return woken;
}

void
op_wake(OpObject *op)
{
    Py_INCREF(op);
    if (!op_try_wake(op) && op->status == OP_SUSPENDED) {
        op_abandon(op); /* nobody will go on with it: the next may */
    }
    Py_DECREF(op);
}

static void
op_enqueue(OpObject *op)
{
    FileObject *file = op->file;
    op->queued = true;
    op->forks = op->state->forks;
    op->next = NULL;
    if (file->tail != NULL) {
        file->tail->next = op;
    }
    else {
        file->head = op;
    }
    file->tail = op;
}

/* Take op out from behind others. */
static void
queue_remove(FileObject *file, OpObject *op)
{
    OpObject *before = file->head;
    while (before->next != op) {
        before = before->next;
    }
    before->next = op->next;
    if (file->tail == op) {
        file->tail = before;
    }
    op->next = NULL;
}

void
op_leave_queue(OpObject *op)
{
    FileObject *file = op->file;
    if (!op->queued) {
        return; /* nor was it ever, or no more */
    }
    op->queued = false;
    if (file->head != op) {
        queue_remove(file, op);
        return;
    }
    file->head = op->next;
    op->next = NULL;
    if (file->head == NULL) {
        file->tail = NULL;
    }
    else {
        op_wake(file->head);
    }
}

/* It is over, and nobody is told. */
static void
op_end(OpObject *op)
{
    op->status = OP_FINISHED;
    linger_end(op);
    op_leave_queue(op);
    if (op->bulk != BULK_NONE) {
        bulk_leave(op);
    }
}

void
op_finish(OpObject *op)
{
    op_end(op);
    if (op->started != 0) {
        trace_end(op);
    }
}

static void
op_count(OpObject *op)
{
    op->state->routes[op->route]++;
    op->state->cost += OP_COST; /* also of those that charge nothing */
}

void
op_abandon(OpObject *op)
{
    struct compat_exc exc;
    compat_exc_take(&exc);
    if (op->file != NULL && op->file->head == op) {
        file_recall(op->file);
        exact_give_up(op);
    }
    call_abandon(op);
    op_finish(op);
    op_drop_work(op);
    /* A traceback may keep the operation for long, and with it the file. */
    Py_CLEAR(op->file);
    compat_exc_restore(&exc);
}

/* ---- running ---- */

void
op_restart(OpObject *op)
{
    if (op->status != OP_SUSPENDED) {
        return;
    }
    if (!(op->kind->flags & OP_READS)) {
        bool writes = op->kind->flags & OP_WRITES;
        const struct text *text = op->file->text;
        bool settles = text != NULL && text->owed != NULL;
        /* What it had asked for is not what it needs.  Phase 1 of a write is
         * between two items of writelines(). */
        if (op->phase == 0 || settles || (writes && op->phase == 1)) {
            op->filling = op->sized = false;
            if (writes) {
                Py_CLEAR(op->arg[2]); /* what it had begun to make */
            }
        }
    }
    else {
        Py_CLEAR(op->acc);
        op->n = op->got = op->taken = op->sum = op->left = 0;
        op->phase = 0;
        op->filling = op->saw_end = op->sized = op->would_block = false;
        op->synced = op->ended = op->keeps = false;
    }
}

PySendResult
op_fail(OpObject *op, PyObject **result)
{
    *result = NULL;
    op_bar_stop();
    op_abandon(op);
    return PYGEN_ERROR;
}

/* Send to the awaitable that op waits for.  True when op itself is to go on,
 * false with *sent and *result as the outcome of this send. */
static bool
op_send_sub(OpObject *op, PyObject *value, PySendResult *sent,
            PyObject **result)
{
    *sent = PyIter_Send(op->sub, value, result);
    if (*sent == PYGEN_NEXT) {
        op->status = OP_SUSPENDED;
        return false;
    }
    if (*sent == PYGEN_ERROR) {
        *sent = op_fail(op, result);
        return false;
    }
    Py_CLEAR(op->sub);
    if (op->resumes) {
        op->resumes = false;
        Py_XSETREF(op->acc, *result);
        *result = NULL;
        return true;
    }
    if (op->waiter == NULL) { /* a delegate's result is the operation's */
        op_finish(op);
        return false;
    }
    Py_CLEAR(*result);
    Py_CLEAR(op->waiter);
    Py_CLEAR(op->loop);
    return true;
}

/* Whether the step function will come to a job by itself. */
static bool
op_makes_job(const OpObject *op)
{
    return op->kind->flags & OP_HOPS
           || (op->kind->flags & OP_READS && file_is_drained(op->file));
}

/* Take the result of the job that op lingers for, if it is done: op_wake. */
static void
op_look(OpObject *op)
{
    if (op->file == NULL || op->call != NULL) {
        call_reap(op);
    }
    else if (op->file->busy) {
        file_reap(op->file, false);
    }
}

static enum step
op_step(OpObject *op, PyObject **result)
{
    op->status = OP_RUNNING;
    if (op->lingered > 0) {
        op_look(op);
        if (op->lingered > 0) {
            return STEP_BLOCK;
        }
    }
    if (!op_is_head(op)) {
        return STEP_BLOCK; /* for its turn */
    }
    if (op->file != NULL && op->file->barred & BAR_CONVERSION) {
        return STEP_YIELD;
    }
    if (op->file != NULL && op->file->barred
        && !(op->kind->flags & OP_ANSWERS)) {
        return STEP_BLOCK; /* for the seek */
    }
    op->held_up = op_is_held_up(op);
    if (op->held_up) {
        return STEP_BLOCK;
    }
    if (call_job(op) != NULL) {
        return STEP_BLOCK; /* it had no future to wait by */
    }
    if (!op->hopped && !op->state->inline_io && !op_makes_job(op)) {
        return file_hop(op);
    }
    if (op->asks) {
        budget_turn(op);
    }
    if (op->yielded ? !budget_resume(op) : op_must_yield(op)) {
        return STEP_YIELD;
    }
    return op->kind->step(op, result);
}

/* Until the next turn of the loop: the outcome of this send.  Who has worked
 * for long runs the handlers of signals first. */
static void
op_pause(OpObject *op, PySendResult *sent, PyObject **result)
{
    /* Or they would run as the task asks for that turn, and it would have
     * none. */
    if (PyErr_CheckSignals() < 0) {
        *sent = op_fail(op, result);
        return;
    }
    *sent = PYGEN_NEXT;
    *result = Py_NewRef(Py_None);
    op->status = OP_SUSPENDED;
    Py_XSETREF(op->loop, PyObject_CallNoArgs(op->state->get_loop));
    PyErr_Clear();
    if (op->loop == Py_None) {
        Py_CLEAR(op->loop);
    }
}

/* What a step has said: true when *sent is the outcome of this send. */
static bool
op_apply(OpObject *op, enum step step, PySendResult *sent, PyObject **result)
{
    switch (step) {
    case STEP_ANSWERED:
        *result = op->acc;
        op->acc = NULL;
        op_finish(op);
        *sent = PYGEN_RETURN;
        return true;
    case STEP_DONE:
        op_count(op);
        op_finish(op);
        *sent = PYGEN_RETURN;
        return true;
    case STEP_ERROR:
        *sent = op_fail(op, result);
        return true;
    case STEP_YIELD:
        op->yielded = true;
        op->yielded_at = ++op->state->yields;
        op_pause(op, sent, result);
        return true;
    case STEP_AGAIN:
        op_pause(op, sent, result);
        return true;
    case STEP_BLOCK:
        if (op_lingers(op)) {
            op_pause(op, sent, result);
            return true;
        }
        if (op_make_waiter(op) < 0) {
            if (!PyErr_ExceptionMatches(PyExc_MemoryError)) {
                *sent = op_fail(op, result);
                return true;
            }
            /* What has begun cannot be called off: look again next turn. */
            PyErr_Clear();
            return op_apply(op, STEP_YIELD, sent, result);
        }
        break;
    case STEP_DELEGATE:
        if (!op->resumes) {
            op->started = 0; /* the delegate tells of it */
        }
        break;
    }
    return !op_send_sub(op, Py_None, sent, result);
}

/* Drive op from the head of the queue until it is done or has to wait. */
static PySendResult
op_run(OpObject *op, PyObject **result)
{
    PySendResult sent;
    while (!op_apply(op, op_step(op, result), &sent, result)) {
    }
    return sent;
}

/* Whether nothing is in the way of a new operation, and nobody is told of it.
 */
static inline bool
op_is_alone(const OpObject *op)
{
    const FileObject *file = op->file;
    return file->head == NULL && !file->barred && file->beside == NULL
           && op->state->in_short;
}

/* The first send. */
static PySendResult
op_start(OpObject *op, PyObject **result)
{
    ModuleState *state = op->state;
    FileObject *file = op->file;
    op->status = OP_RUNNING;
    if (file == NULL) {
        trace_begin(op);
        return op_run(op, result);
    }
    if (file->head != NULL && op_evict_dead(op) < 0) {
        return op_fail(op, result);
    }
    if (file->busy && pool_lost(state->pool, &file->io.job)) {
        file_settle(file); /* a fork has left it to the parent */
    }
    if (file->beside != NULL) {
        beside_forget_lost(file);
    }
    /* Most often nothing is in its way: the same as op_run(), in short. */
    if (op_is_alone(op)) {
        op_enqueue(op);
        PySendResult sent;
        enum step step = op_must_yield(op) ? STEP_YIELD
                                           : op->kind->step(op, result);
        if (step == STEP_DONE) {
            op_count(op);
            op_end(op);
            return PYGEN_RETURN;
        }
        if (op_apply(op, step, &sent, result)) {
            return sent;
        }
    }
    else {
        op_enqueue(op);
        trace_begin(op);
    }
    return op_run(op, result);
}

/* A new operation is done, if all that it needs is at hand: see at_hand_fn. */
static inline bool
op_is_at_hand(OpObject *op, PyObject **result)
{
    ModuleState *state = op->state;
    FileObject *file = op->file;
    if (op->status != OP_NEW || op->kind->at_hand == NULL || !op_is_alone(op)
        || state->cost > state->check
        || (file->busy && pool_lost(state->pool, &file->io.job))) {
        return false;
    }
    *result = op->kind->at_hand(op);
    if (*result == NULL) {
        return false;
    }
    op_count(op);
    op->status = OP_FINISHED;
    op->blank = true;
    return true;
}

/* op_am_send() of an operation that is not. */
static AIOF_APART PySendResult
op_resume(OpObject *op, PyObject *value, PyObject **result)
{
    PySendResult sent;
    *result = NULL;
    switch ((enum op_state)op->status) {
    case OP_NEW:
        if (value != Py_None) {
            PyErr_SetString(PyExc_TypeError, "can't send non-None value to a "
                                             "just-started coroutine");
            return PYGEN_ERROR;
        }
        return op_start(op, result);
    case OP_RUNNING:
        PyErr_SetString(PyExc_ValueError, "coroutine already executing");
        return PYGEN_ERROR;
    case OP_SUSPENDED:
        op->status = OP_RUNNING;
        if (op->sub != NULL && !op_send_sub(op, value, &sent, result)) {
            return sent;
        }
        return op_run(op, result);
    case OP_FINISHED:
        break;
    }
    PyErr_SetString(PyExc_RuntimeError,
                    "cannot reuse already awaited coroutine");
    return PYGEN_ERROR;
}

PySendResult
op_am_send(PyObject *self, PyObject *value, PyObject **result)
{
    OpObject *op = (OpObject *)self;
    if (value == Py_None && op_is_at_hand(op, result)) {
        return PYGEN_RETURN;
    }
    return op_resume(op, value, result);
}
