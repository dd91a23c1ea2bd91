/* fstree.c - calls that follow a path up or down: makedirs, removedirs,
 * renames, and the question where a file system is mounted.
 *
 * A worker's.  They go through the parts of a path as os and os.path do: a
 * path is split at its last slash, and the slashes before that go with it.
 */
#include "fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A path that is being followed: its first len bytes, terminated. */
struct trail {
    struct fs *fs;
    char *name; /* a copy, with a zero at len */
    size_t len;
    char cut;           /* what the zero stands for */
    unsigned char path; /* index of fs->path */
};

static int
trail_start(struct trail *trail, struct fs *fs, unsigned char path)
{
    const struct fs_path *from = &fs->path[path];
    trail->fs = fs;
    trail->path = path;
    trail->len = from->len;
    trail->cut = '\0';
    trail->name = sys_alloc(from->len + 1);
    if (trail->name == NULL) {
        return -ENOMEM;
    }
    memcpy(trail->name, from->name, from->len + 1);
    return 0;
}

static void
trail_set(struct trail *trail, size_t len)
{
    trail->name[trail->len] = trail->cut;
    trail->len = len;
    trail->cut = trail->name[len];
    trail->name[len] = '\0';
}

/* Where the last part of the first len bytes starts. */
static size_t
tail_start(const char *name, size_t len)
{
    while (len > 0 && name[len - 1] != '/') {
        len--;
    }
    return len;
}

/* The length of what is before the last part, without the slashes at its
 * end, unless it is nothing else. */
static size_t
head_len(const char *name, size_t len)
{
    size_t tail = tail_start(name, len), head = tail;
    while (head > 0 && name[head - 1] == '/') {
        head--;
    }
    return head > 0 ? head : tail;
}

/* The parent of the trail: the length of its name, and where the last part
 * begins and ends; a slash at the end of the name is looked past.  0 if there
 * is no parent to speak of. */
static size_t
trail_parent(const struct trail *trail, size_t *tail, size_t *end)
{
    *end = trail->len;
    *tail = tail_start(trail->name, *end);
    size_t head = head_len(trail->name, *end);
    if (*tail == *end) {
        *end = head;
        *tail = tail_start(trail->name, *end);
        head = head_len(trail->name, *end);
    }
    return *tail < *end ? head : 0;
}

static int
trail_note(struct trail *trail, bool removes)
{
    struct fs_trace trace = {trail->path, removes, trail->len};
    char *to = fs_grow(trail->fs, sizeof(trace));
    if (to == NULL) {
        return -ENOMEM;
    }
    memcpy(to, &trace, sizeof(trace));
    trail->fs->size += sizeof(trace);
    return 0;
}

/* The error of this step is about the trail as it is now. */
static int
trail_blame(const struct trail *trail, int rc)
{
    if (rc < 0) {
        trail->fs->bad = trail->path;
        trail->fs->bad_len = trail->len;
    }
    return rc;
}

static bool
trail_is(const struct trail *trail, bool directory)
{
    struct stat st;
    return sys_fstatat(AT_FDCWD, trail->name, true, &st) == 0
           && (!directory || S_ISDIR(st.st_mode));
}

static int
trail_mkdir(struct trail *trail, unsigned mode, bool exist_ok)
{
    int rc = sys_mkdirat(AT_FDCWD, trail->name, (mode_t)mode);
    if (rc < 0 && exist_ok && trail_is(trail, true)) {
        rc = 0;
    }
    return trail_blame(trail, rc);
}

/* The lengths of the path and of those of its parents that are not there, in
 * *lens, the highest last: their number, or -errno. */
static ssize_t
trail_climb(struct trail *trail, size_t **lens)
{
    size_t n = 0, room = 8, tail, end;
    *lens = sys_alloc(room * sizeof(**lens));
    while (*lens != NULL) {
        (*lens)[n++] = trail->len;
        size_t head = trail_parent(trail, &tail, &end);
        if (head == 0) {
            return (ssize_t)n;
        }
        trail_set(trail, head);
        if (trail_is(trail, false)) {
            return (ssize_t)n;
        }
        if (n == room) {
            room *= 2;
            size_t *more = sys_realloc(*lens, room * sizeof(**lens));
            if (more == NULL) {
                break;
            }
            *lens = more;
        }
    }
    free(*lens);
    return -ENOMEM;
}

/* Whether the last part is a dot, which exists once the parent does. */
static bool
trail_ends_in_dot(const struct trail *trail)
{
    size_t tail, end;
    (void)trail_parent(trail, &tail, &end);
    return end - tail == 1 && trail->name[tail] == '.';
}

