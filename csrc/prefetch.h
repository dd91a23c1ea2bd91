/* prefetch.h - the next results of read(n), read before they are asked for. */
#ifndef AIOFILES_C_PREFETCH_H
#define AIOFILES_C_PREFETCH_H

#include "file.h"

/* Whether a read(n), of as many bytes as the last one, should leave the buffer
 * alone so that those behind it can be prefetched. */
bool prefetch_is_wanted(const FileObject *file, size_t n);

/* The result of a read(n), if it was prefetched or is under way: DONE, with
 * *result still NULL where it is not, or BLOCK. */
enum step prefetch_take(OpObject *op, size_t n, PyObject **result);

/* A read(n) past the buffer is over: have those that follow it fetched, if
 * they are wanted. */
void prefetch_start(OpObject *op, size_t n);

/* Whether the job under way is a prefetch. */
bool prefetch_is_coming(const FileObject *file);

/* It has read so many bytes, or was taken back. */
void prefetch_end(FileObject *file, size_t done);

/* The file, which has no job under way, goes away. */
void prefetch_free(FileObject *file);

#endif
