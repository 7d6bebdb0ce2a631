/* test_arguments.c: the shim's own command line, contract §2. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "host.h"

#include "config.h"

static void assert_text(struct text t, const char *expected)
{
    assert_string_equal(text_copy(t), expected ? expected : "");
}

static void every_argument(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *config, *volume, *default_id, *console, *append; /* NULL: empty */
        u32 timeout;                                                 /* 0: as given by `zero` */
        bool zero;
        u64 rsdp;
        bool lock, quiet, verbose, console_auto;
    } cases[] = {
        {.line = ""},
        {.line = " \t\r\n "},
        {.line = "config=/boot/shim.cfg", .config = "/boot/shim.cfg"},
        {.line = "config=(LABEL=root)/boot/shim.cfg", .config = "(LABEL=root)/boot/shim.cfg"},
        {.line = "volume=vda1", .volume = "vda1"},
        {.line = "volume=PARTUUID=12345678-01", .volume = "PARTUUID=12345678-01"},
        {.line = "default=debian-12", .default_id = "debian-12"},
        {.line = "timeout=0", .zero = true},
        {.line = "timeout=30", .timeout = 30},
        {.line = "timeout=none", .timeout = TIMEOUT_NONE},
        {.line = "console=serial=0x2f8,9600,vga", .console = "serial=0x2f8,9600,vga"},
        {.line = "console=none", .console = "none"},
        {.line = "console=auto", .console_auto = true},
        {.line = "console=vga,auto", .console = "vga,auto", .console_auto = true},
        {.line = "console=serial console=auto", .console = "serial", .console_auto = true},
        {.line = "console=auto console=serial", .console = "serial", .console_auto = true},
        {.line = "rsdp=0xf5a30", .rsdp = 0xf5a30},
        {.line = "rsdp=0x7fffffff0000", .rsdp = 0x7fffffff0000},
        {.line = "lock", .lock = true},
        {.line = "quiet", .quiet = true},
        {.line = "verbose", .verbose = true},
        {.line = "\tlock   quiet\nverbose ", .lock = true, .quiet = true, .verbose = true},
        {.line = "-- root=/dev/vda1 ro", .append = "root=/dev/vda1 ro"},
        {.line = "lock --   a  \"b c\" -- quiet  ", .append = "a  \"b c\" -- quiet", .lock = true},
        {.line = "--", .append = NULL},
        {.line = "-- ", .append = NULL},
        {.line = "--\tx", .append = "x"},
        /* the last one counts */
        {.line = "timeout=3 timeout=4 default=a default=b", .timeout = 4, .default_id = "b"},
        {.line = "config=/a volume=x config=/b", .config = "/b", .volume = "x"},
        /* quotes */
        {.line = "\"config=/other place.cfg\" lock", .config = "/other place.cfg", .lock = true},
        {.line = "config=\"/other place.cfg\" lock", .config = "/other place.cfg", .lock = true},
        {.line = "config=(LABEL=\"my disk\")/shim.cfg", .config = "(LABEL=my disk)/shim.cfg"},
        {.line = "volume=LABEL=\"a b\" default=\"x\"", .volume = "LABEL=a b", .default_id = "x"},
        {.line = "volume=\"LABEL=a\tb", .volume = "LABEL=a\tb"}, /* nothing closes it: to the end */
        {.line = "\"lock\"", .lock = true},
        {.line = "volume=\"--\" lock", .volume = "--", .lock = true},
        /* other people's words */
        {.line = "BOOT_IMAGE=/boot/shim.elf root=/dev/vda rw console=ttyS0,115200 reboot=k panic=-1 pci=off nomodules "
                 "8250.nr_uarts=0 i8042.noaux virtio_mmio.device=4K@0xd0000000:5 init=/sbin/init earlyprintk=ttyS0 ro",
         .console = "ttyS0,115200",
         .append = "virtio_mmio.device=4K@0xd0000000:5"},
        /* where the devices are is passed on, in front of what may end in `--` */
        {.line = "virtio_mmio.device=4K@0xd0000000:5 lock virtio_mmio.device=\"4K@0xd0001000:6\" -- root=/dev/vda -- 1",
         .append = "virtio_mmio.device=4K@0xd0000000:5 virtio_mmio.device=4K@0xd0001000:6 root=/dev/vda -- 1",
         .lock = true},
        {.line = "virtio_mmio.device=\"4K@0xd0000000:5 \" -- \t", .append = "virtio_mmio.device=4K@0xd0000000:5"},
        {.line = "-- x virtio_mmio.device=4K@0xd0000000:5", .append = "x virtio_mmio.device=4K@0xd0000000:5"},
        {.line = "virtio_mmio.device= virtio_mmio.device", .append = NULL},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        struct arguments a;
        host_reset();
        memset(&a, 0x55, sizeof a);
        arguments_read(&a, cases[i].line);
        assert_string_equal(host_log(), "");
        assert_text(a.config, cases[i].config);
        assert_text(a.volume, cases[i].volume);
        assert_text(a.default_id, cases[i].default_id);
        assert_text(a.console, cases[i].console);
        assert_text(a.append, cases[i].append);
        assert_int_equal(a.timeout, cases[i].zero || cases[i].timeout ? cases[i].timeout : TIMEOUT_UNSET);
        assert_int_equal(a.rsdp, cases[i].rsdp);
        assert_int_equal(a.lock, cases[i].lock);
        assert_int_equal(a.console_auto, cases[i].console_auto);
        assert_int_equal(a.quiet, cases[i].quiet);
        assert_int_equal(a.verbose, cases[i].verbose);
    }
}

