/* ahci.c: SATA disks and CDs behind AHCI controllers.
 *
 * Serial ATA AHCI 1.3.1 ("§" below); ports in ahci_port.c, commands: ata.h, scsi.h. Left out on purpose: native command
 * queueing (files arrive in few long requests, which keep a disk as busy as a queue of them does, and an error in such
 * a queue is everyone's), interrupts, port multipliers, hot plug, power management. tests/unit/test_ahci.c (a
 * controller and disks that lie); `-machine q35` with -drive or -cdrom, `-device ich9-ahci` under QEMU.
 */
#include "ahci.h"
#include "memory.h"
#include "print.h"

#define PCI_CLASS_RAID 0x0104 /* what Intel's are in RAID mode, with the same registers */
#define PCI_VENDOR_INTEL 0x8086
#define INTERFACE_AHCI 1
#define ABAR 5u
#define REGISTERS_SIZE 0x1100u

/* §3.1 generic host control */
#define HBA_CAP 0x00
#define HBA_GHC 0x04
#define HBA_PI 0x0c
#define HBA_VS 0x10
#define HBA_CAP2 0x24
#define HBA_BOHC 0x28
#define CAP_NP 0x1fu
#define CAP_NCS(cap) (((cap) >> 8 & 31) + 1)
#define CAP_S64A 0x80000000u
#define GHC_HR 1u
#define GHC_AE 0x80000000u
#define CAP2_BOH 1u
#define BOHC_BOS 1u
#define BOHC_OOS 2u
#define BOHC_BB 16u
#define PORTS_MAX 32u

#define HBA_RESET_MS 1000u /* §10.4.3 */
#define HANDOFF_MS 25u     /* §10.6.3; BUSY_MS when the BIOS says that it is busy */
#define HANDOFF_BUSY_MS 2000u
#define PRESENCE_MS 20u    /* SATA: a device answers COMRESET within 10 ms */
#define TRIES 4u
#define AE_TRIES 5u

#define REQUEST_BYTES MIB(4) /* one PRD */
#define PACKET_BYTES MIB(2)

extern const struct block_driver disk_ahci; /* by tables.c */

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static enum error packet_read(struct ahci_port *p, const struct block_span *spans, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        const struct block_span *span = &spans[i];
        enum error error = ERR_IO;
        bool again = true;
        for (u32 tries = 0; again && error && tries < TRIES; tries++) {
            u8 cdb[SCSI_CDB_MAX];
            struct scsi_result result = {0};
            scsi_read_cdb(&p->unit, span->lba, span->blocks, cdb);
            error = ahci_packet_command(&p->unit, cdb, span->buf, span->blocks * p->unit.block_size, &result);
            if (error)
                return error_add(error, "%s: read of block %lu", p->disk->name, span->lba);
            error = scsi_read_result(&p->unit, p->disk->name, &result, span->lba, span->blocks, &again);
        }
        if (error)
            return error;
    }
    return OK;
}

static enum error ahci_read(struct block_device *disk, const struct block_span *spans, u32 count)
{
    struct ahci_port *p = disk->state;
    return p->identity.packet ? packet_read(p, spans, count) : ahci_disk_read(p, spans, count);
}

/* All ports at once, so for the first disk of them; where one is silent the others are only stopped. */
static void hba_quiesce(struct ahci_hba *h)
{
    if (h->quiet)
        return;
    h->quiet = true;
    if (h->lost) {
        for (u32 left = h->started & ~h->lost; left; left &= left - 1)
            ahci_port_stop(&(struct ahci_port){.registers = ahci_port_registers(h, (u32)__builtin_ctz(left))});
        return;
    }
    u32 spun_up[PORTS_MAX];
    for (u32 left = h->started; left; left &= left - 1) {
        u32 n = (u32)__builtin_ctz(left);
        spun_up[n] = mmio_read32(ahci_port_registers(h, n) + PXCMD) & (CMD_SUD | CMD_POD);
    }
    mmio_write32(h->registers + HBA_GHC, GHC_AE | GHC_HR);
    if (!ahci_wait(h->registers + HBA_GHC, GHC_HR, 0, HBA_RESET_MS)) {
        fail(ERR_TIMEOUT, "%s: the reset does not end within %u ms", h->where, HBA_RESET_MS);
        error_show();
    }
    /* What only firmware sets is lost on some controllers; and links come up again, for whoever looks next. */
    mmio_write32(h->registers + HBA_GHC, GHC_AE);
    mmio_write32(h->registers + HBA_CAP, h->cap);
    mmio_write32(h->registers + HBA_PI, h->pi);
    struct deadline link = deadline_in(LINK_MS);
    for (u32 left = h->started; left; left &= left - 1) {
        u32 n = (u32)__builtin_ctz(left);
        u64 at = ahci_port_registers(h, n);
        mmio_write32(at + PXCMD, mmio_read32(at + PXCMD) | spun_up[n]);
    }
    for (u32 left = h->started; left; left &= left - 1)
        ahci_wait_until(ahci_port_registers(h, (u32)__builtin_ctz(left)) + PXSSTS, DET, DET_LINK, &link);
    pci_disable(&h->pci);
}

