/* base.h: integers, alignment, bounds, text. Every other header may include this one.
 *
 * Freestanding on the target, hosted in tests: memcpy and its family come from shim/string.c there
 * and from libc here.
 */
#ifndef SHIM_BASE_H
#define SHIM_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t i32;
typedef int64_t i64;

#define PACKED __attribute__((packed))
#define ARRAY_COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define KIB(n) ((u64)(n) << 10)
#define MIB(n) ((u64)(n) << 20)
#define GIB(n) ((u64)(n) << 30)

static inline u64 min_u64(u64 a, u64 b) { return a < b ? a : b; }
static inline u64 max_u64(u64 a, u64 b) { return a > b ? a : b; }

/* True for 1, 2, 4, 8, …; false for 0. */
static inline bool is_power_of_two(u64 n) { return n && !(n & (n - 1)); }

/* n rounded down / up to a multiple of align, a power of two. align_up wraps to 0 near 2^64: bound n first. */
static inline u64 align_down(u64 n, u64 align) { return n & ~(align - 1); }
static inline u64 align_up(u64 n, u64 align) { return (n + align - 1) & ~(align - 1); }

/* True when [offset, offset + size) lies inside [0, total); no sum can overflow. */
static inline bool fits(u64 offset, u64 size, u64 total)
{
    return offset <= total && size <= total - offset;
}

/* True when [a, a + a_size) and [b, b + b_size) share a byte. Empty ranges share nothing. No overflow. */
static inline bool ranges_overlap(u64 a, u64 a_size, u64 b, u64 b_size)
{
    return a_size && b_size && (a < b ? b - a < a_size : a - b < b_size);
}

/* An ASCII capital as its small letter; everything else as it is. */
static inline u32 small_letter(u32 c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

/* What separates words: blank, tab, CR, LF. */
static inline bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);

/* The little-endian number of 1 … 8 bytes at p, which need not be aligned. */
static inline u64 load_le(const void *p, u32 bytes)
{
    u64 value = 0;
    __builtin_memcpy(&value, p, bytes);
    return value;
}

/* A piece of text that nobody owns here: len bytes at `at`, not NUL-terminated. */
struct text {
    const char *at;
    u32 len;
};

/* The text of a NUL-terminated string; of NULL: empty. */
struct text text_of(const char *s);

/* Same bytes. */
bool text_equal(struct text a, const char *b);

/* Same bytes, ASCII letters of either case being equal. */
bool text_equal_nocase(struct text a, struct text b);

/* True when t starts with prefix (which may be the whole of it). */
bool text_starts(struct text t, const char *prefix);

/* t without blanks and tabs (and CR, LF) at both ends. */
struct text text_trim(struct text t);

/* Cut off and return what stands before the first `separator` in *rest, or all of it; *rest becomes what
 * stands behind. False once *rest->at is NULL, which is how the end is told (an empty last field is given). */
bool text_split(struct text *rest, char separator, struct text *field);

/* Read a whole text as an unsigned number, decimal or 0x hexadecimal. False (value untouched) when empty, when
 * any character does not belong, or when it exceeds 64 bits. */
bool text_number(struct text t, u64 *value);

/* Number of single-character edits between a and b (Levenshtein), at most 99; for "did you mean". Texts longer
 * than 63 bytes are 99 apart. */
u32 text_distance(struct text a, struct text b);

/* NUL-terminated copy of t in the arena (memory.h); NULL only when the arena is full. */
char *text_copy(struct text t);

/* A decoder of UTF-8 (RFC 3629 §4); begins with zeros. */
struct utf8 {
    u32 code, least; /* so far; the least that needs so many bytes */
    u32 more;        /* bytes that the character goes on for */
};

#define UTF8_NONE 0xfffffffeu
#define UTF8_MORE 0xffffffffu

/* The character that this byte completes; UTF8_MORE while it goes on; UTF8_NONE for what is none. A byte that cuts a
 * character short begins the next one. */
u32 utf8_feed(struct utf8 *u, u8 byte);

/* Bytes of the UTF-8 character at the start of t, which is *c then; 0 when there is none. */
u32 utf8_first(struct text t, u32 *c);

/* A control character, of ASCII or Unicode. */
static inline bool is_control(u32 c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

/* Append len UTF-16LE units at from to *out as UTF-8, at most room bytes including a final NUL; stops at a zero
 * unit; a lone surrogate becomes U+FFFD. Returns the bytes written without the NUL. */
u32 utf16_to_utf8(const u8 *from, u32 units, char *out, u32 room);

/* The UTF-8 of code point c (below 110000h) into b: 1 to 4 bytes, their number. */
u32 utf8_put(u32 c, char b[4]);

#endif
