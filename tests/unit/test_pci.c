/* test_pci.c: pci.c, pci_space.c: the scan by ports and ECAM, numbering, BARs and addresses for them, capability lists,
 * the command register. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "fake_acpi.h"
#include "fake_virtio.h"
#include "expect.h"
#include "pci.h"

#define AT(bus, slot, function) ((bus) << 8 | (slot) << 3 | (function))

static struct fake_function function[FAKE_FUNCTIONS];
extern const struct bus bus_pci;
static u32 used;
static char seen[1024];
static struct boot_info boot;

static int setup(void **state)
{
    (void)state;
    fake_reset();
    memset(function, 0, sizeof function);
    memset(&boot, 0, sizeof boot);
    mem_map_add(&boot.memory, 0, MIB(256), MEM_USABLE);
    used = 0;
    seen[0] = 0;
    return 0;
}

static struct fake_function *add(u32 at, u16 class, u8 header)
{
    struct fake_function *f = &function[used++];
    fake_function_add(f, at, 0x8086, 0x1234, class);
    f->config[0x0e] = header;
    return f;
}

static struct fake_function *add_bridge(u32 at, u8 secondary, u8 subordinate)
{
    struct fake_function *f = add(at, PCI_CLASS_PCI_BRIDGE, 1);
    f->config[0x19] = secondary;
    f->config[0x1a] = subordinate;
    return f;
}

/* A disk in slot 0 behind a bridge; NULL: in slot 9 of bus 0. */
static struct fake_function *add_disk(struct fake_function *behind)
{
    struct fake_function *f = add(behind ? 0 : AT(0, 9, 0), 0x0100, 0);
    f->behind = behind;
    return f;
}

static void note(const struct pci_device *device, void *context)
{
    assert_ptr_equal(context, seen);
    size_t len = strlen(seen);
    snprintf(seen + len, sizeof seen - len, "%02x:%02x.%x ", PCI_NAME(device));
}

static void scan(void)
{
    seen[0] = 0;
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
    add_bridge(AT(0, 4, 0), 2, 255);
    add(AT(1, 0, 0), 0x0100, 0);    /* nobody leads there */
    add_bridge(AT(2, 0, 0), 5, 255);
    add(AT(5, 31, 0), 0x0100, 0);
    memset(add(AT(0, 5, 0), 0x0100, 0)->config, 0, 4); /* an ID of zeros: as little there as one of ones */
    add_bridge(AT(5, 2, 0), 255, 255);
    add(AT(255, 31, 0), 0x0100, 0);
    scan();
    assert_string_equal(seen, "00:00.0 00:01.0 00:01.1 00:01.7 00:02.0 00:04.0 02:00.0 05:02.0 05:1f.0 ff:1f.0 ");
    assert_int_equal(fake_pci_writes, 0);
}

/* Bridges to where they stand, to above, in circles: each function once, and an end. */
static void loops_end(void **state)
{
    (void)state;
    add(AT(0, 0, 0), 0x0600, 0);
    add_bridge(AT(0, 1, 0), 2, 1);
    add_bridge(AT(0, 2, 0), 3, 255);
    add_bridge(AT(3, 0, 0), 3, 3);
    add_bridge(AT(3, 1, 0), 2, 2);
    add_bridge(AT(3, 2, 0), 4, 4);
    add_bridge(AT(4, 0, 0), 255, 0);
    add_bridge(AT(4, 1, 0), 4, 255);
    scan();
    assert_string_equal(seen, "00:00.0 00:01.0 00:02.0 03:00.0 03:01.0 03:02.0 04:00.0 04:01.0 ");
}

static void expect_buses(const struct fake_function *bridge, u8 primary, u8 secondary, u8 subordinate)
{
    assert_int_equal(bridge->config[0x18], primary);
    assert_int_equal(bridge->config[0x19], secondary);
    assert_int_equal(bridge->config[0x1a], subordinate);
}

