/* pci.c: PCI configuration space by mechanism #1 and ECAM, the scan (pci.h).
 *
 * PCI Local Bus Specification 3.0: §3.2.2.3.2 (mechanism #1), §6.7 (capabilities); PCI-to-PCI Bridge Architecture
 * Specification 1.2 §3.2.5; PCI Firmware Specification 3.3 §4.1.2 (MCFG). The ports are for segment 0, where they
 * answer; MCFG is looked at for what they do not reach. Left out on purpose: alternative routing-ID interpretation,
 * CardBus bridges, raising the last number behind a bridge that firmware has numbered.
 * tests/unit/test_pci.c, tests/fuzz/fuzz_acpi.c; `-M microvm,pcie=on`, `-device pxb` and `-device pcie-root-port` under
 * QEMU, with `-bios qboot.rom` for a machine whose BARs nobody has assigned.
 */
#include "pci.h"
#include "acpi.h"
#include "block.h"
#include "io.h"
#include "memory.h"
#include "print.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA 0xcfc
#define CONFIG_ENABLE 0x80000000u
#define CONFIG_SIZE 256u /* by ports */

#define BUSES 256u
#define HEADER_MULTIFUNCTION 0x80
#define HEADER_BRIDGE 1

#define CAPABILITIES_FROM 0x40u
#define CAPABILITIES_MAX ((256 - CAPABILITIES_FROM) / 4)

#define DEVICES_MAX 256u
#define BRIDGES_DEEP 16u /* that we number, one behind the other */

extern const struct bus bus_pci; /* by tables.c */

static const struct boot_info *machine;
static bool no_ports;

/* What enumerate() found, in the arena. */
static struct pci_device *devices;
static u32 device_count;

/* ---- ECAM ------------------------------------------------------------------------------------------------------ */

#define MCFG_ENTRIES 44u
#define MCFG_ENTRY 16u

struct ecam {
    u64 base; /* of bus 0, whichever is the first one */
    u16 segment;
    u8 first, last;
};
#define ECAM_MAX (PAGE_SIZE / sizeof(struct ecam))

static struct ecam *ecam; /* a page */
static u32 ecam_count;
static bool ecam_known;

static u64 ecam_start(const struct ecam *e)
{
    return e->base + MIB(e->first);
}

static u64 ecam_size(const struct ecam *e)
{
    return MIB(e->last - e->first + 1);
}

/* A range that can be what it says: 1 MiB a bus, not in RAM, not one that we have. */
static bool ecam_usable(const struct ecam *e)
{
    if (!e->base || e->base % MIB(1) || e->first > e->last || e->base > ~0ull - MIB(BUSES))
        return false;
    for (u32 i = 0; machine && i < machine->memory.count; i++) {
        const struct mem_range *r = &machine->memory.range[i];
        if (r->type == MEM_USABLE && ranges_overlap(r->base, r->size, ecam_start(e), ecam_size(e)))
            return false;
    }
    for (u32 i = 0; i < ecam_count; i++)
        if (ecam[i].segment == e->segment && ecam[i].first <= e->last && e->first <= ecam[i].last)
            return false;
    return true;
}

static void ecam_add(const struct ecam *e)
{
    if (ecam_count == ECAM_MAX)
        return;
    if (!ecam_usable(e)) {
        warn("ECAM of segment %u, buses %u-%u at %lx: cannot be, left out", e->segment, e->first, e->last, e->base);
    } else if (paging_map(ecam_start(e), ecam_size(e)) != OK) {
        error_add(ERR_RANGE, "ECAM of segment %u, buses %u-%u", e->segment, e->first, e->last);
        error_show();
    } else {
        ecam[ecam_count++] = *e;
    }
}

static void buses_found(enum acpi_window type, u64 base, u64 size, void *context)
{
    struct ecam *e = context;
    if (type == ACPI_BUSES && fits(base, size, BUSES)) {
        e->first = (u8)min_u64(e->first, base);
        e->last = (u8)max_u64(e->last, base + size - 1);
    }
}

/* Once, when something is asked for that the ports do not reach. Where there is no table, a host bridge may tell. */
static void ecam_find(void)
{
    u32 size;
    ecam_known = true;
    if (!machine || !machine->rsdp)
        return;
    ecam = arena_alloc_page();
    if (!ecam) {
        error_show();
        return;
    }
    const u8 *mcfg = acpi_find(machine->rsdp, "MCFG", MCFG_ENTRIES, &size);
    for (u32 at = MCFG_ENTRIES; mcfg && at + MCFG_ENTRY <= size; at += MCFG_ENTRY) {
        struct ecam e = {load_le(mcfg + at, 8), (u16)load_le(mcfg + at + 8, 2), mcfg[at + 10], mcfg[at + 11]};
        ecam_add(&e);
    }
    struct ecam e = {.base = no_ports && !mcfg ? acpi_config_base(machine->rsdp) : 0, .first = BUSES - 1};
    if (!e.base)
        return;
    acpi_windows(machine->rsdp, buses_found, &e);
    if (e.first > e.last)
        e.first = 0, e.last = BUSES - 1;
    ecam_add(&e);
}

