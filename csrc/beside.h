/* beside.h - jobs of a file that run beside its queue.
 *
 * An operation at an offset of its own takes its turn in the queue, so that it
 * comes after what was started before; then it leaves the queue with a job of
 * its own, a struct call, and many run at once.  What comes after waits for
 * them only where it might meet them:
 *
 *   another pread() or pwrite()   for those of the same bytes, unless both
 *                                 read, and where one may see the end of the
 *                                 file while the other moves it
 *   write(), truncate()           for those that read, and
 *   all others                    for those that write
 *   close()                       for all
 *
 * So the file owes no bytes while one of them reads, and fetches none while
 * one writes.  All of it is for the loop thread.
 */
#ifndef AIOFILES_C_BESIDE_H
#define AIOFILES_C_BESIDE_H

#include "file.h"

/* What is to be done: IO_READ, IO_WRITE, or IO_FSYNC with zeros. */
struct beside_work {
    unsigned steps;
    off_t off;
    char *buf; /* len bytes, to be read into, or to be written */
    size_t len;
    PyObject *holder; /* borrowed: keeps them in place */
};

/* Leave the queue and start the job: STEP_BLOCK or STEP_ERROR. */
enum step beside_submit(OpObject *op, const struct beside_work *work);

/* The job is back: DONE, with the number of bytes moved, its error, or BLOCK
 * since it is not yet. */
enum step beside_returned(OpObject *op, size_t *done);

/* Whether op, which is in the queue, has to wait for some of the jobs. */
bool beside_holds_up(const OpObject *op);

/* Until it has not: STEP_BLOCK. */
enum step beside_wait(OpObject *op);

/* All the jobs report to this port from now on. */
void beside_adopt(FileObject *file, struct port *port);

/* Those that a fork has left to the parent are none of ours. */
void beside_forget_lost(FileObject *file);

/* The name of an operation that has such a job, or NULL. */
const char *beside_name(FileObject *file);

/* ---- positional.c ---- */

/* The bytes that an OP_PLACED operation is about, [from, to); false while its
 * arguments are not read. */
bool positional_range(const OpObject *op, off_t *from, off_t *to);

#endif
