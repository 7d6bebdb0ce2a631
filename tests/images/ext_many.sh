#!/bin/sh
# ext_many.sh IMAGE COUNT: an ext4 volume with /many, a hashed directory of COUNT names "module number N.ko" of one
# file. The directory is written as a file and then called one: making entries one by one takes mke2fs many seconds.
set -eu
image=$1 count=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/source"
perl -e '
    my ($count, $block) = ($ARGV[0], "");
    # e2fsck turns the first two into "." and "..".
    sub entry { pack("VvCC", 12, $_[1], length $_[0], 1) . $_[0] . "\0" x ($_[1] - 8 - length $_[0]) }
    for my $n (0, 0, 0..$count - 1) {
        my $name = sprintf "module number %05u.ko", $n;
        $block .= entry($name, 4096 - length($block) < 64 || $n == $count - 1 ? 4096 - length $block : 32);
        if (length $block == 4096) { print $block; $block = "" }
    }' "$count" >"$folder/source/many"
: >"$folder/source/a"
"$(dirname "$0")/ext_image.sh" "$image" 16M "$folder/source" -t ext4 -b 4096 -O ^metadata_csum,^has_journal
debugfs -w -R 'set_inode_field /many mode 040755' "$image" >"$folder/log" 2>&1
e2fsck -fyD "$image" >>"$folder/log" 2>&1 || [ $? -le 1 ]
debugfs -R 'htree /many' "$image" 2>/dev/null | grep -q 'Number of entries'
