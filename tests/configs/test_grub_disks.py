"""Images whose menu is a generated grub.cfg on a filesystem that the shim reads."""
import pytest
from disk import run
from cases import Case, check
from disks import BIOS_BOOT, ESP, LINUX, ROOT_X86_64, XBOOTLDR, Part, kernel, kernels
from grub_text import Menu, grubenv
from uki import make_uki

UUID = "f3d3e1a0-6d5c-4c5a-8f0b-8b1f3c2d4004"
BOOT_UUID = "0d0b8f5e-4b7a-4c1e-a9c3-6a5c7f8e5005"


def cloud_parts(files):
    """debian-cloud-images and Ubuntu's: the root is partition 1 and the last on the disk."""
    return [Part("", BIOS_BOOT, mib=3, number=14), Part("", ESP, "vfat", {"/EFI/debian/grub.cfg":
            f"search.fs_uuid {UUID} root hd0,gpt1\nset prefix=($root)'/boot/grub'\nconfigfile $prefix/grub.cfg\n"},
            number=15), Part("", LINUX, "ext4", files, uuid=UUID, number=1)]


def debian_cloud(variables=None, **expected):
    releases = "6.1.0-28-cloud-amd64", "6.1.0-9-cloud-amd64"
    menu = Menu("Debian GNU/Linux", UUID, releases,
                f"root=UUID={UUID} ro console=tty0 console=ttyS0,115200 earlyprintk=ttyS0,115200 consoleblank=0",
                timeout=0, quiet="")
    files = {"/boot/grub/grub.cfg": menu.text} | kernels("/boot/", "vmlinuz-{}", "initrd.img-{}", *releases)
    if variables is not None:
        files["/boot/grub/grubenv"] = grubenv(**variables)
    return Case(cloud_parts(files), "\n".join(menu.rows), timeout=expected.pop("timeout", 0),
                default=expected.pop("default", "Debian GNU/Linux"), **expected)


def ubuntu_jammy():
    """GRUB_FORCE_PARTUUID: the first boot is tried without an initrd, /boot/grub/grubenv remembers when that failed."""
    releases = "5.15.0-107-generic",
    menu = Menu("Ubuntu", UUID, releases,
                "root=PARTUUID=26f22d2b-892e-459e-ba29-0fdab351f296 ro console=tty1 console=ttyS0", timeout=0,
                style="hidden", recovery="recovery nomodeset dis_ucode_ldr", quiet="",
                patches="recordfail\nload_video\ngfxmode $linux_gfx_mode\n",
                partuuid="26f22d2b-892e-459e-ba29-0fdab351f296")
    files = {"/boot/grub/grub.cfg": menu.text, "/boot/grub/grubenv": grubenv()}
    files |= kernels("/boot/", "vmlinuz-{}", "initrd.img-{}", *releases)
    return Case(cloud_parts(files), "\n".join(menu.rows), timeout=0, hidden=True, default="Ubuntu")


def ubuntu_noble():
    """From 24.04 on /boot is a partition of its own, number 13 or 16 (rust-hypervisor-firmware#382)."""
    releases = "6.8.0-45-generic", "6.8.0-31-generic"
    menu = Menu("Ubuntu", BOOT_UUID, releases, "root=LABEL=cloudimg-rootfs ro console=tty1 console=ttyS0", folder="",
                volume="vda16", hint="hd0,gpt16", timeout=0, style="hidden", quiet=" quiet splash $vt_handoff",
                recovery="recovery nomodeset dis_ucode_ldr",
                patches="recordfail\nload_video\ngfxmode $linux_gfx_mode\n")
    files = {"/grub/grub.cfg": menu.text, "/grub/grubenv": grubenv()}
    files |= kernels("/", "vmlinuz-{}", "initrd.img-{}", *releases)
    return Case([Part("", BIOS_BOOT, mib=4, number=14), Part("", ESP, "vfat", number=15),
                 Part("", XBOOTLDR, "ext4", files, uuid=BOOT_UUID, label="BOOT", number=16),
                 Part("", LINUX, "ext4", {"/etc/os-release": "ID=ubuntu\n"}, label="cloudimg-rootfs", number=1)],
                "\n".join(menu.rows), timeout=0, hidden=True, default="Ubuntu")


def alpine_efi():
    """alpine-conf, setup-disk on UEFI: GRUB, its menu on the root's ext4."""
    menu = Menu("Alpine Linux v3.20", UUID, ["virt", "lts"],
                f"root=UUID={UUID} ro modules=sd-mod,usb-storage,ext4 quiet rootfstype=ext4", volume="vda2",
                hint="hd0,gpt2", timeout=2, initrd="initramfs-{}", quiet="")
    files = {"/boot/grub/grub.cfg": menu.text} | kernels("/boot/", "vmlinuz-{}", "initramfs-{}", "virt", "lts")
    return Case([Part("", ESP, "vfat", {"/EFI/alpine/grubx64.efi": "MZ"}), Part("", LINUX, "ext4", files, uuid=UUID)],
                "\n".join(menu.rows), timeout=2, default="Alpine Linux v3.20")


