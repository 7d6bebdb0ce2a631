/* test_fat.c: fs/fat.c on volumes by mkfs.fat and mtools, compared byte for byte with their source, and on volumes
 * built here: sound first, then with each field broken in turn. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "host.h"
#include "tools.h"
#include "tree.h"

#include "fat_disk.h"
#include "file.h"

extern const struct filesystem fs_fat;

static char folder[64];

static struct volume *volume_of(const u8 *image, u64 size, u32 block_size)
{
    host_reset();
    struct volume *v = host_volume(host_disk(NULL, "vd", image, size, block_size));
    v->fs = &fs_fat;
    return v;
}

static struct volume *mounted(const u8 *image, u64 size, u32 block_size)
{
    struct volume *v = volume_of(image, size, block_size);
    if (fs_fat.mount(v))
        FAILED("mount: %s", error_text());
    return v;
}

/* ---- real volumes ----------------------------------------------------------------------------------------------- */

static void compare_tree(struct volume *v)
{
    char command[256], line[1024], real[1200];
    u32 count = 0;
    snprintf(command, sizeof command, "cd %s/source && find . -mindepth 1 -printf '%%y%%p\\n'", folder);
    FILE *list = popen(command, "r");
    assert_non_null(list);
    for (; fgets(line, sizeof line, list); count++) {
        line[strcspn(line, "\n")] = 0;
        snprintf(real, sizeof real, "%s/source/%s", folder, line + 1);
        if (line[0] == 'f')
            compare_file(v, real, line + 2);
    }
    pclose(list);
    assert_true(count > 60);
    assert_int_equal(count_tree(v, ""), count);
}

static void volumes_by_mkfs_are_read_whole(void **state)
{
    (void)state;
    static const struct {
        u32 kib;
        const char *options;
        u32 bits, block_size;
        const char *label;
    } cases[] = {
        {2880, "-F 12 -f 1", 12, 512, ""},
        {1440, "-n FLOPPY", 12, 512, "FLOPPY"},
        {4096, "-F 12 -s 8 -S 1024", 12, 512, ""},
        /* mtools takes FAT32 only where the number of clusters says so, hence the sizes. */
        {8192, "-F 16 -s 1 -n 'TWO WORDS'", 16, 512, "TWO WORDS"},
        {16384, "-F 16 -R 4 -r 112 -a", 16, 512, ""},
        {65536, "-F 16 -S 2048 -h 63", 16, 2048, ""},
        {36864, "-F 32 -s 1 -n EFI", 32, 512, "EFI"},
        {72000, "-F 32 -s 1 -R 8 -f 1", 32, 512, ""},
        {72000, "-F 32 -S 1024 -s 1 --invariant", 32, 512, ""},
        {280000, "-F 32 -S 4096 -s 1 -n ESP", 32, 512, "ESP"},
        {36864, "-F 16 -S 4096 -s 1 -f 4", 16, 4096, ""},
        {40960, "-F 32 -s 1", 32, 4096, ""},
        {32768, "-s 64", 12, 512, ""},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        char uuid[40], command[128];
        u64 size;
        run("tests/images/fat_tree.sh %s/image %u %s/source %s", folder, cases[i].kib, folder, cases[i].options);
        line_of(uuid, sizeof uuid, "blkid -p -o value -s UUID %s/image", folder);
        snprintf(command, sizeof command, "%s/image", folder);
        u8 *image = host_file(command, &size);
        struct volume *v = mounted(image, size, cases[i].block_size);
        if (strcmp(v->ids.label, cases[i].label) || strcmp(v->ids.uuid, uuid))
            FAILED("mkfs.fat %s: label \"%s\", UUID %s, expected \"%s\", %s", cases[i].options, v->ids.label,
                     v->ids.uuid, cases[i].label, uuid);
        assert_int_equal(*(u32 *)v->fs_state, cases[i].bits);
        compare_tree(v);
        free(image);
    }
}

