/* test_grub_files.c: grub.cfg as distributions' own tools write it: grub-mkconfig of Debian's grub-common with the
 * settings people use; grub-script-check tells what has to be accepted. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <unistd.h>

#include "host.h"

#include "grub_tree.h"
#include "tools.h"

extern const struct config_dialect config_grub;

static char folder[] = "/tmp/shim-grub-XXXXXX";
static struct config config;

static int make_folder(void **state)
{
    (void)state;
    return !mkdtemp(folder);
}

static int remove_folder(void **state)
{
    (void)state;
    run("rm -rf %s", folder);
    return 0;
}

static void make(const char *settings)
{
    run("rm -rf %s/* && tests/images/grub_cfg.sh %s %s", folder, folder, settings);
    run("grub-script-check %s/grub.cfg", folder);
}

/* What has been made, as vda2's /boot/grub/grub.cfg beside this grubenv. */
static void read_made(const char *grubenv)
{
    char path[100];
    u64 size;
    format_text(path, sizeof path, "%s/grub.cfg", folder);
    u8 *bytes = host_file(path, &size);
    char *text = calloc(1, size + 1);
    memcpy(text, bytes, size);
    const struct tree_file files[] = {{2, "/boot/grub/grub.cfg", text}, {2, "/boot/grub/grubenv", grubenv},
                                      {2, "/boot/grub/custom.cfg", "menuentry Own { linux /own }\n"}, {0, NULL, NULL}};
    host_reset();
    log_level = LOG_NORMAL;
    tree_make(files);
    memset(&config, 0, sizeof config);
    config.timeout = TIMEOUT_UNSET;
    const struct config_file file = {.volumes = &tree_volumes, .home = tree_volumes.volume[1],
                                     .name = "(vda2)/boot/grub/grub.cfg", .path = text_of("/boot/grub/grub.cfg"),
                                     .text = {text, (u32)size}};
    assert_int_equal(config_grub.parse(&config, &file), OK);
    free(bytes);
    free(text);
}

static const char *const kernels[] = {"6.1.0-18-amd64", "6.1.0-9-amd64", "5.10.0-28-amd64"};

/* The newest kernel, then a submenu of every kernel, each followed by its recovery. */
static void check_rows(const char *options)
{
    char expected[500];
    assert_string_equal(host_log(), "");
    assert_int_equal(config.entry_count, 9);
    assert_string_equal(config.entry[0]->title, "Toy GNU/Linux");
    assert_int_equal(config.entry[1]->kind, ENTRY_SUBMENU);
    assert_string_equal(config.entry[2]->title, "Own");
    for (u32 i = 0; i < 6; i++) {
        const struct boot_entry *e = config.entry[3 + i];
        const char *kernel = kernels[i / 2];
        format_text(expected, sizeof expected, "Toy GNU/Linux, with Linux %s%s", kernel,
                    i % 2 ? " (recovery mode)" : "");
        assert_string_equal(e->title, expected);
        format_text(expected, sizeof expected, "gnulinux-%s-%s-00000000-0000-0000-0000-000000000002", kernel,
                    i % 2 ? "recovery" : "advanced");
        assert_string_equal(e->id, expected);
        format_text(expected, sizeof expected, "BOOT_IMAGE=/boot/vmlinuz-%s root=/dev/vda2 ro %s", kernel,
                    i % 2 ? "single console=ttyS0" : options);
        assert_string_equal(e->options, expected);
        assert_ptr_equal(e->parent, config.entry[1]);
        assert_ptr_equal(e->volume, tree_volumes.volume[1]);
        assert_int_equal(e->initrd_count, i < 4 ? 2 : 1); /* microcode first */
        assert_null(e->disabled);
    }
    assert_string_equal(config.entry[0]->kernel, config.entry[3]->kernel);
    assert_string_equal(config.entry[0]->options, config.entry[3]->options);
}

static void as_debian_sets_it(void **state)
{
    (void)state;
    make("GRUB_DEFAULT=0 GRUB_TIMEOUT=5 GRUB_DISTRIBUTOR=Toy GRUB_CMDLINE_LINUX_DEFAULT=quiet "
         "GRUB_CMDLINE_LINUX=console=ttyS0");
    read_made("");
    check_rows("console=ttyS0 quiet");
    assert_int_equal(config.timeout, 5);
    assert_false(config.hidden);
    assert_ptr_equal(config.default_entry, config.entry[0]);
}

static void with_a_saved_default(void **state)
{
    (void)state;
    static const char *const envs[] = {
        "saved_entry=gnulinux-advanced-00000000-0000-0000-0000-000000000002>"
        "gnulinux-6.1.0-9-amd64-advanced-00000000-0000-0000-0000-000000000002",
        "saved_entry=0\nnext_entry=1>2", "saved_entry=Advanced options for Toy GNU/Linux>2",
    };
    make("GRUB_DEFAULT=saved GRUB_SAVEDEFAULT=true GRUB_TIMEOUT=-1 GRUB_DISTRIBUTOR=Toy "
         "\"GRUB_CMDLINE_LINUX_DEFAULT='a=\\\"b c\\\" \\$x'\" GRUB_CMDLINE_LINUX=console=ttyS0");
    for (u32 i = 0; i < ARRAY_COUNT(envs); i++) {
        char grubenv[300];
        format_text(grubenv, sizeof grubenv, "# GRUB Environment Block\n%s\n######", envs[i]);
        read_made(grubenv);
        check_rows("console=ttyS0 \"a=b c\"");
        assert_int_equal(config.timeout, TIMEOUT_NONE);
        assert_string_equal(config.default_entry->title, "Toy GNU/Linux, with Linux 6.1.0-9-amd64");
    }
}

static void with_a_hidden_menu(void **state)
{
    (void)state;
    make("GRUB_DEFAULT=\\\"1\\>0\\\" GRUB_TIMEOUT_STYLE=hidden GRUB_TIMEOUT=2 GRUB_DISTRIBUTOR=Toy "
         "GRUB_TERMINAL=serial "
              "'GRUB_SERIAL_COMMAND=\"serial --unit=0 --speed=115200\"' GRUB_INIT_TUNE='\"480 440 1\"' "
         "GRUB_CMDLINE_LINUX_DEFAULT= GRUB_CMDLINE_LINUX=console=ttyS0");
    read_made("");
    check_rows("console=ttyS0");
    assert_int_equal(config.timeout, 2);
    assert_true(config.hidden);
    assert_ptr_equal(config.default_entry, config.entry[3]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_debian_sets_it),
        cmocka_unit_test(with_a_saved_default),
        cmocka_unit_test(with_a_hidden_menu),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
