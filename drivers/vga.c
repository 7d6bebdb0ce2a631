/* vga.c: the VGA text screen, 80 × 25 cells at B8000h (IBM VGA technical reference; FreeVGA "CRT controller registers").
 *
 * Used only where a text mode is on: not when the loader gave a linear framebuffer, nor when nothing answers at the
 * registers or in the cells. Exercise: tests/unit/test_console.c.
 */
#include "console.h"
#include "io.h"
#include "memory.h"

#define CELLS 0xb8000u
#define ROWS 25u
#define COLUMNS 80u
#define CRTC_INDEX 0x3d4u
#define CRTC_DATA 0x3d5u
#define CRTC_CURSOR_START 0x0a /* bit 5: cursor off */
#define CRTC_CURSOR_HIGH 0x0e
#define CRTC_CURSOR_LOW 0x0f
#define GRAPHICS_INDEX 0x3ceu
#define GRAPHICS_DATA 0x3cfu
#define GRAPHICS_MISC 6 /* bit 0: graphics mode */

static const u8 colours[] = {0x07, 0x0f, 0x70, 0x08};

static u32 row, column;
static u8 colour = 0x07;
static u32 utf8_left, utf8_value;

static volatile u16 *cell(u32 r, u32 c)
{
    return (volatile u16 *)mem_at(CELLS, ROWS * COLUMNS * 2) + r * COLUMNS + c;
}

static u8 crtc_read(u8 index)
{
    io_out8(CRTC_INDEX, index);
    return io_in8(CRTC_DATA);
}

static void crtc_write(u8 index, u8 value)
{
    io_out8(CRTC_INDEX, index);
    io_out8(CRTC_DATA, value);
}

static bool registers_answer(void)
{
    u8 before = crtc_read(CRTC_CURSOR_LOW);
    crtc_write(CRTC_CURSOR_LOW, 0x55);
    bool first = crtc_read(CRTC_CURSOR_LOW) == 0x55;
    crtc_write(CRTC_CURSOR_LOW, 0xaa);
    bool second = crtc_read(CRTC_CURSOR_LOW) == 0xaa;
    crtc_write(CRTC_CURSOR_LOW, before);
    io_out8(GRAPHICS_INDEX, GRAPHICS_MISC);
    return first && second && !(io_in8(GRAPHICS_DATA) & 1);
}

static bool cells_answer(void)
{
    volatile u16 *first = cell(0, 0);
    u16 before = *first;
    *first = 0x0755;
    bool kept = *first == 0x0755;
    *first = 0x07aa;
    kept &= *first == 0x07aa;
    *first = before;
    return kept;
}

static void show_cursor(void)
{
    u32 at = row * COLUMNS + column;
    crtc_write(CRTC_CURSOR_HIGH, (u8)(at >> 8));
    crtc_write(CRTC_CURSOR_LOW, (u8)at);
}

static void blank_row(u32 r)
{
    for (u32 c = 0; c < COLUMNS; c++)
        *cell(r, c) = 0x0720;
}

static void vga_clear(void)
{
    for (u32 r = 0; r < ROWS; r++)
        blank_row(r);
    row = column = 0;
    show_cursor();
}

static bool vga_open(const struct boot_info *boot, struct text option, bool wanted)
{
    (void)option, (void)wanted;
    if ((boot && boot->framebuffer.width) || !registers_answer() || !cells_answer())
        return false;
    crtc_write(CRTC_CURSOR_START, crtc_read(CRTC_CURSOR_START) & 0xdf);
    vga_clear();
    return true;
}

static void new_line(void)
{
    column = 0;
    if (++row < ROWS)
        return;
    row = ROWS - 1;
    for (u32 i = 0; i < (ROWS - 1) * COLUMNS; i++)
        *cell(0, i) = *cell(1, i);
    blank_row(ROWS - 1);
}

/* Latin-1 A0h-FFh in code page 437, 0 where it has no such character. */
static const u8 latin1[96] = {
    0x20, 0xad, 0x9b, 0x9c, 0,    0x9d, 0,    0x15, 0,    0,    0xa6, 0xae, 0xaa, 0,    0,    0,
    0xf8, 0xf1, 0xfd, 0,    0,    0xe6, 0x14, 0xfa, 0,    0,    0xa7, 0xaf, 0xac, 0xab, 0,    0xa8,
    'A',  'A',  'A',  'A',  0x8e, 0x8f, 0x92, 0x80, 'E',  0x90, 'E',  'E',  'I',  'I',  'I',  'I',
    'D',  0xa5, 'O',  'O',  'O',  'O',  0x99, 'x',  'O',  'U',  'U',  'U',  0x9a, 'Y',  0,    0xe1,
    0x85, 0xa0, 0x83, 'a',  0x84, 0x86, 0x91, 0x87, 0x8a, 0x82, 0x88, 0x89, 0x8d, 0xa1, 0x8c, 0x8b,
    0,    0xa4, 0x95, 0xa2, 0x93, 'o',  0x94, 0xf6, 'o',  0x97, 0xa3, 0x96, 0x81, 'y',  0,    0x98,
};

static u8 glyph_of(u32 c)
{
    if (c >= 0x20 && c < 0x7f)
        return (u8)c;
    if (c >= 0xa0 && c < 0x100 && latin1[c - 0xa0])
        return latin1[c - 0xa0];
    return '?';
}

static void put_character(u32 c)
{
    if (c == '\n') {
        new_line();
    } else if (c == '\r') {
        column = 0;
    } else if (c == '\t') {
        column = (u32)min_u64(align_down(column + 8, 8), COLUMNS - 1);
    } else {
        if (column == COLUMNS)
            new_line();
        *cell(row, column++) = (u16)(colour << 8 | glyph_of(c));
    }
}

static void vga_write(const char *text, u32 len)
{
    for (u32 i = 0; i < len; i++) {
        u8 b = (u8)text[i];
        if (b < 0x80) {
            utf8_left = 0;
            put_character(b);
        } else if (b >= 0xc0) {
            utf8_left = b >= 0xf0 ? 3 : b >= 0xe0 ? 2 : 1;
            utf8_value = b & (0x3fu >> utf8_left);
        } else if (utf8_left) {
            utf8_value = utf8_value << 6 | (b & 0x3f);
            if (!--utf8_left)
                put_character(utf8_value);
        }
    }
    show_cursor();
}

static void vga_move(u32 r, u32 c)
{
    row = (u32)min_u64(r, ROWS - 1);
    column = (u32)min_u64(c, COLUMNS - 1);
}

static void vga_attribute(enum attribute attribute)
{
    colour = colours[attribute];
}

static void vga_leave(void)
{
    colour = colours[ATTR_NORMAL];
    show_cursor();
}

const struct console console_vga = {
    .name = "vga",
    .open = vga_open,
    .write = vga_write,
    .clear = vga_clear,
    .move = vga_move,
    .attribute = vga_attribute,
    .leave = vga_leave,
    .rows = ROWS,
    .columns = COLUMNS,
};
