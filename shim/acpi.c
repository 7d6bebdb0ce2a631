/* acpi.c: ACPI tables by signature, and what can be told without an AML interpreter (acpi.h).
 *
 * ACPI 6.5: RSDP §5.2.5.3, table header §5.2.6, RSDT §5.2.7, XSDT §5.2.8, FADT §5.2.9, \_S5 §7.4.2, address space
 * descriptors §6.4.3.5, AML §20.2; PCI Firmware Specification 3.3: _CBA §4.1.3. Left out on purpose: an AML
 * interpreter, and with it every _CRS that is computed and not written down.
 * tests/unit/test_acpi.c, tests/fuzz/fuzz_acpi.c.
 */
#include "acpi.h"
#include "memory.h"

#define TABLE_MAX MIB(1)
#define ROOT_MAX KIB(64) /* RSDT, XSDT: thousands of tables */

#define RSDP_SIZE_V1 20u
#define RSDP_SIZE 36u
#define RSDP_REVISION 15
#define RSDP_RSDT 16
#define RSDP_LENGTH 20
#define RSDP_XSDT 24

#define TABLE_LENGTH 4

#define FADT_DSDT 40
#define FADT_X_DSDT 140

static bool sums_to_zero(const u8 *bytes, u32 size)
{
    u8 sum = 0;
    for (u32 i = 0; i < size; i++)
        sum = (u8)(sum + bytes[i]);
    return !sum;
}

/* Firmware's memory, wherever it is; NULL where it cannot be. */
static const u8 *bytes_at(u64 paddr, u64 size)
{
    if (!paddr || size > ~0ull - paddr)
        return NULL;
    if (paging_map(paddr, size) != OK) {
        error_clear();
        return NULL;
    }
    return mem_at(paddr, size);
}

static const u8 *table_bounded(u64 paddr, const char *signature, u32 most, u32 *size)
{
    const u8 *table = bytes_at(paddr, ACPI_HEADER);
    if (!table || memcmp(table, signature, 4))
        return NULL;
    *size = (u32)load_le(table + TABLE_LENGTH, 4);
    if (*size < ACPI_HEADER || *size > most || !bytes_at(paddr, *size) || !sums_to_zero(table, *size))
        return NULL;
    return table;
}

const u8 *acpi_table(u64 paddr, const char *signature, u32 *size)
{
    return table_bounded(paddr, signature, TABLE_MAX, size);
}

/* The XSDT (width 8) or RSDT (width 4) of a root pointer. */
static const u8 *root_table(u64 rsdp, u32 *size, u32 *width)
{
    const u8 *root = bytes_at(rsdp, RSDP_SIZE_V1);
    if (!root || memcmp(root, "RSD PTR ", 8) || !sums_to_zero(root, RSDP_SIZE_V1))
        return NULL;
    if (root[RSDP_REVISION] >= 2 && bytes_at(rsdp, RSDP_SIZE)) {
        u32 length = (u32)load_le(root + RSDP_LENGTH, 4);
        bool right = length >= RSDP_SIZE && length <= PAGE_SIZE && bytes_at(rsdp, length) && sums_to_zero(root, length);
        const u8 *xsdt = right ? table_bounded(load_le(root + RSDP_XSDT, 8), "XSDT", ROOT_MAX, size) : NULL;
        *width = 8;
        if (xsdt)
            return xsdt;
    }
    *width = 4;
    return table_bounded(load_le(root + RSDP_RSDT, 4), "RSDT", ROOT_MAX, size);
}

const u8 *acpi_find(u64 rsdp, const char *signature, u32 least, u32 *size)
{
    u32 root_size, width;
    const u8 *root = root_table(rsdp, &root_size, &width);
    for (u32 at = ACPI_HEADER; root && at + width <= root_size; at += width) {
        const u8 *table = acpi_table(load_le(root + at, width), signature, size);
        if (table && *size >= least)
            return table;
    }
    return NULL;
}

