/* cells.c: a screen of character cells (cells.h): cursor, line ends, scrolling, UTF-8, and a copy of what is shown,
 * because video memory is slow to write and slower to read.
 *
 * Left out: control characters but LF, CR and tab (a blank); characters of no or double width (one cell each).
 * Exercised by tests/unit/test_console.c (VGA) and tests/unit/test_fb.c.
 */
#include "cells.h"

struct cell {
    u8 glyph, attribute;
};

static struct {
    const struct cells_device *device;
    u32 rows, columns;
    u32 row, column; /* column == columns: behind a full row; what comes next begins another */
    u8 attribute;
    bool cleared; /* what firmware left is gone */
    bool cursor_shown;
    struct utf8 utf8; /* a character may go on in the next write */
} screen;

/* Not in BSS, which is zeroed on every boot: cleared with the screen. */
static struct cell shown[CELLS_ROWS_MAX * CELLS_COLUMNS_MAX] __attribute__((section(".noinit")));

void cells_begin(const struct cells_device *device, u32 rows, u32 columns)
{
    memset(&screen, 0, sizeof screen);
    screen.device = device;
    screen.rows = rows;
    screen.columns = columns;
    screen.cursor_shown = true;
}

void cells_draw(u32 at)
{
    screen.device->draw(at, shown[at].glyph, shown[at].attribute);
}

static void set_cell(u32 at, struct cell cell)
{
    if (shown[at].glyph == cell.glyph && shown[at].attribute == cell.attribute)
        return;
    shown[at] = cell;
    cells_draw(at);
}

static struct cell blank(void)
{
    return (struct cell){screen.device->glyph(' '), ATTR_NORMAL};
}

static void place_cursor(void)
{
    u32 column = screen.column < screen.columns ? screen.column : screen.columns - 1;
    screen.device->cursor(screen.row * screen.columns + column, screen.cursor_shown);
}

static void clear_all(void)
{
    screen.device->clear();
    for (u32 i = 0; i < screen.rows * screen.columns; i++)
        shown[i] = blank();
    screen.row = screen.column = screen.utf8.more = 0;
    screen.attribute = ATTR_NORMAL;
    screen.cleared = true;
}

static void new_line(void)
{
    screen.column = 0;
    if (++screen.row < screen.rows)
        return;
    screen.row = screen.rows - 1;
    u32 last = screen.row * screen.columns;
    for (u32 i = 0; i < last; i++)
        set_cell(i, shown[i + screen.columns]);
    for (u32 i = 0; i < screen.columns; i++)
        set_cell(last + i, blank());
}

static void put_glyph(u8 glyph)
{
    if (screen.column == screen.columns) /* only now: a line as long as the row does not leave an empty one */
        new_line();
    set_cell(screen.row * screen.columns + screen.column++, (struct cell){glyph, screen.attribute});
}

static void put_byte(u8 byte)
{
    u32 c = utf8_feed(&screen.utf8, byte);
    if (c == UTF8_MORE)
        return;
    if (c == '\n')
        new_line();
    else if (c == '\r')
        screen.column = 0;
    else
        put_glyph(screen.device->glyph(c == '\t' ? ' ' : c));
}

void cells_write(const char *text, u32 len)
{
    if (!screen.cleared)
        clear_all();
    for (u32 i = 0; i < len; i++)
        put_byte((u8)text[i]);
    place_cursor();
}

/* For drawing, which shows the cursor when it wants one. */
void cells_clear(void)
{
    clear_all();
    cells_cursor(false);
}

void cells_move(u32 row, u32 column)
{
    screen.row = row < screen.rows ? row : screen.rows - 1;
    screen.column = column < screen.columns ? column : screen.columns - 1;
    screen.utf8.more = 0;
    if (screen.cleared)
        place_cursor();
}

void cells_attribute(enum attribute attribute)
{
    screen.attribute = (u8)attribute;
}

void cells_cursor(bool visible)
{
    screen.cursor_shown = visible;
    if (screen.cleared)
        place_cursor();
}

void cells_leave(void)
{
    screen.attribute = ATTR_NORMAL;
    cells_cursor(true);
}

void cells_size(u32 *rows, u32 *columns)
{
    *rows = screen.rows;
    *columns = screen.columns;
}
