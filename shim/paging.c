/* paging.c: the identity map, and the two casts between physical addresses and pointers (memory.h).
 *
 * Intel SDM vol. 3A §4.5 (4-level paging). 1 GiB pages where CPUID 8000_0001h EDX bit 26 offers them, else 2 MiB.
 * The first 4 GiB are always mapped; more on request, before it is touched.
 */
#include "cpu.h"
#include "memory.h"
#include "start.h"

#define PRESENT_WRITE 3u
#define LARGE 0x80u
#define CPUID_1GIB_PAGES (1u << 26)
#define ENTRIES 512u

static u64 *pml4;
static bool has_1gib_pages;
static u32 address_bits;

void *mem_at(u64 paddr, u64 size)
{
    (void)size;
    return (void *)paddr;
}

u64 mem_address(const void *pointer)
{
    return (u64)pointer;
}

/* The table that entry points to, made when there is none. */
static u64 *table_below(u64 *entry)
{
    if (!*entry) {
        u64 *table = arena_alloc_page();
        if (!table)
            return NULL;
        *entry = (u64)table | PRESENT_WRITE;
    }
    return (u64 *)align_down(*entry, PAGE_SIZE);
}

static enum error map_1gib(u64 paddr)
{
    u64 *pdpt = table_below(&pml4[paddr >> 39]);
    if (!pdpt)
        return ERR_NO_MEMORY;
    u64 *entry = &pdpt[paddr >> 30 & (ENTRIES - 1)];
    if (*entry)
        return OK;
    if (has_1gib_pages) {
        *entry = paddr | PRESENT_WRITE | LARGE;
        return OK;
    }
    u64 *directory = table_below(entry);
    if (!directory)
        return ERR_NO_MEMORY;
    for (u32 i = 0; i < ENTRIES; i++)
        directory[i] = (paddr + MIB(2) * i) | PRESENT_WRITE | LARGE;
    return OK;
}

enum error paging_map(u64 paddr, u64 size)
{
    if (!size || (paddr < GIB(4) && size <= GIB(4) - paddr))
        return OK;
    u64 end = 1ull << address_bits;
    if (!fits(paddr, size, end))
        return fail(ERR_RANGE, "address %lx and %lx bytes are beyond the processor's %u address bits", paddr, size,
                    address_bits);
    /* A map may name terabytes: their tables leave three quarters of the arena to others. */
    u64 tables = size >> (has_1gib_pages ? 39 : 30);
    if (tables > arena_left() / PAGE_SIZE / 4)
        return fail(ERR_NO_MEMORY, "%lu GiB at %lx take too many page tables", size >> 30, paddr);
    for (u64 at = align_down(paddr, GIB(1)); at < paddr + size; at += GIB(1)) {
        enum error error = map_1gib(at);
        if (error)
            return error;
    }
    return OK;
}

void paging_init(void)
{
    u32 a, b, c, d;
    cpu_id(0x80000000, &a, &b, &c, &d);
    u32 top = a;
    cpu_id(0x80000001, &a, &b, &c, &d);
    has_1gib_pages = d & CPUID_1GIB_PAGES;
    address_bits = 36;
    if (top >= 0x80000008) {
        cpu_id(0x80000008, &a, &b, &c, &d);
        address_bits = (u32)min_u64(a & 0xff, 47); /* the lower canonical half */
    }
    pml4 = arena_alloc_page();
    for (u64 at = 0; at < GIB(4); at += GIB(1))
        if (!pml4 || map_1gib(at))
            panic("no memory for page tables");
    __asm__ volatile("mov %0, %%cr3" ::"r"(pml4) : "memory");
}
