/* bulk.h - reads of much, here, one after the other. */
#ifndef AIOFILES_C_BULK_H
#define AIOFILES_C_BULK_H

#include "op.h"

/* Whether op may begin, which is about to take memory for much and to fill it
 * here in several turns of the loop.  If not: STEP_AGAIN, and to be asked
 * again. */
bool bulk_admits(OpObject *op);

/* op is over, or waits for workers: the next may begin. */
static inline void
bulk_leave(OpObject *op)
{
    if (op->state->bulk == op) {
        op->state->bulk = NULL;
    }
}

#endif
