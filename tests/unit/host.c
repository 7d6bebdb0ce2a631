/* host.c: the simulated machine (host.h). */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sanitizer/asan_interface.h>

#include "console.h"
#include "cpu.h"
#include "host.h"

#include "late.h"

struct host_machine host_machine;
u64 host_ticks;
u64 host_address_end = ~0ull;
static u8 host_high[HOST_HIGH_SIZE];
u64 host_disk_fail_lba = ~0ull;

static u8 *host_memory(void)
{
    static u8 *memory;
    if (!memory) {
        memory = mmap(NULL, HOST_MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED)
            abort();
    }
    return memory;
}

void *mem_at(u64 paddr, u64 size)
{
    if (paddr >= HOST_HIGH && fits(paddr - HOST_HIGH, size, HOST_HIGH_SIZE))
        return host_high + (paddr - HOST_HIGH);
    if (!fits(paddr, size, HOST_MEMORY)) {
        fprintf(stderr, "mem_at(%llx, %llx): outside simulated memory\n", (unsigned long long)paddr,
                (unsigned long long)size);
        abort();
    }
    return host_memory() + paddr;
}

u64 mem_address(const void *pointer)
{
    return (u64)((const u8 *)pointer - host_memory());
}

enum error paging_map(u64 paddr, u64 size)
{
    if (!fits(paddr, size, host_address_end))
        return fail(ERR_RANGE, "address %lx and %lx bytes are beyond the host's %lx", paddr, size, host_address_end);
    return OK;
}

/* In a bare chroot without /proc LeakSanitizer would stop the program that it cannot look at
 * (sanitizer/lsan_interface.h). */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
    return access("/proc/self/task", F_OK) != 0;
}

/* Linked with --wrap=arena_alloc and --wrap=arena_release. */
void *__real_arena_alloc(u64 size, u64 align);
void *__wrap_arena_alloc(u64 size, u64 align);
void __real_arena_release(u64 mark);
void __wrap_arena_release(u64 mark);

#define RED_ZONE 64

void *__wrap_arena_alloc(u64 size, u64 align)
{
    if (size > HOST_ARENA_SIZE)
        return __real_arena_alloc(size, align);
    u64 padded = align_up(size, 8) + RED_ZONE;
    u8 *p = __real_arena_alloc(padded, align > 8 ? align : 8);
    if (p)
        __asan_poison_memory_region(p + size, padded - size);
    return p;
}

void __wrap_arena_release(u64 mark)
{
    u64 before = arena_mark();
    __real_arena_release(mark);
    u64 used = arena_mark();
    __asan_unpoison_memory_region(host_memory() + HOST_ARENA + used, before - used);
}

void host_reset(void)
{
    host_machine = (struct host_machine){0};
    host_disk_fail_lba = ~0ull;
    host_address_end = ~0ull;
    __asan_unpoison_memory_region(host_memory() + HOST_ARENA, arena_mark());
    block_cache_reset();
    arena_init(host_memory() + HOST_ARENA, HOST_ARENA_SIZE);
    error_clear();
    console_log_clear();
    log_level = LOG_VERBOSE;
}

void host_poke(u64 paddr, const void *bytes, u64 size)
{
    memcpy(mem_at(paddr, size), bytes, size);
}

const char *host_log(void)
{
    return console_log_text();
}

/* Nothing is packed here. */
void late_load(void)
{
}

_Noreturn void panic(const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    format_text_v(line, sizeof line, format, args);
    va_end(args);
    fprintf(stderr, "panic: %s\n", line);
    abort();
}

void cpu_pause(void)
{
    host_ticks += 1000000;
    if (host_machine.relax)
        host_machine.relax();
}

_Noreturn void machine_reboot(void)
{
    abort();
}

_Noreturn void machine_halt(void)
{
    abort();
}

_Noreturn void machine_poweroff(u64 rsdp)
{
    (void)rsdp;
    abort();
}

