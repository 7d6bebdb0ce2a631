/* fake_pci.h: a PCI bus behind io.h, and registers of whatever a test plugs into the machine.
 *
 * The layouts here are written down a second time, as numbers, so that they do not inherit the driver's mistakes.
 */
#ifndef FAKE_PCI_H
#define FAKE_PCI_H

#include "host.h"

#define FAKE_FUNCTIONS 80u

struct fake_function {
    u32 at; /* segment 31:16, bus 15:8, device 7:3, function 2:0; behind a bridge the bus is what that one says */
    u8 config[4096];
    struct fake_function *behind; /* NULL: its bus is there whatever bridges say */
    u64 bar_size[6]; /* 0: a BAR of address 0 does not take another one, and other ones keep what is written */
    u64 bar_at[6];   /* where a BAR with a size has been put */
};

/* Configuration space as it is now; command register, BARs and what bridges have instead can be written. */
extern struct fake_function *fake_pci[FAKE_FUNCTIONS];
extern u32 fake_pci_count;
extern u32 fake_pci_reads, fake_pci_writes; /* of configuration space */
extern const char *fake_pci_fault; /* the first thing that must not be done */
extern bool fake_pci_absent;       /* the ports do not answer */

/* Memory in which configuration space is reached, besides the ports. */
struct fake_ecam {
    u64 base; /* of bus 0 */
    u16 segment;
    u8 first, last;
};
extern struct fake_ecam fake_ecam[8];
extern u32 fake_ecam_count;

/* Fresh simulated machine (host_reset()), an empty PCI bus, no registers, no lost devices. */
void fake_reset(void);

/* Enter a function with these ids; class 0x0601 is base class 06, subclass 01. */
void fake_function_add(struct fake_function *f, u32 at, u16 vendor, u16 device, u16 class);

/* Registers of a device: `size` bytes of ports or of memory from *base on, wherever that is by now. Behind a function
 * they answer only while its command register has them decoded (function NULL: always). Kept by reference; of several
 * at one address the first counts. */
struct fake_region {
    struct fake_function *function;
    bool ports;
    const u64 *base;
    u64 size;
    u64 (*read)(void *device, u32 offset, u32 width);
    void (*write)(void *device, u32 offset, u64 value, u32 width);
    void *device;
};
void fake_region_add(const struct fake_region *region);

/* relax(device) in every cpu_relax(), which lasts a millisecond: a device makes progress there. */
void fake_relax_add(void (*relax)(void *device), void *device);

/* size bytes of the machine's memory at address for a device behind `function` (NULL: no PCI); NULL and *fault (unless
 * set before) when they are not there or the function is no bus master. */
void *fake_dma(const struct fake_function *function, u64 address, u64 size, const char **fault);

/* A driver's probe as disks_probe() does it: the PCI bus is looked at anew first. */
void fake_probe(const struct block_driver *driver, const struct boot_info *boot, struct disk_list *disks);

/* Little-endian fields of a record. */
void fake_put16(u8 *at, u16 value);
void fake_put32(u8 *at, u32 value);
void fake_put64(u8 *at, u64 value);
u32 fake_get(const u8 *at, u32 width);

/* A write of 32 bits to a register of 64: of its upper half where bit 2 of the offset is set. */
void fake_put_half(u64 *whole, u32 offset, u64 value);

#endif
