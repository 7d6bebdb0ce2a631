/* test_payload_linux.c: payload_linux.c: bzImage headers of every protocol version, true and broken; what the zero
 * page says.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "host.h"

#include "linux_boot.h"
#include "payload.h"

extern const struct payload_protocol payload_linux;

#define FILE_AT GIB(2) /* not in the map: the plan does not touch it */
#define SETUP_SECTS 4u
#define SETUP_SIZE ((SETUP_SECTS + 1) * 512)
#define CODE_SIZE 0x10000u
#define FILE_SIZE (SETUP_SIZE + CODE_SIZE)
#define INITRD_AT (GIB(2) + MIB(64))

static struct boot_info boot;
static struct mem_space space;
static struct payload p;
static struct linux_header header;
static u8 header_length; /* the byte at 201h */

/* assert_true(condition), saying which case it was. */
static void check(bool condition, const char *name)
{
    if (!condition)
        print_error("%s: trail \"%s\", mode %d, entry %llx, record %llx\n", name, error_text(), p.mode,
                    (unsigned long long)p.entry_point, (unsigned long long)p.record);
    assert_true(condition);
}

static bool error_says(enum error error, enum error expected, const char *part)
{
    return error == expected && (!error || strstr(error_text(), part));
}

/* Debian 12's kernel, but small: protocol 2.15. 256 MiB, the shim at the top. */
static void fresh(void)
{
    host_reset();
    memset(&boot, 0, sizeof boot);
    memset(&p, 0, sizeof p);
    memset(mem_at(0, MIB(1)), 0, MIB(1));
    boot.cmdline = boot.loader = boot.door = "";
    mem_map_add(&boot.memory, PAGE_SIZE, 0x9e000, MEM_USABLE);
    mem_map_add(&boot.memory, 0xf0000, 0x10000, MEM_RESERVED);
    mem_map_add(&boot.memory, MIB(1), MIB(255), MEM_USABLE);
    space = (struct mem_space){.map = &boot.memory};
    mem_claim_force(&space, MIB(248), MIB(8), "shim");
    p.cmdline = "";
    header_length = 0x6a; /* to 26ch */
    header = (struct linux_header){
        .setup_sects = SETUP_SECTS, .syssize = CODE_SIZE / 16, .boot_flag = 0xaa55, .jump = 0x6aeb,
        .header = 0x53726448,
        .version = 0x20f, .loadflags = LINUX_LOADED_HIGH | LINUX_KEEP_SEGMENTS, .code32_start = MIB(1),
        .initrd_addr_max = 0x7fffffff,
        .kernel_alignment = MIB(2), .relocatable_kernel = 1, .min_alignment = 21,
        .xloadflags = XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G, .cmdline_size = 2047, .pref_address = MIB(16),
        .init_size = MIB(4), .kernel_info_offset = 0x1234, .handover_offset = 0x190,
    };
}

/* The file: a first sector of bytes that are no header, the header, setup, code. */
static void write_kernel(u64 size)
{
    u8 *file = mem_at(FILE_AT, FILE_SIZE);
    memset(file, 0xcc, SETUP_SIZE);
    memset(file + SETUP_SIZE, 0x33, CODE_SIZE);
    memcpy(file + LINUX_HEADER_AT, &header, sizeof header);
    file[0x200] = 0xeb;
    file[0x201] = header_length;
    file_of_memory(&p.kernel, "vmlinuz", FILE_AT, size);
    p.head_size = (u32)min_u64(size, HEAD_SIZE);
    p.head = file;
}

static enum error recognise(u64 size)
{
    write_kernel(size);
    return payload_linux.recognise(p.head, p.head_size, p.kernel.size);
}

static enum error plan(void)
{
    enum error error = recognise(FILE_SIZE);
    return error ? error : payload_linux.plan(&p, &space);
}

static void add_initrd(u64 at, u64 size)
{
    file_of_memory(&p.initrd[p.initrd_count++], "initrd", at, size);
}

static const struct placement *placement(const char *what, u32 index)
{
    for (u32 i = 0; i < p.placement_count; i++)
        if (!strcmp(p.placement[i].what, what) && !index--)
            return &p.placement[i];
    return NULL;
}

static const struct mem_range *claim_of(const char *owner)
{
    for (u32 i = 0; i < space.count; i++)
        if (!strcmp(space.claim[i].owner, owner))
            return &space.claim[i];
    return NULL;
}

static struct linux_zero_page *prepare(void)
{
    memset(mem_at(p.record, p.record_size), 0x77, p.record_size);
    u8 behind = *(u8 *)mem_at(p.record + p.record_size, 1);
    enum error error = payload_linux.prepare(&p, &boot);
    check(!error, "prepare");
    check(*(u8 *)mem_at(p.record + p.record_size, 1) == behind, "prepare writes what it claimed");
    return mem_at(p.record, sizeof(struct linux_zero_page));
}

/* ---- recognise --------------------------------------------------------------------------------------------------- */

