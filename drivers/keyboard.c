/* keyboard.c: the machine's own keyboards (console.h): PS/2 behind an i8042, and what the BIOS has. Keys only.
 *
 * IBM PS/2 Hardware Interface Technical Reference, Keyboard and Auxiliary Device Controller (1988); Intel 8042 as
 * chipsets and firmware imitate it, also for USB keyboards (SMM). ACPI 6.5 §5.2.9.3: a FADT may say that there is none.
 *
 * Firmware has set it all up, so as little as possible is touched: the command byte is changed only where translation
 * to set 1 or the keyboard's interface are off, and put back when we leave. Nothing is sent to the keyboard but, then,
 * "enable": no reset, no LEDs, no other set of scancodes. A controller that does not do as it is told is none, as is
 * one that never comes to an end.
 *
 * Where there is a BIOS it is asked for keys, too: a USB keyboard that it drives is not always behind the i8042, and a
 * controller does not tell whether anybody ever types on it. What comes from the i8042 is kept from the BIOS meanwhile,
 * or a letter would go one way and its Shift the other. The first look is taken when the first key is asked for: a boot
 * without a menu does not pay for it. tests/unit/test_keyboard.c, tests/qemu/test_keyboard.py.
 */
#include "keyboard.h"
#include "acpi.h"
#include "bios_call.h"
#include "console.h"
#include "io.h"

#define DATA 0x60
#define STATUS 0x64
#define COMMAND 0x64
#define ABSENT 0xff

#define STATUS_OUTPUT 0x01 /* a byte waits in DATA */
#define STATUS_INPUT 0x02  /* what was written has not been taken yet */
#define STATUS_AUX 0x20    /* the byte is a mouse's */

#define COMMAND_READ 0x20  /* the command byte */
#define COMMAND_WRITE 0x60
#define BYTE_OFF 0x10       /* keyboard interface disabled */
#define BYTE_TRANSLATE 0x40 /* set 2 to set 1 */
#define KEYBOARD_ENABLE 0xf4

#define ANSWER_MS 50u
#define WAITING_MAX 64u   /* bytes that may wait: QEMU keeps 16 each of keyboard and mouse */
#define ENDLESS 1000u     /* bytes without a pause: a keyboard sends one a millisecond */
#define EARLY_MAX 4u

#define FADT_REVISION 8
#define FADT_REVISION_2_0 3u /* of ACPI 2.0: before, the flags were reserved */
#define FADT_BOOT_FLAGS 109 /* IAPC_BOOT_ARCH, u16 */
#define FADT_HAS_8042 2u

#define BDA_LOCKS 0x417u
#define BDA_NUM_LOCK 0x20
#define BDA_CAPS_LOCK 0x40

static struct {
    const struct boot_info *boot;
    bool looked;          /* i8042 is known */
    bool i8042, bios;     /* work */
    bool ready;           /* until leave() */
    u8 found;             /* the command byte */
    bool changed;         /* by us */
    struct scancode_decoder decoder;
    u32 early[EARLY_MAX]; /* keys that waited when we came */
    u32 early_count;
    u32 run;              /* bytes without a pause */
} keyboard;

/* ---- the controller ---------------------------------------------------------------------------------------------- */

static bool i8042_write(u16 port, u8 value)
{
    struct deadline deadline = deadline_in(ANSWER_MS);
    while (io_in8(STATUS) & STATUS_INPUT)
        if (deadline_passed(&deadline))
            return false;
    io_out8(port, value);
    return true;
}

/* The next byte that is not a mouse's. */
static bool i8042_answer(u8 *byte)
{
    struct deadline deadline = deadline_in(ANSWER_MS);
    for (u32 bytes = 0; bytes < WAITING_MAX;) {
        u8 status = io_in8(STATUS);
        if (status & STATUS_OUTPUT) {
            *byte = io_in8(DATA);
            bytes++;
            if (!(status & STATUS_AUX))
                return true;
        } else if (deadline_passed(&deadline)) {
            return false;
        }
    }
    return false;
}

/* False when it does not come to an end. keep: keys are kept. */
static bool i8042_drain(bool keep)
{
    for (u32 i = 0; i < WAITING_MAX; i++) {
        u8 status = io_in8(STATUS);
        if (!(status & STATUS_OUTPUT))
            return true;
        u8 byte = io_in8(DATA);
        u32 key = status & STATUS_AUX ? KEY_NONE : scancode_decode(&keyboard.decoder, byte);
        if (keep && key != KEY_NONE && keyboard.early_count < EARLY_MAX)
            keyboard.early[keyboard.early_count++] = key;
    }
    return false;
}

/* A key may get in between command and answer: the byte is believed when two in a row are the same. */
static bool read_command_byte(u8 *byte)
{
    u8 before = 0;
    for (u32 i = 0; i < 5; i++) {
        if (!i8042_write(COMMAND, COMMAND_READ) || !i8042_answer(byte))
            return false;
        if (i && *byte == before) {
            if (i > 1)
                pause_ms(1); /* an answer is still on its way */
            return i < 2 || i8042_drain(false);
        }
        before = *byte;
    }
    return false;
}

