/* test_config.c: shim.cfg (contract §5), and where configs come from (§2 config=, volume=, default=; §3; §4). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "host.h"

#include "config.h"
#include "payload.h"

extern const struct config_dialect config_shim;
extern const struct payload_protocol payload_linux, payload_pvh;

static struct config config;

/* The text lies where reading past its end is seen. */
static void parse_bytes(const char *bytes, u32 len)
{
    host_reset();
    memset(&config, 0, sizeof config);
    config.timeout = TIMEOUT_UNSET;
    char *copy = arena_alloc(len, 1);
    memcpy(copy, bytes, len);
    const struct config_file file = {.name = "(vda1)/boot/shim.cfg", .text = {copy, len}};
    assert_int_equal(config_shim.parse(&config, &file), OK);
}

static void parse(const char *text)
{
    parse_bytes(text, (u32)strlen(text));
}

static void assert_text(struct text t, const char *expected)
{
    assert_string_equal(text_copy(t), expected);
}

/* ---- one text ---------------------------------------------------------------------------------------------------- */

static const char contract[] =
    "timeout 5\n"
    "default debian\n"
    "fallback rescue\n"
    "\n"
    "entry debian\n"
    "    title    Debian GNU/Linux 12\n"
    "    linux    /boot/vmlinuz\n"
    "    initrd   /boot/initrd.img\n"
    "    options  root=/dev/vda1 ro\n"
    "    options  console=ttyS0\n"
    "\n"
    "entry netbsd\n"
    "    title    NetBSD (PVH)\n"
    "    pvh      /netbsd\n"
    "    options  root=ld0a\n"
    "    module   /miniroot.kmod some text\n"
    "\n"
    "# the rest\n"
    "entry rescue\n"
    "\tlinux\t(LABEL=root)/boot/vmlinuz # not a comment \t \n"
    "\tinitrd\t/a\n"
    "\tinitrd\t(vdb1)/b c\n"
    "\tversion 6.1\n"
    "    # neither title nor options";

static void assert_contract(void)
{
    const struct boot_entry *e = config.entry[0];
    assert_int_equal(config.entry_count, 3);
    assert_int_equal(config.timeout, 5);
    assert_string_equal(config.default_entry->id, "debian");
    assert_string_equal(config.fallback_entry->id, "rescue");
    assert_int_equal(config.problems, 0);
    assert_string_equal(e->id, "debian");
    assert_string_equal(e->title, "Debian GNU/Linux 12");
    assert_string_equal(e->kernel, "/boot/vmlinuz");
    assert_ptr_equal(e->protocol, &payload_linux);
    assert_string_equal(e->options, "root=/dev/vda1 ro console=ttyS0");
    assert_int_equal(e->initrd_count, 1);
    assert_text(e->initrd[0].path, "/boot/initrd.img");
    assert_int_equal(e->module_count, 0);
    assert_int_equal(e->line, 5);
    assert_string_equal(e->config, "(vda1)/boot/shim.cfg");
    assert_null(e->disabled);
    e = config.entry[1];
    assert_string_equal(e->title, "NetBSD (PVH)");
    assert_string_equal(e->kernel, "/netbsd");
    assert_ptr_equal(e->protocol, &payload_pvh);
    assert_int_equal(e->module_count, 1);
    assert_text(e->module[0].path, "/miniroot.kmod");
    assert_text(e->module[0].text, "some text");
    assert_int_equal(e->line, 12);
    e = config.entry[2];
    assert_string_equal(e->title, "rescue");
    assert_string_equal(e->kernel, "(LABEL=root)/boot/vmlinuz # not a comment");
    assert_string_equal(e->options, "");
    assert_int_equal(e->initrd_count, 2);
    assert_text(e->initrd[1].path, "(vdb1)/b c");
    assert_null(e->disabled);
    assert_ptr_equal(config_find(&config, text_of("netbsd")), config.entry[1]);
    assert_null(config_find(&config, text_of("netbs")));
}

static void a_valid_config(void **state)
{
    (void)state;
    parse(contract);
    assert_contract();
    assert_string_equal(host_log(), "shim: (vda1)/boot/shim.cfg:23: `version` has no effect here\n");
}

