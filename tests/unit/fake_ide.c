/* fake_ide.c: an IDE controller behind io.h (fake_ide.h). */
#include <string.h>

#include "fake_ide.h"

#define BSY 0x80
#define DRDY 0x50 /* with the bit for "seek complete" */
#define DF 0x20
#define DRQ 0x08
#define ERR 0x01
#define ABRT 0x04
#define STALE_LOOKS 4
#define STALE 0x48 /* what is seen too early */

static void fault(struct fake_ide *ide, const char *what)
{
    if (!ide->fault)
        ide->fault = what;
}

static struct fake_ide_drive *selected(struct fake_ide_channel *c)
{
    struct fake_ide_drive *d = &c->drive[c->reg[6] >> 4 & 1];
    return d->present ? d : NULL;
}

static bool is_silent(const struct fake_ide_drive *d)
{
    return d->silent_after && d->commands > d->silent_after;
}

static bool is_gone(const struct fake_ide_drive *d)
{
    return d->gone_after && d->commands > d->gone_after;
}

static bool any_silent(const struct fake_ide_channel *c)
{
    return is_silent(&c->drive[0]) || is_silent(&c->drive[1]);
}

static void end(struct fake_ide_drive *d, u8 error)
{
    d->error = error;
    d->status = error ? DRDY | ERR : DRDY;
    if (d->packet)
        d->left = d->data_size = d->data_at = 0;
}

static void signature(struct fake_ide_channel *c, const struct fake_ide_drive *d)
{
    c->reg[2] = c->reg[3] = 1;
    c->reg[4] = d->packet ? 0x14 : 0;
    c->reg[5] = d->packet ? 0xeb : 0;
}

/* ---- DMA -------------------------------------------------------------------------------------------------------- */

/* Give `size` bytes to the regions of the table; tells how many it had room for. The end of the table ends activity. */
static void engine(struct fake_ide_channel *c, const u8 *from, u32 size)
{
    struct fake_ide *ide = c->ide;
    u32 at = c->table, start = at;
    for (;;) {
        const u8 *prd = fake_dma(&ide->function, at, 8, &ide->fault);
        if (!prd)
            return;
        u32 address = fake_get(prd, 4), bytes = fake_get(prd + 4, 2), flags = fake_get(prd + 6, 2);
        bytes = bytes ? bytes : 65536;
        if ((address & 1) || (bytes & 1))
            fault(ide, "an odd PRD");
        if ((address & 0xffff) + bytes > 65536)
            fault(ide, "a PRD across 64 KiB");
        if ((start ^ at) >> 16)
            fault(ide, "a PRD table across 64 KiB");
        if (flags & 0x7fff)
            fault(ide, "reserved bits of a PRD");
        u32 part = bytes < size ? bytes : size;
        u8 *to = part ? fake_dma(&ide->function, address, part, &ide->fault) : NULL;
        if (to)
            memcpy(to, from, part);
        from += part, size -= part;
        if (part < bytes)
            return; /* active still */
        at += 8;
        if (flags & 0x8000)
            break;
    }
    if (size)
        fault(ide, "a PRD table shorter than the read");
    c->bm_status &= (u8)~1;
}

static void dma_perform(struct fake_ide_channel *c, struct fake_ide_drive *d)
{
    u32 size = d->left * d->block_size;
    const u8 *from = d->image + d->lba * d->block_size;
    d->pending = false;
    d->dma_reads++;
    if (d->refuses_dma || d->crc_errors) {
        end(d, d->refuses_dma ? d->packet ? 0xb4 : ABRT : 0x84);
        d->sense_key = 0xb;
        d->asc = 0x47;
        d->crc_errors -= d->crc_errors && !d->refuses_dma;
    } else if (d->bad_block - d->lba < d->left) {
        engine(c, from, (u32)(d->bad_block - d->lba) * d->block_size);
        d->sense_key = 3;
        d->asc = 0x11;
        end(d, d->packet ? 0x30 : d->bad_error);
    } else if (d->engine_errors) {
        d->engine_errors--;
        c->bm_status = (u8)((c->bm_status & ~1) | 2);
        end(d, 0);
    } else {
        engine(c, from, d->short_dma ? size - 2 : size);
        end(d, 0);
        c->reg[2] = 3;
    }
}

