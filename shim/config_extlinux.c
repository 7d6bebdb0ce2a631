/* config_extlinux.c: the dialect extlinux.conf, syslinux.cfg, isolinux.cfg: lines of keywords, labels that become
 * entries (extlinux_label.c), of which one is the default (extlinux_scope.c).
 *
 * Syslinux 6.04 (com32/elflink/ldlinux/readconfig.c, com32/menu/readconfig.c, doc/menu.txt), with what U-Boot
 * (boot/pxe_utils.c) and NixOS's negative TIMEOUT add. An INCLUDE is as if its lines stood there; a CONFIG has settings
 * of its own. A file that is not there is no mistake: Debian's installer includes a dozen that only some editions have.
 * Unlike Syslinux, a TIMEOUT counts without UI and PROMPT too: U-Boot's configs, which Debian, NixOS and Alpine write,
 * mean a menu by it. Left out: colours, pictures, key maps, F1 to F12, the network's variables.
 *
 * Exercise: tests/unit/test_extlinux.c, tests/fuzz/fuzz_extlinux.c.
 */
#include "dialects.h"
#include "extlinux.h"
#include "memory.h"
#include "print.h"
#include "tables.h"

#define DEPTH_MAX 16u  /* files inside one another, as Syslinux */
#define FILES_MAX 256u /* looked for besides the first, in all; together CONFIG_SIZE_MAX bytes */

struct extlinux_source {
    struct extlinux_source *outer;
    const struct config_file *file;
    struct extlinux_scope *scope;
    struct text rest; /* lines not read yet */
    u32 line;
    bool reported; /* its bytes that are no text */
};

#define report(x, ...) config_report((x)->config, (x)->source->file->name, (x)->source->line, __VA_ARGS__)

/* Something that is no mistake. */
#define remark(x, format, ...)                                                                                         \
    do {                                                                                                               \
        if ((x)->remarks++ < PROBLEMS_SHOWN)                                                                           \
            say_verbose("%s:%u: " format, (x)->source->file->name, (x)->source->line, __VA_ARGS__);                    \
    } while (0)

static int shown(struct text t)
{
    return (int)min_u64(t.len, 100);
}

static void parse_file(struct extlinux *x, const struct config_file *file);

/* ---- words ------------------------------------------------------------------------------------------------------- */

enum keyword {
    KERNEL, LINUX, BOOT, BSS, PXE, FDIMAGE, COMBOOT, COM32, CONFIG, LOCALBOOT, /* as enum extlinux_kind */
    LABEL, MENU, APPEND, INITRD, INCLUDE, TEXT, DEFAULT, UI, TIMEOUT, TOTALTIMEOUT, ONTIMEOUT, ONERROR, FALLBACK,
    PROMPT, ALLOWOPTIONS, NOESCAPE,
};

/* By the numbers above; then those without an effect here. */
static const char *const keywords[] = {
    "kernel", "linux", "boot", "bss", "pxe", "fdimage", "comboot", "com32", "config", "localboot",
    "label", "menu", "append", "initrd", "include", "text", "default", "ui", "timeout", "totaltimeout", "ontimeout",
    "onerror", "fallback", "prompt", "allowoptions", "noescape",
    "endtext", "fdt", "fdtdir", "fdtoverlays", "devicetree", "devicetreedir", "devicetree-overlay", "kaslrseed",
    "ipappend", "sysappend", "serial", "console", "font", "kbdmap", "display", "say", "implicit", "path", "nocomplete",
    "nohalt", "pxeretry", "sendcookies", "gfxboot", NULL,
};

enum menu_word {
    M_LABEL, M_TITLE, M_DEFAULT, M_HIDE, M_DISABLE, M_DISABLED, M_SEPARATOR, M_INDENT, M_BEGIN, M_END, M_GOTO, M_EXIT,
    M_QUIT, M_HELP, M_PASSWD, M_MASTER, M_INCLUDE, M_HIDDEN, M_SHIFTKEY, M_START,
};

static const char *const menu_words[] = {
    "label", "title", "default", "hide", "disable", "disabled", "separator", "indent", "begin", "end", "goto", "exit",
    "quit", "help", "passwd", "master", "include", "hidden", "shiftkey", "start", NULL,
};

/* Its number in the list, that of the NULL when it is not there. */
static u32 find_word(const char *const *words, struct text word)
{
    u32 i = 0;
    while (words[i] && !text_equal_nocase(word, text_of(words[i])))
        i++;
    return i;
}

