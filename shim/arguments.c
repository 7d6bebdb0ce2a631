/* arguments.c: the shim's own command line (contract §2). Texts point into it; nothing is copied.
 *
 * Exercise: tests/unit/test_arguments.c, tests/fuzz/fuzz_arguments.c.
 */
#include "config.h"
#include "print.h"

struct word {
    struct text key, value; /* value.at NULL: no "=" */
};

/* Cut the next word off *rest; "double quotes" around a word or a value keep blanks together. False at the end. */
static bool next_word(struct text *rest, struct word *word)
{
    *rest = text_trim(*rest);
    if (!rest->len)
        return false;
    const char *p = rest->at, *end = rest->at + rest->len;
    bool whole = *p == '"';
    const char *start = p += whole, *equals = NULL, *stop;
    bool quoted = whole;
    while (p < end && (quoted ? *p != '"' : *p != ' ' && *p != '\t' && *p != '\n' && *p != '\r')) {
        if (*p == '=' && !equals) {
            equals = p;
            if (!whole && p + 1 < end && p[1] == '"') {
                quoted = true;
                p++;
            }
        }
        p++;
    }
    stop = p;
    if (p < end && quoted)
        p++;
    word->key = (struct text){start, (u32)((equals ? equals : stop) - start)};
    word->value = (struct text){NULL, 0};
    if (equals) {
        const char *value = equals + 1 + (!whole && quoted);
        word->value = (struct text){value, (u32)(stop - value)};
    }
    *rest = (struct text){p, (u32)(end - p)};
    return true;
}

static bool is_separator(const struct word *word)
{
    return !word->value.at && text_equal(word->key, "--");
}

struct text argument_find(const char *cmdline, const char *key)
{
    struct text rest = text_of(cmdline), found = {NULL, 0};
    struct word word;
    while (next_word(&rest, &word) && !is_separator(&word))
        if (word.value.at && text_equal(word.key, key))
            found = word.value;
    return found;
}

static void warn_value(const struct word *word, const char *expected)
{
    warn("argument %.*s%s%.*s: expected %s", (int)word->key.len, word->key.at, word->value.at ? "=" : "",
         (int)word->value.len, word->value.at ? word->value.at : "", expected);
}

static void take_timeout(struct arguments *a, const struct word *word)
{
    u64 seconds;
    if (text_equal(word->value, "none"))
        a->timeout = TIMEOUT_NONE;
    else if (text_number(word->value, &seconds) && seconds < TIMEOUT_UNSET)
        a->timeout = (u32)seconds;
    else
        warn_value(word, "a number of seconds or none");
}

static void take_rsdp(struct arguments *a, const struct word *word)
{
    u64 address;
    if (text_number(word->value, &address) && address)
        a->rsdp = address;
    else
        warn_value(word, "a physical address like 0xf5a30");
}

/* Words that are not for us but come with every VM: what Firecracker, Cloud Hypervisor and GRUB put on a kernel's line. */
static bool is_foreign(struct text key)
{
    static const char *const words[] = {
        "BOOT_IMAGE", "root", "rootfstype", "ro", "rw", "init", "initrd", "reboot", "panic", "pci", "nomodule", "nomodules",
        "swiotlb", "earlyprintk", NULL,
    };
    for (u32 i = 0; i < key.len; i++)
        if (key.at[i] == '.') /* a module's parameter: virtio_mmio.device, i8042.noaux */
            return true;
    for (u32 i = 0; words[i]; i++)
        if (text_equal(key, words[i]))
            return true;
    return false;
}

static void take_unknown(const struct word *word)
{
    static const char *const known[] = {"config", "volume", "default", "timeout", "console",
                                        "rsdp",   "lock",   "quiet",   "verbose", NULL};
    if (is_foreign(word->key))
        return;
    const char *near = nearest_word(word->key, known);
    warn("unknown argument \"%.*s\"%s%s%s", (int)word->key.len, word->key.at, near ? "; did you mean \"" : "",
         near ? near : "", near ? "\"?" : "");
}

static void take_word(struct arguments *a, const struct word *word)
{
    const struct {
        const char *name;
        struct text *text;
    } texts[] = {{"config", &a->config}, {"volume", &a->volume}, {"default", &a->default_id}, {"console", &a->console}};
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {{"lock", &a->lock}, {"quiet", &a->quiet}, {"verbose", &a->verbose}};
    for (u32 i = 0; i < ARRAY_COUNT(flags); i++)
        if (text_equal(word->key, flags[i].name)) {
            if (word->value.at)
                warn_value(word, "no value");
            *flags[i].flag = true;
            return;
        }
    for (u32 i = 0; i < ARRAY_COUNT(texts); i++)
        if (text_equal(word->key, texts[i].name)) {
            if (word->value.len)
                *texts[i].text = word->value;
            else
                warn_value(word, "a value");
            return;
        }
    if (text_equal(word->key, "timeout"))
        take_timeout(a, word);
    else if (text_equal(word->key, "rsdp"))
        take_rsdp(a, word);
    else
        take_unknown(word);
}

void arguments_read(struct arguments *arguments, const char *cmdline)
{
    struct text rest = text_of(cmdline);
    struct word word;
    *arguments = (struct arguments){.timeout = TIMEOUT_UNSET};
    while (next_word(&rest, &word)) {
        if (is_separator(&word)) {
            arguments->append = text_trim(rest);
            return;
        }
        take_word(arguments, &word);
    }
}