static void others_files_are_not_ours(void **state)
{
    (void)state;
    fresh();
    assert_int_equal(recognise(FILE_SIZE), OK);
    header.header = 0x53726449;
    assert_int_equal(recognise(FILE_SIZE), ERR_NOT_MINE);
    fresh();
    for (u32 size = 0; size < 0x207; size += size < 0x1f0 ? 61 : 1)
        assert_int_equal(recognise(size), ERR_NOT_MINE);
    assert_string_equal(error_text(), "");
}

static void broken_headers_are_told_by_field(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        u32 offset, bytes, value; /* of a field in the header */
        u64 size;                 /* of the file */
        enum error error;
        const char *says;
    } cases[] = {
#define FIELD(f) offsetof(struct linux_header, f), sizeof header.f
        {"whole", 0, 0, 0, FILE_SIZE, OK, ""},
        {"15 bytes less than syssize says", 0, 0, 0, FILE_SIZE - 15, OK, ""},
        {"more than syssize says", 0, 0, 0, FILE_SIZE + 5000, OK, ""},
        {"boot_flag", FIELD(boot_flag), 0xaa54, FILE_SIZE, ERR_CORRUPT,
         "bzImage boot_flag aa54 at byte 510, expected aa55"},
        {"too old", FIELD(version), 0x201, FILE_SIZE, ERR_UNSUPPORTED,
         "protocol version 2.01 at byte 518, expected 2.02 to 2.15"},
        {"version 0", FIELD(version), 0, FILE_SIZE, ERR_UNSUPPORTED, "protocol version 0.00 at byte 518"},
        {"a little too new", FIELD(version), 0x210, FILE_SIZE, ERR_UNSUPPORTED, "protocol version 2.16 at byte 518"},
        {"too new", FIELD(version), 0x300, FILE_SIZE, ERR_UNSUPPORTED, "protocol version 3.00 at byte 518"},
        {"far too new", FIELD(version), 0xffff, FILE_SIZE, ERR_UNSUPPORTED, "protocol version 255.255 at byte 518"},
        {"zImage", FIELD(loadflags), 0x80, FILE_SIZE, ERR_UNSUPPORTED, "zImage (loadflags 80 at byte 529)"},
        {"no code", FIELD(syssize), 0, FILE_SIZE, ERR_CORRUPT, "syssize 0 at byte 500"},
        {"16 bytes cut off", 0, 0, 0, FILE_SIZE - 16, ERR_TRUNCATED, "truncated at 68080 of 68096 bytes"},
        {"cut in the code", 0, 0, 0, SETUP_SIZE + 1, ERR_TRUNCATED, "truncated at 2561 of 68096 bytes"},
        {"cut at the code", 0, 0, 0, SETUP_SIZE, ERR_TRUNCATED, "truncated at 2560 of 68096 bytes"},
        {"cut in setup", 0, 0, 0, 1000, ERR_TRUNCATED, "truncated at 1000 of 68096 bytes"},
        {"cut in the header", 0, 0, 0, 0x210, ERR_TRUNCATED, "truncated at 528 of"},
        {"syssize beyond the file", FIELD(syssize), 0xffffffff, FILE_SIZE, ERR_TRUNCATED,
         "truncated at 68096 of 68719479280 bytes"},
        {"setup_sects beyond the file", FIELD(setup_sects), 255, FILE_SIZE, ERR_TRUNCATED, "truncated at 68096 of"},
        {"kernel_alignment", FIELD(kernel_alignment), 0x300000, FILE_SIZE, ERR_CORRUPT,
         "kernel_alignment 300000 at byte 560"},
        {"kernel_alignment 0", FIELD(kernel_alignment), 0, FILE_SIZE, ERR_CORRUPT, "kernel_alignment 0 at byte 560"},
#undef FIELD
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        fresh();
        memcpy((u8 *)&header + cases[i].offset, &cases[i].value, cases[i].bytes);
        check(error_says(recognise(cases[i].size), cases[i].error, cases[i].says), cases[i].name);
    }
    fresh(); /* before 2.04 the header cannot tell a truncated file */
    header.version = 0x203, header.syssize = 0, header.relocatable_kernel = 1;
    check(error_says(recognise(SETUP_SIZE + 512), OK, ""), "2.03");
    check(error_says(recognise(SETUP_SIZE), ERR_TRUNCATED, "truncated at 2560 of 3072 bytes"), "2.03, cut");
    header.setup_sects = 0;
    check(error_says(recognise(SETUP_SIZE), ERR_TRUNCATED, "truncated at 2560 of 3072 bytes"), "setup_sects 0 means 4");
}

/* Files signed for secure boot end behind what syssize says: the PE header tells where. */
static void truncated_signed_kernels_say_their_size(void **state)
{
    (void)state;
    static const u32 pe_at = 0x80, certificate[2] = {FILE_SIZE, 1500};
    fresh();
    write_kernel(FILE_SIZE - 1000);
    memcpy(p.head, "MZ", 2);
    memcpy(p.head + 0x3c, &pe_at, 4);
    memcpy(p.head + pe_at, "PE\0", 4);
    p.head[pe_at + 24] = 0x0b, p.head[pe_at + 25] = 2;
    memcpy(p.head + pe_at + 24 + 112 + 32, certificate, 8);
    check(error_says(payload_linux.recognise(p.head, p.head_size, p.kernel.size), ERR_TRUNCATED,
                     "truncated at 67096 of 69596 bytes"),
          "signed");
    memset(p.head + 0x3c, 0xff, 4);
    check(error_says(payload_linux.recognise(p.head, p.head_size, p.kernel.size), ERR_TRUNCATED,
                     "truncated at 67096 of 68096 bytes"),
          "PE header nowhere");
}

