/* virtio_pci.c: virtio over PCI, modern by capabilities, legacy by the I/O ports of BAR 0 (virtio.h).
 *
 * VIRTIO 1.2 §4.1. A transitional device offers both; the modern one is preferred, the ports serve where memory BARs
 * are out of reach. Left out on purpose: the ISR and MSI-X (we poll), VIRTIO_PCI_CAP_PCI_CFG (memory above 4 GiB is
 * mapped), capabilities in I/O BARs. tests/unit/test_virtio_blk.c; `-device virtio-blk-pci,disable-legacy=on` or
 * `disable-modern=on` under QEMU.
 */
#include "io.h"
#include "memory.h"
#include "pci.h"
#include "print.h"
#include "virtio.h"

#define VIRTIO_PCI_ID_TRANSITIONAL 0x1000 /* … 103f; the type is the subsystem id (§4.1.2.1) */
#define VIRTIO_PCI_ID_MODERN 0x1040       /* + type */

/* §4.1.4 struct virtio_pci_cap, offsets behind the capability's start */
#define CAP_LEN 2
#define CAP_CFG_TYPE 3
#define CAP_BAR 4
#define CAP_OFFSET 8
#define CAP_LENGTH 12
#define CAP_NOTIFY_OFF_MULTIPLIER 16
#define CAP_SIZE 16u
#define CAP_NOTIFY_SIZE 20u

enum { VIRTIO_PCI_CAP_COMMON_CFG = 1, VIRTIO_PCI_CAP_NOTIFY_CFG = 2, VIRTIO_PCI_CAP_DEVICE_CFG = 4 };

/* §4.1.4.3 */
struct virtio_pci_common_cfg {
    u32 device_feature_select, device_feature, driver_feature_select, driver_feature;
    u16 config_msix_vector, num_queues;
    u8 device_status, config_generation;
    u16 queue_select, queue_size, queue_msix_vector, queue_enable, queue_notify_off;
    u64 queue_desc, queue_driver, queue_device;
};
_Static_assert(offsetof(struct virtio_pci_common_cfg, device_status) == 20, "virtio 1.2 §4.1.4.3");
_Static_assert(offsetof(struct virtio_pci_common_cfg, queue_desc) == 32, "virtio 1.2 §4.1.4.3");
_Static_assert(sizeof(struct virtio_pci_common_cfg) == 56, "virtio 1.2 §4.1.4.3");
#define COMMON(p, field) ((p)->common.address + offsetof(struct virtio_pci_common_cfg, field))

/* §4.1.4.10 legacy interface, ports from BAR 0 */
#define VIRTIO_PCI_HOST_FEATURES 0
#define VIRTIO_PCI_GUEST_FEATURES 4
#define VIRTIO_PCI_QUEUE_PFN 8
#define VIRTIO_PCI_QUEUE_NUM 12
#define VIRTIO_PCI_QUEUE_SEL 14
#define VIRTIO_PCI_QUEUE_NOTIFY 16
#define VIRTIO_PCI_STATUS 18
#define VIRTIO_PCI_CONFIG 20      /* the device's own */
#define VIRTIO_PCI_CONFIG_MSIX 24 /* instead, while MSI-X is enabled */
#define LEGACY_PORTS 64u          /* as far as we may reach */

struct region {
    u64 address;
    u32 length; /* 0: there is none */
};

struct virtio_pci {
    struct virtio virtio; /* first: the transport's functions get a pointer to it */
    struct pci_device pci;
    struct region common, notify, config;
    u32 notify_multiplier;
    u16 ports, config_port; /* legacy */
    bool msix;
};

static struct virtio_pci *pci_of(struct virtio *v)
{
    return (struct virtio_pci *)v;
}

static void pci_release(struct virtio *v)
{
    pci_disable(&pci_of(v)->pci);
}

/* ---- modern ---------------------------------------------------------------------------------------------------- */

static u8 modern_status_read(struct virtio *v)
{
    return mmio_read8(COMMON(pci_of(v), device_status));
}

static void modern_status_write(struct virtio *v, u8 status)
{
    mmio_write8(COMMON(pci_of(v), device_status), status);
}

static u64 modern_features_read(struct virtio *v)
{
    const struct virtio_pci *p = pci_of(v);
    mmio_write32(COMMON(p, device_feature_select), 0);
    u64 features = mmio_read32(COMMON(p, device_feature));
    mmio_write32(COMMON(p, device_feature_select), 1);
    return features | (u64)mmio_read32(COMMON(p, device_feature)) << 32;
}

