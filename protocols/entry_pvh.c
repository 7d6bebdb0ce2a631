/* entry_pvh.c: hvm_start_info → boot_info (xen/include/public/arch-x86/hvm/start_info.h; xen docs/misc/pvh.pandoc).
 *
 * Trusts EBX and the magic only: qboot leaves garbage in the module list's string pointers, Firecracker and Xen give
 * unsorted maps.
 * Exercise: tests/unit/test_boot_info.c, tests/fuzz/fuzz_start_info.c.
 */
#include "boot_info.h"
#include "cpu.h"
#include "print.h"
#include "pvh.h"

#define MEMMAP_MAX 4096u

/* PVH names no loader. The hypervisor's signature is the next best thing that can be told. */
static const char *loader_name(void)
{
    static const struct {
        char signature[13];
        const char *name;
    } known[] = {
        {"XenVMMXenVMM", "Xen"},
        {"KVMKVMKVM", "KVM"},
        {"TCGTCGTCGTCG", "QEMU TCG"},
        {"bhyve bhyve ", "bhyve"},
    };
    u32 a, signature[3]; /* EBX, ECX, EDX */
    if (!cpu_is_virtual())
        return "unknown";
    cpu_id(0x40000000, &a, &signature[0], &signature[1], &signature[2]);
    for (u32 i = 0; i < ARRAY_COUNT(known); i++)
        if (!memcmp(signature, known[i].signature, sizeof signature))
            return known[i].name;
    return "unknown hypervisor";
}

static void read_memory_map(struct boot_info *boot, const struct pvh_start_info *info)
{
    u64 at = info->memmap_paddr;
    u32 count = info->memmap_entries;
    if (info->version < 1 || !at || !count) {
        boot->problem = info->version < 1 ? "start_info version 0 has no memory map"
                                          : "start_info without a memory map";
        return;
    }
    if (count > MEMMAP_MAX) {
        boot->problem = "start_info memory map of more than 4096 entries: the rest is left out";
        count = MEMMAP_MAX;
    }
    if (!fits(at, (u64)count * sizeof(struct pvh_memmap_entry), GIB(4))) {
        boot->problem = "start_info memory map above 4 GiB";
        return;
    }
    const struct pvh_memmap_entry *entry = mem_at(at, (u64)count * sizeof *entry);
    boot_record_add(boot, at, (u64)count * sizeof *entry);
    for (; count--; entry++)
        if (entry->type) /* qboot counts a final entry of zeros */
            mem_map_add(&boot->memory, entry->addr, entry->size, entry->type);
}

static void read_modules(struct boot_info *boot, const struct pvh_start_info *info)
{
    u64 at = info->modlist_paddr;
    u32 count = (u32)min_u64(info->nr_modules, MODULES_MAX + 1); /* one more tells that it is too many */
    if (!at || !count)
        return;
    if (!fits(at, (u64)count * sizeof(struct pvh_modlist_entry), GIB(4))) {
        boot->problem = "start_info module list above 4 GiB";
        return;
    }
    const struct pvh_modlist_entry *entry = mem_at(at, (u64)count * sizeof *entry);
    boot_record_add(boot, at, (u64)count * sizeof *entry);
    for (; count--; entry++)
        boot_module_add(boot, entry->paddr, entry->size, entry->cmdline_paddr);
}

static enum error pvh_read(struct boot_info *boot, u64 record)
{
    if (!record || !fits(record, sizeof(struct pvh_start_info), GIB(4)))
        return fail(ERR_CORRUPT, "start_info at %lx, expected an address below 4 GiB", record);
    const struct pvh_start_info *info = mem_at(record, sizeof *info);
    if (info->magic != PVH_MAGIC)
        return fail(ERR_CORRUPT, "start_info magic %08x at %lx, expected %08x", info->magic, record, PVH_MAGIC);
    boot_record_add(boot, record, sizeof *info);
    boot->loader = loader_name();
    boot->cmdline = boot_string(info->cmdline_paddr, STRING_MAX);
    boot_record_add(boot, info->cmdline_paddr, strlen(boot->cmdline) + 1);
    boot->rsdp = info->rsdp_paddr;
    read_memory_map(boot, info);
    read_modules(boot, info);
    return OK;
}

const struct entry_protocol entry_pvh = {"pvh", DOOR_PVH, pvh_read};
