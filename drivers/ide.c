/* ide.c: IDE disks and CDs, by bus-master DMA or by PIO.
 *
 * PCI IDE Controller Specification 1.0 for where registers are; ATA/ATAPI-6 and bus masters in ide_drive.c. One command
 * at a time: a channel can do no more, and two channels at once are not worth it. Left out on purpose: writing, CHS,
 * and choosing transfer modes: firmware and emulators have done that, with the controller's timing, in registers that
 * differ from chip to chip; a drive for which none is chosen is read by PIO. tests/unit/test_ide.c (drives that lie);
 * `-hda`, `-cdrom`, `-device piix4-ide`, `-M q35 -device isa-ide` under QEMU.
 */
#include "ata.h"
#include "ide.h"
#include "io.h"
#include "memory.h"
#include "print.h"

#define INTERFACE_NATIVE(channel) (1u << 2 * (channel)) /* PCI IDE 1.0 §2.4; clear: the ports of the PC/AT */
#define INTERFACE_MASTER 0x80

#define BM_CHANNEL 8 /* BMIDE §2: from one channel's registers to the next */

#define DMA_TRIES 2u
#define TRIES 6u

struct search {
    struct disk_list *disks;
    u32 at_places[2]; /* controllers that tell of the PC/AT's places */
    bool claimed[2];  /* these have been looked at */
};

static const u16 at_command[2] = {0x1f0, 0x170}, at_control[2] = {0x3f6, 0x376};

extern const struct block_driver disk_ide; /* by tables.c */

/* ---- reading ---------------------------------------------------------------------------------------------------- */

/* One command of a CD; *again: it may help to try again; *failed: the transfer did, not the medium. */
static enum error packet_read(struct ide_drive *d, u64 lba, u32 blocks, u8 *buf, bool *again, bool *failed)
{
    u8 cdb[SCSI_CDB_MAX];
    struct scsi_result result;
    scsi_read_cdb(&d->scsi, lba, blocks, cdb);
    enum error error = ide_packet_command(&d->scsi, cdb, buf, blocks * d->block_size, &result);
    *failed = *again = error || (result.status == SCSI_CHECK_CONDITION && !result.key);
    if (error)
        return error_add(error, "%s: read of block %lu (%u blocks)", d->disk->name, lba, blocks);
    bool passing;
    error = scsi_read_result(&d->scsi, d->disk->name, &result, lba, blocks, &passing);
    *again |= passing;
    return error;
}

/* One command's worth of blocks, tried again where that may help: as it was, then without DMA. */
static enum error blocks_read(struct ide_drive *d, u64 lba, u32 blocks, u8 *buf)
{
    u32 failures = 0;
    enum error error = OK;
    bool again = true;
    for (u32 i = 0; i < TRIES && again; i++) {
        bool failed = true;
        again = false;
        d->dma_now = d->dma && failures < DMA_TRIES;
        error = d->packet ? packet_read(d, lba, blocks, buf, &again, &failed)
                          : ide_disk_read(d, lba, blocks, buf, &again);
        if (error == OK || d->disk->dead)
            break;
        failures += failed;
    }
    if (error)
        return error;
    if (d->dma && !d->dma_now) {
        warn("%s: DMA does not work, reading without it from now on: %s", d->disk->name, error_text());
        d->dma = false;
    }
    error_clear();
    return OK;
}

static enum error span_read(struct ide_drive *d, const struct block_span *span)
{
    u64 lba = span->lba;
    u8 *buf = span->buf;
    for (u32 left = span->blocks; left;) {
        u32 part = (u32)min_u64(left, d->command_blocks);
        enum error error = blocks_read(d, lba, part, buf);
        if (error)
            return error;
        lba += part, left -= part, buf += part * d->block_size;
    }
    return OK;
}

static enum error ide_read(struct block_device *disk, const struct block_span *spans, u32 count)
{
    enum error error = OK;
    for (u32 i = 0; i < count && error == OK; i++)
        error = span_read(disk->state, &spans[i]);
    return error;
}

/* Nothing is in flight between reads, and an idle drive is as after power on: it needs no reset, over which it might
 * forget its transfer mode. */
