/* fake_virtio.c: virtio block devices on the fake PCI bus or in memory (fake_virtio.h). VIRTIO 1.2 §2.7, §4.1, §4.2,
 * §5.2; Firecracker's src/vmm/src/devices/virtio/transport/mmio.rs. */
#include <string.h>

#include "fake_virtio.h"
#include "../../drivers/virtio.h"

static void fault(struct fake_virtio *f, const char *what)
{
    if (!f->fault)
        f->fault = what;
}

/* ---- the device ------------------------------------------------------------------------------------------------ */

struct desc {
    u64 addr;
    u32 len;
    u16 flags, next;
};

static void *dma(struct fake_virtio *f, u64 address, u64 size)
{
    return fake_dma(f->mmio_version ? NULL : &f->function, address, size, &f->fault);
}

static u16 ring_get16(struct fake_virtio *f, u64 address)
{
    const u16 *at = dma(f, address, 2);
    return at ? *at : 0;
}

static bool desc_get(struct fake_virtio *f, u32 i, struct desc *d)
{
    const struct desc *table = i < f->queue_size ? dma(f, f->desc + i * 16, 16) : NULL;
    if (!table) {
        fault(f, "descriptor number beyond the queue");
        return false;
    }
    *d = *table;
    return true;
}

static void device_reset(struct fake_virtio *f)
{
    f->device_status = 0;
    f->desc = f->avail = f->used = 0;
    f->queue_size = f->queue_max;
    f->avail_seen = f->used_idx = f->queue_select = 0;
    f->pending_count = f->waited = 0;
    f->driver_features = 0;
    f->resets++;
}

static void data_copy(struct fake_virtio *f, u64 byte, u8 *to, u32 len)
{
    u64 there = f->image && byte < f->image_size ? min_u64(len, f->image_size - byte) : 0;
    if (there)
        memcpy(to, f->image + byte, there);
    memset(to + there, 0, len - there);
}

/* Carry out the request at head; bytes written. */
static u32 request_run(struct fake_virtio *f, u16 head)
{
    struct desc d;
    u32 written = 0, segments = 0, steps = 0;
    if (!desc_get(f, head, &d))
        return 0;
    const u8 *header = d.len == 16 && d.flags == 1 ? dma(f, d.addr, 16) : NULL;
    if (!header || fake_get(header, 4) != 0) {
        fault(f, "no request header of 16 bytes with type 0");
        return 0;
    }
    u64 sector;
    memcpy(&sector, header + 8, 8);
    u64 first = sector;
    for (;;) {
        if (!desc_get(f, d.next, &d) || ++steps > f->queue_size) {
            fault(f, "a chain without an end");
            return written;
        }
        if (!(d.flags & 2))
            fault(f, "a data descriptor that is not for writing");
        u8 *to = dma(f, d.addr, d.len);
        if (!to)
            return written;
        if (!(d.flags & 1)) {
            u64 bytes = written;
            if (d.len != 1 || *to != 0xff)
                fault(f, "the status is not one byte, ff before");
            if (!written || written % 512 || !fits(first, written / 512, f->capacity))
                fault(f, "a read past the end or of no whole sectors");
            if (f->blk_size && (f->driver_features & FAKE_F_BLK_SIZE) && is_power_of_two(f->blk_size) &&
                f->blk_size >= 512 && f->blk_size <= 65536 && (first * 512 | bytes) % f->blk_size)
                fault(f, "a read that is not of whole blocks");
            bool bad = f->bad_sector >= first && f->bad_sector - first < bytes / 512;
            bad |= f->all_bad && first >= f->bad_sector;
            u32 status = bad ? f->status : 0;
            if (status != FAKE_STATUS_UNWRITTEN)
                *to = (u8)status;
            if (segments > f->segments_max)
                f->segments_max = segments;
            return written + 1;
        }
        if ((f->features & FAKE_F_SIZE_MAX) && f->size_max && d.len > f->size_max)
            fault(f, "a segment longer than size_max");
        if (++segments > (f->seg_max ? f->seg_max : 1) && (f->features & FAKE_F_SEG_MAX))
            fault(f, "more segments than seg_max");
        data_copy(f, first * 512 + written, to, d.len);
        written += d.len;
    }
}

