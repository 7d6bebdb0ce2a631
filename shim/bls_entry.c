/* bls_entry.c: one file of the Boot Loader Specification (UAPI.1 1.0, 2026) becomes one entry: *.conf (type 1) or a
 * unified kernel image (type 2).
 *
 * Lines are read as systemd-boot reads them (line_get_key_value() in src/boot/efi-string.c), which is laxer than GRUB.
 * An entry that systemd-boot would hide because something is wrong with it is shown here, disabled, with the reason;
 * those of other machines are hidden. Left out: devicetree, devicetree-overlay, extra, uki-url; addons
 * (*.efi.extra.d) and credentials beside an image. Exercise: tests/unit/test_bls.c, tests/fuzz/fuzz_bls.c.
 */
#include "bls.h"
#include "payload.h"
#include "print.h"
#include "uki.h"

#define CONF_SIZE_MAX KIB(64)
#define TRIES_MAX 0x7fffffffu /* systemd-boot's */
#define PROFILES_MAX 32u

/* ---- lines ------------------------------------------------------------------------------------------------------- */

static bool is_in(char c, const char *set)
{
    for (; *set; set++)
        if (c == *set)
            return true;
    return false;
}

/* Up to a CR, LF or NUL. CR and LF are two ends; the line between them is empty. */
static bool take_line(struct bls_lines *lines, struct text *line)
{
    struct text *rest = &lines->rest;
    u32 n = 0;
    if (!rest->len || !rest->at[0])
        return false;
    while (n < rest->len && rest->at[n] != '\n' && rest->at[n] != '\r' && rest->at[n])
        n++;
    *line = text_trim((struct text){rest->at, n});
    if (n < rest->len && rest->at[n])
        n++;
    rest->at += n, rest->len -= n;
    return true;
}

/* Around the whole of it: not those of `"a b" "c"`. */
static struct text cut_quotes(struct text t)
{
    u32 n = 1;
    while (n < t.len && t.at[n] != t.at[0])
        n++;
    if (t.len > 1 && n == t.len - 1 && is_in(t.at[0], "'\""))
        t.at++, t.len -= 2;
    return t;
}

bool bls_next_line(struct bls_lines *lines, const char *separators, struct text *key, struct text *value)
{
    struct text line;
    if (!lines->line && text_starts(lines->rest, "\xef\xbb\xbf"))
        lines->rest.at += 3, lines->rest.len -= 3;
    for (;;) {
        bool after_cr = lines->line && lines->rest.len && lines->rest.at[0] == '\n' && lines->rest.at[-1] == '\r';
        if (!take_line(lines, &line))
            return false;
        lines->line += !after_cr;
        u32 n = 0;
        while (n < line.len && !is_in(line.at[n], separators))
            n++;
        *key = (struct text){line.at, n};
        while (n < line.len && is_in(line.at[n], separators))
            n++;
        *value = (struct text){line.at + n, line.len - n};
        *value = cut_quotes(*value);
        if (key->len && value->len && key->at[0] != '#')
            return true;
    }
}

/* ---- file names -------------------------------------------------------------------------------------------------- */

static bool ends_nocase(struct text t, const char *suffix)
{
    struct text end = text_of(suffix);
    return t.len >= end.len && text_equal_nocase((struct text){t.at + t.len - end.len, end.len}, end);
}

/* As systemd-boot: hidden files are none, and "auto-" is for entries that it makes itself. */
static bool is_entry_name(struct text name, const char *suffix)
{
    return ends_nocase(name, suffix) && name.at[0] != '.' &&
           !(name.len > 5 && text_equal_nocase((struct text){name.at, 5}, text_of("auto-")));
}

/* Cut a number off the end of *t that stands behind `mark`. */
static bool cut_number(struct text *t, char mark, u32 *number)
{
    u32 n = t->len;
    u64 value = 0;
    while (n && t->at[n - 1] >= '0' && t->at[n - 1] <= '9')
        n--;
    if (n == t->len || !n || t->at[n - 1] != mark)
        return false;
    if (!text_number((struct text){t->at + n, t->len - n}, &value) || value > TRIES_MAX)
        return false;
    *number = (u32)value;
    t->len = n - 1;
    return true;
}

/* "name+LEFT-DONE" or "name+LEFT": to "name". What looks otherwise has no counter. */
static struct text cut_counter(struct text stem, struct boot_entry *entry)
{
    struct text rest = stem;
    u32 left = 0, done = 0;
    if (!cut_number(&rest, '-', &done))
        done = 0;
    if (!cut_number(&rest, '+', &left))
        return stem;
    entry->counted = true;
    entry->tries_left = left;
    entry->tries_done = done;
    return rest.len ? rest : stem;
}

