/* test_fb.c: fb.c and cells.c over simulated video memory: what is drawn is read back with the font. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "host.h"

#include "console.h"
#include "font.h"

#define BASE 0x40000000u
#define GUARD 4096u
#define UNTOUCHED 0x5a

static struct boot_info boot;
static u32 scale, left, top; /* pixels */

static const struct framebuffer vga_size = {BASE, 640, 384, 2560, 32, 16, 8, 8, 8, 0, 8};

static u8 *video(void)
{
    const struct framebuffer *f = &boot.framebuffer;
    return mem_at(f->base, (u64)f->pitch * f->height);
}

/* Memory as firmware left it, and the console open. */
static void open_fb(const struct framebuffer *f)
{
    u32 guard = f->base == HOST_HIGH ? 0 : GUARD;
    host_reset();
    boot.framebuffer = *f;
    scale = 1;
    left = top = 0;
    memset(mem_at(f->base - guard, (u64)f->pitch * f->height + 2 * guard), UNTOUCHED,
           (u64)f->pitch * f->height + 2 * guard);
    consoles_open(&boot, text_of("fb"));
}

static void show(const char *text)
{
    console_write(text, (u32)strlen(text));
}

static u32 pixel_at(u32 x, u32 y)
{
    const struct framebuffer *f = &boot.framebuffer;
    return (u32)load_le(video() + (u64)y * f->pitch + (u64)x * (f->depth / 8u), f->depth / 8u);
}

struct seen {
    u32 code; /* 0: no glyph of the font */
    u32 ink, paper;
    bool cursor;
};

/* All characters that are drawn as this glyph is come to the first of them. */
static u32 code_of(const u8 glyph[FONT_HEIGHT], bool cursor)
{
    u32 rows = cursor ? 13 : FONT_HEIGHT;
    for (u32 i = 0; i < 0x5f + 0x60; i++)
        if (!memcmp(font_glyphs[i], glyph, rows))
            return i < 0x5f ? 0x20 + i : 0xa0 + i - 0x5f;
    for (const struct font_other *other = font_others; other->code; other++)
        if (!memcmp(font_glyphs[other->glyph], glyph, rows))
            return other->code;
    return 0;
}

/* What a cell shows. The first pixel of its first row is paper, but for the full block. */
static struct seen cell_at(u32 row, u32 column)
{
    u8 glyph[FONT_HEIGHT] = {0};
    u32 x0 = left + column * 8 * scale, y0 = top + row * 16 * scale;
    struct seen seen = {.paper = pixel_at(x0, y0)};
    for (u32 y = 0; y < 16 * scale; y++)
        for (u32 x = 0; x < 8 * scale; x++) {
            u32 pixel = pixel_at(x0 + x, y0 + y);
            assert_int_equal(pixel, pixel_at(x0 + x / scale * scale, y0 + y / scale * scale)); /* squares */
            if (pixel == seen.paper)
                continue;
            if (seen.ink)
                assert_int_equal(pixel, seen.ink);
            seen.ink = pixel;
            glyph[y / scale] |= (u8)(0x80 >> x / scale);
        }
    seen.cursor = glyph[13] == 0xff && glyph[14] == 0xff && glyph[12] != 0xff;
    seen.code = code_of(glyph, seen.cursor);
    return seen;
}

static void assert_row(u32 row, u32 column, const char *expected)
{
    for (u32 i = 0; expected[i]; i++)
        assert_int_equal(cell_at(row, column + i).code, expected[i]);
}

static bool is_untouched(const u8 *bytes, u32 count)
{
    while (count && bytes[count - 1] == UNTOUCHED)
        count--;
    return !count;
}

/* Nothing is written around the framebuffer nor behind its rows. */
static void assert_guards(void)
{
    const struct framebuffer *f = &boot.framebuffer;
    u32 used = f->width * (f->depth / 8u);
    if (f->base != HOST_HIGH) {
        assert_true(is_untouched(video() - GUARD, GUARD));
        assert_true(is_untouched(video() + (u64)f->pitch * f->height, GUARD));
    }
    for (u32 y = 0; y < f->height; y++)
        assert_true(is_untouched(video() + (u64)y * f->pitch + used, f->pitch - used));
}

/* ---- modes ------------------------------------------------------------------------------------------------------- */

