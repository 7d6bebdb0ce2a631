/* uki.c: unified kernel images (UAPI.5, 2025) taken apart: PE/COFF 8.3 headers, then the sections' places in the file.
 *
 * `.profile` opens a profile; what is in front of the first all of them share. Left out: signatures, measuring, `.dtb`,
 * `.splash`, `.sbat`, `.pcrsig`. Exercise: tests/unit/test_uki.c, tests/fuzz/fuzz_uki.c.
 */
#include "uki.h"
#include "memory.h"
#include "print.h"

#define DOS_HEADER_SIZE 64u
#define DOS_PE_OFFSET 0x3cu
#define PE_MACHINE_X64 0x8664u
#define SECTIONS_MAX 512u /* Windows takes 96; an image of many profiles has more */
#define TEXT_MAX KIB(64)  /* COMMAND_LINE_SIZE of x86-64 is 2 KiB */

struct PACKED pe_header {
    u8 signature[4];
    u16 machine, section_count;
    u32 time, symbols, symbol_count;
    u16 optional_size, flags;
};
_Static_assert(sizeof(struct pe_header) == 24, "PE signature and COFF file header, PE/COFF §3.3");

struct PACKED pe_section {
    char name[8];
    u32 virtual_size, address, file_size, file_offset, others[3], flags;
};
_Static_assert(sizeof(struct pe_section) == 40 && offsetof(struct pe_section, file_offset) == 20, "PE/COFF §4");

/* By the order of part_of(). */
static const char names[][9] = {".linux", ".ucode", ".initrd", ".cmdline", ".osrel", ".uname", ".profile"};
#define PARTS ARRAY_COUNT(names)

static struct file *part_of(struct uki *uki, u32 i)
{
    struct file *parts[PARTS] = {&uki->kernel, &uki->microcode, &uki->initrd, &uki->cmdline, &uki->osrel, &uki->uname,
                                 &uki->profile};
    return parts[i];
}

static struct text name_of(const struct pe_section *section)
{
    struct text name = {section->name, 0};
    while (name.len < sizeof section->name && section->name[name.len])
        name.len++;
    return name;
}

/* VirtualSize is what was put into the section, SizeOfRawData that filled up to the file's alignment; or less, and then
 * the rest would be zeros: neither is text or an archive. */
static enum error take_part(const struct file *file, const struct pe_section *section, u32 i, struct file *part)
{
    const char *name = format_copy("%s: %s", file->path, names[i]);
    if (!name)
        return ERR_NO_MEMORY;
    return file_part(file, section->file_offset, min_u64(section->virtual_size, section->file_size), name, part);
}

static enum error take_sections(const struct file *file, const struct pe_section *section, u32 count, u32 wanted,
                                struct uki *uki)
{
    u32 have = 0, profiles = 0; /* have: parts of the profile that is being read, a bit each */
    for (u32 s = 0; s < count; s++) {
        struct text name = name_of(&section[s]);
        if (text_equal(name, ".profile")) {
            profiles++;
            have = 0; /* what a profile has goes before what all of them have */
        }
        for (u32 i = 0; i < PARTS && (!profiles || profiles == wanted + 1); i++) {
            if (!text_equal(name, names[i]) || have >> i & 1 || !section[s].virtual_size)
                continue;
            enum error error = take_part(file, &section[s], i, part_of(uki, i));
            if (error)
                return error;
            have |= 1u << i;
        }
    }
    return wanted && profiles <= wanted ? ERR_NOT_MINE : OK;
}

/* The PE header, when there is one: else ERR_NOT_MINE. */
static enum error read_header(const struct file *file, struct pe_header *pe, u64 *end)
{
    u8 dos[DOS_HEADER_SIZE];
    if (file->size < sizeof dos)
        return ERR_NOT_MINE;
    enum error error = file_read(file, 0, sizeof dos, dos);
    if (error)
        return error;
    u64 at = load_le(dos + DOS_PE_OFFSET, 4);
    if (dos[0] != 'M' || dos[1] != 'Z' || !fits(at, sizeof *pe, file->size))
        return ERR_NOT_MINE;
    error = file_read(file, at, sizeof *pe, pe);
    if (!error && memcmp(pe->signature, "PE\0", 4))
        return ERR_NOT_MINE;
    *end = at + sizeof *pe;
    return error;
}

static enum error read_sections(const struct file *file, u32 profile, struct uki *uki, u16 *machine)
{
    struct pe_header pe;
    u64 end = 0;
    enum error error = read_header(file, &pe, &end);
    if (error)
        return error;
    *machine = pe.machine;
    if (pe.section_count > SECTIONS_MAX)
        return fail(ERR_UNSUPPORTED, "%s: a PE file of %u sections, expected at most %u", file->path,
                    pe.section_count, SECTIONS_MAX);
    u64 mark = arena_mark(), size = pe.section_count * sizeof(struct pe_section);
    struct pe_section *sections = arena_reserve(size + 1, 16);
    if (!sections)
        return ERR_NO_MEMORY;
    error = file_read(file, end + pe.optional_size, size, sections);
    bool mine = error != OK; /* a table that cannot be read is told */
    for (u32 i = 0; !error && i < pe.section_count; i++)
        mine |= text_equal(name_of(&sections[i]), names[0]);
    if (!mine) {
        arena_release(mark);
        return ERR_NOT_MINE;
    }
    return error ? error : take_sections(file, sections, pe.section_count, profile, uki);
}

enum error uki_open(const struct file *file, u32 profile, struct uki *uki)
{
    struct uki found = {0};
    u16 machine = 0;
    enum error error = read_sections(file, profile, &found, &machine);
    if (error)
        return error;
    if (machine != PE_MACHINE_X64)
        return fail(ERR_UNSUPPORTED, "%s: a unified kernel image for machine %04x, expected %04x (x86-64)",
                    file->path, machine, PE_MACHINE_X64);
    if (!found.kernel.size)
        return fail(ERR_CORRUPT, "%s: its .linux section is empty", file->path);
    *uki = found;
    return OK;
}

enum error uki_text(const struct file *part, struct text *text)
{
    char *bytes = NULL;
    u32 size = 0;
    enum error error = part->size ? file_read_all(part, TEXT_MAX, &bytes, &size) : OK;
    if (error)
        return error;
    u32 len = 0;
    while (len < size && bytes[len])
        len++;
    *text = (struct text){bytes ? bytes : "", len};
    return OK;
}

enum error uki_cmdline(const struct uki *uki, struct text *options)
{
    struct text text = {0};
    enum error error = uki_text(&uki->cmdline, &text);
    if (error)
        return error;
    /* As sd-stub does: the section often ends in a newline, and is made of several lines. */
    char *bytes = (char *)text.at;
    for (u32 i = 0; i < text.len; i++)
        if ((u8)bytes[i] < 0x20 || bytes[i] == 0x7f)
            bytes[i] = ' ';
    *options = text_trim(text);
    return OK;
}
