/* fuzz_grub.c: the bytes are a grub.cfg and, behind the bytes 00, the files it may read: custom.cfg, grubenv and a
 * config on another volume. Whatever they are, the entries that come out are whole, and it ends. */
#include <stdlib.h>

#include "host.h"

#include "config.h"
#include "grub.h"
#include "grub_tree.h"

extern const struct config_dialect config_grub;
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void check_entry(const struct config *config, u32 i)
{
    const struct boot_entry *entry = config->entry[i];
    bool known = !entry->parent;
    if (!entry->id || !entry->title || !entry->title[0] || !entry->options || !entry->line || !entry->config)
        panic("entry without title, options, line or file");
    if (entry->kind != ENTRY_BOOT && entry->kind != ENTRY_SUBMENU)
        panic("entry of kind %u", entry->kind);
    for (const char *p = entry->title; *p; p++)
        if ((u8)*p < ' ')
            panic("a control character in a title");
    for (u32 n = 0; n < i; n++)
        known |= config->entry[n] == entry->parent && entry->parent->kind == ENTRY_SUBMENU;
    if (!known)
        panic("entry %s: its parent is no submenu before it", entry->id);
    if (entry->kind == ENTRY_BOOT && !entry->disabled && (!entry->kernel || entry->kernel[0] != '/' || !entry->volume))
        panic("entry %s cannot be booted and is not disabled", entry->id);
    if (entry->initrd_count > ENTRY_FILES_MAX)
        panic("%u files", entry->initrd_count);
    for (u32 n = 0; n < entry->initrd_count; n++)
        if (!text_copy(entry->initrd[n].path) || (!entry->disabled && !strchr("/(", entry->initrd[n].path.at[0])))
            panic("file %u has no path", n);
}

/* The next part, up to a byte 00 or the end. */
static const char *next_part(const char **rest, const char *end)
{
    const char *part = *rest;
    size_t length = strlen(part);
    *rest = part + length < end ? part + length + 1 : end;
    return part;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static struct config config;
    static struct variables variables;
    if (size > KIB(64))
        return 0;
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = 0;
    const char *rest = text, *end = text + size;
    const struct tree_file files[] = {
        {2, "/boot/grub/grub.cfg", next_part(&rest, end)}, {2, "/boot/grub/custom.cfg", next_part(&rest, end)},
        {2, "/boot/grub/grubenv", next_part(&rest, end)},  {1, "/grub.cfg", next_part(&rest, end)},
        {1, "/vmlinuz", "x"},                              {0, NULL, NULL},
    };
    host_reset();
    log_level = LOG_QUIET;
    tree_make(files);
    memset(&config, 0, sizeof config);
    config.timeout = TIMEOUT_UNSET;
    const struct config_file file = {.volumes = &tree_volumes, .home = tree_volumes.volume[1],
                                     .name = "(vda2)/boot/grub/grub.cfg", .path = text_of("/boot/grub/grub.cfg"),
                                     .text = text_of(files[0].content)};
    if (config_grub.parse(&config, &file))
        panic("parse failed: %s", error_text());
    if (error_text()[0])
        panic("a trail was left: %s", error_text());
    for (u32 i = 0; i < config.entry_count; i++)
        check_entry(&config, i);
    if ((config.default_entry && config.default_entry->kind != ENTRY_BOOT) ||
        (config.fallback_entry && config.fallback_entry->kind != ENTRY_BOOT))
        panic("the default or the fallback is a submenu");
    if (size < KIB(4)) {
        memset(&variables, 0, sizeof variables);
        if (grub_variables(&tree_volumes, tree_volumes.volume[1], &variables) || variables.count > VARIABLES_MAX)
            panic("no variables");
    }
    free(text);
    return 0;
}
