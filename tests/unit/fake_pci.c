/* fake_pci.c: a PCI bus behind io.h (fake_pci.h). PCI Local Bus Specification 3.0 §3.2.2.3.2, §6.1. */
#include <string.h>

#include "fake_pci.h"

#define REGIONS_MAX 160u
#define RELAXES_MAX 80u
#define COMMAND 4
#define COMMAND_IO 1
#define COMMAND_MEMORY 2
#define COMMAND_MASTER 4

struct fake_function *fake_pci[FAKE_FUNCTIONS];
u32 fake_pci_count, fake_pci_reads, fake_pci_writes;
const char *fake_pci_fault;
bool fake_pci_absent;
struct fake_ecam fake_ecam[8];
u32 fake_ecam_count;

static u32 config_address;
static const struct fake_region *regions[REGIONS_MAX];
static u32 region_count;
static struct {
    void (*relax)(void *device);
    void *device;
} relaxes[RELAXES_MAX];
static u32 relax_count;

u32 fake_get(const u8 *at, u32 width)
{
    u32 value = 0;
    memcpy(&value, at, width);
    return value;
}

void fake_put16(u8 *at, u16 value) { memcpy(at, &value, sizeof value); }
void fake_put32(u8 *at, u32 value) { memcpy(at, &value, sizeof value); }
void fake_put64(u8 *at, u64 value) { memcpy(at, &value, sizeof value); }

void *fake_dma(const struct fake_function *function, u64 address, u64 size, const char **fault)
{
    const char *what = NULL;
    if (function && !(function->config[COMMAND] & COMMAND_MASTER))
        what = "DMA without bus mastering";
    bool there = address && fits(address, size, HOST_MEMORY);
    if (!there)
        what = "DMA to an address outside memory";
    if (what && !*fault)
        *fault = what;
    return there ? mem_at(address, size) : NULL;
}

/* Do all bridges before f pass on this address? */
static bool passed_on(const struct fake_function *f, bool ports, u64 address)
{
    for (const struct fake_function *b = f ? f->behind : NULL; b; b = b->behind) {
        const u8 *c = b->config;
        u64 io_first = (u64)(c[0x1c] & 0xf0) << 8, io_last = (u64)(c[0x1d] & 0xf0) << 8 | 0xfff;
        u64 first = (u64)(fake_get(c + 0x20, 2) & 0xfff0) << 16, last = (u64)fake_get(c + 0x22, 2) << 16 | 0xfffff;
        u64 wide_first = (u64)(fake_get(c + 0x24, 2) & 0xfff0) << 16 | (u64)fake_get(c + 0x28, 4) << 32;
        u64 wide_last = (u64)(fake_get(c + 0x26, 2) & 0xfff0) << 16 | 0xfffff | (u64)fake_get(c + 0x2c, 4) << 32;
        bool passes = ports ? address >= io_first && address <= io_last
                            : (address >= first && address <= last) || (address >= wide_first && address <= wide_last);
        if (!passes || !(c[COMMAND] & (ports ? COMMAND_IO : COMMAND_MEMORY)))
            return false;
    }
    return true;
}

static const struct fake_region *region_find(bool ports, u64 address)
{
    for (u32 i = 0; i < region_count; i++) {
        const struct fake_region *r = regions[i];
        u8 decoded = r->function ? r->function->config[COMMAND] : 0xff;
        if (r->ports == ports && address - *r->base < r->size && decoded & (ports ? COMMAND_IO : COMMAND_MEMORY) &&
            passed_on(r->function, ports, address))
            return r;
    }
    return NULL;
}

static bool answers(const struct fake_function *f, u32 at)
{
    u32 bus = at >> 8 & 0xff;
    if (!f->behind)
        return f->at == at;
    if (f->at >> 16 != at >> 16 || (f->at & 0xff) != (at & 0xff) || !bus || f->behind->config[0x19] != bus)
        return false;
    for (const struct fake_function *b = f->behind; b; b = b->behind)
        if (bus < b->config[0x19] || bus > b->config[0x1a])
            return false;
    return true;
}

static struct fake_function *function_find(u32 at)
{
    for (u32 i = 0; i < fake_pci_count; i++)
        if (answers(fake_pci[i], at))
            return fake_pci[i];
    return NULL;
}

static bool is_64(const struct fake_function *f, u32 n)
{
    return (f->config[0x10 + n * 4] & 7) == 4;
}

static void bar_write(struct fake_function *f, u32 n, u32 value)
{
    u8 *at = f->config + 0x10 + n * 4;
    bool upper = n && is_64(f, n - 1) && !(n > 1 && is_64(f, n - 2) && f->bar_size[n - 2]);
    u32 first = upper ? n - 1 : n, type = upper ? 0 : at[0] & (at[0] & 1 ? 3 : 15);
    u64 size = f->bar_size[first];
    bool is_io = f->config[0x10 + first * 4] & 1;
    u32 low = fake_get(f->config + 0x10 + first * 4, 4) & (is_io ? ~3u : ~15u);
    u32 high = is_64(f, first) ? fake_get(f->config + 0x14 + first * 4, 4) : 0;
    if (size && f->config[COMMAND] & (is_io ? COMMAND_IO : COMMAND_MEMORY) && !fake_pci_fault)
        fake_pci_fault = "a BAR written to while it is decoded";
    if (size)
        fake_put32(at, (value & (u32)((0 - size) >> (upper ? 32 : 0)) & ~(upper ? 0 : is_io ? 3u : 15u)) | type);
    else if (low || high)
        fake_put32(at, value);
    f->bar_at[first] = (fake_get(f->config + 0x10 + first * 4, 4) & (is_io ? ~3u : ~15u)) |
                       (is_64(f, first) ? (u64)fake_get(f->config + 0x14 + first * 4, 4) << 32 : 0);
}

