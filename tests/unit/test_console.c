/* test_console.c: console.c, uart.c, vga.c and debugcon.c over simulated ports and video memory; when keyboard.c is
 * asked. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"

#include "console.h"

#define TICKS_PER_MS 1000000u
#define CELLS 0xb8000u

static const struct boot_info no_boot;

/* ---- ports ------------------------------------------------------------------------------------------------------- */

enum kind { ABSENT, UART_16550, UART_8250, ZEROS, LAST_WRITTEN };

static struct uart {
    u16 port;
    enum kind kind;
    u8 ier, fcr, lcr, mcr, scratch;
    u16 divisor;
    bool stuck;        /* THRE never comes */
    u32 drain_ms;      /* how long the line takes for a full FIFO */
    u64 full_until;    /* host_ticks */
    u32 room, overrun; /* of the FIFO; bytes sent without asking for room */
    const char *typed; /* what its user types */
    const char *answer; /* of the terminal, to the question for the cursor */
    u32 answer_ms;     /* how long it takes */
    u64 answer_at;     /* host_ticks */
    bool loops;        /* what is sent comes back, up to a FIFO full */
    char looped[17];
    char sent[40000];
    u32 sent_count;
} uarts[2];

static struct {
    bool there, graphics;
    u8 crtc_index, crtc[32];
} vga;

static struct {
    bool there;
    char sent[1000];
    u32 count;
} debugcon;

/* An i8042 in good order. */
static struct {
    bool there, asked;
    const char *typed; /* scancodes */
    u32 commands;
} i8042;

static u8 last_written;
static u32 reads;

static void uart_receive(struct uart *u)
{
    if (u->answer_at && host_ticks >= u->answer_at && !(u->typed && *u->typed)) {
        u->typed = u->answer;
        u->answer_at = 0;
    }
    if (!(u->typed && *u->typed) && u->looped[0]) {
        static char back[17];
        memcpy(back, u->looped, sizeof back);
        u->looped[0] = 0;
        u->typed = back;
    }
}

static u32 uart_in(struct uart *u, u32 reg)
{
    uart_receive(u);
    if (u->kind == ABSENT)
        return 0xff;
    if (u->kind == ZEROS)
        return 0;
    if (u->kind == LAST_WRITTEN)
        return last_written;
    bool divisor = u->lcr & 0x80;
    switch (reg) {
    case 0:
        return divisor ? u->divisor & 0xff : u->typed && *u->typed ? (u8)*u->typed++ : 0;
    case 1:
        return divisor ? u->divisor >> 8 : u->ier;
    case 2:
        return u->kind == UART_16550 ? 0xc1 : 0x01;
    case 3:
        return u->lcr;
    case 4:
        return u->mcr;
    case 5:
        if (u->stuck || host_ticks < u->full_until)
            return u->typed && *u->typed;
        u->room = u->kind == UART_16550 ? 16 : 1;
        return 0x60u | (u->typed && *u->typed);
    case 7:
        return u->kind == UART_8250 ? 0xff : u->scratch;
    }
    return 0;
}

static void uart_out(struct uart *u, u32 reg, u8 value)
{
    if (u->kind != UART_16550 && u->kind != UART_8250)
        return;
    bool divisor = u->lcr & 0x80;
    if (reg == 0 && divisor) {
        u->divisor = (u16)((u->divisor & 0xff00) | value);
    } else if (reg == 1 && divisor) {
        u->divisor = (u16)((u->divisor & 0xff) | value << 8);
    } else if (reg == 0) {
        u->overrun += u->room == 0;
        u->room -= u->room != 0;
        if (!u->room)
            u->full_until = host_ticks + (u64)u->drain_ms * TICKS_PER_MS;
        if (u->sent_count < sizeof u->sent - 1)
            u->sent[u->sent_count++] = (char)value;
        u->sent[u->sent_count] = 0;
        if (u->answer && u->sent_count >= 4 && !strcmp(u->sent + u->sent_count - 4, "\033[6n"))
            u->answer_at = host_ticks + 1 + (u64)u->answer_ms * TICKS_PER_MS;
        u64 length = strlen(u->looped);
        u64 waiting = length + (u->typed ? strlen(u->typed) : 0);
        if (u->loops && waiting < sizeof u->looped - 1)
            memcpy(u->looped + length, (char[]){(char)value, 0}, 2);
    } else if (reg == 1) {
        u->ier = value;
    } else if (reg == 2) {
        u->fcr = value;
    } else if (reg == 3) {
        u->lcr = value;
    } else if (reg == 4) {
        u->mcr = value;
    } else if (reg == 7) {
        u->scratch = value;
    }
}

