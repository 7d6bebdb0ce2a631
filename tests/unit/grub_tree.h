/* grub_tree.h: volumes of a few files, for tests and fuzzing of grub.cfg; behind host.h. */
#ifndef GRUB_TREE_H
#define GRUB_TREE_H

#include "config.h"

#define TREE_SIZE MIB(4)

/* One file of the volume with this number, or (content NULL) a directory. An empty path ends a tree. */
struct tree_file {
    u32 volume;
    const char *path, *content;
};

static const struct tree_file *tree;
static u64 tree_at[256]; /* where their bytes are */
static u8 *tree_image;
static struct volume_list tree_volumes;

/* A directory is a file below it, and so many bytes of its path. */
static struct node tree_node(u32 i, u32 length)
{
    struct node node = {.id = i, .own = {length}, .type = NODE_DIR};
    if (!tree[i].path[length] && tree[i].content) {
        node.type = NODE_FILE;
        node.size = strlen(tree[i].content);
    }
    return node;
}

static enum error tree_root(struct volume *v, struct node *root)
{
    (void)v;
    *root = (struct node){.id = ~0u, .type = NODE_DIR};
    return OK;
}

static enum error tree_lookup(struct volume *v, const struct node *dir, struct text name, struct node *found)
{
    u32 length = (u32)dir->own[0];
    for (u32 i = 0; tree[i].path; i++) {
        const char *path = tree[i].path;
        if (tree[i].volume != v->number || (length && strncmp(path, tree[dir->id].path, length)))
            continue;
        if (strlen(path) < length + 1 + name.len || path[length] != '/' || memcmp(path + length + 1, name.at, name.len))
            continue;
        u32 end = length + 1 + name.len;
        if (path[end] && path[end] != '/')
            continue;
        *found = tree_node(i, end);
        return OK;
    }
    return ERR_NOT_FOUND;
}

static enum error tree_list(struct volume *v, const struct node *dir, u64 *cursor, struct dirent *entry)
{
    u32 length = (u32)dir->own[0];
    for (u32 i = (u32)*cursor; tree[i].path; i++) {
        const char *path = tree[i].path;
        struct node first;
        if (tree[i].volume != v->number || (length && strncmp(path, tree[dir->id].path, length)) || path[length] != '/')
            continue;
        struct text name = {path + length + 1, (u32)strcspn(path + length + 1, "/")};
        if (!name.len || tree_lookup(v, dir, name, &first) || first.id != i)
            continue;
        format_text(entry->name, sizeof entry->name, "%.*s", (int)name.len, name.at);
        entry->type = first.type;
        *cursor = i + 1;
        return OK;
    }
    return ERR_NOT_FOUND;
}

static enum error tree_map(struct volume *v, const struct node *node, u64 at, struct extent *extent)
{
    (void)v;
    *extent = (struct extent){tree_at[node->id] + at, node->size - at, false};
    return OK;
}

static const struct filesystem tree_fs = {.name = "ext", .root = tree_root, .lookup = tree_lookup,
                                         .list = tree_list, .map = tree_map};

static struct volume *tree_volume(struct block_device *disk, u32 number, const char *label)
{
    struct volume *v = tree_volumes.volume[tree_volumes.count++] = host_volume(disk);
    v->number = number;
    v->fs = &tree_fs;
    format_text(v->name, sizeof v->name, "%s%u", disk->name, number);
    format_text(v->ids.label, sizeof v->ids.label, "%s", label);
    format_text(v->ids.uuid, sizeof v->ids.uuid, "00000000-0000-0000-0000-%012u", number);
    format_text(v->ids.partuuid, sizeof v->ids.partuuid, "11111111-0000-0000-0000-%012u", number);
    format_text(v->ids.partlabel, sizeof v->ids.partlabel, "part-%u", number);
    return v;
}

/* vda1 (label boot) and vda2 (label root) of a GPT, vdb3 (label data) of an MBR, with these files. */
static void tree_make(const struct tree_file *files)
{
    u64 used = 0;
    if (!tree_image)
        tree_image = calloc(1, TREE_SIZE);
    tree = files;
    for (u32 i = 0; files[i].path; i++) {
        u64 size = files[i].content ? strlen(files[i].content) : 0;
        if (used + size > TREE_SIZE)
            panic("too many files");
        if (size)
            memcpy(tree_image + used, files[i].content, size);
        tree_at[i] = used;
        used = align_up(used + size, 512);
    }
    tree_volumes.count = 0;
    struct block_device *vda = host_disk(NULL, "vd", tree_image, TREE_SIZE, 512);
    struct block_device *vdb = host_disk(NULL, "vd", tree_image, TREE_SIZE, 512);
    format_text(vda->name, sizeof vda->name, "vda");
    format_text(vdb->name, sizeof vdb->name, "vdb");
    tree_volume(vda, 1, "boot");
    tree_volume(vda, 2, "root");
    format_text(tree_volume(vdb, 3, "data")->ids.partuuid, 40, "12345678-03");
}

#endif