bool pci_ecam_overlaps(u64 base, u64 size, u64 *start)
{
    if (!ecam_known)
        ecam_find();
    for (u32 i = 0; i < ecam_count; i++) {
        *start = ecam_start(&ecam[i]);
        if (ranges_overlap(base, size, *start, ecam_size(&ecam[i])))
            return true;
    }
    return false;
}

const struct boot_info *pci_machine(void)
{
    return machine;
}

/* ---- configuration space --------------------------------------------------------------------------------------- */

#define BY_PORT 0ull
#define NOWHERE (~0ull)

/* The address of a register of configuration space; BY_PORT when its dword has been selected for the data ports. */
static u64 locate(const struct pci_device *device, u32 offset)
{
    if (!no_ports && offset < CONFIG_SIZE && device->at >> 16 == 0) {
        io_out32(CONFIG_ADDRESS, CONFIG_ENABLE | device->at << 8 | (offset & 0xfc));
        return BY_PORT;
    }
    if (!ecam_known)
        ecam_find();
    u32 bus = PCI_BUS(device->at) & 0xff;
    for (u32 i = 0; i < ecam_count && offset < PAGE_SIZE; i++)
        if (ecam[i].segment == device->at >> 16 && ecam[i].first <= bus && bus <= ecam[i].last)
            return ecam[i].base + ((u64)(device->at & 0xffff) << 12) + offset;
    return NOWHERE;
}

static u16 data_port(u32 offset)
{
    return (u16)(CONFIG_DATA + (offset & 3));
}

u8 pci_read8(const struct pci_device *device, u32 offset)
{
    u64 at = locate(device, offset);
    return at == BY_PORT ? io_in8(data_port(offset)) : at == NOWHERE ? 0xff : mmio_read8(at);
}

u16 pci_read16(const struct pci_device *device, u32 offset)
{
    u64 at = locate(device, offset);
    return at == BY_PORT ? io_in16(data_port(offset)) : at == NOWHERE ? 0xffff : mmio_read16(at);
}

u32 pci_read32(const struct pci_device *device, u32 offset)
{
    u64 at = locate(device, offset);
    return at == BY_PORT ? io_in32(data_port(offset)) : at == NOWHERE ? 0xffffffff : mmio_read32(at);
}

void pci_write16(const struct pci_device *device, u32 offset, u16 value)
{
    u64 at = locate(device, offset);
    if (at == BY_PORT)
        io_out16(data_port(offset), value);
    else if (at != NOWHERE)
        mmio_write16(at, value);
}

void pci_write32(const struct pci_device *device, u32 offset, u32 value)
{
    u64 at = locate(device, offset);
    if (at == BY_PORT)
        io_out32(data_port(offset), value);
    else if (at != NOWHERE)
        mmio_write32(at, value);
}

bool pci_ports_present(void)
{
    u32 before = io_in32(CONFIG_ADDRESS);
    io_out32(CONFIG_ADDRESS, CONFIG_ENABLE);
    bool present = io_in32(CONFIG_ADDRESS) == CONFIG_ENABLE;
    io_out32(CONFIG_ADDRESS, before);
    return present;
}

/* ---- the scan -------------------------------------------------------------------------------------------------- */

/* Some buses of a segment: all, or those that one ECAM reaches. */
struct scan {
    u32 segment, first, last;
    u64 wanted[BUSES / 64], done[BUSES / 64]; /* bit sets of buses */
};

static void want_bus(struct scan *scan, u32 bus)
{
    if (bus >= scan->first && bus <= scan->last)
        scan->wanted[bus / 64] |= 1ull << (bus % 64);
}

/* A bridge whose numbers cannot be (not above its own bus) counts as not numbered. */
static void bridge_found(struct scan *scan, struct pci_device *device)
{
    u32 numbers = pci_read32(device, PCI_BUS_NUMBERS);
    u8 secondary = (u8)(numbers >> 8), subordinate = (u8)(numbers >> 16);
    device->bridge = true;
    if (secondary <= (PCI_BUS(device->at) & 0xff) || subordinate < secondary)
        return;
    device->secondary = secondary;
    device->subordinate = subordinate;
    want_bus(scan, secondary);
}