/* Make the directory at the trail and those above it that are missing. */
static int
trail_makedirs(struct trail *trail, unsigned mode, bool exist_ok)
{
    size_t *lens;
    ssize_t n = trail_climb(trail, &lens);
    if (n < 0) {
        return (int)n;
    }
    int rc = 0;
    for (ssize_t i = n - 1; i >= 0 && rc == 0; i--) {
        bool parent = i > 0;
        trail_set(trail, lens[i]);
        if (i < n - 1 && trail_ends_in_dot(trail)) {
            continue;
        }
        if (parent) {
            rc = trail_note(trail, false);
        }
        if (rc == 0) {
            rc = trail_mkdir(trail, parent ? 0777 : mode, exist_ok);
        }
        if (parent && rc == -EEXIST) {
            rc = 0; /* somebody else has made it meanwhile */
        }
    }
    free(lens);
    return rc;
}

int
fs_makedirs(struct fs *fs)
{
    struct trail trail;
    int rc = trail_start(&trail, fs, 0);
    if (rc == 0) {
        rc = trail_makedirs(&trail, fs->mode, fs->exist_ok);
        free(trail.name);
    }
    return rc;
}

/* Remove the directories above the trail as long as they are empty. */
static void
trail_prune(struct trail *trail)
{
    size_t tail, end, head = trail_parent(trail, &tail, &end);
    while (head > 0) {
        trail_set(trail, head);
        if (trail_note(trail, true) < 0
            || sys_unlinkat(AT_FDCWD, trail->name, AT_REMOVEDIR) < 0) {
            return;
        }
        /* As os does it: after the first step a slash at the end, which only
         * the root has, is its end. */
        tail = tail_start(trail->name, trail->len);
        head = tail < trail->len ? head_len(trail->name, trail->len) : 0;
    }
}

int
fs_removedirs(struct fs *fs)
{
    struct trail trail;
    int rc = sys_unlinkat(AT_FDCWD, fs->path[0].name, AT_REMOVEDIR);
    if (rc == 0 && trail_start(&trail, fs, 0) == 0) {
        trail_prune(&trail);
        free(trail.name);
    }
    return rc;
}

/* The directory that a new name needs. */
static int
renames_prepare(struct fs *fs)
{
    struct trail trail;
    int rc = trail_start(&trail, fs, 1);
    if (rc < 0) {
        return rc;
    }
    size_t head = head_len(trail.name, trail.len);
    if (head > 0 && tail_start(trail.name, trail.len) < trail.len) {
        trail_set(&trail, head);
        if (!trail_is(&trail, false)) {
            rc = trail_note(&trail, false);
            rc = rc < 0 ? rc : trail_makedirs(&trail, 0777, false);
        }
    }
    free(trail.name);
    return rc;
}

int
fs_renames(struct fs *fs)
{
    struct trail trail;
    int rc = renames_prepare(fs);
    if (rc == 0) {
        fs->bad = 0; /* from here on it is about both */
        fs->bad_len = 0;
        rc = sys_renameat(AT_FDCWD, fs->path[0].name, AT_FDCWD,
                          fs->path[1].name);
    }
    if (rc < 0 || trail_start(&trail, fs, 0) < 0) {
        return rc;
    }
    if (tail_start(trail.name, trail.len) < trail.len) {
        trail_prune(&trail);
    }
    free(trail.name);
    return 0;
}

/* The directory above path, whose own st is known and which is no link. */
static int
stat_above(const struct fs_path *path, const struct stat *own, struct stat *st)
{
    size_t len = path->len, tail = tail_start(path->name, len);
    char *name = sys_alloc(len + 4);
    if (name == NULL) {
        return -ENOMEM;
    }
    memcpy(name, path->name, len + 1);
    int rc = -ENOTDIR;
    if (S_ISDIR(own->st_mode)) {
        memcpy(name + len, "/..", 4);
        rc = sys_fstatat(AT_FDCWD, name, true, st);
        name[len] = '\0';
    }
    bool dots = name[tail] == '.'
                && (len - tail == 1
                    || (len - tail == 2 && name[tail + 1] == '.'));
    if (rc < 0 && tail < len && !dots) {
        /* No directory, or one that may not be entered. */
        size_t head = head_len(name, len);
        name[head] = '\0';
        rc = sys_fstatat(AT_FDCWD, head > 0 ? name : ".", true, st);
    }
    free(name);
    return rc;
}

int
fs_is_mount(struct fs *fs)
{
    int rc = sys_fstatat(AT_FDCWD, fs->path[0].name, false, &fs->st[0]);
    if (rc < 0 || S_ISLNK(fs->st[0].st_mode)) {
        return rc;
    }
    rc = stat_above(&fs->path[0], &fs->st[0], &fs->st[1]);
    fs->yes = rc == 0
              && (fs->st[0].st_dev != fs->st[1].st_dev
                  || fs->st[0].st_ino == fs->st[1].st_ino);
    return rc;
}
