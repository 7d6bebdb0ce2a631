/* menu.c: entries in, a choice out (menu.h): the model, and what keys and the clock do to it. menu_draw.c shows it.
 *
 * Letters: a command letter (e d c r) is that command; else an entry's hotkey selects it, as syslinux has it; else the
 * letter begins a search by first letters. While a search runs all letters are its own: each finds the next row whose
 * title begins with what was typed so far, or, where none does, one of whose words does. The same letter again goes to
 * the next such row. It ends after a moment without a letter, or by any other key; after `/`, which lets command
 * letters begin one and takes blanks and digits too, only by Esc, Enter or a move. Ctrl-L draws all anew, for who comes
 * to a serial line later. Exercise: tests/unit/test_menu.c.
 */
#include "menu_model.h"
#include "cpu.h"
#include "io.h"
#include "print.h"
#include "screen.h"

#define SEARCH_MS 1500u

/* What may be locked is last: the numbers of the others stay. */
static const struct {
    enum menu_action action;
    const char *title;
} actions[MENU_ACTIONS_MAX] = {
    {MENU_RESCAN, "Look for disks and configs again"},
    {MENU_REBOOT, "Reboot"},
    {MENU_POWEROFF, "Power off"},
    {MENU_PROMPT, "Rescue prompt"},
};

/* ---- the list ---------------------------------------------------------------------------------------------------- */

static bool is_usable(const struct boot_entry *entry)
{
    return entry && entry->kind == ENTRY_BOOT && !entry->disabled;
}

const struct boot_entry *menu_entry(const struct menu *m, u32 i)
{
    return i < m->count && m->row[i] < m->config->entry_count ? m->config->entry[m->row[i]] : NULL;
}

bool menu_can_select(const struct menu *m, u32 i)
{
    const struct boot_entry *entry = menu_entry(m, i);
    return i < m->count && (!entry || entry->kind == ENTRY_BOOT || entry->kind == ENTRY_SUBMENU);
}

const char *menu_title(const struct menu *m, u32 i)
{
    const struct boot_entry *entry = menu_entry(m, i);
    return entry ? entry->title : actions[m->row[i] - m->config->entry_count].title;
}

/* The row of entry or of the submenu that it is in; m->count when it is not in this list. */
static u32 row_of(const struct menu *m, const struct boot_entry *entry)
{
    while (entry && entry->parent != m->parent)
        entry = entry->parent;
    u32 i = 0;
    while (i < m->count && (!entry || menu_entry(m, i) != entry))
        i++;
    return i;
}

/* The nearest row that can be selected, from i on by steps (1 or -1), else the other way. */
static void select_near(struct menu *m, u32 i, i32 step)
{
    if (i >= m->count)
        i = m->count - 1;
    for (u32 turn = 0; turn < 2; turn++, step = -step)
        for (u32 at = i; at < m->count; at += (u32)step) /* below 0 is beyond the count, too */
            if (menu_can_select(m, at)) {
                m->selected = at;
                menu_scroll(m);
                return;
            }
}

/* Show what is in parent, with wanted (or what it is in) selected. */
static void open_list(struct menu *m, const struct boot_entry *parent, const struct boot_entry *wanted)
{
    const struct config *config = m->config;
    m->parent = parent;
    m->count = m->choices = m->selected = m->top = 0;
    for (u32 i = 0; i < config->entry_count; i++)
        if (config->entry[i]->parent == parent)
            m->row[m->count++] = (u16)i;
    for (u32 i = 0; i < MENU_ACTIONS_MAX && !m->usable && !parent; i++)
        if (actions[i].action != MENU_PROMPT || !session_is_locked(m->session))
            m->row[m->count++] = (u16)(config->entry_count + i);
    for (u32 i = 0; i < m->count; i++)
        m->choices += menu_can_select(m, i);
    u32 row = row_of(m, wanted);
    select_near(m, row < m->count ? row : 0, 1);
}

static const struct boot_entry *first_usable(const struct config *config)
{
    for (u32 i = 0; i < config->entry_count; i++)
        if (is_usable(config->entry[i]))
            return config->entry[i];
    return NULL;
}

