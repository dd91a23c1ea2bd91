/* place.c - where a name leads to, as far as the kernel has it cached.
 *
 * Any thread, no Python.  The deepest part of a name that is cached is looked
 * for from its end: mostly that is the file, or its directory.  A mount point
 * is always cached, so a name behind it never counts as one above it; only a
 * link whose target is not cached leads who knows where.
 */
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys.h"

/* Bytes in the kernel's cache: to free them takes 0.1 ms or more. */
enum { PLACE_LARGE = 1 << 20 };

/* The class of what an open descriptor refers to. */
static void
place_take(struct place *place, const struct device_table *table, int fd,
           bool found)
{
    struct stat st;
    uint64_t mount;
    place->kind = PLACE_HANGS;
    place->found = found;
    if (sys_peek_stat(fd, &st, &mount) < 0) {
        return;
    }
    place->fifo = found && S_ISFIFO(st.st_mode);
    place->large = found && S_ISREG(st.st_mode) && st.st_size >= PLACE_LARGE;
    place->disk = device_disk(&st);
    place->key = device_key(&st, mount);
    enum device_class device = device_lookup(table, place->key);
    if (device >= DEVICE_LOCAL) {
        place->kind = PLACE_LOCAL;
    }
    else if (device == DEVICE_UNKNOWN
             && (place->line = sys_mount_line(fd)) != 0) {
        place->kind = PLACE_STRANGE;
    }
}

/* A descriptor that somebody has opened: pipes and sockets are on no mount,
 * and a call that only asks what they are does not wait. */
static void
place_take_given(struct place *place, const struct device_table *table, int fd)
{
    struct stat st;
    uint64_t mount;
    int rc = sys_peek_stat(fd, &st, &mount);
    if (rc == 0 && !S_ISFIFO(st.st_mode) && !S_ISSOCK(st.st_mode)
        && !S_ISCHR(st.st_mode)) {
        place_take(place, table, fd, true);
    }
}

/* The directory `above` is cached, and what `part` leads to from there is not:
 * a link may lead to any place. */
static void
place_take_above(struct place *place, const struct device_table *table,
                 int above, const char *part, bool follow)
{
    struct stat st;
    uint64_t mount;
    place_take(place, table, above, false);
    int fd = follow && place->kind != PLACE_HANGS
                 ? sys_peek_open(above, part, O_NOFOLLOW)
                 : -1;
    if (fd < 0) {
        return;
    }
    if (sys_peek_stat(fd, &st, &mount) < 0 || S_ISLNK(st.st_mode)) {
        place->kind = PLACE_HANGS;
    }
    (void)sys_close(fd);
}

/* The part of a name before its last component, without slashes at its end
 * unless it is nothing else. */
static size_t
above_length(const char *name, size_t len)
{
    while (len > 0 && name[len - 1] != '/') {
        len--;
    }
    while (len > 1 && name[len - 1] == '/') {
        len--;
    }
    return len;
}

/* The name as a whole is not cached: look for the directory that it is in, or
 * the one above, or ... */
static void
place_climb(struct place *place, const struct device_table *table, int dir,
            char *name, size_t len, bool follow)
{
    char part[NAME_MAX + 1]; /* leads on from that directory */
    for (bool last = true;; last = false) {
        while (len > 1 && name[len - 1] == '/') {
            len--;
        }
        size_t above = above_length(name, len), start = above;
        while (start < len && name[start] == '/') {
            start++;
        }
        if (len - start > NAME_MAX) {
            return; /* no file system has it */
        }
        memcpy(part, name + start, len - start);
        part[len - start] = '\0';
        name[above] = '\0';
        int fd = sys_peek_open(dir, above > 0 ? name : ".", 0);
        if (fd >= 0) {
            place_take_above(place, table, fd, part, follow || !last);
            (void)sys_close(fd);
        }
        if (fd >= 0 || above == 0 || fd == -EMFILE || fd == -ENFILE) {
            return;
        }
        len = above;
    }
}

void
place_find(struct place *place, const struct device_table *table, int dir,
           const char *name, bool follow)
{
    char copy[PATH_MAX];
    *place = (struct place){.kind = PLACE_LOCAL};
    if (name == NULL) {
        place_take_given(place, table, dir);
        return;
    }
    int fd = sys_peek_open(dir, name, follow ? 0 : O_NOFOLLOW);
    size_t len = strlen(name);
    if (fd >= 0) {
        place_take(place, table, fd, true);
        (void)sys_close(fd);
    }
    else if (fd == -EOPNOTSUPP) {
        place->found = true;
    }
    else if (len > 0 && len < sizeof(copy)) {
        memcpy(copy, name, len + 1);
        place_climb(place, table, dir, copy, len, follow);
    }
}

/* ---- by a worker ---- */

/* Whether a list of options has one of a mount that reading does not change. */
static bool
is_still(const char *options)
{
    for (const char *at = options; *at != '\0'; at++) {
        size_t len = strcspn(at, ", \n");
        if ((len == 2 && memcmp(at, "ro", 2) == 0)
            || (len == 7 && memcmp(at, "noatime", 7) == 0)) {
            return true;
        }
        at += len;
        if (*at != ',') {
            break;
        }
    }
    return false;
}

/* The options of the mount, in a line of mountinfo: its sixth field. */
static const char *
line_options(const char *line)
{
    for (int field = 1; field < 6; field++) {
        line += strcspn(line, " ");
        line += *line != '\0';
    }
    return line;
}

void
place_learn(struct place *place, struct device_table *table)
{
    char *line = NULL;
    size_t room = 0;
    FILE *mounts = fopen("/proc/self/mountinfo", "re");
    if (mounts == NULL) {
        place->kind = PLACE_LOCAL; /* nobody can say */
        return;
    }
    place->kind = PLACE_HANGS;
    while (getline(&line, &room, mounts) > 0) {
        /* "36 35 98:0 / /mnt rw,noatime master:1 - ext3 /dev/root rw"; a
         * space in a name is written otherwise. */
        char *type = strstr(line, " - ");
        if (type == NULL || strtoull(line, NULL, 10) != place->line) {
            continue;
        }
        type += 3;
        type[strcspn(type, " ")] = '\0';
        enum device_class device = device_if_still(
            device_classify_name(type), is_still(line_options(line)));
        device_note(table, place->key, device);
        place->kind = device >= DEVICE_LOCAL ? PLACE_LOCAL : PLACE_HANGS;
        break;
    }
    free(line);
    (void)fclose(mounts);
}

bool
place_look(struct device_table *table, const char *name)
{
    struct place place = {.kind = PLACE_LOCAL};
#ifdef O_PATH
    int fd = open(name, O_PATH | O_CLOEXEC);
    if (fd >= 0) {
        place_take(&place, table, fd, true);
        (void)sys_close(fd);
    }
    if (place.kind == PLACE_STRANGE) {
        place_learn(&place, table);
    }
#else
    (void)table;
    (void)name;
#endif
    return place.fifo || place.kind == PLACE_HANGS;
}
