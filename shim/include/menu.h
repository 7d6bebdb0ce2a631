/* menu.h: entries in, a choice out. */
#ifndef SHIM_MENU_H
#define SHIM_MENU_H

#include "config.h"
#include "console.h"

enum menu_action { MENU_BOOT, MENU_RESCAN, MENU_REBOOT, MENU_POWEROFF };

struct menu_choice {
    enum menu_action action;
    const struct boot_entry *entry; /* for MENU_BOOT */
};

/* Let the user choose. countdown: seconds until the default is taken (any key stops it), 0: at once and nothing is
 * drawn, TIMEOUT_NONE: wait for ever. chosen: the entry that is highlighted and the default (NULL: the first usable).
 * With no usable entry: a menu of rescan, reboot, power off. Without an interactive console: the default after
 * the countdown; with none, halts after saying so. */
struct menu_choice menu_choose(const struct config *config, const struct boot_entry *chosen, u32 countdown);

#endif