static void modes(void **state)
{
    (void)state;
    static const struct {
        struct framebuffer f;
        u32 rows, columns, scale, left, top;
        u32 ink; /* of normal text */
    } cases[] = {
        {{BASE, 640, 384, 2560, 32, 16, 8, 8, 8, 0, 8}, 24, 80, 1, 0, 0, 0xaaaaaa},
        {{BASE, 640, 480, 2571, 32, 0, 8, 8, 8, 16, 8}, 30, 80, 1, 0, 0, 0xaaaaaa},
        {{BASE, 640, 480, 2560, 32, 24, 8, 16, 8, 8, 8}, 30, 80, 1, 0, 0, 0xaaaaaa00},
        {{BASE, 640, 480, 2560, 32, 20, 10, 10, 10, 0, 10}, 30, 80, 1, 0, 0, 0x2aaaaaaa},
        {{BASE, 640, 480, 2560, 32, 11, 5, 5, 6, 0, 5}, 30, 80, 1, 0, 0, 0xa554},
        {{BASE, 640, 384, 1920, 24, 16, 8, 8, 8, 0, 8}, 24, 80, 1, 0, 0, 0xaaaaaa},
        {{BASE + 3, 640, 400, 1921, 24, 0, 8, 8, 8, 16, 8}, 25, 80, 1, 0, 0, 0xaaaaaa},
        {{HOST_HIGH, 640, 384, 1920, 24, 16, 8, 8, 8, 0, 8}, 24, 80, 1, 0, 0, 0xaaaaaa},
        {{BASE, 800, 600, 3200, 32, 16, 8, 8, 8, 0, 8}, 37, 100, 1, 0, 4, 0xaaaaaa},
        {{BASE, 1024, 768, 3083, 24, 16, 8, 8, 8, 0, 8}, 48, 128, 1, 0, 0, 0xaaaaaa},
        {{BASE, 1280, 800, 5120, 32, 16, 8, 8, 8, 0, 8}, 50, 160, 1, 0, 0, 0xaaaaaa},
        {{BASE, 1366, 768, 4101, 24, 16, 8, 8, 8, 0, 8}, 48, 160, 1, 43, 0, 0xaaaaaa},
        {{BASE, 1080, 1920, 4320, 32, 16, 8, 8, 8, 0, 8}, 64, 135, 1, 0, 448, 0xaaaaaa},
        {{BASE, 1920, 1080, 7680, 32, 16, 8, 8, 8, 0, 8}, 33, 120, 2, 0, 12, 0xaaaaaa},
        {{BASE, 1920, 1080, 5761, 24, 16, 8, 8, 8, 0, 8}, 33, 120, 2, 0, 12, 0xaaaaaa},
        {{BASE, 3840, 2160, 15360, 32, 16, 8, 8, 8, 0, 8}, 27, 96, 5, 0, 0, 0xaaaaaa},
        {{BASE, 5120, 1440, 20480, 32, 16, 8, 8, 8, 0, 8}, 30, 160, 3, 640, 0, 0xaaaaaa},
        {{BASE, 16384, 400, 65536, 32, 16, 8, 8, 8, 0, 8}, 25, 160, 1, 7552, 0, 0xaaaaaa},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        u64 lit = 0;
        open_fb(&cases[i].f);
        assert_true(console_is_open("fb"));
        consoles_measure();
        assert_int_equal(console_rows(), cases[i].rows);
        assert_int_equal(console_columns(), cases[i].columns);
        assert_int_equal(pixel_at(0, 0) & 0xff, UNTOUCHED); /* cleared at the first write */
        scale = cases[i].scale, left = cases[i].left, top = cases[i].top;
        console_cursor(false);
        show("Ag");
        console_move(cases[i].rows - 1, cases[i].columns - 1);
        show("x");
        assert_row(0, 0, "Ag ");
        assert_int_equal(cell_at(0, 0).ink, cases[i].ink);
        assert_int_equal(cell_at(0, 0).paper, 0);
        assert_row(cases[i].rows - 1, cases[i].columns - 2, " x");
        assert_guards();
        for (u32 y = 0; y < cases[i].f.height; y++)
            for (u32 x = 0; x < cases[i].f.width; x++)
                lit += load_le(video() + (u64)y * cases[i].f.pitch + x * (cases[i].f.depth / 8u), 3) != 0;
        for (u32 y = 0; y < 16; y++) /* nothing but these three is left on the screen */
            lit -= (u64)scale * scale *
                   (u64)(__builtin_popcount(font_glyphs['A' - 32][y]) + __builtin_popcount(font_glyphs['g' - 32][y]) +
                         __builtin_popcount(font_glyphs['x' - 32][y]));
        assert_int_equal(lit, 0);
    }
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        struct framebuffer f;
        const char *log;
    } cases[] = {
        {{BASE, 1024, 768, 2048, 16, 11, 5, 5, 6, 0, 5},
         "1024x768, 16 bits per pixel, at 40000000: expected 24 or 32 bits per pixel"},
        {{BASE, 1024, 768, 2048, 15, 10, 5, 5, 5, 0, 5},
         "1024x768, 15 bits per pixel, at 40000000: expected 24 or 32 bits per pixel"},
        {{BASE, 1024, 768, 1024, 8, 0, 8, 0, 8, 0, 8},
         "1024x768, 8 bits per pixel, at 40000000: expected 24 or 32 bits per pixel"},
        {{BASE, 632, 480, 2560, 32, 16, 8, 8, 8, 0, 8},
         "632x480, 32 bits per pixel, at 40000000: expected at least 640x384, for 80 x 24 characters"},
        {{BASE, 640, 383, 2560, 32, 16, 8, 8, 8, 0, 8},
         "640x383, 32 bits per pixel, at 40000000: expected at least 640x384, for 80 x 24 characters"},
        {{BASE, 640, 480, 2560, 32, 16, 0, 8, 8, 0, 8},
         "640x480, 32 bits per pixel, at 40000000: its colours do not lie in its pixels"},
        {{BASE, 640, 480, 2560, 32, 16, 8, 255, 8, 0, 8},
         "640x480, 32 bits per pixel, at 40000000: its colours do not lie in its pixels"},
        {{BASE, 640, 480, 2560, 32, 16, 8, 8, 8, 0, 32},
         "640x480, 32 bits per pixel, at 40000000: its colours do not lie in its pixels"},
        {{BASE, 640, 480, 1920, 24, 24, 8, 8, 8, 0, 8},
         "640x480, 24 bits per pixel, at 40000000: its colours do not lie in its pixels"},
        {{BASE, 640, 480, 2559, 32, 16, 8, 8, 8, 0, 8},
         "640x480, 32 bits per pixel, at 40000000: its rows do not lie in its memory"},
        {{BASE, 0x40000000, 480, 64, 32, 16, 8, 8, 8, 0, 8},
         "1073741824x480, 32 bits per pixel, at 40000000: expected at most 16384 pixels either way"},
        {{BASE, 640, 16385, 2560, 32, 16, 8, 8, 8, 0, 8},
         "640x16385, 32 bits per pixel, at 40000000: expected at most 16384 pixels either way"},
        {{~0ull - 100, 640, 480, 2560, 32, 16, 8, 8, 8, 0, 8},
         "640x480, 32 bits per pixel, at ffffffffffffff9b: its rows do not lie in its memory"},
        {{0x1ffff000, 640, 480, 2560, 32, 16, 8, 8, 8, 0, 8},
         "640x480, 32 bits per pixel, at 1ffff000: it lies in usable memory"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        char log[300];
        host_reset();
        boot.framebuffer = cases[i].f;
        mem_map_add(&boot.memory, 0x10000000, 0x10000000, MEM_USABLE);
        consoles_open(&boot, text_of("")); /* found by itself: said once, and no warning */
        format_text(log, sizeof log, "shim: framebuffer %s; nothing is shown on it\n", cases[i].log);
        assert_string_equal(host_log(), log);
        assert_false(consoles_interactive());
        memset(&boot, 0, sizeof boot);
    }
    host_reset(); /* out of the processor's reach */
    boot.framebuffer = vga_size;
    host_address_end = BASE;
    consoles_open(&boot, text_of("none,fb"));
    assert_non_null(strstr(host_log(), "beyond the host's"));
    assert_non_null(strstr(host_log(), "console=fb: there is none here"));
    assert_false(consoles_interactive());
    host_reset();
    memset(&boot, 0, sizeof boot);
    consoles_open(&boot, text_of("")); /* none at all: nothing to say */
    assert_string_equal(host_log(), "");
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

static void characters(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        u32 codes[8];
    } cases[] = {
        {"az~", {'a', 'z', '~', ' '}},
        {"\xc3\xa4\xc3\x96\xc3\x9f\xc3\x80\xc3\xbf", {0xe4, 0xd6, 0xdf, 0xc0, 0xff, ' '}},
        {"\xc2\xa9\xc2\xab\xc2\xbd", {0xa9, 0xab, 0xbd, ' '}},
        {"\xe2\x94\x80\xe2\x94\x82\xe2\x94\x8c\xe2\x94\xbc", {0x2014, 0x2502, 0x250c, 0x253c, ' '}},
        {"\xe2\x86\x90\xe2\x86\x91\xe2\x86\x92\xe2\x86\x93", {0x2190, 0x2191, 0x2192, 0x2193, ' '}},
        {"\xe2\x96\x91\xe2\x96\x92", {0x2591, 0x2592, ' '}},
        {"\xe2\x80\x9cx\xe2\x80\x9d \xe2\x82\xac\xe2\x80\x93", {0x201c, 'x', 0x201d, ' ', 0x20ac, '-', ' '}},
        {"\xe2\x95\x94\xe2\x95\x90\xe2\x95\x91", {0x250c, 0x2014, 0x2502, ' '}}, /* no double lines, and one dash */
        {"\xd0\x96\xe4\xb8\xad\xf0\x9f\x90\xa7", {'?', '?', '?', ' '}}, /* one cell each */
        {"a\xff\xfe" "b\x80", {'a', '?', '?', 'b', '?', ' '}},
        {"\xe2\x82x\xc3", {'x', ' '}}, /* cut short: nothing of it */
        {"\x01\x1b\x7f\xc2\x80", {'?', '?', '?', '?', ' '}},
        {"a\tb", {'a', ' ', 'b', ' '}},
        {"\xc0\x8a\xe0\x81\x81", {'?', '?', '?', ' '}}, /* LF and A by too many bytes */
    };
    static u8 whole[2560 * 384];
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        open_fb(&vga_size);
        console_cursor(false);
        show(cases[i].text);
        for (u32 n = 0; cases[i].codes[n]; n++)
            assert_int_equal(cell_at(0, n).code, cases[i].codes[n]);
        memcpy(whole, video(), sizeof whole);
        open_fb(&vga_size);
        console_cursor(false);
        for (const char *p = cases[i].text; *p; p++) /* a character may come in parts */
            console_write(p, 1);
        assert_memory_equal(video(), whole, sizeof whole);
    }
}

