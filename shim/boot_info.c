/* boot_info.c: one record whatever the door (boot_info.h): what is the same for all doors, and the search for the RSDP.
 *
 * Exercise: tests/unit/test_boot_info.c, tests/fuzz/fuzz_multiboot.c, tests/fuzz/fuzz_start_info.c.
 */
#include "boot_info.h"
#include "config.h"
#include "print.h"
#include "tables.h"

#define EBDA_SEGMENT 0x40e /* BIOS data area: segment of the extended BIOS data area */
#define BIOS_AREA 0xe0000u
#define BIOS_AREA_END 0x100000u
#define RSDP_V1_SIZE 20u
#define RSDP_SCAN_MAX MIB(16) /* of all memory of ACPI type */

/* "RSD PTR " as a number: one compare per 16 bytes. */
#define RSDP_SIGNATURE 0x2052545020445352ull

static const char *const no_string = "";

const char *boot_string(u64 paddr, u32 max)
{
    if (!paddr || paddr >= GIB(4))
        return no_string;
    u64 room = min_u64(max, GIB(4) - paddr);
    const char *s = mem_at(paddr, room);
    for (u32 n = 0; n < room; n++) {
        u8 c = (u8)s[n];
        if (!c) {
            char *copy = text_copy((struct text){s, n});
            return copy ? copy : no_string;
        }
        if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f)
            return no_string;
    }
    return no_string;
}

void boot_record_add(struct boot_info *boot, u64 base, u64 size)
{
    if (base && size && fits(base, size, GIB(4)) && boot->record_count < ARRAY_COUNT(boot->record))
        boot->record[boot->record_count++] = (struct mem_range){.base = base, .size = size, .owner = "boot record"};
}

void boot_module_add(struct boot_info *boot, u64 base, u64 size, u64 text_paddr)
{
    if (!size || size > ~0ull - base)
        return;
    if (boot->module_count == MODULES_MAX) {
        boot->problem = "more than 64 modules: the rest is left out";
        return;
    }
    struct module *module = &boot->module[boot->module_count++];
    *module = (struct module){.base = base, .size = size, .text = boot_string(text_paddr, PAGE_SIZE)};
    if (module->text[0])
        boot_record_add(boot, text_paddr, strlen(module->text) + 1);
}

const char *boot_text_behind_name(const char *loader, const char *text)
{
    static const char *const naming[] = {"qemu", "iPXE", "SYSLINUX", "ISOLINUX", "PXELINUX", "EXTLINUX"};
    bool named = false;
    for (u32 i = 0; i < ARRAY_COUNT(naming); i++)
        named |= text_starts(text_of(loader), naming[i]);
    while (named && *text && *text != ' ')
        text++;
    while (named && *text == ' ')
        text++;
    return text;
}

u64 rsdp_scan(u64 base, u64 size)
{
    u64 at = align_up(base, 16);
    if (size > GIB(4) || !fits(base, size, GIB(4)))
        return 0;
    for (; at + RSDP_V1_SIZE <= base + size; at += 16) {
        const struct PACKED {
            u64 signature;
        } *head = mem_at(at, RSDP_V1_SIZE);
        if (head->signature != RSDP_SIGNATURE)
            continue;
        const u8 *bytes = (const u8 *)head;
        u8 sum = 0;
        for (u32 i = 0; i < RSDP_V1_SIZE; i++)
            sum = (u8)(sum + bytes[i]);
        if (!sum)
            return at;
    }
    return 0;
}

static u64 rsdp_search(const struct boot_info *boot)
{
    const struct PACKED {
        u16 segment;
    } *ebda = mem_at(EBDA_SEGMENT, sizeof *ebda);
    u64 at = ebda->segment >= 0x400 ? rsdp_scan((u64)ebda->segment << 4, KIB(1)) : 0;
    if (!at)
        at = rsdp_scan(BIOS_AREA, BIOS_AREA_END - BIOS_AREA);
    /* UEFI firmware keeps it in memory of ACPI type, and GRUB's multiboot does not tell. */
    static const u32 types[] = {MEM_ACPI, MEM_NVS};
    u64 left = RSDP_SCAN_MAX;
    for (u32 t = 0; t < ARRAY_COUNT(types) && !at; t++)
        for (u32 i = 0; i < boot->memory.count && !at; i++) {
            const struct mem_range *r = &boot->memory.range[i];
            u64 size = min_u64(r->size, left);
            if (r->type != types[t])
                continue;
            at = rsdp_scan(r->base, size);
            left -= size;
        }
    return at;
}

/* The entry protocol of a door; the first one for a door that nobody knows. */
static const struct entry_protocol *protocol_of(u32 door)
{
    u32 i = 0;
    while (entry_protocols[i + 1] && entry_protocols[i]->door != door)
        i++;
    return entry_protocols[i];
}

void boot_record_read(struct boot_info *boot, u32 door, u64 record)
{
    const struct entry_protocol *protocol = protocol_of(door);
    memset(boot, 0, sizeof *boot);
    boot->door = protocol->name;
    boot->loader = boot->cmdline = no_string;
    boot->boot_device = 0xffffffffu;
    if (protocol->read(boot, record)) {
        boot->problem = format_copy("%s", error_text());
        if (!boot->problem)
            boot->problem = "the boot record cannot be read";
        error_clear();
    }
    mem_map_cut_usable(&boot->memory, 0, PAGE_SIZE);
    mem_map_cut_usable(&boot->memory, 0xa0000, 0x60000);
}

void boot_info_read(struct boot_info *boot, u32 door, u64 record)
{
    boot_record_read(boot, door, record);
    if (!boot->rsdp)
        boot->rsdp = rsdp_search(boot);
    struct text given = argument_find(boot->cmdline, "rsdp");
    if (!boot->rsdp && given.len && !text_number(given, &boot->rsdp))
        boot->rsdp = 0;
}
