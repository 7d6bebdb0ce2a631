/* config_grub.c: the dialect grub.cfg: what GRUB's script makes menu entries of, and what these would boot.
 *
 * GRUB manual 2.06 §16.1 (menuentry, submenu), §15 (default, fallback, timeout, …), §6 for the order of things: a
 * config is run first, which makes the entries of its menu; bodies are run afterwards, each with the variables that the
 * config left behind, a submenu's first, then those of what it holds. For a script this machine is a BIOS's
 * (grub_platform=pc, grub_cpu=i386), where entries for the firmware of UEFI are left out. Kernels get BOOT_IMAGE= in
 * front, as GRUB gives it. A chain of configfile commands is followed, out of an entry as its submenu. What GRUB could
 * start and we cannot is shown, disabled, with the reason. Left out on purpose: passwords (entries that want one are
 * disabled), loopback; contexts: all variables are exported.
 *
 * Exercise: tests/unit/test_grub.c, tests/unit/test_grub_files.c, tests/fuzz/fuzz_grub.c.
 */
#include "dialects.h"
#include "grub.h"
#include "bls.h"
#include "grub_script.h"
#include "print.h"
#include "tables.h"
#include "uki.h"

/* ---- what an entry loads ----------------------------------------------------------------------------------------- */

static struct boot_entry *loading(struct grub *g)
{
    return g->entry ? g->entry : &g->top;
}

/* A path as GRUB has it, as one of ours: of a file on `home`, or "(VOLUME)/path". *v: where it is. */
static struct text path_here(struct grub *g, struct text name, const struct volume *home, struct volume **v)
{
    struct text device, path;
    *v = grub_path(g, name, &device, &path);
    if (!*v)
        entry_disable(loading(g), format_copy("%.*s: there is no device (%.*s)", (int)name.len, name.at,
                                              (int)device.len, device.at));
    else if (!(*v)->fs)
        entry_disable(loading(g), format_copy("(%s): %s", (*v)->name, (*v)->reason ? (*v)->reason : "no filesystem"));
    if (!*v)
        return (struct text){text_copy(name), name.len};
    const char *slash = text_starts(path, "/") ? "" : "/";
    return text_of(home && home != *v ? format_copy("(%s)%s%.*s", (*v)->name, slash, (int)path.len, path.at)
                                      : format_copy("%s%.*s", slash, (int)path.len, path.at));
}

/* Words as GRUB joins them for a kernel (grub-core/lib/cmdline.c): quoted where there are blanks, `\` before quotes.
 * Behind g's words; at NULL when there is no room. */
static struct text join(struct grub *g, const char *prefix, struct grub_words words)
{
    char *start = g->byte + g->byte_count, *p = start;
    u64 needed = strlen(prefix);
    for (u32 i = 0; i < words.count; i++)
        needed += 2ull * words.at[i].len + 3;
    if (needed > GRUB_BYTES_MAX - g->byte_count) {
        grub_limit(g, "a command line that is too long");
        return (struct text){NULL, 0};
    }
    memcpy(p, prefix, strlen(prefix));
    p += strlen(prefix);
    for (u32 i = 0; i < words.count; i++) {
        struct text word = words.at[i];
        bool quoted = false;
        for (u32 n = 0; n < word.len; n++)
            quoted |= word.at[n] == ' ';
        if (i)
            *p++ = ' ';
        if (quoted)
            *p++ = '"';
        for (u32 n = 0; n < word.len; n++) {
            if (word.at[n] == '\\' || word.at[n] == '\'' || word.at[n] == '"')
                *p++ = '\\';
            *p++ = word.at[n];
        }
        if (quoted)
            *p++ = '"';
    }
    return (struct text){start, (u32)(p - start)};
}

static int load_kernel(struct grub *g, struct text name, struct text options)
{
    struct boot_entry *entry = loading(g);
    entry->kernel = path_here(g, name, NULL, &entry->volume).at;
    entry->initrd_count = 0;
    entry->options = "";
    return !entry->kernel || !options.at || (options.len && entry_options_add(entry, options));
}

static bool is_image(struct grub *g, struct grub_words words)
{
    struct file file;
    struct uki uki;
    bool is = words.count && !grub_open(g, words.at[0], &file) && !uki_open(&file, 0, &uki);
    error_clear();
    return is;
}

