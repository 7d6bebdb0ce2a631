/* config_merge.c: several configs become one (config_merge.h).
 *
 * No specification says how; the order is that of the contract (§4) and of tables.h. Left out on purpose: that two
 * paths may be the same kernel (symbolic links). Exercise: tests/unit/test_merge.c.
 */
#include "config_merge.h"
#include "memory.h"
#include "print.h"

/* ---- rows that are of no use ------------------------------------------------------------------------------------- */

/* True when there is anything to boot in it, at any depth. */
static bool holds_entries(const struct config *config, const struct boot_entry *submenu)
{
    for (u32 i = 0; i < config->entry_count; i++)
        for (const struct boot_entry *up = config->entry[i]->parent; up; up = up->parent)
            if (up == submenu && config->entry[i]->kind == ENTRY_BOOT)
                return true;
    return false;
}

/* With headings and the like that are in them. */
static void drop_empty_submenus(struct config *config, u32 from)
{
    u32 kept = from;
    for (u32 i = from; i < config->entry_count; i++) {
        struct boot_entry *entry = config->entry[i];
        const struct boot_entry *submenu = entry->kind == ENTRY_BOOT      ? NULL
                                           : entry->kind == ENTRY_SUBMENU ? entry
                                                                          : entry->parent;
        if (!submenu || holds_entries(config, submenu))
            config->entry[kept++] = entry;
    }
    config->entry_count = kept;
}

bool entry_is_usable(const struct boot_entry *entry)
{
    return entry && entry->kind == ENTRY_BOOT && !entry->disabled;
}

/* A distribution's tools leave entries of kernels that have been removed. */
static void disable_if_missing(const struct volume_list *volumes, struct boot_entry *entry)
{
    struct file file;
    if (!entry_is_usable(entry) || !entry->kernel)
        return;
    u64 mark = arena_mark();
    enum error error = file_open_named(volumes, entry->volume, text_of(entry->kernel), &file);
    for (u32 n = 0; !error && n < entry->initrd_count; n++)
        error = file_open_named(volumes, entry->volume, entry->initrd[n].path, &file);
    arena_release(mark);
    if (error)
        entry_disable(entry, format_copy("%s", error_text()));
    error_clear();
}

void config_clean(struct config *config, const struct volume_list *volumes)
{
    drop_empty_submenus(config, 0);
    for (u32 i = 0; i < config->entry_count; i++)
        disable_if_missing(volumes, config->entry[i]);
    disable_if_missing(volumes, config->fallback_entry); /* these two need not be rows */
    disable_if_missing(volumes, config->timeout_entry);
}

/* ---- several become one ------------------------------------------------------------------------------------------ */

static bool same_files(const struct entry_file *a, u32 a_count, const struct entry_file *b, u32 b_count)
{
    if (a_count != b_count)
        return false;
    for (u32 i = 0; i < a_count; i++)
        if (a[i].path.len != b[i].path.len || memcmp(a[i].path.at, b[i].path.at, a[i].path.len))
            return false;
    return true;
}

/* Without what a loader puts there: GRUB its kernel, and a syslinux.cfg may have its initrds among the options. */
static bool next_option(struct text *rest, struct text *word)
{
    while (text_split(rest, ' ', word))
        if (word->len && !text_starts(*word, "BOOT_IMAGE=") && !text_starts(*word, "initrd="))
            return true;
    *word = (struct text){"", 0};
    return false;
}

static bool same_options(const char *a, const char *b)
{
    struct text rest_a = text_of(a), rest_b = text_of(b), x, y;
    bool more;
    do {
        more = next_option(&rest_a, &x);
        if (next_option(&rest_b, &y) != more || x.len != y.len || memcmp(x.at, y.at, x.len))
            return false;
    } while (more);
    return true;
}

/* One entry that is told twice: the same kernel with the same initrds and options, by two dialects, as where grub.cfg
 * only says `blscfg`; or without a kernel the same lines, that two volumes lead to. */
static bool is_same(const struct boot_entry *a, const struct boot_entry *b)
{
    if (a->kind != b->kind || !a->kernel != !b->kernel)
        return false;
    if (!a->kernel)
        return a->line == b->line && !strcmp(a->config, b->config) && !strcmp(a->id, b->id) &&
               !strcmp(a->title, b->title);
    return a->volume == b->volume && a->profile == b->profile && !strcmp(a->kernel, b->kernel) &&
           same_options(a->options, b->options) &&
           same_files(a->initrd, a->initrd_count, b->initrd, b->initrd_count);
}

/* Among the first `count` rows. */
static struct boot_entry *find_same(const struct config *config, u32 count, const struct boot_entry *entry)
{
    for (u32 i = 0; i < count; i++)
        if (config->entry[i]->kind == ENTRY_BOOT && is_same(config->entry[i], entry))
            return config->entry[i];
    return NULL;
}

/* The row that `entry` of a config became, NULL when it is none. */
static struct boot_entry *row_of(const struct config *config, struct boot_entry *entry)
{
    for (u32 i = 0; i < config->entry_count; i++)
        if (config->entry[i] == entry)
            return entry;
    return entry ? find_same(config, config->entry_count, entry) : NULL;
}

static struct boot_entry *row_or_own(const struct config *config, struct boot_entry *entry)
{
    struct boot_entry *row = row_of(config, entry);
    return row ? row : entry;
}

/* What is before is not compared with each other: within one config two entries may do the same. */
bool config_merge_entries(struct config *config, const struct config *more, const char *heading)
{
    const struct config_file file = {.home = more->home, .name = more->name};
    u32 before = config->entry_count;
    struct boot_entry *h = heading ? config_entry_add(config, &file, (struct text){"", 0}) : NULL;
    if (h) {
        h->kind = ENTRY_HEADING;
        h->title = heading;
    }
    error_clear();
    for (u32 i = 0; i < more->entry_count; i++) {
        if (more->entry[i]->kind == ENTRY_BOOT && find_same(config, before, more->entry[i]))
            continue;
        if (config->entry_count == ENTRIES_MAX) {
            warn("config %s: more than %u entries; the rest is left out", more->name, ENTRIES_MAX);
            break;
        }
        config->entry[config->entry_count++] = more->entry[i];
    }
    drop_empty_submenus(config, before);
    for (u32 i = before; i < config->entry_count; i++)
        if (config->entry[i]->kind == ENTRY_BOOT)
            return true;
    config->entry_count = before;
    return false;
}

void config_merge_settings(struct config *config, const struct config *more)
{
    struct boot_entry *wanted = row_of(config, more->default_entry);
    if (!config->default_entry || (!entry_is_usable(config->default_entry) && entry_is_usable(wanted)))
        config->default_entry = wanted;
    if (!config->fallback_entry)
        config->fallback_entry = row_or_own(config, more->fallback_entry);
    if (!config->title)
        config->title = more->title;
    if (config->timeout == TIMEOUT_UNSET) {
        config->timeout = more->timeout;
        config->hidden = more->hidden;
        config->timeout_entry = row_or_own(config, more->timeout_entry);
    }
}
