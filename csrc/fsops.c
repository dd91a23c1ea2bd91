/* fsops.c - the functions of os and os.path, as _core gives them to Python.
 *
 * Loop thread, with the GIL.  A function here is called in the first step of
 * a coroutine, and gives the answer itself where the kernel has it at once,
 * an Operation to be awaited where it has not, or NotImplemented where the
 * real function has to be asked.
 */
#include "fsops.h"

#include <fcntl.h>

#include "function.h"
#include "loop.h"
#include "op_int.h"
#include "trace.h"

/* ns that an answer at once is estimated to cost. */
enum { COST_AT_ONCE = 1500 };

/* Phases of the operation. */
enum { PHASE_ASK, PHASE_SUBMIT, PHASE_GIVE_WAY, PHASE_RETRY, PHASE_WAIT };

/* Read what a call is to do: as fs_parse; unless it is 1 the call is empty. */
static int
fs_begin(const ModuleState *state, const struct fs_op *what, struct call *call,
         PyObject *const *args, Py_ssize_t nargs)
{
    memset(call, 0, offsetof(struct call, fs.st));
    memset(&call->given, 0, sizeof(*call) - offsetof(struct call, given));
    call->fs.call = what->call;
    call->fs.devices = state->devices;
    call->fs.path[0].dir = call->fs.path[1].dir = AT_FDCWD;
    bool made = what->answer == ANSWER_STAT || what->answer == ANSWER_VFS;
    int rc = fs_parse(what, call, args, nargs);
    if (rc > 0 && fs_audit(what, call) < 0) {
        rc = -1;
    }
    if (rc > 0 && made && !state->has_stat) {
        rc = 0;
    }
    if (rc <= 0) {
        call_clear(call);
    }
    return rc;
}

static enum step
fs_answer(OpObject *op, PyObject **result)
{
    const struct fs_op *what = (const struct fs_op *)op->kind;
    enum step step;
    if (what->answer >= ANSWER_LIST) {
        step = fs_result_list(op, what, result);
        if (step == STEP_YIELD) {
            return step;
        }
    }
    else {
        *result = fs_result(op->state, what, op->call);
        step = *result == NULL ? STEP_ERROR : STEP_DONE;
    }
    call_abandon(op);
    return step;
}

/* The first step of an operation that a function has made: see function.c. */
static enum step
fs_step_ask(OpObject *op, PyObject **result)
{
    const struct fs_op *what = (const struct fs_op *)op->kind;
    ModuleState *state = op->state;
    const struct function *function = (const struct function *)
                                          op->arg[FUNCTION_SELF];
    struct call call;
    int rc = fs_begin(state, what, &call, &op->arg[FUNCTION_ARGS],
                      function->required);
    if (rc < 0) {
        op->started = 0; /* it has not begun */
        return STEP_ERROR;
    }
    if (rc == 0) {
        return op_delegate(op, function_call_declared(op));
    }
    /* They are the call's now, but for the name that is told. */
    Py_XSETREF(op->arg[FUNCTION_ARGS],
               op->started != 0 ? Py_XNewRef(call.given[0]) : NULL);
    Py_CLEAR(op->arg[FUNCTION_ARGS + 1]);
    if (!state->inline_io || !fs_try_inline(&call.fs)) {
        if (call_move(&call, op) < 0) {
            call_clear(&call);
            return STEP_ERROR;
        }
        op->phase = PHASE_WAIT;
        return call_submit(op);
    }
    op_raise_route(op, ROUTE_KERNEL);
    state->cost += COST_AT_ONCE;
    *result = fs_result(state, what, &call);
    call_clear(&call);
    return *result == NULL ? STEP_ERROR : STEP_DONE;
}

