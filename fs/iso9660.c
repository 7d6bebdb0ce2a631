/* iso9660.c: ISO 9660 with Rock Ridge or Joliet, read only (layout: iso_disk.h).
 *
 * ECMA-119 4th edition; SUSP and RRIP 1.12; Joliet 1.0. Names are Rock Ridge's if the root directory has such, else
 * Joliet's, else the primary descriptor's as Linux shows them: lower case, without ";1". Rock Ridge names compare byte
 * for byte, the others without case. Left out on purpose: enhanced descriptors (ISO 9660:1999), path tables, which
 * Rock Ridge does not keep, El Torito, which is the firmware's, sessions behind the first; what is interleaved, on
 * another volume of a set or compressed (zisofs) is refused file by file.
 *
 * A lookup reads the directory in order and of a record's system use area only what the name needs; continuation areas
 * when the name is not complete before.
 * Exercised by test_iso9660 (images by xorriso and genisoimage) and fuzz_iso9660.
 */
#include "fields.h"
#include "iso.h"
#include "print.h"

#define DESCRIPTORS_MAX 64u
#define WINDOW_BYTES 16384u /* of a directory in memory at a time */
#define LABEL_UNITS 32u
#define BROKEN_MAX 16u /* records that one look for a name passes over */

/* A file or directory in its directory. */
struct found {
    const struct iso_record *record; /* its last one, valid until the next is looked for */
    u64 byte;                        /* of the volume: where that stands */
    u64 first;                       /* of its first one */
};

/* ---- records ----------------------------------------------------------------------------------------------------- */

/* A record that begins with a length, `room` bytes before the end of its sector or directory (6.8.1.1). */
static enum error record_check(const struct volume *v, const struct iso_record *r, u64 byte, u64 room)
{
    u32 least = sizeof *r + 1;
    if (r->length < least || r->length > room)
        return fail(ERR_CORRUPT, "(%s): directory record at byte %lu: %u bytes, expected %u to %lu", v->name, byte,
                    r->length, least, min_u64(room, ISO_RECORD_MAX));
    if (!r->name_size || sizeof *r + r->name_size > r->length)
        return fail(ERR_CORRUPT, "(%s): directory record at byte %lu: a name of %u bytes, expected 1 to %u", v->name,
                    byte, r->name_size, r->length - (u32)sizeof *r);
    return OK;
}

/* Copy the next record from byte *at of a directory that ends at `end` to buf; *at moves behind it. */
enum error iso_record_read(struct volume *v, u64 *at, u64 end, u8 buf[ISO_RECORD_MAX])
{
    const struct iso *iso = v->fs_state;
    u64 byte, room;
    for (;; *at = align_down(*at, iso->block_bytes) + iso->block_bytes) {
        byte = *at;
        if (byte >= end)
            return fail(ERR_CORRUPT, "(%s): the directory ends at byte %lu, before a record that should be there",
                        v->name, end);
        room = min_u64(iso_sector_end(byte), end) - byte;
        enum error error = volume_read(v, byte, min_u64(room, ISO_RECORD_MAX), buf);
        if (error)
            return error;
        if (buf[0])
            break;
    }
    *at += buf[0];
    return record_check(v, (const void *)buf, byte, room);
}

/* Where a record's data lie on the volume; what is not in one piece there is refused. */
static enum error record_place(const struct volume *v, const struct iso_record *r, u64 *byte)
{
    const struct iso *iso = v->fs_state;
    if (r->unit_blocks || r->gap_blocks)
        return fail(ERR_UNSUPPORTED, "(%s): interleaved (%u blocks, then a gap of %u), which is not read here", v->name,
                    r->unit_blocks, r->gap_blocks);
    if (iso->number && r->volume.value && r->volume.value != iso->number)
        return fail(ERR_UNSUPPORTED, "(%s): lies on volume %u of the set, this is volume %u", v->name, r->volume.value,
                    iso->number);
    *byte = ((u64)r->block.value + r->attribute_blocks) * iso->block_bytes;
    return OK;
}

