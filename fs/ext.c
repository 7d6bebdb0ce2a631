/* ext.c: ext2, ext3 and ext4, read only: volumes and inodes; ext_map.c and ext_dir.c do the rest (layout: ext_disk.h).
 *
 * Linux Documentation/filesystems/ext4 (6.1), and e2fsprogs 1.47 where that is silent. Everything that mkfs makes today
 * or made earlier. Left out on purpose: the journal is not replayed (that is said), metadata checksums are not checked
 * (a boot should not fail for them), hash trees are not followed. What is encrypted is refused where it is met; volumes
 * with incompatible features that change reading are refused by the feature's name.
 * Exercised by test_ext (images by mke2fs and debugfs) and fuzz_ext.
 */
#include "ext.h"
#include "fields.h"
#include "print.h"

#define BLOCK_LOG_MAX 16u
#define BLOCKS_MAX (1ull << 47) /* so that bytes fit 63 bits */
#define INODE_BYTES_MAX (1ull << 62)
#define ENTRY_BYTES offsetof(struct ext_attribute, name)

/* ---- inodes ------------------------------------------------------------------------------------------------------ */

/* Whether a group begins with a copy of the superblock: "Layout", and sparse_super2. */
static bool group_has_super(const struct ext *ext, u32 group)
{
    if (!group)
        return true;
    if (ext->compat & EXT_COMPAT_SPARSE_SUPER2)
        return group == ext->backup_groups[0] || group == ext->backup_groups[1];
    if (group == 1 || !(ext->ro_compat & EXT_RO_COMPAT_SPARSE_SUPER))
        return true;
    for (u32 base = 3; base <= 7; base += 2) {
        u64 power = base;
        while (power < group)
            power *= base;
        if (power == group)
            return true;
    }
    return false;
}

/* Where the descriptor of a group lies on the volume. "Meta Block Groups". */
static u64 group_byte(const struct ext *ext, u32 group)
{
    u32 log = ext->block_log - (u32)__builtin_ctz(ext->group_size); /* descriptors per block */
    u32 table = group >> log;
    u64 block = (EXT_SUPER_BYTE >> ext->block_log) + 1;
    if (table < ext->first_meta_group) {
        block += table;
    } else if (table) {
        u32 first = table << log;
        block = ext->first_data_block + (u64)first * ext->blocks_per_group + group_has_super(ext, first);
    }
    return (block << ext->block_log) + (u64)(group & ((1u << log) - 1)) * ext->group_size;
}

static enum error inode_find(struct volume *v, u32 inode, u64 *byte)
{
    const struct ext *ext = v->fs_state;
    struct ext_group group = {0};
    if (!inode || inode > ext->inodes)
        return fail(ERR_CORRUPT, "(%s): inode %u, expected 1 to %u", v->name, inode, ext->inodes);
    u32 number = (inode - 1) / ext->inodes_per_group, index = (inode - 1) % ext->inodes_per_group;
    enum error error = volume_read(v, group_byte(ext, number), min_u64(ext->group_size, sizeof group), &group);
    if (error)
        return error_add(error, "(%s): descriptor of group %u", v->name, number);
    u64 table = group.inode_table_lo | (u64)group.inode_table_hi << 32;
    if (!table || table >= ext->blocks)
        return fail(ERR_CORRUPT, "(%s): group %u: inode table at block %lu of %lu", v->name, number, table,
                    ext->blocks);
    *byte = (table << ext->block_log) + (u64)index * ext->inode_size;
    return OK;
}

/* Find the attribute system.data: what of an inline file's data does not fit block[]. Having none is no error. */
static enum error inline_tail_find(struct volume *v, const struct node *node, u64 inode_byte, struct ext_own *own)
{
    const struct ext *ext = v->fs_state;
    struct ext_attribute a;
    u32 magic = 0;
    u16 extra = 0;
    enum error error = OK;
    if (ext->inode_size <= EXT_INODE_OLD_SIZE)
        return OK;
    error = volume_read(v, inode_byte + offsetof(struct ext_inode, extra_size), sizeof extra, &extra);
    u64 first = EXT_INODE_OLD_SIZE + (u64)extra + sizeof magic; /* byte of the inode */
    if (!error && first <= ext->inode_size)
        error = volume_read(v, inode_byte + first - sizeof magic, sizeof magic, &magic);
    if (error || magic != EXT_ATTRIBUTE_MAGIC)
        return error;
    /* Each entry is at least 16 bytes, so the end of the inode is the limit of steps. */
    for (u64 at = first; fits(at, sizeof a, ext->inode_size); at += align_up(ENTRY_BYTES + a.name_len, 4)) {
        error = volume_read(v, inode_byte + at, sizeof a, &a);
        if (error || !(a.name_len | a.name_index | a.value_offset))
            return error;
        if (a.name_index != EXT_ATTRIBUTE_SYSTEM || a.name_len != 4 || memcmp(a.name, "data", 4) != 0)
            continue;
        if (a.value_inode || !fits(first + a.value_offset, a.value_size, ext->inode_size))
            return fail(ERR_CORRUPT, "(%s): inode %lu: %u bytes of inline data at byte %u of %u", v->name, node->id,
                        a.value_size, (u32)first + a.value_offset, ext->inode_size);
        own->tail_byte = inode_byte + first + a.value_offset;
        own->tail_size = a.value_size;
        return OK;
    }
    return OK;
}

