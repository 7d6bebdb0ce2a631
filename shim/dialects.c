/* dialects.c: where the configs of distributions are (dialects.h). */
#include "dialects.h"
#include "bls.h"

/* In /boot where that is no volume of its own. Type 1, then type 2 (config_bls.c). */
static const char *const bls_paths[BLS_DIRECTORIES + 1] = {
    "/loader/entries", "/boot/loader/entries", "/EFI/Linux", "/boot/EFI/Linux", NULL,
};
const struct config_dialect config_bls = {
    .name = "loader entries", .paths = bls_paths, .of_directories = true, .parse = bls_parse,
};

/* Syslinux looks in the directory where it is installed, which nobody can tell here, then in these (core/fs/lib/
 * loadconfig.c; for a CD fs/iso9660/iso9660.c; efi/). The first ones are U-Boot's, pygrub's and extlinux's habit. */
static const char *const extlinux_paths[] = {
    "/boot/extlinux/extlinux.conf",
    "/extlinux/extlinux.conf",
    "/boot/extlinux.conf",
    "/boot/extlinux/syslinux.cfg",
    "/extlinux/syslinux.cfg",
    "/boot/isolinux/isolinux.cfg",
    "/isolinux/isolinux.cfg",
    "/boot/x86_64/loader/isolinux.cfg",
    "/boot/syslinux/extlinux.conf",
    "/boot/syslinux/syslinux.cfg",
    "/syslinux/extlinux.conf",
    "/syslinux/syslinux.cfg",
    "/syslinux/isolinux.cfg",
    "/boot/syslinux.cfg",
    "/extlinux.conf",
    "/isolinux.cfg",
    "/syslinux.cfg",
    "/EFI/syslinux/syslx64.cfg",
    "/EFI/syslinux/syslinux.cfg",
    "/EFI/BOOT/syslx64.cfg",
    "/EFI/BOOT/syslinux.cfg",
    NULL,
};
const struct config_dialect config_extlinux = {
    .name = "extlinux.conf", .paths = extlinux_paths, .parse = extlinux_parse,
};

/* The first ones are where the whole config is; on an ESP there may be one that only leads there. */
static const char *const grub_paths[] = {
    "/boot/grub/grub.cfg",      "/grub/grub.cfg",       "/boot/grub2/grub.cfg", "/grub2/grub.cfg",
    "/EFI/debian/grub.cfg",     "/EFI/ubuntu/grub.cfg", "/EFI/fedora/grub.cfg", "/EFI/redhat/grub.cfg",
    "/EFI/centos/grub.cfg",     "/EFI/rocky/grub.cfg",  "/EFI/almalinux/grub.cfg", "/EFI/opensuse/grub.cfg",
    "/EFI/BOOT/grub.cfg",       "/grub.cfg",            "/flatcar/grub/grub.cfg.tar", NULL,
};
const struct config_dialect config_grub = {
    .name = "grub.cfg", .paths = grub_paths, .parse = grub_parse,
};
