/* block.c: bytes ↔ blocks (block.h): the disk list, a small cache for metadata, batches for file data.
 *
 * File data goes straight to its destination; only ragged ends of a piece pass through the bounce block. Metadata is
 * read in aligned lines, which doubles as read-ahead for directories, inode tables and FATs.
 */
#include "block.h"
#include "boot_order.h"
#include "print.h"
#include "tables.h"

#define LINE_SIZE BLOCK_SIZE_MAX /* bytes; at least one block of any device */
#define LINES 12u
#define CACHED_MAX (LINE_SIZE / 2) /* longer reads go past the cache */
#define BOUNCE_SIZE KIB(512)       /* of whole files, where DMA does not reach all of memory */

struct line {
    struct block_device *disk; /* NULL: empty */
    u64 number;                /* of LINE_SIZE bytes each */
    u64 used;                  /* for least-recently-used */
};

static struct line lines[LINES];
static u8 *line_bytes; /* LINES × LINE_SIZE */
static u8 *bounce;     /* what cannot go straight to its destination; LINE_SIZE at least */
static u64 bounce_size;
static struct {
    const struct block_device *disk; /* NULL: nothing */
    u64 lba, blocks;
} bounced; /* what it holds: the ragged ends of neighbouring pieces are often of one block */
static u64 use_count;

static struct mem_map *machine; /* for disk_lost_memory(); NULL in tests that have none */
static struct mem_range kept;

void block_cache_reset(void)
{
    memset(lines, 0, sizeof lines);
    line_bytes = bounce = NULL;
    bounced.disk = NULL;
}

static bool cache_ready(void)
{
    if (line_bytes)
        return true;
    line_bytes = arena_reserve((LINES + 1) * LINE_SIZE, PAGE_SIZE);
    if (!line_bytes)
        return false;
    bounce = line_bytes + LINES * LINE_SIZE;
    bounce_size = LINE_SIZE;
    return true;
}

/* A longer bounce when there is memory beyond the DMA of some disk; without it reads there are only slower. */
static void bounce_grow(const struct disk_list *disks)
{
    u64 dma_end = ~0ull;
    for (u32 i = 0; i < disks->count; i++)
        if (disks->disk[i]->dma_end)
            dma_end = min_u64(dma_end, disks->disk[i]->dma_end);
    bool beyond = false;
    for (u32 i = 0; i < machine->count; i++)
        beyond |= machine->range[i].type == MEM_USABLE && machine->range[i].base + machine->range[i].size > dma_end;
    if (!beyond)
        return;
    u8 *grown = arena_reserve(BOUNCE_SIZE, PAGE_SIZE);
    if (!grown) {
        error_clear();
        return;
    }
    bounce = grown;
    bounced.disk = NULL;
    bounce_size = BOUNCE_SIZE;
}

u64 block_bytes(const struct block_device *disk)
{
    return disk->block_count > ~0ull / disk->block_size ? ~0ull : disk->block_count * disk->block_size;
}

/* ---- the list ------------------------------------------------------------------------------------------------- */

/* "vd" 0 → vda, 25 → vdz, 26 → vdaa; a class that is not two letters with a d counts: module0, sr0. */
static void disk_name(char *name, u32 room, const char *class, u32 index)
{
    if (strlen(class) != 2 || class[1] != 'd') {
        format_text(name, room, "%s%u", class, index);
        return;
    }
    char letters[8];
    u32 at = sizeof letters - 1;
    letters[at] = 0;
    for (u32 n = index + 1; n; n = (n - 1) / 26)
        letters[--at] = (char)('a' + (n - 1) % 26);
    format_text(name, room, "%s%s", class, letters + at);
}

struct block_device *disk_add(struct disk_list *disks, const char *class, const struct block_device *disk)
{
    u32 index = 0;
    for (u32 i = 0; i < disks->count; i++)
        index += !strcmp(disks->disk[i]->class, class);
    if (disks->count == DISKS_MAX) {
        fail(ERR_NO_MEMORY, "more than %u disks: %s number %u is left out", DISKS_MAX, class, index);
        return NULL;
    }
    if (!is_power_of_two(disk->block_size) || disk->block_size < 512 || disk->block_size > BLOCK_SIZE_MAX) {
        fail(ERR_UNSUPPORTED, "%s disk %u: block size %u, expected a power of two from 512 to %u", class, index,
             disk->block_size, BLOCK_SIZE_MAX);
        return NULL;
    }
    if (!disk->block_count) {
        fail(ERR_NOT_FOUND, "%s disk %u: no blocks (no medium)", class, index);
        return NULL;
    }
    struct block_device *copy = arena_alloc(sizeof *copy, 16);
    if (!copy)
        return NULL;
    *copy = *disk;
    if (!copy->dma_align)
        copy->dma_align = 1;
    copy->class = class;
    if (!copy->name[0])
        disk_name(copy->name, sizeof copy->name, class, index);
    disks->disk[disks->count++] = copy;
    return copy;
}

