/* linux_boot.h: the Linux/x86 boot protocol's setup header and zero page.
 *
 * Source: Linux Documentation/arch/x86/boot.rst (protocol 2.15) and zero-page.rst,
 * arch/x86/include/uapi/asm/bootparam.h, include/uapi/linux/screen_info.h.
 */
#ifndef SHIM_LINUX_BOOT_H
#define SHIM_LINUX_BOOT_H

#include "base.h"

#define LINUX_HEADER_AT 0x1f1u      /* in the file and in the zero page */
#define LINUX_HEADER_LENGTH_AT 0x201u /* byte: the header ends at 202h + this */
#define LINUX_HEADER_END_MAX 0x290u /* where the zero page goes on with other things */
#define LINUX_BOOT_FLAG 0xaa55u
#define LINUX_E820_MAX 128u

/* loadflags */
enum { LINUX_LOADED_HIGH = 0x01, LINUX_KEEP_SEGMENTS = 0x40, LINUX_CAN_USE_HEAP = 0x80 };

/* xloadflags, from 2.12 on */
enum { XLF_KERNEL_64 = 1, XLF_CAN_BE_LOADED_ABOVE_4G = 2 };

struct PACKED linux_header {
    u8 setup_sects;
    u16 root_flags;
    u32 syssize; /* of the protected-mode part, in 16 bytes; before 2.04 only its lower half is valid */
    u16 ram_size, vid_mode, root_dev, boot_flag, jump;
    u32 header;
    u16 version;
    u32 realmode_swtch;
    u16 start_sys_seg, kernel_version;
    u8 type_of_loader, loadflags;
    u16 setup_move_size;
    u32 code32_start, ramdisk_image, ramdisk_size, bootsect_kludge;
    u16 heap_end_ptr;
    u8 ext_loader_ver, ext_loader_type;
    u32 cmd_line_ptr;
    u32 initrd_addr_max;  /* 2.03 */
    u32 kernel_alignment; /* 2.05 */
    u8 relocatable_kernel;
    u8 min_alignment; /* 2.10 */
    u16 xloadflags;   /* 2.12 */
    u32 cmdline_size; /* 2.06 */
    u32 hardware_subarch;
    u64 hardware_subarch_data;
    u32 payload_offset, payload_length;
    u64 setup_data;   /* 2.09 */
    u64 pref_address; /* 2.10 */
    u32 init_size;
    u32 handover_offset, kernel_info_offset;
};
_Static_assert(LINUX_HEADER_AT + offsetof(struct linux_header, boot_flag) == 0x1fe, "boot_flag");
_Static_assert(LINUX_HEADER_AT + offsetof(struct linux_header, version) == 0x206, "version");
_Static_assert(LINUX_HEADER_AT + offsetof(struct linux_header, code32_start) == 0x214, "code32_start");
_Static_assert(LINUX_HEADER_AT + offsetof(struct linux_header, initrd_addr_max) == 0x22c, "initrd_addr_max");
_Static_assert(LINUX_HEADER_AT + offsetof(struct linux_header, cmdline_size) == 0x238, "cmdline_size");
_Static_assert(LINUX_HEADER_AT + offsetof(struct linux_header, setup_data) == 0x250, "setup_data");
_Static_assert(LINUX_HEADER_AT + sizeof(struct linux_header) == 0x26c, "end of 2.15");

struct PACKED linux_e820_entry {
    u64 base, size;
    u32 type;
};

/* struct screen_info */
struct PACKED linux_screen {
    u8 orig_x, orig_y;
    u16 ext_mem_k, orig_video_page;
    u8 orig_video_mode, orig_video_cols, flags, unused2;
    u16 orig_video_ega_bx, unused3;
    u8 orig_video_lines, orig_video_is_vga;
    u16 orig_video_points;
    u16 lfb_width, lfb_height, lfb_depth;
    u32 lfb_base, lfb_size; /* size in 64 KiB for VIDEO_TYPE_VLFB */
    u16 cl_magic, cl_offset, lfb_linelength;
    u8 red_size, red_pos, green_size, green_pos, blue_size, blue_pos, rsvd_size, rsvd_pos;
    u16 vesapm_seg, vesapm_off, pages, vesa_attributes;
    u32 capabilities, ext_lfb_base;
    u8 reserved[2];
};
_Static_assert(sizeof(struct linux_screen) == 64, "screen_info");

#define LINUX_VIDEO_VGA 1          /* orig_video_is_vga: VGA text */
#define LINUX_VIDEO_VLFB 0x23      /* a linear framebuffer */
#define LINUX_SCREEN_64BIT_BASE 2u /* capabilities */

/* struct boot_params */
struct PACKED linux_zero_page {
    struct linux_screen screen;
    u8 pad1[0x70 - 0x40];
    u64 acpi_rsdp_addr; /* 070h, 2.14 */
    u8 pad2[0xc0 - 0x78];
    u32 ext_ramdisk_image, ext_ramdisk_size, ext_cmd_line_ptr;
    u8 pad3[0x1e0 - 0xcc];
    u32 alt_mem_k;
    u8 pad4[4];
    u8 e820_entries;
    u8 pad5[0x1f1 - 0x1e9];
    struct linux_header header;
    u8 pad6[0x2d0 - 0x26c];
    struct linux_e820_entry e820[LINUX_E820_MAX];
    u8 pad7[0x1000 - 0x2d0 - LINUX_E820_MAX * 20];
};
_Static_assert(offsetof(struct linux_zero_page, e820_entries) == 0x1e8, "e820_entries");
_Static_assert(offsetof(struct linux_zero_page, header) == LINUX_HEADER_AT, "header");
_Static_assert(offsetof(struct linux_zero_page, e820) == 0x2d0, "e820_table");
_Static_assert(sizeof(struct linux_zero_page) == 4096, "zero page");

/* struct setup_data, then `len` bytes */
struct PACKED linux_setup_data {
    u64 next;
    u32 type, len;
};
#define LINUX_SETUP_E820_EXT 1u

#endif
