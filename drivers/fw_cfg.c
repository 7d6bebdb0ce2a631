/* fw_cfg.c: QEMU's firmware configuration device, by its x86 ports (QEMU docs/specs/fw_cfg.rst).
 *
 * Read by DMA where the device offers it, else byte by byte. Looked for only under a hypervisor: on other machines
 * nobody knows what answers at these ports. Not here: writing, and the items that QEMU makes for the BIOS.
 *
 * Exercise: tests/unit/test_fw_cfg.c, tests/qemu/test_fw_cfg.py.
 */
#include "fw_cfg.h"
#include "cpu.h"
#include "io.h"
#include "memory.h"

#define PORT_SELECT 0x510
#define PORT_DATA 0x511
#define PORT_DMA_HIGH 0x514
#define PORT_DMA_LOW 0x518

#define KEY_SIGNATURE 0x0000 /* "QEMU" */
#define KEY_ID 0x0001
#define KEY_DIRECTORY 0x0019
#define ID_DMA 2u

#define DMA_ERROR 1u
#define DMA_READ 2u
#define DMA_SELECT 8u
#define DMA_MS 1000u /* a copy in the host's memory; it is over before the port write returns */

#define DIRECTORY_MAX 1024u /* entries; QEMU makes about 20 */

/* All numbers big-endian. */
struct dma_access {
    u32 control, length;
    u64 address;
};
_Static_assert(sizeof(struct dma_access) == 16, "fw_cfg.rst, FWCfgDmaAccess");

struct PACKED directory_entry {
    u32 size;
    u16 key, reserved;
    char name[56];
};
_Static_assert(sizeof(struct directory_entry) == 64, "fw_cfg.rst, struct FWCfgFile");

static bool has_dma;

static void read_by_port(u16 key, u8 *to, u32 size)
{
    io_out16(PORT_SELECT, key);
    for (u32 i = 0; i < size; i++)
        to[i] = io_in8(PORT_DATA);
}

static enum error read_by_dma(u16 key, u8 *to, u32 size)
{
    struct dma_access *access = arena_alloc(sizeof *access, 16);
    if (!access)
        return ERR_NO_MEMORY;
    u64 at = mem_address(access);
    access->control = __builtin_bswap32((u32)key << 16 | DMA_SELECT | DMA_READ);
    access->length = __builtin_bswap32(size);
    access->address = __builtin_bswap64(mem_address(to));
    io_barrier();
    io_out32(PORT_DMA_HIGH, __builtin_bswap32((u32)(at >> 32)));
    io_out32(PORT_DMA_LOW, __builtin_bswap32((u32)at));
    struct deadline deadline = deadline_in(DMA_MS);
    u32 control;
    while ((control = __builtin_bswap32(*(volatile u32 *)&access->control)) & ~DMA_ERROR)
        if (deadline_passed(&deadline))
            return fail(ERR_TIMEOUT, "fw_cfg: no answer within %u ms", DMA_MS);
    io_barrier();
    return control & DMA_ERROR ? fail(ERR_IO, "fw_cfg: item %x cannot be read by DMA", key) : OK;
}

static enum error read_item(u16 key, u8 *to, u32 size)
{
    if (has_dma)
        return read_by_dma(key, to, size);
    read_by_port(key, to, size);
    return OK;
}

static bool is_there(void)
{
    u32 id;
    u8 signature[4];
    if (!cpu_is_virtual())
        return false;
    read_by_port(KEY_SIGNATURE, signature, sizeof signature);
    if (memcmp(signature, "QEMU", sizeof signature))
        return false;
    read_by_port(KEY_ID, (u8 *)&id, sizeof id); /* the one little-endian item */
    has_dma = id & ID_DMA;
    return true;
}

/* The directory entry of name in *entry. */
static enum error find(const char *name, struct directory_entry *entry)
{
    u32 count;
    read_by_port(KEY_DIRECTORY, (u8 *)&count, sizeof count);
    count = (u32)min_u64(__builtin_bswap32(count), DIRECTORY_MAX);
    u32 size = (u32)(sizeof count + count * sizeof *entry);
    u8 *directory = arena_alloc(size, 16);
    if (!directory)
        return ERR_NO_MEMORY;
    enum error error = read_item(KEY_DIRECTORY, directory, size);
    for (u32 i = 0; !error && i < count; i++) {
        memcpy(entry, directory + sizeof count + i * sizeof *entry, sizeof *entry);
        entry->name[sizeof entry->name - 1] = 0;
        if (!strcmp(entry->name, name))
            return OK;
    }
    return error ? error : ERR_NOT_FOUND;
}

enum error fw_cfg_read(const char *name, u32 size_max, const char **bytes, u32 *size)
{
    struct directory_entry entry;
    u64 mark = arena_mark();
    enum error error = is_there() ? find(name, &entry) : ERR_NOT_FOUND;
    arena_release(mark);
    if (error)
        return error;
    *size = __builtin_bswap32(entry.size);
    if (*size > size_max)
        return fail(ERR_RANGE, "fw_cfg %s: %u bytes, expected at most %u", name, *size, size_max);
    u8 *copy = arena_alloc(*size + 1, 16);
    if (!copy)
        return ERR_NO_MEMORY;
    *bytes = (const char *)copy;
    return read_item(__builtin_bswap16(entry.key), copy, *size);
}
