"""What a person sees: the guest's screen, read as text by the fonts that draw it.

VGA's text mode is compared with the font of SeaBIOS (code page 437), a framebuffer with the font the shim was built
with; both are drawn on a grid whose place and scale follow from the picture's size. A cell whose glyph is not known
reads as U+FFFD; a cell of one colour as a blank. Linux's own console has the same glyphs and reads as well.
"""
import gzip
import re
import time
from pathlib import Path

from conftest import BUILD
from guest import Timeout, stretched

VGA_BIOS = Path("/usr/share/seabios/vgabios-stdvga.bin")
LETTER_A = bytes.fromhex("000010386cc6c6fec6c6c6c600000000")
WIDTH, HEIGHT = 8, 16
CURSOR = slice(13 * WIDTH, 16 * WIDTH)  # the rows of pixels that a cursor may cover
GOOD_COLUMNS, GOOD_ROWS = 96, 26        # drivers/fb.c: the largest scale that leaves these
MAX_COLUMNS, MAX_ROWS = 160, 64


def pixels_of(glyph):
    """A byte per pixel, 0 or 1, row by row."""
    return bytes(row >> 7 - x & 1 for row in glyph for x in range(WIDTH))


def without_cursor(cell):
    return cell[:CURSOR.start] + bytes(CURSOR.stop - CURSOR.start)


class Font:
    """{pixels: character}, the first character of each glyph, letters and digits before all others."""

    def __init__(self, glyphs):
        self.whole, self.upper = {}, {}
        for character, glyph in sorted(glyphs, key=lambda pair: (not pair[0].isalnum(), pair[0])):
            cell = pixels_of(glyph)
            self.whole.setdefault(cell, character)
            self.upper.setdefault(without_cursor(cell), character)

    def read(self, cell):
        """The character of a cell, a brightness per pixel."""
        for paper in {cell[0], cell[-1]}:
            drawn = cell.translate(bytes(int(value != paper) for value in range(256)))
            if drawn in self.whole:
                return self.whole[drawn]
            if without_cursor(drawn) in self.upper:
                return self.upper[without_cursor(drawn)]
        return "\ufffd"


def vga_font():
    rom = VGA_BIOS.read_bytes()
    first = rom.index(LETTER_A) - ord("A") * HEIGHT
    assert rom[first + 0xDB * HEIGHT:][:HEIGHT] == b"\xff" * HEIGHT, "SeaBIOS's 8x16 font"
    characters = dict(zip("\u2191\u2193\u2192\u2190", range(0x18, 0x1C)))
    characters.update((bytes([n]).decode("cp437"), n) for n in range(0x20, 0x100) if n != 0x7F)
    return Font((character, rom[first + n * HEIGHT:][:HEIGHT]) for character, n in characters.items())


def built_font():
    """PSF version 1, which has a table of each glyph's characters."""
    psf = gzip.decompress((BUILD / "font.psf.gz").read_bytes())
    count = 512 if psf[2] & 1 else 256
    lists, glyphs = psf[4 + count * HEIGHT:].decode("utf-16-le", "surrogatepass").split("\uffff"), []
    for n in range(count):
        glyphs += [(c, psf[4 + n * HEIGHT:][:HEIGHT]) for c in lists[n].split("\ufffe")[0]]
    return Font(glyphs)


FONTS = {}


def font_named(name):
    if name not in FONTS:
        FONTS[name] = {"vga": vga_font, "built": built_font}[name]()
    return FONTS[name]


def read_ppm(data):
    """(width, height, brightness per pixel): of the three colours green, which no text of ours lacks."""
    header = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data)
    return int(header[1]), int(header[2]), data[header.end() + 1::3]


def grid_of(width, height):
    """(font, scale, pixels from cell to cell, left, top, columns, rows) of a picture's text."""
    if (width, height) == (720, 400):
        return font_named("vga"), 1, 9, 0, 0, 80, 25
    scale = 1
    while width // (WIDTH * (scale + 1)) >= GOOD_COLUMNS and height // (HEIGHT * (scale + 1)) >= GOOD_ROWS:
        scale += 1
    columns = min(width // (WIDTH * scale), MAX_COLUMNS)
    rows = min(height // (HEIGHT * scale), MAX_ROWS)
    left, top = (width - columns * WIDTH * scale) // 2, (height - rows * HEIGHT * scale) // 2
    return font_named("built"), scale, WIDTH * scale, left, top, columns, rows


def text_of(data):
    """The lines of a picture (PPM), without blanks at their ends."""
    width, height, grey = read_ppm(data)
    font, scale, step, left, top, columns, rows = grid_of(width, height)
    known, lines = {}, []
    for row in range(rows):
        line = ""
        for column in range(columns):
            first = (top + row * HEIGHT * scale) * width + left + column * step
            cell = b"".join(grey[at:at + WIDTH * scale:scale]
                            for at in range(first, first + HEIGHT * scale * width, scale * width))
            if cell not in known:
                known[cell] = " " if cell == cell[:1] * len(cell) else font.read(cell)
            line += known[cell]
        lines.append(line.rstrip())
    return "\n".join(lines)


def picture(guest, path):
    """The guest's screen as it is now, written to path as PPM."""
    answer = guest.monitor(f"screendump {path}")
    assert not answer, answer
    return Path(path).read_bytes()


def expect_seen(guest, scratch, pattern, timeout=30):
    """Wait for the regular expression anywhere on the screen; returns the text of all of it."""
    timeout = stretched(timeout)
    limit = time.monotonic() + timeout
    while True:
        text = text_of(picture(guest, scratch / "screen.ppm"))
        if re.search(pattern, text, re.M):
            return text
        if time.monotonic() > limit:
            raise Timeout(f"no /{pattern}/ on the screen within {timeout:.0f} s\n{text}\n{guest.log()}")
        time.sleep(0.5)
