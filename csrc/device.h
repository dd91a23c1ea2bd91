/* device.h - what is known of the file system that a file lies on.
 *
 * A class is learnt once per mount, in a worker, from the type of its file
 * system, and looked up by any thread without a lock.  Unknown is slow: there
 * nothing is ever called on the loop thread.
 */
#ifndef AIOFILES_C_DEVICE_H
#define AIOFILES_C_DEVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

enum device_class {
    DEVICE_UNKNOWN = 0, /* not met yet */
    DEVICE_SLOW,        /* network, FUSE, anything not listed as local */
    DEVICE_LOCAL,       /* a local disk: metadata at once, data by NOWAIT */
    DEVICE_STILL,       /* the same, and reading changes nothing there */
    DEVICE_MEMORY       /* tmpfs, ramfs: data at once too */
};

struct device_table; /* of a fixed size; no locks, so a fork cannot hurt */

/* NULL: no memory; destroying NULL is fine. */
struct device_table *device_table_create(void);
void device_table_destroy(struct device_table *table);

/* What stands for a file system in the table: its mount, by the number that
 * sys_stat_cached() gives; where that is 0, its device. */
uint64_t device_key(const struct stat *st, uint64_t mount);

/* What stands for its disk in a job: see job.h. */
unsigned device_disk(const struct stat *st);

/* What is known; DEVICE_UNKNOWN if nothing.  Any thread; never blocks. */
enum device_class device_lookup(const struct device_table *table,
                                uint64_t key);

/* From now on known.  Any thread. */
void device_note(struct device_table *table, uint64_t key,
                 enum device_class device);

/* Learn from fd, whose fstat() is st; may block, so in a worker only.  Asks
 * the kernel again where the key may have come back, after an unmount, for
 * another file system.  Never DEVICE_UNKNOWN. */
enum device_class device_learn(struct device_table *table, int fd,
                               const struct stat *st);

/* The class of a file-system type as statfs gives it; and as mountinfo does. */
enum device_class device_classify(unsigned long fs_type);
enum device_class device_classify_name(const char *fs_name);

/* The same where it is mounted read-only, or without times of access. */
enum device_class device_if_still(enum device_class device, bool still);

/* "ext4", "overlayfs", ...; "unknown" for a type not listed. */
const char *device_fs_name(unsigned long fs_type);

#endif
