/* textcookie.h - the positions that tell() of text gives and seek() takes.
 *
 * A cookie is io.TextIOWrapper's: the position of a safe point, and, where
 * the next character does not begin at one, how to get there.
 *
 * Loop thread, with the GIL.
 */
#ifndef AIOFILES_C_TEXTCOOKIE_H
#define AIOFILES_C_TEXTCOOKIE_H

#include "text.h"

struct cookie {
    long long start; /* of the safe point, in bytes */
    int flags;       /* the newline decoder's there */
    int feed;        /* bytes to feed it, */
    int skip;        /* and characters of what they give to skip */
    int eof;         /* whether the feeding ends with the file */
};

/* 0, or -1 without an exception for an int that is no cookie: its sign is
 * c->start then. */
int cookie_parse(PyObject *num, struct cookie *c);

/* The cookie of the current position, given that of the buffer: new. */
PyObject *text_cookie(FileObject *file, off_t position);

#endif
