/* ahci.c: SATA disks and CDs behind AHCI controllers.
 *
 * Serial ATA AHCI 1.3.1 ("§" below); commands: ata.h, scsi.h. One PRD carries 4 MiB, so every request is one, straight
 * to its destination. Several requests wait in command slots; the controller gives them to the disk one by one.
 * Left out on purpose: native command queueing (files arrive in few long requests, which keep a disk as busy as a queue
 * of them does, and an error in such a queue is everyone's), interrupts, port multipliers, hot plug, power management.
 * tests/unit/test_ahci.c (a controller and disks that lie); `-machine q35` with -drive or -cdrom, `-device ich9-ahci`
 * under QEMU.
 */
#include "ata.h"
#include "block.h"
#include "io.h"
#include "memory.h"
#include "pci.h"
#include "print.h"
#include "scsi.h"

#define PCI_CLASS_RAID 0x0104 /* what Intel's are in RAID mode, with the same registers */
#define PCI_VENDOR_INTEL 0x8086
#define INTERFACE_AHCI 1
#define ABAR 5u
#define REGISTERS_SIZE 0x1100u

/* §3.1 generic host control */
#define HBA_CAP 0x00
#define HBA_GHC 0x04
#define HBA_PI 0x0c
#define HBA_VS 0x10
#define HBA_CAP2 0x24
#define HBA_BOHC 0x28
#define CAP_NP 0x1fu
#define CAP_NCS(cap) (((cap) >> 8 & 31) + 1)
#define CAP_S64A 0x80000000u
#define GHC_HR 1u
#define GHC_AE 0x80000000u
#define CAP2_BOH 1u
#define BOHC_BOS 1u
#define BOHC_OOS 2u
#define BOHC_BB 16u

/* §3.3 port registers */
#define PORT_BASE 0x100u
#define PORT_PITCH 0x80u
#define PORTS_MAX 32u
#define PXCLB 0x00
#define PXCLBU 0x04
#define PXFB 0x08
#define PXFBU 0x0c
#define PXIS 0x10
#define PXIE 0x14
#define PXCMD 0x18
#define PXTFD 0x20
#define PXSIG 0x24
#define PXSSTS 0x28
#define PXSCTL 0x2c
#define PXSERR 0x30
#define PXCI 0x38
#define IS_TFES 0x40000000u
#define IS_LINK 0x400040u     /* PRCS, PCS: plugged in or out, or asleep */
#define IS_ERRORS 0x79000000u /* TFES, HBFS, HBDS, IFS, OFS */
#define CMD_ST 0x1u
#define CMD_SUD 0x2u
#define CMD_POD 0x4u
#define CMD_FRE 0x10u
#define CMD_FR 0x4000u
#define CMD_CR 0x8000u
#define CMD_ICC 0xf0000000u
#define CMD_ICC_ACTIVE 0x10000000u
#define DET 15u
#define DET_PRESENT 1u /* but no communication (yet) */
#define DET_LINK 3u
#define SCTL_RESET 0x301u /* no power saving, DET: COMRESET as long as this stands there */
#define SCTL_RUN 0x300u
#define SIG_DISK 0x00000101u
#define SIG_PACKET 0xeb140101u
#define SIG_ENCLOSURE 0xc33c0101u
#define SIG_MULTIPLIER 0x96690101u
#define SIG_NONE 0xffffffffu

#define STOP_MS 500u        /* §10.1.2 */
#define HBA_RESET_MS 1000u  /* §10.4.3 */
#define HANDOFF_MS 25u      /* §10.6.3; BUSY_MS when the BIOS says that it is busy */
#define HANDOFF_BUSY_MS 2000u
#define COMRESET_MS 1u      /* §10.4.2: at least */
#define PRESENCE_MS 20u     /* SATA: a device answers COMRESET within 10 ms */
#define LINK_MS 1000u
#define SPIN_UP_MS 30000u   /* from power on to a disk that reads */
#define ANSWER_MS 10000u
#define PACKET_MS 30000u    /* a CD spins up within a read */
#define TRIES 4u
#define AE_TRIES 5u

#define SLOTS_MAX 8u        /* the disk takes one at a time: enough that it does not wait for us */
#define REQUEST_BYTES MIB(4) /* one PRD */
#define PACKET_BYTES MIB(2)
#define PACKET_CHUNK 0xfffeu /* byte count limit of ATAPI, even */
#define SENSE_SIZE 18u

