/* test_nvme.c: nvme.c against a controller that can lie. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_nvme.h"
#include "tables.h"

#define IMAGE_SIZE MIB(16)
#include "driver_test.h"

extern const struct block_driver disk_nvme;

static struct fake_nvme fake, second;
static struct boot_info boot;

static int setup(void **state)
{
    (void)state;
    fake_reset();
    fake_nvme_init(&fake, 4);
    fake.image = image;
    fake.image_size = IMAGE_SIZE;
    fake.ns[0].blocks = IMAGE_SIZE / 512;
    disks.count = 0;
    return 0;
}

static struct block_device *probe(void)
{
    fake_nvme_plug(&fake);
    fake_probe(&disk_nvme, &boot, &disks);
    return first_disk();
}

static struct block_device *probe_good(void)
{
    return expect_disk(probe());
}

static void expect_no_fault(void)
{
    expect_fault_none("nvme", fake.fault);
}

/* Reset, and no DMA any more. */
static void expect_stopped(void)
{
    assert_false(fake.cc & 1);
    assert_int_equal(fake.function.config[4] & 4, 0);
}

/* ---- all is well ------------------------------------------------------------------------------------------------ */

#define CAP(dstrd, mpsmin, mqes) (1ull << 37 | (u64)(dstrd) << 32 | (u64)(mpsmin) << 48 | 2u << 24 | (mqes))

static void every_kind_of_controller_reads(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        u64 cap, bar;
        u32 vs;
        u8 mdts, shift;
        u32 max_kib, in_flight;
    } cases[] = {
        {"1.0", CAP(0, 0, 255), 0xfea00000, 0x10000, 5, 9, 128, 63},
        {"1.4", CAP(0, 0, 2047), 0xfea00000, 0x10400, 7, 9, 512, 63},
        {"2.0, all command sets", CAP(0, 0, 2047) | 0xc1ull << 37, 0xfea00000, 0x20000, 9, 12, 2048, 32},
        {"no MDTS", CAP(0, 0, 2047), 0xfea00000, 0x10400, 0, 9, 2048, 32},
        {"MDTS beyond all sense", CAP(0, 0, 2047), 0xfea00000, 0x10400, 255, 9, 2048, 32},
        {"short MDTS", CAP(0, 0, 2047), 0xfea00000, 0x10400, 1, 12, 8, 63},
        {"registers above 4 GiB", CAP(0, 0, 127), 0xc000000000, 0x10400, 7, 9, 512, 63},
        {"wide doorbells", CAP(5, 0, 127), 0xfea00000, 0x10400, 7, 9, 512, 63},
        {"smallest queue", CAP(0, 0, 1), 0xfea00000, 0x10400, 7, 9, 512, 1},
        {"a queue of 10", CAP(0, 0, 9), 0xfea00000, 0x10400, 7, 9, 512, 9},
        {"pages of 16 KiB", CAP(0, 2, 63), 0xfea00000, 0x10400, 4, 9, 256, 63},
        {"pages and blocks of 64 KiB", CAP(0, 4, 63), 0xfea00000, 0x10400, 0, 16, 2048, 63},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        fake.cap = cases[i].cap;
        fake.bar = cases[i].bar;
        fake.vs = cases[i].vs;
        fake.mdts = cases[i].mdts;
        fake.ns[0].shift = cases[i].shift;
        fake.ns[0].blocks = IMAGE_SIZE >> cases[i].shift;
        fake.ready_late = i % 4 * 10;
        fake.starting = i & 1;
        fake.late = i % 3;
        struct block_device *disk = probe_good();
        assert_string_equal(disk->name, "nvme0n1");
        assert_int_equal(disk->block_size, 1 << cases[i].shift);
        assert_int_equal(disk->block_count, fake.ns[0].blocks);
        assert_int_equal(disk->dma_align, 4);
        assert_int_equal(disk->max_blocks, (cases[i].max_kib * 1024) >> cases[i].shift);
        assert_int_equal(read_spans(disk, 0, 1, 1), OK);
        assert_int_equal(read_spans(disk, 0, 128, 1), OK);
        assert_int_equal(fake.in_flight_max, cases[i].in_flight);
        assert_int_equal(read_spans(disk, 0, 8, disk->max_blocks), OK);
        assert_int_equal(read_spans_at(disk, 0, 7, disk->max_blocks, 4), OK);
        assert_int_equal(fake.bytes_max, cases[i].max_kib * 1024);
        expect_fault_none(cases[i].what, fake.fault);
        u32 resets = fake.resets;
        disk_nvme.quiesce(disk);
        assert_int_equal(fake.resets, resets + 1);
        expect_stopped();
        expect_no_fault();
    }
}