static void volumes_by_mformat_are_read(void **state)
{
    (void)state;
    static const char *const options[] = {"-f 1440", "-F -T 70000 -h 16 -s 63", "-T 20000 -h 16 -s 63 -v MLABEL"};
    for (u32 i = 0; i < ARRAY_COUNT(options); i++) {
        char path[128];
        u64 size;
        snprintf(path, sizeof path, "%s/image", folder);
        run("rm -f %s; mformat -C -i %s %s :: && mcopy -i %s -s %s/source/boot ::/", path, path, options[i], path,
            folder);
        u8 *image = host_file(path, &size);
        struct volume *v = mounted(image, size, 512);
        snprintf(path, sizeof path, "%s/source/boot/vmlinuz-6.1.0-56-amd64", folder);
        compare_file(v, path, "/boot/vmlinuz-6.1.0-56-amd64");
        assert_string_equal(v->ids.label, i == 2 ? "MLABEL" : "");
        free(image);
    }
}

static void fragmented_files_are_read_whole(void **state)
{
    (void)state;
    static const char *const options[] = {"-F 12 -s 1", "-F 16 -s 2", "-F 32 -s 1"};
    static const u32 kib[] = {1800, 8800, 36000};
    char path[128], real[128];
    snprintf(real, sizeof real, "%s/big", folder);
    run("seq 1 150000 >%s", real);
    for (u32 i = 0; i < ARRAY_COUNT(options); i++) {
        u64 size;
        snprintf(path, sizeof path, "%s/image", folder);
        run("tests/images/fat_fragmented.sh %s %u %s %s", path, kib[i], real, options[i]);
        u8 *image = host_file(path, &size);
        compare_file(mounted(image, size, 512), real, "/big");
        free(image);
    }
}

static void names_are_found_without_case(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        bool found;
    } cases[] = {
        {"/BOOT/VMLINUZ-6.1.0-56-AMD64", true},
        {"/efi/boot/bootx64.efi", true},
        {"/boot/äpfel und öl.TXT", true},
        {"/boot/ΑΒΓ ΔΕΖ.txt", true},
        {"/boot/grub/mixed.cfg", true},
        {"/boot/grub/grub.cfg", true},
        {"/boot/grub/grub.cfg.", true},
        {"/boot/grub/grub.cf", false},
        {"/boot/grub/grub.cfgx", false},
        {"/boot/WITHBL~1.CON", true},
        {"/boot/with blanks", false},
        {"/boot/\xff\xfe", false},
        {"/boot/\xc3", false},
        {"/...", false},
        {"/boot/empty", true},
    };
    char path[128];
    u64 size;
    run("tests/images/fat_tree.sh %s/image 36864 %s/source -F 32 -s 1", folder, folder);
    snprintf(path, sizeof path, "%s/image", folder);
    u8 *image = host_file(path, &size);
    struct volume *v = mounted(image, size, 512);
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        struct file file;
        enum error error = file_open(v, text_of(cases[i].path), &file);
        if (error != (cases[i].found ? OK : ERR_NOT_FOUND))
            FAILED("%s: %s", cases[i].path, error ? error_text() : "found");
    }
    free(image);
}

/* ---- volumes built here ----------------------------------------------------------------------------------------- */

#define SECTORS 140000u
#define IMAGE_BYTES ((u64)SECTORS * 512)
static u8 *made;
static u32 made_bits, made_data; /* byte of cluster 2 */

static struct fat_boot *boot(void) { return (struct fat_boot *)made; }

static void set_entry(u32 cluster, u32 value)
{
    u8 *table = made + 512;
    if (made_bits == 32)
        memcpy(table + cluster * 4, &value, 4);
    else if (made_bits == 16)
        memcpy(table + cluster * 2, &value, 2);
    else {
        u8 *pair = table + cluster * 3 / 2;
        pair[0] = cluster & 1 ? (u8)((pair[0] & 15) | value << 4) : (u8)value;
        pair[1] = cluster & 1 ? (u8)(value >> 4) : (u8)((pair[1] & 0xf0) | (value >> 8 & 15));
    }
}

static u32 end_mark(void)
{
    return made_bits == 32 ? 0x0fffffff : (1u << made_bits) - 1;
}

static void set_chain(u32 first, u32 count)
{
    for (u32 i = 0; i + 1 < count; i++)
        set_entry(first + i, first + i + 1);
    set_entry(first + count - 1, end_mark());
}

static u8 *cluster_at(u32 cluster)
{
    return made + made_data + (u64)(cluster - 2) * 512;
}

