/* test_uki.c: unified kernel images (UAPI.5) made by hand, each field of one broken in turn, and one that objcopy made
 * of systemd's stub where that is installed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "host.h"

#include "expect.h"
#include "file.h"
#include "pe.h"
#include "tools.h"
#include "uki.h"

#define AT 0x2000000u
#define X64 0x8664u

static u8 image[16384];
static u32 size, profile;
static struct uki uki;

static enum error open_image(void)
{
    struct file file;
    host_poke(AT, image, size);
    file_of_memory(&file, "(vda1)/x.efi", AT, size);
    memset(&uki, 0xee, sizeof uki);
    return uki_open(&file, profile, &uki);
}

static void make(u32 machine, const struct pe_part *parts)
{
    host_reset();
    memset(image, 0, sizeof image);
    size = pe_make(image, machine, parts);
}

static void expect_part(const struct file *part, const char *expected)
{
    char *bytes;
    u32 length;
    assert_int_equal(part->size, strlen(expected));
    assert_int_equal(file_read_all(part, 4096, &bytes, &length), OK);
    assert_string_equal(bytes, expected);
}

static const struct pe_part usual[] = {
    {".text", "code", 0}, {".osrel", "NAME=x\n", 0}, {".cmdline", "root=/dev/vda \n quiet\t\n", 0},
    {".ucode", "cpio 1", 0},
    {".uname", "6.1.0", 0}, {".initrd", "cpio 2", 0}, {".linux", "bzImage", 0}, {0},
};

static void its_parts(void **state)
{
    (void)state;
    struct text options, text;
    make(X64, usual);
    assert_int_equal(open_image(), OK);
    expect_part(&uki.kernel, "bzImage");
    expect_part(&uki.microcode, "cpio 1");
    expect_part(&uki.initrd, "cpio 2");
    expect_part(&uki.osrel, "NAME=x\n");
    assert_string_equal(uki.kernel.path, "(vda1)/x.efi: .linux");
    assert_int_equal(uki_cmdline(&uki, &options), OK);
    assert_true(text_equal(options, "root=/dev/vda   quiet"));
    assert_int_equal(uki_text(&uki.uname, &text), OK);
    assert_true(text_equal(text, "6.1.0"));
}

static void what_is_not_there_is_empty(void **state)
{
    (void)state;
    static const struct pe_part only[] = {{".linux", "k", 0}, {0}};
    struct text text;
    make(X64, only);
    assert_int_equal(open_image(), OK);
    assert_int_equal(uki.initrd.size + uki.microcode.size + uki.cmdline.size + uki.osrel.size + uki.uname.size, 0);
    assert_int_equal(uki_text(&uki.osrel, &text), OK);
    assert_int_equal(text.len, 0);
    assert_int_equal(uki_cmdline(&uki, &text), OK);
    assert_int_equal(text.len, 0);
}

/* ukify writes .profile in front of all that belongs to it. */
static void profiles(void **state)
{
    (void)state;
    static const struct pe_part base_first[] = {
        {".linux", "k", 0}, {".cmdline", "of all", 0}, {".osrel", "ID=a", 0}, {".profile", "ID=main", 0},
        {".cmdline", "of the first", 0}, {".cmdline", "twice", 0}, {".profile", "ID=2", 0},
        {".cmdline", "of the second", 0}, {".initrd", "of the second", 0}, {0},
    };
    static const struct pe_part profile_first[] = {
        {".profile", "ID=main", 0}, {".linux", "k", 0}, {".cmdline", "main", 0}, {".profile", "ID=2", 0},
        {".cmdline", "second", 0}, {0},
    };
    make(X64, base_first);
    assert_int_equal(open_image(), OK);
    expect_part(&uki.kernel, "k");
    expect_part(&uki.cmdline, "of the first");
    expect_part(&uki.profile, "ID=main");
    assert_int_equal(uki.initrd.size, 0);
    profile = 1;
    assert_int_equal(open_image(), OK);
    expect_part(&uki.kernel, "k");
    expect_part(&uki.osrel, "ID=a");
    expect_part(&uki.cmdline, "of the second");
    expect_part(&uki.initrd, "of the second");
    expect_part(&uki.profile, "ID=2");
    for (profile = 2; profile; profile = profile < 5 ? profile + 1 : 0) {
        assert_int_equal(open_image(), ERR_NOT_MINE);
        assert_string_equal(error_text(), "");
    }
    make(X64, profile_first);
    assert_int_equal(open_image(), OK);
    expect_part(&uki.cmdline, "main");
    profile = 1; /* there is no kernel in it */
    assert_int_equal(open_image(), ERR_CORRUPT);
    expect_error("its .linux section is empty");
    make(X64, usual);
    assert_int_equal(open_image(), ERR_NOT_MINE);
    profile = 0;
}

static void sizes(void **state)
{
    (void)state;
    u8 *linux_section = image + PE_TABLE + 6 * 40;
    make(X64, usual);
    pe_put(linux_section + 8, 3, 4); /* VirtualSize below SizeOfRawData: filled up */
    assert_int_equal(open_image(), OK);
    expect_part(&uki.kernel, "bzI");
    pe_put(linux_section + 8, 0x10000, 4); /* above it: zeros in memory, not in the file */
    pe_put(linux_section + 16, 5, 4);
    assert_int_equal(open_image(), OK);
    expect_part(&uki.kernel, "bzIma");
}

