/* test_screen.c: screen.c, seen through a serial port: what is sent, byte by byte, and what a terminal makes of it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "host.h"

#include "screen.h"

static char sent[65536];
static u32 sent_count;
static u8 ier, scratch, lcr;

static u32 port_in(u16 port, u32 width)
{
    (void)width;
    switch (port) {
    case 0x3f8:
        return 1;
    case 0x3f9:
        return lcr & 0x80 ? 0 : ier;
    case 0x3fa:
        return 0xc1;
    case 0x3fb:
        return lcr;
    case 0x3fd:
        return 0x60;
    case 0x3ff:
        return scratch;
    }
    return 0xff;
}

static void port_out(u16 port, u32 value, u32 width)
{
    (void)width;
    if (port == 0x3f8 && !(lcr & 0x80)) {
        assert_true(sent_count < sizeof sent - 1);
        sent[sent_count++] = (char)value;
        sent[sent_count] = 0;
    } else if (port == 0x3f9 && !(lcr & 0x80)) {
        ier = (u8)value;
    } else if (port == 0x3fb) {
        lcr = (u8)value;
    } else if (port == 0x3ff) {
        scratch = (u8)value;
    }
}

static void forget_sent(void)
{
    sent_count = 0;
    sent[0] = 0;
}

static void begin(void)
{
    static const struct boot_info boot;
    host_reset();
    host_machine.in = port_in;
    host_machine.out = port_out;
    consoles_open(&boot, text_of("serial"));
    screen_begin();
    forget_sent();
}

static void show(const char *expected)
{
    forget_sent();
    screen_show();
    assert_string_equal(sent, expected);
}

static void text(u32 row, u32 column, enum attribute attribute, const char *t)
{
    screen_text(row, column, attribute, text_of(t));
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

static void sizes(void **state)
{
    (void)state;
    begin();
    assert_int_equal(screen_rows(), 24);
    assert_int_equal(screen_columns(), 80);
}

static void only_changes_are_sent(void **state)
{
    (void)state;
    begin();
    show("");
    text(0, 0, ATTR_NORMAL, "Title");
    text(2, 3, ATTR_NORMAL, "one two");
    show("\033[1;1HTitle\033[3;4Hone two");
    show("");
    screen_erase(); /* the same picture anew */
    text(2, 3, ATTR_NORMAL, "one two");
    text(0, 0, ATTR_NORMAL, "Title");
    show("");
    text(2, 7, ATTR_NORMAL, "ten");
    show("\033[3;9Hen"); /* the t is there */
    screen_erase();
    text(0, 0, ATTR_NORMAL, "Tidy");
    show("\033[1;3Hdy \033[3;4H       ");
    screen_end();
    screen_begin(); /* and nothing is known of what it shows then */
    text(0, 0, ATTR_NORMAL, "Tidy");
    show("\033[1;1HTidy");
}

static void short_gaps_are_sent_again(void **state)
{
    (void)state;
    begin();
    text(1, 0, ATTR_NORMAL, "a......b.......c");
    screen_show();
    text(1, 0, ATTR_NORMAL, "A......B.......C");
    show("\033[2;1HA......B\033[2;16HC");
    text(1, 7, ATTR_BOLD, "B");
    screen_show();
    text(1, 0, ATTR_NORMAL, "x.......y"); /* a gap in another attribute would cost more */
    text(1, 7, ATTR_BOLD, "B");
    show("\033[2;1Hx\033[2;9Hy");
}

static void attributes(void **state)
{
    (void)state;
    begin();
    text(0, 0, ATTR_BOLD, "bold");
    text(0, 5, ATTR_DIM, "dim");
    show("\033[1;1H\033[0;1mbold \033[0;2mdim\033[0m");
    text(3, 0, ATTR_BOLD, "two words"); /* blanks look alike but in reverse */
    show("\033[4;1H\033[0;1mtwo words\033[0m");
    text(4, 0, ATTR_REVERSE, "a b");
    text(4, 3, ATTR_NORMAL, " c");
    show("\033[5;1H\033[0;7ma b\033[5;5H\033[0mc");
    text(0, 0, ATTR_NORMAL, "bold");
    show("\033[1;1Hbold");
    screen_fill(1, 0, ATTR_BOLD);
    screen_fill(2, 0, ATTR_DIM);
    show("");
    screen_fill(1, 78, ATTR_REVERSE);
    show("\033[2;79H\033[0;7m  \033[0m");
}

static void edges(void **state)
{
    (void)state;
    begin();
    assert_int_equal(screen_text(3, 78, ATTR_NORMAL, text_of("abc")), 80);
    assert_int_equal(screen_text(3, 80, ATTR_NORMAL, text_of("abc")), 80);
    assert_int_equal(screen_text(3, 4000000000u, ATTR_NORMAL, text_of("abc")), 4000000000u);
    assert_int_equal(screen_text(24, 5, ATTR_NORMAL, text_of("abc")), 5);
    assert_int_equal(screen_text(5, 5, ATTR_NORMAL, (struct text){NULL, 0}), 5);
    screen_fill(24, 0, ATTR_REVERSE);
    screen_fill(0, 80, ATTR_REVERSE);
    show("\033[4;79Hab");
    text(23, 77, ATTR_NORMAL, "xyz"); /* the last cell of all would scroll some terminals */
    show("\033[24;78Hxy");
    show("");
    assert_int_equal(screen_print(4, 2, ATTR_NORMAL, "%s %u", "n", 12), 6);
    show("\033[5;3Hn 12");
}

static void cursor(void **state)
{
    (void)state;
    begin();
    screen_cursor(3, 4);
    show("\033[4;5H\033[?25h");
    show("");
    text(0, 0, ATTR_NORMAL, "a");
    show("\033[1;1Ha\033[4;5H");
    screen_cursor(3, 5);
    show("\033[4;6H");
    screen_erase();
    show("\033[1;1H \033[?25l");
}