static void every_glyph(void **state)
{
    (void)state;
    u32 count = 0;
    for (const struct font_other *other = font_others; other->code; other++, count++) {
        assert_true(other->code > 0xff && (other == font_others || other[-1].code < other->code));
        char text[] = {(char)(0xe0 | other->code >> 12), (char)(0x80 | (other->code >> 6 & 0x3f)),
                       (char)(0x80 | (other->code & 0x3f)), 0};
        if (other->code < 0x800)
            text[0] = (char)(0xc0 | other->code >> 6), text[1] = text[2], text[2] = 0;
        if (other->code == 0x2588)
            continue; /* all ink */
        open_fb(&vga_size);
        console_cursor(false);
        show(text);
        assert_int_equal(cell_at(0, 0).code, code_of(font_glyphs[other->glyph], false));
        assert_row(0, 1, " ");
    }
    assert_in_range(count, 50, 200);
    assert_memory_equal(font_glyphs['A' - 0x20], "\0\0\x10\x38\x6c\xc6\xc6\xfe\xc6\xc6\xc6\xc6\0\0\0\0", 16);
}

static void lines_and_scrolling(void **state)
{
    (void)state;
    char line[82];
    open_fb(&vga_size);
    show("first\nsecond");
    assert_row(0, 0, "first ");
    assert_row(1, 0, "second ");
    assert_true(cell_at(1, 6).cursor);
    show("\rS");
    assert_row(1, 0, "Second ");
    assert_true(cell_at(1, 1).cursor);
    assert_false(cell_at(1, 6).cursor);
    memset(line, 'x', 80);
    memcpy(line + 80, "\n", 2);
    open_fb(&vga_size);
    show(line); /* as long as the row: takes one */
    show("y");
    assert_row(1, 0, "y ");
    open_fb(&vga_size);
    for (u32 i = 0; i < 30; i++)
        say("line %u", i);
    assert_row(0, 0, "shim: line 7 ");
    assert_row(22, 0, "shim: line 29 ");
    assert_row(23, 0, "              ");
    for (u32 i = 0; i < 24 * 80; i++)
        assert_int_equal(cell_at(i / 80, i % 80).cursor, i == 23 * 80);
    assert_guards();
}

