/* ext_map.c: where the bytes of an ext file lie: extent trees, indirect blocks, data inside the inode (ext.h).
 *
 * One call gives what one leaf tells; what touches across leaves is merged by the reader. The last leaf is kept, so
 * that reading a file from end to end reads each leaf once. Nothing is followed deeper than its level says: no loops.
 */
#include "ext.h"

/* Neighbouring blocks of a file from the one asked for. */
struct run {
    u64 block; /* of the volume; 0: a hole */
    u64 count; /* > 0 */
};

static enum error fail_block(const struct volume *v, const struct node *node, const char *what, u64 block)
{
    const struct ext *ext = v->fs_state;
    return fail(ERR_CORRUPT, "(%s): inode %lu: %s at block %lu of %lu", v->name, node->id, what, block, ext->blocks);
}

static enum error leaf_read(struct volume *v, const struct node *node, const char *what, u64 block)
{
    struct ext *ext = v->fs_state;
    ext->leaf_inode = 0;
    if (!block || block >= ext->blocks)
        return fail_block(v, node, what, block);
    return volume_read(v, block << ext->block_log, ext->block_size, ext->leaf);
}

static bool leaf_holds(const struct ext *ext, const struct node *node, u64 block)
{
    return ext->leaf_inode == node->id && block >= ext->leaf_first && block < ext->leaf_end;
}

static void leaf_keep(struct ext *ext, const struct node *node, u64 first, u64 end)
{
    ext->leaf_inode = node->id;
    ext->leaf_first = first;
    ext->leaf_end = end;
}

/* ---- extents ----------------------------------------------------------------------------------------------------- */

/* How many entries of a sorted node begin at or before `block`. When they are not sorted it is some number that still
 * has an entry not behind `block` before it and one behind `block` after it. */
static u32 entries_before(const struct ext_index *entry, u32 count, u64 block)
{
    u32 low = 0;
    while (low < count) {
        u32 middle = (low + count) / 2;
        if (entry[middle].block <= block)
            low = middle + 1;
        else
            count = middle;
    }
    return low;
}

/* The run at `block` among the extents of a leaf that is about no block from `end` on. */
static void extent_find(const struct ext_node_header *leaf, u64 block, u64 end, struct run *run)
{
    const struct ext_extent *e = (const void *)(leaf + 1);
    u32 n = entries_before((const void *)e, leaf->entries, block);
    run->block = 0;
    run->count = (n < leaf->entries ? min_u64(e[n].block, end) : end) - block;
    if (!n)
        return;
    const struct ext_extent *last = e + leaf->entries;
    e += n - 1;
    u64 skip = block - e->block;
    u64 len = e->len > EXT_INIT_MAX ? e->len - EXT_INIT_MAX : e->len;
    if (skip >= len)
        return;
    run->count = len - skip;
    if (e->len > EXT_INIT_MAX)
        return;
    run->block = (e->start_lo | (u64)e->start_hi << 32) + skip;
    for (e++; e < last && e->block == block + run->count && e->len <= EXT_INIT_MAX; e++) {
        if ((e->start_lo | (u64)e->start_hi << 32) != run->block + run->count)
            break;
        run->count += e->len;
    }
}

static enum error extents_find(struct volume *v, const struct node *node, u64 block, struct run *run)
{
    struct ext *ext = v->fs_state;
    const struct ext_node_header *h = (const void *)ext_own(node)->block;
    u64 first = 0, end = 1ull << 32;
    if (leaf_holds(ext, node, block)) {
        extent_find((const void *)ext->leaf, block, ext->leaf_end, run);
        return OK;
    }
    u32 bytes = EXT_BLOCK_BYTES, depth_min = 0, depth_max = EXT_DEPTH_MAX;
    for (;;) {
        if (h->magic != EXT_NODE_MAGIC || h->entries > (bytes - sizeof *h) / sizeof(struct ext_extent) ||
            h->depth < depth_min || h->depth > depth_max)
            return fail(ERR_CORRUPT,
                        "(%s): inode %lu: extent tree: magic %xh, %u entries, depth %u; "
                        "expected f30ah, at most %u, %u to %u",
                        v->name, node->id, h->magic, h->entries, h->depth,
                        (u32)((bytes - sizeof *h) / sizeof(struct ext_extent)), depth_min, depth_max);
        if (!h->depth)
            break;
        const struct ext_index *index = (const void *)(h + 1);
        u32 n = entries_before(index, h->entries, block);
        if (n < h->entries)
            end = min_u64(end, index[n].block);
        if (!n) {
            *run = (struct run){0, end - block};
            return OK;
        }
        index += n - 1;
        first = max_u64(first, index->block);
        depth_min = depth_max = h->depth - 1;
        enum error error = leaf_read(v, node, "extent tree", index->leaf_lo | (u64)index->leaf_hi << 32);
        if (error)
            return error;
        h = (const void *)ext->leaf;
        bytes = ext->block_size;
    }
    if (h == (const void *)ext->leaf)
        leaf_keep(ext, node, first, end);
    extent_find(h, block, end, run);
    return OK;
}

