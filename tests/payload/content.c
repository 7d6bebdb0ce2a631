/* content.c: own bytes and initrds, by checksum. CRC-32 as in zip and Ethernet (polynomial EDB88320h, reflected). */
#include "conform.h"

/* What make_initrd.py puts at the end of each piece. */
struct PACKED trailer {
    u8 magic[8]; /* "CONFORM1" */
    u64 size;    /* of the data before it */
    u64 sum[2];  /* for the probe kernel */
    u32 crc, zero;
};

static void crc_table_make(u32 *table)
{
    for (u32 i = 0; i < 256; i++) {
        u32 crc = i;
        for (u32 bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
        table[i] = crc;
    }
}

u32 crc32_of(struct work *w, u32 crc, const u8 *data, u64 size)
{
    const u32 *table = w->crc_table;
    if (!table[1])
        crc_table_make(w->crc_table);
    for (crc = ~crc; size; size--)
        crc = crc >> 8 ^ table[(u8)(crc ^ *data++)];
    return ~crc;
}

static u32 crc_of_zeros(struct work *w, u32 crc, u32 size)
{
    u8 zero = 0;
    while (size--)
        crc = crc32_of(w, crc, &zero, 1);
    return crc;
}

void check_image(struct work *w)
{
    const u8 *image = at(w->image);
    u32 field = SEAL_AT + offsetof(struct seal, crc), rest = SAVED_AT + SAVED_SIZE;
    u32 crc = crc32_of(w, 0, image, field);
    crc = crc_of_zeros(w, crc, 4);
    crc = crc32_of(w, crc, image + field + 4, SAVED_AT - field - 4);
    crc = crc_of_zeros(w, crc, SAVED_SIZE);
    crc = crc32_of(w, crc, image + rest, w->seal->image_size - rest);
    check(w, crc == w->seal->crc, "own bytes", "found crc %x expected %x over %u bytes", (u64)crc, (u64)w->seal->crc,
          (u64)w->seal->image_size);
}

static bool read_bytes(struct work *w, u64 address, void *to, u64 size)
{
    for (u8 *out = to; size;) {
        u64 some = size;
        const u8 *from = view(w, address, &some);
        if (!from)
            return false;
        memcpy(out, from, some);
        out += some, address += some, size -= some;
    }
    return true;
}

/* CRC of [base, base + size), in pieces that view() gives. */
static u32 crc32_far(struct work *w, u64 base, u64 size)
{
    u32 crc = 0;
    while (size) {
        u64 some = size;
        const u8 *from = view(w, base, &some);
        if (!from)
            return 0;
        crc = crc32_of(w, crc, from, some);
        base += some, size -= some;
    }
    return crc;
}

/* The trailer that ends at `end`, or up to 3 bytes of padding (zeros) before it. */
static bool find_trailer(struct work *w, u64 base, u64 *end, struct trailer *t)
{
    for (u32 pad = 0; pad < 4; pad++) {
        u8 byte = 0;
        if (*end - base < sizeof *t + pad || !read_bytes(w, *end - pad - sizeof *t, t, sizeof *t))
            return false;
        if (!__builtin_memcmp(t->magic, "CONFORM1", 8)) {
            *end -= pad;
            return true;
        }
        if (!read_bytes(w, *end - pad - 1, &byte, 1) || byte)
            return false;
    }
    return false;
}

/* From the last piece to the first: only the end of a piece says how long it is. */
void check_pieces(struct work *w, u64 base, u64 size)
{
    u64 end = base + size;
    u32 first = w->pieces;
    struct trailer t;
    while (end > base && find_trailer(w, base, &end, &t)) {
        w->pieces++;
        if (!check(w, t.size <= end - base - sizeof t, "initrd piece", "found %u bytes expected at most %u", t.size,
                   end - base - sizeof t))
            return;
        u64 start = end - sizeof t - t.size;
        u32 crc = crc32_far(w, start, t.size);
        w->checks++;
        w->failures += crc != t.crc;
        if (crc == t.crc)
            say("conform: initrd %u bytes crc ok\n", t.size + sizeof t);
        else
            say("conform: initrd %u bytes crc FAIL found %x expected %x\n", t.size + sizeof t, (u64)crc, (u64)t.crc);
        check(w, !((start - base) % 4), "initrd piece aligned", "found offset %x expected a multiple of 4",
              start - base);
        end = start;
    }
    if (w->pieces > first)
        check(w, end == base, "initrd begins with a piece", "found %u bytes before the first", end - base);
    else
        say("conform: initrd of %u bytes is not ours\n", size);
}
