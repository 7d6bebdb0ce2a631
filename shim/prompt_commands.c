/* prompt_commands.c: what the rescue prompt can do (prompt.h).
 *
 * What is to be booted is collected as lines in the words of shim.cfg, with paths that name their volume: so it is
 * shown, and so it outlives a failed boot and a rescan. Left out on purpose: anything that writes. Exercise:
 * tests/unit/test_prompt.c, tests/fuzz/fuzz_prompt.c.
 */
#include "prompt.h"
#include "print.h"
#include "tables.h"

#define CAT_MAX KIB(64)
#define PLAN_SIZE 8192u

/* The lines, each with its LF: `linux (vda1)/boot/vmlinuz`. */
static char plan[PLAN_SIZE] __attribute__((section(".noinit")));
static u32 plan_length;

/* ---- looking around ---------------------------------------------------------------------------------------------- */

/* "12 KiB": at least two digits where there are so many. */
static const char *size_text(u64 bytes, char out[16])
{
    static const char units[][6] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    u32 unit = 0;
    for (; bytes >= 10240 && unit + 1 < ARRAY_COUNT(units); unit++)
        bytes >>= 10;
    format_text(out, 16, "%lu %s", bytes, units[unit]);
    return out;
}

static void run_volumes(struct prompt *p, const char *name, struct text rest)
{
    const struct volume_list *volumes = p->session->volumes;
    char size[16];
    (void)name, (void)rest;
    for (u32 i = 0; i < volumes->count; i++) {
        const struct volume *v = volumes->volume[i];
        const char *fs = v->fs ? volume_type(v) : v->reason ? v->reason : "nothing that is known here";
        prompt_print(p, "%c %-10s %10s  %.200s%s%s%s%s", v == p->volume ? '*' : ' ', v->name,
                     size_text(v->size, size), fs, v->ids.label[0] ? " LABEL=" : "", v->ids.label,
                     v->ids.uuid[0] ? " UUID=" : "", v->ids.uuid);
    }
    if (!volumes->count)
        prompt_print(p, "there is no volume; `rescan` looks again");
}

static void run_disks(struct prompt *p, const char *name, struct text rest)
{
    const struct disk_list *disks = p->session->disks;
    char size[16];
    (void)name, (void)rest;
    for (u32 i = 0; i < disks->count; i++) {
        const struct block_device *d = disks->disk[i];
        prompt_print(p, "%-10s %10s  %s, blocks of %u bytes%s", d->name, size_text(block_bytes(d), size),
                     d->driver->name, d->block_size, d->dead ? ", does not answer" : "");
    }
    if (!disks->count)
        prompt_print(p, "there is no disk; `rescan` looks again");
}

static void run_memory(struct prompt *p, const char *name, struct text rest)
{
    const struct mem_map *map = &p->session->boot->memory;
    char size[16];
    (void)name, (void)rest;
    for (u32 i = 0; i < map->count; i++) {
        const struct mem_range *r = &map->range[i];
        prompt_print(p, "%012lx-%012lx %10s  %s", r->base, r->base + r->size - 1, size_text(r->size, size),
                     mem_type_name(r->type));
    }
    prompt_print(p, "%lu MiB usable", mem_map_total(map) >> 20);
}

static void show_lines(struct prompt *p, struct text lines)
{
    struct text line;
    if (!lines.len)
        return;
    lines.len -= lines.at[lines.len - 1] == '\n';
    while (text_split(&lines, '\n', &line)) {
        if (line.len && line.at[line.len - 1] == '\r')
            line.len--;
        if (!prompt_text(p, line))
            break;
    }
}

static void run_log(struct prompt *p, const char *name, struct text rest)
{
    (void)name, (void)rest;
    show_lines(p, text_of(console_log_text()));
}

/* Open what the next word names, a directory only if that is asked for; false when it said why not. */
static bool open_word(struct prompt *p, struct text *rest, bool directories, struct file *file)
{
    enum error error = file_open_named(p->session->volumes, p->volume, prompt_word(rest, &p->word), file);
    if (!error && !directories && file->node.type != NODE_FILE)
        error = fail(ERR_NOT_FOUND, "%s: not a file", file->path);
    if (error)
        prompt_error(p);
    return !error;
}

