/* crc32.h: CRC-32 of ISO 3309 (polynomial 04C11DB7h, reflected), as GPT uses it. */
#ifndef CRC32_H
#define CRC32_H

#include "base.h"

/* CRC of what was seen so far and size more bytes; start with crc 0. */
u32 crc32_add(u32 crc, const void *bytes, u64 size);

/* The same for size bytes of zeros, in time that grows with log(size) only. */
u32 crc32_add_zeros(u32 crc, u64 size);

#endif
