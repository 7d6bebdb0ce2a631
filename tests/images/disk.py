#!/usr/bin/env python3
"""Disk images from a dictionary of files: table by sfdisk, filesystem by mke2fs or mkfs.fat; no root, no mounts.

    make_disk("disk.img", {"/boot/shim.cfg": b"timeout 0", "/boot/vmlinuz": "build/kernel/vmlinuz"}, "gpt", "ext4")

A value that is bytes is content, a str or Path names a file. Schemes: none, mbr, logical, gpt, and gpt4k, a GPT
for sectors of 4096 bytes. On all but `none` a small partition without a filesystem comes first, so that number and
offset of the volume are not trivial.
Filesystems: ext2, ext3, ext4, fat12, fat16, fat32; make_iso() makes a CD.
"""
import os
import shutil
import subprocess
import tempfile

MIB = 1 << 20
SCHEMES = ("none", "mbr", "logical", "gpt")
FILESYSTEMS = ("ext2", "ext4", "fat12", "fat16", "fat32")

# Where the volume begins (MiB) and what the shim calls it on the disk "vda".
VOLUME_START = {"none": 0, "mbr": 2, "logical": 5, "gpt": 2, "gpt4k": 2}
VOLUME_NAME = {"none": "vda", "mbr": "vda2", "logical": "vda6", "gpt": "vda2", "gpt4k": "vda2"}

# Sectors per cluster that keep 40 to 127 MiB inside the cluster counts that make a FAT of that width.
FAT_CLUSTER = {"fat12": 64, "fat16": 8, "fat32": 1}


def run(*command, **options):
    """Run a tool; when it fails, its output is the message."""
    env = dict(os.environ, LC_ALL="C", PATH=os.environ["PATH"] + ":/usr/sbin:/sbin", MTOOLS_SKIP_CHECK="1")
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env,
                          **options)
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stdout.decode(errors='replace')}")
    return done.stdout.decode(errors="replace")


def stage(files, folder):
    """Lay files out below folder; big ones by link where the file system allows it."""
    for name, content in files.items():
        path = os.path.join(folder, name.lstrip("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if isinstance(content, (bytes, bytearray)):
            with open(path, "wb") as out:
                out.write(content)
            continue
        try:
            os.link(content, path)
        except OSError:
            shutil.copyfile(content, path)


def content_size(files):
    return sum(len(c) if isinstance(c, (bytes, bytearray)) else os.path.getsize(c) for c in files.values())


def partition(path, scheme, size, label):
    """Write the table; sizes and starts in MiB."""
    end = size // MIB
    if scheme == "gpt4k":
        keys = f"g\nn\n1\n256\n511\nn\n2\n512\n{512 + (end - 3) * 256 - 1}\nw\n"
        run("fdisk", "-b", "4096", "-w", "never", "-W", "never", path, input=keys.encode())
        return
    if scheme == "gpt":
        table = f"label: gpt\nstart=1MiB, size=1MiB, name=first\nstart=2MiB, size={end - 3}MiB, name={label}\n"
    elif scheme == "mbr":
        table = f"label: dos\nstart=1MiB, size=1MiB, type=da\nstart=2MiB, size={end - 2}MiB, type=83, bootable\n"
    else:
        table = (f"label: dos\n1: start=1MiB, size=1MiB, type=da\n2: start=2MiB, size={end - 2}MiB, type=5\n"
                 f"5: start=3MiB, size=1MiB, type=da\n6: start=5MiB, size={end - 5}MiB, type=83\n")
    run("sfdisk", "-q", "--no-reread", "--no-tell-kernel", path, input=table.encode())


def make_filesystem(path, files, fs, start, size, label, options=()):
    """fs at byte start of path, size bytes long."""
    with tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.abspath(path))) as folder:
        stage(files, folder)
        if fs.startswith("ext"):
            run("mke2fs", "-q", "-F", "-t", fs, "-L", label, "-m", "0", "-E", f"offset={start},root_owner=0:0",
                "-d", folder, *options, path, f"{size // 1024}k")
            return
        run("mkfs.fat", "-F", fs[3:], "-s", FAT_CLUSTER[fs], "-n", label.upper(), "--offset", start // 512, *options,
            path, size // 1024)
        entries = [os.path.join(folder, n) for n in sorted(os.listdir(folder))]
        if entries:
            run("mcopy", "-i", f"{path}@@{start}", "-s", "-Q", *entries, "::/")


def make_disk(path, files, scheme="gpt", fs="ext4", label="demo", size_mib=None, options=()):
    """Make the image path; size_mib is of the whole disk, else what the files need. Returns the volume's name."""
    start = VOLUME_START[scheme] * MIB
    need = content_size(files)
    size = size_mib * MIB if size_mib else start + max(40 * MIB, (need + need // 8 + 12 * MIB) & -MIB) + MIB
    if os.path.exists(path):
        os.unlink(path)
    with open(path, "wb") as image:
        image.truncate(size)
    if scheme != "none":
        partition(path, scheme, size, label)
    room = size - start - (MIB if scheme.startswith("gpt") else 0)
    make_filesystem(path, files, fs, start, room, label, options)
    return VOLUME_NAME[scheme]


def make_iso(path, files, *options, label="CD"):
    """A CD with Rock Ridge and Joliet, or as options for xorriso's mkisofs say."""
    with tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.abspath(path))) as folder:
        stage(files, folder)
        run("xorriso", "-as", "mkisofs", "-quiet", *(options or ("-R", "-J")), "-V", label, "-o", path, folder)
