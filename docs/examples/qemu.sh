#!/bin/sh
# QEMU, pc or q35: the ELF is -kernel, the disk with the config is virtio. Ctrl-A X ends it.
exec qemu-system-x86_64 -M q35 -m 512 -nographic \
    -kernel /usr/lib/shim/shim.elf -append 'timeout=5' \
    -drive file=disk.img,format=raw,if=virtio