/* Finish one pending request. */
static void answer(struct fake_virtio *f)
{
    u32 i = f->reverse ? f->pending_count - 1 : 0;
    u16 head = f->pending[i];
    memmove(&f->pending[i], &f->pending[i + 1], (f->pending_count - i - 1) * sizeof f->pending[0]);
    f->pending_count--;
    u32 len = request_run(f, head);
    u8 *elem = dma(f, f->used + 4 + f->used_idx % f->queue_size * 8u, 8);
    u8 *idx = dma(f, f->used + 2, 2);
    if (!elem || !idx)
        return;
    fake_put32(elem, f->wrong_id ? head + 1u : f->twice ? f->last_head : head);
    fake_put32(elem + 4, len - f->len_missing);
    f->last_head = head;
    f->used_idx++;
    fake_put16(idx, (u16)(f->used_idx + f->used_jump));
    if (f->on_answer)
        f->on_answer(f);
}

static void notified(struct fake_virtio *f, u32 queue)
{
    f->notifies++;
    if (queue || !f->desc)
        fault(f, "notification of a queue that is not enabled");
    if (!(f->device_status & 4))
        fault(f, "notification before DRIVER_OK");
    if (f->fault)
        return;
    u16 idx = ring_get16(f, f->avail + 2);
    if (!(ring_get16(f, f->avail) & 1))
        fault(f, "interrupts are not suppressed");
    for (; f->avail_seen != idx; f->avail_seen++) {
        if (f->pending_count == f->queue_size) {
            fault(f, "more requests than descriptors");
            return;
        }
        f->pending[f->pending_count++] = ring_get16(f, f->avail + 4 + f->avail_seen % f->queue_size * 2u);
        f->requests++;
    }
    if (f->pending_count > f->in_flight_max)
        f->in_flight_max = f->pending_count;
    while (!f->late && !f->never && f->pending_count)
        answer(f);
}

static void relax(void *device)
{
    struct fake_virtio *f = device;
    if (f->pending_count && f->late && !f->never && ++f->waited >= f->late) {
        f->waited = 0;
        answer(f);
    }
}

static void status_written(struct fake_virtio *f, u8 status)
{
    u8 old = f->device_status, added = status & (u8)~old;
    if (!status && f->reset_refused && old & 4) {
        f->device_status |= 0x80;
        return;
    }
    if (!status) {
        f->status_before = old;
        f->resetting = f->reset_late;
        device_reset(f);
        return;
    }
    if (old & 0x80)
        fault(f, "a step of §3.1.1 with a device that is FAILED");
    if (f->resetting)
        fault(f, "a status written before the reset was over");
    if ((status & old) != old || !is_power_of_two(added))
        fault(f, "status bits not set one at a time");
    if ((added == 2 && old != 1) || (added == 8 && old != 3) || (added == 4 && old != 11 && !(f->legacy && old == 3)))
        fault(f, "status bits not set in the order of §3.1.1");
    if (added == 8 && f->features_refused)
        status &= (u8)~8;
    f->device_status = status;
}

static u8 status_value(struct fake_virtio *f)
{
    if (f->resetting && f->resetting--)
        return f->status_before;
    return f->reset_stuck && !f->device_status ? 0x40 : f->device_status;
}

/* The device's own configuration, struct virtio_blk_config. */
static u32 config_value(struct fake_virtio *f, u32 offset, u32 width)
{
    u8 config[64] = {0};
    memcpy(config, &f->capacity, 8);
    fake_put32(config + 8, f->size_max);
    fake_put32(config + 12, f->seg_max);
    fake_put32(config + 20, f->blk_size);
    if (!fits(offset, width, sizeof config))
        return 0;
    return fake_get(config + offset, width);
}

static void features_check(struct fake_virtio *f)
{
    if (f->driver_features & ~f->features)
        fault(f, "a feature that was not offered");
    if (f->driver_features & FAKE_F_EVENT_IDX)
        fault(f, "EVENT_IDX, which the driver does not know");
}

