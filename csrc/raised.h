/* raised.h - what is raised in a hand-over is the program's, after it.
 *
 * To wake who waits is to call the loop, and that is Python, in which handlers of
 * signals run: what they raise must not stop the hand-over in its midst, and may
 * not be raised in the next call of the same one either.
 */
#ifndef AIOFILES_C_RAISED_H
#define AIOFILES_C_RAISED_H

#include "state.h"

/* A hand-over; they may lie within each other. */
void raised_begin(void);

/* Its end.  What was raised in the main thread, which runs the handlers, is so
 * again, soon; in another one nobody can be told, and it is written. */
void raised_end(ModuleState *state);

/* The same for a function that can raise: 0, or -1 with what was held. */
int raised_end_here(ModuleState *state);

/* In the child of a fork: this is its main thread, and what the others held is
 * the parent's. */
void raised_after_fork(ModuleState *state);

/* Take the exception that is set, if there is one, until the end. */
void raised_hold(ModuleState *state);

#endif
