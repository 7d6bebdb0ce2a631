/* test_virtio_blk.c: virtio_blk.c, virtio.c and virtio_pci.c against a device that can lie; ramdisk.c. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_virtio.h"
#include "tables.h"

#define SECTORS 32768u
#define IMAGE_SIZE (SECTORS * 512u)
#include "driver_test.h"

extern const struct block_driver disk_virtio_blk, disk_ramdisk;

static struct fake_virtio fake, second;
static struct boot_info boot;

static int setup(void **state)
{
    (void)state;
    fake_reset();
    fake_virtio_init(&fake, 4);
    fake.image = image;
    fake.image_size = IMAGE_SIZE;
    fake.capacity = SECTORS;
    disks.count = 0;
    return 0;
}

static struct block_device *probe(void)
{
    fake_virtio_plug(&fake);
    fake_probe(&disk_virtio_blk, &boot, &disks);
    return first_disk();
}

static struct block_device *probe_good(void)
{
    return expect_disk(probe());
}

static void expect_no_fault(void)
{
    expect_fault_none("virtio-blk", fake.fault);
}

/* ---- all is well ------------------------------------------------------------------------------------------------ */

static void every_kind_of_device_reads(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        bool modern, legacy, msix;
        u64 memory_bar, features;
        u16 queue_max;
    } cases[] = {
        {"modern", true, false, false, 0xfe000000, FAKE_F_VERSION_1, 256},
        {"modern, all features", true, false, false, 0xfe000000, ~0ull, 256},
        {"modern, BAR above 4 GiB", true, false, false, 0xc000000000, FAKE_F_VERSION_1, 1024},
        {"modern, IOMMU offered", true, false, false, 0xfe000000, FAKE_F_VERSION_1 | FAKE_F_ACCESS_PLATFORM, 256},
        {"modern, in hardware", true, false, false, 0xfe000000, FAKE_F_VERSION_1 | FAKE_F_ORDER_PLATFORM, 256},
        {"transitional", true, true, false, 0xfe000000, FAKE_F_VERSION_1 | FAKE_F_BLK_SIZE, 256},
        {"legacy", false, true, false, 0, FAKE_F_SEG_MAX | FAKE_F_RO, 256},
        {"legacy, MSI-X left enabled", false, true, true, 0, FAKE_F_BLK_SIZE, 128},
        {"legacy, long ring", false, true, false, 0, 0, 1024},
        {"smallest ring", true, false, false, 0xfe000000, FAKE_F_VERSION_1, 4},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        fake.modern = cases[i].modern;
        fake.legacy = cases[i].legacy;
        fake.memory_bar = cases[i].memory_bar;
        fake.features = cases[i].features;
        fake.queue_max = cases[i].queue_max;
        fake.size_max = 65536;
        if (cases[i].msix)
            fake.function.config[FAKE_CAP_MSIX + 3] = 0x80;
        struct block_device *disk = probe_good();
        assert_string_equal(disk->name, "vda");
        assert_int_equal(disk->block_count, SECTORS);
        assert_int_equal(read_spans(disk, 0, 1, 1), OK);
        assert_int_equal(read_spans(disk, 0, 64, 8), OK);
        expect_fault_none(cases[i].what, fake.fault);
        if (fake.modern)
            assert_int_equal(fake.driver_features & FAKE_F_VERSION_1, FAKE_F_VERSION_1);
        static const u64 platform = FAKE_F_ACCESS_PLATFORM | FAKE_F_ORDER_PLATFORM;
        assert_int_equal(fake.driver_features & platform, fake.modern ? fake.features & platform : 0);
        disk_virtio_blk.quiesce(disk);
        assert_int_equal(fake.device_status, 0);
        assert_int_equal(fake.function.config[4] & 4, 0);
    }
}

