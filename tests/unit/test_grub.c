/* test_grub.c: grub.cfg: the language as GRUB itself runs it, then menus, devices, limits (config_grub.c, grub_*.c). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "host.h"

#include "bls.h"
#include "expect.h"
#include "grub.h"
#include "grub_cases.h"
#include "grub_script.h"
#include "grub_tree.h"

extern const struct config_dialect config_grub;

static struct config config;
static const struct tree_file no_files[] = {{0, NULL, NULL}};

/* ---- the language ------------------------------------------------------------------------------------------------ */

static struct grub *fresh(void)
{
    static struct config_file file;
    struct grub *g = calloc(1, sizeof *g);
    memset(&config, 0, sizeof config);
    file = (struct config_file){.volumes = &tree_volumes, .name = "(vda1)/grub.cfg"};
    g->config = &config;
    g->of = &file;
    g->name = file.name;
    g->memory = ~0ull;
    g->mute = true;
    return g;
}

static void scripts_mean_what_they_mean_to_grub(void **state)
{
    (void)state;
    u32 wrong = 0;
    for (u32 i = 0; i < ARRAY_COUNT(grub_cases); i++) {
        const struct grub_case *c = &grub_cases[i];
        char script[1024];
        host_reset();
        tree_make(no_files);
        struct grub *g = fresh();
        format_text(script, sizeof script, "%s\n", c->script);
        grub_run_text(g, g->name, text_of(GRUB_CASES_SHOW), 1);
        grub_run_text(g, g->name, text_of(script), 1);
        const char *result = variable_get(&g->variables, text_of("r"));
        bool unknown = strstr(host_log(), "unknown command");
        if (strcmp(result ? result : "", c->result) || (!c->accepted) != (config.problems && !unknown)) {
            print_error("%s\n  gives \"%s\", expected \"%s\"\n  %s\n", c->script, result ? result : "", c->result,
                        host_log());
            wrong++;
        }
        free(g);
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scripts_mean_what_they_mean_to_grub),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
