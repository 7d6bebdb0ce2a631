/* test_fw_cfg.c: fw_cfg.c against a device that follows QEMU's fw_cfg.rst, and against ones that do not. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "host.h"

#include "fw_cfg.h"

#define KEY_FIRST 0x20
#define TEXT "timeout 7\nentry a\n linux /b\n"

/* The device: what is selected, and what a test wants wrong. */
static struct {
    u8 items[0x30][4096];
    u32 sizes[0x30];
    u16 key;
    u32 offset;
    u64 dma;
    u32 dma_reads, port_reads;
    bool absent, bare_metal, silent, refuses;
} device;

static void item(u16 key, const void *bytes, u32 size)
{
    memcpy(device.items[key], bytes, size);
    device.sizes[key] = size;
}

static void put_be(u8 *at, u32 value, u32 bytes)
{
    for (u32 i = 0; i < bytes; i++)
        at[i] = (u8)(value >> 8 * (bytes - 1 - i));
}

static void entry(u32 index, const char *name, u16 key, u32 size)
{
    u8 *at = device.items[0x19] + 4 + 64 * index;
    put_be(at, size, 4);
    put_be(at + 4, key, 2);
    memcpy(at + 8, name, strlen(name) + 1);
    put_be(device.items[0x19], index + 1, 4);
    device.sizes[0x19] = 4 + 64 * (index + 1);
}

static u8 next_byte(void)
{
    u32 at = device.offset++;
    return device.key < 0x30 && at < device.sizes[device.key] ? device.items[device.key][at] : 0;
}

static u32 in(u16 port, u32 width)
{
    if (device.absent || port != 0x511 || width != 1)
        return ~0u;
    device.port_reads++;
    return next_byte();
}

static u32 get_be(const u8 *at)
{
    return (u32)at[0] << 24 | (u32)at[1] << 16 | (u32)at[2] << 8 | at[3];
}

static void transfer(void)
{
    u8 *access = mem_at(device.dma, 16);
    u32 control = get_be(access), length = get_be(access + 4);
    u64 address = (u64)get_be(access + 8) << 32 | get_be(access + 12);
    assert_int_equal(control & 0xffff, 8 | 2);
    device.key = (u16)(control >> 16);
    device.offset = 0;
    device.dma_reads++;
    if (device.silent)
        return;
    u8 *to = mem_at(address, length);
    for (u32 i = 0; i < length && !device.refuses; i++)
        to[i] = next_byte();
    put_be(access, device.refuses, 4);
}

static void out(u16 port, u32 value, u32 width)
{
    if (port == 0x510 && width == 2) {
        device.key = (u16)value;
        device.offset = 0;
    } else if (port == 0x514 && width == 4) {
        device.dma = (u64)__builtin_bswap32(value) << 32;
    } else if (port == 0x518 && width == 4) {
        device.dma |= __builtin_bswap32(value);
        transfer();
    } else if (port != 0x61 && port != 0x42 && port != 0x43) { /* the clock's */
        fail(ERR_IO, "port %x width %u", port, width);
        assert_true(false);
    }
}

static void cpu(u32 leaf, u32 *a, u32 *b, u32 *c, u32 *d)
{
    *a = *b = *c = *d = 0;
    if (leaf == 1 && !device.bare_metal)
        *c = 1u << 31;
}

static void fresh(u32 id)
{
    host_reset();
    memset(&device, 0, sizeof device);
    host_machine.in = in;
    host_machine.out = out;
    host_machine.cpu_id = cpu;
    item(0, "QEMU", 4);
    item(1, &id, 4);
    entry(0, "bootorder", KEY_FIRST, 5);
    item(KEY_FIRST, "/pci", 5);
    entry(1, FW_CFG_CONFIG, KEY_FIRST + 1, sizeof TEXT - 1);
    item(KEY_FIRST + 1, TEXT, sizeof TEXT - 1);
}

static void reads_by_dma_and_by_port(void **state)
{
    (void)state;
    for (u32 id = 1; id <= 3; id += 2) {
        const char *bytes;
        u32 size;
        fresh(id);
        assert_int_equal(fw_cfg_read(FW_CFG_CONFIG, 4096, &bytes, &size), OK);
        assert_int_equal(size, sizeof TEXT - 1);
        assert_string_equal(bytes, TEXT);
        assert_int_equal(device.dma_reads, id == 3 ? 2 : 0);
        if (id == 3)
            assert_true(device.port_reads < 20);
    }
}

static void absent_is_silent(void **state)
{
    (void)state;
    const char *bytes;
    u32 size;
    fresh(3);
    assert_int_equal(fw_cfg_read(FW_CFG_ARGUMENTS, 4096, &bytes, &size), ERR_NOT_FOUND);
    fresh(3);
    device.absent = true;
    assert_int_equal(fw_cfg_read(FW_CFG_CONFIG, 4096, &bytes, &size), ERR_NOT_FOUND);
    fresh(3);
    device.bare_metal = true;
    assert_int_equal(fw_cfg_read(FW_CFG_CONFIG, 4096, &bytes, &size), ERR_NOT_FOUND);
    assert_int_equal(device.port_reads, 0);
    assert_string_equal(error_text(), "");
}

static void broken_devices(void **state)
{
    (void)state;
    const char *bytes;
    u32 size;
    fresh(3);
    assert_int_equal(fw_cfg_read(FW_CFG_CONFIG, 8, &bytes, &size), ERR_RANGE);
    assert_non_null(strstr(error_text(), "28 bytes, expected at most 8"));
    fresh(3);
    device.silent = true;
    assert_int_equal(fw_cfg_read(FW_CFG_CONFIG, 4096, &bytes, &size), ERR_TIMEOUT);
    assert_string_equal(error_text(), "fw_cfg: no answer within 1000 ms");
    fresh(3);
    device.refuses = true;
    assert_int_equal(fw_cfg_read(FW_CFG_CONFIG, 4096, &bytes, &size), ERR_IO);
    fresh(3); /* a directory that claims more than it has, names without an end */
    put_be(device.items[0x19], 0xffffffff, 4);
    memset(device.items[0x19] + 4 + 128, 'x', 64);
    assert_int_equal(fw_cfg_read("nothing", 4096, &bytes, &size), ERR_NOT_FOUND);
    assert_int_equal(fw_cfg_read(FW_CFG_CONFIG, 4096, &bytes, &size), OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_by_dma_and_by_port),
        cmocka_unit_test(absent_is_silent),
        cmocka_unit_test(broken_devices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
