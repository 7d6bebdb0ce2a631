/* int13.h: the one call into the BIOS, and the memory below 1 MiB that it takes. */
#ifndef DRIVERS_INT13_H
#define DRIVERS_INT13_H

#include "base.h"

/* What INT 13h is called with and what it leaves behind. int13.asm knows the layout. */
struct int13_registers {
    u32 eax, ebx, ecx, edx, esi, edi;
    u16 ds, es;
    u32 flags; /* afterwards only */
};
_Static_assert(sizeof(struct int13_registers) == 32, "int13.asm copies 8 dwords");

#define INT13_CARRY 1u /* in flags: the call failed */

/* Where the parts of the low memory lie, from its start on. int13.asm: the code, and the end of the stack. */
#define INT13_CODE_MAX 0x400u
#define INT13_PACKET 0x400u
#define INT13_PARAMETERS 0x440u
#define INT13_STACK_END 0x2000u /* from 500h on: BIOSes are known to take more than 4 KiB */
#define INT13_BOUNCE 0x2000u

/* Execute INT 13h in real mode, interrupts on, IVT at 0, no paging, CR4 and EFER as after reset; then everything is as
 * before, registers filled. low: 8 KiB below 640 KiB, page aligned, whose code and stack part are overwritten; the
 * BIOS's registers may point into it. Comes back when the BIOS does. int13.asm; on the host, the fake BIOS. */
void int13_call(u64 low, struct int13_registers *registers);

/* As if the BIOS had never been asked. For tests. */
void int13_forget(void);

#endif
