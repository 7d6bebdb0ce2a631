/* prompt.c: the rescue prompt (menu.h): lines are read and shown here, done in prompt_commands.c.
 *
 * It works on anything that shows text and returns a carriage: nothing else is sent, and of an edited line only what
 * changed. Lines longer than the terminal scroll, `<` and `>` mark where they go on. Nothing of it is kept in the log,
 * which stays the machine's: a long file would push out why a disk was not read. Exercise: tests/unit/test_prompt.c,
 * tests/fuzz/fuzz_prompt.c, tests/qemu/test_prompt.py.
 */
#include "prompt.h"
#include "cpu.h"
#include "menu_model.h"
#include "print.h"
#include "screen.h"

#define HISTORY_SIZE 4096u
#define HISTORY_LINES 16u
#define MORE "-- more -- (Enter: a line, q: stop)"

/* What is kept from one visit to the next: lines, each with its LF, and the volume, by name because a rescan makes new
 * ones. */
static char history[HISTORY_SIZE] __attribute__((section(".noinit")));
static u32 history_length;
static char volume_kept[sizeof((struct volume *)0)->name];

static u32 wait_key(void)
{
    for (;;) {
        u32 key = console_key();
        if (key != KEY_NONE)
            return key;
        cpu_pause();
    }
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

static void put(const char *text, u32 length)
{
    for (u32 n; length; text += n, length -= n) {
        n = (u32)min_u64(length, 500);
        console_print("%.*s", (int)n, text);
    }
}

/* One more row fits on the screen, or the user lets it scroll; false: no more. */
static bool row_begin(struct prompt *p)
{
    if (p->rows + 1 < console_rows()) {
        p->rows++;
        return true;
    }
    console_print(MORE);
    u32 key = wait_key();
    console_print("\r%*s\r", (int)sizeof MORE, "");
    if (key == KEY_ENTER || key == KEY_DOWN)
        return true;
    p->stopped = key == 'q' || key == 'Q' || key == KEY_ESCAPE || key == KEY_CTRL('c');
    p->rows = 1;
    return !p->stopped;
}

bool prompt_text(struct prompt *p, struct text line)
{
    char out[256];
    u32 used = 0, cells = 0, columns = console_columns();
    if (p->stopped || !row_begin(p))
        return false;
    while (line.len) {
        u32 fill = 1;
        if (cells == columns || used + 8 > sizeof out) {
            put(out, used);
            used = 0;
        }
        if (cells == columns) {
            cells = 0;
            if (p->rows + 1 >= console_rows())
                put("\n", 1);
            if (!row_begin(p))
                return false;
        }
        if (line.at[0] == '\t') {
            fill = (u32)min_u64(8 - cells % 8, columns - cells);
            memset(out + used, ' ', fill);
            used += fill;
            line.at++, line.len--;
        } else {
            used += utf8_put(text_take(&line), out + used);
        }
        cells += fill;
    }
    put(out, used);
    put("\n", 1);
    return true;
}

bool prompt_print(struct prompt *p, const char *format, ...)
{
    char text[1536];
    va_list args;
    va_start(args, format);
    format_text_v(text, sizeof text, format, args);
    va_end(args);
    return prompt_text(p, text_of(text));
}

void prompt_error(struct prompt *p)
{
    prompt_print(p, "shim: error: %s", error_text());
    error_clear();
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

struct text prompt_word(struct text *rest, struct prompt_word *word)
{
    bool quoted = false;
    u32 i = 0;
    while (i < rest->len && is_blank(rest->at[i]))
        i++;
    word->length = word->base = 0;
    word->raw_base = i;
    bool in_volume = i < rest->len && rest->at[i] == '(';
    for (; i < rest->len; i++) {
        char c = rest->at[i];
        if (is_blank(c) && !quoted && !in_volume)
            break;
        if (c == '"') {
            quoted = !quoted;
            continue;
        }
        if (c == '\\' && i + 1 < rest->len)
            c = rest->at[++i];
        if (word->length + 1 == sizeof word->text)
            break;
        word->text[word->length++] = c;
        if (c == ')')
            in_volume = false;
        if (c == '/' || c == ')' || (c == '(' && word->length == 1)) {
            word->base = word->length;
            word->raw_base = i + 1;
        }
    }
    word->text[word->length] = 0;
    word->open = i == rest->len;
    word->quoted = quoted;
    rest->at += i, rest->len -= i;
    return (struct text){word->text, word->length};
}

/* ---- older lines ------------------------------------------------------------------------------------------------- */

/* The line `back` lines before the end, its at NULL when there is none. */
static struct text history_line(u32 back)
{
    u32 end = history_length, start = end;
    while (back-- && start) {
        end = start - 1;
        for (start = end; start && history[start - 1] != '\n';)
            start--;
        if (!back)
            return (struct text){history + start, end - start};
    }
    return (struct text){NULL, 0};
}

static void history_add(struct text line)
{
    if (!line.len || line.len >= HISTORY_SIZE ||
        (history_line(1).at && history_line(1).len == line.len && !memcmp(history_line(1).at, line.at, line.len)))
        return;
    while (history_line(HISTORY_LINES).at || history_length + line.len + 1 > HISTORY_SIZE) {
        u32 first = 0;
        while (history[first++] != '\n')
            ;
        history_length -= first;
        memmove(history, history + first, history_length);
    }
    memcpy(history + history_length, line.at, line.len);
    history_length += line.len;
    history[history_length++] = '\n';
}

static void history_show(struct prompt *p, u32 back)
{
    struct text line = back ? history_line(back) : text_of(p->draft);
    if (!line.at)
        return;
    if (!p->back)
        memcpy(p->draft, p->edit.text, p->edit.length + 1);
    p->back = back;
    line_edit_begin(&p->edit, line);
}

/* ---- the line that is edited ------------------------------------------------------------------------------------- */

static void row_make(struct prompt *p, struct prompt_row *row)
{
    u32 columns = (u32)min_u64(console_columns(), PROMPT_ROW_CELLS), cursor;
    u32 used = format_text(row->text, sizeof row->text, "shim (%s)>", p->volume ? p->volume->name : "no volume");
    u32 room = columns > used + 13 ? columns - used - 3 : 10; /* two marks; and the last column stays empty */
    struct text part = line_edit_window(&p->edit, room, &cursor);
    bool goes_on = part.at + part.len < p->edit.text + p->edit.length;
    row->text[used++] = p->edit.first ? '<' : ' ';
    for (;;) {
        if (part.at == p->edit.text + p->edit.cursor)
            row->cursor = used;
        if (!part.len)
            break;
        used += utf8_put(text_take(&part), row->text + used);
    }
    if (goes_on)
        row->text[used++] = '>';
    row->length = used;
}

/* The cursor goes from byte `from` of what the row shows to byte `to`. */
static void cursor_move(const struct prompt_row *row, u32 from, u32 to)
{
    if (to < from) {
        put("\r", 1);
        from = 0;
    }
    put(row->text + from, to - from);
}

static u32 cells_from(const struct prompt_row *row, u32 from)
{
    return text_cells((struct text){row->text + from, row->length - from});
}

/* Bring the row from what it shows to what it should. */
static void row_show(struct prompt *p)
{
    struct prompt_row now, *old = &p->row;
    u32 same = 0;
    row_make(p, &now);
    while (same < now.length && same < old->length && now.text[same] == old->text[same])
        same++;
    while (same && ((u8)now.text[same] & 0xc0) == 0x80) /* not inside a character */
        same--;
    u32 cells = cells_from(&now, same), left = cells_from(old, same), at = old->cursor;
    if (cells || left) {
        cursor_move(old, old->cursor, same);
        put(now.text + same, now.length - same);
        if (left > cells)
            console_print("%*s", (int)(left - cells), "");
        at = left > cells ? ~0u : now.length; /* behind the blanks: only a return leads back */
    }
    cursor_move(&now, at, now.cursor);
    *old = now;
}

void prompt_leave_row(struct prompt *p)
{
    cursor_move(&p->row, p->row.cursor, p->row.length);
    put("\n", 1);
    p->row.length = p->row.cursor = 0;
}

static void complete(struct prompt *p, bool again)
{
    u64 mark = arena_mark();
    p->rows = 0;
    p->stopped = false;
    prompt_complete(p, again);
    arena_release(mark);
    error_clear();
}

/* Read a line into p->edit; false: the user wants to leave. */
static bool read_line(struct prompt *p)
{
    bool tab = false;
    line_edit_begin(&p->edit, text_of(""));
    p->back = p->row.length = p->row.cursor = 0;
    for (;;) {
        if (!console_key_waits())
            row_show(p);
        u32 key = wait_key();
        bool again = tab, leave = !p->edit.length && (key == KEY_ESCAPE || key == KEY_CTRL('d'));
        tab = key == KEY_TAB;
        if (tab || key == KEY_ENTER)
            row_show(p); /* it may not have been yet, and scrolls away now */
        if (key == KEY_ENTER || key == KEY_CTRL('c') || leave) {
            prompt_leave_row(p);
            if (key == KEY_CTRL('c'))
                line_edit_begin(&p->edit, text_of(""));
            return !leave;
        }
        if (tab)
            complete(p, again);
        else if (key == KEY_CTRL('l'))
            prompt_leave_row(p); /* once more, for who comes to the line later */
        else if (key == KEY_UP || key == KEY_CTRL('p'))
            history_show(p, p->back + 1);
        else if ((key == KEY_DOWN || key == KEY_CTRL('n')) && p->back)
            history_show(p, p->back - 1);
        else if (key == KEY_ESCAPE)
            line_edit_begin(&p->edit, text_of(""));
        else
            line_edit_key(&p->edit, key);
    }
}

/* ---- the prompt -------------------------------------------------------------------------------------------------- */

/* The one that was chosen before, the config's, or the first that can be read. */
static struct volume *first_volume(const struct session *session)
{
    struct volume *first = NULL;
    for (u32 i = 0; i < session->volumes->count; i++) {
        struct volume *v = session->volumes->volume[i];
        if (v->fs && !strcmp(v->name, volume_kept))
            return v;
        if (v->fs && (!first || v == session->config->home))
            first = v;
    }
    return first;
}

struct menu_choice prompt_run(const struct session *session)
{
    u64 mark = arena_mark();
    struct prompt *p = arena_alloc(sizeof *p, 8);
    const struct menu_choice back = {.action = MENU_BACK};
    if (!p)
        error_show();
    if (!p || session_is_locked(session) || !consoles_interactive()) {
        arena_release(mark);
        return back;
    }
    p->session = session;
    p->volume = first_volume(session);
    p->choice = back;
    prompt_print(p, "Type `help` for a list of commands; Esc goes back to the menu.");
    while (!p->done && read_line(p)) {
        struct text line = {p->edit.text, p->edit.length};
        const struct volume *before = p->volume;
        history_add(line);
        p->rows = 0;
        p->stopped = false;
        prompt_execute(p, line);
        if (p->volume != before)
            memcpy(volume_kept, p->volume->name, sizeof volume_kept);
    }
    if (p->choice.action == MENU_RESCAN)
        print(MENU_RESCAN_LINE "\n");
    if (p->choice.action != MENU_BOOT)
        arena_release(mark);
    return p->choice;
}