/* ---- plan -------------------------------------------------------------------------------------------------------- */

/* What a version does not have yet is not looked at: all fields hold something in every case. */
static void versions_are_planned(void **state)
{
    (void)state;
    static const struct {
        u16 version, xloadflags;
        enum handoff_mode mode;
        u64 load, entry, memory; /* claimed */
        u32 cmdline;             /* longest that is taken */
    } cases[] = {
        {0x202, 3, HANDOFF_LINUX32, MIB(1), MIB(1) + 0x40, CODE_SIZE * 3, 255},
        {0x203, 3, HANDOFF_LINUX32, MIB(1), MIB(1) + 0x40, CODE_SIZE * 3, 255},
        {0x204, 3, HANDOFF_LINUX32, MIB(1), MIB(1) + 0x40, CODE_SIZE * 3, 255},
        {0x205, 3, HANDOFF_LINUX32, MIB(1), MIB(1) + 0x40, CODE_SIZE * 3, 255},
        {0x206, 3, HANDOFF_LINUX32, MIB(1), MIB(1) + 0x40, CODE_SIZE * 3, 1000},
        {0x207, 3, HANDOFF_LINUX32, MIB(1), MIB(1) + 0x40, CODE_SIZE * 3, 1000},
        {0x208, 3, HANDOFF_LINUX32, MIB(1), MIB(1) + 0x40, CODE_SIZE * 3, 1000},
        {0x209, 3, HANDOFF_LINUX32, MIB(1), MIB(1) + 0x40, CODE_SIZE * 3, 1000},
        {0x20a, 3, HANDOFF_LINUX32, MIB(16), MIB(16) + 0x40, MIB(4), 1000},
        {0x20b, 3, HANDOFF_LINUX32, MIB(16), MIB(16) + 0x40, MIB(4), 1000},
        {0x20c, 0, HANDOFF_LINUX32, MIB(16), MIB(16) + 0x40, MIB(4), 1000},
        {0x20c, 1, HANDOFF_LINUX64, MIB(16), MIB(16) + 0x200, MIB(4), 1000},
        {0x20d, 3, HANDOFF_LINUX64, MIB(16), MIB(16) + 0x200, MIB(4), 1000},
        {0x20e, 2, HANDOFF_LINUX32, MIB(16), MIB(16) + 0x40, MIB(4), 1000},
        {0x20f, 3, HANDOFF_LINUX64, MIB(16), MIB(16) + 0x200, MIB(4), 1000},
    };
    static char longest[1002];
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        char name[16];
        format_text(name, sizeof name, "version %x", cases[i].version);
        fresh();
        header.version = cases[i].version;
        header.xloadflags = cases[i].xloadflags;
        header.code32_start = MIB(1) + 0x40;
        header.cmdline_size = 1000;
        memset(longest, 'x', sizeof longest);
        longest[cases[i].cmdline] = 0;
        p.cmdline = longest;
        check(plan() == OK, name);
        check(p.mode == cases[i].mode && p.entry_point == cases[i].entry, name);
        check(!strcmp(p.mode_name, cases[i].mode == HANDOFF_LINUX64 ? "linux64" : "linux32"), name);
        const struct placement *code = placement("kernel", 0);
        check(code && code->dest == cases[i].load && code->file_offset == SETUP_SIZE && code->file_size == CODE_SIZE,
              name);
        const struct mem_range *claim = claim_of("kernel");
        check(claim && claim->base == cases[i].load && claim->size == cases[i].memory, name);
        check(p.record >= 0x10000 && p.record + p.record_size <= 0x90000 && p.record % PAGE_SIZE == 0, name);
        struct linux_zero_page *zero = prepare();
        check(zero->header.cmd_line_ptr == p.cmdline_address && !strcmp(mem_at(p.cmdline_address, 1), longest), name);
        check(zero->header.version == cases[i].version && zero->header.code32_start == cases[i].load + 0x40, name);

        longest[cases[i].cmdline] = 'x', longest[cases[i].cmdline + 1] = 0;
        check(plan() == ERR_RANGE, name);
        char sentence[96];
        format_text(sentence, sizeof sentence, "command line of %u bytes is 1 too long: this kernel takes at most %u",
                    cases[i].cmdline + 1, cases[i].cmdline);
        assert_string_equal(error_text(), sentence);
    }
}

