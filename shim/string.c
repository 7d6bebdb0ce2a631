/* string.c: memcpy and its family for the freestanding build; the host build has libc's.
 *
 * rep movs/stos: one instruction on real CPUs with ERMS, and the smallest code. Compiled with -fno-builtin, else gcc
 * turns the bodies into calls of themselves.
 */
#include "base.h"

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    void *d = to;
    size_t words = size >> 3;
    size &= 7;
    __asm__ volatile("rep movsq" : "+D"(d), "+S"(from), "+c"(words)::"memory");
    __asm__ volatile("rep movsb" : "+D"(d), "+S"(from), "+c"(size)::"memory");
    return to;
}

void *memmove(void *to, const void *from, size_t size)
{
    if ((uintptr_t)to - (uintptr_t)from >= size)
        return memcpy(to, from, size);
    /* to lies inside [from, from + size): backwards. */
    u8 *d = (u8 *)to + size;
    const u8 *s = (const u8 *)from + size;
    size_t words = size >> 3, bytes = size & 7;
    while (bytes--)
        *--d = *--s;
    d -= 8, s -= 8;
    __asm__ volatile("std; rep movsq; cld" : "+D"(d), "+S"(s), "+c"(words)::"memory");
    return to;
}

void *memset(void *to, int byte, size_t size)
{
    void *d = to;
    u64 pattern = (u8)byte * 0x0101010101010101ull;
    size_t words = size >> 3;
    size &= 7;
    __asm__ volatile("rep stosq" : "+D"(d), "+c"(words) : "a"(pattern) : "memory");
    __asm__ volatile("rep stosb" : "+D"(d), "+c"(size) : "a"(pattern) : "memory");
    return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const u8 *x = a, *y = b;
    for (; size; size--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

size_t strlen(const char *s)
{
    size_t n = 0;
    while (s[n])
        n++;
    return n;
}

int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return (u8)*a - (u8)*b;
}