static void bridges_get_numbers(void **state)
{
    (void)state;
    add(AT(0, 0, 0), 0x0600, 0);
    struct fake_function *a = add_bridge(AT(0, 1, 0), 0, 0), *b = add_bridge(AT(0, 2, 0), 0, 0);
    struct fake_function *done = add_bridge(AT(0, 3, 0), 5, 6), *c = add_bridge(0, 0, 0), *d = add_bridge(8, 0, 0);
    c->behind = b;
    d->behind = done;
    add_disk(a);
    add_disk(c);
    add_disk(d);
    add_disk(done);
    a->config[0x1b] = 0x40; /* the latency timer stays */
    scan();
    assert_string_equal(seen, "00:00.0 00:01.0 00:02.0 00:03.0 05:00.0 05:01.0 01:00.0 02:00.0 03:00.0 06:00.0 ");
    expect_buses(a, 0, 1, 1);
    expect_buses(b, 0, 2, 3);
    expect_buses(c, 2, 3, 3);
    expect_buses(done, 0, 5, 6);
    expect_buses(d, 5, 6, 6);
    assert_int_equal(a->config[0x1b], 0x40);
    u32 writes = fake_pci_writes;
    scan(); /* again: all is numbered */
    assert_int_equal(fake_pci_writes, writes);
}

static void numbers_run_out(void **state)
{
    (void)state;
    add(AT(0, 0, 0), 0x0600, 0);
    struct fake_function *full = add_bridge(AT(0, 1, 0), 1, 1), *none = add_bridge(0, 0, 0);
    none->behind = full;
    add_disk(none);
    scan();
    assert_string_equal(seen, "00:00.0 00:01.0 01:00.0 ");
    expect_log("pci 01:00.0: bridge without a bus number, and none is free");
    setup(NULL);
    struct fake_function *bridge = NULL;
    for (u32 i = 0; i < 40; i++) { /* one behind the other */
        struct fake_function *next = add_bridge(bridge ? 0 : AT(0, 1, 0), 0, 0);
        next->behind = bridge;
        bridge = next;
    }
    scan();
    expect_log("bridge without a bus number, and none is free");
    expect_buses(&function[15], 15, 16, 16);
    expect_buses(&function[0], 0, 1, 16);
}

