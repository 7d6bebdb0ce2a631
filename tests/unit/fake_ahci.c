/* fake_ahci.c: an AHCI controller (fake_ahci.h). Serial ATA AHCI 1.3.1 §3, §4, §5.3, §6.2, §10; ATA8-ACS; MMC-6. */
#include <string.h>

#include "fake_ahci.h"

#define ST 1u
#define SUD 2u
#define FRE 0x10u
#define FR 0x4000u
#define CR 0x8000u
#define TFES 0x40000000u
#define IFS 0x08000000u
#define PRCS 0x00400000u

static void fault(struct fake_ahci *f, const char *what)
{
    if (!f->fault)
        f->fault = what;
}

static void check(struct fake_ahci *f, bool right, const char *what)
{
    if (!right)
        fault(f, what);
}

static u64 wide(u32 low, u32 high)
{
    return (u64)high << 32 | low;
}

/* ---- ports ------------------------------------------------------------------------------------------------------ */

/* The device has been reset: after a while it is ready, and says what it is. */
static void device_start(struct fake_ahci_port *p)
{
    p->tfd = 0x7f;
    p->sig = 0xffffffff;
    p->det = 0;
    p->starting = 0;
    p->ci = 0;
    if (!p->signature || p->gone)
        return;
    p->starting = 1 + p->link_late + p->spin_up;
    p->det = p->link_late ? 1 : 3;
    p->tfd = 0x80;
}

static void device_step(struct fake_ahci_port *p)
{
    if (!p->starting)
        return;
    p->starting--;
    if (p->starting <= p->spin_up)
        p->det = 3;
    if (p->starting)
        return;
    p->tfd = 0x50;
    p->sig = p->no_signature ? 0xffffffff : p->signature;
}

static void port_power_on(struct fake_ahci *f, struct fake_ahci_port *p)
{
    p->clb = p->clbu = p->fb = p->fbu = p->is = p->ie = p->sctl = p->serr = p->ci = 0;
    p->cmd = f->cap_now & 1u << 27 ? 0 : SUD | 4;
    if (p->cmd & SUD)
        device_start(p);
    else
        p->tfd = 0x7f, p->sig = 0xffffffff, p->det = 0;
}

static void port_command_written(struct fake_ahci *f, struct fake_ahci_port *p, u32 value)
{
    u32 old = p->cmd;
    p->cmd = (value & ~(FR | CR)) | (old & (FR | CR));
    if (f->cap_now & 1u << 27 ? value & SUD && !(old & SUD) : false)
        device_start(p);
    if (value & FRE && !(old & FRE)) {
        check(f, p->fb && !(p->fb & 255), "FIS receive started without a place for it");
        p->cmd |= FR;
    } else if (!(value & FRE)) {
        check(f, !(old & FRE) || !(old & (ST | CR)), "FIS receive stopped before the list");
        p->cmd &= ~FR;
    }
    if (value & ST && !(old & ST)) {
        check(f, value & FRE, "the list started without FIS receive");
        check(f, p->det == 3 && !(p->tfd & 0x88), "the list started while the device is not ready");
        check(f, !(old & CR), "the list started before it was at rest");
        check(f, p->clb && !(p->clb & 1023), "the list started without a place for it");
        p->cmd |= CR;
        p->last_slot = 31;
    } else if (!(value & ST)) {
        p->ci = 0; /* §3.3.14 */
        if (!p->stuck)
            p->cmd &= ~CR;
    }
}

static u64 port_read(struct fake_ahci_port *p, u32 offset)
{
    switch (offset) {
    case 0x00: return p->clb;
    case 0x04: return p->clbu;
    case 0x08: return p->fb;
    case 0x0c: return p->fbu;
    case 0x10: return p->is;
    case 0x14: return p->ie;
    case 0x18: return p->cmd;
    case 0x20: return p->tfd;
    case 0x24: return p->sig;
    case 0x28: return p->det ? p->det | 0x110 : 0;
    case 0x2c: return p->sctl;
    case 0x30: return p->serr;
    case 0x38: return p->ci;
    }
    return 0;
}

static void answer(struct fake_ahci *f, struct fake_ahci_port *p);

