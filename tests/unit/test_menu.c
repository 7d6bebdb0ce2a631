/* test_menu.c: menu.c, seen through a serial port: a terminal of 24 × 80 cells shows what is sent, a script types. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "host.h"

#include "console.h"
#include "menu.h"

#define ROWS 24u
#define COLUMNS 80u
#define TICKS_PER_MS 1000000u
#define LIMIT_MS 100000u /* nothing here takes longer */

/* ---- the terminal ------------------------------------------------------------------------------------------------ */

struct cells {
    char at[ROWS][COLUMNS + 1];
    char attribute[ROWS]; /* of the row's first cell: the last digit of its SGR */
};

static struct {
    struct cells now, shot;
    u32 row, column, sent;
    char attribute;
    bool hidden; /* the cursor */
    char sequence[16];
    u32 length; /* of the sequence; 0: none */
} terminal;

static struct {
    const char *keys;    /* typed at at_ms, one byte per look */
    u32 at_ms, shot_ms;  /* since `start` */
    u32 again_ms;        /* a second time */
    const char *again;
    u64 start;
    u8 ier, scratch, lcr;
} line;

static u64 now_ms(void)
{
    return (host_ticks - line.start) / TICKS_PER_MS;
}

static void blank(struct cells *cells)
{
    memset(cells, 0, sizeof *cells);
    for (u32 i = 0; i < ROWS; i++)
        memset(cells->at[i], ' ', COLUMNS);
}

/* Where number n of the sequence's parameters starts counting from 1. */
static u32 parameter(u32 n)
{
    u32 value = 0;
    const char *p = terminal.sequence + 2;
    for (; n > 1 && *p; p++)
        n -= *p == ';';
    for (; *p >= '0' && *p <= '9'; p++)
        value = value * 10 + (u32)(*p - '0');
    return value;
}

static void control(char final)
{
    if (final == 'H') {
        terminal.row = parameter(1) ? parameter(1) - 1 : 0;
        terminal.column = parameter(2) ? parameter(2) - 1 : 0;
        assert_true(terminal.row < ROWS && terminal.column < COLUMNS);
    } else if (final == 'J') {
        assert_true(terminal.row == 0 && terminal.column == 0);
        blank(&terminal.now);
    } else if (final == 'm') {
        terminal.attribute = terminal.sequence[terminal.length - 2];
    } else {
        assert_true(!strcmp(terminal.sequence, "\033[?25l") || !strcmp(terminal.sequence, "\033[?25h"));
        terminal.hidden = final == 'l';
    }
    terminal.length = 0;
}

static void terminal_take(char c)
{
    terminal.sent++;
    if (c == '\033' || terminal.length) {
        assert_true(terminal.length < sizeof terminal.sequence - 1);
        terminal.sequence[terminal.length++] = c;
        terminal.sequence[terminal.length] = 0;
        if (terminal.length > 2 && c >= 0x40)
            control(c);
        return;
    }
    if (c == '\r')
        terminal.column = 0;
    else if (c == '\n')
        terminal.row += terminal.row + 1 < ROWS;
    else if (((u8)c & 0xc0) != 0x80) {
        if (terminal.column == COLUMNS) {
            assert_false(terminal.hidden); /* the menu stays off the edge: terminals differ about it */
            terminal.column = 0;
            terminal.row += terminal.row + 1 < ROWS;
        }
        if (!terminal.column)
            terminal.now.attribute[terminal.row] = terminal.attribute;
        terminal.now.at[terminal.row][terminal.column++] = (u8)c < 0x80 ? c : '?';
    }
}

/* ---- the port ---------------------------------------------------------------------------------------------------- */

static bool typed(void)
{
    if (line.keys && !*line.keys && line.again) {
        line.keys = line.again;
        line.at_ms = line.again_ms;
        line.again = NULL;
    }
    return line.keys && *line.keys && now_ms() >= line.at_ms;
}

