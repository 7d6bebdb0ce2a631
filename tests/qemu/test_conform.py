"""The conformance payload (tests/payload): a kernel that checks every register, the zero page or start_info, the memory
map against what it can probe, its own bytes and its initrds, and prints a verdict.
"""
import itertools
import subprocess
import sys

import pytest
from conftest import ROOT
from disk import make_disk
from guest import Guest, virtio_disk
from hosts import HOSTS, host_arguments
from uki import make_uki

# name: (key of the config, how the shim enters it)
PAYLOADS = {
    "conform.bzimage": ("linux", "linux64"),
    "conform32.bzimage": ("linux", "linux32"),
    "conform202.bzimage": ("linux", "linux32"),
    "conform-fixed2m.bzimage": ("linux", "linux64"),
    "conform-moved.bzimage": ("linux", "linux64"),
    "conform.pvh": ("pvh", "pvh"),
    "conform32.pvh": ("pvh", "pvh"),
    "conform-desc4.pvh": ("pvh", "pvh"),
    "conform-note8.pvh": ("pvh", "pvh"),
    "conform-1m.pvh": ("pvh", "pvh"),
    "conform-reloc.pvh": ("pvh", "pvh"),
}
PIECES = ("100000", "4099", "3M")
MEMORY = (64, 128, 256, 1024, 3584, 4608, 6144)

NEEDS = {"conform-moved.bzimage": 4608}  # asks for an address that no machine has; all above that is above 4 GiB

# Every payload by PVH with every second amount of memory in turn, and once through another door.
ROWS = [(name, "pvh", memory, machine) for (name, memory), machine in
        zip(itertools.product(PAYLOADS, MEMORY), itertools.cycle(("pc", "q35")))
        if list(PAYLOADS).index(name) % 2 == MEMORY.index(memory) % 2 or memory == 64]
ROWS += [(name, host, 6144 if name in NEEDS else 256, machine) for name, host, machine in
         zip(PAYLOADS, itertools.cycle(HOSTS[1:]), itertools.cycle(("q35", "pc")))]
ROWS = [row for row in ROWS if row[2] >= NEEDS.get(row[0], 0)]


def config():
    lines = ["timeout 0"]
    for name, (key, _) in PAYLOADS.items():
        lines += [f"entry {name}", f" {key} /{name}", f" options expect-initrd={len(PIECES)} one=1", " options two=2"]
        lines += [f" {'initrd' if key == 'linux' else 'module'} /piece{n}" for n in range(len(PIECES))]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def disk(kit, tmp_path_factory):
    """One disk with all of them."""
    folder = tmp_path_factory.mktemp("conform")
    files = {"/shim.cfg": config().encode()}
    files.update({f"/{name}": kit.payload / name for name in PAYLOADS})
    for n, size in enumerate(PIECES):
        made = subprocess.run([sys.executable, ROOT / "tests/payload/make_initrd.py", size, str(n + 1)],
                              stdout=subprocess.PIPE, check=True)
        files[f"/piece{n}"] = made.stdout
    files |= unified_image(files, (kit.payload / "conform.bzimage").read_bytes())
    image = folder / "disk.img"
    make_disk(str(image), files, "gpt", "ext4")
    yield image
    image.unlink()


def unified_image(files, linux):
    """It brings microcode, an initrd and two profiles' options; the entry adds an initrd."""
    image = make_uki(linux, files["/piece1"], f"expect-initrd={len(PIECES)} base=0", "ID=x\n", ucode=files["/piece0"],
                     profiles=[{"profile": b"ID=a\n"},
                               {"profile": b"ID=b\n", "cmdline": b"expect-initrd=3  one=1\n\0\n"}])
    entry = "title Image\nuki /x.efi\nprofile 1\ninitrd /piece2\n"
    return {"/x.efi": image, "/loader/entries/image.conf": entry.encode()}


def finish(guest, cmdline):
    guest.expect(rf'^conform: cmdline "{cmdline}"', 20)
    status = guest.wait_exit(60)
    assert status == 33 and "conform: PASS" in guest.text, guest.text[-4000:]


def test_unified_image(kit, disk, scratch):
    """What is in it is booted as if it lay beside it: in this order, the entry's initrd behind its own."""
    args = host_arguments("pvh", kit, scratch, "config=/loader/entries timeout=0 -- two=2") + virtio_disk(disk)
    with Guest(*args, "-device", "isa-debug-exit,iobase=0xf4,iosize=4") as guest:
        guest.expect(r'^shim: booting "image" by linux64', 60)
        finish(guest, "expect-initrd=3  one=1 two=2")


@pytest.mark.parametrize("name,host,memory,machine", ROWS)
def test_conform(name, host, memory, machine, kit, disk, scratch):
    args = host_arguments(host, kit, scratch, f"default={name} timeout=0 -- three=3") + virtio_disk(disk)
    with Guest(*args, "-device", "isa-debug-exit,iobase=0xf4,iosize=4", machine=machine, memory=memory) as guest:
        guest.expect(rf'^shim: booting "{name}" by {PAYLOADS[name][1]}', 60)
        guest.expect(r"^conform: entered by " + PAYLOADS[name][1], 20)
        finish(guest, f"expect-initrd={len(PIECES)} one=1 two=2 three=3")
