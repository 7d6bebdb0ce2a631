/* fake_virtio_scsi.c: virtio SCSI adapters on the fake PCI bus (fake_virtio_scsi.h). VIRTIO 1.2 §2.7, §4.1, §5.6;
 * SPC-4, SBC-3. */
#include <string.h>

#include "fake_virtio.h"
#include "fake_virtio_scsi.h"

static void fault(struct fake_scsi *f, const char *what)
{
    if (!f->fault)
        f->fault = what;
}

static void *dma(struct fake_scsi *f, u64 address, u64 size)
{
    return fake_dma(&f->function, address, size, &f->fault);
}

static u64 big(const u8 *at, u32 size)
{
    u64 value = 0;
    for (u32 i = 0; i < size; i++)
        value = value << 8 | at[i];
    return value;
}

static void big_put(u8 *at, u64 value, u32 size)
{
    for (u32 i = 0; i < size; i++)
        at[i] = (u8)(value >> 8 * (size - 1 - i));
}

/* ---- a request --------------------------------------------------------------------------------------------------- */

struct request {
    const u8 *header; /* lun, id, three bytes, CDB */
    u8 *response;
    u64 data;
    u32 size;
};

struct desc {
    u64 addr;
    u32 len;
    u16 flags, next;
};

static bool desc_get(struct fake_scsi *f, u32 i, struct desc *d)
{
    const struct desc *table = i < f->queue[2].size ? dma(f, f->queue[2].desc + i * 16, 16) : NULL;
    if (!table) {
        fault(f, "descriptor number beyond the queue");
        return false;
    }
    *d = *table;
    return true;
}

static bool request_get(struct fake_scsi *f, u16 head, struct request *r)
{
    struct desc d;
    *r = (struct request){0};
    if (!desc_get(f, head, &d))
        return false;
    if (d.len != 19 + f->cdb_size || d.flags != 1) {
        fault(f, "no header of 19 bytes and a CDB");
        return false;
    }
    r->header = dma(f, d.addr, d.len);
    if (!desc_get(f, d.next, &d))
        return false;
    if (d.len != 12 + f->sense_size || !(d.flags & 2)) {
        fault(f, "no response of 12 bytes and sense data");
        return false;
    }
    r->response = dma(f, d.addr, d.len);
    if (d.flags & 1) {
        if (!desc_get(f, d.next, &d))
            return false;
        if (d.flags != 2 || !d.len)
            fault(f, "data that is not one piece for writing");
        r->data = d.addr;
        r->size = d.len;
        if (!dma(f, d.addr, d.len))
            return false;
    }
    return r->header && r->response;
}

static struct fake_scsi_unit *unit_find(struct fake_scsi *f, const u8 *lun, bool *target)
{
    struct fake_scsi_unit *found = NULL;
    u16 number = (u16)((lun[2] & 0x3f) << 8 | lun[3]);
    *target = false;
    if (lun[0] != 1 || big(lun + 4, 4) || (lun[2] && lun[2] >> 6 != 1))
        fault(f, "an address that is not of a target and a single level unit");
    for (u32 i = 0; i < f->unit_count; i++) {
        *target |= f->unit[i].target == lun[1];
        if (f->unit[i].target == lun[1] && f->unit[i].lun == number)
            found = &f->unit[i];
    }
    return found;
}

static u32 luns_list(const struct fake_scsi *f, u8 target, u8 *out)
{
    u32 count = 0;
    for (u32 i = f->unit_count; i-- > 0;) { /* as QEMU: last plugged in first */
        u16 lun = f->unit[i].lun;
        if (f->unit[i].target != target)
            continue;
        memset(out + 8 + count * 8, 0, 8);
        big_put(out + 8 + count * 8, lun < 256 ? lun : 0x4000u | lun, 2);
        count++;
    }
    memset(out, 0, 8);
    big_put(out, count * 8, 4);
    return 8 + count * 8;
}

static void sense_put(u8 *response, bool descriptor, u8 key, u8 asc, u8 ascq)
{
    u8 *sense = response + 12;
    memset(sense, 0, 18);
    if (descriptor) {
        memcpy(sense, (u8[]){0x72, key, asc, ascq}, 4);
    } else {
        memcpy(sense, (u8[]){0xf0, 0, key, 0, 0, 0, 0, 10}, 8);
        sense[12] = asc;
        sense[13] = ascq;
    }
    fake_put32(response, descriptor ? 8 : 18);
    response[10] = 2;
}

/* A CD that tells of raw sectors, or of nothing, gives 2048 bytes of each all the same. */
static u32 data_block_size(const struct fake_scsi_unit *u)
{
    bool raw = u->type == 5 && (!u->block_size || (u->block_size > 2048 && u->block_size < 4096));
    return raw ? 2048 : u->block_size;
}

