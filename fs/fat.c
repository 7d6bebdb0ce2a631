/* fat.c: FAT12, FAT16 and FAT32 with long names, read only (layout: fat_disk.h).
 *
 * Microsoft "FAT: General Overview of On-Disk Format" 1.03. The type follows from the number of clusters, but a volume
 * without a 16-bit FAT size is FAT32 however small it is: mkfs.fat -F 32 makes such, and everyone reads them.
 * Names compare without case: ASCII, Latin-1, Latin Extended-A, Greek, Cyrillic. Left out on purpose: the dirty bit,
 * FSINFO, the backup boot sector; code pages: a byte above 7Fh in a short name or label reads as "_".
 *
 * Most of the work on a big file is following its chain, so what is kept is the current run of neighbouring clusters,
 * and links_in_order() compares eight entries at a time.
 * Exercised by test_fat (images by mkfs.fat and mtools) and fuzz_fat.
 */
#include "fat_disk.h"
#include "fields.h"
#include "print.h"
#include "volume.h"

#define TABLE_BYTES 65536u /* of the FAT in memory at a time: read past the block cache, straight to its place */
#define TABLE12_BYTES 16384u /* of a FAT12: at most 6129 bytes, and its 4086 entries in 16 bits */
#define SLOTS_BYTES 16384u /* of a directory in memory at a time */
#define FAT12_CLUSTERS 4085u /* "FAT Type Determination": fewer are FAT12 */
#define FAT16_CLUSTERS 65525u /* fewer are FAT16 */
#define FAT32_CLUSTERS 0x0ffffff5u
#define DIRECTORY_BYTES_MAX MIB(2) /* 65,536 entries */
#define LONG_NAME_UNITS (FAT_LONG_SLOTS * FAT_LONG_UNITS)
#define WANTED_UNITS_MAX 255u

/* Neighbouring clusters of a chain, found last. */
struct run {
    u32 first;   /* of the chain; 0: nothing is known */
    u32 cluster; /* where the run begins */
    u32 count;   /* clusters, as many as there are */
    u32 next;    /* what the FAT says of the last one */
    u64 at;      /* byte of the chain where the run begins */
    u32 mark, jumps, jumps_max; /* Brent's cycle detection over the beginnings of runs */
};

/* A long name in the making: slots come last part first. */
struct long_name {
    u8 slots;    /* in all; 0: none */
    u8 missing;  /* slots still to come; 0: complete */
    u8 checksum; /* of the short name it belongs to */
    u16 unit[LONG_NAME_UNITS];
};

struct fat {
    u32 bits; /* 12, 16, 32 */
    u32 cluster_bytes;
    u32 cluster_end;  /* clusters are numbered from 2 to below this */
    u32 root_cluster; /* 0: the fixed root of FAT12 and FAT16, root_bytes from root_byte */
    u32 root_bytes;
    u32 sector_bytes;
    u64 root_byte, fat_byte, data_byte; /* of the volume */

    u8 *table; /* entries [table_first, table_first + table_count) of the FAT; FAT12 widened to 16 bits */
    u32 table_first, table_count;

    u8 *slots; /* slots_size bytes of directory slots_dir from byte slots_at on */
    u32 slots_dir, slots_at, slots_size;

    struct run runs[2]; /* of a file, of a directory: listing and loading take turns */
    struct long_name name;
};

/* ---- the allocation table --------------------------------------------------------------------------------------- */

static u32 entry_shift(const struct fat *fat)
{
    return fat->bits == 32 ? 2 : 1;
}