/* A target that fits block[] lies there. Some old ones have the extents flag nevertheless, without a tree. */
static bool is_fast_symlink(const struct ext_inode *inode, u64 size)
{
    const struct ext_node_header *tree = (const void *)inode->block;
    return (inode->mode & EXT_MODE_TYPE) == EXT_MODE_SYMLINK && size < EXT_BLOCK_BYTES &&
           !(inode->flags & EXT_FLAG_EXTENTS && tree->magic == EXT_NODE_MAGIC);
}

enum error ext_inode_read(struct volume *v, u32 number, struct node *node)
{
    const struct ext *ext = v->fs_state;
    struct ext_inode inode;
    struct ext_own own = {0};
    u64 byte = 0;
    enum error error = inode_find(v, number, &byte);
    if (!error)
        error = volume_read(v, byte, EXT_INODE_OLD_SIZE, &inode);
    if (error)
        return error_add(error, "(%s): inode %u", v->name, number);
    u32 type = inode.mode & EXT_MODE_TYPE;
    struct node n = {.id = number, .size = inode.size_lo, .type = NODE_OTHER};
    if (type == EXT_MODE_FILE)
        n.type = NODE_FILE;
    else if (type == EXT_MODE_DIR)
        n.type = NODE_DIR;
    else if (type == EXT_MODE_SYMLINK)
        n.type = NODE_SYMLINK;
    if (type == EXT_MODE_FILE || (type == EXT_MODE_DIR && ext->incompat & EXT_INCOMPAT_LARGE_DIR))
        n.size |= (u64)inode.size_high << 32;
    if (n.size > INODE_BYTES_MAX)
        return fail(ERR_CORRUPT, "(%s): inode %u: size %lu bytes", v->name, number, n.size);
    memcpy(own.block, inode.block, sizeof own.block);
    own.flags = inode.flags;
    own.block_byte = byte + offsetof(struct ext_inode, block);
    if (inode.flags & EXT_FLAG_INLINE_DATA)
        error = inline_tail_find(v, &n, byte, &own);
    else if (is_fast_symlink(&inode, n.size))
        own.flags |= EXT_FLAG_INLINE_DATA;
    if (error)
        return error;
    memcpy(n.own, &own, sizeof own);
    *node = n;
    return OK;
}

static enum error ext_root(struct volume *v, struct node *root)
{
    struct node node;
    enum error error = ext_inode_read(v, EXT_ROOT_INODE, &node);
    if (error)
        return error;
    if (node.type != NODE_DIR)
        return fail(ERR_CORRUPT, "(%s): inode %u, the root, is not a directory", v->name, EXT_ROOT_INODE);
    *root = node;
    return OK;
}

/* ---- mounting ---------------------------------------------------------------------------------------------------- */

/* As blkid decides: ext3 is ext2 with a journal, ext4 is whatever has features that ext3 does not know. */
static const char *ext_describe(const struct volume *v)
{
    const struct ext *ext = v->fs_state;
    if (ext->incompat & ~EXT_INCOMPAT_EXT3 || ext->ro_compat & ~EXT_RO_COMPAT_EXT3)
        return "ext4";
    return ext->compat & EXT_COMPAT_HAS_JOURNAL ? "ext3" : "ext2";
}

/* The first incompatible feature that we do not read; named as mke2fs names it, or FEATURE_I and its bit. Refused are
 * compression (it never came to be), journal_dev (a journal, no files) and what is newer than we are. Of the others
 * recover, mmp, ea_inode and csum_seed change nothing that we read; encrypt does file by file; casefold, only which
 * other names would be found too; dirdata lies behind the names. Features of ro_compat and compat do not matter. */
static enum error check_features(const struct volume *v, u32 incompat)
{
    u32 unread = incompat & ~EXT_INCOMPAT_READ;
    if (!unread)
        return OK;
    u32 bit = (u32)__builtin_ctz(unread);
    if (bit == 0 || bit == 3)
        return fail(ERR_UNSUPPORTED, "(%s): ext: incompatible feature %s", v->name,
                    bit ? "journal_dev" : "compression");
    return fail(ERR_UNSUPPORTED, "(%s): ext: incompatible feature FEATURE_I%u (%xh)", v->name, bit, 1u << bit);
}

