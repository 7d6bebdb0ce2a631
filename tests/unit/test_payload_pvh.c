/* test_payload_pvh.c: payload_pvh.c: ELF files and their notes, true and broken; where everything goes; start_info. */
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

#define FILE_AT GIB(2) /* not in the map */
#define NOTES_AT 0x800u
#define NOTES_SIZE 0x400u
#define DATA_AT 0x1000u
#define FILE_SIZE 0x8000u
#define MODULE_AT (GIB(2) + MIB(64))

static struct boot_info boot;
static struct mem_space space;
static struct payload p;

/* The ELF that is made. Segments: loads first, the note last. */
static struct {
    bool wide;
    struct elf_ident ident;
    u64 phoff;
    u16 phentsize, phnum;
    struct elf64_segment segment[4];
    u8 notes[NOTES_SIZE];
    u32 notes_size;
} elf;

/* assert_true(condition), saying which case it was. */
static void check(bool condition, const char *name)
{
    if (!condition)
        print_error("%s: trail \"%s\", entry %llx\n", name, error_text(), (unsigned long long)p.entry_point);
    assert_true(condition);
}

static bool error_says(enum error error, enum error expected, const char *part)
{
    return error == expected && (!error || strstr(error_text(), part));
}

/* Add a note; name and descriptor padded to `align`. */
static void add_note(const char *name, u32 type, u64 desc, u32 size, u32 align)
{
    u32 at = (u32)align_up(elf.notes_size, align);
    struct elf_note note = {(u32)strlen(name) + 1, size, type};
    memcpy(elf.notes + at, &note, sizeof note);
    memcpy(elf.notes + at + sizeof note, name, note.namesz);
    at = (u32)align_up(at + sizeof note + note.namesz, align);
    memcpy(elf.notes + at, &desc, min_u64(size, 8));
    elf.notes_size = (u32)align_up(at + size, align);
}

static void add_reloc_note(u32 words, u32 align, u32 low, u32 high)
{
    const u32 desc[3] = {align, low, high};
    struct elf_note note = {4, words * 4, 19};
    memcpy(elf.notes + elf.notes_size, &note, sizeof note);
    memcpy(elf.notes + elf.notes_size + 12, "Xen", 4);
    memcpy(elf.notes + elf.notes_size + 16, desc, words * 4);
    elf.notes_size += 16 + words * 4;
}

/* 256 MiB, the shim at the top; two segments at 16 MiB, entered at 1000040h. */
static void fresh(bool wide)
{
    host_reset();
    memset(&boot, 0, sizeof boot);
    memset(&p, 0, sizeof p);
    memset(&elf, 0, sizeof elf);
    boot.cmdline = boot.loader = boot.door = "";
    mem_map_add(&boot.memory, PAGE_SIZE, 0x9e000, MEM_USABLE);
    mem_map_add(&boot.memory, 0xf0000, 0x10000, MEM_RESERVED);
    mem_map_add(&boot.memory, MIB(1), MIB(255), MEM_USABLE);
    space = (struct mem_space){.map = &boot.memory};
    mem_claim_force(&space, MIB(248), MIB(8), "shim");
    p.cmdline = "a=b";
    elf.wide = wide;
    elf.ident = (struct elf_ident){.magic = ELF_MAGIC, .class = wide ? 2 : 1, .data = 1, .version = 1, .type = 2,
                                   .machine = wide ? ELF_MACHINE_X86_64 : ELF_MACHINE_386};
    elf.phoff = wide ? sizeof(struct elf64_header) : sizeof(struct elf32_header);
    elf.phentsize = wide ? sizeof(struct elf64_segment) : sizeof(struct elf32_segment);
    elf.phnum = 3;
    elf.segment[0] = (struct elf64_segment){.type = 1, .offset = DATA_AT, .vaddr = 0xc1000000, .paddr = MIB(16),
                                            .filesz = 0x2000,
                                            .memsz = 0x2000, .align = 0x1000};
    elf.segment[1] = (struct elf64_segment){.type = 1, .offset = DATA_AT + 0x2000, .vaddr = 0xc1002000,
                                            .paddr = MIB(16) + 0x2000,
                                            .filesz = 0x123, .memsz = 0x5000, .align = 0x1000};
    elf.segment[2] = (struct elf64_segment){.type = 4, .offset = NOTES_AT, .align = 4};
}

