/* virtio_blk.c: virtio block devices, over any transport.
 *
 * VIRTIO 1.2 §5.2. The ring is cut into slots of one request each, of equal length: header, data segments, status. A
 * slot's chain never changes but for its segments, so nothing is ever allocated, and what a device may answer is one
 * of few descriptor numbers. Left out on purpose: writing, more than the first queue, discard, topology.
 * tests/unit/test_virtio_blk.c (a device that lies); `-device virtio-blk-pci` with queue-size=, logical_block_size=
 * under QEMU. What Firecracker does with a reset: test_virtio_mmio.c.
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
    u32 in_flight;
    u64 busy;          /* bit set of slots that the device has: in_flight of them */
    struct slot *slot;
    bool read_only;    /* all we do is read; a driver that will write has to look here */
};

extern const struct block_driver disk_virtio_blk; /* by tables.c */

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
    b->in_flight++;
    virtq_add(&b->queue, (u16)head);
}

/* What the device was given stays its own. */
static void device_keeps_memory(struct block_device *disk)
{
    struct blk *b = disk->state;
    for (u64 busy = b->busy; busy; busy &= busy - 1) {
        const struct block_span *span = b->slot[__builtin_ctzll(busy)].span;
        disk_lost_memory(mem_address(span->buf), (u64)span->blocks * disk->block_size);
    }
    disk_lost_memory(mem_address(b->slot), b->slot_count * sizeof *b->slot);
    disk_lost(disk);
    virtio_lost(b->virtio);
}

/* A device that is silent is not reset: a host whose storage hangs finishes the reads before it lets a reset return,
 * and stops the whole machine until then (QEMU drains). */
static void leave_alone(struct block_device *disk)
{
    warn("%s: not used any more, and what it was given stays reserved", disk->name);
    device_keeps_memory(disk);
}

/* A device that breaks the rules is stopped, so that it cannot write to memory that is used otherwise. */
static void give_up(struct block_device *disk)
{
    struct blk *b = disk->state;
    warn("%s: not used any more, resetting the device", disk->name);
    disk->dead = true;
    virtio_end(b->virtio);
    if (b->virtio->stuck)
        device_keeps_memory(disk);
    b->busy = 0;
    b->in_flight = 0;
}

/* Wait until requests are finished, and tell how many. */
static enum error requests_wait(struct block_device *disk, u32 *finished)
{
    struct blk *b = disk->state;
    struct deadline deadline = deadline_in(ANSWER_MS);
    u32 in_flight = b->in_flight;
    while (!(*finished = virtq_finished(&b->queue))) {
        if (!deadline_passed(&deadline))
            continue;
        const struct block_span *span = b->slot[__builtin_ctzll(b->busy)].span;
        leave_alone(disk);
        return fail(ERR_TIMEOUT, "%s: no answer within %u s to a read of %u blocks at block %lu", disk->name,
                    ANSWER_MS / 1000, span->blocks, span->lba);
    }
    io_barrier(); /* the index before status and data */
    if (*finished <= in_flight)
        return OK;
    give_up(disk);
    return fail(ERR_IO, "%s: the device tells of %u finished requests where %u were made", disk->name, *finished,
                in_flight);
}

/* Take one finished request out of the used ring. ERR_IO: it is none of ours, and the disk is dead. */
static enum error request_take(struct block_device *disk, struct slot **slot, u32 *len)
{
    struct blk *b = disk->state;
    struct virtq_used_elem elem = virtq_take(&b->queue);
    u32 i = elem.id / (b->segments + 2);
    if (i >= b->slot_count || elem.id != slot_head(b, i) || !(b->busy >> i & 1)) {
        give_up(disk);
        return fail(ERR_IO, "%s: the device answers a request that was not made (descriptor %u)", disk->name, elem.id);
    }
    b->busy &= ~(1ull << i);
    b->in_flight--;
    *slot = &b->slot[i];
    *len = elem.len;
    return OK;
}

/* How a finished request ended. */
static enum error request_result(const struct block_device *disk, const struct slot *slot, u32 len)
{
    const struct blk *b = disk->state;
    const struct block_span *span = slot->span;
    u32 size = span->blocks * disk->block_size;
    switch (slot->status) {
    case VIRTIO_BLK_S_OK:
        break;
    case VIRTIO_BLK_S_IOERR:
        return fail(ERR_IO, "%s: I/O error at block %lu (%u blocks)", disk->name, span->lba, span->blocks);
    case VIRTIO_BLK_S_UNSUPP:
        return fail(ERR_IO, "%s: the device does not support reading block %lu (%u blocks)", disk->name, span->lba,
                    span->blocks);
    default:
        return fail(ERR_IO, "%s: read of block %lu (%u blocks) ended with status %x", disk->name, span->lba,
                    span->blocks, slot->status);
    }
    /* §2.7.8.2; some count the status byte in, some do not, and legacy devices tell anything. */
    if (len < size && !b->virtio->transport->legacy)
        return fail(ERR_IO, "%s: only %u of %u bytes read at block %lu", disk->name, len, size, span->lba);
    return OK;
}

/* Hand over what fits the slots; the number of spans taken. */
static u32 requests_submit(struct block_device *disk, const struct block_span *spans, u32 count)
{
    struct blk *b = disk->state;
    u32 taken = 0;
    while (taken < count && b->in_flight < b->slot_count)
        request_add(b, disk, &spans[taken++]);
    if (taken)
        virtq_publish(b->virtio, &b->queue);
    return taken;
}

