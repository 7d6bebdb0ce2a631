/* console_help.h: whether Linux will talk where the user is. */
#ifndef SHIM_CONSOLE_HELP_H
#define SHIM_CONSOLE_HELP_H

#include "base.h"

/* Where the shim talks to the user. */
struct console_user {
    u16 port;    /* of the serial port, 0: none */
    u32 rate;    /* its baud, 0: not known */
    bool typed;  /* the user has typed there */
    bool screen; /* vga or fb */
};

/* The `console=` that cmdline, Linux's, lacks: NULL when it names one that is here, or one that nobody can know of
 * (hvc0, ttyAMA0), or names none and has no need to: without any Linux takes the screen. Else what to add, in the
 * arena: "console=ttyS0,115200n8", with a screen "console=tty0 " before it: the last one becomes /dev/console. NULL,
 * too, where nobody is talked to. Linux's admin-guide/serial-console.rst and kernel-parameters.txt. Pure. */
const char *console_missing(const char *cmdline, const struct console_user *user);

/* cmdline with `text` behind it, or in front of its `--`, from where on words are init's. In the arena, NULL when that
 * is full. */
const char *console_insert(const char *cmdline, const char *text);

#endif
