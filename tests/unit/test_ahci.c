/* test_ahci.c: ahci.c against a controller, disks and CDs that can lie. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_ahci.h"
#include "tables.h"

#define BLOCKS 98304u /* of 512 bytes */
#define IMAGE_SIZE (BLOCKS * 512u)
#include "driver_test.h"

extern const struct block_driver disk_ahci;

static struct fake_ahci fake;
static struct boot_info boot;

/* A disk at port 0. */
static int setup(void **state)
{
    (void)state;
    fake_reset();
    fake_ahci_init(&fake);
    fake_ahci_disk(&fake, 0, image, BLOCKS, 512);
    memset(&disks, 0, sizeof disks);
    memset(&boot, 0, sizeof boot);
    return 0;
}

static struct block_device *probe(void)
{
    fake_ahci_plug(&fake);
    fake_probe(&disk_ahci, &boot, &disks);
    return first_disk();
}

static struct block_device *probe_good(void)
{
    return expect_disk(probe());
}

static void expect_no_fault(void)
{
    expect_fault_none("ahci", fake.fault);
}

/* After quiesce: no DMA, ports as after power on. */
static void expect_quiet(void)
{
    assert_int_equal(fake.function.config[4] & 4, 0);
    for (u32 i = 0; i < FAKE_AHCI_PORTS; i++)
        assert_int_equal(fake.port[i].cmd & 0xc011, 0);
    expect_no_fault();
}

/* ---- all is well ------------------------------------------------------------------------------------------------ */

static void every_kind_of_disk_reads(void **state)
{
    (void)state;
    static const struct {
        u32 block_size;
        bool lba28, pio;
        u32 max_blocks;
        u8 code;
    } cases[] = {{512, false, false, 8192, 0x25}, {4096, false, false, 1024, 0x25}, {512, true, false, 256, 0xc8},
                 {512, false, true, 8192, 0x24},  {512, true, true, 256, 0x20},     {65536, true, false, 64, 0xc8}};
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        fake_ahci_disk(&fake, 0, image, IMAGE_SIZE / cases[i].block_size, cases[i].block_size);
        if (cases[i].lba28)
            fake.port[0].identify[83] = 0x4000;
        if (cases[i].pio)
            fake.port[0].identify[49] = 0x200;
        struct block_device *disk = probe_good();
        expect_log("shim: sda: pci 00:1f.2 port 0, FAKE DISK, ");
        assert_string_equal(disk->place.unit, "drive@0/disk@0");
        assert_int_equal(disk->place.bus, BUS_PCI);
        assert_int_equal(disk->place.address, 0xfa);
        assert_int_equal(disk->block_size, cases[i].block_size);
        assert_int_equal(disk->block_count, IMAGE_SIZE / cases[i].block_size);
        assert_int_equal(disk->max_blocks, cases[i].max_blocks);
        assert_int_equal(disk->dma_align, 2);
        assert_int_equal(disk->dma_end, 0);
        assert_int_equal(read_spans(disk, 0, 1, 1), OK);
        assert_int_equal(read_spans(disk, 3, 64, 2), OK);
        assert_int_equal(read_spans(disk, 5, 3, disk->max_blocks), OK);
        assert_int_equal(fake.port[0].last_code, cases[i].code);
        assert_int_equal(fake.port[0].blocks_max, cases[i].max_blocks);
        assert_int_equal(disk->driver->read(disk, &(struct block_span){0, 1, NULL}, 0), OK);
        assert_int_equal(fake.port[0].comresets, 0); /* a disk that works is not disturbed */
        assert_int_equal(fake.resets, 0);
        disk_ahci.quiesce(disk);
        assert_int_equal(fake.resets, 1);
        assert_int_equal(fake.port[0].det, 3); /* the link comes up again */
        expect_quiet();
    }
}

