/* config_shim.c: the dialect shim.cfg (contract §5): lines of `key value`, with the Boot Loader Specification's keys
 * wherever it has one.
 *
 * Every problem is a sentence with its line, and everything else stays usable: an entry that cannot work is kept,
 * disabled, with the reason. Exercise: tests/unit/test_config.c, tests/fuzz/fuzz_config.c.
 */
#include "config.h"
#include "print.h"
#include "tables.h"

struct parser {
    struct config *config;
    const struct config_file *file;
    u32 line;
    struct boot_entry *entry; /* NULL before the first */
    bool skipping;            /* behind an `entry` line that could not be used */
    u32 timeout_line, default_line, fallback_line; /* 0: there was none */
    const char *default_id, *fallback_id;
};

#define report(p, line, ...) config_report((p)->config, (p)->file->name, line, __VA_ARGS__)

/* The entry stays in the menu, but cannot be chosen. */
static void disable(struct parser *p, const char *reason)
{
    if (p->entry && !p->entry->disabled)
        p->entry->disabled = reason;
}

/* For a key that may stand once: true the first time, which *line remembers. */
static bool is_first(struct parser *p, const char *key, u32 *line)
{
    if (*line)
        report(p, p->line, "second `%s`; the one of line %u stays", key, *line);
    else
        *line = p->line;
    return *line == p->line;
}

/* A part of a sentence: long ones would push the rest out of it. */
static int shown(struct text t)
{
    return (int)min_u64(t.len, 100);
}

/* Bytes before the first blank. */
static u32 word_length(struct text t)
{
    u32 n = 0;
    while (n < t.len && t.at[n] != ' ' && t.at[n] != '\t')
        n++;
    return n;
}

static bool is_path(struct text t)
{
    if (text_starts(t, "/"))
        return true;
    if (!text_starts(t, "("))
        return false;
    for (u32 i = 1; i < t.len; i++)
        if (t.at[i] == ')')
            return i > 1 && i + 1 < t.len && t.at[i + 1] == '/';
    return false;
}

static bool check_path(struct parser *p, const char *key, struct text path)
{
    if (is_path(path))
        return true;
    report(p, p->line, "`%s` \"%.*s\": expected /path or (VOLUME)/path", key, shown(path), path.at);
    disable(p, "one of its paths is not /path or (VOLUME)/path");
    return false;
}

/* ---- keys of an entry -------------------------------------------------------------------------------------------- */

static void key_title(struct parser *p, struct text value)
{
    const char *copy = text_copy(value);
    if (p->entry->title != p->entry->id)
        report(p, p->line, "second `title`; the first one stays");
    else if (copy)
        p->entry->title = copy;
}

/* key: the protocol's name. */
static void key_kernel(struct parser *p, const char *key, struct text value)
{
    struct boot_entry *entry = p->entry;
    if (entry->kernel) {
        report(p, p->line, "second kernel in entry %.100s; expected exactly one of `linux` and `pvh`", entry->id);
        disable(p, "it has more than one kernel");
        return;
    }
    entry->kernel = "";
    for (u32 i = 0; payload_protocols[i]; i++)
        if (!strcmp(payload_protocols[i]->name, key))
            entry->protocol = payload_protocols[i];
    if (!entry->protocol) {
        report(p, p->line, "`%s` %.*s: cannot be booted yet, expected `linux` or `pvh`", key, shown(value), value.at);
        disable(p, "kernels of its kind cannot be booted yet");
    } else if (check_path(p, key, value)) {
        entry->kernel = text_copy(value);
    }
}

static void add_file(struct parser *p, const char *key, struct entry_file **files, u32 *count, struct entry_file file)
{
    if (!check_path(p, key, file.path))
        return;
    enum error error = entry_file_add(files, count, file);
    if (!error)
        return;
    if (error == ERR_UNSUPPORTED)
        report(p, p->line, "more than %u `%s` lines", ENTRY_FILES_MAX, key);
    else
        report(p, p->line, "%s", error_text());
    error_clear();
    disable(p, "it has too many files");
}

/* A path and, behind it, a text. */
static void key_module(struct parser *p, struct text value)
{
    u32 n = word_length(value);
    struct text text = text_trim((struct text){value.at + n, value.len - n});
    add_file(p, "module", &p->entry->module, &p->entry->module_count, (struct entry_file){{value.at, n}, text});
}

