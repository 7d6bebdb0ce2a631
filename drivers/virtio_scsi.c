/* virtio_scsi.c: disks and CDs behind virtio SCSI host bus adapters, over any transport.
 *
 * VIRTIO 1.2 §5.6; SPC-4 §6.33 (REPORT LUNS), SAM-5 §4.7 (LUN formats). The ring is cut into slots of one command each:
 * header, response, data in one segment, because a span is contiguous. All units of an adapter share its slots, its
 * reset and its end; but a unit that is silent takes only its own slots with it. Left out on purpose: writing, task
 * management, events (so hotplug), more than one request queue.
 * tests/unit/test_virtio_scsi.c (a device that lies); `-device virtio-scsi-pci` with `-device scsi-hd` and scsi-cd
 * under QEMU.
 */
#include "block.h"
#include "io.h"
#include "memory.h"
#include "print.h"
#include "scsi.h"
#include "virtio.h"

#define VIRTIO_ID_SCSI 8

/* §5.6.4 device configuration */
#define CONFIG_MAX_SECTORS 8 /* of 512 bytes, per command */
#define CONFIG_CMD_PER_LUN 12
#define CONFIG_SENSE_SIZE 20
#define CONFIG_CDB_SIZE 24
#define CONFIG_MAX_TARGET 28 /* in the upper half; the lower one is max_channel, which has no place in an address */

/* §5.6.2 virtqueues */
enum { QUEUE_CONTROL, QUEUE_EVENT, QUEUE_REQUEST, QUEUES };

/* §5.6.6.1 */
#define CDB_SIZE 32u
#define SENSE_SIZE 96u
#define TARGETS_MAX 256u

struct PACKED virtio_scsi_req_cmd {
    u8 lun[8];
    u64 id;
    u8 task_attr, prio, crn;
    u8 cdb[CDB_SIZE];
};
_Static_assert(sizeof(struct virtio_scsi_req_cmd) == 51, "virtio 1.2 §5.6.6.1");

struct virtio_scsi_resp_cmd {
    u32 sense_len, residual;
    u16 status_qualifier;
    u8 status, response;
    u8 sense[SENSE_SIZE];
};
_Static_assert(sizeof(struct virtio_scsi_resp_cmd) == 108, "virtio 1.2 §5.6.6.1");

enum {
    VIRTIO_SCSI_S_OK = 0,
    VIRTIO_SCSI_S_ABORTED = 2,
    VIRTIO_SCSI_S_BAD_TARGET = 3,
    VIRTIO_SCSI_S_RESET = 4,
    VIRTIO_SCSI_S_BUSY = 5,
    RESPONSE_UNWRITTEN = 0xff,
};
static const char *const response_words[] = {
    [1] = "more data than asked for", [VIRTIO_SCSI_S_BAD_TARGET] = "no such target", [6] = "transport failure",
    [7] = "target failure", [8] = "nexus failure", [9] = "failure",
};

#define REPORT_LUNS 0xa0
#define LUNS_MAX 256u /* of a target */
#define LUNS_BYTES (8 + LUNS_MAX * 8)

#define QUEUE_SIZE 256u
#define QUEUE_SIZE_IDLE 2u       /* of those that carry nothing */
#define SLOT_DESCRIPTORS 3u
#define SLOTS_MAX 64u            /* bits of `busy` */
#define REQUEST_BYTES MIB(2)     /* as in virtio_blk.c */
#define ANSWER_MS 10000u         /* without any progress */
#define SILENCES_MAX 4u          /* after that many the adapter itself is not waited for any more */
#define TRIES 5u                 /* of a read that fails in passing */
#define AGAIN_MS 10u
#define WHERE_MAX 56u            /* "pci 00:04.0 target 1 lun 0" */

struct slot {
    struct virtio_scsi_req_cmd header;
    struct virtio_scsi_resp_cmd response;
    void *buf;
    u32 size;
    u32 tries;
    const struct block_span *span; /* NULL: not a read */
};

struct adapter {
    struct virtio *virtio;
    struct virtq queue[QUEUES];
    struct disk_list *disks;
    u32 header_bytes, response_bytes, request_bytes; /* request_bytes: most per command */
    u32 unit_commands; /* most in flight per unit: with half of all slots, a silent one leaves room for the others */
    u32 slot_count;
    u64 busy, lost; /* bit sets of slots: which the device has; of these, for which nobody waits any more */
    u32 in_flight, lost_count; /* slots that are busy and not lost; lost */
    u32 silences;
    struct slot *slot;
    u8 *luns; /* for REPORT LUNS */
    bool gone; /* reset, or not to be touched */
};

