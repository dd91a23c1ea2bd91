/* beside.c - jobs of a file that run beside its queue: see beside.h.
 *
 * Loop thread, with the GIL.  Such a job refers to its file, whose descriptor
 * so stays open, and to the object that holds the bytes, until no worker can
 * look at them any more, whatever becomes of the operation.
 */
#include "beside.h"

#include "call.h"
#include "exact.h"

struct beside {
    struct call call; /* first */
    struct io io;     /* what the job does */
    FileObject *file; /* owned; NULL once the job is over */
    const char *name; /* of the operation's kind */
    off_t from, to;   /* the bytes that it is about; none for fsync */
    bool writes;
    struct beside *next, **link; /* file->beside */
};

static struct beside *
beside_of(OpObject *op)
{
    return (struct beside *)op->call;
}

/* ---- the order ---- */

/* A write up to `to` may move the end of the file for such a read. */
static bool
moves_end(const FileObject *file, off_t to, off_t read_from, off_t read_to)
{
    return to > file->extent && read_to > file->extent && to > read_from;
}

static bool
beside_meets_placed(const struct beside *one, const OpObject *op)
{
    off_t from, to;
    bool writes = op->kind->flags & OP_CHANGES;
    if (!positional_range(op, &from, &to) || (!one->writes && !writes)) {
        return false;
    }
    if (one->from < to && from < one->to) {
        return true;
    }
    return one->writes != writes
           && (writes ? moves_end(op->file, to, one->from, one->to)
                      : moves_end(op->file, one->to, from, to));
}

static bool
beside_meets(const struct beside *one, const OpObject *op)
{
    bool reads = one->from < one->to && !one->writes;
    if (op->kind->flags & OP_CLOSES) {
        return true;
    }
    if (op->kind->flags & OP_PLACED) {
        return (reads || one->writes) && beside_meets_placed(one, op);
    }
    return one->writes || (reads && op->kind->flags & OP_CHANGES);
}

bool
beside_holds_up(const OpObject *op)
{
    const struct beside *one = op->file->beside;
    while (one != NULL && !beside_meets(one, op)) {
        one = one->next;
    }
    return one != NULL;
}

enum step
beside_wait(OpObject *op)
{
    op->held_up = true;
    return STEP_BLOCK;
}

void
beside_adopt(FileObject *file, struct port *port)
{
    for (struct beside *one = file->beside; one != NULL; one = one->next) {
        port_adopt(port, &one->call.fs.job);
    }
}

/* ---- the life of one ---- */

/* The job's end, or that of its operation before it was begun: struct call
 * says so perhaps twice. */
static void
beside_over(struct call *call)
{
    struct beside *one = (struct beside *)call;
    FileObject *file = one->file;
    if (file == NULL) {
        return;
    }
    one->file = NULL;
    *one->link = one->next;
    if (one->next != NULL) {
        one->next->link = one->link;
    }
    if (one->io.done > 0 && !(one->writes && file->flags & MODE_APPEND)) {
        file_reached(file, one->io.off);
    }
    struct chunk *chunk = one->io.chunks;
    one->io.chunks = NULL;
    OpObject *head = file->head;
    if (head != NULL && head->held_up && !beside_holds_up(head)) {
        op_wake(head);
    }
    chunk_free_all(file->state, chunk);
    Py_DECREF(file); /* the job's, taken in beside_new */
}

/* Its job, which is in nobody's hands yet, is op's: 0, or -1 with an
 * exception. */
static int
beside_new(OpObject *op, const struct beside_work *work)
{
    FileObject *file = op->file;
    struct chunk *chunk = NULL;
    struct beside *one = PyMem_Calloc(1, sizeof(*one));
    if (one != NULL && work->steps & IO_WRITE) {
        chunk = chunk_new(file->state, 0);
    }
    if (one == NULL || (chunk == NULL && work->steps & IO_WRITE)) {
        PyMem_Free(one);
        PyErr_NoMemory();
        return -1;
    }
    if (chunk != NULL) {
        chunk->data = work->buf;
        chunk->len = work->len;
        chunk->owner = Py_NewRef(work->holder);
        one->io.chunks = chunk;
    }
    one->io.steps = work->steps;
    one->io.fd = file->fd;
    one->io.off = work->off;
    one->io.buf = work->buf;
    one->io.len = work->len;
    one->io.once = work->steps & IO_READ && !file->regular;
    one->io.pool = op->state->pool;
    one->call.given[0] = Py_XNewRef(work->holder);
    one->call.fs.call = FS_IO;
    one->call.fs.io = &one->io;
    one->call.fs.device = file->device;
    one->call.fs.place[0].disk = file->disk;
    one->call.fs.works = (work->steps & IO_READ
                          && work->len >= FILE_READ_WORKS)
                         || (work->steps & IO_WRITE
                             && work->len >= FILE_WRITE_WORKS);
    one->call.op = op;
    one->call.over = beside_over;
    one->name = op->kind->name;
    one->writes = work->steps & IO_WRITE;
    if (op->kind->flags & OP_PLACED) {
        (void)positional_range(op, &one->from, &one->to);
    }
    one->file = (FileObject *)Py_NewRef((PyObject *)file);
    one->next = file->beside;
    one->link = &file->beside;
    if (one->next != NULL) {
        one->next->link = &one->next;
    }
    file->beside = one;
    op->call = &one->call;
    return 0;
}

enum step
beside_submit(OpObject *op, const struct beside_work *work)
{
    if (beside_new(op, work) < 0) {
        return STEP_ERROR;
    }
    op_leave_queue(op);
    return call_submit(op);
}

enum step
beside_returned(OpObject *op, size_t *done)
{
    struct beside *one = beside_of(op);
    if (one->call.busy) {
        return STEP_BLOCK;
    }
    int err = one->io.err;
    *done = one->io.done;
    call_abandon(op);
    return err != 0 ? file_oserror(op->file, err, false) : STEP_DONE;
}

void
beside_forget_lost(FileObject *file)
{
    struct beside *one = file->beside, *next;
    for (; one != NULL; one = next) {
        next = one->next;
        if (pool_lost(file->state->pool, &one->call.fs.job)) {
            beside_over(&one->call);
        }
    }
}

const char *
beside_name(FileObject *file)
{
    beside_forget_lost(file);
    return file->beside == NULL ? NULL : file->beside->name;
}
