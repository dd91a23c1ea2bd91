/* linger.c - to look, for some turns of the loop, whether a job is done, or the
 * kernel.
 *
 * Loop thread, with the GIL.  A loop that has nothing else to do sleeps, and
 * to wake its processor takes longer than most jobs do.  So an operation that
 * begins to wait for one that may soon be done lets the loop turn, without a
 * sleep, and looks after each turn; other tasks run meanwhile as ever.  One
 * operation at a time does.  Where that is often in vain, as on a slow disk, it
 * is only tried now and then.
 */
#include "linger.h"

#include "sys.h"

/* Turns of the loop, of some microseconds each: as long as an open or a close
 * takes, and the write of what a file may have in flight. */
enum { LINGER_TURNS = 16, LINGER_TURNS_WORK = 100 };

/* How often it may be in vain before it is tried only once in as many; and how
 * many others may want to before one that no longer looks, since its task is
 * not run any more, loses its place. */
enum { LINGER_TRIES = 8, LINGER_REFUSALS = 1000 };

static bool
linger_may_begin(ModuleState *state, unsigned *in_vain)
{
    if (pool_processors(state->pool) < 2) {
        return false;
    }
    if (state->lingering != NULL
        && ++state->linger_refusals < LINGER_REFUSALS) {
        return false;
    }
    return *in_vain < LINGER_TRIES || ++*in_vain % LINGER_TRIES == 0;
}

bool
linger_on(OpObject *op, enum job_kind kind)
{
    ModuleState *state = op->state;
    static const unsigned turns[JOB_KINDS] = {
        [JOB_WAITS] = LINGER_TURNS,
        [JOB_COPIES] = LINGER_TURNS_WORK,
        [JOB_WORKS] = LINGER_TURNS_WORK,
    };
    unsigned most = turns[kind];
    unsigned *in_vain = &state->lingered_in_vain[kind];
    if (op->lingered == 0) {
        if (most == 0 || !linger_may_begin(state, in_vain)) {
            return false;
        }
        state->lingering = op;
        op->lingers_for = (unsigned char)kind;
    }
    if (op->lingered >= most || state->lingering != op) {
        ++*in_vain;
        return false;
    }
    op->lingered++;
    state->linger_refusals = 0;
    return true;
}

void
linger_end(OpObject *op)
{
    op->lingered = 0;
    linger_ask_no_more(op);
    if (op->state->lingering == op) {
        op->state->lingering = NULL;
    }
}

void
linger_succeed(OpObject *op)
{
    op->state->lingered_in_vain[op->lingers_for] = 0;
    linger_end(op);
}

/* ---- what the kernel fetches ---- */

/* As long as a fast disk takes, in ns.  One turn is waited for in any case: with
 * many tasks it takes as long as that.  And how long it is before operations
 * that hold all places, since their tasks are not run any more, lose them. */
enum { ASK_NS = 200000, ASK_STALE = 100 * ASK_NS };

/* How often it may be in vain, as on a slow disk, before it is tried only once
 * in as many; and how many do so at once: each takes a part of each turn. */
enum { ASK_TRIES = 16, ASK_MOST = 64 };

/* Estimated ns that it takes the kernel to begin to fetch, and to say that it
 * is not done. */
enum { ASK_COST = 10000, ASK_COST_AGAIN = 1000 };

bool
linger_ask(OpObject *op)
{
    ModuleState *state = op->state;
    unsigned *in_vain = &state->asked_in_vain;
    long long now = sys_clock();
    if (op->asks && now - op->asked_at > ASK_NS) {
        ++*in_vain;
        linger_ask_no_more(op);
        return false;
    }
    if (op->asks) {
        state->cost += ASK_COST_AGAIN;
        return true;
    }
    if (state->asking >= ASK_MOST && now - state->asked_last > ASK_STALE) {
        state->asking = 0; /* these are not run any more */
        state->ask_epoch++;
    }
    if (pool_processors(state->pool) < 2 || state->asking >= ASK_MOST
        || (*in_vain >= ASK_TRIES && ++*in_vain % ASK_TRIES != 0)) {
        return false;
    }
    op->asks = true;
    op->ask_epoch = state->ask_epoch;
    op->asked_at = state->asked_last = now;
    state->asking++;
    state->cost += ASK_COST;
    return true;
}