/* ---- commands --------------------------------------------------------------------------------------------------- */

static void offer(struct fake_ide_drive *d, const void *data, u32 size)
{
    d->data = data;
    d->data_at = 0;
    d->data_size = size;
    d->status = DRDY | DRQ;
}

/* The next block of a read by PIO. */
static void pio_next(struct fake_ide_drive *d)
{
    if (d->drain || !d->left || (d->fewer && d->left == 1)) {
        end(d, 0);
        d->drain = false;
        if (d->more && d->command != 0xec) {
            d->drain = true;
            offer(d, d->image, d->block_size);
        }
    } else if (d->lba == d->bad_block) {
        end(d, d->bad_error);
    } else {
        offer(d, d->image + d->lba * d->block_size, d->block_size);
        d->lba++;
        d->left--;
    }
}

static void read_start(struct fake_ide_channel *c, struct fake_ide_drive *d, bool wide)
{
    const u8 *r = c->reg, *b = c->before;
    d->left = r[2] | (wide ? (u32)b[2] << 8 : 0);
    d->left = d->left ? d->left : wide ? 65536 : 256;
    d->lba = r[3] | (u64)r[4] << 8 | (u64)r[5] << 16;
    d->lba |= wide ? (u64)b[3] << 24 | (u64)b[4] << 32 | (u64)b[5] << 40 : (u64)(r[6] & 15) << 24;
    if (!(r[6] & 0x40))
        fault(c->ide, "a read by cylinder, head and sector");
    if (wide && !(d->identify[83] & 0x400))
        fault(c->ide, "an EXT command for a disk that does not know it");
    if (!fits(d->lba, d->left, d->blocks))
        end(d, 0x10);
    else if (d->device_fault)
        d->status = DRDY | DF | ERR, d->error = 0;
    else if (d->by_dma)
        d->pending = true, d->status = BSY;
    else
        d->pio_reads++, pio_next(d);
}

static void set_features(struct fake_ide_channel *c, struct fake_ide_drive *d)
{
    if (c->reg[1] != 3)
        fault(c->ide, "SET FEATURES but for the transfer mode");
    d->mode = c->reg[2];
    d->modes_set++;
    end(d, 0);
}

static void command_run(struct fake_ide_channel *c, struct fake_ide_drive *d)
{
    d->by_dma = false;
    d->drain = false;
    if (d->packet && d->command != 0xa1 && d->command != 0xa0 && d->command != 0xef) {
        end(d, ABRT);
        signature(c, d);
        if (d->command != 0xec)
            fault(c->ide, "a disk's command for a CD");
        return;
    }
    switch (d->command) {
    case 0xec:
    case 0xa1:
        if ((d->command == 0xa1) != d->packet) {
            end(d, ABRT);
            break;
        }
        d->left = 0;
        offer(d, d->identify, 512);
        break;
    case 0xc8:
    case 0x25:
        d->by_dma = true; /* fallthrough */
    case 0x20:
    case 0x24:
        read_start(c, d, d->command == 0x24 || d->command == 0x25);
        break;
    case 0xef:
        set_features(c, d);
        break;
    case 0xa0:
        d->by_dma = c->reg[1] & 1;
        if (!d->by_dma && (c->reg[4] & 1 || !(c->reg[4] | c->reg[5])))
            fault(c->ide, "a byte count that is 0 or odd");
        if ((d->identify[62] & 0x8000) && d->by_dma && !(c->reg[1] & 4))
            fault(c->ide, "a packet without its direction");
        d->cdb_at = 0;
        c->reg[2] = 1;
        d->status = d->no_packet ? DRDY : DRDY | DRQ;
        break;
    default:
        fault(c->ide, "an unknown command");
        end(d, ABRT);
    }
}

