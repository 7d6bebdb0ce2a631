/* menu.c: entries in, a choice out (menu.h).
 *
 * One model (struct menu), changed by keys and the clock, drawn from scratch or row by row. The reason of a failed boot
 * stays in sight: the last lines of the log that are errors or warnings stand below the list. Exercise:
 * tests/unit/test_menu.c.
 */
#include "menu.h"
#include "cpu.h"
#include "io.h"
#include "print.h"

#define LIST_TOP 2u
#define MESSAGES_MAX 10u /* rows */
#define LIST_ROWS_MIN 6u  /* that messages leave to the list */
#define BELOW_LIST 4u /* blank, status, help, blank */

#define RESCAN_LINE "shim: looking for disks and configs again"

static const char *const action_titles[] = {"Look for disks and configs again", "Reboot", "Power off"};
static const enum menu_action actions[] = {MENU_RESCAN, MENU_REBOOT, MENU_POWEROFF};

struct menu {
    const struct config *config;
    u32 count;    /* rows of the list: entries, then the actions when no entry can be chosen */
    u32 selected, top, height;
    const struct boot_entry *standard; /* the default, marked */
    u32 seconds;  /* left; TIMEOUT_NONE: no countdown */
    u64 started;  /* clock_ms() */
    u32 typed;    /* number made of digits so far, for lists of more than nine */
    struct text message[MESSAGES_MAX]; /* rows of them: long lines go on in the next */
    u32 message_count;
};

static const struct boot_entry *entry_at(const struct menu *m, u32 i)
{
    return i < m->config->entry_count ? m->config->entry[i] : NULL;
}

static bool is_usable(const struct menu *m, u32 i)
{
    const struct boot_entry *entry = entry_at(m, i);
    return !entry || !entry->disabled;
}

/* ---- what is shown ----------------------------------------------------------------------------------------------- */

/* Bytes of t that fill at most `cells` columns, one per UTF-8 character. */
static u32 bytes_for(struct text t, u32 cells)
{
    u32 n = 0;
    for (; n < t.len; n++)
        if (((u8)t.at[n] & 0xc0) != 0x80 && !cells--)
            break;
    return n;
}

static u32 cells_of(const char *s)
{
    u32 cells = 0;
    for (; *s; s++)
        cells += ((u8)*s & 0xc0) != 0x80;
    return cells;
}

static void add_message(struct menu *m, struct text row)
{
    if (m->message_count == MESSAGES_MAX) {
        memmove(m->message, m->message + 1, sizeof m->message - sizeof m->message[0]);
        m->message_count--;
    }
    m->message[m->message_count++] = row;
}

/* Cut off and return the first row of a message, where a word ends if there is one in its second half. */
static struct text cut_row(struct text *line)
{
    struct text row = {line->at, bytes_for(*line, console_columns() - 2)};
    u32 end = row.len;
    while (end < line->len && end > row.len / 2 && line->at[end] != ' ')
        end--;
    if (end > row.len / 2)
        row.len = end;
    *line = text_trim((struct text){line->at + row.len, line->len - row.len});
    return row;
}

/* The last errors and warnings of the log since the user last asked for another look, cut into rows. */
static void find_messages(struct menu *m)
{
    struct text log = text_of(console_log_text()), line;
    while (text_split(&log, '\n', &line)) {
        if (text_equal(line, RESCAN_LINE))
            m->message_count = 0;
        if (!text_starts(line, "shim: error:") && !text_starts(line, "shim: warning:"))
            continue;
        for (line = text_trim(line); line.len;)
            add_message(m, cut_row(&line));
    }
}

/* One row over the whole width, cut with "..." when too long. */
static void draw_text(u32 row, enum attribute attribute, const char *text)
{
    u32 width = console_columns() - 1, cells = cells_of(text);
    console_move(row, 0);
    console_attribute(attribute);
    if (cells > width)
        console_print("%.*s...", (int)bytes_for(text_of(text), width - 3), text);
    else
        console_print("%s%*s", text, (int)(width - cells), "");
    console_attribute(ATTR_NORMAL);
}