static void config_write(struct fake_function *f, u32 offset, u32 value, u32 width)
{
    bool is_bridge = (f->config[0x0e] & 0x7f) == 1;
    fake_pci_writes++;
    if (offset >= 0x10 && offset < (is_bridge ? 0x18 : 0x28) && width == 4)
        bar_write(f, (offset - 0x10) / 4, value);
    else if (offset == 4 || (is_bridge && offset >= 0x18 && offset < 0x30) || offset >= 0x40)
        memcpy(f->config + offset, &value, width);
}

static u32 config_offset(u16 port)
{
    return (config_address & 0xfc) + (port & 3);
}

static struct fake_function *config_selected(void)
{
    return fake_pci_absent || !(config_address >> 31) ? NULL : function_find(config_address >> 8 & 0xffff);
}

static u32 port_read(u16 port, u32 width)
{
    const struct fake_region *r = region_find(true, port);
    if (r)
        return (u32)r->read(r->device, (u32)(port - *r->base), width);
    if (port == 0xcf8 && width == 4)
        return fake_pci_absent ? ~0u : config_address;
    if ((port & 0xfffc) != 0xcfc)
        return ~0u;
    const struct fake_function *f = config_selected();
    fake_pci_reads++;
    return f ? fake_get(f->config + config_offset(port), width) : ~0u;
}

static void port_write(u16 port, u32 value, u32 width)
{
    const struct fake_region *r = region_find(true, port);
    if (r) {
        r->write(r->device, (u32)(port - *r->base), value, width);
    } else if (port == 0xcf8 && width == 4) {
        config_address = value;
    } else if ((port & 0xfffc) == 0xcfc) {
        struct fake_function *f = config_selected();
        if (f)
            config_write(f, config_offset(port), value, width);
    }
}

/* True when address is configuration space; *f: whose, NULL nobody's. */
static bool ecam_find(u64 address, struct fake_function **f)
{
    for (u32 i = 0; i < fake_ecam_count; i++) {
        const struct fake_ecam *e = &fake_ecam[i];
        u64 offset = address - e->base;
        if (address < e->base || offset >> 20 < e->first || offset >> 20 > e->last)
            continue;
        *f = function_find((u32)e->segment << 16 | (u32)(offset >> 12));
        return true;
    }
    return false;
}

static u64 memory_read(u64 address, u32 width)
{
    struct fake_function *f;
    if (ecam_find(address, &f)) {
        fake_pci_reads++;
        return f ? fake_get(f->config + address % 4096, width) : ~0ull;
    }
    const struct fake_region *r = region_find(false, address);
    return r ? r->read(r->device, (u32)(address - *r->base), width) : ~0ull;
}

static void memory_write(u64 address, u64 value, u32 width)
{
    struct fake_function *f;
    if (ecam_find(address, &f)) {
        if (f)
            config_write(f, address % 4096, (u32)value, width);
        return;
    }
    const struct fake_region *r = region_find(false, address);
    if (r)
        r->write(r->device, (u32)(address - *r->base), value, width);
}

static void relax(void)
{
    host_ticks += 1000000; /* a millisecond */
    for (u32 i = 0; i < relax_count; i++)
        relaxes[i].relax(relaxes[i].device);
}

void fake_reset(void)
{
    device_lost_forget();
    host_reset();
    fake_pci_count = fake_pci_reads = fake_pci_writes = region_count = relax_count = fake_ecam_count = 0;
    fake_pci_fault = NULL;
    fake_pci_absent = false;
    config_address = 0;
    host_machine.in = port_read;
    host_machine.out = port_write;
    host_machine.mmio_read = memory_read;
    host_machine.mmio_write = memory_write;
    host_machine.relax = relax;
}

void fake_function_add(struct fake_function *f, u32 at, u16 vendor, u16 device, u16 class)
{
    f->at = at;
    fake_put16(f->config, vendor);
    fake_put16(f->config + 2, device);
    fake_put16(f->config + 10, class);
    if (fake_pci_count < FAKE_FUNCTIONS)
        fake_pci[fake_pci_count++] = f;
}

void fake_region_add(const struct fake_region *region)
{
    if (region_count < REGIONS_MAX)
        regions[region_count++] = region;
}

void fake_relax_add(void (*function)(void *device), void *device)
{
    if (relax_count == RELAXES_MAX)
        return;
    relaxes[relax_count].relax = function;
    relaxes[relax_count++].device = device;
}

void fake_probe(const struct block_driver *driver, const struct boot_info *boot, struct disk_list *disks)
{
    static struct boot_info none;
    extern const struct bus bus_pci;
    bus_pci.enumerate(boot ? boot : &none);
    driver->probe(boot ? boot : &none, disks);
}

void fake_put_half(u64 *whole, u32 offset, u64 value)
{
    u32 shift = offset & 4 ? 32 : 0;
    *whole = (*whole & ~(0xffffffffull << shift)) | (u64)(u32)value << shift;
}
