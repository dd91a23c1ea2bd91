/* team.h - one large piece of work, shared by several workers. */
#ifndef AIOFILES_C_TEAM_H
#define AIOFILES_C_TEAM_H

#include <stddef.h>

#include "pool.h"

typedef void (*team_fn)(void *work, size_t part);

/* Call run(work, i) once for each i below parts: on this thread, which is a
 * worker or one that may wait, and on as many more workers as there are
 * processors for, if they come in time.  Returns when all calls have ended.
 * job: the one that this is a part of. */
void team_run(struct pool *pool, const struct job *job, size_t parts,
              team_fn run, void *work);

#endif