static void drawing(void **state)
{
    (void)state;
    open_fb(&vga_size);
    console_clear();
    assert_false(cell_at(0, 0).cursor);
    console_move(3, 5);
    console_attribute(ATTR_REVERSE);
    console_print("rev ");
    console_attribute(ATTR_BOLD);
    console_print("bold");
    console_attribute(ATTR_DIM);
    console_print("dim");
    console_attribute(ATTR_NORMAL);
    console_print("normal");
    assert_row(3, 5, "rev bolddimnormal ");
    static const struct {
        u32 column, ink, paper;
    } cases[] = {{5, 0, 0xaaaaaa}, {8, 0, 0xaaaaaa}, {9, 0xffffff, 0}, {13, 0x555555, 0}, {16, 0xaaaaaa, 0}};
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        assert_int_equal(cell_at(3, cases[i].column).ink, cases[i].ink);
        assert_int_equal(cell_at(3, cases[i].column).paper, cases[i].paper);
    }
    console_cursor(true);
    assert_true(cell_at(3, 22).cursor);
    console_move(3, 6); /* on reversed text */
    assert_false(cell_at(3, 22).cursor);
    assert_int_equal(pixel_at(6 * 8, 3 * 16 + 13), 0xaaaaaa);
    console_cursor(false);
    assert_row(3, 5, "rev ");
    console_move(1000, 1000);
    console_print("x");
    assert_row(23, 79, "x");
    console_attribute(ATTR_REVERSE);
    console_leave();
    assert_true(cell_at(23, 79).cursor);
    console_move(0, 0);
    show("plain");
    assert_row(0, 0, "plain");
    assert_int_equal(cell_at(0, 0).paper, 0);
    console_clear();
    for (u32 i = 0; i < 640 * 384; i++)
        assert_int_equal(pixel_at(i % 640, i / 640), 0);
}

