/* test_boot_info.c: boot_info.c, entry_multiboot1.c, entry_pvh.c: what loaders leave in memory, true and false. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "host.h"

#include "boot_info.h"
#include "multiboot1.h"
#include "pvh.h"

/* Where the fake loaders put their data. */
#define INFO 0x9500u
#define LOADER 0x9600u
#define CMDLINE 0x9700u
#define MMAP 0xa000u
#define MODULES 0xb000u
#define STRINGS 0xc000u
#define EBDA 0x9fc00u
#define ACPI MIB(200)

static struct boot_info boot;
static struct mb_info mb;
static struct pvh_start_info si;

/* assert_true(condition), saying which case it was. */
static void check(bool condition, const char *name)
{
    if (!condition)
        print_error("%s: problem \"%s\", %u ranges, %u modules\n", name, boot.problem ? boot.problem : "",
                    boot.memory.count,
                    boot.module_count);
    assert_true(condition);
}

static void check_problem(const char *part, const char *name)
{
    check(part ? boot.problem && strstr(boot.problem, part) : !boot.problem, name);
}

static void poke_text(u64 at, const char *text)
{
    host_poke(at, text, strlen(text) + 1);
}

static void poke_entry(u32 index, u64 base, u64 size, u32 type)
{
    struct mb_mmap_entry mb_entry = {20, base, size, type};
    struct pvh_memmap_entry si_entry = {.addr = base, .size = size, .type = type};
    host_poke(MMAP + index * sizeof mb_entry, &mb_entry, sizeof mb_entry);
    host_poke(MMAP + 0x800 + index * sizeof si_entry, &si_entry, sizeof si_entry);
}

static void poke_rsdp(u64 at, bool good)
{
    u8 rsdp[20] = "RSD PTR ?SHIM..";
    u8 sum = 0;
    for (u32 i = 0; i < sizeof rsdp; i++)
        sum = (u8)(sum + rsdp[i]);
    rsdp[8] = (u8)(rsdp[8] - sum + !good);
    host_poke(at, rsdp, sizeof rsdp);
}

/* Both records, complete: QEMU pc with 256 MiB and two modules. */
static void fresh(void)
{
    host_reset();
    memset(mem_at(0, MIB(1)), 0, MIB(1));
    memset(mem_at(ACPI, MIB(1)), 0, MIB(1));
    poke_entry(0, 0, 0x9fc00, MEM_USABLE);
    poke_entry(1, 0x9fc00, 0x400, MEM_RESERVED);
    poke_entry(2, 0xf0000, 0x10000, MEM_RESERVED);
    poke_entry(3, MIB(1), MIB(255), MEM_USABLE);
    poke_text(LOADER, "GRUB 2.06");
    poke_text(CMDLINE, "timeout=3 verbose");
    poke_text(STRINGS, "initrd.img one");
    struct mb_module module[2] = {{MIB(16), MIB(16) + 5000, STRINGS, 0}, {MIB(17), MIB(18), 0, 0}};
    host_poke(MODULES, module, sizeof module);
    struct pvh_modlist_entry entry[2] = {{MIB(16), 5000, STRINGS, 0}, {MIB(17), MIB(1), 0, 0}};
    host_poke(MODULES + 0x800, entry, sizeof entry);
    mb = (struct mb_info){
        .flags = MB_MEMORY | MB_BOOT_DEVICE | MB_CMDLINE | MB_MODULES | MB_MEMORY_MAP | MB_LOADER_NAME | MB_FRAMEBUFFER,
        .mem_lower = 639, .mem_upper = 65536, .boot_device = 0x8000ffff, .cmdline = CMDLINE, .mods_count = 2,
        .mods_addr = MODULES, .mmap_length = 4 * sizeof(struct mb_mmap_entry), .mmap_addr = MMAP, .loader_name = LOADER,
        .framebuffer_addr = 0xfd000000, .framebuffer_pitch = 4096, .framebuffer_width = 1024, .framebuffer_height = 768,
        .framebuffer_bpp = 32, .framebuffer_type = MB_FRAMEBUFFER_RGB, .red_position = 16, .red_size = 8,
        .green_position = 8, .green_size = 8, .blue_position = 0, .blue_size = 8,
    };
    si = (struct pvh_start_info){
        .magic = PVH_MAGIC, .version = 1, .nr_modules = 2, .modlist_paddr = MODULES + 0x800, .cmdline_paddr = CMDLINE,
        .rsdp_paddr = 0xf5a10, .memmap_paddr = MMAP + 0x800, .memmap_entries = 4,
    };
}

static void read_multiboot(void)
{
    host_poke(INFO, &mb, sizeof mb);
    boot_info_read(&boot, DOOR_MULTIBOOT, INFO);
}

static void read_pvh(void)
{
    host_poke(INFO, &si, sizeof si);
    boot_info_read(&boot, DOOR_PVH, INFO);
}

static bool is_range(u32 i, u64 base, u64 size, u32 type)
{
    const struct mem_range *r = &boot.memory.range[i];
    return i < boot.memory.count && r->base == base && r->size == size && r->type == type;
}

static void check_common(const char *name)
{
    check_problem(NULL, name);
    check(boot.memory.count == 4 && is_range(0, 0x1000, 0x9e000, MEM_USABLE) &&
          is_range(3, MIB(1), MIB(255), MEM_USABLE), name);
    check(!strcmp(boot.cmdline, "timeout=3 verbose"), name);
    check(boot.module_count == 2, name);
    check(boot.module[0].base == MIB(16) && boot.module[0].size == 5000 &&
          !strcmp(boot.module[0].text, "initrd.img one"), name);
    check(boot.module[1].base == MIB(17) && boot.module[1].size == MIB(1) && !strcmp(boot.module[1].text, ""), name);
}

