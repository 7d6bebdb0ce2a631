"""The menu: keys, countdown, screens; and the shim's own arguments, which change it."""
import re
import time

import pytest
from disk import make_disk
from guest import DOWN, ENTER, UP, Guest, stretched, virtio_disk

INNER = b"timeout none\nentry inner\n title Inner menu\n linux /none\n"


def entry(name):
    """An entry that starts the shim once more, whose own log then names the entry."""
    return f"entry {name}\n title Title of {name}\n pvh /shim.elf\n options config=/inner.cfg\n options {name}=1\n"


def start(kit, scratch, config, append="", args=(), files=None):
    image = scratch / "disk.img"
    content = {"/shim.elf": kit.shim, "/inner.cfg": INNER, "/shim.cfg": config.encode(), **(files or {})}
    make_disk(str(image), content, "mbr", "fat16")
    more = ["-append", append] if append else []
    return Guest("-kernel", kit.shim, *more, *virtio_disk(image), *args)


def expect_booted(guest, name):
    guest.expect(rf'booting "{name}" by pvh', 20)
    guest.expect(r'entered by pvh from "', 20)
    guest.expect(r"Inner menu", 20)


THREE = entry("one") + entry("two") + entry("three")


def test_enter_boots_the_first(kit, scratch):
    with start(kit, scratch, "timeout none\n" + THREE) as guest:
        guest.expect("Title of three", 30)
        guest.send(ENTER)
        expect_booted(guest, "one")


@pytest.mark.parametrize("keys,name", [
    (DOWN + ENTER, "two"), (DOWN + DOWN + ENTER, "three"), (UP + ENTER, "three"), ("\x1bOB" + ENTER, "two"),
    ("2", "two"), ("th\n", "three"), ("/title of tw\n", "two"), ("9x" + ENTER, "one")])
def test_keys(keys, name, kit, scratch):
    with start(kit, scratch, "timeout none\n" + THREE) as guest:
        guest.expect("Title of three", 30)
        guest.send(keys)
        expect_booted(guest, name)


def test_countdown_runs_out(kit, scratch):
    with start(kit, scratch, "timeout 4\ndefault two\n" + THREE) as guest:
        guest.expect(r'Booting "Title of two" in 4 s', 30)
        began = time.monotonic()
        guest.expect(r'^[123]$', 5)  # only what changed is sent
        guest.expect_screen(r'Booting "Title of two" in [123] s', 5)
        guest.expect(r'booting "two" by pvh', 10)
        assert time.monotonic() - began > 2


def test_any_key_stops_the_countdown(kit, scratch):
    with start(kit, scratch, "timeout 7\n" + THREE) as guest:
        guest.expect(r'Booting "Title of one" in 7 s', 30)
        guest.send("x")
        time.sleep(9)
        assert 'booting "' not in guest.text
        guest.send("3")
        expect_booted(guest, "three")


def test_no_timeout_line_means_five_seconds(kit, scratch):
    with start(kit, scratch, THREE) as guest:
        guest.expect(r'Booting "Title of one" in 5 s', 30)
        expect_booted(guest, "one")


def test_timeout_zero_draws_nothing(kit, scratch):
    with start(kit, scratch, "timeout 0\n" + entry("one")) as guest:
        guest.expect(r'booting "one" by pvh', 30)
        assert "Title of one" not in guest.text


def test_many_entries(kit, scratch):
    """More rows than the screen has; numbers of two digits."""
    config = "timeout none\n" + "".join(entry(f"n{i}") for i in range(1, 61))
    with start(kit, scratch, config) as guest:
        guest.expect("Title of n1 ", 30)
        guest.send("57" + ENTER)
        expect_booted(guest, "n57")


def test_a_config_as_large_as_the_memory(kit, scratch):
    """What is unpacked for the menu needs nothing of what a config has used up."""
    config = b"".join(b"menuentry 'Number %d' {\n linux /kernel x=%d\n initrd /initrd\n}\n" % (n, n)
                      for n in range(4000))
    image = scratch / "disk.img"
    make_disk(str(image), {"/boot/grub/grub.cfg": config})
    with Guest("-kernel", kit.shim, *virtio_disk(image), memory=24) as guest:
        guest.expect("error: grub.cfg:", 30)
        guest.expect("Enter (boot|do it)", 30)


def test_vga_shows_the_same(kit, scratch):
    with start(kit, scratch, "timeout none\n" + THREE) as guest:
        guest.expect("Title of three", 30)
        guest.expect_screen("Title of one", 10)
        assert re.search("Title of three", guest.screen())


def test_console_vga_only(kit, scratch):
    with start(kit, scratch, "timeout none\n" + THREE, "console=vga") as guest:
        guest.expect_screen("Title of three", 30)
        assert "Title of" not in guest.text


def test_console_serial_only(kit, scratch):
    with start(kit, scratch, "timeout none\n" + THREE, "console=serial") as guest:
        guest.expect("Title of three", 30)
        assert "Title of" not in guest.screen()


