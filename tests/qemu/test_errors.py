"""What goes wrong is said in a sentence, and the menu is back: every case ends by choosing an entry that works.

The entry that works starts the shim itself by PVH, which is quick and prints a line that nothing else prints.
"""
import gzip
import os
import re
import struct

import pytest
from disk import MIB, VOLUME_START, make_disk, run
from guest import Guest, virtio_disk

GOOD = """
entry good
    title  The one that works
    pvh    /shim.elf
    options config=/good.cfg
"""


def start(kit, scratch, config, files=None, args=(), append="", drive=None, memory=256):
    """A guest with a GPT disk that has config and an entry `good` at its end."""
    image = scratch / "disk.img"
    content = {"/shim.elf": kit.shim, "/good.cfg": b"timeout none\nentry inner\n linux /none\n", **(files or {})}
    if config is not None:
        content["/shim.cfg"] = (config + GOOD).encode()
    make_disk(str(image), content, "gpt", "ext4")
    more = ["-append", append] if append else []
    return Guest("-kernel", kit.shim, *more, *(drive or virtio_disk(image)), *args, memory=memory)


def choose_good(guest, number):
    """The menu is there and its entry `good` boots."""
    guest.expect(r"The one that works", 20)
    guest.send(str(number))
    guest.expect(r'booting "good" by pvh', 20)
    guest.expect(r'entered by pvh from "', 20)
    guest.expect(r"config \(vd\w+\)/good.cfg: 1 entr", 20)


def elf_with_huge_segment():
    """A PVH ELF64 that wants 64 GiB."""
    note = struct.pack("<III4sI", 4, 4, 18, b"Xen\0", 0x200000)
    header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 2, 62, 1, 0x200000, 64, 0, 0, 64, 56, 2, 64, 0, 0)
    load = struct.pack("<IIQQQQQQ", 1, 7, 0x1000, 0x200000, 0x200000, 0x1000, 64 << 30, 0x1000)
    notes = struct.pack("<IIQQQQQQ", 4, 4, 176, 0, 0, len(note), len(note), 4)
    return (header + load + notes + note).ljust(0x2000, b"\xf4")


# name: (config in front of the good entry, files, the sentence)
CASES = {
    "missing-file": (
        "timeout 0\nentry bad\n linux /boot/vmlinuz\n", lambda kit: {},
        r'error: .*\(vda2\)/boot/vmlinuz: no such file'),
    "missing-initrd": (
        "timeout 0\nentry bad\n linux /vmlinuz\n initrd /initrd.img\n", lambda kit: {"/vmlinuz": kit.vmlinuz},
        r'error: .*\(vda2\)/initrd.img: no such file'),
    "directory": (
        "timeout 0\nentry bad\n linux /dir\n", lambda kit: {"/dir/file": b"x"},
        r'error: .*\(vda2\)/dir: not a file'),
    "truncated-kernel": (
        "timeout 0\nentry bad\n linux /vmlinuz\n", lambda kit: {"/vmlinuz": kit.vmlinuz.read_bytes()[:40960]},
        r'error: .*\(vda2\)/vmlinuz: .*truncated at 40960 of \d+ bytes'),
    "tiny-kernel": (
        "timeout 0\nentry bad\n linux /vmlinuz\n", lambda kit: {"/vmlinuz": kit.vmlinuz.read_bytes()[:520]},
        r'error: .*\(vda2\)/vmlinuz: '),
    "empty-kernel": (
        "timeout 0\nentry bad\n linux /vmlinuz\n", lambda kit: {"/vmlinuz": b""},
        r'error: .*\(vda2\)/vmlinuz: .*0 bytes'),
    "wrong-magic": (
        "timeout 0\nentry bad\n linux /vmlinuz\n", lambda kit: {"/vmlinuz": b"garbage " * 5000},
        r'error: .*\(vda2\)/vmlinuz: starts with 67 61 72 62, expected '),
    "compressed-kernel": (
        "timeout 0\nentry bad\n linux /vmlinuz\n", lambda kit: {"/vmlinuz": gzip.compress(b"kernel" * 999)},
        r'error: .*\(vda2\)/vmlinuz: gzip compressed, expected '),
    "elf-without-note": (
        "timeout 0\nentry bad\n pvh /busybox\n", lambda kit: {"/busybox": "/bin/busybox"},
        r'error: .*\(vda2\)/busybox: '),
    "wrong-key": (
        "timeout 0\nentry bad\n linux /shim.elf\n", lambda kit: {},
        r'error: .*\(vda2\)/shim.elf: '),
    "truncated-elf": (
        "timeout 0\nentry bad\n pvh /vmlinux\n", lambda kit: {"/vmlinux": kit.vmlinux.read_bytes()[: 5 * MIB]},
        r'error: .*\(vda2\)/vmlinux: .*5242880'),
    "huge-segment": (
        "timeout 0\nentry bad\n pvh /huge\n", lambda kit: {"/huge": elf_with_huge_segment()},
        r'error: .*\(vda2\)/huge: '),
    "unknown-volume": (
        "timeout 0\nentry bad\n linux (LABEL=nowhere)/vmlinuz\n", lambda kit: {},
        r'error: .*no volume LABEL=nowhere; there (is|are) .*vda2'),
    "long-command-line": (
        "timeout 0\nentry bad\n linux /vmlinuz\n options " + "x" * 2100 + "\n", lambda kit: {"/vmlinuz": kit.vmlinuz},
        r'error: .*\(vda2\)/vmlinuz: .*2100.*2047'),
}


