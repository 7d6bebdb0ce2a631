/* keyboard_bios.c: keys by the BIOS: of USB keyboards that only it has a driver for (keyboard.h).
 *
 * Ralf Brown's Interrupt List, INT 16h AH=10h and 11h and its table #00006 of scancodes; IBM PS/2 and PC BIOS Interface
 * Technical Reference (1991), INT 16h. A BIOS finds keys in its interrupts: those that wait are delivered during each
 * call, and its timer, which comes 18 times a second, makes it look at USB. Functions 00h and 01h of keyboards of 84
 * keys are left out on purpose: such a keyboard has an i8042. A call has no deadline of ours; GRUB makes the same ones.
 * tests/unit/test_keyboard.c; `-device qemu-xhci -device usb-kbd` under QEMU with SeaBIOS.
 */
#include "bios_call.h"
#include "console.h"
#include "io.h"
#include "keyboard.h"
#include "memory.h"

#define VECTOR 0x16
#define AH_GET 0x10
#define AH_LOOK 0x11
#define POLL_MS 10u /* a call costs two changes of mode, and nobody types faster */

#define BDA_HEAD 0x41au /* of the ring of keys: RBIL, MEM 0040h:001Ah */
#define BDA_TAIL 0x41cu

#define PIC_MASK 0x21 /* 8259A, the first: OCW1 */
#define PIC_IRQ1 0x02 /* the i8042's keyboard */

static u64 low; /* 0: none */
static bool polled;
static u64 asked_ms;

/* Scancodes in AH where AL is 0 or E0h: alone, with Ctrl, with Alt. */
static u32 by_scancode(u8 code)
{
    static const struct {
        u8 code[3];
        u32 key;
    } known[] = {
        {{0x47, 0x77, 0x97}, KEY_HOME},       {{0x48, 0x8d, 0x98}, KEY_UP},     {{0x49, 0x84, 0x99}, KEY_PAGE_UP},
        {{0x4b}, KEY_LEFT},                   {{0x4d}, KEY_RIGHT},              {{0x4f, 0x75, 0x9f}, KEY_END},
        {{0x50, 0x91, 0xa0}, KEY_DOWN},       {{0x51, 0x76, 0xa1}, KEY_PAGE_DOWN},
        {{0x52, 0x92, 0xa2}, KEY_INSERT},     {{0x53, 0x93, 0xa3}, KEY_DELETE},
        {{0x73, 0x9b, 0x30}, KEY_WORD_LEFT},  /* the last: Alt-B */
        {{0x74, 0x9d, 0x21}, KEY_WORD_RIGHT}, /* Alt-F */
    };
    for (u32 i = 0; code && i < ARRAY_COUNT(known); i++)
        if (code == known[i].code[0] || code == known[i].code[1] || code == known[i].code[2])
            return known[i].key;
    return KEY_UNKNOWN;
}

u32 bios_key_of(u16 ax)
{
    u8 c = (u8)ax, code = (u8)(ax >> 8);
    if (!c || c == 0xe0)
        return by_scancode(code);
    if (c == '\n')
        return KEY_ENTER; /* with Ctrl */
    if (c == 0x7f)
        return KEY_BACKSPACE; /* with Ctrl */
    return c > 0x7f || (c > KEY_ESCAPE && c < 0x20) ? KEY_UNKNOWN : c;
}

bool bios_keyboard_ready(const struct boot_info *boot)
{
    low = asked_ms = 0;
    polled = false;
    return !bios_missing() && bios_place(boot, BIOS_STACK_END, "INT 16h", &low);
}

/* False when there is no key. */
static bool ask(u32 function, bool without_irq1, u16 *ax)
{
    struct bios_registers registers = {.eax = function << 8, .ds = (u16)(low >> 4), .es = (u16)(low >> 4)};
    u8 mask = io_in8(PIC_MASK);
    if (without_irq1)
        io_out8(PIC_MASK, mask | PIC_IRQ1);
    bios_call(low, &registers, VECTOR);
    if (without_irq1)
        io_out8(PIC_MASK, mask);
    *ax = (u16)registers.eax;
    return !(registers.flags & BIOS_ZERO);
}

/* What waits in its ring is asked for at once. Else the first poll is for nothing: a boot without a menu makes one to
 * see whether a key was pressed before, and shall not wait for the clock. */
static bool is_time(void)
{
    bool first = !polled;
    polled = true;
    if (load_le(mem_at(BDA_HEAD, 2), 2) != load_le(mem_at(BDA_TAIL, 2), 2))
        return true;
    return !first && clock_ms() - asked_ms >= POLL_MS;
}

u32 bios_keyboard_key(bool without_irq1)
{
    u16 ax;
    if (!low || !is_time())
        return KEY_NONE;
    asked_ms = clock_ms();
    if (!ask(AH_LOOK, without_irq1, &ax))
        return KEY_NONE;
    ask(AH_GET, without_irq1, &ax); /* it is there: this does not wait */
    return bios_key_of(ax);
}