static u32 read_run(struct fake_scsi *f, const struct fake_scsi_unit *u, const struct request *r)
{
    const u8 *cdb = r->header + 19;
    u64 lba = cdb[0] == 0x28 ? big(cdb + 2, 4) : big(cdb + 2, 8);
    u64 blocks = cdb[0] == 0x28 ? big(cdb + 7, 2) : big(cdb + 10, 4);
    if (!blocks || !fits(lba, blocks, u->block_count))
        fault(f, "a read of nothing or past the end");
    if (blocks * data_block_size(u) != r->size)
        fault(f, "a read into a buffer of another size");
    if (f->max_sectors && r->size > (u64)f->max_sectors * 512)
        fault(f, "more than max_sectors");
    if (r->size > f->data_max)
        f->data_max = r->size;
    u8 *to = dma(f, r->data, r->size);
    for (u64 at = 0; at < r->size && f->image_size;) {
        u64 from = (lba * data_block_size(u) + at) % f->image_size;
        u64 part = min_u64(r->size - at, f->image_size - from);
        memcpy(to + at, f->image + from, part);
        at += part;
    }
    return r->size;
}

/* Bytes given as data; the status is in the response already. */
static u32 command_run(struct fake_scsi *f, struct fake_scsi_unit *u, const struct request *r)
{
    static u8 reply[8 + 8 * 256];
    const u8 *cdb = r->header + 19;
    u64 last = u ? u->block_count - 1 : 0;
    u32 size = 36;
    memset(reply, 0, 64);
    if (u && cdb[0] != 0x12 && cdb[0] != 0xa0) {
        if (u->attentions) {
            u->attentions--;
            sense_put(r->response, false, 6, 0x29, 0);
            return 0;
        }
        if (u->no_medium) {
            sense_put(r->response, false, 2, 0x3a, 0);
            return 0;
        }
    }
    switch (cdb[0]) {
    case 0x00:
        return 0;
    case 0x12:
        if (cdb[1]) {
            sense_put(r->response, true, 5, 0x24, 0);
            return 0;
        }
        reply[0] = u ? u->type : 0x7f;
        memcpy(reply + 8, "FAKE    DISK            1.0 ", 28);
        break;
    case 0x25:
        big_put(reply, last > 0xffffffff ? 0xffffffff : last, 4);
        big_put(reply + 4, u ? u->block_size : 0, 4);
        size = 8;
        break;
    case 0x9e:
        big_put(reply, last, 8);
        big_put(reply + 8, u ? u->block_size : 0, 4);
        size = 32;
        break;
    case 0xa0:
        size = f->luns ? f->luns_size : luns_list(f, r->header[1], reply);
        if (f->luns)
            memcpy(reply, f->luns, size);
        break;
    case 0x28:
    case 0x88:
        return u ? read_run(f, u, r) : 0;
    default:
        fault(f, "a command that no driver needs that only reads");
    }
    size = (u32)min_u64(size, r->size);
    u8 *to = size ? dma(f, r->data, size) : NULL;
    if (to)
        memcpy(to, reply, size);
    return size;
}

/* False: it is swallowed. */
static bool request_run(struct fake_scsi *f, u16 head, u32 *length)
{
    struct request r;
    bool target;
    *length = 0;
    if (!request_get(f, head, &r))
        return true;
    struct fake_scsi_failure *x = &f->failure;
    struct fake_scsi_unit *u = unit_find(f, r.header, &target);
    u8 code = r.header[19];
    if (r.response[11] != 0xff || r.header[16] || r.header[17] || r.header[18])
        fault(f, "a response that is filled in, or an attribute that nobody knows");
    if (big(r.header + 19 + 16, f->cdb_size - 16) && f->cdb_size > 16)
        fault(f, "a CDB that goes on behind 16 bytes");
    f->commands[code]++;
    if (u)
        u->in_flight--;
    memset(r.response, 0, 12);
    bool fails = x->times && code == x->code && !(x->skip && x->skip--);
    if (fails && x->silent) {
        x->times -= x->times != ~0u;
        return false;
    }
    if (!target) {
        r.response[11] = 3;
        fake_put32(r.response + 4, r.size);
    } else if (fails) {
        x->times -= x->times != ~0u;
        if (x->status == 2)
            sense_put(r.response, x->descriptor_sense, x->key, x->asc, x->ascq);
        r.response[10] = x->status;
        r.response[11] = x->response;
        fake_put32(r.response + 4, x->residual ? x->residual : x->status || x->response ? r.size : 0);
    } else {
        u32 given = command_run(f, u, &r);
        if (f->on_answer)
            f->on_answer(f, code, r.size ? dma(f, r.data, r.size) : NULL, given);
        fake_put32(r.response + 4, r.size - given);
    }
    *length = f->zero_length ? 0 : 12 + f->sense_size + r.size;
    return true;
}

