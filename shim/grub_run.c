/* grub_run.c: what runs statements of GRUB's script language: commands by name, functions, assignments, files, limits.
 *
 * As GRUB does it: a name that is no command, function or assignment is reported and counts as true.
 * Exercise: tests/unit/test_grub.c, tests/fuzz/fuzz_grub.c.
 */
#include "grub_script.h"
#include "print.h"

/* ---- limits ------------------------------------------------------------------------------------------------------ */

void grub_report(struct grub *g, const char *sentence)
{
    config_report(g->config, g->name, g->line, "%s", sentence ? sentence : "no memory is left");
}

bool grub_limit(struct grub *g, const char *what)
{
    if (!g->problem)
        grub_report(g, format_copy("%s; the rest of the config is left out", what));
    g->problem = g->stopped = true;
    return false;
}

bool grub_spend(struct grub *g, u32 work)
{
    if (g->stopped)
        return false;
    g->work += work;
    if (g->work > GRUB_WORK_MAX)
        return grub_limit(g, "it runs for too long");
    if (arena_mark() > g->memory)
        return grub_limit(g, "it takes too much memory");
    return true;
}

/* ---- variables --------------------------------------------------------------------------------------------------- */

struct text grub_get(const struct grub *g, const char *name)
{
    return text_of(variable_get(&g->variables, text_of(name)));
}

static bool is_one_of(char c, const char *set)
{
    while (*set && *set != c)
        set++;
    return *set;
}

void grub_set(struct grub *g, struct text name, struct text value)
{
    const char *old = variable_get(&g->variables, name);
    if (!name.len || (name.at[0] >= '0' && name.at[0] <= '9') || (name.len == 1 && is_one_of(name.at[0], "?#*@")))
        return;
    if (text_equal(name, "root") && text_starts(value, "(") && value.at[value.len - 1] == ')') /* GRUB does so */
        value.at++, value.len -= 2;
    if (old && text_equal(value, old))
        return; /* the arena does not forget */
    if (variable_set(&g->variables, name, value)) {
        grub_limit(g, error_text());
        error_clear();
    }
}

struct text *grub_copy_words(struct grub_words words)
{
    struct text *copy = arena_alloc((words.count + 1) * sizeof *copy, 8);
    for (u32 i = 0; copy && i < words.count; i++) {
        copy[i] = (struct text){text_copy(words.at[i]), words.at[i].len};
        if (!copy[i].at)
            return NULL;
    }
    return copy;
}

/* ---- commands ---------------------------------------------------------------------------------------------------- */

static const struct grub_command *find_command(const struct grub_command *commands, struct text name)
{
    for (; commands->name; commands++)
        if (commands->name[0] == name.at[0] && text_equal(name, commands->name))
            return commands;
    return NULL;
}

/* One of the names in a list of them, blanks around each. */
static bool is_listed(const char *list, struct text name)
{
    for (const char *p = list + 1; *p; p++) {
        u32 n = 0;
        while (n < name.len && p[n] == name.at[n])
            n++;
        if (n == name.len && p[n] == ' ')
            return true;
        while (*p != ' ')
            p++;
    }
    return false;
}

static bool call(struct grub *g, const struct grub_function *function, struct grub_words words)
{
    struct grub_scope scope = {words.at, words.count}, *outer = g->scope;
    struct grub_lexer l = function->body;
    const char *name = g->name;
    u32 loops = g->loops;
    g->scope = &scope;
    g->name = function->file;
    g->loops = 0;
    g->status = 0;
    grub_walk(g, &l, true, GRUB_AT_END);
    g->returning = false;
    g->loops = loops;
    g->name = name;
    g->scope = outer;
    return true;
}

static bool call_named(struct grub *g, struct text name, struct grub_words words)
{
    for (u32 i = 0; i < g->function_count; i++) {
        struct text other = g->function[i].name;
        if (other.len == name.len && !memcmp(other.at, name.at, name.len))
            return call(g, &g->function[i], words);
    }
    return false;
}

/* Each name once: a loop or every entry may use it. */
static void report_unknown(struct grub *g, struct text name)
{
    u32 hash = 2166136261u; /* FNV-1a */
    for (u32 i = 0; i < name.len; i++)
        hash = (hash ^ (u8)name.at[i]) * 16777619u;
    for (u32 i = 0; i < g->unknown_count; i++)
        if (g->unknown[i] == hash)
            return;
    if (g->unknown_count < GRUB_UNKNOWN_MAX)
        g->unknown[g->unknown_count++] = hash;
    grub_report(g, format_copy("unknown command \"%.*s\"; expected one of GRUB's", (int)min_u64(name.len, 60),
                               name.at));
}

