/* io_target.h: the hardware half of io.h, for the freestanding build only. */
#ifndef SHIM_IO_TARGET_H
#define SHIM_IO_TARGET_H

#include "base.h"

static inline u8 io_in8(u16 port)
{
    u8 value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline u16 io_in16(u16 port)
{
    u16 value;
    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline u32 io_in32(u16 port)
{
    u32 value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void io_out8(u16 port, u8 value) { __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port)); }
static inline void io_out16(u16 port, u16 value) { __asm__ volatile("outw %0, %1" ::"a"(value), "Nd"(port)); }
static inline void io_out32(u16 port, u32 value) { __asm__ volatile("outl %0, %1" ::"a"(value), "Nd"(port)); }

/* One instruction each: some devices and emulators take exactly the access width that was asked for. */
static inline u8 mmio_read8(u64 address) { return *(volatile u8 *)address; }
static inline u16 mmio_read16(u64 address) { return *(volatile u16 *)address; }
static inline u32 mmio_read32(u64 address) { return *(volatile u32 *)address; }
static inline u64 mmio_read64(u64 address) { return *(volatile u64 *)address; }
static inline void mmio_write8(u64 address, u8 value) { *(volatile u8 *)address = value; }
static inline void mmio_write16(u64 address, u16 value) { *(volatile u16 *)address = value; }
static inline void mmio_write32(u64 address, u32 value) { *(volatile u32 *)address = value; }
static inline void mmio_write64(u64 address, u64 value) { *(volatile u64 *)address = value; }

static inline void io_barrier(void) { __asm__ volatile("mfence" ::: "memory"); }
static inline void cpu_relax(void) { __asm__ volatile("pause" ::: "memory"); }

static inline u64 cpu_ticks(void)
{
    u32 low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (u64)high << 32 | low;
}

#endif
