/* fuzz_scsi.c: what SCSI units tell: INQUIRY, block limits, READ CAPACITY, REPORT LUNS, sense data, responses.
 *
 * Input: a struct of the adapter's fields, then bytes that are XORed onto the data of each answer: how many, those. As
 * sense data the whole input is read, too. Missing bytes are zero: the empty input is an adapter that works.
 */
#include "fake_virtio_scsi.h"
#include "scsi.h"
#include "disk.h"
#include "tables.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

extern const struct block_driver disk_virtio_scsi;

#define READ_MAX MIB(2) /* as the longest request */

struct PACKED knobs {
    u8 flags, late, type, lun, attentions;
    u16 queue_max; /* these XORed */
    u32 max_sectors, cmd_per_lun, sense_size, cdb_size, block_size;
    u64 last_block;
    u8 code, times, skip, response, status, key, asc, ascq, residual;
    u16 used_jump;
};

static bool capacity_changed; /* then reads may go past the end of what the fake has */

static void scribble(struct fake_scsi *f, u8 code, u8 *data, u32 size)
{
    u8 count, byte;
    (void)f;
    if (!size)
        return;
    take(&count, sizeof count);
    for (u32 i = 0; i < size && i < count; i++) {
        take(&byte, sizeof byte);
        data[i] ^= byte;
        capacity_changed |= byte && (code == 0x25 || code == 0x9e);
    }
}

static void sense_check(const u8 *data, size_t size)
{
    struct scsi_result result = {.status = SCSI_CHECK_CONDITION};
    struct scsi_unit unit = {.where = "x", .block_size = 512};
    u8 copy[64];
    bool again;
    u32 length = (u32)min_u64(size, sizeof copy);
    memcpy(copy + sizeof copy - length, data, length); /* its end is the end of the buffer */
    scsi_sense_read(copy + sizeof copy - length, length, &result);
    if (result.key > 15)
        __builtin_trap();
    if (scsi_read_result(&unit, "x", &result, 0, 1, &again) == OK || !*error_text())
        __builtin_trap();
    error_clear();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static struct fake_scsi f;
    static struct boot_info boot;
    struct knobs k;
    start(data, size);
    take(&k, sizeof k);

    capacity_changed = false;
    sense_check(data, size);
    fake_scsi_init(&f, 4);
    f.max_target = 3;
    f.late = k.late & 7;
    f.reverse = k.flags & 1;
    f.wrong_id = k.flags & 2;
    f.twice = k.flags & 4;
    f.zero_length = k.flags & 8;
    f.queues_refused = k.flags & 16;
    f.lies_after = k.skip;
    f.queue_max = (k.queue_max ^ 256) & 1023;
    f.max_sectors ^= k.max_sectors;
    f.cmd_per_lun ^= k.cmd_per_lun;
    f.sense_size = (f.sense_size ^ k.sense_size) & 0xff;
    f.cdb_size = (f.cdb_size ^ k.cdb_size) & 0xff;
    f.used_jump = k.used_jump;
    f.failure = (struct fake_scsi_failure){.code = k.code, .times = k.times, .skip = k.skip, .response = k.response,
                                           .status = k.status, .key = k.key & 15, .asc = k.asc, .ascq = k.ascq,
                                           .residual = k.residual, .silent = k.flags & 32,
                                           .descriptor_sense = k.flags & 64};
    fake_scsi_add(&f, 1, k.lun, k.type, 512 ^ k.block_size, (9999 ^ k.last_block) + 1)->attentions = k.attentions;
    fake_scsi_add(&f, 1, k.lun ^ 1, 0, 512, 9)->no_medium = k.flags & 128;
    f.on_answer = scribble;
    fake_scsi_plug(&f);

    fake_probe(&disk_virtio_scsi, &boot, &disks);
    for (u32 i = 0; i < disks.count && !capacity_changed; i++)
        read_often(disks.disk[i], READ_MAX, 8, 0);
    for (u32 i = 0; i < disks.count; i++)
        disks.disk[i]->driver->quiesce(disks.disk[i]);
    /* Whatever it was told, the driver asked for nothing that it may not ask for; unless a request was said to be
     * finished that was not, and its slot is in use again. */
    if (f.fault && !capacity_changed && !f.wrong_id && !f.twice && !f.used_jump)
        panic("%s", f.fault);
    return 0;
}
