#!/bin/sh
# ext_tree.sh FOLDER: a tree that shows what ext can hold: sizes around every limit, holes, links, names.
set -eu
mkdir -p "$1/boot/grub/deep/er/and/deeper" "$1/empty directory" "$1/many"
cd "$1"
seq 1 60000 >boot/vmlinuz-6.1.0-56-amd64
seq 5 9000 >boot/initrd.img
: >boot/empty
for size in 1 59 60 61 100 127 128 160 500 1023 1024 1025 4096 4097 12288 12289 65536 65537; do
    seq 1 20000 | head -c $size >"boot/grub/size-$size"
done
# Data and holes by turns, block by block: trees of extents two levels deep, all kinds of pointer blocks.
perl -e 'for (1..1201) { print $_ % 2 ? pack("N", $_) x 256 : "\0" x 1024 }' >boot/stripes-1k
perl -e 'for (1..700) { print $_ % 3 ? pack("N", $_) x 1024 : "\0" x 4096 }' >boot/stripes-4k
truncate -s 900001 boot/only-hole
truncate -s 300000 boot/hole-first
seq 1 3000 >>boot/hole-first
seq 1 3000 >boot/hole-last
truncate -s 400000 boot/hole-last
for length in 1 58 59 60 61 100 155 156 157 300 1000; do
    ln -s "$(head -c $length /dev/zero | tr '\0' x)" "boot/link-$length"
done
ln -s vmlinuz-6.1.0-56-amd64 boot/vmlinuz
ln -s ../boot/grub boot/grub/deep/er/up
echo 'a b' >"boot/$(head -c 255 /dev/zero | tr '\0' n)"
echo umlaut >'boot/Äpfel und Öl.txt'
echo x >boot/grub/deep/er/and/deeper/.hidden
mkfifo boot/pipe
n=0
while [ $n -lt 300 ]; do
    echo "$n" >"many/module number $n.mod"
    n=$((n + 1))
done
mkdir few
for n in 1 2 3 4 5; do
    echo "$n" >"few/f$n"
done
