/* grub_commands.c: GRUB's commands that scripts are made of; those that boot are in config_grub.c.
 *
 * GRUB manual 2.06 §16.3; grub-core/commands/test.c for the order in which `test` looks at its words. Left out on
 * purpose: times of files (-nt and -ot tell whether they are there), writing (save_env sets nothing but what is set).
 *
 * Exercise: tests/unit/test_grub.c, tests/fuzz/fuzz_grub.c.
 */
#include "grub_script.h"
#include "print.h"

const char grub_idle_commands[] =
    " insmod rmmod lsmod loadfont terminal terminal_input terminal_output terminfo serial gfxmode gfxpayload"
    " background_image background_color clear cls play keymap loadkeys echo export sleep cat ls date videoinfo help"
    " lspci lsefi lsefisystab lsacpi password password_pbkdf2 authenticate cutmem badram acpi nativedisk usb_keyboard"
    " outb outw outl setpci pause read list_env save_env list_trusted trust distrust rdmsr wrmsr gettext module"
    " module2 xen_module devicetree true drivemap parttool hexdump videotest vbeinfo efi-watchdog tpm bli uki"
    " hashsum sha256sum smbios verify_detached" /* nothing is verified here */
    " normal_exit btrfs-mount-subvol hiddenentry grub_platform" /* of SUSE, NixOS's and Ubuntu's media */
    " increment decrement "; /* Red Hat's, of a boot counter that save_env writes */

bool grub_number(struct text t, i64 *value)
{
    u64 n = 0;
    u32 i = 0, base = 10, digits = 0;
    while (i < t.len && is_blank(t.at[i]))
        i++;
    bool negative = i < t.len && t.at[i] == '-';
    i += negative;
    if (i + 1 < t.len && t.at[i] == '0') {
        base = (t.at[i + 1] | 32) == 'x' ? 16 : 8;
        i += base == 16 ? 2 : 0;
    }
    for (; i < t.len; i++, digits++) {
        char c = t.at[i], letter = (char)(c | 32);
        u32 digit = c >= '0' && c <= '9' ? (u32)(c - '0') :
                    letter >= 'a' && letter <= 'f' ? (u32)letter - 'a' + 10 : 99;
        if (digit >= base)
            break;
        n = n > (u64)INT64_MAX / 16 - 1 ? (u64)INT64_MAX / 16 : n * base + digit; /* far beyond what anybody compares */
    }
    *value = negative ? -(i64)n : (i64)n;
    return digits;
}

/* ---- options ----------------------------------------------------------------------------------------------------- */

/* Number of the option in the list that has this name, or, being one byte, this letter; *has_value. ~0: none. */
static u32 find_option(const char *names, struct text name, bool letter, bool *has_value)
{
    struct text rest = text_of(names), one, long_name;
    for (u32 i = 0; text_split(&rest, ' ', &one); i++) {
        *has_value = one.at[one.len - 1] == '=';
        one.len -= *has_value;
        text_split(&one, '/', &long_name);
        if (letter && one.at && one.at[0] == name.at[0])
            return i;
        if (!letter && name.len == long_name.len && !memcmp(name.at, long_name.at, name.len))
            return i;
    }
    return ~0u;
}

/* Options in word *i, and the value in the next one. False when it is a word like others. */
static bool take_option(struct grub_words *words, u32 *i, const char *names, struct text *value)
{
    struct text word = words->at[*i], name = {word.at + 1, 1}, given = {"", 0};
    bool is_long = word.at[1] == '-', has_value = false;
    u32 option, last = is_long ? 1 : word.len - 1;
    if (is_long) {
        word.at += 2, word.len -= 2;
        text_split(&word, '=', &name);
        given = word.at ? word : given;
    }
    for (u32 n = 0; n < last; n++, name.at++) { /* all letters are known, or none is taken */
        option = find_option(names, name, !is_long, &has_value);
        if (option == ~0u)
            return false;
    }
    for (name.at -= last; last--; name.at++) {
        option = find_option(names, name, !is_long, &has_value);
        value[option] = given;
        if (has_value && !last && !(is_long && word.at) && *i + 1 < words->count &&
            !text_starts(words->at[*i + 1], "-"))
            value[option] = words->at[++*i];
    }
    return true;
}

