/* oplife.c - the awaitable as an object: how it comes to be, what it refers
 * to, and how it ends: kept for the next operation, where nothing hinders.
 *
 * Loop thread, with the GIL; only a destructor may run on another.
 */
#include "op_int.h"

#include "bulk.h"
#include "call.h"

/* A debug build of Python keeps books of the references. */
#ifdef Py_REF_DEBUG
enum { OP_FREE_MAX = 0 };
#else
enum { OP_FREE_MAX = 64 };
#endif

/* ---- the beginning ---- */

OpObject *
op_new_afresh(ModuleState *state)
{
    OpObject *op = PyObject_GC_New(OpObject, state->op_type);
    if (op != NULL) {
        memset((char *)op + sizeof(PyObject), 0,
               sizeof(OpObject) - sizeof(PyObject));
        op->state = state;
        state->users++;
        PyObject_GC_Track(op);
    }
    return op;
}

int
op_set_args(OpObject *op, PyObject *const *args, Py_ssize_t nargs,
            PyObject *kwnames)
{
    op->given = nargs > 0
                || (kwnames != NULL && PyTuple_GET_SIZE(kwnames) > 0);
    if (nargs <= OP_MAX_ARGS) {
        for (Py_ssize_t i = 0; i < nargs; i++) {
            op->arg[i] = Py_NewRef(args[i]);
        }
    }
    else {
        op->rest = PyTuple_New(nargs);
        if (op->rest == NULL) {
            return -1;
        }
        for (Py_ssize_t i = 0; i < nargs; i++) {
            PyTuple_SET_ITEM(op->rest, i, Py_NewRef(args[i]));
        }
    }
    if (kwnames == NULL || PyTuple_GET_SIZE(kwnames) == 0) {
        return 0;
    }
    op->kwargs = PyDict_New();
    if (op->kwargs == NULL) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(kwnames); i++) {
        PyObject *name = PyTuple_GET_ITEM(kwnames, i);
        if (PyDict_SetItem(op->kwargs, name, args[nargs + i]) < 0) {
            return -1;
        }
    }
    return 0;
}

PyObject *
op_args_tuple(OpObject *op)
{
    if (op->rest != NULL) {
        return Py_NewRef(op->rest);
    }
    Py_ssize_t n = 0;
    while (n < OP_MAX_ARGS && op->arg[n] != NULL) {
        n++;
    }
    PyObject *args = PyTuple_New(n);
    for (Py_ssize_t i = 0; args != NULL && i < n; i++) {
        PyTuple_SET_ITEM(args, i, Py_NewRef(op->arg[i]));
    }
    return args;
}