static void ahci_quiesce(struct block_device *disk)
{
    hba_quiesce(((struct ahci_port *)disk->state)->hba);
}

/* ---- finding them ----------------------------------------------------------------------------------------------- */

static void disk_start(const struct ahci_port *p, struct block_device *disk)
{
    u32 most = p->identity.lba48 ? 65535 : 256;
    disk->block_size = p->identity.block_size;
    disk->block_count = p->identity.block_count;
    disk->max_blocks = (u32)min_u64(most, REQUEST_BYTES / disk->block_size);
}

static enum error packet_start(struct ahci_port *p, struct block_device *disk)
{
    p->unit = (struct scsi_unit){.where = p->where, .atapi = true, .command = ahci_packet_command, .carrier = p};
    enum error error = scsi_start(&p->unit);
    if (error)
        return error;
    disk->block_size = p->unit.block_size;
    disk->block_count = p->unit.block_count;
    disk->max_blocks = (u32)min_u64(scsi_blocks_max(&p->unit), PACKET_BYTES / disk->block_size);
    disk->removable = p->unit.removable;
    return OK;
}

static enum error port_probe(struct ahci_port *p, struct deadline *spin_up, struct disk_list *disks)
{
    struct block_device disk = {.driver = &disk_ahci, .state = p, .dma_align = 2,
                                .place = {.bus = BUS_PCI, .address = p->hba->pci.at}};
    u32 signature = SIG_NONE;
    enum error error = ahci_port_start(p, spin_up, &signature);
    if (error)
        return error;
    if (signature == SIG_MULTIPLIER)
        return fail(ERR_UNSUPPORTED, "%s: a port multiplier, whose disks are not read", p->where);
    if (signature != SIG_DISK && signature != SIG_PACKET) {
        say_verbose("%s: %s (signature %x), left out", p->where,
                    signature == SIG_ENCLOSURE ? "an enclosure" : "neither disk nor CD", signature);
        return ERR_NOT_MINE;
    }
    error = ahci_port_identify(p, signature == SIG_PACKET);
    if (error == OK && p->identity.packet)
        error = packet_start(p, &disk);
    else if (error == OK)
        disk_start(p, &disk);
    if (error)
        return error;
    if (!(p->hba->cap & CAP_S64A))
        disk.dma_end = GIB(4);
    format_text(disk.place.unit, sizeof disk.place.unit, "drive@%x/disk@0", p->number);
    bool cd = p->identity.packet && p->unit.type == SCSI_TYPE_CD;
    struct block_device *added = disk_add(disks, cd ? "sr" : "sd", &disk);
    if (!added)
        return ERR_NO_MEMORY; /* or no blocks, or full; the trail says which */
    p->disk = added;
    say_verbose("%s: %s, %s, %lu blocks of %u bytes, %u requests of %lu KiB in flight", added->name, p->where,
                p->identity.model, added->block_count, added->block_size, p->identity.packet ? 1 : p->slots,
                (u64)added->max_blocks * added->block_size >> 10);
    return OK;
}

/* §10.6.3: the BIOS gives up what it may still use. */
static void handoff(const struct ahci_hba *h)
{
    u64 bohc = h->registers + HBA_BOHC;
    if (!(mmio_read32(h->registers + HBA_CAP2) & CAP2_BOH) || !(mmio_read32(bohc) & BOHC_BOS))
        return;
    mmio_write32(bohc, mmio_read32(bohc) | BOHC_OOS);
    bool given = ahci_wait(bohc, BOHC_BOS, 0, HANDOFF_MS);
    if (!given && mmio_read32(bohc) & BOHC_BB)
        given = ahci_wait(bohc, BOHC_BOS, 0, HANDOFF_BUSY_MS);
    if (!given)
        warn("%s: the BIOS does not give up the controller; using it all the same", h->where);
}

/* Where a device is plugged in. Ports that nobody has spun up (§10.1.1; firmware without a driver for them) are, all at
 * once; those which are empty cost nothing. */
static u32 ports_plugged(const struct ahci_hba *h)
{
    u32 plugged = 0, waking = 0;
    for (u32 left = h->ports & ~h->lost; left; left &= left - 1) {
        u32 n = (u32)__builtin_ctz(left);
        u64 at = ahci_port_registers(h, n);
        u32 det = mmio_read32(at + PXSSTS) & DET, command = mmio_read32(at + PXCMD);
        if (det == DET_LINK) {
            plugged |= 1u << n;
        } else if (det == DET_PRESENT || (!det && ~command & CMD_SUD)) {
            mmio_write32(at + PXCMD, (command & ~CMD_ICC) | CMD_SUD | CMD_POD | CMD_ICC_ACTIVE);
            waking |= 1u << n;
        }
    }
    struct deadline presence = deadline_in(PRESENCE_MS), link = deadline_in(LINK_MS);
    while (waking) {
        bool absent = deadline_passed(&presence), over = deadline_passed(&link);
        for (u32 left = waking; left; left &= left - 1) {
            u32 n = (u32)__builtin_ctz(left);
            u32 det = mmio_read32(ahci_port_registers(h, n) + PXSSTS) & DET;
            if (det == DET_LINK)
                plugged |= 1u << n;
            if (det == DET_LINK || over || (absent && det != DET_PRESENT))
                waking &= ~(1u << n);
        }
    }
    return plugged;
}