@pytest.mark.parametrize("name", CASES)
def test_entry_that_cannot_be_loaded(name, kit, scratch):
    config, files, sentence = CASES[name]
    with start(kit, scratch, config, files(kit)) as guest:
        guest.expect(sentence, 60)
        choose_good(guest, 2)


def test_initrd_larger_than_memory(kit, scratch):
    big = scratch / "big"
    with open(big, "wb") as out:
        out.truncate(300 * MIB)
    config = "timeout 0\nentry bad\n linux /vmlinuz\n initrd /big\n"
    with start(kit, scratch, config, {"/vmlinuz": kit.vmlinuz, "/big": big}) as guest:
        guest.expect(r"error: .*\(vda2\)/vmlinuz: .*(memory|MiB)", 30)
        choose_good(guest, 2)


def test_bad_config_lines(kit, scratch):
    config = """timeout soon
entry one
    titel    A near miss
    linux    /vmlinuz
entry two
    linux    /a
    pvh      /b
entry bad id
    linux    /c
"""
    with start(kit, scratch, "# no timeout but this\n" + config) as guest:
        guest.expect(r'shim\.cfg:2: .*soon', 30)
        guest.expect(r'shim\.cfg:4: .*titel.*did you mean.*title', 10)
        guest.expect(r'shim\.cfg:[678]: ', 10)
        guest.expect(r'shim\.cfg:9: ', 10)
        number = int(guest.expect(r"(\d)  The one that works", 20)[1])
        guest.send(str(number))
        guest.expect(r'booting "good" by pvh', 20)
        guest.expect(r'entered by pvh from "', 20)


def test_no_config(kit, scratch):
    """The reasons per volume, and a menu that can look again, reboot and power off."""
    with start(kit, scratch, None, {"/readme": b"nothing to boot\n"}) as guest:
        guest.expect(r"vda2", 30)
        guest.expect(r"Look for disks", 20)
        guest.expect(r"Reboot", 5)
        guest.expect(r"Power off", 5)
        guest.send("1")
        guest.expect(r"volume vda2: ext4", 20)
        guest.expect(r"Power off", 20)
        guest.send("3")
        assert guest.wait_exit(20) == 0


def test_no_disk(kit):
    with Guest("-kernel", kit.shim) as guest:
        guest.expect(r'entered by pvh from "', 30)
        guest.expect(r"(?i)no (disk|volume)", 20)
        guest.expect(r"Look for disks", 20)
        guest.expect(r"Reboot", 5)
        guest.send("2")
        assert guest.wait_exit(20) == 0


def test_unknown_argument(kit, scratch):
    with start(kit, scratch, "timeout none", append="volum=vda2 verbose") as guest:
        guest.expect(r'warning: .*volum\b.*did you mean.*volume', 30)
        choose_good(guest, 1)


def test_argument_volume_not_there(kit, scratch):
    with start(kit, scratch, "timeout none", append="volume=LABEL=nowhere") as guest:
        guest.expect(r"no volume LABEL=nowhere; there (is|are) .*vda2", 30)
        guest.expect(r"Reboot", 20)


def test_argument_config_not_there(kit, scratch):
    with start(kit, scratch, "timeout none", append="config=(vda2)/other.cfg") as guest:
        guest.expect(r"\(vda2\)/other.cfg: no such file", 30)
        guest.expect(r"Reboot", 20)


def test_default_that_is_not_there(kit, scratch):
    with start(kit, scratch, "timeout 1\ndefault nobody\n") as guest:
        guest.expect(r"shim\.cfg.*nobody", 30)
        guest.expect(r'booting "good" by pvh', 20)


def test_fallback(kit, scratch):
    with start(kit, scratch, "timeout 0\nfallback good\nentry bad\n linux /none\n") as guest:
        guest.expect(r"error: .*/none: no such file", 30)
        guest.expect(r'falling back to "good"', 10)
        guest.expect(r'booting "good" by pvh', 20)
        guest.expect(r'entered by pvh from "', 20)


def test_fallback_that_fails_too(kit, scratch):
    with start(kit, scratch, "timeout 0\nfallback bad2\nentry bad\n linux /none\nentry bad2\n linux /none2\n") as guest:
        guest.expect(r"error: .*/none: no such file", 30)
        guest.expect(r"error: .*/none2: no such file", 10)
        choose_good(guest, 3)


