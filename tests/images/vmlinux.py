#!/usr/bin/env python3
"""vmlinux.py BZIMAGE ELF: write the compressed ELF inside a bzImage, which is what has the PVH entry.

Linux, Documentation/arch/x86/boot.rst: payload_offset and payload_length count from the protected-mode code; the last
four bytes of the payload are the uncompressed size.
"""
import gzip
import lzma
import os
import struct
import subprocess
import sys


def decompress(data):
    if data.startswith(b"\xfd7zXZ\0"):
        return lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(data)
    if data.startswith(b"\x1f\x8b"):
        return gzip.decompress(data)
    if data.startswith(b"\x28\xb5\x2f\xfd"):
        return subprocess.run(["zstd", "-dc"], input=data, stdout=subprocess.PIPE, check=True).stdout
    if data.startswith(b"\x02\x21\x4c\x18"):
        return subprocess.run(["lz4", "-dc"], input=data, stdout=subprocess.PIPE, check=True).stdout
    if data.startswith(b"\x5d\0\0"):
        return lzma.LZMADecompressor(lzma.FORMAT_ALONE).decompress(data)
    if data.startswith(b"\x7fELF"):
        return data
    raise SystemExit(f"vmlinux.py: unknown compression {data[:6].hex()}")


def main(bzimage, elf):
    image = open(bzimage, "rb").read()
    if image[0x202:0x206] != b"HdrS":
        raise SystemExit(f"vmlinux.py: {bzimage}: not a bzImage")
    setup_sectors = image[0x1F1] or 4
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (setup_sectors + 1) * 512 + offset
    payload = image[start : start + length]
    size = struct.unpack("<I", payload[-4:])[0]
    kernel = decompress(payload[:-4])
    if len(kernel) != size:
        raise SystemExit(f"vmlinux.py: {bzimage}: {len(kernel)} bytes unpacked, expected {size}")
    # The image of relocatable kernels carries the relocation table behind the ELF; loaders do not mind.
    with open(elf + ".part", "wb") as out:
        out.write(kernel)
    os.rename(elf + ".part", elf)


if __name__ == "__main__":
    main(*sys.argv[1:])
