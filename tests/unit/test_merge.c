/* test_merge.c: several configs become one (shim/config.c): all dialects of the first volume, then the other volumes.
 *
 * The real dialects read volumes whose files stand in a table.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "host.h"

#include "config.h"
#include "expect.h"
#include "toy.h"

static struct config config;
static struct arguments arguments;
static struct boot_info boot;

static void begin(const struct toy *files)
{
    toy_machine(files);
    toy_volumes.volume[1]->ids.label[0] = 0;
    memset(&config, 0, sizeof config);
    memset(&boot, 0, sizeof boot);
    boot.loader = "GRUB 2.06";
    arguments = (struct arguments){.timeout = TIMEOUT_UNSET};
    log_level = LOG_NORMAL;
}

static void read_begun(void)
{
    config_read(&config, &toy_volumes, &boot, &arguments);
    assert_string_equal(error_text(), "");
}

static void read_config(const struct toy *files)
{
    begin(files);
    read_begun();
}

static u32 depth(const struct boot_entry *entry)
{
    return entry->parent ? 1 + depth(entry->parent) : 0;
}

/* The rows: ids; '>' per submenu they are in, "[x]" a submenu, "# x" a heading, "--" a separator, "!" behind what is
 * disabled, "*" behind the default. */
static void expect_rows(const char *expected)
{
    char rows[4000] = "";
    for (u32 i = 0; i < config.entry_count; i++) {
        const struct boot_entry *e = config.entry[i];
        static const char *const forms[] = {"%s", "[%s]", "# %s", "--"};
        u32 used = (u32)strlen(rows);
        used += (u32)snprintf(rows + used, sizeof rows - used, "%s%.*s", i ? ", " : "", (int)depth(e), ">>>>>>>>");
        const char *name = e->kind == ENTRY_HEADING ? e->title : e->id;
        used += format_text(rows + used, (u32)sizeof rows - used, forms[e->kind], name);
        snprintf(rows + used, sizeof rows - used, "%s%s", e->disabled ? "!" : "",
                 e == config.default_entry ? "*" : "");
    }
    if (strcmp(rows, expected))
        FAILED("rows: %s\nexpected: %s\n%s", rows, expected, host_log());
}

static u32 times_said(const char *sentence)
{
    u32 count = 0;
    for (const char *at = host_log(); (at = strstr(at, sentence)); at++)
        count++;
    return count;
}

#define F(volume, path, content) {volume, path, content, 0, false}
#define K(volume, path) F(volume, path, "kernel")
#define LINUX(title, kernel) "menuentry '" title "' --id '" title "' {\n linux " kernel " ro\n initrd /i\n}\n"

/* ---- one volume -------------------------------------------------------------------------------------------------- */

static void ours_is_alone(void **state)
{
    (void)state;
    static const struct toy files[] = {
        K(1, "/k"), K(1, "/i"), K(2, "/k"), K(2, "/i"),
        F(1, "/boot/shim.cfg", "entry own\n linux /missing\n"),
        F(1, "/boot/grub/grub.cfg", LINUX("a", "/k")),
        F(2, "/boot/grub/grub.cfg", LINUX("b", "/k")),
        {0},
    };
    read_config(files);
    expect_rows("own"); /* and what is missing shows when it is booted */
    assert_string_equal(host_log(), "shim: config (vda1)/boot/shim.cfg: 1 entry\n");
}

