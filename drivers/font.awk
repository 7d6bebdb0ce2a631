# font.awk: a console font → C: the glyphs and characters that fb.c draws.
#
#     gzip -dc Lat15-VGA16.psf.gz | od -An -v -tu1 -w1 | awk -f font.awk >font.c
#
# PSF version 1 (kbd's doc/font-formats): 36h 04h, mode (1: 512 glyphs, 2: a table of characters), bytes per glyph; the
# glyphs, a row per byte; per glyph its characters as u16, FFFEh before sequences, FFFFh at the end. What font.h
# promises is checked here: 8 x 16 pixels, all of ASCII and Latin-1. Of the rest, what `others` names and the font has.

BEGIN {
    others = "100-17f 2010-2015 2018-201e 2022 2026 2039-203a 20ac 2122 2190-2193 2212 2500 2502 250c 2510 2514 2518 " \
        "251c 2524 252c 2534 253c 2550-2570 2588 2591-2592 25a0 25b2 25b6 25b8 25bc 25be 25c0 25c2 25cf"
}

{ byte[NR - 1] = $1 + 0 }

function give_up(text) {
    print "font.awk: " text | "cat >&2"
    failed = 1
    exit 1
}

function hex(digits,    i, n) {
    for (i = 1; i <= length(digits); i++)
        n = n * 16 + index("0123456789abcdef", substr(digits, i, 1)) - 1
    return n
}

# The place of the font's glyph g among ours, which are in order of first use.
function place_of(g) {
    if (!(g in place)) {
        place[g] = count
        from[count++] = g
    }
    return place[g]
}

function need(first, last,    c) {
    for (c = first; c <= last; c++) {
        if (!(c in glyph))
            give_up("the font has no character " c)
        from[count++] = glyph[c] # one after the other, even when two look alike
        place[glyph[c]] = count - 1
    }
}

END {
    if (failed)
        exit 1
    if (byte[0] != 54 || byte[1] != 4 || byte[3] != 16 || int(byte[2] / 2) % 2 == 0)
        give_up("expected a PSF 1 font of 8 x 16 pixels with a table of characters")
    glyphs = byte[2] % 2 ? 512 : 256
    sequence = 0
    g = 0
    for (at = 4 + glyphs * 16; at + 1 < NR && g < glyphs; at += 2) {
        c = byte[at] + 256 * byte[at + 1]
        if (c == 65535) {
            g++
            sequence = 0
        } else if (c == 65534) {
            sequence = 1
        } else if (!sequence && !(c in glyph)) {
            glyph[c] = g
        }
    }
    need(32, 126)
    need(160, 255)
    ranges = split(others, range, " ")
    for (i = 1; i <= ranges; i++) {
        split(range[i] "-" range[i], ends, "-")
        for (c = hex(ends[1]); c <= hex(ends[2]); c++)
            if (c in glyph)
                rows = rows sprintf("    {0x%04x, %d},\n", c, place_of(glyph[c]))
    }
    if (count > 256)
        give_up(count " glyphs, expected at most 256")
    print "/* Made by font.awk. */"
    print "#include \"font.h\"\n"
    print "const u8 font_glyphs[][FONT_HEIGHT] = {"
    for (i = 0; i < count; i++) {
        line = "    {"
        for (y = 0; y < 16; y++)
            line = line sprintf("0x%02x%s", byte[4 + from[i] * 16 + y], y < 15 ? ", " : "},")
        print line
    }
    print "};\n"
    print "const struct font_other font_others[] = {\n" rows "    {0, 0},\n};"
}
