/* grub_device.c: GRUB's names of devices, paths with them, and the commands that look for them.
 *
 * GRUB manual 2.06 §13.1 (device syntax), §16.3 `search`, `probe`. hd0 is the disk that the config lies on: a BIOS
 * numbers what it boots from first, and so do configs that name disks by number. Volumes' names of ours ("vda1",
 * "module0") are devices, too. Left out on purpose: names of single drivers (ahci0, usb0), partitions within partitions
 * (BSD labels); hints of `search`, which only save time.
 *
 * Exercise: tests/unit/test_grub.c.
 */
#include "grub_script.h"
#include "print.h"

/* ---- names ------------------------------------------------------------------------------------------------------- */

static bool is_first_of_disk(const struct volume_list *volumes, u32 i)
{
    for (u32 n = 0; n < i; n++)
        if (volumes->volume[n]->disk == volumes->volume[i]->disk)
            return false;
    return true;
}

/* Number of v's disk among those of its kind. */
static u32 disk_number(const struct grub *g, const struct volume *v)
{
    const struct volume_list *volumes = g->of->volumes;
    const struct block_device *own = g->of->home ? g->of->home->disk : NULL;
    u32 number = 0;
    if (own == v->disk)
        return 0;
    for (u32 i = 0; i < volumes->count && volumes->volume[i]->disk != v->disk; i++) {
        const struct block_device *disk = volumes->volume[i]->disk;
        number += !disk->in_memory && disk->removable == v->disk->removable && disk != own &&
                  is_first_of_disk(volumes, i);
    }
    return number + (own && !own->in_memory && own->removable == v->disk->removable);
}

static bool is_gpt(const struct volume *v)
{
    return strlen(v->ids.partuuid) == 36; /* of an MBR: xxxxxxxx-NN */
}

const char *grub_device_name(const struct grub *g, const struct volume *v)
{
    if (v->disk->in_memory)
        return v->name;
    const char *kind = v->disk->removable ? "cd" : "hd";
    u32 disk = disk_number(g, v);
    const char *name = v->number ? format_copy("%s%u,%s%u", kind, disk, is_gpt(v) ? "gpt" : "msdos", v->number)
                                 : format_copy("%s%u", kind, disk);
    return name ? name : "";
}

/* Cut a number off the front of *t. */
static bool take_number(struct text *t, u32 *number)
{
    u32 n = 0;
    u64 value;
    while (n < t->len && t->at[n] >= '0' && t->at[n] <= '9')
        n++;
    if (!text_number((struct text){t->at, n}, &value) || value > 9999)
        return false;
    *number = (u32)value;
    t->at += n;
    t->len -= n;
    return true;
}

static bool skip(struct text *t, const char *prefix)
{
    if (!text_starts(*t, prefix))
        return false;
    t->at += strlen(prefix);
    t->len -= (u32)strlen(prefix);
    return true;
}

/* One of our names; without what volume_find() says when there is none. */
static struct volume *find_own(const struct volume_list *volumes, struct text name)
{
    for (u32 i = 0; i < volumes->count; i++)
        if (text_equal(name, volumes->volume[i]->name))
            return volumes->volume[i];
    return NULL;
}

struct volume *grub_device_find(const struct grub *g, struct text name)
{
    const struct volume_list *volumes = g->of->volumes;
    u32 disk, part = 0;
    if (name.len > 1 && name.at[0] == '(' && name.at[name.len - 1] == ')')
        name.at++, name.len -= 2;
    struct volume *own = volumes ? find_own(volumes, name) : NULL;
    bool cd = text_starts(name, "cd");
    if (own || !volumes || !(skip(&name, "cd") || skip(&name, "hd")))
        return own;
    if (cd && !name.len)
        disk = 0;
    else if (!take_number(&name, &disk))
        return NULL;
    bool partition = name.len, gpt = false, msdos = false;
    if (partition && !skip(&name, ","))
        return NULL;
    if (partition) {
        gpt = skip(&name, "gpt");
        msdos = !gpt && skip(&name, "msdos");
    }
    if (partition && (!take_number(&name, &part) || !part || name.len))
        return NULL;
    for (u32 i = 0; i < volumes->count; i++) {
        struct volume *v = volumes->volume[i];
        if (!v->disk->in_memory && v->disk->removable == cd && v->number == part && !(gpt && !is_gpt(v)) &&
            !(msdos && is_gpt(v)) && disk_number(g, v) == disk)
            return v;
    }
    return NULL;
}

/* ---- paths ------------------------------------------------------------------------------------------------------- */

struct volume *grub_path(const struct grub *g, struct text name, struct text *device, struct text *path)
{
    u32 n = 0;
    *device = grub_get(g, "root");
    *path = name;
    if (text_starts(name, "(")) {
        while (n < name.len && name.at[n] != ')')
            n++;
        *device = (struct text){name.at + 1, n - 1};
        n = (u32)min_u64(n + 1, name.len);
        *path = (struct text){name.at + n, name.len - n};
    }
    return grub_device_find(g, *device);
}

enum error grub_open(struct grub *g, struct text name, struct file *file)
{
    struct text device, path;
    struct volume *v = grub_path(g, name, &device, &path);
    if (!v || !v->fs)
        return fail(ERR_NOT_FOUND, "%.*s: no device (%.*s) with files that can be read", (int)name.len, name.at,
                    (int)device.len, device.at);
    return grub_spend(g, GRUB_FILE_WORK) ? file_open(v, path, file) : ERR_UNSUPPORTED;
}

/* ---- search ------------------------------------------------------------------------------------------------------ */

enum what { BY_FILE, BY_LABEL, BY_UUID, BY_PARTLABEL, BY_PARTUUID };

