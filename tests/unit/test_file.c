/* test_file.c: file.c: paths, links, reading, on a filesystem of a dozen nodes kept in a table. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "host.h"

#include "file.h"

/* A filesystem that is a table: node id = index; parent by index; content on the volume at id × 64 KiB. */
struct toy {
    const char *name;
    u32 parent;
    enum node_type type;
    const char *target; /* of a symlink */
    u64 size;           /* of a file */
};

static const struct toy toys[] = {
    {"", 0, NODE_DIR, NULL, 0},
    {"boot", 0, NODE_DIR, NULL, 0},
    {"vmlinuz", 1, NODE_FILE, NULL, 100000},
    {"link", 1, NODE_SYMLINK, "vmlinuz", 0},
    {"absolute", 1, NODE_SYMLINK, "/boot/vmlinuz", 0},
    {"up", 1, NODE_SYMLINK, "../boot/./link", 0},
    {"loop", 0, NODE_SYMLINK, "loop", 0},
    {"dirlink", 0, NODE_SYMLINK, "boot/", 0},
    {"dangling", 0, NODE_SYMLINK, "nowhere/at/all", 0},
    {"holes", 0, NODE_FILE, NULL, 50000},
    {"empty", 0, NODE_FILE, NULL, 0},
    {"a", 0, NODE_DIR, NULL, 0},
    {"outside", 0, NODE_FILE, NULL, 100},
};

#define VOLUME_SIZE (ARRAY_COUNT(toys) * KIB(128))
#define ID_HOLES 9
#define ID_A 11
#define ID_OUTSIDE 12

static u8 *image;

static enum error toy_node(u32 id, struct node *node)
{
    const struct toy *t = &toys[id];
    *node = (struct node){.id = id, .type = t->type, .size = t->target ? strlen(t->target) : t->size};
    return OK;
}

static enum error toy_root(struct volume *v, struct node *root)
{
    (void)v;
    return toy_node(0, root);
}

static enum error toy_lookup(struct volume *v, const struct node *dir, struct text name, struct node *found)
{
    (void)v;
    if (dir->id == ID_A && text_equal(name, "a")) /* "a" holds itself: paths of any depth */
        return toy_node(ID_A, found);
    for (u32 i = 1; i < ARRAY_COUNT(toys); i++)
        if (toys[i].parent == dir->id && text_equal(name, toys[i].name))
            return toy_node(i, found);
    return ERR_NOT_FOUND;
}

static enum error toy_map(struct volume *v, const struct node *node, u64 at, struct extent *extent)
{
    (void)v;
    if (node->id == ID_OUTSIDE)
        *extent = (struct extent){VOLUME_SIZE - 10, 100, false};
    else if (node->id == ID_HOLES)
        *extent = (struct extent){node->id * KIB(128) + at, 1000, at / 1000 % 2 == 1};
    else
        *extent = (struct extent){node->id * KIB(128) + at, node->size - at, false};
    return OK;
}

static enum error toy_list(struct volume *v, const struct node *dir, u64 *cursor, struct dirent *entry)
{
    (void)v;
    for (u32 i = (u32)*cursor + 1; i < ARRAY_COUNT(toys); i++)
        if (toys[i].parent == dir->id) {
            *cursor = i;
            entry->type = toys[i].type;
            format_text(entry->name, sizeof entry->name, "%s", toys[i].name);
            return OK;
        }
    return ERR_NOT_FOUND;
}

static const struct filesystem toy_fs = {
    .name = "toy", .root = toy_root, .lookup = toy_lookup, .map = toy_map, .list = toy_list};

static struct volume *fresh_volume(void)
{
    host_reset();
    struct volume *v = host_volume(host_disk(NULL, "vd", image, VOLUME_SIZE, 512));
    v->fs = &toy_fs;
    return v;
}

