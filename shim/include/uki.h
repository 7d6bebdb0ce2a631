/* uki.h: unified kernel images (UAPI.5): PE files that hold a Linux kernel and what belongs to it. Opened as
 * containers: no EFI is needed. */
#ifndef SHIM_UKI_H
#define SHIM_UKI_H

#include "base.h"
#include "error.h"
#include "file.h"

/* The parts are windows into the file itself; size 0: there is none. */
struct uki {
    struct file kernel;          /* ".linux": a bzImage */
    struct file microcode, initrd; /* ".ucode", ".initrd": in this order in front of every other initrd */
    struct file cmdline, osrel, uname, profile;
};

/* Recognise and take apart. ERR_NOT_MINE silently when file is no PE or has no .linux section (a bare kernel with an
 * EFI stub is none); ERR_CORRUPT or ERR_TRUNCATED with a sentence for a damaged one; ERR_UNSUPPORTED for another
 * architecture; else as file_read(). profile: which of them, from 0, in an image with several (".profile"): its
 * sections go before those that all share; ERR_NOT_MINE for one behind the last. *uki is untouched but for OK. */
enum error uki_open(const struct file *file, u32 profile, struct uki *uki);

/* A part that is a text (osrel, uname, profile), read into the arena, up to a NUL; empty when there is none. ERR_RANGE
 * beyond 64 KiB; else as file_read_all(). */
enum error uki_text(const struct file *part, struct text *text);

/* The kernel command line: .cmdline in one line without blanks around it. Errors as uki_text(). */
enum error uki_cmdline(const struct uki *uki, struct text *options);

#endif
