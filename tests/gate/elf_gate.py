#!/usr/bin/env python3
"""elf_gate.py FILE [MAX_SIZE [HEADER_OFFSET]]: is this ELF one that every loader takes?

One line per rule; exit status 1 when one is broken. The rules are those that QEMU, GRUB, Xen, Cloud Hypervisor,
Firecracker, crosvm, libkrun, iPXE, syslinux, Limine and v86 make when all of them have to take the same file; each says
which loader it is for. Nothing is asked of the code and data themselves: only headers, the note and what a loader that
searches the file's start could mistake for something else.

check(data) is the whole of it, for tests; test_gate.py breaks each rule in turn.
"""
import sys

BASE = 0x100000
MAX_ADDRESS = 0x200000
MAX_SIZE = 196608
HEADER_OFFSET = 8144
HEADER_SIZE = 48
MULTIBOOT_SEARCH = 8192
MULTIBOOT2_SEARCH = 32768

MULTIBOOT_MAGIC = 0x1BADB002
MULTIBOOT2_MAGIC = 0xE85250D6
XEN_BINARY_MAGIC = 0x336EC578
MULTIBOOT_FLAGS = 0x00010007    # page aligned modules, memory information, video mode, address fields

EHDR_SIZE, PHDR_SIZE, SHDR_SIZE, NOTE_SIZE = 64, 56, 64, 24
PT_LOAD, PT_NOTE = 1, 4
SHT_NULL, SHT_STRTAB, SHT_NOTE, SHT_NOBITS = 0, 3, 7, 8
SHF_ALLOC = 2
HEADERS_MAX = 64                # as many are looked at, whatever a broken file says

STUB = bytes.fromhex("31c94190e3")   # xor ecx,ecx; 32-bit: inc ecx, nop; 64-bit: xchg eax,r8d; jecxz/jrcxz rel8


def number(data, offset, size):
    """A little endian number; -1, which no rule expects, where the file has no such bytes."""
    if offset < 0 or offset + size > len(data):
        return -1
    return int.from_bytes(data[offset:offset + size], "little")


def fields(data, offset, layout):
    """{name: number} for a struct at offset, described as [(name, size), ...]."""
    values = {}
    for name, size in layout:
        values[name] = number(data, offset, size)
        offset = offset + size if offset >= 0 else -1
    return values


EHDR = [("magic", 4), ("class", 1), ("data", 1), ("ident_version", 1), ("ident_rest", 9), ("type", 2), ("machine", 2),
        ("version", 4), ("entry", 8), ("phoff", 8), ("shoff", 8), ("flags", 4), ("ehsize", 2), ("phentsize", 2),
        ("phnum", 2), ("shentsize", 2), ("shnum", 2), ("shstrndx", 2)]
PHDR = [("type", 4), ("flags", 4), ("offset", 8), ("vaddr", 8), ("paddr", 8), ("filesz", 8), ("memsz", 8), ("align", 8)]
SHDR = [("name", 4), ("type", 4), ("flags", 8), ("addr", 8), ("offset", 8), ("size", 8), ("link", 4), ("info", 4),
        ("align", 8), ("entsize", 8)]
NOTE = [("namesz", 4), ("descsz", 4), ("type", 4), ("name", 4), ("entry", 8)]
MULTIBOOT = [("magic", 4), ("flags", 4), ("checksum", 4), ("header_addr", 4), ("load_addr", 4), ("load_end_addr", 4),
             ("bss_end_addr", 4), ("entry_addr", 4), ("mode_type", 4), ("width", 4), ("height", 4), ("depth", 4)]


class Image:
    """The file's headers, as numbers."""

    def __init__(self, data, header_offset):
        self.data = data
        self.header_offset = header_offset
        self.ehdr = fields(data, 0, EHDR)
        self.segments = self.table("phoff", "phnum", PHDR_SIZE, PHDR)
        self.sections = self.table("shoff", "shnum", SHDR_SIZE, SHDR)
        self.load = self.segment(PT_LOAD)
        self.note_segment = self.segment(PT_NOTE)
        self.note = fields(data, self.note_segment["offset"], NOTE)
        self.multiboot = fields(data, header_offset, MULTIBOOT)

    def table(self, offset, count, size, layout):
        first, entries = self.ehdr[offset], min(self.ehdr[count], HEADERS_MAX)
        return [fields(self.data, first + i * size, layout) for i in range(entries)]

    def segment(self, kind):
        """The first segment of its kind, all -1 when there is none."""
        return next((s for s in self.segments if s["type"] == kind), fields(b"", -1, PHDR))

    def names_section(self):
        index = self.ehdr["shstrndx"]
        return self.sections[index] if 0 < index < len(self.sections) else None

    def pieces(self):
        """[(what, first byte, size)]: everything in the file that has its own place."""
        ehdr, note, names = self.ehdr, self.note_segment, self.names_section()
        found = [("ELF header", 0, EHDR_SIZE),
                 ("program headers", ehdr["phoff"], PHDR_SIZE * ehdr["phnum"]),
                 ("note", note["offset"], note["filesz"]),
                 ("multiboot header", self.header_offset, HEADER_SIZE),
                 ("section headers", ehdr["shoff"], SHDR_SIZE * ehdr["shnum"])]
        return found + ([("section names", names["offset"], names["size"])] if names else [])

    def is_code(self, address):
        """An address whose byte comes from the file and belongs to no header."""
        offset = address - BASE
        return 0 <= offset < self.load["filesz"] and not any(at <= offset < at + size for _, at, size in self.pieces())


