/* grub_script.h: the interpreter of GRUB's script language, as its files see each other: grub_lex.c (tokens, words),
 * grub_parse.c (statements), grub_run.c (what runs them), grub_commands.c, grub_device.c, grub_regexp.c; config_grub.c
 * makes entries of it.
 *
 * There is no tree: a text is walked, once to check a line of it and once to run it. */
#ifndef SHIM_GRUB_SCRIPT_H
#define SHIM_GRUB_SCRIPT_H

#include "config.h"
#include "variables.h"

#define GRUB_WORDS_MAX 1024     /* of the commands that are being run, one within the other */
#define GRUB_BYTES_MAX 32768u   /* of these words */
#define GRUB_FUNCTIONS_MAX 128
#define GRUB_DEPTH_MAX 32u      /* blocks, calls, files, submenus within each other: bounds the stack */
#define GRUB_WORK_MAX 8000000u /* bytes read as script; other things count as many of them */
#define GRUB_COMMAND_WORK 64u   /* and the bytes of their words: so some 80,000 commands */
#define GRUB_FILE_WORK 4096u    /* or 2,000 files */
#define GRUB_UNKNOWN_MAX 32u    /* names of unknown commands that are told one from the other */

/* ---- tokens and words: grub_lex.c -------------------------------------------------------------------------------- */

struct grub_lexer {
    const char *at, *end;
    u32 line; /* of *at */
};

enum grub_kind { GRUB_END, GRUB_NEWLINE, GRUB_SEMICOLON, GRUB_LEFT, GRUB_RIGHT, GRUB_WORD, GRUB_BAD };

struct grub_token {
    enum grub_kind kind;
    struct text text; /* as it stands there, with its quotes */
    u32 line;
    const char *problem; /* of GRUB_BAD: what about it is wrong */
};

/* The next token; blanks, comments and quoted newlines in front of it are passed over. */
void grub_lex(struct grub_lexer *lexer, struct grub_token *token);

/* Words of a command; at[-1] is its name. */
struct grub_words {
    struct text *at;
    u32 count;
};

struct grub;

/* Append to g's words what `word`, a GRUB_WORD's text, expands to: nothing, one or several. False when there is no room
 * for it, which has been reported. */
bool grub_expand(struct grub *g, struct text word);

/* ---- statements: grub_parse.c ------------------------------------------------------------------------------------ */

/* What a walk ends at. */
enum grub_stop {
    GRUB_AT_END = 1 << 0,
    GRUB_AT_NEWLINE = 1 << 1,
    GRUB_AT_RIGHT = 1 << 2,
    GRUB_AT_THEN = 1 << 3,
    GRUB_AT_ELIF = 1 << 4,
    GRUB_AT_ELSE = 1 << 5,
    GRUB_AT_FI = 1 << 6,
    GRUB_AT_DO = 1 << 7,
    GRUB_AT_DONE = 1 << 8,
};

/* Walk statements up to one of `stops`, running them or (not `run`) only checking them; which it was, 0 when it was
 * none: what was wrong has been reported, or (grub_is_leaving()) the statements are being left. */
u32 grub_walk(struct grub *g, struct grub_lexer *lexer, bool run, u32 stops);

/* Run a text, line by line; a line that is no statement is reported and left out, as GRUB does. name: of its file,
 * line: of the text in it; checked: it is a block's, and all of it statements. */
void grub_run_text(struct grub *g, const char *name, struct text text, u32 line, bool checked);

/* ---- running: grub_run.c ----------------------------------------------------------------------------------------- */

struct grub_scope {
    struct text *word; /* $1 … */
    u32 count;
};

struct grub_function {
    struct text name;
    struct grub_lexer body;
    const char *file;
};

/* A menuentry or submenu whose body has not been run. */
struct grub_menuentry {
    struct grub_menuentry *next;
    struct boot_entry *entry;
    struct text body;
    u32 line;
    const char *file;
    struct grub_scope scope;
    bool checked;    /* the body is a block's */
    bool restricted; /* wants a password when there are superusers */
};

/* Where entries go: the first list, or a submenu. */
struct grub_menu {
    const struct boot_entry *parent;
    struct grub_menuentry *first, **last;
};

struct grub {
    struct config *config;
    const struct config_file *of; /* whose volumes and home count */
    const char *name;             /* of the file that is being run, for sentences */
    u32 line;                     /* of the command that is being run */
    u32 error_line;               /* of the last thing that is no statement */
    const char *error_at;
    const char *block_at;         /* the block that was passed last, and what is behind it */
    struct grub_lexer block_end;

    struct grub_scope *scope; /* NULL: no function is being run */

