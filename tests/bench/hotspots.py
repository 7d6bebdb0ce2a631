#!/usr/bin/env python3
"""hotspots.py BUILD COUNTS...: where the shim's instructions went, by function.

COUNTS are files of count.c, several of equal runs (bench.py leaves those of a row of the shim as
BUILD/bench/shim-MACHINE-DISK-KERNEL-INITRD-N.txt). Blocks whose count differs between them are waits for the host, as
bench.py says, and are listed apart. An inlined function counts as its caller.
"""
import bisect
import collections
import os
import subprocess
import sys

import bench

TOP = 25
LINKED_BELOW = 2 << 20


def read_symbols(build):
    """(address, name) of the core and of the doors that unpack it, where these are a file of their own."""
    symbols = []
    for path in (f"{build}/shim.elf.debug", f"{build}/shim.elf.doors"):
        if os.path.exists(path):
            lines = subprocess.run(["nm", path], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
            words = [line.split() for line in lines]
            symbols += [(int(w[0], 16), w[2]) for w in words if len(w) == 3 and w[1] in "tT"]
    return sorted(s for s in symbols if s[0] >= 1 << 20 and "." not in s[1].lstrip("."))


def moved_by(symbols, blocks):
    """The shim moves itself by whole pages: the distance at which most functions begin where a block begins."""
    starts = collections.defaultdict(list)
    for address, _ in symbols:
        starts[address & 0xFFF].append(address)
    votes = collections.Counter(pc - a for pc, _ in blocks if pc >= LINKED_BELOW for a in starts[pc & 0xFFF])
    return votes.most_common(1)[0][0]


def by_function(counts, symbols, delta):
    addresses = [a for a, _ in symbols]
    sums = collections.Counter()
    for (pc, instructions), runs in counts.items():
        at = pc - delta if pc >= LINKED_BELOW else pc
        i = bisect.bisect(addresses, at) - 1
        ours = i >= 0 and at < LINKED_BELOW
        sums[symbols[i][1] if ours else f"elsewhere {pc & ~0xFFF:#x}"] += instructions * runs
    return sums


def main(build, *paths):
    runs = [bench.read_counts(p) for p in paths]
    blocks = set().union(*runs)
    symbols = read_symbols(build)
    delta = moved_by(symbols, blocks)
    work, waits = bench.split_polls(runs)
    for title, part in (("work", work), ("waits", waits)):
        sums = by_function(part, symbols, delta)
        print(f"{title}: {sum(sums.values()):,} instructions (moved by {delta:#x})")
        for name, count in sums.most_common(TOP):
            print(f"{count:12,}  {name}")


if __name__ == "__main__":
    main(*sys.argv[1:])
