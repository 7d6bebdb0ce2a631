/* fuzz_iso9660.c: ISO 9660 volumes from their first descriptor on, sector 16, walked. */
#include "walk.h"

extern const struct filesystem fs_iso9660;
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    return walk_volume(&fs_iso9660, 16 * 2048, data, size);
}
