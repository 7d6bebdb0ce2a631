/* test_block.c: block.c: names, ranges, the cache, batches, bounces, splitting. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "host.h"

#include "block.h"

#define IMAGE_SIZE MIB(4)
#include "driver_test.h"

static struct block_device *fresh_disk(u32 block_size)
{
    host_reset();
    disks.count = 0;
    block_cache_reset();
    struct block_device *disk = host_disk(&disks, "vd", image, IMAGE_SIZE, block_size);
    assert_non_null(disk);
    return disk;
}

static void names_count_like_linux(void **state)
{
    (void)state;
    static const struct {
        u32 index;
        const char *name;
    } cases[] = {{0, "vda"}, {1, "vdb"}, {25, "vdz"}, {26, "vdaa"}, {27, "vdab"}, {51, "vdaz"}, {52, "vdba"}};
    fresh_disk(512);
    while (disks.count < 53)
        assert_non_null(host_disk(&disks, "vd", image, IMAGE_SIZE, 512));
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++)
        assert_string_equal(disks.disk[cases[i].index]->name, cases[i].name);
    disks.count = 0;
    assert_string_equal(host_disk(&disks, "module", image, IMAGE_SIZE, 512)->name, "module0");
    assert_string_equal(host_disk(&disks, "module", image, IMAGE_SIZE, 512)->name, "module1");
}

static void bad_geometry_is_refused(void **state)
{
    (void)state;
    static const u32 sizes[] = {0x100, 513, 0x20000};
    fresh_disk(512);
    for (u32 i = 0; i < ARRAY_COUNT(sizes); i++) {
        assert_null(host_disk(&disks, "vd", image, IMAGE_SIZE, sizes[i]));
        assert_non_null(strstr(error_text(), "block size"));
    }
    assert_null(host_disk(&disks, "vd", image, 100, 512));
    assert_non_null(strstr(error_text(), "no blocks"));
}

/* Every alignment of both ends, short and long, each block size: the bytes are right. */
static void any_alignment_reads_right(void **state)
{
    (void)state;
    static const u32 block_sizes[] = {512, 2048, 4096, 65536};
    static const u64 offsets[] = {0, 1, 511, 512, 513, 4095, 4096, 65535, 65536, 65537, 1000001};
    static const u64 sizes[] = {1, 2, 511, 512, 513, 4096, 5000, 32768, 32769, 65536, 200000, 1000003};
    u8 *buf = malloc(MIB(2));
    for (u32 b = 0; b < ARRAY_COUNT(block_sizes); b++) {
        struct block_device *disk = fresh_disk(block_sizes[b]);
        for (u32 o = 0; o < ARRAY_COUNT(offsets); o++)
            for (u32 s = 0; s < ARRAY_COUNT(sizes); s++) {
                memset(buf, 0xee, sizes[s] + 1);
                assert_int_equal(block_read(disk, offsets[o], sizes[s], buf), OK);
                assert_memory_equal(buf, image + offsets[o], sizes[s]);
                assert_int_equal(buf[sizes[s]], 0xee);
            }
    }
    free(buf);
}

static void the_end_is_respected(void **state)
{
    (void)state;
    u8 buf[1024];
    struct block_device *disk = fresh_disk(512);
    assert_int_equal(block_read(disk, IMAGE_SIZE - 7, 7, buf), OK);
    assert_memory_equal(buf, image + IMAGE_SIZE - 7, 7);
    assert_int_equal(block_read(disk, IMAGE_SIZE - 7, 8, buf), ERR_RANGE);
    assert_non_null(strstr(error_text(), "past the end"));
    assert_int_equal(block_read(disk, ~0ull, 2, buf), ERR_RANGE);
    assert_int_equal(block_read(disk, IMAGE_SIZE, 0, buf), OK);
}

