#!/bin/sh
# Cloud Hypervisor: the serial port has to be asked for.
exec cloud-hypervisor --memory size=512M --cpus boot=1 \
    --kernel /usr/lib/shim/shim.elf --cmdline 'timeout=5' \
    --disk path=disk.img --serial tty --console off
