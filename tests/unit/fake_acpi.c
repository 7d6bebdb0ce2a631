/* fake_acpi.c: ACPI tables in the simulated machine's memory (fake_acpi.h). ACPI 6.5 §5.2. */
#include <string.h>

#include "fake_acpi.h"

#define HEADER 36u
#define LISTED_MAX 32u

static u64 next;
static u64 listed_at[LISTED_MAX];
static u32 listed_count, entry_width;

static void put(u64 paddr, u64 value, u32 bytes)
{
    host_poke(paddr, &value, bytes);
}

void fake_acpi_sum(u64 paddr, u32 size, u32 at)
{
    u8 *bytes = mem_at(paddr, size), sum = 0;
    bytes[at] = 0;
    for (u32 i = 0; i < size; i++)
        sum = (u8)(sum + bytes[i]);
    bytes[at] = (u8)(0 - sum);
}

void fake_acpi_begin(u64 at, u32 width)
{
    next = at;
    listed_count = 0;
    entry_width = width;
    memset(mem_at(FAKE_RSDP, 64), 0, 64);
}

u64 fake_acpi_add(const char *signature, const void *body, u32 size, bool listed)
{
    u64 at = next;
    memset(mem_at(at, HEADER), 0, HEADER);
    host_poke(at, signature, 4);
    put(at + 4, HEADER + size, 4);
    if (size)
        host_poke(at + HEADER, body, size);
    fake_acpi_sum(at, HEADER + size, 9);
    next += HEADER + size + 5; /* not aligned */
    if (listed)
        listed_at[listed_count++] = at;
    return at;
}

void fake_acpi_end(void)
{
    u8 body[LISTED_MAX * 8];
    for (u32 i = 0; i < listed_count; i++)
        memcpy(body + i * entry_width, &listed_at[i], entry_width);
    u64 root = fake_acpi_add(entry_width == 8 ? "XSDT" : "RSDT", body, listed_count * entry_width, false);
    host_poke(FAKE_RSDP, "RSD PTR ", 8);
    put(FAKE_RSDP + 15, entry_width == 8 ? 2 : 0, 1);
    put(FAKE_RSDP + 16, entry_width == 8 ? 0 : root, 4);
    put(FAKE_RSDP + 20, 36, 4);
    put(FAKE_RSDP + 24, entry_width == 8 ? root : 0, 8);
    fake_acpi_sum(FAKE_RSDP, 20, 8);
    fake_acpi_sum(FAKE_RSDP, 36, 32);
}

void fake_acpi_dsdt(const void *aml, u32 size)
{
    u8 fadt[276 - HEADER] = {0};
    u64 dsdt = fake_acpi_add("DSDT", aml, size, false);
    memcpy(fadt + 140 - HEADER, &dsdt, 8);
    fake_acpi_add("FACP", fadt, sizeof fadt, true);
}

void fake_mcfg_entry(u8 *at, u64 base, u16 segment, u8 first, u8 last)
{
    memset(at, 0, 16);
    memcpy(at, &base, 8);
    memcpy(at + 8, &segment, 2);
    at[10] = first;
    at[11] = last;
}

u32 fake_acpi_window(u8 *at, u8 type, u64 first, u64 size)
{
    u64 last = first + size - 1;
    memset(at, 0, 46);
    at[0] = 0x8a;
    at[1] = 0x2b;
    at[3] = type;
    at[4] = 0x0c;
    memcpy(at + 14, &first, 8);
    memcpy(at + 22, &last, 8);
    memcpy(at + 38, &size, 8);
    return 46;
}
