/* test_acpi.c: acpi.c: tables by signature from firmware that lies, \_S5, _CBA, windows. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_acpi.h"
#include "acpi.h"

#define TABLES 0x80000u

static u32 size;

static int setup(void **state)
{
    (void)state;
    host_reset();
    size = 0;
    return 0;
}

static void tables_are_found(void **state)
{
    (void)state;
    static const struct {
        u64 at;
        u32 width;
    } cases[] = {{TABLES, 8}, {TABLES, 4}, {HOST_HIGH, 8}};
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        fake_acpi_begin(cases[i].at, cases[i].width);
        fake_acpi_add("APIC", "abc", 3, true);
        u64 first = fake_acpi_add("MCFG", "", 0, true);
        u64 second = fake_acpi_add("MCFG", "12345678", 8, true);
        fake_acpi_end();
        assert_ptr_equal(acpi_find(FAKE_RSDP, "MCFG", 0, &size), mem_at(first, 36));
        assert_int_equal(size, 36);
        assert_ptr_equal(acpi_find(FAKE_RSDP, "MCFG", 44, &size), mem_at(second, 44)); /* the first one is too short */
        assert_int_equal(size, 44);
        assert_null(acpi_find(FAKE_RSDP, "MCFG", 45, &size));
        assert_null(acpi_find(FAKE_RSDP, "FACP", 0, &size));
        assert_null(acpi_find(0, "MCFG", 0, &size));
        assert_null(acpi_find(TABLES, "MCFG", 0, &size));
        assert_string_equal(error_text(), "");
    }
}

/* One byte or dword at a time is wrong; with `right` the sum is made right again. */
static void broken_firmware_has_no_tables(void **state)
{
    (void)state;
    enum { RSDP, ROOT, TABLE };
    static const struct {
        u32 which, at, value;
        bool right;
    } cases[] = {
        {RSDP, 0, 'X', true},          {RSDP, 1, 'x', false},       {RSDP, 33, 2, false},
        {RSDP, 20, 35, true},          {RSDP, 20, 0, true},         {RSDP, 20, 0xffffffff, true},
        {RSDP, 24, 0, true},           {RSDP, 24, 0xfffffff0, true}, {RSDP, 28, 0xffffffff, true},
        {RSDP, 24, 0x12345, true},     {ROOT, 0, 'R', true},        {ROOT, 4, 35, true},
        {ROOT, 4, 36, true},           {ROOT, 4, 43, true},         {ROOT, 4, 0, true},
        {ROOT, 4, 0xffffffff, true},   {ROOT, 4, 0x10001, true},    {ROOT, 9, 0x55, false},
        {ROOT, 36, 0, true},           {ROOT, 36, 0xffffffff, true}, {ROOT, 40, 0xffffffff, true},
        {ROOT, 40, 0x7fff, true},      {TABLE, 3, 'H', true},       {TABLE, 4, 0, true},
        {TABLE, 4, 35, true},          {TABLE, 4, 0x100001, true},  {TABLE, 4, 0xffffffff, true},
        {TABLE, 9, 0x77, false},       {TABLE, 40, 0x77, false},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        host_address_end = HOST_MEMORY;
        fake_acpi_begin(TABLES, 8);
        u64 table = fake_acpi_add("MCFG", "12345678", 8, true);
        fake_acpi_end();
        assert_non_null(acpi_find(FAKE_RSDP, "MCFG", 44, &size));
        u64 root = load_le(mem_at(FAKE_RSDP + 24, 8), 8);
        u64 base = cases[i].which == RSDP ? FAKE_RSDP : cases[i].which == ROOT ? root : table;
        host_poke(base + cases[i].at, &cases[i].value, cases[i].value > 0xff || cases[i].at % 4 == 0 ? 4 : 1);
        if (cases[i].right && cases[i].which == RSDP) {
            fake_acpi_sum(FAKE_RSDP, 20, 8);
            fake_acpi_sum(FAKE_RSDP, 36, 32);
        } else if (cases[i].right) {
            u32 length = (u32)load_le(mem_at(base + 4, 4), 4);
            fake_acpi_sum(base, length > 36 && length < 0x200000 ? length : 44, 9);
        }
        if (acpi_find(FAKE_RSDP, "MCFG", 44, &size))
            print_error("case %u: found\n", i);
        assert_null(acpi_find(FAKE_RSDP, "MCFG", 44, &size));
        assert_string_equal(error_text(), "");
    }
}

/* An XSDT out of reach: the RSDT serves. */
static void old_root_table_serves(void **state)
{
    (void)state;
    host_address_end = HOST_MEMORY;
    fake_acpi_begin(TABLES, 4);
    fake_acpi_add("MCFG", "12345678", 8, true);
    fake_acpi_end();
    u64 wrong = HOST_HIGH;
    *(u8 *)mem_at(FAKE_RSDP + 15, 1) = 2;
    host_poke(FAKE_RSDP + 24, &wrong, 8);
    fake_acpi_sum(FAKE_RSDP, 20, 8);
    fake_acpi_sum(FAKE_RSDP, 36, 32);
    assert_non_null(acpi_find(FAKE_RSDP, "MCFG", 44, &size));
}

