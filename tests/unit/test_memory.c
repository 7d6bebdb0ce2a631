/* test_memory.c: memory.c: the memory map whatever the loader says, claims and their owners, placement. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "host.h"

#define U MEM_USABLE
#define R MEM_RESERVED
#define LAST_PAGE (~0ull - PAGE_SIZE + 1)

static struct mem_map map;
static struct mem_space space;

/* Map and claims are pure: nothing else of the machine is used. */
static void fresh(void)
{
    error_clear();
    memset(&map, 0, sizeof map);
    memset(&space, 0, sizeof space);
    space.map = &map;
}

/* assert_true(condition), saying which case it was and what was found. */
static void check(bool condition, const char *name)
{
    if (!condition) {
        print_error("%s: trail \"%s\", map:\n", name, error_text());
        for (u32 i = 0; i < map.count && i < 20; i++)
            print_error("  %llx + %llx type %u\n", (unsigned long long)map.range[i].base,
                        (unsigned long long)map.range[i].size, map.range[i].type);
    }
    assert_true(condition);
}

static void check_invariants(const char *name)
{
    for (u32 i = 0; i < map.count; i++) {
        const struct mem_range *r = &map.range[i];
        check(r->size && r->base % PAGE_SIZE == 0 && r->size % PAGE_SIZE == 0, name);
        check(r->size <= ~0ull - r->base, name);
        if (!i)
            continue;
        const struct mem_range *before = r - 1;
        check(before->base + before->size <= r->base, name);
        check(before->base + before->size < r->base || before->type != r->type, name);
    }
}

/* ---- the map ----------------------------------------------------------------------------------------------------- */

struct range {
    u64 base, size;
    u32 type;
};

struct map_case {
    const char *name;
    struct range given[6], expected[6];
};

