/* file.c - where a file is, by which route it goes, who sees its offset.
 *
 * Loop thread, with the GIL.
 */
#include "file.h"

#include <fcntl.h>

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
           && (file->nowait || file->device == DEVICE_MEMORY);
}

/* Built-in open reads in whole blocks, from where reading began: have the
 * bytes in the buffer that it would have, so that the offset of the descriptor
 * is where it would be.  (Text has its chunks already.)  This is a synchronous
 * call: on a device that may be slow nothing more is read. */
static void
file_fill_block(FileObject *file)
{
    struct buffer *rbuf = &file->rbuf;
    off_t at = file_position(file), block = (off_t)file->bufsize;
    off_t high = at > file->high ? at : file->high;
    if (file->text != NULL || block == 0 || high == file->base
        || !file->regular) {
        return;
    }
    off_t up = file->base + (high - file->base + block - 1) / block * block;
    size_t shift, want = (size_t)(up - at), have = buffer_avail(rbuf);
    if (want > have && file->device >= DEVICE_LOCAL
        && buffer_reserve(rbuf, want - have, &shift) == 0) {
        struct iovec iov = {rbuf->data + rbuf->end, want - have};
        ssize_t n = sys_readv(file->fd, &iov, 1, file->raw);
        if (n > 0) {
            rbuf->end += (size_t)n;
            file->raw += n;
        }
    }
    if (buffer_avail(rbuf) > want) {
        file->raw -= (off_t)(buffer_avail(rbuf) - want);
        rbuf->end = rbuf->pos + want;
    }
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

/* What lies behind the newest chunk of text was not read, as others see it. */
static void
file_drop_text_ahead(FileObject *file)
{
    if (file->text != NULL) {
        file->raw = file_position(file);
        file->rbuf.end = file->text->end;
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

void
file_share_now(FileObject *file)
{
    assert(!file->busy);
    if (file->shared) {
        return;
    }
    file_set_blocking(file);
    if (!file->writing) {
        file_drop_text_ahead(file);
        file_fill_block(file);
    }
    (void)sys_lseek(file->fd, file->writing ? file->woff : file->raw,
                    SEEK_SET);
    file->threshold = file->bufsize;
    file->shared = true;
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
    file_settle(file);
    if (file->head != NULL) {
        op_restart(file->head); /* it has counted on explicit offsets */
    }
    file_share_now(file);
    return 0;
}
