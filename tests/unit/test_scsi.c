/* test_scsi.c: scsi.c against a unit whose answers are written down. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "host.h"
#include "expect.h"
#include "scsi.h"

#define CHECK(k, a, q) {.status = 2, .key = (k), .asc = (a), .ascq = (q)}

/* A unit: what it says to each command, and how often something else before that. */
struct fake_unit {
    u8 inquiry[36];
    u32 inquiry_size; /* bytes of it that come */
    u8 capacity10[8];
    u8 capacity16[32];
    u32 capacity_size;           /* at most so many bytes of a capacity */
    u8 limits[64];               /* the block limits page */
    u32 limits_size;             /* 0: it is refused */
    struct scsi_result bad;      /* for commands of this code */
    u8 bad_code;
    u32 bad_times;               /* ~0: for ever */
    enum error broken;           /* from the carrier */
    const char *fault;
    u32 commands, count[256];
};

static struct fake_unit fake;
static struct scsi_unit unit;

static enum error fake_command(struct scsi_unit *u, const u8 *cdb, void *buf, u32 size, struct scsi_result *result)
{
    struct fake_unit *f = u->carrier;
    const u8 *reply = NULL;
    u32 most = 0;
    f->commands++;
    f->count[cdb[0]]++;
    if (f->broken)
        return fail(f->broken, "the carrier broke");
    if (cdb[0] == f->bad_code && f->bad_times) {
        f->bad_times -= f->bad_times != ~0u;
        *result = f->bad;
        return OK;
    }
    switch (cdb[0]) {
    case 0x00:
        if (buf || size)
            f->fault = "TEST UNIT READY has no data";
        break;
    case 0x12:
        if (cdb[1] == 1) {
            if (cdb[2] != 0xb0 || cdb[3] || cdb[4] != size || size > 64 || u->atapi || u->type)
                f->fault = "a page that was not expected to be asked for";
            if (!f->limits_size) {
                *result = (struct scsi_result)CHECK(5, 0x24, 0);
                return OK;
            }
            reply = f->limits;
            most = f->limits_size;
            break;
        }
        if (cdb[1] || cdb[2] || cdb[3] || cdb[4] != 36 || size != 36)
            f->fault = "an INQUIRY that is not for 36 bytes of standard data";
        reply = f->inquiry;
        most = f->inquiry_size;
        break;
    case 0x25:
        if (size != 8)
            f->fault = "READ CAPACITY (10) gives 8 bytes";
        reply = f->capacity10;
        most = (u32)min_u64(f->capacity_size, 8);
        break;
    case 0x9e:
        if (cdb[1] != 0x10 || cdb[10] || cdb[11] || cdb[12] || cdb[13] != 32 || size != 32 || u->atapi)
            f->fault = "no READ CAPACITY (16) for 32 bytes";
        reply = f->capacity16;
        most = f->capacity_size;
        break;
    default:
        f->fault = "a command nobody knows";
    }
    *result = (struct scsi_result){.received = most};
    if (reply && most)
        memcpy(buf, reply, min_u64(size, most));
    return OK;
}

static void relax(void)
{
    host_ticks += 1000000;
}

static void put_big(u8 *at, u64 value, u32 size)
{
    for (u32 i = 0; i < size; i++)
        at[i] = (u8)(value >> 8 * (size - 1 - i));
}

static void capacity_set(u64 last, u32 block_size)
{
    put_big(fake.capacity10, last > 0xffffffff ? 0xffffffff : last, 4);
    put_big(fake.capacity10 + 4, block_size, 4);
    put_big(fake.capacity16, last, 8);
    put_big(fake.capacity16 + 8, block_size, 4);
}

static int setup(void **state)
{
    (void)state;
    host_reset();
    host_machine.relax = relax;
    fake = (struct fake_unit){.inquiry = {0, 0x80, 5, 2, 31}, .inquiry_size = 36, .capacity_size = 32};
    memcpy(fake.inquiry + 8, "QEMU    QEMU HARDDISK   2.5+", 28);
    capacity_set(9999, 512);
    unit = (struct scsi_unit){.where = "bus 1 target 2 lun 3", .command = fake_command, .carrier = &fake};
    return 0;
}