/* ---- packets ---------------------------------------------------------------------------------------------------- */

static void sense(struct fake_ide_channel *c, struct fake_ide_drive *d, u8 key, u8 asc)
{
    d->sense_key = key;
    d->asc = asc;
    c->reg[2] = 3;
    end(d, (u8)(key << 4 | (d->no_sense ? ABRT : 0)));
}

/* The next portion by PIO. */
static void portion(struct fake_ide_channel *c, struct fake_ide_drive *d)
{
    if (!d->packet_left && d->endless)
        d->data = d->image, d->packet_left = 2048;
    if (!d->packet_left) {
        c->reg[2] = 3;
        end(d, 0);
        return;
    }
    u32 most = c->reg[4] | (u32)c->reg[5] << 8, size = d->packet_left;
    most = d->packet_total ? d->packet_total : most;
    d->packet_total = most; /* the registers will tell the portion */
    if (d->portion && d->portion < most)
        most = d->portion;
    size = size < most ? size : most;
    c->reg[2] = d->reason ? d->reason : 2;
    c->reg[4] = (u8)(d->zero_bytes ? 0 : size);
    c->reg[5] = (u8)(d->zero_bytes ? 0 : size >> 8);
    d->data_at = 0;
    d->data_size = size;
    d->packet_left -= size;
    d->status = DRDY | DRQ;
}

static void reply(struct fake_ide_channel *c, struct fake_ide_drive *d, const u8 *data, u32 size, u32 asked)
{
    d->data = data;
    d->packet_left = size < asked ? size : asked;
    d->packet_total = 0;
    if (d->by_dma)
        fault(c->ide, "DMA for something else than a read");
    portion(c, d);
}

static void big32(u8 *at, u32 value)
{
    for (u32 i = 0; i < 4; i++)
        at[i] = (u8)(value >> (24 - 8 * i));
}

static void packet_read(struct fake_ide_channel *c, struct fake_ide_drive *d)
{
    d->lba = (u32)d->cdb[2] << 24 | (u32)d->cdb[3] << 16 | (u32)d->cdb[4] << 8 | d->cdb[5];
    d->left = (u32)d->cdb[7] << 8 | d->cdb[8];
    if (!fits(d->lba, d->left, d->blocks)) {
        sense(c, d, 5, 0x21);
    } else if (d->by_dma) {
        d->pending = true;
        d->status = BSY;
        if (c->bm_command & 1)
            dma_perform(c, d);
    } else if (d->bad_block - d->lba < d->left) {
        sense(c, d, 3, 0x11);
    } else {
        d->pio_reads++;
        reply(c, d, d->image + d->lba * 2048, d->left * 2048, d->left * 2048);
    }
}

static void packet_run(struct fake_ide_channel *c, struct fake_ide_drive *d)
{
    memset(d->buffer, 0, sizeof d->buffer);
    if (d->cdb[0] != 0x03 && d->cdb[0] != 0x12 && d->attentions) {
        d->attentions--;
        sense(c, d, 6, 0x29);
        return;
    }
    switch (d->cdb[0]) {
    case 0x00:
        if (d->removable_empty)
            sense(c, d, 2, 0x3a);
        else
            c->reg[2] = 3, end(d, 0);
        break;
    case 0x03:
        if (d->no_sense) {
            end(d, ABRT);
            break;
        }
        d->buffer[0] = 0x70;
        d->buffer[2] = d->sense_key;
        d->buffer[7] = 10;
        d->buffer[12] = d->asc;
        reply(c, d, d->buffer, 18, d->cdb[4]);
        break;
    case 0x12:
        d->buffer[0] = 5;
        d->buffer[1] = 0x80;
        d->buffer[4] = 31;
        memcpy(d->buffer + 8, "FAKE    CD              1.0 ", 28);
        reply(c, d, d->buffer, 36, d->cdb[4]);
        break;
    case 0x25:
        big32(d->buffer, (u32)d->blocks - 1);
        big32(d->buffer + 4, 2048);
        reply(c, d, d->buffer, 8, 8);
        break;
    case 0x28:
        packet_read(c, d);
        break;
    default:
        fault(c->ide, "an unknown packet");
        sense(c, d, 5, 0x20);
    }
}