/* §4.2.2 command header */
struct command_header {
    u16 flags; /* length of the FIS in dwords, HEADER_… */
    u16 prdtl;
    volatile u32 prdbc; /* bytes that came */
    u32 ctba, ctbau, reserved[4];
};
_Static_assert(sizeof(struct command_header) == 32, "AHCI §4.2.2");
#define HEADER_FIS 5u
#define HEADER_PACKET 0x20u

/* §4.2.3 command table, with the one PRD that we need */
struct command_table {
    u8 fis[64], packet[16], reserved[48];
    u32 dba, dbau, reserved2, dbc; /* dbc: bytes - 1 */
    u8 unused[112];
};
_Static_assert(offsetof(struct command_table, dba) == 0x80 && sizeof(struct command_table) == 256, "AHCI §4.2.3");

/* What the controller reads and writes for a port; KIB(1) aligned. */
struct port_memory {
    struct command_header header[32];
    u8 received[256];
    struct command_table table[SLOTS_MAX];
    u8 reply[512]; /* IDENTIFY, sense */
};
_Static_assert(offsetof(struct port_memory, received) == 1024 && offsetof(struct port_memory, table) % 128 == 0,
               "AHCI §3.3.1, §3.3.3, §4.2.2");

struct hba {
    struct pci_device pci;
    char where[16]; /* "pci 00:1f.2" */
    u64 registers;
    u32 cap, pi;      /* as firmware left them */
    u32 ports;        /* bit set */
    u32 started, lost; /* bit sets of ports: that we have begun to use, that do not answer */
    bool quiet;       /* by hba_quiesce() */
};

struct port {
    struct hba *hba;
    u64 registers;
    u32 number;
    char where[24]; /* "pci 00:1f.2 port 1" */
    struct port_memory *memory;
    struct block_device *disk; /* NULL while probing */
    u32 slots;
    u32 issued;                /* bit set of slots that the controller has */
    const struct block_span *span[SLOTS_MAX]; /* what they read; of a disk only */
    struct ata_identity identity;
    struct scsi_unit unit;     /* when identity.packet */
    bool down;                 /* nothing runs there any more */
    u32 fault, tfd, serr, waited_ms; /* how the last failure looked: PxIS, PxTFD, PxSERR */
};

struct command {
    u8 code, features;
    u64 lba;
    u32 count;
    const u8 *packet; /* 16 bytes; NULL: none */
    void *buf;        /* even address and size; NULL: no data */
    u32 size;
};

extern const struct block_driver disk_ahci; /* by tables.c */

static u64 port_registers(const struct hba *h, u32 n)
{
    return h->registers + PORT_BASE + PORT_PITCH * n;
}

static u32 port_read(const struct port *p, u32 offset)
{
    return mmio_read32(p->registers + offset);
}

static void port_write(const struct port *p, u32 offset, u32 value)
{
    mmio_write32(p->registers + offset, value);
}

static bool port_has_link(const struct port *p)
{
    return (port_read(p, PXSSTS) & DET) == DET_LINK;
}

/* Wait until the masked bits of a register read as `value`. */
static bool register_wait_until(u64 address, u32 mask, u32 value, struct deadline *deadline)
{
    while ((mmio_read32(address) & mask) != value)
        if (deadline_passed(deadline))
            return (mmio_read32(address) & mask) == value;
    return true;
}

static bool register_wait(u64 address, u32 mask, u32 value, u32 ms)
{
    struct deadline deadline = deadline_in(ms);
    return register_wait_until(address, mask, value, &deadline);
}

/* ---- ports ------------------------------------------------------------------------------------------------------ */

/* Clear `bit` of PxCMD and wait until the engine behind it, which shows as `running`, has come to rest. */
static bool engine_stop(const struct port *p, u32 bit, u32 running)
{
    port_write(p, PXCMD, port_read(p, PXCMD) & ~bit);
    return register_wait(p->registers + PXCMD, running, 0, STOP_MS);
}

static bool port_stop(const struct port *p)
{
    return engine_stop(p, CMD_ST, CMD_CR) && engine_stop(p, CMD_FRE, CMD_FR);
}

/* Errors and interrupts of the past. */
static void port_clear(const struct port *p)
{
    port_write(p, PXSERR, ~0u);
    port_write(p, PXIS, ~0u);
}

/* What is neither busy nor in the midst of a transfer takes commands. */
static bool port_wait_ready(const struct port *p, struct deadline *deadline)
{
    return register_wait_until(p->registers + PXTFD, ATA_STATUS_BSY | ATA_STATUS_DRQ, 0, deadline);
}

