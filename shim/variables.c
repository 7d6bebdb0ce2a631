/* variables.c: named texts (variables.h). GRUB manual §16.4; grub-core/lib/envblk.c for what the manual leaves open.
 *
 * Searched one by one: configs set a few dozen. Exercise: tests/unit/test_variables.c, tests/fuzz/fuzz_grub.c.
 */
#include "variables.h"
#include "memory.h"

static struct variable *find(const struct variables *variables, struct text name)
{
    for (u32 i = 0; i < variables->count; i++)
        if (text_equal(name, variables->variable[i].name))
            return (struct variable *)&variables->variable[i];
    return NULL;
}

const char *variable_get(const struct variables *variables, struct text name)
{
    const struct variable *variable = find(variables, name);
    return variable ? variable->value : NULL;
}

enum error variable_set(struct variables *variables, struct text name, struct text value)
{
    struct variable *variable = find(variables, name);
    if (!variable && variables->count == VARIABLES_MAX)
        return fail(ERR_UNSUPPORTED, "more than %u variables", VARIABLES_MAX);
    const char *copy = text_copy(value);
    if (!copy)
        return ERR_NO_MEMORY;
    if (!variable) {
        const char *own = text_copy(name);
        if (!own)
            return ERR_NO_MEMORY;
        variable = &variables->variable[variables->count++];
        variable->name = own;
    }
    variable->value = copy;
    return OK;
}

void variable_unset(struct variables *variables, struct text name)
{
    struct variable *variable = find(variables, name);
    if (variable)
        variable->value = NULL;
}

static bool is_wanted(struct text name, const char *const *only)
{
    for (; only && *only; only++)
        if (text_equal(name, *only))
            return true;
    return !only;
}

/* NAME=VALUE up to a LF that no `\` quotes; *rest becomes what is behind it. As GRUB has it, a line without a `=` is
 * the beginning of the next one's name, and what no LF ends does not count. */
static enum error read_line(struct variables *variables, struct text *rest, const char *const *only)
{
    u32 equals = 0, used = 0;
    while (rest->at[0] != '#' && equals < rest->len && rest->at[equals] != '=')
        equals++;
    u32 end = equals;
    while (end < rest->len && rest->at[end] != '\n')
        end += rest->at[end] == '\\' ? 2 : 1;
    struct text name = {rest->at, equals}, line = {rest->at + equals + 1, end - equals - 1};
    bool ended = end < rest->len;
    end = ended ? end + 1 : rest->len;
    *rest = (struct text){rest->at + end, rest->len - end};
    if (!ended || !equals || !is_wanted(name, only))
        return OK;
    char *value = arena_reserve((u64)line.len + 1, 1);
    if (!value)
        return ERR_NO_MEMORY;
    for (u32 i = 0; i < line.len; i++) {
        i += line.at[i] == '\\';
        value[used++] = line.at[i];
    }
    return variable_set(variables, name, (struct text){value, used});
}

enum error variables_read_block(struct variables *variables, struct text block, const char *const *only)
{
    static const char signature[] = "# GRUB Environment Block\n";
    if (!text_starts(block, signature))
        return fail(ERR_CORRUPT, "does not begin with \"# GRUB Environment Block\"");
    block.at += sizeof signature - 1, block.len -= sizeof signature - 1;
    while (block.len) {
        enum error error = read_line(variables, &block, only);
        if (error)
            return error;
    }
    return OK;
}
