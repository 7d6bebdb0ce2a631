/* ide_drive.c: how an IDE drive is talked to: registers, PIO, bus-master DMA, packets, resets (ide.h).
 *
 * ATA/ATAPI-6 (T13/1410D) for the drive, Programming Interface for Bus Master IDE Controller 1.0 (BMIDE) for DMA. Left
 * out on purpose: interrupts, READ MULTIPLE, queued and overlapped commands, DEVICE RESET (the reset of a channel does
 * for both kinds of drive). tests/unit/test_ide.c.
 */
#include "ata.h"
#include "ide.h"
#include "io.h"
#include "memory.h"
#include "print.h"

/* ATA/ATAPI-6 §7: command block, from its first port */
#define REG_DATA 0
#define REG_ERROR 1 /* read */
#define REG_FEATURES 1
#define REG_COUNT 2 /* of ATAPI, read: interrupt reason */
#define REG_LBA_LOW 3
#define REG_LBA_MID 4 /* with the next, of ATAPI: byte count */
#define REG_LBA_HIGH 5
#define REG_DEVICE 6
#define REG_STATUS 7 /* read */
#define REG_COMMAND 7

#define DEVICE_ALWAYS 0xa0 /* obsolete bits, 1 up to ATA-5 */
#define DEVICE_LBA 0x40
#define DEVICE_UNIT 4 /* shift */

/* §7.4, §7.9: the control block's one port is alternate status and device control */
#define CONTROL_ALWAYS 0x08 /* obsolete, 1 up to ATA-3 */
#define CONTROL_NIEN 0x02   /* no interrupts */
#define CONTROL_SRST 0x04

#define REASON_COMMAND 0x01
#define REASON_TO_HOST 0x02
#define PACKET_BYTES_MAX 0xfc00u /* per portion of PIO */
#define SIGNATURE_PACKET 0xeb14  /* §9.12: LBA high and mid */

#define FEATURES_SET_MODE 0x03 /* §8.46.11 */

/* BMIDE §2: registers of a channel */
#define BM_COMMAND 0
#define BM_STATUS 2
#define BM_TABLE 4
#define BM_COMMAND_START 0x01
#define BM_COMMAND_READ 0x08
#define BM_STATUS_ACTIVE 0x01
#define BM_STATUS_ERROR 0x02
#define BM_STATUS_INTERRUPT 0x04
#define BM_STATUS_KEPT 0x60 /* "drive can do DMA", a note of others */
#define PRD_LAST 0x8000

#define ANSWER_MS 10000u        /* disks */
#define ANSWER_PACKET_MS 20000u /* CDs, which spin up and try again */
#define IDENTIFY_MS 3000u
#define RESET_MS 5000u /* §9.2 allows 31 s, for spinning up; the disk was spinning */
#define ENGINE_MS 100u

#define STATUS_FLOATING 0xff     /* nobody drives the bus */
#define STATUS_FLOATING_LOW 0x7f /* and its bit 7 has a resistor to ground */
#define FLOATING_LOOKS 200u      /* a busy drive may show anything for a moment */
#define ACTIVE_LOOKS 64u

/* ---- drives that fail ------------------------------------------------------------------------------------------- */

static void engine_stop(struct ide_channel *c)
{
    if (!c->master)
        return;
    io_out8((u16)(c->master + BM_COMMAND), 0);
    c->target_size = 0;
}

static void disk_end(struct ide_drive *d)
{
    if (d->disk && !d->disk->dead) {
        d->disk->dead = true;
        d->channel->controller->live--;
    }
}

/* A drive that is silent is neither reset nor is its DMA stopped: QEMU finishes the reads before it lets either return,
 * and stops the whole machine until then. What it was given stays its own. The other drive of the channel cannot be
 * reached past it. */
static void leave_alone(struct ide_channel *c)
{
    warn("%s: not used any more%s", c->where, c->target_size ? ", and what it was given stays reserved" : "");
    if (c->target_size) {
        disk_lost_memory(c->target, c->target_size);
        disk_lost_memory(mem_address(c->prd), IDE_PRDS * sizeof *c->prd);
    }
    for (u32 i = 0; i < 2; i++) {
        disk_end(&c->drive[i]);
        if (c->drive[i].disk)
            disk_lost(c->drive[i].disk);
    }
    device_lost(c->where);
}

/* §7.15.6.1: what a drive shows within 400 ns of a command, or of being selected, is not to be trusted; a port takes
 * 100 ns at least. */
