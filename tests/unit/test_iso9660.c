/* test_iso9660.c: fs/iso9660.c and fs/iso_rock.c on images by xorriso and genisoimage, compared byte for byte with
 * their source, and on images built here: sound first, then with each field broken in turn. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host.h"

#include "file.h"
#include "tools.h"
#include "tree.h"

extern const struct filesystem fs_iso9660;

static char folder[64];

static struct volume *volume_of(const u8 *image, u64 size, u32 block_size)
{
    host_reset();
    struct volume *v = host_volume(host_disk(NULL, "sr", image, size, block_size));
    v->fs = &fs_iso9660;
    return v;
}

static struct volume *mounted(const u8 *image, u64 size, u32 block_size)
{
    struct volume *v = volume_of(image, size, block_size);
    if (fs_iso9660.mount(v))
        FAILED("mount: %s", error_text());
    return v;
}

/* ---- real images ------------------------------------------------------------------------------------------------ */

/* The link's own target, as the filesystem gives it. */
static void compare_link(struct volume *v, const char *real, const char *path)
{
    char expected[4096], target[4096] = "", parent[2048];
    const char *name = strrchr(path, '/');
    struct file dir;
    struct node node;
    ssize_t size = readlink(real, expected, sizeof expected - 1);
    assert_true(size > 0);
    expected[size] = 0;
    snprintf(parent, sizeof parent, "/%.*s", name ? (int)(name - path) : 0, path);
    assert_int_equal(file_open(v, text_of(parent), &dir), OK);
    if (fs_iso9660.lookup(v, &dir.node, text_of(name ? name + 1 : path), &node))
        FAILED("%s: %s", path, error_text());
    assert_int_equal(node.type, NODE_SYMLINK);
    assert_true(node.size < sizeof target);
    for (u32 again = 0; again < 2; again++) { /* remembered, then read again */
        assert_int_equal(fs_iso9660.read_link(v, &node, target), OK);
        target[node.size] = 0;
        if (strcmp(target, expected))
            FAILED("%s: \"%s\", expected \"%s\"", path, target, expected);
        u64 cursor = 0;
        struct dirent entry;
        fs_iso9660.list(v, &dir.node, &cursor, &entry);
        memset(target, 0, sizeof target);
    }
}

/* `extra`: entries that the tool adds; ~0: it adds many. */
static void compare_tree(struct volume *v, const char *tree, u32 extra)
{
    char command[256], line[1024], real[1200];
    u32 count = 0;
    snprintf(command, sizeof command, "cd %s/%s && find . -mindepth 1 -printf '%%y%%p\\n'", folder, tree);
    FILE *list = popen(command, "r");
    assert_non_null(list);
    for (; fgets(line, sizeof line, list); count++) {
        line[strcspn(line, "\n")] = 0;
        snprintf(real, sizeof real, "%s/%s/%s", folder, tree, line + 1);
        if (line[0] == 'f')
            compare_file(v, real, line + 2);
        else if (line[0] == 'l')
            compare_link(v, real, line + 3);
    }
    pclose(list);
    assert_true(count > 2);
    if (extra != ~0u)
        assert_int_equal(count_tree(v, ""), count + extra);
}

/* Start a tool that writes `name`; image_ready() waits. xorriso sleeps more than it works, so all run at once. */
static FILE *image_start(const char *name, const char *tool, const char *options, const char *tree)
{
    char command[1024];
    snprintf(command, sizeof command, "%s %s %s -o %s/%s %s/%s 2>&1 || echo FAILED", tool,
             strcmp(tool, "grub-mkrescue") ? "-quiet" : "", options, folder, name, folder, tree);
    FILE *p = popen(command, "r");
    assert_non_null(p);
    return p;
}

static u8 *image_ready(FILE *p, const char *name, u64 *size)
{
    char path[128], said[4096];
    said[fread(said, 1, sizeof said - 1, p)] = 0;
    pclose(p);
    if (strstr(said, "FAILED"))
        FAILED("%s", said);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return host_file(path, size);
}

