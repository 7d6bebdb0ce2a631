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
        {"\x03\x1a", {KEY_UNKNOWN, KEY_UNKNOWN}},
        /* VT100: normal and application mode */
        {"\033[A\033[B\033[C\033[D", {KEY_UP, KEY_DOWN, KEY_RIGHT, KEY_LEFT}},
        {"\033OA\033OB\033OC\033OD", {KEY_UP, KEY_DOWN, KEY_RIGHT, KEY_LEFT}},
        {"\033[H\033[F\033OH\033OF", {KEY_HOME, KEY_END, KEY_HOME, KEY_END}},
        {"\033OM", {KEY_ENTER}},
        /* VT220, Linux, rxvt */
        {"\033[1~\033[4~\033[7~\033[8~", {KEY_HOME, KEY_END, KEY_HOME, KEY_END}},
        {"\033[5~\033[6~\033[3~", {KEY_PAGE_UP, KEY_PAGE_DOWN, KEY_DELETE}},
        {"\033[2~\033[9~\033[~\033[0~", {KEY_UNKNOWN, KEY_UNKNOWN, KEY_UNKNOWN, KEY_UNKNOWN}},
        /* modifiers, as xterm sends them */
        {"\033[1;5A\033[3;2~\033[1;2H", {KEY_UP, KEY_DELETE, KEY_HOME}},
        /* function keys and whatever else there is: swallowed whole */
        {"\033[15~x\033[24~y", {KEY_UNKNOWN, 'x', KEY_UNKNOWN, 'y'}},
        {"\033OPx\033[[Ay", {KEY_UNKNOWN, 'x', KEY_UNKNOWN, 'y'}},
        {"\033[?62;1;6cx", {KEY_UNKNOWN, 'x'}},
        {"\033[200~x", {KEY_UNKNOWN, 'x'}},
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences),
        cmocka_unit_test(zeros_are_noise),
        cmocka_unit_test(silence_decides),
        cmocka_unit_test(endless_sequences),
    };
    return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
