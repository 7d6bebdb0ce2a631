/* iso_rock.c: Rock Ridge: what stands in the system use areas of directory records (iso.h).
 *
 * SUSP and RRIP 1.12. Read are names (NM), types (PX), targets of links (SL) and directories that were moved because
 * they are too deep (CL, RE); of compressed files (ZF) it is told that they are. All else does not matter for reading.
 */
#include "iso.h"
#include "print.h"

#define USE_STEPS_MAX 512u /* entries in continuation areas of one record */
#define XA_BYTES 14u       /* CD-ROM XA's part of a system use area, in front */

/* ---- system use areas -------------------------------------------------------------------------------------------- */

/* The entries of a record's area, then of where it goes on. */
struct use_area {
    struct volume *v;
    const u8 *at;  /* the next entry, in the record; NULL: in a continuation area */
    u64 there;     /* its byte on the volume then */
    u32 left;      /* bytes of the area */
    u32 next_size; /* of the continuation area behind this one; 0: none */
    u64 next;      /* where that is on the volume */
    u32 steps;
    struct iso_use copy;
};

static void use_begin(struct use_area *a, struct volume *v, const struct iso_record *r, u32 skip)
{
    u32 head = (u32)align_up(sizeof *r + r->name_size, 2) + skip;
    a->v = v;
    a->at = (const u8 *)r + head;
    a->left = head < r->length ? r->length - head : 0;
    a->next_size = 0;
    a->steps = 0;
}

/* The next entry of a continuation area, into a->copy. */
static enum error use_copy(struct use_area *a)
{
    if (++a->steps > USE_STEPS_MAX)
        return fail(ERR_CORRUPT, "(%s): more than %u entries in the continuation areas of one record", a->v->name,
                    USE_STEPS_MAX);
    enum error error = volume_read(a->v, a->there, min_u64(a->left, sizeof a->copy), &a->copy);
    return error ? error_add(error, "(%s): continuation area", a->v->name) : OK;
}

/* ERR_NOT_FOUND without a sentence behind the last entry. */
static enum error use_next(struct use_area *a, const struct iso_use **use)
{
    const struct iso *iso = a->v->fs_state;
    for (;;) {
        if (a->left < ISO_USE_HEAD) {
            if (!a->next_size)
                return ERR_NOT_FOUND;
            a->at = NULL;
            a->there = a->next;
            a->left = a->next_size;
            a->next_size = 0;
            continue;
        }
        enum error error = a->at ? OK : use_copy(a);
        if (error)
            return error;
        const struct iso_use *u = a->at ? (const void *)a->at : &a->copy;
        if (u->length < ISO_USE_HEAD || u->tag == ISO_TAG('S', 'T')) { /* padding, or the end by its name */
            a->left = 0;
            continue;
        }
        if (u->length > a->left)
            return fail(ERR_CORRUPT, "(%s): system use entry of %u bytes, of which %u are there", a->v->name, u->length,
                        a->left);
        a->left -= u->length;
        if (a->at)
            a->at += u->length;
        else
            a->there += u->length;
        if (u->tag != ISO_TAG('C', 'E')) {
            *use = u;
            return OK;
        }
        if (u->length < ISO_USE_CE)
            return fail(ERR_CORRUPT, "(%s): CE entry of %u bytes, expected %u", a->v->name, u->length, ISO_USE_CE);
        a->next = (u64)u->ce.block.value * iso->block_bytes + u->ce.offset.value;
        a->next_size = u->ce.size.value;
    }
}

/* ---- Rock Ridge -------------------------------------------------------------------------------------------------- */

static void target_add(struct iso_rock *rock, const char *text, u32 size)
{
    if (fits(rock->target_size, size, sizeof rock->target))
        memcpy(rock->target + rock->target_size, text, size);
    rock->target_size += size;
}

/* What one SL entry adds to the target. */
static void rock_link(struct iso_rock *rock, const struct iso_use *u)
{
    u32 end = u->length - ISO_USE_NAME;
    for (u32 at = 0; at + sizeof(struct iso_link_part) <= end;) {
        const struct iso_link_part *part = (const void *)(u->sl.parts + at);
        at += (u32)sizeof *part;
        u32 size = (u32)min_u64(part->size, end - at), before = rock->target_size;
        if (before && before <= sizeof rock->target && !rock->part_open && rock->target[before - 1] != '/')
            target_add(rock, "/", 1);
        if (part->flags & (ISO_LINK_ROOT | ISO_LINK_VOLUME_ROOT))
            target_add(rock, "/", !before);
        else if (part->flags & (ISO_NAME_CURRENT | ISO_NAME_PARENT))
            target_add(rock, "..", part->flags & ISO_NAME_PARENT ? 2 : 1);
        else
            target_add(rock, part->text, size);
        rock->part_open = part->flags & ISO_NAME_MORE;
        at += size;
    }
}