static void images_by_the_tools_are_read_whole(void **state)
{
    (void)state;
    static const struct {
        const char *tool, *options, *tree, *described;
        u32 block_size, extra;
    } cases[] = {
        {"xorrisofs", "-R -V ROCK", "rock", "iso9660 Rock Ridge", 2048, 0},
        {"xorrisofs", "-R -J -joliet-long -V 'Both of them, with a long label'", "rock", "iso9660 Rock Ridge", 512, 0},
        {"xorrisofs", "-r -iso-level 3 -D", "rock", "iso9660 Rock Ridge", 4096, 0},
        {"xorrisofs", "-R -rr_reloc_dir /moved", "rock", "iso9660 Rock Ridge", 2048, 0},
        {"xorrisofs", "-R -partition_offset 16 -b boot/vmlinuz -no-emul-boot", "rock", "iso9660 Rock Ridge", 512, 1},
        {"xorrisofs", "-R --protective-msdos-label", "links", "iso9660 Rock Ridge", 512, 0},
        {"xorrisofs", "--norock -J -V 'Ärger'", "joliet", "iso9660 Joliet", 2048, 0},
        {"xorrisofs", "--norock -J -joliet-long -V 'Mixed Case, more than 16'", "joliet", "iso9660 Joliet", 512, 0},
        {"xorrisofs", "--norock -iso-level 1", "short", "iso9660", 2048, 0},
        {"xorrisofs", "--norock -iso-level 2", "short", "iso9660", 512, 0},
        {"xorrisofs", "--norock -iso-level 3 -omit-period -omit-version-number", "short", "iso9660", 512, 0},
        {"xorrisofs", "--norock -iso-level 4 -D", "short", "iso9660", 512, 0},
        {"genisoimage", "-R -V ROCK", "rock", "iso9660 Rock Ridge", 2048, 1},
        {"genisoimage", "-R -hide-rr-moved", "rock", "iso9660 Rock Ridge", 512, 1},
        {"genisoimage", "-R -J -joliet-long -D -input-charset utf-8", "joliet", "iso9660 Rock Ridge", 512, 0},
        {"genisoimage", "-R -U -iso-level 4 -D", "short", "iso9660 Rock Ridge", 512, 0},
        {"genisoimage", "-J -joliet-long -V 'öl_and_so_on' -input-charset utf-8", "joliet", "iso9660 Joliet", 512, 0},
        {"genisoimage", "-iso-level 1", "short", "iso9660", 512, 0},
        {"genisoimage", "-iso-level 2", "short", "iso9660", 2048, 0},
        {"genisoimage", "-iso-level 3 -d -N", "short", "iso9660", 512, 0},
        {"genisoimage", "-iso-level 4 -l", "short", "iso9660", 4096, 0},
        {"genisoimage", "-R -apple", "short", "iso9660 Rock Ridge", 512, 0},
        {"grub-mkrescue", "--locales= --fonts= --themes=", "links", "iso9660 Rock Ridge", 512, 0},
    };
    FILE *tools[ARRAY_COUNT(cases)];
    char name[32];
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        snprintf(name, sizeof name, "image%u", i);
        tools[i] = image_start(name, cases[i].tool, cases[i].options, cases[i].tree);
    }
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        char uuid[64], label[128];
        u64 size;
        snprintf(name, sizeof name, "image%u", i);
        u8 *image = image_ready(tools[i], name, &size);
        line_of(uuid, sizeof uuid, "blkid -p -o value -s UUID %s/%s", folder, name);
        line_of(label, sizeof label, "blkid -p -o value -s LABEL %s/%s", folder, name);
        struct volume *v = mounted(image, size, cases[i].block_size);
        if (strcmp(v->ids.label, label) || strcmp(v->ids.uuid, uuid) || !uuid[0])
            FAILED("%s %s: label \"%s\", UUID %s, expected \"%s\", %s", cases[i].tool, cases[i].options, v->ids.label,
                   v->ids.uuid, label, uuid);
        if (strcmp(fs_iso9660.describe(v), cases[i].described))
            FAILED("%s %s: %s", cases[i].tool, cases[i].options, fs_iso9660.describe(v));
        assert_true(fs_iso9660.covers(v) > 100000 && fs_iso9660.covers(v) <= size);
        compare_tree(v, cases[i].tree, strcmp(cases[i].tool, "grub-mkrescue") ? cases[i].extra : ~0u);
        if (strstr(cases[i].options, "-partition_offset")) { /* its partition is the same volume, from there on */
            v = volume_of(image, size, cases[i].block_size);
            v->offset = 16 * 2048;
            v->size -= v->offset;
            assert_int_equal(fs_iso9660.mount(v), OK);
            compare_tree(v, cases[i].tree, cases[i].extra);
        }
        free(image);
    }
}

static void ten_thousand_entries_are_fast(void **state)
{
    (void)state;
    static const char *const options[] = {"-R", "--norock -J -joliet-long"};
    FILE *tools[2];
    run("mkdir %s/many && cd %s/many && seq -f 'file-number-%%05g.txt' 10000 | xargs touch && "
        "echo 7 >file-number-04711.txt", folder, folder);
    for (u32 i = 0; i < 2; i++)
        tools[i] = image_start(i ? "many1" : "many0", "xorrisofs", options[i], "many");
    for (u32 i = 0; i < 2; i++) {
        u64 size;
        u8 *image = image_ready(tools[i], i ? "many1" : "many0", &size);
        struct volume *v = mounted(image, size, 2048);
        struct file file;
        struct dirent entry;
        u64 cursor = 0;
        u32 count = 0;
        assert_int_equal(file_open(v, text_of("/file-number-10000.txt"), &file), OK);
        assert_int_equal(file_open(v, text_of("/file-number-04711.txt"), &file), OK);
        assert_int_equal(file.size, 2);
        assert_int_equal(file_open(v, text_of("/file-number-10001.txt"), &file), ERR_NOT_FOUND);
        assert_int_equal(file_open(v, text_of("/"), &file), OK);
        while (!file_list(&file, &cursor, &entry))
            count++;
        assert_int_equal(count, 10000);
        assert_true(v->disk->stats.requests < 5 * size / BLOCK_SIZE_MAX);
        free(image);
    }
}

