/* menu_model.h: what menu.c decides and menu_draw.c shows. Nobody else needs it. */
#ifndef SHIM_MENU_MODEL_H
#define SHIM_MENU_MODEL_H

#include "menu.h"

#define MENU_MESSAGES_MAX 10u /* rows */
#define MENU_ACTIONS_MAX 4u
#define MENU_DEPTH_MAX 8u /* submenus that a path shows, the innermost */
#define MENU_SEARCH_MAX 40u

struct menu {
    const struct session *session;
    const struct config *config;
    bool usable; /* some entry can be booted; else the first list ends in actions */

    /* The list that is shown, or will be first: what is in `parent`, NULL: in no submenu. */
    const struct boot_entry *parent;
    u32 count;
    u32 choices; /* rows that can be selected */
    u32 selected, top, height;

    /* What is booted without a choice. */
    const struct boot_entry *standard; /* the default, marked; NULL: none that can be booted */
    const struct boot_entry *at_end;   /* of the countdown */
    const struct boot_entry *wanted;   /* selected first; NULL: the first row */
    u32 seconds;                       /* left; TIMEOUT_NONE: no countdown */
    u64 started;                       /* clock_ms() */

    /* What was typed so far. */
    u32 number;                   /* of digits */
    char search[MENU_SEARCH_MAX]; /* first letters */
    u32 search_length;
    u64 search_ms;   /* clock_ms() of the last of them */
    bool searching;  /* begun by `/`: it takes every character, and no time ends it */
    bool not_found;
    const char *note; /* about the last key; NULL: none */

    struct text message[MENU_MESSAGES_MAX]; /* rows of them: long lines go on in the next */
    u32 message_count, message_rows;        /* that there are; that have room */
    u32 help_rows;

    /* The rows: place in the config; from entry_count on: actions. Last, and filled by menu.c's open_list() only: a
     * menu that is not shown costs nothing. */
    u16 row[ENTRIES_MAX + MENU_ACTIONS_MAX];
};

/* The entry of row i; NULL for an action. */
const struct boot_entry *menu_entry(const struct menu *m, u32 i);

/* Neither a heading nor a separator. */
bool menu_can_select(const struct menu *m, u32 i);

/* What row i is called, without what it is marked with. */
const char *menu_title(const struct menu *m, u32 i);

/* True while letters belong to a search. */
static inline bool menu_is_searching(const struct menu *m)
{
    return m->searching || m->search_length;
}

/* Find the rows that errors and warnings of the log take, since the user last asked for another look. */
void menu_find_messages(struct menu *m);

/* Share the screen among list, help and messages; bring the selected row in sight. After the list has changed. */
void menu_lay_out(struct menu *m);

/* Move the list so that the selected row is in sight. */
void menu_scroll(struct menu *m);

/* Draw, and send what changed. */
void menu_draw(const struct menu *m);

/* Text in at most `cells` cells, with "..." at its end where it is cut. Returns the column behind it. */
u32 menu_draw_cut(u32 row, u32 column, u32 cells, enum attribute attribute, struct text text);

/* Cut off and return what of *line fits `cells` cells: up to a blank, if there is one in its second half. */
struct text menu_cut_row(struct text *line, u32 cells);

/* What was said before it in the log is about disks as they were. */
#define MENU_RESCAN_LINE "shim: looking for disks and configs again"

#endif