/* Every way in which a buffer may lie across pages. */
static void prp_shapes(void **state)
{
    (void)state;
    static const u32 offsets[] = {0, 4, 512, 2048, 3520, 3584, 4028, 4032, 4092};
    static const u32 blocks[] = {1, 7, 8, 9, 15, 16, 17, 1016, 1017, 1023, 1024, 4088, 4089, 4095, 4096};
    fake.mdts = 0;
    struct block_device *disk = probe_good();
    for (u32 i = 0; i < ARRAY_COUNT(offsets); i++)
        for (u32 k = 0; k < ARRAY_COUNT(blocks); k++)
            assert_int_equal(read_spans_at(disk, 0, 2, blocks[k], offsets[i]), OK);
    expect_no_fault();
}

static void several_in_flight_in_any_order(void **state)
{
    (void)state;
    fake.late = 3;
    fake.reverse = true;
    struct block_device *disk = probe_good();
    assert_int_equal(read_spans(disk, 0, 128, 4), OK);
    assert_int_equal(fake.requests, 128);
    assert_int_equal(fake.in_flight_max, 63);
    fake.late = 0;
    for (u32 i = 0; i < 500; i++) /* the rings wrap */
        assert_int_equal(read_spans(disk, 0, 1 + i % 100, 1), OK);
    assert_int_equal(disk->driver->read(disk, &(struct block_span){0, 1, NULL}, 0), OK);
    expect_no_fault();
}

static void two_doorbells_per_batch(void **state)
{
    (void)state;
    struct block_device *disk = probe_good();
    u32 before = fake.doorbells;
    assert_int_equal(read_spans(disk, 0, 63, 2), OK);
    assert_int_equal(fake.doorbells, before + 2);
}

static void beyond_2_tib(void **state)
{
    (void)state;
    u64 last = (1ull << 40) - 1;
    fake.ns[0].blocks = last + 1;
    fake.ns[0].image_at = 0 - last * 512; /* the image is the last block and what would follow */
    struct block_device *disk = probe_good();
    u8 *to = mem_at(DEST, 512);
    assert_int_equal(disk->block_count, last + 1);
    assert_int_equal(disk->driver->read(disk, &(struct block_span){last, 1, to}, 1), OK);
    assert_memory_equal(to, image, 512);
    expect_no_fault();
}

/* ---- namespaces ------------------------------------------------------------------------------------------------- */

static void formats(void **state)
{
    (void)state;
    static const struct {
        u8 shift, flbas, nlbaf, nsattr;
        u16 metadata;
        u64 blocks;
        u8 mdts;
        const char *sentence; /* NULL: a disk of max_blocks */
        u32 max_blocks;
    } cases[] = {
        {9, 0, 0, 0, 0, 100, 7, NULL, 1024},
        {12, 3, 3, 0, 0, 100, 7, NULL, 128},
        {12, 15, 15, 1, 0, 100, 7, NULL, 128},
        {12, 0x21, 16, 0, 0, 100, 7, "LBA format 17 of 17", 0},
        {12, 0x21, 17, 0, 0, 100, 7, NULL, 128},
        {12, 0x6f, 63, 0, 0, 100, 7, NULL, 128},
        {12, 4, 3, 0, 0, 100, 7, "LBA format 4 of 4", 0},
        {9, 0, 0, 0, 8, 100, 7, NULL, 1024},   /* metadata to a place of its own */
        {9, 0, 0, 0, 128, 100, 7, NULL, 512},  /* … which is not endless */
        {9, 0x11, 1, 0, 8, 100, 7, "8 bytes of metadata are interleaved with each block of data", 0},
        {9, 0x11, 1, 0, 0, 100, 7, NULL, 1024}, /* interleaved, but there is none */
        {0, 0, 0, 0, 0, 100, 7, "blocks of 2^0 bytes, expected 2^9 to 2^16", 0},
        {8, 0, 0, 0, 0, 100, 7, "blocks of 2^8 bytes", 0},
        {17, 0, 0, 0, 0, 100, 7, "blocks of 2^17 bytes", 0},
        {255, 0, 0, 0, 0, 100, 7, "blocks of 2^255 bytes", 0},
        {16, 0, 0, 0, 0, 100, 4, NULL, 1},
        {16, 0, 0, 0, 0, 100, 3, "a request of at most 32768 bytes cannot carry a block of 65536", 0},
        {9, 0, 0, 0, 0, ~0ull, 7, NULL, 1024},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        fake.mdts = cases[i].mdts;
        fake.ns[0] = (struct fake_nvme_namespace){1, cases[i].blocks, cases[i].shift, cases[i].metadata, cases[i].flbas,
                                                  cases[i].nlbaf, cases[i].nsattr, 0};
        struct block_device *disk = probe();
        expect_no_fault();
        if (cases[i].sentence) {
            assert_null(disk);
            expect_log("shim: error: pci 00:04.0 namespace 1: ");
            expect_log(cases[i].sentence);
            expect_stopped();
            continue;
        }
        assert_non_null(disk);
        assert_int_equal(disk->block_size, 1 << cases[i].shift);
        assert_int_equal(disk->block_count, cases[i].blocks);
        assert_int_equal(disk->max_blocks, cases[i].max_blocks);
        assert_int_equal(!!strstr(host_log(), ", read-only, "), cases[i].nsattr);
        assert_int_equal(read_spans(disk, 0, 8, 1), OK);
        assert_int_equal(read_spans(disk, 0, 1, (u32)min_u64(disk->max_blocks, 100)), OK);
        expect_no_fault();
    }
}

