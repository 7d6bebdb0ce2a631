/* arguments.c: the shim's own command line (contract §2). Texts point into it; only words with quotes are copied.
 *
 * Exercise: tests/unit/test_arguments.c, tests/fuzz/fuzz_arguments.c.
 */
#include "config.h"
#include "print.h"

/* t without its double quotes, in the arena. */
static struct text unquote(struct text t)
{
    char *copy = arena_reserve(t.len, 1);
    struct text bare = {copy, 0};
    if (!copy)
        return t;
    for (u32 i = 0; i < t.len; i++)
        if (t.at[i] != '"')
            copy[bare.len++] = t.at[i];
    return bare;
}

bool argument_next(struct text *rest, struct argument *word)
{
    *rest = text_trim(*rest);
    struct text t = {rest->at, 0};
    u32 quotes = 0;
    while (t.len < rest->len && (quotes % 2 || !is_blank(t.at[t.len])))
        quotes += t.at[t.len++] == '"';
    rest->at += t.len;
    rest->len -= t.len;
    word->ends = text_equal(t, "--");
    if (!t.len)
        return false;
    if (quotes)
        t = unquote(t);
    text_split(&t, '=', &word->key);
    word->value = t;
    return true;
}

struct text argument_find(const char *cmdline, const char *key)
{
    struct text rest = text_of(cmdline), found = {NULL, 0};
    struct argument word;
    while (argument_next(&rest, &word) && !word.ends)
        if (word.value.at && text_equal(word.key, key))
            found = word.value;
    return found;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static void warn_value(const struct argument *word, const char *expected)
{
    warn("argument %.*s%s%.*s: expected %s", (int)word->key.len, word->key.at, word->value.at ? "=" : "",
         (int)word->value.len, word->value.at, expected);
}

static void take_text(const struct argument *word, void *to)
{
    if (word->value.len)
        *(struct text *)to = word->value;
    else
        warn_value(word, "a value");
}

static void take_flag(const struct argument *word, void *to)
{
    if (word->value.at)
        warn_value(word, "no value");
    *(bool *)to = true;
}

static void take_seconds(const struct argument *word, void *to)
{
    u64 seconds;
    if (text_equal(word->value, "none"))
        *(u32 *)to = TIMEOUT_NONE;
    else if (text_number(word->value, &seconds) && seconds < TIMEOUT_UNSET)
        *(u32 *)to = (u32)seconds;
    else
        warn_value(word, "a number of seconds or none");
}

/* `auto` is about Linux's consoles, and alone no list of ours. */
static void take_console(const struct argument *word, void *to)
{
    struct arguments *a = to;
    struct text list = word->value, item;
    while (text_split(&list, ',', &item))
        a->console_auto |= text_equal(item, "auto");
    if (!text_equal(word->value, "auto"))
        take_text(word, &a->console);
}

static void take_address(const struct argument *word, void *to)
{
    u64 address;
    if (text_number(word->value, &address) && address)
        *(u64 *)to = address;
    else
        warn_value(word, "a physical address like 0xf5a30");
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

/* Words that are not for us but come with every VM: what Firecracker, crosvm and GRUB put on a kernel's line. */
static bool is_foreign(struct text key)
{
    static const char words[] = "BOOT_IMAGE\0root\0rootfstype\0ro\0rw\0init\0initrd\0reboot\0panic\0pci\0nomodule\0"
                                "nomodules\0swiotlb\0earlyprintk\0earlycon\0";
    for (u32 i = 0; i < key.len; i++)
        if (key.at[i] == '.') /* a module's parameter: virtio_mmio.device, i8042.noaux */
            return true;
    for (const char *word = words; *word; word += strlen(word) + 1)
        if (text_equal(key, word))
            return true;
    return false;
}

static const struct {
    char name[8];
    u8 kind, offset; /* index of take[]; where in struct arguments the value goes */
} known[] = {
    {"config", 0, offsetof(struct arguments, config)},      {"volume", 0, offsetof(struct arguments, volume)},
    {"default", 0, offsetof(struct arguments, default_id)}, {"console", 4, 0},
    {"lock", 1, offsetof(struct arguments, lock)},          {"quiet", 1, offsetof(struct arguments, quiet)},
    {"verbose", 1, offsetof(struct arguments, verbose)},    {"timeout", 2, offsetof(struct arguments, timeout)},
    {"rsdp", 3, offsetof(struct arguments, rsdp)},
};

static void take_word(struct arguments *a, const struct argument *word)
{
    static void (*const take[])(const struct argument *, void *) = {take_text, take_flag, take_seconds, take_address,
                                                                take_console};
    const char *names[ARRAY_COUNT(known) + 1] = {NULL};
    for (u32 i = 0; i < ARRAY_COUNT(known); i++) {
        names[i] = known[i].name;
        if (text_equal(word->key, names[i])) {
            take[known[i].kind](word, (u8 *)a + known[i].offset);
            return;
        }
    }
    if (is_foreign(word->key))
        return;
    warn("unknown argument \"%.*s\"%s", (int)word->key.len, word->key.at, did_you_mean(word->key, names));
}

static void append(struct arguments *a, struct text t)
{
    t = text_trim(t); /* quotes are gone, the blanks in them not */
    if (a->append.len && t.len)
        t = text_of(format_copy("%.*s %.*s", (int)a->append.len, a->append.at, (int)t.len, t.at));
    if (t.len)
        a->append = t;
}

/* Where a host without ACPI has its devices concerns whoever is booted just as it does us; and stands in front, since
 * behind a `--` of Linux's it would be init's. */
void arguments_add(struct arguments *arguments, const char *cmdline)
{
    struct text rest = text_of(cmdline);
    struct argument word;
    while (argument_next(&rest, &word) && !word.ends) {
        take_word(arguments, &word);
        if (word.value.len && text_equal(word.key, "virtio_mmio.device"))
            append(arguments, text_of(format_copy("virtio_mmio.device=%.*s", (int)word.value.len, word.value.at)));
    }
    append(arguments, rest);
}

void arguments_read(struct arguments *arguments, const char *cmdline)
{
    *arguments = (struct arguments){.timeout = TIMEOUT_UNSET};
    arguments_add(arguments, cmdline);
}