/* What is booted when nobody chooses, and when. */
static void menu_begin(struct menu *m, const struct session *session, const struct boot_entry *chosen, u32 countdown)
{
    const struct config *config = session->config;
    const struct boot_entry *first = first_usable(config);
    const struct boot_entry *standard = config->default_entry ? config->default_entry : first, *wanted;
    memset(m, 0, offsetof(struct menu, row));
    m->session = session;
    m->config = config;
    m->usable = first;
    m->seconds = countdown;
    if (chosen && countdown != TIMEOUT_NONE) /* else it is what failed, and no default for that */
        standard = chosen;
    wanted = chosen ? chosen : standard;
    m->standard = standard;
    /* A default that cannot be booted is like one that failed: the fallback, or the user decides. */
    if (!is_usable(standard)) {
        m->standard = is_usable(config->fallback_entry) ? config->fallback_entry : NULL;
        if (m->standard && wanted == standard)
            wanted = m->standard;
    }
    m->at_end = config->timeout_entry ? config->timeout_entry : m->standard;
    if (!is_usable(m->at_end))
        m->seconds = TIMEOUT_NONE;
    m->wanted = wanted;
    /* Where a choice failed, its neighbours may be wanted; else the way begins at the first list. */
    if (first && chosen && chosen != config->default_entry && countdown == TIMEOUT_NONE)
        m->parent = wanted->parent;
}

/* ---- what is chosen ---------------------------------------------------------------------------------------------- */

static bool choose(struct menu_choice *choice, enum menu_action action, const struct boot_entry *entry)
{
    *choice = (struct menu_choice){action, entry, entry};
    return true;
}

/* Take the selected row: true when that is a choice. What cannot be booted is explained by the status row. */
static bool take_selected(struct menu *m, struct menu_choice *choice)
{
    const struct boot_entry *entry = menu_entry(m, m->selected);
    if (!menu_can_select(m, m->selected))
        return false;
    if (!entry)
        return choose(choice, actions[m->row[m->selected] - m->config->entry_count].action, NULL);
    if (entry->kind == ENTRY_SUBMENU) {
        open_list(m, entry, m->standard);
        menu_lay_out(m);
        return false;
    }
    return !entry->disabled && choose(choice, MENU_BOOT, entry);
}

static void go_back(struct menu *m)
{
    const struct boot_entry *left = m->parent;
    if (!left)
        return;
    open_list(m, left->parent, left);
    menu_lay_out(m);
}

/* Up to nine rows: a digit takes one. More: digits make a number that selects. */
static bool take_digit(struct menu *m, u32 digit, struct menu_choice *choice)
{
    u32 number = m->number * 10 + digit;
    if (number > m->choices)
        number = digit;
    m->number = number;
    if (!number || number > m->choices)
        return false;
    u32 i = 0;
    for (u32 n = 0; n < number; i++)
        n += menu_can_select(m, i);
    select_near(m, i - 1, 1);
    return m->choices <= 9 && take_selected(m, choice);
}

/* True when letter is a hotkey of this list; it goes to the next row that has it. */
static bool take_hotkey(struct menu *m, u32 key)
{
    for (u32 n = 1; n <= m->count; n++) {
        u32 i = (m->selected + n) % m->count;
        const struct boot_entry *entry = menu_entry(m, i);
        if (entry && entry->hotkey && entry->hotkey == key && menu_can_select(m, i)) {
            select_near(m, i, 1);
            return true;
        }
    }
    return false;
}

/* ---- search ------------------------------------------------------------------------------------------------------ */

static bool is_letter(u32 key)
{
    return (small_letter(key) >= 'a' && small_letter(key) <= 'z') || (key >= 0xa0 && key <= 0x10ffff);
}

static bool is_of_word(char c)
{
    return is_letter((u8)c) || (c >= '0' && c <= '9') || (u8)c >= 0x80;
}

/* True when title begins with t, or, with words, one of its words does. */
static bool title_matches(const char *title, struct text t, bool words)
{
    u32 length = (u32)strlen(title);
    for (u32 i = 0; t.len <= length - i; i++) {
        if ((!i || !is_of_word(title[i - 1])) && text_equal_nocase((struct text){title + i, t.len}, t))
            return true;
        if (!words)
            return false;
    }
    return false;
}

/* Select the first row from the selected one (further: behind it) on that matches, round the end; by titles first. */
static bool find_row(struct menu *m, u32 length, bool further)
{
    const struct text t = {m->search, length};
    for (u32 words = 0; words < 2; words++)
        for (u32 n = 0; n < m->count; n++) {
            u32 i = (m->selected + n + further) % m->count;
            if (menu_can_select(m, i) && title_matches(menu_title(m, i), t, words)) {
                select_near(m, i, 1);
                return true;
            }
        }
    return false;
}

