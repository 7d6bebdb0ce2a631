/* screen.c: a picture made of cells, of which only what changed is sent (screen.h).
 *
 * A cell is one character and its attribute. Characters that not every terminal shows in one cell, from left to right
 * (East Asian wide ones, combining marks, Arabic, emoji), become `?`: else the rest of the row would stand elsewhere
 * than we think. The last cell of the last row is never sent: some terminals scroll when it is written. Exercise:
 * tests/unit/test_screen.c.
 */
#include "screen.h"
#include "print.h"

#define ROWS_MIN 24u
#define COLUMNS_MIN 80u
#define CELL(attribute, code) ((u16)((attribute) << 14 | (code)))
#define CELL_CODE 0x3fffu
#define BLANK CELL(ATTR_NORMAL, ' ')
#define GAP_MAX 6u /* cells that are cheaper sent again than moved over: a move takes 6 to 9 bytes */

/* Filled by screen_begin(). */
static u16 shown[SCREEN_ROWS_MAX][SCREEN_COLUMNS_MAX] __attribute__((section(".noinit")));
static u16 next[SCREEN_ROWS_MAX][SCREEN_COLUMNS_MAX] __attribute__((section(".noinit")));

struct cursor {
    bool on;
    u32 row, column;
};

static struct {
    u32 rows, columns;
    struct cursor cursor, shown_cursor;
    enum attribute attribute; /* that the consoles are set to */
} screen;

/* ---- characters -------------------------------------------------------------------------------------------------- */

/* One cell wide everywhere: Latin, Greek, Cyrillic, Armenian, Georgian; punctuation, signs, lines and blocks. */
static bool is_plain(u32 code)
{
    static const u16 ranges[][2] = {
        {0x20, 0x7e},     {0xa0, 0xac},     {0xae, 0x2ff},    {0x370, 0x482},   {0x48a, 0x58f},   {0x10a0, 0x10ff},
        {0x1e00, 0x1fff}, {0x2010, 0x2027}, {0x2030, 0x205e}, {0x2070, 0x20cf}, {0x2100, 0x2319}, {0x2500, 0x25fc},
    };
    for (u32 i = 0; i < ARRAY_COUNT(ranges); i++)
        if (code >= ranges[i][0] && code <= ranges[i][1])
            return true;
    return false;
}

u32 text_take(struct text *t)
{
    u32 code, n = utf8_first(*t, &code);
    bool plain = n && is_plain(code);
    n += !n;
    t->at += n;
    t->len -= n;
    return plain ? code : '?';
}

u32 text_cells(struct text text)
{
    u32 cells = 0;
    for (; text.len; cells++)
        text_take(&text);
    return cells;
}

u32 text_bytes_for(struct text text, u32 cells)
{
    u32 before = text.len;
    while (text.len && cells--)
        text_take(&text);
    return before - text.len;
}

/* ---- the picture ------------------------------------------------------------------------------------------------- */

static u32 limit(u32 n, u32 least, u32 most)
{
    return n < least ? least : n > most ? most : n;
}

void screen_begin(void)
{
    consoles_measure();
    screen.rows = limit(console_rows(), ROWS_MIN, SCREEN_ROWS_MAX);
    screen.columns = limit(console_columns(), COLUMNS_MIN, SCREEN_COLUMNS_MAX);
    screen_erase();
    memcpy(shown, next, sizeof shown);
    screen.attribute = ATTR_NORMAL;
    console_attribute(ATTR_NORMAL);
    console_clear();
    screen.shown_cursor.on = false;
    console_cursor(false);
}

u32 screen_rows(void)
{
    return screen.rows;
}

u32 screen_columns(void)
{
    return screen.columns;
}

void screen_erase(void)
{
    for (u32 row = 0; row < SCREEN_ROWS_MAX; row++)
        for (u32 column = 0; column < SCREEN_COLUMNS_MAX; column++)
            next[row][column] = BLANK;
    screen.cursor.on = false;
}

static void set_cell(u32 row, u32 column, enum attribute attribute, u32 code)
{
    if (code == ' ' && attribute != ATTR_REVERSE)
        attribute = ATTR_NORMAL; /* they look the same, and then are the same */
    next[row][column] = CELL(attribute, code);
}

u32 screen_text(u32 row, u32 column, enum attribute attribute, struct text text)
{
    if (row >= screen.rows)
        return column;
    for (; text.len && column < screen.columns; column++)
        set_cell(row, column, attribute, text_take(&text));
    return column;
}

u32 screen_print(u32 row, u32 column, enum attribute attribute, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    format_text_v(text, sizeof text, format, args);
    va_end(args);
    return screen_text(row, column, attribute, text_of(text));
}

void screen_fill(u32 row, u32 column, enum attribute attribute)
{
    for (; row < screen.rows && column < screen.columns; column++)
        set_cell(row, column, attribute, ' ');
}

void screen_cursor(u32 row, u32 column)
{
    screen.cursor = (struct cursor){true, row, column};
}

/* ---- sending it -------------------------------------------------------------------------------------------------- */

static void set_attribute(enum attribute attribute)
{
    if (screen.attribute != attribute)
        console_attribute(attribute);
    screen.attribute = attribute;
}

static bool is_changed(u32 row, u32 column)
{
    return next[row][column] != shown[row][column] && (row + 1 < screen.rows || column + 1 < screen.columns);
}

/* A blank looks the same in every attribute but reverse: between words it costs no change of attributes. */
static bool looks_like(u16 cell, u32 attribute)
{
    return cell >> 14 == attribute || (cell == BLANK && attribute != ATTR_REVERSE);
}

/* The end of the run of changed cells that begins at column: short gaps that cost no attribute belong to it. */
static u32 run_end(u32 row, u32 column)
{
    u32 end = column + 1;
    for (u32 i = end; i < screen.columns && i <= end + GAP_MAX; i++) {
        if (is_changed(row, i))
            end = i + 1;
        else if (!looks_like(next[row][i], next[row][end - 1] >> 14))
            break;
    }
    return end;
}

static void send_run(u32 row, u32 from, u32 end)
{
    char bytes[SCREEN_COLUMNS_MAX * 3 + 1]; /* no code takes four */
    console_move(row, from);
    while (from < end) {
        u32 attribute = next[row][from] >> 14, used = 0;
        if (looks_like(next[row][from], screen.attribute))
            attribute = screen.attribute;
        for (; from < end && looks_like(next[row][from], attribute); from++)
            used += utf8_put(next[row][from] & CELL_CODE, bytes + used);
        set_attribute((enum attribute)attribute);
        console_print("%.*s", (int)used, bytes);
    }
}

/* True when anything was sent. */
static bool send_row(u32 row)
{
    bool sent = false;
    for (u32 column = 0; column < screen.columns; column++)
        if (is_changed(row, column)) {
            u32 end = run_end(row, column);
            send_run(row, column, end);
            sent = true;
            column = end - 1;
        }
    return sent;
}

void screen_show(void)
{
    const struct cursor *cursor = &screen.cursor, *before = &screen.shown_cursor;
    bool moved = false;
    for (u32 row = 0; row < screen.rows; row++)
        moved |= send_row(row);
    memcpy(shown, next, sizeof shown);
    set_attribute(ATTR_NORMAL);
    if (cursor->on && (moved || !before->on || cursor->row != before->row || cursor->column != before->column))
        console_move(cursor->row, cursor->column);
    if (cursor->on != before->on)
        console_cursor(cursor->on);
    screen.shown_cursor = *cursor;
}

void screen_end(void)
{
    console_clear();
    console_leave();
}