struct lun {
    struct scsi_unit unit;
    struct adapter *adapter;
    u8 address[8];
    char where[WHERE_MAX];
};

extern const struct block_driver disk_virtio_scsi; /* by tables.c */

/* ---- requests -------------------------------------------------------------------------------------------------- */

/* SAM-5 §4.7: of an entry of REPORT LUNS, or of bytes 2 and 3 of an address. */
static u32 lun_number(const u8 *lun)
{
    return (lun[0] & 0x3fu) << 8 | lun[1];
}

/* True when another command may be given, with at most `most` in flight. */
static bool slot_is_free(const struct adapter *a, u32 most)
{
    return a->in_flight < most && a->in_flight + a->lost_count < a->slot_count;
}

static struct slot *request_add(struct adapter *a, const u8 *lun, const u8 *cdb, void *buf, u32 size)
{
    struct virtq *queue = &a->queue[QUEUE_REQUEST];
    u32 i = (u32)__builtin_ctzll(~a->busy), head = i * SLOT_DESCRIPTORS;
    struct slot *slot = &a->slot[i];
    *slot = (struct slot){.header.id = i, .response.response = RESPONSE_UNWRITTEN, .buf = buf, .size = size};
    memcpy(slot->header.lun, lun, sizeof slot->header.lun);
    memcpy(slot->header.cdb, cdb, SCSI_CDB_MAX);
    struct virtq_desc *desc = queue->desc + head;
    desc[0] = (struct virtq_desc){mem_address(&slot->header), a->header_bytes, VIRTQ_DESC_F_NEXT, (u16)(head + 1)};
    desc[1] = (struct virtq_desc){mem_address(&slot->response), a->response_bytes, VIRTQ_DESC_F_WRITE, 0};
    if (size) {
        desc[1].flags |= VIRTQ_DESC_F_NEXT;
        desc[1].next = (u16)(head + 2);
        desc[2] = (struct virtq_desc){mem_address(buf), size, VIRTQ_DESC_F_WRITE, 0};
    }
    a->busy |= 1ull << i;
    a->in_flight++;
    virtq_add(queue, (u16)head);
    return slot;
}

static void adapter_forget(struct adapter *a)
{
    a->gone = true;
    for (u32 i = 0; i < a->disks->count; i++) {
        struct block_device *disk = a->disks->disk[i];
        if (disk->driver == &disk_virtio_scsi && ((struct lun *)disk->state)->adapter == a)
            disk->dead = true;
    }
}

/* As virtio_blk.c does with a device that is silent: no reset; what it was given stays its own. That is for the unit
 * (disk; NULL while units are looked for): others of the adapter may well answer, and go on with the slots that are
 * left. The adapter itself, which then never can be reset, is left out of further looks for disks. */
static void leave_alone(struct adapter *a, struct block_device *disk, const char *name)
{
    warn("%s: not used any more, and what it was given stays reserved", name);
    for (u64 live = a->busy & ~a->lost; live; live &= live - 1) {
        const struct slot *slot = &a->slot[__builtin_ctzll(live)];
        if (slot->size)
            disk_lost_memory(mem_address(slot->buf), slot->size);
    }
    a->lost = a->busy;
    a->lost_count += a->in_flight;
    a->in_flight = 0;
    if (!a->silences++) {
        disk_lost_memory(mem_address(a->queue[QUEUE_REQUEST].desc), a->queue[QUEUE_REQUEST].bytes);
        disk_lost_memory(mem_address(a->slot), a->slot_count * sizeof *a->slot);
        device_lost(a->virtio->where);
    }
    if (a->lost_count == a->slot_count || a->silences == SILENCES_MAX) {
        warn("%s: not used any more", a->virtio->where);
        adapter_forget(a);
    }
    if (disk)
        disk_lost(disk);
    else
        arena_pin(); /* while it is looked at, it has nothing from outside the arena */
}

/* A device that breaks the rules is stopped, so that it cannot write to memory that is used otherwise. */
static void give_up(struct adapter *a)
{
    warn("%s: not used any more, resetting the device", a->virtio->where);
    adapter_forget(a);
    a->busy = a->lost = 0;
    a->in_flight = a->lost_count = 0;
    virtio_end(a->virtio);
}

