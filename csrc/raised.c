/* raised.c - what is raised in a hand-over is the program's, after it.
 *
 * Any thread that has the GIL; runs no Python but to write what is lost.
 */
#include "raised.h"

struct raised {
    struct raised *next;
    struct compat_exc exc;
    unsigned long thread; /* where it was raised */
    ModuleState *state;   /* one of its users */
};

/* Hand-overs under way in this thread. */
static _Thread_local int handing;

/* Set the exception again. */
static void
raised_restore(struct raised *raised)
{
    compat_exc_restore(&raised->exc);
    state_release(raised->state);
    PyMem_Free(raised);
}

static void
raised_push(struct raised *raised)
{
    struct raised **link = &raised->state->raised;
    while (*link != NULL) {
        link = &(*link)->next;
    }
    raised->next = NULL;
    *link = raised;
}

/* The first of this thread's, or of others', off the list; or NULL. */
static struct raised *
raised_pop(ModuleState *state, bool ours)
{
    struct raised **link = &state->raised;
    const unsigned long self = PyThread_get_thread_ident();
    while (*link != NULL && ((*link)->thread == self) != ours) {
        link = &(*link)->next;
    }
    struct raised *first = *link;
    if (first != NULL) {
        *link = first->next;
    }
    return first;
}

void
raised_hold(ModuleState *state)
{
    if (!PyErr_Occurred()) {
        return;
    }
    struct raised *raised = PyMem_Malloc(sizeof(*raised));
    if (raised == NULL) {
        PyErr_WriteUnraisable(NULL);
        return;
    }
    compat_exc_take(&raised->exc);
    raised->thread = PyThread_get_thread_ident();
    raised->state = state;
    state->users++;
    raised_push(raised);
}

/* A pending call of the interpreter: in the main thread, between two steps of
 * its program, which may be in the midst of a hand-over again. */
static int
raised_again(void *arg)
{
    struct raised *raised = arg;
    if (handing > 0) {
        raised_push(raised);
        return 0;
    }
    raised_restore(raised);
    return -1;
}

void
raised_begin(void)
{
    handing++;
}

void
raised_end(ModuleState *state)
{
    struct raised *raised;
    if (--handing > 0) {
        return;
    }
    while ((raised = raised_pop(state, true)) != NULL) {
        if (raised->thread != state->main_thread
            || Py_AddPendingCall(raised_again, raised) < 0) {
            struct compat_exc exc;
            compat_exc_take(&exc);
            raised_restore(raised);
            PyErr_WriteUnraisable(NULL);
            compat_exc_restore(&exc);
        }
    }
}

int
raised_end_here(ModuleState *state)
{
    struct raised *raised = raised_pop(state, true);
    raised_end(state);
    if (raised == NULL) {
        return 0;
    }
    raised_restore(raised);
    return -1;
}

void
raised_after_fork(ModuleState *state)
{
    struct raised *raised;
    state->main_thread = PyThread_get_thread_ident();
    while ((raised = raised_pop(state, false)) != NULL) {
        struct compat_exc exc;
        compat_exc_take(&exc);
        raised_restore(raised);
        PyErr_Clear();
        compat_exc_restore(&exc);
    }
}
