/* payload_pvh.c: an ELF with a Xen PHYS32_ENTRY note, and a fresh start_info for it (xen docs/misc/pvh.pandoc,
 * xen/include/public/arch-x86/hvm/start_info.h, elfnote.h; start_info version 1).
 *
 * ELF32 and ELF64, whatever e_machine says of the two (OVMF's CloudHv image is an ELF64 for EM_386). Segments go to
 * p_paddr. Left out on purpose: SHT_NOTE (every known kernel has the segment), PADDR_OFFSET (FreeBSD before 13).
 * Exercise: tests/unit/test_payload_pvh.c, tests/fuzz/fuzz_elf.c; round trip with entry_pvh.c.
 */
#include "elf.h"
#include "payload.h"
#include "print.h"
#include "pvh.h"

#define SEGMENTS_MAX 128u
#define NOTES_SIZE_MAX KIB(64)
#define MEMMAP_MAX 127u /* Linux's table has 128 and it adds one */
#define NOTE_PHYS32_RELOC 19u /* elfnote.h: XEN_ELFNOTE_PHYS32_RELOC: align, min, max */

/* Where start_info and its tables go: low memory that is free in all known payloads: above Xen's trampoline
 * (1000h-11000h), OSv's tables and stack (below 7C00h), and apart from every image but Mini-OS's, which begins at 0.
 * Linux wants them below 1 GiB. */
#define RECORD_LOW 0x20000u
#define RECORD_HIGH 0xa0000u
#define RECORD_MAX GIB(1)

/* A program header of either class. */
struct segment {
    u32 type;
    u64 offset, paddr, filesz, memsz, align;
};

struct pvh_plan {
    u32 segment_count;
    struct segment segment[SEGMENTS_MAX];
    u64 low, high; /* of all loaded segments */
    u64 entry;     /* 0: no note */
    bool movable;
    u64 move_align, move_min, move_max; /* of the lowest byte, the lowest byte, the highest byte; align 0: not told */
    u64 shift;     /* what was added to every address */
    u32 module_count;
    u64 module_base[ENTRY_FILES_MAX + 1], module_size[ENTRY_FILES_MAX + 1];
    u64 text, info, modlist, memmap; /* physical */
    struct mem_map *map;             /* in the arena: what goes to memmap */
};

static enum error pvh_recognise(const u8 *head, u32 len, u64 size)
{
    const struct elf_ident *e = (const struct elf_ident *)head;
    if (len < sizeof(struct elf_ident) || e->magic != ELF_MAGIC)
        return ERR_NOT_MINE;
    if (e->class != ELF_CLASS_32 && e->class != ELF_CLASS_64)
        return fail(ERR_CORRUPT, "ELF class %u at byte 4, expected 1 or 2", e->class);
    u32 header = e->class == ELF_CLASS_64 ? sizeof(struct elf64_header) : sizeof(struct elf32_header);
    if (len < header || size < header)
        return fail(ERR_TRUNCATED, "truncated at %lu of at least %u bytes", size, header);
    if (e->data != ELF_LITTLE_ENDIAN)
        return fail(ERR_UNSUPPORTED, "ELF data encoding %u at byte 5, expected 1 (little endian)", e->data);
    if (e->type != ELF_TYPE_EXEC && e->type != ELF_TYPE_DYN)
        return fail(ERR_UNSUPPORTED, "ELF type %u at byte 16, expected 2 (executable) or 3", e->type);
    if (e->machine != ELF_MACHINE_386 && e->machine != ELF_MACHINE_X86_64)
        return fail(ERR_UNSUPPORTED, "ELF machine %u at byte 18, expected 3 (i386) or 62 (x86-64)", e->machine);
    return OK;
}

/* ---- reading the ELF --------------------------------------------------------------------------------------------- */

static struct segment convert_segment(const u8 *raw, bool wide)
{
    if (wide) {
        const struct elf64_segment *s = (const struct elf64_segment *)raw;
        return (struct segment){s->type, s->offset, s->paddr, s->filesz, s->memsz, s->align};
    }
    const struct elf32_segment *s = (const struct elf32_segment *)raw;
    return (struct segment){s->type, s->offset, s->paddr, s->filesz, s->memsz, s->align};
}

static enum error fail_truncated(const struct payload *p, u64 offset, u64 size)
{
    return fail(ERR_TRUNCATED, "truncated at %lu of %lu bytes", p->kernel.size,
                size > ~offset ? ~(u64)0 : offset + size);
}

static bool is_loaded(const struct segment *s)
{
    return s->type == ELF_SEGMENT_LOAD && s->memsz;
}

