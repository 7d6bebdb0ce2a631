/* load.c: recognise → plan → claim → move what is in the way → read → prepare (payload.h).
 *
 * Every byte of a file moves once, from the disk to where the payload wants it. Modules that the loader happened to put
 * where the payload wants to be are moved away first, and only then.
 */
#include "compression.h"
#include "console.h"
#include "console_help.h"
#include "payload.h"
#include "io.h"
#include "print.h"
#include "tables.h"
#include "uki.h"

enum error placement_add(struct payload *payload, struct mem_space *space, const struct placement *placement,
                         bool claim)
{
    if (payload->placement_count == PLACEMENTS_MAX)
        return fail(ERR_UNSUPPORTED, "more than %u pieces to load", PLACEMENTS_MAX);
    if (claim) {
        enum error error = mem_claim(space, placement->dest, placement->mem_size, placement->what);
        if (error)
            return error;
    }
    payload->placement[payload->placement_count++] = *placement;
    return OK;
}

enum error placement_add_row(struct payload *payload, struct mem_space *space, const struct file *files, u32 count,
                             u64 base, const char *what)
{
    enum error error = OK;
    for (u32 i = 0; i < count && !error; i++) {
        const struct placement piece = {.from = &files[i], .file_size = files[i].size, .dest = base,
                                        .mem_size = align_up(files[i].size, 4), .what = what};
        error = placement_add(payload, space, &piece, false);
        base += piece.mem_size;
    }
    return error;
}

/* ---- the files of an entry -------------------------------------------------------------------------------------- */

static enum error open_named(const struct boot_entry *entry, const struct volume_list *volumes, struct text name,
                             struct file *file)
{
    enum error error = file_open_named(volumes, entry->volume, name, file);
    if (!error && file->volume && file->node.type != NODE_FILE)
        return fail(ERR_NOT_FOUND, "%s: not a file", file->path);
    return error;
}

static void open_module(const struct boot_info *boot, const struct module *module, struct file *file)
{
    const char *name = format_copy("(module%u)", (u32)(module - boot->module));
    file_of_memory(file, name ? name : "(module)", module->base, module->size);
}

bool module_is_kernel(const struct module *module)
{
    u32 len = (u32)min_u64(module->size, HEAD_SIZE);
    const u8 *head = mem_at(module->base, len);
    bool mine = false;
    for (u32 i = 0; payload_protocols[i] && !mine; i++)
        mine = payload_protocols[i]->recognise(head, len, module->size) != ERR_NOT_MINE;
    error_clear();
    return mine;
}

/* Contract §3: the non-kernel modules behind a kernel module are its initrds, but for volumes. (There is no config
 * among them, or config_read() would have made no entry of the kernel.) */
static enum error open_module_initrds(struct payload *p, const struct boot_info *boot,
                                      const struct volume_list *volumes)
{
    const struct module *end = boot->module + boot->module_count;
    for (const struct module *m = p->entry->kernel_module + 1; m < end && !module_is_kernel(m); m++) {
        bool volume = false;
        for (u32 i = 0; i < volumes->count; i++) {
            const struct volume *v = volumes->volume[i];
            volume |= v->disk->in_memory && v->disk->memory_base == m->base && (v->fs || v->number);
        }
        if (volume)
            continue;
        if (p->initrd_count == ENTRY_FILES_MAX)
            return fail(ERR_UNSUPPORTED, "more than %u initrds", ENTRY_FILES_MAX);
        open_module(boot, m, &p->initrd[p->initrd_count++]);
    }
    return OK;
}

static enum error open_files(struct payload *p, const struct volume_list *volumes, const struct boot_info *boot)
{
    const struct boot_entry *entry = p->entry;
    enum error error = OK;
    if (entry->kernel_module)
        open_module(boot, entry->kernel_module, &p->kernel);
    else
        error = open_named(entry, volumes, text_of(entry->kernel), &p->kernel);
    for (u32 i = 0; !error && i < entry->initrd_count; i++)
        error = open_named(entry, volumes, entry->initrd[i].path, &p->initrd[p->initrd_count++]);
    for (u32 i = 0; !error && i < entry->module_count; i++) {
        p->module_text[i] = text_copy(entry->module[i].text);
        if (!p->module_text[i])
            return ERR_NO_MEMORY;
        error = open_named(entry, volumes, entry->module[i].path, &p->module[p->module_count++]);
    }
    if (!error && entry->kernel_module)
        error = open_module_initrds(p, boot, volumes);
    return error;
}

