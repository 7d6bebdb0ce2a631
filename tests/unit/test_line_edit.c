/* test_line_edit.c: keys in, a line and a window out. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "host.h"
#include "expect.h"

#include "console.h"
#include "line_edit.h"

static struct line_edit edit;

/* Keys as letters: those of a case's string that are none stand for themselves. */
static u32 key_of(char c)
{
    static const struct {
        char c;
        u32 key;
    } keys[] = {
        {'<', KEY_LEFT},         {'>', KEY_RIGHT},        {'[', KEY_HOME},         {']', KEY_END},
        {'{', KEY_WORD_LEFT},    {'}', KEY_WORD_RIGHT},   {'#', KEY_BACKSPACE},    {'%', KEY_DELETE},
        {'A', KEY_CTRL('a')},    {'E', KEY_CTRL('e')},    {'B', KEY_CTRL('b')},    {'F', KEY_CTRL('f')},
        {'D', KEY_CTRL('d')},    {'K', KEY_CTRL('k')},    {'U', KEY_CTRL('u')},    {'W', KEY_CTRL('w')},
        {'Y', KEY_CTRL('y')},    {'e', 0xe9},             {'j', 0x65e5},           {'s', 0x1f600},
    };
    for (u32 i = 0; i < ARRAY_COUNT(keys); i++)
        if (keys[i].c == c)
            return keys[i].key;
    return (u32)c;
}

static void type(const char *keys)
{
    for (; *keys; keys++)
        if (!line_edit_key(&edit, key_of(*keys)))
            FAILED("key %c was not taken", *keys);
}

/* The text with a `|` where the cursor stands. */
static const char *shown(void)
{
    static char text[LINE_EDIT_MAX + 1];
    assert_int_equal(strlen(edit.text), edit.length);
    assert_in_range(edit.cursor, 0, edit.length);
    format_text(text, sizeof text, "%.*s|%s", (int)edit.cursor, edit.text, edit.text + edit.cursor);
    return text;
}

static void keys_edit(void **state)
{
    (void)state;
    static const struct {
        const char *begin, *keys, *expected;
    } cases[] = {
        {"", "", "|"},
        {"abc", "", "abc|"},
        {"", "xyz", "xyz|"},
        {"abc", "<x", "abx|c"},
        {"abc", "<<<<x", "x|abc"},
        {"abc", ">x", "abcx|"},
        {"abc", "[x", "x|abc"},
        {"abc", "[]x", "abcx|"},
        {"abc", "AxEy", "xabcy|"},
        {"abc", "BBxFy", "axby|c"},
        {"abc", "#", "ab|"},
        {"abc", "####", "|"},
        {"abc", "[#", "|abc"},
        {"abc", "[%", "|bc"},
        {"abc", "[D", "|bc"},
        {"abc", "%D", "abc|"},
        {"one two", "{", "one |two"},
        {"one two", "{{", "|one two"},
        {"one two", "{{{", "|one two"},
        {"one two", "[}", "one| two"},
        {"one two", "[}}}", "one two|"},
        {"root=/dev/sda1 ro", "{{", "root=/dev/|sda1 ro"},
        {"root=/dev/sda1 ro", "W", "root=/dev/sda1 |"},
        {"root=/dev/sda1 ro", "WW", "|"},
        {"root=/dev/sda1 ro", "WWY", "root=/dev/sda1 |"}, /* the last cut alone */
        {"root=x  ", "W", "|"},
        {"abc def", "{K", "abc |"},
        {"abc def", "{KY", "abc def|"},
        {"abc def", "{KYY", "abc defdef|"},
        {"abc def", "{U", "|def"},
        {"abc def", "{U]Y", "defabc |"},
        {"abc", "KUYY", "abcabc|"}, /* cutting nothing forgets nothing */
        {"abc", "K", "abc|"},
        {"", "K#%UW{}<>", "|"},
        {"", "ejs", "\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80|"},
        {"", "ejs#", "\xc3\xa9\xe6\x97\xa5|"},
        {"", "ejs<<", "\xc3\xa9|\xe6\x97\xa5\xf0\x9f\x98\x80"},
        {"", "ejs<<%", "\xc3\xa9|\xf0\x9f\x98\x80"},
        {"", "ejs[>x", "\xc3\xa9x|\xe6\x97\xa5\xf0\x9f\x98\x80"},
        {"a\tb\r\nc", "", "a b  c|"},
        {"a\033[Jb\177", "", "a[Jb|"},
        {"a\xff" "b\xc3", "", "a?b?|"}, /* no UTF-8 */
        {"a\xc0\x80\xed\xa0\x80", "", "a?????|"},
        {"a\xc2\x9b" "b", "", "ab|"}, /* a terminal would take it for a control sequence */
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        memset(&edit, 0, sizeof edit);
        line_edit_begin(&edit, text_of(cases[i].begin));
        type(cases[i].keys);
        if (strcmp(shown(), cases[i].expected))
            FAILED("\"%s\" and %s give %s, expected %s", cases[i].begin, cases[i].keys, shown(), cases[i].expected);
    }
}