/* "nnn": the same character again and again. */
static bool is_one_letter(const struct menu *m)
{
    for (u32 i = 1; i < m->search_length; i++)
        if (m->search[i] != m->search[0])
            return false;
    return true;
}

static void end_search(struct menu *m)
{
    m->searching = m->not_found = false;
    m->search_length = 0;
}

static void find(struct menu *m, bool further)
{
    if (!m->search_length) {
        m->not_found = false;
        return;
    }
    m->not_found = !find_row(m, m->search_length, further) && !(is_one_letter(m) && find_row(m, 1, true));
}

static void search_more(struct menu *m, u32 key)
{
    char bytes[4];
    u32 count = utf8_put(small_letter(key), bytes);
    if (m->search_length + count <= MENU_SEARCH_MAX) {
        memcpy(m->search + m->search_length, bytes, count);
        m->search_length += count;
    }
    m->search_ms = clock_ms();
    find(m, !m->searching && m->search_length == count);
}

static void search_less(struct menu *m)
{
    while (m->search_length && ((u8)m->search[--m->search_length] & 0xc0) == 0x80)
        continue;
    m->search_ms = clock_ms();
    find(m, false);
}

static bool is_command(u32 key)
{
    u32 letter = small_letter(key);
    return (letter >= 'c' && letter <= 'e') || letter == 'r';
}

/* True when the key belongs to the search that runs. Enter, moves and the like end it and mean what they mean. */
static bool take_search_key(struct menu *m, u32 key)
{
    bool printable = key >= ' ' && key <= 0x10ffff;
    /* one letter that nothing begins with was a key to stop the countdown */
    bool nothing = m->not_found && !m->searching && m->search_length == 1;
    if (m->searching ? printable : is_letter(key) && !(nothing && is_command(key))) {
        search_more(m, key);
        return true;
    }
    if (key == KEY_BACKSPACE && m->search_length) {
        search_less(m);
        return true;
    }
    end_search(m);
    return key == KEY_ESCAPE || key == KEY_BACKSPACE;
}

/* ---- keys -------------------------------------------------------------------------------------------------------- */

/* Up and Down go round the ends; pages do not. */
static void move(struct menu *m, u32 key)
{
    u32 at = m->selected, last = m->count - 1;
    if (!m->choices)
        return;
    switch (key) {
    case KEY_UP:
        do
            at = at ? at - 1 : last;
        while (!menu_can_select(m, at));
        break;
    case KEY_DOWN:
        do
            at = at < last ? at + 1 : 0;
        while (!menu_can_select(m, at));
        break;
    case KEY_HOME:
        at = 0;
        break;
    case KEY_END:
        at = last;
        break;
    case KEY_PAGE_UP:
        at = at > m->height ? at - m->height : 0;
        break;
    case KEY_PAGE_DOWN:
        at = at + m->height < last ? at + m->height : last;
        break;
    }
    select_near(m, at, key == KEY_UP || key == KEY_END || key == KEY_PAGE_DOWN ? -1 : 1);
}

/* `e`, `d`, `c`, `r`; true when that is a choice. */
static bool take_command(struct menu *m, u32 key, struct menu_choice *choice)
{
    const struct boot_entry *entry = menu_entry(m, m->selected);
    bool locked = session_is_locked(m->session);
    if (locked && (key == 'e' || key == 'c')) {
        m->note = key == 'e' ? "Editing is locked." : "The prompt is locked.";
        return false;
    }
    switch (key) {
    case 'r':
        return choose(choice, MENU_RESCAN, NULL);
    case 'c':
        return choose(choice, MENU_PROMPT, NULL);
    case 'd':
        if (entry && menu_can_select(m, m->selected))
            entry_details(m->session, entry);
        return false;
    default:
        *choice = (struct menu_choice){MENU_BOOT, NULL, entry};
        if (entry && entry->kind == ENTRY_BOOT)
            choice->entry = entry_edit(entry);
        return choice->entry;
    }
}

/* A key that belongs to no search; true when it made a choice. */
static bool take_other_key(struct menu *m, u32 key, struct menu_choice *choice)
{
    if (is_command(key))
        return take_command(m, small_letter(key), choice);
    if (take_hotkey(m, small_letter(key)))
        return false;
    if (key >= '0' && key <= '9')
        return take_digit(m, key - '0', choice);
    m->searching = key == '/';
    if (is_letter(key))
        search_more(m, key);
    return false;
}

