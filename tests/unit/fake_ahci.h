/* fake_ahci.h: an AHCI controller with disks and CDs on the fake PCI bus, that can also lie.
 *
 * The layouts here are written down a second time, as numbers, so that they do not inherit the driver's mistakes.
 */
#ifndef FAKE_AHCI_H
#define FAKE_AHCI_H

#include "fake_pci.h"

#define FAKE_AHCI_PORTS 6u
#define FAKE_AHCI_DISK 0x00000101u
#define FAKE_AHCI_CD 0xeb140101u

/* What a command that touches bad_block ends in. */
enum fake_ahci_fault { FAKE_TASK_FILE, FAKE_INTERFACE, FAKE_SHORT, FAKE_UNPLUGGED, FAKE_SILENT };

struct fake_ahci_port {
    /* What is plugged in: signature 0: nothing. */
    u32 signature;
    u16 identify[256];
    const u8 *image; /* NULL: zeros */
    u64 blocks;
    u32 block_size;
    bool no_medium;

    /* How it behaves. */
    bool asleep;        /* nobody has spun it up */
    bool running;       /* firmware has left it at work */
    bool halfway;       /* … in the midst of a transfer */
    bool stuck;         /* the list never comes to rest */
    bool never;         /* no answers at all */
    bool no_signature;  /* until COMRESET */
    u32 link_late, spin_up; /* calls of cpu_relax() until there is a link, until it is ready */
    u64 bad_block;      /* ~0: none */
    u32 bad_times;      /* how often; ~0: for ever */
    enum fake_ahci_fault fault;
    u8 status, error;
    u32 attentions;     /* unit attentions that a CD has to tell */
    bool no_sense;      /* a CD that fails REQUEST SENSE, too */

    /* What it saw. */
    u32 commands, in_flight_max, comresets, blocks_max;
    u8 last_code;

    /* Its state. */
    u32 clb, clbu, fb, fbu, is, ie, cmd, tfd, sig, det, sctl, serr, ci, waited, starting;
    u32 last_slot;
    u64 data_at; /* where its last data went, and how much there was room for */
    u32 data_size;
    u8 sense[3];
    bool gone;
};

struct fake_ahci {
    struct fake_function function, bridge; /* bridge: function 0 of the slot */
    struct fake_region memory;
    u64 bar;
    u32 cap, implemented, version;
    bool bios_owns, bios_busy, bios_keeps;
    bool reset_stuck, forgets;  /* forgets: CAP and PI read 0 after a reset, until they are written */
    bool goes_on;       /* QEMU: a failed command does not stop the others */
    u32 late;           /* calls of cpu_relax() before each answer */
    void (*on_answer)(struct fake_ahci *f, struct fake_ahci_port *p); /* may change what it wrote (fuzzing) */
    struct fake_ahci_port port[FAKE_AHCI_PORTS];

    const char *fault;  /* the first thing a driver must not do */
    u32 resets;
    u32 touches;        /* writes to registers of ports */

    u32 ghc, cap_now, implemented_now, pi;
    u32 bohc;
};

/* A controller in slot 31, function 2, with nothing plugged in. */
void fake_ahci_init(struct fake_ahci *f);

/* A disk of `blocks` blocks of block_size bytes, or a CD of 2048-byte ones, at a port. */
void fake_ahci_disk(struct fake_ahci *f, u32 port, const u8 *image, u64 blocks, u32 block_size);
void fake_ahci_cd(struct fake_ahci *f, u32 port, const u8 *image, u64 blocks);

/* Write configuration space from the fields and enter it. */
void fake_ahci_plug(struct fake_ahci *f);

#endif
