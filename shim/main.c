/* main.c: the story.
 *
 *     entry → boot_info → devices → volumes → config → menu → load → handoff
 *
 * Values flow from top to bottom; nothing calls back.
 */
#include "boot_info.h"
#include "config.h"
#include "console.h"
#include "cpu.h"
#include "fw_cfg.h"
#include "handoff.h"
#include "late.h"
#include "menu.h"
#include "payload.h"
#include "print.h"
#include "start.h"

struct boot_info boot;
static struct arguments arguments;

#define HOST_ARGUMENTS_MAX 65536u

/* The host's words first: those of the loader's command line are nearer to the user and win. */
static void read_arguments(const char *of_host)
{
    arguments_read(&arguments, of_host);
    arguments_add(&arguments, boot.cmdline);
}

/* The consoles are among the arguments, and complaints about arguments belong behind the first line: so the arguments
 * are read twice, the first time in silence. */
static void start_log(void)
{
    const char *of_host;
    u32 size;
    enum error error = fw_cfg_read(FW_CFG_ARGUMENTS, HOST_ARGUMENTS_MAX, &of_host, &size);
    if (error)
        of_host = "";
    u64 mark = arena_mark();
    log_level = LOG_SILENT;
    read_arguments(of_host);
    log_level = arguments.quiet ? LOG_QUIET : arguments.verbose ? LOG_VERBOSE : LOG_NORMAL;
    consoles_open(&boot, arguments.console);
    say("%s entered by %s from \"%s\"", SHIM_VERSION, boot.door, boot.loader);
    if (boot.problem)
        warn("boot record: %s", boot.problem);
    if (boot.memory.dropped)
        warn("%u memory ranges do not fit the map and are left out", boot.memory.dropped);
    if (error && error != ERR_NOT_FOUND)
        error_show();
    if (log_level != LOG_QUIET) {
        arena_release(mark);
        read_arguments(of_host);
    }
}

/* RAM above 4 GiB becomes reachable. What the processor cannot address is not used; what takes too many page tables
 * stays in the map, and load.c maps what it needs of it. A module out of reach keeps its number and is empty. */
static void map_memory(void)
{
    struct mem_map *map = &boot.memory;
    for (u32 i = map->count; i-- > 0;) {
        struct mem_range r = map->range[i];
        /* What is only reserved may be terabytes, and holds nothing for us. */
        bool holds_data = r.type == MEM_USABLE || r.type == MEM_ACPI || r.type == MEM_NVS;
        if (holds_data && paging_map(r.base, r.size) == ERR_RANGE && r.type == MEM_USABLE) {
            error_show();
            mem_map_cut_usable(map, r.base, r.size);
        }
        error_clear();
    }
    for (u32 i = 0; i < boot.module_count; i++)
        if (paging_map(boot.module[i].base, boot.module[i].size)) {
            error_show();
            boot.module[i].size = 0;
        }
}

void payload_enter(const struct payload *payload, struct disk_list *disks)
{
    say("booting \"%s\" by %s", payload->entry->id, payload->mode_name);
    disks_quiesce(disks);
    console_leave();
    switch (payload->mode) {
    case HANDOFF_PVH:
        handoff_32((u32)payload->entry_point, (u32)payload->record, 0);
    case HANDOFF_LINUX32:
        handoff_32((u32)payload->entry_point, 0, (u32)payload->record);
    case HANDOFF_LINUX64:
        handoff_64(payload->entry_point, payload->record);
    case HANDOFF_REAL:
        handoff_real((u32)payload->record >> 4, (u32)payload->own_stack);
    }
    panic("payload %s has no way in", payload->mode_name);
}