static void key_options(struct parser *p, struct text value)
{
    if (!entry_options_add(p->entry, value))
        return;
    report(p, p->line, "%s", error_text());
    error_clear();
    disable(p, "its options do not fit into memory");
}

/* ---- global keys ------------------------------------------------------------------------------------------------- */

static void key_timeout(struct parser *p, struct text value)
{
    u64 seconds;
    if (!is_first(p, "timeout", &p->timeout_line))
        return;
    if (text_equal(value, "none"))
        p->config->timeout = TIMEOUT_NONE;
    else if (text_number(value, &seconds) && seconds < TIMEOUT_UNSET)
        p->config->timeout = (u32)seconds;
    else
        report(p, p->line, "`timeout` \"%.*s\": expected a number of seconds or none", shown(value), value.at);
}

static void key_id(struct parser *p, const char *key, u32 *line, const char **id, struct text value)
{
    if (is_first(p, key, line))
        *id = text_copy(value);
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

enum { TIMEOUT, DEFAULT, FALLBACK, TITLE, LINUX, PVH, INITRD, OPTIONS, MODULE, ENTRY, KEYS, FIRST_OWN = TITLE };

/* By the numbers above; then keys that are not suggested: `multiboot`, which comes later, and those of the Boot Loader
 * Specification that other loaders read and that have no effect here. */
static const char keywords[][13] = {
    "timeout", "default", "fallback", "title", "linux", "pvh", "initrd", "options", "module", "entry",
    "multiboot", "version", "machine-id", "sort-key", "architecture", "devicetree", "efi",
};
#define MULTIBOOT KEYS

static void take_value(struct parser *p, u32 key, struct text value)
{
    struct boot_entry *entry = p->entry;
    switch (key) {
    case TIMEOUT:
        key_timeout(p, value);
        break;
    case DEFAULT:
        key_id(p, keywords[key], &p->default_line, &p->default_id, value);
        break;
    case FALLBACK:
        key_id(p, keywords[key], &p->fallback_line, &p->fallback_id, value);
        break;
    case TITLE:
        key_title(p, value);
        break;
    case LINUX:
    case PVH:
    case MULTIBOOT:
        key_kernel(p, keywords[key], value);
        break;
    case INITRD:
        add_file(p, keywords[key], &entry->initrd, &entry->initrd_count, (struct entry_file){.path = value});
        break;
    case OPTIONS:
        key_options(p, value);
        break;
    case MODULE:
        key_module(p, value);
        break;
    default:
        say_verbose("%s:%u: `%s` has no effect here", p->file->name, p->line, keywords[key]);
    }
}

static bool is_id(struct text t)
{
    for (u32 i = 0; i < t.len; i++) {
        char c = t.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '.' && c != '_' && c != '-')
            return false;
    }
    return t.len;
}

static void entry_end(struct parser *p)
{
    struct boot_entry *entry = p->entry;
    if (!entry)
        return;
    if (entry->protocol && entry->module_count && !strcmp(entry->protocol->name, "linux")) {
        report(p, entry->line, "entry %.100s: `module` is for `pvh`; expected `initrd` beside `linux`", entry->id);
        entry->module_count = 0;
    }
    if (entry->kernel)
        return;
    report(p, entry->line, "entry %.100s has no kernel; expected one line `linux /path` or `pvh /path`", entry->id);
    disable(p, "it names no kernel");
}

static void entry_begin(struct parser *p, struct text id)
{
    entry_end(p);
    const struct boot_entry *before = config_find(p->config, id);
    p->entry = NULL;
    p->skipping = true;
    if (!is_id(id)) {
        report(p, p->line, "`entry` \"%.*s\": expected an ID of letters, digits, \".\", \"_\" and \"-\"", shown(id),
               id.at);
    } else if (before) {
        report(p, p->line, "second entry \"%.*s\"; the one of line %u stays", shown(id), id.at, before->line);
    } else {
        p->entry = config_entry_add(p->config, p->file, id);
        if (!p->entry) {
            report(p, p->line, "%s", error_text());
            error_clear();
            return;
        }
        p->entry->line = p->line;
        p->skipping = false;
    }
}

