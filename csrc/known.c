/* known.c - names that have led to a regular file on the mount of "/".
 *
 * A slot is one word, that of a name, or its complement where the name was
 * refused; a newer name takes it from an older one.
 */
#include "known.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>

#include "sys.h"

enum { KNOWN_BITS = 10 };

static _Atomic uint64_t known_slots[1 << KNOWN_BITS];
static _Atomic uint64_t known_root; /* the mount of "/"; 0: not asked yet */

static _Atomic uint64_t *
known_slot(uint64_t name)
{
    return &known_slots[name * UINT64_C(0x9e3779b97f4a7c15)
                        >> (64 - KNOWN_BITS)];
}

/* FNV-1a */
uint64_t
known_name(const char *path)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    if (path[0] != '/') {
        return 0;
    }
    for (; *path != '\0'; path++) {
        hash = (hash ^ (unsigned char)*path) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static uint64_t
known_get(uint64_t name)
{
    return atomic_load_explicit(known_slot(name), memory_order_relaxed);
}

static void
known_set(uint64_t name, uint64_t word)
{
    atomic_store_explicit(known_slot(name), word, memory_order_relaxed);
}

bool
known_is(uint64_t name)
{
    return name != 0 && known_get(name) == name;
}

/* "/" is always cached.  A mount that has no number of its own, before Linux
 * 6.8, is none of ours: device numbers do not tell mounts apart. */
static uint64_t
known_ask_root(void)
{
    struct stat st;
    uint64_t mount = 0;
    int fd = sys_peek_open(AT_FDCWD, "/", O_DIRECTORY);
    if (fd < 0) {
        return 0;
    }
    (void)sys_peek_stat(fd, &st, &mount);
    (void)sys_close(fd);
    return mount;
}

void
known_note(uint64_t name, uint64_t mount)
{
    uint64_t root = atomic_load_explicit(&known_root, memory_order_relaxed);
    if (name == 0 || mount == 0 || known_get(name) == ~name) {
        return;
    }
    if (root == 0) {
        root = known_ask_root();
        atomic_store_explicit(&known_root, root, memory_order_relaxed);
    }
    if (mount == root) {
        known_set(name, name);
    }
}

void
known_forget(uint64_t name)
{
    known_set(name, 0);
}

void
known_refuse(uint64_t name)
{
    known_set(name, ~name);
}
