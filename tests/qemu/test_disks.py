"""A disk on every bus: Debian's kernel from it to its init, which reads the disk again; then what may be wrong with it."""
import hashlib

import pytest
from buses import BUSES, second
from disk import MIB, make_disk, make_iso
from guest import Guest
from hosts import host_arguments

INNER = b"timeout none\nentry inner\n linux /none\n"
PROBE = "timeout 0\nentry probe\n pvh /shim.elf\n options config=/inner.cfg\n"

# bus: (filesystem, scheme, MiB, host). All filesystems, schemes, hosts; little and much memory.
ROWS = {
    "virtio-modern": ("ext4", "gpt", 5120, "grub-uefi"),
    "virtio-transitional": ("fat32", "mbr", 128, "pvh"),
    "virtio-legacy": ("ext2", "none", 5120, "pvh"),
    "virtio-root-port": ("fat16", "gpt", 128, "grub-bios"),
    "virtio-legacy-port": ("ext4", "logical", 5120, "pvh"),
    "virtio-bridge": ("ext4", "mbr", 128, "multiboot"),
    "virtio-pxb": ("fat32", "gpt", 5120, "pvh"),
    "virtio-scsi": ("ext4", "gpt", 5120, "pvh"),
    "virtio-scsi-cd": ("iso", "none", 128, "pvh"),
    "ahci": ("ext4", "gpt", 128, "pvh"),
    "ahci-cd": ("iso", "none", 5120, "pvh"),
    "ich9-ahci": ("fat32", "none", 5120, "grub-bios"),
    "ide": ("ext2", "mbr", 128, "pvh"),
    "ide-cd": ("iso", "none", 5120, "multiboot"),
    "nvme": ("ext4", "logical", 5120, "grub-uefi"),
    "nvme-4k": ("ext4", "gpt4k", 128, "pvh"),
    "usb": ("fat32", "mbr", 128, "pvh"),
    "usb-ehci": ("ext4", "gpt", 5120, "grub-bios"),
    "bios-scsi": ("iso", "none", 5120, "pvh"),
}

# Linux does not always come up on microvm under TCG, not by a direct -kernel either: the shim reads itself instead.
MICROVM = [name for name, bus in BUSES.items() if bus.machine.startswith("microvm")]


def make_image(path, files, fs, scheme, bus):
    """The image, and the volume's name on a disk called `disk`."""
    if fs == "iso":
        make_iso(str(path), files)
        return bus.disk
    # Blocks of 1 KiB, which small ext2 volumes get, have a pointer block in the way after every 256 of them.
    volume = make_disk(str(path), files, scheme, fs, options=("-b", "4096") if fs == "ext2" else ())[3:]
    return bus.disk + ("p" if volume and bus.disk[-1].isdigit() else "") + volume


def host_of(bus, host, kit, scratch, arguments="verbose"):
    """Start by host. The loader's own CD must not be the first of its kind on the bus that is looked at."""
    args = host_arguments(host, kit, scratch, arguments)
    if host.startswith("grub") and bus.machine == "q35":
        args = [a.replace("ide-cd,bus=ide.0", "ide-cd,bus=ide.5") for a in args]
    return args


@pytest.mark.parametrize("name", ROWS)
def test_linux(name, kit, scratch):
    fs, scheme, memory, host = ROWS[name]
    bus, image = BUSES[name], scratch / "disk.img"
    linux = bus.linux or bus.disk
    config = f"timeout 0\nentry debian\n linux /vmlinuz\n initrd /initrd.img\n options console=ttyS0 quiet" \
             f" shim.test=halt shim.disk={linux}\n"
    files = {"/shim.cfg": config.encode(), "/vmlinuz": kit.vmlinuz, "/initrd.img": kit.initrd_disks}
    volume = make_image(image, files, fs, scheme, bus)
    args = host_of(bus, host, kit, scratch) + bus.arguments(image)
    with Guest(*args, machine=bus.machine, memory=memory) as guest:
        guest.expect(r"^shim: \S+ entered by ", 60)
        guest.expect(rf"^shim: config \({volume}\)/shim.cfg: 1 entry", 60)
        loaded = guest.expect(rf"^shim: \({volume}\)/vmlinuz: loaded (\d+)\.\d MiB in (\d+) requests, (\d+) bytes", 60)
        guest.expect(r'^shim: booting "debian" by linux64', 30)
        guest.expect(r"^init: hello from Linux ", 240)
        guest.expect(rf"^init: read {linux}: ok$", 60)
        guest.expect(r"^init: done$", 20)
        assert "shim: error" not in guest.text
    mebibytes, requests, bounced = (int(n) for n in loaded.groups())
    assert requests <= 2 * (mebibytes + 1) + 10, f"{requests} requests for {mebibytes} MiB"
    assert bounced < 3 * 4096 or bus.disk.startswith("bios")