static void port_write(struct fake_ahci *f, struct fake_ahci_port *p, u32 offset, u32 value)
{
    f->touches++;
    switch (offset) {
    case 0x00:
    case 0x04:
        check(f, !(p->cmd & (ST | CR)), "the list moved while it runs");
        *(offset ? &p->clbu : &p->clb) = value;
        return;
    case 0x08:
    case 0x0c:
        check(f, !(p->cmd & (FRE | FR)), "the received FISes moved while they arrive");
        *(offset == 8 ? &p->fb : &p->fbu) = value;
        return;
    case 0x10:
        p->is &= ~value;
        return;
    case 0x14:
        check(f, !value, "interrupts");
        p->ie = value;
        return;
    case 0x18:
        port_command_written(f, p, value);
        return;
    case 0x2c:
        if ((value & 15) == 1)
            check(f, !(p->cmd & ST), "COMRESET while the list runs");
        if ((p->sctl & 15) == 1 && !(value & 15)) {
            p->comresets++;
            p->no_signature = false;
            if (!p->stuck)
                p->cmd &= ~CR;
            device_start(p);
        }
        p->sctl = value;
        return;
    case 0x30:
        p->serr &= ~value;
        return;
    case 0x38:
        check(f, p->cmd & ST, "a command while the list is stopped");
        check(f, !(value & p->ci), "a command in a slot that is in use");
        check(f, !((u64)value >> ((f->cap >> 8 & 31) + 1)), "a slot beyond CAP.NCS");
        p->ci |= value;
        p->waited = 0;
        p->in_flight_max = (u32)max_u64(p->in_flight_max, (u32)__builtin_popcount(p->ci));
        if (!f->late)
            while (p->ci && p->cmd & ST && !p->never && !p->gone && !(p->is & (TFES | IFS)) && !p->starting)
                answer(f, p);
        return;
    }
    fault(f, "a port register written that need not be");
}

/* ---- commands --------------------------------------------------------------------------------------------------- */

struct job {
    struct fake_ahci_port *port;
    u32 slot;
    u8 *header, *fis, *packet;
    u8 *data; /* where the data go; NULL: nowhere */
    u32 room;
};

static u32 give(struct job *j, const u8 *from, u32 size)
{
    u32 part = (u32)min_u64(size, j->room);
    if (part && j->data)
        memcpy(j->data, from, part);
    fake_put32(j->header + 4, part);
    return part;
}

static void give_blocks(struct job *j, u64 lba, u32 blocks)
{
    static const u8 zeros[0x500000];
    struct fake_ahci_port *p = j->port;
    u32 size = blocks * p->block_size;
    p->blocks_max = (u32)max_u64(p->blocks_max, blocks);
    if (p->fault == FAKE_SHORT && p->bad_times && p->bad_block >= lba && p->bad_block < lba + blocks)
        size -= 512, p->bad_times -= p->bad_times != ~0u;
    give(j, p->image ? p->image + lba * p->block_size : zeros, size);
}

static void job_end(struct fake_ahci *f, struct job *j, u8 status, u8 error)
{
    struct fake_ahci_port *p = j->port;
    bool failed = status & 0x21;
    p->tfd = (u32)error << 8 | status;
    p->is |= 1;
    if (failed)
        p->is |= TFES;
    if (!failed || f->goes_on)
        p->ci &= ~(1u << j->slot);
}

/* True when the command touches what is bad, and has ended accordingly. */
static bool job_spoiled(struct fake_ahci *f, struct job *j, u64 lba, u32 blocks)
{
    struct fake_ahci_port *p = j->port;
    if (!p->bad_times || p->bad_block < lba || p->bad_block >= lba + blocks || p->fault == FAKE_SHORT)
        return false;
    p->bad_times -= p->bad_times != ~0u;
    switch (p->fault) {
    case FAKE_TASK_FILE:
        job_end(f, j, p->status, p->error);
        break;
    case FAKE_INTERFACE:
        p->is |= IFS;
        p->serr |= 0x00200000;
        break;
    case FAKE_UNPLUGGED:
        p->gone = true;
        p->det = 0;
        p->is |= PRCS;
        break;
    default:
        p->never = true;
        break;
    }
    return true;
}

static void packet_fails(struct fake_ahci *f, struct job *j, u8 key, u8 asc)
{
    j->port->sense[0] = key, j->port->sense[1] = asc;
    job_end(f, j, 0x51, (u8)(key << 4));
}

