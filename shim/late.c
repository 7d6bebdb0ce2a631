/* late.c: the parts that are unpacked when they are needed (late.h).
 *
 * core.ld gives their code and constants a place of their own behind everything else; their data, and with them all
 * pointers that start.c relocates, are among the others'. The Makefile packs them and puts the result where late_packed
 * is.
 */
#include "late.h"
#include "error.h"
#include "inflate.h"
#include "print.h"
#include "start.h"

/* core.ld */
extern u8 late_start[], late_end[];
extern const u8 late_packed[]; /* u32 size; then that many bytes: a gzip file (RFC 1952) without a name */

#define GZIP_HEAD 10u
#define GZIP_TAIL 8u

void late_load(void)
{
    static bool loaded;
    u64 size = 0;
    if (loaded)
        return;
    loaded = true;
    _Static_assert(START_WORK >= INFLATE_WORK, "no arena is needed: it may be full");
    u64 room = (u64)(late_end - late_start), packed = load_le(late_packed, 4) - GZIP_HEAD - GZIP_TAIL;
    if (inflate(late_packed + 4 + GZIP_HEAD, packed, late_start, room, start_work, &size) || size != room)
        panic("shim.elf is damaged: its packed menu: %s", *error_text() ? error_text() : "too small");
}
