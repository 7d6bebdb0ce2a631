/* inflate.c: DEFLATE (RFC 1951), one table lookup per symbol.
 *
 * Each of the two codes of a block is a table of 2^15 entries, one for every sequence of that many next bits: quick to
 * read, and quick enough to fill for streams of a few blocks. Exercise: tests/unit/test_inflate.c,
 * tests/fuzz/fuzz_inflate.c.
 */
#include "inflate.h"

#define CODE_BITS 15u /* the longest code */
#define LITERALS 288u
#define DISTANCES 32u
#define LENGTHS 19u
#define END_OF_BLOCK 256u

struct inflater {
    const u8 *in, *in_end;
    u64 bits;  /* not yet used, the next one lowest */
    u32 count; /* of them; those behind the end of the input are zeros and counted in `beyond` */
    u32 beyond;
    u8 *out, *at, *end;
    u16 *literals, *distances; /* symbol * 16 + length of its code; 0: no code */
};

/* At least 32 bits are there afterwards. */
static void fill(struct inflater *f)
{
    while (f->count <= 56) {
        u64 byte = 0;
        if (f->in < f->in_end)
            byte = *f->in++;
        else
            f->beyond += 8;
        f->bits |= byte << f->count;
        f->count += 8;
    }
}

static u32 take(struct inflater *f, u32 n)
{
    u32 value = (u32)(f->bits & ((1ull << n) - 1));
    f->bits >>= n;
    f->count -= n;
    return value;
}

/* More bits were used than there are. */
static bool is_over(const struct inflater *f)
{
    return f->beyond > f->count;
}

static u32 reversed(u32 code, u32 length)
{
    u32 result = 0;
    for (; length; length--, code >>= 1)
        result = result << 1 | (code & 1);
    return result;
}

/* §3.2.2. A code with room left is taken only where RFC 1951 and zlib's output have such: one symbol or none. */
static enum error make_table(u16 *table, const u8 *lengths, u32 symbols)
{
    u32 counts[CODE_BITS + 1] = {0}, next[CODE_BITS + 2] = {0}, used = 0;
    i32 left = 1;
    for (u32 i = 0; i < symbols; i++)
        counts[lengths[i]]++;
    counts[0] = 0;
    for (u32 n = 1; n <= CODE_BITS; n++) {
        left = left * 2 - (i32)counts[n];
        next[n + 1] = (next[n] + counts[n]) << 1;
        used += counts[n];
        if (left < 0)
            return fail(ERR_CORRUPT, "a Huffman code with more symbols than it has room for");
    }
    if (left && used > 1)
        return fail(ERR_CORRUPT, "a Huffman code that is not complete");
    memset(table, 0, sizeof *table << CODE_BITS);
    for (u32 i = 0; i < symbols; i++)
        if (lengths[i])
            for (u32 at = reversed(next[lengths[i]]++, lengths[i]); at < 1u << CODE_BITS; at += 1u << lengths[i])
                table[at] = (u16)(i << 4 | lengths[i]);
    return OK;
}

/* The next symbol; ~0: there is no such code. */
static u32 symbol(struct inflater *f, const u16 *table)
{
    u32 entry = table[f->bits & ((1u << CODE_BITS) - 1)];
    if (!entry)
        return ~0u;
    take(f, entry & 15);
    return entry >> 4;
}

/* §3.2.7 */
static enum error read_codes(struct inflater *f)
{
    static const u8 order[LENGTHS] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    u8 lengths[LITERALS + DISTANCES] = {0};
    fill(f);
    u32 literals = take(f, 5) + 257, distances = take(f, 5) + 1, given = take(f, 4) + 4, n = 0;
    for (u32 i = 0; i < given; i++) {
        fill(f);
        lengths[order[i]] = (u8)take(f, 3);
    }
    enum error error = make_table(f->literals, lengths, LENGTHS);
    memset(lengths, 0, sizeof lengths);
    if (!error && literals > 286)
        error = fail(ERR_CORRUPT, "%u literal codes, expected at most 286", literals);
    while (!error && n < literals + distances) {
        fill(f);
        u32 s = symbol(f, f->literals), times = 1;
        u8 value = (u8)s;
        if (s >= 16 && s <= 18) {
            value = s == 16 && n ? lengths[n - 1] : 0;
            times = s == 16 ? 3 + take(f, 2) : s == 17 ? 3 + take(f, 3) : 11 + take(f, 7);
        }
        if (s > 18 || (s == 16 && !n) || times > literals + distances - n)
            return fail(ERR_CORRUPT, "the lengths of its Huffman codes make no sense");
        while (times--)
            lengths[n++] = value;
    }
    if (!error)
        error = make_table(f->literals, lengths, literals);
    return error ? error : make_table(f->distances, lengths + literals, distances);
}