/* ---- the queue --------------------------------------------------------------------------------------------------- */

static void used_put(struct fake_scsi *f, u16 head, u32 length)
{
    bool lies = !f->lies_after || !--f->lies_after;
    u8 *elem = dma(f, f->queue[2].used + 4 + f->used_idx % f->queue[2].size * 8u, 8);
    u8 *idx = dma(f, f->queue[2].used + 2, 2);
    if (!elem || !idx)
        return;
    fake_put32(elem, lies && f->wrong_id ? head + 1u : lies && f->twice ? f->last_head : head);
    fake_put32(elem + 4, length);
    f->last_head = head;
    f->used_idx++;
    fake_put16(idx, (u16)(f->used_idx + (lies ? f->used_jump : 0)));
}

static void answer(struct fake_scsi *f)
{
    u32 i = f->reverse ? f->pending_count - 1 : 0, length;
    if (f->held) {
        f->held = false;
        used_put(f, f->held_head, 0);
        return;
    }
    u16 head = f->pending[i];
    memmove(&f->pending[i], &f->pending[i + 1], (f->pending_count - i - 1) * sizeof f->pending[0]);
    f->pending_count--;
    if (request_run(f, head, &length))
        used_put(f, head, length);
    else if (f->failure.belated) {
        f->held = true;
        f->held_head = head;
    }
}

static u16 ring_get16(struct fake_scsi *f, u64 address)
{
    const u16 *at = dma(f, address, 2);
    return at ? *at : 0;
}

static void notified(struct fake_scsi *f, u32 queue)
{
    f->notifies++;
    if (queue != 2 || !f->queue[2].enabled)
        fault(f, "notification of a queue that carries nothing");
    if (!(f->device_status & 4))
        fault(f, "notification before DRIVER_OK");
    if (f->fault)
        return;
    u16 idx = ring_get16(f, f->queue[2].avail + 2);
    if (!(ring_get16(f, f->queue[2].avail) & 1))
        fault(f, "interrupts are not suppressed");
    for (; f->avail_seen != idx; f->avail_seen++) {
        struct request r;
        bool target;
        if (f->pending_count == f->queue[2].size) {
            fault(f, "more requests than descriptors");
            return;
        }
        u16 head = ring_get16(f, f->queue[2].avail + 4 + f->avail_seen % f->queue[2].size * 2u);
        f->pending[f->pending_count++] = head;
        f->requests++;
        struct fake_scsi_unit *u = request_get(f, head, &r) ? unit_find(f, r.header, &target) : NULL;
        if (u && ++u->in_flight > f->cmd_per_lun && f->cmd_per_lun)
            fault(f, "more commands to a unit than cmd_per_lun");
    }
    if (f->pending_count > f->in_flight_max)
        f->in_flight_max = f->pending_count;
    while (!f->late && f->pending_count)
        answer(f);
}

static void relax(void *device)
{
    struct fake_scsi *f = device;
    if (f->pending_count && f->late && ++f->waited >= f->late) {
        f->waited = 0;
        answer(f);
    }
}

/* ---- registers: common at 0, ISR at 1000, device at 2000, notify at 3000 ---------------------------------------- */

static void device_reset(struct fake_scsi *f)
{
    f->device_status = 0;
    memset(f->queue, 0, sizeof f->queue);
    for (u32 i = 0; i < FAKE_SCSI_QUEUES; i++)
        f->queue[i].size = f->queue_max;
    f->avail_seen = f->used_idx = f->queue_select = 0;
    f->pending_count = f->waited = 0;
    f->held = false;
    f->driver_features = 0;
    for (u32 i = 0; i < f->unit_count; i++)
        f->unit[i].in_flight = 0;
    f->resets++;
}

static void status_written(struct fake_scsi *f, u8 status)
{
    u8 old = f->device_status, added = status & (u8)~old;
    if (!status) {
        device_reset(f);
        return;
    }
    if ((status & old) != old || !is_power_of_two(added))
        fault(f, "status bits not set one at a time");
    for (u32 i = 0; added == 4 && i < FAKE_SCSI_QUEUES; i++)
        if (!f->queue[i].enabled)
            fault(f, "a queue that some hosts want is not enabled");
    f->device_status = status;
}

