/* gpt.c: the GUID partition table, UEFI 2.10 §5.3.
 *
 * Both CRCs are checked; when the primary table is bad the backup is taken, at the last block or where the primary
 * says. A backup alone counts only under a protective MBR: it survives when a disk is formatted anew without a table. A
 * missing protective MBR is tolerated, unless sector 0 holds other partitions: then the GPT is what is left over. Left
 * out on purpose: the attributes that all types share, the usable range, and translation when the table was written for
 * other block sizes (said by name). Exercised by test_partitions and fuzz_partitions.
 */
#include "crc32.h"
#include "fields.h"
#include "gpt_disk.h"
#include "mbr_disk.h"
#include "partition.h"
#include "print.h"

#define PRIMARY_LBA 1u
#define HEADER_MAX 512u
#define ENTRIES_MAX 1024u
#define ENTRY_SIZE_MAX 4096u
#define REASON_MAX 200u

struct table {
    struct gpt_header header;
    u8 *entries; /* in the arena */
};

/* Who owns sector 0. */
enum sector0 { SECTOR0_OTHER, SECTOR0_PROTECTIVE, SECTOR0_MBR };

static enum error read_sector0(struct block_device *disk, enum sector0 *kind)
{
    struct mbr_sector mbr;
    enum error error = block_read(disk, 0, sizeof mbr, &mbr);
    *kind = SECTOR0_OTHER;
    if (error || !mbr_is_signed(&mbr))
        return error;
    bool partitions = false, flags = true;
    for (u32 i = 0; i < 4; i++) {
        const struct mbr_entry *e = &mbr.entry[i];
        if (e->type == MBR_GPT_PROTECTIVE && e->first == PRIMARY_LBA) {
            *kind = SECTOR0_PROTECTIVE;
            return OK;
        }
        flags = flags && !(e->flag & 0x7f);
        partitions = partitions || (e->type && e->first && fits(e->first, e->count, disk->block_count) && e->count);
    }
    if (partitions && flags)
        *kind = SECTOR0_MBR;
    return OK;
}

static bool is_signed(const struct gpt_header *h)
{
    return memcmp(h->signature, "EFI PART", sizeof h->signature) == 0;
}

/* Read the header in block lba and check it by itself. ERR_NOT_MINE when there is none. */
static enum error header_read(struct block_device *disk, u64 lba, struct gpt_header *h)
{
    u8 block[HEADER_MAX];
    if (lba >= disk->block_count)
        return ERR_NOT_MINE;
    enum error error = block_read(disk, lba * disk->block_size, sizeof block, block);
    if (error)
        return error;
    memcpy(h, block, sizeof *h);
    if (!is_signed(h))
        return ERR_NOT_MINE;
    if (h->header_size < sizeof *h || h->header_size > HEADER_MAX)
        return fail(ERR_CORRUPT, "header size %u, expected %u to %u", h->header_size, (u32)sizeof *h, HEADER_MAX);
    memset(block + offsetof(struct gpt_header, header_crc), 0, sizeof h->header_crc);
    u32 crc = crc32_add(0, block, h->header_size);
    if (crc != h->header_crc)
        return fail(ERR_CORRUPT, "CRC of the header %08x, expected %08x", crc, h->header_crc);
    if (h->my_lba != lba)
        return fail(ERR_CORRUPT, "the header in block %lu says it is in block %lu", lba, h->my_lba);
    if (!h->entry_count || h->entry_count > ENTRIES_MAX)
        return fail(ERR_UNSUPPORTED, "%u entries, expected 1 to %u", h->entry_count, ENTRIES_MAX);
    if (!is_power_of_two(h->entry_size) || h->entry_size < sizeof(struct gpt_entry) || h->entry_size > ENTRY_SIZE_MAX)
        return fail(ERR_UNSUPPORTED, "entries of %u bytes, expected 128, 256, ... %u", h->entry_size, ENTRY_SIZE_MAX);
    return OK;
}