static void packet_run(struct fake_ahci *f, struct job *j)
{
    struct fake_ahci_port *p = j->port;
    const u8 *c = j->packet;
    u8 reply[64] = {0};
    u64 lba = (u32)c[2] << 24 | c[3] << 16 | c[4] << 8 | c[5];
    u32 blocks = (u32)c[7] << 8 | c[8];
    u32 limit = j->fis[5] | (u32)j->fis[6] << 8;
    check(f, j->fis[3] & 1 || !j->room || limit, "PIO without a byte count");
    if (c[0] == 0x03 && p->no_sense)
        return packet_fails(f, j, 5, 0x20);
    if (c[0] == 0x03) { /* REQUEST SENSE */
        reply[0] = 0x70, reply[2] = p->sense[0], reply[7] = 10, reply[12] = p->sense[1];
        give(j, reply, (u32)min_u64(18, c[4]));
        return job_end(f, j, 0x50, 0);
    }
    if (c[0] == 0x12) { /* INQUIRY */
        memcpy(reply, "\x05\x80\x00\x21\x1f\0\0\0FAKE    DVD-ROM         1.0 ", 36);
        give(j, reply, (u32)min_u64(36, c[4]));
        return job_end(f, j, 0x50, 0);
    }
    if (p->attentions)
        return p->attentions--, packet_fails(f, j, 6, 0x29);
    if (p->no_medium)
        return packet_fails(f, j, 2, 0x3a);
    switch (c[0]) {
    case 0x00:
        return job_end(f, j, 0x50, 0);
    case 0x25: {
        u32 last = __builtin_bswap32((u32)p->blocks - 1), size = __builtin_bswap32(p->block_size);
        memcpy(reply, &last, 4), memcpy(reply + 4, &size, 4);
        give(j, reply, 8);
        return job_end(f, j, 0x50, 0);
    }
    case 0x28:
        if (!fits(lba, blocks, p->blocks))
            return packet_fails(f, j, 5, 0x21);
        if (job_spoiled(f, j, lba, blocks)) {
            p->sense[0] = 3, p->sense[1] = 0x11;
            return;
        }
        check(f, blocks * p->block_size == j->room, "a PRD that is not as long as the command");
        give_blocks(j, lba, blocks);
        return job_end(f, j, 0x50, 0);
    }
    packet_fails(f, j, 5, 0x20);
}

static void disk_run(struct fake_ahci *f, struct job *j)
{
    struct fake_ahci_port *p = j->port;
    const u8 *fis = j->fis;
    bool lba48 = p->identify[83] & 0x400, extended = fis[2] == 0x25 || fis[2] == 0x24;
    u64 lba = fis[4] | (u64)fis[5] << 8 | (u64)fis[6] << 16;
    u32 blocks = fis[12];
    if (extended) {
        lba |= (u64)fis[8] << 24 | (u64)fis[9] << 32 | (u64)fis[10] << 40;
        blocks |= (u32)fis[13] << 8;
        blocks = blocks ? blocks : 65536;
    } else {
        lba |= (u64)(fis[7] & 15) << 24;
        blocks = blocks ? blocks : 256;
        check(f, !(fis[8] | fis[9] | fis[10] | fis[13]), "a 28-bit command with more than 28 bits");
    }
    check(f, fis[7] & 0x40, "not an LBA command");
    check(f, extended == lba48, "READ and READ EXT mixed up");
    check(f, !!(p->identify[49] & 0x100) == (fis[2] == 0x25 || fis[2] == 0xc8), "DMA and PIO mixed up");
    check(f, blocks * p->block_size == j->room, "a PRD that is not as long as the command");
    if (!fits(lba, blocks, p->blocks))
        return job_end(f, j, 0x51, 0x10);
    if (job_spoiled(f, j, lba, blocks))
        return;
    give_blocks(j, lba, blocks);
    job_end(f, j, 0x50, 0);
}