static void geometry(void **state)
{
    (void)state;
    static const struct {
        u64 features;
        u32 blk_size, size_max, seg_max;
        u16 queue_max;
        u32 block_size, max_blocks; /* block_size 0: refused */
        u64 capacity, block_count;
    } cases[] = {
        {0, 4096, 0, 0, 256, 512, 4096, 100, 100}, /* not offered, so not looked at */
        {FAKE_F_BLK_SIZE, 4096, 0, 0, 256, 4096, 512, 800, 100},
        {FAKE_F_BLK_SIZE, 4096, 0, 0, 256, 4096, 512, 807, 100}, /* the tail is no whole block */
        {FAKE_F_BLK_SIZE, 65536, 0, 0, 256, 65536, 32, 1280, 10},
        {FAKE_F_BLK_SIZE, 0, 0, 0, 256, 512, 4096, 100, 100},
        {FAKE_F_BLK_SIZE, 256, 0, 0, 256, 512, 4096, 100, 100},
        {FAKE_F_BLK_SIZE, 520, 0, 0, 256, 512, 4096, 100, 100},
        {FAKE_F_BLK_SIZE, 0x20000, 0, 0, 256, 512, 4096, 100, 100},
        {FAKE_F_BLK_SIZE, 0xffffffff, 0, 0, 256, 512, 4096, 100, 100},
        {FAKE_F_SEG_MAX, 0, 0, 254, 256, 512, 4096, 100, 100},
        {FAKE_F_SEG_MAX, 0, 0, 0, 256, 512, 4096, 100, 100}, /* 0 segments: counts as 1 */
        {FAKE_F_SIZE_MAX | FAKE_F_SEG_MAX, 0, 4096, 254, 256, 512, 254 * 8, 100, 100},
        {FAKE_F_SIZE_MAX | FAKE_F_SEG_MAX, 0, 4096, 1000, 64, 512, 62 * 8, 100, 100}, /* the ring is shorter */
        {FAKE_F_SIZE_MAX | FAKE_F_SEG_MAX, 0, 65536, 126, 128, 512, 4096, 100, 100},
        {FAKE_F_SIZE_MAX | FAKE_F_SEG_MAX, 0, 0xffffffff, 0xffffffff, 256, 512, 4096, 100, 100},
        {FAKE_F_SIZE_MAX, 0, 0, 0, 256, 512, 4096, 100, 100},
        {FAKE_F_SIZE_MAX | FAKE_F_SEG_MAX, 0, 1000, 3, 256, 512, 5, 100, 100}, /* 3000 bytes */
        {FAKE_F_SIZE_MAX | FAKE_F_SEG_MAX, 0, 100, 3, 256, 0, 0, 100, 0},
        {FAKE_F_SIZE_MAX | FAKE_F_SEG_MAX | FAKE_F_BLK_SIZE, 4096, 512, 4, 256, 0, 0, 100, 0},
        {0, 0, 0, 0, 2, 0, 0, 100, 0},
        {0, 0, 0, 0, 0, 0, 0, 100, 0},
        {0, 0, 0, 0, 4, 512, 4096, ~0ull, ~0ull},
        {0, 0, 0, 0, 4, 0, 0, 0, 0}, /* no medium */
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        fake.features = cases[i].features | FAKE_F_VERSION_1;
        fake.blk_size = cases[i].blk_size;
        fake.size_max = cases[i].size_max;
        fake.seg_max = cases[i].seg_max;
        fake.queue_max = cases[i].queue_max;
        fake.capacity = cases[i].capacity;
        struct block_device *disk = probe();
        expect_no_fault();
        if (!cases[i].block_size) {
            assert_null(disk);
            expect_log("shim: error: virtio-blk: pci 00:04.0: ");
            assert_int_equal(fake.device_status, 0);
            continue;
        }
        assert_non_null(disk);
        assert_int_equal(disk->block_size, cases[i].block_size);
        assert_int_equal(disk->max_blocks, cases[i].max_blocks);
        assert_int_equal(disk->block_count, cases[i].block_count);
    }
}