/* Only the beginning of the image is kept; the file's bytes are what is written here into the hole behind it. */
static void files_above_4_gib_are_one_file(void **state)
{
    (void)state;
    char path[128], line[256];
    unsigned long first, second;
    u64 file_bytes = MIB(4300), disk_bytes = MIB(4400);
    run("mkdir %s/big && truncate -s 4300M %s/big/file && "
        "{ xorrisofs -quiet -R -iso-level 3 -o - %s/big 2>/dev/null | head -c 400K >%s/large; } && "
        "truncate -s 4400M %s/large", folder, folder, folder, folder, folder);
    snprintf(path, sizeof path, "%s/large", folder);
    line_of(line, sizeof line, "xorriso -indev %s -find / -exec report_lba 2>/dev/null | grep 'lba:  0'", path);
    assert_int_equal(sscanf(line, "File data lba: 0 , %lu", &first), 1);
    line_of(line, sizeof line, "xorriso -indev %s -find / -exec report_lba 2>/dev/null | grep 'lba:  1'", path);
    assert_int_equal(sscanf(line, "File data lba: 1 , %lu", &second), 1);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    u8 *image = mmap(NULL, disk_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(image != MAP_FAILED);
    u64 border = (second - first) * 2048;
    assert_true(border > GIB(4) - 8192 && border < file_bytes);
    memcpy(image + first * 2048 + border - 4, "lastnext", 8);
    memcpy(image + first * 2048 + file_bytes - 3, "end", 3);
    for (u32 block_size = 512; block_size <= 2048; block_size *= 4) {
        struct volume *v = mounted(image, disk_bytes, block_size);
        struct file file;
        struct extent extent;
        char bytes[9] = "";
        assert_int_equal(file_open(v, text_of("/file"), &file), OK);
        assert_int_equal(file.size, file_bytes);
        assert_int_equal(fs_iso9660.map(v, &file.node, 0, &extent), OK);
        assert_int_equal(extent.size, file_bytes); /* the sections are neighbours */
        assert_int_equal(file_read(&file, border - 4, 8, bytes), OK);
        assert_string_equal(bytes, "lastnext");
        assert_int_equal(file_read(&file, file_bytes - 3, 3, bytes), OK);
        assert_memory_equal(bytes, "end", 3);
    }
    munmap(image, disk_bytes);
    close(fd);
}

/* ---- images built here ------------------------------------------------------------------------------------------ */

#define IMAGE_BYTES KIB(256)
#define ROOT_BYTE (20 * 2048u)
#define DIR_BYTE (24 * 2048u)  /* /DIR, in images that have one */
#define DATA_BYTE (40 * 2048u) /* every sector begins with its number */
#define CE_BYTE (30 * 2048u)

static u8 made[IMAGE_BYTES];
static u32 made_block;
static u8 *end; /* of the directory that is being written */

/* What Rock Ridge adds to the next record. */
static u8 use[256];
static u32 use_size;

static void add_use(const char *tag, const void *data, u32 size)
{
    memcpy(use + use_size, tag, 2);
    use[use_size + 2] = (u8)(4 + size);
    use[use_size + 3] = 1;
    memcpy(use + use_size + 4, data, size);
    use_size += 4 + size;
}

static void put_both16(u8 *at, u16 value)
{
    memcpy(at, &value, 2);
    memset(at + 2, 0xee, 2); /* the big endian half is wrong in some images */
}

static void put_both32(u8 *at, u32 value)
{
    memcpy(at, &value, 4);
    memset(at + 4, 0xee, 4);
}

/* A record at `end`, which moves behind it; with what is in `use`. Returns where it begins. */
static u8 *put_record(const char *name, u32 name_size, u8 flags, u32 byte, u32 size)
{
    u8 *at = end;
    u32 head = 33 + name_size + (name_size % 2 ? 0 : 1);
    memset(at, 0, head);
    at[0] = (u8)(head + use_size);
    put_both32(at + 2, byte / made_block);
    put_both32(at + 10, size);
    at[25] = flags;
    put_both16(at + 28, 1);
    at[32] = (u8)name_size;
    memcpy(at + 33, name, name_size);
    memcpy(at + head, use, use_size);
    end += head + use_size;
    use_size = 0;
    return at;
}

static u8 *put_file(const char *name, u32 size)
{
    return put_record(name, (u32)strlen(name), 0, DATA_BYTE, size);
}

static void put_dots(u32 byte)
{
    end = made + byte;
    put_record("\0", 1, 2, byte, 2048);
    put_record("\1", 1, 2, ROOT_BYTE, 2048);
}

static u8 *put_descriptor(u32 sector, u8 type, u32 root)
{
    u8 *d = made + sector * 2048;
    d[0] = type;
    memcpy(d + 1, "CD001\1", 6);
    memset(d + 8, ' ', 64);
    put_both32(d + 80, (u32)(IMAGE_BYTES / made_block));
    put_both16(d + 120, 1);
    put_both16(d + 124, 1);
    put_both16(d + 128, (u16)made_block);
    end = d + 156;
    use_size = 0;
    put_record("\0", 1, 2, root, 2048);
    memset(d + 813, '0', 16);
    memcpy(d + 830, "2024010203040506", 16);
    d[881] = 1;
    return d;
}

/* An image with nothing in its root directory, to which `end` points. */
static void make(u32 block)
{
    memset(made, 0, sizeof made);
    made_block = block;
    for (u32 i = DATA_BYTE; i < IMAGE_BYTES; i += 2048)
        for (u32 k = 0; k < 2048; k++)
            made[i + k] = (u8)(i / 2048 + k);
    put_descriptor(16, 1, ROOT_BYTE);
    memcpy(made + 17 * 2048, "\xff" "CD001\1", 7);
    put_dots(DIR_BYTE);
    put_dots(ROOT_BYTE);
}

/* The same with Rock Ridge: SP with `skip`, and PX. */
static void make_rock(u8 skip)
{
    u8 sp[3] = {0xbe, 0xef, skip}, px[32] = {0x6d, 0x41};
    make(2048);
    end = made + ROOT_BYTE;
    add_use("SP", sp, sizeof sp);
    add_use("PX", px, sizeof px);
    put_record("\0", 1, 2, ROOT_BYTE, 2048);
    put_record("\1", 1, 2, ROOT_BYTE, 2048);
}

static u8 *make_joliet(void)
{
    make(2048);
    u8 *d = put_descriptor(17, 2, DIR_BYTE);
    memcpy(d + 88, "%/E", 3);
    memcpy(made + 18 * 2048, "\xff" "CD001\1", 7);
    put_dots(DIR_BYTE);
    return d;
}

static struct volume *mount_made(void)
{
    return mounted(made, IMAGE_BYTES, 512);
}

/* The name of the first entry in the root directory of what was made; "" when there is none. */
static const char *first_name(struct volume *v)
{
    static struct dirent entry;
    struct node root;
    u64 cursor = 0;
    assert_int_equal(fs_iso9660.root(v, &root), OK);
    if (fs_iso9660.list(v, &root, &cursor, &entry))
        entry.name[0] = 0;
    return entry.name;
}

/* All names in the root directory of what was made, each with a blank behind it. */
static const char *names_of(struct volume *v)
{
    static char names[512];
    struct dirent entry;
    struct node root;
    u64 cursor = 0;
    u32 used = 0;
    names[0] = 0;
    assert_int_equal(fs_iso9660.root(v, &root), OK);
    while (!fs_iso9660.list(v, &root, &cursor, &entry))
        used += format_text(names + used, (u32)sizeof names - used, "%s ", entry.name);
    assert_string_equal(error_text(), "");
    return names;
}

/* Open and read the whole of `path` (at most 64 KiB). */
static enum error read_path(struct volume *v, const char *path, u8 *bytes, u64 *size)
{
    struct file file;
    enum error error = file_open(v, text_of(path), &file);
    if (error)
        return error;
    *size = file.size;
    assert_true(file.size <= 65536);
    return file_read(&file, 0, file.size, bytes);
}

static void expect(u32 number, enum error error, enum error expected, const char *says)
{
    if (error != expected || (error && error != ERR_NOT_MINE && !strstr(error_text(), says)))
        FAILED("case %u: %d, \"%s\", expected %d, \"%s\"", number, (int)error, error_text(), (int)expected, says);
}

/* A number that is put over `size` bytes of something sound, and what comes of it. */
struct damage {
    u32 byte, size;
    u64 value;
    enum error expected;
    const char *says;
};

static void broken_descriptors_are_told(void **state)
{
    (void)state;
    static const struct damage cases[] = { /* to the primary descriptor */
        {0, 1, 1, OK, NULL},
        {0, 1, 255, ERR_CORRUPT, "without a primary volume descriptor"},
        {0, 1, 2, ERR_CORRUPT, "without a primary volume descriptor"},
        {1, 1, 'X', ERR_NOT_MINE, NULL},
        {9, 5, 0x4d4f524443, ERR_UNSUPPORTED, "High Sierra"},
        {128, 2, 0, ERR_CORRUPT, "byte 128: 0 bytes per logical block"},
        {128, 2, 4096, ERR_CORRUPT, "byte 128: 4096 bytes per logical block"},
        {128, 2, 768, ERR_CORRUPT, "768 bytes per logical block"},
        {130, 2, 0, OK, NULL},
        {80, 4, 0, ERR_CORRUPT, "byte 80: 0 blocks"},
        {80, 4, 0xffffffff, OK, NULL},
        {156, 1, 33, ERR_CORRUPT, "byte 156: 33 bytes of record of the root"},
        {158, 4, 0xffffffff, ERR_RANGE, "root directory: (sr0): 255 bytes at byte 8796093020160 reach past the end"},
        {158, 4, 100, ERR_CORRUPT, "root directory: (sr0): directory record at byte 204800"},
        {166, 4, 0, ERR_CORRUPT, "byte 166: 0 bytes of root directory"},
        {181, 1, 0, ERR_CORRUPT, "byte 181: 0 as flags of the root directory"},
        {182, 1, 1, ERR_UNSUPPORTED, "interleaved (1 blocks"},
        {120, 4, 0x20002, OK, NULL},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        make(2048);
        put_file("FILE.TXT;1", 10);
        memcpy(made + 16 * 2048 + cases[i].byte, &cases[i].value, cases[i].size);
        expect(i, fs_iso9660.mount(volume_of(made, IMAGE_BYTES, 512)), cases[i].expected, cases[i].says);
    }
    make(2048);
    assert_int_equal(fs_iso9660.mount(volume_of(made, 16 * 2048, 512)), ERR_NOT_MINE);
    assert_int_equal(fs_iso9660.mount(volume_of(made, 17 * 2048, 512)), ERR_RANGE);
    memset(made, 0, 16 * 2048);
    for (u32 i = 17; i < 128; i++) /* without an end */
        memcpy(made + i * 2048, made + 16 * 2048, 2048);
    expect(100, fs_iso9660.mount(volume_of(made, IMAGE_BYTES, 512)), ERR_CORRUPT, "root directory");
    make_joliet();
    put_both32(made + 17 * 2048 + 166, 0);
    expect(101, fs_iso9660.mount(volume_of(made, IMAGE_BYTES, 512)), ERR_CORRUPT, "ISO 9660 Joliet volume descriptor");
    make(2048);
    put_both32(made + 16 * 2048 + 80, 1000000);
    struct volume *v = mount_made();
    assert_non_null(strstr(host_log(), "2048000000 bytes on a volume of 262144, read as far as it goes"));
    assert_int_equal(fs_iso9660.covers(v), 2048000000);
}

static void broken_records_are_told(void **state)
{
    (void)state;
    static const struct damage cases[] = { /* to the record of FILE.TXT */
        {0, 1, 44, OK, NULL},
        {0, 1, 0, ERR_NOT_FOUND, "missing"},
        {0, 1, 1, ERR_CORRUPT, "directory record at byte 41028: 1 bytes, expected 34 to 255"},
        {0, 1, 33, ERR_CORRUPT, "33 bytes, expected 34"},
        {0, 1, 40, ERR_CORRUPT, "a name of 10 bytes, expected 1 to 7"},
        {32, 1, 0, ERR_CORRUPT, "a name of 0 bytes, expected 1 to 11"},
        {32, 1, 255, ERR_CORRUPT, "a name of 255 bytes"},
        {1, 1, 1, OK, NULL},
        {2, 4, 127, OK, NULL},
        {2, 4, 128, ERR_TRUNCATED,
         "/file.txt: (sr0): truncated image: byte 0 of the file is at byte 262144 of the volume, which has 262144"},
        {2, 4, 0xffffffff, ERR_TRUNCATED, "truncated image: byte 0 of the file is at byte 8796093020160"},
        {10, 4, 2048 * 88, OK, NULL},
        {10, 4, 2048 * 88 + 1, ERR_TRUNCATED, "byte 180224 of the file is at byte 262144"},
        {25, 1, 1, OK, NULL}, /* hidden */
        {25, 1, 4, ERR_NOT_FOUND, "missing"},
        {25, 1, 0x80, ERR_CORRUPT, "the directory ends at byte 43008, before the last section of a file"},
        {26, 1, 2, ERR_UNSUPPORTED, "/file.txt: (sr0): interleaved (2 blocks, then a gap of 0)"},
        {27, 1, 3, ERR_UNSUPPORTED, "then a gap of 3"},
        {28, 2, 2, OK, NULL}, /* this is no set */
    };
    static u8 bytes[IMAGE_BYTES];
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        struct file file;
        make(2048);
        u8 *record = put_file("FILE.TXT;1", 100);
        memcpy(record + cases[i].byte, &cases[i].value, cases[i].size);
        struct volume *v = mount_made();
        enum error error = file_open(v, text_of("/file.txt"), &file);
        if (!error)
            error = file_read(&file, 0, min_u64(file.size, sizeof bytes), bytes);
        expect(i, error, cases[i].expected, cases[i].says);
        if (!error && cases[i].byte != 2)
            assert_memory_equal(bytes, made + DATA_BYTE + (cases[i].byte == 1 ? 2048 : 0), 100);
    }
    make(2048);
    put_both16(made + 16 * 2048 + 120, 2);
    put_both16(put_file("FILE.TXT;1", 100) + 28, 2);
    u64 size;
    expect(100, read_path(mount_made(), "/file.txt", bytes, &size), ERR_UNSUPPORTED,
           "lies on volume 2 of the set, this is volume 1");
    make(2048);
    put_record("DIR", 3, 2, DIR_BYTE, 0x7ffff800);
    expect(101, read_path(mount_made(), "/dir/file", bytes, &size), ERR_TRUNCATED,
           "a directory of 2147481600 bytes at byte 49152");
    make(2048);
    put_record("DIR", 3, 2, ROOT_BYTE, 2048); /* a loop */
    expect(102, read_path(mount_made(), "/dir/dir/dir/dir/file", bytes, &size), ERR_NOT_FOUND, "\"file\" is missing");
    /* A record that reaches into the next sector. */
    make(2048);
    put_both32(made + 16 * 2048 + 166, 4096);
    while (end < made + ROOT_BYTE + 2030)
        put_file("F.TXT;1", 1);
    expect(103, read_path(mount_made(), "/x", bytes, &size), ERR_CORRUPT, "40 bytes, expected 34 to 20");
}