static void several_in_flight(void **state)
{
    (void)state;
    static const struct {
        u32 slots, in_flight;
    } cases[] = {{1, 1}, {2, 2}, {8, 8}, {32, 8}};
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        fake.cap = 0xc0140005 | (cases[i].slots - 1) << 8;
        fake.late = 2;
        struct block_device *disk = probe_good();
        assert_int_equal(read_spans(disk, 0, 128, 4), OK);
        assert_int_equal(fake.port[0].commands, 129);
        assert_int_equal(fake.port[0].in_flight_max, cases[i].in_flight);
        expect_no_fault();
    }
}

static void beyond_two_terabytes(void **state)
{
    (void)state;
    fake_ahci_disk(&fake, 0, NULL, 1ull << 47, 512);
    struct block_device *disk = probe_good();
    assert_int_equal(disk->block_count, 1ull << 47);
    struct block_span span = {(1ull << 47) - 9, 9, mem_at(DEST, 4608)};
    assert_int_equal(disk->driver->read(disk, &span, 1), OK);
    fake.port[0].bad_block = (1ull << 47) - 9, fake.port[0].bad_times = ~0u;
    fake.port[0].status = 0x51, fake.port[0].error = 0x40;
    assert_int_equal(disk->driver->read(disk, &span, 1), ERR_IO);
    expect_error("sda: read of block 140737488355319 (9 blocks): uncorrectable data (status 51, error 40)");
    expect_no_fault();
}

static void controllers_of_32_bits(void **state)
{
    (void)state;
    fake.cap &= 0x7fffffff;
    struct block_device *disk = probe_good();
    assert_int_equal(disk->dma_end, GIB(4));
    assert_int_equal(read_spans(disk, 0, 8, 16), OK);
    expect_no_fault();
}

static void ports_in_order(void **state)
{
    (void)state;
    fake_ahci_cd(&fake, 2, image, 100);
    fake_ahci_disk(&fake, 5, image, 77, 512);
    fake_ahci_disk(&fake, 4, image, 44, 512);
    fake.implemented = 0x2f; /* so this one is not there */
    fake.cap = (fake.cap & ~31u) | 2; /* fewer than the highest number, as where some have no socket */
    probe_good();
    assert_int_equal(disks.count, 3);
    assert_string_equal(disks.disk[0]->name, "sda");
    assert_string_equal(disks.disk[1]->name, "sr0");
    assert_string_equal(disks.disk[1]->place.unit, "drive@2/disk@0");
    assert_true(disks.disk[1]->removable);
    assert_string_equal(disks.disk[2]->name, "sdb");
    assert_int_equal(disks.disk[2]->block_count, 77);
    assert_int_equal(read_spans(disks.disk[1], 0, 5, 20), OK);
    for (u32 i = 0; i < 3; i++)
        disk_ahci.quiesce(disks.disk[i]);
    assert_int_equal(fake.resets, 1);
    expect_quiet();
    disks.count = 0; /* a second look, as the menu's rescan makes it */
    fake_probe(&disk_ahci, &boot, &disks);
    assert_int_equal(disks.count, 3);
    assert_int_equal(read_spans(disks.disk[2], 1, 2, 2), OK);
    expect_no_fault();
}

static void ports_implemented_may_be_empty(void **state)
{
    (void)state;
    fake.implemented = 0;
    fake.cap = (fake.cap & ~31u) | 3;
    fake_ahci_plug(&fake);
    fake.implemented = 0xf; /* what may be written to */
    fake_probe(&disk_ahci, &boot, &disks);
    assert_int_equal(disks.count, 1);
    disk_ahci.quiesce(disks.disk[0]);
    expect_quiet();
}

static void nothing_there_costs_nothing(void **state)
{
    (void)state;
    fake.port[0].signature = 0;
    u64 before = host_ticks;
    assert_null(probe());
    assert_int_equal(fake.touches, 0);
    assert_int_equal(fake.resets, 0);
    assert_true(host_ticks - before < 1000000);
    assert_string_equal(host_log(), "");
    expect_quiet();
}

