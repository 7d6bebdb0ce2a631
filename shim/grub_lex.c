/* grub_lex.c: GRUB's script language as tokens, and words as what they stand for.
 *
 * GRUB manual 2.06 §6, "Writing full configuration files directly"; where it is silent, what grub-core/script (yylex.l,
 * execute.c, argv.c) does, which differs from a shell's: an unquoted value is split at blanks but its last blanks are
 * lost, so that `$a$b` may join words; a quoted one is one word, empty or not. Left out on purpose: translations of
 * $"…", which is read as "…" where a lone `$` is allowed; patterns of file names (they need `insmod regexp`).
 *
 * Exercise: tests/unit/test_grub.c, tests/fuzz/fuzz_grub.c.
 */
#include "grub_script.h"
#include "print.h"

/* ---- tokens ------------------------------------------------------------------------------------------------------ */

/* Bytes that cannot simply be part of a word. A bit for each of 128: this is asked for every byte of a config. */
static bool is_special(char c)
{
#define BIT(x) (1ull << ((x) & 63))
    static const u64 special[2] = {BIT('\t') | BIT('\n') | BIT(' ') | BIT('"') | BIT('$') | BIT('&') | BIT('\'') |
                                       BIT(';') | BIT('<') | BIT('>'),
                                   BIT('\\') | BIT('{') | BIT('|') | BIT('}')};
#undef BIT
    u8 byte = (u8)c;
    return byte < 128 && special[byte >> 6] >> (byte & 63) & 1;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c);
}

/* Bytes of `$name`, `${name}`, `$1`, `$?` and the like at `at`, where the `$` is; 0 when it is none. *name: of it. */
static u32 variable_length(const char *at, const char *end, struct text *name)
{
    const char *p = at + 1;
    bool braced = p < end && *p == '{';
    const char *first = p += braced;
    if (p < end && is_digit(*p))
        while (p < end && is_digit(*p))
            p++;
    else if (p < end && (*p == '?' || *p == '#' || *p == '*' || *p == '@'))
        p++;
    else
        while (p < end && is_name(*p))
            p++;
    *name = (struct text){first, (u32)(p - first)};
    if (p == first || (braced && (p == end || *p != '}')))
        return 0;
    return (u32)(p - at) + braced;
}

/* Where the string ends whose quote is at p; NULL with *problem. lone: a `$` that is no variable is itself. */
static const char *skip_quoted(const char *p, const char *end, bool lone, const char **problem)
{
    char quote = *p++;
    struct text name;
    for (; p < end && *p != quote; p++) {
        if (quote == '\'')
            continue;
        if (*p == '\\') {
            p++;
        } else if (*p == '$' && !lone && !variable_length(p, end, &name)) {
            *problem = "`$` without a name behind it";
            return NULL;
        }
    }
    if (p < end)
        return p + 1;
    *problem = quote == '"' ? "a `\"` that is not closed" : "a `'` that is not closed";
    return NULL;
}

/* Where the word at p ends; NULL with *problem. *quotes: there are some in it, or a `\`. */
static const char *skip_word(const char *p, const char *end, bool *quotes, const char **problem)
{
    struct text name;
    while (p && p < end) {
        while (p < end && !is_special(*p))
            p++;
        if (p == end)
            break;
        *quotes |= *p == '\'' || *p == '"' || *p == '\\';
        if (*p == '\'' || *p == '"') {
            p = skip_quoted(p, end, false, problem);
        } else if (*p == '\\') {
            p += end - p > 1 ? 2 : 1;
        } else if (*p == '$' && end - p > 1 && p[1] == '"') {
            p = skip_quoted(p + 1, end, true, problem);
        } else if (*p == '$') {
            u32 length = variable_length(p, end, &name);
            if (!length) {
                *problem = "`$` without a name behind it";
                return NULL;
            }
            p += length;
        } else {
            break;
        }
    }
    return p;
}

/* Blanks, comments, `\` at the end of a line. */
static void skip_blanks(struct grub_lexer *l)
{
    for (; l->at < l->end; l->at++) {
        if (*l->at == '#')
            while (l->at + 1 < l->end && l->at[1] != '\n')
                l->at++;
        else if (*l->at == '\\' && l->end - l->at > 1 && l->at[1] == '\n')
            l->at++, l->line++;
        else if (*l->at != ' ' && *l->at != '\t')
            return;
    }
}

