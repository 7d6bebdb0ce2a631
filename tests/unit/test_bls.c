/* test_bls.c: the Boot Loader Specification's entries (UAPI.1), as systemd-boot and Red Hat's tools write them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "host.h"

#include "bls.h"
#include "expect.h"
#include "pe.h"
#include "toy.h"

extern const struct config_dialect config_bls;

static struct config config;

static void parse_on(u32 volume, const char *path)
{
    struct config_file file = {.volumes = &toy_volumes, .home = toy_volumes.volume[volume - 1], .name = "(vda)/entries",
                               .path = text_of(path)};
    memset(&config, 0, sizeof config);
    config.timeout = TIMEOUT_UNSET;
    assert_int_equal(config_bls.parse(&config, &file), OK);
    assert_string_equal(error_text(), "");
}

static void parse(const struct toy *files)
{
    toy_machine(files);
    parse_on(1, "/loader/entries");
}

/* Ids in order, blanks between them. */
static void expect_ids(const char *expected)
{
    char ids[2000] = "";
    for (u32 i = 0; i < config.entry_count; i++)
        snprintf(ids + strlen(ids), sizeof ids - strlen(ids), "%s%s", i ? " " : "", config.entry[i]->id);
    assert_string_equal(ids, expected);
}

static const struct boot_entry *entry(const char *id)
{
    const struct boot_entry *found = config_find(&config, text_of(id));
    if (!found)
        FAILED("no entry %s", id);
    return found;
}

static void expect_initrds(const struct boot_entry *e, const char *expected)
{
    char paths[1000] = "";
    for (u32 i = 0; i < e->initrd_count; i++)
        snprintf(paths + strlen(paths), sizeof paths - strlen(paths), "%s%s", i ? " " : "",
                 text_copy(e->initrd[i].path));
    assert_string_equal(paths, expected);
}

static void expect_disabled(const char *id, const char *reason)
{
    const struct boot_entry *e = entry(id);
    if (!e->disabled || !strstr(e->disabled, reason))
        FAILED("%s: \"%s\", expected \"%s\"", id, e->disabled ? e->disabled : "not disabled", reason);
}

/* ---- one entry --------------------------------------------------------------------------------------------------- */

#define K(path) {1, path, "kernel", 0, false}

static void all_keys(void **state)
{
    (void)state;
    static const struct toy files[] = {
        K("/m/6.1/linux"), K("/m/6.1/initrd"), K("/m/6.1/more"),
        {1, "/loader/entries/Debian-6.1.conf",
         "\xef\xbb\xbf# Boot Loader Specification type#1 entry\r\n"
         "title\t  Debian GNU/Linux 12 (bookworm)  \r\n"
         "version 6.1.0-13-amd64\n\n"
         "machine-id 4098b3f648d74c13b1f04ccfba7798e8\n"
         "sort-key   debian\n"
         "options    root=UUID=6d33 ro\n"
         "  # indented\n"
         "options \"quiet splash\"\n"
         "linux      /m/6.1/linux\n"
         "initrd     m/6.1/initrd\n"
         "initrd     /m/6.1/more\n"
         "architecture X64\n"
         "devicetree /x.dtb\nextra /x.cred\nsplines 5\noptions\nid x\ngrub_users $u\n"
         "grub_hotkey D", 0, false},
        {0},
    };
    parse(files);
    expect_ids("Debian-6.1");
    const struct boot_entry *e = config.entry[0];
    assert_string_equal(e->title, "Debian GNU/Linux 12 (bookworm)");
    assert_string_equal(e->kernel, "/m/6.1/linux");
    assert_string_equal(e->options, "root=UUID=6d33 ro quiet splash");
    expect_initrds(e, "/m/6.1/initrd /m/6.1/more");
    assert_string_equal(e->config, "(vda1)/loader/entries/Debian-6.1.conf");
    assert_ptr_equal(e->volume, toy_volumes.volume[0]);
    assert_int_equal(e->hotkey, 'd');
    assert_null(e->disabled);
    assert_null(e->protocol);
    assert_false(e->counted);
    assert_int_equal(config.problems, 0);
    expect_log("Debian-6.1.conf:14: `devicetree` has no effect here");
    expect_log("Debian-6.1.conf:16: `splines` has no effect here");
}

/* One entry /loader/entries/x.conf of this text beside a kernel /k and an initrd /i. */
static const struct boot_entry *entry_of(const char *text)
{
    static char image[0x400];
    static struct toy files[] = {{1, "/loader/entries/x.conf", "", 0, false}, K("/k"), K("/i"), K("/b c"),
                                 K("/boot/only"), {1, "/bzimage", image, sizeof image, false}, {0}};
    memcpy(image + 0x202, "HdrS", 4);
    files[0].content = text;
    parse(files);
    return config.entry_count ? config.entry[0] : NULL;
}