static bool recorded(u64 base, u64 size)
{
    for (u32 i = 0; i < boot.record_count; i++)
        if (base >= boot.record[i].base && fits(base - boot.record[i].base, size, boot.record[i].size))
            return true;
    return false;
}

/* ---- multiboot --------------------------------------------------------------------------------------------------- */

static void multiboot_tells_everything(void **state)
{
    (void)state;
    fresh();
    read_multiboot();
    check_common("multiboot");
    assert_string_equal(boot.door, "multiboot");
    assert_string_equal(boot.loader, "GRUB 2.06");
    assert_int_equal(boot.boot_device, 0x8000ffff);
    assert_int_equal(boot.rsdp, 0);
    const struct framebuffer *fb = &boot.framebuffer;
    assert_true(fb->base == 0xfd000000 && fb->width == 1024 && fb->height == 768 && fb->pitch == 4096 &&
                fb->depth == 32);
    assert_true(fb->red_position == 16 && fb->red_size == 8 && fb->green_position == 8 && fb->green_size == 8 &&
                fb->blue_position == 0 && fb->blue_size == 8);
    assert_true(recorded(INFO, sizeof mb) && recorded(LOADER, 10) && recorded(CMDLINE, 18) && recorded(STRINGS, 15));
    assert_true(recorded(MODULES, 2 * sizeof(struct mb_module)) && recorded(MMAP, 4 * sizeof(struct mb_mmap_entry)));
    /* our copies: the loader's memory may go */
    memset(mem_at(LOADER, 0x4000), 0x55, 0x4000);
    assert_string_equal(boot.cmdline, "timeout=3 verbose");
    assert_string_equal(boot.module[0].text, "initrd.img one");
}

static void multiboot_fields_may_be_absent(void **state)
{
    (void)state;
    fresh();
    mb.flags &= ~(u32)MB_LOADER_NAME;
    read_multiboot();
    check_common("no loader name");
    assert_string_equal(boot.loader, "");
    fresh();
    mb.flags &= ~(u32)MB_CMDLINE;
    read_multiboot();
    assert_string_equal(boot.cmdline, "");
    fresh();
    mb.flags &= ~(u32)MB_MODULES;
    read_multiboot();
    assert_int_equal(boot.module_count, 0);
    fresh();
    mb.flags &= ~(u32)MB_BOOT_DEVICE;
    read_multiboot();
    assert_int_equal(boot.boot_device, 0xffffffff);
    fresh();
    mb.flags &= ~(u32)MB_FRAMEBUFFER;
    read_multiboot();
    assert_int_equal(boot.framebuffer.width, 0);
    fresh();
    mb.flags &= ~(u32)MB_MEMORY_MAP;
    read_multiboot();
    check_problem(NULL, "sizes only");
    check(boot.memory.count == 2 && is_range(0, 0x1000, 0x9e000, MEM_USABLE) &&
          is_range(1, MIB(1), MIB(64), MEM_USABLE),
          "sizes only");
    mb.mem_lower = 0xffffffff, mb.mem_upper = 0xffffffff;
    read_multiboot();
    check(boot.memory.count == 2 && is_range(0, 0x1000, 0x9f000, MEM_USABLE) &&
          is_range(1, MIB(1), KIB(0xffffffff) & ~0xfffull, MEM_USABLE), "sizes beyond reason");
    fresh();
    mb.flags = 0;
    read_multiboot();
    check_problem("without any memory size", "no flags");
    check(!boot.memory.count && !boot.module_count && !boot.cmdline[0] && !boot.loader[0], "no flags");
}

static void multiboot_records_that_are_none(void **state)
{
    (void)state;
    static const u64 addresses[] = {0, 0xffffffff, 0xfffffff0, GIB(4) - sizeof(struct mb_info) + 1, GIB(4), 1ull << 63,
                                    ~0ull};
    for (u32 i = 0; i < ARRAY_COUNT(addresses); i++) {
        fresh();
        boot_info_read(&boot, DOOR_MULTIBOOT, addresses[i]);
        check_problem("expected an address below 4 GiB", "address");
        check(!boot.memory.count && !boot.module_count && !strcmp(boot.cmdline, "") && !strcmp(boot.loader, ""),
              "address");
        assert_string_equal(error_text(), "");
    }
}

