/* tables.h: everything linked in, in order: the table of contents. tables.c is the only file that names symbols across
 * folders. Order is meaning; each line says why it stands where it stands. */
#ifndef SHIM_TABLES_H
#define SHIM_TABLES_H

#include "block.h"
#include "boot_info.h"
#include "config.h"
#include "console.h"
#include "payload.h"
#include "volume.h"

#define ENTRY_PROTOCOLS(X)                                                                                             \
    X(multiboot1)                                                                                                      \
    X(pvh)

#define BUSES(X)                                                                                                       \
    X(pci)                                                                                                             \
    X(bios) /* before any driver takes a controller from it, and behind PCI, which tells what has been taken */        \
    X(virtio_mmio)

#define BLOCK_DRIVERS(X)                                                                                               \
    X(ramdisk)    /* first: contract §4, modules before disks */                                                       \
    X(virtio_blk)                                                                                                      \
    X(virtio_scsi)                                                                                                     \
    X(nvme)                                                                                                            \
    X(ahci)                                                                                                            \
    X(ide)                                                                                                             \
    X(int13)      /* last: the BIOS has what no other driver has taken */

#define PARTITION_SCHEMES(X)                                                                                           \
    X(gpt) /* first: its protective MBR is an MBR too */                                                               \
    X(mbr)

#define FILESYSTEMS(X)                                                                                                 \
    X(iso9660) /* first: hybrid images also look like FAT or an MBR disk */                                            \
    X(ext)                                                                                                             \
    X(fat)     /* its signature is the weakest */                                                                      \
    X(foreign) /* last: it reads nothing, it only names what the others do not read */

#define CONFIG_DIALECTS(X)                                                                                             \
    X(shim) /* first: contract §4; the foreign dialects follow it */                                                   \
    X(bls)  /* before grub.cfg, which only points to its entries where both are */                                     \
    X(extlinux)                                                                                                        \
    X(grub)

#define PAYLOADS(X)                                                                                                    \
    X(linux) /* first: a bzImage has a magic of its own; an ELF may be anything */                                     \
    X(pvh)

#define CONSOLES(X)                                                                                                    \
    X(serial)                                                                                                          \
    X(vga)                                                                                                             \
    X(fb)       /* either this or VGA's text mode is on */                                                             \
    X(keyboard) /* behind what it stands before */                                                                     \
    X(debugcon) /* last: it only writes */

extern const struct entry_protocol *const entry_protocols[];
extern const struct bus *const buses[];
extern const struct block_driver *const block_drivers[];
extern const struct partition_scheme *const partition_schemes[];
extern const struct filesystem *const filesystems[];
extern const struct config_dialect *const config_dialects[];
extern const struct payload_protocol *const payload_protocols[];
extern const struct console *const consoles[];

#endif