/* The same with CRLF, a byte order mark, blanks around, a final newline and what else editors do. */
static void a_valid_config_as_editors_write_it(void **state)
{
    (void)state;
    char text[2 * sizeof contract + 10];
    for (u32 variant = 0; variant < 4; variant++) {
        u32 n = variant & 1 ? format_text(text, sizeof text, "\xef\xbb\xbf") : 0;
        for (const char *p = contract; *p; p++) {
            if (*p == '\n')
                n += format_text(text + n, 9, variant & 2 ? " \t\r" : "  ");
            text[n++] = *p;
        }
        n += format_text(text + n, 9, variant & 2 ? "\r\n" : "\n\n");
        parse_bytes(text, n);
        assert_contract();
    }
}

static void empty_texts(void **state)
{
    (void)state;
    static const char *const texts[] = {"",     "\n", "\r\n\r\n", "# only\n # comments", "\xef\xbb\xbf", "#!shim\n",
                                        " \t "};
    for (u32 i = 0; i < ARRAY_COUNT(texts); i++) {
        parse(texts[i]);
        assert_int_equal(config.entry_count, 0);
        assert_int_equal(config.problems, 0);
        assert_int_equal(config.timeout, TIMEOUT_UNSET);
        assert_string_equal(host_log(), "");
    }
}

