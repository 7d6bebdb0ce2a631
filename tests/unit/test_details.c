/* test_details.c: details.c: what is known of an entry, over a volume by mke2fs, seen through a serial port. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "host.h"

#include "menu.h"
#include "payload.h"
#include "screen.h"
#include "terminal.h"
#include "tools.h"

extern const struct filesystem fs_ext;

static u8 *image;
static u64 image_size;
static struct boot_info boot;
static struct arguments arguments;
static struct config config;
static struct volume_list volumes;
static struct boot_entry entry;

/* A file that begins like a bzImage of version 6.1. */
static void write_kernel(const char *path)
{
    static u8 bytes[2000000];
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    bytes[0x1f1] = 4;                               /* setup_sects */
    bytes[0x1f4] = 0xa0, bytes[0x1f5] = 0x86, bytes[0x1f6] = 1; /* syssize: 16 bytes each */
    memcpy(bytes + 0x1fe, "\x55\xaa", 2);
    memcpy(bytes + 0x202, "HdrS\x0f\x02", 6);
    memcpy(bytes + 0x20e, "\x00\x04", 2);
    bytes[0x211] = 1; /* loadflags */
    memcpy(bytes + 0x600, "6.1.0-13-amd64 (somebody) #1", 29);
    fwrite(bytes, sizeof bytes, 1, f);
    fclose(f);
}

static int make_image(void **state)
{
    (void)state;
    run("rm -rf build/details && mkdir -p build/details/tree/boot");
    write_kernel("build/details/tree/boot/vmlinuz");
    run("printf hello >build/details/tree/text; head -c 5000 /dev/zero >build/details/tree/boot/initrd.img");
    run("PATH=$PATH:/sbin:/usr/sbin mke2fs -q -t ext2 -L root -U 01234567-89ab-cdef-0123-456789abcdef "
        "-d build/details/tree build/details/image 4M");
    image = host_file("build/details/image", &image_size);
    run("rm -rf build/details");
    return 0;
}

static void machine(void)
{
    host_reset();
    terminal_begin();
    struct volume *v = volumes.volume[0] = host_volume(host_disk(NULL, "vd", image, image_size, 512));
    volumes.count = 1;
    assert_int_equal(fs_ext.mount(v), OK);
    v->fs = &fs_ext;
    memset(&arguments, 0, sizeof arguments);
    entry = (struct boot_entry){.id = "debian", .title = "Debian", .kernel = "/boot/vmlinuz", .options = "ro quiet",
                                .volume = v, .config = "(vda)/boot/grub/grub.cfg", .line = 12};
    screen_begin();
    terminal.sent = 0;
}

static void details(const char *keys)
{
    static const struct disk_list disks;
    const struct session session = {&boot, &arguments, &disks, &volumes, &config};
    u64 mark = arena_mark();
    script.start = host_ticks;
    script.shot_ms = 500;
    script.again = "x";
    script.again_ms = 1000;
    script.keys = keys ? keys : script.again;
    script.at_ms = keys ? 100 : 1000;
    entry_details(&session, &entry);
    assert_true(now_ms() >= 1000);
    assert_int_equal(arena_mark(), mark);
    assert_string_equal(error_text(), "");
}

