/* payload_linux.c: Linux by the zero page (Documentation/arch/x86/boot.rst, protocol 2.02 to 2.15).
 *
 * Three ways in: the 64-bit entry when the kernel has one, else the 32-bit entry; kernels that have no 32-bit entry
 * (ipxe.lkrn, memdisk) go through real mode, which takes a BIOS. Left out on purpose: zImage (loaded low, gone
 * since 2.6.30) and the EFI handover. Exercise: tests/unit/test_payload_linux.c, tests/fuzz/fuzz_bzimage.c.
 */
#include "linux_boot.h"
#include "payload.h"
#include "print.h"

#define SECTOR 512u
#define DEFAULT_SETUP_SECTS 4u
#define DEFAULT_LOAD MIB(1)
#define DEFAULT_INITRD_MAX 0x37ffffffu /* before 2.03 */
#define DEFAULT_CMDLINE 255u           /* before 2.06 */
#define LOADER_UNDEFINED 0xff
#define VIDEO_MODE_NORMAL 0xffff
#define ENTRY_64 0x200u

/* Low memory that every kernel maps, above what BIOSes use and below where a kernel's own real-mode trampolines go. */
#define RECORD_LOW 0x10000u
#define RECORD_HIGH 0x90000u
#define REAL_HIGH 0xa0000u /* a real-mode part: as high as the BIOS leaves memory */

/* 16-bit protocol: setup code, heap and stack below REAL_STACK, the command line above, all in one segment. */
#define REAL_SETUP_MAX 0x8000u
#define REAL_STACK 0xe000u
#define REAL_SIZE 0xf000u
#define REAL_CMDLINE_MAX (REAL_SIZE - REAL_STACK - 1)

/* BIOS data area (for the state of the text screen) and interrupt vectors */
#define BDA_VIDEO_MODE 0x449u
#define BDA_COLUMNS 0x44au
#define BDA_CURSOR 0x450u
#define VECTOR_VIDEO 0x40u
#define VECTOR_DISK 0x4cu

struct linux_plan {
    struct linux_header header; /* fields beyond the kernel's version are 0 */
    u32 header_end;             /* in the file: 202h + length byte */
    bool real_mode;             /* it is entered there only */
    u64 setup_size, code_size;  /* bytes of the file: real-mode part, protected-mode part */
    u64 load;
    u64 initrd, initrd_size;
    u64 setup_data; /* of the e820 entries that do not fit the zero page; 0 none */
};

/* ipxe.lkrn's code starts with nothing that could be entered, memdisk's relies on what its setup code has done. */
static bool enters_by_real_mode(const u8 *head, u32 len, const struct linux_header *h)
{
    static const char memdisk[] = "MEMDISK";
    u32 name = LINUX_VERSION_BASE + h->kernel_version;
    return (!h->code32_start && !(h->xloadflags & XLF_KERNEL_64)) ||
           (fits(name, sizeof memdisk, len) && !memcmp(head + name, memdisk, sizeof memdisk - 1));
}

/* The header, with what its version does not have yet (or a short file no more) zeroed. */
static void read_header(const u8 *head, u32 len, struct linux_plan *plan)
{
    struct linux_header *h = &plan->header;
    memset(h, 0, sizeof *h);
    memcpy(h, head + LINUX_HEADER_AT, min_u64(len - LINUX_HEADER_AT, sizeof *h));
    plan->header_end = (u32)min_u64(0x202u + head[LINUX_HEADER_LENGTH_AT], LINUX_HEADER_END_MAX);
    u32 known = h->version >= 0x20c ? sizeof *h
              : h->version >= 0x20a ? offsetof(struct linux_header, handover_offset)
              : h->version >= 0x209 ? offsetof(struct linux_header, pref_address)
              : h->version >= 0x207 ? offsetof(struct linux_header, setup_data)
              : h->version >= 0x206 ? offsetof(struct linux_header, hardware_subarch)
              : h->version >= 0x205 ? offsetof(struct linux_header, cmdline_size)
              : h->version >= 0x203 ? offsetof(struct linux_header, kernel_alignment)
                                    : offsetof(struct linux_header, initrd_addr_max);
    memset((u8 *)h + known, 0, sizeof *h - known);
    if (h->version < 0x20c)
        h->xloadflags = 0;
    if (h->version < 0x20a)
        h->min_alignment = 0;
    plan->setup_size = ((h->setup_sects ? h->setup_sects : DEFAULT_SETUP_SECTS) + 1) * SECTOR;
    plan->real_mode = enters_by_real_mode(head, len, h);
}