static u32 i8042_in(u16 port)
{
    bool full = i8042.asked || (i8042.typed && *i8042.typed);
    if (port == 0x64)
        return 0x14u | full;
    if (!i8042.asked)
        return full ? (u8)*i8042.typed++ : 0;
    i8042.asked = false;
    return 0x47;
}

static u32 port_in(u16 port, u32 width)
{
    (void)width;
    if (i8042.there && (port == 0x60 || port == 0x64))
        return i8042_in(port);
    assert_true(++reads < 10000000);
    for (u32 i = 0; i < ARRAY_COUNT(uarts); i++)
        if (port >= uarts[i].port && port < uarts[i].port + 8)
            return uart_in(&uarts[i], port - uarts[i].port);
    if (port == 0xe9 && debugcon.there)
        return 0xe9;
    if (vga.there && port == 0x3d5)
        return vga.crtc[vga.crtc_index % 32];
    if (vga.there && port == 0x3cf)
        return vga.graphics ? 0x05 : 0x0e;
    return 0xff;
}

static void port_out(u16 port, u32 value, u32 width)
{
    (void)width;
    last_written = (u8)value;
    for (u32 i = 0; i < ARRAY_COUNT(uarts); i++)
        if (port >= uarts[i].port && port < uarts[i].port + 8)
            uart_out(&uarts[i], port - uarts[i].port, (u8)value);
    i8042.commands += port == 0x64;
    i8042.asked |= i8042.there && port == 0x64 && value == 0x20;
    if (port == 0xe9 && debugcon.count < sizeof debugcon.sent - 1)
        debugcon.sent[debugcon.count++] = (char)value;
    if (port == 0x3d4)
        vga.crtc_index = (u8)value;
    if (port == 0x3d5)
        vga.crtc[vga.crtc_index % 32] = (u8)value;
}

static void machine(enum kind first, enum kind second, bool text_mode)
{
    host_reset();
    memset(uarts, 0, sizeof uarts);
    memset(&vga, 0, sizeof vga);
    memset(&debugcon, 0, sizeof debugcon);
    memset(&i8042, 0, sizeof i8042);
    memset(mem_at(CELLS, 0x8000), 0x55, 0x8000);
    memset(mem_at(0x400, 256), 0, 256);
    uarts[0].port = 0x3f8;
    uarts[0].kind = first;
    uarts[1].port = 0x2f8;
    uarts[1].kind = second;
    uarts[0].divisor = uarts[1].divisor = 12; /* firmware's 9600 */
    uarts[0].lcr = uarts[1].lcr = 3;
    vga.there = text_mode;
    reads = 0;
    host_machine.in = port_in;
    host_machine.out = port_out;
}

static void open_list(const char *list)
{
    consoles_open(&no_boot, text_of(list));
    uarts[0].sent_count = uarts[1].sent_count = 0;
    uarts[0].sent[0] = uarts[1].sent[0] = 0;
}

/* ---- which are open ---------------------------------------------------------------------------------------------- */

/* Bits: who gets what is written, and 10h: the menu can be drawn. 80h: the log is another one. */
static u32 written_to(const char *list, const char *warning)
{
    char log[200] = "";
    bool shown = false;
    machine(UART_16550, UART_16550, true);
    debugcon.there = true;
    consoles_open(&no_boot, text_of(list));
    if (*warning)
        format_text(log, sizeof log, "shim: warning: %s\n", warning);
    if (strcmp(host_log(), log) || !consoles_opened())
        return 0x80;
    u32 first = uarts[0].sent_count, second = uarts[1].sent_count, debug = debugcon.count;
    console_write("\x01", 1);
    for (u32 cell = 0; cell < 2000; cell++)
        shown |= *(u8 *)mem_at(CELLS + 2 * cell, 1) == '?' && *(u8 *)mem_at(CELLS + 2 * cell + 2, 1) == ' ';
    return (first < uarts[0].sent_count) | (second < uarts[1].sent_count) << 1 | shown << 2 |
           (debug < debugcon.count) << 3 | consoles_interactive() << 4;
}

