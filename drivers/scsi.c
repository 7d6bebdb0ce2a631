/* scsi.c: what a SCSI disk or CD is asked and how its answers read, whatever carries them (scsi.h).
 *
 * SPC-4 (sense §4.5, INQUIRY §6.4, TEST UNIT READY §6.47), SBC-3 (READ (10) §5.11, READ (16) §5.13, READ CAPACITY
 * §5.15, §5.16; block limits §6.6.4), MMC-6. Left out on purpose: writing, mode pages, starting a motor, audio.
 * tests/unit/test_scsi.c, tests/fuzz/fuzz_scsi.c.
 */
#include "scsi.h"
#include "block.h"
#include "io.h"
#include "memory.h"
#include "print.h"

#define REQUEST_SENSE 0x03
#define INQUIRY 0x12
#define READ_CAPACITY_10 0x25
#define READ_10 0x28
#define READ_16 0x88
#define SERVICE_ACTION_IN_16 0x9e
#define READ_CAPACITY_16 0x10 /* its service action */

/* SAM-5 §5.3.1 */
#define RESERVATION_CONFLICT 0x18
#define TASK_SET_FULL 0x28

/* SPC-4 §4.5.6 sense keys */
#define KEY_RECOVERED 0x1
#define KEY_NOT_READY 0x2
#define KEY_ILLEGAL_REQUEST 0x5
#define KEY_ABORTED_COMMAND 0xb
#define ASC_NOT_READY 0x04 /* with ASCQ 1: becoming ready */
#define ASC_UNIT_NOT_SUPPORTED 0x25
#define ASC_NO_MEDIUM 0x3a

#define PAGE_BLOCK_LIMITS 0xb0
#define LIMITS_LEAST 12u
#define INQUIRY_SIZE 36u
#define INQUIRY_LEAST 5u
#define CAPACITY_10_SIZE 8u
#define CAPACITY_16_SIZE 32u
#define CAPACITY_16_LEAST 12u
#define REPLY_SIZE 64u /* for any of them */

#define CD_BLOCK_SIZE 2048u
#define BLOCKS_MAX 0xffffu /* of READ (10); more in one request serves nobody */

#define TRIES 8u          /* a unit has a few attentions to tell, one at a time */
#define READY_MS 5000u
#define READY_PAUSE_MS 50u

u32 scsi_number(const u8 *at)
{
    return __builtin_bswap32((u32)load_le(at, 4));
}

static void number_put(u8 *at, u32 value)
{
    for (u32 i = 0; i < 4; i++)
        at[i] = (u8)(value >> (24 - 8 * i));
}

/* ---- how a command ended ----------------------------------------------------------------------------------------- */

void scsi_sense_read(const u8 *sense, u32 size, struct scsi_result *result)
{
    u8 format = size ? sense[0] & 0x7f : 0;
    result->key = result->asc = result->ascq = 0;
    if ((format == 0x70 || format == 0x71) && size > 2) {
        result->key = sense[2] & 15;
        /* Byte 7 tells how many follow. */
        if (size > 13 && sense[7] >= 6) {
            result->asc = sense[12];
            result->ascq = sense[13];
        }
    } else if ((format == 0x72 || format == 0x73) && size > 3) {
        result->key = sense[1] & 15;
        result->asc = sense[2];
        result->ascq = sense[3];
    }
}

void scsi_sense_cdb(u8 cdb[SCSI_CDB_MAX], u8 size)
{
    memset(cdb, 0, SCSI_CDB_MAX);
    cdb[0] = REQUEST_SENSE;
    cdb[4] = size;
}

static const char *const key_words[16] = {
    "no sense", "recovered error", "not ready", "medium error", "hardware error", "illegal request",
    "unit attention", "data protect", "blank check", "vendor specific", "copy aborted", "aborted command",
    "reserved", "volume overflow", "miscompare", "completed",
};