static void settle(const struct ide_channel *c)
{
    for (u32 i = 0; i < 4; i++)
        io_in8(c->control);
}

/* Wait until the drive is not busy, with `dma` also until it has nothing more to give. During DMA its registers are
 * looked at seldom: on some chips that disturbs. ERR_TIMEOUT: it is left alone. ERR_IO: it is gone. */
static enum error drive_wait(struct ide_drive *d, u32 ms, bool dma, u8 *status)
{
    struct ide_channel *c = d->channel;
    struct deadline deadline = deadline_in(ms);
    u32 floating = 0, steps = 0;
    do {
        if (dma && !floating && io_in8((u16)(c->master + BM_STATUS)) & BM_STATUS_ACTIVE && ++steps % ACTIVE_LOOKS)
            continue;
        *status = io_in8(c->control);
        if (*status == STATUS_FLOATING) {
            if (++floating < FLOATING_LOOKS)
                continue;
            engine_stop(c);
            disk_end(d);
            return fail(ERR_IO, "the drive is gone");
        }
        floating = 0;
        if (!(*status & ATA_STATUS_BSY) && (!dma || *status & ATA_STATUS_ERR || !(*status & ATA_STATUS_DRQ)))
            return OK;
    } while (!deadline_passed(&deadline));
    leave_alone(c);
    return fail(ERR_TIMEOUT, "no answer within %u s (status %02x)", ms / 1000, *status);
}

static void drive_select(const struct ide_drive *d, u8 bits)
{
    io_out8((u16)(d->channel->command + REG_DEVICE), (u8)(DEVICE_ALWAYS | d->unit << DEVICE_UNIT | bits));
    settle(d->channel);
}

static void reg_write(const struct ide_drive *d, u32 reg, u64 value)
{
    io_out8((u16)(d->channel->command + reg), (u8)value);
}

static u8 reg_read(const struct ide_drive *d, u32 reg)
{
    return io_in8((u16)(d->channel->command + reg));
}

static void command_write(const struct ide_drive *d, u8 command)
{
    reg_write(d, REG_COMMAND, command);
    settle(d->channel);
}

/* False while it stays busy. SATA drives behind some chips are not there for a while after a reset. */
static bool drive_idle(struct ide_drive *d, u32 ms)
{
    struct deadline deadline = deadline_in(ms);
    drive_select(d, 0);
    for (;;) {
        u8 status = io_in8(d->channel->control);
        if (!(status & ATA_STATUS_BSY) || (status == STATUS_FLOATING && !d->disk))
            return true;
        if (deadline_passed(&deadline))
            return false;
    }
}

/* §9.2: software reset, of both drives. They may forget their transfer mode over it. */
static bool channel_reset(struct ide_channel *c)
{
    engine_stop(c);
    io_out8(c->control, CONTROL_ALWAYS | CONTROL_NIEN | CONTROL_SRST);
    pause_ms(1); /* 5 µs at least */
    io_out8(c->control, CONTROL_ALWAYS | CONTROL_NIEN);
    pause_ms(3); /* 2 ms at least */
    for (u32 i = 0; i < 2; i++) {
        struct ide_drive *d = &c->drive[i];
        if (i && !d->disk && !d->mode)
            break; /* device 0 answers for both (§9.2) */
        if (!drive_idle(d, RESET_MS))
            return false;
        if (!d->mode)
            continue;
        reg_write(d, REG_FEATURES, FEATURES_SET_MODE);
        reg_write(d, REG_COUNT, d->mode);
        command_write(d, ATA_SET_FEATURES);
        if (!drive_idle(d, RESET_MS))
            return false;
    }
    return true;
}

/* After a failed command: a drive in a state that its next command starts from. */
static void channel_recover(struct ide_channel *c)
{
    if (channel_reset(c))
        return;
    warn("%s: busy for %u s after a reset: not used any more", c->where, RESET_MS / 1000);
    disk_end(&c->drive[0]);
    disk_end(&c->drive[1]);
}

/* ---- commands --------------------------------------------------------------------------------------------------- */

/* Select the drive, for whose registers to be written. */
static enum error command_begin(struct ide_drive *d, u8 bits)
{
    u8 status;
    drive_select(d, bits);
    enum error error = drive_wait(d, ANSWER_MS, false, &status);
    if (error == OK && status & ATA_STATUS_DRQ)
        return fail(ERR_IO, "the drive is still at an earlier command (status %02x)", status);
    return error;
}

