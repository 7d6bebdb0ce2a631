/* ahci_port.c: how a port of an AHCI controller and its device are talked to: start, commands, recovery (ahci.h).
 *
 * Serial ATA AHCI 1.3.1 ("§" below). One PRD carries 4 MiB, so every request is one, straight to its destination.
 * Several requests wait in command slots; the controller gives them to the disk one by one. tests/unit/test_ahci.c.
 */
#include "ahci.h"
#include "memory.h"
#include "print.h"

/* §3.3 port registers, but those in ahci.h */
#define PXCLB 0x00
#define PXCLBU 0x04
#define PXFB 0x08
#define PXFBU 0x0c
#define PXIS 0x10
#define PXIE 0x14
#define PXTFD 0x20
#define PXSIG 0x24
#define PXSCTL 0x2c
#define PXSERR 0x30
#define PXCI 0x38
#define IS_TFES 0x40000000u
#define IS_LINK 0x400040u     /* PRCS, PCS: plugged in or out, or asleep */
#define IS_ERRORS 0x79000000u /* TFES, HBFS, HBDS, IFS, OFS */
#define CMD_ST 0x1u
#define CMD_FRE 0x10u
#define CMD_FR 0x4000u
#define CMD_CR 0x8000u
#define SCTL_RESET 0x301u /* no power saving, DET: COMRESET as long as this stands there */
#define SCTL_RUN 0x300u

#define STOP_MS 500u     /* §10.1.2 */
#define COMRESET_MS 1u   /* §10.4.2: at least */
#define ANSWER_MS 10000u
#define PACKET_MS 30000u /* a CD spins up within a read */

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
struct ahci_memory {
    struct command_header header[32];
    u8 received[256];
    struct command_table table[SLOTS_MAX];
    u8 reply[512]; /* IDENTIFY, sense */
};
_Static_assert(offsetof(struct ahci_memory, received) == 1024 && offsetof(struct ahci_memory, table) % 128 == 0,
               "AHCI §3.3.1, §3.3.3, §4.2.2");

struct command {
    u8 code, features;
    u64 lba;
    u32 count;
    const u8 *packet; /* 16 bytes; NULL: none */
    void *buf;        /* even address and size; NULL: no data */
    u32 size;
};

static u32 port_read(const struct ahci_port *p, u32 offset)
{
    return mmio_read32(p->registers + offset);
}

static void port_write(const struct ahci_port *p, u32 offset, u32 value)
{
    mmio_write32(p->registers + offset, value);
}

static bool port_has_link(const struct ahci_port *p)
{
    return (port_read(p, PXSSTS) & DET) == DET_LINK;
}

bool ahci_wait_until(u64 address, u32 mask, u32 value, struct deadline *deadline)
{
    while ((mmio_read32(address) & mask) != value)
        if (deadline_passed(deadline))
            return (mmio_read32(address) & mask) == value;
    return true;
}

bool ahci_wait(u64 address, u32 mask, u32 value, u32 ms)
{
    struct deadline deadline = deadline_in(ms);
    return ahci_wait_until(address, mask, value, &deadline);
}

/* ---- ports ------------------------------------------------------------------------------------------------------ */

/* Clear `bit` of PxCMD and wait until the engine behind it, which shows as `running`, has come to rest. */
static bool engine_stop(const struct ahci_port *p, u32 bit, u32 running)
{
    port_write(p, PXCMD, port_read(p, PXCMD) & ~bit);
    return ahci_wait(p->registers + PXCMD, running, 0, STOP_MS);
}

bool ahci_port_stop(const struct ahci_port *p)
{
    return engine_stop(p, CMD_ST, CMD_CR) && engine_stop(p, CMD_FRE, CMD_FR);
}

/* Errors and interrupts of the past. */
static void port_clear(const struct ahci_port *p)
{
    port_write(p, PXSERR, ~0u);
    port_write(p, PXIS, ~0u);
}

/* What is neither busy nor in the midst of a transfer takes commands. */
static bool port_wait_ready(const struct ahci_port *p, struct deadline *deadline)
{
    return ahci_wait_until(p->registers + PXTFD, ATA_STATUS_BSY | ATA_STATUS_DRQ, 0, deadline);
}

/* COMRESET (§10.4.2), the list being stopped. False when the device does not come back. */
static bool port_reset(const struct ahci_port *p)
{
    struct deadline spin_up = deadline_in(SPIN_UP_MS);
    port_write(p, PXSCTL, SCTL_RESET);
    pause_ms(COMRESET_MS);
    port_write(p, PXSCTL, SCTL_RUN);
    bool link = ahci_wait(p->registers + PXSSTS, DET, DET_LINK, LINK_MS);
    port_clear(p);
    return link && port_wait_ready(p, &spin_up);
}

static void list_start(const struct ahci_port *p)
{
    port_write(p, PXCMD, port_read(p, PXCMD) | CMD_ST);
}

