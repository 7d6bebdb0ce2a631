/* test_int13.c: int13.c against a BIOS that can lie, or is none. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_int13.h"
#include "fake_virtio.h"
#include "int13.h"
#include "pci.h"
#include "tables.h"

#define IMAGE_SIZE MIB(2)
#include "driver_test.h"

extern const struct bus bus_bios, bus_pci;
extern const struct block_driver disk_int13, disk_virtio_blk;

#define STORAGE (5u << 3)
#define ASTRAY 0x10ffefu

static struct boot_info boot;
static struct fake_drive *const drive = fake_bios.drive;

static void expect_no_fault(void)
{
    expect_fault_none("int13", fake_bios.fault);
}

static void setup_disks(u32 count)
{
    fake_bios_reset(count);
    boot = (struct boot_info){0};
    mem_map_add(&boot.memory, 0x1000, 0x9e000, MEM_USABLE);
    mem_map_add(&boot.memory, MIB(1), GIB(3), MEM_USABLE);
    disks.count = 0;
    disks_keep(0, 0, NULL);
}

static int setup(void **state)
{
    (void)state;
    setup_disks(1);
    return 0;
}

static void look(void)
{
    bus_pci.enumerate(&boot);
    bus_bios.enumerate(&boot);
}

static struct block_device *probe(void)
{
    look();
    disk_int13.probe(&boot, &disks);
    return first_disk();
}

static struct block_device *probe_good(void)
{
    return expect_disk(probe());
}

/* Read blocks to a place between canaries; compare. */
static enum error read_at(struct block_device *disk, const struct fake_drive *d, u64 lba, u32 blocks, u64 dest)
{
    u64 size = (u64)blocks * disk->block_size;
    u8 *to = place_make(dest, size);
    struct block_span span = {lba, blocks, to};
    enum error error = disk->driver->read(disk, &span, 1);
    expect_canaries(to, size);
    for (u64 i = 0; error == OK && i < size; i++)
        if (to[i] != fake_drive_byte(d, lba * disk->block_size + i))
            FAILED("byte %lu of block %lu is wrong", i, lba);
    return error;
}

/* ---- is there a BIOS? -------------------------------------------------------------------------------------------- */

static void memory_without_a_bios(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        u64 at;
        const char *bytes;
        u32 size;
        const char *sentence; /* NULL: it is a BIOS all the same */
    } cases[] = {
        {"as it is", 0, "", 0, NULL},
        {"reset vector empty", 0xffff0, "\0", 1, "no far jump to the F segment at ffff0"},
        {"reset vector near (qboot)", 0xffff0, "\xe9\x0d\xff", 3, "no far jump to the F segment at ffff0"},
        {"reset vector to elsewhere", 0xffff3, "\0\xe0", 2, "no far jump to the F segment at ffff0"},
        {"no base memory", 0x413, "\0\0", 2, "no base memory at 413"},
        {"too much base memory", 0x413, "\xff\xff", 2, "no base memory at 413"},
        {"EBDA at 640 KiB", 0x40e, "\0\xa0", 2, "no EBDA where 40e says"},
        {"EBDA inside base memory", 0x40e, "\0\x80", 2, "no EBDA where 40e says"},
        {"no EBDA", 0x40e, "\0\0", 2, NULL},
        {"serial ports garbage", 0x404, "\x12\0", 2, "no serial ports where 400 says"},
        {"vector 13h empty", 0x4c, "\0\0\0\0", 4, "interrupt 13h leads nowhere"},
        {"vector 13h into memory", 0x4c, "\0\0\0\x80", 4, "interrupt 13h leads nowhere"},
        {"vector 13h to the screen", 0x4c, "\0\0\0\xb8", 4, "interrupt 13h leads nowhere"},
        {"vector 13h past 1 MiB", 0x4c, "\xff\xff\xff\xff", 4, "interrupt 13h leads nowhere"},
        {"vector 13h to zeros", 0x4c, "\0\0\0\xd0", 4, "interrupt 13h leads nowhere"},
        {"vector 13h in an option ROM", 0x4c, "\x10\0\0\xc8", 4, NULL},
        {"vector 13h hooked above base memory", 0x4c, "\x10\0\xc8\x9f", 4, NULL},
        {"timer", 0x20, "\0\0\0\0", 4, "interrupt 8h leads nowhere"},
        {"no disks", 0x475, "\0", 1, ""},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        memset(mem_at(0xd0000, 16), 0, 16);
        host_poke(0xc8010, "\x90\xcb\x90\x90", 4);
        host_poke(0x9fc90, "\x90\xcb\x90\x90", 4);
        host_poke(cases[i].at, cases[i].bytes, cases[i].size);
        bool found = probe();
        if (found != !cases[i].sentence || !found != !fake_bios.calls)
            FAILED("%s: %u calls, %s", cases[i].what, fake_bios.calls, host_log());
        if (!found)
            expect_log(cases[i].sentence);
        expect_no_fault();
    }
}

