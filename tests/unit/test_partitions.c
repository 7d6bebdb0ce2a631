/* test_partitions.c: fs/mbr.c and fs/gpt.c on tables by sfdisk and sgdisk, and on tables built here: sound first, then
 * with each field broken in turn. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "host.h"
#include "tools.h"

#include "crc32.h"
#include "fat_disk.h"
#include "gpt_disk.h"
#include "mbr_disk.h"

extern const struct partition_scheme scheme_gpt, scheme_mbr;

#define IMAGE_BYTES MIB(4)
static u8 *image;
static char folder[64];

static struct partition_list *found;
static struct block_device *disk;

static enum error scan(const struct partition_scheme *scheme, const u8 *bytes, u64 size, u32 block_size)
{
    host_reset();
    disk = host_disk(NULL, "vd", bytes, size, block_size);
    found = arena_alloc(sizeof *found, 16);
    return scheme->scan(disk, found);
}

struct expected {
    u32 number;
    u64 first, count; /* blocks */
    enum volume_role role;
    const char *partuuid, *partlabel; /* NULL: any */
};

static void compare(const struct expected *expected, u32 count)
{
    if (found->count != count)
        FAILED("%u partitions, expected %u", found->count, count);
    for (u32 i = 0; i < count; i++) {
        const struct partition *p = &found->partition[i];
        const struct expected *e = &expected[i];
        if (p->number != e->number || p->offset != e->first * disk->block_size ||
            p->size != e->count * disk->block_size || p->role != e->role)
            FAILED("partition %u, role %u, %lu bytes at %lu, expected number %u", p->number, (u32)p->role,
                   (unsigned long)p->size, (unsigned long)p->offset, e->number);
        if (e->partuuid)
            assert_string_equal(p->partuuid, e->partuuid);
        if (e->partlabel)
            assert_string_equal(p->partlabel, e->partlabel);
    }
}

static u8 *image_by(const char *recipe, const char *options, u64 *size)
{
    char text[256];
    run("tests/images/%s %s/disk %s", recipe, folder, options);
    snprintf(text, sizeof text, "%s/disk", folder);
    return host_file(text, size);
}

/* ---- tables by others' tools ------------------------------------------------------------------------------------ */

static void mbr_by_sfdisk(void **state)
{
    (void)state;
    static const struct expected expected[] = {
        {1, 2048, 8192, ROLE_ESP, "cafe0123-01", ""},
        {2, 10240, 8192, ROLE_NONE, "cafe0123-02", ""},
        {3, 18432, 8192, ROLE_MBR_BLS, "cafe0123-03", ""},
        {5, 28672, 2048, ROLE_NONE, "cafe0123-05", ""},
        {6, 32768, 2048, ROLE_NONE, "cafe0123-06", ""},
        {7, 36864, 4096, ROLE_NONE, "cafe0123-07", ""},
        {8, 43008, 2048, ROLE_NONE, "cafe0123-08", ""},
        {9, 47104, 2048, ROLE_NONE, "cafe0123-09", ""},
        {10, 51200, 2048, ROLE_NONE, "cafe0123-0a", ""},
        {11, 55296, 2048, ROLE_NONE, "cafe0123-0b", ""},
        {12, 59392, 2048, ROLE_NONE, "cafe0123-0c", ""},
    };
    u64 size;
    u8 *bytes = image_by("part_mbr.sh", "", &size);
    assert_int_equal(scan(&scheme_gpt, bytes, size, 512), ERR_NOT_MINE);
    assert_int_equal(scan(&scheme_mbr, bytes, size, 512), OK);
    compare(expected, ARRAY_COUNT(expected));
    assert_string_equal(host_log(), "");
    free(bytes);
}