/* What is around a mistake stays usable; the sentence is the whole log. */
static void each_mistake(void **state)
{
    (void)state;
#define GOOD "entry good\n linux /l\n"
    static const struct {
        const char *text, *says;
        u32 entries;
        const char *disabled; /* of the last entry */
    } cases[] = {
        {"timout 3\n" GOOD, "1: unknown key \"timout\"; did you mean \"timeout\"?", 1, NULL},
        {"Default x\n" GOOD, "1: unknown key \"Default\"; did you mean \"default\"?", 1, NULL},
        {"menu title\n" GOOD, "1: unknown key \"menu\"; expected timeout, default, fallback or entry", 1, NULL},
        {GOOD " lnux /b", "3: unknown key \"lnux\"; did you mean \"linux\"?", 1, NULL},
        {GOOD " option x", "3: unknown key \"option\"; did you mean \"options\"?", 1, NULL},
        {GOOD " kernel /b",
         "3: unknown key \"kernel\"; expected title, linux, pvh, initrd, options, module or entry", 1, NULL},
        {GOOD " =", "3: unknown key \"=\"; expected title, linux, pvh, initrd, options, module or entry", 1, NULL},
        {GOOD "Entry x\n", "3: unknown key \"Entry\"; did you mean \"entry\"?", 1, NULL},
        {"timeout soon\n" GOOD, "1: `timeout` \"soon\": expected a number of seconds or none", 1, NULL},
        {"timeout -1\n" GOOD, "1: `timeout` \"-1\": expected a number of seconds or none", 1, NULL},
        {"timeout 4294967294\n" GOOD, "1: `timeout` \"4294967294\": expected a number of seconds or none", 1, NULL},
        {"timeout 1 2\n" GOOD, "1: `timeout` \"1 2\": expected a number of seconds or none", 1, NULL},
        {"timeout\n" GOOD, "1: `timeout` without a value", 1, NULL},
        {"\n\ndefault \t\r\n" GOOD, "3: `default` without a value", 1, NULL},
        {GOOD " title\n", "3: `title` without a value", 1, NULL},
        {"default good\ndefault x\n" GOOD, "2: second `default`; the one of line 1 stays", 1, NULL},
        {"default god\n" GOOD, "1: `default` \"god\": there is no such entry; did you mean \"good\"?", 1, NULL},
        {"fallback rescue\n" GOOD, "1: `fallback` \"rescue\": there is no such entry", 1, NULL},
        {GOOD "timeout 3\n", "3: `timeout` inside an entry; expected before the first `entry`", 1, NULL},
        {"linux /l\n" GOOD, "1: `linux` outside of an entry; expected behind an `entry` line", 1, NULL},
        {"multiboot /l\n" GOOD, "1: `multiboot` outside of an entry; expected behind an `entry` line", 1, NULL},
        {"entry\n linux /x\n" GOOD,
         "1: `entry` \"\": expected an ID of letters, digits, \".\", \"_\" and \"-\"", 1, NULL},
        {"entry a b\n linux /x\n" GOOD,
         "1: `entry` \"a b\": expected an ID of letters, digits, \".\", \"_\" and \"-\"", 1, NULL},
        {GOOD "entry a/b\n linux /x\n timeout\n",
         "3: `entry` \"a/b\": expected an ID of letters, digits, \".\", \"_\" and \"-\"\n"
         "shim: error: shim.cfg:5: `timeout` without a value", 1, NULL},
        {GOOD GOOD, "3: second entry \"good\"; the one of line 1 stays", 1, NULL},
        {GOOD "entry x\n", "3: entry x has no kernel; expected one line `linux /path` or `pvh /path`", 2,
         "it names no kernel"},
        {GOOD "entry x\n title X\nentry y\n pvh /p\n",
         "3: entry x has no kernel; expected one line `linux /path` or `pvh /path`", 3, NULL},
        {GOOD " pvh /p", "3: second kernel in entry good; expected exactly one of `linux` and `pvh`", 1,
         "it has more than one kernel"},
        {GOOD " linux /l", "3: second kernel in entry good; expected exactly one of `linux` and `pvh`", 1,
         "it has more than one kernel"},
        {"entry x\n linux boot/l\n", "2: `linux` \"boot/l\": expected /path or (VOLUME)/path", 1,
         "one of its paths is not /path or (VOLUME)/path"},
        {"entry x\n pvh (vda1)\n", "2: `pvh` \"(vda1)\": expected /path or (VOLUME)/path", 1,
         "one of its paths is not /path or (VOLUME)/path"},
        {"entry x\n pvh ()/p\n", "2: `pvh` \"()/p\": expected /path or (VOLUME)/path", 1,
         "one of its paths is not /path or (VOLUME)/path"},
        {"entry x\n pvh (vda/p\n", "2: `pvh` \"(vda/p\": expected /path or (VOLUME)/path", 1,
         "one of its paths is not /path or (VOLUME)/path"},
        {"entry x\n pvh (vda)p/\n", "2: `pvh` \"(vda)p/\": expected /path or (VOLUME)/path", 1,
         "one of its paths is not /path or (VOLUME)/path"},
        {GOOD " initrd i.img", "3: `initrd` \"i.img\": expected /path or (VOLUME)/path", 1,
         "one of its paths is not /path or (VOLUME)/path"},
        {"entry x\n pvh /p\n module m some text\n", "3: `module` \"m\": expected /path or (VOLUME)/path", 1,
         "one of its paths is not /path or (VOLUME)/path"},
        {GOOD " module /m x\n", "1: entry good: `module` is for `pvh`; expected `initrd` beside `linux`", 1, NULL},
        {"entry x\n multiboot /m\n", "2: `multiboot` /m: cannot be booted yet, expected `linux` or `pvh`", 1,
         "kernels of its kind cannot be booted yet"},
        {GOOD " title a\n title b\n", "4: second `title`; the first one stays", 1, NULL},
        {GOOD " title a\x01" "b\n", "3: control character 01 in column 8; expected text", 1, NULL},
        {GOOD " title a\x7f" "b\n", "3: control character 7f in column 8; expected text", 1, NULL},
        {GOOD " title M\xfcller\n", "3: byte fc in column 8; expected UTF-8", 1, NULL},
        {GOOD " title \xc3\n", "3: byte c3 in column 7; expected UTF-8", 1, NULL},
        {GOOD " title \xc0\xaf \xed\xe2\x82\n", "3: byte c0 in column 7; expected UTF-8", 1, NULL},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        char expected[400];
        parse(cases[i].text);
        format_text(expected, sizeof expected, "shim: error: shim.cfg:%s\n", cases[i].says);
        assert_string_equal(host_log(), expected);
        assert_int_equal(config.problems, strstr(cases[i].says, "\nshim") ? 2 : 1);
        assert_int_equal(config.entry_count, cases[i].entries);
        const struct boot_entry *last = config.entry[config.entry_count - 1];
        if (cases[i].disabled)
            assert_string_equal(last->disabled, cases[i].disabled);
        else
            assert_null(last->disabled);
    }
#undef GOOD
}

