/* details.c: all that is known about one entry, on the whole screen (menu.h).
 *
 * The files are opened, so that what is missing or damaged shows before a boot is tried; of the kernel the first bytes
 * are read, for what it is. The text scrolls where it is longer than the screen. Exercise: tests/unit/test_details.c.
 */
#include "cpu.h"
#include "menu_model.h"
#include "payload.h"
#include "print.h"
#include "screen.h"
#include "tables.h"

#define LINES_MAX 400u
#define TOP 2u
#define LABEL_CELLS 12u

/* Linux Documentation/arch/x86/boot.rst: the offset, less LINUX_VERSION_BASE, of a text that names the version. */
#define LINUX_VERSION_AT 0x20eu
#define LINUX_VERSION_MAX 128u

struct page {
    u32 count;
    struct {
        const char *label;
        struct text text;
    } line[LINES_MAX];
};

/* ---- the text ---------------------------------------------------------------------------------------------------- */

/* Lines that do not fit LINES_MAX are left out: nobody reads that far. */
static void add_line(struct page *page, const char *label, struct text text)
{
    do {
        struct text row = menu_cut_row(&text, screen_columns() - 1 - LABEL_CELLS);
        if (page->count == LINES_MAX)
            return;
        page->line[page->count].label = label;
        page->line[page->count++].text = row;
        label = "";
    } while (text.len);
}

static void add_text(struct page *page, const char *label, struct text text)
{
    struct text line;
    while (text_split(&text, '\n', &line)) {
        add_line(page, label, line);
        label = "";
    }
}

/* One that format_copy() made. */
static void add_copy(struct page *page, const char *label, const char *copy)
{
    add_text(page, label, text_of(copy));
}

static void add_error(struct page *page, const char *label)
{
    add_copy(page, label, format_copy("%s", error_text()));
    error_clear();
}

static void add_size(struct page *page, const char *label, const struct file *file, struct text text)
{
    u64 tenths = (file->size * 10 + MIB(1) / 2) >> 20;
    add_copy(page, label, tenths ? format_copy("%s, %lu bytes (%lu.%lu MiB)", file->path, file->size, tenths / 10,
                                               tenths % 10)
                                 : format_copy("%s, %lu bytes", file->path, file->size));
    if (text.len)
        add_text(page, "", text);
}

static bool add_file(struct page *page, const char *label, const struct session *session,
                     const struct boot_entry *entry, const struct entry_file *wanted, struct file *file)
{
    enum error error = file_open_named(session->volumes, entry->volume, wanted->path, file);
    if (!error && file->volume && file->node.type != NODE_FILE)
        error = fail(ERR_NOT_FOUND, "%s: not a file", file->path);
    if (error)
        add_error(page, label);
    else
        add_size(page, label, file, wanted->text);
    return !error;
}

/* The text by which a Linux kernel names itself; empty when this is none, or it has none. */
static const char *linux_version(const struct file *file, const u8 *head, u32 size)
{
    if (size < LINUX_VERSION_AT + 2 || load_le(head + LINUX_MAGIC_AT, 4) != LINUX_MAGIC)
        return "";
    u64 at = load_le(head + LINUX_VERSION_AT, 2) + LINUX_VERSION_BASE;
    char *version = arena_alloc(LINUX_VERSION_MAX + 1, 1);
    bool there = version && at > LINUX_VERSION_BASE && at < file->size &&
                 !file_read(file, at, min_u64(LINUX_VERSION_MAX, file->size - at), version);
    error_clear();
    return there ? version : "";
}

/* Who boots it and what it says of itself, or why nobody does. */
static void add_type(struct page *page, const struct file *file)
{
    u32 size = (u32)min_u64(file->size, HEAD_SIZE);
    u8 *head = arena_reserve(HEAD_SIZE, 16);
    enum error error = head ? file_read(file, 0, size, head) : ERR_NO_MEMORY;
    const struct payload_protocol *const *protocol = payload_protocols;
    while (!error && *protocol && (error = (*protocol)->recognise(head, size, file->size)) == ERR_NOT_MINE)
        protocol++, error = OK;
    if (error) {
        add_error(page, "Type");
    } else if (*protocol) {
        const char *version = linux_version(file, head, size);
        add_copy(page, "Type", format_copy("%s%s%s", (*protocol)->name, version[0] ? ", " : "", version));
    } else if (size < 2 || head[0] != 'M' || head[1] != 'Z') { /* what is in an EFI program, others know */
        add_line(page, "Type", text_of("no kernel that is known here"));
    }
}