static void second_root_bus_is_found(void **state)
{
    (void)state;
    add(AT(0, 0, 0), 0x0600, 0);
    add(AT(0, 3, 0), 0x0600, 0); /* as QEMU's pxb */
    add_bridge(AT(128, 0, 0), 129, 129);
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
        scan();
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

/* ---- addresses -------------------------------------------------------------------------------------------------- */

static void plug_bar(struct fake_function *f, u32 n, u64 value, u64 size)
{
    fake_put32(f->config + 0x10 + n * 4, (u32)value);
    if ((value & 7) == 4)
        fake_put32(f->config + 0x14 + n * 4, (u32)(value >> 32));
    f->bar_size[n] = size;
    f->bar_at[n] = value & (value & 1 ? ~3ull : ~15ull);
}

static struct pci_device found;

static void find_disk(const struct pci_device *device, void *context)
{
    (void)context;
    if (device->class == 0x0100)
        found = *device;
}

/* Scan, and ask for BAR n of the (last) disk. */
static bool ask(u32 n, struct pci_bar *bar)
{
    scan();
    pci_scan(find_disk, NULL);
    bool ok = pci_bar(&found, n, bar);
    assert_null(fake_pci_fault);
    assert_string_equal(error_text(), "");
    return ok;
}

static void bars_get_addresses(void **state)
{
    (void)state;
    static const struct {
        u64 value, size;
        u64 address; /* 0: none */
    } cases[] = {
        {0, 0x4000, 0xfbffc000},
        {0xfffffff0, 0x4000, 0xfbffc000},
        {0x4, 0x4000, 0xfbffc000},
        {0xfffffffffffffff4, 0x4000, 0xfbffc000},
        {0xfff000000000000c, 0x4000, 0xfbffc000}, /* more than any processor addresses */
        {0x8000000, 0x1000, 0xfbfff000},          /* in RAM */
        {0, 16, 0xfbfffff0},
        {0, MIB(64), 0xf8000000},
        {0, MIB(512), 0xc0000000},
        {0, GIB(2), 0},
        {4, GIB(4), 0x800000000},
        {4, GIB(64), 0},
        {1, 0x40, 0xffc0},
        {0xffffffd1, 0x20, 0xffe0},
        {1, 0x4000, 0xc000},
        {1, 0x8000, 0},
        {0xe0000000, 0x1000, 0xe0000000}, /* is where it can be */
        {0xc041, 0x40, 0xc040},
        {0, 0, 0},
        {0, 0x3000, 0}, /* no size that a BAR has */
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        struct fake_function *f = add_disk(NULL);
        struct pci_bar bar = {0};
        plug_bar(f, 2, cases[i].value, cases[i].size);
        fake_put16(f->config + 4, 0x107);
        if (ask(2, &bar) != !!cases[i].address || bar.address != cases[i].address)
            print_error("case %u: %llx\n", i, (unsigned long long)bar.address);
        assert_int_equal(bar.address, cases[i].address);
        assert_int_equal(fake_get(f->config + 4, 2), 0x107);
        if (cases[i].address) {
            assert_int_equal(f->bar_at[2], cases[i].address);
            assert_int_equal(f->config[0x18] & 15, cases[i].value & (cases[i].value & 1 ? 3 : 15));
            u32 writes = fake_pci_writes;
            assert_true(pci_bar(&found, 2, &bar)); /* is there by now */
            assert_int_equal(fake_pci_writes, writes);
        }
    }
}

static void addresses_in_use_are_left_alone(void **state)
{
    (void)state;
    struct fake_function *f = add_disk(NULL), *vga = add(AT(0, 2, 0), 0x0300, 0), *lan = add(AT(0, 3, 0), 0x0200, 0);
    plug_bar(f, 0, 0, 0x4000);
    plug_bar(f, 1, 1, 0x40);
    plug_bar(f, 2, 4, 0x1000);
    plug_bar(f, 4, 0, 0x1000);
    plug_bar(vga, 0, 0xfb000008, MIB(16));
    plug_bar(vga, 2, 0xfaff0004, KIB(64));
    plug_bar(vga, 4, 0xff81, 0x80);
    plug_bar(lan, 0, 0, 0x1000); /* nobody asks for it */
    fake_put16(vga->config + 4, 3);
    mem_map_add(&boot.memory, 0xfae00000, MIB(1), MEM_RESERVED);
    struct pci_bar bar[4];
    assert_true(ask(0, &bar[0]));
    for (u32 i = 1; i < 3; i++)
        assert_true(pci_bar(&found, i, &bar[i]));
    assert_true(pci_bar(&found, 4, &bar[3]));
    assert_int_equal(bar[0].address, 0xfafec000);
    assert_int_equal(bar[1].address, 0xff40);
    assert_int_equal(bar[2].address, 0xfafeb000);
    assert_int_equal(bar[3].address, 0xfafea000);
    assert_int_equal(fake_get(vga->config + 0x10, 4), 0xfb000008);
    assert_int_equal(vga->bar_at[2], 0xfaff0000);
    assert_int_equal(vga->config[4], 3);
    assert_int_equal(lan->bar_at[0], 0);
    assert_null(fake_pci_fault);
    /* All of 0xf0000000 … is reserved: below that. */
    setup(NULL);
    f = add_disk(NULL);
    plug_bar(f, 0, 0, 0x4000);
    mem_map_add(&boot.memory, 0xf0000000, MIB(256), MEM_RESERVED);
    assert_true(ask(0, &bar[0]));
    assert_int_equal(bar[0].address, 0xefffc000);
}

static void acpi_tells_where(void **state)
{
    (void)state;
    u8 aml[3 * 46], mcfg[8 + 16] = {0};
    struct pci_bar bar;
    struct fake_function *f = add_disk(NULL);
    fake_acpi_window(aml, 0, 0xc0000000, MIB(512));
    fake_acpi_window(aml + 46, 0, 0x4000000000, GIB(1));
    fake_acpi_window(aml + 92, 2, 0, 256);
    fake_mcfg_entry(mcfg + 8, 0xd0000000, 0, 0, 255); /* in the midst of it */
    fake_acpi_begin(0x80000, 8);
    fake_acpi_dsdt(aml, sizeof aml);
    fake_acpi_add("MCFG", mcfg, sizeof mcfg, true);
    fake_acpi_end();
    boot.rsdp = FAKE_RSDP;
    plug_bar(f, 0, 0, 0x4000);
    plug_bar(f, 1, 1, 0x40);
    plug_bar(f, 2, 4, MIB(512));
    assert_true(ask(0, &bar));
    assert_int_equal(bar.address, 0xcfffc000);
    assert_false(pci_bar(&found, 1, &bar)); /* no ports pass */
    expect_log("pci 00:09.0: BAR 1 has no address, and no 40 bytes of ports are free for it");
    assert_true(pci_bar(&found, 2, &bar));
    assert_int_equal(bar.address, 0x4020000000);
}

static void set_window(struct fake_function *bridge, u32 base, u32 limit)
{
    fake_put16(bridge->config + 0x20, (u16)(base >> 16));
    fake_put16(bridge->config + 0x22, (u16)(limit >> 16));
}

static void behind_bridges(void **state)
{
    (void)state;
    struct pci_bar bar;
    struct fake_function *a = add_bridge(AT(0, 1, 0), 1, 2), *b = add_bridge(0, 2, 2);
    b->behind = a;
    struct fake_function *f = add_disk(b);
    plug_bar(f, 0, 0, 0x4000);
    plug_bar(f, 1, 1, 0x40);
    assert_true(ask(0, &bar));
    assert_int_equal(bar.address, 0xfbffc000);
    assert_true(pci_bar(&found, 1, &bar));
    assert_int_equal(bar.address, 0xffc0);
    assert_int_equal(fake_get(a->config + 0x20, 4), 0xfbf0fb80); /* 8 MiB for two buses */
    assert_int_equal(fake_get(b->config + 0x20, 4), 0xfbf0fbe0);
    assert_int_equal(fake_get(a->config + 0x1c, 2), 0xf0f0);
    assert_int_equal(a->config[4], 0);
    pci_enable(&found);
    assert_int_equal(a->config[4], 7);
    assert_int_equal(b->config[4], 7);
    assert_int_equal(fake_get(a->config + 0x24, 4), 0xfff0); /* closed: it was at 0 */
    /* The window of firmware: inside, beside what is there; what lies outside is not reached and moves in. */
    static const u32 values[] = {0, 0xe1000000};
    for (u32 i = 0; i < ARRAY_COUNT(values); i++) {
        setup(NULL);
        a = add_bridge(AT(0, 1, 0), 1, 1);
        set_window(a, 0xe0000000, 0xe0000000);
        struct fake_function *other = add(8, 0x0200, 0);
        other->behind = a;
        plug_bar(other, 0, 0xe00f0000, KIB(64));
        f = add_disk(a);
        plug_bar(f, 0, values[i], 0x4000);
        assert_true(ask(0, &bar));
        assert_int_equal(bar.address, 0xe00ec000);
        plug_bar(f, 1, 0, MIB(1));
        assert_false(pci_bar(&found, 1, &bar));
        expect_log("BAR 1 has no address, and behind its bridge no 100000 bytes of memory are free");
        /* The prefetchable one, above 4 GiB: for 64-bit BARs. */
        fake_put32(a->config + 0x24, 0xfff10001);
        fake_put32(a->config + 0x28, 0x80);
        fake_put32(a->config + 0x2c, 0x80);
        assert_false(pci_bar(&found, 1, &bar));
        plug_bar(f, 2, 4, MIB(1));
        assert_true(pci_bar(&found, 2, &bar));
        assert_int_equal(bar.address, 0x80fff00000);
    }
    /* A subtractive bridge passes on what nobody else takes. */
    setup(NULL);
    a = add_bridge(AT(0, 1, 0), 1, 1);
    a->config[9] = 1;
    f = add_disk(a);
    plug_bar(f, 0, 0xe1000000, 0x4000);
    assert_true(ask(0, &bar));
    assert_int_equal(bar.address, 0xe1000000);
}

/* A switch whose ports have a disk each. */
static void neighbours_have_room(void **state)
{
    (void)state;
    struct pci_bar bar;
    struct fake_function *up = add_bridge(AT(0, 1, 0), 0, 0), *f[5];
    for (u32 i = 0; i < ARRAY_COUNT(f); i++) {
        struct fake_function *down = add_bridge(i << 3, 0, 0);
        down->behind = up;
        f[i] = add_disk(down);
        plug_bar(f[i], 0, 4, 0x4000);
    }
    assert_true(ask(0, &bar));
    for (u32 i = 0; i < ARRAY_COUNT(f); i++)
        assert_true(pci_bar(&(struct pci_device){.at = AT(2 + i, 0, 0)}, 0, &bar));
    assert_int_equal(f[4]->bar_at[0], 0xfbffc000);
    assert_int_equal(f[0]->bar_at[0], 0xfbdfc000);
    assert_int_equal(f[3]->bar_at[0], 0xfb7fc000);
    assert_null(fake_pci_fault);
}

static void registers_are_mapped(void **state)
{
    (void)state;
    struct fake_function *f = add_disk(NULL);
    struct pci_bar bar;
    u64 address = 0;
    plug_bar(f, 0, 0xe0000000, 0x1000);
    plug_bar(f, 1, 0xc001, 0x40);
    plug_bar(f, 2, 0x8000000004, 0x1000);
    assert_true(ask(0, &bar));
    assert_int_equal(pci_map(&found, 0, 0x100, 0x80, &address), OK);
    assert_int_equal(address, 0xe0000100);
    assert_int_equal(pci_map(&found, 1, 0, 16, &address), ERR_UNSUPPORTED);
    assert_string_equal(error_text(), "BAR 1 is ports, expected memory");
    assert_int_equal(pci_map(&found, 4, 0, 16, &address), ERR_NOT_FOUND);
    assert_string_equal(error_text(), "there is no BAR 4");
    assert_int_equal(pci_map(&found, 0, ~0ull - 5, 16, &address), ERR_RANGE);
    host_address_end = HOST_MEMORY;
    assert_int_equal(pci_map(&found, 2, 0, 16, &address), ERR_RANGE);
    assert_int_equal(address, 0xe0000100);
    error_clear();
}

/* ---- ECAM ------------------------------------------------------------------------------------------------------- */

static void mcfg_is(const struct fake_ecam *entry, u32 count)
{
    u8 mcfg[8 + 16 * 8] = {0};
    for (u32 i = 0; i < count; i++)
        fake_mcfg_entry(mcfg + 8 + i * 16, entry[i].base, entry[i].segment, entry[i].first, entry[i].last);
    fake_acpi_begin(0x80000, 8);
    fake_acpi_add("MCFG", mcfg, 8 + count * 16, true);
    fake_acpi_end();
    boot.rsdp = FAKE_RSDP;
}

static void ecam_reaches(const struct fake_ecam *entry, u32 count)
{
    mcfg_is(entry, count);
    memcpy(fake_ecam, entry, count * sizeof *entry);
    fake_ecam_count = count;
}

static void ecam_serves_without_ports(void **state)
{
    (void)state;
    static const struct fake_ecam entries[] = {{0xe0000000, 0, 0, 255}, {0x8000000000, 1, 0, 0}, {0xd0000000, 2, 8, 9}};
    ecam_reaches(entries, 3);
    fake_pci_absent = true;
    add(AT(0, 0, 0), 0x0600, 0);
    struct fake_function *f = add_disk(add_bridge(AT(0, 1, 0), 0, 0));
    add(0x10000 | AT(0, 4, 0), 0x0200, 0);
    add(0x20000 | AT(8, 0, 0), 0x0200, 0);
    f->config[0x100] = 0x5a;
    plug_bar(f, 0, 0, 0x4000);
    struct pci_bar bar;
    assert_true(ask(0, &bar));
    assert_string_equal(seen, "00:00.0 00:01.0 01:00.0 100:04.0 208:00.0 ");
    assert_int_equal(bar.address, 0xfbffc000);
    assert_int_equal(pci_read8(&found, 0x100), 0x5a);
    pci_write16(&found, 0x102, 0x1234);
    assert_int_equal(pci_read32(&found, 0x100), 0x1234005a);
    assert_int_equal(pci_read16(&(struct pci_device){.at = 0x30000}, 0), 0xffff);
    assert_int_equal(pci_read32(&found, 0x1000), 0xffffffff);
}

static void ports_go_first(void **state)
{
    (void)state;
    static const struct fake_ecam entries[] = {{0xe0000000, 0, 0, 255}, {0xd0000000, 1, 0, 0}};
    static const struct {
        u16 vendor, id;
        const char *seen;
    } cases[] = {{0x8086, 0x29c0, "00:00.0 00:09.0 "}, {0x8086, 0x0d57, "00:00.0 00:09.0 100:04.0 "}};
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        ecam_reaches(entries, 2);
        struct fake_function *root = add(AT(0, 0, 0), 0x0600, 0), *f = add_disk(NULL);
        fake_put16(root->config, cases[i].vendor);
        fake_put16(root->config + 2, cases[i].id);
        add(0x10000 | AT(0, 4, 0), 0x0200, 0);
        f->config[0xabc] = 0x77;
        scan();
        assert_string_equal(seen, cases[i].seen);
        struct pci_device device = {.at = f->at};
        assert_int_equal(pci_read8(&device, 0xabc), 0x77);
    }
    /* Without ECAM there is no such space. */
    setup(NULL);
    struct fake_function *f = add_disk(NULL);
    scan();
    assert_int_equal(pci_read8(&(struct pci_device){.at = f->at}, 0x100), 0xff);
}

