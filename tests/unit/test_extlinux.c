/* test_extlinux.c: the dialect of extlinux.conf, syslinux.cfg, isolinux.cfg: keywords, and what distributions write. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "host.h"

#include "config.h"
#include "tools.h"
#include "toy.h"

extern const struct config_dialect config_extlinux;

static struct config config;
static char dump[200000];
static u32 dumped;

#define PUT(...) (dumped += format_text(dump + dumped, (u32)sizeof dump - dumped, __VA_ARGS__))

static void dump_entry(const struct boot_entry *e)
{
    for (const struct boot_entry *up = e->parent; up; up = up->parent)
        PUT("  ");
    if (e->kind == ENTRY_SEPARATOR) {
        PUT("---\n");
        return;
    }
    PUT("%s%s%s", e == config.default_entry ? "*" : "",
        e->kind == ENTRY_SUBMENU ? "> " : e->kind == ENTRY_HEADING ? "# " : "", e->id);
    if (strcmp(e->id, e->title))
        PUT(" \"%s\"", e->title);
    if (e->hotkey)
        PUT(" ^%c", (char)e->hotkey);
    if (e->disabled) {
        PUT(" !%s\n", e->disabled);
        return;
    }
    if (e->kernel)
        PUT(" %s", e->kernel);
    for (u32 i = 0; i < e->initrd_count; i++)
        PUT("%s%.*s", i ? "," : " +", (int)e->initrd[i].path.len, e->initrd[i].path.at);
    if (e->options[0])
        PUT(" {%s}", e->options);
    if (e->help)
        PUT(" ?%s", e->help);
    PUT("\n");
}

static const char *dump_config(void)
{
    dumped = 0;
    dump[0] = 0;
    for (u32 i = 0; i < config.entry_count; i++)
        dump_entry(config.entry[i]);
    return dump;
}

/* Read the first of files. */
static void read_toy(const struct toy *files)
{
    toy_machine(files);
    memset(&config, 0, sizeof config);
    config.timeout = TIMEOUT_UNSET;
    u32 size = (u32)toy_size(files);
    char *copy = arena_alloc(size, 1); /* where reading past its end is seen */
    memcpy(copy, files->content, size);
    const struct config_file file = {.home = toy_volumes.volume[0], .name = format_copy("(vda1)%s", files->path),
                                     .path = text_of(files->path), .text = {copy, size}};
    assert_int_equal(config_extlinux.parse(&config, &file), OK);
    assert_string_equal(error_text(), "");
}

static void parse_bytes(const char *bytes, u32 size)
{
    const struct toy files[] = {{1, "/d/syslinux.cfg", size ? bytes : "", size, false}, {0}};
    read_toy(files);
}

static void parse(const char *text)
{
    parse_bytes(text, (u32)strlen(text));
}

static void expect_entries(const char *text, const char *expected)
{
    if (strcmp(dump_config(), expected))
        FAILED("of:\n%s\nbecame:\n%sinstead of:\n%swith:\n%s", text, dump, expected, host_log());
}

/* ---- labels ------------------------------------------------------------------------------------------------------ */

