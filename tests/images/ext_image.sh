#!/bin/sh
# ext_image.sh IMAGE SIZE FOLDER [mke2fs options]: an ext volume with the contents of FOLDER ("": none).
set -eu
image=$1 size=$2 folder=$3
shift 3
rm -f "$image"
truncate -s "$size" "$image"
mke2fs -q -F -E root_owner=0:0 ${folder:+-d "$folder"} "$@" "$image" >"$image.log" 2>&1 || {
    cat "$image.log" >&2
    exit 1
}
rm -f "$image.log"
