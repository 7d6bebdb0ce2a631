/* fake_tree.c: a filesystem that is a table (fake_tree.h). Node number 0 is the root, n is files[n - 1], from MADE_UP
 * on those of /many. */
#include <stdlib.h>

#include "host.h"

#include "fake_tree.h"

#define MADE_UP 1000u
#define BLOCK 512u

struct tree {
    const struct fake_file *files;
    u32 count, many;
    bool nocase;
};

static const struct tree *tree_of(const struct volume *v)
{
    return v->fs_state;
}

static void fill_node(const struct tree *t, u64 id, struct node *node)
{
    *node = (struct node){.id = id, .type = NODE_FILE};
    if (id && id < MADE_UP) {
        const struct fake_file *f = &t->files[id - 1];
        node->type = f->type;
        node->size = f->content ? strlen(f->content) : 0;
    } else if (!id) {
        node->type = NODE_DIR;
    }
}

static enum error tree_mount(struct volume *v)
{
    (void)v;
    return ERR_NOT_MINE;
}

static enum error tree_root(struct volume *v, struct node *root)
{
    fill_node(tree_of(v), 0, root);
    return OK;
}

/* The name of node `id` when it is directly in directory `dir`, else NULL. */
static const char *name_in(const struct tree *t, u64 dir, u64 id)
{
    const char *folder = dir ? t->files[dir - 1].path : "", *path = t->files[id - 1].path;
    size_t n = strlen(folder);
    return !strncmp(path, folder, n) && path[n] == '/' && !strchr(path + n + 1, '/') ? path + n + 1 : NULL;
}

static bool is_many(const struct tree *t, u64 dir)
{
    return dir && dir < MADE_UP && !strcmp(t->files[dir - 1].path, "/many");
}

static enum error tree_lookup(struct volume *v, const struct node *dir, struct text name, struct node *found)
{
    const struct tree *t = tree_of(v);
    u64 number;
    bool made_up = is_many(t, dir->id) && name.len == 9 && text_number((struct text){name.at + 4, 5}, &number);
    if (made_up && number < t->many) {
        fill_node(t, MADE_UP + number, found);
        return OK;
    }
    for (u32 i = 1; i <= t->count; i++) {
        const char *here = name_in(t, dir->id, i);
        if (here && (t->nocase ? text_equal_nocase(name, text_of(here)) : text_equal(name, here))) {
            fill_node(t, i, found);
            return OK;
        }
    }
    return ERR_NOT_FOUND;
}

static enum error tree_list(struct volume *v, const struct node *dir, u64 *cursor, struct dirent *entry)
{
    const struct tree *t = tree_of(v);
    if (is_many(t, dir->id)) {
        entry->type = NODE_FILE;
        format_text(entry->name, sizeof entry->name, "name%05u", (u32)*cursor);
        return (*cursor)++ < t->many ? OK : ERR_NOT_FOUND;
    }
    while (++*cursor <= t->count) {
        const char *here = name_in(t, dir->id, *cursor);
        if (here) {
            format_text(entry->name, sizeof entry->name, "%s", here);
            entry->type = t->files[*cursor - 1].type;
            return OK;
        }
    }
    return ERR_NOT_FOUND;
}

static u64 place_of(const struct tree *t, u64 id)
{
    u64 at = 0;
    for (u32 i = 0; i + 1 < id; i++)
        at += t->files[i].content ? align_up(strlen(t->files[i].content) + 1, BLOCK) : 0;
    return at;
}

static enum error tree_map(struct volume *v, const struct node *node, u64 at, struct extent *extent)
{
    const struct tree *t = tree_of(v);
    if (node->id >= MADE_UP || !t->files[node->id - 1].content)
        return fail(ERR_IO, "nothing to read there");
    *extent = (struct extent){.volume_byte = place_of(t, node->id) + at, .size = node->size - at};
    return OK;
}

static const struct filesystem tree_fs = {
    .name = "tree", .mount = tree_mount, .root = tree_root, .lookup = tree_lookup, .list = tree_list, .map = tree_map};

struct volume *fake_tree(const char *name, const struct fake_file *files, bool nocase, u32 many)
{
    struct tree *t = arena_alloc(sizeof *t, 8);
    *t = (struct tree){.files = files, .many = many, .nocase = nocase};
    while (files[t->count].path)
        t->count++;
    u64 size = place_of(t, t->count + 1) + BLOCK;
    u8 *image = arena_alloc(size, 16);
    for (u32 i = 0; i < t->count; i++)
        if (files[i].content)
            memcpy(image + place_of(t, i + 1), files[i].content, strlen(files[i].content));
    struct volume *v = host_volume(host_disk(NULL, NULL, image, size, BLOCK));
    v->fs = &tree_fs;
    v->fs_state = t;
    format_text(v->name, sizeof v->name, "%s", name);
    u8 byte;
    block_read(v->disk, 0, 1, &byte); /* the cache is there before anybody marks the arena */
    return v;
}