static void entry_note(void)
{
    add_note("Xen", PVH_NOTE_PHYS32_ENTRY, MIB(16) + 0x40, elf.wide ? 8 : 4, 4);
}

static void write_elf(u64 size)
{
    u8 *file = mem_at(FILE_AT, FILE_SIZE);
    memset(file, 0, FILE_SIZE);
    for (u32 i = 0; i < FILE_SIZE - DATA_AT; i++)
        file[DATA_AT + i] = (u8)(i * 7 + i / 256);
    if (elf.segment[2].type == 4 && !elf.segment[2].filesz)
        elf.segment[2].filesz = elf.segment[2].memsz = elf.notes_size;
    memcpy(file + NOTES_AT, elf.notes, NOTES_SIZE);
    if (elf.wide) {
        struct elf64_header h = {.ident = elf.ident, .version = 1, .entry = 0xc1000000, .phoff = elf.phoff,
                                 .ehsize = 64,
                                 .phentsize = elf.phentsize, .phnum = elf.phnum};
        memcpy(file, &h, sizeof h);
    } else {
        struct elf32_header h = {.ident = elf.ident, .version = 1, .entry = 0xc1000000, .phoff = (u32)elf.phoff,
                                 .ehsize = 52,
                                 .phentsize = elf.phentsize, .phnum = elf.phnum};
        memcpy(file, &h, sizeof h);
    }
    for (u32 i = 0; i < 4 && elf.phoff < 0x400; i++) {
        const struct elf64_segment *s = &elf.segment[i];
        struct elf32_segment narrow = {s->type, (u32)s->offset, (u32)s->vaddr, (u32)s->paddr, (u32)s->filesz,
                                       (u32)s->memsz,
                                       0, (u32)s->align};
        memcpy(file + elf.phoff + i * elf.phentsize, elf.wide ? (const void *)s : &narrow,
               elf.wide ? sizeof *s : sizeof narrow);
    }
    file_of_memory(&p.kernel, "kernel", FILE_AT, size);
    p.head_size = (u32)min_u64(size, HEAD_SIZE);
    p.head = file;
}

static enum error plan(void)
{
    write_elf(FILE_SIZE);
    enum error error = payload_pvh.recognise(p.head, p.head_size, p.kernel.size);
    return error ? error : payload_pvh.plan(&p, &space);
}

static void add_module(u64 size, const char *text)
{
    p.module_text[p.module_count] = text;
    file_of_memory(&p.module[p.module_count++], "module", MODULE_AT, size);
}

static void add_initrd(u64 size)
{
    file_of_memory(&p.initrd[p.initrd_count++], "initrd", MODULE_AT, size);
}

/* As load.c does it, where the placements are in simulated memory. */
static const struct pvh_start_info *prepare(void)
{
    u64 text = p.cmdline_address;
    memset(mem_at(text, p.record_size), 0x77, p.record_size);
    *(u8 *)mem_at(text + p.record_size, 1) = 0x77;
    check(payload_pvh.prepare(&p, &boot) == OK, "prepare");
    check(*(u8 *)mem_at(text + p.record_size, 1) == 0x77, "prepare writes what it claimed");
    return mem_at(p.record, sizeof(struct pvh_start_info));
}

static const struct placement *placement(const char *what, u32 index)
{
    for (u32 i = 0; i < p.placement_count; i++)
        if (!strcmp(p.placement[i].what, what) && !index--)
            return &p.placement[i];
    return NULL;
}

static void check_claims_are_apart(const char *name)
{
    for (u32 i = 0; i < space.count; i++)
        for (u32 n = 0; n < i; n++)
            check(!ranges_overlap(space.claim[i].base, space.claim[i].size, space.claim[n].base, space.claim[n].size),
                  name);
    for (u32 i = 0; i < p.placement_count; i++)
        if (p.placement[i].mem_size)
            check(mem_claim_find(&space, p.placement[i].dest, p.placement[i].mem_size) != NULL, name);
}