static void ecam_that_cannot_be(void **state)
{
    (void)state;
    static const struct fake_ecam entries[] = {
        {0, 0, 0, 255},           {0xe0080000, 0, 0, 255}, {0x8000000, 0, 0, 0}, /* RAM */
        {0xe0000000, 0, 9, 8},    {0xfffffffffff00000, 0, 0, 255},
        {0xe0000000, 0, 0, 15},   {0xd0000000, 0, 15, 20}, /* both have bus 15 */
    };
    ecam_reaches(&entries[5], 1);
    mcfg_is(entries, ARRAY_COUNT(entries));
    fake_pci_absent = true;
    add(AT(0, 0, 0), 0x0600, 0);
    scan();
    assert_string_equal(seen, "00:00.0 ");
    expect_log("ECAM of segment 0, buses 0-0 at 8000000: cannot be, left out");
    expect_log("ECAM of segment 0, buses 15-20 at d0000000: cannot be, left out");
    /* Beyond what can be addressed. */
    setup(NULL);
    ecam_reaches(&(struct fake_ecam){0x8000000000, 0, 0, 255}, 1);
    host_address_end = HOST_MEMORY;
    fake_pci_absent = true;
    scan();
    assert_string_equal(seen, "");
    expect_log("ECAM of segment 0, buses 0-255: address 8000000000");
}