static void draw_row(const struct menu *m, u32 i)
{
    char text[300];
    const struct boot_entry *entry = entry_at(m, i);
    const char *title = entry ? entry->title : action_titles[i - m->config->entry_count];
    const char *mark = i == m->selected ? ">" : " ";
    format_text(text, sizeof text, " %s %2u  %.240s%s", mark, i + 1, title,
                entry && entry == m->standard ? "  (default)" : "");
    enum attribute attribute = is_usable(m, i) ? ATTR_NORMAL : ATTR_DIM;
    draw_text(LIST_TOP + i - m->top, i == m->selected ? ATTR_REVERSE : attribute, text);
}

static u32 status_row(const struct menu *m)
{
    return LIST_TOP + m->height + 1;
}

static void draw_status(const struct menu *m)
{
    char text[300];
    const struct boot_entry *entry = entry_at(m, m->selected);
    text[0] = 0;
    if (m->seconds != TIMEOUT_NONE)
        format_text(text, sizeof text, "   Booting \"%.60s\" in %u s. Any key stops the countdown.",
                    entry ? entry->id : "", m->seconds);
    else if (entry && entry->disabled)
        format_text(text, sizeof text, "   Cannot be booted: %.200s", entry->disabled);
    draw_text(status_row(m), ATTR_BOLD, text);
}

static void draw_list(const struct menu *m)
{
    for (u32 i = m->top; i < m->count && i < m->top + m->height; i++)
        draw_row(m, i);
    draw_status(m);
}

static void draw_all(const struct menu *m)
{
    char text[400];
    console_clear();
    format_text(text, sizeof text, " shim %s%s%.120s", SHIM_VERSION, m->config->name ? "   " : "",
                m->config->name ? m->config->name : "");
    draw_text(0, ATTR_BOLD, text);
    draw_list(m);
    format_text(text, sizeof text, "   Up/Down select   Enter boots   %s   R looks for disks again",
                m->count > 9 ? "digits select" : "1-9 boot at once");
    draw_text(status_row(m) + 1, ATTR_DIM, text);
    u32 row = status_row(m) + 3;
    for (u32 i = 0; i < m->message_count && row < console_rows(); i++, row++) {
        format_text(text, sizeof text, " %.*s", (int)m->message[i].len, m->message[i].at);
        draw_text(row, ATTR_NORMAL, text);
    }
}

/* ---- what keys do ------------------------------------------------------------------------------------------------ */

static void select_row(struct menu *m, u32 i)
{
    u32 before = m->selected;
    if (i >= m->count)
        i = m->count - 1;
    m->selected = i;
    if (i < m->top || i >= m->top + m->height) {
        m->top = i < m->top ? i : i - m->height + 1;
        draw_list(m);
        return;
    }
    draw_row(m, before);
    draw_row(m, i);
    draw_status(m);
}

/* Take the selected row; false when it cannot be booted (the status row says why). */
static bool take_selected(const struct menu *m, struct menu_choice *choice)
{
    const struct boot_entry *entry = entry_at(m, m->selected);
    if (entry && entry->disabled)
        return false;
    if (entry)
        *choice = (struct menu_choice){MENU_BOOT, entry};
    else
        *choice = (struct menu_choice){actions[m->selected - m->config->entry_count], NULL};
    return true;
}

/* Up to nine rows: a digit boots. More: digits make a number that selects, Enter boots. */
static bool take_digit(struct menu *m, u32 digit, struct menu_choice *choice)
{
    u32 number = m->typed * 10 + digit;
    if (number > m->count)
        number = digit;
    m->typed = number;
    if (!number || number > m->count)
        return false;
    select_row(m, number - 1);
    return m->count <= 9 && take_selected(m, choice);
}

static void stop_countdown(struct menu *m)
{
    if (m->seconds == TIMEOUT_NONE)
        return;
    m->seconds = TIMEOUT_NONE;
    draw_status(m);
}

/* True when the key made a choice. */
static bool take_key(struct menu *m, u32 key, struct menu_choice *choice)
{
    stop_countdown(m);
    if (key >= '0' && key <= '9')
        return take_digit(m, key - '0', choice);
    m->typed = 0;
    switch (key) {
    case KEY_ENTER:
        return take_selected(m, choice);
    case KEY_UP:
    case 'k':
        select_row(m, m->selected ? m->selected - 1 : m->count - 1);
        return false;
    case KEY_DOWN:
    case 'j':
        select_row(m, m->selected + 1 < m->count ? m->selected + 1 : 0);
        return false;
    case KEY_HOME:
        select_row(m, 0);
        return false;
    case KEY_END:
        select_row(m, m->count - 1);
        return false;
    case KEY_PAGE_UP:
        select_row(m, m->selected > m->height ? m->selected - m->height : 0);
        return false;
    case KEY_PAGE_DOWN:
        select_row(m, m->selected + m->height);
        return false;
    case 'r':
    case 'R':
        *choice = (struct menu_choice){MENU_RESCAN, NULL};
        return true;
    default:
        return false;
    }
}

