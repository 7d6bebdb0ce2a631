"""The machine's own keyboard: keys of QEMU's `sendkey` choose an entry on a screen without a serial console."""
import time

import pytest
from disk import make_disk
from guest import Guest, stretched, virtio_disk
from hosts import host_arguments

INNER = b"timeout none\nentry inner\n title Inner menu\n linux /none\n"
TWO = "timeout 20\n" + "".join(f"entry {n}\n title Title of {n}\n pvh /shim.elf\n options config=/inner.cfg\n"
                               for n in ("one", "two"))
USB = ["-device", "qemu-xhci", "-device", "usb-kbd"]

# machine, arguments, who starts the shim. USB keyboards are the BIOS's (INT 16h), with an i8042 beside them or without.
ROWS = {
    "ps2-pc": ("pc", [], "pvh"),
    "ps2-q35": ("q35", [], "grub-bios"),
    "usb-q35": ("q35", USB, "pvh"),
    "usb-only-pc": ("pc,i8042=off", USB, "grub-bios"),
}


@pytest.mark.parametrize("name", ROWS)
def test_keys_choose(name, kit, scratch):
    machine, more, host = ROWS[name]
    image, log = scratch / "disk.img", scratch / "debug"
    make_disk(str(image), {"/shim.cfg": TWO.encode(), "/inner.cfg": INNER, "/shim.elf": kit.shim}, "mbr", "fat16")
    args = host_arguments(host, kit, scratch, "console=vga,debugcon")
    with Guest(*args, *virtio_disk(image), *more, "-debugcon", f"file:{log}", machine=machine) as guest:
        guest.expect_screen("Title of two", 60)
        for key in ("x", "backspace", "down"):  # the first stops the countdown
            guest.monitor(f"sendkey {key}")
            time.sleep(0.3)
        assert "Booting" not in guest.screen()
        guest.monitor("sendkey ret")
        guest.expect_screen("Inner menu", 30)
        limit = time.monotonic() + stretched(5)
        while 'booting "two" by pvh' not in log.read_text():
            assert time.monotonic() < limit, log.read_text()
            time.sleep(0.2)