static void multiboot_map_lengths_lie(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        u32 length, addr, entry, entry_size; /* entry: its size field is set */
        u32 count;                           /* of ranges */
        u64 total;                           /* usable; 0: not looked at */
        const char *problem;
    } cases[] = {
        {"exact", 96, MMAP, 0, 20, 4, MIB(255) + 0x9e000, NULL},
        {"in the middle of an entry", 95, MMAP, 0, 20, 3, 0x9e000, NULL},
        {"empty: sizes count", 0, MMAP, 0, 20, 2, MIB(64) + 0x9e000, NULL},
        {"shorter than an entry", 23, MMAP, 0, 20, 2, MIB(64) + 0x9e000, NULL},
        {"size 0 at once", 96, MMAP, 0, 0, 2, MIB(64) + 0x9e000, "shorter than 20 bytes"},
        {"size 0 later", 96, MMAP, 3, 0, 3, 0x9e000, "shorter than 20 bytes"},
        {"size 19", 96, MMAP, 1, 19, 1, 0x9e000, "shorter than 20 bytes"},
        {"odd size: what follows is garbage", 96, MMAP, 0, 21, 1, 0x9e000, "shorter than 20 bytes"},
        {"size beyond all", 96, MMAP, 0, 0xffffffff, 1, 0x9e000, NULL},
        {"size to the last", 96, MMAP, 0, 68, 2, MIB(255) + 0x9e000, NULL},
        {"length beyond reason", 0xffffffff, MMAP, 3, 0xffffffff, 4, MIB(255) + 0x9e000, "impossible length"},
        {"a map that reaches 4 GiB", 96, 0xffffffb0, 0, 20, 2, MIB(64) + 0x9e000, "shorter than 20 bytes"},
        {"a map at the last byte", 96, 0xffffffff, 0, 20, 2, MIB(64) + 0x9e000, "impossible length"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        fresh();
        memset(mem_at(0xffffff00, 256), 0, 256);
        host_poke(MMAP + cases[i].entry * sizeof(struct mb_mmap_entry), &cases[i].entry_size, 4);
        mb.mmap_length = cases[i].length;
        mb.mmap_addr = cases[i].addr;
        read_multiboot();
        check_problem(cases[i].problem, cases[i].name);
        if (cases[i].total)
            check(boot.memory.count == cases[i].count && mem_map_total(&boot.memory) == cases[i].total, cases[i].name);
        check(boot.module_count == 2, cases[i].name);
    }
}

static void multiboot_modules_are_doubted(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        u32 count, addr;
        struct mb_module first;
        u32 found;        /* modules */
        const char *text; /* of the first */
        const char *problem;
    } cases[] = {
        {"as it is", 2, MODULES, {MIB(16), MIB(17), STRINGS, 0}, 2, "initrd.img one", NULL},
        {"none", 0, MODULES, {MIB(16), MIB(17), STRINGS, 0}, 0, NULL, NULL},
        {"empty", 2, MODULES, {MIB(16), MIB(16), STRINGS, 0}, 1, "", NULL},
        {"backwards", 2, MODULES, {MIB(17), MIB(16), STRINGS, 0}, 1, "", NULL},
        {"string at 0", 2, MODULES, {MIB(16), MIB(17), 0, 0}, 2, "", NULL},
        {"string of garbage", 2, MODULES, {MIB(16), MIB(17), INFO, 0}, 2, "", NULL},
        {"string at the end of 4 GiB", 2, MODULES, {MIB(16), MIB(17), 0xffffffff, 0}, 2, "", NULL},
        {"up to 4 GiB", 2, MODULES, {MIB(16), 0xffffffff, STRINGS, 0}, 2, "initrd.img one", NULL},
        {"list at 0", 2, 0, {MIB(16), MIB(17), 0, 0}, 0, NULL, "module list"},
        {"list at the end of 4 GiB", 2, 0xfffffff0, {MIB(16), MIB(17), 0, 0}, 0, NULL, "above 4 GiB"},
        {"4294967295 of them", 0xffffffff, MODULES, {MIB(16), MIB(17), STRINGS, 0}, 2, "initrd.img one", NULL},
        {"too many for the list's place", 0xffffffff, 0xfffffff0, {MIB(16), MIB(17), 0, 0}, 0, NULL, "above 4 GiB"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        fresh();
        memset(mem_at(GIB(4) - 64, 64), 'x', 64);
        host_poke(MODULES, &cases[i].first, sizeof cases[i].first);
        mb.mods_count = cases[i].count;
        mb.mods_addr = cases[i].addr;
        read_multiboot();
        check_problem(cases[i].problem, cases[i].name);
        check(boot.module_count == cases[i].found, cases[i].name);
        if (cases[i].text)
            check(!strcmp(boot.module[0].text, cases[i].text), cases[i].name);
    }
    fresh();
    for (u32 i = 0; i < 100; i++) {
        struct mb_module m = {MIB(16) + i * PAGE_SIZE, MIB(16) + i * PAGE_SIZE + 10, STRINGS, 0};
        host_poke(MODULES + i * sizeof m, &m, sizeof m);
    }
    mb.mods_count = 100;
    read_multiboot();
    check(boot.module_count == MODULES_MAX && boot.module[63].base == MIB(16) + 63 * PAGE_SIZE, "100 modules");
    check_problem("more than 64 modules", "100 modules");
}

/* Texts that are not remembered could be overwritten before they are read for the second time (start.c). */
static void the_texts_of_all_modules_are_remembered(void **state)
{
    (void)state;
    fresh();
    for (u32 i = 0; i < MODULES_MAX; i++) {
        u64 text = MIB(8) + i * PAGE_SIZE;
        struct mb_module m = {MIB(16) + i * PAGE_SIZE, MIB(16) + i * PAGE_SIZE + 10, (u32)text, 0};
        poke_text(text, "initrd.img");
        host_poke(MODULES + i * sizeof m, &m, sizeof m);
    }
    mb.mods_count = MODULES_MAX;
    read_multiboot();
    check_problem(NULL, "64 texts");
    for (u32 i = 0; i < MODULES_MAX; i++)
        assert_true(recorded(MIB(8) + i * PAGE_SIZE, 11));
}