/* ---- indirect blocks --------------------------------------------------------------------------------------------- */

/* The run at the first of `count` pointers. Two at a time: this loop is most of the work on a big file. */
static void pointers_measure(const u32 *pointer, u64 count, struct run *run)
{
    const u32 *p = pointer, *last = pointer + count - 1;
    u64 block = *p;
    u32 each = block ? 1 : 0; /* the pointers of a hole do not count up */
    u64 expected = block | (block + each) << 32, step = 2 * each * 0x0000000100000001;
    while (p < last && load_le(p, 8) == expected) {
        expected += step;
        p += 2;
    }
    u64 n = (u64)(p - pointer);
    if (n < count && *p == block + n * each)
        n++;
    *run = (struct run){block, n};
}

static enum error pointers_find(struct volume *v, const struct node *node, u64 block, struct run *run)
{
    struct ext *ext = v->fs_state;
    const u32 *direct = ext_own(node)->block;
    u32 shift = ext->block_log - 2, level = 1; /* 2^shift pointers per block */
    if (block < EXT_DIRECT_BLOCKS) {
        pointers_measure(direct + block, EXT_DIRECT_BLOCKS - block, run);
        return OK;
    }
    u64 n = block - EXT_DIRECT_BLOCKS; /* among the blocks below `pointer` */
    if (!leaf_holds(ext, node, block)) {
        for (; n >> shift * level; level++) {
            n -= 1ull << shift * level;
            if (level == 3)
                return fail(ERR_CORRUPT, "(%s): inode %lu: %lu bytes are more than its blocks can hold", v->name,
                            node->id, node->size);
        }
        u32 pointer = direct[EXT_DIRECT_BLOCKS + level - 1];
        for (; pointer && level > 1; n &= (1ull << shift * level) - 1) {
            level--;
            if (pointer >= ext->blocks)
                return fail_block(v, node, "indirect block", pointer);
            u64 byte = ((u64)pointer << ext->block_log) + (n >> shift * level) * sizeof pointer;
            enum error error = volume_read(v, byte, sizeof pointer, &pointer);
            if (error)
                return error;
        }
        if (!pointer) {
            *run = (struct run){0, (1ull << shift * level) - n};
            return OK;
        }
        enum error error = leaf_read(v, node, "indirect block", pointer);
        if (error)
            return error;
        leaf_keep(ext, node, block - n, block - n + (1ull << shift));
    }
    pointers_measure((const u32 *)ext->leaf + (block - ext->leaf_first), ext->leaf_end - block, run);
    return OK;
}

/* ---- all ways ---------------------------------------------------------------------------------------------------- */

static void inline_find(const struct node *node, u64 at, struct extent *extent)
{
    const struct ext_own *own = ext_own(node);
    u64 tail = at - EXT_BLOCK_BYTES;
    if (at < EXT_BLOCK_BYTES)
        *extent = (struct extent){own->block_byte + at, EXT_BLOCK_BYTES - at, false};
    else if (tail < own->tail_size)
        *extent = (struct extent){own->tail_byte + tail, own->tail_size - tail, false};
    else
        *extent = (struct extent){0, node->size - at, true};
    extent->size = min_u64(extent->size, node->size - at);
}

enum error ext_map(struct volume *v, const struct node *node, u64 at, struct extent *extent)
{
    const struct ext *ext = v->fs_state;
    u32 flags = ext_own(node)->flags;
    u64 block = at >> ext->block_log, skip = at & (ext->block_size - 1);
    struct run run = {0};
    if (at >= node->size)
        return fail(ERR_RANGE, "(%s): inode %lu: byte %lu of a file of %lu", v->name, node->id, at, node->size);
    if (flags & EXT_FLAG_ENCRYPT)
        return fail(ERR_UNSUPPORTED, "(%s): inode %lu is encrypted", v->name, node->id);
    if (flags & EXT_FLAG_INLINE_DATA) {
        inline_find(node, at, extent);
        return OK;
    }
    if (block >> 32)
        return fail(ERR_CORRUPT, "(%s): inode %lu: a file of %lu bytes, expected less than 2^32 blocks", v->name,
                    node->id, node->size);
    enum error error = (flags & EXT_FLAG_EXTENTS ? extents_find : pointers_find)(v, node, block, &run);
    if (error)
        return error;
    if (!fits(run.block, run.count, ext->blocks) && run.block)
        return fail_block(v, node, "data", run.block + run.count - 1);
    u64 left = align_up(node->size, ext->block_size) - at;
    extent->hole = !run.block;
    extent->volume_byte = run.block ? (run.block << ext->block_log) + skip : 0;
    extent->size = min_u64(left, (run.count << ext->block_log) - skip);
    return OK;
}
