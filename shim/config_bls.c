/* config_bls.c: the dialect of the Boot Loader Specification (UAPI.1 1.0, 2026): entries of /loader/entries (type 1)
 * and /EFI/Linux (type 2) gathered from an ESP and an XBOOTLDR partition, or from any other volume, and loader.conf of
 * systemd-boot (loader.conf(5), systemd 257).
 *
 * Where the specification leaves something open it is done as systemd-boot does it (src/boot/boot.c). Left out: writing
 * (boot counters stay as they are, `default @saved`), /loader/entries.srel, entries of SMBIOS strings, and the entries
 * that systemd-boot adds by itself (auto-*). Exercise: tests/unit/test_bls.c, tests/fuzz/fuzz_bls.c.
 */
#include "bls.h"
#include "dialects.h"
#include "print.h"
#include "tables.h"

#define FILES_MAX 4096u /* of a directory */
#define LOADER_CONF_SIZE_MAX KIB(64)

/* ---- order ------------------------------------------------------------------------------------------------------- */

/* A text that is not there is lower than any. */
static int compare_texts(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) : (a != NULL) - (b != NULL);
}

static bool is_bad(const struct bls_item *item)
{
    return item->entry->counted && !item->entry->tries_left;
}

/* Below 0 when a is to stand before b; UAPI.1 "Sorting", and boot_entry_compare() for what is equal by that. The file
 * name's suffix takes part as it does there, and in bootctl: "x-1.conf" stands behind "x.conf". */
static int compare(const struct bls_item *a, const struct bls_item *b)
{
    int order = is_bad(a) - is_bad(b);
    if (!order)
        order = !a->sort_key - !b->sort_key;
    if (!order && a->sort_key) {
        order = strcmp(a->sort_key, b->sort_key);
        if (!order)
            order = compare_texts(a->machine_id, b->machine_id);
        if (!order)
            order = version_compare(text_of(b->version), text_of(a->version));
    }
    if (!order)
        order = version_compare(text_of(b->name), text_of(a->name));
    const struct boot_entry *x = a->entry, *y = b->entry;
    if (order || !x->counted || !y->counted)
        return order;
    order = (x->tries_left < y->tries_left) - (x->tries_left > y->tries_left);
    return order ? order : (x->tries_done > y->tries_done) - (x->tries_done < y->tries_done);
}

/* In front of the first that is to stand behind it: what is equal stays in the order in which it was found. */
static void insert(struct bls *b, struct bls_item *item)
{
    u32 low = 0, high = b->count;
    while (low < high) {
        u32 middle = (low + high) / 2;
        if (compare(item, b->item[middle]) < 0)
            high = middle;
        else
            low = middle + 1;
    }
    memmove(b->item + low + 1, b->item + low, (b->count - low) * sizeof *b->item);
    b->item[low] = item;
    b->count++;
}

/* ---- gathering --------------------------------------------------------------------------------------------------- */

static struct bls *bls_new(struct config *config, const struct config_file *file)
{
    struct bls *b = arena_alloc(sizeof *b, 8);
    if (b) {
        b->config = config;
        b->file = file;
    }
    return b;
}

static enum error open_directory(struct bls *b, struct volume *home, struct text path, struct file *dir)
{
    enum error error = file_open(home, path, dir);
    b->home = home;
    if (!error && dir->node.type != NODE_DIR)
        error = ERR_NOT_FOUND;
    if (error == ERR_NOT_FOUND)
        error_clear();
    b->directory = error ? NULL : text_copy(path);
    return error || b->directory ? error : ERR_NO_MEMORY;
}

enum { TYPE1 = 1, TYPE2 = 2 };

static void read_files(struct bls *b, const struct file *dir, u32 types)
{
    struct dirent entry;
    u64 cursor = 0;
    enum error error = OK;
    for (u32 i = 0; i < FILES_MAX && b->config->entry_count < ENTRIES_MAX; i++) {
        error = file_list(dir, &cursor, &entry);
        if (error)
            break;
        if (entry.type == NODE_DIR)
            continue;
        struct text name = text_of(entry.name);
        struct bls_item *item = types & TYPE1 ? bls_read_type1(b, name) : NULL;
        if (item)
            insert(b, item);
        item = types & TYPE2 ? bls_read_type2(b, name, 0) : NULL;
        for (u32 profile = 1; item; profile++) {
            insert(b, item);
            item = b->config->entry_count < ENTRIES_MAX ? bls_read_type2(b, name, profile) : NULL;
        }
    }
    if (error && error != ERR_NOT_FOUND)
        config_report(b->config, dir->path, 0, "%s", error_text());
    else if (!error)
        config_report(b->config, dir->path, 0, "too many files or entries; the rest is left out");
    error_clear();
}

