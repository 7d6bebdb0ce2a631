#!/usr/bin/env python3
"""bench.py BUILD [quick|buses]: the shim and its peers side by side, on the same machines and the same disks.

Peers: the shim by QEMU's -kernel (PVH), SeaBIOS with GRUB i386-pc, SeaBIOS with extlinux, and QEMU's own -kernel of
the same kernel, which reads no disk and is the bound. The kernel is tests/payload/probe.asm, 10 KiB and 8 MiB, with
initrds of 0 to 256 MiB. `quick`: pc, ext4, up to 64 MiB, the shim and -kernel only. Then the shim alone on every bus, with
whole files and with files in pieces (every_bus.py); `buses`: only that. The tables go to the terminal and,
as Markdown, to BUILD/bench.md. Runs that fail are shown with what the serial port said; the others go on.

What the figures are:
  instructions  from power-on to the kernel's first one (RDTSC with -icount shift=0,sleep=off; the least of RUNS), less
                the firmware's: those until the same machine starts a program that reads the clock (bootsector.py)
                from the same disk (GRUB, extlinux) or by -kernel (the shim, QEMU)
  net           the same less the polls for the host's disk: the plugin count.c counts each block of code from the
                peer's first instruction to the kernel's first; blocks whose count differs between RUNS equal runs
                by more than SPREAD wait for the host, since all else is deterministic, and are left out
  requests      reads that the disk saw, all of them (QEMU's trace)
  start, exit   seconds from the start of QEMU to the kernel's first output and to the end of QEMU, which the kernel
                brings about when it has checked its own and the initrd's bytes; medians of WALL_RUNS, the peers
                taking turns, each behind a -kernel run that is not counted; without -icount
  CPU           seconds of processor time that QEMU took, all of its threads; the same medians
"""
import dataclasses
import mmap
import os
import re
import statistics
import struct
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "images"), os.path.join(HERE, "..", "payload")]
import bootsector  # noqa: E402
import every_bus  # noqa: E402
import make_initrd  # noqa: E402
from disk import make_disk  # noqa: E402

MIB = 1 << 20
RUNS = 3
WALL_RUNS = 5
SPREAD = 0.02  # timer interrupts during a wait make a little difference to code that is none
LONG_RUN_S = 8  # beyond this fewer runs are enough
TOO_LONG_S = 20  # and beyond this instructions with larger initrds are not counted
LIMIT_S = 240 * float(os.environ.get("SHIM_TEST_SLOW", "1"))
EXIT_PASS = 33
DISK_MIB = 640
INITRD_RAGGED = 13  # bytes less than whole MiB: files end where they like
BLOCK = 512

SHIM, GRUB, EXTLINUX, DIRECT = "shim", "GRUB", "extlinux", "-kernel"
CONFIG_NAMES = {SHIM: "/boot/shim.cfg", GRUB: "/boot/grub/grub.cfg", EXTLINUX: "/boot/extlinux/extlinux.conf"}
CONFIG_SIZE = 128
MBR_DOOR = 0x7C00


class Failure(Exception):
    pass


@dataclasses.dataclass
class Row:
    """One payload by one peer on one machine and disk."""
    machine: str
    fs: str
    kernel: str
    initrd: int  # MiB
    peer: str
    instructions: int = None
    net: int = None
    requests: int = None
    bounced: int = None
    starts: list = dataclasses.field(default_factory=list)
    exits: list = dataclasses.field(default_factory=list)
    cpus: list = dataclasses.field(default_factory=list)
    failed: bool = False

    @property
    def name(self):
        return f"{self.machine} {self.fs} {self.payload} {self.peer}"

    @property
    def payload(self):
        return self.kernel + (f" + {self.initrd} MiB" if self.initrd else "")

    @property
    def start(self):
        return statistics.median(self.starts) if self.starts else None

    @property
    def exit(self):
        return statistics.median(self.exits) if self.exits else None

    @property
    def cpu(self):
        return statistics.median(self.cpus) if self.cpus else None


