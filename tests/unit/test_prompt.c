/* test_prompt.c: the rescue prompt as somebody at a serial terminal sees it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "host.h"
#include "expect.h"

#include "fake_terminal.h"
#include "fake_tree.h"
#include "line_edit.h"
#include "menu.h"
#include "payload.h"
#include "tables.h"

#define TEN " 23456789"
#define LINE_90 TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static const struct fake_file root_files[] = {
    {"/boot", NODE_DIR, NULL},
    {"/boot/vmlinuz-6.1", NODE_FILE, "kernel"},
    {"/boot/initrd-6.1", NODE_FILE, "initrd"},
    {"/boot/my file", NODE_FILE, "blanks"},
    {"/boot/netbsd", NODE_FILE, "a PVH kernel"},
    {"/etc", NODE_DIR, NULL},
    {"/etc/fstab", NODE_FILE, "# comment\n/dev/sda1\t/\text4\r\n\033[2Jbytes: \xff\x01\xc2\x9b \xc3\xa9"},
    {"/etc/long", NODE_FILE, LINE_90 LINE_90 "end"},
    {"/etc/47", NODE_FILE, "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n17\n18\n19\n20\n21\n22\n"
                           "23\n24\n25\n26\n27\n28\n29\n30\n31\n32\n33\n34\n35\n36\n37\n38\n39\n40\n41\n42\n43\n44\n45\n46\n47"},
    {"/etc/unreadable", NODE_OTHER, NULL},
    {"/vmlinuz", NODE_SYMLINK, "boot/vmlinuz-6.1"},
    {"/evil\033[2J", NODE_FILE, ""},
    {"/many", NODE_DIR, NULL},
    {NULL, 0, NULL},
};
static const struct fake_file esp_files[] = {
    {"/EFI", NODE_DIR, NULL},
    {"/EFI/Linux", NODE_DIR, NULL},
    {"/EFI/Linux/arch.efi", NODE_FILE, "kernel"},
    {NULL, 0, NULL},
};

static struct boot_info boot;
static struct arguments arguments;
static struct disk_list disks;
static struct volume_list volumes;
static struct config config;
static const struct session session = {&boot, &arguments, &disks, &volumes, &config};

static void machine(u32 many)
{
    host_reset();
    memset(&boot, 0, sizeof boot);
    memset(&arguments, 0, sizeof arguments);
    memset(&disks, 0, sizeof disks);
    memset(&config, 0, sizeof config);
    volumes.count = 3;
    volumes.volume[0] = fake_tree("vda1", esp_files, true, 0);
    volumes.volume[1] = fake_tree("vda2", root_files, false, many);
    volumes.volume[2] = arena_alloc(sizeof(struct volume), 8);
    format_text(volumes.volume[1]->ids.label, 20, "root");
    format_text(volumes.volume[2]->name, 24, "vdb");
    volumes.volume[2]->disk = volumes.volume[1]->disk;
    volumes.volume[2]->reason = "XFS, which is not read here";
    disks.disk[disks.count++] = volumes.volume[1]->disk;
    config.home = volumes.volume[1];
    mem_map_add(&boot.memory, 0, 0x9f000, MEM_USABLE);
    mem_map_add(&boot.memory, MIB(1), MIB(255), MEM_USABLE);
    mem_map_add(&boot.memory, 0xfffc0000, KIB(256), MEM_RESERVED);
    terminal_open();
}

/* Type, and Escape until the prompt is left. What was collected to be booted before is forgotten first. */
static struct menu_choice type(const char *keys)
{
    static char all[20000];
    format_text(all, sizeof all, "clear\r%s", keys);
    terminal_type(all, strlen(all), "\033");
    return prompt_run(&session);
}

#define expect_text(sentence, is_there)                                                                                \
    do {                                                                                                               \
        if (!strstr(terminal_text(), sentence) != !(is_there))                                                         \
            FAILED("\"%s\" is %sin:\n%s", sentence, is_there ? "not " : "", terminal_text());                          \
    } while (0)

