#!/usr/bin/env python3
"""initramfs.py KERNEL-FOLDER OUTPUT [disks]: a small initramfs with busybox and the drivers that make the disk visible;
with `disks` those of every bus that the tests plug a disk into.

KERNEL-FOLDER is what `kernel` left. Written by hand as a newc archive (Linux, Documentation/driver-api/early-userspace/
buffer-format.rst), so neither root, cpio nor mknod is needed. /init is initramfs.sh of this folder.
"""
import glob
import gzip
import lzma
import os
import subprocess
import sys

WANTED = ["virtio_pci", "virtio_blk", "ext4", "crc32c_generic", "vfat", "nls_cp437", "nls_ascii", "nls_iso8859-1",
          "nls_utf8"]
DISKS = ["virtio_mmio", "virtio_scsi", "ahci", "ata_piix", "ata_generic", "nvme", "sd_mod", "sr_mod", "isofs", "sym53c8xx",
         "uhci_hcd", "ehci_pci", "xhci_pci", "usb_storage"]


class Archive:
    def __init__(self):
        self.data = bytearray()
        self.inode = 0

    def add(self, name, mode, content=b"", device=(0, 0)):
        self.inode += 1
        fields = [self.inode, mode, 0, 0, 1, 0, len(content), 0, 0, device[0], device[1], len(name) + 1, 0]
        self.data += b"070701" + b"".join(b"%08X" % f for f in fields) + name.encode() + b"\0"
        self.data += bytes(-len(self.data) % 4) + content
        self.data += bytes(-len(self.data) % 4)

    def folder(self, name):
        self.add(name, 0o040755)

    def finish(self):
        self.add("TRAILER!!!", 0)
        return bytes(self.data)


def module_bytes(path):
    data = open(path, "rb").read()
    if path.endswith(".xz"):
        return lzma.decompress(data)
    if path.endswith(".zst"):
        return subprocess.run(["zstd", "-dc", path], stdout=subprocess.PIPE, check=True).stdout
    if path.endswith(".gz"):
        return gzip.decompress(data)
    return data


def module_name(path):
    return os.path.basename(path).split(".ko")[0].replace("-", "_")


def module_needs(data):
    """The modules that .modinfo names, hard (depends=) and soft (softdep=pre:)."""
    needs = []
    for field in data.split(b"\0"):
        if field.startswith(b"depends="):
            needs += field[8:].decode().split(",")
        elif field.startswith(b"softdep=pre:"):
            needs += field[12:].decode().split()
    return [n.replace("-", "_") for n in needs if n]


def modules_in_order(tree, wanted):
    """(name, bytes) of wanted and what they need, dependencies first; what is built in or absent is left out."""
    paths = {module_name(p): p for p in glob.glob(tree + "/**/*.ko*", recursive=True)}
    order = {}

    def visit(name):
        if name in order or name not in paths:
            return
        data = module_bytes(paths[name])
        order[name] = None
        for need in module_needs(data):
            visit(need)
        del order[name]
        order[name] = data

    for name in wanted:
        visit(name.replace("-", "_"))
    return order.items()


def main(kernel, output, more=""):
    archive = Archive()
    for folder in ("bin", "dev", "lib", "lib/modules", "proc", "sys", "mnt", "root", "tmp", "etc"):
        archive.folder(folder)
    archive.add("dev/console", 0o020600, device=(5, 1))
    archive.add("dev/null", 0o020666, device=(1, 3))
    archive.add("bin/busybox", 0o100755, open("/bin/busybox", "rb").read())
    for applet in ("sh", "mount", "modprobe", "insmod"):
        archive.add("bin/" + applet, 0o120777, b"busybox")
    names = []
    for name, data in modules_in_order(kernel + "/tree", WANTED + (DISKS if more == "disks" else [])):
        archive.add(f"lib/modules/{name}.ko", 0o100644, data)
        names.append(name)
    archive.add("etc/modules", 0o100644, "".join(n + "\n" for n in names).encode())
    script = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "initramfs.sh"), "rb").read()
    archive.add("init", 0o100755, script)
    with open(output + ".part", "wb") as out:
        out.write(gzip.compress(archive.finish(), 6, mtime=0))
    os.rename(output + ".part", output)
    print(f"initramfs: {os.path.getsize(output) / 1048576:.1f} MiB with {len(names)} modules")


if __name__ == "__main__":
    main(*sys.argv[1:])
