/* test_key.c: bytes of a terminal → keys (key.c). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "host.h"

#include "console.h"

#define KEYS_MAX 8u

/* Feed all bytes, then silence; KEY_NONE left out. */
static u32 decode(const char *bytes, u32 len, u32 keys[KEYS_MAX])
{
    struct key_decoder d = {0};
    u32 n = 0;
    for (u32 i = 0; i <= len; i++) {
        u32 key = i < len ? key_decode(&d, (u8)bytes[i]) : key_decode_timeout(&d);
        if (!key)
            continue;
        assert_true(n < KEYS_MAX);
        keys[n++] = key;
    }
    assert_int_equal(key_decode_timeout(&d), KEY_NONE);
    return n;
}

static void sequences(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        u32 keys[KEYS_MAX];
    } cases[] = {
        {"a1~ ", {'a', '1', '~', ' '}},
        {"\r", {KEY_ENTER}},
        {"\n", {KEY_ENTER}},
        {"\r\n", {KEY_ENTER}},
        {"\r\r", {KEY_ENTER, KEY_ENTER}},
        {"\n\n", {KEY_ENTER, KEY_ENTER}},
        {"\n\r", {KEY_ENTER, KEY_ENTER}},
        {"\r\n\r\n", {KEY_ENTER, KEY_ENTER}},
        {"\rx\n", {KEY_ENTER, 'x', KEY_ENTER}},
        {"\t\b\x7f", {KEY_TAB, KEY_BACKSPACE, KEY_BACKSPACE}},
        {"\x01\x03\x1a", {KEY_CTRL('A'), KEY_CTRL('c'), KEY_CTRL('Z')}},
        {"\x1c\x1d\x1e\x1f", {KEY_UNKNOWN, KEY_UNKNOWN, KEY_UNKNOWN, KEY_UNKNOWN}},
        /* VT100: normal and application mode */
        {"\033[A\033[B\033[C\033[D", {KEY_UP, KEY_DOWN, KEY_RIGHT, KEY_LEFT}},
        {"\033OA\033OB\033OC\033OD", {KEY_UP, KEY_DOWN, KEY_RIGHT, KEY_LEFT}},
        {"\033[H\033[F\033OH\033OF", {KEY_HOME, KEY_END, KEY_HOME, KEY_END}},
        {"\033OM", {KEY_ENTER}},
        /* VT220, Linux, rxvt */
        {"\033[1~\033[4~\033[7~\033[8~", {KEY_HOME, KEY_END, KEY_HOME, KEY_END}},
        {"\033[5~\033[6~\033[3~\033[2~", {KEY_PAGE_UP, KEY_PAGE_DOWN, KEY_DELETE, KEY_INSERT}},
        {"\033[10~\033[9~\033[~\033[0~", {KEY_UNKNOWN, KEY_UNKNOWN, KEY_UNKNOWN, KEY_UNKNOWN}},
        /* modifiers, as xterm sends them */
        {"\033[1;5A\033[3;2~\033[1;2H", {KEY_UP, KEY_DELETE, KEY_HOME}},
        {"\033[1;5F\033[5;5~\033[6;3~\033[2;5~", {KEY_END, KEY_PAGE_UP, KEY_PAGE_DOWN, KEY_INSERT}},
        {"\033[1;5D\033[1;5C\033[1;3D\033[1;3C", {KEY_WORD_LEFT, KEY_WORD_RIGHT, KEY_WORD_LEFT, KEY_WORD_RIGHT}},
        {"\033[1;6D\033[1;7C\033[1;9D", {KEY_WORD_LEFT, KEY_WORD_RIGHT, KEY_LEFT}},
        {"\033[1;2D\033[1;2C\033[1D\033[1;D", {KEY_LEFT, KEY_RIGHT, KEY_LEFT, KEY_LEFT}},
        {"\033[5D\033[5C\033[3D\033O5D\033O1;5C",
         {KEY_WORD_LEFT, KEY_WORD_RIGHT, KEY_WORD_LEFT, KEY_WORD_LEFT, KEY_WORD_RIGHT}},
        /* rxvt's, and Alt as ESC */
        {"\033Od\033Oc\033Oa\033Ob\033[7^\033[3^",
         {KEY_WORD_LEFT, KEY_WORD_RIGHT, KEY_UP, KEY_DOWN, KEY_HOME, KEY_DELETE}},
        {"\033b\033f\033B\033F", {KEY_WORD_LEFT, KEY_WORD_RIGHT, KEY_WORD_LEFT, KEY_WORD_RIGHT}},
        {"\033h\033k\033+\033-\033?\033/",
         {KEY_HOME, KEY_END, KEY_INSERT, KEY_DELETE, KEY_PAGE_UP, KEY_PAGE_DOWN}},
        /* function keys and whatever else there is: swallowed whole */
        {"\033[15~x\033[24~y", {KEY_UNKNOWN, 'x', KEY_UNKNOWN, 'y'}},
        {"\033OPx\033[[Ay", {KEY_UNKNOWN, 'x', KEY_UNKNOWN, 'y'}},
        {"\033OR\033[R\033[13R", {KEY_UNKNOWN, KEY_UNKNOWN, KEY_UNKNOWN}},
        {"\033[?62;1;6cx", {KEY_UNKNOWN, 'x'}},
        {"\033[>1;5Dx\033[1:5Dy", {KEY_UNKNOWN, 'x', KEY_UNKNOWN, 'y'}},
        /* what terminals send by themselves is none */
        {"\033[200~ls\033[201~x", {'l', 's', 'x'}},
        {"\033[24;80Rx", {'x'}},
        {"\033]11;rgb:0000/0000/0000\033\\x\033]0;\xc3\xa4[A\ay", {'x', 'y'}},
        {"\033P1$r0m\033\\x\033_A\033[A", {'x', KEY_UP}},
        {"\033]\rx", {KEY_UNKNOWN, 'x'}},
        {"\033]", {KEY_UNKNOWN}},
        {"\033[1;2;3;4;5;6;7;8;9;10;11;12;13mx", {KEY_UNKNOWN, 'x'}},
        {"\033[Zx", {KEY_UNKNOWN, 'x'}},
        {"\033[ qx", {KEY_UNKNOWN, 'x'}},
        {"\033xy", {KEY_UNKNOWN, 'y'}},
        /* cut short, or by another */
        {"\033", {KEY_ESCAPE}},
        {"\033\033", {KEY_ESCAPE, KEY_ESCAPE}},
        {"\033\033[A", {KEY_ESCAPE, KEY_UP}},
        {"\033[\033[A", {KEY_UNKNOWN, KEY_UP}},
        {"\033[", {KEY_UNKNOWN}},
        {"\033O", {KEY_UNKNOWN}},
        {"\033[5", {KEY_UNKNOWN}},
        {"\033[1;\r", {KEY_UNKNOWN}},
        /* UTF-8 */
        {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", {0xe4, 0x20ac, 0x1f600}},
        {"\xf4\x8f\xbf\xbf", {0x10ffff}},
        {"\xc3", {KEY_UNKNOWN}},
        {"\xe2\x82", {KEY_UNKNOWN}},
        {"\xc3x", {'x'}},
        {"\xe2\x82\xc3\xa4", {0xe4}},
        {"\xe2\x82\033[A", {KEY_UP}},
        {"\x80\xbf\xff\xc0\xc1\xf5", {KEY_UNKNOWN, KEY_UNKNOWN, KEY_UNKNOWN, KEY_UNKNOWN, KEY_UNKNOWN, KEY_UNKNOWN}},
        {"\xe0\x80\xaf", {KEY_UNKNOWN}},     /* overlong */
        {"\xf0\x80\x80\xaf", {KEY_UNKNOWN}},
        {"\xed\xa0\x80", {KEY_UNKNOWN}},     /* a surrogate */
        {"\xf4\x90\x80\x80", {KEY_UNKNOWN}}, /* past the end */
        {"\xc2\x85", {KEY_UNKNOWN}},         /* a C1 control */
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        u32 keys[KEYS_MAX], expected = 0;
        u32 n = decode(cases[i].bytes, (u32)strlen(cases[i].bytes), keys);
        while (expected < KEYS_MAX && cases[i].keys[expected])
            expected++;
        assert_int_equal(n, expected);
        for (u32 k = 0; k < n; k++)
            assert_int_equal(keys[k], cases[i].keys[k]);
    }
}

