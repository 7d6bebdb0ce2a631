/* entry_multiboot1.c: multiboot information → boot_info (Multiboot Specification 0.6.96 §3.3).
 *
 * The flags decide everything: v86 gives little more than a memory map, crosvm no modules, GRUB on UEFI no RSDP.
 * Exercise: tests/unit/test_boot_info.c, tests/fuzz/fuzz_multiboot.c.
 */
#include "boot_info.h"
#include "multiboot1.h"
#include "print.h"

#define MMAP_BYTES_MAX KIB(256)
#define CROSVM_ZERO_PAGE 0x7000u /* crosvm tells of the initrd only in a Linux zero page it writes anyway */
#define ZERO_PAGE_RAMDISK 0x218u

static void read_strings(struct boot_info *boot, const struct mb_info *info)
{
    if (info->flags & MB_LOADER_NAME) {
        boot->loader = boot_string(info->loader_name, 256);
        boot_record_add(boot, info->loader_name, strlen(boot->loader) + 1);
    }
    if (info->flags & MB_CMDLINE) {
        boot->cmdline = boot_string(info->cmdline, STRING_MAX);
        boot_record_add(boot, info->cmdline, strlen(boot->cmdline) + 1);
        boot->cmdline = boot_text_behind_name(boot->loader, boot->cmdline);
    }
}

static void read_memory_map(struct boot_info *boot, const struct mb_info *info)
{
    u64 at = info->mmap_addr, end = at + info->mmap_length;
    if (info->mmap_length > MMAP_BYTES_MAX || end > GIB(4)) {
        boot->problem = "multiboot memory map of an impossible length";
        end = min_u64(at + MMAP_BYTES_MAX, GIB(4));
    }
    boot_record_add(boot, at, end - at);
    while (at + sizeof(struct mb_mmap_entry) <= end) {
        const struct mb_mmap_entry *entry = mem_at(at, sizeof *entry);
        if (entry->size < sizeof *entry - sizeof entry->size) {
            boot->problem = "multiboot memory map entry shorter than 20 bytes: the rest is left out";
            return;
        }
        mem_map_add(&boot->memory, entry->base, entry->length, entry->type);
        at += (u64)entry->size + sizeof entry->size;
    }
}

static void read_memory(struct boot_info *boot, const struct mb_info *info)
{
    if (info->flags & MB_MEMORY_MAP)
        read_memory_map(boot, info);
    if (boot->memory.count)
        return;
    if (!(info->flags & MB_MEMORY)) {
        boot->problem = "multiboot information without any memory size";
        return;
    }
    mem_map_add(&boot->memory, 0, KIB(min_u64(info->mem_lower, 640)), MEM_USABLE);
    mem_map_add(&boot->memory, MIB(1), KIB(info->mem_upper), MEM_USABLE);
}

static void read_modules(struct boot_info *boot, const struct mb_info *info)
{
    u32 count = (u32)min_u64(info->mods_count, MODULES_MAX + 1); /* one more tells that it is too many */
    if (!(info->flags & MB_MODULES) || !count)
        return;
    if (!info->mods_addr || !fits(info->mods_addr, (u64)count * sizeof(struct mb_module), GIB(4))) {
        boot->problem = "multiboot module list above 4 GiB";
        return;
    }
    const struct mb_module *module = mem_at(info->mods_addr, (u64)count * sizeof *module);
    boot_record_add(boot, info->mods_addr, (u64)count * sizeof *module);
    for (; count--; module++)
        if (module->end > module->start)
            boot_module_add(boot, module->start, module->end - module->start, module->string);
}

static void read_crosvm_initrd(struct boot_info *boot)
{
    if (strcmp(boot->loader, "crosvm") || boot->module_count)
        return;
    const struct PACKED {
        u32 image, size;
    } *ramdisk = mem_at(CROSVM_ZERO_PAGE + ZERO_PAGE_RAMDISK, sizeof *ramdisk);
    if (ramdisk->image && ramdisk->size)
        boot_module_add(boot, ramdisk->image, ramdisk->size, 0);
}

static void read_framebuffer(struct boot_info *boot, const struct mb_info *info)
{
    u8 depth = info->framebuffer_bpp;
    bool known_depth = depth == 15 || depth == 16 || depth == 24 || depth == 32;
    u64 bytes = (u64)info->framebuffer_pitch * info->framebuffer_height;
    u64 row = (u64)info->framebuffer_width * ((depth + 7u) / 8);
    if (!(info->flags & MB_FRAMEBUFFER) || info->framebuffer_type != MB_FRAMEBUFFER_RGB || !known_depth || !row ||
        !bytes || row > info->framebuffer_pitch || info->framebuffer_addr > ~bytes)
        return;
    const u8 *colours = (const u8 *)info + offsetof(struct mb_info, red_position);
    if (!colours[1]) /* padding of GRUB's, whose union is aligned; Limine keeps to the specification */
        colours += 2;
    boot->framebuffer = (struct framebuffer){
        .base = info->framebuffer_addr,
        .width = info->framebuffer_width,
        .height = info->framebuffer_height,
        .pitch = info->framebuffer_pitch,
        .depth = depth,
        .red_position = colours[0],
        .red_size = colours[1],
        .green_position = colours[2],
        .green_size = colours[3],
        .blue_position = colours[4],
        .blue_size = colours[5],
    };
}

static enum error multiboot1_read(struct boot_info *boot, u64 record)
{
    /* The magic is in EAX only, which is not looked at; a record whose flags are impossible is another thing. */
    if (!record || !fits(record, sizeof(struct mb_info), GIB(4)))
        return fail(ERR_CORRUPT, "multiboot information at %lx, expected an address below 4 GiB", record);
    const struct mb_info *info = mem_at(record, sizeof *info);
    boot_record_add(boot, record, sizeof *info);
    read_strings(boot, info);
    read_memory(boot, info);
    read_modules(boot, info);
    read_crosvm_initrd(boot);
    read_framebuffer(boot, info);
    if (info->flags & MB_BOOT_DEVICE)
        boot->boot_device = info->boot_device;
    return OK;
}

const struct entry_protocol entry_multiboot1 = {"multiboot", DOOR_MULTIBOOT, multiboot1_read};