/* A keyword that nobody knows is passed over, as is what MENU says of colours; nearly a known one is told. */
static void unknown_word(struct extlinux *x, const char *const *words, struct text word)
{
    char small[32];
    u32 n = 0;
    for (; n < word.len && n < sizeof small; n++)
        small[n] = (char)small_letter((u8)word.at[n]);
    const char *near = word.len > 3 && n == word.len ? nearest_word((struct text){small, n}, words) : NULL;
    if (near)
        report(x, "unknown keyword \"%.*s\"; did you mean \"%s\"?", shown(word), word.at, near);
    else if (words == keywords)
        remark(x, "`%.*s` has no effect here", shown(word), word.at);
}

/* A number as atoi() reads it, between -1 and 2^31; false without a digit. */
static bool read_number(struct text t, i64 *number)
{
    bool minus = t.len && t.at[0] == '-';
    i64 n = 0;
    u32 i = minus || (t.len && t.at[0] == '+'), first = i;
    for (; i < t.len && t.at[i] >= '0' && t.at[i] <= '9'; i++)
        n = (i64)min_u64((u64)n * 10 + (u64)(t.at[i] - '0'), 1u << 31);
    *number = minus && n ? -1 : n;
    return i > first;
}

static bool is_set(struct text value)
{
    i64 n;
    return read_number(value, &n) && n;
}

/* ---- other files ------------------------------------------------------------------------------------------------- */

/* The file that is being read and has this path. */
static struct extlinux_source *find_source(const struct extlinux *x, struct text path)
{
    struct extlinux_source *s = x->source;
    while (s && !text_equal_nocase(s->file->path, path))
        s = s->outer;
    return s;
}

static u32 depth_of(const struct extlinux *x)
{
    u32 depth = 0;
    for (const struct extlinux_source *s = x->source; s; s = s->outer)
        depth++;
    return depth;
}

/* Read another file into *file; what there is to say of it is said. included: as a part of what is being read, which it
 * cannot be of itself. */
static bool read_file(struct extlinux *x, struct text path, bool included, struct config_file *file)
{
    struct text whole = text_of(extlinux_path(x, path));
    const struct extlinux_source *open = whole.at ? find_source(x, whole) : NULL;
    char *bytes = NULL;
    if (!whole.at || !x->home) {
        remark(x, "%.*s is on no volume", shown(path), path.at);
        return false;
    }
    if (open) {
        if (included && open->scope == x->scope)
            report(x, "%.*s includes itself", shown(path), path.at);
        return false;
    }
    if (depth_of(x) > DEPTH_MAX || x->files == FILES_MAX) {
        report(x, "%.*s: more than %u files%s", shown(path), path.at, x->files == FILES_MAX ? FILES_MAX : DEPTH_MAX,
               x->files == FILES_MAX ? "" : " inside one another");
        return false;
    }
    *file = *x->source->file;
    file->path = whole;
    x->files++;
    enum error error = file_open(x->home, whole, &file->file);
    if (!error)
        error = file_read_all(&file->file, CONFIG_SIZE_MAX - x->bytes, &bytes, &file->text.len);
    if (error == ERR_NOT_FOUND)
        remark(x, "%s", error_text());
    else if (error)
        report(x, "%s", error_text());
    error_clear();
    file->text.at = bytes;
    file->name = file->file.path;
    x->bytes += error ? 0 : file->text.len;
    return !error;
}

/* Another file, NULL when it cannot be read. */
static const struct config_file *open_file(struct extlinux *x, struct text path, bool included)
{
    u64 mark = arena_mark();
    struct config_file *file = arena_alloc(sizeof *file, 8);
    if (file && read_file(x, path, included, file))
        return file;
    arena_release(mark);
    return NULL;
}

static void menu_begin(struct extlinux *x, struct text tag)
{
    extlinux_label_end(x);
    struct boot_entry *menu = extlinux_entry_add(x, x->source->file, x->source->line, tag.len ? tag : text_of("menu"));
    if (!menu)
        return;
    menu->kind = ENTRY_SUBMENU;
    extlinux_entry_name(x, menu, tag, 0); /* Fedora's tags have a hotkey: `MENU BEGIN ^Troubleshooting` */
    menu->id = menu->title;
    x->menu = menu;
}

static void menu_end(struct extlinux *x)
{
    extlinux_label_end(x);
    for (u32 i = x->scope->first_entry; x->menu != x->scope->menu && i < x->config->entry_count; i++)
        if (x->config->entry[i] == x->menu) {
            x->menu = (struct boot_entry *)x->menu->parent;
            return;
        }
}

