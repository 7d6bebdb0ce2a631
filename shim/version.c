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

/* The `mark` at the start of both is cut off; what only one of them starts with makes that one lower. */
static int compare_mark(struct text *a, struct text *b, char mark)
{
    bool x = at(*a, mark), y = at(*b, mark);
    if (x && y)
        a->at++, a->len--, b->at++, b->len--;
    return y - x;
}

static int compare_run(struct text *a, struct text *b)
{
    bool digits = (a->len && is_digit(a->at[0])) || (b->len && is_digit(b->at[0]));
    struct text x = take_run(a, digits ? is_digit : is_letter), y = take_run(b, digits ? is_digit : is_letter);
    return digits ? compare_numbers(x, y) : compare_bytes(x, y);
}

/* The steps of the specification, which go on behind a mark that both have: "1~~" is higher than "1~". */
int version_compare(struct text a, struct text b)
{
    for (;;) {
        while (a.len && !counts(a.at[0]))
            a.at++, a.len--;
        while (b.len && !counts(b.at[0]))
            b.at++, b.len--;
        int order = compare_mark(&a, &b, '~');
        if (!order && (!a.len || !b.len))
            return (a.len != 0) - (b.len != 0);
        for (const char *mark = "-^."; *mark && !order; mark++)
            order = compare_mark(&a, &b, *mark);
        if (!order)
            order = compare_run(&a, &b);
        if (order)
            return order;
    }
}
