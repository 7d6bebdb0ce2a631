/* key.c: bytes of a terminal → keys (console.h). Pure.
 *
 * ECMA-48 §5.4 control sequences (ESC [ parameters final), §5.6 control strings (OSC, DCS …), the SS3 form of VT100's
 * application mode (ESC O final), parameters and modifiers as xterm's ctlseqs has them, rxvt's own (ESC O d,
 * ESC [ 3 ^), the Linux console's function keys (ESC [ [ A), Windows' VT-UTF8 (ESC h), Alt as ESC before a letter, and
 * UTF-8 (RFC 3629 §4). No mouse. What a terminal sends by itself is no key: cursor reports (kept for who asked),
 * strings, the brackets around pasted text. Exercised by tests/unit/test_key.c and tests/fuzz/fuzz_key.c.
 */
#include "console.h"

#define BEL 0x07
#define ESC 0x1b
#define CONTROL_STRING_MAX 1024u /* what goes on for longer is no string of a terminal's */

/* What stands between ESC [ or ESC O and the final character. */
struct parameters {
    u32 count;
    u32 number[2]; /* a missing one is 0 */
};

/* False for what no key sends: private markers, intermediate characters, what is too long to have been kept. */
static bool read_parameters(const struct key_decoder *d, struct parameters *p)
{
    *p = (struct parameters){.count = d->count > 2};
    if (d->count == sizeof d->pending)
        return false;
    for (u32 i = 2; i < d->count; i++) {
        u32 digit = d->pending[i] - (u32)'0';
        if (d->pending[i] == ';')
            p->count++;
        else if (digit > 9)
            return false;
        else if (p->count <= ARRAY_COUNT(p->number))
            p->number[p->count - 1] = p->number[p->count - 1] * 10 + digit; /* 13 digits at most: it may wrap, is all */
    }
    return true;
}

/* ESC [ number ~: VT220's editing keys, rxvt's 7 and 8 (^ instead of ~: with Ctrl). Modifiers mean nothing here. */
static u32 key_tilde(u32 number)
{
    static const u32 keys[] = {[1] = KEY_HOME, [2] = KEY_INSERT, [3] = KEY_DELETE, [4] = KEY_END,
                               [5] = KEY_PAGE_UP, [6] = KEY_PAGE_DOWN, [7] = KEY_HOME, [8] = KEY_END};
    if (number == 200 || number == 201)
        return KEY_NONE; /* pasted text begins, and ends: it counts as if it were typed */
    return number < ARRAY_COUNT(keys) && keys[number] ? keys[number] : KEY_UNKNOWN;
}

static u32 key_final(const struct parameters *p, u8 final)
{
    /* ESC [ 1 ; 5 D, and ESC [ 5 D of old: 1 more than the sum of 1 Shift, 2 Alt, 4 Ctrl, 8 Meta */
    u32 modifier = p->number[p->count > 1];
    bool word = modifier && (modifier - 1) & 6;
    switch (final) {
    case 'A':
        return KEY_UP;
    case 'B':
        return KEY_DOWN;
    case 'C':
        return word ? KEY_WORD_RIGHT : KEY_RIGHT;
    case 'D':
        return word ? KEY_WORD_LEFT : KEY_LEFT;
    case 'H':
        return KEY_HOME;
    case 'F':
        return KEY_END;
    }
    return KEY_UNKNOWN;
}

/* ESC [ … final */
static u32 key_csi(struct key_decoder *d, u8 final)
{
    struct parameters p;
    if (!read_parameters(d, &p))
        return KEY_UNKNOWN;
    if (final == '~' || final == '^')
        return key_tilde(p.number[0]);
    if (final != 'R' || p.count != 2)
        return key_final(&p, final);
    d->report_row = p.number[0]; /* a cursor report: or F3 with Shift, which is of no use either */
    d->report_column = p.number[1];
    return KEY_NONE;
}

