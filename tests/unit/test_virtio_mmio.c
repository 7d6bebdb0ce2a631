/* test_virtio_mmio.c: virtio_mmio.c, and virtio.c and virtio_blk.c on top of it, against a device that can lie. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_virtio.h"
#include "tables.h"

#define SECTORS 8192u
#define IMAGE_SIZE (SECTORS * 512u)
#include "driver_test.h"

extern const struct block_driver disk_virtio_blk;
extern const struct bus bus_virtio_mmio;

#define BASE 0xc0001000u
#define NAMED "virtio_mmio.device=4K@0xc0001000:5"
#define WINDOW 0xfeb00000u

static struct fake_virtio fake, more[3];
static struct boot_info boot;

static int setup(void **state)
{
    (void)state;
    fake_reset();
    fake_pci_absent = true;
    fake_virtio_init(&fake, 0);
    fake.image = image;
    fake.image_size = IMAGE_SIZE;
    fake.capacity = SECTORS;
    disks.count = 0;
    boot = (struct boot_info){.cmdline = NAMED};
    return 0;
}

static void look(void)
{
    disks.count = 0;
    bus_virtio_mmio.enumerate(&boot);
    disk_virtio_blk.probe(&boot, &disks);
}

static struct block_device *probe(u32 version)
{
    if (version == 1)
        fake.features &= 0xffffffff & ~FAKE_F_EVENT_IDX;
    fake_virtio_plug_mmio(&fake, version, BASE);
    look();
    return first_disk();
}

static void expect_no_fault(const char *what)
{
    expect_fault_none(what, fake.fault);
}

static u32 times_in_log(const char *sentence)
{
    u32 times = 0;
    for (const char *at = host_log(); (at = strstr(at, sentence)); at++)
        times++;
    return times;
}

/* ---- all is well ------------------------------------------------------------------------------------------------- */

static void every_kind_of_device_reads(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        u32 version;
        u64 features;
        u16 queue_max, queue_size;
    } cases[] = {
        {"version 2", 2, FAKE_F_VERSION_1, 256, 256},
        {"version 2, all features", 2, ~0ull, 256, 256},
        {"version 2, in hardware", 2, FAKE_F_VERSION_1 | FAKE_F_ORDER_PLATFORM | FAKE_F_ACCESS_PLATFORM, 256, 256},
        {"version 2, long ring", 2, FAKE_F_VERSION_1, 1024, 256},
        {"version 2, odd ring", 2, FAKE_F_VERSION_1, 100, 64},
        {"version 2, smallest ring", 2, FAKE_F_VERSION_1 | FAKE_F_BLK_SIZE, 4, 4},
        {"version 1", 1, FAKE_F_BLK_SIZE | FAKE_F_SEG_MAX, 128, 128},
        {"version 1, long ring", 1, FAKE_F_EVENT_IDX | FAKE_F_RO, 1024, 256},
        {"version 1, odd ring", 1, 0, 1023, 256},
        {"version 1, bits above 31", 1, ~0ull, 256, 256},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        fake.features = cases[i].features;
        fake.queue_max = cases[i].queue_max;
        fake.size_max = 65536;
        fake_virtio_plug_mmio(&fake, cases[i].version, BASE);
        look();
        assert_int_equal(disks.count, 1);
        struct block_device *disk = disks.disk[0];
        assert_string_equal(disk->name, "vda");
        assert_int_equal(disk->block_count, SECTORS);
        assert_int_equal(disk->place.bus, BUS_MMIO);
        assert_int_equal(disk->place.address, BASE);
        assert_string_equal(disk->place.unit, "disk@0,0");
        assert_int_equal(fake.queue_size, cases[i].queue_size);
        assert_int_equal(read_spans(disk, 0, 1, 1), OK);
        assert_int_equal(read_spans(disk, 0, 64, 8), OK);
        expect_no_fault(cases[i].what);
        static const u64 understood = FAKE_F_SIZE_MAX | FAKE_F_SEG_MAX | FAKE_F_RO | FAKE_F_BLK_SIZE;
        static const u64 platform = FAKE_F_VERSION_1 | FAKE_F_ACCESS_PLATFORM | FAKE_F_ORDER_PLATFORM;
        u64 wanted = understood | (cases[i].version == 2 ? platform : 0);
        assert_true(fake.driver_features == (cases[i].features & wanted));
        disk_virtio_blk.quiesce(disk);
        assert_int_equal(fake.device_status, 0);
        expect_no_fault(cases[i].what);
        look(); /* the menu's rescan */
        assert_int_equal(disks.count, 1);
        assert_int_equal(read_spans(disks.disk[0], 0, 3, 3), OK);
        expect_no_fault(cases[i].what);
    }
}

