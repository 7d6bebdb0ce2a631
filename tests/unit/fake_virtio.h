/* fake_virtio.h: virtio block devices on the fake PCI bus or in plain memory, that can also lie.
 *
 * The layouts here are written down a second time, as numbers, so that they do not inherit the driver's mistakes.
 */
#ifndef FAKE_VIRTIO_H
#define FAKE_VIRTIO_H

#include "fake_pci.h"

/* ---- virtio-blk ------------------------------------------------------------------------------------------------ */

#define FAKE_F_SIZE_MAX (1ull << 1)
#define FAKE_F_SEG_MAX (1ull << 2)
#define FAKE_F_RO (1ull << 5)
#define FAKE_F_BLK_SIZE (1ull << 6)
#define FAKE_F_EVENT_IDX (1ull << 29)
#define FAKE_F_VERSION_1 (1ull << 32)
#define FAKE_F_ACCESS_PLATFORM (1ull << 33)
#define FAKE_F_ORDER_PLATFORM (1ull << 36)

#define FAKE_CAP_COMMON 0x40
#define FAKE_CAP_ISR 0x50
#define FAKE_CAP_DEVICE 0x60
#define FAKE_CAP_NOTIFY 0x70
#define FAKE_CAP_MSIX 0x84

#define FAKE_STATUS_UNWRITTEN 0x100u
#define FAKE_QUEUE_MAX 1024u

struct fake_virtio {
    /* What it is; fake_virtio_init() gives a modern device of 4096 sectors. */
    struct fake_function function;
    struct fake_region memory, ports; /* its registers */
    bool modern, legacy;
    u32 mmio_version; /* 0: on PCI; else the registers are at memory_bar; modern and legacy follow it */
    u32 vendor;       /* QEMU's; Firecracker's is 0 */
    u64 memory_bar; /* where BAR 4 is by now */
    u64 io_bar;
    u64 features;
    u16 queue_max, notify_off;
    u32 notify_multiplier;
    u64 capacity;
    u32 size_max, seg_max, blk_size;
    const u8 *image; /* capacity × 512 bytes; NULL: zeros */
    u64 image_size;

    /* How it misbehaves. */
    u32 late;              /* calls of cpu_relax() before each answer */
    bool never, reverse, reset_stuck, features_refused, unsettled;
    bool reset_refused;    /* as Firecracker up to 1.16: once it was used, a reset makes it FAILED for ever */
    u32 reset_late;        /* reads of the status before a reset is over */
    bool queue_busy;       /* the queue tells that it is in use */
    const u8 *lies;        /* 256 bytes XORed onto what registers at memory_bar read (MMIO) */
    bool wrong_id, twice;  /* an id nobody asked for; one that is finished already */
    u16 used_jump;         /* added to used->idx */
    u32 status;            /* of requests that touch bad_sector, or FAKE_STATUS_UNWRITTEN */
    u64 bad_sector;        /* ~0: none */
    bool all_bad;          /* from bad_sector on */
    u32 len_missing;       /* used len is that much too small */
    void (*on_answer)(struct fake_virtio *f); /* may change what it wrote (fuzzing) */

    /* What it saw. */
    const char *fault; /* the first thing a driver must not do */
    u32 requests, notifies, in_flight_max, segments_max, resets;
    u64 driver_features;
    u8 device_status;

    /* Its state. */
    u64 desc, avail, used; /* addresses; 0: queue not enabled */
    u16 queue_size, queue_select, avail_seen, used_idx;
    u32 feature_select[2], waited, generation, page_size, queue_align, resetting;
    u8 status_before;
    u16 pending[FAKE_QUEUE_MAX];
    u32 pending_count;
    u16 last_head;
};

/* A capability of §4.1.4 in configuration space at `at`, the next one being at `next`: BAR 4. */
void fake_virtio_capability(u8 *config, u8 at, u8 next, u8 type, u32 offset, u32 length);

/* A modern device in slot `slot` of bus 0, not plugged in yet. */
void fake_virtio_init(struct fake_virtio *f, u32 slot);

/* Write configuration space from the fields and enter it. */
void fake_virtio_plug(struct fake_virtio *f);

/* Instead: registers of this version (1 or 2) from base on, 512 bytes. */
void fake_virtio_plug_mmio(struct fake_virtio *f, u32 version, u64 base);

#endif
