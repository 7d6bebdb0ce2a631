/* fuzz_fat.c: FAT volumes, walked. */
#include "walk.h"

extern const struct filesystem fs_fat;
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    return walk_volume(&fs_fat, 0, data, size);
}
