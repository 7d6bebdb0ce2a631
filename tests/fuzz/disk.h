/* disk.h: for targets whose bytes are what a fake disk controller tells. They are taken from the front; when they are
 * used up zeros follow. Behind the header of the fake controller. */
#ifndef DISK_H
#define DISK_H

#include "fake_pci.h"

#define DEST 0x10000000u /* where reads go */

static const u8 *rest;
static size_t rest_size;
static struct disk_list disks; /* what the driver finds */

/* A new input. */
static void take_from(const u8 *data, size_t size)
{
    rest = data;
    rest_size = size;
    disks.count = 0;
}

/* A new input, and a fresh machine for it that says nothing. */
__attribute__((unused)) static void start(const u8 *data, size_t size)
{
    take_from(data, size);
    fake_reset();
    log_level = LOG_QUIET;
}

static void take(void *to, size_t size)
{
    size_t part = size < rest_size ? size : rest_size;
    memset(to, 0, size);
    memcpy(to, rest, part);
    rest += part;
    rest_size -= part;
}

/* A disk's requests carry at least a block and at most `longest` bytes. */
static void check_limits(const struct block_device *disk, u64 longest)
{
    if (!disk->max_blocks || (u64)disk->max_blocks * disk->block_size > longest)
        panic("%s: requests of %u blocks of %u bytes", disk->name, disk->max_blocks, disk->block_size);
}

/* Whatever comes of it, an error has a sentence. */
static void read_once(struct block_device *disk, const struct block_span *spans, u32 count)
{
    if (disk->driver->read(disk, spans, count) != OK && !*error_text())
        panic("%s: an error without a sentence", disk->name);
}

/* Up to three times, while the disk is there: read `count` spans, long and short, from its start and its last block by
 * turns, to places (`longest` bytes, as a request may be) that begin `pitch` bytes apart. */
__attribute__((unused)) static void read_often(struct block_device *disk, u64 longest, u32 count, u32 pitch)
{
    static struct block_span span[12];
    check_limits(disk, longest);
    u32 most = (u32)min_u64(disk->max_blocks, min_u64(disk->block_count, KIB(128) / disk->block_size));
    for (u32 i = 0; i < count; i++)
        span[i] = (struct block_span){.lba = i % 2 ? disk->block_count - 1 : 0,
                                      .blocks = i % 2 || i > 2 ? 1 : most,
                                      .buf = mem_at(DEST + i * pitch, longest)};
    for (u32 again = 0; again < 3 && !disk->dead; again++)
        read_once(disk, span, count);
}

#endif
