/* fuzz_iso9660.c: the bytes are an ISO 9660 volume from its first descriptor on, sector 16, with zeros behind up to
 * 256 KiB: mounted, everything listed, looked up and read. */
#include "host.h"

#include "file.h"

extern const struct filesystem fs_iso9660;
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define IMAGE_BYTES KIB(256)
#define FIRST_BYTE (16 * 2048u)
#define DEPTH_MAX 3u
#define ENTRIES_MAX 40u /* per directory */
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
    static char target[PATH_MAX_BYTES];
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
        else if (node.type == NODE_SYMLINK && node.size < sizeof target)
            v->fs->read_link(v, &node, target);
    }
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static u64 dirty;
    struct node root;
    host_reset();
    log_level = LOG_QUIET;
    size = min_u64(size, IMAGE_BYTES - FIRST_BYTE);
    if (dirty > size)
        memset(image + FIRST_BYTE + size, 0, dirty - size);
    memcpy(image + FIRST_BYTE, data, size);
    dirty = size;
    struct volume *v = host_volume(host_disk(NULL, "sr", image, IMAGE_BYTES, 512));
    v->fs = &fs_iso9660;
    if (!fs_iso9660.mount(v) && !fs_iso9660.root(v, &root))
        walk(v, &root, 0);
    return 0;
}