static const struct map_case map_cases[] = {
    {"nothing", {{0, 0, 0}}, {{0, 0, 0}}},
    {"sorted", {{0, 0xa0000, U}, {0x100000, 0x100000, U}}, {{0, 0xa0000, U}, {0x100000, 0x100000, U}}},
    {"unsorted",
     {{0x300000, 0x1000, U}, {0x100000, 0x1000, R}, {0x200000, 0x1000, U}},
     {{0x100000, 0x1000, R}, {0x200000, 0x1000, U}, {0x300000, 0x1000, U}}},
    {"zero length", {{0x1000, 0, U}, {0x2000, 0, R}, {0x3000, 0x1000, U}}, {{0x3000, 0x1000, U}}},
    {"neighbours merge", {{0x1000, 0x1000, U}, {0x3000, 0x1000, U}, {0x2000, 0x1000, U}}, {{0x1000, 0x3000, U}}},
    {"neighbours of two types stay", {{0x1000, 0x1000, U}, {0x2000, 0x1000, R}},
     {{0x1000, 0x1000, U}, {0x2000, 0x1000, R}}},
    {"the same twice", {{0x1000, 0x3000, U}, {0x1000, 0x3000, U}}, {{0x1000, 0x3000, U}}},
    {"overlap of one type", {{0x1000, 0x3000, U}, {0x2000, 0x4000, U}}, {{0x1000, 0x5000, U}}},
    {"reserved over the end", {{0x1000, 0x3000, U}, {0x3000, 0x3000, R}}, {{0x1000, 0x2000, U}, {0x3000, 0x3000, R}}},
    {"reserved over the start", {{0x3000, 0x3000, U}, {0x1000, 0x3000, R}}, {{0x1000, 0x3000, R}, {0x4000, 0x2000, U}}},
    {"reserved in the middle",
     {{0x1000, 0x5000, U}, {0x3000, 0x1000, R}},
     {{0x1000, 0x2000, U}, {0x3000, 0x1000, R}, {0x4000, 0x2000, U}}},
    {"usable around reserved",
     {{0x3000, 0x1000, R}, {0x1000, 0x5000, U}},
     {{0x1000, 0x2000, U}, {0x3000, 0x1000, R}, {0x4000, 0x2000, U}}},
    {"reserved over all", {{0x2000, 0x1000, U}, {0x4000, 0x1000, U}, {0x1000, 0x8000, R}}, {{0x1000, 0x8000, R}}},
    {"usable under all", {{0x1000, 0x8000, R}, {0x2000, 0x1000, U}}, {{0x1000, 0x8000, R}}},
    {"the stricter wins: ACPI, NVS",
     {{0x1000, 0x4000, MEM_ACPI}, {0x2000, 0x1000, MEM_NVS}, {0x0, 0x8000, U}},
     {{0, 0x1000, U}, {0x1000, 0x1000, 3}, {0x2000, 0x1000, 4}, {0x3000, 0x2000, 3}, {0x5000, 0x3000, U}}},
    {"the stricter wins: reserved, defective",
     {{0x1000, 0x4000, R}, {0x2000, 0x1000, MEM_UNUSABLE}, {0x3000, 0x1000, MEM_NVS}},
     {{0x1000, 0x1000, R}, {0x2000, 0x1000, 5}, {0x3000, 0x2000, R}}},
    {"persistent over usable", {{0x1000, 0x2000, MEM_PMEM}, {0x1000, 0x4000, U}},
     {{0x1000, 0x2000, 7}, {0x3000, 0x2000, U}}},
    {"types out of range are reserved",
     {{0x1000, 0x1000, 0}, {0x3000, 0x1000, 6}, {0x5000, 0x1000, 8}, {0x7000, 0x1000, 20},
      {0x9000, 0x1000, 0xffffffff}},
     {{0x1000, 0x1000, R}, {0x3000, 0x1000, R}, {0x5000, 0x1000, R}, {0x7000, 0x1000, R}, {0x9000, 0x1000, R}}},
    {"usable rounds inwards", {{0x1001, 0x2fff, U}, {0x8000, 0x1fff, U}}, {{0x2000, 0x2000, U}, {0x8000, 0x1000, U}}},
    {"the rest rounds outwards", {{0x1fff, 2, R}, {0x8001, 1, MEM_ACPI}}, {{0x1000, 0x2000, R}, {0x8000, 0x1000, 3}}},
    {"usable less than a page", {{0x1100, 0xe00, U}, {0x2001, 0x1ffe, U}}, {{0, 0, 0}}},
    {"9fc00 of a BIOS", {{0, 0x9fc00, U}, {0x9fc00, 0x400, R}}, {{0, 0x9f000, U}, {0x9f000, 0x1000, R}}},
    {"wrapping is cut", {{LAST_PAGE - 0x2000, 0x10000, U}, {0x1000, ~0ull, U}}, {{0x1000, LAST_PAGE - 0x1000, U}}},
    {"wrapping reserved", {{LAST_PAGE - 0x2000, ~0ull, R}}, {{LAST_PAGE - 0x2000, 0x2000, R}}},
    {"in the last page", {{LAST_PAGE, 0x1000, R}, {LAST_PAGE + 5, 1, U}, {~0ull, ~0ull, R}, {~0ull, 1, U}},
     {{0, 0, 0}}},
    {"all of it", {{0, ~0ull, U}, {0x1000, 0x1000, R}},
     {{0, 0x1000, U}, {0x1000, 0x1000, R}, {0x2000, LAST_PAGE - 0x2000, U}}},
};

static void check_map(const struct map_case *c)
{
    u32 n = 0;
    check_invariants(c->name);
    for (; n < ARRAY_COUNT(c->expected) && c->expected[n].size; n++) {
        const struct range *e = &c->expected[n];
        check(n < map.count && map.range[n].base == e->base && map.range[n].size == e->size &&
              map.range[n].type == e->type,
              c->name);
    }
    check(map.count == n && !map.dropped, c->name);
}

/* Every case as given and backwards: the order of calls does not matter. */
static void maps_are_normalised(void **state)
{
    (void)state;
    for (u32 i = 0; i < ARRAY_COUNT(map_cases); i++) {
        const struct map_case *c = &map_cases[i];
        fresh();
        for (u32 n = 0; n < ARRAY_COUNT(c->given); n++)
            mem_map_add(&map, c->given[n].base, c->given[n].size, c->given[n].type);
        check_map(c);
        fresh();
        for (u32 n = ARRAY_COUNT(c->given); n--;)
            mem_map_add(&map, c->given[n].base, c->given[n].size, c->given[n].type);
        check_map(c);
    }
}