static void all_dialects_of_the_first(void **state)
{
    (void)state;
    static const struct toy files[] = {
        K(1, "/k"), K(1, "/i"), K(1, "/k2"),
        F(1, "/loader/entries/m-1.conf", "title One\nlinux /k\ninitrd /i\noptions ro\n"),
        F(1, "/loader/entries/m-2.conf", "title Two\nlinux /k2\n"),
        F(1, "/extlinux/extlinux.conf",
          "MENU TITLE of extlinux\nTIMEOUT 70\nLABEL l0\n LINUX /k\n INITRD /i\n APPEND ro\n"
          "LABEL l1\n LINUX /k\n APPEND single\n"),
        F(1, "/boot/grub/grub.cfg",
          "default=same\ntimeout=9\ntimeout_style=hidden\nmenuentry T --id same { linux /k ro\n initrd /i\n}\n"
          "submenu S --id gone { menuentry U --id u { linux /k2 ; } }\n"
          "submenu More --id more { menuentry V --id v { linux /k2 debug ; } }\n"),
        F(2, "/boot/grub/grub.cfg", "default=b\ntimeout=1\n" LINUX("b", "/k")),
        K(2, "/k"), K(2, "/i"),
        {0},
    };
    read_config(files);
    expect_rows("m-2, m-1*, l1, [more], >v, # vda2: toy, b");
    assert_int_equal(config.timeout, 7);
    assert_false(config.hidden);
    assert_string_equal(config.title, "of extlinux");
    assert_string_equal(config.name, "(vda1)/loader/entries");
    assert_ptr_equal(config.home, toy_volumes.volume[0]);
    assert_string_equal(host_log(), "shim: config (vda1)/loader/entries: 2 entries\n"
                                    "shim: config (vda1)/extlinux/extlinux.conf: 2 entries\n"
                                    "shim: config (vda1)/boot/grub/grub.cfg: 3 entries\n"
                                    "shim: config (vda2)/boot/grub/grub.cfg: 1 entry\n");
}

/* Fedora's: the same files, of which GRUB's config only says that they are to be read. */
static void entries_by_blscfg(void **state)
{
    (void)state;
    static const struct toy files[] = {
        K(1, "/k1"), K(1, "/k2"),
        F(1, "/loader/entries/m-1.conf", "title One\nlinux /k1\noptions ro $kernelopts\n"),
        F(1, "/loader/entries/m-2.conf", "title Two\nlinux /k2\n"),
        F(1, "/grub2/grub.cfg", "set kernelopts=quiet\nset default=m-1\nset timeout=3\nblscfg\n"
                                "menuentry 'UEFI Firmware Settings' --id uefi { fwsetup\n}\n"),
        {0},
    };
    read_config(files);
    expect_rows("m-2, m-1*, uefi!");
    assert_int_equal(config.timeout, 3);
}

/* A live CD's: isolinux.cfg has the initrd among the options, grub.cfg has not. */
static void initrds_among_the_options(void **state)
{
    (void)state;
    static const struct toy files[] = {
        K(1, "/k"), K(1, "/i"),
        F(1, "/isolinux/isolinux.cfg",
          "ui menu.c32\nlabel live\nkernel /k\nappend boot=live initrd=/i  components --- quiet \n"
          "label more\nkernel /k\nappend initrd=/i boot=live components --- quiet x\n"),
        F(1, "/boot/grub/grub.cfg",
          "menuentry A --id a {\n linux /k boot=live components --- quiet\n initrd /i\n}\n"
          "menuentry B --id b {\n linux /k boot=live components --- quie\n initrd /i\n}\n"
          "menuentry C --id c {\n linux /k boot=live components --- quiet x y\n initrd /i\n}\n"),
        {0},
    };
    read_config(files);
    expect_rows("live*, more, b, c");
}

/* In $blsdir, or where an argument says (GRUB 2.14's --path); where that is nowhere, in the usual places. */
static void entries_elsewhere(void **state)
{
    (void)state;
    static const char *const scripts[] = {
        "blscfg --path /x\n", "blscfg -d -p ($root)/x\n", "blscfg --path=/x --enable-fallback\n", "blscfg (hd0,1)/x\n",
        "set blsdir=/x\nblscfg\n", "blscfg\n", "blscfg non-default\n", "blscfg -f -p /none\n",
    };
    for (u32 i = 0; i < ARRAY_COUNT(scripts); i++) {
        const struct toy files[] = {
            K(1, "/k"), F(1, "/loader/entries/usual.conf", "linux /k\n"),
            F(1, "/x/other.conf", "linux /k\noptions x\n"), F(1, "/grub2/grub.cfg", scripts[i]), {0},
        };
        read_config(files);
        expect_rows(i < 5 ? "usual, other" : "usual");
        assert_int_equal(times_said("error"), 0);
    }
}

