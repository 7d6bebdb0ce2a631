/* compression.h: which compressor wrote this. Nothing is unpacked here; sentences name it. */
#ifndef SHIM_COMPRESSION_H
#define SHIM_COMPRESSION_H

#include "base.h"

/* "gzip", "xz", … by the first bytes of a file; NULL when it looks like none of them. */
const char *compression_name(const u8 *head, u32 len);

#endif
