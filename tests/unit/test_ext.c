/* test_ext.c: fs/ext*.c on volumes by mke2fs and debugfs, compared byte for byte with their source, then with each field
 * broken in turn. */
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

#include "ext.h"
#include "file.h"

extern const struct filesystem fs_ext;

/* cmocka's fail_msg() needs its fail(), which host.h gives up for ours. */
#define FAILED(...) (print_error(__VA_ARGS__), print_error("\n"), _fail(__FILE__, __LINE__))

static char folder[64];

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void run(const char *format, ...)
{
    char command[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    if (system(command))
        FAILED("failed: %s", command);
}

/* First line that a command prints. */
static void line_of(char *line, u32 room, const char *command)
{
    FILE *p = popen(command, "r");
    assert_non_null(p);
    line[0] = 0;
    if (fgets(line, (int)room, p))
        line[strcspn(line, "\n")] = 0;
    pclose(p);
}

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
    snprintf(command, sizeof command, "find %s/%s -mindepth 1 | wc -l", folder, source);
    line_of(line, sizeof line, command);
    assert_int_equal(fs_ext.root(v, &root), OK);
    snprintf(command, sizeof command, "%s/%s", folder, source);
    assert_int_equal(compare_dir(v, &root, command), atoi(line));
}

static void volumes_by_mke2fs_are_read_whole(void **state)
{
    (void)state;
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
        {"-t ext4 -O meta_bg,^resize_inode -g 512 -b 1024", "ext4", ""},
        {"-t ext4 -O meta_bg,^resize_inode,^flex_bg,^sparse_super,^64bit -g 512 -b 1024", "ext4", ""},
        {"-t ext4 -O meta_bg,^resize_inode,^flex_bg,sparse_super2 -E num_backup_sb=2 -g 512 -b 1024", "ext4", ""},
        {"-t ext4 -O meta_bg,^resize_inode,^flex_bg -g 256 -b 2048", "ext4", ""},
        {"-t ext4 -E desc_size=128 -b 1024 -g 1024", "ext4", ""},
        {"-t ext4 -O bigalloc -C 16384 -b 1024", "ext4", ""},
        {"-t ext4 -O bigalloc -C 16384 -b 4096", "ext4", ""},
        {"-t ext4 -O bigalloc,meta_bg,^resize_inode,^has_journal -C 8192 -b 1024 -g 4096", "ext4", ""},
        {"-t ext4 -O casefold -E encoding=utf8", "ext4", ""},
        {"-t ext4 -O encrypt,verity,mmp,quota,project,ea_inode,stable_inodes,fast_commit", "ext4", ""},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        char uuid[40], command[128];
        run("tests/images/ext_image.sh %s/image %s %s/source %s", folder, "96M", folder, cases[i].options);
        if (strstr(cases[i].options, "inline_data")) /* mke2fs 1.47 forgets the hole there */
            run("debugfs -w -R 'set_inode_field /boot/hole-last size 400000' %s/image 2>/dev/null", folder);
        snprintf(command, sizeof command, "blkid -p -o value -s UUID %s/image", folder);
        line_of(uuid, sizeof uuid, command);
        image_map();
        struct volume *v = mounted();
        if (strcmp(fs_ext.describe(v), cases[i].type) || strcmp(v->ids.label, cases[i].label) || strcmp(v->ids.uuid, uuid))
            FAILED("mke2fs %s: %s, \"%s\", %s; expected %s, \"%s\", %s", cases[i].options, fs_ext.describe(v),
                   v->ids.label, v->ids.uuid, cases[i].type, cases[i].label, uuid);
        if (getenv("SHIM_TEST_VERBOSE"))
            print_message("%s\n", cases[i].options);
        compare_tree(v, "source");
        assert_null(strstr(host_log(), "warning"));
    }
}

int main(void);
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
    run("rm -rf %s", folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(volumes_by_mke2fs_are_read_whole),
    };
    return cmocka_run_group_tests_name("ext", tests, setup, teardown);
}
