/* config.c: where configs are looked for, and what is made of modules when there is none (contract §3, §4).
 *
 * Exercise: tests/unit/test_config.c.
 */
#include "config.h"
#include "fw_cfg.h"
#include "print.h"
#include "tables.h"

/* ---- entries ----------------------------------------------------------------------------------------------------- */

struct boot_entry *config_find(const struct config *config, struct text id)
{
    for (u32 i = 0; i < config->entry_count; i++)
        if (text_equal(id, config->entry[i]->id))
            return config->entry[i];
    return NULL;
}

struct boot_entry *config_entry_add(struct config *config, struct text id)
{
    if (config->entry_count == ENTRIES_MAX) {
        fail(ERR_NO_MEMORY, "more than %u entries", ENTRIES_MAX);
        return NULL;
    }
    struct boot_entry *entry = arena_alloc(sizeof *entry, 8);
    const char *copy = text_copy(id);
    if (!entry || !copy)
        return NULL;
    entry->id = entry->title = copy;
    entry->options = "";
    entry->volume = config->home;
    entry->config = config->name;
    config->entry[config->entry_count++] = entry;
    return entry;
}

const char *nearest_word(struct text t, const char *const *words)
{
    const char *best = NULL;
    u32 least = t.len <= 4 ? 2 : 3; /* one less is near enough */
    for (u32 i = 0; words[i]; i++) {
        u32 distance = text_distance(t, text_of(words[i]));
        if (distance < least) {
            least = distance;
            best = words[i];
        }
    }
    return best;
}

const char *did_you_mean(struct text t, const char *const *words)
{
    const char *near = nearest_word(t, words);
    const char *sentence = near ? format_copy("; did you mean \"%s\"?", near) : NULL;
    return sentence ? sentence : "";
}

/* ---- one config -------------------------------------------------------------------------------------------------- */

static const struct config_dialect *dialect_of(struct text path)
{
    for (u32 d = 0; config_dialects[d]; d++)
        for (u32 i = 0; config_dialects[d]->paths[i]; i++)
            if (text_equal(path, config_dialects[d]->paths[i]))
                return config_dialects[d];
    return config_dialects[0];
}

static void parse(struct config *config, const struct config_dialect *dialect, struct text text, const char *name,
                  struct volume *home)
{
    config->name = name;
    config->home = home;
    if (dialect->parse(config, text, name))
        error_show();
    if (!config->entry_count)
        say_error("config %s: no entry in it, expected lines like `entry ID` and `linux /path`", name);
    say("config %s: %u entr%s", name, config->entry_count, config->entry_count == 1 ? "y" : "ies");
}

static enum error parse_file(struct config *config, const struct config_dialect *dialect, const struct file *file,
                             struct volume *home)
{
    struct text text;
    char *bytes;
    enum error error = file_read_all(file, CONFIG_SIZE_MAX, &bytes, &text.len);
    if (error)
        return error;
    text.at = bytes;
    parse(config, dialect, text, file->path, home);
    return OK;
}

/* ---- sources, in the order in which they win --------------------------------------------------------------------- */

struct search {
    struct config *config;
    const struct volume_list *volumes;
    const struct boot_info *boot;
    const struct arguments *arguments;
    const struct volume *only; /* the one that `volume=` names */
};

static bool is_wanted(const struct search *s, const struct volume *v)
{
    return !s->arguments->volume.len || v == s->only;
}

/* Volume i when it is wanted and has files, else NULL. */
static struct volume *searched(const struct search *s, u32 i)
{
    struct volume *v = s->volumes->volume[i];
    return v->fs && is_wanted(s, v) ? v : NULL;
}

/* The volume that `volume=` names, NULL with the reason said when there is none, or when none is named. */
static const struct volume *only_volume(const struct volume_list *volumes, struct text which)
{
    const struct volume *only = which.len ? volume_find(volumes, which) : NULL;
    if (which.len && !only) {
        error_add(ERR_NOT_FOUND, "volume=%.*s", (int)which.len, which.at);
        error_show();
    }
    return only;
}

/* `config=`: named with its volume, or the first volume that has that path. */
static bool from_argument(const struct search *s)
{
    struct text name = s->arguments->config;
    struct file file;
    enum error error = ERR_NOT_FOUND;
    if (!name.len)
        return false;
    if (text_starts(name, "(")) {
        error = file_open_named(s->volumes, NULL, name, &file);
    } else {
        fail(error, "%.*s: on no volume", (int)name.len, name.at);
        for (u32 i = 0; i < s->volumes->count && error == ERR_NOT_FOUND; i++)
            if (searched(s, i))
                error = file_open(searched(s, i), name, &file);
    }
    if (!error)
        error = parse_file(s->config, dialect_of(name), &file, file.volume);
    if (error) {
        error_add(error, "config=%.*s", (int)name.len, name.at);
        error_show();
    }
    return true; /* it was asked for: nothing else is taken instead */
}

static struct volume *first_filesystem(const struct search *s)
{
    for (u32 i = 0; i < s->volumes->count; i++)
        if (searched(s, i))
            return searched(s, i);
    return NULL;
}

/* A config text that the host gives beside the boot protocol. Its plain paths are those of the first volume with a
 * filesystem. */