/* COMRESET (§10.4.2), the list being stopped. False when the device does not come back. */
static bool port_reset(const struct port *p)
{
    struct deadline spin_up = deadline_in(SPIN_UP_MS);
    port_write(p, PXSCTL, SCTL_RESET);
    for (struct deadline d = deadline_in(COMRESET_MS); !deadline_passed(&d);)
        continue;
    port_write(p, PXSCTL, SCTL_RUN);
    bool link = register_wait(p->registers + PXSSTS, DET, DET_LINK, LINK_MS);
    port_clear(p);
    return link && port_wait_ready(p, &spin_up);
}

static void list_start(const struct port *p)
{
    port_write(p, PXCMD, port_read(p, PXCMD) | CMD_ST);
}

/* A port that is silent is not reset: a host whose storage hangs finishes the reads before it lets a reset return, and
 * stops the whole machine until then (QEMU drains). What the port was given stays its own instead. */
static void leave_alone(struct port *p)
{
    struct block_device none = {0}, *disk = p->disk ? p->disk : &none;
    warn("%s: not used any more, and what it was given stays reserved", p->disk ? disk->name : p->where);
    for (u32 busy = p->issued; busy; busy &= busy - 1) {
        u32 slot = (u32)__builtin_ctz(busy);
        const struct command_table *table = &p->memory->table[slot];
        if (p->memory->header[slot].prdtl)
            disk_lost_memory((u64)table->dbau << 32 | table->dba, (u64)table->dbc + 1);
    }
    disk_lost_memory(mem_address(p->memory), sizeof *p->memory);
    disk_lost(disk);
    device_lost(p->where);
    p->hba->lost |= 1u << p->number;
    p->down = true;
}

/* Out of the error state (§6.2.2.1), with no command in the list any more. False: the port is lost, or its device. */
static bool port_recover(struct port *p)
{
    bool several = p->issued & (p->issued - 1);
    bool stopped = engine_stop(p, CMD_ST, CMD_CR);
    port_clear(p);
    /* Of several commands the disk may still be at work on one: some controllers go on with the next behind our back. A
     * packet device is better not reset without need, as it then has a unit attention to tell. */
    bool reset = !stopped || several || !port_has_link(p) || port_read(p, PXTFD) & (ATA_STATUS_BSY | ATA_STATUS_DRQ);
    bool back = !reset || port_reset(p);
    if (port_read(p, PXCMD) & CMD_CR) {
        leave_alone(p);
        return false;
    }
    p->issued = 0;
    if (back) {
        list_start(p);
        return true;
    }
    p->down = true;
    if (p->disk)
        p->disk->dead = true;
    return false;
}

/* ---- commands --------------------------------------------------------------------------------------------------- */

/* Serial ATA 3.0 §10.3.4: register FIS, host to device. */
static void fis_fill(u8 *fis, const struct command *c)
{
    memset(fis, 0, 20);
    fis[0] = 0x27;
    fis[1] = 0x80; /* a command, not the control register */
    fis[2] = c->code;
    fis[3] = c->features;
    for (u32 i = 0; i < 3; i++) {
        fis[4 + i] = (u8)(c->lba >> 8 * i);
        fis[8 + i] = (u8)(c->lba >> (24 + 8 * i));
    }
    fis[7] = 0x40; /* LBA */
    fis[12] = (u8)c->count;
    fis[13] = (u8)(c->count >> 8);
    if (c->code == ATA_READ_DMA || c->code == ATA_READ_SECTORS) { /* 28 bits, and a count of 0 is 256 */
        fis[7] |= (u8)(c->lba >> 24 & 15);
        fis[8] = fis[13] = 0;
    }
}

static void command_issue(struct port *p, u32 slot, const struct command *c)
{
    struct command_header *header = &p->memory->header[slot];
    struct command_table *table = &p->memory->table[slot];
    u64 at = mem_address(table), buf = c->buf ? mem_address(c->buf) : 0;
    fis_fill(table->fis, c);
    if (c->packet)
        memcpy(table->packet, c->packet, sizeof table->packet);
    table->dba = (u32)buf;
    table->dbau = (u32)(buf >> 32);
    table->dbc = c->size - 1;
    header->flags = c->packet ? HEADER_FIS | HEADER_PACKET : HEADER_FIS;
    header->prdtl = c->size > 0;
    header->prdbc = 0;
    header->ctba = (u32)at;
    header->ctbau = (u32)(at >> 32);
    p->issued |= 1u << slot;
    io_barrier();
    port_write(p, PXCI, 1u << slot);
}

/* Wait until commands end: *ended, which stay in p->issued. ERR_IO: one failed; ERR_NOT_FOUND: the device is gone;
 * ERR_TIMEOUT: silence. No sentence yet. */
