/* test_virtio_scsi.c: virtio_scsi.c, and scsi.c under it, against an adapter that can lie. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_virtio_scsi.h"
#include "tables.h"

#define IMAGE_SIZE MIB(8)
#include "driver_test.h"

extern const struct block_driver disk_virtio_scsi;

static struct fake_scsi fake, second;
static struct boot_info boot;

static void fake_fresh(struct fake_scsi *f, u32 slot)
{
    fake_scsi_init(f, slot);
    f->image = image;
    f->image_size = IMAGE_SIZE;
}

/* An adapter without units. */
static int setup(void **state)
{
    (void)state;
    fake_reset();
    fake_fresh(&fake, 4);
    disks.count = 0;
    return 0;
}

static void probe(void)
{
    fake_scsi_plug(&fake);
    fake_probe(&disk_virtio_scsi, &boot, &disks);
}

static void expect_no_fault(void)
{
    expect_fault_none("virtio-scsi", fake.fault);
}

/* One disk of 16384 blocks. */
static struct block_device *probe_disk(void)
{
    fake_scsi_add(&fake, 1, 0, 0, 512, 16384);
    probe();
    if (disks.count != 1)
        FAILED("%u disks: %s", disks.count, host_log());
    expect_no_fault();
    return disks.disk[0];
}

/* ---- all is well ------------------------------------------------------------------------------------------------ */

static void disks_and_cds(void **state)
{
    (void)state;
    static const struct {
        u8 target;
        u16 lun;
        u8 type;
        u32 block_size;
        u64 block_count, read_at;
        const char *name, *unit;
    } cases[] = { /* in the order in which they are expected */
        {0, 0, 0, 512, 16384, 0, "sda", "channel@0/disk@0,0"},
        {3, 1, 0, 4096, 2048, 100, "sdb", "channel@0/disk@3,1"},
        {3, 255, 5, 2048, 4096, 16, "sr0", "channel@0/disk@3,ff"},
        {3, 256, 0, 512, 16384, 8, "sdc", "channel@0/disk@3,100"},
        {16, 16383, 0, 512, 0x1900000000, 0x18ffffff00, "sdd", "channel@0/disk@10,3fff"},
        {255, 7, 0, 4096, 0xffffffff, 0xffffff00, "sde", "channel@0/disk@ff,7"},
    };
    for (u32 i = ARRAY_COUNT(cases); i-- > 0;)
        fake_scsi_add(&fake, cases[i].target, cases[i].lun, cases[i].type, cases[i].block_size, cases[i].block_count);
    for (u32 i = 0; i < fake.unit_count; i++)
        fake.unit[i].attentions = i % 3;
    probe();
    assert_int_equal(disks.count, ARRAY_COUNT(cases));
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        struct block_device *disk = disks.disk[i];
        assert_string_equal(disk->name, cases[i].name);
        assert_string_equal(disk->place.unit, cases[i].unit);
        assert_int_equal(disk->place.bus, BUS_PCI);
        assert_int_equal(disk->place.address, 0x20);
        assert_int_equal(disk->block_size, cases[i].block_size);
        assert_int_equal(disk->block_count, cases[i].block_count);
        assert_int_equal(disk->removable, cases[i].type == 5);
        assert_int_equal(disk->max_blocks * disk->block_size, MIB(2));
        assert_int_equal(read_spans(disk, cases[i].read_at, 16, 8), OK);
    }
    expect_log("shim: sdd: pci 00:04.0 target 16 lun 16383, FAKE DISK, 107374182400 blocks of 512 bytes, 32 requests "
               "of 2048 KiB in flight");
    assert_int_equal(fake.commands[0x88], 16); /* nowhere but where READ (10) cannot reach */
    u32 resets = fake.resets;
    for (u32 i = 0; i < disks.count; i++)
        disk_virtio_scsi.quiesce(disks.disk[i]);
    assert_int_equal(fake.resets, resets + 1);
    assert_null(strstr(host_log(), "error"));
    assert_int_equal(fake.device_status, 0);
    assert_int_equal(fake.function.config[4] & 4, 0);
    expect_no_fault();
}

