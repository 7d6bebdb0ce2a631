#!/bin/sh
# iso_source.sh FOLDER: trees that show what names can be: FOLDER/short (8.3), FOLDER/joliet (64 units), FOLDER/rock (all),
# FOLDER/links (more than genisoimage 1.1.11 writes without mistakes).
set -eu
for tree in short joliet rock; do
    mkdir -p "$1/$tree/boot/grub/a/b" "$1/$tree/efi/boot" "$1/$tree/empty"
    cd "$1/$tree"
    seq 1 20000 >boot/vmlinuz
    seq 5 9000 >boot/initrd.img
    seq 1 100 >efi/boot/bootx64.efi
    head -c 2048 boot/vmlinuz >boot/block
    head -c 2049 boot/vmlinuz >boot/block.1
    : >boot/empty
    echo deep >boot/grub/a/b/file.txt
    n=0
    while [ $n -lt 60 ]; do
        echo "$n" >"boot/grub/m$n.mod"
        n=$((n + 1))
    done
    cd - >/dev/null
done

for tree in joliet rock; do
    cd "$1/$tree/boot"
    echo blanks >'with blanks, and a name longer than any 8.3.conf'
    echo umlaut >'Äpfel und Öl.txt'
    echo greek >'αβγ δεζ.txt'
    echo cyrillic >'Жук.txt'
    echo mixed >MiXeD.CfG
    echo dots >.hidden.file.with.dots
    echo none >NOEXTENSION
    cd - >/dev/null
done

cd "$1/rock"
long=$(printf '%0250d' 7)
mkdir -p 1/2/3/4/5/6/7/8/9/10/11 "boot/$long"
echo deep >1/2/3/4/5/6/7/8/9/10/11/file
seq 1 1000 >1/2/3/4/5/6/7/8/9/10/sibling
echo long >"boot/$long.txt"
echo utf8 >"boot/$(printf 'ä%.0s' $(seq 1 127))"
echo plane1 >'boot/𝄞 clef.txt'
echo lower >boot/case
echo upper >boot/CASE
echo hard >boot/hard
ln boot/hard boot/link-hard
ln -s vmlinuz boot/link
ln -s ../boot/./vmlinuz boot/link-dots
ln -s /boot/vmlinuz boot/link-absolute
ln -s boot link-dir
ln -s link-dir/link link-twice
ln -s . boot/link-here
ln -s .. boot/link-up
ln -s / link-root
ln -s "boot/$long.txt" link-long
ln -s 1/2/3/4/5/6/7/8/9/10/11/file link-deep

mkdir -p "$1/links/boot/$long"
cd "$1/links"
seq 1 10 >boot/vmlinuz
echo long >"boot/$long.txt"
ln -s "boot/$long/../$long/../$long/../$long.txt" link-longer
ln -s "$(printf 'boot/../%.0s' $(seq 1 118))boot/vmlinuz" link-longest