/* The whole of a FAT12 (at most 4086 entries), every entry widened to 16 bits with the special values at the top. */
static enum error table_load12(struct volume *v, struct fat *fat)
{
    u32 count = fat->cluster_end;
    u32 packed = (count * 3 + 1) / 2;
    u8 *from = fat->table + TABLE12_BYTES - packed; /* clear of the 8172 bytes that come of it */
    u16 *to = (u16 *)fat->table;
    enum error error = volume_read(v, fat->fat_byte, packed, from);
    if (error)
        return error;
    for (u32 i = 0; i < count; i++) {
        const u8 *p = from + i * 3 / 2;
        u32 value = i & 1 ? p[0] >> 4 | p[1] << 4 : p[0] | (p[1] & 15) << 8;
        to[i] = (u16)(value >= 0xff7 ? value | 0xf000 : value); /* FF0h to FF5h may be clusters */
    }
    fat->table_first = 0;
    fat->table_count = count;
    return OK;
}

/* Make sure that the entry of `cluster` (below cluster_end) is in memory. */
static enum error table_load(struct volume *v, struct fat *fat, u32 cluster)
{
    if (cluster - fat->table_first < fat->table_count)
        return OK;
    fat->table_count = 0;
    if (fat->bits == 12)
        return table_load12(v, fat);
    u32 shift = entry_shift(fat);
    u32 first = cluster & ~((TABLE_BYTES >> shift) - 1);
    u32 count = (u32)min_u64(TABLE_BYTES >> shift, fat->cluster_end - first);
    /* Whole sectors, so that nothing has to be bounced. */
    u64 size = align_up((u64)count << shift, fat->sector_bytes);
    enum error error = volume_read(v, fat->fat_byte + ((u64)first << shift), size, fat->table);
    if (error)
        return error;
    fat->table_first = first;
    fat->table_count = count;
    return OK;
}

/* The entry of a cluster that is in memory. "FAT32: the high 4 bits are reserved". */
static u32 table_entry(const struct fat *fat, u32 cluster)
{
    u32 i = cluster - fat->table_first;
    return fat->bits == 32 ? ((const u32 *)fat->table)[i] & 0x0fffffff : ((const u16 *)fat->table)[i];
}

/* How many clusters from `first` on, at most `most`, are followed by their neighbour. Their entries are in memory.
 * About 2.5 instructions per FAT32 entry: four words are compared with what they should hold, then tested at once. */
static u32 links_in_order(const struct fat *fat, u32 first, u32 most)
{
    bool wide = fat->bits == 32;
    u64 ones = wide ? 0x0000000100000001 : 0x0001000100010001;
    u64 mask = wide ? 0x0fffffff0fffffff : ~0ull;
    u64 step = ones * (wide ? 2 : 4), step3 = step * 3;
    u64 expected = ones * (first + 1) + (wide ? 0x0000000100000000 : 0x0003000200010000);
    u32 block = wide ? 8 : 16; /* entries in four words */
    const u8 *begin = fat->table + ((u64)(first - fat->table_first) << entry_shift(fat));
    const u8 *p = begin, *end = begin + (u64)(most / block) * 32;
    for (; p < end; p += 32) {
        u64 wrong = load_le(p, 8) ^ expected;
        wrong |= load_le(p + 8, 8) ^ (expected + step);
        wrong |= load_le(p + 16, 8) ^ (expected + 2 * step);
        wrong |= load_le(p + 24, 8) ^ (expected + step3);
        if (wrong & mask)
            break;
        expected += 4 * step;
    }
    u32 n = (u32)((p - begin) >> entry_shift(fat));
    while (n < most && table_entry(fat, first + n) == first + n + 1)
        n++;
    return n;
}

static bool is_cluster(const struct fat *fat, u32 cluster)
{
    return cluster >= 2 && cluster < fat->cluster_end;
}

static bool is_end(const struct fat *fat, u32 entry)
{
    return entry >= (fat->bits == 32 ? 0x0ffffff8u : 0xfff8u);
}

