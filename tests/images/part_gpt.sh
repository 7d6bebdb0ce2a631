#!/bin/sh
# part_gpt.sh IMAGE [ENTRIES]: 64 MiB with a GPT: partitions 1, 2, 5 and the last entry; by sgdisk.
set -eu
entries=${2:-128}
rm -f "$1"
truncate -s 64M "$1"
sgdisk -S "$entries" -n 1:0:+4M -t 1:ef00 -c 1:'EFI System' -u 1:11111111-2222-3333-4444-55555555AAAA "$1" >/dev/null
sgdisk -n 2:0:+4M -t 2:ea00 -c 2:'Äußeres λ' -n 5:0:+8M -t 5:5dfbf5f4-2848-4bac-aa5e-0d9a20b745a6 \
    -A 5:set:48 -A 5:set:56 -n "$entries":0:+1M -c "$entries":last "$1" >/dev/null
