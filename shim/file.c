/* file.c: paths to files, files to memory (file.h). */
#include "file.h"
#include "print.h"

#define SHOWN_PATH_MAX 300u

/* Directories from the root down to where the walk is, for "..": one arena piece each, given back after the walk. */
struct level {
    struct level *parent; /* NULL: the root */
    struct node dir;
};

struct walk {
    struct volume *v;
    const char *path; /* as asked for, with the volume: for sentences */
    struct level *at;
    struct node node; /* what the last component led to */
    char *left;       /* PATH_MAX_BYTES: what is still to be walked */
    u32 links;
};

static bool walk_enter(struct walk *w, const struct node *dir)
{
    struct level *level = arena_alloc(sizeof *level, 8);
    if (!level)
        return false;
    level->parent = w->at;
    level->dir = *dir;
    w->at = level;
    return true;
}

/* Put the link's target in front of what is left; absolute targets start at the root of the volume. */
static enum error walk_link(struct walk *w, const struct node *link)
{
    char target[PATH_MAX_BYTES];
    struct file f = {.volume = w->v, .node = *link, .size = link->size, .path = w->path};
    u64 rest = strlen(w->left);
    if (++w->links > SYMLINKS_MAX)
        return fail(ERR_CORRUPT, "%s: more than %u symbolic links on the way", w->path, SYMLINKS_MAX);
    if (!link->size || link->size + rest + 2 > PATH_MAX_BYTES)
        return fail(ERR_CORRUPT, "%s: a symbolic link of %lu bytes, expected 1 to %u", w->path, link->size,
                    PATH_MAX_BYTES - 1);
    const struct filesystem *fs = w->v->fs;
    enum error error = fs->read_link ? fs->read_link(w->v, link, target) : file_read(&f, 0, link->size, target);
    if (error)
        return fs->read_link ? error_add(error, "%s", w->path) : error;
    memmove(w->left + link->size + 1, w->left, rest + 1);
    memcpy(w->left, target, link->size);
    w->left[link->size] = '/';
    if (target[0] == '/')
        while (w->at->parent)
            w->at = w->at->parent;
    w->node = w->at->dir;
    return OK;
}

/* One component; `last` tells that nothing but slashes follows. */
static enum error walk_step(struct walk *w, struct text name)
{
    struct node found = {0};
    if (text_equal(name, "."))
        return OK;
    if (text_equal(name, "..")) {
        if (w->at->parent)
            w->at = w->at->parent;
        w->node = w->at->dir;
        return OK;
    }
    enum error error = w->v->fs->lookup(w->v, &w->at->dir, name, &found);
    if (error == ERR_NOT_FOUND)
        return fail(error, "%s: no such file (\"%.*s\" is missing)", w->path, (int)name.len, name.at);
    if (error)
        return error_add(error, "%s", w->path);
    if (found.type == NODE_SYMLINK)
        return walk_link(w, &found);
    w->node = found;
    if (found.type == NODE_DIR)
        return walk_enter(w, &found) ? OK : ERR_NO_MEMORY;
    return OK;
}

static enum error walk_path(struct walk *w)
{
    char name[NAME_MAX_BYTES + 4];
    for (;;) {
        u32 skip = 0, len = 0;
        while (w->left[skip] == '/')
            skip++;
        while (w->left[skip + len] && w->left[skip + len] != '/')
            len++;
        if (!len)
            break;
        if (len > NAME_MAX_BYTES)
            return fail(ERR_NOT_FOUND, "%s: a name of %u bytes, expected at most %u", w->path, len, NAME_MAX_BYTES);
        if (w->node.type != NODE_DIR)
            return fail(ERR_NOT_FOUND, "%s: no such file (something before \"%.*s\" is not a directory)", w->path,
                        (int)len, w->left + skip);
        memcpy(name, w->left + skip, len);
        memmove(w->left, w->left + skip + len, strlen(w->left + skip + len) + 1);
        enum error error = walk_step(w, (struct text){name, len});
        if (error)
            return error;
    }
    return OK;
}

enum error file_open(struct volume *v, struct text path, struct file *file)
{
    struct walk w = {.v = v};
    if (!v->fs)
        return fail(ERR_NOT_FOUND, "(%s)%.*s: %s", v->name, (int)path.len, path.at,
                    v->reason ? v->reason : "no filesystem that is known here");
    if (path.len >= PATH_MAX_BYTES)
        return fail(ERR_NOT_FOUND, "(%s): a path of %u bytes, expected at most %u", v->name, path.len,
                    PATH_MAX_BYTES - 1);
    /* For sentences: a very long path would push the reason out of them. */
    u32 shown = (u32)min_u64(path.len, SHOWN_PATH_MAX);
    w.path = format_copy("(%s)%s%.*s%s", v->name, path.len && path.at[0] == '/' ? "" : "/", (int)shown, path.at,
                         shown < path.len ? "..." : "");
    u64 mark = arena_mark();
    w.left = arena_reserve(PATH_MAX_BYTES, 1);
    if (!w.path || !w.left)
        return ERR_NO_MEMORY;
    memcpy(w.left, path.at, path.len);
    w.left[path.len] = 0;
    enum error error = v->fs->root(v, &w.node);
    if (error)
        error_add(error, "%s", w.path);
    else if (!walk_enter(&w, &w.node))
        error = ERR_NO_MEMORY;
    else
        error = walk_path(&w);
    arena_release(mark);
    if (!error)
        *file = (struct file){.volume = v, .node = w.node, .size = w.node.size, .path = w.path};
    return error;
}

