/* test_grub.c: grub.cfg: the language as GRUB itself runs it, then menus, devices, limits (config_grub.c, grub_*.c). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "host.h"

#include "bls.h"
#include "expect.h"
#include "grub.h"
#include "grub_cases.h"
#include "grub_script.h"
#include "grub_tree.h"

extern const struct config_dialect config_grub;

static struct config config;
static const struct tree_file no_files[] = {{0, NULL, NULL}};

/* ---- the language ------------------------------------------------------------------------------------------------ */

static struct grub *fresh(void)
{
    static struct config_file file;
    struct grub *g = calloc(1, sizeof *g);
    memset(&config, 0, sizeof config);
    file = (struct config_file){.volumes = &tree_volumes, .name = "(vda1)/grub.cfg"};
    g->config = &config;
    g->of = &file;
    g->name = file.name;
    g->memory = ~0ull;
    g->mute = true;
    return g;
}

static void scripts_mean_what_they_mean_to_grub(void **state)
{
    (void)state;
    u32 wrong = 0;
    for (u32 i = 0; i < ARRAY_COUNT(grub_cases); i++) {
        const struct grub_case *c = &grub_cases[i];
        char script[1024];
        host_reset();
        tree_make(no_files);
        struct grub *g = fresh();
        format_text(script, sizeof script, "%s\n", c->script);
        grub_run_text(g, g->name, text_of(GRUB_CASES_SHOW), 1, false);
        grub_run_text(g, g->name, text_of(script), 1, false);
        const char *result = variable_get(&g->variables, text_of("r"));
        bool unknown = strstr(host_log(), "unknown command");
        if (strcmp(result ? result : "", c->result) || (!c->accepted) != (config.problems && !unknown)) {
            print_error("%s\n  gives \"%s\", expected \"%s\"\n  %s\n", c->script, result ? result : "", c->result,
                        host_log());
            wrong++;
        }
        free(g);
    }
    assert_int_equal(wrong, 0);
}

/* ---- menus ------------------------------------------------------------------------------------------------------- */

#define HOME 1 /* index of vda2 */

/* Read `path` of vda2. */
static void read_menu(const struct tree_file *files, const char *path)
{
    struct config_file file = {.volumes = &tree_volumes, .path = text_of(path)};
    char *bytes;
    host_reset();
    log_level = LOG_NORMAL;
    tree_make(files);
    file.home = tree_volumes.volume[HOME];
    memset(&config, 0, sizeof config);
    config.timeout = TIMEOUT_UNSET;
    assert_int_equal(file_open(file.home, file.path, &file.file), OK);
    assert_int_equal(file_read_all(&file.file, CONFIG_SIZE_MAX, &bytes, &file.text.len), OK);
    file.text.at = bytes;
    file.name = file.file.path;
    assert_int_equal(config_grub.parse(&config, &file), OK);
    assert_string_equal(error_text(), "");
}

static void read_text(const char *text)
{
    const struct tree_file files[] = {{2, "/boot/grub/grub.cfg", text}, {2, "/boot/vmlinuz", "x"}, {0, NULL, NULL}};
    read_menu(files, "/boot/grub/grub.cfg");
}

/* All that matters of entry i, in a line. */
static const char *entry_line(u32 i)
{
    static char line[2000];
    const struct boot_entry *e = config.entry[i];
    u32 n = format_text(line, sizeof line, "%s%s%s", e->parent ? e->parent->id : "", e->parent ? ">" : "", e->title);
    if (e->kind == ENTRY_SUBMENU)
        n += format_text(line + n, (u32)sizeof line - n, " >");
    if (e->kernel)
        n += format_text(line + n, (u32)sizeof line - n, ": (%s)%s %s", e->volume ? e->volume->name : "?", e->kernel,
                         e->options);
    for (u32 k = 0; k < e->initrd_count; k++)
        n += format_text(line + n, (u32)sizeof line - n, " + %.*s", (int)e->initrd[k].path.len, e->initrd[k].path.at);
    if (e->disabled)
        n += format_text(line + n, (u32)sizeof line - n, " ! %s", e->disabled);
    return line;
}

