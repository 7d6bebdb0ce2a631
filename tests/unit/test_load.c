/* test_load.c: load.c: recognising, modules that give way, what a failure leaves behind. Kernels are small PVH ELFs in
 * module memory; 256 MiB of RAM.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "host.h"

#include "console.h"
#include "expect.h"
#include "fake_terminal.h"
#include "payload.h"
#include "pe.h"
#include "tables.h"

#define RAM MIB(256)
#define SEGMENT_SIZE KIB(64)
#define BSS_SIZE KIB(64)
#define FILE_SIZE (SEGMENT_SIZE + 4096)

static struct boot_info boot;
static struct volume_list volumes;
static struct arguments arguments;
static const struct mem_range keep = {.base = RAM - MIB(8), .size = MIB(8), .owner = "shim"};

/* assert_true(condition), saying what was found instead. */
static void check(bool condition, const char *name, const char *wanted)
{
    if (!condition)
        print_error("%s: \"%s\" expected, found \"%s\"\n", name, wanted, error_text());
    assert_true(condition);
}

static void put(u8 *at, u64 value, u32 bytes)
{
    for (u32 i = 0; i < bytes; i++)
        at[i] = (u8)(value >> 8 * i);
}

static u8 pattern(u64 i)
{
    return (u8)(i * 31 + i / 256);
}

/* An ELF64 with one segment for `paddr` (SEGMENT_SIZE of pattern, then BSS_SIZE of zeros) and the PHYS32_ENTRY note, at
 * physical address `at`. */
static void make_elf(u64 at, u64 paddr)
{
    u8 *e = mem_at(at, FILE_SIZE);
    memset(e, 0, FILE_SIZE);
    memcpy(e, "\x7f" "ELF\2\1\1", 7);
    put(e + 16, 2, 2), put(e + 18, 62, 2), put(e + 20, 1, 4);
    put(e + 24, paddr, 8), put(e + 32, 64, 8);
    put(e + 52, 64, 2), put(e + 54, 56, 2), put(e + 56, 2, 2);
    u8 *load = e + 64, *note = e + 120;
    put(load, 1, 4), put(load + 4, 7, 4), put(load + 8, 4096, 8), put(load + 16, paddr, 8), put(load + 24, paddr, 8);
    put(load + 32, SEGMENT_SIZE, 8), put(load + 40, SEGMENT_SIZE + BSS_SIZE, 8), put(load + 48, 4096, 8);
    put(note, 4, 4), put(note + 4, 4, 4), put(note + 8, 512, 8), put(note + 32, 24, 8), put(note + 40, 24, 8);
    put(note + 48, 4, 8);
    put(e + 512, 4, 4), put(e + 516, 8, 4), put(e + 520, 18, 4);
    memcpy(e + 524, "Xen", 4);
    put(e + 528, paddr, 8);
    for (u32 i = 0; i < SEGMENT_SIZE; i++)
        e[4096 + i] = pattern(i);
}

static void fresh(void)
{
    host_reset();
    memset(&boot, 0, sizeof boot);
    memset(&volumes, 0, sizeof volumes);
    memset(&arguments, 0, sizeof arguments);
    boot.cmdline = boot.loader = "";
    boot.door = "pvh";
    mem_map_add(&boot.memory, PAGE_SIZE, 0x9e000, MEM_USABLE);
    mem_map_add(&boot.memory, MIB(1), RAM - MIB(1), MEM_USABLE);
}

static const struct module *add_module(u64 base, u64 size)
{
    boot.module[boot.module_count] = (struct module){base, size, ""};
    return &boot.module[boot.module_count++];
}

static struct boot_entry entry_of(const struct module *kernel)
{
    return (struct boot_entry){.id = "test", .title = "test", .options = "a=b", .kernel_module = kernel};
}

static void assert_segment_at(u64 paddr)
{
    const u8 *p = mem_at(paddr, SEGMENT_SIZE + BSS_SIZE);
    for (u32 i = 0; i < SEGMENT_SIZE; i++)
        assert_int_equal(p[i], pattern(i));
    for (u32 i = 0; i < BSS_SIZE; i++)
        assert_int_equal(p[SEGMENT_SIZE + i], 0);
}