/* Bytes the header says the protected-mode part has; boot.rst: before 2.04 it cannot say, all of the file is meant. */
static u64 declared_size(const struct linux_plan *plan, u64 file_size)
{
    return plan->header.version >= 0x204 ? (u64)plan->header.syssize * 16 : file_size - plan->setup_size;
}

/* Where the signature behind a signed kernel ends, which syssize does not count; 0: not signed. PE/COFF: the fifth data
 * directory of the optional header, the only one that holds a file offset. */
static u64 signature_end(const u8 *head, u32 len)
{
    u32 pe, table[2];
    memcpy(&pe, head + 0x3c, sizeof pe);
    if (head[0] != 'M' || head[1] != 'Z' || !fits(pe, 24 + 112 + 40, len) || memcmp(head + pe, "PE\0", 4))
        return 0;
    u32 directories = head[pe + 25] == 2 ? 112 : 96; /* PE32+, PE32 */
    memcpy(table, head + pe + 24 + directories + 32, sizeof table);
    return table[0] ? (u64)table[0] + table[1] : 0;
}

/* A file that ends within its code. A whole file may do with up to 15 bytes less: syssize counts in 16. */
static enum error check_size(const struct linux_plan *plan, const u8 *head, u32 len, u64 size)
{
    if (plan->header.version >= 0x204 && !plan->header.syssize)
        return fail(ERR_CORRUPT, "bzImage syssize 0 at byte 500, expected the size of its code");
    u64 needed = plan->setup_size + (plan->header.version >= 0x204 ? declared_size(plan, size) : SECTOR);
    if (size > plan->setup_size && (plan->header.version < 0x204 || size + 15 >= needed))
        return OK;
    return fail(ERR_TRUNCATED, "truncated at %lu of %lu bytes", size, max_u64(needed, signature_end(head, len)));
}

static enum error linux_recognise(const u8 *head, u32 len, u64 size)
{
    struct linux_plan plan;
    const struct linux_header *h = &plan.header;
    if (len < LINUX_HEADER_AT + offsetof(struct linux_header, realmode_swtch))
        return ERR_NOT_MINE;
    read_header(head, len, &plan);
    if (h->header != LINUX_MAGIC)
        return ERR_NOT_MINE;
    if (h->boot_flag != LINUX_BOOT_FLAG)
        return fail(ERR_CORRUPT, "bzImage boot_flag %04x at byte 510, expected aa55", h->boot_flag);
    if (h->version < 0x202 || h->version > 0x20f)
        return fail(ERR_UNSUPPORTED, "bzImage protocol version %u.%02u at byte 518, expected 2.02 to 2.15",
                    h->version >> 8, h->version & 0xff);
    if (len > LINUX_HEADER_AT + offsetof(struct linux_header, loadflags) && !(h->loadflags & LINUX_LOADED_HIGH))
        return fail(ERR_UNSUPPORTED, "zImage (loadflags %02x at byte 529), expected a bzImage (bit 0 set)",
                    h->loadflags);
    enum error error = check_size(&plan, head, len, size);
    if (error)
        return error;
    if (h->relocatable_kernel && !is_power_of_two(h->kernel_alignment))
        return fail(ERR_CORRUPT, "bzImage kernel_alignment %x at byte 560, expected a power of two",
                    h->kernel_alignment);
    return OK;
}

/* ---- plan -------------------------------------------------------------------------------------------------------- */