static void records_are_found_in_every_sector(void **state)
{
    (void)state;
    static const u32 blocks[] = {512, 1024, 2048};
    for (u32 i = 0; i < ARRAY_COUNT(blocks); i++) {
        u8 bytes[4096];
        u64 size;
        make(blocks[i]);
        put_both32(made + 16 * 2048 + 166, 3 * 2048);
        put_file("A.TXT;1", 1);
        end = made + ROOT_BYTE + 2 * 2048; /* a sector of nothing between them */
        put_record("SUB", 3, 2, DIR_BYTE + 512, 512);
        put_file("B.TXT;1", 3000);
        put_dots(DIR_BYTE + 512);
        if (blocks[i] == 512)
            put_file("C.TXT;1", 2);
        struct volume *v = mount_made();
        assert_int_equal(read_path(v, "/b.txt", bytes, &size), OK);
        assert_int_equal(size, 3000);
        assert_memory_equal(bytes, made + DATA_BYTE, 3000);
        if (blocks[i] == 512)
            assert_int_equal(read_path(v, "/sub/c.txt", bytes, &size), OK);
        assert_int_equal(read_path(v, "/c.txt", bytes, &size), ERR_NOT_FOUND);
    }
}

static void sections_make_one_file(void **state)
{
    (void)state;
    u8 bytes[65536];
    u64 size;
    make(2048);
    put_record("A;1", 3, 4, DATA_BYTE, 5); /* associated */
    put_record("A;1", 3, 0x80, DATA_BYTE, 4096);
    put_record("A;1", 3, 0x80, DATA_BYTE + 4096, 2048);
    put_record("A;1", 3, 0x80, DATA_BYTE + 8 * 2048, 2048);
    put_record("A;1", 3, 0x80, DATA_BYTE + 3 * 2048, 0);
    put_record("A;1", 3, 0x80, DATA_BYTE + 9 * 2048, 100);
    put_record("A;1", 3, 0x00, DATA_BYTE + 2048, 50);
    put_file("B;1", 7);
    struct volume *v = mount_made();
    assert_int_equal(read_path(v, "/a", bytes, &size), OK);
    assert_int_equal(size, 4096 + 2048 + 2048 + 100 + 50);
    assert_memory_equal(bytes, made + DATA_BYTE, 6144);
    assert_memory_equal(bytes + 6144, made + DATA_BYTE + 8 * 2048, 2148);
    assert_memory_equal(bytes + 8292, made + DATA_BYTE + 2048, 50);
    struct file file;
    assert_int_equal(file_open(v, text_of("/a"), &file), OK);
    for (u64 at = size; at--;) { /* backwards */
        u8 byte;
        assert_int_equal(file_read(&file, at, 1, &byte), OK);
        assert_int_equal(byte, bytes[at]);
    }
    struct dirent entry;
    u64 cursor = 0;
    assert_int_equal(file_open(v, text_of("/"), &file), OK);
    assert_int_equal(file_list(&file, &cursor, &entry), OK);
    assert_string_equal(entry.name, "a");
    assert_int_equal(file_list(&file, &cursor, &entry), OK);
    assert_string_equal(entry.name, "b");
    assert_int_equal(file_list(&file, &cursor, &entry), ERR_NOT_FOUND);
}