static void kernels_find_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        u64 taken, taken_size; /* by "other" */
        u64 pref_address;
        u32 init_size, alignment;
        u8 relocatable, min_alignment;
        u16 xloadflags;
        bool high_memory; /* 4–6 GiB are there too */
        enum error error;
        u64 load;
        u32 told_alignment;
        const char *says;
    } cases[] = {
        {"preferred", 0, 0, MIB(16), MIB(4), MIB(2), 1, 21, 3, false, OK, MIB(16), MIB(2), ""},
        {"no preference", 0, 0, 0, MIB(4), MIB(2), 1, 21, 3, false, OK, MIB(1), MIB(2), ""},
        {"init_size less than the code", 0, 0, MIB(16), 16, MIB(2), 1, 21, 3, false, OK, MIB(16), MIB(2), ""},
        {"taken: upwards", MIB(18), MIB(1), MIB(16), MIB(4), MIB(2), 1, 21, 3, false, OK, MIB(20), MIB(2), ""},
        {"taken: upwards, aligned", MIB(18), MIB(1), MIB(16), MIB(4), MIB(16), 1, 24, 3, false, OK, MIB(32), MIB(16),
         ""},
        {"taken: not downwards", MIB(16), MIB(232), MIB(16), MIB(4), MIB(2), 1, 21, 3, false, ERR_NO_MEMORY, 0, 0,
         "kernel: no 4096 KiB"},
        {"taken, not relocatable", MIB(18), MIB(1), MIB(16), MIB(4), MIB(2), 0, 21, 3, false, ERR_CONFLICT, 0, 0,
         "kernel [1000000,1400000) overlaps other [1200000,1300000)"},
        {"less alignment in the last resort", MIB(17), MIB(231), MIB(16), MIB(1), MIB(64), 1, 20, 3, false, OK,
         MIB(16), MIB(64), ""},
        {"less alignment that helps", MIB(16), MIB(229), MIB(16), MIB(2), MIB(64), 1, 20, 3, false, OK, MIB(245),
         MIB(1), ""},
        {"min_alignment of nonsense", MIB(16), MIB(229), MIB(16), MIB(2), MIB(64), 1, 255, 3, false, ERR_NO_MEMORY, 0,
         0, "kernel: no 2048 KiB"},
        {"min_alignment less than a page", MIB(16), MIB(229), MIB(16), MIB(2), MIB(64), 1, 4, 3, false, ERR_NO_MEMORY,
         0, 0, "kernel: no"},
        {"above 4 GiB", MIB(1), MIB(247), MIB(16), MIB(4), MIB(2), 1, 21, 3, true, OK, GIB(4), MIB(2), ""},
        {"above 4 GiB: not allowed", MIB(1), MIB(247), MIB(16), MIB(4), MIB(2), 1, 21, 1, true, ERR_NO_MEMORY, 0, 0,
         "kernel: no"},
        {"above 4 GiB: 32-bit entry", MIB(1), MIB(247), MIB(16), MIB(4), MIB(2), 1, 21, 2, true, ERR_NO_MEMORY, 0, 0,
         "kernel: no"},
        {"preferred above 4 GiB", 0, 0, GIB(5), MIB(4), MIB(2), 1, 21, 3, true, OK, GIB(5), MIB(2), ""},
        {"preferred above 4 GiB: not allowed", 0, 0, GIB(5), MIB(4), MIB(2), 1, 21, 1, true, ERR_UNSUPPORTED, 0, 0,
         "pref_address 140000000 at byte 600"},
        {"preferred beyond all", 0, 0, ~0ull - 100, MIB(4), MIB(2), 0, 21, 3, false, ERR_UNSUPPORTED, 0, 0,
         "pref_address"},
        {"init_size beyond all", 0, 0, MIB(16), 0xffffffff, MIB(2), 1, 21, 3, false, ERR_NO_MEMORY, 0, 0,
         "kernel: no 4194304 KiB"},
        {"preferred in a hole", 0, 0, GIB(1), MIB(4), MIB(2), 0, 21, 3, false, ERR_CONFLICT, 0, 0,
         "there is no memory at 40000000"},
        {"over the shim", 0, 0, MIB(246), MIB(4), MIB(2), 0, 21, 3, false, ERR_CONFLICT, 0, 0,
         "overlaps shim [f800000,10000000)"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        fresh();
        if (cases[i].high_memory)
            mem_map_add(&boot.memory, GIB(4), GIB(2), MEM_USABLE);
        mem_claim_force(&space, cases[i].taken, cases[i].taken_size, "other");
        header.pref_address = cases[i].pref_address;
        header.init_size = cases[i].init_size, header.kernel_alignment = cases[i].alignment;
        header.relocatable_kernel = cases[i].relocatable, header.min_alignment = cases[i].min_alignment;
        header.xloadflags = cases[i].xloadflags;
        check(error_says(plan(), cases[i].error, cases[i].says), cases[i].name);
        if (cases[i].error)
            continue;
        check(placement("kernel", 0)->dest == cases[i].load, cases[i].name);
        check(p.entry_point == cases[i].load + 0x200, cases[i].name);
        check(prepare()->header.kernel_alignment == cases[i].told_alignment, cases[i].name);
    }
}

