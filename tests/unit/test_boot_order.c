/* test_boot_order.c: boot_order.c on what QEMU writes (softmmu/bootdevice.c), and on what it does not. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_pci.h"

#include "boot_order.h"
#include "pci.h"

#define AT(bus, slot, function) ((bus) << 8 | (slot) << 3 | (function))

static const char *order; /* NULL: no such file */
static bool refuses;

/* The device, so far as a reader by ports needs it; QEMU's own has more. */
static u16 key;
static u32 offset;

static u8 byte_of_directory(u32 at)
{
    static u8 directory[4 + 64];
    memset(directory, 0, sizeof directory);
    if (order) {
        u32 size = refuses ? 0x100000 : (u32)strlen(order) + 1;
        directory[3] = 1;
        directory[5] = (u8)(size >> 16), directory[6] = (u8)(size >> 8), directory[7] = (u8)size;
        directory[9] = 0x20;
        memcpy(directory + 12, "bootorder", 10);
    }
    return at < sizeof directory ? directory[at] : 0;
}

static u64 in(void *device, u32 port, u32 width)
{
    (void)device;
    u32 at = offset++;
    if (port != 1 || width != 1)
        return ~0ull;
    switch (key) {
    case 0:
        return at < 4 ? (u8)"QEMU"[at] : 0;
    case 0x19:
        return byte_of_directory(at);
    case 0x20:
        return at < strlen(order) ? (u8)order[at] : 0;
    default:
        return 0;
    }
}

static void out(void *device, u32 port, u64 value, u32 width)
{
    (void)device, (void)width;
    if (port == 0) {
        key = (u16)value;
        offset = 0;
    }
}

static void hypervisor(u32 leaf, u32 *a, u32 *b, u32 *c, u32 *d)
{
    *a = *b = *d = 0;
    *c = leaf == 1 ? 1u << 31 : 0;
}

static struct fake_function functions[8];
static struct disk_list disks;

static void plug(u32 i, u16 at, u16 class, u8 secondary)
{
    fake_function_add(&functions[i], at, 0x1234, 0x5678, class);
    if (secondary) {
        functions[i].config[0x0e] = 1;
        functions[i].config[0x18] = (u8)(at >> 8);
        functions[i].config[0x19] = functions[i].config[0x1a] = secondary;
    }
}

static void disk(const char *class, enum disk_bus bus, u64 address, const char *unit)
{
    static const u8 image[512];
    struct block_device *d = host_disk(&disks, class, image, sizeof image, 512);
    d->place.bus = bus;
    d->place.address = address;
    d->in_memory = bus == BUS_OTHER;
    strcpy(d->place.unit, unit);
}

static void fresh(const char *text)
{
    static const u64 base = 0x510;
    static const struct fake_region region = {NULL, true, &base, 12, in, out, NULL};
    static const struct boot_info none;
    extern const struct bus bus_pci;
    fake_reset();
    memset(functions, 0, sizeof functions);
    host_machine.cpu_id = hypervisor;
    fake_region_add(&region);
    order = text;
    refuses = false;
    plug(0, AT(0, 4, 0), 0x0100, 0);
    plug(1, AT(0, 0x1f, 2), 0x0106, 0);
    plug(2, AT(0, 5, 0), 0x0604, 1);
    plug(3, AT(1, 1, 2), 0x0100, 0);
    plug(4, AT(1, 6, 0), 0x0604, 2);
    plug(5, AT(2, 0, 0), 0x0108, 0);
    plug(6, AT(0, 0x1f, 0), 0x0601, 0);
    plug(7, AT(1, 1, 0), 0x0200, 0);
    functions[6].config[0x0e] = functions[7].config[0x0e] = 0x80; /* multifunction */
    bus_pci.enumerate(&none);
    disks.count = 0;
    disk("module", BUS_OTHER, 0, "");
    disk("vd", BUS_PCI, AT(0, 4, 0), "disk@0,0");
    disk("vd", BUS_PCI, AT(1, 1, 2), "disk@0,0");
    disk("vd", BUS_MMIO, 0xfeb02e00, "disk@0,0");
    disk("sd", BUS_PCI, AT(0, 0x1f, 2), "drive@0/disk@0");
    disk("sd", BUS_PCI, AT(0, 0x1f, 2), "drive@1/disk@0");
    disk("nvme", BUS_PCI, AT(2, 0, 0), "namespace@1,0");
    disk("bios", BUS_BIOS, 0x80, "");
    disk("bios", BUS_BIOS, 0x81, "");
}

