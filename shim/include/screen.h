/* screen.h: what is shown in full-screen mode, as cells. It is drawn anew each time, and only what changed is sent: at
 * 115200 baud a whole screen takes a fifth of a second, a moved highlight a hundredth. */
#ifndef SHIM_SCREEN_H
#define SHIM_SCREEN_H

#include "base.h"
#include "console.h"

#define SCREEN_ROWS_MAX 64u
#define SCREEN_COLUMNS_MAX 160u

/* Take the size of the smallest open console that draws (within the limits above; at least 24 × 80 are assumed), clear
 * the consoles. */
void screen_begin(void);

u32 screen_rows(void);
u32 screen_columns(void);

/* Start a new picture: every cell blank, no cursor. Nothing is sent before screen_show(). */
void screen_erase(void);

/* Draw UTF-8 text from (row, column) on, cut at the end of the row; text beyond the screen is ignored. Control
 * characters and what is no UTF-8 become `?`; wide or unknown characters take one cell. Gives the column behind it. */
u32 screen_text(u32 row, u32 column, enum attribute attribute, struct text text);

/* The same with printf's subset (print.h), at most 511 bytes. */
u32 screen_print(u32 row, u32 column, enum attribute attribute, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The rest of a row in one attribute, from column on. */
void screen_fill(u32 row, u32 column, enum attribute attribute);

/* Where the cursor is shown after screen_show(); without, it is hidden where the console can. */
void screen_cursor(u32 row, u32 column);

/* Send the cells that differ from what the consoles show. */
void screen_show(void);

/* Clear, and bring the consoles back to plain log output. */
void screen_end(void);

/* Cut off the first character of *text, which is not empty, as it is shown: `?` for each byte of what is no UTF-8, and
 * for characters that are not one cell wide on every terminal. */
u32 text_take(struct text *text);

/* Cells that text fills (one per character). Bytes of text that fill at most `cells` cells. Pure. */
u32 text_cells(struct text text);
u32 text_bytes_for(struct text text, u32 cells);

#endif
