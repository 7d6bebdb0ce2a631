/* foreign.c: what is on a volume that nothing here reads: recognised by its magic numbers and named, never "unknown".
 *
 * The offsets are those of the formats' on-disk layouts as libblkid (util-linux 2.38) and Linux' headers have them. One
 * magic number each: a name for a sentence, not a checked superblock. Stands last in tables.h, so that what can be read
 * has been. Exercised by tests/unit/test_volume.c, with the real tools where they are installed, and by
 * fuzz_partitions.
 */
#include "compression.h"
#include "print.h"
#include "volume.h"

extern const struct filesystem fs_foreign; /* by tables.c */

struct magic {
    u32 at; /* byte of the volume */
    u32 len;
    const char *text; /* the magic number, and behind it the name */
};

/* Containers before what may stand inside of them; long magic numbers before short ones. */
static const struct magic magics[] = {
    {0, 6, "LUKS\xba\xbe" "LUKS, encrypted"},
    {0x4000, 6, "SKUL\xba\xbe" "LUKS, encrypted (its first header is gone)"},
    {3, 8, "-FVE-FS-" "BitLocker, encrypted"},
    {512 + 24, 8, "LVM2 001" "LVM physical volume"},
    {24, 8, "LVM2 001" "LVM physical volume"},
    {4096, 4, "\xfc\x4e\x2b\xa9" "mdraid member (metadata 1.2)"},
    {0, 4, "\xfc\x4e\x2b\xa9" "mdraid member (metadata 1.1)"},
    {4096 + 24, 16, "\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81" "bcache"},
    {4096 + 24, 16, "\xc6\x85\x73\xf6\x66\xce\x90\xa9\xd9\x6a\x60\xcf\x80\x3d\xf7\xef" "bcachefs"},
    {0, 4, "XFSB" "xfs"},
    {65536 + 64, 8, "_BHRfS_M" "btrfs"},
    {16384 + 24, 8, "version\0" "zfs"}, /* the first pair of a vdev label's list */
    {131072, 8, "\x0c\xb1\xba\0\0\0\0\0" "zfs"},
    {3, 8, "NTFS    " "ntfs"},
    {3, 8, "EXFAT   " "exfat"},
    {3, 4, "ReFS" "ReFS"},
    {0, 4, "hsqs" "squashfs"},
    {1024, 4, "\xe2\xe1\xf5\xe0" "erofs"},
    {1024, 4, "\x10\x20\xf5\xf2" "f2fs"},
    {32768, 4, "JFS1" "jfs"},
    {65536 + 52, 6, "ReIsEr" "reiserfs"},
    {8192 + 52, 6, "ReIsEr" "reiserfs"},
    {65536 + 1372, 4, "\x19\x01\x54\x19" "UFS2"},
    {8192 + 1372, 4, "\x19\x01\x54\x19" "UFS2"},
    {8192 + 1372, 4, "\x54\x19\x01\0" "UFS1"},
    {1024 + 1372, 4, "\x54\x19\x01\0" "UFS1"},
    {32, 4, "NXSB" "APFS"},
    {1024, 4, "H+\0\4" "HFS+"},
    {1024, 4, "HX\0\5" "HFS+ (HFSX)"},
    {65536, 4, "\x01\x16\x19\x70" "gfs2"},
    {8192, 6, "OCFSV2" "ocfs2"},
    {4096, 6, "OCFSV2" "ocfs2"},
    {2048, 6, "OCFSV2" "ocfs2"},
    {1024, 8, "\2\0\0\0\0\0\x34\x34" "nilfs2"},
    {1024 + 16, 4, "\x7f\x13\1\0" "minix"}, /* its state tells that it is in order */
    {1024 + 16, 4, "\x8f\x13\1\0" "minix"},
    {1024 + 16, 4, "\x68\x24\1\0" "minix"},
    {1024 + 16, 4, "\x78\x24\1\0" "minix"},
    {1024 + 24, 6, "\x5a\x4d\0\0\0\4" "minix"},
    {0, 6, "verity" "dm-verity hashes"},
    {0, 4, "\x45\x3d\xcd\x28" "cramfs"},
    {0, 8, "-rom1fs-" "romfs"},
    {32768 + 2048 + 1, 4, "NSR0" "UDF"},
    {32768 + 4096 + 1, 4, "NSR0" "UDF"},
    {4096 - 10, 10, "SWAPSPACE2" "swap"},
    {4096 - 10, 9, "S1SUSPEND" "swap, with a hibernated system in it"},
    {16384 - 10, 10, "SWAPSPACE2" "swap"},
    {65536 - 10, 10, "SWAPSPACE2" "swap"},
    {512, 4, "\x57\x45\x56\x82" "BSD label, its partitions are left out"},
    {514, 4, "HdrS" "a Linux kernel, not a filesystem"},
    {0, 4, "\x7f" "ELF" "an ELF file, not a filesystem"},
    {0, 4, "QFI\xfb" "a qcow2 image, expected a raw one"},
    {0, 4, "KDMV" "a VMDK image, expected a raw one"},
    {0, 8, "vhdxfile" "a VHDX image, expected a raw one"},
    {0, 8, "conectix" "a VHD image, expected a raw one"},
    {64, 4, "\x7f\x10\xda\xbe" "a VDI image, expected a raw one"},
    {0, 5, "07070" "cpio archive (an initrd), not a filesystem"},
    {0, 2, "\xc7\x71" "cpio archive (an initrd), not a filesystem"},
};

