/* compat.h - what differs between CPython 3.10 and 3.14, in one place. */
#ifndef AIOFILES_C_COMPAT_H
#define AIOFILES_C_COMPAT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <frameobject.h>
#include <stdbool.h>
#include <structmember.h>

/* The size that built-in open() gives a buffer for a file whose st_blksize
 * is given (Modules/_io/_iomodule.c). */
static inline Py_ssize_t
compat_buffer_size(Py_ssize_t blksize)
{
#if PY_VERSION_HEX >= 0x030E0000
    const Py_ssize_t least = 128 * 1024, most = 8192 * 1024;
    Py_ssize_t size = blksize < most ? blksize : most;
    return size > least ? size : least;
#else
    return blksize > 1 ? blksize : 8192;
#endif
}

/* From 3.12 on an await of a foreign object goes through tp_iternext, and a
 * raised exception is one object. */
#if PY_VERSION_HEX >= 0x030C0000
#define AIOF_ONE_EXCEPTION 1
#else
#define AIOF_ONE_EXCEPTION 0
#endif

/* Up to 3.12 an error of os.utime does not say which file it is about. */
#if PY_VERSION_HEX >= 0x030D0000
#define AIOF_UTIME_NAMELESS false
#else
#define AIOF_UTIME_NAMELESS true
#endif

/* From 3.14 on a NamedTemporaryFile that was not closed warns. */
#define AIOF_WARN_TEMPORARY (PY_VERSION_HEX >= 0x030E0000)

/* From 3.12 on it may be gone already when its close() comes to remove it. */
#define AIOF_UNLINK_TWICE (PY_VERSION_HEX >= 0x030C0000)

/* A pointer that is moved out before it is dropped. */
#ifndef Py_SETREF
#define Py_SETREF(dst, src)                                                   \
    do {                                                                      \
        PyObject *aiof_old = (PyObject *)(dst);                               \
        (dst) = (src);                                                        \
        Py_DECREF(aiof_old);                                                  \
    } while (0)
#endif

/* Py_NewRef() of an object of our own, so never an immortal one, that is soon
 * let go of again.  Python 3.12 and 3.13 increment half of the word that they
 * decrement, and a load of more than the last store wrote has to wait until
 * that has reached the cache; so load the half, and store the whole. */
static inline PyObject *
compat_new_ref(PyObject *object)
{
#if PY_VERSION_HEX >= 0x030C0000 && PY_VERSION_HEX < 0x030E0000               \
    && SIZEOF_VOID_P > 4 && !defined(Py_REF_DEBUG)                            \
    && !defined(Py_GIL_DISABLED)
    object->ob_refcnt = (Py_ssize_t)object->ob_refcnt_split[PY_BIG_ENDIAN] + 1;
    return object;
#else
    return Py_NewRef(object);
#endif
}

/* The exception that is set, taken out, and put back. */
struct compat_exc {
    PyObject *type, *value, *traceback;
};

static inline void
compat_exc_take(struct compat_exc *exc)
{
#if AIOF_ONE_EXCEPTION
    exc->type = exc->traceback = NULL;
    exc->value = PyErr_GetRaisedException();
#else
    PyErr_Fetch(&exc->type, &exc->value, &exc->traceback);
#endif
}

static inline void
compat_exc_restore(struct compat_exc *exc)
{
#if AIOF_ONE_EXCEPTION
    PyErr_SetRaisedException(exc->value);
#else
    PyErr_Restore(exc->type, exc->value, exc->traceback);
#endif
}

/* A frame of code that has no caller, at its start or, if begun, behind it. */
static inline PyObject *
compat_frame(PyCodeObject *code, PyObject *globals, bool begun)
{
    PyFrameObject *frame = PyFrame_New(PyThreadState_Get(), code, globals,
                                       NULL);
#if PY_VERSION_HEX < 0x030B0000
    if (frame != NULL) {
        Py_CLEAR(frame->f_back);
        frame->f_lasti = begun ? 0 : -1;
    }
#else
    (void)begun;
#endif
    return (PyObject *)frame;
}

/* How many frames a coroutine keeps of those that have made it. */
static inline int
compat_origin_depth(void)
{
    return PyThreadState_Get()->coroutine_origin_tracking_depth;
}

static inline int
compat_is_finalizing(void)
{
#if PY_VERSION_HEX >= 0x030D0000
    return Py_IsFinalizing();
#else
    return _Py_IsFinalizing();
#endif
}

/* Of a function that is called seldom from one that is called for each line:
 * what it needs is not to be made ready before it is known to be called. */
#define AIOF_APART __attribute__((noinline))

#define AIOF_METHOD(f) ((PyCFunction)(void (*)(void))(f))

#endif
