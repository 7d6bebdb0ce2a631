/* config_shim.c: the dialect shim.cfg (contract §5): lines of `key value`, entries with the Boot Loader Specification's keys.
 *
 * Every problem is a sentence with its line, and everything else stays usable: an entry that cannot work is kept, disabled,
 * with the reason. Exercise: tests/unit/test_config.c, tests/fuzz/fuzz_config.c.
 */
#include "config.h"
#include "print.h"
#include "tables.h"

struct parser {
    struct config *config;
    const char *name; /* as errors show it: "shim.cfg" */
    u32 line;
    struct boot_entry *entry; /* NULL before the first */
    bool skipping;            /* behind an `entry` line that could not be used */
    u32 default_line, fallback_line;
};

static void report(struct parser *p, u32 line, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void report(struct parser *p, u32 line, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    format_text_v(text, sizeof text, format, args);
    va_end(args);
    say_error("%s:%u: %s", p->name, line, text);
    p->config->problems++;
}

/* The entry stays in the menu, but cannot be chosen. */
static void disable(struct parser *p, const char *reason)
{
    if (p->entry && !p->entry->disabled)
        p->entry->disabled = reason;
}

static void set_once(struct parser *p, const char *key, const char **field, struct text value)
{
    if (*field)
        report(p, p->line, "second `%s`; the first one stays", key);
    else
        *field = text_copy(value);
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
    report(p, p->line, "`%s` \"%.*s\": expected /path or (VOLUME)/path", key, (int)path.len, path.at);
    disable(p, "one of its paths is not /path or (VOLUME)/path");
    return false;
}

/* ---- keys of an entry -------------------------------------------------------------------------------------------- */

static void key_title(struct parser *p, struct text value)
{
    if (p->entry->title != p->entry->id)
        report(p, p->line, "second `title`; the first one stays");
    else
        p->entry->title = text_copy(value);
}

static void kernel(struct parser *p, const char *key, struct text value)
{
    const struct payload_protocol *protocol = NULL;
    for (u32 i = 0; payload_protocols[i]; i++)
        if (!strcmp(payload_protocols[i]->name, key))
            protocol = payload_protocols[i];
    if (p->entry->kernel) {
        report(p, p->line, "second kernel in entry %s; expected exactly one of `linux` and `pvh`", p->entry->id);
        disable(p, "it has more than one kernel");
        return;
    }
    if (check_path(p, key, value)) {
        p->entry->kernel = text_copy(value);
        p->entry->protocol = protocol;
    } else {
        p->entry->kernel = "";
    }
}

static void key_linux(struct parser *p, struct text value)
{
    kernel(p, "linux", value);
}

static void key_pvh(struct parser *p, struct text value)
{
    kernel(p, "pvh", value);
}

static void key_multiboot(struct parser *p, struct text value)
{
    report(p, p->line, "`multiboot` %.*s: cannot be booted yet, expected `linux` or `pvh`", (int)value.len, value.at);
    disable(p, "multiboot kernels cannot be booted yet");
    if (!p->entry->kernel)
        p->entry->kernel = "";
}

static void add_file(struct parser *p, const char *key, struct entry_file *files, u32 *count, struct entry_file file)
{
    if (!check_path(p, key, file.path))
        return;
    if (*count == ENTRY_FILES_MAX) {
        report(p, p->line, "more than %u `%s` lines", ENTRY_FILES_MAX, key);
        disable(p, "it has too many files");
        return;
    }
    files[(*count)++] = file;
}

static void key_initrd(struct parser *p, struct text value)
{
    add_file(p, "initrd", p->entry->initrd, &p->entry->initrd_count, (struct entry_file){.path = value});
}

static void key_module(struct parser *p, struct text value)
{
    u32 n = 0;
    while (n < value.len && value.at[n] != ' ' && value.at[n] != '\t')
        n++;
    struct text text = text_trim((struct text){value.at + n, value.len - n});
    add_file(p, "module", p->entry->module, &p->entry->module_count, (struct entry_file){{value.at, n}, text});
}

static void key_options(struct parser *p, struct text value)
{
    const char *before = p->entry->options;
    const char *joined = format_copy("%s%s%.*s", before, before[0] ? " " : "", (int)value.len, value.at);
    if (joined)
        p->entry->options = joined;
}

/* The specification's other keys: read by other loaders, of no effect here. */
static void key_unused(struct parser *p, struct text value)
{
    (void)value;
    say_verbose("%s:%u: this key has no effect here", p->name, p->line);
}

/* ---- global keys ------------------------------------------------------------------------------------------------- */

static void key_timeout(struct parser *p, struct text value)
{
    u64 seconds;
    if (text_equal(value, "none"))
        p->config->timeout = TIMEOUT_NONE;
    else if (text_number(value, &seconds) && seconds < TIMEOUT_UNSET)
        p->config->timeout = (u32)seconds;
    else
        report(p, p->line, "`timeout` \"%.*s\": expected a number of seconds or none", (int)value.len, value.at);
}

static void key_default(struct parser *p, struct text value)
{
    set_once(p, "default", &p->config->default_id, value);
    p->default_line = p->line;
}

static void key_fallback(struct parser *p, struct text value)
{
    set_once(p, "fallback", &p->config->fallback_id, value);
    p->fallback_line = p->line;
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

struct keyword {
    const char *name;
    void (*take)(struct parser *p, struct text value);
};

static const struct keyword global_keys[] = {{"timeout", key_timeout}, {"default", key_default}, {"fallback", key_fallback}};

static const struct keyword entry_keys[] = {
    {"title", key_title},     {"linux", key_linux},         {"pvh", key_pvh},
    {"initrd", key_initrd},   {"options", key_options},     {"module", key_module},
    {"multiboot", key_multiboot},
    {"version", key_unused},  {"machine-id", key_unused},   {"sort-key", key_unused},
    {"architecture", key_unused}, {"devicetree", key_unused}, {"efi", key_unused},
};

static const char *const all_keys[] = {"entry", "timeout", "default", "fallback", "title", "linux", "pvh", "initrd", "options", "module", NULL};

static const struct keyword *find_key(const struct keyword *keys, u32 count, struct text name)
{
    for (u32 i = 0; i < count; i++)
        if (text_equal(name, keys[i].name))
            return &keys[i];
    return NULL;
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
    if (!entry || entry->kernel)
        return;
    report(p, entry->line, "entry %s has no kernel; expected one line `linux /path` or `pvh /path`", entry->id);
    disable(p, "it names no kernel");
}

static void entry_begin(struct parser *p, struct text id)
{
    entry_end(p);
    p->entry = NULL;
    p->skipping = true;
    if (!is_id(id)) {
        report(p, p->line, "`entry` \"%.*s\": expected an ID of letters, digits, \".\", \"_\" and \"-\"", (int)id.len, id.at);
    } else if (config_find(p->config, id)) {
        report(p, p->line, "second entry \"%.*s\"; the first one stays", (int)id.len, id.at);
    } else {
        p->entry = config_entry_add(p->config, id);
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
    const char *near = nearest_word(key, all_keys);
    if (near)
        report(p, p->line, "unknown key \"%.*s\"; did you mean \"%s\"?", (int)key.len, key.at, near);
    else
        report(p, p->line, "unknown key \"%.*s\"; expected %s", (int)key.len, key.at,
               global ? "timeout, default, fallback or entry" : "title, linux, pvh, initrd, options, module or entry");
}

static void take_line(struct parser *p, struct text key, struct text value)
{
    const struct keyword *global = find_key(global_keys, ARRAY_COUNT(global_keys), key);
    const struct keyword *own = find_key(entry_keys, ARRAY_COUNT(entry_keys), key);
    bool before_entries = !p->entry && !p->skipping;
    if (!value.len && (global || own || text_equal(key, "entry")))
        report(p, p->line, "`%.*s` without a value", (int)key.len, key.at);
    else if (text_equal(key, "entry"))
        entry_begin(p, value);
    else if (!global && !own)
        unknown_key(p, key, before_entries);
    else if (global && !before_entries)
        report(p, p->line, "`%.*s` inside an entry; expected before the first `entry`", (int)key.len, key.at);
    else if (own && before_entries)
        report(p, p->line, "`%.*s` outside of an entry; expected behind an `entry` line", (int)key.len, key.at);
    else if (global)
        global->take(p, value);
    else if (!p->skipping)
        own->take(p, value);
}

/* Column (from 1) of the first byte that is neither UTF-8 nor harmless, 0 when all are. RFC 3629 §4, without overlong forms. */
static u32 bad_byte(struct text t)
{
    for (u32 i = 0; i < t.len;) {
        u8 c = (u8)t.at[i];
        u32 more = c < 0x80 ? 0 : c >= 0xc2 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2 : c >= 0xf0 && c < 0xf5 ? 3 : 9;
        if ((c < 0x20 && c != '\t') || c == 0x7f || more == 9 || i + more >= t.len)
            return i + 1;
        for (u32 n = 1; n <= more; n++)
            if (((u8)t.at[i + n] & 0xc0) != 0x80)
                return i + 1;
        i += more + 1;
    }
    return 0;
}

static void parse_line(struct parser *p, struct text line)
{
    line = text_trim(line);
    if (!line.len || line.at[0] == '#')
        return;
    u32 bad = bad_byte(line), n = 0;
    if (bad) {
        report(p, p->line, "byte %02x in column %u; expected UTF-8 text", (u8)line.at[bad - 1], bad);
        return;
    }
    while (n < line.len && line.at[n] != ' ' && line.at[n] != '\t')
        n++;
    take_line(p, (struct text){line.at, n}, text_trim((struct text){line.at + n, line.len - n}));
}

/* An ID that a global key names must be that of an entry. */
static void check_reference(struct parser *p, const char *key, const char **id, u32 line)
{
    const char *ids[ENTRIES_MAX + 1];
    struct config *config = p->config;
    if (!*id || config_find(config, text_of(*id)))
        return;
    for (u32 i = 0; i < config->entry_count; i++)
        ids[i] = config->entry[i]->id;
    ids[config->entry_count] = NULL;
    const char *near = nearest_word(text_of(*id), ids);
    report(p, line, "`%s` \"%s\": there is no such entry%s%s%s", key, *id, near ? "; did you mean \"" : "", near ? near : "",
           near ? "\"?" : "");
    *id = NULL;
}

static const char *base_name(const char *name)
{
    const char *base = name;
    for (; *name; name++)
        if (*name == '/')
            base = name + 1;
    return base;
}

static enum error shim_parse(struct config *config, struct text text, const char *name)
{
    struct parser p = {.config = config, .name = base_name(name)};
    struct text line;
    if (text_starts(text, "\xef\xbb\xbf"))
        text.at += 3, text.len -= 3;
    while (text_split(&text, '\n', &line)) {
        p.line++;
        parse_line(&p, line);
    }
    entry_end(&p);
    check_reference(&p, "default", &config->default_id, p.default_line);
    check_reference(&p, "fallback", &config->fallback_id, p.fallback_line);
    return OK;
}

static const char *const shim_paths[] = {"/shim.cfg", "/boot/shim.cfg", NULL};
const struct config_dialect config_shim = {"shim.cfg", shim_paths, shim_parse};