def shown(value):
    return f"{value:#x}" if value >= 10 else str(value)


def same(rule, found, expected, why):
    ok = found == expected
    return rule, ok, shown(found) if ok else f"{shown(found)}, expected {shown(expected)}: {why}"


def holds(rule, ok, found, why):
    return rule, bool(ok), found if ok else f"{found}; {why}"


def header_rules(image):
    e = image.ehdr
    yield same("elf magic", e["magic"], 0x464C457F, "it is an ELF")
    yield same("elf class", e["class"], 2, "Cloud Hypervisor, Firecracker and libkrun read ELF64 only")
    yield same("elf byte order", e["data"], 1, "little endian")
    yield holds("elf ident", e["ident_version"] == 1 and e["ident_rest"] == 0 and e["version"] == 1,
                f"versions {e['ident_version']} and {e['version']}, rest {shown(e['ident_rest'])}",
                "expected versions 1, System V (0) and no padding bytes set")
    yield same("elf type", e["type"], 2, "ET_EXEC; GRUB and Xen place nothing else at a fixed address")
    yield same("elf machine", e["machine"], 62, "EM_X86_64; GRUB wants class and machine to agree")
    yield same("elf flags", e["flags"], 0, "QEMU refuses bits 10004h")
    yield same("elf header size", e["ehsize"], EHDR_SIZE, "the size of an Elf64_Ehdr")
    yield same("program headers' place", e["phoff"], EHDR_SIZE, "linux-loader wants at least 64, GRUB the first 8 KiB")
    yield same("program headers' size", e["phentsize"], PHDR_SIZE, "linux-loader takes no other")


def segment_rules(image):
    types = [s["type"] for s in image.segments]
    yield holds("segments", types == [PT_LOAD, PT_NOTE], f"types {types}",
                "expected one PT_LOAD (1), then one PT_NOTE (4): linux-loader lets the last PT_NOTE win, syslinux "
                "loads a PT_PHDR over the PT_LOAD")
    load = image.load
    yield same("load offset", load["offset"], 0, "file and memory image are the same")
    yield holds("load address", load["vaddr"] == load["paddr"] == BASE,
                f"virtual {shown(load['vaddr'])}, physical {shown(load['paddr'])}",
                f"expected {BASE:#x} twice: GRUB translates the entry by their difference, Xen wants whole pages")
    yield holds("load file size", MULTIBOOT_SEARCH <= load["filesz"] <= len(image.data), shown(load["filesz"]),
                f"expected 0x2000 to {len(image.data):#x}, the file's size")
    yield holds("load memory size", load["memsz"] >= load["filesz"] > 0, shown(load["memsz"]),
                f"expected at least the size in the file, {shown(load['filesz'])}")
    yield holds("load end", 0 < load["memsz"] <= MAX_ADDRESS - BASE, shown(BASE + load["memsz"]),
                f"expected at most {MAX_ADDRESS:#x}, BSS and stack included: payloads begin at 2 MiB")
    yield same("load flags", load["flags"], 7, "read, write, execute")
    yield same("load alignment", load["align"], 0x1000, "one page")


def note_rules(image):
    s, note = image.note_segment, image.note
    yield holds("note offset", s["offset"] > 0 and s["offset"] % 4 == 0, shown(s["offset"]),
                "expected a multiple of 4 other than 0, at which Xen skips it")
    yield holds("note inside", s["filesz"] == s["memsz"] and 0 <= s["offset"] <= image.load["filesz"] - s["filesz"],
                f"{shown(s['filesz'])} bytes in the file, {shown(s['memsz'])} in memory, at {shown(s['offset'])}",
                "expected the same size twice and all of it inside the PT_LOAD")
    yield holds("note address", s["vaddr"] == s["paddr"] == BASE + s["offset"],
                f"virtual {shown(s['vaddr'])}, physical {shown(s['paddr'])}", f"expected {BASE:#x} + offset twice")
    yield same("note flags", s["flags"], 4, "read")
    yield same("note alignment", s["align"], 4, "QEMU pads by p_align: 8 moves the entry, 0 divides by zero")
    yield holds("note count", s["filesz"] == NOTE_SIZE and note["namesz"] == 4 and note["descsz"] == 8,
                f"{shown(s['filesz'])} bytes, name {shown(note['namesz'])}, descriptor {shown(note['descsz'])}",
                f"expected exactly one note of {NOTE_SIZE} bytes with a name of 4 and a descriptor of 8: QEMU and "
                "linux-loader read 8 from an ELF64")
    yield same("note type", note["type"], 18, "XEN_ELFNOTE_PHYS32_ENTRY")
    yield same("note name", note["name"], 0x006E6558, '"Xen"; QEMU looks at the type only, all others at the name')
    yield holds("pvh entry", image.is_code(note["entry"]) and note["entry"] < BASE + 8192, shown(note["entry"]),
                "expected an address in the first 8 KiB, where the doors stand, outside the headers")