static bool show_node(struct prompt *p, struct volume *v, const struct node *node, const char *name)
{
    static const char types[][6] = {[NODE_OTHER] = "other", [NODE_DIR] = "dir", [NODE_SYMLINK] = "link"};
    char target[512] = "";
    if (node->type == NODE_FILE)
        return prompt_print(p, "%12lu  %s", node->size, name);
    if (node->type == NODE_SYMLINK && node->size < sizeof target) {
        const struct file link = {.volume = v, .node = *node, .size = node->size, .path = name};
        if (v->fs->read_link ? v->fs->read_link(v, node, target) : file_read(&link, 0, node->size, target))
            target[0] = 0;
        target[node->size] = 0;
    }
    return prompt_print(p, "%12s  %s%s%s", types[node->type], name,
                        node->type == NODE_DIR ? "/" : target[0] ? " -> " : "", target);
}

static void run_ls(struct prompt *p, const char *name, struct text rest)
{
    struct file dir;
    struct node node;
    struct dirent *entry = arena_alloc(sizeof *entry, 8);
    u64 cursor = 0;
    enum error error = OK;
    rest = text_trim(rest);
    while (text_starts(rest, "-")) /* `ls -la`: a habit */
        prompt_word(&rest, &p->word), rest = text_trim(rest);
    if (!rest.len) {
        run_volumes(p, name, rest);
        return;
    }
    if (!entry || !open_word(p, &rest, true, &dir))
        return;
    if (dir.node.type != NODE_DIR) {
        show_node(p, dir.volume, &dir.node, dir.path);
        return;
    }
    while (!p->stopped && !(error = file_list(&dir, &cursor, entry))) {
        if (dir.volume->fs->lookup(dir.volume, &dir.node, text_of(entry->name), &node))
            node = (struct node){.type = NODE_OTHER}; /* the list goes on: why is said when it is opened */
        show_node(p, dir.volume, &node, entry->name);
    }
    if (error && error != ERR_NOT_FOUND)
        prompt_error(p);
}

static void run_cat(struct prompt *p, const char *name, struct text rest)
{
    struct file file;
    (void)name;
    if (!open_word(p, &rest, false, &file))
        return;
    u32 size = (u32)min_u64(file.size, CAT_MAX);
    char *text = arena_reserve(size + 1, 1);
    if (!text || file_read(&file, 0, size, text)) {
        prompt_error(p);
        return;
    }
    show_lines(p, (struct text){text, size});
    if (size < file.size)
        prompt_print(p, "[%u of %lu bytes]", size, file.size);
}

static void run_volume(struct prompt *p, const char *name, struct text rest)
{
    (void)name;
    struct text which = prompt_word(&rest, &p->word);
    if (text_starts(which, "(")) { /* as Tab completes it, with a "/" behind */
        which.at++, which.len--;
        rest = which;
        text_split(&rest, ')', &which);
    }
    struct volume *v = volume_find(p->session->volumes, which);
    if (v && !v->fs)
        fail(ERR_UNSUPPORTED, "%s: %s", v->name, v->reason ? v->reason : "no filesystem that is known here");
    if (v && v->fs)
        p->volume = v;
    else
        prompt_error(p);
}

/* ---- what is to be booted ---------------------------------------------------------------------------------------- */

/* The next line of *lines as key and value. */
static bool plan_line(struct text *lines, struct text *key, struct text *value)
{
    struct text line;
    if (!text_split(lines, '\n', &line) || !line.len)
        return false;
    *value = line;
    return text_split(value, ' ', key);
}

static bool is_kernel(struct text key)
{
    return text_equal(key, "linux") || text_equal(key, "pvh") || text_equal(key, "boot");
}

/* Forget the lines of a key; all kernels are one. */
static void plan_drop(const char *which)
{
    bool kernels = is_kernel(text_of(which));
    struct text lines = {plan, plan_length}, key, value;
    u32 kept = 0;
    while (plan_line(&lines, &key, &value)) {
        if (kernels ? is_kernel(key) : text_equal(key, which))
            continue;
        u32 length = key.len + 1 + value.len + 1;
        memmove(plan + kept, key.at, length);
        kept += length;
    }
    plan_length = kept;
}

