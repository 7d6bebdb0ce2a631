#!/bin/sh
# ext_fragmented.sh IMAGE BIG: on a volume of mke2fs, file BIG as /big where the free space is all holes, and /reserved,
# blocks that are allocated but not written.
set -eu
image=$1 big=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
n=0
while [ $n -lt 400 ]; do
    head -c $((n % 5 * 1500 + 4000)) /dev/zero | tr '\0' f >"$folder/f$n"
    echo "write $folder/f$n f$n" >>"$folder/fill"
    [ $((n % 2)) = 0 ] || echo "rm f$n" >>"$folder/holes"
    n=$((n + 1))
done
echo "write $big big" >>"$folder/holes"
cat "$folder/fill" "$folder/holes" >"$folder/commands"
debugfs -w -f "$folder/commands" "$image" >/dev/null 2>&1
# Only files of extents can have such blocks.
debugfs -w -R "write $folder/f4 reserved" "$image" >/dev/null 2>&1
debugfs -w -R 'fallocate reserved 0 40' "$image" >/dev/null 2>&1 || true
debugfs -w -R 'set_inode_field reserved size 40000' "$image" >/dev/null 2>&1
