/* test_fs.c - calls of os as a worker makes them, with faults. */
#include "fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

static struct device_table *devices;
static char base[] = "/tmp/aiofiles_c-fs-XXXXXX";

/* A call on a name under base; its answer is the caller's to free. */
static struct fs
call_on(enum fs_call call, const char *name)
{
    static char whole[2][512];
    static int turn;
    struct fs fs = {
        .call = call, .mode = 0777, .follow = true, .devices = devices};
    char *path = whole[turn++ % 2];

    snprintf(path, sizeof(whole[0]), "%s/%s", base, name);
    fs.path[0].name = path;
    fs.path[0].len = strlen(path);
    fs.path[0].dir = fs.path[1].dir = AT_FDCWD;
    return fs;
}

static struct fs
done_on(enum fs_call call, const char *name)
{
    struct fs fs = call_on(call, name);
    fs_run(&fs.job);
    return fs;
}

static int
err_of(enum fs_call call, const char *name)
{
    struct fs fs = done_on(call, name);
    free(fs.data);
    return fs.err;
}

static size_t
entries_of(const char *name)
{
    struct fs fs = done_on(FS_LIST, name);
    size_t at = 0, n = 0;
    while (at < fs.size) {
        struct fs_entry entry = fs_entry_next(fs.data, &at);
        n += strlen(entry.name) == entry.len;
    }
    free(fs.data);
    return fs.err == 0 && n == fs.entries ? n : SIZE_MAX;
}

static void
test_trees(void)
{
    struct fs fs = done_on(FS_MAKEDIRS, "a/b/c");
    check(fs.err == 0 && fs.size == 2 * sizeof(struct fs_trace),
          "fs: a tree is made, and it is told what came before");
    free(fs.data);
    check(entries_of("a/b") == 1 && entries_of("a/b/c") == 0, "fs: lists");
    fs = done_on(FS_MAKEDIRS, "a/b/c");
    check(fs.err == EEXIST && fs.bad_len == fs.path[0].len,
          "fs: a directory that is there");
    free(fs.data);
    check(err_of(FS_REMOVEDIRS, "a/b/c") == 0
              && err_of(FS_STAT, "a") == ENOENT,
          "fs: a tree is removed as far as it is empty");
    check(mkdir(base, 0700) == 0 || errno == EEXIST, "fs: the base again");
}

static void
test_inline(void)
{
    struct fs fs = done_on(FS_MKDIR, "here");
    bool known;

    (void)err_of(FS_STAT, "here"); /* learns the device */
    fs = call_on(FS_STAT, "here");
    known = fs_try_inline(&fs);
    check(!known || (fs.err == 0 && S_ISDIR(fs.st[0].st_mode)),
          "fs: an answer at once is the right one");
    struct fs slow = done_on(FS_STAT, "here");
    check(!known
              || (slow.st[0].st_ino == fs.st[0].st_ino
                  && slow.st[0].st_dev == fs.st[0].st_dev
                  && slow.st[0].st_nlink == fs.st[0].st_nlink
                  && slow.st[0].st_mtim.tv_nsec == fs.st[0].st_mtim.tv_nsec),
          "fs: and the same that a worker gives");
    struct device_table *none = device_table_create();
    fs = call_on(FS_STAT, "here");
    fs.devices = none;
    check(!fs_try_inline(&fs), "fs: no answer at once of a strange device");
    device_table_destroy(none);
    (void)err_of(FS_RMDIR, "here");
}

static void
test_faults(void)
{
#ifdef AIOF_DEBUG
    sys_inject(SYS_NAMES, 0, 2, EINTR, 0);
    check(err_of(FS_MKDIR, "x") == 0, "fs: what is interrupted is retried");
    sys_inject(SYS_NAMES, 0, 1, EINTR, 0);
    check(err_of(FS_STATVFS, "x") == 0, "fs: so is a simple call");
    sys_inject(SYS_NAMES, 0, 1, EIO, 0);
    check(err_of(FS_RMDIR, "x") == EIO, "fs: another error is told");
    sys_inject(SYS_OPEN, 0, 1, EMFILE, 0);
    struct fs fs = call_on(FS_STAT, "x");
    check(!fs_try_inline(&fs), "fs: without descriptors a worker is asked");
    sys_inject(SYS_OPEN, 0, 0, 0, 0);
    check(err_of(FS_RMDIR, "x") == 0, "fs: and removed");
#endif
}

/* ---- copies ---- */