int
op_tp_traverse(PyObject *self, visitproc visit, void *arg)
{
    OpObject *op = (OpObject *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(op->file);
    for (int i = 0; i < OP_MAX_ARGS; i++) {
        Py_VISIT(op->arg[i]);
    }
    Py_VISIT(op->kwargs);
    Py_VISIT(op->rest);
    Py_VISIT(op->acc);
    Py_VISIT(op->sub);
    Py_VISIT(op->waiter);
    Py_VISIT(op->loop);
    Py_VISIT(op->told);
    return 0;
}

void
op_drop_work(OpObject *op)
{
    for (int i = 0; i < OP_MAX_ARGS; i++) {
        Py_CLEAR(op->arg[i]);
    }
    Py_CLEAR(op->kwargs);
    Py_CLEAR(op->rest);
    Py_CLEAR(op->acc);
    if (op->loop != NULL || op->sub != NULL) { /* it has waited */
        Py_CLEAR(op->sub);
        Py_CLEAR(op->waiter);
        Py_CLEAR(op->loop);
    }
}

/* ---- the end ---- */

/* The collector finalizes each object once.  What was garbage to it, and was let
 * go of and kept before its turn came, is of no use to others then. */
static void
op_leave_free_list(OpObject *op)
{
    OpObject **link = &op->state->free_ops;
    while (*link != NULL && *link != op) {
        link = &(*link)->next;
    }
    if (*link == op) {
        *link = op->next;
        op->state->free_op_count--;
        Py_DECREF(op); /* the list's; the collector has its own */
    }
}

void
op_tp_finalize(PyObject *self)
{
    OpObject *op = (OpObject *)self;
    op->finalized = true;
    if (op->status == OP_NEW) {
        op->status = OP_FINISHED;
        op_warn_never_awaited(op);
    }
    else if (op->status == OP_SUSPENDED) {
        struct compat_exc exc;
        compat_exc_take(&exc);
        PyObject *result = op_close(self, NULL);
        if (result == NULL) {
            PyErr_WriteUnraisable(self);
        }
        Py_XDECREF(result);
        compat_exc_restore(&exc);
    }
    else {
        op_leave_free_list(op);
    }
}

int
op_tp_clear(PyObject *self)
{
    op_drop_work((OpObject *)self);
    Py_CLEAR(((OpObject *)self)->told);
    return 0;
}

/* All from ->next on.  In pieces that are a few stores each: as a whole the
 * compiler makes a string instruction of it, which takes as long to begin. */
static inline void
op_make_blank(OpObject *op)
{
    enum { PIECE = 32, SIZE = sizeof(OpObject) - offsetof(OpObject, next) };
    char *from = (char *)op + offsetof(OpObject, next);
    _Static_assert(SIZE > 3 * PIECE && SIZE <= 4 * PIECE, "four pieces");
    memset(from, 0, PIECE);
    memset(from + PIECE, 0, PIECE);
    memset(from + 2 * PIECE, 0, PIECE);
    memset(from + SIZE - PIECE, 0, PIECE);
}

static inline void
op_put_by(ModuleState *state, OpObject *op)
{
    op->next = state->free_ops;
    state->free_ops = op;
    state->free_op_count++;
    op_forget_value(state);
}

/* Whether it goes to the free list as it is, but for its file and argument;
 * what they run finds it there. */
static inline bool
op_keep_blank(OpObject *op)
{
    ModuleState *state = op->state;
    if (!op->blank || state->free_op_count >= OP_FREE_MAX
        || op->weakrefs != NULL || op->told != NULL || op->finalized) {
        return false;
    }
    PyObject *file = (PyObject *)op->file, *arg = op->arg[0];
    op->file = NULL;
    op->arg[0] = NULL;
    op->blank = op->given = false;
    Py_SET_REFCNT(op, 1);
    op_put_by(state, op);
    Py_DECREF(file);
    Py_XDECREF(arg);
    return true;
}

/* op_tp_dealloc() of one that is not blank. */
static AIOF_APART void
op_dealloc(PyObject *self)
{
    OpObject *op = (OpObject *)self;
    PyTypeObject *tp = Py_TYPE(self);
    op->blank = false; /* should it live on, its file is gone */
    if (op->status != OP_FINISHED
        && PyObject_CallFinalizerFromDealloc(self) < 0) {
        return; /* resurrected by a warnings hook */
    }
    ModuleState *state = op->state;
    if (op->weakrefs != NULL) {
        /* Their callbacks: out of the collector's sight. */
        PyObject_GC_UnTrack(self);
        PyObject_ClearWeakRefs(self);
        PyObject_GC_Track(self);
    }
    /* What is cleared may run any code, which may find the operation by the
     * collector: it has to look alive, and may be taken hold of. */
    Py_SET_REFCNT(op, 1);
    if (op->given || op->acc != NULL || op->sub != NULL || op->loop != NULL) {
        op_drop_work(op);
    }
    if (op->told != NULL) {
        Py_CLEAR(op->told);
    }
    if (op->call != NULL) {
        call_abandon(op);
    }
    assert(!op->queued && op->bulk == BULK_NONE); /* nobody refers to it */
    Py_CLEAR(op->file);
    if (Py_REFCNT(op) > 1) {
        op->status = OP_FINISHED;
        Py_DECREF(op);
        return;
    }
    if (state->free_op_count < OP_FREE_MAX && op->weakrefs == NULL
        && !op->finalized) { /* a mark that the collector does not take off */
        assert(op->file == NULL && op->arg[0] == NULL && op->arg[1] == NULL
               && op->arg[2] == NULL && op->kwargs == NULL && op->rest == NULL
               && op->acc == NULL && op->sub == NULL && op->waiter == NULL
               && op->loop == NULL && op->told == NULL && op->call == NULL);
        op_make_blank(op);
        op->status = OP_FINISHED; /* or it would count as never awaited */
        op_put_by(state, op);
        return;
    }
    PyObject_GC_UnTrack(self);
    Py_SET_REFCNT(op, 0);
    if (op->weakrefs != NULL) {
        PyObject_ClearWeakRefs(self);
    }
    PyObject_GC_Del(op);
    op_forget_value(state);
    state_release(state);
    Py_DECREF(tp); /* the reference taken when it was allocated */
}

void
op_tp_dealloc(PyObject *self)
{
    if (!op_keep_blank((OpObject *)self)) {
        op_dealloc(self);
    }
}

int
op_visit_free_list(ModuleState *state, visitproc visit, void *arg)
{
    for (OpObject *op = state->free_ops; op != NULL; op = op->next) {
        Py_VISIT((PyObject *)op);
    }
    return 0;
}

void
op_clear_free_list(ModuleState *state)
{
    state->free_op_count = OP_FREE_MAX; /* takes no more */
    while (state->free_ops != NULL) {
        OpObject *op = state->free_ops;
        state->free_ops = op->next;
        Py_DECREF(op);
    }
}
