"""GRUB, started on the same disks, hands its kernel the command line that the shim shows for the default entry.

The kernels are the payload that tells what it was given. GRUB is started as if it were a Linux kernel (lnxboot.img),
its modules are on the disk as grub-install puts them there.
"""
import sys
import time
from pathlib import Path

import pytest
import test_grub_disks
from conftest import BUILD, ROOT, make
from disk import run
from disks import make_disk

sys.path.insert(0, str(ROOT / "tests" / "qemu"))
from guest import Guest, stretched, virtio_disk  # noqa: E402

GRUB = Path("/usr/lib/grub/i386-pc")
# One for each way to a default, and each distribution's patches.
NAMES = ("debian-cloud", "next-entry", "next-entry-by-number", "next-entry-is-gone", "ubuntu-jammy", "ubuntu-noble",
         "arch-ext4", "opensuse-ext4")


@pytest.fixture(scope="session")
def payload():
    path = BUILD / "payload" / "conform.bzimage"
    if not path.exists():
        make("{B}/payload/conform.bzimage")
    return path.read_bytes()


def core_for(scratch, prefix):
    run("grub-mkimage", "-O", "i386-pc", "-p", prefix, "-o", scratch / "core.img", "biosdisk", "part_gpt", "ext2")
    path = scratch / "grub"
    path.write_bytes((GRUB / "lnxboot.img").read_bytes() + (scratch / "core.img").read_bytes())
    return path


@pytest.mark.parametrize("name", NAMES)
def test_the_same(name, payload, show, scratch):
    case = test_grub_disks.CASES[name]()
    for number, part in enumerate(case.parts):
        part.number = part.number or number + 1
        for path in list(part.files):
            if "vmlinuz" in path:
                part.files[path] = payload
            if path.endswith("/grub.cfg") and "EFI" not in path:
                folder = path.removesuffix("/grub.cfg")
                prefix = f"(hd0,gpt{part.number}){folder}"
                part.files |= {f"{folder}/i386-pc/{m.name}": m.read_bytes() for m in GRUB.iterdir()
                               if m.suffix in (".mod", ".lst")}
                part.mib = 32
    disk = make_disk(scratch / "disk.img", case.parts)
    shown = show(disk)
    wanted = shown.all["entries"][shown.all["default_row"]]["options"]
    with Guest("-kernel", core_for(scratch, prefix), *virtio_disk(disk)) as guest:
        limit = time.monotonic() + stretched(60)
        while 'conform: cmdline "' not in guest.text and time.monotonic() < limit:
            time.sleep(0.5)
            guest.monitor("sendkey ret")  # the menu's countdown; an error's "press any key"
        assert guest.expect(r'^conform: cmdline "(.*)"\n')[1] == wanted