static void add_kernel(struct page *page, const struct session *session, const struct boot_entry *entry)
{
    const struct entry_file kernel = {.path = text_of(entry->kernel)};
    struct file file;
    if (entry->kernel_module) {
        const char *name = format_copy("(module%u)", (u32)(entry->kernel_module - session->boot->module));
        file_of_memory(&file, name ? name : "", entry->kernel_module->base, entry->kernel_module->size);
        add_size(page, "Kernel", &file, text_of(NULL));
    } else if (!entry->kernel) {
        add_line(page, "Kernel", text_of("none"));
        return;
    } else if (!add_file(page, "Kernel", session, entry, &kernel, &file)) {
        return;
    }
    add_type(page, &file);
}

static void add_volume(struct page *page, const struct volume *v)
{
    const char *type = v->fs ? volume_type(v) : "unknown";
    add_copy(page, "Volume", format_copy("%s: %s, %lu MiB%s%s%s%s", v->name, type, v->size >> 20,
                                         v->ids.label[0] ? "\nLABEL=" : "", v->ids.label,
                                         v->ids.uuid[0] ? "\nUUID=" : "", v->ids.uuid));
}

static void add_boot_entry(struct page *page, const struct session *session, const struct boot_entry *entry)
{
    struct text append = session->arguments->append;
    struct file file;
    add_kernel(page, session, entry);
    for (u32 i = 0; i < entry->initrd_count; i++)
        add_file(page, "Initrd", session, entry, &entry->initrd[i], &file);
    for (u32 i = 0; i < entry->module_count; i++)
        add_file(page, "Module", session, entry, &entry->module[i], &file);
    if (entry->options && entry->options[0])
        add_line(page, "Options", text_of(entry->options));
    if (append.len)
        add_line(page, "and", append);
}

static void fill(struct page *page, const struct session *session, const struct boot_entry *entry)
{
    if (entry->disabled)
        add_text(page, "Disabled", text_of(entry->disabled));
    if (entry->id && entry->id[0])
        add_line(page, "ID", text_of(entry->id));
    if (entry->config)
        add_copy(page, "Config", entry->line ? format_copy("%s, line %u", entry->config, entry->line)
                                             : entry->config);
    if (entry->volume)
        add_volume(page, entry->volume);
    if (entry->kind == ENTRY_BOOT)
        add_boot_entry(page, session, entry);
    if (entry->counted)
        add_copy(page, "Tries", format_copy("%u left, %u done%s", entry->tries_left, entry->tries_done,
                                            entry->tries_left ? "" : ": bad"));
    if (entry->help)
        add_text(page, "Help", text_of(entry->help));
}

/* ---- the screen -------------------------------------------------------------------------------------------------- */

static void draw(const struct page *page, const char *title, u32 first, u32 room)
{
    u32 last = screen_rows() - 1;
    bool scrolls = page->count > room;
    screen_erase();
    menu_draw_cut(0, 1, screen_columns() - 2, ATTR_BOLD, text_of(title));
    for (u32 i = first; i < page->count && i < first + room; i++) {
        screen_text(TOP + i - first, 1, ATTR_DIM, text_of(page->line[i].label));
        screen_text(TOP + i - first, LABEL_CELLS, ATTR_NORMAL, page->line[i].text);
    }
    if (scrolls)
        screen_print(last, 1, ATTR_DIM, "Lines %u to %u of %u   Up/Down scroll   any other key goes back", first + 1,
                     (u32)min_u64(first + room, page->count), page->count);
    else
        screen_text(last, 1, ATTR_DIM, text_of("Any key goes back"));
    screen_show();
}

/* Where the text begins after key; ~0: the key leaves. */
static u32 scroll(u32 key, u32 first, u32 most, u32 room)
{
    switch (key) {
    case KEY_UP:
    case KEY_CTRL('P'):
        return first ? first - 1 : 0;
    case KEY_DOWN:
    case KEY_CTRL('N'):
        return (u32)min_u64(first + 1, most);
    case KEY_PAGE_UP:
        return first > room ? first - room : 0;
    case KEY_PAGE_DOWN:
    case ' ':
        return (u32)min_u64(first + room, most);
    case KEY_HOME:
        return 0;
    case KEY_END:
        return most;
    case KEY_CTRL('L'):
        screen_begin();
        return first;
    }
    return ~0u;
}

void entry_details(const struct session *session, const struct boot_entry *entry)
{
    u64 mark = arena_mark();
    struct page *page = arena_alloc(sizeof *page, 8);
    if (!page) {
        error_clear();
        return;
    }
    fill(page, session, entry);
    u32 room = screen_rows() - TOP - 2, most = page->count > room ? page->count - room : 0, first = 0;
    while (first != ~0u) {
        draw(page, entry->title, first, room);
        u32 key;
        while (!(key = console_key()))
            cpu_pause();
        if (most || key == KEY_CTRL('L'))
            first = scroll(key, first, most, room);
        else
            break;
    }
    error_clear();
    arena_release(mark);
}