static const char *small_letters(struct text stem, const char *suffix)
{
    char *name = format_copy("%.*s%s", (int)stem.len, stem.at, suffix);
    for (char *c = name; c && *c; c++)
        *c = (char)small_letter((u8)*c);
    return name;
}

/* ---- an entry ---------------------------------------------------------------------------------------------------- */

struct reading {
    struct bls *b;
    struct bls_item *item;
    struct boot_entry *entry;
    const char *name; /* "(vda1)/loader/entries/x.conf" */
    u32 line;
    const char *kind; /* the one of keys[] that named the kernel; NULL: none did */
    bool for_grub;    /* `$name` means something */
    bool has_options; /* a line of them, were it empty once it is expanded */
    bool hidden;
};

#define report(r, ...) config_report((r)->b->config, (r)->name, (r)->line, __VA_ARGS__)

static void disable(struct reading *r, const char *reason)
{
    entry_disable(r->entry, reason);
}

/* What has failed is why the entry cannot be chosen. */
static void disable_by_error(struct reading *r)
{
    disable(r, format_copy("%s", error_text()));
    error_clear();
}

static void tell_error(struct reading *r)
{
    report(r, "%s", error_text());
    disable_by_error(r);
}

/* An entry for the file `name`, with nothing in it. */
static bool entry_begin(struct reading *r, struct bls *b, struct text name, const char *suffix, const char *path)
{
    struct text stem = {name.at, name.len - (u32)strlen(suffix)};
    struct boot_entry counter = {0};
    struct text id = cut_counter(stem, &counter);
    struct bls_item *item = arena_alloc(sizeof *item, 8);
    struct boot_entry *entry = item ? config_entry_add(b->config, b->file, id) : NULL;
    *r = (struct reading){.b = b, .item = item, .entry = entry, .name = path};
    if (entry) {
        item->name = small_letters(id, suffix);
        item->file_name = text_copy(name);
    }
    if (!entry || !item->name || !item->file_name) {
        b->config->entry_count -= entry != NULL;
        report(r, "%s", error_text());
        error_clear();
        return false;
    }
    item->entry = entry;
    entry->title = item->name; /* that is what systemd-boot shows of an entry without a title */
    entry->volume = b->home;
    entry->config = path;
    entry->counted = counter.counted;
    entry->tries_left = counter.tries_left;
    entry->tries_done = counter.tries_done;
    return true;
}

static struct bls_item *entry_end(struct reading *r)
{
    if (!r->hidden)
        return r->item;
    r->b->config->entry_count--; /* it is the last */
    return NULL;
}

static void set_text(const char **to, struct text value)
{
    const char *copy = text_copy(value);
    if (copy)
        *to = copy;
    error_clear();
}

static bool climbs(struct text path)
{
    struct text part;
    while (text_split(&path, '/', &part))
        if (text_equal(part, ".."))
            return true;
    return false;
}

/* A path from the root of the volume; NULL with the entry disabled when it cannot be one. Windows users write `\`. */
static char *copy_path(struct reading *r, struct text value)
{
    bool backslashes = value.at[0] == '\\';
    char *path = format_copy("%s%.*s", backslashes || value.at[0] == '/' ? "" : "/", (int)value.len, value.at);
    for (char *c = path; c && backslashes && *c; c++)
        if (*c == '\\')
            *c = '/';
    if (!path) {
        tell_error(r);
    } else if (climbs(text_of(path))) {
        report(r, "\"%.100s\": expected a path without \"..\"", path);
        disable(r, "one of its paths has \"..\" in it");
        path = NULL;
    }
    return path;
}

/* ---- keys of type 1 ---------------------------------------------------------------------------------------------- */

static void key_kernel(struct reading *r, const char *key, struct text value)
{
    if (r->kind && r->kind != key) {
        report(r, "`%s` beside `%s`; expected one of them", key, r->kind);
        disable(r, "it has kernels of two kinds");
        return;
    }
    r->kind = key;
    r->entry->kernel = copy_path(r, value); /* the last one counts, as in systemd-boot */
}

static void add_initrd(struct reading *r, struct text path)
{
    struct entry_file file = {.path = path};
    if (entry_file_add(&r->entry->initrd, &r->entry->initrd_count, file))
        tell_error(r);
}

/* One path; GRUB takes several. A word that a variable gave may lack its directory, which is the kernel's then (see
 * place_initrds()). A blank inside a path is told from one between two by what follows it. */