static void entries_lie_in_the_code(void **state)
{
    (void)state;
    static const struct {
        u32 code32_start, code_size;
        u16 xloadflags;
        const char *says;
    } cases[] = {
        {MIB(1), CODE_SIZE, 0, ""},
        {MIB(1) + CODE_SIZE - 1, CODE_SIZE, 0, ""},
        {MIB(1) + CODE_SIZE, CODE_SIZE, 0,
         "bzImage entry 110000 (code32_start at byte 532) is outside its code of 65536 bytes"},
        {MIB(1) - 1, CODE_SIZE, 0, "(code32_start at byte 532) is outside"},
        {0xffffffff, CODE_SIZE, 0, "(code32_start at byte 532) is outside"},
        {0x1000, CODE_SIZE, 0, "(code32_start at byte 532) is outside"},
        {0, CODE_SIZE, 1, ""},
        {MIB(1), 0x210, 1, ""},
        {MIB(1), 0x200, 1, "bzImage entry 100200 (64-bit) is outside its code of 512 bytes"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        fresh();
        header.code32_start = cases[i].code32_start;
        header.xloadflags = cases[i].xloadflags;
        header.syssize = cases[i].code_size / 16;
        check(error_says(plan(), cases[i].says[0] ? ERR_CORRUPT : OK, cases[i].says), cases[i].says);
    }
}

static void initrds_are_placed(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        u64 size;
        u16 version, xloadflags;
        u32 initrd_addr_max;
        u64 high_base, high_size; /* more memory */
        u64 at;                   /* 0: does not fit */
    } cases[] = {
        {"below the shim", 5000, 0x20f, 3, 0x7fffffff, 0, 0, MIB(248) - 0x2000},
        {"no higher than initrd_addr_max", 5000, 0x20f, 3, 0x7fffffff, GIB(1), GIB(2), GIB(2) - 0x2000},
        {"initrd_addr_max ends a page", 4096, 0x20f, 3, 0x05ffffff, 0, 0, 0x05fff000},
        {"initrd_addr_max within a page", 4096, 0x20f, 3, 0x06000ffe, 0, 0, 0x05fff000},
        {"initrd_addr_max beyond 4 GiB", 4096, 0x20f, 0, 0xffffffff, GIB(3), MIB(16), GIB(3) + MIB(16) - 0x1000},
        {"before 2.03", 4096, 0x202, 0, 0, MIB(512), GIB(1), 0x37fff000},
        {"2.03", 4096, 0x203, 0, 0x3fffffff, MIB(512), GIB(1), 0x3ffff000},
        {"too big below", MIB(300), 0x20f, 3, 0x7fffffff, GIB(4), GIB(2), GIB(4)},
        {"too big below: above initrd_addr_max, below 4 GiB", MIB(300), 0x20f, 3, 0x7fffffff, GIB(2) + MIB(256),
         MIB(512), GIB(2) + MIB(468)},
        {"too big below, not allowed above", MIB(300), 0x20f, 1, 0x7fffffff, GIB(4), GIB(2), 0},
        {"more than 4 GiB", GIB(5), 0x20f, 3, 0x7fffffff, GIB(4), GIB(8), GIB(4)},
        {"too big for all", GIB(9), 0x20f, 3, 0x7fffffff, GIB(4), GIB(8), 0},
        {"initrd_addr_max 0", 4096, 0x20f, 1, 0, 0, 0, 0},
        {"half of all there can be", ~0ull >> 1, 0x20f, 3, 0x7fffffff, 0, 0, 0},
        {"all there can be", ~0ull, 0x20f, 3, 0x7fffffff, 0, 0, 0},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        fresh();
        mem_map_add(&boot.memory, cases[i].high_base, cases[i].high_size, MEM_USABLE);
        header.version = cases[i].version, header.xloadflags = cases[i].xloadflags;
        header.initrd_addr_max = cases[i].initrd_addr_max;
        add_initrd(INITRD_AT, cases[i].size);
        enum error error = plan();
        if (!cases[i].at) {
            check((error == ERR_NO_MEMORY || error == ERR_RANGE) && strstr(error_text(), "initrd: "), cases[i].name);
            continue;
        }
        check(!error, cases[i].name);
        const struct placement *initrd = placement("initrd", 0);
        check(initrd && initrd->dest == cases[i].at && initrd->file_size == cases[i].size, cases[i].name);
        const struct linux_zero_page *zero = prepare();
        check(zero->header.ramdisk_image == (u32)cases[i].at && zero->ext_ramdisk_image == cases[i].at >> 32,
              cases[i].name);
        check(zero->header.ramdisk_size == (u32)cases[i].size && zero->ext_ramdisk_size == cases[i].size >> 32,
              cases[i].name);
    }
}

/* usr/gen_init_cpio, init/initramfs.c: archives begin at multiples of 4; what lies between is zero. */
static void several_initrds_are_one(void **state)
{
    (void)state;
    static const u64 sizes[] = {1001, 4096, 0, 2, 3};
    fresh();
    for (u32 i = 0; i < ARRAY_COUNT(sizes); i++)
        add_initrd(INITRD_AT + i * MIB(1), sizes[i]);
    check(plan() == OK, "several");
    u64 at = placement("initrd", 0)->dest;
    check(at % PAGE_SIZE == 0, "several");
    for (u32 i = 0; i < ARRAY_COUNT(sizes); i++) {
        const struct placement *initrd = placement("initrd", i);
        check(initrd && initrd->dest == at && initrd->file_size == sizes[i] &&
              initrd->mem_size == align_up(sizes[i], 4), "several");
        at += initrd->mem_size;
    }
    const struct mem_range *claim = claim_of("initrd");
    check(claim && claim->base == placement("initrd", 0)->dest && claim->size == 1004 + 4096 + 4 + 4, "several");
    check(prepare()->header.ramdisk_size == 1004 + 4096 + 4 + 3, "several");
    fresh();
    check(plan() == OK && !claim_of("initrd"), "none");
    const struct linux_zero_page *zero = prepare();
    check(!zero->header.ramdisk_image && !zero->header.ramdisk_size, "none");
}