/* ---- several volumes --------------------------------------------------------------------------------------------- */

static void a_heading_for_each_volume(void **state)
{
    (void)state;
    static const struct toy files[] = {
        K(1, "/k"), K(1, "/i"), K(2, "/k"), K(2, "/i"), K(3, "/k"), K(3, "/i"),
        F(1, "/boot/grub/grub.cfg", LINUX("a", "/k")),
        F(2, "/loader/entries/x.conf", "linux /k\ninitrd /i\noptions ro\n"),
        F(2, "/loader/loader.conf", "default x\ntimeout 3\neditor no\n"),
        F(2, "/extlinux/extlinux.conf", "MENU TITLE No\nDEFAULT l\nTIMEOUT 70\nLABEL l\n LINUX /k\n"),
        F(2, "/boot/grub/grub.cfg", LINUX("b", "/k")), /* x */
        F(3, "/shim.cfg", "default own\ntimeout 0\nentry own\n linux /missing\n"),
        F(3, "/boot/grub/grub.cfg", LINUX("c", "/k")),
        {0},
    };
    read_config(files);
    expect_rows("a, # vda2: toy, x, l, # vda3: toy, own");
    assert_null(config.default_entry);
    assert_null(config.title);
    assert_int_equal(config.timeout, TIMEOUT_UNSET);
    assert_true(config.locked);
    assert_int_equal(times_said("shim: config "), 4);
    begin(files);
    memcpy(toy_volumes.volume[1]->ids.label, "root", 5);
    read_begun();
    expect_rows("a, # vda2: toy \"root\", x, l, # vda3: toy, own");
    begin(files);
    arguments.volume = text_of("vda2");
    read_begun();
    expect_rows("x*, l");
    assert_int_equal(config.timeout, 3);
    begin(files);
    arguments.volume = text_of("vda3");
    read_begun();
    expect_rows("own*");
}

static void boot_partition_and_esp(void **state)
{
    (void)state;
    static const struct toy files[] = {
        K(1, "/k"), K(2, "/k"), K(2, "/j"),
        F(1, "/loader/loader.conf", "default b*\neditor no\n"),
        F(1, "/loader/entries/a.conf", "linux /k\n"),
        F(2, "/loader/entries/b.conf", "linux /k\n"),
        F(2, "/loader/entries/c.conf", "linux /gone\n"),
        F(2, "/loader/entries/d.conf", "title D\n"),
        {0},
    };
    for (u32 i = 0; i < 2; i++) {
        begin(files);
        toy_volumes.volume[0]->role = ROLE_ESP;
        toy_volumes.volume[1]->role = ROLE_XBOOTLDR;
        struct volume *first = toy_volumes.volume[i];
        toy_volumes.volume[1] = toy_volumes.volume[!i];
        toy_volumes.volume[0] = first;
        read_begun();
        expect_rows("d!, c!, b*, a");
        assert_true(config.locked);
        assert_int_equal(times_said("shim: config "), 1);
        assert_int_equal(times_said("d.conf"), 1);
    }
}

/* Debian's: what the ESP has leads to the whole config. */
static void a_config_that_leads_to_another(void **state)
{
    (void)state;
    static const struct toy files[] = {
        K(2, "/k"), K(2, "/i"),
        F(1, "/EFI/debian/grub.cfg", "search.file /mark root\nset prefix=($root)/boot/grub\n"
                                     "configfile $prefix/grub.cfg\n"),
        F(2, "/mark", ""),
        F(2, "/boot/grub/grub.cfg", "default=0\ntimeout=4\n" LINUX("a", "/k")
          "submenu S --id s {\n" LINUX("b", "/gone") "}\nmenuentry Windows --id win { chainloader +1\n}\n"),
        {0},
    };
    read_config(files);
    expect_rows("a*, [s], win!, >b!");
    assert_int_equal(config.timeout, 4);
    assert_int_equal(times_said("shim: config "), 1);
}