static void low_memory_is_chosen(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        u64 usable, usable_end, module, module_end, record;
        u64 want, size; /* 0: none */
    } cases[] = {
        {"all of it", 0x1000, 0x9f000, 0, 0, 0, 0x8d000, 0x12000},
        {"the EBDA as well", 0x1000, 0xa0000, 0, 0, 0, 0x8d000, 0x12000},
        {"a module at its top", 0x1000, 0x9f000, 0x90000, 0x9e001, 0, 0x7e000, 0x12000},
        {"a record in its midst", 0x1000, 0x9f000, 0, 0, 0x9d000, 0x8b000, 0x12000},
        {"little", 0x1000, 0x10000, 0, 0, 0, 0x6000, 0xa000},
        {"least", 0x8000, 0xe000, 0, 0, 0, 0x8000, 0x6000},
        {"none", 0x8000, 0xd000, 0, 0, 0, 0, 0},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        boot.memory.count = 0;
        mem_map_add(&boot.memory, cases[i].usable, cases[i].usable_end - cases[i].usable, MEM_USABLE);
        mem_map_add(&boot.memory, MIB(1), GIB(3), MEM_USABLE);
        boot.module[0] = (struct module){.base = cases[i].module, .size = cases[i].module_end - cases[i].module};
        boot.module_count = 1;
        boot_record_add(&boot, cases[i].record, 100);
        struct block_device *disk = probe();
        struct mem_range kept = disks_kept();
        if (!disk != !cases[i].size || kept.base != cases[i].want || kept.size != cases[i].size)
            FAILED("%s: [%lx, +%lx)\n%s", cases[i].what, kept.base, kept.size, host_log());
        if (!disk) {
            expect_log("no memory below 640 KiB");
            continue;
        }
        assert_int_equal(read_at(disk, drive, 1, 400, DEST), OK);
        expect_no_fault();
    }
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static void drives_of_all_sizes(void **state)
{
    (void)state;
    static const struct {
        u32 block_size, blocks_per_call;
        u64 blocks;
        u8 version;
        bool flat, wraps;
    } cases[] = {
        {512, 127, 4096, 0x01, false, false},     {512, 127, 4096, 0x21, true, false},
        {512, 127, 0x2800000000, 0x30, false, false}, {512, 127, 4096, 0x30, false, true},
        {512, 127, 4096, 0x30, true, false},      {2048, 32, 4096, 0x30, false, false},
        {4096, 16, 0x200000000, 0x21, false, false}, {4096, 127, 4096, 0x30, true, false},
        {4096, 16, 4096, 0x30, false, true},      {32768, 2, 4096, 0x30, true, false},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        bool in_place = cases[i].flat && cases[i].version >= 0x30 && cases[i].block_size <= 4096;
        *drive = (struct fake_drive){.blocks = cases[i].blocks, .block_size = cases[i].block_size, .support = 1,
                                     .version = cases[i].version, .flat = cases[i].flat, .wraps = cases[i].wraps,
                                     .image = image, .image_size = IMAGE_SIZE, .bad_block = ~0ull};
        memset(mem_at(ASTRAY, 4096), 0x3c, 4096);
        struct block_device *disk = probe_good();
        assert_string_equal(disk->name, "bios80");
        assert_string_equal(disk->class, "bios");
        assert_int_equal(disk->place.bus, BUS_BIOS);
        assert_int_equal(disk->place.address, 0x80);
        assert_int_equal(disk->block_size, cases[i].block_size);
        assert_int_equal(disk->block_count, cases[i].blocks);
        assert_true((u64)disk->max_blocks * disk->block_size >= MIB(1));
        expect_log(in_place ? "read in place" : "read through low memory");
        drive->most_blocks = drive->reads = 0;
        assert_int_equal(read_at(disk, drive, 0, disk->max_blocks, DEST), OK);
        assert_int_equal(drive->most_blocks, cases[i].blocks_per_call);
        assert_int_equal(disk->stats.bounced, in_place ? 0 : MIB(2));
        assert_int_equal(read_at(disk, drive, cases[i].blocks - 300, 300, DEST + 1), OK); /* misaligned: bounced */
        assert_int_equal(read_at(disk, drive, 7, 1, DEST), OK);
        for (u32 k = 0; k < 4096; k++)
            assert_int_equal(((u8 *)mem_at(ASTRAY, 4096))[k], 0x3c);
        assert_memory_equal(mem_at(0xffff0, 5), "\xea\x5b\xe0\x00\xf0", 5);
        disk->driver->quiesce(disk);
        expect_no_fault();
    }
}

