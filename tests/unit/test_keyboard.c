/* test_keyboard.c: scancodes → keys, an i8042 that can also lie, and the BIOS's INT 16h (keyboard.c, scancode.c,
 * keyboard_bios.c). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_acpi.h"
#include "fake_int13.h"

#include "boot_info.h"
#include "console.h"
#include "keyboard.h"

#define TICKS_PER_MS 1000000u
#define KEYS_MAX 12u

extern const struct console console_keyboard;

/* ---- scancodes --------------------------------------------------------------------------------------------------- */

static void assert_keys(const u32 *keys, u32 count, const u32 *expected)
{
    u32 n = 0;
    while (n < KEYS_MAX && expected[n])
        n++;
    assert_int_equal(count, n);
    for (u32 i = 0; i < n; i++)
        assert_int_equal(keys[i], expected[i]);
}

static void scancodes(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        u32 keys[KEYS_MAX];
    } cases[] = {
        {"\x1e\x9e\x30\xb0\x02\x82", {'a', 'b', '1'}},
        {"\x29\x0c\x0d\x1a\x1b\x2b\x27\x28\x33\x34\x35", {'`', '-', '=', '[', ']', '\\', ';', '\'', ',', '.', '/'}},
        {"\x2a\x29\x0c\x0d\x1a\x1b\x2b\x27\x28\x33\x34\x35",
         {'~', '_', '+', '{', '}', '|', ':', '"', '<', '>', '?'}},
        {"\x36\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b", {'!', '@', '#', '$', '%', '^', '&', '*', '(', ')'}},
        {"\x10\x19\x1e\x26\x2c\x32\x39\x37", {'q', 'p', 'a', 'l', 'z', 'm', ' ', '*'}},
        {"\x56\x2a\x56", {'\\', '|'}},
        {"\x1c\x01\x0e\x0f", {KEY_ENTER, KEY_ESCAPE, KEY_BACKSPACE, KEY_TAB}},
        {"\x1e\x1e\x1e\x9e", {'a', 'a', 'a'}}, /* repeats */
        /* modifiers */
        {"\x2a\x1e\xaa\x1e", {'A', 'a'}},
        {"\x2a\x36\xaa\x1e\xb6\x1e", {'A', 'a'}}, /* one of two let go */
        {"\x1d\x1e\x2c\x9d\x1e", {KEY_CTRL('A'), KEY_CTRL('Z'), 'a'}},
        {"\xe0\x1d\x2e\xe0\x9d\x2e", {KEY_CTRL('C'), 'c'}},
        {"\x1d\x2a\x1e", {KEY_CTRL('A')}},
        {"\x1d\x24\x32\x23\x17\x1a", {KEY_ENTER, KEY_ENTER, KEY_BACKSPACE, KEY_TAB, KEY_ESCAPE}}, /* J M H I [ */
        {"\x1d\x1c\x0e\x02\x39", {KEY_ENTER, KEY_BACKSPACE, KEY_UNKNOWN, KEY_UNKNOWN}},
        {"\x38\x30\x21\x1e\xb8\x30", {KEY_WORD_LEFT, KEY_WORD_RIGHT, KEY_UNKNOWN, 'b'}},
        {"\xe0\x38\x30\xe0\xb8", {KEY_WORD_LEFT}},
        {"\x1d\x38\x1e", {KEY_UNKNOWN}},
        {"\x3a\xba\x1e\x02\x2a\x1e\xaa\x3a\x1e", {'A', '1', 'a', 'a'}},
        {"\x3a\x3a\x3a\xba\x1e", {'A'}}, /* a lock that is held repeats */
        /* the keypad */
        {"\x47\x48\x49\x4b\x4d\x4f\x50\x51\x52\x53",
         {KEY_HOME, KEY_UP, KEY_PAGE_UP, KEY_LEFT, KEY_RIGHT, KEY_END, KEY_DOWN, KEY_PAGE_DOWN, KEY_INSERT,
          KEY_DELETE}},
        {"\x45\xc5\x47\x48\x49\x4b\x4c\x4d\x4f\x50\x51", {'7', '8', '9', '4', '5', '6', '1', '2', '3'}},
        {"\x45\xc5\x52\x53\x2a\x48\xaa\x1d\x4b", {'0', '.', KEY_UP, KEY_WORD_LEFT}},
        {"\x2a\x48\xaa\x4c\x4a\x4e", {'8', KEY_UNKNOWN, '-', '+'}},
        {"\xe0\x1c\xe0\x9c\xe0\x35", {KEY_ENTER, '/'}},
        /* grey keys, and the shifts that keyboards make up for them */
        {"\xe0\x48\xe0\xc8\xe0\x50\xe0\x4b\xe0\x4d", {KEY_UP, KEY_DOWN, KEY_LEFT, KEY_RIGHT}},
        {"\xe0\x47\xe0\x4f\xe0\x49\xe0\x51\xe0\x52\xe0\x53",
         {KEY_HOME, KEY_END, KEY_PAGE_UP, KEY_PAGE_DOWN, KEY_INSERT, KEY_DELETE}},
        {"\xe0\x2a\xe0\x48\xe0\xc8\xe0\xaa\x1e", {KEY_UP, 'a'}},
        {"\x45\xc5\xe0\x2a\xe0\x48\xe0\xb6\xe0\x36\x1e", {KEY_UP, 'a'}},
        {"\x1d\xe0\x4b\xe0\x4d\xe0\x48\x9d\x38\xe0\x4b", {KEY_WORD_LEFT, KEY_WORD_RIGHT, KEY_UP, KEY_WORD_LEFT}},
        /* what means nothing */
        {"\x3b\x58\x54\x7f", {KEY_UNKNOWN, KEY_UNKNOWN, KEY_UNKNOWN, KEY_UNKNOWN}},
        {"\xe0\x5b\xe0\x5e\xe0\x4a\xe0\x4c\xe0\x1e", {KEY_UNKNOWN, KEY_UNKNOWN, KEY_UNKNOWN, KEY_UNKNOWN, KEY_UNKNOWN}},
        {"\xe1\x1d\x45\xe1\x9d\xc5\x1e", {KEY_UNKNOWN, 'a'}}, /* Pause: no Ctrl, no Num Lock */
        {"\x46\xc6\x2a\xaa\x38\xb8", {0}},
        {"\xfa\xfe\xff\xaa\xfc\xee\x1e", {'a'}}, /* answers and errors */
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        struct scancode_decoder d = {0};
        u32 keys[KEYS_MAX], n = 0;
        for (const char *p = cases[i].bytes; *p; p++) {
            u32 key = scancode_decode(&d, (u8)*p);
            assert_true(n < KEYS_MAX);
            if (key)
                keys[n++] = key;
        }
        assert_int_equal(scancode_decode(&d, 0), KEY_NONE); /* more keys than fit */
        assert_keys(keys, n, cases[i].keys);
    }
}

