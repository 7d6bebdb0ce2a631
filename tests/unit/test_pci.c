/* test_pci.c: pci.c: the scan, BARs, capability lists, the command register. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "fake_virtio.h"
#include "pci.h"

#define AT(bus, slot, function) ((bus) << 8 | (slot) << 3 | (function))

static struct fake_function function[FAKE_FUNCTIONS];
extern const struct bus bus_pci;
static u32 used;
static char seen[1024];

static int setup(void **state)
{
    (void)state;
    fake_reset();
    memset(function, 0, sizeof function);
    used = 0;
    seen[0] = 0;
    return 0;
}

static struct fake_function *add(u16 at, u16 class, u8 header)
{
    struct fake_function *f = &function[used++];
    fake_function_add(f, at, 0x8086, 0x1234, class);
    f->config[0x0e] = header;
    return f;
}

static void add_bridge(u16 at, u8 secondary)
{
    add(at, PCI_CLASS_PCI_BRIDGE, 1)->config[0x19] = secondary;
}

static void note(const struct pci_device *device, void *context)
{
    assert_ptr_equal(context, seen);
    size_t len = strlen(seen);
    snprintf(seen + len, sizeof seen - len, "%02x:%02x.%x ", PCI_NAME(device));
}

static void scan(void)
{
    static const struct boot_info boot;
    bus_pci.enumerate(&boot);
    pci_scan(note, seen);
}

static void nothing_without_the_mechanism(void **state)
{
    (void)state;
    fake_pci_absent = true;
    add(AT(0, 0, 0), 0x0600, 0);
    scan();
    assert_string_equal(seen, "");
    assert_non_null(strstr(host_log(), "no PCI"));
    assert_int_equal(fake_pci_reads, 0);
}

static void scan_follows_functions_and_bridges(void **state)
{
    (void)state;
    add(AT(0, 0, 0), 0x0600, 0);
    add(AT(0, 1, 0), 0x0601, 0x80);
    add(AT(0, 1, 1), 0x0101, 0x80);
    add(AT(0, 1, 7), 0x0680, 0x80);
    add(AT(0, 2, 0), 0x0300, 0);
    add(AT(0, 2, 1), 0x0300, 0);    /* its function 0 says there is but one */
    add(AT(0, 3, 1), 0x0100, 0x80); /* no function 0 */
    add_bridge(AT(0, 4, 0), 2);
    add_bridge(AT(0, 5, 0), 0);     /* not numbered */
    add(AT(1, 0, 0), 0x0100, 0);    /* nobody leads there */
    add_bridge(AT(2, 0, 0), 5);
    add_bridge(AT(2, 1, 0), 2);     /* to where it stands */
    add(AT(5, 31, 0), 0x0100, 0);
    add_bridge(AT(5, 1, 0), 0);     /* back to the root */
    add_bridge(AT(5, 2, 0), 255);
    add(AT(255, 31, 0), 0x0100, 0);
    scan();
    assert_string_equal(seen, "00:00.0 00:01.0 00:01.1 00:01.7 00:02.0 00:04.0 00:05.0 02:00.0 02:01.0 05:01.0 05:02.0 "
                              "05:1f.0 ff:1f.0 ");
}

static void second_root_bus_is_found(void **state)
{
    (void)state;
    add(AT(0, 0, 0), 0x0600, 0);
    add(AT(0, 3, 0), 0x0600, 0); /* as QEMU's pxb */
    add_bridge(AT(128, 0, 0), 129);
    add(AT(129, 0, 0), 0x0100, 0);
    scan();
    assert_string_equal(seen, "00:00.0 00:03.0 80:00.0 81:00.0 ");
}

/* As many reads as slots, and two more per function: what the instruction budget rests on. */
static void scan_is_cheap(void **state)
{
    (void)state;
    for (u32 slot = 0; slot < 8; slot++)
        add((u16)AT(0, slot, 0), slot ? 0x0100 : 0x0600, 0);
    scan();
    assert_int_equal(fake_pci_reads, 32 + 2 * 8);
}

