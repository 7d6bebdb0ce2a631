#!/bin/sh
# grub_cfg.sh FOLDER [NAME=VALUE...]: FOLDER/grub.cfg as grub-mkconfig writes it for a machine with some kernels, whose
# /boot is FOLDER/boot; the NAMEs are those of /etc/default/grub.
#
# The tools of grub-common are used as they are, but for two things: /boot is looked for in FOLDER, and grub-probe,
# which asks the kernel for the disk below /, is a script that answers for a GPT's second partition.
set -eu

folder=$(realpath "$1")
shift
mkdir -p "$folder/boot/grub" "$folder/sbin" "$folder/grub.d" "$folder/etc/default"
for kernel in 6.1.0-9-amd64 6.1.0-18-amd64 5.10.0-28-amd64; do
    echo kernel >"$folder/boot/vmlinuz-$kernel"
    echo initrd >"$folder/boot/initrd.img-$kernel"
done
rm "$folder/boot/initrd.img-5.10.0-28-amd64"
echo microcode >"$folder/boot/amd-ucode.img"
for setting; do
    echo "$setting"
done >"$folder/etc/default/grub"

cat >"$folder/sbin/grub-probe" <<'END'
#!/bin/sh
for word; do
    case $word in
    --target=*) target=${word#--target=} ;;
    esac
    [ "${last:-}" = -t ] && target=$word
    last=$word
done
case ${target:-} in
device) echo /dev/vda2 ;;
fs) echo ext2 ;;
fs_uuid) echo 00000000-0000-0000-0000-000000000002 ;;
partuuid) echo 11111111-0000-0000-0000-000000000002 ;;
partmap) echo gpt ;;
drive | compatibility_hint) echo hd0,gpt2 ;;
hints_string) echo "--hint-bios=hd0,gpt2 --hint-efi=hd0,gpt2 --hint-baremetal=ahci0,gpt2" ;;
abstraction | cryptodisk_uuid) ;;
*) exit 1 ;;
esac
END
chmod +x "$folder/sbin/grub-probe"

for part in 00_header 10_linux 20_linux_xen 30_uefi-firmware 40_custom 41_custom; do
    sed "s# /vmlinu[xz]-\* # #g; s#/boot/\(grub\|vmlinu\|kernel\|xen\)#$folder/boot/\1#g" "/etc/grub.d/$part" \
        >"$folder/grub.d/$part"
    chmod +x "$folder/grub.d/$part"
done
sed "s#^sbindir=.*#sbindir=$folder/sbin#; s#^sysconfdir=.*#sysconfdir=$folder/etc#
s#^grub_mkconfig_dir=.*#grub_mkconfig_dir=$folder/grub.d#; s#/boot/grub#$folder/boot/grub#g
s#^grub_editenv=.*#grub_editenv=true#" /usr/sbin/grub-mkconfig >"$folder/sbin/grub-mkconfig"
chmod +x "$folder/sbin/grub-mkconfig"
if ! LC_ALL=C grub_probe=$folder/sbin/grub-probe sh "$folder/sbin/grub-mkconfig" -o "$folder/made.cfg" \
    2>"$folder/log"; then
    cat "$folder/log" >&2
    exit 1
fi
sed "s#$folder##g" "$folder/made.cfg" >"$folder/grub.cfg"
