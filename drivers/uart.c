/* uart.c: serial ports, 8250 to 16550A (console.h), polled.
 *
 * National Semiconductor PC16550D data sheet (1995) §8. A rate that firmware has set is kept unless one is asked for.
 * No flow control: a terminal that stands still costs one wait, not one per byte. Keys come through key_decode(). The
 * terminal is asked for its size; one that sends the question back would do so with all that is drawn, and its keys
 * are ignored. Exercised by tests/unit/test_console.c.
 */
#include "console.h"
#include "io.h"
#include "print.h"

/* Registers by offset; with LCR_DLAB set the first two are the divisor. */
#define UART_DATA 0
#define UART_IER 1
#define UART_FCR 2
#define UART_IIR 2
#define UART_LCR 3
#define UART_MCR 4
#define UART_LSR 5
#define UART_SCR 7

#define FCR_ENABLE 0x01
#define FCR_TRIGGER_14 0xc0 /* QEMU hands over as many bytes at a time: whole sequences */
#define IIR_FIFO 0xc0 /* both bits: a FIFO that works */
#define LCR_8N1 0x03
#define LCR_BREAK 0x40
#define LCR_DLAB 0x80
#define MCR_DTR_RTS 0x03
#define LSR_DATA 0x01
#define LSR_ROOM 0x20 /* THRE: the FIFO takes as much as it holds */
#define LSR_SENT 0x40 /* TEMT: and the last stop bit is out */

#define PORT_DEFAULT 0x3f8
#define RATE_MAX 115200u
#define FIFO_SIZE 16u
#define WRITE_MS 600u /* 16 characters at 300 baud take 533 ms */
#define ESCAPE_MS 50u
#define REST_MS 400u /* for what follows ESC and [, which nobody types: the line may be slow */
#define ANSWER_MS 60u
#define KEYS_MAX 32u /* a FIFO full, and more */
#define PORTS_MAX 4

struct uart {
    u16 port;
    u32 rate;  /* baud */
    u32 burst; /* bytes per LSR_ROOM */
    u32 room;  /* of these, still free */
    bool stuck; /* did not drain last time: looked at, not waited for */
    struct key_decoder decoder;
    u64 last_byte_ms;
    u64 escaped_ms; /* when an ESC was taken for the key; 0: bytes came since */
    u32 keys[KEYS_MAX], key_count; /* that came while an answer was waited for */
    u32 echoed;   /* bytes of the question that came back */
    bool echoes;
};

/* ECMA-48 §8.3: CUP to where no terminal ends, DSR 6; DEC's 7 and 8 keep the cursor's place meanwhile. */
static const char size_question[] = "\0337\033[999;999H\033[6n\0338";
#define QUESTION_ECHO 12u /* bytes of it */

static struct uart uarts[PORTS_MAX];
static u32 uart_count;
static u32 uart_used; /* where the last key came from */
static bool uart_typed; /* there was one */
static bool drawn; /* the terminal has been told more than text */

static u8 uart_read(const struct uart *u, u32 reg)
{
    return io_in8((u16)(u->port + reg));
}

static void uart_out(const struct uart *u, u32 reg, u8 value)
{
    io_out8((u16)(u->port + reg), value);
}

/* Something decodes the port: the line status is not all ones, and two registers hold what is written. The writes take
 * turns, because under some hypervisors a port of nobody reads as what was last written to any. The first 8250s had no
 * scratch register: for a port that the user names, the line status is enough. */
static bool uart_there(const struct uart *u, bool wanted)
{
    if (uart_read(u, UART_LSR) == 0xff)
        return false;
    uart_out(u, UART_LCR, uart_read(u, UART_LCR) & (u8)~LCR_DLAB);
    uart_out(u, UART_IER, 0);
    uart_out(u, UART_SCR, 0x5a);
    if (uart_read(u, UART_IER) != 0)
        return false;
    uart_out(u, UART_SCR, 0xa5);
    uart_out(u, UART_IER, 0);
    return wanted || uart_read(u, UART_SCR) == 0xa5;
}