/* Reading the status register, not the alternate one, is what ends a command. */
static enum error command_end(struct ide_drive *d)
{
    char words[96];
    u8 status = reg_read(d, REG_STATUS);
    d->error = 0;
    if (!(status & (ATA_STATUS_ERR | ATA_STATUS_DF)))
        return OK;
    d->error = reg_read(d, REG_ERROR);
    ata_error_words(status, d->error, words, sizeof words);
    return fail(ERR_IO, "%s", words);
}

static void data_read(const struct ide_drive *d, u8 *to, u32 size)
{
    for (u32 i = 0; i < size; i += 2) {
        u16 word = io_in16((u16)(d->channel->command + REG_DATA));
        memcpy(to + i, &word, sizeof word);
    }
}

/* §9.5: blocks that the drive offers one by one, *done of them. */
static enum error pio_in(struct ide_drive *d, u8 *buf, u32 blocks, u32 ms, u32 *done)
{
    u8 status;
    for (u32 i = 0; i <= blocks; i++) {
        *done = i;
        enum error error = drive_wait(d, ms, false, &status);
        if (error)
            return error;
        if (status & (ATA_STATUS_ERR | ATA_STATUS_DF))
            break;
        if (!(status & ATA_STATUS_DRQ) != (i == blocks))
            return fail(ERR_IO, i < blocks ? "the drive gives %u of %u blocks" : "the drive offers more than %u blocks",
                        i, blocks);
        if (i == blocks)
            break;
        data_read(d, buf, d->block_size);
        buf += d->block_size;
        settle(d->channel);
    }
    return command_end(d);
}

/* Registers and command of a read. */
static enum error read_begin(struct ide_drive *d, u64 lba, u32 blocks, u8 command)
{
    enum error error = command_begin(d, (u8)(DEVICE_LBA | (d->lba48 ? 0 : lba >> 24)));
    if (error)
        return error;
    if (d->lba48) { /* §6.2: registers are two deep, the upper halves go first */
        reg_write(d, REG_COUNT, blocks >> 8);
        reg_write(d, REG_LBA_LOW, lba >> 24);
        reg_write(d, REG_LBA_MID, lba >> 32);
        reg_write(d, REG_LBA_HIGH, lba >> 40);
    }
    reg_write(d, REG_COUNT, blocks); /* 256 and 65536 are 0 */
    reg_write(d, REG_LBA_LOW, lba);
    reg_write(d, REG_LBA_MID, lba >> 8);
    reg_write(d, REG_LBA_HIGH, lba >> 16);
    command_write(d, command);
    return OK;
}

/* ---- DMA -------------------------------------------------------------------------------------------------------- */

static void engine_prepare(struct ide_channel *c, u8 *buf, u32 size)
{
    u64 at = c->target = mem_address(buf);
    struct prd *prd = c->prd;
    for (u32 left = size;; prd++) {
        u32 part = (u32)min_u64(left, PRD_BYTES - at % PRD_BYTES);
        *prd = (struct prd){.address = (u32)at, .size = (u16)part};
        at += part;
        left -= part;
        if (!left)
            break;
    }
    prd->flags = PRD_LAST;
    c->target_size = size;
    io_out32((u16)(c->master + BM_TABLE), (u32)mem_address(c->prd));
    io_out8((u16)(c->master + BM_COMMAND), BM_COMMAND_READ);
    u8 kept = io_in8((u16)(c->master + BM_STATUS)) & BM_STATUS_KEPT;
    io_out8((u16)(c->master + BM_STATUS), kept | BM_STATUS_ERROR | BM_STATUS_INTERRUPT); /* ones clear */
}

/* Run the engine for the drive's command until that is finished. BMIDE §3.1: the engine is, too, when it is no longer
 * active, and all data is in memory by the time that can be read. */
static enum error engine_run(struct ide_drive *d, u32 ms)
{
    struct ide_channel *c = d->channel;
    u16 port = (u16)(c->master + BM_STATUS);
    u8 status, engine;
    io_barrier();
    io_out8((u16)(c->master + BM_COMMAND), BM_COMMAND_READ | BM_COMMAND_START);
    enum error error = drive_wait(d, ms, true, &status);
    if (error == ERR_TIMEOUT)
        return error;
    struct deadline deadline = deadline_in(ENGINE_MS);
    do
        engine = io_in8(port);
    while (error == OK && engine & BM_STATUS_ACTIVE && !(status & ATA_STATUS_ERR) && !deadline_passed(&deadline));
    engine_stop(c);
    io_barrier();
    if (error == OK)
        error = command_end(d);
    if (error == OK && engine & (BM_STATUS_ACTIVE | BM_STATUS_ERROR))
        error = fail(ERR_IO, engine & BM_STATUS_ERROR ? "the controller failed to write to memory (status %02x)"
                                                      : "the drive ended before all data came (controller status %02x)",
                     engine);
    return error;
}