/* What a FAT entry that should have named a cluster says; `from` holds it, 0: a directory entry. */
static enum error fail_link(const struct volume *v, const struct fat *fat, u32 from, u32 entry)
{
    u32 bad = fat->bits == 32 ? 0x0ffffff7 : 0xfff7;
    const char *what = entry == bad ? " (defective)" : entry ? "" : " (free)";
    if (fat->bits == 12)
        entry &= 0xfff;
    if (!from)
        return fail(ERR_CORRUPT, "(%s): first cluster %u, expected 2 to %u", v->name, entry, fat->cluster_end - 1);
    return fail(ERR_CORRUPT, "(%s): FAT entry of cluster %u is %xh%s, expected 2h to %xh or the end mark", v->name,
                from, entry, what, fat->cluster_end - 1);
}

/* ---- chains ----------------------------------------------------------------------------------------------------- */

/* The run that begins at `cluster`, a valid number: find where it ends and what follows. */
static enum error run_measure(struct volume *v, struct fat *fat, struct run *run, u32 cluster)
{
    run->cluster = cluster;
    for (u32 last = cluster;;) {
        enum error error = table_load(v, fat, last);
        if (error)
            return error;
        /* The last cluster of the volume has no neighbour, whatever its entry says. */
        u32 table_end = fat->table_first + fat->table_count;
        u32 end = table_end < fat->cluster_end ? table_end : fat->cluster_end - 1;
        last += links_in_order(fat, last, end - last);
        if (last < table_end) {
            run->count = last - cluster + 1;
            run->next = table_entry(fat, last);
            return OK;
        }
    }
}

static enum error run_first(struct volume *v, struct fat *fat, struct run *run, u32 first)
{
    if (!is_cluster(fat, first))
        return fail_link(v, fat, 0, first);
    run->at = 0;
    run->mark = first;
    run->jumps = 0;
    run->jumps_max = 1;
    return run_measure(v, fat, run, first);
}

/* ERR_NOT_FOUND without a sentence at the end of the chain. */
static enum error run_next(struct volume *v, struct fat *fat, struct run *run)
{
    u32 last = run->cluster + run->count - 1, next = run->next;
    if (is_end(fat, next))
        return ERR_NOT_FOUND;
    if (!is_cluster(fat, next))
        return fail_link(v, fat, last, next);
    if (next == run->mark)
        return fail(ERR_CORRUPT, "(%s): FAT entry of cluster %u leads back to cluster %u: the chain is a loop", v->name,
                    last, next);
    if (++run->jumps == run->jumps_max) {
        run->mark = next;
        run->jumps = 0;
        run->jumps_max *= 2;
    }
    run->at += (u64)run->count * fat->cluster_bytes;
    return run_measure(v, fat, run, next);
}

/* Make *run the run of the chain from cluster `first` that holds byte `at`: onwards from where it is, else from the
 * start. ERR_NOT_FOUND without a sentence when the chain ends before. */
static enum error run_find(struct volume *v, struct fat *fat, struct run *run, u32 first, u64 at)
{
    enum error error = OK;
    if (run->first != first || !first || at < run->at)
        error = run_first(v, fat, run, first);
    while (!error && at - run->at >= (u64)run->count * fat->cluster_bytes)
        error = run_next(v, fat, run);
    run->first = error && error != ERR_NOT_FOUND ? 0 : first;
    return error;
}

/* The extent at byte `at` of a chain; its end is the run's. */
static enum error chain_map(struct volume *v, struct run *run, u32 first, u64 at, struct extent *extent)
{
    struct fat *fat = v->fs_state;
    enum error error = run_find(v, fat, run, first, at);
    if (error)
        return error;
    u64 skip = at - run->at;
    extent->volume_byte = fat->data_byte + (u64)(run->cluster - 2) * fat->cluster_bytes + skip;
    extent->size = (u64)run->count * fat->cluster_bytes - skip;
    extent->hole = false;
    return OK;
}

