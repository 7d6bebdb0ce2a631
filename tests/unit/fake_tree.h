/* fake_tree.h: a small volume in memory, with a filesystem that is a table: for tests of what stands above filesystems.
 * Behind host.h. */
#ifndef FAKE_TREE_H
#define FAKE_TREE_H

#include "base.h"
#include "volume.h"

/* path: "/boot/vmlinuz"; the directories above come before it. The root is there. */
struct fake_file {
    const char *path;
    enum node_type type;
    const char *content; /* of a symlink: its target; NULL: of a directory; else none can be read */
};

/* A volume called name with these files, up to a path of NULL, on a disk of its own; names in any case when nocase. In
 * the arena. "/many" may be entered as a directory without files of its own: then it lists `many` names that are made
 * up: "name00000" and so on. */
struct volume *fake_tree(const char *name, const struct fake_file *files, bool nocase, u32 many);

#endif
