/* conform.h: the conformance payload: what its parts share.
 *
 * The payload is a kernel that checks how it was started and prints a verdict. The same C is compiled for 32-bit mode
 * (PVH, Linux's 32-bit entry) and for 64-bit mode (Linux's 64-bit entry). It runs wherever it is put: no relocations,
 * no writable data of its own; all state lies in struct work, which follows the image. seal.py makes the files.
 */
#ifndef CONFORM_H
#define CONFORM_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define PACKED __attribute__((packed))
#define GIB4 0x100000000ull
#define PAGE 4096u

#define STACK_SIZE 16384u   /* as head32.asm, head64.asm */
#define WORK_SIZE 0x20000u  /* as head32.asm, head64.asm, seal.py */
#define TABLE_PAGES 9u
#define RANGES_MAX 1024u
#define PROBES_MAX 1024u
#define CLAIMS_MAX 64u
#define HEADER_AT 0x1f1u
#define HEADER_MAX 0x9fu    /* up to 290h */

enum kind { KIND_LINUX32 = 1, KIND_PVH = 2, KIND_LINUX64 = 3 };

/* At byte 16 of the image, filled in by seal.py. */
struct PACKED seal {
    u8 magic[8];        /* "CONFSEAL" */
    u32 image_size;     /* bytes from the first of the image to the last */
    u32 crc;            /* CRC-32 of them, this field and struct saved taken as 0 */
    u32 memory_size;    /* Linux: init_size; PVH: p_memsz in all */
    u32 code64_offset;  /* where the 64-bit code is; 0 none */
    u32 load_address;   /* where the file asks to be */
    u32 reloc_align;    /* PVH: may be moved by this; 0 not */
    u8 header[160];     /* Linux: the setup header as in the file, from 1f1h on */
    u32 header_end;     /* 202h + length byte */
};
_Static_assert(sizeof(struct seal) == 0xc4, "seal");
#define SEAL_AT 0x10u

/* At byte 100h of the image: the machine as it was at the entry (head32.asm, head64.asm). */
struct PACKED saved {
    u64 kind, flags, ax, bx, si, di, bp, sp, cr0, cr3, cr4;
    u64 cs, ds, es, ss, fs, gs, tr;
    u16 gdt_limit;
    u64 gdt_base;
    u8 pad0[6];
    u16 idt_limit;
    u64 idt_base;
    u8 pad1[6];
    u64 dirty; /* PVH: address of the first byte of zero-filled memory that is not 0; else 0 */
};
_Static_assert(sizeof(struct saved) == 0xb8, "saved");
#define SAVED_AT 0x100u
#define SAVED_SIZE 0x100u

struct range {
    u64 base, size;
    u32 type;
};
enum { TYPE_USABLE = 1 };

struct claim {
    const char *name;
    u64 base, size;
};

struct probe {
    u64 address, before, pattern;
};

/* Follows the image, page aligned. */
struct work {
    u8 stack[STACK_SIZE];
    u64 tables[TABLE_PAGES][512];
    u64 gdt[4];
    u64 idt[64];
    u32 crc_table[256];
    struct seal *seal;
    struct saved *saved;
    u64 image;
    u32 checks, failures, pieces, ranges, probes, claims;
    const char *cmdline;
    u64 cmdline_size; /* with the NUL */
    u64 rsdp;
    struct claim claim[CLAIMS_MAX];
    struct range range[RANGES_MAX];
    struct probe probe[PROBES_MAX];
};
_Static_assert(sizeof(struct work) <= WORK_SIZE, "work");

/* ---- main.c ---- */

void *memcpy(void *restrict to, const void *restrict from, size_t size);

/* ---- report.c ---- */

/* %s text, %q text with everything unprintable escaped, %u and %x u64 (cast the arguments), %% a percent sign. */
void say(const char *format, ...);

/* One line `conform: NAME ok` or `conform: NAME FAIL ` and the sentence; counts it. Returns ok. */
bool check(struct work *w, bool ok, const char *name, const char *format, ...);

/* check() that two numbers are the same; prints both in hex when not. */
bool check_equal(struct work *w, const char *name, u64 found, u64 expected);

/* The last line, then the end of QEMU by isa-debug-exit (status 33 or 35), else a halt. */
_Noreturn void verdict(struct work *w, bool stay);
_Noreturn void leave(bool ok);

/* A word of the command line, or NULL; name ends in '=' when it takes a value, which is returned. */
const char *option(const struct work *w, const char *name);
u64 number(const char *text);

/* ---- machine.c ---- */

static inline void port_out8(u16 port, u8 value) { __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port)); }
static inline void port_out32(u16 port, u32 value) { __asm__ volatile("outl %0, %1" ::"a"(value), "Nd"(port)); }
static inline u8 port_in8(u16 port)
{
    u8 value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
static inline u32 port_in32(u16 port)
{
    u32 value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
static inline void *at(u64 address) { return (void *)(uintptr_t)address; }

void check_registers(struct work *w);

/* 64-bit: that the loader's page tables map [base, base + size) to itself, writable. */
void check_mapped(struct work *w, const char *name, u64 base, u64 size);

/* From here on our own descriptor tables, exceptions reported, and (64-bit) our own page tables. */
void take_over(struct work *w);

/* [address, address + *size) as this mode reaches it: *size is cut to what is contiguous. NULL: out of reach.
 * Only until the next call; only after take_over(). */
void *view(struct work *w, u64 address, u64 *size);

/* ---- memory.c ---- */

void map_add(struct work *w, u64 base, u64 size, u32 type);
void check_map(struct work *w);

/* Note that [base, base + size) holds something: must be RAM and not overlap an earlier claim. */
void claim(struct work *w, const char *name, u64 base, u64 size);
void check_rsdp(struct work *w, u64 address);
void probe_memory(struct work *w);

/* ---- content.c ---- */

u32 crc32_of(struct work *w, u32 crc, const u8 *data, u64 size);
void check_image(struct work *w);

/* Every piece that make_initrd.py has made in [base, base + size). */
void check_pieces(struct work *w, u64 base, u64 size);

/* ---- linux.c, pvh.c, pci.c ---- */

void check_zero_page(struct work *w, u64 address);
void check_initrd(struct work *w, u64 address);
void check_start_info(struct work *w, u64 address);
void check_modules(struct work *w, u64 address);
void check_pci(struct work *w);

/* ---- head32.asm, head64.asm ---- */

struct PACKED table_register {
    u16 limit;
    uintptr_t base;
};
void load_tables(const struct table_register *gdt, const struct table_register *idt);
extern const u8 exception_stubs[]; /* 32 of 16 bytes each */

#endif
