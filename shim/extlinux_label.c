/* extlinux_label.c: what a label of extlinux.conf starts (extlinux.h).
 *
 * Syslinux 6.04: com32/elflink/ldlinux readconfig.c (record), execute.c, kernel.c. A label is a command line: the file,
 * then options; the first `initrd=` on it counts, and INITRD stands at its end. `initrd=` stays on Linux's command
 * line, as there; INITRD does not get there, as with U-Boot. What only a BIOS or Syslinux itself can start is disabled
 * with the reason. SYSAPPEND is left out: what it adds is the network's.
 */
#include "extlinux.h"
#include "memory.h"
#include "print.h"

#define INDENT_MAX 20u
#define OPTIONS_MAX 16384u /* bytes, more than any Linux takes: a global APPEND is copied to every label */

static struct text behind(struct text t, u32 n)
{
    return n ? (struct text){t.at + n, t.len - n} : t;
}

static bool ends_with(struct text t, const char *end)
{
    u32 n = (u32)strlen(end);
    return t.len >= n && text_equal_nocase(behind(t, t.len - n), text_of(end));
}

static bool contains(struct text t, const char *what)
{
    for (u32 i = 0; i < t.len; i++)
        if (text_starts(behind(t, i), what))
            return true;
    return false;
}

struct text extlinux_word(struct text *rest)
{
    struct text t = text_trim(*rest), word = {t.at, 0};
    while (word.len < t.len && !is_blank(t.at[word.len]))
        word.len++;
    *rest = text_trim(behind(t, word.len));
    return word;
}

/* DOS's separator counts where the filesystem is DOS's. */
const char *extlinux_path(const struct extlinux *x, struct text path)
{
    struct text dir = x->scope->directory;
    bool fat = x->home && x->home->fs && !strcmp(x->home->fs->name, "vfat");
    if (!path.len || path.at[0] == '(' || contains(path, "::") || contains(path, "://"))
        return NULL;
    bool absolute = path.at[0] == '/' || (fat && path.at[0] == '\\');
    char *copy = absolute ? text_copy(path)
                          : format_copy("%.*s/%.*s", (int)dir.len, dir.at, (int)path.len, path.at);
    for (char *c = copy; c && fat && *c; c++)
        if (*c == '\\')
            *c = '/';
    return copy;
}

struct boot_entry *extlinux_entry_add(struct extlinux *x, const struct config_file *file, u32 line, struct text id)
{
    struct boot_entry *entry = x->full ? NULL : config_entry_add(x->config, file, id);
    if (entry) {
        entry->line = line;
        entry->parent = x->menu;
        x->flags[x->config->entry_count - 1] = 0;
    } else if (!x->full) {
        config_report(x->config, file->name, line, "%s", error_text());
        error_clear();
        x->full = true;
    }
    return entry;
}

/* The first in a menu that wants a key gets it. */
static bool key_is_free(const struct extlinux *x, const struct boot_entry *entry, u32 key)
{
    for (u32 i = x->scope->first_entry; i < x->config->entry_count; i++)
        if (x->config->entry[i]->parent == entry->parent && x->config->entry[i]->hotkey == key)
            return false;
    return true;
}

void extlinux_entry_name(struct extlinux *x, struct boot_entry *entry, struct text title, u32 indent)
{
    indent = (u32)min_u64(indent, INDENT_MAX);
    char *copy = title.len ? arena_reserve((u64)indent + title.len + 1, 1) : NULL;
    u32 n = indent;
    if (!copy)
        return;
    memset(copy, ' ', indent);
    for (u32 i = 0; i < title.len; i++) {
        if (title.at[i] != '^') {
            copy[n++] = title.at[i];
            continue;
        }
        u32 key = i + 1 < title.len ? small_letter((u8)title.at[i + 1]) : 0;
        if (!entry->hotkey && key > ' ' && key < 0x7f && key != '^' && key_is_free(x, entry, key))
            entry->hotkey = key;
    }
    copy[n] = 0;
    if (text_trim(text_of(copy)).len)
        entry->title = copy;
}

/* ---- what it starts ---------------------------------------------------------------------------------------------- */

const char extlinux_password[] = "it wants a password, which cannot be asked for here";

