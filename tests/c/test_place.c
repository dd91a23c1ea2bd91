/* test_place.c - where names lead to, as far as the kernel has it cached. */
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "sys.h"

static char base[] = "/tmp/aiofiles_c-place-XXXXXX";
static struct device_table *table;
static enum place_kind home; /* of what is under base, once it is known */

static struct place
place_of(const char *format, const char *part, bool follow)
{
    char name[PATH_MAX + NAME_MAX];
    struct place place;
    snprintf(name, sizeof(name), format, base, part);
    place_find(&place, table, AT_FDCWD, name, follow);
    return place;
}

/* Whether this kernel and build find anything at all. */
static bool
can_find(void)
{
    int fd = sys_peek_open(AT_FDCWD, base, 0);
    if (fd >= 0) {
        (void)sys_close(fd);
    }
    return fd >= 0;
}

static void
test_learn(void)
{
    struct place place = place_of("%s%s", "", true);
    check(place.kind == PLACE_STRANGE && place.found,
          "place: a mount that nobody has met");
    int fd = sys_open(base, O_RDONLY | O_DIRECTORY, 0);
    struct device_table *other = device_table_create();
    struct stat st;
    (void)sys_fstat(fd, &st);
    enum device_class device = device_learn(other, fd, &st);
    place_learn(&place, table);
    home = place.kind;
    check(home == (device >= DEVICE_LOCAL ? PLACE_LOCAL : PLACE_HANGS)
              && device_lookup(table, place.key) == device,
          "place: mountinfo says what statfs does");
    check(place_of("%s%s", "", true).kind == home, "place: known from then");
    place_find(&place, table, AT_FDCWD, "/proc/self/status", true);
    if (place.kind == PLACE_STRANGE) {
        place_learn(&place, table);
    }
    check(place.kind == PLACE_HANGS, "place: not a disk");
    (void)sys_close(fd);
    device_table_destroy(other);
}

static void
test_names(void)
{
    char name[PATH_MAX + 2];
    struct place place = place_of("%s/%s", "file", true);
    check(place.kind == home && place.found && !place.fifo, "place: a file");
    place = place_of("%s/none/%s//", "at/all", true);
    check(place.kind == home && !place.found,
          "place: a name that is not there is where its directory is");
    place = place_of("%s/%s", "link", true);
    check(place.kind == PLACE_HANGS && !place.found,
          "place: a link may lead to any place");
    place = place_of("%s/%s/x", "link", false);
    check(place.kind == PLACE_HANGS, "place: also in the middle of a name");
    place = place_of("%s/%s", "link", false);
    check(place.kind == home && place.found, "place: a link itself does not");
    place = place_of("%s/%s", "fifo", true);
    check(place.kind == home && place.fifo, "place: a FIFO");
    memset(name, 'x', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    place = place_of("%s/%s", name, true);
    check(!place.found, "place: a name that is too long");
    name[NAME_MAX + 1] = '\0';
    place = place_of("%s/%s", name, true);
    check(!place.found, "place: a part of it that is too long");
    place_find(&place, table, AT_FDCWD, "", true);
    check(!place.found, "place: no name");
    place_find(&place, table, AT_FDCWD, "//", true);
    check(place.found, "place: the root");
}

static void
test_descriptors(void)
{
    struct place place;
    int pipes[2];
    int fd = sys_open(base, O_RDONLY | O_DIRECTORY, 0);
    place_find(&place, table, fd, "file", true);
    check(place.kind == home && place.found, "place: from a directory");
    place_find(&place, table, fd, "none/x", true);
    check(place.kind == home && !place.found, "place: not there from it");
    place_find(&place, table, fd, NULL, true);
    check(place.kind == home && place.found, "place: a descriptor");
    (void)sys_close(fd);
    if (pipe(pipes) == 0) {
        place_find(&place, table, pipes[0], NULL, true);
        check(place.kind == PLACE_LOCAL, "place: a pipe does not hang");
        (void)sys_close(pipes[0]);
        (void)sys_close(pipes[1]);
    }
}

static void
test_look(void)
{
    char name[PATH_MAX];
    snprintf(name, sizeof(name), "%s/fifo", base);
    check(place_look(table, name), "place: a FIFO, seen by a worker");
    snprintf(name, sizeof(name), "%s/file", base);
    check(place_look(table, name) == (home == PLACE_HANGS),
          "place: a file, seen by a worker");
    snprintf(name, sizeof(name), "%s/none", base);
    check(!place_look(table, name), "place: nothing, seen by a worker");
}

static void
make(char what, const char *part)
{
    char name[PATH_MAX];
    snprintf(name, sizeof(name), "%s/%s", base, part);
    int rc = what == 'f' ? sys_close(sys_open(name, O_CREAT | O_WRONLY, 0600))
             : what == 'p' ? mkfifo(name, 0600)
             : what == 'l' ? symlink("not there/at all", name)
                           : unlink(name);
    check(rc == 0, part);
}

void
test_place(void)
{
    table = device_table_create();
    if (table == NULL || mkdtemp(base) == NULL) {
        check(false, "place: a temporary directory");
        return;
    }
    make('f', "file");
    make('p', "fifo");
    make('l', "link");
    if (can_find()) {
        test_learn();
        test_names();
        test_descriptors();
        test_look();
    }
    else {
        struct place place = place_of("%s/%s", "link", true);
        check(place.kind == PLACE_LOCAL && place.found,
              "place: nobody can say");
    }
    make('-', "file");
    make('-', "fifo");
    make('-', "link");
    check(rmdir(base) == 0, "place: nothing is left");
    device_table_destroy(table);
}