static void values(void **state)
{
    (void)state;
    static const struct {
        const char *text, *title, *kernel, *initrds, *options;
    } cases[] = {
        {"linux /k", "x.conf", "/k", "", ""},
        {"linux k\rtitle a\rinitrd i", "a", "/k", "/i", ""},
        {"title 'a \"b\"'\nlinux \"/k\"\noptions 'x' y\n", "a \"b\"", "/k", "", "'x' y"},
        {"title 'a'b'\nlinux /k\noptions \"a b\" \"c\"", "'a'b'", "/k", "", "\"a b\" \"c\""},
        {"title \"\nlinux /k\ntitle\ntitle  \t\n", "\"", "/k", "", ""},
        {"linux /k\nlinuxfoo /l\nLinux /l\n", "x.conf", "/k", "", ""}, /* keys are whole words, in small letters */
        {"linux /no\nlinux /k\ntitle a\ntitle b", "b", "/k", "", ""},
        {"linux /b c\ninitrd /b c\ninitrd /i /k", "x.conf", "/b c", "/b c /i /k", ""},
        {"linux \\boot\\only", "x.conf", "/boot/only", "", ""},
        {"linux /only\ninitrd /i", "x.conf", "/boot/only", "/boot/i", ""}, /* written as seen from another root */
        {"linux /boot/k\ninitrd /boot/i", "x.conf", "/k", "/i", ""},
        {"efi /bzimage\noptions a=$b ${c}", "x.conf", "/bzimage", "", "a=$b ${c}"}, /* no GRUB, no variables */
        {"efi /bzimage", "x.conf", "/bzimage", "", ""},
        {"linux /k\noptions a=$b ${c}\\$\ngrub_class x", "x.conf", "/k", "", "a= $"},
        {"linux /k\noptions a=$ $- ${x $$b\ngrub_class x", "x.conf", "/k", "", "a=$ $- ${x $"},
        {"linux /k\noptions $x\ninitrd /i $tuned_initrd\ngrub_class x", "x.conf", "/k", "/i", ""},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct boot_entry *e = entry_of(cases[i].text);
        assert_non_null(e);
        assert_string_equal(e->title, cases[i].title);
        assert_string_equal(e->kernel, cases[i].kernel);
        expect_initrds(e, cases[i].initrds);
        assert_string_equal(e->options, cases[i].options);
        assert_null(e->disabled);
        assert_int_equal(config.problems, 0);
    }
}

static void what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text, *disabled, *says;
    } cases[] = {
        {"", "it names no kernel", "x.conf: no kernel; expected a line `linux /path`"},
        {"title\nlinux\n", "it names no kernel", "x.conf: no kernel"},
        {"linux /none", "(vda1)/none: no such file (\"none\" is missing)", NULL},
        {"linux /loader", "(vda1)/loader: not a file", NULL},
        {"linux /", "(vda1)/: not a file", NULL},
        {"linux /k\n\nefi /k", "it has kernels of two kinds", "x.conf:3: `efi` beside `linux`; expected one of them"},
        {"linux /a/../k", "one of its paths has \"..\" in it", "x.conf:1: \"/a/../k\": expected a path without \"..\""},
        {"linux /k\ninitrd ..", "one of its paths has \"..\" in it", "x.conf:2: \"/..\": expected a path without"},
        {"uki-url http://x/y.efi", "its kernel is to be fetched over the network", NULL},
        {"uki /k", "its `uki` is no unified kernel image", NULL},
        {"uki /bzimage", "its `uki` is no unified kernel image", NULL},
        {"efi /k", "its `efi` is no unified kernel image, and no bzImage", NULL}, /* Windows, a UEFI shell */
        {"efi /k\noptions x", "its `efi` is no unified kernel image, and no bzImage", NULL},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        entry_of(cases[i].text);
        expect_disabled("x", cases[i].disabled);
        if (cases[i].says)
            expect_log(cases[i].says);
        assert_int_equal(config.problems, cases[i].says != NULL);
    }
    static char many[2000] = "linux /k\n";
    for (u32 i = 0; i < 40; i++)
        strcat(many, "initrd /i\n");
    entry_of(many);
    assert_int_equal(config.entry[0]->initrd_count, ENTRY_FILES_MAX);
    expect_disabled("x", "more than 32 files");
}

static void other_machines_are_hidden(void **state)
{
    (void)state;
    static const char *const others[] = {"aa64", "IA32", "arm", "riscv64", "x"};
    static const char *const ours[] = {"x64", "X64", "x86-64", "x86_64", "amd64"};
    char text[60];
    for (u32 i = 0; i < ARRAY_COUNT(others); i++) {
        snprintf(text, sizeof text, "architecture %s\nlinux /k", others[i]);
        assert_null(entry_of(text));
        snprintf(text, sizeof text, "linux /k\narchitecture %s", ours[i]);
        assert_null(entry_of(text)->disabled);
    }
}

