/* pci_space.c: base address registers, and addresses for those that firmware left alone (pci.h).
 *
 * PCI Local Bus Specification 3.0 §6.2.5.1 (BARs, sizing); PCI-to-PCI Bridge Architecture Specification 1.2 §3.2.5.6–10
 * (windows). Only what a driver asks for gets an address: below 4 GiB if it can, from the top down, in what ACPI says
 * the host bridge passes on, else in what the memory map leaves; behind a bridge in its window, which is opened if it
 * is closed. What is in use is looked at once, when the first address is to be given out: a machine whose firmware did
 * its work does not pay. Left out on purpose: moving what has an address, making an open window larger, expansion ROMs,
 * Enhanced Allocation. tests/unit/test_pci.c; `-bios qboot.rom` under QEMU.
 */
#include "pci.h"
#include "acpi.h"
#include "memory.h"
#include "print.h"

/* Chipsets have their own registers above (flash, local and I/O APIC, HPET, TPM, virtio-mmio of microvm). */
#define MEMORY_TOP 0xfc000000u
#define MEMORY_BOTTOM GIB(2) /* without ACPI: not below, and not below the end of RAM */
#define MEMORY_END (1ull << 52) /* no processor has more address bits */
#define HIGH_SIZE GIB(32)    /* likewise above 4 GiB */
#define PORTS_BOTTOM 0xc000u /* below are ISA and what chipsets have: 3f8, 600, b000, … */
#define PORTS_TOP 0x10000u

#define MEMORY_WINDOW MIB(2) /* of a bridge; its granularity is 1 MiB */
#define PORT_WINDOW KIB(4)

#define HEADER_BRIDGE_BARS 2u

/* What a host bridge passes on. */
struct window {
    u64 base, size;
    bool is_io;
};

/* A BAR, or a window of a bridge. */
struct taken {
    u64 base, size;
    u32 at;
    bool is_io;
    u8 secondary, subordinate; /* a window: the buses behind it */
};

#define WINDOWS_MAX 32u
#define TAKEN_MAX ((PAGE_SIZE - WINDOWS_MAX * sizeof(struct window) - 8) / sizeof(struct taken))

/* In a page of its own: drivers may release the part of the arena in which they probe. */
static struct inventory {
    u32 window_count, taken_count;
    struct window window[WINDOWS_MAX];
    struct taken taken[TAKEN_MAX];
} *inventory;
_Static_assert(sizeof(struct inventory) <= PAGE_SIZE, "arena_alloc_page()");

void pci_space_forget(void)
{
    inventory = NULL;
}

/* ---- BARs ------------------------------------------------------------------------------------------------------ */

static bool bar_is_64(u32 low)
{
    return (low & (PCI_BAR_IO | PCI_BAR_TYPE)) == PCI_BAR_64;
}

static u64 bar_address(const struct pci_device *device, u32 n, u32 low)
{
    if (low & PCI_BAR_IO)
        return low & ~3u;
    return (low & ~15u) | (bar_is_64(low) ? (u64)pci_read32(device, PCI_BAR0 + n * 4 + 4) << 32 : 0);
}

/* A BAR is not to be changed while the device decodes what it says. Gives the command register as it was, for
 * decoding_restore(). */
static u16 decoding_stop(const struct pci_device *device)
{
    u16 command = pci_read16(device, PCI_COMMAND);
    if (command & PCI_COMMAND_DECODE)
        pci_write16(device, PCI_COMMAND, command & (u16)~PCI_COMMAND_DECODE);
    return command;
}

static void decoding_restore(const struct pci_device *device, u16 command)
{
    if (command & PCI_COMMAND_DECODE)
        pci_write16(device, PCI_COMMAND, command);
}