# Debian's QEMU starts microvm with qboot, whatever acpi= says; its package seabios has the other firmware.
FIRMWARE = {"qboot": [], "seabios": ["-bios", "/usr/share/seabios/bios-microvm.bin"]}


@pytest.mark.parametrize("firmware", FIRMWARE)
@pytest.mark.parametrize("name", MICROVM)
def test_microvm(name, firmware, kit, scratch):
    bus, image = BUSES[name], scratch / "disk.img"
    files = {"/shim.cfg": PROBE.encode(), "/inner.cfg": INNER, "/shim.elf": kit.shim}
    volume = make_image(image, files, "ext4", "gpt", bus)
    for host in ("pvh", "multiboot"):
        with Guest(*host_arguments(host, kit, scratch, "verbose"), *bus.arguments(image), *FIRMWARE[firmware],
                   machine=bus.machine) as guest:
            guest.expect(rf"^shim: config \({volume}\)/shim.cfg: 1 entry", 60)
            guest.expect(r'^shim: booting "probe" by pvh', 30)
            guest.expect(rf"^shim: config \({volume}\)/inner.cfg: 1 entry", 60)


# One of each driver and transport, and what it reads CDs by.
DRIVERS = ["virtio-modern", "virtio-legacy", "mmio", "mmio-v2", "virtio-scsi", "virtio-scsi-cd", "ahci", "ahci-cd", "ide",
           "ide-cd", "nvme", "usb"]


@pytest.mark.parametrize("name", DRIVERS)
def test_second_disk_has_the_config(name, kit, scratch):
    """The first one is empty; neither is written to, though the host would let us."""
    bus = BUSES[name]
    first, image = scratch / "first.img", scratch / "disk.img"
    first.write_bytes(bytes(3 * MIB))
    files = {"/shim.cfg": PROBE.encode(), "/inner.cfg": INNER, "/shim.elf": kit.shim}
    two = second(bus.disk)
    volume = make_image(image, files, "iso" if bus.cd else "ext4", "none", bus).replace(bus.disk, two)
    before = [hashlib.sha256(p.read_bytes()).hexdigest() for p in (first, image)]
    disks = []
    for n, path in enumerate((first, image)):
        drive = None if bus.cd else ["-drive", f"file={path},format=raw,if=none,id=d{n},file.locking=off"]
        disks += bus.arguments(path, n, drive=drive)
    with Guest("-kernel", kit.shim, *disks, machine=bus.machine) as guest:
        guest.expect(rf"^shim: config \({volume}\)/shim.cfg: 1 entry", 60)
        guest.expect(rf"^shim: config \({volume}\)/inner.cfg: 1 entry", 60)
        guest.expect(r"inner", 20)
    assert before == [hashlib.sha256(p.read_bytes()).hexdigest() for p in (first, image)]


GOOD = "\nentry good\n title  The one that works\n pvh    /shim.elf\n options config=/inner.cfg\n"


def broken_disk(bus, kit, scratch, blkdebug):
    """A disk with a file of 8 MiB and a blkdebug below it; blkdebug(image) gives its options."""
    image = scratch / "disk.img"
    big = scratch / "big"
    big.write_bytes(bytes(range(256)) * 32768)
    config = "timeout none\nentry bad\n linux /shim.elf\n initrd /big\nentry big\n pvh /shim.elf\n module /big\n" + GOOD
    files = {"/shim.cfg": config.encode(), "/inner.cfg": INNER, "/shim.elf": kit.shim, "/big": big}
    make_image(image, files, "iso" if bus.cd else "ext4", "none", bus)
    node = (f"driver=raw,node-name=d0,read-only={'on' if bus.cd else 'off'},file.driver=blkdebug,file.image.driver=file,"
            f"file.image.filename={image},file.image.locking=off{blkdebug(image)}")
    devices = [a if a.startswith("-") or "drive=d0" not in a else a + bus.report
               for a in bus.arguments(image, 0, drive=["-blockdev", node])]
    return devices


def sector_of_big(image):
    """A sector in the middle of the big file: it repeats, and nothing else of the image does."""
    data = image.read_bytes()
    return (data.index(bytes(range(256)) * 1024) + 4 * MIB) // 512 & -8


