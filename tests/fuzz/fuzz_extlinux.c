/* fuzz_extlinux.c: the bytes are a syslinux.cfg and, behind lines of `@`, files a, b, c, d beside it. Whatever they
 * are, the entries that come out are whole. */
#include <stdlib.h>

#include "host.h"
#include "toy.h"

#include "config.h"

extern const struct config_dialect config_extlinux;
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static u32 index_of(const struct config *config, const struct boot_entry *entry)
{
    u32 i = 0;
    while (i < config->entry_count && config->entry[i] != entry)
        i++;
    return i;
}

static void check_entry(const struct config *config, u32 i)
{
    const struct boot_entry *entry = config->entry[i];
    if (entry->kind == ENTRY_SEPARATOR)
        return;
    if (!entry->id || !entry->title || !entry->title[0] || !entry->options || !entry->line)
        panic("entry without id, title, options or line");
    if (entry->parent && (index_of(config, entry->parent) >= i || entry->parent->kind != ENTRY_SUBMENU))
        panic("entry %s before its submenu", entry->id);
    if (entry->kind == ENTRY_BOOT && !entry->disabled && (!entry->kernel || entry->kernel[0] != '/'))
        panic("entry %s cannot be booted and is not disabled", entry->id);
    if (strchr(entry->options, '\n') || strchr(entry->title, '\n'))
        panic("entry %s: two lines", entry->id);
    if (entry->initrd_count > ENTRY_FILES_MAX)
        panic("%u initrds", entry->initrd_count);
    for (u32 n = 0; n < entry->initrd_count; n++)
        if (!entry->initrd[n].path.len || entry->initrd[n].path.at[0] != '/')
            panic("initrd %u has no path", n);
}

static const char *split(const char *text, const char *end)
{
    while (text < end && !(*text == '@' && text[1] == '\n'))
        text++;
    return text;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static const char *const names[] = {"/d/main", "/d/a", "/d/b", "/d/c", "/d/d"};
    static struct config config;
    struct toy files[ARRAY_COUNT(names) + 1] = {0};
    if (size > KIB(64))
        return 0;
    static char text[KIB(64) + 2]; /* with what split() looks at behind it */
    const char *end = text + size;
    memcpy(text, data, size);
    text[size] = 0;
    u32 count = 0;
    for (const char *at = text; count < ARRAY_COUNT(names); count++) {
        const char *next = split(at, end);
        files[count] = (struct toy){1, names[count], next > at ? at : "", (u32)(next - at), false};
        if (next >= end)
            at = end;
        else
            at = next + 2;
    }
    toy_machine(files);
    log_level = LOG_QUIET;
    memset(&config, 0, sizeof config);
    config.timeout = TIMEOUT_UNSET;
    char *copy = arena_alloc(files[0].size, 1);
    memcpy(copy, files[0].content, files[0].size);
    const struct config_file file = {.home = toy_volumes.volume[0], .name = "(vda1)/d/main",
                                     .path = text_of("/d/main"), .text = {copy, files[0].size}};
    if (config_extlinux.parse(&config, &file))
        panic("parse failed: %s", error_text());
    if (error_text()[0])
        panic("a trail was left: %s", error_text());
    if (config.entry_count > ENTRIES_MAX)
        panic("%u entries", config.entry_count);
    for (u32 i = 0; i < config.entry_count; i++)
        check_entry(&config, i);
    if (config.default_entry && index_of(&config, config.default_entry) == config.entry_count)
        panic("default is no entry");
    return 0;
}