static bool assign(struct grub *g, struct text word)
{
    struct text name;
    text_split(&word, '=', &name);
    if (word.at)
        grub_set(g, name, word);
    return word.at;
}

#define NO_COMMAND (-1) /* true, and `!` does not make it false */

static int run_command(struct grub *g, struct grub_words words, struct text body, u32 body_line)
{
    struct text name = words.at[-1];
    const struct grub_command *command;
    bool submenu = text_equal(name, "submenu");
    if (!name.len) /* of an empty word */
        return 0;
    if (submenu || text_equal(name, "menuentry"))
        return grub_add_menuentry(g, words, body, body_line, submenu);
    if (!(command = find_command(grub_commands, name)))
        command = find_command(grub_boot_commands, name);
    if (command)
        return command->run(g, words);
    if (call_named(g, name, words)) /* before those that do nothing here: Ubuntu calls a function gfxmode */
        return g->status;
    if (is_listed(grub_idle_commands, name))
        return 0;
    if (!assign(g, name))
        report_unknown(g, name);
    return NO_COMMAND;
}

void grub_execute(struct grub *g, struct grub_words words, struct text body, u32 body_line)
{
    if (!grub_spend(g, GRUB_COMMAND_WORK + g->byte_count))
        return;
    bool invert = text_equal(words.at[-1], "!") && words.count;
    words.at += invert;
    words.count -= invert;
    int status = run_command(g, words, body, body_line);
    g->status = status == NO_COMMAND ? 0 : invert ? !status : status;
    if (error_text()[0])
        error_clear(); /* what a command could not do is its status */
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* Without its last component; GRUB's form of it, "(hd0,gpt2)/boot/grub". */
static const char *directory_of(const struct grub *g, const struct volume *v, struct text path)
{
    while (path.len && path.at[--path.len] != '/')
        ;
    return format_copy("(%s)%.*s", grub_device_name(g, v), (int)path.len, path.at);
}

struct text grub_drop_returns(struct text text)
{
    u32 kept = 0;
    while (kept < text.len && text.at[kept] != '\r') /* most files have none */
        kept++;
    char *copy = kept == text.len ? NULL : text_copy(text);
    if (!copy)
        return kept == text.len ? text : (struct text){NULL, 0};
    for (u32 i = kept; i < text.len; i++) {
        copy[kept] = text.at[i];
        kept += text.at[i] != '\r';
    }
    return (struct text){copy, kept};
}

static enum error run_open_file(struct grub *g, const struct file *file, struct text path)
{
    char *bytes;
    struct text text;
    enum error error = file_read_all(file, CONFIG_SIZE_MAX, &bytes, &text.len);
    if (error)
        return error;
    text = grub_drop_returns((struct text){bytes, text.len});
    if (!text.at)
        return ERR_NO_MEMORY;
    struct text device, inside, outer = grub_get(g, "config_directory");
    struct volume *v = grub_path(g, path, &device, &inside);
    const char *directory = v ? directory_of(g, v, inside) : NULL;
    if (directory)
        grub_set(g, text_of("config_directory"), text_of(directory));
    g->file[g->file_depth++] = file->path;
    g->depth += 2; /* its frames are larger */
    grub_run_text(g, file->path, text, 1, false);
    g->depth -= 2;
    g->file_depth--;
    if (outer.at)
        grub_set(g, text_of("config_directory"), outer);
    return OK;
}

enum error grub_run_file(struct grub *g, struct text path)
{
    struct file file;
    enum error error = grub_open(g, path, &file);
    for (u32 i = 0; !error && i < g->file_depth; i++)
        if (!strcmp(g->file[i], file.path))
            return fail(ERR_UNSUPPORTED, "%s reads itself", file.path);
    if (error)
        return error;
    if (g->file_depth == ARRAY_COUNT(g->file) || g->depth + 2 >= GRUB_DEPTH_MAX) {
        grub_limit(g, "too many files within each other");
        return fail(ERR_UNSUPPORTED, "too many files within each other");
    }
    return run_open_file(g, &file, path);
}
