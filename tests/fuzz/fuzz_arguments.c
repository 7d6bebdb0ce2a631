/* fuzz_arguments.c: the bytes are the shim's command line; its console= is then tried on a machine that has none. */
#include "host.h"

#include "config.h"
#include "console.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void check_text(struct text t)
{
    if (t.len && strlen(text_copy(t)) != t.len)
        panic("a value with a NUL in it");
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static const struct boot_info boot;
    struct arguments a;
    host_reset();
    log_level = LOG_QUIET;
    if (size > STRING_MAX)
        return 0;
    char *line = arena_alloc(size + 1, 1);
    memcpy(line, data, size);
    arguments_read(&a, line);
    check_text(a.config);
    check_text(a.volume);
    check_text(a.default_id);
    check_text(a.console);
    check_text(a.append);
    if (text_trim(a.append).len != a.append.len)
        panic("blanks around the text behind --");
    struct text console = argument_find(line, "console");
    if (console.len && (console.len != a.console.len || memcmp(console.at, a.console.at, console.len)))
        panic("two values of console=");
    consoles_open(&boot, a.console);
    return 0;
}