static u32 random_below(u32 n)
{
    static u64 seed = 1;
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (u32)(seed >> 33) % n;
}

#define MODEL_PAGES 48
#define MODEL_UNIT 1024 /* four to a page */

static u32 rank(u32 type)
{
    static const u32 ranks[] = {[U] = 1, [MEM_PMEM] = 2, [MEM_ACPI] = 3, [MEM_NVS] = 4, [R] = 5, [MEM_UNUSABLE] = 6};
    return ranks[type];
}

/* Random ranges against a table with one type per page. */
static void maps_agree_with_a_page_table(void **state)
{
    (void)state;
    static const u32 types[] = {U, U, U, R, MEM_ACPI, MEM_NVS, MEM_UNUSABLE, MEM_PMEM};
    for (u32 round = 0; round < 2000; round++) {
        u32 page[MODEL_PAGES + 1] = {0};
        fresh();
        for (u32 n = random_below(12); n--;) {
            u32 first = random_below(MODEL_PAGES * 4), count = random_below(MODEL_PAGES * 4 - first);
            u32 type = types[random_below(8)];
            mem_map_add(&map, first * MODEL_UNIT, count * MODEL_UNIT, type);
            u32 from = type == U ? (first + 3) / 4 : first / 4;
            u32 to = type == U ? (first + count) / 4 : (first + count + 3) / 4;
            for (u32 i = from; count && i < to; i++)
                if (!page[i] || rank(page[i]) < rank(type))
                    page[i] = type;
        }
        check_invariants("random");
        for (u32 i = 0; i <= MODEL_PAGES; i++) {
            const struct mem_range *r = mem_map_find(&map, i * PAGE_SIZE + 5);
            check((r ? r->type : 0) == page[i], "random");
            check(mem_map_usable(&map, i * PAGE_SIZE, PAGE_SIZE) == (page[i] == U), "random");
        }
    }
}

static void usable_memory_is_cut(void **state)
{
    (void)state;
    fresh();
    mem_map_add(&map, 0, MIB(2), U);
    mem_map_add(&map, 0xf0000, 0x1000, MEM_ACPI);
    mem_map_cut_usable(&map, 0xa0000, 0x60000);
    mem_map_cut_usable(&map, 1, 1);
    check_invariants("cut");
    check(map.count == 3 && map.range[0].base == 0x1000 && map.range[0].size == 0x9f000, "cut");
    check(map.range[1].base == 0xf0000 && map.range[1].type == MEM_ACPI, "cut");
    check(map.range[2].base == MIB(1) && map.range[2].size == MIB(1), "cut");
    check(!mem_map_find(&map, 0xa0000) && !mem_map_find(&map, 0), "cut");
    check(mem_map_total(&map) == 0x9f000 + MIB(1), "cut");
}

#define MANY 4000u

/* What is added, as a mixture that does not come sorted. */
static void add_many(u32 step)
{
    for (u32 i = 0, n = 0; i < MANY; i++, n = (n + step) % MANY)
        mem_map_add(&map, MIB(1) + n * 0x10000ull, 0x10000, n % 2 ? R : U);
    mem_map_add(&map, GIB(1), GIB(2), U);
    mem_map_add(&map, GIB(2), MIB(1), R);
}

