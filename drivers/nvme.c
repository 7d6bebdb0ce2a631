/* nvme.c: NVM Express controllers on PCI and their namespaces.
 *
 * NVM Express Base Specification 1.4; what is used of it is the same from 1.0 to 2.0. One pair of I/O queues, which all
 * namespaces share. A slot is a command identifier with a PRP list of its own, and a request is never longer than what
 * one list describes: nothing is allocated while reading. Left out on purpose: writing, SGLs, interrupts, namespaces
 * with data and metadata interleaved, command sets but NVM, the shutdown notification (the machine stays on: a reset is
 * what the next driver wants). tests/unit/test_nvme.c (a controller that lies); `-device nvme,serial=x,drive=` with
 * mdts=, logical_block_size=, and `-device nvme-ns` under QEMU.
 */
#include "block.h"
#include "io.h"
#include "memory.h"
#include "pci.h"
#include "print.h"

#define INTERFACE_NVME 2 /* PCI programming interface: NVM Express I/O controller */

/* §3.1: registers in BAR 0 */
#define NVME_CAP 0x00 /* 64 bits */
#define NVME_VS 0x08
#define NVME_CC 0x14
#define NVME_CSTS 0x1c
#define NVME_AQA 0x24
#define NVME_ASQ 0x28 /* 64 bits */
#define NVME_ACQ 0x30 /* 64 bits */
#define NVME_DOORBELLS 0x1000

#define CAP_MQES(cap) ((u32)(cap) & 0xffff)      /* 0-based */
#define CAP_TO(cap) ((u32)(cap) >> 24)           /* in 500 ms */
#define CAP_DSTRD(cap) ((u32)((cap) >> 32) & 15)
#define CAP_CSS_NVM (1ull << 37)
#define CAP_MPSMIN(cap) ((u32)((cap) >> 48) & 15)

#define CC_EN 1u
#define CC_SHN 0xc000u
#define CC_SIZES (6u << 16 | 4u << 20) /* entries of 64 and 16 bytes */
#define CSTS_RDY 1u
#define CSTS_CFS 2u
#define ALL_ONES 0xffffffffu /* what is not there any more reads so */

#define VS_1_1 0x10100u

/* §5, §6: opcodes */
#define ADMIN_CREATE_SQ 0x01
#define ADMIN_CREATE_CQ 0x05
#define ADMIN_IDENTIFY 0x06
#define ADMIN_SET_FEATURES 0x09
#define NVM_READ 0x02

#define FEATURE_QUEUES 0x07
#define PHYSICALLY_CONTIGUOUS 1u
#define CNS_NAMESPACE 0
#define CNS_CONTROLLER 1
#define CNS_NAMESPACE_LIST 2

struct nvme_command {
    u32 cdw0, nsid;
    u64 reserved, mptr, prp1, prp2;
    u32 cdw10, cdw11, cdw12, cdw13, cdw14, cdw15;
};
_Static_assert(sizeof(struct nvme_command) == 64, "NVMe 1.4 §4.2");

struct nvme_completion {
    u32 result, reserved;
    u16 sq_head, sq_id, cid, status; /* status: bit 0 is the phase */
};
_Static_assert(sizeof(struct nvme_completion) == 16, "NVMe 1.4 §4.6");

struct identify_controller {
    u8 not_used[77];
    u8 mdts;
    u8 not_used_2[438];
    u32 nn;
};
_Static_assert(offsetof(struct identify_controller, nn) == 516, "NVMe 1.4 figure 247");

struct identify_namespace {
    u64 nsze, ncap, nuse;
    u8 nsfeat, nlbaf, flbas, mc, dpc, dps;
    u8 not_used[52];
    u8 nulbaf; /* NVM Command Set 1.0 */
    u8 not_used_2[16];
    u8 nsattr;
    u8 not_used_3[28];
    u32 lbaf[64]; /* 16 of them until 2.0 */
};
_Static_assert(offsetof(struct identify_namespace, nulbaf) == 82, "NVM Command Set 1.0 §4.1.5.1");
_Static_assert(offsetof(struct identify_namespace, nsattr) == 99, "NVMe 1.4 figure 245");
_Static_assert(offsetof(struct identify_namespace, lbaf) == 128, "NVMe 1.4 figure 245");