static void each_field_broken(void **state)
{
    (void)state;
    static const struct {
        u32 at, value, bytes;
        enum error error;
        const char *says;
    } cases[] = {
        {0, 'N', 1, ERR_NOT_MINE, ""},
        {0x3c, 0xffffffff, 4, ERR_NOT_MINE, ""},
        {0x3c, 0x100000, 4, ERR_NOT_MINE, ""},
        {PE_AT, 'Q', 1, ERR_NOT_MINE, ""},
        {PE_AT + 3, 1, 1, ERR_NOT_MINE, ""},
        {PE_AT + 4, 0xaa64, 2, ERR_UNSUPPORTED,
         "(vda1)/x.efi: a unified kernel image for machine aa64, expected 8664 (x86-64)"},
        {PE_AT + 6, 0, 2, ERR_NOT_MINE, ""},
        {PE_AT + 6, 6, 2, ERR_NOT_MINE, ""}, /* .linux is the seventh */
        {PE_AT + 6, 513, 2, ERR_UNSUPPORTED, "a PE file of 513 sections, expected at most 512"},
        {PE_AT + 6, 512, 2, ERR_TRUNCATED, "(vda1)/x.efi: truncated at"},
        {PE_AT + 20, 0xffff, 2, ERR_TRUNCATED, "(vda1)/x.efi: truncated at"},
        {PE_TABLE + 6 * 40, 'x', 1, ERR_NOT_MINE, ""},
        {PE_TABLE + 6 * 40 + 6, 'x', 1, ERR_NOT_MINE, ""},
        {PE_TABLE + 6 * 40 + 8, 0, 4, ERR_CORRUPT, "(vda1)/x.efi: its .linux section is empty"},
        {PE_TABLE + 6 * 40 + 16, 0, 4, ERR_CORRUPT, "its .linux section is empty"},
        {PE_TABLE + 6 * 40 + 20, 0xffffffff, 4, ERR_TRUNCATED,
         "(vda1)/x.efi: .linux: bytes 4294967295 to 4294967302 of a file"},
        {PE_TABLE + 1 * 40 + 20, 0x7fffffff, 4, ERR_TRUNCATED, "(vda1)/x.efi: .osrel: bytes"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        make(X64, usual);
        pe_put(image + cases[i].at, cases[i].value, cases[i].bytes);
        enum error error = open_image();
        if (error != cases[i].error)
            FAILED("case %u: %u, expected %u: %s", i, error, cases[i].error, error_text());
        if (cases[i].says[0])
            expect_error(cases[i].says);
        else
            assert_string_equal(error_text(), "");
        assert_int_equal(((u8 *)&uki)[0], 0xee); /* untouched */
    }
}

static void cut_short(void **state)
{
    (void)state;
    make(X64, usual);
    for (u32 needed = size - PE_ALIGN + 7; size; size--) {
        enum error error = open_image();
        if ((error == OK) != (size >= needed))
            FAILED("%u bytes of at least %u: %u", size, needed, error);
        error_clear();
    }
}

static void texts_are_bounded(void **state)
{
    (void)state;
    struct text text;
    make(X64, usual);
    assert_int_equal(open_image(), OK);
    uki.cmdline.size = KIB(64) + 1;
    assert_int_equal(uki_cmdline(&uki, &text), ERR_RANGE);
    expect_error("(vda1)/x.efi: .cmdline: 65537 bytes, expected at most 65536");
}

#define STUB "/usr/lib/systemd/boot/efi/linuxx64.efi.stub"

static void one_made_of_the_stub(void **state)
{
    (void)state;
    char dir[] = "/tmp/shim-test-uki-XXXXXX", path[64];
    struct text options;
    u64 bytes_size;
    if (system("test -e " STUB))
        skip();
    assert_non_null(mkdtemp(dir));
    run("cd %s && printf 'PRETTY_NAME=\"A b\"\\nID=a\\n' >osrel && "
        "printf 'root=LABEL=x quiet\\n' >cmdline && head -c 70000 /dev/urandom >linux && "
        "printf cpio >initrd && objcopy --add-section .osrel=osrel --change-section-vma .osrel=0x20000 "
        "--add-section .cmdline=cmdline --change-section-vma .cmdline=0x30000 --add-section .linux=linux "
        "--change-section-vma .linux=0x2000000 --add-section .initrd=initrd --change-section-vma .initrd=0x3000000 "
        STUB " x.efi 2>/dev/null", dir);
    host_reset();
    snprintf(path, sizeof path, "%s/x.efi", dir);
    u8 *bytes = host_file(path, &bytes_size);
    struct file file;
    host_poke(AT, bytes, bytes_size);
    file_of_memory(&file, "x.efi", AT, bytes_size);
    assert_int_equal(uki_open(&file, 0, &uki), OK);
    assert_int_equal(uki.kernel.size, 70000);
    expect_part(&uki.initrd, "cpio");
    assert_int_equal(uki_cmdline(&uki, &options), OK);
    assert_true(text_equal(options, "root=LABEL=x quiet"));
    u64 expected_size;
    snprintf(path, sizeof path, "%s/linux", dir);
    u8 *expected = host_file(path, &expected_size);
    u8 *got = malloc(expected_size);
    assert_int_equal(file_read(&uki.kernel, 0, expected_size, got), OK);
    assert_memory_equal(got, expected, expected_size);
    free(got);
    free(expected);
    free(bytes);
    run("rm -r %s", dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_parts),         cmocka_unit_test(what_is_not_there_is_empty),
        cmocka_unit_test(profiles),          cmocka_unit_test(sizes),
        cmocka_unit_test(each_field_broken), cmocka_unit_test(cut_short),
        cmocka_unit_test(texts_are_bounded), cmocka_unit_test(one_made_of_the_stub),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
