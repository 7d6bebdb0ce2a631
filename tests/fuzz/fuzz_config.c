/* fuzz_config.c: the bytes are a shim.cfg. Whatever they are, the entries that come out are whole. */
#include "host.h"

#include "config.h"

extern const struct config_dialect config_shim;
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void check_files(const struct entry_file *files, u32 count)
{
    if (count > ENTRY_FILES_MAX)
        panic("%u files", count);
    for (u32 i = 0; i < count; i++)
        if (!files[i].path.len || !strchr("/(", files[i].path.at[0]) || !text_copy(files[i].text))
            panic("file %u has no path", i);
}

static void check_entry(const struct config *config, const struct boot_entry *entry)
{
    if (!entry->id[0] || !entry->title[0] || !entry->options || !entry->line)
        panic("entry without id, title, options or line");
    if (config_find(config, text_of(entry->id)) != entry)
        panic("two entries %s", entry->id);
    if (!entry->disabled && (!entry->kernel || !entry->kernel[0] || !entry->protocol))
        panic("entry %s cannot be booted and is not disabled", entry->id);
    if (text_trim(text_of(entry->title)).len != strlen(entry->title) || strchr(entry->options, '\n'))
        panic("entry %s: blanks at the ends of its title, or options of two lines", entry->id);
    check_files(entry->initrd, entry->initrd_count);
    check_files(entry->module, entry->module_count);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static struct config config;
    host_reset();
    log_level = LOG_QUIET;
    if (size > CONFIG_SIZE_MAX)
        return 0;
    memset(&config, 0, sizeof config);
    config.timeout = TIMEOUT_UNSET;
    char *text = arena_alloc(size, 1);
    memcpy(text, data, size);
    const struct config_file file = {.name = "(vda1)/shim.cfg", .text = {text, (u32)size}};
    if (config_shim.parse(&config, &file))
        panic("parse failed: %s", error_text());
    if (error_text()[0])
        panic("a trail was left: %s", error_text());
    if (config.entry_count > ENTRIES_MAX)
        panic("%u entries", config.entry_count);
    for (u32 i = 0; i < config.entry_count; i++)
        check_entry(&config, config.entry[i]);
    if ((config.default_entry && config_find(&config, text_of(config.default_entry->id)) != config.default_entry) ||
        (config.fallback_entry && config.fallback_entry->disabled))
        panic("default is no entry, or the fallback cannot be booted");
    return 0;
}
