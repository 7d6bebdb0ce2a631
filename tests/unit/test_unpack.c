/* test_unpack.c: unpack.c against what the lz4 tool makes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "host.h"

#include <stdio.h>
#include <stdlib.h>

#include "unpack.h"

#define SLACK 8u       /* unpack() may touch so much behind the ends */
#define END_MARK 2u
#define FRAME_HEAD 11u /* as packed.asm */
#define FRAME_TAIL 4u

static u32 seed;
static const char *program; /* this one */

static u8 noise(void)
{
    seed = seed * 1664525 + 1013904223;
    return (u8)(seed >> 24);
}

/* Pack `size` bytes by the tool, unpack, compare. */
static void round_trip(const u8 *bytes, u32 size)
{
    char folder[] = "/tmp/shim-unpack-XXXXXX", command[200], path[100];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/plain", folder);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
    snprintf(command, sizeof command, "lz4 -q -f -12 -B7 --no-frame-crc %s/plain %s/packed", folder, folder);
    assert_int_equal(system(command), 0);
    u64 packed_size;
    snprintf(path, sizeof path, "%s/packed", folder);
    u8 *packed = host_file(path, &packed_size);
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);

    u64 block = packed_size - FRAME_HEAD - FRAME_TAIL;
    u8 *in = calloc(1, block + END_MARK + SLACK), *out = malloc(size + SLACK);
    memcpy(in, packed + FRAME_HEAD, block);
    assert_ptr_equal(unpack(out, in), out + size);
    assert_memory_equal(out, bytes, size);
    free(in), free(out), free(packed);
}

static void repeats_of_every_distance(void **state)
{
    (void)state;
    static u8 bytes[70000];
    for (u32 distance = 1; distance < 40; distance++) {
        for (u32 i = 0; i < 2000; i++)
            bytes[i] = i < distance ? noise() : bytes[i - distance];
        round_trip(bytes, 2000);
    }
    for (u32 i = 0; i < sizeof bytes; i++) /* the format's longest: 65535 */
        bytes[i] = i < 65535 ? noise() : bytes[i - 65535];
    round_trip(bytes, sizeof bytes);
}

static void lengths_around_the_steps(void **state)
{
    (void)state;
    static u8 bytes[3000];
    static const u32 lengths[] = {13,  14,  15,  16,  17,  18,  19,  20,  254, 255,
                                  256, 269, 270, 271, 274, 275, 524, 525, 780};
    for (u32 literals = 0; literals < ARRAY_COUNT(lengths); literals++)
        for (u32 match = 0; match < ARRAY_COUNT(lengths); match += 3) {
            u32 n = lengths[literals], m = lengths[match];
            for (u32 i = 0; i < n + m + 20; i++)
                bytes[i] = i < n || i >= n + m ? noise() : bytes[i - n];
            round_trip(bytes, n + m + 20);
        }
}

static void code_and_zeros(void **state)
{
    (void)state;
    u64 size;
    u8 *self = host_file(program, &size);
    round_trip(self, (u32)min_u64(size, 300000));
    memset(self, 0, 100000);
    round_trip(self, 100000);
    free(self);
}

int main(int argc, char **argv)
{
    (void)argc;
    program = argv[0];

    const struct CMUnitTest tests[] = {
        cmocka_unit_test(repeats_of_every_distance),
        cmocka_unit_test(lengths_around_the_steps),
        cmocka_unit_test(code_and_zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
