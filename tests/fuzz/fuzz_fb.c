/* fuzz_fb.c: a framebuffer as a loader may describe it, and text and drawing on it. Nothing is written beside its
 * pixels, and clearing leaves nothing of what was drawn.
 *
 * 13 bytes: width, height (u16), what a row has more than its pixels need, 24 or 32 bits, base, then position and size
 * of the three colours. The rest is written as it is, but for F8h (move to the row and column that follow), F9h
 * (attribute), FAh (clear), FBh (cursor), FCh (leave).
 */
#include <string.h>

#include "host.h"

#include "console.h"

#define BASE 0x40000000u
#define ROOM MIB(3) /* for 1024x768 by 32 */
#define GUARD 4096u
#define UNTOUCHED 0x5a
#define SIZE_MAX_TAKEN 600u /* drawing is slow when every comparison is watched */

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static const u8 *data_at, *data_end;

static u8 next(void)
{
    return data_at < data_end ? *data_at++ : 0;
}

static void draw_all(void)
{
    while (data_at < data_end) {
        const u8 *first = data_at;
        while (data_at < data_end && (*data_at < 0xf8 || *data_at > 0xfc))
            data_at++;
        console_write((const char *)first, (u32)(data_at - first));
        switch (next()) {
        case 0xf8: {
            u32 row = next();
            console_move(row, next());
            break;
        }
        case 0xf9:
            console_attribute(next() % 4);
            break;
        case 0xfa:
            console_clear();
            break;
        case 0xfb:
            console_cursor(next() & 1);
            break;
        case 0xfc:
            console_leave();
        }
    }
}

/* All of them the same: the first, and each as the one before it. */
static void check_bytes(const u8 *bytes, u64 count, u8 expected, const char *where)
{
    if (count && (bytes[0] != expected || memcmp(bytes, bytes + 1, count - 1)))
        panic("something is drawn %s", where);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct boot_info boot = {0};
    struct framebuffer *f = &boot.framebuffer;
    if (size < 13)
        return 0;
    data_at = data, data_end = data + min_u64(size, SIZE_MAX_TAKEN);
    f->width = next(), f->width |= (u32)next() << 8;
    f->height = next(), f->height |= (u32)next() << 8;
    u8 more = next();
    f->depth = next() & 1 ? 24 : 32;
    f->base = BASE + next() % 16u;
    f->pitch = f->width * (f->depth / 8u) + more % 64u;
    u8 *colours[] = {&f->red_position, &f->red_size, &f->green_position, &f->green_size, &f->blue_position,
                     &f->blue_size};
    for (u32 i = 0; i < ARRAY_COUNT(colours); i++)
        *colours[i] = next();
    host_reset();
    log_level = LOG_SILENT;
    host_address_end = BASE + ROOM;
    u64 bytes = (u64)f->pitch * f->height;
    if (!fits(f->base, bytes, host_address_end)) {
        consoles_open(&boot, text_of("none,fb"));
        return 0;
    }
    u8 *video = mem_at(f->base, bytes);
    memset(video - GUARD, UNTOUCHED, bytes + 2 * GUARD);
    consoles_open(&boot, text_of("none,fb"));
    draw_all();
    console_clear();
    check_bytes(video - GUARD, GUARD, UNTOUCHED, "in front");
    check_bytes(video + bytes, GUARD, UNTOUCHED, "behind");
    u32 used = f->width * (f->depth / 8u);
    for (u32 y = 0; y < f->height; y++) {
        check_bytes(video + (u64)y * f->pitch, used, console_is_open("fb") ? 0 : UNTOUCHED, "of a row");
        check_bytes(video + (u64)y * f->pitch + used, f->pitch - used, UNTOUCHED, "behind a row");
    }
    return 0;
}
