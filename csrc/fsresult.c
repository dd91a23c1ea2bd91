/* fsresult.c - what a call of os has found, as Python objects; its errors.
 *
 * Loop thread, with the GIL.
 */
#include "fsops.h"

#include <errno.h>

/* ---- os.stat_result, os.statvfs_result ---- */

/* The fields of os.stat_result behind the ten that make the tuple. */
static const char *const stat_names[STAT_EXTRA] = {
    "st_atime",    "st_mtime",   "st_ctime",  "st_atime_ns", "st_mtime_ns",
    "st_ctime_ns", "st_blksize", "st_blocks", "st_rdev"};

enum { STAT_TUPLE = 10 };

static double
time_float(const struct timespec *t)
{
    return (double)t->tv_sec + 1e-9 * (double)t->tv_nsec;
}

static PyObject *
time_ns(const struct timespec *t)
{
    const long long giga = 1000000000;
    if (t->tv_sec < LLONG_MAX / giga && t->tv_sec > LLONG_MIN / giga) {
        return PyLong_FromLongLong((long long)t->tv_sec * giga + t->tv_nsec);
    }
    PyObject *sec = PyLong_FromLongLong((long long)t->tv_sec);
    PyObject *factor = PyLong_FromLongLong(giga);
    PyObject *nsec = PyLong_FromLong(t->tv_nsec);
    PyObject *whole = NULL, *sum = NULL;
    if (sec != NULL && factor != NULL && nsec != NULL) {
        whole = PyNumber_Multiply(sec, factor);
    }
    if (whole != NULL) {
        sum = PyNumber_Add(whole, nsec);
    }
    Py_XDECREF(sec);
    Py_XDECREF(factor);
    Py_XDECREF(nsec);
    Py_XDECREF(whole);
    return sum;
}

/* The first of the times that is the i-th.  A file that nobody has touched since
 * it was written has one or two of them. */
static int
time_like(const struct timespec *const *times, int i)
{
    int like = 0;
    while (times[like]->tv_sec != times[i]->tv_sec
           || times[like]->tv_nsec != times[i]->tv_nsec) {
        like++;
    }
    return like;
}

/* The id that stands for none is -1 in Python. */
static PyObject *
id_number(unsigned long id, bool none)
{
    return none ? PyLong_FromLong(-1) : PyLong_FromUnsignedLong(id);
}

static PyObject *
stat_result(const ModuleState *state, const struct stat *st)
{
    PyObject *result = PyStructSequence_New(state->stat_type);
    if (result == NULL) {
        return NULL;
    }
    const struct timespec *const times[3] = {&st->st_atim, &st->st_mtim,
                                             &st->st_ctim};
    PyObject *tuple[STAT_TUPLE + STAT_EXTRA] = {
        PyLong_FromUnsignedLong(st->st_mode),
        PyLong_FromUnsignedLongLong(st->st_ino),
        PyLong_FromUnsignedLongLong(st->st_dev),
        PyLong_FromUnsignedLongLong(st->st_nlink),
        id_number(st->st_uid, st->st_uid == (uid_t)-1),
        id_number(st->st_gid, st->st_gid == (gid_t)-1),
        PyLong_FromLongLong(st->st_size),
    };
    PyObject **more = tuple + STAT_TUPLE;
    for (int i = 0; i < 3; i++) {
        int like = time_like(times, i);
        if (like < i) {
            tuple[7 + i] = Py_XNewRef(tuple[7 + like]);
            more[i] = Py_XNewRef(more[like]);
            more[3 + i] = Py_XNewRef(more[3 + like]);
            continue;
        }
        tuple[7 + i] = PyLong_FromLongLong(times[i]->tv_sec);
        more[i] = PyFloat_FromDouble(time_float(times[i]));
        more[3 + i] = time_ns(times[i]);
    }
    more[6] = PyLong_FromLong((long)st->st_blksize);
    more[7] = PyLong_FromLongLong(st->st_blocks);
    more[8] = PyLong_FromUnsignedLongLong(st->st_rdev);
    /* As PyStructSequence_SetItem() does, without nineteen calls. */
    PyObject **item = ((PyTupleObject *)result)->ob_item;
    bool whole = true;
    for (int i = 0; i < STAT_TUPLE + STAT_EXTRA; i++) {
        int at = i < STAT_TUPLE ? i : state->stat_at[i - STAT_TUPLE];
        whole = whole && tuple[i] != NULL;
        item[at] = tuple[i];
    }
    if (!whole) {
        Py_CLEAR(result);
    }
    return result;
}

