#!/bin/sh
# fat_fragmented.sh IMAGE KIB BIG [mkfs.fat options]: file BIG on a FAT volume whose free space is all holes.
set -eu
image=$1 kib=$2 big=$3
shift 3
rm -f "$image"
truncate -s "${kib}K" "$image"
mkfs.fat "$@" "$image" >/dev/null 2>&1
export MTOOLS_SKIP_CHECK=1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
n=0
while [ $n -lt 120 ]; do
    head -c $((n % 7 * 1500 + 4000)) /dev/zero >"$folder/f$n"
    n=$((n + 1))
done
mcopy -i "$image" "$folder"/* ::/
mdel -i "$image" '::/f*[02468]'
mcopy -i "$image" "$big" ::/big