static void namespaces_of_several_controllers(void **state)
{
    (void)state;
    static const struct {
        u32 vs;
        u8 refuse_cns;
    } ways[] = {{0x10400, 0xff}, {0x10000, 0xff}, {0x10400, 2}};
    for (u32 i = 0; i < ARRAY_COUNT(ways); i++) {
        setup(NULL);
        fake.vs = ways[i].vs;
        fake.refuse_cns = ways[i].refuse_cns;
        fake.ns_count = fake.nn = 4;
        for (u32 k = 0; k < 4; k++)
            fake.ns[k] = (struct fake_nvme_namespace){k + 1, k == 1 ? 0 : 1000 + k, 9, 0, 0, 0, 0, k * 1000};
        fake_nvme_init(&second, 9);
        second.ns[0].nsid = 1000000;
        fake_nvme_plug(&second);
        probe();
        static const char *const names[] = {"nvme0n1", "nvme0n3", "nvme0n4", "nvme1n1000000"};
        static const char *const units[] = {"namespace@1,0", "namespace@3,0", "namespace@4,0", "namespace@1000000,0"};
        assert_int_equal(disks.count, 4);
        for (u32 k = 0; k < 4; k++) {
            assert_string_equal(disks.disk[k]->name, names[k]);
            assert_string_equal(disks.disk[k]->place.unit, units[k]);
            assert_int_equal(disks.disk[k]->place.bus, BUS_PCI);
            assert_int_equal(disks.disk[k]->place.address, k < 3 ? 4 << 3 : 9 << 3);
        }
        u8 *to = mem_at(DEST, 512);
        assert_int_equal(disk_nvme.read(disks.disk[1], &(struct block_span){3, 1, to}, 1), OK);
        assert_memory_equal(to, image + 2000 + 3 * 512, 512);
        u32 resets = fake.resets;
        for (u32 k = 0; k < 3; k++)
            disk_nvme.quiesce(disks.disk[k]);
        assert_int_equal(fake.resets, resets + 1);
        assert_int_equal(second.cc & 1, 1);
        expect_stopped();
        expect_no_fault();
        assert_null(second.fault);
    }
}

static void list_zeroes(struct fake_nvme *f, u32 cns, u8 *page)
{
    (void)f;
    if (cns == 2)
        fake_put32(page + 4, 1); /* 1, 1: it does not ascend */
}

static void list_huge(struct fake_nvme *f, u32 cns, u8 *page)
{
    (void)f;
    if (cns == 2)
        for (u32 i = 0; i < 1024; i++)
            fake_put32(page + 4 * i, 0xfffffbff + i);
}