static PyObject *
vfs_result(const ModuleState *state, const struct statvfs *vfs)
{
    PyObject *result = PyStructSequence_New(state->vfs_type);
    if (result == NULL) {
        return NULL;
    }
    /* Signed, as os has them, but for the last. */
    const unsigned long long values[VFS_FIELDS] = {
        vfs->f_bsize,  vfs->f_frsize,  vfs->f_blocks, vfs->f_bfree,
        vfs->f_bavail, vfs->f_files,   vfs->f_ffree,  vfs->f_favail,
        vfs->f_flag,   vfs->f_namemax, vfs->f_fsid};
    bool whole = true;
    for (int i = 0; i < VFS_FIELDS; i++) {
        PyObject *value = i < VFS_FIELDS - 1
                              ? PyLong_FromLongLong((long long)values[i])
                              : PyLong_FromUnsignedLongLong(values[i]);
        whole = whole && value != NULL;
        PyStructSequence_SetItem(result, i, value); /* steals */
    }
    if (!whole) {
        Py_CLEAR(result);
    }
    return result;
}

/* A class of os, and how many fields it has. */
static int
import_class(const char *name, PyTypeObject **type, Py_ssize_t *fields)
{
    int rc = -1;
    PyObject *os = PyImport_ImportModule("os"), *count = NULL;
    PyObject *cls = os == NULL ? NULL : PyObject_GetAttrString(os, name);
    if (cls != NULL && PyType_Check(cls)) {
        count = PyObject_GetAttrString(cls, "n_fields");
    }
    if (count != NULL) {
        *fields = PyLong_AsSsize_t(count);
        *type = (PyTypeObject *)Py_NewRef(cls);
        rc = 0;
    }
    Py_XDECREF(os);
    Py_XDECREF(cls);
    Py_XDECREF(count);
    return rc;
}

/* Where a field is: an instance whose items are their own places tells. */
static int
place_of(PyObject *places, const char *name)
{
    PyObject *place = PyObject_GetAttrString(places, name);
    long at = place == NULL ? -1 : PyLong_AsLong(place);
    Py_XDECREF(place);
    if (at < 0) {
        PyErr_Clear();
    }
    return (int)at;
}

int
fs_result_init(ModuleState *state)
{
    Py_ssize_t fields, vfs_fields;
    if (import_class("stat_result", &state->stat_type, &fields) < 0
        || import_class("statvfs_result", &state->vfs_type, &vfs_fields) < 0) {
        return -1;
    }
    PyObject *numbers = PyList_New(0), *places = NULL;
    for (Py_ssize_t i = 0; numbers != NULL && i < fields; i++) {
        PyObject *number = PyLong_FromSsize_t(i);
        if (number == NULL || PyList_Append(numbers, number) < 0) {
            Py_CLEAR(numbers);
        }
        Py_XDECREF(number);
    }
    if (numbers != NULL) {
        places = PyObject_CallOneArg((PyObject *)state->stat_type, numbers);
        Py_DECREF(numbers);
    }
    if (places == NULL) {
        return -1;
    }
    state->has_stat = fields == STAT_TUPLE + STAT_EXTRA
                      && vfs_fields == VFS_FIELDS;
    for (int i = 0; i < STAT_EXTRA; i++) {
        int at = place_of(places, stat_names[i]);
        state->stat_at[i] = (signed char)at;
        state->has_stat = state->has_stat && at >= STAT_TUPLE;
    }
    Py_DECREF(places);
    return 0;
}