/* QEMU's microvm has no MCFG. */
static void the_host_bridge_tells(void **state)
{
    (void)state;
    u8 aml[64] = "\x14\x0c_CBA\x00\xa4\x0c\x00\x00\x00\xe0";
    fake_acpi_window(aml + 13, 2, 0, 16);
    fake_acpi_begin(0x80000, 8);
    fake_acpi_dsdt(aml, sizeof aml);
    fake_acpi_end();
    boot.rsdp = FAKE_RSDP;
    fake_pci_absent = true;
    fake_ecam[0] = (struct fake_ecam){0xe0000000, 0, 0, 255};
    fake_ecam_count = 1;
    add(AT(0, 0, 0), 0x0600, 0);
    add(AT(0, 3, 0), 0x0600, 0);
    add(AT(15, 0, 0), 0x0100, 0);
    add(AT(16, 0, 0), 0x0100, 0);
    scan();
    assert_string_equal(seen, "00:00.0 00:03.0 0f:00.0 ");
}

/* ---- the way to a device ---------------------------------------------------------------------------------------- */

static void paths(void **state)
{
    (void)state;
    struct pci_path path;
    add(AT(0, 0, 0), 0x0600, 0);
    add(AT(0, 3, 0), 0x0600, 0);
    struct fake_function *a = add_bridge(AT(0, 5, 0), 0, 0), *b = add_bridge(AT(0, 2, 1), 0, 0);
    add(AT(0, 2, 0), 0x0200, 0x80)->behind = a;
    b->behind = a;
    add_disk(b);
    add_bridge(AT(128, 1, 0), 129, 129);
    add(AT(129, 31, 7), 0x0200, 0);
    add(AT(129, 31, 0), 0x0200, 0x80);
    scan();
    assert_true(pci_path(AT(2, 0, 0), &path));
    assert_int_equal(path.root, 0);
    assert_int_equal(path.steps, 3);
    assert_memory_equal(path.step, "\x28\x11\x00", 3);
    assert_true(pci_path(AT(129, 31, 7), &path));
    assert_int_equal(path.root, 128);
    assert_int_equal(path.steps, 2);
    assert_memory_equal(path.step, "\x08\xff", 2);
    assert_true(pci_path(AT(0, 5, 0), &path));
    assert_int_equal(path.steps, 1);
    assert_false(pci_path(AT(7, 0, 0), &path));
    assert_int_equal(path.steps, 1);
}

