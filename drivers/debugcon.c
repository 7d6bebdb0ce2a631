/* debugcon.c: the byte port E9h of Bochs, QEMU (-debugcon) and Xen: log text only.
 *
 * Reading it gives E9h where it exists. Exercise: tests/unit/test_console.c.
 */
#include "console.h"
#include "io.h"

#define DEBUG_PORT 0xe9u

static bool debugcon_open(const struct boot_info *boot, struct text option, bool wanted)
{
    (void)boot, (void)option;
    return wanted || io_in8(DEBUG_PORT) == DEBUG_PORT;
}

static void debugcon_write(const char *text, u32 len)
{
    for (u32 i = 0; i < len; i++)
        io_out8(DEBUG_PORT, (u8)text[i]);
}

const struct console console_debugcon = {.name = "debugcon", .open = debugcon_open, .write = debugcon_write};
