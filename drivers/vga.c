/* vga.c: the VGA's text mode as a console (console.h): cells at B8000h, cursor by the CRTC.
 *
 * IBM VGA technical reference (1992): CRTC 3D4h/3D5h, graphics controller 3CEh/3CFh. Opened only where a text mode is
 * on: on UEFI machines, on microvm and under Xen there is none. Text is code page 437. Keys: none; they are a
 * keyboard's.
 * Exercised by tests/unit/test_console.c.
 */
#include "cells.h"
#include "io.h"
#include "memory.h"

#define CRTC_INDEX 0x3d4
#define CRTC_CURSOR_START 0x0a
#define CURSOR_OFF 0x20u
#define CRTC_CURSOR_HIGH 0x0e
#define CRTC_CURSOR_LOW 0x0f
#define GRAPHICS_INDEX 0x3ce
#define GRAPHICS_MISC 0x06      /* bit 0: graphics; bits 2-3: 3 maps B8000-BFFFF */
#define GRAPHICS_MISC_TEXT 0x0c
#define GRAPHICS_MISC_MASK 0x0d

#define CELLS 0xb8000u
#define CELLS_SIZE 0x8000u
#define BDA_COLUMNS 0x44au /* BIOS data area: u16 columns; u8 rows - 1 */
#define BDA_ROWS 0x484u
#define ROWS_MAX 60u
#define COLUMNS 80u

static const u8 colours[] = {[ATTR_NORMAL] = 0x07, [ATTR_BOLD] = 0x0f, [ATTR_REVERSE] = 0x70, [ATTR_DIM] = 0x08};

static u32 cells_used;
static enum { UNKNOWN, HIDDEN, SHOWN } cursor; /* what the CRTC was told */

static u8 indexed_read(u16 index_port, u8 index)
{
    io_out8(index_port, index);
    return io_in8((u16)(index_port + 1));
}

static void indexed_write(u16 index_port, u8 index, u8 value)
{
    io_out8(index_port, index);
    io_out8((u16)(index_port + 1), value);
}

static volatile u16 *cells(void)
{
    return mem_at(CELLS, CELLS_SIZE);
}

static bool crtc_there(void)
{
    u8 before = indexed_read(CRTC_INDEX, CRTC_CURSOR_LOW);
    indexed_write(CRTC_INDEX, CRTC_CURSOR_LOW, (u8)~before);
    u8 after = indexed_read(CRTC_INDEX, CRTC_CURSOR_LOW);
    indexed_write(CRTC_INDEX, CRTC_CURSOR_LOW, before);
    return (after ^ before) == 0xff;
}

static bool cells_there(void)
{
    volatile u16 *cell = cells();
    u16 before = *cell;
    *cell = (u16)~before;
    u16 after = *cell;
    *cell = before;
    return (after ^ before) == 0xffff;
}

/* The rows of an 80-column mode as the BIOS data area has them, where it makes sense; 25 otherwise. */
static u32 rows_now(void)
{
    const struct PACKED {
        u16 columns;
    } *columns = mem_at(BDA_COLUMNS, 2);
    u32 rows = *(const u8 *)mem_at(BDA_ROWS, 1) + 1u;
    return columns->columns == COLUMNS && rows > 25 && rows <= ROWS_MAX ? rows : 25;
}

static void vga_clear(void)
{
    volatile u16 *cell = cells();
    for (u32 i = 0; i < cells_used; i++)
        cell[i] = (u16)(colours[ATTR_NORMAL] << 8 | ' ');
    cursor = UNKNOWN;
}

/* Unicode → code page 437: Latin-1 from A0h, then lines, blocks and arrows. */
static u8 vga_glyph(u32 c)
{
    static const u8 latin[] = "\xff\xad\x9b\x9c?\x9d??" "??\xa6\xae\xaa???"               /* A0h */
                              "\xf8\xf1\xfd??\xe6?\xfa" "??\xa7\xaf\xac\xab?\xa8"          /* B0h */
                              "????\x8e\x8f\x92\x80" "?\x90??????"                         /* C0h */
                              "?\xa5????\x99?" "????\x9a??\xe1"                            /* D0h */
                              "\x85\xa0\x83?\x84\x86\x91\x87" "\x8a\x82\x88\x89\x8d\xa1\x8c\x8b" /* E0h */
                              "?\xa4\x95\xa2\x93?\x94\xf6" "?\x97\xa3\x96\x81??\x98";     /* F0h */
    static const struct {
        u16 code;
        u8 cell;
    } others[] = {
        {0x2013, '-'},  {0x2014, '-'},  {0x2018, '\''}, {0x2019, '\''}, {0x201c, '"'},  {0x201d, '"'},  {0x2022, 0x07},
        {0x2190, 0x1b}, {0x2191, 0x18}, {0x2192, 0x1a}, {0x2193, 0x19}, {0x2500, 0xc4}, {0x2502, 0xb3}, {0x250c, 0xda},
        {0x2510, 0xbf}, {0x2514, 0xc0}, {0x2518, 0xd9}, {0x251c, 0xc3}, {0x2524, 0xb4}, {0x252c, 0xc2}, {0x2534, 0xc1},
        {0x253c, 0xc5}, {0x2550, 0xcd}, {0x2551, 0xba}, {0x2554, 0xc9}, {0x2557, 0xbb}, {0x255a, 0xc8}, {0x255d, 0xbc},
        {0x2588, 0xdb}, {0x2591, 0xb0}, {0x2592, 0xb1}, {0x2593, 0xb2},
    };
    if (c < 0x7f)
        return c < 0x20 ? '?' : (u8)c;
    if (c >= 0xa0 && c <= 0xff)
        return latin[c - 0xa0];
    for (u32 i = 0; i < ARRAY_COUNT(others); i++)
        if (others[i].code == c)
            return others[i].cell;
    return '?';
}

static void vga_draw(u32 at, u8 glyph, enum attribute attribute)
{
    cells()[at] = (u16)(colours[attribute] << 8 | glyph);
}

static void vga_cursor(u32 at, bool shown)
{
    if (cursor != (shown ? SHOWN : HIDDEN)) {
        u8 start = indexed_read(CRTC_INDEX, CRTC_CURSOR_START) & (u8)~CURSOR_OFF;
        indexed_write(CRTC_INDEX, CRTC_CURSOR_START, start | (shown ? 0 : CURSOR_OFF));
        cursor = shown ? SHOWN : HIDDEN;
    }
    indexed_write(CRTC_INDEX, CRTC_CURSOR_HIGH, (u8)(at >> 8));
    indexed_write(CRTC_INDEX, CRTC_CURSOR_LOW, (u8)at);
}

static const struct cells_device device = {vga_clear, vga_glyph, vga_draw, vga_cursor};

static bool vga_open(const struct boot_info *boot, struct text option, bool wanted)
{
    (void)option, (void)wanted;
    if ((boot && boot->framebuffer.width) || !crtc_there() ||
        (indexed_read(GRAPHICS_INDEX, GRAPHICS_MISC) & GRAPHICS_MISC_MASK) != GRAPHICS_MISC_TEXT || !cells_there())
        return false;
    u32 rows = rows_now();
    cells_used = rows * COLUMNS;
    cells_begin(&device, rows, COLUMNS);
    return true;
}

const struct console console_vga = {
    .name = "vga",
    .open = vga_open,
    .write = cells_write,
    .clear = cells_clear,
    .move = cells_move,
    .attribute = cells_attribute,
    .cursor = cells_cursor,
    .leave = cells_leave,
    .size = cells_size,
};
