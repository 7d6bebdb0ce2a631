#!/bin/sh
# fat_source.sh FOLDER: a tree that shows what FAT names can be; fat_tree.sh puts it on a volume.
set -eu
mkdir -p "$1/boot/grub/deep/er" "$1/EFI/BOOT" "$1/empty directory"
cd "$1"
seq 1 20000 >boot/vmlinuz-6.1.0-56-amd64
seq 5 9000 >boot/initrd.img
seq 1 100 >EFI/BOOT/BOOTX64.EFI
: >boot/empty
echo 'a b' >'boot/with blanks and a very long name, longer than thirteen units and than twice thirteen.conf'
echo umlaut >'boot/Äpfel und Öl.txt'
echo greek >'boot/αβγ δεζ.txt'
echo cyrillic >'boot/Жук.txt'
echo short >boot/grub/GRUB.CFG
echo lower >boot/grub/lower.cfg
echo mixed >boot/grub/MiXeD.CfG
echo dots >boot/grub/deep/er/.hidden.file.with.dots
n=0
while [ $n -lt 60 ]; do
    echo "$n" >"boot/grub/deep/module $n.mod"
    n=$((n + 1))
done
