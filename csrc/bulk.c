/* bulk.c - reads of much, one after the other.
 *
 * Loop threads, with the GIL.  Were ten files read whole by turns, all ten
 * would hold their memory until the last turns: memory that is fresh, which
 * costs more than what is copied there, where a program that reads one after
 * the other has the same again for each.  So while one operation is in the
 * middle of its read others wait in a line; but only
 *
 * - behind those of about the same size, so that none waits for much longer
 *   than it would take if all were read by turns: each size has its line;
 * - for some time, since the one before may be awaited in another loop, late,
 *   or never;
 * - for what is cached, since a disk serves many at once.
 *
 * To wait gains time and is never needed: who cannot, begins.
 */
#include "bulk.h"

#include "file.h"
#include "loop.h"

enum {
    BULK_MOST = 20000000, /* ns for which one operation keeps others waiting */
    BULK_LOOK = 10000000, /* ns after which a loop of theirs looks at that */
    BULK_LEAST = 19, /* log2 of the bytes that the first line ends with; */
    BULK_STEP = 2    /* those of each other are four times as many */
};

static struct bulk_line *
bulk_line_of(OpObject *op)
{
    return &op->state->bulk_lines[op->bulk_line];
}

static unsigned char
bulk_line_for(size_t size)
{
    unsigned char i = 0;
    for (size >>= BULK_LEAST; size > 0 && i < BULK_LINES - 1;
         size >>= BULK_STEP) {
        i++;
    }
    return i;
}

static void
line_append(struct bulk_line *line, OpObject *op)
{
    op->bulk = BULK_WAITS;
    op->bulk_next = NULL;
    if (line->first == NULL) {
        line->first = op;
    }
    else {
        line->last->bulk_next = op;
    }
    line->last = op;
}

static void
line_remove(struct bulk_line *line, OpObject *op)
{
    OpObject *before = NULL;
    for (OpObject *at = line->first; at != op; at = at->bulk_next) {
        before = at;
    }
    if (before == NULL) {
        line->first = op->bulk_next;
    }
    else {
        before->bulk_next = op->bulk_next;
    }
    if (line->last == op) {
        line->last = before;
    }
}

static void
line_take(struct bulk_line *line, OpObject *op, long long now)
{
    line->owner = op;
    line->since = now;
}

static bool
line_is_free(const struct bulk_line *line, long long now)
{
    return line->owner == NULL || now - line->since >= BULK_MOST;
}

/* The first in the line may begin. */
static void
line_call_first(struct bulk_line *line, bool is_owner)
{
    OpObject *op = line->first;
    Py_INCREF(op);
    line_remove(line, op);
    op->bulk = BULK_CALLED;
    if (is_owner) {
        line_take(line, op, sys_clock());
    }
    (void)op_try_wake(op); /* or bulk_look() does, if others wait for it */
    Py_DECREF(op);
}

/* The first in the line has its turn; those of loops that are stopped have it
 * too, whenever they go on, but nobody waits for them. */
static void
line_hand_on(struct bulk_line *line)
{
    if (line->hands_on) {
        return; /* to wake one may run any code */
    }
    line->hands_on = true;
    line->owner = NULL;
    while (line->owner == NULL && line->first != NULL) {
        OpObject *op = line->first;
        Py_INCREF(op);
        PyObject *loop = Py_XNewRef(op->loop);
        bool turns = loop == NULL || loop_turns(op->state, loop);
        if (line->first == op) {
            line_call_first(line, turns);
        }
        Py_XDECREF(loop);
        Py_DECREF(op);
    }
    line->hands_on = false;
}

/* Bytes that a read of size bytes is going to give; 0: none that are known. */
static size_t
bulk_size(const FileObject *file, size_t size)
{
    off_t left = file->extent - file->raw;
    return left <= 0 ? 0 : (size_t)left < size ? (size_t)left : size;
}

/* Whether the last of them is at hand. */
static bool
bulk_is_cached(OpObject *op, size_t size)
{
    char last;
    off_t end = op->file->raw + (off_t)size;
    return file_read_inline(op, &last, 1, end - 1) == 1;
}

