#!/usr/bin/env python3
"""make_initrd.py SIZE [SEED] >FILE: an initrd of SIZE bytes (K, M suffix) that says whether it arrived whole.

Bytes that look random, then 40 bytes of trailer: "CONFORM1", the size of what is before, two sums of its 64-bit words
(the plain one, and the one of all intermediate sums, which tells the order), CRC-32, 0. The conformance payload checks
the CRC, also of several pieces one behind the other; the probe kernel checks the sums.
"""
import itertools
import random
import struct
import sys
import zlib
from array import array

TRAILER = struct.Struct("<8sQQQII")
CHUNK = 1 << 20
MASK = (1 << 64) - 1


def size_of(text):
    unit = {"K": 1 << 10, "M": 1 << 20}.get(text[-1].upper())
    return int(text[:-1]) * unit if unit else int(text, 0)


def sums(data, before=(0, 0)):
    """(a, b) after a += word, b += a for each little-endian 64-bit word; the last is filled up with zeros."""
    words = array("Q", bytes(data) + bytes(-len(data) % 8))
    if sys.byteorder == "big":
        words.byteswap()
    a, b = before
    return (a + sum(words)) & MASK, (b + a * len(words) + sum(itertools.accumulate(words))) & MASK


def write(out, size, seed=1):
    """Write an initrd of size bytes."""
    if size < TRAILER.size:
        raise SystemExit(f"make_initrd.py: {size} bytes, expected at least {TRAILER.size}")
    source, left, crc, ab = random.Random(seed), size - TRAILER.size, 0, (0, 0)
    while left:
        data = source.randbytes(min(CHUNK, left))
        crc, ab, left = zlib.crc32(data, crc), sums(data, ab), left - len(data)
        out.write(data)
    out.write(TRAILER.pack(b"CONFORM1", size - TRAILER.size, *ab, crc, 0))


if __name__ == "__main__":
    write(sys.stdout.buffer, size_of(sys.argv[1]), *sys.argv[2:])
