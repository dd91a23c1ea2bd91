/* op.h - the awaitable behind every method. */
#ifndef AIOFILES_C_OP_H
#define AIOFILES_C_OP_H

#include "state.h"

struct FileObject;
struct OpObject;
struct call;

/* What a step function says.  BLOCK: a job of the file is under way; call me
 * again when it is finished.  DELEGATE: op->sub is the iterator of another
 * awaitable; its result is mine.  YIELD: let the loop run once, then call me
 * again.  AGAIN: the same, not for want of time: see linger_ask(); of functions
 * that read and that say BLOCK it is not said each time.  ANSWERED: done, and
 * the result is op->acc. */
enum step {
    STEP_DONE,
    STEP_ERROR,
    STEP_BLOCK,
    STEP_DELEGATE,
    STEP_YIELD,
    STEP_AGAIN,
    STEP_ANSWERED
};

typedef enum step (*step_fn)(struct OpObject *op, PyObject **result);

enum {
    OP_HOPS = 1 << 0,   /* always makes a job of its own */
    OP_READS = 1 << 1,  /* does so where nothing is buffered */
    OP_WRITES = 1 << 2, /* adds to what is to be written */
    /* what it waits for of beside.h, but for writes, for which all wait: */
    OP_CHANGES = 1 << 3, /* reads */
    OP_CLOSES = 1 << 4,  /* all */
    OP_PLACED = 1 << 5,  /* nothing that is elsewhere in the file */
    OP_ANSWERS = 1 << 6  /* says what no position matters for: see BAR_SEEK */
};

/* The result of a new operation for which all is at hand, in memory: so that it
 * waits for nothing, and runs no code but ours, and need not be in the queue.
 * NULL, without an exception: the step function has to see. */
typedef PyObject *(*at_hand_fn)(struct OpObject *op);

struct op_kind {
    const char *name;
    step_fn step;
    at_hand_fn at_hand; /* or NULL */
    unsigned flags;
    const char *doc; /* starts with the signature; NULL: not a method */
};

/*  NEW --first step--> RUNNING --BLOCK, YIELD, DELEGATE--> SUSPENDED
 *   |                    | ^----------- send ------------------'
 *   `------ close -------+--> FINISHED                                  */
enum op_state { OP_NEW, OP_RUNNING, OP_SUSPENDED, OP_FINISHED };

#define OP_MAX_ARGS 3

typedef struct OpObject {
    PyObject_HEAD
    /* owned, in the order of op_tp_traverse */
    struct FileObject *file;
    PyObject *arg[OP_MAX_ARGS]; /* positional; NULL where not given */
    PyObject *kwargs;           /* dict of keyword arguments, or NULL */
    PyObject *rest;     /* tuple of all the arguments where they are more */
    PyObject *acc;      /* the step function's partial result */
    PyObject *sub;      /* iterator that this one waits for, or NULL */
    PyObject *waiter;   /* the future behind sub, where we made it */
    PyObject *loop;     /* the loop of waiter */
    PyObject *told;     /* dict: names that were set, cr_origin; or NULL */
    PyObject *weakrefs; /* the list of weak references, or NULL */

    ModuleState *state; /* one of its users */
    const struct op_kind *kind;
    /* From here on all is zero in a new operation: see op_tp_dealloc. */
    struct OpObject *next; /* borrowed: the file's queue, or the free list */
    struct OpObject *bulk_next; /* borrowed: the line of bulk.c */
    struct call *call;          /* owned; a job of its own: call.h */
    long long started;          /* ns; 0: nobody is told of it, see trace.c */
    unsigned long long yielded_at; /* state->yields then */
    long long asked_at;            /* ns: see linger_ask() */
    Py_ssize_t n;                  /* the step function's own */
    Py_ssize_t got;                /* the step function's own */
    Py_ssize_t taken;              /* the step function's own */
    Py_ssize_t sum;                /* the step function's own */
    Py_ssize_t left;        /* bytes to the end of the file: see file_left */
    unsigned forks;         /* state->forks when it was queued */
    unsigned ask_epoch;     /* state->ask_epoch when it began to ask */
    unsigned char status;   /* enum op_state */
    unsigned char phase;    /* the step function's own; 0 at the start */
    unsigned char route;    /* enum route: the slowest so far */
    unsigned char lingered; /* see linger.c: turns since it began to, */
    unsigned char lingers_for; /* and the enum job_kind of its job */
    unsigned char bulk;        /* enum bulk */
    unsigned char bulk_line;   /* of those of bulk.c */
    bool given;                /* the call had arguments: arg, kwargs, rest */
    bool blank;   /* of all this only given and status were touched */
    bool queued;  /* in the file's queue */
    bool held_up; /* its turn, but it waits for jobs beside the queue */
    bool filling; /* the job under way is this operation's read */
    bool asks;    /* see linger_ask() */
    bool hopped;  /* a job was made */
    bool yielded; /* gave way since the last step */
    bool passed;  /* the last turn had no time for it: see budget.c */
    bool ended;   /* a text operation is at the end of the file */
    bool saw_end; /* a job of this operation has met the end of the file */
    bool keeps;   /* what it reads stays in the buffer until it is done */
    /* it has gone past the buffer of exact.c, which held sum bytes then */
    bool synced;
    bool sized;       /* left is known */
    bool would_block; /* a descriptor that is non-blocking had nothing */
    bool finalized;   /* the collector, or the end, has finalized it */
    bool resumes;     /* what sub gives is for the step function */
} OpObject;