#define FLBAS_INDEX(flbas) (((flbas) & 15u) | ((flbas) >> 1 & 0x30u))
#define FLBAS_INTERLEAVED 0x10u
#define LBAF_MS(lbaf) ((lbaf) & 0xffff)      /* bytes of metadata per block */
#define LBAF_LBADS(lbaf) ((lbaf) >> 16 & 0xff) /* 2^n bytes of data */
#define NSATTR_PROTECTED 1u

/* §4.6.1: the status field without its phase */
#define STATUS_CODE(status) ((status) & 0xff)
#define STATUS_TYPE(status) ((status) >> 8 & 7u)
#define STATUS_FAILED 0x7ffu
#define STATUS_DNR 0x4000u /* do not retry */
#define TYPE_MEDIA 2u

#define PAGE_SHIFT_MAX 16u           /* of the controller's page size */
#define ADMIN_ENTRIES 4u
#define MEMORY_PAGES 6u              /* a pair of queues of each kind, and two for Identify */
#define QUEUE_ENTRIES 64u            /* a page of commands; bits of `busy` and one more */
#define REQUEST_BYTES MIB(2)
#define LISTS_BYTES KIB(128)         /* PRP lists of all slots together, at most */
#define LIST_ALIGN 512u              /* some controllers cannot read shorter ones that begin elsewhere (Linux'
                                      * NVME_QUIRK_DMAPOOL_ALIGN_512) */
#define METADATA_BYTES KIB(64)
#define NAMESPACES_MAX DISKS_MAX     /* per controller */
#define ANSWER_MS 10000u             /* without any progress */
#define LOOK_MS 100u                 /* how often a silent controller's status is looked at */
#define RETRIES 5u
#define RETRY_MS 200u

struct queue {
    u16 id, entries;
    u16 tail, head;   /* where the next command goes, and where the next completion comes */
    u16 phase;        /* of a completion that is new */
    struct nvme_command *command;
    volatile const struct nvme_completion *completion;
};

struct slot {
    const struct block_span *span;
    u32 bytes, tries;
};

struct nvme {
    struct pci_device pci;
    char where[24]; /* "pci 00:04.0" */
    u32 number;     /* of the controllers, in PCI's order */
    u64 registers;
    u32 doorbell_shift; /* of the distance between doorbells */
    u32 page_bytes, ready_ms, request_bytes;
    struct queue admin, io;
    u8 *memory;     /* queues, and pages for Identify */
    void *identity; /* one of these */
    u32 *list;      /* the other */
    u8 *prp_lists;
    u32 prp_list_bytes, slot_count;
    u64 all_slots, busy; /* busy: slots with a request in them */
    u64 again;           /* of these, what is to be submitted once more */
    struct slot slot[QUEUE_ENTRIES - 1];
    struct namespace *namespaces;
    bool stopped;   /* reset, or lost */
};

struct namespace {
    struct nvme *controller;
    u32 nsid;
    u8 *metadata; /* where it lands that has some; nobody reads it */
    u32 metadata_bytes;
    struct block_device *disk;
    struct namespace *next;
};

extern const struct block_driver disk_nvme; /* by tables.c */

/* ---- registers ------------------------------------------------------------------------------------------------- */

static u32 nvme_get(const struct nvme *n, u32 offset)
{
    return mmio_read32(n->registers + offset);
}

static void nvme_set(const struct nvme *n, u32 offset, u32 value)
{
    mmio_write32(n->registers + offset, value);
}

/* In halves, which every controller takes. */
static void nvme_set64(const struct nvme *n, u32 offset, u64 value)
{
    nvme_set(n, offset, (u32)value);
    nvme_set(n, offset + 4, (u32)(value >> 32));
}

