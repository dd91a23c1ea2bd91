/* reading_int.h - what lines.c, reading.c and readinto.c share.
 *
 * Loop thread, with the GIL.
 */
#ifndef AIOFILES_C_READING_INT_H
#define AIOFILES_C_READING_INT_H

#include "file.h"

/* ---- reading.c ---- */

/* What was written is in the file before that is read, and the position is known
 * from there on: before it is decided how to read.  exact.c does so itself. */
static inline enum step
read_drain(OpObject *op)
{
    FileObject *file = op->file;
    return file->writing && !file->exact && !op->filling ? file_drain(op)
                                                         : STEP_DONE;
}

/* Whether what is buffered may be taken with nothing to look at before or after:
 * see at_hand_fn. */
static inline bool
bytes_are_at_hand(const FileObject *file)
{
    return !file->shared && !file->eof && file->bufsize != 0
           && file->rbuf.data != NULL && !file_is_to_read_ahead(file)
           && file_is_native(file, MODE_READ);
}

/* n of it. */
static inline PyObject *
bytes_take_at_hand(OpObject *op, size_t n)
{
    struct buffer *rbuf = &op->file->rbuf;
    PyObject *bytes = PyBytes_FromStringAndSize(rbuf->data + rbuf->pos,
                                                (Py_ssize_t)n);
    if (bytes == NULL) {
        PyErr_Clear(); /* the step fails as well */
        return NULL;
    }
    rbuf->pos += n;
    op_charge(op, n);
    return bytes;
}

/* Copy n of the buffered bytes, by pieces between which the loop may turn:
 * DONE or YIELD; op->taken counts. */
enum step read_copy(OpObject *op, char *to, size_t n);

/* A read of len bytes from at on goes past io's buffer of a private file,
 * and leaves it empty, where more than most of them are not in it. */
void read_past_block(FileObject *file, off_t at, size_t len, size_t most);

/* ---- readinto.c ---- */

/* The steps of readinto(), and of readinto1(): with at most one system call. */
enum step readinto_step(OpObject *op, PyObject **result);
enum step readinto1_step(OpObject *op, PyObject **result);

#endif
