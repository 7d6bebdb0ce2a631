/* text.c: struct text and its questions (base.h). */
#include "base.h"
#include "memory.h"

struct text text_of(const char *s)
{
    return (struct text){s, s ? (u32)strlen(s) : 0};
}

bool text_equal(struct text a, const char *b)
{
    return a.len == strlen(b) && (!a.len || memcmp(a.at, b, a.len) == 0); /* memcmp() must not see NULL */
}

bool text_equal_nocase(struct text a, struct text b)
{
    if (a.len != b.len)
        return false;
    for (u32 i = 0; i < a.len; i++)
        if (small_letter((u8)a.at[i]) != small_letter((u8)b.at[i]))
            return false;
    return true;
}

bool text_starts(struct text t, const char *prefix)
{
    size_t n = strlen(prefix);
    return t.len >= n && (!n || memcmp(t.at, prefix, n) == 0);
}

struct text text_trim(struct text t)
{
    while (t.len && is_blank(t.at[0]))
        t.at++, t.len--;
    while (t.len && is_blank(t.at[t.len - 1]))
        t.len--;
    return t;
}

bool text_split(struct text *rest, char separator, struct text *field)
{
    if (!rest->at)
        return false;
    u32 n = 0;
    while (n < rest->len && rest->at[n] != separator)
        n++;
    *field = (struct text){rest->at, n};
    if (n == rest->len)
        *rest = (struct text){NULL, 0};
    else
        *rest = (struct text){rest->at + n + 1, rest->len - n - 1};
    return true;
}

static u32 digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return (u32)(c - '0');
    c = (char)small_letter((u8)c);
    return c >= 'a' && c <= 'f' ? (u32)(c - 'a') + 10 : 99;
}

bool text_number(struct text t, u64 *value)
{
    u32 base = 10;
    if (t.len > 2 && t.at[0] == '0' && small_letter((u8)t.at[1]) == 'x')
        base = 16, t.at += 2, t.len -= 2;
    if (!t.len)
        return false;
    u64 n = 0;
    for (u32 i = 0; i < t.len; i++) {
        u32 digit = digit_value(t.at[i]);
        if (digit >= base || n > (~0ull - digit) / base)
            return false;
        n = n * base + digit;
    }
    *value = n;
    return true;
}

u32 text_distance(struct text a, struct text b)
{
    u8 row[64];
    if (a.len > 63 || b.len > 63)
        return 99;
    for (u32 j = 0; j <= b.len; j++)
        row[j] = (u8)j;
    for (u32 i = 1; i <= a.len; i++) {
        u8 diagonal = row[0];
        row[0] = (u8)i;
        for (u32 j = 1; j <= b.len; j++) {
            u8 change = (u8)(diagonal + (a.at[i - 1] != b.at[j - 1]));
            u8 shorter = (u8)(1 + (row[j] < row[j - 1] ? row[j] : row[j - 1]));
            diagonal = row[j];
            row[j] = change < shorter ? change : shorter;
        }
    }
    return row[b.len];
}

char *text_copy(struct text t)
{
    char *copy = arena_alloc((u64)t.len + 1, 1);
    if (copy && t.len)
        memcpy(copy, t.at, t.len);
    return copy;
}

u32 utf8_feed(struct utf8 *u, u8 byte)
{
    if ((byte & 0xc0) == 0x80 && u->more) {
        u->code = u->code << 6 | (byte & 0x3f);
        if (--u->more)
            return UTF8_MORE;
        bool surrogate = u->code >> 11 == 0xd800 >> 11;
        return u->code < u->least || u->code > 0x10ffff || surrogate ? UTF8_NONE : u->code;
    }
    u->more = byte >= 0xc2 && byte < 0xf5 ? 1 + (byte >= 0xe0) + (byte >= 0xf0) : 0;
    u->least = u->more < 2 ? 0x80 : 1u << (5 * u->more + 1);
    u->code = byte & (0x3fu >> u->more);
    return u->more ? UTF8_MORE : byte < 0x80 ? byte : UTF8_NONE;
}

u32 utf8_first(struct text t, u32 *c)
{
    struct utf8 u = {.more = 0};
    char same[4];
    u32 n = 0;
    *c = UTF8_MORE;
    while (*c == UTF8_MORE && n < t.len)
        *c = utf8_feed(&u, (u8)t.at[n++]);
    return *c < UTF8_NONE && utf8_put(*c, same) == n ? n : 0; /* else a cut one is in front of it */
}

/* Bytes of code point c as UTF-8, into b. */
u32 utf8_put(u32 c, char b[4])
{
    if (c < 0x80) {
        b[0] = (char)c;
        return 1;
    }
    u32 n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (u32 i = n - 1; i; i--, c >>= 6)
        b[i] = (char)(0x80 | (c & 0x3f));
    b[0] = (char)(c | (0xf00u >> n));
    return n;
}

u32 utf16_to_utf8(const u8 *from, u32 units, char *out, u32 room)
{
    u32 used = 0;
    if (!room)
        return 0;
    for (u32 i = 0; i < units; i++) {
        u32 c = from[2 * i] | (u32)from[2 * i + 1] << 8;
        if (!c)
            break;
        if (c >= 0xd800 && c < 0xdc00 && i + 1 < units) {
            u32 low = from[2 * i + 2] | (u32)from[2 * i + 3] << 8;
            if (low >= 0xdc00 && low < 0xe000) {
                c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
                i++;
            }
        }
        if (c >= 0xd800 && c < 0xe000)
            c = 0xfffd;
        char bytes[4];
        u32 n = utf8_put(c, bytes);
        if (used + n >= room)
            break;
        memcpy(out + used, bytes, n);
        used += n;
    }
    out[used] = 0;
    return used;
}
