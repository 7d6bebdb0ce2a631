/* ata.h: what AHCI and IDE have in common: commands, IDENTIFY data, errors in words.
 *
 * INCITS 452 (ATA8-ACS), ATA/ATAPI-4 for what older disks tell.
 */
#ifndef DRIVERS_ATA_H
#define DRIVERS_ATA_H

#include "base.h"
#include "error.h"

/* ACS §7 */
#define ATA_READ_SECTORS 0x20
#define ATA_READ_SECTORS_EXT 0x24
#define ATA_READ_DMA_EXT 0x25
#define ATA_READ_DMA 0xc8
#define ATA_PACKET 0xa0
#define ATA_IDENTIFY_PACKET_DEVICE 0xa1
#define ATA_IDENTIFY_DEVICE 0xec
#define ATA_SET_FEATURES 0xef

/* ACS §6.2, §6.3: status and error registers */
#define ATA_STATUS_ERR 0x01
#define ATA_STATUS_DRQ 0x08
#define ATA_STATUS_DF 0x20
#define ATA_STATUS_DRDY 0x40
#define ATA_STATUS_BSY 0x80
#define ATA_ERROR_ABRT 0x04
#define ATA_ERROR_IDNF 0x10
#define ATA_ERROR_UNC 0x40
#define ATA_ERROR_ICRC 0x80

#define ATA_IDENTIFY_WORDS 256u

struct ata_identity {
    bool packet;        /* an ATAPI device: block_size and block_count are not told here */
    bool lba48;
    bool dma;           /* can do READ DMA */
    u8 mwdma, udma;     /* bit sets of supported modes; 0: none */
    u32 block_size;     /* logical, bytes */
    u64 block_count;
    u32 packet_size;    /* 12 or 16 */
    char model[41];     /* printable, trimmed */
};

/* Read the 256 words of IDENTIFY (PACKET) DEVICE. ERR_UNSUPPORTED or ERR_CORRUPT with a sentence that begins with
 * `where`: no LBA (CHS only), no sectors, a block size that is none. */
enum error ata_identify_read(const char *where, const u16 *words, bool packet, struct ata_identity *identity);

/* The status and error registers of a failed command in words, at most room bytes with the NUL: "uncorrectable data
 * (status 51, error 40)". */
void ata_error_words(u8 status, u8 error, char *out, u32 room);

#endif
