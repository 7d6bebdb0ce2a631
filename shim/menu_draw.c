/* menu_draw.c: what the menu looks like (menu_model.h).
 *
 *      shim 0.1.0   (vda1)/boot/shim.cfg                 a title, or the way into a submenu
 *        ... 4 more above
 *      >  1  First title  (default)
 *         2  Second title >                              a submenu
 *        ... 7 more below
 *         Booting "First title" in 5 s.                  or what the last key did not do
 *
 *         help of the selected entry; the last errors and warnings of the log: why a boot failed stays in sight
 *
 *      Enter boot   e edit   …                           in the last row
 *
 * Nothing but ASCII of our own: what is behind a serial port is not known. Exercise: tests/unit/test_menu.c.
 */
#include "menu_model.h"
#include "print.h"
#include "screen.h"

#define LIST_TOP 2u
#define BELOW_LIST 4u    /* more, status, blank, keys */
#define LIST_ROWS_MIN 6u /* that help and messages leave to the list */
#define HELP_ROWS_MAX 6u
#define INDENT 3u
#define REASON_MIN 16u /* cells: less of a reason tells nothing */

/* ---- text -------------------------------------------------------------------------------------------------------- */

u32 menu_draw_cut(u32 row, u32 column, u32 cells, enum attribute attribute, struct text text)
{
    u32 fitting = text_bytes_for(text, cells);
    if (fitting == text.len)
        return screen_text(row, column, attribute, text);
    text.len = text_bytes_for(text, cells > 3 ? cells - 3 : 0);
    column = screen_text(row, column, attribute, text);
    return screen_text(row, column, attribute, text_of("..."));
}

struct text menu_cut_row(struct text *line, u32 cells)
{
    struct text row = {line->at, text_bytes_for(*line, cells)};
    u32 end = row.len;
    while (end < line->len && end > row.len / 2 && line->at[end] != ' ')
        end--;
    if (end > row.len / 2)
        row.len = end;
    *line = text_trim((struct text){line->at + row.len, line->len - row.len});
    return row;
}

/* "Outer > Inner > Title": the submenus that entry is in, and itself, cut at room. Where `cells` do not take that, its
 * outermost ones are left out. Returns the length. */
static u32 path_of(const struct boot_entry *entry, u32 cells, char *out, u32 room)
{
    const struct boot_entry *way[MENU_DEPTH_MAX];
    u32 depth = 0, used;
    for (; entry && depth < MENU_DEPTH_MAX; entry = entry->parent)
        way[depth++] = entry;
    for (;; depth--) {
        used = 0;
        for (u32 i = depth; i-- && used < room - 1;)
            used += format_text(out + used, room - used, "%s%s", way[i]->title, i ? " > " : "");
        used = used < room ? used : room - 1;
        if (depth < 2 || text_cells((struct text){out, used}) <= cells)
            return used;
    }
}

static u32 width(void)
{
    return screen_columns() - 1;
}

/* ---- what stands where ------------------------------------------------------------------------------------------- */

static void add_message(struct menu *m, struct text row)
{
    if (m->message_count == MENU_MESSAGES_MAX) {
        memmove(m->message, m->message + 1, sizeof m->message - sizeof m->message[0]);
        m->message_count--;
    }
    m->message[m->message_count++] = row;
}

void menu_find_messages(struct menu *m)
{
    struct text log = text_of(console_log_text()), line;
    while (text_split(&log, '\n', &line)) {
        if (text_equal(line, MENU_RESCAN_LINE))
            m->message_count = 0;
        if (!text_starts(line, "shim: error:") && !text_starts(line, "shim: warning:"))
            continue;
        for (line = text_trim(line); line.len;)
            add_message(m, menu_cut_row(&line, width() - 1));
    }
}

/* The help of an entry in at most `most` rows from row on; row 0: only counted. Returns how many. */
static u32 draw_help(const struct boot_entry *entry, u32 row, u32 most)
{
    struct text help = text_of(entry ? entry->help : NULL), line;
    u32 rows = 0;
    while (text_split(&help, '\n', &line))
        do {
            struct text part = menu_cut_row(&line, width() - INDENT);
            if (rows < most && row)
                screen_text(row + rows, INDENT, ATTR_NORMAL, part);
            rows += rows < most;
        } while (line.len);
    return entry && entry->help ? rows : 0;
}