@dataclasses.dataclass
class Plan:
    machines: tuple = ("pc", "q35")
    filesystems: tuple = ("ext4", "fat32")
    payloads: tuple = (("10 KiB", 0), ("8 MiB", 0), ("8 MiB", 16), ("8 MiB", 64), ("8 MiB", 256))
    peers: tuple = (SHIM, GRUB, EXTLINUX, DIRECT)
    buses: bool = True


QUICK = Plan(("pc",), ("ext4",), (("10 KiB", 0), ("8 MiB", 0), ("8 MiB", 16), ("8 MiB", 64)), (SHIM, DIRECT), False)
BUSES = Plan((), (), (), ())


def say(text):
    print(f"[{time.monotonic() - begun:4.0f} s] {text}", flush=True)


# ---- the disks -------------------------------------------------------------------------------------------------------


class Disk:
    """One image with all files and all peers; which of them boots what is patched into it before a run."""

    def __init__(self, fs, plan):
        self.image = f"{folder}/{fs}.img"
        scratch = bootsector.scratch_extlinux(folder) if EXTLINUX in plan.peers else None
        files = {f"/boot/{disk_name(kernel)}": path for kernel, path in KERNELS.items()}
        files.update({f"/boot/initrd-{m}": initrd_path(m) for _, m in plan.payloads if m})
        marks = {peer: f"# of {peer}".encode().ljust(CONFIG_SIZE, b"#") for peer in CONFIG_NAMES}
        files.update({name: marks[peer] for peer, name in CONFIG_NAMES.items()})
        if GRUB in plan.peers:
            files.update(bootsector.grub_files())
        if scratch:
            files.update(bootsector.extlinux_files(fs, scratch))
        # clusters of 4 KiB, as mkfs.fat would choose
        make_disk(self.image, files, "mbr", fs, size_mib=DISK_MIB, options=("-s", "8") if fs == "fat32" else ())
        clock = bootsector.assemble(bootsector.CLOCK_MBR, folder, "clock.mbr")
        self.mbr = {"clock": bootsector.read_at(clock, 0, bootsector.MBR_CODE)}
        if GRUB in plan.peers:
            self.mbr[GRUB] = bootsector.install_grub(self.image, fs, folder)
        if scratch:
            self.mbr[EXTLINUX] = bootsector.install_extlinux(self.image, fs, scratch)
        self.config_at = {peer: self.find(mark) for peer, mark in marks.items()}

    def find(self, mark):
        with open(self.image, "rb") as image, mmap.mmap(image.fileno(), 0, prot=mmap.PROT_READ) as data:
            return data.find(mark)

    def choose(self, peer, kernel=None, initrd=0):
        """What boots from this disk next."""
        bootsector.write_at(self.image, 0, self.mbr.get(peer, self.mbr["clock"]))
        if peer in self.config_at:
            text = config_text(peer, f"/boot/{disk_name(kernel)}", f"/boot/initrd-{initrd}" if initrd else None)
            bootsector.write_at(self.image, self.config_at[peer], text.encode().ljust(CONFIG_SIZE, b"\n"))


def config_text(peer, kernel, initrd):
    if peer == SHIM:
        return f"timeout 0\nentry probe\n  linux {kernel}\n" + (f"  initrd {initrd}\n" if initrd else "")
    if peer == GRUB:
        more = f"  initrd {initrd}\n" if initrd else ""
        return f"set timeout=0\nmenuentry probe {{\n  linux {kernel}\n{more}}}\n"
    more = f"  INITRD {initrd}\n" if initrd else ""
    return f"DEFAULT probe\nPROMPT 0\nLABEL probe\n  LINUX {kernel}\n{more}"


def disk_name(kernel):
    return "probe-" + kernel.replace(" ", "").replace("iB", "")


def initrd_path(mib):
    path = f"{folder}/initrd-{mib}"
    size = mib * MIB - INITRD_RAGGED
    if not os.path.exists(path) or os.path.getsize(path) != size:
        with open(path + ".new", "wb") as out:
            make_initrd.write(out, size)
        os.rename(path + ".new", path)
    return path


