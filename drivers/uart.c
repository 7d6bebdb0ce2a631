/* uart.c: the serial console: an 8250, 16450 or 16550 on an I/O port (PC16550D data sheet), talked to as an ANSI terminal.
 *
 * A port where nothing answers is found out at once, and a transmitter that never gets ready costs one bounded wait, not one
 * per character. Exercise: tests/unit/test_console.c.
 */
#include "console.h"
#include "io.h"
#include "print.h"

#define COM1 0x3f8u
#define UART_CLOCK 115200u
#define READY_SPINS 200000u /* about 0.2 s on real hardware: 2,000 characters at 115200 baud */
#define FIFO_BYTES 16u
#define ESCAPE_MS 50u

enum { DATA = 0, INTERRUPT_ENABLE = 1, FIFO_CONTROL = 2, LINE_CONTROL = 3, MODEM_CONTROL = 4, LINE_STATUS = 5, SCRATCH = 7 };

#define LINE_8N1 0x03u
#define LINE_DIVISOR 0x80u
#define FIFO_ENABLE_CLEAR 0x07u
#define FIFO_IS_ON 0xc0u /* interrupt identification, top bits */
#define MODEM_DTR_RTS 0x03u
#define STATUS_DATA 0x01u
#define STATUS_ROOM 0x20u
#define STATUS_EMPTY 0x40u

static u16 port;
static u32 room, fifo;
static bool stuck;
static struct key_decoder decoder;
static u64 last_byte;

static u32 read_divisor(void)
{
    u8 line = io_in8(port + LINE_CONTROL);
    io_out8(port + LINE_CONTROL, line | LINE_DIVISOR);
    u32 divisor = io_in8(port + DATA) | (u32)io_in8(port + INTERRUPT_ENABLE) << 8;
    io_out8(port + LINE_CONTROL, line);
    return divisor;
}

static void set_divisor(u32 divisor)
{
    io_out8(port + LINE_CONTROL, LINE_DIVISOR | LINE_8N1);
    io_out8(port + DATA, (u8)divisor);
    io_out8(port + INTERRUPT_ENABLE, (u8)(divisor >> 8));
    io_out8(port + LINE_CONTROL, LINE_8N1);
}

/* Something decodes the port: status is not all ones, and interrupts can be switched off. */
static bool is_there(void)
{
    if (io_in8(port + LINE_STATUS) == 0xff)
        return false;
    io_out8(port + INTERRUPT_ENABLE, 0);
    return io_in8(port + INTERRUPT_ENABLE) == 0;
}

/* option: "0xPORT[,BAUD]" or empty; fills `port` and *baud (0: not given). False with a warning when it makes no sense. */
static bool read_option(struct text option, u32 *baud)
{
    struct text field;
    u64 number = COM1;
    if (option.at && text_split(&option, ',', &field) && (!text_number(field, &number) || number > 0xfff8)) {
        warn("console=serial=%.*s: expected a port like 0x3f8", (int)field.len, field.at);
        return false;
    }
    port = (u16)number;
    *baud = 0;
    if (!option.at)
        return true;
    if (!text_number(option, &number) || !number || UART_CLOCK % number) {
        warn("console=serial: %.*s baud, expected a rate that divides 115200", (int)option.len, option.at);
        return false;
    }
    *baud = (u32)number;
    return true;
}

static bool uart_open(const struct boot_info *boot, struct text option, bool wanted)
{
    (void)boot, (void)wanted;
    u32 baud;
    if (!read_option(option, &baud) || !is_there())
        return false;
    /* What firmware has set up as 8N1 stays, it knows the cable. */
    u32 divisor = read_divisor();
    bool configured = (io_in8(port + LINE_CONTROL) & 0x7f) == LINE_8N1 && divisor;
    if (baud || !configured)
        set_divisor(UART_CLOCK / (baud ? baud : UART_CLOCK));
    io_out8(port + FIFO_CONTROL, FIFO_ENABLE_CLEAR);
    io_out8(port + MODEM_CONTROL, MODEM_DTR_RTS);
    fifo = (io_in8(port + FIFO_CONTROL) & FIFO_IS_ON) == FIFO_IS_ON ? FIFO_BYTES : 1;
    room = 0;
    stuck = false;
    return true;
}

static void wait_status(u8 bit)
{
    for (u32 i = 0; i < READY_SPINS; i++) {
        if (io_in8(port + LINE_STATUS) & bit) {
            stuck = false;
            return;
        }
        if (stuck)
            return;
        cpu_relax();
    }
    stuck = true;
}

static void put_byte(char c)
{
    if (!room) {
        wait_status(STATUS_ROOM);
        room = fifo;
    }
    io_out8(port + DATA, (u8)c);
    room--;
}

static void uart_write(const char *text, u32 len)
{
    for (u32 i = 0; i < len; i++) {
        if (text[i] == '\n')
            put_byte('\r');
        put_byte(text[i]);
    }
}

static void put_text(const char *text)
{
    uart_write(text, (u32)strlen(text));
}

/* Home and erase below: what scrolled away before stays in the terminal's memory. */
static void uart_clear(void)
{
    put_text("\x1b[?25l\x1b[0m\x1b[H\x1b[J");
}

static void uart_move(u32 row, u32 column)
{
    char text[24];
    format_text(text, sizeof text, "\x1b[%u;%uH", row + 1, column + 1);
    put_text(text);
}

static void uart_attribute(enum attribute attribute)
{
    static const char *const codes[] = {"\x1b[0m", "\x1b[0;1m", "\x1b[0;7m", "\x1b[0;2m"};
    put_text(codes[attribute]);
}

static u32 uart_key(void)
{
    for (u32 i = 0; i < sizeof decoder.pending; i++) {
        u8 status = io_in8(port + LINE_STATUS);
        if (status == 0xff || !(status & STATUS_DATA))
            break;
        last_byte = cpu_ticks();
        u32 key = key_decode(&decoder, io_in8(port + DATA));
        if (key != KEY_NONE)
            return key;
    }
    if (decoder.count && cpu_ticks() - last_byte > ESCAPE_MS * clock_ticks_per_ms())
        return key_decode_timeout(&decoder);
    return KEY_NONE;
}

static void uart_leave(void)
{
    put_text("\x1b[0m\x1b[?25h");
    wait_status(STATUS_EMPTY);
}

const struct console console_serial = {
    .name = "serial",
    .open = uart_open,
    .write = uart_write,
    .clear = uart_clear,
    .move = uart_move,
    .attribute = uart_attribute,
    .key = uart_key,
    .leave = uart_leave,
    .rows = 24,
    .columns = 80,
};
