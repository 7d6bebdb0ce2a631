/* virtio_mmio.c: virtio devices whose registers lie in plain memory, versions 1 (legacy) and 2 (virtio.h).
 *
 * VIRTIO 1.2 §4.2. No bus lists them. Hosts name them on the command line, in the form that Linux reads
 * (drivers/virtio/virtio_mmio.c): Firecracker, libkrun, QEMU's microvm with acpi=off; and microvm has them at fixed
 * places (QEMU, hw/i386/microvm.c). Left out on purpose: the ACPI namespace, which takes an AML interpreter;
 * interrupts, which a device that was asked for none does not raise, so nothing is acknowledged; shared memory.
 * tests/unit/test_virtio_mmio.c; `-M microvm,acpi=on|off -device virtio-blk-device` under QEMU, with and without
 * `-global virtio-mmio.force-legacy=false`.
 */
#include "config.h"
#include "io.h"
#include "memory.h"
#include "pci.h"
#include "print.h"
#include "virtio.h"

/* §4.2.2, table 4.1; [1]: in version 1 only (§4.2.4), [2]: in version 2 only. */
#define VIRTIO_MMIO_MAGIC_VALUE 0x000
#define VIRTIO_MMIO_VERSION 0x004
#define VIRTIO_MMIO_DEVICE_ID 0x008 /* 0: a place without a device */
#define VIRTIO_MMIO_VENDOR_ID 0x00c
#define VIRTIO_MMIO_DEVICE_FEATURES 0x010
#define VIRTIO_MMIO_DEVICE_FEATURES_SEL 0x014
#define VIRTIO_MMIO_DRIVER_FEATURES 0x020
#define VIRTIO_MMIO_DRIVER_FEATURES_SEL 0x024
#define VIRTIO_MMIO_GUEST_PAGE_SIZE 0x028 /* [1] */
#define VIRTIO_MMIO_QUEUE_SEL 0x030
#define VIRTIO_MMIO_QUEUE_NUM_MAX 0x034
#define VIRTIO_MMIO_QUEUE_NUM 0x038
#define VIRTIO_MMIO_QUEUE_ALIGN 0x03c /* [1] */
#define VIRTIO_MMIO_QUEUE_PFN 0x040   /* [1] */
#define VIRTIO_MMIO_QUEUE_READY 0x044 /* [2] */
#define VIRTIO_MMIO_QUEUE_NOTIFY 0x050
#define VIRTIO_MMIO_STATUS 0x070
#define VIRTIO_MMIO_QUEUE_DESC_LOW 0x080   /* [2] */
#define VIRTIO_MMIO_QUEUE_DRIVER_LOW 0x090 /* [2] */
#define VIRTIO_MMIO_QUEUE_DEVICE_LOW 0x0a0 /* [2] */
#define VIRTIO_MMIO_CONFIG_GENERATION 0x0fc /* [2] */
#define VIRTIO_MMIO_CONFIG 0x100

#define MAGIC 0x74726976u  /* "virt" */
#define VENDOR_FIRECRACKER 0 /* and those made from it; QEMU's and kvmtool's is their name */
#define DEVICE_SIZE_MAX 4096u /* as far as we may reach */

/* QEMU's microvm: 24 places, or the first 8 of them; devices fill them from the last one down. */
#define WINDOW_BASE 0xfeb00000u
#define WINDOW_STRIDE 0x200u
#define WINDOW_PLACES 24u

#define DEVICES_MAX 64u

extern const struct bus bus_virtio_mmio; /* by tables.c */

struct mmio_device {
    u64 base;
    u32 size; /* of its registers, the device's own configuration included */
    u16 type;
    bool legacy;
};

/* What enumerate() found, in the order in which the host gave them. */
static struct mmio_device devices[DEVICES_MAX];
static u32 device_count;

struct virtio_mmio {
    struct virtio virtio; /* first: the transport's functions get a pointer to it */
    u64 base;
    u32 size;
};

/* ---- registers --------------------------------------------------------------------------------------------------- */

static u64 base_of(struct virtio *v)
{
    return ((struct virtio_mmio *)v)->base;
}

static u32 get(struct virtio *v, u32 offset)
{
    return mmio_read32(base_of(v) + offset);
}

static void put(struct virtio *v, u32 offset, u32 value)
{
    mmio_write32(base_of(v) + offset, value);
}

static void put_address(struct virtio *v, u32 offset, const volatile void *ring)
{
    u64 address = mem_address((const void *)ring);
    put(v, offset, (u32)address);
    put(v, offset + 4, (u32)(address >> 32));
}

static u8 status_read(struct virtio *v)
{
    return (u8)get(v, VIRTIO_MMIO_STATUS);
}

