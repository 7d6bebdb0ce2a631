"""Images whose boot entries are files of the Boot Loader Specification, as their builders lay them out."""
import pytest
from cases import Case, check
from disks import BIOS_BOOT, ESP, LINUX, ROOT_X86_64, XBOOTLDR, Link, Part, kernel, kernels
from grub_text import grubenv
from uki import make_uki

FEDORA_ID = "8a5ba4e46ab04d8da1e7a6b5ee3e7d2b"
FEDORA_OPTIONS = "root=UUID=b5f9b5a3-7a4b-4b5e-9d3b-5f5e34f3a111 rootflags=subvol=root no_timer_check console=tty1 " \
                 "console=ttyS0,115200n8"

# grub2-mkconfig of rhboot/grub2 (util/grub.d/00_header.in, 08_fallback_counting.in, 10_linux.in, 12_menu_auto_hide.in),
# Fedora 41.
FEDORA_GRUB = """set pager=1
if [ -f ${config_directory}/grubenv ]; then
  load_env -f ${config_directory}/grubenv
elif [ -s $prefix/grubenv ]; then
  load_env
fi
if [ "${next_entry}" ] ; then
   set default="${next_entry}"
   set next_entry=
   save_env next_entry
   set boot_once=true
else
   set default="${saved_entry}"
fi
if [ x"${feature_menuentry_id}" = xy ]; then
  menuentry_id_option="--id"
else
  menuentry_id_option=""
fi
export menuentry_id_option
function load_video {
  if [ x$feature_all_video_module = xy ]; then
    insmod all_video
  else
    insmod efi_gop
  fi
}
serial --speed=115200
terminal_input serial console
terminal_output serial console
if [ x$feature_timeout_style = xy ] ; then
  set timeout_style=menu
  set timeout=1
else
  set timeout=1
fi
### BEGIN /etc/grub.d/00_tuned ###
set tuned_params=""
set tuned_initrd=""
### END /etc/grub.d/00_tuned ###
### BEGIN /etc/grub.d/08_fallback_counting ###
insmod increment
if [ -n "${boot_counter}" -a "${boot_success}" = "0" ]; then
  if  [ "${boot_counter}" = "0" -o "${boot_counter}" = "-1" ]; then
    set default=1
    set boot_counter=-1
  else
    decrement boot_counter
  fi
  save_env boot_counter
fi
### END /etc/grub.d/08_fallback_counting ###
### BEGIN /etc/grub.d/10_linux ###
insmod part_gpt
insmod ext2
search --no-floppy --fs-uuid --set=root 0c2b4b0e-5f3a-4c39-8f3e-2a6f2f5d1001
insmod part_gpt
insmod ext2
search --no-floppy --fs-uuid --set=boot 0c2b4b0e-5f3a-4c39-8f3e-2a6f2f5d1001
if [ -z "${kernelopts}" ]; then
  set kernelopts="root=UUID=grub ro "
fi
insmod blscfg
blscfg
### END /etc/grub.d/10_linux ###
### BEGIN /etc/grub.d/12_menu_auto_hide ###
if [ x$feature_timeout_style = xy ] ; then
  if [ "${menu_show_once}" ]; then
    unset menu_show_once
    save_env menu_show_once
    set timeout_style=menu
    set timeout=60
  elif [ "${menu_auto_hide}" -a "${menu_hide_ok}" = "1" ]; then
    set orig_timeout_style=${timeout_style}
    set orig_timeout=${timeout}
    if [ "${fastboot}" = "1" ]; then
      set timeout_style=menu
      set timeout=0
    else
      set timeout_style=hidden
      set timeout=1
    fi
  fi
fi
### END /etc/grub.d/12_menu_auto_hide ###
"""


def fedora_entry(release, title, options, *more):
    """kernel-install's 92-loaderentry of rhboot/grub2 (20-grub.install)."""
    return "\n".join([f"title {title}", f"version {release}", f"linux /vmlinuz-{release}",
                      f"initrd /initramfs-{release}.img", f"options {options}", *more,
                      "grub_users $grub_users", "grub_arg --unrestricted", "grub_class fedora"]) + "\n"


