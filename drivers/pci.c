/* pci.c: PCI configuration space by mechanism #1 (pci.h).
 *
 * PCI Local Bus Specification 3.0: §3.2.2.3.2 (mechanism #1), §6.2.5.1 (BARs), §6.7 (capabilities).
 * Left out on purpose: ECAM (every machine with a disk behind it that we know has CF8h too), segments other than 0,
 * extended configuration space, giving out addresses. tests/unit/test_pci.c, `-device pxb` and `-device pcie-root-port`
 * under QEMU.
 */
#include "pci.h"
#include "block.h"
#include "io.h"
#include "memory.h"
#include "print.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA 0xcfc
#define CONFIG_ENABLE 0x80000000u

#define BUSES 256u
#define HEADER_MULTIFUNCTION 0x80
#define HEADER_BRIDGE 1

#define BAR_IO 1u
#define BAR_TYPE 6u
#define BAR_TYPE_64 4u

#define CAPABILITIES_FROM 0x40u
#define CAPABILITIES_MAX ((256 - CAPABILITIES_FROM) / 4)

/* Select the dword; returns the port of the byte within it. */
static u16 select_register(const struct pci_device *device, u32 offset)
{
    io_out32(CONFIG_ADDRESS, CONFIG_ENABLE | (u32)device->at << 8 | (offset & 0xfc));
    return (u16)(CONFIG_DATA + (offset & 3));
}

u8 pci_read8(const struct pci_device *device, u32 offset)
{
    return io_in8(select_register(device, offset));
}

u16 pci_read16(const struct pci_device *device, u32 offset)
{
    return io_in16(select_register(device, offset));
}

u32 pci_read32(const struct pci_device *device, u32 offset)
{
    return io_in32(select_register(device, offset));
}

void pci_write16(const struct pci_device *device, u32 offset, u16 value)
{
    io_out16(select_register(device, offset), value);
}

void pci_write32(const struct pci_device *device, u32 offset, u32 value)
{
    io_out32(select_register(device, offset), value);
}

static bool mechanism_present(void)
{
    u32 before = io_in32(CONFIG_ADDRESS);
    io_out32(CONFIG_ADDRESS, CONFIG_ENABLE);
    bool present = io_in32(CONFIG_ADDRESS) == CONFIG_ENABLE;
    io_out32(CONFIG_ADDRESS, before);
    return present;
}

#define DEVICES_MAX 256u

extern const struct bus bus_pci; /* by tables.c */

/* What enumerate() found, in the arena. */
static struct pci_device *devices;
static u32 device_count;

struct scan {
    u64 wanted[BUSES / 64], done[BUSES / 64]; /* bit sets of buses */
};

static void want_bus(struct scan *scan, u32 bus)
{
    scan->wanted[bus / 64] |= 1ull << (bus % 64);
}

/* False when there is no such function. */
static bool scan_function(struct scan *scan, u32 at, bool *multifunction)
{
    struct pci_device device = {.at = (u16)at};
    u32 ids = pci_read32(&device, PCI_VENDOR_ID);
    device.vendor = (u16)ids;
    device.id = (u16)(ids >> 16);
    if (device.vendor == 0xffff || !ids)
        return false;
    u32 class = pci_read32(&device, PCI_REVISION_ID);
    device.class = (u16)(class >> 16);
    device.interface = (u8)(class >> 8);
    u8 header = pci_read8(&device, PCI_HEADER_TYPE);
    *multifunction = header & HEADER_MULTIFUNCTION;
    if ((header & ~HEADER_MULTIFUNCTION) == HEADER_BRIDGE && device.class == PCI_CLASS_PCI_BRIDGE)
        want_bus(scan, pci_read8(&device, PCI_SECONDARY_BUS)); /* not numbered: 0, done already */
    else if (device.class == PCI_CLASS_HOST_BRIDGE && at)
        memset(scan->wanted, 0xff, sizeof scan->wanted); /* a second root: its bus number is not told */
    if (device_count < DEVICES_MAX)
        devices[device_count++] = device;
    else
        say_verbose("pci %02x:%02x.%x: left out, more than %u devices", PCI_NAME(&device), DEVICES_MAX);
    return true;
}