static void config_lies_within_what_the_host_gave(void **state)
{
    (void)state;
    fake.blk_size = 4096; /* at byte 20 of the configuration */
    boot.cmdline = "virtio_mmio.device=276@0xc0001000:5";
    struct block_device *disk = probe(2);
    assert_non_null(disk);
    assert_int_equal(disk->block_size, 512);
    boot.cmdline = "virtio_mmio.device=280@0xc0001000:5";
    look();
    assert_int_equal(disks.disk[0]->block_size, 4096);
    expect_no_fault("");
}

/* ---- where they are found ---------------------------------------------------------------------------------------- */

static void command_lines(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        u32 count, warnings;
        const char *warning;
    } cases[] = {
        {"", 0, 0, NULL},
        {NULL, 0, 0, NULL},
        {NAMED, 1, 0, NULL},
        {"verbose \t" NAMED " quiet", 1, 0, NULL},
        {"virtio_mmio.device=512@0xc0001000:5:0", 1, 0, NULL},
        {"virtio_mmio.device=0x200@3221229568:12:7", 1, 0, NULL},
        {"virtio_mmio.device=1M@0xC0001000:5", 1, 0, NULL},
        {"virtio_mmio.device=1g@0xc0001000:5", 1, 0, NULL},
        {NAMED " " NAMED, 1, 0, NULL},
        {NAMED "\nvirtio_mmio.device=512@0xc0001000:9", 1, 0, NULL},
        {"timeout=0 -- root=/dev/vda " NAMED, 1, 0, NULL}, /* as QEMU appends it */
        {"config=\"/my disk/shim.cfg\" " NAMED, 1, 0, NULL},
        {"\"" NAMED "\"", 1, 0, NULL},
        {"virtio_mmio.device=\"4K@0xc0001000:5\"", 1, 0, NULL},
        {"title=\"a " NAMED " b\"", 0, 0, NULL},
        {"xvirtio_mmio.device=4K@0xc0001000:5", 0, 0, NULL},
        {"virtio_mmio.devices=4K@0xc0001000:5 virtio_mmio.device", 0, 0, NULL},
        /* broken ones are said, and the others found */
        {"virtio_mmio.device= " NAMED, 1, 1, "argument virtio_mmio.device=: expected virtio_mmio.device=SIZE@"},
        {"virtio_mmio.device=4K " NAMED, 1, 1, "argument virtio_mmio.device=4K: expected"},
        {"virtio_mmio.device=@0xc0001000:5 " NAMED, 1, 1, "expected"},
        {"virtio_mmio.device=K@0xc0001000:5 " NAMED, 1, 1, "expected"},
        {"virtio_mmio.device=4KK@0xc0001000:5 " NAMED, 1, 1, "expected"},
        {"virtio_mmio.device=4K@0xc0001000 " NAMED, 1, 1, "expected"},
        {"virtio_mmio.device=4K@0xc0001000: " NAMED, 1, 1, "expected"},
        {"virtio_mmio.device=4K@0xc0001000:0 " NAMED, 1, 1, "expected"},
        {"virtio_mmio.device=4K@0xc0001000:5: " NAMED, 1, 1, "expected"},
        {"virtio_mmio.device=4K@0xc0001000:5:1:2 " NAMED, 1, 1, "expected"},
        {"virtio_mmio.device=4K@0xc0001000:5,x " NAMED, 1, 1, "expected"},
        {"virtio_mmio.device=4K@c0001000:5 " NAMED, 1, 1, "expected"},
        {"virtio_mmio.device=0x1ffffffffffffffffK@0xc0001000:5 " NAMED, 1, 1, "expected"},
        {"virtio_mmio.device=0x40000000000000K@0xc0001000:5 " NAMED, 1, 1, "expected"},
        {"virtio_mmio.device=0@0xc0001000:5 " NAMED, 1, 1, "expected"},
        {"virtio_mmio.device=256@0xc0001000:5 " NAMED, 1, 1, "expected"},
        {"virtio_mmio.device=4K@0xc0001002:5 " NAMED, 1, 1, "expected"},
        {"virtio_mmio.device=4K@0xfffffffffffff800:5 " NAMED, 1, 1, "expected"},
        /* nothing there */
        {"virtio_mmio.device=4K@0xd0000000:5 " NAMED, 1, 1, "mmio d0000000: no virtio device"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        boot.cmdline = cases[i].line;
        probe(2);
        disk_virtio_blk.probe(&boot, &(struct disk_list){0}); /* as virtio-scsi does: nothing is said twice */
        if (disks.count != cases[i].count || times_in_log("warning") != cases[i].warnings)
            FAILED("%s: %u disks and\n%s", cases[i].line, disks.count, host_log());
        if (cases[i].warning)
            expect_log(cases[i].warning);
        expect_no_fault(cases[i].line);
    }
}

