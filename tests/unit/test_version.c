/* test_version.c: the order of versions (UAPI.10), and what systemd makes of the same strings. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "host.h"

#include "bls.h"
#include "tools.h"

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

/* Both ways round, and each string equal to itself. */
static void expect_order(const char *a, const char *b, int order)
{
    struct text x = text_of(a), y = text_of(b);
    if (sign(version_compare(x, y)) != order || sign(version_compare(y, x)) != -order ||
        version_compare(x, x) || version_compare(y, y))
        FAILED("\"%s\" and \"%s\": %d and %d, expected %d", a, b, version_compare(x, y), version_compare(y, x), order);
}

static const char *const chain[] = {
    "122.1", "123~rc1-1", "123", "123-a", "123-a.1", "123-1", "123-1.1", "123^post1", "123.a-1", "123.1-1", "123a-1",
    "124-1",
};

static void the_chain_of_the_specification(void **state)
{
    (void)state;
    for (u32 a = 0; a < ARRAY_COUNT(chain); a++)
        for (u32 b = 0; b < ARRAY_COUNT(chain); b++)
            expect_order(chain[a], chain[b], (a > b) - (a < b));
}

#define FIRST_VAGUE 20u

static const struct {
    const char *a;
    char order;
    const char *b;
} pairs[] = {
    /* the specification's examples */
    {"11", '=', "11"}, {"systemd-123", '=', "systemd-123"}, {"bar-123", '<', "foo-123"}, {"123a", '>', "123"},
    {"123.a", '>', "123"}, {"123.a", '<', "123.b"}, {"123a", '>', "123.a"}, {"11\xce\xb1", '=', "11\xce\xb2"},
    {"B", '<', "a"}, {"", '<', "0"}, {"0.", '>', "0"}, {"0.0", '>', "0"}, {"0", '>', "~"}, {"", '>', "~"},
    {"1_", '=', "1"}, {"_1", '=', "1"}, {"1_", '<', "1.2"}, {"1_2_3", '>', "1.3.3"}, {"1+", '=', "1"},
    {"1+2+3", '>', "1.3.3"},
    /* where it is vague, from FIRST_VAGUE on */
    {"a", '<', "0"}, {"1.a", '<', "1.0"}, {"a1", '<', "ab"}, {"1.^", '<', "1.a"}, {"1^", '>', "1-"},
    {"1--", '<', "1-1"},
    {"1~~", '>', "1~"}, {"1~", '<', "1-"}, {"01", '=', "1"}, {"000", '=', "0"}, {"1.00", '=', "1.0"}, {"1-", '>', "1"},
    {"", '=', "_"}, {"ab", '<', "abc"}, {"aB", '<', "ab"}, {"Z", '<', "a"}, {"1.2.", '<', "1.2.0"},
    {"99999999999999999999999998", '<', "99999999999999999999999999"},
    {"0000000000000000000000000000001", '<', "2"}, {"18446744073709551616", '>', "18446744073709551615"},
    /* what distributions have */
    {"6.1.0-9-amd64", '<', "6.1.0-10-amd64"}, {"6.1.0-10-amd64", '<', "6.1.0-10-rt-amd64"},
    {"6.5.6-300.fc39.x86_64", '<', "6.5.10-200.fc39.x86_64"}, {"6.6.0-0.rc1.fc40", '<', "6.6.0-61.fc40"},
    {"0-rescue-4b12", '<', "6.5.6-300.fc39.x86_64"}, {"4.18.0-553.el8_10.x86_64", '<', "4.18.0-553.16.1.el8_10.x86_64"},
    {"debian-6.1.0-9.conf", '<', "debian-6.1.0-10.conf"}, {"a-6.1.conf", '>', "a-6.1-rescue.conf"},
    {"6.8.0-31-generic", '<', "6.8.0-101-generic"}, {"Generation 9", '<', "Generation 10"},
    {"6.1~rc3", '<', "6.1"}, {"arch.conf", '>', "arch-fallback.conf"},
};

static void pairs_of_versions(void **state)
{
    (void)state;
    for (u32 i = 0; i < ARRAY_COUNT(pairs); i++)
        expect_order(pairs[i].a, pairs[i].b, pairs[i].order == '<' ? -1 : pairs[i].order == '>');
}

/* `systemd-analyze compare-versions` prints "A < B". Empty words are left out. */
static void systemd_says_the_same(void **state)
{
    (void)state;
    char line[256], expected[256];
    if (system("systemd-analyze compare-versions 1 1 >/dev/null 2>&1"))
        skip();
    assert_string_equal(pairs[FIRST_VAGUE].a, "a");
    for (u32 i = FIRST_VAGUE; i < ARRAY_COUNT(pairs); i++) {
        if (!pairs[i].a[0] || !pairs[i].b[0])
            continue;
        format_text(expected, sizeof expected, "%s %s %s", pairs[i].a, pairs[i].order == '=' ? "==" :
                    pairs[i].order == '<' ? "<" : ">", pairs[i].b);
        line_of(line, sizeof line, "systemd-analyze compare-versions '%s' '%s'", pairs[i].a, pairs[i].b);
        if (strcmp(line, expected))
            FAILED("systemd: %s; here: %s", line, expected);
    }
}

/* Whatever the strings are, it is an order. */
static void it_is_an_order(void **state)
{
    (void)state;
    static const char alphabet[] = "0019aB.-~^_+";
    char word[3][6];
    u32 seed = 1;
    for (u32 n = 0; n < 200000; n++) {
        for (u32 w = 0; w < 3; w++) {
            u32 length = (seed >> 20) % 5;
            for (u32 i = 0; i < length; i++) {
                seed = seed * 1664525 + 1013904223;
                word[w][i] = alphabet[(seed >> 16) % (sizeof alphabet - 1)];
            }
            seed = seed * 1664525 + 1013904223;
            word[w][length] = 0;
        }
        int ab = sign(version_compare(text_of(word[0]), text_of(word[1])));
        int bc = sign(version_compare(text_of(word[1]), text_of(word[2])));
        int ac = sign(version_compare(text_of(word[0]), text_of(word[2])));
        if (ab == bc && ac != ab)
            FAILED("\"%s\" %d \"%s\" %d \"%s\", but %d", word[0], ab, word[1], bc, word[2], ac);
        if (version_compare(text_of(word[1]), text_of(word[0])) != -ab)
            FAILED("\"%s\" and \"%s\"", word[0], word[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_chain_of_the_specification), cmocka_unit_test(pairs_of_versions),
        cmocka_unit_test(systemd_says_the_same),          cmocka_unit_test(it_is_an_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
