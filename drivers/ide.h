/* ide.h: IDE controllers, their channels and drives, between ide_drive.c (how a drive is talked to) and ide.c (finding
 * and reading them).
 */
#ifndef DRIVERS_IDE_H
#define DRIVERS_IDE_H

#include "block.h"
#include "pci.h"
#include "scsi.h"

/* BMIDE §1.2: a region of memory, within 64 KiB; a size of 0 is 64 KiB */
struct prd {
    u32 address;
    u16 size;
    u16 flags;
};
_Static_assert(sizeof(struct prd) == 8, "BMIDE 1.0 §1.2");
#define PRD_BYTES KIB(64)

#define IDE_REQUEST_BYTES MIB(2) /* most per command, so that slow ones end in time too */
#define IDE_PRDS (IDE_REQUEST_BYTES / PRD_BYTES + 1)

/* Values of SET FEATURES and of PACKET's features. */
#define MODE_MWDMA 0x20
#define MODE_UDMA 0x40
#define PACKET_DMA 0x01
#define PACKET_TO_HOST 0x04 /* ATA/ATAPI-7: DMADIR, for drives behind SATA bridges that want it (word 62, bit 15) */

struct ide_drive {
    struct ide_channel *channel;
    u8 unit;
    bool packet, lba48;
    bool dma;           /* it works */
    bool dma_now;       /* the next read goes by it */
    u8 mode;            /* transfer mode as SET FEATURES counts them; 0: none is chosen */
    u8 packet_dma;      /* features of PACKET by DMA */
    u8 error;           /* error register after the last failure; 0: it was of another kind */
    u32 block_size;
    u32 packet_size;    /* 12 or 16 */
    u32 command_blocks; /* most per command */
    struct block_device *disk;
    struct scsi_unit scsi;
    char where[32];
};

struct ide_channel {
    struct ide_controller *controller;
    u16 command, control, master; /* ports; master 0: no DMA */
    struct prd *prd;
    u64 target, target_size;      /* what DMA was started for; size 0: it is not running */
    struct ide_drive drive[2];
    char where[32];
};

struct ide_controller {
    struct pci_device pci;
    bool is_pci;
    u32 live; /* disks that are neither dead nor quiesced */
    struct ide_channel channel[2];
};

/* Whether there are registers to write to; a drive 1 that is not there passes where drive 0 answers for it. */
bool ide_answers(struct ide_drive *d);

/* The words of IDENTIFY (PACKET) DEVICE, and d->packet. ERR_NOT_MINE, silently: there is no drive; else ERR_IO or
 * ERR_TIMEOUT with a sentence. */
enum error ide_identify(struct ide_drive *d, u16 *words);

/* One command of a disk: blocks <= d->command_blocks at lba to buf, by DMA with d->dma_now. ERR_IO or ERR_TIMEOUT with
 * a sentence; the drive has been reset if need be, or its disk is dead; *again tells that it may help to try again. */
enum error ide_disk_read(struct ide_drive *d, u64 lba, u32 blocks, u8 *buf, bool *again);

/* command() of a CD's struct scsi_unit, whose carrier is a struct ide_drive; 512 bytes and more go by DMA with
 * d->dma_now. */
enum error ide_packet_command(struct scsi_unit *unit, const u8 *cdb, void *buf, u32 size, struct scsi_result *result);

/* No DMA, drive 0 selected, interrupts allowed: as after power on. */
void ide_channel_end(struct ide_channel *c);

#endif