/* The longest request of each shape, and more of them than the ring takes. */
static void long_requests_are_cut_into_segments(void **state)
{
    (void)state;
    static const struct {
        u32 size_max, seg_max, blk_size, segments, in_flight;
    } cases[] = {
        {0, 254, 512, 1, 8},       /* 2 MiB in one piece */
        {4096, 254, 4096, 254, 1}, /* just below 1 MiB */
        {65536, 254, 512, 32, 7},
        {65536, 254, 65536, 32, 7},
        {1000, 3, 512, 3, 16},
        {131072, 8, 512, 8, 16},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        fake.features = FAKE_F_VERSION_1 | FAKE_F_SEG_MAX | FAKE_F_BLK_SIZE | (cases[i].size_max ? FAKE_F_SIZE_MAX : 0);
        fake.size_max = cases[i].size_max;
        fake.seg_max = cases[i].seg_max;
        fake.blk_size = cases[i].blk_size;
        fake.late = 2;
        struct block_device *disk = probe_good();
        u32 count = (u32)min_u64(16, IMAGE_SIZE / (disk->max_blocks * disk->block_size));
        assert_int_equal(read_spans(disk, 0, count, disk->max_blocks), OK);
        expect_no_fault();
        assert_int_equal(fake.requests, count);
        assert_int_equal(fake.segments_max, cases[i].segments);
        assert_int_equal(fake.in_flight_max, cases[i].in_flight);
    }
}

static void several_in_flight_in_any_order(void **state)
{
    (void)state;
    fake.late = 3;
    fake.reverse = true;
    struct block_device *disk = probe_good();
    assert_int_equal(read_spans(disk, 0, 128, 4), OK);
    expect_no_fault();
    assert_int_equal(fake.requests, 128);
    assert_int_equal(fake.in_flight_max, 64);
    for (u32 i = 0; i < 1200; i++) /* the ring's indices wrap */
        assert_int_equal(read_spans(disk, 0, 64, 1), OK);
    expect_no_fault();
    assert_int_equal(disk->driver->read(disk, &(struct block_span){0, 1, NULL}, 0), OK);
}

static void one_notification_per_batch(void **state)
{
    (void)state;
    struct block_device *disk = probe_good();
    assert_int_equal(read_spans(disk, 0, 64, 2), OK);
    assert_int_equal(fake.notifies, 1);
    assert_int_equal(fake.requests, 64);
}

static void disks_in_bus_order(void **state)
{
    (void)state;
    fake_virtio_init(&second, 3);
    second.legacy = true;
    second.modern = false;
    second.capacity = 7;
    fake_virtio_plug(&fake);
    fake_virtio_plug(&second);
    fake_probe(&disk_virtio_blk, &boot, &disks);
    assert_int_equal(disks.count, 2);
    assert_string_equal(disks.disk[0]->name, "vda");
    assert_int_equal(disks.disk[0]->block_count, 7);
    assert_string_equal(disks.disk[1]->name, "vdb");
    disks.count = 0; /* a second look, as the menu's rescan makes it */
    fake_probe(&disk_virtio_blk, &boot, &disks);
    assert_int_equal(disks.count, 2);
    assert_int_equal(read_spans(disks.disk[1], 0, 2, 2), OK);
    expect_no_fault();
}

/* ---- registers that cannot be used ------------------------------------------------------------------------------ */

enum { CONFIG_BYTE, CONFIG_WORD32 };

