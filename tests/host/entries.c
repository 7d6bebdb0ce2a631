/* entries.c: what the shim would show for these disks, on the host and as JSON; for tests/configs and for people who
 * want to know before they boot.
 *
 *     entries [-a 'shim arguments'] IMAGE…
 *
 * The images become vda, vdb, … in this order; FILE:4096 is one with sectors of 4096 bytes. They are mapped, not read:
 * large sparse ones cost nothing. Everything behind the disks is the shim's own code: partition tables, filesystems,
 * dialects, merging. The JSON has the entries in the menu's order, what config.h says of each, and the log.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>

#include "host.h"

#include "config.h"
#include "payload.h"

static const char *separator = "";

/* One more member of an object or element of a list; key NULL: an element. */
static void member(const char *key)
{
    printf("%s", separator);
    if (key)
        printf("\"%s\": ", key);
    separator = ", ";
}

static void open_bracket(const char *key, char bracket)
{
    member(key);
    putchar(bracket);
    separator = "";
}

static void close_bracket(char bracket)
{
    putchar(bracket);
    separator = ", ";
}

/* Bytes from 0x80 go out as they are: the reader decides what is UTF-8. */
static void put_quoted(struct text t)
{
    putchar('"');
    for (u32 i = 0; i < t.len; i++) {
        u8 c = (u8)t.at[i];
        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    putchar('"');
}

static void put_text(const char *key, const char *value)
{
    member(key);
    if (value)
        put_quoted(text_of(value));
    else
        printf("null");
}

static void put_number(const char *key, u64 value)
{
    member(key);
    printf("%llu", (unsigned long long)value);
}

static void put_bool(const char *key, bool value)
{
    member(key);
    printf("%s", value ? "true" : "false");
}

/* "(vda1)/path": what has no volume in it lies on home. */
static void put_path(const char *key, const struct volume *home, struct text path)
{
    const char *slash = text_starts(path, "/") ? "" : "/";
    if (!path.at)
        put_text(key, NULL);
    else if (text_starts(path, "(") || !home)
        put_text(key, text_copy(path));
    else
        put_text(key, format_copy("(%s)%s%.*s", home->name, slash, (int)path.len, path.at));
}

static void put_files(const char *key, const struct volume *home, const struct entry_file *files, u32 count)
{
    open_bracket(key, '[');
    for (u32 i = 0; i < count; i++)
        put_path(NULL, home, files[i].path);
    close_bracket(']');
}

/* The row's number, -1 when it is none. */
static int index_of(const struct config *config, const struct boot_entry *entry)
{
    for (u32 i = 0; entry && i < config->entry_count; i++)
        if (config->entry[i] == entry)
            return (int)i;
    return -1;
}

static u32 depth_of(const struct boot_entry *entry)
{
    u32 depth = 0;
    while ((entry = entry->parent))
        depth++;
    return depth;
}

static void put_entry(const struct config *config, const struct boot_entry *entry)
{
    static const char *const kinds[] = {"boot", "submenu", "heading", "separator"};
    char hotkey[2] = {entry->hotkey < 0x80 ? (char)entry->hotkey : '?', 0};
    open_bracket(NULL, '{');
    put_text("kind", kinds[entry->kind]);
    put_text("id", entry->id);
    put_text("title", entry->title);
    put_number("depth", depth_of(entry));
    put_text("parent", entry->parent ? entry->parent->title : NULL);
    member("parent_row");
    printf("%d", index_of(config, entry->parent));
    if (entry->kind == ENTRY_BOOT) {
        put_path("kernel", entry->volume, text_of(entry->kernel));
        put_files("initrd", entry->volume, entry->initrd, entry->initrd_count);
        put_files("module", entry->volume, entry->module, entry->module_count);
        put_text("options", entry->options);
        put_text("protocol", entry->protocol ? entry->protocol->name : NULL);
        put_text("disabled", entry->disabled);
    }
    put_text("help", entry->help);
    put_text("hotkey", entry->hotkey ? hotkey : NULL);
    if (entry->counted) {
        put_number("tries_left", entry->tries_left);
        put_number("tries_done", entry->tries_done);
    }
    put_text("config", entry->config);
    put_number("line", entry->line);
    close_bracket('}');
    printf("\n");
}

static void put_timeout(u32 timeout)
{
    if (timeout < TIMEOUT_UNSET)
        put_number("timeout", timeout);
    else
        put_text("timeout", timeout == TIMEOUT_NONE ? "none" : NULL);
}

static void put_volume(const struct volume *v)
{
    static const char *const roles[] = {"", "esp", "xbootldr", "mbr-bls", "flatcar-usr"};
    open_bracket(NULL, '{');
    put_text("name", v->name);
    put_text("fs", !v->fs ? NULL : v->fs->describe ? v->fs->describe(v) : v->fs->name);
    put_text("label", v->ids.label);
    put_text("uuid", v->ids.uuid);
    put_text("partuuid", v->ids.partuuid);
    put_text("role", roles[v->role]);
    put_text("reason", v->reason);
    close_bracket('}');
}

static const struct boot_entry *first_bootable(const struct config *config)
{
    for (u32 i = 0; i < config->entry_count; i++)
        if (config->entry[i]->kind == ENTRY_BOOT && !config->entry[i]->disabled)
            return config->entry[i];
    return NULL;
}

static void put_config(const struct config *config, const struct volume_list *volumes)
{
    const struct boot_entry *chosen = config->default_entry ? config->default_entry : first_bootable(config);
    open_bracket(NULL, '{');
    put_text("config", config->name);
    put_text("title", config->title);
    put_text("default", chosen ? chosen->id : NULL);
    member("default_row");
    printf("%d", index_of(config, chosen));
    put_bool("default_given", config->default_entry != NULL);
    put_text("fallback", config->fallback_entry ? config->fallback_entry->id : NULL);
    put_text("timeout_entry", config->timeout_entry ? config->timeout_entry->id : NULL);
    put_timeout(config->timeout);
    put_bool("hidden", config->hidden);
    put_bool("locked", config->locked);
    put_number("problems", config->problems);
    open_bracket("entries", '[');
    for (u32 i = 0; i < config->entry_count; i++)
        put_entry(config, config->entry[i]);
    close_bracket(']');
    open_bracket("volumes", '[');
    for (u32 i = 0; i < volumes->count; i++)
        put_volume(volumes->volume[i]);
    close_bracket(']');
    put_text("log", host_log());
    close_bracket('}');
    printf("\n");
}

static void add_image(struct disk_list *disks, char *name)
{
    u32 length = (u32)strlen(name), block = 512;
    if (length > 5 && !strcmp(name + length - 5, ":4096")) {
        name[length - 5] = 0;
        block = 4096;
    }
    struct stat status;
    int file = open(name, O_RDONLY);
    if (file < 0 || fstat(file, &status)) {
        perror(name);
        exit(1);
    }
    u64 size = (u64)status.st_size;
    void *bytes = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, file, 0) : MAP_FAILED;
    close(file);
    if (bytes == MAP_FAILED) {
        fprintf(stderr, "%s: cannot be mapped\n", name);
        exit(1);
    }
    host_disk(disks, "vd", bytes, size, block);
}

int main(int count, char **words)
{
    static struct disk_list disks;
    static struct volume_list volumes;
    static struct boot_info boot = {.door = "pvh", .loader = "entries", .cmdline = "", .boot_device = 0xffffffffu};
    static struct arguments arguments;
    static struct config config;
    const char *cmdline = "";
    int option;
    while ((option = getopt(count, words, "a:")) == 'a')
        cmdline = optarg;
    if (option != -1 || optind == count) {
        fprintf(stderr, "usage: entries [-a 'shim arguments'] IMAGE…\n");
        return 2;
    }
    host_reset();
    log_level = LOG_NORMAL;
    boot.cmdline = cmdline;
    arguments_read(&arguments, cmdline);
    if (arguments.verbose)
        log_level = LOG_VERBOSE;
    for (int i = optind; i < count; i++)
        add_image(&disks, words[i]);
    volumes_scan(&disks, &volumes);
    config_read(&config, &volumes, &boot, &arguments);
    separator = "";
    put_config(&config, &volumes);
    return 0;
}
