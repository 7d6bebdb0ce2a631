"""What the machine may do to the shim: a processor without long mode, an exception, disks of all shapes."""
import hashlib

import pytest
from disk import MIB, make_disk, run
from guest import Guest, virtio_disk

INNER = b"timeout none\nentry inner\n linux /none\n"
CONFIG = b"timeout 0\nentry again\n pvh /shim.elf\n options config=/inner.cfg\n"


def files(kit):
    return {"/shim.cfg": CONFIG, "/inner.cfg": INNER, "/shim.elf": kit.shim}


def expect_inner(guest, volume):
    guest.expect(rf"^shim: config \({volume}\)/shim.cfg: 1 entry", 60)
    guest.expect(r'^shim: booting "again" by pvh', 30)
    guest.expect(rf"^shim: config \({volume}\)/inner.cfg: 1 entry", 60)


@pytest.mark.parametrize("cpu", ["qemu32", "486", "pentium3"])
@pytest.mark.parametrize("door", ["shim", "shim_multiboot"])
def test_no_long_mode(cpu, door, kit):
    with Guest("-kernel", getattr(kit, door), "-cpu", cpu) as guest:
        guest.expect(r"shim: error: this processor has no 64-bit long mode", 30)
        guest.expect_screen(r"shim: error: this processor has no 64-bit long mode", 10)


def test_exception(kit):
    """A non-maskable interrupt: what happened, where, and a way out. Not while the BIOS is asked for keys: it is the
    BIOS's then, and SeaBIOS passes over it."""
    with Guest("-kernel", kit.shim, "-append", "console=serial") as guest:
        guest.expect(r"Reboot", 30)
        guest.monitor("nmi")
        guest.expect(r"shim: error: processor exception 2 \(NMI\), .*RIP [0-9a-f]+ \(core at [0-9a-f]+\)", 10)
        guest.expect(r"RAX [0-9a-f]{16} RBX", 5)
        guest.expect(r"press a key to reboot", 5)
        guest.send("x")
        assert guest.wait_exit(20) == 0


@pytest.mark.parametrize("cpu", ["qemu64", "Nehalem", "max"])
def test_cpu(cpu, kit, scratch):
    """With and without 1 GiB pages, above 4 GiB."""
    disk = scratch / "disk.img"
    make_disk(str(disk), files(kit), "gpt", "ext4")
    with Guest("-kernel", kit.shim, *virtio_disk(disk), "-cpu", cpu, memory=5120, machine="q35") as guest:
        expect_inner(guest, "vda2")


@pytest.mark.parametrize("kind", ["modern", "transitional", "legacy"])
@pytest.mark.parametrize("options", [
    {"logical_block_size": 4096, "physical_block_size": 4096}, {"queue_size": 4}, {"queue_size": 1024},
    {"seg_max_adjust": "off", "queue_size": 128}], ids=str)
def test_disk_options(kind, options, kit, scratch):
    disk = scratch / "disk.img"
    make_disk(str(disk), files(kit), "none", "ext4")
    with Guest("-kernel", kit.shim, *virtio_disk(disk, kind=kind, **options)) as guest:
        expect_inner(guest, "vda")


def test_many_disks(kit, scratch):
    """30 disks, the last of which has the config."""
    disk, empty = scratch / "disk.img", scratch / "empty.img"
    make_disk(str(disk), files(kit), "mbr", "fat16")
    empty.write_bytes(bytes(MIB))
    args = []
    for n in range(29):
        args += virtio_disk(empty, f"e{n}")
    with Guest("-kernel", kit.shim, *args, *virtio_disk(disk, "last"), "-nodefaults", machine="q35") as guest:
        expect_inner(guest, "vdad2")


def test_disk_is_not_written(kit, scratch):
    """Read-only for the host or not: the image is the same afterwards."""
    disk = scratch / "disk.img"
    make_disk(str(disk), files(kit), "logical", "ext4")
    before = hashlib.sha256(disk.read_bytes()).hexdigest()
    for option in ("on", "off"):
        drive = ["-drive", f"file={disk},format=raw,if=none,id=d,readonly={option}",
                 "-device", "virtio-blk-pci,drive=d"]
        with Guest("-kernel", kit.shim, *drive) as guest:
            expect_inner(guest, "vda6")
        assert hashlib.sha256(disk.read_bytes()).hexdigest() == before


@pytest.mark.parametrize("fs,count", [("ext4", 10000), ("fat32", 1000)])
def test_large_directory(fs, count, kit, scratch):
    """The directory of the config and the kernel has many names (mcopy is too slow for more)."""
    disk = scratch / "disk.img"
    many = {f"/boot/a name that is not short {n}": b"" for n in range(count)}
    content = {"/boot/shim.cfg": CONFIG.replace(b"/shim.elf", b"/boot/shim.elf").replace(b"/inner", b"/boot/inner"),
               "/boot/inner.cfg": INNER, "/boot/shim.elf": kit.shim}
    make_disk(str(disk), {**many, **content}, "gpt", fs, size_mib=64)
    with Guest("-kernel", kit.shim, *virtio_disk(disk)) as guest:
        guest.expect(r'^shim: booting "again" by pvh', 30)
        guest.expect(r"^shim: config \(vda2\)/boot/inner.cfg: 1 entry", 30)


def test_fragmented_kernel(kit, scratch):
    """Debian's kernel in pieces of a few blocks each."""
    disk = scratch / "disk.img"
    config = (b"timeout 0\nentry debian\n linux /vmlinuz\n initrd /initrd.img\n"
              b" options console=ttyS0 quiet shim.test=halt\n")
    room = 35 * MIB
    make_disk(str(disk), {"/shim.cfg": config, **{f"/f{n}": b"\1" * 8192 for n in range(room // 8192)}}, "none", "ext4",
              size_mib=40, options=("-O", "^has_journal"))
    commands = "".join(f"rm /f{n}\n" for n in range(0, room // 8192, 2))
    commands += f"write {kit.vmlinuz} vmlinuz\nwrite {kit.initrd} initrd.img\n"
    (scratch / "commands").write_text(commands)
    run("debugfs", "-w", "-f", scratch / "commands", disk)
    with Guest("-kernel", kit.shim, *virtio_disk(disk), "-append", "verbose", memory=512) as guest:
        requests = int(guest.expect(r"/vmlinuz: loaded \S+ MiB in (\d+) requests", 60)[1])
        assert requests > 100
        guest.expect(r"^init: hello from Linux ", 240)
