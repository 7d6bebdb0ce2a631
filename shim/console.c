/* console.c: every console at once (console.h): the log, the list that console= gives, and who is open.
 *
 * Exercise: tests/unit/test_console.c.
 */
#include "console.h"
#include "print.h"
#include "tables.h"

#define LOG_SIZE KIB(16)
#define CONSOLES_MAX 8u
#define KEYS_UNDRAWN 64u /* a line that never stops shall not hide what it does */

static char log_text[LOG_SIZE + 1];
static u32 log_length;
static bool is_open[CONSOLES_MAX];
static bool opened;
static u32 waiting_key; /* that console_key_waits() has taken */
static struct {
    u32 rows, columns;
} measured[CONSOLES_MAX]; /* 0: nothing is known */

/* Keep the newest text; the older half goes when there is no room. */
static void log_keep(const char *text, u32 len)
{
    if (len > LOG_SIZE / 2) {
        text += len - LOG_SIZE / 2;
        len = LOG_SIZE / 2;
    }
    if (log_length + len > LOG_SIZE) {
        u32 keep = LOG_SIZE / 2;
        memmove(log_text, log_text + log_length - keep, keep);
        log_length = keep;
    }
    memcpy(log_text + log_length, text, len);
    log_length += len;
    log_text[log_length] = 0;
}

const char *console_log_text(void)
{
    return log_text;
}

void console_log_clear(void)
{
    log_length = 0;
    log_text[0] = 0;
}

/* ---- which are open ---------------------------------------------------------------------------------------------- */

static void open_wanted(u32 i, const struct boot_info *boot, struct text option)
{
    if (consoles[i]->open(boot, option, true)) /* a second time, for a second port, too */
        is_open[i] = true;
    else
        warn("console=%s%s%.*s: there is none here", consoles[i]->name, option.len ? "=" : "", (int)option.len,
             option.at ? option.at : "");
}

/* Linux's console names end up on our line too; they are no mistake. Nor is `auto`, which is about Linux's. */
static bool is_linux_console(struct text name)
{
    return text_starts(name, "tty") || text_starts(name, "hvc") || text_starts(name, "uart") ||
           text_equal(name, "auto");
}

static void open_named(const struct boot_info *boot, struct text name, struct text option)
{
    static const char *const known[] = {"serial", "vga", "fb", "debugcon", "xen", "none", NULL};
    for (u32 i = 0; consoles[i]; i++)
        if (text_equal(name, consoles[i]->name)) {
            open_wanted(i, boot, option);
            return;
        }
    if (!name.len || text_equal(name, "none") || is_linux_console(name))
        return;
    if (text_equal(name, "xen")) {
        warn("console=%.*s: there is none here", (int)name.len, name.at);
        return;
    }
    warn("console=%.*s: expected serial, vga, fb, debugcon or none%s", (int)name.len, name.at,
         did_you_mean(name, known));
}

/* True when the list says "none". */
static bool open_list(const struct boot_info *boot, struct text list)
{
    struct text item, name;
    bool none = false;
    while (text_split(&list, ',', &item)) {
        struct text option = item, rest = list, next;
        u64 baud;
        text_split(&option, '=', &name);
        if (!option.at)
            option = (struct text){item.at + item.len, 0};
        if (text_equal(name, "serial") && text_split(&rest, ',', &next) && text_number(next, &baud)) {
            option.len = (u32)(next.at + next.len - option.at); /* "0x2f8,9600": the comma belongs to the serial port */
            list = rest;
        }
        none |= text_equal(name, "none");
        open_named(boot, name, option);
    }
    return none;
}

/* A list of nothing but Linux's names says nothing about ours. */
static bool is_for_us(struct text list)
{
    struct text item;
    while (text_split(&list, ',', &item))
        if (item.len && !is_linux_console(item) && item.at[0] > '9')
            return true;
    return false;
}

static bool any_shows(void)
{
    for (u32 i = 0; consoles[i]; i++)
        if (is_open[i] && consoles[i]->write)
            return true;
    return false;
}

/* True when what is drawn on a screen waits for keys of the machine's own. */
static bool keyboard_wanted(void)
{
    for (u32 i = 0; consoles[i]; i++)
        if (is_open[i] && consoles[i]->move && !consoles[i]->key)
            return true;
    return false;
}