static const char *names(void)
{
    static char text[256];
    text[0] = 0;
    for (u32 i = 0; i < disks.count; i++) {
        strcat(text, i ? " " : "");
        strcat(text, disks.disk[i]->name);
    }
    return text;
}

#define AS_FOUND "module0 vda vdb vdc sda sdb nvme0 bios0 bios1"

static void orders(void **state)
{
    (void)state;
    static const struct {
        const char *order, *expected;
    } cases[] = {
        {NULL, AS_FOUND},
        {"", AS_FOUND},
        {"/pci@i0cf8/scsi@4/disk@0,0", AS_FOUND},
        {"/pci@i0cf8/pci-bridge@5/scsi@1,2/disk@0,0", "module0 vdb vda vdc sda sdb nvme0 bios0 bios1"},
        {"/pci@i0cf8/pci-bridge@5/pci-bridge@6/pci8086,5845@0/namespace@1,0\n/pci@i0cf8/scsi@4/disk@0,0",
         "module0 nvme0 vda vdb vdc sda sdb bios0 bios1"},
        {"/virtio-mmio@00000000feb02e00/disk@0,0\n", "module0 vdc vda vdb sda sdb nvme0 bios0 bios1"},
        {"/pci@i0cf8/pci8086,2922@1f,2/drive@1/disk@0\n/pci@i0cf8/pci8086,2922@1f,2/drive@0/disk@0\nHALT",
         "module0 sdb sda vda vdb vdc nvme0 bios0 bios1"},
        {"/pci@i0cf8/usb@3/storage@1/channel@0/disk@0,0\n/pci@i0cf8/pci8086,2922@1f,2/drive@1/disk@0",
         "module0 bios0 sdb vda vdb vdc sda nvme0 bios1"},
        {"/pci@i0cf8/pci-bridge@5/pci-bridge@6/pci8086,5845@0/nvme-nsbootindex",
         "module0 nvme0 vda vdb vdc sda sdb bios0 bios1"},
        {"/pci@i0cf8/ethernet@3/ethernet-phy@0\n/rom@genroms/linuxboot_dma.bin\n/floppy@0\nHALT", AS_FOUND},
        /* Not what QEMU writes. */
        {"/pci@i0cf8/scsi@5/disk@0,0\n/pci@i0cf8/scsi@4,1/disk@0,0\n/pci@i0cf8/scsi@4\n/pci@i0cf8\n/\n//\n@\n",
         "module0 bios0 bios1 vda vdb vdc sda sdb nvme0"},
        {"/pci@i0cf8/pci-bridge@5/pci-bridge@5/scsi@fffffffffffffffffff,2/disk@0,0",
         "module0 bios0 vda vdb vdc sda sdb nvme0 bios1"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        fresh(cases[i].order);
        u64 mark = arena_mark();
        boot_order_apply(&disks);
        assert_string_equal(names(), cases[i].expected);
        assert_int_equal(arena_mark(), mark);
        assert_string_equal(host_log(), "");
    }
}

static void a_file_too_large_is_told(void **state)
{
    (void)state;
    fresh("/pci@i0cf8/pci-bridge@5/scsi@1,2/disk@0,0");
    refuses = true;
    boot_order_apply(&disks);
    assert_string_equal(names(), AS_FOUND);
    assert_non_null(strstr(host_log(), "fw_cfg bootorder: 1048576 bytes, expected at most 65536"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders),
        cmocka_unit_test(a_file_too_large_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