static void status_write(struct virtio *v, u8 status)
{
    put(v, VIRTIO_MMIO_STATUS, status);
}

static u64 features_read(struct virtio *v)
{
    put(v, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
    u64 features = get(v, VIRTIO_MMIO_DEVICE_FEATURES);
    if (v->transport->legacy)
        return features;
    put(v, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
    return features | (u64)get(v, VIRTIO_MMIO_DEVICE_FEATURES) << 32;
}

static void features_write(struct virtio *v, u64 features)
{
    put(v, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
    put(v, VIRTIO_MMIO_DRIVER_FEATURES, (u32)features);
    if (v->transport->legacy)
        return;
    put(v, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
    put(v, VIRTIO_MMIO_DRIVER_FEATURES, (u32)(features >> 32));
}

static u8 config_generation(struct virtio *v)
{
    return v->transport->legacy ? 0 : (u8)get(v, VIRTIO_MMIO_CONFIG_GENERATION);
}

static u32 config_read32(struct virtio *v, u32 offset)
{
    u32 size = ((struct virtio_mmio *)v)->size - VIRTIO_MMIO_CONFIG;
    return fits(offset, 4, size) ? get(v, VIRTIO_MMIO_CONFIG + offset) : 0;
}

static u16 queue_select(struct virtio *v, u16 index)
{
    put(v, VIRTIO_MMIO_QUEUE_SEL, index);
    return (u16)min_u64(get(v, VIRTIO_MMIO_QUEUE_NUM_MAX), VIRTQ_SIZE_MAX);
}

/* §4.2.3.2: a queue that is in use already belongs to nobody knows whom. */
static enum error queue_enable(struct virtio *v, struct virtq *q)
{
    bool legacy = v->transport->legacy;
    if (get(v, legacy ? VIRTIO_MMIO_QUEUE_PFN : VIRTIO_MMIO_QUEUE_READY))
        return fail(ERR_CORRUPT, "%s: queue %u is in use right after a reset", v->where, q->index);
    put(v, VIRTIO_MMIO_QUEUE_NUM, q->size);
    if (legacy) {
        put(v, VIRTIO_MMIO_GUEST_PAGE_SIZE, VIRTQ_LEGACY_ALIGN);
        put(v, VIRTIO_MMIO_QUEUE_ALIGN, VIRTQ_LEGACY_ALIGN);
        put(v, VIRTIO_MMIO_QUEUE_PFN, (u32)(mem_address(q->desc) / VIRTQ_LEGACY_ALIGN));
        return OK;
    }
    put_address(v, VIRTIO_MMIO_QUEUE_DESC_LOW, q->desc);
    put_address(v, VIRTIO_MMIO_QUEUE_DRIVER_LOW, q->avail);
    put_address(v, VIRTIO_MMIO_QUEUE_DEVICE_LOW, q->used);
    put(v, VIRTIO_MMIO_QUEUE_READY, 1);
    return OK;
}

static void queue_notify(struct virtio *v, const struct virtq *q)
{
    put(v, VIRTIO_MMIO_QUEUE_NOTIFY, q->index);
}

/* Nothing but a reset keeps such a device from DMA. */
static void release(struct virtio *v)
{
    (void)v;
}

#define TRANSPORT(is_legacy)                                                                                           \
    {                                                                                                                  \
        .legacy = is_legacy, .sizes_queues = true, .status_read = status_read, .status_write = status_write,           \
        .features_read = features_read, .features_write = features_write, .config_generation = config_generation,      \
        .config_read32 = config_read32, .queue_select = queue_select, .queue_enable = queue_enable,                    \
        .queue_notify = queue_notify, .release = release,                                                              \
    }
static const struct virtio_transport transports[] = {TRANSPORT(false), TRANSPORT(true)};

/* ---- finding them ------------------------------------------------------------------------------------------------ */

/* What answers at base, unless it is known already or a place without a device. */
static void device_add(u64 base, u32 size)
{
    for (u32 i = 0; i < device_count; i++)
        if (devices[i].base == base)
            return;
    if (device_count == DEVICES_MAX) {
        warn("mmio %lx: left out, more than %u virtio devices", base, DEVICES_MAX);
        return;
    }
    if (paging_map(base, size)) {
        warn("mmio %lx: %s", base, error_text());
        error_clear();
        return;
    }
    u32 magic = mmio_read32(base + VIRTIO_MMIO_MAGIC_VALUE);
    if (magic != MAGIC) {
        warn("mmio %lx: no virtio device: its registers begin with %x, expected %x", base, magic, MAGIC);
        return;
    }
    u32 version = mmio_read32(base + VIRTIO_MMIO_VERSION), type = mmio_read32(base + VIRTIO_MMIO_DEVICE_ID);
    if (!type)
        return;
    if (version != 1 && version != 2) {
        warn("mmio %lx: virtio device with registers of version %u, expected 1 or 2", base, version);
        return;
    }
    if (type <= 0xffff)
        devices[device_count++] = (struct mmio_device){base, size, (u16)type, version == 1};
}

/* "512", "0x200", "4K" */
static bool size_read(struct text t, u64 *size)
{
    char last = t.len ? (char)(t.at[t.len - 1] | 0x20) : 0;
    u32 shift = last == 'k' ? 10 : last == 'm' ? 20 : last == 'g' ? 30 : 0;
    t.len -= shift != 0;
    if (!text_number(t, size) || *size > ~0ull >> shift)
        return false;
    *size <<= shift;
    return true;
}

/* SIZE@ADDRESS:IRQ[:ID] */
static bool device_read(struct text t, u64 *base, u64 *size)
{
    struct text part;
    u64 irq, id;
    return text_split(&t, '@', &part) && size_read(part, size) && text_split(&t, ':', &part) &&
           text_number(part, base) && text_split(&t, ':', &part) && text_number(part, &irq) && irq &&
           (!text_split(&t, ':', &part) || (text_number(part, &id) && !t.at)) && *size > VIRTIO_MMIO_CONFIG &&
           !(*base % 4) && fits(*base, *size, ~0ull);
}

/* False when a device lies elsewhere than in microvm's window: then this is another host. A `--` ends nothing: QEMU
 * puts its devices behind all that the user gave. */
static bool command_line_scan(const char *cmdline)
{
    static const char key[] = "virtio_mmio.device";
    struct text rest = text_of(cmdline);
    struct argument word;
    bool in_window = true;
    while (argument_next(&rest, &word)) {
        u64 base, size;
        if (!word.value.at || !text_equal(word.key, key))
            continue;
        if (!device_read(word.value, &base, &size)) {
            warn("argument %s=%.*s: expected %s=SIZE@ADDRESS:IRQ, like 4K@0xc0001000:5", key, (int)word.value.len,
                 word.value.at, key);
            continue;
        }
        in_window &= base - WINDOW_BASE < WINDOW_PLACES * WINDOW_STRIDE;
        device_add(base, (u32)min_u64(size, DEVICE_SIZE_MAX));
    }
    return in_window;
}

static void window_scan(void)
{
    if (mmio_read32(WINDOW_BASE + VIRTIO_MMIO_MAGIC_VALUE) != MAGIC)
        return;
    for (u32 place = WINDOW_PLACES; place-- > 0;) {
        u64 base = WINDOW_BASE + place * WINDOW_STRIDE;
        if (mmio_read32(base + VIRTIO_MMIO_DEVICE_ID) && mmio_read32(base + VIRTIO_MMIO_MAGIC_VALUE) == MAGIC)
            device_add(base, WINDOW_STRIDE);
    }
}

/* What a host like Firecracker's cannot reset is of no use to what is booted once it was used here. With everything on
 * a module, which the user has to say because paths may lead from there to disks, it need not be. */
static bool spares_disks;

/* Every PC has PCI's ports, and so has each host whose firmware may have put some other device's registers where
 * microvm's window is; microvm has them not even with pcie=on. */
static void mmio_enumerate(const struct boot_info *boot)
{
    device_count = 0;
    spares_disks = text_starts(argument_find(boot->cmdline, "volume"), "module");
    if (command_line_scan(boot->cmdline) && !pci_ports_present())
        window_scan();
}

const struct bus bus_virtio_mmio = {"virtio-mmio", mmio_enumerate};

void virtio_mmio_scan(u16 type, void (*found)(struct virtio *v, void *context), void *context)
{
    for (const struct mmio_device *d = devices; d < devices + device_count; d++) {
        if (d->type != type)
            continue;
        struct virtio_mmio *m = arena_alloc(sizeof *m, 8);
        if (!m) {
            error_show();
            return;
        }
        bool keeps_queues = mmio_read32(d->base + VIRTIO_MMIO_VENDOR_ID) == VENDOR_FIRECRACKER;
        m->base = d->base;
        m->size = d->size;
        m->virtio.transport = &transports[d->legacy];
        m->virtio.keeps_queues = keeps_queues;
        m->virtio.place = (struct disk_place){.bus = BUS_MMIO, .address = d->base};
        format_text(m->virtio.where, sizeof m->virtio.where, "mmio %lx", d->base);
        if (device_is_lost(m->virtio.where))
            warn("%s: left out, it failed before", m->virtio.where);
        else if (keeps_queues && spares_disks)
            say("%s: left to what is booted, whose host may be unable to reset it", m->virtio.where);
        else
            found(&m->virtio, context);
    }
}