static void key_initrd(struct reading *r, struct text value, bool expanded)
{
    while (value.len) {
        u32 n = 1, skip;
        while (n < value.len && !(is_blank(value.at[n - 1]) && (expanded || value.at[n] == '/')))
            n++;
        skip = n;
        struct text path = text_trim((struct text){value.at, n});
        if (path.len && expanded && path.at[0] != '/') {
            add_initrd(r, path);
        } else if (path.len) {
            const char *copy = copy_path(r, path);
            if (copy)
                add_initrd(r, text_of(copy));
        }
        value.at += skip, value.len -= skip;
    }
}

/* The names of UEFI, and those that people take for them. */
static bool is_our_architecture(struct text value)
{
    static const char *const names[] = {"x64", "x86-64", "x86_64", "amd64"};
    for (u32 i = 0; i < ARRAY_COUNT(names); i++)
        if (text_equal_nocase(value, text_of(names[i])))
            return true;
    return false;
}

/* GRUB also names keys that are no characters ("delete"): those are passed over. */
static void key_hotkey(struct reading *r, struct text value)
{
    if (value.len != 1 || (u8)value.at[0] <= ' ' || (u8)value.at[0] >= 0x7f)
        return;
    r->entry->hotkey = small_letter((u8)value.at[0]);
}

enum { TITLE, VERSION, MACHINE_ID, SORT_KEY, LINUX, EFI, UKI, UKI_URL, INITRD, OPTIONS, ARCHITECTURE, HOTKEY, PROFILE,
       USERS };
static const char keys[][13] = {
    "title", "version", "machine-id", "sort-key", "linux", "efi", "uki", "uki-url", "initrd", "options",
    "architecture", "grub_hotkey", "profile", "grub_users",
};

static void take_value(struct reading *r, struct text key, struct text value, bool expanded)
{
    struct bls_item *item = r->item;
    u64 number;
    u32 k = 0;
    while (k < ARRAY_COUNT(keys) && !text_equal(key, keys[k]))
        k++;
    if (k == TITLE) {
        set_text(&r->entry->title, value);
    } else if (k == VERSION) {
        set_text(&item->version, value);
    } else if (k == MACHINE_ID) {
        set_text(&item->machine_id, value);
    } else if (k == SORT_KEY) {
        set_text(&item->sort_key, value);
    } else if (k == LINUX || k == EFI || k == UKI) {
        key_kernel(r, keys[k], value);
    } else if (k == UKI_URL) {
        disable(r, "its kernel is to be fetched over the network (`uki-url`)");
    } else if (k == INITRD) {
        key_initrd(r, value, expanded);
    } else if (k == OPTIONS) {
        if (entry_options_add(r->entry, value))
            tell_error(r);
    } else if (k == ARCHITECTURE) {
        r->hidden |= !is_our_architecture(value);
    } else if (k == HOTKEY) {
        key_hotkey(r, value);
    } else if (k == USERS) { /* not empty: no others may boot it */
        if (r->b->variables && variable_get(r->b->variables, text_of("superusers")))
            disable(r, "it wants a password of GRUB's");
    } else if (k == PROFILE && text_number(value, &number) && number < PROFILES_MAX) {
        r->entry->profile = (u32)number;
    } else {
        say_verbose("%s:%u: `%.*s` has no effect here", r->name, r->line, (int)min_u64(key.len, 100), key.at);
    }
}

/* GRUB loads what early_initrd names in front of all else (blscfg.c of Red Hat's GRUB). Where an entry names it itself,
 * that is enough. */
static void add_early_initrds(struct reading *r, struct text text)
{
    struct bls_lines lines = {.rest = text};
    struct text key, value, early = text_of(variable_get(r->b->variables, text_of("early_initrd")));
    while (early.len && bls_next_line(&lines, " \t", &key, &value))
        for (u32 i = 0; text_equal(key, "initrd") && i + 14 <= value.len; i++)
            if (text_starts((struct text){value.at + i, value.len - i}, "early_initrd"))
                return;
    key_initrd(r, early, true);
}

