/* test_ata.c: ata.c. Words of IDENTIFY by number, INCITS 452 (ATA8-ACS) §7.12 and §7.13. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "host.h"

#include "ata.h"

static u16 words[256];
static struct ata_identity id;

/* A disk of 2^20 blocks as QEMU shows it. */
static int setup(void **state)
{
    (void)state;
    host_reset();
    memset(words, 0, sizeof words);
    memset(&id, 0xa5, sizeof id);
    words[0] = 0x0040;
    for (u32 i = 0; i < 20; i++)
        words[27 + i] = 0x2020;
    words[27] = 'Q' << 8 | 'E', words[28] = 'M' << 8 | 'U';
    words[49] = 0x0f00;
    words[53] = 7;
    words[60] = 0, words[61] = 0x10;
    words[63] = 7;
    words[83] = 0x7400;
    words[88] = 0x203f;
    words[100] = 0, words[101] = 0x10;
    words[106] = 0x6000;
    return 0;
}

static void a_disk(void **state)
{
    (void)state;
    assert_int_equal(ata_identify_read("pci 00:1f.2 port 0", words, false, &id), OK);
    assert_false(id.packet);
    assert_true(id.lba48 && id.dma);
    assert_int_equal(id.mwdma, 7);
    assert_int_equal(id.udma, 0x3f);
    assert_int_equal(id.block_size, 512);
    assert_int_equal(id.block_count, 0x100000);
    assert_string_equal(id.model, "QEMU");
}

static void sizes(void **state)
{
    (void)state;
    static const struct {
        u16 word[8], value[8]; /* up to the first word 0 behind the first */
        bool lba48;
        u32 block_size;
        u64 block_count;
        const char *sentence;
    } cases[] = {
        {{102, 101}, {1, 0}, true, 512, 0x100000000, NULL}, /* 2 TiB */
        {{102, 103}, {0xffff, 0}, true, 512, 0xffff00100000, NULL},
        {{103}, {1}, true, 0, 0, "tells of 281474977759232 blocks"},
        {{101}, {0}, true, 512, 0x100000, NULL}, /* LBA48 commands, LBA28 size */
        {{101, 61}, {0, 0}, true, 0, 0, "d: the disk tells of 0 blocks"},
        {{83}, {0x0400}, false, 512, 0x100000, NULL}, /* the word is not valid */
        {{83}, {0xffff}, false, 512, 0x100000, NULL},
        {{83, 61, 60}, {0x4000, 0x0fff, 0xffff}, false, 512, 0xfffffff, NULL},
        {{83, 61, 60}, {0x4000, 0x1000, 1}, false, 0, 0, "tells of 268435457 blocks"},
        {{49}, {0x0d00}, false, 0, 0, "d: the disk cannot be addressed by block"},
        {{106, 117}, {0x5000, 2048}, true, 4096, 0x100000, NULL},
        {{106, 117}, {0x7003, 256}, true, 512, 0x100000, NULL},
        {{106, 117}, {0x1000, 2048}, true, 512, 0x100000, NULL}, /* not valid */
        {{106, 117}, {0x4000, 2048}, true, 512, 0x100000, NULL},
        {{106, 117}, {0x5000, 260}, true, 0, 0, "d: blocks of 520 bytes"},
        {{106, 117}, {0x5000, 128}, true, 0, 0, "d: blocks of 256 bytes"},
        {{106, 117}, {0x5000, 0}, true, 0, 0, "d: blocks of 0 bytes"},
        {{106, 118}, {0x5000, 1}, true, 0, 0, "d: blocks of 131072 bytes"},
        {{106, 118}, {0x5000, 0x8000}, true, 0, 0, "d: blocks of 4294967296 bytes"},
        {{106, 117}, {0x5000, 0x8000}, true, 65536, 0x100000, NULL},
        {{53, 49}, {3, 0x200}, true, 512, 0x100000, NULL}, /* no modes */
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        for (u32 k = 0; k < 8 && cases[i].word[k]; k++)
            words[cases[i].word[k]] = cases[i].value[k];
        enum error error = ata_identify_read("d", words, false, &id);
        if (cases[i].sentence) {
            assert_int_not_equal(error, OK);
            assert_non_null(strstr(error_text(), cases[i].sentence));
            assert_int_equal(id.block_size, 0xa5a5a5a5);
            continue;
        }
        assert_int_equal(error, OK);
        assert_int_equal(id.lba48, cases[i].lba48);
        assert_int_equal(id.block_size, cases[i].block_size);
        assert_int_equal(id.block_count, cases[i].block_count);
    }
    assert_false(id.dma);
    assert_int_equal(id.udma, 0);
}

