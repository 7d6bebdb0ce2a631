/* mbr.c: the PC partition table: four primaries in sector 0, logical partitions chained through extended ones.
 *
 * Numbers and PARTUUIDs as Linux gives them (block/partitions/msdos.c): primaries 1–4 by slot, logical ones from 5 in
 * the order of the chain. Left out on purpose: BSD, Solaris and Minix tables nested in a partition; the CHS fields.
 *
 * 55 AA also ends the boot sectors of FAT and NTFS, whose code stands where the entries would: a table is only believed
 * when every flag is 00h or 80h, and beside a BPB only when every partition lies on the disk.
 * Exercised by test_partitions and fuzz_partitions.
 */
#include "fat_disk.h"
#include "mbr_disk.h"
#include "partition.h"
#include "print.h"

#define FIRST_LOGICAL 5u
#define EBRS_MAX 128u /* as many as a partition_list holds */

struct scan {
    struct block_device *disk;
    struct partition_list *found;
    u32 disk_signature;
    u32 next_logical;
};

/* What begins with block 0 is the disk itself: isohybrid writes such an entry, and mkfs.fat --mbr. */
static bool is_used(const struct mbr_entry *e)
{
    return e->type && e->count && e->first;
}

static bool is_extended(const struct mbr_entry *e)
{
    return e->type == MBR_EXTENDED_CHS || e->type == MBR_EXTENDED_LBA || e->type == MBR_EXTENDED_LINUX;
}

/* FAT and NTFS boot sectors; boot code of MBRs has zeros or instructions here. */
static bool has_bpb(const struct mbr_sector *s)
{
    const struct fat_boot *boot = (const struct fat_boot *)s;
    return boot->sector_bytes >= 512 && boot->sector_bytes <= 4096 && is_power_of_two(boot->sector_bytes) &&
           is_power_of_two(boot->cluster_sectors);
}

/* True when the four entries are a partition table that names something. */
static bool is_table(const struct block_device *disk, const struct mbr_sector *s)
{
    u32 used = 0;
    if (!mbr_is_signed(s))
        return false;
    for (u32 i = 0; i < 4; i++) {
        const struct mbr_entry *e = &s->entry[i];
        if (e->flag & 0x7f)
            return false;
        if (!is_used(e) || e->type == MBR_GPT_PROTECTIVE)
            continue;
        used++;
        if (has_bpb(s) && !fits(e->first, e->count, disk->block_count))
            return false;
    }
    return used;
}

static void add_entry(struct scan *scan, u32 number, u64 first, const struct mbr_entry *e)
{
    struct partition *p = partition_add(scan->disk, scan->found, number, first, e->count);
    if (!p)
        return;
    if (e->type == MBR_EFI_SYSTEM)
        p->role = ROLE_ESP;
    else if (e->type == MBR_BOOT_LOADER_SPEC)
        p->role = ROLE_MBR_BLS;
    format_text(p->partuuid, sizeof p->partuuid, "%08x-%02x", scan->disk_signature, number);
}

/* Add the partitions of the EBR in block `at`; *next becomes the block of the next one, relative to the first EBR, or
 * 0. False when the chain is broken here, which is said. */
static bool scan_ebr(struct scan *scan, u64 at, u32 *next)
{
    struct block_device *disk = scan->disk;
    struct mbr_sector ebr;
    *next = 0;
    if (at >= disk->block_count) {
        say("disk %s: logical partition table at block %lu of %lu: the chain ends here", disk->name, at,
            disk->block_count);
        return false;
    }
    if (block_read(disk, at * disk->block_size, sizeof ebr, &ebr)) {
        say("disk %s: logical partition table at block %lu: %s", disk->name, at, error_text());
        error_clear();
        return false;
    }
    if (!mbr_is_signed(&ebr)) {
        say("disk %s: logical partition table at block %lu ends with %02x%02x, expected 55aa", disk->name, at,
            ebr.signature[0], ebr.signature[1]);
        return false;
    }
    for (u32 i = 0; i < 4; i++) {
        const struct mbr_entry *e = &ebr.entry[i];
        if (!is_used(e))
            continue;
        if (!is_extended(e))
            add_entry(scan, scan->next_logical++, at + e->first, e);
        else if (!*next)
            *next = e->first;
    }
    return true;
}

/* Logical partitions: positions count from their EBR, links from the start of the extended partition. */
static void scan_extended(struct scan *scan, u32 first)
{
    u64 seen[EBRS_MAX];
    u64 at = first;
    for (u32 count = 0; count < EBRS_MAX; count++) {
        u32 next;
        for (u32 i = 0; i < count; i++)
            if (seen[i] == at) {
                say("disk %s: the chain of logical partition tables returns to block %lu: ended there",
                    scan->disk->name, at);
                return;
            }
        seen[count] = at;
        if (!scan_ebr(scan, at, &next) || !next)
            return;
        at = (u64)first + next;
    }
    say("disk %s: more than %u logical partition tables: the rest is left out", scan->disk->name, EBRS_MAX);
}

static enum error mbr_scan(struct block_device *disk, struct partition_list *found)
{
    struct mbr_sector mbr;
    enum error error = block_read(disk, 0, sizeof mbr, &mbr);
    if (error)
        return error;
    if (!is_table(disk, &mbr))
        return ERR_NOT_MINE;
    struct scan scan = {disk, found, mbr.disk_signature, FIRST_LOGICAL};
    for (u32 i = 0; i < 4; i++) {
        const struct mbr_entry *e = &mbr.entry[i];
        if (is_used(e) && !is_extended(e) && e->type != MBR_GPT_PROTECTIVE)
            add_entry(&scan, i + 1, e->first, e);
    }
    for (u32 i = 0; i < 4; i++)
        if (is_used(&mbr.entry[i]) && is_extended(&mbr.entry[i]))
            scan_extended(&scan, mbr.entry[i].first);
    return found->count ? OK : fail(ERR_CORRUPT, "MBR: none of its partitions lies on the disk");
}

const struct partition_scheme scheme_mbr = {"mbr", mbr_scan};
