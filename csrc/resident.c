/* resident.c - whether bytes of a file are in the page cache, where the kernel
 * does not read without waiting.
 *
 * Loop thread; no Python.  overlayfs, on which most containers have their root,
 * hands reads on to another file system and refuses RWF_NOWAIT; and what
 * cachestat() looks at is its own, empty page cache.  But a mapping of the file
 * is one of the file below, and mincore() tells of that which of its pages are
 * there.  Between the answer and the read a page may go, which is as unlikely as
 * it is short, and the read then waits for a local disk; as it may where others
 * have begun to write to a file of a lower layer since it was opened, for it is
 * read from its copy above then.  To ask costs 0.4 us, and 0.02 for each page: who
 * reads on has the answer for some reads at once, if they come soon.
 *
 * mincore() answers the truth only to the owner of a file, or who may write to
 * it, which is not tried.  To others all seems to be there: so does then a page
 * far behind the end, by which it is known, should owners not be what they seem.
 */
#include "resident.h"
#include "sys.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    RESIDENT_PAGES = 64,     /* asked for at once */
    RESIDENT_TRIES = 16,     /* in vain, then once in as many */
    RESIDENT_LASTS = 500000, /* ns: for so long an answer counts */
    RESIDENT_GAP = 4 << 20   /* behind the end: no large page goes so far */
};

/* Larger files are not mapped, and no more of them: a process has only so many
 * addresses, and so many mappings (vm.max_map_count).  Where addresses are
 * limited (RLIMIT_AS) none is; a limit that comes later counts them. */
#define RESIDENT_MOST ((off_t)1 << (sizeof(void *) > 4 ? 30 : 24))
enum { RESIDENT_MAPS = 8192 };

static _Atomic int maps;

struct resident {
    char *map;            /* addresses of the file, not touched; or NULL */
    size_t len;           /* of these, */
    off_t size;           /* and of the file then, */
    uid_t user;           /* whose it is */
    unsigned char absent; /* how often, of late, bytes were not there */
    off_t from, to;       /* bytes that were there, */
    long long when;       /* as was asked then */
};

static void
resident_unmap(struct resident *r)
{
    if (r->map != NULL) {
        sys_unmap(r->map, r->len);
        r->map = NULL;
        r->from = r->to = 0;
        maps--;
    }
}

void
resident_end(struct resident **r)
{
    if (*r != NULL) {
        resident_unmap(*r);
        free(*r);
        *r = NULL;
    }
}

bool
resident_is_absent(const struct resident *r)
{
    return r != NULL && r->absent > 0;
}

/* Map the file as it is now: false if that cannot be, or tells nothing. */
static bool
resident_begin(struct resident *r, int fd, const struct stat *st)
{
    unsigned char seen = 1;
    resident_unmap(r);
    r->user = geteuid();
    if (st->st_size > RESIDENT_MOST || st->st_uid != r->user) {
        return false;
    }
    size_t behind = ((size_t)st->st_size / RESIDENT_GAP + 2) * RESIDENT_GAP;
    r->size = st->st_size;
    r->len = behind + 1;
    r->map = sys_map_unread(fd, r->len);
    if (r->map == NULL) {
        return false;
    }
    maps++;
    if (sys_resident(r->map + behind, 1, &seen) < 0 || seen & 1) {
        resident_unmap(r);
        return false;
    }
    return true;
}

/* How far the bytes are there, page by page, from one of them up to another. */
static off_t
resident_until(const struct resident *r, off_t from, off_t to)
{
    unsigned char seen[RESIDENT_PAGES];
    const off_t page = (off_t)sys_page();
    for (off_t at = from - from % page; at < to;) {
        off_t pages = (to - at + page - 1) / page;
        pages = pages < RESIDENT_PAGES ? pages : RESIDENT_PAGES;
        if (sys_resident(r->map + at, (size_t)(pages * page), seen) < 0) {
            return from;
        }
        for (off_t i = 0; i < pages; i++, at += page) {
            if (!(seen[i] & 1)) {
                return at < from ? from : at;
            }
        }
    }
    return to;
}

/* Whether bytes are there; of who reads on those behind them are asked for too. */
static bool
resident_ask(struct resident *r, off_t off, off_t end)
{
    off_t to = end;
    if (off == r->to && off > 0) {
        off_t next = off + RESIDENT_PAGES * (off_t)sys_page();
        next = next < r->size ? next : r->size;
        to = to > next ? to : next;
    }
    r->from = off;
    r->to = resident_until(r, off, to);
    r->when = sys_clock();
    return r->to >= end;
}

/* Whether that bytes are there is known from the last answer. */
static bool
resident_is_known(const struct resident *r, off_t off, off_t end)
{
    return r->from <= off && end <= r->to
           && sys_clock() - r->when < RESIDENT_LASTS;
}

/* Whether to ask: where that was often in vain, only now and then. */
static bool
resident_is_asked(struct resident *r)
{
    if (r->absent < RESIDENT_TRIES) {
        return true;
    }
    if (++r->absent == 2 * RESIDENT_TRIES) {
        r->absent = RESIDENT_TRIES;
    }
    return r->absent == RESIDENT_TRIES;
}

/* Have the mapping, where end is not within it. */
static bool
resident_follow(struct resident *r, int fd, off_t *end)
{
    struct stat st;
    uint64_t mount;
    if (r->map != NULL && r->user != geteuid()) {
        resident_unmap(r); /* he would be told that all is there */
        return false;
    }
    if (r->map != NULL && *end <= r->size) {
        return true;
    }
    if (sys_peek_stat(fd, &st, &mount) < 0) {
        return false;
    }
    *end = *end < st.st_size ? *end : st.st_size;
    return (r->map != NULL && st.st_size <= r->size)
           || resident_begin(r, fd, &st);
}

bool
resident_has(struct resident **held, int fd, off_t off, size_t len,
             bool *possible)
{
    if (off > RESIDENT_MOST || len > (size_t)RESIDENT_MOST) {
        *possible = false; /* nor of what is there, of smaller files */
        return false;
    }
    off_t end = off + (off_t)len;
    if (*held != NULL && resident_is_known(*held, off, end)) {
        return true;
    }
    if (*held == NULL) {
        *held = sys_alloc_zero(1, sizeof(**held));
    }
    struct resident *r = *held;
    if (r == NULL || !resident_is_asked(r)) {
        return false;
    }
    if (r->map == NULL && maps >= RESIDENT_MAPS) {
        r->absent = 1; /* as far as is known, and others may make room */
        return false;
    }
    *possible = resident_follow(r, fd, &end);
    if (!*possible) {
        return false;
    }
    if (end > off && !resident_ask(r, off, end)) {
        if (r->absent < RESIDENT_TRIES) {
            r->absent++;
        }
        return false;
    }
    r->absent = 0;
    return true;
}
