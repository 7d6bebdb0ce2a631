/* test_ext.c: fs/ext*.c on volumes by mke2fs and debugfs, compared byte for byte with their source, then with each
 * field broken in turn. */
#define _GNU_SOURCE
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
#include "tools.h"

#include "ext.h"
#include "file.h"

extern const struct filesystem fs_ext;

static char folder[64];
static const char *const made_by[] = {"-t ext4 -b 1024 -O ^has_journal", "-t ext2 -b 1024", "-t ext4 -b 4096",
                                      "-t ext2 -b 4096"};

/* The image in `folder`, which may be much larger than memory; what is written here stays here. */
static u8 *image;
static u64 image_size;

static void image_map(void)
{
    char path[80];
    struct stat st;
    if (image)
        munmap(image, image_size);
    snprintf(path, sizeof path, "%s/image", folder);
    int file = open(path, O_RDONLY);
    assert_int_equal(fstat(file, &st), 0);
    image_size = (u64)st.st_size;
    image = mmap(NULL, image_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file, 0);
    close(file);
    assert_true(image != MAP_FAILED);
}

static struct volume *volume_of_image(void)
{
    host_reset();
    struct volume *v = host_volume(host_disk(NULL, "vd", image, image_size, 512));
    v->fs = &fs_ext;
    return v;
}

static struct volume *mounted(void)
{
    struct volume *v = volume_of_image();
    if (fs_ext.mount(v))
        FAILED("mount: %s", error_text());
    return v;
}

static struct file opened(struct volume *v, const char *path)
{
    struct file file;
    if (file_open(v, text_of(path), &file))
        FAILED("%s", error_text());
    return file;
}

/* ---- whole trees ------------------------------------------------------------------------------------------------ */

static void compare_bytes(const struct file *file, const u8 *expected)
{
    u8 *bytes = malloc(file->size + 1);
    if (file_read(file, 0, file->size, bytes))
        FAILED("%s", error_text());
    assert_memory_equal(bytes, expected, file->size);
    memset(bytes, 0x55, file->size);
    for (u64 at = file->size; at > 0;) { /* backwards: pieces begin anywhere, leaves are left and met again */
        u64 part = min_u64(at, 15001);
        at -= part;
        assert_int_equal(file_read(file, at, part, bytes + at), OK);
    }
    assert_memory_equal(bytes, expected, file->size);
    free(bytes);
}

static void compare_node(struct volume *v, const struct node *node, const char *real)
{
    struct file file = {.volume = v, .node = *node, .size = node->size, .path = real};
    struct stat st;
    char target[4096];
    u64 size;
    if (lstat(real, &st))
        FAILED("%s is not in the source", real);
    if (S_ISREG(st.st_mode)) {
        u8 *expected = host_file(real, &size);
        assert_int_equal(node->type, NODE_FILE);
        assert_int_equal(node->size, size);
        compare_bytes(&file, expected);
        free(expected);
    } else if (S_ISLNK(st.st_mode)) {
        assert_int_equal(node->type, NODE_SYMLINK);
        assert_int_equal(readlink(real, target, sizeof target), node->size);
        compare_bytes(&file, (const u8 *)target);
    } else {
        assert_int_equal(node->type, S_ISDIR(st.st_mode) ? NODE_DIR : NODE_OTHER);
    }
}

/* Everything below dir is as below `real`; how much that is. */
static u32 compare_dir(struct volume *v, const struct node *dir, const char *real)
{
    struct dirent entry;
    struct node node;
    char below[1200];
    u64 cursor = 0;
    u32 count = 0;
    enum error error;
    bool typed = ((const struct ext *)v->fs_state)->incompat & EXT_INCOMPAT_FILETYPE;
    while (!(error = fs_ext.list(v, dir, &cursor, &entry))) {
        if (strcmp(entry.name, "lost+found") == 0)
            continue;
        if (fs_ext.lookup(v, dir, text_of(entry.name), &node))
            FAILED("listed, but: %s: %s", entry.name, error_text());
        assert_int_equal(entry.type, typed ? node.type : NODE_OTHER);
        snprintf(below, sizeof below, "%s/%s", real, entry.name);
        compare_node(v, &node, below);
        count += 1 + (node.type == NODE_DIR ? compare_dir(v, &node, below) : 0);
    }
    if (error != ERR_NOT_FOUND)
        FAILED("%s: %s", real, error_text());
    return count;
}

static void compare_tree(struct volume *v, const char *source)
{
    char line[64], command[128];
    struct node root;
    line_of(line, sizeof line, "find %s/%s -mindepth 1 | wc -l", folder, source);
    assert_int_equal(fs_ext.root(v, &root), OK);
    snprintf(command, sizeof command, "%s/%s", folder, source);
    assert_int_equal(compare_dir(v, &root, command), atoi(line));
}