static void lists(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        bool first, second, vga, debugcon; /* get what is written */
        const char *log;
    } cases[] = {
        {"", true, false, true, true, ""},
        {"serial", true, false, false, false, ""},
        {"vga", false, false, true, false, ""},
        {"debugcon", false, false, false, true, ""},
        {"serial,vga", true, false, true, false, ""},
        {"vga,serial,debugcon", true, false, true, true, ""},
        {"serial=0x2f8", false, true, false, false, ""},
        {"serial=0x2f8,9600", false, true, false, false, ""},
        {"serial=760,115200,vga", false, true, true, false, ""},
        {"serial,115200", true, false, false, false, ""},
        {"serial,serial=0x2f8", true, true, false, false, ""},
        {"serial,serial", true, false, false, false, ""},
        {"none", false, false, false, false, ""},
        {"none,vga", false, false, true, false, ""},
        {"ttyS0,115200", true, false, true, true, ""}, /* Linux's: not for us */
        {"ttyS0", true, false, true, true, ""},
        {"hvc0", true, false, true, true, ""},
        {"ttyS0,115200n8", true, false, true, true, ""},
        {"vga,", false, false, true, false, ""},
        {"auto", true, false, true, true, ""}, /* about Linux's */
        {"auto,vga", false, false, true, false, ""},
        /* nothing of it is there: all that is found */
        {"fb", true, false, true, true, "console=fb: there is none here"},
        {"xen", true, false, true, true, "console=xen: there is none here"},
        {"serial=0x3e8", true, false, true, true, "console=serial=0x3e8: there is none here"},
        {"xen,vga", false, false, true, false, "console=xen: there is none here"},
        {"serail", true, false, true, true,
         "console=serail: expected serial, vga, fb, debugcon or none; did you mean \"serial\"?"},
        {"monitor", true, false, true, true, "console=monitor: expected serial, vga, fb, debugcon or none"},
        {"vga,com1", false, false, true, false, "console=com1: expected serial, vga, fb, debugcon or none"},
        {"serial=com1", true, false, true, true,
         "console=serial=com1: expected a port like 0x3f8\nshim: warning: console=serial=com1: there is none here"},
        {"serial=0x2f8,12345", false, true, false, false,
         "console=serial: 12345 baud, expected a rate that divides 115200"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        int status;
        pid_t child = fork(); /* a port once opened stays open */
        if (!child)
            _exit((int)written_to(cases[i].list, cases[i].log));
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        u32 expected = cases[i].first | cases[i].second << 1 | cases[i].vga << 2 | cases[i].debugcon << 3;
        assert_int_equal(WEXITSTATUS(status), expected | (expected & 7 ? 0x10 : 0));
    }
}

static void the_log_is_replayed(void **state)
{
    (void)state;
    machine(UART_16550, ABSENT, true);
    debugcon.there = true;
    consoles_open(&no_boot, text_of("none"));
    say("early");
    consoles_open(&no_boot, text_of(NULL));
    assert_string_equal(uarts[0].sent, "shim: early\r\n");
    say("late");
    assert_string_equal(uarts[0].sent, "shim: early\r\nshim: late\r\n");
    assert_string_equal(debugcon.sent, "shim: early\nshim: late\n");
    assert_int_equal(*(u8 *)mem_at(CELLS + 2 * (80 + 6), 1), 'l');
    assert_int_equal(uarts[0].overrun, 0);
}

static void the_log_keeps_the_newest(void **state)
{
    (void)state;
    machine(ABSENT, ABSENT, false);
    open_list("");
    for (u32 i = 0; i < 5000; i++)
        say("line %u", i);
    u64 length = strlen(host_log());
    assert_in_range(length, 8192, 16384);
    assert_string_equal(host_log() + length - 16, "shim: line 4999\n");
    static char block[20000];
    memset(block, 'x', sizeof block);
    console_write(block, sizeof block);
    assert_in_range(strlen(host_log()), 8192, 16384);
    console_log_clear();
    assert_string_equal(host_log(), "");
}

/* ---- serial ------------------------------------------------------------------------------------------------------ */

/* What a disk's text says must not move the cursor, ring the bell or forge a line of the log. */
static void no_control_characters_in_messages(void **state)
{
    (void)state;
    machine(UART_16550, ABSENT, false);
    open_list("serial");
    uarts[0].sent_count = 0;
    warn("volume \"%s\"", "\x1b[2J\a\rshim: booting\n\t\x7f\xc3\xa9\xc2\x9b" "2J\xc2\xa9");
    assert_string_equal(uarts[0].sent, "shim: warning: volume \"?[2J??shim: booting???\xc3\xa9??2J\xc2\xa9\"\r\n");
    uarts[0].sent_count = 0;
    warn("\xc2");
    assert_string_equal(uarts[0].sent, "shim: warning: ?\r\n"); /* nor half a character */
}

