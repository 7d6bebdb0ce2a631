/* fake_terminal.c: a terminal on an 8250 (fake_terminal.h). Sequences: ECMA-48 CUP, ED, EL; others are swallowed. */
#include <stdio.h>
#include <stdlib.h>

#include "host.h"

#include "console.h"
#include "fake_terminal.h"

#define TICKS_PER_MS 1000000u
#define STUCK_MS 600000u
#define GONE_MAX KIB(256)

static char screen[TERMINAL_ROWS][TERMINAL_COLUMNS];
static char gone[2 * GONE_MAX + TERMINAL_ROWS * (TERMINAL_COLUMNS + 1) + 1];
static u32 gone_length;
static char sequence[32];
static u32 sequence_length;
u32 terminal_sent, terminal_cursor_row, terminal_cursor_column;

static const u8 *keys;
static size_t keys_left;
static const char *forever, *next;
static u64 pause_until, last_key;
static u8 registers[8];

static u32 row_text(u32 row, char *out)
{
    u32 n = TERMINAL_COLUMNS;
    while (n && screen[row][n - 1] == ' ')
        n--;
    memcpy(out, screen[row], n);
    out[n] = 0;
    return n;
}

static void new_line(void)
{
    if (++terminal_cursor_row < TERMINAL_ROWS)
        return;
    terminal_cursor_row--;
    if (gone_length > 2 * GONE_MAX - TERMINAL_COLUMNS - 2) {
        memmove(gone, gone + gone_length - GONE_MAX, GONE_MAX);
        gone_length = GONE_MAX;
    }
    gone_length += row_text(0, gone + gone_length);
    gone[gone_length++] = '\n';
    memmove(screen[0], screen[1], sizeof screen - sizeof screen[0]);
    memset(screen[TERMINAL_ROWS - 1], ' ', TERMINAL_COLUMNS);
}

static void blank(u32 from, u32 to)
{
    memset(&screen[0][0] + from, ' ', to - from);
}

static void control(char final)
{
    u32 row = 1, column = 1, at = terminal_cursor_row * TERMINAL_COLUMNS + terminal_cursor_column;
    sscanf(sequence, "\033[%u;%u", &row, &column);
    if (final == 'H') {
        terminal_cursor_row = row && row <= TERMINAL_ROWS ? row - 1 : 0;
        terminal_cursor_column = column && column <= TERMINAL_COLUMNS ? column - 1 : 0;
    } else if (final == 'J') {
        blank(at, sizeof screen);
    } else if (final == 'K') {
        blank(at, (terminal_cursor_row + 1) * TERMINAL_COLUMNS);
    }
    sequence_length = 0;
}

static void take(char c)
{
    terminal_sent++;
    if (c == '\033' || sequence_length) {
        if (sequence_length < sizeof sequence - 1)
            sequence[sequence_length++] = c;
        sequence[sequence_length] = 0;
        if (sequence_length > 2 && c >= 0x40)
            control(c);
    } else if (c == '\r') {
        terminal_cursor_column = 0;
    } else if (c == '\n') {
        new_line();
    } else if (((u8)c & 0xc0) != 0x80) {
        if (terminal_cursor_column == TERMINAL_COLUMNS) {
            terminal_cursor_column = 0;
            new_line();
        }
        screen[terminal_cursor_row][terminal_cursor_column++] = (u8)c < 0x80 ? c : '~';
        if ((u8)c < 0x20 || (u8)c == 0x7f) {
            fprintf(stderr, "control character %02x was sent\n", (u8)c);
            abort();
        }
    }
}

/* True when a byte is there. */
static bool typed(void)
{
    if (!keys_left && forever) {
        if (!next || !*next)
            next = forever;
        return host_ticks >= pause_until;
    }
    while (keys_left && *keys == TERMINAL_PAUSE) {
        if (!pause_until)
            pause_until = host_ticks + 100 * (u64)TICKS_PER_MS;
        if (host_ticks < pause_until)
            return false;
        pause_until = 0;
        keys++, keys_left--;
    }
    if (!keys_left && host_ticks - last_key > STUCK_MS * (u64)TICKS_PER_MS) {
        fprintf(stderr, "waits for ever:\n%s", terminal_text());
        abort();
    }
    return keys_left;
}

static u8 next_byte(void)
{
    if (!typed())
        return 0;
    last_key = host_ticks;
    if (keys_left < 2) /* what is typed for ever comes slowly: Escapes that touch are another key */
        pause_until = host_ticks + 100 * (u64)TICKS_PER_MS;
    if (!keys_left)
        return (u8)*next++;
    keys_left--;
    return *keys++;
}

static u32 port_in(u16 port, u32 width)
{
    (void)width;
    if (port < 0x3f8 || port > 0x3ff)
        return 0xff;
    bool divisor = registers[3] & 0x80;
    if (port == 0x3f8)
        return divisor ? 1 : next_byte();
    if (port == 0x3f9)
        return divisor ? 0 : registers[1];
    return port == 0x3fd ? 0x60u | typed() : port == 0x3fa ? 0xc1 : registers[port - 0x3f8];
}

static void port_out(u16 port, u32 value, u32 width)
{
    (void)width;
    if (port == 0x3f8 && !(registers[3] & 0x80))
        take((char)value);
    else if (port >= 0x3f8 && port <= 0x3ff && !(registers[3] & 0x80 && port == 0x3f9))
        registers[port - 0x3f8] = (u8)value;
}

void terminal_open(void)
{
    static const struct boot_info no_boot;
    host_machine.in = port_in;
    host_machine.out = port_out;
    memset(registers, 0, sizeof registers);
    terminal_type("", 0, NULL);
    consoles_open(&no_boot, text_of("serial"));
    if (!consoles_interactive())
        abort();
    blank(0, sizeof screen);
    terminal_cursor_row = terminal_cursor_column = terminal_sent = sequence_length = gone_length = 0;
}

void terminal_type(const void *bytes, size_t length, const char *then)
{
    keys = bytes;
    keys_left = length;
    forever = then;
    next = NULL;
    pause_until = 0;
    last_key = host_ticks;
}

size_t terminal_left(void)
{
    return keys_left;
}

const char *terminal_row(u32 row)
{
    static char text[TERMINAL_COLUMNS + 1];
    row_text(row, text);
    return text;
}

const char *terminal_text(void)
{
    u32 used = gone_length;
    for (u32 row = 0; row <= terminal_cursor_row; row++) {
        used += row_text(row, gone + used);
        gone[used++] = '\n';
    }
    gone[used] = 0;
    return gone;
}
