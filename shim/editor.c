/* editor.c: an entry's kernel, files and options as rows to be edited, for one boot (entry_edit() of menu.h).
 *
 * One row has the cursor, and the line editor; what was typed in the others is kept in buffers of their own, made when
 * a row is first left changed. Behind the initrds, and the modules of a kernel that takes them, stands an empty row for
 * one more; an emptied row is a file less. Left out: completion, which the prompt has. Exercise:
 * tests/unit/test_editor.c.
 */
#include "cpu.h"
#include "line_edit.h"
#include "menu_model.h"
#include "payload.h"
#include "print.h"
#include "screen.h"

#define ROWS_MAX (2 * ENTRY_FILES_MAX + 4) /* kernel, options, an empty one behind both kinds of files */
#define LABEL_CELLS 10u
#define TOP 2u   /* where the first row stands on the screen */
#define BELOW 3u /* blank, message, help */

enum row_kind { ROW_KERNEL, ROW_INITRD, ROW_MODULE, ROW_OPTIONS };

struct row {
    enum row_kind kind;
    bool fixed;       /* shown only */
    struct text text; /* but for the one being edited */
    char *own;        /* LINE_EDIT_MAX bytes in the arena, once it was changed */
};

struct editor {
    const struct boot_entry *entry;
    u32 count, at, top; /* rows, the one being edited, the first on the screen */
    const char *message;
    struct row row[ROWS_MAX];
    struct line_edit edit;
};

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static void row_add(struct editor *e, enum row_kind kind, struct text text)
{
    e->row[e->count++] = (struct row){.kind = kind, .text = text.at ? text : (struct text){"", 0}};
}

static struct text file_text(const struct entry_file *file)
{
    const struct text path = file->path, text = file->text;
    const char *both = text.len ? format_copy("%.*s %.*s", (int)path.len, path.at, (int)text.len, text.at) : NULL;
    return both ? text_of(both) : path;
}

static void rows_add_files(struct editor *e, enum row_kind kind, const struct entry_file *file, u32 count)
{
    for (u32 i = 0; i < count && i < ENTRY_FILES_MAX; i++)
        row_add(e, kind, file_text(&file[i]));
    row_add(e, kind, (struct text){"", 0});
}

static void rows_make(struct editor *e)
{
    const struct boot_entry *entry = e->entry;
    bool modules = entry->module_count || (entry->protocol && !strcmp(entry->protocol->name, "pvh"));
    row_add(e, ROW_KERNEL, text_of(entry->kernel_module ? entry->id : entry->kernel));
    e->row[0].fixed = entry->kernel_module;
    if (!modules || entry->initrd_count)
        rows_add_files(e, ROW_INITRD, entry->initrd, entry->initrd_count);
    if (modules)
        rows_add_files(e, ROW_MODULE, entry->module, entry->module_count);
    row_add(e, ROW_OPTIONS, text_of(entry->options));
    e->at = e->count - 1; /* what is edited most */
    line_edit_begin(&e->edit, e->row[e->at].text);
}

/* Another empty row behind the one at i, when that is the last of its files and has a text now. */
static void row_add_empty(struct editor *e, u32 i)
{
    struct row *row = &e->row[i];
    bool last = (row->kind == ROW_INITRD || row->kind == ROW_MODULE) && row->kind != row[1].kind;
    if (!last || !row->text.len || e->count == ROWS_MAX)
        return;
    memmove(row + 2, row + 1, (e->count - i - 1) * sizeof *row);
    row[1] = (struct row){.kind = row->kind, .text = {"", 0}};
    e->count++;
}

/* Keep what was typed into the row being edited. */
static void row_keep(struct editor *e)
{
    struct row *row = &e->row[e->at];
    struct text text = {e->edit.text, e->edit.length};
    if (row->text.len == text.len && (!text.len || !memcmp(row->text.at, text.at, text.len)))
        return;
    if (!row->own)
        row->own = arena_reserve(LINE_EDIT_MAX, 1);
    if (!row->own) {
        e->message = "no memory to keep what was typed";
        error_clear();
        return;
    }
    memcpy(row->own, text.at, text.len);
    row->text = (struct text){row->own, text.len};
    row_add_empty(e, e->at);
}

static void row_go(struct editor *e, u32 to)
{
    row_keep(e);
    if (to >= e->count || e->row[to].fixed)
        return;
    e->at = to;
    line_edit_begin(&e->edit, e->row[to].text);
}

/* ---- the picture ------------------------------------------------------------------------------------------------- */