static void expect_entries(const char *const *lines)
{
    u32 i = 0;
    for (; lines[i]; i++) {
        if (i >= config.entry_count)
            FAILED("entry %u is missing: %s\n%s", i, lines[i], host_log());
        assert_string_equal(entry_line(i), lines[i]);
    }
    assert_int_equal(config.entry_count, i);
}

static void an_entry_and_what_it_says(void **state)
{
    (void)state;
    read_text("set timeout=7\nset default=b\n"
              "menuentry 'First' --class os --hotkey=F {\n"
              " linux /boot/vmlinuz root=/dev/vda1 'a b' \"c\\\"d\" e\\\\f\n}\n"
              "menuentry 'Second one' --id b $extra {\n"
              "  linux (hd0,gpt1)/vmlinuz\n  initrd /boot/a.img (hd0,gpt1)/b.img --x (hd1,msdos3)/c.img\n}\n"
              "menuentry third{linux16 vmlinuz;initrd16 a}\n");
    static const char *const lines[] = {
        "First: (vda2)/boot/vmlinuz BOOT_IMAGE=/boot/vmlinuz root=/dev/vda1 \"a b\" c\\\"d e\\\\f",
        "Second one: (vda1)/vmlinuz BOOT_IMAGE=(hd0,gpt1)/vmlinuz + (vda2)/boot/a.img + /b.img + (vdb3)/c.img",
        "third: (vda2)/vmlinuz BOOT_IMAGE=vmlinuz + /a",
        NULL,
    };
    expect_entries(lines);
    assert_string_equal(host_log(), "");
    assert_string_equal(config.entry[0]->id, "First");
    assert_string_equal(config.entry[0]->config, "(vda2)/boot/grub/grub.cfg");
    assert_int_equal(config.entry[0]->line, 3);
    assert_int_equal(config.entry[0]->hotkey, 'f');
    assert_int_equal(config.entry[1]->line, 6);
    assert_string_equal(config.entry[1]->id, "b");
    assert_ptr_equal(config.default_entry, config.entry[1]);
    assert_int_equal(config.timeout, 7);
    assert_false(config.hidden || config.locked);
}

/* GRUB reads a file without carriage returns: a `\\` in front of one is at the end of the line, within a word, too. */
static void written_on_windows(void **state)
{
    (void)state;
    read_text("set a=\"one \\\r\n two\"\r\n"
              "menuentry \"W\" {\r\n\tlinux /boot/vmlinuz \\\r\n  a=$a\\\r\nb 'c\r\nd' \r\n}\r\n");
    static const char *const lines[] = {"W: (vda2)/boot/vmlinuz BOOT_IMAGE=/boot/vmlinuz a=one twob c\nd", NULL};
    expect_entries(lines);
    assert_string_equal(host_log(), "");
}

/* Bodies are run when all of the config has been, each with the same variables. */
static void bodies_are_run_last_and_apart(void **state)
{
    (void)state;
    read_text("set x=early\nfunction load { linux /k \"$1\" x=$x y=$y args=$#; }\n"
              "menuentry 'A a' two { load \"$1\"; set y=1; true ; }\n"
              "menuentry B { load \"$1 $2\"; return; linux /no; }\n"
              "submenu S { set x=inner\n menuentry C { load $1; }\n submenu T { menuentry D { load $1; } }\n }\n"
              "menuentry E { if [ -f /boot/vmlinuz -a ! -e /boot/x ]; then linux /yes; else linux /no; fi }\n"
              "set x=late\n");
    static const char *const lines[] = {
        "A a: (vda2)/k BOOT_IMAGE=/k \"A a\" x=late y= args=1",
        "B: (vda2)/k BOOT_IMAGE=/k \"B \" x=late y= args=1",
        "S >",
        "E: (vda2)/yes BOOT_IMAGE=/yes",
        "S>C: (vda2)/k BOOT_IMAGE=/k C x=inner y= args=1",
        "S>T >",
        "T>D: (vda2)/k BOOT_IMAGE=/k D x=inner y= args=1",
        NULL,
    };
    expect_entries(lines);
    assert_ptr_equal(config.entry[6]->parent, config.entry[5]);
    assert_ptr_equal(config.entry[5]->parent, config.entry[2]);
}