static void several_in_flight_in_any_order(void **state)
{
    (void)state;
    fake.late = 2;
    fake.reverse = true;
    fake.zero_length = true;
    struct block_device *disk = probe_disk();
    assert_int_equal(read_spans(disk, 0, 128, 4), OK);
    assert_int_equal(fake.in_flight_max, 64); /* targets; reads below */
    assert_int_equal(fake.commands[0x28], 128);
    fake.late = 0;
    for (u32 i = 0; i < 700; i++) /* the ring's indices wrap */
        assert_int_equal(read_spans(disk, i, 100, 1), OK);
    u32 notifies = fake.notifies;
    assert_int_equal(read_spans(disk, 0, 32, 2), OK);
    assert_int_equal(fake.notifies, notifies + 1);
    assert_int_equal(read_spans(disk, 0, 2, 4096), OK);
    assert_int_equal(fake.data_max, MIB(2));
    expect_no_fault();
    assert_int_equal(disk->driver->read(disk, &(struct block_span){0, 1, NULL}, 0), OK);
}

static void empty_targets_cost_little(void **state)
{
    (void)state;
    fake_scsi_add(&fake, 255, 0, 0, 512, 100);
    probe();
    assert_int_equal(disks.count, 1);
    assert_int_equal(fake.commands[0], 257); /* TEST UNIT READY: once each, and once more for what is there */
    assert_in_range(fake.notifies, 5, 10);
    expect_no_fault();

    setup(NULL);
    fake.max_target = 0xffff; /* an address has room for 256 */
    probe();
    assert_int_equal(disks.count, 0);
    assert_int_equal(fake.requests, 256);
    assert_int_equal(fake.notifies, 4);
    assert_int_equal(fake.device_status, 0); /* nobody will ask for it again */
    assert_int_equal(fake.function.config[4] & 4, 0);
    assert_string_equal(host_log(), "");
    expect_no_fault();
}

static void several_adapters(void **state)
{
    (void)state;
    fake_fresh(&second, 3);
    fake_scsi_add(&fake, 0, 0, 0, 512, 16384);
    fake_scsi_add(&second, 0, 0, 5, 2048, 4096);
    fake_scsi_add(&second, 0, 1, 0, 512, 7);
    fake_scsi_plug(&fake);
    fake_scsi_plug(&second);
    for (u32 i = 0; i < 2; i++) { /* a second look, as the menu's rescan makes it */
        disks.count = 0;
        fake_probe(&disk_virtio_scsi, &boot, &disks);
        assert_int_equal(disks.count, 3);
        assert_string_equal(disks.disk[0]->name, "sr0");
        assert_string_equal(disks.disk[1]->name, "sda");
        assert_string_equal(disks.disk[2]->name, "sdb");
        assert_int_equal(disks.disk[2]->block_count, 16384);
        assert_int_equal(read_spans(disks.disk[0], 0, 4, 4), OK);
        assert_int_equal(read_spans(disks.disk[2], 0, 4, 4), OK);
    }
    disk_virtio_scsi.quiesce(disks.disk[0]);
    assert_int_equal(second.device_status, 0);
    assert_int_equal(fake.device_status, 15); /* another adapter's */
    expect_no_fault();
    assert_null(second.fault);
}

