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

/* Have a thread of this process that wakes on the calling thread's processor go
 * before it, at the price of longer waits where other programs are running: for
 * threads that work on for long.  Linux 6.12; where the program has chosen
 * another scheduling policy nothing is done.  See sched_setattr(2). */
void processor_give_way(void);

#endif
