/* device.h - what is known of the device (st_dev) that a file lies on.
 *
 * A class is learnt once per device, in a worker, from the type of its file
 * system, and looked up by any thread without a lock.  Unknown is slow: on
 * such a device nothing is ever called on the loop thread.
 */
#ifndef AIOFILES_C_DEVICE_H
#define AIOFILES_C_DEVICE_H

#include <stdbool.h>
#include <sys/types.h>

enum device_class {
    DEVICE_UNKNOWN = 0, /* not met yet */
    DEVICE_SLOW,        /* network, FUSE, anything not listed as local */
    DEVICE_LOCAL,       /* a local disk: metadata at once, data by NOWAIT */
    DEVICE_MEMORY       /* tmpfs, ramfs: data at once too */
};

struct device_table; /* of a fixed size; no locks, so a fork cannot hurt */

/* NULL: no memory; destroying NULL is fine. */
struct device_table *device_table_create(void);
void device_table_destroy(struct device_table *table);

/* What is known; DEVICE_UNKNOWN if nothing.  Any thread; never blocks. */
enum device_class device_lookup(const struct device_table *table, dev_t dev);

/* Learn from fd, which lies on dev; may block, so in a worker only.  Asks the
 * kernel at each call, known or not: after an unmount a device number comes
 * back for another file system.  Never DEVICE_UNKNOWN. */
enum device_class device_learn(struct device_table *table, dev_t dev, int fd);

/* The class of a file-system type as statfs gives it. */
enum device_class device_classify(unsigned long fs_type);

/* "ext4", "overlayfs", ...; "unknown" for a type not listed. */
const char *device_fs_name(unsigned long fs_type);

#endif
