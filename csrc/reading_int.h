/* reading_int.h - what reading.c and readinto.c share.
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