static void registers_that_cannot_be_used(void **state)
{
    (void)state;
    static const struct {
        u8 at, value;
        const char *sentence; /* "": silence */
    } cases[] = {
        {0, 1, "mmio c0001000: no virtio device: its registers begin with 74726977, expected 74726976"},
        {4, 2 ^ 3, "registers of version 3, expected 1 or 2"},
        {4, 2, "registers of version 0, expected 1 or 2"},
        {8, 2, ""},     /* a place without a device */
        {8, 2 ^ 1, ""}, /* a network card */
        {0x0a, 1, ""},  /* type 10002h */
        {0x35, 1, "virtio-blk: mmio c0001000: no queue 0"},
        {0x44, 1, "virtio-blk: mmio c0001000: queue 0 is in use right after a reset"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        u8 lies[256] = {0};
        setup(NULL);
        lies[cases[i].at] = cases[i].value;
        fake.lies = lies;
        assert_null(probe(2));
        expect_no_fault(cases[i].sentence);
        if (cases[i].sentence[0])
            expect_log(cases[i].sentence);
        else
            assert_string_equal(host_log(), "");
        if (cases[i].at < 0x10)
            assert_int_equal(fake.device_status, 7); /* nobody touched it */
    }
    setup(NULL);
    fake.queue_busy = true;
    assert_null(probe(1));
    expect_log("queue 0 is in use right after a reset");
}

static void queue_max_beyond_16_bits(void **state)
{
    (void)state;
    u8 lies[256] = {[0x36] = 0xff, [0x37] = 0xff};
    fake.lies = lies;
    struct block_device *disk = probe(2);
    assert_non_null(disk);
    assert_int_equal(fake.queue_size, 256);
    assert_int_equal(read_spans(disk, 0, 64, 8), OK);
    expect_no_fault("");
}

/* microvm: the first disk that the user gave is in the last place. */
static void window(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        bool ports;
        u32 place[3]; /* of the disks */
        u32 found[4]; /* by place, in order; ~0: the end */
    } cases[] = {
        {"", false, {23, 22, 0}, {23, 22, 0, ~0u}},
        {"", false, {7, 6, 5}, {7, 6, 5, ~0u}},
        {"", true, {23, 22, 0}, {~0u}}, /* it is not microvm's then */
        {"virtio_mmio.device=512@0xfeb00e00:12 virtio_mmio.device=512@0xfeb00c00:11", false, {7, 6, 5}, {7, 6, 5, ~0u}},
        {"virtio_mmio.device=512@0xfeb00a00:12", true, {7, 6, 5}, {5, ~0u}},
        {"virtio_mmio.device=512@0xfeb00a00:12", false, {7, 6, 5}, {5, 7, 6, ~0u}},
        {NAMED, false, {7, 6, 5}, {~0u}}, /* nor here, where a host has its devices elsewhere */
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        u8 none[256] = {[8] = 2};
        static struct fake_virtio empty[24];
        setup(NULL);
        fake_pci_absent = !cases[i].ports;
        boot.cmdline = cases[i].line;
        for (u32 k = 0; k < ARRAY_COUNT(more); k++) {
            fake_virtio_init(&more[k], 0);
            more[k].features = 0;
            more[k].capacity = 1000 + cases[i].place[k];
            fake_virtio_plug_mmio(&more[k], 1, WINDOW + cases[i].place[k] * 0x200);
        }
        for (u32 k = 0; k < ARRAY_COUNT(empty); k++) { /* behind the disks: the first at an address counts */
            fake_virtio_init(&empty[k], 0);
            empty[k].lies = none;
            fake_virtio_plug_mmio(&empty[k], 1, WINDOW + k * 0x200);
        }
        look();
        u32 n = 0;
        for (; cases[i].found[n] != ~0u; n++) {
            assert_true(n < disks.count);
            assert_int_equal(disks.disk[n]->block_count, 1000 + cases[i].found[n]);
            assert_int_equal(disks.disk[n]->place.address, WINDOW + cases[i].found[n] * 0x200);
        }
        assert_int_equal(disks.count, n);
        for (u32 k = 0; k < ARRAY_COUNT(more); k++)
            assert_null(more[k].fault);
        for (u32 k = 0; k < ARRAY_COUNT(empty); k++)
            assert_true(!empty[k].fault && !empty[k].resets);
    }
}

