/* pvh.h: wire layouts of the Xen PVH boot ABI: xen/include/public/arch-x86/hvm/start_info.h (version 1) and elfnote.h.
 */
#ifndef SHIM_PVH_H
#define SHIM_PVH_H

#include "base.h"

#define PVH_MAGIC 0x336ec578u
#define PVH_NOTE_PHYS32_ENTRY 18u /* XEN_ELFNOTE_PHYS32_ENTRY */

struct PACKED pvh_start_info {
    u32 magic, version, flags, nr_modules;
    u64 modlist_paddr, cmdline_paddr, rsdp_paddr;
    /* from version 1 on */
    u64 memmap_paddr;
    u32 memmap_entries, reserved;
};
_Static_assert(sizeof(struct pvh_start_info) == 56, "start_info version 1");
_Static_assert(offsetof(struct pvh_start_info, memmap_paddr) == 40, "end of version 0");

struct PACKED pvh_modlist_entry {
    u64 paddr, size, cmdline_paddr, reserved;
};
_Static_assert(sizeof(struct pvh_modlist_entry) == 32, "hvm_modlist_entry");

struct PACKED pvh_memmap_entry {
    u64 addr, size;
    u32 type, reserved; /* types as e820 */
};
_Static_assert(sizeof(struct pvh_memmap_entry) == 24, "hvm_memmap_table_entry");

#endif
