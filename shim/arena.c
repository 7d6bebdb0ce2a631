/* arena.c: one bump allocator; no free, mark and release in pairs; pages that stay come from its end (memory.h). */
#include "memory.h"

static u8 *arena_base;
static u64 arena_size, arena_used, arena_pinned;

void arena_init(void *base, u64 size)
{
    arena_base = base;
    arena_size = size;
    arena_used = arena_pinned = 0;
}

void *arena_reserve(u64 size, u64 align)
{
    u64 at = align_up((u64)(uintptr_t)arena_base + arena_used, align) - (u64)(uintptr_t)arena_base;
    if (!fits(at, size, arena_size)) {
        fail(ERR_NO_MEMORY, "working memory used up: %lu bytes wanted, %lu left", size, arena_size - arena_used);
        return NULL;
    }
    arena_used = at + size;
    return arena_base + at;
}

void *arena_alloc(u64 size, u64 align)
{
    void *p = arena_reserve(size, align);
    return p ? memset(p, 0, size) : NULL;
}

void *arena_alloc_page(void)
{
    if (arena_left() < PAGE_SIZE) {
        fail(ERR_NO_MEMORY, "working memory used up: a page wanted, %lu bytes left", arena_left());
        return NULL;
    }
    arena_size -= PAGE_SIZE;
    return memset(arena_base + arena_size, 0, PAGE_SIZE);
}

u64 arena_mark(void)
{
    return arena_used;
}

void arena_release(u64 mark)
{
    arena_used = max_u64(mark, arena_pinned);
}

void arena_pin(void)
{
    arena_pinned = arena_used;
}

u64 arena_left(void)
{
    return arena_size - arena_used;
}
