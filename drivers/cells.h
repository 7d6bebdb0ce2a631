/* cells.h: a screen of character cells, for what shows one: the VGA's text mode or a framebuffer, of which a machine
 * has one at a time. Text in; glyphs at places out, and only those that change. Video memory is never read. */
#ifndef CELLS_H
#define CELLS_H

#include "base.h"
#include "console.h"

#define CELLS_ROWS_MAX 64u
#define CELLS_COLUMNS_MAX 160u

/* A place is row * columns + column. */
struct cells_device {
    /* All of the screen black. */
    void (*clear)(void);

    /* The number of what shows character c, which is no control character; glyph(' ') is blank. */
    u8 (*glyph)(u32 c);

    void (*draw)(u32 at, u8 glyph, enum attribute attribute);

    /* The cursor is at this place now, or nowhere. Called again when the cell there has been drawn. */
    void (*cursor)(u32 at, bool shown);
};

/* Begin with a screen of this size (at most the limits above, at least one cell); the first write clears it. */
void cells_begin(const struct cells_device *device, u32 rows, u32 columns);

/* Draw the cell at this place once more, without the cursor. */
void cells_draw(u32 at);

/* The functions of a struct console (console.h). UTF-8 may be split over writes; what is none shows as `?`. */
void cells_write(const char *text, u32 len);
void cells_clear(void);
void cells_move(u32 row, u32 column);
void cells_attribute(enum attribute attribute);
void cells_cursor(bool shown);
void cells_leave(void);
void cells_size(u32 *rows, u32 *columns);

#endif