static void modern_features_write(struct virtio *v, u64 features)
{
    const struct virtio_pci *p = pci_of(v);
    mmio_write32(COMMON(p, driver_feature_select), 0);
    mmio_write32(COMMON(p, driver_feature), (u32)features);
    mmio_write32(COMMON(p, driver_feature_select), 1);
    mmio_write32(COMMON(p, driver_feature), (u32)(features >> 32));
}

static u8 modern_config_generation(struct virtio *v)
{
    return mmio_read8(COMMON(pci_of(v), config_generation));
}

static u32 modern_config_read32(struct virtio *v, u32 offset)
{
    const struct region *config = &pci_of(v)->config;
    return fits(offset, 4, config->length) ? mmio_read32(config->address + offset) : 0;
}

static u16 modern_queue_select(struct virtio *v, u16 index)
{
    const struct virtio_pci *p = pci_of(v);
    mmio_write16(COMMON(p, queue_select), index);
    return mmio_read16(COMMON(p, queue_size));
}

/* §4.1.3.1: 64-bit fields are written as two halves. */
static void write_address(u64 at, const volatile void *ring)
{
    u64 address = mem_address((const void *)ring);
    mmio_write32(at, (u32)address);
    mmio_write32(at + 4, (u32)(address >> 32));
}

static enum error modern_queue_enable(struct virtio *v, struct virtq *q)
{
    const struct virtio_pci *p = pci_of(v);
    u64 at = (u64)mmio_read16(COMMON(p, queue_notify_off)) * p->notify_multiplier;
    if (!fits(at, sizeof(u16), p->notify.length))
        return fail(ERR_CORRUPT, "%s: queue %u is notified at byte %lu of %u", v->where, q->index, at,
                    p->notify.length);
    q->notify = p->notify.address + at;
    mmio_write16(COMMON(p, queue_size), q->size);
    write_address(COMMON(p, queue_desc), q->desc);
    write_address(COMMON(p, queue_driver), q->avail);
    write_address(COMMON(p, queue_device), q->used);
    mmio_write16(COMMON(p, queue_enable), 1);
    return OK;
}

static void modern_queue_notify(struct virtio *v, const struct virtq *q)
{
    (void)v;
    mmio_write16(q->notify, q->index);
}

static const struct virtio_transport modern = {
    .status_read = modern_status_read,
    .status_write = modern_status_write,
    .features_read = modern_features_read,
    .features_write = modern_features_write,
    .config_generation = modern_config_generation,
    .config_read32 = modern_config_read32,
    .queue_select = modern_queue_select,
    .queue_enable = modern_queue_enable,
    .queue_notify = modern_queue_notify,
    .release = pci_release,
};

/* ---- legacy ---------------------------------------------------------------------------------------------------- */

static u16 port_of(struct virtio *v, u32 offset)
{
    return (u16)(pci_of(v)->ports + offset);
}

static u8 legacy_status_read(struct virtio *v)
{
    return io_in8(port_of(v, VIRTIO_PCI_STATUS));
}

static void legacy_status_write(struct virtio *v, u8 status)
{
    io_out8(port_of(v, VIRTIO_PCI_STATUS), status);
}

static u64 legacy_features_read(struct virtio *v)
{
    return io_in32(port_of(v, VIRTIO_PCI_HOST_FEATURES));
}

static void legacy_features_write(struct virtio *v, u64 features)
{
    io_out32(port_of(v, VIRTIO_PCI_GUEST_FEATURES), (u32)features);
}

static u8 legacy_config_generation(struct virtio *v)
{
    (void)v;
    return 0;
}

static u32 legacy_config_read32(struct virtio *v, u32 offset)
{
    return io_in32((u16)(pci_of(v)->config_port + offset));
}

static u16 legacy_queue_select(struct virtio *v, u16 index)
{
    io_out16(port_of(v, VIRTIO_PCI_QUEUE_SEL), index);
    return io_in16(port_of(v, VIRTIO_PCI_QUEUE_NUM));
}

static enum error legacy_queue_enable(struct virtio *v, struct virtq *q)
{
    io_out32(port_of(v, VIRTIO_PCI_QUEUE_PFN), (u32)(mem_address(q->desc) / VIRTQ_LEGACY_ALIGN));
    return OK;
}

static void legacy_queue_notify(struct virtio *v, const struct virtq *q)
{
    io_out16(port_of(v, VIRTIO_PCI_QUEUE_NOTIFY), q->index);
}

static const struct virtio_transport legacy = {
    .legacy = true,
    .status_read = legacy_status_read,
    .status_write = legacy_status_write,
    .features_read = legacy_features_read,
    .features_write = legacy_features_write,
    .config_generation = legacy_config_generation,
    .config_read32 = legacy_config_read32,
    .queue_select = legacy_queue_select,
    .queue_enable = legacy_queue_enable,
    .queue_notify = legacy_queue_notify,
    .release = pci_release,
};