static int setup(void **state)
{
    (void)state;
    image = malloc(VOLUME_SIZE);
    for (u64 i = 0; i < VOLUME_SIZE; i++)
        image[i] = (u8)(i * 7 + i / 251);
    for (u32 i = 0; i < ARRAY_COUNT(toys); i++)
        if (toys[i].target)
            memcpy(image + i * KIB(128), toys[i].target, strlen(toys[i].target));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(image);
    return 0;
}

static void paths_lead_to_nodes(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        i32 node; /* < 0: not found, and `says` is in the sentence */
        const char *says;
    } cases[] = {
        {"/boot/vmlinuz", 2, NULL},
        {"boot/vmlinuz", 2, NULL},
        {"//boot///vmlinuz", 2, NULL},
        {"/./boot/././vmlinuz", 2, NULL},
        {"/boot/../boot/vmlinuz", 2, NULL},
        {"/../../boot/vmlinuz", 2, NULL},
        {"/boot/link", 2, NULL},
        {"/boot/absolute", 2, NULL},
        {"/boot/up", 2, NULL},
        {"/dirlink/link", 2, NULL},
        {"/dirlink/../boot/up", 2, NULL},
        {"/dirlink", 1, NULL},
        {"/", 0, NULL},
        {"", 0, NULL},
        {"/boot/", 1, NULL},
        {"/nothing", -1, "(vda)/nothing: no such file (\"nothing\" is missing)"},
        {"/boot/nothing", -1, "(vda)/boot/nothing: no such file"},
        {"/none/vmlinuz", -1, "\"none\" is missing"},
        {"/boot/vmlinuz/x", -1, "not a directory"},
        {"/boot/vmlinuz/..", -1, "not a directory"},
        {"/loop", -1, "symbolic links"},
        {"/dangling", -1, "\"nowhere\" is missing"},
        {"/BOOT", -1, "no such file"},
    };
    struct volume *v = fresh_volume();
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        struct file file = {0};
        u64 mark = arena_mark();
        enum error error = file_open(v, text_of(cases[i].path), &file);
        if (cases[i].node >= 0) {
            assert_int_equal(error, OK);
            assert_int_equal(file.node.id, cases[i].node);
        } else {
            assert_int_not_equal(error, OK);
            assert_non_null(strstr(error_text(), cases[i].says));
            assert_null(file.volume);
        }
        arena_release(mark);
    }
}

static void long_paths_work_up_to_the_limit(void **state)
{
    (void)state;
    struct volume *v = fresh_volume();
    struct file file;
    char path[5000];
    for (u32 i = 0; i < sizeof path; i++)
        path[i] = i % 2 ? 'a' : '/';
    assert_int_equal(file_open(v, (struct text){path, 4096}, &file), OK);
    assert_int_equal(file.node.id, ID_A);
    assert_int_equal(file_open(v, (struct text){path, 4097}, &file), ERR_NOT_FOUND);
    assert_non_null(strstr(error_text(), "4097 bytes"));
    memset(path, 'x', 4000);
    assert_int_equal(file_open(v, (struct text){path, 4000}, &file), ERR_NOT_FOUND);
    assert_non_null(strstr(error_text(), "a name of 4000 bytes"));
}

static void named_paths_find_their_volume(void **state)
{
    (void)state;
    struct volume *v = fresh_volume();
    struct volume_list list = {1, {v}};
    struct file file;
    memcpy(v->ids.label, "root", 5);
    memcpy(v->ids.uuid, "abcd-1234", 10);
    assert_int_equal(file_open_named(&list, v, text_of("/boot/link"), &file), OK);
    assert_string_equal(file.path, "(vda)/boot/link");
    assert_int_equal(file_open_named(&list, NULL, text_of("(LABEL=root)/boot/link"), &file), OK);
    assert_int_equal(file_open_named(&list, NULL, text_of("(UUID=ABCD-1234)/boot"), &file), OK);
    assert_int_equal(file_open_named(&list, NULL, text_of("(vda)boot"), &file), OK);
    assert_int_equal(file_open_named(&list, NULL, text_of("/boot"), &file), ERR_NOT_FOUND);
    assert_int_equal(file_open_named(&list, v, text_of("(vdb)/boot"), &file), ERR_NOT_FOUND);
    assert_non_null(strstr(error_text(), "(vdb)/boot: no volume vdb; there is vda"));
    assert_int_equal(file_open_named(&list, v, text_of("(LABEL=)/boot"), &file), ERR_NOT_FOUND);
    assert_int_equal(file_open_named(&list, v, text_of("(vda/boot"), &file), ERR_SYNTAX);
    v->fs = NULL;
    assert_int_equal(file_open_named(&list, v, text_of("/boot"), &file), ERR_NOT_FOUND);
}