static void add(struct entry_file **files, u32 *count, const char *path, const char *text)
{
    assert_int_equal(entry_file_add(files, count, (struct entry_file){text_of(path), text_of(text)}), OK);
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

static void all_that_is_known(void **state)
{
    (void)state;
    machine();
    add(&entry.initrd, &entry.initrd_count, "/boot/initrd.img", "");
    add(&entry.initrd, &entry.initrd_count, "/boot/none", "");
    add(&entry.module, &entry.module_count, "(LABEL=root)/text", "some text");
    entry.counted = true;
    entry.tries_left = 2;
    entry.help = "Help of\ntwo lines";
    arguments.append = text_of("console=ttyS0");
    details(NULL);
    static const char *const rows[] = {
        " Debian",
        "",
        " ID         debian",
        " Config     (vda)/boot/grub/grub.cfg, line 12",
        " Volume     vda: ext2, 4 MiB",
        "            LABEL=root",
        "            UUID=01234567-89ab-cdef-0123-456789abcdef",
        " Kernel     (vda)/boot/vmlinuz, 2000000 bytes (1.9 MiB)",
        " Type       linux, 6.1.0-13-amd64 (somebody) #1",
        " Initrd     (vda)/boot/initrd.img, 5000 bytes",
        " Initrd     (vda)/boot/none: no such file (\"none\" is missing)",
        " Module     (vda)/text, 5 bytes",
        "            some text",
        " Options    ro quiet",
        " and        console=ttyS0",
        " Tries      2 left, 0 done",
        " Help       Help of",
        "            two lines",
    };
    for (u32 i = 0; i < ROWS - 1; i++)
        assert_row(i, i < ARRAY_COUNT(rows) ? rows[i] : "");
    assert_row(ROWS - 1, " Any key goes back");
}

static void what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *kernel, *row, *following;
    } cases[] = {
        {"/boot/vmlinux", " Kernel     (vda)/boot/vmlinux: no such file (\"vmlinux\" is missing)", ""},
        {"/boot", " Kernel     (vda)/boot: not a file", ""},
        {"/text", " Kernel     (vda)/text, 5 bytes", " Type       no kernel that is known here"},
        {"(vdb)/x", NULL, NULL},
        {NULL, " Kernel     none", ""},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        machine();
        entry.kernel = cases[i].kernel;
        entry.disabled = "a reason";
        entry.options = "";
        entry.line = 0;
        details(NULL);
        assert_row(2, " Disabled   a reason");
        assert_row(4, " Config     (vda)/boot/grub/grub.cfg");
        if (cases[i].row) {
            assert_row(8, cases[i].row);
            assert_row(9, cases[i].following);
        }
    }
    machine(); /* the disk fails */
    host_disk_fail_lba = 0;
    for (u32 i = 0; i < 3; i++) {
        block_cache_reset();
        host_disk_fail_lba = host_disk_fail_lba * 7 + 4;
        details(NULL);
    }
}

static void modules_and_submenus(void **state)
{
    (void)state;
    machine();
    boot.module[2] = (struct module){0x1000000, 1000, ""};
    entry = (struct boot_entry){.id = "module2", .title = "module2: x", .options = "",
                                .kernel_module = &boot.module[2]};
    details(NULL);
    assert_row(2, " ID         module2");
    assert_row(3, " Kernel     (module2), 1000 bytes");
    machine();
    entry = (struct boot_entry){.kind = ENTRY_SUBMENU, .id = "", .title = "More"};
    details(NULL);
    assert_row(0, " More");
    assert_row(2, "");
}

static void long_texts_scroll(void **state)
{
    (void)state;
    static const struct {
        const char *keys;
        u32 first; /* line, from 1 */
    } cases[] = {
        {"\033[B", 2}, {"\033[B\033[B\033[A", 2}, {"\033[A", 1}, {"\033[6~", 21}, {" ", 21}, {"\033[F", 102},
        {"\033[6~\033[6~\033[6~\033[6~\033[6~\033[6~", 102}, {"\033[F\033[5~", 82}, {"\033[F\033[H", 1}, {"\x0c", 1},
    };
    char options[6800];
    for (u32 i = 0; i < sizeof options; i++)
        options[i] = i % 10 == 9 ? ' ' : (char)('0' + i / 10 % 10);
    options[sizeof options - 1] = 0;
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        char row[100];
        machine();
        entry.options = options;
        details(cases[i].keys);
        assert_row(0, " Debian");
        if (cases[i].first == 1)
            assert_row(2, " ID         debian");
        format_text(row, sizeof row, " Lines %u to %u of 121   Up/Down scroll   any other key goes back",
                    cases[i].first, cases[i].first + 19);
        assert_row(ROWS - 1, row);
    }
}

static void too_much_is_cut(void **state)
{
    (void)state;
    machine();
    char *options = arena_reserve(MIB(1), 1);
    memset(options, 'x', MIB(1));
    options[MIB(1) - 1] = 0;
    entry.options = options;
    details(NULL);
    assert_row(ROWS - 1, " Lines 1 to 20 of 400   Up/Down scroll   any other key goes back");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_is_known), cmocka_unit_test(what_is_wrong), cmocka_unit_test(modules_and_submenus),
        cmocka_unit_test(long_texts_scroll), cmocka_unit_test(too_much_is_cut),
    };
    return cmocka_run_group_tests_name("details", tests, make_image, NULL);
}
