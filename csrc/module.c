/* module.c - the module: its state, its functions, its life. */
#include "bulk.h"
#include "file.h"
#include "fsops.h"
#include "function.h"
#include "loop.h"
#include "manager.h"
#include "method.h"
#include "open.h"
#include "processor.h"
#include "stream.h"
#include "survey.h"
#include "trace.h"

ModuleState *
state_of(PyObject *module)
{
    return *(ModuleState **)PyModule_GetState(module);
}

void
state_release(ModuleState *state)
{
    if (--state->users == 0) {
        PyMem_Free(state);
    }
}

/* ---- functions ---- */

/* register(raw, buffered, reader, text, delegate_open, call_opener,
 * manager) */
static PyObject *
core_register(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"raw",           "buffered",    "reader",  "text",
                            "delegate_open", "call_opener", "manager", NULL};
    ModuleState *state = state_of(module);
    PyObject *given[7];
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "$OOOOOOO:register", names,
                                     &given[CLASS_RAW], &given[CLASS_BUFFERED],
                                     &given[CLASS_READER], &given[CLASS_TEXT],
                                     &given[4], &given[5], &given[6])) {
        return NULL;
    }
    for (int i = 0; i < CLASS_COUNT; i++) {
        if (!PyType_Check(given[i])
            || !PyType_IsSubtype((PyTypeObject *)given[i],
                                 state->file_types[i])) {
            PyErr_Format(PyExc_TypeError, "%s has to be a subclass of %s",
                         names[i], state->file_types[i]->tp_name);
            return NULL;
        }
        const struct op_kind *next_line = i == CLASS_TEXT
                                              ? &text_kind_next_line
                                              : &file_kind_next_line;
        PyTypeObject *type = (PyTypeObject *)given[i];
        if (method_shadow_slot(state, type, state->file_types[i], next_line)
            < 0) {
            return NULL;
        }
        Py_XSETREF(state->classes[i], Py_NewRef(given[i]));
    }
    Py_XSETREF(state->delegate_open, Py_NewRef(given[4]));
    Py_XSETREF(state->call_opener, Py_NewRef(given[5]));
    if (manager_register(state, given[6]) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
core_stats(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    ModuleState *state = state_of(module);
    struct pool_stats p;
    pool_get_stats(state->pool, &p);
    return Py_BuildValue(
        "{sK sK sK sI sI sI sI sI sK}", "memory", state->routes[ROUTE_MEMORY],
        "kernel", state->routes[ROUTE_KERNEL], "pool",
        state->routes[ROUTE_POOL], "threads", p.threads, "idle", p.idle,
        "max_threads", p.max_threads, "queued", p.queued, "running", p.running,
        "jobs", p.jobs);
}

static PyObject *
core_set_threads(PyObject *module, PyObject *arg)
{
    long n = PyLong_AsLong(arg);
    if (n == -1 && PyErr_Occurred()) {
        return NULL;
    }
    if (n < 1 || n > 1024) {
        PyErr_SetString(PyExc_ValueError,
                        "the number of threads has to be from 1 to 1024");
        return NULL;
    }
    pool_set_max_threads(state_of(module)->pool, (unsigned)n);
    Py_RETURN_NONE;
}

/* At exit, while Python is still whole. */
static PyObject *
core_shutdown(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    file_shutdown(state_of(module));
    Py_RETURN_NONE;
}

static PyObject *
core_after_fork(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    ModuleState *state = state_of(module);
    pool_after_fork(state->pool);
    loop_after_fork(state);
    bulk_after_fork(state);
    state->forks++;
    state->detached = NULL; /* the parent's */
    Py_RETURN_NONE;
}

#ifdef AIOF_DEBUG
/* _inject(call, skip, count, err, limit): see sys_inject. */
static PyObject *
core_inject(PyObject *Py_UNUSED(module), PyObject *args)
{
    int call, skip, count, err;
    Py_ssize_t limit;
    if (!PyArg_ParseTuple(args, "iiiin:_inject", &call, &skip, &count, &err,
                          &limit)) {
        return NULL;
    }
    if (call < 0 || call >= SYS_CALLS) {
        PyErr_SetString(PyExc_ValueError, "no such call");
        return NULL;
    }
    return PyLong_FromLong(
        sys_inject((enum sys_call)call, skip, count, err, (size_t)limit));
}
#endif

static PyMethodDef core_functions[] = {
    {"open", AIOF_METHOD(core_open), METH_FASTCALL,
     PyDoc_STR("open($module, file, mode, buffering, encoding, errors, "
               "newline, closefd, opener, loop, /)\n--\n\n"
               "The operation that opens a file, or the delegate's.")},
    {"create", AIOF_METHOD(core_create), METH_FASTCALL,
     PyDoc_STR("create($module, classes, path, mode, buffering, encoding, "
               "errors, newline, loop, flags, fate, /)\n--\n\n"
               "The operation that makes a temporary file, or None.")},
    {"register", AIOF_METHOD(core_register), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("Tell the engine its Python classes and helpers.")},
    {"stats", core_stats, METH_NOARGS,
     PyDoc_STR("stats($module, /)\n--\n\nCounts of routes and threads.")},
    {"set_threads", core_set_threads, METH_O,
     PyDoc_STR("set_threads($module, n, /)\n--\n\n"
               "Set the greatest number of worker threads.")},
    {"set_trace", AIOF_METHOD(trace_set), METH_FASTCALL,
     PyDoc_STR("set_trace($module, callback, nanoseconds, /)\n--\n\n"
               "Tell callback of operations that took so long, or more.")},
    {"survey", survey, METH_VARARGS,
     PyDoc_STR("survey($module, folder, file, /)\n--\n\n"
               "What the system allows there; see survey.h.")},
    {"_reclaim", stream_reclaim, METH_O,
     PyDoc_STR("_reclaim($module, file, /)\n--\n\n"
               "The bytes that a cancelled read has left in a raw file.")},
    {"_write_now", stream_write_now, METH_VARARGS,
     PyDoc_STR("_write_now($module, fd, data, /)\n--\n\n"
               "Write as much as there is room for: the number of bytes.")},
    {"_wake", loop_wake_future, METH_O, NULL},
    {"_look", bulk_look, METH_NOARGS, NULL},
    {"_shutdown", core_shutdown, METH_NOARGS, NULL},
    {"_after_fork", core_after_fork, METH_NOARGS, NULL},
#ifdef AIOF_DEBUG
    {"_inject", core_inject, METH_VARARGS, NULL},
#endif
    {NULL, NULL, 0, NULL},
};

/* ---- the state ---- */

/* Import module.name into *slot: 0 or -1. */
static int
import_into(PyObject **slot, const char *module, const char *name)
{
    PyObject *mod = PyImport_ImportModule(module);
    if (mod == NULL) {
        return -1;
    }
    *slot = PyObject_GetAttrString(mod, name);
    Py_DECREF(mod);
    return *slot == NULL ? -1 : 0;
}

static int
state_import(ModuleState *state)
{
    if (import_into(&state->get_loop, "asyncio", "_get_running_loop") < 0
        || import_into(&state->selector_loop, "asyncio", "SelectorEventLoop")
               < 0
        || import_into(&state->deque, "collections", "deque") < 0
        || import_into(&state->io_open, "io", "open") < 0
        || import_into(&state->codecs_lookup, "codecs", "lookup") < 0
        || import_into(&state->lookup_error, "codecs", "lookup_error") < 0
        || import_into(&state->unsupported, "io", "UnsupportedOperation") < 0
        || import_into(&state->newline_decoder, "io",
                       "IncrementalNewlineDecoder")
               < 0) {
        return -1;
    }
    const char *const pollers[] = {"epoll", "kqueue"};
    for (int i = 0; i < 2 && state->poller == NULL; i++) {
        (void)import_into(&state->poller, "select", pollers[i]);
        PyErr_Clear(); /* without, loops are not asked */
    }
    PyObject *flag = NULL;
    if (import_into(&flag, "sys", "flags") < 0) {
        return -1;
    }
    PyObject *warn = PyObject_GetAttrString(flag, "warn_default_encoding");
    Py_DECREF(flag);
    state->warn_default_encoding = warn != NULL && PyObject_IsTrue(warn) > 0;
    Py_XDECREF(warn);
    PyErr_Clear();
    return 0;
}

/* Which thread handlers of signals run in. */
static int
state_main_thread(ModuleState *state)
{
    PyObject *find = NULL, *thread = NULL, *ident = NULL;
    if (import_into(&find, "threading", "main_thread") == 0) {
        thread = PyObject_CallNoArgs(find);
        Py_DECREF(find);
    }
    if (thread != NULL) {
        ident = PyObject_GetAttrString(thread, "ident");
        Py_DECREF(thread);
    }
    if (ident != NULL) {
        state->main_thread = PyLong_AsUnsignedLong(ident);
        Py_DECREF(ident);
    }
    return PyErr_Occurred() ? -1 : 0;
}

static int
state_names(ModuleState *state)
{
    const struct {
        PyObject **slot;
        const char *text;
    } names[] = {
        {&state->str_add_reader, "add_reader"},
        {&state->str_add_writer, "add_writer"},
        {&state->str_call_later, "call_later"},
        {&state->str_call_soon_threadsafe, "call_soon_threadsafe"},
        {&state->str_close, "close"},
        {&state->str_create_future, "create_future"},
        {&state->str_done, "done"},
        {&state->str_is_closed, "is_closed"},
        {&state->str_fileno, "fileno"},
        {&state->str_r, "r"},
        {&state->str_ready, "_ready"},
        {&state->str_remove_reader, "remove_reader"},
        {&state->str_remove_writer, "remove_writer"},
        {&state->str_scheduled, "_scheduled"},
        {&state->str_selector, "_selector"},
        {&state->str_set_result, "set_result"},
        {&state->str_strict, "strict"},
        {&state->str_sync_open, "sync_open"},
        {&state->str_thread_id, "_thread_id"},
        {&state->str_throw, "throw"},
        {&state->str_when, "_when"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        *names[i].slot = PyUnicode_InternFromString(names[i].text);
        if (*names[i].slot == NULL) {
            return -1;
        }
    }
    state->codecs = PyDict_New();
    state->error_handlers = PyDict_New();
    return state->codecs == NULL || state->error_handlers == NULL ? -1 : 0;
}

/* A number from the environment, or fallback. */
static long
env_number(const char *name, long fallback)
{
    const char *text = getenv(name);
    if (text == NULL || *text == '\0') {
        return fallback;
    }
    char *end;
    long n = strtol(text, &end, 10);
    return *end == '\0' ? n : fallback;
}

static int
state_engine(ModuleState *state)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    long most = env_number("AIOFILES_C_THREADS",
                           cpus + 4 < 32 ? cpus + 4 : 32);
    if (most < 1 || most > 1024) {
        PyErr_SetString(PyExc_ValueError,
                        "AIOFILES_C_THREADS has to be from 1 to 1024");
        return -1;
    }
    state->inline_io = env_number("AIOFILES_C_INLINE", 1) != 0;
    state->in_short = state->inline_io;
    state->has_nowait = sys_has_read_nowait();
    state->can_own = processor_can_own();
    state->pool = pool_create((unsigned)most);
    state->devices = device_table_create();
    if (state->pool == NULL || state->devices == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

/* atexit.register(_shutdown), os.register_at_fork(after_in_child=...): both
 * keep the module alive, as they must. */
static int
state_hooks(PyObject *module, ModuleState *state)
{
    int rc = -1;
    PyObject *result = NULL, *hook = NULL, *kwargs = NULL, *empty = NULL;
    PyObject *atexit_register = NULL, *fork_register = NULL;
    state->wake = PyObject_GetAttrString(module, "_wake");
    state->look = PyObject_GetAttrString(module, "_look");
    hook = PyObject_GetAttrString(module, "_shutdown");
    if (state->wake == NULL || state->look == NULL || hook == NULL
        || import_into(&atexit_register, "atexit", "register") < 0
        || import_into(&fork_register, "os", "register_at_fork") < 0) {
        goto done;
    }
    result = PyObject_CallOneArg(atexit_register, hook);
    if (result == NULL) {
        goto done;
    }
    Py_SETREF(hook, PyObject_GetAttrString(module, "_after_fork"));
    empty = PyTuple_New(0);
    kwargs = hook == NULL ? NULL
                          : Py_BuildValue("{sO}", "after_in_child", hook);
    if (empty == NULL || kwargs == NULL) {
        goto done;
    }
    Py_SETREF(result, PyObject_Call(fork_register, empty, kwargs));
    rc = result == NULL ? -1 : 0;
done:
    Py_XDECREF(result);
    Py_XDECREF(hook);
    Py_XDECREF(kwargs);
    Py_XDECREF(empty);
    Py_XDECREF(atexit_register);
    Py_XDECREF(fork_register);
    return rc;
}

#ifdef AIOF_PORTABLE
#define AIOF_IS_PORTABLE 1
#else
#define AIOF_IS_PORTABLE 0
#endif

/* The state is not a part of the module: at exit the collector may let go of
 * this before it comes to objects that point to that. */
static int
module_exec(PyObject *module)
{
    ModuleState *state = PyMem_Calloc(1, sizeof(*state));
    if (state == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    state->users = 1;
    *(ModuleState **)PyModule_GetState(module) = state;
    if (state_import(state) < 0 || state_main_thread(state) < 0
        || state_names(state) < 0 || probe_init(state) < 0
        || state_engine(state) < 0 || op_init(module, state) < 0
        || method_init(module, state) < 0 || loop_init(module, state) < 0
        || stream_init(module, state) < 0 || file_init(module, state) < 0
        || function_init(module, state) < 0 || manager_init(module, state) < 0
        || fs_init(module, state) < 0
        || PyModule_AddIntConstant(module, "PORTABLE", AIOF_IS_PORTABLE) < 0) {
        return -1;
    }
    return state_hooks(module, state);
}

static int
state_traverse(PyObject *module, visitproc visit, void *arg)
{
    ModuleState *state = state_of(module);
    if (state == NULL) {
        return 0;
    }
    Py_VISIT(state->op_type);
    Py_VISIT(state->op_iter_type);
    Py_VISIT(state->method_type);
    Py_VISIT(state->function_type);
    Py_VISIT(state->manager_type);
    Py_VISIT(state->port_type);
    Py_VISIT(state->watch_type);
    Py_VISIT(state->scandir_type);
    Py_VISIT(state->entry_type);
    Py_VISIT(state->stat_type);
    Py_VISIT(state->vfs_type);
    Py_VISIT(state->os_stat);
    for (int i = 0; i <= CLASS_COUNT; i++) {
        Py_VISIT(state->file_types[i]);
    }
    for (int i = 0; i < CLASS_COUNT; i++) {
        Py_VISIT(state->classes[i]);
    }
    Py_VISIT(state->manager_class);
    Py_VISIT(state->minus_one);
    for (int i = 0; i < OPEN_NAMES; i++) {
        Py_VISIT(state->open_names[i]);
    }
    Py_VISIT(state->delegate_open);
    Py_VISIT(state->call_opener);
    Py_VISIT(state->get_loop);
    Py_VISIT(state->selector_loop);
    Py_VISIT(state->deque);
    Py_VISIT(state->poller);
    Py_VISIT(state->io_open);
    Py_VISIT(state->codecs_lookup);
    Py_VISIT(state->lookup_error);
    Py_VISIT(state->unsupported);
    Py_VISIT(state->newline_decoder);
    Py_VISIT(state->codecs);
    Py_VISIT(state->error_handlers);
    Py_VISIT(state->locale_encoding);
    Py_VISIT(state->stop);
    Py_VISIT(state->wake);
    Py_VISIT(state->look);
    Py_VISIT(state->trace);
    return op_visit_free_list(state, visit, arg);
}

static int
state_clear(PyObject *module)
{
    ModuleState *state = state_of(module);
    if (state == NULL) {
        return 0;
    }
    op_clear_free_list(state);
    Py_CLEAR(state->op_type);
    Py_CLEAR(state->op_iter_type);
    Py_CLEAR(state->method_type);
    Py_CLEAR(state->function_type);
    Py_CLEAR(state->manager_type);
    Py_CLEAR(state->port_type);
    Py_CLEAR(state->watch_type);
    Py_CLEAR(state->scandir_type);
    Py_CLEAR(state->entry_type);
    Py_CLEAR(state->stat_type);
    Py_CLEAR(state->vfs_type);
    Py_CLEAR(state->os_stat);
    for (int i = 0; i <= CLASS_COUNT; i++) {
        Py_CLEAR(state->file_types[i]);
    }
    for (int i = 0; i < CLASS_COUNT; i++) {
        Py_CLEAR(state->classes[i]);
    }
    Py_CLEAR(state->manager_class);
    Py_CLEAR(state->minus_one);
    for (int i = 0; i < OPEN_NAMES; i++) {
        Py_CLEAR(state->open_names[i]);
    }
    Py_CLEAR(state->delegate_open);
    Py_CLEAR(state->call_opener);
    Py_CLEAR(state->get_loop);
    Py_CLEAR(state->selector_loop);
    Py_CLEAR(state->deque);
    Py_CLEAR(state->poller);
    Py_CLEAR(state->io_open);
    Py_CLEAR(state->codecs_lookup);
    Py_CLEAR(state->lookup_error);
    Py_CLEAR(state->unsupported);
    Py_CLEAR(state->newline_decoder);
    Py_CLEAR(state->codecs);
    Py_CLEAR(state->error_handlers);
    Py_CLEAR(state->locale_encoding);
    Py_CLEAR(state->stop);
    Py_CLEAR(state->wake);
    Py_CLEAR(state->look);
    Py_CLEAR(state->trace);
    Py_CLEAR(state->str_add_reader);
    Py_CLEAR(state->str_add_writer);
    Py_CLEAR(state->str_call_later);
    Py_CLEAR(state->str_call_soon_threadsafe);
    Py_CLEAR(state->str_close);
    Py_CLEAR(state->str_create_future);
    Py_CLEAR(state->str_done);
    Py_CLEAR(state->str_is_closed);
    Py_CLEAR(state->str_fileno);
    Py_CLEAR(state->str_r);
    Py_CLEAR(state->str_ready);
    Py_CLEAR(state->str_remove_reader);
    Py_CLEAR(state->str_remove_writer);
    Py_CLEAR(state->str_scheduled);
    Py_CLEAR(state->str_selector);
    Py_CLEAR(state->str_set_result);
    Py_CLEAR(state->str_strict);
    Py_CLEAR(state->str_sync_open);
    Py_CLEAR(state->str_thread_id);
    Py_CLEAR(state->str_throw);
    Py_CLEAR(state->str_when);
    return 0;
}

static void
state_free(void *module)
{
    ModuleState *state = state_of(module);
    if (state == NULL) {
        return;
    }
    (void)state_clear(module);
    chunk_clear_free_list(state);
    if (state->pool != NULL) {
        pool_destroy(state->pool);
    }
    /* The table stays: a worker that hangs may yet learn a device. */
    state_release(state);
}

static PyModuleDef_Slot core_slots[] = {
    {Py_mod_exec, (void *)module_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
    {0, NULL},
};

PyModuleDef aiofiles_c_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "aiofiles_c._core",
    .m_doc = "The native engine of aiofiles_c.",
    .m_size = sizeof(ModuleState *),
    .m_methods = core_functions,
    .m_slots = core_slots,
    .m_traverse = state_traverse,
    .m_clear = state_clear,
    .m_free = state_free,
};

PyMODINIT_FUNC PyInit__core(void);

PyMODINIT_FUNC
PyInit__core(void)
{
    return PyModuleDef_Init(&aiofiles_c_module);
}