static void volumes_by_mke2fs_are_read_whole(void **state)
{
    (void)state;
    /* Few inodes in each of many small groups: descriptors far behind the first are used. */
    static const struct {
        const char *options, *type, *label;
    } cases[] = {
        {"-t ext2 -b 1024 -L boot", "ext2", "boot"},
        {"-t ext2 -b 2048 -I 128 -O ^dir_index,^resize_inode", "ext2", ""},
        {"-t ext2 -b 4096 -r 0 -O none", "ext2", ""},
        {"-t ext2 -b 4096 -O ^filetype,^sparse_super,^resize_inode -g 1024", "ext2", ""},
        {"-t ext2 -b 65536 -L 'sixteen bytes.. '", "ext2", "sixteen bytes.. "},
        {"-t ext3 -b 1024", "ext3", ""},
        {"-t ext3 -b 4096 -I 128", "ext3", ""},
        {"-t ext4 -b 1024 -L Größe", "ext4", "Größe"},
        {"-t ext4 -b 2048 -O ^has_journal", "ext4", ""},
        {"-t ext4 -b 4096", "ext4", ""},
        {"-t ext4 -b 8192", "ext4", ""},
        {"-t ext4 -b 65536 -O ^has_journal", "ext4", ""},
        {"-t ext4 -b 65536 -O inline_data,^has_journal -I 4096", "ext4", ""},
        {"-t ext4 -O metadata_csum_seed,orphan_file,large_dir", "ext4", ""},
        {"-t ext4 -b 4096 -O inline_data", "ext4", ""},
        {"-t ext4 -b 1024 -O inline_data -I 512", "ext4", ""},
        {"-t ext4 -b 1024 -I 1024", "ext4", ""},
        {"-t ext4 -O sparse_super2 -g 2048 -b 1024", "ext4", ""},
        {"-t ext4 -O uninit_bg,^metadata_csum", "ext4", ""},
        {"-t ext4 -O ^64bit,^metadata_csum -I 128", "ext4", ""},
        {"-t ext4 -O ^extents,^64bit,^has_journal -b 1024", "ext4", ""},
        {"-t ext4 -O ^flex_bg -g 1024 -b 1024", "ext4", ""},
        {"-t ext4 -O meta_bg,^resize_inode -g 512 -b 1024 -N 1536", "ext4", ""},
        {"-t ext4 -O meta_bg,^resize_inode,^flex_bg,^sparse_super,^64bit -g 512 -b 1024 -N 1536", "ext4", ""},
        {"-t ext4 -O meta_bg,^resize_inode,^flex_bg,sparse_super2 -E desc_size=1024 -g 512 -b 1024 -N 1536", "ext4",
         ""},
        {"-t ext4 -O meta_bg,^resize_inode,^flex_bg -g 256 -b 2048 -N 1536", "ext4", ""},
        {"-t ext4 -E desc_size=128 -b 1024 -g 1024 -N 768", "ext4", ""},
        {"-t ext4 -O bigalloc -C 16384 -b 1024", "ext4", ""},
        {"-t ext4 -O bigalloc -C 16384 -b 4096", "ext4", ""},
        {"-t ext4 -O bigalloc,meta_bg,^resize_inode,^has_journal -C 8192 -b 1024 -g 4096", "ext4", ""},
        {"-t ext4 -O casefold -E encoding=utf8", "ext4", ""},
        {"-t ext4 -O encrypt,verity,mmp,quota,project,ea_inode,stable_inodes,fast_commit", "ext4", ""},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        char uuid[40];
        run("tests/images/ext_image.sh %s/image %s %s/source %s", folder, "96M", folder, cases[i].options);
        if (strstr(cases[i].options, "inline_data")) /* mke2fs 1.47 forgets the hole there */
            run("debugfs -w -R 'set_inode_field /boot/hole-last size 400000' %s/image 2>/dev/null", folder);
        line_of(uuid, sizeof uuid, "blkid -p -o value -s UUID %s/image", folder);
        if (strstr(cases[i].options, "65536")) /* a record of 64 KiB */
            run("debugfs -w -R 'expand_dir /few' %s/image 2>/dev/null", folder);
        image_map();
        struct volume *v = mounted();
        if (strcmp(fs_ext.describe(v), cases[i].type) || strcmp(v->ids.label, cases[i].label) ||
            strcmp(v->ids.uuid, uuid))
            FAILED("mke2fs %s: %s, \"%s\", %s; expected %s, \"%s\", %s", cases[i].options, fs_ext.describe(v),
                   v->ids.label, v->ids.uuid, cases[i].type, cases[i].label, uuid);
        if (getenv("SHIM_TEST_VERBOSE"))
            print_message("%s\n", cases[i].options);
        compare_tree(v, "source");
        assert_null(strstr(host_log(), "warning"));
    }
}

/* ---- maps ------------------------------------------------------------------------------------------------------- */

static void fragmented_files_are_read_whole(void **state)
{
    (void)state;
    char real[80];
    u64 size;
    snprintf(real, sizeof real, "%s/big", folder);
    run("seq 1 150000 >%s", real);
    u8 *expected = host_file(real, &size);
    for (u32 i = 0; i < 2; i++) {
        run("tests/images/ext_image.sh %s/image 16M '' %s", folder, made_by[i]);
        run("tests/images/ext_fragmented.sh %s/image %s", folder, real);
        image_map();
        struct volume *v = mounted();
        struct file file = opened(v, "/big");
        assert_int_equal(file.size, size);
        compare_bytes(&file, expected);
        /* 10,000 bytes 'f', then blocks that are reserved (ext4) or none: zeros, though the disk has 'f' there too. */
        u8 reserved[40000] = {0};
        memset(reserved, 'f', 10000);
        file = opened(v, "/reserved");
        assert_int_equal(file.size, sizeof reserved);
        compare_bytes(&file, reserved);
    }
    free(expected);
}

