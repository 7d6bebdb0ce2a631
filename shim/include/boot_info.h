/* boot_info.h: what the loader told us, whatever the door. Made once by boot_info_read(). Afterwards only modules that
 * are moved or out of reach (load.c, main.c) and memory that is not to be used (main.c, block.c) change in it. */
#ifndef SHIM_BOOT_INFO_H
#define SHIM_BOOT_INFO_H

#include "base.h"
#include "error.h"
#include "memory.h"

#define MODULES_MAX 64
#define STRING_MAX 65536 /* longest command line taken from a loader, with NUL (Cloud Hypervisor: 64 KiB) */

struct module {
    u64 base, size;   /* where its bytes lie */
    const char *text; /* its command line, our copy; "" when absent or garbage */
};

/* A linear framebuffer with direct RGB colour. width 0: none. */
struct framebuffer {
    u64 base;
    u32 width, height, pitch; /* pixels, pixels, bytes */
    u8 depth;                 /* bits per pixel: 15, 16, 24, 32 */
    u8 red_position, red_size, green_position, green_size, blue_position, blue_size; /* bits */
};

struct boot_info {
    const char *door;    /* "multiboot" or "pvh" */
    const char *loader;  /* the loader's name; "" when not told */
    const char *cmdline; /* our arguments without a leading file name; "" when absent, never NULL */
    struct mem_map memory;
    struct module module[MODULES_MAX];
    u32 module_count;
    u64 rsdp;            /* physical address of the ACPI root pointer; 0 unknown */
    u32 boot_device;     /* multiboot 1 §3.3 boot_device; 0xffffffff not told */
    struct framebuffer framebuffer;
    /* Where the loader's record, tables and strings lie, while they have not been copied: not to be overwritten. */
    struct mem_range record[MODULES_MAX + 8];
    u32 record_count;
    const char *problem; /* why the record could not be fully read; NULL when all was well */
};

/* One door. read() fills *boot (zeroed before) from the loader's record; strings and everything else are copied to
 * the arena. It trusts nothing: every pointer is checked to lie below 4 GiB, counts are bounded.
 * ERR_CORRUPT with a sentence when the record cannot be used at all (wrong magic). */
struct entry_protocol {
    const char *name; /* "multiboot", "pvh" */
    u32 door;         /* what entry.asm passes: DOOR_* */
    enum error (*read)(struct boot_info *boot, u64 record);
};

enum { DOOR_MULTIBOOT = 1, DOOR_PVH = 2 };

/* Read the record behind `door` into *boot and normalise: A0000-FFFFF and page 0 never usable. Never fails: without a
 * usable record the map is empty and `problem` says why. */
void boot_record_read(struct boot_info *boot, u32 door, u64 record);

/* The same, and where the record tells of no RSDP it is searched: EBDA, E0000-FFFFF, ACPI ranges, rsdp= argument. */
void boot_info_read(struct boot_info *boot, u32 door, u64 record);

/* Helpers for doors, all of them safe on garbage addresses (0 and >= 4 GiB are "absent"). */

/* Arena copy of the NUL-terminated string at paddr, at most max bytes with the NUL; "" when absent, not terminated
 * within max, or holding control characters other than tab, LF, CR. */
const char *boot_string(u64 paddr, u32 max);

/* Remember that the loader's data lies at [base, base + size), below 4 GiB. Silently full. */
void boot_record_add(struct boot_info *boot, u64 base, u64 size);

/* Add a module unless it is empty or wraps; text by boot_string(). When MODULES_MAX are there, `problem` says so. */
void boot_module_add(struct boot_info *boot, u64 base, u64 size, u64 text_paddr);

/* Where in text, a command line or a module's, the words begin: behind the file's name, which QEMU, iPXE and syslinux
 * put in front and GRUB and Limine do not. They are told by the name they give themselves, `loader`. */
const char *boot_text_behind_name(const char *loader, const char *text);

/* Physical address of a valid RSDP (signature and checksum, ACPI 6.5 §5.2.5.3) found on a 16-byte boundary in
 * [base, base + size), or 0. */
u64 rsdp_scan(u64 base, u64 size);

#endif
