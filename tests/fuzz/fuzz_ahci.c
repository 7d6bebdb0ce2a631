/* fuzz_ahci.c: what a controller and its disks tell: registers, IDENTIFY, byte counts, data of a CD.
 *
 * Input: a struct of what the controller and port 0 are, 64 pairs of bytes that are XORed onto IDENTIFY (word, value),
 * then after each command a register and what is XORed onto it, or bytes written over the command's header or its data.
 * Missing bytes are zero: the empty input is a disk that works.
 */
#include "fake_ahci.h"
#include "disk.h"
#include "tables.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

extern const struct block_driver disk_ahci;

#define READ_MAX MIB(4) /* as the longest request */

struct PACKED knobs {
    u8 flags, kind, late, spin_up;
    u32 cap, implemented, version; /* XORed */
    u32 signature, blocks;         /* XORed */
    u8 status, error, fault, bad_times, attentions, ports;
    u32 bad_block;
};

static bool lied;

static void scribble(struct fake_ahci *f, struct fake_ahci_port *p)
{
    (void)f;
    u8 bytes[3];
    take(bytes, sizeof bytes);
    u32 *registers[] = {&p->is, &p->tfd, &p->sig, &p->det, &p->serr, &p->ci};
    u64 header = ((u64)p->clbu << 32 | p->clb) + p->last_slot * 32 + 4;
    if (!bytes[1])
        return;
    lied = true;
    if (bytes[0] < ARRAY_COUNT(registers))
        *registers[bytes[0]] ^= (u32)bytes[1] << bytes[2] % 32;
    else if (bytes[0] < 128 && fits(header, 4, HOST_MEMORY))
        *(u8 *)mem_at(header + bytes[0] % 4, 1) ^= bytes[1];
    else if (p->data_at && bytes[2] < p->data_size)
        *(u8 *)mem_at(p->data_at + bytes[2], 1) ^= bytes[1];
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static struct fake_ahci f;
    static struct boot_info boot;
    struct knobs k;
    u8 patch[64][2];
    start(data, size);
    take(&k, sizeof k);
    take(patch, sizeof patch);

    fake_ahci_init(&f);
    struct fake_ahci_port *p = &f.port[0];
    for (u32 i = 0; i < FAKE_AHCI_PORTS; i++) {
        if (i && !(k.ports >> i & 1))
            continue;
        if ((k.kind >> i & 1) != 0)
            fake_ahci_cd(&f, i, NULL, 1000 ^ (k.blocks & 0x3fff));
        else
            fake_ahci_disk(&f, i, NULL, 4096 ^ k.blocks, k.flags & 32 ? 4096 : 512);
    }
    f.cap ^= k.cap;
    f.implemented ^= k.implemented & 0x3f;
    f.version ^= k.version;
    f.goes_on = k.flags & 1;
    f.forgets = k.flags & 2;
    f.bios_owns = k.flags & 4;
    f.late = k.late & 7;
    p->running = k.flags & 8;
    p->halfway = k.flags & 16;
    p->asleep = k.flags & 64;
    p->no_signature = k.flags & 128;
    p->spin_up = k.spin_up;
    p->signature ^= k.signature;
    p->status = k.status | 1;
    p->error = k.error;
    p->fault = k.fault % 5;
    p->bad_times = k.bad_times;
    p->bad_block = k.bad_block;
    p->attentions = k.attentions & 15;
    lied = !f.implemented; /* the driver then takes what CAP tells */
    for (u32 i = 0; i < 64; i++) {
        p->identify[patch[i][0]] ^= (u16)(patch[i][1] << (i % 2 ? 8 : 0));
        lied |= patch[i][1];
    }
    f.on_answer = scribble;
    fake_ahci_plug(&f);

    fake_probe(&disk_ahci, &boot, &disks);
    for (u32 i = 0; i < disks.count; i++)
        read_often(disks.disk[i], READ_MAX, 12, 0);
    for (u32 i = 0; i < disks.count; i++)
        disks.disk[i]->driver->quiesce(disks.disk[i]);
    /* Whatever was slow or failed, the driver did nothing that it may not do. */
    if (f.fault && !lied)
        panic("%s", f.fault);
    return 0;
}
