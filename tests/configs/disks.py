"""Disks in the shape of a distribution's image: its own table with types and names, its own filesystems, small.

    make_disk(path, [Part("EFI-SYSTEM", ESP, "vfat", {"/loader/loader.conf": "timeout 5\n"}), …])

Real tools make all of it, without root and without mounts; files are a dictionary, a value that is str or bytes is the
content, Link("target") a symbolic link.
"""
import os
import tempfile
from dataclasses import dataclass, field

from disk import MIB, run

# Types of partitions: UAPI.2 (Discoverable Partitions), Flatcar's, FreeBSD's.
ESP = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
XBOOTLDR = "BC13C2FF-59E6-4262-A352-B275FD6F7172"
LINUX = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
ROOT_X86_64 = "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709"
BIOS_BOOT = "21686148-6449-6E6F-744E-656564454649"
SWAP = "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F"
FLATCAR_USR = "5DFBF5F4-2848-4BAC-AA5E-0D9A20B745A6"
FREEBSD_BOOT = "83BD6B9D-7F41-11DC-BE0B-001560B84F0F"
FREEBSD_UFS = "516E7CB6-6ECF-11D6-8FF8-00022D71712B"
FREEBSD_SWAP = "516E7CB5-6ECF-11D6-8FF8-00022D71712B"


@dataclass
class Link:
    target: str


@dataclass
class Part:
    name: str
    type: str
    fs: str = ""            # ext4, ext2, vfat, btrfs, xfs, ufs, swap; nothing: left empty
    files: dict = field(default_factory=dict)
    mib: int = 0            # 0: as small as the filesystem's tool makes it
    number: int = 0         # 0: the next
    label: str = ""
    uuid: str = ""
    options: tuple = ()     # more of them for the filesystem's tool
    attributes: str = ""
    partuuid: str = ""


SMALLEST = {"ext4": 16, "ext2": 8, "vfat": 34, "btrfs": 128, "xfs": 300, "ufs": 8, "swap": 1, "": 1}


def kernel(text="fake"):
    """A bzImage that is nothing but its header (Linux, Documentation/arch/x86/boot.rst): enough to be looked at."""
    image = bytearray(1536)
    image[0x1F1] = 1
    image[0x1FE:0x200] = b"\x55\xaa"
    image[0x200:0x206] = b"\xeb\x66HdrS"
    image[0x206:0x208] = b"\x0f\x02"
    image[0x211] = 1
    image[0x400:0x400 + len(text)] = text.encode()
    return bytes(image)


def kernels(folder, vmlinuz, initrd, *releases):
    """Files for these releases; vmlinuz and initrd have {} where the release stands."""
    files = {}
    for release in releases:
        files[folder + vmlinuz.format(release)] = kernel(release)
        files[folder + initrd.format(release)] = f"initrd {release}"
    return files