/* BOOT_IMAGE= alone does not stand in the way of the command line that a unified kernel image brings. */
static int command_linux(struct grub *g, struct grub_words words)
{
    if (!words.count || g->mute)
        return !words.count;
    bool bare = words.count == 1 && is_image(g, words);
    return load_kernel(g, words.at[0], bare ? text_of("") : join(g, "BOOT_IMAGE=", words));
}

static int command_initrd(struct grub *g, struct grub_words words)
{
    struct boot_entry *entry = loading(g);
    if (!entry->kernel)
        return 1;
    entry->initrd_count = 0;
    for (u32 i = 0; i < words.count; i++) {
        struct volume *v;
        if (text_starts(words.at[i], "--"))
            continue;
        if (text_starts(words.at[i], "newc:"))
            entry_disable(entry, "its initrd is to be made of single files (newc:), which is not done here");
        struct entry_file file = {.path = path_here(g, words.at[i], entry->volume, &v)};
        if (file.path.at && entry_file_add(&entry->initrd, &entry->initrd_count, file))
            entry_disable(entry, format_copy("initrd: %s", error_text()));
    }
    return 0;
}

/* What GRUB starts, and we do not. */
static int command_other(struct grub *g, struct grub_words words)
{
    struct text name = words.at[-1], what = {"", 0};
    for (u32 i = 0; i < words.count && !what.len; i++)
        if (!text_starts(words.at[i], "-"))
            what = words.at[i];
    if (g->entry)
        entry_disable(g->entry, format_copy("it starts %.*s by `%.*s`, which cannot be done here",
                                            (int)(what.len ? what.len : 9), what.len ? what.at : "something",
                                            (int)name.len, name.at));
    return 0;
}

/* A unified kernel image needs no UEFI here. What is behind it is its command line, instead of its own. */
static int command_chainloader(struct grub *g, struct grub_words words)
{
    if (!g->entry || !is_image(g, words))
        return command_other(g, words);
    return load_kernel(g, words.at[0], join(g, "", (struct grub_words){words.at + 1, words.count - 1}));
}

/* `reboot` and the like: they end a config, too. `fwsetup --is-supported` is asked by configs. */
static int command_end(struct grub *g, struct grub_words words)
{
    if (words.count && text_equal(words.at[-1], "fwsetup"))
        return 1;
    if (g->entry)
        entry_disable(g->entry, format_copy("it starts nothing: `%.*s`", (int)words.at[-1].len, words.at[-1].at));
    g->ended = true;
    return 0;
}

/* Without control characters, and not empty. */
static const char *clean_title(struct text title)
{
    char *copy = text_copy(text_trim(title));
    for (char *p = copy; copy && *p; p++)
        if ((u8)*p < ' ')
            *p = ' ';
    return copy && !*copy ? "(no title)" : copy;
}

/* Outside of entries: what has been loaded becomes one. */
static int command_boot(struct grub *g, struct grub_words words)
{
    struct config_file file = *g->of;
    (void)words;
    g->ended = true;
    if (g->entry || !g->top.kernel)
        return 0;
    file.name = g->name;
    struct boot_entry *entry = config_entry_add(g->config, &file, text_of("boot"));
    const char *title = clean_title(text_of(g->top.kernel));
    if (!entry || !title)
        return 1;
    g->top.id = entry->id;
    g->top.title = title;
    g->top.config = g->name;
    g->top.line = g->line;
    g->top.parent = g->menu->parent;
    *entry = g->top;
    return 0;
}

/* ---- menus ------------------------------------------------------------------------------------------------------- */

static bool add_menuentry(struct grub *g, struct grub_words words, struct text id, struct grub_menuentry *m)
{
    struct config_file file = *g->of;
    file.name = g->name;
    struct boot_entry *entry = config_entry_add(g->config, &file, id.len ? id : words.at[0]);
    const char *title = clean_title(words.at[0]);
    if (!entry || !title) {
        grub_limit(g, error_text());
        return false;
    }
    entry->title = title;
    entry->line = g->line;
    entry->parent = g->menu->parent;
    m->entry = entry;
    m->file = g->name;
    m->scope = (struct grub_scope){grub_copy_words(words), words.count};
    *g->menu->last = m;
    g->menu->last = &m->next;
    return m->scope.word;
}