static u32 port_in(u16 port, u32 width)
{
    (void)width;
    switch (port) {
    case 0x3f8:
        if (line.lcr & 0x80)
            return 1;
        return typed() ? (u8)*line.keys++ : 0;
    case 0x3f9:
        return line.lcr & 0x80 ? 0 : line.ier;
    case 0x3fa:
        return 0xc1;
    case 0x3fb:
        return line.lcr;
    case 0x3fd:
        assert_true(now_ms() < LIMIT_MS);
        return 0x60u | typed();
    case 0x3ff:
        return line.scratch;
    }
    return 0xff;
}

static void port_out(u16 port, u32 value, u32 width)
{
    (void)width;
    if (port == 0x3f8 && !(line.lcr & 0x80))
        terminal_take((char)value);
    else if (port == 0x3f9 && !(line.lcr & 0x80))
        line.ier = (u8)value;
    else if (port == 0x3fb)
        line.lcr = (u8)value;
    else if (port == 0x3ff)
        line.scratch = (u8)value;
}

static void relax(void)
{
    if (now_ms() <= line.shot_ms)
        terminal.shot = terminal.now;
}

/* ---- configs ----------------------------------------------------------------------------------------------------- */

static struct config config;
static struct arguments arguments;
static const struct config_file no_file;

static void machine(u32 entries)
{
    static const struct boot_info boot;
    host_reset();
    memset(&line, 0, sizeof line);
    memset(&terminal, 0, sizeof terminal);
    memset(&config, 0, sizeof config);
    host_machine.in = port_in;
    host_machine.out = port_out;
    host_machine.relax = relax;
    line.start = host_ticks;
    consoles_open(&boot, text_of("serial"));
    assert_true(consoles_interactive());
    config.name = "(vda1)/boot/shim.cfg";
    for (u32 i = 0; i < entries; i++)
        config_entry_add(&config, &no_file, text_of(format_copy("e%u", i + 1)))->title =
            format_copy("Title of %u", i + 1);
    terminal.sent = 0;
    line.start = host_ticks;
}

static struct menu_choice choose(const struct boot_entry *chosen, u32 countdown)
{
    line.start = host_ticks;
    static const struct boot_info boot;
    static const struct disk_list disks;
    static const struct volume_list volumes;
    const struct session session = {&boot, &arguments, &disks, &volumes, &config};
    struct menu_choice choice = menu_choose(&session, chosen, countdown);
    assert_false(terminal.hidden);
    assert_int_equal(terminal.length, 0);
    return choice;
}

