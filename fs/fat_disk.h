/* fat_disk.h: FAT12, FAT16 and FAT32 as they lie on the disk. Little endian.
 * Microsoft "FAT: General Overview of On-Disk Format" 1.03 (fatgen103), 2000; the sections are its headings.
 */
#ifndef FAT_DISK_H
#define FAT_DISK_H

#include "base.h"

/* "Boot Sector and BPB": the end of the BPB, at byte 36 (FAT12, FAT16) or 64 (FAT32). */
struct PACKED fat_tail {
    u8 drive, state;
    u8 signature; /* 0x29: serial, label and type follow; 0x28: only the serial */
    u32 serial;
    u8 label[11];
    u8 type[8];   /* "FAT16   ": not for deciding the type, but telling for whom it was meant */
};

struct PACKED fat_boot {
    u8 jump[3];
    u8 oem[8];
    u16 sector_bytes;
    u8 cluster_sectors;
    u16 reserved_sectors;
    u8 fats;
    u16 root_entries;   /* FAT32: 0 */
    u16 sectors16;      /* 0: sectors32 counts */
    u8 media;
    u16 fat_sectors16;  /* FAT32: 0 */
    u16 track_sectors, heads;
    u32 hidden_sectors;
    u32 sectors32;
    union {
        struct PACKED {
            struct fat_tail tail;
            u8 code[448];
        } old; /* FAT12, FAT16 */
        struct PACKED {
            u32 fat_sectors;
            u16 flags; /* FAT32_NOT_MIRRORED, and then the number of the one FAT that counts */
            u16 version;
            u32 root_cluster;
            u16 info_sector, backup_sector;
            u8 reserved[12];
            struct fat_tail tail;
            u8 code[420];
        } fat32;
    };
    u8 signature[2]; /* 55 AA at byte 510, whatever the sector size */
};
_Static_assert(sizeof(struct fat_boot) == 512, "boot sector");
_Static_assert(offsetof(struct fat_boot, old) == 36, "end of the common BPB");
_Static_assert(offsetof(struct fat_boot, fat32.tail) == 64, "FAT32 tail");
_Static_assert(offsetof(struct fat_boot, signature) == 510, "signature");

#define FAT32_NOT_MIRRORED 0x80u
#define FAT32_ACTIVE 0x0fu

/* "FAT Directory Structure". */
struct PACKED fat_slot {
    u8 name[11];
    u8 attributes;
    u8 case_flags; /* Windows NT: FAT_LOWER_… */
    u8 created_tenth;
    u16 created_time, created_date, accessed_date;
    u16 cluster_high; /* FAT12, FAT16: something else */
    u16 written_time, written_date;
    u16 cluster_low;
    u32 size;
};
_Static_assert(sizeof(struct fat_slot) == 32, "directory entry");

#define FAT_SLOT_END 0x00u     /* name[0]: nothing follows */
#define FAT_SLOT_DELETED 0xe5u /* name[0] */
#define FAT_SLOT_E5 0x05u      /* name[0]: stands for E5 */

#define FAT_VOLUME_LABEL 0x08u
#define FAT_DIRECTORY 0x10u
#define FAT_LONG_NAME 0x0fu /* all of these, in FAT_LONG_NAME_MASK */
#define FAT_LONG_NAME_MASK 0x3fu

#define FAT_LOWER_BASE 0x08u
#define FAT_LOWER_EXTENSION 0x10u

/* "Long Directory Entries". */
struct PACKED fat_long_slot {
    u8 ordinal; /* 1 … 20, FAT_LONG_LAST in the one that comes first on the disk */
    u8 units1[10];
    u8 attributes, type;
    u8 checksum; /* of the short name that follows */
    u8 units2[12];
    u16 cluster;
    u8 units3[4];
};
_Static_assert(sizeof(struct fat_long_slot) == 32, "long directory entry");

#define FAT_LONG_LAST 0x40u
#define FAT_LONG_UNITS 13u /* UTF-16 units per slot */
#define FAT_LONG_SLOTS 20u

#endif