static void draw_row(struct editor *e, u32 i, u32 screen_row)
{
    static const char labels[][8] = {"kernel", "initrd", "module", "options"};
    const struct row *row = &e->row[i];
    u32 room = screen_columns() - LABEL_CELLS - 3, cursor;
    struct text part = {row->text.at, text_bytes_for(row->text, room)}, all = row->text;
    screen_print(screen_row, 1, i == e->at ? ATTR_BOLD : row->fixed ? ATTR_DIM : ATTR_NORMAL, "%s", labels[row->kind]);
    if (i == e->at) {
        part = line_edit_window(&e->edit, room, &cursor);
        all = (struct text){e->edit.text, e->edit.length};
        screen_cursor(screen_row, LABEL_CELLS + 1 + cursor);
        if (e->edit.first)
            screen_print(screen_row, LABEL_CELLS, ATTR_BOLD, "<");
    }
    u32 end = screen_text(screen_row, LABEL_CELLS + 1, row->fixed ? ATTR_DIM : ATTR_NORMAL, part);
    if (part.at + part.len < all.at + all.len)
        screen_print(screen_row, end, ATTR_BOLD, ">");
}

static void draw(struct editor *e)
{
    static const char end[] = "\" for one boot";
    u32 rows = screen_rows(), height = rows - TOP - BELOW;
    if (e->at < e->top)
        e->top = e->at;
    if (e->at >= e->top + height)
        e->top = e->at - height + 1;
    screen_erase();
    u32 column = screen_text(0, 1, ATTR_BOLD, text_of("Edit \""));
    column = menu_draw_cut(0, column, screen_columns() - column - (u32)sizeof end, ATTR_BOLD, text_of(e->entry->title));
    screen_text(0, column, ATTR_BOLD, text_of(end));
    for (u32 i = e->top; i < e->count && i < e->top + height; i++)
        draw_row(e, i, TOP + i - e->top);
    if (e->message)
        screen_print(rows - 2, 1, ATTR_BOLD, "%s", e->message);
    screen_print(rows - 1, 1, ATTR_DIM, "Enter boots  Esc back  Up/Down another row  Ctrl-K/U/W cut  Ctrl-Y puts back");
    screen_show();
}

/* ---- the entry --------------------------------------------------------------------------------------------------- */

static enum error take_file(struct boot_entry *entry, const struct row *row, struct text path)
{
    struct text text = {"", 0};
    if (row->kind == ROW_INITRD)
        return entry_file_add(&entry->initrd, &entry->initrd_count, (struct entry_file){path, text});
    struct text rest = path;
    if (text_split(&rest, ' ', &path) && rest.at)
        text = text_trim(rest);
    return entry_file_add(&entry->module, &entry->module_count, (struct entry_file){path, text});
}

static enum error take_row(struct boot_entry *entry, const struct row *row)
{
    struct text text = text_trim(row->text);
    if (row->fixed)
        return OK;
    if (row->kind == ROW_INITRD || row->kind == ROW_MODULE)
        return text.len ? take_file(entry, row, text) : OK;
    const char *copy = text_copy(text);
    if (!copy)
        return ERR_NO_MEMORY;
    if (row->kind == ROW_OPTIONS) {
        entry->options = copy;
        return OK;
    }
    if (!text.len)
        return fail(ERR_NOT_FOUND, "a kernel is needed: /path or (VOLUME)/path");
    if (!entry->kernel || strcmp(entry->kernel, copy))
        entry->protocol = NULL; /* another file may be of another kind */
    entry->kernel = copy;
    return OK;
}

/* What the rows say as an entry; NULL with a message when they say nothing that could be booted. */
static const struct boot_entry *take_rows(struct editor *e)
{
    struct boot_entry *entry = arena_alloc(sizeof *entry, 8);
    enum error error = entry ? OK : ERR_NO_MEMORY;
    row_keep(e);
    if (entry) {
        *entry = *e->entry;
        entry->initrd = entry->module = NULL;
        entry->initrd_count = entry->module_count = 0;
        entry->disabled = NULL;
    }
    for (u32 i = 0; !error && i < e->count; i++)
        error = take_row(entry, &e->row[i]);
    if (!error)
        return entry;
    e->message = text_copy(text_of(error_text()));
    error_clear();
    return NULL;
}

const struct boot_entry *entry_edit(const struct boot_entry *entry)
{
    u64 mark = arena_mark();
    struct editor *e = arena_alloc(sizeof *e, 8);
    if (!e) {
        error_show();
        return NULL;
    }
    e->entry = entry;
    rows_make(e);
    draw(e);
    for (;;) {
        u32 key = console_key();
        if (key == KEY_NONE) {
            cpu_pause();
            continue;
        }
        e->message = NULL;
        if (key == KEY_ESCAPE || key == KEY_CTRL('c')) {
            arena_release(mark);
            return NULL;
        }
        const struct boot_entry *edited = key == KEY_ENTER ? take_rows(e) : NULL;
        if (edited)
            return edited;
        if (key == KEY_UP || key == KEY_CTRL('p'))
            row_go(e, e->at - 1);
        else if (key == KEY_DOWN || key == KEY_CTRL('n'))
            row_go(e, e->at + 1);
        else if (key == KEY_CTRL('l'))
            screen_begin();
        else if (key == KEY_TAB)
            row_go(e, e->at + 1 < e->count ? e->at + 1 : e->row[0].fixed);
        else
            line_edit_key(&e->edit, key);
        if (!console_key_waits())
            draw(e);
    }
}