bool disks_known;

void disks_probe(struct boot_info *boot, struct disk_list *disks)
{
    machine = &boot->memory;
    block_cache_reset();
    cache_ready();
    disks->count = 0;
    disks_keep(0, 0, NULL);
    for (u32 i = 0; buses[i]; i++)
        buses[i]->enumerate(boot);
    for (u32 i = 0; block_drivers[i]; i++)
        block_drivers[i]->probe(boot, disks);
    bounce_grow(disks);
    boot_order_apply(disks);
    disks_known = true;
}

void disks_keep(u64 paddr, u64 size, const char *owner)
{
    kept = (struct mem_range){.base = paddr, .size = size, .owner = owner};
}

struct mem_range disks_kept(void)
{
    return kept;
}

void disks_quiesce(struct disk_list *disks)
{
    for (u32 i = 0; i < disks->count; i++)
        disks->disk[i]->driver->quiesce(disks->disk[i]);
}

void disk_lost(struct block_device *disk)
{
    if (disk)
        disk->dead = true;
    block_cache_reset();
    cache_ready(); /* here, not between a mark and its release */
    arena_pin();
}

void disk_lost_memory(u64 paddr, u64 size)
{
    if (machine)
        mem_map_add(machine, paddr, size, MEM_RESERVED);
}

#define LOST_MAX 64u
#define WHERE_MAX 32u

static char lost[LOST_MAX][WHERE_MAX];
static u32 lost_count;

void device_lost(const char *where)
{
    format_text(lost[lost_count++ % LOST_MAX], WHERE_MAX, "%s", where);
}

void device_lost_forget(void)
{
    lost_count = 0;
}

bool device_is_lost(const char *where)
{
    for (u32 i = 0; i < min_u64(lost_count, LOST_MAX); i++)
        if (!strcmp(lost[i], where))
            return true;
    return false;
}

/* ---- one level above the driver -------------------------------------------------------------------------------- */

static enum error driver_read(struct block_device *disk, const struct block_span *spans, u32 count)
{
    if (disk->dead)
        return fail(ERR_IO, "%s: given up after an earlier failure", disk->name);
    disk->stats.requests += count;
    return disk->driver->read(disk, spans, count);
}

static enum error check_range(const struct block_device *disk, u64 offset, u64 size)
{
    if (fits(offset, size, block_bytes(disk)))
        return OK;
    return fail(ERR_RANGE, "%s: %lu bytes at byte %lu reach past the end of the disk (%lu bytes)", disk->name, size,
                offset, block_bytes(disk));
}

/* By whole blocks that arrive in the bounce, as many at a time as it and one request hold. */
static enum error read_bounced(struct block_device *disk, u64 offset, u64 size, u8 *buf)
{
    while (size) {
        u64 lba = offset / disk->block_size;
        u64 skip = offset % disk->block_size;
        u64 blocks = min_u64(bounce_size, skip + size + disk->block_size - 1) / disk->block_size;
        if (disk->max_blocks)
            blocks = min_u64(blocks, disk->max_blocks);
        u64 part = min_u64(size, blocks * disk->block_size - skip);
        if (bounced.disk != disk || lba < bounced.lba || !fits(lba - bounced.lba, blocks, bounced.blocks)) {
            struct block_span span = {lba, (u32)blocks, bounce};
            bounced.disk = NULL;
            enum error error = driver_read(disk, &span, 1);
            if (error)
                return error;
            bounced.disk = disk, bounced.lba = lba, bounced.blocks = blocks;
        }
        memcpy(buf, bounce + (lba - bounced.lba) * disk->block_size + skip, part);
        offset += part, buf += part, size -= part;
    }
    return OK;
}

/* ---- the cache ------------------------------------------------------------------------------------------------- */

static u8 *bytes_of(const struct line *line)
{
    return line_bytes + (u64)(line - lines) * LINE_SIZE;
}

static struct line *line_find(const struct block_device *disk, u64 number)
{
    struct line *oldest = &lines[0];
    for (u32 i = 0; i < LINES; i++) {
        if (lines[i].disk == disk && lines[i].number == number)
            return &lines[i];
        if (lines[i].used < oldest->used)
            oldest = &lines[i];
    }
    oldest->disk = NULL;
    return oldest;
}