/* A broken value leaves what would be without it. */
static void what_stays_behind_mistakes(void **state)
{
    (void)state;
    parse("timeout x\ndefault nobody\nfallback nobody\nentry a\n linux /l\n initrd i\n initrd /j\n options p\n"
          " options\n options q\n title \xfc\n");
    assert_int_equal(config.timeout, TIMEOUT_UNSET);
    assert_null(config.default_entry);
    assert_null(config.fallback_entry);
    assert_int_equal(config.entry[0]->initrd_count, 1);
    assert_string_equal(config.entry[0]->options, "p q");
    assert_string_equal(config.entry[0]->title, "\xfc");
    assert_int_equal(config.problems, 6);
    parse("default b\nfallback b\nentry a\n linux /l\nentry b\n title no kernel\n");
    assert_string_equal(config.default_entry->id, "b"); /* the menu tells why it cannot be booted */
    assert_null(config.fallback_entry);
    assert_int_equal(config.problems, 1);
    parse("timeout none\nentry a\n title Gr\xc3\xbc\xc3\x9f\x65 \xf0\x9f\x90\xa7\n pvh /p\n");
    assert_int_equal(config.timeout, TIMEOUT_NONE);
    assert_string_equal(config.entry[0]->title, "Gr\xc3\xbc\xc3\x9f\x65 \xf0\x9f\x90\xa7");
    assert_int_equal(config.problems, 0);
    parse("timeout 0\nentry A.b_c-9\n pvh (PARTLABEL=a b)/p q\n");
    assert_int_equal(config.timeout, 0);
    assert_string_equal(config.entry[0]->kernel, "(PARTLABEL=a b)/p q");
    assert_int_equal(config.problems, 0);
}

static void bytes_that_are_no_text(void **state)
{
    (void)state;
    static const char nul[] = "entry a\n linux /l\0x\n linux /m\n";
    static const char utf16[] = "\xff\xfe" "e\0n\0t\0r\0y\0 \0a\0\n\0 \0l\0";
    parse_bytes(nul, sizeof nul - 1);
    assert_string_equal(host_log(), "shim: error: shim.cfg:2: control character 00 in column 9; expected text\n");
    assert_string_equal(config.entry[0]->kernel, "/m");
    parse("entry a\r linux /l\r"); /* an old Mac's */
    assert_string_equal(host_log(), "shim: error: shim.cfg:1: control character 0d in column 8; expected text\n");
    parse_bytes(utf16, sizeof utf16 - 1);
    assert_true(config.problems > 0);
    assert_int_equal(config.entry_count, 0);
    static u8 noise[60000];
    for (u32 i = 0; i < sizeof noise; i++)
        noise[i] = (u8)(i * 2654435761u >> 13);
    parse_bytes((const char *)noise, sizeof noise);
    assert_true(config.problems > PROBLEMS_SHOWN);
    assert_true(strlen(host_log()) < 21 * 100);
}

static void long_lines_and_many_entries(void **state)
{
    (void)state;
    static char text[200000];
    u32 n = format_text(text, sizeof text, "entry a\n linux /");
    memset(text + n, 'x', 70000);
    n += 70000;
    n += format_text(text + n, 50, "\n options ");
    memset(text + n, 'y', 70000);
    parse_bytes(text, n + 70000);
    assert_int_equal(strlen(config.entry[0]->kernel), 70001);
    assert_int_equal(strlen(config.entry[0]->options), 70000);
    assert_int_equal(config.problems, 0);
    memset(text, 'z', 70000);
    parse_bytes(text, 70000);
    assert_true(strlen(host_log()) < 300);

    n = 0;
    for (u32 i = 0; i < 1000; i++)
        n += format_text(text + n, 100, "entry e%u\n linux /l%u\n title Title of %u\n", i, i, i);
    parse_bytes(text, n);
    assert_int_equal(config.entry_count, ENTRIES_MAX);
    assert_string_equal(config.entry[511]->title, "Title of 511");
    assert_int_equal(config.problems, 1000 - ENTRIES_MAX);
    assert_non_null(strstr(host_log(), "shim.cfg:1537: more than 512 entries\n"));

    n = format_text(text, sizeof text, "entry a\n linux /l\n");
    for (u32 i = 0; i < 33; i++)
        n += format_text(text + n, 100, " initrd /i%u\n options o%u\n", i, i);
    parse_bytes(text, n);
    assert_int_equal(config.entry[0]->initrd_count, ENTRY_FILES_MAX);
    assert_string_equal(host_log(), "shim: error: shim.cfg:67: more than 32 `initrd` lines\n");
    assert_string_equal(config.entry[0]->disabled, "it has too many files");
    assert_non_null(strstr(config.entry[0]->options, "o0 o1 o2 "));
    assert_non_null(strstr(config.entry[0]->options, " o31 o32"));
}