static bool write_command_byte(u8 byte)
{
    return i8042_write(COMMAND, COMMAND_WRITE) && i8042_write(DATA, byte);
}

/* As firmware shows them by the keyboard's lights. */
static void read_locks(void)
{
    bool bios = !bios_missing();
    u8 locks = bios ? *(const u8 *)mem_at(BDA_LOCKS, 1) : 0;
    keyboard.decoder = (struct scancode_decoder){
        .num_lock = locks & BDA_NUM_LOCK,
        .caps_lock = locks & BDA_CAPS_LOCK,
    };
}

static bool fadt_denies(void)
{
    u32 size;
    const u8 *fadt = acpi_find(keyboard.boot->rsdp, "FACP", FADT_BOOT_FLAGS + 2, &size);
    return fadt && fadt[FADT_REVISION] >= FADT_REVISION_2_0 && !(load_le(fadt + FADT_BOOT_FLAGS, 2) & FADT_HAS_8042);
}

/* Make it deliver scancodes of set 1. False: it is not there, or does not. */
static bool i8042_begin(void)
{
    u8 now;
    keyboard.changed = false;
    keyboard.run = 0;
    if (io_in8(STATUS) == ABSENT || (!keyboard.looked && fadt_denies()))
        return false;
    if (!i8042_drain(true) || !read_command_byte(&keyboard.found))
        return false;
    u8 wanted = (keyboard.found & (u8)~BYTE_OFF) | BYTE_TRANSLATE;
    if (wanted == keyboard.found)
        return true;
    keyboard.changed = true;
    keyboard.early_count = 0; /* they were of another set, or not its */
    read_locks();
    if (!write_command_byte(wanted) || !read_command_byte(&now))
        return false;
    if ((now & (BYTE_OFF | BYTE_TRANSLATE)) != BYTE_TRANSLATE) {
        write_command_byte(keyboard.found);
        return false;
    }
    if (keyboard.found & BYTE_OFF) /* then nobody has told the keyboard either; its FAh is no key */
        i8042_write(DATA, KEYBOARD_ENABLE);
    return true;
}

static u32 i8042_key(void)
{
    for (u32 i = 0; i < WAITING_MAX; i++) {
        u8 status = io_in8(STATUS);
        if (status == ABSENT || !(status & STATUS_OUTPUT)) {
            keyboard.run = 0;
            return KEY_NONE;
        }
        if (++keyboard.run > ENDLESS) {
            keyboard.i8042 = false;
            return KEY_NONE;
        }
        u8 byte = io_in8(DATA);
        u32 key = status & STATUS_AUX ? KEY_NONE : scancode_decode(&keyboard.decoder, byte);
        if (key != KEY_NONE)
            return key;
    }
    return KEY_NONE;
}

/* ---- as a console ------------------------------------------------------------------------------------------------ */

/* Whether there may be one is cheap to tell, whether it works is not. */
static bool keyboard_open(const struct boot_info *boot, struct text option, bool wanted)
{
    (void)option, (void)wanted;
    keyboard.boot = boot;
    keyboard.looked = keyboard.ready = keyboard.i8042 = keyboard.bios = false;
    keyboard.early_count = 0;
    return io_in8(STATUS) != ABSENT || !bios_missing();
}

static void keyboard_begin(void)
{
    keyboard.ready = true;
    keyboard.decoder.down = 0; /* what has been let go meanwhile nobody tells */
    if (!keyboard.looked)
        read_locks();
    if (!keyboard.looked || keyboard.i8042)
        keyboard.i8042 = i8042_begin();
    if (!keyboard.i8042)
        keyboard.early_count = 0;
    keyboard.looked = true;
    keyboard.bios = bios_keyboard_ready(keyboard.boot);
}

static u32 keyboard_key(void)
{
    if (!keyboard.ready)
        keyboard_begin();
    if (keyboard.early_count) {
        u32 key = keyboard.early[0];
        memmove(keyboard.early, keyboard.early + 1, --keyboard.early_count * sizeof key);
        return key;
    }
    u32 key = keyboard.i8042 ? i8042_key() : KEY_NONE;
    return key == KEY_NONE && keyboard.bios ? bios_keyboard_key(keyboard.i8042) : key;
}

static void keyboard_leave(void)
{
    if (keyboard.i8042) {
        i8042_drain(false);
        if (keyboard.ready && keyboard.changed)
            write_command_byte(keyboard.found);
        i8042_drain(false);
    }
    keyboard.ready = false;
    keyboard.early_count = 0;
}

const struct console console_keyboard = {
    .name = "keyboard",
    .open = keyboard_open,
    .key = keyboard_key,
    .leave = keyboard_leave,
};
