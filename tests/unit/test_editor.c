/* test_editor.c: entry_edit() as somebody at a serial terminal sees it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "host.h"
#include "expect.h"

#include "fake_terminal.h"
#include "menu.h"
#include "payload.h"
#include "screen.h"
#include "tables.h"

#define UP "\033[A"
#define DOWN "\033[B"
#define CUT "\025" /* Ctrl-U */

static struct boot_entry entry;
static const struct boot_entry *edited;

static const struct payload_protocol *protocol(const char *name)
{
    for (u32 i = 0; payload_protocols[i]; i++)
        if (!strcmp(payload_protocols[i]->name, name))
            return payload_protocols[i];
    return NULL;
}

static void add(struct entry_file **files, u32 *count, const char *path, const char *text)
{
    assert_int_equal(entry_file_add(files, count, (struct entry_file){text_of(path), text_of(text)}), OK);
}

static void machine(const char *kind)
{
    host_reset();
    terminal_open();
    entry = (struct boot_entry){.id = "debian", .title = "Debian GNU/Linux", .kernel = "/vmlinuz",
                                .options = "ro quiet", .protocol = protocol(kind), .config = "(vda1)/shim.cfg", .line = 3,
                                .disabled = "(vda1)/vmlinuz: no such file"};
    if (!strcmp(kind, "pvh"))
        add(&entry.module, &entry.module_count, "/root.fs", "some text");
    else
        add(&entry.initrd, &entry.initrd_count, "/initrd", "");
}

static void edit(const char *keys)
{
    terminal_type(keys, strlen(keys), "\033");
    screen_begin();
    edited = entry_edit(&entry);
    screen_end();
}

static void join(char *out, u32 room, const char *what, const struct entry_file *file, u32 count)
{
    u32 used = (u32)strlen(out);
    for (u32 i = 0; i < count; i++)
        used += format_text(out + used, room - used, "%s %.*s%s%.*s\n", what, (int)file[i].path.len, file[i].path.at,
                            file[i].text.len ? " " : "", (int)file[i].text.len, file[i].text.at);
}

/* What the edited entry says, a line each. */
static const char *said(void)
{
    static char text[10000];
    if (!edited)
        return "nothing";
    format_text(text, sizeof text, "%s\n", edited->kernel);
    join(text, sizeof text, "i", edited->initrd, edited->initrd_count);
    join(text, sizeof text, "m", edited->module, edited->module_count);
    format_text(text + strlen(text), 5000, "%s", edited->options);
    return text;
}

static void rows_are_edited(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *keys, *expected;
    } cases[] = {
        {"linux", "\r", "/vmlinuz\ni /initrd\nro quiet"},
        {"linux", "\033", "nothing"},
        {"linux", " single\033", "nothing"},
        {"linux", " single\r", "/vmlinuz\ni /initrd\nro quiet single"},
        {"linux", CUT "\r", "/vmlinuz\ni /initrd\n"},
        {"linux", " \r", "/vmlinuz\ni /initrd\nro quiet"},
        {"linux", DOWN "x\r", "/vmlinuz\ni /initrd\nro quietx"}, /* the last row */
        {"linux", UP "/more\r", "/vmlinuz\ni /initrd\ni /more\nro quiet"},
        {"linux", UP "/more" UP ".old" DOWN DOWN "/third" DOWN DOWN "x\r",
         "/vmlinuz\ni /initrd.old\ni /more\ni /third\nro quietx"},
        {"linux", UP UP CUT "\r", "/vmlinuz\nro quiet"},
        {"linux", UP UP CUT "  \r", "/vmlinuz\nro quiet"},
        {"linux", UP UP UP ".old\r", "/vmlinuz.old\ni /initrd\nro quiet"},
        {"linux", UP UP UP UP UP ".old\r", "/vmlinuz.old\ni /initrd\nro quiet"}, /* the first row */
        {"linux", "\t.old\r", "/vmlinuz.old\ni /initrd\nro quiet"},
        {"linux", "\t\t.old\t\t\t!\r", "/vmlinuz!\ni /initrd.old\nro quiet"},
        {"linux", UP UP "\001\013" DOWN DOWN "\031\r", "/vmlinuz\nro quiet/initrd"}, /* cut here, put back there */
        {"linux", "\033[H\033[Cx\033[3~\033[D\033[D\033[F\177\r", "/vmlinuz\ni /initrd\nrx quie"},
        {"pvh", "\r", "/vmlinuz\nm /root.fs some text\nro quiet"},
        {"pvh", UP "/x  more words\r", "/vmlinuz\nm /root.fs some text\nm /x more words\nro quiet"},
        {"pvh", UP "/x\r", "/vmlinuz\nm /root.fs some text\nm /x\nro quiet"},
        {"pvh", UP UP CUT "\r", "/vmlinuz\nro quiet"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        machine(cases[i].kind);
        u64 mark = arena_mark();
        edit(cases[i].keys);
        if (strcmp(said(), cases[i].expected))
            FAILED("case %u: %s, expected %s", i, said(), cases[i].expected);
        assert_string_equal(entry.options, "ro quiet");
        if (!edited)
            assert_int_equal(arena_mark(), mark);
        else if (edited->disabled || edited->line != 3 || strcmp(edited->id, "debian"))
            FAILED("case %u: not a copy", i);
    }
}