/* Entries of config from `first` on are those gathered: put them into their order. */
static void put_in_order(struct bls *b, u32 first)
{
    for (u32 i = 0; i < b->count; i++)
        b->config->entry[first + i] = b->item[i]->entry;
}

enum error bls_read_entries(struct config *config, const struct config_file *file, struct volume *home,
                            struct text directory, const struct variables *variables)
{
    struct file dir;
    u32 first = config->entry_count;
    struct bls *b = bls_new(config, file);
    if (!b)
        return ERR_NO_MEMORY;
    enum error error = open_directory(b, home, directory, &dir);
    if (error)
        return error;
    b->variables = variables;
    b->for_grub = true;
    read_files(b, &dir, TYPE1);
    put_in_order(b, first);
    return OK;
}

#define bls_paths config_bls.paths
#define TYPES_OF(i) ((i) < 2 ? TYPE1 : TYPE2)

/* On the boot partition of Fedora CoreOS /boot is a symbolic link to ".": no directory is read twice. */
static void read_volume(struct bls *b, struct volume *v)
{
    struct file dir[BLS_DIRECTORIES];
    u32 count = 0;
    for (u32 p = 0; bls_paths[p]; p++) {
        enum error error = open_directory(b, v, text_of(bls_paths[p]), &dir[count]);
        bool again = false;
        for (u32 i = 0; i < count && !error; i++)
            again |= dir[i].node.id == dir[count].node.id;
        if (error && error != ERR_NOT_FOUND)
            config_report(b->config, bls_paths[p], 0, "%s", error_text());
        error_clear();
        if (!error && !again)
            read_files(b, &dir[count++], TYPES_OF(p));
    }
}

static bool is_boot_partition(const struct volume *v)
{
    return v->role == ROLE_XBOOTLDR || v->role == ROLE_MBR_BLS;
}

/* The ESP to an XBOOTLDR partition on its disk, and the other way round; NULL: there is none. */
static struct volume *counterpart(const struct config_file *file)
{
    const struct volume *home = file->home;
    for (u32 i = 0; file->volumes && i < file->volumes->count; i++) {
        struct volume *v = file->volumes->volume[i];
        if (v->disk == home->disk && v->fs && ((home->role == ROLE_ESP && is_boot_partition(v)) ||
                                               (v->role == ROLE_ESP && is_boot_partition(home))))
            return v;
    }
    return NULL;
}

/* ---- titles ------------------------------------------------------------------------------------------------------ */

static bool find_equal_titles(struct bls *b)
{
    bool any = false;
    for (u32 i = 0; i < b->count; i++)
        b->item[i]->not_unique = false;
    for (u32 i = 0; i < b->count; i++)
        for (u32 k = i + 1; k < b->count; k++)
            if (!strcmp(b->item[i]->entry->title, b->item[k]->entry->title))
                any = b->item[i]->not_unique = b->item[k]->not_unique = true;
    return any;
}

/* What cannot be told apart gets its version, then its machine, then its file name, as far as needed. */
static void make_titles_unique(struct bls *b)
{
    for (u32 round = 0; round < 3 && find_equal_titles(b); round++)
        for (u32 i = 0; i < b->count; i++) {
            struct bls_item *item = b->item[i];
            const char *more[] = {item->version, item->machine_id, item->name};
            const char *title = item->not_unique && more[round]
                                    ? format_copy(round == 1 ? "%s (%.8s)" : "%s (%s)", item->entry->title, more[round])
                                    : NULL;
            if (title)
                item->entry->title = title;
        }
    error_clear();
}

/* ---- loader.conf ------------------------------------------------------------------------------------------------- */