/* INCLUDE file [tag]: with a tag its labels are a submenu. */
static void include(struct extlinux *x, struct text value)
{
    struct text path = extlinux_word(&value);
    const struct config_file *file = open_file(x, path, true);
    struct boot_entry *before = x->menu;
    if (!file)
        return;
    if (value.len)
        menu_begin(x, value);
    parse_file(x, file);
    if (value.len && x->menu != before)
        menu_end(x);
}

/* ---- inside a label ---------------------------------------------------------------------------------------------- */

static void label_begin(struct extlinux *x, struct text value)
{
    extlinux_label_end(x);
    struct text name = extlinux_word(&value);
    if (!name.len)
        report(x, "`label` without a name");
    x->label = (struct extlinux_label){.open = true, .name = name, .command = name, .file = x->source->file,
                                       .line = x->source->line};
}

/* Lines up to ENDTEXT; only TEXT HELP in a label is kept. */
static void take_text(struct extlinux *x, struct text value)
{
    struct text line, kept = x->source->rest;
    u32 start = x->source->line, used = 0;
    bool ended = false;
    while (!ended && text_split(&x->source->rest, '\n', &line)) {
        struct text rest = line;
        x->source->line++;
        kept.len = (u32)(line.at - kept.at);
        ended = text_equal_nocase(extlinux_word(&rest), text_of("endtext"));
    }
    if (!ended)
        config_report(x->config, x->source->file->name, start, "`text` without `endtext`");
    bool help = ended && x->label.open && text_equal_nocase(extlinux_word(&value), text_of("help"));
    char *copy = help ? arena_reserve((u64)kept.len + 1, 1) : NULL;
    while (copy && text_split(&kept, '\n', &line)) {
        line = text_trim(line);
        for (u32 i = 0; i < line.len; i++)
            copy[used++] = (u8)line.at[i] < ' ' || line.at[i] == 0x7f ? ' ' : line.at[i];
        copy[used++] = '\n';
    }
    while (used && copy[used - 1] == '\n')
        used--;
    if (!used)
        return;
    copy[used] = 0;
    x->label.help = copy;
}

static void take_command(struct extlinux *x, u32 keyword, struct text value)
{
    if (!x->label.open) {
        remark(x, "`%s` outside of a label", keywords[keyword]);
        return;
    }
    if (!value.len && keyword != LOCALBOOT) {
        report(x, "`%s` without a file", keywords[keyword]);
        return;
    }
    x->label.kind = (enum extlinux_kind)keyword;
    x->label.command = value;
    x->label.has_command = true;
}

/* ---- MENU -------------------------------------------------------------------------------------------------------- */

/* A submenu's title is what MENU LABEL says, else what MENU TITLE says, else its tag. */
static void menu_title(struct extlinux *x, u32 word, struct text value)
{
    struct boot_entry *menu = x->menu;
    bool of_scope = menu == x->scope->menu;
    if (of_scope && word == M_TITLE && !menu && value.len)
        x->config->title = text_copy(value);
    else if (!of_scope && (word == M_LABEL || menu->title == menu->id))
        extlinux_entry_name(x, menu, value, 0);
}

static void choose_submenu(struct extlinux *x)
{
    for (u32 i = x->scope->first_entry; i < x->config->entry_count; i++)
        if (x->config->entry[i] == x->menu)
            x->flags[i] |= EXTLINUX_CHOSEN;
}

static void menu_separator(struct extlinux *x)
{
    extlinux_label_end(x);
    struct boot_entry *entry = extlinux_entry_add(x, x->source->file, x->source->line, (struct text){"", 0});
    if (entry)
        entry->kind = ENTRY_SEPARATOR;
}

static void take_menu_label_word(struct extlinux *x, u32 word, struct text value)
{
    struct extlinux_label *label = &x->label;
    i64 n;
    switch (word) {
    case M_LABEL:
        label->title = value;
        break;
    case M_DEFAULT:
        label->chosen = true;
        break;
    case M_HIDE:
        label->hidden = true;
        break;
    case M_DISABLE:
    case M_DISABLED:
        label->disabled = true;
        break;
    case M_INDENT:
        label->indent = read_number(value, &n) && n > 0 ? (u32)n : 0;
        break;
    case M_PASSWD:
        label->password = true;
        break;
    default: /* M_GOTO, M_EXIT, M_QUIT, M_HELP */
        label->leaves = true;
    }
}