/* More ranges than there is room for: the big ones stay, and no reserved byte becomes usable. */
static void maps_of_4000_entries_keep_what_counts(void **state)
{
    (void)state;
    static const u32 steps[] = {1, MANY - 1, 1237, 3};
    for (u32 i = 0; i < ARRAY_COUNT(steps); i++) {
        fresh();
        add_many(steps[i]);
        check_invariants("4000");
        check(map.dropped > 0, "4000");
        check(mem_map_usable(&map, GIB(1), GIB(1)) && mem_map_usable(&map, GIB(2) + MIB(1), GIB(1) - MIB(1)), "4000");
        check(!mem_map_usable(&map, GIB(2), MIB(1)), "4000");
        for (u32 n = 1; n < MANY; n += 2)
            check(!mem_map_usable(&map, MIB(1) + n * 0x10000ull, PAGE_SIZE), "4000");
    }
    fresh();
    add_many(1);
    check(mem_map_total(&map) >= GIB(2) - MIB(1) + 200 * 0x10000, "4000 sorted: small usable ranges are left as well");
    fresh();
    for (u32 n = 0; n < MANY; n++)
        mem_map_add(&map, n * 0x2000ull, 0x1000, n % 4 ? MEM_ACPI : MEM_NVS);
    mem_map_add(&map, GIB(1), GIB(2), U);
    check_invariants("4000 that are not usable");
    check(mem_map_total(&map) == GIB(2), "4000 that are not usable");
    for (u32 n = 0; n < MANY; n++)
        check(mem_map_find(&map, n * 0x2000ull) != NULL, "4000 that are not usable");
    fresh();
    for (u32 n = MANY; n--;)
        mem_map_add(&map, n * 0x1000ull, 0x1000, U);
    check(map.count == 1 && map.range[0].size == MANY * 0x1000ull && !map.dropped, "4000 that merge");
}

static void types_have_names(void **state)
{
    (void)state;
    static const struct {
        u32 type;
        const char *name;
    } cases[] = {{1, "usable"}, {2, "reserved"}, {3, "ACPI tables"}, {4, "ACPI NVS"}, {5, "defective"},
                 {6, "reserved"}, {7, "persistent"}, {99, "reserved"}};
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++)
        assert_string_equal(mem_type_name(cases[i].type), cases[i].name);
}

/* ---- claims ------------------------------------------------------------------------------------------------------ */

/* 1–16 MiB usable, ACPI tables behind it, then 32–64 MiB, and 4–6 GiB. */
static void fresh_space(void)
{
    fresh();
    mem_map_add(&map, MIB(1), MIB(15), U);
    mem_map_add(&map, MIB(16), MIB(1), MEM_ACPI);
    mem_map_add(&map, MIB(32), MIB(32), U);
    mem_map_add(&map, GIB(4), GIB(2), U);
    assert_int_equal(mem_claim_force(&space, MIB(2), KIB(256), "shim"), OK);
    assert_int_equal(mem_claim_force(&space, MIB(8), 5000, "module 0"), OK);
}

static void claims_name_both_owners(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        u64 base, size;
        enum error error;
        const char *says;
    } cases[] = {
        {"free", MIB(4), MIB(1), OK, ""},
        {"nothing at all", MIB(2), 0, OK, ""},
        {"up to the claim", MIB(1), MIB(1), OK, ""},
        {"behind the claim", MIB(2) + KIB(256), MIB(1), OK, ""},
        {"behind a ragged claim", MIB(8) + 5000, 1, OK, ""},
        {"end overlaps", MIB(1), MIB(1) + 1, ERR_CONFLICT, "kernel [100000,200001) overlaps shim [200000,240000)"},
        {"start overlaps", MIB(8) + 4999, 10, ERR_CONFLICT, "kernel [801387,801391) overlaps module 0 [800000,801388)"},
        {"inside", MIB(2) + 5, 1, ERR_CONFLICT, "kernel [200005,200006) overlaps shim"},
        {"around", MIB(1), MIB(15), ERR_CONFLICT, "overlaps shim"},
        {"reserved", MIB(15), MIB(2), ERR_CONFLICT,
         "kernel [f00000,1100000) overlaps ACPI tables memory [1000000,1100000)"},
        {"a hole", MIB(20), MIB(1), ERR_CONFLICT, "kernel [1400000,1500000): there is no memory at 1400000"},
        {"into a hole", MIB(63), MIB(2), ERR_CONFLICT, "kernel [3f00000,4100000): there is no memory at 4000000"},
        {"above 4 GiB", GIB(5), GIB(1), OK, ""},
        {"wraps", ~0ull - 10, 100, ERR_RANGE,
         "kernel: 64 bytes at fffffffffffffff5 reach past the end of the address space"},
        {"wraps from a claim", MIB(2), ~0ull, ERR_RANGE, "reach past the end"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        fresh_space();
        enum error error = mem_claim(&space, cases[i].base, cases[i].size, "kernel");
        check(error == cases[i].error, cases[i].name);
        check(error ? strstr(error_text(), cases[i].says) != NULL : !error_text()[0], cases[i].name);
        check(space.count == (error || !cases[i].size ? 2u : 3u), cases[i].name);
        const struct mem_range *found = mem_claim_find(&space, cases[i].base, cases[i].size);
        if (!error && cases[i].size)
            check(found && !strcmp(found->owner, "kernel"), cases[i].name);
    }
}

