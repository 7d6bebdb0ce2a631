/* test_menu.c: menu.c and menu_draw.c: what is shown, and what time does. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "host.h"

#include "menus.h"

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
    config.entry[2]->disabled = "x"; /* the next disk of the BIOS, say: an installer must not run in its place */
    script.keys = "\r";
    script.at_ms = 5000;
    assert_ptr_equal(choose(config.entry[1], 2).entry, config.entry[1]);
    assert_true(now_ms() >= 5000);
    machine(3);
    config.timeout_entry = config.entry[2];
    config.entry[0]->disabled = "x";
    assert_ptr_equal(choose(config.entry[0], 2).entry, config.entry[2]);
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
        cmocka_unit_test(any_key_stops_the_countdown),
        cmocka_unit_test(the_countdown_counts),
        cmocka_unit_test(no_time_costs_nothing),
        cmocka_unit_test(entries_that_cannot_be_booted),
        cmocka_unit_test(nothing_to_boot),
        cmocka_unit_test(long_lists_scroll),
        cmocka_unit_test(long_titles_are_cut),
        cmocka_unit_test(the_reason_stays_in_sight),
        cmocka_unit_test(without_a_console),
        cmocka_unit_test(hidden_until_a_key),
        cmocka_unit_test(another_entry_at_the_end_of_time),
        cmocka_unit_test(what_is_said_of_an_entry),
        cmocka_unit_test(moving_is_cheap),
    };
    return cmocka_run_group_tests_name("menu", tests, NULL, NULL);
}