static u8 *root_at(void)
{
    return made_bits == 32 ? cluster_at(2) : made + made_data - 512 * 32;
}

/* An empty volume of `clusters` one-sector clusters. */
static void make(u32 bits, u32 clusters)
{
    u32 fat_sectors = ((clusters + 2) * bits / 8 + 511) / 512 + 1;
    memset(made, 0, IMAGE_BYTES);
    struct fat_boot *b = boot();
    *b = (struct fat_boot){.jump = {0xeb, 0x58, 0x90}, .sector_bytes = 512, .cluster_sectors = 1, .reserved_sectors = 1,
                           .fats = 1, .media = 0xf8, .signature = {0x55, 0xaa}};
    struct fat_tail tail = {.signature = 0x29, .serial = 0x1234abcd};
    memcpy(tail.label, "NO NAME    ", 11);
    memcpy(tail.type, "FAT     ", 8);
    made_bits = bits;
    if (bits == 32) {
        b->fat32.fat_sectors = fat_sectors;
        b->fat32.root_cluster = 2;
        b->fat32.tail = tail;
    } else {
        b->fat_sectors16 = (u16)fat_sectors;
        b->root_entries = 512;
        b->old.tail = tail;
    }
    made_data = (1 + fat_sectors + (bits == 32 ? 0 : 32)) * 512;
    b->sectors32 = made_data / 512 + clusters;
    set_entry(0, end_mark() & ~7u);
    set_entry(1, end_mark());
    if (bits == 32)
        set_chain(2, 1);
}

static struct fat_slot *put_slot(u8 *at, const char *name, u8 attributes, u32 cluster, u32 size)
{
    struct fat_slot *s = (struct fat_slot *)at;
    *s = (struct fat_slot){.attributes = attributes, .cluster_high = (u16)(cluster >> 16), .cluster_low = (u16)cluster,
                           .size = size};
    memcpy(s->name, name, 11);
    return s;
}

/* The slots of an ASCII long name and its short one; how many bytes. */
static u32 put_long(u8 *at, const char *name, const char *short_name, u32 cluster, u32 size)
{
    u32 length = (u32)strlen(name), slots = (length + 12) / 13, sum = 0;
    for (u32 i = 0; i < 11; i++)
        sum = ((sum << 7 | sum >> 1) + (u8)short_name[i]) & 0xff;
    for (u32 n = slots; n; n--, at += 32) {
        struct fat_long_slot *s = (struct fat_long_slot *)at;
        u8 units[26];
        for (u32 i = 0; i < 13; i++) {
            u32 k = (n - 1) * 13 + i;
            u16 c = k < length ? (u8)name[k] : k == length ? 0 : 0xffff;
            memcpy(units + 2 * i, &c, 2);
        }
        *s = (struct fat_long_slot){
            .ordinal = (u8)(n | (n == slots ? 0x40 : 0)), .attributes = 0x0f, .checksum = (u8)sum};
        memcpy(s->units1, units, 10);
        memcpy(s->units2, units + 10, 12);
        memcpy(s->units3, units + 22, 4);
    }
    put_slot(at, short_name, 0x20, cluster, size);
    return (slots + 1) * 32;
}

/* The name of the first entry in the root directory of what was made; "" when there is none. */
static const char *first_name(struct volume *v)
{
    static struct dirent entry;
    struct node root;
    u64 cursor = 0;
    assert_int_equal(fs_fat.root(v, &root), OK);
    if (fs_fat.list(v, &root, &cursor, &entry))
        entry.name[0] = 0;
    return entry.name;
}

