/* line_edit.h: one line of text being edited: pure, without a console. */
#ifndef SHIM_LINE_EDIT_H
#define SHIM_LINE_EDIT_H

#include "base.h"

#define LINE_EDIT_MAX 4096u /* bytes of text with its NUL */

struct line_edit {
    u32 length, cursor;         /* bytes; the cursor never stands inside a character */
    u32 first;                  /* byte of the first character shown: long lines scroll */
    char text[LINE_EDIT_MAX];   /* UTF-8 without control characters, NUL-terminated */
    char killed[LINE_EDIT_MAX]; /* what was cut last, for yank */
};

/* Begin with `text` (cut when too long, as line_edit_insert() takes it), the cursor behind it. What was cut before can
 * still be put back: *edit is zeroed before the first time. */
void line_edit_begin(struct line_edit *edit, struct text text);

/* Take a key (console.h). True when it was one of ours: characters, Backspace, Delete, Left, Right, Home, End, Ctrl-A,
 * Ctrl-E, Ctrl-B, Ctrl-F, Ctrl-D, Ctrl-K, Ctrl-U, Ctrl-W, Ctrl-Y, and the word moves KEY_WORD_LEFT and KEY_WORD_RIGHT.
 * False, nothing changed: Enter, Escape, Tab, Up, Down and unknown keys are the caller's. */
bool line_edit_key(struct line_edit *edit, u32 key);

/* Put text in at the cursor as if it were typed: tabs and line ends become blanks, other control characters and what
 * does not fit are left out. */
void line_edit_insert(struct line_edit *edit, struct text text);

/* The part to show in `cells` columns (at least 3) so that the cursor is in sight, moving `first` as little as needed,
 * and no column is left empty while there is text in front; *cursor: its column in that part. */
struct text line_edit_window(struct line_edit *edit, u32 cells, u32 *cursor);

#endif
