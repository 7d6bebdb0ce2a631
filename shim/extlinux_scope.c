/* extlinux_scope.c: what the labels of one extlinux.conf mean together (extlinux.h): which is the default, and after
 * how long. Syslinux 6.04: com32/elflink/ldlinux readconfig.c (parse_configs), ldlinux.c. */
#include "extlinux.h"
#include "memory.h"
#include "print.h"

/* The first of that name (Syslinux's find_label); GONE ones too. */
static struct boot_entry *find_label(const struct extlinux *x, struct text name, u8 *flags)
{
    for (u32 i = x->scope->first_entry; i < x->config->entry_count; i++) {
        struct boot_entry *entry = x->config->entry[i];
        bool label = entry->kind == ENTRY_BOOT || entry->kind == ENTRY_SUBMENU;
        if (label && !(x->flags[i] & EXTLINUX_INNER) && text_equal(name, entry->id)) {
            *flags = x->flags[i];
            return entry;
        }
    }
    return NULL;
}

/* ifcpu64.c32 and whichsys.c32: what the label that they start is. One that starts a submenu only points at it. */
static void resolve_aliases(struct extlinux *x)
{
    for (u32 i = x->scope->first_entry; i < x->config->entry_count; i++) {
        struct boot_entry *entry = x->config->entry[i];
        u8 flags = 0;
        if (!(x->flags[i] & EXTLINUX_ALIAS) || (x->flags[i] & EXTLINUX_INNER))
            continue;
        const struct boot_entry *target = find_label(x, text_of(entry->kernel), &flags);
        if (!target || (flags & (EXTLINUX_ALIAS | EXTLINUX_GONE))) {
            entry->disabled = "it starts a label that is not there";
            entry->kernel = NULL;
        } else if (target->kind == ENTRY_SUBMENU) {
            x->flags[i] |= EXTLINUX_GONE;
        } else {
            entry->kernel = target->kernel;
            entry->options = target->options;
            entry->initrd = target->initrd;
            entry->initrd_count = target->initrd_count;
            if (!entry->disabled || (entry->disabled == extlinux_password && target->disabled))
                entry->disabled = target->disabled; /* which no time that runs out takes back */
            x->flags[i] &= (u8)~EXTLINUX_ALIAS;
        }
    }
}

bool extlinux_is_program(struct text name)
{
    return name.len > 4 && text_equal_nocase((struct text){name.at + name.len - 4, 4}, text_of(".c32"));
}

static bool is_there(struct extlinux *x, struct text name)
{
    struct file file;
    u64 mark = arena_mark();
    const char *path = extlinux_path(x, name);
    bool there = path && x->home && !file_open(x->home, text_of(path), &file);
    error_clear();
    arena_release(mark);
    return there;
}

/* A command line that names no label is one of a kernel, which the global APPEND is not for. */
static struct boot_entry *implicit_entry(struct extlinux *x, struct text name, struct text options)
{
    struct boot_entry *entry = extlinux_entry_add(x, x->scope->default_file, x->scope->default_at, name);
    if (entry)
        extlinux_entry_fill(x, entry, EXTLINUX_KERNEL, name, options, (struct text){NULL, 0});
    return entry;
}

/* DEFAULT names no label: it is a kernel, where there are no labels or there is such a file; else a mistake. */
static struct boot_entry *implicit_default(struct extlinux *x, struct text name, struct text options)
{
    struct extlinux_scope *scope = x->scope;
    const char *ids[ENTRIES_MAX + 1];
    u32 count = 0;
    for (u32 i = scope->first_entry; i < x->config->entry_count; i++)
        if (x->config->entry[i]->kind == ENTRY_BOOT)
            ids[count++] = x->config->entry[i]->id;
    ids[count] = NULL;
    if (count && !is_there(x, name)) {
        config_report(x->config, scope->default_file->name, scope->default_at,
                      "`default` \"%.*s\": there is no such label%s", (int)min_u64(name.len, 100), name.at,
                      did_you_mean(name, ids));
        return NULL;
    }
    return implicit_entry(x, name, options);
}

/* What a menu has chosen: the last MENU DEFAULT in it, else its first entry. */
static struct boot_entry *chosen_in(const struct extlinux *x, const struct boot_entry *menu)
{
    struct boot_entry *first = NULL, *chosen = NULL;
    for (u32 i = x->scope->first_entry; i < x->config->entry_count; i++) {
        struct boot_entry *entry = x->config->entry[i];
        if (entry->parent != menu || (x->flags[i] & (EXTLINUX_GONE | EXTLINUX_HIDDEN)) || entry->kind > ENTRY_SUBMENU)
            continue;
        if (x->flags[i] & EXTLINUX_CHOSEN)
            chosen = entry;
        if (!first && !entry->disabled)
            first = entry;
    }
    return chosen ? chosen : first;
}

/* An entry, where a submenu may be the default: the one that is its default. */
static struct boot_entry *descend(struct extlinux *x, struct boot_entry *entry)
{
    struct extlinux_scope *scope = x->scope;
    while (entry && entry->kind == ENTRY_SUBMENU) {
        const struct extlinux_scope *inner = x->finished;
        while (inner && inner->menu != entry)
            inner = inner->next;
        if (!inner) {
            entry = chosen_in(x, entry);
            continue;
        }
        if (!scope->has_timeout && !scope->prompt && !scope->ui.len) {
            scope->has_timeout = inner->timeout != TIMEOUT_UNSET;
            scope->timeout = inner->timeout;
        }
        entry = inner->default_entry;
    }
    return entry;
}