static void near_words(void **state)
{
    (void)state;
    static const char *const words[] = {"linux", "pvh", "initrd", "options", NULL};
    assert_string_equal(nearest_word(text_of("linx"), words), "linux");
    assert_string_equal(nearest_word(text_of("pv"), words), "pvh");
    assert_null(nearest_word(text_of("p"), words));
    assert_string_equal(nearest_word(text_of("optoins"), words), "options");
    assert_null(nearest_word(text_of("opt"), words));
    assert_null(nearest_word(text_of(""), words));
    assert_null(nearest_word(text_of("x"), words + 4));
    static const char *const near[] = {"timeouts", "timeout", "time", NULL};
    assert_string_equal(nearest_word(text_of("timeot"), near), "timeout"); /* the nearest, not the first near one */
}

/* ---- where configs come from ------------------------------------------------------------------------------------- */

/* Two volumes whose files stand in this table: in the root or in /boot. */
struct toy {
    u32 volume;
    const char *dir, *name, *content;
};

#define FILE_BYTES KIB(4)
#define TOYS_MAX 8u
#define NODE_BOOT 100u
#define MODULES_AT 0x1000000u

static const struct toy *toys;
static u8 *image;
static struct volume_list volumes;
static struct boot_info boot;
static struct arguments arguments;

static enum error toy_root(struct volume *v, struct node *root)
{
    *root = (struct node){.id = NODE_BOOT + 1, .type = NODE_DIR};
    (void)v;
    return OK;
}

static enum error toy_lookup(struct volume *v, const struct node *dir, struct text name, struct node *found)
{
    const char *at = dir->id == NODE_BOOT ? "boot" : "";
    for (u32 i = 0; toys[i].name; i++) {
        if (toys[i].volume != v->number)
            continue;
        if (!strcmp(toys[i].dir, at) && text_equal(name, toys[i].name)) {
            *found = (struct node){.id = i, .type = NODE_FILE, .size = strlen(toys[i].content)};
            return OK;
        }
        if (!*at && *toys[i].dir && text_equal(name, "boot")) {
            *found = (struct node){.id = NODE_BOOT, .type = NODE_DIR};
            return OK;
        }
    }
    return ERR_NOT_FOUND;
}

static enum error toy_map(struct volume *v, const struct node *node, u64 at, struct extent *extent)
{
    (void)v;
    *extent = (struct extent){node->id * FILE_BYTES + at, FILE_BYTES - at, false};
    return OK;
}

static const struct filesystem toy_fs = {.name = "toy", .root = toy_root, .lookup = toy_lookup, .map = toy_map};

/* vda1 and vda2 with these files; no modules, no arguments. */
static void machine(const struct toy *files)
{
    host_reset();
    host_log();
    toys = files;
    for (u32 i = 0; files[i].name; i++)
        memcpy(image + i * FILE_BYTES, files[i].content, strlen(files[i].content));
    struct block_device *disk = host_disk(NULL, "vd", image, TOYS_MAX * FILE_BYTES, 512);
    volumes.count = 2;
    for (u32 i = 0; i < 2; i++) {
        struct volume *v = volumes.volume[i] = host_volume(disk);
        v->number = i + 1;
        v->fs = &toy_fs;
        format_text(v->name, sizeof v->name, "vda%u", i + 1);
    }
    memcpy(volumes.volume[1]->ids.label, "data", 5);
    memset(&boot, 0, sizeof boot);
    boot.loader = "GRUB 2.06";
    memset(&config, 0, sizeof config);
    arguments = (struct arguments){.timeout = TIMEOUT_UNSET};
}

static void add_module(const char *text, const void *bytes, u32 size)
{
    struct module *m = &boot.module[boot.module_count++];
    *m = (struct module){MODULES_AT + boot.module_count * KIB(64), size, text};
    host_poke(m->base, bytes, size);
}

static void read_config(void)
{
    config_read(&config, &volumes, &boot, &arguments);
}

#define A "entry a\n linux /l\n"
#define B "default b\nentry a\n linux /l\nentry b\n linux /l\n"