static void gpt_by_sgdisk(void **state)
{
    (void)state;
    struct expected expected[] = {
        {1, 2048, 8192, ROLE_ESP, "11111111-2222-3333-4444-55555555aaaa", "EFI System"},
        {2, 10240, 8192, ROLE_XBOOTLDR, NULL, "Äußeres λ"},
        {5, 18432, 16384, ROLE_FLATCAR_USR, NULL, ""},
        {128, 34816, 2048, ROLE_NONE, NULL, "last"},
    };
    static const struct {
        const char *entries;
        u32 last;
    } cases[] = {{"128", 128}, {"256", 256}};
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        u64 size;
        u8 *bytes = image_by("part_gpt.sh", cases[i].entries, &size);
        expected[3].number = cases[i].last;
        assert_int_equal(scan(&scheme_mbr, bytes, size, 512), ERR_NOT_MINE);
        assert_int_equal(scan(&scheme_gpt, bytes, size, 512), OK);
        compare(expected, ARRAY_COUNT(expected));
        assert_int_equal(found->partition[2].attributes, 0x101);
        assert_string_equal(host_log(), "");
        memset(bytes, 0, 512); /* no protective MBR */
        assert_int_equal(scan(&scheme_gpt, bytes, size, 512), OK);
        compare(expected, ARRAY_COUNT(expected));
        free(bytes);
    }
}

static void hybrid_mbr_yields_to_gpt(void **state)
{
    (void)state;
    u64 size;
    char command[128];
    free(image_by("part_gpt.sh", "", &size));
    snprintf(command, sizeof command, "sgdisk -h 1:2 %s/disk >/dev/null", folder);
    assert_int_equal(system(command), 0);
    snprintf(command, sizeof command, "%s/disk", folder);
    u8 *bytes = host_file(command, &size);
    assert_int_equal(scan(&scheme_gpt, bytes, size, 512), OK);
    assert_int_equal(found->count, 4);
    /* Both GPTs gone: what the MBR holds is used. */
    memset(bytes + 512, 0, 512);
    memset(bytes + size - 512, 0, 512);
    assert_int_equal(scan(&scheme_gpt, bytes, size, 512), ERR_CORRUPT);
    assert_int_equal(scan(&scheme_mbr, bytes, size, 512), OK);
    assert_int_equal(found->count, 2);
    free(bytes);
}

static void a_fat_volume_is_no_table(void **state)
{
    (void)state;
    static const char *const options[] = {"", "--mbr=y", "-F 16"};
    for (u32 i = 0; i < ARRAY_COUNT(options); i++) {
        char command[256];
        u64 size;
        snprintf(command, sizeof command, "rm -f %s/disk; mkfs.fat -C %s %s/disk 16384 >/dev/null", folder, options[i],
                 folder);
        assert_int_equal(system(command), 0);
        snprintf(command, sizeof command, "%s/disk", folder);
        u8 *bytes = host_file(command, &size);
        assert_int_equal(scan(&scheme_gpt, bytes, size, 512), ERR_NOT_MINE);
        assert_int_equal(scan(&scheme_mbr, bytes, size, 512), ERR_NOT_MINE);
        assert_string_equal(host_log(), "");
        free(bytes);
    }
}

/* ---- MBR built here --------------------------------------------------------------------------------------------- */

static struct mbr_sector *sector(u64 lba)
{
    return (struct mbr_sector *)(image + lba * 512);
}

static void put_mbr(u64 lba, u32 slot, u8 type, u32 first, u32 count)
{
    sector(lba)->entry[slot] = (struct mbr_entry){.type = type, .first = first, .count = count};
    sector(lba)->signature[0] = 0x55;
    sector(lba)->signature[1] = 0xaa;
}

/* One primary, an extended partition with two logical ones. */
static void make_mbr(void)
{
    memset(image, 0, IMAGE_BYTES);
    put_mbr(0, 0, 0x83, 100, 900);
    put_mbr(0, 1, 0x05, 1000, 4000);
    put_mbr(1000, 0, 0x83, 10, 100);
    put_mbr(1000, 1, 0x05, 1000, 1000);
    put_mbr(2000, 0, 0x83, 20, 200);
}