/* Memory that is something else's: one read, and no more. */
static u32 strange_reads;

static u64 strange_read(void *device, u32 offset, u32 width)
{
    (void)device;
    strange_reads++;
    assert_int_equal(offset, 0);
    assert_int_equal(width, 4);
    return 0x74726975;
}

static void strange_write(void *device, u32 offset, u64 value, u32 width)
{
    (void)device, (void)offset, (void)value, (void)width;
    assert_true(false);
}

static void window_of_another_machine(void **state)
{
    (void)state;
    static const u64 base = WINDOW;
    static const struct fake_region region = {NULL, false, &base, 0x3000, strange_read, strange_write, NULL};
    fake_region_add(&region);
    boot.cmdline = "";
    strange_reads = 0;
    look();
    assert_int_equal(strange_reads, 1);
    fake_pci_absent = false;
    look();
    assert_int_equal(strange_reads, 1);
    assert_string_equal(host_log(), "");
}

static void more_devices_than_we_keep(void **state)
{
    (void)state;
    char line[4096];
    u32 used = 0;
    static struct fake_virtio many[66];
    for (u32 i = 0; i < ARRAY_COUNT(many); i++) {
        fake_virtio_init(&many[i], 0);
        fake_virtio_plug_mmio(&many[i], 2, 0xd0000000 + i * 0x1000);
        used += format_text(line + used, sizeof line - used, " virtio_mmio.device=4K@0x%x:5", 0xd0000000 + i * 0x1000);
    }
    boot.cmdline = line;
    look();
    assert_int_equal(disks.count, 64);
    expect_log("mmio d0041000: left out, more than 64 virtio devices");
}

/* ---- resets ------------------------------------------------------------------------------------------------------ */

#define REFUSED                                                                                                        \
    "shim: error: mmio c0001000: the host refuses to reset it (status 8f): what is booted cannot use this device; "    \
    "remedy: config and kernel on a RAM volume (initrd), and volume=module0\n"

/* Firecracker up to 1.16: it can be used once, the refusal is told once and at once, and the rings are no payload's:
 * from the start, as the payload's map is made before. */
static void firecracker(void **state)
{
    (void)state;
    static struct boot_info machine;
    machine = (struct boot_info){.cmdline = NAMED};
    mem_map_add(&machine.memory, HOST_ARENA, HOST_ARENA_SIZE, MEM_USABLE);
    fake.reset_refused = true;
    fake.vendor = 0;
    fake_virtio_plug_mmio(&fake, 2, BASE);
    disks_probe(&machine, &disks);
    assert_int_equal(disks.count, 1);
    struct block_device *disk = disks.disk[0];
    assert_int_equal(read_spans(disk, 0, 64, 8), OK);
    assert_int_equal(fake.pending_count, 0);
    assert_int_equal(mem_map_find(&machine.memory, fake.desc)->type, MEM_RESERVED);
    assert_int_equal(mem_map_find(&machine.memory, fake.used + 3 + 256 * 8)->type, MEM_RESERVED);
    assert_true(mem_map_total(&machine.memory) >= HOST_ARENA_SIZE - 4 * PAGE_SIZE);
    u64 ticks = host_ticks, mark = arena_mark();
    disks_quiesce(&disks);
    assert_true(host_ticks - ticks < 10000000); /* 10 ms */
    expect_log(REFUSED);
    assert_int_equal(times_in_log("refuses"), 1);
    assert_int_equal(fake.device_status, 0x8f);
    arena_release(0); /* its rings are in there */
    assert_int_equal(arena_mark(), mark);
    expect_no_fault("quiesce");

    disks_probe(&machine, &disks); /* the menu's rescan */
    assert_int_equal(disks.count, 0);
    expect_log("shim: warning: mmio c0001000: left out, it failed before");
    assert_int_equal(fake.device_status, 0x8f);
    expect_no_fault("rescan");
}