static void odd_namespace_lists(void **state)
{
    (void)state;
    fake.on_identify = list_zeroes;
    probe();
    assert_int_equal(disks.count, 1);
    expect_no_fault();

    setup(NULL);
    fake.on_identify = list_huge; /* none of them is active */
    probe();
    assert_int_equal(disks.count, 0);
    expect_stopped();

    setup(NULL);
    fake.ns[0].nsid = 0xfffffffe;
    probe();
    assert_int_equal(disks.count, 0);
    expect_log("pci 00:04.0 namespace 4294967294: its number is too long for a name");

    setup(NULL);
    fake.vs = 0x10000;
    fake.nn = 0xffffffff; /* counted to a bound */
    probe();
    assert_int_equal(disks.count, 1);

    setup(NULL);
    fake.ns_count = 0;
    probe();
    assert_int_equal(disks.count, 0);
    expect_stopped();
    expect_no_fault();
}

/* ---- controllers that cannot be used ---------------------------------------------------------------------------- */

static void refusals_while_starting(void **state)
{
    (void)state;
    static const struct {
        u64 cap;
        u8 opcode, cns;
        bool reset_stuck, start_stuck, fatal_start;
        u16 cid_change;
        const char *sentence;
    } cases[] = {
        {CAP(0, 0, 0), 0xff, 0xff, false, false, false, 0, "expected the NVM command set"},
        {CAP(0, 5, 63), 0xff, 0xff, false, false, false, 0, "pages of up to 64 KiB"},
        {CAP(0, 0, 63) ^ 1ull << 37, 0xff, 0xff, false, false, false, 0, "pci 00:04.0: capabilities 200003f, expected"},
        {CAP(0, 0, 63), 0xff, 1, false, false, false, 0,
         "pci 00:04.0: Identify Controller: invalid field in command (status type 0, code 02)"},
        {CAP(0, 0, 63), 5, 0xff, false, false, false, 0, "Create I/O Completion Queue: invalid opcode"},
        {CAP(0, 0, 63), 1, 0xff, false, false, false, 0, "Create I/O Submission Queue: invalid opcode"},
        {CAP(0, 0, 63), 6, 0xff, false, false, false, 0, "Identify Controller: invalid opcode"},
        {CAP(0, 0, 63), 0xff, 0xff, true, false, false, 0,
         "status reads 1 after 1000 ms, expected the end of reset"},
        {CAP(0, 0, 63), 0xff, 0xff, false, true, false, 0, "status reads 0 after 1000 ms, expected ready"},
        {CAP(0, 0, 63), 0xff, 0xff, false, false, true, 0, "fatal error while the controller starts (status 2)"},
        {CAP(0, 0, 63), 0xff, 0xff, false, false, false, 1, "a command that was not given (queue 0, command 1)"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        fake.cap = cases[i].cap;
        fake.refuse_opcode = cases[i].opcode;
        fake.refuse_cns = cases[i].cns;
        fake.reset_stuck = cases[i].reset_stuck;
        fake.start_stuck = cases[i].start_stuck;
        fake.fatal_start = cases[i].fatal_start;
        fake.admin_cid_change = cases[i].cid_change;
        assert_null(probe());
        expect_log("shim: error: nvme: ");
        expect_log(cases[i].sentence);
        const char *first = strstr(host_log(), "shim: error: ");
        assert_null(strstr(first + 1, "shim: error: ")); /* nothing is waited for twice */
        expect_stopped();
        expect_no_fault();
    }
    setup(NULL);
    fake.refuse_opcode = 9; /* the number of queues is only a wish */
    assert_non_null(probe());
    setup(NULL);
    fake.refuse_cns = 0;
    assert_null(probe());
    expect_log("pci 00:04.0 namespace 1: pci 00:04.0: Identify Namespace: invalid field");
}

static void registers_that_are_not_there(void **state)
{
    (void)state;
    static const struct {
        u32 bar;
        const char *sentence;
    } cases[] = {{4, "shim: warning: pci 00:04.0: NVMe controller: firmware gave its registers no address"},
                 {0xc001, "no address"},
                 {0xfe800004, "shim: error: nvme: pci 00:04.0: no registers at fe800000"}};
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        fake_nvme_plug(&fake);
        fake_put32(fake.function.config + 0x10, cases[i].bar);
        fake_probe(&disk_nvme, &boot, &disks);
        assert_int_equal(disks.count, 0);
        assert_int_equal(fake.function.config[4] & 4, 0);
        expect_log(cases[i].sentence);
    }
}

