/* held.c - what blocking open would not have written yet.
 *
 * Loop thread, with the GIL.  A private file takes what is written into its
 * list and hands it over in larger runs than built-in open does.  Should
 * others come to see the descriptor, the file has to hold what it would hold
 * then: so it is counted what would still be in io's buffers, and that much of
 * the list is not handed over before its time.
 */
#include "exact.h"
#include "file.h"
#include "text.h"

bool
file_write_fits(const FileObject *file, size_t used, size_t n)
{
    return used + n <= file->bufsize
           && (n < file->bufsize || !file->state->full_writes_pass);
}

bool
file_write_passes(const FileObject *file, size_t n)
{
    return file->state->full_writes_pass ? n >= file->bufsize
                                         : n > file->bufsize;
}

/* The write behind bytes that are read begins within io's buffer. */
void
held_begin(FileObject *file)
{
    off_t start, limit;
    file->held = file->held_at = 0;
    if (file_block(file, &start, &limit)) {
        file->held_at = (size_t)(file_position(file) - start);
    }
}

void
held_write(FileObject *file, size_t n)
{
    if (file_write_fits(file, file->held_at, n)) {
        file->held_at += n;
        file->held += n;
    }
    else {
        file->held = file->held_at = file_write_passes(file, n) ? 0 : n;
    }
}

void
held_write_text(FileObject *file, size_t n)
{
    struct text *text = file->text;
    if (text_goes_first(file, text->pending, n)) {
        held_hand_on(file);
    }
    text->pending += n;
    if (text->pending >= TEXT_CHUNK) {
        held_hand_on(file);
    }
}

void
held_hand_on(FileObject *file)
{
    size_t n = file->text->pending;
    file->text->pending = 0;
    if (n > 0) {
        held_write(file, n);
    }
}

void
held_forget(FileObject *file)
{
    file->held = file->held_at = 0;
    if (file->text != NULL) {
        file->text->pending = 0;
    }
}

static size_t
held_bytes(const FileObject *file)
{
    size_t n = file->held + (file->text != NULL ? file->text->pending : 0);
    return n < file->wlen ? n : file->wlen;
}

/* ---- cutting the list ---- */

/* A new chunk of what is in another from byte at on. */
static struct chunk *
chunk_tail(ModuleState *state, struct chunk *chunk, size_t at)
{
    size_t n = chunk->len - at;
    struct chunk *tail = chunk_new(state, chunk->owner != NULL ? 0 : n);
    if (tail == NULL) {
        return NULL;
    }
    if (chunk->owner != NULL) {
        tail->data = chunk->data + at;
        tail->owner = Py_NewRef((PyObject *)chunk->owner);
    }
    else {
        memcpy(tail->room, chunk->data + at, n);
    }
    tail->len = n;
    chunk->len = at;
    if (chunk->owner == NULL) {
        chunk->cap = at; /* nothing goes behind it any more */
    }
    return tail;
}

/* Take the last keep bytes off the list; NULL where there are none, or no
 * memory to do so. */
static struct chunk *
held_cut(FileObject *file, size_t keep)
{
    size_t at = file->wlen - keep;
    struct chunk *chunk = file->wfirst, **link = &file->wfirst;
    struct chunk *before = NULL, *rest;
    if (keep == 0) {
        return NULL;
    }
    while (at >= chunk->len - chunk->done) {
        at -= chunk->len - chunk->done;
        before = chunk;
        link = &chunk->next;
        chunk = chunk->next;
    }
    rest = chunk;
    if (at > 0) {
        rest = chunk_tail(file->state, chunk, chunk->done + at);
        if (rest == NULL) {
            return NULL;
        }
        rest->next = chunk->next;
        before = chunk;
        link = &chunk->next;
    }
    *link = NULL;
    file->wlast = before;
    file->wlen -= keep;
    return rest;
}

/* Put them back. */
static void
held_join(FileObject *file, struct chunk *rest, size_t keep)
{
    if (rest == NULL) {
        return;
    }
    if (file->wlast != NULL) {
        file->wlast->next = rest;
    }
    else {
        file->wfirst = rest;
    }
    file->wlast = rest;
    while (file->wlast->next != NULL) {
        file->wlast = file->wlast->next;
    }
    file->wlen += keep;
}

int
file_hand_over(FileObject *file, struct port *port)
{
    size_t keep = file->shared ? 0 : held_bytes(file);
    if (keep == file->wlen) {
        return 0;
    }
    struct chunk *rest = held_cut(file, keep);
    if (rest == NULL && keep > 0) {
        return -ENOMEM; /* all of it stays */
    }
    int rc = file_start(file, port, IO_WRITE);
    held_join(file, rest, keep);
    return rc;
}

/* ---- others come to see the descriptor ---- */

/* The last bytes of the list, in order, to the room at to. */
static void
held_copy(const struct chunk *chunk, char *to)
{
    for (; chunk != NULL; chunk = chunk->next) {
        size_t n = chunk->len - chunk->done;
        memcpy(to, chunk->data + chunk->done, n);
        to += n;
    }
}

/* What TextIOWrapper would still have goes to out: 0, or -1: no memory. */
static int
held_share_text(FileObject *file)
{
    struct buffer *out = &file->text->out;
    size_t shift, n = file->text->pending;
    n = n < file->wlen ? n : file->wlen;
    if (buffer_reserve(out, n, &shift) < 0) {
        return -1;
    }
    struct chunk *rest = held_cut(file, n);
    if (rest == NULL && n > 0) {
        return -1;
    }
    file->text->pending = 0;
    held_copy(rest, out->data + out->end);
    out->end += n;
    chunk_free_all(file->state, rest);
    return 0;
}

/* What io's buffer would have before the n bytes of the list. */
static size_t
held_before(const FileObject *file)
{
    return file->held_at > file->wlen ? file->held_at - file->wlen : 0;
}

int
held_share(FileObject *file)
{
    size_t shift, keep = held_bytes(file);
    /* Elsewhere a write might hang: there it stays for the next flush. */
    if (file->device >= DEVICE_LOCAL && file->wlen > keep) {
        struct chunk *rest = held_cut(file, keep);
        if (rest == NULL && keep > 0) {
            return -1;
        }
        (void)file_run_now(file, IO_WRITE);
        held_join(file, rest, keep);
    }
    if (file->text != NULL) {
        return held_share_text(file);
    }
    if (!(file->flags & MODE_READ)) {
        return 0;
    }
    return buffer_reserve(&file->rbuf, held_before(file) + file->wlen, &shift);
}

void
held_share_exact(FileObject *file)
{
    size_t before = held_before(file), n = file->wlen;
    struct buffer *rbuf = &file->rbuf;
    buffer_reset(rbuf);
    assert(rbuf->cap >= before + n); /* held_share */
    if (before > 0) {
        memset(rbuf->data, 0, before); /* nobody can go back there */
    }
    held_copy(file->wfirst, rbuf->data + before);
    chunk_free_all(file->state, file->wfirst);
    file->wfirst = file->wlast = NULL;
    file->wlen = 0;
    file->writing = false;
    rbuf->pos = rbuf->end = before + n;
    file->raw = file->woff + (off_t)n;
    file->rewind = -(off_t)n;
    file->wfrom = before;
    file->wto = before + n;
    file->owes = true;
    file->from = 0;
    file->filled = before > 0;
}
