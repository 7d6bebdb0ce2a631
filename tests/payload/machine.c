/* machine.c: registers at the entry, descriptors, page tables. Intel SDM vol. 3A chapters 3, 4, 9; Xen
 * docs/misc/pvh.pandoc; Linux Documentation/arch/x86/boot.rst "32-bit Boot Protocol", "64-bit Boot Protocol". */
#include "conform.h"

#define FLAG_TF 0x100u
#define FLAG_IF 0x200u
#define FLAG_DF 0x400u
#define FLAG_VM 0x20000u
#define CR0_PE 1u
#define CR0_ET 0x10u
#define CR0_PG 0x80000000u
#define CR4_PAE 0x20u
#define CR4_LA57 0x1000u
#define MSR_EFER 0xc0000080u
#define EFER_LME 0x100u
#define EFER_LMA 0x400u
#define CPUID_LM 0x20000000u /* 8000_0001h EDX */
#define BOOT_CS 0x10u
#define BOOT_DS 0x18u

#define ADDRESS_BITS 0x000ffffffffff000ull
#define PRESENT 1u
#define WRITABLE 2u
#define LARGE 0x80u
#define NO_CACHE 0x10u
#define WINDOW_SLOT 511u /* of the first page directory pointer table: [511 GiB, 512 GiB) */

static u64 read_efer(void)
{
    u32 a = 0x80000000u, b, c = 0, d, high;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    if (a < 0x80000001u)
        return 0;
    a = 0x80000001u;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    if (!(d & CPUID_LM))
        return 0;
    __asm__ volatile("rdmsr" : "=a"(a), "=d"(high) : "c"(MSR_EFER));
    return (u64)high << 32 | a;
}

/* ---- descriptors ------------------------------------------------------------------------------------------------- */

struct descriptor {
    u32 base, limit;
    u32 type; /* bits 40 to 47: P, DPL, S, type */
    bool wide, big; /* L, D */
};

/* From the table in memory; false when the selector is beyond it. */
static bool read_descriptor(const struct work *w, u64 selector, struct descriptor *d)
{
    const struct saved *s = w->saved;
    u64 raw;
    if (!(selector & 0xfff8) || selector & 4 || (selector | 7) > s->gdt_limit)
        return false;
    memcpy(&raw, at(s->gdt_base + (selector & 0xfff8)), 8);
    d->base = (u32)(raw >> 16 & 0xffffff) | (u32)(raw >> 56) << 24;
    d->limit = (u32)(raw & 0xffff) | (u32)(raw >> 32 & 0xf0000);
    if (raw >> 55 & 1)
        d->limit = d->limit << 12 | 0xfff;
    d->type = (u32)(raw >> 40) & 0xff;
    d->wide = raw >> 53 & 1;
    d->big = raw >> 54 & 1;
    return true;
}

/* Present, ring 0, flat, of the kind: 9Bh code or 93h data, accessed or not. */
static void check_flat(struct work *w, const char *name, u64 selector, u32 type, bool wide)
{
    struct descriptor d = {0};
    if (!read_descriptor(w, selector, &d)) {
        check(w, false, name, "selector %x is not in the table of limit %x", selector, (u64)w->saved->gdt_limit);
        return;
    }
    bool flat = !d.base && (wide || d.limit == 0xffffffffu);
    bool size = type == 0x9b ? d.wide == wide && d.big == !wide : wide || d.big;
    check(w, flat && size && (d.type | 1) == type, name,
          "selector %x: found base %x limit %x type %x L %u D %u expected type %x", selector, (u64)d.base,
          (u64)d.limit, (u64)d.type, (u64)d.wide, (u64)d.big, (u64)type);
}

static void check_segments(struct work *w, bool wide)
{
    const struct saved *s = w->saved;
    check_flat(w, "cs descriptor", s->cs, 0x9b, wide);
    check_flat(w, "ds descriptor", s->ds, 0x93, wide);
    check_flat(w, "es descriptor", s->es, 0x93, wide);
    check_flat(w, "ss descriptor", s->ss, 0x93, wide);
}