/* ---- the controller ---------------------------------------------------------------------------------------------- */

static struct {
    bool there;
    u8 command_byte, sticky; /* bits of it that cannot be changed */
    bool deaf, stuck, endless;
    u8 intruder;             /* a scancode that comes before the first answer */
    u32 late_ms;             /* how long an answer takes */
    u8 answer[8];
    u32 answers;
    u64 answer_at;
    u8 command;
    u32 writes, enables, accesses;
} chip;

static struct {
    u8 mask;
    u32 calls, masked_calls; /* of the BIOS, while IRQ 1 was masked */
} pic;

static struct key_byte {
    u8 raw, translated;
    bool mouse;
} typed[80];
static u32 typed_count, typed_at;

static void type(u8 raw, u8 translated)
{
    typed[typed_count++] = (struct key_byte){raw, translated, false};
}

static bool answer_waits(void)
{
    return chip.answers && host_ticks >= chip.answer_at;
}

static bool key_waits(void)
{
    return typed_at < typed_count && !(chip.command_byte & (typed[typed_at].mouse ? 0x20 : 0x10));
}

static u32 chip_in(u16 port)
{
    if (!chip.there)
        return 0xff;
    if (port == 0x64) {
        u32 status = 0x14 | (chip.stuck ? 2 : 0);
        if (chip.endless || answer_waits())
            return status | 1;
        return key_waits() && !chip.answers ? status | 1 | (typed[typed_at].mouse ? 0x20 : 0) : status;
    }
    if (answer_waits()) {
        u8 byte = chip.answer[0];
        memmove(chip.answer, chip.answer + 1, --chip.answers);
        return byte;
    }
    if (chip.endless)
        return 0x1c;
    if (!key_waits())
        return 0;
    const struct key_byte *byte = &typed[typed_at++];
    return chip.command_byte & 0x40 ? byte->translated : byte->raw;
}

