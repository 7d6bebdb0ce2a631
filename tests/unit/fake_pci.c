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
u32 fake_pci_count, fake_pci_reads;
bool fake_pci_absent;

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

static const struct fake_region *region_find(bool ports, u64 address)
{
    for (u32 i = 0; i < region_count; i++) {
        const struct fake_region *r = regions[i];
        u8 decoded = r->function ? r->function->config[COMMAND] : 0xff;
        if (r->ports == ports && address - *r->base < r->size && decoded & (ports ? COMMAND_IO : COMMAND_MEMORY))
            return r;
    }
    return NULL;
}

static u8 *config_selected(void)
{
    if (fake_pci_absent || !(config_address >> 31))
        return NULL;
    for (u32 i = 0; i < fake_pci_count; i++)
        if (fake_pci[i]->at == (config_address >> 8 & 0xffff))
            return fake_pci[i]->config + (config_address & 0xfc);
    return NULL;
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
    const u8 *at = config_selected();
    fake_pci_reads++;
    return at ? fake_get(at + (port & 3), width) : ~0u;
}

static void port_write(u16 port, u32 value, u32 width)
{
    const struct fake_region *r = region_find(true, port);
    if (r) {
        r->write(r->device, (u32)(port - *r->base), value, width);
    } else if (port == 0xcf8 && width == 4) {
        config_address = value;
    } else if ((port & 0xfffc) == 0xcfc) {
        u8 *at = config_selected();
        u32 offset = (config_address & 0xfc) + (port & 3);
        if (at && (offset < 6 || (offset >= 0x10 && offset < 0x28)))
            memcpy(at + (port & 3), &value, width);
    }
}

static u64 memory_read(u64 address, u32 width)
{
    const struct fake_region *r = region_find(false, address);
    return r ? r->read(r->device, (u32)(address - *r->base), width) : ~0ull;
}

static void memory_write(u64 address, u64 value, u32 width)
{
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
    fake_pci_count = fake_pci_reads = region_count = relax_count = 0;
    fake_pci_absent = false;
    config_address = 0;
    host_machine.in = port_read;
    host_machine.out = port_write;
    host_machine.mmio_read = memory_read;
    host_machine.mmio_write = memory_write;
    host_machine.relax = relax;
}

void fake_function_add(struct fake_function *f, u16 at, u16 vendor, u16 device, u16 class)
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
