/* font.h: the glyphs of a framebuffer's text. The tables are made by font.awk of Debian's Lat15-VGA16 (console-setup),
 * which is the font of the VGA's own text mode with all of Latin-1. */
#ifndef FONT_H
#define FONT_H

#include "base.h"

#define FONT_WIDTH 8u
#define FONT_HEIGHT 16u

/* A glyph is a byte per row of pixels, from the top; bit 7 is the leftmost. In order: 20h … 7Eh, A0h … FFh, and those
 * of font_others, at most 256 in all. */
extern const u8 font_glyphs[][FONT_HEIGHT];

/* Further characters, by rising code; the last has code 0. Some share a glyph. */
struct font_other {
    u16 code;
    u8 glyph;
};
extern const struct font_other font_others[];

#endif