static void ports_of_nobody(void **state)
{
    (void)state;
    static const struct {
        enum kind kind;
        bool found, found_by_name;
    } cases[] = {{ABSENT, false, false}, {ZEROS, false, true}, {LAST_WRITTEN, false, false},
                 {UART_8250, false, true}, {UART_16550, true, true}};
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++)
        for (u32 named = 0; named < 2; named++) {
            machine(cases[i].kind, ABSENT, false);
            u64 before = host_ticks;
            open_list(named ? "serial" : "");
            assert_int_equal(consoles_interactive(), named ? cases[i].found_by_name : cases[i].found);
            say("to whoever listens");
            assert_int_equal(console_key(), KEY_NONE);
            console_leave();
            assert_true(host_ticks - before < 1200ull * TICKS_PER_MS);
        }
}

static void a_port_that_vanishes_or_stands_still(void **state)
{
    (void)state;
    static char text[5000];
    memset(text, 'x', sizeof text);
    machine(UART_16550, ABSENT, false);
    open_list("serial");
    uarts[0].stuck = true;
    u64 before = host_ticks;
    console_write(text, sizeof text);
    console_write(text, sizeof text);
    console_leave();
    assert_true(host_ticks - before < 700ull * TICKS_PER_MS); /* one wait, not thousands */
    uarts[0].stuck = false;
    uarts[0].sent_count = 0;
    console_write("back\n", 5);
    assert_string_equal(uarts[0].sent, "back\r\n");
    uarts[0].kind = ABSENT;
    before = host_ticks;
    console_write(text, sizeof text);
    assert_int_equal(console_key(), KEY_NONE);
    console_leave();
    assert_true(host_ticks - before < 700ull * TICKS_PER_MS);
}

/* 16 characters of 10 bits at 300 baud. */
static void the_slowest_line_loses_nothing(void **state)
{
    (void)state;
    machine(UART_16550, ABSENT, false);
    open_list("serial=0x3f8,300");
    uarts[0].drain_ms = 534;
    console_write("0123456789abcdef0123456789abcdef0123456789\n", 43);
    console_leave();
    assert_string_equal(uarts[0].sent, "0123456789abcdef0123456789abcdef0123456789\r\n");
    assert_int_equal(uarts[0].overrun, 0);
}

static void fifos_are_not_overrun(void **state)
{
    (void)state;
    for (enum kind kind = UART_16550; kind <= UART_8250; kind++) {
        machine(kind, ABSENT, false);
        open_list("serial");
        for (u32 i = 0; i < 100; i++)
            say("line %u", i);
        assert_int_equal(uarts[0].overrun, 0);
        assert_non_null(strstr(uarts[0].sent, "line 98\r\nshim: line 99\r\n"));
    }
}

static void rates(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        u16 before;
        u8 lcr_before;
        u16 divisor;
        u8 lcr;
    } cases[] = {
        {"serial", 12, 3, 12, 3},         /* what firmware has set stays */
        {"serial", 0, 0, 1, 3},           /* nothing set */
        {"serial", 0xffff, 3, 1, 3},
        {"serial", 12, 0x43, 12, 3},      /* a break that was left on */
        {"serial", 12, 0x1a, 12, 3},      /* seven bits are not enough */
        {"serial", 12, 0x1b, 12, 0x1b},   /* eight with parity are */
        {"serial=0x3f8,115200", 12, 3, 1, 3},
        {"serial=0x3f8,9600", 1, 0x1b, 12, 3},
        {"serial=0x3f8,300", 1, 3, 384, 3},
        {"serial=0x3f8,7", 12, 3, 12, 3}, /* no such rate: said, and left alone */
        {"serial=0x3f8,0", 12, 3, 12, 3},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        machine(UART_16550, ABSENT, false);
        uarts[0].divisor = cases[i].before;
        uarts[0].lcr = cases[i].lcr_before;
        open_list(cases[i].list);
        assert_int_equal(uarts[0].divisor, cases[i].divisor);
        assert_int_equal(uarts[0].lcr, cases[i].lcr);
        assert_int_equal(uarts[0].mcr, 3);
        assert_int_equal(uarts[0].fcr, 0xc1); /* on, nothing that waits is lost, and QEMU fills it by 14 bytes */
        assert_int_equal(uarts[0].ier, 0);
    }
}

