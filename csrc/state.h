/* state.h - the module's state: types, names, pool, counters, budget. */
#ifndef AIOFILES_C_STATE_H
#define AIOFILES_C_STATE_H

#include "compat.h"
#include "device.h"
#include "pool.h"

/* The byte layers that built-in open() can give, and text over the last
 * three.  The first four index ModuleState.classes. */
enum file_class {
    CLASS_RAW,
    CLASS_BUFFERED,
    CLASS_READER,
    CLASS_TEXT,
    CLASS_COUNT
};

/* How an operation was served; the delegate counts itself, in Python. */
enum route { ROUTE_MEMORY, ROUTE_KERNEL, ROUTE_POOL, ROUTE_COUNT };

/* The fields of os.stat_result that its tuple has not, and of
 * os.statvfs_result. */
enum { STAT_EXTRA = 9, VFS_FIELDS = 11 };

struct OpObject;
struct FileObject;
struct PortObject;
struct detached;
struct chunk;

/* Operations that read about as much as each other, borrowed: see bulk.c. */
struct bulk_line {
    struct OpObject *owner; /* in the middle of its read, or NULL, */
    long long since;        /* ns, */
    struct OpObject *first; /* and those that wait, by ->bulk_next */
    struct OpObject *last;
    bool hands_on;
};

enum { BULK_LINES = 6, OPEN_NAMES = 8 };

typedef struct {
    /* owned, in the order of state_traverse */
    PyTypeObject *op_type;
    PyTypeObject *op_iter_type;
    PyTypeObject *method_type;
    PyTypeObject *function_type;
    PyTypeObject *manager_type;
    PyTypeObject *port_type;
    PyTypeObject *watch_type;
    PyTypeObject *scandir_type;
    PyTypeObject *entry_type;
    PyTypeObject *stat_type;                   /* os.stat_result */
    PyTypeObject *vfs_type;                    /* os.statvfs_result */
    PyObject *os_stat;                         /* os.stat */
    PyTypeObject *file_types[CLASS_COUNT + 1]; /* the last: their base */
    PyObject *classes[CLASS_COUNT]; /* Python's subclasses of these */
    PyObject *manager_class;        /* Python's AiofilesContextManager */
    PyObject *minus_one;
    PyObject *open_names[OPEN_NAMES]; /* of arguments of open() */
    PyObject *delegate_open;          /* coroutine function: open by route 4 */
    PyObject *call_opener;     /* coroutine function: run a user's opener */
    PyObject *get_loop;        /* asyncio._get_running_loop */
    PyObject *selector_loop;   /* asyncio.SelectorEventLoop, */
    PyObject *deque;           /* collections.deque */
    PyObject *poller;          /* and select.epoll, or kqueue, or NULL */
    PyObject *io_open;         /* io.open, whatever builtins.open is now */
    PyObject *codecs_lookup;   /* codecs.lookup */
    PyObject *lookup_error;    /* codecs.lookup_error */
    PyObject *unsupported;     /* io.UnsupportedOperation */
    PyObject *newline_decoder; /* io.IncrementalNewlineDecoder */
    PyObject *codecs;          /* dict: encoding -> enum codec, as an int */
    PyObject *error_handlers;  /* dict: names that lookup_error knows */
    PyObject *locale_encoding; /* str for locale_codeset, or NULL */
    PyObject *stop;            /* a StopIteration to use again, or NULL */
    PyObject *wake;            /* _core._wake: settle a future, if pending */
    PyObject *look;            /* _core._look: see bulk.c */
    PyObject *trace; /* who is told of operations, or NULL: trace.c */
    PyObject *str_add_reader;
    PyObject *str_add_writer;
    PyObject *str_call_later;
    PyObject *str_call_soon_threadsafe;
    PyObject *str_close;
    PyObject *str_create_future;
    PyObject *str_done;
    PyObject *str_is_closed;
    PyObject *str_fileno;
    PyObject *str_r;
    PyObject *str_ready;
    PyObject *str_remove_reader;
    PyObject *str_remove_writer;
    PyObject *str_scheduled;
    PyObject *str_selector;
    PyObject *str_set_result;
    PyObject *str_strict;
    PyObject *str_sync_open;
    PyObject *str_thread_id;
    PyObject *str_throw;
    PyObject *str_when;

    struct FileObject *busy_files; /* with a job under way, borrowed */
    struct detached *detached;     /* jobs of files that are gone */
    /* a list by ->next, borrowed: each is owned by the reader table of its
     * loop */
    struct PortObject *ports;
    struct raised *raised;     /* a list by ->next, owned: see raised.c */
    unsigned long main_thread; /* its ident */

    unsigned forks; /* how often this process was forked off another */
    char locale_codeset[64];
    signed char stat_at[STAT_EXTRA]; /* where stat_result has its fields */
    bool has_stat;                   /* and it has no others */
    struct pool *pool;
    struct device_table *devices;

    struct OpObject *lingering;           /* borrowed: see linger.c */
    unsigned linger_refusals;             /* since it has looked */
    unsigned asking;                      /* how many operations do, */
    unsigned ask_epoch;                   /* since this began */
    long long asked_last;                 /* ns: when one began to */
    unsigned asked_in_vain;               /* how often, one after the other */
    unsigned lingered_in_vain[JOB_KINDS]; /* how often, one after the other */

    Py_ssize_t users;          /* the module, and all that points to this */
    struct OpObject *free_ops; /* a list by ->next */
    int free_op_count;
    struct chunk *free_chunks; /* a list by ->next: see writing.c */
    int free_chunk_count;

    bool inline_io;        /* routes 1 and 2 are on (AIOFILES_C_INLINE) */
    bool in_short;         /* and nobody is told: see op_start() */
    bool has_nowait;       /* the kernel has RWF_NOWAIT reads */
    bool can_own;          /* see processor_own() */
    bool full_writes_pass; /* io writes what would just fill its buffer */
    /* io's text keeps what it has decoded when it is written and no chunk was
     * noted for tell() */
    bool text_keeps;
    /* io's text hands on what is pending together with the write that is too
     * much for it */
    bool text_joins;
    bool warn_default_encoding; /* -X warn_default_encoding */
    unsigned long long routes[ROUTE_COUNT];
    long long trace_from; /* ns that an operation takes to be told of */

    /* The fairness budget (design rule R5); loop threads, under the GIL. */
    unsigned cost;                  /* estimated ns of inline work unchecked */
    unsigned check;                 /* cost from which to look at the clock */
    unsigned long long yields;      /* operations that gave way, ever */
    long long slice_start;          /* ns, monotonic */
    long long slice;                /* ns until the loop is asked for */
    unsigned long long turn_yields; /* yields when a turn of the loop began, */
    long long turn_start;           /* and its ns, as far as is known */

    struct bulk_line bulk_lines[BULK_LINES];
} ModuleState;

ModuleState *state_of(PyObject *module); /* borrowed */

/* One that counts among its users lets go of it; the last one frees it. */
void state_release(ModuleState *state);

/* Set what probe.c finds out: 0, or -1 with an exception. */
int probe_init(ModuleState *state);

/* The descriptor of this module, for PyType_GetModuleByDef. */
extern PyModuleDef aiofiles_c_module;

#endif