static void characters(void **state)
{
    (void)state;
    static const struct {
        const char *text, *shown;
        u32 cells;
    } cases[] = {
        {"", "", 0},
        {"abc", "abc", 3},
        {"Gr\xc3\xbc\xc3\x9f\x65", "Gr\xc3\xbc\xc3\x9f\x65", 5},
        {"\xe2\x94\x80\xe2\x94\x82", "\xe2\x94\x80\xe2\x94\x82", 2},
        {"\xd0\x96\xce\xa9", "\xd0\x96\xce\xa9", 2},
        {"\xe2\x80\xa6.", "\xe2\x80\xa6.", 2},
        {"\xe6\xbc\xa2.", "?.", 2},             /* wide */
        {"\xf0\x9f\x90\xa7.", "?.", 2},         /* emoji */
        {"e\xcc\x81.", "e?.", 3},               /* combining */
        {"\xe2\x80\x8b\xe2\x80\xae.", "??.", 3}, /* of no width; from right to left */
        {"\xc2\xad\xc2\x9b", "??", 2},          /* soft hyphen; CSI in one character */
        {"a\tb\nc\033\x7f", "a?b?c??", 7},
        {"\xff\xc3", "??", 2},
        {"\xc3(\xe2\x94", "?(??", 4},
        {"\xc0\xaf\xe0\x81\x81", "?????", 5}, /* too long for what they mean */
        {"\xed\xa0\x80", "???", 3},           /* half of a pair */
        {"\xf4\x90\x80\x80", "????", 4},      /* beyond Unicode */
        {"\xf8\x88\x80\x80\x80", "?????", 5},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        char expected[64];
        begin();
        /* to the right end of memory of its own: nothing is read beyond it */
        u32 length = (u32)strlen(cases[i].text);
        char *copy = arena_alloc(length + 1, 1);
        memcpy(copy, cases[i].text, length);
        struct text t = {copy, length};
        assert_int_equal(text_cells(t), cases[i].cells);
        assert_int_equal(screen_text(0, 10, ATTR_NORMAL, t), 10 + cases[i].cells);
        format_text(expected, sizeof expected, "%s%s", length ? "\033[1;11H" : "", cases[i].shown);
        show(expected);
    }
}

static void cutting(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        u32 cells, bytes;
    } cases[] = {
        {"", 0, 0}, {"", 5, 0}, {"abc", 0, 0}, {"abc", 2, 2}, {"abc", 3, 3}, {"abc", 9, 3},
        {"\xc3\xbc\xc3\x9f", 1, 2}, {"\xc3\xbc\xc3\x9f", 2, 4}, {"\xc3\xc3\x9f", 1, 1}, {"\xe6\xbc\xa2x", 1, 3},
        {"\xe6\xbc", 1, 1}, {"\xe6\xbc", 2, 2},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++)
        assert_int_equal(text_bytes_for(text_of(cases[i].text), cases[i].cells), cases[i].bytes);
}

/* Random pictures, drawn into a model of a terminal by what is sent only: they are what was meant. */

static struct {
    char at[24][80], attribute[24][80];
} model;

static void model_take(void)
{
    u32 row = 0, column = 0;
    static char attribute = '0';
    for (const char *p = sent; *p; p++) {
        if (*p != '\033') {
            assert_true(row < 24 && column < 80);
            model.at[row][column] = *p;
            model.attribute[row][column++] = *p == ' ' && attribute != '7' ? '0' : attribute;
            continue;
        }
        const char *final = p + 2;
        while (*final < 0x40)
            final++;
        if (*final == 'H')
            assert_int_equal(sscanf(p, "\033[%u;%uH", &row, &column), 2), row--, column--;
        else if (*final == 'm')
            attribute = final[-1];
        p = final;
    }
    assert_int_equal(attribute, '0');
}

static void random_pictures(void **state)
{
    (void)state;
    static const char codes[] = {[ATTR_NORMAL] = '0', [ATTR_BOLD] = '1', [ATTR_REVERSE] = '7', [ATTR_DIM] = '2'};
    u32 seed = 1;
    begin();
    memset(model.at, ' ', sizeof model.at);
    memset(model.attribute, '0', sizeof model.attribute);
    for (u32 n = 0; n < 300; n++) {
        char at[24][80], attribute[24][80];
        memset(at, ' ', sizeof at);
        memset(attribute, '0', sizeof attribute);
        screen_erase();
        for (u32 i = 0; i < 40; i++) {
            seed = seed * 1103515245 + 12345;
            u32 row = (seed >> 16) % 24, column = (seed >> 8) % 80, a = (seed >> 28) % 4;
            char c[2] = {"ab  "[seed >> 30], 0};
            text(row, column, (enum attribute)a, c);
            at[row][column] = c[0];
            attribute[row][column] = c[0] == ' ' && a != ATTR_REVERSE ? '0' : codes[a];
        }
        text(23, 79, ATTR_NORMAL, " ");
        at[23][79] = ' ', attribute[23][79] = '0';
        forget_sent();
        screen_show();
        model_take();
        assert_memory_equal(model.at, at, sizeof at);
        assert_memory_equal(model.attribute, attribute, sizeof attribute);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),
        cmocka_unit_test(only_changes_are_sent),
        cmocka_unit_test(short_gaps_are_sent_again),
        cmocka_unit_test(attributes),
        cmocka_unit_test(edges),
        cmocka_unit_test(cursor),
        cmocka_unit_test(characters),
        cmocka_unit_test(cutting),
        cmocka_unit_test(random_pictures),
    };
    return cmocka_run_group_tests_name("screen", tests, NULL, NULL);
}