/* A mark left on the screen shows whether a cell was drawn again. */
static void only_changes_are_drawn(void **state)
{
    (void)state;
    open_fb(&vga_size);
    console_cursor(false);
    show("same\nother\n");
    video()[0] = video()[8 * 4 + 16 * 2560] = 0x77;
    console_move(0, 0);
    show("same\nOther");
    assert_int_equal(video()[0], 0x77);
    assert_int_equal(video()[8 * 4 + 16 * 2560], 0x77);
    console_attribute(ATTR_BOLD);
    console_move(0, 0);
    show("s");
    assert_int_equal(video()[0], 0);
}

/* Anything at all, and a model of it. */
static void random_text(void **state)
{
    (void)state;
    static u8 model[24][80];
    u32 row = 0, column = 0;
    u64 random = 1;
    open_fb(&vga_size);
    memset(model, ' ', sizeof model);
    for (u32 i = 0; i < 20000; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        u32 n = (u32)(random >> 33);
        char c = n % 31 == 0 ? '\n' : (char)(' ' + n % 95);
        if (n % 997 == 0) {
            row = n / 997 % 24, column = n / 24000 % 80;
            console_move(row, column);
        }
        console_write(&c, 1);
        if (c == '\n' || column == 80) {
            column = 0;
            if (++row == 24) {
                memmove(model[0], model[1], 23 * 80);
                memset(model[23], ' ', 80);
                row = 23;
            }
        }
        if (c != '\n')
            model[row][column++] = (u8)c;
    }
    console_cursor(false);
    for (u32 i = 0; i < 24 * 80; i++)
        assert_int_equal(cell_at(i / 80, i % 80).code, model[i / 80][i % 80]);
    assert_guards();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modes),
        cmocka_unit_test(refused),
        cmocka_unit_test(characters),
        cmocka_unit_test(every_glyph),
        cmocka_unit_test(lines_and_scrolling),
        cmocka_unit_test(drawing),
        cmocka_unit_test(only_changes_are_drawn),
        cmocka_unit_test(random_text),
    };
    return cmocka_run_group_tests_name("fb", tests, NULL, NULL);
}