/* ---- names and order --------------------------------------------------------------------------------------------- */

#define CONF(name, text) {1, "/loader/entries/" name, "linux /k\n" text, 0, false}

static void which_files_are_entries(void **state)
{
    (void)state;
    static const struct toy files[] = {
        K("/k"), CONF("a.conf", ""), CONF("b.CONF", ""), CONF(".c.conf", ""), CONF("auto-x.conf", ""),
        CONF("d.conf~", ""),
        CONF("e.confx", ""), CONF("conf", ""), CONF(".conf", ""), CONF("f.efi", ""), CONF("g.conf/x", ""), {0},
    };
    parse(files);
    expect_ids("b a");
    assert_int_equal(config.problems, 0);
}

static void counters(void **state)
{
    (void)state;
    static const struct {
        const char *path, *id;
        bool counted;
        u32 left, done;
    } cases[] = {
        {"a.conf", "a", false, 0, 0},         {"a+3.conf", "a", true, 3, 0},
        {"a+3-1.conf", "a", true, 3, 1},      {"a+0-3.conf", "a", true, 0, 3},
        {"a+b+10-00.conf", "a+b", true, 10, 0}, {"a+09-01.conf", "a", true, 9, 1},
        {"a+3-.conf", "a+3-", false, 0, 0},   {"a+.conf", "a+", false, 0, 0},
        {"a+3x.conf", "a+3x", false, 0, 0},   {"a-3.conf", "a-3", false, 0, 0},
        {"a+3-1-2.conf", "a+3-1-2", false, 0, 0}, {"a+x-1.conf", "a+x-1", false, 0, 0},
        {"a+2147483647.conf", "a", true, 2147483647, 0}, {"a+2147483648.conf", "a+2147483648", false, 0, 0},
        {"+3.conf", "+3", true, 3, 0},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        char path[60];
        snprintf(path, sizeof path, "/loader/entries/%s", cases[i].path);
        const struct toy files[] = {K("/k"), {1, path, "linux /k", 0, false}, {0}};
        parse(files);
        const struct boot_entry *e = config.entry[0];
        assert_string_equal(e->id, cases[i].id);
        assert_int_equal(e->counted, cases[i].counted);
        assert_int_equal(e->tries_left, cases[i].left);
        assert_int_equal(e->tries_done, cases[i].done);
    }
}

static void the_order(void **state)
{
    (void)state;
    static const struct toy files[] = {
        K("/k"), CONF("arch.conf", ""), CONF("arch-fallback.conf", ""), CONF("zz-5.9.conf", ""),
        CONF("zz-5.10.conf", ""),
        CONF("bad+0-3.conf", "sort-key a"), CONF("try+2-1.conf", ""), CONF("s1.conf", "sort-key b\nversion 9"),
        CONF("s2.conf", "sort-key b\nversion 10"), CONF("s3.conf", "sort-key b\nversion 10~rc1"),
        CONF("s4.conf", "sort-key b\nmachine-id 11\nversion 99"), CONF("s5.conf", "sort-key a\nversion 1"),
        CONF("s6.conf", "sort-key b"), CONF("S7.conf", "sort-key B"), CONF("bad2+0.conf", ""), {0},
    };
    parse(files);
    expect_ids("S7 s5 s2 s3 s1 s6 s4 zz-5.10 zz-5.9 try arch arch-fallback bad bad2");
    static const struct toy tries[] = {
        K("/k"), CONF("a+1-2.conf", ""), CONF("a+3.conf", ""), CONF("a+3-1.conf", ""), {0},
    };
    parse(tries);
    expect_ids("a a a");
    assert_int_equal(config.entry[0]->tries_left, 3);
    assert_int_equal(config.entry[0]->tries_done, 0);
    assert_int_equal(config.entry[1]->tries_done, 1);
    assert_int_equal(config.entry[2]->tries_left, 1);
}

static void equal_titles(void **state)
{
    (void)state;
    static const struct toy files[] = {
        K("/k"), CONF("a.conf", "title T\nversion 1"), CONF("b.conf", "title T\nversion 2"), CONF("c.conf", "title U"),
        CONF("D.conf", "title V\nversion 1\nmachine-id 0123456789"), CONF("e.conf", "title V\nversion 1\nmachine-id a"),
        CONF("f.conf", "title W\nversion 1"), CONF("g+2.conf", "title W\nversion 1"), CONF("h.conf", "title W"),
        CONF("I+1-2.conf", ""), {0},
    };
    parse(files);
    assert_string_equal(entry("a")->title, "T (1)");
    assert_string_equal(entry("b")->title, "T (2)");
    assert_string_equal(entry("c")->title, "U");
    assert_string_equal(entry("I")->title, "i.conf"); /* as systemd-boot shows it */
    assert_string_equal(entry("D")->title, "V (1) (01234567)");
    assert_string_equal(entry("e")->title, "V (1) (a)");
    assert_string_equal(entry("f")->title, "W (1) (f.conf)");
    assert_string_equal(entry("g")->title, "W (1) (g.conf)");
    assert_string_equal(entry("h")->title, "W");
}

