/* test_menu.c: menu.c and menu_draw.c, seen through a serial port: a terminal shows what is sent, a script types. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "host.h"

#include "console.h"
#include "menu.h"

#include "terminal.h"

/* ---- configs ----------------------------------------------------------------------------------------------------- */

static struct config config;
static struct arguments arguments;
static const struct config_file no_file;

static void machine(u32 entries)
{
    host_reset();
    memset(&config, 0, sizeof config);
    memset(&arguments, 0, sizeof arguments);
    terminal_begin();
    config.name = "(vda1)/boot/shim.cfg";
    for (u32 i = 0; i < entries; i++)
        config_entry_add(&config, &no_file, text_of(format_copy("e%u", i + 1)))->title =
            format_copy("Title of %u", i + 1);
    terminal.sent = 0;
}

/* One more at the end of the config. */
static struct boot_entry *add(enum entry_kind kind, const struct boot_entry *parent, const char *title)
{
    struct boot_entry *entry = config_entry_add(&config, &no_file, text_of(title));
    entry->kind = kind;
    entry->parent = parent;
    return entry;
}

static struct menu_choice choose(const struct boot_entry *chosen, u32 countdown)
{
    script.start = host_ticks;
    static const struct boot_info boot;
    static const struct disk_list disks;
    static const struct volume_list volumes;
    const struct session session = {&boot, &arguments, &disks, &volumes, &config};
    struct menu_choice choice = menu_choose(&session, chosen, countdown);
    assert_false(terminal.hidden);
    assert_int_equal(terminal.length, 0);
    return choice;
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

static void what_is_drawn(void **state)
{
    (void)state;
    machine(3);
    script.shot_ms = 1500;
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
    assert_row(6, "   Booting \"Title of 2\" in 2 s. Any key stops it.");
    for (u32 i = 7; i < ROWS - 1; i++)
        assert_row(i, "");
    assert_row(ROWS - 1, " Enter boot   e edit   d details   c prompt   r rescan   / search");
    assert_int_equal(terminal.shot.attribute[2][8], '0');
    assert_int_equal(terminal.shot.attribute[3][8], '7');
    assert_int_equal(terminal.shot.attribute[3][COLUMNS - 1], '7');
    assert_int_equal(terminal.shot.attribute[6][8], '1');
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
        {3, 0, "\x0e\x0e\x10\r", 2}, /* Ctrl-N, Ctrl-P */
        {3, 1, "\033[H\r", 1},
        {3, 1, "\033[F\r", 3},
        {3, 0, "\033[6~\r", 3},
        {3, 2, "\033[5~\r", 1},
        {3, 0, "2", 2},
        {3, 0, "9\r", 1}, /* no such row */
        {3, 0, "0\r", 1},
        {3, 0, "x\033[C\033[D\t\x7f\033[15~\xc3\xa4\x01\r", 1},
        {3, 0, "r", 0},
        {3, 0, "R", 0},
        {9, 0, "9", 9},
        {10, 0, "9\r", 9}, /* more than nine: digits only select */
        {10, 0, "10\r", 10},
        {10, 0, "1\r", 1},
        {60, 0, "57\r", 57},
        {60, 0, "575\r", 5}, /* 575 is no row: begins anew */
        {60, 0, "5\t7\r", 7},
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
        script.keys = cases[i].keys;
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
        script.keys = keys[i];
        script.at_ms = 1500;
        script.shot_ms = 60000;
        script.again = "2";
        script.again_ms = 61000;
        struct menu_choice choice = choose(config.entry[0], 2);
        assert_ptr_equal(choice.entry, config.entry[1]);
        assert_true(now_ms() >= 61000);
        assert_row(6, "");
    }
    machine(3); /* zeros are a line's noise, not a key */
    script.keys = "";
    assert_ptr_equal(choose(config.entry[2], 1).entry, config.entry[2]);
}

