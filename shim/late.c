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
extern const u8 late_packed[]; /* u32 size; then that many bytes: a DEFLATE stream */

/* What the Makefile's CALLS_ABSOLUTE did: behind a byte that is the code of a call or a jump, four that say no more than
 * 25 bits with a sign are where it goes, counted from late_start, and become how far that is. */
static void calls_relative(void)
{
    for (u8 *at = late_start; at + 5 <= late_end; at++) {
        if ((*at & ~1u) != 0xe8 || (at[4] && at[4] != 0xff))
            continue;
        i32 way = (i32)((u32)(load_le(at + 1, 4) - (u64)(at + 1 - late_start)) << 7) >> 7;
        memcpy(at + 1, &way, 4);
        at += 4;
    }
}

void late_load(void)
{
    static bool loaded;
    u64 size = 0;
    if (loaded)
        return;
    loaded = true;
    _Static_assert(START_WORK >= INFLATE_WORK, "no arena is needed: it may be full");
    u64 room = (u64)(late_end - late_start), packed = load_le(late_packed, 4);
    if (inflate(late_packed + 4, packed, late_start, room, start_work, &size) || size != room)
        panic("shim.elf is damaged: its packed menu: %s", *error_text() ? error_text() : "too small");
    calls_relative();
}