/* ---- the ELF ----------------------------------------------------------------------------------------------------- */

static void both_classes_are_loaded(void **state)
{
    (void)state;
    for (u32 wide = 0; wide < 2; wide++) {
        const char *name = wide ? "ELF64" : "ELF32";
        fresh(wide);
        entry_note();
        check(plan() == OK, name);
        check(p.mode == HANDOFF_PVH && p.entry_point == MIB(16) + 0x40 && !strcmp(p.mode_name, "pvh"), name);
        check(p.placement_count == 2, name);
        const struct placement *one = placement("kernel segment 0", 0), *two = placement("kernel segment 1", 0);
        check(one && one->dest == MIB(16) && one->file_offset == DATA_AT && one->file_size == 0x2000 &&
              one->mem_size == 0x2000, name);
        check(two && two->dest == MIB(16) + 0x2000 && two->file_size == 0x123 && two->mem_size == 0x5000, name);
        check_claims_are_apart(name);
    }
    fresh(true); /* OVMF's CloudHv image: an ELF64 for i386 */
    elf.ident.machine = ELF_MACHINE_386;
    elf.ident.type = ELF_TYPE_DYN;
    entry_note();
    check(plan() == OK, "ELF64 for i386");
}

static void others_files_are_not_ours(void **state)
{
    (void)state;
    fresh(true);
    entry_note();
    write_elf(FILE_SIZE);
    for (u32 size = 0; size < sizeof(struct elf_ident); size++)
        assert_int_equal(payload_pvh.recognise(p.head, size, size), ERR_NOT_MINE);
    p.head[3] = 'G';
    assert_int_equal(payload_pvh.recognise(p.head, p.head_size, p.kernel.size), ERR_NOT_MINE);
    assert_string_equal(error_text(), "");
}

