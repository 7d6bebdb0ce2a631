"""The built ELF keeps every rule of elf_gate.py, and the gate notices each of them being broken.

SHIM_BUILD names the build folder; `build` when it is not set.
"""
import os
import random
import shutil
import subprocess
import zlib
from pathlib import Path

import pytest

from elf_gate import (BASE, EHDR_SIZE, HEADER_OFFSET, HEADER_SIZE, MAX_SIZE, MULTIBOOT2_MAGIC, MULTIBOOT_FLAGS,
                      MULTIBOOT_MAGIC, NOTE_SIZE, PHDR_SIZE, SHDR_SIZE, STUB, XEN_BINARY_MAGIC, check, number)

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("SHIM_BUILD", "build")
LOW_HEADER_OFFSET = 384     # of shim-multiboot.elf


def built(name):
    path = BUILD / name
    if not path.exists():
        folder = os.path.relpath(BUILD, ROOT)
        subprocess.run(["make", "-C", str(ROOT), "-s", f"B={folder}", f"{folder}/{name}"], check=True)
    return path


@pytest.fixture(scope="session")
def shim():
    return built("shim.elf")


@pytest.fixture(scope="session")
def intact(shim):
    return shim.read_bytes()


def broken(data, **limits):
    return {rule for rule, ok, _ in check(data, **limits) if not ok}


# ---- the product -----------------------------------------------------------------------------------------------------

RULES = [rule for rule, _, _ in check(b"")]


@pytest.mark.parametrize("rule", RULES)
def test_rule(rule, intact):
    ok, detail = next((ok, detail) for name, ok, detail in check(intact) if name == rule)
    assert ok, detail


def test_low_header_for_qemus_multiboot_loader():
    """The second link keeps every rule, at its own offset and not at the product's."""
    low = built("shim-multiboot.elf").read_bytes()
    assert not broken(low, header_offset=LOW_HEADER_OFFSET)
    assert "multiboot magic" in broken(low)


def test_readelf_has_no_complaint(shim):
    done = subprocess.run(["readelf", "-hlSnW", str(shim)], capture_output=True, text=True, check=True,
                          env=dict(os.environ, LC_ALL="C"))
    assert not done.stderr and "arning" not in done.stdout
    assert "PHYS32_ENTRY" in done.stdout or "0x00000012" in done.stdout or "(0x12)" in done.stdout


@pytest.mark.parametrize("kind,status", [("multiboot", 0), ("multiboot2", 1)])
def test_grub_file(kind, status, shim):
    if not shutil.which("grub-file"):
        pytest.skip("grub-common is not installed")
    assert subprocess.run(["grub-file", f"--is-x86-{kind}", str(shim)], check=False).returncode == status