static void deep_trees_are_read(void **state)
{
    (void)state;
    static const u32 blocks = 60000, depth = 3;
    run("mkdir %s/deep && "
        "perl -e 'for (0..%u) { seek STDOUT, $_ * 2048, 0; print pack(\"V\", $_) x 256 }' >%s/deep/file",
        folder, blocks / 2 - 1, folder);
    for (u32 i = 0; i < 2; i++) {
        run("tests/images/ext_image.sh %s/image 64M %s/deep %s", folder, folder, made_by[i]);
        image_map();
        struct volume *v = mounted();
        struct file file = opened(v, "/file");
        if (i == 0)
            assert_int_equal(((const struct ext_node_header *)ext_own(&file.node)->block)->depth, depth);
        assert_int_equal(file.size, (blocks - 1) * 1024);
        u32 *words = malloc(file.size);
        u64 before = v->disk->stats.requests;
        assert_int_equal(file_read(&file, 0, file.size, words), OK);
        for (u32 n = 0; n < file.size / 4; n++)
            if (words[n] != (n & 256 ? 0 : n / 512))
                FAILED("%s: byte %u: %u", made_by[i], n * 4, words[n]);
        /* One for each piece, one for each leaf of 84 or 256 blocks, few for what is above. */
        u64 requests = v->disk->stats.requests - before;
        if (requests > blocks / 2 + blocks / 2 / 84 * 3)
            FAILED("%s: %lu requests", made_by[i], requests);
        free(words);
    }
}

static void huge_files_are_read_at_their_end(void **state)
{
    (void)state;
    static const char text[] = "the tail of it";
    run("mkdir %s/huge && truncate -s 5G %s/huge/file && printf '%s' >>%s/huge/file", folder, folder, text, folder);
    for (u32 i = 0; i < ARRAY_COUNT(made_by); i++) {
        char bytes[sizeof text + 100];
        struct extent extent;
        u32 extents = 0;
        run("tests/images/ext_image.sh %s/image 64M %s/huge %s", folder, folder, made_by[i]);
        image_map();
        struct volume *v = mounted();
        struct file file = opened(v, "/file");
        u64 size = GIB(5) + sizeof text - 1;
        assert_int_equal(file.size, size);
        assert_int_equal(file_read(&file, size - 113, 113, bytes), OK);
        assert_memory_equal(bytes + 113 - (sizeof text - 1), text, sizeof text - 1);
        for (u32 n = 0; n < 113 - (sizeof text - 1); n++)
            assert_int_equal(bytes[n], 0);
        for (u64 at = 0; at < size; at += extent.size, extents++)
            if (fs_ext.map(v, &file.node, at, &extent))
                FAILED("%s: %s", made_by[i], error_text());
        if (extents > 600)
            FAILED("%s: %u extents", made_by[i], extents);
        assert_int_equal(file_read(&file, size - 1, 2, bytes), ERR_TRUNCATED);
    }
}

/* What finding and reading costs: requests to the disk. */
static void few_requests_are_made(void **state)
{
    (void)state;
    static const u32 extents_max[] = {8, 200, 4, 16};
    run("mkdir -p %s/plain/boot && yes | head -c 40M >%s/plain/boot/vmlinuz", folder, folder);
    for (u32 i = 0; i < ARRAY_COUNT(made_by); i++) {
        struct extent extent;
        u32 extents = 0;
        run("tests/images/ext_image.sh %s/image 96M %s/plain %s -g 8192", folder, folder, made_by[i]);
        image_map();
        struct volume *v = mounted();
        struct file file = opened(v, "/boot/vmlinuz");
        /* The superblock, a descriptor, inodes, two directories. */
        if (v->disk->stats.requests > 7)
            FAILED("%s: %lu requests to find /boot/vmlinuz", made_by[i], v->disk->stats.requests);
        for (u64 at = 0; at < file.size; at += extent.size, extents++)
            assert_int_equal(fs_ext.map(v, &file.node, at, &extent), OK);
        if (extents > extents_max[i])
            FAILED("%s: %u extents", made_by[i], extents);
        if (getenv("SHIM_TEST_VERBOSE"))
            print_message("%s: %lu requests, %u extents\n", made_by[i], v->disk->stats.requests, extents);
    }
}

/* The shim's arena may be 1.25 MiB, the cache of disk blocks in it, and machines have many volumes. */
static void a_volume_takes_little_memory(void **state)
{
    (void)state;
    run("tests/images/ext_image.sh %s/image 16M %s/source/few -t ext4 -b 4096", folder, folder);
    image_map();
    struct volume *v = volume_of_image();
    u8 byte;
    assert_int_equal(volume_read(v, 0, 1, &byte), OK); /* the cache is there */
    u64 before = arena_left();
    assert_int_equal(fs_ext.mount(v), OK);
    opened(v, "/f1");
    assert_in_range(before - arena_left(), 1, KIB(28));
}

static void ten_thousand_entries_are_fast(void **state)
{
    (void)state;
    run("tests/images/ext_many.sh %s/image 10000", folder);
    image_map();
    struct volume *v = mounted();
    struct file dir = opened(v, "/many"), file;
    u64 before = v->disk->stats.requests;
    for (u32 n = 0; n < 10000; n += 1111) {
        char path[64];
        snprintf(path, sizeof path, "/many/module number %05u.ko", n);
        opened(v, path);
    }
    assert_int_equal(file_open(v, text_of("/many/module number 10000.ko"), &file), ERR_NOT_FOUND);
    if (v->disk->stats.requests - before > 11 * 10) /* 400 KiB by 64, and inodes */
        FAILED("%lu requests", v->disk->stats.requests - before);
    struct dirent entry;
    u64 cursor = 0;
    u32 count = 0;
    while (!file_list(&dir, &cursor, &entry))
        count++;
    assert_int_equal(count, 10000);
}

/* ---- states and features ---------------------------------------------------------------------------------------- */

static struct ext_super *super(void) { return (struct ext_super *)(image + EXT_SUPER_BYTE); }