static void keys_of_a_terminal(void **state)
{
    (void)state;
    machine(UART_16550, UART_16550, false);
    u32 rate = 0;
    bool typed = true;
    open_list("none");
    assert_int_equal(console_serial_port(&rate, &typed), 0);
    open_list("serial,serial=0x2f8,38400");
    assert_int_equal(console_key(), KEY_NONE);
    assert_int_equal(console_serial_port(&rate, &typed), 0x3f8);
    assert_int_equal(rate, 9600);
    assert_false(typed);
    uarts[0].typed = "a\033[A";
    uarts[1].typed = "\r\n";
    assert_int_equal(console_key(), 'a');
    assert_int_equal(console_key(), KEY_UP);
    assert_int_equal(console_key(), KEY_ENTER);
    assert_int_equal(console_key(), KEY_NONE);
    assert_int_equal(console_serial_port(&rate, &typed), 0x2f8);
    assert_int_equal(rate, 38400);
    assert_true(typed);
    /* the parts of one sequence, 40 ms from one another */
    static const char *const parts[] = {"\033", "[", "5"};
    for (u32 i = 0; i < ARRAY_COUNT(parts); i++) {
        uarts[0].typed = parts[i];
        assert_int_equal(console_key(), KEY_NONE);
        host_ticks += 40 * TICKS_PER_MS;
    }
    uarts[0].typed = "~";
    assert_int_equal(console_key(), KEY_PAGE_UP);
    /* a lone ESC shows after 50 ms */
    uarts[0].typed = "\033";
    assert_int_equal(console_key(), KEY_NONE);
    host_ticks += 60 * TICKS_PER_MS;
    assert_int_equal(console_key(), KEY_ESCAPE);
    assert_int_equal(console_key(), KEY_NONE);
}

static void sizes_of_terminals(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second; /* their answers */
        u32 rows, columns;
    } cases[] = {
        {"\033[50;132R", NULL, 24, 80}, /* who says nothing has 24 x 80 */
        {"\033[50;132R", "\033[40;100R", 40, 100},
        {"\033[40;132R", "\033[50;90R", 40, 90},
        {"\033[10;40R", "\033[50;90R", 10, 40},
        {NULL, NULL, 24, 80},
        {"\033[0;0R", NULL, 24, 80},
        {"50;132", "R", 24, 80},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        machine(UART_16550, UART_16550, true);
        open_list("serial,serial=0x2f8,vga");
        uarts[0].answer = cases[i].first;
        uarts[1].answer = cases[i].second;
        uarts[0].answer_ms = 30;
        u64 before = host_ticks;
        consoles_measure();
        assert_true(host_ticks - before < 100ull * TICKS_PER_MS);
        assert_int_equal(console_rows(), cases[i].rows < 25 ? cases[i].rows : 25); /* the screen's */
        assert_int_equal(console_columns(), cases[i].columns < 80 ? cases[i].columns : 80);
        while (console_key() != KEY_NONE)
            continue;
        open_list("serial,serial=0x2f8");
        consoles_measure();
        assert_int_equal(console_rows(), cases[i].rows);
        assert_int_equal(console_columns(), cases[i].columns);
        assert_string_equal(uarts[0].sent, "\0337\033[999;999H\033[6n\0338");
    }
}

/* What is typed before and while the terminal answers is not lost; an answer that comes late is no key. */
static void keys_around_the_question(void **state)
{
    (void)state;
    machine(UART_16550, UART_16550, false);
    open_list("serial,serial=0x2f8"); /* a port once opened stays open */
    uarts[0].typed = "a\033[A";
    uarts[0].answer = "b\033[30;90Rc";
    uarts[1].answer = "\033[60;200R";
    consoles_measure();
    assert_int_equal(console_rows(), 30);
    static const u32 expected[] = {'a', KEY_UP, 'b', 'c', KEY_NONE};
    for (u32 i = 0; i < ARRAY_COUNT(expected); i++)
        assert_int_equal(console_key(), expected[i]);
    uarts[0].answer_ms = 200;
    consoles_measure();
    assert_int_equal(console_rows(), 24);
    host_ticks += 200 * TICKS_PER_MS;
    assert_int_equal(console_key(), 'b');
    assert_int_equal(console_key(), 'c');
    assert_int_equal(console_key(), KEY_NONE);
    /* more than can be kept stays where it is */
    uarts[0].answer = NULL;
    uarts[0].typed = "0123456789abcdefghijklmnopqrstuvwxyz";
    consoles_measure();
    for (const char *p = "0123456789abcdefghijklmnopqrstuvwxyz"; *p; p++)
        assert_int_equal(console_key(), *p);
    assert_int_equal(console_key(), KEY_NONE);
}

