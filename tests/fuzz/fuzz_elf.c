/* fuzz_elf.c: the bytes are surroundings and an ELF (plan.h). */
#include "plan.h"

extern const struct payload_protocol payload_pvh;
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    plan_kernel(&payload_pvh, data, size);
    return 0;
}