/* ---- places ------------------------------------------------------------------------------------------------------ */

static void an_esp_and_its_xbootldr(void **state)
{
    (void)state;
    static const struct toy files[] = {
        {1, "/k", "kernel", 0, false}, {2, "/k", "kernel", 0, false}, {3, "/k", "kernel", 0, false},
        {1, "/loader/entries/a.conf", "linux /k\nsort-key a", 0, false},
        {1, "/loader/entries/c.conf", "linux /k\noptions esp", 0, false},
        {2, "/loader/entries/b.conf", "linux /k\nsort-key b", 0, false},
        {2, "/loader/entries/c.conf", "linux /k\noptions xbootldr", 0, false},
        {2, "/loader/loader.conf", "timeout 9", 0, false},
        {1, "/loader/loader.conf", "timeout 7\ndefault b.conf", 0, false},
        {3, "/loader/entries/other.conf", "linux /k", 0, false}, {1, "/loader/entries/.x", "", 0, false},
        {2, "/loader/entries/no.conf", "", 0, false}, {0},
    };
    for (u32 home = 1; home <= 2; home++) {
        toy_machine(files);
        toy_volumes.volume[0]->role = ROLE_ESP;
        toy_volumes.volume[1]->role = home == 1 ? ROLE_XBOOTLDR : ROLE_MBR_BLS;
        parse_on(home, "/loader/entries");
        expect_ids("a b no c c");
        assert_int_equal(config.problems, home == 1); /* said once */
        assert_int_equal(!strstr(host_log(), "no.conf: no kernel"), home != 1);
        assert_ptr_equal(config.entry[0]->volume, toy_volumes.volume[0]);
        assert_ptr_equal(config.entry[1]->volume, toy_volumes.volume[1]);
        assert_string_equal(config.entry[3]->options, "esp");
        assert_string_equal(config.entry[4]->options, "xbootldr");
        assert_string_equal(config.entry[3]->title, "c.conf (c.conf)");
        assert_int_equal(config.timeout, 7);
        assert_ptr_equal(config.default_entry, config.entry[1]);
    }
    /* another disk's, or what is no such partition, is another config */
    toy_volumes.volume[1]->role = ROLE_NONE;
    parse_on(2, "/loader/entries");
    expect_ids("b no c");
    assert_int_equal(config.timeout, 9);
    toy_volumes.volume[1]->role = ROLE_XBOOTLDR;
    struct block_device disk = *toy_volumes.volume[0]->disk;
    toy_volumes.volume[1]->disk = &disk;
    parse_on(1, "/loader/entries");
    expect_ids("a c");
}

/* ostree keeps its entries behind a symbolic link that it turns; NixOS and others have entries that are links. */
static void symbolic_links(void **state)
{
    (void)state;
    static const struct toy files[] = {
        {1, "/boot", ".", 0, true}, {1, "/loader", "loader.1", 0, true},
        {1, "/loader.1/entries/ostree-1-fedora-coreos.conf",
         "title Fedora CoreOS 39\nversion 1\noptions $ignition_firstboot root=x\n"
         "linux /ostree/fcos/vmlinuz-6.5\ninitrd /ostree/fcos/initramfs-6.5.img\n", 0, false},
        {1, "/loader.1/entries/linked.conf", "../../elsewhere", 0, true},
        {1, "/elsewhere", "linux /boot/ostree/fcos/vmlinuz-6.5", 0, false},
        {1, "/loader.1/entries/lost.conf", "/nowhere", 0, true}, K("/ostree/fcos/vmlinuz-6.5"),
        K("/ostree/fcos/initramfs-6.5.img"),
        {1, "/grub2/grubenv", "# GRUB Environment Block\nboot_success=0\n####", 0, false}, {0},
    };
    parse(files);
    expect_ids("ostree-1-fedora-coreos linked"); /* and not once more by /boot */
    assert_string_equal(config.entry[0]->options, "root=x");
    assert_string_equal(config.entry[1]->kernel, "/boot/ostree/fcos/vmlinuz-6.5");
    expect_log("lost.conf: (vda1)/loader/entries/lost.conf: no such file (\"nowhere\" is missing)");
}

