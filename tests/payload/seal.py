#!/usr/bin/env python3
"""seal.py: make kernels of the payloads' flat parts.

  seal.py bzimage OUT SETUP CODE32 [CODE64] [--protocol 0x20f] [--pref A] [--fixed] [--align A] [--init-size N]
  seal.py pvh OUT CODE32 --address A [--bits 32|64] [--note 4|8|desc4] [--split] [--reloc ALIGN]
  seal.py probe OUT IMAGE --pad SIZE

`bzimage` and `pvh` fill in struct seal of conform.h: checksum, own copy of the header, sizes. `probe` pads with bytes
that look random and patches the sums which probe.asm checks. Linux Documentation/arch/x86/boot.rst, System V gABI
chapter 4.
"""
import argparse
import random
import struct
import zlib

import make_initrd

SECTOR = 512
PAGE = 4096
SEAL_AT, SAVED_AT, SAVED_SIZE = 0x10, 0x100, 0x100
WORK_SIZE = 0x20000  # conform.h
HEADER_AT = 0x1F1
SETUP_START, VERSION_TEXT = 0x290, b"conform\0"
XLF_KERNEL_64, XLF_ABOVE_4G = 1, 2
# Protocol: end of its header.
HEADER_ENDS = ((0x20F, 0x26C), (0x20C, 0x268), (0x20B, 0x268), (0x20A, 0x264), (0x209, 0x258), (0x207, 0x250),
               (0x206, 0x23C), (0x205, 0x238), (0x203, 0x230), (0x202, 0x22C))


