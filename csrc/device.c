/* device.c - classes of file systems, and a table of devices.
 *
 * Local is what answers for metadata without leaving this machine, and for
 * data when RWF_NOWAIT says so; a type is listed as local only if it is
 * certain to be.  Slow are those that ask another process or machine, or
 * compute their answer, and all that is not listed.
 *
 * A slot of the table is one word, key and class together, so that it can be
 * filled, changed and given to another key without a lock: a worker may hold
 * one at a fork.  What was pushed out is unknown again, which is no harm.
 */
#include "device.h"

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "sys.h"

#define TABLE_BITS   9
#define TABLE_SLOTS  (1u << TABLE_BITS)
#define TABLE_PROBES 32u /* slots that a key may be in */

/* A slot: a key above its class; 0: empty. */
#define SLOT_CLASS_BITS 3
#define KEY_BITS        (64 - SLOT_CLASS_BITS)
#define KEY_IS_DEVICE   (UINT64_C(1) << (KEY_BITS - 1)) /* not of a mount */

_Static_assert(DEVICE_MEMORY < 1 << SLOT_CLASS_BITS, "a class fits");

struct device_table {
    _Atomic uint64_t slots[TABLE_SLOTS];
};

/* --- types --- */

#if defined(__linux__) && !defined(AIOF_PORTABLE)

struct fs_entry {
    uint32_t type;
    enum device_class device;
    const char *name;
};

static const struct fs_entry fs_table[] = {
    {0x0000ef53, DEVICE_LOCAL, "ext4"}, /* and ext2, ext3 */
    {0x58465342, DEVICE_LOCAL, "xfs"},
    {0x9123683e, DEVICE_LOCAL, "btrfs"},
    {0x794c7630, DEVICE_LOCAL, "overlayfs"},
    {0xf2f52010, DEVICE_LOCAL, "f2fs"},
    {0x2fc12fc1, DEVICE_LOCAL, "zfs"},
    {0xca451a4e, DEVICE_LOCAL, "bcachefs"},
    {0xe0f5e1e2, DEVICE_LOCAL, "erofs"},
    {0x73717368, DEVICE_LOCAL, "squashfs"},
    {0x3153464a, DEVICE_LOCAL, "jfs"},
    {0x52654973, DEVICE_LOCAL, "reiserfs"},
    {0x00003434, DEVICE_LOCAL, "nilfs2"},
    {0x00004d44, DEVICE_LOCAL, "vfat"},
    {0x2011bab0, DEVICE_LOCAL, "exfat"},
    {0x7366746e, DEVICE_LOCAL, "ntfs3"},

    {0x01021994, DEVICE_MEMORY, "tmpfs"},
    {0x858458f6, DEVICE_MEMORY, "ramfs"},

    {0x00006969, DEVICE_SLOW, "nfs"},
    {0x0000517b, DEVICE_SLOW, "smb"},
    {0xff534d42, DEVICE_SLOW, "cifs"},
    {0xfe534d42, DEVICE_SLOW, "smb2"},
    {0x01021997, DEVICE_SLOW, "9p"},
    {0x65735546, DEVICE_SLOW, "fuse"}, /* and virtiofs, ntfs-3g */
    {0x00c36400, DEVICE_SLOW, "ceph"},
    {0x5346414f, DEVICE_SLOW, "afs"},
    {0x6b414653, DEVICE_SLOW, "afs"},
    {0x73757245, DEVICE_SLOW, "coda"},
    {0x7461636f, DEVICE_SLOW, "ocfs2"},
    {0x01161970, DEVICE_SLOW, "gfs2"},
    {0x0bd00bd0, DEVICE_SLOW, "lustre"},
    {0x47504653, DEVICE_SLOW, "gpfs"},
    {0x20030528, DEVICE_SLOW, "orangefs"},
    {0x786f4256, DEVICE_SLOW, "vboxsf"},
    {0x0000f15f, DEVICE_SLOW, "ecryptfs"},
    {0x00000187, DEVICE_SLOW, "autofs"},
    {0x00009660, DEVICE_SLOW, "isofs"},
    {0x15013346, DEVICE_SLOW, "udf"},
    {0x00009fa0, DEVICE_SLOW, "proc"},
    {0x62656572, DEVICE_SLOW, "sysfs"},
    {0x64626720, DEVICE_SLOW, "debugfs"},
    {0x74726163, DEVICE_SLOW, "tracefs"},
    {0x62656570, DEVICE_SLOW, "configfs"},
    {0x73636673, DEVICE_SLOW, "securityfs"},
    {0x0027e0eb, DEVICE_SLOW, "cgroup"},
    {0x63677270, DEVICE_SLOW, "cgroup2"},
    {0x6165676c, DEVICE_SLOW, "pstore"},
    {0xde5e81e4, DEVICE_SLOW, "efivarfs"},
    {0xcafe4a11, DEVICE_SLOW, "bpf"},
    {0x958458f6, DEVICE_SLOW, "hugetlbfs"},
    {0x00001cd1, DEVICE_SLOW, "devpts"},
    {0x50495045, DEVICE_SLOW, "pipefs"},
    {0x534f434b, DEVICE_SLOW, "sockfs"},
};