/* Wait until requests are finished, and tell how many. disk: whose reads these are, or NULL. */
static enum error requests_wait(struct adapter *a, struct block_device *disk, u32 *finished)
{
    struct deadline deadline = deadline_in(ANSWER_MS);
    u32 in_flight = a->in_flight + a->lost_count;
    char name[WHERE_MAX];
    while (!(*finished = virtq_finished(&a->queue[QUEUE_REQUEST]))) {
        if (!deadline_passed(&deadline))
            continue;
        const struct slot *slot = &a->slot[__builtin_ctzll(a->busy & ~a->lost)];
        format_text(name, sizeof name, "%s target %u lun %u", a->virtio->where, slot->header.lun[1],
                    lun_number(slot->header.lun + 2));
        leave_alone(a, disk, disk ? disk->name : name);
        if (disk)
            return fail(ERR_TIMEOUT, "%s: no answer within %u s to a read of %u blocks at block %lu", disk->name,
                        ANSWER_MS / 1000, slot->span->blocks, slot->span->lba);
        return fail(ERR_TIMEOUT, "%s: no answer within %u s to command %02x", name, ANSWER_MS / 1000,
                    slot->header.cdb[0]);
    }
    io_barrier(); /* the index before response and data */
    if (*finished <= in_flight)
        return OK;
    give_up(a);
    return fail(ERR_IO, "%s: the device tells of %u finished requests where %u were made", a->virtio->where, *finished,
                in_flight);
}

/* Take one finished request out of the used ring; *slot is NULL when it is one that nobody waits for. Its length is not
 * looked at: vhost tells 0, and the residual is what counts. ERR_IO: it is none of ours, and the adapter is gone. */
static enum error request_take(struct adapter *a, struct slot **slot)
{
    struct virtq_used_elem elem = virtq_take(&a->queue[QUEUE_REQUEST]);
    u32 i = elem.id / SLOT_DESCRIPTORS;
    if (i >= a->slot_count || elem.id % SLOT_DESCRIPTORS || !(a->busy >> i & 1)) {
        give_up(a);
        return fail(ERR_IO, "%s: the device answers a request that was not made (descriptor %u)", a->virtio->where,
                    elem.id);
    }
    a->busy &= ~(1ull << i);
    if (a->lost >> i & 1) {
        a->lost &= ~(1ull << i);
        a->lost_count--;
        *slot = NULL;
        return OK;
    }
    a->in_flight--;
    *slot = &a->slot[i];
    return OK;
}

/* What the device says of a finished request. ERR_IO: it never reached a unit. `name` is for the sentence. */
static enum error request_result(const char *name, const struct slot *slot, struct scsi_result *result)
{
    const struct virtio_scsi_resp_cmd *r = &slot->response;
    *result = (struct scsi_result){0};
    switch (r->response) {
    case VIRTIO_SCSI_S_OK:
        result->status = r->status;
        result->received = r->residual <= slot->size ? slot->size - r->residual : 0;
        if (r->status == SCSI_CHECK_CONDITION)
            scsi_sense_read(r->sense, (u32)min_u64(r->sense_len, SENSE_SIZE), result);
        return OK;
    case VIRTIO_SCSI_S_ABORTED:
    case VIRTIO_SCSI_S_RESET:
        result->status = SCSI_TASK_ABORTED;
        return OK;
    case VIRTIO_SCSI_S_BUSY:
        result->status = SCSI_BUSY;
        return OK;
    }
    const char *words = r->response < ARRAY_COUNT(response_words) ? response_words[r->response] : NULL;
    return fail(ERR_IO, "%s: command %02x: %s (response %u)", name, slot->header.cdb[0], words ? words : "failed",
                r->response);
}