def test_second_serial_port(kit, scratch):
    log = scratch / "second"
    with start(kit, scratch, "timeout none\n" + THREE, "console=serial=0x2f8,9600", ["-serial", f"file:{log}"]):
        limit = time.monotonic() + stretched(30)
        while not (log.exists() and b"Title of three" in log.read_bytes()):
            assert time.monotonic() < limit
            time.sleep(0.2)


def test_debugcon(kit, scratch):
    log = scratch / "debug"
    with start(kit, scratch, "timeout none\n" + THREE, "", ["-debugcon", f"file:{log}"]) as guest:
        guest.expect("Title of three", 30)
        assert b"config (vda2)/shim.cfg: 3 entries" in log.read_bytes()


def test_argument_default_and_timeout(kit, scratch):
    with start(kit, scratch, "timeout none\n" + THREE, "default=three timeout=0") as guest:
        expect_booted(guest, "three")


def test_argument_config(kit, scratch):
    files = {"/other place.cfg": ("timeout 0\n" + entry("elsewhere")).encode()}
    with start(kit, scratch, "timeout none\n" + THREE, '"config=(vda2)/other place.cfg"', files=files) as guest:
        expect_booted(guest, "elsewhere")


def test_append_text(kit, scratch):
    """What stands behind -- reaches the payload: here the second shim, which takes it as arguments."""
    with start(kit, scratch, "timeout 0\n" + entry("one"), "-- verbose timeout=7") as guest:
        guest.expect(r'booting "one" by pvh', 30)
        guest.expect(r'Booting "Inner menu" in [67] s', 20)


def test_verbose_counts_requests(kit, scratch):
    with start(kit, scratch, "timeout 0\n" + entry("one"), "verbose") as guest:
        match = guest.expect(r"/shim.elf: loaded [\d.]+ MiB in (\d+) requests, (\d+) bytes bounced, (\d+) ms", 30)
        assert int(match[1]) <= 4 and int(match[2]) < 8192


def test_quiet(kit, scratch):
    with start(kit, scratch, "timeout 0\n" + entry("one"), "quiet -- quiet") as guest:
        guest.expect("Inner menu", 30)
        assert "volume vda2" not in guest.text


def test_rescan_key(kit, scratch):
    with start(kit, scratch, "timeout none\n" + THREE) as guest:
        guest.expect("Title of three", 30)
        guest.send("r")
        guest.expect("volume vda2", 20)
        guest.expect("Title of three", 20)
        guest.send("2")
        expect_booted(guest, "two")


def test_rescan_waits(kit, scratch):
    """Who asked for another look wants to see what was found, whatever the config's timeout is."""
    with start(kit, scratch, "timeout 0\nentry a\n title Broken\n linux /none\n") as guest:
        guest.expect("/none: no such file", 30)
        guest.expect("Broken", 30)
        guest.send("r")
        guest.expect("config .*1 entry", 30)
        guest.expect("Enter boot", 30)
        assert guest.text.count('/none: no such file') == 2  # in the log and in the menu: not tried again


def test_moving_is_cheap(kit, scratch):
    """The highlight moves by one row: a fiftieth of a second at 115200 baud."""
    with start(kit, scratch, "timeout none\n" + THREE) as guest:
        guest.expect("/ search", 30)
        time.sleep(1)
        before = len(guest.raw)
        guest.send(DOWN)
        guest.expect("2  Title of two", 10)
        time.sleep(1)
        assert len(guest.raw) - before < 250


def test_details(kit, scratch):
    config = "timeout none\n" + entry("one") + "entry gone\n linux /vmlinuz\n options a b\n"
    with start(kit, scratch, config) as guest:
        guest.expect("Title of one", 30)
        guest.send(DOWN + "d")
        guest.expect(r"no such file", 10)
        guest.expect_screen(r"Config +\(vda2\)/shim.cfg, line 7", 10)
        guest.send("x")
        guest.expect_screen("Title of one", 10)
        guest.send(UP + ENTER)
        expect_booted(guest, "one")


def test_lock(kit, scratch):
    with start(kit, scratch, "timeout none\n" + THREE, "lock") as guest:
        guest.expect("Title of three", 30)
        assert "edit" not in guest.screen() and "prompt" not in guest.screen()
        guest.send("c")
        guest.expect("The prompt is locked", 10)
        guest.send("e")
        guest.expect("Editing is locked", 10)
        guest.send(ENTER)
        expect_booted(guest, "one")


def test_a_key_before_a_timeout_of_zero(kit, scratch):
    """Pressed while the disk is read: the menu is shown, and waits."""
    with start(kit, scratch, "timeout 0\n" + THREE) as guest:
        guest.send("xxx")
        guest.expect("Title of three", 30)
        time.sleep(2)
        guest.send("2")
        expect_booted(guest, "two")


def test_text_screenshot(kit, scratch):
    """Title line, list, help: each on its own row, nothing torn."""
    with start(kit, scratch, "timeout none\n" + THREE) as guest:
        guest.expect_screen("Title of three", 30)
        rows = guest.screen().splitlines()
        assert rows[0].startswith(" shim ")
        listed = [r for r in rows if "Title of" in r]
        assert [r.split()[-1] if "default" not in r else "one" for r in listed] == ["one", "two", "three"]
