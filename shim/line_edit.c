/* line_edit.c: one line of text being edited (line_edit.h).
 *
 * Keys as in GNU readline's Emacs mode ("Readline Init File", Bindable Commands): Ctrl-W cuts back to a blank, word
 * moves stop at whatever is no letter or digit. Left out: undo, a ring of cut texts, transposing.
 * Whatever is put in, the text is UTF-8 without control characters, so that a character is a cell.
 * Exercise: tests/unit/test_line_edit.c, tests/fuzz/fuzz_line_edit.c.
 */
#include "line_edit.h"
#include "console.h"
#include "screen.h"

static bool continues(char byte)
{
    return ((u8)byte & 0xc0) == 0x80;
}

/* Where the character before `at` begins, and where the one at `at` ends. */
static u32 before(const struct line_edit *edit, u32 at)
{
    while (at && continues(edit->text[--at]))
        ;
    return at;
}

static u32 behind(const struct line_edit *edit, u32 at)
{
    while (at < edit->length && continues(edit->text[++at]))
        ;
    return at;
}

static bool in_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (u8)c >= 0x80;
}

/* Where a key leads to from the cursor. */
enum target { START, END, CHARACTER_LEFT, CHARACTER_RIGHT, WORD_LEFT, WORD_RIGHT, BLANK_LEFT };

static u32 find(const struct line_edit *edit, enum target target)
{
    const char *text = edit->text;
    u32 at = edit->cursor, end = edit->length;
    switch (target) {
    case START:
        return 0;
    case END:
        return end;
    case CHARACTER_LEFT:
        return before(edit, at);
    case CHARACTER_RIGHT:
        return behind(edit, at);
    case WORD_LEFT:
        while (at && !in_word(text[at - 1]))
            at--;
        while (at && in_word(text[at - 1]))
            at--;
        return at;
    case WORD_RIGHT:
        while (at < end && !in_word(text[at]))
            at++;
        while (at < end && in_word(text[at]))
            at++;
        return at;
    case BLANK_LEFT: /* with the blanks that the cursor stands behind */
        while (at && text[at - 1] == ' ')
            at--;
        while (at && text[at - 1] != ' ')
            at--;
    }
    return at;
}

static void delete(struct line_edit *edit, u32 from, u32 to, bool keep)
{
    if (keep && from < to) {
        memcpy(edit->killed, edit->text + from, to - from);
        edit->killed[to - from] = 0;
    }
    memmove(edit->text + from, edit->text + to, edit->length - to + 1);
    edit->length -= to - from;
    edit->cursor = from;
}

/* One whole character at the cursor. */
static void put(struct line_edit *edit, struct text character)
{
    char *to = edit->text + edit->cursor;
    memmove(to + character.len, to, edit->length - edit->cursor + 1);
    memcpy(to, character.at, character.len);
    edit->length += character.len;
    edit->cursor += character.len;
}

/* The character at the start of t as it is put in: blank, `?` for what is no UTF-8, empty for a control character. */
static struct text taken(struct text t, u32 length, u32 c)
{
    if (!length)
        return text_of("?");
    if (is_blank(t.at[0]))
        return text_of(" ");
    return (struct text){t.at, is_control(c) ? 0 : length};
}

void line_edit_insert(struct line_edit *edit, struct text text)
{
    while (text.len) {
        u32 c, length = utf8_first(text, &c);
        struct text character = taken(text, length, c);
        if (character.len >= LINE_EDIT_MAX - edit->length)
            break;
        put(edit, character);
        text.at += length ? length : 1, text.len -= length ? length : 1;
    }
}

void line_edit_begin(struct line_edit *edit, struct text text)
{
    edit->text[0] = 0;
    edit->length = edit->cursor = edit->first = 0;
    line_edit_insert(edit, text);
}

static bool insert_key(struct line_edit *edit, u32 key)
{
    const u32 c = key - 0x10000;
    const u16 high = (u16)(0xd800 | c >> 10), low = (u16)(0xdc00 | (c & 0x3ff));
    const u8 units[4] = {(u8)(key < 0x10000 ? key : high), (u8)((key < 0x10000 ? key : high) >> 8), (u8)low,
                         (u8)(low >> 8)};
    char utf8[8];
    if (key < 0x20 || (key >= 0x7f && key < 0xa0) || key > 0x10ffff)
        return false;
    line_edit_insert(edit, (struct text){utf8, utf16_to_utf8(units, key < 0x10000 ? 1 : 2, utf8, sizeof utf8)});
    return true;
}

bool line_edit_key(struct line_edit *edit, u32 key)
{
    enum { MOVE, DELETE, CUT };
    static const struct {
        u32 key;
        u8 what, target;
    } keys[] = {
        {KEY_LEFT, MOVE, CHARACTER_LEFT},       {KEY_CTRL('b'), MOVE, CHARACTER_LEFT},
        {KEY_RIGHT, MOVE, CHARACTER_RIGHT},     {KEY_CTRL('f'), MOVE, CHARACTER_RIGHT},
        {KEY_HOME, MOVE, START},                {KEY_CTRL('a'), MOVE, START},
        {KEY_END, MOVE, END},                   {KEY_CTRL('e'), MOVE, END},
        {KEY_WORD_LEFT, MOVE, WORD_LEFT},       {KEY_WORD_RIGHT, MOVE, WORD_RIGHT},
        {KEY_BACKSPACE, DELETE, CHARACTER_LEFT}, {KEY_DELETE, DELETE, CHARACTER_RIGHT},
        {KEY_CTRL('d'), DELETE, CHARACTER_RIGHT}, {KEY_CTRL('k'), CUT, END},
        {KEY_CTRL('u'), CUT, START},            {KEY_CTRL('w'), CUT, BLANK_LEFT},
    };
    if (key == KEY_CTRL('y')) {
        line_edit_insert(edit, text_of(edit->killed));
        return true;
    }
    for (u32 i = 0; i < ARRAY_COUNT(keys); i++) {
        if (keys[i].key != key)
            continue;
        u32 to = find(edit, keys[i].target), at = edit->cursor;
        if (keys[i].what == MOVE)
            edit->cursor = to;
        else
            delete(edit, to < at ? to : at, to < at ? at : to, keys[i].what == CUT);
        return true;
    }
    return insert_key(edit, key);
}

/* Where a window begins whose last cell is that of `at`. */
static u32 window_before(const struct line_edit *edit, u32 at, u32 cells)
{
    while (--cells)
        at = before(edit, at);
    return at;
}

struct text line_edit_window(struct line_edit *edit, u32 cells, u32 *cursor)
{
    u32 least = window_before(edit, edit->cursor, cells), most = window_before(edit, edit->length, cells);
    if (edit->first > most)
        edit->first = most;
    if (edit->first > edit->cursor)
        edit->first = edit->cursor;
    if (edit->first < least)
        edit->first = least;
    struct text shown = {edit->text + edit->first, edit->length - edit->first};
    *cursor = text_cells((struct text){shown.at, edit->cursor - edit->first});
    shown.len = text_bytes_for(shown, cells);
    return shown;
}
