/* menu.h: entries in, a choice out: the menu, its editor and the rescue prompt. */
#ifndef SHIM_MENU_H
#define SHIM_MENU_H

#include "block.h"
#include "config.h"
#include "console.h"

/* What there is to choose from, as one look at the machine found it. */
struct session {
    const struct boot_info *boot;
    const struct arguments *arguments;
    const struct disk_list *disks;
    const struct volume_list *volumes;
    const struct config *config;
};

enum menu_action {
    MENU_BOOT,
    MENU_PROMPT, /* the rescue prompt is wanted */
    MENU_BACK,   /* from the prompt: the menu is wanted */
    MENU_RESCAN,
    MENU_REBOOT,
    MENU_POWEROFF,
};

struct menu_choice {
    enum menu_action action;
    const struct boot_entry *entry;  /* for MENU_BOOT: one of the config's, or a new one in the arena */
    const struct boot_entry *origin; /* the one of the config that entry is or was made from; NULL: the prompt's */
};

/* True when neither the editor nor the prompt may be entered: `lock`, or the config says so. */
static inline bool session_is_locked(const struct session *session)
{
    return session->arguments->lock || session->config->locked;
}

/* Let the user choose. countdown: seconds until the default is taken (any key stops it), 0: at once and nothing is
 * drawn, unless a key was pressed before; TIMEOUT_NONE: wait for ever. chosen: the entry of the config that is
 * highlighted and the default (NULL: the first usable). config->hidden: the countdown runs without a picture, a key
 * shows the menu. With no usable entry: rows of rescan, prompt (unless locked), reboot, power off. Without an
 * interactive console: the default after the countdown; with none, halts after saying so. */
struct menu_choice menu_choose(const struct session *session, const struct boot_entry *chosen, u32 countdown);

/* Edit kernel, initrds and options of an entry on the whole screen. A copy in the arena to be booted once, or NULL when
 * the user went back. The screen is left as it is: the caller draws anew. */
const struct boot_entry *entry_edit(const struct boot_entry *entry);

/* Show where the entry comes from (volume, file, line), what would be loaded with its sizes, and why it is disabled;
 * until a key. */
void entry_details(const struct session *session, const struct boot_entry *entry);

/* The rescue prompt, until there is something to do: MENU_BOOT with an entry made by its commands, MENU_BACK,
 * MENU_RESCAN, MENU_REBOOT, MENU_POWEROFF. Text goes to the log's consoles, a line at a time. Files and options given
 * with linux, initrd, pvh, module, options are kept between calls, so that a failed boot can be mended. */
struct menu_choice prompt_run(const struct session *session);

#endif