/* ---- how firmware leaves it ------------------------------------------------------------------------------------- */

static void starts(void **state)
{
    (void)state;
    static const struct {
        bool running, halfway, asleep, staggered, no_signature, forgets;
        u32 link_late, spin_up, comresets;
    } cases[] = {
        {.running = true},
        {.running = true, .halfway = true, .comresets = 1},
        {.asleep = true, .staggered = true},
        {.asleep = true, .staggered = true, .link_late = 200, .spin_up = 9000},
        {.asleep = true, .staggered = true, .link_late = 8},
        {.spin_up = 20000},
        {.link_late = 500, .spin_up = 20},
        {.no_signature = true, .comresets = 1},
        {.forgets = true},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        struct fake_ahci_port *p = &fake.port[0];
        p->running = cases[i].running;
        p->halfway = cases[i].halfway;
        p->asleep = cases[i].asleep;
        p->no_signature = cases[i].no_signature;
        p->link_late = cases[i].link_late;
        p->spin_up = cases[i].spin_up;
        fake.forgets = cases[i].forgets;
        if (cases[i].staggered)
            fake.cap |= 1u << 27;
        struct block_device *disk = probe_good();
        assert_int_equal(p->comresets, cases[i].comresets);
        assert_int_equal(read_spans(disk, 0, 8, 8), OK);
        disk_ahci.quiesce(disk);
        assert_int_equal(fake.cap_now, fake.cap);
        assert_int_equal(fake.implemented_now, fake.implemented);
        assert_int_equal(p->det, 3);
        expect_quiet();
    }
}

static void bios_hands_over(void **state)
{
    (void)state;
    for (u32 i = 0; i < 3; i++) {
        setup(NULL);
        fake.bios_owns = true;
        fake.bios_busy = i == 1;
        fake.bios_keeps = i == 2;
        assert_int_equal(read_spans(probe_good(), 0, 8, 8), OK);
        assert_true(fake.bohc & 2);
        if (i == 2)
            expect_log("shim: warning: pci 00:1f.2: the BIOS does not give up the controller");
        expect_no_fault();
    }
}

static void others_are_left_alone(void **state)
{
    (void)state;
    static const struct {
        u16 vendor, class;
        u8 interface;
        bool taken;
    } cases[] = {{0x8086, 0x0106, 1, true},  {0x1b21, 0x0106, 1, true},  {0x8086, 0x0104, 0, true},
                 {0x1000, 0x0104, 0, false}, {0x8086, 0x0106, 2, false}, {0x8086, 0x0101, 1, false},
                 {0x8086, 0x0108, 1, false}};
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        fake_ahci_plug(&fake);
        fake_put16(fake.function.config, cases[i].vendor);
        fake_put16(fake.function.config + 10, cases[i].class);
        fake.function.config[9] = cases[i].interface;
        fake_probe(&disk_ahci, &boot, &disks);
        assert_int_equal(disks.count, cases[i].taken);
        if (!cases[i].taken)
            assert_string_equal(host_log(), "");
    }
}

static void controllers_that_cannot_be_used(void **state)
{
    (void)state;
    static const struct {
        u32 bar, version;
        const char *sentence;
    } cases[] = {
        {0, 0x10300, "shim: warning: pci 00:1f.2: firmware gave its registers no address"},
        {0xc001, 0x10300, "shim: warning: pci 00:1f.2: firmware gave its registers no address"},
        {0xfebf1000, 0, "tell of AHCI version 0"},
        {0xfebf1000, 0x20000, "tell of AHCI version 20000"},
        {0xd0000000, 0x10300, "tell of AHCI version ffffffff"}, /* nothing answers there */
        {0xfebf1000, 0x905, NULL},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        fake.version = cases[i].version;
        fake_ahci_plug(&fake);
        fake_put32(fake.function.config + 0x24, cases[i].bar);
        fake_probe(&disk_ahci, &boot, &disks);
        assert_int_equal(disks.count, !cases[i].sentence);
        if (cases[i].sentence) {
            expect_log(cases[i].sentence);
            assert_int_equal(fake.function.config[4] & 4, 0);
            assert_int_equal(fake.touches, 0);
        }
    }
}

