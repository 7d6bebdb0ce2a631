/* config.c: where configs are looked for, and what is made of modules when there is none (contract §3, §4).
 *
 * Exercise: tests/unit/test_config.c.
 */
#include "config.h"
#include "config_merge.h"
#include "fw_cfg.h"
#include "late.h"
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

/* What of this kind is called `name`, by its id or else its title, directly in `parent` (anywhere: in any). */
static struct boot_entry *find_in(const struct config *config, enum entry_kind kind, const struct boot_entry *parent,
                                  struct text name, bool anywhere)
{
    for (u32 by_title = 0; by_title < 2; by_title++)
        for (u32 i = 0; i < config->entry_count; i++) {
            struct boot_entry *entry = config->entry[i];
            if (entry->kind == kind && (anywhere || entry->parent == parent) &&
                text_equal(name, by_title ? entry->title : entry->id))
                return entry;
        }
    return NULL;
}

/* At each step the whole rest first: a title may hold a `>`. */
struct boot_entry *config_find_named(const struct config *config, struct text name)
{
    const struct boot_entry *parent = NULL;
    struct text part;
    for (;;) {
        struct boot_entry *found = find_in(config, ENTRY_BOOT, parent, name, !parent);
        if (found || !text_split(&name, '>', &part))
            return found;
        parent = find_in(config, ENTRY_SUBMENU, parent, part, false);
        if (!parent || !name.at)
            return NULL;
    }
}

void entry_disable(struct boot_entry *entry, const char *reason)
{
    if (!entry->disabled)
        entry->disabled = reason ? reason : "there is no memory left to say why";
}

struct boot_entry *config_entry_add(struct config *config, const struct config_file *file, struct text id)
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
    entry->volume = file->home;
    entry->config = file->name;
    config->entry[config->entry_count++] = entry;
    return entry;
}

/* Room grows by doubling: it is used up when the count is 0 or a power of two from 2 on. */
enum error entry_file_add(struct entry_file **files, u32 *count, struct entry_file file)
{
    u32 n = *count;
    if (n == ENTRY_FILES_MAX)
        return fail(ERR_UNSUPPORTED, "more than %u files", ENTRY_FILES_MAX);
    if (!n || (n > 1 && is_power_of_two(n))) {
        struct entry_file *bigger = arena_alloc((n ? 2 * n : 2) * sizeof file, 8);
        if (!bigger)
            return ERR_NO_MEMORY;
        if (n)
            memcpy(bigger, *files, n * sizeof file);
        *files = bigger;
    }
    (*files)[n] = file;
    *count = n + 1;
    return OK;
}

/* Room is a power of two from 64 on: it is used up when what there is fills it. */
enum error entry_options_add(struct boot_entry *entry, struct text more)
{
    u32 have = (u32)strlen(entry->options), length = have + (have != 0) + more.len, room = 64, old = 64;
    while (old <= have)
        old *= 2;
    while (room <= length)
        room *= 2;
    char *options = (char *)entry->options; /* ours, once there is anything in it */
    if (!have || room != old) {
        options = arena_reserve(room, 1);
        if (!options)
            return ERR_NO_MEMORY;
        memcpy(options, entry->options, have);
    }
    if (have)
        options[have] = ' ';
    memcpy(options + length - more.len, more.at, more.len);
    options[length] = 0;
    entry->options = options;
    return OK;
}

static const char *base_name(const char *name)
{
    const char *base = name;
    for (; *name; name++)
        if (*name == '/')
            base = name + 1;
    return base;
}