def section_rules(image):
    e = image.ehdr
    size = SHDR_SIZE * e["shnum"]
    first = image.sections[0] if image.sections else fields(b"", -1, SHDR)
    yield same("section headers' size", e["shentsize"], SHDR_SIZE, "the size of an Elf64_Shdr")
    yield holds("section headers", 1 <= e["shnum"] <= HEADERS_MAX and e["shoff"] % 8 == 0
                and EHDR_SIZE <= e["shoff"] <= len(image.data) - size and not any(first.values()),
                f"{e['shnum']} at {shown(e['shoff'])}",
                f"expected 1 to {HEADERS_MAX}, aligned, inside the file, the first all zero: GRUB from 2.12 on "
                "refuses an ELF without")
    yield holds("section names", has_names(image), f"section {e['shstrndx']}",
                "expected 0 or a string table inside the file that holds every section's name")
    bad = [i for i, s in enumerate(image.sections) if i and not is_inside(image, s)]
    yield holds("section places", not bad, f"outside: {bad}" if bad else "inside",
                "expected the bytes in the file, and an allocated section where the PT_LOAD puts it")
    odd = [i for i, s in enumerate(image.sections) if i and (s["align"] <= 0 or s["align"] & (s["align"] - 1))]
    yield holds("section alignment", not odd, f"no power of two: {odd}" if odd else "powers of two",
                "expected 1 or more: GRUB and syslinux compute with it")
    notes = [i for i, s in enumerate(image.sections) if s["type"] == SHT_NOTE]
    yield holds("section notes", not notes, f"sections {notes}" if notes else "none",
                "expected none: linkers add properties and build IDs that loaders take for a second note")


def is_inside(image, section):
    if section["type"] in (SHT_NULL, SHT_NOBITS):
        return True
    inside = 0 <= section["offset"] <= len(image.data) - section["size"]
    if not section["flags"] & SHF_ALLOC:
        return inside
    return (inside and section["addr"] == BASE + section["offset"]
            and section["offset"] + section["size"] <= image.load["filesz"])


def has_names(image):
    if image.ehdr["shstrndx"] == 0:
        return True
    names = image.names_section()
    if not names or names["type"] != SHT_STRTAB:
        return False
    text = image.data[names["offset"]:names["offset"] + names["size"]]
    whole = len(text) == names["size"] > 0 and text[0] == text[-1] == 0
    return whole and all(s["name"] < len(text) for s in image.sections)


def multiboot_rules(image):
    m, at = image.multiboot, image.header_offset
    load = image.load
    yield same("multiboot magic", m["magic"], MULTIBOOT_MAGIC,
               f"the header stands at {at} exactly; QEMU looks up to 8140 and takes PVH when it finds none")
    yield holds("multiboot place", at % 4 == 0 and at + HEADER_SIZE <= MULTIBOOT_SEARCH, f"{at} to {at + HEADER_SIZE}",
                "expected a multiple of 4 and all of it in the first 8192 bytes")
    yield same("multiboot flags", m["flags"], MULTIBOOT_FLAGS,
               "crosvm and QEMU need bit 16, Limine on UEFI bit 2, v86 bit 1; GRUB refuses bits 3 to 15")
    yield holds("multiboot checksum", (m["magic"] + m["flags"] + m["checksum"]) % 2**32 == 0, shown(m["checksum"]),
                "expected magic, flags and checksum to add up to 0")
    yield same("multiboot header_addr", m["header_addr"], BASE + at, "the file's first byte is loaded at 1 MiB")
    yield same("multiboot load_addr", m["load_addr"], BASE, "as the PT_LOAD")
    yield same("multiboot load_end_addr", m["load_end_addr"], BASE + load["filesz"],
               "as the PT_LOAD's size in the file")
    yield same("multiboot bss_end_addr", m["bss_end_addr"], BASE + load["memsz"], "as the PT_LOAD's size in memory")
    yield holds("multiboot entry_addr", image.is_code(m["entry_addr"]), shown(m["entry_addr"]),
                "expected an address whose bytes are loaded from the file, outside the headers")
    mode = [m[name] for name in ("mode_type", "width", "height", "depth")]
    yield holds("multiboot video", mode == [1, 0, 0, 0], f"mode {mode}",
                "expected EGA text (1) of any size: 0 would switch BIOS machines to graphics")