/* ---- finding them ---------------------------------------------------------------------------------------------- */

/* The registers that the capability at `at` names, if they are `least` bytes or more and we can reach them. §4.1.4: of
 * several of one kind the first that can be used counts, and BARs above 5 are reserved. */
static void region_find(struct virtio_pci *p, u32 at, u32 least, struct region *region)
{
    u8 n = pci_read8(&p->pci, at + CAP_BAR);
    u32 offset = pci_read32(&p->pci, at + CAP_OFFSET);
    u32 length = pci_read32(&p->pci, at + CAP_LENGTH);
    u64 address;
    if (region->length || n >= PCI_BARS || length < least || offset % 4)
        return;
    if (pci_map(&p->pci, n, offset, length, &address) == OK)
        *region = (struct region){address, length};
}

static void capability_take(struct virtio_pci *p, const struct pci_capability *c)
{
    if (c->id == PCI_CAP_MSIX)
        p->msix = pci_read16(&p->pci, c->at + 2u) >> 15;
    if (c->id != PCI_CAP_VENDOR || c->at + CAP_SIZE > 256)
        return;
    u8 size = pci_read8(&p->pci, c->at + CAP_LEN);
    if (size < CAP_SIZE)
        return;
    switch (pci_read8(&p->pci, c->at + CAP_CFG_TYPE)) {
    case VIRTIO_PCI_CAP_COMMON_CFG:
        region_find(p, c->at, sizeof(struct virtio_pci_common_cfg), &p->common);
        break;
    case VIRTIO_PCI_CAP_NOTIFY_CFG:
        if (!p->notify.length && size >= CAP_NOTIFY_SIZE && c->at + CAP_NOTIFY_SIZE <= 256) {
            region_find(p, c->at, sizeof(u16), &p->notify);
            p->notify_multiplier = pci_read32(&p->pci, c->at + CAP_NOTIFY_OFF_MULTIPLIER);
        }
        break;
    case VIRTIO_PCI_CAP_DEVICE_CFG:
        region_find(p, c->at, 4, &p->config);
        break;
    }
}

/* Fill *p; false when neither interface can be used, with a sentence if there is one to say. The trail of a region that
 * cannot be reached stands until then. */
static bool registers_find(struct virtio_pci *p, bool transitional)
{
    struct pci_capability c = {0};
    struct pci_bar bar;
    error_clear();
    while (pci_capability_next(&p->pci, &c))
        capability_take(p, &c);
    bool found = p->common.length && p->notify.length && p->config.length;
    if (found) {
        p->virtio.transport = &modern;
    } else if (transitional && pci_bar(&p->pci, 0, &bar) && bar.is_io && bar.address <= 0x10000 - LEGACY_PORTS) {
        p->ports = (u16)bar.address;
        p->config_port = (u16)(p->ports + (p->msix ? VIRTIO_PCI_CONFIG_MSIX : VIRTIO_PCI_CONFIG));
        p->virtio.transport = &legacy;
        found = true;
    }
    if (found)
        error_clear();
    return found;
}

struct search {
    u16 type;
    void (*found)(struct virtio *v, void *context);
    void *context;
};

static void device_found(const struct pci_device *device, void *context)
{
    const struct search *search = context;
    bool transitional = device->id < VIRTIO_PCI_ID_MODERN;
    if (device->vendor != PCI_VENDOR_VIRTIO || device->id < VIRTIO_PCI_ID_TRANSITIONAL)
        return;
    if (transitional ? pci_read16(device, PCI_SUBSYSTEM_ID) != search->type
                     : device->id != VIRTIO_PCI_ID_MODERN + search->type)
        return;
    struct virtio_pci *p = arena_alloc(sizeof *p, 8);
    if (!p) {
        error_show();
        return;
    }
    p->pci = *device;
    p->virtio.place = (struct disk_place){.bus = BUS_PCI, .address = device->at};
    format_text(p->virtio.where, sizeof p->virtio.where, "pci %02x:%02x.%x", PCI_NAME(device));
    if (device_is_lost(p->virtio.where)) {
        warn("%s: left out, it did not answer before", p->virtio.where);
        return;
    }
    if (!registers_find(p, transitional)) {
        warn("%s: virtio device %04x:%04x: no registers that we can reach%s%s", p->virtio.where, device->vendor,
             device->id, *error_text() ? ": " : "", error_text());
        error_clear();
        return;
    }
    pci_enable(&p->pci);
    search->found(&p->virtio, search->context);
}

void virtio_pci_scan(u16 type, void (*found)(struct virtio *v, void *context), void *context)
{
    struct search search = {.type = type, .found = found, .context = context};
    pci_scan(device_found, &search);
}
