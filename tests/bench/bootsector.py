"""Who starts from a disk by BIOS: GRUB, extlinux, or nobody but a clock. All of them live on one image, by turns.

The image is an MBR disk whose volume begins at VOLUME_AT (tests/images/disk.py, scheme `mbr`); files are on it
already. Nothing is mounted: GRUB's core goes behind the MBR and extlinux's sectors to where debugfs says that
ldlinux.sys lies, as grub-bios-setup and `extlinux --install` would do. GRUB 2.06 util/setup.c and
include/grub/i386/pc/boot.h; syslinux 6.04 libinstaller/syslxmod.c and syslinux.h.
"""
import os
import re
import struct

from disk import run

SECTOR = 512
MBR_CODE = 440
VOLUME_AT = 2 << 20
GRUB_DIR = "/usr/lib/grub/i386-pc"
EXTLINUX_MBR = "/usr/lib/EXTLINUX/mbr.bin"
EXTLINUX_DIR = "/boot/extlinux"

# The time stamp counter as `probe: tsc=` and 16 hex digits on COM1, then the end of QEMU by isa-debug-exit.
CLOCK_BODY = """
    rdtsc
    mov ebp, eax
    mov edi, edx
    mov dx, 0x3f8
    mov esi, text - start + BASE
next:
    mov al, [esi]
    inc esi
    out dx, al
    cmp al, '='
    jne next
    mov ch, 2
    mov eax, edi            ; high half first
half:
    mov cl, 8
digit:
    rol eax, 4
    mov ebx, eax
    and al, 15
    cmp al, 10
    jb decimal
    add al, 'a' - '0' - 10
decimal:
    add al, '0'
    out dx, al
    mov eax, ebx
    dec cl
    jnz digit
    mov eax, ebp
    dec ch
    jnz half
    mov al, 10
    out dx, al
    mov dx, 0xf4
    mov al, 0x10
    out dx, al
    hlt
text:
    db "probe: tsc="
"""

CLOCK_MBR = """
bits 16
org 0x7c00
BASE equ 0x7c00
start:
    xor ax, ax
    mov ds, ax
""" + CLOCK_BODY

# An ELF32 with the note that QEMU's -kernel looks for (Xen elfnote 18, PHYS32_ENTRY), as large as a small shim.
CLOCK_ELF = """
bits 32
BASE equ 0x100100
org 0x100000
    db 0x7f, "ELF", 1, 1, 1
    times 9 db 0
    dw 2, 3
    dd 1, start, 52, 0, 0
    dw 52, 32, 2, 40, 0, 0
    dd 1, 0, 0x100000, 0x100000, 8192, 8192, 7, 4096
    dd 4, note - 0x100000, note, note, 20, 20, 4, 4
note:
    dd 4, 4, 18
    db "Xen", 0
    dd start
    times 0x100 - ($ - $$) db 0
start:
""" + CLOCK_BODY + """
    times 8192 - ($ - $$) db 0
"""


def write_at(image, at, data):
    with open(image, "r+b") as out:
        out.seek(at)
        out.write(data)


def read_at(image, at, size):
    with open(image, "rb") as data:
        data.seek(at)
        return data.read(size)


def assemble(source, folder, name):
    with open(f"{folder}/{name}.asm", "w", encoding="ascii") as out:
        out.write(source)
    run("nasm", "-f", "bin", "-o", f"{folder}/{name}", f"{folder}/{name}.asm")
    return f"{folder}/{name}"


# ---- GRUB ------------------------------------------------------------------------------------------------------------


def grub_files():
    """What grub-install copies to /boot/grub."""
    names = [n for n in sorted(os.listdir(GRUB_DIR)) if n.endswith((".mod", ".lst"))]
    return {f"/boot/grub/i386-pc/{n}": f"{GRUB_DIR}/{n}" for n in names}