static enum error commands_wait(struct port *p, u32 ms, u32 *ended)
{
    struct deadline deadline = deadline_in(ms);
    p->waited_ms = ms;
    for (;;) {
        *ended = p->issued & ~port_read(p, PXCI);
        p->fault = port_read(p, PXIS); /* second: no command that failed until then counts as ended well */
        if (*ended && !(p->fault & IS_ERRORS))
            break;
        bool over = deadline_passed(&deadline);
        if ((over || p->fault & (IS_ERRORS | IS_LINK)) && !port_has_link(p))
            return ERR_NOT_FOUND;
        if (p->fault & IS_ERRORS) {
            p->tfd = port_read(p, PXTFD);
            p->serr = port_read(p, PXSERR);
            return ERR_IO;
        }
        if (over)
            return ERR_TIMEOUT;
    }
    io_barrier(); /* PxCI before data and byte count */
    return OK;
}

/* What commands_wait() saw go wrong, in words. */
static void fault_words(const struct port *p, enum error error, char *out, u32 room)
{
    if (error == ERR_TIMEOUT)
        format_text(out, room, "no answer within %u s", p->waited_ms / 1000);
    else if (error == ERR_NOT_FOUND)
        format_text(out, room, "the device is gone");
    else if (p->fault & IS_TFES)
        ata_error_words((u8)p->tfd, (u8)(p->tfd >> 8), out, room);
    else
        format_text(out, room, "interface error (PxIS %x, PxSERR %x)", p->fault, p->serr);
}

/* One command alone in slot 0. ERR_IO, ERR_NOT_FOUND, ERR_TIMEOUT as commands_wait(), and all done that there is to do
 * about it, but for the sentence. */
static enum error command_run(struct port *p, const struct command *c, u32 ms)
{
    u32 ended;
    if (p->down)
        return ERR_NOT_FOUND;
    command_issue(p, 0, c);
    enum error error = commands_wait(p, ms, &ended);
    if (error == OK)
        p->issued = 0;
    else if (error == ERR_TIMEOUT)
        leave_alone(p);
    else
        port_recover(p);
    return error;
}

/* ---- disks ------------------------------------------------------------------------------------------------------ */

static struct command span_command(const struct port *p, const struct block_span *span)
{
    static const u8 codes[2][2] = {{ATA_READ_SECTORS, ATA_READ_SECTORS_EXT}, {ATA_READ_DMA, ATA_READ_DMA_EXT}};
    return (struct command){.code = codes[p->identity.dma][p->identity.lba48],
                            .lba = span->lba,
                            .count = span->blocks,
                            .buf = span->buf,
                            .size = span->blocks * p->identity.block_size};
}

static enum error span_failed(const struct port *p, const struct block_span *span, enum error error)
{
    char words[128];
    fault_words(p, error, words, sizeof words);
    return fail(error == ERR_TIMEOUT ? ERR_TIMEOUT : ERR_IO, "%s: read of block %lu (%u blocks): %s", p->disk->name,
                span->lba, span->blocks, words);
}

/* A disk that ends a command without error has given all of it, or it lies. */
static bool span_came(const struct port *p, u32 slot, u32 size)
{
    return p->memory->header[slot].prdbc == size;
}

static enum error span_read_alone(struct port *p, const struct block_span *span)
{
    struct command c = span_command(p, span);
    enum error error = command_run(p, &c, ANSWER_MS);
    if (error)
        return span_failed(p, span, error);
    if (!span_came(p, 0, c.size))
        return fail(ERR_IO, "%s: only %u of %u bytes read at block %lu", p->disk->name, p->memory->header[0].prdbc,
                    c.size, span->lba);
    return OK;
}

/* After a failure nobody can tell for all controllers which command it was (§6.2.2.1: PxCMD.CCS; QEMU has none), so
 * what was in the list is read again, one by one. */
static enum error spans_read_again(struct port *p, enum error error)
{
    const struct block_span *again[SLOTS_MAX];
    u32 count = 0;
    for (u32 busy = p->issued; busy; busy &= busy - 1)
        again[count++] = p->span[__builtin_ctz(busy)];
    if (error == ERR_TIMEOUT)
        leave_alone(p);
    else if (port_recover(p))
        error = OK;
    if (error)
        return span_failed(p, again[0], error);
    for (u32 i = 0; i < count && error == OK; i++)
        error = span_read_alone(p, again[i]);
    return error;
}

