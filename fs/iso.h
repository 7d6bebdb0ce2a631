/* iso.h: ISO 9660, between iso9660.c (the volume, directories, files) and iso_rock.c (Rock Ridge). */
#ifndef ISO_H
#define ISO_H

#include "iso_disk.h"
#include "volume.h"

enum iso_names { NAMES_PLAIN, NAMES_JOLIET, NAMES_ROCK };

/* The filesystem's own part of a node. */
struct iso_own {
    u64 byte, size; /* of the volume: a directory, or what of a file lies in one piece from its start */
    u64 record;     /* of the first section behind that piece; 0: none */
    u64 dir_end;    /* where the directory that has it ends */
};
_Static_assert(sizeof(struct iso_own) <= sizeof(((struct node *)0)->own), "fits the node");

/* What Rock Ridge says of one record. */
struct iso_rock {
    u64 record; /* where that is on the volume; 0: nothing here yet */
    u64 child;  /* byte of the directory this stands for; 0: none */
    u32 mode;   /* as PX says; 0: it does not */
    bool moved; /* a directory that is elsewhere in the tree: not shown */
    bool compressed;
    bool part_open;  /* the last part of the target is to be continued */
    u32 name_size;   /* 0: it has none */
    u32 target_size; /* may be more than there is room for */
    char name[NAME_MAX_BYTES + 1];
    char target[PATH_MAX_BYTES];
};

struct iso {
    enum iso_names names;
    u32 block_bytes;
    u32 skip;   /* bytes of every system use area that are not ours */
    u32 number; /* of this volume in its set; 0: no set */
    u64 bytes;
    struct node root;

    u8 *window; /* window_bytes of directories from byte window_byte of the volume on */
    u64 window_byte;
    u32 window_bytes;

    u64 section_id, section_record, section_at; /* of a file in pieces: what was found last */
    struct iso_rock *rock;
};

static inline const struct iso_own *iso_own(const struct node *node)
{
    return (const void *)node->own;
}

static inline const u8 *iso_name(const struct iso_record *r)
{
    return (const u8 *)(r + 1);
}

static inline u64 iso_sector_end(u64 byte)
{
    return align_down(byte, ISO_SECTOR_BYTES) + ISO_SECTOR_BYTES;
}

/* How a name compares with one that is looked for. */
enum iso_match {
    MATCH_NONE,
    MATCH_CASELESS, /* the same but for upper and lower case */
    MATCH_WHOLE,
    MATCH_UNNAMED, /* Rock Ridge has no name for the record */
};

/* Copy the next record from byte *at of a directory that ends at `end` to buf; *at moves behind it. ERR_CORRUPT, with a
 * sentence, when there is none. */
enum error iso_record_read(struct volume *v, u64 *at, u64 end, u8 buf[ISO_RECORD_MAX]);

/* Does the volume have Rock Ridge? Looks at record r, the "." of the root; sets iso->names and iso->skip. */
enum error iso_rock_find(struct volume *v, const struct iso_record *r);

/* Everything that Rock Ridge says of record r at `byte` of the volume, into iso->rock; nothing on a volume without. */
enum error iso_rock_read(struct volume *v, const struct iso_record *r, u64 byte);

/* Is this the name of record r? Reads no more of its entries than are needed to tell. */
enum error iso_rock_match(struct volume *v, const struct iso_record *r, struct text name, enum iso_match *match);

#endif
