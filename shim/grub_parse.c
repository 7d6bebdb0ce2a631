/* grub_parse.c: statements of GRUB's script language, walked in the text itself: checked, run, or passed over.
 *
 * GRUB manual 2.06 §6; grub-core/script/parser.y for the grammar: a function is defined where commands of a file stand
 * (here anywhere), a block needs no delimiter before its `}`, `&&`, `||`, `|`, `<` and `>` are no operators. More is
 * accepted than GRUB does in one point: a block or branch may be empty.
 * As in GRUB a line is checked with all that belongs to it before anything of it is run, and when it is wrong, what
 * follows the mistake on the next line is run.
 *
 * Exercise: tests/unit/test_grub.c, tests/fuzz/fuzz_grub.c.
 */
#include "grub_script.h"
#include "print.h"

enum keyword { NO_KEYWORD, CASE, DO, DONE, ELIF, ELSE, ESAC, FI, FOR, FUNCTION, IF, IN, SELECT, THEN, UNTIL, WHILE };
static const char *const keywords[] = {
    [NO_KEYWORD] = "", [CASE] = "case", [DO] = "do",     [DONE] = "done",         [ELIF] = "elif",   [ELSE] = "else",
    [ESAC] = "esac",   [FI] = "fi",     [FOR] = "for",   [FUNCTION] = "function", [IF] = "if",       [IN] = "in",
    [SELECT] = "select", [THEN] = "then", [UNTIL] = "until", [WHILE] = "while",
};

/* Only where a statement begins these are not words as others. */
static enum keyword keyword_of(const struct grub_token *t)
{
    if (t->kind != GRUB_WORD || t->text.len < 2 || t->text.len > 8 || t->text.at[0] < 'c' || t->text.at[0] > 'w')
        return NO_KEYWORD;
    for (u32 k = 1; k < ARRAY_COUNT(keywords); k++)
        if (keywords[k][0] == t->text.at[0] && text_equal(t->text, keywords[k]))
            return (enum keyword)k;
    return NO_KEYWORD;
}

/* The bit of a walk's end that token t is, 0 when it is none. */
static u32 stop_of(const struct grub_token *t, enum keyword keyword)
{
    static const u16 of_keyword[] = {
        [DO] = GRUB_AT_DO, [DONE] = GRUB_AT_DONE, [ELIF] = GRUB_AT_ELIF,
        [ELSE] = GRUB_AT_ELSE, [FI] = GRUB_AT_FI, [THEN] = GRUB_AT_THEN,
    };
    switch (t->kind) {
    case GRUB_END:
        return GRUB_AT_END;
    case GRUB_NEWLINE:
        return GRUB_AT_NEWLINE;
    case GRUB_RIGHT:
        return GRUB_AT_RIGHT;
    default:
        return keyword < ARRAY_COUNT(of_keyword) ? of_keyword[keyword] : 0;
    }
}

static const char *stop_names(u32 stops)
{
    return stops & GRUB_AT_THEN    ? "`then`"
           : stops & GRUB_AT_DO    ? "`do`"
           : stops & GRUB_AT_DONE  ? "`done`"
           : stops & GRUB_AT_ELIF  ? "`elif`, `else` or `fi`"
           : stops & GRUB_AT_FI    ? "`fi`"
           : stops & GRUB_AT_RIGHT ? "`}`"
                                   : "a command";
}

/* Say what is wrong at token t. Always 0. */
static u32 syntax_error(struct grub *g, const struct grub_token *t, const char *expected)
{
    g->error_at = t->text.at;
    g->error_line = t->line;
    if (t->problem)
        config_report(g->config, g->name, t->line, "%s", t->problem);
    else if (t->kind == GRUB_END)
        config_report(g->config, g->name, t->line, "the file ends, expected %s", expected);
    else if (t->kind == GRUB_NEWLINE)
        config_report(g->config, g->name, t->line, "the line ends, expected %s", expected);
    else
        config_report(g->config, g->name, t->line, "`%.*s`, expected %s", (int)min_u64(t->text.len, 40), t->text.at,
                      expected);
    return 0;
}

static bool enter(struct grub *g)
{
    if (g->depth == GRUB_DEPTH_MAX)
        return grub_limit(g, "too many things within each other");
    g->depth++;
    return true;
}

/* Behind the `{` of a block: its text up to the `}`, which is passed. What is run has been checked just before; then
 * the end of its outermost block is known. */