static enum error disk_read(struct port *p, const struct block_span *spans, u32 count)
{
    u32 next = 0, all = (1u << p->slots) - 1;
    while (next < count || p->issued) {
        while (next < count && p->issued != all) {
            u32 slot = (u32)__builtin_ctz(~p->issued);
            struct command c = span_command(p, &spans[next]);
            p->span[slot] = &spans[next++];
            command_issue(p, slot, &c);
        }
        u32 ended;
        enum error error = commands_wait(p, ANSWER_MS, &ended);
        for (u32 left = ended; left && error == OK; left &= left - 1) {
            u32 slot = (u32)__builtin_ctz(left);
            if (!span_came(p, slot, p->span[slot]->blocks * p->identity.block_size))
                error = ERR_IO;
        }
        if (error == OK)
            p->issued &= ~ended;
        else if ((error = spans_read_again(p, error)))
            return error;
    }
    return OK;
}

static void disk_start(const struct port *p, struct block_device *disk)
{
    u32 most = p->identity.lba48 ? 65535 : 256;
    disk->block_size = p->identity.block_size;
    disk->block_count = p->identity.block_count;
    disk->max_blocks = (u32)min_u64(most, REQUEST_BYTES / disk->block_size);
}

/* ---- packet devices --------------------------------------------------------------------------------------------- */

static enum error packet_run(struct port *p, const u8 *cdb, void *buf, u32 size)
{
    struct command c = {.code = ATA_PACKET,
                        .features = p->identity.dma && size, /* DMA, else PIO: all one to the controller */
                        .lba = min_u64(size, PACKET_CHUNK) << 8, /* where the byte count limit is */
                        .packet = cdb,
                        .buf = buf,
                        .size = size};
    return command_run(p, &c, PACKET_MS);
}

/* ACS §4.3: a check condition is an error of the task file, with the sense key in the error register. */
static enum error packet_command(struct scsi_unit *unit, const u8 *cdb, void *buf, u32 size, struct scsi_result *result)
{
    struct port *p = unit->carrier;
    u8 sense_cdb[SCSI_CDB_MAX];
    char words[128];
    enum error error = packet_run(p, cdb, buf, size);
    if (error == ERR_IO && p->fault & IS_TFES && !p->down) {
        u8 key = (u8)(p->tfd >> 12 & 15);
        result->received = p->memory->header[0].prdbc;
        result->status = SCSI_CHECK_CONDITION;
        scsi_sense_cdb(sense_cdb, SENSE_SIZE);
        memset(p->memory->reply, 0, SENSE_SIZE);
        error = packet_run(p, sense_cdb, p->memory->reply, SENSE_SIZE);
        if (error == OK)
            scsi_sense_read(p->memory->reply, p->memory->header[0].prdbc, result);
        else if (error == ERR_IO)
            *result = (struct scsi_result){.status = SCSI_CHECK_CONDITION, .key = key}, error = OK;
    } else {
        result->status = SCSI_GOOD;
        result->received = p->memory->header[0].prdbc;
    }
    if (error == OK)
        return OK;
    fault_words(p, error, words, sizeof words);
    return fail(error == ERR_TIMEOUT ? ERR_TIMEOUT : ERR_IO, "%s: packet command %x: %s", p->where, cdb[0], words);
}

static enum error packet_read(struct port *p, const struct block_span *spans, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        const struct block_span *span = &spans[i];
        enum error error = ERR_IO;
        bool again = true;
        for (u32 tries = 0; again && error && tries < TRIES; tries++) {
            u8 cdb[SCSI_CDB_MAX];
            struct scsi_result result = {0};
            scsi_read_cdb(&p->unit, span->lba, span->blocks, cdb);
            error = packet_command(&p->unit, cdb, span->buf, span->blocks * p->unit.block_size, &result);
            if (error)
                return error_add(error, "%s: read of block %lu", p->disk->name, span->lba);
            error = scsi_read_result(&p->unit, p->disk->name, &result, span->lba, span->blocks, &again);
        }
        if (error)
            return error;
    }
    return OK;
}

static enum error packet_start(struct port *p, struct block_device *disk)
{
    p->unit = (struct scsi_unit){.where = p->where, .atapi = true, .command = packet_command, .carrier = p};
    enum error error = scsi_start(&p->unit);
    if (error)
        return error;
    disk->block_size = p->unit.block_size;
    disk->block_count = p->unit.block_count;
    disk->max_blocks = (u32)min_u64(scsi_blocks_max(&p->unit), PACKET_BYTES / disk->block_size);
    disk->removable = p->unit.removable;
    return OK;
}

/* ---- the driver ------------------------------------------------------------------------------------------------- */

