/* toy.h: volumes whose files stand in a table, all on one disk; behind cmocka.h (in unit tests) and host.h. */
#ifndef TOY_H
#define TOY_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "volume.h"

#define TOY_VOLUMES 4u

/* A file or symbolic link; the directories on the way to it are there by themselves. */
struct toy {
    u32 volume; /* 1 … TOY_VOLUMES */
    const char *path, *content;
    u32 size;   /* 0: content is a text */
    bool link;  /* content is where it leads to */
};

static const struct toy *toys;
static u32 toy_count;
static u64 toy_at[600]; /* bytes of the volume where each begins */
static u8 *toy_image;
static struct volume_list toy_volumes;
static struct filesystem toy_fs;

static u64 toy_size(const struct toy *toy)
{
    return toy->size ? toy->size : strlen(toy->content);
}

/* A directory is known by a file below it and how much of that one's path it is; a file by all of its path. */
static void toy_node(u32 i, u32 length, struct node *node)
{
    bool whole = !toys[i].path[length];
    *node = (struct node){.id = i, .size = whole ? toy_size(&toys[i]) : 0, .own = {length}};
    node->type = !whole ? NODE_DIR : toys[i].link ? NODE_SYMLINK : NODE_FILE;
}

static enum error toy_root(struct volume *v, struct node *root)
{
    (void)v;
    *root = (struct node){.type = NODE_DIR};
    return OK;
}

/* The length of the component of toy i that is directly in dir; 0: it is not below dir. */
static u32 toy_below(const struct volume *v, const struct node *dir, u32 i)
{
    u64 length = dir->own[0];
    const char *path = toys[i].path;
    if (toys[i].volume != v->number || strncmp(path, toys[dir->id].path, length) || path[length] != '/')
        return 0;
    return (u32)strcspn(path + length + 1, "/");
}

static enum error toy_lookup(struct volume *v, const struct node *dir, struct text name, struct node *found)
{
    u64 length = dir->own[0];
    for (u32 i = 0; i < toy_count; i++) {
        u32 n = toy_below(v, dir, i);
        if (n == name.len && n && !memcmp(toys[i].path + length + 1, name.at, n)) {
            toy_node(i, (u32)length + 1 + n, found);
            return OK;
        }
    }
    return ERR_NOT_FOUND;
}

static enum error toy_list(struct volume *v, const struct node *dir, u64 *cursor, struct dirent *entry)
{
    u64 length = dir->own[0];
    for (u32 i = (u32)*cursor; i < toy_count; i++) {
        u32 n = toy_below(v, dir, i);
        struct node first;
        if (!n || n > NAME_MAX_BYTES)
            continue;
        toy_lookup(v, dir, (struct text){toys[i].path + length + 1, n}, &first);
        if (first.id != i)
            continue;
        snprintf(entry->name, sizeof entry->name, "%.*s", (int)n, toys[i].path + length + 1);
        entry->type = first.type;
        *cursor = i + 1;
        return OK;
    }
    return ERR_NOT_FOUND;
}

static enum error toy_map(struct volume *v, const struct node *node, u64 at, struct extent *extent)
{
    (void)v;
    *extent = (struct extent){toy_at[node->id] + at, node->size - at, false};
    return OK;
}

static struct filesystem toy_fs = {
    .name = "toy", .root = toy_root, .lookup = toy_lookup, .list = toy_list, .map = toy_map,
};

/* A fresh machine with vda1, vda2, …, of these files up to one without a path. */
static void toy_machine(const struct toy *files)
{
    u64 size = 0;
    host_reset();
    toys = files;
    for (toy_count = 0; files[toy_count].path && toy_count < ARRAY_COUNT(toy_at); toy_count++) {
        toy_at[toy_count] = size;
        size += align_up(toy_size(&files[toy_count]) + 1, 512);
    }
    free(toy_image);
    toy_image = calloc(1, size + 512);
    for (u32 i = 0; i < toy_count; i++)
        memcpy(toy_image + toy_at[i], files[i].content, toy_size(&files[i]));
    struct block_device *disk = host_disk(NULL, "vd", toy_image, size + 512, 512);
    toy_volumes.count = TOY_VOLUMES;
    for (u32 i = 0; i < TOY_VOLUMES; i++) {
        struct volume *v = toy_volumes.volume[i] = host_volume(disk);
        v->number = i + 1;
        v->fs = &toy_fs;
        format_text(v->name, sizeof v->name, "vda%u", i + 1);
    }
}

#endif