static void a_kernel_is_loaded_where_it_wants(void **state)
{
    (void)state;
    fresh();
    make_elf(MIB(32), MIB(2));
    struct boot_entry entry = entry_of(add_module(MIB(32), FILE_SIZE));
    arguments.append = text_of("quiet");
    struct payload *p = payload_load(&entry, &volumes, &boot, &arguments, &keep);
    check(p, "first", "");
    assert_segment_at(MIB(2));
    assert_string_equal(p->cmdline, "a=b quiet");
    assert_int_equal(p->mode, HANDOFF_PVH);
    assert_int_equal(p->entry_point, MIB(2));
    assert_int_equal(boot.module[0].base, MIB(32));
}

/* GRUB puts modules from 1 MiB up: the kernel's own file, and its initrd, lie where the kernel wants to be. */
static void modules_in_the_way_are_moved_first(void **state)
{
    (void)state;
    static const u64 kernel_at[] = {MIB(1), MIB(1) + 0x1000, MIB(1) + 0xf000, MIB(1) + 0x20000};
    for (u32 i = 0; i < ARRAY_COUNT(kernel_at); i++) {
        fresh();
        make_elf(kernel_at[i], MIB(1));
        struct boot_entry entry = entry_of(add_module(kernel_at[i], FILE_SIZE));
        u64 initrd = align_up(kernel_at[i] + FILE_SIZE, PAGE_SIZE);
        memset(mem_at(initrd, 5000), 0x5a, 5000);
        add_module(initrd, 5000);
        struct payload *p = payload_load(&entry, &volumes, &boot, &arguments, &keep);
        check(p, "in the way", "");
        assert_segment_at(MIB(1));
        assert_int_equal(p->initrd_count, 1);
        for (u32 m = 0; m < boot.module_count; m++)
            assert_false(ranges_overlap(boot.module[m].base, boot.module[m].size, MIB(1), SEGMENT_SIZE + BSS_SIZE));
        const u8 *moved = mem_at(boot.module[1].base, 5000);
        for (u32 b = 0; b < 5000; b++)
            assert_int_equal(moved[b], 0x5a);
    }
}

/* A unified kernel image gives way to what is in it, also when it is in the way itself. */
static void a_container_is_opened(void **state)
{
    (void)state;
    static char elf[FILE_SIZE];
    static u8 image[FILE_SIZE + KIB(8)];
    static const u64 image_at[] = {MIB(32), MIB(2)};
    const struct pe_part parts[] = {{".cmdline", "root=x\n", 0}, {".initrd", "initrd", 0}, {".linux", elf, FILE_SIZE},
                                    {".ucode", "microcode", 0}, {".profile", "ID=a", 0}, {".profile", "ID=b", 0},
                                    {".cmdline", "root=y", 0}, {0}};
    make_elf(MIB(64), MIB(2));
    memcpy(elf, mem_at(MIB(64), FILE_SIZE), FILE_SIZE);
    u32 size = pe_make(image, 0x8664, parts);
    for (u32 i = 0; i < 4; i++) {
        fresh();
        host_poke(image_at[i / 2], image, size);
        struct boot_entry entry = entry_of(add_module(image_at[i / 2], size));
        add_module(MIB(48), 5000);
        memset(mem_at(MIB(48), 5000), 0x5a, 5000);
        arguments.append = text_of("quiet");
        if (i % 2)
            entry.options = "";
        entry.profile = i / 2;
        struct payload *p = payload_load(&entry, &volumes, &boot, &arguments, &keep);
        check(p, "container", "");
        assert_segment_at(MIB(2));
        assert_string_equal(p->cmdline, !(i % 2) ? "a=b quiet" : i / 2 ? "root=y quiet" : "root=x quiet");
        assert_int_equal(p->initrd_count, 3);
        assert_int_equal(p->initrd[0].size, 9);
        assert_int_equal(p->initrd[1].size, 6);
        assert_int_equal(p->initrd[2].size, 5000);
        char bytes[10] = "";
        assert_int_equal(file_read(&p->initrd[0], 0, 9, bytes), OK);
        assert_string_equal(bytes, "microcode");
    }
    /* what is in it is no kernel, or it is for another machine */
    fresh();
    image[PE_TABLE + 2 * 40 + 20] ^= 1;
    host_poke(MIB(32), image, size);
    struct boot_entry entry = entry_of(add_module(MIB(32), size));
    assert_null(payload_load(&entry, &volumes, &boot, &arguments, &keep));
    check(strstr(error_text(), "(module0): .linux: starts with "), "no kernel", "(module0): .linux: starts with ");
    image[PE_AT + 4] = 0;
    host_poke(MIB(32), image, size);
    assert_null(payload_load(&entry, &volumes, &boot, &arguments, &keep));
    check(strstr(error_text(), "for machine 8600, expected 8664"), "machine", "for machine 8600");
}