static void type_follows_from_the_clusters(void **state)
{
    (void)state;
    static const struct {
        u32 bits, clusters;
    } cases[] = {{12, 1}, {12, 4084}, {16, 4085}, {16, 65524}, {32, 65525}, {32, 100}};
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        u32 last = cases[i].clusters + 1;
        make(cases[i].bits, cases[i].clusters);
        u32 first = last > 40 ? last - 37 : cases[i].bits == 32 ? 3 : 2;
        set_chain(first, last - first + 1);
        for (u32 c = first; c <= last; c++)
            memset(cluster_at(c), (int)c, 512);
        put_slot(root_at(), "FILE    BIN", 0x20, first, (last - first + 1) * 512);
        struct volume *v = mounted(made, IMAGE_BYTES, 512);
        struct file file;
        u8 bytes[38 * 512];
        assert_int_equal(*(u32 *)v->fs_state, cases[i].bits);
        assert_string_equal(v->ids.uuid, "1234-ABCD");
        assert_string_equal(v->ids.label, "");
        if (file_open(v, text_of("/file.bin"), &file) || file_read(&file, 0, file.size, bytes))
            FAILED("FAT%u, %u clusters: %s", cases[i].bits, cases[i].clusters, error_text());
        assert_memory_equal(bytes, cluster_at(first), file.size);
        /* The neighbour of the last cluster is out of range, whatever the table says. */
        set_entry(last, last + 1);
        put_slot(root_at(), "FILE    BIN", 0x20, first, (last - first + 1) * 512 + 1);
        v = mounted(made, IMAGE_BYTES, 512);
        assert_int_equal(file_open(v, text_of("/file.bin"), &file), OK);
        assert_int_equal(file_read(&file, 0, file.size, made + IMAGE_BYTES / 2), ERR_CORRUPT);
    }
}

static void broken_boot_sectors_are_refused(void **state)
{
    (void)state;
    static const struct {
        u32 byte, size;
        u64 value;
        enum error expected;
        const char *says;
    } cases[] = {
        {0, 1, 0xe9, OK, NULL},
        {0, 1, 0x00, ERR_NOT_MINE, NULL},
        {510, 2, 0, ERR_NOT_MINE, NULL},
        {11, 2, 0, ERR_CORRUPT, "byte 11: 0 bytes per sector"},
        {11, 2, 256, ERR_CORRUPT, "256 bytes per sector"},
        {11, 2, 768, ERR_CORRUPT, "768 bytes per sector"},
        {11, 2, 8192, ERR_CORRUPT, "8192 bytes per sector"},
        {13, 1, 0, ERR_CORRUPT, "0 sectors per cluster"},
        {13, 1, 3, ERR_CORRUPT, "3 sectors per cluster"},
        {14, 2, 0, ERR_CORRUPT, "0 reserved sectors"},
        {16, 1, 0, ERR_CORRUPT, "0 FATs"},
        {16, 1, 200, ERR_CORRUPT, "200 FATs"},
        {21, 1, 0x12, ERR_CORRUPT, "18 as media byte"},
        {21, 1, 0xf0, OK, NULL},
        {32, 4, 0, ERR_CORRUPT, "0 sectors"},
        {32, 4, 500, ERR_CORRUPT, "data begins at sector"},
        {32, 4, 0xffffffff, OK, NULL}, /* clusters without an entry in the FAT do not exist */
        {36, 4, 0, ERR_CORRUPT, "0 sectors per FAT"},
        {36, 4, 0xffffffff, ERR_CORRUPT, "data begins at sector"},
        {40, 2, 0x80, OK, NULL},
        {40, 2, 0x83, ERR_CORRUPT, "3 as number of the active FAT"},
        {44, 4, 0, ERR_CORRUPT, "0 as cluster of the root"},
        {44, 4, 1, ERR_CORRUPT, "1 as cluster of the root"},
        {44, 4, 0x0fffffff, ERR_CORRUPT, "as cluster of the root"},
        {82, 8, 0, OK, NULL},
        {17, 2, 0, OK, NULL},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++)
        for (u32 silent = 0; silent < 2; silent++) {
            make(32, 70000);
            if (silent) /* without the word FAT the same sector may be anyone's */
                memset(boot()->fat32.tail.type, 0, 8);
            memcpy(made + cases[i].byte, &cases[i].value, cases[i].size);
            struct volume *v = volume_of(made, IMAGE_BYTES, 512);
            enum error error = fs_fat.mount(v);
            if (error != cases[i].expected && !(silent && error == ERR_NOT_MINE))
                FAILED("case %u: %d, \"%s\"", i, (int)error, error_text());
            if (error == ERR_CORRUPT && !strstr(error_text(), cases[i].says))
                FAILED("case %u: \"%s\", expected \"%s\"", i, error_text(), cases[i].says);
        }
    make(16, 5000);
    boot()->root_entries = 0;
    assert_int_equal(fs_fat.mount(volume_of(made, IMAGE_BYTES, 512)), ERR_CORRUPT);
    make(16, 70000);
    assert_int_equal(fs_fat.mount(volume_of(made, IMAGE_BYTES, 512)), ERR_CORRUPT);
    assert_int_equal(fs_fat.mount(volume_of(made, 512, 512)), ERR_CORRUPT);
}