/* The hidden parts count, not the table: the same bytes through each of them, and writable. */
static void check_hidden(struct work *w)
{
#ifndef __x86_64__
    const u32 *magic = (const u32 *)(const void *)w->seal->magic;
    u32 by_cs, by_es, by_ss, before = *(volatile u32 *)w->stack;
    __asm__ volatile("movl %%cs:(%1), %0" : "=r"(by_cs) : "r"(magic));
    __asm__ volatile("movl %%es:(%1), %0" : "=r"(by_es) : "r"(magic));
    __asm__ volatile("movl %%ss:(%1), %0" : "=r"(by_ss) : "r"(magic));
    check(w, by_cs == *magic && by_es == *magic && by_ss == *magic, "segments flat",
          "found %x %x %x by cs, es, ss expected %x", (u64)by_cs, (u64)by_es, (u64)by_ss, (u64)*magic);
    __asm__ volatile("movl %1, %%es:(%0)" ::"r"(w->stack), "r"(0x12345678u) : "memory");
    check_equal(w, "es writable", *(volatile u32 *)w->stack, 0x12345678u);
    *(volatile u32 *)w->stack = before;
#else
    (void)w;
#endif
}

static void check_task(struct work *w)
{
    struct descriptor d = {0};
    if (!check(w, w->saved->tr & 0xfff8, "tr", "found selector %x expected a loaded task register", w->saved->tr))
        return;
    if (!check(w, read_descriptor(w, w->saved->tr, &d), "tr descriptor", "selector %x is not in the table",
               w->saved->tr))
        return;
    check_equal(w, "tr base", d.base, 0);
    check_equal(w, "tr limit", d.limit, 0x67);
    check_equal(w, "tr type", d.type, 0x8b); /* busy 32-bit TSS */
}

static void check_pvh(struct work *w, u64 efer)
{
    const struct saved *s = w->saved;
    check_equal(w, "cr0", s->cr0 & ~(u64)CR0_ET, CR0_PE);
    check_equal(w, "cr4", s->cr4, 0);
    check_equal(w, "efer", efer, 0);
    check_segments(w, false);
    check_hidden(w);
    check_task(w);
}

static void check_boot_selectors(struct work *w)
{
    const struct saved *s = w->saved;
    check_equal(w, "cs", s->cs, BOOT_CS);
    check_equal(w, "ds", s->ds, BOOT_DS);
    check_equal(w, "es", s->es, BOOT_DS);
    check_equal(w, "ss", s->ss, BOOT_DS);
}

static void check_linux32(struct work *w, u64 efer)
{
    const struct saved *s = w->saved;
    check_equal(w, "cr0 PG, PE", s->cr0 & (CR0_PG | CR0_PE), CR0_PE);
    check_equal(w, "efer LMA", efer & EFER_LMA, 0);
    check_boot_selectors(w);
    check_segments(w, false);
    check_hidden(w);
    check_equal(w, "ebp", s->bp, 0);
    check_equal(w, "edi", s->di, 0);
    check_equal(w, "ebx", s->bx, 0);
}

static void check_linux64(struct work *w, u64 efer)
{
    const struct saved *s = w->saved;
    check_equal(w, "cr0 PG, PE", s->cr0 & (CR0_PG | CR0_PE), CR0_PG | CR0_PE);
    check_equal(w, "cr4 PAE", s->cr4 & CR4_PAE, CR4_PAE);
    check_equal(w, "efer LMA, LME", efer & (EFER_LMA | EFER_LME), EFER_LMA | EFER_LME);
    check_boot_selectors(w);
    check_segments(w, true);
}

void check_registers(struct work *w)
{
    u64 efer = read_efer();
    check_equal(w, "flags IF", w->saved->flags & FLAG_IF, 0);
    check_equal(w, "flags DF", w->saved->flags & FLAG_DF, 0);
    check_equal(w, "flags TF, VM", w->saved->flags & (FLAG_TF | FLAG_VM), 0);
    if (w->saved->kind == KIND_PVH)
        check_pvh(w, efer);
    else if (w->saved->kind == KIND_LINUX64)
        check_linux64(w, efer);
    else
        check_linux32(w, efer);
}

/* ---- paging ------------------------------------------------------------------------------------------------------ */

#ifdef __x86_64__

/* Where the tables send address, and how much further that holds; ~0 when they do not, or not for writing. */
static u64 walk(const struct work *w, u64 address, u64 *span)
{
    u64 table = w->saved->cr3 & ADDRESS_BITS;
    for (u32 shift = w->saved->cr4 & CR4_LA57 ? 48 : 39;; shift -= 9) {
        u64 entry = ((const u64 *)at(table))[address >> shift & 511], size = 1ull << shift;
        *span = size - (address & (size - 1));
        if (!(entry & PRESENT) || !(entry & WRITABLE))
            return ~0ull;
        if (shift == 12 || (entry & LARGE && shift <= 30))
            return (entry & ADDRESS_BITS & ~(size - 1)) | (address & (size - 1));
        table = entry & ADDRESS_BITS;
    }
}

