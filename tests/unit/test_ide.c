/* test_ide.c: ide.c against drives that can lie. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_ide.h"

#define IMAGE_SIZE (16u << 20)
#include "driver_test.h"

extern const struct block_driver disk_ide;

#define SECTORS (IMAGE_SIZE / 512)
#define FRAMES (IMAGE_SIZE / 2048)

static struct fake_ide fake, second;
static struct boot_info boot;

static int setup(void **state)
{
    (void)state;
    fake_reset();
    fake_ide_init(&fake, 1, 0x80);
    disks.count = 0;
    memset(&boot, 0, sizeof boot);
    return 0;
}

/* Probe as at start or "look for disks again"; the controller is plugged in already. */
static struct block_device *probe_again(void)
{
    disks.count = 0;
    fake_probe(&disk_ide, &boot, &disks);
    return first_disk();
}

static struct block_device *probe(void)
{
    fake_ide_plug(&fake);
    return probe_again();
}

static struct block_device *probe_good(void)
{
    return expect_disk(probe());
}

static struct fake_ide_drive *plain_disk(void)
{
    return fake_ide_disk(&fake, 0, 0, image, SECTORS, 512);
}

static void expect_no_fault(const char *what)
{
    expect_fault_none(what, fake.fault);
}

static void expect_reads(struct block_device *disk, const char *what)
{
    if (read_spans(disk, 0, 1, 1) || read_spans_at(disk, 3, 40, 8, 2) ||
        read_spans(disk, 1, 1, (u32)(MIB(2) / disk->block_size)))
        FAILED("%s: %s", what, error_text());
}

/* ---- all is well ------------------------------------------------------------------------------------------------ */

static void every_kind_of_disk_reads(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        u8 interface;
        bool isa, lba28, no_mode, mwdma;
        u32 block_size, latency;
        bool dma;
    } cases[] = {
        {"at the PC/AT's ports", 0x80, false, false, false, false, 512, 0, true},
        {"native", 0x8f, false, false, false, false, 512, 0, true},
        {"late", 0x8a, false, false, false, false, 512, 5, true},
        {"4096-byte blocks", 0x80, false, false, false, false, 4096, 0, true},
        {"LBA28", 0x80, false, true, false, false, 512, 0, true},
        {"multiword DMA", 0x80, false, false, false, true, 512, 0, true},
        {"no transfer mode", 0x80, false, false, true, false, 512, 0, false},
        {"no bus master", 0x00, false, false, false, false, 512, 0, false},
        {"LBA28 without bus master", 0x05, false, true, false, false, 512, 1, false},
        {"ISA", 0, true, false, false, false, 512, 0, false},
        {"ISA, 4096-byte blocks", 0, true, false, false, false, 4096, 0, false},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        fake_ide_init(&fake, 1, cases[i].interface);
        fake.isa = cases[i].isa;
        u64 blocks = IMAGE_SIZE / cases[i].block_size;
        struct fake_ide_drive *d = fake_ide_disk(&fake, 0, 0, image, blocks, cases[i].block_size);
        d->latency = cases[i].latency;
        if (cases[i].lba28)
            d->identify[83] = 0x4000;
        if (cases[i].no_mode)
            d->identify[88] = 0x3f;
        if (cases[i].mwdma)
            d->identify[88] = 0, d->identify[63] = 0x407;
        struct block_device *disk = probe_good();
        assert_string_equal(disk->name, "sda");
        assert_int_equal(disk->block_count, blocks);
        assert_int_equal(disk->block_size, cases[i].block_size);
        assert_true(disk->max_blocks * disk->block_size >= MIB(1));
        expect_reads(disk, cases[i].what);
        assert_int_equal(read_spans(disk, blocks - 1, 1, 1), OK);
        assert_true(cases[i].dma ? d->dma_reads && !d->pio_reads : d->pio_reads && !d->dma_reads);
        assert_int_equal(d->resets, 0);
        disk_ide.quiesce(disk);
        expect_no_fault(cases[i].what);
        assert_int_equal(fake.channel[0].control_reg & 2, 0);
        assert_int_equal(fake.channel[0].bm_command, 0);
        assert_int_equal(fake.function.config[4], 0);
    }
}