static void what_kind_of_kernel(void **state)
{
    (void)state;
    machine("linux");
    edit(" x\r");
    assert_ptr_equal(edited->protocol, protocol("linux"));
    edit("\t.old\r"); /* may be another kind of file */
    assert_null(edited->protocol);
    entry.kernel = NULL; /* a broken entry is mended */
    edit("\r/vmlinux\t\r"); /* the first Enter is refused; the row is that of the options */
    assert_string_equal(terminal_row(0), "");
    assert_string_equal(said(), "nothing");
    edit("\t/vmlinux\r");
    assert_string_equal(said(), "/vmlinux\ni /initrd\nro quiet");
    static const struct module module = {.text = "vmlinuz"};
    entry.kernel_module = &module; /* it is no file: there is no row for it */
    edit("\t.old\t\t\t.new\r");
    assert_string_equal(edited->initrd[0].path.at, "/initrd.old.new");
    assert_null(edited->kernel);
    assert_ptr_equal(edited->kernel_module, &module);
}

static struct {
    char row[TERMINAL_ROWS][TERMINAL_COLUMNS + 1];
    u32 cursor_row, cursor_column;
} picture;

/* While the last pause is, with an Escape behind it. */
static void take_picture(void)
{
    if (terminal_left() == 2)
        for (u32 i = 0; i < TERMINAL_ROWS; i++)
            memcpy(picture.row[i], terminal_row(i), TERMINAL_COLUMNS + 1);
    picture.cursor_row = terminal_cursor_row;
    picture.cursor_column = terminal_cursor_column;
}

static void what_is_drawn(void **state)
{
    (void)state;
    machine("linux");
    host_machine.relax = take_picture;
    edit("\xff\033");
    assert_string_equal(picture.row[0], " Edit \"Debian GNU/Linux\" for one boot");
    assert_string_equal(picture.row[1], "");
    assert_string_equal(picture.row[2], " kernel    /vmlinuz");
    assert_string_equal(picture.row[3], " initrd    /initrd");
    assert_string_equal(picture.row[4], " initrd");
    assert_string_equal(picture.row[5], " options   ro quiet");
    assert_string_equal(picture.row[23],
                        " Enter boots  Esc back  Up/Down another row  Ctrl-K/U/W cut  Ctrl-Y puts back");
    static char longer[200];
    for (u32 i = 0; i < sizeof longer - 1; i++)
        longer[i] = (char)('a' + i % 26);
    entry.options = longer;
    edit(UP DOWN "\xff\033");
    assert_int_equal(strlen(picture.row[5]), TERMINAL_COLUMNS - 3);
    assert_memory_equal(picture.row[5] + 8, "  <", 3);
    edit("\001\xff\033");
    assert_memory_equal(picture.row[5] + 8, "   abc", 6);
    assert_int_equal(picture.row[5][TERMINAL_COLUMNS - 2], '>');
    u32 before = terminal_sent;
    edit("\xff\033");
    u32 once = terminal_sent - before;
    edit("\xff\x0c\xff\033"); /* Ctrl-L sends all of it again */
    assert_in_range(terminal_sent - before, 2 * once + once / 2, 3 * once);
    entry.title = longer;
    edit("\xff\033");
    assert_int_equal(strlen(picture.row[0]), TERMINAL_COLUMNS - 1);
    assert_string_equal(picture.row[0] + 59, "abc...\" for one boot");
}

/* Keys that are there already cost no picture each: a long text is pasted faster than a line could show it. */
static void pasted_text_is_drawn_once(void **state)
{
    (void)state;
    static char keys[3002];
    machine("linux");
    memset(keys, 'x', sizeof keys - 2);
    keys[sizeof keys - 2] = '\r';
    edit(keys);
    assert_int_equal(strlen(edited->options), strlen("ro quiet") + sizeof keys - 2);
    assert_in_range(terminal_sent, 1, 7000); /* the picture, and a look now and then */
}

static void many_rows_scroll(void **state)
{
    (void)state;
    char keys[400];
    machine("linux");
    for (u32 i = 1; i < ENTRY_FILES_MAX; i++)
        add(&entry.initrd, &entry.initrd_count, format_copy("/initrd%u", i), "");
    edit("\r");
    assert_int_equal(edited->initrd_count, ENTRY_FILES_MAX);
    edit(UP "/one more\r\033"); /* refused */
    assert_null(edited);
    keys[0] = 0;
    for (u32 i = 0; i < 33; i++)
        memcpy(keys + 3 * i, UP, 4);
    memcpy(keys + 99, "!\r", 3);
    edit(keys);
    assert_true(text_equal(edited->initrd[0].path, "/initrd!"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_edited),
        cmocka_unit_test(what_kind_of_kernel),
        cmocka_unit_test(what_is_drawn),
        cmocka_unit_test(pasted_text_is_drawn_once),
        cmocka_unit_test(many_rows_scroll),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