static void chip_answer(u8 byte)
{
    if (chip.intruder) {
        chip.answer[chip.answers++] = chip.intruder;
        chip.intruder = 0;
    }
    chip.answer[chip.answers++] = byte;
    chip.answer_at = host_ticks + (u64)chip.late_ms * TICKS_PER_MS;
}

static void chip_out(u16 port, u8 value)
{
    assert_false(chip.stuck); /* nobody takes it */
    chip.writes++;
    if (port == 0x64 && value == 0x20 && !chip.deaf)
        chip_answer(chip.command_byte);
    if (port == 0x64)
        chip.command = value;
    else if (chip.command == 0x60)
        chip.command_byte = (u8)((chip.command_byte & chip.sticky) | (value & ~chip.sticky));
    else
        assert_int_equal(value, 0xf4); /* nothing else is sent to the keyboard */
    chip.enables += port == 0x60 && chip.command != 0x60;
    if (port == 0x60)
        chip.command = 0;
}

static u32 port_in(u16 port, u32 width)
{
    (void)width;
    if (port == 0x21)
        return pic.mask;
    if (port != 0x60 && port != 0x64)
        return 0xff;
    assert_true(++chip.accesses < 1000000);
    return chip_in(port);
}

static void port_out(u16 port, u32 value, u32 width)
{
    (void)width;
    if (port == 0x60 || port == 0x64)
        chip_out(port, (u8)value);
    if (port != 0x21)
        return;
    if (value & 2)
        pic.calls = fake_bios.calls;
    else
        pic.masked_calls += fake_bios.calls - pic.calls;
    pic.mask = (u8)value;
}

static struct boot_info boot;

/* A machine with an i8042 whose command byte is that; bios: there is one, with INT 16h. */
static void machine(u8 command_byte, bool bios)
{
    fake_bios_reset(0);
    if (!bios)
        host_poke(0xffff0, "\0\0\0\0\0", 5);
    host_machine.in = port_in;
    host_machine.out = port_out;
    host_machine.relax = NULL;
    memset(&chip, 0, sizeof chip);
    memset(&pic, 0, sizeof pic);
    pic.mask = 0xb8;
    chip.there = true;
    chip.command_byte = command_byte;
    typed_count = typed_at = 0;
    boot = (struct boot_info){.memory = {.count = 1, .range = {{.base = 0x1000, .size = 0x9e000}}}};
    boot.memory.range[0].type = MEM_USABLE;
}

static bool keyboard_open(void)
{
    return console_keyboard.open(&boot, text_of(NULL), false);
}

static void assert_typed(const u32 *expected)
{
    u32 keys[KEYS_MAX], n = 0;
    for (u32 i = 0; i < 40; i++) {
        u32 key = console_keyboard.key();
        assert_true(n < KEYS_MAX);
        if (key)
            keys[n++] = key;
    }
    assert_keys(keys, n, expected);
}

/* a, b, Up, with a mouse in between. */
static void type_some(bool mouse)
{
    static const struct key_byte some[] = {
        {0x1c, 0x1e, false}, {0xf0, 0xf0, true}, {0x1c, 0x9e, false}, {0x1c, 0x30, true}, {0x32, 0x30, false},
        {0x1e, 0x1e, true},  {0xe0, 0xe0, false}, {0x48, 0x48, true}, {0x75, 0x48, false},
    };
    for (u32 i = 0; i < ARRAY_COUNT(some); i++)
        if (mouse || !some[i].mouse)
            typed[typed_count++] = some[i];
}

