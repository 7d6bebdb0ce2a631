/* partition.h: what the partition schemes have in common. */
#ifndef PARTITION_H
#define PARTITION_H

#include "base.h"
#include "volume.h"

/* Enter [first, first + count) blocks of disk as partition `number`. What begins at 0 or past the end is said and
 * skipped, what ends past the end is said and cut. The new entry, its names still empty, or NULL when skipped. */
struct partition *partition_add(struct block_device *disk, struct partition_list *found, u32 number, u64 first,
                                u64 count);

#endif
