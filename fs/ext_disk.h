/* ext_disk.h: ext2, ext3 and ext4 as they lie on the disk. Little endian.
 * Linux Documentation/filesystems/ext4 (6.1): "Super Block", "Block Group Descriptors", "Inode Table", "The Contents of
 * inode.i_block", "Directory Entries", "Extended Attributes"; offsets and names are its, without the prefixes.
 */
#ifndef EXT_DISK_H
#define EXT_DISK_H

#include "base.h"

#define EXT_SUPER_BYTE 1024u /* of the volume, whatever the block size */
#define EXT_MAGIC 0xef53u
#define EXT_ROOT_INODE 2u

struct PACKED ext_super {
    u32 inodes_count, blocks_count_lo, r_blocks_count_lo, free_blocks_count_lo, free_inodes_count;
    u32 first_data_block;
    u32 log_block_size, log_cluster_size;
    u32 blocks_per_group, clusters_per_group, inodes_per_group;
    u32 mtime, wtime;
    u16 mnt_count, max_mnt_count;
    u16 magic, state, errors, minor_rev_level;
    u32 lastcheck, checkinterval, creator_os;
    u32 rev_level; /* 0: what follows up to desc_size is not there, inodes are 128 bytes */
    u16 def_resuid, def_resgid;
    u32 first_ino;
    u16 inode_size, block_group_nr;
    u32 feature_compat, feature_incompat, feature_ro_compat;
    u8 uuid[16];
    char volume_name[16];
    char last_mounted[64];
    u32 algorithm_usage_bitmap;
    u8 prealloc_blocks, prealloc_dir_blocks;
    u16 reserved_gdt_blocks;
    u8 journal_uuid[16];
    u32 journal_inum, journal_dev, last_orphan, hash_seed[4];
    u8 def_hash_version, jnl_backup_type;
    u16 desc_size; /* counts with EXT_INCOMPAT_64BIT only */
    u32 default_mount_opts, first_meta_bg;
    u32 mkfs_time, jnl_blocks[17];
    u32 blocks_count_hi;
    u8 between[248];
    u32 backup_bgs[2]; /* EXT_COMPAT_SPARSE_SUPER2: the only groups with a copy of the superblock */
    u8 rest[428];
};
_Static_assert(sizeof(struct ext_super) == 1024, "superblock");
_Static_assert(offsetof(struct ext_super, magic) == 0x38, "s_magic");
_Static_assert(offsetof(struct ext_super, rev_level) == 0x4c, "s_rev_level");
_Static_assert(offsetof(struct ext_super, inode_size) == 0x58, "s_inode_size");
_Static_assert(offsetof(struct ext_super, feature_incompat) == 0x60, "s_feature_incompat");
_Static_assert(offsetof(struct ext_super, volume_name) == 0x78, "s_volume_name");
_Static_assert(offsetof(struct ext_super, desc_size) == 0xfe, "s_desc_size");
_Static_assert(offsetof(struct ext_super, first_meta_bg) == 0x104, "s_first_meta_bg");
_Static_assert(offsetof(struct ext_super, blocks_count_hi) == 0x150, "s_blocks_count_hi");
_Static_assert(offsetof(struct ext_super, backup_bgs) == 0x24c, "s_backup_bgs");

#define EXT_COMPAT_HAS_JOURNAL 0x4u
#define EXT_COMPAT_SPARSE_SUPER2 0x200u
#define EXT_RO_COMPAT_SPARSE_SUPER 0x1u
#define EXT_RO_COMPAT_EXT3 0x7u /* sparse_super, large_file, btree_dir: all that ext3 knows */
#define EXT_INCOMPAT_FILETYPE 0x2u
#define EXT_INCOMPAT_RECOVER 0x4u
#define EXT_INCOMPAT_META_BG 0x10u
#define EXT_INCOMPAT_64BIT 0x80u
#define EXT_INCOMPAT_LARGE_DIR 0x4000u
#define EXT_INCOMPAT_EXT3 0x16u /* filetype, recover, meta_bg: all that ext3 knows */
/* The above and extents, mmp, flex_bg, ea_inode, dirdata, csum_seed, large_dir, inline_data, encrypt, casefold. */
#define EXT_INCOMPAT_READ 0x3f7d6u

