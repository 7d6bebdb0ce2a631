/* config_merge.h: several configs become one. Unpacked with the foreign dialects (late.h): only for what these have
 * read. */
#ifndef SHIM_CONFIG_MERGE_H
#define SHIM_CONFIG_MERGE_H

#include "config.h"

/* An entry that can be booted, as far as is known; NULL is none. */
bool entry_is_usable(const struct boot_entry *entry);

/* For what a foreign dialect has read: submenus with nothing in them are dropped, entries of which a file is missing
 * are disabled. */
void config_clean(struct config *config, const struct volume_list *volumes);

/* Append the entries of `more` that are not there yet, under a heading when one is given; false, and nothing appended,
 * when there are none. What does not fit is left out with a warning. */
bool config_merge_entries(struct config *config, const struct config *more, const char *heading);

/* Take what `more`, of the same volume, says of the menu, as far as no config before it has. Behind
 * config_merge_entries(). */
void config_merge_settings(struct config *config, const struct config *more);

#endif
