/* int13.c: disks by the BIOS: USB sticks and odd controllers that only firmware has drivers for.
 *
 * Phoenix Enhanced Disk Drive Specification 3.0 (1998), T13 1572D (EDD-3); Ralf Brown's Interrupt List, INT 13h and
 * memory 0040h, for what BIOSes do otherwise. Reads go through memory below 1 MiB and are copied from there; where the
 * 64-bit buffers of EDD 3.0 work, which few BIOSes have, they go straight to their place.
 *
 * A disk belongs to the BIOS or to a driver of ours, never to both: a controller that we have reset does not answer the
 * BIOS any more, which then may wait for it for ever. So bus_bios looks at the drives before any driver does, and
 * disk_int13, the last driver, lists those only that nobody else has. What tells them apart:
 *   - the PCI device that EDD's device path names: its driver has taken it, or nobody has;
 *   - else size and content. Drives without a path are therefore read once, at first sight: later may be too late.
 *
 * A shim that is started by this one finds the same BIOS, but controllers that are reset: the BIOS data area keeps a
 * note of the drives that are not the BIOS's any more.
 *
 * Reading is not for every machine. A controller may have been taken from the BIOS before we came, by a kernel or
 * another shim that started us: they switch it off when they go (no bus master), and the BIOS still waits for it. And a
 * BIOS waits long for a disk that hangs. So where all AHCI and NVMe controllers are off, or are all there is, sizes
 * must do.
 *
 * A call of the BIOS has no deadline of ours: it returns when the BIOS thinks fit. Left out on purpose: CHS (drives
 * without EDD are not used), floppies, CDs but the one that was booted from, writing, drives that come or go after the
 * first look. tests/unit/test_int13.c (a BIOS that lies); `-device usb-storage`, `-device lsi53c895a` under QEMU with
 * SeaBIOS.
 */
#include "int13.h"
#include "block.h"
#include "io.h"
#include "memory.h"
#include "pci.h"
#include "print.h"

#define DRIVE_FIRST 0x80u
#define DRIVES_MAX 17u /* the last for a CD */
#define CD_FIRST 0x90u /* El Torito 1.0 §4: without emulation, a number above those of disks */
#define CD_LAST 0xfeu
#define CD_BLOCK 2048u
#define CD_DESCRIPTOR 16u
#define CD_VOLUME_SIZE 80u

/* BIOS data area (RBIL, MEM 0040h) */
#define BDA_DISKS 0x475u     /* hard disks */
#define BDA_NOTE 0x4f0u      /* 16 bytes for programs to tell one another */

#define OWNER "INT 13h"
#define BOUNCE_MAX KIB(64)
#define BOUNCE_MIN KIB(16)

/* EDD 3.0 §4 to §6 */
#define AH_RESET 0x00
#define AH_EXTENSIONS 0x41
#define AH_READ 0x42
#define AH_PARAMETERS 0x48
#define EXTENSIONS_ASK 0x55aau
#define EXTENSIONS_ANSWER 0xaa55u
#define EXTENSIONS_ACCESS 1u /* CX: AH=42h and AH=48h are there */
#define VERSION_3_0 0x30u
#define PATH_KEY 0xbeddu
#define PATH_FROM 0x1eu
#define PATH_SIZE_MIN 36u /* Phoenix; T13 has 44 */
#define BLOCKS_MAX 127u
#define FLAT_BUFFER 0xffffu

#define REQUEST_BYTES MIB(2)
#define TRIES 3u
#define STATUS_SHORT 0x100u /* ours: success, but not of all blocks */
#define STATUS_TIMEOUT 0x80u
#define STATUS_SILENT 0x200u /* ours, a bit: it took SILENCE_MS; SeaBIOS waits 4 s to 32 s */
#define SILENCE_MS 3000u

/* Content that a drive is known by: two pieces, the second for ISO 9660, which leaves the first 32 KiB to others. */
#define PIECES 2u
#define PIECE_SIZE 4096u
#define PIECE_PITCH 32768u
/* BIOSes are known to keep a cylinder for themselves. */
#define SIZE_SLACK (255u * 63 * 512)
#define COUNT_32_BITS 0xffffffffull /* told, or one more, of larger disks: SeaBIOS of SCSI and USB ones */

