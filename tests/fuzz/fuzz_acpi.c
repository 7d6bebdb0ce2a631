/* fuzz_acpi.c: what firmware tells of PCI: root pointer, tables, MCFG, DSDT; then the scan over a configuration space
 * that answers anything.
 *
 * Input: the first byte's bit 0 takes the ports away, bit 1 makes sums right that are wrong, bit 2 makes configuration
 * space one of bytes of the input (else nothing is there); then 64 KiB from 0xe0000 on with the root pointer at their
 * start.
 */
#include "fake_acpi.h"
#include "fake_pci.h"
#include "acpi.h"
#include "pci.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define AT 0xe0000u
#define AREA KIB(64)
#define DEVICES_ASKED 8u

extern const struct bus bus_pci;

static const u8 *config;
static size_t config_size;
static u32 reads;

static u64 any_read(u64 address, u32 width)
{
    (void)width;
    reads++;
    /* Spread out, so that not every bus looks like every other. */
    u64 hash = (address ^ address >> 12) * 0x9e3779b97f4a7c15ull;
    return config_size && hash >> 63 ? config[(address ^ hash >> 60) % config_size] * 0x01010101u : ~0ull;
}

static void ask(const struct pci_device *device, void *context)
{
    u32 *asked = context;
    struct pci_path path;
    struct pci_bar bar;
    u64 address;
    if (!pci_path(device->at, &path) && pci_bridge_to(PCI_BUS(device->at)) == NULL)
        __builtin_trap();
    if ((*asked)++ >= DEVICES_ASKED)
        return;
    for (u32 n = 0; n < PCI_BARS; n++)
        if (!pci_bar(device, n, &bar))
            error_clear();
    if (pci_map(device, 0, 0, 16, &address) != OK && !*error_text())
        __builtin_trap();
    error_clear();
}

static void nothing(enum acpi_window type, u64 base, u64 bytes, void *context)
{
    (void)context;
    if (type > ACPI_BUSES || !bytes || bytes - 1 > ~0ull - base)
        __builtin_trap();
}

/* Tables at their usual places (as the seeds have them) get right sums: else the fuzzer would have to find them. */
static void sums_correct(void)
{
    fake_acpi_sum(AT, 20, 8);
    fake_acpi_sum(AT, 36, 32);
    for (u64 at = AT + 64; at + ACPI_HEADER <= AT + AREA; at += 64) {
        u64 length = load_le(mem_at(at + 4, 4), 4);
        if (length >= ACPI_HEADER && fits(at, length, AT + AREA))
            fake_acpi_sum(at, (u32)length, 9);
    }
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static struct boot_info boot;
    static size_t dirty;
    u8 flags = size ? data[0] : 0;
    u32 length, asked = 0;
    fake_reset();
    host_address_end = HOST_MEMORY;
    log_level = LOG_SILENT;
    size_t bytes = min_u64(size ? size - 1 : 0, AREA);
    if (dirty > bytes)
        memset(mem_at(AT + bytes, dirty - bytes), 0, dirty - bytes);
    if (bytes)
        host_poke(AT, data + 1, bytes);
    dirty = bytes;
    if (flags & 2) {
        sums_correct();
        dirty = AREA;
    }
    boot.rsdp = AT;
    fake_pci_absent = flags & 1;
    config = data;
    config_size = flags & 4 ? size : 0;
    host_machine.mmio_read = any_read;
    host_machine.mmio_write = NULL;

    const u8 *fadt = acpi_find(AT, "FACP", ACPI_HEADER, &length);
    const u8 *dsdt = fadt ? acpi_dsdt(fadt, length, &length) : NULL;
    u8 type = 0;
    if (dsdt && acpi_s5(dsdt, length, &type) && type > 7)
        __builtin_trap();
    acpi_windows(AT, nothing, NULL);
    acpi_config_base(AT);
    bus_pci.enumerate(&boot);
    pci_scan(ask, &asked);
    return 0;
}
