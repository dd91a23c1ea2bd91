/* fsargs.c - the arguments of the functions of os, and their events.
 *
 * Loop thread, with the GIL.  What is plainly valid is read here; whatever
 * else - another type, a number out of range, a NUL in a name, a combination
 * that os refuses - the real function is asked about, which raises the error
 * in its own words or knows how to do it.
 */
#include "fsops.h"

#include <fcntl.h>
#include <sys/stat.h>

/* ---- arguments: 1, 0 or -1, as fs_parse ---- */

/* An error that comes again from the real function is not ours to raise. */
static int
parse_refused(void)
{
    if (PyErr_ExceptionMatches(PyExc_TypeError)
        || PyErr_ExceptionMatches(PyExc_ValueError)) {
        PyErr_Clear();
        return 0;
    }
    return -1;
}

static int
parse_long(PyObject *arg, long least, long most, long *n)
{
    int overflow;
    if (!PyLong_CheckExact(arg)) {
        return 0;
    }
    *n = PyLong_AsLongAndOverflow(arg, &overflow);
    return overflow == 0 && *n >= least && *n <= most;
}

static int
parse_fd(PyObject *arg, int *fd)
{
    long n;
    int rc = parse_long(arg, 0, INT_MAX, &n);
    if (rc > 0) {
        *fd = (int)n;
    }
    return rc;
}

static int
parse_bool(PyObject *arg, bool *flag)
{
    *flag = arg == Py_True;
    return *flag || arg == Py_False;
}

static int
parse_off(PyObject *arg, off_t *off)
{
    int overflow;
    if (!PyLong_CheckExact(arg)) {
        return 0;
    }
    *off = PyLong_AsLongLongAndOverflow(arg, &overflow);
    return overflow == 0;
}

static int
parse_dir(PyObject *arg, int *dir)
{
    long n;
    if (arg == Py_None) {
        return 1;
    }
    int rc = parse_long(arg, INT_MIN, INT_MAX, &n);
    if (rc > 0) {
        *dir = (int)n;
    }
    return rc;
}

/* The bytes of a name; it stays where it is as long as call does. */
static int
parse_name(struct call *call, int i, PyObject *given)
{
    struct fs_path *path = &call->fs.path[i];
    PyObject *bytes = given;
    if (PyUnicode_CheckExact(given)) {
        if (PyUnicode_IS_COMPACT_ASCII(given)) {
            /* The same in every encoding that file names are in. */
            path->name = PyUnicode_DATA(given);
            path->len = (size_t)PyUnicode_GET_LENGTH(given);
            return strlen(path->name) == path->len;
        }
        bytes = call->encoded[i] = PyUnicode_EncodeFSDefault(given);
        if (bytes == NULL) {
            return parse_refused();
        }
    }
    else if (!PyBytes_CheckExact(given)) {
        return 0;
    }
    path->name = PyBytes_AS_STRING(bytes);
    path->len = (size_t)PyBytes_GET_SIZE(bytes);
    return strlen(path->name) == path->len;
}

static int
parse_path(struct call *call, int i, PyObject *arg, char kind)
{
    if (kind != 'p' && PyLong_CheckExact(arg)) {
        call->given[i] = Py_NewRef(arg);
        return parse_fd(arg, &call->fs.path[i].fd);
    }
    if (kind == 'D' && arg == Py_None) {
        call->fs.path[i].name = ".";
        call->fs.path[i].len = 1;
        return 1;
    }
    if (PyUnicode_CheckExact(arg) || PyBytes_CheckExact(arg)) {
        call->given[i] = Py_NewRef(arg);
    }
    else {
        call->given[i] = PyOS_FSPath(arg);
        if (call->given[i] == NULL) {
            return parse_refused();
        }
    }
    return parse_name(call, i, call->given[i]);
}

static int
parse_ids(struct fs *fs, PyObject *uid, PyObject *gid)
{
    /* -1: leave it as it is.  Others are for the real function to judge. */
    long u, g;
    int rc = parse_long(uid, -1, INT_MAX, &u)
             && parse_long(gid, -1, INT_MAX, &g);
    if (rc > 0) {
        fs->uid = (uid_t)u;
        fs->gid = (gid_t)g;
    }
    return rc;
}

static int
parse_offset(struct fs *fs, PyObject *arg)
{
    fs->has_offset = arg != Py_None;
    return !fs->has_offset || parse_off(arg, &fs->offset);
}

static int
parse_times(struct call *call, PyObject *arg)
{
    const long long giga = 1000000000;
    call->given[1] = Py_NewRef(arg);
    for (int i = 0; i < 2; i++) {
        long long ns;
        int overflow;
        call->fs.times[i].tv_nsec = UTIME_NOW;
        if (arg == Py_None) {
            continue;
        }
        if (!PyTuple_CheckExact(arg) || PyTuple_GET_SIZE(arg) != 2
            || !PyLong_CheckExact(PyTuple_GET_ITEM(arg, i))) {
            return 0;
        }
        ns = PyLong_AsLongLongAndOverflow(PyTuple_GET_ITEM(arg, i), &overflow);
        if (overflow != 0) {
            return 0;
        }
        long long below = ns % giga < 0 ? 1 : 0; /* tv_nsec is positive */
        call->fs.times[i].tv_sec = (time_t)(ns / giga - below);
        call->fs.times[i].tv_nsec = (long)(ns % giga + below * giga);
    }
    return 1;
}

