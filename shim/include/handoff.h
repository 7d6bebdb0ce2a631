/* handoff.h: the one jump out. */
#ifndef SHIM_HANDOFF_H
#define SHIM_HANDOFF_H

#include "base.h"

/* Where the real-mode stub runs: the classic boot sector address. Every byte of [7C00, 7E00) is overwritten. */
#define HANDOFF_REAL_STUB 0x7c00u

/* All three: interrupts off, DF clear, general registers zero but for those named, ESP/RSP in our image (handoff_real:
 * in the segment). Do not return. Not before disks_quiesce(). */

/* Paging off, CR0 = PE|ET, CR4 = 0, EFER = 0, CS 10h, DS ES FS GS SS 18h flat, TR = busy 32-bit TSS, base 0, limit 67h;
 * EIP = entry, not 0. Serves both PVH (record in EBX; pvh.pandoc) and Linux's 32-bit protocol (record in ESI, EBX 0;
 * boot.rst "32-bit BOOT PROTOCOL"). */
_Noreturn void handoff_32(u32 entry, u32 ebx, u32 esi);

/* Long mode with our page tables, CS 10h (64-bit code), data 18h; RSI = record, RIP = entry. boot.rst "64-bit BOOT
 * PROTOCOL". */
_Noreturn void handoff_64(u64 entry, u64 record);

/* Real mode, BIOS IVT; CS = segment + 20h, IP = 0, DS = ES = FS = GS = SS = segment, SP = stack. boot.rst "RUNNING THE
 * KERNEL". */
_Noreturn void handoff_real(u32 segment, u32 stack);

#endif
