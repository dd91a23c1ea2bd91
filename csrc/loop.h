/* loop.h - the event loops that files are used from, and their ports. */
#ifndef AIOFILES_C_LOOP_H
#define AIOFILES_C_LOOP_H

#include "state.h"

int loop_init(PyObject *module, ModuleState *state);

/* The running loop: new reference; NULL with RuntimeError if there is none.*/
PyObject *loop_running(ModuleState *state);

/* Whether this thread runs one; sets no exception. */
bool loop_is_running(ModuleState *state);

/* The port of the running loop, made at the first use; borrowed from the
 * loop.  NULL with an exception. */
struct port *loop_port(ModuleState *state, PyObject *loop);

/* Whether a loop runs, in whichever thread; one that is not asyncio's is taken
 * to.  Runs no Python code, in which a signal's handler could raise. */
bool loop_turns(ModuleState *state, PyObject *loop);

/* Have the running loop call bulk_look() in so many ns, once for all who ask
 * until loop_has_looked(): 1, or -1 with an exception. */
int loop_look_later(ModuleState *state, PyObject *loop, long ns);
void loop_has_looked(ModuleState *state, PyObject *loop);

/* Settle a future that may be done or cancelled already, or belong to a loop
 * of another thread.  false: its loop is closed.  What handlers of signals
 * raise meanwhile is raised after it: see raised.h. */
bool loop_wake(ModuleState *state, PyObject *loop, PyObject *future);

/* Finish jobs, given as a list by ->next; what they have to submit in turn
 * reports to port, where there is one.  May run any Python code. */
void loop_finish_jobs(struct job *jobs, struct port *port);

/* In the child of a fork: no loop of the parent's has a port here. */
void loop_after_fork(ModuleState *state);

/* METH_O: settle a future unless it is done. */
PyObject *loop_wake_future(PyObject *module, PyObject *future);

#endif
