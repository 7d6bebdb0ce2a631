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

/* What a row of the menu is. Only ENTRY_BOOT can be booted; ENTRY_SUBMENU holds those whose parent it is; the others
 * cannot be selected. */
enum entry_kind { ENTRY_BOOT, ENTRY_SUBMENU, ENTRY_HEADING, ENTRY_SEPARATOR };

struct boot_entry {
    enum entry_kind kind;
    const struct boot_entry *parent; /* the submenu it is in; NULL: the first list */
    const char *id, *title; /* title is never empty, but for a separator's */
    const char *kernel;     /* path; NULL when the entry came from a module or is broken */
    const char *options;    /* "" when none */
    struct entry_file *initrd, *module; /* in the arena; see entry_file_add() */
    u32 initrd_count, module_count;
    const struct payload_protocol *protocol; /* NULL: recognise the file */
    struct volume *volume;                   /* home of its paths; NULL: only "(VOLUME)/…" paths */
    const char *config;                      /* "(vda1)/boot/shim.cfg", for sentences */
    u32 line;                                /* of its first line; 0 unknown */
    const struct module *kernel_module;      /* instead of kernel: this module; the following non-kernels are initrds */
    const char *disabled;                    /* why it cannot be chosen; NULL: it can */
    const char *help;                        /* some lines about it (TEXT HELP), LF between them; NULL: none */
    u32 profile;                             /* of a unified kernel image; 0: the first */
    u32 hotkey;                              /* a character that selects it (small letter); 0: none */
    bool counted;                            /* boot counting: tries_left and tries_done mean something */
    u32 tries_left, tries_done;
};

/* Everything one config says, or all of them merged. A dialect is given it zeroed but for timeout = TIMEOUT_UNSET. */
struct config {
    const char *name;    /* "(vda1)/boot/shim.cfg"; NULL when no config was found */
    struct volume *home;
    const char *title;   /* of the menu (MENU TITLE); NULL: ours */
    u32 entry_count;     /* of any kind, parents before what is in them */
    struct boot_entry *entry[ENTRIES_MAX];
    struct boot_entry *default_entry;  /* NULL: the first that can be booted */
    struct boot_entry *fallback_entry; /* tried when the chosen one cannot be loaded; NULL: none */
    struct boot_entry *timeout_entry;  /* instead of the default when the countdown ends (ONTIMEOUT); NULL: none */
    u32 timeout;         /* seconds, TIMEOUT_NONE, TIMEOUT_UNSET */
    bool hidden;         /* nothing is drawn during the countdown; a key shows the menu */
    bool locked;         /* no editing, no prompt */
    u32 problems;        /* lines that were reported */
};

/* What a dialect is given to read. All of it stays where it is: entries may point into it. */
struct config_file {
    const struct volume_list *volumes; /* all of them, for paths with a volume and for searching */
    struct volume *home;               /* of its plain paths; NULL: there is none */
    const char *name;                  /* "(vda1)/boot/grub/grub.cfg", for sentences and as boot_entry.config */
    struct text path;                  /* "/boot/grub/grub.cfg" on home; empty when it lies on no volume */
    struct file file;                  /* open: a file, or a directory */
    struct text text;                  /* the whole file, with a NUL behind it; empty for a directory */
};

/* One dialect: where it is looked for and how its text becomes entries. */
struct config_dialect {
    const char *name;         /* "shim.cfg" */
    const char *const *paths; /* NULL-terminated; the first that is there is read */
    bool of_directories;      /* they are directories; else files */
    bool alone;               /* where it is found, no other dialect and no further volume is asked */
    /* Append the entries of *file to *config. Problems are told by config_report() and skipped. Never fails as a whole
     * except ERR_NO_MEMORY. Entries whose files are missing need not be found out: the caller looks. */
    enum error (*parse)(struct config *config, const struct config_file *file);
};

/* One word of a command line, the shim's or Linux's. */
struct argument {
    struct text key, value; /* value.at NULL: no "=" */
    bool ends;              /* it is `--`: what follows is for somebody else */
};

/* Cut the next word off *rest; "double quotes" anywhere keep blanks together, as for Linux (lib/cmdline.c, next_arg),
 * and are left out: such words are copied to the arena, others point into *rest. False at the end. */
bool argument_next(struct text *rest, struct argument *word);

/* The shim's own arguments (contract §2). Texts point into the command line. */
struct arguments {
    struct text config;     /* "/path" or "(VOLUME)/path"; empty: search */
    struct text volume;     /* search only this one; empty: all */
    struct text default_id; /* empty: the config's */
    struct text console;    /* list; empty: every one found; see console_auto */
    struct text append;     /* for whoever is booted: virtio_mmio.device=, what is behind `--`; empty: none */
    u32 timeout;            /* TIMEOUT_UNSET: the config's */
    u64 rsdp;               /* 0: not given */
    bool lock, quiet, verbose;
    bool console_auto; /* console=auto: a chosen Linux entry without a console that is here gets one */
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

/* Entry by id, NULL when there is none; of any kind. */
struct boot_entry *config_find(const struct config *config, struct text id);

/* What default= and GRUB's `default` may name: an id; a title; titles or ids of submenus and an entry with `>` between
 * them ("Advanced options>gnulinux-6.1"). NULL when there is no such bootable entry. */
struct boot_entry *config_find_named(const struct config *config, struct text name);

/* A new entry at the end of config with id and title, home and name those of the file; NULL with a trail when full. */
struct boot_entry *config_entry_add(struct config *config, const struct config_file *file, struct text id);

/* Append to entry->initrd or entry->module and their count. ERR_UNSUPPORTED beyond ENTRY_FILES_MAX, ERR_NO_MEMORY. */
enum error entry_file_add(struct entry_file **files, u32 *count, struct entry_file file);

/* Put one blank, where there are options already, and `more` behind entry->options. ERR_NO_MEMORY. */
enum error entry_options_add(struct boot_entry *entry, struct text more);

/* The entry stays in the menu, but cannot be chosen; the first reason is kept. NULL: one for which no memory was
 * left. */
void entry_disable(struct boot_entry *entry, const char *reason);

/* Say `shim: error: shim.cfg:12: …` (the last component of name; line 0: without a number), and count it in
 * config->problems. After PROBLEMS_SHOWN of them only counted: a file that is no config at all must not fill the screen
 * for hours. */
#define PROBLEMS_SHOWN 20u
void config_report(struct config *config, const char *name, u32 line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The nearest of `words` (NULL-terminated) to t within two edits (one for words of up to four letters), or NULL. */
const char *nearest_word(struct text t, const char *const *words);

/* `; did you mean "WORD"?` for such a word, else "". */
const char *did_you_mean(struct text t, const char *const *words);

#endif
