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
    struct fs fs = {.call = call, .mode = 0777, .follow = true,
                    .devices = devices};
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
    check(!known || (slow.st[0].st_ino == fs.st[0].st_ino
                     && slow.st[0].st_dev == fs.st[0].st_dev
                     && slow.st[0].st_nlink == fs.st[0].st_nlink
                     && slow.st[0].st_mtim.tv_nsec
                            == fs.st[0].st_mtim.tv_nsec),
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
    (void)rmdir(kept);
    check(rmdir(base) == 0, "fs: nothing is left");
    device_table_destroy(devices);
}