static void the_countdown_counts(void **state)
{
    (void)state;
    static const struct {
        u32 seconds, shot_ms;
        const char *row;
    } cases[] = {
        {5, 100, "   Booting \"Title of 1\" in 5 s. Any key stops it."},
        {5, 1200, "   Booting \"Title of 1\" in 4 s. Any key stops it."},
        {5, 4900, "   Booting \"Title of 1\" in 1 s. Any key stops it."},
        {1, 100, "   Booting \"Title of 1\" in 1 s. Any key stops it."},
        {60, 100, "   Booting \"Title of 1\" in 60 s. Any key stops it."},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        machine(3);
        script.shot_ms = cases[i].shot_ms;
        assert_ptr_equal(choose(NULL, cases[i].seconds).entry, config.entry[0]);
        assert_in_range(now_ms(), cases[i].seconds * 1000 - 1, cases[i].seconds * 1000 + 200);
        assert_row(6, cases[i].row);
    }
    machine(1); /* the longest: not over in our lifetime */
    script.keys = "\r";
    script.at_ms = 90000;
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
    script.keys = "\033[A\r1\r";
    script.shot_ms = 500;
    script.again = "3";
    script.again_ms = 1000;
    assert_ptr_equal(choose(NULL, 5).entry, config.entry[2]); /* no Enter on the first row did anything */
    assert_row(2, " >  1  Title of 1  - it names no kernel");
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
    script.shot_ms = 500;
    script.keys = "2";
    script.at_ms = 50000;
    assert_ptr_equal(choose(config.entry[0], 0).entry, config.entry[1]);
    assert_row(6, "   Cannot be booted: x");
    machine(2);
    config.entry[1]->disabled = "x";
    script.shot_ms = 500;
    choose(NULL, 1);
    assert_int_equal(terminal.shot.attribute[3][8], '2'); /* dim */
}

static void nothing_to_boot(void **state)
{
    (void)state;
    static const struct {
        const char *keys;
        enum menu_action action;
    } cases[] = {{"\r", MENU_RESCAN}, {"1", MENU_RESCAN}, {"2", MENU_REBOOT}, {"3", MENU_POWEROFF}, {"4", MENU_PROMPT},
                 {"\033[B\r", MENU_REBOOT}, {"\033[A\r", MENU_PROMPT}, {"r", MENU_RESCAN}, {"c", MENU_PROMPT},
                 {"po\r", MENU_POWEROFF}};
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++)
        for (u32 countdown = 0; countdown < 2; countdown++) {
            machine(0);
            config.name = NULL;
            script.keys = cases[i].keys;
            script.at_ms = 20000;
            script.shot_ms = 10000;
            struct menu_choice choice = choose(NULL, countdown);
            assert_int_equal(choice.action, cases[i].action);
            assert_null(choice.entry);
            assert_row(0, " shim " SHIM_VERSION);
            assert_row(2, " >  1  Look for disks and configs again");
            assert_row(3, "    2  Reboot");
            assert_row(4, "    3  Power off");
            assert_row(5, "    4  Rescue prompt");
            assert_row(7, "");
        }
    machine(2); /* entries, but broken ones: both */
    config.entry[0]->disabled = config.entry[1]->disabled = "it names no kernel";
    arguments.lock = true;
    script.keys = "14";
    script.at_ms = 1000;
    script.shot_ms = 900;
    assert_int_equal(choose(NULL, 0).action, MENU_REBOOT);
    assert_row(2, " >  1  Title of 1  - it names no kernel");
    assert_row(4, "    3  Look for disks and configs again");
    assert_row(5, "    4  Reboot");
    assert_row(8, "   Cannot be booted: it names no kernel");
    assert_row(ROWS - 1, " Enter boot   d details   r rescan   / search");
}

