/* fuzz_inflate.c: the bytes are a DEFLATE stream; the output has room for 4 KiB, whose ends are watched. */
#include <stdlib.h>

#include "host.h"

#include "inflate.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define ROOM 4096u

static u16 work[INFLATE_WORK / 2];

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    u64 got = 0, again = 0;
    host_reset();
    u8 *out = malloc(ROOM);
    enum error error = inflate(data, size, out, ROOM, work, &got);
    if (got > ROOM || (error != OK) != (*error_text() != 0))
        panic("%lu bytes of %u, \"%s\"", got, ROOM, error_text());
    error_clear();
    /* What fits exactly fits; one byte less is told, and what came before it is the same. */
    if (error == OK && got) {
        u8 *less = malloc(got - 1 ? got - 1 : 1);
        if (inflate(data, size, less, got - 1, work, &again) != ERR_RANGE || again > got - 1 || memcmp(less, out, again))
            panic("%lu bytes where there is room for %lu", again, got - 1);
        free(less);
    }
    free(out);
    return 0;
}
