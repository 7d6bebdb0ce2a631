/* power.c: reboot and power off (cpu.h).
 *
 * ACPI 6.5: FADT §5.2.9, PM1 control registers §4.8.3.2, sleep control register §4.8.3.7. The tables and \_S5 are
 * acpi.c's.
 */
#include "acpi.h"
#include "cpu.h"
#include "error.h"
#include "io.h"
#include "memory.h"
#include "print.h"

#define RESET_CONTROL 0xcf9
#define I8042_COMMAND 0x64
#define I8042_RESET 0xfe

#define FADT_PM1A_CONTROL 64
#define FADT_PM1B_CONTROL 68
#define FADT_SLEEP_CONTROL 244 /* generic address structure: space, width, offset, access, 8 bytes of address */
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

static void acpi_poweroff(u64 rsdp)
{
    u32 fadt_size, dsdt_size;
    u8 type;
    const u8 *fadt = acpi_find(rsdp, "FACP", FADT_PM1B_CONTROL + 4, &fadt_size);
    const u8 *dsdt = fadt ? acpi_dsdt(fadt, fadt_size, &dsdt_size) : NULL;
    if (!dsdt || !acpi_s5(dsdt, dsdt_size, &type))
        return;
    u64 address = fadt_size >= FADT_SLEEP_CONTROL + 12 ? load_le(fadt + FADT_SLEEP_CONTROL + 4, 8) : 0;
    if (address) {
        u8 value = (u8)(type << 2 | SLEEP_ENABLE_CONTROL);
        if (fadt[FADT_SLEEP_CONTROL] == 1)
            io_out8((u16)address, value);
        else if (paging_map(address, 1) == OK)
            mmio_write8(address, value);
    }
    for (u32 field = FADT_PM1A_CONTROL; field <= FADT_PM1B_CONTROL; field += 4)
        if (load_le(fadt + field, 4))
            io_out16((u16)load_le(fadt + field, 4), (u16)(type << 10 | SLEEP_ENABLE_PM1));
    for (u32 i = 0; i < 1000000; i++)
        cpu_relax();
}

void machine_poweroff(u64 rsdp)
{
    acpi_poweroff(rsdp);
    say("this machine cannot be powered off by software here; it is halted");
    machine_halt();
}
