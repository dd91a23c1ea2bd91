/* fslist.c - a directory read to its end, in one trip.
 *
 * A worker's.  The entries lie one behind the other in fs->data, each a
 * header and its name, so that ten thousand of them are a few allocations.
 */
#include "fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of an entry in fs->data; the name follows, and a zero. */
struct entry_head {
    uint64_t ino;
    uint16_t len;
    uint8_t type;
    uint8_t flags;
};

enum { ENTRY_ASCII = 1, ENTRY_LEADS = 2 };

enum { LIST_ROOM = 8 << 10 }; /* bytes to begin with */

struct fs_entry
fs_entry_next(const char *data, size_t *at)
{
    struct entry_head head;
    memcpy(&head, data + *at, sizeof(head));
    struct fs_entry entry = {
        .ino = head.ino,
        .name = data + *at + sizeof(head),
        .len = head.len,
        .type = head.type,
        .ascii = head.flags & ENTRY_ASCII,
        .leads = head.flags & ENTRY_LEADS,
    };
    *at += sizeof(head) + head.len + 1;
    return entry;
}

char *
fs_grow(struct fs *fs, size_t n)
{
    if (n > fs->room - fs->size) {
        size_t room = fs->room > 0 ? fs->room : LIST_ROOM;
        while (room - fs->size < n) {
            room *= 2;
        }
        char *data = sys_realloc(fs->data, room);
        if (data == NULL) {
            return NULL;
        }
        fs->data = data;
        fs->room = room;
    }
    return fs->data + fs->size;
}

static bool
name_is_ascii(const char *name, size_t len)
{
    unsigned char all = 0;
    for (size_t i = 0; i < len; i++) {
        all |= (unsigned char)name[i];
    }
    return all < 128;
}

static unsigned char
type_of_mode(mode_t mode)
{
    return S_ISDIR(mode)    ? DT_DIR
           : S_ISREG(mode)  ? DT_REG
           : S_ISLNK(mode)  ? DT_LNK
           : S_ISFIFO(mode) ? DT_FIFO
           : S_ISSOCK(mode) ? DT_SOCK
           : S_ISCHR(mode)  ? DT_CHR
           : S_ISBLK(mode)  ? DT_BLK
                            : DT_UNKNOWN;
}

/* A file system that does not tell types along with names is asked here,
 * where it may take its time. */
static unsigned char
entry_type(int dir, const struct dirent *found)
{
    struct stat st;
    if (found->d_type == DT_UNKNOWN
        && sys_fstatat(dir, found->d_name, false, &st) == 0) {
        return type_of_mode(st.st_mode);
    }
    return found->d_type;
}

static int
list_add(struct fs *fs, int dir, const struct dirent *found)
{
    size_t len = strlen(found->d_name);
    struct entry_head head = {.ino = found->d_ino, .len = (uint16_t)len};
    struct stat st;

    head.type = entry_type(dir, found);
    if (name_is_ascii(found->d_name, len)) {
        head.flags |= ENTRY_ASCII;
    }
    if (head.type == DT_DIR
        || (fs->call == FS_WALK && head.type == DT_LNK
            && sys_fstatat(dir, found->d_name, true, &st) == 0
            && S_ISDIR(st.st_mode))) {
        head.flags |= ENTRY_LEADS;
    }
    char *to = fs_grow(fs, sizeof(head) + len + 1);
    if (to == NULL) {
        return -ENOMEM;
    }
    memcpy(to, &head, sizeof(head));
    memcpy(to + sizeof(head), found->d_name, len + 1);
    fs->size += sizeof(head) + len + 1;
    fs->entries++;
    return 0;
}

static bool
is_dots(const char *name)
{
    return name[0] == '.'
           && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

static int
list_read(struct fs *fs, DIR *stream)
{
    int dir = dirfd(stream), rc = 0;
    while (rc == 0) {
        errno = 0;
        const struct dirent *found = sys_fault(SYS_NAMES) ? NULL
                                                          : readdir(stream);
        if (found == NULL && errno == EINTR) {
            continue;
        }
        if (found == NULL) {
            return -errno; /* 0 at the end */
        }
        if (!is_dots(found->d_name)) {
            rc = list_add(fs, dir, found);
        }
    }
    return rc;
}

/* Of a path that may have become a link since its name was read, what it leads
 * to is not opened. */
static int
list_open(struct fs *fs, const struct fs_path *path)
{
    int flags = O_RDONLY | O_DIRECTORY | O_NONBLOCK;
    if (path->name != NULL) {
        bool bare = fs->call == FS_WALK && !fs->follow;
        return sys_open(path->name, flags | (bare ? O_NOFOLLOW : 0), 0);
    }
    int fd = sys_dup(path->fd);
    fs->early = fd < 0;
    return fd;
}

int
fs_list(struct fs *fs)
{
    const struct fs_path *path = &fs->path[0];
    struct stat st;
    int fd = list_open(fs, path);
    if (fd < 0) {
        fs->yes = fs->call == FS_WALK && !fs->follow
                  && sys_fstatat(AT_FDCWD, path->name, false, &st) == 0
                  && S_ISLNK(st.st_mode);
        return fs->yes ? 0 : fd;
    }
    if (sys_fstat(fd, &st) == 0) {
        fs->device = device_learn(fs->devices, fd, &st);
    }
    DIR *stream = sys_fault(SYS_MEMORY) ? NULL : fdopendir(fd);
    if (stream == NULL) {
        int rc = -errno;
        (void)sys_close(fd);
        return rc;
    }
    int rc = list_read(fs, stream);
    if (path->name == NULL) {
        rewinddir(stream); /* the offset is the caller's, too */
    }
    (void)closedir(stream);
    return rc;
}