static enum error fat_map(struct volume *v, const struct node *node, u64 at, struct extent *extent)
{
    struct fat *fat = v->fs_state;
    struct run *run = &fat->runs[node->type == NODE_DIR];
    if (at >= node->size)
        return fail(ERR_RANGE, "(%s): byte %lu of a file of %lu", v->name, at, node->size);
    enum error error = chain_map(v, run, (u32)node->id, at, extent);
    if (error == ERR_NOT_FOUND)
        return fail(ERR_TRUNCATED, "(%s): the cluster chain from %lu ends before byte %lu of %lu", v->name, node->id,
                    at, node->size);
    if (!error)
        extent->size = min_u64(extent->size, align_up(node->size, fat->cluster_bytes) - at);
    return error;
}

/* ---- directories ------------------------------------------------------------------------------------------------ */

/* The slot at byte `at` of directory dir (its first cluster; 0: the fixed root), valid until the next call.
 * ERR_NOT_FOUND without a sentence behind the last one. */
static enum error slot_read(struct volume *v, u32 dir, u32 at, const struct fat_slot **slot)
{
    struct fat *fat = v->fs_state;
    if (dir != fat->slots_dir || at - fat->slots_at >= fat->slots_size) {
        u32 from = at & ~511u; /* no cluster is smaller */
        struct extent extent = {fat->root_byte + from, from < fat->root_bytes ? fat->root_bytes - from : 0, false};
        enum error error = dir ? chain_map(v, &fat->runs[1], dir, from, &extent) : OK;
        if (error)
            return error;
        if (!extent.size)
            return ERR_NOT_FOUND;
        if (from >= DIRECTORY_BYTES_MAX)
            return fail(ERR_CORRUPT, "(%s): the directory in cluster %u has more than 65536 entries", v->name, dir);
        fat->slots_size = 0;
        u32 size = (u32)min_u64(extent.size, SLOTS_BYTES);
        error = volume_read(v, extent.volume_byte, size, fat->slots);
        if (error)
            return error;
        fat->slots_dir = dir;
        fat->slots_at = from;
        fat->slots_size = size;
    }
    *slot = (const struct fat_slot *)(fat->slots + (at - fat->slots_at));
    return OK;
}

static u8 short_checksum(const u8 name[11])
{
    u32 sum = 0;
    for (u32 i = 0; i < 11; i++)
        sum = ((sum << 7 | sum >> 1) + name[i]) & 0xff;
    return (u8)sum;
}

/* Take one more slot of a long name; any slot out of order makes it an orphan, which is ignored. */
static void long_name_add(struct long_name *name, const struct fat_long_slot *slot)
{
    u32 ordinal = slot->ordinal & ~FAT_LONG_LAST;
    if (slot->ordinal & FAT_LONG_LAST) {
        name->slots = ordinal <= FAT_LONG_SLOTS ? (u8)ordinal : 0;
        name->missing = name->slots;
        name->checksum = slot->checksum;
    }
    if (!name->missing || ordinal != name->missing || slot->checksum != name->checksum) {
        name->slots = 0;
        name->missing = 0;
        return;
    }
    name->missing--;
    u8 *units = (u8 *)(name->unit + (ordinal - 1) * FAT_LONG_UNITS);
    __builtin_memcpy(units, slot->units1, sizeof slot->units1);
    __builtin_memcpy(units + 10, slot->units2, sizeof slot->units2);
    __builtin_memcpy(units + 22, slot->units3, sizeof slot->units3);
}

static u32 long_name_length(const struct long_name *name)
{
    u32 n = 0, most = name->slots * FAT_LONG_UNITS;
    while (n < most && name->unit[n])
        n++;
    return n;
}

/* Complete, and of this short name. */
static bool long_name_is_of(const struct long_name *name, const struct fat_slot *slot)
{
    return name->slots && !name->missing && name->unit[0] && name->checksum == short_checksum(slot->name);
}