static enum error check_cmdline(const struct payload *p, u32 most)
{
    u32 length = (u32)strlen(p->cmdline);
    if (length <= most)
        return OK;
    return fail(ERR_RANGE, "command line of %u bytes is %u too long: this kernel takes at most %u", length,
                length - most, most);
}

/* Memory the kernel uses before it looks at the map. Before 2.10 it does not say: room to unpack beside itself. */
static u64 kernel_memory(const struct linux_plan *plan)
{
    if (plan->header.version >= 0x20a)
        return max_u64(plan->header.init_size, plan->code_size);
    return plan->real_mode ? plan->code_size : plan->code_size * 3;
}

/* The next best place for a kernel that can be moved. Loaded below the preferred address it would unpack itself to that
 * address anyway (arch/x86/boot/compressed/head_64.S): so, upwards. */
static enum error move_kernel(struct linux_plan *plan, struct mem_space *space, u64 size, bool above_4g)
{
    u64 align = max_u64(plan->header.kernel_alignment, PAGE_SIZE);
    enum error error = mem_place(space, size, align, plan->load, GIB(4), MEM_FROM_BOTTOM, "kernel", &plan->load);
    if (error && above_4g)
        error = mem_place(space, size, align, GIB(4), ~0ull, MEM_FROM_BOTTOM, "kernel", &plan->load);
    return error;
}

/* Claim the kernel's memory: at its preferred address; when that is taken and it can be moved, at the next that it
 * likes; in the last resort at one that it can do with (boot.rst: the loader then tells so in kernel_alignment). */
static enum error place_kernel(struct linux_plan *plan, struct mem_space *space)
{
    struct linux_header *h = &plan->header;
    bool above_4g = h->xloadflags & XLF_KERNEL_64 && h->xloadflags & XLF_CAN_BE_LOADED_ABOVE_4G;
    u64 size = kernel_memory(plan);
    plan->load = h->pref_address ? h->pref_address : DEFAULT_LOAD;
    if (!fits(plan->load, size, above_4g ? ~0ull : GIB(4)))
        return fail(ERR_UNSUPPORTED, "bzImage pref_address %lx at byte 600 for %lu bytes, expected below 4 GiB",
                    plan->load, size);
    enum error error = mem_claim(space, plan->load, size, "kernel");
    if (!error || !h->relocatable_kernel)
        return error;
    error = move_kernel(plan, space, size, above_4g);
    u32 least = h->min_alignment < 32 ? 1u << h->min_alignment : 0;
    if (error && least >= PAGE_SIZE && least < h->kernel_alignment) {
        h->kernel_alignment = least;
        error = move_kernel(plan, space, size, above_4g);
    }
    return error;
}

/* A single initrd that a loader has put where the kernel can take it stays there. At a page: Linux gives the pages back
 * later, and warns when it begins within one (arch/x86/mm/init.c, free_init_pages). */
static bool initrd_in_place(struct payload *p, struct linux_plan *plan, const struct mem_space *space, u64 high)
{
    const struct file *f = &p->initrd[0];
    if (p->initrd_count != 1 || f->volume || f->memory % PAGE_SIZE || !fits(f->memory, f->size, high))
        return false;
    const struct mem_range *claim = mem_claim_find(space, f->memory, f->size); /* its own, not that of our kernel */
    if (!claim || claim->base != f->memory || claim->size != f->size || !mem_map_usable(space->map, f->memory, f->size))
        return false;
    plan->initrd = f->memory;
    plan->initrd_size = f->size;
    return true;
}