static void directories(void **state)
{
    (void)state;
    static const struct toy files[] = {
        K("/boot/vmlinuz"), {1, "/boot/loader/entries/a.conf", "linux /vmlinuz\ninitrd /initrd", 0, false},
        {1, "/boot/loader/entries/b.conf", "linux /boot/vmlinuz\ninitrd /boot/initrd", 0, false},
        {1, "/boot/loader/loader.conf", "timeout 3", 0, false}, {1, "/mine/c.conf", "linux /boot/vmlinuz", 0, false},
        {0},
    };
    toy_machine(files);
    parse_on(1, "/boot/loader/entries");
    expect_ids("b a");
    for (u32 i = 0; i < 2; i++) {
        assert_string_equal(config.entry[i]->kernel, "/boot/vmlinuz");
        expect_initrds(config.entry[i], "/boot/initrd");
    }
    assert_int_equal(config.timeout, 3);
    parse_on(1, "/mine"); /* config=/mine */
    expect_ids("c");
}

static void more_than_fit(void **state)
{
    (void)state;
    static struct toy files[602];
    static char paths[600][40];
    for (u32 i = 0; i < 600; i++) {
        snprintf(paths[i], sizeof paths[i], "/loader/entries/e%u.conf", i);
        files[i] = (struct toy){1, paths[i], "linux /k", 0, false};
    }
    parse(files);
    assert_int_equal(config.entry_count, ENTRIES_MAX);
    assert_int_equal(config.problems, 1);
    expect_log("too many files or entries; the rest is left out");
    static char long_text[70000];
    memset(long_text, 'a', sizeof long_text - 1);
    assert_null(entry_of(long_text));
    expect_log("x.conf: (vda1)/loader/entries/x.conf: 69999 bytes, expected at most 65536");
}

/* ---- loader.conf ------------------------------------------------------------------------------------------------- */

static const struct toy *with_loader_conf(const char *text)
{
    static struct toy files[] = {
        K("/k"), CONF("debian-6.1.conf", ""), CONF("debian-6.10.conf", ""), CONF("Fedora+2-1.conf", "sort-key f"),
        CONF("gone.conf", "linux /none"), CONF("gone-2.conf", ""), CONF("bad+0.conf", "sort-key a"),
        {1, "/loader/loader.conf", "", 0, false}, {0},
    };
    files[7].content = text;
    return files;
}

static void the_default(void **state)
{
    (void)state;
    static const struct {
        const char *value, *id; /* NULL: none */
    } cases[] = {
        {"debian-6.1.conf", "debian-6.1"}, {"debian-6.1", "debian-6.1"}, {"DEBIAN-6.1.CONF", "debian-6.1"},
        {"debian-*", "debian-6.10"},       {"*", "Fedora"},              {"fedora.conf", "Fedora"},
        {"Fedora+2-1.conf", "Fedora"},     {"fedora*.conf", "Fedora"},   {"debian-6.?.conf", "debian-6.1"},
        {"debian-6.[0-2]", "debian-6.1"},  {"debian-6.[]1]", "debian-6.1"}, {"debian-6.[a-z]", NULL},
        {"debian-6\\.1", "debian-6.1"},    {"debian-6.[1", NULL},        {"[", NULL}, {"\\", NULL},
        {"*10*.co*", "debian-6.10"},        {"**i*a*n*6*1.conf", "debian-6.1"}, {"*x", NULL}, {"nobody", NULL},
        {"@saved", NULL},                  {"gone*", "gone-2"},          {"gone", "gone"}, {"bad", "bad"},
        {"debian-6.1[-0]", "debian-6.10"}, {"[d-f]*", "Fedora"},         {"debian", NULL}, {"ebian*", NULL},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        char text[60];
        snprintf(text, sizeof text, "default %s", cases[i].value);
        parse(with_loader_conf(text));
        const char *id = config.default_entry ? config.default_entry->id : NULL;
        if (!id != !cases[i].id || (id && strcmp(id, cases[i].id)))
            FAILED("%s: %s, expected %s", cases[i].value, id, cases[i].id);
        assert_int_equal(config.problems, 0);
    }
    expect_ids("Fedora gone gone-2 debian-6.10 debian-6.1 bad");
}

/* systemd 260: `preferred` is asked before `default`, and does not take what has no tries left. */
static void the_preferred_one(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"preferred debian-6.1.conf", "debian-6.1"}, {"default gone-2\npreferred debian-6.1*\n", "debian-6.10"},
        {"preferred bad*\ndefault gone-2", "gone-2"}, {"preferred gone\ndefault debian-6.1", "debian-6.1"},
        {"preferred nobody\ndefault bad", "bad"}, {"preferred @saved\ndefault debian-6.1", "debian-6.1"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        parse(with_loader_conf(cases[i][0]));
        assert_non_null(config.default_entry);
        assert_string_equal(config.default_entry->id, cases[i][1]);
        assert_int_equal(config.problems, 0);
    }
    parse(with_loader_conf("preferred bad"));
    assert_null(config.default_entry);
}