static void there_is_a_limit_of_claims(void **state)
{
    (void)state;
    fresh_space();
    for (u64 i = 0; space.count < MEM_CLAIMS_MAX; i++)
        assert_int_equal(mem_claim(&space, MIB(32) + i * PAGE_SIZE, PAGE_SIZE, "piece"), OK);
    u64 base = 77;
    assert_int_equal(mem_claim(&space, MIB(4), 1, "last"), ERR_NO_MEMORY);
    assert_string_equal(error_text(), "last: more than 256 claims on memory");
    assert_int_equal(mem_place(&space, 1, 1, 0, ~0ull, MEM_FROM_TOP, "last", &base), ERR_NO_MEMORY);
    assert_int_equal(base, 77);
    assert_int_equal(space.count, MEM_CLAIMS_MAX);
}

static void places_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        u64 size, align, low, high;
        enum mem_from from;
        u64 base; /* 0: none */
    } cases[] = {
        {"lowest", PAGE_SIZE, 1, 0, ~0ull, MEM_FROM_BOTTOM, MIB(1)},
        {"highest", PAGE_SIZE, 1, 0, ~0ull, MEM_FROM_TOP, GIB(6) - PAGE_SIZE},
        {"highest below 4 GiB", PAGE_SIZE, 1, 0, GIB(4), MEM_FROM_TOP, MIB(64) - PAGE_SIZE},
        {"lowest above 4 GiB", PAGE_SIZE, 1, GIB(4), ~0ull, MEM_FROM_BOTTOM, GIB(4)},
        {"one byte", 1, 1, 0, MIB(16), MEM_FROM_TOP, MIB(16) - 1},
        {"before the claim, exactly", MIB(1), 1, 0, ~0ull, MEM_FROM_BOTTOM, MIB(1)},
        {"over the claim", MIB(1) + 1, 1, 0, ~0ull, MEM_FROM_BOTTOM, MIB(2) + KIB(256)},
        {"aligned over the claim", MIB(2), MIB(2), 0, ~0ull, MEM_FROM_BOTTOM, MIB(4)},
        {"behind a ragged claim", MIB(7), PAGE_SIZE, 0, MIB(16), MEM_FROM_BOTTOM, MIB(8) + 2 * PAGE_SIZE},
        {"behind a ragged claim, any byte", MIB(7), 1, 0, MIB(16), MEM_FROM_BOTTOM, MIB(8) + 5000},
        {"under claims", MIB(6), MIB(1), 0, MIB(16), MEM_FROM_TOP, MIB(10)},
        {"under both claims", KIB(800), PAGE_SIZE, 0, MIB(2) + KIB(300), MEM_FROM_TOP, MIB(2) - KIB(800)},
        {"between the claims", MIB(5), PAGE_SIZE, 0, MIB(13), MEM_FROM_TOP, MIB(3)},
        {"aligned down", PAGE_SIZE, MIB(16), 0, MIB(64), MEM_FROM_TOP, MIB(48)},
        {"low inside a range", PAGE_SIZE, PAGE_SIZE, MIB(40) + 1, MIB(64), MEM_FROM_BOTTOM, MIB(40) + PAGE_SIZE},
        {"high inside a range", PAGE_SIZE, PAGE_SIZE, 0, MIB(40) + 1, MEM_FROM_TOP, MIB(40) - PAGE_SIZE},
        {"window, exactly", MIB(1), PAGE_SIZE, MIB(5), MIB(6), MEM_FROM_BOTTOM, MIB(5)},
        {"window, from the top", MIB(1), PAGE_SIZE, MIB(5), MIB(6), MEM_FROM_TOP, MIB(5)},
        {"all of the highest", GIB(2), GIB(1), 0, ~0ull, MEM_FROM_TOP, GIB(4)},
        {"only there", MIB(100), PAGE_SIZE, 0, ~0ull, MEM_FROM_BOTTOM, GIB(4)},
        {"window too small", MIB(1), PAGE_SIZE, MIB(5) + 1, MIB(6), MEM_FROM_BOTTOM, 0},
        {"too much", GIB(2) + 1, 1, 0, ~0ull, MEM_FROM_TOP, 0},
        {"too aligned", PAGE_SIZE, GIB(64), 0, ~0ull, MEM_FROM_BOTTOM, 0},
        {"aligned beyond all", PAGE_SIZE, 1ull << 63, 0, ~0ull, MEM_FROM_BOTTOM, 0},
        {"no window", 1, 1, MIB(5), MIB(5), MEM_FROM_BOTTOM, 0},
        {"window backwards", 1, 1, MIB(6), MIB(5), MEM_FROM_TOP, 0},
        {"in a hole", 1, 1, MIB(17), MIB(32), MEM_FROM_TOP, 0},
        {"in the claim", 1, 1, MIB(2), MIB(2) + KIB(256), MEM_FROM_TOP, 0},
        {"all there is", ~0ull, 1, 0, ~0ull, MEM_FROM_BOTTOM, 0},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        fresh_space();
        u64 base = 77;
        enum error error = mem_place(&space, cases[i].size, cases[i].align, cases[i].low, cases[i].high, cases[i].from,
                                     "initrd", &base);
        check(error == (cases[i].base ? OK : ERR_NO_MEMORY), cases[i].name);
        if (base != (cases[i].base ? cases[i].base : 77))
            print_error("%s: at %llx\n", cases[i].name, (unsigned long long)base);
        check(base == (cases[i].base ? cases[i].base : 77), cases[i].name);
        check(space.count == (error ? 2u : 3u), cases[i].name);
        if (!error)
            check(space.claim[2].base == base && space.claim[2].size == cases[i].size, cases[i].name);
    }
}