/* Nothing of vda1 can be booted, or nothing is there at all: vda2 has the say. */
static void volumes_where_nothing_can_be_booted(void **state)
{
    (void)state;
    static const struct toy files[] = {
        F(1, "/boot/grub/grub.cfg", "default=a\ntimeout=0\n" LINUX("a", "/k")),
        K(2, "/k"), K(2, "/i"),
        F(2, "/boot/grub/grub.cfg", "default=b\ntimeout=8\n" LINUX("b", "/k")),
        {0},
    }, empty[] = {
        F(1, "/boot/grub/grub.cfg", "default=a\ntimeout=0\nsubmenu S { true\n}\n"),
        K(2, "/k"), K(2, "/i"),
        F(2, "/boot/grub/grub.cfg", "default=b\ntimeout=8\n" LINUX("b", "/k")),
        {0},
    }, two_empty[] = {
        F(1, "/boot/grub/grub.cfg", "timeout=0\n"),
        F(1, "/extlinux/extlinux.conf", "TIMEOUT 1\n"),
        F(2, "/x", ""),
        {0},
    }, ours[] = {
        F(1, "/boot/grub/grub.cfg", LINUX("a", "/k")),
        F(2, "/shim.cfg", "entry own\n linux /k\n"),
        {0},
    }, none[] = {
        F(1, "/boot/grub/grub.cfg", "default=a\ntimeout=2\n" LINUX("a", "/k")),
        F(2, "/boot/grub/grub.cfg", "default=b\ntimeout=8\n" LINUX("b", "/k")),
        {0},
    };
    read_config(files);
    expect_rows("b*, # vda1: toy, a!");
    assert_int_equal(config.timeout, 8);
    assert_string_equal(config.name, "(vda2)/boot/grub/grub.cfg");
    read_config(empty);
    expect_rows("b*");
    assert_int_equal(config.timeout, 8);
    assert_string_equal(host_log(), "shim: config (vda2)/boot/grub/grub.cfg: 1 entry\n");
    begin(two_empty);
    toy_volumes.volume[0]->reason = "a table that is damaged"; /* beside which it is a filesystem */
    toy_volumes.volume[1]->reason = "the same";
    read_begun();
    expect_log("shim: error: nothing to boot on vda1: no entry in /extlinux/extlinux.conf, /boot/grub/grub.cfg\n"
               "shim: error: nothing to boot on vda2: no config (looked for /shim.cfg");
    read_config(ours);
    expect_rows("own");
    read_config(none);
    expect_rows("a!*, # vda2: toy, b!");
    assert_int_equal(config.timeout, 2);
    begin(files);
    arguments.volume = text_of("vda1");
    read_begun();
    expect_rows("a!*");
    begin(empty);
    arguments.volume = text_of("vda1");
    arguments.default_id = text_of("x");
    read_begun();
    assert_int_equal(config.entry_count, 0);
    expect_log("shim: error: nothing to boot on vda1: no entry in /boot/grub/grub.cfg\n");
}

static char *many(u32 first, u32 count, const char *kernel)
{
    char *text = malloc(count * 100 + 100);
    u32 used = (u32)sprintf(text, "DEFAULT e%u\nTIMEOUT 30\n", first + count - 1);
    for (u32 i = first; i < first + count; i++)
        used += (u32)sprintf(text + used, "LABEL e%u\n LINUX %s\n APPEND n=%u\n", i, kernel, i);
    return text;
}