void consoles_open(const struct boot_info *boot, struct text list)
{
    bool none = false;
    opened = false; /* what is said meanwhile comes with the rest of the log */
    memset(is_open, 0, sizeof is_open);
    memset(measured, 0, sizeof measured);
    waiting_key = KEY_NONE;
    if (is_for_us(list))
        none = open_list(boot, list);
    /* A list of which nothing is there must not leave the user in the dark. */
    bool all = !none && !any_shows();
    for (u32 i = 0; consoles[i]; i++)
        if (consoles[i]->write ? all : !is_open[i] && keyboard_wanted()) /* keyboards stand behind the screens */
            is_open[i] = consoles[i]->open(boot, (struct text){NULL, 0}, false);
    for (u32 i = 0; consoles[i]; i++)
        if (is_open[i] && log_length && consoles[i]->write)
            consoles[i]->write(log_text, log_length);
    opened = true;
}

bool consoles_opened(void)
{
    return opened;
}

bool consoles_interactive(void)
{
    for (u32 i = 0; consoles[i]; i++)
        if (is_open[i] && consoles[i]->move)
            return true;
    return false;
}

/* ---- to all of them ---------------------------------------------------------------------------------------------- */

void console_write(const char *text, u32 len)
{
    log_keep(text, len);
    for (u32 i = 0; opened && consoles[i]; i++)
        if (is_open[i] && consoles[i]->write)
            consoles[i]->write(text, len);
}

void console_print(const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    u32 length = format_text_v(text, sizeof text, format, args);
    va_end(args);
    for (u32 i = 0; consoles[i]; i++) /* the menu's cells are no log: consoles that cannot draw do not get them */
        if (is_open[i] && consoles[i]->move)
            consoles[i]->write(text, (u32)min_u64(length, sizeof text - 1));
}

void console_clear(void)
{
    for (u32 i = 0; consoles[i]; i++)
        if (is_open[i] && consoles[i]->clear)
            consoles[i]->clear();
}

void console_move(u32 row, u32 column)
{
    for (u32 i = 0; consoles[i]; i++)
        if (is_open[i] && consoles[i]->move)
            consoles[i]->move(row, column);
}

void console_attribute(enum attribute attribute)
{
    for (u32 i = 0; consoles[i]; i++)
        if (is_open[i] && consoles[i]->attribute)
            consoles[i]->attribute(attribute);
}

void console_cursor(bool shown)
{
    for (u32 i = 0; consoles[i]; i++)
        if (is_open[i] && consoles[i]->cursor)
            consoles[i]->cursor(shown);
}

bool console_is_open(const char *name)
{
    for (u32 i = 0; consoles[i]; i++)
        if (is_open[i] && !strcmp(consoles[i]->name, name))
            return true;
    return false;
}

u32 console_key(void)
{
    u32 waiting = waiting_key;
    waiting_key = KEY_NONE;
    if (waiting)
        return waiting;
    for (u32 i = 0; consoles[i]; i++)
        if (is_open[i] && consoles[i]->key) {
            u32 key = consoles[i]->key();
            if (key != KEY_NONE)
                return key;
        }
    return KEY_NONE;
}

bool console_key_waits(void)
{
    static u8 asked;
    waiting_key = console_key();
    return waiting_key && ++asked % KEYS_UNDRAWN;
}

void consoles_measure(void)
{
    for (u32 i = 0; consoles[i]; i++)
        if (is_open[i] && consoles[i]->move && consoles[i]->size)
            consoles[i]->size(&measured[i].rows, &measured[i].columns);
}

static u32 smallest(bool rows, u32 standard)
{
    u32 least = 0;
    for (u32 i = 0; consoles[i]; i++) {
        if (!is_open[i] || !consoles[i]->move)
            continue;
        u32 own = rows ? measured[i].rows : measured[i].columns;
        if (!own)
            own = standard;
        if (!least || own < least)
            least = own;
    }
    return least ? least : standard;
}

u32 console_rows(void)
{
    return smallest(true, 24);
}

u32 console_columns(void)
{
    return smallest(false, 80);
}

void console_leave(void)
{
    for (u32 i = 0; consoles[i]; i++)
        if (is_open[i] && consoles[i]->leave)
            consoles[i]->leave();
}
