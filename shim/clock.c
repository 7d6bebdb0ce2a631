/* clock.c: deadlines that cost nothing until a wait becomes long (io.h).
 *
 * Sources of the TSC's frequency, first that answers: CPUID 15h (Intel SDM vol. 3B §19.7.3), CPUID 16h, hypervisor
 * leaf 4000_0010h (VMware's interface, also KVM's and Xen's: kHz in EAX), PIT channel 2 gated through port 61h
 * (Intel 8254 data sheet: 1,193,182 Hz), else 3 GHz: Cloud Hypervisor and Firecracker on AMD, and Xen, tell nothing.
 */
#include "io.h"
#include "cpu.h"

#define PIT_HZ 1193182u
#define PIT_CHANNEL2 0x42
#define PIT_CONTROL 0x43
#define PIT_GATE 0x61
#define PIT_MS 2 /* a busy host does not leave us much more at a time */
#define PIT_TRIES 16u
#define PIT_TICKS_MAX 1000000000ull /* 0.2 s at 5 GHz */
#define TICKS_PER_MS_ASSUMED 3000000u /* waits get longer on slower machines, and hardly shorter on faster ones */
#define PAUSES 8u                     /* per poll: who is to answer may need this processor */
#define SPINS_FREE 2000u              /* polls before the clock is looked at */

static u64 ticks_per_ms;

bool cpu_is_virtual(void)
{
    u32 a, b, c, d;
    cpu_id(1, &a, &b, &c, &d);
    return c >> 31;
}

static u64 khz_from_cpuid(void)
{
    u32 a, b, c, d;
    cpu_id(0, &a, &b, &c, &d);
    u32 top = a;
    if (top >= 0x15) {
        cpu_id(0x15, &a, &b, &c, &d);
        if (a && b && c)
            return (u64)c * b / a / 1000;
    }
    if (cpu_is_virtual()) {
        cpu_id(0x40000000, &a, &b, &c, &d);
        if (a >= 0x40000010 && a < 0x40010000) {
            cpu_id(0x40000010, &a, &b, &c, &d);
            if (a)
                return a;
        }
    }
    if (top >= 0x16) {
        cpu_id(0x16, &a, &b, &c, &d);
        if (a)
            return (u64)a * 1000;
    }
    return 0;
}

/* Measuring by channel 2, which counts PIT_MS down; it is looked at in passing, so that nothing waits for it. Where the
 * host takes the processor away at its begin or end, it is measured again. */
static struct {
    u64 start; /* TSC; 0: not begun */
    u64 unsure, last; /* ticks that the begin took; TSC before the last look */
    u32 tries;
    u8 gate;   /* port 61h as it was */
} pit;

static void pit_begin(void)
{
    u32 count = PIT_HZ / 1000 * PIT_MS;
    u64 before = cpu_ticks();
    if (!pit.start)
        pit.gate = io_in8(PIT_GATE);
    io_out8(PIT_GATE, (u8)((pit.gate & ~2u) | 1)); /* speaker off, gate on */
    io_out8(PIT_CONTROL, 0xb0);                    /* channel 2, low then high byte, mode 0, binary */
    io_out8(PIT_CHANNEL2, (u8)count);
    io_out8(PIT_CHANNEL2, (u8)(count >> 8));
    pit.start = pit.last = cpu_ticks() | 1;
    pit.unsure = pit.start - before;
}

/* True when the frequency is known. A PIT that is not there or does not count is not waited for for long. */
static bool pit_look(void)
{
    u64 before = cpu_ticks();
    u8 gate = io_in8(PIT_GATE);
    u64 now = cpu_ticks(), gone = now - pit.start;
    if (gate != 0xff && !(gate & 0x20) && gone < PIT_TICKS_MAX) {
        pit.last = before;
        return false;
    }
    if (gate != 0xff && pit.unsure + now - pit.last > gone / 8 && pit.tries++ < PIT_TRIES) {
        pit_begin();
        return false;
    }
    bool counted = gate != 0xff && gate & 0x20 && gone >= PIT_MS * 10000; /* below 10 MHz it is not honest */
    ticks_per_ms = counted ? gone / PIT_MS : TICKS_PER_MS_ASSUMED;
    io_out8(PIT_GATE, pit.gate);
    return true;
}

u64 clock_ticks_per_ms(void)
{
    if (!ticks_per_ms)
        ticks_per_ms = khz_from_cpuid();
    if (!ticks_per_ms) {
        pit_begin();
        while (!pit_look())
            cpu_relax();
    }
    return ticks_per_ms;
}

u64 clock_ms(void)
{
    return cpu_ticks() / clock_ticks_per_ms();
}

struct deadline deadline_in(u32 ms)
{
    return (struct deadline){.ms = ms};
}

/* The first look at the clock, and each one until the TSC's frequency is known. */
static bool is_calibrated(bool first)
{
    if (!ticks_per_ms && first) {
        ticks_per_ms = khz_from_cpuid();
        if (!ticks_per_ms)
            pit_begin();
    }
    return ticks_per_ms || pit_look();
}

bool deadline_passed(struct deadline *d)
{
    for (u32 i = 0; i < PAUSES; i++)
        cpu_relax();
    if (++d->spins < SPINS_FREE)
        return false;
    bool first = !d->start;
    if (first)
        d->start = cpu_ticks() | 1;
    return is_calibrated(first) && cpu_ticks() - d->start >= d->ms * ticks_per_ms;
}

void pause_ms(u32 ms)
{
    struct deadline deadline = deadline_in(ms);
    while (!deadline_passed(&deadline))
        continue;
}