static void kinds(void **state)
{
    (void)state;
    static const struct {
        u16 general;
        bool packet;
        enum error error;
        u32 packet_size;
    } cases[] = {
        {0x0040, false, OK, 0},          {0x0000, false, OK, 0},          {0x848a, false, OK, 0},
        {0x85c0, false, ERR_CORRUPT, 0}, {0xffff, false, ERR_CORRUPT, 0}, {0x85c0, true, OK, 12},
        {0x85c1, true, OK, 16},          {0x85c2, true, ERR_CORRUPT, 0},  {0xffff, true, ERR_CORRUPT, 0},
        {0x0040, true, ERR_CORRUPT, 0},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        words[0] = cases[i].general;
        assert_int_equal(ata_identify_read("d", words, cases[i].packet, &id), cases[i].error);
        if (cases[i].error) {
            assert_non_null(strstr(error_text(), "d: IDENTIFY"));
            continue;
        }
        assert_int_equal(id.packet, cases[i].packet);
        assert_int_equal(id.packet_size, cases[i].packet_size);
        assert_int_equal(id.block_count, cases[i].packet ? 0 : 0x100000);
    }
}

static void models(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *model; /* bytes: the 40 of the field, filled up with their last */
    } cases[] = {
        {"QEMU HARDDISK ", "QEMU HARDDISK"},
        {"  two  words ", "two  words"},
        {" ", ""},
        {"", ""},
        {"a\x1b[2J\x9b ", "a?[2J?"},
        {"\t", "????????????????????????????????????????"},
        {"x", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        u32 length = (u32)strlen(cases[i].bytes);
        for (u32 k = 0; k < 40; k++) {
            u8 c = length ? (u8)cases[i].bytes[k < length ? k : length - 1] : 0;
            u16 *word = &words[27 + k / 2];
            *word = (u16)(k % 2 ? (*word & 0xff00) | c : c << 8);
        }
        assert_int_equal(ata_identify_read("d", words, false, &id), OK);
        assert_string_equal(id.model, cases[i].model);
    }
}

static void errors_in_words(void **state)
{
    (void)state;
    static const struct {
        u8 status, error;
        const char *words;
    } cases[] = {
        {0x51, 0x40, "uncorrectable data (status 51, error 40)"},
        {0x51, 0x10, "no such address (status 51, error 10)"},
        {0x51, 0x04, "command aborted (status 51, error 4)"},
        {0x51, 0x84, "interface CRC error, command aborted (status 51, error 84)"},
        {0x71, 0x04, "device fault, command aborted (status 71, error 4)"},
        {0x60, 0x04, "device fault (status 60, error 4)"}, /* without ERR the register means nothing */
        {0x51, 0x00, "failed (status 51, error 0)"},
        {0x50, 0x00, "failed (status 50, error 0)"},
        {0x80, 0x40, "busy (status 80)"},
        {0xff, 0xff, "busy (status ff)"},
        {0x71, 0xff, "device fault, uncorrectable data, interface CRC error, no such address, command aborted"
                     " (status 71, error ff)"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        char out[160], cut[160];
        ata_error_words(cases[i].status, cases[i].error, out, sizeof out);
        assert_string_equal(out, cases[i].words);
        for (u32 room = 0; room < 120; room++) {
            memset(cut, 0xa5, sizeof cut);
            ata_error_words(cases[i].status, cases[i].error, cut, room);
            assert_int_equal((u8)cut[room], 0xa5);
            if (room) {
                u32 most = (u32)min_u64(room - 1, strlen(out));
                assert_memory_equal(cut, out, most);
                assert_int_equal(cut[most], 0);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_disk, setup),
        cmocka_unit_test_setup(sizes, setup),
        cmocka_unit_test_setup(kinds, setup),
        cmocka_unit_test_setup(models, setup),
        cmocka_unit_test_setup(errors_in_words, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
