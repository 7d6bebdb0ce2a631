"""Debian's own kernel through every door, from every kind of disk.

The rows are chosen so that every pair of values of the factors below, but for one of UNRELATED factors, occurs in at
least one row (pairwise testing; the greedy choice in pairwise() has no randomness, so the rows are the same every time).
`pytest --collect-only` lists them.
"""
import itertools

import pytest
from disk import FILESYSTEMS, SCHEMES, make_disk
from guest import Guest, virtio_disk
from hosts import HOSTS, host_arguments

FACTORS = {
    "host": HOSTS,
    "fs": FILESYSTEMS,
    "scheme": SCHEMES,
    "payload": ("linux", "pvh", "nested"),
    "virtio": ("transitional", "modern", "legacy"),
    "memory": (256, 4608, 6144),
    "machine": ("pc", "q35"),
    "smp": (1, 4),
}
UNRELATED = "host", "fs"  # who started the shim is over when a filesystem is read


def pairwise(factors):
    """Rows, as dicts, that cover all pairs: each row starts from the first pair still missing and takes, factor by
    factor, the value that covers most missing pairs, the least used among equals."""
    names = list(factors)
    missing = {((a, x), (b, y)) for a, b in itertools.combinations(names, 2) for x in factors[a] for y in factors[b]
               if (a, b) != UNRELATED}
    used = {(n, v): 0 for n in names for v in factors[n]}
    rank = {(n, v): (names.index(n), factors[n].index(v)) for n in names for v in factors[n]}
    rows = []
    while missing:
        row = dict(min(missing, key=lambda pair: (rank[pair[0]], rank[pair[1]])))
        for name in names:
            if name in row:
                continue

            def worth(value, name=name, row=row):
                pairs = sum(tuple(sorted(((name, value), item), key=lambda i: names.index(i[0]))) in missing
                            for item in row.items())
                return pairs, -used[name, value], -factors[name].index(value)

            row[name] = max(factors[name], key=worth)
        items = sorted(row.items(), key=lambda i: names.index(i[0]))
        missing -= set(itertools.combinations(items, 2))
        for item in items:
            used[item] += 1
        rows.append(dict(items))
    return rows


ROWS = pairwise(FACTORS)


def row_name(row):
    return "-".join(str(v) for v in row.values())


OPTIONS = "console=ttyS0 quiet shim.test=halt"


def files_of(row, kit):
    """The files of the row's disk. The config is at the place that is searched second on every other row."""
    word = "row=" + row_name(row)
    config = "/boot/shim.cfg" if ROWS.index(row) % 2 else "/shim.cfg"
    linux = f"""# {word}
timeout 0
entry debian
    title    Debian GNU/Linux
    linux    /boot/vmlinuz
    initrd   /boot/initrd.img
    options  {OPTIONS}
    options  {word}
"""
    files = {"/boot/initrd.img": kit.initrd, config: linux.encode()}
    if row["payload"] == "pvh":
        files["/boot/vmlinux"] = kit.vmlinux
        files[config] = (f"timeout 0\nentry vmlinux\n pvh /boot/vmlinux\n module /boot/initrd.img\n"
                         f" options {OPTIONS} {word}\n").encode()
        return files
    files["/boot/vmlinuz"] = kit.vmlinuz
    if row["payload"] == "nested":
        files["/boot/a longer name for shim.elf"] = kit.shim
        files["/boot/last.cfg"] = linux.encode()
        for name, following in ((config, "/boot/second.cfg"), ("/boot/second.cfg", "/boot/last.cfg")):
            files[name] = (f"timeout 0\nentry nest\n pvh /boot/a longer name for shim.elf\n"
                           f" options config={following}\n").encode()
    return files


@pytest.mark.parametrize("row", ROWS, ids=row_name)
def test_boot(row, kit, scratch):
    disk = scratch / "disk.img"
    volume = make_disk(str(disk), files_of(row, kit), row["scheme"], row["fs"])
    args = host_arguments(row["host"], kit, scratch) + virtio_disk(disk, kind=row["virtio"])
    with Guest(*args, machine=row["machine"], memory=row["memory"], smp=row["smp"]) as guest:
        door = "pvh" if row["host"] == "pvh" else "multiboot"
        guest.expect(rf'^shim: \S+ entered by {door} from "', 60)
        guest.expect(rf"^shim: volume {volume}: {'ext' if row['fs'].startswith('ext') else 'vfat'}", 30)
        guest.expect(rf"^shim: config \({volume}\)(/boot)?/shim.cfg: 1 entr", 10)
        if row["payload"] == "nested":
            for _ in range(2):
                guest.expect(r'^shim: booting "nest" by pvh', 20)
                guest.expect(r'^shim: \S+ entered by pvh from "', 20)
        name, how = ("vmlinux", "pvh") if row["payload"] == "pvh" else ("debian", "linux64")
        guest.expect(rf'^shim: booting "{name}" by {how}', 30)
        guest.expect(r"^init: hello from Linux ", 240)
        guest.expect(r"^init: cmdline: .*row=" + row_name(row), 10)
        guest.expect(r"^init: acpi: yes$", 10)
        guest.expect(rf"^init: cpus: {row['smp']}$", 10)
        found = int(guest.expect(r"^init: memory: (\d+) KiB$", 10)[1]) >> 10
        assert row["memory"] * 0.9 - 80 < found <= row["memory"], f"{found} MiB seen of {row['memory']}"
        guest.expect(r"^init: read vda: ok$", 20)
        guest.expect(r"^init: done$", 20)
        assert "shim: error" not in guest.text


def test_rows_cover_all_pairs():
    for a, b in itertools.combinations(FACTORS, 2):
        seen = {(row[a], row[b]) for row in ROWS}
        assert (a, b) == UNRELATED or seen == set(itertools.product(FACTORS[a], FACTORS[b]))