static void file_names_in_front_are_known_by_the_loader(void **state)
{
    (void)state;
    static const struct {
        const char *loader, *given, *cmdline;
    } cases[] = {
        {"GRUB 2.06", "timeout=3", "timeout=3"},
        {"qemu", "/tmp/shim.elf timeout=3", "timeout=3"},
        {"qemu", "/tmp/shim.elf ", ""},
        {"qemu", "/tmp/shim.elf", ""},
        {"qemu", "", ""},
        {"iPXE/1.21.1", "shim.elf  a b", "a b"},
        {"SYSLINUX 6.04", "../shim.elf a", "a"},
        {"ISOLINUX 4", "x a", "a"},
        {"Limine 4", "a b", "a b"},
        {"", "a b", "a b"},
        {"qem", "a b", "a b"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        fresh();
        poke_text(LOADER, cases[i].loader);
        poke_text(CMDLINE, cases[i].given);
        read_multiboot();
        check(!strcmp(boot.cmdline, cases[i].cmdline), cases[i].loader);
    }
}

static void framebuffers_are_doubted(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        u64 addr;
        u32 pitch, width, height;
        u8 depth, type;
        bool taken;
    } cases[] = {
        {"32 bits", 0xfd000000, 4096, 1024, 768, 32, 1, true},
        {"24 bits", 0xfd000000, 3072, 1024, 768, 24, 1, true},
        {"16 bits", 0xfd000000, 2048, 1024, 768, 16, 1, true},
        {"15 bits", 0xfd000000, 2048, 1024, 768, 15, 1, true},
        {"above 4 GiB", GIB(64), 4096, 1024, 768, 32, 1, true},
        {"padded lines", 0xfd000000, 8192, 1366, 768, 32, 1, true},
        {"palette", 0xfd000000, 1024, 1024, 768, 8, 0, false},
        {"EGA text", 0xb8000, 160, 80, 25, 16, 2, false},
        {"8 bits", 0xfd000000, 1024, 1024, 768, 8, 1, false},
        {"0 bits", 0xfd000000, 4096, 1024, 768, 0, 1, false},
        {"64 bits", 0xfd000000, 8192, 1024, 768, 64, 1, false},
        {"lines overlap", 0xfd000000, 4095, 1024, 768, 32, 1, false},
        {"width wraps", 0xfd000000, 4096, 0x40000001, 768, 32, 1, false},
        {"no width", 0xfd000000, 4096, 0, 768, 32, 1, false},
        {"no height", 0xfd000000, 4096, 1024, 0, 32, 1, false},
        {"no pitch", 0xfd000000, 0, 0, 768, 32, 1, false},
        {"wraps", ~0ull - 4096, 4096, 1024, 768, 32, 1, false},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        fresh();
        mb.framebuffer_addr = cases[i].addr, mb.framebuffer_pitch = cases[i].pitch;
        mb.framebuffer_width = cases[i].width, mb.framebuffer_height = cases[i].height;
        mb.framebuffer_bpp = cases[i].depth, mb.framebuffer_type = cases[i].type;
        read_multiboot();
        check(boot.framebuffer.width == (cases[i].taken ? cases[i].width : 0), cases[i].name);
        check(!cases[i].taken || (boot.framebuffer.base == cases[i].addr && boot.framebuffer.depth == cases[i].depth),
              cases[i].name);
    }
}

/* GRUB's compiler aligns what the specification has at byte 110. */
static void grub_moves_the_colours(void **state)
{
    (void)state;
    static const u8 of_grub[] = {0, 0, 16, 8, 9, 7, 1, 6};
    fresh();
    memcpy((u8 *)&mb + 110, of_grub, sizeof of_grub);
    read_multiboot();
    const struct framebuffer *fb = &boot.framebuffer;
    assert_true(fb->red_position == 16 && fb->red_size == 8 && fb->green_position == 9 && fb->green_size == 7 &&
                fb->blue_position == 1 && fb->blue_size == 6);
}

/* crosvm tells of the initrd in a zero page at 7000h only. */
static void crosvm_modules_are_found(void **state)
{
    (void)state;
    static const u32 ramdisk[2] = {MIB(64), 12345};
    fresh();
    poke_text(LOADER, "crosvm");
    mb.flags &= ~(u32)MB_MODULES;
    host_poke(0x7000 + 0x218, ramdisk, sizeof ramdisk);
    read_multiboot();
    check(boot.module_count == 1 && boot.module[0].base == MIB(64) && boot.module[0].size == 12345, "crosvm");
    poke_text(LOADER, "other");
    read_multiboot();
    check(boot.module_count == 0, "other");
}

/* ---- PVH --------------------------------------------------------------------------------------------------------- */

static void pvh_tells_everything(void **state)
{
    (void)state;
    fresh();
    read_pvh();
    check_common("pvh");
    assert_string_equal(boot.door, "pvh");
    assert_int_equal(boot.rsdp, 0xf5a10);
    assert_int_equal(boot.boot_device, 0xffffffff);
    assert_int_equal(boot.framebuffer.width, 0);
    assert_true(recorded(INFO, sizeof si) && recorded(CMDLINE, 18) && recorded(STRINGS, 15));
    assert_true(recorded(MODULES + 0x800, 64) && recorded(MMAP + 0x800, 96));
}

