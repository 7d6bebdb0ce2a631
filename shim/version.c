/* version.c: the order of version strings: UAPI.10, Version Format Specification (2023), and systemd's
 * strverscmp_improved(), which decides where that is vague: a letter is lower than any digit.
 *
 * Exercise: tests/unit/test_version.c, with `systemd-analyze compare-versions` as the oracle where it is installed.
 */
#include "bls.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool counts(char c)
{
    return is_digit(c) || is_letter(c) || c == '~' || c == '-' || c == '^' || c == '.';
}

static bool at(struct text t, char c)
{
    return t.len && t.at[0] == c;
}

/* Cut off the run of digits or letters at the start of *t. */
static struct text take_run(struct text *t, bool (*belongs)(char))
{
    struct text run = {t->at, 0};
    while (run.len < t->len && belongs(t->at[run.len]))
        run.len++;
    t->at += run.len, t->len -= run.len;
    return run;
}

static int compare_bytes(struct text a, struct text b)
{
    for (u32 i = 0; i < a.len && i < b.len; i++)
        if (a.at[i] != b.at[i])
            return (u8)a.at[i] < (u8)b.at[i] ? -1 : 1;
    return (a.len > b.len) - (a.len < b.len);
}

static int compare_numbers(struct text a, struct text b)
{
    if (!a.len || !b.len)
        return (a.len != 0) - (b.len != 0);
    while (at(a, '0'))
        a.at++, a.len--;
    while (at(b, '0'))
        b.at++, b.len--;
    return a.len != b.len ? (a.len > b.len) - (a.len < b.len) : compare_bytes(a, b);
}

/* What is at the start of both, which is cut off: 0 when it is the same. */
static int compare_part(struct text *a, struct text *b)
{
    for (const char *mark = "-^."; *mark; mark++)
        if (at(*a, *mark) || at(*b, *mark)) {
            if (at(*a, *mark) != at(*b, *mark))
                return at(*a, *mark) ? -1 : 1;
            a->at++, a->len--, b->at++, b->len--;
            return 0;
        }
    bool (*kind)(char) = is_digit(a->at[0]) || is_digit(b->at[0]) ? is_digit : is_letter;
    struct text x = take_run(a, kind), y = take_run(b, kind);
    return kind == is_digit ? compare_numbers(x, y) : compare_bytes(x, y);
}

int version_compare(struct text a, struct text b)
{
    for (;;) {
        while (a.len && !counts(a.at[0]))
            a.at++, a.len--;
        while (b.len && !counts(b.at[0]))
            b.at++, b.len--;
        if (at(a, '~') || at(b, '~')) { /* lower than the end, too */
            if (at(a, '~') != at(b, '~'))
                return at(a, '~') ? -1 : 1;
            a.at++, a.len--, b.at++, b.len--;
            continue;
        }
        if (!a.len || !b.len)
            return (a.len != 0) - (b.len != 0);
        int order = compare_part(&a, &b);
        if (order)
            return order;
    }
}