/* own: what the kernel's container says where the entry says nothing. */
static const char *join_cmdline(const struct boot_entry *entry, struct text own, const struct arguments *arguments)
{
    struct text append = arguments->append, options = text_of(entry->options);
    if (!options.len)
        options = own;
    return format_copy("%.*s%s%.*s", (int)options.len, options.at, options.len && append.len ? " " : "",
                       (int)append.len, append.at);
}

/* Linux is told of a console where the user is, or the user of what it lacks. Many a machine has a screen that nobody
 * looks at: who types at the serial port is there. */
static enum error help_console(struct payload *p, const struct arguments *arguments)
{
    struct console_user user = {.screen = console_is_open("vga") || console_is_open("fb")};
    user.port = console_serial_port(&user.rate, &user.typed);
    const char *missing = strcmp(p->protocol->name, "linux") ? NULL : console_missing(p->cmdline, &user);
    if (missing && arguments->console_auto)
        p->cmdline = console_insert(p->cmdline, missing);
    else if (missing && user.port && (user.typed || !user.screen))
        warn("\"%s\" names no console that is here; to see Linux add %s to its options, or console=auto to the shim's",
             p->entry->id, missing);
    return p->cmdline ? OK : ERR_NO_MEMORY;
}

/* ---- recognise --------------------------------------------------------------------------------------------------- */

static enum error fail_unknown(const struct payload *p)
{
    static const char wanted[] = "expected a Linux bzImage or an ELF with a PVH note";
    const u8 *h = p->head;
    const char *compression = compression_name(h, p->head_size);
    if (compression)
        return fail(ERR_UNSUPPORTED, "%s compressed, %s", compression, wanted);
    if (p->head_size < 4)
        return fail(ERR_TRUNCATED, "%u bytes, %s", p->head_size, wanted);
    if (h[0] == 'M' && h[1] == 'Z')
        return fail(ERR_UNSUPPORTED, "an EFI program, %s", wanted);
    return fail(ERR_UNSUPPORTED, "starts with %02x %02x %02x %02x, %s", h[0], h[1], h[2], h[3], wanted);
}

/* A unified kernel image gives way to the kernel in it; its initrds go in front of the entry's. */
static enum error open_container(struct payload *p, const struct arguments *arguments)
{
    struct uki uki;
    struct text own = {0};
    enum error error = uki_open(&p->kernel, p->entry->profile, &uki);
    if (!error && !text_of(p->entry->options).len)
        error = uki_cmdline(&uki, &own);
    if (error)
        return error;
    const struct file *parts[] = {&uki.initrd, &uki.microcode};
    for (u32 i = 0; i < ARRAY_COUNT(parts); i++) {
        if (!parts[i]->size)
            continue;
        memmove(p->initrd + 1, p->initrd, p->initrd_count * sizeof *p->initrd);
        p->initrd[0] = *parts[i];
        p->initrd_count++;
    }
    p->kernel = uki.kernel;
    p->cmdline = join_cmdline(p->entry, own, arguments);
    return p->cmdline ? OK : ERR_NO_MEMORY;
}

static enum error read_head(struct payload *p)
{
    p->head_size = (u32)min_u64(p->kernel.size, HEAD_SIZE);
    return file_read(&p->kernel, 0, p->head_size, p->head);
}