static enum error place_initrds(struct payload *p, struct linux_plan *plan, struct mem_space *space)
{
    const struct linux_header *h = &plan->header;
    u64 last = h->version >= 0x203 ? h->initrd_addr_max : DEFAULT_INITRD_MAX;
    u64 high = min_u64(last + 1, GIB(4)), total = 0;
    for (u32 i = 0; i < p->initrd_count; i++) {
        if (p->initrd[i].size > ~0ull >> 1 || total > ~0ull >> 2)
            return fail(ERR_RANGE, "%s: %lu bytes are too many", p->initrd[i].path, p->initrd[i].size);
        plan->initrd_size = align_up(total, 4) + p->initrd[i].size;
        total = plan->initrd_size;
    }
    if (!total || initrd_in_place(p, plan, space, high))
        return OK;
    bool anywhere = h->xloadflags & XLF_CAN_BE_LOADED_ABOVE_4G; /* such kernels take more than initrd_addr_max says */
    total = align_up(total, 4);
    enum error error = mem_place(space, total, PAGE_SIZE, MIB(1), high, MEM_FROM_TOP, "initrd", &plan->initrd);
    if (error && anywhere)
        error = mem_place(space, total, PAGE_SIZE, MIB(1), GIB(4), MEM_FROM_TOP, "initrd", &plan->initrd);
    if (error && anywhere)
        error = mem_place(space, total, PAGE_SIZE, GIB(4), ~0ull, MEM_FROM_BOTTOM, "initrd", &plan->initrd);
    return error ? error : placement_add_row(p, space, p->initrd, p->initrd_count, plan->initrd, "initrd");
}

static u64 e820_extra_size(const struct linux_plan *plan, const struct mem_map *map)
{
    if (map->count <= LINUX_E820_MAX || plan->header.version < 0x209)
        return 0;
    return sizeof(struct linux_setup_data) + (map->count - LINUX_E820_MAX) * sizeof(struct linux_e820_entry);
}

/* Zero page, then the e820 entries it has no room for, then the command line: one piece of low memory, else any. */
static enum error place_record(struct payload *p, struct linux_plan *plan, struct mem_space *space)
{
    u64 extra = align_up(e820_extra_size(plan, space->map), 16);
    p->record_size = sizeof(struct linux_zero_page) + extra + strlen(p->cmdline) + 1;
    enum error error = mem_place(space, p->record_size, PAGE_SIZE, RECORD_LOW, RECORD_HIGH, MEM_FROM_BOTTOM,
                                 "zero page", &p->record);
    if (error)
        error = mem_place(space, p->record_size, PAGE_SIZE, MIB(1), GIB(1), MEM_FROM_BOTTOM, "zero page", &p->record);
    plan->setup_data = extra ? p->record + sizeof(struct linux_zero_page) : 0;
    p->cmdline_address = p->record + sizeof(struct linux_zero_page) + extra;
    return error;
}

/* 16-bit protocol: the setup part in a segment of its own, entered at its second sector. */
static enum error place_real_mode(struct payload *p, struct linux_plan *plan, struct mem_space *space)
{
    if (plan->setup_size > REAL_SETUP_MAX)
        return fail(ERR_UNSUPPORTED, "real-mode part of %lu bytes, expected at most %u", plan->setup_size,
                    REAL_SETUP_MAX);
    static const char what[] = "real-mode part";
    enum error error = mem_place(space, REAL_SIZE, PAGE_SIZE, RECORD_LOW, REAL_HIGH, MEM_FROM_TOP, what, &p->record);
    struct placement setup = {.from = &p->kernel, .file_size = plan->setup_size, .dest = p->record,
                              .mem_size = REAL_SIZE, .what = what};
    p->record_size = REAL_SIZE;
    p->cmdline_address = p->record + REAL_STACK;
    p->own_stack = REAL_STACK;
    p->mode = HANDOFF_REAL;
    p->mode_name = "linux16";
    p->entry_point = p->record + SECTOR;
    return error ? error : placement_add(p, space, &setup, false);
}

static enum error place_entry(struct payload *p, struct linux_plan *plan, struct mem_space *space)
{
    const struct linux_header *h = &plan->header;
    bool wide = h->xloadflags & XLF_KERNEL_64;
    if (plan->real_mode)
        return place_real_mode(p, plan, space);
    u64 offset = wide ? ENTRY_64 : (u64)h->code32_start - DEFAULT_LOAD;
    if (offset >= plan->code_size)
        return fail(ERR_CORRUPT, "bzImage entry %lx (%s) is outside its code of %lu bytes", offset + DEFAULT_LOAD,
                    wide ? "64-bit" : "code32_start at byte 532", plan->code_size);
    p->mode = wide ? HANDOFF_LINUX64 : HANDOFF_LINUX32;
    p->mode_name = wide ? "linux64" : "linux32";
    p->entry_point = plan->load + offset;
    return place_record(p, plan, space);
}

