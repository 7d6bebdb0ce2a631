/* ext_dir.c: directories of ext (ext.h).
 *
 * Read in order, several blocks at a time; hash trees (dir_index, large_dir) are laid out so that this finds every
 * name. Names compare byte for byte, in casefold directories too. Holes are skipped, as Linux does.
 */
#include "ext.h"

#define DIRECTORY_BYTES_MAX GIB(2)
#define INLINE_FIRST 4u /* an inline directory begins with its parent's number; "." and ".." are not there */

static u64 dir_bytes(const struct node *dir)
{
    const struct ext_own *own = ext_own(dir);
    return own->flags & EXT_FLAG_INLINE_DATA ? EXT_BLOCK_BYTES + own->tail_size : dir->size;
}

/* Where the block that holds byte `at` ends; records never reach past it. Inline directories have two "blocks". */
static u64 block_end(const struct ext *ext, const struct node *dir, u64 at)
{
    if (ext_own(dir)->flags & EXT_FLAG_INLINE_DATA)
        return at < EXT_BLOCK_BYTES ? EXT_BLOCK_BYTES : dir_bytes(dir);
    return align_down(at, ext->block_size) + ext->block_size;
}

static enum error inline_load(struct volume *v, const struct node *dir)
{
    struct ext *ext = v->fs_state;
    const struct ext_own *own = ext_own(dir);
    memcpy(ext->dir, own->block, EXT_BLOCK_BYTES);
    enum error error = volume_read(v, own->tail_byte, own->tail_size, ext->dir + EXT_BLOCK_BYTES);
    if (error)
        return error;
    ext->dir_inode = dir->id;
    ext->dir_at = 0;
    ext->dir_size = EXT_BLOCK_BYTES + own->tail_size;
    return OK;
}

/* Bring the bytes around *at into memory; *at moves to the end of a hole that it is in. */
static enum error dir_load(struct volume *v, const struct node *dir, u64 *at)
{
    struct ext *ext = v->fs_state;
    u64 from = align_down(*at, ext->block_size);
    struct extent extent;
    ext->dir_inode = 0;
    if (ext_own(dir)->flags & EXT_FLAG_INLINE_DATA)
        return inline_load(v, dir);
    if (dir->size > min_u64(v->size, DIRECTORY_BYTES_MAX))
        return fail(ERR_CORRUPT, "(%s): inode %lu: a directory of %lu bytes, expected at most %lu", v->name, dir->id,
                    dir->size, min_u64(v->size, DIRECTORY_BYTES_MAX));
    enum error error = ext_map(v, dir, from, &extent);
    if (error)
        return error;
    if (extent.hole) {
        *at = from + extent.size;
        return OK;
    }
    u32 size = (u32)min_u64(extent.size, ext->dir_room);
    error = volume_read(v, extent.volume_byte, size, ext->dir);
    if (error)
        return error;
    ext->dir_inode = dir->id;
    ext->dir_at = from;
    ext->dir_size = size;
    return OK;
}

/* "Linear Directories": in blocks of 64 KiB the length does not fit 16 bits; its low two bits, always zero, hold the
 * high ones, and FFFFh or 0 stands for the whole block. In smaller blocks all that this changes is broken, and becomes
 * longer than the block. */
static u32 record_length(u32 rec_len)
{
    return rec_len == 0 || rec_len == 0xffff ? 65536 : (rec_len & 0xfffc) | (rec_len & 3) << 16;
}

/* A name to be found. Names in one directory often have one length and begin alike, so their last bytes go first. */
struct wanted {
    struct text name;
    u64 tail, mask; /* up to eight bytes at its end, as the high ones of a word */
};

static struct wanted wanted_of(struct text name)
{
    u32 n = (u32)min_u64(name.len, sizeof(u64));
    struct wanted w = {.name = name, .mask = ~0ull << (64 - 8 * n)};
    memcpy((u8 *)&w.tail + sizeof w.tail - n, name.at + name.len - n, n);
    return w;
}