static void broken_capabilities_are_refused(void **state)
{
    (void)state;
    static const struct {
        u8 at, kind;
        u32 value;
        const char *sentence; /* NULL: works all the same */
    } cases[] = {
        {0x06, CONFIG_BYTE, 0, "no registers that we can reach"}, /* no list */
        {0x34, CONFIG_BYTE, 0, "no registers that we can reach"},
        {0x34, CONFIG_BYTE, 0xfc, "no registers that we can reach"},
        {FAKE_CAP_COMMON + 1, CONFIG_BYTE, FAKE_CAP_COMMON, "no registers that we can reach"}, /* a loop */
        {FAKE_CAP_NOTIFY + 1, CONFIG_BYTE, FAKE_CAP_COMMON, NULL}, /* a loop behind all we need */
        {FAKE_CAP_COMMON, CONFIG_BYTE, 5, "no registers that we can reach"},
        {FAKE_CAP_COMMON + 2, CONFIG_BYTE, 15, "no registers that we can reach"},
        {FAKE_CAP_NOTIFY + 2, CONFIG_BYTE, 16, "no registers that we can reach"}, /* without the multiplier */
        {FAKE_CAP_COMMON + 3, CONFIG_BYTE, 9, "no registers that we can reach"},
        {FAKE_CAP_COMMON + 4, CONFIG_BYTE, 6, "no registers that we can reach"},
        {FAKE_CAP_COMMON + 4, CONFIG_BYTE, 255, "no registers that we can reach"},
        {FAKE_CAP_COMMON + 4, CONFIG_BYTE, 1, "no registers that we can reach"},
        {FAKE_CAP_COMMON + 8, CONFIG_WORD32, 2, "no registers that we can reach"}, /* not aligned */
        {FAKE_CAP_COMMON + 12, CONFIG_WORD32, 55, "no registers that we can reach"},
        {FAKE_CAP_COMMON + 12, CONFIG_WORD32, 0xffffffff, NULL},
        {FAKE_CAP_DEVICE + 12, CONFIG_WORD32, 0, "no registers that we can reach"},
        {FAKE_CAP_DEVICE + 12, CONFIG_WORD32, 3, "no registers that we can reach"},
        {FAKE_CAP_DEVICE + 12, CONFIG_WORD32, 8, NULL},
        {FAKE_CAP_NOTIFY + 12, CONFIG_WORD32, 1, "no registers that we can reach"},
        {FAKE_CAP_NOTIFY + 12, CONFIG_WORD32, 8, "is notified at byte 12 of 8"},
        {FAKE_CAP_NOTIFY + 16, CONFIG_WORD32, 0xffffffff, "is notified at byte"},
        {0x20, CONFIG_WORD32, 0xc001, "no registers that we can reach"}, /* BAR 4: ports */
        {0x20, CONFIG_WORD32, 0xc, "no registers that we can reach"},
        {0x24, CONFIG_WORD32, 0xffffffff, "reset"}, /* nothing answers there */
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        fake.notify_off = 3;
        fake_virtio_plug(&fake);
        u8 *at = fake.function.config + cases[i].at;
        if (cases[i].kind == CONFIG_BYTE)
            *at = (u8)cases[i].value;
        else
            fake_put32(at, cases[i].value);
        fake_probe(&disk_virtio_blk, &boot, &disks);
        assert_int_equal(disks.count, !cases[i].sentence);
        if (cases[i].sentence)
            expect_log(cases[i].sentence);
        expect_no_fault();
    }
}

static void ports_serve_when_memory_cannot(void **state)
{
    (void)state;
    fake.legacy = true;
    fake.features &= ~FAKE_F_EVENT_IDX;
    fake_virtio_plug(&fake);
    fake_put32(fake.function.config + 0x20, 0xc);
    fake_probe(&disk_virtio_blk, &boot, &disks);
    assert_int_equal(disks.count, 1);
    assert_int_equal(read_spans(disks.disk[0], 0, 64, 3), OK);
    expect_no_fault();
}

