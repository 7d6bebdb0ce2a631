/* test_base.c: base.h's arithmetic, text.c, print.c, error.c. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "host.h"

#define TOP (~0ull)

static void ranges_neither_wrap_nor_leak(void **state)
{
    (void)state;
    static const struct {
        u64 offset, size, total;
        bool fits;
    } cases[] = {
        {0, 0, 0, true},      {0, 1, 0, false},      {1, 0, 0, false},        {0, 10, 10, true},
        {10, 0, 10, true},    {10, 1, 10, false},    {9, 1, 10, true},        {9, 2, 10, false},
        {11, 0, 10, false},   {TOP, 1, TOP, false},  {1, TOP, TOP, false},    {TOP, TOP, TOP, false},
        {0, TOP, TOP, true},  {TOP, 0, TOP, true},   {2, TOP, 10, false},     {TOP - 1, 3, 10, false},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++)
        assert_int_equal(fits(cases[i].offset, cases[i].size, cases[i].total), cases[i].fits);
    static const struct {
        u64 a, a_size, b, b_size;
        bool overlap;
    } pairs[] = {
        {0, 10, 10, 10, false}, {0, 11, 10, 10, true},    {5, 1, 0, 10, true},      {5, 0, 0, 10, false},
        {0, 10, 5, 0, false},   {TOP, 1, TOP, 1, true},   {TOP, 1, 0, TOP, false},  {TOP - 1, 2, TOP, 1, true},
        {0, TOP, TOP, 1, false},
    };
    for (u32 i = 0; i < ARRAY_COUNT(pairs); i++) {
        assert_int_equal(ranges_overlap(pairs[i].a, pairs[i].a_size, pairs[i].b, pairs[i].b_size), pairs[i].overlap);
        assert_int_equal(ranges_overlap(pairs[i].b, pairs[i].b_size, pairs[i].a, pairs[i].a_size), pairs[i].overlap);
    }
}

static void alignment(void **state)
{
    (void)state;
    assert_int_equal(align_up(0, 4096), 0);
    assert_int_equal(align_up(1, 4096), 4096);
    assert_int_equal(align_up(4096, 4096), 4096);
    assert_int_equal(align_down(4095, 4096), 0);
    assert_int_equal(align_down(8191, 4096), 4096);
    assert_int_equal(align_up(TOP - 4094, 4096), 0); /* as base.h says: wraps */
    assert_int_equal(align_up(TOP - 4095, 4096), TOP - 4095);
    assert_int_equal(align_up(TOP, 1), TOP);
    assert_false(is_power_of_two(0));
    assert_true(is_power_of_two(1));
    assert_false(is_power_of_two(3));
    assert_true(is_power_of_two(1ull << 63));
    assert_int_equal(min_u64(1, TOP), 1);
    assert_int_equal(max_u64(1, TOP), TOP);
}

static void texts_compare(void **state)
{
    (void)state;
    const struct text nothing = {NULL, 0};
    assert_true(text_equal(nothing, ""));
    assert_false(text_equal(nothing, "a"));
    assert_true(text_equal(text_of(NULL), ""));
    assert_true(text_equal(text_of("abc"), "abc"));
    assert_false(text_equal(text_of("abc"), "abcd"));
    assert_false(text_equal(text_of("abcd"), "abc"));
    assert_true(text_equal_nocase(text_of("aBc-1"), text_of("AbC-1")));
    assert_false(text_equal_nocase(text_of("abc"), text_of("abd")));
    assert_false(text_equal_nocase(text_of("@"), text_of("`"))); /* 40h and 60h: no letters */
    assert_true(text_equal_nocase(nothing, text_of("")));
    assert_true(text_starts(text_of("LABEL=x"), "LABEL="));
    assert_true(text_starts(text_of("LABEL="), "LABEL="));
    assert_false(text_starts(text_of("LABEL"), "LABEL="));
    assert_true(text_starts(nothing, ""));
    assert_false(text_starts(nothing, "x"));
    assert_true(text_equal(text_trim(text_of(" \t\r\n a b \t\r\n")), "a b"));
    assert_true(text_equal(text_trim(text_of(" \t ")), ""));
    assert_true(text_equal(text_trim(nothing), ""));
}

