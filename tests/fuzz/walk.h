/* walk.h: everything that can be asked of a filesystem, for fuzz targets: the bytes are a volume from a certain byte
 * on, with zeros before, and behind up to 2 MiB: mounted, everything listed, looked up and read. */
#ifndef WALK_H
#define WALK_H

#include "host.h"

#define WALK_IMAGE_BYTES MIB(2)
#define WALK_DEPTH_MAX 6u
#define WALK_ENTRIES_MAX 100u /* per directory */
#define WALK_NODES_MAX 300u   /* per volume */
#define WALK_EXTENTS_MAX 100u

static u32 walk_nodes;

static void walk_map(struct volume *v, const struct node *node, u64 at, struct extent *extent)
{
    static u8 buffer[65536];
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
static void walk_file(struct volume *v, const struct node *node)
{
    struct extent extent;
    u64 at = 0;
    for (u32 i = 0; i < WALK_EXTENTS_MAX && at < node->size; i++) {
        walk_map(v, node, at, &extent);
        if (!extent.size)
            break;
        at += extent.size;
    }
    for (u32 shift = 0; shift < 24; shift += 3)
        if (node->size >> shift)
            walk_map(v, node, (node->size - 1) >> shift, &extent);
}

static void walk_link(struct volume *v, const struct node *link)
{
    static char target[PATH_MAX_BYTES];
    if (v->fs->read_link && link->size < sizeof target)
        v->fs->read_link(v, link, target);
    else
        walk_file(v, link);
}

static void walk_dir(struct volume *v, const struct node *dir, u32 depth)
{
    struct dirent entry;
    struct node node;
    u64 cursor = 0;
    for (u32 i = 0; i < WALK_ENTRIES_MAX && walk_nodes < WALK_NODES_MAX && !v->fs->list(v, dir, &cursor, &entry);
         i++, walk_nodes++) {
        if (strlen(entry.name) > NAME_MAX_BYTES)
            panic("a name of %u bytes", (u32)strlen(entry.name));
        if (v->fs->lookup(v, dir, text_of(entry.name), &node))
            continue;
        if (node.type == NODE_DIR && depth < WALK_DEPTH_MAX)
            walk_dir(v, &node, depth + 1);
        else if (node.type == NODE_SYMLINK)
            walk_link(v, &node);
        else if (node.type != NODE_DIR)
            walk_file(v, &node);
    }
}

static int walk_volume(const struct filesystem *fs, u32 first, const u8 *data, size_t size)
{
    static u8 image[WALK_IMAGE_BYTES];
    static u64 dirty;
    struct node root, missing;
    host_reset();
    log_level = LOG_QUIET;
    size = min_u64(size, sizeof image - first);
    if (dirty > size)
        memset(image + first + size, 0, dirty - size);
    memcpy(image + first, data, size);
    dirty = size;
    struct volume *v = host_volume(host_disk(NULL, "vd", image, sizeof image, 512));
    v->fs = fs;
    walk_nodes = 0;
    if (fs->mount(v) || fs->root(v, &root))
        return 0;
    if (fs->describe && !fs->describe(v)[0])
        panic("a filesystem without a name");
    fs->lookup(v, &root, text_of("a name that is not there"), &missing);
    walk_dir(v, &root, 0);
    return 0;
}

#endif