static enum error linux_plan(struct payload *p, struct mem_space *space)
{
    struct linux_plan *plan = arena_alloc(sizeof *plan, 8);
    if (!plan)
        return ERR_NO_MEMORY;
    p->own = plan;
    read_header(p->head, p->head_size, plan);
    const struct linux_header *h = &plan->header;
    if (p->module_count)
        return fail(ERR_UNSUPPORTED, "`module` lines are for `pvh`; a Linux bzImage takes `initrd`");
    u32 most = h->version >= 0x206 && h->cmdline_size ? h->cmdline_size : DEFAULT_CMDLINE;
    enum error error = check_cmdline(p, plan->real_mode ? (u32)min_u64(most, REAL_CMDLINE_MAX) : most);
    if (error)
        return error;
    plan->code_size = min_u64(declared_size(plan, p->kernel.size), p->kernel.size - plan->setup_size);
    error = place_kernel(plan, space);
    if (error)
        return error;
    struct placement code = {.from = &p->kernel, .file_offset = plan->setup_size, .file_size = plan->code_size,
                             .dest = plan->load, .mem_size = plan->code_size, .what = "kernel"};
    error = placement_add(p, space, &code, false);
    if (!error)
        error = place_entry(p, plan, space);
    return error ? error : place_initrds(p, plan, space);
}

/* ---- prepare ----------------------------------------------------------------------------------------------------- */

static void fill_e820(struct linux_zero_page *zero, const struct linux_plan *plan, const struct mem_map *map)
{
    struct linux_e820_entry *extra = NULL;
    if (plan->setup_data) {
        u64 size = e820_extra_size(plan, map);
        struct linux_setup_data *node = mem_at(plan->setup_data, size);
        *node = (struct linux_setup_data){.type = LINUX_SETUP_E820_EXT, .len = (u32)(size - sizeof *node)};
        extra = (struct linux_e820_entry *)(node + 1);
    }
    if (plan->header.version >= 0x209)
        zero->header.setup_data = plan->setup_data;
    for (u32 i = 0; i < map->count; i++) {
        const struct mem_range *r = &map->range[i];
        struct linux_e820_entry entry = {r->base, r->size, r->type};
        if (i < LINUX_E820_MAX)
            zero->e820[zero->e820_entries++] = entry;
        else if (extra)
            *extra++ = entry;
    }
}

/* Bytes above 1 MiB that a kernel without e820 would believe in. */
static u32 extended_kib(const struct mem_map *map)
{
    const struct mem_range *r = mem_map_find(map, MIB(1));
    return r && r->type == MEM_USABLE ? (u32)min_u64((r->base + r->size - MIB(1)) >> 10, 0xffffffffu) : 0;
}

static void fill_framebuffer(struct linux_screen *screen, const struct framebuffer *fb)
{
    u64 bytes = (u64)fb->pitch * fb->height;
    screen->orig_video_is_vga = LINUX_VIDEO_VLFB;
    screen->lfb_width = (u16)fb->width;
    screen->lfb_height = (u16)fb->height;
    screen->lfb_depth = fb->depth;
    screen->lfb_base = (u32)fb->base;
    screen->ext_lfb_base = (u32)(fb->base >> 32);
    screen->capabilities = fb->base >> 32 ? LINUX_SCREEN_64BIT_BASE : 0;
    screen->lfb_size = (u32)(align_up(bytes, KIB(64)) >> 16);
    screen->lfb_linelength = (u16)fb->pitch;
    screen->red_size = fb->red_size, screen->red_pos = fb->red_position;
    screen->green_size = fb->green_size, screen->green_pos = fb->green_position;
    screen->blue_size = fb->blue_size, screen->blue_pos = fb->blue_position;
    screen->pages = 1;
    if (fb->depth == 32) {
        screen->rsvd_size = (u8)(32 - fb->red_size - fb->green_size - fb->blue_size);
        screen->rsvd_pos = (u8)(fb->red_size + fb->green_size + fb->blue_size);
    }
}