/* ---- packets ---------------------------------------------------------------------------------------------------- */

/* §9.8: what the drive gives, in portions as it likes. */
static enum error packet_data(struct ide_drive *d, u8 *buf, u32 size, u32 *received)
{
    u32 surplus = 0;
    u8 status;
    for (;;) {
        enum error error = drive_wait(d, ANSWER_PACKET_MS, false, &status);
        if (error || !(status & ATA_STATUS_DRQ))
            return error;
        u8 reason = reg_read(d, REG_COUNT) & (REASON_COMMAND | REASON_TO_HOST);
        u32 bytes = reg_read(d, REG_LBA_MID) | (u32)reg_read(d, REG_LBA_HIGH) << 8;
        if (reason != REASON_TO_HOST || !bytes || surplus > PACKET_BYTES_MAX)
            return fail(ERR_IO, "the drive wants something else (reason %x, %u bytes) after %u of %u bytes", reason,
                        bytes, *received, size);
        for (u32 i = 0; i < bytes; i += 2) {
            u16 word = io_in16((u16)(d->channel->command + REG_DATA));
            u32 part = (u32)min_u64(min_u64(bytes - i, 2), size - *received);
            memcpy(buf + *received, &word, part);
            *received += part;
            surplus += 2 - part;
        }
        settle(d->channel);
    }
}

/* Carry out one packet; *received is what came. ERR_IO with d->error == 0: the drive broke the protocol. */
static enum error packet_run(struct ide_drive *d, const u8 *cdb, u8 *buf, u32 size, bool dma, u32 *received)
{
    u8 status;
    *received = 0;
    d->error = 0;
    enum error error = command_begin(d, 0);
    if (error)
        return error;
    if (dma)
        engine_prepare(d->channel, buf, size);
    reg_write(d, REG_FEATURES, dma ? d->packet_dma : 0);
    reg_write(d, REG_LBA_MID, PACKET_BYTES_MAX & 0xff);
    reg_write(d, REG_LBA_HIGH, PACKET_BYTES_MAX >> 8);
    command_write(d, ATA_PACKET);
    error = drive_wait(d, ANSWER_PACKET_MS, false, &status);
    if (error)
        return error;
    if (status & ATA_STATUS_ERR)
        return command_end(d);
    if (!(status & ATA_STATUS_DRQ))
        return fail(ERR_IO, "the drive does not ask for the command (status %02x)", status);
    for (u32 i = 0; i < d->packet_size; i += 2) {
        u16 word;
        memcpy(&word, cdb + i, sizeof word);
        io_out16((u16)(d->channel->command + REG_DATA), word);
    }
    settle(d->channel);
    if (dma) {
        error = engine_run(d, ANSWER_PACKET_MS);
        *received = error ? 0 : size;
        return error;
    }
    error = packet_data(d, buf, size, received);
    return error ? error : command_end(d);
}

/* A failure that the drive has sense data for is a result. */
enum error ide_packet_command(struct scsi_unit *unit, const u8 *cdb, void *buf, u32 size, struct scsi_result *result)
{
    struct ide_drive *d = unit->carrier;
    bool dma = d->dma_now && size >= 512; /* only reads: what else there is may come short */
    u8 sense_cdb[SCSI_CDB_MAX], sense[SCSI_SENSE_MAX];
    u32 sense_size;
    *result = (struct scsi_result){.status = SCSI_GOOD};
    enum error error = packet_run(d, cdb, buf, size, dma, &result->received);
    if (error == OK)
        return OK;
    if (error != ERR_IO || !d->error) {
        if (error == ERR_IO && !(d->disk && d->disk->dead))
            channel_recover(d->channel);
        return error_add(error, "%s: command %02x", unit->where, cdb[0]);
    }
    error_clear();
    result->status = SCSI_CHECK_CONDITION;
    result->key = d->error >> 4; /* §8.23.6 */
    scsi_sense_cdb(sense_cdb, sizeof sense);
    error = packet_run(d, sense_cdb, sense, sizeof sense, false, &sense_size);
    if (error == OK)
        scsi_sense_read(sense, sense_size, result);
    else if (error == ERR_IO)
        channel_recover(d->channel);
    error_clear();
    return error == ERR_TIMEOUT ? fail(error, "%s: no sense data", unit->where) : OK;
}