static void what_cannot_be_booted_is_shown(void **state)
{
    (void)state;
    read_text("menuentry W { chainloader +1 }\nmenuentry X { multiboot2 --quirk /xen.gz a; module2 /vmlinuz b; }\n"
              "menuentry U --id u { fwsetup }\nmenuentry R { reboot }\nmenuentry N { true }\n"
              "menuentry L { loopback loop /a.iso; linux (loop)/k; }\nmenuentry M { set root=hd7,gpt1; linux /k; }\n"
              "menuentry I { initrd /i; linux /k; initrd newc:a:/b; }\n");
    static const char *const lines[] = {
        "W ! it starts +1 by `chainloader`, which cannot be done here",
        "X ! it starts /xen.gz by `multiboot2`, which cannot be done here",
        "U ! it starts nothing: `fwsetup`",
        "R ! it starts nothing: `reboot`",
        "N ! it names no kernel",
        "L: (?)(loop)/k BOOT_IMAGE=(loop)/k ! it starts loop by `loopback`, which cannot be done here",
        "M: (?)/k BOOT_IMAGE=/k ! /k: there is no device (hd7,gpt1)",
        "I: (vda2)/k BOOT_IMAGE=/k + /newc:a:/b ! its initrd is to be made of single files (newc:), which is not done "
        "here",
        NULL,
    };
    expect_entries(lines);
    assert_string_equal(host_log(), "");
}

static void passwords_lock(void **state)
{
    (void)state;
    read_text("set superusers=root\npassword_pbkdf2 root grub.pbkdf2\nmenuentry A --unrestricted { linux /a }\n"
              "menuentry B { linux /b }\nmenuentry C --unrestricted --users x { linux /c }\n");
    assert_true(config.locked);
    assert_null(config.entry[0]->disabled);
    assert_string_equal(config.entry[1]->disabled, "it wants a password of GRUB's");
    assert_string_equal(config.entry[2]->disabled, "it wants a password of GRUB's");
}

