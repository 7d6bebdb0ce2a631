/* host.h: the simulated machine under every host test and fuzz target.
 *
 * Physical memory is 4 GiB of zero pages; mem_at() gives pointers into it. The arena lies in [HOST_ARENA, +
 * HOST_ARENA_SIZE) of it, with poisoned gaps between allocations, so that AddressSanitizer sees an overrun. Devices are
 * what a test puts into host_machine.
 */
#ifndef HOST_H
#define HOST_H

#include <string.h>

#undef fail /* a macro of cmocka's (use fail_msg), a function of ours; so include host.h right behind cmocka.h */

#include "base.h"
#include "block.h"
#include "error.h"
#include "io.h"
#include "memory.h"
#include "print.h"
#include "volume.h"

#define HOST_MEMORY GIB(4)
#define HOST_HIGH (1ull << 40) /* a little memory above 4 GiB, too: for what firmware puts there */
#define HOST_HIGH_SIZE MIB(1)
#define HOST_ARENA 0xe0000000u
#define HOST_ARENA_SIZE MIB(256)

/* Hooks of a fake device; NULL: reads give all ones, writes vanish. width in bytes. */
struct host_machine {
    u32 (*in)(u16 port, u32 width);
    void (*out)(u16 port, u32 value, u32 width);
    u64 (*mmio_read)(u64 address, u32 width);
    void (*mmio_write)(u64 address, u64 value, u32 width);
    void (*relax)(void); /* every cpu_relax(): a device makes progress here */
    void (*cpu_id)(u32 leaf, u32 *a, u32 *b, u32 *c, u32 *d);
};
extern struct host_machine host_machine;

/* From here on paging_map() gives ERR_RANGE; ~0: nowhere. */
extern u64 host_address_end;

/* Fresh state: no device hooks, empty arena, cleared log, error trail and block cache, log_level verbose. Physical
 * memory is not cleared (tests write what they read). Call first in every test. */
void host_reset(void);

/* Fill simulated physical memory. */
void host_poke(u64 paddr, const void *bytes, u64 size);

/* What was printed since host_reset(). */
const char *host_log(void);

/* A disk over `size` bytes at `image` (kept by reference, must outlive the test), entered as class "vd" unless class is
 * given, in `disks` unless that is NULL. Counts and limits work as for a real driver. */
struct block_device *host_disk(struct disk_list *disks, const char *class, const u8 *image, u64 size, u32 block_size);

/* Reads that touch this block of any such disk give ERR_IO; ~0: none. */
extern u64 host_disk_fail_lba;

/* The whole of a disk as a volume, not mounted. */
struct volume *host_volume(struct block_device *disk);

/* Whole file from the real filesystem, malloc'ed; aborts when it cannot be read. */
u8 *host_file(const char *path, u64 *size);

/* Ticks that cpu_ticks() gives; every call adds 1000, ticks_per_ms is 1,000,000. */
extern u64 host_ticks;

#endif