/* A machine without firmware: bridges without numbers and windows, BARs without addresses. */
static void a_bare_machine_reads(void **state)
{
    (void)state;
    static struct fake_function bridge[2];
    for (u32 legacy = 0; legacy < 2; legacy++) {
        setup(NULL);
        memset(bridge, 0, sizeof bridge);
        for (u32 i = 0; i < 2; i++) {
            fake_function_add(&bridge[i], i ? 0 : 3 << 3, 0x1b36, 1, 0x0604);
            bridge[i].config[0x0e] = 1;
        }
        bridge[1].behind = &bridge[0];
        fake.function.behind = &bridge[1];
        fake.legacy = legacy;
        fake.modern = !legacy;
        fake.features = legacy ? FAKE_F_BLK_SIZE : FAKE_F_VERSION_1;
        fake.memory_bar = fake.io_bar = 0;
        fake.function.bar_size[0] = 0x80;
        fake.function.bar_size[4] = 0x4000;
        fake_virtio_plug(&fake);
        fake.memory.base = &fake.function.bar_at[4];
        fake.ports.base = &fake.function.bar_at[0];
        fake_probe(&disk_virtio_blk, &boot, &disks);
        if (!disks.count)
            FAILED("no disk: %s", host_log());
        expect_log("shim: vda: pci 02:04.0, ");
        assert_int_equal(read_spans(disks.disk[0], 0, 64, 3), OK);
        assert_int_equal(fake.function.bar_at[legacy ? 0 : 4], legacy ? 0xff80 : 0xfbffc000);
        assert_null(fake_pci_fault);
        expect_no_fault();
    }
}

static void unassigned_ports_are_said(void **state)
{
    (void)state;
    fake.legacy = true;
    fake.modern = false;
    fake_virtio_plug(&fake);
    fake_put32(fake.function.config + 0x10, 1);
    fake_probe(&disk_virtio_blk, &boot, &disks);
    assert_int_equal(disks.count, 0);
    expect_log("shim: warning: pci 00:04.0: virtio device 1af4:1001: no registers that we can reach");
}

static void others_are_left_alone(void **state)
{
    (void)state;
    static const struct {
        u16 vendor, device, subsystem;
    } cases[] = {{0x1af4, 0x1041, 0x1100},
                 {0x1af4, 0x1000, 1},
                 {0x1af4, 0x1001, 1},
                 {0x8086, 0x1042, 2},
                 {0x1af4, 0x0fff, 2}};
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        fake_virtio_plug(&fake);
        fake_put16(fake.function.config, cases[i].vendor);
        fake_put16(fake.function.config + 2, cases[i].device);
        fake_put16(fake.function.config + 0x2e, cases[i].subsystem);
        fake_probe(&disk_virtio_blk, &boot, &disks);
        assert_int_equal(disks.count, 0);
        assert_string_equal(host_log(), "");
        assert_int_equal(fake.resets, 0);
        assert_int_equal(fake.function.config[4], 0);
    }
}

static void refusals_while_starting(void **state)
{
    (void)state;
    fake.features_refused = true;
    assert_null(probe());
    expect_log("refuses features");
    assert_int_equal(fake.device_status, 0);

    setup(NULL);
    fake.features = FAKE_F_BLK_SIZE;
    assert_null(probe());
    expect_log("lack VIRTIO_F_VERSION_1");

    setup(NULL);
    fake.reset_stuck = true;
    assert_null(probe());
    expect_log("shim: error: virtio-blk: pci 00:04.0: status reads 40 after 2000 ms of reset, expected 0");
    assert_int_equal(fake.function.config[4] & 4, 0);

    setup(NULL);
    fake.modern = false, fake.legacy = true;
    fake.queue_max = 100;
    assert_null(probe());
    expect_log("100 descriptors, expected a power of two");

    setup(NULL);
    fake.unsettled = true; /* a capacity that never keeps still */
    assert_non_null(probe());
    expect_no_fault();
}

/* ---- reads that go wrong ---------------------------------------------------------------------------------------- */