static u64 common_read(struct fake_virtio *f, u32 offset, u32 width)
{
    switch (offset << 4 | width) {
    case 0x04 << 4 | 4:
        return f->feature_select[0] < 2 ? (u32)(f->features >> 32 * f->feature_select[0]) : 0;
    case 0x12 << 4 | 2:
        return 1;
    case 0x14 << 4 | 1:
        return status_value(f);
    case 0x15 << 4 | 1:
        return f->unsettled ? ++f->generation & 0xff : f->generation & 0xff;
    case 0x18 << 4 | 2:
        return f->queue_select ? 0 : f->queue_size;
    case 0x1e << 4 | 2:
        return f->notify_off;
    }
    fault(f, "a common configuration field read in a way it cannot be");
    return ~0ull;
}

static void common_write(struct fake_virtio *f, u32 offset, u32 value, u32 width)
{
    switch (offset << 4 | width) {
    case 0x00 << 4 | 4:
        f->feature_select[0] = value;
        return;
    case 0x08 << 4 | 4:
        f->feature_select[1] = value;
        return;
    case 0x0c << 4 | 4:
        fake_put_half(&f->driver_features, f->feature_select[1] ? 4 : 0, value);
        features_check(f);
        return;
    case 0x14 << 4 | 1:
        status_written(f, (u8)value);
        return;
    case 0x16 << 4 | 2:
        f->queue_select = (u16)value;
        return;
    case 0x18 << 4 | 2:
        if (value > f->queue_max || !is_power_of_two(value))
            fault(f, "a queue size beyond the device's");
        f->queue_size = (u16)value;
        return;
    case 0x1c << 4 | 2:
        if (value != 1 || !(f->device_status & 8) || f->device_status & 4)
            fault(f, "a queue enabled too early or too late");
        if ((f->desc | f->used << 2 | f->avail << 3) & 15)
            fault(f, "rings that are not aligned");
        return;
    case 0x20 << 4 | 4:
    case 0x24 << 4 | 4:
        fake_put_half(&f->desc, offset, value);
        return;
    case 0x28 << 4 | 4:
    case 0x2c << 4 | 4:
        fake_put_half(&f->avail, offset, value);
        return;
    case 0x30 << 4 | 4:
    case 0x34 << 4 | 4:
        fake_put_half(&f->used, offset, value);
        return;
    }
    fault(f, "a common configuration field written in a way it cannot be");
}

/* ---- memory BAR: common at 0, ISR at 1000, device at 2000, notify at 3000 ---------------------------------------- */

static u64 memory_read(void *device, u32 offset, u32 width)
{
    struct fake_virtio *f = device;
    if (offset < 56)
        return common_read(f, offset, width);
    return offset - 0x2000 < 0x1000 ? config_value(f, offset - 0x2000, width) : 0;
}

static void memory_write(void *device, u32 offset, u64 value, u32 width)
{
    struct fake_virtio *f = device;
    if (offset < 56)
        common_write(f, offset, (u32)value, width);
    else if (offset == 0x3000 + f->notify_off * f->notify_multiplier && width == 2)
        notified(f, (u32)value);
    else
        fault(f, "a write to registers where there are none");
}

/* ---- ports: legacy registers ------------------------------------------------------------------------------------ */

static u64 legacy_read(void *device, u32 offset, u32 width)
{
    struct fake_virtio *f = device;
    u32 config = f->function.config[FAKE_CAP_MSIX + 3] & 0x80 ? 24 : 20;
    if (offset >= config)
        return config_value(f, offset - config, width);
    switch (offset << 4 | width) {
    case 0 << 4 | 4:
        return (u32)f->features;
    case 12 << 4 | 2:
        return f->queue_select ? 0 : f->queue_max;
    case 18 << 4 | 1:
        return status_value(f);
    }
    fault(f, "a legacy register read in a way it cannot be");
    return ~0u;
}

static void legacy_write(void *device, u32 offset, u64 value, u32 width)
{
    struct fake_virtio *f = device;
    switch (offset << 4 | width) {
    case 4 << 4 | 4:
        f->driver_features = (u32)value;
        features_check(f);
        return;
    case 8 << 4 | 4:
        f->queue_size = f->queue_max;
        f->desc = value * 4096;
        f->avail = f->desc + f->queue_size * 16u;
        f->used = align_up(f->avail + 6 + f->queue_size * 2u, 4096);
        return;
    case 14 << 4 | 2:
        f->queue_select = (u16)value;
        return;
    case 16 << 4 | 2:
        notified(f, (u32)value);
        return;
    case 18 << 4 | 1:
        status_written(f, (u8)value);
        return;
    }
    fault(f, "a legacy register written in a way it cannot be");
}

