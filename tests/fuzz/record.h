/* record.h: for targets whose bytes are a loader's record and what it points to, at RECORD_AT of a memory of zeros. */
#ifndef RECORD_H
#define RECORD_H

#include <sanitizer/asan_interface.h>

#include "host.h"

#include "boot_info.h"

#define RECORD_AT 0x10000u
#define RECORD_SIZE_MAX 0x20000u

static void check_map(const struct mem_map *map)
{
    u64 end = 0;
    for (u32 i = 0; i < map->count; i++) {
        const struct mem_range *r = &map->range[i];
        if (!r->size || r->base % PAGE_SIZE || r->size % PAGE_SIZE || r->base < end || r->size > ~0ull - r->base)
            panic("range %u [%lx, + %lx) is not in order", i, r->base, r->size);
        if (i && r->base == end && r->type == r[-1].type)
            panic("ranges %u and %u are one", i - 1, i);
        end = r->base + r->size;
    }
    if (mem_map_usable(map, 0, 1))
        panic("page 0 is usable");
    for (u64 at = 0xa0000; at < MIB(1); at += PAGE_SIZE)
        if (mem_map_usable(map, at, 1))
            panic("%lx is usable", at);
}

static void read_record(u32 door, const u8 *data, size_t size)
{
    static struct boot_info boot;
    static u8 arena[MIB(4)]; /* outside simulated memory: a record may point anywhere in that */
    static u64 dirty;
    host_reset();
    __asan_unpoison_memory_region(arena, sizeof arena);
    arena_init(arena, sizeof arena);
    log_level = LOG_QUIET;
    size = min_u64(size, RECORD_SIZE_MAX);
    if (dirty > size)
        memset(mem_at(RECORD_AT + size, dirty - size), 0, dirty - size);
    host_poke(RECORD_AT, data, size);
    dirty = size;
    boot_info_read(&boot, door, RECORD_AT);
    check_map(&boot.memory);
    u64 length = strlen(boot.cmdline) + strlen(boot.loader) + strlen(boot.door);
    for (u32 i = 0; i < boot.module_count; i++) {
        length += strlen(boot.module[i].text);
        if (!boot.module[i].size || boot.module[i].size > ~0ull - boot.module[i].base)
            panic("module %u [%lx, + %lx)", i, boot.module[i].base, boot.module[i].size);
    }
    if (boot.module_count > MODULES_MAX || boot.record_count > ARRAY_COUNT(boot.record) || length > MIB(1))
        panic("more than there can be");
    for (u32 i = 0; i < boot.record_count; i++)
        if (!fits(boot.record[i].base, boot.record[i].size, GIB(4)))
            panic("record %u [%lx, + %lx)", i, boot.record[i].base, boot.record[i].size);
}

#endif