def fedora_cloud():
    """osbuild/images, data/distrodefs/fedora/imagetypes.yaml, up to 43: /boot on ext4 with the XBOOTLDR type."""
    releases = "6.11.4-301.fc41.x86_64", "6.9.12-200.fc41.x86_64", f"0-rescue-{FEDORA_ID}"
    files = kernels("/", "vmlinuz-{}", "initramfs-{}.img", *releases)
    for release in releases:
        title = f"Fedora Linux ({release}) 41 (Cloud Edition)"
        name = f"{FEDORA_ID}-{'0-rescue' if 'rescue' in release else release}"
        files[f"/loader/entries/{name}.conf"] = fedora_entry(release, title, FEDORA_OPTIONS)
    files["/grub2/grub.cfg"] = FEDORA_GRUB
    files["/grub2/grubenv"] = grubenv(saved_entry=f"{FEDORA_ID}-{releases[1]}", menu_auto_hide=1, boot_success=0,
                                      boot_counter=2)
    stub = "search --no-floppy --fs-uuid --set=dev 0c2b4b0e-5f3a-4c39-8f3e-2a6f2f5d1001\n" \
           "set prefix=($dev)/grub2\nexport $prefix\nconfigfile $prefix/grub.cfg\n"
    rows = "\n".join(f"Fedora Linux ({r}) 41 (Cloud Edition) | (vda3)/vmlinuz-{r} | (vda3)/initramfs-{r}.img | "
                     f"{FEDORA_OPTIONS}" for r in releases)
    return Case([Part("", BIOS_BOOT, mib=2), Part("EFI System Partition", ESP, "vfat", {"/EFI/fedora/grub.cfg": stub},
                                                  uuid="7B77-95E7"),
                 Part("boot", XBOOTLDR, "ext4", files, uuid="0c2b4b0e-5f3a-4c39-8f3e-2a6f2f5d1001", label="boot"),
                 Part("root", ROOT_X86_64, "btrfs", {"/root/etc/fedora-release": "41"}, label="fedora")],
                rows, default=f"Fedora Linux ({releases[1]}) 41 (Cloud Edition)", timeout=1,
                log=(r"^shim: volume vda4: .*btrfs",))


def rhel8_with_ext4():
    """A RHEL 8 whose /boot is ext4: options are variables of grubenv (u-root#1835 has such an entry)."""
    release = "4.18.0-553.el8_10.x86_64"
    files = kernels("/", "vmlinuz-{}", "initramfs-{}.img", release)
    files[f"/loader/entries/{FEDORA_ID}-{release}.conf"] = "\n".join([
        f"title Red Hat Enterprise Linux ({release}) 8.10 (Ootpa)", f"version {release}", f"linux /vmlinuz-{release}",
        f"initrd /initramfs-{release}.img $tuned_initrd", "options $kernelopts $tuned_params",
        f"id rhel-20240515095732-{release}", "grub_users $grub_users", "grub_arg --unrestricted",
        "grub_class kernel"]) + "\n"
    files["/grub2/grub.cfg"] = FEDORA_GRUB
    files["/grub2/grubenv"] = grubenv(saved_entry=f"{FEDORA_ID}-{release}",
                                      kernelopts="root=/dev/mapper/rhel-root ro crashkernel=auto rhgb quiet ",
                                      boot_success=0)
    return Case([Part("", "83", "ext4", files, attributes="bootable"), Part("", "8e", mib=4)],
                f"Red Hat Enterprise Linux ({release}) 8.10 (Ootpa) | (vda1)/vmlinuz-{release} | "
                f"(vda1)/initramfs-{release}.img | root=/dev/mapper/rhel-root ro crashkernel=auto rhgb quiet",
                table="dos", timeout=1, default=f"Red Hat Enterprise Linux ({release}) 8.10 (Ootpa)")


