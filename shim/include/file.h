/* file.h: paths to files, files to memory. */
#ifndef SHIM_FILE_H
#define SHIM_FILE_H

#include "base.h"
#include "error.h"
#include "volume.h"

#define SYMLINKS_MAX 40 /* as Linux: path_resolution(7) */

struct file {
    struct volume *volume; /* NULL: the bytes lie in memory at `memory` (a module, an fw_cfg item) */
    struct node node;
    u64 memory;
    u64 start;        /* byte of the node or memory where the file begins: 0, or a part of a container (uki.h) */
    u64 size;         /* bytes */
    const char *path; /* "(vda1)/boot/vmlinuz", for sentences; in the arena */
};

/* Open path (absolute from the root of volume v; a missing leading slash is supplied; ".", "..", "//" and symlinks
 * followed, absolute links from the root of v). ERR_NOT_FOUND: "(vda1)/boot/vmlinuz: no such file" naming the component
 * that is missing. Directories open too (node.type). */
enum error file_open(struct volume *v, struct text path, struct file *file);

/* Open "(VOLUME)/path" in volumes, or "/path" on volume `home` (which may be NULL: then VOLUME is a must). */
enum error file_open_named(const struct volume_list *volumes, struct volume *home, struct text name, struct file *file);

/* A file that is size bytes of memory at paddr. */
void file_of_memory(struct file *file, const char *name, u64 paddr, u64 size);

/* The part [start, start + size) of file as a file of its own; name: what sentences call it ("(vda1)/x.efi: .linux").
 * ERR_TRUNCATED with a sentence when file ends before it does. */
enum error file_part(const struct file *file, u64 start, u64 size, const char *name, struct file *part);

/* Read [offset, offset + size) straight into buf: every extent one request, neighbours merged, holes zeroed.
 * ERR_TRUNCATED past the end of the file: "…: truncated at X of Y bytes"; else what the filesystem and the disk say,
 * with the path in front; buf then undefined. */
enum error file_read(const struct file *file, u64 offset, u64 size, void *buf);

/* The whole file into the arena with a NUL behind it. ERR_RANGE with a sentence when larger than max (below 4 GiB),
 * ERR_NOT_FOUND when it is no file, ERR_NO_MEMORY; else as file_read(). */
enum error file_read_all(const struct file *file, u64 max, char **text, u32 *size);

/* The next entry of directory dir (see filesystem.list). */
enum error file_list(const struct file *dir, u64 *cursor, struct dirent *entry);

#endif