static void texts_split(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        u32 count;
        const char *fields[4];
    } cases[] = {
        {"", 1, {""}},        {"a", 1, {"a"}},           {"a,b", 2, {"a", "b"}}, {",", 2, {"", ""}},
        {"a,", 2, {"a", ""}}, {",a,,", 4, {"", "a", "", ""}},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        struct text rest = text_of(cases[i].text), field;
        u32 n = 0;
        for (; text_split(&rest, ',', &field); n++) {
            assert_true(n < cases[i].count);
            assert_true(text_equal(field, cases[i].fields[n]));
        }
        assert_int_equal(n, cases[i].count);
    }
    struct text rest = {NULL, 0}, field;
    assert_false(text_split(&rest, ',', &field));
}

static void numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
        u64 value;
    } cases[] = {
        {"0", true, 0},
        {"42", true, 42},
        {"007", true, 7},
        {"0x1F", true, 0x1f},
        {"0XabCD", true, 0xabcd},
        {"18446744073709551615", true, TOP},
        {"0xffffffffffffffff", true, TOP},
        {"18446744073709551616", false, 0},
        {"0x10000000000000000", false, 0},
        {"99999999999999999999999", false, 0},
        {"", false, 0},
        {"0x", false, 0},
        {"0xg", false, 0},
        {"12a", false, 0},
        {"-1", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"x10", false, 0},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        u64 value = 4711;
        assert_int_equal(text_number(text_of(cases[i].text), &value), cases[i].good);
        assert_int_equal(value, cases[i].good ? cases[i].value : 4711);
    }
}

static void distances(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        u32 distance;
    } cases[] = {
        {"", "", 0},           {"", "abc", 3},       {"abc", "", 3},           {"linux", "linux", 0},
        {"linx", "linux", 1},  {"liunx", "linux", 2}, {"kitten", "sitting", 3}, {"Linux", "linux", 1},
    };
    char many[80];
    memset(many, 'a', sizeof many);
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++)
        assert_int_equal(text_distance(text_of(cases[i].a), text_of(cases[i].b)), cases[i].distance);
    assert_int_equal(text_distance((struct text){many, 63}, text_of("")), 63);
    assert_int_equal(text_distance(text_of("b"), (struct text){many, 63}), 63);
    assert_int_equal(text_distance((struct text){many, 64}, text_of("")), 99);
    assert_int_equal(text_distance(text_of(""), (struct text){many, 64}), 99);
}

static void utf16(void **state)
{
    (void)state;
    static const struct {
        u16 units[6];
        u32 count, room;
        const char *utf8;
    } cases[] = {
        {{'a', 'b'}, 2, 10, "ab"},
        {{'a', 0, 'b'}, 3, 10, "a"},
        {{0xe4, 0x20ac}, 2, 10, "\xc3\xa4\xe2\x82\xac"},
        {{0x7f, 0x80, 0x7ff, 0x800, 0xffff}, 5, 20, "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf"},
        {{0xd83d, 0xde00}, 2, 10, "\xf0\x9f\x98\x80"},
        {{0xdbff, 0xdfff}, 2, 10, "\xf4\x8f\xbf\xbf"},
        {{0xd83d}, 1, 10, "\xef\xbf\xbd"},            /* a lone high half at the end */
        {{0xd83d, 'a'}, 2, 10, "\xef\xbf\xbd" "a"},   /* … and before a letter */
        {{0xde00, 0xd83d}, 2, 10, "\xef\xbf\xbd\xef\xbf\xbd"},
        {{'a', 'b', 'c'}, 3, 3, "ab"},
        {{'a', 0xe4}, 2, 3, "a"},                     /* no half characters */
        {{'a', 0xe4}, 2, 4, "a\xc3\xa4"},
        {{'a'}, 1, 1, ""},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        char out[32];
        memset(out, '!', sizeof out);
        u32 used = utf16_to_utf8((const u8 *)cases[i].units, cases[i].count, out, cases[i].room);
        assert_int_equal(used, strlen(cases[i].utf8));
        assert_string_equal(out, cases[i].utf8);
        assert_int_equal(out[cases[i].room], '!');
    }
    char untouched = '!';
    assert_int_equal(utf16_to_utf8((const u8 *)"a", 0, &untouched, 0), 0);
    assert_int_equal(untouched, '!');
}

