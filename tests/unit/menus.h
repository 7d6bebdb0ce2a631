/* menus.h: a config in front of a terminal; behind cmocka.h and host.h. */
#ifndef MENUS_H
#define MENUS_H

#include "menu.h"
#include "terminal.h"

static struct config config;
static struct arguments arguments;
static const struct config_file no_file;

/* A terminal, and a config of so many entries. */
__attribute__((unused)) static void machine(u32 entries)
{
    host_reset();
    memset(&config, 0, sizeof config);
    memset(&arguments, 0, sizeof arguments);
    terminal_begin();
    config.name = "(vda1)/boot/shim.cfg";
    for (u32 i = 0; i < entries; i++)
        config_entry_add(&config, &no_file, text_of(format_copy("e%u", i + 1)))->title =
            format_copy("Title of %u", i + 1);
    terminal.sent = 0;
}

/* One more at the end of the config. */
__attribute__((unused)) static struct boot_entry *add(enum entry_kind kind, const struct boot_entry *parent,
                                                      const char *title)
{
    struct boot_entry *entry = config_entry_add(&config, &no_file, text_of(title));
    entry->kind = kind;
    entry->parent = parent;
    return entry;
}

/* What is chosen by what the script types. */
__attribute__((unused)) static struct menu_choice choose(const struct boot_entry *chosen, u32 countdown)
{
    script.start = host_ticks;
    static const struct boot_info boot;
    static const struct disk_list disks;
    static const struct volume_list volumes;
    const struct session session = {&boot, &arguments, &disks, &volumes, &config};
    struct menu_choice choice = menu_choose(&session, chosen, countdown);
    assert_false(terminal.hidden);
    assert_int_equal(terminal.length, 0);
    return choice;
}

#endif