def stage(files, folder):
    for name, content in files.items():
        path = os.path.join(folder, name.lstrip("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if isinstance(content, Link):
            os.symlink(content.target, path)
            continue
        with open(path, "wb") as out:
            out.write(content.encode() if isinstance(content, str) else content)


def place(path, start, source):
    """The filesystem in the file `source` to byte start of path; its holes stay holes."""
    with open(source, "rb") as have, open(path, "r+b") as image:
        at = 0
        while True:
            try:
                at = os.lseek(have.fileno(), at, os.SEEK_DATA)
            except OSError:
                return
            end = os.lseek(have.fileno(), at, os.SEEK_HOLE)
            have.seek(at)
            image.seek(start + at)
            image.write(have.read(end - at))
            at = end


def proto(folder):
    """mkfs.xfs(8)'s prototype of a tree."""
    lines = ["/none", "0 0", "d--755 0 0"]

    def walk(where, indent):
        for name in sorted(os.listdir(where)):
            inside = os.path.join(where, name)
            if os.path.isdir(inside):
                lines.append(f"{indent}{name} d--755 0 0")
                walk(inside, indent + " ")
                lines.append(f"{indent}$")
            else:
                lines.append(f"{indent}{name} ---644 0 0 {inside}")
    walk(folder, " ")
    return "\n".join(lines) + "\n$\n"


def make_filesystem(path, part, start, mib, scratch):
    """part's filesystem at byte start of path."""
    folder = tempfile.mkdtemp(dir=scratch)
    stage(part.files, folder)
    own = os.path.join(scratch, "filesystem")
    if part.fs in ("ext2", "ext4"):
        run("mke2fs", "-q", "-F", "-t", part.fs, *(("-L", part.label) if part.label else ()),
            *(("-U", part.uuid) if part.uuid else ()), "-E", f"offset={start},root_owner=0:0", "-d", folder,
            *part.options, path, f"{mib << 10}k")
    elif part.fs == "vfat":
        with open(own, "wb") as image:
            image.truncate(mib << 20)
        run("mkfs.fat", *(("-n", part.label) if part.label else ()),
            *(("-i", part.uuid.replace("-", "")) if part.uuid else ()), *part.options, own)
        names = [os.path.join(folder, n) for n in sorted(os.listdir(folder))]
        if names:
            run("mcopy", "-i", own, "-s", "-Q", *names, "::/")
        place(path, start, own)
    elif part.fs == "btrfs":
        with open(own, "wb") as image:
            image.truncate(mib << 20)
        run("mkfs.btrfs", "-q", "-r", folder, "-L", part.label, *part.options, own)
        place(path, start, own)
    elif part.fs == "xfs":
        with open(own + ".proto", "w", encoding="utf-8") as out:
            out.write(proto(folder))
        run("mkfs.xfs", "-q", "-L", part.label, "-p", own + ".proto", "-d", f"name={own},file,size={mib}m",
            *part.options)
        place(path, start, own)
    elif part.fs == "ufs":
        run("makefs", "-t", "ffs", "-o", "version=2", "-s", f"{mib}m", own, folder)
        place(path, start, own)
    elif part.fs == "swap":
        with open(own, "wb") as image:
            image.truncate(mib << 20)
        os.chmod(own, 0o600)
        run("mkswap", own)
        place(path, start, own)
    if os.path.exists(own):
        os.unlink(own)


def table_of(parts, starts, table):
    lines = [f"label: {table}"]
    for part, (start, mib) in zip(parts, starts):
        line = f"{part.number}: start={start}MiB, size={mib}MiB, type={part.type}"
        if table == "gpt":
            line += f', name="{part.name}"' + (f', attrs="{part.attributes}"' if part.attributes else "") + \
                (f", uuid={part.partuuid}" if part.partuuid else "")
        elif part.attributes:
            line += f", {part.attributes}"
        lines.append(line)
    return "\n".join(lines) + "\n"


def write_table_4k(path, parts, starts):
    """A GPT for sectors of 4096 bytes, which sfdisk takes only from a device."""
    keys = "g\n"
    for part, (start, mib) in zip(parts, starts):
        keys += f"n\n{part.number}\n{start * 256}\n{(start + mib) * 256 - 1}\n"
    for part in parts:
        keys += f"t\n{part.number}\n{part.type}\n" if len(parts) > 1 else f"t\n{part.type}\n"
    run("fdisk", "-b", "4096", "-w", "never", "-W", "never", path, input=(keys + "w\n").encode())


def make_disk(path, parts, table="gpt", sector=512):
    """Write the image; table is gpt, dos, or none (then parts is one, on the whole disk). Returns path as text, with
    the sector's size behind it as `entries` takes it."""
    at, starts = (0 if table == "none" else 1), []
    for n, part in enumerate(parts):
        part.number = part.number or n + 1
        mib = part.mib or SMALLEST[part.fs]
        starts.append((at, mib))
        at += mib
    with open(path, "wb") as image:
        image.truncate((at + (0 if table == "none" else 1)) * MIB)
    if sector == 4096:
        write_table_4k(path, parts, starts)
    elif table != "none":
        run("sfdisk", "-q", "--no-reread", "--no-tell-kernel", path, input=table_of(parts, starts, table).encode())
    with tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.abspath(path))) as scratch:
        for part, (start, mib) in zip(parts, starts):
            make_filesystem(path, part, start * MIB, mib, scratch)
    return f"{path}:{sector}" if sector != 512 else str(path)