#define ANY 0xff
/* SPC-4 §4.5.7 table 52: what reading meets. First match counts. */
static const struct {
    u8 asc, ascq;
    const char *words;
} sense_words[] = {
    {0x00, 0x06, "I/O process terminated"},
    {0x04, 0x01, "becoming ready"},
    {0x04, 0x02, "has to be started"},
    {0x04, 0x03, "manual intervention required"},
    {0x04, ANY, "logical unit not ready"},
    {0x08, ANY, "communication failure"},
    {0x11, ANY, "unrecovered read error"},
    {0x15, ANY, "positioning error"},
    {0x20, ANY, "unknown command"},
    {0x21, ANY, "block address out of range"},
    {0x24, ANY, "invalid field in the command"},
    {0x25, ANY, "no such logical unit"},
    {0x28, ANY, "medium may have changed"},
    {0x29, ANY, "power on or reset"},
    {0x30, ANY, "medium cannot be read by this drive"},
    {0x31, ANY, "medium format corrupt"},
    {0x3a, ANY, "no medium"},
    {0x3e, ANY, "logical unit does not work"},
    {0x44, ANY, "internal failure of the target"},
    {0x47, ANY, "transfer checksum wrong"},
    {0x57, ANY, "table of contents cannot be read"},
    {0x64, ANY, "not a data track"},
    {0x6f, ANY, "copy protection"},
};

/* "medium error, unrecovered read error (sense 3/11/00)", "busy (status 08)" */
static void result_words(const struct scsi_result *result, char *out, u32 room)
{
    static const struct {
        u8 status;
        const char *words;
    } statuses[] = {{SCSI_BUSY, "busy"}, {RESERVATION_CONFLICT, "reserved for somebody else"},
                    {TASK_SET_FULL, "its queue is full"}, {SCSI_TASK_ABORTED, "task aborted"}};
    const char *words = "failed";
    if (result->status == SCSI_CHECK_CONDITION) {
        words = NULL;
        for (u32 i = 0; i < ARRAY_COUNT(sense_words) && !words; i++)
            if (sense_words[i].asc == result->asc &&
                (sense_words[i].ascq == ANY || sense_words[i].ascq == result->ascq))
                words = sense_words[i].words;
        format_text(out, room, "%s%s%s (sense %x/%02x/%02x)", key_words[result->key & 15], words ? ", " : "",
                    words ? words : "", result->key & 15u, result->asc, result->ascq);
        return;
    }
    for (u32 i = 0; i < ARRAY_COUNT(statuses); i++)
        if (statuses[i].status == result->status)
            words = statuses[i].words;
    format_text(out, room, "%s (status %02x)", words, result->status);
}

static bool result_is(const struct scsi_result *result, u8 key, u8 asc)
{
    return result->status == SCSI_CHECK_CONDITION && result->key == key && result->asc == asc;
}

/* A command that found the unit at a bad moment, and may be given again. */
static bool result_is_passing(const struct scsi_result *result)
{
    if (result->status == SCSI_CHECK_CONDITION)
        return result->key == SCSI_KEY_UNIT_ATTENTION || result->key == KEY_ABORTED_COMMAND;
    return result->status == SCSI_BUSY || result->status == TASK_SET_FULL || result->status == SCSI_TASK_ABORTED;
}

/* A recovered error is a warning: the command has been carried out (SPC-4 §4.5.6). */
static bool result_is_good(const struct scsi_result *result)
{
    return result->status == SCSI_GOOD || (result->status == SCSI_CHECK_CONDITION && result->key == KEY_RECOVERED);
}

/* ---- starting a unit --------------------------------------------------------------------------------------------- */

/* Give a command until it ends in something that lasts. */
static enum error command_run(struct scsi_unit *unit, const u8 *cdb, u8 *buf, u32 size, struct scsi_result *result)
{
    enum error error = OK;
    for (u32 i = 0; i < TRIES; i++) {
        if (i && result->status != SCSI_CHECK_CONDITION)
            pause_ms(READY_PAUSE_MS);
        *result = (struct scsi_result){0};
        error = unit->command(unit, cdb, buf, size, result);
        if (error || !result_is_passing(result))
            break;
    }
    result->received = (u32)min_u64(result->received, size);
    return error;
}

static enum error command_failed(const struct scsi_unit *unit, const char *command, const struct scsi_result *result)
{
    char words[96];
    if (result_is(result, KEY_NOT_READY, ASC_NO_MEDIUM)) /* ASCQ 2 of MMC-6 */
        return fail(ERR_NOT_FOUND, "%s: %s: no medium%s", unit->where, unit->model,
                    result->ascq == 2 ? ", tray open" : "");
    result_words(result, words, sizeof words);
    return fail(ERR_IO, "%s: %s: %s", unit->where, command, words);
}