static void plain_names_are_shown_as_linux_does(void **state)
{
    (void)state;
    static const struct {
        const char *name, *shown;
    } cases[] = {
        {"FILE.TXT;1", "file.txt"}, {"NOEXT.;1", "noext"},     {"NOEXT.", "noext"},   {"NOEXT", "noext"},
        {"OLD.TXT;2", "old.txt.2"}, {"A/B.C;1", "a.b.c"},      {";1", ".1"},          {"mixed.Case;1", "mixed.case"},
        {"\xe4.TXT;1", "\xe4.txt"}, {"LONGER_THAN_8.CONF;1", "longer_than_8.conf"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        struct file file;
        make(2048);
        put_file(cases[i].name, 10);
        struct volume *v = mount_made();
        assert_string_equal(first_name(v), cases[i].shown);
        assert_int_equal(file_open(v, text_of(cases[i].shown), &file), OK);
    }
    struct file file;
    make(2048);
    put_file("VMLINUZ.IMG;1", 10);
    assert_int_equal(file_open(mount_made(), text_of("/vmLINUZ.IMG"), &file), OK);
}

static u8 *put_wide(const char *name, u32 size)
{
    char units[200];
    u32 n = (u32)strlen(name);
    for (u32 i = 0; i < n; i++) {
        units[2 * i] = 0;
        units[2 * i + 1] = name[i];
    }
    return put_record(units, 2 * n, 0, DATA_BYTE, size);
}

static void joliet_names_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *name, *shown;
    } cases[] = {{"A name.txt;1", "A name.txt"}, {"dots...", "dots"}, {"two;2", "two;2"}, {"noversion", "noversion"}};
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        make_joliet();
        put_wide(cases[i].name, 10);
        assert_string_equal(first_name(mount_made()), cases[i].shown);
    }
    static const struct {
        const char *path;
        u32 size; /* 0: none */
    } paths[] = {{"/makefile", 2}, {"/Makefile", 1}, {"/MAKEFILE", 1}, {"/readme", 3}, {"/READ", 0}, {"/README", 3}};
    make_joliet();
    put_wide("Makefile;1", 1);
    put_wide("makefile;1", 2);
    put_wide("ReadMe", 3);
    struct volume *v = mount_made();
    for (u32 i = 0; i < ARRAY_COUNT(paths); i++) {
        struct file file;
        assert_int_equal(file_open(v, text_of(paths[i].path), &file), paths[i].size ? OK : ERR_NOT_FOUND);
        if (paths[i].size)
            assert_int_equal(file.size, paths[i].size);
    }
    for (const char *level = "@CE"; *level; level++) {
        make_joliet()[90] = (u8)*level;
        assert_string_equal(fs_iso9660.describe(mount_made()), "iso9660 Joliet");
    }
    make_joliet()[90] = 'X';
    assert_string_equal(fs_iso9660.describe(mount_made()), "iso9660");
}