/* The next file or directory from byte *at on (moved behind it), its long name in fat->name. */
static enum error entry_next(struct volume *v, u32 dir, u32 *at, const struct fat_slot **slot)
{
    struct fat *fat = v->fs_state;
    fat->name.slots = 0;
    fat->name.missing = 0;
    for (;; fat->name.slots = fat->name.missing = 0) {
        const struct fat_slot *s;
        enum error error = slot_read(v, dir, *at, &s);
        if (error)
            return error;
        if (s->name[0] == FAT_SLOT_END)
            return ERR_NOT_FOUND;
        *at += (u32)sizeof *s;
        if (s->name[0] == FAT_SLOT_DELETED)
            continue;
        while ((s->attributes & FAT_LONG_NAME_MASK) == FAT_LONG_NAME) {
            long_name_add(&fat->name, (const struct fat_long_slot *)s);
            error = slot_read(v, dir, *at, &s);
            if (error)
                return error;
            if (s->name[0] == FAT_SLOT_END || s->name[0] == FAT_SLOT_DELETED)
                break;
            *at += (u32)sizeof *s;
        }
        if (s->name[0] == FAT_SLOT_END || s->name[0] == FAT_SLOT_DELETED || s->attributes & FAT_VOLUME_LABEL)
            continue;
        if (memcmp(s->name, ".          ", 11) != 0 && memcmp(s->name, "..         ", 11) != 0) {
            *slot = s;
            return OK;
        }
    }
}

/* A byte of a short name or label; of code page 437 we only know ASCII. */
static char short_char(u8 c)
{
    return c < 0x20 || c > 0x7e || c == '/' ? '_' : (char)c;
}

/* len bytes without the blanks that pad them, as text to out; the length. */
static u32 short_part(char *out, const u8 *from, u32 len, bool lower)
{
    while (len && from[len - 1] == ' ')
        len--;
    for (u32 i = 0; i < len; i++) {
        char c = short_char(from[i]);
        out[i] = lower && c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    out[len] = 0;
    return len;
}

static void entry_name(const struct fat *fat, const struct fat_slot *slot, char *out)
{
    if (long_name_is_of(&fat->name, slot)) {
        utf16_to_utf8((const u8 *)fat->name.unit, long_name_length(&fat->name), out, NAME_MAX_BYTES + 1);
        return;
    }
    u32 base = short_part(out, slot->name, 8, slot->case_flags & FAT_LOWER_BASE);
    u32 extension = short_part(out + base + 1, slot->name + 8, 3, slot->case_flags & FAT_LOWER_EXTENSION);
    out[base] = extension ? '.' : 0;
}

static enum error fat_list(struct volume *v, const struct node *dir, u64 *cursor, struct dirent *entry)
{
    const struct fat_slot *slot;
    u32 at = (u32)min_u64(*cursor, DIRECTORY_BYTES_MAX);
    enum error error = entry_next(v, (u32)dir->id, &at, &slot);
    if (error)
        return error;
    entry_name(v->fs_state, slot, entry->name);
    entry->type = slot->attributes & FAT_DIRECTORY ? NODE_DIR : NODE_FILE;
    *cursor = at;
    return OK;
}

/* ---- looking up ------------------------------------------------------------------------------------------------- */

/* A name that is looked for, in both forms it may stand in a directory. */
struct wanted {
    u32 units; /* 0: no long name can be this */
    u16 unit[WANTED_UNITS_MAX]; /* upper case */
    bool is_short;
    u8 name[11];
};

/* Upper case of a UTF-16 unit: what Unicode maps one to one in the scripts named at the top. */
static u16 upper(u16 c)
{
    if (c < 0x80)
        return c >= 'a' && c <= 'z' ? (u16)(c - 32) : c;
    if ((c >= 0xe0 && c <= 0xfe && c != 0xf7) || (c >= 0x3b1 && c <= 0x3cb && c != 0x3c2) || (c >= 0x430 && c <= 0x44f))
        return c - 32;
    if (c == 0xff)
        return 0x178;
    if (c >= 0x450 && c <= 0x45f)
        return c - 80;
    if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e))
        return (c - 1) | 1;
    if (c >= 0x100 && c <= 0x177 && c != 0x131 && c != 0x138 && c != 0x149)
        return c & ~1u;
    return c;
}