/* A file's worth: one request, and no byte through the CPU but the ragged ends. */
static void a_contiguous_piece_is_one_request(void **state)
{
    (void)state;
    struct block_batch batch;
    struct block_device *disk = fresh_disk(512);
    u8 *buf = malloc(MIB(3));
    block_batch_begin(&batch, disk);
    for (u32 i = 0; i < 3; i++) /* three pieces that touch on disk and in memory */
        assert_int_equal(block_batch_add(&batch, KIB(4) + MIB(1) * i, MIB(1), buf + MIB(1) * i), OK);
    assert_int_equal(disk->stats.requests, 0);
    assert_int_equal(block_batch_end(&batch), OK);
    assert_memory_equal(buf, image + KIB(4), MIB(3));
    assert_int_equal(disk->stats.requests, 1);
    assert_int_equal(disk->stats.bounced, 0);
    block_batch_begin(&batch, disk);
    assert_int_equal(block_batch_add(&batch, 100, MIB(1) + 50, buf), OK);
    assert_int_equal(block_batch_end(&batch), OK);
    assert_memory_equal(buf, image + 100, MIB(1) + 50);
    assert_int_equal(disk->stats.bounced, 412 + 150);
    free(buf);
}

static void requests_are_split_at_the_limit(void **state)
{
    (void)state;
    struct block_device *disk = fresh_disk(512);
    u8 *buf = malloc(MIB(2));
    disk->max_blocks = 256;
    assert_int_equal(block_read(disk, 0, MIB(2), buf), OK);
    assert_memory_equal(buf, image, MIB(2));
    assert_int_equal(disk->stats.requests, MIB(2) / 512 / 256);
    disk->max_blocks = 1; /* more spans than a batch holds */
    assert_int_equal(block_read(disk, 512, KIB(100), buf), OK);
    assert_memory_equal(buf, image + 512, KIB(100));
    assert_int_equal(block_read(disk, 77, 3000, buf), OK);
    assert_memory_equal(buf, image + 77, 3000);
    free(buf);
}

static void misaligned_memory_is_bounced(void **state)
{
    (void)state;
    struct block_device *disk = fresh_disk(512);
    u8 *buf = aligned_alloc(4096, MIB(1));
    disk->dma_align = 4;
    assert_int_equal(block_read(disk, 0, KIB(100), buf + 1), OK);
    assert_memory_equal(buf + 1, image, KIB(100));
    assert_int_equal(disk->stats.bounced, KIB(100));
    free(buf);
}

/* Pieces that end and begin in one block, as files do on filesystems whose blocks are smaller: it is read once. */
static void ragged_neighbours_share_a_block(void **state)
{
    (void)state;
    static u8 a[3000], b[3000], c[8192];
    struct block_device *disk = fresh_disk(4096);
    struct block_batch batch;
    block_batch_begin(&batch, disk);
    assert_int_equal(block_batch_add(&batch, 1000, sizeof a, a), OK);
    assert_int_equal(block_batch_add(&batch, 4000, 96, b), OK);
    assert_int_equal(block_batch_add(&batch, 3000, 1000, b + 96), OK);
    assert_int_equal(block_batch_end(&batch), OK);
    assert_memory_equal(a, image + 1000, sizeof a);
    assert_memory_equal(b, image + 4000, 96);
    assert_memory_equal(b + 96, image + 3000, 1000);
    assert_int_equal(disk->stats.requests, 1);
    block_batch_begin(&batch, disk);
    assert_int_equal(block_batch_add(&batch, 3000, sizeof c, c), OK); /* 0 again, 1, and a part of 2 */
    assert_int_equal(block_batch_end(&batch), OK);
    assert_memory_equal(c, image + 3000, sizeof c);
    assert_int_equal(disk->stats.requests, 3);
    u8 *other = malloc(IMAGE_SIZE);
    memset(other, 0x5a, IMAGE_SIZE);
    struct block_device *second = host_disk(&disks, "vd", other, IMAGE_SIZE, 4096);
    block_batch_begin(&batch, second);
    assert_int_equal(block_batch_add(&batch, 8192, 100, a), OK); /* the same block of another disk */
    assert_int_equal(block_batch_end(&batch), OK);
    assert_int_equal(a[0] << 8 | a[99], 0x5a5a);
    free(other);
}

