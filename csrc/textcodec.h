/* textcodec.h - chunks of text that the codec and its error handler decode.
 *
 * Loop thread, with the GIL.
 */
#ifndef AIOFILES_C_TEXTCODEC_H
#define AIOFILES_C_TEXTCODEC_H

#include "text.h"

/* A real incremental decoder of this codec and error handler. */
PyObject *text_decoder(FileObject *file);

/* Have it start after nothing, in the state that the flags say: 0 or -1. */
int text_decoder_start(PyObject *decoder, int flags);

/* SCAN_* bits of what a newline decoder's `newlines` says. */
unsigned text_newline_kinds(PyObject *newlines);

/* The bytes of the newest chunk, with those that the codec had kept; has_snap.*/
PyObject *chunk_input(FileObject *file);

/* Decode [end, stop) as the newest chunk, with what the codec had kept, into
 * `decoded`: STEP_DONE or ERROR. */
enum step chunk_take_decoded(FileObject *file, size_t stop, bool last);

/* The same up to the end of the file, as a new str with what was to be
 * returned; an error leaves that where it is. */
PyObject *chunk_take_rest(FileObject *file, size_t stop);

#endif
