/* config.h: boot entries, from whatever text they came. */
#ifndef SHIM_CONFIG_H
#define SHIM_CONFIG_H

#include "base.h"
#include "boot_info.h"
#include "error.h"
#include "file.h"
#include "volume.h"

#define ENTRIES_MAX 512
#define ENTRY_FILES_MAX 32
#define CONFIG_SIZE_MAX (1u << 20) /* bytes */

#define TIMEOUT_NONE 0xffffffffu /* wait for ever */
#define TIMEOUT_UNSET 0xfffffffeu
#define TIMEOUT_DEFAULT 5u

/* A path as the config has it, and the text behind it (module lines). */
struct entry_file {
    struct text path; /* "/boot/initrd.img", "(LABEL=root)/x" */
    struct text text; /* a module's command line; empty else */
};

struct boot_entry {
    const char *id, *title; /* title is never empty */
    const char *kernel;     /* path; NULL when the entry came from a module or is broken */
    const char *options;    /* "" when none */
    struct entry_file initrd[ENTRY_FILES_MAX];
    u32 initrd_count;
    struct entry_file module[ENTRY_FILES_MAX];
    u32 module_count;
    const struct payload_protocol *protocol; /* NULL: recognise the file */
    struct volume *volume;                   /* home of its paths; NULL: only "(VOLUME)/…" paths */
    const char *config;                      /* "(vda1)/boot/shim.cfg", for sentences */
    u32 line;                                /* of its first line; 0 unknown */
    const struct module *kernel_module;      /* instead of kernel: this module; the following non-kernels are initrds */
    const char *disabled;                    /* why it cannot be chosen; NULL: it can */
};

struct config {
    const char *name;    /* "(vda1)/boot/shim.cfg"; NULL when no config was found */
    struct volume *home;
    u32 entry_count;
    struct boot_entry *entry[ENTRIES_MAX];
    const char *default_id;  /* NULL: the first */
    const char *fallback_id; /* NULL: none */
    u32 timeout;             /* seconds, TIMEOUT_NONE, TIMEOUT_UNSET */
    u32 problems;            /* lines that were reported */
};

/* One dialect: where it is looked for and how its text becomes entries. */
struct config_dialect {
    const char *name;         /* "shim.cfg" */
    const char *const *paths; /* NULL-terminated, looked for in this order */
    /* Append the entries of text to *config. Problems are said at once, `shim.cfg:12: …`, counted, and skipped.
     * name is for those sentences. Never fails as a whole except ERR_NO_MEMORY. The text stays where it is: entries
     * point into it. */
    enum error (*parse)(struct config *config, struct text text, const char *name);
};

/* The shim's own arguments (contract §2). Texts point into the command line. */
struct arguments {
    struct text config;     /* "/path" or "(VOLUME)/path"; empty: search */
    struct text volume;     /* search only this one; empty: all */
    struct text default_id; /* empty: the config's */
    struct text console;    /* list; empty: every one found */
    struct text append;     /* for whoever is booted: virtio_mmio.device=, what is behind `--`; empty: none */
    u32 timeout;            /* TIMEOUT_UNSET: the config's */
    u64 rsdp;               /* 0: not given */
    bool lock, quiet, verbose;
};

/* Read cmdline; unknown words and bad values are warned of (with "did you mean") and skipped. Words that belong to
 * others (earlyprintk, BOOT_IMAGE=) are passed over in silence; those that tell where the host has its devices
 * (virtio_mmio.device=) are passed on. Pure but for warn(). */
void arguments_read(struct arguments *arguments, const char *cmdline);

/* The same for words from another source: what they say wins, their `--` text goes behind the one that is there. */
void arguments_add(struct arguments *arguments, const char *cmdline);

/* The value of `key=` in cmdline before `--`, the last one given; empty when absent. For what is needed before
 * arguments_read() may print. Pure. */
struct text argument_find(const char *cmdline, const char *key);

/* Find and read the config into *config (zeroed before): arguments->config, else the host's (fw_cfg.h), else module
 * config texts, else volumes in order (or arguments->volume). Without any: kernel modules make entries. Prints
 * `shim: config (vda1)/boot/shim.cfg: 3 entries`. config->entry_count may be 0; then the reasons have been said. */
void config_read(struct config *config, const struct volume_list *volumes, const struct boot_info *boot,
                 const struct arguments *arguments);

/* Entry by id, NULL when there is none. */
struct boot_entry *config_find(const struct config *config, struct text id);

/* A new entry at the end of config with id and title; NULL with a trail when full. */
struct boot_entry *config_entry_add(struct config *config, struct text id);

/* The nearest of `words` (NULL-terminated) to t within two edits (one for words of up to four letters), or NULL. */
const char *nearest_word(struct text t, const char *const *words);

/* `; did you mean "WORD"?` for such a word, else "". */
const char *did_you_mean(struct text t, const char *const *words);

#endif
