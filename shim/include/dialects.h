/* dialects.h: the dialects that distributions' tools write: where each is looked for stands apart from its parser,
 * which is unpacked when the first of them is found (late.h). */
#ifndef SHIM_DIALECTS_H
#define SHIM_DIALECTS_H

#include "config.h"

extern const struct config_dialect config_bls, config_extlinux, config_grub;

/* As config_dialect.parse. */
enum error bls_parse(struct config *config, const struct config_file *file);
enum error extlinux_parse(struct config *config, const struct config_file *file);
enum error grub_parse(struct config *config, const struct config_file *file);

#endif
