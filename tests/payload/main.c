/* main.c: the conformance payload from start to verdict.
 *
 * Words on its command line: `expect-initrd=N` (exactly N pieces of make_initrd.py), `expect-rsdp` (an ACPI root
 * pointer is a must), `stay` (halt at the end, so that a debugger or a monitor can look around).
 */
#include "conform.h"

/* The compiler may call these three. */
void *memset(void *to, int value, size_t size);
void *memset(void *to, int value, size_t size)
{
    u8 *p = to;
    while (size--)
        *p++ = (u8)value;
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    u8 *p = to;
    const u8 *q = from;
    while (size--)
        *p++ = *q++;
    return to;
}

int memcmp(const void *a, const void *b, size_t size);
int memcmp(const void *a, const void *b, size_t size)
{
    const u8 *p = a, *q = b;
    for (; size; size--, p++, q++)
        if (*p != *q)
            return *p - *q;
    return 0;
}

static const char *kind_name(u64 kind)
{
    return kind == KIND_PVH ? "pvh" : kind == KIND_LINUX64 ? "linux64" : "linux32";
}

static void check_place(struct work *w)
{
    const struct seal *seal = w->seal;
    if (w->saved->kind == KIND_PVH && seal->reloc_align)
        check(w, !(w->image & (seal->reloc_align - 1)), "load address", "found %x expected a multiple of %x", w->image,
              (u64)seal->reloc_align);
    else if (w->saved->kind == KIND_PVH)
        check_equal(w, "load address", w->image, seal->load_address);
}

_Noreturn void conform_main(u8 *image, struct work *w);
_Noreturn void conform_main(u8 *image, struct work *w)
{
    struct saved *saved = (struct saved *)(image + SAVED_AT);
    w->seal = (struct seal *)(image + SEAL_AT);
    w->saved = saved;
    w->image = (uintptr_t)image;
    say("\nconform: entered by %s at %x\n", kind_name(saved->kind), w->image);

    bool pvh = saved->kind == KIND_PVH;
    u64 record = pvh ? saved->bx : saved->si;
    check_registers(w);
    check_place(w);
    check_image(w);
    if (pvh) {
        check(w, !saved->dirty, "bss", "found a byte that is not 0 near %x expected 0", saved->dirty);
        check_start_info(w, record);
    } else {
        check_zero_page(w, record);
    }
    if (w->cmdline)
        say("conform: cmdline \"%q\"\n", w->cmdline);
    take_over(w);
    if (pvh)
        check_modules(w, record);
    else
        check_initrd(w, record);
    const char *pieces = option(w, "expect-initrd=");
    if (pieces)
        check(w, w->pieces == number(pieces), "initrd pieces", "found %u expected %u", (u64)w->pieces, number(pieces));
    if (option(w, "expect-rsdp"))
        check(w, w->rsdp, "rsdp given", "found 0 expected an address");
    check_pci(w);
    bool stay = option(w, "stay");
    probe_memory(w);
    verdict(w, stay);
}
