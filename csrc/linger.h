/* linger.h - to look, for some turns of the loop, whether a job is done. */
#ifndef AIOFILES_C_LINGER_H
#define AIOFILES_C_LINGER_H

#include "job.h"
#include "op.h"

/* Whether op, which waits for a job of that kind, is to look again after a
 * turn of the loop.  If not it waits to be woken, after linger_end(). */
bool linger_on(OpObject *op, enum job_kind kind);

/* Its job is done. */
void linger_succeed(OpObject *op);

/* op looks and asks no more: it waits to be woken, or is gone. */
void linger_end(OpObject *op);

/* The kernel does not have at hand what a read at once has asked for, and has
 * begun to fetch it: whether op is to say STEP_AGAIN and ask again after a turn
 * of the loop, before it sends a worker. */
bool linger_ask(OpObject *op);

/* It does not any more: it is answered, or given up. */
static inline void
linger_ask_no_more(OpObject *op)
{
    if (op->asks) {
        op->asks = false;
        op->state->asking -= op->ask_epoch == op->state->ask_epoch;
    }
}

/* What op has asked for has come. */
static inline void
linger_answered(OpObject *op)
{
    if (op->asks) {
        op->state->asked_in_vain = 0;
        linger_ask_no_more(op);
    }
}

#endif
