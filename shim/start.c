/* start.c: from where the loader put us to the top of usable memory below 4 GiB.
 *
 * The core reads the loader's record where it was unpacked, only to learn which memory is free, copies itself there and
 * starts the copy afresh, which reads the record again and keeps what it reads. So no pointer of the first run has to
 * be translated.
 */
#include "cpu.h"
#include "memory.h"
#include "print.h"
#include "start.h"

/* core.ld */
extern u8 core_start[], core_data_end[], core_end[], bss_start[], bss_end[], stack_top[];
extern const u64 relr_start[], relr_end[];

#define LOADED_AT MIB(1) /* shim.elf; the core is linked for, and unpacked to, a place behind it */

u8 start_work[START_WORK] __attribute__((section(".noinit"), aligned(16)));

/* The pointers in a copy of the core that lies `delta` above the place it is linked for. They are listed as the generic
 * ABI's SHT_RELR says: the address of a pointer, then bitmaps (bit 0 set) for the 63 words behind each. */
static void relocate(u64 delta)
{
    u64 *where = NULL;
    for (const u64 *relr = relr_start; relr < relr_end; relr++) {
        if (!(*relr & 1)) {
            where = (u64 *)(*relr + delta);
            *where++ += delta;
            continue;
        }
        for (u32 i = 0; i < 63; i++)
            if (*relr >> (i + 1) & 1)
                where[i] += delta;
        where += 63;
    }
}

/* To a function of the copy, on the copy's stack. */
static _Noreturn void jump(u64 stack, u64 function, u64 door, u64 record, u64 size)
{
    __asm__ volatile("mov %0, %%rsp; xor %%ebp, %%ebp; push %%rbp; jmp *%1" ::"r"(stack), "r"(function), "D"(door),
                     "S"(record), "d"(size)
                     : "memory");
    __builtin_unreachable();
}

/* Memory for a copy of the core and its arena: a large one where there is plenty, the smallest that will do else. */
static bool find_place(struct start_place *place)
{
    static struct mem_space space;
    static const u64 arena_sizes[] = {MIB(32), MIB(8), MIB(4), MIB(2), KIB(1280)};
    u64 image = (u64)(core_end - core_start);
    space.map = &boot.memory;
    mem_claim_force(&space, LOADED_AT, (u64)core_end - LOADED_AT, "image");
    for (u32 i = 0; i < boot.module_count; i++)
        mem_claim_force(&space, boot.module[i].base, boot.module[i].size, "module");
    for (u32 i = 0; i < boot.record_count; i++)
        mem_claim_force(&space, boot.record[i].base, boot.record[i].size, "record");
    for (u32 i = 0; i < ARRAY_COUNT(arena_sizes); i++) {
        u64 size = image + arena_sizes[i];
        bool last = i == ARRAY_COUNT(arena_sizes) - 1;
        if (!last && arena_sizes[i] > mem_map_total(&boot.memory) / 16)
            continue;
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
        .base = (u64)core_start,
        .image_size = (u64)(core_end - core_start),
        .size = size,
    };
    arena_init(core_end, size - place.image_size);
    cpu_init();
    paging_init();
    shim_main((u32)door, record, &place);
}

_Noreturn void start_main(u32 door, u64 record)
{
    struct start_place place;
    cpu_init();
    arena_init(start_work, sizeof start_work);
    boot_record_read(&boot, door, record);
    if (!find_place(&place))
        panic("no %u KiB of free memory below 4 GiB to work in (%lu MiB usable; %s)",
              (u32)((core_end - core_start + KIB(1280)) >> 10), mem_map_total(&boot.memory) >> 20,
              boot.problem ? boot.problem : "see the loader's memory map");
    memcpy((void *)place.base, core_start, (size_t)(core_data_end - core_start));
    memset((void *)(place.base + (u64)(bss_start - core_start)), 0, (size_t)(bss_end - bss_start));
    u64 delta = place.base - (u64)core_start;
    relocate(delta);
    jump((u64)stack_top + delta, (u64)start_moved + delta, door, record, place.size);
}