static enum error check_super(const struct volume *v, const struct ext_super *s, u64 blocks)
{
    u32 block = s->log_block_size <= BLOCK_LOG_MAX - 10 ? 1024u << s->log_block_size : 0;
    bool wide = s->feature_incompat & EXT_INCOMPAT_64BIT;
    const struct field_rule rules[] = {
        {block, 1048, s->log_block_size, "as log2(block size / 1024), expected 0 to 6"},
        {s->first_data_block <= (block == 1024), 1044, s->first_data_block, "as first data block"},
        {blocks > s->first_data_block && blocks < BLOCKS_MAX, 1028, blocks, "blocks"},
        {s->inodes_count >= EXT_ROOT_INODE, 1024, s->inodes_count, "inodes, expected at least 2"},
        {s->blocks_per_group, 1056, s->blocks_per_group, "blocks per group, expected some"},
        {s->inodes_per_group && s->inodes_per_group <= 8 * block, 1064, s->inodes_per_group,
         "inodes per group, expected 1 to 8 per byte of a block"},
        {!s->rev_level ||
             (is_power_of_two(s->inode_size) && s->inode_size >= EXT_INODE_OLD_SIZE && s->inode_size <= block), 1112,
         s->inode_size, "bytes per inode, expected a power of two from 128 to the block size"},
        {!wide ||
             (is_power_of_two(s->desc_size) && s->desc_size >= sizeof(struct ext_group) && s->desc_size <= block), 1278,
         s->desc_size, "bytes per group descriptor, expected a power of two from 64 to the block size"},
    };
    return fields_check(v, "ext superblock", rules, ARRAY_COUNT(rules));
}

static void read_ids(struct volume *v, const struct ext_super *s)
{
    static const u8 none[16];
    memcpy(v->ids.label, s->volume_name, sizeof s->volume_name);
    v->ids.label[sizeof s->volume_name] = 0;
    if (memcmp(s->uuid, none, sizeof none) != 0)
        uuid_text(v->ids.uuid, s->uuid);
}

/* What is said of a volume that is read although it is not as it should be. */
static void say_state(const struct volume *v)
{
    const struct ext *ext = v->fs_state;
    if (ext->incompat & EXT_INCOMPAT_RECOVER)
        say("volume %s: %s needs_recovery: it was not cleanly unmounted; journal not replayed, read as is", v->name,
            ext_describe(v));
    if (ext->blocks << ext->block_log > v->size)
        warn("volume %s: %s of %lu bytes on a volume of %lu, read as far as it goes", v->name, ext_describe(v),
             ext->blocks << ext->block_log, v->size);
}

static enum error ext_mount(struct volume *v)
{
    struct ext_super s;
    if (v->size < EXT_SUPER_BYTE + sizeof s)
        return ERR_NOT_MINE;
    enum error error = volume_read(v, EXT_SUPER_BYTE, sizeof s, &s);
    if (error)
        return error;
    if (s.magic != EXT_MAGIC)
        return ERR_NOT_MINE;
    bool wide = s.feature_incompat & EXT_INCOMPAT_64BIT;
    u64 blocks = s.blocks_count_lo | (wide ? (u64)s.blocks_count_hi << 32 : 0);
    error = check_features(v, s.feature_incompat);
    if (!error)
        error = check_super(v, &s, blocks);
    if (error)
        return error;
    struct ext *ext = arena_alloc(sizeof *ext, 8);
    u32 block_size = 1024u << s.log_block_size, dir_room = (u32)max_u64(block_size, EXT_DIR_BYTES);
    u8 *leaf = arena_reserve(block_size, PAGE_SIZE), *dir = arena_reserve(dir_room, PAGE_SIZE);
    if (!ext || !leaf || !dir)
        return ERR_NO_MEMORY;
    *ext = (struct ext){
        .block_log = s.log_block_size + 10,
        .block_size = block_size,
        .blocks = blocks,
        .inodes = s.inodes_count,
        .inodes_per_group = s.inodes_per_group,
        .inode_size = s.rev_level ? s.inode_size : EXT_INODE_OLD_SIZE,
        .group_size = wide ? s.desc_size : EXT_GROUP_OLD_SIZE,
        .first_data_block = s.first_data_block,
        .blocks_per_group = s.blocks_per_group,
        .first_meta_group = s.feature_incompat & EXT_INCOMPAT_META_BG ? s.first_meta_bg : ~0u,
        .compat = s.feature_compat,
        .incompat = s.feature_incompat,
        .ro_compat = s.feature_ro_compat,
        .backup_groups = {s.backup_bgs[0], s.backup_bgs[1]},
        .leaf = leaf,
        .dir = dir,
        .dir_room = dir_room,
    };
    v->fs_state = ext;
    read_ids(v, &s);
    say_state(v);
    return OK;
}

const struct filesystem fs_ext = {
    .name = "ext",
    .mount = ext_mount,
    .describe = ext_describe,
    .root = ext_root,
    .lookup = ext_lookup,
    .list = ext_list,
    .map = ext_map,
};
