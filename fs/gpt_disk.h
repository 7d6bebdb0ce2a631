/* gpt_disk.h: the GUID partition table as it lies on the disk. UEFI 2.10 §5.3. Little endian. */
#ifndef GPT_DISK_H
#define GPT_DISK_H

#include "base.h"

/* UEFI 2.10 table 5-5. */
struct PACKED gpt_header {
    u8 signature[8]; /* "EFI PART" */
    u32 revision;
    u32 header_size;
    u32 header_crc; /* over header_size bytes with this field 0 */
    u32 reserved;
    u64 my_lba, alternate_lba;
    u64 first_usable_lba, last_usable_lba;
    u8 disk_guid[16];
    u64 entries_lba;
    u32 entry_count, entry_size;
    u32 entries_crc;
};
_Static_assert(sizeof(struct gpt_header) == 92, "GPT header");
_Static_assert(offsetof(struct gpt_header, entries_lba) == 72, "GPT header");

/* UEFI 2.10 table 5-6. */
struct PACKED gpt_entry {
    u8 type[16]; /* all zero: unused */
    u8 guid[16];
    u64 first_lba, last_lba; /* inclusive */
    u64 attributes;
    u8 name[72]; /* 36 UTF-16LE units */
};
_Static_assert(sizeof(struct gpt_entry) == 128, "GPT entry");

#endif
