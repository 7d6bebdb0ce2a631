/* unpack.h: LZ4 blocks. */
#ifndef SHIM_UNPACK_H
#define SHIM_UNPACK_H

#include "base.h"

/* Unpack the LZ4 block in [in, end) to `out` and return where the output ends. The block is trusted. Reads up to 7
 * bytes behind `end` and writes up to 7 behind the output. Runs before anything else does: calls nothing. Source:
 * lz4_Block_format.md. */
u8 *unpack(u8 *out, const u8 *in, const u8 *end);

#endif