static void labels_and_dates_are_as_blkid_tells_them(void **state)
{
    (void)state;
    static const struct {
        const char *primary, *joliet; /* as far as it is not blanks */
    } labels[] = {
        {"LABEL", "Label"}, {"LABEL_OF_MORE_THAN_16_LETTERS", "Label_of_more_th"}, {"ONE", "Two"}, {"A_B", "A B"},
        {"lower", "LOWER"}, {"", "joliet only"}, {"PRIMARY", ""}, {"", ""}, {"CDROM", "_DROM"},
    };
    static const struct {
        const char *modified, *created;
    } dates[] = {
        {"2024123123595999", "2020010203040506"}, {"0000000000000000", "2020010203040506"},
        {"0000000000000000", "0000000000000000"},
    };
    char path[128], expected[128];
    snprintf(path, sizeof path, "%s/made", folder);
    for (u32 i = 0; i < ARRAY_COUNT(labels) + ARRAY_COUNT(dates); i++) {
        bool is_date = i >= ARRAY_COUNT(labels);
        u8 *d = make_joliet();
        if (is_date) {
            memcpy(made + 16 * 2048 + 813, dates[i - ARRAY_COUNT(labels)].created, 16);
            memcpy(made + 16 * 2048 + 830, dates[i - ARRAY_COUNT(labels)].modified, 16);
        } else {
            memcpy(made + 16 * 2048 + 40, labels[i].primary, strlen(labels[i].primary));
            for (u32 k = 0; k < 16; k++) {
                d[40 + 2 * k] = 0;
                d[41 + 2 * k] = k < strlen(labels[i].joliet) ? (u8)labels[i].joliet[k] : ' ';
            }
        }
        FILE *f = fopen(path, "wb");
        assert_int_equal(fwrite(made, 1, sizeof made, f), sizeof made);
        fclose(f);
        struct volume *v = mount_made();
        line_of(expected, sizeof expected, "blkid -p -o value -s %s %s", is_date ? "UUID" : "LABEL", path);
        if (strcmp(is_date ? v->ids.uuid : v->ids.label, expected))
            FAILED("case %u: \"%s\", expected \"%s\"", i, is_date ? v->ids.uuid : v->ids.label, expected);
    }
}

/* ---- Rock Ridge built here -------------------------------------------------------------------------------------- */

/* A NM entry; SL is built likewise from its parts. */
static void add_name(u8 flags, const char *name)
{
    u8 data[200] = {flags};
    memcpy(data + 1, name, strlen(name));
    add_use("NM", data, 1 + (u32)strlen(name));
}

static void add_mode(u16 mode)
{
    u8 px[32] = {(u8)mode, (u8)(mode >> 8)};
    add_use("PX", px, sizeof px);
}

static void add_continuation(u32 byte, u32 size)
{
    u8 ce[24];
    put_both32(ce, byte / 2048);
    put_both32(ce + 8, byte % 2048);
    put_both32(ce + 16, size);
    add_use("CE", ce, sizeof ce);
}

/* What `use` holds becomes a continuation area. */
static u32 put_area(u32 byte)
{
    u32 size = use_size;
    memcpy(made + byte, use, use_size);
    use_size = 0;
    return size;
}

