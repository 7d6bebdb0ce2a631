/* memory.c: the memory map and claims on it (memory.h). Pure. */
#include "memory.h"

#define ADDRESS_END (~0ull - PAGE_SIZE + 1) /* last page boundary: ranges stay representable half-open */

/* Strictness where ranges overlap; the higher wins. */
static u32 type_rank(u32 type)
{
    switch (type) {
    case MEM_USABLE:
        return 0;
    case MEM_PMEM:
        return 1;
    case MEM_ACPI:
        return 2;
    case MEM_NVS:
        return 3;
    case MEM_UNUSABLE:
        return 5;
    default:
        return 4;
    }
}

const char *mem_type_name(u32 type)
{
    switch (type) {
    case MEM_USABLE:
        return "usable";
    case MEM_PMEM:
        return "persistent";
    case MEM_ACPI:
        return "ACPI tables";
    case MEM_NVS:
        return "ACPI NVS";
    case MEM_UNUSABLE:
        return "defective";
    default:
        return "reserved";
    }
}

static u64 range_end(const struct mem_range *r)
{
    return r->base + r->size;
}

static void remove_at(struct mem_map *map, u32 i)
{
    memmove(&map->range[i], &map->range[i + 1], (map->count - i - 1) * sizeof map->range[0]);
    map->count--;
}

/* Join range i with its neighbours of the same type. */
static void merge_around(struct mem_map *map, u32 i)
{
    u32 first = i ? i - 1 : 0;
    for (u32 j = first; j + 1 < map->count && j <= i + 1;) {
        struct mem_range *r = &map->range[j];
        if (range_end(r) == r[1].base && r->type == r[1].type) {
            r->size += r[1].size;
            remove_at(map, j + 1);
        } else {
            j++;
        }
    }
}