/* §6.2.5.1: the bits that cannot be set, with decoding off; 0 when there is no such BAR. */
static u64 bar_size(const struct pci_device *device, u32 n, u32 low)
{
    u32 at = PCI_BAR0 + n * 4, high = bar_is_64(low) ? pci_read32(device, at + 4) : 0;
    u16 command = decoding_stop(device);
    pci_write32(device, at, 0xffffffff);
    u64 mask = pci_read32(device, at) | ~0ull << 32;
    pci_write32(device, at, low);
    if (bar_is_64(low)) {
        pci_write32(device, at + 4, 0xffffffff);
        mask = (mask & 0xffffffff) | (u64)pci_read32(device, at + 4) << 32;
        pci_write32(device, at + 4, high);
    }
    decoding_restore(device, command);
    if (low & PCI_BAR_IO)
        mask |= ~0xffffull; /* the upper half may be missing */
    mask &= low & PCI_BAR_IO ? ~3ull : ~15ull;
    u64 size = 0 - mask;
    return ((u32)mask || bar_is_64(low)) && is_power_of_two(size) ? size : 0;
}

/* ---- windows of bridges ---------------------------------------------------------------------------------------- */

struct range {
    u64 first, last; /* first > last: closed */
};

static struct range window_read(const struct pci_device *bridge, u32 at)
{
    struct range r;
    u32 value = pci_read32(bridge, at);
    if (at == PCI_BRIDGE_IO) {
        r.first = (value & 0xf0) << 8;
        r.last = (value & 0xf000) | 0xfff;
    } else {
        r.first = (u64)(value & 0xfff0) << 16;
        r.last = (value & 0xfff00000) | 0xfffff;
        if (at == PCI_BRIDGE_PREFETCH && value & 1) {
            r.first |= (u64)pci_read32(bridge, PCI_BRIDGE_PREFETCH_HIGH) << 32;
            r.last |= (u64)pci_read32(bridge, PCI_BRIDGE_PREFETCH_HIGH + 4) << 32;
        }
    }
    if (!r.first) /* nobody set it */
        r = (struct range){1, 0};
    return r;
}

static bool range_has(struct range r, u64 address)
{
    return r.first <= address && address <= r.last;
}

/* True when all bridges before the device pass on this address. */
static bool is_reachable(const struct pci_device *device, bool is_io, u64 address)
{
    const struct pci_device *bridge = pci_bridge_to(PCI_BUS(device->at));
    for (; bridge; bridge = pci_bridge_to(PCI_BUS(bridge->at))) {
        if (bridge->interface & 1) /* subtractive: what nobody else wants */
            continue;
        if (!range_has(window_read(bridge, is_io ? PCI_BRIDGE_IO : PCI_BRIDGE_MEMORY), address) &&
            (is_io || !range_has(window_read(bridge, PCI_BRIDGE_PREFETCH), address)))
            return false;
    }
    return true;
}

/* ---- what is in use -------------------------------------------------------------------------------------------- */

static bool taken_add(const struct pci_device *device, bool is_io, u64 base, u64 size, bool is_window)
{
    if (inventory->taken_count == TAKEN_MAX)
        return false;
    inventory->taken[inventory->taken_count++] = (struct taken){
        .base = base,
        .size = size,
        .at = device->at,
        .is_io = is_io,
        .secondary = is_window ? device->secondary : 0,
        .subordinate = is_window ? device->subordinate : 0,
    };
    return true;
}

/* Host bridges are not switched off to be measured: a BAR of theirs is as large as its alignment allows. */
static void take_bars(const struct pci_device *device, void *context)
{
    bool *full = context;
    for (u32 n = 0; n < (device->bridge ? HEADER_BRIDGE_BARS : PCI_BARS); n++) {
        u32 low = pci_read32(device, PCI_BAR0 + n * 4);
        u64 address = bar_address(device, n, low);
        if (address) {
            u64 size = device->class == PCI_CLASS_HOST_BRIDGE ? address & (0 - address) : bar_size(device, n, low);
            *full |= !taken_add(device, low & PCI_BAR_IO, address, size, false);
        }
        n += bar_is_64(low);
    }
    if (!device->secondary)
        return;
    static const u8 windows[] = {PCI_BRIDGE_IO, PCI_BRIDGE_MEMORY, PCI_BRIDGE_PREFETCH};
    for (u32 i = 0; i < ARRAY_COUNT(windows); i++) {
        struct range r = window_read(device, windows[i]);
        if (r.first <= r.last)
            *full |= !taken_add(device, windows[i] == PCI_BRIDGE_IO, r.first, r.last - r.first + 1, true);
    }
}