static void rock_names_are_put_together(void **state)
{
    (void)state;
    static const struct {
        const char *parts; /* flags and name, "|" between parts; upper case flag: in a continuation area */
        const char *shown;
    } cases[] = {
        {"0Name.Conf", "Name.Conf"}, {"1Na|0me", "Name"},    {"1Na|1m|0e", "Name"}, {"1Na", "Na"},
        {"2", "file"},               {"4x", "file"},         {"1a|0", "a"},         {"", "file"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++)
        for (u32 far = 0; far < 2; far++) {
            make_rock(0);
            struct text rest = text_of(cases[i].parts), part;
            u8 *root_end = end;
            while (text_split(&rest, '|', &part))
                if (part.len) {
                    char name[32] = "";
                    memcpy(name, part.at + 1, part.len - 1);
                    add_name((u8)(part.at[0] - '0'), name);
                }
            if (far)
                add_continuation(CE_BYTE + 100, put_area(CE_BYTE + 100));
            end = root_end;
            put_file("FILE.;1", 10);
            struct volume *v = mount_made();
            struct file file;
            assert_string_equal(first_name(v), cases[i].shown);
            if (file_open(v, text_of(cases[i].shown), &file))
                FAILED("case %u: %s", i, error_text());
            assert_int_equal(file_open(v, text_of("Nam"), &file), ERR_NOT_FOUND);
            assert_int_equal(file_open(v, text_of("Names"), &file), ERR_NOT_FOUND);
        }
}

static void rock_is_found_where_it_is(void **state)
{
    (void)state;
    static const struct {
        u32 skip, before; /* as SP says; bytes before SP */
        bool sp, rock;
    } cases[] = {
        {0, 0, true, true}, {8, 0, true, true}, {14, 14, true, true}, {0, 0, false, true}, {0, 14, false, false},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        u8 sp[3] = {0xbe, 0xef, (u8)cases[i].skip};
        make(2048);
        end = made + ROOT_BYTE;
        memset(use, 0xff, cases[i].before);
        use_size = cases[i].before;
        if (cases[i].sp)
            add_use("SP", sp, sizeof sp);
        add_mode(0x41ed);
        put_record("\0", 1, 2, ROOT_BYTE, 2048);
        put_record("\1", 1, 2, ROOT_BYTE, 2048);
        memset(use, 0xff, cases[i].skip);
        use_size = cases[i].skip;
        add_name(0, "Rock");
        put_file("FILE.;1", 10);
        struct volume *v = mount_made();
        assert_string_equal(first_name(v), cases[i].rock ? "Rock" : "file");
        assert_string_equal(fs_iso9660.describe(v), cases[i].rock ? "iso9660 Rock Ridge" : "iso9660");
    }
}

static void links_are_put_together(void **state)
{
    (void)state;
    static const struct {
        const char *target;
        u32 size;
        const u8 parts[40]; /* of SL, or of several: 0xff, then the flags of the next one */
    } cases[] = {
        {"dir", 3, {0, 3, 'd', 'i', 'r'}},
        {"/dir", 4, {8, 0, 0, 3, 'd', 'i', 'r'}},
        {"/", 1, {8, 0}},
        {"/x", 2, {16, 0, 0, 1, 'x'}},
        {"../dir", 6, {4, 0, 0, 3, 'd', 'i', 'r'}},
        {"./../a", 6, {2, 0, 4, 0, 0, 1, 'a'}},
        {"abc/d", 5, {1, 1, 'a', 1, 1, 'b', 0, 1, 'c', 0, 1, 'd'}},
        {"abc", 3, {1, 1, 'a', 0xff, 0, 0, 2, 'b', 'c'}},
        {"a/bc", 4, {0, 1, 'a', 0xff, 0, 0, 2, 'b', 'c'}},
        {"dir/", 4, {0, 3, 'd', 'i', 'r', 0, 0}},
        {"ab", 2, {0, 200, 'a', 'b', 0xff, 0}}, /* longer than its entry */
    };
    static const u32 sizes[] = {5, 7, 2, 5, 7, 7, 12, 9, 9, 7, 4};
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++)
        for (u32 far = 0; far < 2; far++) {
            make_rock(0);
            add_name(0, "link");
            add_mode(0xa1ff);
            u8 data[64] = {0};
            u32 n = 1;
            for (u32 k = 0; k < sizes[i]; k++) {
                if (cases[i].parts[k] == 0xff) {
                    data[0] = 1;
                    add_use("SL", data, n);
                    data[0] = cases[i].parts[++k];
                    n = 1;
                } else {
                    data[n++] = cases[i].parts[k];
                }
            }
            add_use("SL", data, n);
            if (far)
                add_continuation(CE_BYTE, put_area(CE_BYTE));
            put_file("LINK.;1", 0);
            struct volume *v = mount_made();
            struct node root, link;
            char target[64] = "";
            assert_int_equal(fs_iso9660.root(v, &root), OK);
            if (fs_iso9660.lookup(v, &root, text_of("link"), &link))
                FAILED("case %u: %s", i, error_text());
            assert_int_equal(link.type, NODE_SYMLINK);
            assert_int_equal(fs_iso9660.read_link(v, &link, target), OK);
            if (strcmp(target, cases[i].target) || link.size != cases[i].size)
                FAILED("case %u: \"%s\", %lu bytes, expected \"%s\"", i, target, link.size, cases[i].target);
            struct extent extent;
            assert_int_equal(fs_iso9660.map(v, &link, 0, &extent), ERR_RANGE);
        }
}

/* A link of 40 times 250 bytes, more than any path. */
static void links_that_are_too_long_are_told(void **state)
{
    (void)state;
    u8 data[251] = {1, 0, 248};
    make_rock(0);
    memset(data + 3, 'x', 248);
    for (u32 i = 0; i < 40; i++) {
        use_size = 0;
        add_use("SL", data, sizeof data);
        put_area(CE_BYTE + i * 255);
    }
    add_name(0, "link");
    add_continuation(CE_BYTE, 40 * 255);
    put_file("LINK.;1", 0);
    struct file file;
    expect(0, file_open(mount_made(), text_of("/link"), &file), ERR_CORRUPT, "a symbolic link of 99");
}

