/* fake_nvme.c: an NVMe controller on the fake PCI bus (fake_nvme.h). NVM Express 1.4 §3.1, §4, §5, §6.9. */
#include <string.h>

#include "fake_nvme.h"

static void fault(struct fake_nvme *f, const char *what)
{
    if (!f->fault)
        f->fault = what;
}

static void *dma(struct fake_nvme *f, u64 address, u64 size)
{
    return fake_dma(&f->function, address, size, &f->fault);
}

static u64 get64(const u8 *at)
{
    return fake_get(at, 4) | (u64)fake_get(at + 4, 4) << 32;
}

static u64 page_bytes(const struct fake_nvme *f)
{
    return 4096ull << (f->cc >> 7 & 15);
}

/* ---- reads ------------------------------------------------------------------------------------------------------ */

static void data_copy(struct fake_nvme *f, u64 byte, u64 address, u64 size)
{
    u8 *to = dma(f, address, size);
    if (!to)
        return;
    u64 there = f->image && byte < f->image_size ? min_u64(size, f->image_size - byte) : 0;
    if (there)
        memcpy(to, f->image + byte, there);
    memset(to + there, 0, size - there);
}

/* §4.3: the list at `list`, whose last entry in a page leads to another list when there is more than it can name. */
static void list_walk(struct fake_nvme *f, u64 list, u64 byte, u64 left)
{
    u64 page = page_bytes(f);
    if (list & 7)
        fault(f, "a PRP list that is not aligned");
    while (left && !f->fault) {
        const u8 *entry = dma(f, list, 8);
        if (!entry)
            return;
        u64 address = get64(entry);
        if (address & (page - 1))
            fault(f, "a PRP list entry with an offset");
        if (list % page == page - 8 && left > page) {
            list = address;
            continue;
        }
        u64 part = min_u64(left, page);
        data_copy(f, byte, address, part);
        byte += part, left -= part, list += 8;
    }
}

static void data_send(struct fake_nvme *f, const u8 *command, u64 byte, u64 size)
{
    u64 page = page_bytes(f), prp1 = get64(command + 24), prp2 = get64(command + 32);
    u64 first = min_u64(size, page - prp1 % page);
    if (prp1 & 3)
        fault(f, "PRP 1 that is not aligned");
    data_copy(f, byte, prp1, first);
    if (size == first && prp2)
        fault(f, "PRP 2 for data that end in the first page");
    if (size - first > page)
        list_walk(f, prp2, byte + first, size - first);
    else if (size > first && prp2 & (page - 1))
        fault(f, "PRP 2 with an offset");
    else if (size > first)
        data_copy(f, byte + first, prp2, size - first);
}

static u32 read_run(struct fake_nvme *f, const u8 *command)
{
    const struct fake_nvme_namespace *ns = NULL;
    u64 lba = get64(command + 40), blocks = fake_get(command + 48, 2) + 1, mptr = get64(command + 16);
    for (u32 i = 0; i < f->ns_count; i++)
        if (f->ns[i].nsid == fake_get(command + 4, 4))
            ns = &f->ns[i];
    if (command[0] != 2 || command[1] || get64(command + 8) || fake_get(command + 50, 2) || get64(command + 52) ||
        fake_get(command + 60, 4) || !ns) {
        fault(f, "not a plain read");
        return 0x4001;
    }
    u64 size = blocks << ns->shift;
    if (f->mdts && f->mdts < 32 && size > (4096ull << (f->cap >> 48 & 15)) << f->mdts)
        fault(f, "a read longer than MDTS");
    if (!fits(lba, blocks, ns->blocks))
        fault(f, "a read past the end");
    if (f->fault)
        return 0x4080;
    f->bytes_max = max_u64(f->bytes_max, size);
    bool bad = (f->bad_block >= lba && f->bad_block - lba < blocks) || (f->all_bad && lba >= f->bad_block);
    if (bad && f->bad_times) {
        f->bad_times -= f->bad_times != ~0u;
        return f->status;
    }
    data_send(f, command, ns->image_at + (lba << ns->shift), size);
    if (ns->metadata && !(ns->flbas & 16)) {
        u8 *to = mptr & 3 ? NULL : dma(f, mptr, blocks * ns->metadata);
        if (!to)
            fault(f, "no place for metadata");
        else
            memset(to, 0xee, blocks * ns->metadata);
    }
    return 0;
}

