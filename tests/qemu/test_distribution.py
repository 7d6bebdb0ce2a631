"""A whole Debian by debootstrap, as its own tools configured it for GRUB, for U-Boot's extlinux.conf and for
systemd-boot, boots to its login prompt without a change to the disk; and GRUB itself boots it the same way.

tests/images/debian makes the tree; only root can, on Debian.
"""
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from conftest import BUILD, ROOT
from disk import MIB, run
from guest import Guest, virtio_disk

IS_DEBIAN = "ID=debian\n" in Path("/etc/os-release").read_text(encoding="utf-8")
pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not IS_DEBIAN,
                                reason="only root can make a system of root's files, and only on Debian")

DEBIAN = BUILD / "debian"
ESP, BIOS_BOOT = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B", "21686148-6449-6E6F-744E-656564454649"
ROOT_UUID = "5a1b2c3d-0001-4000-8000-0123456789ab"
GRUB = Path("/usr/lib/grub/i386-pc")

# Debian's cloud image for GRUB (debian-cloud-images, partition.GRUB_CLOUD_AMD64: 1 is the root, behind 14 and 15); a
# plain one; what systemd-gpt-auto-generator(8) and bootctl(1) expect.
ROOT_PARTITION = "size=384MiB, name=root"
TABLES = {
    "grub": (f"14: start=1MiB, size=3MiB, type={BIOS_BOOT}\n15: start=4MiB, size=8MiB, type={ESP}\n"
             f"1: start=128MiB, {ROOT_PARTITION}\n"),
    "extlinux": f"1: start=1MiB, {ROOT_PARTITION}\n",
    "bls": f"1: start=1MiB, size=96MiB, type={ESP}, name=esp\n2: start=128MiB, {ROOT_PARTITION}\n",
}
ROOT_START = {"grub": 128 * MIB, "extlinux": MIB, "bls": 128 * MIB}
CONFIGS = {"grub": r"\(vda1\)/boot/grub/grub.cfg: 5 entries",
           "extlinux": r"\(vda1\)/boot/extlinux/extlinux.conf: 4 entries",
           "bls": r"\(vda1\)/loader/entries: 2 entries"}


@pytest.fixture(scope="session")
def debian():
    if not (DEBIAN / ".made").exists():
        folder = os.path.relpath(BUILD, ROOT)
        subprocess.run(["make", "-C", str(ROOT), "-s", f"B={folder}", f"{folder}/debian/.made"], check=True)
    return DEBIAN


@pytest.fixture
def tree(debian):
    """The tree by hard links, to lay more files over."""
    folder = Path(tempfile.mkdtemp(prefix="tree-", dir=debian))
    run("cp", "-al", debian / "root", folder)
    yield folder / "root"
    shutil.rmtree(folder)


def make_image(path, kind, debian, tree):
    with open(path, "wb") as image:
        image.truncate(514 * MIB)
    run("sfdisk", "-q", "--no-reread", "--no-tell-kernel", path, input=f"label: gpt\n{TABLES[kind]}".encode())
    if kind == "bls":
        run("mkfs.fat", "-F", "32", "-s", "1", "-n", "ESP", "--offset", MIB // 512, path, 96 << 10)
        run("mcopy", "-i", f"{path}@@{MIB}", "-s", "-Q", *sorted((debian / kind).iterdir()), "::/")
    else:
        run("cp", "-a", f"{debian / kind}/.", tree)
    run("mke2fs", "-q", "-F", "-t", "ext4", "-L", "root", "-U", ROOT_UUID, "-E", f"offset={ROOT_START[kind]}",
        "-d", tree, path, f"{384 << 10}k")


# What the tools wrote down; GRUB and systemd-boot have their own order.
OPTIONS = {"grub": f"root=UUID={ROOT_UUID} ro console=ttyS0 quiet",
           "extlinux": f"root=UUID={ROOT_UUID} ro quiet console=ttyS0",
           "bls": f"root=UUID={ROOT_UUID} ro quiet console=ttyS0 systemd.machine_id="}


def expect_options(guest, kind):
    """Linux tells what it was given; GRUB puts BOOT_IMAGE= in front, who reads its config may."""
    given = guest.expect(r"kernel was given: (?:BOOT_IMAGE=\S+ )?(.*)\n", 240)[1]
    assert re.sub("(?<=machine_id=)[0-9a-f]{32}$", "", given) == OPTIONS[kind]


@pytest.mark.parametrize("kind", TABLES)
def test_boots_to_login(kind, kit, debian, tree, scratch):
    image = scratch / "disk.img"
    make_image(image, kind, debian, tree)
    with Guest("-kernel", kit.shim, *virtio_disk(image), memory=512) as guest:
        guest.expect(rf"^shim: config {CONFIGS[kind]}", 60)
        guest.expect(r"Debian", 30)
        guest.send("\r")
        guest.expect(r'^shim: booting ".*" by linux64', 60)
        expect_options(guest, kind)
        guest.expect(r"^debian login: ", 240)
        assert "shim: error" not in guest.text


def test_grub_gives_the_same(debian, tree, scratch):
    """GRUB with the same grub.cfg, started as if it were a Linux kernel: its modules are on the disk as usual."""
    image, core = scratch / "disk.img", scratch / "core.img"
    (tree / "boot" / "grub" / "i386-pc").mkdir(parents=True)
    for module in [*GRUB.glob("*.mod"), *GRUB.glob("*.lst")]:
        shutil.copy(module, tree / "boot" / "grub" / "i386-pc")
    make_image(image, "grub", debian, tree)
    run("grub-mkimage", "-O", "i386-pc", "-p", "(hd0,gpt1)/boot/grub", "-o", core, "biosdisk", "part_gpt", "ext2")
    (scratch / "grub").write_bytes((GRUB / "lnxboot.img").read_bytes() + core.read_bytes())
    with Guest("-kernel", scratch / "grub", *virtio_disk(image), memory=512) as guest:
        guest.expect(r"GNU GRUB", 60)
        guest.send("\r")
        expect_options(guest, "grub")