/* The word that ends with the record's name begins inside the record, however short the name. */
static inline bool is_wanted(const struct ext_dirent *d, const struct wanted *w)
{
    const struct PACKED { u64 value; } *tail = (const void *)((const u8 *)d + d->name_len);
    return d->name_len == w->name.len && !((tail->value ^ w->tail) & w->mask) && d->inode &&
           memcmp(d->name, w->name.at, w->name.len) == 0;
}

static bool is_dots(const struct ext_dirent *d)
{
    return d->name[0] == '.' && (d->name_len == 1 || (d->name_len == 2 && d->name[1] == '.'));
}

/* The first record in [p, end) that is `wanted`, or when that is NULL the first at all; *found NULL: none. Returns
 * where it stands, `end`, or a record that is broken. */
static const u8 *records_scan(const u8 *p, const u8 *end, const struct wanted *wanted, const struct ext_dirent **found)
{
    *found = NULL;
    while (p < end) {
        const struct ext_dirent *d = (const void *)p;
        u64 room = (u64)(end - p);
        if (room < sizeof *d)
            return p;
        u32 length = d->rec_len;
        if (!length || length % 4)
            length = record_length(length);
        if (length > room || length < sizeof *d + d->name_len)
            return p;
        if (wanted ? is_wanted(d, wanted) : d->inode && d->name_len && !is_dots(d)) {
            *found = d;
            return p;
        }
        p += length;
    }
    return p;
}

/* The first record from byte *at on that is `wanted`, or when that is NULL the first at all; *at moves behind it.
 * ERR_NOT_FOUND without a sentence when there is none. */
static enum error dir_find(struct volume *v, const struct node *dir, u64 *at, const struct wanted *wanted,
                           const struct ext_dirent **found)
{
    struct ext *ext = v->fs_state;
    if (ext_own(dir)->flags & EXT_FLAG_ENCRYPT)
        return fail(ERR_UNSUPPORTED, "(%s): inode %lu is an encrypted directory", v->name, dir->id);
    if (ext_own(dir)->flags & EXT_FLAG_INLINE_DATA)
        *at = max_u64(*at, INLINE_FIRST);
    while (*at < dir_bytes(dir)) {
        if (ext->dir_inode != dir->id || *at - ext->dir_at >= ext->dir_size) {
            enum error error = dir_load(v, dir, at);
            if (error)
                return error;
            if (!ext->dir_inode)
                continue;
        }
        u64 end = block_end(ext, dir, *at);
        const u8 *stop = ext->dir + (end - ext->dir_at);
        const u8 *p = records_scan(ext->dir + (*at - ext->dir_at), stop, wanted, found);
        *at = end - (u64)(stop - p);
        if (*found) {
            *at += record_length((*found)->rec_len);
            return OK;
        }
        if (p != stop)
            return fail(ERR_CORRUPT, "(%s): inode %lu: directory record at byte %lu: %u bytes, expected %u to %lu",
                        v->name, dir->id, *at, end - *at < sizeof **found ? 0 : ((const struct ext_dirent *)p)->rec_len,
                        (u32)sizeof **found, end - *at);
    }
    return ERR_NOT_FOUND;
}

enum error ext_lookup(struct volume *v, const struct node *dir, struct text name, struct node *found)
{
    const struct ext_dirent *d;
    u64 at = 0;
    if (!name.len)
        return ERR_NOT_FOUND;
    struct wanted wanted = wanted_of(name);
    enum error error = dir_find(v, dir, &at, &wanted, &d);
    return error ? error : ext_inode_read(v, d->inode, found);
}

enum error ext_list(struct volume *v, const struct node *dir, u64 *cursor, struct dirent *entry)
{
    const struct ext *ext = v->fs_state;
    const struct ext_dirent *d;
    enum error error = dir_find(v, dir, cursor, NULL, &d);
    if (error)
        return error;
    u32 type = ext->incompat & EXT_INCOMPAT_FILETYPE ? d->file_type & EXT_TYPE_MASK : 0;
    memcpy(entry->name, d->name, d->name_len);
    entry->name[d->name_len] = 0;
    entry->type = type == EXT_TYPE_FILE      ? NODE_FILE
                  : type == EXT_TYPE_DIR     ? NODE_DIR
                  : type == EXT_TYPE_SYMLINK ? NODE_SYMLINK
                                             : NODE_OTHER;
    return OK;
}