/* ---- commands ---------------------------------------------------------------------------------------------------- */

static void commands_answer(void **state)
{
    (void)state;
    static const struct {
        const char *keys, *shown, *not_shown;
    } cases[] = {
        {"help\r", "  ls [PATH]             a directory; without PATH, the volumes\n", "unknown"},
        {"help cat\r", "  cat PATH              a file's text\n", "  ls"},
        {"help nothing\r", "unknown command \"nothing\"; `help` lists those there are\n", "  ls"},
        {"poweof\r", "unknown command \"poweof\"; did you mean \"poweroff\"?\n", NULL},
        {"\r  \r", "shim (vda2)>\nshim (vda2)>\nshim (vda2)>\n", "unknown"},
        {"cat\r", "  cat PATH              a file's text\n", "error"},
        {"ls\r", "* vda2       5120 bytes  tree LABEL=root\n", "error"},
        {"ls\r", "  vdb           0 bytes  XFS, which is not read here\n", "* vda1"},
        {"volumes\r", "  vda1       1024 bytes  tree\n", NULL},
        {"disks\r", "vda        5120 bytes  host-image, blocks of 512 bytes\n", NULL},
        {"memory\r", "000000100000-00000fffffff    255 MiB  usable\n0000fffc0000-0000ffffffff    256 KiB  reserved\n"
                     "255 MiB usable\n", NULL},
        {"log\r", "shim: something was said\n", NULL},
        {"ls /\r", "         dir  boot/\n         dir  etc/\n        link  vmlinuz -> boot/vmlinuz-6.1\n"
                   "           0  evil?[2J\n         dir  many/\n", "error"},
        {"ls /boot\r", "           6  my file\n", "dir"},
        {"ls boot\r", "           6  my file\n", "dir"},
        {"ls /boot/../boot/\r", "           6  my file\n", "dir"},
        {"ls -l /boot\r", "           6  my file\n", "dir"},
        {"ls /boot/my\\ file\r", "           6  (vda2)/boot/my file\n", NULL},
        {"ls \"/boot/my file\"\r", "           6  (vda2)/boot/my file\n", NULL},
        {"ls /boot/\"my f\"ile\r", "           6  (vda2)/boot/my file\n", NULL},
        {"ls /etc\r", "       other  unreadable\n", NULL},
        {"ls (vda1)\r", "         dir  EFI/\n", NULL},
        {"ls (vda1)/efi/linux\r", "           6  arch.efi\n", NULL},
        {"ls (LABEL=root)/boot\r", "           6  my file\n", NULL},
        {"ls (vda9)/\r", "shim: error: (vda9)/: ", NULL},
        {"ls (vdb)/\r", "shim: error: (vdb)/: XFS, which is not read here\n", NULL},
        {"ls (vda1\r", "shim: error: (vda1: no \")\" behind the volume\n", NULL},
        {"ls /nowhere/x\r", "shim: error: (vda2)/nowhere/x: no such file (\"nowhere\" is missing)\n", NULL},
        {"cat /etc/fstab\r", "# comment\n/dev/sda1       /       ext4\n?[2Jbytes: ??? ~\n", "more"},
        {"cat /etc/long\r", TEN "end\nshim", "more"},
        {"cat /etc\r", "shim: error: (vda2)/etc: not a file\n", NULL},
        {"cat /etc/unreadable\r", "shim: error: (vda2)/etc/unreadable: not a file\n", NULL},
        {"cat /vmlinuz\r", "kernel\n", NULL},
        {"volume vda1\rls /EFI\r", "shim (vda1)> ls /EFI\n         dir  Linux/\n", NULL},
        {"volume (LABEL=root)\r", "shim (vda2)> volume (LABEL=root)\nshim (vda2)>", "error"},
        {"volume vda1\rvolume (vda2\t\r", "shim (vda1)> volume (vda2)/\nshim (vda2)>", "error"},
        {"show a\xff\014b\r", "shim (vda2)> show a\nshim (vda2)> show ab\n", "error"}, /* Ctrl-L: once more */
        {"show \xe6\x97\xa5\xe6\x9c\xac" "e\xcc\x81\xc3\xa4\xff\r", "shim (vda2)> show ??e?~\n", "error"}, /* cells */
        {"volume vdb\r", "shim: error: vdb: XFS, which is not read here\nshim (vda2)>", NULL},
        {"volume nothing\r", "shim: error: ", NULL},
        {"volume ()\rvolume (\rvolume )\r", "shim: error: ", NULL},
        {"show\r", "show\nshim", NULL},
        {"linux /vmlinuz root=/dev/sda1 a=\"b c\"\rshow\r",
         "linux (vda2)/vmlinuz\noptions root=/dev/sda1 a=\"b c\"\nshim", "error"},
        {"linux boot/netbsd x\rpvh /boot/netbsd\rshow\r", "options x\npvh (vda2)/boot/netbsd\nshim", "error"},
        {"options one\roptions two\rshow\r", "show\noptions two\nshim", NULL},
        {"initrd /etc/fstab \"/boot/my file\"\rinitrd (vda1)/EFI/Linux/arch.efi\rshow\r",
         "show\ninitrd (vda2)/etc/fstab\ninitrd (vda2)/boot/my file\ninitrd (vda1)/EFI/Linux/arch.efi\n", "error"},
        {"initrd /etc/fstab /no /boot/netbsd\rshow\r", "show\ninitrd (vda2)/etc/fstab\nshim", NULL},
        {"module /etc/fstab some text \rshow\r", "show\nmodule (vda2)/etc/fstab some text\nshim", "error"},
        {"module /boot/my\\ file x\rshow\r", "a module's path with a blank in it\nshim (vda2)> show\nshim", NULL},
        {"options x\rinitrd /etc/fstab\rclear initrd\rshow\r", "show\noptions x\nshim", NULL},
        {"options x\rinitrd /etc/fstab\rclear\rshow\r", "show\nshim", NULL},
        {"linux /nowhere\rshow\r", "show\nshim", NULL},
        {"options x\rgo\r", "shim: error: nothing to boot yet; `linux PATH` or `pvh PATH` comes first\n", NULL},
        {"boot /etc\r", "shim: error: (vda2)/etc: not a file\n", NULL},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        machine(0);
        say("something was said");
        assert_int_equal(type(cases[i].keys).action, MENU_BACK);
        expect_text(cases[i].shown, true);
        if (cases[i].not_shown)
            expect_text(cases[i].not_shown, false);
        assert_string_equal(host_log(), "shim: something was said\n"); /* the log stays the machine's */
        assert_string_equal(error_text(), "");
        type("volume vda2\r");
    }
}

