/* test_inflate.c: DEFLATE, as gzip writes it, and as nobody should. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <unistd.h>

#include "host.h"

#include "inflate.h"
#include "tools.h"

static u8 out[1 << 20];
static u16 work[INFLATE_WORK / 2];

/* in lies where reading past its end is seen. */
static enum error unpack_all(const u8 *in, u64 size, u64 room, u64 *got)
{
    u8 *copy = malloc(size ? size : 1), *to = malloc(room ? room : 1);
    memcpy(copy, in, size);
    enum error error = inflate(copy, size, to, room, work, got);
    assert_true(*got <= room);
    memcpy(out, to, *got);
    free(copy);
    free(to);
    return error;
}

static void small_streams(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        u32 size;
        const char *text;
    } cases[] = {
        {"\x03\x00", 2, ""},
        {"\x4b\x4c\x84\x01\x00", 5, "aaaaaaaaaa"},                     /* two letters and a copy from one before */
        {"\x01\x03\x00\xfc\xff" "abc", 8, "abc"},                  /* stored */
        {"\x00\x01\x00\xfe\xff" "x" "\x01\x01\x00\xfe\xff" "y", 12, "xy"},
        {"\x4b\x4c\x4a\x06\x00", 5, "abc"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        u64 size;
        host_reset();
        enum error error = unpack_all((const u8 *)cases[i].bytes, cases[i].size, 100, &size);
        assert_int_equal(error, OK);
        assert_int_equal(size, strlen(cases[i].text));
        assert_memory_equal(out, cases[i].text, size);
    }
}

static void broken_streams(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        u32 size;
        enum error error;
        const char *sentence;
    } cases[] = {
        {"", 0, ERR_TRUNCATED, "ends inside"},
        {"\x01\x03\x00\xfc\xff" "ab", 7, ERR_TRUNCATED, "ends inside"},
        {"\x01\x03\x00\xfc", 4, ERR_TRUNCATED, "ends inside"},
        {"\x01\x03\x00\xfc\xfe" "abc", 8, ERR_CORRUPT, "complement"},
        {"\x07", 1, ERR_CORRUPT, "type 3"},
        {"\x01\xff\xff\x00\x00" "abc", 8, ERR_RANGE, "more than the expected 100"},
        {"\x03\x02\x00", 3, ERR_CORRUPT, "before the beginning"}, /* a copy first of all */
        {"\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 12, ERR_CORRUPT, "make no sense"},
        {"\xfd\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12, ERR_CORRUPT, "Huffman code"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        u64 size;
        host_reset();
        assert_int_equal(unpack_all((const u8 *)cases[i].bytes, cases[i].size, 100, &size), cases[i].error);
        assert_non_null(strstr(error_text(), cases[i].sentence));
    }
}

/* What gzip makes of real files, at several levels, and cut at many places. */
static void what_gzip_writes(void **state)
{
    (void)state;
    char to[100];
    line_of(to, sizeof to, "mktemp");
    static const char *const files[] = {"shim/inflate.c", "/bin/ls", "/dev/null"};
    for (u32 i = 0; i < ARRAY_COUNT(files); i++)
        for (u32 level = 1; level <= 9; level += 4) {
            u64 packed_size, size, got;
            host_reset();
            run("gzip -n -%u -c %s >%s", level, files[i], to);
            u8 *packed = host_file(to, &packed_size), *plain = host_file(files[i], &size);
            assert_true(size < sizeof out);
            assert_int_equal(unpack_all(packed + 10, packed_size - 10, size, &got), OK); /* RFC 1952 §2.3 */
            assert_int_equal(got, size);
            assert_memory_equal(out, plain, size);
            for (u64 cut = 0; cut + 18 < packed_size; cut += packed_size / 20 + 1)
                assert_int_equal(unpack_all(packed + 10, cut, size, &got), ERR_TRUNCATED);
            if (size)
                assert_int_equal(unpack_all(packed + 10, packed_size - 10, size - 1, &got), ERR_RANGE);
            free(packed);
            free(plain);
        }
    unlink(to);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_streams),
        cmocka_unit_test(broken_streams),
        cmocka_unit_test(what_gzip_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
