/* recode.c - see recode.h.
 *
 * The bytes are cut into parts which neither cut a character nor the pair of
 * a "\r\n", so that each part can be measured and written by itself; where its
 * characters go is known from the parts before.
 */
#include "recode.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "scan.h"
#include "sys.h"
#include "team.h"

enum { RECODE_PART = 512 << 10 };

struct recode_part {
    size_t start; /* that of the next is where it ends */
    size_t at;    /* its first character's index */
    size_t chars;
    unsigned max;
};

/* ---- parts ---- */

/* The first place from at on where the bytes may be cut. */
static size_t
part_start(const struct recode *r, size_t at)
{
    const char *p = r->src;
    for (int i = 0; i < 3 && r->from == RECODE_UTF8 && at < r->n; i++) {
        if (((unsigned char)p[at] & 0xC0) != 0x80) {
            break;
        }
        at++;
    }
    if (at > 0 && at < r->n && p[at] == '\n' && p[at - 1] == '\r') {
        at++;
    }
    return at;
}

int
recode_plan(struct recode *r)
{
    r->parts = (r->n + RECODE_PART - 1) / RECODE_PART;
    r->part = sys_alloc_zero(r->parts + 1, sizeof(*r->part));
    if (r->part == NULL) {
        return -1;
    }
    for (size_t i = 1; i < r->parts; i++) {
        r->part[i].start = part_start(r, i * RECODE_PART);
    }
    r->part[r->parts].start = r->n;
    return 0;
}

void
recode_free(struct recode *r)
{
    free(r->part);
    r->part = NULL;
}

/* ---- measuring ---- */

/* The widest character, as far as a str's kind depends on it, given the
 * greatest byte that one begins with. */
static unsigned
utf8_max(unsigned char most)
{
    return most >= 0xF0   ? 0x10FFFF
           : most >= 0xC4 ? 0xFFFF
           : most >= 0x80 ? 0xFF
                          : 0x7F;
}

static void
measure_part(void *work, size_t i)
{
    struct recode *r = work;
    struct recode_part *part = &r->part[i];
    const char *p = r->src + part->start;
    size_t n = part[1].start - part->start;
    unsigned char most = 0;
    bool bad = false;

    part->chars = n;
    if (r->from == RECODE_UTF8) {
        bad = scan_utf8_measure(p, n, &bad, &part->chars, &most) < n;
        part->max = utf8_max(most);
    }
    else {
        part->max = scan_ascii(p, n) < n ? 0xFF : 0x7F;
        bad = r->from == RECODE_ASCII && part->max > 0x7F;
    }
    if (bad) {
        atomic_store(&r->bad, true);
    }
    if (r->translate) {
        part->chars -= scan_count_crlf(p, n);
    }
    atomic_fetch_or(&r->newlines, scan_newlines(p, n));
}

void
recode_measure(struct recode *r, struct pool *pool, const struct job *job)
{
    team_run(pool, job, r->parts, measure_part, r);
    r->max = 0x7F;
    for (size_t i = 0; i < r->parts; i++) {
        r->part[i].at = r->chars;
        r->chars += r->part[i].chars;
        r->max = r->part[i].max > r->max ? r->part[i].max : r->max;
    }
}

/* ---- writing ---- */

static inline void
put(void *dst, int width, size_t i, uint32_t c)
{
    if (width == 1) {
        ((uint8_t *)dst)[i] = (uint8_t)c;
    }
    else if (width == 2) {
        ((uint16_t *)dst)[i] = (uint16_t)c;
    }
    else {
        ((uint32_t *)dst)[i] = c;
    }
}

/* The character at p, valid and not ASCII; *len: how many bytes it has. */
static inline uint32_t
utf8_char(const unsigned char *p, size_t *len)
{
    if (p[0] < 0xE0) {
        *len = 2;
        return (p[0] & 0x1Fu) << 6 | (p[1] & 0x3Fu);
    }
    if (p[0] < 0xF0) {
        *len = 3;
        return (p[0] & 0x0Fu) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
    }
    *len = 4;
    return (p[0] & 0x07u) << 18 | (p[1] & 0x3Fu) << 12 | (p[2] & 0x3Fu) << 6
           | (p[3] & 0x3Fu);
}

/* n bytes that are characters each. */
static inline size_t
put_bytes(void *dst, int width, size_t at, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        put(dst, width, at + i, (unsigned char)p[i]);
    }
    return at + n;
}

/* Write n bytes without line ends to translate, from character index at on;
 * the index behind.  Inlined for each width, so that what depends on it is
 * decided when it is compiled. */
static inline size_t
put_run(void *dst, int width, size_t at, const char *p, size_t n, bool utf8)
{
    const char *end = p + n;
    while (p < end) {
        size_t left = (size_t)(end - p), run = left;
        if (utf8) {
            run = scan_ascii_run(p, left);
        }
        at = put_bytes(dst, width, at, p, run);
        p += run;
        while (p < end && (unsigned char)*p >= 0x80) {
            size_t len;
            put(dst, width, at++, utf8_char((const unsigned char *)p, &len));
            p += len;
        }
    }
    return at;
}

static size_t
put_text(const struct recode *r, size_t at, const char *p, size_t n)
{
    bool utf8 = r->from == RECODE_UTF8;
    switch (r->width) {
    case 1:
        if (!utf8 || r->max == 0x7F) {
            memcpy((char *)r->dst + at, p, n);
            return at + n;
        }
        return put_run(r->dst, 1, at, p, n, utf8);
    case 2:
        return put_run(r->dst, 2, at, p, n, utf8);
    default:
        return put_run(r->dst, 4, at, p, n, utf8);
    }
}

static void
write_part(void *work, size_t i)
{
    const struct recode *r = work;
    const struct recode_part *part = &r->part[i];
    const char *p = r->src + part->start, *end = r->src + part[1].start;
    size_t at = part->at;
    while (p < end) {
        const char *cr = r->translate ? memchr(p, '\r', (size_t)(end - p))
                                      : NULL;
        at = put_text(r, at, p, (size_t)((cr == NULL ? end : cr) - p));
        if (cr == NULL) {
            break;
        }
        put(r->dst, r->width, at++, '\n');
        p = cr + 1;
        p += p < end && *p == '\n';
    }
}

void
recode_write(struct recode *r, struct pool *pool, const struct job *job)
{
    sys_advise_huge(r->dst, r->chars * (size_t)r->width);
    team_run(pool, job, r->parts, write_part, r);
}
