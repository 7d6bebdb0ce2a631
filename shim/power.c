/* power.c: reboot and power off (cpu.h).
 *
 * ACPI 6.5: RSDP §5.2.5.3, XSDT §5.2.8, FADT §5.2.9, \_S5 §7.4.2.5, sleep control register §4.8.3.7. There is no AML
 * interpreter: the \_S5 package is found by its name in the DSDT, which is where compilers put it.
 */
#include "cpu.h"
#include "error.h"
#include "io.h"
#include "memory.h"
#include "print.h"

#define RESET_CONTROL 0xcf9
#define I8042_COMMAND 0x64
#define I8042_RESET 0xfe

#define FADT_DSDT 40
#define FADT_PM1A_CONTROL 64
#define FADT_PM1B_CONTROL 68
#define FADT_X_DSDT 140
#define FADT_SLEEP_CONTROL 244 /* generic address structure: space, width, offset, access, 8 bytes of address */
#define TABLE_HEADER 36
#define TABLE_MAX MIB(1)
#define SLEEP_ENABLE_PM1 (1u << 13)
#define SLEEP_ENABLE_CONTROL (1u << 5)

void machine_halt(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

void machine_reboot(void)
{
    io_out8(RESET_CONTROL, 0x02);
    io_out8(RESET_CONTROL, 0x06);
    io_out8(I8042_COMMAND, I8042_RESET);
    for (u32 i = 0; i < 1000000; i++)
        cpu_relax();
    static const struct PACKED {
        u16 limit;
        u64 base;
    } no_idt;
    __asm__ volatile("lidt %0; int3" ::"m"(no_idt));
    machine_halt();
}

static u64 read_le(const u8 *p, u32 bytes)
{
    u64 n = 0;
    for (u32 i = bytes; i; i--)
        n = n << 8 | p[i - 1];
    return n;
}

/* The table at paddr when it has this signature (NULL: any) and lies below 4 GiB, with its length. */
static const u8 *acpi_table(u64 paddr, const char *signature, u32 *length)
{
    if (!paddr || paddr >= GIB(4) - TABLE_MAX)
        return NULL;
    const u8 *table = mem_at(paddr, TABLE_HEADER);
    *length = (u32)read_le(table + 4, 4);
    bool good = *length >= TABLE_HEADER && *length <= TABLE_MAX && (!signature || !memcmp(table, signature, 4));
    return good ? table : NULL;
}

static const u8 *find_fadt(u64 rsdp, u32 *length)
{
    const u8 *root = mem_at(rsdp, 36);
    bool wide = root[15] >= 2 && read_le(root + 24, 8);
    u32 root_length, step = wide ? 8 : 4;
    const u8 *list = acpi_table(read_le(root + (wide ? 24 : 16), step), wide ? "XSDT" : "RSDT", &root_length);
    if (!list)
        return NULL;
    for (u32 at = TABLE_HEADER; at + step <= root_length; at += step) {
        const u8 *fadt = acpi_table(read_le(list + at, step), "FACP", length);
        if (fadt)
            return fadt;
    }
    return NULL;
}

/* SLP_TYPa of \_S5: "_S5_", PackageOp, length, count, then the first element as a byte constant or Zero/One. */
static bool find_s5(const u8 *dsdt, u32 length, u32 *type)
{
    for (u32 i = TABLE_HEADER; i + 12 < length; i++) {
        if (memcmp(dsdt + i, "_S5_\x12", 5))
            continue;
        const u8 *p = dsdt + i + 5;
        p += 1 + (*p >> 6); /* package length: the top bits say how many more bytes */
        p++;                /* element count */
        if (p + 1 >= dsdt + length)
            return false;
        *type = *p == 0x0a ? p[1] : *p;
        return *type <= 7;
    }
    return false;
}

static void acpi_poweroff(u64 rsdp)
{
    u32 fadt_length, dsdt_length, type;
    const u8 *fadt = rsdp && rsdp < GIB(4) - PAGE_SIZE ? find_fadt(rsdp, &fadt_length) : NULL;
    if (!fadt)
        return;
    u64 at = fadt_length >= FADT_X_DSDT + 8 ? read_le(fadt + FADT_X_DSDT, 8) : 0;
    const u8 *dsdt = acpi_table(at ? at : read_le(fadt + FADT_DSDT, 4), "DSDT", &dsdt_length);
    if (!dsdt || !find_s5(dsdt, dsdt_length, &type))
        return;
    if (fadt_length >= FADT_SLEEP_CONTROL + 12 && read_le(fadt + FADT_SLEEP_CONTROL + 4, 8)) {
        u64 address = read_le(fadt + FADT_SLEEP_CONTROL + 4, 8);
        u8 value = (u8)(type << 2 | SLEEP_ENABLE_CONTROL);
        if (fadt[FADT_SLEEP_CONTROL] == 1)
            io_out8((u16)address, value);
        else if (address < GIB(4))
            mmio_write8(address, value);
    }
    for (u32 field = FADT_PM1A_CONTROL; field <= FADT_PM1B_CONTROL; field += 4)
        if (read_le(fadt + field, 4))
            io_out16((u16)read_le(fadt + field, 4), (u16)(type << 10 | SLEEP_ENABLE_PM1));
    for (u32 i = 0; i < 1000000; i++)
        cpu_relax();
}

void machine_poweroff(u64 rsdp)
{
    acpi_poweroff(rsdp);
    say("this machine cannot be powered off by software here; it is halted");
    machine_halt();
}