static void plan_add(struct prompt *p, const char *key, struct text value)
{
    u32 room = PLAN_SIZE - plan_length;
    u32 length = format_text(plan + plan_length, room, "%s %.*s\n", key, (int)value.len, value.at);
    if (length < room) {
        plan_length += length;
        return;
    }
    fail(ERR_NO_MEMORY, "more than %u bytes of files and options; `clear` forgets them", PLAN_SIZE);
    prompt_error(p);
}

/* The next word names a file that is there: its path with the volume. Its at is NULL when it is not, which was said. */
static struct text take_path(struct prompt *p, struct text *rest)
{
    struct file file;
    struct text path = {NULL, 0};
    if (!open_word(p, rest, false, &file))
        return path;
    path = (struct text){p->word.text, p->word.length};
    return text_of(text_starts(path, "(")
                       ? text_copy(path)
                       : format_copy("(%s)%s%s", file.volume->name, text_starts(path, "/") ? "" : "/", path.at));
}

static void run_go(struct prompt *p, const char *name, struct text rest);

static void run_options(struct prompt *p, const char *name, struct text rest)
{
    plan_drop(name);
    plan_add(p, name, text_trim(rest));
}

static void run_kernel(struct prompt *p, const char *name, struct text rest)
{
    struct text path = take_path(p, &rest);
    if (!path.at)
        return;
    plan_drop(name);
    plan_add(p, name, path);
    if (text_trim(rest).len)
        run_options(p, "options", rest);
    if (text_equal(text_of(name), "boot"))
        run_go(p, name, rest);
}

static void run_initrd(struct prompt *p, const char *name, struct text rest)
{
    struct text path;
    while (text_trim(rest).len && (path = take_path(p, &rest)).at)
        plan_add(p, name, path);
}

static void run_module(struct prompt *p, const char *name, struct text rest)
{
    struct text path = take_path(p, &rest), left = path, word;
    if (!path.at)
        return;
    text_split(&left, ' ', &word);
    if (left.at) {
        fail(ERR_UNSUPPORTED, "%s: a module's path with a blank in it", path.at);
        prompt_error(p);
        return;
    }
    rest = text_trim(rest);
    plan_add(p, name, rest.len ? text_of(format_copy("%s %.*s", path.at, (int)rest.len, rest.at)) : path);
}

static void run_show(struct prompt *p, const char *name, struct text rest)
{
    (void)name, (void)rest;
    show_lines(p, (struct text){plan, plan_length});
}

static void run_clear(struct prompt *p, const char *name, struct text rest)
{
    (void)name;
    if (prompt_word(&rest, &p->word).len)
        plan_drop(p->word.text);
    else
        plan_length = 0;
}

/* value: with a NUL behind it. */
static enum error entry_line(struct boot_entry *entry, struct text key, struct text value)
{
    struct entry_file file = {.path = value};
    if (text_equal(key, "initrd"))
        return entry_file_add(&entry->initrd, &entry->initrd_count, file);
    if (text_equal(key, "module")) {
        file.text = value;
        text_split(&file.text, ' ', &file.path);
        return entry_file_add(&entry->module, &entry->module_count, file);
    }
    if (text_equal(key, "options")) {
        entry->options = value.at;
        return OK;
    }
    entry->kernel = entry->title = value.at;
    for (u32 i = 0; payload_protocols[i]; i++)
        if (text_equal(key, payload_protocols[i]->name))
            entry->protocol = payload_protocols[i];
    return OK;
}