/* ---- memory without PCI: §4.2.2, §4.2.4 -------------------------------------------------------------------------- */

static u32 mmio_value(struct fake_virtio *f, u32 offset)
{
    bool old = f->mmio_version == 1;
    switch (offset | (old ? 0x1000u : 0)) {
    case 0x000:
    case 0x1000:
        return 0x74726976;
    case 0x004:
    case 0x1004:
        return f->mmio_version;
    case 0x008:
    case 0x1008:
        return 2;
    case 0x00c:
    case 0x100c:
        return f->vendor;
    case 0x010:
        return f->feature_select[0] < 2 ? (u32)(f->features >> 32 * f->feature_select[0]) : 0;
    case 0x1010:
        return f->feature_select[0] ? 0 : (u32)f->features;
    case 0x034:
    case 0x1034:
        return f->queue_select ? 0 : f->queue_max;
    case 0x1040:
        return f->queue_busy ? 1 : (u32)(f->desc / 4096);
    case 0x044:
        return f->queue_busy || f->used;
    case 0x070:
    case 0x1070:
        return status_value(f);
    case 0x0fc:
        return f->unsettled ? ++f->generation : f->generation;
    }
    fault(f, "a read of a register that is not there, or only written");
    return ~0u;
}

static u64 mmio_read(void *device, u32 offset, u32 width)
{
    struct fake_virtio *f = device;
    if (offset >= 0x100)
        return config_value(f, offset - 0x100, width);
    if (width != 4 || offset % 4)
        fault(f, "a register not read as four bytes");
    return mmio_value(f, offset) ^ (f->lies && fits(offset, 4, 256) ? fake_get(f->lies + offset, 4) : 0);
}

static void mmio_queue_written(struct fake_virtio *f, u32 offset, u32 value)
{
    if (!(f->device_status & 2) || f->device_status & 4 || (f->mmio_version == 2 && !(f->device_status & 8)))
        fault(f, "a queue set up too early or too late");
    switch (offset) {
    case 0x038:
        if (value > f->queue_max || !is_power_of_two(value))
            fault(f, "a queue size beyond the device's");
        f->queue_size = (u16)value;
        return;
    case 0x03c:
        f->queue_align = value;
        return;
    case 0x040:
        if (f->page_size != 4096 || f->queue_align != 4096)
            fault(f, "a queue without page size and alignment");
        f->desc = (u64)value * f->page_size;
        f->avail = f->desc + f->queue_size * 16u;
        f->used = align_up(f->avail + 6 + f->queue_size * 2u, 4096);
        return;
    case 0x044:
        if (value != 1 || (f->desc | f->used << 2 | f->avail << 3) & 15 || !f->desc || !f->avail || !f->used)
            fault(f, "a queue enabled without rings, or with some that are not aligned");
        return;
    }
    fake_put_half(offset < 0x90 ? &f->desc : offset < 0xa0 ? &f->avail : &f->used, offset, value);
}

static void mmio_write(void *device, u32 offset, u64 value, u32 width)
{
    struct fake_virtio *f = device;
    bool old = f->mmio_version == 1;
    if (width != 4 || offset % 4)
        fault(f, "a register not written as four bytes");
    if (f->device_status & 0x80 && offset != 0x70)
        fault(f, "a register of a FAILED device written");
    switch (offset | (old ? 0x1000u : 0)) {
    case 0x014:
    case 0x1014:
        f->feature_select[0] = (u32)value;
        return;
    case 0x020:
    case 0x1020:
        fake_put_half(&f->driver_features, f->feature_select[1] ? 4 : 0, (u32)value);
        if (f->device_status != 3)
            fault(f, "features written too early or too late");
        features_check(f);
        return;
    case 0x024:
    case 0x1024:
        f->feature_select[1] = (u32)value;
        return;
    case 0x1028:
        f->page_size = (u32)value;
        return;
    case 0x030:
    case 0x1030:
        f->queue_select = (u16)value;
        return;
    case 0x038:
    case 0x1038:
    case 0x103c:
    case 0x1040:
    case 0x044:
    case 0x080:
    case 0x084:
    case 0x090:
    case 0x094:
    case 0x0a0:
    case 0x0a4:
        mmio_queue_written(f, offset, (u32)value);
        return;
    case 0x050:
    case 0x1050:
        notified(f, (u32)value);
        return;
    case 0x070:
    case 0x1070:
        status_written(f, (u8)value);
        return;
    }
    fault(f, "a write of a register that is not there, or only read");
}