static void too_many_entries(void **state)
{
    (void)state;
    static const struct {
        u32 first, more, rows;
        bool heading, cut;
    } cases[] = {
        {511, 1, 511, false, true}, {510, 1, 512, true, false}, {512, 1, 512, false, true},
        {300, 300, 512, true, true}, {510, 2, 512, true, true},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        char *one = many(0, cases[i].first, "/k"), *two = many(0, cases[i].more, "/k");
        const struct toy files[] = {K(1, "/k"), K(2, "/k"), F(1, "/extlinux.conf", one), F(2, "/extlinux.conf", two),
                                    {0}};
        read_config(files);
        assert_int_equal(config.entry_count, cases[i].rows);
        assert_int_equal(times_said("(vda2)/extlinux.conf: more than 512 entries; the rest is left out"), cases[i].cut);
        assert_string_equal(config.default_entry->id, format_copy("e%u", cases[i].first - 1));
        u32 headings = 0;
        for (u32 e = 0; e < config.entry_count; e++)
            headings += config.entry[e]->kind == ENTRY_HEADING;
        assert_int_equal(headings, cases[i].heading);
        assert_int_equal(config.entry[config.entry_count - 1]->kind, ENTRY_BOOT);
        free(one);
        free(two);
    }
    /* a default that found no room is none */
    char *one = many(0, 500, "/gone");
    const struct toy files[] = {
        K(1, "/k"), K(1, "/l"), F(1, "/extlinux.conf", one),
        F(1, "/grub.cfg", "default=z\nfor i in 1 2 3 4 5 6 7 8 9 10 11 12; do\n"
                          "menuentry $i --id $i { linux /l x\n}\ndone\n"
                          "menuentry z --id z { linux /l y\n}\n"),
        {0},
    };
    read_config(files);
    assert_int_equal(config.entry_count, 512);
    assert_string_equal(config.default_entry->id, "e499");
    free(one);
}

/* ---- defaults ---------------------------------------------------------------------------------------------------- */

static void defaults_that_are_missing(void **state)
{
    (void)state;
    static const struct toy files[] = {
        K(1, "/k"), K(1, "/i"),
        F(1, "/extlinux.conf", "DEFAULT old\nTIMEOUT 10\nLABEL new\n LINUX /k\nLABEL old\n LINUX /gone\n"),
        F(1, "/boot/grub/grub.cfg", "default=g\nfallback=f\n" LINUX("f", "/gone") LINUX("g", "/k")),
        {0},
    }, alone[] = {
        K(1, "/k"),
        F(1, "/extlinux.conf", "DEFAULT old\nTIMEOUT 10\nONTIMEOUT old x\nONERROR old y\n"
                               "LABEL new\n LINUX /k\n INITRD /i\nLABEL old\n LINUX /gone\n"),
        F(2, "/extlinux.conf", "LABEL x\n LINUX /extlinux.conf\n"),
        {0},
    };
    read_config(files);
    expect_rows("new, old!, f!, g*"); /* the next dialect's, when that can be booted */
    assert_string_equal(config.fallback_entry->id, "f");
    begin(alone);
    arguments.volume = text_of("vda1");
    read_begun();
    expect_rows("new!, old!*");
    assert_string_equal(config.entry[0]->disabled, "(vda1)/i: no such file (\"i\" is missing)");
    assert_string_equal(config.entry[1]->disabled, "(vda1)/gone: no such file (\"gone\" is missing)");
    if (!config.timeout_entry || !config.timeout_entry->disabled)
        FAILED("ONTIMEOUT's kernel is missing");
    if (!config.fallback_entry || !config.fallback_entry->disabled)
        FAILED("ONERROR's kernel is missing");
    begin(alone);
    arguments.volume = text_of("vda1");
    arguments.default_id = text_of("new");
    read_begun();
    assert_string_equal(config.default_entry->id, "new");
    assert_null(config.timeout_entry); /* what the command line names is what is booted at the end, too */
}

