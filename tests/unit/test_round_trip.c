/* test_round_trip.c: what payload_pvh.c writes as start_info, entry_pvh.c reads back equal: a shim that boots a
 * shim. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "host.h"

#include "elf.h"
#include "payload.h"
#include "pvh.h"

extern const struct payload_protocol payload_pvh;

#define KERNEL_AT MIB(300) /* outside the map */
#define FILES_AT MIB(320)

static struct boot_info boot, told;
static struct mem_space space;
static struct payload p;

/* The least that is a PVH kernel: 4 KiB for 1 MiB, entered at its start. */
static void fresh(void)
{
    struct PACKED {
        struct elf32_header header;
        struct elf32_segment load, note;
        struct elf_note xen;
        char name[4];
        u32 entry;
    } kernel = {
        .header = {.ident = {.magic = ELF_MAGIC, .class = 1, .data = 1, .version = 1, .type = 2, .machine = 3},
                   .version = 1,
                   .phoff = 52, .ehsize = 52, .phentsize = 32, .phnum = 2},
        .load = {.type = ELF_SEGMENT_LOAD, .paddr = MIB(1), .filesz = 100, .memsz = 4096},
        .note = {.type = ELF_SEGMENT_NOTE, .offset = 52 + 64, .filesz = 20, .memsz = 20, .align = 4},
        .xen = {4, 4, PVH_NOTE_PHYS32_ENTRY},
        .name = "Xen",
        .entry = MIB(1),
    };
    host_reset();
    memset(mem_at(0, MIB(2)), 0, MIB(2));
    host_poke(KERNEL_AT, &kernel, sizeof kernel);
    memset(&boot, 0, sizeof boot);
    memset(&p, 0, sizeof p);
    boot.cmdline = boot.loader = boot.door = "";
    mem_map_add(&boot.memory, PAGE_SIZE, 0x9e000, MEM_USABLE);
    mem_map_add(&boot.memory, 0x9f000, 0x1000, MEM_RESERVED);
    mem_map_add(&boot.memory, 0xf0000, 0x10000, MEM_RESERVED);
    mem_map_add(&boot.memory, MIB(1), MIB(255), MEM_USABLE);
    mem_map_add(&boot.memory, MIB(256), 0x8000, MEM_ACPI);
    mem_map_add(&boot.memory, MIB(257), 0x8000, MEM_NVS);
    mem_map_add(&boot.memory, MIB(258), 0x8000, MEM_UNUSABLE);
    mem_map_add(&boot.memory, GIB(4), GIB(2), MEM_USABLE);
    mem_map_add(&boot.memory, GIB(8), GIB(2), MEM_PMEM);
    space = (struct mem_space){.map = &boot.memory};
    p.cmdline = "";
    file_of_memory(&p.kernel, "kernel", KERNEL_AT, sizeof kernel);
    p.head = mem_at(KERNEL_AT, HEAD_SIZE);
    p.head_size = sizeof kernel;
}

static void add_module(u64 size, const char *text)
{
    u32 i = p.module_count++;
    p.module_text[i] = text;
    file_of_memory(&p.module[i], "module", FILES_AT + i * MIB(1), size);
}

static void hand_over(void)
{
    enum error error = payload_pvh.plan(&p, &space);
    if (!error)
        error = payload_pvh.prepare(&p, &boot);
    if (error)
        print_error("%s\n", error_text());
    assert_int_equal(error, OK);
    boot_info_read(&told, DOOR_PVH, p.record);
    if (told.problem)
        print_error("%s\n", told.problem);
    assert_null(told.problem);
}

static void assert_same_map(void)
{
    assert_int_equal(told.memory.count, boot.memory.count);
    for (u32 i = 0; i < boot.memory.count; i++) {
        assert_int_equal(told.memory.range[i].base, boot.memory.range[i].base);
        assert_int_equal(told.memory.range[i].size, boot.memory.range[i].size);
        assert_int_equal(told.memory.range[i].type, boot.memory.range[i].type);
    }
}