static void ide_quiesce(struct block_device *disk)
{
    struct ide_drive *d = disk->state;
    struct ide_channel *c = d->channel;
    if (disk->dead)
        return;
    ide_channel_end(c);
    if (!--c->controller->live && c->controller->is_pci)
        pci_disable(&c->controller->pci);
}

/* ---- finding them ----------------------------------------------------------------------------------------------- */

/* The transfer mode that is chosen: 0, or as SET FEATURES takes it. */
static u8 mode_chosen(const u16 *words)
{
    u32 udma = words[53] & 4 ? words[88] >> 8 & 0x7f : 0, mwdma = words[63] >> 8 & 7;
    if (udma)
        return (u8)(MODE_UDMA | (31 - __builtin_clz(udma)));
    return mwdma ? (u8)(MODE_MWDMA | (31 - __builtin_clz(mwdma))) : 0;
}

static enum error geometry_read(struct ide_drive *d, const u16 *words, struct block_device *disk, char *model, u32 room)
{
    struct ata_identity identity;
    enum error error = ata_identify_read(d->where, words, d->packet, &identity);
    if (error)
        return error;
    d->lba48 = identity.lba48;
    d->mode = mode_chosen(words);
    d->dma = identity.dma && d->mode && d->channel->prd;
    d->packet_dma = PACKET_DMA | (words[62] & 0x8000 ? PACKET_TO_HOST : 0);
    d->packet_size = (u32)min_u64(identity.packet_size, SCSI_CDB_MAX);
    disk->block_size = identity.block_size;
    disk->block_count = identity.block_count;
    format_text(model, room, "%s", identity.model);
    u64 blocks = identity.lba48 ? 65536 : 256;
    if (d->packet) {
        d->scsi = (struct scsi_unit){.where = d->where, .atapi = true, .command = ide_packet_command, .carrier = d};
        error = scsi_start(&d->scsi);
        if (error)
            return error;
        disk->block_size = d->scsi.block_size;
        disk->block_count = d->scsi.block_count;
        disk->removable = d->scsi.removable;
        blocks = scsi_blocks_max(&d->scsi);
    }
    d->block_size = disk->block_size;
    d->command_blocks = (u32)min_u64(blocks, max_u64(IDE_REQUEST_BYTES / disk->block_size, 1));
    disk->max_blocks = (u32)(IDE_REQUEST_BYTES / disk->block_size); /* in several commands, if need be */
    disk->dma_align = 2;
    disk->dma_end = d->dma ? GIB(4) : 0;
    return OK;
}

static enum error drive_start(struct ide_drive *d, u32 channel, struct search *search)
{
    struct ide_controller *controller = d->channel->controller;
    struct block_device disk = {.driver = &disk_ide, .state = d};
    u16 words[ATA_IDENTIFY_WORDS];
    char model[41];
    enum error error = ide_identify(d, words);
    if (error == OK)
        error = geometry_read(d, words, &disk, model, sizeof model);
    if (error)
        return error;
    if (controller->is_pci) {
        disk.place = (struct disk_place){.bus = BUS_PCI, .address = controller->pci.at};
        format_text(disk.place.unit, sizeof disk.place.unit, "drive@%u/disk@%u", channel, d->unit);
    }
    d->disk = disk_add(search->disks, d->packet && d->scsi.type == SCSI_TYPE_CD ? "sr" : "sd", &disk);
    if (!d->disk)
        return ERR_NOT_FOUND;
    controller->live++;
    say_verbose("%s: %s, %s, %lu blocks of %u bytes, read by %s", d->disk->name, d->where, model,
                d->disk->block_count, d->disk->block_size, d->dma ? "DMA" : "PIO");
    return OK;
}

/* Memory for DMA. Without it there is still PIO. */
static void engine_start(struct ide_channel *c)
{
    c->prd = c->prd ? c->prd : arena_alloc(IDE_PRDS * sizeof *c->prd, PAGE_SIZE); /* so it crosses no 64 KiB */
    error_clear();
}