/* The remedy: the device is not even looked at, so that the guest can use it. Other hosts' are, whatever the words. */
static void firecracker_with_a_ram_volume(void **state)
{
    static struct boot_info machine;
    for (u32 i = 0; i < 2; i++) {
        setup(state);
        machine = (struct boot_info){.cmdline = "volume=module0 " NAMED};
        fake.vendor = i ? 0x554d4551 : 0;
        fake.reset_refused = true;
        fake_virtio_plug_mmio(&fake, 2, BASE);
        fake.device_status = 0;
        disks_probe(&machine, &disks);
        assert_int_equal(disks.count, i);
        if (!i)
            expect_log("shim: mmio c0001000: left to what is booted, whose host may be unable to reset it");
        assert_int_equal(fake.device_status, i ? 15 : 0);
    }
}

/* Guests of hosts that are known to reset lose nothing; of one that refuses all the same, a later boot learns. */
static void refused_by_another_host(void **state)
{
    (void)state;
    static struct boot_info machine;
    machine = (struct boot_info){.cmdline = NAMED};
    mem_map_add(&machine.memory, HOST_ARENA, HOST_ARENA_SIZE, MEM_USABLE);
    fake.reset_refused = true;
    fake_virtio_plug_mmio(&fake, 2, BASE);
    disks_probe(&machine, &disks);
    assert_true(mem_map_usable(&machine.memory, HOST_ARENA, HOST_ARENA_SIZE));
    disks_quiesce(&disks);
    expect_log(REFUSED);
    assert_int_equal(mem_map_find(&machine.memory, fake.desc)->type, MEM_RESERVED);
    assert_int_equal(mem_map_find(&machine.memory, fake.used + 3 + 256 * 8)->type, MEM_RESERVED);
}

/* Somebody else has made it FAILED, or a shim before us. */
static void failed_before(void **state)
{
    (void)state;
    fake.reset_refused = true;
    fake_virtio_plug_mmio(&fake, 2, BASE);
    fake.device_status = 0x8f;
    look();
    assert_int_equal(disks.count, 0);
    expect_log("shim: error: virtio-blk: mmio c0001000: status reads 8f after 2000 ms of reset, expected 0\n");
    assert_int_equal(times_in_log("error"), 1);
    expect_no_fault("");

    setup(NULL);
    fake_virtio_plug_mmio(&fake, 2, BASE);
    fake.device_status = 0x8f;
    fake.reset_late = 50;
    look();
    assert_int_equal(disks.count, 1);
    assert_int_equal(read_spans(disks.disk[0], 0, 8, 8), OK);
    expect_no_fault("");
}

static void late_resets_are_waited_for(void **state)
{
    (void)state;
    for (u32 version = 1; version <= 2; version++) {
        setup(NULL);
        fake.reset_late = 1000;
        struct block_device *disk = probe(version);
        assert_non_null(disk);
        assert_int_equal(read_spans(disk, 0, 8, 8), OK);
        disk_virtio_blk.quiesce(disk);
        assert_int_equal(fake.resetting, 0);
        assert_int_equal(fake.device_status, 0);
        assert_int_equal(times_in_log("error") + times_in_log("warning"), 0);
        expect_no_fault("");
    }
}

static void stuck_resets_end(void **state)
{
    (void)state;
    for (u32 version = 1; version <= 2; version++) {
        setup(NULL);
        struct block_device *disk = probe(version);
        fake.reset_stuck = true;
        disk_virtio_blk.quiesce(disk);
        expect_log("shim: error: mmio c0001000: status reads 40 after 2000 ms of reset, expected 0: what is booted");
        expect_no_fault("");
    }
}

/* ---- reads that go wrong ----------------------------------------------------------------------------------------- */