/* Whether c is in the [set] that *pattern stands behind the bracket of; *pattern goes behind its end. */
static bool match_set(struct text *pattern, char c, bool *closed)
{
    bool found = false;
    u32 n = 0;
    *closed = false;
    while (n < pattern->len && (pattern->at[n] != ']' || !n)) {
        n += pattern->at[n] == '\\' && n + 1 < pattern->len;
        char from = (char)small_letter((u8)pattern->at[n]), to = from;
        if (n + 2 < pattern->len && pattern->at[n + 1] == '-' && pattern->at[n + 2] != ']') {
            n += 2;
            to = (char)small_letter((u8)pattern->at[n]);
        }
        found |= (u8)c >= (u8)from && (u8)c <= (u8)to;
        n++;
    }
    if (n < pattern->len) {
        *closed = true;
        n++;
    }
    pattern->at += n, pattern->len -= n;
    return found;
}

/* One character of t by what is at the start of *pattern, which is cut off. No `*`. */
static bool match_one(struct text *pattern, char c)
{
    char p = pattern->at[0];
    pattern->at++, pattern->len--;
    if (p == '?')
        return true;
    if (p == '[') {
        bool closed, found = match_set(pattern, (char)small_letter((u8)c), &closed);
        return closed && found;
    }
    if (p == '\\' && pattern->len) {
        p = pattern->at[0];
        pattern->at++, pattern->len--;
    }
    return small_letter((u8)p) == small_letter((u8)c);
}

/* fnmatch(3) as efi_fnmatch() of systemd-boot has it, without case. After a mismatch the last `*` takes one more. */
static bool matches(struct text pattern, const char *name)
{
    struct text t = text_of(name), star = {0}, star_t = {0};
    while (t.len || pattern.len) {
        if (pattern.len && pattern.at[0] == '*') {
            pattern.at++, pattern.len--;
            star = pattern, star_t = t;
            if (!star.len)
                return true;
            continue;
        }
        if (pattern.len && t.len && match_one(&pattern, t.at[0])) {
            t.at++, t.len--;
            continue;
        }
        if (!star.at || !star_t.len)
            return false;
        star_t.at++, star_t.len--;
        pattern = star, t = star_t;
    }
    return true;
}

/* systemd-boot's names carry the boot counter; people write them without, and without the suffix. What is only
 * preferred has tries left. */
static struct bls_item *find_default(struct bls *b, struct text pattern, bool preferred)
{
    struct bls_item *found = NULL;
    for (u32 i = 0; i < b->count; i++) {
        struct bls_item *item = b->item[i];
        if (!matches(pattern, item->name) && !matches(pattern, item->file_name) && !matches(pattern, item->entry->id))
            continue;
        if (!item->entry->disabled && !(preferred && is_bad(item)))
            return item; /* what cannot be booted systemd-boot has not even listed */
        if (!found && !preferred)
            found = item;
    }
    return found;
}

static bool read_boolean(struct text value, bool *yes)
{
    static const char *const words[] = {"0", "no", "n", "false", "f", "off", "1", "yes", "y", "true", "t", "on"};
    for (u32 i = 0; i < ARRAY_COUNT(words); i++)
        if (text_equal(value, words[i])) {
            *yes = i >= ARRAY_COUNT(words) / 2;
            return true;
        }
    return false;
}

struct loader_conf {
    struct config *config;
    const char *name;
    u32 line;
    struct text preferred, pattern; /* of the default; the former, of systemd 260, is asked first */
};

#define report(c, value, what)                                                                                         \
    config_report((c)->config, (c)->name, (c)->line, "\"%.*s\": expected " what, (int)min_u64((value).len, 100),       \
                  (value).at)

static void key_timeout(struct loader_conf *c, struct text value)
{
    u64 seconds;
    if (text_equal(value, "menu-force"))
        c->config->timeout = TIMEOUT_NONE;
    else if (text_equal(value, "menu-hidden"))
        c->config->timeout = 0;
    else if (text_equal(value, "menu-disabled")) /* a key still shows the menu, which can do nothing else then */
        c->config->timeout = 0, c->config->locked = true;
    else if (text_number(value, &seconds) && seconds < TIMEOUT_UNSET)
        c->config->timeout = (u32)seconds;
    else
        report(c, value, "a number of seconds, menu-hidden, menu-disabled or menu-force");
}

static void key_default(struct loader_conf *c, struct text *pattern, struct text value)
{
    if (value.at[0] != '@')
        *pattern = value;
    else if (text_equal_nocase(value, text_of("@saved"))) /* nobody saves: the first one */
        pattern->len = 0;
    else
        report(c, value, "the name of an entry, a pattern or @saved");
}