/* True when the countdown has run out. */
static bool count_down(struct menu *m, u32 from)
{
    if (m->seconds == TIMEOUT_NONE)
        return false;
    u64 gone = (clock_ms() - m->started) / 1000;
    u32 left = gone < from ? from - (u32)gone : 0;
    if (left != m->seconds) {
        m->seconds = left;
        draw_status(m);
    }
    return !left;
}

/* ---- the menu ---------------------------------------------------------------------------------------------------- */

static void menu_begin(struct menu *m, const struct config *config, const struct boot_entry *chosen, u32 countdown)
{
    bool any = false;
    *m = (struct menu){.config = config, .count = config->entry_count, .seconds = countdown};
    for (u32 i = config->entry_count; i-- > 0;)
        if (is_usable(m, i)) {
            any = true;
            m->selected = i;
        }
    for (u32 i = 0; i < config->entry_count; i++)
        if (config->entry[i] == chosen)
            m->selected = i;
    if (!any) {
        m->count += ARRAY_COUNT(actions);
        m->seconds = TIMEOUT_NONE;
        return;
    }
    /* A default that cannot be booted is like one that failed: the fallback, or the user decides. */
    if (!is_usable(m, m->selected)) {
        const struct boot_entry *fallback = config->fallback_entry;
        if (!fallback || fallback->disabled) {
            m->seconds = TIMEOUT_NONE;
            return;
        }
        while (config->entry[m->selected] != fallback)
            m->selected = m->selected + 1 < config->entry_count ? m->selected + 1 : 0;
    }
    m->standard = entry_at(m, m->selected);
}

static void lay_out(struct menu *m)
{
    find_messages(m);
    u32 room = console_rows() - LIST_TOP - BELOW_LIST;
    u32 list = (u32)min_u64(m->count, LIST_ROWS_MIN);
    u32 messages = (u32)min_u64(m->message_count, room > list ? room - list : 0);
    memmove(m->message, m->message + (m->message_count - messages), messages * sizeof m->message[0]);
    m->message_count = messages;
    m->height = (u32)min_u64(m->count, room - messages);
    if (m->selected >= m->height)
        m->top = m->selected - m->height + 1;
}

/* Nobody can see or press anything: the default after its time, else there is nothing left to do. */
static struct menu_choice choose_alone(const struct menu *m)
{
    if (m->seconds == TIMEOUT_NONE || !m->standard) {
        say_error("%sno console can take a choice; halted", m->standard ? "" : "nothing can be booted and ");
        machine_halt();
    }
    say("booting \"%s\" in %u s", m->standard->id, m->seconds);
    for (u64 start = clock_ms(); clock_ms() - start < (u64)m->seconds * 1000;)
        cpu_pause();
    return (struct menu_choice){MENU_BOOT, m->standard};
}

struct menu_choice menu_choose(const struct session *session, const struct boot_entry *chosen, u32 countdown)
{
    const struct config *config = session->config;
    struct menu m;
    struct menu_choice choice;
    menu_begin(&m, config, chosen, countdown);
    if (!m.seconds && m.standard)
        return (struct menu_choice){MENU_BOOT, m.standard};
    if (!consoles_interactive())
        return choose_alone(&m);
    lay_out(&m);
    m.started = clock_ms();
    draw_all(&m);
    for (;;) {
        u32 key = console_key();
        bool done = key != KEY_NONE ? take_key(&m, key, &choice)
                                    : count_down(&m, countdown) && take_selected(&m, &choice);
        if (done)
            break;
        if (key == KEY_NONE)
            cpu_pause();
    }
    console_clear();
    console_leave();
    print("\n"); /* the next line of the log begins a line of a captured log, too */
    if (choice.action == MENU_RESCAN)
        print(RESCAN_LINE "\n");
    return choice;
}
