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
static void name_partition(struct volume *v, const char *of)
{
    char last = of[strlen(of) - 1];
    format_text(v->name, sizeof v->name, "%s%s%u", of, last >= '0' && last <= '9' ? "p" : "", v->number);
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
    say("volume %s: %s%s", v->name, volume_type(v), line);
}

/* OK with v->fs set, else the error of the filesystem that knows it, whose sentence is v->reason. */
static enum error volume_mount(struct volume *v)
{
    if (v->disk->dead && v->reason) /* which says more than that it is dead */
        return ERR_IO;
    for (u32 i = 0; filesystems[i]; i++) {
        enum error error = filesystems[i]->mount(v);
        if (error == ERR_NOT_MINE)
            continue;
        if (error)
            v->reason = text_copy(text_of(error_text()));
        else
            v->fs = filesystems[i];
        error_clear();
        return error;
    }
    return ERR_NOT_MINE;
}

static void say_volume(const struct volume *v)
{
    if (v->fs)
        print_volume(v);
    else if (v->reason)
        say("volume %s: %s: skipped", v->name, v->reason);
    else
        say("volume %s: no filesystem that is known here", v->name);
}

/* ---- partitions ------------------------------------------------------------------------------------------------- */

/* What a table is looked for on: a disk, or a volume of it as if it were one. */
struct scan {
    struct partition_list *found;
    struct volume_list *volumes;
    struct block_device *disk; /* whose the volumes are */
    const char *name;
    u64 offset; /* on the disk, bytes */
    u64 covered; /* so many bytes from there belong to a filesystem that has been found */
};

static void volume_of_partition(const struct scan *scan, const struct partition *p)
{
    if (p->offset + p->size <= scan->covered)
        return;
    struct volume *v = volume_add(scan->volumes, scan->disk);
    if (!v)
        return;
    v->offset = scan->offset + p->offset;
    v->size = p->size;
    v->number = p->number;
    v->role = p->role;
    v->attributes = p->attributes;
    v->purpose = p->purpose;
    memcpy(v->ids.partuuid, p->partuuid, sizeof p->partuuid);
    memcpy(v->ids.partlabel, p->partlabel, sizeof p->partlabel);
    name_partition(v, scan->name);
}

/* Fill scan->found with what a table on `disk` says; false when there is none. What is wrong with the first table is
 * why the whole disk is no volume, unless it is one after all. */
static bool find_partitions(const struct scan *scan, struct block_device *disk, struct volume *whole)
{
    for (u32 i = 0; partition_schemes[i] && !disk->dead; i++) {
        scan->found->count = 0;
        enum error error = partition_schemes[i]->scan(disk, scan->found);
        if (error == OK)
            return scan->found->count;
        if (error != ERR_NOT_MINE) {
            say("disk %s: %s", disk->name, error_text());
            if (whole && !whole->reason)
                whole->reason = text_copy(text_of(error_text()));
        }
        error_clear(); /* a broken GPT may still have an honest MBR */
    }
    return false;
}

static enum error slice_read(struct block_device *slice, const struct block_span *spans, u32 count)
{
    const struct volume *v = slice->state;
    enum error error = OK;
    for (u32 i = 0; i < count && !error; i++)
        error = block_read(v->disk, v->offset + spans[i].lba * slice->block_size,
                           (u64)spans[i].blocks * slice->block_size, spans[i].buf);
    return error;
}

static const struct block_driver slice_driver = {.name = "slice", .read = slice_read};