static void controllers_as_they_are_found(void **state)
{
    (void)state;
    static const struct {
        u8 found, used;
        u32 enables;
    } cases[] = {
        {0x47, 0x47, 0}, {0x65, 0x65, 0}, {0x44, 0x44, 0},
        {0x07, 0x47, 0}, {0x34, 0x64, 1}, {0x57, 0x47, 1}, {0x30, 0x60, 1},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++)
        for (u32 late = 0; late < 2; late++) {
            machine(cases[i].found, false);
            chip.late_ms = late * 20;
            assert_true(keyboard_open());
            assert_int_equal(chip.writes, 0); /* nothing is touched before keys are asked for */
            assert_int_equal(console_keyboard.key(), KEY_NONE);
            assert_int_equal(chip.command_byte, cases[i].used);
            assert_int_equal(chip.enables, cases[i].enables);
            type_some(!(cases[i].used & 0x20));
            assert_typed((const u32[KEYS_MAX]){'a', 'b', KEY_UP});
            type(0x1c, 0x1e);
            console_keyboard.leave();
            assert_int_equal(chip.command_byte, cases[i].found);
            assert_false(key_waits());
            /* and once more: a boot that failed */
            type(0x32, 0x30);
            assert_int_equal(console_keyboard.key(), cases[i].found & 0x50 ? 'b' : KEY_NONE);
            console_keyboard.leave();
            assert_int_equal(chip.command_byte, cases[i].found);
        }
}

static void keys_that_were_there_before(void **state)
{
    (void)state;
    machine(0x47, false);
    keyboard_open();
    type_some(true);
    assert_typed((const u32[KEYS_MAX]){'a', 'b', KEY_UP});
    /* more of them than are kept, in a row */
    machine(0x47, false);
    keyboard_open();
    for (u32 i = 0; i < 8; i++)
        type(0x1c, 0x1e);
    assert_typed((const u32[KEYS_MAX]){'a', 'a', 'a', 'a'});
}

static void a_key_in_between(void **state)
{
    (void)state;
    machine(0x07, false);
    keyboard_open();
    chip.intruder = 0x1e;
    assert_int_equal(console_keyboard.key(), KEY_NONE);
    assert_int_equal(chip.command_byte, 0x47);
    type(0x32, 0x30);
    assert_typed((const u32[KEYS_MAX]){'b'});
    console_keyboard.leave();
    assert_int_equal(chip.command_byte, 0x07);
}

static void controllers_that_lie(void **state)
{
    (void)state;
    for (u32 lie = 0; lie < 6; lie++)
        for (u32 bios = 0; bios < 2; bios++) {
            machine(lie == 4 ? 0x07 : lie == 5 ? 0x57 : 0x47, bios);
            chip.there = lie != 0;
            chip.stuck = lie == 1;
            chip.endless = lie == 2;
            chip.deaf = lie == 3;
            chip.sticky = lie == 4 ? 0x40 : lie == 5 ? 0x10 : 0;
            u8 before = chip.command_byte;
            assert_int_equal(keyboard_open(), lie || bios);
            fake_bios_type(0x1e61);
            u64 start = host_ticks;
            assert_typed((const u32[KEYS_MAX]){bios ? 'a' : 0});
            console_keyboard.leave();
            assert_true(host_ticks - start < 500ull * TICKS_PER_MS);
            assert_int_equal(chip.command_byte, before);
            u32 accesses = chip.accesses;
            assert_typed((const u32[KEYS_MAX]){0});
            assert_int_equal(chip.accesses, accesses); /* it is not asked again */
            assert_null(fake_bios.fault);
        }
}