static void pvh_records_are_doubted(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct pvh_start_info set;
        u32 ranges, modules;
        const char *problem;
    } cases[] = {
        {"version 0 has no map", {PVH_MAGIC, 0, 0, 2, MODULES + 0x800, CMDLINE, 0, MMAP + 0x800, 4, 0}, 0, 2,
         "version 0"},
        {"version 1", {PVH_MAGIC, 1, 0, 2, MODULES + 0x800, CMDLINE, 0, MMAP + 0x800, 4, 0}, 4, 2, NULL},
        {"version 2", {PVH_MAGIC, 2, 0, 2, MODULES + 0x800, CMDLINE, 0, MMAP + 0x800, 4, 0}, 4, 2, NULL},
        {"version 77, flags", {PVH_MAGIC, 77, ~0u, 2, MODULES + 0x800, CMDLINE, 0, MMAP + 0x800, 4, ~0u}, 4, 2, NULL},
        {"wrong magic", {PVH_MAGIC + 1, 1, 0, 2, MODULES + 0x800, CMDLINE, 0, MMAP + 0x800, 4, 0}, 0, 0,
         "magic 336ec579 at 9500"},
        {"multiboot's magic", {0x2badb002, 1, 0, 2, MODULES + 0x800, CMDLINE, 0, MMAP + 0x800, 4, 0}, 0, 0,
         "expected 336ec578"},
        {"no command line", {PVH_MAGIC, 1, 0, 2, MODULES + 0x800, 0, 0, MMAP + 0x800, 4, 0}, 4, 2, NULL},
        {"command line far away", {PVH_MAGIC, 1, 0, 2, MODULES + 0x800, ~0ull, 0, MMAP + 0x800, 4, 0}, 4, 2, NULL},
        {"no map", {PVH_MAGIC, 1, 0, 2, MODULES + 0x800, CMDLINE, 0, 0, 4, 0}, 0, 2, "without a memory map"},
        {"map of none", {PVH_MAGIC, 1, 0, 2, MODULES + 0x800, CMDLINE, 0, MMAP + 0x800, 0, 0}, 0, 2,
         "without a memory map"},
        {"map above 4 GiB", {PVH_MAGIC, 1, 0, 2, MODULES + 0x800, CMDLINE, 0, GIB(4), 4, 0}, 0, 2, "map above 4 GiB"},
        {"map across 4 GiB", {PVH_MAGIC, 1, 0, 2, MODULES + 0x800, CMDLINE, 0, GIB(4) - 95, 4, 0}, 0, 2,
         "map above 4 GiB"},
        {"map that wraps", {PVH_MAGIC, 1, 0, 2, MODULES + 0x800, CMDLINE, 0, ~0ull - 5, 4, 0}, 0, 2, "map above 4 GiB"},
        {"two entries only", {PVH_MAGIC, 1, 0, 2, MODULES + 0x800, CMDLINE, 0, MMAP + 0x800, 2, 0}, 2, 2, NULL},
        {"entries of zeros count", {PVH_MAGIC, 1, 0, 2, MODULES + 0x800, CMDLINE, 0, MMAP + 0x800, 10, 0}, 4, 2, NULL},
        {"no modules", {PVH_MAGIC, 1, 0, 0, MODULES + 0x800, CMDLINE, 0, MMAP + 0x800, 4, 0}, 4, 0, NULL},
        {"no list", {PVH_MAGIC, 1, 0, 2, 0, CMDLINE, 0, MMAP + 0x800, 4, 0}, 4, 0, NULL},
        {"list above 4 GiB", {PVH_MAGIC, 1, 0, 2, GIB(5), CMDLINE, 0, MMAP + 0x800, 4, 0}, 4, 0, "list above 4 GiB"},
        {"list that wraps", {PVH_MAGIC, 1, 0, 2, ~0ull - 5, CMDLINE, 0, MMAP + 0x800, 4, 0}, 4, 0, "list above 4 GiB"},
        {"modules beyond reason", {PVH_MAGIC, 1, 0, ~0u, MODULES + 0x800, CMDLINE, 0, MMAP + 0x800, 4, 0}, 4, 2, NULL},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        fresh();
        memset(mem_at(MODULES + 0x840, 0x800), 0, 0x800);
        si = cases[i].set;
        read_pvh();
        check_problem(cases[i].problem, cases[i].name);
        check(boot.memory.count == cases[i].ranges && boot.module_count == cases[i].modules, cases[i].name);
        bool has_text = si.cmdline_paddr == CMDLINE && si.magic == PVH_MAGIC;
        check(!strcmp(boot.cmdline, has_text ? "timeout=3 verbose" : ""), cases[i].name);
        assert_string_equal(error_text(), "");
    }
    static const u64 addresses[] = {0, GIB(4) - 55, GIB(4), ~0ull};
    for (u32 i = 0; i < ARRAY_COUNT(addresses); i++) {
        boot_info_read(&boot, DOOR_PVH, addresses[i]);
        check_problem("expected an address below 4 GiB", "address");
    }
}

static void pvh_modules_are_doubted(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct pvh_modlist_entry first;
        u32 found;
        const char *text; /* of the first that is found */
    } cases[] = {
        {"as it is", {MIB(16), 5, STRINGS, 0}, 2, "initrd.img one"},
        {"above 4 GiB", {GIB(5), GIB(1), STRINGS, 0}, 2, "initrd.img one"},
        {"empty", {MIB(16), 0, STRINGS, 0}, 1, ""},
        {"wraps", {~0ull - 4, 6, STRINGS, 0}, 1, ""},
        {"ends at the end", {~0ull - 4, 4, STRINGS, 0}, 2, "initrd.img one"},
        {"string far away", {MIB(16), 5, ~0ull, 0}, 2, ""},
        {"string above 4 GiB", {MIB(16), 5, GIB(4), 0}, 2, ""},
        {"string of qboot", {MIB(16), 5, MMAP, 0}, 2, ""},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        fresh();
        host_poke(MODULES + 0x800, &cases[i].first, sizeof cases[i].first);
        read_pvh();
        check(boot.module_count == cases[i].found && !strcmp(boot.module[0].text, cases[i].text), cases[i].name);
    }
}