/* One argument, or the two of 'u'; *paths and *dirs count. */
static int
parse_one(char kind, struct call *call, PyObject *const *arg, int *paths,
          int *dirs)
{
    struct fs *fs = &call->fs;
    long n;
    int rc;
    switch (kind) {
    case 'p':
    case 'P':
    case 'D':
        return parse_path(call, (*paths)++, *arg, kind);
    case 'i':
        return parse_fd(*arg, &fs->path[(*paths)++].fd);
    case 'd':
        return parse_dir(*arg, &fs->path[(*dirs)++].dir);
    case 'e':
        return parse_dir(*arg, &fs->path[1].dir);
    case 'f':
        return parse_bool(*arg, &fs->follow);
    case 'x':
        return parse_bool(*arg, &fs->exist_ok);
    case 'E':
        return parse_bool(*arg, &fs->effective);
    case 'm':
        rc = parse_long(*arg, 0, INT_MAX, &n);
        fs->mode = rc > 0 ? (unsigned)n : 0;
        return rc;
    case 'l':
        return parse_off(*arg, &fs->offset);
    case 'o':
        return parse_offset(fs, *arg);
    case 'n':
        rc = parse_long(*arg, 0, LONG_MAX, &n);
        fs->count = rc > 0 ? (size_t)n : 0;
        return rc;
    case 't':
        return parse_times(call, *arg);
    default: /* u */
        return parse_ids(fs, arg[0], arg[1]);
    }
}

int
fs_parse(const struct fs_op *what, struct call *call, PyObject *const *args,
         Py_ssize_t nargs)
{
    struct fs *fs = &call->fs;
    int paths = 0, dirs = 0;
    const PyObject *const *end = (const PyObject *const *)args + nargs;
    fs->follow = !what->nofollow;
    for (const char *kind = what->args; *kind != '\0'; kind++) {
        int takes = *kind == 'u' ? 2 : 1;
        if ((const PyObject *const *)args + takes > end) {
            if (strchr(FS_OPTIONS, *kind) == NULL) {
                return 0;
            }
            break;
        }
        int rc = parse_one(*kind, call, args, &paths, &dirs);
        if (rc <= 0) {
            return rc;
        }
        args += takes;
    }
    if (fs->call == FS_COPY) {
        fs->copy = fs_copy_new();
        if (fs->copy == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        return 1;
    }
    if (fs->call == FS_CHMOD && !fs->follow) {
        return 0; /* where that can be done, os knows how */
    }
    /* os refuses a descriptor along with what is about names. */
    return fs->path[0].name != NULL || paths == 0
           || (fs->path[0].dir == AT_FDCWD && (fs->follow || what->nofollow));
}

/* ---- events ---- */

static int
event_dir(const struct call *call, int i)
{
    int dir = call->fs.path[i].dir;
    return dir == AT_FDCWD ? -1 : dir;
}

int
fs_audit(const struct fs_op *what, const struct call *call)
{
    const struct fs *fs = &call->fs;
    PyObject *path = call->given[0] != NULL ? call->given[0] : Py_None;
    PyObject *other = call->given[1];
    switch (what->event) {
    case EVENT_NONE:
        return 0;
    case EVENT_LISTDIR:
        return PySys_Audit("os.listdir", "O", path);
    case EVENT_SCANDIR:
        return PySys_Audit("os.scandir", "O", path);
    case EVENT_REMOVE:
        return PySys_Audit("os.remove", "Oi", path, event_dir(call, 0));
    case EVENT_RMDIR:
        return PySys_Audit("os.rmdir", "Oi", path, event_dir(call, 0));
    case EVENT_MKDIR:
        return PySys_Audit("os.mkdir", "Oii", path, (int)fs->mode,
                           event_dir(call, 0));
    case EVENT_CHMOD:
        return PySys_Audit("os.chmod", "Oii", path, (int)fs->mode,
                           event_dir(call, 0));
    case EVENT_CHOWN:
        return PySys_Audit("os.chown", "OIIi", path, (unsigned)fs->uid,
                           (unsigned)fs->gid, event_dir(call, 0));
    case EVENT_RENAME:
        return PySys_Audit("os.rename", "OOii", path, other,
                           event_dir(call, 0), event_dir(call, 1));
    case EVENT_LINK:
        return PySys_Audit("os.link", "OOii", path, other, event_dir(call, 0),
                           event_dir(call, 1));
    case EVENT_SYMLINK:
        return PySys_Audit("os.symlink", "OOi", path, other,
                           event_dir(call, 1));
    case EVENT_UTIME:
        return PySys_Audit("os.utime", "OOOi", path, Py_None, other,
                           event_dir(call, 0));
    case EVENT_TRUNCATE:
        return PySys_Audit("os.truncate", "OL", path, (long long)fs->offset);
    }
    return 0;
}

int
fs_audit_traces(const struct call *call)
{
    const struct fs *fs = &call->fs;
    bool bytes;
    int rc = 0;
    for (size_t at = 0; at < fs->size && rc == 0;) {
        struct fs_trace trace;
        memcpy(&trace, fs->data + at, sizeof(trace));
        at += sizeof(trace);
        bytes = PyBytes_Check(call->given[trace.path]);
        PyObject *path = fs_name(fs->path[trace.path].name, trace.len, false,
                                 bytes);
        if (path == NULL) {
            return -1;
        }
        rc = trace.removes ? PySys_Audit("os.rmdir", "Oi", path, -1)
                           : PySys_Audit("os.mkdir", "Oii", path, 0777, -1);
        Py_DECREF(path);
    }
    return rc;
}