/* What comes after the low half counts when descriptors are at least 64 bytes. */
struct PACKED ext_group {
    u32 block_bitmap_lo, inode_bitmap_lo, inode_table_lo;
    u16 free_blocks_count_lo, free_inodes_count_lo, used_dirs_count_lo, flags;
    u32 exclude_bitmap_lo;
    u16 block_bitmap_csum_lo, inode_bitmap_csum_lo, itable_unused_lo, checksum;
    u32 block_bitmap_hi, inode_bitmap_hi, inode_table_hi;
    u8 rest[20];
};
_Static_assert(sizeof(struct ext_group) == 64, "group descriptor");
_Static_assert(offsetof(struct ext_group, inode_table_lo) == 0x8, "bg_inode_table_lo");
_Static_assert(offsetof(struct ext_group, inode_table_hi) == 0x28, "bg_inode_table_hi");
#define EXT_GROUP_OLD_SIZE 32u

#define EXT_BLOCKS 15u        /* in an inode: */
#define EXT_DIRECT_BLOCKS 12u /* these, then one each of single, double and triple indirection */
#define EXT_BLOCK_BYTES 60u

struct PACKED ext_inode {
    u16 mode, uid;
    u32 size_lo;
    u32 atime, ctime, mtime, dtime;
    u16 gid, links_count;
    u32 blocks_lo, flags, version;
    u32 block[EXT_BLOCKS];
    u32 generation, file_acl_lo;
    u32 size_high; /* of a directory: only with large_dir; it was an ACL once */
    u8 rest[16];
    u16 extra_size; /* from here on only when inodes are larger than EXT_INODE_OLD_SIZE */
};
_Static_assert(offsetof(struct ext_inode, size_lo) == 0x4, "i_size_lo");
_Static_assert(offsetof(struct ext_inode, flags) == 0x20, "i_flags");
_Static_assert(offsetof(struct ext_inode, block) == 0x28, "i_block");
_Static_assert(offsetof(struct ext_inode, size_high) == 0x6c, "i_size_high");
_Static_assert(offsetof(struct ext_inode, extra_size) == 0x80, "i_extra_isize");
#define EXT_INODE_OLD_SIZE 128u

#define EXT_MODE_TYPE 0xf000u
#define EXT_MODE_DIR 0x4000u
#define EXT_MODE_FILE 0x8000u
#define EXT_MODE_SYMLINK 0xa000u

#define EXT_FLAG_ENCRYPT 0x800u
#define EXT_FLAG_EXTENTS 0x80000u
#define EXT_FLAG_INLINE_DATA 0x10000000u

/* "Extent Tree": a header, then `entries` indexes (depth > 0) or extents (depth 0), sorted by block. */
struct PACKED ext_node_header {
    u16 magic, entries, max, depth;
    u32 generation;
};
struct PACKED ext_index {
    u32 block; /* the first the child is about */
    u32 leaf_lo;
    u16 leaf_hi, unused;
};
struct PACKED ext_extent {
    u32 block;
    u16 len; /* above EXT_INIT_MAX: uninitialised, len - EXT_INIT_MAX blocks that read as zeros */
    u16 start_hi;
    u32 start_lo;
};
_Static_assert(sizeof(struct ext_node_header) == 12, "extent tree header");
_Static_assert(sizeof(struct ext_index) == 12, "extent tree index");
_Static_assert(sizeof(struct ext_extent) == 12, "extent");
#define EXT_NODE_MAGIC 0xf30au
#define EXT_DEPTH_MAX 5u
#define EXT_INIT_MAX 32768u

/* "Linear Directories". Hash trees hide in records without an inode, checksums too. */
struct PACKED ext_dirent {
    u32 inode;   /* 0: unused */
    u16 rec_len; /* to the next record; blocks of 64 KiB: see record_length() */
    u8 name_len; /* without filetype a u16, but no name is longer than 255 */
    u8 file_type; /* with filetype; Lustre's dirdata adds flags above EXT_TYPE_MASK */
    char name[];
};
_Static_assert(sizeof(struct ext_dirent) == 8, "directory record");
#define EXT_TYPE_MASK 0xfu
#define EXT_TYPE_FILE 1u
#define EXT_TYPE_DIR 2u
#define EXT_TYPE_SYMLINK 7u

/* "Extended Attributes" behind the inode's extra fields: a magic, entries, four zero bytes. Only "system.data"
 * counts. */
struct PACKED ext_attribute {
    u8 name_len, name_index;
    u16 value_offset; /* from the first entry */
    u32 value_inode, value_size, hash;
    char name[4]; /* as many of name_len, padded to four */
};
_Static_assert(sizeof(struct ext_attribute) == 20, "attribute");
#define EXT_ATTRIBUTE_MAGIC 0xea020000u
#define EXT_ATTRIBUTE_SYSTEM 7u

#endif
