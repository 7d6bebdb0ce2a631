/* tree.h: for tests that compare a mounted volume with the files it was made of; behind cmocka.h and host.h. */
#ifndef TREE_H
#define TREE_H

#include <stdio.h>
#include <stdlib.h>

#include "expect.h"
#include "file.h"

/* Entries below `path`, every one of which opens by the name it is listed by. What a symbolic link leads to has a type
 * of its own. */
static u32 count_tree(struct volume *v, const char *path)
{
    struct file dir, child;
    struct dirent entry;
    u64 cursor = 0;
    u32 count = 0;
    enum error error;
    assert_int_equal(file_open(v, text_of(path), &dir), OK);
    while (!(error = file_list(&dir, &cursor, &entry))) {
        char below[2048];
        snprintf(below, sizeof below, "%s/%s", path, entry.name);
        if (file_open(v, text_of(below), &child))
            FAILED("listed, but: %s", error_text());
        if (entry.type != NODE_SYMLINK)
            assert_int_equal(child.node.type, entry.type);
        count += 1 + (entry.type == NODE_DIR ? count_tree(v, below) : 0);
    }
    assert_int_equal(error, ERR_NOT_FOUND);
    return count;
}

/* The file at `path` has the bytes of the real one, forwards at once and backwards by parts. */
static void compare_file(struct volume *v, const char *real, const char *path)
{
    struct file file;
    u64 size;
    u8 *expected = host_file(real, &size);
    if (file_open(v, text_of(path), &file))
        FAILED("%s", error_text());
    assert_int_equal(file.size, size);
    u8 *bytes = malloc(size + 1);
    if (file_read(&file, 0, size, bytes))
        FAILED("%s", error_text());
    assert_memory_equal(bytes, expected, size);
    memset(bytes, 0, size);
    for (u64 at = size; at > 0;) { /* backwards: a chain is walked from its start again */
        u64 part = min_u64(at, 7001);
        at -= part;
        assert_int_equal(file_read(&file, at, part, bytes + at), OK);
    }
    assert_memory_equal(bytes, expected, size);
    free(bytes);
    free(expected);
}

#endif
