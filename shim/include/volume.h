/* volume.h: a filesystem on a module, a disk or a partition; partition schemes and filesystems.
 */
#ifndef SHIM_VOLUME_H
#define SHIM_VOLUME_H

#include "base.h"
#include "block.h"
#include "error.h"

#define VOLUMES_MAX 256
#define NAME_MAX_BYTES 1020 /* longest file name we give back, UTF-8 without NUL: 255 UTF-16 units of FAT, 255 of ext */
#define PATH_MAX_BYTES 4097 /* longest path, with its NUL */

struct volume_ids {
    char label[256];    /* UTF-8; "" unknown, all of these */
    char uuid[40];      /* as blkid prints it: ext 8-4-4-4-12 lower case, FAT ABCD-1234, ISO 2024-01-02-… */
    char partuuid[40];  /* GPT: 8-4-4-4-12 lower case; MBR: xxxxxxxx-NN */
    char partlabel[224];
};

/* What the partition table says the volume is for. */
enum volume_role { ROLE_NONE, ROLE_ESP, ROLE_XBOOTLDR, ROLE_MBR_BLS, ROLE_FLATCAR_USR };

struct volume {
    struct block_device *disk;
    u64 offset, size; /* bytes on the disk */
    u32 number;       /* partition number as the table counts; 0: whole disk */
    char name[24];    /* "vda1", "nvme0n1p1", "module0" */
    enum volume_role role;
    u16 attributes; /* bits 48 to 63 of a GPT's, whose meaning depends on the partition's type; else 0 */
    const char *purpose; /* what its partition type says, where nothing else tells: "BIOS boot partition"; or NULL */
    struct volume_ids ids;
    const struct filesystem *fs; /* NULL: nothing we read */
    void *fs_state;              /* the filesystem's own, in the arena */
    const char *reason;          /* why fs is NULL, or what holds no entry, for the list of a failed search;
                                  * NULL: not recognised, or no config */
};

struct volume_list {
    u32 count;
    struct volume *volume[VOLUMES_MAX];
};

enum node_type { NODE_OTHER, NODE_FILE, NODE_DIR, NODE_SYMLINK };

/* A file or directory inside its filesystem. The filesystem fills all of it. */
struct node {
    u64 id;   /* inode number, first cluster, … */
    u64 size; /* bytes; of a symlink: length of its target */
    enum node_type type;
    u64 own[20]; /* the filesystem's own: block pointers, inline data position, … */
};

/* [at, at + size) of a file: where it is on the volume, or a hole that reads as zeros. */
struct extent {
    u64 volume_byte;
    u64 size; /* bytes, > 0 */
    bool hole;
};

struct dirent {
    char name[NAME_MAX_BYTES + 1];
    enum node_type type; /* NODE_OTHER when the directory does not tell */
};

/* Says WHERE; never moves file bytes. All reads go through volume_read(). Every chain carries a step limit. */
struct filesystem {
    const char *name; /* "ext", "vfat" */

    /* Recognise: ERR_NOT_MINE (silent) for another's; ERR_CORRUPT or ERR_UNSUPPORTED with a sentence when it is ours
     * but cannot be read. On OK sets v->ids.label/uuid, v->fs_state, and v->fs is set by the caller. */
    enum error (*mount)(struct volume *v);

    /* What it is called in the log: "ext4", "vfat", "iso9660". NULL entry: name. */
    const char *(*describe)(const struct volume *v);

    enum error (*root)(struct volume *v, struct node *root);

    /* The node called name in directory dir. ERR_NOT_FOUND without a sentence when there is none (the caller knows the
     * path). "." and ".." never come here. */
    enum error (*lookup)(struct volume *v, const struct node *dir, struct text name, struct node *found);

    /* The next entry behind *cursor (0 at the start; the filesystem's own meaning) without "." and "..".
     * ERR_NOT_FOUND without a sentence at the end. */
    enum error (*list)(struct volume *v, const struct node *dir, u64 *cursor, struct dirent *entry);

    /* The extent that begins at byte `at` (< node->size) of a file or symlink target; as long as it can be told
     * cheaply, contiguous runs whole. It may reach past the file's size only within the last block. */
    enum error (*map)(struct volume *v, const struct node *node, u64 at, struct extent *extent);

    /* For a filesystem whose images carry a partition table that describes parts of themselves (ISO9660 hybrids), else
     * NULL: how many bytes from the start of the disk a mounted volume takes. */
    u64 (*covers)(const struct volume *v);

    /* The target of a symlink, link->size bytes (below PATH_MAX_BYTES), where it lies in no extents. NULL entry: it is
     * what map() says. */
    enum error (*read_link)(struct volume *v, const struct node *link, char *target);
};

/* What a partition scheme found; the caller makes volumes of it. */
struct partition {
    u64 offset, size; /* bytes from the start of the disk; checked to lie on it */
    u32 number;
    enum volume_role role;
    u16 attributes;      /* see struct volume */
    const char *purpose; /* see struct volume */
    char partuuid[40];
    char partlabel[224];
};

struct partition_list {
    u32 count;
    struct partition partition[128];
};

struct partition_scheme {
    const char *name; /* "gpt", "mbr" */
    /* ERR_NOT_MINE when there is no such table. Broken single entries are said and skipped; ERR_CORRUPT when nothing of
     * the table can be used. */
    enum error (*scan)(struct block_device *disk, struct partition_list *found);
};

/* Make volumes of disks: partition schemes, then filesystems, in the order of tables.h; each is printed:
 * `shim: volume vda1: ext4 LABEL=root UUID=…`. */
void volumes_scan(const struct disk_list *disks, struct volume_list *volumes);

/* The volume called `which` (contract §4: LABEL=, UUID=, PARTUUID=, PARTLABEL=, or a name we printed). UUIDs compare
 * without case. NULL with a trail when there is none; it lists what there is. */
struct volume *volume_find(const struct volume_list *volumes, struct text which);

/* Read size bytes at byte offset of the volume. ERR_RANGE (with a sentence) past its end. */
enum error volume_read(struct volume *v, u64 offset, u64 size, void *buf);

/* What the filesystem of v, which has one, is called: "ext4", "vfat". */
static inline const char *volume_type(const struct volume *v)
{
    return v->fs->describe ? v->fs->describe(v) : v->fs->name;
}

/* v's name, for sentences: "(vda1)" is written by the caller as "(%s)". */
static inline const char *volume_name(const struct volume *v) { return v->name; }

#endif