/* A command that gives data: ERR_IO unless at least `least` bytes of it came. */
static enum error command_ask(struct scsi_unit *unit, const char *command, const u8 *cdb, u8 *buf, u32 size, u32 least)
{
    struct scsi_result result;
    enum error error = command_run(unit, cdb, buf, size, &result);
    if (error)
        return error;
    if (!result_is_good(&result))
        return command_failed(unit, command, &result);
    if (result.received < least)
        return fail(ERR_IO, "%s: %s gave %u bytes, expected %u", unit->where, command, result.received, least);
    return OK;
}

/* Append `size` bytes of text that is padded with blanks; what cannot be printed becomes a dot. */
static void model_append(char *model, u32 room, const u8 *text, u32 size)
{
    u32 at = (u32)strlen(model);
    while (size && (text[size - 1] == ' ' || !text[size - 1]))
        size--;
    if (at && size && at + 1 < room)
        model[at++] = ' ';
    for (u32 i = 0; i < size && at + 1 < room; i++)
        model[at++] = text[i] >= ' ' && text[i] < 0x7f ? (char)text[i] : '.';
    model[at] = 0;
}

static enum error identify(struct scsi_unit *unit, u8 *reply)
{
    static const u8 cdb[SCSI_CDB_MAX] = {INQUIRY, [4] = INQUIRY_SIZE};
    struct scsi_result result;
    enum error error = command_run(unit, cdb, reply, INQUIRY_SIZE, &result);
    if (error)
        return error;
    if (result_is(&result, KEY_ILLEGAL_REQUEST, ASC_UNIT_NOT_SUPPORTED))
        return ERR_NOT_MINE;
    if (!result_is_good(&result))
        return command_failed(unit, "INQUIRY", &result);
    if (result.received < INQUIRY_LEAST)
        return fail(ERR_IO, "%s: INQUIRY gave %u bytes, expected %u", unit->where, result.received, INQUIRY_SIZE);
    memset(reply + result.received, 0, REPLY_SIZE - result.received);
    unit->type = reply[0] & 0x1f;
    /* §6.4.2: a peripheral qualifier other than 0 means that no unit is connected here. */
    if (reply[0] >> 5 || (unit->type != SCSI_TYPE_DISK && unit->type != SCSI_TYPE_CD))
        return ERR_NOT_MINE;
    unit->removable = reply[1] >> 7;
    unit->model[0] = 0;
    model_append(unit->model, sizeof unit->model, reply + 8, 8);
    model_append(unit->model, sizeof unit->model, reply + 16, 16);
    return OK;
}

static enum error ready_wait(struct scsi_unit *unit)
{
    static const u8 cdb[SCSI_CDB_MAX] = {SCSI_TEST_UNIT_READY};
    struct scsi_result result;
    for (u32 ms = 0; ms <= READY_MS; ms += READY_PAUSE_MS) {
        enum error error = command_run(unit, cdb, NULL, 0, &result);
        if (error)
            return error;
        if (result_is_good(&result))
            return OK;
        /* A drive whose medium was changed says first that there is none (QEMU's on IDE). */
        bool changed = disks_known && !ms && result_is(&result, KEY_NOT_READY, ASC_NO_MEDIUM);
        if (!changed && (!result_is(&result, KEY_NOT_READY, ASC_NOT_READY) || result.ascq != 1))
            return command_failed(unit, "TEST UNIT READY", &result);
        pause_ms(READY_PAUSE_MS);
    }
    return fail(ERR_TIMEOUT, "%s: %s: not ready after %u s", unit->where, unit->model, READY_MS / 1000);
}