static void assert_row(u32 row, const char *expected)
{
    char text[COLUMNS + 1];
    memcpy(text, terminal.shot.at[row], sizeof text);
    u32 n = COLUMNS;
    while (n && text[n - 1] == ' ')
        n--;
    text[n] = 0;
    assert_string_equal(text, expected);
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

static void what_is_drawn(void **state)
{
    (void)state;
    machine(3);
    line.shot_ms = 1500;
    struct menu_choice choice = choose(config.entry[1], 3);
    assert_int_equal(choice.action, MENU_BOOT);
    assert_ptr_equal(choice.entry, config.entry[1]);
    assert_in_range(now_ms(), 2999, 3200);
    assert_row(0, " shim " SHIM_VERSION "   (vda1)/boot/shim.cfg");
    assert_row(1, "");
    assert_row(2, "    1  Title of 1");
    assert_row(3, " >  2  Title of 2  (default)");
    assert_row(4, "    3  Title of 3");
    assert_row(5, "");
    assert_row(6, "   Booting \"e2\" in 2 s. Any key stops the countdown.");
    assert_row(7, "   Up/Down select   Enter boots   1-9 boot at once   R looks for disks again");
    for (u32 i = 8; i < ROWS; i++)
        assert_row(i, "");
    assert_int_equal(terminal.shot.attribute[2], '0');
    assert_int_equal(terminal.shot.attribute[3], '7');
    assert_int_equal(terminal.shot.attribute[6], '1');
    /* and the screen is clean for what comes after */
    terminal.shot = terminal.now;
    for (u32 i = 0; i < ROWS; i++)
        assert_row(i, "");
}

static void keys_choose(void **state)
{
    (void)state;
    static const struct {
        u32 entries, start;
        const char *keys;
        u32 chosen; /* from 1; 0: rescan */
    } cases[] = {
        {3, 0, "\r", 1},
        {3, 2, "\r", 3},
        {3, 0, "\033[B\r", 2},
        {3, 0, "\033OB\033OB\n", 3},
        {3, 0, "\033[B\033[B\033[B\r", 1}, /* around the end */
        {3, 0, "\033[A\r", 3},             /* … and the start */
        {3, 0, "jjk\r", 2},
        {3, 1, "\033[H\r", 1},
        {3, 1, "\033[F\r", 3},
        {3, 0, "\033[6~\r", 3},
        {3, 2, "\033[5~\r", 1},
        {3, 0, "2", 2},
        {3, 0, "9\r", 1}, /* no such row */
        {3, 0, "0\r", 1},
        {3, 0, "x\033[C\033[D\t\x7f\033[15~\xc3\xa4\r", 1},
        {3, 0, "r", 0},
        {3, 0, "R", 0},
        {9, 0, "9", 9},
        {10, 0, "9\r", 9}, /* more than nine: digits only select */
        {10, 0, "10\r", 10},
        {10, 0, "1\r", 1},
        {60, 0, "57\r", 57},
        {60, 0, "575\r", 5}, /* 575 is no row: begins anew */
        {60, 0, "5x7\r", 7},
        {60, 0, "61\r", 1},
        {60, 0, "07\r", 7},
        {60, 59, "\033[B\r", 1},
        {60, 0, "\033[A\033[A\r", 59},
        {60, 0, "\033[6~\r", 19}, /* 24 rows, 6 of which are no list */
        {60, 40, "\033[5~\033[A\r", 22},
        {512, 0, "512\r", 512},
        {1, 0, "\033[A\033[B\033[5~\033[6~\033[F\r", 1},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        machine(cases[i].entries);
        line.keys = cases[i].keys;
        struct menu_choice choice = choose(config.entry[cases[i].start], TIMEOUT_NONE);
        assert_int_equal(choice.action, cases[i].chosen ? MENU_BOOT : MENU_RESCAN);
        if (cases[i].chosen)
            assert_ptr_equal(choice.entry, config.entry[cases[i].chosen - 1]);
    }
}

static void any_key_stops_the_countdown(void **state)
{
    (void)state;
    static const char *const keys[] = {"x",  " ",    "\033", "\033[A",   "\033[15~", "\033[",
                                       "\t", "\x01", "0",    "\xc3\xa4", "\xff"};
    for (u32 i = 0; i < ARRAY_COUNT(keys); i++) {
        machine(3);
        line.keys = keys[i];
        line.at_ms = 1500;
        line.shot_ms = 60000;
        line.again = "2";
        line.again_ms = 61000;
        struct menu_choice choice = choose(config.entry[0], 2);
        assert_ptr_equal(choice.entry, config.entry[1]);
        assert_true(now_ms() >= 61000);
        assert_row(6, "");
    }
    machine(3); /* zeros are a line's noise, not a key */
    line.keys = "";
    assert_ptr_equal(choose(config.entry[2], 1).entry, config.entry[2]);
}

static void the_countdown_counts(void **state)
{
    (void)state;
    static const struct {
        u32 seconds, shot_ms;
        const char *row;
    } cases[] = {
        {5, 100, "   Booting \"e1\" in 5 s. Any key stops the countdown."},
        {5, 1200, "   Booting \"e1\" in 4 s. Any key stops the countdown."},
        {5, 4900, "   Booting \"e1\" in 1 s. Any key stops the countdown."},
        {1, 100, "   Booting \"e1\" in 1 s. Any key stops the countdown."},
        {60, 100, "   Booting \"e1\" in 60 s. Any key stops the countdown."},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        machine(3);
        line.shot_ms = cases[i].shot_ms;
        assert_ptr_equal(choose(NULL, cases[i].seconds).entry, config.entry[0]);
        assert_in_range(now_ms(), cases[i].seconds * 1000 - 1, cases[i].seconds * 1000 + 200);
        assert_row(6, cases[i].row);
    }
    machine(1); /* the longest: not over in our lifetime */
    line.keys = "\r";
    line.at_ms = 90000;
    assert_ptr_equal(choose(NULL, TIMEOUT_UNSET - 1).entry, config.entry[0]);
    assert_true(now_ms() >= 90000);
}

static void no_time_costs_nothing(void **state)
{
    (void)state;
    machine(3);
    u64 before = host_ticks;
    assert_ptr_equal(choose(NULL, 0).entry, config.entry[0]);
    assert_ptr_equal(choose(config.entry[2], 0).entry, config.entry[2]);
    assert_int_equal(terminal.sent, 0);
    assert_int_equal(host_ticks, before);
}

static void entries_that_cannot_be_booted(void **state)
{
    (void)state;
    machine(3);
    config.entry[0]->disabled = "it names no kernel";
    line.keys = "\033[A\r1\r";
    line.shot_ms = 500;
    line.again = "3";
    line.again_ms = 1000;
    assert_ptr_equal(choose(NULL, 5).entry, config.entry[2]); /* no Enter on the first row did anything */
    assert_row(2, " >  1  Title of 1");
    assert_row(3, "    2  Title of 2  (default)");
    assert_row(6, "   Cannot be booted: it names no kernel");
    machine(3); /* the first that can be */
    config.entry[0]->disabled = "x";
    assert_ptr_equal(choose(NULL, 1).entry, config.entry[1]);
    machine(3);
    config.entry[0]->disabled = "x";
    assert_ptr_equal(choose(NULL, 0).entry, config.entry[1]);
    /* the default: then its fallback, else the user decides */
    machine(3);
    config.entry[0]->disabled = "x";
    config.fallback_entry = config.entry[2];
    assert_ptr_equal(choose(config.entry[0], 0).entry, config.entry[2]);
    machine(3);
    config.entry[0]->disabled = config.entry[2]->disabled = "x";
    config.fallback_entry = config.entry[2];
    line.shot_ms = 500;
    line.keys = "2";
    line.at_ms = 50000;
    assert_ptr_equal(choose(config.entry[0], 0).entry, config.entry[1]);
    assert_row(6, "   Cannot be booted: x");
    machine(2);
    config.entry[1]->disabled = "x";
    assert_int_equal(terminal.shot.attribute[3], 0);
    line.shot_ms = 500;
    choose(NULL, 1);
    assert_int_equal(terminal.shot.attribute[3], '2'); /* dim */
}

static void nothing_to_boot(void **state)
{
    (void)state;
    static const struct {
        const char *keys;
        enum menu_action action;
    } cases[] = {{"\r", MENU_RESCAN}, {"1", MENU_RESCAN}, {"2", MENU_REBOOT}, {"3", MENU_POWEROFF},
                 {"\033[B\r", MENU_REBOOT}, {"\033[A\r", MENU_POWEROFF}, {"r", MENU_RESCAN}};
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++)
        for (u32 countdown = 0; countdown < 2; countdown++) {
            machine(0);
            config.name = NULL;
            line.keys = cases[i].keys;
            line.at_ms = 20000;
            line.shot_ms = 10000;
            struct menu_choice choice = choose(NULL, countdown);
            assert_int_equal(choice.action, cases[i].action);
            assert_null(choice.entry);
            assert_row(0, " shim " SHIM_VERSION);
            assert_row(2, " >  1  Look for disks and configs again");
            assert_row(3, "    2  Reboot");
            assert_row(4, "    3  Power off");
            assert_row(6, "");
        }
    machine(2); /* entries, but broken ones: both */
    config.entry[0]->disabled = config.entry[1]->disabled = "it names no kernel";
    line.keys = "14";
    line.at_ms = 1000;
    line.shot_ms = 900;
    assert_int_equal(choose(NULL, 0).action, MENU_REBOOT);
    assert_row(2, " >  1  Title of 1");
    assert_row(4, "    3  Look for disks and configs again");
    assert_row(8, "   Cannot be booted: it names no kernel");
}

