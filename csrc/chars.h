/* chars.h - a growing run of characters: what was decoded, not yet returned.
 *
 * Loop thread, with the GIL.
 */
#ifndef AIOFILES_C_CHARS_H
#define AIOFILES_C_CHARS_H

#include "compat.h"

struct chars {
    void *data;     /* NULL until the first use */
    int kind;       /* bytes per character: 1, 2 or 4 */
    Py_ssize_t cap; /* in characters, as the next two */
    Py_ssize_t pos; /* next to return */
    Py_ssize_t end;
};

/* An empty one, or NULL with MemoryError. */
struct chars *chars_new(void);

/* *link is NULL then. */
void chars_free(struct chars **link);

static inline Py_ssize_t
chars_left(const struct chars *chars)
{
    return chars->end - chars->pos;
}

static inline Py_UCS4
chars_get(const struct chars *chars, Py_ssize_t i)
{
    return PyUnicode_READ(chars->kind, chars->data, i);
}

/* n more have been returned.  Memory that is much for few that are left is
 * given back. */
void chars_take(struct chars *chars, Py_ssize_t n);

/* Those of str behind the last: 0, or -1 and nothing has changed.  What has
 * been returned is dropped when that saves growing. */
int chars_append(struct chars *chars, PyObject *str);

/* n of those that are left, from the skip-th on, as a new str. */
PyObject *chars_string(const struct chars *chars, Py_ssize_t skip,
                       Py_ssize_t n);

#endif
