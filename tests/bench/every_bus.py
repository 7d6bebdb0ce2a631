"""every_bus.py: the shim alone, on every bus a disk may be on, with whole files and with files in pieces.

Called by bench.py, whose figures these are; what it needs of it is in `bench`. Instructions are all that are executed
from the shim's first one to the kernel's, net of polls; on a disk that only the BIOS reaches the BIOS's own are among
them. "in pieces": the same initrd on a filesystem whose free space is in pieces of PIECE_KIB.
"""
import dataclasses
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "qemu"))
from buses import BUSES  # noqa: E402
from disk import make_disk, make_iso, run  # noqa: E402

MIB = 1 << 20
INITRD_MIB = 32
PIECE_KIB = 64
BLOCK = 4096
SLACK = 2 * MIB  # for the maps of the files
RUNS = 2
NAMES = ("virtio-modern", "virtio-legacy", "mmio", "mmio-v2", "microvm-pcie", "virtio-scsi", "virtio-scsi-cd", "ahci",
         "ahci-cd", "ide", "ide-cd", "nvme", "nvme-4k", "usb", "bios-scsi")
CONFIG = {"fixed": "linux /small", "kernel": "linux /kernel", "whole": "linux /kernel\n initrd /initrd",
          "pieces": "linux /kernel\n initrd /pieces"}


@dataclasses.dataclass
class Figures:
    bus: str
    machine: str
    net: dict
    requests: dict


def fill_with_pieces(image, folder, initrd):
    """ext4 whose free space is every other PIECE_KIB, then the initrd into it."""
    filler, commands = f"{folder}/piece", f"{folder}/debugfs.txt"
    with open(filler, "wb") as out:
        out.write(b"\xaa" * PIECE_KIB * 1024)
    count = 2 * INITRD_MIB * 1024 // PIECE_KIB
    def script(lines):
        with open(commands, "w", encoding="ascii") as out:
            out.writelines(line + "\n" for line in lines)
        run("debugfs", "-w", "-f", commands, image)

    script(f"write {filler} f{n}" for n in range(count))
    # What is behind them is taken but for a little, so that the file has to go into the pieces.
    free = int(re.search(r"Free blocks:\s+(\d+)", run("dumpe2fs", "-h", image)).group(1)) * BLOCK
    rest = f"{folder}/rest"
    with open(rest, "wb") as out:
        out.write(b"\xbb" * (free - SLACK))
    script([f"write {rest} rest", *(f"rm f{n}" for n in range(0, count, 2)), f"write {initrd} pieces"])
    os.unlink(rest)


def make_image(path, bus, bench, folder, config):
    initrd = bench.initrd_path(INITRD_MIB)
    files = {"/shim.cfg": f"timeout 0\nentry probe\n {CONFIG[config]}\n".encode(),
             "/small": bench.KERNELS["10 KiB"], "/kernel": bench.KERNELS["8 MiB"]}
    if config == "whole":
        files["/initrd"] = initrd
    if bus.cd:
        make_iso(path, files)
        return
    make_disk(path, files, "none", "ext4", size_mib=3 * INITRD_MIB + 48, options=("-b", str(BLOCK)))
    if config == "pieces":
        fill_with_pieces(path, folder, initrd)


def measure(name, bus, bench, folder, build):
    figures = Figures(name, bus.machine.split(",")[0], {}, {})
    image, door = f"{folder}/bus.img", bench.pvh_door(f"{build}/shim.elf")
    for config in CONFIG:
        if bus.cd and config == "pieces":
            continue
        make_image(image, bus, bench, folder, config)
        disk = bus.arguments(image)
        start = ["-kernel", f"{build}/shim.elf", "-append"]
        counts = []
        for i in range(RUNS):
            path = f"{folder}/bus-{i}.txt"
            bench.run_qemu(bus.machine, *disk, *start, "quiet", *bench.ICOUNT, "-plugin",
                           f"{bench.plugin},from={door:#x},out={path}")
            counts.append(bench.read_counts(path))
        figures.net[config] = bench.total(bench.split_polls(counts)[0])
        text = bench.run_qemu(bus.machine, *disk, *start, "verbose").text
        loaded = re.findall(r"loaded (\S+) MiB in (\d+) requests", text)
        if loaded:
            figures.requests[config] = int(loaded[-1][1]) / max(float(loaded[-1][0]), 1)
    return figures


def table(rows):
    head = ["bus", "machine", "fixed, M net", "net per MiB", "requests per MiB", "in pieces: net per MiB",
            "in pieces: requests per MiB"]
    lines = []
    for f in rows:
        def slope(config, f=f):
            if config not in f.net:
                return "-"
            return f"{(f.net[config] - f.net['kernel']) / INITRD_MIB:,.0f}"
        lines.append([f.bus, f.machine, f"{f.net['fixed'] / 1e6:.3f}", slope("whole"),
                      f"{f.requests.get('whole', 0):.2f}", slope("pieces"),
                      f"{f.requests['pieces']:.1f}" if "pieces" in f.requests else "-"])
    return head, lines


def main(bench, folder, build):
    """(head, lines) of the table, and how many failed."""
    rows, failed = [], 0
    for name in NAMES:
        bench.say(f"bus {name}")
        try:
            rows.append(measure(name, BUSES[name], bench, folder, build))
        except bench.Failure as problem:
            failed += 1
            bench.say(f"FAILED {name}: {problem}")
    return table(rows), failed


