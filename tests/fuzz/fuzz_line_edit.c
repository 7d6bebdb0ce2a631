/* fuzz_line_edit.c: the first byte is the window's width, the others are keys: characters, Ctrl letters, and from 80h
 * on the keys that have names. Behind FFh, up to the next FFh, there is text to be put in as it is. Pure: no machine is
 * needed.
 */
#include "host.h"

#include "console.h"
#include "line_edit.h"
#include "screen.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void check(struct line_edit *edit, u32 cells)
{
    u32 cursor;
    struct text all = {edit->text, edit->length};
    if (edit->length >= LINE_EDIT_MAX || strlen(edit->text) != edit->length || edit->cursor > edit->length)
        panic("%u bytes, cursor at %u", edit->length, edit->cursor);
    bool at_start = false;
    for (u32 i = 0; i < all.len;) {
        at_start |= i == edit->cursor;
        u32 c, n = utf8_first((struct text){all.at + i, all.len - i}, &c);
        if (!n || (u8)all.at[i] < 0x20)
            panic("byte %u is no text", i);
        i += n;
    }
    if (!at_start && edit->cursor != edit->length)
        panic("the cursor stands inside a character");
    struct text part = line_edit_window(edit, cells, &cursor);
    u32 first = edit->first;
    if (part.at < edit->text || part.at + part.len > edit->text + edit->length || text_cells(part) > cells)
        panic("a window of %u bytes at %u", part.len, first);
    if (cursor >= cells || edit->cursor < first || edit->cursor > first + part.len)
        panic("the cursor is out of sight");
    if (line_edit_window(edit, cells, &cursor).at != part.at)
        panic("the window moves by itself");
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static struct line_edit edit;
    static const u32 others[] = {0x7f, 0xa0, 0xe9, 0x20ac, 0xd800, 0xffff, 0x10000, 0x10ffff, 0x110000, 0xffffffff};
    if (!size)
        return 0;
    u32 cells = 3 + data[0] % 100;
    memset(&edit, 0, sizeof edit);
    line_edit_begin(&edit, (struct text){NULL, 0});
    for (size_t i = 1; i < size; i++) {
        if (data[i] == 0xff) {
            size_t n = 0;
            while (i + 1 + n < size && data[i + 1 + n] != 0xff)
                n++;
            line_edit_insert(&edit, (struct text){(const char *)data + i + 1, (u32)n});
            i += n + 1;
        } else if (data[i] >= 0xe0) {
            line_edit_key(&edit, others[data[i] % ARRAY_COUNT(others)]);
        } else {
            line_edit_key(&edit, data[i] < 0x80 ? data[i] : KEY_UP + data[i] % 16u);
        }
        check(&edit, cells);
    }
    return 0;
}