/* ---- names ---- */

PyObject *
fs_name(const char *name, size_t len, bool ascii, bool bytes)
{
    if (bytes) {
        return PyBytes_FromStringAndSize(name, (Py_ssize_t)len);
    }
    if (!ascii || len < 2) {
        return PyUnicode_DecodeFSDefaultAndSize(name, (Py_ssize_t)len);
    }
    PyObject *text = PyUnicode_New((Py_ssize_t)len, 127);
    if (text != NULL) {
        memcpy(PyUnicode_DATA(text), name, len);
    }
    return text;
}

bool
fs_gives_bytes(const struct call *call)
{
    return call->given[0] != NULL && PyBytes_Check(call->given[0]);
}

/* ---- errors ---- */

static bool
names_both(const struct fs *fs)
{
    return fs->bad_len == 0
           && (fs->call == FS_RENAME || fs->call == FS_LINK
               || fs->call == FS_LINKAT || fs->call == FS_SYMLINK
               || fs->call == FS_RENAMES || fs->call == FS_COPY);
}

static PyObject *
raise_error(const struct fs_op *what, const struct call *call)
{
    const struct fs *fs = &call->fs;
    PyObject *name = Py_XNewRef(call->given[fs->bad]), *other = NULL;
    bool number = name != NULL && PyLong_Check(name);
    if (what->nameless || (number && (fs->early || fs->call == FS_TRUNCATE))) {
        Py_CLEAR(name); /* as os has it */
    }
    else if (names_both(fs)) {
        other = call->given[1];
    }
    else if (fs->bad_len > 0) {
        Py_SETREF(name, fs_name(fs->path[fs->bad].name, fs->bad_len, false,
                                PyBytes_Check(name)));
        if (name == NULL) {
            return NULL;
        }
    }
    errno = fs->err;
    PyErr_SetFromErrnoWithFilenameObjects(PyExc_OSError, name, other);
    Py_XDECREF(name);
    return NULL;
}

/* ---- results ---- */

static bool
fs_truth(const struct fs_op *what, const struct fs *fs)
{
    mode_t mode = fs->st[0].st_mode;
    if (fs->err != 0) {
        return false;
    }
    return what->answer == ANSWER_EXISTS
           || (what->answer == ANSWER_ISFILE && S_ISREG(mode))
           || (what->answer == ANSWER_ISDIR && S_ISDIR(mode))
           || (what->answer == ANSWER_ISLINK && S_ISLNK(mode))
           || (what->answer == ANSWER_YES && fs->yes);
}

/* What a tree has done comes before the error that it ended with. */
static PyObject *
tree_result(const struct fs_op *what, struct call *call)
{
    if (fs_audit_traces(call) < 0) {
        return NULL;
    }
    return call->fs.err != 0 ? raise_error(what, call) : Py_NewRef(Py_None);
}

PyObject *
fs_result(ModuleState *state, const struct fs_op *what, struct call *call)
{
    const struct fs *fs = &call->fs;
    const struct stat *st = fs->st;
    if (fs_is_quiet(what)) {
        return PyBool_FromLong(fs_truth(what, fs));
    }
    if (what->call == FS_MAKEDIRS || what->call == FS_REMOVEDIRS
        || what->call == FS_RENAMES) {
        return tree_result(what, call);
    }
    if (fs->err != 0) {
        return raise_error(what, call);
    }
    switch (what->answer) {
    case ANSWER_STAT:
        return stat_result(state, st);
    case ANSWER_SIZE:
        return PyLong_FromLongLong(st->st_size);
    case ANSWER_ATIME:
        return PyFloat_FromDouble(time_float(&st->st_atim));
    case ANSWER_MTIME:
        return PyFloat_FromDouble(time_float(&st->st_mtim));
    case ANSWER_CTIME:
        return PyFloat_FromDouble(time_float(&st->st_ctim));
    case ANSWER_SAME:
        return PyBool_FromLong(st[0].st_ino == st[1].st_ino
                               && st[0].st_dev == st[1].st_dev);
    case ANSWER_NAME:
    case ANSWER_BYTES:
        return fs_name(fs->data, fs->size, false,
                       what->answer == ANSWER_BYTES || fs_gives_bytes(call));
    case ANSWER_VFS:
        return vfs_result(state, &fs->vfs);
    case ANSWER_MOVED:
        return PyLong_FromSsize_t(fs->moved);
    case ANSWER_COPIED:
        return Py_NewRef(fs->copy->declined ? Py_NotImplemented : Py_None);
    default:
        Py_RETURN_NONE;
    }
}