static enum error capacity_read(struct scsi_unit *unit, u8 *reply)
{
    static const u8 short_cdb[SCSI_CDB_MAX] = {READ_CAPACITY_10};
    static const u8 long_cdb[SCSI_CDB_MAX] = {SERVICE_ACTION_IN_16, READ_CAPACITY_16, [13] = CAPACITY_16_SIZE};
    enum error error = command_ask(unit, "READ CAPACITY (10)", short_cdb, reply, CAPACITY_10_SIZE, CAPACITY_10_SIZE);
    if (error)
        return error;
    u64 last = scsi_number(reply);
    unit->block_size = scsi_number(reply + 4);
    if (last == 0xffffffff && !unit->atapi) { /* SBC-3 §5.15.2: more than fits here */
        error = command_ask(unit, "READ CAPACITY (16)", long_cdb, reply, CAPACITY_16_SIZE, CAPACITY_16_LEAST);
        if (error)
            return error;
        last = (u64)scsi_number(reply) << 32 | scsi_number(reply + 4);
        unit->block_size = scsi_number(reply + 8);
    }
    if (last == ~0ull)
        return fail(ERR_UNSUPPORTED, "%s: READ CAPACITY (16) tells of 2^64 blocks", unit->where);
    unit->block_count = last + 1;
    unit->long_reads = last > 0xffffffff;
    /* Drives tell of raw sectors, or of nothing, for media whose data are read in blocks of 2048 bytes all the same. */
    u32 size = unit->block_size;
    if (unit->type == SCSI_TYPE_CD && (!size || (size > CD_BLOCK_SIZE && size < 2 * CD_BLOCK_SIZE)))
        unit->block_size = CD_BLOCK_SIZE;
    else if (!is_power_of_two(size) || size < 512 || size > BLOCK_SIZE_MAX)
        return fail(ERR_UNSUPPORTED, "%s: %s: blocks of %u bytes, expected a power of two from 512 to %u", unit->where,
                    unit->model, size, BLOCK_SIZE_MAX);
    return OK;
}

/* A disk that the host passes through from its own hardware takes no longer commands than that does, and only this page
 * tells. Who does not know it has no limit. */
static enum error limits_read(struct scsi_unit *unit, u8 *reply)
{
    static const u8 cdb[SCSI_CDB_MAX] = {INQUIRY, 1, PAGE_BLOCK_LIMITS, [4] = REPLY_SIZE};
    struct scsi_result result;
    unit->blocks_max = 0;
    if (unit->type != SCSI_TYPE_DISK || unit->atapi)
        return OK;
    enum error error = command_run(unit, cdb, reply, REPLY_SIZE, &result);
    if (error == OK && result_is_good(&result) && result.received >= LIMITS_LEAST && reply[1] == PAGE_BLOCK_LIMITS)
        unit->blocks_max = scsi_number(reply + 8);
    return error;
}

enum error scsi_start(struct scsi_unit *unit)
{
    u8 *reply = arena_alloc(REPLY_SIZE, REPLY_SIZE); /* stays: a unit that is silent may still write to it */
    if (!reply)
        return ERR_NO_MEMORY;
    enum error error = identify(unit, reply);
    if (error == OK)
        error = ready_wait(unit);
    if (error == OK)
        error = capacity_read(unit, reply);
    return error ? error : limits_read(unit, reply);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

void scsi_read_cdb(const struct scsi_unit *unit, u64 lba, u32 blocks, u8 cdb[SCSI_CDB_MAX])
{
    memset(cdb, 0, SCSI_CDB_MAX);
    if (unit->long_reads) {
        cdb[0] = READ_16;
        number_put(cdb + 2, (u32)(lba >> 32));
        number_put(cdb + 6, (u32)lba);
        number_put(cdb + 10, blocks);
        return;
    }
    cdb[0] = READ_10;
    number_put(cdb + 2, (u32)lba);
    cdb[7] = (u8)(blocks >> 8);
    cdb[8] = (u8)blocks;
}

u32 scsi_blocks_max(const struct scsi_unit *unit)
{
    return unit->blocks_max ? (u32)min_u64(unit->blocks_max, BLOCKS_MAX) : BLOCKS_MAX;
}

enum error scsi_read_result(const struct scsi_unit *unit, const char *name, const struct scsi_result *result, u64 lba,
                            u32 blocks, bool *again)
{
    u64 size = (u64)blocks * unit->block_size;
    char words[96];
    *again = false;
    if (result_is_good(result)) {
        if (result->received >= size)
            return OK;
        return fail(ERR_IO, "%s: read of block %lu (%u blocks): only %u of %lu bytes came", name, lba, blocks,
                    result->received, size);
    }
    *again = result_is_passing(result);
    result_words(result, words, sizeof words);
    return fail(ERR_IO, "%s: read of block %lu (%u blocks): %s", name, lba, blocks, words);
}
