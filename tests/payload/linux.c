/* linux.c: the zero page (Linux Documentation/arch/x86/boot.rst, protocol 2.15, and zero-page.rst), checked. */
#include "conform.h"

#define ZERO_PAGE 4096u
#define BIT(n) (1u << (n))

/* Offsets in the zero page */
enum {
    SCREEN_VIDEO = 0x0f, SCREEN_LFB = 0x12, RSDP = 0x70, EXT_RAMDISK_IMAGE = 0xc0, EXT_RAMDISK_SIZE = 0xc4,
    EXT_CMDLINE = 0xc8, EFI_INFO = 0x1c0, E820_ENTRIES = 0x1e8, SENTINEL = 0x1ef, VERSION = 0x206,
    TYPE_OF_LOADER = 0x210, LOADFLAGS = 0x211, CODE32_START = 0x214, RAMDISK_IMAGE = 0x218, RAMDISK_SIZE = 0x21c,
    CMDLINE = 0x228, INITRD_MAX = 0x22c, ALIGNMENT = 0x230, RELOCATABLE = 0x234, XLOADFLAGS = 0x236,
    CMDLINE_SIZE = 0x238, SETUP_DATA = 0x250, PREF_ADDRESS = 0x258, E820_TABLE = 0x2d0,
};
#define E820_MAX 128u
#define E820_SIZE 20u
#define SETUP_E820_EXT 1u
#define SETUP_NODES_MAX 32u
#define ABOVE_4G 2u

struct PACKED e820 {
    u64 base, size;
    u32 type;
};

struct PACKED setup_data {
    u64 next;
    u32 type, size;
};

static u64 field(const u8 *zero, u32 offset, u32 bytes)
{
    u64 value = 0;
    while (bytes--)
        value = value << 8 | zero[offset + bytes];
    return value;
}

static u64 wide(const u8 *zero, u32 low, u32 high) { return field(zero, low, 4) | field(zero, high, 4) << 32; }

/* Bytes of the header that a loader fills in (marked "write" or "modify" in boot.rst). */
static bool is_loaders(u32 offset)
{
    return (offset >= 0x1fa && offset < 0x1fc)                         /* vid_mode */
           || (offset >= TYPE_OF_LOADER && offset < 0x220)             /* to ramdisk_size */
           || (offset >= 0x224 && offset < 0x22c)                      /* heap_end_ptr to cmd_line_ptr */
           || (offset >= SETUP_DATA && offset < SETUP_DATA + 8);
}

static void check_header(struct work *w, const u8 *zero)
{
    const struct seal *seal = w->seal;
    u32 differs = 0;
    for (u32 i = HEADER_AT; i < seal->header_end; i++)
        if (!is_loaders(i) && zero[i] != seal->header[i - HEADER_AT])
            differs = i;
    check(w, !differs, "header copied", "found %x at byte %x expected %x", (u64)zero[differs], (u64)differs,
          (u64)seal->header[differs ? differs - HEADER_AT : 0]);
    check(w, zero[TYPE_OF_LOADER], "type_of_loader", "found 0 expected a loader's number or ff");
    u8 flags = zero[LOADFLAGS], own = seal->header[LOADFLAGS - HEADER_AT], ours = (u8)~(BIT(5) | BIT(6) | BIT(7));
    check_equal(w, "loadflags", flags & ours, own & ours);
    check(w, !(flags & BIT(6)) || w->saved->kind == KIND_LINUX32, "loadflags KEEP_SEGMENTS",
          "found %x expected bit 6 clear", (u64)flags);
}

/* What zero-page.rst lists; all else outside the header must be 0. */
static bool is_known(const u8 *zero, u32 i, u32 header_end)
{
    return i < 0x40                                                              /* screen_info */
           || (i >= RSDP && i < RSDP + 8) || (i >= EXT_RAMDISK_IMAGE && i < 0xcc)
           || (i >= EFI_INFO && i < 0x1e0 && field(zero, EFI_INFO, 2) == 0x4c45) /* "EL32", "EL64" */
           || (i >= 0x1e0 && i < 0x1e9)                                          /* alt_mem_k, scratch, e820_entries */
           || (i >= HEADER_AT && i < header_end)
           || (i >= E820_TABLE && i < E820_TABLE + zero[E820_ENTRIES] * E820_SIZE);
}

static void check_zeros(struct work *w, const u8 *zero)
{
    u32 found = ZERO_PAGE;
    for (u32 i = 0; i < ZERO_PAGE && found == ZERO_PAGE; i++)
        if (zero[i] && !is_known(zero, i, w->seal->header_end))
            found = i;
    check_equal(w, "sentinel", zero[SENTINEL], 0);
    check(w, found == ZERO_PAGE, "zero page is zero", "found %x at byte %x expected 0",
          (u64)zero[found & (ZERO_PAGE - 1)], (u64)found);
}

static void read_e820(struct work *w, const u8 *zero)
{
    const struct e820 *e = (const void *)(zero + E820_TABLE);
    check(w, zero[E820_ENTRIES] && zero[E820_ENTRIES] <= E820_MAX, "e820_entries", "found %u expected 1 to %u",
          (u64)zero[E820_ENTRIES], (u64)E820_MAX);
    for (u32 i = 0; i < zero[E820_ENTRIES] && i < E820_MAX; i++)
        map_add(w, e[i].base, e[i].size, e[i].type);
}