static void long_lists_scroll(void **state)
{
    (void)state;
    machine(60);
    script.keys = "\033[F";
    script.shot_ms = 500;
    script.again = "\r";
    script.again_ms = 1000;
    assert_ptr_equal(choose(NULL, TIMEOUT_NONE).entry, config.entry[59]);
    assert_row(0, " shim " SHIM_VERSION "   (vda1)/boot/shim.cfg                                        60/60");
    assert_row(1, "   ... 42 more above");
    assert_row(2, "   43  Title of 43");
    assert_row(19, " > 60  Title of 60");
    assert_row(20, "");
    machine(60); /* the default in sight from the start */
    script.shot_ms = 500;
    assert_ptr_equal(choose(config.entry[49], 1).entry, config.entry[49]);
    assert_row(1, "   ... 32 more above");
    assert_row(19, " > 50  Title of 50  (default)");
    assert_row(20, "   ... 10 more below");
    machine(60); /* one up from the top of the window */
    script.keys = "\033[F\033[5~\033[A";
    script.shot_ms = 500;
    script.again = "\r";
    script.again_ms = 1000;
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
    script.shot_ms = 500;
    choose(NULL, 1);
    memset(row, 'x', sizeof row);
    memcpy(row, " >  1  ", 7);
    memcpy(row + 65, "...  (default)", 15);
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
    script.shot_ms = 500;
    script.keys = "r";
    script.at_ms = 1000;
    assert_int_equal(choose(NULL, TIMEOUT_NONE).action, MENU_RESCAN);
    assert_row(7, " shim: error: (vda1)/boot/vmlinuz: truncated at 4096 of 8247232 bytes");
    assert_row(8, " shim: warning: unknown argument \"x\"");
    assert_row(9, "");
    /* after another look, only what is new; long lines go on in the next row */
    say_error("a sentence that is longer than the eighty columns that a terminal has, so that it cannot stand in one "
              "row");
    script.shot_ms = 500;
    script.keys = "2";
    script.at_ms = 1000;
    choose(NULL, TIMEOUT_NONE);
    assert_row(7, " shim: error: a sentence that is longer than the eighty columns that a terminal");
    assert_row(8, " has, so that it cannot stand in one row");
    assert_row(9, "");
    /* many errors leave the list its rows; the last errors are the ones that are shown */
    machine(30);
    for (u32 i = 0; i < 40; i++)
        say_error("number %u", i);
    script.shot_ms = 500;
    choose(config.entry[20], 1);
    assert_row(2, "   15  Title of 15");
    assert_row(8, " > 21  Title of 21  (default)");
    assert_row(12, " shim: error: number 30");
    assert_row(21, " shim: error: number 39");
    assert_row(22, "");
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

/* A tree: two entries, a submenu of two with one in a submenu of its own, a heading and what is below it. */
static void machine_with_submenus(void)
{
    machine(2);
    const struct boot_entry *more = add(ENTRY_SUBMENU, NULL, "More");
    add(ENTRY_BOOT, more, "Inner one");
    add(ENTRY_BOOT, add(ENTRY_SUBMENU, more, "Deep"), "Deepest");
    add(ENTRY_SEPARATOR, NULL, "")->title = "";
    add(ENTRY_HEADING, NULL, "vdb1: ext4 \"data\"");
    add(ENTRY_BOOT, NULL, "Other disk");
}

static void submenus(void **state)
{
    (void)state;
    static const struct {
        const char *keys, *id;
    } cases[] = {
        {"3\r", "Inner one"},                 /* a digit opens it */
        {"\033[B\033[B\r\r", "Inner one"},    /* and Enter */
        {"3\033[B\033[C\r", "Deepest"},       /* and Right, inside too */
        {"3\033[B\r1", "Deepest"},            /* a digit boots */
        {"3\033[B\r\033[D\033[D\033[A\r", "e2"}, /* Left goes back to where it was opened */
        {"3\x7f\033[B\r", "Other disk"},      /* Backspace, too; down over separator and heading */
        {"4", "Other disk"},                  /* which have no numbers */
        {"\033[A\r", "Other disk"},
        {"\033[F\033[B\r", "e1"},
        {"\033[F\033[A\r\r", "Inner one"},
        {"\033[D\033[C\x7f\r", "e1"}, /* nowhere to go */
        {"3\033[D1", "e1"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        machine_with_submenus();
        script.keys = cases[i].keys;
        struct menu_choice choice = choose(NULL, TIMEOUT_NONE);
        assert_int_equal(choice.action, MENU_BOOT);
        assert_string_equal(choice.entry->id, cases[i].id);
    }
    machine_with_submenus(); /* Esc is known when nothing follows it */
    script.keys = "3";
    script.again = "\033";
    script.again_ms = 1000;
    script.last = "1";
    script.last_ms = 2000;
    assert_string_equal(choose(NULL, TIMEOUT_NONE).entry->id, "e1");
}

static void submenus_are_shown(void **state)
{
    (void)state;
    machine_with_submenus();
    script.shot_ms = 500;
    script.keys = "1";
    script.at_ms = 1000;
    choose(config.entry[8], TIMEOUT_NONE);
    assert_row(2, "    1  Title of 1");
    assert_row(4, "    3  More >");
    assert_row(5, "");
    assert_row(6, " vdb1: ext4 \"data\"");
    assert_row(7, " >  4  Other disk  (default)");
    assert_row(8, "");
    assert_int_equal(terminal.shot.attribute[6][2], '1');
    machine_with_submenus(); /* inside: the way, and the way back */
    script.shot_ms = 500;
    script.keys = "3\033[B\r";
    script.again = "\r";
    script.again_ms = 1000;
    choose(NULL, TIMEOUT_NONE);
    assert_row(0, " shim " SHIM_VERSION "   More > Deep >");
    assert_row(2, " >  1  Deepest");
    assert_row(3, "");
    assert_row(ROWS - 1, " Enter boot   e edit   d details   c prompt   r rescan   / search   Esc back");
    machine_with_submenus(); /* a default inside: its submenu is selected, and it is named */
    config.default_entry = config.entry[5];
    config.title = "Choose";
    script.shot_ms = 500;
    assert_ptr_equal(choose(config.entry[5], 3).entry, config.entry[5]);
    assert_row(0, " Choose   (vda1)/boot/shim.cfg");
    assert_row(4, " >  3  More >");
    assert_row(9, "   Booting \"More > Deep > Deepest\" in 3 s. Any key stops it.");
    assert_row(ROWS - 1, " Enter open   e edit   d details   c prompt   r rescan   / search");
    machine_with_submenus(); /* one that failed is back in its list, even an edited copy */
    struct boot_entry edited = *config.entry[3];
    script.shot_ms = 500;
    script.keys = "\033[B\033[B\r";
    script.at_ms = 1000;
    assert_ptr_equal(choose(&edited, TIMEOUT_NONE).entry, config.entry[3]);
    assert_row(2, " >  1  Inner one  (default)");
    machine(0); /* nothing in it: no key hurts */
    add(ENTRY_SUBMENU, NULL, "Empty");
    script.keys = "1\r\033[A\033[B\033[F\033[6~19dex/x\033\033[C\033[D3";
    assert_int_equal(choose(NULL, TIMEOUT_NONE).action, MENU_REBOOT);
}

static void letters_search(void **state)
{
    (void)state;
    static const char *const titles[] = {"Alpine", "Gentoo", "Ubuntu", "Ubuntu (old kernel)", "openSUSE", "Guix System",
                                         "void \xc3\x84rger 6.1", "Debian, with Ubuntu"};
    static const struct {
        const char *keys, *title;
    } cases[] = {
        {"u\r", "Ubuntu"},
        {"U\r", "Ubuntu"},
        {"uu\r", "Ubuntu (old kernel)"}, /* the same letter again: the next */
        {"uuu\r", "Ubuntu"},             /* titles before words */
        {"ub\r", "Ubuntu"},
        {"g\r", "Gentoo"},
        {"gu\r", "Guix System"},
        {"gg\r", "Guix System"},
        {"o\r", "openSUSE"},
        {"os\r", "openSUSE"},              /* nothing begins so: stays */
        {"k\r", "Ubuntu (old kernel)"},    /* the start of a word */
        {"sys\r", "Guix System"},
        {"xx\r", "Alpine"},
        {"g\033[A\r", "Alpine"},           /* a move ends it */
        {"ge\r", "Gentoo"},                /* now `e` is no command */
        {"a\r", "Alpine"},                 /* from the row behind, round the end */
        {"gx\x7f" "e\r", "Gentoo"},
        {"g3", "Ubuntu"},                  /* and so does a digit */
        {"/debi\r", "Debian, with Ubuntu"}, /* with `/` commands are letters */
        {"/d\r", "Debian, with Ubuntu"},
        {"/6.1\r", "void \xc3\x84rger 6.1"}, /* and so are digits */
        {"/Debian, w\r", "Debian, with Ubuntu"},
        {"/de\x7f\x7f\x7fu\r", "Ubuntu"},
        {"\xc3\x84\r", "void \xc3\x84rger 6.1"},
        {"\xc3\xa4\r", "Alpine"},
        {"/0123456789012345678901234567890123456789012345678901234567890123456789\r", "Alpine"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        machine(ARRAY_COUNT(titles));
        for (u32 n = 0; n < ARRAY_COUNT(titles); n++)
            config.entry[n]->title = titles[n];
        script.keys = cases[i].keys;
        struct menu_choice choice = choose(NULL, TIMEOUT_NONE);
        assert_int_equal(choice.action, MENU_BOOT);
        assert_string_equal(choice.entry->title, cases[i].title);
    }
}

static void a_search_is_shown_and_ends(void **state)
{
    (void)state;
    static const struct {
        const char *keys;
        u32 again_ms;
        const char *again;
        u32 row;
        const char *status;
    } cases[] = {
        {"t", 1000, "wo\r", 0, "   Search: t"}, /* "two" */
        {"t", 3000, "wo\r", 1, "   Search: t"}, /* "wo" begins nothing */
        {"tq", 3000, "\r", 1, "   Search: tq   (nothing begins so)"},
        {"/", 9000, "three\r", 2, "   Search: _"},
        {"/TH", 9000, "r\r", 2, "   Search: th_"},
        {"/TH\033\033", 1000, "\r", 2, ""}, /* Esc ends it, then goes back */
        {"t\033", 600, "hr\r", 1, ""},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        machine(4);
        config.entry[0]->title = "two";
        config.entry[1]->title = "ten";
        config.entry[2]->title = "three";
        script.keys = cases[i].keys;
        script.again = cases[i].again;
        script.again_ms = cases[i].again_ms;
        script.shot_ms = 500;
        assert_ptr_equal(choose(NULL, 7).entry, config.entry[cases[i].row]);
        assert_row(7, cases[i].status);
    }
    machine(2); /* and its time is over */
    script.keys = "t";
    script.shot_ms = 1700;
    script.again = "\r";
    script.again_ms = 2000;
    choose(NULL, TIMEOUT_NONE);
    assert_row(5, "");
}

static void hotkeys_select(void **state)
{
    (void)state;
    static const struct {
        const char *keys;
        u32 chosen;
    } cases[] = {{"m\r", 2}, {"M\r", 2}, {"mm\r", 4}, {"mmm\r", 2}, {"9\r", 3}, {"t\r", 2}};
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        machine(4);
        config.entry[1]->hotkey = config.entry[3]->hotkey = 'm';
        config.entry[2]->hotkey = '9';
        script.keys = cases[i].keys;
        assert_ptr_equal(choose(NULL, TIMEOUT_NONE).entry, config.entry[cases[i].chosen - 1]);
    }
    machine(2); /* a command letter stays one */
    config.entry[1]->hotkey = 'r';
    script.keys = "r";
    assert_int_equal(choose(NULL, TIMEOUT_NONE).action, MENU_RESCAN);
}

static void commands(void **state)
{
    (void)state;
    machine(2);
    script.keys = "c";
    assert_int_equal(choose(NULL, 3).action, MENU_PROMPT);
    machine(2);
    script.keys = "d"; /* details, and back */
    script.shot_ms = 500;
    script.again = " 2";
    script.again_ms = 1000;
    assert_ptr_equal(choose(NULL, 3).entry, config.entry[1]);
    assert_row(0, " Title of 1");
    assert_row(2, " Id         e1");
    machine(2); /* what cannot be booted may be mended; Esc leaves the editor */
    config.entry[0]->disabled = "x";
    script.keys = "\033[Ae";
    script.again = "\033";
    script.again_ms = 1000;
    script.last = "2";
    script.last_ms = 2000;
    assert_ptr_equal(choose(NULL, 3).entry, config.entry[1]);
    machine(2); /* Ctrl-L draws all of it */
    script.keys = "\x0e";
    script.again = "\x0c";
    script.again_ms = 1000;
    script.last = "\r";
    script.last_ms = 2000;
    script.forget_ms = 900;
    script.shot_ms = 1500;
    choose(NULL, 3);
    assert_row(3, " >  2  Title of 2");
    assert_row(2, "    1  Title of 1  (default)");
}

static void locked(void **state)
{
    (void)state;
    static const char *const keys[] = {"e", "c", "E", "C"};
    for (u32 i = 0; i < 2 * ARRAY_COUNT(keys); i++) {
        machine(2);
        config.locked = i & 1;
        arguments.lock = !config.locked;
        script.keys = keys[i / 2];
        script.shot_ms = 500;
        script.again = "2";
        script.again_ms = 1000;
        assert_ptr_equal(choose(NULL, 1).entry, config.entry[1]);
        assert_row(5, i / 2 & 1 ? "   The prompt is locked." : "   Editing is locked.");
        assert_row(ROWS - 1, " Enter boot   d details   r rescan   / search");
    }
}

static void hidden_until_a_key(void **state)
{
    (void)state;
    machine(3);
    config.hidden = true;
    assert_ptr_equal(choose(config.entry[1], 2).entry, config.entry[1]);
    assert_in_range(now_ms(), 1999, 2200);
    assert_int_equal(terminal.sent, 0);
    for (u32 seconds = 0; seconds < 10; seconds += 5) { /* the key shows it, and does nothing else */
        machine(3);
        config.hidden = seconds;
        script.keys = "\r";
        script.at_ms = seconds ? 1000 : 0;
        script.shot_ms = 30000;
        script.again = "3";
        script.again_ms = 50000;
        assert_ptr_equal(choose(config.entry[1], seconds).entry, config.entry[2]);
        assert_true(now_ms() >= 50000);
        assert_row(3, " >  2  Title of 2  (default)");
        assert_row(6, "");
    }
    machine(3); /* without a countdown there is nothing to hide */
    config.hidden = true;
    script.keys = "2";
    script.at_ms = 1000;
    script.shot_ms = 500;
    choose(NULL, TIMEOUT_NONE);
    assert_row(2, " >  1  Title of 1  (default)");
}

static void another_entry_at_the_end_of_time(void **state)
{
    (void)state;
    machine(3);
    config.timeout_entry = config.entry[2];
    script.shot_ms = 500;
    assert_ptr_equal(choose(config.entry[1], 2).entry, config.entry[2]);
    assert_row(3, " >  2  Title of 2  (default)");
    assert_row(6, "   Booting \"Title of 3\" in 2 s. Any key stops it.");
    machine(3);
    config.timeout_entry = config.entry[2];
    script.keys = "\r";
    assert_ptr_equal(choose(config.entry[1], 2).entry, config.entry[1]);
    machine(3);
    config.timeout_entry = config.entry[2];
    config.entry[2]->disabled = "x";
    assert_ptr_equal(choose(config.entry[1], 2).entry, config.entry[1]);
}

static void what_is_said_of_an_entry(void **state)
{
    (void)state;
    machine(4);
    for (u32 i = 0; i < 3; i++) {
        config.entry[i]->counted = true;
        config.entry[i]->tries_left = 2 - i;
    }
    config.entry[3]->disabled = "(vda1)/boot/vmlinuz-6.1.0-13-amd64: no such file (\"vmlinuz-6.1.0-13-amd64\" is "
                                "missing)";
    config.entry[0]->help = "One script.\nAnother one, which is so long that it goes on in the next row, because the "
                            "screen has eighty columns.";
    script.keys = "\033[A\033[B"; /* the default has been seen */
    script.shot_ms = 500;
    script.again = "\r";
    script.again_ms = 1000;
    say_error("the reason");
    choose(NULL, 1);
    assert_row(2, " >  1  Title of 1  (default)  (2 tries left)");
    assert_row(3, "    2  Title of 2  (1 try left)");
    assert_row(4, "    3  Title of 3  (bad: 0 tries left)");
    assert_row(5, "    4  Title of 4  - (vda1)/boot/vmlinuz-6.1.0-13-amd64: no such file (\"vmli...");
    assert_row(7, "");
    assert_row(9, "   One script.");
    assert_row(10, "   Another one, which is so long that it goes on in the next row, because the");
    assert_row(11, "   screen has eighty columns.");
    assert_row(12, "");
    assert_row(13, " shim: error: the reason");
    machine(1); /* names too long for the countdown */
    char title[200];
    memset(title, 'y', sizeof title);
    title[sizeof title - 1] = 0;
    config.entry[0]->title = title;
    script.shot_ms = 500;
    choose(NULL, 12);
    title[54] = 0;
    char row[100];
    format_text(row, sizeof row, "   Booting \"%s...\" in 12 s.", title);
    assert_row(4, row);
}

static void moving_is_cheap(void **state)
{
    (void)state;
    machine(10);
    script.keys = "\033[B";
    script.at_ms = 1000;
    script.shot_ms = 500;
    script.again = "\r";
    script.again_ms = 2000;
    script.count_ms = 900;
    choose(NULL, TIMEOUT_NONE);
    assert_in_range(terminal.counted, 100, 300); /* and the clearing at the end */
    machine(3);
    script.count_ms = 900;
    choose(NULL, 2); /* a second is one digit */
    assert_in_range(terminal.counted, 10, 60);
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
        cmocka_unit_test(submenus),
        cmocka_unit_test(submenus_are_shown),
        cmocka_unit_test(letters_search),
        cmocka_unit_test(a_search_is_shown_and_ends),
        cmocka_unit_test(hotkeys_select),
        cmocka_unit_test(commands),
        cmocka_unit_test(locked),
        cmocka_unit_test(hidden_until_a_key),
        cmocka_unit_test(another_entry_at_the_end_of_time),
        cmocka_unit_test(what_is_said_of_an_entry),
        cmocka_unit_test(moving_is_cheap),
    };
    return cmocka_run_group_tests_name("menu", tests, NULL, NULL);
}
