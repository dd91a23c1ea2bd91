/* resident.h - whether bytes of a file are in the page cache, where the kernel
 * does not read without waiting. */
#ifndef AIOFILES_C_RESIDENT_H
#define AIOFILES_C_RESIDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct resident;

/* Whether len bytes at off of fd can be read without waiting for the disk, as
 * far as the file has them.  Reads nothing.  false, and *possible too, where that
 * cannot be known, of this file, of this size, or by this user.  *r is NULL, or
 * what was found the last time. */
bool resident_has(struct resident **r, int fd, off_t off, size_t len,
                  bool *possible);

/* Whether, of late, bytes were not there. */
bool resident_is_absent(const struct resident *r);

/* *r is NULL from now on.  Before fd is closed, or a file that has no name any
 * more would be kept. */
void resident_end(struct resident **r);

#endif
