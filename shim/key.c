/* key.c: bytes of a terminal → keys (console.h). Pure. ECMA-48 §5.4 (CSI), DEC VT100 (SS3), xterm's and Linux's numbers.
 *
 * Unknown sequences are swallowed whole, so that their tail is never taken for typed letters.
 * Exercise: tests/unit/test_key.c, tests/fuzz/fuzz_key.c.
 */
#include "console.h"

#define ESC 0x1b

static u32 csi_letter(u8 final)
{
    switch (final) {
    case 'A':
        return KEY_UP;
    case 'B':
        return KEY_DOWN;
    case 'C':
        return KEY_RIGHT;
    case 'D':
        return KEY_LEFT;
    case 'H':
        return KEY_HOME;
    case 'F':
        return KEY_END;
    default:
        return KEY_UNKNOWN;
    }
}

/* ESC [ number ~ */
static u32 csi_number(const u8 *digits, u32 count)
{
    u32 n = 0;
    for (u32 i = 0; i < count && digits[i] >= '0' && digits[i] <= '9'; i++)
        n = n * 10 + (digits[i] - '0');
    switch (n) {
    case 1:
    case 7:
        return KEY_HOME;
    case 3:
        return KEY_DELETE;
    case 4:
    case 8:
        return KEY_END;
    case 5:
        return KEY_PAGE_UP;
    case 6:
        return KEY_PAGE_DOWN;
    default:
        return KEY_UNKNOWN;
    }
}

static u32 decode_escape(struct key_decoder *d)
{
    const u8 *p = d->pending;
    u32 n = d->count;
    if (n == 1)
        return KEY_NONE;
    if (p[1] == ESC) { /* ESC ESC: the first one was a key */
        d->count = 1;
        return KEY_ESCAPE;
    }
    if (p[1] != '[' && p[1] != 'O') { /* Alt and a letter */
        d->count = 0;
        return KEY_UNKNOWN;
    }
    u8 last = p[n - 1];
    if (n == 2 || (p[1] == '[' && last >= 0x20 && last < 0x40)) { /* parameters go on */
        if (n < sizeof d->pending)
            return KEY_NONE;
        d->count = 2; /* too long to mean anything: keep swallowing until its final byte */
        return KEY_NONE;
    }
    d->count = 0;
    if (last == '~')
        return csi_number(p + 2, n - 3);
    return csi_letter(last);
}

static u32 decode_utf8(struct key_decoder *d)
{
    const u8 *p = d->pending;
    u32 length = p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : 0;
    if (!length || (d->count > 1 && (p[d->count - 1] & 0xc0) != 0x80)) {
        d->count = 0;
        return KEY_UNKNOWN;
    }
    if (d->count < length)
        return KEY_NONE;
    u32 c = p[0] & (0xffu >> (length + 1));
    for (u32 i = 1; i < length; i++)
        c = c << 6 | (p[i] & 0x3f);
    d->count = 0;
    return c <= 0x10ffff ? c : KEY_UNKNOWN;
}

u32 key_decode(struct key_decoder *d, u8 byte)
{
    bool after_return = d->after_return;
    d->after_return = false;
    if (!d->count && byte < 0x80 && byte != ESC) {
        if (byte == '\n' && after_return)
            return KEY_NONE;
        d->after_return = byte == '\r';
        if (byte == '\n' || byte == '\r')
            return KEY_ENTER;
        if (byte == 0x7f || byte == KEY_BACKSPACE)
            return KEY_BACKSPACE;
        return byte >= 0x20 || byte == KEY_TAB ? byte : KEY_UNKNOWN;
    }
    d->pending[d->count++] = byte;
    return d->pending[0] == ESC ? decode_escape(d) : decode_utf8(d);
}

u32 key_decode_timeout(struct key_decoder *d)
{
    u32 key = !d->count ? KEY_NONE : d->count == 1 && d->pending[0] == ESC ? KEY_ESCAPE : KEY_UNKNOWN;
    d->count = 0;
    return key;
}