static void broken_chains_are_told(void **state)
{
    (void)state;
    static const struct {
        u32 cluster;
        u64 value; /* ~0: the end mark */
        enum error expected;
        const char *says;
    } cases[] = {
        {0, 0, OK, NULL},
        {14, 0, ERR_CORRUPT, "FAT entry of cluster 14 is 0h (free)"},
        {14, 1, ERR_CORRUPT, "FAT entry of cluster 14 is 1h,"},
        {14, 0x0ffffff7, ERR_CORRUPT, "(defective)"},
        {14, 2000, ERR_CORRUPT, "is 7d0h, expected 2h to"},
        {14, 0x0ffffff0, ERR_CORRUPT, "expected 2h to"},
        {14, ~0u, ERR_TRUNCATED, "ends before byte 2560 of 25600"},
        {14, 10, ERR_CORRUPT, "loop"},
        {14, 14, ERR_CORRUPT, "loop"},
        {14, 12, ERR_CORRUPT, "loop"},
        {59, 10, OK, NULL}, /* behind the last byte: nobody asks */
    };
    static const u32 sizes[][2] = {{12, 1000}, {16, 5000}, {32, 1000}};
    for (u32 s = 0; s < ARRAY_COUNT(sizes); s++)
        for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
            u32 mask = sizes[s][0] == 32 ? 0x0fffffff : (1u << sizes[s][0]) - 1;
            make(sizes[s][0], sizes[s][1]);
            set_chain(10, 50);
            if (cases[i].cluster && !(sizes[s][0] == 16 && cases[i].value == 2000))
                set_entry(cases[i].cluster, (u32)cases[i].value & mask);
            put_slot(root_at(), "FILE    BIN", 0x20, 10, 25600);
            struct volume *v = mounted(made, IMAGE_BYTES, 512);
            struct file file;
            u8 bytes[25600];
            assert_int_equal(file_open(v, text_of("/file.bin"), &file), OK);
            enum error error = file_read(&file, 0, file.size, bytes);
            if (sizes[s][0] == 16 && cases[i].value == 2000)
                continue;
            if (error != cases[i].expected || (error && !strstr(error_text(), cases[i].says)))
                FAILED("FAT%u, case %u: %d, \"%s\"", sizes[s][0], i, (int)error, error_text());
        }
    make(32, 1000);
    set_chain(10, 2);
    set_entry(11, 0xf0000000 | 20); /* the high bits are reserved, not part of the number */
    set_chain(20, 1);
    put_slot(root_at(), "FILE    BIN", 0x20, 10, 1536);
    put_slot(root_at() + 32, "NONE    BIN", 0x20, 0, 10);
    put_slot(root_at() + 64, "DIR        ", 0x10, 0, 0);
    struct volume *v = mounted(made, IMAGE_BYTES, 512);
    struct file file;
    u8 bytes[1536];
    assert_int_equal(file_open(v, text_of("/file.bin"), &file), OK);
    assert_int_equal(file_read(&file, 0, file.size, bytes), OK);
    assert_int_equal(file_open(v, text_of("/none.bin"), &file), ERR_CORRUPT);
    assert_int_equal(file_open(v, text_of("/dir"), &file), ERR_CORRUPT);
}

static void directory_loops_end(void **state)
{
    (void)state;
    make(32, 1000);
    for (u32 c = 2; c < 6; c++)
        for (u32 i = 0; i < 16; i++)
            put_slot(cluster_at(c) + i * 32, "FILE    BIN", 0x20, 0, 0);
    set_entry(2, 5);
    set_entry(5, 4);
    set_entry(4, 3);
    set_entry(3, 2);
    struct volume *v = mounted(made, IMAGE_BYTES, 512);
    struct node root;
    struct dirent entry;
    u64 cursor = 0;
    u32 count = 0;
    enum error error;
    assert_int_equal(fs_fat.root(v, &root), OK);
    while (!(error = fs_fat.list(v, &root, &cursor, &entry)))
        assert_true(++count < 1000);
    assert_int_equal(error, ERR_CORRUPT);
    assert_non_null(strstr(error_text(), "loop"));
}

