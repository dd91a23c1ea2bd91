/* exact.h - what the buffers of built-in open would hold.
 *
 * Of a private file held.c counts it; that of a shared one is kept so by
 * exact.c.  All of it is for the loop thread.
 */
#ifndef AIOFILES_C_EXACT_H
#define AIOFILES_C_EXACT_H

#include "file.h"

/* ---- held.c ---- */

/* Whether n bytes go into io's buffer that is used so far, and whether they
 * would go past an empty one. */
bool file_write_fits(const FileObject *file, size_t used, size_t n);
bool file_write_passes(const FileObject *file, size_t n);

/* The first write after reading; each write, of bytes and of text; text hands
 * on what is pending; all that was written is out. */
void held_begin(FileObject *file);
void held_write(FileObject *file, size_t n);
void held_write_text(FileObject *file, size_t n);
void held_hand_on(FileObject *file);
void held_forget(FileObject *file);

/* Start the write of what io would have written: 0 or -errno. */
int file_hand_over(FileObject *file, struct port *port);

/* The file becomes shared while it is written: have in it what io would have
 * written; 0, or -1 without an exception: no memory.  Then, for an exact one,
 * the rest in its buffer. */
int held_share(FileObject *file);
void held_share_exact(FileObject *file);

/* ---- exact.c ---- */

/* The lseek of a job is none of ours. */
#define EXACT_STAY ((size_t)-1)

/* The file is opened, or has become shared with what is in rbuf. */
void exact_begin(FileObject *file);

/* A private file becomes shared: what io's buffer would have is read.  0, or
 * -1 without an exception: no memory. */
int exact_share(FileObject *file);

/* A private file is written in the middle of what was read, where io keeps
 * both in one buffer: it is exact from now on.  DONE, BLOCK or ERROR. */
enum step exact_adopt(OpObject *op);

/* The buffer is empty from now on; the descriptor stays where it is. */
void exact_reset(FileObject *file);

/* Room for n bytes behind the buffer, and nothing of it is dropped: 0, or -1
 * without an exception. */
int exact_reserve(FileObject *file, size_t n);

/* What it owed was written, and it stays: io's does so where it holds what was
 * read, and begins anew with the next write where it does not. */
void exact_written(FileObject *file);

/* Whether bytes in the buffer have to be written. */
bool exact_owes(const FileObject *file);

/* Load io with the write of what is owed, and with the way to index at of the
 * buffer, unless that is EXACT_STAY: 0, or -1 with MemoryError. */
int exact_load(FileObject *file, size_t at, unsigned *steps);

/* Such a job has ended: what of it was written, where the descriptor is. */
void exact_take_back(FileObject *file);
void exact_placed(FileObject *file);

/* file_returned for a job of exact_load. */
enum step exact_returned(OpObject *op);

/* Write what is owed and move the descriptor to index at, or leave it. */
enum step exact_sync(OpObject *op, size_t at);

/* The same with the position as the index, and the buffer is empty then. */
enum step exact_flush(OpObject *op);

/* What built-in open does before it reads past its buffer. */
enum step exact_before_fill(OpObject *op);

/* The operation is over and has taken nothing.  What it has read past the
 * buffer of a file that can be written is dropped, and what its job still
 * brings, since what is written next begins where built-in open's buffer does;
 * that of another file stays, should others have moved the descriptor. */
void exact_give_up(OpObject *op);

/* The position moves by n.  Of the bytes that the operation has read, the
 * first past ones are not in the buffer of built-in open. */
void exact_take(OpObject *op, size_t n, size_t past);

/* How many those are, for n bytes read at once, for n bytes of lines, and for
 * readinto() of len bytes. */
#define EXACT_ALL ((size_t)-1)
size_t exact_whole_blocks(const OpObject *op, size_t n);
size_t exact_blocks_of_lines(const OpObject *op, size_t n);
size_t exact_past_into(const OpObject *op, size_t len);

/* How much to read where want bytes are missing: up to the end of a block of
 * built-in open. */
size_t exact_fill_size(const OpObject *op, size_t want);

/* readinto(): the next fill for len bytes. */
enum step exact_fill_into(OpObject *op, size_t len, bool once);

/* Bytes behind the position as peek() has them: DONE, BLOCK or ERROR. */
enum step exact_peek(OpObject *op);

/* Until the buffer can take n bytes, or is empty. */
enum step exact_make_room(OpObject *op, size_t n);

/* As file_accept, after that. */
int exact_accept(FileObject *file, const char *data, size_t n,
                 PyObject *owner);

#endif