/* One code point of UTF-8 from *p (before end), *p moved behind it; 0 when it is none. */
static u32 utf8_next(const u8 **p, const u8 *end)
{
    u32 c = *(*p)++;
    if (c < 0x80)
        return c;
    u32 more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
    if (c < 0xc2 || c > 0xf4 || (u32)(end - *p) < more)
        return 0;
    c &= 0x3f >> more;
    for (; more; more--, (*p)++) {
        if ((**p & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (**p & 0x3f);
    }
    return c <= 0x10ffff ? c : 0;
}

static void want_long(struct wanted *w, struct text name)
{
    const u8 *p = (const u8 *)name.at, *end = p + name.len;
    u32 n = 0;
    w->units = 0;
    while (p < end) {
        u32 c = utf8_next(&p, end);
        u32 units = c > 0xffff ? 2 : 1;
        if (!c || n + units > WANTED_UNITS_MAX)
            return;
        if (units == 2)
            w->unit[n++] = (u16)(0xd7c0 + (c >> 10)); /* less 10000h, which the constant has taken off */
        w->unit[n++] = units == 2 ? (u16)(0xdc00 | (c & 0x3ff)) : upper((u16)c);
    }
    w->units = n;
}

/* NAME.EXT as the padded 11 bytes, when it is one. */
static void want_short(struct wanted *w, struct text name)
{
    u32 dot = name.len;
    for (u32 i = 1; i < name.len; i++)
        if (name.at[i] == '.')
            dot = i;
    u32 extension = dot < name.len ? name.len - dot - 1 : 0;
    w->is_short = dot && dot <= 8 && extension <= 3;
    if (!w->is_short)
        return;
    memset(w->name, ' ', sizeof w->name);
    for (u32 i = 0; i < name.len; i++)
        w->is_short = w->is_short && (u8)name.at[i] < 0x80;
    for (u32 i = 0; i < name.len; i++)
        if (i != dot)
            w->name[i < dot ? i : 8 + i - dot - 1] = (u8)upper((u8)name.at[i]);
}

static bool is_wanted(const struct fat *fat, const struct wanted *w, const struct fat_slot *slot)
{
    const struct long_name *name = &fat->name;
    if (w->units && name->slots == (w->units + FAT_LONG_UNITS - 1) / FAT_LONG_UNITS && !name->missing) {
        u32 i = 0;
        while (i < w->units && (name->unit[i] == w->unit[i] || upper(name->unit[i]) == w->unit[i]))
            i++;
        if (i == w->units && long_name_length(name) == i && long_name_is_of(name, slot))
            return true;
    }
    if (!w->is_short)
        return false;
    for (u32 i = 0; i < sizeof slot->name; i++)
        if (slot->name[i] != w->name[i] && upper((u8)short_char(slot->name[i])) != w->name[i])
            return false;
    return true;
}

static enum error fat_lookup(struct volume *v, const struct node *dir, struct text name, struct node *found)
{
    struct fat *fat = v->fs_state;
    struct wanted wanted;
    const struct fat_slot *slot;
    u32 at = 0;
    /* Dots at the end do not count, as in every system that writes FAT. */
    while (name.len && name.at[name.len - 1] == '.')
        name.len--;
    want_long(&wanted, name);
    want_short(&wanted, name);
    do {
        enum error error = entry_next(v, (u32)dir->id, &at, &slot);
        if (error)
            return error;
    } while (!is_wanted(fat, &wanted, slot));
    u32 cluster = slot->cluster_low | (fat->bits == 32 ? (u32)slot->cluster_high << 16 : 0);
    bool is_dir = slot->attributes & FAT_DIRECTORY;
    if ((is_dir || slot->size) && !is_cluster(fat, cluster))
        return fail_link(v, fat, 0, cluster);
    *found = (struct node){.id = cluster, .size = is_dir ? 0 : slot->size, .type = is_dir ? NODE_DIR : NODE_FILE};
    return OK;
}

static enum error fat_root(struct volume *v, struct node *root)
{
    const struct fat *fat = v->fs_state;
    *root = (struct node){.id = fat->root_cluster, .type = NODE_DIR};
    return OK;
}

/* ---- mounting --------------------------------------------------------------------------------------------------- */

static bool is_fat32(const struct fat_boot *b)
{
    return !b->fat_sectors16;
}

/* The BPB by itself. The signature 55 AA is every boot sector's, so each field has to be right: another's sector fails
 * silently, ours (it says FAT) with a sentence. */
static enum error check_boot(const struct volume *v, const struct fat_boot *b)
{
    bool is_ours = memcmp(b->old.tail.type, "FAT", 3) == 0 || memcmp(b->fat32.tail.type, "FAT", 3) == 0;
    if (b->signature[0] != 0x55 || b->signature[1] != 0xaa || (b->jump[0] != 0xeb && b->jump[0] != 0xe9))
        return ERR_NOT_MINE;
    const struct field_rule rules[] = {
        {b->sector_bytes >= 512 && b->sector_bytes <= 4096 && is_power_of_two(b->sector_bytes), 11, b->sector_bytes,
         "bytes per sector, expected 512, 1024, 2048 or 4096"},
        {is_power_of_two(b->cluster_sectors), 13, b->cluster_sectors,
         "sectors per cluster, expected a power of two up to 128"},
        {b->reserved_sectors, 14, b->reserved_sectors, "reserved sectors, expected at least 1"},
        {b->fats >= 1 && b->fats <= 4, 16, b->fats, "FATs, expected 1 to 4"},
        {b->sectors16 || b->sectors32, 32, b->sectors32, "sectors, expected some"},
        {b->media == 0xf0 || b->media >= 0xf8, 21, b->media, "as media byte, expected 240 or 248 to 255"},
        {!is_fat32(b) || b->fat32.fat_sectors, 36, b->fat32.fat_sectors, "sectors per FAT, expected some"},
        {is_fat32(b) || b->root_entries, 17, b->root_entries, "root directory entries, expected some"},
    };
    enum error error = fields_check(v, "FAT boot sector", rules, ARRAY_COUNT(rules));
    if (!error || is_ours)
        return error;
    error_clear();
    return ERR_NOT_MINE;
}

/* Where everything lies. "FAT Data Structure", "FAT Type Determination". */
static enum error read_layout(const struct volume *v, const struct fat_boot *b, struct fat *fat)
{
    bool wide = is_fat32(b);
    u64 sector = b->sector_bytes;
    u64 sectors = b->sectors16 ? b->sectors16 : b->sectors32;
    u64 fat_sectors = wide ? b->fat32.fat_sectors : b->fat_sectors16;
    u64 root_sector = b->reserved_sectors + b->fats * fat_sectors;
    u64 data_sector = root_sector + ((u32)b->root_entries * sizeof(struct fat_slot) + sector - 1) / sector;
    u32 active = wide && b->fat32.flags & FAT32_NOT_MIRRORED ? b->fat32.flags & FAT32_ACTIVE : 0;
    if (data_sector >= sectors || data_sector * sector >= v->size)
        return fail(ERR_CORRUPT, "(%s): FAT boot sector: data begins at sector %lu of %lu, on a volume of %lu bytes",
                    v->name, data_sector, sectors, v->size);
    u64 clusters = (sectors - data_sector) / b->cluster_sectors;
    fat->bits = wide ? 32 : clusters < FAT12_CLUSTERS ? 12 : 16;
    fat->cluster_end = (u32)min_u64(clusters + 2, fat_sectors * sector * 8 / fat->bits);
    fat->sector_bytes = b->sector_bytes;
    fat->cluster_bytes = b->sector_bytes * b->cluster_sectors;
    fat->fat_byte = (b->reserved_sectors + active * fat_sectors) * sector;
    fat->root_byte = root_sector * sector;
    fat->root_bytes = wide ? 0 : (u32)b->root_entries * (u32)sizeof(struct fat_slot);
    fat->data_byte = data_sector * sector;
    fat->root_cluster = wide ? b->fat32.root_cluster : 0;
    u32 count = fat->cluster_end - 2, most = wide ? FAT32_CLUSTERS : FAT16_CLUSTERS;
    const struct field_rule rules[] = {
        {clusters && fat->cluster_end > 2, 32, count, "clusters, expected some"},
        {count < most, 32, count, "clusters, more than the width of the FAT allows"},
        {active < b->fats, 40, active, "as number of the active FAT, there are fewer"},
        {!wide || is_cluster(fat, fat->root_cluster), 44, fat->root_cluster, "as cluster of the root directory"},
    };
    return fields_check(v, "FAT boot sector", rules, ARRAY_COUNT(rules));
}

/* The label in the root directory, else that of the boot sector. Only the first slots are looked at: what sets a label
 * later also writes it to the boot sector. */
static void read_label(struct volume *v, const struct fat_tail *tail)
{
    const struct fat *fat = v->fs_state;
    const u8 *label = tail->signature == 0x29 ? tail->label : NULL;
    for (u32 at = 0; at < SLOTS_BYTES; at += (u32)sizeof(struct fat_slot)) {
        const struct fat_slot *slot;
        /* What is wrong with the root directory is told to those who need a file of it. */
        if (slot_read(v, fat->root_cluster, at, &slot)) {
            error_clear();
            break;
        }
        if (slot->name[0] == FAT_SLOT_END)
            break;
        if ((slot->attributes & (FAT_VOLUME_LABEL | FAT_DIRECTORY)) == FAT_VOLUME_LABEL &&
            (slot->attributes & FAT_LONG_NAME_MASK) != FAT_LONG_NAME && slot->name[0] != FAT_SLOT_DELETED) {
            label = slot->name;
            break;
        }
    }
    if (label && memcmp(label, "NO NAME    ", 11) != 0)
        short_part(v->ids.label, label, 11, false);
}

static enum error fat_mount(struct volume *v)
{
    struct fat_boot boot;
    struct fat layout = {0};
    if (v->size < sizeof boot)
        return ERR_NOT_MINE;
    enum error error = volume_read(v, 0, sizeof boot, &boot);
    if (!error)
        error = check_boot(v, &boot);
    if (!error)
        error = read_layout(v, &boot, &layout);
    if (error)
        return error;
    struct fat *fat = arena_alloc(sizeof *fat, 8);
    u64 table_bytes = align_up((u64)layout.cluster_end << entry_shift(&layout), layout.sector_bytes);
    layout.table = arena_reserve(layout.bits == 12 ? TABLE12_BYTES : min_u64(table_bytes, TABLE_BYTES), PAGE_SIZE);
    layout.slots = arena_reserve(SLOTS_BYTES, PAGE_SIZE);
    if (!fat || !layout.table || !layout.slots)
        return ERR_NO_MEMORY;
    *fat = layout;
    v->fs_state = fat;
    const struct fat_tail *tail = layout.bits == 32 ? &boot.fat32.tail : &boot.old.tail;
    read_label(v, tail);
    if (tail->signature == 0x28 || tail->signature == 0x29)
        format_text(v->ids.uuid, sizeof v->ids.uuid, "%04X-%04X", tail->serial >> 16, tail->serial & 0xffff);
    return OK;
}

const struct filesystem fs_fat = {
    .name = "vfat",
    .mount = fat_mount,
    .root = fat_root,
    .lookup = fat_lookup,
    .list = fat_list,
    .map = fat_map,
};