static void the_active_fat_counts(void **state)
{
    (void)state;
    make(32, 1000);
    u32 fat_bytes = boot()->fat32.fat_sectors * 512;
    memmove(made + 512 + 2 * fat_bytes, made + 512 + fat_bytes, 512 * 100);
    boot()->fats = 2;
    boot()->fat32.flags = FAT32_NOT_MIRRORED | 1;
    made_data += fat_bytes;
    set_chain(2, 1);
    memcpy(made + 512 + fat_bytes, made + 512, fat_bytes);
    memset(made + 512, 0xee, fat_bytes);
    memset(cluster_at(2), 0, 512);
    for (u32 i = 0; i < 16; i++)
        put_slot(cluster_at(2) + i * 32, "FILE    BIN", 0x20, 0, 0);
    struct volume *v = mounted(made, IMAGE_BYTES, 512);
    struct file file;
    assert_int_equal(file_open(v, text_of("/nothing"), &file), ERR_NOT_FOUND);
    boot()->fat32.flags = 1; /* mirrored: the number means nothing */
    v = mounted(made, IMAGE_BYTES, 512);
    assert_int_equal(file_open(v, text_of("/nothing"), &file), ERR_CORRUPT);
}

static void names_are_taken_from_their_slots(void **state)
{
    (void)state;
    static const struct {
        const char *short_name;
        u8 case_flags;
        const char *shown;
    } shorts[] = {
        {"FILE    TXT", 0, "FILE.TXT"},
        {"FILE    TXT", 0x08, "file.TXT"},
        {"FILE    TXT", 0x10, "FILE.txt"},
        {"FILE    TXT", 0x18, "file.txt"},
        {"NOEXT      ", 0x18, "noext"},
        {"TWO WORDX  ", 0, "TWO WORD.X"},
        {"\x05" "BC        ", 0, "_BC"},
        {"\x9a" "BUNG   TXT", 0, "_BUNG.TXT"},
        {".          ", 0, ""},
        {"..         ", 0, ""},
        {"\xe5" "ELETED    ", 0, ""},
    };
    for (u32 i = 0; i < ARRAY_COUNT(shorts); i++) {
        make(12, 1000);
        put_slot(root_at(), shorts[i].short_name, 0x20, 0, 0)->case_flags = shorts[i].case_flags;
        struct volume *v = mounted(made, IMAGE_BYTES, 512);
        struct file file;
        assert_string_equal(first_name(v), shorts[i].shown);
        if (shorts[i].shown[0])
            assert_int_equal(file_open(v, text_of(shorts[i].shown), &file), OK);
    }
    static const struct {
        u32 byte;
        u8 value;
        const char *shown;
    } longs[] = {
        {0, 0x42, "A long name.config"},
        {0, 0x02, "ALONGN~1.CON"},  /* first slot is not the last part */
        {0, 0x43, "ALONGN~1.CON"},  /* a slot is missing */
        {0, 0x40, "ALONGN~1.CON"},
        {0, 0x7f, "ALONGN~1.CON"},
        {0, 0xe5, "ALONGN~1.CON"},
        {13, 0x00, "ALONGN~1.CON"}, /* checksums differ */
        {32, 0x02, "ALONGN~1.CON"}, /* the same part again */
        {32, 0x41, "ALONGN~1.CON"}, /* another name of one slot begins, whose part has no end: 13 units */
        {32, 0xe5, "ALONGN~1.CON"},
        {64, 'B', "BLONGN~1.CON"},  /* renamed by something that knows no long names */
    };
    for (u32 i = 0; i < ARRAY_COUNT(longs); i++) {
        make(12, 1000);
        put_long(root_at(), "A long name.config", "ALONGN~1CON", 0, 0);
        root_at()[longs[i].byte] = longs[i].value;
        struct volume *v = mounted(made, IMAGE_BYTES, 512);
        if (longs[i].byte == 32 && longs[i].value == 0x41)
            assert_string_equal(first_name(v), "A long name.c");
        else
            assert_string_equal(first_name(v), longs[i].shown);
        struct file file;
        assert_int_equal(file_open(v, text_of("A LONG NAME.config"), &file), i ? ERR_NOT_FOUND : OK);
        if (longs[i].byte != 64)
            assert_int_equal(file_open(v, text_of("alongn~1.con"), &file), OK);
    }
    char longest[256];
    memset(longest, 'n', 255);
    longest[255] = 0;
    make(12, 1000);
    put_long(root_at(), longest, "NNNNNN~1   ", 0, 0);
    struct volume *v = mounted(made, IMAGE_BYTES, 512);
    struct file file;
    assert_string_equal(first_name(v), longest);
    assert_int_equal(file_open(v, text_of(longest), &file), OK);
    longest[254] = 0;
    assert_int_equal(file_open(v, text_of(longest), &file), ERR_NOT_FOUND);
}