static void flat_buffers_that_do_harm(void **state)
{
    (void)state;
    drive->flat = true;
    drive->overrun = 3;
    probe_good();
    expect_log("read through low memory");
    setup(NULL); /* what might be hit is not memory of ours to try it with */
    drive->flat = true;
    boot.memory.count = 0;
    mem_map_add(&boot.memory, 0x1000, 0x9e000, MEM_USABLE);
    mem_map_add(&boot.memory, MIB(2), GIB(3), MEM_USABLE);
    probe_good();
    assert_int_equal(drive->flat_reads, 0);
    expect_no_fault();
}

static void failed_reads(void **state)
{
    (void)state;
    static const struct {
        u32 status, times, resets;
        enum error error;
        const char *sentence;
    } cases[] = {
        {0x10, 0, 2, ERR_IO, "bios80: BIOS status 10 (uncorrectable read error) at block 100 (127 blocks)"},
        {0x20, 0, 2, ERR_IO, "(controller failure)"},
        {0x77, 0, 2, ERR_IO, "BIOS status 77 (an unknown error)"},
        {0x100, 0, 2, ERR_IO, "(only a part was read)"},
        {0x31, 0, 0, ERR_IO, "(no medium)"},
        {0x01, 0, 0, ERR_IO, "(invalid function or parameter)"},
        {0x10, 2, 2, OK, ""},
        {0x06, 1, 1, OK, ""},
        {0x100, 1, 1, OK, ""},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        struct block_device *disk = probe_good();
        drive->bad_block = 200;
        drive->status = cases[i].status;
        drive->bad_times = cases[i].times;
        error_clear();
        enum error error = read_at(disk, drive, 100, 300, DEST);
        if (error != cases[i].error || drive->resets != cases[i].resets)
            FAILED("status %x: error %d, %u resets", cases[i].status, error, drive->resets);
        expect_error(cases[i].sentence);
        assert_false(disk->dead);
        drive->bad_block = ~0ull;
        assert_int_equal(read_at(disk, drive, 100, 300, DEST), OK);
        expect_no_fault();
    }
}

static void timeouts_end_in_distance(void **state)
{
    (void)state;
    setup_disks(2);
    disks_probe(&boot, &disks); /* tells where the map is */
    struct mem_range before = disks_kept();
    struct block_device *disk = disks.disk[0], *other = disks.disk[1];
    drive->bad_block = 200;
    drive->status = 0x80;
    assert_int_equal(read_at(disk, drive, 200, 1, DEST), ERR_TIMEOUT);
    expect_error("BIOS status 80 (timeout) at block 200");
    expect_log("bios80: not used any more");
    assert_true(disk->dead && device_is_lost("bios80"));
    assert_int_equal(drive->resets, 0);
    assert_int_equal(read_at(other, drive + 1, 200, 1, DEST), OK);
    struct mem_range after = disks_kept();
    assert_true(after.size == before.size && !ranges_overlap(after.base, after.size, before.base, before.size));
    assert_false(mem_map_usable(&boot.memory, before.base, PAGE_SIZE));
    u32 calls = drive->reads;
    disks.count = 0; /* another look */
    probe();
    assert_int_equal(disks.count, 1);
    assert_string_equal(disks.disk[0]->name, "bios81");
    assert_int_equal(drive->reads, calls);
    expect_log("bios80: gave no answer before");
    expect_no_fault();
}

