/* fb.h: between fb.c, the console, and fb_draw.c, which is unpacked only where there is a framebuffer. */
#ifndef FB_H
#define FB_H

#include "boot_info.h"

/* Begin drawing cells on boot->framebuffer, which has a width. False, with a line that says why, when it is none that
 * is drawn on. */
bool fb_start(const struct boot_info *boot);

#endif