def door_rules(image):
    entry = image.ehdr["entry"]
    code = image.data[entry - BASE:entry - BASE + len(STUB)] if entry >= BASE else b""
    reach = number(image.data, entry - BASE + len(STUB), 1) if entry >= BASE else -1
    target = entry + len(STUB) + 1 + (reach - 256 if reach > 127 else reach)
    yield holds("e_entry", image.is_code(entry), shown(entry),
                "expected an address whose bytes are loaded from the file, outside the headers: syslinux enters there, "
                "linux-loader wants 1 MiB or more")
    yield holds("e_entry stub", code == STUB, code.hex(" "),
                f"expected {STUB.hex(' ')}, which tells 32-bit from 64-bit mode")
    yield holds("e_entry in 64-bit mode", reach >= 0 and image.is_code(target), shown(target),
                "expected a branch to code that is loaded from the file")
    yield same("e_entry in 32-bit mode", entry + len(STUB) + 1, image.multiboot["entry_addr"],
               "it falls through to the multiboot entry")
    yield holds("doors", image.note["entry"] not in (image.multiboot["entry_addr"], entry), shown(image.note["entry"]),
                "expected a PVH entry of its own: qboot sets the multiboot magic at the PVH entry too")


def places_of(word, data, end):
    """Every multiple of 4 below end at which the word stands."""
    pattern, found = word.to_bytes(4, "little"), []
    at = data.find(pattern, 0, end)
    while at >= 0:
        found += [at] if at % 4 == 0 else []
        at = data.find(pattern, at + 1, end)
    return found


def is_summing(data, offset):
    return sum(number(data, offset + i, 4) for i in (0, 4, 8)) % 2**32 == 0


def stray_rules(image):
    data, at = image.data, image.header_offset
    early = places_of(MULTIBOOT_MAGIC, data, at)
    second = [o for o in places_of(MULTIBOOT_MAGIC, data, MULTIBOOT_SEARCH) if o > at and is_summing(data, o)]
    newer = places_of(MULTIBOOT2_MAGIC, data, MULTIBOOT2_SEARCH)
    xen = [o for o in places_of(XEN_BINARY_MAGIC, data, MULTIBOOT_SEARCH) if is_summing(data, o)]
    yield holds("no earlier multiboot magic", not early, f"at {early}" if early else "none",
                "Limine stops at the first one, header or not")
    yield holds("no second multiboot header", not second, f"at {second}" if second else "none",
                "which one counts depends on the loader")
    yield holds("no multiboot2 magic", not newer, f"at {newer}" if newer else "none",
                "expected none in the first 32768 bytes")
    yield holds("no Xen binary header", not xen, f"at {xen}" if xen else "none",
                "Xen would take the file for a multiboot-like binary")
    yield holds("no bzImage magic", data[0x202:0x206] != b"HdrS", data[0x202:0x206].hex(" "),
                '"HdrS" at 202h makes QEMU and others take it for a bzImage')


def file_rules(image, max_size):
    size = len(image.data)
    yield holds("least size", size >= MULTIBOOT_SEARCH, f"{size} bytes",
                "expected at least 8192: QEMU searches what its buffer had before")
    yield holds("most size", size <= max_size, f"{size} bytes", f"expected at most {max_size}")
    pieces = sorted((at, at + length, what) for what, at, length in image.pieces())
    clashes = [f"{a[2]} and {b[2]}" for a, b in zip(pieces, pieces[1:]) if b[0] < a[1]]
    yield holds("pieces", not clashes, ", ".join(clashes) or "apart", "expected no two headers on the same bytes")


def check(data, max_size=MAX_SIZE, header_offset=HEADER_OFFSET):
    """[(rule, ok, detail)], the same rules in the same order whatever data is. Never raises."""
    image = Image(bytes(data), header_offset)
    return [*header_rules(image), *segment_rules(image), *note_rules(image), *section_rules(image),
            *multiboot_rules(image), *door_rules(image), *stray_rules(image), *file_rules(image, max_size)]


def main(path, *limits):
    with open(path, "rb") as file:
        result = check(file.read(), *(int(n, 0) for n in limits))
    for rule, ok, detail in result:
        print(f"{'ok    ' if ok else 'BROKEN'}  {rule}: {detail}")
    broken = sum(not ok for _, ok, _ in result)
    print(f"{path}: {len(result)} rules, {broken} broken")
    return 1 if broken else 0


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
