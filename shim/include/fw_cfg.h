/* fw_cfg.h: files that the host hands over beside the boot protocol: QEMU's firmware configuration device. */
#ifndef SHIM_FW_CFG_H
#define SHIM_FW_CFG_H

#include "base.h"
#include "error.h"

#define FW_CFG_CONFIG "opt/org.shim/config" /* a config text */
#define FW_CFG_ARGUMENTS "opt/org.shim/args" /* more arguments */

/* Read the item `name` into the arena: *bytes gets *size bytes and a zero behind them. ERR_NOT_FOUND, without a trail,
 * when there is no such item or no such device; ERR_RANGE when it is larger than size_max; ERR_NO_MEMORY; ERR_TIMEOUT.
 * Source: QEMU docs/specs/fw_cfg.rst. */
enum error fw_cfg_read(const char *name, u32 size_max, const char **bytes, u32 *size);

#endif