#define FORMATS(expected, ...)                                                                                         \
    do {                                                                                                               \
        char out[200];                                                                                                 \
        assert_int_equal(format_text(out, sizeof out, __VA_ARGS__), strlen(expected));                                 \
        assert_string_equal(out, expected);                                                                            \
    } while (0)

static void conversions(void **state)
{
    (void)state;
    const char *volatile none = NULL;
    FORMATS("", "%s", "");
    FORMATS("plain", "plain");
    FORMATS("a%b", "a%%b");
    FORMATS("[text]", "[%s]", "text");
    FORMATS("[(none)]", "[%s]", none);
    FORMATS("[  ab]", "[%4s]", "ab");
    FORMATS("[ab  ]", "[%-4s]", "ab");
    FORMATS("[ab]", "[%.2s]", "abcd");
    FORMATS("[]", "[%.0s]", "abcd");
    FORMATS("[abc]", "[%.*s]", 3, "abcdef");
    FORMATS("[]", "[%.*s]", 0, none);
    FORMATS("[   ]", "[%*s]", 3, "");
    FORMATS("[]", "[%*s]", 0, "");
    FORMATS("[x][  y][z  ]", "[%c][%3c][%-3c]", 'x', 'y', 'z');
    FORMATS("0 1 4294967295", "%u %u %u", 0u, 1u, 0xffffffffu);
    FORMATS("0 -1 2147483647 -2147483648", "%d %d %i %d", 0, -1, 2147483647, -2147483647 - 1);
    FORMATS("-9223372036854775808 9223372036854775807", "%ld %ld", (long)(1ull << 63), (long)(TOP >> 1));
    FORMATS("18446744073709551615 18446744073709551615", "%lu %llu", (u64)TOP, TOP);
    FORMATS("7 255", "%zu %hhu", (size_t)7, (u8)255);
    FORMATS("ff FF ffffffffffffffff", "%x %X %lx", 255u, 255u, (u64)TOP);
    FORMATS("00ff 00FF 0f", "%04x %04X %02x", 255u, 255u, 15u);
    FORMATS("000000000000beef 0000beef", "%016lx %08x", (u64)0xbeef, 0xbeefu);
    FORMATS("[ 5][05][5 ]", "[%2u][%02u][%-2u]", 5u, 5u, 5u);
    FORMATS("123456", "%2u", 123456u);
    FORMATS("dead0", "%p", (void *)0xdead0);
}

/* Formats that a compiler would warn of: they must not take the shim down either. */
static void broken_formats(void **state)
{
    (void)state;
    static const char *const formats[][2] = {{"50%", "50%"}, {"%q", "%q"}, {"%5", "%"}, {"%l", "%"}, {"%.", "%"}};
    for (u32 i = 0; i < ARRAY_COUNT(formats); i++) {
        char out[20];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        format_text(out, sizeof out, formats[i][0]);
#pragma GCC diagnostic pop
        assert_string_equal(out, formats[i][1]);
    }
}

