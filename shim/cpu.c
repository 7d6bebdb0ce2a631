/* cpu.c: descriptor tables and what is printed when the processor stops us (cpu.h). */
#include "cpu.h"
#include "console.h"
#include "error.h"
#include "io.h"
#include "print.h"
#include "start.h"

#define EXCEPTIONS 32
#define CODE64 0x10
#define INTERRUPT_GATE 0x8e00u /* present, DPL 0, 64-bit interrupt gate */

/* exception.asm; 16 bytes each */
extern u8 exception_stubs[];
/* core.ld: where the core lies; RIP minus this is an offset from CORE_START in shim.elf.debug */
extern u8 core_start[];

/* Selectors as entry.asm has them. */
static const u64 gdt[] = {0, 0x00cf9b000000ffff, 0x00af9b000000ffff, 0x00cf93000000ffff};

/* What LGDT and LIDT take begins at limit. base is aligned: clang makes constants of these, and core.ld wants pointers
 * that RELR can list. */
struct descriptor_register {
    u16 unused[3], limit;
    u64 base;
};
_Static_assert(offsetof(struct descriptor_register, base) == 8, "base right behind limit");

/* Intel SDM vol. 3A §6.14.1 */
struct PACKED gate {
    u16 offset_low, selector, attributes, offset_middle;
    u32 offset_high, reserved;
};
_Static_assert(sizeof(struct gate) == 16, "64-bit gate");

static struct gate idt[EXCEPTIONS];

struct exception_frame {
    u64 cr2, r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
    u64 vector, error_code, rip, cs, rflags, rsp, ss;
};

void exception_show(const struct exception_frame *f);

void cpu_id(u32 leaf, u32 *a, u32 *b, u32 *c, u32 *d)
{
    __asm__ volatile("cpuid" : "=a"(*a), "=b"(*b), "=c"(*c), "=d"(*d) : "a"(leaf), "c"(0));
}

void cpu_init(void)
{
    for (u32 i = 0; i < EXCEPTIONS; i++) {
        u64 stub = (u64)exception_stubs + 16ull * i;
        idt[i] = (struct gate){
            .offset_low = (u16)stub,
            .selector = CODE64,
            .attributes = INTERRUPT_GATE,
            .offset_middle = (u16)(stub >> 16),
            .offset_high = (u32)(stub >> 32),
        };
    }
    struct descriptor_register gdtr = {.limit = sizeof gdt - 1, .base = (u64)gdt};
    struct descriptor_register idtr = {.limit = sizeof idt - 1, .base = (u64)idt};
    __asm__ volatile("lgdt %0; lidt %1" ::"m"(gdtr.limit), "m"(idtr.limit), "m"(gdtr.base), "m"(idtr.base));
}

void cpu_pause(void)
{
    for (u32 i = 0; i < 100; i++)
        cpu_relax();
}

/* A key, then a reboot; without a keyboard the text stays. */
static _Noreturn void offer_reboot(void)
{
    while (console_key() != KEY_NONE) /* what was typed before does not count */
        ;
    print("shim: press a key to reboot\n");
    while (console_key() == KEY_NONE)
        cpu_pause();
    machine_reboot();
}

static void panic_consoles(void)
{
    if (!consoles_opened()) /* a panic may come early; then `boot` is what is known so far */
        consoles_open(&boot, text_of(NULL));
}

void panic(const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    format_text_v(line, sizeof line, format, args);
    va_end(args);
    panic_consoles();
    say_error("%s", line);
    offer_reboot();
}

static const char *const exception_names[EXCEPTIONS] = {
    "divide error", "debug", "NMI", "breakpoint", "overflow", "bound range", "invalid opcode", "no FPU", "double fault",
    NULL, "invalid TSS", "segment not present", "stack fault", "general protection", "page fault", NULL, "FPU error",
    "alignment check", "machine check", "SIMD error",
};

void exception_show(const struct exception_frame *f)
{
    static bool again;
    if (again) /* printing itself fails: nothing more can be said */
        machine_halt();
    again = true;
    panic_consoles();
    const char *name = f->vector < EXCEPTIONS ? exception_names[f->vector] : NULL;
    say_error("processor exception %lu (%s), error code %lx, at RIP %lx (core at %lx)", f->vector,
              name ? name : "reserved", f->error_code, f->rip, (u64)core_start);
    print("RAX %016lx RBX %016lx RCX %016lx RDX %016lx\n", f->rax, f->rbx, f->rcx, f->rdx);
    print("RSI %016lx RDI %016lx RBP %016lx RSP %016lx\n", f->rsi, f->rdi, f->rbp, f->rsp);
    print("R8  %016lx R9  %016lx R10 %016lx R11 %016lx\n", f->r8, f->r9, f->r10, f->r11);
    print("R12 %016lx R13 %016lx R14 %016lx R15 %016lx\n", f->r12, f->r13, f->r14, f->r15);
    print("CR2 %016lx RFLAGS %lx CS %lx SS %lx\n", f->cr2, f->rflags, f->cs, f->ss);
    offer_reboot();
}