static void long_requests_are_one_command(void **state)
{
    (void)state;
    struct fake_ide_drive *d = plain_disk();
    struct block_device *disk = probe_good();
    for (u32 skew = 0; skew < 131072; skew += 65534) {
        u32 before = d->dma_reads;
        assert_int_equal(read_spans_at(disk, 7, 1, disk->max_blocks, skew), OK);
        assert_int_equal(d->dma_reads, before + 1);
    }
    expect_no_fault("long requests");
}

static void big_disks(void **state)
{
    (void)state;
    struct fake_ide_drive *d = fake_ide_disk(&fake, 0, 0, image, 1ull << 40, 512);
    struct block_device *disk = probe_good();
    assert_int_equal(disk->block_count, 1ull << 40);
    d->bad_block = 0x123456789a;
    d->bad_error = 0x40;
    struct block_span span = {0x123456789a, 1, mem_at(DEST, 512)};
    assert_int_equal(disk_ide.read(disk, &span, 1), ERR_IO);
    expect_error("sda: read of block 78187493530 (1 blocks): uncorrectable data (status 51, error 40)");
    expect_no_fault("a big disk");
}

static void every_kind_of_cd_reads(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        u8 interface;
        bool no_mode, direction, long_packets, zero_status;
        u32 portion, latency, attentions;
        bool dma;
    } cases[] = {
        {"DMA", 0x80, false, false, false, false, 0, 0, 0, true},
        {"behind a SATA bridge", 0x8f, false, true, false, false, 0, 0, 0, true},
        {"16-byte packets, late", 0x80, false, false, true, false, 0, 3, 0, true},
        {"after a reset", 0x80, false, false, false, true, 0, 0, 2, true},
        {"PIO", 0x80, true, false, false, false, 0, 0, 1, false},
        {"PIO by small portions", 0x00, false, false, false, true, 2048, 1, 0, false},
        {"PIO by odd portions", 0x00, false, false, false, false, 1022, 0, 0, false},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        fake_ide_init(&fake, 1, cases[i].interface);
        struct fake_ide_drive *d = fake_ide_cd(&fake, 1, 0, image, FRAMES);
        d->portion = cases[i].portion;
        d->latency = cases[i].latency;
        d->attentions = cases[i].attentions;
        d->zero_status = cases[i].zero_status;
        if (cases[i].no_mode)
            d->identify[88] = 0;
        if (cases[i].direction)
            d->identify[62] = 0x8000;
        if (cases[i].long_packets)
            d->identify[0] |= 1;
        struct block_device *disk = probe_good();
        assert_string_equal(disk->name, "sr0");
        assert_string_equal(disk->place.unit, "drive@1/disk@0");
        assert_true(disk->removable && disk->block_size == 2048 && disk->block_count == FRAMES);
        expect_reads(disk, cases[i].what);
        d->attentions = 2;
        expect_reads(disk, cases[i].what);
        assert_true(cases[i].dma ? d->dma_reads && !d->pio_reads : d->pio_reads && !d->dma_reads);
        disk_ide.quiesce(disk);
        expect_no_fault(cases[i].what);
        assert_int_equal(d->resets, 0);
    }
}