static void truncation(void **state)
{
    (void)state;
    char out[8];
    memset(out, '!', sizeof out);
    assert_int_equal(format_text(out, 0, "%s", "abc"), 3);
    assert_int_equal(out[0], '!');
    assert_int_equal(format_text(NULL, 0, "%u", 1234u), 4);
    assert_int_equal(format_text(out, 1, "%s", "abc"), 3);
    assert_string_equal(out, "");
    assert_int_equal(out[1], '!');
    assert_int_equal(format_text(out, 4, "%s-%u", "abc", 99u), 6);
    assert_string_equal(out, "abc");
    assert_int_equal(format_text(out, 7, "%s-%u", "abc", 99u), 6);
    assert_string_equal(out, "abc-99");
    assert_int_equal(out[7], '!');
    host_reset();
    assert_string_equal(format_copy("%s/%u", "path", 7u), "path/7");
    assert_string_equal(format_copy("%s", ""), "");
}

static void log_levels(void **state)
{
    (void)state;
    static const struct {
        enum log_level level;
        const char *log;
    } cases[] = {
        {LOG_QUIET, "raw\nshim: error: five\n"},
        {LOG_NORMAL, "raw\nshim: one\nshim: warning: four\nshim: error: five\n"},
        {LOG_VERBOSE, "raw\nshim: one\nshim: two\nshim: warning: four\nshim: error: five\n"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        host_reset();
        log_level = cases[i].level;
        print("raw\n");
        say("%s", "one");
        say_verbose("%s", "two");
        warn("%s", "four");
        say_error("%s", "five");
        assert_string_equal(host_log(), cases[i].log);
    }
}

static void very_long_lines_end_all_the_same(void **state)
{
    (void)state;
    static char text[3000];
    host_reset();
    memset(text, 'x', sizeof text - 1);
    say("%s", text);
    const char *log = host_log();
    assert_true(strlen(log) > 1024 && strlen(log) < 1600);
    assert_int_equal(log[strlen(log) - 1], '\n');
}

static void trails(void **state)
{
    (void)state;
    static char text[3000];
    host_reset();
    assert_string_equal(error_text(), "");
    error_show();
    assert_string_equal(host_log(), "");
    assert_int_equal(error_add(ERR_IO, "alone"), ERR_IO);
    assert_string_equal(error_text(), "alone");
    assert_int_equal(fail(ERR_CORRUPT, "block %u", 7u), ERR_CORRUPT);
    assert_string_equal(error_text(), "block 7");
    assert_int_equal(error_add(ERR_CORRUPT, "entry %s", "debian"), ERR_CORRUPT);
    assert_string_equal(error_text(), "entry debian: block 7");
    error_add(ERR_CORRUPT, "again: %s", error_text());
    assert_string_equal(error_text(), "again: entry debian: block 7: entry debian: block 7");
    fail(ERR_IO, "short");
    error_show();
    assert_string_equal(host_log(), "shim: error: short\n");
    assert_string_equal(error_text(), "");
    memset(text, 'x', sizeof text - 1);
    fail(ERR_IO, "%s", text);
    error_add(ERR_IO, "%s", text);
    assert_int_equal(strlen(error_text()), 1023);
    fail(ERR_IO, "gone");
    error_clear();
    assert_string_equal(error_text(), "");
}

/* From the contract of base.h: the copy ends in NUL whatever stands behind the text. */
static void copies(void **state)
{
    (void)state;
    host_reset();
    assert_string_equal(text_copy((struct text){"abcdef", 3}), "abc");
    assert_string_equal(text_copy((struct text){NULL, 0}), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_neither_wrap_nor_leak),
        cmocka_unit_test(alignment),
        cmocka_unit_test(texts_compare),
        cmocka_unit_test(texts_split),
        cmocka_unit_test(numbers),
        cmocka_unit_test(distances),
        cmocka_unit_test(utf16),
        cmocka_unit_test(conversions),
        cmocka_unit_test(broken_formats),
        cmocka_unit_test(truncation),
        cmocka_unit_test(log_levels),
        cmocka_unit_test(very_long_lines_end_all_the_same),
        cmocka_unit_test(trails),
        cmocka_unit_test(copies),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