static void broken_headers_are_told_by_field(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        u32 offset, bytes; /* of a field in struct elf */
        u64 value;
        enum error error;
        const char *says;
    } cases[] = {
#define FIELD(f) (u32)offsetof(__typeof__(elf), f), sizeof elf.f
        {"class 0", FIELD(ident.class), 0, ERR_CORRUPT, "ELF class 0 at byte 4, expected 1 or 2"},
        {"class 3", FIELD(ident.class), 3, ERR_CORRUPT, "ELF class 3 at byte 4"},
        {"big endian", FIELD(ident.data), 2, ERR_UNSUPPORTED, "ELF data encoding 2 at byte 5"},
        {"an object file", FIELD(ident.type), 1, ERR_UNSUPPORTED, "ELF type 1 at byte 16"},
        {"a core file", FIELD(ident.type), 4, ERR_UNSUPPORTED, "ELF type 4 at byte 16"},
        {"ARM", FIELD(ident.machine), 40, ERR_UNSUPPORTED, "ELF machine 40 at byte 18"},
        {"AArch64", FIELD(ident.machine), 183, ERR_UNSUPPORTED, "ELF machine 183 at byte 18"},
        {"no program headers", FIELD(phnum), 0, ERR_UNSUPPORTED, "ELF with 0 program headers, expected 1 to 128"},
        {"too many program headers", FIELD(phnum), 0xffff, ERR_UNSUPPORTED, "ELF with 65535 program headers"},
        {"program headers too small", FIELD(phentsize), 31, ERR_CORRUPT, "ELF program header size 31, expected"},
        {"program headers too big", FIELD(phentsize), 0xffff, ERR_CORRUPT, "ELF program header size 65535, expected"},
        {"program headers behind the file", FIELD(phoff), FILE_SIZE, ERR_TRUNCATED,
         "ELF program headers: truncated at 32768 of"},
        {"program headers far away", FIELD(phoff), 0xfffffff0, ERR_TRUNCATED,
         "ELF program headers: truncated at 32768 of"},
        {"segment outside the file", FIELD(segment[0].offset), FILE_SIZE - 0x1fff, ERR_TRUNCATED,
         "kernel segment 0: truncated at 32768 of 32769 bytes"},
        {"segment far outside the file", FIELD(segment[1].offset), 0xffffffff, ERR_TRUNCATED,
         "kernel segment 1: truncated at 32768 of 4294967586 bytes"},
        {"note outside the file", FIELD(segment[2].offset), FILE_SIZE - 4, ERR_TRUNCATED, "truncated at 32768 of"},
        {"segment larger in the file", FIELD(segment[0].memsz), 0x1fff, ERR_CORRUPT,
         "kernel segment 0: 8192 bytes in the file, 8191 in memory"},
        {"second segment larger in the file", FIELD(segment[1].memsz), 0x100, ERR_CORRUPT,
         "kernel segment 1: 291 bytes in the file, 256 in memory"},
        {"segment across 4 GiB", FIELD(segment[1].paddr), 0xffffc000, ERR_UNSUPPORTED,
         "kernel segment 1: 20480 bytes at ffffc000"},
        {"no segment to load", FIELD(phnum), 0, ERR_UNSUPPORTED, "program headers"},
        {"segments overlap", FIELD(segment[1].paddr), MIB(16) + 0x1000, ERR_CONFLICT,
         "kernel segment 1 [1001000,1006000) overlaps kernel segment 0 [1000000,1002000)"},
        {"over the shim", FIELD(segment[1].paddr), MIB(248) - 0x1000, ERR_CONFLICT,
         "kernel segment 1 [f7ff000,f804000) overlaps shim"},
        {"in a hole", FIELD(segment[1].paddr), GIB(1), ERR_CONFLICT, "there is no memory at 40000000"},
        {"in the legacy hole", FIELD(segment[1].paddr), 0x9e000, ERR_CONFLICT,
         "kernel segment 1 [9e000,a3000): there is no memory at 9f000"},
        {"over reserved memory", FIELD(segment[1].paddr), 0xf0000, ERR_CONFLICT,
         "overlaps reserved memory [f0000,100000)"},
        {"at 0", FIELD(segment[1].paddr), 0, ERR_CONFLICT, "there is no memory at 0"},
        {"empty segments are passed over", FIELD(segment[1].memsz), 0, OK, ""},
        {"other segments are passed over", FIELD(segment[1].type), 0x6474e551, OK, ""},
#undef FIELD
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++)
        for (u32 wide = 0; wide < 2; wide++) {
            fresh(wide);
            entry_note();
            memcpy((u8 *)&elf + cases[i].offset, &cases[i].value, cases[i].bytes);
            check(error_says(plan(), cases[i].error, cases[i].says), cases[i].name);
        }
    fresh(true);
    entry_note();
    elf.phoff = ~0ull - 7;
    check(error_says(plan(), ERR_TRUNCATED, "ELF program headers: truncated"), "program headers wrap");
    fresh(true);
    entry_note();
    elf.segment[0].offset = ~0ull - 7;
    check(error_says(plan(), ERR_TRUNCATED, "truncated at 32768 of 18446744073709551615 bytes"), "segment wraps");
    fresh(true);
    entry_note();
    elf.segment[1].paddr = ~0ull - 7;
    check(error_says(plan(), ERR_UNSUPPORTED, "expected below 4 GiB"), "address wraps");
    fresh(true);
    entry_note();
    elf.segment[1].memsz = ~0ull;
    check(error_says(plan(), ERR_UNSUPPORTED, "expected below 4 GiB"), "size wraps");
    fresh(true);
    entry_note();
    elf.segment[0].type = elf.segment[1].type = 0;
    check(error_says(plan(), ERR_CORRUPT, "ELF without a segment to load"), "nothing to load");
    for (u32 wide = 0; wide < 2; wide++) {
        fresh(wide);
        entry_note();
        u32 header = wide ? sizeof(struct elf64_header) : sizeof(struct elf32_header);
        write_elf(header - 1);
        check(error_says(payload_pvh.recognise(p.head, p.head_size, p.kernel.size), ERR_TRUNCATED, "truncated at"),
              "header");
    }
}