/* On a slow line, too, no part of an answer or of an arrow is a key, but perhaps its ESC. */
static void sequences_in_pieces(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        u32 gap_ms;
        u32 keys[5];
    } cases[] = {
        {"\033[24;80R", 40, {0}},
        {"\033[24;80R", 300, {KEY_ESCAPE}},
        {"\033[1;5D", 40, {KEY_WORD_LEFT}},
        {"\033[1;5D", 300, {KEY_ESCAPE, KEY_WORD_LEFT}},
        {"\033[", 200, {KEY_ESCAPE, KEY_UNKNOWN}}, /* somebody typed that */
        {"\033[", 500, {KEY_ESCAPE, '['}},
        {"\033x[", 300, {KEY_ESCAPE, 'x', '['}},
        {"\033\033[A", 300, {KEY_ESCAPE, KEY_ESCAPE, KEY_UP}},
        {"\xe9[", 300, {KEY_UNKNOWN, '['}}, /* a terminal of Latin-1 */
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        u32 keys[8] = {0}, count = 0;
        machine(UART_16550, ABSENT, false);
        open_list("serial");
        for (const char *p = cases[i].bytes; *p; p++) {
            const char byte[] = {*p, 0};
            uarts[0].typed = byte;
            for (u32 ms = 0; ms < cases[i].gap_ms + (p[1] ? 0 : 2000); ms += 10, host_ticks += 10 * TICKS_PER_MS) {
                keys[count] = console_key();
                count += keys[count] != KEY_NONE;
            }
        }
        for (u32 k = 0; k < ARRAY_COUNT(cases[i].keys); k++)
            assert_int_equal(keys[k], cases[i].keys[k]);
    }
}

/* A line that stands still costs no second wait; one that sends everything back types nothing. */
static void lines_that_cannot_answer(void **state)
{
    (void)state;
    machine(UART_16550, ABSENT, false);
    open_list("serial");
    uarts[0].stuck = true;
    u64 before = host_ticks;
    consoles_measure();
    consoles_measure();
    assert_true(host_ticks - before < 800ull * TICKS_PER_MS);
    machine(UART_16550, ABSENT, false);
    open_list("serial");
    uarts[0].loops = true;
    say("0123456789abcdefghijklmnopqrstuvwxyz");
    consoles_measure();
    assert_non_null(strstr(host_log(), "serial port 3f8 sends back what it gets: its keys are ignored"));
    assert_int_equal(console_rows(), 24);
    say("0123456789abcdefghijklmnopqrstuvwxyz");
    for (u32 i = 0; i < 100; i++)
        assert_int_equal(console_key(), KEY_NONE);
    uarts[0].loops = false; /* somebody has taken the plug out */
    consoles_measure();
    uarts[0].typed = "x";
    assert_int_equal(console_key(), 'x');
}

static void drawing_on_a_terminal(void **state)
{
    (void)state;
    machine(UART_16550, ABSENT, false);
    debugcon.there = true;
    open_list("");
    console_leave();
    assert_string_equal(uarts[0].sent, ""); /* nothing drawn: nothing to take back */
    console_log_clear();
    console_clear();
    console_move(4, 9);
    console_attribute(ATTR_REVERSE);
    console_print("%s", "x");
    console_attribute(ATTR_BOLD);
    console_attribute(ATTR_DIM);
    console_attribute(ATTR_NORMAL);
    console_leave();
    console_leave();
    assert_string_equal(uarts[0].sent, "\033[?25l\033[0m\033[H\033[J" "\033[5;10H" "\033[0;7m" "x" "\033[0;1m"
                                       "\033[0;2m" "\033[0m" "\033[0m\033[?25h");
    assert_string_equal(host_log(), ""); /* cells are no log */
    assert_int_equal(debugcon.count, 0);
    assert_int_equal(console_rows(), 24);
    assert_int_equal(console_columns(), 80);
}

/* ---- VGA --------------------------------------------------------------------------------------------------------- */

static void assert_cells(u32 row, u32 column, const char *expected, u8 attribute)
{
    for (u32 i = 0; expected[i]; i++) {
        const u8 *cell = mem_at(CELLS + 2 * (row * 80 + column + i), 2);
        assert_int_equal(cell[0], (u8)expected[i]);
        assert_int_equal(cell[1], attribute);
    }
}

static u32 cursor(void)
{
    return (u32)vga.crtc[0x0e] << 8 | vga.crtc[0x0f];
}

static void show(const char *text)
{
    console_write(text, (u32)strlen(text));
}

static void open_screen(void)
{
    machine(ABSENT, ABSENT, true);
    open_list("vga");
}