const u8 *acpi_dsdt(const u8 *fadt, u32 fadt_size, u32 *size)
{
    u64 wide = fadt_size >= FADT_X_DSDT + 8 ? load_le(fadt + FADT_X_DSDT, 8) : 0;
    u64 narrow = fadt_size >= FADT_DSDT + 4 ? load_le(fadt + FADT_DSDT, 4) : 0;
    const u8 *dsdt = acpi_table(wide, "DSDT", size);
    return dsdt ? dsdt : acpi_table(narrow, "DSDT", size);
}

/* "_S5_", PackageOp, package length, element count, then the first element as a byte constant, Zero or One. */
bool acpi_s5(const u8 *dsdt, u32 size, u8 *type)
{
    for (u32 i = ACPI_HEADER; i + 8 <= size; i++) {
        if (memcmp(dsdt + i, "_S5_\x12", 5))
            continue;
        u32 at = i + 7 + (dsdt[i + 5] >> 6); /* the top bits of the length say how many more bytes it has */
        if (at < size && dsdt[at] == 0x0a) /* BytePrefix */
            at++;
        if (at >= size || dsdt[at] > 7)
            return false;
        *type = dsdt[at];
        return true;
    }
    return false;
}

static const u8 *dsdt_find(u64 rsdp, u32 *size)
{
    u32 fadt_size;
    const u8 *fadt = acpi_find(rsdp, "FACP", ACPI_HEADER, &fadt_size);
    return fadt ? acpi_dsdt(fadt, fadt_size, size) : NULL;
}

/* As a name (NameOp before it) or as a method without arguments that returns it: flags, ReturnOp. */
u64 acpi_config_base(u64 rsdp)
{
    u32 size;
    const u8 *dsdt = dsdt_find(rsdp, &size);
    for (u32 i = ACPI_HEADER; dsdt && i + 16 <= size; i++) {
        if (memcmp(dsdt + i, "_CBA", 4))
            continue;
        const u8 *value = dsdt + i + (dsdt[i - 1] == 0x08 ? 4 : 6);
        if (value[0] == 0x0c) /* DWordPrefix */
            return load_le(value + 1, 4);
        if (value[0] == 0x0e) /* QWordPrefix */
            return load_le(value + 1, 8);
    }
    return 0;
}

/* §6.4.3.5.1–3: tag, bytes that follow (16 bits), type, general flags, type flags, then granularity, first, last,
 * translation and length of `width` bytes each. */
#define DESCRIPTOR_TYPE 3
#define DESCRIPTOR_FLAGS 4
#define DESCRIPTOR_NUMBERS 6
#define FLAG_CONSUMER 1 /* of general flags */

static u32 descriptor_width(u8 tag)
{
    return tag == 0x8a ? 8 : tag == 0x87 ? 4 : tag == 0x88 ? 2 : 0;
}

void acpi_windows(u64 rsdp, void (*found)(enum acpi_window type, u64 base, u64 size, void *context), void *context)
{
    u32 size;
    const u8 *dsdt = dsdt_find(rsdp, &size);
    for (u32 i = ACPI_HEADER; dsdt && i + DESCRIPTOR_NUMBERS < size; i++) {
        u32 width = descriptor_width(dsdt[i]);
        if (!width || !fits(i, DESCRIPTOR_NUMBERS + 5 * width, size))
            continue;
        const u8 *d = dsdt + i, *numbers = d + DESCRIPTOR_NUMBERS;
        if (load_le(d + 1, 2) < DESCRIPTOR_NUMBERS - 3 + 5 * width || d[2] || d[DESCRIPTOR_TYPE] > ACPI_BUSES ||
            d[DESCRIPTOR_FLAGS] & FLAG_CONSUMER)
            continue;
        u64 first = load_le(numbers + width, width), last = load_le(numbers + 2 * width, width);
        u64 length = load_le(numbers + 4 * width, width);
        if (first <= last && length && length - 1 == last - first && !load_le(numbers + 3 * width, width))
            found(d[DESCRIPTOR_TYPE], first, length, context);
    }
}
