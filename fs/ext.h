/* ext.h: what the three files of ext know of one another: ext.c (volume, inodes), ext_map.c (where a file's bytes lie),
 * ext_dir.c (directories).
 */
#ifndef EXT_H
#define EXT_H

#include "ext_disk.h"
#include "volume.h"

#define EXT_DIR_BYTES 16384u /* of a directory in memory at a time, at least one block; block.c reads ahead */

struct ext {
    u32 block_log, block_size;
    u64 blocks;
    u32 inodes, inodes_per_group, inode_size;
    u32 group_size; /* of a group descriptor */
    u32 first_data_block, blocks_per_group, first_meta_group; /* first_meta_group ~0: no meta_bg */
    u32 compat, incompat, ro_compat;
    u32 backup_groups[2];

    /* The leaf of a file's map that was used last: pointers or extents for file blocks [leaf_first, leaf_end) of
     * leaf_inode; 0: none. One block. */
    u8 *leaf;
    u64 leaf_inode, leaf_first, leaf_end;

    /* dir_size bytes of directory dir_inode (0: none) from byte dir_at on; there is room for dir_room. */
    u8 *dir;
    u64 dir_inode, dir_at;
    u32 dir_size, dir_room;
};

/* node.own: what the map needs of the inode. */
struct ext_own {
    u32 block[EXT_BLOCKS];
    u32 flags;      /* EXT_FLAG_…; EXT_FLAG_INLINE_DATA also stands for a fast symlink */
    u64 block_byte; /* of the volume: where block[] lies, which is the first data of an inline file */
    u64 tail_byte;  /* its other data */
    u32 tail_size;
};
_Static_assert(sizeof(struct ext_own) <= sizeof((struct node *)0)->own, "node.own");

static inline const struct ext_own *ext_own(const struct node *node) { return (const void *)node->own; }

/* The node of an inode. ERR_CORRUPT when there is no such inode or it cannot be understood. */
enum error ext_inode_read(struct volume *v, u32 inode, struct node *node);

/* filesystem.lookup, .list and .map. */
enum error ext_lookup(struct volume *v, const struct node *dir, struct text name, struct node *found);
enum error ext_list(struct volume *v, const struct node *dir, u64 *cursor, struct dirent *entry);
enum error ext_map(struct volume *v, const struct node *node, u64 at, struct extent *extent);

#endif