static void a_disk_and_a_cd(void **state)
{
    (void)state;
    assert_int_equal(scsi_start(&unit), OK);
    assert_int_equal(unit.type, SCSI_TYPE_DISK);
    assert_true(unit.removable);
    assert_false(unit.long_reads);
    assert_int_equal(unit.block_size, 512);
    assert_int_equal(unit.block_count, 10000);
    assert_string_equal(unit.model, "QEMU QEMU HARDDISK");
    assert_int_equal(fake.commands, 4);
    assert_int_equal(scsi_blocks_max(&unit), 0xffff);
    assert_null(fake.fault);

    setup(NULL);
    unit.atapi = true;
    fake.inquiry[0] = 5;
    fake.inquiry[9] = 0x1b; /* no control codes for a terminal */
    memset(fake.inquiry + 16, 0, 16);
    capacity_set(0xffffffff, 2048);
    assert_int_equal(scsi_start(&unit), OK);
    assert_int_equal(unit.type, SCSI_TYPE_CD);
    assert_int_equal(unit.block_count, 0x100000000);
    assert_false(unit.long_reads);
    assert_string_equal(unit.model, "Q.MU");
    assert_null(fake.fault);
}

static void inquiry_data(void **state)
{
    (void)state;
    static const struct {
        u8 at, value;
        u32 size;
        enum error error;
        const char *sentence;
    } cases[] = {
        {0, 0x00, 36, OK, NULL},
        {0, 0x05, 36, OK, NULL},
        {0, 0x00, 5, OK, NULL}, /* without a name */
        {0, 0x00, 4, ERR_IO, "bus 1 target 2 lun 3: INQUIRY gave 4 bytes, expected 36"},
        {0, 0x00, 0, ERR_IO, "INQUIRY gave 0 bytes"},
        {0, 0x00, 0xffffffff, OK, NULL}, /* a carrier that lies */
        {0, 0x20, 36, ERR_NOT_MINE, NULL},
        {0, 0x60, 36, ERR_NOT_MINE, NULL},
        {0, 0x7f, 36, ERR_NOT_MINE, NULL},
        {0, 0x1f, 36, ERR_NOT_MINE, NULL},
        {0, 0x01, 36, ERR_NOT_MINE, NULL}, /* a tape */
        {0, 0x0c, 36, ERR_NOT_MINE, NULL}, /* an array controller */
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        fake.inquiry[cases[i].at] = cases[i].value;
        fake.inquiry_size = cases[i].size;
        assert_int_equal(scsi_start(&unit), cases[i].error);
        if (cases[i].sentence)
            expect_error(cases[i].sentence);
        else
            assert_string_equal(error_text(), "");
        assert_null(fake.fault);
    }
}

