/* scancode.c: scancodes of set 1, as an i8042 translates them, US layout → keys (keyboard.h). Pure.
 *
 * Microsoft, Keyboard Scan Code Specification 1.3a (2000), scan code table and notes; IBM PS/2 Technical Reference,
 * Keyboard (101- and 102-Key). Typematic repeat is the keyboard's: each is one more make code; breaks matter of
 * modifiers only. Other layouts are left out on purpose: a config's letters are ASCII, and nobody tells the layout.
 * tests/unit/test_keyboard.c, tests/fuzz/fuzz_scancode.c.
 */
#include "console.h"
#include "keyboard.h"

#define BREAK 0x80
#define PREFIX_E0 0xe0
#define PREFIX_E1 0xe1 /* Pause: E1 1D 45 E1 9D C5 */

#define CODE_CTRL 0x1d
#define CODE_SHIFT_LEFT 0x2a
#define CODE_SHIFT_RIGHT 0x36
#define CODE_ALT 0x38
#define CODE_CAPS_LOCK 0x3a
#define CODE_NUM_LOCK 0x45
#define CODE_SCROLL_LOCK 0x46
#define CODE_SLASH 0x35 /* behind E0: the keypad's, as is Enter */
#define CODE_ENTER 0x1c
#define CODE_PAD_FIRST 0x47
#define CODE_PAD_LAST 0x53

/* Bits of `down` */
#define SHIFT 0x03 /* left and right */
#define CTRL 0x0c
#define ALT 0x30
#define CAPS_LOCK 0x40
#define NUM_LOCK 0x80

/* By make code; 0: no character. */
static const char plain[] = "\0\0331234567890-=\b\tqwertyuiop[]\r\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[] = "\0\033!@#$%^&*()_+\b\tQWERTYUIOP{}\r\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";
_Static_assert(sizeof plain == 0x3a + 1 && sizeof shifted == sizeof plain, "up to the space bar, 39h");

/* The keypad's: 7 8 9 - 4 5 6 + 1 2 3 0 . and what they are without Num Lock, as behind E0. */
static const char pad_digits[] = "789-456+1230.";
static const u32 pad_moves[] = {KEY_HOME, KEY_UP,  KEY_PAGE_UP, '-',           KEY_LEFT,   KEY_UNKNOWN, KEY_RIGHT,
                                '+',      KEY_END, KEY_DOWN,    KEY_PAGE_DOWN, KEY_INSERT, KEY_DELETE};

static bool is_letter(u32 c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* The bit of a modifier or lock in `down`; 0: it is none. Shifts behind E0 are made up, for keyboards of old. */
static u8 modifier_of(u8 code, bool extended)
{
    switch (code) {
    case CODE_SHIFT_LEFT:
        return extended ? 0 : 0x01;
    case CODE_SHIFT_RIGHT:
        return extended ? 0 : 0x02;
    case CODE_CTRL:
        return extended ? 0x08 : 0x04;
    case CODE_ALT:
        return extended ? 0x20 : 0x10;
    case CODE_CAPS_LOCK:
        return extended ? 0 : CAPS_LOCK;
    case CODE_NUM_LOCK:
        return extended ? 0 : NUM_LOCK;
    }
    return 0;
}

static u32 with_modifiers(const struct scancode_decoder *d, u32 key)
{
    bool ctrl = d->down & CTRL, alt = d->down & ALT;
    if (!ctrl && !alt)
        return key;
    if (key == KEY_LEFT || (alt && (key | 0x20) == 'b'))
        return KEY_WORD_LEFT;
    if (key == KEY_RIGHT || (alt && (key | 0x20) == 'f'))
        return KEY_WORD_RIGHT;
    if (key < 0x20 || key >= KEY_UP)
        return key;
    if (alt || (!is_letter(key) && key != '['))
        return KEY_UNKNOWN;
    key = KEY_CTRL(key);
    return key == '\n' ? KEY_ENTER : key; /* as of a terminal: Ctrl-J is Enter, Ctrl-[ Escape */
}

static u32 pad_key(const struct scancode_decoder *d, u8 code)
{
    u32 i = code - (u32)CODE_PAD_FIRST;
    bool digits = d->num_lock != !!(d->down & SHIFT);
    return digits && !(d->down & (CTRL | ALT)) ? (u32)pad_digits[i] : pad_moves[i];
}

static u32 extended_key(u8 code)
{
    if (code == CODE_ENTER)
        return KEY_ENTER;
    if (code == CODE_SLASH)
        return '/';
    u32 i = code - (u32)CODE_PAD_FIRST;
    return i < ARRAY_COUNT(pad_moves) && pad_moves[i] >= KEY_UP ? pad_moves[i] : KEY_UNKNOWN;
}

static u32 plain_key(struct scancode_decoder *d, u8 code)
{
    bool shift = d->down & SHIFT;
    if (code >= CODE_PAD_FIRST && code <= CODE_PAD_LAST)
        return pad_key(d, code);
    if (code == 0x56)
        return shift ? '|' : '\\'; /* the key more of 102, left of Z */
    if (code >= sizeof plain - 1 || !plain[code])
        return KEY_UNKNOWN;
    if (is_letter((u8)plain[code]))
        shift ^= d->caps_lock;
    return (u8)(shift ? shifted : plain)[code];
}

u32 scancode_decode(struct scancode_decoder *d, u8 byte)
{
    bool extended = d->extended;
    u8 code = byte & (u8)~BREAK, modifier = modifier_of(code, extended);
    if (d->swallow) {
        d->swallow--;
        return d->swallow || byte & BREAK ? KEY_NONE : KEY_UNKNOWN;
    }
    d->extended = byte == PREFIX_E0;
    if (d->extended)
        return KEY_NONE;
    if (byte == PREFIX_E1) {
        d->swallow = 2;
        return KEY_NONE;
    }
    if (byte & BREAK) { /* answers to commands and a keyboard's self-test, too: FAh, FEh, AAh */
        d->down &= (u8)~modifier;
        return KEY_NONE;
    }
    if (modifier) { /* locks repeat while they are held, too */
        d->caps_lock ^= modifier == CAPS_LOCK && !(d->down & CAPS_LOCK);
        d->num_lock ^= modifier == NUM_LOCK && !(d->down & NUM_LOCK);
        d->down |= modifier;
        return KEY_NONE;
    }
    if (!byte || (extended ? code == CODE_SHIFT_LEFT || code == CODE_SHIFT_RIGHT : code == CODE_SCROLL_LOCK))
        return KEY_NONE;
    return with_modifiers(d, extended ? extended_key(code) : plain_key(d, code));
}