static bool from_host(const struct search *s)
{
    struct text text;
    enum error error = fw_cfg_read(FW_CFG_CONFIG, CONFIG_SIZE_MAX, &text.at, &text.len);
    if (error == ERR_NOT_FOUND)
        return false;
    if (error)
        error_show();
    else
        parse(s->config, config_dialects[0], text, "(fw_cfg)/" FW_CFG_CONFIG, first_filesystem(s));
    return !error;
}

static bool module_is_config(const struct module *module)
{
    static const char magic[] = "#!shim";
    struct text word = text_trim(text_of(module->text));
    u32 n = 0, base = 0;
    for (; n < word.len && word.at[n] != ' '; n++)
        if (word.at[n] == '/')
            base = n + 1;
    if (text_equal((struct text){word.at + base, n - base}, "shim.cfg"))
        return true;
    if (module->size < sizeof magic)
        return false;
    const char *bytes = mem_at(module->base, sizeof magic);
    return !memcmp(bytes, magic, sizeof magic - 1) && (bytes[6] == '\n' || bytes[6] == '\r');
}

/* A config text that the loader passed. Its plain paths are those of the first volume with a filesystem. */
static bool from_modules(const struct search *s)
{
    for (u32 i = 0; i < s->boot->module_count; i++) {
        const struct module *module = &s->boot->module[i];
        struct file file;
        if (!module_is_config(module))
            continue;
        const char *name = format_copy("(module%u)/shim.cfg", i);
        file_of_memory(&file, name, module->base, module->size);
        if (name && !parse_file(s->config, config_dialects[0], &file, first_filesystem(s)))
            return true;
        error_show();
    }
    return false;
}

/* Every place of every dialect on v; a config that is there but cannot be read is said. */
static bool from_volume(const struct search *s, struct volume *v)
{
    for (u32 d = 0; config_dialects[d]; d++)
        for (u32 i = 0; config_dialects[d]->paths[i]; i++) {
            struct file file;
            u64 mark = arena_mark();
            enum error error = file_open(v, text_of(config_dialects[d]->paths[i]), &file);
            if (!error)
                error = parse_file(s->config, config_dialects[d], &file, v);
            if (!error)
                return true;
            arena_release(mark);
            if (error == ERR_NOT_FOUND)
                error_clear();
            error_show();
        }
    return false;
}

static bool from_volumes(const struct search *s)
{
    for (u32 i = 0; i < s->volumes->count; i++)
        if (searched(s, i) && from_volume(s, searched(s, i)))
            return true;
    return false;
}

/* Contract §3: without a config each kernel module is an entry. */
static bool from_kernels(const struct search *s)
{
    struct config *config = s->config;
    for (u32 i = 0; i < s->boot->module_count; i++) {
        const struct module *module = &s->boot->module[i];
        char id[16];
        if (!module_is_kernel(module))
            continue;
        format_text(id, sizeof id, "module%u", i);
        struct boot_entry *entry = config_entry_add(config, text_of(id));
        if (!entry) {
            error_show();
            break;
        }
        entry->options = boot_text_behind_name(s->boot->loader, module->text);
        const char *title = module->text[0] ? format_copy("%s: %s", id, module->text) : NULL;
        if (title)
            entry->title = title;
        entry->kernel_module = module;
    }
    if (config->entry_count)
        say("no config; the kernel modules make %u entr%s", config->entry_count,
            config->entry_count == 1 ? "y" : "ies");
    return config->entry_count;
}

/* Nothing bootable: why, volume by volume. */
static void show_reasons(const struct search *s)
{
    if (!s->volumes->count)
        say_error("nothing to boot: no disk and no volume module was found");
    for (u32 i = 0; i < s->volumes->count; i++) {
        const struct volume *v = s->volumes->volume[i];
        if (!is_wanted(s, v))
            continue;
        if (!v->fs)
            say_error("nothing to boot on %s: %s", v->name,
                      v->reason ? v->reason : "no filesystem and no kernel that is known here");
        else
            say_error("nothing to boot on %s: no config (looked for /shim.cfg, /boot/shim.cfg)", v->name);
    }
}

/* `default=` from the command line wins, when there is such an entry. */
static void apply_default(struct config *config, const struct arguments *arguments)
{
    struct text id = arguments->default_id;
    if (!id.len || !config->entry_count)
        return;
    struct boot_entry *entry = config_find(config, id);
    if (entry) {
        config->default_id = entry->id;
        return;
    }
    char have[300];
    u32 used = 0;
    for (u32 i = 0; i < config->entry_count && used < sizeof have - 80; i++)
        used += format_text(have + used, (u32)sizeof have - used, "%s%.60s", i ? ", " : "", config->entry[i]->id);
    say_error("default=%.*s: there is no such entry; there %s %s", (int)id.len, id.at,
              config->entry_count == 1 ? "is" : "are", have);
}

void config_read(struct config *config, const struct volume_list *volumes, const struct boot_info *boot,
                 const struct arguments *arguments)
{
    static bool (*const sources[])(const struct search *) = {
        from_argument, from_host, from_modules, from_volumes, from_kernels,
    };
    const struct search search = {config, volumes, boot, arguments, only_volume(volumes, arguments->volume)};
    config->timeout = TIMEOUT_UNSET;
    for (u32 i = 0; i < ARRAY_COUNT(sources); i++)
        if (sources[i](&search))
            break;
    if (!config->name && !config->entry_count && !arguments->config.len)
        show_reasons(&search);
    apply_default(config, arguments);
}