static enum error blk_read(struct block_device *disk, const struct block_span *spans, u32 count)
{
    struct blk *b = disk->state;
    enum error error = OK;
    u32 next = 0;
    for (;;) {
        u32 finished, len = 0;
        struct slot *slot = NULL;
        if (error == OK)
            next += requests_submit(disk, spans + next, count - next);
        if (!b->in_flight)
            return error;
        enum error lost = requests_wait(disk, &finished);
        while (lost == OK && finished--) {
            lost = request_take(disk, &slot, &len);
            if (lost == OK && error == OK)
                error = request_result(disk, slot, len); /* the first counts; what else is in flight has to land */
        }
        if (lost)
            return lost;
    }
}

static void blk_quiesce(struct block_device *disk)
{
    struct blk *b = disk->state;
    if (!disk->dead)
        virtio_end(b->virtio);
}

/* ---- finding them ---------------------------------------------------------------------------------------------- */

static u32 config_field(const struct blk *b, u64 feature, u32 offset)
{
    return b->virtio->features & feature ? b->virtio->transport->config_read32(b->virtio, offset) : 0;
}

/* Everything about sizes, from what the device offers and how long its ring is. */
static enum error geometry_read(struct blk *b, struct block_device *disk)
{
    u32 size_max = config_field(b, VIRTIO_BLK_F_SIZE_MAX, CONFIG_SIZE_MAX);
    u32 seg_max = config_field(b, VIRTIO_BLK_F_SEG_MAX, CONFIG_SEG_MAX);
    u32 blk_size = config_field(b, VIRTIO_BLK_F_BLK_SIZE, CONFIG_BLK_SIZE);
    bool sane = is_power_of_two(blk_size) && blk_size >= SECTOR_SIZE && blk_size <= BLOCK_SIZE_MAX;
    disk->block_size = sane ? blk_size : SECTOR_SIZE; /* requests count sectors in any case */
    disk->block_count = virtio_config_read64(b->virtio, CONFIG_CAPACITY) / (disk->block_size / SECTOR_SIZE);
    disk->dma_align = 1;

    b->segment_bytes = size_max ? (u32)min_u64(size_max, REQUEST_BYTES) : (u32)REQUEST_BYTES;
    u64 segments = (REQUEST_BYTES + b->segment_bytes - 1) / b->segment_bytes;
    if (b->virtio->features & VIRTIO_BLK_F_SEG_MAX)
        segments = min_u64(segments, max_u64(seg_max, 1));
    if (b->queue.size < 3)
        return fail(ERR_UNSUPPORTED, "%s: a queue of %u descriptors, expected at least 3", b->virtio->where,
                    b->queue.size);
    b->segments = (u32)min_u64(segments, b->queue.size - 2u);
    b->slot_count = (u32)min_u64(b->queue.size / (b->segments + 2), SLOTS_MAX);
    disk->max_blocks = (u32)(min_u64((u64)b->segments * b->segment_bytes, REQUEST_BYTES) / disk->block_size);
    if (!disk->max_blocks)
        return fail(ERR_UNSUPPORTED, "%s: %u segments of %u bytes per request cannot carry a block of %u bytes",
                    b->virtio->where, b->segments, b->segment_bytes, disk->block_size);
    return OK;
}

static enum error blk_start(struct blk *b, struct disk_list *disks)
{
    struct block_device disk = {.driver = &disk_virtio_blk, .state = b, .place = b->virtio->place};
    enum error error = virtio_begin(b->virtio, VIRTIO_BLK_F_SIZE_MAX | VIRTIO_BLK_F_SEG_MAX | VIRTIO_BLK_F_RO |
                                                   VIRTIO_BLK_F_BLK_SIZE);
    if (error == OK)
        error = virtq_setup(b->virtio, &b->queue, 0, QUEUE_SIZE);
    if (error == OK)
        error = geometry_read(b, &disk);
    if (error)
        return error;
    b->read_only = b->virtio->features & VIRTIO_BLK_F_RO;
    b->slot = arena_alloc(b->slot_count * sizeof *b->slot, 16);
    if (!b->slot)
        return ERR_NO_MEMORY;
    for (u32 i = 0; i < b->slot_count; i++)
        slot_prepare(b, i);
    virtio_ready(b->virtio);
    format_text(disk.place.unit, sizeof disk.place.unit, "disk@0,0");
    const struct block_device *added = disk_add(disks, "vd", &disk);
    if (!added)
        return error_add(ERR_NOT_FOUND, "%s", b->virtio->where); /* or full, or no memory; the trail says which */
    say_verbose("%s: %s, %lu blocks of %u bytes%s, %u requests of %u KiB in flight", added->name, b->virtio->where,
                added->block_count, added->block_size, b->read_only ? ", read-only" : "", b->slot_count,
                added->max_blocks * (added->block_size / SECTOR_SIZE) / 2);
    return OK;
}

static void blk_found(struct virtio *v, void *context)
{
    struct blk *b = arena_alloc(sizeof *b, 8);
    enum error error = ERR_NO_MEMORY;
    if (b) {
        b->virtio = v;
        error = blk_start(b, context);
    }
    if (error == OK)
        return;
    error_add(error, "virtio-blk");
    error_show();
    virtio_end(v);
}

static void blk_probe(const struct boot_info *boot, struct disk_list *disks)
{
    virtio_scan(VIRTIO_ID_BLOCK, boot, blk_found, disks);
}

const struct block_driver disk_virtio_blk = {"virtio-blk", blk_probe, blk_read, blk_quiesce};