def test_command_line(shim, tmp_path):
    """One line per rule; the exit status tells."""
    gate = ROOT / "tests" / "gate" / "elf_gate.py"
    done = subprocess.run([str(gate), str(shim)], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and len(done.stdout.splitlines()) == len(RULES) + 1
    (tmp_path / "short").write_bytes(shim.read_bytes()[:8191])
    done = subprocess.run([str(gate), str(tmp_path / "short")], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "BROKEN  least size: 8191 bytes" in done.stdout


# ---- the gate itself -------------------------------------------------------------------------------------------------

LOAD, NOTE_SEGMENT, THIRD_SEGMENT = (EHDR_SIZE + i * PHDR_SIZE for i in range(3))
NOTE_AT = 0x100
# Elf64_Phdr
TYPE, FLAGS, OFFSET, VADDR, PADDR, FILESZ, MEMSZ, ALIGN = 0, 4, 8, 16, 24, 32, 40, 48
# Elf64_Shdr
SH_NAME, SH_TYPE, SH_ADDR, SH_OFFSET, SH_SIZE, SH_ALIGN = 0, 4, 16, 24, 32, 48
FREE = HEADER_OFFSET - 16   # bytes that no header needs


class File(bytearray):
    """The ELF, to be changed."""

    def get(self, at, size):
        return number(self, at, size)

    def put(self, at, size, value):
        self[at:at + size] = (value % 256**size).to_bytes(size, "little")

    def section(self, index):
        return self.get(40, 8) + index * SHDR_SIZE

    def names(self):
        return self.section(self.get(62, 2))

    def stub(self):
        return self.get(24, 8) - BASE


def put(at, size, value):
    return lambda f: f.put(at, size, value)


def add(at, size, delta):
    return lambda f: f.put(at, size, f.get(at, size) + delta)


def words(at, *values):
    return lambda f: [f.put(at + 4 * i, 4, value) for i, value in enumerate(values)]


def section(index, field, size, value):
    return lambda f: f.put((f.names() if index == "names" else f.section(index)) + field, size, value)


def both(*mutations):
    return lambda f: [mutate(f) for mutate in mutations]


def third_segment(kind):
    """One program header more, with the contents of the note's."""
    def mutate(f):
        f[THIRD_SEGMENT:THIRD_SEGMENT + PHDR_SIZE] = f[NOTE_SEGMENT:NOTE_SEGMENT + PHDR_SIZE]
        f.put(THIRD_SEGMENT, 4, kind)
        f.put(56, 2, 3)
    return mutate


def swap_segments(f):
    load = f[LOAD:LOAD + PHDR_SIZE]
    f[LOAD:LOAD + PHDR_SIZE] = f[NOTE_SEGMENT:NOTE_SEGMENT + PHDR_SIZE]
    f[NOTE_SEGMENT:NOTE_SEGMENT + PHDR_SIZE] = load


def move_image(f):
    """All of it one page up: consistent, but not at 1 MiB."""
    for at in (LOAD + VADDR, LOAD + PADDR):
        f.put(at, 8, f.get(at, 8) + 0x1000)


def names_over_the_elf_header(f):
    """A good string table, but where the ELF header has its zeros."""
    at = f.names()
    f.put(at + SH_OFFSET, 8, 8)
    f.put(at + SH_ADDR, 8, BASE + 8)
    f.put(at + SH_SIZE, 8, 8)
    for i in range(f.get(60, 2)):
        f.put(f.section(i) + SH_NAME, 4, 0)


def names_without_end(f):
    f.put(f.names() + SH_SIZE, 8, f.get(f.names() + SH_SIZE, 8) - 1)


def header_of(magic, flags):
    return magic, flags, -(magic + flags)


def branch_into_the_multiboot_header(f):
    """The stub once more, just below the header."""
    f[FREE:FREE + 6] = STUB + bytes([16 - 6 + 4])
    f.put(24, 8, BASE + FREE)


def header_for_qemu(f):
    """Four bytes lower, where QEMU's multiboot loader sees it."""
    f[M - 4:M + HEADER_SIZE] = f[M:M + HEADER_SIZE] + bytes(4)
    f.put(M - 4 + 12, 4, BASE + M - 4)


M = HEADER_OFFSET

# What is done, how, the rule that must notice it, rules that may ("note" stands for "note type" too, "*" for all).
MUTATIONS = [
    ("magic", put(1, 1, 0x65), "elf magic"),
    ("ELF32", put(4, 1, 1), "elf class"),
    ("big endian", put(5, 1, 2), "elf byte order"),
    ("ident version 0", put(6, 1, 0), "elf ident"),
    ("Linux ABI", put(7, 1, 3), "elf ident"),
    ("padding set", put(15, 1, 1), "elf ident"),
    ("version 2", put(20, 4, 2), "elf ident"),
    ("ET_DYN", put(16, 2, 3), "elf type"),
    ("ET_REL", put(16, 2, 1), "elf type"),
    ("EM_386", put(18, 2, 3), "elf machine"),
    ("flags 4", put(48, 4, 4), "elf flags"),
    ("flags 10000h", put(48, 4, 0x10000), "elf flags"),
    ("e_ehsize 52", put(52, 2, 52), "elf header size"),
    ("e_phoff 52", put(32, 8, 52), "program headers' place", "*"),
    ("e_phoff at the end", lambda f: f.put(32, 8, len(f) - 8), "program headers' place", "*"),
    ("e_phentsize 32", put(54, 2, 32), "program headers' size"),
    ("no program header", put(56, 2, 0), "segments", "*"),
    ("no PT_NOTE", put(56, 2, 1), "segments", "note", "pvh entry", "doors"),
    ("PT_NOTE first", swap_segments, "segments"),
    ("second PT_NOTE", third_segment(4), "segments"),
    ("second PT_LOAD", third_segment(1), "segments"),
    ("PT_DYNAMIC", third_segment(2), "segments"),
    ("PT_INTERP", third_segment(3), "segments"),
    ("PT_PHDR", third_segment(6), "segments"),
    ("PT_GNU_STACK", third_segment(0x6474E551), "segments"),
    ("PT_GNU_PROPERTY", third_segment(0x6474E553), "segments"),
    ("p_offset 4 KiB", put(LOAD + OFFSET, 8, 0x1000), "load offset"),
    ("p_vaddr high", put(LOAD + VADDR, 8, 0xFFFFFFFF80100000), "load address"),
    ("p_paddr 2 MiB", put(LOAD + PADDR, 8, 0x200000), "load address"),
    ("p_paddr no page", add(LOAD + PADDR, 8, 16), "load address"),
    ("another page", move_image, "load address"),
    ("p_filesz beyond the file", lambda f: f.put(LOAD + FILESZ, 8, len(f) + 16), "load file size",
     "multiboot load_end_addr"),
    ("p_filesz small", put(LOAD + FILESZ, 8, 8176), "load file size", "multiboot load_end_addr", "section places"),
    ("p_filesz 0", put(LOAD + FILESZ, 8, 0), "load file size", "*"),
    ("p_memsz less than p_filesz", lambda f: f.put(LOAD + MEMSZ, 8, f.get(LOAD + FILESZ, 8) - 16), "load memory size",
     "multiboot bss_end_addr"),
    ("past 2 MiB", put(LOAD + MEMSZ, 8, 0x100001), "load end", "multiboot bss_end_addr"),
    ("past 2 MiB, consistently", both(put(LOAD + MEMSZ, 8, 0x101000), put(M + 24, 4, 0x201000)), "load end"),
    ("not executable", put(LOAD + FLAGS, 4, 6), "load flags"),
    ("p_flags 0", put(LOAD + FLAGS, 4, 0), "load flags"),
    ("p_align 0", put(LOAD + ALIGN, 8, 0), "load alignment"),
    ("p_align 2 MiB", put(LOAD + ALIGN, 8, 0x200000), "load alignment"),
    ("note at offset 0", both(put(NOTE_SEGMENT + OFFSET, 8, 0), put(NOTE_SEGMENT + VADDR, 8, BASE),
                              put(NOTE_SEGMENT + PADDR, 8, BASE)),
     "note offset", "note", "pvh entry", "pieces", "doors"),
    ("note not aligned", both(add(NOTE_SEGMENT + OFFSET, 8, 1), add(NOTE_SEGMENT + VADDR, 8, 1),
                              add(NOTE_SEGMENT + PADDR, 8, 1)), "note offset", "note", "pvh entry"),
    ("note's memory size", put(NOTE_SEGMENT + MEMSZ, 8, 0), "note inside"),
    ("note outside of the file", lambda f: f.put(NOTE_SEGMENT + OFFSET, 8, len(f) & ~3), "note inside",
     "note", "pvh entry"),
    ("note's p_vaddr 0", put(NOTE_SEGMENT + VADDR, 8, 0), "note address"),
    ("note's p_paddr 0", put(NOTE_SEGMENT + PADDR, 8, 0), "note address"),
    ("note writable", put(NOTE_SEGMENT + FLAGS, 4, 6), "note flags"),
    ("note's p_align 0", put(NOTE_SEGMENT + ALIGN, 8, 0), "note alignment"),
    ("note's p_align 1", put(NOTE_SEGMENT + ALIGN, 8, 1), "note alignment"),
    ("note's p_align 8", put(NOTE_SEGMENT + ALIGN, 8, 8), "note alignment"),
    ("room for a second note", both(put(NOTE_SEGMENT + FILESZ, 8, 2 * NOTE_SIZE),
                                    put(NOTE_SEGMENT + MEMSZ, 8, 2 * NOTE_SIZE)), "note count"),
    ("note cut short", both(put(NOTE_SEGMENT + FILESZ, 8, 20), put(NOTE_SEGMENT + MEMSZ, 8, 20)), "note count"),
    ("descriptor of 4 bytes", put(NOTE_AT + 4, 4, 4), "note count"),
    ("name of 3 bytes", put(NOTE_AT, 4, 3), "note count"),
    ("XEN_ELFNOTE_ENTRY", put(NOTE_AT + 8, 4, 1), "note type"),
    ("PHYS32_RELOC", put(NOTE_AT + 8, 4, 19), "note type"),
    ("note's name GNU", put(NOTE_AT + 12, 4, 0x00554E47), "note name"),
    ("note's name xen", put(NOTE_AT + 12, 1, ord("x")), "note name"),
    ("PVH entry 0", put(NOTE_AT + 16, 8, 0), "pvh entry"),
    ("PVH entry above 4 GiB", put(NOTE_AT + 20, 4, 1), "pvh entry"),
    ("PVH entry in the BSS", lambda f: f.put(NOTE_AT + 16, 8, BASE + f.get(LOAD + FILESZ, 8)), "pvh entry"),
    ("PVH entry in the ELF header", put(NOTE_AT + 16, 8, BASE), "pvh entry"),
    ("PVH entry in the multiboot header", put(NOTE_AT + 16, 8, BASE + M + 4), "pvh entry"),
    ("e_shentsize 40", put(58, 2, 40), "section headers' size"),
    ("no section header", both(put(60, 2, 0), put(62, 2, 0)), "section headers"),
    ("e_shoff beyond the file", lambda f: f.put(40, 8, len(f)), "section headers", "section", "pieces"),
    ("e_shoff 0", put(40, 8, 0), "section headers", "section", "pieces", "*"),
    ("too many section headers", put(60, 2, 1000), "section headers", "*"),
    ("first section header used", section(0, SH_SIZE, 8, 5), "section headers"),
    ("e_shstrndx too big", lambda f: f.put(62, 2, f.get(60, 2)), "section names"),
    ("names are no string table", section("names", SH_TYPE, 4, 1), "section names"),
    ("names without a NUL", names_without_end, "section names"),
    ("names beyond the file", section("names", SH_SIZE, 8, 1 << 20), "section names", "section places", "pieces"),
    ("a name beyond the names", section(1, SH_NAME, 4, 0x10000), "section names"),
    ("section beyond the file", lambda f: f.put(f.section(1) + SH_SIZE, 8, len(f) + 1), "section places"),
    ("section elsewhere", section(1, SH_ADDR, 8, 0x400000), "section places"),
    ("section without alignment", section(1, SH_ALIGN, 8, 0), "section alignment"),
    ("section alignment 24", section(1, SH_ALIGN, 8, 24), "section alignment"),
    ("a section of notes", section(1, SH_TYPE, 4, 7), "section notes"),
    ("no multiboot header", put(M, 4, 0), "multiboot magic", "multiboot checksum"),
    ("header at 8140", header_for_qemu, "multiboot magic", "*"),
    ("multiboot2 instead", put(M, 4, MULTIBOOT2_MAGIC), "multiboot magic", "multiboot checksum", "no multiboot2 magic"),
    ("no address fields", words(M, *header_of(MULTIBOOT_MAGIC, 7)), "multiboot flags"),
    ("no video mode", words(M, *header_of(MULTIBOOT_MAGIC, 0x10003)), "multiboot flags"),
    ("unknown flag 8", words(M, *header_of(MULTIBOOT_MAGIC, MULTIBOOT_FLAGS | 8)), "multiboot flags"),
    ("multiboot checksum", add(M + 8, 4, 1), "multiboot checksum"),
    ("header_addr", add(M + 12, 4, 4), "multiboot header_addr"),
    ("load_addr", add(M + 16, 4, 0x1000), "multiboot load_addr"),
    ("load_end_addr", add(M + 20, 4, -16), "multiboot load_end_addr"),
    ("load_end_addr 0", put(M + 20, 4, 0), "multiboot load_end_addr"),
    ("bss_end_addr", add(M + 24, 4, 0x1000), "multiboot bss_end_addr"),
    ("bss_end_addr 0", put(M + 24, 4, 0), "multiboot bss_end_addr"),
    ("entry_addr 0", put(M + 28, 4, 0), "multiboot entry_addr", "e_entry in 32-bit mode"),
    ("entry_addr in the BSS", lambda f: f.put(M + 28, 4, f.get(M + 20, 4)), "multiboot entry_addr",
     "e_entry in 32-bit mode"),
    ("entry_addr elsewhere", add(M + 28, 4, 1), "e_entry in 32-bit mode"),
    ("graphics wanted", put(M + 32, 4, 0), "multiboot video"),
    ("800 columns", put(M + 36, 4, 800), "multiboot video"),
    ("e_entry below 1 MiB", put(24, 8, 0x7C00), "e_entry", "e_entry"),
    ("e_entry 64-bit address", put(28, 4, 1), "e_entry", "e_entry"),
    ("e_entry beyond the file", lambda f: f.put(24, 8, BASE + f.get(LOAD + FILESZ, 8)), "e_entry", "e_entry"),
    ("e_entry in the ELF header", put(24, 8, BASE + 8), "e_entry", "e_entry"),
    ("e_entry is the multiboot entry", add(24, 8, 6), "e_entry stub", "e_entry"),
    ("stub's first byte", lambda f: f.put(f.stub(), 1, 0x90), "e_entry stub"),
    ("stub without the exchange", lambda f: f.put(f.stub() + 3, 1, 0xC9), "e_entry stub"),
    ("64-bit branch into a header", branch_into_the_multiboot_header, "e_entry in 64-bit mode", "e_entry"),
    ("one door for both", lambda f: f.put(NOTE_AT + 16, 8, f.get(M + 28, 4)), "doors"),
    ("PVH by e_entry", lambda f: f.put(NOTE_AT + 16, 8, f.get(24, 8)), "doors"),
    ("stray multiboot magic", words(FREE, MULTIBOOT_MAGIC), "no earlier multiboot magic"),
    ("earlier multiboot header", words(FREE, *header_of(MULTIBOOT_MAGIC, 3)), "no earlier multiboot magic"),
    ("multiboot header in the header", words(M + 36, *header_of(MULTIBOOT_MAGIC, 0)), "no second multiboot header",
     "multiboot video"),
    ("multiboot2 header below", words(FREE, MULTIBOOT2_MAGIC, 0, 16), "no multiboot2 magic"),
    ("multiboot2 header behind", words(8192 + 64, MULTIBOOT2_MAGIC, 0, 16), "no multiboot2 magic"),
    ("Xen binary header", words(FREE, *header_of(XEN_BINARY_MAGIC, 0)), "no Xen binary header"),
    ("bzImage magic", lambda f: f.__setitem__(slice(0x202, 0x206), b"HdrS"), "no bzImage magic", "e_entry"),
    ("too short", lambda f: f.__delitem__(slice(8188, None)), "least size", "*"),
    ("too long", lambda f: f.extend(bytes(max(MAX_SIZE, len(f)) + 1 - len(f))), "most size"),
    ("names in the ELF header", names_over_the_elf_header, "pieces"),
    ("note over the multiboot header", both(put(NOTE_SEGMENT + OFFSET, 8, M), put(NOTE_SEGMENT + VADDR, 8, BASE + M),
                                            put(NOTE_SEGMENT + PADDR, 8, BASE + M)), "pieces", "note", "pvh entry"),
]


def is_allowed(rule, others):
    return any(rule == other or other == "*" or rule.startswith(other + " ") for other in others)


@pytest.mark.parametrize("mutate,rule,others", [(m[1], m[2], m[3:]) for m in MUTATIONS], ids=[m[0] for m in MUTATIONS])
def test_mutation(mutate, rule, others, intact):
    limit = max(MAX_SIZE, len(intact))
    changed = File(intact)
    mutate(changed)
    assert changed != intact
    noticed = broken(changed, max_size=limit) - broken(intact, max_size=limit)
    assert rule in noticed
    assert not [r for r in noticed if r != rule and not is_allowed(r, others)]


@pytest.mark.parametrize("offset", [8146, 8148, 8192])
def test_no_whole_header_can_stand_there(offset, intact):
    assert "multiboot place" in broken(intact, header_offset=offset)


def test_every_rule_has_a_mutation():
    assert {m[2] for m in MUTATIONS} | {"multiboot place"} == set(RULES)
    assert len(set(RULES)) == len(RULES)


def header_bytes(data):
    """Every byte of the headers and the note but the two lowest of the PVH entry, which may be any code."""
    free = range(NOTE_AT + 16, NOTE_AT + 18)
    for at, size in ((0, EHDR_SIZE + 2 * PHDR_SIZE), (NOTE_AT, NOTE_SIZE), (M, HEADER_SIZE)):
        yield from (i for i in range(at, at + size) if i not in free)


@pytest.mark.parametrize("flip", [0x01, 0x80, 0xFF])
def test_no_byte_of_the_headers_is_free(flip, intact):
    limit = max(MAX_SIZE, len(intact))
    before = broken(intact, max_size=limit)
    missed = []
    for at in header_bytes(intact):
        changed = File(intact)
        changed[at] ^= flip
        if broken(changed, max_size=limit) == before:
            missed.append(hex(at))
    assert not missed


def test_whatever_the_file_holds(intact):
    """No input makes the gate fail otherwise than by naming rules."""
    sizes = (0, 1, 4, 16, 63, 64, 100, 176, 256, 280, 0x206, 8143, 8150, 8191, 8192, len(intact) - 1)
    cases = [intact[:n] for n in sizes]
    cases += [bytes([n]) * 9000 for n in (0, 1, 0x7F, 0xFF)]
    for at in range(0, EHDR_SIZE + 2 * PHDR_SIZE):
        changed = File(intact)
        changed[at:at + 8] = b"\xff" * 8
        cases.append(changed)
    for case in cases:
        assert [rule for rule, _, _ in check(case)] == RULES
        assert broken(case)


# ---- what is packed --------------------------------------------------------------------------------------------------

# The ways into the late part (shim/include/late.h), each behind a late_load(); the last four by config.c, for what a
# dialect there has read.
LATE_DOORS = {"fb_start", "bls_parse", "extlinux_parse", "grub_parse", "menu_choose", "prompt_run", "config_clean",
              "config_merge_entries", "config_merge_settings", "entry_is_usable"}


def symbols(path):
    """(defined global ones, undefined ones) of an object."""
    words = [line.split() for line in subprocess.run(["nm", "-g", str(path)], check=True, text=True,
                                                     stdout=subprocess.PIPE).stdout.splitlines()]
    return {w[2] for w in words if len(w) == 3}, {w[1] for w in words if len(w) == 2 and w[0] == "U"}


def test_only_known_doors_lead_into_the_late_part(shim):
    late = {BUILD / line.split("(")[0].lstrip("*") for line in (BUILD / "late.ld").read_text().splitlines()
            if "font" not in line}
    late |= set((BUILD / "target").rglob("font.o"))
    objects = set((BUILD / "target").rglob("*.o"))
    assert late and late <= objects
    defined = set().union(*(symbols(o)[0] for o in late))
    for early in sorted(objects - late):
        unknown = symbols(early)[1] & defined - LATE_DOORS
        assert not unknown, f"{early.relative_to(BUILD)} reaches {', '.join(sorted(unknown))}, which may be packed"
    assert LATE_DOORS <= defined


def ways_of(packed):
    """What late.c makes of the Makefile's PLACES."""
    code = bytearray(packed)
    for at in range(len(code) - 4, 0, -1):
        way = int.from_bytes(code[at:at + 4], "little", signed=True)
        if (code[at - 1] & 0xFE == 0xE8 or code[at - 1] & 0xC7 == 5) and -(1 << 20) <= way < 1 << 20:
            way = (way - at) & 0x1FFFFF
            code[at:at + 4] = (way | (way >> 20) * 0xFFE00000).to_bytes(4, "little")
    return bytes(code)


def test_the_late_part_unpacks_to_what_was_linked(shim):
    packed = zlib.decompress((BUILD / "late.deflated").read_bytes(), -zlib.MAX_WBITS)
    assert ways_of(packed) == (BUILD / "late.bin").read_bytes()


def test_any_code_can_be_unpacked_again():
    """Another compiler may put codes and ways into each other's bytes."""
    draw = random.Random(1)
    code = bytes(draw.choice(b"\xe8\xe9\x05\x35\x00\x00\x01\x0f\xf0\xff\x10") for _ in range(100_000))
    for part in (code, b"", code[:4], code[:5]):
        packed = subprocess.run(["make", "-s", "--eval=p: ; @perl -C0 -0777 -pe $(PLACES)", "p"], cwd=ROOT, input=part,
                                capture_output=True, check=True).stdout
        assert ways_of(packed) == part