/* Whether this is a NM entry with a part of the name; those of "." and ".." have none. */
static bool is_name(const struct iso_use *u)
{
    return u->tag == ISO_TAG('N', 'M') && u->length >= ISO_USE_NAME &&
           !(u->nm.flags & (ISO_NAME_CURRENT | ISO_NAME_PARENT));
}

static void rock_add(const struct iso *iso, struct iso_rock *rock, const struct iso_use *u)
{
    u32 size = u->length - ISO_USE_NAME;
    if (is_name(u) && fits(rock->name_size, size, NAME_MAX_BYTES)) {
        memcpy(rock->name + rock->name_size, u->nm.name, size);
        rock->name_size += size;
        rock->name[rock->name_size] = 0;
    } else if (u->tag == ISO_TAG('P', 'X') && u->length >= ISO_USE_PX) {
        rock->mode = u->px.mode.value;
    } else if (u->tag == ISO_TAG('S', 'L') && u->length >= ISO_USE_NAME) {
        rock_link(rock, u);
    } else if (u->tag == ISO_TAG('C', 'L') && u->length >= ISO_USE_CL) {
        rock->child = (u64)u->cl.block.value * iso->block_bytes;
    } else if (u->tag == ISO_TAG('R', 'E')) {
        rock->moved = true;
    } else if (u->tag == ISO_TAG('Z', 'F')) {
        rock->compressed = true;
    }
}

/* ---- what is asked of it ----------------------------------------------------------------------------------------- */

enum error iso_rock_read(struct volume *v, const struct iso_record *r, u64 byte)
{
    const struct iso *iso = v->fs_state;
    struct use_area area;
    const struct iso_use *u;
    enum error error;
    memset(iso->rock, 0, offsetof(struct iso_rock, name));
    iso->rock->name[0] = 0;
    if (iso->names != NAMES_ROCK)
        return OK;
    use_begin(&area, v, r, iso->skip);
    while (!(error = use_next(&area, &u)))
        rock_add(iso, iso->rock, u);
    if (error != ERR_NOT_FOUND)
        return error;
    iso->rock->record = byte;
    return OK;
}

enum error iso_rock_match(struct volume *v, const struct iso_record *r, struct text name, enum iso_match *match)
{
    const struct iso *iso = v->fs_state;
    struct use_area area;
    const struct iso_use *u;
    enum error error;
    u32 done = 0;
    *match = MATCH_UNNAMED;
    use_begin(&area, v, r, iso->skip);
    while (!(error = use_next(&area, &u))) {
        if (!is_name(u))
            continue;
        u32 size = u->length - ISO_USE_NAME, rest = name.len - done;
        bool more = u->nm.flags & ISO_NAME_MORE;
        *match = MATCH_NONE;
        if (size > rest || (!more && size != rest) || memcmp(u->nm.name, name.at + done, size) != 0)
            return OK;
        done += size;
        if (done == name.len)
            *match = MATCH_WHOLE;
        if (!more)
            return OK;
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

/* SUSP 5.3: SP. */
static u32 skip_of(const struct iso_use *u, bool *is_sp)
{
    *is_sp = u->tag == ISO_TAG('S', 'P') && u->length >= ISO_USE_SP && u->sp.magic[0] == 0xbe && u->sp.magic[1] == 0xef;
    return *is_sp ? u->sp.skip : 0;
}

/* SP comes first, on CD-ROM XA behind what is XA's, and nothing is skipped here. Discs of before SUSP 1.12 do without.
 * Rock Ridge has PX in every record; in its first version, RR too. */
enum error iso_rock_find(struct volume *v, const struct iso_record *r)
{
    struct iso *iso = v->fs_state;
    enum error error = OK;
    for (u32 before = 0; before <= XA_BYTES; before += XA_BYTES) {
        struct use_area area;
        const struct iso_use *u;
        bool is_sp = false;
        use_begin(&area, v, r, before);
        error = use_next(&area, &u);
        u32 skip = error ? 0 : skip_of(u, &is_sp);
        for (; !error && (is_sp || !before); error = use_next(&area, &u))
            if (u->tag == ISO_TAG('P', 'X') || u->tag == ISO_TAG('R', 'R')) {
                iso->names = NAMES_ROCK;
                iso->skip = skip;
                return OK;
            }
        if (is_sp)
            break;
        error_clear(); /* no system use area, but anything */
        error = ERR_NOT_FOUND;
    }
    return error == ERR_NOT_FOUND ? OK : error_add(error, "(%s): root directory", v->name);
}