static void zeros_are_noise(void **state)
{
    (void)state;
    u32 keys[KEYS_MAX];
    assert_int_equal(decode("\0\0a\0", 4, keys), 1);
    assert_int_equal(keys[0], 'a');
}

/* Silence between the bytes of a sequence ends it. */
static void silence_decides(void **state)
{
    (void)state;
    struct key_decoder d = {0};
    assert_int_equal(key_decode_timeout(&d), KEY_NONE);
    assert_int_equal(key_decode(&d, 0x1b), KEY_NONE);
    assert_int_equal(key_decode_timeout(&d), KEY_ESCAPE);
    assert_int_equal(key_decode_timeout(&d), KEY_NONE);
    assert_int_equal(key_decode(&d, '['), '[');
    assert_int_equal(key_decode(&d, 'A'), 'A');
    assert_int_equal(key_decode(&d, '\r'), KEY_ENTER);
    assert_int_equal(key_decode_timeout(&d), KEY_NONE);
    assert_int_equal(key_decode(&d, '\n'), KEY_NONE); /* the LF of a slow line is still no second key */
    assert_int_equal(key_decode(&d, '\n'), KEY_ENTER);
}

/* A sequence without an end is kept in bounds, and over when its end comes. */
static void endless_sequences(void **state)
{
    (void)state;
    struct key_decoder d = {0};
    key_decode(&d, 0x1b);
    key_decode(&d, '[');
    for (u32 i = 0; i < 1000; i++) {
        assert_int_equal(key_decode(&d, '1'), KEY_NONE);
        assert_true(d.count <= sizeof d.pending);
    }
    assert_int_equal(key_decode(&d, '~'), KEY_UNKNOWN);
    assert_int_equal(key_decode(&d, 'x'), 'x');
}

