/* crc32.c: CRC-32 in 64 bytes of table (crc32.h). Pure.
 *
 * A partition array is mostly zeros, so these are skipped: the register is a polynomial over GF(2) modulo P, and one
 * zero byte multiplies it by x^8. Exercised by test_partitions against a bit-by-bit CRC.
 */
#include "crc32.h"

#define POLYNOMIAL 0xedb88320u /* bit 31 is x^0 */
#define X_TO_0 0x80000000u
#define X_TO_8 0x00800000u

u32 crc32_add(u32 crc, const void *bytes, u64 size)
{
    static const u32 table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    const u8 *p = bytes;
    crc = ~crc;
    for (const u8 *end = p + size; p < end; p++) {
        crc ^= *p;
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

/* a × b mod P. */
static u32 multiply(u32 a, u32 b)
{
    u32 product = 0;
    for (; a; a <<= 1) {
        if (a & X_TO_0)
            product ^= b;
        b = b >> 1 ^ (b & 1 ? POLYNOMIAL : 0);
    }
    return product;
}

u32 crc32_add_zeros(u32 crc, u64 size)
{
    crc = ~crc;
    for (u32 factor = X_TO_8; size; size >>= 1, factor = multiply(factor, factor))
        if (size & 1)
            crc = multiply(factor, crc);
    return ~crc;
}