static void take_key(struct loader_conf *c, struct text key, struct text value)
{
    static const char *const switches[] = {"editor", "auto-entries", "auto-firmware", "auto-poweroff", "auto-reboot",
                                           "beep", "reboot-for-bitlocker"};
    bool yes;
    if (text_equal(key, "timeout"))
        key_timeout(c, value);
    else if (text_equal(key, "default"))
        key_default(c, &c->pattern, value);
    else if (text_equal(key, "preferred"))
        key_default(c, &c->preferred, value);
    else
        for (u32 i = 0; i < ARRAY_COUNT(switches); i++) {
            if (!text_equal(key, switches[i]))
                continue;
            if (!read_boolean(value, &yes))
                report(c, value, "yes or no");
            else if (!i)
                c->config->locked = !yes;
            return;
        }
}

static bool read_loader_conf(struct bls *b, struct volume *v, const char *path)
{
    struct file file;
    struct text text = {0}, key, value;
    char *bytes = NULL;
    enum error error = file_open(v, text_of(path), &file);
    if (!error)
        error = file_read_all(&file, LOADER_CONF_SIZE_MAX, &bytes, &text.len);
    if (error && error != ERR_NOT_FOUND)
        config_report(b->config, path, 0, "%s", error_text());
    error_clear();
    if (error)
        return false;
    text.at = bytes;
    struct loader_conf conf = {.config = b->config, .name = file.path};
    struct bls_lines lines = {.rest = text};
    while (bls_next_line(&lines, " \t", &key, &value)) {
        conf.line = lines.line;
        take_key(&conf, key, value);
    }
    struct bls_item *item = find_default(b, conf.preferred, true);
    if (!item)
        item = find_default(b, conf.pattern, false);
    if (item)
        b->config->default_entry = item->entry;
    else if (conf.pattern.len)
        say_verbose("%s: no entry is called %.*s", file.path, (int)min_u64(conf.pattern.len, 100), conf.pattern.at);
    return true;
}

/* ---- the dialect ------------------------------------------------------------------------------------------------- */

static bool is_usual(struct text path)
{
    for (const char *const *usual = bls_paths; *usual; usual++)
        if (text_equal(path, *usual))
            return true;
    return false;
}

/* True when `other` stands before the home of *file among the volumes and has entries of its own: then it has been
 * read, and this one with it. */
static bool is_told(const struct config_file *file, struct volume *other)
{
    u32 i = 0;
    bool told = false;
    struct file dir;
    while (other && file->volumes->volume[i] != other && file->volumes->volume[i] != file->home)
        i++;
    for (const char *const *path = bls_paths; other && file->volumes->volume[i] == other && *path && !told; path++)
        told = file_open(other, text_of(*path), &dir) == OK;
    error_clear();
    return told;
}

/* What was asked for by `config=` is read alone; else all there is, the ESP first, as systemd-boot goes. */
static enum error read_all(struct config *config, const struct config_file *file)
{
    u32 first = config->entry_count;
    struct bls *b = bls_new(config, file);
    if (!b)
        return ERR_NO_MEMORY;
    struct volume *home = file->home, *other = counterpart(file);
    struct volume *esp = other && other->role == ROLE_ESP ? other : home;
    if (is_usual(file->path)) {
        read_volume(b, esp);
        if (other)
            read_volume(b, esp == home ? other : home);
    } else {
        struct file dir;
        enum error error = open_directory(b, home, file->path, &dir);
        if (error)
            return error;
        read_files(b, &dir, TYPE1 | TYPE2);
    }
    put_in_order(b, first);
    make_titles_unique(b);
    if (!read_loader_conf(b, esp, "/loader/loader.conf") && !read_loader_conf(b, home, "/loader/loader.conf"))
        read_loader_conf(b, home, "/boot/loader/loader.conf");
    return OK;
}

/* Both partitions give the same entries, of which config.c makes one each, and the same problems. */
enum error bls_parse(struct config *config, const struct config_file *file)
{
    enum log_level level = log_level;
    u32 problems = config->problems;
    bool told = is_usual(file->path) && is_told(file, counterpart(file));
    if (told)
        log_level = LOG_SILENT;
    enum error error = read_all(config, file);
    log_level = level;
    if (told)
        config->problems = problems;
    return error;
}