def install_grub(image, fs, folder):
    """Put a core like grub-install's behind the MBR; returns the MBR's code."""
    core = f"{folder}/core-{fs}.img"
    run("grub-mkimage", "-O", "i386-pc", "-o", core, "-p", "(hd0,msdos2)/boot/grub", "biosdisk", "part_msdos",
        "ext2" if fs.startswith("ext") else "fat")
    data = bytearray(read_at(core, 0, -1))
    sectors = -(-len(data) // SECTOR)
    assert (1 + sectors) * SECTOR <= 1 << 20, f"{core}: {len(data)} bytes do not fit before the first partition"
    # diskboot.img's block list, the last entry of the first sector: start, length, segment of what follows it
    struct.pack_into("<QHH", data, SECTOR - 12, 2, sectors - 1, 0x820)
    write_at(image, SECTOR, data)
    boot = bytearray(read_at(f"{GRUB_DIR}/boot.img", 0, SECTOR))
    struct.pack_into("<Q", boot, 0x5C, 1)  # GRUB_BOOT_MACHINE_KERNEL_SECTOR
    boot[0x64] = 0xFF  # GRUB_BOOT_MACHINE_BOOT_DRIVE: that of the BIOS
    boot[0x66:0x68] = b"\x90\x90"  # GRUB_BOOT_MACHINE_DRIVE_CHECK, as setup.c does for a hard disk
    return bytes(boot[:MBR_CODE])


# ---- extlinux --------------------------------------------------------------------------------------------------------

LDLINUX_MAGIC = 0x3EB202FE
# magic, instance, data sectors, ADV sectors, dwords, checksum, most per transfer, where EXT_PATCH_AREA is
PATCH_AREA = struct.Struct("<IIHHIIHH")
# ADV pointers, dir, its length, subvolume, its length, extents, their number, first sector low, high, RAID
EXT_PATCH_AREA = struct.Struct("<10H")


def scratch_extlinux(folder):
    """(boot sector, ldlinux.sys, ldlinux.c32) as Debian's package installs them on a small FAT image."""
    image = f"{folder}/syslinux.img"
    with open(image, "wb") as out:
        out.truncate(16 << 20)
    run("mkfs.fat", "-F", "16", image)
    for directory in ("boot", EXTLINUX_DIR[1:]):
        run("mmd", "-i", image, f"::/{directory}")
    run("syslinux", "--install", "--directory", EXTLINUX_DIR, image)
    for name in ("ldlinux.sys", "ldlinux.c32"):
        run("mcopy", "-n", "-o", "-i", image, f"::{EXTLINUX_DIR}/{name}", f"{folder}/{name}")
    return read_at(image, 0, SECTOR), f"{folder}/ldlinux.sys", f"{folder}/ldlinux.c32"


def file_sectors(image, path):
    """The sectors of a file on ext4, counted from the start of the volume, by debugfs."""
    device = f"{image}?offset={VOLUME_AT}"
    blocks = [int(b) for b in run("debugfs", "-R", f"blocks {path}", device).splitlines()[-1].split()]
    size = int(re.search(r"Block size:\s+(\d+)", run("dumpe2fs", "-h", device)).group(1)) // SECTOR
    return [b * size + i for b in blocks for i in range(size)]


def make_extents(sectors):
    """(first sector, count) of runs; none crosses 64 KiB of where it is loaded, the second sector at 8200h."""
    extents, address = [], 0x8000 + SECTOR
    for sector in sectors:
        first, count = extents[-1] if extents else (0, 0)
        if count and first + count == sector and (address - count * SECTOR) >> 16 == (address + SECTOR - 1) >> 16:
            extents[-1] = first, count + 1
        else:
            extents.append((sector, 1))
        address += SECTOR
    return extents


def patch_extlinux(boot, data, sectors):
    """syslinux_patch(): where ldlinux.sys lies, told to it and to the boot sector; both are bytearrays."""
    at = next(i for i in range(0, len(data) - 4, 4) if struct.unpack_from("<I", data, i)[0] == LDLINUX_MAGIC)
    magic, instance, count, advs, dwords, _, transfer, epa = PATCH_AREA.unpack_from(data, at)
    adv_at, _, _, _, _, extents_at, extents_max, low, high, _ = EXT_PATCH_AREA.unpack_from(data, epa)
    assert len(sectors) >= count + advs, f"ldlinux.sys: {len(sectors)} sectors, expected {count} + {advs}"
    struct.pack_into("<I", boot, low, sectors[0] & 0xFFFFFFFF)
    struct.pack_into("<I", boot, high, sectors[0] >> 32)
    extents = make_extents(sectors[1:count])
    assert len(extents) <= extents_max, f"ldlinux.sys: {len(extents)} extents, expected at most {extents_max}"
    data[extents_at:extents_at + 10 * extents_max] = bytes(10 * extents_max)
    for i, extent in enumerate(extents):
        struct.pack_into("<QH", data, extents_at + 10 * i, *extent)
    struct.pack_into("<2Q", data, adv_at, *sectors[count:count + 2])
    PATCH_AREA.pack_into(data, at, magic, instance, count, advs, dwords, 0, transfer, epa)
    checksum = (LDLINUX_MAGIC - sum(struct.unpack_from(f"<{dwords}I", data))) & 0xFFFFFFFF
    PATCH_AREA.pack_into(data, at, magic, instance, count, advs, dwords, checksum, transfer, epa)


def install_extlinux(image, fs, scratch):
    """On FAT by Debian's own installer, on ext4 as it would; returns the MBR's code."""
    if fs.startswith("fat"):
        run("syslinux", "--install", "--directory", EXTLINUX_DIR, "--offset", VOLUME_AT, image)
        return read_at(EXTLINUX_MBR, 0, MBR_CODE)
    boot, data = bytearray(scratch[0]), bytearray(read_at(scratch[1], 0, -1))
    sectors = file_sectors(image, f"{EXTLINUX_DIR}/ldlinux.sys")
    # The BPB of a disk and no longer of a FAT, by which syslinux would take it for one: bytes per sector; sectors per
    # track, heads, hidden sectors, all sectors.
    boot[0x0B:0x5A] = bytes(0x5A - 0x0B)
    struct.pack_into("<H", boot, 0x0B, SECTOR)
    struct.pack_into("<HHII", boot, 0x18, 63, 255, VOLUME_AT // SECTOR, (os.path.getsize(image) - VOLUME_AT) // SECTOR)
    patch_extlinux(boot, data, sectors)
    write_at(image, VOLUME_AT, boot)
    data += bytes(-len(data) % SECTOR)
    for i in range(len(data) // SECTOR):
        write_at(image, VOLUME_AT + sectors[i] * SECTOR, data[i * SECTOR:(i + 1) * SECTOR])
    return read_at(EXTLINUX_MBR, 0, MBR_CODE)


def extlinux_files(fs, scratch):
    """What has to be on the volume before install_extlinux()."""
    if fs.startswith("fat"):
        return {}
    return {f"{EXTLINUX_DIR}/ldlinux.sys": scratch[1], f"{EXTLINUX_DIR}/ldlinux.c32": scratch[2]}
