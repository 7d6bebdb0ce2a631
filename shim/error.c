/* error.c: the trail (error.h). */
#include "error.h"
#include "print.h"

static char trail[1024];

static enum error add_front(enum error code, const char *format, va_list args)
{
    char joined[sizeof trail];
    u32 used = format_text_v(joined, sizeof joined, format, args);
    if (trail[0] && used < sizeof joined)
        format_text(joined + used, (u32)sizeof joined - used, ": %s", trail);
    memcpy(trail, joined, sizeof trail);
    return code;
}

enum error fail(enum error code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    trail[0] = 0;
    add_front(code, format, args);
    va_end(args);
    return code;
}

enum error error_add(enum error code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_front(code, format, args);
    va_end(args);
    return code;
}

const char *error_text(void)
{
    return trail;
}

void error_show(void)
{
    if (trail[0])
        say_error("%s", trail);
    trail[0] = 0;
}

void error_clear(void)
{
    trail[0] = 0;
}
