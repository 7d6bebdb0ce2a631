/* tables.c: the lists of tables.h as arrays, NULL-terminated. */
#include "tables.h"

#define TABLE(type, prefix, array, LIST)                                                                               \
    LIST(DECLARE_##prefix)                                                                                             \
    const struct type *const array[] = {LIST(ELEMENT_##prefix) NULL};

#define DECLARE_entry(n) extern const struct entry_protocol entry_##n;
#define ELEMENT_entry(n) &entry_##n,
TABLE(entry_protocol, entry, entry_protocols, ENTRY_PROTOCOLS)

#define DECLARE_bus(n) extern const struct bus bus_##n;
#define ELEMENT_bus(n) &bus_##n,
TABLE(bus, bus, buses, BUSES)

#define DECLARE_disk(n) extern const struct block_driver disk_##n;
#define ELEMENT_disk(n) &disk_##n,
TABLE(block_driver, disk, block_drivers, BLOCK_DRIVERS)

#define DECLARE_scheme(n) extern const struct partition_scheme scheme_##n;
#define ELEMENT_scheme(n) &scheme_##n,
TABLE(partition_scheme, scheme, partition_schemes, PARTITION_SCHEMES)

#define DECLARE_fs(n) extern const struct filesystem fs_##n;
#define ELEMENT_fs(n) &fs_##n,
TABLE(filesystem, fs, filesystems, FILESYSTEMS)

#define DECLARE_config(n) extern const struct config_dialect config_##n;
#define ELEMENT_config(n) &config_##n,
TABLE(config_dialect, config, config_dialects, CONFIG_DIALECTS)

#define DECLARE_payload(n) extern const struct payload_protocol payload_##n;
#define ELEMENT_payload(n) &payload_##n,
TABLE(payload_protocol, payload, payload_protocols, PAYLOADS)

#define DECLARE_console(n) extern const struct console console_##n;
#define ELEMENT_console(n) &console_##n,
TABLE(console, console, consoles, CONSOLES)
