/* bulk.c - reads of much, here, one after the other.
 *
 * Loop threads, with the GIL.  Were ten files read whole by turns, piece by
 * piece, all ten would hold their memory until the last turns: memory that is
 * fresh, which costs more than what is copied there, where a program that reads
 * one after the other has the same again for each.  So while one is in the
 * middle of its read others do not begin; but not for long, since it may be a
 * very large one, or be awaited in another loop, late, or never.
 */
#include "bulk.h"

#include "trace.h"

/* ns for which one operation keeps others from their beginning. */
enum { BULK_MOST = 20000000 };

bool
bulk_admits(OpObject *op)
{
    ModuleState *state = op->state;
    long long now = trace_clock();
    if (state->bulk != NULL && now - state->bulk_since < BULK_MOST) {
        return false;
    }
    state->bulk = op;
    state->bulk_since = now;
    return true;
}