/* DEFAULT is a command line: a label or a kernel, with options; or a menu program, which shows the labels. */
static struct boot_entry *find_default(struct extlinux *x)
{
    struct extlinux_scope *scope = x->scope;
    struct text line = scope->default_line, name = extlinux_word(&line);
    u8 flags = 0;
    struct boot_entry *entry = name.len ? find_label(x, name, &flags) : NULL;
    if (entry && (flags & EXTLINUX_ALIAS) && !entry->disabled)
        entry = find_label(x, text_of(entry->kernel), &flags);
    if (entry && (flags & EXTLINUX_HIDDEN) && scope->ui.len) {
        entry = NULL; /* no menu shows it */
    } else if (entry && (flags & EXTLINUX_GONE)) {
        entry = NULL;
        scope->ui = name; /* a label of the menu itself */
    } else if (!entry && extlinux_is_program(name)) {
        scope->ui = scope->ui.len ? scope->ui : name;
    } else if (!entry && name.len) {
        entry = implicit_default(x, name, line);
    } else if (entry && entry->kind == ENTRY_BOOT && !scope->ui.len) {
        extlinux_options_add(x, entry, line);
    }
    return descend(x, entry ? entry : chosen_in(x, scope->start ? scope->start : scope->menu));
}

/* What ONTIMEOUT or ONERROR starts: a label or a kernel; of a label with options a copy that has them, since a menu
 * shows the label without. */
static struct boot_entry *find_command(struct extlinux *x, struct text line)
{
    struct text name = extlinux_word(&line);
    u8 flags = 0;
    struct boot_entry *entry = name.len ? descend(x, find_label(x, name, &flags)) : NULL, *copy;
    if (!name.len || (flags & EXTLINUX_GONE))
        return NULL;
    if (!entry) {
        u32 at = x->config->entry_count;
        entry = implicit_entry(x, name, line);
        if (!entry || entry->kind != ENTRY_BOOT)
            return descend(x, entry);
        flags = x->flags[at]; /* of what is no kernel, but a way about the menu */
        x->flags[at] = EXTLINUX_HIDDEN;
        return flags ? NULL : entry;
    }
    copy = line.len ? arena_alloc(sizeof *copy, 8) : NULL;
    if (!copy)
        return entry;
    *copy = *entry;
    copy->options = "";
    extlinux_options_add(x, copy, text_of(entry->options));
    extlinux_options_add(x, copy, line);
    return copy;
}

/* Seconds. Without any TIMEOUT Syslinux shows a menu or a prompt for ever, or boots its DEFAULT at once. */
static u32 find_timeout(const struct extlinux_scope *scope)
{
    u32 total = scope->total_timeout;
    if (scope->at_once)
        return 0;
    if (scope->has_timeout)
        return total < scope->timeout ? total : scope->timeout;
    if (total != TIMEOUT_NONE)
        return total;
    if (scope->ui.len || scope->prompt)
        return TIMEOUT_NONE;
    return scope->default_line.len ? 0 : TIMEOUT_UNSET;
}

/* Labels that are ways about the menu, and hidden ones, have served their purpose. */
static void drop_entries(struct extlinux *x, const struct boot_entry *stays)
{
    u32 kept = x->scope->first_entry;
    for (u32 i = kept; i < x->config->entry_count; i++) {
        if ((x->flags[i] & EXTLINUX_GONE) || ((x->flags[i] & EXTLINUX_HIDDEN) && x->config->entry[i] != stays))
            continue;
        x->flags[kept] = EXTLINUX_INNER;
        x->config->entry[kept++] = x->config->entry[i];
    }
    x->config->entry_count = kept;
}

/* What is in a submenu that cannot be entered, as for its password, cannot be booted by its name either. */
static void disable_inside(struct extlinux *x)
{
    for (u32 i = x->scope->first_entry; i < x->config->entry_count; i++) {
        struct boot_entry *entry = x->config->entry[i];
        if (!entry->disabled && entry->parent)
            entry->disabled = entry->parent->disabled;
    }
}

void extlinux_scope_end(struct extlinux *x)
{
    struct extlinux_scope *scope = x->scope;
    struct config *config = x->config;
    disable_inside(x);
    resolve_aliases(x);
    scope->default_entry = find_default(x);
    scope->timeout = find_timeout(scope);
    scope->locked |= scope->no_escape && !scope->ui.len; /* of a prompt: a menu has none to escape to */
    struct boot_entry *entry = scope->default_entry;
    if (entry && entry->disabled == extlinux_password && scope->timeout != TIMEOUT_NONE)
        entry->disabled = NULL; /* as there: nobody is asked when time has run out */
    if (!scope->menu) {
        config->timeout_entry = find_command(x, scope->timeout_line);
        config->fallback_entry = find_command(x, scope->fallback.len ? scope->fallback : scope->error_line);
    }
    drop_entries(x, scope->default_entry);
}
