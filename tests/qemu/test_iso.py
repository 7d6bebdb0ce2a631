"""build/shim.iso: by BIOS and by UEFI, from CD and as a USB stick, to Debian's kernel with ACPI."""
import pytest
from guest import Guest
from hosts import ovmf


def medium(kind, iso):
    if kind == "cd":
        return ["-drive", f"file={iso},media=cdrom,if=none,id=m,readonly=on",
                "-device", "ide-cd,bus=ide.0,drive=m,bootindex=0"]
    return ["-drive", f"file={iso},format=raw,if=none,id=m,snapshot=on", "-device", "qemu-xhci",
            "-device", "usb-storage,drive=m,bootindex=0"]


@pytest.mark.parametrize("machine", ["pc", "q35"])
@pytest.mark.parametrize("kind", ["cd", "usb"])
@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_iso(firmware, kind, machine, kit, scratch):
    args = (ovmf(scratch) if firmware == "uefi" else []) + medium(kind, kit.iso)
    with Guest(*args, machine=machine, memory=512) as guest:
        guest.expect(r'^shim: \S+ entered by multiboot from "GRUB', 60)
        guest.expect(r"^shim: volume module0: ext4 LABEL=shim", 20)
        guest.expect(r"^shim: config \(module0\)/shim.cfg: 2 entries", 10)
        guest.expect(r"on the serial port first", 10)
        guest.send("2")
        guest.expect(r'^shim: booting "serial" by linux64', 20)
        guest.expect(r"init: hello from Linux ", 240)
        guest.expect(r"init: acpi: yes", 10)
        guest.expect(r"init: done", 10)


def test_disks_are_looked_for_again_and_again(kit, scratch):
    """OVMF puts the virtio disk's registers above 4 GiB: what maps them has to outlive the look that it was made for."""
    disk = scratch / "empty.img"
    disk.write_bytes(bytes(1 << 20))
    args = ovmf(scratch) + medium("cd", kit.iso) + [
        "-drive", f"file={disk},format=raw,if=none,id=d", "-device", "virtio-blk-pci,disable-legacy=on,drive=d"]
    with Guest(*args, machine="q35", memory=512) as guest:
        for _ in range(4):
            guest.expect(r"^shim: volume vda: ", 60)
            guest.expect(r"on the serial port first", 10)
            guest.send("r")