/* Index of the first range that ends above address. */
static u32 first_above(const struct mem_map *map, u64 address)
{
    u32 low = 0, high = map->count;
    while (low < high) {
        u32 mid = (low + high) / 2;
        if (range_end(&map->range[mid]) <= address)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Bytes that would be lost by forgetting range i, if it is usable, or by joining it with the next, if neither is. */
static u64 cost_of(const struct mem_map *map, u32 i)
{
    const struct mem_range *r = &map->range[i];
    if (r->type == MEM_USABLE)
        return r->size;
    return i + 1 < map->count && r[1].type != MEM_USABLE ? r[1].base - range_end(r) : ~0ull;
}

static u32 cheapest(const struct mem_map *map)
{
    u32 best = 0;
    for (u32 i = 1; i < map->count; i++)
        if (cost_of(map, i) < cost_of(map, best))
            best = i;
    return best;
}

void mem_map_condense(struct mem_map *map, u32 most)
{
    while (map->count > most) {
        u32 i = cheapest(map), count = map->count;
        struct mem_range *r = &map->range[i];
        if (r->type != MEM_USABLE) {
            r->size = r[1].base - r->base; /* now they touch */
            r[1].type = MEM_RESERVED;
        }
        r->type = MEM_RESERVED;
        merge_around(map, i);
        if (map->count == count) /* a usable range on its own */
            remove_at(map, i);
    }
}

/* Room for one more range; false when the new one has to give way. */
static bool make_room(struct mem_map *map, const struct mem_range *new)
{
    if (map->count < MEM_RANGES_MAX)
        return true;
    map->dropped++;
    if (new->type == MEM_USABLE && new->size <= cost_of(map, cheapest(map)))
        return false;
    mem_map_condense(map, MEM_RANGES_MAX - 1);
    return true;
}

/* Enter [base, end), where nothing is. */
static void insert(struct mem_map *map, u64 base, u64 end, u32 type)
{
    struct mem_range new = {.base = base, .size = end - base, .type = type};
    if (base >= end || !make_room(map, &new))
        return;
    u32 i = first_above(map, base);
    if (i < map->count && map->range[i].base <= base) /* make_room() has joined what is around */
        return;
    memmove(&map->range[i + 1], &map->range[i], (map->count - i) * sizeof map->range[0]);
    map->range[i] = new;
    map->count++;
    merge_around(map, i);
}

/* Take [base, end) out of every range of lower rank than `rank`. */
static void cut_below_rank(struct mem_map *map, u64 base, u64 end, u32 rank)
{
    for (u32 i = first_above(map, base); i < map->count && map->range[i].base < end;) {
        struct mem_range *r = &map->range[i];
        u64 r_end = range_end(r);
        if (type_rank(r->type) >= rank) {
            i++;
        } else if (r->base < base && r_end > end) {
            u32 type = r->type;
            r->size = base - r->base;
            insert(map, end, r_end, type);
            return;
        } else if (r->base < base) {
            r->size = base - r->base;
            i++;
        } else if (r_end > end) {
            r->base = end;
            r->size = r_end - end;
            return;
        } else {
            remove_at(map, i);
        }
    }
}

void mem_map_add(struct mem_map *map, u64 base, u64 size, u32 type)
{
    u64 end = size <= ~0ull - base ? base + size : ~0ull;
    if (type < MEM_USABLE || type > MEM_PMEM || type == 6)
        type = MEM_RESERVED;
    if (!size)
        return;
    if (type == MEM_USABLE) {
        base = base > ADDRESS_END ? ADDRESS_END : align_up(base, PAGE_SIZE);
        end = align_down(end, PAGE_SIZE);
    } else {
        base = align_down(base, PAGE_SIZE);
        end = end > ADDRESS_END ? ADDRESS_END : align_up(end, PAGE_SIZE);
    }
    cut_below_rank(map, base, end, type_rank(type));
    while (base < end) { /* the gaps that stricter ranges leave */
        u32 i = first_above(map, base);
        bool at_gap = i == map->count || map->range[i].base > base;
        if (at_gap) {
            u64 gap_end = i == map->count ? end : min_u64(end, map->range[i].base);
            insert(map, base, gap_end, type);
            base = gap_end;
        } else {
            base = range_end(&map->range[i]);
        }
    }
}

void mem_map_cut_usable(struct mem_map *map, u64 base, u64 size)
{
    cut_below_rank(map, align_down(base, PAGE_SIZE), align_up(base + size, PAGE_SIZE), type_rank(MEM_PMEM));
}

const struct mem_range *mem_map_find(const struct mem_map *map, u64 address)
{
    u32 i = first_above(map, address);
    return i < map->count && map->range[i].base <= address ? &map->range[i] : NULL;
}

bool mem_map_usable(const struct mem_map *map, u64 base, u64 size)
{
    const struct mem_range *r = mem_map_find(map, base);
    return r && r->type == MEM_USABLE && fits(base - r->base, size, r->size);
}

u64 mem_map_total(const struct mem_map *map)
{
    u64 total = 0;
    for (u32 i = 0; i < map->count; i++)
        if (map->range[i].type == MEM_USABLE)
            total += map->range[i].size;
    return total;
}

const struct mem_range *mem_claim_find(const struct mem_space *space, u64 base, u64 size)
{
    for (u32 i = 0; i < space->count; i++)
        if (ranges_overlap(base, size, space->claim[i].base, space->claim[i].size))
            return &space->claim[i];
    return NULL;
}

enum error mem_claim_force(struct mem_space *space, u64 base, u64 size, const char *owner)
{
    if (!size)
        return OK;
    if (space->count == MEM_CLAIMS_MAX)
        return fail(ERR_NO_MEMORY, "%s: more than %u claims on memory", owner, MEM_CLAIMS_MAX);
    space->claim[space->count++] = (struct mem_range){.base = base, .size = size, .owner = owner};
    return OK;
}

/* The sentence for a range that is not all usable: what the map says of the first byte that is not. */
static enum error fail_not_usable(const struct mem_map *map, u64 base, u64 size, const char *owner)
{
    u64 at = base;
    const struct mem_range *r = mem_map_find(map, at);
    while (r && r->type == MEM_USABLE) {
        at = range_end(r);
        r = mem_map_find(map, at);
    }
    if (r)
        return fail(ERR_CONFLICT, "%s [%lx,%lx) overlaps %s memory [%lx,%lx)", owner, base, base + size,
                    mem_type_name(r->type), r->base, range_end(r));
    return fail(ERR_CONFLICT, "%s [%lx,%lx): there is no memory at %lx", owner, base, base + size, at);
}

enum error mem_claim(struct mem_space *space, u64 base, u64 size, const char *owner)
{
    if (!size)
        return OK;
    if (size > ~0ull - base)
        return fail(ERR_RANGE, "%s: %lx bytes at %lx reach past the end of the address space", owner, size, base);
    const struct mem_range *other = mem_claim_find(space, base, size);
    if (other)
        return fail(ERR_CONFLICT, "%s [%lx,%lx) overlaps %s [%lx,%lx)", owner, base, base + size, other->owner,
                    other->base, range_end(other));
    if (!mem_map_usable(space->map, base, size))
        return fail_not_usable(space->map, base, size, owner);
    return mem_claim_force(space, base, size, owner);
}

/* Lowest place in [low, high) clear of claims. */
static bool place_bottom(const struct mem_space *space, u64 size, u64 align, u64 low, u64 high, u64 *base)
{
    u64 at = low;
    for (;;) {
        if (at > ~0ull - align)
            return false;
        at = align_up(at, align);
        if (at >= high || size > high - at)
            return false;
        const struct mem_range *other = mem_claim_find(space, at, size);
        if (!other)
            break;
        at = range_end(other);
    }
    *base = at;
    return true;
}

/* Highest place in [low, high) clear of claims. */
static bool place_top(const struct mem_space *space, u64 size, u64 align, u64 low, u64 high, u64 *base)
{
    for (;;) {
        if (high < low || high - low < size)
            return false;
        u64 at = align_down(high - size, align);
        if (at < low)
            return false;
        const struct mem_range *other = mem_claim_find(space, at, size);
        if (!other) {
            *base = at;
            return true;
        }
        high = other->base;
    }
}

enum error mem_place(struct mem_space *space, u64 size, u64 align, u64 low, u64 high, enum mem_from from,
                     const char *owner, u64 *base)
{
    const struct mem_map *map = space->map;
    u64 at;
    for (u32 n = 0; n < map->count; n++) {
        const struct mem_range *r = &map->range[from == MEM_FROM_BOTTOM ? n : map->count - 1 - n];
        u64 r_low = max_u64(low, r->base), r_high = min_u64(high, range_end(r));
        if (r->type != MEM_USABLE || r_low >= r_high)
            continue;
        bool found = from == MEM_FROM_BOTTOM ? place_bottom(space, size, align, r_low, r_high, &at)
                                             : place_top(space, size, align, r_low, r_high, &at);
        if (!found)
            continue;
        enum error error = mem_claim_force(space, at, size, owner);
        if (!error)
            *base = at;
        return error;
    }
    return fail(ERR_NO_MEMORY, "%s: no %lu KiB of free memory in [%lx,%lx) (%lu MiB usable in all)", owner,
                (size + 1023) >> 10, low, high, mem_map_total(map) >> 20);
}