static void features_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        u32 incompat;
        const char *says;
    } cases[] = {
        {0x1, "feature compression"},
        {0x8, "feature journal_dev"},
        {0x20, "feature FEATURE_I5 (20h)"},
        {0x800, "feature FEATURE_I11 (800h)"},
        {0x40000, "feature FEATURE_I18 (40000h)"},
        {0x80000000, "feature FEATURE_I31 (80000000h)"},
    };
    run("tests/images/ext_image.sh %s/image 4M %s/source/few -t ext4", folder, folder);
    image_map();
    u32 incompat = super()->feature_incompat;
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        super()->feature_incompat = incompat | cases[i].incompat;
        assert_int_equal(fs_ext.mount(volume_of_image()), ERR_UNSUPPORTED);
        if (!strstr(error_text(), cases[i].says))
            FAILED("\"%s\", expected \"%s\"", error_text(), cases[i].says);
    }
    /* What changes only writing, or nothing. */
    super()->feature_incompat = incompat;
    super()->feature_compat = super()->feature_ro_compat = ~0u & ~EXT_COMPAT_SPARSE_SUPER2;
    compare_tree(mounted(), "source/few");
    run("tests/images/ext_image.sh %s/image 4M '' -O journal_dev -b 1024", folder);
    image_map();
    assert_int_equal(fs_ext.mount(volume_of_image()), ERR_UNSUPPORTED);
}

static void unclean_volumes_are_told_and_read(void **state)
{
    (void)state;
    run("tests/images/ext_image.sh %s/image 8M %s/source/few -t ext4", folder, folder);
    image_map();
    mounted();
    assert_null(strstr(host_log(), "needs_recovery"));
    run("debugfs -w -R 'feature needs_recovery' %s/image >/dev/null 2>&1", folder);
    image_map();
    struct volume *v = mounted();
    assert_non_null(strstr(host_log(), "volume vda: ext4 needs_recovery: it was not cleanly unmounted"));
    compare_tree(v, "source/few");
    /* The partition is shorter than the filesystem. */
    image_size -= 4096;
    v = mounted();
    assert_non_null(strstr(host_log(), "read as far as it goes"));
    compare_tree(v, "source/few");
}

static struct ext_inode *inode_of(const struct node *node)
{
    return (struct ext_inode *)(image + ext_own(node)->block_byte - offsetof(struct ext_inode, block));
}

static void encrypted_files_are_refused(void **state)
{
    (void)state;
    struct file file;
    struct node node;
    struct dirent entry;
    struct extent extent;
    u64 cursor = 0;
    run("tests/images/ext_image.sh %s/image 4M %s/source/few -t ext4 -O encrypt", folder, folder);
    image_map();
    struct volume *v = mounted();
    file = opened(v, "/f1");
    struct ext_inode *inode = inode_of(&file.node);
    inode->flags |= EXT_FLAG_ENCRYPT;
    v = mounted();
    file = opened(v, "/f1");
    assert_int_equal(fs_ext.map(v, &file.node, 0, &extent), ERR_UNSUPPORTED);
    assert_non_null(strstr(error_text(), "is encrypted"));
    assert_int_equal(fs_ext.root(v, &node), OK);
    inode = inode_of(&node);
    inode->flags |= EXT_FLAG_ENCRYPT;
    v = mounted();
    assert_int_equal(fs_ext.root(v, &node), OK);
    assert_int_equal(fs_ext.list(v, &node, &cursor, &entry), ERR_UNSUPPORTED);
    assert_int_equal(file_open(v, text_of("/f1"), &file), ERR_UNSUPPORTED);
}

/* ---- broken volumes --------------------------------------------------------------------------------------------- */

/* Where on the made volume something lies. */
enum place { SUPER, GROUP, ROOT, DIR, STRIPES, LEAF, FAST, SLOW, RECORDS, PLACES };
static u64 place[PLACES];

static u64 inode_byte(struct volume *v, const char *path)
{
    struct file file = opened(v, path);
    return (u64)((u8 *)inode_of(&file.node) - image);
}

/* /boot with stripes, which needs a block of extents or of pointers, and two links to it, for lookups without following
 * in a directory of its own. */
static void make(const char *options)
{
    struct extent extent;
    run("d=%s/small; mkdir -p $d/boot $d/links; cd $d; ln -sf ../boot/stripes links/fast;"
        "ln -sf ../boot/././././././././././././././././././././././././././././././././././stripes links/slow;"
        "perl -e 'for (1..40) { print $_ %% 2 ? pack(\"N\", $_) x 256 : \"\\0\" x 1024 }' >boot/stripes;"
        "echo b >boot/b",
        folder);
    run("tests/images/ext_image.sh %s/image 512K %s/small -N 32 -b 1024 %s", folder, folder, options);
    image_map();
    struct volume *v = mounted();
    struct file file = opened(v, "/boot/stripes"), dir = opened(v, "/boot");
    const u32 *block = ext_own(&file.node)->block;
    struct node links, node;
    place[SUPER] = EXT_SUPER_BYTE;
    place[GROUP] = 2048;
    place[ROOT] = inode_byte(v, "/");
    place[DIR] = inode_byte(v, "/boot");
    place[STRIPES] = inode_byte(v, "/boot/stripes");
    place[LEAF] = (u64)(ext_own(&file.node)->flags & EXT_FLAG_EXTENTS ? block[4] : block[12]) * 1024;
    links = opened(v, "/links").node;
    assert_int_equal(fs_ext.lookup(v, &links, text_of("fast"), &node), OK);
    place[FAST] = (u64)((u8 *)inode_of(&node) - image);
    assert_int_equal(fs_ext.lookup(v, &links, text_of("slow"), &node), OK);
    place[SLOW] = (u64)((u8 *)inode_of(&node) - image);
    assert_int_equal(fs_ext.map(v, &dir.node, 0, &extent), OK);
    place[RECORDS] = extent.volume_byte;
}

