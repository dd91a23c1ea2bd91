/* buffer.h - a growing run of bytes: what was read and not yet returned.
 *
 * Loop thread only, but for the free room behind end, which a worker fills
 * while a read is under way; reserve and drop are not called then.
 */
#ifndef AIOFILES_C_BUFFER_H
#define AIOFILES_C_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct buffer {
    char *data; /* NULL until the first use */
    size_t cap;
    size_t pos; /* next byte to return */
    size_t end; /* behind the last byte read */
};

static inline size_t
buffer_avail(const struct buffer *b)
{
    return b->end - b->pos;
}

/* Make room for n bytes behind end.  Bytes before pos are dropped when that
 * saves growing; *shift says by how much the others moved.  0, or -1: no
 * memory. */
int buffer_reserve(struct buffer *b, size_t n, size_t *shift);

/* Forget the bytes, keep the memory. */
static inline void
buffer_reset(struct buffer *b)
{
    b->pos = b->end = 0;
}

/* Give back the room behind end, for want of memory: whether there was any. */
bool buffer_trim(struct buffer *b);

void buffer_free(struct buffer *b);

#endif