/* Rows of `wanted` that have room in *spare, a blank one in front; they are taken from it. */
static u32 take_rows(u32 *spare, u32 wanted)
{
    u32 rows = *spare ? (u32)min_u64(wanted, *spare - 1) : 0;
    *spare -= rows ? rows + 1 : 0;
    return rows;
}

void menu_lay_out(struct menu *m)
{
    u32 room = screen_rows() - LIST_TOP - BELOW_LIST, help = 0;
    u32 list = (u32)min_u64(m->count, LIST_ROWS_MIN), spare = room - list;
    for (u32 i = 0; i < m->count; i++)
        help = (u32)max_u64(help, draw_help(menu_entry(m, i), 0, HELP_ROWS_MAX));
    m->message_rows = take_rows(&spare, m->message_count);
    m->help_rows = take_rows(&spare, help);
    m->height = (u32)min_u64(m->count, list + spare);
    menu_scroll(m);
}

void menu_scroll(struct menu *m)
{
    if (!m->height) /* not laid out yet */
        return;
    if (m->selected >= m->top + m->height)
        m->top = m->selected - m->height + 1;
    if (m->selected < m->top)
        m->top = m->selected;
    if (m->top + m->height > m->count)
        m->top = m->count - m->height;
    /* a heading comes into sight with what is below it */
    while (m->top && !menu_can_select(m, m->top - 1) && m->selected < m->top - 1 + m->height)
        m->top--;
}

/* ---- drawing ----------------------------------------------------------------------------------------------------- */

/* Rows that can be selected, from the start of the list to before row i. */
static u32 choices_before(const struct menu *m, u32 i)
{
    u32 count = 0;
    while (i--)
        count += menu_can_select(m, i);
    return count;
}

static void draw_title(const struct menu *m)
{
    char text[512];
    u32 end = width();
    if (m->height < m->count) {
        end -= format_text(text, sizeof text, "%u/%u", choices_before(m, m->selected) + 1, m->choices);
        screen_print(0, end, ATTR_DIM, "%s", text);
    }
    const char *name = m->config->title ? m->config->title : "shim " SHIM_VERSION;
    u32 column = menu_draw_cut(0, 1, m->parent ? end / 3 : end - 3, ATTR_BOLD, text_of(name)) + 3, used = 0;
    if (m->parent)
        used = path_of(m->parent, end - column - 3, text, sizeof text);
    else if (m->config->name)
        used = (u32)format_text(text, sizeof text, "%.300s", m->config->name);
    if (used && column + REASON_MIN < end) {
        column = menu_draw_cut(0, column, end - column - 3, m->parent ? ATTR_BOLD : ATTR_DIM,
                               (struct text){text, used});
        if (m->parent)
            screen_text(0, column, ATTR_BOLD, text_of(" >"));
    }
}

/* What is said about an entry behind its title. */
static void notes_of(const struct menu *m, const struct boot_entry *entry, char *out, u32 room)
{
    u32 used = format_text(out, room, "%s%s", entry->kind == ENTRY_SUBMENU ? " >" : "",
                           entry == m->standard ? "  (default)" : "");
    if (entry->counted)
        format_text(out + used, room - used, "  (%s%u tr%s left)", entry->tries_left ? "" : "bad: ", entry->tries_left,
                    entry->tries_left == 1 ? "y" : "ies");
}

static void draw_row(const struct menu *m, u32 i, u32 number)
{
    const struct boot_entry *entry = menu_entry(m, i);
    u32 row = LIST_TOP + i - m->top;
    if (!menu_can_select(m, i)) {
        menu_draw_cut(row, 1, width() - 1, ATTR_BOLD, text_of(entry->title));
        return;
    }
    char notes[64] = "";
    bool selected = i == m->selected, disabled = entry && entry->disabled;
    enum attribute attribute = selected ? ATTR_REVERSE : disabled ? ATTR_DIM : ATTR_NORMAL;
    if (entry)
        notes_of(m, entry, notes, sizeof notes);
    screen_fill(row, 0, attribute);
    u32 column = screen_print(row, 0, attribute, " %s %*u  ", selected ? ">" : " ", m->choices > 99 ? 3 : 2, number);
    column = menu_draw_cut(row, column, width() - column - (u32)strlen(notes), attribute,
                           text_of(menu_title(m, i)));
    column = screen_print(row, column, attribute, "%s", notes) + 2;
    if (disabled && column + REASON_MIN < width()) {
        column = screen_print(row, column, attribute, "- ");
        menu_draw_cut(row, column, width() - column, attribute, text_of(entry->disabled));
    }
}