static bool has_file(struct grub *g, struct volume *v, struct text path)
{
    struct file file;
    u64 mark = arena_mark();
    if (!v->fs || !grub_spend(g, GRUB_FILE_WORK))
        return false;
    bool has = !file_open(v, path, &file);
    error_clear();
    arena_release(mark);
    return has;
}

static bool is_wanted(struct grub *g, struct volume *v, enum what what, struct text id)
{
    switch (what) {
    case BY_FILE:
        return has_file(g, v, id);
    case BY_LABEL:
        return text_equal(id, v->ids.label);
    case BY_UUID:
        return text_equal_nocase(id, text_of(v->ids.uuid));
    case BY_PARTLABEL:
        return text_equal(id, v->ids.partlabel);
    default:
        return text_equal_nocase(id, text_of(v->ids.partuuid));
    }
}

static bool take_found(struct grub *g, struct volume *v, struct text variable)
{
    if (variable.len)
        grub_set(g, variable, text_of(grub_device_name(g, v)));
    return true;
}

/* On the config's own disk first, which is GRUB's hd0. */
static int search(struct grub *g, enum what what, struct text id, struct text variable)
{
    const struct volume_list *volumes = g->of->volumes;
    const struct block_device *own = g->of->home ? g->of->home->disk : NULL;
    for (u32 again = 0; id.len && volumes && again < 2; again++)
        for (u32 i = 0; i < volumes->count; i++) {
            struct volume *v = volumes->volume[i];
            if ((v->disk == own) == !again && is_wanted(g, v, what, id) && take_found(g, v, variable))
                return 0;
        }
    return 1;
}

/* search.fs_uuid ID [VARIABLE [HINT…]] */
static int search_short(struct grub *g, struct text kind, struct grub_words words)
{
    static const char *const kinds[] = {[BY_FILE] = "file", [BY_LABEL] = "fs_label", [BY_UUID] = "fs_uuid",
                                        [BY_PARTLABEL] = "part_label", [BY_PARTUUID] = "part_uuid"};
    struct text nothing = {NULL, 0};
    for (u32 what = 0; words.count && what < ARRAY_COUNT(kinds); what++)
        if (text_equal(kind, kinds[what]))
            return search(g, (enum what)what, words.at[0], words.count > 1 ? words.at[1] : nothing);
    return 1;
}

/* The options in the order of enum what; those of partitions are Flatcar's. */
int grub_command_search(struct grub *g, struct grub_words words)
{
    struct text option[8] = {{NULL, 0}}, set, name = words.at[-1];
    u32 i = 0, what = 0;
    if (name.len > 7)
        return search_short(g, (struct text){name.at + 7, name.len - 7}, words);
    grub_take_options(&words, "file/f label/l fs-uuid/u part-label part-uuid set/s= no-floppy/n hint/h=", option);
    set = option[BY_PARTUUID + 1];
    while (i < words.count && text_starts(words.at[i], "--")) /* hints of other platforms, and what is newer */
        i++;
    struct text id = i < words.count ? words.at[i] : set; /* `--set ID` is what GRUB has, too */
    if (set.at && (!set.len || i == words.count))
        set = text_of("root");
    while (what <= BY_PARTUUID && !option[what].at)
        what++;
    return what <= BY_PARTUUID ? search(g, (enum what)what, id, set) : 1;
}

/* ---- probe ------------------------------------------------------------------------------------------------------- */

/* GRUB's own names of filesystems, where they are not ours. */
static const char *filesystem_name(const struct volume *v)
{
    const char *name = v->fs->name;
    return !strcmp(name, "ext") ? "ext2" : !strcmp(name, "vfat") ? "fat" : name;
}

int grub_command_probe(struct grub *g, struct grub_words words)
{
    struct text option[7] = {{NULL, 0}};
    grub_take_options(&words, "set/s= fs-uuid/u label/l fs/f part-uuid partmap/p driver/d", option);
    const struct volume *v = words.count ? grub_device_find(g, words.at[0]) : NULL;
    const char *value = NULL;
    if (!v)
        return 1;
    if (option[4].at)
        value = v->ids.partuuid[0] ? v->ids.partuuid : "none";
    else if (option[5].at)
        value = !v->number ? "none" : is_gpt(v) ? "gpt" : "msdos";
    else if (option[6].at)
        value = "biosdisk";
    else if (v->fs)
        value = option[1].at ? v->ids.uuid : option[2].at ? v->ids.label : option[3].at ? filesystem_name(v) : NULL;
    if (value && option[0].len)
        grub_set(g, option[0], text_of(value));
    return !value;
}

/* ---- gptprio ----------------------------------------------------------------------------------------------------- */

/* Flatcar's: of the /usr partitions on a disk the one of the highest priority (attribute bits 48 to 51) which has tries
 * left (52 to 55) or was a success (56). GRUB counts the try; here nothing is written. */
int grub_command_gptprio(struct grub *g, struct grub_words words)
{
    struct text option[2] = {{NULL, 0}};
    grub_take_options(&words, "set-device/d= set-uuid/u=", option);
    const struct volume *root = grub_device_find(g, words.count ? words.at[0] : grub_get(g, "root")), *next = NULL;
    const struct volume_list *volumes = g->of->volumes;
    for (u32 i = 0; root && i < volumes->count; i++) {
        const struct volume *v = volumes->volume[i];
        if (v->disk == root->disk && v->role == ROLE_FLATCAR_USR && (v->attributes & 0x1f0) &&
            (v->attributes & 15) > (next ? next->attributes & 15 : 0))
            next = v;
    }
    if (!next || !option[0].len || !option[1].len)
        return 1;
    grub_set(g, option[0], text_of(grub_device_name(g, next)));
    grub_set(g, option[1], text_of(next->ids.partuuid));
    return 0;
}
