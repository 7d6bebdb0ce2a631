/* unpack.c: the LZ4 block format (lz4_Block_format.md, 2022-07-31), from the packed core of shim.elf and nowhere else:
 * what it reads was written by the build and came with this code, so it is trusted.
 *
 * Exercise: tests/unit/test_unpack.c.
 */
#include "unpack.h"

#define LONGER 15u /* a length of four bits that goes on in bytes of its own */
#define MATCH_MIN 4u

/* A length's further bytes: 255 means that one more follows. */
static u64 longer(const u8 **in)
{
    u64 n = LONGER;
    u32 byte;
    do {
        byte = *(*in)++;
        n += byte;
    } while (byte == 255);
    return n;
}

static void copy_8(u8 *to, const u8 *from)
{
    u64 eight;
    __builtin_memcpy(&eight, from, 8);
    __builtin_memcpy(to, &eight, 8);
}

/* In steps of 8, up to 7 bytes too many; `from` at least 8 bytes below `to` or somewhere else. */
static void copy_in_steps(u8 *to, const u8 *from, const u8 *end)
{
    do {
        copy_8(to, from);
        to += 8;
        from += 8;
    } while (to < end);
}

/* A sequence has 3 literals and a match of 7 bytes on an average, and there are more than ten thousand: 8 bytes are
 * copied whether they are wanted or not, and the end is found where no distance can be. */
u8 *unpack(u8 *out, const u8 *in)
{
    for (;;) {
        u32 token = *in++, distance;
        u64 n = token >> 4;
        copy_8(out, in);
        if (__builtin_expect(n > 8, 0)) {
            if (n == LONGER)
                n = longer(&in);
            copy_in_steps(out, in, out + n);
        }
        out += n;
        in += n;
        distance = in[0] | (u32)in[1] << 8;
        in += 2;
        n = token & LONGER;
        const u8 *from = out - distance;
        if (__builtin_expect(distance < 8, 0)) {
            if (!distance)
                return out;
            n = (n == LONGER ? longer(&in) : n) + MATCH_MIN;
            for (; n; n--)
                *out++ = *from++;
            continue;
        }
        copy_8(out, from);
        if (__builtin_expect(n + MATCH_MIN > 8, 0)) {
            if (n == LONGER)
                n = longer(&in);
            copy_in_steps(out, from, out + n + MATCH_MIN);
        }
        out += n + MATCH_MIN;
    }
}
