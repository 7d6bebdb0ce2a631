"""Images that cannot be booted from: each volume is listed, and what is on it is named."""
import pytest
from cases import Case, check
from disks import (BIOS_BOOT, ESP, FREEBSD_BOOT, FREEBSD_SWAP, FREEBSD_UFS, LINUX, ROOT_X86_64, SWAP,
                   XBOOTLDR, Part, kernel)

NO_CONFIG = "no config"


def refused(parts, *reasons, more=()):
    """reasons: what is said of each volume; more: what else is."""
    numbers = [part.number or n + 1 for n, part in enumerate(parts)]
    errors = [rf"nothing to boot on vda{n}: {reason}" for n, reason in zip(numbers, reasons)]
    return Case(parts, "", errors=(*errors, *more), log=(*errors, *more))


def entry(release, prefix):
    return {f"{prefix}/loader/entries/{release}.conf":
            f"title Linux {release}\nversion {release}\nlinux /vmlinuz-{release}\ninitrd /initramfs-{release}.img\n"
            "options root=UUID=x ro\n", f"{prefix}/vmlinuz-{release}": kernel(release),
            f"{prefix}/initramfs-{release}.img": "initrd"}


def fedora_44():
    """osbuild/images, data/distrodefs/fedora/imagetypes.yaml: "f44 and up have /boot on btrfs"; the GRUB on the ESP is
    told so by its own config."""
    stub = "btrfs_relative_path=\"yes\"\n" \
           "search --no-floppy --fs-uuid --set=dev b5f9b5a3-7a4b-4b5e-9d3b-5f5e34f3a111\n" \
           "set prefix=($dev)/boot/grub2\nexport $prefix\nconfigfile $prefix/grub.cfg\n"
    return refused([Part("", BIOS_BOOT, mib=2), Part("", ESP, "vfat", {"/EFI/fedora/grub.cfg": stub}),
                    Part("", ROOT_X86_64, "btrfs", entry("6.17.1-300.fc44.x86_64", "/boot"), label="fedora")],
                   "BIOS boot partition", "no entry in /EFI/fedora/grub.cfg", "btrfs",
                   more=(r"grub.cfg:5: configfile: \(\)/boot/grub2/grub.cfg",))


def rhel_8():
    return refused([Part("", BIOS_BOOT), Part("", ESP, "vfat", {"/EFI/redhat/shimx64.efi": "MZ"}),
                    Part("", ROOT_X86_64, "xfs", entry("4.18.0-553.el8_10.x86_64", "/boot"), label="root")],
                   "BIOS boot partition", NO_CONFIG, "xfs")


def rhel_9():
    """osbuild/images, rhel-9: /boot is xfs with the XBOOTLDR type."""
    return refused([Part("", BIOS_BOOT), Part("", ESP, "vfat", {"/EFI/redhat/shimx64.efi": "MZ"}),
                    Part("", XBOOTLDR, "xfs", entry("5.14.0-503.11.1.el9_5.x86_64", ""), label="boot"),
                    Part("", ROOT_X86_64, "xfs", {"/etc/os-release": "ID=rhel\n"}, label="root")],
                   "BIOS boot partition", NO_CONFIG, "xfs", "xfs")


def rhel_10():
    return refused([Part("", BIOS_BOOT), Part("", ESP, "vfat"),
                    Part("", ROOT_X86_64, "xfs", entry("6.12.0-55.el10_0.x86_64", "/boot"), label="root")],
                   "BIOS boot partition", NO_CONFIG, "xfs")


def arch():
    """arch-boxes, build.sh: an ESP with FAT sectors of 4 KiB on a disk of 512 bytes, all else on btrfs."""
    files = {"/boot/vmlinuz-linux": kernel(), "/boot/initramfs-linux.img": "initrd",
             "/boot/grub/grub.cfg": "menuentry 'Arch Linux' {\n linux /boot/vmlinuz-linux\n}\n"}
    return refused([Part("BIOS boot partition", BIOS_BOOT),
                    Part("EFI system partition", ESP, "vfat", {"/EFI/BOOT/BOOTX64.EFI": "MZ"}, mib=300,
                         options=("-F", "32", "-S", "4096")),
                    Part("Arch Linux root", ROOT_X86_64, "btrfs", files)],
                   "BIOS boot partition", NO_CONFIG, "btrfs")


def opensuse_leap():
    """Leap and SLE with the classic GRUB: /boot/grub2 in a snapshot of btrfs."""
    return refused([Part("", BIOS_BOOT, mib=8), Part("", SWAP, "swap"),
                    Part("", LINUX, "btrfs", {"/boot/grub2/grub.cfg": "set btrfs_relative_path=\"y\"\n"})],
                   "BIOS boot partition", "swap", "btrfs")


def alpine_uefi():
    """alpine-make-vm-image --boot-mode UEFI: the kernel on the ESP, started by the firmware's shell."""
    files = {"/startup.nsh": "vmlinuz-virt initrd=initramfs-virt root=LABEL=root modules=ext4\n",
             "/vmlinuz-virt": kernel(), "/initramfs-virt": "initrd"}
    return refused([Part("", ESP, "vfat", files, mib=128, options=("-F", "32", "-s", "1")),
                    Part("", LINUX, "ext4", {"/etc/alpine-release": "3.20.3\n"}, label="root")], NO_CONFIG, NO_CONFIG)


def freebsd():
    """freebsd-src, release/tools/vmimage.subr."""
    return refused([Part("bootfs", FREEBSD_BOOT), Part("efiesp", ESP, "vfat", {"/EFI/FREEBSD/LOADER.EFI": "MZ"}),
                    Part("swapfs", FREEBSD_SWAP), Part("rootfs", FREEBSD_UFS, "ufs",
                                                       {"/boot/kernel/kernel": "\x7fELF", "/boot/loader.conf": ""})],
                   "", NO_CONFIG, "", "UFS2")


def netbsd():
    """smolBSD: a kernel and its root on ext2, no table, nothing that names the kernel."""
    return Case([Part("", "", "ext2", {"/netbsd": "\x7fELF", "/boot.cfg": "menu=Boot normally:boot netbsd\n"})], "",
                table="none", errors=("nothing to boot on vda: no config",), log=("nothing to boot on vda: no config",))


CASES = {"fedora-44": fedora_44, "rhel-8": rhel_8, "rhel-9": rhel_9, "rhel-10": rhel_10, "arch": arch,
         "opensuse-leap": opensuse_leap, "alpine-uefi": alpine_uefi, "freebsd": freebsd, "netbsd": netbsd}


@pytest.mark.parametrize("name", CASES)
def test_disk(name, show, scratch):
    check(CASES[name](), show, scratch)