static enum error list_all(struct volume *v, const char *path)
{
    struct file dir;
    struct dirent entry;
    u64 cursor = 0;
    u32 count = 0;
    enum error error = file_open(v, text_of(path), &dir);
    while (!error) {
        error = file_list(&dir, &cursor, &entry);
        if (++count > 10000)
            FAILED("%s has no end", path);
    }
    return error == ERR_NOT_FOUND && dir.volume ? OK : error;
}

/* Mount and use everything; the first error. */
static enum error use(void)
{
    static const char *const dirs[] = {"/", "/boot", "/links"};
    static const char *const files[] = {"/links/fast", "/links/slow", "/boot/b", "/boot/stripes"};
    static u8 bytes[65536];
    struct volume *v = volume_of_image();
    enum error error = fs_ext.mount(v);
    if (error)
        return error;
    for (u32 i = 0; i < ARRAY_COUNT(dirs); i++) {
        error = list_all(v, dirs[i]);
        if (error)
            return error;
    }
    for (u32 i = 0; i < ARRAY_COUNT(files); i++) {
        struct file file;
        error = file_open(v, text_of(files[i]), &file);
        if (!error)
            error = file_read(&file, 0, min_u64(file.size, sizeof bytes), bytes);
        if (error)
            return error;
    }
    return OK;
}

struct damage {
    enum place place;
    u32 byte, size;
    u64 value;
    enum error expected;
    const char *says;
};

static void damages_are_told(const struct damage *cases, u32 count)
{
    assert_int_equal(use(), OK);
    for (u32 i = 0; i < count; i++) {
        u8 saved[8], *at = image + place[cases[i].place] + cases[i].byte;
        memcpy(saved, at, cases[i].size);
        memcpy(at, &cases[i].value, cases[i].size);
        enum error error = use();
        if (error != cases[i].expected || (error && cases[i].says && !strstr(error_text(), cases[i].says)))
            FAILED("case %u: %d, \"%s\", expected \"%s\"", i, (int)error, error_text(), cases[i].says);
        memcpy(at, saved, cases[i].size);
    }
}

#define AT(record, field) offsetof(struct record, field), sizeof ((struct record *)0)->field

static void broken_superblocks_are_refused(void **state)
{
    (void)state;
    static const struct damage cases[] = {
        {SUPER, AT(ext_super, magic), 0xef52, ERR_NOT_MINE, NULL},
        {SUPER, AT(ext_super, inodes_count), 0, ERR_CORRUPT, "byte 1024: 0 inodes"},
        {SUPER, AT(ext_super, inodes_count), 11, ERR_CORRUPT, "expected 1 to 11"},
        {SUPER, AT(ext_super, inodes_count), 0xffffffff, OK, NULL},
        {SUPER, AT(ext_super, blocks_count_lo), 0, ERR_CORRUPT, "byte 1028: 0 blocks"},
        {SUPER, AT(ext_super, blocks_count_lo), 1, ERR_CORRUPT, "byte 1028: 1 blocks"},
        {SUPER, AT(ext_super, blocks_count_lo), 8, ERR_CORRUPT, "of 8"},
        {SUPER, AT(ext_super, blocks_count_lo), 0xffffffff, OK, NULL},
        {SUPER, AT(ext_super, blocks_count_hi), 0xffffffff, ERR_CORRUPT, "byte 1028"},
        {SUPER, AT(ext_super, first_data_block), 2, ERR_CORRUPT, "byte 1044: 2"},
        {SUPER, AT(ext_super, log_block_size), 7, ERR_CORRUPT, "byte 1048: 7"},
        {SUPER, AT(ext_super, log_block_size), 0xffffffff, ERR_CORRUPT, "byte 1048: 4294967295"},
        {SUPER, AT(ext_super, log_block_size), 1, ERR_CORRUPT, "byte 1044: 1"},
        {SUPER, AT(ext_super, log_cluster_size), 0xffffffff, OK, NULL},
        {SUPER, AT(ext_super, blocks_per_group), 0, ERR_CORRUPT, "byte 1056: 0"},
        {SUPER, AT(ext_super, inodes_per_group), 0, ERR_CORRUPT, "byte 1064: 0"},
        {SUPER, AT(ext_super, inodes_per_group), 8193, ERR_CORRUPT, "byte 1064: 8193"},
        {SUPER, AT(ext_super, inodes_per_group), 1, ERR_CORRUPT, NULL},
        {SUPER, AT(ext_super, inode_size), 0, ERR_CORRUPT, "byte 1112: 0"},
        {SUPER, AT(ext_super, inode_size), 64, ERR_CORRUPT, "byte 1112: 64"},
        {SUPER, AT(ext_super, inode_size), 192, ERR_CORRUPT, "byte 1112: 192"},
        {SUPER, AT(ext_super, inode_size), 2048, ERR_CORRUPT, "byte 1112: 2048"},
        {SUPER, AT(ext_super, inode_size), 1024, ERR_CORRUPT, "the root, is not a directory"},
        {SUPER, AT(ext_super, desc_size), 0, ERR_CORRUPT, "byte 1278: 0"},
        {SUPER, AT(ext_super, desc_size), 32, ERR_CORRUPT, "byte 1278: 32"},
        {SUPER, AT(ext_super, desc_size), 96, ERR_CORRUPT, "byte 1278: 96"},
        {SUPER, AT(ext_super, desc_size), 2048, ERR_CORRUPT, "byte 1278: 2048"},
        {SUPER, AT(ext_super, desc_size), 1024, OK, NULL}, /* only one group */
        {SUPER, AT(ext_super, rev_level), 0, ERR_CORRUPT, NULL},
        {SUPER, AT(ext_super, first_meta_bg), 0xffffffff, OK, NULL},
        {GROUP, AT(ext_group, inode_table_lo), 0, ERR_CORRUPT, "group 0: inode table at block 0 of 512"},
        {GROUP, AT(ext_group, inode_table_lo), 512, ERR_CORRUPT, "group 0: inode table at block 512 of 512"},
        {GROUP, AT(ext_group, inode_table_lo), 511, ERR_CORRUPT, "the root, is not a directory"},
        {GROUP, AT(ext_group, inode_table_hi), 1, ERR_CORRUPT, "group 0: inode table at block 42949"},
    };
    make("-t ext4 -O ^has_journal");
    damages_are_told(cases, ARRAY_COUNT(cases));
    image_size = 2047;
    assert_int_equal(use(), ERR_NOT_MINE);
    image_size = 2048;
    assert_int_equal(use(), ERR_RANGE);
    image_size = 512 * 1024;
    host_disk_fail_lba = 2;
    struct volume *v = volume_of_image();
    host_disk_fail_lba = 2;
    assert_int_equal(fs_ext.mount(v), ERR_IO);
}

