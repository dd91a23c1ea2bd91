/* waiter.h - what an operation waits for when it blocks, and by what.
 *
 * Loop thread, with the GIL; op_delegate() is in op.h.
 */
#ifndef AIOFILES_C_WAITER_H
#define AIOFILES_C_WAITER_H

#include "beside.h"
#include "op_int.h"

/* Whether it is op's turn; one with a job of its own needs none. */
static inline bool
op_is_head(const OpObject *op)
{
    return op->file == NULL || op->file->head == op || op->call != NULL;
}

/* Whether op, whose turn it is, has to wait for jobs beside the queue. */
static inline bool
op_is_held_up(const OpObject *op)
{
    return op->file != NULL && op->file->beside != NULL && op->call == NULL
           && beside_holds_up(op);
}

/* Whether op, which has to wait, only does so for the next turn. */
bool op_lingers(OpObject *op);

/* A future of the running loop, and its iterator in op->sub: 0 or -1. */
int op_make_waiter(OpObject *op);

/* Give up the places of dead operations at the head of the queue: 0 or -1. */
int op_evict_dead(OpObject *op);

#endif