static u64 memory_read(void *device, u32 offset, u32 width)
{
    struct fake_scsi *f = device;
    if (offset - 0x2000 < 0x1000) {
        u8 config[36] = {1};
        fake_put32(config + 4, 126);
        fake_put32(config + 8, f->max_sectors);
        fake_put32(config + 12, f->cmd_per_lun);
        fake_put32(config + 20, f->sense_size);
        fake_put32(config + 24, f->cdb_size);
        fake_put16(config + 30, f->max_target);
        fake_put32(config + 32, 16383);
        return fits(offset - 0x2000, width, sizeof config) ? fake_get(config + (offset - 0x2000), width) : 0;
    }
    switch (offset << 4 | width) {
    case 0x04 << 4 | 4:
        return f->feature_select[0] == 1 ? 1 : 6; /* VERSION_1; HOTPLUG, CHANGE */
    case 0x12 << 4 | 2:
        return FAKE_SCSI_QUEUES;
    case 0x14 << 4 | 1:
        return f->reset_stuck && !f->device_status ? 0x40 : f->device_status;
    case 0x15 << 4 | 1:
        return 0;
    case 0x18 << 4 | 2:
        return f->queues_refused || f->queue_select >= FAKE_SCSI_QUEUES ? 0 : f->queue[f->queue_select].size;
    case 0x1e << 4 | 2:
        return f->queue_select;
    }
    fault(f, "a register read in a way it cannot be");
    return ~0ull;
}

static void memory_write(void *device, u32 offset, u64 value, u32 width)
{
    struct fake_scsi *f = device;
    u32 i = f->queue_select < FAKE_SCSI_QUEUES ? f->queue_select : 0;
    if (offset == 0x3008 && width == 2) {
        notified(f, (u32)value);
        return;
    }
    switch (offset << 4 | width) {
    case 0x00 << 4 | 4:
    case 0x08 << 4 | 4:
        f->feature_select[offset / 8] = (u32)value;
        return;
    case 0x0c << 4 | 4:
        if (value != f->feature_select[1])
            fault(f, "features that the driver cannot know");
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
        f->queue[i].size = (u16)value;
        return;
    case 0x1c << 4 | 2:
        if (value != 1 || !(f->device_status & 8) || f->device_status & 4)
            fault(f, "a queue enabled too early or too late");
        f->queue[i].enabled = true;
        return;
    case 0x20 << 4 | 4:
    case 0x24 << 4 | 4:
        fake_put_half(&f->queue[i].desc, offset, (u32)value);
        return;
    case 0x28 << 4 | 4:
    case 0x2c << 4 | 4:
        fake_put_half(&f->queue[i].avail, offset, (u32)value);
        return;
    case 0x30 << 4 | 4:
    case 0x34 << 4 | 4:
        fake_put_half(&f->queue[i].used, offset, (u32)value);
        return;
    }
    fault(f, "a register written in a way it cannot be");
}

/* ---- building ---------------------------------------------------------------------------------------------------- */

void fake_scsi_init(struct fake_scsi *f, u32 slot)
{
    *f = (struct fake_scsi){
        .memory_bar = 0xfd000000 + slot * 0x4000,
        .queue_max = 256,
        .max_sectors = 0xffff,
        .cmd_per_lun = 128,
        .sense_size = 96,
        .cdb_size = 32,
        .max_target = 255,
    };
    f->function.at = (u16)(slot << 3);
}

struct fake_scsi_unit *fake_scsi_add(struct fake_scsi *f, u8 target, u16 lun, u8 type, u32 block_size,
                                     u64 block_count)
{
    struct fake_scsi_unit *u = &f->unit[f->unit_count++];
    *u = (struct fake_scsi_unit){
        .target = target, .lun = lun, .type = type, .block_size = block_size, .block_count = block_count};
    return u;
}

void fake_scsi_plug(struct fake_scsi *f)
{
    u8 *config = f->function.config;
    fake_function_add(&f->function, f->function.at, 0x1af4, 0x1048, 0x0100);
    config[6] = 0x10;
    config[0x34] = 0x40;
    fake_put32(config + 0x20, (u32)f->memory_bar | 0xc);
    fake_virtio_capability(config, 0x40, 0x50, 1, 0, 56);
    fake_virtio_capability(config, 0x50, 0x60, 4, 0x2000, 36);
    fake_virtio_capability(config, 0x60, 0, 2, 0x3000, 0x1000);
    fake_put32(config + 0x70, 4);
    device_reset(f);
    f->device_status = 7; /* as firmware that has read from it leaves it */
    f->resets = 0;
    f->memory = (struct fake_region){&f->function, false, &f->memory_bar, 0x4000, memory_read, memory_write, f};
    fake_region_add(&f->memory);
    fake_relax_add(relax, f);
}