/* As many modules as there can be, every one of them in the way. */
static void all_modules_are_moved(void **state)
{
    (void)state;
    fresh();
    make_elf(MIB(32), MIB(1));
    struct boot_entry entry = entry_of(add_module(MIB(32), FILE_SIZE));
    for (u32 i = 1; i < MODULES_MAX; i++) {
        u64 at = MIB(1) + i * (SEGMENT_SIZE / MODULES_MAX);
        memset(mem_at(at, 64), (int)i, 64);
        add_module(at, 64);
    }
    memcpy(mem_at(boot.module[1].base, 4), "\x7f" "ELF", 4); /* another kernel: what follows is its initrds */
    check(payload_load(&entry, &volumes, &boot, &arguments, &keep), "all in the way", "");
    assert_segment_at(MIB(1));
    for (u32 i = 2; i < MODULES_MAX; i++) {
        const u8 *moved = mem_at(boot.module[i].base, 64);
        assert_true(boot.module[i].base > MIB(2));
        for (u32 b = 0; b < 64; b++)
            assert_int_equal(moved[b], i);
    }
}

/* A bzImage (protocol 2.06, not relocatable) of CODE_SIZE at physical address `at`; it takes three times that at 1
 * MiB. */
#define SETUP_SIZE 2560u
#define CODE_SIZE KIB(256)
static void make_bzimage(u64 at)
{
    u8 *k = mem_at(at, SETUP_SIZE + CODE_SIZE);
    memset(k, 0, SETUP_SIZE);
    put(k + 0x1f1, 4, 1), put(k + 0x1f4, CODE_SIZE / 16, 4), put(k + 0x1fe, 0xaa55, 2), put(k + 0x200, 0x3aeb, 2);
    memcpy(k + 0x202, "HdrS", 4);
    put(k + 0x206, 0x206, 2), put(k + 0x211, 1, 1), put(k + 0x214, MIB(1), 4), put(k + 0x22c, 0x37ffffff, 4);
    for (u32 i = 0; i < CODE_SIZE; i++)
        k[SETUP_SIZE + i] = pattern(i);
}

/* The initrd may not stay where it is as long as that is the kernel's. */
static void an_initrd_leaves_the_kernels_memory(void **state)
{
    (void)state;
    static const u64 initrd_at[] = {MIB(1), MIB(1) + CODE_SIZE, MIB(1) + 3 * CODE_SIZE - PAGE_SIZE,
                                    MIB(1) + 3 * CODE_SIZE, MIB(64)};
    for (u32 i = 0; i < ARRAY_COUNT(initrd_at); i++) {
        fresh();
        make_bzimage(MIB(32));
        struct boot_entry entry = entry_of(add_module(MIB(32), SETUP_SIZE + CODE_SIZE));
        memset(mem_at(initrd_at[i], 5000), 0x5a, 5000);
        add_module(initrd_at[i], 5000);
        struct payload *p = payload_load(&entry, &volumes, &boot, &arguments, &keep);
        check(p, "bzImage", "");
        for (u32 b = 0; b < CODE_SIZE; b++)
            assert_int_equal(((const u8 *)mem_at(MIB(1), CODE_SIZE))[b], pattern(b));
        u32 initrd;
        memcpy(&initrd, mem_at(p->record + 0x218, 4), 4);
        assert_false(ranges_overlap(initrd, 5000, MIB(1), 3 * CODE_SIZE));
        assert_true((initrd == initrd_at[i]) == (initrd_at[i] >= MIB(1) + 3 * CODE_SIZE));
        for (u32 b = 0; b < 5000; b++)
            assert_int_equal(((const u8 *)mem_at(initrd, 5000))[b], 0x5a);
    }
}