static void pvh_maps_of_thousands(void **state)
{
    (void)state;
    const u64 at = MIB(8);
    for (u32 i = 0; i < 5000; i++) {
        struct pvh_memmap_entry e = {.addr = MIB(16) + i * 0x2000ull, .size = 0x1000,
                                     .type = i % 2 ? MEM_RESERVED : MEM_USABLE};
        host_poke(at + i * sizeof e, &e, sizeof e);
    }
    fresh();
    si.memmap_paddr = at;
    si.memmap_entries = 4000;
    read_pvh();
    check_problem(NULL, "4000");
    check(boot.memory.count <= MEM_RANGES_MAX && boot.memory.dropped, "4000");
    si.memmap_entries = 0xffffffff;
    read_pvh();
    check_problem("more than 4096 entries", "all");
    for (u32 i = 1; i < 4096; i += 2)
        check(!mem_map_usable(&boot.memory, MIB(16) + i * 0x2000ull, PAGE_SIZE), "all");
}

static const char *signature = "";

static void hypervisor_id(u32 leaf, u32 *a, u32 *b, u32 *c, u32 *d)
{
    *a = *b = *c = *d = 0;
    if (leaf == 1 && signature[0])
        *c = 1u << 31;
    if (leaf == 0x40000000) {
        memcpy(b, signature, 4), memcpy(c, signature + 4, 4), memcpy(d, signature + 8, 4);
    }
}

static void pvh_names_the_hypervisor(void **state)
{
    (void)state;
    static const struct {
        const char *signature, *name;
    } cases[] = {{"KVMKVMKVM\0\0", "KVM"}, {"TCGTCGTCGTCG", "QEMU TCG"}, {"XenVMMXenVMM", "Xen"},
                 {"bhyve bhyve ", "bhyve"}, {"Microsoft Hv", "unknown hypervisor"}, {"", "unknown"}};
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        fresh();
        host_machine.cpu_id = hypervisor_id;
        signature = cases[i].signature;
        read_pvh();
        assert_string_equal(boot.loader, cases[i].name);
    }
}

/* ---- both -------------------------------------------------------------------------------------------------------- */

static void strings_are_doubted(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        u64 at;
        const char *bytes;
        u32 size;
        const char *expected;
    } cases[] = {
        {"plain", MIB(2), "a b", 4, "a b"},
        {"empty", MIB(2), "", 1, ""},
        {"tab, LF, CR", MIB(2), "a\tb\nc\r", 7, "a\tb\nc\r"},
        {"UTF-8", MIB(2), "\xc3\xa4", 3, "\xc3\xa4"},
        {"control character", MIB(2), "a\x01", 3, ""},
        {"escape", MIB(2), "a\x1b[m", 5, ""},
        {"delete", MIB(2), "a\x7f", 3, ""},
        {"as long as may be", MIB(2), "0123456789abcde", 16, "0123456789abcde"},
        {"one too long", MIB(2), "0123456789abcdef", 17, ""},
        {"address 0", 0, NULL, 0, ""},
        {"above 4 GiB", GIB(4), NULL, 0, ""},
        {"far above", ~0ull, NULL, 0, ""},
        {"ends with 4 GiB", GIB(4) - 4, "abc", 4, "abc"},
        {"does not end with 4 GiB", GIB(4) - 4, "abcd", 4, ""},
    };
    host_reset();
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        if (cases[i].bytes)
            host_poke(cases[i].at, cases[i].bytes, cases[i].size);
        check(!strcmp(boot_string(cases[i].at, 16), cases[i].expected), cases[i].name);
    }
    memset(mem_at(MIB(2), 2 * STRING_MAX), 'x', 2 * STRING_MAX);
    fresh();
    si.cmdline_paddr = MIB(2);
    read_pvh();
    assert_string_equal(boot.cmdline, "");
    *(char *)mem_at(MIB(2) + STRING_MAX - 1, 1) = 0;
    read_pvh();
    assert_int_equal(strlen(boot.cmdline), STRING_MAX - 1);
}