/* ---- ports ------------------------------------------------------------------------------------------------------ */

static u8 status_of(struct fake_ide_channel *c)
{
    struct fake_ide_drive *d = selected(c);
    if (!c->drive[0].present && !c->drive[1].present)
        return c->floating;
    if (!d)
        return 0;
    if (is_gone(d))
        return 0xff;
    return is_silent(d) ? 0xd0 : d->status;
}

static u64 data_in(struct fake_ide_channel *c, u32 width)
{
    struct fake_ide_drive *d = selected(c);
    u16 word = 0;
    if (width != 2)
        fault(c->ide, "data port not read by words");
    if (!d || !(d->status & DRQ) || d->status & BSY) {
        fault(c->ide, "data port read without DRQ");
        return 0xffff;
    }
    memcpy(&word, d->data + d->data_at, d->data_size - d->data_at < 2 ? 1 : 2);
    d->data_at += 2;
    if (d->data_at >= d->data_size) {
        d->data += d->data_size;
        c->stale = STALE_LOOKS;
        if (d->packet && d->command == 0xa0)
            portion(c, d);
        else
            pio_next(d);
    }
    return word;
}

static u64 command_read(void *device, u32 offset, u32 width)
{
    struct fake_ide_channel *c = device;
    if (!c->drive[0].present && !c->drive[1].present)
        return c->floating;
    if (!offset)
        return data_in(c, width);
    if (offset == 7) {
        if (c->stale)
            fault(c->ide, "status read within 400 ns");
        return status_of(c);
    }
    struct fake_ide_drive *d = selected(c);
    if (d && is_gone(d))
        return 0xff;
    return offset == 1 && d ? d->error : c->reg[offset];
}

static void command_start(struct fake_ide_channel *c, struct fake_ide_drive *d, u8 command)
{
    if (!(c->control_reg & 2))
        fault(c->ide, "a command with interrupts on");
    d->commands++;
    d->command = command;
    d->error = 0;
    d->status = BSY;
    c->stale = STALE_LOOKS;
    d->wait = d->latency;
    if (!d->wait && !is_silent(d) && !is_gone(d))
        command_run(c, d);
}

static void packet_word(struct fake_ide_channel *c, struct fake_ide_drive *d, u64 value, u32 width)
{
    u32 size = d->identify[0] & 3 ? 16 : 12;
    if (width != 2 || d->command != 0xa0 || !(d->status & DRQ) || d->cdb_at >= size) {
        fault(c->ide, "data written that is no packet");
        return;
    }
    d->cdb[d->cdb_at] = (u8)value;
    d->cdb[d->cdb_at + 1] = (u8)(value >> 8);
    d->cdb_at += 2;
    if (d->cdb_at == size) {
        c->stale = STALE_LOOKS;
        d->status = BSY;
        packet_run(c, d);
    }
}

static void command_ports_write(void *device, u32 offset, u64 value, u32 width)
{
    struct fake_ide_channel *c = device;
    struct fake_ide_drive *d = selected(c);
    if (offset && any_silent(c) && offset != 6)
        fault(c->ide, "a silent drive is disturbed");
    if (offset && d && d->commands && d->status & (BSY | DRQ) && offset != 6)
        fault(c->ide, "registers written while the drive is busy");
    if (offset == 6) {
        c->reg[6] = (u8)value;
        c->stale = STALE_LOOKS;
    } else if (offset && offset < 7) {
        c->before[offset] = c->reg[offset];
        c->reg[offset] = (u8)value;
    } else if (d) {
        if (c->stale)
            fault(c->ide, "a command within 400 ns of selecting");
        if (offset)
            command_start(c, d, (u8)value);
        else
            packet_word(c, d, value, width);
    }
}

