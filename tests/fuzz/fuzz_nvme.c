/* fuzz_nvme.c: what an NVMe controller tells: capabilities, Identify data, completions.
 *
 * Input: a struct of the controller's fields, then bytes that are XORed onto each page of Identify (count of patches,
 * then offset and value of each) and onto each completion of a read (offset, value). Missing bytes are zero: the empty
 * input is a controller that works.
 */
#include "fake_nvme.h"
#include "disk.h"
#include "tables.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

extern const struct block_driver disk_nvme;

#define READ_MAX MIB(2) /* as the longest request */

struct PACKED knobs {
    u64 cap; /* XORed */
    u32 vs, nn;
    u8 mdts, late, flags, namespaces;
    u8 shift, flbas, nlbaf, refuse_opcode, refuse_cns, ready_late;
    u16 metadata, status;
    u64 blocks;
};

static bool misled; /* by Identify data that is not of this controller */

static void identity_scribble(struct fake_nvme *f, u32 cns, u8 *page)
{
    u8 count, patch[3];
    (void)f, (void)cns;
    take(&count, sizeof count);
    for (u32 i = 0; i < count; i++) {
        take(patch, sizeof patch);
        page[fake_get(patch, 2) % 4096] ^= patch[2];
        misled |= patch[2];
    }
}

static void completion_scribble(struct fake_nvme *f, u8 *completion)
{
    u8 bytes[2];
    if (f->requests) {
        take(bytes, sizeof bytes);
        completion[bytes[0] % 16] ^= bytes[1];
    }
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static struct fake_nvme f;
    static struct boot_info boot;
    struct knobs k;
    start(data, size);
    misled = false;
    take(&k, sizeof k);

    fake_nvme_init(&f, 4);
    f.cap = (f.cap & ~(255ull << 24)) ^ k.cap;
    f.vs ^= k.vs;
    f.nn ^= k.nn;
    f.mdts ^= k.mdts;
    f.late = k.late & 7;
    f.ready_late = k.ready_late & 3;
    f.never = k.flags & 1;
    f.never_admin = k.flags & 2;
    f.reverse = k.flags & 4;
    f.start_stuck = k.flags & 8;
    f.fatal_start = k.flags & 16;
    f.twice = k.flags & 32;
    f.starting = k.flags & 64;
    f.trouble = k.flags & 128 ? k.late & 128 ? FAKE_NVME_GONE : 2 : 0;
    f.refuse_opcode ^= k.refuse_opcode;
    f.refuse_cns ^= k.refuse_cns;
    f.status = k.status & 0x7fff;
    f.bad_block = k.status ? 0 : ~0ull;
    f.bad_times = k.status >> 15 ? 3 : ~0u;
    f.ns_count = 1 + k.namespaces % FAKE_NVME_NAMESPACES;
    for (u32 i = 0; i < f.ns_count; i++)
        f.ns[i] = (struct fake_nvme_namespace){i + 1, 4096 ^ k.blocks, 9 ^ k.shift, k.metadata, k.flbas, k.nlbaf, 0, 0};
    f.on_identify = identity_scribble;
    f.on_answer = completion_scribble;
    fake_nvme_plug(&f);

    fake_probe(&disk_nvme, &boot, &disks);
    for (u32 i = 0; i < disks.count; i++) {
        struct block_device *disk = disks.disk[i];
        read_often(disk, READ_MAX, 8, 4);
        disk->driver->quiesce(disk);
    }
    /* Whatever it was told, the driver asked for nothing that it may not ask for. */
    if (f.fault && !misled)
        panic("%s", f.fault);
    return 0;
}
