/* fuzz_key.c: the bytes come from a terminal; the first one's bits tell behind which of the others nothing comes for a
 * while. The decoder is pure: no machine is needed.
 */
#include "host.h"

#include "console.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void check_key(const struct key_decoder *d, u32 key)
{
    bool control = (key >= KEY_CTRL('A') && key <= KEY_CTRL('Z')) || key == KEY_ESCAPE;
    bool character = (key >= 0x20 && key < 0x7f) || (key >= 0xa0 && key <= 0x10ffff && (key < 0xd800 || key > 0xdfff));
    bool named = key >= KEY_UP && key <= KEY_UNKNOWN;
    if (key != KEY_NONE && !control && !character && !named)
        panic("key %x", key);
    if (d->count > sizeof d->pending)
        panic("%u bytes waiting", d->count);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct key_decoder d = {0};
    for (size_t i = 1; i < size; i++) {
        check_key(&d, key_decode(&d, data[i]));
        if (!(data[0] >> i % 8 & 1))
            continue;
        bool waits = d.count;
        u32 key = key_decode_timeout(&d);
        check_key(&d, key);
        if (waits != (key != KEY_NONE) || d.count)
            panic("key %x after a silence", key);
    }
    return 0;
}