static u64 control_read(void *device, u32 offset, u32 width)
{
    struct fake_ide_channel *c = device;
    (void)width;
    if (offset != (c->control == 0x3f6 || c->control == 0x376 ? 0 : 2)) {
        fault(c->ide, "a control port that is none");
        return 0xff;
    }
    if (!c->stale || !(c->drive[0].present || c->drive[1].present))
        return status_of(c);
    c->stale--;
    return STALE;
}

static void control_write(void *device, u32 offset, u64 value, u32 width)
{
    struct fake_ide_channel *c = device;
    (void)offset, (void)width;
    bool reset = value & 4 && !(c->control_reg & 4), over = !(value & 4) && c->control_reg & 4;
    c->control_reg = (u8)value;
    if ((reset || over) && any_silent(c))
        fault(c->ide, "a silent drive is reset");
    if (c->bm_status & 1 && reset)
        fault(c->ide, "a reset during DMA");
    for (u32 i = 0; i < 2; i++) {
        struct fake_ide_drive *d = &c->drive[i];
        if (reset) {
            d->resets++;
            d->status = BSY;
            d->mode = 0;
            d->pending = d->drain = false;
            d->wait = 0;
        } else if (over && !d->reset_stuck) {
            d->status = d->packet ? 0 : DRDY;
        }
    }
    if (over) {
        c->reg[6] = 0xa0;
        signature(c, &c->drive[0]);
    }
}

static u64 master_read(void *device, u32 offset, u32 width)
{
    struct fake_ide_channel *c = device;
    u32 value = offset == 0 ? c->bm_command : offset == 2 ? c->bm_status : offset == 4 && width == 4 ? c->table : ~0u;
    return value;
}

static void master_write(void *device, u32 offset, u64 value, u32 width)
{
    struct fake_ide_channel *c = device;
    struct fake_ide_drive *d = selected(c);
    if (any_silent(c) && c->bm_status & 1)
        fault(c->ide, "the engine of a silent drive is stopped");
    if (offset == 0) {
        bool start = value & 1 && !(c->bm_command & 1);
        if (start && !(value & 8))
            fault(c->ide, "DMA in the wrong direction");
        c->bm_command = (u8)value;
        if (start)
            c->bm_status |= 1;
        else if (!(value & 1))
            c->bm_status &= (u8)~1;
        if (start && d && d->pending && !d->wait)
            dma_perform(c, d);
    } else if (offset == 2) {
        c->bm_status = (u8)((value & 0x60) | (c->bm_status & 1) | (c->bm_status & ~value & 6));
    } else if (offset == 4 && width == 4) {
        if (value & 3)
            fault(c->ide, "a PRD table that is not aligned");
        c->table = (u32)value;
    } else {
        fault(c->ide, "a bus master register that is none");
    }
}

static void relax(void *device)
{
    struct fake_ide_channel *c = device;
    for (u32 i = 0; i < 2; i++) {
        struct fake_ide_drive *d = &c->drive[i];
        if (!d->present || !d->wait || --d->wait || is_silent(d))
            continue;
        command_run(c, d);
        if (d->pending && c->bm_command & 1)
            dma_perform(c, d);
    }
}

/* ---- putting it together ---------------------------------------------------------------------------------------- */

