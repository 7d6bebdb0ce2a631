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

/* What the Makefile's PLACES did: behind these codes, four bytes that are a number below 1 MiB of either sign say a
 * place from late_start on, and become the way there. */
static void places_to_ways(void)
{
    for (u8 *at = late_end - 4; at > late_start; at--) {
        i32 way = (i32)load_le(at, 4);
        if (((at[-1] & 0xfe) != 0xe8 && (at[-1] & 0xc7) != 5) || way < -(i32)MIB(1) || way >= (i32)MIB(1))
            continue;
        way = (i32)((u32)(way - (i32)(at - late_start)) << 11) >> 11;
        memcpy(at, &way, 4);
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
    places_to_ways();
}