/* Wait until CSTS.RDY is `ready`. A controller that is gone is as good as reset. */
static enum error ready_wait(const struct nvme *n, u32 ready)
{
    struct deadline deadline = deadline_in(n->ready_ms);
    for (;;) {
        u32 status = nvme_get(n, NVME_CSTS);
        if (status == ALL_ONES && !ready)
            return OK;
        if (ready && status & CSTS_CFS)
            return fail(ERR_IO, "%s: fatal error while the controller starts (status %x)", n->where, status);
        if ((status & CSTS_RDY) == ready)
            return OK;
        if (deadline_passed(&deadline))
            return fail(ERR_TIMEOUT, "%s: status reads %x after %u ms, expected %s", n->where, status, n->ready_ms,
                        ready ? "ready" : "the end of reset");
    }
}

static enum error nvme_reset(const struct nvme *n)
{
    u32 config = nvme_get(n, NVME_CC);
    if (config & CC_EN) {
        /* §3.1.5: to disable a controller that is not ready has undefined results. */
        if (!(nvme_get(n, NVME_CSTS) & CSTS_CFS) && ready_wait(n, CSTS_RDY) != OK)
            error_clear();
        nvme_set(n, NVME_CC, config & ~(CC_EN | CC_SHN));
    }
    return ready_wait(n, 0);
}

/* The end of all DMA; a reset that fails is said. */
static void nvme_stop(struct nvme *n)
{
    n->stopped = true;
    n->busy = n->again = 0;
    if (nvme_reset(n) != OK)
        error_show();
    pci_disable(&n->pci);
}

static void disks_dead(const struct nvme *n)
{
    for (struct namespace *s = n->namespaces; s; s = s->next)
        s->disk->dead = true;
}

/* A controller that breaks the rules is stopped, so that it cannot write to memory that is used otherwise. */
static void give_up(struct nvme *n)
{
    warn("%s: not used any more, resetting the controller", n->where);
    disks_dead(n);
    nvme_stop(n);
}

/* A controller that is silent is not reset: a host whose storage hangs finishes the reads before it lets a reset
 * return, and stops the whole machine until then (QEMU drains). All that it was given stays its own instead; of queues
 * and PRP lists that it only reads, too, because they say where it writes. */
static void leave_alone(struct nvme *n)
{
    warn("%s: not used any more, and what it was given stays reserved", n->where);
    for (u64 busy = n->busy; busy; busy &= busy - 1) {
        const struct slot *slot = &n->slot[__builtin_ctzll(busy)];
        disk_lost_memory(mem_address(slot->span->buf), slot->bytes);
    }
    disk_lost_memory(mem_address(n->memory), (u64)MEMORY_PAGES * n->page_bytes);
    if (n->prp_lists)
        disk_lost_memory(mem_address(n->prp_lists), (u64)n->slot_count * n->prp_list_bytes);
    for (const struct namespace *s = n->namespaces; s; s = s->next)
        if (s->metadata)
            disk_lost_memory(mem_address(s->metadata), s->metadata_bytes);
    disk_lost(NULL);
    disks_dead(n);
    device_lost(n->where);
    n->stopped = true;
}

/* ---- queues ---------------------------------------------------------------------------------------------------- */

static void queue_make(struct queue *q, u16 id, u32 entries, u8 *memory, u32 page_bytes)
{
    *q = (struct queue){.id = id, .entries = (u16)entries, .phase = 1};
    q->command = (struct nvme_command *)memory;
    q->completion = (const struct nvme_completion *)(memory + page_bytes);
}

static void queue_put(struct queue *q, const struct nvme_command *command)
{
    q->command[q->tail] = *command;
    q->tail = (u16)((q->tail + 1) % q->entries);
}

/* §3.1.24, §3.1.25: the submission queue's doorbell comes first. */
static void doorbell_ring(const struct nvme *n, const struct queue *q, bool completions, u16 value)
{
    io_barrier();
    nvme_set(n, NVME_DOORBELLS + ((q->id * 2u + completions) << n->doorbell_shift), value);
}

static bool queue_has_news(const struct queue *q)
{
    return (q->completion[q->head].status & 1) == q->phase;
}

static struct nvme_completion queue_take(struct queue *q)
{
    io_barrier(); /* the phase before the rest and before the data */
    volatile const struct nvme_completion *at = &q->completion[q->head];
    struct nvme_completion c = {.sq_id = at->sq_id, .cid = at->cid, .status = at->status >> 1};
    q->head = (u16)((q->head + 1) % q->entries);
    q->phase ^= !q->head;
    return c;
}

