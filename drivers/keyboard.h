/* keyboard.h: keys of the machine's own keyboard: scancodes, and the BIOS's INT 16h. */
#ifndef DRIVERS_KEYBOARD_H
#define DRIVERS_KEYBOARD_H

#include "boot_info.h"

/* What a keyboard's earlier bytes leave behind. Zeros: no key is down, no lock is on. */
struct scancode_decoder {
    bool extended; /* E0h came: it belongs to the next byte */
    u8 swallow;    /* bytes of Pause still to come */
    u8 down;       /* modifiers and locks that are held down, a bit each */
    bool caps_lock, num_lock;
};

/* A byte of scancode set 1, US layout → the key of console.h that it completes, or KEY_NONE. Pure. */
u32 scancode_decode(struct scancode_decoder *decoder, u8 byte);

/* What INT 16h gives in AX (AH=10h: scancode and character) → key of console.h. Pure. */
u32 bios_key_of(u16 ax);

/* True when there is a BIOS whose INT 16h may be called, and memory below 640 KiB to call it from; to be asked again
 * after memory was given to others. */
bool bios_keyboard_ready(const struct boot_info *boot);

/* The next key that the BIOS has, or KEY_NONE; the BIOS is called a hundred times a second at most. without_irq1: the
 * i8042's keyboard is not its to read. Only after bios_keyboard_ready(). */
u32 bios_keyboard_key(bool without_irq1);

#endif
