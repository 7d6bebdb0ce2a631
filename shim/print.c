/* print.c: the formatter and the log lines (print.h). */
#include "print.h"
#include "console.h"
#include "memory.h"

enum log_level log_level = LOG_NORMAL;

struct sink {
    char *out;
    u32 room, length;
};

static void put(struct sink *s, char c)
{
    if (s->length + 1 < s->room)
        s->out[s->length] = c;
    s->length++;
}

static void put_padded(struct sink *s, const char *text, u32 len, u32 width, bool left, char pad)
{
    u32 fill = width > len ? width - len : 0;
    for (u32 i = 0; !left && i < fill; i++)
        put(s, pad);
    for (u32 i = 0; i < len; i++)
        put(s, text[i]);
    for (u32 i = 0; left && i < fill; i++)
        put(s, ' ');
}

/* The conversion behind one %: flags, width, precision, length, letter. */
struct conversion {
    bool left, zero, precise;
    u32 width, precision, longs;
    char letter;
};

static u32 read_count(const char **f, va_list *args)
{
    u32 n = 0;
    if (**f == '*') {
        int given = va_arg(*args, int);
        (*f)++;
        return given > 0 ? (u32)given : 0;
    }
    for (; **f >= '0' && **f <= '9'; (*f)++)
        n = n * 10 + (u32)(**f - '0');
    return n;
}

static struct conversion read_conversion(const char **f, va_list *args)
{
    struct conversion c = {0};
    for (;; (*f)++) {
        if (**f == '-')
            c.left = true;
        else if (**f == '0')
            c.zero = true;
        else
            break;
    }
    c.width = read_count(f, args);
    if (**f == '.') {
        (*f)++;
        c.precise = true;
        c.precision = read_count(f, args);
    }
    for (; **f == 'l' || **f == 'z' || **f == 'h'; (*f)++)
        c.longs += **f != 'h';
    c.letter = **f;
    if (c.letter)
        (*f)++;
    return c;
}

static void put_number(struct sink *s, const struct conversion *c, u64 n, bool negative)
{
    char digits[24];
    u32 at = sizeof digits;
    u32 base = c->letter == 'x' || c->letter == 'X' || c->letter == 'p' ? 16 : 10;
    const char *set = c->letter == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    do
        digits[--at] = set[n % base];
    while (n /= base);
    if (negative)
        digits[--at] = '-';
    put_padded(s, digits + at, (u32)sizeof digits - at, c->width, c->left, c->zero && !negative ? '0' : ' ');
}

static void put_string(struct sink *s, const struct conversion *c, const char *text)
{
    u32 len = 0;
    if (!text)
        text = "(none)";
    while ((!c->precise || len < c->precision) && text[len])
        len++;
    put_padded(s, text, len, c->width, c->left, ' ');
}

static void put_conversion(struct sink *s, const struct conversion *c, va_list *args)
{
    switch (c->letter) {
    case 's':
        put_string(s, c, va_arg(*args, const char *));
        break;
    case 'c': {
        char one = (char)va_arg(*args, int);
        put_padded(s, &one, 1, c->width, c->left, ' ');
        break;
    }
    case 'd':
    case 'i': {
        i64 n = c->longs ? va_arg(*args, i64) : va_arg(*args, int);
        put_number(s, c, n < 0 ? -(u64)n : (u64)n, n < 0);
        break;
    }
    case 'p':
        put_number(s, c, (uintptr_t)va_arg(*args, void *), false);
        break;
    case 'u':
    case 'x':
    case 'X':
        put_number(s, c, c->longs ? va_arg(*args, u64) : va_arg(*args, u32), false);
        break;
    default:
        put(s, '%');
        if (c->letter && c->letter != '%')
            put(s, c->letter);
    }
}

u32 format_text_v(char *out, u32 room, const char *format, va_list args)
{
    struct sink s = {out, room, 0};
    va_list copy;
    va_copy(copy, args);
    while (*format) {
        if (*format != '%') {
            put(&s, *format++);
            continue;
        }
        format++;
        struct conversion c = read_conversion(&format, &copy);
        put_conversion(&s, &c, &copy);
    }
    va_end(copy);
    if (room)
        out[s.length < room ? s.length : room - 1] = 0;
    return s.length;
}

u32 format_text(char *out, u32 room, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    u32 length = format_text_v(out, room, format, args);
    va_end(args);
    return length;
}

char *format_copy(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    u32 length = format_text_v(NULL, 0, format, args);
    char *copy = arena_alloc((u64)length + 1, 1);
    if (copy)
        format_text_v(copy, length + 1, format, args);
    va_end(args);
    return copy;
}

/* prefix, the formatted text, and suffix, cut at 1.5 KiB: longest trail plus its frame. What comes from a disk must not
 * move a terminal's cursor or forge a line: control characters become `?`. */
static void print_framed(const char *prefix, const char *format, va_list args, const char *suffix)
{
    char line[1536];
    u32 used = format_text(line, sizeof line, "%s", prefix);
    u32 room = (u32)sizeof line - used - 2;
    u32 length = format_text_v(line + used, room, format, args);
    length = length < room ? length : room - 1;
    for (char *p = line + used; p < line + used + length; p++) {
        u8 c = (u8)*p;
        bool unicode = c == 0xc2 && (u8)p[1] < 0xa0; /* U+0080 to U+009F; xterm takes U+009B for ESC and [ */
        if (unicode || c == 0x7f || (c < ' ' && (c != '\n' || *prefix)))
            *p = '?';
        if (unicode)
            p[1] = '?'; /* were it behind the end, where the suffix comes */
    }
    used += length;
    used += format_text(line + used, (u32)sizeof line - used, "%s", suffix);
    console_write(line, used);
}

#define PRINT_FRAMED(prefix, suffix)                                                                                   \
    do {                                                                                                               \
        va_list args;                                                                                                  \
        va_start(args, format);                                                                                        \
        print_framed(prefix, format, args, suffix);                                                                    \
        va_end(args);                                                                                                  \
    } while (0)

void print(const char *format, ...)
{
    PRINT_FRAMED("", "");
}

void say(const char *format, ...)
{
    if (log_level >= LOG_NORMAL)
        PRINT_FRAMED("shim: ", "\n");
}

void say_verbose(const char *format, ...)
{
    if (log_level >= LOG_VERBOSE)
        PRINT_FRAMED("shim: ", "\n");
}

void warn(const char *format, ...)
{
    if (log_level >= LOG_NORMAL)
        PRINT_FRAMED("shim: warning: ", "\n");
}

void say_error(const char *format, ...)
{
    if (log_level > LOG_SILENT)
        PRINT_FRAMED("shim: error: ", "\n");
}
