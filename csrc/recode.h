/* recode.h - a large run of text bytes becomes the characters of a str.
 *
 * In two goes, each shared by workers or done part by part: recode_measure()
 * finds out whether all bytes are valid, how many characters they are and how
 * wide; then the loop thread makes the str, and recode_write() fills it.  No
 * Python here.
 */
#ifndef AIOFILES_C_RECODE_H
#define AIOFILES_C_RECODE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "pool.h"

/* Bytes of a part. */
enum { RECODE_PART = 256 << 10 };

enum recode_from { RECODE_ASCII, RECODE_LATIN1, RECODE_UTF8 };

struct recode_part; /* recode.c's */

struct recode {
    const char *src; /* set by the caller: the bytes, */
    size_t n;        /* their number, */
    enum recode_from from;
    bool universal; /* whether newlines are asked for, */
    bool translate; /* and every line end becomes '\n'; measured: one does */
    size_t known;   /* bytes at the start whose line ends are known already */

    atomic_bool bad;      /* measured: not all of it is valid */
    atomic_uint newlines; /* measured: SCAN_* bits of what was not known */
    size_t chars;         /* measured: characters after translation */
    unsigned max;         /* measured: 0x7F, 0xFF, 0xFFFF or 0x10FFFF */

    void *dst; /* set by the caller: room for chars of width bytes each */
    int width; /* 1, 2 or 4 */

    size_t parts;
    size_t next;              /* which one a measure or write goes on with */
    struct recode_part *part; /* owned */
};

/* Zeroed and then set by the caller: 0, or -1: no memory. */
int recode_plan(struct recode *r);
void recode_free(struct recode *r);

/* Where it may take its time; job: the one that this is. */
void recode_measure(struct recode *r, struct pool *pool,
                    const struct job *job);
void recode_write(struct recode *r, struct pool *pool, const struct job *job);

/* The same, one part at each call: whether there are more. */
bool recode_measure_next(struct recode *r);
bool recode_write_next(struct recode *r);

#endif
