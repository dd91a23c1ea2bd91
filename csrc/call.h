/* call.h - a job that is its operation's own: one call of os, or what is done
 * beside the queue of a file.
 *
 * A call of os lies on the stack while its arguments are read and an answer at
 * once is tried.  If there is none it moves to the heap, where its operation
 * owns it; an operation that goes away leaves it to the job's own end.
 */
#ifndef AIOFILES_C_CALL_H
#define AIOFILES_C_CALL_H

#include "fs.h"
#include "op.h"

struct call {
    struct fs fs; /* first: the job */
    /* owned; loop thread */
    PyObject *given[2]; /* str, bytes or int: as errors and events say it */
    /* bytes that a name points into, where given does not hold them */
    PyObject *encoded[2];
    PyObject *list;      /* of names, not whole yet */
    struct OpObject *op; /* borrowed: who waits; NULL: nobody any more */
    struct pool *pool;   /* borrowed: set when it is submitted */
    bool busy;           /* the job is under way, or its end is */
    /* no worker will look at it any more: at least once before it is freed */
    void (*over)(struct call *call);
};

/* Let go of what a call owns. */
void call_clear(struct call *call);

/* Move a call from the stack, which keeps nothing, to op: 0, or -1 with
 * MemoryError, and then it stays where it is. */
int call_move(struct call *call, OpObject *op);

/* Start op's job: STEP_BLOCK or STEP_ERROR. */
enum step call_submit(OpObject *op);

/* The job of op if it is under way, or NULL. */
struct job *call_job(const OpObject *op);

/* Take the result of op's job, if it has one that is done. */
void call_reap(OpObject *op);

/* op is done with its call, if it has one: its job is taken back if no worker
 * has it yet. */
void call_abandon(OpObject *op);

#endif