# ---- one run ---------------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Result:
    ticks: int
    start: float
    exit: float
    cpu: float
    text: str


def qemu(machine, disk, *more):
    """Run with disk on virtio over PCI."""
    return run_qemu(machine, "-drive",
                    f"file={disk.image},format=raw,if=none,id=d0,readonly=on,cache=unsafe,file.locking=off",
                    "-device", "virtio-blk-pci,drive=d0", *more)


def run_qemu(machine, *more):
    """Run until the probe ends QEMU; its clock, our clock, what it said."""
    command = ["qemu-system-x86_64", "-accel", "tcg", "-M", machine, "-m", "1024", "-nic", "none", "-display", "none",
               "-no-reboot", "-no-user-config", "-serial", "stdio", "-monitor", "none",
               "-device", "isa-debug-exit,iobase=0xf4,iosize=4", *more]
    started = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    alarm = threading.Timer(LIMIT_S, process.kill)
    alarm.start()
    text, start = b"", None
    while data := os.read(process.stdout.fileno(), 4096):
        text += data
        if start is None and b"probe: tsc=" in text:
            start = time.monotonic() - started
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status = os.waitstatus_to_exitcode(status)
    end = time.monotonic() - started
    alarm.cancel()
    process.stdout.close()
    text = text.decode(errors="replace").replace("\r", "")
    if status != EXIT_PASS:
        why = f"stopped after {LIMIT_S:.0f} s" if end >= LIMIT_S else f"status {status}, expected {EXIT_PASS}"
        raise Failure(f"{why}\n{' '.join(command)}\n---- serial\n{text[-3000:]}")
    ticks = re.search(r"probe: tsc=(\w+)", text).group(1)
    return Result(int(ticks, 10 if " kernel " in text else 16), start, end, usage.ru_utime + usage.ru_stime, text)


def boot_args(row, words="quiet"):
    if row.peer == SHIM:
        return ["-kernel", f"{build}/shim.elf", "-append", words]
    if row.peer == DIRECT:
        return ["-kernel", KERNELS[row.kernel], *(["-initrd", initrd_path(row.initrd)] if row.initrd else [])]
    return []


def pvh_door(path):
    """The address in an ELF64's PHYS32_ENTRY note."""
    with open(path, "rb") as elf:
        data = elf.read(4096)
    table, count = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<H", data, 56)[0]
    for i in range(count):
        kind, _, offset = struct.unpack_from("<IIQ", data, table + 56 * i)
        if kind == 4:
            return struct.unpack_from("<Q", data, offset + 16)[0]
    raise Failure(f"{path}: no PVH note")


# ---- instructions ----------------------------------------------------------------------------------------------------


def read_counts(path):
    """{(pc, instructions): runs}"""
    counts = {}
    with open(path, encoding="ascii") as lines:
        for line in lines:
            pc, instructions, runs = line.split()
            counts[int(pc, 16), int(instructions)] = int(runs)
    return counts


def split_polls(runs):
    """(least counts of the blocks that all runs ran about equally often, counts of the others in the last run)"""
    work, polls = {}, {}
    for block in set().union(*runs):
        counts = [r.get(block, 0) for r in runs]
        if max(counts) - min(counts) <= max(counts) * SPREAD:
            work[block] = min(counts)
        else:
            polls[block] = counts[-1]
    return work, polls


def total(counts):
    return sum(instructions * runs for (_, instructions), runs in counts.items())


