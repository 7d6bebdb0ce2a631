/* virtio.h: what every virtio device and transport shares. Virtual I/O Device (VIRTIO) Version 1.2, under its names.
 *
 * A device driver (virtio_blk.c) sees a struct virtio and virtqueues; registers are a transport's (virtio_pci.c,
 * virtio_mmio.c).
 */
#ifndef DRIVERS_VIRTIO_H
#define DRIVERS_VIRTIO_H

#include "base.h"
#include "block.h"
#include "error.h"

/* §2.1 device status */
#define VIRTIO_CONFIG_S_ACKNOWLEDGE 1
#define VIRTIO_CONFIG_S_DRIVER 2
#define VIRTIO_CONFIG_S_DRIVER_OK 4
#define VIRTIO_CONFIG_S_FEATURES_OK 8
#define VIRTIO_CONFIG_S_FAILED 128

/* §5 device types; §6 features that belong to no type */
#define VIRTIO_ID_BLOCK 2
#define VIRTIO_F_VERSION_1 (1ull << 32)
#define VIRTIO_F_ACCESS_PLATFORM (1ull << 33)
#define VIRTIO_F_ORDER_PLATFORM (1ull << 36)

/* §2.7 split virtqueues */
#define VIRTQ_DESC_F_NEXT 1
#define VIRTQ_DESC_F_WRITE 2
#define VIRTQ_AVAIL_F_NO_INTERRUPT 1
#define VIRTQ_SIZE_MAX 32768u
#define VIRTQ_LEGACY_ALIGN 4096u

struct virtq_desc {
    u64 addr;
    u32 len;
    u16 flags, next;
};

struct virtq_avail {
    u16 flags, idx, ring[];
};

struct virtq_used_elem {
    u32 id, len;
};

struct virtq_used {
    u16 flags, idx;
    struct virtq_used_elem ring[];
};
_Static_assert(sizeof(struct virtq_desc) == 16, "virtio 1.2 §2.7.5");
_Static_assert(sizeof(struct virtq_avail) == 4 && sizeof(struct virtq_used) == 4, "virtio 1.2 §2.7.6, §2.7.8");

struct virtq {
    u16 index, size;             /* size: descriptors, a power of two */
    u16 avail_next;              /* what avail->idx becomes when what was added is published */
    u16 used_seen;               /* used->idx up to which we have looked */
    u64 bytes;                   /* of all three, from desc on */
    struct virtq_desc *desc;
    volatile struct virtq_avail *avail;
    volatile const struct virtq_used *used;
    u64 notify;                  /* the transport's own */
    const struct virtq *next;    /* of this device */
};

struct virtio {
    const struct virtio_transport *transport;
    char where[24]; /* "pci 00:04.0", "mmio feb00e00", for sentences */
    struct disk_place place; /* the transport's part of it: unit is the device driver's */
    u64 features;   /* negotiated */
    const struct virtq *queues; /* those that were set up since the last reset */
    bool keeps_queues; /* the host may refuse the last reset: no payload gets the memory of the queues */
    bool stuck;     /* a reset failed: it may still look at its queues, and no driver can start it again */
};

/* One way to a device's registers. */
struct virtio_transport {
    bool legacy; /* §1.3.1: the interface before 1.0 */
    bool sizes_queues; /* legacy too: a queue may be made shorter than the device offers */
    u8 (*status_read)(struct virtio *v);
    void (*status_write)(struct virtio *v, u8 status);
    u64 (*features_read)(struct virtio *v);
    void (*features_write)(struct virtio *v, u64 features);
    u8 (*config_generation)(struct virtio *v);
    u32 (*config_read32)(struct virtio *v, u32 offset); /* 0 where the device has no such field */
    u16 (*queue_select)(struct virtio *v, u16 index);   /* gives the most descriptors it may have; 0: no such queue */
    enum error (*queue_enable)(struct virtio *v, struct virtq *q);
    void (*queue_notify)(struct virtio *v, const struct virtq *q);
    void (*release)(struct virtio *v); /* no DMA any more; registers as they were found */
};

/* Reset and wait until the status reads 0. ERR_TIMEOUT or, when the device refuses (Firecracker up to 1.16),
 * ERR_UNSUPPORTED with a sentence: v->stuck, and the device may still do DMA. */
enum error virtio_reset(struct virtio *v);

/* Reset, then §3.1.1 up to and including FEATURES_OK; of `wanted` the offered features end in v->features. */
enum error virtio_begin(struct virtio *v, u64 wanted);

/* The last step of §3.1.1: DRIVER_OK. Queues are set up by now. */
void virtio_ready(struct virtio *v);

/* Reset, and the transport's release(), which also follows a failed reset; that is said in a line, and the device is
 * lost. No second try with a device that is stuck. */
void virtio_end(struct virtio *v);

/* The device may look at its queues as long as the machine runs: reserve their memory, and never start it again. */
void virtio_lost(struct virtio *v);

/* A 64-bit field of the device configuration, of one piece (§2.5.1). */
u64 virtio_config_read64(struct virtio *v, u32 offset);

/* Give queue `index` its memory and enable it; *q must last as long as *v. It gets at most `most` descriptors (a power
 * of two), but with legacy devices on PCI, whose number is fixed. */
enum error virtq_setup(struct virtio *v, struct virtq *q, u16 index, u16 most);

/* Put the chain that starts at descriptor head where the device will see it after virtq_publish(). */
void virtq_add(struct virtq *q, u16 head);

/* Hand over all that was added, and notify. */
void virtq_publish(struct virtio *v, struct virtq *q);

/* How many chains are finished that virtq_take() has not given yet; up to 65535, if the device says so. */
u16 virtq_finished(const struct virtq *q);

/* The next finished chain as the device tells it: nothing of it is checked. Only when virtq_finished(). */
struct virtq_used_elem virtq_take(struct virtq *q);

/* Call found() for every device of virtio type `type` whose registers can be reached, over every transport; the struct
 * is in the arena. What cannot be used is said. */
void virtio_scan(u16 type, const struct boot_info *boot, void (*found)(struct virtio *v, void *context), void *context);

/* The same for one transport. Devices in memory are those that bus_virtio_mmio.enumerate() found. */
void virtio_pci_scan(u16 type, void (*found)(struct virtio *v, void *context), void *context);
void virtio_mmio_scan(u16 type, void (*found)(struct virtio *v, void *context), void *context);

#endif