void check_mapped(struct work *w, const char *name, u64 base, u64 size)
{
    u64 found = base, span;
    while (size && (found = walk(w, base, &span)) == base) {
        base += span;
        size = span < size ? size - span : 0;
    }
    check(w, !size, name, "found %x at %x expected the same, writable", found, base);
}

/* The first 4 GiB, the GiBs that we stand in, and a window for view(). */
static void load_pages(struct work *w)
{
    u64 *top = w->tables[0], *directories = w->tables[1], *spare = w->tables[6];
    if (w->saved->cr4 & CR4_LA57 || w->image >= (u64)WINDOW_SLOT << 30)
        return;
    top[0] = (uintptr_t)directories | PRESENT | WRITABLE;
    for (u32 gib = 0; gib < 4; gib++) {
        u64 *pages = w->tables[2 + gib];
        for (u32 i = 0; i < 512; i++)
            pages[i] = ((u64)gib << 30 | (u64)i << 21) | PRESENT | WRITABLE | LARGE;
        directories[gib] = (uintptr_t)pages | PRESENT | WRITABLE;
    }
    for (u64 gib = w->image >> 30; gib <= ((uintptr_t)w + WORK_SIZE) >> 30; gib++) {
        if (gib < 4)
            continue;
        for (u32 i = 0; i < 512; i++)
            spare[i] = (gib << 30 | (u64)i << 21) | PRESENT | WRITABLE | LARGE;
        directories[gib] = (uintptr_t)spare | PRESENT | WRITABLE;
        spare += 512;
    }
    directories[WINDOW_SLOT] = (uintptr_t)w->tables[8] | PRESENT | WRITABLE;
    __asm__ volatile("mov %0, %%cr3" ::"r"((u64)(uintptr_t)top) : "memory");
}

void *view(struct work *w, u64 address, u64 *size)
{
    u64 *pages = w->tables[8], inside = address & 0x1fffff, window = (u64)WINDOW_SLOT << 30;
    if (address < GIB4) {
        if (*size > GIB4 - address)
            *size = GIB4 - address;
        return at(address);
    }
    pages[0] = (address - inside) | PRESENT | WRITABLE | LARGE | NO_CACHE;
    __asm__ volatile("invlpg (%0)" ::"r"(window) : "memory");
    if (*size > 0x200000 - inside)
        *size = 0x200000 - inside;
    return at(window + inside);
}

#else

void check_mapped(struct work *w, const char *name, u64 base, u64 size)
{
    (void)w, (void)name, (void)base, (void)size;
}

static void load_pages(struct work *w) { (void)w; }

void *view(struct work *w, u64 address, u64 *size)
{
    (void)w;
    if (address >= GIB4)
        return NULL;
    if (*size > GIB4 - address)
        *size = GIB4 - address;
    return at(address);
}

#endif

/* ---- own tables -------------------------------------------------------------------------------------------------- */

_Noreturn void exception(u32 vector, const uintptr_t *frame);
_Noreturn void exception(u32 vector, const uintptr_t *frame)
{
    bool has_code = vector == 8 || (vector >= 10 && vector <= 14) || vector == 17;
    uintptr_t address = 0;
    __asm__ volatile("mov %%cr2, %0" : "=r"(address));
    say("conform: FAIL exception %u at %x, code %x, cr2 %x\n", (u64)vector, (u64)frame[has_code],
        has_code ? (u64)frame[0] : 0, (u64)address);
    leave(false);
}

static void set_gate(struct work *w, u32 vector)
{
    u64 to = (uintptr_t)exception_stubs + vector * 16;
    u64 gate = (to & 0xffff) | (u64)BOOT_CS << 16 | 0x8eull << 40 | (to >> 16 & 0xffff) << 48;
#ifdef __x86_64__
    w->idt[vector * 2] = gate;
    w->idt[vector * 2 + 1] = to >> 32;
#else
    w->idt[vector] = gate;
#endif
}

void take_over(struct work *w)
{
    const u64 code = sizeof(uintptr_t) == 8 ? 0x00af9b000000ffffull : 0x00cf9b000000ffffull;
    w->gdt[BOOT_CS / 8] = code;
    w->gdt[BOOT_DS / 8] = 0x00cf93000000ffffull;
    for (u32 i = 0; i < 32; i++)
        set_gate(w, i);
    struct table_register gdt = {sizeof w->gdt - 1, (uintptr_t)w->gdt};
    struct table_register idt = {32 * 2 * sizeof(uintptr_t) - 1, (uintptr_t)w->idt};
    load_tables(&gdt, &idt);
    load_pages(w);
}
