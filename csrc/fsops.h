/* fsops.h - the functions of os and os.path: what Python asks, and gets. */
#ifndef AIOFILES_C_FSOPS_H
#define AIOFILES_C_FSOPS_H

#include "call.h"

/* What a call gives to Python. */
enum fs_answer {
    ANSWER_NONE,
    ANSWER_STAT,
    ANSWER_SIZE,
    ANSWER_ATIME,
    ANSWER_MTIME,
    ANSWER_CTIME,
    ANSWER_EXISTS, /* from here on an error means False */
    ANSWER_ISFILE,
    ANSWER_ISDIR,
    ANSWER_ISLINK,
    ANSWER_YES, /* to here */
    ANSWER_SAME,
    ANSWER_NAME, /* str, or bytes if that is what was given */
    ANSWER_BYTES,
    ANSWER_VFS,
    ANSWER_MOVED,
    ANSWER_COPIED, /* None, or NotImplemented for the real function */
    ANSWER_LIST,
    ANSWER_SCAN,
    ANSWER_WALK
};

/* The auditing event of a call, and its arguments. */
enum fs_event {
    EVENT_NONE,
    EVENT_LISTDIR, /* path */
    EVENT_SCANDIR,
    EVENT_REMOVE, /* path, dir_fd */
    EVENT_RMDIR,
    EVENT_MKDIR, /* path, mode, dir_fd */
    EVENT_CHMOD,
    EVENT_CHOWN,  /* path, uid, gid, dir_fd */
    EVENT_RENAME, /* two paths, two dir_fds */
    EVENT_LINK,
    EVENT_SYMLINK,  /* two paths, dir_fd */
    EVENT_TRUNCATE, /* path, length */
    EVENT_UTIME     /* path, None, ns or None, dir_fd */
};

struct fs_op {
    struct op_kind kind; /* first */
    const char *args;    /* see fs_parse */
    enum fs_call call;
    enum fs_answer answer;
    enum fs_event event;
    bool nofollow; /* about a link itself */
    bool nameless; /* errors do not say which file */
};

/* Letters of args that may be left out at the end: each has a default. */
#define FS_OPTIONS "dfE"

/* How many of its arguments may not. */
static inline Py_ssize_t
fs_required(const struct fs_op *what)
{
    return (Py_ssize_t)strcspn(what->args, FS_OPTIONS);
}

/* What is often answered at once, by the name in os or os.path; or NULL. */
const struct fs_op *fs_find(const char *name);

static inline bool
fs_is_quiet(const struct fs_op *what)
{
    return what->answer >= ANSWER_EXISTS && what->answer <= ANSWER_YES;
}

/* Ask for a call: an answer, an operation, NotImplemented, or NULL with an
 * exception. */
PyObject *fs_ask(PyObject *module, const struct fs_op *what,
                 PyObject *const *args, Py_ssize_t nargs);

/* The step of its operation. */
enum step fs_step(OpObject *op, PyObject **result);

int fs_init(PyObject *module, ModuleState *state);

/* ---- fsargs.c ---- */

/* Read the arguments into a call that is empty.  1; 0 for those that are not
 * plainly valid, which the real function is to judge; -1 with an exception.
 * In args each letter is an argument:
 *   p  path              P  path or descriptor   D  the same or None
 *   d  dir_fd of the first path, then of the second    e  of the second
 *   f  follow_symlinks   x  exist_ok             E  effective_ids
 *   m  mode              i  descriptor           l  length or size
 *   o  offset or None    n  count                u  uid and gid, two
 *   t  None for now, or a pair of ns */
int fs_parse(const struct fs_op *what, struct call *call,
             PyObject *const *args, Py_ssize_t nargs);

/* Raise the auditing event of the call: 0 or -1. */
int fs_audit(const struct fs_op *what, const struct call *call);

/* Those of a tree, once it is known what was done: 0 or -1. */
int fs_audit_traces(const struct call *call);

/* ---- fsresult.c ---- */

/* What the call has found, but for lists: a new reference, or NULL with an
 * exception, the OSError of the call included. */
PyObject *fs_result(ModuleState *state, const struct fs_op *what,
                    struct call *call);

/* The same for lists, which is made in pieces. */
enum step fs_result_list(OpObject *op, const struct fs_op *what,
                         PyObject **result);

/* A name as Python has it; new. */
PyObject *fs_name(const char *name, size_t len, bool ascii, bool bytes);

/* Whether names are given as bytes. */
bool fs_gives_bytes(const struct call *call);

int fs_result_init(ModuleState *state);

/* ---- copying.c ---- */

/* The job has made a run: STEP_DONE when the copy is over, STEP_BLOCK with the
 * next run under way, STEP_ERROR. */
enum step copying_go_on(OpObject *op);

int copying_init(PyObject *module);

/* ---- scandir.c ---- */

/* The iterator over the entries of a directory; takes the data of the call.
 * New. */
PyObject *scandir_new(ModuleState *state, struct call *call);

int scandir_init(PyObject *module, ModuleState *state);

#endif
