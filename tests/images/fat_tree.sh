#!/bin/sh
# fat_tree.sh IMAGE KIB SOURCE [mkfs.fat options]: a FAT volume with the contents of folder SOURCE.
set -eu
image=$1 kib=$2 source=$3
shift 3
rm -f "$image"
truncate -s "${kib}K" "$image"
mkfs.fat "$@" "$image" >/dev/null 2>&1
export MTOOLS_SKIP_CHECK=1 LC_ALL=C.UTF-8
mcopy -s -i "$image" "$source"/* ::/
