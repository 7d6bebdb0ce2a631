/* fake_int13.c: a BIOS, its INT 13h and INT 16h (fake_int13.h). Phoenix EDD 3.0 §4 to §6; RBIL, MEM 0040h. */
#include <string.h>

#include "../../drivers/int13.h"
#include "fake_int13.h"

struct fake_bios fake_bios;

static void fault(const char *what)
{
    if (!fake_bios.fault)
        fake_bios.fault = what;
}

void fake_bios_reset(u32 disks)
{
    fake_reset();
    int13_forget();
    fake_bios = (struct fake_bios){0};
    memset(mem_at(0, 0x500), 0, 0x500);
    for (u32 i = 0; i < 0x78; i++) {
        u8 *vector = mem_at(i * 4, 4);
        fake_put16(vector, (u16)(0xe000 + i * 16));
        fake_put16(vector + 2, 0xf000);
    }
    memset(mem_at(0xfe000, 0x2000), 0x90, 0x2000);
    host_poke(0xffff0, "\xea\x5b\xe0\x00\xf0", 5);
    fake_put16(mem_at(0x400, 2), 0x3f8);
    fake_put16(mem_at(0x40e, 2), 0x9fc0);
    fake_put16(mem_at(0x413, 2), 639);
    *(u8 *)mem_at(0x475, 1) = (u8)disks;
    for (u32 i = 0; i < FAKE_DRIVES; i++)
        fake_bios.drive[i] = (struct fake_drive){.blocks = 4096, .block_size = 512, .version = 0x30, .support = 7,
                                                 .path_size = 44, .bus_name = 'P', .bad_block = ~0ull};
}

u8 fake_drive_byte(const struct fake_drive *d, u64 at)
{
    u64 block = at / d->block_size;
    return at < d->image_size ? d->image[at] : (u8)(block >> at % 8 * 8 | 1);
}

static void copy_out(const struct fake_drive *d, u64 from, u8 *to, u64 size)
{
    u64 there = from < d->image_size ? min_u64(size, d->image_size - from) : 0;
    if (there)
        memcpy(to, d->image + from, there);
    for (u64 i = there; i < size; i++)
        to[i] = fake_drive_byte(d, from + i);
}

/* Bytes of the disk to memory; with `wraps`, around the end of the segment FFFFh. */
static void deliver(const struct fake_drive *d, u64 from, u64 to, u64 size)
{
    if (d->wraps && to == 0x10ffef && size) {
        copy_out(d, from, mem_at(to, 1), 1);
        copy_out(d, from + 1, mem_at(0xffff0, size - 1), size - 1);
    } else {
        copy_out(d, from, mem_at(to, size), size);
    }
    u32 more = to >= 0x110000 ? d->overrun : 0;
    memset(mem_at(to + size, more), 0x77, more);
}

static u32 drive_read(struct fake_drive *d, u64 low, u8 *packet)
{
    u32 size = packet[0], blocks = fake_get(packet + 2, 2);
    u64 lba = fake_get(packet + 8, 4) | (u64)fake_get(packet + 12, 4) << 32;
    u64 to = fake_get(packet + 4, 2) + ((u64)fake_get(packet + 6, 2) << 4), bytes = (u64)blocks * d->block_size;
    bool flat = fake_get(packet + 4, 4) == 0xffffffff;
    d->reads++;
    d->flat_reads += flat;
    if (blocks > d->most_blocks)
        d->most_blocks = blocks;
    if ((size != 16 && size != 24) || packet[1] || (flat && size != 24))
        fault("a packet of a wrong form");
    if (!blocks || blocks > 127)
        fault("a count of blocks out of bounds");
    if (!fits(lba, blocks, d->blocks))
        return 0x01;
    if (flat && d->flat)
        to = fake_get(packet + 16, 4) | (u64)fake_get(packet + 20, 4) << 32;
    else if (!flat && !d->told_block_size && (to < low + 0x2000 || to + bytes > 0x9fc00))
        fault("a buffer outside low memory");
    if (!flat && fake_get(packet + 4, 2) + bytes > 0x10000 && !d->told_block_size)
        fault("a buffer across its segment's end");
    bool bad = lba <= d->bad_block && d->bad_block - lba < blocks;
    host_ticks += bad ? d->bad_ticks : 0;
    if (bad && d->bad_times && !--d->bad_times)
        d->bad_block = ~0ull;
    if (bad && d->status == 0x101)
        return 0;
    if (bad && d->status < 0x100)
        return d->status;
    if (bad)
        fake_put16(packet + 2, (u16)(blocks - 1));
    deliver(d, lba * d->block_size, to, bad ? bytes - d->block_size : bytes);
    return 0;
}

