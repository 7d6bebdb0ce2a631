/* ramdisk.c: modules as disks (contract §3, §4): module N of the loader is the disk moduleN.
 *
 * A module's size is any number of bytes; the last block is filled up with zeros. None is ever skipped, or the numbers
 * would shift. tests/unit/test_virtio_blk.c; `-initrd` under QEMU.
 */
#include "block.h"
#include "memory.h"
#include "print.h"

#define BLOCK_SIZE 512u

extern const struct block_driver disk_ramdisk; /* by tables.c */

static enum error ramdisk_read(struct block_device *disk, const struct block_span *spans, u32 count)
{
    const struct module *module = disk->state;
    for (u32 i = 0; i < count; i++) {
        u64 offset = spans[i].lba * BLOCK_SIZE, size = (u64)spans[i].blocks * BLOCK_SIZE;
        if (!fits(spans[i].lba, spans[i].blocks, disk->block_count))
            return fail(ERR_RANGE, "%s: %u blocks at block %lu of %lu", disk->name, spans[i].blocks, spans[i].lba,
                        disk->block_count);
        u64 there = offset < module->size ? min_u64(size, module->size - offset) : 0;
        memcpy(spans[i].buf, mem_at(disk->memory_base + offset, there), there);
        memset((u8 *)spans[i].buf + there, 0, size - there);
    }
    return OK;
}

static void ramdisk_quiesce(struct block_device *disk)
{
    (void)disk;
}

static void ramdisk_probe(const struct boot_info *boot, struct disk_list *disks)
{
    for (u32 i = 0; i < boot->module_count; i++) {
        const struct module *module = &boot->module[i];
        struct block_device disk = {
            .block_size = BLOCK_SIZE,
            .dma_align = 1,
            .block_count = max_u64(1, (module->size + BLOCK_SIZE - 1) / BLOCK_SIZE),
            .in_memory = true,
            .memory_base = module->base, /* load.c may move it */
            .driver = &disk_ramdisk,
            .state = (void *)(uintptr_t)module,
        };
        disk.dead = paging_map(module->base, module->size) != OK;
        if (disk.dead)
            error_show();
        if (!disk_add(disks, "module", &disk))
            error_show();
    }
}

const struct block_driver disk_ramdisk = {"ramdisk", ramdisk_probe, ramdisk_read, ramdisk_quiesce};
