/* terminal.h: a serial port, behind it a terminal of 24 × 80 cells that shows what is sent, and a script that types;
 * behind cmocka.h and host.h. A test calls terminal_begin(), sets `script`, and looks at terminal.shot.
 */
#ifndef TERMINAL_H
#define TERMINAL_H

#include "console.h"

#define ROWS 24u
#define COLUMNS 80u
#define TICKS_PER_MS 1000000u
#define LIMIT_MS 100000u /* nothing here takes longer */

/* ---- the terminal ------------------------------------------------------------------------------------------------ */

struct cells {
    char at[ROWS][COLUMNS + 1];
    char attribute[ROWS][COLUMNS]; /* last digit of its SGR */
};

static struct {
    struct cells now, shot;
    u32 row, column, sent, counted;
    char attribute;
    bool hidden; /* the cursor */
    char sequence[16];
    u32 length; /* of the sequence; 0: none */
} terminal;

static struct {
    const char *keys;    /* typed at at_ms, one byte per look */
    u32 at_ms, shot_ms;  /* since `start` */
    u32 again_ms;        /* a second time */
    const char *again;
    u32 last_ms;         /* and a third */
    const char *last;
    u32 count_ms, forget_ms; /* from here on bytes are counted; the terminal is switched on */
    u64 start;
    u8 ier, scratch, lcr;
} script;

static u64 now_ms(void)
{
    return (host_ticks - script.start) / TICKS_PER_MS;
}

static void blank(struct cells *cells)
{
    memset(cells, 0, sizeof *cells);
    for (u32 i = 0; i < ROWS; i++)
        memset(cells->at[i], ' ', COLUMNS);
}

/* Where number n of the sequence's parameters starts counting from 1. */
static u32 parameter(u32 n)
{
    u32 value = 0;
    const char *p = terminal.sequence + 2;
    for (; n > 1 && *p; p++)
        n -= *p == ';';
    for (; *p >= '0' && *p <= '9'; p++)
        value = value * 10 + (u32)(*p - '0');
    return value;
}

static void control(char final)
{
    if (final == 'H') {
        terminal.row = parameter(1) ? parameter(1) - 1 : 0;
        terminal.column = parameter(2) ? parameter(2) - 1 : 0;
        if (terminal.row == 998 && terminal.column == 998) /* the question for its size; this one does not answer */
            terminal.row = ROWS - 1, terminal.column = COLUMNS - 1;
        assert_true(terminal.row < ROWS && terminal.column < COLUMNS);
    } else if (final == 'J') {
        assert_true(terminal.row == 0 && terminal.column == 0);
        blank(&terminal.now);
    } else if (final == 'm') {
        terminal.attribute = terminal.sequence[terminal.length - 2];
    } else {
        bool question = !strcmp(terminal.sequence, "\033[6n");
        assert_true(question || !strcmp(terminal.sequence, "\033[?25l") || !strcmp(terminal.sequence, "\033[?25h"));
        if (!question)
            terminal.hidden = final == 'l';
    }
    terminal.length = 0;
}

static void terminal_take(char c)
{
    terminal.sent++;
    terminal.counted += script.count_ms && now_ms() >= script.count_ms;
    if (c == '\033' || terminal.length) {
        assert_true(terminal.length < sizeof terminal.sequence - 1);
        terminal.sequence[terminal.length++] = c;
        terminal.sequence[terminal.length] = 0;
        if (terminal.length == 2 && (c == '7' || c == '8')) /* keep the cursor's place, and go back to it */
            terminal.length = 0;
        else if (terminal.length > 2 && c >= 0x40)
            control(c);
        return;
    }
    if (c == '\r')
        terminal.column = 0;
    else if (c == '\n')
        terminal.row += terminal.row + 1 < ROWS;
    else if (((u8)c & 0xc0) != 0x80) {
        if (terminal.column == COLUMNS) {
            assert_false(terminal.hidden); /* the menu stays off the edge: terminals differ about it */
            terminal.column = 0;
            terminal.row += terminal.row + 1 < ROWS;
        }
        terminal.now.attribute[terminal.row][terminal.column] = terminal.attribute;
        terminal.now.at[terminal.row][terminal.column++] = (u8)c < 0x80 ? c : '?';
    }
}

/* ---- the port ---------------------------------------------------------------------------------------------------- */

static bool typed(void)
{
    if (script.keys && !*script.keys && script.again) {
        script.keys = script.again;
        script.at_ms = script.again_ms;
        script.again = script.last;
        script.again_ms = script.last_ms;
        script.last = NULL;
    }
    return script.keys && *script.keys && now_ms() >= script.at_ms;
}

static u32 port_in(u16 port, u32 width)
{
    (void)width;
    switch (port) {
    case 0x3f8:
        if (script.lcr & 0x80)
            return 1;
        return typed() ? (u8)*script.keys++ : 0;
    case 0x3f9:
        return script.lcr & 0x80 ? 0 : script.ier;
    case 0x3fa:
        return 0xc1;
    case 0x3fb:
        return script.lcr;
    case 0x3fd:
        assert_true(now_ms() < LIMIT_MS);
        return 0x60u | typed();
    case 0x3ff:
        return script.scratch;
    }
    return 0xff;
}

static void port_out(u16 port, u32 value, u32 width)
{
    (void)width;
    if (port == 0x3f8 && !(script.lcr & 0x80))
        terminal_take((char)value);
    else if (port == 0x3f9 && !(script.lcr & 0x80))
        script.ier = (u8)value;
    else if (port == 0x3fb)
        script.lcr = (u8)value;
    else if (port == 0x3ff)
        script.scratch = (u8)value;
}

static void relax(void)
{
    if (script.forget_ms && now_ms() >= script.forget_ms) {
        blank(&terminal.now);
        script.forget_ms = 0;
    }
    if (now_ms() <= script.shot_ms)
        terminal.shot = terminal.now;
}

/* A terminal just switched on, nothing to type, the serial port the only console. Behind host_reset(). */
__attribute__((unused)) static void terminal_begin(void)
{
    static const struct boot_info boot;
    memset(&script, 0, sizeof script);
    memset(&terminal, 0, sizeof terminal);
    host_machine.in = port_in;
    host_machine.out = port_out;
    host_machine.relax = relax;
    script.start = host_ticks;
    consoles_open(&boot, text_of("serial"));
    assert_true(consoles_interactive());
}

/* What row `row` of the shot shows, without the blanks at its end. */
__attribute__((unused)) static void assert_row(u32 row, const char *expected)
{
    char text[COLUMNS + 1];
    memcpy(text, terminal.shot.at[row], sizeof text);
    u32 n = COLUMNS;
    while (n && text[n - 1] == ' ')
        n--;
    text[n] = 0;
    assert_string_equal(text, expected);
}

#endif
