/* ahci.h: AHCI controllers and their ports, between ahci_port.c (how a port and its device are talked to) and ahci.c
 * (finding and reading disks). Serial ATA AHCI 1.3.1.
 */
#ifndef DRIVERS_AHCI_H
#define DRIVERS_AHCI_H

#include "ata.h"
#include "block.h"
#include "io.h"
#include "pci.h"
#include "scsi.h"

/* §3.3 port registers */
#define PORT_BASE 0x100u
#define PORT_PITCH 0x80u
#define PXCMD 0x18
#define PXSSTS 0x28
#define CMD_SUD 0x2u
#define CMD_POD 0x4u
#define CMD_ICC 0xf0000000u
#define CMD_ICC_ACTIVE 0x10000000u
#define DET 15u
#define DET_PRESENT 1u /* but no communication (yet) */
#define DET_LINK 3u
#define SIG_DISK 0x00000101u
#define SIG_PACKET 0xeb140101u
#define SIG_ENCLOSURE 0xc33c0101u
#define SIG_MULTIPLIER 0x96690101u
#define SIG_NONE 0xffffffffu

#define LINK_MS 1000u
#define SPIN_UP_MS 30000u /* from power on to a disk that reads */

#define SLOTS_MAX 8u /* the disk takes one at a time: enough that it does not wait for us */

struct ahci_hba {
    struct pci_device pci;
    char where[16]; /* "pci 00:1f.2" */
    u64 registers;
    u32 cap, pi;       /* as firmware left them */
    u32 ports;         /* bit set */
    u32 started, lost; /* bit sets of ports: that we have begun to use, that do not answer */
    bool quiet;        /* the disks are quiesced, all at once */
};

struct ahci_port {
    struct ahci_hba *hba;
    u64 registers;
    u32 number;
    char where[24]; /* "pci 00:1f.2 port 1" */
    struct ahci_memory *memory; /* ahci_port.c's own; NULL: not started */
    struct block_device *disk; /* NULL while probing */
    u32 slots;
    u32 issued;                /* bit set of slots that the controller has */
    const struct block_span *span[SLOTS_MAX]; /* what they read; of a disk only */
    struct ata_identity identity;
    struct scsi_unit unit;     /* when identity.packet */
    bool down;                 /* nothing runs there any more */
    u32 fault, tfd, serr, waited_ms; /* how the last failure looked: PxIS, PxTFD, PxSERR */
};

/* Where port n has its registers. */
static inline u64 ahci_port_registers(const struct ahci_hba *h, u32 n)
{
    return h->registers + PORT_BASE + PORT_PITCH * n;
}

/* Wait until the masked bits of the register at an address read as `value`; false when they do not in time. */
bool ahci_wait_until(u64 address, u32 mask, u32 value, struct deadline *deadline);
bool ahci_wait(u64 address, u32 mask, u32 value, u32 ms);

/* Stop what the port does in memory; only p->registers is looked at. False when it does not stop. */
bool ahci_port_stop(const struct ahci_port *p);

/* Give the port its memory, and wait for the device's first FIS, which tells what it is. ERR_NO_MEMORY, or ERR_TIMEOUT
 * with a sentence. */
enum error ahci_port_start(struct ahci_port *p, struct deadline *spin_up, u32 *signature);

/* IDENTIFY (PACKET) DEVICE: p->identity. Errors of ata_identify_read(), ERR_IO, ERR_TIMEOUT, with a sentence. */
enum error ahci_port_identify(struct ahci_port *p, bool packet);

/* A port that is silent: it and its disk are lost, with all that they were given. */
void ahci_leave_alone(struct ahci_port *p);

/* read() of a disk. */
enum error ahci_disk_read(struct ahci_port *p, const struct block_span *spans, u32 count);

/* command() of a packet device's struct scsi_unit, whose carrier is a struct ahci_port; size even. */
enum error ahci_packet_command(struct scsi_unit *unit, const u8 *cdb, void *buf, u32 size, struct scsi_result *result);

#endif