void grub_take_options(struct grub_words *words, const char *names, struct text *value)
{
    u32 kept = 0;
    bool over = false;
    for (u32 i = 0; i < words->count; i++) {
        struct text word = words->at[i];
        if (!over && text_equal(word, "--"))
            over = true;
        else if (over || word.len < 2 || word.at[0] != '-' || !take_option(words, &i, names, value))
            words->at[kept++] = word;
    }
    words->count = kept;
}

/* ---- test -------------------------------------------------------------------------------------------------------- */

struct test {
    struct grub *g;
    struct grub_words words;
    u32 i, depth;
};

static int compare(struct text a, struct text b)
{
    u32 least = a.len < b.len ? a.len : b.len;
    int order = least ? memcmp(a.at, b.at, least) : 0;
    return order ? order : a.len < b.len ? -1 : a.len > b.len;
}

static i64 number_of(struct text t)
{
    i64 value = 0;
    grub_number(t, &value);
    return value;
}

/* Behind what both have in common, but with the digits before the difference. */
static i64 number_behind_prefix(struct text t, struct text other)
{
    u32 i = 0;
    while (i < t.len && i < other.len && t.at[i] == other.at[i])
        i++;
    while (i && t.at[i - 1] >= '0' && t.at[i - 1] <= '9')
        i--;
    return number_of((struct text){t.at + i, t.len - i});
}

/* What is there under that name; NODE_OTHER: nothing. */
static enum node_type look(struct grub *g, struct text name, u64 *size)
{
    struct file file;
    u64 mark = arena_mark();
    enum error error = grub_open(g, name, &file);
    arena_release(mark);
    error_clear();
    *size = error ? 0 : file.size;
    return error ? NODE_OTHER : file.node.type == NODE_DIR ? NODE_DIR : NODE_FILE;
}

/* Three words; false when they are no test. */
static bool test_three(struct test *t, bool *value)
{
    struct text a = t->words.at[t->i], is = t->words.at[t->i + 1], b = t->words.at[t->i + 2];
    static const struct {
        char name[5];
        u8 of;      /* 's': texts, 'n': numbers, 'p': numbers behind a prefix */
        u8 accepts; /* 1: lower, 2: equal, 4: higher */
    } relations[] = {
        {"=", 's', 2},   {"==", 's', 2},  {"!=", 's', 5},  {"<", 's', 1},   {"<=", 's', 3},  {">", 's', 4},
        {">=", 's', 6},  {"-eq", 'n', 2}, {"-ne", 'n', 5}, {"-lt", 'n', 1}, {"-le", 'n', 3}, {"-gt", 'n', 4},
        {"-ge", 'n', 6}, {"-pgt", 'p', 4}, {"-plt", 'p', 1},
    };
    for (u32 i = 0; i < ARRAY_COUNT(relations); i++) {
        if (!text_equal(is, relations[i].name))
            continue;
        i64 order = compare(a, b);
        if (relations[i].of != 's') {
            i64 x = relations[i].of == 'n' ? number_of(a) : number_behind_prefix(a, b);
            i64 y = relations[i].of == 'n' ? number_of(b) : number_behind_prefix(b, a);
            order = x < y ? -1 : x > y;
        }
        *value = relations[i].accepts & (order < 0 ? 1 : order ? 4 : 2);
        return true;
    }
    if (!text_starts(is, "-nt") && !text_starts(is, "-ot"))
        return false;
    u64 size;
    bool first = look(t->g, a, &size) != NODE_OTHER, second = look(t->g, b, &size) != NODE_OTHER;
    *value = is.at[1] == 'n' ? first && !second : second && !first;
    return true;
}

/* Two words; false when they are no test. */
static bool test_two(struct test *t, bool *value)
{
    struct text is = t->words.at[t->i], what = t->words.at[t->i + 1];
    u64 size;
    if (is.len != 2 || is.at[0] != '-')
        return false;
    switch (is.at[1]) {
    case 'd':
        *value = look(t->g, what, &size) == NODE_DIR;
        return true;
    case 'e':
        *value = look(t->g, what, &size) != NODE_OTHER;
        return true;
    case 'f':
        *value = look(t->g, what, &size) == NODE_FILE;
        return true;
    case 's':
        *value = look(t->g, what, &size) == NODE_FILE && size;
        return true;
    case 'n':
        *value = what.len;
        return true;
    case 'z':
        *value = !what.len;
        return true;
    default:
        return false;
    }
}

