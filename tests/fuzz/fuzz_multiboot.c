/* fuzz_multiboot.c: the bytes are multiboot information, with whatever it points to behind it (record.h). */
#include "record.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    read_record(DOOR_MULTIBOOT, data, size);
    return 0;
}
