/* cpu.h: the processor: CPUID, descriptor tables, exceptions. */
#ifndef SHIM_CPU_H
#define SHIM_CPU_H

#include "base.h"

/* CPUID with ECX = 0. On the host: tests/unit/host.c answers. */
void cpu_id(u32 leaf, u32 *a, u32 *b, u32 *c, u32 *d);

/* A hypervisor is below us and says so (CPUID 1, ECX bit 31). */
bool cpu_is_virtual(void);

/* Our GDT, TSS-free, and an IDT whose handlers print the exception, RIP and registers and offer a reboot. The first
 * thing in the core where it was unpacked, and again in its copy. */
void cpu_init(void);

/* Wait a moment between polls of keys: hlt is of no use with interrupts off. */
void cpu_pause(void);

/* Machine reset: CF9h, i8042, then a triple fault; whichever the machine has. */
_Noreturn void machine_reboot(void);

/* Stop here for ever: interrupts off, hlt. */
_Noreturn void machine_halt(void);

/* ACPI S5 (through the FADT that rsdp leads to; 0: unknown), else a sentence and a halt. */
_Noreturn void machine_poweroff(u64 rsdp);

#endif