static void sleep_types(void **state)
{
    (void)state;
    static const struct {
        const char *aml;
        u32 bytes;
        int type; /* -1: none */
    } cases[] = {
        {"\x08_S5_\x12\x06\x04\x00\x00\x00\x00", 12, 0},
        {"\x08_S5_\x12\x06\x04\x01\x00\x00\x00", 12, 1},
        {"\x08_S5_\x12\x08\x04\x0a\x05\x0a\x05\x00\x00", 14, 5},
        {"\x08_S5_\x12\x48\x00\x04\x0a\x07\x00\x00\x00", 14, 7}, /* a length of two bytes */
        {"\x08_S5_\x12\x08\x04\x0a\x08\x0a\x05\x00\x00", 14, -1},
        {"\x08_S4_\x12\x06\x04\x01\x00\x00\x00", 12, -1},
        {"\x08_S5_\x12\x08\x04\x0a\x05", 10, 5},
        {"\x08_S5_\x12\x08\x04\x0a", 9, -1}, /* cut off */
        {"\x08_S5_\x12\xff\x04", 8, -1},
        {"\x08_S5_\x12\xff", 7, -1},
        {"\x08_S5_\x12", 6, -1},
        {"", 0, -1},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        u8 dsdt[64] = {0};
        u8 type = 0xff;
        memcpy(dsdt + 36, cases[i].aml, cases[i].bytes);
        bool found = acpi_s5(dsdt, 36 + cases[i].bytes, &type);
        assert_int_equal(found, cases[i].type >= 0);
        if (found)
            assert_int_equal(type, cases[i].type);
    }
}

static void config_base(void **state)
{
    (void)state;
    static const struct {
        const char *aml;
        u32 bytes;
        u64 base;
    } cases[] = {
        {"\x14\x0c_CBA\x00\xa4\x0c\x00\x00\x00\xe0\x08________", 22, 0xe0000000},
        {"\x14\x0c_CBA\x00\xa4\x0e\x00\x00\x00\x00\x40\x00\x00\x00________", 25, 0x4000000000},
        {"\x08_CBA\x0c\x00\x00\x00\xe0\x08________", 19, 0xe0000000},
        {"\x14\x0c_CBA\x00\xa4XYZ_____________", 22, 0}, /* computed */
        {"________________", 16, 0},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        fake_acpi_begin(TABLES, 8);
        fake_acpi_dsdt(cases[i].aml, cases[i].bytes);
        fake_acpi_end();
        assert_int_equal(acpi_config_base(FAKE_RSDP), cases[i].base);
    }
    assert_int_equal(acpi_config_base(0), 0);
}

static char seen[256];

static void note(enum acpi_window type, u64 base, u64 bytes, void *context)
{
    assert_ptr_equal(context, seen);
    u32 at = (u32)strlen(seen);
    format_text(seen + at, (u32)sizeof seen - at, "%u:%lx+%lx ", type, base, bytes);
}

static void windows_are_found_by_their_form(void **state)
{
    (void)state;
    static const u8 word[] = {0x88, 13, 0, 1, 0x0c, 3, 0, 0, 0x00, 0x0d, 0xff, 0xff, 0, 0, 0x00, 0xf3};
    static const u8 dword[] = {0x87, 23, 0, 0, 0x0c, 1, 0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0xff, 0xff, 0xdf,
                               0,    0,  0, 0, 0,    0, 0, 0x20};
    u8 aml[46 * 8 + sizeof word + sizeof dword] = {0};
    u32 n = 0;
    memcpy(aml, word, sizeof word);
    memcpy(aml + sizeof word, dword, sizeof dword);
    n = sizeof word + sizeof dword;
    n += fake_acpi_window(aml + n, 0, 0xc000000000, 0x4000000000);
    n += fake_acpi_window(aml + n, 2, 0, 256);
    fake_acpi_window(aml + n, 0, 0xd0000000, 0x1000);
    aml[n + 4] |= 1; /* a consumer */
    n += 46;
    fake_acpi_window(aml + n, 0, 0xd0000000, 0x1000);
    aml[n + 38] = 1; /* not as long as it says */
    n += 46;
    fake_acpi_window(aml + n, 0, 0xd0000000, 0x1000);
    aml[n + 30] = 1; /* translated */
    n += 46;
    fake_acpi_window(aml + n, 3, 0xd0000000, 0x1000);
    n += 46;
    n += fake_acpi_window(aml + n, 0, 0, 0);
    fake_acpi_begin(TABLES, 8);
    fake_acpi_dsdt(aml, n + 40); /* the last one is cut off */
    fake_acpi_end();
    seen[0] = 0;
    acpi_windows(FAKE_RSDP, note, seen);
    assert_string_equal(seen, "1:d00+f300 0:c0000000+20000000 0:c000000000+4000000000 2:0+100 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(tables_are_found, setup),
        cmocka_unit_test_setup(broken_firmware_has_no_tables, setup),
        cmocka_unit_test_setup(old_root_table_serves, setup),
        cmocka_unit_test(sleep_types),
        cmocka_unit_test_setup(config_base, setup),
        cmocka_unit_test_setup(windows_are_found_by_their_form, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