static void choices(void **state)
{
    (void)state;
    static const struct {
        const char *keys;
        enum menu_action action;
    } cases[] = {
        {"", MENU_BACK},          {"menu\r", MENU_BACK},     {"exit\r", MENU_BACK},
        {"rescan\r", MENU_RESCAN}, {"reboot\r", MENU_REBOOT}, {"poweroff\r", MENU_POWEROFF},
        {" reboot now\r", MENU_REBOOT}, {"boot /vmlinuz\r", MENU_BOOT},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        machine(0);
        u64 mark = arena_mark();
        struct menu_choice choice = type(cases[i].keys);
        assert_int_equal(choice.action, cases[i].action);
        assert_int_equal(!!choice.entry, choice.action == MENU_BOOT);
        expect_text("\nshim: looking for disks and configs again\n", choice.action == MENU_RESCAN);
        if (!choice.entry)
            assert_int_equal(arena_mark(), mark);
    }
    machine(0);
    arguments.lock = true;
    terminal_type("reboot\r", 7, NULL);
    assert_int_equal(prompt_run(&session).action, MENU_BACK);
    assert_int_equal(terminal_sent, 0);
}

static const struct payload_protocol *protocol(const char *name)
{
    for (u32 i = 0; payload_protocols[i]; i++)
        if (!strcmp(payload_protocols[i]->name, name))
            return payload_protocols[i];
    return NULL;
}