static void bars(void **state)
{
    (void)state;
    static const struct {
        u32 n, low, high;
        bool ok;
        u64 address;
        bool is_io;
    } cases[] = {
        {0, 0xc001, 0, true, 0xc000, true},
        {1, 0xc043, 0, true, 0xc040, true},
        {5, 0xfebd1000, 0, true, 0xfebd1000, false},
        {2, 0xfebd1008, 7, true, 0xfebd1000, false},      /* prefetchable, 32 bits: the next one is its own */
        {4, 0xfe00000c, 0, true, 0xfe000000, false},
        {4, 0x0000000c, 0xc0, true, 0xc000000000, false}, /* above 4 GiB */
        {0, 0, 0, false, 0, false},                       /* not there */
        {0, 1, 0, false, 0, true},                        /* ports, unassigned */
        {4, 0xc, 0, false, 0, false},                     /* memory, unassigned */
        {5, 0xfe00000c, 1, false, 0, false},              /* its upper half would be beyond the header's BARs */
        {6, 0xfe000000, 0, false, 0, false},
        {0xffffffff, 0, 0, false, 0, false},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        struct fake_function *f = add(AT(0, 1, 0), 0x0100, 0);
        u32 at = 0x10 + (cases[i].n < 8 ? cases[i].n : 0) * 4;
        fake_put32(f->config + at, cases[i].low);
        fake_put32(f->config + at + 4, cases[i].high);
        struct pci_device device = {.at = AT(0, 1, 0)};
        struct pci_bar bar = {0};
        assert_int_equal(pci_bar(&device, cases[i].n, &bar), cases[i].ok);
        assert_int_equal(bar.address, cases[i].ok ? cases[i].address : 0);
        if (cases[i].ok)
            assert_int_equal(bar.is_io, cases[i].is_io);
    }
}

static u32 capabilities_count(const struct pci_device *device)
{
    struct pci_capability c = {0};
    u32 count = 0;
    while (pci_capability_next(device, &c)) {
        assert_in_range(c.at, 0x40, 0xfc);
        assert_int_equal(c.at % 4, 0);
        assert_in_range(++count, 1, 48);
    }
    return count;
}

static void capability_lists_end(void **state)
{
    (void)state;
    static const struct {
        u8 status, first, at1, next1, at2, next2;
        u32 count;
    } cases[] = {
        {0x00, 0x40, 0x40, 0x00, 0x40, 0x00, 0},  /* the status says there is none */
        {0x10, 0x00, 0x40, 0x00, 0x40, 0x00, 0},
        {0x10, 0x40, 0x40, 0x00, 0x40, 0x00, 1},
        {0x10, 0x43, 0x40, 0x51, 0x50, 0x00, 2},  /* reserved bits */
        {0x10, 0x40, 0x40, 0x3c, 0x40, 0x3c, 1},  /* into the header */
        {0x10, 0xfc, 0xfc, 0x00, 0xfc, 0x00, 1},  /* at the very end */
        {0x10, 0x40, 0x40, 0x40, 0x40, 0x40, 48}, /* itself */
        {0x10, 0x40, 0x40, 0x80, 0x80, 0x40, 48}, /* in a circle */
        {0x10, 0x40, 0x40, 0xff, 0xfd, 0x04, 2},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        struct fake_function *f = add(AT(0, 1, 0), 0x0100, 0);
        f->config[6] = cases[i].status;
        f->config[0x34] = cases[i].first;
        f->config[cases[i].at1 + 1] = cases[i].next1;
        f->config[cases[i].at2 + 1] = cases[i].next2;
        struct pci_device device = {.at = AT(0, 1, 0)};
        assert_int_equal(capabilities_count(&device), cases[i].count);
    }
}

static void command_register_comes_back_without_dma(void **state)
{
    (void)state;
    static const struct {
        u16 found, enabled, left;
    } cases[] = {{0, 7, 0}, {3, 7, 3}, {7, 7, 3}, {0x507, 0x507, 0x503}};
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        struct fake_function *f = add(AT(0, 1, 0), 0x0100, 0);
        struct pci_device device = {.at = AT(0, 1, 0)};
        fake_put16(f->config + 4, cases[i].found);
        pci_enable(&device);
        assert_int_equal(pci_read16(&device, PCI_COMMAND), cases[i].enabled);
        pci_disable(&device);
        assert_int_equal(pci_read16(&device, PCI_COMMAND), cases[i].left);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_without_the_mechanism, setup),
        cmocka_unit_test_setup(scan_follows_functions_and_bridges, setup),
        cmocka_unit_test_setup(second_root_bus_is_found, setup),
        cmocka_unit_test_setup(scan_is_cheap, setup),
        cmocka_unit_test_setup(bars, setup),
        cmocka_unit_test_setup(capability_lists_end, setup),
        cmocka_unit_test_setup(command_register_comes_back_without_dma, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
