/* grub_regexp.c: extended regular expressions, as far as grub.cfg files use them: . [] () | * + ? {m,n} ^ $ \.
 *
 * POSIX.1-2017 base definitions §9.4. What matches first by trying longer repetitions and earlier alternatives first is
 * taken, which is not always POSIX's longest match. Matching goes backwards on failure, within a number of steps and of
 * calls. Left out on purpose: [.x.], [=x=], back references.
 *
 * Exercise: tests/unit/test_grub.c, tests/fuzz/fuzz_grub.c.
 */
#include "grub_script.h"

#define STEPS_MAX 20000u
#define DEPTH_MAX 30u /* calls within each other: bounds the stack */

struct matcher {
    struct text expression, subject;
    struct text *group;
    const char *problem;
    u32 steps, depth, end; /* end: where the whole match ends */
};

/* An atom in parentheses with its repetition, and how many rounds of it have been matched. What is in its parentheses
 * goes on, at its end, with the loop it is in: "up" below. */
struct loop {
    const char *atom, *atom_end, *next, *end; /* next … end: the rest of the sequence it is in */
    const struct loop *up;                    /* whose parentheses that sequence is in; NULL: none */
    u32 least, most, count;
    u32 group; /* number of its parentheses */
    u32 at;    /* where the round began */
};

static bool match_sequence(struct matcher *m, const char *p, const char *end, u32 at, const struct loop *up);

/* Where the atom at p ends: a byte, `\x`, [set], (…). NULL when it is not closed. */
static const char *skip_atom(const char *p, const char *end)
{
    u32 depth = 0;
    do {
        if (*p == '\\' && end - p > 1) {
            p++;
        } else if (*p == '[') {
            p += end - p > 1 && p[1] == '^' ? 2 : 1;
            p += p < end && *p == ']'; /* in front it is one of the set */
            for (; p < end && *p != ']'; p++)
                if (end - p > 1 && p[0] == '[' && p[1] == ':')
                    while (p < end && *p != ']')
                        p++;
            if (p >= end)
                return NULL;
        } else {
            depth += *p == '(';
            depth -= *p == ')' && depth;
        }
        p++;
    } while (depth && p < end);
    return depth ? NULL : p;
}

static bool is_in_class(char c, struct text name)
{
    bool digit = c >= '0' && c <= '9', lower = c >= 'a' && c <= 'z', upper = c >= 'A' && c <= 'Z';
    bool hex = digit || ((c | 32) >= 'a' && (c | 32) <= 'f');
    return text_equal(name, "digit")    ? digit
           : text_equal(name, "alpha")  ? lower || upper
           : text_equal(name, "alnum")  ? digit || lower || upper
           : text_equal(name, "space")  ? is_blank(c)
           : text_equal(name, "blank")  ? c == ' ' || c == '\t'
           : text_equal(name, "xdigit") ? hex
           : text_equal(name, "lower")  ? lower
           : text_equal(name, "upper")  ? upper
           : text_equal(name, "punct")  ? c > ' ' && c < 0x7f && !digit && !lower && !upper
                                        : false;
}

/* p: behind the `[`; end: at the `]`. */
static bool is_in_set(char c, const char *p, const char *end)
{
    bool invert = *p == '^', in = false;
    for (p += invert; p < end; p++) {
        if (end - p > 3 && p[0] == '[' && p[1] == ':') {
            const char *name = p += 2;
            while (p < end && *p != ':')
                p++;
            in |= is_in_class(c, (struct text){name, (u32)(p - name)});
            p++;
        } else if (end - p > 2 && p[1] == '-') {
            in |= (u8)c >= (u8)p[0] && (u8)c <= (u8)p[2];
            p += 2;
        } else {
            in |= c == *p;
        }
    }
    return in != invert;
}

static bool is_byte(char c, const char *p, const char *end)
{
    return *p == '.' || (*p == '[' ? is_in_set(c, p + 1, end - 1) : *p == '\\' && end - p > 1 ? c == p[1] : c == *p);
}

/* The number of the group whose `(` is at p. */
static u32 group_number(const char *start, const char *p)
{
    u32 number = 1;
    while (start < p) {
        const char *behind = *start == '(' ? start + 1 : skip_atom(start, p);
        number += *start == '(';
        start = behind ? behind : start + 1;
    }
    return number;
}

