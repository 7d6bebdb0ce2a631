/* payload.h: what we boot. recognise → plan → claim → read → prepare → enter.
 *
 * plan() decides and claims every address from headers and map alone, pure but for reading headers of its own files;
 * load.c then moves modules that lie in the way, reads straight to the destinations, and prepare() writes the hand-over
 * record. Nothing of the payload's memory is touched before the plan is complete.
 */
#ifndef SHIM_PAYLOAD_H
#define SHIM_PAYLOAD_H

#include "base.h"
#include "boot_info.h"
#include "config.h"
#include "error.h"
#include "file.h"
#include "memory.h"

#define PLACEMENTS_MAX 96
#define HEAD_SIZE 4096u /* bytes of the kernel file read for recognise(); fewer when the file is shorter */

/* What tells a bzImage to those who only look at it (Linux, Documentation/arch/x86/boot.rst): the magic number's place in
 * the file, and what the offset of the text that names its version counts from. */
#define LINUX_MAGIC_AT 0x202u
#define LINUX_MAGIC 0x53726448u /* "HdrS" */
#define LINUX_VERSION_BASE 0x200u

/* file bytes [file_offset, file_offset + file_size) go to dest; the rest of mem_size is zeroed. from NULL: all zero. */
struct placement {
    const struct file *from;
    u64 file_offset, file_size;
    u64 dest, mem_size;
    const char *what; /* "kernel", "kernel segment 2", "initrd", "module 0": owner of the claim */
};

/* How the payload is entered. */
enum handoff_mode {
    HANDOFF_PVH,     /* 32-bit flat, paging off, EBX = record, TR loaded, CR4 = 0, EFER = 0 */
    HANDOFF_LINUX32, /* 32-bit flat, ESI = record, CS 10h DS 18h */
    HANDOFF_LINUX64, /* long mode, identity map, RSI = record, CS 10h DS 18h */
    HANDOFF_REAL,    /* real mode, CS = segment + 20h, DS = ES = SS = segment, SP = stack: 16-bit boot protocol */
};

struct payload {
    const struct payload_protocol *protocol;
    const struct boot_entry *entry;
    struct file kernel;
    u8 *head;         /* first head_size bytes of the kernel */
    u32 head_size;
    struct file initrd[ENTRY_FILES_MAX + 2]; /* Linux: concatenated; PVH: modules after `module`. 2: of a container */
    u32 initrd_count;
    struct file module[ENTRY_FILES_MAX];  /* PVH modlist */
    const char *module_text[ENTRY_FILES_MAX];
    u32 module_count;
    const char *cmdline; /* options and the text behind `--`; never NULL */
    struct placement placement[PLACEMENTS_MAX];
    u32 placement_count;
    enum handoff_mode mode;
    const char *mode_name; /* for the log: "linux64", "linux32", "pvh" */
    u64 entry_point;
    u64 record;            /* zero page or start_info, physical; for HANDOFF_REAL the segment's base */
    u64 record_size;       /* bytes claimed there */
    u64 cmdline_address;
    u64 own_stack;         /* HANDOFF_REAL: SP in the segment */
    void *own;             /* the protocol's own plan, in the arena */
};

struct payload_protocol {
    const char *name; /* "linux", "pvh" */

    /* ERR_NOT_MINE silently for another's file; ERR_CORRUPT, ERR_UNSUPPORTED or ERR_TRUNCATED with a sentence (no file
     * name: the caller adds it) when it is ours but cannot be booted. head: the first len bytes of the file, 0 to
     * HEAD_SIZE; size: of the whole file. */
    enum error (*recognise)(const u8 *head, u32 len, u64 size);

    /* Fill placements, mode, entry_point, record addresses, claiming every byte in *space (which already holds the
     * shim and, on a first try, the loader's modules). payload->kernel, head, initrd, module, cmdline are set. Fixed
     * addresses are claimed first; a conflict is a sentence. On error the space is thrown away. */
    enum error (*plan)(struct payload *payload, struct mem_space *space);

    /* After every placement is read: write the record at payload->record and what it points to. May only write to
     * memory that plan() claimed. */
    enum error (*prepare)(struct payload *payload, const struct boot_info *boot);
};

/* Add a placement and claim it (unless claimed by a bigger one: claim = false). */
enum error placement_add(struct payload *payload, struct mem_space *space, const struct placement *placement,
                         bool claim);

/* Placements of whole files one behind the other from base on, each filled up to a multiple of 4 bytes with zeros, in
 * memory that is claimed already. */
enum error placement_add_row(struct payload *payload, struct mem_space *space, const struct file *files, u32 count,
                             u64 base, const char *what);

/* True when some protocol takes the module's content for a kernel of its own (even a broken one). */
bool module_is_kernel(const struct module *module);

/* Whole loading of one entry: opens its files, recognises, plans, moves modules that lie in the way, reads, prepares.
 * keep: memory that must survive until the jump (the shim's own). NULL with the trail set on any failure; then the menu
 * can go on: everything taken from the arena since the call is given back, and moved modules work where they are. */
struct payload *payload_load(const struct boot_entry *entry, const struct volume_list *volumes, struct boot_info *boot,
                             const struct arguments *arguments, const struct mem_range *keep);

/* Reset devices, leave. Does not return. Target only (main.c). */
_Noreturn void payload_enter(const struct payload *payload, struct disk_list *disks);

#endif