/* Boot entry, then the fallback (NULL: none); comes back only when neither can be loaded. */
static void boot_entry(const struct boot_entry *entry, const struct boot_entry *fallback,
                       const struct volume_list *volumes, struct disk_list *disks, const struct mem_range *keep)
{
    for (;;) {
        struct payload *payload = payload_load(entry, volumes, &boot, &arguments, keep);
        if (payload)
            payload_enter(payload, disks);
        error_show();
        if (!fallback || fallback == entry)
            return;
        say("falling back to \"%s\"", fallback->id);
        entry = fallback;
    }
}

static u32 first_countdown(const struct config *config)
{
    u32 timeout = arguments.timeout != TIMEOUT_UNSET ? arguments.timeout : config->timeout;
    return timeout == TIMEOUT_UNSET ? TIMEOUT_DEFAULT : timeout;
}

/* What is booted without a menu: nothing is waited for, and nobody presses a key. NULL: it is for the menu to decide,
 * which is unpacked only then. */
static const struct boot_entry *entry_at_once(const struct config *config, u32 *countdown)
{
    const struct boot_entry *entry = config->default_entry;
    for (u32 i = 0; i < config->entry_count && !entry; i++)
        if (config->entry[i]->kind == ENTRY_BOOT && !config->entry[i]->parent && !config->entry[i]->disabled)
            entry = config->entry[i];
    if (*countdown || !entry || entry->disabled || config->timeout_entry)
        return NULL;
    if (console_key() == KEY_NONE)
        return entry;
    *countdown = TIMEOUT_NONE;
    return NULL;
}

/* One look at all disks, and choices until the user wants another look. */
static void boot_from_disks(const struct mem_range *keep, bool again)
{
    struct disk_list *disks = arena_alloc(sizeof *disks, 8);
    struct volume_list *volumes = arena_alloc(sizeof *volumes, 8);
    struct config *config = arena_alloc(sizeof *config, 8);
    if (!disks || !volumes || !config)
        panic("no memory for the lists of disks, volumes and entries");
    disks_probe(&boot, disks);
    volumes_scan(disks, volumes);
    config_read(config, volumes, &boot, &arguments);
    const struct session session = {&boot, &arguments, disks, volumes, config};
    const struct boot_entry *entry = config->default_entry;
    u32 countdown = again ? TIMEOUT_NONE : first_countdown(config); /* a key stops it, that for a rescan, too */
    for (u64 mark = arena_mark();; arena_release(mark)) { /* what was made for one boot goes with it */
        const struct boot_entry *at_once = entry_at_once(config, &countdown);
        struct menu_choice choice = {MENU_BOOT, at_once, at_once};
        if (!at_once) {
            late_load();
            choice = menu_choose(&session, entry, countdown);
        }
        const struct boot_entry *fallback = config->fallback_entry;
        countdown = TIMEOUT_NONE;
        if (choice.action == MENU_BOOT)
            entry = choice.origin; /* what failed stays highlighted */
        while (choice.action == MENU_PROMPT) { /* until something boots: what has been typed is kept there */
            choice = prompt_run(&session);
            fallback = NULL;
            if (choice.action == MENU_BOOT) {
                boot_entry(choice.entry, NULL, volumes, disks, keep);
                arena_release(mark);
                choice.action = MENU_PROMPT;
            }
        }
        if (choice.action == MENU_REBOOT)
            machine_reboot();
        if (choice.action == MENU_POWEROFF)
            machine_poweroff(boot.rsdp);
        if (choice.action == MENU_RESCAN) {
            disks_quiesce(disks);
            return;
        }
        if (choice.action == MENU_BOOT)
            boot_entry(choice.entry, fallback, volumes, disks, keep);
    }
}

void shim_main(u32 door, u64 record, const struct start_place *place)
{
    const struct mem_range keep = {.base = place->base, .size = place->size, .owner = "shim"};
    boot_info_read(&boot, door, record);
    start_log();
    if (!boot.rsdp)
        boot.rsdp = arguments.rsdp;
    map_memory();
    for (bool again = false;; again = true) {
        u64 mark = arena_mark();
        boot_from_disks(&keep, again);
        arena_release(mark);
    }
}