/* rate 0: keep what is set when it is one. */
static void uart_setup(struct uart *u, u32 rate)
{
    u8 line = uart_read(u, UART_LCR);
    uart_out(u, UART_LCR, LCR_DLAB | LCR_8N1);
    u32 divisor = uart_read(u, UART_DATA) | (u32)uart_read(u, UART_IER) << 8;
    if (rate || !divisor || divisor == 0xffff) {
        divisor = RATE_MAX / (rate ? rate : RATE_MAX);
        uart_out(u, UART_DATA, (u8)divisor);
        uart_out(u, UART_IER, (u8)(divisor >> 8));
        line = LCR_8N1;
    }
    u->rate = RATE_MAX / divisor;
    line &= (u8)~(LCR_DLAB | LCR_BREAK);
    uart_out(u, UART_LCR, (line & LCR_8N1) == LCR_8N1 ? line : LCR_8N1);
    uart_out(u, UART_FCR, FCR_ENABLE | FCR_TRIGGER_14);
    uart_out(u, UART_MCR, MCR_DTR_RTS);
    u->burst = (uart_read(u, UART_IIR) & IIR_FIFO) == IIR_FIFO ? FIFO_SIZE : 1;
}

/* "0xPORT[,BAUD]"; false with a warning when that is no port. A rate that cannot be had counts as not given. */
static bool read_option(struct text option, u16 *port, u32 *rate)
{
    struct text field;
    u64 n;
    *port = PORT_DEFAULT;
    *rate = 0;
    if (text_split(&option, ',', &field) && field.len) {
        if (!text_number(field, &n) || !n || n > 0xfff8) {
            warn("console=serial=%.*s: expected a port like 0x3f8", (int)field.len, field.at);
            return false;
        }
        *port = (u16)n;
    }
    if (!text_split(&option, ',', &field))
        return true;
    if (text_number(field, &n) && n && n <= RATE_MAX && RATE_MAX % n == 0 && RATE_MAX / n <= 0xffff)
        *rate = (u32)n;
    else
        warn("console=serial: %.*s baud, expected a rate that divides 115200", (int)field.len, field.at);
    return true;
}

static bool uart_open(const struct boot_info *boot, struct text option, bool wanted)
{
    struct uart u = {0};
    u32 rate, slot = 0;
    (void)boot;
    if (!read_option(option, &u.port, &rate) || !uart_there(&u, wanted))
        return false;
    uart_setup(&u, rate);
    while (slot < uart_count && uarts[slot].port != u.port)
        slot++;
    if (slot == PORTS_MAX)
        return false;
    if (slot == uart_count)
        uart_count++;
    uarts[slot] = u;
    return true;
}

/* False when the bit does not come: the line does not drain. */
static bool uart_wait(struct uart *u, u8 bit)
{
    struct deadline deadline = deadline_in(WRITE_MS);
    while (!(uart_read(u, UART_LSR) & bit))
        if (u->stuck || deadline_passed(&deadline)) {
            u->stuck = true;
            return false;
        }
    u->stuck = false;
    return true;
}

static void uart_put(struct uart *u, char c)
{
    if (!u->room) {
        if (!uart_wait(u, LSR_ROOM))
            return;
        u->room = u->burst;
    }
    u->room--;
    uart_out(u, UART_DATA, (u8)c);
}

static void uart_write(const char *text, u32 len)
{
    for (u32 n = 0; n < uart_count; n++)
        for (u32 i = 0; i < len; i++) {
            if (text[i] == '\n')
                uart_put(&uarts[n], '\r');
            uart_put(&uarts[n], text[i]);
        }
}

static void uart_string(const char *text)
{
    uart_write(text, (u32)strlen(text));
}

/* ECMA-48 §8.3: SGR, CUP, ED; and DEC's ?25 for the cursor. ESC c would take the terminal's scrollback too. */
static void uart_clear(void)
{
    drawn = true;
    uart_string("\033[?25l\033[0m\033[H\033[J");
}

static void uart_move(u32 row, u32 column)
{
    char sequence[32];
    uart_write(sequence, format_text(sequence, sizeof sequence, "\033[%u;%uH", row + 1, column + 1));
}

static void uart_attribute(enum attribute attribute)
{
    static const char codes[][8] = {
        [ATTR_NORMAL] = "\033[0m", [ATTR_BOLD] = "\033[0;1m", [ATTR_REVERSE] = "\033[0;7m", [ATTR_DIM] = "\033[0;2m"};
    uart_string(codes[attribute]);
}

static void uart_cursor(bool shown)
{
    drawn = true;
    uart_string(shown ? "\033[?25h" : "\033[?25l");
}

/* Does the other side send back what it gets: a login prompt's echo, a loop of wire? As much of the question is enough
 * as surely fits a FIFO. */
static void watch_echo(struct uart *u, u8 byte)
{
    u->echoed = byte == (u8)size_question[u->echoed] ? u->echoed + 1 : byte == (u8)size_question[0];
    if (u->echoed < QUESTION_ECHO)
        return;
    u->echoed = u->key_count = 0;
    u->echoes = true;
}

