/* bios_call.c: is there a BIOS, and where may it be called from (bios_call.h)?
 *
 * Ralf Brown's Interrupt List, memory 0040h. For INT 13h (int13.c) and INT 16h (keyboard_bios.c), by whose tests it is
 * exercised.
 */
#include "bios_call.h"
#include "memory.h"
#include "print.h"

/* BIOS data area and the rest of what a BIOS leaves in memory */
#define BDA_COM_PORTS 0x400u /* four */
#define BDA_EBDA 0x40eu      /* segment; 0: none */
#define BDA_MEMORY_KIB 0x413u
#define RESET_VECTOR 0xffff0u
#define FAR_JUMP 0xea
#define F_SEGMENT 0xf000u
#define BIOS_AREA 0xc0000u
#define BIOS_AREA_END 0x100000u
#define LOW_MEMORY_END 0xa0000u
#define MEMORY_KIB_MIN 128u
#define MEMORY_KIB_MAX 640u

static u16 peek16(u64 paddr)
{
    return (u16)load_le(mem_at(paddr, 2), 2);
}

/* An interrupt leads to code: in ROM, or above what the BIOS says of base memory, where it and network boot ROMs keep
 * theirs. */
static bool vector_leads_to_code(u32 number, u64 memory_end)
{
    u64 to = ((u64)peek16(number * 4 + 2) << 4) + peek16(number * 4);
    bool inside = (to >= BIOS_AREA && to < BIOS_AREA_END - 4) || (to >= memory_end && to < LOW_MEMORY_END - 4);
    if (!inside)
        return false;
    u16 code = peek16(to), more = peek16(to + 2);
    return code != more || (code && code != 0xffff);
}

/* The door tells nothing: PVH under QEMU has SeaBIOS behind it or qboot, GRUB comes from a BIOS or from UEFI. What only
 * a BIOS leaves in memory must agree instead: qboot has the vectors, or destroys them, but no disks and no vector 13h
 * of its own; UEFI and VMMs without firmware have nothing. */
const char *bios_missing(void)
{
    static const u8 needed[] = {0x08, 0x09, 0x10, 0x13, 0x15, 0x16, 0x1a, 0x70, 0x76};
    const u8 *jump = mem_at(RESET_VECTOR, 5);
    if (*jump != FAR_JUMP || peek16(RESET_VECTOR + 3) != F_SEGMENT)
        return "no far jump to the F segment at ffff0";
    u16 memory_kib = peek16(BDA_MEMORY_KIB);
    u64 memory_end = KIB(memory_kib), ebda = (u64)peek16(BDA_EBDA) << 4;
    if (memory_kib < MEMORY_KIB_MIN || memory_kib > MEMORY_KIB_MAX)
        return "no base memory at 413";
    if (ebda && (ebda < memory_end || ebda >= LOW_MEMORY_END))
        return "no EBDA where 40e says";
    for (u32 i = 0; i < 4; i++) {
        u16 port = peek16(BDA_COM_PORTS + i * 2);
        if (port && port < 0x100)
            return "no serial ports where 400 says";
    }
    for (u32 i = 0; i < ARRAY_COUNT(needed); i++)
        if (!vector_leads_to_code(needed[i], memory_end))
            return format_copy("interrupt %xh leads nowhere", needed[i]);
    return NULL;
}

/* Clear of what loaders left there, and of the BIOS's own whatever the map says: v86 has all of 640 KiB usable, EBDA
 * and all. */
bool bios_place(const struct boot_info *boot, u64 size, const char *owner, u64 *base)
{
    u64 mark = arena_mark();
    struct mem_space *space = arena_alloc(sizeof *space, 8);
    enum error error = space ? OK : ERR_NO_MEMORY;
    if (space)
        space->map = &boot->memory;
    for (u32 i = 0; !error && i < boot->record_count; i++)
        error = mem_claim_force(space, boot->record[i].base, boot->record[i].size, "record");
    for (u32 i = 0; !error && i < boot->module_count; i++)
        error = mem_claim_force(space, boot->module[i].base, boot->module[i].size, "module");
    u64 end = KIB(peek16(BDA_MEMORY_KIB));
    if (!error)
        error = mem_place(space, size, PAGE_SIZE, PAGE_SIZE, end, MEM_FROM_TOP, owner, base);
    error_clear();
    arena_release(mark);
    return error == OK;
}