static void labels(void **state)
{
    (void)state;
    static const struct {
        const char *text, *entries;
    } cases[] = {
        {"label a\nkernel /k\nappend x y\ninitrd /i\n", "*a /k +/i {x y}\n"},
        {"LaBeL a\r\n\tKeRnEl\x01/k\r\n", "*a /k\n"},
        {"\xef\xbb\xbflabel a\nlinux k", "*a /d/k\n"},
        {"label a b c\nlinux ../k", "*a /d/../k\n"},
        {"label vmlinuz\nappend x\n", "*vmlinuz /d/vmlinuz {x}\n"},
        {"label a\nkernel /k  a  b\nappend  c  d \n", "*a /k {a  b c  d}\n"},
        {"append g\nlabel a\nkernel /k\nlabel b\nkernel /k\nappend -\nlabel c\nkernel /k\nappend o\n",
         "*a /k {g}\nb /k\nc /k {o}\n"},
        {"label a\nkernel /k\nappend x\nappend y\n", "*a /k {y}\n"},
        {"label a\nkernel /j\nlinux /k\n", "*a /k\n"},
        {"label a\nkernel /k\ninitrd /h\ninitrd /i,,j\n", "*a /k +/i,/d/j\n"},
        {"label a\nkernel /k\nappend x initrd=i,/j y initrd=/z\n", "*a /k +/d/i,/j {x initrd=i,/j y initrd=/z}\n"},
        {"label a\nkernel /k\ninitrd /h\nappend initrd=/i\n", "*a /k +/i {initrd=/i}\n"},
        {"label a\nkernel /k initrd=/h\nappend initrd=/i rd.initrd=/x\n",
         "*a /k +/h {initrd=/h initrd=/i rd.initrd=/x}\n"},
        {"label a\nkernel /k\nappend rdinitrd=/x --- quiet\n", "*a /k {rdinitrd=/x --- quiet}\n"},
        {"label a\nkernel /k\nappend root=${r}\n", "*a /k {root=${r}}\n"},
        {"initrd /x\nkernel /x\nlabel a\nkernel /k\n", "*a /k\n"},
        {"label a\nfrobnicate now\nkernel /k\nfdt /x\nfdtdir /y\nipappend 2\nsay hello\nf12 x\nappend z\n",
         "*a /k {z}\n"},
        {"label a\nmenu label The ^First\nkernel /k\nlabel b\nmenu label ^Foo\nkernel /k\nlabel c\n"
         "menu label  ^^1 ^\nkernel /k\n",
         "*a \"The First\" ^f /k\nb \"Foo\" /k\nc \"1 \" ^1 /k\n"},
        {"label a\nmenu label ^\nkernel /k\nmenu indent 2\nlabel b\nmenu label B\nmenu indent 3\nkernel /k",
         "*a /k\nb \"   B\" /k\n"},
        {"label a\nlabel a\nkernel /k\n", "*a /d/a\na /k\n"},
        {"label\nkernel /x\nlabel a\nkernel /k\n", "*a /k\n"},
        {"label a\nkernel /k\ntext help\n one \n\n\ttwo\n\nendtext\nappend x", "*a /k {x} ?one\n\ntwo\n"},
        {"text help\nlabel x\nEndText\nlabel a\ntext foo\nlabel y\nendtext\nkernel /k\n", "*a /k\n"},
        {"label a\nmenu hide\nkernel /k\nlabel b\nkernel /k\n", "*b /k\n"},
        {"default a\nlabel a\nmenu hide\nkernel /k\nlabel b\nkernel /k\n", "*a /k\nb /k\n"},
        {"label -\nmenu label Install:\nmenu disable\nlabel a\nkernel /k\nlabel b\nkernel /k\nmenu disabled\n",
         "# - \"Install:\"\n*a /k\nb !the config disables it\n"},
        {"label a\nkernel /k\nmenu separator\nappend x\nlabel b\nkernel /k\n", "*a /k\n---\nb /k {x}\n"},
        {"label a\nkernel /k\nlabel h\nmenu help f1.txt\nlabel b\nmenu goto x\nlabel c\nmenu quit\n"
         "label d\nkernel /d\nmenu exit\n", "*a /k\n"},
        {"label a\nkernel /k\nmenu begin s\nlabel b\nkernel /b\nmenu begin t\nlabel c\nkernel /c\nmenu end\n"
         "menu passwd x\nmenu end\n",
         "*a /k\n> s !it wants a password, which cannot be asked for here\n"
         "  b !it wants a password, which cannot be asked for here\n"
         "  > t !it wants a password, which cannot be asked for here\n"
         "    c !it wants a password, which cannot be asked for here\n"},
        {"label a\nmenu passwd x\nkernel /k\n", "*a !it wants a password, which cannot be asked for here\n"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        parse(cases[i].text);
        if (config.entry_count == 1) /* which may be disabled */
            config.default_entry = config.entry[0];
        expect_entries(cases[i].text, cases[i].entries);
    }
}

static void what_a_label_starts(void **state)
{
    (void)state;
    static const char sector[] = "!it is a boot sector, which only a BIOS starts";
    static const struct {
        const char *lines, *entry;
    } cases[] = {
        {"kernel x.bin", sector},
        {"kernel x.BS", sector},
        {"kernel x.bss", sector},
        {"boot x", sector},
        {"bss x", sector},
        {"linux x.bin", "/d/x.bin"},
        {"kernel pxelinux.0", "!it is a network boot program, which only a BIOS starts"},
        {"pxe x", "!it is a network boot program, which only a BIOS starts"},
        {"kernel x.img", "!it is the image of a floppy disk, which only a BIOS starts"},
        {"fdimage x", "!it is the image of a floppy disk, which only a BIOS starts"},
        {"kernel x.com", "!it is a program for Syslinux"},
        {"kernel /b/hdt.c32", "!it is a program for Syslinux (hdt)"},
        {"com32 chain\nappend hd0", "!it is a program for Syslinux (chain)"},
        {"localboot 0x80", "!it starts the BIOS's next disk"},
        {"localboot -1", "!it starts the BIOS's next disk"},
        {"kernel mboot.c32\nappend xen.gz --- vmlinuz --- initrd",
         "!it is for multiboot, which cannot be booted yet"},
        {"com32 linux.c32\nappend -dhcpinfo k initrd=i a", "/d/k +/d/i {initrd=i a}"},
        {"kernel linux.c32 /k a\nappend b", "/k {a b}"},
        {"com32 linux.c32", "!it names no kernel"},
        {"config none.cfg", "!it reads none.cfg, which has nothing else to boot"},
        {"kernel vesamenu.c32\nappend none.cfg", "!it reads none.cfg, which has nothing else to boot"},
        {"kernel ::k", "!its kernel ::k is on no volume"},
        {"kernel http://host/k", "!its kernel http://host/k is on no volume"},
        {"kernel (hd0,1)/k", "!its kernel (hd0,1)/k is on no volume"},
        {"kernel /k\ninitrd (hd0)/i", "!its initrd (hd0)/i is on no volume"},
        {"com32 whichsys.c32\nappend -sys- z", "/z"},
        {"com32 ifcpu64.c32\nappend z -- a", "/z"},
        {"com32 ifcpu64.c32\nappend y", "!it starts a label that is not there"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        char text[200], expected[200];
        format_text(text, sizeof text, "label z\nlinux /z\nlabel a\n%s\n", cases[i].lines);
        parse(text);
        format_text(expected, sizeof expected, "*z /z\na %s\n", cases[i].entry);
        expect_entries(text, expected);
        assert_int_equal(config.problems, 0);
    }
}

static void paths_of_dos(void **state)
{
    (void)state;
    static const char text[] = "label a\nlinux \\x\\k\ninitrd y\\i\n";
    parse(text);
    expect_entries(text, "*a /d/\\x\\k +/d/y\\i\n");
    toy_fs.name = "vfat";
    parse(text);
    expect_entries(text, "*a /x/k +/d/y/i\n");
    toy_fs.name = "toy";
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

#define AB "label a\nlinux /a\nlabel b\nlinux /b\nappend x\n"

static void timeouts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        u32 timeout;
    } cases[] = {
        {AB, TIMEOUT_UNSET},
        {"default a\n" AB, 0},
        {"prompt 0\ndefault a\n" AB, 0},
        {"prompt 1\ndefault a\n" AB, TIMEOUT_NONE},
        {"ui menu.c32\n" AB, TIMEOUT_NONE},
        {"default vesamenu.c32\nprompt 0\n" AB, TIMEOUT_NONE},
        {"default a\ntimeout 50\n" AB, 5},
        {"default a\ntimeout 51\n" AB, 6},
        {"default a\ntimeout 1 # tenth\n" AB, 1},
        {"default a\nprompt 0\ntimeout 0\n" AB, TIMEOUT_NONE},
        {"default a\ntimeout -1\n" AB, 0},
        {"timeout 99999999999999999999\n" AB, 214748365},
        {"timeout soon\n" AB, TIMEOUT_UNSET},
        {"timeout 100\ntimeout 50\n" AB, 5},
        {"totaltimeout 70\nui menu.c32\n" AB, 7},
        {"timeout 50\ntotaltimeout 9000\n" AB, 5},
        {"timeout 0\ntotaltimeout 9000\n" AB, 900},
        {"menu shiftkey\nui menu.c32\ntimeout 50\n" AB, 0},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        parse(cases[i].text);
        if (config.timeout != cases[i].timeout)
            FAILED("of:\n%s: timeout %u", cases[i].text, config.timeout);
        assert_int_equal(config.problems, !!strstr(cases[i].text, "soon"));
    }
}

static void defaults(void **state)
{
    (void)state;
    static const struct {
        const char *text, *entries, *log;
    } cases[] = {
        {"default b\n" AB, "a /a\n*b /b {x}\n", NULL},
        {"default b\ndefault a\n" AB, "*a /a\nb /b {x}\n", NULL},
        {"default b y z\n" AB, "a /a\n*b /b {x y z}\n", NULL},
        {"ui menu.c32\ndefault b y\n" AB, "a /a\n*b /b {x}\n", NULL},
        {"default menu.c32\n" AB "menu default\n", "a /a\n*b /b {x}\n", NULL},
        {"default a\n" AB "menu default\n", "*a /a\nb /b {x}\n", NULL},
        {"default m\nlabel m\nkernel vesamenu.c32\n" AB, "*a /a\nb /b {x}\n", NULL},
        {"default a\nmenu hide\nui menu.c32\n" AB "menu hide\n", "*a /a\n", NULL},
        {"default b\nui menu.c32\n" AB "menu hide\n", "*a /a\n", NULL},
        {"default k a initrd=i\nappend b", "*k /d/k +/d/i {a initrd=i}\n", NULL},
        {"default a initrd=i,/j y\n" AB, "*a /a +/d/i,/j {initrd=i,/j y}\nb /b {x}\n", NULL},
        {"default b initrd=i\n" AB "initrd /j\n", "a /a\n*b /b +/j {x initrd=i}\n", NULL},
        {"default b\ntimeout 5\n" AB "menu passwd x\n", "a /a\n*b /b {x}\n", NULL},
        {"default c\ntimeout 5\n" AB "label c\nlocalboot 0\nmenu passwd x\n",
         "a /a\nb /b {x}\n*c !it starts the BIOS's next disk\n", NULL},
        {"default c\ntimeout 5\nlabel c\nkernel ifcpu64.c32\nappend d\nmenu passwd x\nlabel d\nlocalboot 0\n",
         "*c !it starts the BIOS's next disk\nd !it starts the BIOS's next disk\n", NULL},
        {"default bb\n" AB, "*a /a\nb /b {x}\n",
         "shim: error: syslinux.cfg:1: `default` \"bb\": there is no such label; did you mean \"b\"?\n"},
        {"default c\nlabel c\nlocalboot 0\n" AB, "*c !it starts the BIOS's next disk\na /a\nb /b {x}\n", NULL},
        {"default menu.c32\nlabel c\nlocalboot 0\n" AB, "c !it starts the BIOS's next disk\n*a /a\nb /b {x}\n", NULL},
        {"default menu.c32\n" AB "menu begin s\nmenu default\nlabel c\nlinux /c\nlabel d\nlinux /d\nmenu default\n",
         "a /a\nb /b {x}\n> s\n  c /c\n  *d /d\n", NULL},
        {"default menu.c32\n" AB "menu begin s\nmenu start\nlabel c\nlinux /c\nmenu end\nlabel d\nlinux /d\n",
         "a /a\nb /b {x}\n> s\n  *c /c\nd /d\n", NULL},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        parse(cases[i].text);
        expect_entries(cases[i].text, cases[i].entries);
        assert_string_equal(host_log(), cases[i].log ? cases[i].log : "");
    }
}

static void other_settings(void **state)
{
    (void)state;
    parse("menu title  A title\nontimeout b\nonerror a\n" AB);
    assert_string_equal(config.title, "A title");
    assert_ptr_equal(config.timeout_entry, config.entry[1]);
    assert_ptr_equal(config.fallback_entry, config.entry[0]);
    assert_false(config.locked);
    assert_false(config.hidden);
    assert_string_equal(config.entry[1]->config, "(vda1)/d/syslinux.cfg");
    assert_int_equal(config.entry[1]->line, 6);
    parse("ontimeout b y\nfallback c\nmenu hidden\ntimeout 10\n" AB "label c\nlinux /c\nmenu hide\n");
    assert_string_equal(config.timeout_entry->options, "x y");
    assert_string_equal(config.entry[1]->options, "x");
    assert_string_equal(config.fallback_entry->kernel, "/c");
    assert_int_equal(config.entry_count, 2);
    assert_true(config.hidden);
    parse("menu hidden\nui menu.c32\nontimeout k y initrd=i\n" AB); /* a kernel */
    assert_false(config.hidden);
    assert_int_equal(config.entry_count, 2);
    assert_string_equal(config.timeout_entry->kernel, "/d/k");
    assert_string_equal(config.timeout_entry->options, "y initrd=i");
    assert_int_equal(config.timeout_entry->initrd_count, 1);
    parse("ontimeout m\n" AB "menu begin s\ntimeout 50\nontimeout a\nmenu end\nlabel m\nlocalboot 0\n");
    assert_ptr_equal(config.timeout_entry, config.entry[3]);
    assert_int_equal(config.timeout, TIMEOUT_UNSET);
    parse("ontimeout menu.c32\nonerror ifcpu64.c32 a -- b\n" AB); /* no kernels */
    assert_null(config.timeout_entry);
    assert_null(config.fallback_entry);
    assert_int_equal(config.entry_count, 2);
    static const struct toy other[] = {
        {1, "/d/syslinux.cfg", "ontimeout o.cfg\nlabel a\nlinux /a\n", 0, false},
        {1, "/d/o.cfg", "default c\nlabel c\nlinux /c\nlabel e\nlinux /e\n", 0, false},
        {0},
    };
    read_toy(other);
    assert_int_equal(config.entry_count, 4);
    assert_string_equal(config.timeout_entry->kernel, "/c");
    static const char *const locks[] = {"allowoptions 0\n" AB, "noescape 1\n" AB, "menu master passwd x\n" AB};
    for (u32 i = 0; i < ARRAY_COUNT(locks); i++) {
        parse(locks[i]);
        assert_true(config.locked);
    }
    static const char *const open[] = { /* the second is Clonezilla's: its menu takes Tab all the same */
        "allowoptions 1\nnoescape 0\n" AB, "default vesamenu.c32\nnoescape 1\nallowoptions 1\n" AB,
        "noescape 1\nui menu.c32\n" AB,
    };
    for (u32 i = 0; i < ARRAY_COUNT(open); i++) {
        parse(open[i]);
        assert_false(config.locked);
    }
}

static void mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {AB "kernal /x\n", "6: unknown keyword \"kernal\"; did you mean \"kernel\"?"},
        {"TIMOUT 5\n" AB, "1: unknown keyword \"TIMOUT\"; did you mean \"timeout\"?"},
        {AB "menu lable x\n", "6: unknown keyword \"lable\"; did you mean \"label\"?"},
        {AB "kernel\n", "6: `kernel` without a file"},
        {"label\n" AB, "1: `label` without a name"},
        {"timeout x\n" AB, "1: timeout \"x\": expected a number of tenths of a second"},
        {AB "text help\n x\n", "6: `text` without `endtext`"},
        {AB "include syslinux.cfg\n", "6: syslinux.cfg includes itself"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        char expected[200];
        parse(cases[i].text);
        format_text(expected, sizeof expected, "shim: error: syslinux.cfg:%s\n", cases[i].says);
        assert_string_equal(host_log(), expected);
        expect_entries(cases[i].text, "*a /a\nb /b {x}\n");
    }
    static const char *const harmless[] = {
        AB "gfxboot bootlogo\n", AB "frobnicate\n", AB "menu tabmsgrow 3\nmenu rows 2\nmenu color sel * #fff\n",
        AB "display boot.msg\nf1 a.txt\nF0 b\nserial 0 115200\nconsole 0\nfont x\n", "kernel /x\n" AB, AB "menu end\n",
        AB "menu width 80\nmenu margin 1\nmenu endrow 2\nmenu clear\nmenu save\nmenu vshift 1\nmenu hshift 2\n"
           "menu autoboot x\nmenu tabmsg x\nmenu notabmsg x\nmenu passprompt x\nmenu background x\nmenu msgcolor x\n"
           "menu cmdlinerow 1\nmenu timeoutrow 1\nmenu helpmsgrow 1\nmenu helpmsgendrow 1\nmenu hiddenrow 1\n"
           "menu passwordrow 1\nmenu passwordmargin 1\nmenu resolution 640 480\nmenu hiddenkey x y\nmenu immediate\n",
        AB "include none.cfg\n",
    };
    for (u32 i = 0; i < ARRAY_COUNT(harmless); i++) {
        parse(harmless[i]);
        if (config.problems)
            FAILED("%s: %s", harmless[i], host_log());
        expect_entries(harmless[i], "*a /a\nb /b {x}\n");
    }
}

