/* fake_int13.h: a BIOS in the simulated machine's memory, its INT 13h and INT 16h, which can also lie.
 *
 * The layouts here are written down a second time, as numbers, so that they do not inherit the driver's mistakes.
 */
#ifndef FAKE_INT13_H
#define FAKE_INT13_H

#include "fake_pci.h"

#define FAKE_DRIVES 20u

struct fake_drive {
    /* What it is; fake_bios_reset() gives 4096 blocks of 512 bytes, EDD 3.0 without a path, buffers in low memory. */
    const u8 *image; /* the first image_size bytes; behind them each block holds its number */
    u64 image_size, blocks;
    u32 block_size;
    u8 version;
    u16 support;         /* CX of AH=41h */
    bool path;           /* to `pci` */
    u16 pci;
    u8 path_size, bus_name; /* 36 or 44; first letter of "PCI " */
    bool flat;           /* EDD 3.0 buffers work */

    /* How it misbehaves. */
    bool no_extensions, wraps; /* FFFF:FFFF goes on at FFFF:0000 */
    u32 parameters_status;
    u64 told_blocks;     /* unless 0 */
    u32 told_block_size; /* unless 0; 1: tells 0 */
    u8 path_sum;         /* added to the checksum */
    u64 bad_block;       /* ~0: none */
    u32 status;          /* there; 100h: success of less than all blocks; 101h: success, and nothing is written */
    u32 bad_times;       /* 0: for ever */
    u64 bad_ticks;       /* that such a read takes */
    u32 overrun;         /* bytes written behind a flat buffer */
    void (*scribble)(u8 *parameters); /* over the answer of AH=48h (fuzzing) */

    /* What it saw. */
    u32 reads, resets, most_blocks, flat_reads;
};

struct fake_bios {
    struct fake_drive drive[FAKE_DRIVES]; /* 80h on; the last: a CD, E0h */
    u16 keys[16]; /* what INT 16h gives in AX, one after the other; found in an interrupt, when not typed */
    u32 key_count;
    u32 calls, key_calls;
    u64 low; /* where it was called from last */
    const char *fault; /* the first thing a caller must not do */
};
extern struct fake_bios fake_bios;

/* fake_reset(), and a BIOS in memory with `disks` drives that work; nothing is remembered of an earlier one. */
void fake_bios_reset(u32 disks);

/* One more key, which waits in the ring that the BIOS data area has. */
void fake_bios_type(u16 ax);

/* The byte at `at` of a drive behind its image. */
u8 fake_drive_byte(const struct fake_drive *d, u64 at);

#endif