static void mistakes_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *line, *log;
    } cases[] = {
        {"confg=/x", "unknown argument \"confg\"; did you mean \"config\"?"},
        {"Quiet", "unknown argument \"Quiet\"; did you mean \"quiet\"?"},
        {"lok", "unknown argument \"lok\"; did you mean \"lock\"?"},
        {"time-out=7", "unknown argument \"time-out\"; did you mean \"timeout\"?"},
        {"consol=vga", "unknown argument \"consol\"; did you mean \"console\"?"},
        {"entirely", "unknown argument \"entirely\""},
        {"/boot/shim.elf", NULL}, /* a name with a dot; loaders that give one have it cut off already */
        {"\"\"", "unknown argument \"\""},
        {"=", "unknown argument \"\""},
        {"---", "unknown argument \"---\""},
        {"--x", "unknown argument \"--x\""},
        {"timeout", "argument timeout: expected a number of seconds or none"},
        {"timeout=", "argument timeout=: expected a number of seconds or none"},
        {"timeout=soon", "argument timeout=soon: expected a number of seconds or none"},
        {"timeout=-1", "argument timeout=-1: expected a number of seconds or none"},
        {"timeout=5s", "argument timeout=5s: expected a number of seconds or none"},
        {"timeout=4294967294", "argument timeout=4294967294: expected a number of seconds or none"},
        {"timeout=99999999999999999999", "argument timeout=99999999999999999999: expected a number of seconds or none"},
        {"rsdp", "argument rsdp: expected a physical address like 0xf5a30"},
        {"rsdp=0", "argument rsdp=0: expected a physical address like 0xf5a30"},
        {"rsdp=0xgg", "argument rsdp=0xgg: expected a physical address like 0xf5a30"},
        {"config", "argument config: expected a value"},
        {"config=", "argument config=: expected a value"},
        {"volume=\"\"", "argument volume=: expected a value"},
        {"default=", "argument default=: expected a value"},
        {"console=", "argument console=: expected a value"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        struct arguments a;
        char expected[300] = "";
        host_reset();
        arguments_read(&a, cases[i].line);
        if (cases[i].log)
            format_text(expected, sizeof expected, "shim: warning: %s\n", cases[i].log);
        assert_string_equal(host_log(), expected);
        assert_true(!a.config.len && !a.volume.len && !a.default_id.len && !a.console.len && !a.append.len);
        assert_true(a.timeout == TIMEOUT_UNSET && !a.rsdp && !a.lock && !a.quiet && !a.verbose);
    }
    struct arguments a;
    host_reset();
    arguments_read(&a, "bogus timeout=x timeout=3 lock=1 -- bogus");
    assert_string_equal(host_log(),
                        "shim: warning: unknown argument \"bogus\"\n"
                        "shim: warning: argument timeout=x: expected a number of seconds or none\n"
                        "shim: warning: argument lock=1: expected no value\n");
    assert_int_equal(a.timeout, 3);
    assert_true(a.lock);
    assert_text(a.append, "bogus");
}

static void finding_one_value(void **state)
{
    (void)state;
    static const struct {
        const char *line, *value;
    } cases[] = {
        {"rsdp=0x10", "0x10"},
        {"a b=c rsdp=1 rsdp=2 x", "2"},
        {"xrsdp=1 rsdpx=2 rsdp", NULL},
        {"quiet -- rsdp=1", NULL},
        {"rsdp=1 -- rsdp=2", "1"},
        {"\"rsdp=0x10\"", "0x10"},
        {"rsdp=\"0x10\"", "0x10"},
        {"config=\"a rsdp=1 b\"", NULL},
        {"rsdp=", ""},
        {"", NULL},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        host_reset();
        assert_text(argument_find(cases[i].line, "rsdp"), cases[i].value);
        assert_string_equal(host_log(), "");
    }
}

static void very_long_lines(void **state)
{
    (void)state;
    static char line[65536];
    struct arguments a;
    host_reset();
    memset(line, 'x', sizeof line - 1);
    arguments_read(&a, line);
    assert_non_null(strstr(host_log(), "unknown argument \"xxx"));
    host_reset();
    memcpy(line, "config=/", 8);
    memcpy(line + 60000, " -- ", 4);
    arguments_read(&a, line);
    assert_int_equal(a.config.len, 60000 - 7);
    assert_int_equal(a.append.len, 65535 - 60004);
    host_reset();
    for (u32 i = 0; i < sizeof line - 1; i++)
        line[i] = i % 2 ? ' ' : 'y';
    arguments_read(&a, line);
    assert_int_equal(a.append.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_argument),
        cmocka_unit_test(mistakes_are_told),
        cmocka_unit_test(finding_one_value),
        cmocka_unit_test(very_long_lines),
    };
    return cmocka_run_group_tests_name("arguments", tests, NULL, NULL);
}