/* default, fallback, timeout, timeout_style: the menu has A, B and a submenu C of D and E. */
static void what_variables_say_of_the_menu(void **state)
{
    (void)state;
    static const struct {
        const char *set, *entry, *fallback; /* "": none */
        u32 timeout;
        bool hidden;
    } cases[] = {
        {"", "", "", TIMEOUT_UNSET, false},
        {"default=", "", "", TIMEOUT_UNSET, false},
        {"default=0", "A", "", TIMEOUT_UNSET, false},
        {"default=1", "Title > B", "", TIMEOUT_UNSET, false},
        {"default=b", "Title > B", "", TIMEOUT_UNSET, false},
        {"default='Title >> B'", "Title > B", "", TIMEOUT_UNSET, false},
        {"default='Title > B'", "", "", TIMEOUT_UNSET, false},
        {"default=2", "D", "", TIMEOUT_UNSET, false},
        {"default=c", "D", "", TIMEOUT_UNSET, false},
        {"default='2>1'", "E", "", TIMEOUT_UNSET, false},
        {"default='1 '", "Title > B", "", TIMEOUT_UNSET, false},
        {"default=' 2 > 1'", "E", "", TIMEOUT_UNSET, false},
        {"default='Sub>e'", "E", "", TIMEOUT_UNSET, false},
        {"default='c>E'", "E", "", TIMEOUT_UNSET, false},
        {"default='c>nobody'", "D", "", TIMEOUT_UNSET, false},
        {"default='nobody>0'", "", "", TIMEOUT_UNSET, false},
        {"default=D", "", "", TIMEOUT_UNSET, false},
        {"default=3", "", "", TIMEOUT_UNSET, false},
        {"default='b>0'", "Title > B", "", TIMEOUT_UNSET, false},
        {"fallback='9 1'", "", "Title > B", TIMEOUT_UNSET, false},
        {"fallback=", "", "", TIMEOUT_UNSET, false},
        {"timeout=0", "", "", 0, false},
        {"timeout=-1", "", "", TIMEOUT_NONE, false},
        {"timeout=soon", "", "", TIMEOUT_NONE, false},
        {"timeout=", "", "", TIMEOUT_NONE, false},
        {"timeout=10.5", "", "", 10, false},
        {"timeout=99999999999", "", "", TIMEOUT_UNSET - 1, false},
        {"timeout=3; timeout_style=hidden", "", "", 3, true},
        {"timeout=3; timeout_style=countdown", "", "", 3, true},
        {"timeout=3; timeout_style=menu", "", "", 3, false},
        {"timeout=-1; timeout_style=hidden", "", "", TIMEOUT_NONE, false},
        {"timeout_style=hidden", "", "", TIMEOUT_UNSET, false},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        char text[1000];
        format_text(text, sizeof text, "%s\nmenuentry A { linux /a }\nmenuentry 'Title > B' --id=b { linux /b }\n"
                    "submenu Sub --id c { menuentry D { linux /d }\nmenuentry E --id e { linux /e }\n}\n",
                    cases[i].set);
        read_text(text);
        print_message("%s\n", cases[i].set);
        assert_string_equal(config.default_entry ? config.default_entry->title : "", cases[i].entry);
        assert_string_equal(config.fallback_entry ? config.fallback_entry->title : "", cases[i].fallback);
        assert_int_equal(config.timeout, cases[i].timeout);
        assert_int_equal(config.hidden, cases[i].hidden);
        assert_int_equal(config.problems, 0);
    }
}

/* ---- devices ----------------------------------------------------------------------------------------------------- */

/* The script's r, when it is run as vda2's grub.cfg, beside these files. */
static const char *result_of(const char *script)
{
    char text[1000];
    format_text(text, sizeof text, "%s\nmenuentry \"<$r>\" { linux /k }\n", script);
    const struct tree_file files[] = {
        {1, "/vmlinuz", "x"}, {2, "/boot/grub/grub.cfg", text}, {2, "/boot/empty", ""}, {3, "/only/here", "x"},
        {1, "/grub/grubenv", "# GRUB Environment Block\nsaved_entry=a b\nnext=1\n###"},
        {2, "/boot/grub/grubenv", "nothing\n"}, {2, "/boot/grub/set.cfg", "r=$r$1+; menuentry S { linux /s }\n"},
        {2, "/boot/grub/self.cfg", "r=$r-; source $prefix/self.cfg\n"},
        {2, "/boot/grub/bad.cfg", "r=1\nr=2 & r=3\nr=${r}4\n"},
        {2, "/boot/grub/words.cfg", "r=\"$1 $#\"; shift\n"}, {0, NULL, NULL},
    };
    read_menu(files, "/boot/grub/grub.cfg");
    return config.entry[config.entry_count - 1]->title;
}