static void contents_holes_and_ends(void **state)
{
    (void)state;
    struct volume *v = fresh_volume();
    struct file file;
    u8 *buf = malloc(100001);
    assert_int_equal(file_open(v, text_of("/boot/vmlinuz"), &file), OK);
    assert_int_equal(file_read(&file, 0, 100000, buf), OK);
    assert_memory_equal(buf, image + 2 * KIB(128), 100000);
    assert_int_equal(file_read(&file, 99999, 1, buf), OK);
    assert_int_equal(file_read(&file, 4096, 100000, buf), ERR_TRUNCATED);
    assert_non_null(strstr(error_text(), "(vda)/boot/vmlinuz: truncated at 100000 of 104096 bytes"));
    assert_int_equal(file_open(v, text_of("/holes"), &file), OK);
    memset(buf, 0xee, 50000);
    assert_int_equal(file_read(&file, 0, 50000, buf), OK);
    for (u32 i = 0; i < 50000; i++)
        assert_int_equal(buf[i], i / 1000 % 2 ? 0 : image[ID_HOLES * KIB(128) + i]);
    assert_int_equal(file_open(v, text_of("/outside"), &file), OK);
    assert_int_equal(file_read(&file, 0, 100, buf), ERR_CORRUPT);
    free(buf);
}

static void whole_files(void **state)
{
    (void)state;
    struct volume *v = fresh_volume();
    struct file file;
    char *text;
    u32 size;
    assert_int_equal(file_open(v, text_of("/boot/vmlinuz"), &file), OK);
    assert_int_equal(file_read_all(&file, 100000, &text, &size), OK);
    assert_int_equal(size, 100000);
    assert_int_equal(text[size], 0);
    assert_int_equal(file_read_all(&file, 99999, &text, &size), ERR_RANGE);
    assert_int_equal(file_open(v, text_of("/empty"), &file), OK);
    assert_int_equal(file_read_all(&file, 10, &text, &size), OK);
    assert_int_equal(size, 0);
    assert_int_equal(file_open(v, text_of("/boot"), &file), OK);
    assert_int_equal(file_read_all(&file, 10, &text, &size), ERR_NOT_FOUND);
    host_poke(0x5000, "#!shim\n", 7);
    file_of_memory(&file, "(module0)", 0x5000, 7);
    assert_int_equal(file_read_all(&file, 10, &text, &size), OK);
    assert_string_equal(text, "#!shim\n");
}

static void directories_list(void **state)
{
    (void)state;
    struct volume *v = fresh_volume();
    struct file dir;
    struct dirent entry;
    u64 cursor = 0;
    u32 count = 0;
    assert_int_equal(file_open(v, text_of("/boot"), &dir), OK);
    while (file_list(&dir, &cursor, &entry) == OK)
        count++;
    assert_int_equal(count, 4);
    assert_int_equal(file_open(v, text_of("/empty"), &dir), OK);
    assert_int_equal(file_list(&dir, &cursor, &entry), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_lead_to_nodes),
        cmocka_unit_test(long_paths_work_up_to_the_limit),
        cmocka_unit_test(named_paths_find_their_volume),
        cmocka_unit_test(contents_holes_and_ends),
        cmocka_unit_test(whole_files),
        cmocka_unit_test(directories_list),
    };
    return cmocka_run_group_tests_name("file", tests, setup, teardown);
}