static bool test_all(struct test *t)
{
    bool either = false, all = true, invert = false;
    while (t->i < t->words.count) {
        struct text word = t->words.at[t->i];
        u32 left = t->words.count - t->i, taken = 1;
        bool value = word.len;
        if (left > 2 && test_three(t, &value)) {
            taken = 3;
        } else if (left > 1 && test_two(t, &value)) {
            taken = 2;
        } else if (text_equal(word, ")")) {
            t->i++;
            break;
        } else if (text_equal(word, "(") && t->depth < 20) {
            t->i++;
            t->depth++;
            value = test_all(t);
            t->depth--;
            taken = 0;
        } else if (text_equal(word, "!") || text_equal(word, "-a") || text_equal(word, "-o")) {
            if (word.at[0] == '!') {
                invert = !invert;
            } else if (word.at[1] == 'o') {
                either |= all;
                all = true;
            }
            t->i++;
            continue;
        }
        all = all && value != invert;
        invert = false;
        t->i += taken;
    }
    return either || all;
}

static int command_test(struct grub *g, struct grub_words words)
{
    struct test t = {.g = g, .words = words};
    if (words.count && text_equal(words.at[words.count - 1], "]"))
        t.words.count--;
    return !test_all(&t);
}

/* ---- variables --------------------------------------------------------------------------------------------------- */

static int command_set(struct grub *g, struct grub_words words)
{
    struct text value = words.count ? words.at[0] : text_of(""), name;
    text_split(&value, '=', &name);
    if (!value.at)
        return words.count != 0;
    grub_set(g, name, value);
    return 0;
}

static int command_unset(struct grub *g, struct grub_words words)
{
    for (u32 i = 0; i < words.count; i++)
        variable_unset(&g->variables, words.at[i]);
    return !words.count;
}

static int command_load_env(struct grub *g, struct grub_words words)
{
    struct text options[2] = {{NULL, 0}};
    const char *only[33];
    struct file file;
    struct text block, name = text_of(format_copy("%s/grubenv", grub_get(g, "prefix").at));
    char *bytes;
    grub_take_options(&words, "file/f= skip-sig/s", options);
    if (options[0].len)
        name = options[0];
    if (!name.at || grub_open(g, name, &file) || file_read_all(&file, KIB(64), &bytes, &block.len))
        return 1;
    block.at = bytes;
    u32 count = 0;
    while (count < words.count && count + 1 < ARRAY_COUNT(only)) {
        only[count] = text_copy(words.at[count]);
        if (!only[count++])
            return 1;
    }
    only[count] = NULL;
    if (!variables_read_block(&g->variables, block, count ? only : NULL))
        return 0;
    grub_report(g, format_copy("%s: %s", file.path, error_text()));
    return 1;
}

/* ---- the flow of a script ---------------------------------------------------------------------------------------- */

static int command_false(struct grub *g, struct grub_words words)
{
    (void)g, (void)words;
    return 1;
}

static int command_break(struct grub *g, struct grub_words words)
{
    i64 count = 1;
    if (words.count && (!grub_number(words.at[0], &count) || count < 1))
        return 1;
    g->continuing = words.at[-1].at[0] == 'c';
    g->breaks = (u32)min_u64((u64)count, g->loops);
    return 0;
}

static int command_return(struct grub *g, struct grub_words words)
{
    i64 status = g->status;
    if (!g->scope || (words.count && !grub_number(words.at[0], &status)))
        return 1;
    g->returning = true;
    return (int)(status & 0xff);
}

static int command_shift(struct grub *g, struct grub_words words)
{
    i64 count = 1;
    if (!g->scope)
        return 0;
    if ((words.count && !grub_number(words.at[0], &count)) || count < 0 || (u64)count > g->scope->count)
        return 1;
    g->scope->word += count;
    g->scope->count -= (u32)count;
    return 0;
}

