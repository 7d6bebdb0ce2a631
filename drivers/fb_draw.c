/* fb_draw.c: a linear framebuffer as a console (console.h): cells drawn with the font of font.h.
 *
 * The framebuffer is the loader's (Multiboot 0.6.96 §3.3 framebuffer_*: GRUB on UEFI, or on a BIOS that was told to set
 * a graphics mode), with colours in place, 24 or 32 bits per pixel. On large screens a pixel of the font becomes a
 * square, the largest that leaves 96 x 26 cells: 1280x800 is drawn as it is, full HD by 2, 4K by 5. It is only written,
 * by 8 bytes at a time, because such memory is often not cached. Left out: 15 and 16 bits per pixel, palettes, setting
 * modes, keys (a keyboard's).
 * Exercised by tests/unit/test_fb.c and tests/qemu/test_screen.py.
 */
#include "cells.h"
#include "fb.h"
#include "font.h"
#include "print.h"

#define COLUMNS_MIN 80u
#define ROWS_MIN 24u
#define COLUMNS_GOOD 96u
#define ROWS_GOOD 26u
#define SCALE_MAX 16u
#define PIXELS_MAX 16384u /* either way: a loader that names more is wrong, and we would clear for hours */
#define PIXEL_MAX 4u
#define CURSOR_TOP 13u /* rows of the font that the cursor underlines */
#define CURSOR_BOTTOM 15u
#define NO_CURSOR (~0u)

static struct {
    struct framebuffer memory;
    u32 pixel; /* bytes */
    u32 scale, columns;
    u64 first; /* byte of the first cell: the cells are in the middle */
    u32 cursor; /* where it is drawn */
    struct colours {
        u32 ink, paper; /* pixels */
    } colours[4];
} fb;

static const struct colours greys[] = {
    [ATTR_NORMAL] = {0xaa, 0}, [ATTR_BOLD] = {0xff, 0}, [ATTR_REVERSE] = {0, 0xaa}, [ATTR_DIM] = {0x55, 0}};

/* One store of 8 bytes wherever it lies: memcpy() may write bytes, of which each would cost as much. */
struct PACKED wide {
    u64 bytes;
};

static u8 *memory_at(u64 offset, u64 size)
{
    return mem_at(fb.memory.base + offset, size);
}

static void copy_wide(u8 *to, const u8 *from, u32 size)
{
    u32 i = 0;
    for (; i + 8 <= size; i += 8)
        ((volatile struct wide *)(to + i))->bytes = load_le(from + i, 8);
    for (; i < size; i++)
        ((volatile u8 *)to)[i] = from[i];
}

static u32 channel(u32 brightness, u8 size, u8 position)
{
    return (brightness * ((1u << size) - 1) / 255) << position;
}

/* A pixel; brightness from 0 to 255. */
static u32 grey(const struct framebuffer *f, u32 brightness)
{
    return channel(brightness, f->red_size, f->red_position) | channel(brightness, f->green_size, f->green_position) |
           channel(brightness, f->blue_size, f->blue_position);
}

static void fb_clear(void)
{
    static const u8 black[512];
    u32 size = fb.memory.width * fb.pixel;
    for (u32 y = 0; y < fb.memory.height; y++) {
        u8 *row = memory_at((u64)y * fb.memory.pitch, size);
        for (u32 x = 0; x < size; x += sizeof black)
            copy_wide(row + x, black, (u32)min_u64(size - x, sizeof black));
    }
    fb.cursor = NO_CURSOR;
}

/* The row y of a cell's font pixels, of which bit 7 of `bits` is the leftmost. */
static void draw_row(u32 at, u32 y, u8 bits, const struct colours *colours)
{
    u8 line[FONT_WIDTH * SCALE_MAX * PIXEL_MAX + PIXEL_MAX]; /* each pixel is stored as a u32, the next one over it */
    u32 scale = fb.scale, size = FONT_WIDTH * scale * fb.pixel;
    for (u32 x = 0; x < FONT_WIDTH * scale; x++)
        __builtin_memcpy(line + x * fb.pixel, bits << x / scale & 0x80 ? &colours->ink : &colours->paper, PIXEL_MAX);
    u64 top = (u64)(at / fb.columns * FONT_HEIGHT + y) * scale;
    u64 offset = fb.first + top * fb.memory.pitch + (u64)(at % fb.columns) * size;
    for (u32 i = 0; i < scale; i++)
        copy_wide(memory_at(offset + (u64)i * fb.memory.pitch, size), line, size);
}

