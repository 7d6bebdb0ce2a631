/* start.c: from where the loader put us to the top of usable memory below 4 GiB.
 *
 * The image at 1 MiB reads the loader's record only to learn which memory is free, copies itself there and starts the copy
 * afresh, which reads the record again and keeps what it reads. So no pointer of the first run has to be translated.
 */
#include "cpu.h"
#include "memory.h"
#include "print.h"
#include "start.h"

/* link.ld and entry.asm */
extern u8 image_start[], image_data_end[], image_end[], bss_start[], bss_end[], stack_top[];
extern const u8 rela_start[], rela_end[];
_Noreturn void start_jump(u64 stack, u64 function, u64 a, u64 b, u64 c);

/* System V AMD64 ABI §4.4: the only relocation that a position independent image without symbols has. */
#define R_X86_64_RELATIVE 8

struct elf64_rela {
    u64 offset, info;
    i64 addend;
};

#define LINKED_AT 0x100000u

static u8 first_arena[KIB(80)] __attribute__((section(".noinit"), aligned(16)));

/* Pointers in the image at `base` are made to point into it. */
static void relocate(u64 base)
{
    const struct elf64_rela *rela = (const struct elf64_rela *)rela_start;
    for (; rela < (const struct elf64_rela *)rela_end; rela++)
        if ((u32)rela->info == R_X86_64_RELATIVE)
            *(u64 *)(base + rela->offset - LINKED_AT) = base + (u64)rela->addend - LINKED_AT;
}

/* Memory for a copy of the image and its arena; the largest arena that is to be had. */
static bool find_place(struct start_place *place)
{
    static struct mem_space space;
    static const u64 arena_sizes[] = {MIB(8), MIB(4), MIB(2), KIB(1280)};
    u64 image = (u64)(image_end - image_start);
    space.map = &boot.memory;
    mem_claim_force(&space, LINKED_AT, image, "image");
    for (u32 i = 0; i < boot.module_count; i++)
        mem_claim_force(&space, boot.module[i].base, boot.module[i].size, "module");
    for (u32 i = 0; i < boot.record_count; i++)
        mem_claim_force(&space, boot.record[i].base, boot.record[i].size, "record");
    for (u32 i = 0; i < ARRAY_COUNT(arena_sizes); i++) {
        u64 size = image + arena_sizes[i];
        if (mem_place(&space, size, PAGE_SIZE, MIB(1), GIB(4), MEM_FROM_TOP, "shim", &place->base) == OK) {
            place->image_size = image;
            place->size = size;
            return true;
        }
    }
    return false;
}

/* In the copy, on its own stack, with a zeroed BSS. size: of the image and its arena. */
static _Noreturn void start_moved(u64 door, u64 record, u64 size)
{
    struct start_place place = {
        .base = (u64)image_start,
        .image_size = (u64)(image_end - image_start),
        .size = size,
    };
    arena_init(image_end, size - place.image_size);
    cpu_init();
    paging_init();
    shim_main((u32)door, record, &place);
}

_Noreturn void start_main(u32 door, u64 record)
{
    struct start_place place;
    relocate(LINKED_AT);
    cpu_init();
    arena_init(first_arena, sizeof first_arena);
    boot_info_read(&boot, door, record);
    if (!find_place(&place))
        panic("no %u KiB of free memory below 4 GiB to work in (%lu MiB usable; %s)",
              (u32)((image_end - image_start + KIB(1280)) >> 10), mem_map_total(&boot.memory) >> 20,
              boot.problem ? boot.problem : "see the loader's memory map");
    memcpy((void *)place.base, image_start, (size_t)(image_data_end - image_start));
    memset((void *)(place.base + (u64)(bss_start - image_start)), 0, (size_t)(bss_end - bss_start));
    relocate(place.base);
    u64 delta = place.base - LINKED_AT;
    start_jump((u64)stack_top + delta, (u64)start_moved + delta, door, record, place.size);
}