/* ---- admin commands --------------------------------------------------------------------------------------------- */

static u32 identify_run(struct fake_nvme *f, const u8 *command)
{
    u32 nsid = fake_get(command + 4, 4), cns = fake_get(command + 40, 4), count = 0;
    u64 prp1 = get64(command + 24);
    u8 *page = dma(f, prp1, 4096);
    if (!page || prp1 % page_bytes(f) || cns == f->refuse_cns)
        return 0x4002;
    memset(page, 0, 4096);
    if (cns == 1) {
        page[77] = f->mdts;
        fake_put32(page + 516, f->nn);
    }
    for (u32 i = 0; i < f->ns_count; i++) {
        const struct fake_nvme_namespace *ns = &f->ns[i];
        if (cns == 2 && ns->nsid > nsid && ns->blocks)
            fake_put32(page + 4 * count++, ns->nsid);
        if (cns || ns->nsid != nsid)
            continue;
        fake_put64(page, ns->blocks);
        page[25] = ns->nlbaf;
        page[26] = ns->flbas;
        page[99] = ns->nsattr;
        u32 index = (ns->flbas & 15u) + (ns->flbas >> 5 & 3u) * 16;
        fake_put32(page + 128 + 4 * index, ns->metadata | (u32)ns->shift << 16);
    }
    if (cns > 2)
        return 0x4002;
    if (f->on_identify)
        f->on_identify(f, cns, page);
    return 0;
}

/* Create I/O Completion Queue (5) or Submission Queue (1). */
static u32 create_run(struct fake_nvme *f, const u8 *command, bool completions)
{
    struct fake_nvme_queue *q = &f->queue[1];
    u32 id = fake_get(command + 40, 2), entries = fake_get(command + 42, 2) + 1, flags = fake_get(command + 44, 4);
    u64 address = get64(command + 24);
    if (id != 1 || entries < 2 || entries > (f->cap & 0xffff) + 1 || entries > FAKE_NVME_ENTRIES ||
        address % page_bytes(f) || flags != (completions ? 1u : 0x10001u) || (!completions && !q->cq)) {
        fault(f, "a queue that cannot be created");
        return 0x4002;
    }
    *(completions ? &q->cq : &q->sq) = address;
    *(completions ? &q->cq_entries : &q->sq_entries) = entries;
    q->phase = 1;
    return 0;
}

static u32 admin_run(struct fake_nvme *f, const u8 *command)
{
    if (command[0] == f->refuse_opcode)
        return 0x4001;
    switch (command[0]) {
    case 1:
    case 5:
        return create_run(f, command, command[0] == 5);
    case 6:
        return identify_run(f, command);
    case 9:
        if (fake_get(command + 40, 4) != 7 || f->queue[1].cq)
            fault(f, "a feature that is not the number of queues, or too late");
        return 0;
    }
    fault(f, "an admin command that a boot loader does not need");
    return 0x4001;
}

/* ---- queues ----------------------------------------------------------------------------------------------------- */