static void broken_system_use_is_told(void **state)
{
    (void)state;
    struct file file;
    u8 data[24] = {0};
    /* An entry that is longer than its area. */
    make_rock(0);
    add_name(0, "name");
    use[2] = 200;
    put_file("FILE.;1", 0);
    expect(0, file_open(mount_made(), text_of("/name"), &file), ERR_CORRUPT,
           "/name: (sr0): system use entry of 200 bytes, of which 9 are there");
    /* It hides nothing but itself: genisoimage 1.1.11 writes such a record for a link with a name of 200 bytes in
     * it. */
    make_rock(0);
    add_name(0, "name");
    add_use("SL", data, 1);
    use[use_size - 3] = 101;
    put_file("FILE.;1", 0);
    put_file("NEXT.;1", 0);
    assert_string_equal(names_of(mount_made()), "name next ");
    assert_int_equal(file_open(mount_made(), text_of("/next"), &file), OK);
    make_rock(0);
    add_name(0, "name");
    use[2] = 200;
    put_file("FILE.;1", 0);
    add_name(0, "behind");
    put_file("NEXT.;1", 0);
    struct volume *v = mount_made();
    assert_int_equal(file_open(v, text_of("/behind"), &file), OK);
    assert_string_equal(error_text(), "");
    expect(0, file_open(v, text_of("/other"), &file), ERR_CORRUPT, "/other: (sr0): system use entry of 200 bytes");
    /* Continuation areas: leading back to themselves, past the end, too short, of no size. */
    make_rock(0);
    add_continuation(CE_BYTE, 28);
    put_area(CE_BYTE);
    add_continuation(CE_BYTE, 28);
    put_file("FILE.;1", 0);
    expect(1, file_open(mount_made(), text_of("/name"), &file), ERR_CORRUPT, "more than 512 entries");
    make_rock(0);
    add_continuation(IMAGE_BYTES, 100);
    put_file("FILE.;1", 0);
    expect(2, file_open(mount_made(), text_of("/name"), &file), ERR_RANGE, "continuation area: (sr0): 100 bytes");
    make_rock(0);
    add_use("CE", data, 20);
    put_file("FILE.;1", 0);
    expect(3, file_open(mount_made(), text_of("/name"), &file), ERR_CORRUPT, "CE entry of 24 bytes, expected 28");
    make_rock(0);
    add_continuation(CE_BYTE, 0);
    put_file("FILE.;1", 0);
    assert_int_equal(file_open(mount_made(), text_of("/file"), &file), OK);
    /* A compressed file; one that is not there, but elsewhere. */
    make_rock(0);
    add_name(0, "name");
    add_use("ZF", data, 12);
    put_file("FILE.;1", 0);
    expect(4, file_open(mount_made(), text_of("/name"), &file), ERR_UNSUPPORTED, "/name: (sr0): compressed (zisofs)");
    make_rock(0);
    add_name(0, "name");
    add_mode(0x2000);
    put_file("FILE.;1", 0);
    assert_int_equal(file_open(mount_made(), text_of("/name"), &file), OK);
    assert_int_equal(file.node.type, NODE_OTHER);
    /* Names behind the end mark do not count. */
    make_rock(0);
    add_use("ST", data, 0);
    add_name(0, "name");
    put_file("FILE.;1", 0);
    assert_string_equal(first_name(mount_made()), "file");
}

static void relocated_directories_are_followed(void **state)
{
    (void)state;
    u8 cl[8], bytes[64];
    u64 size;
    static const struct {
        u32 byte; /* where CL leads */
        enum error expected;
        const char *says;
    } cases[] = {
        {DIR_BYTE, OK, NULL},
        {CE_BYTE, ERR_CORRUPT, "the directory ends at byte 63488"},
        {DATA_BYTE, ERR_CORRUPT, "relocated directory at byte 81920"},
        {DIR_BYTE + 2048, ERR_CORRUPT, "no directory begins there"},
        {IMAGE_BYTES, ERR_RANGE, "past the end of the volume"},
        {ROOT_BYTE, ERR_NOT_FOUND, "\"c.txt\" is missing"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        make_rock(0);
        put_both32(cl, cases[i].byte / 2048);
        add_name(0, "deep");
        add_use("CL", cl, sizeof cl);
        put_file("DEEP.;1", 0);
        add_name(0, "moved");
        add_use("RE", cl, 0);
        put_record("MOVED", 5, 2, DIR_BYTE, 2048);
        end = made + DIR_BYTE + 2048;
        put_file("NODOTS.;1", 1);
        put_dots(DIR_BYTE);
        put_file("C.TXT;1", 5);
        struct volume *v = mount_made();
        expect(i, read_path(v, "/deep/c.txt", bytes, &size), cases[i].expected, cases[i].says);
        expect(i, read_path(v, "/moved/c.txt", bytes, &size), ERR_NOT_FOUND, "\"moved\" is missing");
        struct file root;
        struct dirent entry;
        u64 cursor = 0;
        assert_int_equal(file_open(v, text_of("/"), &root), OK);
        assert_int_equal(file_list(&root, &cursor, &entry), OK);
        assert_string_equal(entry.name, "deep");
        assert_int_equal(entry.type, NODE_DIR);
        assert_int_equal(file_list(&root, &cursor, &entry), ERR_NOT_FOUND);
    }
}

/* ---- the group -------------------------------------------------------------------------------------------------- */

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/shim-test-iso-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    setenv("LC_ALL", "C.UTF-8", 1);
    run("tests/images/iso_source.sh %s", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    run("rm -rf %s", folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_by_the_tools_are_read_whole),
        cmocka_unit_test(ten_thousand_entries_are_fast),
        cmocka_unit_test(files_above_4_gib_are_one_file),
        cmocka_unit_test(broken_descriptors_are_told),
        cmocka_unit_test(broken_records_are_told),
        cmocka_unit_test(records_are_found_in_every_sector),
        cmocka_unit_test(sections_make_one_file),
        cmocka_unit_test(plain_names_are_shown_as_linux_does),
        cmocka_unit_test(joliet_names_are_found),
        cmocka_unit_test(labels_and_dates_are_as_blkid_tells_them),
        cmocka_unit_test(rock_names_are_put_together),
        cmocka_unit_test(rock_is_found_where_it_is),
        cmocka_unit_test(links_are_put_together),
        cmocka_unit_test(links_that_are_too_long_are_told),
        cmocka_unit_test(broken_system_use_is_told),
        cmocka_unit_test(relocated_directories_are_followed),
    };
    return cmocka_run_group_tests_name("iso9660", tests, setup, teardown);
}
