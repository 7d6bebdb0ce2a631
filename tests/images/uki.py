"""Unified kernel images (UAPI.5) without the EFI program that would start them: a PE file with the sections."""
import struct


def make_uki(linux, initrd, cmdline, osrel, profiles=(), **more):
    """more: further sections by name without the dot, bytes; profiles: each the same, in a dictionary."""
    sections = [("osrel", osrel.encode()), ("cmdline", cmdline.encode()), ("linux", linux), ("initrd", initrd)]
    sections += [section for part in (more, *profiles) for section in part.items()]
    headers = 0x40 + 24 + 240 + 40 * len(sections)
    file_at, memory_at, table, body = (headers + 511) & ~511, 0x10000, b"", b""
    for name, content in sections:
        size = (len(content) + 511) & ~511
        table += struct.pack("<8sIIIIIIHHI", b"." + name.encode(), len(content), memory_at, size, file_at + len(body),
                             0, 0, 0, 0, 0x40000040)
        body += content.ljust(size, b"\0")
        memory_at += (size + 4095) & ~4095
    dos = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x40)
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, len(sections), 0, 0, 0, 240, 0x22E)
    optional = struct.pack("<H", 0x20B).ljust(108, b"\0") + struct.pack("<I", 16) + bytes(128)
    return (dos + coff + optional + table).ljust(file_at, b"\0") + body