/* {m}, {m,}, {m,n}, *, +, ? at p; where it ends. */
static const char *take_repetition(const char *p, const char *end, struct loop *loop)
{
    loop->least = loop->most = 1;
    if (p < end && (*p == '*' || *p == '+' || *p == '?')) {
        loop->least = *p == '+';
        loop->most = *p == '?' ? 1 : ~0u;
        return p + 1;
    }
    if (p == end || *p != '{')
        return p;
    const char *q = p + 1;
    u32 number[2] = {0, 0}, n = 0;
    for (; q < end && *q != '}'; q++) {
        if (*q == ',' && !n)
            number[n = 1] = 0;
        else if (*q >= '0' && *q <= '9' && number[n] < 1000)
            number[n] = number[n] * 10 + (u32)(*q - '0');
        else
            return p;
    }
    if (q == end)
        return p;
    loop->least = number[0];
    loop->most = !n ? number[0] : q[-1] == ',' ? ~0u : number[1];
    return q + 1;
}

/* A `|` outside of parentheses in [p, end), or end. */
static const char *find_bar(const char *p, const char *end)
{
    while (p && p < end && *p != '|')
        p = skip_atom(p, end);
    return p ? p : end;
}

static bool match_alternatives(struct matcher *m, const char *p, const char *end, u32 at, const struct loop *up)
{
    for (;;) {
        const char *bar = find_bar(p, end);
        if (match_sequence(m, p, bar, at, up))
            return true;
        if (bar == end)
            return false;
        p = bar + 1;
    }
}

/* Another round, as often as may be; then what is behind. An empty round is the last one. */
static bool match_loop(struct matcher *m, const struct loop *loop, u32 at)
{
    if (loop->count < loop->most && !(loop->count && loop->at == at)) {
        struct loop round = *loop;
        round.count++;
        round.at = at;
        if (match_alternatives(m, loop->atom + 1, loop->atom_end - 1, at, &round))
            return true;
    }
    return loop->count >= loop->least && match_sequence(m, loop->next, loop->end, at, loop->up);
}

/* The parentheses' round is over. */
static bool match_behind(struct matcher *m, u32 at, const struct loop *round)
{
    struct text *group = round->group < GRUB_GROUPS_MAX ? &m->group[round->group] : NULL;
    struct text before = group ? *group : (struct text){NULL, 0};
    if (group)
        *group = (struct text){m->subject.at + round->at, at - round->at};
    if (match_loop(m, round, at))
        return true;
    if (group)
        *group = before;
    return false;
}

/* A byte or a set, as often as may be and then less often. */
static bool match_bytes(struct matcher *m, const struct loop *loop, u32 at)
{
    u32 n = 0; /* of them in a row */
    while (n < loop->most && at + n < m->subject.len && is_byte(m->subject.at[at + n], loop->atom, loop->atom_end))
        n++;
    for (u32 more = n + 1; more-- > loop->least;)
        if (match_sequence(m, loop->next, loop->end, at + more, loop->up))
            return true;
    return false;
}

static bool match_here(struct matcher *m, const char *p, const char *end, u32 at, const struct loop *up)
{
    struct loop loop = {.atom = p, .end = end, .up = up, .at = at};
    if (p == end) {
        m->end = at;
        return !up || match_behind(m, at, up);
    }
    if (*p == '^' || *p == '$')
        return at == (*p == '^' ? 0 : m->subject.len) && match_sequence(m, p + 1, end, at, up);
    loop.atom_end = skip_atom(p, end);
    if (!loop.atom_end) {
        m->problem = "its brackets are not closed";
        return false;
    }
    loop.next = take_repetition(loop.atom_end, end, &loop);
    if (*p != '(')
        return match_bytes(m, &loop, at);
    loop.group = group_number(m->expression.at, p);
    return match_loop(m, &loop, at);
}

static bool match_sequence(struct matcher *m, const char *p, const char *end, u32 at, const struct loop *up)
{
    if (m->problem)
        return false;
    if (++m->steps > STEPS_MAX || m->depth == DEPTH_MAX) {
        m->problem = "it takes too long to find";
        return false;
    }
    m->depth++;
    bool found = match_here(m, p, end, at, up);
    m->depth--;
    return found && !m->problem;
}

bool grub_regexp(struct text expression, struct text subject, struct text group[GRUB_GROUPS_MAX],
                 const char **problem)
{
    struct matcher m = {.expression = expression, .subject = subject, .group = group};
    bool found = false;
    u32 at = 0;
    memset(group, 0, GRUB_GROUPS_MAX * sizeof *group);
    for (; at <= subject.len && !found && !m.problem; at++)
        found = match_alternatives(&m, expression.at, expression.at + expression.len, at, NULL);
    if (found)
        group[0] = (struct text){subject.at + at - 1, m.end - (at - 1)};
    *problem = m.problem;
    return found;
}