/* Have the running loop, NULL with an exception where there is none, look later:
 * 1, or 0 where it cannot; -1 with an exception. */
static int
bulk_look_later(ModuleState *state, PyObject *loop)
{
    int rc = loop == NULL ? -1 : loop_look_later(state, loop, BULK_LOOK);
    if (rc < 0 && PyErr_ExceptionMatches(PyExc_Exception)) {
        PyErr_Clear();
        rc = 0;
    }
    return rc;
}

/* It begins, or waits: 0, or -1 with an exception. */
static int
bulk_join(OpObject *op, size_t size)
{
    op->bulk_line = bulk_line_for(size);
    struct bulk_line *line = bulk_line_of(op);
    long long now = sys_clock();
    if (line->first == NULL && line_is_free(line, now)) {
        line_take(line, op, now);
        op->bulk = BULK_BEGUN;
        return 0;
    }
    PyObject *loop = loop_running(op->state);
    int rc = bulk_look_later(op->state, loop);
    Py_XDECREF(loop);
    if (rc <= 0) {
        op->bulk = rc < 0 ? BULK_NONE : BULK_BEGUN;
        return rc;
    }
    line_append(line, op);
    if (line_is_free(line, now)) {
        line_hand_on(line);
    }
    return 0;
}

enum step
bulk_begin(OpObject *op, size_t size)
{
    if (op->bulk == BULK_NONE) {
        size = bulk_size(op->file, size);
        if (size == 0 || !bulk_is_cached(op, size)) {
            return STEP_DONE;
        }
        if (bulk_join(op, size) < 0) {
            return STEP_ERROR;
        }
    }
    if (op->bulk == BULK_WAITS) {
        return STEP_BLOCK;
    }
    op->bulk = BULK_BEGUN;
    return STEP_DONE;
}

void
bulk_leave(OpObject *op)
{
    struct bulk_line *line = bulk_line_of(op);
    if (op->bulk == BULK_WAITS) {
        line_remove(line, op);
    }
    op->bulk = BULK_NONE;
    if (line->owner == op) {
        line->owner = NULL;
        line_hand_on(line);
    }
}

/* Whether operations of a loop wait for a turn that others have, or that they
 * could not be told of. */
static bool
line_is_waited_in(const struct bulk_line *line, const PyObject *loop)
{
    const OpObject *op = line->owner;
    if (op != NULL && op->bulk == BULK_CALLED && op->loop == loop) {
        return true;
    }
    for (op = line->first; op != NULL && op->loop != loop;
         op = op->bulk_next) {
    }
    return op != NULL;
}

PyObject *
bulk_look(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    ModuleState *state = state_of(module);
    PyObject *loop = loop_running(state);
    if (loop == NULL) {
        return NULL;
    }
    loop_has_looked(state, loop);
    bool again = false;
    long long now = sys_clock();
    for (int i = 0; i < BULK_LINES; i++) {
        struct bulk_line *line = &state->bulk_lines[i];
        OpObject *owner = line->owner;
        if (owner != NULL && owner->bulk == BULK_CALLED) {
            Py_INCREF(owner);
            (void)op_try_wake(owner);
            Py_DECREF(owner);
        }
        if (line_is_free(line, now)) {
            line_hand_on(line);
        }
        again = again || line_is_waited_in(line, loop);
    }
    int rc = again ? bulk_look_later(state, loop) : 1;
    Py_DECREF(loop);
    for (int i = 0; i < BULK_LINES && rc <= 0; i++) {
        while (state->bulk_lines[i].first != NULL) { /* nobody would look */
            line_call_first(&state->bulk_lines[i], false);
        }
    }
    return rc < 0 ? NULL : Py_NewRef(Py_None);
}

void
bulk_after_fork(ModuleState *state)
{
    for (int i = 0; i < BULK_LINES; i++) {
        struct bulk_line *line = &state->bulk_lines[i];
        for (OpObject *op = line->first; op != NULL; op = op->bulk_next) {
            op->bulk = BULK_NONE; /* it asks anew, should it go on here */
        }
        *line = (struct bulk_line){0};
    }
}