def coreos(sector):
    """coreos-assembler, src/grub.cfg (first boot: ignition.firstboot is there) and ostree's entries: /loader is a link
    that ostree turns over, names end in the deployment's number."""
    grub = """set pager=1
search --label boot --set boot
set root=$boot
if [ -f ${config_directory}/grubenv ]; then
  load_env -f ${config_directory}/grubenv
elif [ -s $prefix/grubenv ]; then
  load_env
fi
serial --speed=115200
terminal_input serial console
terminal_output serial console
if [ x$feature_timeout_style = xy ] ; then
  set timeout_style=menu
  set timeout=1
else
  set timeout=1
fi
set ignition_firstboot=""
if [ -f "/ignition.firstboot" ]; then
    set ignition_network_kcmdline='rd.neednet=1 ip=dhcp'
    source "/ignition.firstboot"
    set ignition_firstboot="ignition.firstboot ${ignition_network_kcmdline}"
fi
blscfg
"""
    boot = "/ostree/fedora-coreos-19190477fad0e60d605a623b86e06bb92aa318b6b79f78696b06f68f262ad5d6"
    options = "mitigations=auto,nosmt ignition.platform.id=qemu console=tty0 console=ttyS0,115200n8 " \
              "ostree=/ostree/boot.1/fedora-coreos/19190477/0"
    entry = f"title Fedora CoreOS 40.20240416.3.1 (ostree:0)\nversion 1\n" \
            f"options $ignition_firstboot {options}\n" \
            f"linux {boot}/vmlinuz-6.8.5-301.fc40.x86_64\ninitrd {boot}/initramfs-6.8.5-301.fc40.x86_64.img\n"
    files = {"/grub2/grub.cfg": grub, "/ignition.firstboot": "", "/loader": Link("loader.1"),
             "/loader.1/entries/ostree-1-fedora-coreos.conf": entry, "/boot": Link(".")}
    files.update(kernels(boot, "/vmlinuz-{}", "/initramfs-{}.img", "6.8.5-301.fc40.x86_64"))
    esp = Part("EFI-SYSTEM", ESP, "vfat", mib=127)
    if sector == 4096:
        esp = Part("EFI-SYSTEM", ESP, "vfat", mib=260, options=("-F", "32", "-S", "4096"))
    return Case([Part("BIOS-BOOT", BIOS_BOOT, mib=1), esp,
                 Part("boot", XBOOTLDR, "ext4", files, label="boot", options=("-O", "metadata_csum,metadata_csum_seed"),
                      mib=64),
                 Part("root", LINUX, "xfs", {"/ostree/deploy": ""}, label="root")],
                f"Fedora CoreOS 40.20240416.3.1 (ostree:0) | (vda3){boot}/vmlinuz-6.8.5-301.fc40.x86_64 | "
                f"(vda3){boot}/initramfs-6.8.5-301.fc40.x86_64.img | "
                f"ignition.firstboot rd.neednet=1 ip=dhcp {options}",
                sector=sector, timeout=1, log=(r"^shim: volume vda4: .*xfs",))


def opensuse_tumbleweed():
    """sdbootutil's entries (grub2-bls and systemd-boot alike): kernels on the ESP; version is SNAPSHOT@RELEASE."""
    files, rows = {"/loader/loader.conf": "timeout 8\nconsole-mode keep\ndefault opensuse-tumbleweed-*\n",
                   "/loader/entries.srel": "type1\n"}, []
    options = "root=UUID=4ac5b4d7-2f7b-4e1c-9a55-7d8d7d3a2002 splash=silent quiet security=selinux selinux=1 " \
              "rootflags=subvol=@/.snapshots/{}/snapshot systemd.machine_id=" + FEDORA_ID
    for snapshot, release in ((12, "6.17.7-1-default"), (11, "6.17.7-1-default"), (9, "6.16.9-1-default")):
        folder = f"/opensuse-tumbleweed/{release}"
        linux, initrd = f"{folder}/linux-{snapshot:040x}", f"{folder}/initrd-{snapshot:040x}"
        files |= {linux: kernel(release), initrd: "initrd",
                  f"/loader/entries/opensuse-tumbleweed-{release}-{snapshot}.conf":
                      f"# Boot Loader Specification type#1 entry\ntitle      openSUSE Tumbleweed\n"
                      f"version    {snapshot}@{release}\nsort-key   opensuse-tumbleweed\n"
                      f"options    {options.format(snapshot)}\nlinux      {linux}\ninitrd     {initrd}\n"}
        rows.append(f"openSUSE Tumbleweed ({snapshot}@{release}) | (vda1){linux} | (vda1){initrd} | "
                    f"{options.format(snapshot)}")
    return Case([Part("", ESP, "vfat", files, mib=100, label="EFI"), Part("", LINUX, "btrfs")], "\n".join(rows),
                timeout=8, log=("^shim: volume vda2: .*btrfs",))


