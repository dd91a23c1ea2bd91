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

static void
measure_newlines(struct recode *r, struct recode_part *part, const char *p,
                 size_t n)
{
    size_t known = part->start < r->known ? r->known - part->start : 0;
    known = known < n ? known : n;
    unsigned kinds = scan_newlines(p + known, n - known);
    if (r->translate && (known > 0 || kinds & SCAN_CRLF)) {
        part->chars -= scan_count_crlf(p, n);
    }
    atomic_fetch_or(&r->newlines, kinds);
}

static void
measure_part(void *work, size_t i)
{
    struct recode *r = work;
    struct recode_part *part = &r->part[i];
    const char *p = r->src + part->start;
    size_t n = part[1].start - part->start;
    bool bad = false;

    part->chars = n;
    if (r->from == RECODE_UTF8) {
        bad = scan_utf8_measure(p, n, &bad, &part->chars, &part->max) < n;
    }
    else {
        part->max = scan_ascii(p, n) < n ? 0xFF : 0x7F;
        bad = r->from == RECODE_ASCII && part->max > 0x7F;
    }
    if (bad) {
        atomic_store(&r->bad, true);
    }
    if (r->universal) {
        measure_newlines(r, part, p, n);
    }
}

/* Part i has been measured, as all before it. */
static void
measured_part(struct recode *r, size_t i)
{
    struct recode_part *part = &r->part[i];
    if (i == 0) {
        r->chars = 0;
        r->max = 0x7F;
    }
    part->at = r->chars;
    r->chars += part->chars;
    r->max = part->max > r->max ? part->max : r->max;
    if (i + 1 == r->parts) {
        bool has_cr = r->known > 0 || r->newlines & (SCAN_CR | SCAN_CRLF);
        r->translate = r->translate && has_cr;
    }
}

void
recode_measure(struct recode *r, struct pool *pool, const struct job *job)
{
    team_run(pool, job, r->parts, measure_part, r);
    for (size_t i = 0; i < r->parts; i++) {
        measured_part(r, i);
    }
    r->next = 0;
}

/* Whether there is a part behind the one that r->next was. */
static bool
recode_go_on(struct recode *r)
{
    r->next = r->next + 1 < r->parts ? r->next + 1 : 0;
    return r->next > 0;
}

bool
recode_measure_next(struct recode *r)
{
    measure_part(r, r->next);
    measured_part(r, r->next);
    return recode_go_on(r);
}

/* ---- writing ---- */

/* The characters of n bytes, none of which are to be translated, from index at
 * on; the index behind.  But for UTF-8 that is not ASCII each byte is one, and
 * the str has one for each. */
static size_t
write_text(const struct recode *r, size_t at, const char *p, size_t n)
{
    if (r->from == RECODE_UTF8 && r->max > 0x7F) {
        return scan_utf8_decode(r->dst, r->width, at, p, n);
    }
    memcpy((char *)r->dst + at, p, n);
    return at + n;
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
        at = write_text(r, at, p, (size_t)((cr == NULL ? end : cr) - p));
        if (cr == NULL) {
            break;
        }
        at = write_text(r, at, "\n", 1);
        p = cr + 1;
        p += p < end && *p == '\n';
    }
}

static void
write_begin(const struct recode *r)
{
    sys_advise_huge(r->dst, r->chars * (size_t)r->width);
}

void
recode_write(struct recode *r, struct pool *pool, const struct job *job)
{
    write_begin(r);
    team_run(pool, job, r->parts, write_part, r);
}

bool
recode_write_next(struct recode *r)
{
    if (r->next == 0) {
        write_begin(r);
    }
    write_part(r, r->next);
    return recode_go_on(r);
}