/* Whatever the BIOS calls it: an error that took seconds would take them again. */
static void silence_is_not_asked_again(void **state)
{
    (void)state;
    struct block_device *disk = probe_good();
    u32 reads = drive->reads;
    drive->bad_block = 200;
    drive->status = 0x0b;
    drive->bad_ticks = 32000ull * 1000000;
    assert_int_equal(read_at(disk, drive, 200, 1, DEST), ERR_TIMEOUT);
    expect_error("bios80: BIOS status 0b (bad track, after seconds) at block 200");
    expect_log("bios80: not used any more");
    assert_true(disk->dead && device_is_lost("bios80"));
    assert_int_equal(drive->reads, reads + 1);
    assert_int_equal(drive->resets, 0);

    setup(NULL); /* at the first look: nor is the second piece */
    drive->bad_block = 0;
    drive->status = 0x0b;
    drive->bad_ticks = 32000ull * 1000000;
    look();
    assert_int_equal(drive->reads, 1);
    assert_true(device_is_lost("bios80"));
    expect_no_fault();
}

static void drives_that_are_no_use(void **state)
{
    (void)state;
    static const struct {
        const char *what, *sentence;
        struct fake_drive drive;
    } cases[] = {
        {"no EDD", "bios80: the BIOS has no extensions (EDD) for it", {.no_extensions = true}},
        {"no reading by EDD", "bios80: the BIOS has no extensions (EDD) for it", {.support = 6}},
        {"no parameters", "bios80: BIOS status aa (drive not ready) instead of its size", {.parameters_status = 0xaa}},
        {"no size", "bios80: the BIOS tells no size (no medium)", {.told_blocks = ~0ull}},
        {"520 bytes", "bios80: the BIOS tells of blocks of 520 bytes", {.told_block_size = 520}},
        {"256 bytes", "bios80: the BIOS tells of blocks of 256 bytes", {.told_block_size = 256}},
        {"512 told, 4096 read", "tells of blocks of 512 bytes and reads 4096",
         {.block_size = 4096, .told_block_size = 512}},
        {"512 told, 2048 read", "tells of blocks of 512 bytes and reads 2048",
         {.block_size = 2048, .told_block_size = 1}},
        {"4096 told, 512 read", "tells of blocks of 4096 bytes and reads 512", {.told_block_size = 4096}},
        {"nothing arrives", "tells of blocks of 512 bytes and reads 0", {.bad_block = 0, .status = 0x101}},
        {"block 0 unreadable", "bios80: BIOS status 04 (sector not found) at block 0",
         {.bad_block = 0, .status = 0x04}},
        {"no answer", "bios80: gave no answer before", {.bad_block = 0, .status = 0x80}},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup_disks(2);
        struct fake_drive d = drive[0], c = cases[i].drive;
        c.blocks = d.blocks;
        c.version = d.version;
        c.support = c.support ? c.support : d.support;
        c.block_size = c.block_size ? c.block_size : d.block_size;
        c.bad_block = c.status ? c.bad_block : d.bad_block;
        drive[0] = c;
        probe();
        if (disks.count != 1 || strcmp(disks.disk[0]->name, "bios81"))
            FAILED("%s: %u disks\n%s", cases[i].what, disks.count, host_log());
        expect_log(cases[i].sentence);
        assert_int_equal(read_at(disks.disk[0], drive + 1, 5, 200, DEST), OK);
        expect_no_fault();
    }
}

