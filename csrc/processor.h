/* processor.h - on which processors the threads run.
 *
 * Any thread, no Python.  Where the system does not say, nothing is done.
 */
#ifndef AIOFILES_C_PROCESSOR_H
#define AIOFILES_C_PROCESSOR_H

#include <stdbool.h>

/* How many this process may use, at least 1. */
unsigned processor_count(void);

/* That of the calling thread now, or -1. */
int processor_current(void);

/* If the calling thread runs on this one move it to another that it may use;
 * it can come back later. */
void processor_leave(int processor);

/* The slice of time that the calling thread has, in ns; 0 where that is not
 * known or not ours to set: before Linux 6.12, or with another policy.  And
 * another one, where it is; 0 leaves it as it is.  Of two threads the one with
 * the shorter slice takes the processor when it wakes, and does not wait for
 * the end of the slice that runs; but the one with the longer slice waits
 * longer where many want a processor.  See sched_setattr(2). */
long long processor_slice(void);
void processor_set_slice(long long slice);

/* A line of memory, in bytes, or several. */
enum { PROCESSOR_LINE = 64 };

/* Whether processor_own() is an instruction here; asks each time. */
bool processor_can_own(void);

/* Begin to take a line of memory, which another processor has or has had, from
 * there: it is about to be written to.  Does not wait, as the store would. */
static inline void
processor_own(const char *at)
{
#if defined(__x86_64__)
    /* Not of the instructions that each of them has: __builtin_prefetch() makes
     * one of it that only reads. */
    __asm__ __volatile__("prefetchw %0" : : "m"(*at));
#else
    __builtin_prefetch(at, 1);
#endif
}

#endif
