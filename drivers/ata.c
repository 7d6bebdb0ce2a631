/* ata.c: IDENTIFY data and error registers (ata.h). Pure.
 *
 * INCITS 452 (ATA8-ACS) §7.12, §7.13; ATA/ATAPI-4 §8.12 for what older disks leave zero.
 * Left out on purpose: disks without LBA (before 1996), the integrity word (some disks get it wrong), power-up in
 * standby. tests/unit/test_ata.c, tests/fuzz/fuzz_ata.c.
 */
#include "ata.h"
#include "block.h"
#include "print.h"

/* ATA8-ACS table 21 and 28: words of IDENTIFY (PACKET) DEVICE */
#define WORD_GENERAL 0
#define WORD_MODEL 27
#define WORD_CAPABILITIES 49
#define WORD_VALID 53
#define WORD_SECTORS_28 60
#define WORD_MWDMA 63
#define WORD_COMMAND_SETS 83
#define WORD_UDMA 88
#define WORD_SECTORS_48 100
#define WORD_SECTOR_SIZE 106
#define WORD_LOGICAL_SIZE 117 /* in words */

#define GENERAL_NOT_ATA 0x8000
#define GENERAL_PACKET_MASK 0xc000
#define GENERAL_PACKET 0x8000
#define GENERAL_PACKET_SIZE 3
#define GENERAL_CFA 0x848a /* a CompactFlash card, which is a disk all the same */
#define CAPABILITIES_DMA 0x100
#define CAPABILITIES_LBA 0x200
#define VALID_UDMA 4
#define COMMAND_SETS_LBA48 0x400
#define SECTOR_SIZE_LONG 0x1000 /* WORD_LOGICAL_SIZE counts */

#define LBA48_END (1ull << 48)

/* Words 83, 106 and others are told from what older disks leave there by 01 in their highest bits. */
static bool word_has(u16 word, u16 bit)
{
    return word >> 14 == 1 && word & bit;
}

/* Two characters a word, the first in its high byte; what cannot be printed becomes '?'. */
static void model_read(const u16 *words, char model[41])
{
    u32 end = 0, begin = 0;
    for (u32 i = 0; i < 40; i++) {
        char c = (char)(words[WORD_MODEL + i / 2] >> (i % 2 ? 0 : 8));
        model[i] = !c ? ' ' : c < ' ' || c > '~' ? '?' : c;
        if (model[i] != ' ')
            end = i + 1;
    }
    model[end] = 0;
    while (model[begin] == ' ')
        begin++;
    memmove(model, model + begin, end - begin + 1);
}

static enum error disk_read(const char *where, const u16 *words, struct ata_identity *id)
{
    if (words[WORD_GENERAL] & GENERAL_NOT_ATA && words[WORD_GENERAL] != GENERAL_CFA)
        return fail(ERR_CORRUPT, "%s: IDENTIFY DEVICE begins with %x, which is no disk", where, words[WORD_GENERAL]);
    if (!(words[WORD_CAPABILITIES] & CAPABILITIES_LBA))
        return fail(ERR_UNSUPPORTED, "%s: the disk cannot be addressed by block (no LBA)", where);
    id->block_size = 512;
    if (word_has(words[WORD_SECTOR_SIZE], SECTOR_SIZE_LONG)) {
        u32 in_words = words[WORD_LOGICAL_SIZE] | (u32)words[WORD_LOGICAL_SIZE + 1] << 16;
        if (!is_power_of_two(in_words) || in_words < 256 || in_words > BLOCK_SIZE_MAX / 2)
            return fail(ERR_UNSUPPORTED, "%s: blocks of %lu bytes, expected a power of two from 512 to %u", where,
                        (u64)in_words * 2, BLOCK_SIZE_MAX);
        id->block_size = in_words * 2;
    }
    id->lba48 = word_has(words[WORD_COMMAND_SETS], COMMAND_SETS_LBA48);
    for (u32 i = 4; id->lba48 && i--;)
        id->block_count = id->block_count << 16 | words[WORD_SECTORS_48 + i];
    if (!id->block_count) /* a disk may know the commands and be too small to need them */
        id->block_count = words[WORD_SECTORS_28] | (u32)words[WORD_SECTORS_28 + 1] << 16;
    u64 most = id->lba48 ? LBA48_END : 1u << 28;
    if (!id->block_count || id->block_count > most)
        return fail(ERR_CORRUPT, "%s: the disk tells of %lu blocks, expected 1 to %lu", where, id->block_count, most);
    return OK;
}

static enum error packet_read(const char *where, const u16 *words, struct ata_identity *id)
{
    u32 size = words[WORD_GENERAL] & GENERAL_PACKET_SIZE;
    if ((words[WORD_GENERAL] & GENERAL_PACKET_MASK) != GENERAL_PACKET || size > 1)
        return fail(ERR_CORRUPT, "%s: IDENTIFY PACKET DEVICE begins with %x, which is no packet device", where,
                    words[WORD_GENERAL]);
    id->packet = true;
    id->packet_size = size ? 16 : 12;
    return OK;
}

enum error ata_identify_read(const char *where, const u16 *words, bool packet, struct ata_identity *identity)
{
    struct ata_identity id = {
        .dma = words[WORD_CAPABILITIES] & CAPABILITIES_DMA,
        .mwdma = words[WORD_MWDMA] & 7,
        .udma = words[WORD_VALID] & VALID_UDMA ? words[WORD_UDMA] & 0x7f : 0,
    };
    enum error error = packet ? packet_read(where, words, &id) : disk_read(where, words, &id);
    if (error)
        return error;
    model_read(words, id.model);
    *identity = id;
    return OK;
}

void ata_error_words(u8 status, u8 error, char *out, u32 room)
{
    static const struct {
        u8 bit;
        const char *words;
    } errors[] = {
        {ATA_ERROR_UNC, "uncorrectable data"},
        {ATA_ERROR_ICRC, "interface CRC error"},
        {ATA_ERROR_IDNF, "no such address"},
        {ATA_ERROR_ABRT, "command aborted"},
    };
    u32 at = 0;
    if (!room)
        return;
    out[0] = 0;
    if (status & ATA_STATUS_BSY) { /* §6.2: the other bits, and the error register, mean nothing */
        format_text(out, room, "busy (status %x)", status);
        return;
    }
    if (status & ATA_STATUS_DF)
        at += format_text(out, room, "device fault");
    for (u32 i = 0; status & ATA_STATUS_ERR && i < ARRAY_COUNT(errors); i++)
        if (error & errors[i].bit && at < room)
            at += format_text(out + at, room - at, "%s%s", at ? ", " : "", errors[i].words);
    if (at < room)
        format_text(out + at, room - at, "%s (status %x, error %x)", at ? "" : "failed", status, error);
}
