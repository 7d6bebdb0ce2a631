/* boot_order.c: QEMU's "bootorder" (boot_order.h).
 *
 * A line per device, best first, each an Open Firmware path (IEEE 1275): "/pci@i0cf8/pci-bridge@5/scsi@1,2/disk@0,0",
 * "/virtio-mmio@00000000feb02e00/disk@0,0". Node names say what kind of thing it is and are not compared, but for the
 * last ones, behind the controller; unit addresses are compared (QEMU softmmu/bootdevice.c,
 * qdev_get_fw_dev_path_helper). What only the BIOS can reach is named by paths that are not followed here (USB): as the
 * BIOS orders its drives by the same file, the lines that name no disk of ours are given to them in turn.
 * tests/unit/test_boot_order.c; bootindex= in tests/qemu/test_disks.py.
 */
#include "boot_order.h"
#include "fw_cfg.h"
#include "memory.h"
#include "pci.h"
#include "print.h"

#define FW_CFG_BOOT_ORDER "bootorder"
#define SIZE_MAX_BYTES 65536u
#define RANK_MODULE 0u
#define RANK_FIRST 1u
#define RANK_NONE 0xffffffffu

/* Cut "/NODE@UNIT" off *path; false at its end. */
static bool next_node(struct text *path, struct text *node, struct text *unit)
{
    if (!path->len || path->at[0] != '/')
        return false;
    path->at++, path->len--;
    *node = (struct text){path->at, 0};
    while (node->len < path->len && path->at[node->len] != '/')
        node->len++;
    path->at += node->len, path->len -= node->len;
    *unit = *node;
    while (unit->len && unit->at[0] != '@')
        unit->at++, unit->len--;
    node->len -= unit->len;
    if (unit->len)
        unit->at++, unit->len--;
    return true;
}

/* Unit addresses are hexadecimal without 0x; false when t is none. */
static bool hex_number(struct text t, u64 *value)
{
    char with[20] = "0x";
    if (t.len > 16)
        return false;
    memcpy(with + 2, t.at, t.len);
    return t.len && text_number((struct text){with, t.len + 2}, value);
}

/* "4" or "1f,2" is the device and function `step` (7:3 and 2:0). */
static bool unit_is(struct text unit, u8 step)
{
    struct text slot;
    u64 device, function = 0;
    if (!text_split(&unit, ',', &slot) || !hex_number(slot, &device) || (unit.len && !hex_number(unit, &function)))
        return false;
    return device == step >> 3u && function == (step & 7u);
}

/* What follows the bridges, and the controller itself, in path; false when they are others. */
static bool follow_pci(struct text *path, u64 address)
{
    struct pci_path way;
    struct text node, unit;
    if (!next_node(path, &node, &unit) || !text_equal(node, "pci") || !pci_path((u32)address, &way))
        return false;
    for (u32 i = 0; i < way.steps; i++)
        if (!next_node(path, &node, &unit) || !unit_is(unit, way.step[i]))
            return false;
    return true;
}

static bool names_disk(struct text path, const struct block_device *disk)
{
    struct text node, unit;
    u64 address;
    switch (disk->place.bus) {
    case BUS_PCI:
        if (!follow_pci(&path, disk->place.address))
            return false;
        break;
    case BUS_MMIO:
        if (!next_node(&path, &node, &unit) || !hex_number(unit, &address) || address != disk->place.address)
            return false;
        break;
    default:
        return false;
    }
    if (!path.len)
        return false;
    path.at++, path.len--;
    /* QEMU 7.2 writes the same "nvme-nsbootindex" for every namespace of a controller. */
    return text_equal(path, disk->place.unit) || text_starts(path, "nvme-ns");
}

/* What no BIOS drive stands behind: option ROMs, network cards, the word HALT, floppies. */
static bool names_no_drive(struct text path)
{
    struct text node = path, unit;
    if (text_starts(path, "/rom@"))
        return true;
    while (next_node(&path, &node, &unit))
        if (text_equal(node, "ethernet") || text_equal(node, "floppy") || text_starts(node, "ethernet-phy"))
            return true;
    return text_equal(node, "HALT") || !node.len;
}

/* The BIOS drive with the lowest number that has no rank yet. */
static u32 next_bios_drive(const struct disk_list *disks, const u32 *rank)
{
    u32 best = disks->count;
    for (u32 i = 0; i < disks->count; i++) {
        const struct disk_place *place = &disks->disk[i]->place;
        if (place->bus == BUS_BIOS && rank[i] == RANK_NONE &&
            (best == disks->count || place->address < disks->disk[best]->place.address))
            best = i;
    }
    return best;
}

/* Stable: disks of one rank stay as they are. */
static void sort(struct disk_list *disks, u32 *rank)
{
    for (u32 i = 1; i < disks->count; i++) {
        struct block_device *disk = disks->disk[i];
        u32 own = rank[i], at = i;
        for (; at && rank[at - 1] > own; at--) {
            disks->disk[at] = disks->disk[at - 1];
            rank[at] = rank[at - 1];
        }
        disks->disk[at] = disk;
        rank[at] = own;
    }
}

void boot_order_apply(struct disk_list *disks)
{
    u32 rank[DISKS_MAX], line_number = RANK_FIRST;
    struct text rest, line;
    u64 mark = arena_mark();
    enum error error = fw_cfg_read(FW_CFG_BOOT_ORDER, SIZE_MAX_BYTES, &rest.at, &rest.len);
    if (error) {
        if (error != ERR_NOT_FOUND)
            error_show();
        arena_release(mark);
        return;
    }
    for (u32 i = 0; i < disks->count; i++)
        rank[i] = disks->disk[i]->in_memory ? RANK_MODULE : RANK_NONE;
    rest.len = (u32)strlen(rest.at); /* a zero ends it */
    while (text_split(&rest, '\n', &line)) {
        bool is_ours = false;
        line = text_trim(line);
        for (u32 i = 0; i < disks->count; i++)
            if (names_disk(line, disks->disk[i])) {
                is_ours = true;
                rank[i] = rank[i] == RANK_NONE ? line_number : rank[i];
            }
        u32 bios = is_ours || names_no_drive(line) ? disks->count : next_bios_drive(disks, rank);
        if (bios < disks->count)
            rank[bios] = line_number;
        line_number++;
    }
    sort(disks, rank);
    arena_release(mark);
}