/* A module behind the kernel's is its initrd unless something can be read of it: a filesystem, or a table of it. */
static void a_volume_is_no_initrd(void **state)
{
    (void)state;
    static const struct filesystem some = {.name = "some"};
    static const struct {
        bool fs;
        u32 number, initrds;
    } cases[] = {{false, 0, 2}, {true, 0, 1}, {false, 1, 1}, {true, 1, 1}};
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        fresh();
        make_bzimage(MIB(32));
        struct boot_entry entry = entry_of(add_module(MIB(32), SETUP_SIZE + CODE_SIZE));
        add_module(MIB(64), 5000);
        add_module(MIB(65), 3000);
        struct block_device disk = {.name = "module1", .in_memory = true, .memory_base = MIB(64)};
        struct volume volume = {.disk = &disk, .number = cases[i].number, .fs = cases[i].fs ? &some : NULL};
        volumes.volume[volumes.count++] = &volume;
        struct payload *p = payload_load(&entry, &volumes, &boot, &arguments, &keep);
        check(p, "bzImage", "");
        assert_int_equal(p->initrd_count, cases[i].initrds);
        assert_int_equal(p->initrd[p->initrd_count - 1].size, 3000);
    }
}

/* Linux is told where the user is, when that is asked for; else the user is, when nothing else would show Linux. */
static void linux_gets_a_console(void **state)
{
    (void)state;
    static const char told[] = "shim: warning: \"test\" names no console that is here; to see Linux add "
                               "console=ttyS0,115200n8 to its options, or console=auto to the shim's\n";
    static const struct {
        const char *options, *more, *cmdline;
        bool automatic, serial, pvh, said;
    } cases[] = {
        {"ro", "", "ro", false, true, false, true},
        {"ro", "single", "ro single", false, true, false, true},
        {"console=tty0", "", "console=tty0", false, true, false, true},
        {"console=ttyS0", "", "console=ttyS0", false, true, false, false},
        {"ro", "console=ttyS0", "ro console=ttyS0", false, true, false, false},
        {"ro", "", "ro console=ttyS0,115200n8", true, true, false, false},
        {"ro -- x", "y", "ro console=ttyS0,115200n8 -- x y", true, true, false, false},
        {"console=ttyS0", "", "console=ttyS0", true, true, false, false},
        {"ro", "", "ro", false, false, false, false},
        {"ro", "", "ro", true, false, false, false},
        {"ro", "", "ro", false, true, true, false},
        {"ro", "", "ro", true, true, true, false},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        fresh();
        if (cases[i].serial)
            terminal_open();
        else
            consoles_open(&boot, text_of("none"));
        if (cases[i].pvh)
            make_elf(MIB(32), MIB(2));
        else
            make_bzimage(MIB(32));
        struct boot_entry entry = entry_of(add_module(MIB(32), cases[i].pvh ? FILE_SIZE : SETUP_SIZE + CODE_SIZE));
        entry.options = cases[i].options;
        arguments.append = text_of(cases[i].more);
        arguments.console_auto = cases[i].automatic;
        log_level = LOG_NORMAL;
        struct payload *p = payload_load(&entry, &volumes, &boot, &arguments, &keep);
        check(p, cases[i].options, "");
        if (strcmp(p->cmdline, cases[i].cmdline) || strcmp(host_log(), cases[i].said ? told : ""))
            FAILED("case %u: %s\n%s", i, p->cmdline, host_log());
    }
    consoles_open(&boot, text_of("none"));
}