/* Program headers with more in them than we know, and in the middle of the file. */
static void program_headers_may_be_anywhere(void **state)
{
    (void)state;
    fresh(true);
    entry_note();
    elf.phentsize = 100;
    elf.phoff = 0x3f1;
    check(plan() == OK && p.placement_count == 2, "large program headers");
}

/* ---- notes ------------------------------------------------------------------------------------------------------- */

static void notes_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        u32 size, align, p_align;
    } cases[] = {{"4 bytes at 4", 4, 4, 4}, {"8 bytes at 4", 8, 4, 4}, {"4 bytes at 8", 4, 8, 8},
                 {"8 bytes at 8", 8, 8, 8},
                 {"8 bytes at 4, p_align 8", 8, 4, 8}, {"4 bytes at 4, p_align 8", 4, 4, 8}, {"p_align 0", 4, 4, 0},
                 {"p_align 1", 8, 4, 1}};
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++)
        for (u32 wide = 0; wide < 2; wide++)
            for (u32 place = 0; place < 3; place++) { /* alone; behind others; in front of others */
                fresh(wide);
                elf.segment[2].align = cases[i].p_align;
                for (u32 n = 0; place == 1 && n < 3; n++) {
                    add_note(n == 1 ? "Xen" : "GNU", n == 1 ? 6 : 18, 0x11223344, 5 + 4 * n, cases[i].align);
                    add_note("Linux", 257, 0, 4, cases[i].align);
                }
                add_note("Xen", 18, MIB(16) + 0x40, cases[i].size, cases[i].align);
                if (place == 2)
                    add_note("GNU", 1, 1, 8, cases[i].align);
                check(plan() == OK && p.entry_point == MIB(16) + 0x40, cases[i].name);
            }
}

static void other_notes_are_not_taken(void **state)
{
    (void)state;
    static const struct {
        const char *name, *owner;
        u32 type, size;
        u64 entry;
        enum error error;
        const char *says;
    } cases[] = {
        {"right", "Xen", 18, 4, MIB(16), OK, ""},
        {"the last byte", "Xen", 18, 4, MIB(16) + 0x6fff, OK, ""},
        {"another owner", "GNU", 18, 4, MIB(16), ERR_UNSUPPORTED, "ELF without a Xen note of type 18 (PHYS32_ENTRY)"},
        {"a longer owner", "XenX", 18, 4, MIB(16), ERR_UNSUPPORTED, "ELF without a Xen note"},
        {"another type", "Xen", 1, 4, MIB(16), ERR_UNSUPPORTED, "ELF without a Xen note"},
        {"2 bytes", "Xen", 18, 2, MIB(16), ERR_UNSUPPORTED, "ELF without a Xen note"},
        {"12 bytes", "Xen", 18, 12, MIB(16), ERR_UNSUPPORTED, "ELF without a Xen note"},
        {"empty", "Xen", 18, 0, MIB(16), ERR_UNSUPPORTED, "ELF without a Xen note"},
        {"behind the segments", "Xen", 18, 4, MIB(16) + 0x7000, ERR_CORRUPT,
         "entry point 1007000 is in no segment (they lie in [1000000,1007000))"},
        {"in front of the segments", "Xen", 18, 4, MIB(16) - 1, ERR_CORRUPT, "entry point ffffff is in no segment"},
        {"above 4 GiB", "Xen", 18, 8, GIB(4) + MIB(16), ERR_CORRUPT, "entry point 101000000 is in no segment"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        fresh(true);
        add_note(cases[i].owner, cases[i].type, cases[i].entry, cases[i].size, 4);
        check(error_says(plan(), cases[i].error, cases[i].says), cases[i].name);
    }
    fresh(true);
    check(error_says(plan(), ERR_UNSUPPORTED, "ELF without a Xen note"), "no notes");
    fresh(true);
    entry_note();
    elf.phnum = 2;
    check(error_says(plan(), ERR_UNSUPPORTED, "ELF without a Xen note"), "no note segment");
}

/* Lengths in a note that point out of the segment. */
static void broken_notes_end_the_walk(void **state)
{
    (void)state;
    static const struct {
        u32 namesz, descsz;
    } cases[] = {{0xffffffff, 4}, {4, 0xffffffff}, {0xffffffff, 0xffffffff}, {0x400, 0}, {4, 0x3f0},
                 {0xfffffffc, 0xfffffff0}};
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        fresh(true);
        struct elf_note note = {cases[i].namesz, cases[i].descsz, 18};
        memcpy(elf.notes, &note, sizeof note);
        elf.notes_size = sizeof note;
        entry_note();
        check(error_says(plan(), ERR_UNSUPPORTED, "ELF without a Xen note"), "lengths");
    }
    for (u32 cut = 1; cut < 24; cut++) {
        fresh(true);
        entry_note();
        elf.segment[2].filesz = elf.notes_size - cut;
        check(error_says(plan(), ERR_UNSUPPORTED, "ELF without a Xen note"), "cut");
    }
}