/* ---- for ide.c -------------------------------------------------------------------------------------------------- */

enum error ide_disk_read(struct ide_drive *d, u64 lba, u32 blocks, u8 *buf, bool *again)
{
    static const u8 commands[2][2] = {{ATA_READ_SECTORS, ATA_READ_SECTORS_EXT}, {ATA_READ_DMA, ATA_READ_DMA_EXT}};
    u32 done = 0;
    d->error = 0;
    if (d->dma_now)
        engine_prepare(d->channel, buf, blocks * d->block_size);
    enum error error = read_begin(d, lba, blocks, commands[d->dma_now][d->lba48]);
    if (error == OK)
        error = d->dma_now ? engine_run(d, ANSWER_MS) : pio_in(d, buf, blocks, ANSWER_MS, &done);
    if (error == OK)
        return OK;
    if (d->error && !d->dma_now && blocks > 1)
        error_add(error, "block %lu", lba + done);
    *again = d->dma_now && !(d->error & (ATA_ERROR_UNC | ATA_ERROR_IDNF)); /* the medium is as bad without DMA */
    if (!(d->error & (ATA_ERROR_UNC | ATA_ERROR_IDNF)) && !d->disk->dead)
        channel_recover(d->channel);
    return error_add(error, "%s: read of block %lu (%u blocks)", d->disk->name, lba, blocks);
}

/* §9.16.1: drive 0 answers for a drive 1 that is not there, with status 0; so
 * does a CD that has just been reset, so that tells nothing. */
bool ide_answers(struct ide_drive *d)
{
    drive_select(d, 0);
    u8 status = io_in8(d->channel->control);
    if (status == STATUS_FLOATING || status == STATUS_FLOATING_LOW)
        return false;
    if (status & (ATA_STATUS_BSY | ATA_STATUS_DRQ) && !d->channel->controller->is_pci)
        return false;
    if (status & ATA_STATUS_DRQ || (status & ATA_STATUS_BSY && !drive_idle(d, IDENTIFY_MS)))
        return true;
    reg_write(d, REG_COUNT, 0x55);
    reg_write(d, REG_LBA_LOW, 0xaa);
    return reg_read(d, REG_COUNT) == 0x55 && reg_read(d, REG_LBA_LOW) == 0xaa;
}

/* §8.15, §8.16 */
enum error ide_identify(struct ide_drive *d, u16 *words)
{
    struct ide_channel *c = d->channel;
    u32 done;
    u8 status;
    io_out8(c->control, CONTROL_ALWAYS | CONTROL_NIEN);
    if (io_in8(c->control) & (ATA_STATUS_BSY | ATA_STATUS_DRQ) && !channel_reset(c))
        return fail(ERR_TIMEOUT, "%s: busy for %u s after a reset (status %02x)", d->where, RESET_MS / 1000,
                    io_in8(c->control));
    for (u32 i = 0; i < 2; i++) {
        d->packet = i;
        drive_select(d, 0);
        command_write(d, i ? ATA_IDENTIFY_PACKET_DEVICE : ATA_IDENTIFY_DEVICE);
        if (!io_in8(c->control))
            return ERR_NOT_MINE; /* drive 0 answers for it */
        enum error error = drive_wait(d, IDENTIFY_MS, false, &status);
        if (error)
            return error_add(error, "%s: IDENTIFY", d->where);
        if (status & ATA_STATUS_DRQ) {
            d->block_size = ATA_IDENTIFY_WORDS * 2;
            error = pio_in(d, (u8 *)words, 1, IDENTIFY_MS, &done);
            if (error)
                channel_recover(c);
            return error ? error_add(error, "%s: IDENTIFY", d->where) : OK;
        }
        /* §8.15.5.2: what takes packets aborts this one, and shows its signature. */
        if ((reg_read(d, REG_LBA_MID) | reg_read(d, REG_LBA_HIGH) << 8) != SIGNATURE_PACKET)
            break;
    }
    say_verbose("%s: does not tell what it is (status %02x)", d->where, status);
    return ERR_NOT_MINE;
}

void ide_channel_end(struct ide_channel *c)
{
    engine_stop(c);
    io_out8((u16)(c->command + REG_DEVICE), DEVICE_ALWAYS);
    io_out8(c->control, CONTROL_ALWAYS);
}