def first_sector(image, name):
    """Sector on the disk of the first block of a file of the ext volume."""
    start_byte = VOLUME_START["gpt"] * MIB
    block_size = int(re.search(r"Block size: +(\d+)", run("dumpe2fs", "-h", f"{image}?offset={start_byte}"))[1])
    block = int(run("debugfs", "-R", f"bmap {name} 100", f"{image}?offset={start_byte}").split()[-1])
    return (start_byte + block * block_size) // 512


def test_read_error(kit, scratch):
    """QEMU's blkdebug fails every read of one sector in the middle of the kernel."""
    image = scratch / "disk.img"
    files = {"/shim.elf": kit.shim, "/good.cfg": b"timeout none\nentry inner\n linux /none\n", "/vmlinuz": kit.vmlinuz,
             "/shim.cfg": ("timeout 0\nentry bad\n linux /vmlinuz\n" + GOOD).encode()}
    make_disk(str(image), files, "gpt", "ext4")
    drive = ["-blockdev", "driver=raw,node-name=d0,file.driver=blkdebug,file.image.driver=file,file.image.filename="
             f"{image},file.inject-error.0.event=read_aio,file.inject-error.0.errno=5,file.inject-error.0.once=off,"
             f"file.inject-error.0.sector={first_sector(image, '/vmlinuz')}",
             "-device", "virtio-blk-pci,drive=d0,rerror=report"]
    with Guest("-kernel", kit.shim, *drive) as guest:
        guest.expect(r"error: .*vda: I/O error at block \d+", 60)
        choose_good(guest, 2)


def test_disk_that_never_answers(kit, scratch):
    """The first disk gives one byte a second; the second one boots."""
    image = scratch / "disk.img"
    files = {"/shim.elf": kit.shim, "/good.cfg": b"timeout none\nentry inner\n linux /none\n",
             "/shim.cfg": ("timeout none\n" + GOOD).encode()}
    make_disk(str(image), files, "gpt", "ext4")
    slow = scratch / "slow.img"
    slow.write_bytes(bytes(64 * MIB))
    dead = ["-drive", f"file={slow},format=raw,if=none,id=dead,throttling.bps-read=1",
            "-device", "virtio-blk-pci,drive=dead"]
    with Guest("-kernel", kit.shim, *dead, *virtio_disk(image)) as guest:
        guest.expect(r"vda: no answer within \d+ s", 90)
        guest.expect(r"config \(vdb2\)/shim.cfg: 1 entr", 60)
        choose_good(guest, 1)


def test_disk_that_stops_answering(kit, scratch):
    """The disk falls silent while the kernel is read; the menu is back, and an entry of the other disk boots."""
    first, second = scratch / "first.img", scratch / "second.img"
    config = "timeout none\nentry bad\n linux /vmlinuz\n" + GOOD.replace("/shim.elf", "(vdb)/shim.elf").replace(
        "config=/good.cfg", "config=(vdb)/good.cfg")
    make_disk(str(first), {"/shim.cfg": config.encode(), "/vmlinuz": kit.vmlinuz}, "gpt", "ext4")
    files = {"/shim.elf": kit.shim, "/good.cfg": b"timeout none\nentry inner\n linux /none\n"}
    make_disk(str(second), files, "none", "fat16")
    drive = ["-blockdev", "driver=raw,node-name=d0,file.driver=blkdebug,file.image.driver=file,"
             f"file.image.filename={first}",
             "-device", "virtio-blk-pci,drive=d0,id=v0"]
    with Guest("-kernel", kit.shim, *drive, *virtio_disk(second, "d1")) as guest:
        guest.expect(r"The one that works", 30)
        guest.monitor('qemu-io d0 "break read_aio silent"')
        guest.send("1")
        guest.expect(r"error: .*vda: no answer within \d+ s", 90)
        guest.expect(r"The one that works", 20)
        guest.send("2")
        guest.expect(r'booting "good" by pvh', 20)
        guest.expect(r'entered by pvh from "', 20)


def test_gpt_with_a_bad_header(kit, scratch):
    """The backup is used, and it is said."""
    image = scratch / "disk.img"
    files = {"/shim.elf": kit.shim, "/good.cfg": b"timeout none\nentry inner\n linux /none\n",
             "/shim.cfg": ("timeout none\n" + GOOD).encode()}
    make_disk(str(image), files, "gpt", "ext4")
    with open(image, "r+b") as disk:
        disk.seek(512 + 40)
        disk.write(b"\xff" * 8)
    with Guest("-kernel", kit.shim, *virtio_disk(image)) as guest:
        guest.expect(r"disk vda: primary GPT bad \(.*\), using the backup", 30)
        choose_good(guest, 1)


def test_garbage_disk(kit, scratch):
    """Random bytes are no volume, and no reason to stop."""
    image = scratch / "garbage.img"
    image.write_bytes(os.urandom(4 * MIB))
    with Guest("-kernel", kit.shim, *virtio_disk(image)) as guest:
        guest.expect(r"vda: no filesystem", 30)
        guest.expect(r"Reboot", 20)