static void devices_that_cannot_be_used(void **state)
{
    (void)state;
    static const struct {
        u32 signature, spin_up;
        u16 word, value;
        const char *sentence;
    } cases[] = {
        {0x96690101, 0, 0, 0x40, "shim: error: ahci: pci 00:1f.2 port 0: a port multiplier, whose disks are not read"},
        {0xc33c0101, 0, 0, 0x40, "shim: pci 00:1f.2 port 0: an enclosure (signature c33c0101), left out"},
        {0x12345678, 0, 0, 0x40, "neither disk nor CD (signature 12345678), left out"},
        {FAKE_AHCI_DISK, 60000, 0, 0x40, "pci 00:1f.2 port 0: the device is not ready after 30 s (status 80)"},
        {FAKE_AHCI_DISK, 0, 49, 0, "pci 00:1f.2 port 0: the disk cannot be addressed by block"},
        {FAKE_AHCI_DISK, 0, 0, 0xffff, "pci 00:1f.2 port 0: IDENTIFY DEVICE begins with ffff"},
        {FAKE_AHCI_CD, 0, 0, 0x40, "pci 00:1f.2 port 0: IDENTIFY PACKET DEVICE begins with 40"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        fake.port[0].signature = cases[i].signature;
        fake.port[0].spin_up = cases[i].spin_up;
        fake.port[0].identify[cases[i].word] = cases[i].value;
        if (probe())
            FAILED("%s: a disk all the same", cases[i].sentence);
        expect_log(cases[i].sentence);
        expect_quiet();
    }
}

/* ---- reads that go wrong ---------------------------------------------------------------------------------------- */

static void failed_reads(void **state)
{
    (void)state;
    static const struct {
        enum fake_ahci_fault fault;
        u8 status, error;
        const char *sentence;
    } cases[] = {
        {FAKE_TASK_FILE, 0x51, 0x40, "sda: read of block 40 (4 blocks): uncorrectable data (status 51, error 40)"},
        {FAKE_TASK_FILE, 0x59, 0x10, "sda: read of block 40 (4 blocks): no such address (status 59, error 10)"},
        {FAKE_TASK_FILE, 0x71, 0x04, "device fault, command aborted"},
        {FAKE_INTERFACE, 0, 0, "sda: read of block 40 (4 blocks): interface error (PxIS 800000"},
        {FAKE_SHORT, 0, 0, "sda: only 1536 of 2048 bytes read at block 40"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        for (u32 way = 0; way < 8; way++) { /* like QEMU or not; at once or late; alone or not */
            setup(NULL);
            fake.goes_on = way & 1;
            fake.late = way & 2;
            u32 count = way & 4 ? 1 : 100;
            struct fake_ahci_port *p = &fake.port[0];
            struct block_device *disk = probe_good();
            p->bad_block = 41, p->bad_times = ~0u;
            p->fault = cases[i].fault, p->status = cases[i].status, p->error = cases[i].error;
            assert_int_equal(read_spans(disk, count == 1 ? 40 : 0, count, 4), ERR_IO);
            expect_error(cases[i].sentence);
            assert_int_equal(p->ci, 0);
            assert_false(disk->dead);
            /* Where several were in flight one may still be under way; else nobody need be disturbed. */
            if (count == 1 && cases[i].error != 0x10)
                assert_int_equal(p->comresets, 0);
            else if (way & 2 && cases[i].fault != FAKE_SHORT)
                assert_int_not_equal(p->comresets, 0);
            assert_int_equal(read_spans(disk, 42, 100, 4), OK); /* the rest of the disk is as good as before */
            p->bad_times = 1; /* an error that does not come again is none */
            assert_int_equal(read_spans(disk, 0, 100, 4), OK);
            assert_int_equal(p->bad_times, 0);
            expect_no_fault();
            disk_ahci.quiesce(disk);
            expect_quiet();
        }
    }
}

/* A reset would wait for the host's storage; so nothing of the port is touched any more, nor the controller reset. */
static void silence_ends_in_distance(void **state)
{
    (void)state;
    fake_ahci_disk(&fake, 3, image, 1000, 512);
    struct block_device *disk = probe_good(), *other = disks.disk[1];
    boot.memory.count = 0;
    mem_map_add(&boot.memory, MIB(1), GIB(3), MEM_USABLE);
    fake.port[0].bad_block = 9, fake.port[0].bad_times = 1, fake.port[0].fault = FAKE_SILENT;
    u64 before = arena_left();
    assert_int_equal(read_spans(disk, 0, 3, 8), ERR_TIMEOUT);
    expect_error("sda: read of block 8 (8 blocks): no answer within 10 s");
    expect_log("shim: warning: sda: not used any more, and what it was given stays reserved");
    assert_true(disk->dead);
    arena_release(0); /* its list is in there */
    assert_true(arena_left() < before);
    u32 resets = fake.port[0].comresets, list = fake.port[0].clb;
    assert_int_equal(read_spans(other, 0, 20, 8), OK);
    disk_ahci.quiesce(disk);
    disk_ahci.quiesce(other);
    assert_int_equal(fake.resets, 0);
    assert_int_equal(fake.port[0].comresets, resets);
    assert_int_equal(fake.port[0].cmd & 0xc011, 0xc011);
    assert_int_equal(fake.port[3].cmd & 0xc011, 0);
    expect_no_fault();

    disks.count = 0;
    fake_probe(&disk_ahci, &boot, &disks);
    assert_int_equal(disks.count, 1);
    assert_string_equal(disks.disk[0]->place.unit, "drive@3/disk@0");
    expect_log("shim: warning: pci 00:1f.2 port 0: left out, it did not answer before");
    assert_int_equal(read_spans(disks.disk[0], 0, 20, 8), OK);
    disk_ahci.quiesce(disks.disk[0]);
    assert_int_equal(fake.resets, 0);
    assert_int_equal(fake.port[0].clb, list);
    expect_no_fault();
}

/* What a lost disk may still write to is nobody else's. */
static void lost_memory_is_reserved(void **state)
{
    (void)state;
    static struct disk_list all;
    mem_map_add(&boot.memory, MIB(1), HOST_ARENA + HOST_ARENA_SIZE - MIB(1), MEM_USABLE);
    fake_ahci_plug(&fake);
    disks_probe(&boot, &all);
    assert_int_equal(all.count, 1);
    fake.port[0].never = true;
    assert_int_equal(read_spans(all.disk[0], 0, 2, 16), ERR_TIMEOUT);
    assert_false(mem_map_usable(&boot.memory, DEST + CANARY, 8192));
    assert_false(mem_map_usable(&boot.memory, DEST + 3 * CANARY + 8192, 8192));
    assert_true(mem_map_usable(&boot.memory, DEST + 32768, 8192));
    assert_false(mem_map_usable(&boot.memory, fake.port[0].clb, 1));
    assert_false(mem_map_usable(&boot.memory, fake.port[0].fb, 1));
}

static void silence_while_probing(void **state)
{
    (void)state;
    fake.port[0].never = true;
    fake_ahci_disk(&fake, 1, image, 1000, 512);
    struct block_device *disk = probe_good();
    assert_int_equal(disks.count, 1);
    assert_string_equal(disk->place.unit, "drive@1/disk@0");
    expect_log("shim: error: ahci: pci 00:1f.2 port 0: IDENTIFY DEVICE: no answer within 10 s");
    expect_log("shim: warning: pci 00:1f.2 port 0: not used any more");
    assert_int_equal(read_spans(disk, 0, 20, 8), OK);
    disk_ahci.quiesce(disk);
    assert_int_equal(fake.resets, 0);
    expect_no_fault();
}

static void unplugged_disks_are_missed(void **state)
{
    (void)state;
    for (u32 late = 0; late < 3; late++) {
        setup(NULL);
        fake.late = late;
        fake_ahci_disk(&fake, 1, image, 1000, 512);
        struct block_device *disk = probe_good();
        fake.port[0].bad_block = 50, fake.port[0].bad_times = 1, fake.port[0].fault = FAKE_UNPLUGGED;
        assert_int_equal(read_spans(disk, 0, 20, 8), ERR_IO);
        expect_error("the device is gone");
        assert_true(disk->dead);
        assert_int_equal(read_spans(disks.disk[1], 0, 20, 8), OK);
        disk_ahci.quiesce(disk);
        disk_ahci.quiesce(disks.disk[1]);
        expect_quiet();
    }
}

static void lists_that_do_not_stop(void **state)
{
    (void)state;
    struct block_device *disk = probe_good();
    fake.port[0].stuck = true;
    fake.port[0].bad_block = 50, fake.port[0].bad_times = ~0u, fake.port[0].status = 0x51, fake.port[0].error = 0x40;
    assert_int_equal(read_spans(disk, 0, 20, 8), ERR_IO);
    expect_log("shim: warning: sda: not used any more, and what it was given stays reserved");
    assert_true(disk->dead);
    disk_ahci.quiesce(disk);
    assert_int_equal(fake.resets, 0);

    setup(NULL);
    fake.port[0].stuck = fake.port[0].running = true;
    assert_null(probe());
    expect_log("pci 00:1f.2 port 0: what firmware has started there does not stop");
}

static void late_answers_are_waited_for(void **state)
{
    (void)state;
    struct block_device *disk = probe_good();
    fake.late = 9000;
    assert_int_equal(read_spans(disk, 0, 20, 8), OK);
    expect_no_fault();
}

static void reset_that_fails_is_said_and_dma_is_off(void **state)
{
    (void)state;
    struct block_device *disk = probe_good();
    fake.reset_stuck = true;
    disk_ahci.quiesce(disk);
    expect_log("shim: error: pci 00:1f.2: the reset does not end within 1000 ms");
    assert_int_equal(fake.function.config[4] & 4, 0);
}

/* ---- CDs -------------------------------------------------------------------------------------------------------- */

static void cds(void **state)
{
    (void)state;
    for (u32 way = 0; way < 4; way++) {
        setup(NULL);
        fake_ahci_init(&fake);
        fake_ahci_cd(&fake, 1, image, IMAGE_SIZE / 2048);
        fake.late = way & 2;
        fake.port[1].attentions = 2;
        if (way & 1)
            fake.port[1].identify[49] = 0x200; /* no DMA */
        struct block_device *disk = probe_good();
        assert_string_equal(disk->name, "sr0");
        expect_log("shim: sr0: pci 00:1f.2 port 1, FAKE DVD-ROM, 24576 blocks of 2048 bytes, 1 requests of 2048 KiB in"
                   " flight");
        assert_int_equal(read_spans(disk, 0, 20, 8), OK);
        assert_int_equal(read_spans(disk, 16, 3, disk->max_blocks), OK);
        fake.port[1].attentions = 1; /* somebody looked at the tray */
        assert_int_equal(read_spans(disk, 16, 2, 4), OK);
        fake.port[1].bad_block = 41, fake.port[1].bad_times = ~0u;
        fake.port[1].status = 0x51, fake.port[1].error = 0x30;
        assert_int_equal(read_spans(disk, 0, 20, 4), ERR_IO);
        expect_error("sr0: read of block 40 (4 blocks): medium error, unrecovered read error (sense 3/11/00)");
        fake.port[1].fault = FAKE_INTERFACE;
        assert_int_equal(read_spans(disk, 0, 20, 4), ERR_IO);
        expect_error("sr0: read of block 40: pci 00:1f.2 port 1: packet command 28: interface error");
        fake.port[1].fault = FAKE_SHORT;
        assert_int_equal(read_spans(disk, 0, 20, 4), ERR_IO);
        assert_int_equal(read_spans(disk, 42, 20, 4), OK);
        fake.port[1].no_medium = true;
        assert_int_equal(read_spans(disk, 42, 2, 4), ERR_IO);
        expect_error("no medium");
        fake.port[1].no_sense = true;
        assert_int_equal(read_spans(disk, 42, 2, 4), ERR_IO);
        expect_error("not ready (sense 2/00/00)");
        assert_int_equal(fake.port[1].comresets, 0);
        disk_ahci.quiesce(disk);
        expect_quiet();
    }
}

static void empty_cds_are_no_error(void **state)
{
    (void)state;
    fake_ahci_init(&fake);
    fake_ahci_cd(&fake, 1, NULL, 100);
    fake.port[1].no_medium = true;
    assert_null(probe());
    expect_log("shim: pci 00:1f.2 port 1: ");
    expect_log("no medium");
    assert_null(strstr(host_log(), "error"));
    expect_quiet();
}

static void silent_cds(void **state)
{
    (void)state;
    fake_ahci_init(&fake);
    fake_ahci_cd(&fake, 1, image, 100);
    struct block_device *disk = probe_good();
    fake.port[1].bad_block = 41, fake.port[1].bad_times = 1, fake.port[1].fault = FAKE_SILENT;
    assert_int_equal(read_spans(disk, 0, 20, 4), ERR_TIMEOUT);
    expect_error("sr0: read of block 40: pci 00:1f.2 port 1: packet command 28: no answer within 30 s");
    assert_true(disk->dead);
    disk_ahci.quiesce(disk);
    assert_int_equal(fake.resets, 0);
    expect_no_fault();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_kind_of_disk_reads, setup),
        cmocka_unit_test_setup(several_in_flight, setup),
        cmocka_unit_test_setup(beyond_two_terabytes, setup),
        cmocka_unit_test_setup(controllers_of_32_bits, setup),
        cmocka_unit_test_setup(ports_in_order, setup),
        cmocka_unit_test_setup(ports_implemented_may_be_empty, setup),
        cmocka_unit_test_setup(nothing_there_costs_nothing, setup),
        cmocka_unit_test_setup(starts, setup),
        cmocka_unit_test_setup(bios_hands_over, setup),
        cmocka_unit_test_setup(others_are_left_alone, setup),
        cmocka_unit_test_setup(controllers_that_cannot_be_used, setup),
        cmocka_unit_test_setup(devices_that_cannot_be_used, setup),
        cmocka_unit_test_setup(failed_reads, setup),
        cmocka_unit_test_setup(silence_ends_in_distance, setup),
        cmocka_unit_test_setup(lost_memory_is_reserved, setup),
        cmocka_unit_test_setup(silence_while_probing, setup),
        cmocka_unit_test_setup(unplugged_disks_are_missed, setup),
        cmocka_unit_test_setup(lists_that_do_not_stop, setup),
        cmocka_unit_test_setup(late_answers_are_waited_for, setup),
        cmocka_unit_test_setup(reset_that_fails_is_said_and_dma_is_off, setup),
        cmocka_unit_test_setup(cds, setup),
        cmocka_unit_test_setup(empty_cds_are_no_error, setup),
        cmocka_unit_test_setup(silent_cds, setup),
    };
    return cmocka_run_group_tests(tests, image_make, image_free);
}
