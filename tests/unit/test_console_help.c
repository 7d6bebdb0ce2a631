/* test_console_help.c: which command lines leave a user in the dark, and what is added to them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "host.h"

#include "console_help.h"
#include "expect.h"

#define SERIAL {0x3f8, 115200, false, false}
#define SCREEN {0, 0, false, true}
#define BOTH {0x2f8, 9600, true, true}

static void missing_consoles(void **state)
{
    (void)state;
    static const struct {
        const char *cmdline;
        struct console_user user;
        const char *missing;
    } cases[] = {
        {"", SERIAL, "console=ttyS0,115200n8"},
        {"root=/dev/vda1 ro quiet", SERIAL, "console=ttyS0,115200n8"},
        {"console=ttyS0", SERIAL, NULL},
        {"ro console=ttyS0,9600n8 quiet", SERIAL, NULL},
        {"console=tty0", SERIAL, "console=ttyS0,115200n8"},
        {"console=tty1 console=ttyS1", SERIAL, "console=ttyS0,115200n8"},
        {"console=ttyS1,115200 console=ttyS0", SERIAL, NULL},
        {"console=ttyS9", SERIAL, "console=ttyS0,115200n8"},
        {"console=ttyS", SERIAL, NULL},
        {"console=ttyAMA0", SERIAL, NULL},
        {"console=hvc0", SERIAL, NULL},
        {"console=null", SERIAL, NULL},
        {"console=", SERIAL, NULL},
        {"console=uart8250,io,0x3f8,115200n8", SERIAL, NULL},
        {"console=uart,io,0x2f8", SERIAL, "console=ttyS0,115200n8"},
        {"console=uart8250,mmio,0xfe000000", SERIAL, NULL},
        {"earlycon=uart8250,io,0x3f8 earlyprintk=ttyS0 xconsole=ttyS0", SERIAL, "console=ttyS0,115200n8"},
        {"x=\"a console=ttyS0\"", SERIAL, "console=ttyS0,115200n8"},
        {"\"console=ttyS0\"", SERIAL, NULL}, /* as Linux's next_arg */
        {"console=\"tty0\"", SERIAL, "console=ttyS0,115200n8"},
        {"quiet -- console=ttyS0", SERIAL, "console=ttyS0,115200n8"},
        {"quiet --- console=ttyS0", SERIAL, NULL},
        {"quiet", SCREEN, NULL},
        {"console=ttyS0", SCREEN, "console=tty0"},
        {"console=ttyS0 console=tty1", SCREEN, NULL},
        {"quiet", BOTH, "console=tty0 console=ttyS1,9600n8"},
        {"console=tty0", BOTH, NULL},
        {"console=ttyS1", BOTH, NULL},
        {"console=ttyS0", BOTH, "console=tty0 console=ttyS1,9600n8"},
        {"", {0x3e8, 0, false, false}, "console=ttyS2"},
        {"", {0x2f0, 57600, false, false}, "console=uart8250,io,0x2f0,57600n8"},
        {"console=uart8250,io,0x2f0", {0x2f0, 57600, false, false}, NULL},
        {"", {0, 0, false, false}, NULL},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        host_reset();
        const char *missing = console_missing(cases[i].cmdline, &cases[i].user);
        if (strcmp(missing ? missing : "", cases[i].missing ? cases[i].missing : ""))
            FAILED("%s: %s", cases[i].cmdline, missing ? missing : "nothing missing");
    }
}

static void where_it_is_added(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "X"},
        {"ro quiet", "ro quiet X"},
        {"ro quiet  ", "ro quiet X  "},
        {"ro -- single", "ro X -- single"},
        {"-- single -- x", "X -- single -- x"},
        {"ro --- quiet", "ro --- quiet X"},
        {"a=\" -- \" b", "a=\" -- \" b X"},
        {"ro --", "ro X --"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        host_reset();
        assert_string_equal(console_insert(cases[i][0], "X"), cases[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_consoles),
        cmocka_unit_test(where_it_is_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