static void text_on_the_screen(void **state)
{
    (void)state;
    char line[82];
    open_screen();
    show("first\nsecond");
    assert_cells(0, 0, "first   ", 0x07);
    assert_cells(1, 0, "second ", 0x07);
    assert_cells(24, 70, "          ", 0x07); /* what firmware left is gone */
    assert_int_equal(cursor(), 86);
    show("\rS\tx");
    assert_cells(1, 0, "S xond ", 0x07);
    /* a line of exactly 80 characters takes one row */
    memset(line, 'x', 80);
    memcpy(line + 80, "\n", 2);
    open_screen();
    show(line);
    show("y");
    assert_cells(1, 0, "y ", 0x07);
    open_screen();
    line[80] = 'z';
    show(line);
    assert_cells(1, 0, "z ", 0x07);
    /* scrolling */
    open_screen();
    for (u32 i = 0; i < 30; i++)
        say("line %u", i);
    assert_cells(0, 0, "shim: line 6 ", 0x07);
    assert_cells(23, 0, "shim: line 29 ", 0x07);
    assert_cells(24, 0, "             ", 0x07);
    assert_int_equal(cursor(), 24 * 80);
    /* nothing is written past the screen */
    assert_int_equal(*(u8 *)mem_at(CELLS + 4000, 1), 0x55);
}

static void drawing_on_the_screen(void **state)
{
    (void)state;
    open_screen();
    console_clear();
    console_move(3, 5);
    console_attribute(ATTR_REVERSE);
    console_print("reverse");
    console_attribute(ATTR_BOLD);
    console_print("bold");
    console_attribute(ATTR_DIM);
    console_print("dim");
    console_attribute(ATTR_NORMAL);
    assert_cells(3, 5, "reverse", 0x70);
    assert_cells(3, 12, "bold", 0x0f);
    assert_cells(3, 16, "dim", 0x08);
    console_move(1000, 1000);
    console_print("x");
    assert_cells(24, 79, "x", 0x07);
    console_attribute(ATTR_REVERSE);
    console_leave();
    console_move(0, 0);
    show("plain");
    assert_cells(0, 0, "plain", 0x07);
    consoles_measure();
    assert_int_equal(console_rows(), 25);
    console_clear();
    assert_cells(3, 5, "         ", 0x07);
    assert_int_equal(cursor(), 0);
}

static void the_cursor(void **state)
{
    (void)state;
    machine(UART_16550, ABSENT, true);
    vga.crtc[0x0a] = 0x2d; /* firmware's shape, and hidden */
    open_list("");
    console_cursor(false);
    assert_string_equal(uarts[0].sent, "\033[?25l");
    assert_int_equal(vga.crtc[0x0a], 0x2d); /* nothing is changed before the first write */
    show("x");
    assert_int_equal(vga.crtc[0x0a], 0x2d);
    console_cursor(true);
    assert_string_equal(uarts[0].sent, "\033[?25lx\033[?25h");
    assert_int_equal(vga.crtc[0x0a], 0x0d);
    assert_int_equal(cursor(), 1);
    console_clear();
    assert_int_equal(vga.crtc[0x0a], 0x2d);
    console_move(2, 3);
    assert_int_equal(cursor(), 163);
    assert_int_equal(vga.crtc[0x0a], 0x2d);
    console_leave();
    assert_int_equal(vga.crtc[0x0a], 0x0d);
    assert_int_equal(console_rows(), 24); /* the terminal's, which is smaller */
}

static void unicode_on_the_screen(void **state)
{
    (void)state;
    static const struct {
        const char *text, *cells;
    } cases[] = {
        {"Gr\xc3\xbc\xc3\x9f\x65", "Gr\x81\xe1" "e "},
        {"\xc3\xa4\xc3\xb6\xc3\x84\xc3\x96\xc3\x9c\xc3\xa9\xc3\xb1", "\x84\x94\x8e\x99\x9a\x82\xa4 "},
        {"\xc3\xa7\xc3\x87\xc3\xa5\xc3\x85\xc3\xa6\xc3\x86\xc3\xbf", "\x87\x80\x86\x8f\x91\x92\x98 "},
        {"\xc2\xa3\xc2\xa5\xc2\xb0\xc2\xb5\xc2\xbf\xc2\xab\xc2\xbb", "\x9c\x9d\xf8\xe6\xa8\xae\xaf "},
        {"\xc3\xb7\xc2\xbd\xc2\xbc\xc2\xb2\xc2\xb7\xc2\xa7", "\xf6\xab\xac\xfd\xfa? "},
        {"\xe2\x94\x80\xe2\x94\x82\xe2\x94\x8c\xe2\x95\x9d\xe2\x96\x88", "\xc4\xb3\xda\xbc\xdb "},
        {"\xe2\x80\x9cx\xe2\x80\x9d \xe2\x80\x93 \xe2\x86\x92", "\"x\" - \x1a "},
        {"\xe2\x82\xac\xf0\x9f\x90\xa7\xd0\x96", "??? "}, /* one cell each */
        {"a\xff\xfe" "b\x80", "a??b? "},
        {"\xe2\x82x\xc3", "x "}, /* cut short: nothing of it */
        {"\x01\x1b\x7f", "??? "},
        {"a\xc0\x8a" "b\xe0\x80\x8a", "a??b? "}, /* LF by too many bytes */
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        open_screen();
        show(cases[i].text);
        assert_cells(0, 0, cases[i].cells, 0x07);
        open_screen();
        for (const char *p = cases[i].text; *p; p++) /* a character may come in parts */
            console_write(p, 1);
        assert_cells(0, 0, cases[i].cells, 0x07);
    }
}

