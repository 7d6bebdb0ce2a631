/* pe.h: unified kernel images made by hand; behind host.h. */
#ifndef PE_H
#define PE_H

#include <string.h>

#include "base.h"

#define PE_AT 0x78u
#define PE_OPTIONAL 240u
#define PE_TABLE (PE_AT + 24 + PE_OPTIONAL)
#define PE_SECTIONS 0x400u /* where the first one's bytes are */
#define PE_ALIGN 0x200u

struct pe_part {
    const char *name, *bytes;
    u32 size; /* 0: bytes is a text */
};

static u32 pe_put(u8 *to, u32 value, u32 bytes)
{
    for (u32 i = 0; i < bytes; i++)
        to[i] = (u8)(value >> 8 * i);
    return bytes;
}

/* Into image (zeroed, large enough), parts up to one without a name. Returns its size. */
__attribute__((unused)) static u32 pe_make(u8 *image, u32 machine, const struct pe_part *parts)
{
    u32 at = PE_SECTIONS, count = 0;
    memcpy(image, "MZ", 2);
    pe_put(image + 0x3c, PE_AT, 4);
    memcpy(image + PE_AT, "PE\0", 4);
    pe_put(image + PE_AT + 4, machine, 2);
    pe_put(image + PE_AT + 20, PE_OPTIONAL, 2);
    for (; parts[count].name; count++) {
        u32 size = parts[count].size ? parts[count].size : (u32)strlen(parts[count].bytes);
        u32 filled = (u32)align_up(size, PE_ALIGN);
        u8 *section = image + PE_TABLE + count * 40;
        memcpy(section, parts[count].name, strnlen(parts[count].name, 8));
        pe_put(section + 8, size, 4);
        pe_put(section + 12, 0x10000 + at, 4);
        pe_put(section + 16, filled, 4);
        pe_put(section + 20, at, 4);
        memcpy(image + at, parts[count].bytes, size);
        at += filled;
    }
    pe_put(image + PE_AT + 6, count, 2);
    return at;
}

#endif
