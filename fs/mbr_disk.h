/* mbr_disk.h: the PC partition table, in sector 0 (MBR) and at each link of an extended partition (EBR).
 * Microsoft "Master Boot Record"; UEFI 2.10 §5.2. Little endian; counts are of the disk's logical blocks.
 */
#ifndef MBR_DISK_H
#define MBR_DISK_H

#include "base.h"

struct PACKED mbr_entry {
    u8 flag; /* 80h active, 00h not */
    u8 chs_first[3];
    u8 type; /* 0: unused */
    u8 chs_last[3];
    u32 first, count; /* blocks; in an EBR relative, see mbr.c */
};
_Static_assert(sizeof(struct mbr_entry) == 16, "partition entry");

struct PACKED mbr_sector {
    u8 code[440];
    u32 disk_signature;
    u16 unknown;
    struct mbr_entry entry[4];
    u8 signature[2]; /* 55 AA */
};
_Static_assert(sizeof(struct mbr_sector) == 512, "MBR");
_Static_assert(offsetof(struct mbr_sector, entry) == 446, "first entry");

/* The sector claims to be a boot sector or a table; so do FAT's, NTFS's and every boot sector. */
static inline bool mbr_is_signed(const struct mbr_sector *s)
{
    return s->signature[0] == 0x55 && s->signature[1] == 0xaa;
}

#define MBR_EXTENDED_CHS 0x05u
#define MBR_EXTENDED_LBA 0x0fu
#define MBR_EXTENDED_LINUX 0x85u
#define MBR_BOOT_LOADER_SPEC 0xeau /* "extended boot loader partition" on MBR disks */
#define MBR_GPT_PROTECTIVE 0xeeu
#define MBR_EFI_SYSTEM 0xefu

#endif
