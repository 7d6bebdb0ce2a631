/* grub.h: GRUB's configuration language, for the dialect grub.cfg and for entries that use its variables. */
#ifndef SHIM_GRUB_H
#define SHIM_GRUB_H

#include "config.h"
#include "variables.h"

/* Run the grub.cfg that volume `home`, or else another one of its disk, has at one of the usual places, if any, without
 * making entries of it, and give the variables it leaves behind, grubenv's among them. Says nothing. ERR_NOT_FOUND
 * (silent) when there is none. */
enum error grub_variables(const struct volume_list *volumes, struct volume *home, struct variables *variables);

#endif
