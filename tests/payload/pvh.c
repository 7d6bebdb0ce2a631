/* pvh.c: Xen's start_info (xen/include/public/arch-x86/hvm/start_info.h, version 1), checked. */
#include "conform.h"

#define MAGIC 0x336ec578u
#define MEMMAP_MAX 127u /* Linux has 128 slots and adds one of its own */
#define GIB1 0x40000000ull
#define MODULES_MAX 16u
#define CMDLINE_MAX 65536u

struct PACKED start_info {
    u32 magic, version, flags, nr_modules;
    u64 modlist, cmdline, rsdp, memmap;
    u32 memmap_entries, reserved;
};
_Static_assert(sizeof(struct start_info) == 56, "start_info version 1");

struct PACKED module {
    u64 address, size, cmdline, reserved;
};

struct PACKED memmap {
    u64 address, size;
    u32 type, reserved;
};

static u64 text_size(u64 address)
{
    const char *s = at(address);
    u64 size = 0;
    while (size < CMDLINE_MAX && s[size])
        size++;
    return size + 1;
}

static bool below(struct work *w, const char *name, u64 address, u64 limit)
{
    return check(w, address && address < limit, name, "found %x expected an address below %x", address, limit);
}

static void read_memmap(struct work *w, const struct start_info *info)
{
    check(w, info->memmap_entries && info->memmap_entries <= MEMMAP_MAX, "memmap_entries", "found %u expected 1 to %u",
          (u64)info->memmap_entries, (u64)MEMMAP_MAX);
    if (!below(w, "memmap_paddr", info->memmap, GIB1))
        return;
    const struct memmap *m = at(info->memmap);
    u32 reserved = 0;
    for (u32 i = 0; i < info->memmap_entries && i < RANGES_MAX; i++) {
        map_add(w, m[i].address, m[i].size, m[i].type);
        reserved |= m[i].reserved;
    }
    check_equal(w, "memmap reserved fields", reserved, 0);
    check_map(w);
}

static void claim_module(struct work *w, const struct module *m)
{
    check_equal(w, "module reserved field", m->reserved, 0);
    if (!check(w, m->address < GIB4 && m->size <= GIB4 - m->address, "module address",
               "found [%x,+%x) expected below 4 GiB", m->address, m->size))
        return;
    claim(w, "module", m->address, m->size ? m->size : 1);
    if (!m->cmdline || !below(w, "module cmdline_paddr", m->cmdline, GIB4))
        return;
    say("conform: module text \"%q\"\n", (const char *)at(m->cmdline));
    claim(w, "module text", m->cmdline, text_size(m->cmdline));
}

void check_start_info(struct work *w, u64 address)
{
    const struct start_info *info = at(address);
    below(w, "start_info address", address, GIB1);
    if (!check_equal(w, "start_info magic", info->magic, MAGIC))
        return;
    check_equal(w, "start_info version", info->version, 1);
    check_equal(w, "start_info flags", info->flags, 0);
    check_equal(w, "start_info reserved", info->reserved, 0);
    read_memmap(w, info);
    claim(w, "image", w->image, w->seal->memory_size);
    claim(w, "start_info", address, sizeof *info);
    claim(w, "memmap", info->memmap, info->memmap_entries * sizeof(struct memmap));
    if (below(w, "cmdline_paddr", info->cmdline, GIB4)) {
        w->cmdline = at(info->cmdline);
        w->cmdline_size = text_size(info->cmdline);
        claim(w, "cmdline", info->cmdline, w->cmdline_size);
    }
    check_rsdp(w, info->rsdp);
    check(w, info->nr_modules <= MODULES_MAX, "nr_modules", "found %u expected at most %u", (u64)info->nr_modules,
          (u64)MODULES_MAX);
    check(w, info->nr_modules ? info->modlist && info->modlist < GIB1 : !info->modlist, "modlist_paddr",
          "found %x for %u modules", info->modlist, (u64)info->nr_modules);
    if (!info->nr_modules || !info->modlist)
        return;
    claim(w, "modlist", info->modlist, info->nr_modules * sizeof(struct module));
    const struct module *m = at(info->modlist);
    for (u32 i = 0; i < info->nr_modules && i < MODULES_MAX; i++)
        claim_module(w, &m[i]);
}

void check_modules(struct work *w, u64 address)
{
    const struct start_info *info = at(address);
    if (info->magic != MAGIC || !info->modlist)
        return;
    const struct module *m = at(info->modlist);
    for (u32 i = 0; i < info->nr_modules && i < MODULES_MAX; i++) {
        say("conform: module %u of %u bytes\n", (u64)i, m[i].size);
        check_pieces(w, m[i].address, m[i].size);
    }
}