static void kernels_with_a_relocation_note_are_moved(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        u32 words, align, low, high; /* of the note; words 99: no note */
        u64 p_align;
        u64 taken, taken_size;
        enum error error;
        u64 base;
    } cases[] = {
        {"not in the way", 3, MIB(2), MIB(16), 0x3fffffff, 0x1000, MIB(64), MIB(1), OK, MIB(16)},
        {"no note", 99, 0, 0, 0, 0x1000, MIB(16), MIB(1), ERR_CONFLICT, 0},
        {"three words", 3, MIB(2), MIB(16), 0x3fffffff, 0x1000, MIB(16), MIB(1), OK, MIB(18)},
        {"aligned", 3, MIB(16), MIB(16), 0x3fffffff, 0x1000, MIB(16), MIB(1), OK, MIB(32)},
        {"two words", 2, MIB(2), MIB(16), 0, 0x1000, MIB(16), MIB(1), OK, MIB(18)},
        {"low", 3, MIB(2), MIB(100), 0x3fffffff, 0x1000, MIB(16), MIB(1), OK, MIB(100)},
        {"one word", 1, MIB(4), 0, 0, 0x1000, MIB(16), MIB(1), OK, MIB(4)},
        {"no word: 2 MiB", 0, 0, 0, 0, 0, MIB(16), MIB(1), OK, MIB(2)},
        {"no word: p_align", 0, 0, 0, 0, 0x10000, MIB(16), MIB(1), OK, 0x10000},
        {"p_align less than a page", 0, 0, 0, 0, 0x800, MIB(16), MIB(1), OK, MIB(2)},
        {"align of nonsense", 3, 0x300000, MIB(16), 0x3fffffff, 0x1000, MIB(16), MIB(1), ERR_CONFLICT, 0},
        {"no room below max", 3, MIB(2), MIB(16), (u32)MIB(18) + 0x6ffe, 0x1000, MIB(16), MIB(1), ERR_NO_MEMORY, 0},
        {"just room below max", 3, MIB(2), MIB(16), (u32)MIB(18) + 0x6fff, 0x1000, MIB(16), MIB(1), OK, MIB(18)},
        {"backwards", 3, MIB(2), 0x3fffffff, MIB(16), 0x1000, MIB(16), MIB(1), ERR_NO_MEMORY, 0},
        {"max 4 GiB", 3, MIB(2), MIB(16), 0xffffffff, 0x1000, MIB(16), MIB(1), OK, MIB(18)},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++)
        for (u32 behind = 0; behind < 2; behind++) {
            fresh(true);
            elf.segment[0].align = elf.segment[1].align = cases[i].p_align;
            if (behind)
                entry_note();
            if (cases[i].words != 99)
                add_reloc_note(cases[i].words, cases[i].align, cases[i].low, cases[i].high);
            if (!behind)
                entry_note();
            mem_claim_force(&space, cases[i].taken, cases[i].taken_size, "other");
            check(error_says(plan(), cases[i].error, "kernel"), cases[i].name);
            if (cases[i].error)
                continue;
            check(placement("kernel segment 0", 0)->dest == cases[i].base, cases[i].name);
            check(placement("kernel segment 1", 0)->dest == cases[i].base + 0x2000, cases[i].name);
            check(p.placement_count == 2 && p.entry_point == cases[i].base + 0x40, cases[i].name);
            check_claims_are_apart(cases[i].name);
        }
}