def arch_on_ext4():
    """Arch's grub package: kernels have no version in their names, microcode comes first."""
    menu = Menu("Arch Linux", UUID, ["linux", "linux-lts"], f"root=UUID={UUID} rw loglevel=3", hint="hd0,gpt2",
                volume="vda2", initrd="intel-ucode.img /boot/initramfs-{}.img",
                patches="load_video\nset gfxpayload=keep\n", quiet=" quiet", recovery="")
    rows = [r.replace("intel-ucode.img /boot/", "intel-ucode.img (vda2)/boot/") for r in menu.rows]
    files = {"/boot/grub/grub.cfg": menu.text, "/boot/intel-ucode.img": "ucode"}
    files |= kernels("/boot/", "vmlinuz-{}", "initramfs-{}.img", "linux", "linux-lts")
    return Case([Part("", ESP, "vfat"), Part("", ROOT_X86_64, "ext4", files, uuid=UUID)], "\n".join(rows), timeout=5,
                default="Arch Linux")


def opensuse_on_ext4():
    """Leap with an ext4 root: /boot/grub2, ${extra_cmdline}, default by title from grubenv."""
    menu = Menu("openSUSE Leap 15.6", UUID, ["6.4.0-150600.21-default"],
                f"root=UUID={UUID} ${{extra_cmdline}} splash=silent mitigations=auto", hint="hd0,gpt3", volume="vda3",
                initrd="initrd-{}", default="${saved_entry}", timeout=8, patches="load_video\nset gfxpayload=keep\n",
                recovery="")
    rows = [r.replace(" ${extra_cmdline}", "") for r in menu.rows]
    files = {"/boot/grub2/grub.cfg": menu.text,
             "/boot/grub2/grubenv": grubenv(saved_entry="openSUSE Leap 15.6", env_block="512+1")}
    files |= kernels("/boot/", "vmlinuz-{}", "initrd-{}", "6.4.0-150600.21-default")
    return Case([Part("", BIOS_BOOT, mib=8), Part("", ESP, "vfat"), Part("", LINUX, "ext4", files, uuid=UUID)],
                "\n".join(rows), timeout=8, default="openSUSE Leap 15.6")


def qubes_template():
    """A Debian template under Xen: no /boot partition, root is the third partition of xvda (qubes#8235)."""
    case = debian_cloud()
    root = case.parts[-1]
    root.number = 3
    for part, number in zip(case.parts, (1, 2)):
        part.number = number
    case.parts[1].files = {}
    case.rows = case.rows.replace("(vda1)", "(vda3)")
    return case


def unified_images():
    """Written by hand: a kernel, and unified kernel images by `linux` and `chainloader`, whose own command line counts
    where none is given."""
    text = "".join(f"menuentry '{n}' {{\n\t{line}\n}}\n" for n, line in enumerate((
        "linux /vmlinuz", "linux /EFI/x.efi", "linux /EFI/x.efi a 'b c'", "chainloader /EFI/x.efi",
        "chainloader /EFI/x.efi a")))
    files = {"/boot/grub/grub.cfg": text, "/vmlinuz": kernel(), "/EFI/x.efi": make_uki(kernel(), b"i", "own", "ID=x\n")}
    rows = ["0 | (vda1)/vmlinuz | | BOOT_IMAGE=/vmlinuz", "1 | (vda1)/EFI/x.efi",
            '2 | (vda1)/EFI/x.efi | | BOOT_IMAGE=/EFI/x.efi a "b c"', "3 | (vda1)/EFI/x.efi",
            "4 | (vda1)/EFI/x.efi | | a"]
    return Case([Part("", ESP, "vfat", files)], "\n".join(rows))


ADVANCED = f"gnulinux-advanced-{UUID}>gnulinux-6.1.0-9-cloud-amd64-advanced-{UUID}"
OLD = "Debian GNU/Linux, with Linux 6.1.0-9-cloud-amd64"
CASES = {
    "debian-cloud": debian_cloud,
    # grub-reboot(8): once, and GRUB itself would take it out of grubenv again.
    "next-entry": lambda: debian_cloud({"next_entry": ADVANCED}, default=OLD),
    "next-entry-by-number": lambda: debian_cloud({"next_entry": "1>2"}, default=OLD),
    "next-entry-is-gone": lambda: debian_cloud({"next_entry": "gnulinux-gone"}),
    "recordfail": lambda: debian_cloud({"recordfail": "1"}, timeout=30),
    "default-argument": lambda: debian_cloud(arguments=f"default={ADVANCED}", default=OLD),
    "ubuntu-jammy": ubuntu_jammy, "ubuntu-noble": ubuntu_noble, "alpine-efi": alpine_efi, "arch-ext4": arch_on_ext4,
    "opensuse-ext4": opensuse_on_ext4, "qubes": qubes_template,
    "unified-images": unified_images,
}


@pytest.mark.parametrize("name", CASES)
def test_disk(name, show, scratch):
    check(CASES[name](), show, scratch)


@pytest.mark.parametrize("name", CASES)
def test_grub_accepts(name, scratch):
    """What is written here is what GRUB reads: grub-script-check has nothing to say."""
    for part in CASES[name]().parts:
        for path, content in part.files.items():
            if path.endswith("/grub.cfg"):
                (scratch / "grub.cfg").write_text(content)
                run("grub-script-check", scratch / "grub.cfg")
