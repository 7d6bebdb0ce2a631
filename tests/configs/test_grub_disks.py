"""Images whose menu is a generated grub.cfg on a filesystem that the shim reads."""
import io
import tarfile

import pytest
from disk import run
from cases import Case, check
from disks import BIOS_BOOT, ESP, FLATCAR_USR, LINUX, ROOT_X86_64, XBOOTLDR, Part, kernel, kernels
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


FLATCAR = """set prefix=($root)/flatcar/grub
insmod all_video
set default="flatcar"
set fallback="0 0 0"
set timeout=1
set linux_console=""
set first_boot=""
if [ "$net_default_server" != "" ]; then
   net_bootp $net_default_interface
   for i in "$net_efinet0_dhcp_boot_file"; do if [ "$i" != "" ]; then set endpoint="$i"; break; fi; done
   configfile $endpoint
fi
search --no-floppy --set oem --part-label OEM --hint "$root"
if [ -n "$oem" -a -f "($oem)/grub.cfg" ]; then
   source "($oem)/grub.cfg"
fi
if [ -f "($root)/flatcar/first_boot" ]; then
    set first_boot="flatcar.first_boot=detected"
fi
if [ -z "$linux_console" ]; then
    if [ "$grub_platform" = pc ]; then
        set linux_console="console=ttyS0,115200n8 console=tty0"
        serial com0 --speed=115200 --word=8 --parity=no
        terminal_input console serial_com0
    fi
fi
set linux_cmdline="rootflags=rw mount.usrflags=ro root=LABEL=ROOT $linux_console $first_boot $linux_append"
function abort {
    echo "Aborted. Press enter to exit GRUB."
    read anything
    exit
}
function choose {
    gptprio.next -d usr_device -u usr_uuid
    if [ $? -ne 0 -o -z "$usr_uuid" ]; then
        echo "Reading or updating the GPT failed!"
        abort
    fi
    if [ "$usr_uuid" = "7130c94a-213a-4e5a-8e26-6cce9662f132" ]; then set slot=a; else set slot=b; fi
}
function load {
    verify_detached ($root)/flatcar/load-$1 ($root)/flatcar/load-$1.sig
    configfile ($root)/flatcar/load-$1
}
menuentry "Flatcar default" --id=flatcar --unrestricted {
    choose
    set usr="PARTUUID=$usr_uuid"
    %s
}
menuentry "Flatcar USR-A" --id=flatcar-a {
    set usr="PARTLABEL=USR-A"
    set slot=a
    %s
}
menuentry "Flatcar USR-B" --id=flatcar-b {
    set usr="PARTLABEL=USR-B"
    set slot=b
    %s
}
"""
FLATCAR_A, FLATCAR_B = "7130c94a-213a-4e5a-8e26-6cce9662f132", "e03dd35c-7c2d-4a47-b3fe-27f15780a57c"


def flatcar(bits_a, bits_b, chosen, load="linux /flatcar/vmlinuz-$slot mount.usr=$usr $linux_cmdline"):
    """flatcar/scripts, build_library: grub.cfg is inside GRUB's core; on the ESP the archive is left that it is made
    of. Which /usr is booted is told by bits of the GPT: priority 48 to 51, tries 52 to 55, success 56."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.GNU_FORMAT) as tar:
        text = (FLATCAR % (load, load, load)).encode()
        member = tarfile.TarInfo("grub.cfg")
        member.size = len(text)
        tar.addfile(member, io.BytesIO(text))
    script = "linux ($root)/flatcar/vmlinuz-%s mount.usr=$usr $linux_cmdline\n"
    files = {"/flatcar/vmlinuz-a": kernel("a"), "/flatcar/vmlinuz-b": kernel("b"), "/flatcar/first_boot": "",
             "/flatcar/load-a": script % "a", "/flatcar/load-b": script % "b",
             "/flatcar/grub/grub.cfg.tar": archive.getvalue(), "/flatcar/grub/x86_64-efi/load.cfg": "set\n"}
    named = "(hd0,gpt1)/flatcar/vmlinuz-" if load.startswith("load") else "/flatcar/vmlinuz-"
    rows = [] if chosen else ["Flatcar default !"]
    for title, slot, usr in (("default", "b" if chosen == FLATCAR_B else "a", f"PARTUUID={chosen}"),
                             ("USR-A", "a", "PARTLABEL=USR-A"), ("USR-B", "b", "PARTLABEL=USR-B")):
        rows += [f"Flatcar {title} | (vda1)/flatcar/vmlinuz-{slot} | | BOOT_IMAGE={named}{slot} mount.usr={usr} "
                 "rootflags=rw mount.usrflags=ro root=LABEL=ROOT console=ttyS0,115200n8 console=tty0 "
                 "flatcar.first_boot=detected"] if usr != "PARTUUID=" else []
    return Case([Part("EFI-SYSTEM", ESP, "vfat", files, label="EFI-SYSTEM"), Part("BIOS-BOOT", BIOS_BOOT, mib=2),
                 Part("USR-A", FLATCAR_USR, mib=1, attributes=bits_a, partuuid=FLATCAR_A),
                 Part("USR-B", FLATCAR_USR, mib=1, attributes=bits_b, partuuid=FLATCAR_B),
                 Part("OEM", LINUX, "btrfs", {"/grub.cfg": "set linux_append=\"flatcar.autologin\"\n"}, number=6,
                      label="OEM"),
                 Part("ROOT", LINUX, "ext4", number=9, label="ROOT")],
                "\n".join(rows), timeout=1, default="Flatcar default")


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
    "flatcar-new": lambda: flatcar("GUID:48,52", "", FLATCAR_A),
    "flatcar-updated": lambda: flatcar("GUID:48,56", "GUID:49,52,54", FLATCAR_B),
    "flatcar-gave-up": lambda: flatcar("GUID:48,56", "GUID:49,50", FLATCAR_A, 'load "$slot"'),
    "flatcar-script": lambda: flatcar("GUID:48,56", "GUID:49,56", FLATCAR_B, 'load "$slot"'),
    "flatcar-none": lambda: flatcar("GUID:49", "", ""),
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
            elif path.endswith(".tar"):
                run("tar", "xf", "-", "-C", scratch, input=content)
                run("grub-script-check", scratch / "grub.cfg")