static void broken_extents_are_told(void **state)
{
    (void)state;
    enum { ROOT_NODE = offsetof(struct ext_inode, block), FIRST = sizeof(struct ext_node_header) };
    static const struct damage cases[] = {
        {ROOT, AT(ext_inode, mode), 0x81a4, ERR_CORRUPT, "the root, is not a directory"},
        {ROOT, AT(ext_inode, size_lo), 0, ERR_NOT_FOUND, "\"links\" is missing"},
        {ROOT, AT(ext_inode, size_lo), 0xffffffff, ERR_CORRUPT, "of 4294967295 bytes, expected at most 524288"},
        {ROOT, AT(ext_inode, size_high), 0xffffffff, OK, NULL}, /* an ACL once */
        {ROOT, AT(ext_inode, size_lo), 4096, OK, NULL},         /* the rest is a hole */
        {DIR, AT(ext_inode, mode), 0x11ed, ERR_NOT_FOUND, "is not a directory"},
        {STRIPES, AT(ext_inode, size_high), 0x80000000, ERR_CORRUPT, "size 92233720"},
        {STRIPES, AT(ext_inode, size_high), 0x10000, OK, NULL},
        {STRIPES, AT(ext_inode, flags), EXT_FLAG_INLINE_DATA, OK, NULL},
        {STRIPES, ROOT_NODE + AT(ext_node_header, magic), 0, ERR_CORRUPT, "magic 0h"},
        {STRIPES, ROOT_NODE + AT(ext_node_header, entries), 5, ERR_CORRUPT, "5 entries"},
        {STRIPES, ROOT_NODE + AT(ext_node_header, entries), 0, OK, NULL},
        {STRIPES, ROOT_NODE + AT(ext_node_header, depth), 6, ERR_CORRUPT, "depth 6; expected f30ah, at most 4, 0 to 5"},
        {STRIPES, ROOT_NODE + AT(ext_node_header, depth), 2, ERR_CORRUPT, "depth 0; expected f30ah, at most 84, 1 to"},
        {STRIPES, ROOT_NODE + AT(ext_node_header, depth), 0, OK, NULL}, /* the index as an extent of no blocks */
        {STRIPES, ROOT_NODE + FIRST + AT(ext_index, block), 1, OK, NULL},
        {STRIPES, ROOT_NODE + FIRST + AT(ext_index, leaf_lo), 0, ERR_CORRUPT, "extent tree at block 0 of 512"},
        {STRIPES, ROOT_NODE + FIRST + AT(ext_index, leaf_lo), 512, ERR_CORRUPT, "extent tree at block 512 of 512"},
        {STRIPES, ROOT_NODE + FIRST + AT(ext_index, leaf_lo), 1, ERR_CORRUPT, "magic 20h"},
        {STRIPES, ROOT_NODE + FIRST + AT(ext_index, leaf_hi), 0xffff, ERR_CORRUPT, "extent tree at block 2814"},
        {LEAF, AT(ext_node_header, magic), 0, ERR_CORRUPT, "magic 0h"},
        {LEAF, AT(ext_node_header, entries), 85, ERR_CORRUPT, "85 entries"},
        {LEAF, AT(ext_node_header, entries), 0xffff, ERR_CORRUPT, "65535 entries"},
        {LEAF, AT(ext_node_header, depth), 1, ERR_CORRUPT, "depth 1"},
        {LEAF, FIRST + AT(ext_extent, block), 0xffffffff, OK, NULL},
        {LEAF, FIRST + AT(ext_extent, len), 0, OK, NULL},
        {LEAF, FIRST + AT(ext_extent, len), 512, ERR_CORRUPT, "data at block"},
        {LEAF, FIRST + AT(ext_extent, len), 0xffff, OK, NULL},
        {LEAF, FIRST + AT(ext_extent, start_lo), 512, ERR_CORRUPT, "data at block 512 of 512"},
        {LEAF, FIRST + AT(ext_extent, start_hi), 0xffff, ERR_CORRUPT, "data at block 2814"},
        {FAST, AT(ext_inode, size_lo), 0, ERR_CORRUPT, "a symbolic link of 0 bytes"},
        {FAST, AT(ext_inode, size_lo), 60, ERR_CORRUPT, "data at block"},
        {FAST, AT(ext_inode, size_lo), 5000, ERR_CORRUPT, "a symbolic link of 5000 bytes"},
        {FAST, AT(ext_inode, flags), EXT_FLAG_EXTENTS, OK, NULL}, /* some have it and no tree */
        {SLOW, AT(ext_inode, size_lo), 0xffffffff, ERR_CORRUPT, "a symbolic link of 4294967295 bytes"},
        {SLOW, AT(ext_inode, mode), 0, OK, NULL},
    };
    make("-t ext4 -O ^has_journal");
    damages_are_told(cases, ARRAY_COUNT(cases));
}