def align(n, to):
    return -(-n // to) * to


def put(data, offset, form, *values):
    struct.pack_into("<" + form, data, offset, *values)


def seal(image, memory_size, code64, address, reloc=0, header=b""):
    """Fill in struct seal; last of all, because of the checksum."""
    put(image, SEAL_AT, "8s6I", b"CONFSEAL", len(image), 0, memory_size, code64, address, reloc)
    image[SEAL_AT + 32:SEAL_AT + 32 + len(header)] = header
    put(image, SEAL_AT + 192, "I", HEADER_AT + len(header) if header else 0)
    put(image, SEAL_AT + 12, "I", zlib.crc32(image))
    assert not any(image[SAVED_AT:SAVED_AT + SAVED_SIZE])


def setup_header(setup, args, code64, size):
    end = next(end for version, end in HEADER_ENDS if args.protocol >= version)
    put(setup, 0x1F1, "B", len(setup) // SECTOR - 1)
    put(setup, 0x1F4, "I", size // 16)
    put(setup, 0x1FA, "HHH", 0xFFFF, 0, 0xAA55)
    # jump to SETUP_START; its second byte is also the header's length
    put(setup, 0x200, "BB4sH", 0xEB, end - 0x202, b"HdrS", args.protocol)
    put(setup, end, "BH", 0xE9, SETUP_START - end - 3)
    put(setup, 0x20E, "H", setup.index(VERSION_TEXT) - 0x200)
    put(setup, 0x211, "B", 1)
    put(setup, 0x214, "I", 0x100000)
    if args.protocol >= 0x203:
        put(setup, 0x22C, "I", 0x7FFFFFFF)
    if args.protocol >= 0x205:
        put(setup, 0x230, "IB", args.align, not args.fixed)
    if args.protocol >= 0x206:
        put(setup, 0x238, "I", 2047)
    if args.protocol >= 0x20A:
        put(setup, 0x235, "B", args.align.bit_length() - 1)
        put(setup, 0x258, "QI", args.pref, args.init_size)
    if args.protocol >= 0x20C and code64:
        put(setup, 0x236, "H", XLF_KERNEL_64 | XLF_ABOVE_4G)
    return end


def make_bzimage(args):
    setup, image = bytearray(open(args.setup, "rb").read()), bytearray(open(args.code32, "rb").read())
    code64 = 0
    if args.code64:
        image += bytes(align(len(image), 16) - len(image))
        code64 = len(image)
        image += open(args.code64, "rb").read()
        put(image, code64 + 8, "I", code64)
        put(image, 0x200, "Bi", 0xE9, code64 - 0x205)
    kernel_info = align(len(image), 16)
    image += bytes(align(kernel_info + 16, PAGE) - len(image))
    # the "info" that protocol 2.15 points to: magic, size, total size, largest setup_data type
    put(image, kernel_info, "4sIII", b"LToP", 16, 16, 0x80000000)
    args.init_size = args.init_size or align(len(image), PAGE) + WORK_SIZE
    end = setup_header(setup, args, code64, len(image))
    if args.protocol >= 0x20F:
        put(setup, 0x268, "I", kernel_info)
    seal(image, args.init_size, code64, args.pref, header=bytes(setup[HEADER_AT:end]))
    return setup + image


def note(name, kind, descriptor, padding):
    head = struct.pack("<III", len(name) + 1, len(descriptor), kind) + name + b"\0"
    data = head + bytes(align(len(head), padding) - len(head)) + descriptor
    return data + bytes(align(len(data), padding) - len(data))


def pvh_notes(args):
    """Version notes before and after, as in real kernels; only with paddings kept does a reader find its way."""
    padding = 8 if args.note == "8" else 4
    entry = struct.pack("<I" if args.bits == 32 or args.note == "desc4" else "<Q", args.address + 8)
    notes = note(b"Xen", 6, b"conform\0" + bytes(4), padding) if args.note == "8" else b""
    notes += note(b"Xen", 18, entry, padding)
    if args.reloc:
        notes += note(b"Xen", 19, struct.pack("<III", args.reloc, 0x100000, 0x3FFFFFFF), padding)
    return notes + note(b"Xen", 5, b"xen-3.0\0", padding)


def elf_header(bits, count, entry):
    ident = b"\x7fELF" + bytes((2 if bits == 64 else 1, 1, 1)) + bytes(9)
    if bits == 64:
        return ident + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, entry, 64, 0, 0, 64, 56, count, 64, 0, 0)
    return ident + struct.pack("<HHIIIIIHHHHHH", 2, 3, 1, entry, 52, 0, 0, 52, 32, count, 40, 0, 0)


def segment(bits, kind, offset, address, filesz, memsz, alignment):
    """Virtual addresses as kernels have them: far from the physical ones."""
    if bits == 64:
        virtual = (0xFFFFFFFF80000000 + address) & (1 << 64) - 1
        return struct.pack("<IIQQQQQQ", kind, 7, offset, virtual, address, filesz, memsz, alignment)
    return struct.pack("<IIIIIIII", kind, offset, 0xC0000000 + address, address, filesz, memsz, 7, alignment)


def make_pvh(args):
    image = bytearray(open(args.code32, "rb").read())
    image += bytes(align(len(image), 16) - len(image))
    memory = align(len(image), PAGE) + WORK_SIZE
    seal(image, memory, 0, args.address, args.reloc)
    notes = pvh_notes(args)
    # a cut at a page and not at the middle; the second part carries the zeros
    cut = PAGE if args.split else len(image)
    segments = [(1, PAGE, args.address, cut, cut if args.split else memory, PAGE)]
    if args.split:
        segments.append((1, PAGE + cut, args.address + cut, len(image) - cut, memory - cut, PAGE))
    segments.append((4, 0x200, 0, len(notes), len(notes), 8 if args.note == "8" else 4))
    entry = args.address + 8
    out = elf_header(args.bits, len(segments), entry) + b"".join(segment(args.bits, *s) for s in segments)
    out = out.ljust(0x200, b"\0") + notes
    return out.ljust(PAGE, b"\0") + image


def make_probe(args):
    """probe.asm: sums over the words of the protected-mode part behind its first 64 bytes."""
    image = bytearray(open(args.image, "rb").read())
    size = make_initrd.size_of(args.pad)
    assert len(image) <= size, f"{args.image}: {len(image)} bytes do not fit {size}"
    start = (image[0x1F1] + 1) * SECTOR
    image += random.Random(size).randbytes(size - len(image))
    kernel = size - start
    put(image, 0x1F4, "I", kernel // 16)
    put(image, 0x260, "I", align(kernel, PAGE) + 0x10000)
    put(image, start + 0x10, "QQQ", kernel, *make_initrd.sums(image[start + 64:]))
    return image


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    number = {"type": lambda text: int(text, 0), "default": 0}
    bzimage = commands.add_parser("bzimage")
    for name in ("out", "setup", "code32"):
        bzimage.add_argument(name)
    bzimage.add_argument("code64", nargs="?")
    bzimage.add_argument("--protocol", type=number["type"], default=0x20F)
    bzimage.add_argument("--pref", type=number["type"], default=0x1000000)
    bzimage.add_argument("--align", type=number["type"], default=0x200000)
    bzimage.add_argument("--init-size", **number)
    bzimage.add_argument("--fixed", action="store_true")
    pvh = commands.add_parser("pvh")
    pvh.add_argument("out")
    pvh.add_argument("code32")
    pvh.add_argument("--address", **number)
    pvh.add_argument("--bits", type=int, default=64)
    pvh.add_argument("--note", default="4", choices=("4", "8", "desc4"))
    pvh.add_argument("--split", action="store_true")
    pvh.add_argument("--reloc", **number)
    probe = commands.add_parser("probe")
    for name in ("out", "image"):
        probe.add_argument(name)
    probe.add_argument("--pad", required=True)
    args = parser.parse_args()
    data = {"bzimage": make_bzimage, "pvh": make_pvh, "probe": make_probe}[args.command](args)
    with open(args.out, "wb") as out:
        out.write(data)


if __name__ == "__main__":
    main()