static bool take_block(struct grub *g, struct grub_lexer *l, struct text *body)
{
    body->at = l->at;
    if (g->block_at == l->at)
        *l = g->block_end;
    else if (!grub_walk(g, l, false, GRUB_AT_RIGHT))
        return false;
    body->len = (u32)(l->at - body->at) - 1;
    g->block_at = body->at;
    g->block_end = *l;
    return true;
}

/* Words and a block up to what can be none of them. */
static bool walk_command(struct grub *g, struct grub_lexer *l, bool run)
{
    u32 words = g->word_count, bytes = g->byte_count;
    struct text body = {NULL, 0};
    struct grub_token t;
    struct grub_lexer next = *l;
    u32 line = 0, body_line = 0;
    bool good = true;
    for (grub_lex(&next, &t); t.kind == GRUB_WORD && good; grub_lex(&next, &t)) {
        line = line ? line : t.line;
        *l = next;
        good = grub_spend(g, t.text.len) && (!run || grub_expand(g, t.text));
    }
    if (good && t.kind == GRUB_LEFT) {
        *l = next;
        body_line = l->line;
        good = take_block(g, l, &body);
    }
    if (good && run) {
        g->line = line;
        if (g->word_count > words)
            grub_execute(g, (struct grub_words){g->word + words + 1, g->word_count - words - 1}, body, body_line);
    }
    g->word_count = words;
    g->byte_count = bytes;
    return good && !grub_is_leaving(g);
}

/* Behind `if`. */
static bool walk_if(struct grub *g, struct grub_lexer *l, bool run)
{
    bool taken = false;
    u32 stop;
    do {
        if (!grub_walk(g, l, run && !taken, GRUB_AT_THEN))
            return false;
        bool now = run && !taken && !g->status;
        stop = grub_walk(g, l, now, GRUB_AT_ELIF | GRUB_AT_ELSE | GRUB_AT_FI);
        taken |= now;
    } while (stop == GRUB_AT_ELIF);
    if (run && !taken)
        g->status = 0;
    if (stop == GRUB_AT_ELSE)
        stop = grub_walk(g, l, run && !taken, GRUB_AT_FI);
    return stop;
}

/* One round is over: true for another one. */
static bool next_round(struct grub *g)
{
    if (g->breaks == 1 && g->continuing)
        g->breaks = 0;
    return !grub_is_leaving(g) && grub_spend(g, GRUB_COMMAND_WORK);
}

/* The loop is left. */
static bool end_loop(struct grub *g)
{
    if (g->breaks)
        g->breaks--;
    g->loops--;
    return !grub_is_leaving(g);
}

/* Behind `while` or `until`. */
static bool walk_while(struct grub *g, struct grub_lexer *l, bool run, bool until)
{
    struct grub_lexer condition = *l;
    if (!grub_walk(g, l, false, GRUB_AT_DO))
        return false;
    struct grub_lexer body = *l;
    if (!grub_walk(g, l, false, GRUB_AT_DONE))
        return false;
    if (!run)
        return true;
    g->loops++;
    do {
        struct grub_lexer at = condition;
        if (!grub_walk(g, &at, true, GRUB_AT_DO) || !g->status == until)
            break;
        at = body;
        grub_walk(g, &at, true, GRUB_AT_DONE);
    } while (next_round(g));
    return end_loop(g);
}

static bool is_name(struct text t)
{
    for (u32 i = 0; i < t.len; i++) {
        char c = t.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (!i || c < '0' || c > '9'))
            return false;
    }
    return t.len;
}

/* Behind `for`. */
static bool walk_for(struct grub *g, struct grub_lexer *l, bool run)
{
    u32 words = g->word_count, bytes = g->byte_count;
    struct grub_token name, t;
    bool good = true;
    grub_lex(l, &name);
    if (name.kind != GRUB_WORD || !is_name(name.text) || keyword_of(&name))
        return syntax_error(g, &name, "a variable's name");
    grub_lex(l, &t);
    if (keyword_of(&t) != IN)
        return syntax_error(g, &t, "`in`");
    for (grub_lex(l, &t); t.kind == GRUB_WORD && good; grub_lex(l, &t))
        good = !run || grub_expand(g, t.text);
    if (good && t.kind != GRUB_SEMICOLON && t.kind != GRUB_NEWLINE)
        return syntax_error(g, &t, "a word, `;` or the end of the line");
    for (grub_lex(l, &t); t.kind == GRUB_NEWLINE && good;)
        grub_lex(l, &t);
    if (good && keyword_of(&t) != DO)
        return syntax_error(g, &t, "`do`");
    struct grub_lexer body = *l;
    good = good && grub_walk(g, l, false, GRUB_AT_DONE);
    u32 last = g->word_count;
    g->loops++;
    if (run && good)
        g->status = 0;
    for (u32 i = words; run && good && i < last; i++) {
        struct grub_lexer at = body;
        grub_set(g, name.text, g->word[i]);
        grub_walk(g, &at, true, GRUB_AT_DONE);
        if (!next_round(g))
            break;
    }
    g->word_count = words;
    g->byte_count = bytes;
    return end_loop(g) && good;
}

