/* block.h: disks, and bytes ↔ blocks.
 *
 * A driver reads whole blocks straight to where they belong; raggedness, merging and splitting are block.c's.
 */
#ifndef SHIM_BLOCK_H
#define SHIM_BLOCK_H

#include "base.h"
#include "boot_info.h"
#include "error.h"

#define DISKS_MAX 64
#define BLOCK_SIZE_MAX 65536u

/* One request of the driver: `blocks` whole blocks from `lba` to buf. Within the device, blocks > 0, at most
 * max_blocks, buf aligned to dma_align, below dma_end and physically contiguous. */
struct block_span {
    u64 lba;
    u32 blocks;
    void *buf;
};

struct block_stats {
    u64 requests; /* spans handed to the driver */
    u64 bytes;    /* asked for by callers of block_read and block_batch */
    u64 bounced;  /* of these, copied by the CPU instead of arriving by DMA */
};

/* Where a disk is plugged in, for boot orders of the host (boot_order.h) and for sentences. */
enum disk_bus { BUS_OTHER, BUS_PCI, BUS_MMIO, BUS_BIOS };
struct disk_place {
    enum disk_bus bus;
    u64 address;   /* PCI: segment 31:16, bus 15:8, device 7:3, function 2:0; MMIO: of the registers; BIOS: drive
                      number */
    char unit[32]; /* behind the controller, as Open Firmware's paths name it: "disk@0,0", "drive@0/disk@1" */
};

struct block_device {
    char name[16];     /* "vda", "nvme0n1", "module0" */
    const char *class; /* what it was entered by: "vd" */
    struct disk_place place;
    u32 block_size;    /* logical block in bytes; power of two, 512 … BLOCK_SIZE_MAX */
    u32 max_blocks;    /* most per request; 0: no limit */
    u32 dma_align;     /* bytes, power of two, >= 1: what a buffer must be aligned to */
    u64 dma_end;       /* DMA reaches memory below this; 0: all of it */
    u64 block_count;
    bool removable;    /* CD */
    bool in_memory;    /* a module: memory_base is where its bytes lie */
    u64 memory_base;
    const struct block_driver *driver;
    void *state;       /* the driver's own */
    struct block_stats stats;
    bool dead;         /* not asked again, nor reset: lost, or known to be of no use */
};

struct disk_list {
    u32 count;
    struct block_device *disk[DISKS_MAX];
};

/* What lies before all drivers: looked at, in the order of tables.h, before the first of them probes. What it finds is
 * the buses' own (drivers/pci.h), and drivers ask it. */
struct bus {
    const char *name; /* "pci" */
    void (*enumerate)(const struct boot_info *boot);
};

/* One driver: one file, one line in tables.h. */
struct block_driver {
    const char *name; /* "virtio-blk" */

    /* Find every device of this kind, initialise it and disk_add() it. What is broken is said and skipped. */
    void (*probe)(const struct boot_info *boot, struct disk_list *disks);

    /* Read all spans, keeping as many in flight as the device takes; returns when all are finished or one failed
     * (buffers then undefined, nothing in flight any more). ERR_IO or ERR_TIMEOUT with a sentence: device, lba, what
     * it said. */
    enum error (*read)(struct block_device *disk, const struct block_span *spans, u32 count);

    /* Reset: after this no more DMA, status reads as after power on. Called once per disk before the jump. */
    void (*quiesce)(struct block_device *disk);
};

/* Enter a disk with a name of its class (a literal): "vd" gives vda … vdz, vdaa …; "module" and "sr" give module0,
 * sr0, …; several drivers may share one: "sd". A name that the driver has filled in stays: "nvme0n1", "bios80".
 * Checks block_size and block_count; dma_align 0 becomes 1. Returns the arena copy in the list, NULL with a trail when
 * invalid or full. */
struct block_device *disk_add(struct disk_list *disks, const char *class, const struct block_device *disk);

/* Probe every driver of the table, in its order. Memory of disks that are lost later is taken out of boot's map. */
void disks_probe(struct boot_info *boot, struct disk_list *disks);

/* True when disks_probe() has run before: media may have been changed since. */
extern bool disks_known;

/* A disk that does not answer may still write, whenever it wakes up, to what it was given. So it is not asked again;
 * the arena as it is by now, the cache in it too, is not used again; and from now on the size bytes at paddr (what
 * the disk was to read, and the structures it writes to) are reserved in the machine's map: no payload gets them.
 * disk NULL: a device that has none yet, or several, whose `dead` the driver sets itself. */
void disk_lost(struct block_device *disk);
void disk_lost_memory(u64 paddr, u64 size);

/* The device at `where` ("pci 00:04.0", "pci 00:1f.2 port 1": up to 31 bytes) does not answer: until power off no probe
 * touches it again. */
void device_lost(const char *where);
bool device_is_lost(const char *where);
void device_lost_forget(void); /* for tests */

/* Memory that reads pass through: until disks_quiesce() nothing else may be put there, though the machine's map has it
 * usable and goes on to payloads unchanged. One range, told by the driver's probe(); size 0: none. */
void disks_keep(u64 paddr, u64 size, const char *owner);
struct mem_range disks_kept(void);

/* Reset every disk; afterwards none may be read. */
void disks_quiesce(struct disk_list *disks);

/* Size in bytes (saturated). */
u64 block_bytes(const struct block_device *disk);

/* Read size bytes at byte offset into buf; any alignment; whole blocks arrive by DMA, small reads (metadata) through
 * a cache of recently read pieces. OK, ERR_RANGE past the end, ERR_NO_MEMORY without room for the cache, ERR_IO or
 * ERR_TIMEOUT from the driver (buf undefined). Not after disks_quiesce(). */
enum error block_read(struct block_device *disk, u64 offset, u64 size, void *buf);

/* Many pieces of one disk to their destinations with several requests in flight. Neighbouring pieces that touch on
 * disk and in memory merge into one request. A piece is read when the batch is full or at block_batch_end(), its ragged
 * ends maybe sooner. Offsets and sizes in bytes; errors as of block_read(), after which the batch is to be left. */
#define BATCH_SPANS 256 /* long ones keep the queue full: it runs empty only between batches */
struct block_batch {
    struct block_device *disk;
    u64 offset, size; /* the piece that may still grow; size 0: none */
    u8 *buf;
    u32 count;
    struct block_span span[BATCH_SPANS];
};
void block_batch_begin(struct block_batch *batch, struct block_device *disk);
enum error block_batch_add(struct block_batch *batch, u64 offset, u64 size, void *buf);
enum error block_batch_end(struct block_batch *batch);

/* Forget the cache and its memory (taken from the arena on first use). For tests, between arenas; disks_probe() does it
 * too. */
void block_cache_reset(void);

#endif
