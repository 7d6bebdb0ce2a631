/* inflate.h: DEFLATE (RFC 1951). */
#ifndef SHIM_INFLATE_H
#define SHIM_INFLATE_H

#include "base.h"
#include "error.h"

#define INFLATE_WORK KIB(128)

/* Unpack the DEFLATE stream at in[0 … in_size) into out[0 … room); *size: how much that was. What is behind the
 * stream's last block is not read. work: INFLATE_WORK bytes for tables, aligned to 2. ERR_CORRUPT, ERR_TRUNCATED (in
 * ends before the stream), ERR_RANGE (out is too small), all with a sentence. */
enum error inflate(const u8 *in, u64 in_size, u8 *out, u64 room, void *work, u64 *size);

#endif