static void broken_pointers_are_told(void **state)
{
    (void)state;
    enum { BLOCK = offsetof(struct ext_inode, block) };
    static const struct damage cases[] = {
        {STRIPES, BLOCK + 0, 4, 512, ERR_CORRUPT, "data at block 512 of 512"},
        {STRIPES, BLOCK + 0, 4, 0xffffffff, ERR_CORRUPT, "data at block 429496729"},
        {STRIPES, BLOCK + 0, 4, 0, OK, NULL},
        {STRIPES, BLOCK + 4, 4, 0xffffffff, ERR_CORRUPT, "data at block 4294967295"},
        {STRIPES, BLOCK + 48, 4, 512, ERR_CORRUPT, "indirect block at block 512 of 512"},
        {STRIPES, BLOCK + 48, 4, 0, OK, NULL},
        {STRIPES, AT(ext_inode, flags), EXT_FLAG_EXTENTS, ERR_CORRUPT, "extent tree: magic"},
        {LEAF, 0, 4, 512, ERR_CORRUPT, "data at block 512 of 512"},
        {LEAF, 0, 8, ~0ull, ERR_CORRUPT, "data at block"},
        {DIR, BLOCK + 0, 4, 0, ERR_NOT_FOUND, "\"stripes\" is missing"},
        {DIR, BLOCK + 0, 4, 0x7fffffff, ERR_CORRUPT, "data at block"},
    };
    make("-t ext2");
    damages_are_told(cases, ARRAY_COUNT(cases));
    /* Double and triple indirection; past what pointers can tell. */
    struct ext_inode *inode = (struct ext_inode *)(image + place[STRIPES]);
    u32 leaf = inode->block[12];
    struct extent extent;
    inode->size_high = 0x100;
    inode->block[13] = inode->block[14] = 512;
    struct volume *v = mounted();
    struct file file = opened(v, "/boot/stripes");
    static const u64 first[] = {(12 + 256) * 1024, (12 + 256 + 65536) * 1024, (12 + 256 + 65536 + 16777216) * 1024ull};
    assert_int_equal(fs_ext.map(v, &file.node, first[0], &extent), ERR_CORRUPT);
    assert_int_equal(fs_ext.map(v, &file.node, first[1], &extent), ERR_CORRUPT);
    assert_int_equal(fs_ext.map(v, &file.node, first[2], &extent), ERR_CORRUPT);
    assert_non_null(strstr(error_text(), "more than its blocks can hold"));
    inode->block[13] = inode->block[14] = leaf; /* whose pointers are to data blocks full of n, big endian */
    v = mounted();
    file = opened(v, "/boot/stripes");
    assert_int_equal(fs_ext.map(v, &file.node, first[0], &extent), ERR_CORRUPT);
    assert_int_equal(fs_ext.map(v, &file.node, first[1], &extent), ERR_CORRUPT);
    assert_int_equal(fs_ext.map(v, &file.node, first[1] - 1, &extent), OK);
    assert_int_equal(fs_ext.map(v, &file.node, first[2] - 1, &extent), OK);
    assert_true(extent.hole);
}

static void broken_directories_are_told(void **state)
{
    (void)state;
    static const struct damage cases[] = {
        {RECORDS, 24 + AT(ext_dirent, rec_len), 0, ERR_CORRUPT, "record at byte 24: 0 bytes, expected 8 to 1000"},
        {RECORDS, 24 + AT(ext_dirent, rec_len), 7, ERR_CORRUPT, "at byte 24: 7 bytes"},
        {RECORDS, 24 + AT(ext_dirent, rec_len), 13, ERR_CORRUPT, "at byte 24: 13 bytes"},
        {RECORDS, 24 + AT(ext_dirent, rec_len), 1004, ERR_CORRUPT, "at byte 24: 1004 bytes"},
        {RECORDS, 24 + AT(ext_dirent, rec_len), 0xffff, ERR_CORRUPT, "at byte 24: 65535 bytes"},
        {RECORDS, 24 + AT(ext_dirent, name_len), 0, ERR_NOT_FOUND, NULL},
        {RECORDS, 24 + AT(ext_dirent, name_len), 255, ERR_CORRUPT, "at byte 24"},
        {RECORDS, 24 + AT(ext_dirent, inode), 0, ERR_NOT_FOUND, NULL},
        {RECORDS, 24 + AT(ext_dirent, inode), 33, ERR_CORRUPT, "inode 33, expected 1 to 32"},
        {RECORDS, 24 + AT(ext_dirent, inode), 0xffffffff, ERR_CORRUPT, "inode 4294967295, expected 1 to 32"},
        {RECORDS, 24 + AT(ext_dirent, file_type), 0xff, OK, NULL},
        {RECORDS, 12 + AT(ext_dirent, rec_len), 1012, ERR_NOT_FOUND, NULL},
        {RECORDS, 12 + AT(ext_dirent, rec_len), 1008, ERR_CORRUPT, "at byte 1020"},
    };
    make("-t ext2");
    damages_are_told(cases, ARRAY_COUNT(cases));
}