static int command_setparams(struct grub *g, struct grub_words words)
{
    struct text *copy = g->scope ? grub_copy_words(words) : NULL;
    if (!copy)
        return 1;
    *g->scope = (struct grub_scope){copy, words.count};
    return 0;
}

static int command_eval(struct grub *g, struct grub_words words)
{
    u32 length = 0;
    for (u32 i = 0; i < words.count; i++)
        length += words.at[i].len + 1;
    char *text = arena_reserve((u64)length + 1, 1), *p = text;
    if (!text || g->depth + 2 >= GRUB_DEPTH_MAX)
        return 1;
    for (u32 i = 0; i < words.count; i++) {
        memcpy(p, words.at[i].at, words.at[i].len);
        p += words.at[i].len;
        *p++ = ' ';
    }
    g->depth += 2;
    grub_run_text(g, g->name, (struct text){text, length}, g->line, false);
    g->depth -= 2;
    return g->status;
}

/* One that is not there is no problem, and true: configs ask for files that may be there. */
static int command_source(struct grub *g, struct grub_words words)
{
    enum error error = words.count ? grub_run_file(g, words.at[0]) : ERR_NOT_FOUND;
    if (error && error != ERR_NOT_FOUND)
        grub_report(g, error_text());
    return 0;
}

/* --set=[NUMBER:]VARIABLE … EXPRESSION TEXT */
static int command_regexp(struct grub *g, struct grub_words words)
{
    struct text group[GRUB_GROUPS_MAX], set[16];
    const char *problem = NULL;
    u32 sets = 0;
    while (words.count > 2) {
        bool alone = !text_starts(words.at[0], "--set=");
        struct grub_words one = {words.at, 1u + alone};
        set[sets] = (struct text){NULL, 0};
        grub_take_options(&one, "set/s=", &set[sets]);
        if (one.count || !set[sets].len || ++sets == ARRAY_COUNT(set))
            return 1;
        words.at += 1 + alone;
        words.count -= 1 + alone;
    }
    if (words.count != 2)
        return 1;
    bool found = grub_spend(g, GRUB_FILE_WORK) && grub_regexp(words.at[0], words.at[1], group, &problem);
    if (problem)
        grub_report(g, format_copy("regexp \"%.*s\": %s", (int)min_u64(words.at[0].len, 60), words.at[0].at, problem));
    for (u32 i = 0; found && i < sets; i++) {
        struct text name = set[i], number;
        u64 n = 1;
        text_split(&name, ':', &number);
        if (!name.at)
            name = number;
        else if (!text_number(number, &n))
            return 1;
        if (n < GRUB_GROUPS_MAX && group[n].at)
            grub_set(g, name, group[n]);
        else
            variable_unset(&g->variables, name);
    }
    return !found;
}

/* `-l`: is the CPU a 64-bit one; `-p`: has it PAE. */
static int command_cpuid(struct grub *g, struct grub_words words)
{
    (void)g;
    return !(words.count && (text_equal(words.at[0], "-l") || text_equal(words.at[0], "-p") ||
                             text_equal(words.at[0], "--long-mode") || text_equal(words.at[0], "--pae")));
}

const struct grub_command grub_commands[] = {
    {"set", command_set},
    {"[", command_test},
    {"test", command_test},
    {"search", grub_command_search},
    {"search.fs_uuid", grub_command_search},
    {"search.fs_label", grub_command_search},
    {"search.file", grub_command_search},
    {"search.fs_file", grub_command_search},
    {"search.part_uuid", grub_command_search},
    {"search.part_label", grub_command_search},
    {"unset", command_unset},
    {"false", command_false},
    {"load_env", command_load_env},
    {"source", command_source},
    {".", command_source},
    {"probe", grub_command_probe},
    {"gptprio.next", grub_command_gptprio},
    {"regexp", command_regexp},
    {"break", command_break},
    {"continue", command_break},
    {"return", command_return},
    {"shift", command_shift},
    {"setparams", command_setparams},
    {"eval", command_eval},
    {"cpuid", command_cpuid},
    {"keystatus", command_false}, /* no key is held */
    {"cmostest", command_false},
    {"lockdown", command_false},
    {"hwmatch", command_false},
    {"cryptomount", command_false}, /* nothing is decrypted here */
    {NULL, NULL},
};
