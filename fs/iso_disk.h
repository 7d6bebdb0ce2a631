/* iso_disk.h: ISO 9660 with Rock Ridge and Joliet as it lies on the disc.
 * ECMA-119, 4th edition (2019), sections by number; SUSP 1.12 (IEEE P1281) and RRIP 1.12 (IEEE P1282), entries by their
 * two letters. Numbers stand twice, little endian first; the big endian half is for others.
 */
#ifndef ISO_DISK_H
#define ISO_DISK_H

#include "base.h"

#define ISO_SECTOR_BYTES 2048u /* logical sector, whatever the block size (6.1.2) */
#define ISO_FIRST_SECTOR 16u   /* of the volume descriptors (6.2.1) */

/* 7.2.3, 7.3.3 */
struct PACKED iso_u16 {
    u16 value, big_endian;
};
struct PACKED iso_u32 {
    u32 value, big_endian;
};

/* 9.1 */
struct PACKED iso_record {
    u8 length;            /* 0: nothing more in this sector */
    u8 attribute_blocks;  /* extended attribute record, in front of the data */
    struct iso_u32 block; /* where that begins */
    struct iso_u32 size;  /* bytes of this section */
    u8 recorded[7];
    u8 flags;
    u8 unit_blocks, gap_blocks; /* interleaved: not 0 */
    struct iso_u16 volume;      /* of the set, which has it */
    u8 name_size;               /* the name follows, padded to an even end; then the system use area */
};
_Static_assert(sizeof(struct iso_record) == 33, "directory record");
_Static_assert(offsetof(struct iso_record, flags) == 25, "flags");
_Static_assert(offsetof(struct iso_record, name_size) == 32, "length of the name");
#define ISO_RECORD_MAX 255u

#define ISO_FLAG_DIR 0x02u
#define ISO_FLAG_ASSOCIATED 0x04u
#define ISO_FLAG_MORE 0x80u /* another section follows, in the next record */

/* 8.4.26.1: digits, then the offset from Greenwich. */
struct PACKED iso_date {
    char digit[16]; /* YYYYMMDDhhmmsscc */
    u8 offset;
};

/* 8.1, 8.4, 8.5 */
struct PACKED iso_descriptor {
    u8 type;
    char id[5]; /* "CD001" */
    u8 version;
    u8 flags;
    u8 system_id[32];
    u8 volume_id[32]; /* Joliet: 16 UTF-16 units, big endian, as all text */
    u8 unused[8];
    struct iso_u32 blocks;
    u8 escape[32];
    struct iso_u16 set_size, set_number, block_size;
    struct iso_u32 path_table_size;
    u32 path_tables[4];
    struct iso_record root;
    u8 root_name;
    u8 ids[623]; /* volume set, publisher, preparer, application; copyright, abstract, bibliographic files */
    struct iso_date created, modified, expires, effective;
    u8 structure_version;
};
_Static_assert(offsetof(struct iso_descriptor, blocks) == 80, "volume space size");
_Static_assert(offsetof(struct iso_descriptor, escape) == 88, "escape sequences");
_Static_assert(offsetof(struct iso_descriptor, block_size) == 128, "logical block size");
_Static_assert(offsetof(struct iso_descriptor, root) == 156, "root directory record");
_Static_assert(offsetof(struct iso_descriptor, created) == 813, "volume creation date");
_Static_assert(offsetof(struct iso_descriptor, structure_version) == 881, "file structure version");

#define ISO_PRIMARY 1u
#define ISO_SUPPLEMENTARY 2u /* version 2: "enhanced" (8.5) */
#define ISO_TERMINATOR 255u

/* SUSP 4: an entry of a system use area; its data as far as it is looked at. */
struct PACKED iso_use {
    u16 tag; /* ISO_TAG_… */
    u8 length, version;
    union {
        struct PACKED {
            u8 magic[2];
            u8 skip; /* bytes at the start of every system use area but this one */
        } sp;
        struct PACKED {
            struct iso_u32 block, offset, size;
        } ce; /* the area goes on there */
        struct PACKED {
            struct iso_u32 mode;
        } px;
        struct PACKED {
            u8 flags;
            char name[250];
        } nm;
        struct PACKED {
            u8 flags;
            u8 parts[250]; /* struct iso_link_part, one behind the other */
        } sl;
        struct PACKED {
            struct iso_u32 block;
        } cl; /* the directory that was moved elsewhere */
        u8 data[251];
    };
};
_Static_assert(sizeof(struct iso_use) == 255, "system use entry");
#define ISO_TAG(first, second) ((first) | (second) << 8)
#define ISO_USE_HEAD 4u
#define ISO_USE_SP 7u  /* length of SP, … */
#define ISO_USE_CE 28u
#define ISO_USE_PX 12u /* at least */
#define ISO_USE_CL 12u
#define ISO_USE_NAME 5u /* of NM and SL, before what they carry */

#define ISO_NAME_MORE 0x01u /* NM: goes on in the next one; a part of SL: likewise */
#define ISO_NAME_CURRENT 0x02u
#define ISO_NAME_PARENT 0x04u
#define ISO_LINK_ROOT 0x08u
#define ISO_LINK_VOLUME_ROOT 0x10u

/* SL: a component of the target, or a piece of one. */
struct PACKED iso_link_part {
    u8 flags, size;
    char text[];
};
_Static_assert(sizeof(struct iso_link_part) == 2, "component");

#define ISO_MODE_TYPE 0xf000u /* PX, as POSIX */
#define ISO_MODE_DIR 0x4000u
#define ISO_MODE_FILE 0x8000u
#define ISO_MODE_SYMLINK 0xa000u

#endif