static void labels_are_found(void **state)
{
    (void)state;
    make(16, 5000);
    memcpy(boot()->old.tail.label, "BOOT LABEL ", 11);
    assert_string_equal(mounted(made, IMAGE_BYTES, 512)->ids.label, "BOOT LABEL");
    u8 *at = root_at() + put_long(root_at(), "some file first", "SOMEFI~1   ", 0, 0);
    put_slot(at, "\xe5LD LABEL  ", 0x08, 0, 0);
    put_slot(at + 32, "ROOT LABEL ", 0x08, 0, 0);
    assert_string_equal(mounted(made, IMAGE_BYTES, 512)->ids.label, "ROOT LABEL");
    boot()->old.tail.signature = 0;
    struct volume *v = mounted(made, IMAGE_BYTES, 512);
    assert_string_equal(v->ids.uuid, "");
    assert_string_equal(v->ids.label, "ROOT LABEL");
}

static void ten_thousand_entries_are_fast(void **state)
{
    (void)state;
    make(32, 70000);
    u32 clusters = 10000 * 3 * 32 / 512 + 1;
    set_entry(2, 100);
    set_chain(100, clusters);
    u8 *at = cluster_at(100);
    for (u32 i = 0; i < 16; i++)
        put_slot(cluster_at(2) + i * 32, "\xe5         ", 0x20, 0, 0);
    for (u32 i = 0; i < 10000; i++) {
        char name[32], short_name[12];
        snprintf(name, sizeof name, "file number %05u.txt", i);
        snprintf(short_name, sizeof short_name, "F%05u~1TXT", i);
        at += put_long(at, name, short_name, 0, 0);
    }
    struct volume *v = mounted(made, IMAGE_BYTES, 512);
    struct file file;
    assert_int_equal(file_open(v, text_of("/File Number 09999.TXT"), &file), OK);
    assert_int_equal(file_open(v, text_of("/f04711~1.txt"), &file), OK);
    assert_int_equal(file_open(v, text_of("/file number 10000.txt"), &file), ERR_NOT_FOUND);
    assert_true(v->disk->stats.requests < 80);
    struct dirent entry;
    u64 cursor = 0;
    u32 count = 0;
    assert_int_equal(file_open(v, text_of("/"), &file), OK);
    while (!file_list(&file, &cursor, &entry))
        count++;
    assert_int_equal(count, 10000);
}

/* ---- the group -------------------------------------------------------------------------------------------------- */

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/shim-test-fat-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    setenv("LC_ALL", "C.UTF-8", 1);
    setenv("MTOOLS_SKIP_CHECK", "1", 1);
    run("tests/images/fat_source.sh %s/source", folder);
    made = malloc(IMAGE_BYTES);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(made);
    run("rm -rf %s", folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(volumes_by_mkfs_are_read_whole),
        cmocka_unit_test(volumes_by_mformat_are_read),
        cmocka_unit_test(fragmented_files_are_read_whole),
        cmocka_unit_test(names_are_found_without_case),
        cmocka_unit_test(type_follows_from_the_clusters),
        cmocka_unit_test(broken_boot_sectors_are_refused),
        cmocka_unit_test(broken_chains_are_told),
        cmocka_unit_test(directory_loops_end),
        cmocka_unit_test(the_active_fat_counts),
        cmocka_unit_test(names_are_taken_from_their_slots),
        cmocka_unit_test(labels_are_found),
        cmocka_unit_test(ten_thousand_entries_are_fast),
    };
    return cmocka_run_group_tests_name("fat", tests, setup, teardown);
}