static void run_go(struct prompt *p, const char *name, struct text rest)
{
    struct boot_entry *entry = arena_alloc(sizeof *entry, 8);
    char *copy = text_copy((struct text){plan, plan_length});
    struct text lines = {copy, plan_length}, key, value;
    enum error error = OK;
    (void)name, (void)rest;
    if (!entry || !copy) {
        prompt_error(p);
        return;
    }
    entry->id = "prompt";
    entry->options = "";
    entry->volume = p->volume;
    entry->config = "(prompt)";
    while (!error && plan_line(&lines, &key, &value)) {
        copy[value.at + value.len - copy] = 0;
        error = entry_line(entry, key, value);
    }
    if (!error && !entry->kernel)
        error = fail(ERR_NOT_FOUND, "nothing to boot yet; `linux PATH` or `pvh PATH` comes first");
    if (error) {
        prompt_error(p);
        return;
    }
    p->done = true;
    p->choice = (struct menu_choice){MENU_BOOT, entry, NULL};
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

static void run_help(struct prompt *p, const char *name, struct text rest);

/* arguments: those in brackets may be left out. */
static const struct command {
    const char *name, *arguments, *help;
    void (*run)(struct prompt *p, const char *name, struct text rest); /* NULL: there is only the choice */
    enum menu_action action;
} commands[] = {
    {"ls", "[PATH]", "a directory; without PATH, the volumes", run_ls, 0},
    {"cat", "PATH", "a file's text", run_cat, 0},
    {"volumes", "", "filesystems and what they are called", run_volumes, 0},
    {"volume", "NAME", "go to a volume: paths without \"(VOLUME)\" are on it", run_volume, 0},
    {"disks", "", "disks and their drivers", run_disks, 0},
    {"memory", "", "the machine's memory", run_memory, 0},
    {"log", "", "what has been said so far", run_log, 0},
    {"linux", "PATH [OPTIONS]", "the kernel to boot is this one", run_kernel, 0},
    {"pvh", "PATH [OPTIONS]", "the same for a kernel with a PVH entry", run_kernel, 0},
    {"initrd", "PATH...", "add initial ramdisks", run_initrd, 0},
    {"module", "PATH [TEXT]", "add a module with its text", run_module, 0},
    {"options", "TEXT", "the kernel's options are these", run_options, 0},
    {"show", "", "kernel, files and options so far", run_show, 0},
    {"clear", "[WHAT]", "forget them, or those of one command", run_clear, 0},
    {"go", "", "boot them", run_go, 0},
    {"boot", "PATH [OPTIONS]", "boot a kernel of any kind at once", run_kernel, 0},
    {"rescan", "", "look for disks and configs again", NULL, MENU_RESCAN},
    {"reboot", "", "reset the machine", NULL, MENU_REBOOT},
    {"poweroff", "", "switch the machine off", NULL, MENU_POWEROFF},
    {"menu", "", "back to the menu; Esc does it, too", NULL, MENU_BACK},
    {"exit", "", "the same", NULL, MENU_BACK},
    {"help", "[COMMAND]", "this list", run_help, 0},
};

const char *prompt_command(u32 i)
{
    return i < ARRAY_COUNT(commands) ? commands[i].name : NULL;
}

static const struct command *command_find(struct text name)
{
    for (u32 i = 0; i < ARRAY_COUNT(commands); i++)
        if (text_equal(name, commands[i].name))
            return &commands[i];
    return NULL;
}

static void show_help(struct prompt *p, const struct command *command)
{
    char usage[40];
    format_text(usage, sizeof usage, "%s %s", command->name, command->arguments);
    prompt_print(p, "  %-21s %s", usage, command->help);
}

static void unknown_command(struct prompt *p, struct text name)
{
    const char *names[ARRAY_COUNT(commands) + 1] = {NULL};
    for (u32 i = 0; i < ARRAY_COUNT(commands); i++)
        names[i] = commands[i].name;
    const char *near = did_you_mean(name, names);
    prompt_print(p, "unknown command \"%.100s\"%s", name.at, near[0] ? near : "; `help` lists those there are");
}

static void run_help(struct prompt *p, const char *name, struct text rest)
{
    (void)name;
    struct text which = prompt_word(&rest, &p->word);
    const struct command *command = command_find(which);
    if (command)
        show_help(p, command);
    else if (which.len)
        unknown_command(p, which);
    for (u32 i = 0; !which.len && i < ARRAY_COUNT(commands); i++)
        show_help(p, &commands[i]);
}

void prompt_execute(struct prompt *p, struct text line)
{
    u64 mark = arena_mark();
    struct text name = prompt_word(&line, &p->word);
    const struct command *command = command_find(name);
    bool needs = command && command->arguments[0] && command->arguments[0] != '[';
    if (!name.len)
        return;
    if (!command) {
        unknown_command(p, name);
    } else if (needs && !text_trim(line).len) {
        show_help(p, command);
    } else if (command->run) {
        command->run(p, command->name, line);
    } else {
        p->done = true;
        p->choice = (struct menu_choice){.action = command->action};
    }
    if (!p->done) /* an entry stays */
        arena_release(mark);
    error_clear();
}
