/* multiboot1.h: wire layouts of the Multiboot Specification 0.6.96, §3.3 (boot information). */
#ifndef SHIM_MULTIBOOT1_H
#define SHIM_MULTIBOOT1_H

#include "base.h"

/* Which fields of the record hold something. */
enum {
    MB_MEMORY = 1 << 0,
    MB_BOOT_DEVICE = 1 << 1,
    MB_CMDLINE = 1 << 2,
    MB_MODULES = 1 << 3,
    MB_MEMORY_MAP = 1 << 6,
    MB_LOADER_NAME = 1 << 9,
    MB_FRAMEBUFFER = 1 << 12,
};

struct PACKED mb_info {
    u32 flags, mem_lower, mem_upper; /* KiB below 1 MiB, from 1 MiB on */
    u32 boot_device, cmdline, mods_count, mods_addr;
    u32 symbols[4];
    u32 mmap_length, mmap_addr;
    u32 drives_length, drives_addr, config_table, loader_name, apm_table;
    u32 vbe_control_info, vbe_mode_info;
    u16 vbe_mode, vbe_interface_seg, vbe_interface_off, vbe_interface_len;
    u64 framebuffer_addr;
    u32 framebuffer_pitch, framebuffer_width, framebuffer_height;
    u8 framebuffer_bpp, framebuffer_type;
    u8 red_position, red_size, green_position, green_size, blue_position, blue_size;
    u8 behind[2]; /* GRUB's own header aligns the colours to 4 bytes: they begin at red_position + 2 */
};
_Static_assert(sizeof(struct mb_info) == 118, "multiboot information");
_Static_assert(offsetof(struct mb_info, mmap_length) == 44, "multiboot mmap_length");
_Static_assert(offsetof(struct mb_info, loader_name) == 64, "multiboot boot_loader_name");
_Static_assert(offsetof(struct mb_info, framebuffer_addr) == 88, "multiboot framebuffer_addr");
_Static_assert(offsetof(struct mb_info, red_position) == 110, "multiboot color_info");

#define MB_FRAMEBUFFER_RGB 1

struct PACKED mb_module {
    u32 start, end, string, reserved;
};

/* `size` does not count itself and may be larger than what is shown here. */
struct PACKED mb_mmap_entry {
    u32 size;
    u64 base, length;
    u32 type;
};
_Static_assert(sizeof(struct mb_mmap_entry) == 24, "multiboot mmap entry");

#endif
