/* raised.c - what is raised in a hand-over is the program's, after it.
 *
 * Any thread that has the GIL.
 */
#include "raised.h"

struct raised {
    struct raised *next;
    struct compat_exc exc;
    unsigned long thread;
    bool in_main;       /* that is the main thread */
    ModuleState *state; /* one of its users */
};

static void
raised_drop(struct raised *raised)
{
    state_release(raised->state);
    PyMem_Free(raised);
}

/* Set the exception again. */
static void
raised_restore(struct raised *raised)
{
    compat_exc_restore(&raised->exc);
    raised_drop(raised);
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

/* The first, or the first of this thread's, off the list; or NULL. */
static struct raised *
raised_pop(ModuleState *state, bool of_thread)
{
    struct raised **link = &state->raised;
    const unsigned long self = PyThread_get_thread_ident();
    while (*link != NULL && of_thread && (*link)->thread != self) {
        link = &(*link)->next;
    }
    struct raised *first = *link;
    if (first != NULL) {
        *link = first->next;
    }
    return first;
}

/* What is set, not on the list yet; or NULL, and it is written. */
static struct raised *
raised_take(ModuleState *state)
{
    struct raised *raised = PyMem_Malloc(sizeof(*raised));
    if (raised == NULL) {
        PyErr_WriteUnraisable(NULL);
        return NULL;
    }
    compat_exc_take(&raised->exc);
    raised->thread = PyThread_get_thread_ident();
    raised->state = state;
    state->users++;
    return raised;
}

/* Whether this is the main thread.  In that one handlers may run meanwhile: what
 * they raise is set then. */
static bool
is_main_thread(ModuleState *state)
{
    unsigned long main = 0;
    PyObject *ident = NULL, *thread = PyObject_CallNoArgs(state->main_thread);
    if (thread != NULL) {
        ident = PyObject_GetAttr(thread, state->str_ident);
        Py_DECREF(thread);
    }
    if (ident != NULL) {
        main = PyLong_AsUnsignedLong(ident);
        Py_DECREF(ident);
    }
    return PyErr_Occurred() || main == PyThread_get_thread_ident();
}

void
raised_hold(ModuleState *state)
{
    struct raised *raised = PyErr_Occurred() ? raised_take(state) : NULL;
    if (raised == NULL) {
        return;
    }
    raised->in_main = is_main_thread(state);
    raised_push(raised);
    raised = PyErr_Occurred() ? raised_take(state) : NULL;
    if (raised != NULL) {
        raised->in_main = true;
        raised_push(raised);
    }
}

/* A pending call of the interpreter: in the main thread, between two steps of
 * its program, which may be in the midst of a hand-over again. */
static int
raised_again(void *arg)
{
    struct raised *raised = arg;
    if (raised->state->handing > 0) {
        raised_push(raised);
        return 0;
    }
    raised_restore(raised);
    return -1;
}

void
raised_begin(ModuleState *state)
{
    state->handing++;
}

void
raised_end(ModuleState *state)
{
    struct raised *raised;
    state->handing -= state->handing > 0; /* see raised_after_fork() */
    if (state->handing > 0) {
        return;
    }
    while ((raised = raised_pop(state, false)) != NULL) {
        if (!raised->in_main || Py_AddPendingCall(raised_again, raised) < 0) {
            struct compat_exc exc;
            compat_exc_take(&exc);
            raised_restore(raised);
            PyErr_WriteUnraisable(NULL);
            compat_exc_restore(&exc);
        }
    }
}

void
raised_after_fork(ModuleState *state)
{
    state->handing = 0;
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