void config_report(struct config *config, const char *name, u32 line, const char *format, ...)
{
    char text[512];
    va_list args;
    if (config->problems++ >= PROBLEMS_SHOWN)
        return;
    va_start(args, format);
    format_text_v(text, sizeof text, format, args);
    va_end(args);
    if (line)
        say_error("%s:%u: %s", base_name(name), line, text);
    else
        say_error("%s: %s", base_name(name), text);
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

/* The dialect that is at home at this path, else one whose files have such a name, else ours. */
static const struct config_dialect *dialect_of(struct text path)
{
    struct text name = path;
    for (u32 i = path.len; i > 0 && path.at[i - 1] != '/'; i--)
        name = (struct text){path.at + i - 1, path.len - i + 1};
    for (u32 d = 0; config_dialects[d]; d++)
        for (u32 i = 0; config_dialects[d]->paths[i]; i++)
            if (text_equal(path, config_dialects[d]->paths[i]))
                return config_dialects[d];
    for (u32 d = 0; config_dialects[d]; d++)
        for (u32 i = 0; config_dialects[d]->paths[i]; i++)
            if (text_equal_nocase(name, text_of(base_name(config_dialects[d]->paths[i]))))
                return config_dialects[d];
    return config_dialects[0];
}

static struct config *config_new(const struct config_file *file)
{
    struct config *config = arena_alloc(sizeof *config, 8);
    if (!config)
        return NULL;
    config->timeout = TIMEOUT_UNSET;
    config->name = file->name;
    config->home = file->home;
    return config;
}

static void say_entries(const char *name, u32 count)
{
    say("config %s: %u entr%s", name, count, count == 1 ? "y" : "ies");
}

/* What can be booted in it, whether its files are there or not. */
static u32 boot_entries(const struct config *config)
{
    u32 count = 0;
    for (u32 i = 0; i < config->entry_count; i++)
        count += config->entry[i]->kind == ENTRY_BOOT;
    return count;
}

/* Ours is written by hand: what is wrong with it shows when it is booted. */
static void parse(struct config *config, const struct config_dialect *dialect, const struct config_file *file)
{
    if (!dialect->alone)
        late_load();
    if (dialect->parse(config, file))
        error_show();
    if (config->problems > PROBLEMS_SHOWN)
        say_error("%s: %u more lines like these", base_name(file->name), config->problems - PROBLEMS_SHOWN);
    if (!dialect->alone)
        config_clean(config, file->volumes);
}

/* The config that was asked for, or is ours: nothing is merged with it. */
static void parse_alone(struct config *config, const struct config_dialect *dialect, const struct config_file *file)
{
    config->name = file->name;
    config->home = file->home;
    parse(config, dialect, file);
    if (!boot_entries(config))
        say_error("config %s: no entry in it, expected lines like `entry ID` and `linux /path`", file->name);
    say_entries(file->name, boot_entries(config));
}

static enum error read_text(struct config_file *file, const struct config_dialect *dialect)
{
    char *bytes;
    if (dialect->of_directories)
        return file->file.node.type == NODE_DIR ? OK : fail(ERR_NOT_FOUND, "%s: not a directory", file->file.path);
    enum error error = file_read_all(&file->file, CONFIG_SIZE_MAX, &bytes, &file->text.len);
    if (!error)
        file->text.at = bytes;
    return error;
}

/* ---- sources, in the order in which they win --------------------------------------------------------------------- */

#define DIALECTS_MAX 8u

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

/* The path in "(VOLUME)/path" or "/path". */
static struct text path_of(struct text name)
{
    u32 n = 0;
    if (text_starts(name, "("))
        while (n < name.len && name.at[n] != '/')
            n++;
    return (struct text){name.at + n, name.len - n};
}

/* `config=`: named with its volume, or the first volume that has that path. */
static bool from_argument(const struct search *s)
{
    struct text name = s->arguments->config;
    struct file file = {0};
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
    struct config_file config = {.volumes = s->volumes, .home = file.volume, .name = file.path, .file = file};
    config.path = path_of(name);
    const struct config_dialect *dialect = dialect_of(config.path);
    if (!error)
        error = read_text(&config, dialect);
    if (!error) {
        error_clear(); /* of volumes that have no such path */
        parse_alone(s->config, dialect, &config);
    } else {
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
    const struct config_file file = {.volumes = s->volumes, .home = first_filesystem(s), .text = text,
                                     .name = "(fw_cfg)/" FW_CFG_CONFIG};
    if (error)
        error_show();
    else
        parse_alone(s->config, config_dialects[0], &file);
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
        struct config_file file = {.volumes = s->volumes, .home = first_filesystem(s)};
        if (!module_is_config(module))
            continue;
        file.name = format_copy("(module%u)/shim.cfg", i);
        file_of_memory(&file.file, file.name, module->base, module->size);
        if (file.name && !read_text(&file, config_dialects[0])) {
            parse_alone(s->config, config_dialects[0], &file);
            return true;
        }
        error_show();
    }
    return false;
}

/* False when the first directory of an absolute path is not there: most of the places are ruled out by that, for a
 * tenth of what an open that fails costs with its sentences. */
static bool may_be_there(struct volume *v, struct text path)
{
    struct node root, found;
    struct text rest = {path.at + 1, path.len - 1}, first;
    text_split(&rest, '/', &first);
    return v->fs->root(v, &root) || v->fs->lookup(v, &root, first, &found) != ERR_NOT_FOUND;
}

/* The first of a dialect's places that is there on v and can be read; what cannot is said. */
static bool open_config(const struct search *s, struct volume *v, const struct config_dialect *dialect,
                        struct config_file *file)
{
    for (const char *const *paths = dialect->paths; *paths; paths++) {
        if (!may_be_there(v, text_of(*paths)))
            continue;
        *file = (struct config_file){.volumes = s->volumes, .home = v, .path = text_of(*paths)};
        u64 mark = arena_mark();
        enum error error = file_open(v, file->path, &file->file);
        if (!error)
            error = read_text(file, dialect);
        file->name = file->file.path;
        if (!error)
            return true;
        arena_release(mark);
        if (error == ERR_NOT_FOUND)
            error_clear();
        error_show();
    }
    return false;
}

static const char *heading_of(const struct volume *v)
{
    return format_copy(v->ids.label[0] ? "%s: %s \"%.60s\"" : "%s: %s", v->name, volume_type(v), v->ids.label);
}

/* The configs of one volume, by dialect. */
struct volume_configs {
    struct volume_configs *next; /* of another volume */
    u32 count;
    bool usable; /* there is something in them that can be booted */
    struct config *config[DIALECTS_MAX];
};

/* What the dialects find on v. True when it is a config that is to be alone: *s->config has it. */
static bool read_volume(const struct search *s, struct volume *v, struct volume_configs *found)
{
    v->reason = NULL; /* of a table that it has instead */
    for (u32 d = 0; config_dialects[d] && found->count < DIALECTS_MAX; d++) {
        struct config_file file;
        u64 mark = arena_mark();
        if (!open_config(s, v, config_dialects[d], &file))
            continue;
        if (config_dialects[d]->alone && !s->config->name) {
            parse_alone(s->config, config_dialects[d], &file);
            return true;
        }
        struct config *own = config_new(&file);
        if (!own) {
            error_show();
            break;
        }
        parse(own, config_dialects[d], &file);
        if (!boot_entries(own)) {
            arena_release(mark);
            v->reason = format_copy("%s%s%.*s", v->reason ? v->reason : "no entry in", v->reason ? ", " : " ",
                                    (int)file.path.len, file.path.at);
            error_clear();
            continue;
        }
        found->config[found->count++] = own;
        for (u32 i = 0; i < own->entry_count; i++)
            found->usable |= entry_is_usable(own->entry[i]);
        if (config_dialects[d]->alone)
            break;
    }
    return false;
}

/* The first volume has the say, the others' entries stand under a heading each. */
static void merge_volume(struct config *config, const struct volume_configs *found)
{
    bool first = !config->name, headed = first;
    for (u32 i = 0; i < found->count; i++) {
        const struct config *own = found->config[i];
        bool any = config_merge_entries(config, own, headed ? NULL : heading_of(own->home));
        headed |= any;
        if (any || first)
            say_entries(own->name, boot_entries(own));
        config->locked |= own->locked;
        config->problems += own->problems;
        if (first)
            config_merge_settings(config, own);
        if (!config->name) {
            config->name = own->name;
            config->home = own->home;
        }
    }
}

/* A volume where nothing can be booted, as when its kernels are gone, comes behind the others: its default is none. */
static bool from_volumes(const struct search *s)
{
    struct volume_configs *unusable = NULL, **end = &unusable;
    for (u32 i = 0; i < s->volumes->count; i++) {
        struct volume *v = searched(s, i);
        struct volume_configs *found = v ? arena_alloc(sizeof *found, 8) : NULL;
        if (!v)
            continue;
        if (!found) {
            error_show();
            break;
        }
        if (read_volume(s, v, found))
            return true;
        if (found->usable)
            merge_volume(s->config, found);
        else if (found->count)
            *end = found, end = &found->next;
    }
    for (; unusable; unusable = unusable->next)
        merge_volume(s->config, unusable);
    return s->config->name;
}

/* Contract §3: without a config each kernel module is an entry. */
static bool from_kernels(const struct search *s)
{
    static const struct config_file no_file;
    struct config *config = s->config;
    for (u32 i = 0; i < s->boot->module_count; i++) {
        const struct module *module = &s->boot->module[i];
        char id[16];
        if (!module_is_kernel(module))
            continue;
        format_text(id, sizeof id, "module%u", i);
        struct boot_entry *entry = config_entry_add(config, &no_file, text_of(id));
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
    const char *foreign = config_dialects[1] ? ", loader entries, extlinux.conf, grub.cfg" : "";
    if (!s->volumes->count)
        say_error("nothing to boot: no disk and no volume module was found");
    for (u32 i = 0; i < s->volumes->count; i++) {
        const struct volume *v = s->volumes->volume[i];
        if (!is_wanted(s, v))
            continue;
        if (v->reason || !v->fs)
            say_error("nothing to boot on %s: %s", v->name,
                      v->reason ? v->reason : "no filesystem and no kernel that is known here");
        else
            say_error("nothing to boot on %s: no config (looked for /shim.cfg, /boot/shim.cfg%s)", v->name, foreign);
    }
}

/* By systemd's names too, which end so. */
static struct boot_entry *find_default(const struct config *config, struct text id)
{
    static const char suffix[][6] = {".efi", ".conf"};
    struct boot_entry *entry = config_find_named(config, id);
    for (u32 i = 0, n = 4; i < 2 && !entry && id.len > n; i++, n++)
        if (text_equal((struct text){id.at + id.len - n, n}, suffix[i]))
            entry = config_find_named(config, (struct text){id.at, id.len - n});
    return entry;
}

/* `default=` from the command line wins, when there is such an entry. */
static void apply_default(struct config *config, const struct arguments *arguments)
{
    struct text id = arguments->default_id;
    if (!id.len || !config->entry_count)
        return;
    struct boot_entry *entry = find_default(config, id);
    if (entry) {
        config->default_entry = entry;
        config->timeout_entry = NULL;
        return;
    }
    char have[300] = "";
    u32 used = 0;
    for (u32 i = 0; i < config->entry_count && used < sizeof have - 80; i++)
        if (config->entry[i]->kind == ENTRY_BOOT)
            used += format_text(have + used, (u32)sizeof have - used, "%s%.60s", used ? ", " : "",
                                config->entry[i]->id);
    say_error("default=%.*s: there is no such entry; there %s %s", (int)id.len, id.at,
              boot_entries(config) > 1 ? "are" : "is", used ? have : "none");
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
