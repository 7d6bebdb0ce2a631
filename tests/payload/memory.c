/* memory.c: the memory map as given, what lies where, and whether RAM is RAM. */
#include "conform.h"

#define HOLE_START 0xa0000u
#define HOLE_END 0x100000u

void map_add(struct work *w, u64 base, u64 size, u32 type)
{
    if (w->ranges < RANGES_MAX)
        w->range[w->ranges++] = (struct range){base, size, type};
}

/* Sorted, disjoint, nothing empty or wrapping, no RAM where the PC has its hole. */
void check_map(struct work *w)
{
    u32 wrong = w->ranges, hole = w->ranges;
    u64 usable = 0;
    for (u32 i = 0; i < w->ranges; i++) {
        const struct range *r = &w->range[i];
        bool bad = !r->size || r->size - 1 > ~r->base || !r->type;
        if (i && r->base < r[-1].base + r[-1].size)
            bad = true;
        if (bad && wrong == w->ranges)
            wrong = i;
        if (r->type != TYPE_USABLE)
            continue;
        usable += r->size;
        if (r->base < HOLE_END && r->base + r->size > HOLE_START)
            hole = i;
    }
    const struct range *bad = &w->range[wrong], *low = &w->range[hole];
    say("conform: map of %u ranges, %u KiB usable\n", (u64)w->ranges, usable >> 10);
    check(w, w->ranges && usable, "map filled", "found %u ranges, %u bytes usable", (u64)w->ranges, usable);
    check(w, wrong == w->ranges, "map sorted", "found range %u [%x,+%x) type %u expected sorted, disjoint, none empty",
          (u64)wrong, bad->base, bad->size, (u64)bad->type);
    check(w, hole == w->ranges, "map low", "found usable [%x,+%x) expected none in [a0000,100000)", low->base,
          low->size);
}

/* Neighbouring usable ranges count as one. */
static bool is_usable(const struct work *w, u64 base, u64 size)
{
    for (u32 i = 0; i < w->ranges && size; i++) {
        const struct range *r = &w->range[i];
        if (r->type != TYPE_USABLE || base < r->base || base - r->base >= r->size)
            continue;
        u64 here = r->size - (base - r->base);
        if (here >= size)
            return true;
        base += here, size -= here;
    }
    return !size;
}

void claim(struct work *w, const char *name, u64 base, u64 size)
{
    const char *other = NULL;
    u64 other_base = 0, other_size = 0;
    for (u32 i = 0; i < w->claims; i++) {
        const struct claim *c = &w->claim[i];
        if (base < c->base + c->size && c->base < base + size) {
            other = c->name;
            other_base = c->base;
            other_size = c->size;
        }
    }
    say("conform: %s at [%x,%x)\n", name, base, base + size);
    check(w, is_usable(w, base, size), "in RAM", "%s [%x,+%x) expected in usable memory", name, base, size);
    check(w, !other, "apart", "%s [%x,+%x) overlaps %s [%x,+%x)", name, base, size, other ? other : "", other_base,
          other_size);
    if (w->claims < CLAIMS_MAX)
        w->claim[w->claims++] = (struct claim){name, base, size};
}

static u8 sum_bytes(const u8 *p, u32 size)
{
    u8 sum = 0;
    while (size--)
        sum = (u8)(sum + *p++);
    return sum;
}

/* ACPI 6.5 §5.2.5.3 */
void check_rsdp(struct work *w, u64 address)
{
    w->rsdp = address;
    if (!address) {
        say("conform: rsdp none\n");
        return;
    }
    if (!check(w, address < GIB4, "rsdp address", "found %x expected below 4 GiB", address))
        return;
    const u8 *rsdp = at(address);
    u32 length = 0;
    if (!check(w, !__builtin_memcmp(rsdp, "RSD PTR ", 8), "rsdp signature", "found none at %x", address))
        return;
    check(w, !sum_bytes(rsdp, 20), "rsdp checksum", "found %x expected 0", (u64)sum_bytes(rsdp, 20));
    if (rsdp[15] < 2)
        return;
    memcpy(&length, rsdp + 20, 4);
    check(w, length >= 33 && length < 4096 && !sum_bytes(rsdp, length), "rsdp extended checksum",
          "found a bad one over %u bytes", (u64)length);
}

/* ---- is RAM RAM? ------------------------------------------------------------------------------------------------- */

static void probe_add(struct work *w, u64 address)
{
    u64 own_end = (uintptr_t)w + WORK_SIZE;
    if (address < own_end && address + 8 > w->image)
        return;
    for (u32 i = 0; i < w->probes; i++)
        if (w->probe[i].address == address)
            return;
    if (w->probes < PROBES_MAX)
        w->probe[w->probes++] = (struct probe){.address = address};
}

static volatile u64 *cell(struct work *w, u64 address)
{
    u64 size = 8;
    return view(w, address, &size);
}

/* First and last quadword of each usable range and of its eighths. Distinct values go to all of them before the first
 * is read back, so that two addresses of one cell show; afterwards all is as before. */
void probe_memory(struct work *w)
{
    u64 wrong = 0, found = 0, expected = 0;
    u32 skipped = 0, bad = 0;
    for (u32 i = 0; i < w->ranges; i++) {
        const struct range *r = &w->range[i];
        if (r->type != TYPE_USABLE || r->size < PAGE || r->base >= 512ull << 30)
            continue;
        for (u32 part = 0; part < 8; part++)
            probe_add(w, ((r->base + 7) & ~7ull) + ((r->size >> 3) * part & ~7ull));
        probe_add(w, ((r->base + r->size) & ~7ull) - 8);
    }
    for (u32 i = 0; i < w->probes; i++) {
        struct probe *p = &w->probe[i];
        volatile u64 *to = cell(w, p->address);
        skipped += !to;
        if (!to)
            continue;
        p->before = *to;
        p->pattern = 0x9e3779b97f4a7c15ull * (i + 1) ^ p->address;
        *to = p->pattern;
    }
    for (u32 i = 0; i < w->probes; i++) {
        const struct probe *p = &w->probe[i];
        volatile u64 *from = cell(w, p->address);
        if (!from || *from == p->pattern)
            continue;
        bad++;
        wrong = p->address, found = *from, expected = p->pattern;
    }
    for (u32 i = w->probes; i--;) {
        volatile u64 *to = cell(w, w->probe[i].address);
        if (to)
            *to = w->probe[i].before;
    }
    say("conform: %u places probed, %u out of reach\n", (u64)(w->probes - skipped), (u64)skipped);
    check(w, !bad, "usable memory", "%u places, the last at %x: found %x expected %x", (u64)bad, wrong, found,
          expected);
}