def build_plugin():
    """Path of count.so, or None when this QEMU takes no plugins."""
    path = f"{folder}/count.so"
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", path, f"{HERE}/count.c"], check=True)
    done = subprocess.run(["qemu-system-x86_64", "-M", "none", "-display", "none", "-monitor", "stdio", "-plugin",
                           f"{path},out=/dev/null"], input=b"quit\n", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return None if done.returncode else path


ICOUNT = ("-icount", "shift=0,sleep=off")


def firmware_ticks(machine, disk, door):
    """Instructions until the machine starts what a disk or -kernel gave it."""
    key = machine, disk.image, door
    if key not in firmware:
        disk.choose("clock")
        program = ["-kernel", bootsector.assemble(bootsector.CLOCK_ELF, folder, "clock.elf")] if door == "pvh" else []
        firmware[key] = min(qemu(machine, disk, *ICOUNT, *program).ticks for _ in range(RUNS))
    return firmware[key]


def counts_path(row, run):
    """Those of the shim stay, for hotspots.py."""
    name = f"{row.machine}-{row.fs}-{disk_name(row.kernel)}-{row.initrd}-{run}"
    return f"{folder}/shim-{name}.txt" if row.peer == SHIM else f"{folder}/peer-{run}.txt"


def measure_instructions(row, disk):
    disk.choose(row.peer, row.kernel, row.initrd)
    log = f"{folder}/trace.log"
    ticks, counts = [], []
    for i in range(RUNS):
        more = [*ICOUNT, "-D", log, "-trace", "virtio_blk_handle_read"] if not i else [*ICOUNT]
        if plugin and row.peer != DIRECT:
            door = pvh_door(f"{build}/shim.elf") if row.peer == SHIM else MBR_DOOR
            more += ["-plugin", f"{plugin},from={door:#x},out={counts_path(row, i)}"]
        result = qemu(row.machine, disk, *boot_args(row), *more)
        ticks.append(result.ticks)
        if plugin and row.peer != DIRECT:
            counts.append(read_counts(counts_path(row, i)))
        if not i:
            with open(log, encoding="utf-8", errors="replace") as lines:
                row.requests = sum("virtio_blk_handle_read " in line for line in lines)
        if i and result.exit > LONG_RUN_S:
            break
    firmware_min = firmware_ticks(row.machine, disk, "pvh" if row.peer in (SHIM, DIRECT) else "bios")
    row.instructions = min(ticks) - firmware_min
    if row.peer == DIRECT:
        row.net = row.instructions
    elif plugin:
        row.net = total(split_polls(counts)[0])
    return result.exit


def measure_bounces(row, disk):
    """The shim's own words, by `verbose`."""
    disk.choose(row.peer, row.kernel, row.initrd)
    text = qemu(row.machine, disk, *boot_args(row, "verbose")).text
    lines = re.findall(r"^shim: .*loaded (\S+) MiB in (\d+) requests, (\d+) bytes bounced, \d+ ms$", text, re.M)
    if not lines:
        raise Failure(f"no `loaded N MiB` line\n---- serial\n{text[-3000:]}")
    row.bounced = sum(int(b) for _, _, b in lines)


# ---- all rows --------------------------------------------------------------------------------------------------------


def attempt(row, work, *args):
    """What work returns; a failure is shown, and the row counts as failed."""
    try:
        return work(row, *args)
    except Failure as problem:
        row.failed = True
        say(f"FAILED {row.name}: {problem}")
        return None


def measure_wall(row, disk):
    disk.choose(row.peer, row.kernel, row.initrd)
    result = qemu(row.machine, disk, *boot_args(row))
    row.starts.append(result.start)
    row.exits.append(result.exit)
    row.cpus.append(result.cpu)


def measure_disk(rows, disk):
    """All rows of one machine and one filesystem."""
    slow = set()
    for row in rows:
        if row.peer not in slow:
            say(f"  {row.payload}, {row.peer}: instructions")
            seconds = attempt(row, measure_instructions, disk)
            if seconds and seconds > TOO_LONG_S:
                slow.add(row.peer)
        if row.peer == SHIM:
            attempt(row, measure_bounces, disk)
    for turn in range(WALL_RUNS):
        say(f"  seconds, {turn + 1} of {WALL_RUNS}")
        for row in rows:
            if not row.failed and not (turn and row.exits[0] > LONG_RUN_S):
                warm_up(row, disk)
                attempt(row, measure_wall, disk)


def warm_up(row, disk):
    """The same payload by -kernel, not counted. A virtual machine's memory is not all there until it was touched, and is
    given back when it lies idle: without this, who runs behind a long run pays seconds for it."""
    try:
        qemu(row.machine, disk, *boot_args(dataclasses.replace(row, peer=DIRECT)))
    except Failure:
        pass  # its own row will tell


def find_row(rows, machine, fs, kernel, initrd, peer):
    return next((r for r in rows if (r.machine, r.fs, r.kernel, r.initrd, r.peer) == (machine, fs, kernel, initrd, peer)
                 and not r.failed), None)


def per_mib(rows, machine, fs, peer, figure):
    """(figure with the largest initrd - figure with the smallest) / MiB between them."""
    mine = [r for r in rows if (r.machine, r.fs, r.kernel, r.peer) == (machine, fs, "8 MiB", peer) and r.initrd
            and not r.failed and getattr(r, figure) is not None]
    if len(mine) < 2:
        return None
    low, high = min(mine, key=lambda r: r.initrd), max(mine, key=lambda r: r.initrd)
    return (getattr(high, figure) - getattr(low, figure)) / (high.initrd - low.initrd)


# ---- tables ----------------------------------------------------------------------------------------------------------


def number(value, form="{:,.0f}"):
    return "-" if value is None else form.format(value)


def millions(value):
    return number(None if value is None else value / 1e6, "{:,.3f}")


def main_table(rows):
    head = ["machine", "disk", "kernel + initrd", "loader", "instructions, M", "net, M", "requests", "start, s",
            "exit, s", "of -kernel", "CPU, s"]
    lines = []
    for r in rows:
        bound = find_row(rows, r.machine, r.fs, r.kernel, r.initrd, DIRECT)
        ratio = r.exit / bound.exit if bound and bound.exit and r.exit else None
        cells = [r.machine, r.fs, r.payload, r.peer, millions(r.instructions), millions(r.net), number(r.requests),
                 number(r.start, "{:.3f}"), number(r.exit, "{:.3f}"), number(ratio, "{:.2f}"), number(r.cpu, "{:.2f}")]
        lines.append(cells[:4] + ["failed"] * (len(cells) - 4) if r.failed else cells)
    return head, lines


def slope_table(rows, plan):
    head = ["machine", "disk", "loader", "fixed, M net", "instructions per MiB", "net per MiB", "requests per MiB",
            "bounced"]
    lines = []
    for machine in plan.machines:
        for fs in plan.filesystems:
            for peer in plan.peers:
                small = find_row(rows, machine, fs, "10 KiB", 0, peer)
                slopes = [per_mib(rows, machine, fs, peer, f) for f in ("instructions", "net", "requests")]
                bounced = [r.bounced for r in rows
                           if (r.machine, r.fs, r.peer) == (machine, fs, peer) and r.bounced is not None]
                lines.append([machine, fs, peer, millions(small.net if small else None), number(slopes[0]),
                              number(slopes[1]), number(slopes[2], "{:.2f}"), number(max(bounced, default=None))])
    return head, lines


def format_table(head, lines, markdown):
    widths = [max(len(row[i]) for row in [head, *lines]) for i in range(len(head))]
    left = [not any(c.isdigit() for c in lines[0][i]) or i < 3 for i in range(len(head))]

    def join(row):
        cells = [c.ljust(w) if l else c.rjust(w) for c, w, l in zip(row, widths, left)]
        return "| " + " | ".join(cells) + " |" if markdown else "  ".join(cells).rstrip()

    rule = ["-" * w if l else "-" * (w - 1) + (":" if markdown else "-") for w, l in zip(widths, left)]
    return "\n".join(join(row) for row in [head, rule, *lines])


def verdicts(rows, plan):
    """One line per goal, each over all machines and disks."""
    pairs = [(m, f) for m in plan.machines for f in plan.filesystems]
    shim = [r for r in rows if r.peer == SHIM]
    small = [find_row(rows, m, f, "10 KiB", 0, SHIM) for m, f in pairs]
    fixed = [r.net if r else None for r in small]
    largest = max(m for _, m in plan.payloads)
    walls = {"exit": [], "start": []}
    for m, f in pairs:
        mine, bound = (find_row(rows, m, f, "8 MiB", largest, peer) for peer in (SHIM, DIRECT))
        for figure, ratios in walls.items():
            both = mine and bound and getattr(mine, figure) and getattr(bound, figure)
            ratios.append(getattr(mine, figure) / getattr(bound, figure) if both else None)
    # two ragged blocks per placement; kernel and initrd are two of them
    bounced = [r.bounced for r in shim]
    yield judge("fixed instructions, 10 KiB kernel", [v and v / 1e6 for v in fixed], 1.0, "{:.3f} M")
    yield judge("instructions per MiB", [per_mib(rows, m, f, SHIM, "net") for m, f in pairs], 2000, "{:,.0f}")
    yield judge("requests per MiB", [per_mib(rows, m, f, SHIM, "requests") for m, f in pairs], 2, "{:.2f}")
    yield judge("bytes bounced but ragged ends", [b and max(0, b - 4 * BLOCK) for b in bounced], 0, "{:,.0f}")
    yield judge(f"end of 8 + {largest} MiB against -kernel", walls["exit"], 1.2, "{:.2f}")
    yield judge(f"start of 8 + {largest} MiB against -kernel", walls["start"], 1.2, "{:.2f}")


def judge(name, values, limit, form):
    known = [v for v in values if v is not None]
    worst = max(known, default=None)
    good = len(known) == len(values) and worst is not None and worst <= limit
    found = form.format(worst) if worst is not None else "not measured"
    missing = f"; {len(values) - len(known)} of {len(values)} not measured" if len(known) < len(values) else ""
    return good, f"{'reached' if good else 'MISSED '}  {name}: {found}, goal at most {form.format(limit)}{missing}"


def main(plan):
    say(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}: seconds tell little on a busy machine")
    rows = [Row(m, f, kernel, initrd, peer) for m in plan.machines for f in plan.filesystems
            for kernel, initrd in plan.payloads for peer in plan.peers]
    if not plugin:
        say("this QEMU takes no plugins: no figures net of polls")
    for fs in plan.filesystems:
        say(f"disk: {fs}")
        disk = Disk(fs, plan)
        for machine in plan.machines:
            say(f"{machine}, {fs}")
            part = [r for r in rows if (r.machine, r.fs) == (machine, fs)]
            measure_disk(part, disk)
            print("\n" + format_table(*main_table(part), False) + "\n", flush=True)
    judged = list(verdicts(rows, plan)) if rows else []
    tables = [main_table(rows), slope_table(rows, plan)] if rows else []
    failed = 0
    if plugin and plan.buses:
        buses, failed = every_bus.main(sys.modules[__name__], folder, build)
        tables.append(buses)
    text = [[format_table(*t, markdown) for t in tables] for markdown in (False, True)]
    lines = [line for _, line in judged]
    print("\n" + "\n\n".join(text[0]) + "\n\n" + "\n".join(lines), flush=True)
    with open(f"{build}/bench.md", "w", encoding="utf-8") as out:
        out.write("\n\n".join(text[1]) + "\n\n" + "\n".join(f"- {line}" for line in lines) + "\n")
    return 1 if failed or any(r.failed for r in rows) else 0


if __name__ == "__main__":
    build = sys.argv[1]
    folder = f"{build}/bench"
    os.makedirs(folder, exist_ok=True)
    begun = time.monotonic()
    firmware = {}
    KERNELS = {"10 KiB": f"{build}/payload/probe-10k.bzimage", "8 MiB": f"{build}/payload/probe.bzimage"}
    plugin = build_plugin()
    sys.exit(main(QUICK if "quick" in sys.argv[2:] else BUSES if "buses" in sys.argv[2:] else Plan()))