static enum error ahci_read(struct block_device *disk, const struct block_span *spans, u32 count)
{
    struct port *p = disk->state;
    return p->identity.packet ? packet_read(p, spans, count) : disk_read(p, spans, count);
}

/* All ports at once, so for the first disk of them; where one is silent the others are only stopped. */
static void hba_quiesce(struct hba *h)
{
    if (h->quiet)
        return;
    h->quiet = true;
    if (h->lost) {
        for (u32 left = h->started & ~h->lost; left; left &= left - 1)
            port_stop(&(struct port){.registers = port_registers(h, (u32)__builtin_ctz(left))});
        return;
    }
    u32 spun_up[PORTS_MAX];
    for (u32 left = h->started; left; left &= left - 1) {
        u32 n = (u32)__builtin_ctz(left);
        spun_up[n] = mmio_read32(port_registers(h, n) + PXCMD) & (CMD_SUD | CMD_POD);
    }
    mmio_write32(h->registers + HBA_GHC, GHC_AE | GHC_HR);
    if (!register_wait(h->registers + HBA_GHC, GHC_HR, 0, HBA_RESET_MS)) {
        fail(ERR_TIMEOUT, "%s: the reset does not end within %u ms", h->where, HBA_RESET_MS);
        error_show();
    }
    /* What only firmware sets is lost on some controllers; and links come up again, for whoever looks next. */
    mmio_write32(h->registers + HBA_GHC, GHC_AE);
    mmio_write32(h->registers + HBA_CAP, h->cap);
    mmio_write32(h->registers + HBA_PI, h->pi);
    struct deadline link = deadline_in(LINK_MS);
    for (u32 left = h->started; left; left &= left - 1) {
        u32 n = (u32)__builtin_ctz(left);
        u64 at = port_registers(h, n);
        mmio_write32(at + PXCMD, mmio_read32(at + PXCMD) | spun_up[n]);
    }
    for (u32 left = h->started; left; left &= left - 1)
        register_wait_until(port_registers(h, (u32)__builtin_ctz(left)) + PXSSTS, DET, DET_LINK, &link);
    pci_disable(&h->pci);
}

static void ahci_quiesce(struct block_device *disk)
{
    hba_quiesce(((struct port *)disk->state)->hba);
}

/* ---- finding them ----------------------------------------------------------------------------------------------- */

/* Give the port its memory, and wait for the device's first FIS, which tells what it is. */
static enum error port_start(struct port *p, struct deadline *spin_up, u32 *signature)
{
    p->memory = arena_alloc(sizeof *p->memory, KIB(1));
    if (!p->memory)
        return ERR_NO_MEMORY;
    if (!port_stop(p) && (!port_reset(p) || !port_stop(p)))
        return fail(ERR_TIMEOUT, "%s: what firmware has started there does not stop", p->where);
    u64 list = mem_address(p->memory->header), received = mem_address(p->memory->received);
    port_write(p, PXCLB, (u32)list);
    port_write(p, PXCLBU, (u32)(list >> 32));
    port_write(p, PXFB, (u32)received);
    port_write(p, PXFBU, (u32)(received >> 32));
    port_write(p, PXIE, 0);
    port_clear(p);
    port_write(p, PXCMD, (port_read(p, PXCMD) & ~CMD_ICC) | CMD_FRE | CMD_SUD | CMD_POD | CMD_ICC_ACTIVE);
    *signature = port_read(p, PXSIG);
    /* Firmware left it in the midst of a transfer, or never listened. */
    u32 status = port_read(p, PXTFD) & (ATA_STATUS_BSY | ATA_STATUS_DRQ);
    if (status == ATA_STATUS_DRQ || (!status && *signature == SIG_NONE))
        port_reset(p);
    if (!port_wait_ready(p, spin_up))
        return fail(ERR_TIMEOUT, "%s: the device is not ready after %u s (status %x)", p->where, SPIN_UP_MS / 1000,
                    port_read(p, PXTFD) & 0xff);
    *signature = port_read(p, PXSIG);
    port_clear(p);
    list_start(p);
    return OK;
}

static enum error port_identify(struct port *p, bool packet)
{
    struct command c = {.code = packet ? ATA_IDENTIFY_PACKET_DEVICE : ATA_IDENTIFY_DEVICE,
                        .buf = p->memory->reply, .size = ATA_IDENTIFY_WORDS * 2};
    u16 words[ATA_IDENTIFY_WORDS];
    char why[128];
    enum error error = command_run(p, &c, ANSWER_MS);
    if (error) {
        fault_words(p, error, why, sizeof why);
        return fail(error == ERR_TIMEOUT ? ERR_TIMEOUT : ERR_IO, "%s: IDENTIFY%s DEVICE: %s", p->where,
                    packet ? " PACKET" : "", why);
    }
    memcpy(words, p->memory->reply, sizeof words);
    return ata_identify_read(p->where, words, packet, &p->identity);
}