static void capacities(void **state)
{
    (void)state;
    static const struct {
        u8 type;
        u64 last;
        u32 block_size, size;
        enum error error;
        u32 want_size;
        bool long_reads;
        const char *sentence;
    } cases[] = {
        {0, 0, 512, 32, OK, 512, false, NULL},
        {0, 0xfffffffe, 512, 32, OK, 512, false, NULL},
        {0, 0xffffffff, 512, 32, OK, 512, false, NULL},
        {0, 0x100000000, 512, 32, OK, 512, true, NULL},
        {0, 0x100000000, 4096, 12, OK, 4096, true, NULL},
        {0, 0x100000000, 4096, 11, ERR_IO, 0, true, "READ CAPACITY (16) gave 11 bytes, expected 12"},
        {0, 0xfffffffffffffffe, 512, 32, OK, 512, true, NULL},
        {0, 0xffffffffffffffff, 512, 32, ERR_UNSUPPORTED, 0, true, "2^64 blocks"},
        {0, 99, 4096, 8, OK, 4096, false, NULL},
        {0, 99, 65536, 8, OK, 65536, false, NULL},
        {0, 99, 4096, 7, ERR_IO, 0, false, "READ CAPACITY (10) gave 7 bytes, expected 8"},
        {0, 99, 520, 8, ERR_UNSUPPORTED, 0, false, "QEMU QEMU HARDDISK: blocks of 520 bytes, expected a power of two"},
        {0, 99, 0, 8, ERR_UNSUPPORTED, 0, false, "blocks of 0 bytes"},
        {0, 99, 256, 8, ERR_UNSUPPORTED, 0, false, "blocks of 256 bytes"},
        {0, 99, 0x20000, 8, ERR_UNSUPPORTED, 0, false, "blocks of 131072 bytes"},
        {0, 99, 0x80000000, 8, ERR_UNSUPPORTED, 0, false, "blocks of 2147483648 bytes"},
        {5, 99, 2048, 8, OK, 2048, false, NULL},
        {5, 99, 512, 8, OK, 512, false, NULL},
        {5, 99, 2352, 8, OK, 2048, false, NULL}, /* raw sectors */
        {5, 99, 0, 8, OK, 2048, false, NULL},
        {5, 99, 100, 8, ERR_UNSUPPORTED, 0, false, "blocks of 100 bytes"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        fake.inquiry[0] = cases[i].type;
        fake.capacity_size = cases[i].size;
        capacity_set(cases[i].last, cases[i].block_size);
        assert_int_equal(scsi_start(&unit), cases[i].error);
        assert_null(fake.fault);
        if (cases[i].error) {
            expect_error(cases[i].sentence);
            continue;
        }
        assert_int_equal(unit.block_count, cases[i].last + 1);
        assert_int_equal(unit.block_size, cases[i].want_size);
        assert_int_equal(unit.long_reads, cases[i].long_reads);
    }
}

static void block_limits(void **state)
{
    (void)state;
    static const struct {
        u8 page;
        u32 most, size, blocks_max;
    } cases[] = {
        {0xb0, 0, 64, 0xffff},      {0xb0, 1, 64, 1},          {0xb0, 2560, 64, 2560}, {0xb0, 2560, 12, 2560},
        {0xb0, 2560, 11, 0xffff},   {0x00, 2560, 64, 0xffff}, {0xb0, 0xffff, 64, 0xffff},
        {0xb0, 0x7fffffff, 64, 0xffff},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        fake.limits[1] = cases[i].page;
        put_big(fake.limits + 8, cases[i].most, 4);
        fake.limits_size = cases[i].size;
        assert_int_equal(scsi_start(&unit), OK);
        assert_int_equal(scsi_blocks_max(&unit), cases[i].blocks_max);
        assert_null(fake.fault);
    }
}

static void refused_commands(void **state)
{
    (void)state;
    static const struct {
        u8 code;
        struct scsi_result bad;
        u32 times;
        enum error error;
        const char *sentence;
        u32 count; /* of this command; 0: any number */
    } cases[] = {
        /* what passes */
        {0x12, CHECK(6, 0x29, 0), 1, OK, NULL, 3},
        {0x00, CHECK(6, 0x29, 0), 3, OK, NULL, 4},
        {0x00, CHECK(6, 0x28, 0), 7, OK, NULL, 8},
        {0x00, CHECK(11, 0, 6), 2, OK, NULL, 3},
        {0x00, {.status = 8}, 2, OK, NULL, 3},
        {0x00, {.status = 0x28}, 2, OK, NULL, 3},
        {0x00, CHECK(2, 4, 1), 20, OK, NULL, 21},
        {0x00, CHECK(1, 0x17, 0), 1, OK, NULL, 1},
        {0x25, CHECK(6, 0x2a, 9), 1, OK, NULL, 2},
        /* what stays */
        {0x12, CHECK(5, 0x25, 0), ~0u, ERR_NOT_MINE, "", 1},
        {0x12, CHECK(5, 0x24, 0), ~0u, ERR_IO,
         "bus 1 target 2 lun 3: INQUIRY: illegal request, invalid field in the command (sense 5/24/00)", 1},
        {0x00, CHECK(6, 0x29, 0), ~0u, ERR_IO, "TEST UNIT READY: unit attention, power on or reset (sense 6/29/00)", 8},
        {0x00, {.status = 8}, ~0u, ERR_IO, "TEST UNIT READY: busy (status 08)", 8},
        {0x00, {.status = 0x18}, ~0u, ERR_IO, "reserved for somebody else (status 18)", 1},
        {0x00, {.status = 0x77}, ~0u, ERR_IO, "failed (status 77)", 1},
        {0x00, CHECK(2, 4, 1), ~0u, ERR_TIMEOUT, "QEMU QEMU HARDDISK: not ready after 5 s", 0},
        {0x00, CHECK(2, 4, 2), ~0u, ERR_IO, "not ready, has to be started (sense 2/04/02)", 1},
        {0x00, CHECK(2, 4, 9), ~0u, ERR_IO, "not ready, logical unit not ready (sense 2/04/09)", 1},
        {0x00, CHECK(2, 0x3a, 0), ~0u, ERR_NOT_FOUND, "bus 1 target 2 lun 3: QEMU QEMU HARDDISK: no medium", 1},
        {0x00, CHECK(2, 0x3a, 2), ~0u, ERR_NOT_FOUND, "no medium, tray open", 1},
        {0x00, CHECK(15, 0x99, 0x88), ~0u, ERR_IO, "TEST UNIT READY: completed (sense f/99/88)", 1},
        {0x25, CHECK(2, 0x3a, 1), ~0u, ERR_NOT_FOUND, "no medium", 1},
        {0x25, CHECK(3, 0x30, 0), ~0u, ERR_IO,
         "READ CAPACITY (10): medium error, medium cannot be read by this drive (sense 3/30/00)", 1},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        fake.bad_code = cases[i].code;
        fake.bad = cases[i].bad;
        fake.bad_times = cases[i].times;
        if (scsi_start(&unit) != cases[i].error)
            FAILED("case %u: not %d: %s", i, cases[i].error, error_text());
        assert_null(fake.fault);
        if (cases[i].sentence)
            expect_error(cases[i].sentence);
        if (cases[i].count)
            assert_int_equal(fake.count[cases[i].code], cases[i].count);
        else
            assert_in_range(fake.count[cases[i].code], 50, 150);
    }
    for (u32 again = 0; again < 2; again++) { /* another look: a changed medium is first told of as none */
        setup(NULL);
        disks_known = again;
        fake.bad_code = 0;
        fake.bad = (struct scsi_result)CHECK(2, 0x3a, 0);
        fake.bad_times = 1;
        assert_int_equal(scsi_start(&unit), again ? OK : ERR_NOT_FOUND);
        assert_int_equal(fake.count[0], 1 + again);
        fake.bad_times = ~0u;
        assert_int_equal(scsi_start(&unit), ERR_NOT_FOUND);
        assert_int_equal(fake.count[0], 2 * (1 + again));
        error_clear();
    }
    disks_known = false;
    setup(NULL);
    fake.broken = ERR_TIMEOUT;
    assert_int_equal(scsi_start(&unit), ERR_TIMEOUT);
    expect_error("the carrier broke");
    assert_int_equal(fake.commands, 1);
}

static void sense_data(void **state)
{
    (void)state;
    static const struct {
        u8 sense[20];
        u32 size;
        u8 key, asc, ascq;
    } cases[] = {
        {{0x70, 0, 3, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x11, 4}, 18, 3, 0x11, 4},
        {{0xf0, 0, 0x23, 1, 2, 3, 4, 10, 0, 0, 0, 0, 0x11, 4}, 18, 3, 0x11, 4}, /* valid, and a mark */
        {{0x71, 0, 3, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0x11, 4}, 14, 3, 0x11, 4},
        {{0x70, 0, 3, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x11, 4}, 13, 3, 0, 0},
        {{0x70, 0, 3, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0x11, 4}, 18, 3, 0, 0},
        {{0x70, 0, 3}, 3, 3, 0, 0},
        {{0x70, 0, 3}, 2, 0, 0, 0},
        {{0x72, 0xf5, 0x24, 1}, 8, 5, 0x24, 1},
        {{0x73, 5, 0x24, 1}, 4, 5, 0x24, 1},
        {{0x72, 5, 0x24, 1}, 3, 0, 0, 0},
        {{0x7f, 5, 0x24, 1}, 18, 0, 0, 0},
        {{0}, 18, 0, 0, 0},
        {{0x70}, 0, 0, 0, 0},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        struct scsi_result result = {.status = 2, .key = 9, .asc = 9, .ascq = 9, .received = 7};
        scsi_sense_read(cases[i].sense, cases[i].size, &result);
        assert_int_equal(result.key, cases[i].key);
        assert_int_equal(result.asc, cases[i].asc);
        assert_int_equal(result.ascq, cases[i].ascq);
        assert_int_equal(result.status, 2);
        assert_int_equal(result.received, 7);
    }
    u8 cdb[SCSI_CDB_MAX];
    memset(cdb, 0xff, sizeof cdb);
    scsi_sense_cdb(cdb, 18);
    assert_memory_equal(cdb, ((u8[SCSI_CDB_MAX]){3, 0, 0, 0, 18}), sizeof cdb);
}

static void reads(void **state)
{
    (void)state;
    static const struct {
        bool long_reads;
        u64 lba;
        u32 blocks;
        u8 cdb[SCSI_CDB_MAX];
    } cases[] = {
        {false, 0, 1, {0x28, 0, 0, 0, 0, 0, 0, 0, 1}},
        {false, 0xfedcba98, 0xffff, {0x28, 0, 0xfe, 0xdc, 0xba, 0x98, 0, 0xff, 0xff}},
        {true, 5, 0x1234, {0x88, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0x12, 0x34}},
        {true, 0x123456789abcdef0, 0xffff, {0x88, 0, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0, 0, 0, 0xff, 0xff}},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        u8 cdb[SCSI_CDB_MAX];
        memset(cdb, 0xff, sizeof cdb);
        unit.long_reads = cases[i].long_reads;
        assert_true(cases[i].blocks <= scsi_blocks_max(&unit));
        scsi_read_cdb(&unit, cases[i].lba, cases[i].blocks, cdb);
        assert_memory_equal(cdb, cases[i].cdb, sizeof cdb);
    }
}

static void read_results(void **state)
{
    (void)state;
    static const struct {
        struct scsi_result result;
        bool again;
        const char *sentence; /* NULL: OK */
    } cases[] = {
        {{.received = 65536}, false, NULL},
        {{.received = 65537}, false, NULL},
        {{.received = 65535}, false, "sr0: read of block 16 (32 blocks): only 65535 of 65536 bytes came"},
        {{.status = 2, .key = 1, .asc = 0x17, .received = 65536}, false, NULL}, /* recovered */
        {{.status = 2, .key = 1, .asc = 0x17, .received = 0}, false, "only 0 of 65536 bytes"},
        {CHECK(3, 0x11, 0), false,
         "sr0: read of block 16 (32 blocks): medium error, unrecovered read error (sense 3/11/00)"},
        {CHECK(6, 0x29, 0), true, "unit attention, power on or reset (sense 6/29/00)"},
        {CHECK(11, 0, 6), true, "aborted command, I/O process terminated (sense b/00/06)"},
        {CHECK(5, 0x21, 0), false, "illegal request, block address out of range (sense 5/21/00)"},
        {CHECK(4, 0x44, 0), false, "hardware error, internal failure of the target (sense 4/44/00)"},
        {CHECK(0, 0, 0), false, "no sense (sense 0/00/00)"},
        {{.status = 8}, true, "busy (status 08)"},
        {{.status = 0x28}, true, "its queue is full (status 28)"},
        {{.status = 0x40}, true, "task aborted (status 40)"},
        {{.status = 0x18}, false, "reserved for somebody else (status 18)"},
        {{.status = 0xff, .received = 65536}, false, "failed (status ff)"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        bool again = !cases[i].again;
        setup(NULL);
        unit.block_size = 2048;
        enum error error = scsi_read_result(&unit, "sr0", &cases[i].result, 16, 32, &again);
        assert_int_equal(error, cases[i].sentence ? ERR_IO : OK);
        assert_int_equal(again, cases[i].again);
        if (cases[i].sentence)
            expect_error(cases[i].sentence);
    }
    /* A length beyond 32 bits is not mistaken for a short one. */
    bool again;
    unit.block_size = 65536;
    struct scsi_result result = {.received = 0};
    assert_int_equal(scsi_read_result(&unit, "sda", &result, 0, 0x10000, &again), ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_disk_and_a_cd, setup),
        cmocka_unit_test_setup(inquiry_data, setup),
        cmocka_unit_test_setup(capacities, setup),
        cmocka_unit_test_setup(block_limits, setup),
        cmocka_unit_test_setup(refused_commands, setup),
        cmocka_unit_test_setup(sense_data, setup),
        cmocka_unit_test_setup(reads, setup),
        cmocka_unit_test_setup(read_results, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
