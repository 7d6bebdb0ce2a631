/* fuzz_fw_cfg.c: what QEMU's firmware configuration device says: the first byte tells whether it can do DMA, two more
 * how long the directory is, which follows; behind it lies what every file holds. Its files are read, and disks put
 * into the order that "bootorder" asks for. */
#include "fake_pci.h"

#include "boot_order.h"
#include "fw_cfg.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define HEADER 3u
#define READ_MAX 4096u

static const u8 *directory, *content;
static u32 directory_size, content_size, flags, offset;
static u16 key;
static u64 access_address;

static u8 next_byte(void)
{
    u32 at = offset++;
    switch (key) {
    case 0:
        return at < 4 ? (u8)"QEMU"[at] : 0;
    case 1:
        return at ? 0 : (u8)(flags & 2);
    case 0x19:
        return at < directory_size ? directory[at] : 0;
    default:
        return at < content_size ? content[at] : 0;
    }
}

static u32 big_endian(const u8 *at)
{
    return (u32)at[0] << 24 | (u32)at[1] << 16 | (u32)at[2] << 8 | at[3];
}

static void transfer(void)
{
    u8 *access = mem_at(access_address, 16);
    u64 to = (u64)big_endian(access + 8) << 32 | big_endian(access + 12);
    u32 length = big_endian(access + 4);
    u8 *bytes = mem_at(to, length);
    key = (u16)(access[0] << 8 | access[1]);
    offset = 0;
    for (u32 i = 0; i < length; i++)
        bytes[i] = next_byte();
    memset(access, 0, 4);
    access[3] = (u8)(flags >> 7); /* an error */
}

static u64 in(void *device, u32 port, u32 width)
{
    (void)device;
    return port == 1 && width == 1 ? next_byte() : ~0ull;
}

static void out(void *device, u32 port, u64 value, u32 width)
{
    (void)device, (void)width;
    if (port == 0) {
        key = (u16)value;
        offset = 0;
    } else if (port == 4) {
        access_address = (u64)__builtin_bswap32((u32)value) << 32;
    } else if (port == 8) {
        access_address |= __builtin_bswap32((u32)value);
        transfer();
    }
}

static void hypervisor(u32 leaf, u32 *a, u32 *b, u32 *c, u32 *d)
{
    *a = *b = *d = 0;
    *c = leaf == 1 ? 1u << 31 : 0;
}

static void disk_add_at(struct disk_list *disks, enum disk_bus bus, u64 address)
{
    static const u8 image[512];
    struct block_device *d = host_disk(disks, NULL, image, sizeof image, 512);
    d->place = (struct disk_place){.bus = bus, .address = address};
    format_text(d->place.unit, sizeof d->place.unit, "disk@0,0");
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static const u64 base = 0x510;
    static const struct fake_region region = {NULL, true, &base, 12, in, out, NULL};
    static struct fake_function function;
    static struct disk_list disks;
    static const struct boot_info none;
    extern const struct bus bus_pci;
    const char *bytes;
    u32 got;
    if (size < HEADER)
        return 0;
    flags = data[0];
    directory = data + HEADER;
    directory_size = (u32)min_u64(data[1] | (u32)data[2] << 8, size - HEADER);
    content = directory + directory_size;
    content_size = (u32)(size - HEADER - directory_size);
    fake_reset();
    log_level = LOG_QUIET;
    host_machine.cpu_id = hypervisor;
    fake_region_add(&region);
    fake_function_add(&function, 4 << 3, 0x1af4, 0x1001, 0x0100);
    bus_pci.enumerate(&none);
    disks.count = 0;
    disk_add_at(&disks, BUS_PCI, 4 << 3);
    disk_add_at(&disks, BUS_MMIO, 0xfeb02e00);
    disk_add_at(&disks, BUS_BIOS, 0x80);
    if (fw_cfg_read(FW_CFG_CONFIG, READ_MAX, &bytes, &got) == OK && (got > READ_MAX || bytes[got]))
        panic("%u bytes, or no zero behind them", got);
    fw_cfg_read(FW_CFG_ARGUMENTS, READ_MAX, &bytes, &got);
    boot_order_apply(&disks);
    u32 seen = 0;
    for (u32 i = 0; i < disks.count; i++)
        seen |= 1u << (disks.disk[i]->name[2] - 'a');
    if (disks.count != 3 || seen != 7)
        panic("a disk is lost");
    return 0;
}