    int status;        /* of the last command, 0: true */
    u32 loops, breaks; /* loops that are being run; so many of them are to be left */
    bool continuing;   /* the last of these goes on with its next round */
    bool returning;    /* the function is left */
    bool ended;        /* the entry, or the config, is left: what it starts is known */
    bool stopped;      /* everything is left: a limit */
    bool mute;         /* only variables are wanted */
    bool problem;      /* a limit has been reported */
    u32 depth, work;
    u64 memory; /* arena_mark() that it must not reach */

    struct grub_menu *menu;
    struct boot_entry *entry; /* whose body is being run; NULL: no body */
    bool bls_read;
    u32 file_depth;
    const char *file[8];   /* names of those that are being run */
    struct boot_entry top; /* what commands outside of entries load, until `boot` */

    u32 function_count, unknown_count, word_count, byte_count;

    /* The large ones are last: fields near the start are reached by shorter instructions. */
    u32 unknown[GRUB_UNKNOWN_MAX]; /* hashes of names that have been reported */
    struct grub_function function[GRUB_FUNCTIONS_MAX];
    struct variables variables;
    struct text word[GRUB_WORDS_MAX];
    char byte[GRUB_BYTES_MAX];
};

static inline bool grub_is_leaving(const struct grub *g)
{
    return g->breaks || g->returning || g->ended || g->stopped;
}

/* Report at the line that is being run; sentence NULL: there is no memory for it. */
void grub_report(struct grub *g, const char *sentence);

/* The config reached a limit: said once, and the rest of it is left out. False. */
bool grub_limit(struct grub *g, const char *what);

/* Count work; false when it is too much. */
bool grub_spend(struct grub *g, u32 work);

/* $name, empty when it is not set. */
struct text grub_get(const struct grub *g, const char *name);
void grub_set(struct grub *g, struct text name, struct text value);

/* A copy in the arena; NULL when that is full. */
struct text *grub_copy_words(struct grub_words words);

/* Run a command of expanded words, words.at[-1] being the first; body: of its block, at NULL when there is none. Sets
 * g->status. */
void grub_execute(struct grub *g, struct grub_words words, struct text body, u32 body_line);

/* text as GRUB reads a file, without carriage returns: itself where it has none, else a copy in the arena; at NULL: no
 * memory for that. */
struct text grub_drop_returns(struct text text);

/* Run a config file, which sees the words of the function that is being run; OK when it could be read. */
enum error grub_run_file(struct grub *g, struct text path);

/* ---- commands: grub_commands.c, config_grub.c -------------------------------------------------------------------- */

struct grub_command {
    const char *name;
    int (*run)(struct grub *g, struct grub_words words); /* 0: true */
};
extern const struct grub_command grub_commands[], grub_boot_commands[]; /* NULL name at the end */

/* Commands without effect here, blanks around each. */
extern const char grub_idle_commands[];

/* Take options out of words; others stay. names: a list of them with blanks between, "set/s=": --set, -s, with a value,
 * which stands behind `=` or is the next word, unless that is another option. value: of each in the list; at NULL when
 * it is not given, else a text, empty when there is none. */
void grub_take_options(struct grub_words *words, const char *names, struct text *value);

/* Make an entry, or a submenu, of a command with a block. */
int grub_add_menuentry(struct grub *g, struct grub_words words, struct text body, u32 body_line, bool submenu);

/* The leading number of t, as C writes them (0x10, 010, 10), after a `-` negative; false when there is none. */
bool grub_number(struct text t, i64 *value);

/* ---- devices and paths: grub_device.c ---------------------------------------------------------------------------- */

/* GRUB's name of v ("hd0,gpt2"). Disks are counted from the one the config lies on, as BIOSes do, then in our order. */
const char *grub_device_name(const struct grub *g, const struct volume *v);

/* The volume called `name` ("hd0,gpt2", "(hd0,gpt2)", "cd0", one of our names), NULL when there is none. */
struct volume *grub_device_find(const struct grub *g, struct text name);

/* Take "(device)/path", or "/path" on $root, apart. NULL when there is no such device: *device is its name. */
struct volume *grub_path(const struct grub *g, struct text name, struct text *device, struct text *path);

/* Open such a file. ERR_NOT_FOUND and others with a sentence. */
enum error grub_open(struct grub *g, struct text name, struct file *file);

int grub_command_search(struct grub *g, struct grub_words words);
int grub_command_probe(struct grub *g, struct grub_words words);
int grub_command_gptprio(struct grub *g, struct grub_words words);

/* ---- regular expressions: grub_regexp.c -------------------------------------------------------------------------- */

#define GRUB_GROUPS_MAX 10

/* Find the extended regular expression in subject; group[0] is what matched, the others what their parentheses did (at
 * NULL: nothing). False when it is not there, or is none; *problem says why then. */
bool grub_regexp(struct text expression, struct text subject, struct text group[GRUB_GROUPS_MAX],
                 const char **problem);

#endif
