/* fields.h: fields of what is on a disk: what they may hold, and ids as text. */
#ifndef FIELDS_H
#define FIELDS_H

#include "base.h"
#include "volume.h"

/* One field, by what is right about it. */
struct field_rule {
    bool kept;
    u32 byte; /* where it lies, as the user would look it up */
    u64 found;
    const char *expected;
};

/* OK when all rules are kept, else ERR_CORRUPT with a sentence of the first that is not: "(vda1): ext superblock, byte
 * 1048: 9 as log2(block size / 1024), expected 0 to 6". where: "ext superblock". */
enum error fields_check(const struct volume *v, const char *where, const struct field_rule *rules, u32 count);

/* 16 bytes as 8-4-4-4-12 digits, in the order in which they lie (RFC 4122 §3); out has 40 bytes. */
void uuid_text(char out[40], const u8 *uuid);

#endif
