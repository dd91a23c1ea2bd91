/* resident.h - whether bytes of a file are in the page cache, where the kernel
 * does not read without waiting. */
#ifndef AIOFILES_C_RESIDENT_H
#define AIOFILES_C_RESIDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct resident {
    char *map;            /* addresses of the file, not touched; or NULL */
    size_t len;           /* of these, */
    off_t size;           /* and of the file then, */
    uid_t user;           /* whose it is */
    unsigned char absent; /* how often, of late, bytes were not there */
    bool possible;        /* to ask; at first as the owner likes */
};

/* Whether len bytes at off of fd can be read without waiting for the disk, as
 * far as the file has them; false also where that cannot be known, of this
 * file, of this size, or by this user.  Reads nothing. */
bool resident_has(struct resident *r, int fd, off_t off, size_t len);

/* Before fd is closed, or a file that has no name any more would be kept. */
void resident_end(struct resident *r);

#endif