static void scan_bus(struct scan *scan, u32 bus)
{
    for (u32 slot = 0; slot < 32; slot++) {
        u32 at = bus << 8 | slot << 3;
        bool multifunction, other;
        if (!scan_function(scan, at, &multifunction) || !multifunction)
            continue;
        for (u32 function = 1; function < 8; function++)
            scan_function(scan, at | function, &other);
    }
}

static void pci_enumerate(const struct boot_info *boot)
{
    struct scan scan = {.wanted = {1}};
    (void)boot;
    device_count = 0;
    devices = arena_alloc(DEVICES_MAX * sizeof *devices, 8);
    if (!devices) {
        error_show();
        return;
    }
    if (!mechanism_present()) {
        say_verbose("no PCI: port cf8 does not answer");
        return;
    }
    for (u32 i = 0; i < ARRAY_COUNT(scan.wanted);) {
        u64 left = scan.wanted[i] & ~scan.done[i];
        if (!left) {
            i++;
            continue;
        }
        u32 bit = (u32)__builtin_ctzll(left);
        scan.done[i] |= 1ull << bit;
        scan_bus(&scan, i * 64 + bit);
        i = 0; /* a bridge may lead to a lower number */
    }
}

const struct bus bus_pci = {"pci", pci_enumerate};

void pci_scan(void (*found)(const struct pci_device *device, void *context), void *context)
{
    for (u32 i = 0; i < device_count; i++)
        found(&devices[i], context);
}

bool pci_bar(const struct pci_device *device, u32 n, struct pci_bar *bar)
{
    if (n >= PCI_BARS)
        return false;
    u32 low = pci_read32(device, PCI_BAR0 + n * 4);
    u64 address;
    bool is_io = low & BAR_IO;
    if (is_io) {
        address = low & ~3u;
    } else {
        address = low & ~15u;
        if ((low & BAR_TYPE) == BAR_TYPE_64) {
            if (n + 1 == PCI_BARS)
                return false;
            address |= (u64)pci_read32(device, PCI_BAR0 + n * 4 + 4) << 32;
        }
    }
    if (!address)
        return false;
    *bar = (struct pci_bar){.address = address, .is_io = is_io};
    return true;
}

bool pci_capability_next(const struct pci_device *device, struct pci_capability *capability)
{
    u8 at = 0;
    if (capability->at)
        at = pci_read8(device, capability->at + 1u);
    else if (pci_read16(device, PCI_STATUS) & PCI_STATUS_CAPABILITIES)
        at = pci_read8(device, PCI_CAPABILITIES);
    at &= 0xfc; /* §6.7: the two lowest bits are reserved */
    if (at < CAPABILITIES_FROM || capability->steps == CAPABILITIES_MAX)
        return false;
    capability->at = at;
    capability->id = pci_read8(device, at);
    capability->steps++;
    return true;
}

static struct pci_device *device_find(u16 at)
{
    for (u32 i = 0; i < device_count; i++)
        if (devices[i].at == at)
            return &devices[i];
    return NULL;
}

bool pci_is_taken(u16 at)
{
    const struct pci_device *device = device_find(at);
    return device && device->taken;
}

void pci_enable(struct pci_device *device)
{
    struct pci_device *known = device_find(device->at); /* drivers have copies */
    if (known)
        known->taken = true;
    device->command = pci_read16(device, PCI_COMMAND);
    pci_write16(device, PCI_COMMAND, device->command | PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

void pci_disable(const struct pci_device *device)
{
    pci_write16(device, PCI_COMMAND, device->command & (u16)~PCI_COMMAND_MASTER);
}