/* False when there is no such function. */
static bool scan_function(struct scan *scan, u32 at, bool *multifunction)
{
    struct pci_device device = {.at = at};
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
        bridge_found(scan, &device);
    else if (device.class == PCI_CLASS_HOST_BRIDGE && at & 0xffff)
        for (u32 bus = scan->first; bus <= scan->last; bus++) /* a second root: its bus number is not told */
            want_bus(scan, bus);
    if (device_count < DEVICES_MAX)
        devices[device_count++] = device;
    else
        say_verbose("pci %02x:%02x.%x: left out, more than %u devices", PCI_NAME(&device), DEVICES_MAX);
    return true;
}

static void scan_bus(struct scan *scan, u32 bus)
{
    for (u32 slot = 0; slot < 32; slot++) {
        u32 at = scan->segment << 16 | bus << 8 | slot << 3;
        bool multifunction, other;
        if (!scan_function(scan, at, &multifunction) || !multifunction)
            continue;
        for (u32 function = 1; function < 8; function++)
            scan_function(scan, at | function, &other);
    }
}

/* True when `bus` (with its segment) lies behind the bridge d. */
static bool is_behind(const struct pci_device *d, u32 bus)
{
    return d->secondary && d->at >> 16 == bus >> 8 && d->secondary <= (bus & 0xff) && (bus & 0xff) <= d->subordinate;
}

/* May the bridge get bus number n, and *last down from 255 for what may be behind it? Numbers are taken by buses with
 * something on them, and by those that another bridge passes on, unless it passes on this one as well. */
static bool number_is_free(const struct pci_device *bridge, u32 n, u32 *last)
{
    u32 own = PCI_BUS(bridge->at), segment = own >> 8;
    for (u32 i = 0; i < device_count; i++) {
        const struct pci_device *d = &devices[i];
        if (d->at >> 16 != segment)
            continue;
        if (is_behind(d, own)) {
            *last = (u32)min_u64(*last, d->subordinate);
            if (d->secondary == n)
                return false;
        } else if (is_behind(d, segment << 8 | n)) {
            return false;
        } else if (d->secondary > n) {
            *last = (u32)min_u64(*last, d->secondary - 1u);
        }
        u32 bus = PCI_BUS(d->at) & 0xff;
        if (bus == n)
            return false;
        if (bus > n && !is_behind(d, own))
            *last = (u32)min_u64(*last, bus - 1);
    }
    return n <= *last;
}

static void bridge_number(struct pci_device *bridge, u32 secondary, u32 subordinate)
{
    u32 latency = pci_read32(bridge, PCI_BUS_NUMBERS) & 0xff000000;
    bridge->secondary = (u8)secondary;
    bridge->subordinate = (u8)subordinate;
    pci_write32(bridge, PCI_BUS_NUMBERS, latency | subordinate << 16 | secondary << 8 | (PCI_BUS(bridge->at) & 0xff));
}

/* Number the bridges among devices[from …] that firmware left alone, each before what is behind it. */
static void number_bridges(struct scan *scan, u32 from, u32 depth)
{
    u32 end = device_count;
    for (u32 i = from; i < end; i++) {
        struct pci_device *bridge = &devices[i];
        u32 n = PCI_BUS(bridge->at) & 0xff, last;
        if (!bridge->bridge || bridge->secondary || bridge->at >> 16 != scan->segment)
            continue;
        do
            last = scan->last;
        while (++n <= scan->last && !number_is_free(bridge, n, &last));
        if (n > scan->last || depth == BRIDGES_DEEP) {
            say_verbose("pci %02x:%02x.%x: bridge without a bus number, and none is free", PCI_NAME(bridge));
            continue;
        }
        bridge_number(bridge, n, last);
        u32 first = device_count, highest = n;
        scan_bus(scan, n);
        number_bridges(scan, first, depth + 1);
        for (u32 k = first; k < device_count; k++)
            highest = (u32)max_u64(highest, devices[k].subordinate);
        bridge_number(bridge, n, highest);
        say_verbose("pci %02x:%02x.%x: bridge numbered: buses %u-%u", PCI_NAME(bridge), n, highest);
    }
}

static void scan_buses(u32 segment, u32 first, u32 last)
{
    struct scan scan = {.segment = segment, .first = first, .last = last};
    u32 from = device_count;
    want_bus(&scan, first);
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
    number_bridges(&scan, from, 0);
}

/* QEMU's pc and q35 have one segment: there MCFG need not be looked for. */
static bool has_one_segment(void)
{
    u32 root = device_count && !devices[0].at ? (u32)devices[0].id << 16 | devices[0].vendor : 0;
    return root == 0x12378086 || root == 0x29c08086;
}