static void four_drives(void **state)
{
    (void)state;
    plain_disk();
    fake_ide_cd(&fake, 0, 1, image, FRAMES);
    fake_ide_cd(&fake, 1, 0, image, FRAMES)->removable_empty = true;
    fake_ide_disk(&fake, 1, 1, image, SECTORS / 8, 4096);
    fake_put16(fake.function.config + 4, 1);
    probe_good();
    static const struct {
        const char *name, *unit;
    } expected[] = {{"sda", "drive@0/disk@0"}, {"sr0", "drive@0/disk@1"}, {"sdb", "drive@1/disk@1"}};
    assert_int_equal(disks.count, ARRAY_COUNT(expected));
    for (u32 i = 0; i < disks.count; i++) {
        assert_string_equal(disks.disk[i]->name, expected[i].name);
        assert_string_equal(disks.disk[i]->place.unit, expected[i].unit);
        assert_true(disks.disk[i]->place.bus == BUS_PCI && disks.disk[i]->place.address == 8);
    }
    for (u32 i = 0; i < disks.count; i++)
        expect_reads(disks.disk[i], disks.disk[i]->name);
    expect_log("pci 00:01.0 channel 1 drive 0: FAKE CD: no medium");
    assert_null(strstr(host_log(), "error"));
    for (u32 i = 0; i < disks.count; i++) {
        assert_true(fake.function.config[4] & 4);
        disk_ide.quiesce(disks.disk[i]);
    }
    assert_int_equal(fake.function.config[4], 1);
    expect_no_fault("four drives");
}

static u32 port_count;
static u32 (*ports_in)(u16 port, u32 width);
static void (*ports_out)(u16 port, u32 value, u32 width);
static bool writes_counted;

static u32 counted_in(u16 port, u32 width)
{
    port_count += port < 0xcf8;
    return ports_in(port, width);
}

static void counted_out(u16 port, u32 value, u32 width)
{
    writes_counted |= port < 0xcf8;
    ports_out(port, value, width);
}

static void what_is_not_there_costs_little(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        bool plugged, isa;
        u8 floating;
        u32 most;
        bool writes;
    } cases[] = {
        {"no controller", false, false, 0xff, 2, false},
        {"ISA, low bit 7", true, true, 0x7f, 2, false},
        {"ISA, zeros", true, true, 0, 32, true},
        {"PCI, ones", true, false, 0xff, 24, true},
        {"PCI, low bit 7", true, false, 0x7f, 24, true},
        {"PCI, zeros", true, false, 0, 32, true},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        fake.isa = cases[i].isa;
        fake.channel[0].floating = fake.channel[1].floating = cases[i].floating;
        if (cases[i].plugged)
            fake_ide_plug(&fake);
        port_count = 0;
        writes_counted = false;
        ports_in = host_machine.in;
        ports_out = host_machine.out;
        host_machine.in = counted_in;
        host_machine.out = counted_out;
        assert_null(probe_again());
        if (port_count > cases[i].most || writes_counted != cases[i].writes)
            FAILED("%s: %u ports read, at most %u expected", cases[i].what, port_count, cases[i].most);
        assert_int_equal(fake.function.config[4], 0);
        assert_string_equal(host_log(), "");
        expect_no_fault(cases[i].what);
    }
}

static u32 last_value;

static u32 echo_in(u16 port, u32 width)
{
    port_count += port < 0xcf8;
    return last_value & (width == 4 ? ~0u : (1u << width * 8) - 1);
}

static void echo_out(u16 port, u32 value, u32 width)
{
    (void)port, (void)width;
    last_value = value;
}

/* A machine whose ports without a device read as what was there last. */
static void ports_that_echo(void **state)
{
    (void)state;
    for (u32 first = 0; first < 256; first++) {
        setup(NULL);
        assert_null(probe_again()); /* no PCI devices, from here on */
        host_machine.in = echo_in;
        host_machine.out = echo_out;
        last_value = first;
        port_count = 0;
        disk_ide.probe(&boot, &disks);
        assert_true(!disks.count && port_count <= 24);
        assert_string_equal(host_log(), "");
    }
}

static void a_drive_1_alone(void **state)
{
    (void)state;
    struct fake_ide_drive *d = fake_ide_disk(&fake, 0, 1, image, SECTORS, 512);
    struct block_device *disk = probe_good();
    assert_string_equal(disk->place.unit, "drive@0/disk@1");
    expect_reads(disk, "drive 1");
    d->crc_errors = 1; /* a reset selects drive 0 */
    expect_reads(disk, "drive 1 after a reset");
    assert_int_equal(d->mode, 0x45);
    expect_no_fault("drive 1");
}