static u8 fb_glyph(u32 c)
{
    if (c >= 0x20 && c < 0x7f)
        return (u8)(c - 0x20);
    if (c >= 0xa0 && c <= 0xff)
        return (u8)(c - 0xa0 + 0x5f);
    for (const struct font_other *other = font_others; other->code; other++)
        if (other->code == c)
            return other->glyph;
    return '?' - 0x20;
}

static void fb_draw(u32 at, u8 glyph, enum attribute attribute)
{
    for (u32 y = 0; y < FONT_HEIGHT; y++)
        draw_row(at, y, font_glyphs[glyph][y], &fb.colours[attribute]);
}

static void fb_cursor(u32 at, bool shown)
{
    if (fb.cursor != NO_CURSOR && (!shown || fb.cursor != at))
        cells_draw(fb.cursor);
    fb.cursor = shown ? at : NO_CURSOR;
    for (u32 y = CURSOR_TOP; shown && y < CURSOR_BOTTOM; y++)
        draw_row(at, y, 0xff, &fb.colours[ATTR_NORMAL]);
}

static const struct cells_device device = {fb_clear, fb_glyph, fb_draw, fb_cursor};

/* NULL, or what it is that we cannot draw on. */
static const char *refusal(const struct framebuffer *f)
{
    if (f->depth != 24 && f->depth != 32)
        return "expected 24 or 32 bits per pixel";
    const u8 channels[][2] = {{f->red_position, f->red_size}, {f->green_position, f->green_size},
                              {f->blue_position, f->blue_size}};
    for (u32 i = 0; i < ARRAY_COUNT(channels); i++)
        if (!channels[i][1] || channels[i][1] > 16 || channels[i][0] + channels[i][1] > f->depth)
            return "its colours do not lie in its pixels";
    if (f->width < COLUMNS_MIN * FONT_WIDTH || f->height < ROWS_MIN * FONT_HEIGHT)
        return "expected at least 640x384, for 80 x 24 characters";
    if (f->width > PIXELS_MAX || f->height > PIXELS_MAX)
        return "expected at most 16384 pixels either way";
    if ((u64)f->width * (f->depth / 8u) > f->pitch || f->base > ~((u64)f->pitch * f->height))
        return "its rows do not lie in its memory";
    return NULL;
}

/* Where RAM is usable there is no framebuffer, but perhaps we. */
static bool is_in_ram(const struct mem_map *map, u64 base, u64 size)
{
    for (u32 i = 0; i < map->count; i++)
        if (map->range[i].type == MEM_USABLE && ranges_overlap(base, size, map->range[i].base, map->range[i].size))
            return true;
    return false;
}

static void lay_out(const struct framebuffer *f)
{
    u32 scale = 1;
    while (scale < SCALE_MAX && f->width / (FONT_WIDTH * (scale + 1)) >= COLUMNS_GOOD &&
           f->height / (FONT_HEIGHT * (scale + 1)) >= ROWS_GOOD)
        scale++;
    u32 columns = (u32)min_u64(f->width / (FONT_WIDTH * scale), CELLS_COLUMNS_MAX);
    u32 rows = (u32)min_u64(f->height / (FONT_HEIGHT * scale), CELLS_ROWS_MAX);
    fb.memory = *f;
    fb.pixel = f->depth / 8u;
    fb.scale = scale;
    fb.columns = columns;
    fb.first = (u64)((f->height - rows * FONT_HEIGHT * scale) / 2) * f->pitch +
               (u64)((f->width - columns * FONT_WIDTH * scale) / 2) * fb.pixel;
    fb.cursor = NO_CURSOR;
    for (u32 i = 0; i < ARRAY_COUNT(greys); i++)
        fb.colours[i] = (struct colours){grey(f, greys[i].ink), grey(f, greys[i].paper)};
    cells_begin(&device, rows, columns);
}

bool fb_start(const struct boot_info *boot)
{
    const struct framebuffer *f = &boot->framebuffer;
    u64 size = (u64)f->pitch * f->height;
    const char *problem = refusal(f);
    if (!problem && is_in_ram(&boot->memory, f->base, size))
        problem = "it lies in usable memory";
    if (problem) {
        say("framebuffer %ux%u, %u bits per pixel, at %lx: %s; nothing is shown on it", f->width, f->height, f->depth,
            f->base, problem);
        return false;
    }
    if (paging_map(f->base, size)) {
        error_show();
        return false;
    }
    lay_out(f);
    return true;
}