#define MD_MAGIC 0xa92b4efcu
#define HEAD_BYTES 512u

/* md(4): metadata 1.0 stands 8 KiB from the end, rounded down to 4 KiB; 0.90 in the last whole 64 KiB. */
static bool is_md_at_end(struct volume *v)
{
    u64 sectors = v->size / 512, places[] = {
        sectors >= 16 ? align_down(sectors - 16, 8) * 512 : ~0ull,
        v->size >= KIB(64) ? align_down(v->size, KIB(64)) - KIB(64) : ~0ull,
    };
    for (u32 i = 0; i < ARRAY_COUNT(places); i++) {
        u32 magic;
        if (fits(places[i], sizeof magic, v->size) && volume_read(v, places[i], sizeof magic, &magic) == OK &&
            magic == MD_MAGIC)
            return true;
    }
    error_clear();
    return false;
}

/* head: the first HEAD_BYTES of the volume, where most magic numbers stand. */
static bool is_magic(struct volume *v, const struct magic *m, const u8 *head)
{
    u8 bytes[16];
    if (!fits(m->at, m->len, v->size))
        return false;
    if (fits(m->at, m->len, HEAD_BYTES))
        return !memcmp(head + m->at, m->text, m->len);
    if (volume_read(v, m->at, m->len, bytes)) {
        error_clear(); /* whoever wants to know more of the volume will meet it again */
        return false;
    }
    return !memcmp(bytes, m->text, m->len);
}

static bool is_empty(const u8 *bytes, u32 size)
{
    for (u32 i = 0; i < size; i++)
        if (bytes[i])
            return false;
    return true;
}

/* Always an error: ERR_UNSUPPORTED with a name, or ERR_NOT_MINE. */
static enum error foreign_mount(struct volume *v)
{
    u8 head[HEAD_BYTES];
    u32 size = (u32)min_u64(v->size, sizeof head);
    enum error error = volume_read(v, 0, size, head);
    if (error)
        return error;
    for (u32 i = 0; i < ARRAY_COUNT(magics); i++)
        if (is_magic(v, &magics[i], head))
            return fail(ERR_UNSUPPORTED, "%s", magics[i].text + magics[i].len);
    const char *compression = compression_name(head, size);
    if (compression)
        return fail(ERR_UNSUPPORTED, "%s-compressed, expected it unpacked", compression);
    if (is_md_at_end(v))
        return fail(ERR_UNSUPPORTED, "mdraid member (metadata 0.90 or 1.0)");
    if (v->purpose)
        return fail(ERR_UNSUPPORTED, "%s", v->purpose);
    return is_empty(head, size) ? fail(ERR_UNSUPPORTED, "its first %u bytes are zeros, no filesystem", size)
                                : ERR_NOT_MINE;
}

const struct filesystem fs_foreign = {.name = "foreign", .mount = foreign_mount};
