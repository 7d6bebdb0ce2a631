/* fuzz_start_info.c: the bytes are a start_info, with whatever it points to behind it (record.h). */
#include "record.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    read_record(DOOR_PVH, data, size);
    return 0;
}
