/* pci.c: no virtio device is left running: status 0, no bus mastering. PCI 3.0 §3.2.2.3.2 (configuration by ports CF8h
 * and CFCh), virtio 1.2 §4.1. Other devices that firmware left as bus masters are named, not judged. */
#include "conform.h"

#define COMMAND 0x04
#define COMMAND_IO 1u
#define COMMAND_MEMORY 2u
#define COMMAND_MASTER 4u
#define CAPABILITIES 0x34
#define CAPABILITY_VENDOR 9u
#define BAR0 0x10
#define LEGACY_STATUS 18u
#define COMMON_CONFIG 1u
#define COMMON_STATUS 20u
#define VENDOR_VIRTIO 0x1af4u

static u32 pci_read(u32 device, u32 offset)
{
    port_out32(0xcf8, 0x80000000u | device << 8 | (offset & 0xfc));
    return port_in32(0xcfc);
}

static void pci_write(u32 device, u32 offset, u32 value)
{
    port_out32(0xcf8, 0x80000000u | device << 8 | offset);
    port_out32(0xcfc, value);
}

/* Address of the modern common configuration; 0 when there is none. */
static u64 find_common(u32 device)
{
    u32 at_byte = pci_read(device, CAPABILITIES) & 0xfc;
    for (u32 steps = 0; at_byte && steps < 48; steps++) {
        u32 head = pci_read(device, at_byte), bar = pci_read(device, at_byte + 4) & 0xff;
        if ((head & 0xff) == CAPABILITY_VENDOR && head >> 24 == COMMON_CONFIG && bar < 6) {
            u32 low = pci_read(device, BAR0 + bar * 4);
            u64 base = low & ~15u;
            if ((low & 7) == 4)
                base |= (u64)pci_read(device, BAR0 + bar * 4 + 4) << 32;
            return base && !(low & 1) ? base + pci_read(device, at_byte + 8) : 0;
        }
        at_byte = head >> 8 & 0xfc;
    }
    return 0;
}

/* The device status; ~0 when this mode cannot reach it. Decoding is switched on just for the read. */
static u32 read_status(struct work *w, u32 device)
{
    u32 command = pci_read(device, COMMAND), bar0 = pci_read(device, BAR0), status = ~0u;
    u64 common = find_common(device), size = 1;
    pci_write(device, COMMAND, (command & 0xffff) | COMMAND_IO | COMMAND_MEMORY);
    volatile u8 *modern = common ? view(w, common + COMMON_STATUS, &size) : NULL;
    if (modern)
        status = *modern;
    else if (bar0 & 1)
        status = port_in8((u16)((bar0 & 0xfffc) + LEGACY_STATUS));
    pci_write(device, COMMAND, command & 0xffff);
    return status;
}

static void put_place(char *to, u32 device)
{
    static const char digits[] = "0123456789abcdef";
    const char place[] = {digits[device >> 12 & 15], digits[device >> 8 & 15], ':', digits[device >> 7 & 1],
                          digits[device >> 3 & 15], '.', digits[device & 7]};
    memcpy(to, place, sizeof place);
}

static void check_device(struct work *w, u32 device)
{
    char name[] = "virtio 00:00.0 status 0", master[] = "virtio 00:00.0 no bus master", place[] = "00:00.0";
    bool is_master = pci_read(device, COMMAND) & COMMAND_MASTER, is_bridge = pci_read(device, 8) >> 24 == 6;
    put_place(name + 7, device);
    put_place(master + 7, device);
    put_place(place, device);
    if ((pci_read(device, 0) & 0xffff) != VENDOR_VIRTIO) {
        if (is_master && !is_bridge)
            say("conform: note: %s (%x) is left as bus master\n", place, (u64)pci_read(device, 0));
        return;
    }
    u32 status = read_status(w, device);
    if (status == ~0u)
        say("conform: note: virtio %s out of reach\n", place);
    else
        check(w, !status, name, "found %x expected 0", (u64)status);
    check(w, !is_master, master, "found bus master enabled");
}

void check_pci(struct work *w)
{
    u32 found = 0;
    for (u32 device = 0; device < 0x10000; device++) {
        if (pci_read(device, 0) == 0xffffffffu) {
            if (!(device & 7))
                device |= 7;
            continue;
        }
        found++;
        check_device(w, device);
        if (!(device & 7) && !(pci_read(device, 0x0c) & 0x800000))
            device |= 7;
    }
    say("conform: %u PCI functions\n", (u64)found);
}