static void window_add(enum acpi_window type, u64 base, u64 size, void *context)
{
    (void)context;
    bool is_io = type == ACPI_PORTS;
    u64 bottom = is_io ? PORTS_BOTTOM : MIB(1), top = is_io ? PORTS_TOP : MEMORY_TOP;
    u64 end = size > ~0ull - base ? ~0ull : base + size;
    if (!is_io && base >= GIB(4))
        top = ~0ull;
    base = max_u64(base, bottom);
    end = min_u64(end, top);
    if (type != ACPI_BUSES && base < end && inventory->window_count < WINDOWS_MAX)
        inventory->window[inventory->window_count++] = (struct window){base, end - base, is_io};
}

/* Without ACPI: what lies behind RAM. */
static void window_guess(void)
{
    const struct mem_map *map = &pci_machine()->memory;
    u64 low = MEMORY_BOTTOM, high = GIB(4);
    for (u32 i = 0; i < map->count; i++) {
        u64 end = map->range[i].base + map->range[i].size;
        if (map->range[i].type == MEM_USABLE && end <= GIB(4))
            low = max_u64(low, end);
        high = max_u64(high, end);
    }
    window_add(ACPI_MEMORY, low, MEMORY_TOP - min_u64(low, MEMORY_TOP), NULL);
    if (high < ~0ull - HIGH_SIZE - GIB(1))
        window_add(ACPI_MEMORY, align_up(high, GIB(1)), HIGH_SIZE, NULL);
    window_add(ACPI_PORTS, PORTS_BOTTOM, PORTS_TOP - PORTS_BOTTOM, NULL);
}

static enum error inventory_make(void)
{
    bool full = false;
    if (inventory)
        return OK;
    if (!pci_machine())
        return fail(ERR_NOT_FOUND, "the machine has not been looked at");
    inventory = arena_alloc_page();
    if (!inventory)
        return ERR_NO_MEMORY;
    pci_scan(take_bars, &full);
    if (full) {
        inventory = NULL;
        return fail(ERR_RANGE, "more than %u BARs are in use", (u32)TAKEN_MAX);
    }
    acpi_windows(pci_machine()->rsdp, window_add, NULL);
    bool memory = false;
    for (u32 i = 0; i < inventory->window_count; i++)
        memory |= !inventory->window[i].is_io;
    if (!memory) {
        inventory->window_count = 0;
        window_guess();
    }
    return OK;
}

/* ---- giving out ------------------------------------------------------------------------------------------------ */

struct wish {
    bool is_io, is_64;
    u64 size; /* a power of two: and alignment */
    u32 bus;  /* with its segment */
};

/* The start of something in use, or not to be used, that overlaps wish->size bytes at base; false when they are free.
 * Windows of the bridges before the bus are what it is to lie in; the memory map speaks of root buses. */
static bool blocked(const struct wish *wish, u64 base, u64 *start)
{
    for (u32 i = 0; i < inventory->taken_count; i++) {
        const struct taken *t = &inventory->taken[i];
        bool before = t->secondary && t->at >> 16 == wish->bus >> 8 && t->secondary <= (wish->bus & 0xff) &&
                      (wish->bus & 0xff) <= t->subordinate;
        *start = t->base;
        if (!before && t->is_io == wish->is_io && ranges_overlap(t->base, t->size, base, wish->size))
            return true;
    }
    if (wish->is_io || pci_bridge_to(wish->bus))
        return false;
    const struct mem_map *map = &pci_machine()->memory;
    for (u32 i = 0; i < map->count; i++) {
        *start = map->range[i].base;
        if (ranges_overlap(map->range[i].base, map->range[i].size, base, wish->size))
            return true;
    }
    return pci_ecam_overlaps(base, wish->size, start);
}

