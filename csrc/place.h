/* place.h - where a name leads to, before anybody follows it there.
 *
 * A call by name may hang as soon as it is made, and a worker with it.  So the
 * loop thread asks first what the kernel has cached of the name: the file
 * system of that decides how the job of the call is queued.
 */
#ifndef AIOFILES_C_PLACE_H
#define AIOFILES_C_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "device.h"

enum place_kind {
    PLACE_LOCAL = 0, /* a disk, or nobody can say (no openat2): it waits */
    PLACE_STRANGE,   /* not met yet: the worker asks place_learn() first */
    PLACE_HANGS      /* perhaps */
};

struct place {
    enum place_kind kind : 8;
    /* the file itself, not only a directory above it; or there is no more to
     * be found */
    bool found;
    bool fifo;     /* to open it waits for its other end */
    bool large;    /* to cut it off, or to remove it, takes a processor */
    unsigned disk; /* of a job that waits for it */
    uint64_t key;  /* PLACE_STRANGE: of the table */
    uint64_t line; /* PLACE_STRANGE: the number in mountinfo */
};

/* Find the file that name leads to, from the directory dir, or the file dir if
 * name is NULL.  follow: a link at its end, too.  Loop thread; makes no call
 * that could wait. */
void place_find(struct place *place, const struct device_table *table, int dir,
                const char *name, bool follow);

/* In a worker: learn a PLACE_STRANGE, so that it is one of the others.  Asks
 * the kernel's list of mounts, never the file system. */
void place_learn(struct place *place, struct device_table *table);

/* In a worker, of a file that was not found: whether to open it may hang after
 * all, since it is a FIFO or a link has led away.  Looks at the file, which
 * may wait for a disk. */
bool place_look(struct device_table *table, const char *name);

#endif
