/* driver_test.h: for tests of disk drivers: what their fake disks hold, and reads of it to places between canaries.
 * Behind cmocka.h, the header of the fake controller (or host.h) and the test's IMAGE_SIZE, in bytes. */
#ifndef DRIVER_TEST_H
#define DRIVER_TEST_H

#include <stdlib.h>

#include "expect.h"

#define DEST 0x10000000u /* where reads go */
#define CANARY 64u       /* bytes before and behind each place */
#define CANARY_BYTE 0xa5

static u8 *image;              /* IMAGE_SIZE pseudo-random bytes, the same in every run */
static struct disk_list disks; /* what the driver found */

/* Set-up and tear-down of a group of tests that use `image`. */
static int image_make(void **state)
{
    (void)state;
    image = malloc(IMAGE_SIZE);
    u32 random = 1;
    for (u32 i = 0; i < IMAGE_SIZE; i++) {
        random = random * 1664525 + 1013904223;
        image[i] = (u8)(random >> 24);
    }
    return 0;
}

static int image_free(void **state)
{
    (void)state;
    free(image);
    return 0;
}

/* The first of `disks`; NULL: none was found. */
__attribute__((unused)) static struct block_device *first_disk(void)
{
    return disks.count ? disks.disk[0] : NULL;
}

/* The disk of a probe, which must have found one. */
__attribute__((unused)) static struct block_device *expect_disk(struct block_device *disk)
{
    if (!disk)
        FAILED("no disk: %s", host_log());
    return disk;
}

/* The fault that a fake controller has recorded while it was used as `what` tells: none. */
__attribute__((unused)) static void expect_fault_none(const char *what, const char *fault)
{
    if (fault)
        FAILED("%s: the device complains of %s", what, fault);
}

/* `size` bytes at `address`, between canaries and filled like them. */
static u8 *place_make(u64 address, u64 size)
{
    u8 *whole = mem_at(address - CANARY, size + 2 * CANARY);
    memset(whole, CANARY_BYTE, size + 2 * CANARY);
    return whole + CANARY;
}

static void expect_canaries(const u8 *place, u64 size)
{
    const u8 *before = place - CANARY, *behind = place + size;
    for (u32 i = 0; i < CANARY; i++)
        assert_true(before[i] == CANARY_BYTE && behind[i] == CANARY_BYTE);
}

/* Read `count` spans of `blocks` from lba on, each to a place of its own, the first canary `offset` bytes behind DEST.
 * Nothing else may be written to; what a success gives must be what the image has there. Behind its end the disk has it
 * again. */
__attribute__((unused)) static enum error read_spans_at(struct block_device *disk, u64 lba, u32 count, u32 blocks,
                                                        u32 offset)
{
    static struct block_span span[256];
    u32 size = blocks * disk->block_size, pitch = size + 2 * CANARY;
    u64 from = lba * disk->block_size % IMAGE_SIZE;
    assert_true(count <= ARRAY_COUNT(span) && blocks <= disk->max_blocks && from + (u64)count * size <= IMAGE_SIZE);
    for (u32 i = 0; i < count; i++) {
        u8 *place = place_make(DEST + offset + i * (u64)pitch + CANARY, size);
        span[i] = (struct block_span){lba + (u64)i * blocks, blocks, place};
    }
    enum error error = disk->driver->read(disk, span, count);
    for (u32 i = 0; i < count; i++) {
        expect_canaries(span[i].buf, size);
        if (error == OK)
            assert_memory_equal(span[i].buf, image + from + i * (u64)size, size);
    }
    return error;
}

__attribute__((unused)) static enum error read_spans(struct block_device *disk, u64 lba, u32 count, u32 blocks)
{
    return read_spans_at(disk, lba, count, blocks, 0);
}

#endif
