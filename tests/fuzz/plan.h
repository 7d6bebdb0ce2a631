/* plan.h: for targets whose bytes are a kernel: recognised, planned, read and prepared; every byte that is written
 * must be claimed, once. The first 8 bytes choose the surroundings, the rest is the file:
 *     0  bit 0: RAM above 4 GiB; 1: no low memory; 2: a framebuffer; 3: the file goes on with zeros up to 1 MiB;
 *        4: many ranges of memory; 5: the first initrd is claimed where it lies, as a module; 6: there is a BIOS
 *     1  bits 0-1: initrds, bits 4-5: modules     2-3  length of the command line     4-7  size of an initrd
 */
#ifndef PLAN_H
#define PLAN_H

#include "host.h"

#include "payload.h"

#define KERNEL_AT GIB(2)
#define KERNEL_MAX MIB(1)
#define INITRD_AT MIB(200)
#define WRITE_MAX MIB(1) /* larger pieces are not really written: time */

static struct boot_info boot;
static struct mem_space space;
static struct payload p;

static void make_memory(u8 options)
{
    memset(&boot, 0, sizeof boot);
    boot.cmdline = boot.loader = boot.door = "";
    if (!(options & 2))
        mem_map_add(&boot.memory, PAGE_SIZE, 0x9e000, MEM_USABLE);
    mem_map_add(&boot.memory, 0xf0000, 0x10000, MEM_RESERVED);
    mem_map_add(&boot.memory, MIB(1), MIB(255), MEM_USABLE);
    if (options & 1)
        mem_map_add(&boot.memory, GIB(4), GIB(2), MEM_USABLE);
    for (u32 i = 0; options & 16 && i < 200; i++)
        mem_map_add(&boot.memory, GIB(8) + i * MIB(1), 0x8000, i % 3 ? MEM_RESERVED : MEM_USABLE);
    if (options & 4)
        boot.framebuffer = (struct framebuffer){0xfd000000, 1024, 768, 4096, 32, 16, 8, 8, 8, 0, 8};
    space = (struct mem_space){.map = &boot.memory};
    mem_claim_force(&space, MIB(248), MIB(8), "shim");
}

static void make_payload(const struct payload_protocol *protocol, const u8 *data, size_t size)
{
    static u64 dirty;
    static char cmdline[65536];
    static const u8 none[8];
    const u8 *control = size >= 8 ? data : none;
    u32 length, initrd_size;
    size = size >= 8 ? min_u64(size - 8, KERNEL_MAX) : 0;
    if (dirty > size)
        memset(mem_at(KERNEL_AT + size, dirty - size), 0, dirty - size);
    host_poke(KERNEL_AT, data + 8, size);
    dirty = size;
    make_memory(control[0]);
    memset(cmdline, 'c', sizeof cmdline);
    length = control[2] | (u32)control[3] << 8;
    cmdline[length] = 0;
    memcpy(&initrd_size, control + 4, 4);
    memset(&p, 0, sizeof p);
    p.protocol = protocol;
    p.cmdline = cmdline;
    file_of_memory(&p.kernel, "kernel", KERNEL_AT, control[0] & 8 ? KERNEL_MAX : size);
    p.head = mem_at(KERNEL_AT, HEAD_SIZE);
    p.head_size = (u32)min_u64(p.kernel.size, HEAD_SIZE);
    for (; p.initrd_count < (control[1] & 3); p.initrd_count++)
        file_of_memory(&p.initrd[p.initrd_count], "initrd", INITRD_AT, initrd_size);
    for (; p.module_count < (control[1] >> 4 & 3); p.module_count++) {
        p.module_text[p.module_count] = p.module_count ? "text" : "";
        file_of_memory(&p.module[p.module_count], "module", KERNEL_AT, size);
    }
    if (control[0] & 32 && initrd_size)
        mem_claim_force(&space, INITRD_AT, initrd_size, "module 0");
}

/* From the second claim on (the shim's is the first): usable memory, each byte claimed once. */
static void check_claims(void)
{
    for (u32 i = 1; i < space.count; i++) {
        const struct mem_range *c = &space.claim[i];
        if (!strcmp(c->owner, "module 0"))
            continue;
        if (!mem_map_usable(&boot.memory, c->base, c->size))
            panic("%s [%lx, + %lx) is not all usable", c->owner, c->base, c->size);
        for (u32 n = 0; n < i; n++)
            if (ranges_overlap(c->base, c->size, space.claim[n].base, space.claim[n].size))
                panic("%s and %s overlap", c->owner, space.claim[n].owner);
    }
}

static bool claimed(u64 base, u64 size)
{
    for (u32 i = 1; i < space.count; i++)
        if (base >= space.claim[i].base && fits(base - space.claim[i].base, size, space.claim[i].size))
            return true;
    return !size;
}

static void read_placement(const struct placement *piece)
{
    if (!claimed(piece->dest, piece->mem_size) || piece->file_size > piece->mem_size)
        panic("%s [%lx, + %lx) is not claimed", piece->what, piece->dest, piece->mem_size);
    if (piece->mem_size > WRITE_MAX || piece->dest >= GIB(4))
        return;
    u8 *dest = mem_at(piece->dest, piece->mem_size);
    u64 loaded = piece->from ? piece->file_size : 0;
    if (piece->from && file_read(piece->from, piece->file_offset, piece->file_size, dest))
        panic("%s: a plan that cannot be read: %s", piece->what, error_text());
    memset(dest + loaded, 0, piece->mem_size - loaded);
}

static void plan_kernel(const struct payload_protocol *protocol, const u8 *data, size_t size)
{
    host_reset();
    log_level = LOG_QUIET;
    make_payload(protocol, data, size);
    enum error error = protocol->recognise(p.head, p.head_size, p.kernel.size);
    if ((error == ERR_NOT_MINE || !error) != !error_text()[0])
        panic("error %u with the sentence \"%s\"", error, error_text());
    if (!error)
        error = protocol->plan(&p, &space);
    if (error)
        return;
    check_claims();
    for (u32 i = 0; i < p.placement_count; i++)
        read_placement(&p.placement[i]);
    *(u32 *)mem_at(0x40, 4) = *(u32 *)mem_at(0x4c, 4) = data[0] & 64 ? 0xf000e3fe : 0;
    if (!claimed(min_u64(p.record, p.cmdline_address), p.record_size) ||
        !claimed(p.cmdline_address, strlen(p.cmdline) + 1))
        panic("record [%lx, + %lx), command line at %lx: not claimed", p.record, p.record_size, p.cmdline_address);
    if (p.mode != HANDOFF_REAL && !claimed(p.entry_point, 1))
        panic("entry %lx is not claimed", p.entry_point);
    protocol->prepare(&p, &boot);
}

#endif