static void expect_path(const struct entry_file *file, const char *path, const char *text)
{
    if (!text_equal(file->path, path) || !text_equal(file->text, text))
        FAILED("%.*s, %.*s", (int)file->path.len, file->path.at, (int)file->text.len, file->text.at);
}

static void entries_are_made(void **state)
{
    (void)state;
    machine(0);
    struct menu_choice choice = type("linux /vmlinuz\rinitrd /boot/initrd-6.1 /etc/fstab\roptions ro  quiet\rgo\r");
    assert_int_equal(choice.action, MENU_BOOT);
    const struct boot_entry *e = choice.entry;
    assert_string_equal(e->id, "prompt");
    assert_string_equal(e->title, "(vda2)/vmlinuz");
    assert_string_equal(e->kernel, "(vda2)/vmlinuz");
    assert_string_equal(e->options, "ro  quiet");
    assert_string_equal(e->config, "(prompt)");
    assert_ptr_equal(e->protocol, protocol("linux"));
    assert_int_equal(e->initrd_count, 2);
    expect_path(&e->initrd[0], "(vda2)/boot/initrd-6.1", "");
    expect_path(&e->initrd[1], "(vda2)/etc/fstab", "");
    /* It failed: what was given is still there, even when the disks were looked at again. */
    machine(0);
    terminal_type("boot /boot/netbsd root=x\r", 25, NULL);
    choice = prompt_run(&session);
    assert_string_equal(choice.entry->kernel, "(vda2)/boot/netbsd");
    assert_null(choice.entry->protocol);
    assert_string_equal(choice.entry->options, "root=x");
    assert_int_equal(choice.entry->initrd_count, 2);
    choice = type("pvh /boot/netbsd\rmodule /etc/fstab some text\rmodule /boot/initrd-6.1\rgo\r");
    assert_ptr_equal(choice.entry->protocol, protocol("pvh"));
    assert_string_equal(choice.entry->options, "");
    assert_int_equal(choice.entry->module_count, 2);
    expect_path(&choice.entry->module[0], "(vda2)/etc/fstab", "some text");
    expect_path(&choice.entry->module[1], "(vda2)/boot/initrd-6.1", "");
}

static void too_much_is_refused(void **state)
{
    (void)state;
    static char keys[20000];
    u32 used = 0;
    for (u32 i = 0; i < 33; i++)
        used += format_text(keys + used, (u32)sizeof keys - used, "initrd /etc/fstab\r");
    format_text(keys + used, (u32)sizeof keys - used, "boot /vmlinuz\r");
    machine(0);
    assert_int_equal(type(keys).action, MENU_BACK);
    expect_text("shim: error: more than 32 files\n", true);
    used = format_text(keys, sizeof keys, "linux /vmlinuz ");
    memset(keys + used, 'x', 5000);
    format_text(keys + used + 5000, 1000, "\rboot /vmlinuz\r"); /* the line takes 4095 bytes of it */
    machine(0);
    assert_int_equal(strlen(type(keys).entry->options), LINE_EDIT_MAX - 1 - used);
    used = 0;
    for (u32 i = 0; i < 3; i++) {
        used += format_text(keys + used, (u32)sizeof keys - used, "module /etc/fstab ");
        memset(keys + used, 'x', 4000);
        used += 4000;
        keys[used++] = '\r';
    }
    keys[used] = 0;
    machine(0);
    assert_int_equal(type(keys).action, MENU_BACK);
    expect_text("shim: error: more than 8192 bytes of files and options; `clear` forgets them\n", true);
}