static void others_are_left_alone(void **state)
{
    (void)state;
    plain_disk();
    fake_ide_plug(&fake);
    fake_put16(fake.function.config + 10, 0x0106);
    assert_null(probe_again()); /* at the ports of the PC/AT nothing is decoded: ones */
    assert_int_equal(fake.function.config[4], 0);
}

static void two_controllers_at_one_place(void **state)
{
    (void)state;
    struct fake_ide_drive *d = plain_disk();
    fake_ide_init(&second, 2, 0x80);
    fake_ide_plug(&fake);
    fake_function_add(&second.function, second.function.at, 0x8086, 0x7111, 0x0101);
    struct block_device *disk = probe_again();
    assert_non_null(disk);
    assert_int_equal(disks.count, 1);
    expect_reads(disk, "ambiguous");
    assert_int_equal(d->dma_reads, 0);
}

static void native_ports_without_address(void **state)
{
    (void)state;
    fake_ide_init(&fake, 1, 0x85);
    plain_disk();
    fake_put32(fake.function.config + 0x10, 0);
    assert_null(probe());
    expect_log("pci 00:01.0 channel 0: its ports have no address");
}

/* Memory above 4 GiB, which is outside the simulated machine, as PRDs would be: block.c bounces what goes there by DMA,
 * in longer pieces where it knows of such memory; by PIO all can be reached. */
static void buffers_above_4_gib(void **state)
{
    (void)state;
    for (u32 high = 0; high < 8; high++) {
        setup(NULL);
        struct fake_ide_drive *d = high & 2 ? fake_ide_cd(&fake, 0, 0, image, FRAMES) : plain_disk();
        bool pio = high & 4;
        if (high & 1)
            boot.memory = (struct mem_map){.count = 1, .range = {{.base = GIB(4), .size = GIB(1), .type = MEM_USABLE}}};
        if (pio)
            fake.function.config[9] = 0; /* no bus master */
        fake_ide_plug(&fake);
        disks_probe(&boot, &disks);
        assert_int_equal(disks.count, 1);
        struct block_device *disk = disks.disk[0];
        assert_int_equal(disk->dma_end, pio ? 0 : GIB(4));
        u32 size = (u32)MIB(1) + 4096;
        u8 *buf = malloc(size);
        assert_int_equal(block_read(disk, 16 * disk->block_size, size, buf), OK);
        assert_memory_equal(buf, image + 16 * disk->block_size, size);
        assert_true(pio ? d->pio_reads && !d->dma_reads : d->dma_reads && !d->pio_reads);
        assert_int_equal(disk->stats.requests, pio ? 1 : high & 1 ? 3 : 17);
        free(buf);
        assert_int_equal(read_spans(disk, 0, 1, 8), OK);
        assert_true(pio || d->dma_reads > 0); /* what is in reach goes by DMA still */
        assert_null(strstr(host_log(), "warning"));
        expect_no_fault("high memory");
    }
}

/* ---- failures --------------------------------------------------------------------------------------------------- */

/* From now on the drive misbehaves as `lie` does. */
static void drive_lie(struct fake_ide_drive *d, const struct fake_ide_drive *lie)
{
    d->bad_block = lie->bad_block ? lie->bad_block : ~0ull;
    d->bad_error = lie->bad_error;
    d->device_fault = lie->device_fault;
    d->fewer = lie->fewer;
    d->more = lie->more;
    d->crc_errors = lie->crc_errors;
    d->refuses_dma = lie->refuses_dma;
    d->engine_errors = lie->engine_errors;
    d->short_dma = lie->short_dma;
    d->no_sense = lie->no_sense;
    d->reason = lie->reason;
    d->zero_bytes = lie->zero_bytes;
    d->endless = lie->endless;
    d->no_packet = lie->no_packet;
}

