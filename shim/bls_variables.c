/* bls_variables.c: GRUB's variables in entries of the Boot Loader Specification, as Red Hat's distributions write them:
 * `options $kernelopts $tuned_params`, `initrd /initramfs.img $tuned_initrd`, `grub_users $grub_users`.
 *
 * The specification itself knows no variables: a `$` in an entry stays what it is unless something tells that GRUB
 * reads it too: a grub.cfg or a grubenv on its volume, a grubenv on its disk, or keys of GRUB's in the entry itself.
 * Then names that nobody has set are empty, as in GRUB. Exercise: tests/unit/test_bls.c, tests/fuzz/fuzz_bls.c.
 */
#include "bls.h"
#include "grub.h"
#include "print.h"

#define DIRECTORIES_MAX 64u /* looked at below /EFI */

/* ---- where they are ---------------------------------------------------------------------------------------------- */

static bool read_grubenv(struct volume *v, const char *path, struct variables *variables)
{
    struct file file;
    struct text text;
    char *bytes;
    enum error error = file_open(v, text_of(path), &file);
    if (!error)
        error = file_read_all(&file, CONFIG_SIZE_MAX, &bytes, &text.len);
    if (!error) {
        text.at = bytes;
        error = variables_read_block(variables, text, NULL);
    }
    error_clear();
    return !error;
}

/* /EFI/fedora/grubenv and the like: /boot/grub2/grubenv of a UEFI installation is a symbolic link to it, which leads
 * off the volume. */
static bool read_grubenv_of_esp(struct volume *v, struct variables *variables)
{
    struct dirent entry;
    struct file dir;
    u64 cursor = 0;
    bool found = false;
    if (file_open(v, text_of("/EFI"), &dir) == OK)
        for (u32 i = 0; !found && i < DIRECTORIES_MAX && !file_list(&dir, &cursor, &entry); i++) {
            const char *path = entry.type == NODE_DIR ? format_copy("/EFI/%s/grubenv", entry.name) : NULL;
            found = path && read_grubenv(v, path, variables);
        }
    error_clear();
    return found;
}

static bool read_grubenv_of(struct volume *v, struct variables *variables)
{
    static const char *const paths[] = {"/grub2/grubenv", "/boot/grub2/grubenv", "/grub/grubenv",
                                        "/boot/grub/grubenv"};
    for (u32 i = 0; i < ARRAY_COUNT(paths); i++)
        if (read_grubenv(v, paths[i], variables))
            return true;
    return v->role == ROLE_ESP && read_grubenv_of_esp(v, variables);
}

static const struct variables *find_variables(const struct bls *b)
{
    const struct volume_list *volumes = b->file->volumes;
    struct variables *variables = arena_alloc(sizeof *variables, 8);
    if (!variables) {
        error_clear();
        return NULL;
    }
    enum error error = grub_variables(volumes, b->home, variables);
    error_clear();
    if (!error || read_grubenv_of(b->home, variables))
        return variables;
    for (u32 i = 0; volumes && i < volumes->count; i++) {
        struct volume *v = volumes->volume[i];
        if (v != b->home && v->disk == b->home->disk && v->fs && read_grubenv_of(v, variables))
            return variables;
    }
    return NULL;
}

static bool has_keys_of_grub(struct text text)
{
    struct bls_lines lines = {.rest = text};
    struct text key, value;
    while (bls_next_line(&lines, " \t", &key, &value))
        if (text_starts(key, "grub_"))
            return true;
    return false;
}

bool bls_needs_variables(struct bls *b, struct text text)
{
    bool keys = has_keys_of_grub(text), holds = keys;
    for (u32 i = 0; i < text.len && !holds; i++)
        holds = text.at[i] == '$';
    if (!holds || b->for_grub)
        return b->for_grub;
    if (b->looked != b->home) {
        b->variables = find_variables(b);
        b->looked = b->home;
    }
    return b->variables || keys;
}

/* ---- what becomes of them ---------------------------------------------------------------------------------------- */

static bool is_of_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Bytes of `$name` or `${name}` at the start of t; 0 when there is none. */
static u32 reference_length(struct text t, struct text *name)
{
    bool braces = t.len > 1 && t.at[1] == '{';
    u32 start = braces ? 2 : 1, end = start;
    if (t.at[0] != '$')
        return 0;
    while (end < t.len && is_of_name(t.at[end]))
        end++;
    if (end == start || (braces && (end == t.len || t.at[end] != '}')))
        return 0;
    *name = (struct text){t.at + start, end - start};
    return end + braces;
}

/* Into out, unless that is NULL; the length is what counts then. */
static u64 expand_into(const struct bls *b, struct text value, char *out)
{
    u64 used = 0;
    while (value.len) {
        struct text name, part = {value.at, 1};
        u32 n = reference_length(value, &name);
        if (n)
            part = text_of(b->variables ? variable_get(b->variables, name) : NULL);
        else if (value.at[0] == '\\' && value.len > 1 && value.at[1] == '$')
            n = 2, part.at++;
        else
            n = 1;
        if (out && part.len)
            memcpy(out + used, part.at, part.len);
        used += part.len;
        value.at += n, value.len -= n;
    }
    return used;
}

enum error bls_expand(const struct bls *b, struct text value, struct text *expanded)
{
    u64 length = expand_into(b, value, NULL);
    if (length > BLS_VALUE_MAX)
        return fail(ERR_RANGE, "%lu bytes with its variables, expected at most %lu", length, (u64)BLS_VALUE_MAX);
    char *out = arena_reserve(length + 1, 1);
    if (!out)
        return ERR_NO_MEMORY;
    expand_into(b, value, out);
    for (u64 i = 0; i < length; i++) /* a variable may hold what a line of an entry cannot */
        if (out[i] == '\r' || out[i] == '\n')
            out[i] = ' ';
    *expanded = text_trim((struct text){out, (u32)length});
    return OK;
}
