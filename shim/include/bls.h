/* bls.h: the Boot Loader Specification (UAPI.1), type 1 (*.conf) and type 2 (*.efi), for the dialect of that name and
 * for GRUB's `blscfg`. */
#ifndef SHIM_BLS_H
#define SHIM_BLS_H

#include "config.h"
#include "variables.h"

#define BLS_DIRECTORIES 4u /* that are looked into */

/* Order of two version strings (UAPI.10): < 0, 0, > 0 as a is lower, equal, higher. Pure. */
int version_compare(struct text a, struct text b);

/* Append the entries of *.conf files in `directory` of volume `home` ("/loader/entries"), sorted as the specification
 * says. variables: what `$name` in values stands for, unknown ones being empty. File names without ".conf" and without
 * a boot counter are the ids. ERR_NOT_FOUND (silent) without such a directory, ERR_NO_MEMORY. */
enum error bls_read_entries(struct config *config, const struct config_file *file, struct volume *home,
                            struct text directory, const struct variables *variables);

/* ---- between the dialect's own files: config_bls.c, bls_entry.c, bls_variables.c --------------------------------- */

/* An entry, and what decides its place among the others. */
struct bls_item {
    struct boot_entry *entry;
    const char *name;                            /* of the file in small letters: suffix, but no boot counter */
    const char *file_name;                       /* of the file as it is */
    const char *sort_key, *machine_id, *version; /* NULL: none; never empty */
    bool not_unique;                             /* its title, while titles are made unique */
};

/* What is being gathered. */
struct bls {
    struct config *config;
    const struct config_file *file;
    struct volume *home;               /* of the directory that is being read */
    const char *directory;             /* "/loader/entries" */
    const struct variables *variables; /* of home, for `$name`; NULL: none, or not looked for yet */
    const struct volume *looked;       /* where they were looked for; NULL: nowhere yet */
    bool for_grub;                     /* they were given, or there are none: nothing is looked for */
    u32 count;
    struct bls_item *item[ENTRIES_MAX]; /* in order */
};

/* Lines of `key value` in a text, which ends at a NUL. */
struct bls_lines {
    struct text rest;
    u32 line; /* number of the one given last */
};

/* The next line that has a key and a value, which `separators` are between. Comments, blank lines and keys without a
 * value are passed over; one pair of quotes around the value is cut off. False at the end. */
bool bls_next_line(struct bls_lines *lines, const char *separators, struct text *key, struct text *value);

/* The entry of the file `name` in b->directory, "*.conf" and "*.efi"; NULL when it is none, is hidden, or there is no
 * room for it (which is reported). Not yet in b->item. profile: of an image with several, from 0; NULL behind the
 * last. */
struct bls_item *bls_read_type1(struct bls *b, struct text name);
struct bls_item *bls_read_type2(struct bls *b, struct text name, u32 profile);

/* Find b->variables, if `text`, a whole file, needs any. True when it is to be read as GRUB would: `$name` is expanded,
 * and early_initrd and default_kernelopts count. */
bool bls_needs_variables(struct bls *b, struct text text);

/* value with `$name` and `${name}` replaced by what b->variables say. ERR_RANGE when it gets longer than
 * BLS_VALUE_MAX, ERR_NO_MEMORY. */
#define BLS_VALUE_MAX KIB(64)
enum error bls_expand(const struct bls *b, struct text value, struct text *expanded);

#endif
