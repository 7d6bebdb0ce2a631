/* extlinux.h: between the parts of the dialect extlinux.conf: config_extlinux.c reads lines, extlinux_label.c makes
 * entries of labels, extlinux_scope.c finds the default among them. */
#ifndef SHIM_EXTLINUX_H
#define SHIM_EXTLINUX_H

#include "config.h"

/* How a label's file is started: by its name (KERNEL), or as the keyword says. In the order of the keywords. */
enum extlinux_kind {
    EXTLINUX_KERNEL,
    EXTLINUX_LINUX,
    EXTLINUX_BOOT,
    EXTLINUX_BSS,
    EXTLINUX_PXE,
    EXTLINUX_FDIMAGE,
    EXTLINUX_COMBOOT,
    EXTLINUX_COM32,
    EXTLINUX_CONFIG,
    EXTLINUX_LOCALBOOT,
};

/* A LABEL and what stands below it. Texts point into the file. */
struct extlinux_label {
    bool open;         /* there is one */
    struct text name;
    const struct config_file *file;
    u32 line;
    enum extlinux_kind kind;
    struct text command;  /* the file and options behind it; the name when no line gives one */
    struct text append;   /* at NULL: the global one */
    struct text initrd;   /* comma list */
    struct text title;
    const char *help;
    u32 indent;
    bool has_command, chosen, hidden, disabled, password;
    bool leaves; /* MENU EXIT, QUIT, GOTO: a way about the menu, which has its own */
};

/* What one config says together with all that it includes; a CONFIG label begins one inside another. */
struct extlinux_scope {
    struct extlinux_scope *next; /* finished ones, newest first */
    struct boot_entry *menu;     /* the submenu it is read into; NULL: the first list */
    u32 first_entry;
    struct text directory;       /* of relative paths, "" for the root */
    struct text append, default_line, ui, timeout_line, error_line, fallback;
    struct text more;            /* files that are read behind the first, as if they stood at its end */
    const struct config_file *default_file; /* where DEFAULT stands, else the first one */
    u32 default_at;              /* its line in that file */
    bool has_timeout, prompt, hidden, at_once, locked, no_escape;
    u32 timeout, total_timeout;  /* seconds or TIMEOUT_NONE */
    struct boot_entry *start;    /* the submenu that is shown first */
    struct boot_entry *default_entry; /* once it is finished */
};

struct extlinux_source; /* a file being read */

/* Of entries while they are read. */
enum { EXTLINUX_CHOSEN = 1, EXTLINUX_HIDDEN = 2, EXTLINUX_GONE = 4, EXTLINUX_ALIAS = 8, EXTLINUX_INNER = 16 };

struct extlinux {
    struct config *config;
    struct volume *home; /* of all its files; NULL: none */
    struct extlinux_source *source;
    struct extlinux_scope *scope, *finished;
    struct boot_entry *menu; /* where entries go */
    struct extlinux_label label;
    const struct config_file *label_file; /* where the label that is made an entry began, and its line */
    u32 label_line;
    u32 files, bytes;        /* read besides the first */
    u32 remarks;
    bool full;
    u8 flags[ENTRIES_MAX];   /* by the entries' numbers */
};

/* Why what has a MENU PASSWD is disabled. */
extern const char extlinux_password[];

/* Make an entry of the label that is open, if any; none is afterwards. */
void extlinux_label_end(struct extlinux *x);

/* A new entry in the menu of now; NULL when there is no room, which is reported once. */
struct boot_entry *extlinux_entry_add(struct extlinux *x, const struct config_file *file, u32 line, struct text id);

/* Title and hotkey from what MENU LABEL says, where `^` stands before the key. */
void extlinux_entry_name(struct extlinux *x, struct boot_entry *entry, struct text title, u32 indent);

/* What `command` followed by `append` starts becomes that of the entry, or it is disabled with the reason. */
void extlinux_entry_fill(struct extlinux *x, struct boot_entry *entry, enum extlinux_kind kind, struct text command,
                         struct text append, struct text initrd);

/* Behind its options, and its initrds when it has none yet and there is an `initrd=` in `more`. */
void extlinux_options_add(struct extlinux *x, struct boot_entry *entry, struct text more);

/* Read other configs, which are as one, into submenu `menu` with its own settings; paths: words; directory: of relative
 * paths, at NULL: as now. False when the first is being read, or is not there. */
bool extlinux_config_read(struct extlinux *x, struct boot_entry *menu, struct text paths, struct text directory);

/* A path of the config as one from the root of its volume; NULL when it is on no volume. */
const char *extlinux_path(const struct extlinux *x, struct text path);

/* The file that is read has ended: its aliases become what they stand for, default_entry and timeout are found, and
 * entries that are only ways about the menu, or hidden, go. */
void extlinux_scope_end(struct extlinux *x);

/* A program of Syslinux's by its name: "menu.c32". */
bool extlinux_is_program(struct text name);

/* Cut the first word off *rest. */
struct text extlinux_word(struct text *rest);

#endif