int grub_add_menuentry(struct grub *g, struct grub_words words, struct text body, u32 body_line, bool submenu)
{
    enum { CLASS, ID, UNRESTRICTED, USERS, HOTKEY, SOURCE, OPTIONS };
    struct text option[OPTIONS] = {{NULL, 0}};
    grub_take_options(&words, "class= id= unrestricted users= hotkey= source=", option);
    if (g->mute || g->entry) /* one within an entry's body is for a menu that comes later */
        return 0;
    bool checked = body.at;
    if (!body.at && option[SOURCE].at) {
        body = (struct text){text_copy(option[SOURCE]), option[SOURCE].len};
        body_line = g->line;
    }
    if (!words.count || !body.at) {
        grub_report(g, format_copy("`%s` without a %s", submenu ? "submenu" : "menuentry",
                                   words.count ? "block" : "title"));
        return 1;
    }
    struct grub_menuentry *m = arena_alloc(sizeof *m, 8);
    if (!m)
        return 1;
    m->body = body;
    m->line = body_line;
    m->checked = checked;
    m->restricted = !option[UNRESTRICTED].at || option[USERS].len;
    if (!add_menuentry(g, words, option[ID], m))
        return 1;
    char key = option[HOTKEY].len == 1 ? option[HOTKEY].at[0] : 0;
    m->entry->hotkey = small_letter((u8)key);
    if (submenu)
        m->entry->kind = ENTRY_SUBMENU;
    return 0;
}

/* Both of what is in use. */
static void copy_variables(struct variables *to, const struct variables *from)
{
    to->count = from->count;
    memcpy(to->variable, from->variable, from->count * sizeof *from->variable);
}

static void begin_menu(struct grub *g, struct grub_menu *menu, const struct boot_entry *parent)
{
    *menu = (struct grub_menu){.parent = parent, .last = &menu->first};
    g->menu = menu;
}

/* `configfile` in an entry makes it a submenu, whose entries are of g->menu from now on. */
static void run_body(struct grub *g, struct grub_menuentry *m)
{
    struct grub_scope scope = m->scope;
    g->scope = &scope;
    g->entry = m->entry->kind == ENTRY_BOOT ? m->entry : NULL;
    grub_run_text(g, m->file, m->body, m->line, m->checked);
    g->ended = g->returning = false;
    g->entry = NULL;
    g->scope = NULL;
    if (m->entry->kind != ENTRY_BOOT)
        return;
    if (!m->entry->kernel)
        entry_disable(m->entry, "it names no kernel");
    if (m->restricted && variable_get(&g->variables, text_of("superusers")))
        entry_disable(m->entry, "it wants a password of GRUB's");
}

/* Run the bodies of menu's entries, each with the variables as they are now. */
static void run_menu(struct grub *g, struct grub_menu *menu)
{
    struct variables *before = menu->first ? arena_reserve(sizeof *before, 8) : NULL;
    u32 functions = g->function_count;
    if (!before || g->depth + 3 >= GRUB_DEPTH_MAX || g->file_depth == ARRAY_COUNT(g->file)) {
        for (struct grub_menuentry *m = menu->first; m; m = m->next)
            entry_disable(m->entry, "too many menus are within each other");
        return;
    }
    copy_variables(before, &g->variables);
    g->depth += 3; /* its frames are larger */
    for (struct grub_menuentry *m = menu->first; m; m = m->next) {
        struct grub_menu below;
        g->file[g->file_depth++] = m->file; /* one that an entry reads is not to read it again */
        begin_menu(g, &below, m->entry);
        if (g->stopped)
            entry_disable(m->entry, "its config has been given up before it");
        else
            run_body(g, m);
        run_menu(g, &below);
        g->file_depth--;
        copy_variables(&g->variables, before);
        g->function_count = functions;
    }
    g->depth -= 3;
}

static void forget_menu(struct grub *g)
{
    static const char *const names[] = {"default", "fallback", "timeout", "timeout_style"};
    for (u32 i = 0; i < ARRAY_COUNT(names); i++)
        variable_unset(&g->variables, text_of(names[i]));
}

