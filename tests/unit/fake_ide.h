/* fake_ide.h: an IDE controller with up to four drives that can lie.
 *
 * ATA/ATAPI-6, PCI IDE Controller Specification 1.0, Programming Interface for Bus Master IDE Controller 1.0, as
 * numbers.
 */
#ifndef FAKE_IDE_H
#define FAKE_IDE_H

#include "fake_pci.h"

#define FAKE_IDE_WORDS 256

struct fake_ide_drive {
    bool present, packet;
    u16 identify[FAKE_IDE_WORDS];
    const u8 *image;
    u64 blocks;
    u32 block_size;
    bool removable_empty;  /* no medium */
    u32 attentions;        /* unit attentions to tell first */
    u32 portion;           /* of packet data by PIO; 0: as much as allowed */
    u32 latency;           /* relaxes that each command takes */
    bool zero_status;      /* status 0 until the first command, as of a CD after its reset */

    /* lies and failures */
    u64 bad_block;         /* reading it fails … */
    u8 bad_error;          /* … with this error register; of a CD: medium error */
    bool refuses_dma;      /* aborts reads by DMA */
    u32 crc_errors;        /* reads by DMA that fail first */
    u32 engine_errors;     /* reads by DMA that the controller fails */
    bool short_dma;        /* ends well before all data came */
    bool fewer, more;      /* PIO blocks than asked for */
    bool device_fault;
    u32 silent_after;      /* commands, until it is busy for ever; 0: never */
    u32 gone_after;        /* commands, until it is not there */
    bool busy, data_waiting; /* at the beginning, until a reset */
    bool reset_stuck;
    u8 reason;             /* wrong phase of packet data; 0: right */
    bool zero_bytes, endless;
    bool no_packet;        /* never asks for the command */
    bool no_sense;         /* fails REQUEST SENSE too */

    /* what happened */
    u32 commands, dma_reads, pio_reads, resets, modes_set;

    /* inside */
    u8 status, error, command, sense_key, asc, mode;
    u64 lba;
    u32 left;              /* blocks */
    const u8 *data;        /* what the data port gives */
    u32 data_at, data_size, packet_left;
    u8 buffer[4096], cdb[16];
    u32 cdb_at, wait, packet_total;
    bool by_dma, pending, drain;
};

struct fake_ide_channel {
    struct fake_ide *ide;
    struct fake_ide_drive drive[2];
    u8 floating;           /* what reads without any drive */
    u64 command, control, master; /* ports */
    u8 reg[8], before[8], control_reg;
    u8 bm_command, bm_status;
    u32 table;
    u32 stale;             /* looks at the status that mean nothing */
    struct fake_region regions[3];
};

struct fake_ide {
    struct fake_function function;
    bool isa;
    struct fake_ide_channel channel[2];
    const char *fault; /* the first thing that a driver must not do */
};

/* An empty controller at device number `slot` of bus 0 (isa: at the PC/AT's ports), programming interface as given,
 * native ports from c000h on. */
void fake_ide_init(struct fake_ide *ide, u8 slot, u8 interface);

/* A disk, and a CD, as QEMU's are; IDENTIFY can be changed before plugging. */
struct fake_ide_drive *fake_ide_disk(struct fake_ide *ide, u32 channel, u32 unit, const u8 *image, u64 blocks,
                                     u32 block_size);
struct fake_ide_drive *fake_ide_cd(struct fake_ide *ide, u32 channel, u32 unit, const u8 *image, u64 blocks);

/* Into the machine. */
void fake_ide_plug(struct fake_ide *ide);

#endif