static void blocks_like_the_filling(void **state)
{
    (void)state;
    static u8 filled[2][4096];
    memset(filled[0], 0xa5, sizeof filled[0]);
    memset(filled[1], 0x5a, sizeof filled[1]);
    for (u32 i = 0; i < 2; i++) {
        setup(NULL);
        drive->image = filled[i];
        drive->image_size = sizeof filled[i];
        probe_good();
    }
}

static void block_size_0_is_512(void **state)
{
    (void)state;
    drive->told_block_size = 1;
    assert_int_equal(probe_good()->block_size, 512);
}

static void more_drives_than_there_is_room(void **state)
{
    (void)state;
    setup_disks(200);
    probe();
    assert_int_equal(disks.count, 16);
    assert_string_equal(disks.disk[15]->name, "bios8f");
    expect_no_fault();
}

static void the_cd_that_was_booted(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        u32 boot_device, block_size;
        u64 told;
        bool described, listed;
        u64 blocks;
    } cases[] = {
        {"no size told", 0xe0ffffff, 2048, ~0ull, true, true, 1000},
        {"size told", 0xe0ffffff, 2048, 900, false, true, 900},
        {"no ISO 9660", 0xe0ffffff, 2048, ~0ull, false, false, 0},
        {"no CD", 0xe0ffffff, 512, ~0ull, true, false, 0},
        {"a disk", 0x80ffffff, 2048, 900, true, false, 0},
        {"not told", 0xffffffff, 2048, 900, true, false, 0},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++)
        for (u32 native = 0; native < 2; native++) {
            setup_disks(0);
            u8 *iso = malloc(IMAGE_SIZE);
            memcpy(iso, image, IMAGE_SIZE);
            if (cases[i].described) {
                memcpy(iso + 32768, "\1CD001\1", 8);
                fake_put32(iso + 32768 + 80, 1000);
            }
            struct fake_drive *d = &drive[FAKE_DRIVES - 1];
            d->image = iso;
            d->image_size = IMAGE_SIZE;
            d->block_size = cases[i].block_size;
            d->told_blocks = cases[i].told;
            boot.boot_device = cases[i].boot_device;
            if (native)
                host_disk(&disks, "sr", iso, IMAGE_SIZE, 2048);
            probe();
            if (disks.count != native + (cases[i].listed && !native))
                FAILED("%s: %s", cases[i].what, host_log());
            if (cases[i].listed && native)
                expect_log("biose0: the same as sr0");
            if (cases[i].listed && !native) {
                assert_string_equal(disks.disk[0]->name, "sr0");
                assert_true(disks.disk[0]->removable && disks.disk[0]->block_count == cases[i].blocks);
                assert_int_equal(read_at(disks.disk[0], d, 10, 500, DEST), OK);
            }
            expect_no_fault();
            free(iso);
        }
}

/* ---- whose is it? ------------------------------------------------------------------------------------------------ */

static struct fake_virtio virtio;

static void add_virtio(void)
{
    fake_virtio_init(&virtio, 5);
    virtio.capacity = 4096;
    virtio.image = image;
    virtio.image_size = IMAGE_SIZE;
    fake_virtio_plug(&virtio);
}

static void probe_with_virtio(void)
{
    look();
    disk_virtio_blk.probe(&boot, &disks);
    disk_int13.probe(&boot, &disks);
}