static void its_keys(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        u32 timeout;
        bool locked;
        const char *says;
    } cases[] = {
        {"", TIMEOUT_UNSET, false, NULL},
        {"#timeout 3\n timeout 4 \n", 4, false, NULL},
        {"timeout menu-hidden", 0, false, NULL},
        {"timeout 0", 0, false, NULL},
        {"timeout menu-disabled", 0, true, NULL},
        {"timeout menu-force\neditor yes", TIMEOUT_NONE, false, NULL},
        {"editor 0", TIMEOUT_UNSET, true, NULL}, {"editor no", TIMEOUT_UNSET, true, NULL},
        {"editor off", TIMEOUT_UNSET, true, NULL}, {"editor f", TIMEOUT_UNSET, true, NULL},
        {"editor no\neditor t", TIMEOUT_UNSET, false, NULL},
        {"auto-entries 1\nbeep no\nconsole-mode max\nrandom-seed-mode off\nsecure-boot-enroll if-safe\nfoo bar\n"
         "auto-firmware true\nauto-poweroff y\nauto-reboot n\nreboot-for-bitlocker on", TIMEOUT_UNSET, false, NULL},
        {"\ntimeout soon\n", TIMEOUT_UNSET, false,
         "loader.conf:2: \"soon\": expected a number of seconds, menu-hidden, menu-disabled or menu-force"},
        {"timeout 4294967295", TIMEOUT_UNSET, false, "loader.conf:1: \"4294967295\": expected a number of seconds"},
        {"editor maybe", TIMEOUT_UNSET, false, "loader.conf:1: \"maybe\": expected yes or no"},
        {"beep No", TIMEOUT_UNSET, false, "loader.conf:1: \"No\": expected yes or no"},
        {"default @old", TIMEOUT_UNSET, false, "loader.conf:1: \"@old\": expected the name of an entry, a pattern"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        parse(with_loader_conf(cases[i].text));
        assert_int_equal(config.timeout, cases[i].timeout);
        assert_int_equal(config.locked, cases[i].locked);
        assert_int_equal(config.problems, cases[i].says != NULL);
        if (cases[i].says)
            expect_log(cases[i].says);
    }
}

/* ---- Red Hat's --------------------------------------------------------------------------------------------------- */

#define GRUBENV "# GRUB Environment Block\nkernelopts=root=/dev/vda2 ro\ntuned_params=\nearly_initrd=u.img /abs.img\n##"
#define RHEL8                                                                                                          \
    "title Red Hat Enterprise Linux (4.18.0) 8.9 (Ootpa)\nversion 4.18.0\nlinux /boot/vmlinuz-4.18.0\n"               \
    "initrd /boot/initramfs-4.18.0.img $tuned_initrd\noptions $kernelopts $tuned_params\nid rhel-4.18.0\n"             \
    "grub_users $grub_users\ngrub_arg --unrestricted\ngrub_class kernel\n"

static void variables_of_grubenv(void **state)
{
    (void)state;
    static const char *const places[] = {"/grub2/grubenv", "/boot/grub2/grubenv", "/grub/grubenv",
                                         "/boot/grub/grubenv", "/EFI/redhat/grubenv"};
    for (u32 i = 0; i < ARRAY_COUNT(places); i++) {
        const struct toy files[] = {
            {1, "/boot/vmlinuz-4.18.0", "k", 0, false}, {1, "/boot/loader/entries/a-4.18.0.conf", RHEL8, 0, false},
            {i < 4 ? 1 : 3, places[i], GRUBENV, 0, false}, {3, "/EFI/BOOT/fbx64.efi", "x", 0, false},
            {1, "/boot/loader/entries/b.conf", "linux /boot/vmlinuz-4.18.0\ninitrd $early_initrd /boot/i", 0, false},
            {0},
        };
        toy_machine(files);
        toy_volumes.volume[2]->role = ROLE_ESP;
        parse_on(1, "/boot/loader/entries");
        assert_string_equal(entry("a-4.18.0")->options, "root=/dev/vda2 ro");
        expect_initrds(entry("a-4.18.0"), "/boot/u.img /abs.img /boot/initramfs-4.18.0.img");
        expect_initrds(entry("b"), "/boot/u.img /abs.img /boot/i");
    }
}