/* Behind `function`. */
static bool walk_function(struct grub *g, struct grub_lexer *l, bool run)
{
    struct grub_token name, t;
    struct text body;
    grub_lex(l, &name);
    if (name.kind != GRUB_WORD || !is_name(name.text) || keyword_of(&name))
        return syntax_error(g, &name, "a function's name");
    do
        grub_lex(l, &t);
    while (t.kind == GRUB_NEWLINE);
    if (t.kind != GRUB_LEFT)
        return syntax_error(g, &t, "`{`");
    struct grub_lexer start = *l;
    if (!take_block(g, l, &body))
        return false;
    start.end = body.at + body.len;
    u32 n = 0;
    while (n < g->function_count && (g->function[n].name.len != name.text.len ||
                                     memcmp(g->function[n].name.at, name.text.at, name.text.len)))
        n++;
    if (!run)
        return true;
    if (n == GRUB_FUNCTIONS_MAX)
        return grub_limit(g, "too many functions");
    g->function_count += n == g->function_count;
    g->function[n] = (struct grub_function){name.text, start, g->name};
    return true;
}

/* The statement whose first token t has been read from *l; at: where it begins. */
static bool walk_statement(struct grub *g, struct grub_lexer *l, const struct grub_lexer *at,
                           const struct grub_token *t, bool run)
{
    enum keyword keyword = keyword_of(t);
    switch (keyword) {
    case IF:
        return walk_if(g, l, run);
    case FOR:
        return walk_for(g, l, run);
    case WHILE:
    case UNTIL:
        return walk_while(g, l, run, keyword == UNTIL);
    case FUNCTION:
        return walk_function(g, l, run);
    default:
        if (t->kind != GRUB_WORD || keyword)
            return false;
        *l = *at;
        return walk_command(g, l, run);
    }
}

u32 grub_walk(struct grub *g, struct grub_lexer *l, bool run, u32 stops)
{
    bool delimited = true, good = true, any = false;
    if (!enter(g))
        return 0;
    while (good) {
        struct grub_lexer at = *l;
        struct grub_token t;
        grub_lex(l, &t);
        enum keyword keyword = keyword_of(&t);
        u32 stop = stop_of(&t, keyword);
        if (!grub_spend(g, (u32)(l->at - at.at)))
            break;
        if (stop & stops && (delimited || !keyword)) {
            g->depth--;
            return stop;
        }
        if (t.kind == GRUB_NEWLINE || (t.kind == GRUB_SEMICOLON && any && !delimited)) {
            delimited = true;
            continue;
        }
        if (!delimited || t.kind != GRUB_WORD || (keyword && keyword != IF && keyword != FOR && keyword != WHILE &&
                                                  keyword != UNTIL && keyword != FUNCTION))
            good = syntax_error(g, &t, delimited ? stop_names(stops) : "`;` or the end of the line");
        else
            good = walk_statement(g, l, &at, &t, run);
        delimited = false;
        any = true;
    }
    g->depth--;
    return 0;
}

void grub_run_text(struct grub *g, const char *name, struct text text, u32 line, bool checked)
{
    const char *outer = g->name;
    struct grub_lexer l = {text.at, text.at + text.len, line ? line : 1};
    u32 stop = GRUB_AT_NEWLINE;
    g->name = name;
    while (stop != GRUB_AT_END && !grub_is_leaving(g)) {
        struct grub_lexer start = l;
        stop = checked || grub_walk(g, &l, false, GRUB_AT_NEWLINE | GRUB_AT_END);
        if (stop) {
            l = start;
            stop = grub_walk(g, &l, true, GRUB_AT_NEWLINE | GRUB_AT_END);
        } else if (!g->stopped) {
            l = (struct grub_lexer){g->error_at, l.end, g->error_line};
            while (l.at < l.end && *l.at != '\n')
                l.at++;
        }
    }
    g->name = outer;
}
