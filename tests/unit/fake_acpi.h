/* fake_acpi.h: ACPI tables in the simulated machine's memory. */
#ifndef FAKE_ACPI_H
#define FAKE_ACPI_H

#include "host.h"

#define FAKE_RSDP 0xf0000u

/* Start anew, tables from `at` on; entries of the root table are 8 bytes (an XSDT) or 4 (an RSDT). */
void fake_acpi_begin(u64 at, u32 width);

/* A table with this body behind its 36-byte header, entered in the root table if `listed`; returns its address. */
u64 fake_acpi_add(const char *signature, const void *body, u32 size, bool listed);

/* Write root table and root pointer. */
void fake_acpi_end(void);

/* Make the bytes at paddr sum to zero by the one at `at`. */
void fake_acpi_sum(u64 paddr, u32 size, u32 at);

/* A FADT and a DSDT of this AML. */
void fake_acpi_dsdt(const void *aml, u32 size);

/* The entry of an MCFG; 44 - 36 bytes of zeros come before the first one. */
void fake_mcfg_entry(u8 *at, u64 base, u16 segment, u8 first, u8 last);

/* A QWord address space descriptor of 46 bytes (type 0 memory, 1 ports, 2 buses); returns its size. */
u32 fake_acpi_window(u8 *at, u8 type, u64 first, u64 size);

#endif