/* One that works first: then keys without a pause, or nobody at all. */
static void controllers_that_break(void **state)
{
    (void)state;
    for (u32 bios = 0; bios < 2; bios++) {
        machine(0x47, bios);
        keyboard_open();
        assert_int_equal(console_keyboard.key(), KEY_NONE);
        chip.endless = true;
        u32 keys = 0;
        for (u32 i = 0; i < 10000; i++)
            keys += console_keyboard.key() != KEY_NONE;
        assert_in_range(keys, 1, 1000);
        machine(0x47, bios);
        keyboard_open();
        assert_int_equal(console_keyboard.key(), KEY_NONE);
        chip.there = false;
        assert_typed((const u32[KEYS_MAX]){0});
        console_keyboard.leave();
        assert_typed((const u32[KEYS_MAX]){0});
    }
}

static void what_the_fadt_says(void **state)
{
    (void)state;
    static const struct {
        u8 revision, flags;
        u32 size;
        bool used;
    } cases[] = {{3, 2, 244, true}, {3, 0, 244, false}, {6, 1, 276, false}, {1, 0, 116, true}, {3, 0, 110, true}};
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        u8 fadt[276] = {0};
        machine(0x47, false);
        fadt[109 - 36] = cases[i].flags;
        fake_acpi_begin(0x200000, 8);
        u64 at = fake_acpi_add("FACP", fadt, cases[i].size - 36, true);
        *(u8 *)mem_at(at + 8, 1) = cases[i].revision;
        fake_acpi_sum(at, cases[i].size, 9);
        fake_acpi_end();
        boot.rsdp = FAKE_RSDP;
        keyboard_open();
        type(0x1c, 0x1e);
        assert_int_equal(console_keyboard.key(), cases[i].used ? 'a' : KEY_NONE);
        assert_int_equal(chip.writes > 0, cases[i].used);
    }
}

/* ---- the BIOS ---------------------------------------------------------------------------------------------------- */

static void keys_of_the_bios(void **state)
{
    (void)state;
    static const struct {
        u16 ax;
        u32 key;
    } cases[] = {
        {0x1e61, 'a'}, {0x1e41, 'A'}, {0x1e01, KEY_CTRL('A')}, {0x0231, '1'}, {0x3920, ' '}, {0x297e, '~'},
        {0x1c0d, KEY_ENTER}, {0xe00d, KEY_ENTER}, {0x1c0a, KEY_ENTER}, {0xe02f, '/'}, {0x011b, KEY_ESCAPE},
        {0x0e08, KEY_BACKSPACE}, {0x0e7f, KEY_BACKSPACE}, {0x0f09, KEY_TAB},
        {0x48e0, KEY_UP}, {0x4800, KEY_UP}, {0x8de0, KEY_UP}, {0x9800, KEY_UP}, {0x50e0, KEY_DOWN},
        {0x4be0, KEY_LEFT}, {0x4d00, KEY_RIGHT}, {0x47e0, KEY_HOME}, {0x4fe0, KEY_END}, {0x7500, KEY_END},
        {0x49e0, KEY_PAGE_UP}, {0x51e0, KEY_PAGE_DOWN}, {0x52e0, KEY_INSERT}, {0x53e0, KEY_DELETE},
        {0x73e0, KEY_WORD_LEFT}, {0x7400, KEY_WORD_RIGHT}, {0x9b00, KEY_WORD_LEFT}, {0x9d00, KEY_WORD_RIGHT},
        {0x3000, KEY_WORD_LEFT}, {0x2100, KEY_WORD_RIGHT},
        {0x3b00, KEY_UNKNOWN}, {0x85e0, KEY_UNKNOWN}, {0x1e00, KEY_UNKNOWN}, {0x0000, KEY_UNKNOWN},
        {0x00e4, KEY_UNKNOWN}, {0x00e0, KEY_UNKNOWN}, {0x2b1c, KEY_UNKNOWN}, {0x071e, KEY_UNKNOWN},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++)
        assert_int_equal(bios_key_of(cases[i].ax), cases[i].key);
}

