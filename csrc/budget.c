/* budget.c - how long operations that are done at once keep the loop.
 *
 * Loop threads, with the GIL.  Their work is estimated; when that comes to
 * some microseconds the clock is asked, and when that says that the time of a
 * turn is over, whether anything waits for the loop.  If so, or if that has not
 * been so for long, the operation gives way: the loop turns once.
 */
#include "budget.h"

#include "ready.h"

/* Estimated ns of work between two looks at the clock, at the most; ns for all
 * the operations of one turn of the loop, and the least of them for one; and
 * ns after which the loop turns though nothing is known to wait for it.  (Other
 * threads wait for the GIL, which it lets go of.) */
enum {
    BUDGET_CHECK = 20000,
    BUDGET_TURN = 200000,
    BUDGET_LEAST = 5000,
    BUDGET_MOST = 1000000
};

/* ns after which a turn has no time left for a hungry operation that it has
 * not passed over before; and ns that each of the others takes to be passed
 * over, which is to be no more than is left for work. */
enum { BUDGET_PASS = 150000, PASS_COST = 2000 };

/* ---- whether the loop is wanted ---- */

/* Callbacks that are to run in its next turn. */
static bool
loop_has_callbacks(ModuleState *state, PyObject *loop)
{
    PyObject *ready = PyObject_GetAttr(loop, state->str_ready);
    bool known = ready != NULL && (PyObject *)Py_TYPE(ready) == state->deque;
    Py_ssize_t n = known ? PyObject_Size(ready) : -1;
    Py_XDECREF(ready);
    return n != 0;
}

/* A timer that has run out: the first of the heap runs out first.  Where
 * time.monotonic() stands still while the machine sleeps, it is said too soon. */
static bool
loop_has_timers(ModuleState *state, PyObject *loop, long long now)
{
    bool due = true;
    PyObject *timers = PyObject_GetAttr(loop, state->str_scheduled);
    if (timers != NULL && PyList_CheckExact(timers)) {
        due = PyList_GET_SIZE(timers) > 0;
    }
    PyObject *when = NULL;
    if (timers != NULL && due) {
        when = PyObject_GetAttr(PyList_GET_ITEM(timers, 0), state->str_when);
    }
    if (when != NULL && PyFloat_CheckExact(when)) {
        due = PyFloat_AS_DOUBLE(when) * 1e9 <= (double)now;
    }
    Py_XDECREF(when);
    Py_XDECREF(timers);
    return due;
}

/* Descriptors that are ready, among them the pipe by which threads and signals
 * wake it: the descriptor of epoll or kqueue is readable then. */
static bool
loop_has_events(ModuleState *state, PyObject *loop)
{
    PyObject *poller = NULL, *number = NULL;
    PyObject *selector = PyObject_GetAttr(loop, state->str_selector);
    if (selector != NULL
        && Py_TYPE(selector)->tp_getattro == PyObject_GenericGetAttr) {
        poller = PyObject_GetAttr(selector, state->str_selector);
    }
    if (poller != NULL && (PyObject *)Py_TYPE(poller) == state->poller) {
        number = PyObject_CallMethodNoArgs(poller, state->str_fileno);
    }
    long fd = number == NULL ? -1 : PyLong_AsLong(number);
    Py_XDECREF(number);
    Py_XDECREF(poller);
    Py_XDECREF(selector);
    return fd < 0 || ready_now((int)fd, false);
}

/* Whether anything waits for the running loop to turn.  asyncio's own loop is
 * asked for what it would look at itself; of another, be it derived from that
 * one, nothing is known.  A step may be under way, so no Python code runs and
 * nothing is made that could start the collector. */
static bool
loop_is_wanted(ModuleState *state, long long now)
{
    PyObject *loop = PyObject_CallNoArgs(state->get_loop);
    bool wanted = loop == NULL
                  || (PyObject *)Py_TYPE(loop) != state->selector_loop
                  || loop_has_callbacks(state, loop)
                  || loop_has_timers(state, loop, now)
                  || loop_has_events(state, loop);
    PyErr_Clear();
    Py_XDECREF(loop);
    return wanted;
}

/* ---- the budget ---- */

static void
budget_begin(ModuleState *state, long long slice, long long now)
{
    state->slice = slice > BUDGET_LEAST ? slice : BUDGET_LEAST;
    state->check = state->slice < BUDGET_CHECK ? (unsigned)state->slice
                                               : BUDGET_CHECK;
    state->slice_start = now;
    state->cost = 0;
}

static bool
budget_spent(ModuleState *state)
{
    long long now = sys_clock();
    state->cost = 0;
    if (now - state->slice_start <= state->slice) {
        return false;
    }
    if (now - state->slice_start > BUDGET_MOST) {
        state->turn_start = now; /* it is long since anything was done here */
    }
    if (now - state->turn_start > BUDGET_MOST || loop_is_wanted(state, now)) {
        return true;
    }
    budget_begin(state, BUDGET_TURN, now);
    return false;
}

bool
op_budget_spent(ModuleState *state)
{
    return state->cost > state->check && budget_spent(state);
}

bool
op_must_yield(OpObject *op)
{
    return op_budget_spent(op->state);
}

void
budget_init(ModuleState *state)
{
    budget_begin(state, BUDGET_TURN, 0);
}

/* Whether this turn of the loop still has time for an operation that gave way,
 * as have so many others.  One that has done so since the turn began is of the
 * next.  None is passed over twice: time may go by for other reasons too. */
static bool
budget_admits(OpObject *op, long long others, long long now)
{
    ModuleState *state = op->state;
    if (op->yielded_at > state->turn_yields) {
        state->turn_yields = state->yields;
        state->turn_start = now;
    }
    long long passing = others * PASS_COST;
    long long limit = passing > BUDGET_PASS ? passing : BUDGET_PASS;
    op->passed = !op->passed && now - state->turn_start > limit;
    return !op->passed;
}

/* Between giving way and going on, each other hungry operation has had its
 * turn: their number divides the time of one turn of the loop. */
bool
budget_resume(OpObject *op)
{
    ModuleState *state = op->state;
    long long others = (long long)(state->yields - op->yielded_at);
    long long now = sys_clock();
    if (!budget_admits(op, others, now)) {
        return false;
    }
    budget_begin(state, BUDGET_TURN / (others + 1), now);
    op->yielded = false;
    return true;
}

void
budget_turn(OpObject *op)
{
    ModuleState *state = op->state;
    if (!op->yielded && state->slice_start < op->asked_at) {
        budget_begin(state, BUDGET_TURN, sys_clock());
    }
}
