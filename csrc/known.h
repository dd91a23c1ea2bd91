/* known.h - names that have led to a regular file on the mount of "/".
 *
 * To find out what a name leads to, without opening it, takes three system
 * calls.  A name that is opened again most likely leads there again: it may be
 * opened as it is, if the kernel is told to stay on that mount and not to wait,
 * and what was opened is looked at then.  Absolute names only: others depend
 * on the current directory.  For any thread; no locks; kept for the process.
 * Should that change its root to a mount that may hang, the first open of each
 * of these names there may wait.
 */
#ifndef AIOFILES_C_KNOWN_H
#define AIOFILES_C_KNOWN_H

#include <stdbool.h>
#include <stdint.h>

/* What stands for a name; 0: it is never known. */
uint64_t known_name(const char *path);

bool known_is(uint64_t name);

/* It leads to a regular file of this mount, as sys_stat_cached() has it. */
void known_note(uint64_t name, uint64_t mount);

/* It leads to something else now. */
void known_forget(uint64_t name);

/* It cannot be opened without leaving the mount of "/", though it ends there: by
 * way of a link on another.  It is not noted again. */
void known_refuse(uint64_t name);

#endif
