#!/bin/sh
# ext_fragmented.sh IMAGE BIG: on a volume of mke2fs, file BIG as /big where the free space is all holes, and /reserved,
# blocks that are allocated but not written.
set -eu
image=$1 big=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
perl -e '
    my $folder = shift;
    open my $fill, ">", "$folder/fill";
    open my $holes, ">", "$folder/holes";
    for my $n (0..399) {
        open my $file, ">", "$folder/f$n";
        print $file "f" x ($n % 5 * 1500 + 4000);
        print $fill "write $folder/f$n f$n\n";
        print $holes "rm f$n\n" if $n % 2;
    }' "$folder"
echo "write $big big" >>"$folder/holes"
cat "$folder/fill" "$folder/holes" >"$folder/commands"
debugfs -w -f "$folder/commands" "$image" >/dev/null 2>&1
# Only files of extents can have such blocks.
debugfs -w -R "write $folder/f4 reserved" "$image" >/dev/null 2>&1
debugfs -w -R 'fallocate reserved 0 40' "$image" >/dev/null 2>&1 || true
debugfs -w -R 'set_inode_field reserved size 40000' "$image" >/dev/null 2>&1