static void channel_probe(struct ide_channel *c, u32 number, struct search *search)
{
    if (device_is_lost(c->where)) {
        warn("%s: did not answer before, left alone", c->where);
        return;
    }
    for (u32 i = 0; i < 2 && !device_is_lost(c->where); i++) {
        struct ide_drive *d = &c->drive[i];
        d->channel = c;
        d->unit = (u8)i;
        format_text(d->where, sizeof d->where, "%s drive %u", c->where, i);
        if (!ide_answers(d))
            continue;
        if (c->master)
            engine_start(c);
        enum error error = drive_start(d, number, search);
        if (error == ERR_NOT_FOUND && d->packet) {
            say_verbose("%s", error_text());
            error_clear();
        } else if (error != OK && error != ERR_NOT_MINE) {
            error_show();
        }
    }
}

/* Where channel n of a controller has its registers; false when it has none. */
static bool channel_ports(struct ide_channel *c, u32 n, struct search *search)
{
    const struct pci_device *pci = &c->controller->pci;
    struct pci_bar command, control, master;
    format_text(c->where, sizeof c->where, "pci %02x:%02x.%x channel %u", PCI_NAME(pci), n);
    bool native = pci->interface & INTERFACE_NATIVE(n);
    /* Of several controllers at the same ports, nobody tells whose drives and whose engine belong together. */
    if (pci->interface & INTERFACE_MASTER && (native || search->at_places[n] == 1) && pci_bar(pci, 4, &master) &&
        master.is_io)
        c->master = (u16)(master.address + n * BM_CHANNEL);
    if (!native) {
        c->command = at_command[n];
        c->control = at_control[n];
        bool first = !search->claimed[n];
        search->claimed[n] = true;
        return first;
    }
    if (!pci_bar(pci, n * 2, &command) || !command.is_io || !pci_bar(pci, n * 2 + 1, &control) || !control.is_io) {
        say_verbose("%s: its ports have no address", c->where);
        return false;
    }
    c->command = (u16)command.address;
    c->control = (u16)(control.address + 2); /* PCI IDE 1.0 §2.5 */
    return true;
}

static void places_count(const struct pci_device *device, void *context)
{
    struct search *search = context;
    for (u32 n = 0; n < 2 && device->class == PCI_CLASS_IDE; n++)
        search->at_places[n] += !(device->interface & INTERFACE_NATIVE(n));
}

static void controller_found(const struct pci_device *device, void *context)
{
    if (device->class != PCI_CLASS_IDE)
        return;
    struct ide_controller *controller = arena_alloc(sizeof *controller, 8);
    if (!controller) {
        error_show();
        return;
    }
    controller->pci = *device;
    controller->is_pci = true;
    bool there[2];
    for (u32 n = 0; n < 2; n++) {
        controller->channel[n].controller = controller;
        there[n] = channel_ports(&controller->channel[n], n, context);
    }
    pci_enable(&controller->pci); /* behind pci_bar(), which may give out addresses */
    for (u32 n = 0; n < 2; n++)
        if (there[n])
            channel_probe(&controller->channel[n], n, context);
    if (!controller->live && !device_is_lost(controller->channel[0].where) &&
        !device_is_lost(controller->channel[1].where))
        pci_disable(&controller->pci);
}

/* The places of the PC/AT where no PCI controller has them: `-device isa-ide`. Nobody tells what is there, so only what
 * looks like an idle drive is written to; ports without a device read as ones, or (Firecracker) as what went before. */
static void at_probe(struct search *search)
{
    struct ide_controller *controller = NULL;
    for (u32 n = 0; n < 2; n++) {
        if (search->claimed[n] || io_in8(at_control[n]) & (ATA_STATUS_BSY | ATA_STATUS_DRQ))
            continue;
        if (!controller)
            controller = arena_alloc(sizeof *controller, 8);
        if (!controller) {
            error_show();
            return;
        }
        struct ide_channel *c = &controller->channel[n];
        c->controller = controller;
        c->command = at_command[n];
        c->control = at_control[n];
        format_text(c->where, sizeof c->where, "ports %x channel %u", c->command, n);
        channel_probe(c, n, search);
    }
}

static void ide_probe(const struct boot_info *boot, struct disk_list *disks)
{
    struct search search = {.disks = disks};
    (void)boot;
    pci_scan(places_count, &search);
    pci_scan(controller_found, &search);
    at_probe(&search);
}

const struct block_driver disk_ide = {"ide", ide_probe, ide_read, ide_quiesce};
