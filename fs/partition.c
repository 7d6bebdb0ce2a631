/* partition.c: what the partition schemes have in common (partition.h). */
#include "partition.h"
#include "print.h"

struct partition *partition_add(struct block_device *disk, struct partition_list *found, u32 number, u64 first,
                                u64 count)
{
    u64 blocks = block_bytes(disk) / disk->block_size;
    if (!first || !count || first >= blocks) {
        say("disk %s: partition %u: %lu blocks from block %lu on a disk of %lu: skipped", disk->name, number, count,
            first, blocks);
        return NULL;
    }
    if (count > blocks - first) {
        say("disk %s: partition %u: %lu blocks from block %lu on a disk of %lu: cut at its end", disk->name, number,
            count, first, blocks);
        count = blocks - first;
    }
    if (found->count == ARRAY_COUNT(found->partition)) {
        say("disk %s: partition %u: skipped, more than %u", disk->name, number, found->count);
        return NULL;
    }
    struct partition *p = &found->partition[found->count++];
    *p = (struct partition){.offset = first * disk->block_size, .size = count * disk->block_size, .number = number};
    return p;
}