static void port_found(struct ahci_hba *h, u32 n, struct deadline *spin_up, struct disk_list *disks)
{
    struct ahci_port *p = arena_alloc(sizeof *p, 8);
    enum error error = ERR_NO_MEMORY;
    if (p) {
        p->hba = h;
        p->number = n;
        p->registers = ahci_port_registers(h, n);
        p->slots = (u32)min_u64(CAP_NCS(h->cap), SLOTS_MAX);
        format_text(p->where, sizeof p->where, "%s port %u", h->where, n);
        h->started |= 1u << n;
        error = port_probe(p, spin_up, disks);
    }
    if (error == OK)
        return;
    if (error == ERR_NOT_FOUND) { /* a drive without a medium is no mistake */
        say_verbose("%s", error_text());
        error_clear();
    } else if (error != ERR_NOT_MINE) {
        error_add(error, "ahci");
        error_show();
    }
    if (p && p->memory && !(h->lost >> n & 1) && !ahci_port_stop(p))
        ahci_leave_alone(p);
}

static enum error hba_start(struct ahci_hba *h)
{
    struct pci_bar bar;
    if (!pci_bar(&h->pci, ABAR, &bar) || bar.is_io || !fits(bar.address, REGISTERS_SIZE, ~0ull))
        return fail(ERR_UNSUPPORTED, "%s: firmware gave its registers no address", h->where);
    enum error error = paging_map(bar.address, REGISTERS_SIZE);
    if (error)
        return error_add(error, "%s", h->where);
    h->registers = bar.address;
    pci_enable(&h->pci);
    u32 version = mmio_read32(h->registers + HBA_VS);
    if (version >> 16 > 1 || !version) /* 0.95 to 1.3.1 */
        return fail(ERR_UNSUPPORTED, "%s: the registers at %lx tell of AHCI version %x", h->where, h->registers,
                    version);
    /* §10.1.2: before any other register, and no interrupts. Some controllers want to be told more than once. */
    for (u32 i = 0; i < AE_TRIES; i++) {
        mmio_write32(h->registers + HBA_GHC, GHC_AE);
        if (mmio_read32(h->registers + HBA_GHC) & GHC_AE)
            break;
    }
    h->cap = mmio_read32(h->registers + HBA_CAP);
    h->pi = mmio_read32(h->registers + HBA_PI);
    /* Before 1.3 firmware may leave it empty: then all that there can be. */
    h->ports = h->pi ? h->pi : ~0u >> (31 - (h->cap & CAP_NP));
    handoff(h);
    return OK;
}

/* Ports that did not answer before are not touched again. */
static void lost_find(struct ahci_hba *h)
{
    char where[32];
    for (u32 left = h->ports; left; left &= left - 1) {
        u32 n = (u32)__builtin_ctz(left);
        format_text(where, sizeof where, "%s port %u", h->where, n);
        if (device_is_lost(where)) {
            warn("%s: left out, it did not answer before", where);
            h->lost |= 1u << n;
        }
    }
}

static void hba_found(const struct pci_device *device, void *context)
{
    struct disk_list *disks = context;
    u32 before = disks->count;
    bool raid = device->class == PCI_CLASS_RAID && device->vendor == PCI_VENDOR_INTEL;
    if (!raid && (device->class != PCI_CLASS_AHCI || device->interface != INTERFACE_AHCI))
        return;
    struct ahci_hba *h = arena_alloc(sizeof *h, 8);
    enum error error = ERR_NO_MEMORY;
    if (h) {
        h->pci = *device;
        format_text(h->where, sizeof h->where, "pci %02x:%02x.%x", PCI_NAME(device));
        error = hba_start(h);
    }
    if (error) {
        /* Disks may be elsewhere; and what a RAID controller is, only Intel knows. */
        if (raid)
            say_verbose("%s", error_text());
        else
            warn("%s", error_text());
        error_clear();
        if (h && h->registers)
            pci_disable(&h->pci);
        return;
    }
    lost_find(h);
    struct deadline spin_up = deadline_in(SPIN_UP_MS); /* for all together: they do it at the same time */
    for (u32 left = ports_plugged(h); left; left &= left - 1)
        port_found(h, (u32)__builtin_ctz(left), &spin_up, disks);
    if (disks->count > before)
        return;
    if (h->started)
        hba_quiesce(h);
    else if (!h->lost)
        pci_disable(&h->pci);
}

static void ahci_probe(const struct boot_info *boot, struct disk_list *disks)
{
    (void)boot;
    pci_scan(hba_found, disks);
}

const struct block_driver disk_ahci = {"ahci", ahci_probe, ahci_read, ahci_quiesce};