/* §3.2.6 */
static enum error fixed_codes(struct inflater *f)
{
    u8 lengths[LITERALS];
    for (u32 i = 0; i < LITERALS; i++)
        lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    enum error error = make_table(f->literals, lengths, LITERALS);
    memset(lengths, 5, DISTANCES);
    return error ? error : make_table(f->distances, lengths, DISTANCES);
}

static enum error too_small(const struct inflater *f)
{
    return fail(ERR_RANGE, "more than the expected %lu bytes", (u64)(f->end - f->out));
}

/* A length and a distance (§3.2.5): both tables go up by steps that double. */
static enum error copy(struct inflater *f, u32 s)
{
    if (s > 285)
        return fail(ERR_CORRUPT, "a length that there is no code for");
    u32 n = s - 257, extra = n < 8 || n == 28 ? 0 : n / 4 - 1;
    u32 length = n == 28 ? 258 : n < 8 ? 3 + n : 3 + ((4 + n % 4) << extra) + take(f, extra);
    fill(f);
    u32 d = symbol(f, f->distances);
    if (d > 29)
        return fail(ERR_CORRUPT, "a distance that there is no code for");
    extra = d < 4 ? 0 : d / 2 - 1;
    u32 distance = d < 4 ? 1 + d : 1 + ((2 + d % 2) << extra) + take(f, extra);
    if (distance > (u64)(f->at - f->out))
        return fail(ERR_CORRUPT, "a copy from before the beginning");
    if (length > (u64)(f->end - f->at))
        return too_small(f);
    for (; length; length--, f->at++)
        *f->at = f->at[-(i64)distance];
    return OK;
}

static enum error read_block(struct inflater *f)
{
    for (;;) {
        fill(f);
        u32 s = symbol(f, f->literals);
        if (is_over(f))
            return OK; /* the caller tells */
        if (s == END_OF_BLOCK)
            return OK;
        if (s > END_OF_BLOCK) {
            enum error error = copy(f, s);
            if (error)
                return error;
        } else if (f->at < f->end) {
            *f->at++ = (u8)s;
        } else {
            return too_small(f);
        }
    }
}

/* §3.2.4 */
static enum error read_stored(struct inflater *f)
{
    take(f, f->count & 7);
    fill(f);
    u32 length = take(f, 16), check = take(f, 16);
    if (!is_over(f) && length != (check ^ 0xffff))
        return fail(ERR_CORRUPT, "a stored block whose length and its complement differ");
    if (length > (u64)(f->end - f->at))
        return too_small(f);
    for (; length && !is_over(f); length--) {
        fill(f);
        *f->at++ = (u8)take(f, 8);
    }
    return OK;
}

static enum error read_stream(struct inflater *f)
{
    for (bool last = false; !last;) {
        fill(f);
        last = take(f, 1);
        u32 type = take(f, 2);
        enum error error = OK;
        if (type == 3)
            error = fail(ERR_CORRUPT, "a block of type 3");
        else if (type)
            error = type == 1 ? fixed_codes(f) : read_codes(f);
        if (!error)
            error = type ? read_block(f) : read_stored(f);
        if (is_over(f))
            return fail(ERR_TRUNCATED, "ends inside the compressed data");
        if (error)
            return error;
    }
    return OK;
}

enum error inflate(const u8 *in, u64 in_size, u8 *out, u64 room, void *work, u64 *size)
{
    _Static_assert(INFLATE_WORK == 2 * sizeof(u16) << CODE_BITS, "two tables");
    struct inflater f = {.in = in, .in_end = in + in_size, .out = out, .at = out, .end = out + room};
    f.literals = work;
    f.distances = f.literals + (1u << CODE_BITS);
    enum error error = read_stream(&f);
    *size = (u64)(f.at - f.out);
    return error;
}
