/* stream.h - pipes, terminals and sockets: waiting until they are ready. */
#ifndef AIOFILES_C_STREAM_H
#define AIOFILES_C_STREAM_H

#include "file.h"

int stream_init(PyObject *module, ModuleState *state);

/* Read into the room behind rbuf.end what can be had without waiting.  False:
 * a worker has to do it, without waiting either.  True: *step is DONE, BLOCK
 * until there is something, or ERROR. */
bool stream_fill(OpObject *op, char *room, size_t len, enum step *step);

/* Whether the job of op's read has found nothing after all: wait again. */
bool stream_is_unready(OpObject *op);

/* Accepted bytes wait for room, not for a worker: BLOCK, or ERROR. */
enum step stream_wait(OpObject *op);

/* The write of a job has met a full stream: go on once there is room.  Where
 * that cannot be waited for, the next operation raises why. */
void stream_resume(FileObject *file, struct port *port);

/* A job that is about to start leaves what would have to wait.  Not where the
 * caller has made the descriptor non-blocking, so that his calls fail, nor
 * where it is closed, so that nothing may be left. */
void stream_prepare(FileObject *file);

/* Nothing is waited for any more; leaves a set exception alone. */
void stream_unwatch(FileObject *file);

/* The same for a read that was given up: accepted bytes still wait. */
void stream_recall(FileObject *file);

/* For the standard streams, whose bytes are Python's: _room(), which waits
 * until a write would find room, and _write_now(fd, data), which writes as
 * much as there is room for and gives the number of bytes; _reclaim(file),
 * which gives the bytes that a cancelled read has left in a raw file. */
enum step stream_room_step(OpObject *op, PyObject **result);
PyObject *stream_write_now(PyObject *module, PyObject *args);
PyObject *stream_reclaim(PyObject *module, PyObject *file);

#endif
