"""Other loaders' multiboot doors: iPXE over the network, syslinux's mboot.c32; and microvm by PVH."""
import shutil
from pathlib import Path

import pytest
from disk import make_disk, run
from guest import Guest, virtio_disk

OPTIONS = "console=ttyS0 quiet shim.test=halt"
CONFIG = f"timeout 0\nentry debian\n linux /vmlinuz\n initrd /initrd.img\n options {OPTIONS} from=volume\n"


def files(kit):
    return {"/shim.cfg": CONFIG.encode(), "/vmlinuz": kit.vmlinuz, "/initrd.img": kit.initrd}


def expect_linux(guest):
    guest.expect(r"^init: hello from Linux ", 240)
    guest.expect(r"^init: cmdline: .*from=volume x=1", 10)
    guest.expect(r"^init: acpi: yes", 10)
    guest.expect(r"^init: done$", 20)


@pytest.mark.parametrize("machine", ["pc", "q35"])
def test_ipxe(machine, kit, scratch):
    """The shim and a volume by TFTP. iPXE puts the file's name in front of every text."""
    served = scratch / "tftp"
    served.mkdir()
    shutil.copyfile(kit.shim, served / "shim.elf")
    make_disk(str(served / "volume.img"), files(kit), "none", "ext4")
    (scratch / "boot.ipxe").write_text("#!ipxe\ndhcp\nkernel tftp://10.0.2.2/shim.elf timeout=0 -- x=1\n"
                                       "initrd tftp://10.0.2.2/volume.img\nboot\n")
    lkrn = next((kit.packages / "ipxe").rglob("ipxe.lkrn"))
    with Guest("-kernel", lkrn, "-initrd", scratch / "boot.ipxe", "-netdev", f"user,id=n,tftp={served}",
               "-device", "e1000,netdev=n", machine=machine, memory=512) as guest:
        guest.expect(r'^shim: \S+ entered by multiboot from "iPXE', 120)
        guest.expect(r"^shim: volume module0: ext4", 20)
        expect_linux(guest)


@pytest.mark.parametrize("module", [False, True])
def test_syslinux(module, kit, scratch):
    """From the BIOS' first disk; the volume is a module, or a disk that the shim reads itself."""
    if not Path("/proc/self/fd").exists():
        pytest.skip("syslinux --install needs /proc")
    bios = Path("/usr/lib/syslinux/modules/bios")
    boot, disk = scratch / "boot.img", scratch / "disk.img"
    make_disk(str(disk), files(kit), "gpt", "ext4")
    volume = " --- /volume.img" if module else ""
    config = ("SERIAL 0 115200\nDEFAULT shim\nLABEL shim\n KERNEL mboot.c32\n"
              f" APPEND shim.elf timeout=0 -- x=1{volume}\n")
    content = {"/syslinux.cfg": config.encode(), "/shim.elf": kit.shim}
    content.update({f"/{n}.c32": bios / f"{n}.c32" for n in ("ldlinux", "libcom32", "mboot")})
    if module:
        content["/volume.img"] = disk
    make_disk(str(boot), content, "none", "fat16")
    run("syslinux", "--install", boot)
    args = ["-drive", f"file={boot},format=raw,if=ide,snapshot=on"]
    with Guest(*args, *([] if module else virtio_disk(disk)), memory=512) as guest:
        guest.expect(r'^shim: \S+ entered by multiboot from "', 60)
        guest.expect(rf"^shim: config \({'module0p2' if module else 'vda2'}\)/shim.cfg", 20)
        expect_linux(guest)


@pytest.mark.parametrize("payload", ["conform.bzimage", "conform.pvh"])
@pytest.mark.parametrize("acpi", ["on", "off"])
def test_microvm(acpi, payload, kit, scratch):
    """No PCI: the volume is the module. Not Linux: without a PIT to compare the clock with it does not always come up,
    by QEMU's own -kernel neither."""
    volume = scratch / "volume.img"
    key = "pvh" if payload.endswith("pvh") else "linux"
    config = f"timeout 0\nentry conform\n {key} /{payload}\n"
    make_disk(str(volume), {"/shim.cfg": config.encode(), f"/{payload}": kit.payload / payload}, "none", "ext4")
    with Guest("-kernel", kit.shim, "-initrd", volume, "-append", "-- x=1", "-device",
               "isa-debug-exit,iobase=0xf4,iosize=4", machine=f"microvm,acpi={acpi}", memory=512) as guest:
        guest.expect(r"^shim: \S+ entered by pvh", 30)
        guest.expect(r"^shim: config \(module0\)/shim.cfg", 20)
        assert guest.wait_exit(60) == 33, guest.text