void grub_lex(struct grub_lexer *l, struct grub_token *token)
{
    bool quotes = false;
    skip_blanks(l);
    const char *from = l->at, *to = from + 1;
    *token = (struct grub_token){.text = {from, 1}, .line = l->line};
    if (from >= l->end) {
        token->text.len = 0;
        return;
    }
    switch (*from) {
    case '\n':
        token->kind = GRUB_NEWLINE;
        l->line++;
        break;
    case ';':
        token->kind = to < l->end && *to == ';' ? GRUB_BAD : GRUB_SEMICOLON;
        break;
    case '{':
        token->kind = GRUB_LEFT;
        break;
    case '}':
        token->kind = GRUB_RIGHT;
        break;
    case '&': case '|': case '<': case '>':
        token->kind = GRUB_BAD;
        break;
    default:
        token->kind = GRUB_WORD;
        to = skip_word(from, l->end, &quotes, &token->problem);
        if (!to) {
            token->kind = GRUB_BAD;
            to = from + 1;
        }
    }
    l->at = to;
    token->text.len = (u32)(to - from);
    if (to - from == 2 && (text_equal(token->text, "[[") || text_equal(token->text, "]]")))
        token->kind = GRUB_BAD;
    for (const char *p = from; quotes && p < to; p++)
        l->line += *p == '\n';
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

struct expansion {
    struct grub *g;
    bool open; /* the last word of g may still grow; else the next byte begins another */
};

/* A word is there, if only an empty one. */
static bool begin(struct expansion *e)
{
    struct grub *g = e->g;
    if (e->open)
        return true;
    if (g->word_count == GRUB_WORDS_MAX)
        return grub_limit(g, "too many words");
    g->word[g->word_count++] = (struct text){g->byte + g->byte_count, 0};
    return e->open = true;
}

static bool put(struct expansion *e, const char *at, u32 len)
{
    struct grub *g = e->g;
    if (!begin(e))
        return false;
    if (len > GRUB_BYTES_MAX - g->byte_count)
        return grub_limit(g, "words that are too long");
    if (len)
        memcpy(g->byte + g->byte_count, at, len);
    g->byte_count += len;
    struct text *word = &g->word[g->word_count - 1];
    word->len = (u32)(g->byte + g->byte_count - word->at);
    return true;
}

static bool is_split_at(char c)
{
    return is_blank(c) || c == '\v' || c == '\f';
}

/* GRUB's split: blanks at both ends do not count. */
static bool put_split(struct expansion *e, struct text value)
{
    u32 i = 0;
    while (i < value.len && is_split_at(value.at[i]))
        i++;
    while (i < value.len) {
        u32 from = i;
        while (i < value.len && !is_split_at(value.at[i]))
            i++;
        if (!put(e, value.at + from, i - from))
            return false;
        while (i < value.len && is_split_at(value.at[i]))
            i++;
        if (i < value.len)
            e->open = false;
    }
    return true;
}

static bool put_value(struct expansion *e, struct text value, bool quoted)
{
    return quoted ? put(e, value.at, value.len) : put_split(e, value);
}

/* $* and $@, which differ within quotes only. */
static bool put_all(struct expansion *e, char which, bool quoted)
{
    const struct grub_scope *scope = e->g->scope;
    for (u32 i = 0; scope && i < scope->count; i++) {
        if (i && which == '*' && quoted && !put(e, " ", 1))
            return false;
        if (i && !(which == '*' && quoted))
            e->open = false;
        if (!put_value(e, scope->word[i], quoted))
            return false;
    }
    return true;
}

static bool put_variable(struct expansion *e, struct text name, bool quoted)
{
    const struct grub_scope *scope = e->g->scope;
    char number[12];
    u64 n = 0;
    if (name.at[0] == '*' || name.at[0] == '@')
        return put_all(e, name.at[0], quoted);
    if (name.at[0] == '?' || name.at[0] == '#') {
        if (name.at[0] == '#' && !scope)
            return true;
        u32 value = name.at[0] == '#' ? scope->count : (u32)e->g->status;
        return put(e, number, format_text(number, sizeof number, "%u", value));
    }
    if (is_digit(name.at[0])) {
        if (!scope || !text_number(name, &n) || !n || n > scope->count)
            return true;
        return put_value(e, scope->word[n - 1], quoted);
    }
    return put_value(e, text_of(variable_get(&e->g->variables, name)), quoted);
}

/* The string whose quote is at p, up to `end`, behind it. */
static bool put_string(struct expansion *e, const char *p, const char *end)
{
    bool single = *p++ == '\'';
    struct text name;
    if (!begin(e))
        return false;
    end--;
    while (p < end) {
        const char *from = p;
        u32 length = 0;
        while (p < end && (single || (*p != '\\' && *p != '$')))
            p++;
        if (!put(e, from, (u32)(p - from)))
            return false;
        if (p == end)
            break;
        if (*p == '$' && (length = variable_length(p, end, &name))) {
            if (!put_variable(e, name, true))
                return false;
            p += length;
            continue;
        }
        bool quotes = *p == '\\' && p + 1 < end && (p[1] == '$' || p[1] == '\\' || p[1] == '"' || p[1] == '\n');
        p += quotes;
        if (!(quotes && *p == '\n') && !put(e, p, 1))
            return false;
        p++;
    }
    return true;
}

/* A `\` outside of quotes; how many bytes of the source it takes. */
static u32 put_escape(struct expansion *e, const char *p, const char *end)
{
    if (end - p > 1 && p[1] == '\n')
        return 2;
    if (end - p > 1)
        return put(e, p + 1, 1) ? 2 : 0;
    return 1;
}

bool grub_expand(struct grub *g, struct text word)
{
    struct expansion e = {.g = g};
    const char *p = word.at, *end = p + word.len, *problem;
    struct text name;
    while (p < end) {
        const char *from = p;
        u32 used = 0;
        while (p < end && *p != '\\' && *p != '$' && *p != '\'' && *p != '"')
            p++;
        if (p != from && !put(&e, from, (u32)(p - from)))
            return false;
        if (p == end)
            break;
        if (*p == '\\') {
            used = put_escape(&e, p, end);
        } else if (*p == '$' && !(end - p > 1 && p[1] == '"')) {
            used = variable_length(p, end, &name);
            used = used && put_variable(&e, name, false) ? used : 0;
        } else {
            const char *quote = p + (*p == '$'), *behind = skip_quoted(quote, end, true, &problem);
            used = behind && put_string(&e, quote, behind) ? (u32)(behind - p) : 0;
        }
        if (!used)
            return false;
        p += used;
    }
    return true;
}