static bool is_zero(const u8 *p, u32 size)
{
    for (u32 i = 0; i < size; i += 8)
        if (load_le(p + i, 8))
            return false;
    return true;
}

static u32 entries_crc(const struct table *table)
{
    u32 crc = 0, size = table->header.entry_size;
    u64 zeros = 0;
    for (u32 i = 0; i < table->header.entry_count; i++) {
        const u8 *entry = table->entries + (u64)i * size;
        if (is_zero(entry, size)) {
            zeros += size;
            continue;
        }
        crc = crc32_add(crc32_add_zeros(crc, zeros), entry, size);
        zeros = 0;
    }
    return crc32_add_zeros(crc, zeros);
}

/* Read header and entries; the sentence says what is wrong with them. */
static enum error table_read(struct block_device *disk, u64 lba, struct table *table)
{
    struct gpt_header *h = &table->header;
    enum error error = header_read(disk, lba, h);
    if (error == ERR_NOT_MINE)
        return fail(ERR_CORRUPT, "no signature in block %lu", lba);
    if (error)
        return error;
    u64 size = (u64)h->entry_count * h->entry_size;
    u64 bytes = block_bytes(disk);
    if (h->entries_lba <= PRIMARY_LBA || h->entries_lba > bytes / disk->block_size ||
        !fits(h->entries_lba * disk->block_size, size, bytes))
        return fail(ERR_CORRUPT, "%u entries of %u bytes from block %lu on a disk of %lu", h->entry_count,
                    h->entry_size, h->entries_lba, disk->block_count);
    table->entries = arena_reserve(size, PAGE_SIZE);
    if (!table->entries)
        return ERR_NO_MEMORY;
    error = block_read(disk, h->entries_lba * disk->block_size, size, table->entries);
    if (error)
        return error;
    u32 crc = entries_crc(table);
    if (crc != h->entries_crc)
        return fail(ERR_CORRUPT, "CRC of the entries %08x, expected %08x", crc, h->entries_crc);
    return OK;
}

/* The sentence for a disk whose table was written for blocks of another size; OK when that is not so. */
static enum error check_block_size(struct block_device *disk)
{
    for (u32 size = 512; size <= 4096; size *= 2) {
        struct gpt_header h;
        if (size == disk->block_size || !fits(size, sizeof h, block_bytes(disk)))
            continue;
        enum error error = block_read(disk, size, sizeof h, &h);
        if (error)
            return error;
        if (is_signed(&h) && h.my_lba == PRIMARY_LBA)
            return fail(ERR_CORRUPT, "GPT written for %u-byte sectors, the disk has %u", size, disk->block_size);
    }
    return OK;
}

/* The primary is bad, for the reason in the trail: try the backups. */
static enum error backup_read(struct block_device *disk, struct table *table, bool alternate_known)
{
    char why[REASON_MAX];
    u64 alternate = table->header.alternate_lba, last = disk->block_count - 1;
    format_text(why, sizeof why, "%s", error_text());
    enum error error = table_read(disk, last, table);
    if (error && alternate_known && alternate != last)
        error = table_read(disk, alternate, table);
    if (error)
        return error_add(error, "GPT: primary bad (%s), backup bad too", why);
    error_clear();
    say("disk %s: primary GPT bad (%s), using the backup", disk->name, why);
    return OK;
}

/* UEFI 2.10 appendix A: the first three fields are little-endian. */
static void guid_text(char out[40], const u8 *g)
{
    const u8 in_order[16] = {g[3], g[2], g[1], g[0], g[5],  g[4],  g[7],  g[6],
                             g[8], g[9], g[10], g[11], g[12], g[13], g[14], g[15]};
    uuid_text(out, in_order);
}

