/* fuzz_uki.c: the bytes are a file. If it is a unified kernel image, its parts lie in it and can be read. */
#include "host.h"

#include "file.h"
#include "uki.h"

#define AT 0x2000000u

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void check_part(const struct file *file, const struct file *part)
{
    char *bytes;
    u32 length;
    if (!part->size)
        return;
    if (!part->path || !fits(part->start, part->size, file->size) || file_read_all(part, ~0u, &bytes, &length))
        panic("%s: [%lu, +%lu) of %lu", part->path, part->start, part->size, file->size);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct file file;
    struct uki uki;
    struct text text;
    host_reset();
    log_level = LOG_QUIET;
    if (size > MIB(1))
        return 0;
    host_poke(AT, data, size);
    file_of_memory(&file, "x.efi", AT, size);
    enum error error = uki_open(&file, size % 3, &uki);
    if ((error == OK || error == ERR_NOT_MINE) != !error_text()[0])
        panic("error %u, trail \"%s\"", error, error_text());
    if (error)
        return 0;
    const struct file *parts[] = {&uki.kernel, &uki.microcode, &uki.initrd, &uki.cmdline, &uki.osrel, &uki.uname,
                                  &uki.profile};
    for (u32 i = 0; i < ARRAY_COUNT(parts); i++)
        check_part(&file, parts[i]);
    if (!uki.kernel.size)
        panic("no kernel");
    error = uki_cmdline(&uki, &text);
    for (u32 i = 0; !error && i < text.len; i++)
        if ((u8)text.at[i] < ' ')
            panic("control character %02x", text.at[i]);
    return 0;
}