enum step
fs_step(OpObject *op, PyObject **result)
{
    switch (op->phase) {
    case PHASE_ASK:
        return fs_step_ask(op, result);
    case PHASE_GIVE_WAY:
        op->phase = PHASE_RETRY;
        return STEP_YIELD;
    case PHASE_RETRY:
        if (fs_try_inline(&op->call->fs)) {
            op_raise_route(op, ROUTE_KERNEL);
            op->state->cost += COST_AT_ONCE;
            return fs_answer(op, result);
        }
        /* fall through */
    case PHASE_SUBMIT:
        op->phase = PHASE_WAIT;
        return call_submit(op);
    default:
        break;
    }
    if (op->call->busy) {
        return STEP_BLOCK;
    }
    if (op->call->fs.again) {
        return call_submit(op);
    }
    enum step step = op->call->fs.copy != NULL ? copying_go_on(op) : STEP_DONE;
    return step == STEP_DONE ? fs_answer(op, result) : step;
}

/* An operation for what is not answered yet; the call is its own. */
static PyObject *
fs_operation(ModuleState *state, const struct fs_op *what, struct call *call,
             bool give_way)
{
    OpObject *op = op_new(state, &what->kind, NULL);
    if (op == NULL) {
        call_clear(call);
        return NULL;
    }
    if (call_move(call, op) < 0) {
        call_clear(call);
        op_abandon(op); /* nobody could have awaited it */
        Py_DECREF(op);
        return NULL;
    }
    op->phase = give_way ? PHASE_GIVE_WAY : PHASE_SUBMIT;
    return (PyObject *)op;
}

PyObject *
fs_ask(PyObject *module, const struct fs_op *what, PyObject *const *args,
       Py_ssize_t nargs)
{
    ModuleState *state = state_of(module);
    struct call call;
    int rc = fs_begin(state, what, &call, args, nargs);
    if (rc <= 0) {
        return rc < 0 ? NULL : Py_NewRef(Py_NotImplemented);
    }
    bool give_way = state->inline_io && op_budget_spent(state);
    long long started = state->trace == NULL ? 0 : sys_clock();
    if (give_way || !state->inline_io || !fs_try_inline(&call.fs)) {
        return fs_operation(state, what, &call, give_way);
    }
    PyObject *result = fs_result(state, what, &call);
    state->cost += COST_AT_ONCE;
    state->routes[ROUTE_KERNEL] += result != NULL;
    if (started != 0) {
        trace_tell(state, what->kind.name, call.given[0], ROUTE_KERNEL,
                   started);
    }
    call_clear(&call);
    return result;
}

/* clang-format off */
/* A function of _core: its name, arguments, call, answer, and further fields
 * of its struct fs_op. */