static enum volume_role role_of(const u8 *type)
{
    static const struct {
        u8 type[16];
        u8 role;
    } known[] = {
        {{0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, /* c12a7328-f81f-11d2-ba4b-00a0c93ec93b */
          0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b}, ROLE_ESP},
        {{0xff, 0xc2, 0x13, 0xbc, 0xe6, 0x59, 0x62, 0x42, /* bc13c2ff-59e6-4262-a352-b275fd6f7172 */
          0xa3, 0x52, 0xb2, 0x75, 0xfd, 0x6f, 0x71, 0x72}, ROLE_XBOOTLDR},
        {{0xf4, 0xf5, 0xfb, 0x5d, 0x48, 0x28, 0xac, 0x4b, /* 5dfbf5f4-2848-4bac-aa5e-0d9a20b745a6 */
          0xaa, 0x5e, 0x0d, 0x9a, 0x20, 0xb7, 0x45, 0xa6}, ROLE_FLATCAR_USR},
    };
    for (u32 i = 0; i < ARRAY_COUNT(known); i++)
        if (!memcmp(type, known[i].type, sizeof known[i].type))
            return (enum volume_role)known[i].role;
    return ROLE_NONE;
}

/* Of types that hold no filesystem. */
static const char *purpose_of(const u8 *type)
{
    static const struct {
        u8 start[4]; /* enough to tell these apart */
        const char *purpose;
    } known[] = {
        {{0x48, 0x61, 0x68, 0x21}, "BIOS boot partition"},           /* 21686148-6449-6e6f-744e-656564454649 */
        {{0x16, 0xe3, 0xc9, 0xe3}, "Microsoft reserved partition"},  /* e3c9e316-0b5c-4db8-817d-f92df00215ae */
        {{0x38, 0x2d, 0x1a, 0x9e}, "PReP boot partition"},           /* 9e1a2d38-c612-4316-aa26-8b49521e5a8b */
        {{0x6d, 0xfd, 0x57, 0x06}, "swap"},                          /* 0657fd6d-a4ab-43c4-84e5-0933c84b4f4f */
    };
    for (u32 i = 0; i < ARRAY_COUNT(known); i++)
        if (!memcmp(type, known[i].start, sizeof known[i].start))
            return known[i].purpose;
    return NULL;
}

static void add_entries(struct block_device *disk, const struct table *table, struct partition_list *found)
{
    for (u32 i = 0; i < table->header.entry_count; i++) {
        const struct gpt_entry *e = (const void *)(table->entries + (u64)i * table->header.entry_size);
        if (is_zero(e->type, sizeof e->type))
            continue;
        u64 count = e->last_lba >= e->first_lba && e->last_lba != ~0ull ? e->last_lba - e->first_lba + 1 : 0;
        struct partition *p = partition_add(disk, found, i + 1, e->first_lba, count);
        if (!p)
            continue;
        p->role = role_of(e->type);
        p->attributes = (u16)(e->attributes >> 48);
        p->purpose = purpose_of(e->type);
        guid_text(p->partuuid, e->guid);
        utf16_to_utf8(e->name, sizeof e->name / 2, p->partlabel, sizeof p->partlabel);
    }
}

static enum error gpt_scan(struct block_device *disk, struct partition_list *found)
{
    struct table table = {0};
    enum sector0 sector0;
    enum error error = read_sector0(disk, &sector0);
    if (error)
        return error;
    if (sector0 == SECTOR0_MBR)
        return ERR_NOT_MINE;
    error = header_read(disk, PRIMARY_LBA, &table.header);
    if (error == ERR_NOT_MINE) {
        error = check_block_size(disk);
        if (error)
            return error;
        if (sector0 != SECTOR0_PROTECTIVE)
            return ERR_NOT_MINE;
    }
    bool alternate_known = is_signed(&table.header);
    u64 mark = arena_mark();
    error = table_read(disk, PRIMARY_LBA, &table);
    if (error)
        error = backup_read(disk, &table, alternate_known);
    if (!error)
        add_entries(disk, &table, found);
    arena_release(mark);
    return error;
}

const struct partition_scheme scheme_gpt = {"gpt", gpt_scan};
