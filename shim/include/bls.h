/* bls.h: the Boot Loader Specification (UAPI.1), type 1 (*.conf) and type 2 (*.efi), for the dialect of that name and
 * for GRUB's `blscfg`. */
#ifndef SHIM_BLS_H
#define SHIM_BLS_H

#include "config.h"
#include "variables.h"

/* Order of two version strings (UAPI.10): < 0, 0, > 0 as a is lower, equal, higher. Pure. */
int version_compare(struct text a, struct text b);

/* Append the entries of *.conf files in `directory` of volume `home` ("/loader/entries"), sorted as the specification
 * says. variables: what `$name` in values stands for, unknown ones being empty. File names without ".conf" and without
 * a boot counter are the ids. ERR_NOT_FOUND (silent) without such a directory, ERR_NO_MEMORY. */
enum error bls_read_entries(struct config *config, const struct config_file *file, struct volume *home,
                            struct text directory, const struct variables *variables);

#endif
