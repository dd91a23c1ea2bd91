/* known.h - names that have led to a regular file on the mount of "/".
 *
 * To find out what a name leads to, without opening it, takes three system
 * calls.  A name that is opened again most likely leads there again: it may be
 * opened as it is, if the kernel is told to stay on that mount and not to wait,
 * and what was opened is looked at then.  Absolute names only: others depend
 * on the current directory.  For any thread; no locks; kept for the process,
 * as mounts are.
 */
#ifndef AIOFILES_C_KNOWN_H
#define AIOFILES_C_KNOWN_H

#include <stdbool.h>
#include <stdint.h>

/* What stands for a name; 0: it is never known. */
uint64_t known_name(const char *path);

bool known_is(uint64_t name);

/* It leads to a regular file; key is device_key() of its mount. */
void known_note(uint64_t name, uint64_t key);

/* It does not any more, or another mount is that of "/" now. */
void known_forget(uint64_t name);

#endif