static void broken_inline_data_is_told(void **state)
{
    (void)state;
    enum { MAGIC = 160, FIRST = MAGIC + 4, BLOCK = offsetof(struct ext_inode, block) };
    static const struct damage cases[] = {
        {SLOW, 128, 2, 0, OK, NULL}, /* no attributes: the target ends early, in a directory */
        {SLOW, 128, 2, 0xffff, OK, NULL},
        {SLOW, MAGIC, 4, 0, OK, NULL},
        {SLOW, FIRST + AT(ext_attribute, name_len), 255, OK, NULL},
        {SLOW, FIRST + AT(ext_attribute, value_offset), 0xffff, ERR_CORRUPT, "of inline data at byte 65699 of 256"},
        {SLOW, FIRST + AT(ext_attribute, value_size), 0xffffffff, ERR_CORRUPT, "4294967295 bytes of inline data"},
        {SLOW, FIRST + AT(ext_attribute, value_inode), 1, ERR_CORRUPT, "bytes of inline data"},
        {DIR, BLOCK + 4 + AT(ext_dirent, rec_len), 0, ERR_CORRUPT, "record at byte 4: 0 bytes, expected 8 to 56"},
        {DIR, BLOCK + 4 + AT(ext_dirent, rec_len), 60, ERR_CORRUPT, "directory record at byte 4: 60 bytes"},
        {DIR, FIRST + AT(ext_attribute, value_offset), 0xffff, ERR_CORRUPT, "bytes of inline data"},
        {DIR, FIRST + AT(ext_attribute, value_size), 3, ERR_CORRUPT, "bytes of inline data"},
    };
    make("-t ext4 -O inline_data,^has_journal -I 256");
    damages_are_told(cases, ARRAY_COUNT(cases));
}

/* Everything below dir is listed, looked up and read, whatever errors there are. */
static void walk(struct volume *v, const struct node *dir, u32 depth)
{
    static u8 bytes[4096];
    struct dirent entry;
    struct node node;
    struct extent extent;
    u64 cursor = 0;
    for (u32 count = 0; count < 100 && !fs_ext.list(v, dir, &cursor, &entry); count++) {
        if (fs_ext.lookup(v, dir, text_of(entry.name), &node))
            continue;
        if (node.type == NODE_DIR && depth)
            walk(v, &node, depth - 1);
        u64 at = 0;
        for (u32 n = 0; n < 100 && at < node.size && !fs_ext.map(v, &node, at, &extent); at += extent.size, n++) {
            assert_true(extent.size);
            if (!extent.hole)
                volume_read(v, extent.volume_byte, min_u64(extent.size, sizeof bytes), bytes);
        }
    }
}

static void walk_all(void)
{
    struct node root;
    struct volume *v = volume_of_image();
    log_level = LOG_QUIET;
    if (!fs_ext.mount(v) && !fs_ext.root(v, &root))
        walk(v, &root, 2);
}

/* Every byte of all that is met, damaged in turn, by what hurts most: nothing may crash, hang or read past its end. */
static void no_byte_is_trusted(void **state)
{
    (void)state;
    static const struct {
        enum place place;
        u32 size, step;
    } cases[] = {{SUPER, 0x158, 5}, {GROUP, 64, 3}, {DIR, 180, 3},   {STRIPES, 128, 2},
                 {LEAF, 60, 2},     {SLOW, 200, 3}, {RECORDS, 60, 2}};
    static const char *const options[] = {"-t ext4 -O ^has_journal", "-t ext2",
                                          "-t ext4 -O inline_data,^has_journal -I 256"};
    static const u8 flips[] = {0xff, 0x80, 0x01};
    for (u32 i = 0; i < ARRAY_COUNT(options); i++) {
        make(options[i]);
        for (u32 c = 0; c < ARRAY_COUNT(cases); c++)
            for (u32 n = i; n < cases[c].size; n += cases[c].step) {
                u8 *at = image + place[cases[c].place] + n;
                *at ^= flips[(n + i) % 3];
                walk_all();
                *at ^= flips[(n + i) % 3];
            }
        assert_int_equal(use(), OK);
    }
}

/* ---- the group -------------------------------------------------------------------------------------------------- */

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/shim-test-ext-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    run("tests/images/ext_tree.sh %s/source", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    munmap(image, image_size);
    run("rm -rf %s", folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(volumes_by_mke2fs_are_read_whole),
        cmocka_unit_test(fragmented_files_are_read_whole),
        cmocka_unit_test(deep_trees_are_read),
        cmocka_unit_test(huge_files_are_read_at_their_end),
        cmocka_unit_test(few_requests_are_made),
        cmocka_unit_test(a_volume_takes_little_memory),
        cmocka_unit_test(ten_thousand_entries_are_fast),
        cmocka_unit_test(features_are_refused_by_name),
        cmocka_unit_test(unclean_volumes_are_told_and_read),
        cmocka_unit_test(encrypted_files_are_refused),
        cmocka_unit_test(broken_superblocks_are_refused),
        cmocka_unit_test(broken_extents_are_told),
        cmocka_unit_test(broken_pointers_are_told),
        cmocka_unit_test(broken_directories_are_told),
        cmocka_unit_test(broken_inline_data_is_told),
        cmocka_unit_test(no_byte_is_trusted),
    };
    return cmocka_run_group_tests_name("ext", tests, setup, teardown);
}