static void bytes_that_are_no_text(void **state)
{
    (void)state;
    static const char nul[] = "label a\nlinux /k\0x\nappend y\0\n\0\n";
    parse_bytes(nul, sizeof nul - 1);
    expect_entries("NUL", "*a /k {y}\n");
    assert_string_equal(host_log(), "shim: error: syslinux.cfg:2: a NUL byte in column 9; expected text\n");
    parse("");
    assert_int_equal(config.entry_count, 0);
    assert_null(config.default_entry);
    static char big[MIB(1)];
    for (u32 i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 2654435761u >> 13);
    parse_bytes(big, sizeof big);
    assert_true(strlen(host_log()) < 1u << 14 || config.problems >= PROBLEMS_SHOWN);
    u32 n = 0;
    for (u32 i = 0; i < 1000; i++)
        n += format_text(big + n, 200, "label e%u\nmenu label Entry %u\nlinux /k%u\nappend x=%u\n", i, i, i, i);
    parse_bytes(big, n);
    assert_int_equal(config.entry_count, ENTRIES_MAX);
    assert_int_equal(config.problems, 1);
    expect_log("more than 512 entries");
    n = format_text(big, 200, "label a\nlinux /k\ninitrd ");
    for (u32 i = 0; i < 40; i++)
        n += format_text(big + n, 100, "/i%u,", i);
    parse_bytes(big, n);
    assert_string_equal(config.entry[0]->disabled, "it has too many initrds");
    memset(big, 'x', sizeof big);
    memcpy(big, "label a\nappend ", 15);
    parse_bytes(big, sizeof big);
    assert_string_equal(config.entry[0]->disabled, "its options are longer than Linux takes");
    parse_bytes(big, 10000);
    assert_int_equal(strlen(config.entry[0]->options), 10000 - 15);
}