static void lies(void **state)
{
    (void)state;
    static const struct {
        bool wrong_id, twice;
        u16 jump;
        const char *sentence;
    } cases[] = {
        {true, false, 0, "a request that was not made"},
        {false, true, 0, "a request that was not made"},
        {false, false, 1, "a request that was not made"},
        {false, false, 300, "finished requests where 8 were made"},
        {false, false, 0xfff8, "finished requests where 8 were made"},
    };
    for (u32 i = 0; i < 4 * ARRAY_COUNT(cases); i++) {
        u32 c = i / 4;
        setup(NULL);
        fake.reset_refused = i & 2;
        struct block_device *disk = probe(1 + i % 2);
        assert_non_null(disk);
        fake.late = cases[c].jump ? 2 : 0;
        assert_int_equal(read_spans(disk, 0, 9, 1), OK);
        fake.wrong_id = cases[c].wrong_id;
        fake.twice = cases[c].twice;
        fake.used_jump = cases[c].jump;
        u64 before = arena_left();
        assert_int_equal(read_spans(disk, 0, 8, 1), ERR_IO);
        if (!strstr(error_text(), cases[c].sentence))
            FAILED("%s", error_text());
        assert_true(disk->dead);
        assert_int_equal(fake.device_status & 0x80, i & 2 ? 0x80 : 0);
        assert_int_equal(times_in_log("refuses to reset"), i & 2 ? 1 : 0);
        arena_release(0);
        assert_true(!(i & 2) || arena_left() < before); /* it cannot be stopped: what it has stays its own */
        disk_virtio_blk.quiesce(disk);
        expect_no_fault(cases[c].sentence);
    }
}

static void failures(void **state)
{
    (void)state;
    for (u32 version = 1; version <= 2; version++) {
        setup(NULL);
        fake.bad_sector = 41;
        fake.status = 1;
        fake.late = 2;
        struct block_device *disk = probe(version);
        assert_int_equal(read_spans(disk, 0, 128, 4), ERR_IO);
        assert_string_equal(error_text(), "vda: I/O error at block 40 (4 blocks)");
        assert_int_equal(read_spans(disk, 0, 10, 4), OK);
        expect_no_fault("");

        setup(NULL);
        fake.never = true;
        disk = probe(version);
        u32 resets = fake.resets;
        assert_int_equal(read_spans(disk, 0, 3, 8), ERR_TIMEOUT);
        assert_true(disk->dead);
        disk_virtio_blk.quiesce(disk);
        look();
        assert_int_equal(disks.count, 0);
        assert_int_equal(fake.resets, resets);
        expect_log("shim: warning: mmio c0001000: left out, it failed before");
        expect_no_fault("");
    }
    setup(NULL);
    fake.features_refused = true;
    assert_null(probe(2));
    expect_log("virtio-blk: mmio c0001000: refuses features");
    setup(NULL);
    fake.features = FAKE_F_BLK_SIZE;
    assert_null(probe(2));
    expect_log("virtio-blk: mmio c0001000: features 40 lack VIRTIO_F_VERSION_1");
    setup(NULL);
    fake.unsettled = true; /* a capacity that never keeps still */
    assert_non_null(probe(2));
    expect_no_fault("");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_kind_of_device_reads, setup),
        cmocka_unit_test_setup(config_lies_within_what_the_host_gave, setup),
        cmocka_unit_test_setup(command_lines, setup),
        cmocka_unit_test_setup(registers_that_cannot_be_used, setup),
        cmocka_unit_test_setup(queue_max_beyond_16_bits, setup),
        cmocka_unit_test_setup(window, setup),
        cmocka_unit_test_setup(window_of_another_machine, setup),
        cmocka_unit_test_setup(more_devices_than_we_keep, setup),
        cmocka_unit_test_setup(firecracker, setup),
        cmocka_unit_test_setup(firecracker_with_a_ram_volume, setup),
        cmocka_unit_test_setup(refused_by_another_host, setup),
        cmocka_unit_test_setup(failed_before, setup),
        cmocka_unit_test_setup(late_resets_are_waited_for, setup),
        cmocka_unit_test_setup(stuck_resets_end, setup),
        cmocka_unit_test_setup(lies, setup),
        cmocka_unit_test_setup(failures, setup),
    };
    return cmocka_run_group_tests(tests, image_make, image_free);
}
