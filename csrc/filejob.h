/* filejob.h - the job of a file, for those who run or end it without the loop.
 *
 * Loop thread, with the GIL.
 */
#ifndef AIOFILES_C_FILEJOB_H
#define AIOFILES_C_FILEJOB_H

#include "file.h"

/* Make the job of these steps ready to be run; as file_start. */
void file_load(FileObject *file, unsigned steps);

/* The job is done, and nobody's: its result is the file's.  No Python code runs
 * here; the chunks are for the caller to free. */
struct chunk *file_take_result(FileObject *file);

/* The same for a job that was started, and what follows from its end; port is
 * that of the running loop, or NULL. */
void file_end_job(FileObject *file, struct port *port);

#endif