/* What a config has loaded outside of entries becomes this entry's. */
static void take_loaded(struct boot_entry *entry, const struct boot_entry *loaded)
{
    entry->kernel = loaded->kernel;
    entry->volume = loaded->volume;
    entry->options = loaded->options;
    entry->initrd = loaded->initrd;
    entry->initrd_count = loaded->initrd_count;
    if (loaded->disabled)
        entry_disable(entry, loaded->disabled);
}

/* `configfile FILE`, `normal [FILE]`: a menu of its own instead of the one there is. */
static int command_configfile(struct grub *g, struct grub_words words)
{
    struct text path = words.count ? words.at[0] : text_of(format_copy("%s/grub.cfg", grub_get(g, "prefix").at));
    struct boot_entry *entry = g->entry, before = g->top;
    u32 count = g->config->entry_count;
    if (!path.at)
        return 1;
    g->entry = NULL;
    if (entry) {
        entry->kind = ENTRY_SUBMENU;
        g->top = (struct boot_entry){.options = ""};
    } else {
        forget_menu(g);
    }
    enum error error = grub_run_file(g, path);
    g->ended |= entry || g->config->entry_count != count;
    if (entry && g->config->entry_count == count) {
        entry->kind = ENTRY_BOOT;
        if (g->top.kernel)
            take_loaded(entry, &g->top);
        else
            entry_disable(entry, error ? format_copy("configfile: %s", error_text()) : "its menu has no entries");
    }
    if (entry)
        g->top = before;
    if (error)
        grub_report(g, format_copy("configfile: %s", error_text()));
    return 0;
}

/* Red Hat's, and GRUB 2.14's with --path: entries of the Boot Loader Specification, of $root or of a directory. */
static int command_blscfg(struct grub *g, struct grub_words words)
{
    static const char *const usual[] = {"/loader/entries", "/boot/loader/entries"};
    struct text path = grub_get(g, "blsdir"), device;
    struct config_file file = *g->of;
    u32 before = g->config->entry_count;
    enum error error = ERR_NOT_FOUND;
    if (g->mute || g->entry || g->bls_read) /* `blscfg default` and `blscfg non-default` are for GRUB's order */
        return 0;
    for (u32 i = 0; i < words.count; i++) {
        struct text word = words.at[i];
        if (text_starts(word, "--path="))
            word.at += 7, word.len -= 7;
        if (text_starts(word, "(") || text_starts(word, "/"))
            path = word;
    }
    struct volume *v = grub_path(g, path, &device, &path);
    file.name = g->name;
    if (!v || !v->fs) {
        grub_report(g, format_copy("blscfg: no device (%.*s) with files that can be read", (int)device.len, device.at));
        return 1;
    }
    g->bls_read = true;
    if (path.len)
        error = bls_read_entries(g->config, &file, v, path, &g->variables);
    for (u32 i = 0; i < ARRAY_COUNT(usual) && error == ERR_NOT_FOUND; i++)
        error = bls_read_entries(g->config, &file, v, text_of(usual[i]), &g->variables);
    if (error && error != ERR_NOT_FOUND)
        grub_report(g, format_copy("blscfg: %s", error_text()));
    for (u32 i = before; i < g->config->entry_count; i++)
        if (!g->config->entry[i]->parent)
            g->config->entry[i]->parent = g->menu->parent;
    return error != OK;
}

const struct grub_command grub_boot_commands[] = {
    {"linux", command_linux},
    {"initrd", command_initrd},
    {"linux16", command_linux},
    {"initrd16", command_initrd},
    {"linuxefi", command_linux},
    {"initrdefi", command_initrd},
    {"configfile", command_configfile},
    {"normal", command_configfile},
    {"blscfg", command_blscfg},
    {"bls_import", command_blscfg},
    {"boot", command_boot},
    {"exit", command_end},
    {"fwsetup", command_end},
    {"halt", command_end},
    {"poweroff", command_end},
    {"reboot", command_end},
    {"chainloader", command_chainloader},
    {"loopback", command_other},
    {"multiboot", command_other},
    {"multiboot2", command_other},
    {"xen_hypervisor", command_other},
    {"ntldr", command_other},
    {"freedos", command_other},
    {"knetbsd", command_other},
    {"kfreebsd", command_other},
    {"kopenbsd", command_other},
    {"plan9", command_other},
    {"pxechainloader", command_other},
    {"localboot", command_other},
    {"appleloader", command_other},
    {"legacy_configfile", command_other},
    {"legacy_kernel", command_other},
    {"syslinux_configfile", command_other},
    {"xnu_kernel64", command_other},
    {"xnu_kernel", command_other},
    {NULL, NULL},
};