static void paths_tell_whose_it_is(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct fake_drive drive;
        bool virtio_broken, plugged;
        u32 listed, reads_before; /* by disk_int13; before drivers look */
    } cases[] = {
        {"taken", {.path = true, .pci = STORAGE}, false, true, 0, 0},
        {"taken, Phoenix's path", {.path = true, .pci = STORAGE, .path_size = 36}, false, true, 0, 0},
        {"taken, but of no use", {.path = true, .pci = STORAGE}, true, true, 0, 0},
        {"free", {.path = true, .pci = 6 << 3}, false, true, 1, 0},
        {"no path, other content", {.path = false}, false, true, 1, 2},
        {"wrong checksum", {.path = true, .pci = STORAGE, .path_sum = 1}, false, true, 1, 2},
        {"too long", {.path = true, .pci = STORAGE, .path_size = 50}, false, true, 1, 2},
        {"another bus", {.path = true, .pci = STORAGE, .bus_name = 'I'}, false, true, 1, 2},
        {"to nowhere", {.path = true, .pci = 9 << 3}, false, true, 1, 2},
        {"to a bridge", {.path = true, .pci = 0}, false, true, 1, 2},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        static struct fake_function usb, host;
        setup(NULL);
        usb = host = (struct fake_function){0};
        fake_function_add(&host, 0, 0x8086, 0x1237, 0x0600);
        add_virtio();
        fake_function_add(&usb, 6 << 3, 0x1b36, 0x000d, 0x0c03);
        if (cases[i].virtio_broken)
            virtio.capacity = 0;
        drive->path = cases[i].drive.path;
        drive->pci = cases[i].drive.pci;
        drive->path_size = cases[i].drive.path_size ? cases[i].drive.path_size : 44;
        drive->path_sum = cases[i].drive.path_sum;
        drive->bus_name = cases[i].drive.bus_name ? cases[i].drive.bus_name : 'P';
        if (drive->path_size == 50)
            drive->path_size = 44, drive->path_sum = 7;
        look();
        if (drive->reads != cases[i].reads_before)
            FAILED("%s: %u reads", cases[i].what, drive->reads);
        probe_with_virtio();
        u32 listed = 0;
        for (u32 k = 0; k < disks.count; k++)
            listed += disks.disk[k]->driver == &disk_int13;
        if (listed != cases[i].listed)
            FAILED("%s: %u listed\n%s", cases[i].what, listed, host_log());
        assert_int_equal(disks_kept().size, listed ? 0x12000 : 0);
        if (!listed) {
            expect_log("bios80: left to the driver of pci 00:05.0");
            assert_int_equal(drive->reads, 0);
        }
        expect_no_fault();
    }
}

static void content_tells_whose_it_is(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        u64 blocks, differs_at; /* of the image; ~0: same */
        u64 bad_block, host_bad_lba;
        bool same;
    } cases[] = {
        {"same", 4096, ~0ull, ~0ull, ~0ull, true},
        {"a cylinder short", 4096 - 100, ~0ull, ~0ull, ~0ull, true},
        {"much larger", 4096 + 40000, ~0ull, ~0ull, ~0ull, false},
        {"as much as 32 bits hold, and larger", 0xffffffff, ~0ull, ~0ull, ~0ull, false},
        {"another table", 4096, 510, ~0ull, ~0ull, false},
        {"another ISO 9660", 4096, 33000, ~0ull, ~0ull, false},
        {"differs where nobody looks", 4096, 100000, ~0ull, ~0ull, true},
        {"the BIOS cannot read its start", 4096, ~0ull, 2, ~0ull, true},
        {"nor the driver", 4096, ~0ull, ~0ull, 2, true},
        {"the BIOS cannot, and it is another", 4096, 33000, 2, ~0ull, false},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        u8 *other = malloc(IMAGE_SIZE);
        memcpy(other, image, IMAGE_SIZE);
        if (cases[i].differs_at < IMAGE_SIZE)
            other[cases[i].differs_at] ^= 1;
        drive->image = other;
        drive->image_size = IMAGE_SIZE;
        drive->blocks = cases[i].blocks;
        drive->bad_block = cases[i].bad_block;
        drive->status = 0x10;
        look();
        u32 reads = drive->reads;
        host_disk_fail_lba = cases[i].host_bad_lba;
        host_disk(&disks, "sd", image, IMAGE_SIZE, 512);
        probe();
        drive->bad_block = ~0ull;
        if ((disks.count == 1) != cases[i].same)
            FAILED("%s: %s", cases[i].what, host_log());
        if (cases[i].same) {
            expect_log("bios80: the same as sda");
            assert_int_equal(drive->reads, reads);
            disks.count = 0; /* another look, at which the driver finds nothing: still not the BIOS's */
            u32 calls = fake_bios.calls;
            probe();
            assert_int_equal(disks.count, 0);
            assert_int_equal(fake_bios.calls, calls);
        }
        expect_no_fault();
        free(other);
    }
}