/* What becomes of a read of 16 blocks from block 90 on, and what is said (NULL: no warning). */
static void expect_outcome(struct block_device *disk, const char *what, enum error error, const char *sentence)
{
    if (read_spans(disk, 90, 1, 16) != error)
        FAILED("%s: %s", what, error_text());
    if (error)
        expect_error(sentence);
    else if (sentence)
        expect_log(sentence);
    else
        assert_null(strstr(host_log(), "warning"));
}

static const struct fake_ide_drive honest;

static void failed_reads(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct fake_ide_drive lie;
        bool pio;
        enum error error;
        const char *sentence; /* NULL: none */
        bool falls_back;
    } cases[] = {
        {"bad block", {.bad_block = 100, .bad_error = 0x40}, false, ERR_IO,
         "sda: read of block 90 (16 blocks): uncorrectable data (status 51, error 40)", false},
        {"bad address", {.bad_block = 90, .bad_error = 0x10}, false, ERR_IO, "no such address", false},
        {"bad block, said otherwise", {.bad_block = 100, .bad_error = 0x04}, false, ERR_IO,
         "sda: read of block 90 (16 blocks): block 100: command aborted (status 51, error 4)", false},
        {"bad block by PIO", {.bad_block = 100, .bad_error = 0x40}, true, ERR_IO,
         "sda: read of block 90 (16 blocks): block 100: uncorrectable data (status 51, error 40)", false},
        {"device fault", {.device_fault = true}, false, ERR_IO, "device fault", false},
        {"fewer blocks", {.fewer = true}, true, ERR_IO, "the drive gives 15 of 16 blocks", false},
        {"more blocks", {.more = true}, true, ERR_IO, "the drive offers more than 16 blocks", false},
        {"one CRC error", {.crc_errors = 1}, false, OK, NULL, false},
        {"two CRC errors", {.crc_errors = 2}, false, OK,
         "sda: DMA does not work, reading without it from now on: sda: read of block 90 (16 blocks): interface CRC",
         true},
        {"no DMA", {.refuses_dma = true}, false, OK, "DMA does not work", true},
        {"one engine error", {.engine_errors = 1}, false, OK, NULL, false},
        {"engine errors", {.engine_errors = 9}, false, OK, "the controller failed to write to memory (status 02)",
         true},
        {"short DMA", {.short_dma = true}, false, OK, "the drive ended before all data came", true},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        struct fake_ide_drive *d = plain_disk();
        if (cases[i].pio)
            d->identify[88] = 0;
        struct block_device *disk = probe_good();
        drive_lie(d, &cases[i].lie);
        expect_outcome(disk, cases[i].what, cases[i].error, cases[i].sentence);
        drive_lie(d, &honest);
        d->dma_reads = 0;
        expect_reads(disk, cases[i].what);
        assert_int_equal(d->dma_reads != 0, !cases[i].pio && !cases[i].falls_back);
        if (d->resets && !cases[i].pio)
            assert_int_equal(d->mode, 0x45); /* which a reset may have cost */
        disk_ide.quiesce(disk);
        expect_no_fault(cases[i].what);
        assert_false(disk->dead);
    }
}