/* ---- what the variables say of the menu -------------------------------------------------------------------------- */

/* A part of `default`, in which `>>` stands for `>`. */
static bool is_called(struct text part, const char *name)
{
    u32 i = 0;
    for (; i < part.len && *name; i++, name++) {
        i += part.at[i] == '>';
        if (i == part.len || part.at[i] != *name)
            return false;
    }
    return i == part.len && !*name;
}

/* A row of the list in parent: by id, else by title, else by number, blanks around it or not. */
static struct boot_entry *find_row(const struct config *config, const struct boot_entry *parent, struct text part)
{
    u64 number = 0;
    for (u32 by = 0; by < 2; by++)
        for (u32 i = 0; i < config->entry_count; i++) {
            struct boot_entry *entry = config->entry[i];
            if (entry->parent == parent && is_called(part, by ? entry->title : entry->id))
                return entry;
        }
    if (!text_number(text_trim(part), &number))
        return NULL;
    for (u32 i = 0; i < config->entry_count; i++)
        if (config->entry[i]->parent == parent && !number--)
            return config->entry[i];
    return NULL;
}

/* Cut off what is before the first `>` that is none of two. */
static struct text take_part(struct text *spec)
{
    struct text part = {spec->at, 0};
    while (part.len < spec->len && !(spec->at[part.len] == '>' && !(part.len + 1 < spec->len &&
                                                                  spec->at[part.len + 1] == '>')))
        part.len += spec->at[part.len] == '>' ? 2 : 1;
    u32 used = (u32)min_u64(part.len + 1, spec->len);
    *spec = (struct text){spec->at + used, spec->len - used};
    return part;
}

/* What `default` or a word of `fallback` names; within a submenu what is not there is its first row, as in GRUB. */
static struct boot_entry *find_entry(const struct config *config, struct text spec)
{
    struct boot_entry *row = spec.len ? find_row(config, NULL, take_part(&spec)) : NULL;
    while (row && row->kind == ENTRY_SUBMENU) {
        struct boot_entry *below = find_row(config, row, take_part(&spec));
        row = below ? below : find_row(config, row, text_of("0"));
    }
    return row && row->kind == ENTRY_BOOT ? row : NULL;
}

static void take_variables(struct grub *g)
{
    struct config *config = g->config;
    const char *style = grub_get(g, "timeout_style").at;
    struct text timeout = grub_get(g, "timeout"), fallback = grub_get(g, "fallback"), word;
    i64 seconds;
    if (timeout.at && (!grub_number(timeout, &seconds) || seconds < 0))
        config->timeout = TIMEOUT_NONE;
    else if (timeout.at)
        config->timeout = (u32)min_u64((u64)seconds, TIMEOUT_UNSET - 1);
    config->hidden = style && config->timeout < TIMEOUT_UNSET &&
                     (!strcmp(style, "hidden") || !strcmp(style, "countdown"));
    config->default_entry = find_entry(config, grub_get(g, "default"));
    while (!config->fallback_entry && text_split(&fallback, ' ', &word))
        config->fallback_entry = find_entry(config, word);
    config->locked |= grub_get(g, "superusers").at != NULL;
}

/* ---- the dialect ------------------------------------------------------------------------------------------------- */

/* What GRUB sets before it reads a config; values of what depends on the config's place behind the others. */
static void set_first(struct grub *g)
{
    static const char *const names[] = {
        "feature_chainloader_bpb", "feature_ntldr", "feature_platform_search_hint", "feature_default_font_path",
        "feature_all_video_module", "feature_menuentry_id", "feature_menuentry_options", "feature_200_final",
        "feature_nativedisk_cmd", "feature_timeout_style", "grub_platform", "grub_cpu", "root", "prefix", "cmdpath",
        "config_directory", "config_file",
    };
    enum { PLATFORM = 10, CPU, ROOT, PREFIX, CONFIG_FILE = 16 };
    const struct volume *home = g->of->home;
    struct text path = g->of->path, directory = path;
    const char *device = home ? grub_device_name(g, home) : NULL, *value = "y";
    while (directory.len && directory.at[--directory.len] != '/')
        ;
    for (u32 i = 0; i < (device ? ARRAY_COUNT(names) : ROOT); i++) {
        if (i == PLATFORM)
            value = "pc";
        else if (i == CPU)
            value = "i386";
        else if (i == ROOT)
            value = device;
        else if (i == PREFIX)
            value = format_copy("(%s)%.*s", device, (int)directory.len, directory.at);
        else if (i == CONFIG_FILE)
            value = format_copy("(%s)%.*s", device, (int)path.len, path.at);
        grub_set(g, text_of(names[i]), text_of(value));
    }
}