static void geometry(void **state)
{
    (void)state;
    static const struct {
        u16 queue_max;
        u32 max_sectors, cmd_per_lun, sense_size, cdb_size, block_size;
        u32 max_blocks, in_flight; /* max_blocks 0: refused */
        const char *sentence;
    } cases[] = {
        {256, 0xffff, 128, 96, 32, 512, 4096, 32, NULL},
        {1024, 0xffffffff, 0, 96, 32, 512, 4096, 32, NULL},
        {128, 0, 128, 96, 32, 512, 4096, 21, NULL},
        {4, 0xffff, 128, 96, 32, 512, 4096, 1, NULL},
        {256, 0x800001, 128, 96, 32, 512, 4096, 32, NULL}, /* 4 GiB and a bit */
        {256, 256, 3, 96, 32, 512, 256, 3, NULL},
        {256, 257, 1, 96, 32, 4096, 32, 1, NULL},
        {256, 0xffff, 128, 18, 16, 512, 4096, 32, NULL},
        {256, 0xffff, 128, 0, 32, 512, 4096, 32, NULL},
        {256, 7, 128, 96, 32, 4096, 0, 0, "target 1 lun 0: 3584 bytes per request cannot carry a block of 4096 bytes"},
        {2, 0xffff, 128, 96, 32, 512, 0, 0, "virtio-scsi: pci 00:04.0: a queue of 2 descriptors, expected at least 3"},
        {256, 0xffff, 128, 97, 32, 512, 0, 0, "CDBs of 32 and sense data of 97 bytes, expected 32 and 96"},
        {256, 0xffff, 128, 96, 15, 512, 0, 0, "CDBs of 15 and"},
        {256, 0xffff, 128, 96, 33, 512, 0, 0, "CDBs of 33 and"},
        {256, 0xffff, 128, 96, 32, 520, 0, 0, "FAKE DISK: blocks of 520 bytes, expected a power of two"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        fake.queue_max = cases[i].queue_max;
        fake.max_sectors = cases[i].max_sectors;
        fake.cmd_per_lun = cases[i].cmd_per_lun;
        fake.sense_size = cases[i].sense_size;
        fake.cdb_size = cases[i].cdb_size;
        fake_scsi_add(&fake, 1, 0, 0, cases[i].block_size, 4096);
        probe();
        expect_no_fault();
        assert_int_equal(disks.count, cases[i].max_blocks != 0);
        if (cases[i].sentence) {
            expect_log(cases[i].sentence);
            assert_int_equal(fake.device_status, 0);
            continue;
        }
        struct block_device *disk = disks.disk[0];
        assert_int_equal(disk->max_blocks, cases[i].max_blocks);
        fake.late = 1;
        fake.in_flight_max = 0;
        assert_int_equal(read_spans(disk, 0, 128, 1), OK);
        assert_int_equal(fake.in_flight_max, cases[i].in_flight);
        assert_int_equal(read_spans(disk, 0, 1, disk->max_blocks), OK);
        expect_no_fault();
    }
}

/* ---- units ------------------------------------------------------------------------------------------------------- */

static void lists_of_units(void **state)
{
    (void)state;
    static const struct {
        u8 bytes[64];
        u32 size;
        u32 disks; /* of units 0, 1, 300 */
    } cases[] = {
        {{0, 0, 0, 8}, 16, 1},
        {{0, 0, 0, 24, [17] = 1, [24] = 0x41, [25] = 0x2c}, 32, 3},
        {{0, 0, 0, 16, [8] = 0x40, [16] = 0x40, [17] = 1}, 24, 2},             /* flat, below 256 */
        {{0, 0, 0, 24, [17] = 1, [25] = 1}, 32, 2},                            /* one twice */
        {{0, 0, 0, 16, [9] = 9, [17] = 1}, 24, 1},                             /* one that is not there */
        {{0, 0, 0, 24, [8] = 0xc1, 1, [16] = 0x80, [24] = 0x3f}, 32, 0},       /* well known; other formats */
        {{0, 0, 0, 16, [11] = 1, [17] = 1, [23] = 1}, 24, 0},                  /* of two levels */
        {{0, 0, 0, 16, [10] = 1, [17] = 1}, 24, 1},
        {{0, 0, 0, 0}, 8, 0},
        {{0, 0, 0, 7}, 15, 0},
        {{0, 0, 0, 8}, 15, 0},                                                 /* cut */
        {{0, 0, 0, 8}, 7, 1},                                                  /* no list at all */
        {{0xff, 0xff, 0xff, 0xff}, 24, 1},                                     /* longer than what came; one twice */
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        fake_scsi_add(&fake, 1, 0, 0, 512, 100);
        fake_scsi_add(&fake, 1, 1, 0, 512, 100);
        fake_scsi_add(&fake, 1, 300, 0, 512, 100);
        fake.luns = cases[i].bytes;
        fake.luns_size = cases[i].size;
        probe();
        if (disks.count != cases[i].disks)
            FAILED("case %u: %u disks", i, disks.count);
        expect_no_fault();
    }
}

static void targets_without_a_list(void **state)
{
    (void)state;
    static const struct {
        struct fake_scsi_failure failure;
        u32 disks;
        const char *sentence;
    } cases[] = {
        {{.code = 0xa0, .times = ~0u, .status = 2, .key = 5, .asc = 0x20}, 1, NULL},
        {{.code = 0xa0, .times = 2, .status = 2, .key = 6, .asc = 0x3f, .ascq = 0x0e}, 2, NULL},
        {{.code = 0xa0, .times = ~0u, .response = 7}, 0,
         "pci 00:04.0 target 1: command a0: target failure (response 7)"},
        {{.code = 0x12, .times = 1, .skip = 2, .response = 3}, 1, "lun 1: command 12: no such target"}, /* unplugged */
        {{.code = 0x12, .times = ~0u, .response = 42}, 0, "target 1 lun 0: command 12: failed (response 42)"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        fake_scsi_add(&fake, 1, 0, 0, 512, 100);
        fake_scsi_add(&fake, 1, 1, 0, 512, 100);
        fake.failure = cases[i].failure;
        probe();
        if (disks.count != cases[i].disks)
            FAILED("case %u: %u disks: %s", i, disks.count, host_log());
        if (cases[i].sentence)
            expect_log(cases[i].sentence);
        expect_no_fault();
    }
}

/* And nothing is left of what another target said. */
static void list_refused_by_the_second(void **state)
{
    (void)state;
    fake_scsi_add(&fake, 1, 1, 0, 512, 100);
    fake_scsi_add(&fake, 2, 0, 0, 512, 100);
    fake.failure = (struct fake_scsi_failure){.code = 0xa0, .skip = 1, .times = 1, .status = 2, .key = 5, .asc = 0x20};
    probe();
    assert_int_equal(disks.count, 2);
    assert_string_equal(disks.disk[1]->place.unit, "channel@0/disk@2,0");
    expect_no_fault();
}

static void no_medium(void **state)
{
    (void)state;
    fake_scsi_add(&fake, 1, 0, 5, 2048, 100)->no_medium = true;
    fake_scsi_add(&fake, 2, 0, 1, 512, 100); /* a tape */
    probe();
    assert_int_equal(disks.count, 0);
    assert_string_equal(host_log(), "shim: pci 00:04.0 target 1 lun 0: FAKE DISK: no medium\n");
    assert_int_equal(fake.device_status, 0);
    expect_no_fault();
}

static void more_units_than_disks(void **state)
{
    (void)state;
    for (u32 i = 0; i < 70; i++)
        fake_scsi_add(&fake, (u8)(i / 40), (u16)(i % 40), 0, 512, 100);
    probe();
    assert_int_equal(disks.count, DISKS_MAX);
    expect_log("more than 64 disks: sd number 64 is left out");
    assert_null(strstr(host_log(), "number 65"));
    assert_int_equal(fake.commands[0x25], 65);
    expect_no_fault();
}

/* ---- reads that go wrong ---------------------------------------------------------------------------------------- */

static void failed_reads(void **state)
{
    (void)state;
    static const struct {
        struct fake_scsi_failure failure;
        u32 tries;
        const char *sentence; /* NULL: OK */
    } cases[] = {
        {{.times = ~0u, .status = 2, .key = 3, .asc = 0x11}, 1,
         "sda: read of block 40 (4 blocks): medium error, unrecovered read error (sense 3/11/00)"},
        {{.times = ~0u, .status = 2, .key = 3, .asc = 0x11, .descriptor_sense = true}, 1, "(sense 3/11/00)"},
        {{.times = ~0u, .status = 2, .key = 11, .ascq = 6}, 5,
         "aborted command, I/O process terminated (sense b/00/06)"},
        {{.times = 4, .status = 2, .key = 11, .ascq = 6}, 5, NULL},
        {{.times = 1, .status = 2, .key = 6, .asc = 0x29}, 2, NULL},
        {{.times = 3, .status = 8}, 4, NULL},
        {{.times = ~0u, .status = 8}, 5, "sda: read of block 40 (4 blocks): busy (status 08)"},
        {{.times = 1, .response = 2}, 2, NULL},
        {{.times = 1, .response = 4}, 2, NULL},
        {{.times = 1, .response = 5}, 2, NULL},
        {{.times = ~0u, .response = 4}, 5, "task aborted (status 40)"},
        {{.times = ~0u, .response = 3}, 1, "sda: command 28: no such target (response 3)"},
        {{.times = ~0u, .response = 6}, 1, "sda: command 28: transport failure (response 6)"},
        {{.times = ~0u, .response = 9}, 1, "sda: command 28: failure (response 9)"},
        {{.times = ~0u, .response = 0xff}, 1, "sda: command 28: failed (response 255)"},
        {{.times = ~0u, .residual = 1}, 1, "only 2047 of 2048 bytes came"},
        {{.times = ~0u, .residual = 2049}, 1, "only 0 of 2048 bytes came"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        for (u32 late = 0; late < 3; late++) {
            setup(NULL);
            struct block_device *disk = probe_disk();
            fake.late = late;
            fake.failure = cases[i].failure;
            fake.failure.code = 0x28;
            fake.failure.skip = 10;
            assert_int_equal(read_spans(disk, 0, 11, 4), cases[i].sentence ? ERR_IO : OK);
            if (cases[i].sentence)
                expect_error(cases[i].sentence);
            else
                assert_string_equal(error_text(), "");
            assert_int_equal(fake.commands[0x28], 10 + cases[i].tries);
            assert_int_equal(fake.pending_count, 0);
            fake.failure.times = 0;
            assert_false(disk->dead);
            assert_int_equal(read_spans(disk, 10, 128, 4), OK); /* the rest of the disk is as good as before */
            fake.failure = cases[i].failure;
            fake.failure.code = 0x28;
            fake.failure.skip = 10;
            assert_int_equal(read_spans(disk, 0, 128, 4), cases[i].sentence ? ERR_IO : OK); /* many at once */
            assert_int_equal(fake.pending_count, 0);
            if (cases[i].sentence) /* the first failure is told, not the last */
                expect_error(cases[i].sentence);
            expect_no_fault();
        }
    }
}

/* A reset would wait for the host's storage: there is none. The other disk goes on, and may be as silent. */
static void silence_ends_in_distance(void **state)
{
    (void)state;
    fake_scsi_add(&fake, 9, 0, 0, 512, 16384);
    fake_scsi_add(&fake, 1, 0, 0, 512, 16384);
    probe();
    assert_int_equal(disks.count, 2);
    struct block_device *disk = disks.disk[0], *other = disks.disk[1];
    u32 resets = fake.resets;
    u64 before = arena_left();
    fake.failure = (struct fake_scsi_failure){.code = 0x28, .skip = 1, .times = ~0u, .silent = true};
    assert_int_equal(read_spans(disk, 0, 128, 8), ERR_TIMEOUT);
    expect_error("sda: no answer within 10 s to a read of 8 blocks at block ");
    expect_log("shim: warning: sda: not used any more, and what it was given stays reserved");
    assert_true(disk->dead && !other->dead);
    arena_release(0); /* its rings are in there */
    assert_true(arena_left() < before);
    fake.failure.times = 0;
    fake.late = 1;
    fake.in_flight_max = 0;
    for (u32 i = 0; i < 50; i++)
        assert_int_equal(read_spans(other, i, 128, 8), OK);
    assert_int_equal(fake.in_flight_max, 32);
    fake.failure.times = ~0u;
    assert_int_equal(read_spans(other, 0, 128, 8), ERR_TIMEOUT);
    assert_true(other->dead);
    expect_log("shim: warning: pci 00:04.0: not used any more"); /* no slot is left */
    disk_virtio_scsi.quiesce(disk);
    disk_virtio_scsi.quiesce(other);
    assert_int_equal(fake.resets, resets);
    assert_int_equal(fake.device_status, 15);
    expect_no_fault();

    struct disk_list again = {0};
    fake_probe(&disk_virtio_scsi, NULL, &again);
    assert_int_equal(again.count, 0);
    assert_int_equal(fake.resets, resets);
    expect_log("shim: warning: pci 00:04.0: left out, it did not answer before");
}

/* Answers that come when nobody waits any more are taken for what they are: one by one, or all at once. */
static void late_beyond_patience(void **state)
{
    (void)state;
    for (u32 late = 0; late < 3; late++) {
        setup(NULL);
        fake_scsi_add(&fake, 9, 0, 0, 512, 16384);
        fake_scsi_add(&fake, 1, 0, 0, 512, 16384);
        probe();
        fake.late = 1u << 20;
        assert_int_equal(read_spans(disks.disk[0], 0, 20, 8), ERR_TIMEOUT);
        assert_int_equal(fake.pending_count, 20);
        u32 resets = fake.resets;
        fake.late = late;
        assert_int_equal(read_spans(disks.disk[1], 100, 128, 8), OK);
        assert_int_equal(fake.pending_count, 0);
        disk_virtio_scsi.quiesce(disks.disk[0]);
        assert_int_equal(fake.resets, resets + 1); /* now it can be */
        expect_no_fault();
    }
    for (u32 late = 0; late < 40; late += 13) { /* the same while units are looked for */
        setup(NULL);
        for (u8 target = 1; target < 4; target++)
            fake_scsi_add(&fake, target, 0, 0, 512, 16384);
        fake.late = late;
        fake.failure = (struct fake_scsi_failure){.code = 0x25, .times = 1, .silent = true, .belated = true};
        probe();
        assert_int_equal(disks.count, 2);
        assert_int_equal(read_spans(disks.disk[1], 0, 128, 8), OK);
        disk_virtio_scsi.quiesce(disks.disk[0]);
        assert_int_equal(fake.resets, 2);
        expect_no_fault();
    }
}

/* Three disks, of which two take all slots but one with them. */
static void the_last_slot(void **state)
{
    (void)state;
    for (u8 target = 1; target < 4; target++)
        fake_scsi_add(&fake, target, 0, 0, 512, 16384);
    probe();
    fake.failure = (struct fake_scsi_failure){.code = 0x28, .times = ~0u, .silent = true};
    assert_int_equal(read_spans(disks.disk[0], 0, 32, 8), ERR_TIMEOUT);
    assert_int_equal(read_spans(disks.disk[1], 0, 31, 8), ERR_TIMEOUT);
    fake.failure.times = 0;
    fake.late = 1;
    fake.in_flight_max = 0;
    assert_int_equal(read_spans(disks.disk[2], 0, 128, 8), OK);
    assert_int_equal(fake.in_flight_max, 1);
    u32 resets = fake.resets;
    for (u32 i = 0; i < 3; i++)
        disk_virtio_scsi.quiesce(disks.disk[i]);
    assert_int_equal(fake.resets, resets);
    assert_int_equal(fake.device_status, 15);
    expect_no_fault();
}

static void silence_while_looking(void **state)
{
    (void)state;
    static const struct {
        u8 code, skip;
        u32 times, disks;
        const char *sentence;
    } cases[] = {
        {0x00, 0, 1, 3, "shim: error: pci 00:04.0 target 0 lun 0: no answer within 10 s to command 00"},
        {0x00, 0, ~0u, 0, "shim: warning: pci 00:04.0: not used any more"},
        {0xa0, 0, 1, 2, "shim: error: pci 00:04.0 target 1 lun 0: no answer within 10 s to command a0"},
        {0x12, 0, 2, 1, "shim: error: pci 00:04.0 target 2 lun 0: no answer within 10 s to command 12"},
        {0x25, 1, 1, 2, "shim: error: pci 00:04.0 target 2 lun 0: no answer within 10 s to command 25"},
        {0x25, 0, ~0u, 0, "shim: error: pci 00:04.0 target 3 lun 0: no answer within 10 s to command 25"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        for (u8 target = 1; target < 4; target++)
            fake_scsi_add(&fake, target, 0, 0, 512, 16384);
        fake.failure = (struct fake_scsi_failure){
            .code = cases[i].code, .skip = cases[i].skip, .times = cases[i].times, .silent = true};
        probe();
        expect_log(cases[i].sentence);
        assert_int_equal(disks.count, cases[i].disks);
        for (u32 k = 0; k < disks.count; k++)
            assert_int_equal(read_spans(disks.disk[k], 0, 100, 4), OK);
        assert_int_equal(fake.resets, 1);
        assert_true(device_is_lost("pci 00:04.0"));
        u64 left = arena_left();
        arena_release(0); /* its rings are in there */
        assert_int_equal(arena_left() < left + 4096, true); /* but for disks that came after */
        expect_no_fault();
    }
    setup(NULL); /* four times, then never again */
    for (u8 target = 1; target < 20; target++)
        fake_scsi_add(&fake, target, 0, 0, 512, 16384);
    fake.failure = (struct fake_scsi_failure){.code = 0x12, .skip = 5, .times = ~0u, .silent = true};
    probe();
    assert_int_equal(fake.commands[0x12], 4 + 5);
    assert_int_equal(disks.count, 2);
    assert_true(disks.disk[0]->dead && disks.disk[1]->dead);
}

static void lies_end_in_a_reset(void **state)
{
    (void)state;
    static const struct {
        bool wrong_id, twice;
        u16 jump;
        const char *sentence;
    } cases[] = {
        {true, false, 0, "pci 00:04.0: the device answers a request that was not made (descriptor 1)"},
        {false, true, 0, "a request that was not made"},
        {false, false, 1, "a request that was not made"}, /* one entry more than was written */
        {false, false, 300, "finished requests where 8 were made"},
        {false, false, 0xfff8, "finished requests where 8 were made"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        fake.late = cases[i].jump ? 2 : 0;
        fake.lies_after = 1u << 20;
        struct block_device *disk = probe_disk();
        assert_int_equal(read_spans(disk, 0, 9, 1), OK);
        fake.lies_after = 1;
        fake.wrong_id = cases[i].wrong_id;
        fake.twice = cases[i].twice;
        fake.used_jump = cases[i].jump;
        assert_int_equal(read_spans(disk, 0, 8, 1), ERR_IO);
        expect_error(cases[i].sentence);
        assert_true(disk->dead);
        assert_int_equal(fake.device_status, 0);
        assert_int_equal(fake.function.config[4] & 4, 0);
        disk_virtio_scsi.quiesce(disk);
        expect_no_fault();

        setup(NULL); /* the same while units are looked for */
        fake_scsi_add(&fake, 1, 0, 0, 512, 100);
        fake.max_target = 7;
        fake.late = cases[i].jump ? 2 : 0;
        fake.lies_after = 9;
        fake.wrong_id = cases[i].wrong_id;
        fake.twice = cases[i].twice;
        fake.used_jump = cases[i].jump;
        probe();
        assert_int_equal(disks.count, 0);
        assert_int_equal(fake.device_status, 0);
        expect_no_fault();
    }
}

static void refusals_while_starting(void **state)
{
    (void)state;
    fake.reset_stuck = true;
    probe();
    expect_log("shim: error: virtio-scsi: pci 00:04.0: status reads 40 after 2000 ms of reset, expected 0");
    assert_int_equal(fake.function.config[4] & 4, 0);

    setup(NULL);
    fake.queues_refused = true;
    probe();
    expect_log("shim: error: virtio-scsi: pci 00:04.0: no queue 0");
    assert_int_equal(fake.device_status, 0);

    setup(NULL);
    struct block_device *disk = probe_disk();
    fake.reset_stuck = true;
    disk_virtio_scsi.quiesce(disk);
    expect_log("shim: error: pci 00:04.0: status reads 40 after 2000 ms of reset, expected 0");
    assert_int_equal(fake.function.config[4] & 4, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(disks_and_cds, setup),
        cmocka_unit_test_setup(several_in_flight_in_any_order, setup),
        cmocka_unit_test_setup(empty_targets_cost_little, setup),
        cmocka_unit_test_setup(several_adapters, setup),
        cmocka_unit_test_setup(geometry, setup),
        cmocka_unit_test_setup(lists_of_units, setup),
        cmocka_unit_test_setup(targets_without_a_list, setup),
        cmocka_unit_test_setup(list_refused_by_the_second, setup),
        cmocka_unit_test_setup(no_medium, setup),
        cmocka_unit_test_setup(more_units_than_disks, setup),
        cmocka_unit_test_setup(failed_reads, setup),
        cmocka_unit_test_setup(silence_ends_in_distance, setup),
        cmocka_unit_test_setup(late_beyond_patience, setup),
        cmocka_unit_test_setup(the_last_slot, setup),
        cmocka_unit_test_setup(silence_while_looking, setup),
        cmocka_unit_test_setup(lies_end_in_a_reset, setup),
        cmocka_unit_test_setup(refusals_while_starting, setup),
    };
    return cmocka_run_group_tests(tests, image_make, image_free);
}