static void other_keys_are_the_callers(void **state)
{
    (void)state;
    static const u32 keys[] = {KEY_NONE,      KEY_TAB,    KEY_ENTER,     KEY_ESCAPE,    KEY_UP,     KEY_DOWN,
                               KEY_PAGE_UP,   KEY_INSERT, KEY_PAGE_DOWN, KEY_CTRL('c'), 0x7f,       0x80,
                               KEY_CTRL('l'), 0x9f,       0x110000,      KEY_UNKNOWN,   0xffffffff};
    line_edit_begin(&edit, text_of("abc"));
    for (u32 i = 0; i < ARRAY_COUNT(keys); i++)
        assert_false(line_edit_key(&edit, keys[i]));
    assert_string_equal(shown(), "abc|");
}

static void a_full_line_takes_no_more(void **state)
{
    (void)state;
    static char text[LINE_EDIT_MAX + 100];
    memset(text, 'a', sizeof text - 1);
    line_edit_begin(&edit, text_of(text));
    assert_int_equal(edit.length, LINE_EDIT_MAX - 1);
    type("[x");
    assert_int_equal(edit.cursor, 0);
    assert_int_equal(edit.length, LINE_EDIT_MAX - 1);
    type("%e"); /* two bytes do not fit where one does */
    assert_int_equal(edit.length, LINE_EDIT_MAX - 2);
    type("x");
    assert_int_equal(edit.length, LINE_EDIT_MAX - 1);
    type("UKYY"); /* all of it, and not a byte more */
    assert_int_equal(edit.length, LINE_EDIT_MAX - 1);
    line_edit_begin(&edit, text_of("put back after another begin: "));
    type("WWWWWW");
    line_edit_begin(&edit, text_of("x"));
    type("Y");
    assert_string_equal(shown(), "xput |");
}

static void windows(void **state)
{
    (void)state;
    static const struct {
        const char *begin, *keys;
        u32 cells;
        const char *expected;
    } cases[] = {
        {"", "", 3, "|"},
        {"ab", "", 3, "ab|"},
        {"abc", "", 3, "bc|"},
        {"abcdefgh", "", 5, "efgh|"},
        {"abcdefgh", "<<<<", 5, "|efgh"}, /* the first column is in sight: nothing moves */
        {"abcdefgh", "<<<<<", 5, "|defgh"},
        {"abcdefgh", "[", 5, "|abcde"},
        {"abcdefgh", "[>>>>", 5, "abcd|e"},
        {"abcdefgh", "[>>>>>", 5, "bcde|f"},
        {"abcdefgh", "##", 5, "cdef|"}, /* no blind columns while the line gets shorter */
        {"abcdefgh", "#####", 5, "abc|"},
        {"", "eeeee", 4, "\xc3\xa9\xc3\xa9\xc3\xa9|"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        char text[100];
        u32 cursor;
        line_edit_begin(&edit, text_of(cases[i].begin));
        line_edit_window(&edit, cases[i].cells, &cursor);
        for (const char *key = cases[i].keys; *key; key++) {
            line_edit_key(&edit, key_of(*key));
            line_edit_window(&edit, cases[i].cells, &cursor);
        }
        struct text part = line_edit_window(&edit, cases[i].cells, &cursor);
        u32 at = edit.cursor - edit.first;
        assert_ptr_equal(part.at, edit.text + edit.first);
        format_text(text, sizeof text, "%.*s|%.*s", (int)at, part.at, (int)(part.len - at), part.at + at);
        if (strcmp(text, cases[i].expected))
            FAILED("%s and %s in %u cells: %s, expected %s", cases[i].begin, cases[i].keys, cases[i].cells, text,
                   cases[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_edit),
        cmocka_unit_test(other_keys_are_the_callers),
        cmocka_unit_test(a_full_line_takes_no_more),
        cmocka_unit_test(windows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
