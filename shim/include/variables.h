/* variables.h: named texts: GRUB's environment, and what Boot Loader Specification entries take from it. */
#ifndef SHIM_VARIABLES_H
#define SHIM_VARIABLES_H

#include "base.h"
#include "error.h"

#define VARIABLES_MAX 512

/* Zeroed: none. Names and values lie in the arena. */
struct variables {
    u32 count;
    struct variable {
        const char *name, *value; /* value NULL: unset */
    } variable[VARIABLES_MAX];
};

/* The value, or NULL when it is not set. */
const char *variable_get(const struct variables *variables, struct text name);

/* Set (a copy of) value. ERR_NO_MEMORY; ERR_UNSUPPORTED with a sentence when VARIABLES_MAX are there. */
enum error variable_set(struct variables *variables, struct text name, struct text value);

void variable_unset(struct variables *variables, struct text name);

/* Read a grubenv file (GRUB manual §16.4, "load_env": `# GRUB Environment Block`, NAME=VALUE lines in which `\` quotes
 * the next byte, filled up with `#`) into variables. only: names to take, NULL: all. Lines that are none are skipped.
 * ERR_CORRUPT with a sentence when the signature is missing. */
enum error variables_read_block(struct variables *variables, struct text block, const char *const *only);

#endif