static void
write_file(const char *name, size_t size)
{
    struct fs at = call_on(FS_STAT, name);
    FILE *file = fopen(at.path[0].name, "wb");
    for (size_t i = 0; file != NULL && i < size; i++) {
        (void)putc((int)(i * 2654435761u >> 24), file);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

static bool
same_bytes(const char *name, const char *other)
{
    struct fs one = call_on(FS_STAT, name), two = call_on(FS_STAT, other);
    FILE *a = fopen(one.path[0].name, "rb");
    FILE *b = fopen(two.path[0].name, "rb");
    int x = 0, y = 0;
    while (a != NULL && b != NULL && x == y && x != EOF) {
        x = getc(a);
        y = getc(b);
    }
    bool same = a != NULL && b != NULL && x == EOF && y == EOF;
    if (a != NULL) {
        (void)fclose(a);
    }
    if (b != NULL) {
        (void)fclose(b);
    }
    return same;
}

static struct fs
copy_on(const char *from, const char *to)
{
    struct fs fs = call_on(FS_COPY, from);
    fs.path[1] = call_on(FS_COPY, to).path[0];
    fs.copy = fs_copy_new();
    return fs;
}

/* Copy to the end, and say how many runs it took; 0: an error, or what is
 * left open. */
static int
copy_whole(struct fs *fs)
{
    int runs = 0;
    do {
        fs_run(&fs->job);
        runs++;
    } while (fs->err == 0 && fs->copy->more);
    return fs->err == 0 && !fs_copy_is_open(fs->copy) ? runs : 0;
}

static int
copied(const char *from, const char *to, size_t slice)
{
    struct fs fs = copy_on(from, to);
    fs.copy->slice = slice;
    int runs = copy_whole(&fs);
    fs_copy_free(fs.copy);
    return same_bytes(from, to) ? runs : 0;
}

static void
test_copies(void)
{
    const size_t mib = (size_t)1 << 20;
    write_file("source", 9 * mib + 5);
    write_file("empty", 0);
    check(copied("source", "target", SIZE_MAX) >= 1, "copy: every byte");
    check(copied("source", "target", mib) >= 1, "copy: by slices, over it");
    check(copied("empty", "target", SIZE_MAX) == 1, "copy: of nothing");

    struct fs fs = copy_on("source", "source");
    fs_run(&fs.job);
    check(fs.err == 0 && fs.copy->declined && !fs_copy_is_open(fs.copy),
          "copy: onto itself is declined");
    fs_copy_free(fs.copy);
    check(copied("source", "target", SIZE_MAX) >= 1, "copy: and it is whole");
    fs = copy_on("missing", "never");
    fs_run(&fs.job);
    check(fs.copy->declined && err_of(FS_STAT, "never") == ENOENT,
          "copy: without a source nothing is made");
    fs_copy_free(fs.copy);

    fs = copy_on("source", "target");
    fs_copy_stop(fs.copy);
    fs_run(&fs.job);
    check(fs.err == ECANCELED && !fs_copy_is_open(fs.copy),
          "copy: stopped before it began");
    fs_copy_free(fs.copy);
#ifdef AIOF_DEBUG
    /* By the plain way, which has slices whatever the file system. */
    sys_inject(SYS_COPY, 0, 1000, EOPNOTSUPP, 0);
    fs = copy_on("source", "target");
    fs.copy->slice = mib;
    fs_run(&fs.job);
    check(fs.err == 0 && fs.copy->more && fs_copy_is_open(fs.copy),
          "copy: open between two runs");
    fs_copy_stop(fs.copy);
    fs_run(&fs.job);
    check(!fs.copy->more && !fs_copy_is_open(fs.copy),
          "copy: stopped between two runs it closes");
    fs_copy_free(fs.copy);
    check(copied("source", "target", mib) > 4, "copy: a run for each slice");
    sys_inject(SYS_READV, 1, 5, EINTR, 0);
    sys_inject(SYS_WRITEV, 1, 40, 0, 1000);
    check(copied("source", "target", SIZE_MAX) >= 1,
          "copy: interrupted, and written by bits");
    sys_inject(SYS_WRITEV, 3, 1, ENOSPC, 0);
    fs = copy_on("source", "target");
    check(copy_whole(&fs) == 0 && fs.err == ENOSPC
              && !fs_copy_is_open(fs.copy),
          "copy: a full disk is told, and both are closed");
    fs_copy_free(fs.copy);
    sys_inject(SYS_CLOSE, 1, 1, EIO, 0);
    fs = copy_on("source", "target");
    check(copy_whole(&fs) == 0 && fs.err == EIO,
          "copy: what closing has to tell is told");
    fs_copy_free(fs.copy);
    sys_inject(SYS_CLOSE, 0, 0, 0, 0);
    /* Each way gives place to the next, in the middle as well. */
    for (int way = 1; way <= 5; way++) {
        sys_inject(SYS_COPY, way, 1000, EIO, 0);
        check(copied("source", "target", SIZE_MAX) >= 1,
              "copy: a way that ends is followed by another");
    }
    sys_inject(SYS_COPY, 0, 0, 0, 0);
#endif
    (void)err_of(FS_UNLINK, "source");
    (void)err_of(FS_UNLINK, "empty");
    check(err_of(FS_UNLINK, "target") == 0, "copy: removed");
}

void
test_fs(void)
{
    devices = device_table_create();
    if (devices == NULL || mkdtemp(base) == NULL) {
        check(false, "fs: a temporary directory");
        return;
    }
    char kept[sizeof(base) + 8];
    snprintf(kept, sizeof(kept), "%s/kept", base);
    check(mkdir(kept, 0700) == 0, "fs: something to keep the base");
    test_trees();
    test_inline();
    test_faults();
    test_copies();
    (void)rmdir(kept);
    check(rmdir(base) == 0, "fs: nothing is left");
    device_table_destroy(devices);
}
