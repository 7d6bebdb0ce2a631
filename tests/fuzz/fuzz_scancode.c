/* fuzz_scancode.c: bytes of a keyboard, and a controller that answers anything.
 *
 * Input: first byte's bit 0: the rest are scancodes. Else they are what the controller's ports give, one after the
 * other, while the console is used as the menu does; then the ports give the last byte for ever, or nothing (bit 1).
 */
#include "fake_int13.h"

#include "console.h"
#include "keyboard.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

extern const struct console console_keyboard;

static const u8 *bytes;
static size_t left;
static u8 last;
static bool silent;
static u32 reads;

static void check_key(u32 key)
{
    bool control = (key >= KEY_CTRL('A') && key <= KEY_CTRL('Z')) || key == KEY_ESCAPE;
    bool named = key >= KEY_UP && key <= KEY_UNKNOWN;
    if (key != KEY_NONE && !control && !named && (key < 0x20 || key > 0x7e))
        panic("key %x", key);
}

static u32 any_in(u16 port, u32 width)
{
    (void)port, (void)width;
    reads++;
    if (left) {
        last = *bytes++;
        left--;
        return last;
    }
    return silent ? 0 : last;
}

/* Waits are over sooner. */
static void hurry(void)
{
    host_ticks += 10000;
}

static void use_controller(u8 flags)
{
    static const struct boot_info boot;
    fake_bios_reset(0);
    host_poke(0xffff0, "\0", 1); /* no BIOS */
    host_machine.relax = hurry;
    host_machine.in = any_in;
    silent = flags & 2;
    reads = 0;
    last = 0;
    console_keyboard.open(&boot, text_of(NULL), false);
    for (u32 round = 0; round < 2; round++) {
        for (u32 i = 0; i < 1200; i++)
            check_key(console_keyboard.key());
        console_keyboard.leave();
    }
    if (reads > 500000) /* each wait has an end: 50 ms are less than 3,000 looks at this clock */
        panic("%u reads", reads);
    for (u32 i = 0; i < 1200 && !left; i++)
        check_key(console_keyboard.key());
    if (!left && console_keyboard.key() != KEY_NONE)
        panic("keys without an end");
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct scancode_decoder d = {0};
    if (size < 2)
        return 0;
    bytes = data + 1;
    left = size - 1;
    if (!(data[0] & 1)) {
        use_controller(data[0]);
        return 0;
    }
    for (size_t i = 1; i < size; i++) {
        check_key(scancode_decode(&d, data[i]));
        if (d.swallow > 2)
            panic("%u bytes to swallow", d.swallow);
        check_key(bios_key_of((u16)(data[i - 1] << 8 | data[i])));
    }
    return 0;
}