static const struct fs_entry *
fs_find(unsigned long fs_type)
{
    for (size_t i = 0; i < sizeof(fs_table) / sizeof(fs_table[0]); i++) {
        if (fs_table[i].type == fs_type) {
            return &fs_table[i];
        }
    }
    return NULL;
}

enum device_class
device_classify(unsigned long fs_type)
{
    const struct fs_entry *entry = fs_find(fs_type);
    return entry != NULL ? entry->device : DEVICE_SLOW;
}

/* Those that statfs does not tell from others, or that it calls otherwise. */
static const char *const local_names[] = {"overlay", "ext3", "ext2", "msdos"};

enum device_class
device_classify_name(const char *fs_name)
{
    for (size_t i = 0; i < sizeof(local_names) / sizeof(*local_names); i++) {
        if (strcmp(local_names[i], fs_name) == 0) {
            return DEVICE_LOCAL;
        }
    }
    for (size_t i = 0; i < sizeof(fs_table) / sizeof(fs_table[0]); i++) {
        if (strcmp(fs_table[i].name, fs_name) == 0) {
            return fs_table[i].device;
        }
    }
    return DEVICE_SLOW;
}

const char *
device_fs_name(unsigned long fs_type)
{
    const struct fs_entry *entry = fs_find(fs_type);
    return entry != NULL ? entry->name : "unknown";
}

#else /* the numbers are those of Linux */

enum device_class
device_classify(unsigned long fs_type)
{
    (void)fs_type;
    return DEVICE_SLOW;
}

enum device_class
device_classify_name(const char *fs_name)
{
    (void)fs_name;
    return DEVICE_SLOW;
}

const char *
device_fs_name(unsigned long fs_type)
{
    (void)fs_type;
    return "unknown";
}

#endif

/* --- the table --- */

struct device_table *
device_table_create(void)
{
    return sys_alloc_zero(1, sizeof(struct device_table));
}

void
device_table_destroy(struct device_table *table)
{
    free(table);
}

enum device_class
device_if_still(enum device_class device, bool still)
{
    return device == DEVICE_LOCAL && still ? DEVICE_STILL : device;
}

uint64_t
device_key(const struct stat *st, uint64_t mount)
{
    return mount != 0 ? mount : (uint64_t)st->st_dev | KEY_IS_DEVICE;
}

unsigned
device_disk(const struct stat *st)
{
    return (unsigned)st->st_dev; /* Linux has no larger ones */
}

/* The n-th slot to look at for key. */
static size_t
slot_index(uint64_t key, unsigned n)
{
    /* Fibonacci hashing: keys differ in few bits. */
    uint64_t hash = key * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)((hash >> (64 - TABLE_BITS)) + n) % TABLE_SLOTS;
}

/* Relaxed: nothing but the word itself is read. */
static uint64_t
slot_get(const struct device_table *table, size_t at)
{
    return atomic_load_explicit(&table->slots[at], memory_order_relaxed);
}

enum device_class
device_lookup(const struct device_table *table, uint64_t key)
{
    for (unsigned n = 0; n < TABLE_PROBES; n++) {
        uint64_t slot = slot_get(table, slot_index(key, n));
        if (slot == 0) {
            break;
        }
        if (slot >> SLOT_CLASS_BITS == key) {
            return (enum device_class)(slot & ((1 << SLOT_CLASS_BITS) - 1));
        }
    }
    return DEVICE_UNKNOWN;
}

/* The slot for key: its own, or an empty one, or, where all are taken, the
 * last, whose key makes room. */
static size_t
slot_for(const struct device_table *table, uint64_t key, uint64_t *seen)
{
    size_t at = 0;
    for (unsigned n = 0; n < TABLE_PROBES; n++) {
        at = slot_index(key, n);
        *seen = slot_get(table, at);
        if (*seen == 0 || *seen >> SLOT_CLASS_BITS == key) {
            break;
        }
    }
    return at;
}

void
device_note(struct device_table *table, uint64_t key, enum device_class device)
{
    assert(key >> KEY_BITS == 0 && device != DEVICE_UNKNOWN);
    uint64_t word = key << SLOT_CLASS_BITS | (uint64_t)device, seen;
    size_t at;
    do {
        at = slot_for(table, key, &seen);
    } while (!atomic_compare_exchange_strong_explicit(
        &table->slots[at], &seen, word, memory_order_relaxed,
        memory_order_relaxed));
}

enum device_class
device_learn(struct device_table *table, int fd, const struct stat *st)
{
    uint64_t key = device_key(st, sys_mount(fd));
    enum device_class device = device_lookup(table, key);
    unsigned long type;
    bool still;

    if (device == DEVICE_SLOW
        || (device != DEVICE_UNKNOWN && !(key & KEY_IS_DEVICE))) {
        return device;
    }
    device = DEVICE_SLOW;
    if (sys_fs_type(fd, &type, &still) == 0) {
        device = device_if_still(device_classify(type), still);
    }
    device_note(table, key, device);
    return device;
}