static enum extlinux_kind kind_of_name(struct text name)
{
    static const struct {
        char end[5];
        u8 kind;
    } ends[] = {
        {".c32", EXTLINUX_COM32}, {".img", EXTLINUX_FDIMAGE}, {".bss", EXTLINUX_BSS},     {".bin", EXTLINUX_BOOT},
        {".bs", EXTLINUX_BOOT},   {".0", EXTLINUX_PXE},       {".cbt", EXTLINUX_COMBOOT}, {".com", EXTLINUX_COMBOOT},
        {".cfg", EXTLINUX_CONFIG},
    };
    for (u32 i = 0; i < ARRAY_COUNT(ends); i++)
        if (ends_with(name, ends[i].end))
            return ends[i].kind;
    return EXTLINUX_LINUX;
}

static const char *reason_of(enum extlinux_kind kind)
{
    static const char *const reasons[] = {
        [EXTLINUX_BOOT] = "it is a boot sector, which only a BIOS starts",
        [EXTLINUX_BSS] = "it is a boot sector, which only a BIOS starts",
        [EXTLINUX_PXE] = "it is a network boot program, which only a BIOS starts",
        [EXTLINUX_FDIMAGE] = "it is the image of a floppy disk, which only a BIOS starts",
        [EXTLINUX_COMBOOT] = "it is a program for Syslinux",
        [EXTLINUX_COM32] = "it is a program for Syslinux",
        [EXTLINUX_LOCALBOOT] = "it starts the BIOS's next disk",
    };
    return reasons[kind];
}

static void set_options(struct boot_entry *entry, struct text more)
{
    if (more.len && entry_options_add(entry, more)) {
        error_clear();
        entry_disable(entry, "its options do not fit into memory");
    }
    if (contains(more, "${"))
        say_verbose("%s:%u: label %s: `${` stays as it is", entry->config, entry->line, entry->id);
}

static void set_initrds(struct extlinux *x, struct boot_entry *entry, struct text list)
{
    struct text item;
    while (text_split(&list, ',', &item)) {
        if (!item.len)
            continue;
        struct text path = text_of(extlinux_path(x, item));
        if (!path.at) {
            entry_disable(entry, format_copy("its initrd %.*s is on no volume", (int)min_u64(item.len, 100), item.at));
        } else if (entry_file_add(&entry->initrd, &entry->initrd_count, (struct entry_file){.path = path})) {
            error_clear();
            entry_disable(entry, "it has too many initrds");
            return;
        }
    }
}

/* The value of the first `initrd=` in options; empty without one. */
static struct text find_initrd(struct text options)
{
    while (options.len) {
        struct text word = extlinux_word(&options);
        if (text_starts(word, "initrd="))
            return behind(word, 7);
    }
    return (struct text){NULL, 0};
}

void extlinux_options_add(struct extlinux *x, struct boot_entry *entry, struct text more)
{
    set_options(entry, more);
    if (!entry->initrd_count)
        set_initrds(x, entry, find_initrd(more));
}

static void fill_linux(struct extlinux *x, struct boot_entry *entry, struct text command, struct text append,
                       struct text initrd)
{
    struct text file = extlinux_word(&command);
    if ((u64)command.len + append.len > OPTIONS_MAX) {
        entry_disable(entry, "its options are longer than Linux takes");
        return;
    }
    entry->kernel = extlinux_path(x, file);
    if (!file.len)
        entry_disable(entry, "it names no kernel");
    else if (!entry->kernel)
        entry_disable(entry, format_copy("its kernel %.*s is on no volume", (int)min_u64(file.len, 100), file.at));
    extlinux_options_add(x, entry, command);
    extlinux_options_add(x, entry, append);
    if (!entry->initrd_count)
        set_initrds(x, entry, extlinux_word(&initrd));
}

/* Bootable, that is. */
static bool has_entries(const struct extlinux *x, u32 from)
{
    for (u32 i = from; i < x->config->entry_count; i++)
        if (x->config->entry[i]->kind == ENTRY_BOOT && !x->config->entry[i]->disabled)
            return true;
    return false;
}

static u8 *flags_of(struct extlinux *x, const struct boot_entry *entry)
{
    u32 i = x->config->entry_count - 1;
    while (i && x->config->entry[i] != entry)
        i--;
    return &x->flags[i];
}

/* A label that reads other configs is a submenu. One that leads back is left out: our menu has its own way back. */
static void fill_config(struct extlinux *x, struct boot_entry *entry, struct text paths, struct text directory)
{
    u32 first = x->config->entry_count;
    if (!paths.len || text_equal(paths, "~") || entry != x->config->entry[first - 1]) {
        *flags_of(x, entry) |= EXTLINUX_GONE;
        return;
    }
    entry->kind = ENTRY_SUBMENU;
    if (extlinux_config_read(x, entry, paths, directory) && has_entries(x, first))
        return;
    x->config->entry_count = first;
    entry->kind = ENTRY_BOOT;
    entry_disable(entry, format_copy("it reads %.*s, which has nothing else to boot", (int)min_u64(paths.len, 100),
                                     paths.at));
}