/* All that is read later lies in the file. */
static enum error check_truncation(const struct payload *p, const struct pvh_plan *plan)
{
    u32 number = 0;
    for (u32 i = 0; i < plan->segment_count; i++) {
        const struct segment *s = &plan->segment[i];
        bool loaded = is_loaded(s);
        if ((loaded || s->type == ELF_SEGMENT_NOTE) && !fits(s->offset, s->filesz, p->kernel.size))
            return error_add(fail_truncated(p, s->offset, s->filesz), "%s segment %u", loaded ? "kernel" : "note",
                             number);
        number += loaded;
    }
    return OK;
}

static enum error read_segments(const struct payload *p, struct pvh_plan *plan)
{
    const struct elf64_header *h64 = (const struct elf64_header *)p->head;
    const struct elf32_header *h32 = (const struct elf32_header *)p->head;
    bool wide = h64->ident.class == ELF_CLASS_64;
    u64 at = wide ? h64->phoff : h32->phoff;
    u32 step = wide ? h64->phentsize : h32->phentsize, count = wide ? h64->phnum : h32->phnum;
    u32 least = wide ? sizeof(struct elf64_segment) : sizeof(struct elf32_segment);
    if (!count || count > SEGMENTS_MAX)
        return fail(ERR_UNSUPPORTED, "ELF with %u program headers, expected 1 to %u", count, SEGMENTS_MAX);
    if (step < least || step > 1024)
        return fail(ERR_CORRUPT, "ELF program header size %u, expected %u", step, least);
    u64 size = (u64)step * (count - 1) + least;
    if (!fits(at, size, p->kernel.size))
        return error_add(fail_truncated(p, at, size), "ELF program headers");
    u8 *raw = arena_reserve(size, 8);
    if (!raw)
        return ERR_NO_MEMORY;
    enum error error = file_read(&p->kernel, at, size, raw);
    if (error)
        return error;
    plan->segment_count = count;
    for (u32 i = 0; i < count; i++)
        plan->segment[i] = convert_segment(raw + (u64)step * i, wide);
    return check_truncation(p, plan);
}

static void take_note(struct pvh_plan *plan, u32 type, const u8 *desc, u32 size)
{
    if (type == PVH_NOTE_PHYS32_ENTRY && !plan->entry && (size == 4 || size == 8)) {
        plan->entry = load_le(desc, size);
    } else if (type == NOTE_PHYS32_RELOC) { /* elfnote.h: each of the three may be left out */
        plan->movable = true;
        plan->move_align = size >= 4 ? load_le(desc, 4) : 0;
        plan->move_min = size >= 8 ? load_le(desc + 4, 4) : 0;
        plan->move_max = size >= 12 ? load_le(desc + 8, 4) : 0xffffffffu;
    }
}

/* Notes padded to `align` bytes (4 as Xen has it, 8 as the gABI has it in 8-byte aligned segments). */
static void walk_notes(struct pvh_plan *plan, const u8 *notes, u64 size, u64 align)
{
    for (u64 at = 0; fits(at, sizeof(struct elf_note), size);) {
        const struct elf_note *note = (const struct elf_note *)(notes + at);
        u64 desc = align_up(sizeof *note + note->namesz, align);
        u64 next = align_up(desc + note->descsz, align);
        if (!fits(at + desc, note->descsz, size))
            return;
        if (note->namesz == 4 && !memcmp(note + 1, "Xen", 4))
            take_note(plan, note->type, notes + at + desc, note->descsz);
        at += next;
    }
}

static enum error read_notes(const struct payload *p, struct pvh_plan *plan)
{
    for (u32 i = 0; i < plan->segment_count && !plan->entry; i++) {
        const struct segment *s = &plan->segment[i];
        if (s->type != ELF_SEGMENT_NOTE || !s->filesz)
            continue;
        u64 size = min_u64(s->filesz, NOTES_SIZE_MAX);
        u8 *notes = arena_reserve(size, 8);
        if (!notes)
            return ERR_NO_MEMORY;
        enum error error = file_read(&p->kernel, s->offset, size, notes);
        if (error)
            return error;
        walk_notes(plan, notes, size, 4);
        if (!plan->entry && s->align == 8)
            walk_notes(plan, notes, size, 8);
    }
    if (!plan->entry)
        return fail(ERR_UNSUPPORTED, "ELF without a Xen note of type 18 (PHYS32_ENTRY), which a PVH kernel must have");
    return OK;
}

/* ---- placing ----------------------------------------------------------------------------------------------------- */

static enum error check_segment(const struct segment *s, u32 number)
{
    if (s->filesz > s->memsz)
        return fail(ERR_CORRUPT, "kernel segment %u: %lu bytes in the file, %lu in memory", number, s->filesz,
                    s->memsz);
    if (!fits(s->paddr, s->memsz, GIB(4)))
        return fail(ERR_UNSUPPORTED, "kernel segment %u: %lu bytes at %lx, expected below 4 GiB", number, s->memsz,
                    s->paddr);
    return OK;
}