/* Finish one pending command of queue i. */
static void answer(struct fake_nvme *f, u32 i)
{
    struct fake_nvme_queue *q = &f->queue[i];
    u32 k = f->reverse ? q->pending_count - 1 : 0;
    u8 command[64];
    memcpy(command, q->pending[k], 64);
    memmove(q->pending[k], q->pending[k + 1], (q->pending_count - k - 1) * 64);
    q->pending_count--;
    u32 status = i ? read_run(f, command) : admin_run(f, command);
    u16 cid = (u16)fake_get(command + 2, 2);
    if ((q->cq_tail + 1) % q->cq_entries == q->cq_head)
        fault(f, "no room for a completion");
    u8 *at = dma(f, q->cq + q->cq_tail * 16ull, 16);
    if (!at)
        return;
    memset(at, 0, 8);
    fake_put16(at + 8, (u16)q->sq_head);
    fake_put16(at + 10, (u16)(i ^ (i ? f->sq_change : 0u)));
    fake_put16(at + 12, (u16)((i && f->twice ? f->last_cid : cid) ^ (i ? f->cid_change : f->admin_cid_change)));
    fake_put16(at + 14, (u16)(status << 1 | (q->phase ^ (i && f->wrong_phase))));
    if (i)
        f->last_cid = cid;
    q->cq_tail = (q->cq_tail + 1) % q->cq_entries;
    q->phase ^= !q->cq_tail;
    if (f->on_answer)
        f->on_answer(f, at);
}

static void commands_fetch(struct fake_nvme *f, u32 i)
{
    struct fake_nvme_queue *q = &f->queue[i];
    for (; q->sq_head != q->sq_tail; q->sq_head = (q->sq_head + 1) % q->sq_entries) {
        const u8 *command = dma(f, q->sq + q->sq_head * 64ull, 64);
        if (!command || q->pending_count == q->sq_entries - 1) {
            fault(f, "more commands than entries");
            return;
        }
        for (u32 k = 0; k < q->pending_count; k++)
            if (!memcmp(q->pending[k] + 2, command + 2, 2))
                fault(f, "a command identifier that is in use");
        memcpy(q->pending[q->pending_count++], command, 64);
        f->requests += i;
    }
    if (i && q->pending_count > f->in_flight_max)
        f->in_flight_max = q->pending_count;
    if (i && f->trouble)
        f->troubled = true;
    while (q->pending_count && !f->troubled && (i ? !f->late && !f->never : !f->never_admin))
        answer(f, i);
}

static void doorbell_written(struct fake_nvme *f, u32 index, u32 value)
{
    struct fake_nvme_queue *q = &f->queue[index / 2];
    f->doorbells++;
    if (index > 3 || !f->ready || !q->sq || value >= (index & 1 ? q->cq_entries : q->sq_entries)) {
        fault(f, "a doorbell rung too early or with a number beyond its queue");
    } else if (!(index & 1)) {
        q->sq_tail = value;
        commands_fetch(f, index / 2);
    } else {
        u32 new = (q->cq_tail + q->cq_entries - q->cq_head) % q->cq_entries;
        if ((value + q->cq_entries - q->cq_head) % q->cq_entries > new)
            fault(f, "completions taken that were not there");
        q->cq_head = value;
    }
}

/* ---- registers -------------------------------------------------------------------------------------------------- */

static void ready_follow(struct fake_nvme *f)
{
    bool enabled = f->cc & 1;
    if (f->ready == enabled || f->ready_waited++ < f->ready_late)
        return;
    if (enabled ? f->start_stuck || f->fatal_start : f->reset_stuck)
        return;
    f->ready_waited = 0;
    f->ready = enabled;
    if (!enabled) {
        memset(f->queue, 0, sizeof f->queue);
        f->troubled = false;
        f->resets++;
        return;
    }
    f->queue[0] = (struct fake_nvme_queue){.sq = f->asq,
                                           .cq = f->acq,
                                           .sq_entries = (f->aqa & 0xfff) + 1,
                                           .cq_entries = (f->aqa >> 16 & 0xfff) + 1,
                                           .phase = 1};
}

static u32 status_value(struct fake_nvme *f)
{
    ready_follow(f);
    if (f->troubled && f->trouble == FAKE_NVME_GONE)
        return FAKE_NVME_GONE;
    return f->ready | (f->troubled ? f->trouble : 0) | (f->fatal_start && f->cc & 1 ? 2u : 0);
}