static u32 drive_parameters(struct fake_drive *d, u8 *p)
{
    if (fake_get(p, 2) < 26 || fake_get(p + 2, 2))
        fault("parameters asked for with a wrong size, or flags");
    u32 size = d->path ? 30u + d->path_size : 26;
    fake_put16(p, (u16)size);
    fake_put64(p + 16, d->told_blocks ? d->told_blocks : d->blocks);
    u32 told = d->told_block_size == 1 ? 0 : d->told_block_size;
    fake_put16(p + 24, (u16)(d->told_block_size ? told : d->block_size));
    if (d->path) {
        fake_put16(p + 30, 0xbedd);
        p[32] = d->path_size;
        memcpy(p + 36, "PCI ATA     ", 12);
        p[36] = d->bus_name;
        p[48] = (u8)(d->pci >> 8);
        p[49] = d->pci >> 3 & 31;
        p[50] = d->pci & 7;
        u8 sum = 0;
        for (u32 i = 30; i < 30u + d->path_size; i++)
            sum = (u8)(sum + p[i]);
        p[30 + d->path_size - 1] = (u8)(d->path_sum - sum);
    }
    if (d->scribble)
        d->scribble(p);
    return d->parameters_status;
}

static void ring_set(void)
{
    fake_put16(mem_at(0x41a, 2), 0x1e);
    fake_put16(mem_at(0x41c, 2), (u16)(0x1e + 2 * fake_bios.key_count));
}

void fake_bios_type(u16 ax)
{
    fake_bios.keys[fake_bios.key_count++] = ax;
    ring_set();
}

/* INT 16h: what AH=10h takes, AH=11h shows; nothing else is asked for. */
static void keyboard_call(struct bios_registers *r)
{
    u32 function = r->eax >> 8 & 0xff;
    fake_bios.key_calls++;
    r->flags = fake_bios.key_count ? 0 : 0x40;
    if (function != 0x10 && function != 0x11)
        fault("a function of INT 16h that is not of the extended keyboard");
    if (function == 0x10 && !fake_bios.key_count)
        fault("a key was waited for");
    r->eax = fake_bios.key_count ? 0x12340000u | fake_bios.keys[0] : 0xdead;
    if (function == 0x10 && fake_bios.key_count)
        memmove(fake_bios.keys, fake_bios.keys + 1, --fake_bios.key_count * sizeof fake_bios.keys[0]);
    r->ebx = r->ecx = r->edx = r->esi = r->edi = 0xdeadbeef;
    if (function == 0x10)
        ring_set();
}

static void disk_call(u64 low, struct bios_registers *r)
{
    u32 number = r->edx & 0xff, function = r->eax >> 8 & 0xff, status = 0x01;
    u8 *at = mem_at(((u64)r->ds << 4) + (r->esi & 0xffff), 128);
    r->flags = 0;
    u32 index = number == 0xe0 ? FAKE_DRIVES - 1 : number - 0x80;
    if (number < 0x80 || (number != 0xe0 && index >= *(u8 *)mem_at(0x475, 1)) || index >= FAKE_DRIVES) {
        fault("a drive that is none");
    } else {
        struct fake_drive *d = &fake_bios.drive[index];
        if (function == 0x41 && !d->no_extensions && (r->ebx & 0xffff) == 0x55aa) {
            r->ebx = 0xaa55;
            r->ecx = d->support;
            r->eax = (u32)d->version << 8;
            return;
        }
        if (function == 0x00) {
            d->resets++;
            status = 0;
        } else if (function == 0x42) {
            status = drive_read(d, low, at);
        } else if (function == 0x48) {
            status = drive_parameters(d, at);
        } else if (function != 0x41) {
            fault("a function that is not for reading");
        }
    }
    r->eax = status << 8;
    r->ebx = r->ecx = r->edi = 0xdeadbeef;
    r->flags = status ? 1 : 0;
}

void bios_call(u64 low, struct bios_registers *r, u32 vector)
{
    fake_bios.calls++;
    fake_bios.low = low;
    if (low % 4096 || low < 0x1000 || low + 0x2000 > 0x9fc00)
        fault("called from a place that is none");
    memset(mem_at(low, 0x400), 0xcc, 0x400);           /* the code */
    memset(mem_at(low + 0x500, 0x1b00), 0xcc, 0x1b00); /* the stack */
    if (vector == 0x13)
        disk_call(low, r);
    else if (vector == 0x16)
        keyboard_call(r);
    else
        fault("a vector that nobody should call");
}
