/* scsi.h: SCSI disks and CDs, whatever carries the commands: virtio-scsi, and ATAPI over AHCI and IDE.
 *
 * SPC-4, SBC-3, MMC-6; INCITS 452 (ATA8-ACS) §4.3 for what ATAPI lacks. A carrier fills a struct scsi_unit and gets
 * geometry, CDBs and sentences from here.
 */
#ifndef DRIVERS_SCSI_H
#define DRIVERS_SCSI_H

#include "base.h"
#include "error.h"

#define SCSI_CDB_MAX 16u
#define SCSI_SENSE_MAX 96u

#define SCSI_TEST_UNIT_READY 0x00

/* SAM-5 §5.3.1 status codes */
#define SCSI_GOOD 0x00
#define SCSI_CHECK_CONDITION 0x02
#define SCSI_BUSY 0x08
#define SCSI_TASK_ABORTED 0x40

#define SCSI_KEY_UNIT_ATTENTION 0x6 /* SPC-4 §4.5.6 */

/* SPC-4 §6.4.2 peripheral device types */
#define SCSI_TYPE_DISK 0x00
#define SCSI_TYPE_CD 0x05
#define SCSI_TYPE_NONE 0x1f

/* How a command ended. */
struct scsi_result {
    u8 status;     /* SCSI_GOOD, … */
    u8 key;        /* sense: all 0 when there is none */
    u8 asc, ascq;
    u32 received;  /* bytes that the device gave */
};

struct scsi_unit {
    const char *where; /* "pci 00:04.0 target 1 lun 0", for sentences; outlives the unit */
    bool atapi;        /* 12-byte CDBs; no READ (16), no READ CAPACITY (16) */

    /* Carry out cdb (SCSI_CDB_MAX bytes, filled up with zeros; 12 of them count for ATAPI), reading at most size bytes
     * to buf (NULL: no data phase). OK with *result however the device ended it, the carrier having fetched sense data
     * (scsi_sense_read()); ERR_IO or ERR_TIMEOUT with a sentence when there was no answer. */
    enum error (*command)(struct scsi_unit *unit, const u8 *cdb, void *buf, u32 size, struct scsi_result *result);
    void *carrier; /* the carrier's own */

    /* By scsi_start(). */
    u8 type; /* SCSI_TYPE_DISK or SCSI_TYPE_CD */
    bool removable, long_reads; /* READ (16) is needed */
    u32 block_size;
    u64 block_count;
    char model[32]; /* vendor and product, printable */
    u32 blocks_max; /* most per command, as the unit tells; 0: no limit. See scsi_blocks_max() */
};

/* A field of 4 bytes as SCSI has them, the highest first. */
u32 scsi_number(const u8 *at);

/* Fixed (70h, 71h) or descriptor (72h, 73h) sense data, SPC-4 §4.5: key, asc, ascq; zeros when it is neither. */
void scsi_sense_read(const u8 *sense, u32 size, struct scsi_result *result);

/* The CDB of REQUEST SENSE (SPC-4 §6.39), for carriers that have to ask. */
void scsi_sense_cdb(u8 cdb[SCSI_CDB_MAX], u8 size);

/* INQUIRY, TEST UNIT READY until it is (unit attentions are passed over; a unit that becomes ready is waited for, up to
 * 5 s), READ CAPACITY (10, then 16 where that is not enough). ERR_NOT_MINE, silently: no unit there, or neither disk
 * nor CD. ERR_NOT_FOUND, with a sentence: no medium. Else ERR_IO, ERR_TIMEOUT, ERR_UNSUPPORTED with a sentence. */
enum error scsi_start(struct scsi_unit *unit);

/* The CDB that reads blocks at lba: READ (10) or READ (16). blocks <= scsi_blocks_max(unit), > 0. */
void scsi_read_cdb(const struct scsi_unit *unit, u64 lba, u32 blocks, u8 cdb[SCSI_CDB_MAX]);
u32 scsi_blocks_max(const struct scsi_unit *unit);

/* OK for a read of `blocks` at lba that ended well and whole; else ERR_IO with a sentence: "sr0: read of block 16 (32
 * blocks): medium error, unrecovered read error (sense 3/11/00)". *again is set when asking once more may help (unit
 * attention, busy, aborted command). */
enum error scsi_read_result(const struct scsi_unit *unit, const char *name, const struct scsi_result *result, u64 lba,
                            u32 blocks, bool *again);

#endif