static enum error line_fill(struct line *line, struct block_device *disk, u64 number)
{
    u64 per_line = LINE_SIZE / disk->block_size;
    u64 lba = number * per_line;
    u64 blocks = min_u64(per_line, disk->block_count - lba);
    u64 step = disk->max_blocks ? min_u64(blocks, disk->max_blocks) : blocks;
    for (u64 done = 0; done < blocks; done += step) {
        struct block_span span = {lba + done, (u32)min_u64(step, blocks - done),
                                  bytes_of(line) + done * disk->block_size};
        enum error error = driver_read(disk, &span, 1);
        if (error)
            return error;
    }
    line->disk = disk;
    line->number = number;
    return OK;
}

static enum error read_cached(struct block_device *disk, u64 offset, u64 size, u8 *buf)
{
    while (size) {
        u64 number = offset / LINE_SIZE, skip = offset % LINE_SIZE;
        u64 part = min_u64(size, LINE_SIZE - skip);
        struct line *line = line_find(disk, number);
        if (!line->disk) {
            enum error error = line_fill(line, disk, number);
            /* A bad block elsewhere in the line must not hide good ones: ask for just these. */
            if (error == ERR_IO && !disk->dead)
                return read_bounced(disk, offset, size, buf);
            if (error)
                return error;
        }
        line->used = ++use_count;
        memcpy(buf, bytes_of(line) + skip, part);
        offset += part, buf += part, size -= part;
    }
    return OK;
}

enum error block_read(struct block_device *disk, u64 offset, u64 size, void *buf)
{
    enum error error = check_range(disk, offset, size);
    if (error || !size)
        return error;
    if (!cache_ready())
        return ERR_NO_MEMORY;
    if (size <= CACHED_MAX) {
        disk->stats.bytes += size;
        return read_cached(disk, offset, size, buf);
    }
    struct block_batch batch;
    block_batch_begin(&batch, disk);
    error = block_batch_add(&batch, offset, size, buf);
    return error ? error : block_batch_end(&batch);
}

/* ---- batches --------------------------------------------------------------------------------------------------- */

void block_batch_begin(struct block_batch *batch, struct block_device *disk)
{
    batch->disk = disk;
    batch->size = 0;
    batch->count = 0;
}

static enum error batch_submit(struct block_batch *batch)
{
    u32 count = batch->count;
    batch->count = 0;
    return count ? driver_read(batch->disk, batch->span, count) : OK;
}

static enum error batch_span(struct block_batch *batch, u64 lba, u64 blocks, u8 *buf)
{
    struct block_device *disk = batch->disk;
    u64 most = disk->max_blocks ? disk->max_blocks : 0x80000000u / disk->block_size;
    while (blocks) {
        u64 part = min_u64(blocks, most);
        if (batch->count == BATCH_SPANS) {
            enum error error = batch_submit(batch);
            if (error)
                return error;
        }
        batch->span[batch->count++] = (struct block_span){lba, (u32)part, buf};
        lba += part, blocks -= part, buf += part * disk->block_size;
    }
    return OK;
}

static enum error batch_bounce(struct block_batch *batch, u64 offset, u64 size, u8 *buf)
{
    batch->disk->stats.bounced += size;
    return read_bounced(batch->disk, offset, size, buf);
}

/* Turn the piece into spans; what does not fill a block, or is not aligned for DMA, is copied. */
static enum error batch_flush_piece(struct block_batch *batch)
{
    u64 block = batch->disk->block_size, offset = batch->offset, size = batch->size;
    u8 *buf = batch->buf;
    batch->size = 0;
    u64 head = min_u64(size, align_up(offset, block) - offset);
    if (head) {
        enum error error = batch_bounce(batch, offset, head, buf);
        if (error)
            return error;
        offset += head, buf += head, size -= head;
    }
    u64 whole = align_down(size, block);
    if ((uintptr_t)buf % batch->disk->dma_align ||
        (batch->disk->dma_end && !fits(mem_address(buf), whole, batch->disk->dma_end)))
        whole = 0;
    if (whole) {
        enum error error = batch_span(batch, offset / block, whole / block, buf);
        if (error)
            return error;
    }
    return size > whole ? batch_bounce(batch, offset + whole, size - whole, buf + whole) : OK;
}

enum error block_batch_add(struct block_batch *batch, u64 offset, u64 size, void *buf)
{
    enum error error = check_range(batch->disk, offset, size);
    if (error || !size)
        return error;
    if (!cache_ready())
        return ERR_NO_MEMORY;
    batch->disk->stats.bytes += size;
    if (batch->size && offset == batch->offset + batch->size && buf == batch->buf + batch->size) {
        batch->size += size;
        return OK;
    }
    if (batch->size)
        error = batch_flush_piece(batch);
    batch->offset = offset;
    batch->size = size;
    batch->buf = buf;
    return error;
}

enum error block_batch_end(struct block_batch *batch)
{
    enum error error = batch->size ? batch_flush_piece(batch) : OK;
    return error ? error : batch_submit(batch);
}
