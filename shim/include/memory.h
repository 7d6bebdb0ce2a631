/* memory.h: the memory map, claims with owners, the arena, and mem_at(): the one physical address → pointer cast.
 *
 * Map and claims are pure (no hardware, no globals). Ranges are half-open [base, base + size), bytes.
 */
#ifndef SHIM_MEMORY_H
#define SHIM_MEMORY_H

#include "base.h"
#include "error.h"

#define MEM_RANGES_MAX 512
#define MEM_CLAIMS_MAX 256 /* a kernel of 128 segments beside 64 modules; 64 modules and where they are moved */
#define PAGE_SIZE 4096u

/* ACPI 6.5 table 15.3 (address range types), as e820, multiboot and PVH use them. */
enum mem_type {
    MEM_USABLE = 1,
    MEM_RESERVED = 2, /* and every type that is not listed here */
    MEM_ACPI = 3,     /* reclaimable */
    MEM_NVS = 4,
    MEM_UNUSABLE = 5,
    MEM_PMEM = 7,
};

struct mem_range {
    u64 base, size;
    u32 type;          /* enum mem_type; 0 in a claim */
    const char *owner; /* who claimed it, for sentences; NULL in the map */
};

/* Sorted by base, disjoint, neighbours of one type merged, no empty range. */
struct mem_map {
    u32 count;
    u32 dropped; /* ranges that did not fit MEM_RANGES_MAX */
    struct mem_range range[MEM_RANGES_MAX];
};

/* Add what the loader said of [base, base + size). Usable is rounded inwards to pages, everything else outwards;
 * a range that wraps is cut at 2^64 - 1 page; empty ranges add nothing; unknown types count as reserved. Where ranges
 * overlap, the stricter wins: usable < pmem < ACPI < NVS < reserved < unusable. Order of calls does not matter.
 * When full, it is condensed by one, and `dropped` counts. */
void mem_map_add(struct mem_map *map, u64 base, u64 size, u32 type);

/* Make do with at most `most` ranges (>= 1), losing as few bytes as can be: small usable ranges are forgotten, or
 * become reserved where that joins them with their neighbours; two others become one, reserved, with what lies between.
 * Nothing becomes usable. */
void mem_map_condense(struct mem_map *map, u32 most);

/* Make [base, base + size) not usable without naming it otherwise: usable parts are cut out, others stay. */
void mem_map_cut_usable(struct mem_map *map, u64 base, u64 size);

/* The range that holds address, or NULL when nobody named it. */
const struct mem_range *mem_map_find(const struct mem_map *map, u64 address);

/* True when all of [base, base + size) is usable. */
bool mem_map_usable(const struct mem_map *map, u64 base, u64 size);

/* Sum of usable bytes. */
u64 mem_map_total(const struct mem_map *map);

/* "usable", "reserved", "ACPI tables", … for sentences. */
const char *mem_type_name(u32 type);

/* A map with claims on it: who wants which bytes. Pure; copy the struct to try a plan and throw it away. */
struct mem_space {
    const struct mem_map *map;
    u32 count;
    struct mem_range claim[MEM_CLAIMS_MAX]; /* not sorted */
};

/* Claim exactly [base, base + size) for owner (kept by reference, must outlive the space). size 0 claims nothing.
 * ERR_CONFLICT with a sentence naming both owners when it overlaps a claim, naming the map's type when it is not all
 * usable: "kernel segment 2 [100000,1a00000) overlaps shim [100000,140000)". */
enum error mem_claim(struct mem_space *space, u64 base, u64 size, const char *owner);

/* Claim without looking at the map or other claims (what already lies there: modules, our own image). size 0 claims
 * nothing. ERR_NO_MEMORY when there are MEM_CLAIMS_MAX. */
enum error mem_claim_force(struct mem_space *space, u64 base, u64 size, const char *owner);

/* The claim that overlaps [base, base + size), or NULL. */
const struct mem_range *mem_claim_find(const struct mem_space *space, u64 base, u64 size);

enum mem_from { MEM_FROM_BOTTOM, MEM_FROM_TOP };

/* Find and claim size bytes of usable, unclaimed memory inside [low, high), aligned to align (power of two, >= 1),
 * the lowest or highest such place. ERR_NO_MEMORY with a sentence (how much, where) otherwise; *base untouched. */
enum error mem_place(struct mem_space *space, u64 size, u64 align, u64 low, u64 high, enum mem_from from,
                     const char *owner, u64 *base);

/* Pointer to size bytes at physical address paddr. On the target a cast: memory must be mapped (below 4 GiB always;
 * above only what paging_map() was told). On the host: into the simulated memory of tests/unit/host.c, which aborts
 * when [paddr, paddr + size) is outside it. */
void *mem_at(u64 paddr, u64 size);

/* Physical address of an object of ours (arena or image): the inverse of mem_at(). For DMA and hand-over records. */
u64 mem_address(const void *pointer);

/* Make [paddr, paddr + size) reachable through mem_at(): RAM or device registers above 4 GiB. Idempotent.
 * ERR_NO_MEMORY when its page tables take more than a quarter of what the arena has left, ERR_RANGE beyond the CPU's
 * physical address width, both with a sentence.
 * On the host: always OK. Intel SDM vol. 3A §4.5. */
enum error paging_map(u64 paddr, u64 size);

/* The arena: zeroed memory at the top of usable RAM below 4 GiB, physically contiguous, identity mapped, good for DMA.
 * No free; mark and release in pairs. arena_alloc panics never: NULL when full, with the trail set (ERR_NO_MEMORY).
 * align: power of two. */
void arena_init(void *base, u64 size);
void *arena_alloc(u64 size, u64 align);
/* The same without zeroing, for buffers that are filled before they are read. */
void *arena_reserve(u64 size, u64 align);
/* A zeroed page from the arena's end, which no arena_release() reaches: for page tables, which are made in the midst
 * of whatever maps memory, and stay. NULL when full, with the trail set. Base and size of the arena must be page
 * aligned. */
void *arena_alloc_page(void);
/* What is allocated by now stays so: arena_release() no longer reaches below. */
void arena_pin(void);
/* Where the arena is filled to, in bytes; release: back to there, in the reverse order of marks. */
u64 arena_mark(void);
void arena_release(u64 mark);
/* Bytes not allocated. */
u64 arena_left(void);

#endif