static void long_lists_scroll(void **state)
{
    (void)state;
    machine(60);
    line.keys = "\033[F";
    line.shot_ms = 500;
    line.again = "\r";
    line.again_ms = 1000;
    assert_ptr_equal(choose(NULL, TIMEOUT_NONE).entry, config.entry[59]);
    assert_row(2, "   43  Title of 43");
    assert_row(19, " > 60  Title of 60");
    assert_row(20, "");
    assert_row(22, "   Up/Down select   Enter boots   digits select   R looks for disks again");
    machine(60); /* the default in sight from the start */
    line.shot_ms = 500;
    assert_ptr_equal(choose(config.entry[49], 1).entry, config.entry[49]);
    assert_row(19, " > 50  Title of 50  (default)");
    machine(60); /* one up from the top of the window */
    line.keys = "\033[F\033[5~\033[A";
    line.shot_ms = 500;
    line.again = "\r";
    line.again_ms = 1000;
    choose(NULL, TIMEOUT_NONE);
    assert_row(2, " > 41  Title of 41");
    assert_row(3, "   42  Title of 42");
}

static void long_titles_are_cut(void **state)
{
    (void)state;
    char title[600], row[100];
    machine(2);
    memset(title, 'x', sizeof title);
    title[sizeof title - 1] = 0;
    config.entry[0]->title = title;
    config.entry[1]->title = "Gr\xc3\xbc\xc3\x9f\x65 \xf0\x9f\x90\xa7";
    line.shot_ms = 500;
    choose(NULL, 1);
    memset(row, 'x', sizeof row);
    memcpy(row, " >  1  ", 7);
    memcpy(row + 76, "...", 4);
    assert_row(2, row);
    assert_row(3, "    2  Gr??e ?");
}