static enum error recognise_file(struct payload *p)
{
    const struct payload_protocol *wanted = p->entry->protocol;
    enum error error = read_head(p);
    if (error)
        return error;
    for (u32 i = 0; payload_protocols[i]; i++) {
        error = payload_protocols[i]->recognise(p->head, p->head_size, p->kernel.size);
        if (error == ERR_NOT_MINE)
            continue;
        if (error)
            return error_add(error, "%s", p->kernel.path);
        if (wanted && wanted != payload_protocols[i])
            return fail(ERR_UNSUPPORTED, "%s: is for the key `%s`, expected one for `%s`", p->kernel.path,
                        payload_protocols[i]->name, wanted->name);
        p->protocol = payload_protocols[i];
        return OK;
    }
    return ERR_NOT_MINE;
}

/* Most kernels are no containers: it is looked for only in what is nothing else. */
static enum error recognise(struct payload *p, const struct arguments *arguments)
{
    p->head = arena_reserve(HEAD_SIZE, 16);
    if (!p->head)
        return ERR_NO_MEMORY;
    enum error error = recognise_file(p);
    if (error != ERR_NOT_MINE)
        return error;
    error = open_container(p, arguments);
    if (!error)
        error = recognise_file(p);
    return error == ERR_NOT_MINE ? error_add(fail_unknown(p), "%s", p->kernel.path) : error;
}

/* ---- plan and claims --------------------------------------------------------------------------------------------- */

static const char *module_owner(u32 i)
{
    static char names[MODULES_MAX][12];
    if (!names[i][0])
        format_text(names[i], sizeof names[i], "module %u", i);
    return names[i];
}

static enum error plan_with(struct payload *p, struct mem_space *space, const struct boot_info *boot,
                            const struct mem_range *keep, bool claim_modules)
{
    space->map = &boot->memory;
    space->count = 0;
    p->placement_count = 0;
    struct mem_range disks = disks_kept();
    enum error error = mem_claim_force(space, keep->base, keep->size, keep->owner);
    if (!error)
        error = mem_claim_force(space, disks.base, disks.size, disks.owner);
    for (u32 i = 0; !error && claim_modules && i < boot->module_count; i++)
        error = mem_claim_force(space, boot->module[i].base, boot->module[i].size, module_owner(i));
    return error ? error : p->protocol->plan(p, space);
}

/* The pieces of the payload that come from module memory follow a move of it. */
static void follow_move(struct file *file, u64 from, u64 size, u64 to)
{
    if (!file->volume && file->memory >= from && file->memory - from < size)
        file->memory = to + (file->memory - from);
}

static enum error module_move(struct payload *p, struct mem_space *space, struct boot_info *boot, u32 index,
                              const struct volume_list *volumes)
{
    struct module *m = &boot->module[index];
    u64 from = m->base, to;
    enum error error = mem_place(space, m->size, PAGE_SIZE, MIB(1), ~0ull, MEM_FROM_TOP, module_owner(index), &to);
    if (!error)
        error = paging_map(to, m->size);
    if (error)
        return error;
    memmove(mem_at(to, m->size), mem_at(from, m->size), m->size);
    say_verbose("module %u moved from %lx to %lx to make room", index, from, to);
    m->base = to;
    for (u32 i = 0; i < volumes->count; i++) {
        struct block_device *disk = volumes->volume[i]->disk;
        if (disk->in_memory && disk->memory_base == from)
            disk->memory_base = to;
    }
    follow_move(&p->kernel, from, m->size, to);
    for (u32 i = 0; i < p->initrd_count; i++)
        follow_move(&p->initrd[i], from, m->size, to);
    for (u32 i = 0; i < p->module_count; i++)
        follow_move(&p->module[i], from, m->size, to);
    return OK;
}

/* Move every module that the claims of a plan made without modules overlap; the others are claimed where they are
 * first, and so is where the moving ones stand now: a copy must not run over a module that waits for its own move. */
static enum error modules_give_way(struct payload *p, struct mem_space *space, struct boot_info *boot,
                                   const struct volume_list *volumes)
{
    u32 planned = space->count;
    enum error error = OK;
    for (u32 i = 0; !error && i < boot->module_count; i++)
        error = mem_claim_force(space, boot->module[i].base, boot->module[i].size, module_owner(i));
    for (u32 i = 0; !error && i < boot->module_count; i++) {
        u32 all = space->count;
        space->count = planned;
        bool in_the_way = mem_claim_find(space, boot->module[i].base, boot->module[i].size);
        space->count = all;
        if (in_the_way)
            error = module_move(p, space, boot, i, volumes);
    }
    return error;
}

