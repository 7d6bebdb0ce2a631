/* io.h: ports, MMIO, barriers, the clock: the seam to hardware. The target's half is in io_target.h (inline); tests
 * supply the same functions as a fake machine (tests/unit/host.c). */
#ifndef SHIM_IO_H
#define SHIM_IO_H

#include "base.h"

#if __STDC_HOSTED__
u8 io_in8(u16 port);
u16 io_in16(u16 port);
u32 io_in32(u16 port);
void io_out8(u16 port, u8 value);
void io_out16(u16 port, u16 value);
void io_out32(u16 port, u32 value);
/* Device registers by physical address; naturally aligned. */
u8 mmio_read8(u64 address);
u16 mmio_read16(u64 address);
u32 mmio_read32(u64 address);
u64 mmio_read64(u64 address);
void mmio_write8(u64 address, u8 value);
void mmio_write16(u64 address, u16 value);
void mmio_write32(u64 address, u32 value);
void mmio_write64(u64 address, u64 value);
/* Everything written before is visible to the device, and everything it wrote to us, before what follows. */
void io_barrier(void);
void cpu_relax(void);
u64 cpu_ticks(void); /* TSC */
#else
#include "io_target.h"
#endif

/* A point in the future by which something must have happened. */
struct deadline {
    u64 start; /* ticks; 0 until the clock was first needed */
    u32 ms;
    u32 spins;
};

/* A deadline ms milliseconds from now. Costs nothing: the clock is calibrated only when a wait becomes long. */
struct deadline deadline_in(u32 ms);

/* One step of a polling loop: relaxes the CPU and tells whether the time is over. */
bool deadline_passed(struct deadline *d);

/* Let ms milliseconds pass. */
void pause_ms(u32 ms);

/* Milliseconds since some fixed point; the first call may calibrate the TSC against the PIT (2 ms). */
u64 clock_ms(void);

/* Ticks per millisecond, calibrating on first use. Source: CPUID 15h/16h, hypervisor leaf 4000_0010h, PIT channel 2,
 * else an assumed 3 GHz. */
u64 clock_ticks_per_ms(void);

#endif
