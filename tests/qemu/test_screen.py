"""What a person sees: the menu in VGA's text mode and on framebuffers, read from screendumps; and Linux after it."""
from disk import make_disk
from guest import Guest, virtio_disk
from hosts import host_arguments, ovmf
from screen import expect_seen, picture
from test_iso import medium

CONFIG = """timeout none
entry linux
 title Debian GNU/Linux, größer → schöner
 linux /vmlinuz
 initrd /initrd.img
 options console=ttyS0 console=tty0 shim.test=halt
entry other
 title Другой “Title”
 linux /none
"""


def disk_of(kit, scratch):
    image = scratch / "disk.img"
    make_disk(str(image), {"/shim.cfg": CONFIG.encode(), "/vmlinuz": kit.vmlinuz, "/initrd.img": kit.initrd}, "mbr",
              "ext4")
    return virtio_disk(image)


def test_vga_text(kit, scratch):
    """What is read from the picture is what lies in video memory."""
    with Guest("-kernel", kit.shim, *disk_of(kit, scratch)) as guest:
        text = expect_seen(guest, scratch, r"Debian GNU/Linux, größer → schöner", 30)
        assert '?????? "Title"' in text
        assert text == guest.screen().replace("\x1a", "→")


def test_grub_bios(kit, scratch):
    """1024x768, and Linux goes on drawing there."""
    args = host_arguments("grub-bios", kit, scratch, "console=serial,fb", mode="1024x768x32")
    with Guest(*args, *disk_of(kit, scratch), memory=512) as guest:
        text = expect_seen(guest, scratch, r"Debian GNU/Linux, größer → schöner", 60)
        assert "?????? “Title”" in text
        assert picture(guest, scratch / "screen.ppm").startswith(b"P6\n1024 768\n")
        guest.send("1")
        guest.expect(r"mode is 1024x768x32, linelength=4096", 240)
        expect_seen(guest, scratch, r"Run /init as init process", 120)


def test_grub_uefi_large(kit, scratch):
    """Full HD: drawn twice as large; no serial port takes part."""
    args = host_arguments("grub-uefi", kit, scratch, "console=fb", mode="1920x1080x32")
    with Guest(*args, *disk_of(kit, scratch), memory=512) as guest:
        text = expect_seen(guest, scratch, r"Debian GNU/Linux, größer → schöner", 120)
        assert "?????? “Title”" in text and "\ufffd" not in text
        assert picture(guest, scratch / "screen.ppm").startswith(b"P6\n1920 1080\n")
        assert "schöner" not in guest.text


def test_iso_uefi(kit, scratch):
    """`make iso` as it is, in the mode that GRUB chooses."""
    with Guest(*ovmf(scratch), *medium("cd", kit.iso), machine="q35", memory=512) as guest:
        expect_seen(guest, scratch, r"on the serial port first", 120)