static void the_bios_is_asked(void **state)
{
    (void)state;
    machine(0, true);
    chip.there = false;
    assert_true(keyboard_open());
    assert_int_equal(fake_bios.calls, 0);
    for (u32 i = 0; i < 100; i++)
        assert_int_equal(console_keyboard.key(), KEY_NONE);
    assert_in_range(fake_bios.key_calls, 1, 3); /* not each time */
    fake_bios.keys[fake_bios.key_count++] = 0x1e61; /* which only its timer finds */
    host_ticks += 20 * TICKS_PER_MS;
    assert_int_equal(console_keyboard.key(), 'a');
    for (u16 i = 0; i < 5; i++)
        fake_bios_type((u16)(0x1e00 | ('a' + i)));
    for (u32 i = 0; i < 5; i++)
        assert_int_equal(console_keyboard.key(), 'a' + i); /* what waits comes at once */
    assert_int_equal(console_keyboard.key(), KEY_NONE);
    assert_null(fake_bios.fault);
    /* a module has come to where it was called from */
    u64 low = fake_bios.low;
    console_keyboard.leave();
    boot.module[0] = (struct module){low, 0x1000, ""};
    boot.module_count = 1;
    fake_bios_type(0x48e0);
    assert_int_equal(console_keyboard.key(), KEY_UP);
    assert_false(ranges_overlap(fake_bios.low, 0x2000, low, 0x1000));
    assert_null(fake_bios.fault);
    /* nowhere to call it from */
    console_keyboard.leave();
    boot.memory.count = 0;
    u32 calls = fake_bios.calls;
    assert_int_equal(console_keyboard.key(), KEY_NONE);
    assert_int_equal(fake_bios.calls, calls);
    assert_int_equal(pic.masked_calls, 0);
}

/* Both work: keys of either, and the BIOS does not take what comes from the i8042. */
static void the_bios_has_another_keyboard(void **state)
{
    (void)state;
    machine(0x47, true);
    keyboard_open();
    assert_int_equal(console_keyboard.key(), KEY_NONE);
    assert_int_equal(fake_bios.calls, 0); /* one poll is not worth a call, nor the clock's calibration */
    type(0x1c, 0x1e);
    fake_bios_type(0x3062);
    assert_typed((const u32[KEYS_MAX]){'a', 'b'});
    fake_bios.keys[fake_bios.key_count++] = 0x2e63;
    host_ticks += 20 * TICKS_PER_MS;
    type(0x23, 0x20);
    assert_typed((const u32[KEYS_MAX]){'d', 'c'});
    assert_true(fake_bios.calls > 2);
    assert_int_equal(pic.masked_calls, fake_bios.calls);
    assert_int_equal(pic.mask, 0xb8);
    assert_null(fake_bios.fault);
}

/* Locks are as the BIOS shows them. */
static void locks_of_the_bios(void **state)
{
    (void)state;
    machine(0x47, true);
    host_poke(0x417, "\x60", 1);
    keyboard_open();
    assert_int_equal(console_keyboard.key(), KEY_NONE);
    type(0x1c, 0x1e);
    type(0x75, 0x48);
    assert_typed((const u32[KEYS_MAX]){'A', '8'});
    machine(0x47, false);
    host_poke(0x417, "\x60", 1);
    keyboard_open();
    type(0x1c, 0x1e);
    assert_typed((const u32[KEYS_MAX]){'a'});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scancodes),
        cmocka_unit_test(controllers_as_they_are_found),
        cmocka_unit_test(keys_that_were_there_before),
        cmocka_unit_test(a_key_in_between),
        cmocka_unit_test(controllers_that_lie),
        cmocka_unit_test(controllers_that_break),
        cmocka_unit_test(what_the_fadt_says),
        cmocka_unit_test(keys_of_the_bios),
        cmocka_unit_test(the_bios_is_asked),
        cmocka_unit_test(the_bios_has_another_keyboard),
        cmocka_unit_test(locks_of_the_bios),
    };
    return cmocka_run_group_tests_name("keyboard", tests, NULL, NULL);
}