static enum error image_read(struct block_device *disk, const struct block_span *spans, u32 count)
{
    const u8 *image = disk->state;
    for (u32 i = 0; i < count; i++) {
        const struct block_span *s = &spans[i];
        if (!s->blocks || !fits(s->lba, s->blocks, disk->block_count) || (uintptr_t)s->buf % disk->dma_align ||
            (disk->max_blocks && s->blocks > disk->max_blocks))
            panic("driver contract broken: lba %lu, %u blocks, buf %p", s->lba, s->blocks, s->buf);
        if (host_disk_fail_lba >= s->lba && host_disk_fail_lba < s->lba + s->blocks) {
            memset(s->buf, 0xbd, (u64)s->blocks * disk->block_size); /* some of it may have come */
            return fail(ERR_IO, "%s: block %lu: injected read error", disk->name, host_disk_fail_lba);
        }
        memcpy(s->buf, image + s->lba * disk->block_size, (u64)s->blocks * disk->block_size);
    }
    return OK;
}

static void image_probe(const struct boot_info *boot, struct disk_list *disks)
{
    (void)boot, (void)disks;
}

static void image_quiesce(struct block_device *disk)
{
    (void)disk;
}

static const struct block_driver image_driver = {"host-image", image_probe, image_read, image_quiesce};

struct block_device *host_disk(struct disk_list *disks, const char *class, const u8 *image, u64 size, u32 block_size)
{
    static struct disk_list own;
    if (!disks) {
        own.count = 0;
        disks = &own;
    }
    struct block_device disk = {
        .block_size = block_size,
        .max_blocks = 0,
        .dma_align = 1,
        .block_count = size / block_size,
        .driver = &image_driver,
        .state = (void *)(uintptr_t)image,
    };
    return disk_add(disks, class ? class : "vd", &disk);
}

struct volume *host_volume(struct block_device *disk)
{
    struct volume *v = arena_alloc(sizeof *v, 16);
    v->disk = disk;
    v->size = block_bytes(disk);
    format_text(v->name, sizeof v->name, "%s", disk->name);
    return v;
}

u8 *host_file(const char *path, u64 *size)
{
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END)) {
        perror(path);
        abort();
    }
    *size = (u64)ftell(f);
    rewind(f);
    u8 *bytes = malloc(*size + 1);
    if (fread(bytes, 1, *size, f) != *size)
        abort();
    fclose(f);
    return bytes;
}

void cpu_id(u32 leaf, u32 *a, u32 *b, u32 *c, u32 *d)
{
    *a = *b = *c = *d = 0;
    if (host_machine.cpu_id) {
        host_machine.cpu_id(leaf, a, b, c, d);
    } else if (leaf == 0) {
        *a = 0x15;
    } else if (leaf == 0x15) {
        *a = 1, *b = 40, *c = 25000000; /* 1 GHz */
    }
}

static u32 port_in(u16 port, u32 width)
{
    return host_machine.in ? host_machine.in(port, width) : 0xffffffffu;
}

static void port_out(u16 port, u32 value, u32 width)
{
    if (host_machine.out)
        host_machine.out(port, value, width);
}

static u64 device_read(u64 address, u32 width)
{
    return host_machine.mmio_read ? host_machine.mmio_read(address, width) : ~0ull;
}

static void device_write(u64 address, u64 value, u32 width)
{
    if (host_machine.mmio_write)
        host_machine.mmio_write(address, value, width);
}

u8 io_in8(u16 port) { return (u8)port_in(port, 1); }
u16 io_in16(u16 port) { return (u16)port_in(port, 2); }
u32 io_in32(u16 port) { return port_in(port, 4); }
void io_out8(u16 port, u8 value) { port_out(port, value, 1); }
void io_out16(u16 port, u16 value) { port_out(port, value, 2); }
void io_out32(u16 port, u32 value) { port_out(port, value, 4); }
u8 mmio_read8(u64 address) { return (u8)device_read(address, 1); }
u16 mmio_read16(u64 address) { return (u16)device_read(address, 2); }
u32 mmio_read32(u64 address) { return (u32)device_read(address, 4); }
u64 mmio_read64(u64 address) { return device_read(address, 8); }
void mmio_write8(u64 address, u8 value) { device_write(address, value, 1); }
void mmio_write16(u64 address, u16 value) { device_write(address, value, 2); }
void mmio_write32(u64 address, u32 value) { device_write(address, value, 4); }
void mmio_write64(u64 address, u64 value) { device_write(address, value, 8); }
void io_barrier(void) { __sync_synchronize(); }

void cpu_relax(void)
{
    if (host_machine.relax)
        host_machine.relax();
}

u64 cpu_ticks(void)
{
    return host_ticks += 1000;
}
