/* test_volume.c: from disks to volumes: names, nested tables, and fs/foreign.c's names for what nothing here reads. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "host.h"
#include "tools.h"

#include "compression.h"
#include "mbr_disk.h"

#define IMAGE_BYTES MIB(8)

static u8 *image;
static struct disk_list disks;
static struct volume_list volumes;

static int setup(void **state)
{
    (void)state;
    image = calloc(1, IMAGE_BYTES);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(image);
    return 0;
}

/* Scan a disk over the first `size` bytes of image. */
static void scan(u64 size, const char *class)
{
    host_reset();
    disks.count = 0;
    host_disk(&disks, class, image, size, 512);
    volumes_scan(&disks, &volumes);
}

static void put_mbr(u64 byte, u32 slot, u8 type, u32 first, u32 count)
{
    struct mbr_sector *mbr = (struct mbr_sector *)(image + byte);
    mbr->entry[slot] = (struct mbr_entry){.type = type, .first = first, .count = count};
    memcpy(mbr->signature, "\x55\xaa", 2);
}

/* ---- foreign ----------------------------------------------------------------------------------------------------- */

static void magic_numbers_have_names(void **state)
{
    (void)state;
    /* Written down a second time, by the formats' documents. */
    static const struct {
        u32 at, len;
        const char *bytes, *name;
    } cases[] = {
        {0, 6, "LUKS\xba\xbe", "LUKS, encrypted"},
        {536, 8, "LVM2 001", "LVM physical volume"},
        {4096, 4, "\xfc\x4e\x2b\xa9", "mdraid"},
        {IMAGE_BYTES - 8192, 4, "\xfc\x4e\x2b\xa9", "mdraid"},
        {IMAGE_BYTES - 65536, 4, "\xfc\x4e\x2b\xa9", "mdraid"},
        {0, 4, "XFSB", "xfs"},
        {65600, 8, "_BHRfS_M", "btrfs"},
        {131072, 8, "\x0c\xb1\xba\0\0\0\0\0", "zfs"},
        {4120, 16, "\xc6\x85\x73\xf6\x66\xce\x90\xa9\xd9\x6a\x60\xcf\x80\x3d\xf7\xef", "bcachefs"},
        {3, 8, "NTFS    ", "ntfs"},
        {3, 8, "EXFAT   ", "exfat"},
        {0, 4, "hsqs", "squashfs"},
        {1024, 4, "\xe2\xe1\xf5\xe0", "erofs"},
        {4086, 10, "SWAPSPACE2", "swap"},
        {16408, 8, "version\0", "zfs"},
        {1024, 8, "\2\0\0\0\0\0\x34\x34", "nilfs2"},
        {1040, 4, "\x8f\x13\1\0", "minix"},
        {4096, 6, "OCFSV2", "ocfs2"},
        {0, 6, "verity", "dm-verity hashes"},
        {0, 4, "QFI\xfb", "a qcow2 image, expected a raw one"},
        {64, 4, "\x7f\x10\xda\xbe", "a VDI image, expected a raw one"},
        {66908, 4, "\x19\x01\x54\x19", "UFS2"},
        {9564, 4, "\x54\x19\x01\0", "UFS1"},
        {512, 4, "\x57\x45\x56\x82", "BSD label"},
        {34817, 5, "NSR03", "UDF"},
        {0, 2, "\x1f\x8b", "gzip-compressed"},
        {0, 6, "\xfd" "7zXZ\0", "xz-compressed"},
        {0, 4, "\x28\xb5\x2f\xfd", "zstd-compressed"},
        {514, 4, "HdrS", "a Linux kernel"},
        {0, 6, "070701", "cpio archive"},
        {0, 0, "", "its first 512 bytes are zeros"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        char line[128];
        memset(image, 0, IMAGE_BYTES);
        memcpy(image + cases[i].at, cases[i].bytes, cases[i].len);
        scan(IMAGE_BYTES, NULL);
        snprintf(line, sizeof line, "volume vda: %s", cases[i].name);
        expect_log(line);
        expect_log(": skipped");
        assert_int_equal(volumes.count, 1);
        assert_null(volumes.volume[0]->fs);
        assert_non_null(volumes.volume[0]->reason);
    }
}

/* A volume that ends before a magic number's place, and one whose blocks cannot be read. */
static void small_and_broken_volumes(void **state)
{
    (void)state;
    for (u32 size = 512; size <= 8192; size += 512) {
        memset(image, 0x11, size);
        scan(size, NULL);
        expect_log("volume vda: no filesystem that is known here");
    }
    host_reset();
    disks.count = 0;
    host_disk(&disks, NULL, image, IMAGE_BYTES, 512);
    host_disk_fail_lba = 0;
    volumes_scan(&disks, &volumes);
    expect_log("volume vda: vda: block 0: injected read error: skipped");
}

static enum error read_in_vain(struct block_device *disk, const struct block_span *spans, u32 count)
{
    (void)spans, (void)count;
    disk_lost(disk);
    return fail(ERR_TIMEOUT, "%s: no answer within 10 s", disk->name);
}

/* The first look finds it out, and says so; what is asked afterwards tells nothing more. */
static void silent_disks(void **state)
{
    (void)state;
    static const struct block_driver silent = {.name = "silent", .read = read_in_vain};
    host_reset();
    disks.count = 0;
    host_disk(&disks, NULL, image, IMAGE_BYTES, 512)->driver = &silent;
    volumes_scan(&disks, &volumes);
    assert_string_equal(host_log(), "shim: volume vda: vda: no answer within 10 s: skipped\n");
    assert_string_equal(volumes.volume[0]->reason, "vda: no answer within 10 s");
}

/* Where the table is what is wrong, that is the reason for a list of volumes that cannot be booted. */
static void broken_tables(void **state)
{
    (void)state;
    memset(image, 0x11, IMAGE_BYTES);
    memcpy(image + 4096, "EFI PART", 8);
    memcpy(image + 4096 + 24, "\1\0\0\0\0\0\0", 8); /* the block that it is in */
    scan(IMAGE_BYTES, NULL);
    expect_log("disk vda: GPT written for 4096-byte sectors, the disk has 512");
    expect_log("volume vda: GPT written for 4096-byte sectors, the disk has 512: skipped");
    assert_string_equal(volumes.volume[0]->reason, "GPT written for 4096-byte sectors, the disk has 512");
}

/* What Debian's own tools write; those that are not installed are left out. */
static void real_tools(void **state)
{
    (void)state;
    static const struct {
        const char *tool, *command, *says;
        u32 mib;
    } cases[] = {
        {"mkswap", "mkswap -q", "swap", 1},
        {"mkfs.minix", "mkfs.minix", "minix", 1},
        {"mkfs.minix", "mkfs.minix -2 -n 14", "minix", 1},
        {"mkfs.minix", "mkfs.minix -3", "minix", 1},
        {"qemu-img", "sh -c 'qemu-img create -q -f qcow2 $0 8M'", "a qcow2 image, expected a raw one", 1},
        {"qemu-img", "sh -c 'qemu-img create -q -f vmdk $0 8M'", "a VMDK image, expected a raw one", 1},
        {"qemu-img", "sh -c 'qemu-img create -q -f vhdx $0 8M'", "a VHDX image, expected a raw one", 1},
        {"qemu-img", "sh -c 'qemu-img create -q -f vdi $0 8M'", "a VDI image, expected a raw one", 1},
        {"qemu-img", "sh -c 'qemu-img create -q -f vpc $0 8M'", "a VHD image, expected a raw one", 1},
        {"mkfs.ntfs", "mkfs.ntfs -q -F -f", "ntfs", 2},
        {"mkfs.exfat", "mkfs.exfat", "exfat", 8},
        {"mkfs.xfs", "mkfs.xfs -q -f", "xfs", 300},
        {"mkfs.btrfs", "mkfs.btrfs -q -f", "btrfs", 128},
        {"mkfs.erofs", "sh -c 'mkfs.erofs $0 docs 2>&1'", "erofs", 1},
        {"mksquashfs", "sh -c 'mksquashfs docs $0 -noappend -quiet -no-progress >/dev/null'", "squashfs", 1},
        {"cryptsetup", "sh -c 'echo x | cryptsetup -q luksFormat --pbkdf pbkdf2 --pbkdf-force-iterations 1000 $0'",
         "LUKS, encrypted", 20},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        char path[] = "/tmp/shim-foreign-XXXXXX", command[512], line[128];
        int file = mkstemp(path);
        snprintf(command, sizeof command,
                 "PATH=$PATH:/usr/sbin:/sbin; command -v %s >/dev/null || exit 9; truncate -s %uM %s; "
                 "%s %s >/dev/null 2>&1",
                 cases[i].tool, cases[i].mib, path, cases[i].command, path);
        assert_true(file >= 0);
        int status = system(command);
        if (status == 9 << 8) {
            remove(path);
            continue;
        }
        u64 size;
        u8 *bytes = host_file(path, &size);
        remove(path);
        host_reset();
        disks.count = 0;
        host_disk(&disks, NULL, bytes, size, 512);
        volumes_scan(&disks, &volumes);
        snprintf(line, sizeof line, "volume vda: %s: skipped", cases[i].says);
        if (status || !strstr(host_log(), line))
            FAILED("%s: status %d, expected \"%s\" in\n%s", cases[i].command, status, line, host_log());
        free(bytes);
    }
}

/* ---- nested tables ----------------------------------------------------------------------------------------------- */

/* A partition with the image of a disk in it, whose second partition holds the image of another: once is enough. */
static void tables_nest_once(void **state)
{
    (void)state;
    memset(image, 0, IMAGE_BYTES);
    put_mbr(0, 0, 0x83, 2048, 2048);
    put_mbr(0, 1, 0x83, 4096, 8192);
    put_mbr(MIB(2), 0, 0x83, 128, 64);
    put_mbr(MIB(2), 1, 0xea, 1024, 4096);
    put_mbr(MIB(2) + 1024 * 512, 0, 0x83, 128, 64);
    memcpy(image + MIB(2) + 128 * 512, "XFSB", 4);
    scan(IMAGE_BYTES, NULL);
    expect_log("volume vda2: a disk image with a partition table");
    expect_log("volume vda2p1: xfs: skipped");
    expect_log("volume vda2p2: no filesystem that is known here");
    assert_int_equal(volumes.count, 4);
    const struct volume *v = volumes.volume[3];
    assert_int_equal(v->offset, MIB(2) + 1024 * 512);
    assert_int_equal(v->size, 4096 * 512);
    assert_int_equal(v->role, ROLE_MBR_BLS);
    assert_ptr_equal(v->disk, disks.disk[0]);
    u8 sector[512];
    assert_int_equal(volume_read(volumes.volume[3], 0, sizeof sector, sector), OK);
    assert_memory_equal(sector, image + MIB(2) + 1024 * 512, sizeof sector);

    /* The same as a module: its name ends in a digit. */
    scan(IMAGE_BYTES, "module");
    expect_log("volume module0p2p1: xfs: skipped");
}

/* The outer partition ends before the inner table's partitions do. */
static void nested_partitions_stay_inside(void **state)
{
    (void)state;
    memset(image, 0, IMAGE_BYTES);
    put_mbr(0, 0, 0x83, 2048, 1000);
    put_mbr(MIB(1), 0, 0x83, 100, 5000);
    put_mbr(MIB(1), 1, 0x83, 1000, 10);
    scan(IMAGE_BYTES, NULL);
    expect_log("disk vda1: partition 1: 5000 blocks from block 100 on a disk of 1000: cut at its end");
    expect_log("disk vda1: partition 2: 10 blocks from block 1000 on a disk of 1000: skipped");
    assert_int_equal(volumes.count, 2);
    assert_int_equal(volumes.volume[1]->size, 900 * 512);
}

/* ---- hybrid images ----------------------------------------------------------------------------------------------- */

#define ISO_FILE "/tmp/shim-volume-test.iso"

/* Scan what stands in ISO_FILE, `more` bytes of zeros behind it, on a disk of a class. */
static u8 *scan_iso(u64 more, const char *class, u32 block_size, bool removable, const char *with)
{
    u64 size;
    u8 *file = host_file(ISO_FILE, &size), *bytes = calloc(1, size + more);
    memcpy(bytes, file, size);
    free(file);
    if (with)
        memcpy(bytes + 446, with, 64);
    host_reset();
    disks.count = 0;
    host_disk(&disks, class, bytes, align_down(size + more, block_size), block_size)->removable = removable;
    volumes_scan(&disks, &volumes);
    return bytes;
}

static u32 line_count(const char *of)
{
    u32 count = 0;
    for (const char *at = host_log(); (at = strstr(at, of)); at++)
        count++;
    return count;
}

/* grub-mkrescue writes a GPT, an MBR and an APM beside the ISO, all of which name parts of it. */
static void a_hybrid_is_its_iso(void **state)
{
    (void)state;
    if (system("command -v grub-mkrescue >/dev/null")) {
        skip();
        return;
    }
    run("D=$(mktemp -d) && echo hello >$D/file && grub-mkrescue -o %s $D --locales= --fonts= --themes= -- "
        "-volid HYBRID >/dev/null 2>&1; rm -r $D",
        ISO_FILE);
    u8 *bytes = scan_iso(0, "vd", 512, false, NULL);
    expect_log("volume vda: iso9660 ");
    assert_int_equal(line_count("volume vd"), 1);
    free(bytes);
    bytes = scan_iso(0, "sr", 2048, true, NULL);
    expect_log("volume sr0: iso9660 ");
    assert_int_equal(line_count("sr0"), 1);
    free(bytes);
    remove(ISO_FILE);
}

/* As isohybrid does it: one partition over the whole image, one of a file in it; a third lies behind the image. */
static void partitions_behind_an_iso_are_volumes(void **state)
{
    (void)state;
    run("D=$(mktemp -d) && echo hello >$D/file && xorriso -as mkisofs -quiet -R -V PLAIN -o %s $D; rm -r $D", ISO_FILE);
    struct mbr_entry entries[4] = {
        {.flag = 0x80, .type = 0x17, .first = 0, .count = 1000},
        {.type = 0xef, .first = 300, .count = 20},
        {.type = 0x83, .first = 8000, .count = 2000},
    };
    u64 size;
    free(host_file(ISO_FILE, &size));
    assert_true(size < 8000 * 512);
    struct mbr_sector mbr = {.signature = {0x55, 0xaa}};
    memcpy(mbr.entry, entries, sizeof entries);
    u8 table[66];
    memcpy(table, (u8 *)&mbr + 446, 66);
    FILE *f = fopen(ISO_FILE, "r+b");
    fseek(f, 446, SEEK_SET);
    fwrite(table, 1, sizeof table, f);
    fclose(f);
    u8 *bytes = scan_iso(10000 * 512 - size, "vd", 512, false, NULL);
    expect_log("volume vda: iso9660 ");
    expect_log("volume vda3: ");
    assert_int_equal(line_count("partition"), 0); /* nothing is wrong with the first */
    assert_int_equal(volumes.count, 2);
    free(bytes);
    entries[1] = entries[2] = (struct mbr_entry){0};
    bytes = scan_iso(10000 * 512 - size, "vd", 512, false, (const char *)entries); /* isohybrid without options */
    expect_log("volume vda: iso9660 ");
    assert_int_equal(line_count("vda"), 1);
    free(bytes);

    /* Partitioned anew: the descriptor is left over, the table counts. */
    entries[0] = (struct mbr_entry){.type = 0x83, .first = 200, .count = 9000};
    bytes = scan_iso(10000 * 512 - size, "vd", 512, false, (const char *)entries);
    expect_log("volume vda: iso9660 left over from before the disk was partitioned: skipped");
    expect_log("volume vda1: ");
    assert_int_equal(volumes.count, 1);
    free(bytes);
    remove(ISO_FILE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(magic_numbers_have_names),
        cmocka_unit_test(small_and_broken_volumes),
        cmocka_unit_test(silent_disks),
        cmocka_unit_test(broken_tables),
        cmocka_unit_test(real_tools),
        cmocka_unit_test(tables_nest_once),
        cmocka_unit_test(nested_partitions_stay_inside),
        cmocka_unit_test(a_hybrid_is_its_iso),
        cmocka_unit_test(partitions_behind_an_iso_are_volumes),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
