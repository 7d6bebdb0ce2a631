/* fuzz_menu.c: the bytes make a config of entries, submenus and headings, and type into its menu: it ends in a choice
 * that can be booted, whatever was typed. When the bytes are used up, Esc and `r` in turn leave what is open.
 */
#include "host.h"

#include "menu.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define TICKS_PER_MS 1000000u
#define PAUSE 0xf8u /* this and greater bytes are pauses */

static struct {
    const u8 *at, *end;
    u64 wait; /* host_ticks: nothing is typed before */
    u32 after; /* keys typed behind the last byte */
    u8 lcr, ier, scratch;
} typist;

static bool typed(void)
{
    while (typist.at < typist.end && *typist.at >= PAUSE && host_ticks >= typist.wait)
        typist.wait = host_ticks + (u64)(*typist.at++ - PAUSE + 1) * 300 * TICKS_PER_MS;
    return host_ticks >= typist.wait;
}

static u8 next_key(void)
{
    if (typist.at < typist.end)
        return *typist.at++;
    typist.wait = host_ticks + (u64)200 * TICKS_PER_MS;
    if (typist.after > 1000)
        panic("the menu does not end");
    return typist.after++ & 1 ? 'r' : 0x1b;
}

static u32 port_in(u16 port, u32 width)
{
    (void)width;
    switch (port) {
    case 0x3f8:
        return typist.lcr & 0x80 ? 1 : typed() ? next_key() : 0;
    case 0x3f9:
        return typist.lcr & 0x80 ? 0 : typist.ier;
    case 0x3fa:
        return 0xc1;
    case 0x3fb:
        return typist.lcr;
    case 0x3fd:
        return 0x60u | typed();
    case 0x3ff:
        return typist.scratch;
    }
    return 0xff;
}

static void port_out(u16 port, u32 value, u32 width)
{
    (void)width;
    if (port == 0x3f9 && !(typist.lcr & 0x80))
        typist.ier = (u8)value;
    else if (port == 0x3fb)
        typist.lcr = (u8)value;
    else if (port == 0x3ff)
        typist.scratch = (u8)value;
}

/* Waiting is quick. */
static void relax(void)
{
    host_ticks += 19 * TICKS_PER_MS;
}

static struct config config;

/* kind; parent: none, the last submenu, the one before; disabled, counted, with a hotkey, with a long title */
static void add_entry(u8 byte, const struct boot_entry **submenus)
{
    static const struct config_file no_file;
    static const char *const titles[] = {"Debian", "debian \xc3\xa4 6.1", "", "\xff\xe6\xbc\xa2"};
    struct boot_entry *entry = config_entry_add(&config, &no_file, text_of("x"));
    if (!entry)
        return;
    entry->kind = (enum entry_kind)(byte & 3);
    entry->parent = byte & 4 ? submenus[byte >> 3 & 1] : NULL;
    entry->disabled = byte & 16 ? "it is disabled" : NULL;
    entry->counted = byte & 32;
    entry->tries_left = byte;
    entry->hotkey = byte & 64 ? 'a' + (byte & 15) : 0;
    entry->title = titles[byte >> 2 & 3];
    entry->help = byte & 64 ? "one\n\ntwo" : NULL;
    if (byte & 128)
        entry->title = format_copy("%0300u%s", byte, entry->title);
    if (entry->kind == ENTRY_SUBMENU) {
        submenus[1] = submenus[0];
        submenus[0] = entry;
    }
}

static struct boot_entry *pick(u8 byte)
{
    return config.entry_count && byte & 1 ? config.entry[byte / 2 % config.entry_count] : NULL;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static const u32 countdowns[] = {0, 1, 3, TIMEOUT_NONE};
    static const struct boot_info boot;
    static const struct disk_list disks;
    static const struct volume_list volumes;
    const struct boot_entry *submenus[2] = {NULL, NULL};
    if (size < 6 || size > 600)
        return 0;
    host_reset();
    memset(&config, 0, sizeof config);
    u32 count = data[5] < 250 ? data[5] % 40 : ENTRIES_MAX;
    for (u32 i = 0; i < count; i++)
        add_entry(6 + i % 64 < size ? data[6 + i % 64] : 0, submenus);
    config.default_entry = pick(data[0]);
    config.fallback_entry = pick(data[1]);
    config.timeout_entry = pick(data[2]);
    config.locked = data[3] & 1;
    config.hidden = data[3] & 2;
    config.title = data[3] & 4 ? "A title of its own" : NULL;
    if (data[3] & 8)
        say_error("%0700u", (u32)size);
    host_machine.in = port_in;
    host_machine.out = port_out;
    host_machine.relax = relax;
    memset(&typist, 0, sizeof typist);
    consoles_open(&boot, text_of("serial"));
    typist.at = data + 6;
    typist.end = data + size;
    struct arguments arguments = {.timeout = 0};
    const struct session session = {&boot, &arguments, &disks, &volumes, &config};
    struct menu_choice choice = menu_choose(&session, pick(data[4]), countdowns[data[3] >> 4 & 3]);
    if ((choice.action == MENU_BOOT) != (choice.entry != NULL))
        panic("action %u, entry %s", (u32)choice.action, choice.entry ? choice.entry->id : "none");
    if (choice.entry && choice.entry->kind != ENTRY_BOOT)
        panic("row of kind %u booted", (u32)choice.entry->kind);
    if (choice.action == MENU_PROMPT && config.locked)
        panic("the prompt is locked");
    return 0;
}
