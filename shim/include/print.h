/* print.h: the one formatter, and the log lines.
 *
 * Subset of printf: %s %c %d %i %u %x %X %p %%, length l, ll, z, h, hh, flags 0 and -, width and precision as
 * number or *. %.*s prints a struct text as (int)t.len, t.at.
 */
#ifndef SHIM_PRINT_H
#define SHIM_PRINT_H

#include <stdarg.h>
#include "base.h"

enum log_level { LOG_SILENT, LOG_QUIET, LOG_NORMAL, LOG_VERBOSE };

/* Errors print but in silence, which is for reading something twice; warn() and say() from LOG_NORMAL, say_verbose()
 * from LOG_VERBOSE. Default LOG_NORMAL. */
extern enum log_level log_level;

/* Format into out, at most room bytes including the final NUL (room 0: nothing is written). Returns the length it
 * would have had, like vsnprintf. */
u32 format_text_v(char *out, u32 room, const char *format, va_list args);
u32 format_text(char *out, u32 room, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Formatted in the arena; NULL when that is full. */
char *format_copy(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Raw text to every console's log (console.h), nothing added. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* One fact, one line: prints "shim: ", the text, a newline. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void say_verbose(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* `shim: warning: …`; printed unless quiet. */
void warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* `shim: error: …`; always printed. */
void say_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