static void entries_for_grub(void **state)
{
    (void)state;
    static const struct toy files[] = {
        K("/vmlinuz"), {1, "/loader/entries/a-1.conf", "linux /vmlinuz\noptions $x ${y}$z", 0, false},
        {1, "/loader/entries/a-2.conf", "linux /vmlinuz\noptions $y", 0, false},
        {1, "/loader/entries/a-3.conf", "linux /vmlinuz", 0, false},
        {1, "/loader/loader.conf", "timeout 1", 0, false}, {0},
    };
    static struct variables variables;
    struct config_file file = {.name = "(vda1)/grub2/grub.cfg"};
    toy_machine(files);
    memset(&config, 0, sizeof config);
    memset(&variables, 0, sizeof variables);
    variable_set(&variables, text_of("x"), text_of("a b"));
    variable_set(&variables, text_of("z"), text_of("c"));
    variable_set(&variables, text_of("default_kernelopts"), text_of("quiet $z"));
    variable_set(&variables, text_of("early_initrd"), text_of("u"));
    config.timeout = TIMEOUT_UNSET;
    config_entry_add(&config, &file, text_of("first"));
    struct volume *home = file.home = toy_volumes.volume[0];
    assert_int_equal(bls_read_entries(&config, &file, home, text_of("/loader/entries"), &variables), OK);
    expect_ids("first a-3 a-2 a-1");
    assert_string_equal(config.entry[1]->options, "quiet c");
    expect_initrds(config.entry[1], "/u");
    assert_string_equal(config.entry[2]->options, "");
    assert_string_equal(config.entry[3]->options, "a b c");
    assert_int_equal(config.timeout, TIMEOUT_UNSET);
    config.entry_count = 0;
    assert_int_equal(bls_read_entries(&config, &file, home, text_of("/loader/entries"), NULL), OK);
    assert_string_equal(config.entry[2]->options, "");
    assert_int_equal(bls_read_entries(&config, &file, home, text_of("/boot/loader/entries"), NULL), ERR_NOT_FOUND);
    assert_int_equal(bls_read_entries(&config, &file, home, text_of("/vmlinuz"), NULL), ERR_NOT_FOUND);
    assert_string_equal(error_text(), "");
}

/* Red Hat's GRUB asks for a password where grub_users is not empty and there are superusers. */
static void entries_with_a_password(void **state)
{
    (void)state;
    static const struct {
        const char *config, *users;
        bool disabled;
    } cases[] = {
        {"set superusers=root\n", "$grub_users", false}, {"set grub_users=root\n", "$grub_users", false},
        {"set superusers=root\nset grub_users=root\n", "$grub_users", true}, {"set superusers=root\n", "a", true},
        {"set x=1\n", "a", false},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        char text[100];
        snprintf(text, sizeof text, "linux /k\ngrub_users %s\ngrub_arg --unrestricted", cases[i].users);
        const struct toy files[] = {
            K("/k"), {1, "/loader/entries/a.conf", text, 0, false},
            {1, "/grub2/grub.cfg", cases[i].config, 0, false}, {0},
        };
        parse(files);
        if (cases[i].disabled)
            expect_disabled("a", "it wants a password of GRUB's");
        else
            assert_null(entry("a")->disabled);
    }
}

/* Variables that name themselves many times do not fill the memory. */
static void values_that_explode(void **state)
{
    (void)state;
    static char text[60000] = "linux /k\noptions ", env[40000] = "# GRUB Environment Block\nx=";
    static struct toy files[] = {K("/k"), {1, "/loader/entries/a.conf", text, 0, false},
                                 {1, "/grub/grubenv", env, 0, false}, {0}};
    memset(env + strlen(env), 'y', 30000);
    env[strlen(env)] = '\n';
    for (u32 i = strlen(text); i < 59000; i += 2)
        memcpy(text + i, "$x", 2);
    parse(files);
    expect_disabled("a", "with its variables, expected at most 65536");
}

/* ---- type 2 ------------------------------------------------------------------------------------------------------ */

static void unified_kernel_images(void **state)
{
    (void)state;
    static u8 image[6][8192];
    static const struct pe_part parts[][6] = {
        {{".osrel", "NAME=N\nID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12\"\nVERSION_ID=12\nVERSION='12 (x)'\n", 0},
         {".cmdline", "root=x\n", 0}, {".linux", "k", 0}, {".initrd", "i", 0}, {0}},
        {{".linux", "k", 0}, {".osrel", "IMAGE_ID=img\nIMAGE_VERSION=7\nID=debian\nVERSION=12", 0}, {0}},
        {{".linux", "k", 0}, {".uname", "6.1.0\n", 0}, {0}},
        {{".text", "no image", 0}, {0}},
        {{".linux", "k", 0}, {0}},
    };
    static struct toy files[] = {
        {1, "/EFI/Linux/debian+3.efi", (char *)image[0], 8192, false},
        {1, "/EFI/Linux/img.EFI", (char *)image[1], 8192, false},
        {1, "/EFI/Linux/plain.efi", (char *)image[2], 8192, false},
        {1, "/EFI/Linux/none.efi", (char *)image[3], 8192, false},
        {1, "/EFI/Linux/arm.efi", (char *)image[4], 8192, false},
        {1, "/EFI/Linux/junk.efi", "junk", 0, false},
        {1, "/EFI/Linux/x.efi.extra.d/a.efi", "junk", 0, false}, {1, "/EFI/Linux/no.conf", "linux /k", 0, false},
        {1, "/loader/entries/a.conf", "sort-key a\nuki /EFI/Linux/debian+3.efi", 0, false},
        {1, "/loader/entries/b.conf", "efi \\EFI\\Linux\\debian+3.efi\noptions mine", 0, false},
        {1, "/loader/loader.conf", "default debian.efi", 0, false}, {0},
    };
    for (u32 i = 0; i < 5; i++)
        pe_make(image[i], i == 4 ? 0xaa64 : 0x8664, parts[i]);
    parse(files);
    expect_ids("a debian img plain b arm");
    const struct boot_entry *e = entry("debian");
    assert_string_equal(e->title, "Debian GNU/Linux 12");
    assert_string_equal(e->kernel, "/EFI/Linux/debian+3.efi");
    assert_string_equal(e->options, "root=x");
    assert_string_equal(e->config, "(vda1)/EFI/Linux/debian+3.efi");
    assert_true(e->counted);
    assert_null(e->disabled);
    assert_ptr_equal(config.default_entry, e);
    assert_string_equal(entry("img")->title, "img");
    assert_string_equal(entry("plain")->title, "plain.efi");
    assert_string_equal(entry("a")->options, "root=x"); /* so it can be edited */
    assert_string_equal(entry("b")->options, "mine");
    assert_string_equal(entry("b")->kernel, "/EFI/Linux/debian+3.efi");
    expect_disabled("arm", "for machine aa64, expected 8664");
    assert_int_equal(config.problems, 0);
}

