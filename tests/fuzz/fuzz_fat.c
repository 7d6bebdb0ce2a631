/* fuzz_fat.c: the bytes are a FAT volume, with zeros behind up to 2 MiB: mounted, everything listed, looked up and
 * read. */
#include "host.h"

#include "file.h"

extern const struct filesystem fs_fat;
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define IMAGE_BYTES MIB(2)
#define DEPTH_MAX 3u
#define ENTRIES_MAX 60u /* per directory */
#define EXTENTS_MAX 200u

static u8 image[IMAGE_BYTES];
static u8 buffer[65536];

static void read_file(struct volume *v, const struct node *node)
{
    struct extent extent;
    u64 at = 0;
    for (u32 i = 0; i < EXTENTS_MAX && at < node->size && !v->fs->map(v, node, at, &extent); i++) {
        if (!extent.size)
            panic("an extent of no size");
        volume_read(v, extent.volume_byte, min_u64(extent.size, sizeof buffer), buffer);
        at += extent.size;
    }
    if (node->size)
        v->fs->map(v, node, node->size / 2, &extent);
}

static void walk(struct volume *v, const struct node *dir, u32 depth)
{
    struct dirent entry;
    struct node node;
    u64 cursor = 0;
    for (u32 i = 0; i < ENTRIES_MAX && !v->fs->list(v, dir, &cursor, &entry); i++) {
        if (strlen(entry.name) > NAME_MAX_BYTES)
            panic("a name of %u bytes", (u32)strlen(entry.name));
        if (v->fs->lookup(v, dir, text_of(entry.name), &node))
            continue;
        if (node.type == NODE_DIR && depth < DEPTH_MAX)
            walk(v, &node, depth + 1);
        else if (node.type == NODE_FILE)
            read_file(v, &node);
    }
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static u64 dirty;
    struct node root;
    host_reset();
    log_level = LOG_QUIET;
    size = min_u64(size, IMAGE_BYTES);
    if (dirty > size)
        memset(image + size, 0, dirty - size);
    memcpy(image, data, size);
    dirty = size;
    struct volume *v = host_volume(host_disk(NULL, "vd", image, IMAGE_BYTES, 512));
    v->fs = &fs_fat;
    if (!fs_fat.mount(v) && !fs_fat.root(v, &root))
        walk(v, &root, 0);
    return 0;
}
