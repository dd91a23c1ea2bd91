/* processor.h - on which processors the threads run.
 *
 * Any thread, no Python.  Where the system does not say, nothing is done.
 */
#ifndef AIOFILES_C_PROCESSOR_H
#define AIOFILES_C_PROCESSOR_H

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

#endif