/* ---- building --------------------------------------------------------------------------------------------------- */

void fake_virtio_init(struct fake_virtio *f, u32 slot)
{
    *f = (struct fake_virtio){
        .modern = true,
        .memory_bar = 0xfe000000 + slot * 0x4000,
        .io_bar = (u16)(0xc000 + slot * 0x80),
        .features = FAKE_F_VERSION_1 | FAKE_F_SEG_MAX | FAKE_F_BLK_SIZE | FAKE_F_EVENT_IDX,
        .queue_max = 256,
        .vendor = 0x554d4551,
        .notify_multiplier = 4,
        .capacity = 4096,
        .seg_max = 254,
        .blk_size = 512,
        .bad_sector = ~0ull,
    };
    f->function.at = (u16)(slot << 3);
}

void fake_virtio_capability(u8 *config, u8 at, u8 next, u8 type, u32 offset, u32 length)
{
    u8 bytes[] = {9, next, type == 2 ? 20 : 16, type, 4, 0, 0, 0};
    memcpy(config + at, bytes, sizeof bytes);
    fake_put32(config + at + 8, offset);
    fake_put32(config + at + 12, length);
}

void fake_virtio_plug_mmio(struct fake_virtio *f, u32 version, u64 base)
{
    f->mmio_version = version;
    f->legacy = version == 1;
    f->modern = !f->legacy;
    f->memory_bar = base;
    device_reset(f);
    f->device_status = f->reset_refused ? 0 : 7;
    f->resets = 0;
    f->memory = (struct fake_region){NULL, false, &f->memory_bar, 0x200, mmio_read, mmio_write, f};
    fake_region_add(&f->memory);
    fake_relax_add(relax, f);
}

void fake_virtio_plug(struct fake_virtio *f)
{
    u8 *config = f->function.config;
    fake_function_add(&f->function, f->function.at, 0x1af4, f->legacy ? 0x1001 : 0x1042, 0x0100);
    fake_put16(config + 0x2e, f->legacy ? 2 : 0x1100);
    config[0x34] = FAKE_CAP_MSIX;
    config[FAKE_CAP_MSIX] = 0x11;
    config[6] = 0x10;
    if (f->legacy)
        fake_put32(config + 0x10, (u32)f->io_bar | 1u);
    if (f->modern) {
        fake_put32(config + 0x20, (u32)f->memory_bar | 0xc);
        fake_put32(config + 0x24, (u32)(f->memory_bar >> 32));
        config[FAKE_CAP_MSIX + 1] = FAKE_CAP_COMMON;
        fake_virtio_capability(config, FAKE_CAP_COMMON, FAKE_CAP_ISR, 1, 0, 56);
        fake_virtio_capability(config, FAKE_CAP_ISR, FAKE_CAP_DEVICE, 3, 0x1000, 4);
        fake_virtio_capability(config, FAKE_CAP_DEVICE, FAKE_CAP_NOTIFY, 4, 0x2000, 64);
        fake_virtio_capability(config, FAKE_CAP_NOTIFY, 0, 2, 0x3000, 0x1000);
        fake_put32(config + FAKE_CAP_NOTIFY + 16, f->notify_multiplier);
    }
    device_reset(f);
    f->device_status = 7; /* as firmware that has read from it leaves it */
    f->resets = 0;
    f->memory = (struct fake_region){&f->function, false, &f->memory_bar, 0x4000, memory_read, memory_write, f};
    f->ports = (struct fake_region){&f->function, true, &f->io_bar, 0x80, legacy_read, legacy_write, f};
    if (f->modern)
        fake_region_add(&f->memory);
    if (f->legacy)
        fake_region_add(&f->ports);
    fake_relax_add(relax, f);
}