/* ---- lists ---- */

/* How many entries between two looks at the budget, and ns for each. */
enum { LIST_PIECE = 256, LIST_COST = 50 };

/* A list that nobody sees before it is whole: it has room for n items, the
 * collector of cycles, which could show it, does not know it, and its owner
 * does not show what it owns. */
static PyObject *
list_hidden(Py_ssize_t n)
{
    PyObject *list = PyList_New(n);
    if (list != NULL && PyObject_GC_IsTracked(list)) {
        PyObject_GC_UnTrack(list);
    }
    return list;
}

/* What becomes of an entry's name, which is not kept: 0 or -1. */
typedef int (*entry_fn)(OpObject *op, const struct fs_entry *entry,
                        PyObject *name);

static int
list_take(OpObject *op, const struct fs_entry *Py_UNUSED(entry),
          PyObject *name)
{
    PyList_SET_ITEM(op->call->list, op->n, Py_NewRef(name));
    return 0;
}

/* op->acc: (names of directories, names of others). */
static int
walk_take(OpObject *op, const struct fs_entry *entry, PyObject *name)
{
    return PyList_Append(PyTuple_GET_ITEM(op->acc, entry->leads ? 0 : 1),
                         name);
}

/* op->n entries are taken, op->got is where the next one lies. */
static enum step
entries_take(OpObject *op, entry_fn take)
{
    const struct fs *fs = &op->call->fs;
    bool bytes = fs_gives_bytes(op->call);
    while (op->n < (Py_ssize_t)fs->entries) {
        size_t at = (size_t)op->got;
        struct fs_entry entry = fs_entry_next(fs->data, &at);
        PyObject *name = fs_name(entry.name, entry.len, entry.ascii, bytes);
        int rc = name == NULL ? -1 : take(op, &entry, name);
        Py_XDECREF(name);
        if (rc < 0) {
            return STEP_ERROR;
        }
        op->n++;
        op->got = (Py_ssize_t)at;
        if (op->n % LIST_PIECE == 0) {
            op->state->cost += LIST_PIECE * LIST_COST;
            if (op_must_yield(op)) {
                return STEP_YIELD;
            }
        }
    }
    return STEP_DONE;
}

static enum step
entries_result(OpObject *op, bool walks, PyObject **result)
{
    PyObject **made = walks ? &op->acc : &op->call->list;
    if (*made == NULL) {
        *made = walks ? Py_BuildValue("([][])")
                      : list_hidden((Py_ssize_t)op->call->fs.entries);
        if (*made == NULL) {
            return STEP_ERROR;
        }
    }
    enum step step = entries_take(op, walks ? walk_take : list_take);
    if (step == STEP_DONE) {
        *result = *made;
        *made = NULL;
        if (!walks) {
            PyObject_GC_Track(*result);
        }
    }
    return step;
}

enum step
fs_result_list(OpObject *op, const struct fs_op *what, PyObject **result)
{
    if (op->call->fs.err != 0) {
        raise_error(what, op->call);
        return STEP_ERROR;
    }
    if (what->answer == ANSWER_WALK && op->call->fs.yes) {
        *result = Py_NewRef(Py_None); /* a link, which is not gone along */
        return STEP_DONE;
    }
    if (what->answer != ANSWER_SCAN) {
        return entries_result(op, what->answer == ANSWER_WALK, result);
    }
    *result = scandir_new(op->state, op->call);
    return *result == NULL ? STEP_ERROR : STEP_DONE;
}