static void the_rsdp_is_searched(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        u64 told;
        u16 ebda; /* segment */
        struct {
            u64 at;
            bool good;
        } rsdp[3];
        u32 type; /* of the map's range at ACPI */
        const char *cmdline;
        u64 found;
    } cases[] = {
        {"nowhere", 0, EBDA >> 4, {{0, 0}}, MEM_ACPI, "", 0},
        {"told", 0x12340, EBDA >> 4, {{0xf5a10, true}}, MEM_ACPI, "rsdp=0x777", 0x12340},
        {"EBDA", 0, EBDA >> 4, {{EBDA + 0x20, true}, {0xf5a10, true}}, MEM_ACPI, "", EBDA + 0x20},
        {"EBDA of Cloud Hypervisor", 0, 0xa000, {{0xa0000, true}}, MEM_ACPI, "", 0xa0000},
        {"the last of 1 KiB of EBDA", 0, 0x9000, {{0x903e0, true}}, MEM_ACPI, "", 0x903e0},
        {"behind 1 KiB of EBDA", 0, 0x9000, {{0x90400, true}}, MEM_ACPI, "", 0},
        {"no EBDA", 0, 0, {{0x9fc00, true}, {0xe0000, true}}, MEM_ACPI, "", 0xe0000},
        {"EBDA bad, BIOS good", 0, EBDA >> 4, {{EBDA, false}, {0xf0000, true}}, MEM_ACPI, "", 0xf0000},
        {"first bad, second good", 0, 0, {{0xe1000, false}, {0xf5a10, true}}, MEM_ACPI, "", 0xf5a10},
        {"the last place", 0, 0, {{0xfffe0, true}}, MEM_ACPI, "", 0xfffe0},
        {"not at 16 bytes", 0, 0, {{0xf5a18, true}}, MEM_ACPI, "", 0},
        {"below the BIOS area", 0, 0, {{0xdfff0, true}}, MEM_ACPI, "", 0},
        {"checksum bad", 0, 0, {{0xf5a10, false}}, MEM_ACPI, "", 0},
        {"ACPI tables", 0, 0, {{ACPI + 0x14, true}, {ACPI + 0x7000, true}}, MEM_ACPI, "", ACPI + 0x7000},
        {"ACPI NVS", 0, 0, {{ACPI + 0x7000, true}}, MEM_NVS, "", ACPI + 0x7000},
        {"reserved is not searched", 0, 0, {{ACPI + 0x7000, true}}, MEM_RESERVED, "", 0},
        {"argument", 0, 0, {{0, 0}}, MEM_ACPI, "quiet rsdp=0xbfb7e014", 0xbfb7e014},
        {"argument, decimal", 0, 0, {{0, 0}}, MEM_ACPI, "rsdp=4096", 4096},
        {"argument after what is found", 0, 0, {{0xf5a10, true}}, MEM_ACPI, "rsdp=0x1000", 0xf5a10},
        {"argument that is no number", 0, 0, {{0, 0}}, MEM_ACPI, "rsdp=here", 0},
        {"argument of the payload", 0, 0, {{0, 0}}, MEM_ACPI, "-- rsdp=0x1000", 0},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        fresh();
        host_poke(0x40e, &cases[i].ebda, 2);
        for (u32 n = 0; n < 3 && cases[i].rsdp[n].at; n++)
            poke_rsdp(cases[i].rsdp[n].at, cases[i].rsdp[n].good);
        poke_entry(1, ACPI, MIB(1), cases[i].type);
        poke_text(CMDLINE, cases[i].cmdline);
        si.rsdp_paddr = cases[i].told;
        read_pvh();
        if (boot.rsdp != cases[i].found)
            print_error("rsdp %llx\n", (unsigned long long)boot.rsdp);
        check(boot.rsdp == cases[i].found, cases[i].name);
    }
    static const struct {
        u64 base, size;
    } nowhere[] = {{GIB(4), 4096}, {GIB(4) - 16, 4096}, {~0ull, ~0ull}, {0, ~0ull}, {~0ull - 20, 20}, {0x1000, 19},
                   {0x1000, 0}};
    poke_rsdp(0x1000, true);
    for (u32 i = 0; i < ARRAY_COUNT(nowhere); i++)
        assert_int_equal(rsdp_scan(nowhere[i].base, nowhere[i].size), 0);
    assert_int_equal(rsdp_scan(0xfff, 21), 0x1000);
}

/* Maps as machines give them, by both doors. */
struct host_map {
    const char *name;
    u32 given_count, expected_count;
    struct {
        u64 base, size;
        u32 type;
    } given[28], expected[28];
};

