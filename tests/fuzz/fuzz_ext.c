/* fuzz_ext.c: ext volumes, walked. The corpus: mke2fs -b 1024 -N 32 of 192 KiB, in each way that a map or a directory
 * can be stored. */
#include "walk.h"

extern const struct filesystem fs_ext;
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    return walk_volume(&fs_ext, 0, data, size);
}