static void draw_list(const struct menu *m)
{
    u32 number = choices_before(m, m->top), end = m->top + m->height;
    if (number)
        screen_print(LIST_TOP - 1, INDENT, ATTR_DIM, "... %u more above", number);
    for (u32 i = m->top; i < end; i++)
        draw_row(m, i, number += menu_can_select(m, i));
    if (number < m->choices)
        screen_print(LIST_TOP + m->height, INDENT, ATTR_DIM, "... %u more below", m->choices - number);
}

static void draw_countdown(const struct menu *m, u32 row)
{
    static const char advice[] = " Any key stops it.";
    char text[512], rest[32];
    u32 rest_length = format_text(rest, sizeof rest, "\" in %u s.", m->seconds);
    u32 column = screen_print(row, INDENT, ATTR_BOLD, "Booting \"");
    u32 room = width() - column - rest_length, length = path_of(m->at_end, room, text, sizeof text);
    column = menu_draw_cut(row, column, room, ATTR_BOLD, (struct text){text, length});
    column = screen_print(row, column, ATTR_BOLD, "%s", rest);
    if (column + sizeof advice - 1 <= width())
        screen_text(row, column, ATTR_BOLD, text_of(advice));
}

static void draw_status(const struct menu *m, u32 row)
{
    const struct boot_entry *entry = menu_entry(m, m->selected);
    if (menu_is_searching(m)) {
        u32 column = screen_print(row, INDENT, ATTR_BOLD, "Search: %.*s", (int)m->search_length, m->search);
        screen_text(row, column, ATTR_BOLD, text_of(m->not_found ? "   (not found)" : m->searching ? "_" : ""));
    } else if (m->note) {
        screen_text(row, INDENT, ATTR_BOLD, text_of(m->note));
    } else if (m->seconds != TIMEOUT_NONE) {
        draw_countdown(m, row);
    } else if (entry && entry->disabled) {
        u32 column = screen_print(row, INDENT, ATTR_BOLD, "Cannot be booted: ");
        menu_draw_cut(row, column, width() - column, ATTR_BOLD, text_of(entry->disabled));
    }
}

static u32 draw_key(u32 column, const char *key, const char *meaning)
{
    column = screen_text(screen_rows() - 1, column, ATTR_NORMAL, text_of(key)) + 1;
    return screen_text(screen_rows() - 1, column, ATTR_DIM, text_of(meaning)) + 3;
}

static void draw_keys(const struct menu *m)
{
    const struct boot_entry *entry = menu_entry(m, m->selected);
    bool locked = session_is_locked(m->session);
    u32 column = draw_key(1, "Enter", !entry ? "do it" : entry->kind == ENTRY_SUBMENU ? "open" : "boot");
    if (!locked && entry && entry->kind == ENTRY_BOOT)
        column = draw_key(column, "e", "edit");
    if (entry)
        column = draw_key(column, "d", "details");
    if (!locked)
        column = draw_key(column, "c", "prompt");
    column = draw_key(column, "r", "rescan");
    column = draw_key(column, "/", "search");
    if (m->parent)
        draw_key(column, "Esc", "back");
}

void menu_draw(const struct menu *m)
{
    u32 row = LIST_TOP + m->height + 1;
    screen_erase();
    draw_title(m);
    draw_list(m);
    draw_status(m, row);
    row += 2;
    if (m->help_rows)
        draw_help(menu_entry(m, m->selected), row, m->help_rows);
    row += m->help_rows ? m->help_rows + 1 : 0;
    for (u32 i = m->message_count - m->message_rows; i < m->message_count; i++)
        screen_text(row++, 1, ATTR_NORMAL, m->message[i]);
    draw_keys(m);
    screen_show();
}
