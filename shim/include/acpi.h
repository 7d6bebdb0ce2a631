/* acpi.h: ACPI tables by signature, and what can be told without an AML interpreter. ACPI 6.5. */
#ifndef SHIM_ACPI_H
#define SHIM_ACPI_H

#include "base.h"

#define ACPI_HEADER 36u /* §5.2.6: signature, length, revision, checksum, … */

/* The first table with this signature of four letters ("FACP", "MCFG") that the root pointer at rsdp leads to: by the
 * XSDT, by the RSDT where there is none that is right; NULL when there is no such table with a right checksum. rsdp 0:
 * unknown, no tables. *size is its length in bytes, at least ACPI_HEADER and least, and all of it may be read. Firmware
 * is not believed: bounded lengths, checked sums; tables above 4 GiB are mapped. §5.2.5–§5.2.8. */
const u8 *acpi_find(u64 rsdp, const char *signature, u32 least, u32 *size);

/* The table at paddr, when it is one with this signature and a right checksum; else NULL. */
const u8 *acpi_table(u64 paddr, const char *signature, u32 *size);

/* The DSDT, which the FADT (*fadt of fadt_size bytes) leads to; NULL when there is none. §5.2.9. */
const u8 *acpi_dsdt(const u8 *fadt, u32 fadt_size, u32 *size);

/* SLP_TYPa of \_S5 in a DSDT, 0 … 7: found by its name, in the form that compilers give it. §7.4.2. */
bool acpi_s5(const u8 *dsdt, u32 size, u8 *type);

/* Call found() for every range of memory, ports or buses that the DSDT declares in an address space descriptor of a
 * producer: what host bridges pass on to PCI. The descriptors are found by their form (tag, length, a range whose size
 * is last - first + 1, no translation), wherever in the DSDT they are. §6.4.3.5. */
enum acpi_window { ACPI_MEMORY, ACPI_PORTS, ACPI_BUSES };
void acpi_windows(u64 rsdp, void (*found)(enum acpi_window type, u64 base, u64 size, void *context), void *context);

/* Where the first host bridge's _CBA says that configuration space is, as a constant: the way of machines without MCFG
 * (QEMU's microvm); 0: not told. PCI Firmware Specification 3.3 §4.1.3. */
u64 acpi_config_base(u64 rsdp);

#endif