static void take_lines(struct reading *r, struct text text)
{
    struct bls_lines lines = {.rest = text};
    struct text key, value;
    if (r->for_grub && r->b->variables)
        add_early_initrds(r, text);
    while (bls_next_line(&lines, " \t", &key, &value)) {
        bool expanded = false;
        r->line = lines.line;
        r->has_options |= text_equal(key, keys[OPTIONS]);
        for (u32 i = 0; r->for_grub && i < value.len && !expanded; i++)
            expanded = value.at[i] == '$';
        if (expanded && bls_expand(r->b, value, &value))
            tell_error(r);
        else if (value.len)
            take_value(r, key, value, expanded);
    }
    r->line = 0;
    struct text more = {0};
    if (r->for_grub && r->b->variables && !r->has_options)
        more = text_of(variable_get(r->b->variables, text_of("default_kernelopts")));
    if (more.len && (bls_expand(r->b, more, &more) || (more.len && entry_options_add(r->entry, more))))
        tell_error(r);
}

/* ---- what the paths lead to -------------------------------------------------------------------------------------- */

/* Some tools write paths as they are where /boot is mounted, others as they are on the volume (heads#804). The other
 * form of path. */
static char *other_form(struct text path)
{
    if (text_starts(path, "/boot/"))
        return text_copy((struct text){path.at + 5, path.len - 5});
    return format_copy("/boot%.*s", (int)path.len, path.at);
}

static void change_initrds(struct reading *r)
{
    for (u32 i = 0; i < r->entry->initrd_count; i++) {
        const char *path = other_form(r->entry->initrd[i].path);
        if (path)
            r->entry->initrd[i].path = text_of(path);
    }
}

static bool open_kernel(struct reading *r, struct file *file)
{
    struct boot_entry *entry = r->entry;
    struct volume *v = entry->volume;
    enum error error = file_open(v, text_of(entry->kernel), file);
    if (error == ERR_NOT_FOUND) {
        const char *reason = format_copy("%s", error_text()), *other = other_form(text_of(entry->kernel));
        if (!reason || !other || file_open(v, text_of(other), file)) {
            disable(r, reason);
            error_clear();
            return false;
        }
        entry->kernel = other;
        change_initrds(r);
        error_clear();
    } else if (error) {
        disable_by_error(r);
        return false;
    }
    if (file->node.type != NODE_FILE)
        disable(r, format_copy("%s: not a file", file->path));
    return file->node.type == NODE_FILE;
}

static bool is_bzimage(const struct file *file)
{
    u32 magic = 0;
    bool is = !file_read(file, LINUX_MAGIC_AT, sizeof magic, &magic) && magic == LINUX_MAGIC;
    error_clear();
    return is;
}

/* The command line that an image brings is the entry's, where that has none: so it can be edited. */
static void open_image(struct reading *r)
{
    struct file file;
    struct uki uki;
    struct text options;
    if (!open_kernel(r, &file) || (r->entry->options[0] && r->kind == keys[LINUX]))
        return;
    enum error error = uki_open(&file, r->entry->profile, &uki);
    if (error == ERR_NOT_MINE) {
        if (r->kind == keys[UKI] || (r->kind == keys[EFI] && !is_bzimage(&file)))
            disable(r, format_copy("its `%s` is no unified kernel image%s", r->kind,
                                   r->kind == keys[EFI] ? ", and no bzImage" : ""));
        return;
    }
    if (!error && !r->entry->options[0] && !(error = uki_cmdline(&uki, &options)) && options.len)
        error = entry_options_add(r->entry, options);
    if (error)
        disable_by_error(r);
}

/* Initrds without a directory are where the kernel is. */
static void place_initrds(struct reading *r)
{
    u32 n = (u32)strlen(r->entry->kernel);
    while (n && r->entry->kernel[n - 1] != '/')
        n--;
    for (u32 i = 0; i < r->entry->initrd_count; i++) {
        struct text *path = &r->entry->initrd[i].path;
        const char *whole = path->at[0] != '/' ? format_copy("%.*s%.*s", (int)n, r->entry->kernel, (int)path->len,
                                                             path->at) : NULL;
        if (whole)
            *path = text_of(whole);
    }
}

static void finish(struct reading *r)
{
    struct boot_entry *entry = r->entry;
    if (!r->kind && !entry->disabled) {
        report(r, "no kernel; expected a line `linux /path`");
        disable(r, "it names no kernel");
    }
    if (!entry->kernel)
        return;
    place_initrds(r);
    if (!entry->disabled)
        open_image(r);
}

