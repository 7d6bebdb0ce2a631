/* virtio_blk.c: virtio block devices, over any transport.
 *
 * VIRTIO 1.2 §5.2. The ring is cut into slots of one request each, of equal length: header, data segments, status. A
 * slot's chain never changes but for its segments, so nothing is ever allocated, and what a device may answer is one of few
 * descriptor numbers. Left out on purpose: writing, more than the first queue, discard, topology.
 * tests/unit/test_virtio_blk.c (a device that lies); `-device virtio-blk-pci` with queue-size=, logical_block_size= under
 * QEMU.
 */
#include "block.h"
#include "io.h"
#include "memory.h"
#include "print.h"
#include "virtio.h"

/* §5.2.3 feature bits */
#define VIRTIO_BLK_F_SIZE_MAX (1ull << 1)
#define VIRTIO_BLK_F_SEG_MAX (1ull << 2)
#define VIRTIO_BLK_F_RO (1ull << 5)
#define VIRTIO_BLK_F_BLK_SIZE (1ull << 6)

/* §5.2.4 device configuration */
#define CONFIG_CAPACITY 0 /* sectors of 512 bytes */
#define CONFIG_SIZE_MAX 8
#define CONFIG_SEG_MAX 12
#define CONFIG_BLK_SIZE 20

#define SECTOR_SIZE 512u

/* §5.2.6 */
#define VIRTIO_BLK_T_IN 0
#define VIRTIO_BLK_S_OK 0
#define VIRTIO_BLK_S_IOERR 1
#define VIRTIO_BLK_S_UNSUPP 2
#define STATUS_UNWRITTEN 0xff

struct virtio_blk_req {
    u32 type, reserved;
    u64 sector;
};
_Static_assert(sizeof(struct virtio_blk_req) == 16, "virtio 1.2 §5.2.6");

#define QUEUE_SIZE 256u
#define SLOTS_MAX 64u            /* bits of `busy` */
#define REQUEST_BYTES MIB(2)     /* most per request: one request per MiB of file even where pieces end raggedly */
#define ANSWER_MS 10000u         /* without any progress */

struct slot {
    struct virtio_blk_req header;
    volatile u8 status;
    const struct block_span *span;
};

struct blk {
    struct virtio *virtio;
    struct virtq queue;
    u32 segment_bytes; /* most in one descriptor */
    u32 segments;      /* most in one request */
    u32 slot_count;
    u64 busy;          /* bit set of slots that the device has */
    struct slot *slot;
    bool read_only;    /* all we do is read; a driver that will write has to look here */
};

/* ---- requests -------------------------------------------------------------------------------------------------- */

static u32 slot_head(const struct blk *b, u32 i)
{
    return i * (b->segments + 2);
}

/* What stays the same for all requests of a slot: its first and last descriptor, and which comes next. */
static void slot_prepare(struct blk *b, u32 i)
{
    struct virtq_desc *desc = b->queue.desc + slot_head(b, i);
    struct slot *slot = &b->slot[i];
    for (u32 k = 0; k <= b->segments; k++) {
        desc[k].flags = k ? VIRTQ_DESC_F_NEXT | VIRTQ_DESC_F_WRITE : VIRTQ_DESC_F_NEXT;
        desc[k].next = (u16)(slot_head(b, i) + k + 1);
    }
    desc[0].addr = mem_address(&slot->header);
    desc[0].len = sizeof slot->header;
    desc[b->segments + 1] = (struct virtq_desc){
        .addr = mem_address((const void *)&slot->status), .len = 1, .flags = VIRTQ_DESC_F_WRITE};
}

static void request_add(struct blk *b, const struct block_device *disk, const struct block_span *span)
{
    u32 i = (u32)__builtin_ctzll(~b->busy);
    u32 head = slot_head(b, i), status = head + b->segments + 1;
    struct slot *slot = &b->slot[i];
    slot->header.sector = span->lba * (disk->block_size / SECTOR_SIZE);
    slot->status = STATUS_UNWRITTEN;
    slot->span = span;
    u64 addr = mem_address(span->buf);
    u32 left = span->blocks * disk->block_size;
    struct virtq_desc *desc = b->queue.desc + head;
    while (left) {
        desc++;
        desc->addr = addr;
        desc->len = left < b->segment_bytes ? left : b->segment_bytes;
        desc->next = (u16)(desc - b->queue.desc + 1);
        addr += desc->len;
        left -= desc->len;
    }
    desc->next = (u16)status;
    b->busy |= 1ull << i;
    virtq_add(&b->queue, (u16)head);
}

/* Stop a device that cannot be trusted any more; the trail stays. */
static enum error give_up(struct block_device *disk, enum error error)
{
    struct blk *b = disk->state;
    warn("%s; resetting it", error_text()); /* now: hosts are known that finish the reads first, and may hang doing so */
    b->busy = 0;
    disk->dead = true;
    if (virtio_reset(b->virtio) == OK)
        return fail(error, "%s: given up, its requests are cancelled", disk->name);
    b->virtio->transport->release(b->virtio);
    return error_add(error, "%s: given up", disk->name);
}

/* Wait until requests are finished; their number, 0 with the trail set when the device is given up. */
static u32 requests_wait(struct block_device *disk, enum error *error)
{
    struct blk *b = disk->state;
    struct deadline deadline = deadline_in(ANSWER_MS);
    u32 finished, in_flight = (u32)__builtin_popcountll(b->busy);
    while (!(finished = virtq_finished(&b->queue)))
        if (deadline_passed(&deadline)) {
            const struct block_span *span = b->slot[__builtin_ctzll(b->busy)].span;
            *error = give_up(disk, fail(ERR_TIMEOUT, "%s: no answer within %u s to a read of %u blocks at block %lu",
                                        disk->name, ANSWER_MS / 1000, span->blocks, span->lba));
            return 0;
        }
    io_barrier(); /* the index before status and data */
    if (finished <= in_flight)
        return finished;
    *error = give_up(disk, fail(ERR_IO, "%s: the device claims to have finished %u requests of %u", disk->name, finished,
                                in_flight));
    return 0;
}