/* Make sure that [byte, end) of directory dir, in one sector, is in memory. */
static enum error window_load(struct volume *v, const struct iso_own *dir, u64 byte, u64 end)
{
    struct iso *iso = v->fs_state;
    if (byte >= iso->window_byte && end <= iso->window_byte + iso->window_bytes)
        return OK;
    if (!fits(dir->byte, dir->size, v->size))
        return fail(ERR_TRUNCATED, "(%s): a directory of %lu bytes at byte %lu of the volume, which has %lu", v->name,
                    dir->size, dir->byte, v->size);
    u64 from = align_down(byte, ISO_SECTOR_BYTES);
    u32 size = (u32)min_u64(dir->byte + dir->size - from, WINDOW_BYTES);
    iso->window_bytes = 0;
    enum error error = volume_read(v, from, size, iso->window);
    if (error)
        return error;
    iso->window_byte = from;
    iso->window_bytes = size;
    return OK;
}

static bool is_dots(const struct iso_record *r)
{
    return r->name_size == 1 && iso_name(r)[0] <= 1;
}

/* The next file or directory from byte *at of directory dir on, *at moved behind it. ERR_NOT_FOUND without a sentence
 * when there is none. */
static enum error record_next(struct volume *v, const struct node *dir, u64 *at, struct found *found)
{
    const struct iso *iso = v->fs_state;
    const struct iso_own *own = iso_own(dir);
    u64 first = 0;
    while (*at < own->size) {
        u64 byte = own->byte + *at;
        u64 end = min_u64(iso_sector_end(byte), own->byte + own->size);
        enum error error = window_load(v, own, byte, end);
        if (error)
            return error;
        const struct iso_record *r = (const void *)(iso->window + (byte - iso->window_byte));
        if (!r->length) {
            *at = align_down(*at, iso->block_bytes) + iso->block_bytes;
            continue;
        }
        error = record_check(v, r, byte, end - byte);
        if (error)
            return error;
        *at += r->length;
        if (is_dots(r) || r->flags & ISO_FLAG_ASSOCIATED)
            continue;
        first = first ? first : byte;
        if (!(r->flags & ISO_FLAG_MORE)) {
            *found = (struct found){r, byte, first};
            return OK;
        }
    }
    if (first)
        return fail(ERR_CORRUPT, "(%s): the directory ends at byte %lu, before the last section of a file", v->name,
                    own->byte + own->size);
    return ERR_NOT_FOUND;
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

/* As Linux shows them: lower case, without ";1" and the dot of an empty extension (7.5.1). */
static u32 plain_name(const struct iso_record *r, char *out)
{
    const u8 *name = iso_name(r);
    u32 size = r->name_size;
    if (size > 2 && name[size - 2] == ';' && name[size - 1] == '1')
        size -= 2;
    if (size > 1 && name[size - 1] == '.')
        size--;
    for (u32 i = 0; i < size; i++) {
        char c = (char)name[i];
        out[i] = c == ';' || c == '/' ? '.' : c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    out[size] = 0;
    return size;
}

static void swap_units(u16 *to, const u8 *from, u32 units)
{
    for (u32 i = 0; i < units; i++)
        to[i] = (u16)(from[2 * i] << 8 | from[2 * i + 1]);
}

/* UTF-16, big endian, without ";1" and without dots at the end, which Windows does not have in names. */
static u32 joliet_name(const struct iso_record *r, char *out)
{
    u16 units[ISO_RECORD_MAX / 2];
    u32 n = r->name_size / 2;
    swap_units(units, iso_name(r), n);
    if (n > 2 && units[n - 2] == ';' && units[n - 1] == '1')
        n -= 2;
    while (n > 1 && units[n - 1] == '.')
        n--;
    return utf16_to_utf8((const u8 *)units, n, out, NAME_MAX_BYTES + 1);
}

/* The record's name where Rock Ridge gives none. */
static u32 record_name(const struct iso *iso, const struct iso_record *r, char *out)
{
    return iso->names == NAMES_JOLIET ? joliet_name(r, out) : plain_name(r, out);
}

static enum iso_match match_record(const struct iso *iso, const struct iso_record *r, struct text name)
{
    char shown[NAME_MAX_BYTES + 1];
    u32 size = record_name(iso, r, shown);
    if (!text_equal_nocase((struct text){shown, size}, name))
        return MATCH_NONE;
    /* Two names of Joliet may differ in case only, others cannot. */
    return iso->names != NAMES_JOLIET || memcmp(shown, name.at, size) == 0 ? MATCH_WHOLE : MATCH_CASELESS;
}

/* ---- nodes ------------------------------------------------------------------------------------------------------- */

/* What the record is, with what iso_rock_read() found. */
static enum node_type record_type(const struct iso_rock *rock, const struct iso_record *r)
{
    u32 type = rock->mode & ISO_MODE_TYPE;
    if (rock->child || r->flags & ISO_FLAG_DIR)
        return NODE_DIR;
    if (rock->target_size || type == ISO_MODE_SYMLINK)
        return NODE_SYMLINK;
    return !type || type == ISO_MODE_FILE ? NODE_FILE : NODE_OTHER;
}

static enum error node_of_dir(const struct volume *v, const struct iso_record *r, u64 id, struct node *node)
{
    struct iso_own own = {.size = r->size.value};
    enum error error = record_place(v, r, &own.byte);
    if (error)
        return error;
    *node = (struct node){.id = id, .size = own.size, .type = NODE_DIR};
    memcpy(node->own, &own, sizeof own);
    return OK;
}

/* RRIP CL: a directory that would be too deep for ECMA-119 (6.8.2.1); its "." at `byte` says how large it is. */
static enum error node_of_child(struct volume *v, u64 byte, struct node *node)
{
    u8 buf[ISO_RECORD_MAX];
    const struct iso_record *r = (const void *)buf;
    u64 at = byte;
    enum error error = iso_record_read(v, &at, iso_sector_end(byte), buf);
    if (!error && (!is_dots(r) || !(r->flags & ISO_FLAG_DIR)))
        error = fail(ERR_CORRUPT, "no directory begins there");
    if (!error)
        error = node_of_dir(v, r, byte, node);
    return error ? error_add(error, "(%s): relocated directory at byte %lu", v->name, byte) : OK;
}

/* Section after section; those that lie one behind the other are one piece. */
static enum error node_of_file(struct volume *v, const struct node *dir, u64 first, struct node *node)
{
    u8 buf[ISO_RECORD_MAX];
    const struct iso_record *r = (const void *)buf;
    struct iso_own own = {.dir_end = iso_own(dir)->byte + iso_own(dir)->size};
    u64 at = first, size = 0;
    do {
        u64 record = at, byte = 0;
        enum error error = iso_record_read(v, &at, own.dir_end, buf);
        if (!error)
            error = record_place(v, r, &byte);
        if (error)
            return error;
        if (!own.size)
            own.byte = byte;
        if (!own.record && byte == own.byte + own.size)
            own.size += r->size.value;
        else if (!own.record)
            own.record = record;
        size += r->size.value;
    } while (r->flags & ISO_FLAG_MORE);
    *node = (struct node){.id = first, .size = size, .type = NODE_FILE};
    memcpy(node->own, &own, sizeof own);
    return OK;
}

static enum error node_of(struct volume *v, const struct node *dir, const struct found *f, struct node *node)
{
    const struct iso_rock *rock = ((const struct iso *)v->fs_state)->rock;
    enum node_type type = record_type(rock, f->record);
    if (type == NODE_DIR)
        return rock->child ? node_of_child(v, rock->child, node) : node_of_dir(v, f->record, f->byte, node);
    if (type == NODE_FILE && rock->compressed)
        return fail(ERR_UNSUPPORTED, "(%s): compressed (zisofs), which is not read here", v->name);
    if (type == NODE_FILE)
        return node_of_file(v, dir, f->first, node);
    *node = (struct node){.id = f->byte, .size = rock->target_size, .type = type};
    return OK;
}

static enum error iso_root(struct volume *v, struct node *root)
{
    *root = ((const struct iso *)v->fs_state)->root;
    return OK;
}

/* ---- looking up, listing ----------------------------------------------------------------------------------------- */

/* The next record from *at on that is called name: the one that is in all letters, else the first that differs in
 * case. Records whose own name cannot be read are passed over; when there is none of that name, it may be theirs. */
static enum error find_name(struct volume *v, const struct node *dir, struct text name, u64 *at, struct found *f)
{
    const struct iso *iso = v->fs_state;
    u64 similar = ~0ull;
    enum error broken = ERR_NOT_FOUND;
    for (u32 broken_count = 0;;) {
        u64 before = *at;
        enum iso_match match = MATCH_UNNAMED;
        enum error error = record_next(v, dir, at, f);
        if (error == ERR_NOT_FOUND && similar != ~0ull) {
            *at = similar;
            return record_next(v, dir, at, f);
        }
        if (error)
            return error == ERR_NOT_FOUND ? broken : error;
        if (iso->names == NAMES_ROCK)
            error = iso_rock_match(v, f->record, name, &match);
        if (error) {
            if (++broken_count > BROKEN_MAX)
                return error;
            broken = error;
            continue;
        }
        if (match == MATCH_UNNAMED)
            match = match_record(iso, f->record, name);
        if (match == MATCH_WHOLE) {
            if (broken_count)
                error_clear();
            return OK;
        }
        if (match == MATCH_CASELESS && similar == ~0ull)
            similar = before;
    }
}

static enum error iso_lookup(struct volume *v, const struct node *dir, struct text name, struct node *found)
{
    const struct iso *iso = v->fs_state;
    struct found f;
    u64 at = 0;
    do {
        enum error error = find_name(v, dir, name, &at, &f);
        if (!error)
            error = iso_rock_read(v, f.record, f.byte);
        if (error)
            return error;
    } while (iso->rock->moved);
    return node_of(v, dir, &f, found);
}

static enum error iso_list(struct volume *v, const struct node *dir, u64 *cursor, struct dirent *entry)
{
    const struct iso *iso = v->fs_state;
    const struct iso_rock *rock = iso->rock;
    struct found f;
    do {
        enum error error = record_next(v, dir, cursor, &f);
        if (error)
            return error;
        /* What is wrong with one record is told to who opens it; those behind it are there nevertheless. */
        if (iso_rock_read(v, f.record, f.byte))
            error_clear();
    } while (rock->moved);
    entry->type = record_type(rock, f.record);
    if (rock->name_size)
        memcpy(entry->name, rock->name, rock->name_size + 1);
    else
        record_name(iso, f.record, entry->name);
    return OK;
}

/* A target lies in pieces, without its slashes: there is no extent of it. */
static enum error iso_read_link(struct volume *v, const struct node *link, char *target)
{
    const struct iso *iso = v->fs_state;
    if (iso->rock->record != link->id) {
        u8 buf[ISO_RECORD_MAX];
        u64 at = link->id;
        enum error error = iso_record_read(v, &at, iso_sector_end(at), buf);
        if (!error)
            error = iso_rock_read(v, (const void *)buf, link->id);
        if (error)
            return error;
    }
    memcpy(target, iso->rock->target, min_u64(link->size, sizeof iso->rock->target));
    return OK;
}

/* ---- where files are --------------------------------------------------------------------------------------------- */

/* The section that holds byte `at` of a file, behind its first piece: onwards from what was found last. */
static enum error section_find(struct volume *v, const struct node *node, u64 at, struct extent *extent)
{
    struct iso *iso = v->fs_state;
    const struct iso_own *own = iso_own(node);
    u8 buf[ISO_RECORD_MAX];
    const struct iso_record *r = (const void *)buf;
    if (iso->section_id != node->id || at < iso->section_at) {
        iso->section_id = node->id;
        iso->section_record = own->record;
        iso->section_at = own->size;
    }
    for (;;) {
        u64 next = iso->section_record, byte = 0;
        enum error error = iso_record_read(v, &next, own->dir_end, buf);
        if (!error)
            error = record_place(v, r, &byte);
        if (error)
            return error;
        u64 skip = at - iso->section_at;
        if (skip < r->size.value) {
            *extent = (struct extent){.volume_byte = byte + skip, .size = r->size.value - skip};
            return OK;
        }
        iso->section_record = next;
        iso->section_at += r->size.value;
    }
}

static enum error iso_map(struct volume *v, const struct node *node, u64 at, struct extent *extent)
{
    const struct iso_own *own = iso_own(node);
    enum error error = OK;
    if (at >= node->size || node->type == NODE_SYMLINK)
        return fail(ERR_RANGE, "(%s): byte %lu of a file of %lu", v->name, at, node->size);
    if (at < own->size)
        *extent = (struct extent){.volume_byte = own->byte + at, .size = own->size - at};
    else
        error = section_find(v, node, at, extent);
    if (error)
        return error;
    if (extent->volume_byte >= v->size)
        return fail(ERR_TRUNCATED, "(%s): truncated image: byte %lu of the file is at byte %lu of the volume, which "
                    "has %lu", v->name, at, extent->volume_byte, v->size);
    extent->size = min_u64(extent->size, v->size - extent->volume_byte);
    return OK;
}

static u64 iso_covers(const struct volume *v)
{
    return ((const struct iso *)v->fs_state)->bytes;
}

/* ---- mounting ---------------------------------------------------------------------------------------------------- */

static const char *iso_describe(const struct volume *v)
{
    static const char *const names[] = {"iso9660", "iso9660 Joliet", "iso9660 Rock Ridge"};
    return names[((const struct iso *)v->fs_state)->names];
}

/* Joliet 1.0: the escape sequences of UCS-2, levels 1 to 3. */
static bool is_joliet(const struct iso_descriptor *d)
{
    return d->type == ISO_SUPPLEMENTARY && d->escape[0] == '%' && d->escape[1] == '/' &&
           (d->escape[2] == '@' || d->escape[2] == 'C' || d->escape[2] == 'E');
}

/* The primary descriptor, and that of Joliet: of type 0 when there is none. */
static enum error read_descriptors(struct volume *v, struct iso_descriptor *primary, struct iso_descriptor *joliet)
{
    struct iso_descriptor d;
    primary->type = joliet->type = 0;
    for (u64 i = 0; i < DESCRIPTORS_MAX && !(primary->type && joliet->type); i++) {
        u64 byte = (ISO_FIRST_SECTOR + i) * ISO_SECTOR_BYTES;
        enum error error = fits(byte, sizeof d, v->size) ? volume_read(v, byte, sizeof d, &d) : ERR_NOT_FOUND;
        if (error && error != ERR_NOT_FOUND)
            return error;
        if (error || memcmp(d.id, "CD001", sizeof d.id) != 0 || d.type == ISO_TERMINATOR)
            break;
        if (d.type == ISO_PRIMARY && !primary->type)
            *primary = d;
        else if (is_joliet(&d))
            *joliet = d;
    }
    return primary->type ? OK : fail(ERR_CORRUPT, "(%s): ISO 9660 without a primary volume descriptor", v->name);
}

static enum error check_descriptor(const struct volume *v, const struct iso_descriptor *d)
{
    u32 block = d->block_size.value;
    const struct field_rule rules[] = {
        {block == 512 || block == 1024 || block == 2048, 128, block,
         "bytes per logical block, expected 512, 1024 or 2048"},
        {d->blocks.value, 80, d->blocks.value, "blocks, expected some"},
        {d->root.length > sizeof d->root, 156, d->root.length, "bytes of record of the root directory, expected 34"},
        {d->root.size.value, 166, d->root.size.value, "bytes of root directory, expected some"},
        {d->root.flags & ISO_FLAG_DIR, 181, d->root.flags, "as flags of the root directory, expected 2"},
    };
    return fields_check(v, d->type == ISO_PRIMARY ? "ISO 9660 primary volume descriptor"
                                                  : "ISO 9660 Joliet volume descriptor", rules, ARRAY_COUNT(rules));
}

static enum error find_rock(struct volume *v)
{
    const struct iso_own *root = iso_own(&((const struct iso *)v->fs_state)->root);
    u8 buf[ISO_RECORD_MAX];
    u64 at = root->byte;
    enum error error = iso_record_read(v, &at, root->byte + root->size, buf);
    return error ? error_add(error, "(%s): root directory", v->name) : iso_rock_find(v, (const void *)buf);
}

static u32 upper(u32 c)
{
    return c >= 'a' && c <= 'z' ? c - 32 : c;
}

/* One character of a label as the two descriptors have it, "_" being what one could not write; 0: they disagree. */
static u16 label_unit(u16 joliet, u8 primary)
{
    if (primary == '_')
        return joliet;
    if (joliet == '_')
        return primary;
    if (upper(joliet) != upper(primary))
        return 0;
    return primary >= 'A' && primary <= 'Z' ? joliet : primary;
}

/* As blkid: Joliet has 16 characters of the label, the primary descriptor 32, of a smaller set. Where they agree, both
 * are put together, else Joliet's counts. */
static u32 joliet_label(const struct iso_descriptor *primary, const struct iso_descriptor *joliet, char *out, u32 room)
{
    u16 units[LABEL_UNITS] = {0}, merged[LABEL_UNITS];
    bool agree = true;
    swap_units(units, joliet->volume_id, LABEL_UNITS / 2);
    for (u32 i = 0; i < LABEL_UNITS; i++) {
        u8 c = primary->volume_id[i];
        merged[i] = i < LABEL_UNITS / 2 ? label_unit(units[i], c) : c;
        agree = agree && (merged[i] || i >= LABEL_UNITS / 2);
    }
    return utf16_to_utf8((const u8 *)(agree ? merged : units), LABEL_UNITS, out, room);
}

static void read_label(struct volume *v, const struct iso_descriptor *primary, const struct iso_descriptor *joliet)
{
    char *label = v->ids.label;
    u32 n = sizeof primary->volume_id;
    memcpy(label, primary->volume_id, n);
    label[n] = 0;
    n = joliet->type ? joliet_label(primary, joliet, label, sizeof v->ids.label) : (u32)strlen(label);
    while (n && label[n - 1] == ' ')
        label[--n] = 0;
}

/* As blkid: the date of the last change, else of the creation. All zeros are no date (8.4.26.1). */
static void read_uuid(struct volume *v, const struct iso_descriptor *primary)
{
    const struct iso_date *date = &primary->modified;
    if (memcmp(date, "0000000000000000", sizeof *date) == 0)
        date = &primary->created;
    const char *d = date->digit;
    for (u32 i = 0; i < sizeof date->digit; i++)
        if (d[i] < '0' || d[i] > '9')
            return;
    if (memcmp(date, "0000000000000000", sizeof *date) != 0)
        format_text(v->ids.uuid, sizeof v->ids.uuid, "%.4s-%.2s-%.2s-%.2s-%.2s-%.2s-%.2s", d, d + 4, d + 6, d + 8,
                    d + 10, d + 12, d + 14);
}

/* "CD001" at the first descriptor. What came before ISO 9660 has "CDROM" eight bytes later. */
static enum error check_magic(struct volume *v)
{
    u8 head[14];
    u64 byte = ISO_FIRST_SECTOR * ISO_SECTOR_BYTES;
    if (!fits(byte, ISO_SECTOR_BYTES, v->size))
        return ERR_NOT_MINE;
    enum error error = volume_read(v, byte, sizeof head, head);
    if (error)
        return error;
    if (memcmp(head + 9, "CDROM", 5) == 0)
        return fail(ERR_UNSUPPORTED, "(%s): High Sierra, the forerunner of ISO 9660, is not read here", v->name);
    return memcmp(head + 1, "CD001", 5) == 0 ? OK : ERR_NOT_MINE;
}

static struct iso *state_make(const struct iso_descriptor *primary)
{
    struct iso *iso = arena_alloc(sizeof *iso, 8);
    struct iso_rock *rock = arena_alloc(sizeof *rock, 8);
    u8 *window = arena_reserve(WINDOW_BYTES + ISO_RECORD_MAX, PAGE_SIZE);
    if (!iso || !rock || !window)
        return NULL;
    iso->rock = rock;
    iso->window = window;
    iso->block_bytes = primary->block_size.value;
    iso->bytes = (u64)primary->blocks.value * iso->block_bytes;
    iso->number = primary->set_size.value > 1 ? primary->set_number.value : 0;
    return iso;
}

static enum error iso_mount(struct volume *v)
{
    struct iso_descriptor primary, joliet;
    enum error error = check_magic(v);
    if (!error)
        error = read_descriptors(v, &primary, &joliet);
    if (!error)
        error = check_descriptor(v, &primary);
    if (error)
        return error;
    struct iso *iso = state_make(&primary);
    if (!iso)
        return ERR_NO_MEMORY;
    v->fs_state = iso;
    u64 id = ISO_FIRST_SECTOR * ISO_SECTOR_BYTES;
    error = node_of_dir(v, &primary.root, id, &iso->root);
    if (!error)
        error = find_rock(v);
    if (!error && joliet.type && iso->names != NAMES_ROCK) {
        error = check_descriptor(v, &joliet);
        if (!error)
            error = node_of_dir(v, &joliet.root, id, &iso->root);
        iso->names = NAMES_JOLIET;
    }
    if (error)
        return error;
    read_label(v, &primary, &joliet);
    read_uuid(v, &primary);
    if (iso->bytes > v->size)
        warn("volume %s: ISO 9660 of %lu bytes on a volume of %lu, read as far as it goes", v->name, iso->bytes,
             v->size);
    return OK;
}

const struct filesystem fs_iso9660 = {
    .name = "iso9660",
    .mount = iso_mount,
    .describe = iso_describe,
    .root = iso_root,
    .lookup = iso_lookup,
    .list = iso_list,
    .map = iso_map,
    .read_link = iso_read_link,
    .covers = iso_covers,
};