/* True when the key made a choice. */
static bool take_key(struct menu *m, u32 key, struct menu_choice *choice)
{
    const struct boot_entry *entry = menu_entry(m, m->selected);
    m->seconds = TIMEOUT_NONE;
    m->note = NULL;
    if (menu_is_searching(m) && take_search_key(m, key))
        return false;
    if (key < '0' || key > '9')
        m->number = 0;
    switch (key) {
    case KEY_ENTER:
        return take_selected(m, choice);
    case KEY_RIGHT:
        return entry && entry->kind == ENTRY_SUBMENU && take_selected(m, choice);
    case KEY_ESCAPE:
    case KEY_LEFT:
    case KEY_BACKSPACE:
        go_back(m);
        return false;
    case KEY_CTRL('L'):
        screen_begin();
        menu_lay_out(m);
        return false;
    case KEY_CTRL('P'):
        key = KEY_UP;
        break;
    case KEY_CTRL('N'):
        key = KEY_DOWN;
        break;
    }
    if (key >= KEY_UP && key <= KEY_PAGE_DOWN) {
        move(m, key);
        return false;
    }
    return take_other_key(m, key, choice);
}

/* ---- the clock --------------------------------------------------------------------------------------------------- */

/* True when the countdown has run out; *changed when its number has. */
static bool count_down(struct menu *m, u32 from, bool *changed)
{
    if (m->seconds == TIMEOUT_NONE)
        return false;
    u64 gone = (clock_ms() - m->started) / 1000;
    u32 left = gone < from ? from - (u32)gone : 0;
    *changed |= left != m->seconds;
    m->seconds = left;
    return !left;
}

/* The countdown without a picture; true when it ran out, false when a key shows the menu. With no seconds it is one
 * look at the keys, without one at the clock. */
static bool count_unseen(struct menu *m, u32 countdown)
{
    bool changed = false;
    for (;;) {
        if (console_key() != KEY_NONE) {
            m->seconds = TIMEOUT_NONE;
            return false;
        }
        if (!countdown || count_down(m, countdown, &changed))
            return true;
        cpu_pause();
    }
}

/* Nobody can see or press anything: the default after its time, else there is nothing left to do. */
static struct menu_choice choose_alone(const struct menu *m)
{
    if (m->seconds == TIMEOUT_NONE) {
        say_error("%sno console can take a choice; halted", m->usable ? "" : "nothing can be booted and ");
        machine_halt();
    }
    say("booting \"%s\" in %u s", m->at_end->id, m->seconds);
    for (u64 start = clock_ms(); clock_ms() - start < (u64)m->seconds * 1000;)
        cpu_pause();
    return (struct menu_choice){MENU_BOOT, m->at_end, m->at_end};
}

/* Until there is a choice. */
static void run(struct menu *m, u32 countdown, struct menu_choice *choice)
{
    for (bool changed = true;;) {
        if (changed && !console_key_waits()) {
            menu_draw(m);
            changed = false;
        }
        u32 key = console_key();
        if (key != KEY_NONE) {
            if (take_key(m, key, choice))
                return;
            changed = true;
            continue;
        }
        if (count_down(m, countdown, &changed)) {
            choose(choice, MENU_BOOT, m->at_end);
            return;
        }
        if (m->search_length && !m->searching && clock_ms() - m->search_ms > SEARCH_MS) {
            end_search(m);
            changed = true;
        }
        cpu_pause();
    }
}

struct menu_choice menu_choose(const struct session *session, const struct boot_entry *chosen, u32 countdown)
{
    struct menu m;
    struct menu_choice choice;
    menu_begin(&m, session, chosen, countdown);
    if (!m.seconds && !consoles_interactive())
        return (struct menu_choice){MENU_BOOT, m.at_end, m.at_end};
    if (!consoles_interactive())
        return choose_alone(&m);
    if (m.seconds && m.seconds != TIMEOUT_NONE)
        m.started = clock_ms();
    if (m.seconds != TIMEOUT_NONE && (!m.seconds || session->config->hidden) && count_unseen(&m, m.seconds))
        return (struct menu_choice){MENU_BOOT, m.at_end, m.at_end};
    screen_begin();
    menu_find_messages(&m);
    open_list(&m, m.parent, m.wanted);
    menu_lay_out(&m);
    run(&m, countdown, &choice);
    screen_end();
    print("\n"); /* the next line of the log begins a line of a captured log, too */
    if (choice.action == MENU_RESCAN)
        print(MENU_RESCAN_LINE "\n");
    return choice;
}