/* A stick with a copy of the disk that it was made from: the BIOS tells by a path which of the two is the disk. */
static void a_copy_is_another_disk(void **state)
{
    (void)state;
    for (u32 stick = 0; stick < 2; stick++) {
        setup_disks(2);
        add_virtio();
        for (u32 i = 0; i < 2; i++) {
            drive[i].image = image;
            drive[i].image_size = IMAGE_SIZE;
        }
        drive[!stick].path = true;
        drive[!stick].pci = STORAGE;
        probe_with_virtio();
        assert_int_equal(disks.count, 2);
        assert_string_equal(disks.disk[1]->name, stick ? "bios81" : "bios80");
        assert_int_equal(drive[!stick].reads, 0);
        expect_no_fault();
    }
}

/* A BIOS that counts in 32 bits tells 2 TiB of a larger disk. */
static void large_disks_are_told_shorter(void **state)
{
    (void)state;
    drive->image = image;
    drive->image_size = IMAGE_SIZE;
    drive->blocks = 0x100000000;
    look();
    host_disk(&disks, "sd", image, IMAGE_SIZE, 512)->block_count = 0x180000000;
    probe();
    expect_log("bios80: the same as sda");
}

static void modules_are_other_disks(void **state)
{
    (void)state;
    drive->image = image;
    drive->image_size = IMAGE_SIZE;
    host_disk(&disks, "module", image, IMAGE_SIZE, 512)->in_memory = true;
    probe();
    assert_int_equal(disks.count, 2);
}

/* Controllers that another shim or a kernel has switched off, and machines with no other ones than ours: the BIOS would
 * wait for a drive that hangs. Size tells whose it is. */
static void size_tells_whose_it_is(void **state)
{
    (void)state;
    static const struct {
        u16 class, command, other_vendor, other_class;
        u64 blocks;
        bool same;
        u32 reads; /* at the first look */
    } cases[] = {
        {0x0106, 3, 0x1000, 0x0100, 4096, true, 0},
        {0x0108, 3, 0x1b36, 0x0c03, 4096, true, 0},
        {0x0108, 3, 0x1b36, 0x0c03, 409600, false, 0},
        {0x0106, 7, 0x1000, 0x0100, 4096, false, 2},
        {0x0108, 7, 0x1b36, 0x0c03, 4096, false, 2},
        {0x0106, 7, 0x1b36, 0x0805, 4096, false, 2},
        {0x0106, 7, 0x8086, 0x0c05, 4096, true, 0}, /* SMBus */
        {0x0108, 7, 0x8086, 0x0101, 4096, true, 0},
        {0x0108, 7, 0x1af4, 0x0100, 4096, true, 0},
        {0x0108, 7, 0x1af4, 0x0100, 409600, false, 0},
        {0x0601, 3, 0x1b36, 0x0601, 4096, false, 2}, /* none of ours */
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        static struct fake_function controller, other;
        setup(NULL);
        controller = other = (struct fake_function){0};
        fake_function_add(&controller, STORAGE, 0x8086, 0x2922, cases[i].class);
        fake_function_add(&other, 6 << 3, cases[i].other_vendor, 0x0012, cases[i].other_class);
        fake_put16(controller.config + 4, cases[i].command);
        fake_put16(other.config + 4, 7);
        drive->blocks = cases[i].blocks;
        look();
        assert_int_equal(drive->reads, cases[i].reads);
        host_disk(&disks, "sd", image, IMAGE_SIZE, 512); /* of other content than the BIOS's drive */
        u32 reads = drive->reads;
        disk_int13.probe(&boot, &disks);
        if ((disks.count == 1) != cases[i].same)
            FAILED("%u: %s", i, host_log());
        if (cases[i].same)
            assert_int_equal(drive->reads, reads);
        expect_no_fault();
    }
}