/* scsi_unit's command(): one at a time, while units are looked for. */
static enum error lun_command(struct scsi_unit *unit, const u8 *cdb, void *buf, u32 size, struct scsi_result *result)
{
    const struct lun *lun = unit->carrier;
    struct adapter *a = lun->adapter;
    struct slot *slot = NULL;
    enum error error = OK;
    request_add(a, lun->address, cdb, buf, size);
    virtq_publish(a->virtio, &a->queue[QUEUE_REQUEST]);
    while (error == OK && a->in_flight) {
        u32 finished;
        error = requests_wait(a, NULL, &finished);
        while (error == OK && !slot && finished--)
            error = request_take(a, &slot);
    }
    return error ? error : request_result(lun->where, slot, result);
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

static void read_add(const struct block_device *disk, const struct block_span *span, u32 tries)
{
    const struct lun *lun = disk->state;
    u8 cdb[SCSI_CDB_MAX];
    scsi_read_cdb(&lun->unit, span->lba, span->blocks, cdb);
    struct slot *slot = request_add(lun->adapter, lun->address, cdb, span->buf, span->blocks * disk->block_size);
    slot->span = span;
    slot->tries = tries;
}

/* How a finished read ended; *again when it has been put into the ring once more, for later. */
static enum error read_result(const struct block_device *disk, const struct slot *slot, bool *again)
{
    const struct lun *lun = disk->state;
    const struct block_span *span = slot->span;
    struct scsi_result result;
    u32 tries = slot->tries + 1;
    *again = false;
    enum error error = request_result(disk->name, slot, &result);
    if (error == OK)
        error = scsi_read_result(&lun->unit, disk->name, &result, span->lba, span->blocks, again);
    *again = *again && tries < TRIES;
    if (!*again)
        return error;
    pause_ms(AGAIN_MS);
    say_verbose("%s: trying again", error_text());
    read_add(disk, span, tries);
    error_clear();
    return OK;
}

static enum error virtio_scsi_read(struct block_device *disk, const struct block_span *spans, u32 count)
{
    struct adapter *a = ((struct lun *)disk->state)->adapter;
    enum error error = OK;
    bool publish = false;
    for (u32 next = 0;;) {
        u32 finished;
        struct slot *slot = NULL;
        for (; error == OK && next < count && slot_is_free(a, a->unit_commands); publish = true)
            read_add(disk, &spans[next++], 0);
        if (publish)
            virtq_publish(a->virtio, &a->queue[QUEUE_REQUEST]);
        publish = false;
        if (!a->in_flight)
            return error;
        enum error lost = requests_wait(a, disk, &finished);
        while (lost == OK && finished--) {
            lost = request_take(a, &slot);
            if (lost == OK && slot && error == OK) { /* the first counts; what else is in flight has to land */
                bool again;
                error = read_result(disk, slot, &again);
                publish |= again;
            }
        }
        if (lost)
            return lost;
    }
}

static void virtio_scsi_quiesce(struct block_device *disk)
{
    struct adapter *a = ((struct lun *)disk->state)->adapter;
    if (!a->gone && !a->lost_count)
        virtio_end(a->virtio);
    a->gone = true; /* the first of its disks ends it for all */
}

/* ---- finding them ---------------------------------------------------------------------------------------------- */

/* §5.6.6.1: a single level LUN structure (two bytes, as REPORT LUNS gives it) behind 1 and the target. */
static void address_put(u8 address[8], u32 target, const u8 *lun)
{
    memcpy(address, (u8[8]){1, (u8)target, lun[0], lun[1]}, 8);
}

static const u8 lun_zero[2];

static enum error disk_enter(struct lun *lun, u32 target, u32 number)
{
    struct adapter *a = lun->adapter;
    const struct scsi_unit *unit = &lun->unit;
    bool is_cd = unit->type == SCSI_TYPE_CD;
    struct block_device disk = {.driver = &disk_virtio_scsi, .state = lun, .place = a->virtio->place,
                                .removable = is_cd, .block_size = unit->block_size, .block_count = unit->block_count,
                                .dma_align = 1};
    disk.max_blocks = (u32)min_u64(a->request_bytes / unit->block_size, scsi_blocks_max(unit));
    if (!disk.max_blocks)
        return fail(ERR_UNSUPPORTED, "%s: %u bytes per request cannot carry a block of %u bytes", lun->where,
                    a->request_bytes, unit->block_size);
    format_text(disk.place.unit, sizeof disk.place.unit, "channel@0/disk@%x,%x", target, number);
    const struct block_device *added = disk_add(a->disks, is_cd ? "sr" : "sd", &disk);
    if (!added)
        return ERR_NO_MEMORY; /* or full; the trail says which */
    say_verbose("%s: %s, %s, %lu blocks of %u bytes, %u requests of %u KiB in flight", added->name, lun->where,
                unit->model, added->block_count, added->block_size, a->unit_commands,
                (u32)((u64)added->max_blocks * added->block_size / 1024));
    return OK;
}

/* Look at one logical unit. ERR_NO_MEMORY: looking at more is of no use. */
static enum error lun_try(struct adapter *a, u32 target, const u8 *entry)
{
    u32 number = lun_number(entry);
    u64 mark = arena_mark();
    struct lun *lun = arena_alloc(sizeof *lun, 8);
    if (!lun)
        return ERR_NO_MEMORY;
    format_text(lun->where, sizeof lun->where, "%s target %u lun %u", a->virtio->where, target, number);
    lun->adapter = a;
    lun->unit = (struct scsi_unit){.where = lun->where, .command = lun_command, .carrier = lun};
    address_put(lun->address, target, entry);
    enum error error = scsi_start(&lun->unit);
    if (error == OK)
        error = disk_enter(lun, target, number);
    if (error == OK)
        return OK;
    if (error == ERR_NOT_FOUND) { /* a CD drive without a medium is nothing wrong */
        say_verbose("%s", error_text());
        error_clear();
    }
    error_show();
    arena_release(mark); /* unless pinned */
    return error;
}

/* The list of a target's units in a->luns; their number. A target that has no such list has unit 0. */
static u32 luns_read(struct adapter *a, u32 target)
{
    u8 cdb[SCSI_CDB_MAX] = {REPORT_LUNS, [8] = LUNS_BYTES >> 8, [9] = LUNS_BYTES & 0xff};
    struct lun lun = {.adapter = a, .unit.carrier = &lun};
    struct scsi_result result;
    address_put(lun.address, target, lun_zero);
    format_text(lun.where, sizeof lun.where, "%s target %u", a->virtio->where, target);
    for (u32 i = 0; i < TRIES; i++) {
        if (lun_command(&lun.unit, cdb, a->luns, LUNS_BYTES, &result) != OK) {
            error_show();
            return 0;
        }
        if (result.key != SCSI_KEY_UNIT_ATTENTION)
            break;
    }
    if (result.status != SCSI_GOOD || result.received < 8) {
        memset(a->luns, 0, LUNS_BYTES);
        return 1;
    }
    u32 bytes = scsi_number(a->luns);
    if (bytes > LUNS_MAX * 8)
        warn("%s: %u logical units, of which the first %u are looked at", lun.where, bytes / 8, LUNS_MAX);
    return (u32)min_u64(bytes, result.received - 8) / 8;
}

/* The unit with the lowest number from `least` on, among `count` in the list: its entry, or NULL. Of one level, by
 * peripheral device (00b) or flat space addressing (01b), SAM-5 §4.7; what else there is (well known units, further
 * levels) cannot be written in an address of virtio. */
static const u8 *luns_next(const struct adapter *a, u32 count, u32 least)
{
    const u8 *found = NULL;
    for (u32 i = 0; i < count; i++) {
        const u8 *entry = a->luns + 8 + i * 8;
        bool deeper = entry[2] | entry[3] | entry[4] | entry[5] | entry[6] | entry[7];
        if (!deeper && (!entry[0] || entry[0] >> 6 == 1) && lun_number(entry) >= least &&
            (!found || lun_number(entry) < lun_number(found)))
            found = entry;
    }
    return found;
}

/* All units of a target in the order of their numbers, each once. */
static enum error target_try(struct adapter *a, u32 target)
{
    enum error error = OK;
    u32 count = luns_read(a, target), least = 0;
    const u8 *entry;
    while (!a->gone && error != ERR_NO_MEMORY && (entry = luns_next(a, count, least))) {
        least = lun_number(entry) + 1;
        error = lun_try(a, target, entry);
    }
    return error;
}

/* Which targets answer, as a bit set: a command without data to each, as many at once as there are slots. */
static void targets_find(struct adapter *a, u32 count, u8 *there)
{
    static const u8 cdb[SCSI_CDB_MAX] = {SCSI_TEST_UNIT_READY};
    enum error error = OK;
    u8 address[8];
    for (u32 next = 0; !a->gone && (next < count || a->in_flight);) {
        u32 finished, before = next;
        for (; next < count && slot_is_free(a, a->slot_count); next++) {
            address_put(address, next, lun_zero);
            request_add(a, address, cdb, NULL, 0);
        }
        if (next != before)
            virtq_publish(a->virtio, &a->queue[QUEUE_REQUEST]);
        error = requests_wait(a, NULL, &finished);
        while (error == OK && finished--) {
            struct slot *slot = NULL;
            error = request_take(a, &slot);
            if (error == OK && slot && slot->response.response != VIRTIO_SCSI_S_BAD_TARGET)
                there[slot->header.lun[1] / 8] |= (u8)(1 << slot->header.lun[1] % 8);
        }
        if (error) {
            error_show();
            error = OK;
        }
    }
}

/* Sizes from what the device tells and how long its ring is. */
static enum error geometry_read(struct adapter *a)
{
    u32 (*config)(struct virtio *v, u32 offset) = a->virtio->transport->config_read32;
    u32 sense = config(a->virtio, CONFIG_SENSE_SIZE), cdb = config(a->virtio, CONFIG_CDB_SIZE);
    u64 sectors = config(a->virtio, CONFIG_MAX_SECTORS);
    u32 commands = config(a->virtio, CONFIG_CMD_PER_LUN);
    if (cdb < SCSI_CDB_MAX || cdb > CDB_SIZE || sense > SENSE_SIZE)
        return fail(ERR_UNSUPPORTED, "%s: CDBs of %u and sense data of %u bytes, expected %u and %u", a->virtio->where,
                    cdb, sense, CDB_SIZE, SENSE_SIZE);
    a->header_bytes = (u32)offsetof(struct virtio_scsi_req_cmd, cdb) + cdb;
    a->response_bytes = (u32)offsetof(struct virtio_scsi_resp_cmd, sense) + sense;
    a->request_bytes = (u32)(sectors ? min_u64(sectors * 512, REQUEST_BYTES) : REQUEST_BYTES);
    a->slot_count = (u32)min_u64(a->queue[QUEUE_REQUEST].size / SLOT_DESCRIPTORS, SLOTS_MAX);
    if (!a->slot_count)
        return fail(ERR_UNSUPPORTED, "%s: a queue of %u descriptors, expected at least %u", a->virtio->where,
                    a->queue[QUEUE_REQUEST].size, SLOT_DESCRIPTORS);
    a->unit_commands = (u32)min_u64(commands ? commands : SLOTS_MAX, (a->slot_count + 1) / 2);
    return OK;
}

/* Some hosts (crosvm) start only when the control and event queues are there too, though nothing is put in them. */
static enum error adapter_start(struct adapter *a)
{
    enum error error = virtio_begin(a->virtio, 0);
    for (u16 i = 0; i < QUEUES && error == OK; i++)
        error = virtq_setup(a->virtio, &a->queue[i], i, i == QUEUE_REQUEST ? QUEUE_SIZE : QUEUE_SIZE_IDLE);
    if (error == OK)
        error = geometry_read(a);
    if (error)
        return error;
    a->slot = arena_alloc(a->slot_count * sizeof *a->slot, 16);
    a->luns = arena_alloc(LUNS_BYTES, 16);
    if (!a->slot || !a->luns)
        return ERR_NO_MEMORY;
    virtio_ready(a->virtio);
    return OK;
}

static void adapter_found(struct virtio *v, void *context)
{
    u8 there[TARGETS_MAX / 8] = {0};
    struct adapter *a = arena_alloc(sizeof *a, 8);
    enum error error = ERR_NO_MEMORY;
    if (a) {
        a->virtio = v;
        a->disks = context;
        error = adapter_start(a);
    }
    if (error) {
        error_add(error, "virtio-scsi");
        error_show();
        if (error == ERR_TIMEOUT) /* its reset, which would not get better by another */
            v->transport->release(v);
        else
            virtio_end(v);
        return;
    }
    u32 before = a->disks->count;
    u32 targets = (u32)min_u64((v->transport->config_read32(v, CONFIG_MAX_TARGET) >> 16) + 1, TARGETS_MAX);
    targets_find(a, targets, there);
    for (u32 i = 0; i < targets && !a->gone && error != ERR_NO_MEMORY; i++)
        if (there[i / 8] >> i % 8 & 1)
            error = target_try(a, i);
    if (a->disks->count == before && !a->gone && !a->lost_count)
        virtio_end(v);
}

static void virtio_scsi_probe(const struct boot_info *boot, struct disk_list *disks)
{
    virtio_scan(VIRTIO_ID_SCSI, boot, adapter_found, disks);
}

const struct block_driver disk_virtio_scsi = {"virtio-scsi", virtio_scsi_probe, virtio_scsi_read, virtio_scsi_quiesce};