static void devices_and_files(void **state)
{
    (void)state;
    static const struct {
        const char *script, *result, *says;
    } cases[] = {
        {"r=\"$root $prefix $cmdpath $grub_platform $grub_cpu\"",
         "hd0,gpt2 (hd0,gpt2)/boot/grub (hd0,gpt2)/boot/grub pc i386", ""},
        {"r=\"$config_directory $config_file\"", "(hd0,gpt2)/boot/grub (hd0,gpt2)/boot/grub/grub.cfg", ""},
        {"search --no-floppy --label --set=root boot; r=$root", "hd0,gpt1", ""},
        {"search -l -s root boot; r=$root", "hd0,gpt1", ""},
        {"search --set=r --fs-uuid 00000000-0000-0000-0000-000000000001", "hd0,gpt1", ""},
        {"search --fs-uuid --set=r --hint-bios=hd9 --hint='hd0,gpt2' 00000000-0000-0000-0000-000000000003",
         "hd1,msdos3", ""},
        {"search --hint-new=x --file /only/here --set=r", "hd1,msdos3", ""},
        {"search --set --file /only/here; r=$root", "hd1,msdos3", ""},
        {"search --file --set /only/here; r=$root", "hd1,msdos3", ""},
        {"search.fs_label boot r hd0,gpt9", "hd0,gpt1", ""},
        {"search.fs_uuid 00000000-0000-0000-0000-000000000001 r", "hd0,gpt1", ""},
        {"search.file /only/here r", "hd1,msdos3", ""},
        {"search --part-label part-1 --set r", "hd0,gpt1", ""},
        {"search --label nowhere --set=r; r=\"$?$r\"", "1", ""},
        {"search --set=r boot; r=\"$?$r\"", "1", ""},
        {"if search --label nowhere; then r=1; fi", "", ""},
        {"set root='(hd1,msdos3)'; r=$root; [ -f /only/here ]; r=\"$r $?\"", "hd1,msdos3 0", ""},
        {"[ -f (hd0,1)/vmlinuz ]; r=$?", "0", ""},
        {"[ -f (hd0,gpt1)/vmlinuz ]; r=$?", "0", ""},
        {"[ -f (hd0,msdos1)/vmlinuz ]; r=$?", "1", ""},
        {"[ -f (vda1)/vmlinuz ]; r=$?", "0", ""},
        {"[ -f (hd0,gpt12)/vmlinuz ]; r=$?", "1", ""},
        {"[ -f (hd0)/vmlinuz -o -f (cd)/x -o -f (hd)/x -o -f ()/x -o -f ( -o -f (hd0,x1)/y ]; r=$?", "1", ""},
        {"[ -d /boot -a -d /boot/grub/ -a -e /boot/empty -a -f /boot/empty -a ! -s /boot/empty ]; r=$?", "0", ""},
        {"[ -d /boot/empty -o -f /boot -o -f ($root)/nothing ]; r=$?", "1", ""},
        {"[ -s $prefix/grub.cfg ]; r=$?", "0", ""},
        {"[ /boot/empty -nt /nothing ]; r=$?; [ /nothing -ot /boot/empty ]; r=$r$?", "00", ""},
        {"load_env --file (hd0,gpt1)/grub/grubenv; r=\"$saved_entry/$next/$?\"", "a b/1/0", ""},
        {"load_env -f (hd0,gpt1)/grub/grubenv next; r=\"$saved_entry/$next\"", "/1", ""},
        {"load_env; r=$?", "1", "grub.cfg:1: (vda2)/boot/grub/grubenv: does not begin with"},
        {"load_env -f /nothing; r=$?", "1", ""},
        {"save_env a b; r=$?", "0", ""},
        {"hashsum --check /a; sha256sum /a; smbios -t 1; verify_detached a b; r=$?", "0", ""},
        {"probe --set=r --fs-uuid $root", "00000000-0000-0000-0000-000000000002", ""},
        {"probe -s r -l (hd0,gpt1)", "boot", ""},
        {"probe --fs --set=r $root", "ext2", ""},
        {"probe --part-uuid --set=r $root; probe -p -s m hd1,msdos3; r=\"$r $m\"",
         "11111111-0000-0000-0000-000000000002 msdos", ""},
        {"probe --set=r -u hd9; r=$?", "1", ""},
        {"r=a; source $prefix/set.cfg x; source /boot/grub/set.cfg", "a++", ""},
        {"source $prefix/nothing.cfg; r=$?", "0", ""},
        {"function f { source $prefix/words.cfg; r=\"$r/$1\"; }; f a b; r=\"$r/$?\"", "a 2/b/0", ""},
        {"r=; . $prefix/self.cfg", "-", "self.cfg:1: (vda2)/boot/grub/self.cfg reads itself"},
        {"source $prefix/bad.cfg", "14", "bad.cfg:2: `&`, expected `;` or the end of the line"},
        {"cpuid -l && r=1", "", "grub.cfg:1: `&`, expected `;` or the end of the line"},
        {"if cpuid -l; then r=64; else r=32; fi", "64", ""},
        {"if keystatus --shift; then r=1; else r=2; fi; if sleep --interruptible 1; then r=${r}s; fi", "2s", ""},
        {"nosuch a; nosuch b; other; r=1", "1", "grub.cfg:1: unknown command \"nosuch\"; expected one of GRUB's"},
        {"regexp --set=m '(a*)*b' aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac; r=$?", "1", "it takes too long to find"},
        {"regexp '(a' a; r=$?", "1", "its brackets are not closed"},
        {"regexp '[' a; r=$?", "1", "its brackets are not closed"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        char expected[200];
        format_text(expected, sizeof expected, "<%s>", cases[i].result);
        print_message("%s\n", cases[i].script);
        assert_string_equal(result_of(cases[i].script), expected);
        if (cases[i].says[0])
            expect_log(cases[i].says);
        else
            assert_string_equal(host_log(), "");
    }
    result_of("nosuch a; nosuch b; other; r=1");
    assert_int_equal(config.problems, 2); /* each name once */
}

/* ---- several files ----------------------------------------------------------------------------------------------- */

/* What distributions put onto an ESP leads to the config proper. */
static void configfile_is_followed(void **state)
{
    (void)state;
    static const struct tree_file files[] = {
        {2, "/EFI/debian/grub.cfg",
         "search.fs_uuid 00000000-0000-0000-0000-000000000001 root hd0,gpt1\nset prefix=($root)'/grub'\nset timeout=9\n"
         "set default=1\nconfigfile $prefix/grub.cfg\nmenuentry no { linux /no }\n"},
        {1, "/grub/grub.cfg",
         "if [ -s $prefix/grubenv ]; then load_env; fi\nset default=\"${saved_entry}\"\n"
         "menuentry a { linux /a }\nmenuentry b { linux /b d=$config_directory p=$prefix }\n"
         "menuentry other { configfile (hd1,msdos3)/grub.cfg }\nmenuentry again { configfile $prefix/grub.cfg }\n"
         "menuentry lost { configfile /lost.cfg }\n"
         "source ${config_directory}/custom.cfg\n"},
        {1, "/grub/custom.cfg", "menuentry c { linux /c }\n"},
        {1, "/grub/grubenv", "# GRUB Environment Block\nsaved_entry=c\n#####"},
        {3, "/grub.cfg", "set root=hd1,msdos3\nmenuentry d { linux /d }\nmenuentry e { configfile /grub.cfg }\n"},
        {0, NULL, NULL},
    };
    static const char *const lines[] = {
        "a: (vda1)/a BOOT_IMAGE=/a",
        "b: (vda1)/b BOOT_IMAGE=/b d=(hd0,gpt2)/EFI/debian p=(hd0,gpt1)/grub",
        "other >",
        "again ! configfile: (vda1)/grub/grub.cfg reads itself",
        "lost ! configfile: (vda1)/lost.cfg: no such file (\"lost.cfg\" is missing)",
        "c: (vda1)/c BOOT_IMAGE=/c",
        "other>d: (vdb3)/d BOOT_IMAGE=/d",
        "other>e ! configfile: (vdb3)/grub.cfg reads itself",
        NULL,
    };
    read_menu(files, "/EFI/debian/grub.cfg");
    expect_entries(lines);
    assert_int_equal(config.timeout, TIMEOUT_UNSET); /* the menu's own */
    assert_string_equal(config.default_entry->id, "c");
    assert_string_equal(config.entry[5]->config, "(vda1)/grub/custom.cfg");
    assert_int_equal(config.entry[5]->line, 1);
}

static void boot_without_a_menu(void **state)
{
    (void)state;
    read_text("linux /boot/vmlinuz quiet\ninitrd /i\nboot\nmenuentry no { linux /no }\n");
    static const char *const lines[] = {"/boot/vmlinuz: (vda2)/boot/vmlinuz BOOT_IMAGE=/boot/vmlinuz quiet + /i", NULL};
    expect_entries(lines);
    read_text("linux /boot/vmlinuz\nif [ x = y ]; then boot; fi\nmenuentry yes { linux /yes }\n");
    assert_int_equal(config.entry_count, 1);
    assert_string_equal(config.entry[0]->title, "yes");
    read_text("linux /\x1b[7m/vmlinuz\nboot\n"); /* the path is the title */
    assert_string_equal(config.entry[0]->title, "/ [7m/vmlinuz");
}

static void variables_for_others(void **state)
{
    (void)state;
    static const struct tree_file files[] = {
        {1, "/grub2/grub.cfg",
         "load_env\nset kernelopts=\"root=x $tuned\"\nnosuch &\nmenuentry no { linux /no }\nboot\n"},
        {1, "/grub2/grubenv", "# GRUB Environment Block\ntuned=t u\n"},
        {0, NULL, NULL},
    };
    static struct variables variables;
    host_reset();
    tree_make(files);
    assert_int_equal(grub_variables(&tree_volumes, tree_volumes.volume[0], &variables), OK);
    assert_string_equal(variable_get(&variables, text_of("kernelopts")), "root=x t u");
    assert_string_equal(variable_get(&variables, text_of("tuned")), "t u");
    memset(&variables, 0, sizeof variables);
    assert_int_equal(grub_variables(&tree_volumes, tree_volumes.volume[1], &variables), OK); /* of the same disk */
    assert_string_equal(variable_get(&variables, text_of("tuned")), "t u");
    assert_int_equal(grub_variables(&tree_volumes, tree_volumes.volume[2], &variables), ERR_NOT_FOUND);
    assert_string_equal(host_log(), "");
    assert_string_equal(error_text(), "");
    assert_int_equal(log_level, LOG_VERBOSE);
}

/* ---- mistakes and limits ----------------------------------------------------------------------------------------- */

/* As in GRUB what is around a mistake stays. */
static void each_mistake(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"if true; then\n  true\n", "3: the file ends, expected `elif`, `else` or `fi`"},
        {"menuentry x {\n linux /x\n", "3: the file ends, expected `}`"},
        {"while true; do\n true\n", "3: the file ends, expected `done`"},
        {"while true\n true\n", "3: the file ends, expected `do`"},
        {"if true\n", "2: the file ends, expected `then`"},
        {"for x y\n", "1: `y`, expected `in`"},
        {"for 1x in y\n", "1: `1x`, expected a variable's name"},
        {"for x in a }\n", "1: `}`, expected a word, `;` or the end of the line"},
        {"for x in a; b; done\n", "1: `b`, expected `do`"},
        {"function 1\n", "1: `1`, expected a function's name"},
        {"function f true\n", "1: `true`, expected `{`"},
        {"fi\n", "1: `fi`, expected a command"},
        {"true; then\n", "1: `then`, expected a command"},
        {"{\n", "1: `{`, expected a command"},
        {"true }\n", "1: `}`, expected `;` or the end of the line"},
        {"true;; true\n", "1: `;`, expected `;` or the end of the line"},
        {"true | true\n", "1: `|`, expected `;` or the end of the line"},
        {"echo 'x\n", "1: a `'` that is not closed"},
        {"echo \"x\n\n", "1: a `\"` that is not closed"},
        {"echo $\n", "1: `$` without a name behind it"},
        {"echo ${x\n", "1: `$` without a name behind it"},
        {"echo \"$ \"\n", "1: `$` without a name behind it"},
        {"if true; then fi fi\n", "1: `fi`, expected `;` or the end of the line"},
        {"menuentry\n", "1: `menuentry` without a title"},
        {"menuentry x\n", "1: `menuentry` without a block"},
        {"submenu x\n", "1: `submenu` without a block"},
        {"while true; do true; done\n", "1: it runs for too long; the rest of the config is left out"},
        {"function f { f; }\nf\n", "1: too many things within each other; the rest of the config is left out"},
        {"x=aaaaaaaaaaaaaaaa; while true; do x=$x$x; done\n",
         "1: words that are too long; the rest of the config is left out"},
        {"x=a\nwhile true; do x=\"$x $x\"; true $x; done\n",
         "2: too many words; the rest of the config is left out"},
        {"configfile /nothing\n", "1: configfile: (vda2)/nothing: no such file (\"nothing\" is missing)"},
        {"blscfg (hd9)/x\n", "1: blscfg: no device (hd9) with files that can be read"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        char text[1000], expected[1000];
        format_text(text, sizeof text, "menuentry before { linux /b }\n%s\nmenuentry after { linux /a }\n",
                    cases[i].text);
        format_text(expected, sizeof expected, "shim: error: grub.cfg:%u%s\n", cases[i].says[0] - '0' + 1,
                    cases[i].says + 1);
        print_message("%s\n", cases[i].text);
        read_text(text);
        if (strstr(cases[i].says, "file ends"))
            assert_int_equal(config.entry_count, 1); /* all the rest is in it */
        else if (!strstr(cases[i].says, "left out"))
            assert_string_equal(config.entry[config.entry_count - 1]->title, "after");
        assert_string_equal(config.entry[0]->title, "before");
        assert_string_equal(config.entry[0]->kernel, "/b"); /* GRUB had read it, too */
        if (!strstr(cases[i].says, "file ends"))
            assert_string_equal(host_log(), expected);
        assert_int_equal(config.problems, 1);
    }
}