void fake_ide_init(struct fake_ide *ide, u8 slot, u8 interface)
{
    memset(ide, 0, sizeof *ide);
    ide->function.at = (u16)(slot << 3);
    fake_put16(ide->function.config, 0x8086);
    ide->function.config[9] = interface;
    for (u32 n = 0; n < 2; n++) {
        struct fake_ide_channel *c = &ide->channel[n];
        bool native = interface >> 2 * n & 1;
        c->ide = ide;
        c->floating = 0xff;
        c->command = native ? 0xc000 + n * 0x20u : n ? 0x170 : 0x1f0;
        c->control = native ? 0xc010 + n * 0x20u : n ? 0x376 : 0x3f6;
        c->master = 0xc100 + n * 8;
        if (native) {
            fake_put32(ide->function.config + 0x10 + n * 8, (u32)c->command | 1);
            fake_put32(ide->function.config + 0x14 + n * 8, (u32)c->control | 1);
        }
    }
    if (interface & 0x80)
        fake_put32(ide->function.config + 0x20, 0xc101);
}

static void text_words(u16 *words, const char *text)
{
    for (u32 i = 0; i < 20; i++)
        words[i] = (u16)((*text ? *text++ : ' ') << 8), words[i] |= (u16)(*text ? *text++ : ' ');
}

static struct fake_ide_drive *drive_make(struct fake_ide *ide, u32 channel, u32 unit, const u8 *image, u64 blocks,
                                         u32 block_size)
{
    struct fake_ide_drive *d = &ide->channel[channel].drive[unit];
    d->present = true;
    d->image = image;
    d->blocks = blocks;
    d->block_size = block_size;
    d->bad_block = ~0ull;
    d->status = DRDY;
    d->identify[49] = 0x300;
    d->identify[53] = 7;
    d->identify[63] = 7;
    d->identify[88] = 0x203f; /* UDMA 5 is chosen */
    d->mode = 0x45;
    return d;
}

struct fake_ide_drive *fake_ide_disk(struct fake_ide *ide, u32 channel, u32 unit, const u8 *image, u64 blocks,
                                     u32 block_size)
{
    struct fake_ide_drive *d = drive_make(ide, channel, unit, image, blocks, block_size);
    u16 *w = d->identify;
    w[0] = 0x40;
    text_words(w + 27, "FAKE HARDDISK");
    w[60] = (u16)(blocks > 0xfffffff ? 0xffff : blocks);
    w[61] = (u16)(blocks > 0xfffffff ? 0x0fff : blocks >> 16);
    w[83] = 0x4400;
    for (u32 i = 0; i < 4; i++)
        w[100 + i] = (u16)(blocks >> 16 * i);
    if (block_size != 512) {
        w[106] = 0x5000;
        w[117] = (u16)(block_size / 2);
    }
    return d;
}

struct fake_ide_drive *fake_ide_cd(struct fake_ide *ide, u32 channel, u32 unit, const u8 *image, u64 blocks)
{
    struct fake_ide_drive *d = drive_make(ide, channel, unit, image, blocks, 2048);
    d->packet = true;
    d->identify[0] = 0x8580;
    text_words(d->identify + 27, "FAKE CD");
    return d;
}

void fake_ide_plug(struct fake_ide *ide)
{
    const struct fake_function *function = ide->isa ? NULL : &ide->function;
    if (!ide->isa)
        fake_function_add(&ide->function, ide->function.at, 0x8086, 0x7010, 0x0101);
    for (u32 n = 0; n < 2; n++) {
        struct fake_ide_channel *c = &ide->channel[n];
        struct fake_function *f = (struct fake_function *)function;
        c->regions[0] = (struct fake_region){f, true, &c->command, 8, command_read, command_ports_write, c};
        c->regions[1] = (struct fake_region){f, true, &c->control, c->control < 0x1000 ? 1 : 4, control_read,
                                             control_write, c};
        c->regions[2] = (struct fake_region){f, true, &c->master, 8, master_read, master_write, c};
        for (u32 i = 0; i < (ide->isa ? 2 : 3); i++)
            fake_region_add(&c->regions[i]);
        for (u32 i = 0; i < 2; i++) {
            struct fake_ide_drive *d = &c->drive[i];
            if (d->busy || d->data_waiting)
                d->status = d->busy ? BSY : DRDY | DRQ;
            else if (d->zero_status)
                d->status = 0;
        }
        fake_relax_add(relax, c);
    }
}
