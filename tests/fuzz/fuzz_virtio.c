/* fuzz_virtio.c: what a device tells, over PCI and in memory: configuration space, capabilities, registers, the used
 * ring; and what a host's command line tells of devices in memory.
 *
 * Input: a struct of the device's fields, 256 bytes that are XORed onto a valid PCI configuration space or onto the
 * registers in memory, 64 of command line where the flags say so, then bytes written over the used ring after each
 * answer: offset, value. Missing bytes are zero: the empty input is a device that works.
 */
#include "fake_virtio.h"
#include "disk.h"
#include "tables.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

extern const struct block_driver disk_virtio_blk;
extern const struct bus bus_virtio_mmio;

#define READ_MAX MIB(2) /* as the longest request */
#define PATCH_SIZE 256u

struct PACKED knobs {
    u8 modern, legacy, late, flags;
    u64 features; /* XORed */
    u16 queue_max, notify_off;
    u32 notify_multiplier;
    u64 capacity;
    u32 size_max, seg_max, blk_size;
    u16 used_jump, status;
    u32 len_missing;
};

/* Of knobs.modern and knobs.flags */
#define NOT_MODERN 1
#define IN_MEMORY 2
#define MEMORY_V1 4
#define RESET_REFUSED 64
#define COMMAND_LINE 128

static void scribble(struct fake_virtio *f)
{
    u8 bytes[2];
    take(bytes, sizeof bytes);
    u64 ring = 4 + f->queue_size * 8u;
    if (bytes[1] && f->used && fits(f->used, ring, HOST_MEMORY))
        *(u8 *)mem_at(f->used + bytes[0] % ring, 1) ^= bytes[1];
}

static void plug(struct fake_virtio *f, const struct knobs *k, const u8 *patch, struct boot_info *boot)
{
    static char line[65];
    if (!(k->modern & IN_MEMORY)) {
        fake_virtio_plug(f);
        for (u32 i = 0; i < PATCH_SIZE; i++)
            f->function.config[i] ^= patch[i];
        return;
    }
    f->lies = patch;
    boot->cmdline = "virtio_mmio.device=512@0xd0000000:5";
    if (k->flags & COMMAND_LINE) {
        take(line, 64);
        boot->cmdline = line;
    }
    if (k->modern & MEMORY_V1)
        f->features &= 0xffffffff & ~FAKE_F_EVENT_IDX;
    fake_virtio_plug_mmio(f, k->modern & MEMORY_V1 ? 1 : 2, 0xd0000000);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static struct fake_virtio f;
    struct boot_info boot = {.cmdline = ""};
    struct knobs k;
    u8 patch[PATCH_SIZE];
    start(data, size);
    take(&k, sizeof k);
    take(patch, sizeof patch);

    fake_virtio_init(&f, 4);
    f.modern = !(k.modern & NOT_MODERN);
    f.legacy = k.legacy & 1;
    f.late = k.late & 7;
    f.reverse = k.flags & 1;
    f.never = k.flags & 2;
    f.features_refused = k.flags & 4;
    f.wrong_id = k.flags & 8;
    f.twice = k.flags & 16;
    f.unsettled = k.flags & 32;
    f.reset_refused = k.flags & RESET_REFUSED;
    f.features ^= k.features;
    f.queue_max = (k.queue_max ^ 256) & 1023;
    f.notify_off = k.notify_off;
    f.notify_multiplier ^= k.notify_multiplier;
    f.capacity ^= k.capacity;
    f.size_max = k.size_max;
    f.seg_max ^= k.seg_max;
    f.blk_size ^= k.blk_size;
    f.used_jump = k.used_jump;
    f.status = k.status;
    f.bad_sector = k.status ? 0 : ~0ull;
    f.len_missing = k.len_missing;
    f.on_answer = scribble;
    plug(&f, &k, patch, &boot);

    bus_virtio_mmio.enumerate(&boot);
    fake_probe(&disk_virtio_blk, &boot, &disks);
    for (u32 i = 0; i < disks.count; i++) {
        struct block_device *disk = disks.disk[i];
        read_often(disk, READ_MAX, 8, 0);
        disk->driver->quiesce(disk);
    }
    /* Whatever it was told, the driver asked for nothing that it may not ask for; unless registers were moved about. */
    bool moved = false;
    for (u32 i = 0; i < sizeof patch; i++)
        moved |= patch[i];
    if (f.fault && !moved)
        panic("%s", f.fault);
    return 0;
}