static enum error port_probe(struct port *p, struct deadline *spin_up, struct disk_list *disks)
{
    struct block_device disk = {.driver = &disk_ahci, .state = p, .dma_align = 2,
                                .place = {.bus = BUS_PCI, .address = p->hba->pci.at}};
    u32 signature = SIG_NONE;
    enum error error = port_start(p, spin_up, &signature);
    if (error)
        return error;
    if (signature == SIG_MULTIPLIER)
        return fail(ERR_UNSUPPORTED, "%s: a port multiplier, whose disks are not read", p->where);
    if (signature != SIG_DISK && signature != SIG_PACKET) {
        say_verbose("%s: %s (signature %x), left out", p->where,
                    signature == SIG_ENCLOSURE ? "an enclosure" : "neither disk nor CD", signature);
        return ERR_NOT_MINE;
    }
    error = port_identify(p, signature == SIG_PACKET);
    if (error == OK && p->identity.packet)
        error = packet_start(p, &disk);
    else if (error == OK)
        disk_start(p, &disk);
    if (error)
        return error;
    if (!(p->hba->cap & CAP_S64A))
        disk.dma_end = GIB(4);
    format_text(disk.place.unit, sizeof disk.place.unit, "drive@%x/disk@0", p->number);
    bool cd = p->identity.packet && p->unit.type == SCSI_TYPE_CD;
    struct block_device *added = disk_add(disks, cd ? "sr" : "sd", &disk);
    if (!added)
        return ERR_NO_MEMORY; /* or no blocks, or full; the trail says which */
    p->disk = added;
    say_verbose("%s: %s, %s, %lu blocks of %u bytes, %u requests of %lu KiB in flight", added->name, p->where,
                p->identity.model, added->block_count, added->block_size, p->identity.packet ? 1 : p->slots,
                (u64)added->max_blocks * added->block_size >> 10);
    return OK;
}

/* §10.6.3: the BIOS gives up what it may still use. */
static void handoff(const struct hba *h)
{
    u64 bohc = h->registers + HBA_BOHC;
    if (!(mmio_read32(h->registers + HBA_CAP2) & CAP2_BOH) || !(mmio_read32(bohc) & BOHC_BOS))
        return;
    mmio_write32(bohc, mmio_read32(bohc) | BOHC_OOS);
    bool given = register_wait(bohc, BOHC_BOS, 0, HANDOFF_MS);
    if (!given && mmio_read32(bohc) & BOHC_BB)
        given = register_wait(bohc, BOHC_BOS, 0, HANDOFF_BUSY_MS);
    if (!given)
        warn("%s: the BIOS does not give up the controller; using it all the same", h->where);
}

/* Where a device is plugged in. Ports that nobody has spun up (§10.1.1; firmware without a driver for them) are, all at
 * once; those which are empty cost nothing. */
static u32 ports_plugged(const struct hba *h)
{
    u32 plugged = 0, waking = 0;
    for (u32 left = h->ports & ~h->lost; left; left &= left - 1) {
        u32 n = (u32)__builtin_ctz(left);
        u64 at = port_registers(h, n);
        u32 det = mmio_read32(at + PXSSTS) & DET, command = mmio_read32(at + PXCMD);
        if (det == DET_LINK) {
            plugged |= 1u << n;
        } else if (det == DET_PRESENT || (!det && ~command & CMD_SUD)) {
            mmio_write32(at + PXCMD, (command & ~CMD_ICC) | CMD_SUD | CMD_POD | CMD_ICC_ACTIVE);
            waking |= 1u << n;
        }
    }
    struct deadline presence = deadline_in(PRESENCE_MS), link = deadline_in(LINK_MS);
    while (waking) {
        bool absent = deadline_passed(&presence), over = deadline_passed(&link);
        for (u32 left = waking; left; left &= left - 1) {
            u32 n = (u32)__builtin_ctz(left);
            u32 det = mmio_read32(port_registers(h, n) + PXSSTS) & DET;
            if (det == DET_LINK)
                plugged |= 1u << n;
            if (det == DET_LINK || over || (absent && det != DET_PRESENT))
                waking &= ~(1u << n);
        }
    }
    return plugged;
}

