#!/bin/sh
# /init of the test and demo initramfs: says what it found, line by line, `init: ` first, on every console of the
# kernel; then a shell on each, or what the word shim.test= on the kernel's command line asks for: poweroff, reboot, or
# halt (just wait).
export PATH=/bin:/sbin HOME=/root TERM=linux
/bin/busybox --install -s /bin 2>/dev/null
mount -t devtmpfs dev /dev 2>/dev/null
mount -t proc proc /proc
mount -t sysfs sys /sys
echo 1 >/proc/sys/kernel/printk

load_modules() {
    while read -r module; do
        insmod "/lib/modules/$module.ko" 2>/dev/null
    done </etc/modules
}

# The value of a word of the kernel's command line.
argument() {
    sed -n "s/.*\b$1=\([^ ]*\).*/\1/p" /proc/cmdline
}

# Disks (virtio devices of type 2, and the one that shim.disk= names) appear a moment after their driver.
wait_for_disks() {
    wanted=$(argument shim.disk)
    for _ in $(seq 300); do
        [ -z "$wanted" ] || [ -b "/dev/$wanted" ] && break
        sleep 0.1
    done
    grep -qs 0x0002 /sys/bus/virtio/devices/*/device || return
    for _ in $(seq 100); do
        ls -d /sys/block/vd* >/dev/null 2>&1 && return
        sleep 0.1
    done
}

report() {
    echo
    echo "init: hello from Linux $(uname -r)"
    echo "init: cmdline: $(cat /proc/cmdline)"
    if [ -e /sys/firmware/acpi/tables/DSDT ]; then echo "init: acpi: yes"; else echo "init: acpi: no"; fi
    echo "init: cpus: $(grep -c ^processor /proc/cpuinfo)"
    echo "init: memory: $(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) KiB"
    for disk in /sys/block/[vsh]d* /sys/block/nvme*; do
        [ -e "$disk/size" ] && echo "init: disk ${disk##*/}: $(cat "$disk/size") sectors"
    done
    # A read proves that the device was handed over in a state that another driver can use.
    for disk in /dev/vd[a-z] /dev/sd[a-z] /dev/sr[0-9] /dev/nvme*n[0-9]; do
        [ -b "$disk" ] || continue
        if dd if="$disk" of=/dev/null bs=64k count=16 2>/dev/null; then
            echo "init: read ${disk##*/}: ok"
        else
            echo "init: read ${disk##*/}: failed"
        fi
    done
    echo "init: done"
}

banner() {
    echo
    echo "  This is a busybox shell on $(uname -sr). \`poweroff -f\` ends it; under \`make run\` Ctrl-A X does, too."
    echo
}

# On every console the kernel has: tty0 ttyS0. Without any of them: where we stand.
consoles=$(cat /sys/class/tty/console/active)
on_consoles() {
    text=$("$@")
    for console in $consoles; do echo "$text" >"/dev/$console"; done
    [ -n "$consoles" ] || echo "$text"
}

load_modules
wait_for_disks
on_consoles report

cmdline=$(cat /proc/cmdline)
for word in $cmdline; do
    case $word in
    shim.test=poweroff) poweroff -f ;;
    shim.test=reboot) reboot -f ;;
    shim.test=halt) while :; do sleep 1000; done ;;
    esac
done

on_consoles banner
cd /root || cd /
shell_forever() {
    while :; do setsid -c sh <"/dev/$1" >"/dev/$1" 2>&1; done
}
for console in ${consoles:-console}; do
    [ "$console" = tty0 ] && console=tty1
    shell_forever "$console" &
done
wait