/* The image of a whole disk on a volume: its table is read through a slice of the disk, its volumes are the disk's. */
static void scan_nested(const struct volume *v, struct partition_list *found, struct volume_list *volumes)
{
    struct scan scan = {found, volumes, v->disk, v->name, v->offset, 0};
    struct block_device *slice = arena_alloc(sizeof *slice, 8);
    if (!slice) {
        error_show();
        return;
    }
    *slice = (struct block_device){
        .block_size = v->disk->block_size,
        .block_count = v->size / v->disk->block_size,
        .dma_align = 1,
        .driver = &slice_driver,
        .state = (void *)(uintptr_t)v,
    };
    format_text(slice->name, sizeof slice->name, "%.15s", v->name);
    if (!slice->block_count || !find_partitions(&scan, slice, NULL))
        return;
    u32 first = volumes->count;
    say("volume %s: a disk image with a partition table", v->name);
    for (u32 i = 0; i < found->count; i++)
        volume_of_partition(&scan, &found->partition[i]);
    for (u32 i = first; i < volumes->count; i++) {
        volume_mount(volumes->volume[i]);
        say_volume(volumes->volume[i]);
    }
}

/* ---- whole disks ------------------------------------------------------------------------------------------------ */

#define STRADDLE_MAX MIB(2) /* isohybrid rounds partitions up to cylinders */

/* A hybrid image's partitions are parts of it, or lie behind it. One that begins inside and ends outside has been made
 * after the image was overwritten, of which the descriptor is left over. */
static bool is_leftover(const struct partition_list *found, u64 covered)
{
    for (u32 i = 0; i < found->count; i++) {
        const struct partition *p = &found->partition[i];
        if (p->offset > KIB(64) && p->offset < covered && p->offset + p->size > covered + STRADDLE_MAX)
            return true;
    }
    return false;
}

/* Mount whole as a filesystem that may stand beside a table; how many bytes that covers, 0 when it is none. */
static u64 mount_covering(struct volume *whole)
{
    for (u32 i = 0; filesystems[i]; i++) {
        if (!filesystems[i]->covers)
            continue;
        if (filesystems[i]->mount(whole) == OK) {
            whole->fs = filesystems[i];
            return whole->fs->covers(whole);
        }
        if (whole->disk->dead)
            whole->reason = text_copy(text_of(error_text()));
        error_clear(); /* what is broken is met again, when there are no partitions */
    }
    return 0;
}

/* The volumes of one disk: its partitions, or the whole of it, or for a hybrid image the whole and what lies behind it.
 * The table of such an image is for sectors of 512 bytes: it serves the image on a stick, and tells nothing on a CD. */
static void scan_disk(struct block_device *disk, struct partition_list *found, struct volume_list *volumes)
{
    struct scan scan = {found, volumes, disk, disk->name, 0, 0};
    struct volume *whole = volume_add(volumes, disk);
    if (!whole)
        return;
    whole->size = block_bytes(disk);
    format_text(whole->name, sizeof whole->name, "%s", disk->name);
    scan.covered = mount_covering(whole);
    bool has_table = !(scan.covered && disk->block_size != 512) && find_partitions(&scan, disk, whole);
    if (has_table && is_leftover(found, scan.covered)) {
        say("volume %s: %s left over from before the disk was partitioned: skipped", whole->name, whole->fs->name);
        scan.covered = 0;
    }
    if (has_table && !scan.covered)
        volumes->count--; /* the disk is its partitions, not a volume */
    for (u32 i = 0; has_table && i < found->count; i++)
        volume_of_partition(&scan, &found->partition[i]);
}

void volumes_scan(const struct disk_list *disks, struct volume_list *volumes)
{
    struct partition_list *found = arena_reserve(sizeof *found, 16);
    volumes->count = 0;
    if (!found)
        error_show();
    for (u32 i = 0; found && i < disks->count; i++) {
        u32 first = volumes->count;
        if (!disks->disk[i]->dead)
            scan_disk(disks->disk[i], found, volumes);
        for (u32 n = first, last = volumes->count; n < last; n++) {
            struct volume *v = volumes->volume[n];
            enum error error = v->fs ? OK : volume_mount(v);
            u32 before = volumes->count;
            if (error == ERR_NOT_MINE && v->number)
                scan_nested(v, found, volumes);
            if (volumes->count == before)
                say_volume(v);
        }
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
