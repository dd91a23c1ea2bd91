/* call.c - the life of a job that is its operation's own.
 *
 * Loop thread, with the GIL.
 *
 *   on the stack --call_move--> the operation's --call_abandon--> dropped
 *                                  |   ^                            ^
 *                     call_submit  v   | call_finish                |
 *                                  busy --call_abandon--> nobody's -'
 *
 * What is dropped is freed, at once or after a run that closes its files.
 */
#include "call.h"

#include <stdlib.h>

#include "loop.h"

void
call_clear(struct call *call)
{
    for (int i = 0; i < 2; i++) {
        Py_CLEAR(call->given[i]);
        Py_CLEAR(call->encoded[i]);
    }
    Py_CLEAR(call->list);
    free(call->fs.data);
    call->fs.data = NULL;
    fs_copy_free(call->fs.copy);
    call->fs.copy = NULL;
}

static void
call_free(struct call *call)
{
    call_clear(call);
    PyMem_Free(call);
}

int
call_move(struct call *call, OpObject *op)
{
    struct call *kept = PyMem_Malloc(sizeof(*kept));
    if (kept == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    *kept = *call;
    kept->op = op;
    op->call = kept;
    return 0;
}

/* Nothing that runs for another job of the batch can free this one: see
 * call_abandon. */
static void
call_hold(struct job *Py_UNUSED(job))
{
}

static void call_drop(struct call *call, struct port *port);

/* No worker has it, or ever will. */
static void
call_over(struct call *call)
{
    call->busy = false;
    if (call->over != NULL) {
        call->over(call);
    }
}

static void
call_finish(struct job *job)
{
    struct call *call = (struct call *)job;
    call_over(call);
    if (call->op != NULL) {
        op_wake(call->op);
    }
    else {
        call_drop(call, job->port);
    }
}

/* Nobody's, and no worker has it.  To close files may wait, so that one that
 * still has some open is run once more. */
static void
call_drop(struct call *call, struct port *port)
{
    if (fs_copy_is_open(call->fs.copy)
        && pool_submit(call->pool, port, &call->fs.job) == 0) {
        call->busy = true;
    }
    else {
        call_free(call);
    }
}

enum step
call_submit(OpObject *op)
{
    struct call *call = op->call;
    struct job *job = &call->fs.job;
    PyObject *loop = loop_running(op->state);
    if (loop == NULL) {
        return STEP_ERROR;
    }
    struct port *port = loop_port(op->state, loop);
    Py_DECREF(loop);
    if (port == NULL) {
        return STEP_ERROR;
    }
    call->pool = op->state->pool;
    if (call->fs.copy != NULL) {
        call->fs.copy->pool = call->pool;
    }
    job->run = fs_run;
    job->hold = call_hold;
    job->finish = call_finish;
    bool open = fs_copy_is_open(call->fs.copy);
    if (!open && !call->fs.again) {
        fs_place(&call->fs);
    }
    bool copies = open || call->fs.works;
    bool hangs = call->fs.hangs || call->fs.device == DEVICE_SLOW;
    job->kind = hangs ? JOB_HANGS : copies ? JOB_WORKS : JOB_WAITS;
    job->disk = hangs ? 0 : call->fs.place[0].disk;
    if (pool_submit(op->state->pool, port, job) < 0) {
        PyErr_SetString(PyExc_RuntimeError, "can't start new thread");
        return STEP_ERROR;
    }
    call->busy = true;
    op->hopped = true;
    op_raise_route(op, ROUTE_POOL);
    return STEP_BLOCK;
}

struct job *
call_job(const OpObject *op)
{
    return op->call != NULL && op->call->busy ? &op->call->fs.job : NULL;
}

void
call_reap(OpObject *op)
{
    struct job *job = call_job(op);
    if (job != NULL && pool_reap(op->state->pool, job)) {
        call_finish(job);
    }
}

void
call_abandon(OpObject *op)
{
    struct call *call = op->call;
    if (call == NULL) {
        return;
    }
    struct pool *pool = op->state->pool;
    op->call = NULL;
    call->op = NULL;
    fs_copy_stop(call->fs.copy);
    /* A job in a batch that is being finished is none of these, and call_drop
     * comes from its call_finish. */
    if (!call->busy || pool_cancel(pool, &call->fs.job)
        || pool_reap(pool, &call->fs.job)) {
        call_over(call);
        call_drop(call, NULL);
    }
    else if (pool_lost(pool, &call->fs.job)) {
        call_over(call);
        call_free(call);
    }
}
