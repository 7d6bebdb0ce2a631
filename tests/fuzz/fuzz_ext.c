/* fuzz_ext.c: the bytes are an ext volume, with zeros behind up to 2 MiB: mounted, everything listed, looked up and
 * read. The corpus: mke2fs -b 1024 -N 32 of 192 KiB, in each way that a map or a directory can be stored. */
#include "host.h"

#include "file.h"

extern const struct filesystem fs_ext;
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define IMAGE_BYTES MIB(2)
#define DEPTH_MAX 3u
#define ENTRIES_MAX 60u /* per directory */
#define NODES_MAX 300u  /* per volume */
#define EXTENTS_MAX 100u

static u8 image[IMAGE_BYTES];
static u8 buffer[65536];
static u32 nodes;

static void map_at(struct volume *v, const struct node *node, u64 at, struct extent *extent)
{
    extent->size = 0;
    if (v->fs->map(v, node, at, extent)) {
        extent->size = 0;
        return;
    }
    if (!extent->size)
        panic("an extent of no size");
    if (!extent->hole)
        volume_read(v, extent->volume_byte, min_u64(extent->size, sizeof buffer), buffer);
}

/* From the start; and from far behind, where trees and pointers are deep. */
static void read_file(struct volume *v, const struct node *node)
{
    struct extent extent;
    u64 at = 0;
    for (u32 i = 0; i < EXTENTS_MAX && at < node->size; i++) {
        map_at(v, node, at, &extent);
        if (!extent.size)
            break;
        at += extent.size;
    }
    for (u32 shift = 0; shift < 24; shift += 3)
        if (node->size >> shift)
            map_at(v, node, (node->size - 1) >> shift, &extent);
}

static void walk(struct volume *v, const struct node *dir, u32 depth)
{
    struct dirent entry;
    struct node node;
    u64 cursor = 0;
    for (u32 i = 0; i < ENTRIES_MAX && nodes < NODES_MAX && !v->fs->list(v, dir, &cursor, &entry); i++, nodes++) {
        if (strlen(entry.name) > NAME_MAX_BYTES)
            panic("a name of %u bytes", (u32)strlen(entry.name));
        if (v->fs->lookup(v, dir, text_of(entry.name), &node))
            continue;
        if (node.type == NODE_DIR && depth < DEPTH_MAX)
            walk(v, &node, depth + 1);
        else
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
    nodes = 0;
    struct volume *v = host_volume(host_disk(NULL, "vd", image, IMAGE_BYTES, 512));
    v->fs = &fs_ext;
    if (!fs_ext.mount(v) && !fs_ext.root(v, &root))
        walk(v, &root, 0);
    return 0;
}