static void screens_that_are_none(void **state)
{
    (void)state;
    struct boot_info boot = {0};
    machine(ABSENT, ABSENT, false);
    open_list("vga");
    assert_false(consoles_interactive());
    machine(ABSENT, ABSENT, true);
    vga.graphics = true;
    open_list("vga");
    assert_false(consoles_interactive());
    machine(ABSENT, ABSENT, true);
    boot.framebuffer.width = 1024;
    consoles_open(&boot, text_of("vga"));
    assert_false(consoles_interactive());
    assert_int_equal(*(u8 *)mem_at(CELLS, 1), 0x55);
}

static void taller_screens(void **state)
{
    (void)state;
    static const struct {
        u8 columns, rows;
        u32 expected;
    } cases[] = {{80, 24, 25}, {80, 49, 50}, {80, 59, 60}, {80, 60, 25}, {80, 255, 25}, {132, 49, 25}, {0, 0, 25}};
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        machine(ABSENT, ABSENT, true);
        host_poke(0x44a, &cases[i].columns, 1);
        host_poke(0x484, &cases[i].rows, 1);
        open_list("vga");
        for (u32 n = 0; n < 100; n++)
            show("x\n");
        assert_int_equal(cursor(), (cases[i].expected - 1) * 80);
        consoles_measure();
        assert_int_equal(console_rows(), cases[i].expected);
        assert_int_equal(console_columns(), 80);
    }
}

/* A keyboard stands before a screen: nobody has to name it, and alone it is no console. */
static void keyboards_of_screens(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        bool screen;           /* there is one */
        bool keyboard, serial; /* whose keys arrive */
    } cases[] = {
        {"", true, true, true}, {"vga", true, true, false}, {"serial,vga", true, true, true},
        {"keyboard,vga", true, true, false}, {"serial", true, false, true}, {"none", true, false, false},
        {"debugcon", true, false, false}, {"", false, false, true}, {"vga", false, false, true},
        {"serial,keyboard", false, true, true}, {"keyboard", true, true, true}, {"fb", true, true, true},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        machine(UART_16550, ABSENT, cases[i].screen);
        i8042.there = true;
        i8042.typed = "\x1e\x9e\xe0\x48\xe0\xc8";
        open_list(cases[i].list);
        say("a keyboard shows nothing");
        assert_int_equal(i8042.commands, 0);
        assert_int_equal(console_key(), cases[i].keyboard ? 'a' : KEY_NONE);
        assert_int_equal(console_key(), cases[i].keyboard ? KEY_UP : KEY_NONE);
        uarts[0].typed = "x";
        assert_int_equal(console_key(), cases[i].serial ? 'x' : KEY_NONE);
        console_leave();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists),
        cmocka_unit_test(the_log_is_replayed),
        cmocka_unit_test(the_log_keeps_the_newest),
        cmocka_unit_test(no_control_characters_in_messages),
        cmocka_unit_test(ports_of_nobody),
        cmocka_unit_test(a_port_that_vanishes_or_stands_still),
        cmocka_unit_test(the_slowest_line_loses_nothing),
        cmocka_unit_test(fifos_are_not_overrun),
        cmocka_unit_test(rates),
        cmocka_unit_test(keys_of_a_terminal),
        cmocka_unit_test(sizes_of_terminals),
        cmocka_unit_test(keys_around_the_question),
        cmocka_unit_test(sequences_in_pieces),
        cmocka_unit_test(lines_that_cannot_answer),
        cmocka_unit_test(drawing_on_a_terminal),
        cmocka_unit_test(text_on_the_screen),
        cmocka_unit_test(drawing_on_the_screen),
        cmocka_unit_test(the_cursor),
        cmocka_unit_test(unicode_on_the_screen),
        cmocka_unit_test(screens_that_are_none),
        cmocka_unit_test(taller_screens),
        cmocka_unit_test(keyboards_of_screens),
    };
    return cmocka_run_group_tests_name("console", tests, NULL, NULL);
}