static void everything_comes_back(void **state)
{
    (void)state;
    fresh();
    p.cmdline = "root=LABEL=root console=ttyS0 \"quoted = text\" -- \xc3\xa4";
    boot.rsdp = 0x7ffe0014;
    add_module(5000, "one with text");
    add_module(1, "");
    add_module(MIB(1), "three");
    file_of_memory(&p.initrd[0], "initrd", FILES_AT, 333);
    file_of_memory(&p.initrd[1], "initrd", FILES_AT, 4444);
    p.initrd_count = 2;
    hand_over();
    assert_same_map();
    assert_string_equal(told.cmdline, p.cmdline);
    assert_int_equal(told.rsdp, boot.rsdp);
    static const struct {
        u64 size;
        const char *text;
    } modules[] = {{5000, "one with text"}, {1, ""}, {MIB(1), "three"}, {336 + 4444, ""}};
    assert_int_equal(told.module_count, ARRAY_COUNT(modules));
    for (u32 i = 0; i < ARRAY_COUNT(modules); i++) {
        assert_int_equal(told.module[i].size, modules[i].size);
        assert_string_equal(told.module[i].text, modules[i].text);
        assert_int_equal(told.module[i].base, p.placement[i + 1].dest);
    }
    /* the next shim keeps off what it has not copied yet */
    u32 recorded = 0;
    for (u32 i = 0; i < told.record_count; i++)
        recorded += fits(told.record[i].base - p.cmdline_address, told.record[i].size, p.record_size);
    assert_int_equal(recorded, told.record_count);
    assert_true(recorded >= 6); /* record, command line, map, list, two texts */
}

static void nothing_comes_back_as_nothing(void **state)
{
    (void)state;
    fresh();
    hand_over();
    assert_same_map();
    assert_string_equal(told.cmdline, "");
    assert_int_equal(told.module_count, 0);
    assert_int_equal(told.rsdp, 0);
}

static void long_things_come_back(void **state)
{
    (void)state;
    static char line[STRING_MAX], text[PAGE_SIZE];
    memset(line, 'l', sizeof line - 1);
    memset(text, 't', sizeof text - 1);
    fresh();
    p.cmdline = line;
    for (u32 i = 0; i < ENTRY_FILES_MAX; i++)
        add_module(i + 1, text);
    for (u32 i = 0; boot.memory.count < 127; i++)
        mem_map_add(&boot.memory, GIB(16) + i * 0x2000ull, 0x1000, i % 2 ? MEM_USABLE : MEM_RESERVED);
    hand_over();
    assert_same_map();
    assert_string_equal(told.cmdline, line);
    assert_int_equal(told.module_count, ENTRY_FILES_MAX);
    for (u32 i = 0; i < ENTRY_FILES_MAX; i++) {
        assert_int_equal(told.module[i].size, i + 1);
        assert_string_equal(told.module[i].text, text);
    }
}

/* Through two hands: the second writes the same. */
static void a_second_hand_over_is_equal(void **state)
{
    (void)state;
    fresh();
    p.cmdline = "once more";
    boot.rsdp = 0xe0000;
    add_module(100, "text");
    hand_over();
    struct boot_info first = told;
    fresh();
    boot = first;
    space.map = &boot.memory;
    p.cmdline = "once more";
    add_module(100, "text");
    hand_over();
    assert_same_map();
    assert_int_equal(told.rsdp, first.rsdp);
    assert_int_equal(told.module_count, 1);
    assert_string_equal(told.module[0].text, "text");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_comes_back),
        cmocka_unit_test(nothing_comes_back_as_nothing),
        cmocka_unit_test(long_things_come_back),
        cmocka_unit_test(a_second_hand_over_is_equal),
    };
    return cmocka_run_group_tests_name("round_trip", tests, NULL, NULL);
}
