/* pci.h: configuration space, the scan, BARs and addresses for them, capabilities. PCI Local Bus Specification 3.0,
 * PCI-to-PCI Bridge Architecture Specification 1.2, PCI Firmware Specification 3.3 (ECAM). */
#ifndef DRIVERS_PCI_H
#define DRIVERS_PCI_H

#include "boot_info.h"

/* §6.1, §6.2: offsets in configuration space. */
#define PCI_VENDOR_ID 0x00
#define PCI_COMMAND 0x04
#define PCI_STATUS 0x06
#define PCI_REVISION_ID 0x08 /* with the class code above it */
#define PCI_HEADER_TYPE 0x0e
#define PCI_BAR0 0x10
#define PCI_BUS_NUMBERS 0x18   /* of a bridge (PCI-to-PCI Bridge 1.2 §3.2.5): primary, secondary, subordinate */
#define PCI_BRIDGE_IO 0x1c     /* base, limit: 8 bits each */
#define PCI_BRIDGE_MEMORY 0x20 /* base, limit: 16 bits each */
#define PCI_BRIDGE_PREFETCH 0x24
#define PCI_BRIDGE_PREFETCH_HIGH 0x28 /* base, then limit: the upper 32 bits */
#define PCI_SUBSYSTEM_ID 0x2e
#define PCI_CAPABILITIES 0x34

#define PCI_COMMAND_IO 0x1
#define PCI_COMMAND_MEMORY 0x2
#define PCI_COMMAND_MASTER 0x4
#define PCI_COMMAND_DECODE (PCI_COMMAND_IO | PCI_COMMAND_MEMORY)
#define PCI_STATUS_CAPABILITIES 0x10

#define PCI_VENDOR_VIRTIO 0x1af4

#define PCI_CLASS_SCSI 0x0100
#define PCI_CLASS_IDE 0x0101
#define PCI_CLASS_AHCI 0x0106 /* SATA; programming interface 01 is AHCI */
#define PCI_CLASS_NVME 0x0108 /* programming interface 02 */
#define PCI_CLASS_HOST_BRIDGE 0x0600
#define PCI_CLASS_PCI_BRIDGE 0x0604

#define PCI_CAP_VENDOR 0x09
#define PCI_CAP_MSIX 0x11

#define PCI_BARS 6u
#define PCI_BAR_IO 1u
#define PCI_BAR_TYPE 6u
#define PCI_BAR_64 4u

/* One function of a device; for sentences: "pci %02x:%02x.%x" with PCI_NAME(d), where a segment other than 0 stands
 * before the bus: "pci 100:04.0". */
struct pci_device {
    u32 at; /* segment 31:16, bus 15:8, device 7:3, function 2:0 */
    u16 vendor, id;
    u16 class;    /* base class and subclass */
    u16 command;  /* as pci_enable() found it */
    u8 interface; /* programming interface */
    bool taken;   /* of those that the scan found: pci_enable() was called */
    bool bridge;  /* to another bus, with a header of type 1 */
    u8 secondary, subordinate; /* a bridge's: the buses behind it; 0: not numbered */
};
#define PCI_NAME(d) (d)->at >> 8, (d)->at >> 3 & 31, (d)->at & 7
#define PCI_BUS(at) ((at) >> 8) /* with the segment */

struct pci_bar {
    u64 address;
    bool is_io;
};

/* A place in the capability list; all zero: before its start. */
struct pci_capability {
    u8 at, id, steps;
};

/* Call found() for every function of every bus, as bus_pci.enumerate() saw them: bus 0, those behind bridges (which it
 * numbers where firmware did not), and all of them when a second host bridge tells of further root buses; then further
 * segments. Buses in ascending order, those that it numbered behind the others. Nothing where neither the ports of
 * mechanism #1 answer nor ACPI tells of an ECAM. */
void pci_scan(void (*found)(const struct pci_device *device, void *context), void *context);

/* The ports of mechanism #1 answer: the machine has them at all (§3.2.2.3.2). */
bool pci_ports_present(void);

/* Configuration space at offset, naturally aligned, below 4096; from 256 on it reads as ones where the machine has no
 * ECAM. */
u8 pci_read8(const struct pci_device *device, u32 offset);
u16 pci_read16(const struct pci_device *device, u32 offset);
u32 pci_read32(const struct pci_device *device, u32 offset);
void pci_write16(const struct pci_device *device, u32 offset, u16 value);
void pci_write32(const struct pci_device *device, u32 offset, u32 value);

/* Where base address register n (counted in dwords; a 64-bit one takes two) is; false when it is not there, or has no
 * address and none can be given. One that firmware left alone (0, all ones, in RAM, out of the windows of the bridges
 * before it) is sized and gets an address here, decoding being off meanwhile: so ask before pci_enable(). Memory above
 * 4 GiB needs paging_map() before it is touched; pci_map() does both. */
bool pci_bar(const struct pci_device *device, u32 n, struct pci_bar *bar);

/* Make size bytes from offset of memory BAR n ready to be touched: *address for mmio_read32() and its like. The size of
 * the BAR is not measured: a driver knows how much it uses. ERR_NOT_FOUND (not there, no address), ERR_UNSUPPORTED
 * (ports), ERR_RANGE or ERR_NO_MEMORY of paging_map(), with a sentence that does not name the device. */
enum error pci_map(const struct pci_device *device, u32 n, u64 offset, u64 size, u64 *address);

/* The next capability with its place and id; false at the end of the list, which is cut where it leaves configuration
 * space or has more members than fit there (a loop). */
bool pci_capability_next(const struct pci_device *device, struct pci_capability *capability);

/* Decode I/O and memory, allow DMA, in the bridges before it too; remembers the command register in device->command.
 * Ports stay off where they are off and no port BAR has an address: they would be at port 0. */
void pci_enable(struct pci_device *device);

/* The command register as it was, but without DMA. */
void pci_disable(const struct pci_device *device);

/* A driver has taken the device at `at` since the last scan, by pci_enable(); firmware can no longer use it. */
bool pci_is_taken(u32 at);

/* The way from the root bus down to a function, as host boot orders name it: QEMU's
 * "/pci@i0cf8/pci-bridge@5/scsi@1,2/disk@0,0" is root bus 0, then device 5 (function 0: "@5"), then device 1 function 2
 * ("@1,2"), which is the function itself and always the last step. `at` as in struct pci_device and in a disk's place.
 * False for what the scan has not found, and when there are more than PCI_PATH_MAX steps. */
#define PCI_PATH_MAX 16u
struct pci_path {
    u16 segment;
    u8 root; /* number of the root bus; 0 but for further host bridges (pxb) */
    u8 steps;
    u8 step[PCI_PATH_MAX]; /* device 7:3, function 2:0 */
};
bool pci_path(u32 at, struct pci_path *path);

/* ---- between pci.c and pci_space.c ------------------------------------------------------------------------------ */

/* The bridge before bus (with its segment); NULL on a root bus. Its bus number is lower. */
const struct pci_device *pci_bridge_to(u32 bus);

/* True when [base, base + size) shares a byte with an ECAM, which begins at *start. */
bool pci_ecam_overlaps(u64 base, u64 size, u64 *start);

/* What machine enumerate() was called for; NULL before. */
const struct boot_info *pci_machine(void);

/* Forget what is where: the machine is looked at anew. */
void pci_space_forget(void);

#endif