static const struct host_map host_maps[] = {
    {"QEMU pc 256M, SeaBIOS", 6, 6,
     {{0, 0x9fc00, 1}, {0x9fc00, 0x400, 2}, {0xf0000, 0x10000, 2}, {0x100000, 0xfee0000, 1}, {0xffe0000, 0x20000, 2},
      {0xfffc0000, 0x40000, 2}},
     {{0x1000, 0x9e000, 1}, {0x9f000, 0x1000, 2}, {0xf0000, 0x10000, 2}, {0x100000, 0xfee0000, 1},
      {0xffe0000, 0x20000, 2},
      {0xfffc0000, 0x40000, 2}}},
    {"QEMU q35 6G, SeaBIOS", 9, 9,
     {{0, 0x9fc00, 1}, {0x9fc00, 0x400, 2}, {0xf0000, 0x10000, 2}, {0x100000, 0x7fedf000, 1}, {0x7ffdf000, 0x21000, 2},
      {0xb0000000, 0x10000000, 2}, {0xfed1c000, 0x4000, 2}, {0xfffc0000, 0x40000, 2}, {0x100000000, 0x100000000, 1}},
     {{0x1000, 0x9e000, 1}, {0x9f000, 0x1000, 2}, {0xf0000, 0x10000, 2}, {0x100000, 0x7fedf000, 1},
      {0x7ffdf000, 0x21000, 2},
      {0xb0000000, 0x10000000, 2}, {0xfed1c000, 0x4000, 2}, {0xfffc0000, 0x40000, 2}, {0x100000000, 0x100000000, 1}}},
    {"QEMU microvm by PVH", 3, 3,
     {{0, 0xa0000, 1}, {0xf0000, 0x10000, 2}, {0x100000, 0xff00000, 1}},
     {{0x1000, 0x9f000, 1}, {0xf0000, 0x10000, 2}, {0x100000, 0xff00000, 1}}},
    {"Firecracker: not sorted", 4, 4,
     {{0xeec00000, 0x10000000, 2}, {0x100000, 0xff00000, 1}, {0, 0x9fc00, 1}, {0x9fc00, 0x20400, 2}},
     {{0x1000, 0x9e000, 1}, {0x9f000, 0x21000, 2}, {0x100000, 0xff00000, 1}, {0xeec00000, 0x10000000, 2}}},
    {"OVMF by GRUB: as UEFI splits it", 22, 16,
     {{0, 0x1000, 2}, {0x1000, 0x9f000, 1}, {0x100000, 0x700000, 1}, {0x800000, 0x8000, 1}, {0x808000, 0x3000, 4},
      {0x80b000, 0x1000, 1}, {0x80c000, 0x4000, 4}, {0x811000, 0xef000, 4}, {0x810000, 0x1000, 1}, {0x900000, 0xc00000,
                                                                                                    1},
      {0x1500000, 0x6100000, 1}, {0x7600000, 0x8fb000, 1}, {0x7efb000, 0x80000, 2}, {0x7f7b000, 0x12000, 3},
      {0x7f8d000, 0x80000, 4}, {0x800d000, 0x2000, 1}, {0x800f000, 0x1000, 1}, {0x8010000, 0, 1}, {0x8010000, 0x3f0000,
                                                                                                   1},
      {0xe0000000, 0x10000000, 2}, {0xfec00000, 0x1000, 2}, {0xfee00000, 0x1000, 2}},
     {{0, 0x1000, 2}, {0x1000, 0x9f000, 1}, {0x100000, 0x708000, 1}, {0x808000, 0x3000, 4}, {0x80b000, 0x1000, 1},
      {0x80c000, 0x4000, 4}, {0x810000, 0x1000, 1}, {0x811000, 0xef000, 4}, {0x900000, 0x75fb000, 1}, {0x7efb000,
                                                                                                       0x80000, 2},
      {0x7f7b000, 0x12000, 3}, {0x7f8d000, 0x80000, 4}, {0x800d000, 0x3f3000, 1}, {0xe0000000, 0x10000000, 2},
      {0xfec00000, 0x1000, 2}, {0xfee00000, 0x1000, 2}}},
    {"the legacy hole said to be usable", 1, 2,
     {{0, 0x10000000, 1}},
     {{0x1000, 0x9f000, 1}, {0x100000, 0xff00000, 1}}},
};

static void maps_of_machines(void **state)
{
    (void)state;
    for (u32 i = 0; i < ARRAY_COUNT(host_maps); i++) {
        const struct host_map *m = &host_maps[i];
        for (u32 door = DOOR_MULTIBOOT; door <= DOOR_PVH; door++) {
            fresh();
            for (u32 n = 0; n < m->given_count; n++)
                poke_entry(n, m->given[n].base, m->given[n].size, m->given[n].type);
            mb.mmap_length = m->given_count * sizeof(struct mb_mmap_entry);
            si.memmap_entries = m->given_count;
            door == DOOR_PVH ? read_pvh() : read_multiboot();
            check_problem(NULL, m->name);
            check(boot.memory.count == m->expected_count, m->name);
            for (u32 n = 0; n < m->expected_count; n++)
                check(is_range(n, m->expected[n].base, m->expected[n].size, m->expected[n].type), m->name);
            check(!mem_map_usable(&boot.memory, 0, 1) && !mem_map_usable(&boot.memory, 0xa0000, 1), m->name);
        }
    }
}

static void helpers_have_bounds(void **state)
{
    (void)state;
    fresh();
    memset(&boot, 0, sizeof boot);
    boot_record_add(&boot, 0, 5);
    boot_record_add(&boot, 5, 0);
    assert_int_equal(boot.record_count, 0);
    for (u32 i = 1; i < 100; i++)
        boot_record_add(&boot, i, 1);
    assert_int_equal(boot.record_count, ARRAY_COUNT(boot.record));
    boot_info_read(&boot, 77, 0); /* a door that nobody knows */
    assert_non_null(boot.problem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(multiboot_tells_everything),
        cmocka_unit_test(multiboot_fields_may_be_absent),
        cmocka_unit_test(multiboot_records_that_are_none),
        cmocka_unit_test(multiboot_map_lengths_lie),
        cmocka_unit_test(multiboot_modules_are_doubted),
        cmocka_unit_test(the_texts_of_all_modules_are_remembered),
        cmocka_unit_test(file_names_in_front_are_known_by_the_loader),
        cmocka_unit_test(framebuffers_are_doubted),
        cmocka_unit_test(grub_moves_the_colours),
        cmocka_unit_test(crosvm_modules_are_found),
        cmocka_unit_test(pvh_tells_everything),
        cmocka_unit_test(pvh_records_are_doubted),
        cmocka_unit_test(pvh_modules_are_doubted),
        cmocka_unit_test(pvh_maps_of_thousands),
        cmocka_unit_test(pvh_names_the_hypervisor),
        cmocka_unit_test(strings_are_doubted),
        cmocka_unit_test(the_rsdp_is_searched),
        cmocka_unit_test(maps_of_machines),
        cmocka_unit_test(helpers_have_bounds),
    };
    return cmocka_run_group_tests_name("boot_info", tests, NULL, NULL);
}
