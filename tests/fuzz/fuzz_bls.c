/* fuzz_bls.c: the bytes are a directory: a flag byte, then files, each a byte for where it is, a name up to a LF, and a
 * content up to a NUL. Whatever they are, the entries that come out are whole, in order, and none is lost. */
#include "host.h"

#include "bls.h"
#include "toy.h"

#define FILES_MAX 12u
#define SIZE_MAX_BYTES 65536u

extern const struct config_dialect config_bls;
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static struct toy files[FILES_MAX + 1];
static char paths[FILES_MAX][300], contents[SIZE_MAX_BYTES + FILES_MAX + 1];

/* Names of files become paths that the toy filesystem can hold. */
static bool make_path(char *path, u32 where, const char *name, u32 len)
{
    static const char *const places[] = {"/loader/entries/", "/boot/loader/entries/", "/EFI/Linux/", "/loader/",
                                         "/grub2/", "/EFI/x/", "/", "/boot/"};
    if (!len || len > 255 || memchr(name, '/', len) || name[0] == '.')
        return false;
    for (u32 i = 0; i < len; i++)
        if ((u8)name[i] < ' ') /* NUL; and a name of two lines would make such a title, which is the menu's business */
            return false;
    snprintf(path, sizeof paths[0], "%s%.*s", places[where % ARRAY_COUNT(places)], (int)len, name);
    return true;
}

static void take_files(const char *data, size_t size)
{
    u32 count = 0;
    char *content = contents;
    memset(files, 0, sizeof files);
    while (size > 1 && count < FILES_MAX) {
        u32 where = (u8)data[0];
        data++, size--;
        const char *lf = memchr(data, '\n', size);
        u32 name = lf ? (u32)(lf - data) : 0;
        if (!lf)
            return;
        bool usable = make_path(paths[count], where, data, name);
        data += name + 1, size -= name + 1;
        const char *nul = memchr(data, 0, size);
        u32 length = nul ? (u32)(nul - data) : (u32)size;
        memcpy(content, data, length);
        content[length] = 0;
        if (usable) {
            files[count] = (struct toy){where >> 3 & 1 ? 2 : 1, paths[count], content, 0, where >> 4 & 1 && length};
            count++;
        }
        content += length + 1;
        data += length, size -= length;
        if (size)
            data++, size--;
    }
}

static void check_files(const struct boot_entry *entry)
{
    if (entry->initrd_count > ENTRY_FILES_MAX)
        panic("%u initrds", entry->initrd_count);
    for (u32 i = 0; i < entry->initrd_count; i++)
        if (!entry->initrd[i].path.len || (entry->initrd[i].path.at[0] != '/' && !entry->disabled) ||
            !text_copy(entry->initrd[i].path))
            panic("initrd %u has no path", i);
}

static void check_entry(const struct boot_entry *entry)
{
    if (!entry->id[0] || !entry->title[0] || !entry->options || !entry->volume || !entry->config[0])
        panic("entry without id, title, options, volume or config");
    if (!entry->disabled && (!entry->kernel || entry->kernel[0] != '/'))
        panic("entry %s cannot be booted and is not disabled", entry->id);
    if (strpbrk(entry->title, "\r\n") || strpbrk(entry->options, "\r\n"))
        panic("entry %s: two lines", entry->id);
    if (!entry->counted && (entry->tries_left || entry->tries_done))
        panic("entry %s: tries of no counter", entry->id);
    check_files(entry);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static struct config config;
    static struct variables variables;
    if (!size || size > SIZE_MAX_BYTES)
        return 0;
    take_files((const char *)data + 1, size - 1);
    toy_machine(files);
    log_level = LOG_QUIET;
    if (data[0] & 1) {
        toy_volumes.volume[0]->role = ROLE_ESP;
        toy_volumes.volume[1]->role = ROLE_XBOOTLDR;
    }
    memset(&config, 0, sizeof config);
    config.timeout = TIMEOUT_UNSET;
    const struct config_file file = {.volumes = &toy_volumes, .home = toy_volumes.volume[data[0] >> 1 & 1],
                                     .name = "(vda1)/loader/entries", .path = {"/loader/entries", 15}};
    enum error error;
    if (data[0] & 4) {
        memset(&variables, 0, sizeof variables);
        variable_set(&variables, text_of("x"), text_of("a /b c"));
        variable_set(&variables, text_of("early_initrd"), text_of("d /e"));
        error = bls_read_entries(&config, &file, file.home, file.path, &variables);
        if (error == ERR_NOT_FOUND)
            error = OK;
    } else {
        error = config_bls.parse(&config, &file);
    }
    if (error || error_text()[0])
        panic("error %u, trail: %s", error, error_text());
    for (u32 i = 0; i < config.entry_count; i++)
        check_entry(config.entry[i]);
    for (u32 i = 1; i < config.entry_count; i++)
        if (config.entry[i - 1]->counted && !config.entry[i - 1]->tries_left &&
            !(config.entry[i]->counted && !config.entry[i]->tries_left))
            panic("a good entry behind a bad one");
    if (config.default_entry && config_find(&config, text_of(config.default_entry->id)) == NULL)
        panic("default is no entry");
    return 0;
}
