#!/bin/sh
# part_mbr.sh IMAGE: 64 MiB with an MBR: three primaries and logical partitions 5 to 12.
set -eu
rm -f "$1"
truncate -s 64M "$1"
sfdisk -q "$1" <<TABLE
label: dos
label-id: 0xcafe0123
size=4M, type=ef, bootable
size=4M, type=83
size=4M, type=ea
type=f
size=1M, type=83
size=1M, type=83
size=2M, type=c
size=1M, type=82
size=1M, type=83
size=1M, type=83
size=1M, type=83
size=1M, type=83
TABLE