static void port_found(struct hba *h, u32 n, struct deadline *spin_up, struct disk_list *disks)
{
    struct port *p = arena_alloc(sizeof *p, 8);
    enum error error = ERR_NO_MEMORY;
    if (p) {
        p->hba = h;
        p->number = n;
        p->registers = port_registers(h, n);
        p->slots = (u32)min_u64(CAP_NCS(h->cap), SLOTS_MAX);
        format_text(p->where, sizeof p->where, "%s port %u", h->where, n);
        h->started |= 1u << n;
        error = port_probe(p, spin_up, disks);
    }
    if (error == OK)
        return;
    if (error == ERR_NOT_FOUND) { /* a drive without a medium is no mistake */
        say_verbose("%s", error_text());
        error_clear();
    } else if (error != ERR_NOT_MINE) {
        error_add(error, "ahci");
        error_show();
    }
    if (p && p->memory && !(h->lost >> n & 1) && !port_stop(p))
        leave_alone(p);
}

static enum error hba_start(struct hba *h)
{
    struct pci_bar bar;
    if (!pci_bar(&h->pci, ABAR, &bar) || bar.is_io || !fits(bar.address, REGISTERS_SIZE, ~0ull))
        return fail(ERR_UNSUPPORTED, "%s: firmware gave its registers no address", h->where);
    enum error error = paging_map(bar.address, REGISTERS_SIZE);
    if (error)
        return error_add(error, "%s", h->where);
    h->registers = bar.address;
    pci_enable(&h->pci);
    u32 version = mmio_read32(h->registers + HBA_VS);
    if (version >> 16 > 1 || !version) /* 0.95 to 1.3.1 */
        return fail(ERR_UNSUPPORTED, "%s: the registers at %lx tell of AHCI version %x", h->where, h->registers,
                    version);
    /* §10.1.2: before any other register, and no interrupts. Some controllers want to be told more than once. */
    for (u32 i = 0; i < AE_TRIES; i++) {
        mmio_write32(h->registers + HBA_GHC, GHC_AE);
        if (mmio_read32(h->registers + HBA_GHC) & GHC_AE)
            break;
    }
    h->cap = mmio_read32(h->registers + HBA_CAP);
    h->pi = mmio_read32(h->registers + HBA_PI);
    /* Before 1.3 firmware may leave it empty: then all that there can be. */
    h->ports = h->pi ? h->pi : ~0u >> (31 - (h->cap & CAP_NP));
    handoff(h);
    return OK;
}

/* Ports that did not answer before are not touched again. */
static void lost_find(struct hba *h)
{
    char where[32];
    for (u32 left = h->ports; left; left &= left - 1) {
        u32 n = (u32)__builtin_ctz(left);
        format_text(where, sizeof where, "%s port %u", h->where, n);
        if (device_is_lost(where)) {
            warn("%s: left out, it did not answer before", where);
            h->lost |= 1u << n;
        }
    }
}

static void hba_found(const struct pci_device *device, void *context)
{
    struct disk_list *disks = context;
    u32 before = disks->count;
    bool raid = device->class == PCI_CLASS_RAID && device->vendor == PCI_VENDOR_INTEL;
    if (!raid && (device->class != PCI_CLASS_AHCI || device->interface != INTERFACE_AHCI))
        return;
    struct hba *h = arena_alloc(sizeof *h, 8);
    enum error error = ERR_NO_MEMORY;
    if (h) {
        h->pci = *device;
        format_text(h->where, sizeof h->where, "pci %02x:%02x.%x", PCI_NAME(device));
        error = hba_start(h);
    }
    if (error) {
        /* Disks may be elsewhere; and what a RAID controller is, only Intel knows. */
        if (raid)
            say_verbose("%s", error_text());
        else
            warn("%s", error_text());
        error_clear();
        if (h && h->registers)
            pci_disable(&h->pci);
        return;
    }
    lost_find(h);
    struct deadline spin_up = deadline_in(SPIN_UP_MS); /* for all together: they do it at the same time */
    for (u32 left = ports_plugged(h); left; left &= left - 1)
        port_found(h, (u32)__builtin_ctz(left), &spin_up, disks);
    if (disks->count > before)
        return;
    if (h->started)
        hba_quiesce(h);
    else if (!h->lost)
        pci_disable(&h->pci);
}

static void ahci_probe(const struct boot_info *boot, struct disk_list *disks)
{
    (void)boot;
    pci_scan(hba_found, disks);
}

const struct block_driver disk_ahci = {"ahci", ahci_probe, ahci_read, ahci_quiesce};