static void job_run(struct fake_ahci *f, struct fake_ahci_port *p, u32 slot)
{
    static u8 nothing[0x100];
    struct job j = {.port = p, .slot = slot};
    u8 *list = fake_dma(&f->function, wide(p->clb, p->clbu), 1024, &f->fault);
    j.header = list ? list + slot * 32 : nothing;
    u32 flags = fake_get(j.header, 2), prds = fake_get(j.header + 2, 2);
    u64 table_at = wide(fake_get(j.header + 8, 4), fake_get(j.header + 12, 4));
    check(f, (flags & ~0x20u) == 5, "a command header that writes, resets or is not of five dwords");
    check(f, !fake_get(j.header + 4, 4), "a byte count that does not begin with zero");
    check(f, !(table_at & 127), "a command table that is not aligned");
    u8 *table = fake_dma(&f->function, table_at, 0x80 + prds * 16, &f->fault);
    if (!table)
        return job_end(f, &j, 0x51, 4);
    j.fis = table;
    j.packet = table + 64;
    check(f, prds <= 1, "more than one PRD, which this fake does not know");
    if (prds) {
        u64 at = wide(fake_get(table + 0x80, 4), fake_get(table + 0x84, 4));
        u32 count = fake_get(table + 0x8c, 4);
        j.room = (count & 0x3fffff) + 1;
        check(f, !(at & 1) && count & 1 && !(count & ~0x3fffffu), "a PRD that is odd, too long, or interrupts");
        check(f, !(at >> 32) || f->cap & 0x80000000, "64 bits of address for a controller of 32");
        j.data = fake_dma(&f->function, at, j.room, &f->fault);
        p->data_at = j.data ? at : 0;
        p->data_size = j.room;
    }
    p->commands++;
    p->last_code = j.fis[2];
    check(f, j.fis[0] == 0x27 && j.fis[1] == 0x80, "not a command FIS");
    bool packet = p->signature == FAKE_AHCI_CD;
    check(f, (j.fis[2] == 0xa0) == !!(flags & 0x20), "ATAPI bit and command contradict each other");
    switch (j.fis[2]) {
    case 0xec:
    case 0xa1:
        if (packet != (j.fis[2] == 0xa1))
            return job_end(f, &j, 0x51, 4);
        give(&j, (const u8 *)p->identify, 512);
        return job_end(f, &j, 0x50, 0);
    case 0xa0:
        return packet ? packet_run(f, &j) : job_end(f, &j, 0x51, 4);
    case 0x20:
    case 0x24:
    case 0x25:
    case 0xc8:
        return packet ? job_end(f, &j, 0x51, 4) : disk_run(f, &j);
    }
    fault(f, "a command that is not for reading");
    job_end(f, &j, 0x51, 4);
}

/* One command, the next slot after the last one (§5.3.2.3). */
static void answer(struct fake_ahci *f, struct fake_ahci_port *p)
{
    for (u32 i = 1; i <= 32; i++) {
        u32 slot = (p->last_slot + i) % 32;
        if (p->ci >> slot & 1) {
            p->last_slot = slot;
            job_run(f, p, slot);
            if (f->on_answer)
                f->on_answer(f, p);
            return;
        }
    }
}

static void relax(void *device)
{
    struct fake_ahci *f = device;
    for (u32 i = 0; i < FAKE_AHCI_PORTS; i++) {
        struct fake_ahci_port *p = &f->port[i];
        device_step(p);
        bool halted = p->is & IFS || (p->is & TFES && !f->goes_on);
        if (!(p->cmd & ST) || !p->ci || p->never || p->gone || p->starting || halted || p->waited++ < f->late)
            continue;
        p->waited = 0;
        answer(f, p);
    }
}

/* ---- the controller --------------------------------------------------------------------------------------------- */

static u64 hba_read(void *device, u32 offset, u32 width)
{
    struct fake_ahci *f = device;
    check(f, width == 4 && !(offset & 3), "a register read in a way it cannot be");
    u32 n = (offset - 0x100) / 0x80;
    if (offset >= 0x100)
        return n < FAKE_AHCI_PORTS ? port_read(&f->port[n], offset & 0x7f) : 0;
    switch (offset) {
    case 0x00: return f->cap_now;
    case 0x04: return f->ghc;
    case 0x0c: return f->implemented_now;
    case 0x10: return f->version;
    case 0x24: return f->bios_owns || f->bios_keeps;
    case 0x28: return f->bohc;
    }
    return 0;
}

static void hba_reset(struct fake_ahci *f)
{
    f->resets++;
    f->ghc = 0x80000001;
    if (f->reset_stuck)
        return;
    f->ghc = 0;
    if (f->forgets)
        f->cap_now = f->implemented_now = 0;
    for (u32 i = 0; i < FAKE_AHCI_PORTS; i++)
        port_power_on(f, &f->port[i]);
}