int op_init(PyObject *module, ModuleState *state);

OpObject *op_new_afresh(ModuleState *state);

/* A new operation; one without a file has no queue to wait in, and its job is
 * its own.  NULL with MemoryError.  Operations that are over are kept, each
 * with one reference, the list's, and still tracked: to hand one out again
 * costs next to nothing, and is written here since every call of a method
 * does it. */
static inline OpObject *
op_new(ModuleState *state, const struct op_kind *kind, PyObject *file)
{
    OpObject *op = state->free_ops;
    if (op != NULL) {
        state->free_ops = op->next;
        state->free_op_count--;
        op->next = NULL;
        op->status = OP_NEW;
    }
    else {
        op = op_new_afresh(state);
        if (op == NULL) {
            return NULL;
        }
    }
    op->kind = kind;
    if (file != NULL) {
        op->file = (struct FileObject *)compat_new_ref(file);
    }
    return op;
}

/* Note the frames that have led here; 0 or -1. */
int op_note_origin_of(OpObject *op, int depth);

/* The same, where sys.set_coroutine_origin_tracking_depth() asks for it. */
static inline int
op_note_origin(OpObject *op)
{
    int depth = compat_origin_depth();
    return depth > 0 ? op_note_origin_of(op, depth) : 0;
}

/* Keep a call's arguments in op; 0 or -1. */
int op_set_args(OpObject *op, PyObject *const *args, Py_ssize_t nargs,
                PyObject *kwnames);

/* All the arguments as they were given, for another callable: a new tuple. */
PyObject *op_args_tuple(OpObject *op);

/* Wait for coroutine (steals; NULL passes an error on): STEP_DELEGATE or
 * STEP_ERROR. */
enum step op_delegate(OpObject *op, PyObject *coroutine);

/* The same, but its result comes to op->acc and the step is called again. */
enum step op_delegate_then(OpObject *op, PyObject *coroutine);

/* A read that waits begins anew when it is called again: it has taken
 * nothing.  Others are left alone. */
void op_restart(OpObject *op);

/* Let the next operation of the file go on while this one does. */
void op_leave_queue(OpObject *op);

/* The operation at the head of a file's queue may go on; it ends if nobody can
 * be told. */
void op_wake(OpObject *op);

/* Whether who waits for op, which the caller holds, could be told to go on with
 * it; nobody is if it does not wait by a future. */
bool op_try_wake(OpObject *op);

/* Whether a step in the middle of much work has to return STEP_YIELD. */
bool op_must_yield(OpObject *op);

/* The same question for work done without an operation; one that is made for
 * the answer yields at once. */
bool op_budget_spent(ModuleState *state);

/* Count inline work against the budget. */
static inline void
op_charge(OpObject *op, size_t bytes)
{
    op->state->cost += 60u + (unsigned)(bytes >> 4);
}

static inline void
op_raise_route(OpObject *op, enum route route)
{
    if (op->route < route) {
        op->route = (unsigned char)route;
    }
}

/* The operations kept for another use: the module's part in collecting. */
int op_visit_free_list(ModuleState *state, visitproc visit, void *arg);
void op_clear_free_list(ModuleState *state);

#endif
