/* fb.c: a linear framebuffer as a console (console.h): who draws on it is fb_draw.c, in the late part (late.h).
 *
 * Exercise: tests/unit/test_fb.c.
 */
#include "cells.h"
#include "console.h"
#include "fb.h"
#include "late.h"

static bool fb_open(const struct boot_info *boot, struct text option, bool wanted)
{
    (void)option, (void)wanted;
    if (!boot->framebuffer.width)
        return false;
    late_load();
    return fb_start(boot);
}

const struct console console_fb = {
    .name = "fb",
    .open = fb_open,
    .write = cells_write,
    .clear = cells_clear,
    .move = cells_move,
    .attribute = cells_attribute,
    .cursor = cells_cursor,
    .leave = cells_leave,
    .size = cells_size,
};
