/* test_menu_keys.c: menu.c: what keys do. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "host.h"

#include "menus.h"

static void an_edited_entry_says_of_what(void **state)
{
    (void)state;
    machine(3);
    config.entry[1]->kernel = "/vmlinuz";
    script.keys = "\033[Bex\r";
    struct menu_choice choice = choose(NULL, TIMEOUT_NONE);
    assert_int_equal(choice.action, MENU_BOOT);
    assert_ptr_not_equal(choice.entry, config.entry[1]);
    assert_string_equal(choice.entry->options, "x");
    assert_ptr_equal(choice.origin, config.entry[1]);
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
        assert_ptr_equal(choice.origin, choice.entry);
    }
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
    assert_row(2, "    1  Title of 1  (default)"); /* what failed is selected, and no default for that */
    assert_row(4, "    3  More >");
    assert_row(5, "");
    assert_row(6, " vdb1: ext4 \"data\"");
    assert_row(7, " >  4  Other disk");
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
    assert_row(ROWS - 1, " Enter open   d details   c prompt   r rescan   / search");
    machine_with_submenus(); /* one that failed is back in its list */
    script.shot_ms = 500;
    script.keys = "\033[B\033[B\r";
    script.at_ms = 1000;
    assert_ptr_equal(choose(config.entry[3], TIMEOUT_NONE).entry, config.entry[3]);
    assert_row(2, " >  1  Inner one");
    machine_with_submenus(); /* a way that is too long begins further in */
    config.entry[2]->title = "A title of forty cells that goes on so far";
    config.entry[4]->title = "Another one of forty cells, inside of it";
    config.default_entry = config.entry[5];
    config.title = "A name of the menu that is so long that it would leave no room for the way in";
    script.shot_ms = 500;
    script.keys = "3\r"; /* the default is looked for inside, too */
    script.again = "1";
    script.again_ms = 1000;
    choose(config.entry[5], 3);
    assert_row(0, " A name of the menu that...   Another one of forty cells, inside of it >");
    script.keys = NULL;
    choose(config.entry[5], 3);
    assert_row(9, "   Booting \"Another one of forty cells, inside of it > Deepest\" in 3 s.");
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
        {"tq", 3000, "\r", 1, "   Search: tq   (not found)"},
        {"/", 9000, "three\r", 2, "   Search: _"},
        {"/TH", 9000, "r\r", 2, "   Search: th_"},
        {"/TH\033\033", 1000, "\r", 2, ""}, /* Esc ends it, then goes back */
        {"t\033", 600, "hy\r", 1, ""},
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
    machine(2); /* a command letter is one behind a letter that nothing begins with, and no more behind two */
    script.keys = "xr";
    assert_int_equal(choose(NULL, TIMEOUT_NONE).action, MENU_RESCAN);
    machine(2);
    script.keys = "xyr\r";
    assert_int_equal(choose(NULL, TIMEOUT_NONE).action, MENU_BOOT);
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
    assert_row(2, " ID         e1");
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

/* An arrow that was held down on a slow line: the picture follows the keys, not the other way round. */
static void held_keys_are_drawn_once(void **state)
{
    (void)state;
    machine(20);
    script.keys = "\033[B\033[B\033[B\033[B\033[B\033[B\033[B\033[B\033[B\033[B";
    script.at_ms = 1000;
    script.count_ms = 1000;
    script.shot_ms = 1500;
    script.again = "\r";
    script.again_ms = 2000;
    assert_ptr_equal(choose(NULL, TIMEOUT_NONE).entry, config.entry[10]);
    assert_row(12, " > 11  Title of 11");
    assert_in_range(terminal.counted, 150, 350);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_choose),
        cmocka_unit_test(an_edited_entry_says_of_what),
        cmocka_unit_test(submenus),
        cmocka_unit_test(submenus_are_shown),
        cmocka_unit_test(letters_search),
        cmocka_unit_test(a_search_is_shown_and_ends),
        cmocka_unit_test(hotkeys_select),
        cmocka_unit_test(commands),
        cmocka_unit_test(held_keys_are_drawn_once),
        cmocka_unit_test(locked),
    };
    return cmocka_run_group_tests_name("menu keys", tests, NULL, NULL);
}
