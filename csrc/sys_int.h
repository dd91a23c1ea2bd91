/* sys_int.h - what the files of system calls share: what they may use, and the
 * faults.
 *
 * Every call that a debug build can make fail asks fault_next() first, within
 * its loop over EINTR, so that retrying can be tested too.
 */
#ifndef AIOFILES_C_SYS_INT_H
#define AIOFILES_C_SYS_INT_H

#include "sys.h"

#if defined(__linux__) && !defined(AIOF_PORTABLE)
#define SYS_LINUX 1
#include "linux.h"
#endif

#ifdef AIOF_DEBUG

/* Whether this use is to fail, with errno set; or to move at most *limit. */
bool fault_next(enum sys_call call, size_t *limit);

#else

static inline bool
fault_next(enum sys_call call, size_t *limit)
{
    (void)call;
    (void)limit;
    return false;
}

#endif

/* The same for a call that moves no bytes. */
static inline bool
fault_fails(enum sys_call call)
{
    size_t limit;
    return fault_next(call, &limit);
}

#endif
