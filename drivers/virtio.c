/* virtio.c: bringing a device up and down, and the split virtqueue (virtio.h).
 *
 * VIRTIO 1.2 §2.7, §3.1. Left out on purpose: interrupts, indirect descriptors, event indexes, packed rings; polling a
 * few large requests gains nothing by them. tests/unit/test_virtio_blk.c.
 */
#include "virtio.h"
#include "io.h"
#include "memory.h"
#include "print.h"

#define RESET_MS 2000u
#define CONFIG_TRIES 16u

/* §2.1: FAILED is for drivers to set. Firecracker, up to 1.16, sets it when it is asked for a reset of a device that
 * was in use, and there is nothing to wait for. If it was set before, it may well vanish. */
enum error virtio_reset(struct virtio *v)
{
    struct deadline deadline = deadline_in(RESET_MS);
    u8 before = v->transport->status_read(v), status;
    v->transport->status_write(v, 0);
    while ((status = v->transport->status_read(v))) {
        v->stuck = true;
        if (status & ~before & VIRTIO_CONFIG_S_FAILED)
            return fail(ERR_UNSUPPORTED, "%s: the host refuses to reset it (status %x)", v->where, status);
        if (deadline_passed(&deadline))
            return fail(ERR_TIMEOUT, "%s: status reads %x after %u ms of reset, expected 0", v->where, status,
                        RESET_MS);
    }
    v->stuck = false;
    v->queues = NULL;
    return OK;
}

/* One bit at a time: some devices accept exactly that. */
static void status_add(struct virtio *v, u8 bit)
{
    v->transport->status_write(v, v->transport->status_read(v) | bit);
}

enum error virtio_begin(struct virtio *v, u64 wanted)
{
    const struct virtio_transport *t = v->transport;
    enum error error = virtio_reset(v);
    if (error)
        return error;
    status_add(v, VIRTIO_CONFIG_S_ACKNOWLEDGE);
    status_add(v, VIRTIO_CONFIG_S_DRIVER);
    u64 offered = t->features_read(v);
    if (!t->legacy) {
        /* §6.1: to us, device addresses are physical ones, and our barriers are the machine's. */
        wanted |= VIRTIO_F_VERSION_1 | VIRTIO_F_ACCESS_PLATFORM | VIRTIO_F_ORDER_PLATFORM;
        if (!(offered & VIRTIO_F_VERSION_1))
            return fail(ERR_UNSUPPORTED, "%s: features %lx lack VIRTIO_F_VERSION_1", v->where, offered);
    }
    v->features = offered & wanted;
    t->features_write(v, v->features);
    if (t->legacy)
        return OK;
    status_add(v, VIRTIO_CONFIG_S_FEATURES_OK);
    if (!(t->status_read(v) & VIRTIO_CONFIG_S_FEATURES_OK))
        return fail(ERR_UNSUPPORTED, "%s: refuses features %lx of the %lx it offers", v->where, v->features, offered);
    return OK;
}

void virtio_ready(struct virtio *v)
{
    status_add(v, VIRTIO_CONFIG_S_DRIVER_OK);
}

void virtio_lost(struct virtio *v)
{
    for (const struct virtq *q = v->queues; q; q = q->next)
        disk_lost_memory(mem_address(q->desc), q->bytes);
    device_lost(v->where);
    arena_pin();
}

/* Before a jump the queues are idle, and the payload's memory map is made already: v->keeps_queues is for those who may
 * refuse then. Linux finds the queues in use and lets go of the device; FreeBSD notifies it, and Firecracker looks. */
void virtio_end(struct virtio *v)
{
    if (!v->stuck && virtio_reset(v) != OK) {
        say_error("%s: what is booted cannot use this device; remedy: config and kernel on a RAM volume (initrd), "
                  "and volume=module0",
                  error_text());
        error_clear();
        virtio_lost(v);
    }
    v->transport->release(v);
}

void virtio_scan(u16 type, const struct boot_info *boot, void (*found)(struct virtio *v, void *context), void *context)
{
    (void)boot;
    virtio_pci_scan(type, found, context);
    virtio_mmio_scan(type, found, context);
}

u64 virtio_config_read64(struct virtio *v, u32 offset)
{
    u64 value = 0;
    for (u32 i = 0; i < CONFIG_TRIES; i++) {
        u8 generation = v->transport->config_generation(v);
        value = v->transport->config_read32(v, offset) | (u64)v->transport->config_read32(v, offset + 4) << 32;
        if (v->transport->config_generation(v) == generation)
            break;
    }
    return value;
}

/* §2.7.2 for legacy; modern rings need not be neighbours, but may. */
static enum error rings_alloc(struct virtio *v, struct virtq *q)
{
    u64 align = v->transport->legacy ? VIRTQ_LEGACY_ALIGN : sizeof(struct virtq_desc);
    u64 avail_at = q->size * sizeof(struct virtq_desc);
    u64 used_at = align_up(avail_at + sizeof(struct virtq_avail) + (q->size + 1) * sizeof(u16), align);
    u64 size = used_at + sizeof(struct virtq_used) + q->size * sizeof(struct virtq_used_elem) + sizeof(u16);
    u8 *rings = arena_alloc(align_up(size, align), align);
    if (!rings)
        return ERR_NO_MEMORY;
    q->bytes = size;
    q->desc = (struct virtq_desc *)rings;
    q->avail = (struct virtq_avail *)(rings + avail_at);
    q->used = (struct virtq_used *)(rings + used_at);
    q->avail->flags = VIRTQ_AVAIL_F_NO_INTERRUPT;
    return OK;
}

enum error virtq_setup(struct virtio *v, struct virtq *q, u16 index, u16 most)
{
    const struct virtio_transport *t = v->transport;
    u16 size = t->queue_select(v, index);
    if (!size)
        return fail(ERR_UNSUPPORTED, "%s: no queue %u", v->where, index);
    if (!t->legacy || t->sizes_queues) {
        size = (u16)min_u64(size, most);
        while (!is_power_of_two(size))
            size &= (u16)(size - 1);
    }
    if (!is_power_of_two(size))
        return fail(ERR_UNSUPPORTED, "%s: queue %u has %u descriptors, expected a power of two up to %u", v->where,
                    index, size, VIRTQ_SIZE_MAX);
    *q = (struct virtq){.index = index, .size = size, .next = v->queues};
    enum error error = rings_alloc(v, q);
    if (error)
        return error;
    v->queues = q;
    if (v->keeps_queues)
        disk_lost_memory(mem_address(q->desc), q->bytes);
    return t->queue_enable(v, q);
}

void virtq_add(struct virtq *q, u16 head)
{
    q->avail->ring[q->avail_next++ & (q->size - 1)] = head;
}

void virtq_publish(struct virtio *v, struct virtq *q)
{
    io_barrier(); /* descriptors before the index */
    q->avail->idx = q->avail_next;
    io_barrier(); /* the index before the notification */
    v->transport->queue_notify(v, q);
}

u16 virtq_finished(const struct virtq *q)
{
    return (u16)(q->used->idx - q->used_seen);
}

struct virtq_used_elem virtq_take(struct virtq *q)
{
    volatile const struct virtq_used_elem *elem = &q->used->ring[q->used_seen++ & (q->size - 1)];
    return (struct virtq_used_elem){.id = elem->id, .len = elem->len};
}