static void failed_reads_of_cds(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct fake_ide_drive lie;
        bool pio;
        enum error error;
        const char *sentence;
    } cases[] = {
        {"bad block", {.bad_block = 100}, false, ERR_IO,
         "sr0: read of block 90 (16 blocks): medium error, unrecovered read error (sense 3/11/00)"},
        {"bad block by PIO", {.bad_block = 100}, true, ERR_IO, "medium error, unrecovered read error (sense 3/11/00)"},
        {"no sense data", {.bad_block = 100, .no_sense = true}, true, ERR_IO, "medium error (sense 3/00/00)"},
        {"wrong phase", {.reason = 1}, true, ERR_IO, "the drive wants something else (reason 1, "},
        {"data wanted", {.reason = 4}, true, ERR_IO, "the drive wants something else (reason 0, "},
        {"portions of nothing", {.zero_bytes = true}, true, ERR_IO, "0 bytes) after 0 of 32768 bytes"},
        {"data without end", {.endless = true}, true, ERR_IO, "after 32768 of 32768 bytes"},
        {"command not taken", {.no_packet = true}, true, ERR_IO, "the drive does not ask for the command (status 50)"},
        {"short DMA", {.short_dma = true}, false, OK, "sr0: DMA does not work"},
        {"engine error", {.engine_errors = 1}, false, OK, NULL},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        struct fake_ide_drive *d = fake_ide_cd(&fake, 0, 1, image, FRAMES);
        fake_ide_disk(&fake, 0, 0, image, SECTORS, 512);
        if (cases[i].pio)
            d->identify[88] = 0;
        probe_good();
        struct block_device *disk = disks.disk[1];
        drive_lie(d, &cases[i].lie);
        expect_outcome(disk, cases[i].what, cases[i].error, cases[i].sentence);
        drive_lie(d, &honest);
        expect_reads(disk, cases[i].what);
        expect_reads(disks.disk[0], cases[i].what);
        expect_no_fault(cases[i].what);
        assert_int_equal(fake.channel[0].drive[0].mode, 0x45);
    }
}

static void silence_ends_in_distance(void **state)
{
    (void)state;
    for (u32 kind = 0; kind < 4; kind++) {
        setup(NULL);
        struct fake_ide_drive *d = kind & 1 ? fake_ide_cd(&fake, 0, 0, image, FRAMES) : plain_disk();
        fake_ide_disk(&fake, 0, 1, image, SECTORS, 512);
        fake_ide_disk(&fake, 1, 0, image, SECTORS, 512);
        bool pio = kind & 2;
        if (pio)
            d->identify[88] = 0;
        static struct boot_info with;
        memset(&with, 0, sizeof with);
        mem_map_add(&with.memory, MIB(1), GIB(3), MEM_USABLE);
        fake_ide_plug(&fake);
        disks_probe(&with, &disks); /* so that memory can be lost */
        assert_int_equal(disks.count, 3);
        struct block_device *disk = disks.disk[0];
        assert_int_equal(read_spans(disk, 0, 1, 8), OK);
        d->silent_after = d->commands;
        u64 start = host_ticks;
        assert_int_equal(read_spans(disk, 32, 1, 8), ERR_TIMEOUT);
        assert_true((host_ticks - start) / 1000000 < 60000);
        expect_error(kind & 1 ? "no answer within 20 s (status d0)"
                              : "sda: read of block 32 (8 blocks): no answer within 10 s (status d0)");
        expect_log("pci 00:01.0 channel 0: not used any more");
        assert_true(disk->dead && disks.disk[1]->dead && !disks.disk[2]->dead);
        assert_int_equal(mem_map_usable(&with.memory, DEST, 4096), pio);
        expect_no_fault("silence");
        expect_reads(disks.disk[2], "the other channel");
        for (u32 i = 0; i < 3; i++)
            disk_ide.quiesce(disks.disk[i]);
        probe_again();
        expect_log("pci 00:01.0 channel 0: did not answer before, left alone");
        assert_int_equal(disks.count, 1);
        expect_no_fault("silence");
    }
}

static void drives_that_vanish(void **state)
{
    (void)state;
    for (u32 kind = 0; kind < 4; kind++) {
        setup(NULL);
        struct fake_ide_drive *d = kind & 1 ? fake_ide_cd(&fake, 0, 0, image, FRAMES) : plain_disk();
        if (kind & 2)
            d->identify[88] = 0;
        struct block_device *disk = probe_good();
        d->gone_after = d->commands;
        assert_int_equal(read_spans(disk, 32, 1, 8), ERR_IO);
        expect_error(kind & 1 ? "sr0: read of block 32 (8 blocks): " : "sda: read of block 32 (8 blocks): ");
        expect_error("the drive is gone");
        assert_true(disk->dead);
        assert_int_equal(d->resets, 0);
        assert_int_equal(fake.channel[0].bm_command, 0);
        disk_ide.quiesce(disk);
        expect_no_fault("gone");
    }
}

