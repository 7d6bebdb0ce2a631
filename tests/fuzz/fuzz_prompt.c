/* fuzz_prompt.c: the bytes are typed at the rescue prompt of a machine with two small volumes, behind `clear`; FFh is a
 * pause. Whatever they are, every entry that comes out is whole, nothing but text is sent to the terminal
 * (fake_terminal.c aborts), and Escapes lead back to the menu.
 */
#include "host.h"

#include "fake_terminal.h"
#include "fake_tree.h"
#include "menu.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static const struct fake_file root_files[] = {
    {"/boot", NODE_DIR, NULL},
    {"/boot/vmlinuz-6.1", NODE_FILE, "kernel"},
    {"/boot/initrd 6.1", NODE_FILE, "a\tb\r\n\n\033[2J\xc3\xa9\xff\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n"
                                    "13\n14\n15\n16\n17\n18\n19\n20\n21\n22\n23\n24\n25\n26\n27\n28"},
    {"/boot/\xc3\xa9\xff\033\"\\(", NODE_FILE, ""},
    {"/vmlinuz", NODE_SYMLINK, "boot/vmlinuz-6.1"},
    {"/loop", NODE_SYMLINK, "loop"},
    {"/fifo", NODE_OTHER, NULL},
    {"/many", NODE_DIR, NULL},
    {NULL, 0, NULL},
};
static const struct fake_file esp_files[] = {
    {"/EFI", NODE_DIR, NULL},
    {"/EFI/a.efi", NODE_FILE, "kernel"},
    {NULL, 0, NULL},
};

static void check_files(const struct entry_file *files, u32 count)
{
    if (count > ENTRY_FILES_MAX)
        panic("%u files", count);
    for (u32 i = 0; i < count; i++)
        if (!text_starts(files[i].path, "(") || !text_copy(files[i].path) || !text_copy(files[i].text))
            panic("file %u has no path", i);
}

static void check_entry(const struct boot_entry *entry)
{
    if (strcmp(entry->id, "prompt") || !entry->title[0] || !text_starts(text_of(entry->kernel), "("))
        panic("an entry without id, title or kernel");
    if (!entry->options || strchr(entry->options, '\n') || entry->disabled || entry->kind != ENTRY_BOOT)
        panic("options of two lines, or an entry that cannot be booted");
    check_files(entry->initrd, entry->initrd_count);
    check_files(entry->module, entry->module_count);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static struct boot_info boot;
    static struct arguments arguments;
    static struct disk_list disks;
    static struct volume_list volumes;
    static struct config config;
    static const struct session session = {&boot, &arguments, &disks, &volumes, &config};
    static u8 keys[8192];
    if (size > sizeof keys - 6)
        return 0;
    host_reset();
    memset(&boot.memory, 0, sizeof boot.memory);
    mem_map_add(&boot.memory, 0, MIB(256), MEM_USABLE);
    volumes.count = 2;
    volumes.volume[0] = fake_tree("vda1", root_files, false, 300);
    volumes.volume[1] = fake_tree("vda2", esp_files, true, 0);
    disks.count = 1;
    disks.disk[0] = volumes.volume[0]->disk;
    terminal_open();
    memcpy(keys, "clear\r", 6);
    memcpy(keys + 6, data, size);
    terminal_type(keys, size + 6, "\033");
    do {
        u64 mark = arena_mark();
        struct menu_choice choice = prompt_run(&session);
        if (choice.action == MENU_PROMPT || (choice.action == MENU_BOOT) != !!choice.entry)
            panic("choice %u", choice.action);
        if (choice.entry)
            check_entry(choice.entry);
        else if (arena_mark() != mark)
            panic("%lu bytes of the arena are kept", arena_mark() - mark);
        if (error_text()[0])
            panic("a trail was left: %s", error_text());
    } while (terminal_left());
    return 0;
}