static void failed_requests(void **state)
{
    (void)state;
    static const struct {
        u32 status;
        const char *sentence;
    } cases[] = {
        {1, "vda: I/O error at block 40 (4 blocks)"},
        {2, "vda: the device does not support reading block 40 (4 blocks)"},
        {3, "vda: read of block 40 (4 blocks) ended with status 3"},
        {FAKE_STATUS_UNWRITTEN, "vda: read of block 40 (4 blocks) ended with status ff"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        for (u32 late = 0; late < 6; late++) {
            setup(NULL);
            fake.all_bad = late >= 3; /* the first failure is told, not the last */
            fake.bad_sector = 41;
            fake.status = cases[i].status;
            fake.late = late % 3;
            struct block_device *disk = probe_good();
            assert_int_equal(read_spans(disk, 0, 128, 4), ERR_IO);
            expect_error(cases[i].sentence);
            assert_int_equal(fake.pending_count, 0);
            assert_false(disk->dead);
            assert_int_equal(read_spans(disk, 0, 10, 4), OK); /* the rest of the disk is as good as before */
            expect_no_fault();
        }
    }
}

static void used_length(void **state)
{
    (void)state;
    static const struct {
        bool legacy;
        u32 missing;
        enum error error;
    } cases[] = {{false, 0, OK}, {false, 1, OK}, {false, 2, ERR_IO}, {false, 2049, ERR_IO}, {true, 2048, OK}};
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        fake.legacy = cases[i].legacy;
        fake.modern = !cases[i].legacy;
        fake.len_missing = cases[i].missing;
        assert_int_equal(read_spans(probe_good(), 0, 1, 4), cases[i].error);
        if (cases[i].error)
            expect_error("bytes read at block 0");
        expect_no_fault();
    }
}

/* A reset would wait for the host's storage; so nothing of the device is touched any more. */
static void silence_ends_in_distance(void **state)
{
    (void)state;
    fake.never = true;
    struct block_device *disk = probe_good();
    u32 resets = fake.resets;
    u64 before = arena_left();
    assert_int_equal(read_spans(disk, 0, 3, 8), ERR_TIMEOUT);
    expect_error("vda: no answer within 10 s to a read of 8 blocks at block 0");
    expect_log("shim: warning: vda: not used any more, and what it was given stays reserved");
    assert_true(disk->dead);
    arena_release(0); /* its rings are in there */
    assert_true(arena_left() < before);
    disk_virtio_blk.quiesce(disk);
    assert_int_equal(fake.resets, resets);
    assert_int_equal(fake.device_status, 15);
    expect_no_fault();

    struct disk_list again = {0};
    fake_probe(&disk_virtio_blk, NULL, &again);
    assert_int_equal(again.count, 0);
    assert_int_equal(fake.resets, resets);
    expect_log("shim: warning: pci 00:04.0: left out, it did not answer before");
}

/* Slow, but never silent for 10 s. */
static void late_answers_are_waited_for(void **state)
{
    (void)state;
    fake.late = 9000;
    struct block_device *disk = probe_good();
    assert_int_equal(read_spans(disk, 0, 4, 8), OK);
    expect_no_fault();
}

