"""Modules, by content, through QEMU's multiboot loader, GRUB and PVH's one initrd."""
import pytest
from disk import make_disk
from guest import Guest, virtio_disk
from hosts import host_arguments

OPTIONS = "console=ttyS0 quiet shim.test=halt"
CONFIG = f"timeout 0\nentry debian\n linux /vmlinuz\n initrd /initrd.img\n options {OPTIONS} from=module\n"


def volume(kit, scratch, scheme="none", fs="ext4"):
    image = scratch / "volume.img"
    name = make_disk(str(image), {"/shim.cfg": CONFIG.encode(), "/vmlinuz": kit.vmlinuz, "/initrd.img": kit.initrd},
                     scheme, fs)
    return image, name.replace("vda", "module0p" if scheme != "none" else "module0")


def expect_linux(guest, word):
    guest.expect(r"^init: hello from Linux ", 240)
    guest.expect(rf"^init: cmdline: .*{word}", 10)
    guest.expect(r"^init: done$", 20)


@pytest.mark.parametrize("host,scheme,fs", [
    ("pvh", "none", "ext4"), ("multiboot", "gpt", "fat32"), ("grub-bios", "mbr", "ext2"),
    ("grub-uefi", "logical", "fat16")])
def test_volume_module(host, scheme, fs, kit, scratch):
    image, name = volume(kit, scratch, scheme, fs)
    with Guest(*host_arguments(host, kit, scratch, "", [(image, "volume.img")]), memory=512) as guest:
        guest.expect(rf"^shim: config \({name}\)/shim.cfg: 1 entr", 60)
        expect_linux(guest, "from=module")


@pytest.mark.parametrize("host", ["multiboot", "grub-bios", "grub-uefi"])
def test_kernel_and_initrd_modules(host, kit, scratch):
    """No config anywhere: the kernel module is an entry, its text the command line, the next module its initrd."""
    modules = [(kit.vmlinuz, f"{OPTIONS} from=text"), (kit.initrd, "initrd.img")]
    with Guest(*host_arguments(host, kit, scratch, "timeout=0", modules), memory=512) as guest:
        guest.expect(r"^shim: no config; the kernel modules make 1 entry", 60)
        expect_linux(guest, "from=text")


def test_pvh_kernel_module(kit, scratch):
    """An ELF as a module, and its initrd."""
    modules = [(kit.vmlinux, f"{OPTIONS} from=elf"), (kit.initrd, "initrd.img")]
    with Guest(*host_arguments("multiboot", kit, scratch, "timeout=0", modules), memory=512) as guest:
        guest.expect(r"^shim: booting .* by pvh", 60)
        expect_linux(guest, "from=elf")


def test_config_module_wins_over_disk(kit, scratch):
    """A text module that begins with #!shim, its paths on a disk by name."""
    config = scratch / "some.txt"
    config.write_text("#!shim\n" + CONFIG.replace(" /", " (vda)/").replace("from=module", "from=text"))
    disk = scratch / "disk.img"
    files = {"/shim.cfg": b"timeout none\n", "/vmlinuz": kit.vmlinuz, "/initrd.img": kit.initrd}
    make_disk(str(disk), files, "none", "fat32")
    args = host_arguments("multiboot", kit, scratch, "", [(config, "")]) + virtio_disk(disk)
    with Guest(*args, memory=512) as guest:
        expect_linux(guest, "from=text")


def test_config_module_by_name(kit, scratch):
    """A text module whose text names a file shim.cfg."""
    config = scratch / "any"
    config.write_text(CONFIG.replace(" /", " (vda)/").replace("from=module", "from=name"))
    disk = scratch / "disk.img"
    make_disk(str(disk), {"/vmlinuz": kit.vmlinuz, "/initrd.img": kit.initrd}, "none", "ext2")
    args = host_arguments("grub-bios", kit, scratch, "", [(config, "/boot/shim.cfg")]) + virtio_disk(disk)
    with Guest(*args, memory=512) as guest:
        expect_linux(guest, "from=name")
