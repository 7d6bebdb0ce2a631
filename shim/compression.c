/* compression.c: magic numbers of compressed files (compression.h). Sources: RFC 1952 (gzip), RFC 8878 (zstd), the
 * formats' own descriptions (xz-file-format, lz4_Frame_format, bzip2, LZMA_Alone, lzop). Exercised by test_volume.
 */
#include "compression.h"

const char *compression_name(const u8 *head, u32 len)
{
    static const struct {
        const char *name;
        u8 len;
        u8 magic[6];
    } known[] = {
        {"gzip", 2, {0x1f, 0x8b}},
        {"xz", 6, {0xfd, '7', 'z', 'X', 'Z', 0}},
        {"zstd", 4, {0x28, 0xb5, 0x2f, 0xfd}},
        {"bzip2", 3, {'B', 'Z', 'h'}},
        {"lz4", 4, {0x04, 0x22, 0x4d, 0x18}},
        {"lz4", 4, {0x02, 0x21, 0x4c, 0x18}}, /* the legacy frame, as for kernels */
        {"lzma", 3, {0x5d, 0, 0}},
        {"lzop", 4, {0x89, 'L', 'Z', 'O'}},
    };
    for (u32 i = 0; i < ARRAY_COUNT(known); i++)
        if (len >= known[i].len && !memcmp(head, known[i].magic, known[i].len))
            return known[i].name;
    return NULL;
}
