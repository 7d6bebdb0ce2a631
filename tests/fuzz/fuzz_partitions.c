/* fuzz_partitions.c: the bytes are a disk: all but the last 512 its beginning, these its end, zeros between, 256 KiB in
 * all, so that a small input reaches the backup GPT. Scanned with 512- and 4096-byte blocks. The CRCs of a GPT header
 * whose reserved field is not 0 are put right first: no mutation would. Then volumes are made of it, nested ones too.
 */
#include "host.h"

#include "crc32.h"
#include "gpt_disk.h"

extern const struct partition_scheme scheme_gpt, scheme_mbr;
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define IMAGE_BYTES KIB(256)
#define TAIL 512u

static u8 image[IMAGE_BYTES];

static void seal(u64 lba, u32 block_size)
{
    struct gpt_header *h = (struct gpt_header *)(image + lba * block_size);
    u64 size = (u64)h->entry_count * h->entry_size;
    if (memcmp(h->signature, "EFI PART", 8) || !h->reserved || h->header_size < sizeof *h || h->header_size > 512)
        return;
    if (h->entries_lba < IMAGE_BYTES / block_size && fits(h->entries_lba * block_size, size, IMAGE_BYTES))
        h->entries_crc = crc32_add(0, image + h->entries_lba * block_size, size);
    h->header_crc = 0;
    h->header_crc = crc32_add(0, h, h->header_size);
}

static void scan(const struct partition_scheme *scheme, u32 block_size)
{
    struct block_device *disk = host_disk(NULL, "vd", image, IMAGE_BYTES, block_size);
    struct partition_list *found = arena_alloc(sizeof *found, 16);
    if (scheme->scan(disk, found))
        return;
    if (!found->count && scheme == &scheme_mbr)
        panic("a table without partitions");
    for (u32 i = 0; i < found->count; i++) {
        const struct partition *p = &found->partition[i];
        if (!p->size || !fits(p->offset, p->size, IMAGE_BYTES) || (i && p->number < p[-1].number))
            panic("%s: partition %u: %lu bytes at %lu", scheme->name, p->number, p->size, p->offset);
    }
}

static void volumes(u32 block_size)
{
    static struct disk_list disks;
    static struct volume_list list;
    disks.count = 0;
    host_disk(&disks, NULL, image, IMAGE_BYTES, block_size);
    volumes_scan(&disks, &list);
    for (u32 i = 0; i < list.count; i++)
        if (!fits(list.volume[i]->offset, list.volume[i]->size, IMAGE_BYTES))
            panic("volume %s: %lu bytes at %lu", list.volume[i]->name, list.volume[i]->size, list.volume[i]->offset);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    size = min_u64(size, IMAGE_BYTES);
    u64 tail = min_u64(size, TAIL);
    host_reset();
    log_level = LOG_QUIET;
    memset(image, 0, sizeof image);
    memcpy(image, data, size - tail);
    memcpy(image + IMAGE_BYTES - tail, data + size - tail, tail);
    for (u32 block_size = 512; block_size <= 4096; block_size *= 8) {
        seal(1, block_size);
        seal(IMAGE_BYTES / block_size - 1, block_size);
        scan(&scheme_gpt, block_size);
        scan(&scheme_mbr, block_size);
        volumes(block_size);
    }
    return 0;
}