static void config_written(struct fake_nvme *f, u32 value)
{
    bool was = f->cc & 1, is = value & 1, fatal = f->troubled || f->fatal_start;
    if (was != is && f->ready == is && !fatal && !f->start_stuck)
        fault(f, "CC.EN changed while CSTS.RDY has not followed it yet");
    if (is && !was && (f->asq | f->acq) & 0xfff)
        fault(f, "admin queues that are not aligned");
    if (is && ((value >> 16 & 255) != 0x46 || value & 0xf87e || (value >> 7 & 15) < (f->cap >> 48 & 15)))
        fault(f, "a configuration other than 64- and 16-byte entries, NVM commands, pages that it has");
    if (value >> 14 & 3)
        fault(f, "a shutdown");
    f->cc = value;
    ready_follow(f);
}

static u64 memory_read(void *device, u32 offset, u32 width)
{
    struct fake_nvme *f = device;
    u32 status = status_value(f);
    if (status == FAKE_NVME_GONE)
        return ~0ull;
    if (width == 4) {
        switch (offset) {
        case 0x00:
            return (u32)f->cap;
        case 0x04:
            return f->cap >> 32;
        case 0x08:
            return f->vs;
        case 0x14:
            return f->cc;
        case 0x1c:
            return status;
        }
    }
    fault(f, "a register read in a way it cannot be");
    return ~0ull;
}

static void memory_write(void *device, u32 offset, u64 value, u32 width)
{
    struct fake_nvme *f = device;
    u32 shift = 2 + (f->cap >> 32 & 15);
    if (status_value(f) == FAKE_NVME_GONE)
        return;
    if (width != 4)
        fault(f, "a register written in a way it cannot be");
    else if (offset == 0x14)
        config_written(f, (u32)value);
    else if (offset >= 0x1000 && (offset - 0x1000) % (1u << shift) == 0)
        doorbell_written(f, (offset - 0x1000) >> shift, (u32)value);
    else if (f->cc & 1)
        fault(f, "a register written while the controller is enabled");
    else if (offset == 0x24)
        f->aqa = (u32)value;
    else if ((offset & ~4u) == 0x28)
        fake_put_half(&f->asq, offset, value);
    else if (offset == 0x30 || offset == 0x34)
        fake_put_half(&f->acq, offset, value);
    else
        fault(f, "a write to registers where there are none");
}

static void relax(void *device)
{
    struct fake_nvme *f = device;
    struct fake_nvme_queue *q = &f->queue[1];
    if (q->pending_count && f->late && !f->never && !f->troubled && ++f->waited >= f->late) {
        f->waited = 0;
        answer(f, 1);
    }
}

/* ---- building --------------------------------------------------------------------------------------------------- */

void fake_nvme_init(struct fake_nvme *f, u32 slot)
{
    *f = (struct fake_nvme){
        .bar = 0xfea00000 + slot * 0x100000,
        .cap = 1ull << 37 | 15u << 24 | 1u << 16 | 2047,
        .vs = 0x10400,
        .nn = 1,
        .mdts = 7,
        .ns_count = 1,
        .ns = {{.nsid = 1, .blocks = 4096, .shift = 9}},
        .bad_block = ~0ull,
        .bad_times = ~0u,
        .refuse_opcode = 0xff,
        .refuse_cns = 0xff,
    };
    f->function.at = (u16)(slot << 3);
}

void fake_nvme_plug(struct fake_nvme *f)
{
    u8 *config = f->function.config;
    fake_function_add(&f->function, f->function.at, 0x1b36, 0x0010, 0x0108);
    config[9] = 2;
    fake_put32(config + 0x10, (u32)f->bar | 4);
    fake_put32(config + 0x14, (u32)(f->bar >> 32));
    f->cc = 0x464001;
    f->ready = !f->starting;
    f->memory = (struct fake_region){&f->function, false, &f->bar, 0x100000, memory_read, memory_write, f};
    fake_region_add(&f->memory);
    fake_relax_add(relax, f);
}