static void others_are_left_alone(void **state)
{
    (void)state;
    static const u8 cases[][3] = {{2, 8, 2}, {1, 6, 1}, {1, 8, 1}, {1, 8, 3}, {1, 9, 2}};
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        fake_nvme_plug(&fake);
        fake.function.config[11] = cases[i][0];
        fake.function.config[10] = cases[i][1];
        fake.function.config[9] = cases[i][2];
        fake_probe(&disk_nvme, &boot, &disks);
        assert_int_equal(disks.count, 0);
        assert_string_equal(host_log(), "");
        assert_int_equal(fake.cc & 1, 1);
        assert_int_equal(fake.function.config[4], 0);
    }
}

/* ---- reads that go wrong ---------------------------------------------------------------------------------------- */

static void failed_requests(void **state)
{
    (void)state;
    static const struct {
        u32 status;
        u32 tries; /* of the bad request, all in all */
        const char *sentence;
    } cases[] = {
        {0x281, 1, "unrecovered read error (status type 2, code 81)"},
        {0x4281, 1, "unrecovered read error (status type 2, code 81)"},
        {0x4080, 1, "LBA out of range (status type 0, code 80)"},
        {0x082, 6, "namespace not ready (status type 0, code 82)"},
        {0x4082, 1, "namespace not ready (status type 0, code 82)"},
        {0x006, 6, "internal error (status type 0, code 06)"},
        {0x303, 6, "path in transition (status type 3, code 03)"},
        {0x47ff, 1, "failed (status type 7, code ff)"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        for (u32 late = 0; late < 6; late++) {
            setup(NULL);
            fake.all_bad = late >= 3; /* the first failure is told, not the last */
            fake.bad_block = 41;
            fake.status = cases[i].status;
            fake.late = late % 3;
            struct block_device *disk = probe_good();
            assert_int_equal(read_spans(disk, 0, 63, 4), ERR_IO);
            expect_error("nvme0n1: read of block 40 (4 blocks): ");
            expect_error(cases[i].sentence);
            if (!fake.all_bad)
                assert_int_equal(fake.requests, 62 + cases[i].tries);
            assert_int_equal(fake.queue[1].pending_count, 0);
            assert_false(disk->dead);
            assert_int_equal(read_spans(disk, 0, 10, 4), OK); /* the rest of the disk is as good as before */
            expect_no_fault();
        }
    }
}

static void what_fails_at_first_is_tried_again(void **state)
{
    (void)state;
    fake.all_bad = true;
    fake.bad_block = 0;
    fake.status = 0x082;
    fake.bad_times = 128 * 2;
    struct block_device *disk = probe_good();
    assert_int_equal(read_spans(disk, 0, 128, 4), OK);
    assert_int_equal(fake.requests, 128 * 3);
    expect_no_fault();
}

/* A reset would wait for the host's storage; so nothing of the controller is touched any more. */
static void silence_ends_in_distance(void **state)
{
    (void)state;
    for (u32 i = 0; i < 2; i++) {
        setup(NULL);
        fake.never = i == 0;
        fake.wrong_phase = i == 1;
        fake.ns_count = 2;
        fake.ns[1] = (struct fake_nvme_namespace){2, 1000, 9, 8, 0, 0, 0, 0};
        memset(&boot, 0, sizeof boot);
        mem_map_add(&boot.memory, MIB(1), GIB(3), MEM_USABLE);
        fake_nvme_plug(&fake);
        disks_probe(&boot, &disks);
        assert_int_equal(disks.count, 2);
        struct block_device *disk = disks.disk[0];
        u32 resets = fake.resets;
        u64 before = arena_left();
        assert_int_equal(read_spans(disk, 0, 3, 8), ERR_TIMEOUT);
        expect_error("nvme0n1: no answer within 10 s to a read of 8 blocks at block 0");
        expect_log("shim: warning: pci 00:04.0: not used any more, and what it was given stays reserved");
        assert_true(disks.disk[0]->dead && disks.disk[1]->dead);
        assert_false(mem_map_usable(&boot.memory, DEST + CANARY, 3 * 8 * 512));
        assert_false(mem_map_usable(&boot.memory, DEST + CANARY + 2 * (8 * 512 + 2 * CANARY), 4096));
        assert_true(mem_map_usable(&boot.memory, DEST + MIB(1), MIB(1)));
        assert_non_null(mem_map_find(&boot.memory, fake.queue[1].cq));
        arena_release(0); /* its queues are in there */
        assert_true(arena_left() < before);
        disk_nvme.quiesce(disk);
        disk_nvme.quiesce(disks.disk[1]);
        assert_int_equal(fake.resets, resets);
        assert_int_equal(fake.cc & 1, 1);
        expect_no_fault();

        struct disk_list again = {0};
        fake_probe(&disk_nvme, &boot, &again);
        assert_int_equal(again.count, 0);
        assert_int_equal(fake.resets, resets);
        expect_log("shim: warning: pci 00:04.0: left out, it did not answer before");
    }
}

static void silence_while_starting(void **state)
{
    (void)state;
    fake.never_admin = true;
    assert_null(probe());
    expect_log("shim: error: nvme: pci 00:04.0: no answer within 10 s to Identify Controller");
    assert_int_equal(fake.cc & 1, 1);
    assert_true(device_is_lost("pci 00:04.0"));
    expect_no_fault();
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
        u16 cid, sq;
        bool twice;
        u32 trouble;
        const char *sentence;
    } cases[] = {
        {63, 0, false, 0, "the controller answers a command that was not given (queue 1, command 63)"},
        {0x40, 0, false, 0, "a command that was not given (queue 1, command 64)"},
        {0x8000, 0, false, 0, "a command that was not given (queue 1, command 32768)"},
        {0x20, 0, false, 0, "a command that was not given (queue 1, command 32)"},
        {0, 1, false, 0, "a command that was not given (queue 0, command 0)"},
        {0, 0x8000, false, 0, "a command that was not given (queue 32769, command 0)"},
        {0, 0, true, 0, "a command that was not given (queue 1, command "},
        {0, 0, false, 2, "pci 00:04.0: fatal error of the controller (status 3)"},
        {0, 0, false, FAKE_NVME_GONE, "pci 00:04.0: the controller is gone (status ffffffff)"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        fake.ns_count = 2;
        fake.ns[1] = (struct fake_nvme_namespace){2, 1000, 9, 0, 0, 0, 0, 0};
        struct block_device *disk = probe_good();
        assert_int_equal(disks.count, 2);
        assert_int_equal(read_spans(disk, 0, 9, 1), OK);
        fake.cid_change = cases[i].cid;
        fake.sq_change = cases[i].sq;
        fake.twice = cases[i].twice;
        fake.trouble = cases[i].trouble;
        assert_int_equal(read_spans(disk, 0, 8, 1), ERR_IO);
        expect_error(cases[i].sentence);
        expect_log("shim: warning: pci 00:04.0: not used any more, resetting the controller");
        assert_true(disk->dead && disks.disk[1]->dead);
        if (cases[i].trouble != FAKE_NVME_GONE)
            expect_stopped();
        assert_int_equal(fake.function.config[4] & 4, 0);
        disk_nvme.quiesce(disk);
        expect_no_fault();
    }
}

static void reset_that_fails_is_said_and_dma_is_off(void **state)
{
    (void)state;
    struct block_device *disk = probe_good();
    fake.reset_stuck = true;
    disk_nvme.quiesce(disk);
    expect_log("shim: error: pci 00:04.0: status reads 1 after 7500 ms, expected the end of reset");
    assert_int_equal(fake.function.config[4] & 4, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_kind_of_controller_reads, setup),
        cmocka_unit_test_setup(prp_shapes, setup),
        cmocka_unit_test_setup(several_in_flight_in_any_order, setup),
        cmocka_unit_test_setup(two_doorbells_per_batch, setup),
        cmocka_unit_test_setup(beyond_2_tib, setup),
        cmocka_unit_test_setup(formats, setup),
        cmocka_unit_test_setup(namespaces_of_several_controllers, setup),
        cmocka_unit_test_setup(odd_namespace_lists, setup),
        cmocka_unit_test_setup(refusals_while_starting, setup),
        cmocka_unit_test_setup(registers_that_are_not_there, setup),
        cmocka_unit_test_setup(others_are_left_alone, setup),
        cmocka_unit_test_setup(failed_requests, setup),
        cmocka_unit_test_setup(what_fails_at_first_is_tried_again, setup),
        cmocka_unit_test_setup(silence_ends_in_distance, setup),
        cmocka_unit_test_setup(silence_while_starting, setup),
        cmocka_unit_test_setup(late_answers_are_waited_for, setup),
        cmocka_unit_test_setup(lies_end_in_a_reset, setup),
        cmocka_unit_test_setup(reset_that_fails_is_said_and_dma_is_off, setup),
    };
    return cmocka_run_group_tests(tests, image_make, image_free);
}