/* One initrd in a module stays where the loader has put it, when it can. */
static void an_initrd_stays_in_its_module(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        u64 at, size, claim, claim_size; /* by "module 0"; size 0: the module is free to move */
        u32 initrd_addr_max;
        bool stays;
    } cases[] = {
        {"stays", MIB(64), 5000, MIB(64), 5000, 0x7fffffff, true},
        {"not at a page", MIB(64) + 4, 5000, MIB(64) + 4, 5000, 0x7fffffff, false},
        {"too high", MIB(64), 5000, MIB(64), 5000, 0x03ffffff, false},
        {"just low enough", MIB(64), 5000, MIB(64), 5000, 0x04001387, true},
        {"just too high", MIB(64), 5000, MIB(64), 5000, 0x04001386, false},
        {"in memory that is not usable", GIB(1), 5000, GIB(1), 5000, 0x7fffffff, false},
        {"nobody keeps it", MIB(64), 5000, 0, 0, 0x7fffffff, false},
        {"in the way of the kernel, to be moved", MIB(17), 5000, 0, 0, 0x7fffffff, false},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        fresh();
        mem_claim_force(&space, cases[i].claim, cases[i].claim_size, "module 0");
        header.initrd_addr_max = cases[i].initrd_addr_max;
        add_initrd(cases[i].at, cases[i].size);
        check(plan() == OK, cases[i].name);
        const struct placement *initrd = placement("initrd", 0);
        check(!initrd == cases[i].stays, cases[i].name);
        const struct linux_zero_page *zero = prepare();
        check(zero->header.ramdisk_image == (u32)(cases[i].stays ? cases[i].at : initrd->dest), cases[i].name);
        check(zero->header.ramdisk_size == 5000, cases[i].name);
    }
}

static void modules_are_for_others(void **state)
{
    (void)state;
    fresh();
    p.module_count = 1;
    check(error_says(plan(), ERR_UNSUPPORTED, "`module` lines are for `pvh`; a Linux bzImage takes `initrd`"),
          "module");
}

/* ---- the zero page ----------------------------------------------------------------------------------------------- */

static void the_header_is_copied_by_its_length(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        u8 length;
        u32 end;
    } cases[] = {
        {"2.15", 0x6a, 0x26c}, {"2.02", 0x26, 0x228}, {"longer than we know", 0x80, 0x282}, {"to the EDD table", 0x8e,
                                                                                             0x290},
        {"too long", 0xff, 0x290},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        fresh();
        header_length = cases[i].length;
        check(plan() == OK, cases[i].name);
        const u8 *zero = (const u8 *)prepare();
        for (u32 at = LINUX_HEADER_AT; at < LINUX_HEADER_AT + offsetof(struct linux_header, vid_mode); at++)
            check(zero[at] == p.head[at], cases[i].name);
        for (u32 at = 0x260; at < 0x290; at++)
            check(zero[at] == (at < cases[i].end ? p.head[at] : 0) || (at >= 0x228 && at < cases[i].end),
                  cases[i].name);
        for (u32 at = 0x78; at < 0x1e0; at++) /* the file's own bytes in front of the header stay out */
            check(!zero[at], cases[i].name);
        check(zero[0x210] == 0xff && !(zero[0x211] & LINUX_KEEP_SEGMENTS) && zero[0x211] & LINUX_LOADED_HIGH,
              cases[i].name);
        check(zero[0x1fa] == 0xff && zero[0x1fb] == 0xff, cases[i].name);
    }
}

static void the_memory_map_is_told(void **state)
{
    (void)state;
    fresh();
    boot.rsdp = 0x123456789a;
    check(plan() == OK, "e820");
    const struct linux_zero_page *zero = prepare();
    check(zero->e820_entries == 3 && !zero->header.setup_data && zero->acpi_rsdp_addr == 0x123456789a, "e820");
    check(zero->e820[1].base == 0xf0000 && zero->e820[1].size == 0x10000 && zero->e820[1].type == MEM_RESERVED, "e820");
    check(zero->alt_mem_k == 255 * 1024 && zero->screen.ext_mem_k == 0xfc00, "e820");
}