/* All that is claimed can be reached, by us and by a kernel that is entered in long mode (boot.rst). */
static enum error map_claims(const struct mem_space *space)
{
    enum error error = OK;
    for (u32 i = 0; !error && i < space->count; i++)
        error = paging_map(space->claim[i].base, space->claim[i].size);
    return error;
}

static enum error plan(struct payload *p, struct boot_info *boot, const struct volume_list *volumes,
                       const struct mem_range *keep)
{
    struct mem_space *space = arena_alloc(sizeof *space, 8);
    if (!space)
        return ERR_NO_MEMORY;
    enum error error = plan_with(p, space, boot, keep, true);
    if ((error == ERR_CONFLICT || error == ERR_NO_MEMORY) && boot->module_count) {
        error = plan_with(p, space, boot, keep, false);
        if (!error)
            error = modules_give_way(p, space, boot, volumes);
    }
    if (!error)
        error = map_claims(space);
    return error ? error_add(error, "%s", p->kernel.path) : OK;
}

/* ---- read -------------------------------------------------------------------------------------------------------- */

struct meter {
    struct block_stats before;
    u64 ticks;
};

static void meter_start(struct meter *meter, const struct file *file)
{
    if (file->volume)
        meter->before = file->volume->disk->stats;
    meter->ticks = cpu_ticks();
}

/* Contract §2: `loaded N MiB in M requests, B bytes bounced, T ms`. */
static void meter_show(const struct meter *meter, const struct file *file, u64 size)
{
    if (log_level < LOG_VERBOSE)
        return;
    struct block_stats now = {0};
    if (file->volume)
        now = file->volume->disk->stats;
    u64 tenths = (size * 10 + MIB(1) / 2) >> 20;
    say_verbose("%s: loaded %lu.%lu MiB in %lu requests, %lu bytes bounced, %lu ms", file->path, tenths / 10,
                tenths % 10, now.requests - meter->before.requests, now.bounced - meter->before.bounced,
                (cpu_ticks() - meter->ticks) / clock_ticks_per_ms());
}

static enum error read_placement(const struct placement *p)
{
    struct meter meter = {0};
    u8 *dest = mem_at(p->dest, p->mem_size);
    if (p->from) {
        meter_start(&meter, p->from);
        enum error error = file_read(p->from, p->file_offset, p->file_size, dest);
        if (error)
            return error;
        meter_show(&meter, p->from, p->file_size);
    }
    u64 loaded = p->from ? p->file_size : 0;
    memset(dest + loaded, 0, p->mem_size - loaded);
    return OK;
}

static enum error read_all(const struct payload *p)
{
    for (u32 i = 0; i < p->placement_count; i++) {
        enum error error = read_placement(&p->placement[i]);
        if (error)
            return error;
    }
    return OK;
}

struct payload *payload_load(const struct boot_entry *entry, const struct volume_list *volumes, struct boot_info *boot,
                             const struct arguments *arguments, const struct mem_range *keep)
{
    u64 mark = arena_mark();
    struct payload *p = arena_alloc(sizeof *p, 16);
    if (!p)
        return NULL;
    p->entry = entry;
    p->cmdline = join_cmdline(entry, (struct text){0}, arguments);
    enum error error = p->cmdline ? open_files(p, volumes, boot) : ERR_NO_MEMORY;
    if (!error)
        error = recognise(p, arguments);
    if (!error)
        error = help_console(p, arguments);
    if (!error)
        error = plan(p, boot, volumes, keep);
    if (!error)
        error = read_all(p);
    if (!error) {
        error = p->protocol->prepare(p, boot);
        if (error)
            error_add(error, "%s", p->kernel.path);
    }
    if (error) {
        arena_release(mark);
        return NULL;
    }
    return p;
}