static void the_reason_stays_in_sight(void **state)
{
    (void)state;
    machine(2);
    say("volume vda1: ext4");
    say_error("(vda1)/boot/vmlinuz: truncated at 4096 of 8247232 bytes");
    warn("unknown argument \"x\"");
    line.shot_ms = 500;
    line.keys = "r";
    line.at_ms = 1000;
    assert_int_equal(choose(NULL, TIMEOUT_NONE).action, MENU_RESCAN);
    assert_row(8, " shim: error: (vda1)/boot/vmlinuz: truncated at 4096 of 8247232 bytes");
    assert_row(9, " shim: warning: unknown argument \"x\"");
    assert_row(10, "");
    /* after another look, only what is new; long lines go on in the next row */
    say_error("a sentence that is longer than the eighty columns that a terminal has, so that it cannot stand in one "
              "row");
    line.shot_ms = 500;
    line.keys = "2";
    line.at_ms = 1000;
    choose(NULL, TIMEOUT_NONE);
    assert_row(8, " shim: error: a sentence that is longer than the eighty columns that a terminal");
    assert_row(9, " has, so that it cannot stand in one row");
    assert_row(10, "");
    /* many errors leave the list its rows; the last errors are the ones that are shown */
    machine(30);
    for (u32 i = 0; i < 40; i++)
        say_error("number %u", i);
    line.shot_ms = 500;
    choose(config.entry[20], 1);
    assert_row(2, "   14  Title of 14");
    assert_row(9, " > 21  Title of 21  (default)");
    assert_row(14, " shim: error: number 30");
    assert_row(23, " shim: error: number 39");
}

static void without_a_console(void **state)
{
    (void)state;
    static const struct boot_info boot;
    machine(2);
    consoles_open(&boot, text_of("none"));
    assert_false(consoles_interactive());
    console_log_clear();
    struct menu_choice choice = choose(config.entry[1], 2);
    assert_ptr_equal(choice.entry, config.entry[1]);
    assert_in_range(now_ms(), 1999, 2200);
    assert_string_equal(host_log(), "shim: booting \"e2\" in 2 s\n");
    assert_int_equal(terminal.sent, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_drawn),
        cmocka_unit_test(keys_choose),
        cmocka_unit_test(any_key_stops_the_countdown),
        cmocka_unit_test(the_countdown_counts),
        cmocka_unit_test(no_time_costs_nothing),
        cmocka_unit_test(entries_that_cannot_be_booted),
        cmocka_unit_test(nothing_to_boot),
        cmocka_unit_test(long_lists_scroll),
        cmocka_unit_test(long_titles_are_cut),
        cmocka_unit_test(the_reason_stays_in_sight),
        cmocka_unit_test(without_a_console),
    };
    return cmocka_run_group_tests_name("menu", tests, NULL, NULL);
}
