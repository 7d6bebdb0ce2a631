/* boot_order.h: the host's wish which disk comes first. */
#ifndef SHIM_BOOT_ORDER_H
#define SHIM_BOOT_ORDER_H

#include "block.h"

/* Put disks into the order of QEMU's fw_cfg file "bootorder" (`-device …,bootindex=N`): modules stay first (contract
 * §4), then those it names, then the others as they were found. Names stay. Nothing where there is no such file. */
void boot_order_apply(struct disk_list *disks);

#endif