static void long_memory_maps_go_to_setup_data(void **state)
{
    (void)state;
    static const struct {
        u32 count, version, told, extra;
    } cases[] = {{127, 0x20f, 127, 0}, {128, 0x20f, 128, 0}, {129, 0x20f, 128, 1}, {500, 0x20f, 128, 372},
                 {512, 0x209, 128, 384},
                 {512, 0x208, 128, 0}};
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        fresh();
        header.version = (u16)cases[i].version;
        for (u32 n = 0; boot.memory.count < cases[i].count; n++)
            mem_map_add(&boot.memory, GIB(4) + n * 0x2000ull, 0x1000, n % 2 ? MEM_USABLE : MEM_ACPI);
        p.cmdline = "command line behind";
        check(plan() == OK, "setup_data");
        const struct linux_zero_page *zero = prepare();
        check(zero->e820_entries == cases[i].told && !zero->header.setup_data == !cases[i].extra, "setup_data");
        for (u32 n = 0; n < cases[i].told; n++)
            check(zero->e820[n].base == boot.memory.range[n].base && zero->e820[n].type == boot.memory.range[n].type,
                  "setup_data");
        check(!strcmp(mem_at(zero->header.cmd_line_ptr, 20), p.cmdline), "setup_data");
        if (!cases[i].extra)
            continue;
        u64 size = cases[i].extra * sizeof(struct linux_e820_entry);
        const struct linux_setup_data *node = mem_at(zero->header.setup_data, sizeof *node + size);
        const struct linux_e820_entry *entry = (const struct linux_e820_entry *)(node + 1);
        check(node->type == LINUX_SETUP_E820_EXT && node->len == size && !node->next, "setup_data");
        check(mem_claim_find(&space, zero->header.setup_data, 1) == claim_of("zero page"), "setup_data");
        for (u32 n = 0; n < cases[i].extra; n++)
            check(entry[n].base == boot.memory.range[128 + n].base &&
                  entry[n].size == boot.memory.range[128 + n].size &&
                  entry[n].type == boot.memory.range[128 + n].type, "setup_data");
    }
}

static void records_find_a_place(void **state)
{
    (void)state;
    fresh();
    mem_claim_force(&space, 0x1000, 0x9e000, "low memory");
    check(plan() == OK && p.record == MIB(1), "no low memory");
    fresh();
    mem_claim_force(&space, 0x1000, 0x9e000, "low memory");
    mem_claim_force(&space, MIB(1), MIB(15), "more");
    mem_claim_force(&space, MIB(20), MIB(228), "more");
    check(error_says(plan(), ERR_NO_MEMORY, "zero page: no"), "no memory");
}

static void text_screens_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        u8 mode, columns, x, y;
        u8 is_vga;
    } cases[] = {{"mode 3", 3, 80, 5, 24, 1}, {"mode 7", 7, 80, 0, 0, 1}, {"40 columns", 1, 40, 0, 0, 0},
                 {"graphics", 0x12, 80, 0, 0, 0}, {"no BIOS", 0, 0, 0, 0, 0}, {"132 columns", 3, 132, 0, 0, 0}};
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        fresh();
        *(u8 *)mem_at(0x449, 1) = cases[i].mode;
        *(u8 *)mem_at(0x44a, 1) = cases[i].columns;
        *(u8 *)mem_at(0x450, 1) = cases[i].x;
        *(u8 *)mem_at(0x451, 1) = cases[i].y;
        check(plan() == OK, cases[i].name);
        const struct linux_screen *s = &prepare()->screen;
        check(s->orig_video_is_vga == cases[i].is_vga, cases[i].name);
        if (cases[i].is_vga)
            check(s->orig_video_mode == cases[i].mode && s->orig_video_cols == 80 && s->orig_video_lines == 25 &&
                  s->orig_video_points == 16 && s->orig_x == cases[i].x && s->orig_y == cases[i].y, cases[i].name);
    }
}

static void framebuffers_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct framebuffer fb;
        u32 capabilities, size; /* 64 KiB */
        u8 reserved_size, reserved_position;
    } cases[] = {
        {"32 bits", {0xfd000000, 1024, 768, 4096, 32, 16, 8, 8, 8, 0, 8}, 0, 48, 8, 24},
        {"above 4 GiB", {GIB(64) + 0x10000, 1920, 1080, 7680, 32, 16, 8, 8, 8, 0, 8}, 2, 127, 8, 24},
        {"16 bits", {0xfd000000, 640, 480, 1280, 16, 11, 5, 5, 6, 0, 5}, 0, 10, 0, 0},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct framebuffer *fb = &cases[i].fb;
        fresh();
        *(u8 *)mem_at(0x449, 1) = 3, *(u8 *)mem_at(0x44a, 1) = 80;
        boot.framebuffer = *fb;
        check(plan() == OK, cases[i].name);
        const struct linux_screen *s = &prepare()->screen;
        check(s->orig_video_is_vga == 0x23 && s->lfb_width == fb->width && s->lfb_height == fb->height &&
              s->lfb_depth == fb->depth &&
              s->lfb_linelength == fb->pitch, cases[i].name);
        check(s->lfb_base == (u32)fb->base && s->ext_lfb_base == fb->base >> 32 &&
              s->capabilities == cases[i].capabilities,
              cases[i].name);
        check(s->lfb_size == cases[i].size, cases[i].name);
        check(s->red_pos == fb->red_position && s->red_size == fb->red_size && s->green_pos == fb->green_position &&
              s->green_size == fb->green_size && s->blue_pos == fb->blue_position && s->blue_size == fb->blue_size,
              cases[i].name);
        check(s->rsvd_size == cases[i].reserved_size && s->rsvd_pos == cases[i].reserved_position, cases[i].name);
    }
}