static void no_volume_is_no_harm(void **state)
{
    (void)state;
    machine(0);
    volumes.count = 0;
    config.home = NULL;
    type("ls\rdisks\rls /\rcat x\rls \t\t\rls (\t\t\rvolume x\rlinux /vmlinuz\rgo\r");
    expect_text("shim (no volume)> ls\nthere is no volume; `rescan` looks again\n", true);
    expect_text("shim: error: /: no volume to look on, expected (VOLUME)/path\n", true);
}

static void an_unreadable_disk_is_said(void **state)
{
    (void)state;
    machine(0);
    block_cache_reset();
    host_disk_fail_lba = 4;
    type("cat /etc/fstab\rcat /boot/netbsd\rls /\r");
    expect_text("injected read error\n", true);
    expect_text("link  vmlinuz", true);
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

static void tab_completes(void **state)
{
    (void)state;
    static const struct {
        const char *keys, *shown;
    } cases[] = {
        {"sh\t\r", "> show\n"},
        {"he\tca\t\r", "> help cat\n  cat PATH"},
        {"vol\t\r", "> volume\n"},
        {"vol\t\t\r", "> volume\nvolumes  volume\nshim (vda2)> volume\n"},
        {"xyz\t\t\r", "> xyz\n"},
        {"/b\t\r", "> /b\n"},
        {"show /b\t\r", "> show /boot/\n"},
        {"show b\t\r", "> show boot/\n"},
        {"show /boot\tnet\tx\r", "> show /boot/netbsd x\n"},
        {"show /boot/i\t/vm\t\r", "> show /boot/initrd-6.1 /vmlinuz\n"},
        {"show /boot/m\tx\r", "> show /boot/my\\ file x\n"},
        {"show /boot/my\\ \tx\r", "> show /boot/my\\ file x\n"},
        {"show \"/boot/my f\tx\r", "> show \"/boot/my\\ file\" x\n"},
        {"show /\t\t\r", "> show /\nboot  etc  vmlinuz  evil?[2J  many\nshim (vda2)> show /\n"},
        {"show /nothing\t\t\r", "> show /nothing\n"},
        {"show /nothing/x\t\t\r", "> show /nothing/x\n"},
        {"show (\t\t\r", "> show (vda\nvda1  vda2\nshim (vda2)> show (vda\n"},
        {"show (vda1\tE\t\t\r", "> show (vda1)/EFI/Linux/\n"},
        {"show (vda1)e\tlinux/A\t\r", "> show (vda1)EFI/linux/arch.efi\n"}, /* as the volume has it */
        {"show (LABEL=root)/v\t\r", "> show (LABEL=root)/vmlinuz\n"},
        {"volume vda1\t\r", "shim (vda1)>"},
        {"show x /b\033[D\033[C\t\r", "> show x /boot/\n"},
        {"show /bz\033[D\t\r", "> show /boot/z\n"}, /* what stands behind the cursor stays there */
        {"show /many/\tx\r", "> show /many/name0x\n"},
        {"\t\t\r", "\nls  cat  volumes  volume  disks  "},
        {"show \"\t\t\r", "\nboot  etc"},
        {"show \"(\t\t\r", "> show \"(vda\nvda1  vda2\nshim (vda2)> show \"(vda\n"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        machine(10000);
        type(cases[i].keys);
        expect_text(cases[i].shown, true);
        assert_string_equal(error_text(), "");
        type("volume vda2\r");
    }
    machine(20001); /* too many to look at all of them: it says so, and does what it can */
    type("show /many/\tx\r");
    expect_text("> show /many/\nonly the first 20000 names were looked at\nshim (vda2)> show /many/namex\n", true);
}

static void older_lines_come_back(void **state)
{
    (void)state;
    machine(0);
    type("show one\rshow two\rshow two\r\033[A\033[A!\r");
    expect_text("> show one!\n", true);
    machine(0);
    type("show one\rshow two\rnew\033[A\033[A\033[B\033[B?\r");
    expect_text("> new?\n", true);
    machine(0);
    type("show 1\rshow 2\rshow 3\rshow 4\rshow 5\rshow 6\rshow 7\rshow 8\rshow 9\rshow 10\rshow 11\rshow 12\r"
         "show 13\rshow 14\rshow 15\rshow 16\rshow 17\r"
         "\033[A\033[A\033[A\033[A\033[A\033[A\033[A\033[A\033[A\033[A\033[A\033[A\033[A\033[A\033[A\033[A\033[A"
         "\033[A\033[A!\r");
    expect_text("> show 2!\n", true);
    machine(0); /* another visit */
    terminal_type("\033[A?\r", 5, "\033");
    prompt_run(&session);
    expect_text("> show 2!?\n", true);
}

static void long_lines_scroll(void **state)
{
    (void)state;
    machine(0);
    type("show " LINE_90 LINE_90 "end\rshow " LINE_90 LINE_90 "end\033[H\r");
    expect_text("\nshim (vda2)><2345678" /* 90 cells are not there */, false);
    expect_text("23456789 23456789end\n", true);
    expect_text("\nshim (vda2)> show  23456789", true);
    for (u32 row = 0; row <= terminal_cursor_row; row++)
        assert_true(strlen(terminal_row(row)) < TERMINAL_COLUMNS);
}

/* Editing sends what changed, and the terminal shows what is edited. */
static void little_is_sent(void **state)
{
    (void)state;
    static char keys[3000] = "clear\rshow ";
    machine(0);
    size_t n = strlen(keys);
    memset(keys + n, 'x', 40);
    terminal_type(keys, n + 40, "\033");
    prompt_run(&session);
    u32 sent = terminal_sent;
    machine(0);
    keys[n + 40] = 'y';
    terminal_type(keys, n + 41, "\033");
    prompt_run(&session);
    assert_in_range(terminal_sent - sent, 2, 3); /* the letter, and the blank in its place */
    memset(keys, 'x', sizeof keys - 1); /* a long text that is pasted is not drawn for each of its letters */
    keys[sizeof keys - 2] = '\003';
    machine(0);
    terminal_type(keys, sizeof keys - 1, "\033");
    prompt_run(&session);
    assert_in_range(terminal_sent, 1, 2 * sizeof keys + 300);
    machine(0);
    type("show abc\033[D\033[DX\033[3~\033[H12\177\r");
    expect_text("> 1show aXc\nunknown", true);
}

/* ---- screens ----------------------------------------------------------------------------------------------------- */

static void listings_stop_at_a_screen(void **state)
{
    (void)state;
    static const struct {
        const char *keys, *shown, *not_shown;
    } cases[] = {
        {"cat /etc/47\rq", "\n22\n23\nshim", "24"},
        {"cat /etc/47\r\003", "\n22\n23\nshim", "24"},
        {"cat /etc/47\r\r\rq", "\n22\n23\n24\n25\nshim", "26"},
        {"cat /etc/47\r q", "\n22\n23\n24\n25\n26\n27", "\n47"},
        {"cat /etc/47\r  ", "\n46\n47\nshim", "more"},
        {"ls /many\rq", "           0  name00022\nshim", "name00023"},
        {"show /many/\t\tqx\r", "> show /many/name0x\n", "name09999"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        machine(10000);
        assert_int_equal(type(cases[i].keys).action, MENU_BACK);
        expect_text(cases[i].shown, true);
        expect_text(cases[i].not_shown, false);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_answer),
        cmocka_unit_test(choices),
        cmocka_unit_test(entries_are_made),
        cmocka_unit_test(too_much_is_refused),
        cmocka_unit_test(no_volume_is_no_harm),
        cmocka_unit_test(an_unreadable_disk_is_said),
        cmocka_unit_test(tab_completes),
        cmocka_unit_test(older_lines_come_back),
        cmocka_unit_test(long_lines_scroll),
        cmocka_unit_test(little_is_sent),
        cmocka_unit_test(listings_stop_at_a_screen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
