/* start.h: the way from the doors to shim_main(). Target only. */
#ifndef SHIM_START_H
#define SHIM_START_H

#include "base.h"
#include "boot_info.h"

/* Where the core's copy and its arena lie; below 4 GiB, page aligned. */
struct start_place {
    u64 base, size; /* all of it */
    u64 image_size; /* code, data, BSS, stack; the arena follows */
};

/* The arena where the core was unpacked, for the strings of a record at their longest: they must be known to be kept
 * clear of. In the copy it is nobody's. */
#define START_WORK (STRING_MAX + MODULES_MAX * PAGE_SIZE + KIB(4))
extern u8 start_work[START_WORK];

/* The one record. Where the core was unpacked it only serves to find a place; the copy fills its own. */
extern struct boot_info boot;

/* From entry.asm: find a place, move there, start again. door: DOOR_*; record: physical address of the loader's. */
_Noreturn void start_main(u32 door, u64 record);

/* The story (main.c). */
_Noreturn void shim_main(u32 door, u64 record, const struct start_place *place);

/* Page tables of our own in the arena instead of those of entry.asm, mapping the first 4 GiB. */
void paging_init(void);

#endif