/* The highest free place in [first, last]; 0 when there is none. Each step goes down past something. */
static u64 place_in(const struct wish *wish, u64 first, u64 last)
{
    u64 start, end = last + 1; /* nothing ends at 2^64 */
    while (end > first && end - first >= wish->size) {
        u64 base = align_down(end - wish->size, wish->size);
        if (base < first)
            break;
        if (!blocked(wish, base, &start))
            return base;
        end = min_u64(start, base + wish->size - 1);
    }
    return 0;
}

static u64 place_at_root(const struct wish *wish)
{
    for (u32 high = 0; high <= (wish->is_64 ? 1 : 0); high++)
        for (u32 i = 0; i < inventory->window_count; i++) {
            const struct window *w = &inventory->window[i];
            if (w->is_io != wish->is_io || (w->base >= GIB(4)) != high)
                continue;
            u64 base = place_in(wish, w->base, w->base + w->size - 1);
            if (base)
                return base;
        }
    return 0;
}

static u64 place_find(const struct wish *wish);

/* Room for a bridge whose window is closed: 2 MiB, more if there are bridges behind it that will want theirs in there,
 * less if that much is not free. Ports are few: what bridges need at least. */
static u64 window_place(const struct pci_device *bridge, struct wish *window)
{
    u64 least = max_u64(window->size, window->is_io ? PORT_WINDOW : MEMORY_WINDOW), base;
    u32 buses = bridge->subordinate - bridge->secondary + 1u;
    window->size = least;
    while (!window->is_io && buses > 1 && window->size < buses * 2 * MEMORY_WINDOW)
        window->size *= 2;
    while (!(base = place_find(window)) && window->size > least)
        window->size /= 2;
    return base;
}

/* Open it for what is wished behind it. */
static struct range window_open(const struct pci_device *bridge, const struct wish *wish)
{
    static const struct range closed = {1, 0};
    struct wish window = {.is_io = wish->is_io, .size = wish->size, .bus = PCI_BUS(bridge->at)};
    u64 base = window_place(bridge, &window), last = base + window.size - 1;
    if (!base)
        return closed;
    if (wish->is_io)
        pci_write16(bridge, PCI_BRIDGE_IO, (u16)((last & 0xf000) | base >> 8));
    else
        pci_write32(bridge, PCI_BRIDGE_MEMORY, (u32)((last & 0xfff00000) | base >> 16));
    struct range r = window_read(bridge, wish->is_io ? PCI_BRIDGE_IO : PCI_BRIDGE_MEMORY);
    if (r.first != base || r.last != last || !taken_add(bridge, wish->is_io, base, window.size, true))
        return closed;
    say_verbose("pci %02x:%02x.%x: bridge passes on %s %lx-%lx", PCI_NAME(bridge), wish->is_io ? "ports" : "memory",
                base, last);
    return r;
}

static u64 place_find(const struct wish *wish)
{
    const struct pci_device *bridge = pci_bridge_to(wish->bus);
    if (!bridge)
        return place_at_root(wish);
    struct range r = window_read(bridge, wish->is_io ? PCI_BRIDGE_IO : PCI_BRIDGE_MEMORY);
    if (r.first > r.last)
        r = window_open(bridge, wish);
    u64 base = r.first <= r.last ? place_in(wish, r.first, r.last) : 0;
    if (base || wish->is_io)
        return base;
    /* Nothing we read has side effects: the other window serves as well. */
    r = window_read(bridge, PCI_BRIDGE_PREFETCH);
    if (r.first > r.last || (!wish->is_64 && r.last >= GIB(4)))
        return 0;
    return place_in(wish, r.first, r.last);
}