/* A BIOS keeps the state of the text screen at 449h; where there is none these bytes are 0 and nothing is claimed. */
static void fill_text_screen(struct linux_screen *screen)
{
    const u8 *mode = mem_at(BDA_VIDEO_MODE, 1), *columns = mem_at(BDA_COLUMNS, 1), *cursor = mem_at(BDA_CURSOR, 2);
    if ((*mode != 2 && *mode != 3 && *mode != 7) || *columns != 80)
        return;
    screen->orig_x = cursor[0];
    screen->orig_y = cursor[1];
    screen->orig_video_mode = *mode;
    screen->orig_video_cols = 80;
    screen->orig_video_lines = 25;
    screen->orig_video_is_vga = LINUX_VIDEO_VGA;
    screen->orig_video_points = 16;
}

/* What every entry wants in the header, wherever that lies. */
static void fill_header(struct linux_header *h, const struct payload *p, const struct linux_plan *plan)
{
    h->type_of_loader = LOADER_UNDEFINED;
    h->loadflags &= (u8)~LINUX_KEEP_SEGMENTS;
    h->vid_mode = VIDEO_MODE_NORMAL;
    h->ramdisk_image = (u32)plan->initrd;
    h->ramdisk_size = (u32)plan->initrd_size;
    h->cmd_line_ptr = (u32)p->cmdline_address;
}

static enum error prepare_real_mode(struct payload *p, const struct linux_plan *plan)
{
    const u32 *video = mem_at(VECTOR_VIDEO, 4), *disk = mem_at(VECTOR_DISK, 4);
    if (!*video || !*disk)
        return fail(ERR_UNSUPPORTED, "has a 16-bit entry only, which needs a BIOS; there is none here");
    struct linux_header *h = mem_at(p->record + LINUX_HEADER_AT, sizeof *h);
    fill_header(h, p, plan);
    h->loadflags |= LINUX_CAN_USE_HEAP;
    h->heap_end_ptr = REAL_STACK - 0x200; /* boot.rst: minus 200h */
    return OK;
}

static enum error linux_prepare(struct payload *p, const struct boot_info *boot)
{
    const struct linux_plan *plan = p->own;
    u64 length = strlen(p->cmdline) + 1;
    memcpy(mem_at(p->cmdline_address, length), p->cmdline, length);
    if (p->mode == HANDOFF_REAL)
        return prepare_real_mode(p, plan);
    struct linux_zero_page *zero = mem_at(p->record, sizeof *zero);
    memset(zero, 0, sizeof *zero);
    u64 header_end = min_u64(plan->header_end, p->head_size);
    memcpy((u8 *)zero + LINUX_HEADER_AT, p->head + LINUX_HEADER_AT, header_end - LINUX_HEADER_AT);
    fill_header(&zero->header, p, plan);
    zero->header.code32_start = (u32)plan->load + plan->header.code32_start - (u32)DEFAULT_LOAD;
    if (plan->header.version >= 0x20a)
        zero->header.kernel_alignment = plan->header.kernel_alignment;
    zero->ext_ramdisk_image = (u32)(plan->initrd >> 32);
    zero->ext_ramdisk_size = (u32)(plan->initrd_size >> 32);
    zero->acpi_rsdp_addr = boot->rsdp;
    fill_e820(zero, plan, &boot->memory);
    zero->alt_mem_k = extended_kib(&boot->memory);
    zero->screen.ext_mem_k = (u16)min_u64(zero->alt_mem_k, 0xfc00);
    if (boot->framebuffer.width)
        fill_framebuffer(&zero->screen, &boot->framebuffer);
    else
        fill_text_screen(&zero->screen);
    return OK;
}

const struct payload_protocol payload_linux = {"linux", linux_recognise, linux_plan, linux_prepare};