static void drives_in_a_bad_state(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        bool busy, waiting, stuck;
        const char *sentence; /* NULL: it works */
    } cases[] = {
        {"busy", true, false, false, NULL},
        {"data waiting", false, true, false, NULL},
        {"busy through a reset", true, false, true, "pci 00:01.0 channel 0 drive 0: busy for 5 s after a reset"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        struct fake_ide_drive *d = plain_disk();
        d->busy = cases[i].busy;
        d->data_waiting = cases[i].waiting;
        d->reset_stuck = cases[i].stuck;
        struct block_device *disk = probe();
        if (cases[i].sentence) {
            assert_null(disk);
            expect_log(cases[i].sentence);
            assert_int_equal(fake.function.config[4], 0);
        } else {
            assert_non_null(disk);
            expect_reads(disk, cases[i].what);
        }
        expect_no_fault(cases[i].what);
    }
}

static void a_reset_that_does_not_end(void **state)
{
    (void)state;
    struct fake_ide_drive *d = plain_disk();
    struct block_device *disk = probe_good();
    d->reset_stuck = true;
    d->crc_errors = 1;
    assert_int_equal(read_spans(disk, 32, 1, 8), ERR_IO);
    expect_error("sda: read of block 32 (8 blocks): interface CRC error");
    expect_log("pci 00:01.0 channel 0: busy for 5 s after a reset: not used any more");
    assert_true(disk->dead);
    expect_no_fault("reset");
}

static void identities_that_are_none(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        u32 word;
        u16 value;
        u32 silent_after;
        const char *sentence;
    } cases[] = {
        {"no LBA", 49, 0, 0, "pci 00:01.0 channel 0 drive 0: the disk cannot be addressed by block"},
        {"odd block size", 106, 0x5000, 0, "pci 00:01.0 channel 0 drive 0: blocks of 0 bytes"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        plain_disk()->identify[cases[i].word] = cases[i].value;
        assert_null(probe());
        expect_log(cases[i].sentence);
        expect_no_fault(cases[i].what);
        assert_int_equal(fake.function.config[4], 0);
    }
    setup(NULL);
    struct fake_ide_drive *d = plain_disk();
    d->latency = 1;
    d->silent_after = 1;
    d->commands = 1;
    assert_null(probe());
    expect_log("pci 00:01.0 channel 0 drive 0: IDENTIFY: no answer within 3 s (status d0)");
    expect_no_fault("silent while starting");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_kind_of_disk_reads, setup),
        cmocka_unit_test_setup(long_requests_are_one_command, setup),
        cmocka_unit_test_setup(big_disks, setup),
        cmocka_unit_test_setup(every_kind_of_cd_reads, setup),
        cmocka_unit_test_setup(four_drives, setup),
        cmocka_unit_test_setup(what_is_not_there_costs_little, setup),
        cmocka_unit_test_setup(ports_that_echo, setup),
        cmocka_unit_test_setup(a_drive_1_alone, setup),
        cmocka_unit_test_setup(others_are_left_alone, setup),
        cmocka_unit_test_setup(two_controllers_at_one_place, setup),
        cmocka_unit_test_setup(native_ports_without_address, setup),
        cmocka_unit_test_setup(buffers_above_4_gib, setup),
        cmocka_unit_test_setup(failed_reads, setup),
        cmocka_unit_test_setup(failed_reads_of_cds, setup),
        cmocka_unit_test_setup(silence_ends_in_distance, setup),
        cmocka_unit_test_setup(drives_that_vanish, setup),
        cmocka_unit_test_setup(drives_in_a_bad_state, setup),
        cmocka_unit_test_setup(a_reset_that_does_not_end, setup),
        cmocka_unit_test_setup(identities_that_are_none, setup),
    };
    return cmocka_run_group_tests(tests, image_make, image_free);
}