struct bls_item *bls_read_type1(struct bls *b, struct text name)
{
    struct reading r;
    struct file file;
    struct text text = {0};
    char *bytes = NULL;
    if (!is_entry_name(name, ".conf"))
        return NULL;
    const char *path = format_copy("%s/%.*s", b->directory, (int)name.len, name.at);
    enum error error = path ? file_open(b->home, text_of(path), &file) : ERR_NO_MEMORY;
    if (!error && file.node.type == NODE_FILE)
        error = file_read_all(&file, CONF_SIZE_MAX, &bytes, &text.len);
    if (error) {
        config_report(b->config, path ? path : b->directory, 0, "%s", error_text());
        error_clear();
        return NULL;
    }
    text.at = bytes;
    if (!bytes || !entry_begin(&r, b, name, ".conf", file.path))
        return NULL;
    r.for_grub = bls_needs_variables(b, text);
    take_lines(&r, text);
    if (!r.hidden)
        finish(&r);
    return entry_end(&r);
}

/* ---- type 2 ------------------------------------------------------------------------------------------------------ */

/* What systemd-boot takes of an os-release file (bootspec_pick_name_version_sort_key()), the best first. */
static const char *const titles[] = {"PRETTY_NAME", "IMAGE_ID", "NAME", "ID", NULL};
static const char *const versions[] = {"IMAGE_VERSION", "VERSION", "VERSION_ID", "BUILD_ID", NULL};
static const char *const sort_keys[] = {"IMAGE_ID", "ID", NULL};

static struct text os_release(struct text text, const char *const *names)
{
    struct text key, value, found = {0};
    for (; *names && !found.len; names++) {
        struct bls_lines lines = {.rest = text};
        while (bls_next_line(&lines, "=", &key, &value))
            if (text_equal(key, *names))
                found = value;
    }
    return found;
}

static enum error describe_image(struct reading *r, const struct uki *uki)
{
    struct text osrel, uname, options;
    enum error error = uki_text(&uki->osrel, &osrel);
    if (!error)
        error = uki_text(&uki->uname, &uname);
    if (!error)
        error = uki_cmdline(uki, &options);
    if (!error && options.len)
        error = entry_options_add(r->entry, options);
    if (error)
        return error;
    struct text title = os_release(osrel, titles), version = os_release(osrel, versions);
    struct text sort_key = os_release(osrel, sort_keys);
    uname = text_trim(uname);
    if (!version.len)
        version = uname;
    if (title.len)
        set_text(&r->entry->title, title);
    if (version.len)
        set_text(&r->item->version, version);
    if (sort_key.len)
        set_text(&r->item->sort_key, sort_key);
    return OK;
}

static void append(const char **to, const char *format, struct text more)
{
    const char *longer = format_copy(format, *to, (int)more.len, more.at);
    if (longer)
        *to = longer;
}

/* As systemd-boot: "PRETTY_NAME (TITLE)"; all but the first are called "name@ID". */
static enum error describe_profile(struct reading *r, const struct uki *uki, u32 profile)
{
    static const char *const ids[] = {"ID", NULL}, *const names[] = {"TITLE", NULL};
    struct text text;
    enum error error = uki_text(&uki->profile, &text);
    if (error)
        return error;
    struct text id = os_release(text, ids), name = os_release(text, names);
    if (profile) {
        if (!id.len)
            id = text_of(format_copy("%u", profile));
        if (!name.len)
            name = id;
        append(&r->entry->id, "%s@%.*s", id);
        append(&r->item->file_name, "%s@%.*s", id); /* for loader.conf's default */
        r->entry->profile = profile;
    }
    if (name.len)
        append(&r->entry->title, "%s (%.*s)", name);
    return OK;
}

struct bls_item *bls_read_type2(struct bls *b, struct text name, u32 profile)
{
    struct reading r;
    struct file file;
    struct uki uki;
    if (!is_entry_name(name, ".efi"))
        return NULL;
    u64 mark = arena_mark();
    const char *path = format_copy("%s/%.*s", b->directory, (int)name.len, name.at);
    enum error error = path ? file_open(b->home, text_of(path), &file) : ERR_NO_MEMORY;
    if (!error)
        error = file.node.type == NODE_FILE ? uki_open(&file, profile, &uki) : ERR_NOT_MINE;
    if (error == ERR_NOT_MINE || profile >= PROFILES_MAX || (error && profile)) {
        if (!profile)
            say_verbose("%s: no unified kernel image", file.path);
        error_clear();
        arena_release(mark);
        return NULL;
    }
    const char *reason = error ? format_copy("%s", error_text()) : NULL;
    error_clear();
    const char *where = path ? format_copy("(%s)%s", b->home->name, path) : NULL;
    if (!where || !entry_begin(&r, b, name, ".efi", where))
        return NULL;
    r.entry->kernel = path;
    if (error)
        disable(&r, reason);
    else if (describe_image(&r, &uki) || describe_profile(&r, &uki, profile))
        disable_by_error(&r);
    return entry_end(&r);
}
