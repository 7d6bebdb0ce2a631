"""Other people's bzImages: memtest86+ and iPXE, which use corners of the boot protocol that Linux does not."""
import pytest
from disk import make_disk
from guest import Guest, virtio_disk

OTHERS = {
    "memtest86+ 64-bit": ("pc", "memtest86+", "memtest86+x64.bin", "console=ttyS0,115200", r"Memtest86\+", "serial"),
    "memtest86+ 32-bit": ("q35", "memtest86+", "memtest86+ia32.bin", "console=ttyS0,115200", r"Memtest86\+", "serial"),
    "memtest86+ on VGA": ("q35", "memtest86+", "memtest86+x64.bin", "", r"Memtest86\+", "vga"),
    "iPXE": ("pc", "ipxe", "ipxe.lkrn", "", r"iPXE", "vga"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_bzimage(name, kit, scratch):
    machine, package, file, options, banner, where = OTHERS[name]
    path = next((kit.packages / package).rglob(file))
    disk = scratch / "disk.img"
    config = f"timeout 0\nentry other\n linux /{file}\n" + (f" options {options}\n" if options else "")
    make_disk(str(disk), {"/shim.cfg": config.encode(), f"/{file}": path}, "mbr", "fat16")
    with Guest("-kernel", kit.shim, *virtio_disk(disk), machine=machine) as guest:
        guest.expect(r'booting "other" by linux', 30)
        if where == "serial":
            guest.expect(banner, 60)
        else:
            guest.expect_screen(banner, 60)