#define OTHERS ", loader entries, extlinux.conf, grub.cfg"

static void the_search(void **state)
{
    (void)state;
    static const struct {
        struct toy files[4];
        const char *config, *volume; /* arguments */
        const char *log;
        const char *name; /* of the config that won */
    } cases[] = {
        {{{1, "", "shim.cfg", A}}, NULL, NULL, "shim: config (vda1)/shim.cfg: 1 entry\n", "(vda1)/shim.cfg"},
        {{{1, "boot", "shim.cfg", B}}, NULL, NULL, "shim: config (vda1)/boot/shim.cfg: 2 entries\n",
         "(vda1)/boot/shim.cfg"},
        {{{1, "boot", "shim.cfg", A}, {1, "", "shim.cfg", B}}, NULL, NULL, "shim: config (vda1)/shim.cfg: 2 entries\n",
         "(vda1)/shim.cfg"},
        {{{2, "", "shim.cfg", B}, {1, "boot", "shim.cfg", A}}, NULL, NULL,
         "shim: config (vda1)/boot/shim.cfg: 1 entry\n", "(vda1)/boot/shim.cfg"},
        {{{2, "", "shim.cfg", A}}, NULL, NULL, "shim: config (vda2)/shim.cfg: 1 entry\n", "(vda2)/shim.cfg"},
        {{{2, "", "shim.cfg", A}, {1, "", "shim.cfg", B}}, NULL, "LABEL=data",
         "shim: config (vda2)/shim.cfg: 1 entry\n", "(vda2)/shim.cfg"},
        {{{1, "", "shim.cfg", A}, {1, "boot", "other", B}}, "/boot/other", NULL,
         "shim: config (vda1)/boot/other: 2 entries\n", "(vda1)/boot/other"},
        {{{1, "", "shim.cfg", A}, {2, "boot", "other", B}}, "boot/other", NULL,
         "shim: config (vda2)/boot/other: 2 entries\n", "(vda2)/boot/other"},
        {{{1, "", "x", A}, {2, "", "x", B}}, "/x", "vda2", "shim: config (vda2)/x: 2 entries\n", "(vda2)/x"},
        {{{1, "", "x", A}, {2, "", "x", B}}, "(LABEL=data)/x", NULL, "shim: config (vda2)/x: 2 entries\n", "(vda2)/x"},
        /* what is asked for and not there is not replaced by something else */
        {{{1, "", "shim.cfg", A}}, "/none", NULL,
         "shim: error: config=/none: (vda2)/none: no such file (\"none\" is missing)\n", NULL},
        {{{1, "", "shim.cfg", A}}, "(vda3)/shim.cfg", NULL,
         "shim: error: config=(vda3)/shim.cfg: (vda3)/shim.cfg: no volume vda3; there is vda1, vda2\n", NULL},
        {{{1, "", "shim.cfg", A}}, "(vda1/shim.cfg", NULL,
         "shim: error: config=(vda1/shim.cfg: (vda1/shim.cfg: no \")\" behind the volume\n", NULL},
        {{{1, "boot", "shim.cfg", A}}, "/boot", NULL, "shim: error: config=/boot: (vda1)/boot: not a file\n", NULL},
        {{{1, "", "shim.cfg", A}}, NULL, "vda9",
         "shim: error: volume=vda9: no volume vda9; there is vda1, vda2\n", NULL},
        {{{1, "", "shim.cfg", A}}, NULL, "vda2",
         "shim: error: nothing to boot on vda2: no config (looked for /shim.cfg, /boot/shim.cfg" OTHERS ")\n", NULL},
        {{{1, "", "x", A}}, NULL, NULL,
         "shim: error: nothing to boot on vda1: no config (looked for /shim.cfg, /boot/shim.cfg" OTHERS ")\n"
         "shim: error: nothing to boot on vda2: no config (looked for /shim.cfg, /boot/shim.cfg" OTHERS ")\n", NULL},
        {{{1, "", "shim.cfg", ""}}, NULL, NULL,
         "shim: error: config (vda1)/shim.cfg: no entry in it, expected lines like `entry ID` and `linux /path`\n"
         "shim: config (vda1)/shim.cfg: 0 entries\n", "(vda1)/shim.cfg"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        machine(cases[i].files);
        arguments.config = text_of(cases[i].config);
        arguments.volume = text_of(cases[i].volume);
        log_level = LOG_NORMAL;
        read_config();
        assert_string_equal(host_log(), cases[i].log);
        if (cases[i].name)
            assert_string_equal(config.name, cases[i].name);
        else
            assert_null(config.name);
        for (u32 e = 0; e < config.entry_count; e++)
            assert_ptr_equal(config.entry[e]->volume, volumes.volume[cases[i].name[4] - '1']);
    }
}

static void a_config_that_cannot_be_read_does_not_end_the_search(void **state)
{
    (void)state;
    static const struct toy files[] = {{1, "", "shim.cfg", A}, {2, "boot", "shim.cfg", B}, {0}};
    machine(files);
    log_level = LOG_NORMAL;
    host_disk_fail_lba = 0;
    read_config();
    assert_string_equal(host_log(), "shim: error: (vda1)/shim.cfg: vda: block 0: injected read error\n"
                                    "shim: config (vda2)/boot/shim.cfg: 2 entries\n");
    machine(files);
    volumes.volume[0]->fs = NULL;
    volumes.volume[1]->fs = NULL;
    volumes.volume[1]->reason = "ext4 with feature x";
    log_level = LOG_NORMAL;
    read_config();
    assert_string_equal(host_log(),
                        "shim: error: nothing to boot on vda1: no filesystem and no kernel that is known here\n"
                        "shim: error: nothing to boot on vda2: ext4 with feature x\n");
    machine(files);
    volumes.count = 0;
    log_level = LOG_NORMAL;
    read_config();
    assert_string_equal(host_log(), "shim: error: nothing to boot: no disk and no volume module was found\n");
}

static void configs_as_modules(void **state)
{
    (void)state;
    static const struct toy files[] = {{1, "", "shim.cfg", B}, {0}};
    static const struct {
        const char *text, *content;
        bool config;
    } cases[] = {
        {"shim.cfg", A, true},         {"/boot/shim.cfg", A, true}, {"(hd0,1)/boot/shim.cfg more words", A, true},
        {"", "#!shim\n" A, true},      {"x", "#!shim\r\n" A, true}, {"", A, false},
        {"my-shim.cfg", A, false},     {"shim.cfg.gz", A, false},   {"other shim.cfg", A, false},
        {"", "#!shimmer\n" A, false},  {"", "#!shim", false},       {"", " #!shim\n" A, false},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        machine(files);
        log_level = LOG_NORMAL;
        add_module("an initrd", "\x1f\x8b", 2);
        add_module(cases[i].text, cases[i].content, (u32)strlen(cases[i].content));
        read_config();
        assert_string_equal(host_log(), cases[i].config ? "shim: config (module1)/shim.cfg: 1 entry\n"
                                                        : "shim: config (vda1)/shim.cfg: 2 entries\n");
        assert_ptr_equal(config.entry[0]->volume, volumes.volume[0]);
    }
    /* its plain paths are those of the first volume with a filesystem, or of the one that is asked for */
    machine(files);
    volumes.volume[0]->fs = NULL;
    add_module("shim.cfg", "bogus\n" A, 24);
    read_config();
    assert_ptr_equal(config.entry[0]->volume, volumes.volume[1]);
    assert_non_null(strstr(host_log(), "shim: error: shim.cfg:1: unknown key \"bogus\""));
    machine(files);
    add_module("shim.cfg", A, 18);
    arguments.volume = text_of("vda2");
    read_config();
    assert_ptr_equal(config.entry[0]->volume, volumes.volume[1]);
    machine(files);
    volumes.count = 0;
    add_module("shim.cfg", A, 18);
    read_config();
    assert_null(config.entry[0]->volume);
    /* config= goes before it */
    machine(files);
    add_module("shim.cfg", A, 18);
    arguments.config = text_of("/shim.cfg");
    read_config();
    assert_string_equal(config.name, "(vda1)/shim.cfg");
}

/* The smallest ELF that has to do with us: whatever else is wrong with it, it is a kernel. */
static void add_kernel(const char *text)
{
    static u8 bytes[2048];
    memcpy(bytes + 0x1f1, "\x04", 1);
    memcpy(bytes + 0x1fe, "\x55\xaa\xeb\x66HdrS\x0f\x02", 10);
    add_module(text, bytes, sizeof bytes);
}

static void what_is_missing_is_disabled_without_memory(void **state)
{
    (void)state;
    static const struct toy files[] = {
        {1, "", "extlinux.conf", "label a\nlinux /k\nlabel b\nlinux (hd7)/k\n"}, {0},
    };
    machine(files);
    read_config(); /* what disks need is there */
    u64 mark = arena_mark();
    for (u32 left = 0; left < KIB(24); left += 72) {
        memset(&config, 0, sizeof config);
        log_level = LOG_SILENT;
        arena_release(mark);
        arena_reserve(arena_left() - left, 1);
        read_config();
        for (u32 i = 0; i < config.entry_count; i++)
            assert_non_null(config.entry[i]->disabled);
    }
    assert_int_equal(config.entry_count, 2);
}

static void kernels_as_modules(void **state)
{
    (void)state;
    static const struct toy none[] = {{0}}, files[] = {{1, "", "shim.cfg", A}, {0}};
    machine(none);
    log_level = LOG_NORMAL;
    add_kernel("root=/dev/vda1 quiet");
    add_module("initrd", "\x1f\x8b", 2);
    add_kernel("");
    read_config();
    assert_string_equal(host_log(), "shim: no config; the kernel modules make 2 entries\n");
    assert_int_equal(config.entry_count, 2);
    assert_string_equal(config.entry[0]->id, "module0");
    assert_string_equal(config.entry[0]->title, "module0: root=/dev/vda1 quiet");
    assert_string_equal(config.entry[0]->options, "root=/dev/vda1 quiet");
    assert_ptr_equal(config.entry[0]->kernel_module, &boot.module[0]);
    assert_null(config.entry[0]->disabled);
    assert_string_equal(config.entry[1]->id, "module2");
    assert_string_equal(config.entry[1]->title, "module2");
    assert_string_equal(config.entry[1]->options, "");
    /* loaders that put the file's name in front */
    machine(none);
    boot.loader = "iPXE 1.21";
    log_level = LOG_NORMAL;
    add_kernel("http://x/vmlinuz  root=/dev/vda1");
    read_config();
    assert_string_equal(host_log(), "shim: no config; the kernel modules make 1 entry\n");
    assert_string_equal(config.entry[0]->options, "root=/dev/vda1");
    boot.loader = "qemu";
    boot.module[0].text = "vmlinuz";
    config.entry_count = 0;
    read_config();
    assert_string_equal(config.entry[0]->options, "");
    /* with a config they are only modules */
    machine(files);
    add_kernel("x");
    read_config();
    assert_string_equal(config.entry[0]->id, "a");
    assert_int_equal(config.entry_count, 1);
}

static void the_default_of_the_command_line(void **state)
{
    (void)state;
    static const struct toy files[] = {{1, "", "shim.cfg", B}, {0}};
    machine(files);
    arguments.default_id = text_of("a");
    log_level = LOG_NORMAL;
    read_config();
    assert_string_equal(config.default_entry->id, "a");
    machine(files);
    arguments.default_id = text_of("aa");
    log_level = LOG_NORMAL;
    read_config();
    assert_string_equal(config.default_entry->id, "b");
    assert_string_equal(host_log(), "shim: config (vda1)/shim.cfg: 2 entries\n"
                                    "shim: error: default=aa: there is no such entry; there are a, b\n");
}

static int setup(void **state)
{
    (void)state;
    image = calloc(TOYS_MAX, FILE_BYTES);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(image);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_valid_config),
        cmocka_unit_test(a_valid_config_as_editors_write_it),
        cmocka_unit_test(empty_texts),
        cmocka_unit_test(each_mistake),
        cmocka_unit_test(what_stays_behind_mistakes),
        cmocka_unit_test(bytes_that_are_no_text),
        cmocka_unit_test(long_lines_and_many_entries),
        cmocka_unit_test(near_words),
        cmocka_unit_test(the_search),
        cmocka_unit_test(a_config_that_cannot_be_read_does_not_end_the_search),
        cmocka_unit_test(configs_as_modules),
        cmocka_unit_test(what_is_missing_is_disabled_without_memory),
        cmocka_unit_test(kernels_as_modules),
        cmocka_unit_test(the_default_of_the_command_line),
    };
    return cmocka_run_group_tests_name("config", tests, setup, teardown);
}