/* systemd 257: an entry for each, called as in bootctl list. */
static void profiles_of_an_image(void **state)
{
    (void)state;
    static u8 image[2][8192];
    static const struct pe_part parts[][10] = {
        {{".osrel", "ID=debian\nPRETTY_NAME=D\nVERSION_ID=12\n", 0}, {".linux", "k", 0}, {".cmdline", "one", 0},
         {".profile", "ID=main\nTITLE=Normal\n", 0}, {".profile", "ID=reset\nTITLE='Factory reset'\n", 0},
         {".cmdline", "two", 0}, {".profile", "ID=dbg\n", 0}, {".profile", "#\n", 0}, {0}},
        {{".osrel", "ID=debian\nPRETTY_NAME=D\nVERSION_ID=11\n", 0}, {".linux", "k", 0}, {".profile", "ID=x", 0}, {0}},
    };
    static struct toy files[] = {
        {1, "/EFI/Linux/m+3.efi", (char *)image[0], 8192, false},
        {1, "/EFI/Linux/n.efi", (char *)image[1], 8192, false},
        {1, "/loader/entries/a.conf", "sort-key a\nuki /EFI/Linux/m+3.efi\nprofile 1", 0, false},
        {1, "/loader/entries/b.conf", "sort-key b\nuki /EFI/Linux/m+3.efi\nprofile 9", 0, false},
        {1, "/loader/loader.conf", "default m+3.efi@dbg", 0, false}, {0},
    };
    static const struct {
        const char *id, *title, *options;
    } expected[] = {{"a", "a.conf", "two"}, {"b", "b.conf", ""}, {"m", "D (Normal)", "one"},
                    {"m@reset", "D (Factory reset)", "two"}, {"m@dbg", "D (dbg)", "one"}, {"m@3", "D (3)", "one"},
                    {"n", "D", ""}};
    for (u32 i = 0; i < 2; i++)
        pe_make(image[i], 0x8664, parts[i]);
    parse(files);
    assert_int_equal(config.entry_count, ARRAY_COUNT(expected));
    for (u32 i = 0; i < ARRAY_COUNT(expected); i++) {
        const struct boot_entry *e = config.entry[i];
        assert_string_equal(e->id, expected[i].id);
        assert_string_equal(e->title, expected[i].title);
        assert_string_equal(e->options, expected[i].options);
        assert_int_equal(e->profile, i == 0 || i == 3 ? 1 : i == 1 ? 9 : i == 4 ? 2 : i == 5 ? 3 : 0);
        assert_int_equal(!e->disabled, i != 1);
    }
    assert_ptr_equal(config.default_entry, config.entry[4]);
    assert_true(config.entry[5]->counted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_keys),                cmocka_unit_test(values),
        cmocka_unit_test(what_is_wrong),           cmocka_unit_test(other_machines_are_hidden),
        cmocka_unit_test(which_files_are_entries), cmocka_unit_test(counters),
        cmocka_unit_test(the_order),               cmocka_unit_test(equal_titles),
        cmocka_unit_test(an_esp_and_its_xbootldr), cmocka_unit_test(symbolic_links),
        cmocka_unit_test(directories),             cmocka_unit_test(more_than_fit),
        cmocka_unit_test(the_default),             cmocka_unit_test(the_preferred_one),
        cmocka_unit_test(its_keys),
        cmocka_unit_test(variables_of_grubenv),    cmocka_unit_test(entries_for_grub),
        cmocka_unit_test(entries_with_a_password), cmocka_unit_test(values_that_explode),
        cmocka_unit_test(unified_kernel_images),   cmocka_unit_test(profiles_of_an_image),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