#define CANARY 0xa5
#define FLAT_BLOCK_MAX 4096u
#define FENCE 64u            /* bytes around a buffer that must not change */
#define MEASURE_MORE KIB(8)  /* behind a block: 2048 or 4096 bytes where 512 were told */

struct PACKED packet {
    u8 size, reserved;
    u16 blocks, offset, segment;
    u64 lba, flat; /* flat: in packets of 24 bytes */
};
_Static_assert(sizeof(struct packet) == 24 && offsetof(struct packet, flat) == 16, "EDD 3.0 §5");

struct PACKED parameters {
    u16 size, flags; /* flags 0 on entry: Dell's PhoenixBIOS 4.0 R6.0 wants that (RBIL) */
    u32 cylinders, heads, sectors;
    u64 block_count;
    u16 block_size;
    u32 configuration;
    u16 path_key; /* PATH_KEY: a device path follows */
    u8 path_size, reserved[3];
    char host_bus[4], interface[8];
    u8 bus, slot, function, interface_path[5];
    u8 device_path[18]; /* T13: 16, reserved, checksum; Phoenix: 8, reserved, checksum */
};
_Static_assert(sizeof(struct parameters) == 74 && offsetof(struct parameters, bus) == 0x30, "EDD-3 §8.22");

struct drive {
    u32 number;
    u8 version;
    bool elsewhere; /* a driver of ours has, or had, its controller */
    bool has_path;
    u16 pci;        /* has_path: bus 15:8, device 7:3, function 2:0 */
    bool cd;
    u32 block_size;
    u64 block_count;
    bool examined, known[PIECES];
    u64 sum[PIECES];
    bool flat;      /* EDD 3.0 buffers were seen to work */
    char name[8];   /* "bios80" */
};

extern const struct bus bus_bios;                /* by tables.c */
extern const struct block_driver disk_int13;

/* For ever: drives are looked at once. */
static struct drive drives[DRIVES_MAX];
static u32 drive_count;
static bool looked;
static bool by_size; /* drives without a path are told apart by it alone */
static struct mem_range low; /* below 1 MiB: int13.h's layout, the bounce buffer last; size 0: none */
static const struct boot_info *machine;

void int13_forget(void)
{
    memset(drives, 0, sizeof drives);
    drive_count = 0;
    looked = by_size = false;
    low.size = 0;
}

/* ---- the note ---------------------------------------------------------------------------------------------------- */

struct PACKED note {
    char magic[4];
    u16 drives, inverse; /* bit set from DRIVE_FIRST on; the same, inverted */
};
_Static_assert(sizeof(struct note) <= 16, "RBIL, MEM 0040h:00F0h");

static u32 note_read(void)
{
    struct note note;
    memcpy(&note, mem_at(BDA_NOTE, sizeof note), sizeof note);
    bool is_ours = !memcmp(note.magic, "shim", sizeof note.magic) && (note.drives ^ note.inverse) == 0xffff;
    return is_ours ? note.drives : 0;
}

static void note_write(u32 set)
{
    struct note note = {{'s', 'h', 'i', 'm'}, (u16)set, (u16)~set};
    memcpy(mem_at(BDA_NOTE, sizeof note), &note, sizeof note);
}

/* ---- calls ------------------------------------------------------------------------------------------------------- */

static void *low_at(u32 offset, u64 size)
{
    return mem_at(low.base + offset, size);
}

static u32 bounce_size(void)
{
    return (u32)low.size - INT13_BOUNCE;
}

/* Memory to call the BIOS from, with a bounce buffer. */
static bool low_place(void)
{
    low.size = 0;
    for (u64 bounce = BOUNCE_MAX; !low.size && bounce >= BOUNCE_MIN; bounce /= 2)
        if (bios_place(machine, INT13_BOUNCE + bounce, OWNER, &low.base))
            low.size = INT13_BOUNCE + bounce;
    return low.size;
}

/* One call; the status of AH, 0 when all is well. at: offset in the low memory for DS:SI. */
static u32 call(const struct drive *d, u32 function, u32 at, struct bios_registers *r)
{
    *r = (struct bios_registers){
        .eax = function << 8,
        .ebx = EXTENSIONS_ASK,
        .edx = d->number,
        .esi = at,
        .ds = (u16)(low.base >> 4),
        .es = (u16)(low.base >> 4),
    };
    bios_call(low.base, r, 0x13);
    if (!(r->flags & BIOS_CARRY))
        return 0;
    u32 status = r->eax >> 8 & 0xff;
    return status ? status : 0xbb;
}

