/* fake_terminal.h: somebody at a terminal of 24 × 80 cells on the first serial port: types what a test says, and sees
 * what is sent. Behind host.h. */
#ifndef FAKE_TERMINAL_H
#define FAKE_TERMINAL_H

#include "base.h"

#define TERMINAL_ROWS 24u
#define TERMINAL_COLUMNS 80u
#define TERMINAL_PAUSE 0xff /* among typed bytes: nothing comes for 100 ms */

/* Plug it in and open the console; behind host_reset(). The screen is blank, nothing is typed. */
void terminal_open(void);

/* Type these bytes (kept by reference), and behind them `then` for ever, one of its bytes each 100 ms; then NULL: who
 * still waits is stuck, which aborts. */
void terminal_type(const void *keys, size_t length, const char *then);

/* The bytes that nobody has looked at. */
size_t terminal_left(void);

/* A row without the blanks at its end. Valid until the next call. */
const char *terminal_row(u32 row);

/* The rows that were scrolled off since terminal_open() (the last 256 KiB of them), and the screen down to its
 * cursor's, each with LF. */
const char *terminal_text(void);

/* Bytes that were sent since terminal_open(). */
extern u32 terminal_sent;

/* Where the cursor stands. */
extern u32 terminal_cursor_row, terminal_cursor_column;

#endif