static void a_full_memory_says_what_was_wanted(void **state)
{
    (void)state;
    u64 base;
    fresh_space();
    assert_int_equal(mem_place(&space, MIB(100) + 1, 1, MIB(1), GIB(4), MEM_FROM_TOP, "initrd", &base), ERR_NO_MEMORY);
    assert_string_equal(error_text(),
                        "initrd: no 102401 KiB of free memory in [100000,100000000) (2095 MiB usable in all)");
}

/* Page tables are made between a mark and its release, and stay in use. */
static void pages_outlive_releases(void **state)
{
    (void)state;
    host_reset();
    u64 mark = arena_mark(), left = arena_left();
    assert_non_null(arena_reserve(5000, 1));
    u8 *page = arena_alloc_page(), *other = arena_alloc_page();
    assert_true(page && other && (uintptr_t)page % PAGE_SIZE == 0 && other + PAGE_SIZE == page);
    memset(page, 0x5a, PAGE_SIZE);
    arena_release(mark);
    assert_int_equal(arena_left(), left - 2 * PAGE_SIZE);
    u8 *all = arena_reserve(arena_left(), 1);
    assert_non_null(all);
    memset(all, 0, left - 2 * PAGE_SIZE);
    for (u32 i = 0; i < PAGE_SIZE; i++)
        assert_int_equal(page[i], 0x5a);
    assert_null(arena_alloc_page());
    assert_non_null(strstr(error_text(), "0 bytes left"));
    arena_release(mark);
    assert_non_null(arena_alloc_page());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_are_normalised),
        cmocka_unit_test(maps_agree_with_a_page_table),
        cmocka_unit_test(usable_memory_is_cut),
        cmocka_unit_test(maps_of_4000_entries_keep_what_counts),
        cmocka_unit_test(types_have_names),
        cmocka_unit_test(claims_name_both_owners),
        cmocka_unit_test(there_is_a_limit_of_claims),
        cmocka_unit_test(places_are_found),
        cmocka_unit_test(a_full_memory_says_what_was_wanted),
        cmocka_unit_test(pages_outlive_releases),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