@pytest.mark.parametrize("name", DRIVERS)
def test_read_error(name, kit, scratch):
    """One bad sector: which device, where, and in words; what else is on the disk boots."""
    bus = BUSES[name]
    disk = broken_disk(bus, kit, scratch, lambda image: (
        ",file.inject-error.0.event=read_aio,file.inject-error.0.errno=5,file.inject-error.0.once=off,"
        f"file.inject-error.0.sector={sector_of_big(image)}"))
    with Guest("-kernel", kit.shim, *disk, machine=bus.machine) as guest:
        guest.expect(r"The one that works", 60)
        guest.send("2")
        guest.expect(rf"^shim: error: .*/big: .*{bus.disk}: .*\d+.*", 60)
        guest.expect(r"The one that works", 30)
        guest.send("3")
        guest.expect(rf"^shim: config \({bus.disk}\)/inner.cfg: 1 entry", 60)


# Not by the BIOS: no deadline of ours reaches into it.
@pytest.mark.parametrize("name", ["virtio-modern", "mmio-v2", "virtio-scsi", "ahci", "ide", "ide-cd", "nvme"])
def test_falls_silent(name, kit, scratch):
    """A disk that stops answering while a file is read: given up after a while, and a second one boots."""
    bus = BUSES[name]
    other = scratch / "other.img"
    files = {"/shim.elf": kit.shim, "/inner.cfg": INNER}
    make_disk(str(other), files, "none", "fat16")
    disk = broken_disk(bus, kit, scratch, lambda image: "")
    spare = BUSES["mmio" if name.startswith("mmio") else "virtio-modern"]
    with Guest("-kernel", kit.shim, *disk, *spare.arguments(other, 7), machine=bus.machine) as guest:
        guest.expect(r"The one that works", 60)
        guest.monitor('qemu-io d0 "break read_aio silent"')
        guest.send("2")
        guest.expect(rf"^shim: error: .*{bus.disk}: .*no answer within \d+ s", 120)
        guest.expect(r"The one that works", 30)
        guest.send("1")
        guest.expect(rf"^shim: error: .*{bus.disk}: given up after an earlier failure", 60)
        guest.expect(r"The one that works", 30)


@pytest.mark.parametrize("name", ["virtio-modern", "virtio-scsi", "nvme", "usb"])
def test_removed(name, kit, scratch):
    """Pulled out while the menu stands: a sentence, and the menu is back."""
    bus = BUSES[name]
    image = scratch / "disk.img"
    big = scratch / "big"
    big.write_bytes(bytes(MIB))
    files = {"/shim.cfg": ("timeout none\nentry big\n pvh /shim.elf\n module /big\n").encode(), "/shim.elf": kit.shim,
             "/big": big}
    make_image(image, files, "ext4", "none", bus)
    args = bus.arguments(image)
    args[-1] += ",id=gone"
    with Guest("-kernel", kit.shim, *args, machine=bus.machine) as guest:
        guest.expect(r"\n.*1  big", 60)
        guest.monitor("drive_del d0" if name != "usb" else "device_del gone")
        guest.send("1")
        guest.expect(rf"^shim: error: .*{bus.disk}: ", 120)
        guest.expect(r"1  big", 30)


BOOT_ORDER = {
    "ide": ("pc", "sda"), "ahci": ("q35", "sda"), "nvme": ("q35", "nvme0n1"), "virtio-scsi": ("q35", "sda"),
    "virtio-root-port": ("q35", "vda"), "virtio-bridge": ("pc", "vda"), "usb": ("pc", "bios80"),
}


@pytest.mark.parametrize("name", BOOT_ORDER)
def test_boot_order(name, kit, scratch):
    """bootindex= decides, though the other disk is found first (or last)."""
    bus = BUSES[name]
    for first in (True, False):
        images = {}
        for word in ("chosen", "other"):
            files = {"/shim.cfg": f"timeout none\nentry {word}\n linux /none\n".encode()}
            make_disk(str(scratch / word), files, "none", "ext4")
            images[word] = scratch / word
        args = bus.arguments(images["chosen"])
        args[-1] += f",bootindex={1 if first else 9}"
        other = BUSES["virtio-transitional"].arguments(images["other"], 7)
        other[-1] += f",bootindex={9 if first else 1}"
        with Guest("-kernel", kit.shim, *args, *other, machine=bus.machine) as guest:
            guest.expect(r"^shim: config .*: 1 entry", 60)
            guest.expect(rf"\b{'chosen' if first else 'other'}\b", 10)
