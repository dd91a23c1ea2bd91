/* buffer.c - see buffer.h. */
#include "buffer.h"

#include <stdlib.h>
#include <string.h>

#include "sys.h"

int
buffer_reserve(struct buffer *b, size_t n, size_t *shift)
{
    *shift = 0;
    if (b->pos == b->end) {
        *shift = b->pos;
        b->pos = b->end = 0;
    }
    if (b->cap - b->end >= n) {
        return 0;
    }
    if (b->pos > 0) {
        *shift = b->pos;
        memmove(b->data, b->data + b->pos, b->end - b->pos);
        b->end -= b->pos;
        b->pos = 0;
        if (b->cap - b->end >= n) {
            return 0;
        }
    }
    if (n > (size_t)-1 / 2 - b->end) {
        return -1;
    }
    size_t cap = b->end + n;
    if (cap < b->cap + b->cap / 2) {
        cap = b->cap + b->cap / 2; /* a line that keeps growing */
    }
    char *data = sys_realloc(b->data, cap);
    if (data == NULL) {
        return -1;
    }
    b->data = data;
    b->cap = cap;
    return 0;
}

bool
buffer_trim(struct buffer *b)
{
    char *data = b->end < b->cap && b->end > 0 ? realloc(b->data, b->end)
                                               : NULL;
    if (data == NULL) {
        return false;
    }
    b->data = data;
    b->cap = b->end;
    return true;
}

void
buffer_free(struct buffer *b)
{
    free(b->data);
    b->data = NULL;
    b->cap = b->pos = b->end = 0;
}