static void lies_end_in_a_reset(void **state)
{
    (void)state;
    static const struct {
        bool wrong_id, twice;
        u16 jump;
        const char *sentence;
    } cases[] = {
        {true, false, 0, "a request that was not made"},
        {false, true, 0, "a request that was not made"},
        {false, false, 1, "a request that was not made"}, /* one entry more than was written */
        {false, false, 300, "finished requests where 8 were made"},
        {false, false, 0xfff8, "finished requests where 8 were made"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        struct block_device *disk = probe_good();
        fake.late = cases[i].jump ? 2 : 0;
        assert_int_equal(read_spans(disk, 0, 9, 1), OK);
        fake.wrong_id = cases[i].wrong_id;
        fake.twice = cases[i].twice;
        fake.used_jump = cases[i].jump;
        assert_int_equal(read_spans(disk, 0, 8, 1), ERR_IO);
        expect_error(cases[i].sentence);
        assert_true(disk->dead);
        assert_int_equal(fake.device_status, 0);
        expect_no_fault();
    }
}

static void reset_that_fails_is_said_and_dma_is_off(void **state)
{
    (void)state;
    struct block_device *disk = probe_good();
    fake.reset_stuck = true;
    disk_virtio_blk.quiesce(disk);
    expect_log("shim: error: pci 00:04.0: status reads 40 after 2000 ms of reset, expected 0");
    assert_int_equal(fake.function.config[4] & 4, 0);
}

/* ---- modules ---------------------------------------------------------------------------------------------------- */

static void modules_are_disks(void **state)
{
    (void)state;
    static const struct {
        u64 size, blocks;
    } cases[] = {{1, 1}, {511, 1}, {512, 1}, {513, 2}, {100000, 196}, {0, 1}};
    static struct boot_info with;
    with.module_count = ARRAY_COUNT(cases);
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        with.module[i] = (struct module){.base = 0x20000000 + i * MIB(1) + i, .size = cases[i].size, .text = ""};
        host_poke(with.module[i].base, image + i, 100001); /* what is behind a module is not shown */
    }
    disk_ramdisk.probe(&with, &disks);
    assert_int_equal(disks.count, ARRAY_COUNT(cases));
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        struct block_device *disk = disks.disk[i];
        static u8 got[100352], want[100352];
        char name[16];
        format_text(name, sizeof name, "module%u", i);
        assert_string_equal(disk->name, name);
        assert_int_equal(disk->block_count, cases[i].blocks);
        assert_true(disk->in_memory);
        memset(want, 0, sizeof want);
        memcpy(want, image + i, cases[i].size);
        memset(got, 0xa5, sizeof got);
        struct block_span spans[] = {{0, (u32)cases[i].blocks, got}, {cases[i].blocks - 1, 1, got + sizeof got - 512}};
        assert_int_equal(disk->driver->read(disk, spans, 1), OK);
        assert_memory_equal(got, want, cases[i].blocks * 512);
        assert_int_equal(disk->driver->read(disk, spans + 1, 1), OK);
        assert_memory_equal(got + sizeof got - 512, want + cases[i].blocks * 512 - 512, 512);
        disk->driver->quiesce(disk);
        struct block_span beyond = {cases[i].blocks, 1, got};
        assert_int_equal(disk->driver->read(disk, &beyond, 1), ERR_RANGE);
    }
    struct block_device *moved = disks.disk[4];
    host_poke(0x30000000, image, 100000);
    moved->memory_base = 0x30000000;
    u8 block[512];
    assert_int_equal(moved->driver->read(moved, &(struct block_span){3, 1, block}, 1), OK);
    assert_memory_equal(block, image + 3 * 512, 512);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_kind_of_device_reads, setup),
        cmocka_unit_test_setup(geometry, setup),
        cmocka_unit_test_setup(long_requests_are_cut_into_segments, setup),
        cmocka_unit_test_setup(several_in_flight_in_any_order, setup),
        cmocka_unit_test_setup(one_notification_per_batch, setup),
        cmocka_unit_test_setup(disks_in_bus_order, setup),
        cmocka_unit_test_setup(broken_capabilities_are_refused, setup),
        cmocka_unit_test_setup(ports_serve_when_memory_cannot, setup),
        cmocka_unit_test_setup(a_bare_machine_reads, setup),
        cmocka_unit_test_setup(unassigned_ports_are_said, setup),
        cmocka_unit_test_setup(others_are_left_alone, setup),
        cmocka_unit_test_setup(refusals_while_starting, setup),
        cmocka_unit_test_setup(failed_requests, setup),
        cmocka_unit_test_setup(used_length, setup),
        cmocka_unit_test_setup(silence_ends_in_distance, setup),
        cmocka_unit_test_setup(late_answers_are_waited_for, setup),
        cmocka_unit_test_setup(lies_end_in_a_reset, setup),
        cmocka_unit_test_setup(reset_that_fails_is_said_and_dma_is_off, setup),
        cmocka_unit_test_setup(modules_are_disks, setup),
    };
    return cmocka_run_group_tests(tests, image_make, image_free);
}