/* ---- several files ----------------------------------------------------------------------------------------------- */

/* Files of a table: path and text in turn, NULL at the end; the first is the config. */
static void parse_files(const char *const *files)
{
    struct toy toy_files[24] = {0};
    for (u32 n = 0; files[2 * n] && n + 1 < ARRAY_COUNT(toy_files); n++)
        toy_files[n] = (struct toy){.volume = 1, .path = files[2 * n], .content = files[2 * n + 1]};
    read_toy(toy_files);
}

static void includes(void **state)
{
    (void)state;
    static const struct {
        const char *files[9], *entries;
    } cases[] = {
        {{"/d/x.cfg", "include a.cfg\nappend z\nlabel b\nlinux /b\n", "/d/a.cfg", "label a\nlinux a\n", NULL},
         "*a /d/a {z}\nb /b\n"},
        {{"/d/x.cfg", "include /e/a.cfg\nlabel b\nlinux b\n", "/e/a.cfg", "label a\nlinux a\n", NULL},
         "*a /d/a\nb /d/b\n"},
        {{"/d/x.cfg", "menu include ../e/a.cfg The tag\nlabel b\nlinux b\n", "/d/../e/a.cfg", "label a\nlinux a\n",
          "/e/a.cfg", "menu title ^More\nlabel a\nlinux a\n", NULL},
         "> The tag \"More\" ^m\n  *a /d/a\nb /d/b\n"},
        {{"/d/x.cfg", "label b\nlinux b\nlabel c\nmenu label ^Other\nconfig /e/a.cfg /e\nlabel d\n", "/e/a.cfg",
          "append y\ndefault a2\nlabel a1\nlinux a\nlabel a2\nconfig /d/x.cfg\n", NULL},
         "*b /d/b\n> c \"Other\" ^o\n  a1 /e/a {y}\n  a2 !it reads /d/x.cfg, which has nothing else to boot\nd /d/d\n"},
        {{"/d/x.cfg", "ui vesamenu.c32 a.cfg\nlabel b\nlinux b\n", "/d/a.cfg", "label a\nlinux a\nmenu default\n",
          NULL}, "b /d/b\n*a /d/a\n"},
        {{"/d/x.cfg", "ui vesamenu.c32 a.cfg ~ b.cfg none.cfg\nappend y\n", "/d/a.cfg", "label a\nlinux a\n",
          "/d/b.cfg", "append z\nlabel b\nlinux b\nmenu default\n", NULL},
         "a /d/a {z}\n*b /d/b {y}\n"}, /* as if in one file */
        {{"/d/x.cfg", "label b\nlinux b\nlabel c\nkernel menu.c32\nappend a.cfg /e/b.cfg\n", "/d/a.cfg",
          "label a\nlinux a\n", "/e/b.cfg", "label b\nlinux b\nmenu default\n", NULL},
         "*b /d/b\n> c\n  a /d/a\n  b /d/b\n"},
        {{"/d/x.cfg", "default k y\nlabel b\nlinux b\n", "/d/k", "x", NULL}, "b /d/b\n*k /d/k {y}\n"},
        {{"/d/x.cfg", "default /boot/k\nlabel b\nlinux b\n", "/boot/k", "x", NULL}, "b /d/b\n*/boot/k /boot/k\n"},
        {{"/d/x.cfg", "ui vesamenu.c32 x.cfg\nlabel b\nlinux b\n", NULL}, "*b /d/b\n"},
        {{"/d/x.cfg", "label b\nlinux b\nlabel c\nkernel menu.c32\nappend a.cfg\nlabel m\nkernel menu.c32\n"
          "append ~\n", "/d/a.cfg", "label a\nlinux a\n", NULL}, "*b /d/b\n> c\n  a /d/a\n"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        parse_files(cases[i].files);
        expect_entries(cases[i].files[1], cases[i].entries);
        assert_int_equal(config.problems, 0);
    }
}

/* Files that include one another, and ever more of them. */
static void includes_come_to_an_end(void **state)
{
    (void)state;
    static const char *const ring[] = {"/d/x", "include a\ninclude b\n" AB, "/d/a", "include b\ninclude x\n", "/d/b",
                                       "include a\nlabel c\nconfig a\n", NULL};
    parse_files(ring);
    assert_true(config.problems > 0);
    assert_string_equal(config.entry[config.entry_count - 1]->id, "b");
    static char text[5][200], names[20][8];
    const char *many[2 * 16u + 1];
    for (u32 i = 0; i < 16u; i++) {
        format_text(names[i], 8, "/d/%c", (char)('a' + i));
        many[2 * i] = names[i];
        many[2 * i + 1] = text[0];
    }
    many[2 * 16u] = NULL;
    u32 n = 0;
    for (u32 i = 0; i < 16u; i++)
        n += format_text(text[0] + n, sizeof text[0] - n, "include %c\n", (char)('a' + i));
    parse_files(many);
    assert_true(config.problems > PROBLEMS_SHOWN); /* 16^16 files, if nobody counted them */
}

/* ---- what distributions write ------------------------------------------------------------------------------------ */

static void alpine(void **state)
{
    (void)state;
    static const char *const files[] = {
        "/boot/extlinux.conf",
        "# Generated by update-extlinux 6.04_pre1-r15\n"
        "DEFAULT menu.c32\nPROMPT 0\nMENU TITLE Alpine/Linux Boot Menu\nMENU HIDDEN\nMENU AUTOBOOT Alpine will "
        "be booted "
        "automatically in # seconds.\nTIMEOUT 10\nLABEL virt\n  MENU DEFAULT\n  MENU LABEL Linux virt\n  LINUX "
        "vmlinuz-virt\n"
        "  INITRD initramfs-virt\n  APPEND root=UUID=f modules=sd-mod,usb-storage,ext4 quiet rootfstype=ext4\n\n"
        "MENU SEPARATOR\n", NULL};
    parse_files(files);
    expect_entries(files[1], "*virt \"Linux virt\" /boot/vmlinuz-virt +/boot/initramfs-virt {root=UUID=f "
                   "modules=sd-mod,usb-storage,ext4 quiet rootfstype=ext4}\n---\n");
    assert_int_equal(config.timeout, 1);
    assert_true(config.hidden);
    assert_int_equal(config.problems, 0);
}

static void nixos(void **state)
{
    (void)state;
    static const char *const files[] = {
        "/boot/extlinux/extlinux.conf",
        "# Generated file, all changes will be lost on nixos-rebuild!\n\n# Change this to e.g. nixos-42 to temporarily "
        "boot to an older configuration.\nDEFAULT nixos-default\n\nMENU TITLE "
        "------------------------------------------"
        "------------------\nTIMEOUT -1\n\nLABEL nixos-default\n  MENU LABEL NixOS - Default\n"
        "  LINUX ../nixos/abc-linux-6.1-bzImage\n  INITRD ../nixos/def-initrd\n"
        "  APPEND init=/nix/store/x/init loglevel=4\n  FDTDIR ../nixos/dtbs\n\nLABEL nixos-2-default\n"
        "  MENU LABEL NixOS - Configuration 2-default (2024-01-01 12:00 - 23.11)\n  LINUX ../nixos/old\n", NULL};
    parse_files(files);
    expect_entries(files[1], "*nixos-default \"NixOS - Default\" /boot/extlinux/../nixos/abc-linux-6.1-bzImage "
                   "+/boot/extlinux/../nixos/def-initrd {init=/nix/store/x/init loglevel=4}\n"
                   "nixos-2-default \"NixOS - Configuration 2-default (2024-01-01 12:00 - 23.11)\" "
                   "/boot/extlinux/../nixos/old\n");
    assert_int_equal(config.timeout, 0);
    assert_int_equal(config.problems, 0);
}

static void void_linux(void **state)
{
    (void)state;
    static const char *const files[] = {
        "/boot/isolinux/isolinux.cfg",
        "UI vesamenu.c32\nPROMPT 0\nTIMEOUT 100\nONTIMEOUT linux\n\nMENU TABMSG Press ENTER to boot or TAB to "
        "edit a menu "
        "entry\nMENU AUTOBOOT BIOS default device boot in # second{,s}...\nMENU BACKGROUND splash.png\nMENU WIDTH 78\n"
        "MENU COLOR border 30;44 #40ffffff #00000000 std\n\nLABEL linux\nMENU LABEL Void Linux 6.1 ^x86_64\n"
        "KERNEL /boot/vmlinuz\nAPPEND initrd=/boot/initrd root=live:CDLABEL=VOID_LIVE ro init=/sbin/init\n\n"
        "LABEL c\nMENU LABEL Boot ^first HD found by BIOS\nLOCALBOOT 0x80\n", NULL};
    parse_files(files);
    expect_entries(files[1], "*linux \"Void Linux 6.1 x86_64\" ^x /boot/vmlinuz +/boot/initrd {initrd=/boot/initrd "
                   "root=live:CDLABEL=VOID_LIVE ro init=/sbin/init}\nc \"Boot first HD found by BIOS\" ^f "
                   "!it starts the BIOS's next disk\n");
    assert_int_equal(config.timeout, 10);
    assert_ptr_equal(config.timeout_entry, config.entry[0]);
    assert_int_equal(config.problems, 0);
}

static void arch(void **state)
{
    (void)state;
    static const char *const files[] = {
        "/boot/syslinux/syslinux.cfg",
        "DEFAULT select\n\nLABEL select\nCOM32 whichsys.c32\nAPPEND -pxe- pxe -sys- sys -iso- sys\n\nLABEL pxe\n"
        "CONFIG archiso_pxe.cfg\n\nLABEL sys\nCONFIG archiso_sys.cfg\n",
        "/boot/syslinux/archiso_sys.cfg",
        "INCLUDE archiso_head.cfg\n\nDEFAULT arch\nTIMEOUT 150\n\nINCLUDE archiso_sys-linux.cfg\n",
        "/boot/syslinux/archiso_head.cfg", "SERIAL 0 115200\nUI vesamenu.c32\nMENU TITLE Arch Linux\nMENU CLEAR\n",
        "/boot/syslinux/archiso_sys-linux.cfg",
        "LABEL arch\nTEXT HELP\nBoot the Arch Linux install medium on BIOS.\nENDTEXT\nMENU LABEL Arch Linux install "
        "medium (x86_64, BIOS)\nLINUX /arch/boot/x86_64/vmlinuz-linux\nINITRD /arch/boot/intel-ucode.img,"
        "/arch/boot/x86_64/initramfs-linux.img\nAPPEND archisobasedir=arch\n", NULL};
    parse_files(files);
    expect_entries(files[1], "pxe !it reads archiso_pxe.cfg, which has nothing else to boot\n> sys\n"
                   "  *arch \"Arch Linux install medium (x86_64, BIOS)\" /arch/boot/x86_64/vmlinuz-linux "
                   "+/arch/boot/intel-ucode.img,/arch/boot/x86_64/initramfs-linux.img {archisobasedir=arch} "
                   "?Boot the Arch Linux install medium on BIOS.\n");
    assert_int_equal(config.timeout, 15);
    assert_int_equal(config.problems, 0);
}

/* Debian's installer, 12.5, as its ISO has it; the menus of both editions. */
static void debian_installer(void **state)
{
    (void)state;
    static const char *const files[] = {
        "/isolinux/isolinux.cfg",
        "# D-I config version 2.0\n# search path for the c32 support libraries (libcom32, libutil etc.)\npath \n"
        "include menu.cfg\ndefault vesamenu.c32\nprompt 0\ntimeout 0\n",
        "/isolinux/menu.cfg",
        "menu hshift 4\nmenu width 70\n\nmenu title Debian GNU/Linux installer menu (BIOS mode)\ninclude stdmenu.cfg\n"
        "include gtk.cfg\ninclude txt.cfg\nmenu begin advanced\n    menu label ^Advanced options\n\tmenu title "
        "Advanced "
        "options\n\tinclude stdmenu.cfg\n\tlabel mainmenu\n\t\tmenu label ^Back..\n\t\tmenu exit\n\tinclude adgtk.cfg\n"
        "\tinclude adtxt.cfg\nmenu end\nmenu begin dark\n    menu label Accessible ^dark contrast installer menu\n"
        "\tmenu title Accessible dark contrast option\n\tinclude stdmenu.cfg\n\tlabel mainmenu\n\t\tmenu label "
        "^Back..\n"
        "\t\tmenu exit\n\tinclude drk.cfg\n\tmenu begin advanced\n\t    menu label ^Advanced options\n\t\tmenu title "
        "Advanced options\n\t\tlabel mainmenu\n\t\t\tmenu label ^Back..\n\t\t\tmenu exit\n\t\tinclude addrk.cfg\n"
        "\tmenu end\n\tinclude x86drkme.cfg\n\tlabel help\n\t\tmenu label ^Help\n\t\ttext help\n   Display help "
        "screens; "
        "type 'menu' at boot prompt to return to this menu\n\t\tendtext\n\t\tconfig prompt.cfg\nmenu end\n"
        "label help\n\tmenu label ^Help\n\tconfig prompt.cfg\n",
        "/isolinux/stdmenu.cfg", "menu background splash.png\nmenu color title\t* #FFFFFFFF *\nmenu vshift 12\n",
        "/isolinux/txt.cfg", "label install\n\tmenu label ^Install\n\tkernel /install.amd/vmlinuz\n\tappend vga=788 "
        "initrd=/install.amd/initrd.gz --- quiet \n",
        "/isolinux/adtxt.cfg", "label expert\n\tmenu label E^xpert install\n\tkernel /install.amd/vmlinuz\n\tappend "
        "priority=low initrd=/install.amd/initrd.gz --- \n",
        "/isolinux/drk.cfg", "label installdark\ndefault installdark\n\tmenu label ^Install\n\tmenu default\n\tkernel "
        "/install.amd/vmlinuz\n\tappend initrd=/install.amd/initrd.gz theme=dark --- quiet \n",
        "/isolinux/prompt.cfg", "prompt 1\ndisplay f1.txt\ntimeout 0\ninclude menu.cfg\ninclude exithelp.cfg\n\n"
        "f1 f1.txt\nf10 f10.txt\n",
        "/isolinux/exithelp.cfg", "label menu\n\tkernel vesamenu.c32\n\tconfig isolinux.cfg\n", NULL};
    parse_files(files);
    expect_entries(files[0],
        "*install \"Install\" ^i /install.amd/vmlinuz +/install.amd/initrd.gz {vga=788 initrd=/install.amd/initrd.gz "
        "--- quiet}\n"
        "> advanced \"Advanced options\" ^a\n"
        "  expert \"Expert install\" ^x /install.amd/vmlinuz +/install.amd/initrd.gz {priority=low "
        "initrd=/install.amd/initrd.gz ---}\n"
        "> dark \"Accessible dark contrast installer menu\" ^d\n"
        "  installdark \"Install\" ^i /install.amd/vmlinuz +/install.amd/initrd.gz {initrd=/install.amd/initrd.gz "
        "theme=dark --- quiet}\n"
        "  > advanced \"Advanced options\" ^a\n"
        "  help \"Help\" ^h !it reads prompt.cfg, which has nothing else to boot\n"
        "help \"Help\" ^h !it reads prompt.cfg, which has nothing else to boot\n");
    assert_int_equal(config.timeout, TIMEOUT_NONE);
    assert_string_equal(config.title, "Debian GNU/Linux installer menu (BIOS mode)");
    assert_int_equal(config.problems, 0);
}

static void fedora_installer(void **state)
{
    (void)state;
    static const char *const files[] = {
        "/isolinux/isolinux.cfg",
        "default vesamenu.c32\ntimeout 600\n\ndisplay boot.msg\n\n# Clear the screen when exiting the menu, instead of "
        "leaving the menu displayed.\nmenu clear\nmenu background splash.png\nmenu title Fedora 36\nmenu vshift 8\n"
        "menu color border * #ffffffff #ee000000 std\nmenu tabmsg Press Tab for full configuration options on menu "
        "items.\n\nmenu separator # insert an empty line\nmenu separator # insert an empty line\n\nlabel linux\n"
        "  menu label ^Install Fedora 36\n  kernel vmlinuz\n  append initrd=initrd.img inst.stage2=hd:LABEL=F quiet\n\n"
        "label check\n  menu label Test this ^media & install Fedora 36\n  menu default\n  kernel vmlinuz\n  append "
        "initrd=initrd.img rd.live.check quiet\n\nmenu separator # insert an empty line\n\n# utilities submenu\n"
        "menu begin ^Troubleshooting\n  menu title Troubleshooting Fedora 36\n\nlabel basic\n  menu indent count 5\n"
        "  menu label Install using ^basic graphics mode\n  text help\n\tTry this option out if you're having trouble "
        "installing\n\tFedora 36.\n  endtext\n  kernel vmlinuz\n  append initrd=initrd.img nomodeset\n\nlabel memtest\n"
        "  menu label Run a ^memory test\n  kernel memtest\n\nmenu separator # insert an empty line\n\nlabel local\n"
        "  menu label Boot from ^local drive\n  localboot 0xffff\n\nmenu separator # insert an empty line\n\n"
        "label returntomain\n  menu label Return to ^main menu\n  menu exit\n\nmenu end\n", NULL};
    parse_files(files);
    expect_entries(files[0],
        "---\n---\n"
        "linux \"Install Fedora 36\" ^i /isolinux/vmlinuz +/isolinux/initrd.img {initrd=initrd.img "
        "inst.stage2=hd:LABEL=F quiet}\n"
        "*check \"Test this media & install Fedora 36\" ^m /isolinux/vmlinuz +/isolinux/initrd.img {initrd=initrd.img "
        "rd.live.check quiet}\n"
        "---\n"
        "> Troubleshooting \"Troubleshooting Fedora 36\" ^t\n"
        "  basic \"Install using basic graphics mode\" ^b /isolinux/vmlinuz +/isolinux/initrd.img {initrd=initrd.img "
        "nomodeset} ?Try this option out if you're having trouble installing\nFedora 36.\n"
        "  memtest \"Run a memory test\" ^m /isolinux/memtest\n"
        "  ---\n"
        "  local \"Boot from local drive\" ^l !it starts the BIOS's next disk\n"
        "  ---\n");
    assert_int_equal(config.timeout, 60);
    assert_string_equal(config.title, "Fedora 36");
    assert_int_equal(config.problems, 0);
}

/* What u-boot-menu 4.2.2 writes. */
static void debian_u_boot_menu(void **state)
{
    (void)state;
    static const char *const files[] = {
        "/boot/extlinux/extlinux.conf",
        "## /boot/extlinux/extlinux.conf\n##\n## IMPORTANT WARNING\n##\n## The configuration of this file is generated "
        "automatically.\n## Do not edit this file manually, use: u-boot-update\n\ndefault l0\nmenu title U-Boot menu\n"
        "prompt 0\ntimeout 50\n\n\nlabel l0\n\tmenu label Debian GNU/Linux 12 (bookworm) 6.1.0-18-amd64\n\tlinux "
        "/boot/vmlinuz-6.1.0-18-amd64\n\tinitrd /boot/initrd.img-6.1.0-18-amd64\n\t\n\t\n\tappend "
        "root=/dev/vda1 ro quiet\n"
        "\nlabel l0r\n\tmenu label Debian GNU/Linux 12 (bookworm) 6.1.0-18-amd64 (rescue target)\n\tlinux "
        "/boot/vmlinuz-6.1.0-18-amd64\n\tinitrd /boot/initrd.img-6.1.0-18-amd64\n\tfdtdir /usr/lib/linux-image-6.1/\n"
        "\tappend root=/dev/vda1 ro single\n\t\n", NULL};
    parse_files(files);
    expect_entries(files[1],
        "*l0 \"Debian GNU/Linux 12 (bookworm) 6.1.0-18-amd64\" /boot/vmlinuz-6.1.0-18-amd64 "
        "+/boot/initrd.img-6.1.0-18-amd64 {root=/dev/vda1 ro quiet}\n"
        "l0r \"Debian GNU/Linux 12 (bookworm) 6.1.0-18-amd64 (rescue target)\" /boot/vmlinuz-6.1.0-18-amd64 "
        "+/boot/initrd.img-6.1.0-18-amd64 {root=/dev/vda1 ro single}\n");
    assert_int_equal(config.timeout, 5);
    assert_int_equal(config.problems, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels),
        cmocka_unit_test(what_a_label_starts),
        cmocka_unit_test(paths_of_dos),
        cmocka_unit_test(timeouts),
        cmocka_unit_test(defaults),
        cmocka_unit_test(other_settings),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(bytes_that_are_no_text),
        cmocka_unit_test(includes),
        cmocka_unit_test(includes_come_to_an_end),
        cmocka_unit_test(alpine),
        cmocka_unit_test(nixos),
        cmocka_unit_test(void_linux),
        cmocka_unit_test(arch),
        cmocka_unit_test(debian_installer),
        cmocka_unit_test(fedora_installer),
        cmocka_unit_test(debian_u_boot_menu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