enum error file_open_named(const struct volume_list *volumes, struct volume *home, struct text name, struct file *file)
{
    struct text path = name;
    if (text_starts(name, "(")) {
        struct text which = {name.at + 1, 0};
        while (which.len + 1 < name.len && which.at[which.len] != ')')
            which.len++;
        if (which.len + 1 == name.len)
            return fail(ERR_SYNTAX, "%.*s: no \")\" behind the volume", (int)name.len, name.at);
        home = volume_find(volumes, which);
        if (!home)
            return error_add(ERR_NOT_FOUND, "%.*s", (int)name.len, name.at);
        path = (struct text){which.at + which.len + 1, name.len - which.len - 2};
    }
    if (!home)
        return fail(ERR_NOT_FOUND, "%.*s: no volume to look on, expected (VOLUME)/path", (int)name.len, name.at);
    return file_open(home, path, file);
}

void file_of_memory(struct file *file, const char *name, u64 paddr, u64 size)
{
    *file = (struct file){.node = {.size = size, .type = NODE_FILE}, .memory = paddr, .size = size, .path = name};
}

enum error file_part(const struct file *file, u64 start, u64 size, const char *name, struct file *part)
{
    if (!fits(start, size, file->size))
        return fail(ERR_TRUNCATED, "%s: bytes %lu to %lu of a file of %lu", name, start, start + size, file->size);
    *part = *file;
    part->start += start;
    part->size = size;
    part->path = name;
    return OK;
}

/* Put the extent's part of [at, at + size) into the batch; *part says how much of it that was. */
static enum error read_extent(struct block_batch *batch, const struct file *file, u64 at, u64 size, u8 *buf, u64 *part)
{
    struct extent extent = {0};
    struct volume *v = file->volume;
    enum error error = v->fs->map(v, &file->node, at, &extent);
    if (error)
        return error_add(error, "%s", file->path);
    if (!extent.size)
        return fail(ERR_CORRUPT, "%s: nothing at byte %lu of %lu", file->path, at, file->size);
    *part = min_u64(size, extent.size);
    if (extent.hole) {
        memset(buf, 0, *part);
        return OK;
    }
    if (!fits(extent.volume_byte, *part, v->size))
        return fail(ERR_CORRUPT, "%s: byte %lu lies at byte %lu of the volume, which has %lu", file->path, at,
                    extent.volume_byte, v->size);
    error = block_batch_add(batch, v->offset + extent.volume_byte, *part, buf);
    return error ? error_add(error, "%s", file->path) : OK;
}

enum error file_read(const struct file *file, u64 offset, u64 size, void *buf)
{
    struct block_batch batch;
    if (!fits(offset, size, file->size))
        return fail(ERR_TRUNCATED, "%s: truncated at %lu of %lu bytes", file->path, file->size,
                    size > ~(u64)0 - offset ? ~(u64)0 : offset + size);
    if (!file->volume) {
        if (size)
            memmove(buf, mem_at(file->memory + file->start + offset, size), size);
        return OK;
    }
    offset += file->start;
    block_batch_begin(&batch, file->volume->disk);
    while (size) {
        u64 part = 0;
        enum error error = read_extent(&batch, file, offset, size, buf, &part);
        if (error)
            return error;
        offset += part, size -= part, buf = (u8 *)buf + part;
    }
    enum error error = block_batch_end(&batch);
    return error ? error_add(error, "%s", file->path) : OK;
}

enum error file_read_all(const struct file *file, u64 max, char **text, u32 *size)
{
    if (file->volume && file->node.type != NODE_FILE)
        return fail(ERR_NOT_FOUND, "%s: not a file", file->path);
    if (file->size > max)
        return fail(ERR_RANGE, "%s: %lu bytes, expected at most %lu", file->path, file->size, max);
    char *bytes = arena_reserve(file->size + 1, 16);
    if (!bytes)
        return error_add(ERR_NO_MEMORY, "%s", file->path);
    enum error error = file_read(file, 0, file->size, bytes);
    if (error)
        return error;
    bytes[file->size] = 0;
    *text = bytes;
    *size = (u32)file->size;
    return OK;
}

enum error file_list(const struct file *dir, u64 *cursor, struct dirent *entry)
{
    if (!dir->volume || dir->node.type != NODE_DIR)
        return fail(ERR_NOT_FOUND, "%s: not a directory", dir->path);
    return dir->volume->fs->list(dir->volume, &dir->node, cursor, entry);
}
