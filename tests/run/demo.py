#!/usr/bin/env python3
"""The demo of `make run` and the volume of `make iso`.

demo.py disk BUILD IMAGE    a GPT disk with ext4: the distribution's kernel three ways
demo.py volume BUILD IMAGE  a bare ext4 volume with that kernel, for the ISO
demo.py start BUILD IMAGE   QEMU on this terminal
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "images"))
from disk import make_disk  # noqa: E402

DISK_CONFIG = """# The disk of `make run`: one kernel, three ways.
timeout 5
default debian

entry debian
    title    {name}, its bzImage by the zero page
    linux    /boot/vmlinuz
    initrd   /boot/initrd.img
    options  console=ttyS0 quiet

entry debian-pvh
    title    {name}, its ELF by PVH
    pvh      /boot/vmlinux
    module   /boot/initrd.img
    options  console=ttyS0 quiet

entry shim
    title    This shim once more, started by itself
    pvh      /boot/shim.elf
"""

VOLUME_CONFIG = """timeout 5
default debian

entry debian
    title    {name}
    linux    /boot/vmlinuz
    initrd   /boot/initrd.img
    options  console=ttyS0 console=tty0 quiet

entry serial
    title    {name}, verbose, on the serial port first
    linux    /boot/vmlinuz
    initrd   /boot/initrd.img
    options  console=tty0 console=ttyS0,115200
"""


def kernel_name(build):
    system = "Linux"
    try:
        with open("/etc/os-release", encoding="utf-8") as lines:
            names = dict(line.rstrip("\n").split("=", 1) for line in lines if "=" in line)
        system = names.get("NAME", system).strip('"')
    except OSError:
        pass
    with open(f"{build}/kernel/release", encoding="utf-8") as release:
        return f"{system} {release.read().strip()}"


def make_demo(build, image):
    files = {
        "/boot/shim.cfg": DISK_CONFIG.format(name=kernel_name(build)).encode(),
        "/boot/vmlinuz": f"{build}/kernel/vmlinuz",
        "/boot/vmlinux": f"{build}/kernel/vmlinux",
        "/boot/initrd.img": f"{build}/initrd.img",
        "/boot/shim.elf": f"{build}/shim.elf",
    }
    make_disk(image, files, "gpt", "ext4", "demo")
    print(f"demo: {image}: {os.path.getsize(image) >> 20} MiB, GPT, ext4: {', '.join(sorted(files))}")


def make_volume(build, image):
    files = {
        "/shim.cfg": VOLUME_CONFIG.format(name=kernel_name(build)).encode(),
        "/boot/vmlinuz": f"{build}/kernel/vmlinuz",
        "/boot/initrd.img": f"{build}/initrd.img",
    }
    size = sum(os.path.getsize(p) for p in list(files.values())[1:]) >> 20
    make_disk(image, files, "none", "ext4", "shim", size_mib=size + 6)


def start(build, image):
    # Emulation works on every machine; a /dev/kvm that can be opened may still run no guest (containers, nested hosts).
    os.execvp("qemu-system-x86_64", [
        "qemu-system-x86_64", "-accel", os.environ.get("ACCEL", "tcg"), "-M", "q35", "-m", "512", "-nic", "none",
        "-display", "none", "-no-reboot", "-chardev", "stdio,id=terminal,mux=on,signal=off",
        "-serial", "chardev:terminal",
        "-kernel", f"{build}/shim.elf", "-drive", f"file={image},format=raw,if=none,id=disk",
        "-device", "virtio-blk-pci,drive=disk"])


if __name__ == "__main__":
    {"disk": make_demo, "volume": make_volume, "start": start}[sys.argv[1]](*sys.argv[2:])
