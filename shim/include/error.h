/* error.h: codes and the trail of sentences.
 *
 * Three outcomes, never confused: *not mine* (silent, try the next), *broken* (say so, go on), *our bug* (panic).
 * The sentence is written where the fact is known; a caller adds one only when it knows more.
 */
#ifndef SHIM_ERROR_H
#define SHIM_ERROR_H

#include "base.h"

enum error {
    OK = 0,
    ERR_NOT_MINE,    /* another driver's, filesystem's or protocol's; carries no sentence */
    ERR_NOT_FOUND,   /* no such file, entry, volume */
    ERR_CORRUPT,     /* contradicts its own format */
    ERR_UNSUPPORTED, /* right, but beyond what we read */
    ERR_TRUNCATED,   /* ends before its format says */
    ERR_IO,          /* the device answered with a failure */
    ERR_TIMEOUT,     /* the device did not answer in time */
    ERR_RANGE,       /* past the end of a device, file or table */
    ERR_NO_MEMORY,   /* arena or guest memory used up */
    ERR_CONFLICT,    /* two owners want the same memory */
    ERR_SYNTAX,      /* a config or argument that cannot be understood */
};

/* Start a new trail with this sentence (no "shim: ", no newline, no final stop) and return code. printf subset of
 * print.h. The trail is cut at 1 KiB. */
enum error fail(enum error code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Put a sentence in front of the trail ("shim.cfg:12: entry debian") and return code, for `return error_add(e, …)`. */
enum error error_add(enum error code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The trail as one line, outermost sentence first, joined by ": "; "" when nothing failed. Valid until next fail(). */
const char *error_text(void);

/* Print the trail as `shim: error: …` on every console and clear it. Nothing when it is empty. */
void error_show(void);

/* Forget the trail (the failure was expected, or told otherwise). */
void error_clear(void);

/* Our own bug: print the sentence and stop, offering a reboot. Never for what a disk, firmware or user can cause.
 * On the host: abort(). */
_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