/* Wait for a completion. ERR_TIMEOUT, without a sentence: none came. ERR_IO: the controller stopped, and is given
 * up. */
static enum error queue_wait(struct nvme *n, const struct queue *q)
{
    for (u32 ms = 0; ms < ANSWER_MS; ms += LOOK_MS) {
        struct deadline look = deadline_in(LOOK_MS);
        while (!queue_has_news(q) && !deadline_passed(&look))
            continue;
        if (queue_has_news(q))
            return OK;
        u32 status = nvme_get(n, NVME_CSTS);
        if (!(status & CSTS_CFS))
            continue;
        give_up(n);
        return fail(ERR_IO, "%s: %s (status %x)", n->where,
                    status == ALL_ONES ? "the controller is gone" : "fatal error of the controller", status);
    }
    return ERR_TIMEOUT;
}

static enum error answer_of_nothing(struct nvme *n, const struct nvme_completion *c)
{
    give_up(n);
    return fail(ERR_IO, "%s: the controller answers a command that was not given (queue %u, command %u)", n->where,
                c->sq_id, c->cid);
}

static const char *status_words(u32 status)
{
    static const struct {
        u16 status;
        const char *words;
    } known[] = {
        {0x001, "invalid opcode"},
        {0x002, "invalid field in command"},
        {0x004, "data transfer error"},
        {0x005, "aborted by power loss"},
        {0x006, "internal error"},
        {0x007, "aborted"},
        {0x00b, "invalid namespace or format"},
        {0x013, "invalid PRP offset"},
        {0x01d, "sanitize in progress"},
        {0x021, "command interrupted"},
        {0x022, "transport error"},
        {0x080, "LBA out of range"},
        {0x082, "namespace not ready"},
        {0x083, "reservation conflict"},
        {0x084, "format in progress"},
        {0x101, "invalid queue identifier"},
        {0x102, "invalid queue size"},
        {0x1b8, "zone boundary error"},
        {0x281, "unrecovered read error"},
        {0x282, "guard check error"},
        {0x283, "application tag check error"},
        {0x284, "reference tag check error"},
        {0x286, "access denied"},
        {0x287, "deallocated or unwritten block"},
        {0x300, "internal path error"},
        {0x301, "path persistently lost"},
        {0x302, "path inaccessible"},
        {0x303, "path in transition"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(known); i++)
        if (known[i].status == (status & STATUS_FAILED))
            return known[i].words;
    return "failed";
}

/* ---- admin commands -------------------------------------------------------------------------------------------- */

/* One at a time; `what` for sentences. */
static enum error admin_run(struct nvme *n, struct nvme_command command, const char *what)
{
    struct queue *q = &n->admin;
    u16 cid = q->tail;
    command.cdw0 |= (u32)cid << 16;
    queue_put(q, &command);
    doorbell_ring(n, q, false, q->tail);
    enum error error = queue_wait(n, q);
    if (error == ERR_TIMEOUT) {
        leave_alone(n);
        return fail(error, "%s: no answer within %u s to %s", n->where, ANSWER_MS / 1000, what);
    }
    if (error)
        return error;
    struct nvme_completion c = queue_take(q);
    doorbell_ring(n, q, true, q->head);
    if (c.sq_id || c.cid != cid)
        return answer_of_nothing(n, &c);
    if (c.status & STATUS_FAILED)
        return fail(ERR_IO, "%s: %s: %s (status type %u, code %02x)", n->where, what, status_words(c.status),
                    STATUS_TYPE(c.status), STATUS_CODE(c.status));
    return OK;
}

static enum error identify(struct nvme *n, u32 cns, u32 nsid, void *page, const char *what)
{
    struct nvme_command c = {.cdw0 = ADMIN_IDENTIFY, .nsid = nsid, .prp1 = mem_address(page), .cdw10 = cns};
    memset(page, 0, 4096);
    return admin_run(n, c, what);
}

/* §7.6.1: ask for one pair of queues, which not all controllers want to be asked for; then the completion queue, which
 * the other names. */
static enum error io_queues_create(struct nvme *n)
{
    u32 shape = (n->io.entries - 1u) << 16 | n->io.id;
    struct nvme_command features = {.cdw0 = ADMIN_SET_FEATURES, .cdw10 = FEATURE_QUEUES};
    struct nvme_command cq = {.cdw0 = ADMIN_CREATE_CQ,
                              .prp1 = mem_address((const void *)n->io.completion),
                              .cdw10 = shape,
                              .cdw11 = PHYSICALLY_CONTIGUOUS};
    struct nvme_command sq = {.cdw0 = ADMIN_CREATE_SQ,
                              .prp1 = mem_address(n->io.command),
                              .cdw10 = shape,
                              .cdw11 = (u32)n->io.id << 16 | PHYSICALLY_CONTIGUOUS};
    enum error error = admin_run(n, features, "Set Features (number of queues)");
    if (error && n->stopped)
        return error;
    error_clear();
    error = admin_run(n, cq, "Create I/O Completion Queue");
    return error ? error : admin_run(n, sq, "Create I/O Submission Queue");
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

/* §4.3: what PRP 2 says of the bytes behind those in the first page. */
static u64 prp_rest(const struct nvme *n, u32 i, u64 address, u32 bytes)
{
    u64 first = n->page_bytes - address % n->page_bytes;
    if (bytes <= first)
        return 0;
    u64 at = address + first, end = address + bytes;
    if (end - at <= n->page_bytes)
        return at;
    u64 *list = (u64 *)(n->prp_lists + i * n->prp_list_bytes);
    for (u32 k = 0; at < end; at += n->page_bytes)
        list[k++] = at;
    return mem_address(list);
}

static void request_put(const struct block_device *disk, u32 i)
{
    const struct namespace *s = disk->state;
    struct nvme *n = s->controller;
    const struct block_span *span = n->slot[i].span;
    u64 address = mem_address(span->buf);
    struct nvme_command c = {.cdw0 = NVM_READ | i << 16,
                             .nsid = s->nsid,
                             .mptr = s->metadata ? mem_address(s->metadata) : 0,
                             .prp1 = address,
                             .prp2 = prp_rest(n, i, address, n->slot[i].bytes),
                             .cdw10 = (u32)span->lba,
                             .cdw11 = (u32)(span->lba >> 32),
                             .cdw12 = span->blocks - 1};
    queue_put(&n->io, &c);
}

/* Hand over what fits the slots; the number of spans taken. */
static u32 requests_submit(const struct block_device *disk, const struct block_span *spans, u32 count)
{
    struct nvme *n = ((const struct namespace *)disk->state)->controller;
    u32 taken = 0;
    for (; taken < count && n->busy != n->all_slots; taken++) {
        u32 i = (u32)__builtin_ctzll(~n->busy);
        n->slot[i] = (struct slot){.span = &spans[taken], .bytes = spans[taken].blocks * disk->block_size};
        n->busy |= 1ull << i;
        request_put(disk, i);
    }
    if (taken)
        doorbell_ring(n, &n->io, false, n->io.tail);
    return taken;
}

/* What the controller would not or could not do just now, after a pause. */
static void requests_repeat(const struct block_device *disk)
{
    struct nvme *n = ((const struct namespace *)disk->state)->controller;
    pause_ms(RETRY_MS);
    for (; n->again; n->again &= n->again - 1)
        request_put(disk, (u32)__builtin_ctzll(n->again));
    doorbell_ring(n, &n->io, false, n->io.tail);
}

/* How a request ended: its slot is free again, or waits for another try. A medium that cannot be read has been tried
 * often enough by the drive. Gives the first error: so_far, or this one. */
static enum error request_result(const struct block_device *disk, u32 i, u32 status, enum error so_far)
{
    struct nvme *n = ((const struct namespace *)disk->state)->controller;
    struct slot *slot = &n->slot[i];
    bool failed = status & STATUS_FAILED;
    bool hopeless = status & STATUS_DNR || STATUS_TYPE(status) == TYPE_MEDIA || slot->tries == RETRIES;
    if (failed && so_far == OK && !hopeless) {
        slot->tries++;
        n->again |= 1ull << i;
        return OK;
    }
    n->busy &= ~(1ull << i);
    if (!failed || so_far)
        return so_far;
    return fail(ERR_IO, "%s: read of block %lu (%u blocks): %s (status type %u, code %02x)", disk->name,
                slot->span->lba, slot->span->blocks, status_words(status), STATUS_TYPE(status), STATUS_CODE(status));
}

/* Wait until requests are finished and take them all; *error is of the first that failed: what else is in flight has
 * to land all the same. Fails itself when the disk is not to be used any more. */
static enum error requests_take(const struct block_device *disk, enum error *error)
{
    struct nvme *n = ((const struct namespace *)disk->state)->controller;
    struct queue *q = &n->io;
    enum error lost = queue_wait(n, q);
    if (lost == ERR_TIMEOUT) {
        const struct block_span *span = n->slot[__builtin_ctzll(n->busy & ~n->again)].span;
        leave_alone(n);
        return fail(lost, "%s: no answer within %u s to a read of %u blocks at block %lu", disk->name,
                    ANSWER_MS / 1000, span->blocks, span->lba);
    }
    if (lost)
        return lost;
    do {
        struct nvme_completion c = queue_take(q);
        u64 flying = n->busy & ~n->again;
        if (c.sq_id != q->id || c.cid >= n->slot_count || !(flying >> c.cid & 1))
            return answer_of_nothing(n, &c);
        *error = request_result(disk, c.cid, c.status, *error);
    } while (n->busy != n->again && queue_has_news(q));
    doorbell_ring(n, q, true, q->head);
    return OK;
}

static enum error nvme_read(struct block_device *disk, const struct block_span *spans, u32 count)
{
    struct nvme *n = ((struct namespace *)disk->state)->controller;
    enum error error = OK;
    u32 next = 0;
    for (;;) {
        if (error == OK)
            next += requests_submit(disk, spans + next, count - next);
        if (n->busy == n->again) {
            if (error || !n->again) {
                n->busy = n->again = 0;
                return error;
            }
            requests_repeat(disk);
        }
        enum error lost = requests_take(disk, &error);
        if (lost)
            return lost;
    }
}

/* The first of the namespaces stops the controller of them all. */
static void nvme_quiesce(struct block_device *disk)
{
    struct nvme *n = ((struct namespace *)disk->state)->controller;
    if (!n->stopped)
        nvme_stop(n);
}

/* ---- finding them ---------------------------------------------------------------------------------------------- */

/* Blocks and limits from Identify Namespace. ERR_NOT_MINE: inactive. */
static enum error geometry_read(struct namespace *s, struct block_device *disk, bool *read_only)
{
    const struct nvme *n = s->controller;
    const struct identify_namespace *id = n->identity;
    u32 index = FLBAS_INDEX(id->flbas), formats = id->nlbaf + 1u + id->nulbaf;
    u32 format = id->lbaf[index], metadata = LBAF_MS(format), shift = LBAF_LBADS(format);
    if (!id->nsze)
        return ERR_NOT_MINE;
    if (index >= formats)
        return fail(ERR_CORRUPT, "LBA format %u of %u", index, formats);
    if (shift < 9 || shift > PAGE_SHIFT_MAX)
        return fail(ERR_UNSUPPORTED, "blocks of 2^%u bytes, expected 2^9 to 2^%u", shift, PAGE_SHIFT_MAX);
    if (metadata && id->flbas & FLBAS_INTERLEAVED)
        return fail(ERR_UNSUPPORTED, "%u bytes of metadata are interleaved with each block of data", metadata);
    disk->block_size = 1u << shift;
    disk->block_count = id->nsze;
    disk->dma_align = 4;
    disk->max_blocks = n->request_bytes >> shift;
    if (metadata)
        disk->max_blocks = (u32)min_u64(disk->max_blocks, METADATA_BYTES / metadata);
    if (!disk->max_blocks)
        return fail(ERR_UNSUPPORTED, "a request of at most %u bytes cannot carry a block of %u", n->request_bytes,
                    disk->block_size);
    *read_only = id->nsattr & NSATTR_PROTECTED;
    s->metadata_bytes = disk->max_blocks * metadata;
    if (metadata)
        s->metadata = arena_reserve(s->metadata_bytes, 16);
    return metadata && !s->metadata ? ERR_NO_MEMORY : OK;
}

static enum error namespace_start(struct nvme *n, u32 nsid, struct disk_list *disks)
{
    struct namespace *s = arena_alloc(sizeof *s, 8);
    struct block_device disk = {.driver = &disk_nvme, .state = s, .place = {.bus = BUS_PCI, .address = n->pci.at}};
    bool read_only = false;
    if (!s)
        return ERR_NO_MEMORY;
    *s = (struct namespace){.controller = n, .nsid = nsid, .next = n->namespaces};
    enum error error = identify(n, CNS_NAMESPACE, nsid, n->identity, "Identify Namespace");
    if (error == OK)
        error = geometry_read(s, &disk, &read_only);
    if (error)
        return error;
    format_text(disk.place.unit, sizeof disk.place.unit, "namespace@%u,0", nsid);
    if (format_text(disk.name, sizeof disk.name, "nvme%un%u", n->number, nsid) >= sizeof disk.name)
        return fail(ERR_UNSUPPORTED, "its number is too long for a name");
    s->disk = disk_add(disks, "nvme", &disk);
    if (!s->disk)
        return ERR_NO_MEMORY;
    n->namespaces = s;
    say_verbose("%s: %s, %lu blocks of %u bytes%s, %u requests of %u KiB in flight", disk.name, n->where,
                disk.block_count, disk.block_size, read_only ? ", read-only" : "", n->slot_count,
                (u32)(((u64)disk.max_blocks * disk.block_size) >> 10));
    return OK;
}

/* False when there is no point in looking at further ones. */
static bool namespace_found(struct nvme *n, u32 nsid, struct disk_list *disks)
{
    enum error error = namespace_start(n, nsid, disks);
    if (error && error != ERR_NOT_MINE) {
        error_add(error, "%s namespace %u", n->where, nsid);
        error_show();
    }
    return !n->stopped && error != ERR_NO_MEMORY;
}

/* By the list of those that are active, which came with 1.1; without it by counting. */
static enum error namespaces_scan(struct nvme *n, u32 nn, struct disk_list *disks)
{
    u32 last = 0;
    enum error error = ERR_NOT_FOUND;
    if (nvme_get(n, NVME_VS) >= VS_1_1)
        error = identify(n, CNS_NAMESPACE_LIST, 0, n->list, "Identify (namespace list)");
    if (n->stopped)
        return error;
    error_clear();
    for (u32 i = 0; i < NAMESPACES_MAX; i++) {
        u32 nsid = error ? i + 1 : n->list[i];
        if (error ? nsid > nn : nsid <= last) /* ascending, and zeros behind the last */
            break;
        if (!namespace_found(n, nsid, disks))
            break;
        last = nsid;
    }
    return OK;
}

/* What the registers tell of sizes and times. */
static enum error capabilities_read(struct nvme *n)
{
    u64 cap = nvme_get(n, NVME_CAP) | (u64)nvme_get(n, NVME_CAP + 4) << 32;
    if (cap == ~0ull)
        return fail(ERR_IO, "%s: no registers at %lx", n->where, n->registers);
    u32 shift = 12 + CAP_MPSMIN(cap), entries = (u32)min_u64(CAP_MQES(cap) + 1u, QUEUE_ENTRIES);
    n->ready_ms = (u32)max_u64(CAP_TO(cap), 1) * 500;
    if (!(cap & CAP_CSS_NVM) || shift > PAGE_SHIFT_MAX || entries < 2)
        return fail(ERR_UNSUPPORTED, "%s: capabilities %lx, expected the NVM command set, pages of up to %u KiB, "
                    "queues of 2 entries or more", n->where, cap, 1u << (PAGE_SHIFT_MAX - 10));
    n->page_bytes = 1u << shift;
    n->doorbell_shift = 2 + CAP_DSTRD(cap);
    n->io.entries = (u16)entries;
    return paging_map(n->registers, NVME_DOORBELLS + (4ull << n->doorbell_shift));
}

/* Admin queues, and the controller enabled. */
static enum error controller_enable(struct nvme *n)
{
    u32 page = n->page_bytes;
    u8 *memory = arena_alloc((u64)MEMORY_PAGES * page, page);
    if (!memory)
        return ERR_NO_MEMORY;
    n->memory = memory;
    queue_make(&n->admin, 0, ADMIN_ENTRIES, memory, page);
    queue_make(&n->io, 1, n->io.entries, memory + 2 * page, page);
    n->identity = memory + 4 * page;
    n->list = (u32 *)(memory + 5 * page);
    nvme_set(n, NVME_AQA, (ADMIN_ENTRIES - 1) << 16 | (ADMIN_ENTRIES - 1));
    nvme_set64(n, NVME_ASQ, mem_address(memory));
    nvme_set64(n, NVME_ACQ, mem_address(memory + page));
    io_barrier();
    /* §7.6.1: EN last; the page size is the smallest the controller has. */
    nvme_set(n, NVME_CC, CC_SIZES | ((u32)__builtin_ctz(page) - 12) << 7 | CC_EN);
    return ready_wait(n, CSTS_RDY);
}

/* Slots: one for each request in flight, with room for what the longest takes in its PRP list. */
static enum error slots_make(struct nvme *n, u32 mdts)
{
    u32 shift = (u32)__builtin_ctz(n->page_bytes) + mdts; /* figure 247: 0 is no limit */
    n->request_bytes = mdts && shift < 21 ? 1u << shift : (u32)REQUEST_BYTES;
    n->prp_list_bytes = (u32)max_u64(n->request_bytes / n->page_bytes * sizeof(u64), LIST_ALIGN);
    n->slot_count = (u32)min_u64(n->io.entries - 1u, LISTS_BYTES / n->prp_list_bytes);
    n->all_slots = (1ull << n->slot_count) - 1;
    n->prp_lists = arena_alloc((u64)n->slot_count * n->prp_list_bytes, n->prp_list_bytes);
    return n->prp_lists ? OK : ERR_NO_MEMORY;
}

static enum error controller_start(struct nvme *n, struct disk_list *disks)
{
    const struct identify_controller *id;
    enum error error = capabilities_read(n);
    if (error == OK)
        error = nvme_reset(n);
    if (error == OK)
        error = controller_enable(n);
    if (error == OK)
        error = identify(n, CNS_CONTROLLER, 0, n->identity, "Identify Controller");
    if (error)
        return error;
    id = n->identity;
    u32 nn = id->nn;
    error = slots_make(n, id->mdts);
    if (error == OK)
        error = io_queues_create(n);
    return error ? error : namespaces_scan(n, nn, disks);
}

struct search {
    struct disk_list *disks;
    u32 count;
};

static void controller_found(const struct pci_device *device, void *context)
{
    struct search *search = context;
    struct pci_bar bar;
    if (device->class != PCI_CLASS_NVME || device->interface != INTERFACE_NVME)
        return;
    u32 number = search->count++;
    struct nvme *n = arena_alloc(sizeof *n, 8);
    if (!n) {
        error_show();
        return;
    }
    n->pci = *device;
    n->number = number;
    format_text(n->where, sizeof n->where, "pci %02x:%02x.%x", PCI_NAME(device));
    if (device_is_lost(n->where)) {
        warn("%s: left out, it did not answer before", n->where);
        return;
    }
    if (!pci_bar(device, 0, &bar) || bar.is_io) {
        warn("%s: NVMe controller: firmware gave its registers no address", n->where);
        return;
    }
    n->registers = bar.address;
    enum error error = paging_map(n->registers, NVME_DOORBELLS);
    bool mapped = error == OK;
    if (mapped) {
        pci_enable(&n->pci);
        error = controller_start(n, search->disks);
    }
    if (error) {
        error_add(error, "nvme");
        error_show();
    }
    if (!mapped || n->namespaces || n->stopped)
        return;
    if (error == ERR_TIMEOUT) { /* of what stopping would wait for once more */
        nvme_set(n, NVME_CC, 0);
        pci_disable(&n->pci);
    } else {
        nvme_stop(n);
    }
}

static void nvme_probe(const struct boot_info *boot, struct disk_list *disks)
{
    struct search search = {.disks = disks};
    (void)boot;
    pci_scan(controller_found, &search);
}

const struct block_driver disk_nvme = {"nvme", nvme_probe, nvme_read, nvme_quiesce};