static void failures_name_the_file_and_give_memory_back(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        u64 paddr;
        const char *bytes; /* overwrite the head */
        u32 len;
        u64 size; /* of the module; 0: all */
        const char *says;
    } cases[] = {
        {"no memory there", GIB(1), NULL, 0, 0, "(module0): kernel segment 0 [40000000,40020000): there is no memory"},
        {"over the shim", RAM - MIB(8) - 0x1000, NULL, 0, 0, "overlaps shim [f800000,10000000)"},
        {"gzip", MIB(2), "\x1f\x8b", 2, 0, "(module0): gzip compressed, expected"},
        {"zstd", MIB(2), "\x28\xb5\x2f\xfd", 4, 0, "zstd compressed, expected"},
        {"efi", MIB(2), "MZ", 2, 0, "an EFI program, expected"},
        {"text", MIB(2), "hello", 5, 0, "(module0): starts with 68 65 6c 6c, expected a Linux bzImage"},
        {"short", MIB(2), "abc", 3, 3, "3 bytes, expected"},
        {"truncated", MIB(2), NULL, 0, 5000, "(module0): kernel segment 0: truncated at 5000 of 69632 bytes"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        fresh();
        make_elf(MIB(32), cases[i].paddr);
        if (cases[i].bytes)
            host_poke(MIB(32), cases[i].bytes, cases[i].len);
        struct boot_entry entry = entry_of(add_module(MIB(32), cases[i].size ? cases[i].size : FILE_SIZE));
        u64 mark = arena_mark();
        assert_null(payload_load(&entry, &volumes, &boot, &arguments, &keep));
        check(strstr(error_text(), cases[i].says), cases[i].name, cases[i].says);
        assert_int_equal(arena_mark(), mark);
    }
}

static void the_key_must_fit_the_file(void **state)
{
    (void)state;
    fresh();
    make_elf(MIB(32), MIB(2));
    struct boot_entry entry = entry_of(add_module(MIB(32), FILE_SIZE));
    entry.protocol = payload_protocols[0];
    assert_null(payload_load(&entry, &volumes, &boot, &arguments, &keep));
    assert_non_null(strstr(error_text(), "is for the key `pvh`, expected one for `linux`"));
}

/* Memory that a disk's reads pass through: the map has it usable, but nothing may be put there. */
static void what_disks_read_through_is_kept_clear(void **state)
{
    (void)state;
    fresh();
    make_elf(MIB(32), MIB(2));
    struct boot_entry entry = entry_of(add_module(MIB(32), FILE_SIZE));
    u64 low = payload_load(&entry, &volumes, &boot, &arguments, &keep)->record;
    disks_keep(low, KIB(72), "INT 13h");
    struct payload *p = payload_load(&entry, &volumes, &boot, &arguments, &keep);
    check(p, "kept clear", "");
    assert_true(p->record >= low + KIB(72) && p->record < MIB(1));
    make_elf(MIB(32), low + KIB(64));
    assert_null(payload_load(&entry, &volumes, &boot, &arguments, &keep));
    check(strstr(error_text(), "overlaps INT 13h"), "conflict", "overlaps INT 13h");
    disks_keep(0, 0, NULL);
    check(payload_load(&entry, &volumes, &boot, &arguments, &keep), "no more kept", "");
}

static void missing_files_are_named(void **state)
{
    (void)state;
    fresh();
    struct boot_entry entry = {.id = "x", .title = "x", .options = "", .kernel = "(vdx)/boot/vmlinuz"};
    assert_null(payload_load(&entry, &volumes, &boot, &arguments, &keep));
    assert_non_null(strstr(error_text(), "(vdx)/boot/vmlinuz: no volume vdx; there are none"));
    entry.kernel = "/boot/vmlinuz";
    assert_null(payload_load(&entry, &volumes, &boot, &arguments, &keep));
    assert_non_null(strstr(error_text(), "/boot/vmlinuz: no volume to look on"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kernel_is_loaded_where_it_wants),
        cmocka_unit_test(modules_in_the_way_are_moved_first),
        cmocka_unit_test(a_container_is_opened),
        cmocka_unit_test(all_modules_are_moved),
        cmocka_unit_test(an_initrd_leaves_the_kernels_memory),
        cmocka_unit_test(a_volume_is_no_initrd),
        cmocka_unit_test(linux_gets_a_console),
        cmocka_unit_test(failures_name_the_file_and_give_memory_back),
        cmocka_unit_test(the_key_must_fit_the_file),
        cmocka_unit_test(what_disks_read_through_is_kept_clear),
        cmocka_unit_test(missing_files_are_named),
    };
    return cmocka_run_group_tests_name("load", tests, NULL, NULL);
}
