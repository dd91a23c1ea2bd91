/* bulk.c - reads of much, one after the other.
 *
 * Loop threads, with the GIL.  Were ten files read whole by turns, all ten
 * would hold their memory until the last turns: memory that is fresh, which
 * costs more than what is copied there, where a program that reads one after
 * the other has the same again for each.  So while one operation is in the
 * middle of its read others wait in a line.  But not for long, since it may be
 * a very large one, or be awaited in another loop, late, or never; and only
 * for what is cached, since a disk serves many at once.
 */
#include "bulk.h"

#include "file.h"
#include "loop.h"
#include "trace.h"

/* ns for which one operation keeps others from their beginning.  One that waits
 * looks whether it still has to after as long for each before it, so that a long
 * line does not look all the time; but for no more than so many. */
enum { BULK_MOST = 20000000, BULK_LOOKS = 50 };

static void
line_append(OpObject *op)
{
    ModuleState *state = op->state;
    if (state->bulk_first == NULL) {
        state->bulk_first = op;
    }
    else {
        state->bulk_last->bulk_next = op;
    }
    state->bulk_last = op;
    op->bulk_next = NULL;
    op->bulk_number = ++state->bulk_numbers;
    op->in_line = true;
}

/* It may not be there: see bulk_after_fork(). */
static void
line_remove(OpObject *op)
{
    ModuleState *state = op->state;
    OpObject *before = NULL, *at = state->bulk_first;
    op->in_line = false;
    while (at != NULL && at != op) {
        before = at;
        at = at->bulk_next;
    }
    if (at == NULL) {
        return;
    }
    if (before == NULL) {
        state->bulk_first = op->bulk_next;
    }
    else {
        before->bulk_next = op->bulk_next;
    }
    if (state->bulk_last == op) {
        state->bulk_last = before;
    }
}

static void
bulk_take(OpObject *op, long long now)
{
    if (op->in_line) {
        line_remove(op);
    }
    op->state->bulk = op;
    op->state->bulk_since = now;
}

/* Whether the last of size bytes, or of as many as are left, is at hand. */
static bool
bulk_is_cached(OpObject *op, size_t size)
{
    char last;
    FileObject *file = op->file;
    off_t left = file->extent - file->raw;
    if (left <= 0 || left > (off_t)size) {
        left = (off_t)size;
    }
    return file_read_inline(op, &last, 1, file->raw + left - 1) == 1;
}

enum step
bulk_begin(OpObject *op, size_t size)
{
    ModuleState *state = op->state;
    if (state->bulk == op || !bulk_is_cached(op, size)) {
        return STEP_DONE;
    }
    long long now = trace_clock();
    if (state->bulk == NULL || now - state->bulk_since >= BULK_MOST) {
        bulk_take(op, now);
        return STEP_DONE;
    }
    if (!op->in_line) {
        line_append(op);
    }
    return STEP_BLOCK;
}

/* How many operations may have their turn before op has. */
static unsigned
bulk_place(const OpObject *op)
{
    const OpObject *first = op->state->bulk_first;
    unsigned before = first == NULL ? 0 : op->bulk_number - first->bulk_number;
    return before < BULK_LOOKS ? before + 1 : BULK_LOOKS;
}

int
bulk_wait(OpObject *op, PyObject *loop, PyObject *future)
{
    ModuleState *state = op->state;
    PyObject *delay = PyFloat_FromDouble(BULK_MOST * 1e-9 * bulk_place(op));
    PyObject *timer = NULL;
    if (delay != NULL) {
        timer = PyObject_CallMethodObjArgs(loop, state->str_call_later, delay,
                                           state->wake, future, NULL);
    }
    Py_XDECREF(delay);
    Py_XDECREF(timer);
    return timer == NULL ? -1 : 0;
}

/* The first in the line has its turn, or, if nobody will go on with that, the
 * next: to wake it finds out, and ends it. */
static void
bulk_hand_on(ModuleState *state)
{
    state->bulk_hands_on = true;
    while (state->bulk == NULL && state->bulk_first != NULL) {
        bulk_take(state->bulk_first, trace_clock());
        op_wake(state->bulk);
    }
    state->bulk_hands_on = false;
}

void
bulk_leave(OpObject *op)
{
    ModuleState *state = op->state;
    if (op->in_line) {
        line_remove(op);
    }
    if (state->bulk == op) {
        state->bulk = NULL;
        if (!state->bulk_hands_on) {
            bulk_hand_on(state);
        }
    }
}

void
bulk_after_fork(ModuleState *state)
{
    state->bulk = state->bulk_first = state->bulk_last = NULL;
    state->bulk_hands_on = false;
}
