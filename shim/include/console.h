/* console.h: log text and the menu's cells, on every console at once; keys from any of them. */
#ifndef SHIM_CONSOLE_H
#define SHIM_CONSOLE_H

#include "base.h"
#include "boot_info.h"

/* Keys: characters are their Unicode numbers (0x20 … 0x7e, 0xa0 … 0x10ffff), Ctrl-A … Ctrl-Z are 1 … 26 (which makes
 * Ctrl-H Backspace, Ctrl-I Tab, Ctrl-M Enter), others have numbers above all characters. 0: no key. */
enum key {
    KEY_NONE = 0,
    KEY_BACKSPACE = 8,
    KEY_TAB = 9,
    KEY_ENTER = 13,
    KEY_ESCAPE = 27,
    KEY_UP = 0x200000,
    KEY_DOWN,
    KEY_LEFT,
    KEY_RIGHT,
    KEY_HOME,
    KEY_END,
    KEY_PAGE_UP,
    KEY_PAGE_DOWN,
    KEY_DELETE,
    KEY_INSERT,
    KEY_WORD_LEFT,  /* Ctrl- or Alt-Left, Alt-B */
    KEY_WORD_RIGHT, /* Ctrl- or Alt-Right, Alt-F */
    KEY_UNKNOWN, /* a sequence nobody knows: stops the countdown, means nothing */
};

#define KEY_CTRL(letter) ((u32)(letter) & 0x1f)

enum attribute { ATTR_NORMAL, ATTR_BOLD, ATTR_REVERSE, ATTR_DIM };

/* One console: one file, one line in tables.h. Any function but open may be NULL. One without write is a keyboard of
 * the machine's: it is opened, and its keys count, where a console is open that draws and has no keys of its own. */
struct console {
    const char *name; /* as in console=: "serial", "vga" */

    /* Look for the device and make it ready. option: what stands behind "serial=" (empty: defaults). wanted: it was
     * named in console=. False when it is not there; never hangs. */
    bool (*open)(const struct boot_info *boot, struct text option, bool wanted);

    /* Plain text with LF line ends, UTF-8, at the cursor; scrolls. */
    void (*write)(const char *text, u32 len);

    /* Menu drawing. Rows and columns from 0. Text written after move() stays on its line. clear() hides the cursor. */
    void (*clear)(void);
    void (*move)(u32 row, u32 column);
    void (*attribute)(enum attribute attribute);

    /* Show or hide the cursor. */
    void (*cursor)(bool shown);

    /* Next decoded key or KEY_NONE; never waits longer than the few ms an escape sequence takes. */
    u32 (*key)(void);

    /* Rows and columns as they are now; what cannot be told stays as it is. May ask a terminal and wait for it, a
     * twentieth of a second. */
    void (*size)(u32 *rows, u32 *columns);

    /* Ready for what comes after us: everything sent, attributes off, cursor shown. */
    void (*leave)(void);
};

/* Open the consoles that `list` names (contract §2 console=), or every one found when it is empty. Before, log text is
 * kept and then shown. Unknown names are warned of; a list of which nothing is there counts as empty, but for
 * "none". */
void consoles_open(const struct boot_info *boot, struct text list);

/* True once consoles_open() has run (even if it found none). */
bool consoles_opened(void);

/* True when at least one console can draw the menu. */
bool consoles_interactive(void);

/* Log text: to all open consoles, and kept. */
void console_write(const char *text, u32 len);

/* The menu's cells: to all open consoles that can draw, and not kept. console_print() is cut at 511 bytes. */
void console_clear(void);
void console_move(u32 row, u32 column);
void console_attribute(enum attribute attribute);
void console_cursor(bool shown);
void console_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The next key from any console, KEY_NONE when there is none right now. */
u32 console_key(void);

/* True when console_key() has one: what is to be drawn can wait for it. Not for ever: now and then it says false. */
bool console_key_waits(void);

/* True when console `name` ("serial", "vga", "fb") is open. */
bool console_is_open(const char *name);

/* The serial port that the user is at: that of the last key, else the first; its baud, and whether there was a key. 0:
 * none is open. */
u16 console_serial_port(u32 *rate, bool *typed);

/* Ask the open consoles that can draw for their size, when drawing on the whole screen begins and before anything is
 * drawn (it may warn). */
void consoles_measure(void);

/* Smallest rows and columns of the open consoles that can draw, as last measured; 24 and 80 where nothing is known. */
u32 console_rows(void);
u32 console_columns(void);

/* What was written with console_write() so far, the last 16 KiB of it, NUL-terminated. */
const char *console_log_text(void);
void console_log_clear(void);

/* Bring every console back to plain text output, all of it sent: attributes off, cursor shown. */
void console_leave(void);

/* Terminal key decoder, pure: feed bytes, get keys. One per byte-stream console. */
struct key_decoder {
    u8 pending[16]; /* an unfinished sequence */
    u32 count;
    struct utf8 utf8;  /* it is a character's */
    u32 string;        /* bytes of a control string so far */
    bool after_return; /* the last byte was CR: an LF right behind it is the same key */
    u32 report_row, report_column; /* where the last cursor report said the cursor is, from 1; 0: none came */
};

/* Next key, or KEY_NONE while a sequence is incomplete; ESC [ A, ESC O A,
 * ESC [ 5 ~, ESC [ 1 ; 5 D …, Alt as ESC before a letter, UTF-8; CR or LF (CR LF is one) → KEY_ENTER; 0x7f →
 * KEY_BACKSPACE; unknown sequences are swallowed whole → KEY_UNKNOWN. What terminals send by themselves is no key: a
 * cursor report (ESC [ row ; column R), which is kept, control strings, the brackets of pasted text. */
u32 key_decode(struct key_decoder *decoder, u8 byte);

/* No byte came for 50 ms: a lone ESC is KEY_ESCAPE; other unfinished input is KEY_UNKNOWN; KEY_NONE when nothing
 * waits. */
u32 key_decode_timeout(struct key_decoder *decoder);

#endif
