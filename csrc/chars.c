/* chars.c - see chars.h. */
#include "chars.h"

#include <string.h>

enum { KEEP_MOST = 64 * 1024 }; /* bytes, whatever is left in them */

struct chars *
chars_new(void)
{
    struct chars *chars = PyMem_Calloc(1, sizeof(*chars));
    if (chars == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    chars->kind = PyUnicode_1BYTE_KIND;
    return chars;
}

void
chars_free(struct chars **link)
{
    if (*link != NULL) {
        PyMem_Free((*link)->data);
        PyMem_Free(*link);
        *link = NULL;
    }
}

/* Copy n characters to another memory, of a kind that is as wide or wider. */
static void
copy_wider(int to_kind, void *to, int kind, const void *from, Py_ssize_t n)
{
    if (to_kind == kind) {
        memcpy(to, from, (size_t)(n * kind));
        return;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        PyUnicode_WRITE(to_kind, to, i, PyUnicode_READ(kind, from, i));
    }
}

static void *
chars_at(const struct chars *chars, Py_ssize_t i)
{
    return (char *)chars->data + i * chars->kind;
}

/* Those that are left move to the beginning. */
static void
chars_compact(struct chars *chars)
{
    Py_ssize_t left = chars_left(chars);
    if (left > 0) {
        memmove(chars->data, chars_at(chars, chars->pos),
                (size_t)(left * chars->kind));
    }
    chars->pos = 0;
    chars->end = left;
}

void
chars_take(struct chars *chars, Py_ssize_t n)
{
    chars->pos += n;
    Py_ssize_t left = chars_left(chars);
    if (chars->cap <= KEEP_MOST / chars->kind || left >= chars->cap / 4) {
        return;
    }
    chars_compact(chars);
    Py_ssize_t cap = left > 0 ? left : 1;
    void *data = PyMem_Realloc(chars->data, (size_t)(cap * chars->kind));
    if (data != NULL) {
        chars->data = data;
        chars->cap = cap;
    }
}

/* Have room for n more of this kind behind the last. */
static int
chars_reserve(struct chars *chars, Py_ssize_t n, int kind)
{
    Py_ssize_t left = chars_left(chars);
    kind = left > 0 && kind < chars->kind ? chars->kind : kind;
    bool same = kind == chars->kind;
    if (same && n <= chars->cap - chars->end) {
        return 0;
    }
    /* Fewer are moved than were returned, or it would be quadratic. */
    if (same && n <= chars->cap - left && left <= chars->pos) {
        chars_compact(chars);
    }
    else {
        /* Half as much again, or appending would be quadratic. */
        if (n > PY_SSIZE_T_MAX / 8 - left - left / 2) {
            PyErr_NoMemory();
            return -1;
        }
        Py_ssize_t cap = left + left / 2 + n;
        void *data = PyMem_Malloc((size_t)(cap * kind));
        if (data == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        if (left > 0) {
            copy_wider(kind, data, chars->kind, chars_at(chars, chars->pos),
                       left);
        }
        PyMem_Free(chars->data);
        chars->data = data;
        chars->kind = kind;
        chars->cap = cap;
        chars->pos = 0;
        chars->end = left;
    }
    return 0;
}

int
chars_append(struct chars *chars, PyObject *str)
{
    Py_ssize_t n = PyUnicode_GET_LENGTH(str);
    int kind = (int)PyUnicode_KIND(str);
    if (n == 0) {
        return 0;
    }
    if (chars_reserve(chars, n, kind) < 0) {
        return -1;
    }
    copy_wider(chars->kind, chars_at(chars, chars->end), kind,
               PyUnicode_DATA(str), n);
    chars->end += n;
    return 0;
}

PyObject *
chars_string(const struct chars *chars, Py_ssize_t skip, Py_ssize_t n)
{
    if (n == 0) {
        return PyUnicode_New(0, 0);
    }
    return PyUnicode_FromKindAndData(chars->kind,
                                     chars_at(chars, chars->pos + skip), n);
}