static void memory_beyond_dma_is_bounced(void **state)
{
    (void)state;
    static const struct {
        u64 buf, bounced;
    } cases[] = {{0x20000000 - KIB(200), 0}, {0x20000000 - KIB(100), 0},       {0x20000000 - KIB(100) + 1, KIB(100)},
                 {0x20000000, KIB(100)},     {0x20000000 + MIB(1), KIB(100)}};
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        struct block_device *disk = fresh_disk(512);
        u8 *buf = mem_at(cases[i].buf, KIB(100));
        disk->dma_end = 0x20000000;
        assert_int_equal(block_read(disk, 512, KIB(100), buf), OK);
        assert_memory_equal(buf, image + 512, KIB(100));
        assert_int_equal(disk->stats.bounced, cases[i].bounced);
    }
}

static void the_cache_asks_once(void **state)
{
    (void)state;
    u8 buf[64];
    struct block_device *disk = fresh_disk(512);
    for (u32 i = 0; i < 1000; i++)
        assert_int_equal(block_read(disk, i * 60, 60, buf), OK);
    assert_int_equal(disk->stats.requests, 1);
    for (u32 round = 0; round < 3; round++) /* more lines than there are: still right */
        for (u64 at = 0; at < IMAGE_SIZE; at += 65536) {
            assert_int_equal(block_read(disk, at + 5, 60, buf), OK);
            assert_memory_equal(buf, image + at + 5, 60);
        }
}

static void one_bad_block_hides_nothing_else(void **state)
{
    (void)state;
    u8 buf[600];
    struct block_device *disk = fresh_disk(512);
    host_disk_fail_lba = 10;
    assert_int_equal(block_read(disk, 0, 600, buf), OK);
    assert_memory_equal(buf, image, 600);
    assert_int_equal(block_read(disk, 10 * 512, 1, buf), ERR_IO);
    assert_non_null(strstr(error_text(), "block 10"));
    error_clear();
    assert_int_equal(block_read(disk, 0, 600, buf), OK); /* again: nothing of the bad one is left in between */
    assert_memory_equal(buf, image, 600);
    disk->dead = true;
    assert_int_equal(block_read(disk, MIB(1), 1, buf), ERR_IO);
    assert_non_null(strstr(error_text(), "given up"));
}

/* What a silent disk was given is nobody's any more: not the cache's, not a later allocation's, not a payload's. */
static void a_lost_disk_keeps_its_memory(void **state)
{
    (void)state;
    static struct boot_info boot;
    u8 buf[100];
    fresh_disk(512);
    boot = (struct boot_info){0};
    mem_map_add(&boot.memory, 0, MIB(64), MEM_USABLE);
    disks_probe(&boot, &disks); /* tells where the map is */
    struct block_device *disk = fresh_disk(512);
    assert_int_equal(block_read(disk, 0, sizeof buf, buf), OK);
    u64 left = arena_left(), requests = disk->stats.requests;
    disk_lost_memory(MIB(16) + 100, 5000);
    disk_lost(disk);
    assert_false(mem_map_usable(&boot.memory, MIB(16), 1));
    assert_int_equal(mem_map_find(&boot.memory, MIB(16) + 5099)->type, MEM_RESERVED);
    assert_true(mem_map_usable(&boot.memory, MIB(16) + 8192, MIB(1)));
    arena_release(0);
    assert_true(arena_left() < left);
    assert_int_equal(block_read(disk, 0, sizeof buf, buf), ERR_IO);
    assert_int_equal(disk->stats.requests, requests);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_count_like_linux),
        cmocka_unit_test(bad_geometry_is_refused),
        cmocka_unit_test(any_alignment_reads_right),
        cmocka_unit_test(the_end_is_respected),
        cmocka_unit_test(a_contiguous_piece_is_one_request),
        cmocka_unit_test(requests_are_split_at_the_limit),
        cmocka_unit_test(misaligned_memory_is_bounced),
        cmocka_unit_test(ragged_neighbours_share_a_block),
        cmocka_unit_test(memory_beyond_dma_is_bounced),
        cmocka_unit_test(the_cache_asks_once),
        cmocka_unit_test(one_bad_block_hides_nothing_else),
        cmocka_unit_test(a_lost_disk_keeps_its_memory),
    };
    return cmocka_run_group_tests_name("block", tests, image_make, image_free);
}