static void defaults_by_name(void **state)
{
    (void)state;
    static const struct toy files[] = {
        K(1, "/k"), K(1, "/i"),
        F(1, "/boot/grub/grub.cfg",
          "default=a\ntimeout=8\n"
          "submenu Ubuntu --id sub {\n" LINUX("Ubuntu", "/k") "submenu 'x > y' --id deep {\n" LINUX("p>q", "/k") "} }\n"
          LINUX("a", "/k") LINUX("b > c", "/k")),
        F(2, "/loader/entries/other.conf", "linux /boot/grub/grub.cfg\n"), F(2, "/boot/grub/grub.cfg", ""),
        {0},
    };
    static const struct {
        const char *name, *id;
    } cases[] = {
        {"a", "a"}, {"b > c", "b > c"}, {"Ubuntu", "Ubuntu"}, {"sub>Ubuntu", "Ubuntu"}, {"Ubuntu>Ubuntu", "Ubuntu"},
        {"p>q", "p>q"}, {"sub>deep>p>q", "p>q"}, {"Ubuntu>deep>p>q", "p>q"}, {"other", "other"},
        {"other.conf", "other"}, {"other.efi", "other"}, {".conf", NULL}, {".efi", NULL}, {"other.con", NULL},
        {"sub", NULL}, {"deep>p>q", NULL}, {"sub>", NULL}, {">a", NULL}, {"a>", NULL}, {"a>a", NULL}, {">", NULL},
        {"sub>a", NULL}, {"# vda2: toy", NULL}, {"vda2: toy", NULL}, {"A", NULL},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        begin(files);
        arguments.default_id = text_of(cases[i].name);
        read_begun();
        assert_int_equal(times_said("there is no such entry; there are a, b > c, Ubuntu, p>q, other\n"), !cases[i].id);
        if (strcmp(config.default_entry->id, cases[i].id ? cases[i].id : "a"))
            FAILED("%s: %s", cases[i].name, config.default_entry->id);
    }
}

/* ---- what is asked for ------------------------------------------------------------------------------------------- */

static void configs_that_are_asked_for(void **state)
{
    (void)state;
    static const struct toy files[] = {
        K(2, "/k"), K(2, "/i"),
        F(1, "/shim.cfg", "entry own\n linux /k\n"),
        F(2, "/boot/grub/grub.cfg", "default=b\n" LINUX("a", "/k") LINUX("b", "/gone") "submenu S { true\n}\n"),
        F(2, "/saved/GRUB.CFG", LINUX("c", "/k")),
        F(2, "/saved/syslinux.cfg", "LABEL l\n LINUX /k\n"),
        F(2, "/loader/entries/x.conf", "linux /k\n"),
        F(2, "/saved/loader/entries/y.conf", "linux /k\n"),
        F(2, "/mine", "entry m\n linux /gone\n"),
        {0},
    };
    static const struct {
        const char *config, *rows;
    } cases[] = {
        {"(vda2)/boot/grub/grub.cfg", "a, b!*"},
        {"/boot/grub/grub.cfg", "a, b!*"},
        {"boot/grub/grub.cfg", "a, b!*"},
        {"(vda2)/saved/GRUB.CFG", "c"},
        {"/saved/syslinux.cfg", "l*"},
        {"/loader/entries", "x"},
        {"/saved/loader/entries", "y"},
        {"/mine", "m"},
        {"/saved", ""},
        {"/none", ""},
        {"(vda2)", ""},
        {"/", ""},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        begin(files);
        arguments.config = text_of(cases[i].config);
        read_begun();
        expect_rows(cases[i].rows);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ours_is_alone),
        cmocka_unit_test(all_dialects_of_the_first),
        cmocka_unit_test(entries_by_blscfg),
        cmocka_unit_test(initrds_among_the_options),
        cmocka_unit_test(entries_elsewhere),
        cmocka_unit_test(a_heading_for_each_volume),
        cmocka_unit_test(boot_partition_and_esp),
        cmocka_unit_test(a_config_that_leads_to_another),
        cmocka_unit_test(volumes_where_nothing_can_be_booted),
        cmocka_unit_test(too_many_entries),
        cmocka_unit_test(defaults_that_are_missing),
        cmocka_unit_test(defaults_by_name),
        cmocka_unit_test(configs_that_are_asked_for),
    };
    return cmocka_run_group_tests_name("merge", tests, NULL, NULL);
}