static const char *status_name(u32 status)
{
    static const struct {
        u16 status;
        const char *name;
    } known[] = {
        {0x01, "invalid function or parameter"}, {0x02, "address mark not found"}, {0x04, "sector not found"},
        {0x05, "reset failed"}, {0x06, "disk changed"}, {0x07, "drive parameter activity failed"},
        {0x08, "DMA overrun"}, {0x09, "DMA across 64 KiB"}, {0x0a, "bad sector"}, {0x0b, "bad track"},
        {0x0c, "media error"}, {0x10, "uncorrectable read error"}, {0x11, "read error, corrected"},
        {0x20, "controller failure"}, {0x31, "no medium"}, {0x32, "wrong drive type"}, {0x40, "seek failed"},
        {STATUS_TIMEOUT, "timeout"}, {0xaa, "drive not ready"}, {0xb0, "not locked"}, {0xb3, "volume in use"},
        {0xbb, "undefined error"}, {0xcc, "write fault"}, {0xe0, "status error"},
        {STATUS_SHORT, "only a part was read"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(known); i++)
        if (known[i].status == (status & ~STATUS_SILENT))
            return known[i].name;
    return "an unknown error";
}

/* Blocks to the bounce buffer, or where EDD 3.0's flat address says. */
static u32 read_once(const struct drive *d, u64 lba, u32 blocks, u64 flat)
{
    struct bios_registers registers;
    struct packet *p = low_at(INT13_PACKET, sizeof *p);
    *p = (struct packet){.size = 16, .blocks = (u16)blocks, .lba = lba};
    p->segment = (u16)((low.base + INT13_BOUNCE) >> 4);
    if (flat) {
        p->size = sizeof *p;
        p->segment = p->offset = FLAT_BUFFER;
        p->flat = flat;
    }
    u32 status = call(d, AH_READ, INT13_PACKET, &registers);
    if (!status && p->blocks && p->blocks < blocks) /* the blocks that arrived; some BIOSes leave 0 */
        return STATUS_SHORT;
    return status;
}

static bool is_timeout(u32 status)
{
    return status == STATUS_TIMEOUT || status & STATUS_SILENT;
}

/* The same with retries behind a reset of the drive, as every BIOS manual asks for; but what has cost seconds would
 * cost them again. */
static u32 read_retry(const struct drive *d, u64 lba, u32 blocks, u64 flat)
{
    struct bios_registers registers;
    u32 status = 0;
    for (u32 i = 0; i < TRIES; i++) {
        u64 start = cpu_ticks();
        if (i)
            call(d, AH_RESET, 0, &registers);
        status = read_once(d, lba, blocks, flat);
        if (!status || status == 0x01 || status == 0x31 || status == STATUS_TIMEOUT)
            break;
        if ((cpu_ticks() - start) / clock_ticks_per_ms() >= SILENCE_MS)
            return status | STATUS_SILENT;
    }
    return status;
}

/* A device that gave the BIOS no answer in time may still write to what it was given: other drives get another bounce
 * buffer. */
static void leave_alone(const struct drive *d)
{
    warn("%s: not used any more, and what it was given stays reserved", d->name);
    disk_lost_memory(low.base, low.size);
    device_lost(d->name);
    low_place();
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static enum error read_blocks(struct block_device *disk, u64 lba, u32 blocks, u64 flat)
{
    const struct drive *d = disk->state;
    u32 status = read_retry(d, lba, blocks, flat);
    if (!status)
        return OK;
    if (is_timeout(status)) {
        leave_alone(d);
        disks_keep(low.base, low.size, OWNER);
        if (flat)
            disk_lost_memory(flat, (u64)blocks * disk->block_size);
        disk_lost(disk);
    }
    return fail(is_timeout(status) ? ERR_TIMEOUT : ERR_IO, "%s: BIOS status %02x (%s%s) at block %lu (%u blocks)",
                disk->name, status & ~STATUS_SILENT, status_name(status),
                status & STATUS_SILENT ? ", after seconds" : "", lba, blocks);
}

static enum error read_span(struct block_device *disk, const struct block_span *span)
{
    const struct drive *d = disk->state;
    u8 *buf = span->buf;
    for (u32 done = 0; done < span->blocks;) {
        if (!low.size)
            return fail(ERR_NO_MEMORY, "%s: no memory below 640 KiB to call the BIOS from", disk->name);
        u64 to = mem_address(buf);
        u32 blocks = (u32)min_u64(span->blocks - done, BLOCKS_MAX);
        bool flat = d->flat && to % 16 == 0 && fits(to, (u64)blocks * disk->block_size, GIB(4));
        if (!flat)
            blocks = (u32)min_u64(blocks, bounce_size() / disk->block_size);
        enum error error = read_blocks(disk, span->lba + done, blocks, flat ? to : 0);
        if (error)
            return error;
        u64 size = (u64)blocks * disk->block_size;
        if (!flat) {
            memcpy(buf, low_at(INT13_BOUNCE, size), size);
            disk->stats.bounced += size;
        }
        buf += size;
        done += blocks;
    }
    return OK;
}

static enum error int13_read(struct block_device *disk, const struct block_span *spans, u32 count)
{
    enum error error = OK;
    for (u32 i = 0; i < count && error == OK; i++)
        error = read_span(disk, &spans[i]);
    return error;
}

static void int13_quiesce(struct block_device *disk)
{
    (void)disk; /* between calls the BIOS has nothing under way, and nothing of ours is hooked */
}

/* ---- the first look ---------------------------------------------------------------------------------------------- */

static u64 content_sum(const void *bytes)
{
    u64 sum = 0;
    for (u32 i = 0; i < PIECE_SIZE; i += 8) {
        sum = (sum ^ load_le((const u8 *)bytes + i, 8)) * 0x9e3779b97f4a7c15ull;
        sum ^= sum >> 29;
    }
    return sum;
}

static void examine(struct drive *d)
{
    u32 blocks = max_u64(PIECE_SIZE / d->block_size, 1);
    d->examined = true;
    for (u32 i = 0; i < PIECES; i++) {
        u64 lba = (u64)i * PIECE_PITCH / d->block_size;
        if (d->block_size > PIECE_SIZE || !fits(lba, blocks, d->block_count))
            continue;
        u32 status = read_retry(d, lba, blocks, 0);
        d->known[i] = !status;
        d->sum[i] = status ? status : content_sum(low_at(INT13_BOUNCE, PIECE_SIZE));
        if (is_timeout(status)) {
            leave_alone(d);
            return;
        }
    }
}

/* EDD 3.0 §6, EDD-3 §8.22.4: the path's bytes, key to checksum, add up to 0. */
static void path_read(struct drive *d, const struct parameters *p)
{
    const u8 *bytes = (const u8 *)p + PATH_FROM;
    u8 sum = 0;
    if (p->path_key != PATH_KEY || p->path_size < PATH_SIZE_MIN || !fits(PATH_FROM, p->path_size, sizeof *p) ||
        memcmp(p->host_bus, "PCI", 3))
        return;
    for (u32 i = 0; i < p->path_size; i++)
        sum = (u8)(sum + bytes[i]);
    if (sum || p->slot > 31 || p->function > 7)
        return;
    d->has_path = true;
    d->pci = (u16)(p->bus << 8 | p->slot << 3 | p->function);
}

struct path_check {
    u16 at;
    bool found;
};

static void path_found(const struct pci_device *device, void *context)
{
    struct path_check *check = context;
    u32 base = device->class >> 8;
    check->found |= device->at == check->at && (base == 0x01 || base == 0x0c); /* mass storage; USB, FireWire, FC */
}

/* BIOSes have been seen with paths to nowhere. */
static bool path_is_plausible(const struct drive *d)
{
    struct path_check check = {.at = d->pci};
    pci_scan(path_found, &check);
    return check.found;
}

/* BIOSes do not ask CDs for their size; ECMA-119 §8.4.8 tells what is of use. */
static void cd_size(struct drive *d)
{
    static const u8 cd_volume[6] = "\1CD001";
    const u8 *descriptor = low_at(INT13_BOUNCE, CD_BLOCK);
    if (read_retry(d, CD_DESCRIPTOR, 1, 0) || memcmp(descriptor, cd_volume, sizeof cd_volume))
        return;
    d->block_count = load_le(descriptor + CD_VOLUME_SIZE, 4);
}

static enum error drive_look(struct drive *d)
{
    struct bios_registers registers;
    u32 status = call(d, AH_EXTENSIONS, 0, &registers);
    if (status || (registers.ebx & 0xffff) != EXTENSIONS_ANSWER || !(registers.ecx & EXTENSIONS_ACCESS))
        return fail(ERR_UNSUPPORTED, "%s: the BIOS has no extensions (EDD) for it", d->name);
    d->version = registers.eax >> 8 & 0xff;
    struct parameters *p = memset(low_at(INT13_PARAMETERS, sizeof *p), 0, sizeof *p);
    p->size = sizeof *p;
    status = call(d, AH_PARAMETERS, INT13_PARAMETERS, &registers);
    if (status)
        return fail(ERR_IO, "%s: BIOS status %02x (%s) instead of its size", d->name, status, status_name(status));
    d->block_size = p->block_size ? p->block_size : 512;
    d->block_count = p->block_count == ~0ull ? 0 : p->block_count;
    path_read(d, p);
    d->has_path = d->has_path && path_is_plausible(d);
    if (d->cd && !d->block_count && d->block_size == CD_BLOCK)
        cd_size(d);
    if (!d->block_count)
        return fail(ERR_NOT_FOUND, "%s: the BIOS tells no size (no medium)", d->name);
    if (!is_power_of_two(d->block_size) || d->block_size < 512 || d->block_size > bounce_size())
        return fail(ERR_UNSUPPORTED, "%s: the BIOS tells of blocks of %u bytes", d->name, d->block_size);
    if (!d->has_path && !by_size)
        examine(d);
    return OK;
}

/* What drives without a path may be at: `ours` have drivers here, of which `in_use` are not switched off, and `idle`
 * not taken by these drivers (yet). */
struct controllers {
    bool ours, in_use, idle, others;
};

static void controller_found(const struct pci_device *device, void *context)
{
    struct controllers *controllers = context;
    u16 class = device->class;
    if (class == PCI_CLASS_AHCI || class == PCI_CLASS_NVME) {
        controllers->ours = true;
        controllers->in_use |= (pci_read16(device, PCI_COMMAND) & PCI_COMMAND_MASTER) != 0;
        controllers->idle |= !pci_is_taken(device->at);
    } else if (class >> 8 == 0x01) {
        controllers->others |= class != PCI_CLASS_IDE && device->vendor != PCI_VENDOR_VIRTIO; /* these have paths */
    } else { /* SD cards; FireWire, USB, Fibre Channel */
        controllers->others |= class == 0x0805 || class == 0x0c00 || class == 0x0c03 || class == 0x0c04;
    }
}

static void drive_enter(u32 number, bool cd, bool elsewhere)
{
    struct drive *d = &drives[drive_count];
    *d = (struct drive){.number = number, .cd = cd, .elsewhere = elsewhere};
    format_text(d->name, sizeof d->name, "bios%02x", number);
    if (elsewhere || drive_look(d) == OK)
        drive_count++;
    else
        error_show();
}

static void bios_enumerate(const struct boot_info *boot)
{
    if (looked)
        return;
    looked = true;
    const char *missing = bios_missing();
    if (missing) {
        say_verbose("no BIOS: %s", missing);
        return;
    }
    u32 count = (u32)min_u64(*(const u8 *)mem_at(BDA_DISKS, 1), DRIVES_MAX - 1);
    u32 booted = boot->boot_device >> 24; /* multiboot §3.3; of PVH: all ones */
    bool cd = booted >= CD_FIRST && booted <= CD_LAST;
    if (!count && !cd)
        return;
    machine = boot;
    if (!low_place()) {
        warn("no memory below 640 KiB to call the BIOS from: its disks are left out");
        return;
    }
    u32 elsewhere = note_read();
    struct controllers controllers = {0};
    pci_scan(controller_found, &controllers);
    by_size = controllers.ours && !(controllers.in_use && controllers.others);
    for (u32 i = 0; i < count; i++)
        drive_enter(DRIVE_FIRST + i, false, elsewhere >> i & 1);
    if (cd)
        drive_enter(booted, true, false);
}

const struct bus bus_bios = {"bios", bios_enumerate};

/* ---- whose is it? ------------------------------------------------------------------------------------------------ */

/* What neither side could read does not tell them apart: a disk that may be a driver's is left to it. */
static bool same_content(struct drive *d, struct block_device *disk, u8 *piece)
{
    if (!d->examined && by_size)
        return true;
    if (!d->examined)
        examine(d);
    for (u32 i = 0; i < PIECES; i++) {
        if (!d->known[i] || disk->dead)
            continue;
        bool read = block_read(disk, (u64)i * PIECE_PITCH, PIECE_SIZE, piece) == OK;
        if (disk->dead) /* nobody asks it again */
            error_show();
        error_clear();
        if (read && content_sum(piece) != d->sum[i])
            return false;
    }
    return true;
}

static bool same_size(const struct drive *d, const struct block_device *disk)
{
    u64 size = d->block_count * d->block_size, other = block_bytes(disk);
    if (d->cd) /* told by the medium, not by the drive */
        return disk->block_size == CD_BLOCK;
    if (size < other && (d->block_count == COUNT_32_BITS || d->block_count == COUNT_32_BITS + 1))
        return true;
    return (size < other ? other - size : size - other) <= SIZE_SLACK;
}

/* The BIOS tells by paths what is at this disk's controller: a drive with none, or another, is a copy of the disk. */
static bool has_own_drive(const struct block_device *disk)
{
    bool has = false;
    for (u32 i = 0; i < drive_count; i++)
        has |= drives[i].has_path && disk->place.bus == BUS_PCI && disk->place.address == drives[i].pci;
    return has;
}

static const struct block_device *find_same(struct drive *d, const struct disk_list *disks)
{
    u64 mark = arena_mark();
    u8 *piece = arena_reserve(PIECE_SIZE, 16);
    const struct block_device *same = NULL;
    for (u32 i = 0; piece && !same && i < disks->count; i++) {
        struct block_device *disk = disks->disk[i];
        if (disk->driver != &disk_int13 && !disk->in_memory && !has_own_drive(disk) && same_size(d, disk) &&
            same_content(d, disk, piece))
            same = disk;
    }
    arena_release(mark);
    return same;
}

/* All controllers at which a drive without a path may be have drivers here: one that is none of their disks was of no
 * use to them, and the BIOS would wait for a controller that was reset. */
static bool all_are_taken(void)
{
    struct controllers controllers = {0};
    pci_scan(controller_found, &controllers);
    return controllers.ours && !controllers.idle && !controllers.others;
}

/* True when the drive is a driver's of ours, which is so for ever. */
static bool is_elsewhere(struct drive *d, const struct disk_list *disks)
{
    bool taken = d->has_path && pci_is_taken(d->pci);
    for (u32 i = 0; d->has_path && i < disks->count; i++)
        taken |= disks->disk[i]->place.bus == BUS_PCI && disks->disk[i]->place.address == d->pci;
    const struct block_device *same = taken ? NULL : find_same(d, disks);
    if (taken)
        say_verbose("%s: left to the driver of pci %02x:%02x.%x", d->name, d->pci >> 8, d->pci >> 3 & 31, d->pci & 7);
    else if (same)
        say_verbose("%s: the same as %s", d->name, same->name);
    return taken || same || (!d->has_path && all_are_taken());
}

/* ---- what it can do ---------------------------------------------------------------------------------------------- */

/* Where the bounce buffer's last byte lies that a read of one block changes, or may have changed. */
static u32 measure_block(const struct drive *d, u8 fill, u32 *status)
{
    u32 end = (u32)min_u64(bounce_size(), (u64)d->block_size + MEASURE_MORE);
    const u8 *bounce = memset(low_at(INT13_BOUNCE, end), fill, end);
    *status = read_retry(d, 0, 1, 0);
    while (end && bounce[end - 1] == fill)
        end--;
    return end;
}

/* Blocks are as large as the BIOS said. One that tells of less than it reads would write past the buffer's end. */
static enum error check_block_size(const struct drive *d)
{
    u32 status, end = measure_block(d, CANARY, &status);
    if (!status && end != d->block_size) /* the block may end like our filling */
        end = measure_block(d, (u8)~CANARY, &status);
    if (is_timeout(status))
        leave_alone(d);
    if (status)
        return fail(ERR_IO, "%s: BIOS status %02x (%s) at block 0", d->name, status & ~STATUS_SILENT,
                    status_name(status));
    if (end != d->block_size)
        return fail(ERR_CORRUPT, "%s: the BIOS tells of blocks of %u bytes and reads %u", d->name, d->block_size, end);
    return OK;
}

/* Where a BIOS that knows nothing of flat buffers puts a block for FFFF:FFFF: at that address, or around the segment's
 * end, at FFFF:0000. Ours again afterwards. */
#define ASTRAY_1 0x10ffefu
#define ASTRAY_2 0xffff0u

/* EDD 3.0 §5: the flat buffer is optional, and no bit tells of it. The first block is in the bounce buffer, by
 * check_block_size(): here comes another copy of it, if at all. */
static bool flat_works(const struct drive *d, const struct boot_info *boot)
{
    u32 size = d->block_size;
    if (d->version < VERSION_3_0 || size > FLAT_BLOCK_MAX || !mem_map_usable(&boot->memory, MIB(1), KIB(128)))
        return false;
    u64 mark = arena_mark();
    u8 *fence = arena_reserve(3 * size + 2 * FENCE, 16);
    bool works = fence && mem_address(fence) >= MIB(2);
    if (works) {
        u8 *astray_1 = mem_at(ASTRAY_1, size), *astray_2 = mem_at(ASTRAY_2, size), *to = fence + FENCE;
        u8 *saved_1 = to + size + FENCE, *saved_2 = saved_1 + size;
        memset(fence, CANARY, size + 2 * FENCE);
        memcpy(saved_1, astray_1, size);
        memcpy(saved_2, astray_2, size);
        works = !read_once(d, 0, 1, mem_address(to)) && !memcmp(to, low_at(INT13_BOUNCE, size), size);
        for (u32 i = 0; works && i < FENCE; i++)
            works = fence[i] == CANARY && to[size + i] == CANARY;
        if (memcmp(astray_1, saved_1, size))
            memcpy(astray_1, saved_1, size);
        if (memcmp(astray_2, saved_2, size))
            memcpy(astray_2, saved_2, size);
    }
    arena_release(mark);
    return works;
}

static enum error drive_add(struct drive *d, const struct boot_info *boot, struct disk_list *disks)
{
    if (device_is_lost(d->name) || !low.size)
        return fail(ERR_TIMEOUT, "%s: gave no answer before: left alone", d->name);
    enum error error = check_block_size(d);
    if (error)
        return error;
    d->flat = flat_works(d, boot);
    struct block_device disk = {
        .place = {.bus = BUS_BIOS, .address = d->number},
        .block_size = d->block_size,
        .max_blocks = (u32)(REQUEST_BYTES / d->block_size),
        .dma_align = 1,
        .block_count = d->block_count,
        .removable = d->cd,
        .driver = &disk_int13,
        .state = d,
    };
    if (!d->cd)
        format_text(disk.name, sizeof disk.name, "%s", d->name);
    const struct block_device *added = disk_add(disks, d->cd ? "sr" : "bios", &disk);
    if (!added)
        return ERR_NOT_FOUND; /* the trail says why */
    say_verbose("%s: INT 13h drive %02x, EDD %x.%x, %lu blocks of %u bytes, read %s", added->name, d->number,
                d->version >> 4, d->version & 15, d->block_count, d->block_size,
                d->flat ? "in place" : "through low memory");
    return OK;
}

static void int13_probe(const struct boot_info *boot, struct disk_list *disks)
{
    bool used = false;
    u32 elsewhere = 0;
    for (u32 i = 0; i < drive_count; i++) {
        struct drive *d = &drives[i];
        d->elsewhere = d->elsewhere || is_elsewhere(d, disks);
        if (d->elsewhere) {
            elsewhere |= d->cd ? 0 : 1u << (d->number - DRIVE_FIRST);
            continue;
        }
        if (drive_add(d, boot, disks) == OK)
            used = true;
        else
            error_show();
    }
    if (elsewhere)
        note_write(elsewhere);
    if (used)
        disks_keep(low.base, low.size, OWNER);
}

const struct block_driver disk_int13 = {"int13", int13_probe, int13_read, int13_quiesce};
