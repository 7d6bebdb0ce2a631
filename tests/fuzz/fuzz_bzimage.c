/* fuzz_bzimage.c: the bytes are surroundings and a bzImage (plan.h). */
#include "plan.h"

extern const struct payload_protocol payload_linux;
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    plan_kernel(&payload_linux, data, size);
    return 0;
}
