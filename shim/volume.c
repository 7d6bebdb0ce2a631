/* volume.c: disks in, volumes out; the names they are called by (volume.h). */
#include "volume.h"
#include "print.h"
#include "tables.h"

enum error volume_read(struct volume *v, u64 offset, u64 size, void *buf)
{
    if (!fits(offset, size, v->size))
        return fail(ERR_RANGE, "(%s): %lu bytes at byte %lu reach past the end of the volume (%lu bytes)", v->name,
                    size, offset, v->size);
    return block_read(v->disk, v->offset + offset, size, buf);
}

static struct volume *volume_add(struct volume_list *volumes, struct block_device *disk)
{
    if (volumes->count == VOLUMES_MAX) {
        warn("more than %u volumes: the rest of %s is left out", VOLUMES_MAX, disk->name);
        return NULL;
    }
    struct volume *v = arena_alloc(sizeof *v, 16);
    if (!v) {
        error_show();
        return NULL;
    }
    v->disk = disk;
    volumes->volume[volumes->count++] = v;
    return v;
}

/* Names end in a digit (nvme0n1, module0) or not (vda): Linux's rule for the "p". */
static void name_partition(struct volume *v)
{
    const char *disk = v->disk->name;
    char last = disk[strlen(disk) - 1];
    format_text(v->name, sizeof v->name, "%s%s%u", disk, last >= '0' && last <= '9' ? "p" : "", v->number);
}

static void print_volume(const struct volume *v)
{
    char line[640];
    u32 used = 0;
    const struct {
        const char *key, *value;
    } ids[] = {{"LABEL", v->ids.label}, {"UUID", v->ids.uuid}};
    line[0] = 0;
    for (u32 i = 0; i < ARRAY_COUNT(ids); i++)
        if (ids[i].value[0] && used < sizeof line)
            used += format_text(line + used, (u32)sizeof line - used, " %s=%s", ids[i].key, ids[i].value);
    say("volume %s: %s%s", v->name, v->fs->describe ? v->fs->describe(v) : v->fs->name, line);
}

static void volume_mount(struct volume *v)
{
    for (u32 i = 0; filesystems[i]; i++) {
        enum error error = filesystems[i]->mount(v);
        if (error == ERR_NOT_MINE)
            continue;
        if (error) {
            v->reason = text_copy(text_of(error_text()));
            say("volume %s: %s: skipped", v->name, error_text());
            error_clear();
            return;
        }
        v->fs = filesystems[i];
        print_volume(v);
        return;
    }
    say("volume %s: no filesystem that is known here", v->name);
}

/* Volumes of disk's partitions, by way of *found; false when it has no table. */
static bool scan_partitions(struct block_device *disk, struct partition_list *found, struct volume_list *volumes)
{
    for (u32 i = 0; partition_schemes[i]; i++) {
        found->count = 0;
        enum error error = partition_schemes[i]->scan(disk, found);
        if (error == ERR_NOT_MINE)
            continue;
        if (error) {
            say("disk %s: %s", disk->name, error_text());
            error_clear();
            continue; /* a broken GPT may still have an honest MBR */
        }
        for (u32 n = 0; n < found->count; n++) {
            const struct partition *p = &found->partition[n];
            struct volume *v = volume_add(volumes, disk);
            if (!v)
                return true;
            v->offset = p->offset;
            v->size = p->size;
            v->number = p->number;
            v->role = p->role;
            memcpy(v->ids.partuuid, p->partuuid, sizeof p->partuuid);
            memcpy(v->ids.partlabel, p->partlabel, sizeof p->partlabel);
            name_partition(v);
        }
        return found->count;
    }
    return false;
}

void volumes_scan(const struct disk_list *disks, struct volume_list *volumes)
{
    struct partition_list *found = arena_reserve(sizeof *found, 16);
    volumes->count = 0;
    if (!found)
        error_show();
    for (u32 i = 0; found && i < disks->count; i++) {
        struct block_device *disk = disks->disk[i];
        u32 first = volumes->count;
        if (disk->dead)
            continue;
        if (!scan_partitions(disk, found, volumes)) {
            struct volume *v = volume_add(volumes, disk);
            if (!v)
                return;
            v->size = block_bytes(disk);
            format_text(v->name, sizeof v->name, "%s", disk->name);
        }
        for (u32 n = first; n < volumes->count; n++)
            volume_mount(volumes->volume[n]);
    }
}

/* ---- by name --------------------------------------------------------------------------------------------------- */

static bool volume_is(const struct volume *v, struct text which)
{
    const struct {
        const char *key, *value;
        bool any_case;
    } ids[] = {
        {"LABEL=", v->ids.label, false},
        {"UUID=", v->ids.uuid, true},
        {"PARTUUID=", v->ids.partuuid, true},
        {"PARTLABEL=", v->ids.partlabel, false},
    };
    for (u32 i = 0; i < ARRAY_COUNT(ids); i++) {
        if (!text_starts(which, ids[i].key))
            continue;
        u32 skip = (u32)strlen(ids[i].key);
        struct text value = {which.at + skip, which.len - skip};
        if (!value.len)
            return false;
        return ids[i].any_case ? text_equal_nocase(value, text_of(ids[i].value)) : text_equal(value, ids[i].value);
    }
    return text_equal(which, v->name);
}

struct volume *volume_find(const struct volume_list *volumes, struct text which)
{
    for (u32 i = 0; i < volumes->count; i++)
        if (volume_is(volumes->volume[i], which))
            return volumes->volume[i];
    char have[400];
    u32 used = 0;
    for (u32 i = 0; i < volumes->count && used + 30 < sizeof have; i++)
        used += format_text(have + used, (u32)sizeof have - used, "%s%s", i ? ", " : "", volumes->volume[i]->name);
    fail(ERR_NOT_FOUND, "no volume %.*s; there %s%s", (int)which.len, which.at, volumes->count ? "is " : "are none",
         volumes->count ? have : "");
    return NULL;
}
