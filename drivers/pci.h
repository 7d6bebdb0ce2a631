/* pci.h: configuration space by mechanism #1, the scan, BARs, capabilities. PCI Local Bus Specification 3.0. */
#ifndef DRIVERS_PCI_H
#define DRIVERS_PCI_H

#include "base.h"

/* §6.1, §6.2: offsets in configuration space. */
#define PCI_VENDOR_ID 0x00
#define PCI_COMMAND 0x04
#define PCI_STATUS 0x06
#define PCI_REVISION_ID 0x08 /* with the class code above it */
#define PCI_HEADER_TYPE 0x0e
#define PCI_BAR0 0x10
#define PCI_SECONDARY_BUS 0x19 /* PCI-to-PCI Bridge 1.2 §3.2 */
#define PCI_SUBSYSTEM_ID 0x2e
#define PCI_CAPABILITIES 0x34

#define PCI_COMMAND_IO 0x1
#define PCI_COMMAND_MEMORY 0x2
#define PCI_COMMAND_MASTER 0x4
#define PCI_STATUS_CAPABILITIES 0x10

#define PCI_CLASS_SCSI 0x0100
#define PCI_CLASS_IDE 0x0101
#define PCI_CLASS_AHCI 0x0106 /* SATA; programming interface 01 is AHCI */
#define PCI_CLASS_NVME 0x0108 /* programming interface 02 */
#define PCI_CLASS_HOST_BRIDGE 0x0600
#define PCI_CLASS_PCI_BRIDGE 0x0604

#define PCI_CAP_VENDOR 0x09
#define PCI_CAP_MSIX 0x11

#define PCI_BARS 6u

/* One function of a device; for sentences: "pci %02x:%02x.%x" with PCI_NAME(d). */
struct pci_device {
    u16 at; /* bus 15:8, device 7:3, function 2:0 */
    u16 vendor, id;
    u16 class;   /* base class and subclass */
    u8 interface; /* programming interface */
    u16 command; /* as pci_enable() found it */
    bool taken;  /* of those that the scan found: pci_enable() was called */
};
#define PCI_NAME(d) (d)->at >> 8, (d)->at >> 3 & 31, (d)->at & 7

struct pci_bar {
    u64 address;
    bool is_io;
};

/* A place in the capability list; all zero: before its start. */
struct pci_capability {
    u8 at, id, steps;
};

/* Call found() for every function of every bus, as bus_pci.enumerate() saw them: bus 0, those behind bridges that
 * firmware has numbered, and all of them when a second host bridge tells of further root buses; buses in ascending
 * order. Nothing without mechanism #1. */
void pci_scan(void (*found)(const struct pci_device *device, void *context), void *context);

/* Configuration space at offset, naturally aligned, below 256. */
u8 pci_read8(const struct pci_device *device, u32 offset);
u16 pci_read16(const struct pci_device *device, u32 offset);
u32 pci_read32(const struct pci_device *device, u32 offset);
void pci_write16(const struct pci_device *device, u32 offset, u16 value);
void pci_write32(const struct pci_device *device, u32 offset, u32 value);

/* Where base address register n (counted in dwords; a 64-bit one takes two) has been put; false when it is not there
 * or firmware left it unassigned (0). The size is not measured: for that decoding would have to stop, and a driver
 * knows how much it uses. Memory above 4 GiB needs paging_map() before it is touched. */
bool pci_bar(const struct pci_device *device, u32 n, struct pci_bar *bar);

/* The next capability with its place and id; false at the end of the list, which is cut where it leaves configuration
 * space or has more members than fit there (a loop). */
bool pci_capability_next(const struct pci_device *device, struct pci_capability *capability);

/* Decode I/O and memory, allow DMA; remembers the command register in device->command. */
void pci_enable(struct pci_device *device);

/* The command register as it was, but without DMA. */
void pci_disable(const struct pci_device *device);

/* A driver has taken the device at `at` since the last scan, by pci_enable(); firmware can no longer use it. */
bool pci_is_taken(u16 at);

#endif
