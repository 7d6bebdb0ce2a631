/* bios_call.h: calls into the BIOS, and the memory below 1 MiB that they take. */
#ifndef DRIVERS_BIOS_CALL_H
#define DRIVERS_BIOS_CALL_H

#include "boot_info.h"

/* What the BIOS is called with and what it leaves behind. bios_call.asm knows the layout. */
struct bios_registers {
    u32 eax, ebx, ecx, edx, esi, edi;
    u16 ds, es;
    u32 flags; /* afterwards only */
};
_Static_assert(sizeof(struct bios_registers) == 32, "bios_call.asm copies 8 dwords");

/* In flags */
#define BIOS_CARRY 0x01u /* INT 13h: the call failed */
#define BIOS_ZERO 0x40u  /* INT 16h: no key */

/* Where the parts of the low memory lie, from its start on. bios_call.asm: the code, and the end of the stack. What is
 * between them is the caller's. */
#define BIOS_CODE_MAX 0x400u
#define BIOS_STACK 0x500u /* BIOSes are known to take more than 4 KiB of it */
#define BIOS_STACK_END 0x2000u

/* Execute interrupt `vector` in real mode, interrupts on, IVT at 0, no paging, CR4 and EFER as after reset; then
 * everything is as before, registers filled. low: BIOS_STACK_END bytes below 640 KiB, page aligned, whose code and
 * stack part are overwritten; the BIOS's registers may point into it. Comes back when the BIOS does. bios_call.asm; on
 * the host, the fake BIOS. */
void bios_call(u64 low, struct bios_registers *registers, u32 vector);

/* NULL when there is a BIOS that may be called: when what only a BIOS leaves in memory agrees. Else what does not. */
const char *bios_missing(void);

/* Find `size` bytes, page aligned, below what the BIOS says of base memory, clear of what loaders left there. They are
 * not claimed. False: there are none. */
bool bios_place(const struct boot_info *boot, u64 size, const char *owner, u64 *base);

#endif