/* What boots pay on a machine whose firmware did its work. */
static void asking_is_cheap(void **state)
{
    (void)state;
    struct pci_bar bar;
    struct fake_function *a = add_bridge(AT(0, 1, 0), 1, 1), *f = add_disk(a);
    set_window(a, 0xe0000000, 0xe0000000);
    a->config[4] = f->config[4] = 7;
    plug_bar(f, 0, 0xe0000000, 0x4000);
    plug_bar(f, 2, 0xe0008004, 0x4000);
    assert_true(ask(0, &bar));
    u32 before = fake_pci_reads;
    assert_true(pci_bar(&found, 0, &bar));
    assert_int_equal(fake_pci_reads - before, 2);
    assert_true(pci_bar(&found, 2, &bar));
    assert_int_equal(fake_pci_reads - before, 2 + 3);
    pci_enable(&found);
    assert_int_equal(fake_pci_reads - before, 2 + 3 + 2);
    assert_int_equal(fake_pci_writes, 1);
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
        u32 bar0, bar1;
    } cases[] = {
        {0, 7, 0, 0, 0},
        {3, 7, 3, 0, 0},
        {7, 7, 3, 0, 0},
        {0x507, 0x507, 0x503, 0, 0},
        {0, 6, 0, 1, 0xe0000000}, /* ports that would be at 0 */
        {1, 7, 1, 1, 0xe0000000}, /* firmware thought otherwise */
        {0, 7, 0, 1, 0xc001},
        {0, 7, 0, 4, 1}, /* an upper half */
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        setup(NULL);
        struct fake_function *f = add(AT(0, 1, 0), 0x0100, 0);
        struct pci_device device = {.at = AT(0, 1, 0)};
        fake_put16(f->config + 4, cases[i].found);
        fake_put32(f->config + 0x10, cases[i].bar0);
        fake_put32(f->config + 0x14, cases[i].bar1);
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
        cmocka_unit_test_setup(loops_end, setup),
        cmocka_unit_test_setup(bridges_get_numbers, setup),
        cmocka_unit_test_setup(numbers_run_out, setup),
        cmocka_unit_test_setup(bars_get_addresses, setup),
        cmocka_unit_test_setup(addresses_in_use_are_left_alone, setup),
        cmocka_unit_test_setup(acpi_tells_where, setup),
        cmocka_unit_test_setup(behind_bridges, setup),
        cmocka_unit_test_setup(neighbours_have_room, setup),
        cmocka_unit_test_setup(registers_are_mapped, setup),
        cmocka_unit_test_setup(ecam_serves_without_ports, setup),
        cmocka_unit_test_setup(ports_go_first, setup),
        cmocka_unit_test_setup(ecam_that_cannot_be, setup),
        cmocka_unit_test_setup(the_host_bridge_tells, setup),
        cmocka_unit_test_setup(paths, setup),
        cmocka_unit_test_setup(asking_is_cheap, setup),
        cmocka_unit_test_setup(capability_lists_end, setup),
        cmocka_unit_test_setup(command_register_comes_back_without_dma, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