static void many_entries(void **state)
{
    (void)state;
    enum { EACH = 400 };
    static char text[600 * EACH];
    u32 n = 0;
    for (u32 i = 0; i < 500; i++)
        n += format_text(text + n, EACH,
                         "menuentry 'Debian, with Linux %u' --class debian --class gnu-linux --id 'id-%u' {\n"
                         "\tif [ x$grub_platform = xxen ]; then insmod xzio; fi\n\tset root='hd0,gpt2'\n"
                         "\tsearch --no-floppy --fs-uuid --set=root 00000000-0000-0000-0000-000000000001\n"
                         "\techo 'Loading'\n\tlinux /vmlinuz-%u root=UUID=x ro quiet\n\tinitrd /initrd.img-%u\n}\n",
                         i, i, i, i);
    read_text(text);
    assert_int_equal(config.entry_count, 500);
    assert_string_equal(entry_line(499), "Debian, with Linux 499: (vda1)/vmlinuz-499 BOOT_IMAGE=/vmlinuz-499 "
                                         "root=UUID=x ro quiet + /initrd.img-499");
    assert_true(arena_mark() < MIB(4));
    for (u32 i = 500; i < 600; i++)
        n += format_text(text + n, EACH, "menuentry m%u { linux /k }\n", i);
    read_text(text);
    assert_int_equal(config.entry_count, ENTRIES_MAX);
    assert_string_equal(entry_line(511), "m511: (vda2)/k BOOT_IMAGE=/k");
    expect_log("more than 512 entries; the rest of the config is left out");
    assert_int_equal(config.problems, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scripts_mean_what_they_mean_to_grub),
        cmocka_unit_test(an_entry_and_what_it_says),
        cmocka_unit_test(written_on_windows),
        cmocka_unit_test(bodies_are_run_last_and_apart),
        cmocka_unit_test(what_cannot_be_booted_is_shown),
        cmocka_unit_test(passwords_lock),
        cmocka_unit_test(what_variables_say_of_the_menu),
        cmocka_unit_test(devices_and_files),
        cmocka_unit_test(configfile_is_followed),
        cmocka_unit_test(boot_without_a_menu),
        cmocka_unit_test(variables_for_others),
        cmocka_unit_test(each_mistake),
        cmocka_unit_test(many_entries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