/* The word behind `-sys-` or `-iso-`: what whichsys.c32 starts on a disk. */
static struct text label_of_disk(struct text append)
{
    struct text word = {NULL, 0};
    while (append.len) {
        word = extlinux_word(&append);
        if (text_equal(word, "-sys-") || text_equal(word, "-iso-"))
            return extlinux_word(&append);
    }
    return word;
}

/* Syslinux's programs whose work can be done without them: its menus, which read other configs, one that starts a
 * kernel, and two that choose a label. */
static void fill_program(struct extlinux *x, struct boot_entry *entry, struct text command, struct text append,
                         struct text initrd)
{
    struct text file = extlinux_word(&command), word;
    const char *copy = format_copy("%.*s%s%.*s", (int)command.len, command.at ? command.at : "",
                                   command.len ? " " : "", (int)append.len, append.at ? append.at : "");
    if (!copy)
        return;
    struct text arguments = text_of(copy), base = file;
    for (u32 i = 0; i < file.len; i++)
        if (file.at[i] == '/')
            base = behind(file, i + 1);
    if (ends_with(base, ".c32"))
        base.len -= 4;
    if (ends_with(base, "menu")) {
        fill_config(x, entry, arguments, (struct text){NULL, 0});
    } else if (text_equal(base, "linux")) {
        while (text_starts(arguments, "-"))
            extlinux_word(&arguments);
        fill_linux(x, entry, arguments, (struct text){NULL, 0}, initrd);
    } else if (text_equal(base, "mboot")) {
        entry_disable(entry, "it is for multiboot, which cannot be booted yet");
    } else if (text_equal(base, "ifcpu64") || text_equal(base, "whichsys")) {
        word = base.at[0] == 'w' ? label_of_disk(arguments) : extlinux_word(&arguments);
        entry->kernel = text_copy(word); /* until the labels are known */
        *flags_of(x, entry) |= EXTLINUX_ALIAS;
    } else {
        entry_disable(entry, format_copy("it is a program for Syslinux (%.*s)", (int)min_u64(base.len, 60), base.at));
    }
}

void extlinux_entry_fill(struct extlinux *x, struct boot_entry *entry, enum extlinux_kind kind, struct text command,
                         struct text append, struct text initrd)
{
    struct text rest = command, file = extlinux_word(&rest);
    if (kind == EXTLINUX_KERNEL)
        kind = kind_of_name(file);
    if (kind == EXTLINUX_LINUX)
        fill_linux(x, entry, command, append, initrd);
    else if (kind == EXTLINUX_COM32)
        fill_program(x, entry, command, append, initrd);
    else if (kind == EXTLINUX_CONFIG)
        fill_config(x, entry, file, extlinux_word(rest.len ? &rest : &append));
    else
        entry_disable(entry, reason_of(kind));
}

void extlinux_label_end(struct extlinux *x)
{
    struct extlinux_label label = x->label;
    x->label = (struct extlinux_label){0};
    x->label_file = label.file;
    x->label_line = label.line;
    if (!label.open || !label.name.len)
        return;
    struct boot_entry *entry = extlinux_entry_add(x, label.file, label.line, label.name);
    if (!entry)
        return;
    u8 *flags = &x->flags[x->config->entry_count - 1];
    *flags = (u8)((label.chosen && !label.disabled ? EXTLINUX_CHOSEN : 0) | (label.hidden ? EXTLINUX_HIDDEN : 0) |
                  (label.leaves ? EXTLINUX_GONE : 0));
    extlinux_entry_name(x, entry, label.title, label.indent);
    entry->help = label.help;
    if (label.disabled && !label.has_command) {
        entry->kind = ENTRY_HEADING;
        entry->hotkey = 0;
        return;
    }
    if (label.disabled)
        entry_disable(entry, "the config disables it");
    struct text append = label.append.at ? label.append : x->scope->append;
    if (text_equal(append, "-"))
        append.len = 0;
    if (!label.leaves)
        extlinux_entry_fill(x, entry, label.kind, label.command, append, label.initrd);
    if (label.password)
        entry_disable(entry, extlinux_password);
}