def nixos():
    """nixpkgs, nixos/modules/system/boot/loader/systemd-boot/systemd-boot-builder.py."""
    files = {"/loader/loader.conf": "timeout 5\ndefault nixos-generation-2.conf\neditor 0\nconsole-mode keep\n",
             "/loader/entries.srel": "type1\n"}
    rows = []
    for n in (10, 9, 2):
        store = f"{n:032x}"
        linux = f"/EFI/nixos/{store}-linux-6.6.{n}-bzImage.efi"
        initrd = f"/EFI/nixos/{store}-initrd-linux-6.6.{n}-initrd.efi"
        options = f"init=/nix/store/{store}-nixos-system-box-24.05.{n}/init loglevel=4"
        version = f"Generation {n} NixOS Uakari 24.05.{n} (Linux 6.6.{n}), built on 2024-06-{n:02}"
        files |= {linux: kernel(store), initrd: "initrd",
                  f"/loader/entries/nixos-generation-{n}.conf":
                      f"title NixOS\nsort-key nixos\nversion {version}\nlinux {linux}\ninitrd {initrd}\n"
                      f"options {options}\nmachine-id {FEDORA_ID}\n"}
        rows.append(f"NixOS ({version}) | (vda1){linux} | (vda1){initrd} | {options}")
    return Case([Part("ESP", ESP, "vfat", files, mib=100, options=("-F", "32", "-s", "1")),
                 Part("primary", LINUX, "ext4", label="nixos")],
                "\n".join(rows), default=rows[-1].split(" | ")[0], timeout=5, locked=True)


def nixos_with_xbootldr():
    """The same with boot.loader.systemd-boot.xbootldrMountPoint: loader.conf on the ESP, entries on the other."""
    case = nixos()
    files = case.parts[0].files
    conf = {"/loader/loader.conf": files.pop("/loader/loader.conf")}
    case.parts[0].files = conf
    case.parts.insert(1, Part("XBOOTLDR", XBOOTLDR, "vfat", files, mib=100, options=("-F", "32", "-s", "1")))
    case.rows = case.rows.replace("(vda1)", "(vda2)")
    return case


def rhel_cvm():
    """osbuild/images, rhel-9 and rhel-10: `bootloader: uki`, `no_bls: true`; nothing but /EFI/Linux on the ESP."""
    release = "5.14.0-503.11.1.el9_5.x86_64"
    uki = make_uki(kernel(release), b"initrd", "root=UUID=grub ro console=ttyS0",
                   "ID=rhel\nNAME=\"Red Hat Enterprise Linux\"\nPRETTY_NAME=\"Red Hat Enterprise Linux 9.5 (Plow)\"\n"
                   "VERSION_ID=\"9.5\"\n")
    name = f"/EFI/Linux/{FEDORA_ID}-{release}.efi"
    return Case([Part("", ESP, "vfat", {name: uki}, mib=100), Part("", ROOT_X86_64, "ext4", label="root")],
                f"Red Hat Enterprise Linux 9.5 (Plow) | (vda1){name} | | root=UUID=grub ro console=ttyS0")


def boot_counting():
    """systemd-bless-boot(8): what has no tries left stands last, whatever its version."""
    files, options = {}, "root=/dev/vda2 ro"
    for name, version in (("a-1+3", "1"), ("a-2+0-3", "2"), ("a-3+1-2", "3"), ("a-4", "4")):
        files[f"/loader/entries/{name}.conf"] = f"title A\nsort-key a\nversion {version}\nlinux /vmlinuz-{version}\n" \
                                                f"options {options}\n"
        files[f"/vmlinuz-{version}"] = kernel()
    rows = [f"A ({n}) | (vda1)/vmlinuz-{n} | | {options}" for n in "4312"]
    return Case([Part("", "ea", "vfat", files)], "\n".join(rows), table="dos")


CASES = {"fedora-cloud": fedora_cloud, "rhel8-ext4": rhel8_with_ext4, "coreos": lambda: coreos(512),
         "coreos-4k": lambda: coreos(4096), "opensuse-tumbleweed": opensuse_tumbleweed, "nixos": nixos,
         "nixos-xbootldr": nixos_with_xbootldr, "rhel-cvm": rhel_cvm, "boot-counting": boot_counting}


@pytest.mark.parametrize("name", CASES)
def test_disk(name, show, scratch):
    check(CASES[name](), show, scratch)