/* Bounds of all segments, and whether the entry is in one. */
static enum error survey(struct pvh_plan *plan)
{
    bool entered = false;
    u32 number = 0;
    plan->low = ~0ull;
    for (u32 i = 0; i < plan->segment_count; i++) {
        const struct segment *s = &plan->segment[i];
        if (!is_loaded(s))
            continue;
        enum error error = check_segment(s, number++);
        if (error)
            return error;
        plan->low = min_u64(plan->low, s->paddr);
        plan->high = max_u64(plan->high, s->paddr + s->memsz);
        entered |= plan->entry >= s->paddr && plan->entry - s->paddr < s->memsz;
    }
    if (!number)
        return fail(ERR_CORRUPT, "ELF without a segment to load");
    if (!entered)
        return fail(ERR_CORRUPT, "entry point %lx is in no segment (they lie in [%lx,%lx))", plan->entry, plan->low,
                    plan->high);
    return OK;
}

static enum error claim_segments(struct payload *p, struct pvh_plan *plan, struct mem_space *space)
{
    u32 number = 0;
    for (u32 i = 0; i < plan->segment_count; i++) {
        const struct segment *s = &plan->segment[i];
        if (!is_loaded(s))
            continue;
        struct placement piece = {.from = &p->kernel, .file_offset = s->offset, .file_size = s->filesz,
                                  .dest = s->paddr + plan->shift, .mem_size = s->memsz,
                                  .what = format_copy("kernel segment %u", number++)};
        if (!piece.what)
            return ERR_NO_MEMORY;
        enum error error = placement_add(p, space, &piece, true);
        if (error)
            return error;
    }
    return OK;
}

/* elfnote.h: without an alignment in the note it is the largest p_align that is at least a page, else 2 MiB. */
static u64 move_alignment(const struct pvh_plan *plan)
{
    u64 align = plan->move_align;
    for (u32 i = 0; !plan->move_align && i < plan->segment_count; i++)
        if (plan->segment[i].type == ELF_SEGMENT_LOAD && plan->segment[i].align >= PAGE_SIZE)
            align = max_u64(align, plan->segment[i].align);
    return align ? align : MIB(2);
}

/* Where p_paddr says; or, when that is taken and the kernel says it can be moved, at the next place it allows. */
static enum error place_segments(struct payload *p, struct pvh_plan *plan, struct mem_space *space)
{
    u32 claims = space->count;
    u64 align = move_alignment(plan), base;
    enum error error = claim_segments(p, plan, space);
    if (error != ERR_CONFLICT || !plan->movable || !is_power_of_two(align))
        return error;
    space->count = claims;
    p->placement_count = 0;
    error = mem_place(space, plan->high - plan->low, max_u64(align, PAGE_SIZE), plan->move_min, plan->move_max + 1,
                      MEM_FROM_BOTTOM, "kernel", &base);
    if (error)
        return error;
    space->count = claims; /* the segments claim it piece by piece */
    plan->shift = base - plan->low;
    return claim_segments(p, plan, space);
}

/* One module of `count` files in a row, each but the last padded to 4 bytes (Linux's initrds). */
static enum error place_module(struct payload *p, struct pvh_plan *plan, struct mem_space *space,
                               const struct file *files, u32 count, const char *what)
{
    u64 size = 0, base;
    for (u32 i = 0; i < count; i++) {
        if (files[i].size > GIB(4))
            return fail(ERR_RANGE, "%s: %lu bytes, expected less than 4 GiB", files[i].path, files[i].size);
        size = align_up(size, 4) + files[i].size;
    }
    u64 room = align_up(max_u64(size, 1), 4);
    enum error error = mem_place(space, room, PAGE_SIZE, MIB(1), GIB(4), MEM_FROM_TOP, what, &base);
    if (error)
        return error;
    plan->module_base[plan->module_count] = base;
    plan->module_size[plan->module_count++] = size;
    return placement_add_row(p, space, files, count, base, what);
}

static enum error place_modules(struct payload *p, struct pvh_plan *plan, struct mem_space *space)
{
    for (u32 i = 0; i < p->module_count; i++) {
        enum error error = place_module(p, plan, space, &p->module[i], 1, "module");
        if (error)
            return error;
    }
    return p->initrd_count ? place_module(p, plan, space, p->initrd, p->initrd_count, "initrd") : OK;
}