/* ---- modules, start_info ----------------------------------------------------------------------------------------- */

static void start_info_is_complete(void **state)
{
    (void)state;
    fresh(true);
    entry_note();
    boot.rsdp = 0xf5a10;
    add_module(5000, "first one");
    add_module(0, "");
    add_initrd(1001);
    add_initrd(17);
    check(plan() == OK, "start_info");
    check_claims_are_apart("start_info");
    const struct pvh_start_info *info = prepare();
    check(info->magic == PVH_MAGIC && info->version == 1 && !info->flags && info->rsdp_paddr == 0xf5a10, "start_info");
    check(!strcmp(mem_at(info->cmdline_paddr, 4), "a=b"), "cmdline");
    check(info->nr_modules == 3 && info->memmap_entries == 3 && !info->reserved, "counts");
    /* the real bug: a list of modules that the map was written over */
    u64 list_size = info->nr_modules * sizeof(struct pvh_modlist_entry);
    u64 map_size = info->memmap_entries * sizeof(struct pvh_memmap_entry);
    check(!ranges_overlap(info->modlist_paddr, list_size, info->memmap_paddr, map_size), "tables overlap");
    check(!ranges_overlap(info->modlist_paddr, list_size, p.record, sizeof *info), "tables overlap");
    check(!ranges_overlap(info->memmap_paddr, map_size, p.record, sizeof *info), "tables overlap");
    const struct pvh_modlist_entry *m = mem_at(info->modlist_paddr, list_size);
    check(m[0].size == 5000 && m[0].paddr == placement("module", 0)->dest &&
          !strcmp(mem_at(m[0].cmdline_paddr, 10), "first one"), "module 0");
    check(m[1].size == 0 && !m[1].cmdline_paddr && m[1].paddr, "module 1");
    check(m[2].size == 1004 + 17 && m[2].paddr == placement("initrd", 0)->dest && !m[2].cmdline_paddr, "initrd");
    check(placement("initrd", 1)->dest == m[2].paddr + 1004, "initrd");
    check(m[0].paddr % PAGE_SIZE == 0 && m[2].paddr % PAGE_SIZE == 0 && m[0].paddr + 5000 <= GIB(4), "modules");
    const struct pvh_memmap_entry *e = mem_at(info->memmap_paddr, map_size);
    for (u32 i = 0; i < 3; i++)
        check(e[i].addr == boot.memory.range[i].base && e[i].size == boot.memory.range[i].size &&
              e[i].type == boot.memory.range[i].type && !e[i].reserved, "memory map");
}

static void start_info_without_anything(void **state)
{
    (void)state;
    fresh(false);
    entry_note();
    p.cmdline = "";
    check(plan() == OK, "empty");
    const struct pvh_start_info *info = prepare();
    check(!info->nr_modules && !info->modlist_paddr && !info->rsdp_paddr, "empty");
    check(info->cmdline_paddr && !*(const char *)mem_at(info->cmdline_paddr, 1), "cmdline is never NULL");
}

static void the_record_finds_a_place(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        u64 taken[2][2];
        u64 at; /* 0: nowhere */
    } cases[] = {
        {"low memory", {{0, 0}}, 0x20000},
        {"low memory, in part", {{0x10000, 0x15000}}, 0x25000},
        {"behind the kernel, a page apart", {{0x1000, 0x9e000}}, MIB(16) + 0x8000},
        {"behind what is behind the kernel", {{0x1000, 0x9e000}, {MIB(16) + 0x8000, MIB(1)}}, MIB(17) + 0x8000},
        {"nowhere", {{0x1000, 0x9e000}, {MIB(16) + 0x8000, MIB(232) - 0x8000}}, 0},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        fresh(true);
        entry_note();
        for (u32 n = 0; n < 2; n++)
            mem_claim_force(&space, cases[i].taken[n][0], cases[i].taken[n][1], "other");
        enum error error = plan();
        check(error_says(error, cases[i].at ? OK : ERR_NO_MEMORY, "start_info: no 1 KiB"), cases[i].name);
        if (!error)
            check(p.cmdline_address == cases[i].at && p.record > cases[i].at && p.record % 16 == 0, cases[i].name);
    }
}