/* Its driver had the only controller, and made no disk of what is there: the BIOS would wait for it. */
static void refused_by_its_driver(void **state)
{
    (void)state;
    for (u32 others = 0; others < 2; others++) {
        static struct fake_function controller, usb;
        struct pci_device taken = {.at = STORAGE};
        setup(NULL);
        controller = usb = (struct fake_function){0};
        fake_function_add(&controller, STORAGE, 0x8086, 0x5845, 0x0108);
        fake_put16(controller.config + 4, 7);
        if (others)
            fake_function_add(&usb, 6 << 3, 0x1b36, 0x000d, 0x0c03);
        look();
        pci_enable(&taken);
        disk_int13.probe(&boot, &disks);
        assert_int_equal(disks.count, others);
        assert_int_equal(drive->reads > 0, others);
        expect_no_fault();
    }
}

static void looked_at_once(void **state)
{
    (void)state;
    setup_disks(3);
    probe();
    assert_int_equal(disks.count, 3);
    u32 calls = fake_bios.calls;
    bus_bios.enumerate(&boot);
    assert_int_equal(fake_bios.calls, calls);
    disks.count = 0;
    disks_keep(0, 0, NULL);
    probe();
    assert_int_equal(disks.count, 3);
    assert_int_equal(disks_kept().size, 0x12000);
    for (u32 i = 0; i < 3; i++)
        assert_int_equal(read_at(disks.disk[i], drive + i, i, 130, DEST), OK);
    expect_no_fault();
}

/* What a shim leaves to the next one, which finds the same BIOS and controllers that it has reset. */
static void the_next_shim_is_told(void **state)
{
    (void)state;
    setup_disks(3);
    drive[1].image = image;
    drive[1].image_size = IMAGE_SIZE;
    bus_bios.enumerate(&boot);
    host_disk(&disks, "sd", image, IMAGE_SIZE, 512);
    probe();
    assert_int_equal(disks.count, 3);

    int13_forget();
    u32 reads = drive[1].reads, calls = fake_bios.calls;
    disks.count = 0;
    disks_keep(0, 0, NULL);
    drive[1].parameters_status = 0x80;
    probe();
    assert_int_equal(disks.count, 2);
    assert_string_equal(disks.disk[0]->name, "bios80");
    assert_string_equal(disks.disk[1]->name, "bios82");
    assert_int_equal(drive[1].reads, reads);
    assert_true(fake_bios.calls > calls);
    assert_null(strstr(host_log(), "BIOS status"));

    u8 *note = mem_at(0x4f0, 8); /* what is no note of ours hides nothing */
    assert_memory_equal(note, "shim\x02\x00\xfd\xff", 8);
    note[6] ^= 1;
    int13_forget();
    drive[1].parameters_status = 0;
    disks.count = 0;
    probe();
    assert_int_equal(disks.count, 3);
    assert_string_equal(disks.disk[1]->name, "bios81");
    expect_no_fault();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(memory_without_a_bios, setup),
        cmocka_unit_test_setup(low_memory_is_chosen, setup),
        cmocka_unit_test_setup(drives_of_all_sizes, setup),
        cmocka_unit_test_setup(flat_buffers_that_do_harm, setup),
        cmocka_unit_test_setup(failed_reads, setup),
        cmocka_unit_test_setup(timeouts_end_in_distance, setup),
        cmocka_unit_test_setup(silence_is_not_asked_again, setup),
        cmocka_unit_test_setup(drives_that_are_no_use, setup),
        cmocka_unit_test_setup(blocks_like_the_filling, setup),
        cmocka_unit_test_setup(block_size_0_is_512, setup),
        cmocka_unit_test_setup(more_drives_than_there_is_room, setup),
        cmocka_unit_test_setup(the_cd_that_was_booted, setup),
        cmocka_unit_test_setup(paths_tell_whose_it_is, setup),
        cmocka_unit_test_setup(content_tells_whose_it_is, setup),
        cmocka_unit_test_setup(a_copy_is_another_disk, setup),
        cmocka_unit_test_setup(large_disks_are_told_shorter, setup),
        cmocka_unit_test_setup(modules_are_other_disks, setup),
        cmocka_unit_test_setup(size_tells_whose_it_is, setup),
        cmocka_unit_test_setup(refused_by_its_driver, setup),
        cmocka_unit_test_setup(looked_at_once, setup),
        cmocka_unit_test_setup(the_next_shim_is_told, setup),
    };
    return cmocka_run_group_tests(tests, image_make, image_free);
}
