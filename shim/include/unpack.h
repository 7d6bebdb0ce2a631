/* unpack.h: LZ4 blocks. */
#ifndef SHIM_UNPACK_H
#define SHIM_UNPACK_H

#include "base.h"

/* Unpack the LZ4 block at in to `out` and return where the output ends. The block is trusted. Behind it there must be
 * two bytes of zero, as the end mark of a frame has (lz4_Frame_format.md). Reads up to 8 bytes behind that and writes
 * up to 8 behind the output. Runs before anything else does: calls nothing. Source: lz4_Block_format.md. */
u8 *unpack(u8 *out, const u8 *in);

#endif
