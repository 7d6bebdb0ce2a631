/* key.c: bytes of a terminal → keys (console.h). Pure.
 *
 * ECMA-48 §5.4 control sequences (ESC [ parameters final), the SS3 form of VT100's application mode (ESC O final), the
 * Linux console's function keys (ESC [ [ A), and UTF-8 (RFC 3629 §4). No mouse, no paste brackets: they are swallowed
 * as unknown. Exercised by tests/unit/test_key.c and tests/fuzz/fuzz_key.c.
 */
#include "console.h"

#define ESC 0x1b

static u32 key_final(u8 final)
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
    case 'M':
        return KEY_ENTER; /* ESC O M: the keypad's; ESC [ M never gets here */
    }
    return KEY_UNKNOWN;
}

/* ESC [ number ~: VT220's editing keys, and rxvt's 7 and 8. Without ; and modifiers, which mean nothing here. */
static u32 key_tilde(const struct key_decoder *d)
{
    static const u32 keys[] = {[1] = KEY_HOME, [3] = KEY_DELETE, [4] = KEY_END, [5] = KEY_PAGE_UP, [6] = KEY_PAGE_DOWN,
                               [7] = KEY_HOME, [8] = KEY_END};
    u32 n = (u32)d->pending[2] - '0';
    bool one_digit = d->count == 3 || d->pending[3] == ';';
    return d->count >= 3 && one_digit && n < ARRAY_COUNT(keys) && keys[n] ? keys[n] : KEY_UNKNOWN;
}

static u32 finish(struct key_decoder *d, u32 key)
{
    d->count = 0;
    return key;
}

static u32 wait(struct key_decoder *d, u8 byte)
{
    if (d->count < sizeof d->pending) /* a longer sequence is unknown anyway: its end is enough */
        d->pending[d->count++] = byte;
    return KEY_NONE;
}

static u32 first_byte(struct key_decoder *d, u8 byte)
{
    bool after_return = d->after_return;
    d->count = 0;
    d->after_return = byte == '\r';
    if (byte == '\n')
        return after_return ? KEY_NONE : KEY_ENTER;
    if (byte == '\r' || byte == '\t')
        return byte;
    if (byte == 0x7f || byte == '\b')
        return KEY_BACKSPACE;
    if (byte == ESC || (byte >= 0xc2 && byte <= 0xf4))
        return wait(d, byte);
    if (byte < 0x20 || byte >= 0x80)
        return byte ? KEY_UNKNOWN : KEY_NONE; /* zeros are a line's noise */
    return byte;
}

static u32 escape_byte(struct key_decoder *d, u8 byte)
{
    if (byte == ESC) { /* the one that waited was the key; this one begins anew */
        u32 waited = d->count;
        d->count = 1;
        return waited == 1 ? KEY_ESCAPE : KEY_UNKNOWN;
    }
    if (byte < 0x20 || byte >= 0x7f)
        return finish(d, KEY_UNKNOWN);
    if (d->count == 1) {
        if (byte != '[' && byte != 'O')
            return finish(d, KEY_UNKNOWN); /* Alt and a letter */
        return wait(d, byte);
    }
    if (d->count == 3 && d->pending[1] == '[' && d->pending[2] == '[')
        return finish(d, KEY_UNKNOWN);
    if (byte < 0x40 || (d->count == 2 && byte == '[' && d->pending[1] == '['))
        return wait(d, byte);
    if (byte == '~' && d->pending[1] == '[')
        return finish(d, key_tilde(d));
    return finish(d, byte == 'M' && d->pending[1] == '[' ? KEY_UNKNOWN : key_final(byte));
}

static u32 utf8_byte(struct key_decoder *d, u8 byte)
{
    static const u32 least[] = {0, 0, 0x80, 0x800, 0x10000};
    u8 lead = d->pending[0];
    u32 length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if ((byte & 0xc0) != 0x80) /* cut short: what comes instead counts */
        return first_byte(d, byte);
    wait(d, byte);
    if (d->count < length)
        return KEY_NONE;
    u32 c = lead & (0x7fu >> length);
    for (u32 i = 1; i < length; i++)
        c = c << 6 | (d->pending[i] & 0x3fu);
    bool valid = c >= least[length] && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff) && c >= 0xa0;
    return finish(d, valid ? c : KEY_UNKNOWN);
}

u32 key_decode(struct key_decoder *decoder, u8 byte)
{
    if (!decoder->count)
        return first_byte(decoder, byte);
    return decoder->pending[0] == ESC ? escape_byte(decoder, byte) : utf8_byte(decoder, byte);
}

u32 key_decode_timeout(struct key_decoder *decoder)
{
    if (!decoder->count)
        return KEY_NONE;
    bool lone = decoder->count == 1 && decoder->pending[0] == ESC;
    return finish(decoder, lone ? KEY_ESCAPE : KEY_UNKNOWN);
}