static void broken_mbrs(void **state)
{
    (void)state;
    static const struct {
        u32 byte, size;
        u64 value;
        enum error expected;
        u32 count;
        const char *says; /* in the log or the trail */
    } cases[] = {
        {0, 0, 0, OK, 3, ""},
        {446, 1, 0x80, OK, 3, ""},
        {446, 1, 0x01, ERR_NOT_MINE, 0, ""},
        {446 + 48, 1, 0x7f, ERR_NOT_MINE, 0, ""},
        {510, 1, 0, ERR_NOT_MINE, 0, ""},
        {446 + 4, 1, 0, OK, 2, ""},
        {446 + 4, 1, 0xee, OK, 2, ""},
        {446 + 8, 4, 0, OK, 2, ""},
        {446 + 8, 4, 8192, OK, 2, "skipped"},
        {446 + 8, 4, 0xffffffff, OK, 2, "skipped"},
        {446 + 12, 4, 0, OK, 2, ""},
        {446 + 12, 4, 0xffffffff, OK, 3, "partition 1: 4294967295 blocks from block 100 on a disk of 8192: cut"},
        {462 + 4, 1, 0x0f, OK, 3, ""},
        {462 + 4, 1, 0x85, OK, 3, ""},
        {462 + 8, 4, 9000, OK, 1, "logical partition table at block 9000 of 8192"},
        {462 + 8, 4, 3000, OK, 1, "ends with 0000, expected 55aa"},
        {1000 * 512 + 446 + 4, 1, 0, OK, 2, ""},
        {1000 * 512 + 446 + 8, 4, 0xffffffff, OK, 2, "partition 5"},
        {1000 * 512 + 462 + 8, 4, 0, OK, 2, ""},
        {1000 * 512 + 462 + 8, 4, 0xfffffff0, OK, 2, "the chain ends here"},
        {1000 * 512 + 462 + 8, 4, 4, OK, 2, "ends with 0000"},
        {2000 * 512 + 510, 2, 0, OK, 2, "block 2000 ends with 0000"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        make_mbr();
        memcpy(image + cases[i].byte, &cases[i].value, cases[i].size);
        enum error error = scan(&scheme_mbr, image, IMAGE_BYTES, 512);
        if (error != cases[i].expected || found->count != cases[i].count || !strstr(host_log(), cases[i].says) ||
            (!cases[i].says[0] && host_log()[0]))
            FAILED("case %u: %d, %u partitions, \"%s\"", i, (int)error, found->count, host_log());
    }
    make_mbr();
    put_mbr(2000, 1, 0x05, 1000, 1000); /* back to itself */
    assert_int_equal(scan(&scheme_mbr, image, IMAGE_BYTES, 512), OK);
    assert_int_equal(found->count, 3);
    assert_non_null(strstr(host_log(), "returns to block 2000"));
    memset(image, 0, IMAGE_BYTES);
    put_mbr(0, 0, 0x83, 9000, 10);
    assert_int_equal(scan(&scheme_mbr, image, IMAGE_BYTES, 512), ERR_CORRUPT);
    memset(image, 0, IMAGE_BYTES);
    put_mbr(0, 0, 0x05, 1, 8000);
    for (u32 i = 0; i < 140; i++) {
        put_mbr(1 + 2 * i, 0, 0x83, 1, 1);
        put_mbr(1 + 2 * i, 1, 0x05, 2 * i + 2, 2);
    }
    assert_int_equal(scan(&scheme_mbr, image, IMAGE_BYTES, 512), OK);
    assert_int_equal(found->count, 128);
    assert_int_equal(found->partition[127].number, 132);
    assert_non_null(strstr(host_log(), "more than 128 logical"));
}

static void mbr_counts_in_the_disks_blocks(void **state)
{
    (void)state;
    static const struct expected expected[] = {{1, 100, 900, ROLE_NONE, "00000000-01", ""}};
    memset(image, 0, IMAGE_BYTES);
    put_mbr(0, 0, 0x83, 100, 900);
    assert_int_equal(scan(&scheme_mbr, image, IMAGE_BYTES, 4096), OK);
    compare(expected, 1);
}

/* ---- GPT built here --------------------------------------------------------------------------------------------- */

static u32 slow_crc(const u8 *p, u64 size)
{
    u32 crc = ~0u;
    for (u64 i = 0; i < size; i++) {
        crc ^= p[i];
        for (u32 bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

static void crc_equals_the_slow_one(void **state)
{
    (void)state;
    u8 bytes[3000] = {0};
    assert_int_equal(crc32_add(0, "123456789", 9), 0xcbf43926);
    for (u32 i = 0; i < 200; i++)
        bytes[i] = (u8)(i * 31 + 7);
    for (u32 zeros = 0; zeros < 2800; zeros += 93)
        assert_int_equal(crc32_add_zeros(crc32_add(0, bytes, 200), zeros), slow_crc(bytes, 200 + zeros));
}

static struct gpt_header *header(u64 lba, u32 block) { return (struct gpt_header *)(image + lba * block); }

static void seal(u64 lba, u32 block)
{
    struct gpt_header *h = header(lba, block);
    u64 size = (u64)h->entry_count * h->entry_size;
    if (fits(h->entries_lba, 0, IMAGE_BYTES / block) && fits(h->entries_lba * block, size, IMAGE_BYTES))
        h->entries_crc = slow_crc(image + h->entries_lba * block, size);
    h->header_crc = 0;
    h->header_crc = slow_crc((u8 *)h, min_u64(h->header_size, 512));
}

static struct gpt_entry *entry(u32 i, u32 block)
{
    struct gpt_header *h = header(1, block);
    return (struct gpt_entry *)(image + h->entries_lba * block + i * h->entry_size);
}

/* Protective MBR, primary and backup at the end with two partitions. */
static void make_gpt(u32 block, u32 count, u32 entry_size)
{
    u64 last = IMAGE_BYTES / block - 1, array = ((u64)count * entry_size + block - 1) / block;
    memset(image, 0, IMAGE_BYTES);
    put_mbr(0, 0, MBR_GPT_PROTECTIVE, 1, (u32)last);
    struct gpt_header h = {.signature = "EFI PART", .revision = 0x10000, .header_size = 92, .my_lba = 1,
                           .alternate_lba = last, .entries_lba = 2, .entry_count = count, .entry_size = entry_size};
    *header(1, block) = h;
    for (u32 i = 0; i < 2; i++) {
        struct gpt_entry *e = entry(i ? count - 1 : 0, block);
        memset(e->type, 0x11, 16);
        memset(e->guid, 0x22 + (int)i, 16);
        e->first_lba = last / 2 + i * 10;
        e->last_lba = e->first_lba + 9;
        memcpy(e->name, "\x3d\xd8\x80\xde", 4); /* a rocket, in two units */
    }
    h.my_lba = last;
    h.alternate_lba = 1;
    h.entries_lba = last - array;
    *header(last, block) = h;
    memcpy(image + h.entries_lba * block, image + 2ull * block, (u64)count * entry_size);
    seal(1, block);
    seal(last, block);
}

static void sound_gpts(void **state)
{
    (void)state;
    static const u32 cases[][3] = {
        {512, 128, 128}, {4096, 128, 128}, {2048, 4, 512}, {512, 1024, 256}, {512, 16, 4096}};
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        u32 block = cases[i][0];
        u64 half = (IMAGE_BYTES / block - 1) / 2;
        const struct expected expected[] = {
            {1, half, 10, ROLE_NONE, "22222222-2222-2222-2222-222222222222", "\xf0\x9f\x9a\x80"},
            {cases[i][1], half + 10, 10, ROLE_NONE, "23232323-2323-2323-2323-232323232323", "\xf0\x9f\x9a\x80"},
        };
        make_gpt(block, cases[i][1], cases[i][2]);
        if (scan(&scheme_gpt, image, IMAGE_BYTES, block))
            FAILED("case %u: %s", i, error_text());
        compare(expected, 2);
        assert_string_equal(host_log(), "");
        memset(image + block, 0, 8); /* the backup has the same */
        assert_int_equal(scan(&scheme_gpt, image, IMAGE_BYTES, block), OK);
        compare(expected, 2);
        assert_non_null(strstr(host_log(), "disk vda: primary GPT bad (no signature in block 1), using the backup"));
    }
}

static void broken_gpts(void **state)
{
    (void)state;
    static const struct {
        u32 byte, size;
        u64 value;
        const char *says;
    } cases[] = {
        {0, 1, 'X', "no signature in block 1"},
        {8, 4, 0x20000, ""},
        {12, 4, 91, "header size 91, expected 92 to 512"},
        {12, 4, 0xffffffff, "header size 4294967295"},
        {12, 4, 512, ""},
        {16, 4, 0x1234, "CRC of the header"},
        {24, 8, 2, "says it is in block 2"},
        {72, 8, 0, "from block 0"},
        {72, 8, 1, "from block 1"},
        {72, 8, 8191, "from block 8191"},
        {72, 8, ~0ull, "from block 18446744073709551615"},
        {80, 4, 0, "0 entries"},
        {80, 4, 1025, "1025 entries"},
        {80, 4, 0xffffffff, "4294967295 entries"},
        {84, 4, 0, "entries of 0 bytes"},
        {84, 4, 64, "entries of 64 bytes"},
        {84, 4, 192, "entries of 192 bytes"},
        {84, 4, 8192, "entries of 8192 bytes"},
        {88, 4, 1, "CRC of the entries"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++)
        for (u32 both = 0; both < 2; both++) {
            make_gpt(512, 128, 128);
            for (u32 k = 0; k <= both; k++) {
                u8 *h = (u8 *)header(k ? 8191 : 1, 512);
                memcpy(h + cases[i].byte, &cases[i].value, cases[i].size);
                if (cases[i].byte == 88) {
                    memset(h + 16, 0, 4);
                    u32 crc = slow_crc(h, 92);
                    memcpy(h + 16, &crc, 4);
                } else if (cases[i].byte > 16 || cases[i].byte == 8 || cases[i].byte == 12) {
                    seal(k ? 8191 : 1, 512);
                }
            }
            bool sound = !cases[i].says[0];
            enum error error = scan(&scheme_gpt, image, IMAGE_BYTES, 512);
            const char *said = both && !sound ? error_text() : host_log();
            if (!error != (sound || !both) || !strstr(said, cases[i].says) || (sound && host_log()[0]) ||
                (!error && found->count != 2))
                FAILED("case %u, %s: %d, log \"%s\", \"%s\"", i, both ? "both" : "first", (int)error, host_log(),
                       error_text());
        }
}

static void gpt_finds_its_backup(void **state)
{
    (void)state;
    /* The disk has grown: the backup is where the primary says. */
    make_gpt(512, 128, 128);
    u64 old_last = 8000;
    memcpy(image + (old_last - 32) * 512, image + (8191 - 32) * 512, 33 * 512);
    memset(image + (8191 - 32) * 512, 0, 33 * 512);
    header(old_last, 512)->my_lba = old_last;
    header(old_last, 512)->entries_lba = old_last - 32;
    seal(old_last, 512);
    header(1, 512)->alternate_lba = old_last;
    seal(1, 512);
    image[2 * 512] ^= 1;
    assert_int_equal(scan(&scheme_gpt, image, IMAGE_BYTES, 512), OK);
    assert_int_equal(found->count, 2);
    assert_non_null(strstr(host_log(), "using the backup"));
    /* A backup alone on a disk formatted anew is no table. */
    make_gpt(512, 128, 128);
    memset(image, 0, 1024);
    assert_int_equal(scan(&scheme_gpt, image, IMAGE_BYTES, 512), ERR_NOT_MINE);
    /* Nor is a GPT under an MBR that holds other partitions. */
    make_gpt(512, 128, 128);
    put_mbr(0, 0, 0x83, 100, 200);
    assert_int_equal(scan(&scheme_gpt, image, IMAGE_BYTES, 512), ERR_NOT_MINE);
    assert_int_equal(scan(&scheme_mbr, image, IMAGE_BYTES, 512), OK);
    /* A read error in the primary. */
    make_gpt(4096, 128, 128);
    scan(&scheme_gpt, image, IMAGE_BYTES, 4096);
    host_reset();
    disk = host_disk(NULL, "vd", image, IMAGE_BYTES, 4096);
    found = arena_alloc(sizeof *found, 16);
    host_disk_fail_lba = 2;
    assert_int_equal(scheme_gpt.scan(disk, found), OK);
    assert_int_equal(found->count, 2);
    assert_non_null(strstr(host_log(), "injected read error"));
    host_disk_fail_lba = ~0ull;
}

static void gpt_for_other_blocks_is_told(void **state)
{
    (void)state;
    make_gpt(512, 128, 128);
    assert_int_equal(scan(&scheme_gpt, image, IMAGE_BYTES, 4096), ERR_CORRUPT);
    assert_string_equal(error_text(), "GPT written for 512-byte sectors, the disk has 4096");
    make_gpt(4096, 128, 128);
    assert_int_equal(scan(&scheme_gpt, image, IMAGE_BYTES, 512), ERR_CORRUPT);
    assert_string_equal(error_text(), "GPT written for 4096-byte sectors, the disk has 512");
}

static void broken_gpt_entries_are_left_out(void **state)
{
    (void)state;
    static const struct {
        u64 first, last;
        u32 count;
        const char *says;
    } cases[] = {
        {100, 100, 2, ""},
        {0, 10, 1, "partition 1: 11 blocks from block 0"},
        {100, 99, 1, "partition 1: 0 blocks"},
        {8192, 9000, 1, "skipped"},
        {100, 9000, 2, "partition 1: 8901 blocks from block 100 on a disk of 8192: cut"},
        {100, ~0ull, 1, "skipped"},
        {1, ~0ull - 1, 2, "cut"},
        {~0ull, ~0ull, 1, "skipped"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        make_gpt(512, 128, 128);
        entry(0, 512)->first_lba = cases[i].first;
        entry(0, 512)->last_lba = cases[i].last;
        seal(1, 512);
        assert_int_equal(scan(&scheme_gpt, image, IMAGE_BYTES, 512), OK);
        if (found->count != cases[i].count || !strstr(host_log(), cases[i].says))
            FAILED("case %u: %u partitions, \"%s\"", i, found->count, host_log());
        for (u32 n = 0; n < found->count; n++)
            assert_true(fits(found->partition[n].offset, found->partition[n].size, IMAGE_BYTES));
    }
    make_gpt(512, 200, 128);
    for (u32 i = 0; i < 200; i++)
        *entry(i, 512) = *entry(0, 512);
    seal(1, 512);
    assert_int_equal(scan(&scheme_gpt, image, IMAGE_BYTES, 512), OK);
    assert_int_equal(found->count, 128);
    assert_non_null(strstr(host_log(), "partition 129: skipped, more than 128"));
}

/* Volumes whose filesystem nobody reads cost little memory: there may be many, and the arena is small. */
static void many_disks_take_little_memory(void **state)
{
    (void)state;
    static struct disk_list disks;
    static struct volume_list volumes;
    make_gpt(512, 128, 128);
    host_reset();
    disks.count = 0;
    while (disks.count < DISKS_MAX)
        assert_non_null(host_disk(&disks, "vd", image, IMAGE_BYTES, 512));
    u8 byte;
    assert_int_equal(block_read(disks.disk[0], 0, 1, &byte), OK); /* the cache is there */
    u64 before = arena_left();
    volumes_scan(&disks, &volumes);
    assert_int_equal(volumes.count, 2 * DISKS_MAX);
    assert_string_equal(volumes.volume[127]->name, "vdbl128");
    assert_in_range(before - arena_left(), 1, KIB(512));
}

/* ---- the group -------------------------------------------------------------------------------------------------- */

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/shim-test-partitions-XXXXXX");
    image = malloc(IMAGE_BYTES);
    setenv("LC_ALL", "C.UTF-8", 1);
    return mkdtemp(folder) && image ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    free(image);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mbr_by_sfdisk),
        cmocka_unit_test(gpt_by_sgdisk),
        cmocka_unit_test(hybrid_mbr_yields_to_gpt),
        cmocka_unit_test(a_fat_volume_is_no_table),
        cmocka_unit_test(broken_mbrs),
        cmocka_unit_test(mbr_counts_in_the_disks_blocks),
        cmocka_unit_test(crc_equals_the_slow_one),
        cmocka_unit_test(sound_gpts),
        cmocka_unit_test(broken_gpts),
        cmocka_unit_test(gpt_finds_its_backup),
        cmocka_unit_test(gpt_for_other_blocks_is_told),
        cmocka_unit_test(broken_gpt_entries_are_left_out),
        cmocka_unit_test(many_disks_take_little_memory),
    };
    return cmocka_run_group_tests_name("partitions", tests, setup, teardown);
}
