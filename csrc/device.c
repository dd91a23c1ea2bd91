/* device.c - classes of file systems, and a table of devices.
 *
 * Local is what answers for metadata without leaving this machine, and for
 * data when RWF_NOWAIT says so; a type is listed as local only if it is
 * certain to be.  Slow are those that ask another process or machine, or
 * compute their answer, and all that is not listed.
 *
 * A slot of the table is filled once and never emptied, so a probe may stop
 * at the first slot that is empty; its class may change (see device_learn).
 * No locks: a worker may hold one at a fork.  A table that is full is no
 * harm: what it does not hold stays unknown, which counts as slow.
 */
#include "device.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "sys.h"

#define TABLE_BITS   9
#define TABLE_SLOTS  (1u << TABLE_BITS)
#define TABLE_PROBES 32u /* from a slot on; then the device is not held */

/* A slot: EMPTY --claim, by compare-and-swap--> CLAIMED --> a device_class. */
#define SLOT_EMPTY   ((unsigned)DEVICE_UNKNOWN)
#define SLOT_CLAIMED 255u /* a stranger to readers; for good after a fork */

struct device_slot {
    atomic_uint state; /* see slot_state() and slot_publish() */
    dev_t dev;         /* written once, while CLAIMED */
};

struct device_table {
    struct device_slot slots[TABLE_SLOTS];
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
    return calloc(1, sizeof(struct device_table));
}

void
device_table_destroy(struct device_table *table)
{
    free(table);
}

/* The n-th slot to look at for dev. */
static size_t
slot_index(dev_t dev, unsigned n)
{
    /* Fibonacci hashing: device numbers differ in few bits. */
    uint64_t hash = (uint64_t)dev * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)((hash >> (64 - TABLE_BITS)) + n) % TABLE_SLOTS;
}

static unsigned
slot_state(const struct device_slot *slot)
{
    /* Pairs with the release in slot_publish(): dev is there. */
    return atomic_load_explicit(&slot->state, memory_order_acquire);
}

/* True if the slot was empty, and is the caller's to fill now. */
static bool
slot_claim(struct device_slot *slot)
{
    unsigned state = SLOT_EMPTY;
    return slot_state(slot) == SLOT_EMPTY
           && atomic_compare_exchange_strong(&slot->state, &state,
                                             SLOT_CLAIMED);
}

static void
slot_publish(struct device_slot *slot, enum device_class device)
{
    /* Pairs with the acquire in slot_state(). */
    atomic_store_explicit(&slot->state, (unsigned)device,
                          memory_order_release);
}

enum device_class
device_lookup(const struct device_table *table, dev_t dev)
{
    for (unsigned n = 0; n < TABLE_PROBES; n++) {
        const struct device_slot *slot = &table->slots[slot_index(dev, n)];
        unsigned state = slot_state(slot);
        if (state == SLOT_EMPTY) {
            break;
        }
        if (state != SLOT_CLAIMED && slot->dev == dev) {
            return (enum device_class)state;
        }
    }
    return DEVICE_UNKNOWN;
}

/* Two threads that learn a device at once may fill two slots.  Lookups and
 * later stores all come to the first of them, so the other is just waste. */
static void
table_store(struct device_table *table, dev_t dev, enum device_class device)
{
    for (unsigned n = 0; n < TABLE_PROBES; n++) {
        struct device_slot *slot = &table->slots[slot_index(dev, n)];
        if (slot_claim(slot)) {
            slot->dev = dev;
            slot_publish(slot, device);
            return;
        }
        if (slot_state(slot) != SLOT_CLAIMED && slot->dev == dev) {
            slot_publish(slot, device);
            return;
        }
    }
}

enum device_class
device_learn(struct device_table *table, dev_t dev, int fd)
{
    enum device_class device = DEVICE_SLOW;
    unsigned long type;

    if (sys_fs_type(fd, &type) == 0) {
        device = device_classify(type);
    }
    table_store(table, dev, device);
    return device;
}
