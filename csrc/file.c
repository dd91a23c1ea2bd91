/* file.c - where a file is, by which route it goes, who sees its offset.
 *
 * Loop thread, with the GIL.
 */
#include "exact.h"
#include "file.h"

#include <fcntl.h>

#include "prefetch.h"
#include "text.h"

/* ---- position and routes ---- */

off_t
file_position(const FileObject *file)
{
    if (file->writing) {
        return file->woff + (off_t)file->wlen;
    }
    size_t at = file->text != NULL ? file->text->end : file->rbuf.pos;
    return file->raw - (off_t)(file->rbuf.end - at);
}

bool
file_is_drained(const FileObject *file)
{
    const struct text *text = file->text;
    if (file->fd < 0 || file->writing) {
        return false;
    }
    if (text == NULL) {
        return buffer_avail(&file->rbuf) == 0;
    }
    return text->decoded == NULL && text->cur == file->rbuf.end;
}

bool
file_meta_inline(const FileObject *file)
{
    return file->device >= DEVICE_LOCAL && file->regular
           && file->state->inline_io;
}

bool
file_data_inline(const FileObject *file)
{
    return file_meta_inline(file)
           && (file->nowait || file->mapped || file->device == DEVICE_MEMORY);
}

/* How many reads, one after the other, a worker makes to have the time of
 * access noted: then it seems not to be noted at all, as with O_NOATIME. */
enum { TOUCH_MOST = 16 };

bool
file_touches(FileObject *file)
{
    struct stat st;
    uint64_t mount;
    if (!file->touchy) {
        return false;
    }
    file->touchy = file->touches < TOUCH_MOST
                   && sys_peek_stat(file->fd, &st, &mount) == 0
                   && io_is_due(&st);
    file->touches += file->touchy; /* and the read after that asks again */
    return file->touchy;
}

bool
file_close_inline(const FileObject *file)
{
    struct stat st;
    uint64_t mount;
    if (!file_meta_inline(file)) {
        return false;
    }
    return sys_peek_stat(file->fd, &st, &mount) < 0 || st.st_nlink > 0;
}

/* Built-in open reads in whole blocks, from where reading began. */
bool
file_block(const FileObject *file, off_t *start, off_t *limit)
{
    off_t at = file_position(file), block = (off_t)file->bufsize;
    off_t high = at > file->high ? at : file->high;
    if (file->text != NULL || block == 0 || high <= file->base
        || !file->regular || file->writing) {
        return false;
    }
    *start = file->base + (high - file->base - 1) / block * block;
    *limit = *start + block;
    return true;
}

void
file_no_block(FileObject *file)
{
    file->base = file->high = file_position(file);
    file->end = -1;
}

void
file_set_blocking(FileObject *file)
{
    if (file->nonblock) {
        int flags = fcntl(file->fd, F_GETFL);
        (void)fcntl(file->fd, F_SETFL, flags & ~O_NONBLOCK);
        file->nonblock = false;
    }
}

/* What lies behind the newest chunk of text, or behind what io's buffer has of
 * it, was not read, as others see it. */
static void
file_drop_text_ahead(FileObject *file)
{
    const struct text *text = file->text;
    if (text != NULL) {
        size_t end = text->till > text->end ? text->till : text->end;
        file->raw -= (off_t)(file->rbuf.end - end);
        file->rbuf.end = end;
    }
}

bool
file_is_reentered(FileObject *file)
{
    if (file->head == NULL || file->head->status != OP_RUNNING) {
        return false;
    }
    PyErr_Format(PyExc_RuntimeError, "reentrant call inside %R",
                 (PyObject *)file);
    return true;
}

int
file_share_now(FileObject *file)
{
    if (file->shared) {
        return 0;
    }
    assert(!file->busy);
    file_set_blocking(file);
    prefetch_free(file);
    bool written = file->writing;
    int rc = 0;
    if (written) {
        rc = held_share(file);
    }
    else if (file->text != NULL) {
        file_drop_text_ahead(file);
    }
    else if (file->regular && file->bufsize != 0) {
        rc = exact_share(file);
    }
    if (rc < 0) {
        PyErr_NoMemory();
        return -1;
    }
    (void)sys_lseek(file->fd, file->writing ? file->woff : file->raw,
                    SEEK_SET);
    file->threshold = file->bufsize;
    file->shared = true;
    exact_begin(file);
    if (file->exact && written) {
        held_share_exact(file);
    }
    else if (file->exact) {
        file->from = file->device < DEVICE_LOCAL ? file->rbuf.pos : 0;
    }
    return 0;
}

int
file_share_settled(FileObject *file)
{
    file->sharing = false;
    if (file->head != NULL) {
        op_restart(file->head); /* it has counted on explicit offsets */
    }
    return file_share_now(file);
}

int
file_share(FileObject *file)
{
    if (file->shared || file->fd < 0) {
        return 0;
    }
    if (file_is_reentered(file)) {
        return -1;
    }
    if (file->busy && file->device < DEVICE_LOCAL && file->regular
        && !pool_lost(file->state->pool, &file->io.job)) {
        file_reap(file, false);
        if (file->busy) {
            file->sharing = true; /* it may hang */
            return 0;
        }
    }
    file_settle(file);
    /* Or that was close(). */
    return file->fd >= 0 ? file_share_settled(file) : 0;
}