/* ---- ipxe.lkrn --------------------------------------------------------------------------------------------------- */

static void fresh_real_mode(void)
{
    fresh();
    header.version = 0x207;
    header.code32_start = 0;
    header.cmdline_size = 0x7ff;
    *(u32 *)mem_at(0x40, 4) = 0xc0000152, *(u32 *)mem_at(0x4c, 4) = 0xf000e3fe;
}

static void kernels_without_a_32_bit_entry_go_through_real_mode(void **state)
{
    (void)state;
    fresh_real_mode();
    p.cmdline = "dhcp";
    add_initrd(INITRD_AT, 100);
    check(plan() == OK, "real");
    check(p.mode == HANDOFF_REAL && !strcmp(p.mode_name, "linux16") && p.record == 0x90000 && p.own_stack == 0xe000,
          "real");
    const struct placement *setup = placement("real-mode part", 0), *code = placement("kernel", 0);
    check(setup && setup->dest == p.record && setup->file_size == SETUP_SIZE && !setup->file_offset, "real");
    check(code && code->dest == MIB(1) && code->file_size == CODE_SIZE, "real");
    memcpy(mem_at(p.record, SETUP_SIZE), mem_at(FILE_AT, SETUP_SIZE), SETUP_SIZE);
    check(payload_linux.prepare(&p, &boot) == OK, "real");
    const struct linux_header *h = mem_at(p.record + LINUX_HEADER_AT, sizeof *h);
    check(h->type_of_loader == 0xff && h->loadflags & LINUX_CAN_USE_HEAP && h->heap_end_ptr == 0xde00, "real");
    check(h->cmd_line_ptr == p.cmdline_address && !strcmp(mem_at(h->cmd_line_ptr, 5), "dhcp"), "real");
    check(h->cmd_line_ptr >= p.record + p.own_stack && h->cmd_line_ptr + 5 <= p.record + p.record_size, "real");
    check(h->ramdisk_image == placement("initrd", 0)->dest && h->ramdisk_size == 100, "real");

    *(u32 *)mem_at(0x4c, 4) = 0;
    check(error_says(payload_linux.prepare(&p, &boot), ERR_UNSUPPORTED, "needs a BIOS"), "no BIOS");
    fresh_real_mode();
    header.setup_sects = 64, header.syssize = 0x100;
    check(error_says(plan(), ERR_UNSUPPORTED, "real-mode part of 33280 bytes, expected at most 32768"), "setup");
    fresh_real_mode();
    mem_claim_force(&space, 0x9f000 - 0x81000, 0x81000, "low memory");
    check(error_says(plan(), ERR_NO_MEMORY, "real-mode part: no 60 KiB"), "no low memory");
    fresh_real_mode();
    header.cmdline_size = 0xffff;
    static char line[4097];
    memset(line, 'x', sizeof line - 1);
    p.cmdline = line;
    check(error_says(plan(), ERR_RANGE, "command line of 4096 bytes is 1 too long: this kernel takes at most 4095"),
          "segment");
}

/* Its code relies on what its setup code has done, though code32_start is that of Linux. */
static void memdisk_goes_through_real_mode(void **state)
{
    (void)state;
    for (u32 i = 0; i < 3; i++) {
        fresh();
        header.version = 0x203;
        header.xloadflags = 0;
        header.kernel_version = i < 2 ? 0x100 : 0xffff; /* beyond what is read of the file */
        write_kernel(FILE_SIZE);
        memcpy(mem_at(FILE_AT + 0x300, 8), i ? "6.1.0-18" : "MEMDISK ", 8);
        check(payload_linux.recognise(p.head, p.head_size, p.kernel.size) == OK, "memdisk");
        check(payload_linux.plan(&p, &space) == OK, "memdisk");
        assert_string_equal(p.mode_name, i ? "linux32" : "linux16");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(others_files_are_not_ours),
        cmocka_unit_test(broken_headers_are_told_by_field),
        cmocka_unit_test(truncated_signed_kernels_say_their_size),
        cmocka_unit_test(versions_are_planned),
        cmocka_unit_test(kernels_find_their_place),
        cmocka_unit_test(entries_lie_in_the_code),
        cmocka_unit_test(initrds_are_placed),
        cmocka_unit_test(several_initrds_are_one),
        cmocka_unit_test(an_initrd_stays_in_its_module),
        cmocka_unit_test(modules_are_for_others),
        cmocka_unit_test(the_header_is_copied_by_its_length),
        cmocka_unit_test(the_memory_map_is_told),
        cmocka_unit_test(long_memory_maps_go_to_setup_data),
        cmocka_unit_test(records_find_a_place),
        cmocka_unit_test(text_screens_are_told),
        cmocka_unit_test(framebuffers_are_told),
        cmocka_unit_test(kernels_without_a_32_bit_entry_go_through_real_mode),
        cmocka_unit_test(memdisk_goes_through_real_mode),
    };
    return cmocka_run_group_tests_name("payload_linux", tests, NULL, NULL);
}