#define AIOF_FUNCTION(name, letters, does, gives, ...)                        \
    static const struct fs_op op_##name = {                                   \
        .kind = {#name, fs_step, NULL, OP_HOPS, ""},                          \
        .args = letters,                                                      \
        .call = does,                                                         \
        .answer = gives,                                                      \
        __VA_ARGS__                                                           \
    };                                                                        \
    static PyObject *ask_##name(PyObject *module, PyObject *const *args,      \
                                Py_ssize_t nargs)                             \
    {                                                                         \
        return fs_ask(module, &op_##name, args, nargs);                       \
    }

#define AIOF_ENTRY(prefix, name)                                              \
    {prefix #name, AIOF_METHOD(ask_##name), METH_FASTCALL, NULL}

AIOF_FUNCTION(stat, "Pdf", FS_STAT, ANSWER_STAT, .event = EVENT_NONE)
AIOF_FUNCTION(lstat, "pd", FS_STAT, ANSWER_STAT, .nofollow = true)
AIOF_FUNCTION(fstat, "i", FS_STAT, ANSWER_STAT, .nameless = true)
AIOF_FUNCTION(statvfs, "P", FS_STATVFS, ANSWER_VFS, .event = EVENT_NONE)
AIOF_FUNCTION(access, "pmdEf", FS_ACCESS, ANSWER_YES, .event = EVENT_NONE)
AIOF_FUNCTION(rename, "ppdd", FS_RENAME, ANSWER_NONE, .event = EVENT_RENAME)
AIOF_FUNCTION(replace, "ppdd", FS_RENAME, ANSWER_NONE, .event = EVENT_RENAME)
AIOF_FUNCTION(remove, "pd", FS_UNLINK, ANSWER_NONE, .event = EVENT_REMOVE)
AIOF_FUNCTION(unlink, "pd", FS_UNLINK, ANSWER_NONE, .event = EVENT_REMOVE)
AIOF_FUNCTION(rmdir, "pd", FS_RMDIR, ANSWER_NONE, .event = EVENT_RMDIR)
AIOF_FUNCTION(mkdir, "pmd", FS_MKDIR, ANSWER_NONE, .event = EVENT_MKDIR)
AIOF_FUNCTION(link, "ppddf", FS_LINK, ANSWER_NONE, .event = EVENT_LINK)
AIOF_FUNCTION(linkat, "ppddf", FS_LINKAT, ANSWER_NONE, .event = EVENT_LINK)
AIOF_FUNCTION(symlink, "ppe", FS_SYMLINK, ANSWER_NONE, .event = EVENT_SYMLINK)
AIOF_FUNCTION(readlink, "pd", FS_READLINK, ANSWER_NAME, .event = EVENT_NONE)
AIOF_FUNCTION(getcwd, "", FS_CWD, ANSWER_NAME, .nameless = true)
AIOF_FUNCTION(getcwdb, "", FS_CWD, ANSWER_BYTES, .nameless = true)
AIOF_FUNCTION(listdir, "D", FS_LIST, ANSWER_LIST, .event = EVENT_LISTDIR)
AIOF_FUNCTION(scandir, "D", FS_LIST, ANSWER_SCAN, .event = EVENT_SCANDIR)
AIOF_FUNCTION(walk, "pf", FS_WALK, ANSWER_WALK, .event = EVENT_SCANDIR)
AIOF_FUNCTION(makedirs, "pmx", FS_MAKEDIRS, ANSWER_NONE, .event = EVENT_MKDIR)
AIOF_FUNCTION(removedirs, "p", FS_REMOVEDIRS, ANSWER_NONE,
              .event = EVENT_RMDIR)
AIOF_FUNCTION(renames, "pp", FS_RENAMES, ANSWER_NONE, .event = EVENT_RENAME)
AIOF_FUNCTION(chmod, "pmdf", FS_CHMOD, ANSWER_NONE, .event = EVENT_CHMOD)
AIOF_FUNCTION(chown, "Pudf", FS_CHOWN, ANSWER_NONE, .event = EVENT_CHOWN)
AIOF_FUNCTION(utime, "ptdf", FS_UTIME, ANSWER_NONE, .event = EVENT_UTIME,
              .nameless = AIOF_UTIME_NAMELESS)
AIOF_FUNCTION(truncate, "Pl", FS_TRUNCATE, ANSWER_NONE,
              .event = EVENT_TRUNCATE)
AIOF_FUNCTION(fsync, "i", FS_FSYNC, ANSWER_NONE, .nameless = true)
AIOF_FUNCTION(fdatasync, "i", FS_FDATASYNC, ANSWER_NONE, .nameless = true)
AIOF_FUNCTION(exists, "P", FS_EXISTS, ANSWER_EXISTS, .event = EVENT_NONE)
AIOF_FUNCTION(isfile, "P", FS_STAT, ANSWER_ISFILE, .event = EVENT_NONE)
AIOF_FUNCTION(isdir, "P", FS_STAT, ANSWER_ISDIR, .event = EVENT_NONE)
AIOF_FUNCTION(islink, "p", FS_STAT, ANSWER_ISLINK, .nofollow = true)
AIOF_FUNCTION(ismount, "p", FS_MOUNT, ANSWER_YES, .event = EVENT_NONE)
AIOF_FUNCTION(getsize, "P", FS_STAT, ANSWER_SIZE, .event = EVENT_NONE)
AIOF_FUNCTION(getatime, "P", FS_STAT, ANSWER_ATIME, .event = EVENT_NONE)
AIOF_FUNCTION(getmtime, "P", FS_STAT, ANSWER_MTIME, .event = EVENT_NONE)
AIOF_FUNCTION(getctime, "P", FS_STAT, ANSWER_CTIME, .event = EVENT_NONE)
AIOF_FUNCTION(samefile, "PP", FS_SAME, ANSWER_SAME, .event = EVENT_NONE)
AIOF_FUNCTION(sameopenfile, "ii", FS_SAME, ANSWER_SAME, .nameless = true)
#if defined(__linux__) && !defined(AIOF_PORTABLE)
AIOF_FUNCTION(sendfile, "iion", FS_SENDFILE, ANSWER_MOVED, .nameless = true)
#else
static PyObject *
ask_sendfile(PyObject *Py_UNUSED(module), PyObject *const *Py_UNUSED(args),
             Py_ssize_t Py_UNUSED(nargs))
{
    Py_RETURN_NOTIMPLEMENTED;
}
#endif

static PyMethodDef fs_functions[] = {
    AIOF_ENTRY("os_", stat),
    AIOF_ENTRY("os_", lstat),
    AIOF_ENTRY("os_", fstat),
    AIOF_ENTRY("os_", statvfs),
    AIOF_ENTRY("os_", access),
    AIOF_ENTRY("os_", rename),
    AIOF_ENTRY("os_", replace),
    AIOF_ENTRY("os_", remove),
    AIOF_ENTRY("os_", unlink),
    AIOF_ENTRY("os_", rmdir),
    AIOF_ENTRY("os_", mkdir),
    AIOF_ENTRY("os_", link),
    AIOF_ENTRY("os_", linkat),
    AIOF_ENTRY("os_", symlink),
    AIOF_ENTRY("os_", readlink),
    AIOF_ENTRY("os_", getcwd),
    AIOF_ENTRY("os_", getcwdb),
    AIOF_ENTRY("os_", listdir),
    AIOF_ENTRY("os_", scandir),
    AIOF_ENTRY("os_", walk),
    AIOF_ENTRY("os_", makedirs),
    AIOF_ENTRY("os_", removedirs),
    AIOF_ENTRY("os_", renames),
    AIOF_ENTRY("os_", sendfile),
    AIOF_ENTRY("os_", chmod),
    AIOF_ENTRY("os_", chown),
    AIOF_ENTRY("os_", utime),
    AIOF_ENTRY("os_", truncate),
    AIOF_ENTRY("os_", fsync),
    AIOF_ENTRY("os_", fdatasync),
    AIOF_ENTRY("path_", exists),
    AIOF_ENTRY("path_", isfile),
    AIOF_ENTRY("path_", isdir),
    AIOF_ENTRY("path_", islink),
    AIOF_ENTRY("path_", ismount),
    AIOF_ENTRY("path_", getsize),
    AIOF_ENTRY("path_", getatime),
    AIOF_ENTRY("path_", getmtime),
    AIOF_ENTRY("path_", getctime),
    AIOF_ENTRY("path_", samefile),
    AIOF_ENTRY("path_", sameopenfile),
    {NULL, NULL, 0, NULL},
};
/* clang-format on */

const struct fs_op *
fs_find(const char *name)
{
    static const struct fs_op *const all[] = {
        &op_stat,     &op_lstat,    &op_fstat,       &op_access,
        &op_getcwd,   &op_exists,   &op_isfile,      &op_isdir,
        &op_islink,   &op_getsize,  &op_getatime,    &op_getmtime,
        &op_getctime, &op_samefile, &op_sameopenfile};
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        if (strcmp(all[i]->kind.name, name) == 0) {
            return all[i];
        }
    }
    return NULL;
}

int
fs_init(PyObject *module, ModuleState *state)
{
    if (fs_result_init(state) < 0 || scandir_init(module, state) < 0
        || copying_init(module) < 0) {
        return -1;
    }
    return PyModule_AddFunctions(module, fs_functions);
}