/* Strings too: what follows a few hundred bytes of one is keys again. */
static void endless_strings(void **state)
{
    (void)state;
    struct key_decoder d = {0};
    u32 swallowed = 0;
    key_decode(&d, 0x1b);
    key_decode(&d, ']');
    while (key_decode(&d, 'x') == KEY_NONE)
        assert_true(++swallowed < 2000);
    assert_true(swallowed > 500);
    assert_int_equal(key_decode(&d, 'x'), 'x');
    key_decode(&d, 0x1b);
    key_decode(&d, ']');
    assert_int_equal(key_decode(&d, 'x'), KEY_NONE); /* the next one counts from nothing */
    assert_int_equal(key_decode_timeout(&d), KEY_UNKNOWN);
}

static void cursor_reports(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        u32 row, column;
    } cases[] = {
        {"\033[24;80R", 24, 80},
        {"\033[999;999R", 999, 999},
        {"\033[24;80R\033[50;132R", 50, 132},
        {"\033[1;1Rx\033[A", 1, 1},
        {"\033[R", 0, 0},
        {"\033[24R", 0, 0},
        {"\033[24;80;1R", 0, 0},
        {"\033[?24;80R", 0, 0},
        {"\033O24;80R", 0, 0},
        {"\033[24;80", 0, 0},
        {"\033[00000000024;0000000080R", 0, 0},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        struct key_decoder d = {0};
        for (const char *p = cases[i].bytes; *p; p++)
            key_decode(&d, (u8)*p);
        assert_int_equal(d.report_row, cases[i].row);
        assert_int_equal(d.report_column, cases[i].column);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences),
        cmocka_unit_test(zeros_are_noise),
        cmocka_unit_test(silence_decides),
        cmocka_unit_test(endless_sequences),
        cmocka_unit_test(endless_strings),
        cmocka_unit_test(cursor_reports),
    };
    return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