static enum error make_memmap(struct pvh_plan *plan, const struct mem_map *map)
{
    plan->map = arena_reserve(sizeof *plan->map, 8);
    if (!plan->map)
        return ERR_NO_MEMORY;
    memcpy(plan->map, map, offsetof(struct mem_map, range) + map->count * sizeof map->range[0]);
    mem_map_condense(plan->map, MEMMAP_MAX);
    return OK;
}

static u64 text_size(const struct payload *p)
{
    u64 size = strlen(p->cmdline) + 1;
    for (u32 i = 0; i < p->module_count; i++)
        size += strlen(p->module_text[i]) + 1;
    return align_up(size, 16);
}

/* Strings first, then start_info, modules, map: FreeBSD takes the memory behind the last of the three for its own. */
static enum error place_record(struct payload *p, struct pvh_plan *plan, struct mem_space *space)
{
    u64 text = text_size(p), info = align_up(sizeof(struct pvh_start_info), 16);
    u64 modules = plan->module_count * sizeof(struct pvh_modlist_entry);
    p->record_size = text + info + modules + plan->map->count * sizeof(struct pvh_memmap_entry);
    enum error error = mem_place(space, p->record_size, PAGE_SIZE, RECORD_LOW, RECORD_HIGH, MEM_FROM_BOTTOM,
                                 "start_info", &plan->text);
    u64 above = align_up(plan->high + plan->shift, PAGE_SIZE) + PAGE_SIZE;
    if (error) /* a page apart from the image: NetBSD copies what it needs right behind itself */
        error = mem_place(space, p->record_size, PAGE_SIZE, above, RECORD_MAX, MEM_FROM_BOTTOM, "start_info",
                          &plan->text);
    plan->info = plan->text + text;
    plan->modlist = plan->info + info;
    plan->memmap = plan->modlist + modules;
    p->record = plan->info;
    p->cmdline_address = plan->text;
    return error;
}

static enum error pvh_plan(struct payload *p, struct mem_space *space)
{
    struct pvh_plan *plan = arena_alloc(sizeof *plan, 8);
    if (!plan)
        return ERR_NO_MEMORY;
    p->own = plan;
    enum error error = read_segments(p, plan);
    if (!error)
        error = read_notes(p, plan);
    if (!error)
        error = survey(plan);
    if (!error)
        error = place_segments(p, plan, space);
    if (!error)
        error = make_memmap(plan, space->map);
    if (!error)
        error = place_modules(p, plan, space);
    if (!error)
        error = place_record(p, plan, space); /* last: its size depends on the modules */
    p->mode = HANDOFF_PVH;
    p->mode_name = "pvh";
    p->entry_point = plan->entry + plan->shift;
    return error;
}

/* ---- prepare ----------------------------------------------------------------------------------------------------- */

static u64 write_text(u64 *at, const char *text)
{
    u64 size = strlen(text) + 1, here = *at;
    memcpy(mem_at(here, size), text, size);
    *at += size;
    return here;
}

/* p->module[i] with its text, then the initrds as one module without. */
static void write_modlist(const struct payload *p, const struct pvh_plan *plan, u64 *text)
{
    struct pvh_modlist_entry *list = mem_at(plan->modlist, plan->module_count * sizeof *list);
    for (u32 i = 0; i < plan->module_count; i++) {
        bool has_text = i < p->module_count && p->module_text[i][0];
        list[i] = (struct pvh_modlist_entry){
            .paddr = plan->module_base[i],
            .size = plan->module_size[i],
            .cmdline_paddr = has_text ? write_text(text, p->module_text[i]) : 0,
        };
    }
}

static void write_memmap(const struct pvh_plan *plan)
{
    struct pvh_memmap_entry *entry = mem_at(plan->memmap, plan->map->count * sizeof *entry);
    for (u32 i = 0; i < plan->map->count; i++) {
        const struct mem_range *r = &plan->map->range[i];
        entry[i] = (struct pvh_memmap_entry){.addr = r->base, .size = r->size, .type = r->type};
    }
}

static enum error pvh_prepare(struct payload *p, const struct boot_info *boot)
{
    const struct pvh_plan *plan = p->own;
    u64 text = plan->text;
    struct pvh_start_info *info = mem_at(plan->info, sizeof *info);
    *info = (struct pvh_start_info){
        .magic = PVH_MAGIC,
        .version = 1,
        .nr_modules = plan->module_count,
        .modlist_paddr = plan->module_count ? plan->modlist : 0, /* FreeBSD halts on a list of none */
        .cmdline_paddr = write_text(&text, p->cmdline),
        .rsdp_paddr = boot->rsdp,
        .memmap_paddr = plan->memmap,
        .memmap_entries = plan->map->count,
    };
    write_modlist(p, plan, &text);
    write_memmap(plan);
    return OK;
}

const struct payload_protocol payload_pvh = {"pvh", pvh_recognise, pvh_plan, pvh_prepare};
