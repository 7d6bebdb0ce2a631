/* fake_virtio_scsi.h: virtio SCSI adapters (modern, on the fake PCI bus) with disks and CDs, that can also lie.
 *
 * The layouts here are written down a second time, as numbers, so that they do not inherit the driver's mistakes.
 */
#ifndef FAKE_VIRTIO_SCSI_H
#define FAKE_VIRTIO_SCSI_H

#include "fake_pci.h"

#define FAKE_SCSI_UNITS 80u
#define FAKE_SCSI_QUEUES 3u
#define FAKE_SCSI_QUEUE_MAX 1024u

struct fake_scsi_unit {
    u8 target;
    u16 lun;
    u8 type; /* 0 disk, 5 CD */
    u32 block_size;
    u64 block_count;
    u32 attentions; /* unit attentions to tell before anything else is done */
    bool no_medium;
    u32 in_flight;
};

/* What commands of one code end in. */
struct fake_scsi_failure {
    u8 code;
    u32 times; /* 0: never; ~0: always */
    u32 skip;  /* that many succeed before */
    u8 response, status, key, asc, ascq;
    u32 residual;
    bool descriptor_sense;
    bool silent, belated; /* no answer at all; or none before the next request has been given */
};

struct fake_scsi {
    /* What it is; fake_scsi_init() gives an adapter without units. */
    struct fake_function function;
    struct fake_region memory;
    u64 memory_bar;
    u16 queue_max;
    u32 max_sectors, cmd_per_lun, sense_size, cdb_size;
    u16 max_target;
    struct fake_scsi_unit unit[FAKE_SCSI_UNITS];
    u32 unit_count;
    const u8 *image; /* of every unit; what lies beyond repeats it */
    u64 image_size;

    /* How it misbehaves. */
    u32 late; /* calls of cpu_relax() before each answer */
    bool reverse, reset_stuck, queues_refused;
    bool wrong_id, twice; /* an id nobody asked for; one that is finished already */
    u16 used_jump;        /* added to used->idx */
    u32 lies_after;       /* requests that it answers rightly before that */
    bool zero_length;     /* as vhost: used length 0 */
    struct fake_scsi_failure failure;
    const u8 *luns; /* for REPORT LUNS, instead of the truth */
    u32 luns_size;
    void (*on_answer)(struct fake_scsi *f, u8 code, u8 *data, u32 size); /* may change what it gave (fuzzing) */

    /* What it saw. */
    const char *fault; /* the first thing a driver must not do */
    u32 requests, notifies, in_flight_max, data_max, resets;
    u32 commands[256];
    u8 device_status;

    /* Its state. */
    struct {
        u64 desc, avail, used;
        u16 size;
        bool enabled;
    } queue[FAKE_SCSI_QUEUES];
    u16 queue_select, avail_seen, used_idx;
    u64 driver_features;
    u32 feature_select[2], waited;
    u16 pending[FAKE_SCSI_QUEUE_MAX];
    u32 pending_count;
    u16 last_head, held_head;
    bool held;
};

/* An adapter in slot `slot` of bus 0, not plugged in yet. */
void fake_scsi_init(struct fake_scsi *f, u32 slot);

/* A disk (type 0) or CD (5) of it. */
struct fake_scsi_unit *fake_scsi_add(struct fake_scsi *f, u8 target, u16 lun, u8 type, u32 block_size,
                                     u64 block_count);

/* Write configuration space from the fields and enter it. */
void fake_scsi_plug(struct fake_scsi *f);

#endif