/* ESC O … final */
static u32 key_ss3(const struct key_decoder *d, u8 final)
{
    struct parameters p;
    if (!read_parameters(d, &p))
        return KEY_UNKNOWN;
    switch (final) {
    case 'M':
        return KEY_ENTER; /* the keypad's */
    case 'c':
        return KEY_WORD_RIGHT; /* rxvt's Ctrl and arrows */
    case 'd':
        return KEY_WORD_LEFT;
    case 'a':
        return KEY_UP;
    case 'b':
        return KEY_DOWN;
    }
    return key_final(&p, final);
}

/* ESC and one character: Alt and a letter, or VT-UTF8. */
static u32 key_alt(u8 byte)
{
    switch (byte) {
    case 'b':
    case 'B':
        return KEY_WORD_LEFT;
    case 'f':
    case 'F':
        return KEY_WORD_RIGHT;
    case 'h':
        return KEY_HOME;
    case 'k':
        return KEY_END;
    case '+':
        return KEY_INSERT;
    case '-':
        return KEY_DELETE;
    case '?':
        return KEY_PAGE_UP;
    case '/':
        return KEY_PAGE_DOWN;
    case '\\':
        return KEY_NONE; /* the end of a control string */
    }
    return KEY_UNKNOWN;
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

/* What is in no sequence. Zeros, which are a line's noise, are no key. */
static u32 first_byte(struct key_decoder *d, u8 byte)
{
    bool after_return = d->after_return;
    u32 c = utf8_feed(&d->utf8, byte);
    d->count = 0;
    d->after_return = c == '\r';
    switch (c) {
    case '\n':
        return after_return ? KEY_NONE : KEY_ENTER;
    case 0x7f:
        return KEY_BACKSPACE;
    case ESC:
    case UTF8_MORE:
        return wait(d, byte);
    }
    return (c > KEY_CTRL('Z') && is_control(c)) || c == UTF8_NONE ? KEY_UNKNOWN : c;
}

/* Inside of ESC ] … BEL and its kind: everything up to the end, which ESC \ may be too. */
static u32 string_byte(struct key_decoder *d, u8 byte)
{
    if (byte == BEL)
        return finish(d, KEY_NONE);
    return byte < 0x20 || ++d->string == CONTROL_STRING_MAX ? finish(d, KEY_UNKNOWN) : KEY_NONE;
}

static bool is_string_start(u8 byte)
{
    return byte == ']' || byte == 'P' || byte == 'X' || byte == '^' || byte == '_'; /* OSC, DCS, SOS, PM, APC */
}

/* The byte behind ESC. */
static u32 escape_second(struct key_decoder *d, u8 byte)
{
    d->string = 0;
    if (byte == '[' || byte == 'O' || is_string_start(byte))
        return wait(d, byte);
    return finish(d, key_alt(byte));
}

static u32 escape_byte(struct key_decoder *d, u8 byte)
{
    bool string = d->count > 1 && is_string_start(d->pending[1]);
    if (byte == ESC) { /* the one that waited was the key; this one begins anew */
        u32 waited = d->count;
        d->count = 1;
        return waited == 1 ? KEY_ESCAPE : string ? KEY_NONE : KEY_UNKNOWN;
    }
    if (string)
        return string_byte(d, byte);
    if (byte < 0x20 || byte >= 0x7f)
        return finish(d, KEY_UNKNOWN);
    if (d->count == 1)
        return escape_second(d, byte);
    if (d->count == 3 && d->pending[1] == '[' && d->pending[2] == '[')
        return finish(d, KEY_UNKNOWN);
    if (byte < 0x40 || (d->count == 2 && byte == '[' && d->pending[1] == '['))
        return wait(d, byte);
    return finish(d, d->pending[1] == '[' ? key_csi(d, byte) : key_ss3(d, byte));
}

u32 key_decode(struct key_decoder *decoder, u8 byte)
{
    bool escaped = decoder->count && decoder->pending[0] == ESC;
    return escaped ? escape_byte(decoder, byte) : first_byte(decoder, byte);
}

u32 key_decode_timeout(struct key_decoder *decoder)
{
    if (!decoder->count)
        return KEY_NONE;
    bool lone = decoder->count == 1 && decoder->pending[0] == ESC;
    decoder->utf8.more = 0;
    return finish(decoder, lone ? KEY_ESCAPE : KEY_UNKNOWN);
}
