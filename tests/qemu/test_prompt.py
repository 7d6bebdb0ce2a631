"""The rescue prompt: what it shows, and kernels that are booted from it."""
import pytest
from disk import make_disk
from guest import ENTER, UP, Guest, virtio_disk

CONFIG = b"timeout none\nentry broken\n title Broken entry\n linux /no/kernel\n"
PROMPT = r"shim \(vda2\)> "


@pytest.fixture
def prompt(kit, scratch):
    """A guest whose only entry cannot be booted, at its prompt."""
    image = scratch / "disk.img"
    files = {"/shim.cfg": CONFIG, "/boot/vmlinuz": kit.vmlinuz, "/boot/initrd.img": kit.initrd, "/shim.elf": kit.shim,
             "/etc/with blank.conf": b"first line\nsecond\tline\n", **{f"/many/{n:04}": b"" for n in range(1000)}}
    make_disk(str(image), files)
    with Guest("-kernel", kit.shim, *virtio_disk(image)) as guest:
        guest.expect("Broken entry", 30)
        guest.send("c")
        guest.expect(PROMPT, 20)
        yield guest


def say(guest, line, answer):
    guest.send(line + ENTER)
    match = guest.expect(answer, 20)
    guest.expect(PROMPT, 20)
    return match


def test_looking_around(prompt):
    say(prompt, "ls", r"^\* vda2 +\d+ MiB  ext4 LABEL=demo UUID=")
    say(prompt, "ls /boot", r"^ +\d+  initrd.img$")
    say(prompt, "cat /et\twi\t", r"^first line$")
    say(prompt, "disks", r"^vda +\d+ MiB  virtio-blk, blocks of 512 bytes$")
    say(prompt, "memory", r"^\d+ MiB usable$")
    say(prompt, "log", r"^shim: config \(vda2\)/shim.cfg: 1 entry$")
    say(prompt, "poweof", r'^unknown command "poweof"; did you mean "poweroff"\?$')
    say(prompt, "cat /nowhere", r"^shim: error: \(vda2\)/nowhere: no such file")
    prompt.send("ls /many" + ENTER)
    prompt.expect("-- more --", 20)
    prompt.send("q")
    prompt.expect(PROMPT, 20)
    prompt.expect_screen(r"shim \(vda2\)>$", 10)
    prompt.send("\x1b")
    prompt.expect("Broken entry", 20)


def test_linux_boots(prompt):
    say(prompt, "linux /boot/vmlinuz", "")
    say(prompt, "initrd /boot/ini\t", "")
    say(prompt, "options console=ttyS0 quiet word=prompt", "")
    say(prompt, "show", r"^options console=ttyS0 quiet word=prompt$")
    prompt.send("go" + ENTER)
    prompt.expect(r'booting "prompt" by linux64', 30)
    prompt.expect(r"init: cmdline: console=ttyS0 quiet word=prompt", 120)
    prompt.expect(r"init: done", 60)


def test_a_failed_boot_is_mended(prompt):
    """The error is said, the prompt is back, and what was given is still there."""
    say(prompt, '"boot" "/etc/with blank.conf" timeout=7', r"^shim: error: \(vda2\)/etc/with blank.conf: starts with")
    say(prompt, "show", r"^options timeout=7$")
    say(prompt, UP + "x", "^unknown command \"showx\"")
    prompt.send("pvh /shim.elf" + ENTER + "go" + ENTER)
    prompt.expect(r'booting "prompt" by pvh', 30)
    prompt.expect(r'entered by pvh from "', 20)


def test_boots_that_fail_use_nothing_up(kit, scratch):
    """With little memory: what was made for a boot, in the prompt or the editor, is given back when it fails."""
    image = scratch / "disk.img"
    make_disk(str(image), {"/shim.cfg": CONFIG, "/note": b"no kernel\n"})
    with Guest("-kernel", kit.shim, *virtio_disk(image), memory=24) as guest:
        guest.expect("Broken entry", 30)
        guest.send("c")
        guest.expect(PROMPT, 20)
        for _ in range(60):
            say(guest, "boot /note with options", "error: .*/note: starts with")
        guest.send("\x1b")
        guest.expect("Enter boot", 20)
        for n in range(60):
            guest.send(f"e{n}")
            guest.expect("Enter boots  Esc back", 20)
            guest.send(ENTER)
            guest.expect("/no/kernel: no such file", 20)
        assert "memory used up" not in guest.text