/* Give a BAR, whose lower half reads `low`, an address. ERR_NOT_MINE: there is no such BAR. */
static enum error bar_assign(const struct pci_device *device, u32 n, u32 low, u64 *address)
{
    u64 size = bar_size(device, n, low);
    if (!size)
        return ERR_NOT_MINE;
    enum error error = inventory_make();
    if (error)
        return error_add(error, "BAR %u has no address", n);
    struct wish wish = {.is_io = low & PCI_BAR_IO, .is_64 = bar_is_64(low), .size = size, .bus = PCI_BUS(device->at)};
    u64 base = place_find(&wish);
    if (!base)
        return fail(ERR_NOT_FOUND, "BAR %u has no address, and %s%lx bytes of %s are free for it", n,
                    pci_bridge_to(wish.bus) ? "behind its bridge no " : "no ", size, wish.is_io ? "ports" : "memory");
    u16 command = decoding_stop(device);
    pci_write32(device, PCI_BAR0 + n * 4, (u32)base | (low & 15));
    if (wish.is_64)
        pci_write32(device, PCI_BAR0 + n * 4 + 4, (u32)(base >> 32));
    decoding_restore(device, command);
    if (bar_address(device, n, pci_read32(device, PCI_BAR0 + n * 4)) != base ||
        !taken_add(device, wish.is_io, base, size, false))
        return fail(ERR_IO, "BAR %u does not take the address %lx", n, base);
    say_verbose("pci %02x:%02x.%x: BAR %u: %lx bytes of %s at %lx", PCI_NAME(device), n, size,
                wish.is_io ? "ports" : "memory", base);
    *address = base;
    return OK;
}

/* ---- asking ---------------------------------------------------------------------------------------------------- */

/* Nobody has put anything there. */
static bool is_unassigned(const struct pci_device *device, u32 low, u64 address)
{
    bool is_io = low & PCI_BAR_IO;
    u64 ones = is_io ? 0xfffcu : bar_is_64(low) ? ~15ull : 0xfffffff0u;
    if (!address || (address & ones) == ones || address >= (is_io ? PORTS_TOP : MEMORY_END))
        return true;
    const struct mem_range *r = !is_io && pci_machine() ? mem_map_find(&pci_machine()->memory, address) : NULL;
    return (r && r->type == MEM_USABLE) || !is_reachable(device, is_io, address);
}

/* ERR_NOT_MINE: there is no such BAR. */
static enum error bar_find(const struct pci_device *device, u32 n, struct pci_bar *bar)
{
    u32 low = n < PCI_BARS ? pci_read32(device, PCI_BAR0 + n * 4) : 0;
    if (n >= PCI_BARS || (bar_is_64(low) && n + 1 == PCI_BARS))
        return ERR_NOT_MINE;
    u64 address = bar_address(device, n, low);
    enum error error = is_unassigned(device, low, address) ? bar_assign(device, n, low, &address) : OK;
    if (error == OK)
        *bar = (struct pci_bar){.address = address, .is_io = low & PCI_BAR_IO};
    return error;
}

bool pci_bar(const struct pci_device *device, u32 n, struct pci_bar *bar)
{
    enum error error = bar_find(device, n, bar);
    if (error && error != ERR_NOT_MINE) {
        warn("pci %02x:%02x.%x: %s", PCI_NAME(device), error_text());
        error_clear();
    }
    return error == OK;
}

enum error pci_map(const struct pci_device *device, u32 n, u64 offset, u64 size, u64 *address)
{
    struct pci_bar bar;
    enum error error = bar_find(device, n, &bar);
    if (error == ERR_NOT_MINE)
        return fail(ERR_NOT_FOUND, "there is no BAR %u", n);
    if (error)
        return error;
    if (bar.is_io)
        return fail(ERR_UNSUPPORTED, "BAR %u is ports, expected memory", n);
    if (!fits(offset, size, ~0ull - bar.address))
        return fail(ERR_RANGE, "BAR %u at %lx: byte %lx cannot be in it", n, bar.address, offset);
    error = paging_map(bar.address + offset, size);
    if (error == OK)
        *address = bar.address + offset;
    return error;
}