static void pci_enumerate(const struct boot_info *boot)
{
    machine = boot;
    device_count = ecam_count = 0;
    ecam_known = false;
    pci_space_forget();
    devices = arena_alloc(DEVICES_MAX * sizeof *devices, 8);
    if (!devices) {
        error_show();
        return;
    }
    no_ports = !pci_ports_present();
    if (!no_ports)
        scan_buses(0, 0, BUSES - 1);
    if (!no_ports && has_one_segment())
        return;
    ecam_find();
    if (no_ports && !ecam_count)
        say_verbose("no PCI: port cf8 does not answer, and ACPI tells of no other way");
    for (u32 i = 0; i < ecam_count; i++)
        if (no_ports || ecam[i].segment)
            scan_buses(ecam[i].segment, ecam[i].first, ecam[i].last);
}

const struct bus bus_pci = {"pci", pci_enumerate};

void pci_scan(void (*found)(const struct pci_device *device, void *context), void *context)
{
    for (u32 i = 0; i < device_count; i++)
        found(&devices[i], context);
}

const struct pci_device *pci_bridge_to(u32 bus)
{
    for (u32 i = 0; i < device_count; i++)
        if (devices[i].secondary && (PCI_BUS(devices[i].at) & ~0xffu) + devices[i].secondary == bus)
            return &devices[i];
    return NULL;
}

bool pci_path(u32 at, struct pci_path *path)
{
    struct pci_path p = {.segment = (u16)(at >> 16)};
    u32 i = 0;
    while (i < device_count && devices[i].at != at)
        i++;
    if (i == device_count)
        return false;
    const struct pci_device *bridge = &devices[i];
    for (; bridge; bridge = pci_bridge_to(PCI_BUS(bridge->at))) {
        if (p.steps == PCI_PATH_MAX)
            return false;
        memmove(p.step + 1, p.step, p.steps++);
        p.step[0] = (u8)bridge->at;
        p.root = (u8)PCI_BUS(bridge->at);
    }
    *path = p;
    return true;
}

/* ---- capabilities, command register ---------------------------------------------------------------------------- */

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

static struct pci_device *device_find(u32 at)
{
    for (u32 i = 0; i < device_count; i++)
        if (devices[i].at == at)
            return &devices[i];
    return NULL;
}

bool pci_is_taken(u32 at)
{
    const struct pci_device *device = device_find(at);
    return device && device->taken;
}

/* No port BAR of the device has an address, though there is one. */
static bool ports_are_unassigned(const struct pci_device *device)
{
    bool found = false;
    for (u32 n = 0; n < PCI_BARS; n++) {
        u32 low = pci_read32(device, PCI_BAR0 + n * 4);
        if ((low & (PCI_BAR_IO | PCI_BAR_TYPE)) == PCI_BAR_64)
            n++;
        if (low & PCI_BAR_IO && low & ~3u)
            return false;
        found |= low & PCI_BAR_IO;
    }
    return found;
}

/* Windows that nobody has set begin at 0 and would take ports and memory that are others': they are closed, base above
 * limit, before the bridge passes on anything. */
static void bridge_enable(const struct pci_device *bridge)
{
    static const u16 bits = PCI_COMMAND_DECODE | PCI_COMMAND_MASTER;
    u16 before = pci_read16(bridge, PCI_COMMAND);
    if ((before & bits) == bits)
        return;
    if (!(before & PCI_COMMAND_IO) && !(pci_read16(bridge, PCI_BRIDGE_IO) & 0xf0))
        pci_write16(bridge, PCI_BRIDGE_IO, 0x00f0);
    for (u32 at = PCI_BRIDGE_MEMORY; at <= PCI_BRIDGE_PREFETCH && !(before & PCI_COMMAND_MEMORY); at += 4)
        if (!(pci_read32(bridge, at) & 0xfff0))
            pci_write32(bridge, at, 0x0000fff0);
    pci_write16(bridge, PCI_COMMAND, before | bits);
}

void pci_enable(struct pci_device *device)
{
    struct pci_device *known = device_find(device->at); /* drivers have copies */
    if (known)
        known->taken = true;
    u16 bits = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
    device->command = pci_read16(device, PCI_COMMAND);
    if (device->command & PCI_COMMAND_IO || !ports_are_unassigned(device))
        bits |= PCI_COMMAND_IO;
    pci_write16(device, PCI_COMMAND, device->command | bits);
    const struct pci_device *bridge = pci_bridge_to(PCI_BUS(device->at));
    for (; bridge; bridge = pci_bridge_to(PCI_BUS(bridge->at)))
        bridge_enable(bridge);
}

void pci_disable(const struct pci_device *device)
{
    pci_write16(device, PCI_COMMAND, device->command & (u16)~PCI_COMMAND_MASTER);
}