static void unknown_key(struct parser *p, struct text key, bool global)
{
    const char *names[KEYS + 1] = {NULL};
    for (u32 i = 0; i < KEYS; i++)
        names[i] = keywords[i];
    const char *near = nearest_word(key, names);
    if (near)
        report(p, p->line, "unknown key \"%.*s\"; did you mean \"%s\"?", shown(key), key.at, near);
    else
        report(p, p->line, "unknown key \"%.*s\"; expected %s", shown(key), key.at,
               global ? "timeout, default, fallback or entry" : "title, linux, pvh, initrd, options, module or entry");
}

static void take_line(struct parser *p, struct text name, struct text value)
{
    bool before_entries = !p->entry && !p->skipping;
    u32 key = 0;
    while (key < ARRAY_COUNT(keywords) && !text_equal(name, keywords[key]))
        key++;
    if (key == ENTRY)
        entry_begin(p, value); /* an empty ID ends the entry before it, too */
    else if (key == ARRAY_COUNT(keywords))
        unknown_key(p, name, before_entries);
    else if (!value.len)
        report(p, p->line, "`%s` without a value", keywords[key]);
    else if (key < FIRST_OWN && !before_entries)
        report(p, p->line, "`%s` inside an entry; expected before the first `entry`", keywords[key]);
    else if (key >= FIRST_OWN && before_entries)
        report(p, p->line, "`%s` outside of an entry; expected behind an `entry` line", keywords[key]);
    else if (!p->skipping)
        take_value(p, key, value);
}

/* False for a line that cannot be used: control characters are no text. Other charsets than UTF-8 are reported only:
 * paths on a disk are bytes. */
static bool check_text(struct parser *p, struct text line)
{
    bool utf8 = true;
    for (u32 i = 0; i < line.len;) {
        u8 c = (u8)line.at[i];
        u32 whole, length = c < 0x80 ? 1 : utf8_first((struct text){line.at + i, line.len - i}, &whole);
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            report(p, p->line, "control character %02x in column %u; expected text", c, i + 1);
            return false;
        }
        if (!length && utf8)
            report(p, p->line, "byte %02x in column %u; expected UTF-8", c, i + 1);
        utf8 &= length != 0;
        i += length ? length : 1;
    }
    return true;
}

static void parse_line(struct parser *p, struct text line)
{
    line = text_trim(line);
    if (!line.len || line.at[0] == '#' || !check_text(p, line))
        return;
    u32 n = word_length(line);
    take_line(p, (struct text){line.at, n}, text_trim((struct text){line.at + n, line.len - n}));
}

/* The entry that a global key names, NULL with a report when there is none. */
static struct boot_entry *find_reference(struct parser *p, const char *key, const char *id, u32 line)
{
    const char *ids[ENTRIES_MAX + 1];
    struct config *config = p->config;
    struct boot_entry *entry = id ? config_find(config, text_of(id)) : NULL;
    if (!id || entry)
        return entry;
    for (u32 i = 0; i < config->entry_count; i++)
        ids[i] = config->entry[i]->id;
    ids[config->entry_count] = NULL;
    report(p, line, "`%s` \"%.100s\": there is no such entry%s", key, id, did_you_mean(text_of(id), ids));
    return NULL;
}

static enum error shim_parse(struct config *config, const struct config_file *file)
{
    struct parser p = {.config = config, .file = file};
    struct text text = file->text, line;
    if (text_starts(text, "\xef\xbb\xbf"))
        text.at += 3, text.len -= 3;
    while (text_split(&text, '\n', &line)) {
        p.line++;
        parse_line(&p, line);
    }
    entry_end(&p);
    config->default_entry = find_reference(&p, "default", p.default_id, p.default_line);
    config->fallback_entry = find_reference(&p, "fallback", p.fallback_id, p.fallback_line);
    if (config->fallback_entry && config->fallback_entry->disabled)
        config->fallback_entry = NULL; /* why it cannot be booted has been said */
    return OK;
}

static const char *const shim_paths[] = {"/shim.cfg", "/boot/shim.cfg", NULL};
const struct config_dialect config_shim = {.name = "shim.cfg", .paths = shim_paths, .alone = true, .parse = shim_parse};