/* The chain is protocol 2.09; it may hold more e820 entries. */
static void read_setup_data(struct work *w, const u8 *zero, bool claims)
{
    u64 next = field(zero, VERSION, 2) >= 0x209 ? field(zero, SETUP_DATA, 8) : 0;
    u32 nodes = 0;
    while (next && nodes++ < SETUP_NODES_MAX && (w->saved->kind == KIND_LINUX64 || next < GIB4)) {
        const struct setup_data *node = at(next);
        if (claims) {
            claim(w, "setup_data", next, sizeof *node + node->size);
        } else if (node->type == SETUP_E820_EXT) {
            const struct e820 *e = (const void *)(node + 1);
            u32 count = node->size / E820_SIZE;
            say("conform: %u more e820 entries by setup_data\n", (u64)count);
            check_equal(w, "setup_data e820 size", node->size, count * E820_SIZE);
            for (u32 i = 0; i < count && i < RANGES_MAX; i++)
                map_add(w, e[i].base, e[i].size, e[i].type);
        }
        next = node->next;
    }
    if (!claims)
        check(w, !next, "setup_data chain", "found no end after %u nodes", (u64)nodes);
}

static void check_kernel(struct work *w, const u8 *zero)
{
    u64 version = field(zero, VERSION, 2), pref = version >= 0x20a ? field(zero, PREF_ADDRESS, 8) : 0x100000;
    bool moves = version >= 0x205 && zero[RELOCATABLE];
    u64 align = field(zero, ALIGNMENT, 4);
    if (moves)
        check(w, !(w->image & (align - 1)), "load address", "found %x expected a multiple of %x", w->image, align);
    else
        check_equal(w, "load address", w->image, pref);
    check_equal(w, "code32_start", field(zero, CODE32_START, 4), (u32)w->image);
    claim(w, "kernel", w->image, w->seal->memory_size);
    check_mapped(w, "kernel mapped", w->image, w->seal->memory_size);
}

static void check_cmdline(struct work *w, const u8 *zero)
{
    u64 address = wide(zero, CMDLINE, EXT_CMDLINE), size = 0;
    u64 most = field(zero, VERSION, 2) >= 0x206 ? field(zero, CMDLINE_SIZE, 4) : 255;
    bool reached = w->saved->kind == KIND_LINUX64 || address < GIB4;
    if (!check(w, address && reached, "cmd_line_ptr", "found %x", address))
        return;
    const char *s = at(address);
    while (size <= most && s[size])
        size++;
    if (!check(w, size <= most, "cmdline ends", "found no NUL in %u bytes", most + 1))
        return;
    w->cmdline = s;
    w->cmdline_size = size + 1;
    claim(w, "cmdline", address, size + 1);
    check_mapped(w, "cmdline mapped", address, size + 1);
}

static void check_ramdisk(struct work *w, const u8 *zero)
{
    u64 base = wide(zero, RAMDISK_IMAGE, EXT_RAMDISK_IMAGE), size = wide(zero, RAMDISK_SIZE, EXT_RAMDISK_SIZE);
    u64 version = field(zero, VERSION, 2), last = version >= 0x203 ? field(zero, INITRD_MAX, 4) : 0x37ffffff;
    if (version >= 0x20c && field(zero, XLOADFLAGS, 2) & ABOVE_4G)
        last = ~0ull;
    if (!size) {
        check_equal(w, "ramdisk_image of none", base, 0);
        return;
    }
    claim(w, "initrd", base, size);
    check(w, base + size - 1 <= last, "initrd_addr_max", "found [%x,%x) expected up to %x", base, base + size, last);
}

/* struct screen_info: text mode, a linear framebuffer, or nothing. */
static void check_screen(struct work *w, const u8 *zero)
{
    u64 kind = zero[SCREEN_VIDEO];
    u64 width = field(zero, SCREEN_LFB, 2), height = field(zero, SCREEN_LFB + 2, 2);
    u64 depth = field(zero, SCREEN_LFB + 4, 2), pitch = field(zero, 0x24, 2);
    u64 base = field(zero, SCREEN_LFB + 6, 4) | field(zero, 0x3a, 4) << 32;
    u64 size = field(zero, SCREEN_LFB + 10, 4) << 16;
    say("conform: screen kind %x\n", kind);
    if (kind == 1)
        check(w, zero[7] == 80 && zero[0xe] == 25, "text screen", "found %u by %u expected 80 by 25", (u64)zero[7],
              (u64)zero[0xe]);
    if (kind == 0x23)
        check(w, base && width && height && pitch >= width * (depth >> 3) && size >= pitch * height, "framebuffer",
              "found %u by %u, %u bits, pitch %u at [%x,+%x)", width, height, depth, pitch, base, size);
}

void check_zero_page(struct work *w, u64 address)
{
    const u8 *zero = at(address);
    if (!check(w, address && address < GIB4 && !__builtin_memcmp(zero + 0x202, "HdrS", 4), "zero page address",
               "found %x expected a zero page below 4 GiB", address))
        return;
    check_header(w, zero);
    check_zeros(w, zero);
    read_e820(w, zero);
    read_setup_data(w, zero, false);
    check_map(w);
    check_kernel(w, zero);
    claim(w, "zero page", address, ZERO_PAGE);
    check_mapped(w, "zero page mapped", address, ZERO_PAGE);
    check_cmdline(w, zero);
    read_setup_data(w, zero, true);
    check_ramdisk(w, zero);
    check_screen(w, zero);
    if (field(zero, VERSION, 2) >= 0x20e)
        check_rsdp(w, field(zero, RSDP, 8));
}

void check_initrd(struct work *w, u64 address)
{
    const u8 *zero = at(address);
    if (!address || address >= GIB4 || __builtin_memcmp(zero + 0x202, "HdrS", 4))
        return;
    u64 size = wide(zero, RAMDISK_SIZE, EXT_RAMDISK_SIZE);
    if (size)
        check_pieces(w, wide(zero, RAMDISK_IMAGE, EXT_RAMDISK_IMAGE), size);
}
