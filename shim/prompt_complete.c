/* prompt_complete.c: the Tab key of the rescue prompt (prompt.h): commands, volumes, and paths on them.
 *
 * As in a shell: what all candidates begin with is put in, a directory's name ends in "/", a second Tab lists. Where no
 * name fits as it is typed, those that differ in case do, because FAT takes them. Left out: options of kernels, labels.
 */
#include "prompt.h"
#include "print.h"

/* Of one directory; what lies behind is not looked at: a Tab must not take minutes. */
#define NAMES_MAX 20000u

enum source_kind { OF_COMMANDS, OF_VOLUMES, OF_DIRECTORY };

/* Where candidates come from. */
struct source {
    struct prompt *p;
    enum source_kind kind;
    struct text prefix; /* what they begin with */
    bool nocase;
    bool cut; /* NAMES_MAX */
    u32 index;
    u64 cursor;
    struct file dir;
    struct dirent entry;
};

static bool next_name(struct source *s, struct text *name)
{
    const struct volume_list *volumes = s->p->session->volumes;
    u32 i = s->index++;
    if (s->kind == OF_COMMANDS) {
        *name = text_of(prompt_command(i));
        return name->at;
    }
    if (s->kind == OF_VOLUMES) {
        if (i < volumes->count)
            *name = text_of(volumes->volume[i]->fs ? volumes->volume[i]->name : "");
        return i < volumes->count;
    }
    s->cut = i == NAMES_MAX;
    if (s->cut || file_list(&s->dir, &s->cursor, &s->entry))
        return false;
    *name = text_of(s->entry.name);
    return true;
}

static bool next_match(struct source *s, struct text *name)
{
    while (next_name(s, name)) {
        struct text start = {name->at, s->prefix.len};
        if (name->len && name->len >= s->prefix.len &&
            (s->nocase ? text_equal_nocase(start, s->prefix)
                       : !s->prefix.len || !memcmp(start.at, s->prefix.at, start.len)))
            return true;
    }
    return false;
}

static void restart(struct source *s)
{
    s->index = 0;
    s->cursor = 0;
}

/* Put what all matches begin with into common; how many there are. */
static u32 find_common(struct source *s, char common[NAME_MAX_BYTES + 1])
{
    struct text name;
    u32 count = 0, length = 0;
    restart(s);
    for (; next_match(s, &name); count++) {
        u32 same = 0;
        if (!count) {
            length = (u32)min_u64(name.len, NAME_MAX_BYTES);
            memcpy(common, name.at, length);
        }
        while (same < length && same < name.len &&
               (s->nocase ? text_equal_nocase((struct text){common + same, 1}, (struct text){name.at + same, 1})
                          : common[same] == name.at[same]))
            same++;
        while (same && same < length && ((u8)common[same] & 0xc0) == 0x80) /* not inside a character */
            same--;
        length = same;
    }
    common[length] = 0;
    return count;
}

/* As many names a row as fit. */
static void show_matches(struct source *s)
{
    char row[NAME_MAX_BYTES + 300];
    struct text name;
    u32 used = 0, columns = (u32)min_u64(console_columns(), 256);
    restart(s);
    while (next_match(s, &name)) {
        if (used && used + 2 + name.len >= columns) {
            if (!prompt_text(s->p, (struct text){row, used}))
                return;
            used = 0;
        }
        used += format_text(row + used, (u32)sizeof row - used, "%s%.*s", used ? "  " : "", (int)name.len, name.at);
    }
    if (used)
        prompt_text(s->p, (struct text){row, used});
}

/* Instead of what stands between `from` and the cursor. */
static void put_in(struct line_edit *edit, u32 from, const char *name, const char *end)
{
    char quoted[2 * NAME_MAX_BYTES + 4];
    u32 used = 0;
    for (; *name && used < 2 * NAME_MAX_BYTES; name++) {
        if (*name == ' ' || *name == '"' || *name == '\\')
            quoted[used++] = '\\';
        quoted[used++] = *name;
    }
    while (edit->cursor > from)
        line_edit_key(edit, KEY_BACKSPACE);
    line_edit_insert(edit, (struct text){quoted, used});
    line_edit_insert(edit, text_of(end));
}

/* What stands behind the only match. */
static const char *end_of(const struct source *s, const struct prompt_word *word, const char *name)
{
    struct file file;
    if (s->kind == OF_VOLUMES && word->base)
        return ")/";
    const char *path = s->kind == OF_DIRECTORY ? format_copy("%.*s%s", (int)word->base, word->text, name) : NULL;
    if (path && !file_open_named(s->p->session->volumes, s->p->volume, text_of(path), &file) &&
        file.node.type == NODE_DIR)
        return "/";
    return word->quoted ? "\" " : " ";
}

/* Take the word in front of the cursor apart. Returns where in the line its last component begins. */
static u32 find_word(struct source *s, struct prompt_word *word)
{
    struct text rest = {s->p->edit.text, s->p->edit.cursor};
    s->kind = OF_COMMANDS;
    for (u32 words = 0;; words++) {
        u32 start = s->p->edit.cursor - rest.len;
        struct text name = prompt_word(&rest, word);
        if (word->open) {
            if (s->kind == OF_DIRECTORY && word->text[0] == '(' && word->base == 1)
                s->kind = OF_VOLUMES;
            return start + word->raw_base;
        }
        if (!words && !text_equal(name, "help"))
            s->kind = text_equal(name, "volume") ? OF_VOLUMES : OF_DIRECTORY;
    }
}

void prompt_complete(struct prompt *p, bool again)
{
    char common[NAME_MAX_BYTES + 1];
    struct prompt_word *word = &p->word;
    struct source *s = arena_alloc(sizeof *s, 8);
    if (!s)
        return;
    s->p = p;
    u32 from = find_word(s, word);
    s->prefix = (struct text){word->text + word->base, word->length - word->base};
    if (s->kind == OF_DIRECTORY ? file_open_named(p->session->volumes, p->volume,
                                                  (struct text){word->text, word->base}, &s->dir)
                                : s->kind == OF_COMMANDS && word->base)
        return;
    u32 count = find_common(s, common);
    if (!count) {
        s->nocase = true;
        count = find_common(s, common);
    }
    if (s->cut || (count > 1 && again && strlen(common) == s->prefix.len))
        prompt_leave_row(p);
    if (count == 1 || (count && strlen(common) > s->prefix.len))
        put_in(&p->edit, from, common, count == 1 ? end_of(s, word, common) : "");
    else if (count && again)
        show_matches(s);
    if (s->cut)
        prompt_print(p, "only the first %u names were looked at", NAMES_MAX);
}