/* A late answer's digits would choose an entry, and its R would look for disks again: [ makes an ESC what it was. */
static u32 uart_decode_byte(struct uart *u, u8 byte)
{
    if (u->escaped_ms && byte == '[' && clock_ms() - u->escaped_ms < REST_MS)
        key_decode(&u->decoder, 0x1b);
    u->escaped_ms = 0;
    return key_decode(&u->decoder, byte);
}

static u32 uart_decode_timeout(struct uart *u)
{
    u64 now = clock_ms();
    if (now - u->last_byte_ms < (u->decoder.count > 1 ? REST_MS : ESCAPE_MS))
        return KEY_NONE;
    u32 key = key_decode_timeout(&u->decoder);
    u->escaped_ms = key == KEY_ESCAPE ? now : 0;
    return key;
}

static u32 uart_decode(struct uart *u)
{
    u32 key = KEY_NONE;
    /* As many bytes as one sequence may have: a line that reads as "data" for ever must not hold us. */
    for (u32 i = 0; i < 64 && !key; i++) {
        u8 status = uart_read(u, UART_LSR);
        if (status == 0xff || !(status & LSR_DATA))
            break;
        u8 byte = uart_read(u, UART_DATA);
        key = uart_decode_byte(u, byte);
        watch_echo(u, byte);
        if (u->decoder.count)
            u->last_byte_ms = clock_ms();
    }
    if (!key && u->decoder.count)
        key = uart_decode_timeout(u);
    return u->echoes ? KEY_NONE : key;
}

static u32 uart_key(void)
{
    u32 key = KEY_NONE;
    for (u32 i = 0; i < uart_count && !key; i++) {
        struct uart *u = &uarts[i];
        if (u->key_count) {
            key = u->keys[0];
            memmove(u->keys, u->keys + 1, --u->key_count * sizeof key);
        } else {
            key = uart_decode(u);
        }
        if (key)
            uart_used = i, uart_typed = true;
    }
    return key;
}

/* Keep the keys that have come. True when there is no answer to wait for any more. */
static bool uart_listen(struct uart *u)
{
    u32 key;
    while (u->key_count < KEYS_MAX && (key = uart_decode(u)) != KEY_NONE)
        u->keys[u->key_count++] = key;
    return u->decoder.report_row || u->stuck || u->echoes || u->key_count == KEYS_MAX;
}

/* A late answer is no key, and read by the next question. */
static void uart_size(u32 *rows, u32 *columns)
{
    struct deadline deadline = deadline_in(ANSWER_MS);
    bool all;
    for (u32 i = 0; i < uart_count; i++) {
        uart_listen(&uarts[i]); /* makes room for the answer */
        uarts[i].decoder.report_row = 0;
        uarts[i].echoes = false;
    }
    uart_string(size_question);
    for (u32 i = 0; i < uart_count; i++)
        uart_wait(&uarts[i], LSR_SENT);
    do {
        all = true;
        for (u32 i = 0; i < uart_count; i++)
            all &= uart_listen(&uarts[i]);
    } while (!all && !deadline_passed(&deadline));
    *rows = *columns = 0;
    for (u32 i = 0; i < uart_count; i++) {
        const struct uart *u = &uarts[i];
        if (u->echoes)
            warn("serial port %x sends back what it gets: its keys are ignored", u->port);
        u32 own_rows = u->decoder.report_row ? u->decoder.report_row : 24;
        u32 own_columns = u->decoder.report_row ? u->decoder.report_column : 80;
        if (!i || own_rows < *rows)
            *rows = own_rows;
        if (!i || own_columns < *columns)
            *columns = own_columns;
    }
}

u16 console_serial_port(u32 *rate, bool *typed)
{
    if (!console_is_open("serial") || uart_used >= uart_count)
        return 0;
    *rate = uarts[uart_used].rate;
    *typed = uart_typed;
    return uarts[uart_used].port;
}

static void uart_leave(void)
{
    if (drawn)
        uart_string("\033[0m\033[?25h");
    drawn = false;
    for (u32 i = 0; i < uart_count; i++)
        uart_wait(&uarts[i], LSR_SENT);
}

const struct console console_serial = {
    .name = "serial",
    .open = uart_open,
    .write = uart_write,
    .clear = uart_clear,
    .move = uart_move,
    .attribute = uart_attribute,
    .cursor = uart_cursor,
    .key = uart_key,
    .size = uart_size,
    .leave = uart_leave,
};