/* Linux takes 127 entries: what is lost is what matters least, and nothing becomes usable. */
static void long_maps_are_condensed(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        u32 count, period; /* every period-th range is usable */
        u32 gap;           /* bytes between */
    } cases[] = {{"127", 127, 2, 0x1000}, {"128", 128, 2, 0x1000}, {"usable and reserved in turns", 500, 2, 0},
                 {"all apart", 512, 2, 0x1000}, {"few usable", 512, 16, 0}, {"few usable, apart", 512, 16, 0x1000},
                 {"none usable", 512, 1000, 0x1000}};
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        fresh(true);
        entry_note();
        u64 at = MIB(256), big = mem_map_total(&boot.memory);
        for (u32 n = 0; boot.memory.count < cases[i].count; n++) {
            u32 type = n % cases[i].period == cases[i].period - 1 ? MEM_USABLE : n % 2 ? MEM_ACPI : MEM_RESERVED;
            mem_map_add(&boot.memory, at, 0x2000, type);
            at += 0x2000 + cases[i].gap;
        }
        check(plan() == OK, cases[i].name);
        const struct pvh_start_info *info = prepare();
        const struct pvh_memmap_entry *e = mem_at(info->memmap_paddr, info->memmap_entries * sizeof *e);
        check(info->memmap_entries >= 126 && info->memmap_entries <= 127, cases[i].name);
        u64 usable = 0, end = 0;
        for (u32 n = 0; n < info->memmap_entries; n++) {
            check(e[n].addr >= end && e[n].size, cases[i].name);
            end = e[n].addr + e[n].size;
            if (e[n].type == MEM_USABLE) {
                check(mem_map_usable(&boot.memory, e[n].addr, e[n].size), cases[i].name);
                usable += e[n].size;
            }
        }
        check(usable >= big, cases[i].name);
    }
}

static void files_that_do_not_fit_are_named(void **state)
{
    (void)state;
    fresh(true);
    entry_note();
    add_module(MIB(240), "");
    check(error_says(plan(), ERR_NO_MEMORY, "module: no 245760 KiB of free memory"), "module");
    fresh(true);
    entry_note();
    add_initrd(GIB(4) + 1);
    check(error_says(plan(), ERR_RANGE, "initrd: 4294967297 bytes, expected less than 4 GiB"), "initrd");
    fresh(true);
    entry_note();
    add_initrd(~0ull);
    check(error_says(plan(), ERR_RANGE, "initrd: 18446744073709551615 bytes"), "initrd");
    fresh(true);
    entry_note();
    for (u32 i = 0; i < ENTRY_FILES_MAX; i++) {
        add_module(10, "text");
        add_initrd(10);
    }
    check(plan() == OK && prepare()->nr_modules == ENTRY_FILES_MAX + 1, "as many as an entry may have");
    check_claims_are_apart("as many as an entry may have");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_classes_are_loaded),
        cmocka_unit_test(others_files_are_not_ours),
        cmocka_unit_test(broken_headers_are_told_by_field),
        cmocka_unit_test(program_headers_may_be_anywhere),
        cmocka_unit_test(notes_are_found),
        cmocka_unit_test(other_notes_are_not_taken),
        cmocka_unit_test(broken_notes_end_the_walk),
        cmocka_unit_test(kernels_with_a_relocation_note_are_moved),
        cmocka_unit_test(start_info_is_complete),
        cmocka_unit_test(start_info_without_anything),
        cmocka_unit_test(the_record_finds_a_place),
        cmocka_unit_test(long_maps_are_condensed),
        cmocka_unit_test(files_that_do_not_fit_are_named),
    };
    return cmocka_run_group_tests_name("payload_pvh", tests, NULL, NULL);
}