static void hba_write(void *device, u32 offset, u64 value, u32 width)
{
    struct fake_ahci *f = device;
    check(f, width == 4 && !(offset & 3), "a register written in a way it cannot be");
    if (offset == 4) {
        check(f, !(value & 2), "interrupts");
        if (value & 1)
            hba_reset(f);
        else if (!f->reset_stuck || !(f->ghc & 1))
            f->ghc = (u32)value & 0x80000000;
        return;
    }
    check(f, f->ghc >> 31, "a register written before GHC.AE");
    if (offset >= 0x100 && (offset - 0x100) / 0x80 < FAKE_AHCI_PORTS) {
        check(f, f->implemented >> (offset - 0x100) / 0x80 & 1, "a port that is not there");
        port_write(f, &f->port[(offset - 0x100) / 0x80], offset & 0x7f, (u32)value);
    } else if (offset == 0x00) {
        check(f, value == f->cap, "CAP written anew");
        f->cap_now = (u32)value;
    } else if (offset == 0x0c) {
        check(f, value == f->pi, "PI written anew");
        f->implemented_now = f->pi;
    } else if (offset == 0x28 && value & 2) {
        f->bohc = f->bios_keeps ? 3 : f->bios_busy ? 0x12 : 2;
    } else {
        fault(f, "a register written that need not be");
    }
}

void fake_ahci_init(struct fake_ahci *f)
{
    *f = (struct fake_ahci){.bar = 0xfebf1000, .cap = 0xc0141f05, .implemented = 0x3f, .version = 0x10300};
    f->function.at = 31 << 3 | 2;
    for (u32 i = 0; i < FAKE_AHCI_PORTS; i++)
        f->port[i].bad_block = ~0ull, f->port[i].block_size = 512;
}

static void identify_text(u16 *words, const char *text)
{
    for (u32 i = 0; i < 40; i++) {
        u32 c = *text ? (u8)*text++ : ' ';
        words[27 + i / 2] = (u16)(i % 2 ? words[27 + i / 2] | c : c << 8);
    }
}

void fake_ahci_disk(struct fake_ahci *f, u32 port, const u8 *image, u64 blocks, u32 block_size)
{
    struct fake_ahci_port *p = &f->port[port];
    p->signature = FAKE_AHCI_DISK;
    p->image = image;
    p->blocks = blocks;
    p->block_size = block_size;
    p->identify[0] = 0x40;
    identify_text(p->identify, "FAKE DISK");
    p->identify[49] = 0x300;
    p->identify[60] = (u16)(blocks >> 28 ? 0xffff : blocks);
    p->identify[61] = (u16)(blocks >> 28 ? 0xfff : blocks >> 16);
    p->identify[83] = 0x4400;
    for (u32 i = 0; i < 4; i++)
        p->identify[100 + i] = (u16)(blocks >> 16 * i);
    if (block_size != 512) {
        p->identify[106] = 0x5000;
        p->identify[117] = (u16)(block_size / 2);
    }
}

void fake_ahci_cd(struct fake_ahci *f, u32 port, const u8 *image, u64 blocks)
{
    struct fake_ahci_port *p = &f->port[port];
    p->signature = FAKE_AHCI_CD;
    p->image = image;
    p->blocks = blocks;
    p->block_size = 2048;
    p->identify[0] = 0x85c0;
    identify_text(p->identify, "FAKE DVD-ROM");
    p->identify[49] = 0x300;
}

void fake_ahci_plug(struct fake_ahci *f)
{
    fake_function_add(&f->bridge, f->function.at & 0xf8, 0x8086, 0x2918, 0x0601);
    f->bridge.config[14] = 0x80;
    fake_function_add(&f->function, f->function.at, 0x8086, 0x2922, 0x0106);
    f->function.config[9] = 1;
    fake_put32(f->function.config + 0x24, (u32)f->bar);
    f->cap_now = f->cap;
    f->implemented_now = f->pi = f->implemented;
    f->bohc = f->bios_owns || f->bios_keeps;
    for (u32 i = 0; i < FAKE_AHCI_PORTS; i++) {
        struct fake_ahci_port *p = &f->port[i];
        port_power_on(f, p);
        if (!p->asleep && p->signature) { /* firmware has looked at it long ago */
            p->cmd |= SUD;
            if (!(p->cmd & SUD) || !p->starting)
                device_start(p);
            while (p->starting > p->spin_up + p->link_late)
                device_step(p);
        }
        if (p->running) {
            p->clb = 0x20000, p->fb = 0x21000;
            p->cmd |= ST | FRE | FR | CR;
            p->is = 1, p->serr = 0x40000;
        }
        if (p->halfway)
            p->tfd = 0x58;
    }
    f->memory = (struct fake_region){&f->function, false, &f->bar, 0x1100, hba_read, hba_write, f};
    fake_region_add(&f->memory);
    fake_relax_add(relax, f);
}