static void begin_work(struct grub *g)
{
    g->stopped = false;
    g->work = 0;
    g->memory = arena_mark() + min_u64(arena_left() / 2, MIB(8));
}

/* Flatcar keeps on the ESP the archive (POSIX.1-2017 pax, "ustar") that is inside of GRUB's core; its only member is
 * the config. */
static struct text first_member(struct text archive)
{
    u32 length = 0;
    if (archive.len < 512 || memcmp(archive.at + 257, "ustar", 5))
        return archive;
    for (const char *p = archive.at + 124; p < archive.at + 136 && *p >= '0' && *p <= '7'; p++) /* octal */
        length = length << 3 | (u32)(*p - '0');
    return (struct text){archive.at + 512, (u32)min_u64(length, archive.len - 512)};
}

static struct grub *run(struct config *config, const struct config_file *file, bool mute)
{
    struct grub *g = arena_alloc(sizeof *g, 16);
    struct text text = grub_drop_returns(first_member(file->text));
    struct grub_menu menu;
    if (!g || !text.at)
        return NULL;
    g->config = config;
    g->of = file;
    g->name = file->name;
    g->mute = mute;
    g->top.options = "";
    begin_work(g);
    g->file[g->file_depth++] = file->name;
    set_first(g);
    if (text_starts(text, "\xef\xbb\xbf"))
        text.at += 3, text.len -= 3;
    begin_menu(g, &menu, NULL);
    grub_run_text(g, file->name, text, 1, false);
    g->ended = g->returning = false;
    if (!mute) {
        begin_work(g); /* what came before a limit can be booted */
        run_menu(g, &menu);
        take_variables(g);
    }
    error_clear();
    return g;
}

enum error grub_parse(struct config *config, const struct config_file *file)
{
    return run(config, file, false) ? OK : ERR_NO_MEMORY;
}

/* ---- for others -------------------------------------------------------------------------------------------------- */

static enum error open_usual(struct volume *home, struct config_file *file)
{
    enum error error = ERR_NOT_FOUND;
    char *bytes;
    for (u32 i = 0; config_grub.paths[i] && error; i++) {
        file->path = text_of(config_grub.paths[i]);
        error = file_open(home, file->path, &file->file);
        if (!error)
            error = file_read_all(&file->file, CONFIG_SIZE_MAX, &bytes, &file->text.len);
        if (!error)
            file->text.at = bytes;
    }
    error_clear();
    file->name = file->file.path;
    return error;
}

/* grub.cfg of home, else of another volume of its disk: with UEFI it is the ESP that has it. */
static bool find_config(const struct volume_list *volumes, struct volume *home, struct config_file *file)
{
    file->home = home;
    if (!open_usual(home, file))
        return true;
    for (u32 i = 0; i < volumes->count; i++) {
        file->home = volumes->volume[i];
        if (file->home != home && file->home->disk == home->disk && file->home->fs && !open_usual(file->home, file))
            return true;
    }
    return false;
}

enum error grub_variables(const struct volume_list *volumes, struct volume *home, struct variables *variables)
{
    struct config_file file = {.volumes = volumes};
    enum log_level level = log_level;
    u64 mark = arena_mark();
    if (!home || !home->fs || !find_config(volumes, home, &file)) {
        arena_release(mark);
        return ERR_NOT_FOUND;
    }
    struct config *config = arena_alloc(sizeof *config, 8);
    log_level = LOG_SILENT;
    struct grub *g = config ? run(config, &file, true) : NULL;
    log_level = level;
    if (!g)
        return ERR_NO_MEMORY;
    copy_variables(variables, &g->variables);
    return OK;
}