/* A port that is silent is not reset: a host whose storage hangs finishes the reads before it lets a reset return, and
 * stops the whole machine until then (QEMU drains). What the port was given stays its own instead. */
void ahci_leave_alone(struct ahci_port *p)
{
    warn("%s: not used any more, and what it was given stays reserved", p->disk ? p->disk->name : p->where);
    for (u32 busy = p->issued; busy; busy &= busy - 1) {
        u32 slot = (u32)__builtin_ctz(busy);
        const struct command_table *table = &p->memory->table[slot];
        if (p->memory->header[slot].prdtl)
            disk_lost_memory((u64)table->dbau << 32 | table->dba, (u64)table->dbc + 1);
    }
    disk_lost_memory(mem_address(p->memory), sizeof *p->memory);
    disk_lost(p->disk);
    device_lost(p->where);
    p->hba->lost |= 1u << p->number;
    p->down = true;
}

/* Out of the error state (§6.2.2.1), with no command in the list any more. False: the port is lost, or its device. */
static bool port_recover(struct ahci_port *p)
{
    bool several = p->issued & (p->issued - 1);
    bool stopped = engine_stop(p, CMD_ST, CMD_CR);
    port_clear(p);
    /* Of several commands the disk may still be at work on one: some controllers go on with the next behind our back. A
     * packet device is better not reset without need, as it then has a unit attention to tell. */
    bool reset = !stopped || several || !port_has_link(p) || port_read(p, PXTFD) & (ATA_STATUS_BSY | ATA_STATUS_DRQ);
    bool back = !reset || port_reset(p);
    if (port_read(p, PXCMD) & CMD_CR) {
        ahci_leave_alone(p);
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

enum error ahci_port_start(struct ahci_port *p, struct deadline *spin_up, u32 *signature)
{
    p->memory = arena_alloc(sizeof *p->memory, KIB(1));
    if (!p->memory)
        return ERR_NO_MEMORY;
    if (!ahci_port_stop(p) && (!port_reset(p) || !ahci_port_stop(p)))
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

static void command_issue(struct ahci_port *p, u32 slot, const struct command *c)
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
static enum error commands_wait(struct ahci_port *p, u32 ms, u32 *ended)
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
static void fault_words(const struct ahci_port *p, enum error error, char *out, u32 room)
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
static enum error command_run(struct ahci_port *p, const struct command *c, u32 ms)
{
    u32 ended;
    if (p->down)
        return ERR_NOT_FOUND;
    command_issue(p, 0, c);
    enum error error = commands_wait(p, ms, &ended);
    if (error == OK)
        p->issued = 0;
    else if (error == ERR_TIMEOUT)
        ahci_leave_alone(p);
    else
        port_recover(p);
    return error;
}

enum error ahci_port_identify(struct ahci_port *p, bool packet)
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

/* ---- disks ------------------------------------------------------------------------------------------------------ */

static struct command span_command(const struct ahci_port *p, const struct block_span *span)
{
    static const u8 codes[2][2] = {{ATA_READ_SECTORS, ATA_READ_SECTORS_EXT}, {ATA_READ_DMA, ATA_READ_DMA_EXT}};
    return (struct command){.code = codes[p->identity.dma][p->identity.lba48],
                            .lba = span->lba,
                            .count = span->blocks,
                            .buf = span->buf,
                            .size = span->blocks * p->identity.block_size};
}

static enum error span_failed(const struct ahci_port *p, const struct block_span *span, enum error error)
{
    char words[128];
    fault_words(p, error, words, sizeof words);
    return fail(error == ERR_TIMEOUT ? ERR_TIMEOUT : ERR_IO, "%s: read of block %lu (%u blocks): %s", p->disk->name,
                span->lba, span->blocks, words);
}

/* A disk that ends a command without error has given all of it, or it lies. */
static bool span_came(const struct ahci_port *p, u32 slot, u32 size)
{
    return p->memory->header[slot].prdbc == size;
}

static enum error span_read_alone(struct ahci_port *p, const struct block_span *span)
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
static enum error spans_read_again(struct ahci_port *p, enum error error)
{
    const struct block_span *again[SLOTS_MAX];
    u32 count = 0;
    for (u32 busy = p->issued; busy; busy &= busy - 1)
        again[count++] = p->span[__builtin_ctz(busy)];
    if (error == ERR_TIMEOUT)
        ahci_leave_alone(p);
    else if (port_recover(p))
        error = OK;
    if (error)
        return span_failed(p, again[0], error);
    for (u32 i = 0; i < count && error == OK; i++)
        error = span_read_alone(p, again[i]);
    return error;
}

enum error ahci_disk_read(struct ahci_port *p, const struct block_span *spans, u32 count)
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

/* ---- packet devices --------------------------------------------------------------------------------------------- */

static enum error packet_run(struct ahci_port *p, const u8 *cdb, void *buf, u32 size)
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
enum error ahci_packet_command(struct scsi_unit *unit, const u8 *cdb, void *buf, u32 size, struct scsi_result *result)
{
    struct ahci_port *p = unit->carrier;
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