static void take_menu(struct extlinux *x, struct text value)
{
    struct text name = extlinux_word(&value);
    u32 word = find_word(menu_words, name);
    switch (word) {
    case M_LABEL:
    case M_DEFAULT:
    case M_HIDE:
    case M_DISABLE:
    case M_DISABLED:
    case M_INDENT:
    case M_PASSWD:
    case M_GOTO:
    case M_EXIT:
    case M_QUIT:
    case M_HELP:
        if (x->label.open)
            take_menu_label_word(x, word, value);
        else if (word == M_LABEL)
            menu_title(x, word, value);
        else if (word == M_DEFAULT)
            choose_submenu(x);
        else if (word == M_PASSWD && x->menu)
            x->menu->disabled = extlinux_password;
        break;
    case M_TITLE:
        menu_title(x, word, value);
        break;
    case M_SEPARATOR:
        menu_separator(x);
        break;
    case M_BEGIN:
        menu_begin(x, value);
        break;
    case M_END:
        menu_end(x);
        break;
    case M_MASTER:
        x->scope->locked = true;
        break;
    case M_INCLUDE:
        include(x, value);
        break;
    case M_HIDDEN:
        x->scope->hidden = true;
        break;
    case M_SHIFTKEY:
        x->scope->at_once = true;
        break;
    case M_START:
        x->scope->start = x->menu;
        break;
    default: /* layout, messages, colours */
        unknown_word(x, menu_words, name);
    }
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

/* Tenths of a second, rounded up; 0: for ever; negative, as NixOS writes it: at once. */
static bool read_timeout(struct extlinux *x, struct text value, u32 *seconds)
{
    i64 tenths;
    if (!read_number(value, &tenths)) {
        report(x, "timeout \"%.*s\": expected a number of tenths of a second", shown(value), value.at);
        return false;
    }
    *seconds = tenths < 0 ? 0 : tenths ? (u32)(((u64)tenths + 9) / 10) : TIMEOUT_NONE;
    return true;
}

static void take_global(struct extlinux *x, u32 keyword, struct text value)
{
    struct extlinux_scope *scope = x->scope;
    switch (keyword) {
    case DEFAULT:
        scope->default_line = value;
        scope->default_file = x->source->file;
        scope->default_at = x->source->line;
        break;
    case UI:
        scope->ui = value;
        break;
    case TIMEOUT: /* a submenu's own, which nobody waits for */
        if (x->menu == scope->menu)
            scope->has_timeout |= read_timeout(x, value, &scope->timeout);
        break;
    case TOTALTIMEOUT:
        read_timeout(x, value, &scope->total_timeout);
        break;
    case ONTIMEOUT:
        if (x->menu == scope->menu)
            scope->timeout_line = value;
        break;
    case ONERROR:
        scope->error_line = value;
        break;
    case FALLBACK:
        scope->fallback = value;
        break;
    case PROMPT:
        scope->prompt = is_set(value);
        break;
    case ALLOWOPTIONS:
        scope->locked |= !is_set(value);
        break;
    case NOESCAPE:
        scope->no_escape = is_set(value);
        break;
    default:
        break; /* keywords without an effect here */
    }
}

static void take_line(struct extlinux *x, struct text word, struct text value)
{
    u32 keyword = find_word(keywords, word);
    u64 number;
    if (keyword <= LOCALBOOT)
        take_command(x, keyword, value);
    else if (keyword == LABEL)
        label_begin(x, value);
    else if (keyword == MENU)
        take_menu(x, value);
    else if (keyword == INCLUDE)
        include(x, value);
    else if (keyword == TEXT)
        take_text(x, value);
    else if (keyword == APPEND)
        *(x->label.open ? &x->label.append : &x->scope->append) = value;
    else if (keyword == INITRD && x->label.open)
        x->label.initrd = value;
    else if (keywords[keyword])
        take_global(x, keyword, value);
    else if ((word.at[0] | 0x20) != 'f' || !text_number((struct text){word.at + 1, word.len - 1}, &number))
        unknown_word(x, keywords, word);
}

/* What is left of a line: up to CR or NUL, and any other control character is a blank. */
static struct text clean_line(struct extlinux *x, struct text line)
{
    u32 n = 0;
    bool control = false;
    line = text_trim(line);
    while (n < line.len && line.at[n] && line.at[n] != '\r') {
        control |= (u8)line.at[n] < ' ' || line.at[n] == 0x7f;
        n++;
    }
    if (n < line.len && !line.at[n] && !x->source->reported) {
        report(x, "a NUL byte in column %u; expected text", n + 1);
        x->source->reported = true;
    }
    line.len = n;
    char *copy = control ? text_copy(line) : NULL;
    if (!copy)
        return control ? (struct text){line.at, 0} : text_trim(line);
    for (u32 i = 0; i < n; i++)
        if ((u8)copy[i] < ' ' || copy[i] == 0x7f)
            copy[i] = ' ';
    return text_trim((struct text){copy, n});
}

/* The lines of x->source. */
static void parse_lines(struct extlinux *x)
{
    struct extlinux_source *source = x->source;
    struct text line;
    if (text_starts(source->rest, "\xef\xbb\xbf"))
        source->rest.at += 3, source->rest.len -= 3;
    while (text_split(&source->rest, '\n', &line)) {
        source->line++;
        line = clean_line(x, line);
        if (!line.len || line.at[0] == '#')
            continue;
        struct text word = extlinux_word(&line);
        take_line(x, word, line);
    }
}

static void parse_file(struct extlinux *x, const struct config_file *file)
{
    struct extlinux_source source = {.outer = x->source, .file = file, .scope = x->scope, .rest = file->text};
    x->source = &source;
    parse_lines(x);
    x->source = source.outer;
}

/* ---- configs ----------------------------------------------------------------------------------------------------- */

/* Those of a list that are not being read. */
static void include_all(struct extlinux *x, struct text paths)
{
    struct text path;
    while ((path = extlinux_word(&paths)).len) {
        struct text whole = text_of(extlinux_path(x, path));
        if (!text_equal(path, "~") && whole.at && !find_source(x, whole))
            include(x, path);
    }
    extlinux_label_end(x);
}

/* A menu program may be given configs to show instead: `UI vesamenu.c32 other.cfg`. */
static void read_ui_config(struct extlinux *x)
{
    struct text line = x->scope->ui.len ? x->scope->ui : x->scope->default_line, name = extlinux_word(&line);
    if (extlinux_is_program(name))
        include_all(x, line);
}

static void scope_parse(struct extlinux *x, struct extlinux_scope *scope, const struct config_file *file)
{
    struct extlinux_scope *outer = x->scope;
    struct extlinux_source source = {.outer = x->source, .file = file, .scope = scope, .rest = file->text};
    struct boot_entry *menu = x->menu;
    scope->first_entry = x->config->entry_count;
    scope->total_timeout = TIMEOUT_NONE;
    scope->default_file = file;
    x->scope = scope;
    x->source = &source;
    x->menu = scope->menu;
    parse_lines(x);
    include_all(x, scope->more);
    read_ui_config(x);
    x->menu = scope->menu;
    extlinux_scope_end(x);
    scope->next = x->finished;
    x->finished = scope;
    x->scope = outer;
    x->source = source.outer;
    x->menu = menu;
}

bool extlinux_config_read(struct extlinux *x, struct boot_entry *menu, struct text paths, struct text directory)
{
    /* The label began in a file that may be at its end by now; its config leads back there all the same. */
    struct extlinux_source of_label = {.outer = x->source, .file = x->label_file, .scope = x->scope,
                                       .line = x->label_line};
    x->source = &of_label;
    const struct config_file *file = open_file(x, extlinux_word(&paths), false);
    struct extlinux_scope *scope = file ? arena_alloc(sizeof *scope, 8) : NULL;
    if (scope) {
        scope->menu = menu;
        scope->more = paths;
        scope->directory = x->scope->directory;
        if (directory.len)
            scope->directory = text_of(extlinux_path(x, directory));
        scope_parse(x, scope, file);
    }
    x->source = of_label.outer;
    return scope;
}

static struct text directory_of(struct text path)
{
    while (path.len && path.at[path.len - 1] != '/')
        path.len--;
    if (path.len)
        path.len--;
    return path;
}

enum error extlinux_parse(struct config *config, const struct config_file *file)
{
    struct extlinux *x = arena_alloc(sizeof *x, 8);
    struct extlinux_scope *scope = arena_alloc(sizeof *scope, 8);
    if (!x || !scope)
        return ERR_NO_MEMORY;
    x->config = config;
    x->home = file->home;
    scope->directory = directory_of(file->path);
    scope_parse(x, scope, file);
    config->default_entry = scope->default_entry;
    config->timeout = scope->timeout;
    config->hidden = scope->hidden && scope->timeout != TIMEOUT_NONE;
    config->locked = scope->locked;
    return OK;
}
