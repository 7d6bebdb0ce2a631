/* prompt.h: what the files of the rescue prompt share: prompt.c reads lines and shows text, prompt_commands.c does what
 * the lines say, prompt_complete.c is the Tab key. */
#ifndef SHIM_PROMPT_H
#define SHIM_PROMPT_H

#include "line_edit.h"
#include "menu.h"

/* A word of a line, its quotes and backslashes undone. */
struct prompt_word {
    u32 length;
    u32 base;     /* bytes up to the last component of a path: behind the last "/", ")" or a leading "(" */
    u32 raw_base; /* the same in the text that it was taken from */
    bool open;    /* the text that it was taken from ended before it did: a blank was still to come */
    bool quoted;  /* … and a quote */
    char text[LINE_EDIT_MAX]; /* NUL-terminated */
};

/* One row of the terminal while a line is edited. */
#define PROMPT_ROW_CELLS 200u
struct prompt_row {
    u32 length;                          /* bytes */
    u32 cursor;                          /* byte of the character it stands on */
    char text[4 * PROMPT_ROW_CELLS + 8]; /* UTF-8 */
};

struct prompt {
    const struct session *session;
    struct volume *volume; /* of paths that name none; NULL: no volume can be read */
    struct menu_choice choice; /* once it is done */
    bool done;
    bool stopped;            /* the user wants to see no more of a listing */
    u32 rows;                /* shown since a key was pressed */
    u32 back;                /* which line is looked at: 0 the new one, 1 the one before it */
    struct line_edit edit;
    struct prompt_word word; /* of the command being done, or completed */
    struct prompt_row row;   /* what the terminal shows */
    char draft[LINE_EDIT_MAX]; /* what was being typed before older lines were looked at */
};

/* A line of text to every console that draws; it is not kept in the log, which stays the machine's. Control characters
 * and what is no UTF-8 become `?`. Waits at the end of a screen. False: the user wants no more, nothing was shown. */
bool prompt_text(struct prompt *p, struct text line);

/* The same with printf's subset (print.h), at most 1535 bytes. */
bool prompt_print(struct prompt *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Show the trail as `shim: error: …` and clear it. */
void prompt_error(struct prompt *p);

/* Cut the next word off *rest; empty when there are only blanks. Blanks belong to a word between double quotes, behind
 * a backslash, and in a "(VOLUME)" at its start. raw_base counts from where *rest began. Returns word->text. */
struct text prompt_word(struct text *rest, struct prompt_word *word);

/* Do what a line says. */
void prompt_execute(struct prompt *p, struct text line);

/* The name of command number i, NULL behind the last. */
const char *prompt_command(u32 i);

/* Complete the word in front of the cursor of p->edit. again: Tab was pressed before, and no other key since: show what
 * there is to choose from. */
void prompt_complete(struct prompt *p, bool again);

/* What is shown next stands below the line that is edited, which is then drawn anew. */
void prompt_leave_row(struct prompt *p);

#endif
