/* console_help.c: whether Linux will talk where the user is (console_help.h).
 *
 * A machine without a screen shows nothing after the jump when its entry was written for one with a screen, or for
 * another serial port. `earlycon=` and `earlyprintk=` are no help: they end where the console would begin.
 * Exercise: tests/unit/test_console_help.c.
 */
#include "config.h"
#include "console_help.h"
#include "memory.h"
#include "print.h"

/* ttyS0 to ttyS3: Linux's arch/x86/include/asm/serial.h. */
static const u16 ports[] = {0x3f8, 0x2f8, 0x3e8, 0x2e8};

/* "uart8250,io,0x3f8,115200n8": an early console that becomes the ttyS of that port. In memory: who knows. */
static bool uart_is_here(struct text value, const struct console_user *user)
{
    struct text field;
    u64 port;
    text_split(&value, ',', &field);
    if (!text_split(&value, ',', &field) || !text_equal(field, "io"))
        return true;
    return text_split(&value, ',', &field) && text_number(field, &port) && port == user->port;
}

static bool is_here(struct text value, const struct console_user *user)
{
    struct text name;
    u64 number;
    if (text_starts(value, "uart"))
        return uart_is_here(value, user);
    text_split(&value, ',', &name);
    if (text_starts(name, "ttyS") && text_number((struct text){name.at + 4, name.len - 4}, &number))
        return number < ARRAY_COUNT(ports) && user->port == ports[number];
    if (text_starts(name, "tty") && text_number((struct text){name.at + 3, name.len - 3}, &number))
        return user->screen;
    return true;
}

static const char *serial_option(const struct console_user *user)
{
    char rate[16] = "";
    if (user->rate)
        format_text(rate, sizeof rate, ",%un8", user->rate);
    for (u32 i = 0; i < ARRAY_COUNT(ports); i++)
        if (user->port == ports[i])
            return format_copy("%sconsole=ttyS%u%s", user->screen ? "console=tty0 " : "", i, rate);
    return format_copy("%sconsole=uart8250,io,0x%x%s", user->screen ? "console=tty0 " : "", user->port, rate);
}

const char *console_missing(const char *cmdline, const struct console_user *user)
{
    struct text rest = text_of(cmdline);
    struct argument word;
    bool named = false;
    while (argument_next(&rest, &word) && !word.ends) {
        if (!word.value.at || !text_equal(word.key, "console"))
            continue;
        if (is_here(word.value, user))
            return NULL;
        named = true;
    }
    if (user->port)
        return serial_option(user);
    return named && user->screen ? "console=tty0" : NULL;
}

const char *console_insert(const char *cmdline, const char *text)
{
    struct text rest = text_of(cmdline);
    struct argument word = {.ends = false};
    while (argument_next(&rest, &word) && !word.ends)
        ;
    u32 before = (u32)(rest.at - cmdline) - (word.ends ? 2 : 0);
    while (before && is_blank(cmdline[before - 1]))
        before--;
    const char *behind = cmdline + before;
    return format_copy("%.*s%s%s%s%s", (int)before, cmdline, before ? " " : "", text,
                       *behind && !is_blank(*behind) ? " " : "", behind);
}
