/* fuzz_int13.c: what a BIOS tells and does: BIOS data area and vectors, parameters with device paths, statuses.
 *
 * Input: a struct of two drives, then bytes XORed onto memory 0 to 4FFh (offset, 2 bytes; value; up to the first value
 * 0), then bytes XORed onto each answer of AH=48h (74 of them). Missing bytes are zero: the empty input is a BIOS that
 * works.
 */
#include "fake_int13.h"
#include "disk.h"
#include "tables.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

extern const struct bus bus_bios;
extern const struct block_driver disk_int13;

#define READ_MAX MIB(2)
#define TWO 2u

struct PACKED knobs {
    u8 support, version, flags, path_size;
    u16 pci, status, bad_times;
    u32 bad_block, overrun;
    u64 blocks; /* XORed */
};

static void scribble(u8 *parameters)
{
    u8 bytes[74];
    take(bytes, sizeof bytes);
    for (u32 i = 0; i < sizeof bytes; i++)
        parameters[i] ^= bytes[i];
}

static void drive_set(struct fake_drive *d)
{
    struct knobs k;
    take(&k, sizeof k);
    d->support ^= k.support;
    d->version ^= k.version;
    d->no_extensions = k.flags & 1;
    d->wraps = k.flags & 2;
    d->path = k.flags & 4;
    d->flat = k.flags & 8;
    d->path_size = k.path_size & 1 ? 36 : 44;
    d->pci = k.pci;
    d->status = k.status & 0x1ff;
    d->bad_times = k.bad_times;
    d->bad_block = k.flags & 16 ? k.bad_block : ~0ull;
    d->overrun = k.overrun % 4096;
    d->blocks ^= k.blocks;
    d->block_size = k.flags & 32 ? 4096 : 512;
    d->told_block_size = d->block_size; /* what is told may not be so: the buffer is not the fault's matter */
    d->scribble = scribble;
}

static void read_some(struct block_device *disk)
{
    check_limits(disk, READ_MAX);
    u32 most = (u32)min_u64(disk->block_count, KIB(70) / disk->block_size);
    for (u32 i = 0; i < 3; i++) {
        struct block_span span = {i ? disk->block_count - 1 : 0, i ? 1 : most, mem_at(DEST + i, READ_MAX)};
        if (span.blocks && !disk->dead)
            read_once(disk, &span, 1);
    }
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static struct boot_info boot;
    take_from(data, size);
    fake_bios_reset(TWO);
    boot = (struct boot_info){.boot_device = 0xe0ffffff};
    mem_map_add(&boot.memory, 0x1000, 0x9e000, MEM_USABLE);
    mem_map_add(&boot.memory, MIB(1), GIB(3), MEM_USABLE);
    drive_set(&fake_bios.drive[0]);
    drive_set(&fake_bios.drive[FAKE_DRIVES - 1]);
    for (;;) {
        u8 change[3];
        take(change, sizeof change);
        if (!change[2])
            break;
        *(u8 *)mem_at((change[0] | change[1] << 8) % 0x500, 1) ^= change[2];
    }
    bus_bios.enumerate(&boot);
    fake_probe(&disk_int13, &boot, &disks);
    for (u32 i = 0; i < disks.count; i++)
        read_some(disks.disk[i]);
    disks_quiesce(&disks);
    if (fake_bios.fault && strcmp(fake_bios.fault, "a drive that is none"))
        panic("%s", fake_bios.fault);
    return 0;
}
