/* fake_nvme.h: an NVMe controller with namespaces on the fake PCI bus, that can also lie.
 *
 * The layouts here are written down a second time, as numbers, so that they do not inherit the driver's mistakes.
 */
#ifndef FAKE_NVME_H
#define FAKE_NVME_H

#include "fake_pci.h"

#define FAKE_NVME_NAMESPACES 4u
#define FAKE_NVME_ENTRIES 256u
#define FAKE_NVME_GONE 0xffffffffu

struct fake_nvme_queue {
    u64 sq, cq; /* addresses; 0: not there */
    u32 sq_entries, cq_entries, sq_head, sq_tail, cq_head, cq_tail, phase;
    u8 pending[FAKE_NVME_ENTRIES][64]; /* fetched, not finished */
    u32 pending_count;
};

struct fake_nvme_namespace {
    u32 nsid;
    u64 blocks;
    u8 shift; /* 2^shift bytes each */
    u16 metadata;
    u8 flbas, nlbaf, nsattr; /* flbas also says where in the table the format is put */
    u64 image_at;            /* byte of the image that is its first */
};

struct fake_nvme {
    /* What it is; fake_nvme_init() gives one of version 1.4 with 4096 blocks of 512 bytes. */
    struct fake_function function;
    struct fake_region memory; /* its registers */
    u64 bar, cap;
    u32 vs, nn;
    u8 mdts;
    struct fake_nvme_namespace ns[FAKE_NVME_NAMESPACES];
    u32 ns_count;
    const u8 *image; /* NULL: zeros */
    u64 image_size;

    /* How it misbehaves. */
    u32 late;                /* calls of cpu_relax() before each answer to a read */
    u32 ready_late;          /* accesses to registers before CSTS.RDY follows CC.EN */
    bool starting;           /* firmware has just enabled it when we come */
    bool never, never_admin, reverse, reset_stuck, start_stuck, fatal_start, twice, wrong_phase;
    u32 trouble;             /* CSTS once a read was asked for: FAKE_NVME_GONE or bit 1 set; 0: as it is */
    u16 cid_change, sq_change, admin_cid_change; /* XORed onto what completions say */
    u32 status;              /* 15 bits: of reads that touch bad_block */
    u64 bad_block;           /* ~0: none */
    bool all_bad;            /* from bad_block on */
    u32 bad_times;           /* how often; then it is good. ~0: for ever */
    u8 refuse_opcode;        /* an admin command that it does not know; 0xff: none */
    u8 refuse_cns;
    void (*on_identify)(struct fake_nvme *f, u32 cns, u8 *page); /* may change it */
    void (*on_answer)(struct fake_nvme *f, u8 *completion);

    /* What it saw. */
    const char *fault; /* the first thing a driver must not do */
    u32 requests, doorbells, in_flight_max, resets;
    u64 bytes_max; /* of a read */
    u32 cc;

    /* Its state. */
    bool ready, troubled;
    u32 aqa, waited, ready_waited;
    u64 asq, acq;
    struct fake_nvme_queue queue[2]; /* admin, I/O */
    u16 last_cid;
};

/* A controller in slot `slot` of bus 0, not plugged in yet. */
void fake_nvme_init(struct fake_nvme *f, u32 slot);

/* Write configuration space from the fields and enter it, as firmware that has read from it leaves it: enabled, and
 * told of a shutdown. */
void fake_nvme_plug(struct fake_nvme *f);

#endif
