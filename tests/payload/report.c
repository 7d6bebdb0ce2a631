/* report.c: what the conformance payload says, on COM1 and QEMU's debug console, and how it ends. */
#include "conform.h"

#define COM1 0x3f8
#define DEBUGCON 0xe9
#define DEBUG_EXIT 0xf4 /* isa-debug-exit: QEMU ends with status value * 2 + 1 */
#define EXIT_PASS 0x10
#define EXIT_FAIL 0x11

static void put(char c)
{
    if (c == '\n')
        put('\r');
    for (u32 i = 0; i < 0x10000 && !(port_in8(COM1 + 5) & 0x20); i++)
        ;
    port_out8(COM1, (u8)c);
    port_out8(DEBUGCON, (u8)c);
}

static void put_text(const char *s)
{
    while (*s)
        put(*s++);
}

static void put_hex(u64 n)
{
    int shift = 60;
    while (shift && !(n >> shift & 15))
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        put("0123456789abcdef"[n >> shift & 15]);
}

/* Without a 64-bit division, for which 32-bit code would need a library. */
static void put_decimal(u64 n)
{
    char digits[20];
    u32 count = 0;
    do {
        u64 quotient = 0;
        u32 rest = 0;
        for (int bit = 63; bit >= 0; bit--) {
            rest = rest << 1 | (u32)(n >> bit & 1);
            quotient <<= 1;
            if (rest >= 10) {
                rest -= 10;
                quotient |= 1;
            }
        }
        digits[count++] = (char)('0' + rest);
        n = quotient;
    } while (n);
    while (count)
        put(digits[--count]);
}

static void put_quoted(const char *s)
{
    for (; *s; s++) {
        if (*s >= ' ' && *s < 0x7f && *s != '\\') {
            put(*s);
            continue;
        }
        put_text("\\x");
        put("0123456789abcdef"[(u8)*s >> 4]);
        put("0123456789abcdef"[*s & 15]);
    }
}

static void say_list(const char *format, va_list list)
{
    for (; *format; format++) {
        if (*format != '%') {
            put(*format);
            continue;
        }
        switch (*++format) {
        case 's': put_text(va_arg(list, const char *)); break;
        case 'q': put_quoted(va_arg(list, const char *)); break;
        case 'u': put_decimal(va_arg(list, u64)); break;
        case 'x': put_hex(va_arg(list, u64)); break;
        default: put(*format);
        }
    }
}

void say(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    say_list(format, list);
    va_end(list);
}

bool check(struct work *w, bool ok, const char *name, const char *format, ...)
{
    w->checks++;
    say("conform: %s %s", name, ok ? "ok" : "FAIL ");
    if (!ok) {
        va_list list;
        w->failures++;
        va_start(list, format);
        say_list(format, list);
        va_end(list);
    }
    put('\n');
    return ok;
}

bool check_equal(struct work *w, const char *name, u64 found, u64 expected)
{
    return check(w, found == expected, name, "found %x expected %x", found, expected);
}

void leave(bool ok)
{
    port_out8(DEBUG_EXIT, ok ? EXIT_PASS : EXIT_FAIL);
    for (;;)
        __asm__ volatile("cli; hlt");
}

void verdict(struct work *w, bool stay)
{
    if (w->failures)
        say("conform: FAIL (%u of %u)\n", (u64)w->failures, (u64)w->checks);
    else
        say("conform: PASS (%u checks)\n", (u64)w->checks);
    while (stay)
        __asm__ volatile("cli; hlt");
    leave(!w->failures);
}

const char *option(const struct work *w, const char *name)
{
    const char *s = w->cmdline;
    while (s && *s) {
        const char *n = name;
        while (*s == ' ')
            s++;
        while (*n && *s == *n)
            s++, n++;
        if (!*n && (n[-1] == '=' || !*s || *s == ' '))
            return s;
        while (*s && *s != ' ')
            s++;
    }
    return NULL;
}

u64 number(const char *text)
{
    u64 n = 0;
    for (; *text >= '0' && *text <= '9'; text++)
        n = n * 10 + (u64)(*text - '0');
    return n;
}
